//! What a place wants: the types by which scalars are decoded.

use protocol::Version;
use protocol::catalogue::{Field, Object, Type};
use protocol::stimulus::ArgumentType;
use protocol::validate::{Violation, ViolationKind, value_violations};
use serde_json::Value;

use super::mistake::{Mistake, did_you_mean, listed};
use crate::ast::{ConstantType, GivenSource};

/// The type of a place.
#[derive(Clone, Debug)]
pub(crate) enum Want {
    /// A place in a message: its type in every version the message is written for.
    Wire(Vec<Shape>),
    /// An argument of a stimulus.
    Argument(ArgumentType),
    /// A constant.
    Constant(ConstantType),
    /// Text.
    Text,
    /// A list.
    List(Box<Want>),
    /// Anything: unquoted numbers and `true` are what JSON makes of them.
    Free,
    /// Not known before parts are linked: scalars stay text.
    Later,
}

/// A place of a message in one version.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) version: Version,
    pub(crate) ty: Wire,
}

/// The payload itself or something in it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wire {
    Payload(&'static Object),
    Field(&'static Type),
}

/// Why a text is no value of a type.
pub(crate) struct Misfit {
    pub(crate) mistake: Mistake,
    pub(crate) title: String,
    pub(crate) label: String,
    pub(crate) help: Option<String>,
}

impl Want {
    pub(crate) fn payload(shapes: impl IntoIterator<Item = (Version, &'static Object)>) -> Want {
        Want::Wire(shapes.into_iter().map(|(version, object)| Shape { version, ty: Wire::Payload(object) }).collect())
    }

    /// The type in words.
    pub(crate) fn describe(&self) -> String {
        match self {
            Want::Wire(shapes) => match shapes.first().map(|shape| shape.ty) {
                Some(Wire::Field(ty)) => type_words(ty),
                _ => "a map of fields".to_owned(),
            },
            Want::Argument(kind) => match kind {
                ArgumentType::Connector => "a connector".to_owned(),
                ArgumentType::Token => "a token".to_owned(),
                ArgumentType::Duration => constant_words(ConstantType::Duration).to_owned(),
                ArgumentType::Time => constant_words(ConstantType::Time).to_owned(),
                ArgumentType::Text => constant_words(ConstantType::String).to_owned(),
                ArgumentType::Integer => constant_words(ConstantType::Integer).to_owned(),
                ArgumentType::OneOf(words) => format!("one of {}", words.join(", ")),
                ArgumentType::Any => "anything".to_owned(),
            },
            Want::Constant(kind) => constant_words(*kind).to_owned(),
            Want::Text => "a text".to_owned(),
            Want::List(item) => format!("a list of {}", item.describe()),
            Want::Free | Want::Later => "anything".to_owned(),
        }
    }

    /// What the elements of a list are; `None` if this is no list.
    pub(crate) fn item(&self) -> Option<Want> {
        match self {
            Want::Wire(shapes) => {
                let items: Option<Vec<Shape>> = shapes
                    .iter()
                    .map(|shape| match shape.ty {
                        Wire::Field(Type::List { item, .. }) => {
                            Some(Shape { version: shape.version, ty: Wire::Field(item) })
                        }
                        _ => None,
                    })
                    .collect();
                match items {
                    Some(items) => Some(Want::Wire(items)),
                    None if self.is_any() => Some(Want::Free),
                    None => None,
                }
            }
            Want::List(item) => Some((**item).clone()),
            Want::Free | Want::Argument(ArgumentType::Any) => Some(Want::Free),
            Want::Later => Some(Want::Later),
            _ => None,
        }
    }

    /// The objects, one a version; `None` if this is no object of the catalogue.
    pub(crate) fn objects(&self) -> Option<Vec<(Version, &'static Object)>> {
        let Want::Wire(shapes) = self else { return None };
        shapes
            .iter()
            .map(|shape| match shape.ty {
                Wire::Payload(object) => Some((shape.version, object)),
                Wire::Field(Type::Object(object)) => Some((shape.version, &**object)),
                Wire::Field(_) => None,
            })
            .collect()
    }

    /// The fields of a record that is no object of the catalogue.
    pub(crate) fn record_field(&self, name: &str) -> Option<Want> {
        match (self, name) {
            (Want::Argument(ArgumentType::Connector), "evse" | "connector") => {
                Some(Want::Argument(ArgumentType::Integer))
            }
            (Want::Argument(ArgumentType::Token), "idToken" | "type" | "group") => Some(Want::Text),
            (Want::Free | Want::Argument(ArgumentType::Any), _) => Some(Want::Free),
            (Want::Later, _) => Some(Want::Later),
            (Want::Wire(_), _) if self.is_any() => Some(Want::Free),
            _ => None,
        }
    }

    /// What stands in a part of a value, be it a record or an object of the catalogue.
    pub(crate) fn part(&self, name: &str) -> Option<Want> {
        let Some(objects) = self.objects() else { return self.record_field(name) };
        let (want, lacking) = field_of(&objects, name);
        (lacking.len() < objects.len()).then_some(want)
    }

    /// The parts that a value can have by its type, where they can be listed.
    pub(crate) fn part_names(&self) -> Vec<&str> {
        match self {
            Want::Argument(ArgumentType::Connector) => vec!["evse", "connector"],
            Want::Argument(ArgumentType::Token) => vec!["idToken", "type", "group"],
            _ => {
                let objects = self.objects().unwrap_or_default();
                let mut names: Vec<&str> =
                    objects.iter().flat_map(|(_, object)| &object.fields).map(|field| field.name.as_str()).collect();
                names.sort_unstable();
                names.dedup();
                names
            }
        }
    }

    /// Whether `now` is a moment here.
    pub(crate) fn is_time(&self) -> bool {
        match self {
            Want::Wire(shapes) => shapes.iter().all(|shape| matches!(shape.ty, Wire::Field(Type::DateTime))),
            Want::Argument(ArgumentType::Time) | Want::Constant(ConstantType::Time) => true,
            _ => false,
        }
    }

    /// Whether text can stand here, and so names inside of text.
    pub(crate) fn is_text(&self) -> bool {
        match self {
            Want::Wire(shapes) => shapes.iter().all(|shape| {
                matches!(shape.ty, Wire::Field(Type::String { .. } | Type::Uri | Type::Enum(_) | Type::Any))
            }),
            Want::Argument(kind) => matches!(kind, ArgumentType::Text | ArgumentType::Any),
            Want::Constant(kind) => *kind == ConstantType::String,
            Want::Text | Want::Free | Want::Later => true,
            Want::List(_) => false,
        }
    }

    fn is_any(&self) -> bool {
        matches!(self, Want::Wire(shapes) if shapes.iter().all(|shape| matches!(shape.ty, Wire::Field(Type::Any))))
    }

    /// The value that a text stands for here.
    pub(crate) fn decode(&self, text: &str, plain: bool) -> Result<Value, Misfit> {
        match self {
            Want::Wire(shapes) => {
                let mut values = Vec::new();
                for shape in shapes {
                    values.push(wire(shape, text, plain)?);
                }
                // Versions may differ in a number's type; a number can be written as text, but not the other way.
                let numbers = values.iter().position(|value| !value.is_string());
                let at = numbers.unwrap_or(0);
                Ok(if values.is_empty() { free(text, plain) } else { values.swap_remove(at) })
            }
            Want::Argument(kind) => argument(*kind, text, plain),
            Want::Constant(kind) => constant(*kind, text),
            Want::Text | Want::Later => Ok(Value::String(text.to_owned())),
            Want::List(_) => Err(Misfit::not_a_list(text)),
            Want::Free => Ok(free(text, plain)),
        }
    }
}

impl Misfit {
    fn wrong_type(text: &str, expected: &str) -> Misfit {
        let title = format!("\"{text}\" is not {expected}");
        let words = if expected == "true or false" { &["true", "false"][..] } else { &[] };
        let help = did_you_mean(protocol::catalogue::suggest(text, words.iter().copied()));
        Misfit { mistake: Mistake::WrongType, title, label: format!("expected {expected}"), help }
    }

    fn not_a_list(text: &str) -> Misfit {
        Misfit { help: Some(format!("write `[{text}]`")), ..Misfit::wrong_type(text, "a list") }
    }

    fn unknown_word(text: &str, list: &str, words: &[&str]) -> Misfit {
        let help = did_you_mean(protocol::catalogue::suggest(text, words.iter().copied())).or_else(|| listed(words));
        let title = format!("\"{text}\" is not {list}");
        Misfit { mistake: Mistake::UnknownValue, title, label: "not known".to_owned(), help }
    }

    /// What is wrong with a value that has the right JSON type.
    fn violation(text: &str, ty: &Type, violation: &Violation, version: Version) -> Misfit {
        match (violation.kind, ty) {
            (ViolationKind::NotInEnumeration, Type::Enum(enumeration)) => {
                let words: Vec<&str> = enumeration.values.iter().map(String::as_str).collect();
                Misfit::unknown_word(text, &format!("one of {} in {version}", enumeration.name), &words)
            }
            (ViolationKind::WrongType | ViolationKind::BadDateTime | ViolationKind::BadUri, _) => {
                Misfit::wrong_type(text, &type_words(ty))
            }
            (kind, _) => {
                let what = match kind {
                    ViolationKind::TooLong => "too long",
                    ViolationKind::TooShort => "too short",
                    ViolationKind::NotAMultiple => "not a multiple of the step",
                    _ => "out of bounds",
                };
                Misfit {
                    mistake: Mistake::OutOfBounds,
                    title: format!("\"{text}\" is {what} in {version}"),
                    label: format!("expected {}", violation.expected),
                    help: None,
                }
            }
        }
    }
}

/// The type of a field in all versions that have it, and the versions that do not.
pub(crate) fn field_of(objects: &[(Version, &'static Object)], name: &str) -> (Want, Vec<Version>) {
    let mut shapes = Vec::new();
    let mut lacking = Vec::new();
    for (version, object) in objects {
        match object.field(name) {
            Some(Field { ty, .. }) => shapes.push(Shape { version: *version, ty: Wire::Field(ty) }),
            None if object.open => {}
            None => lacking.push(*version),
        }
    }
    (if shapes.is_empty() { Want::Free } else { Want::Wire(shapes) }, lacking)
}

/// What a value of the rig or a constant is.
pub(crate) fn want_of(source: &GivenSource) -> Want {
    match source {
        GivenSource::Rig(path) => rig_type(&path.value),
        GivenSource::Constant(kind, _) => Want::Constant(*kind),
    }
}

/// What stands at a path of the rig.
pub(super) fn rig_type(path: &str) -> Want {
    let parts: Vec<&str> = path.split('.').collect();
    match *parts.as_slice() {
        ["connector"] | ["connectors", _] => Want::Argument(ArgumentType::Connector),
        ["connectors"] => Want::List(Box::new(Want::Argument(ArgumentType::Connector))),
        ["connector", _] | ["connectors", _, _] => Want::Constant(ConstantType::Integer),
        ["tags", _] => Want::Argument(ArgumentType::Token),
        ["timeouts", _] => Want::Constant(ConstantType::Duration),
        ["tags", _, _] | ["identity" | "password"] | ["identities", _] => Want::Text,
        ["identities"] => Want::List(Box::new(Want::Text)),
        _ => Want::Free,
    }
}

/// The name of a type of constants.
pub(crate) fn constant_name(kind: ConstantType) -> &'static str {
    CONSTANTS.iter().find(|(_, known)| *known == kind).map_or("", |(name, _)| name)
}

/// The types of constants by their names.
pub(crate) const CONSTANTS: [(&str, ConstantType); 6] = [
    ("integer", ConstantType::Integer),
    ("decimal", ConstantType::Decimal),
    ("string", ConstantType::String),
    ("boolean", ConstantType::Boolean),
    ("time", ConstantType::Time),
    ("duration", ConstantType::Duration),
];

fn wire(shape: &Shape, text: &str, plain: bool) -> Result<Value, Misfit> {
    let Wire::Field(ty) = shape.ty else {
        return Err(Misfit::wrong_type(text, "a map of fields"));
    };
    let number = || serde_json::from_str::<serde_json::Number>(text).ok().map(Value::Number);
    let value = match ty {
        Type::String { .. } | Type::DateTime | Type::Uri | Type::Enum(_) => Some(Value::String(text.to_owned())),
        Type::Integer { .. } => text.parse::<i64>().ok().map(Value::from),
        Type::Decimal { .. } => number(),
        Type::Boolean => boolean(text),
        Type::Any => Some(free(text, plain)),
        Type::Object(_) | Type::List { .. } => None,
    };
    let value = value.ok_or_else(|| match ty {
        Type::List { .. } => Misfit::not_a_list(text),
        _ => Misfit::wrong_type(text, &type_words(ty)),
    })?;
    match value_violations(ty, &value).first() {
        Some(violation) => Err(Misfit::violation(text, ty, violation, shape.version)),
        None => Ok(value),
    }
}

fn argument(kind: ArgumentType, text: &str, plain: bool) -> Result<Value, Misfit> {
    let misfit = || Misfit::wrong_type(text, &Want::Argument(kind).describe());
    match kind {
        ArgumentType::Connector => Err(misfit()),
        ArgumentType::Token => Ok(serde_json::json!({ "idToken": text })),
        ArgumentType::Duration => constant(ConstantType::Duration, text),
        ArgumentType::Time => constant(ConstantType::Time, text),
        ArgumentType::Text => Ok(Value::String(text.to_owned())),
        ArgumentType::Integer => constant(ConstantType::Integer, text),
        ArgumentType::OneOf(words) if words.contains(&text) => Ok(Value::String(text.to_owned())),
        ArgumentType::OneOf(words) => Err(Misfit::unknown_word(text, "a word that stands here", words)),
        ArgumentType::Any => Ok(free(text, plain)),
    }
}

fn constant(kind: ConstantType, text: &str) -> Result<Value, Misfit> {
    let value = match kind {
        ConstantType::Integer => text.parse::<i64>().ok().map(Value::from),
        ConstantType::Decimal => serde_json::from_str::<serde_json::Number>(text).ok().map(Value::Number),
        ConstantType::String => Some(Value::String(text.to_owned())),
        ConstantType::Boolean => boolean(text),
        ConstantType::Time => protocol::Timestamp::parse(text).map(|_| Value::String(text.to_owned())),
        ConstantType::Duration => protocol::time::duration(text).ok().map(seconds),
    };
    value.ok_or_else(|| Misfit::wrong_type(text, constant_words(kind)))
}

/// A type of constants in the words of people.
pub(super) fn constant_words(kind: ConstantType) -> &'static str {
    match kind {
        ConstantType::Integer => "a whole number",
        ConstantType::Decimal => "a number",
        ConstantType::String => "a text",
        ConstantType::Boolean => "true or false",
        ConstantType::Time => "a moment such as 2024-01-31T12:00:00Z",
        ConstantType::Duration => "a length of time such as 30s or 500ms",
    }
}

/// A type of the catalogue in the words of people.
fn type_words(ty: &Type) -> String {
    match ty {
        Type::String { max: Some(max), .. } => format!("a text of at most {max} characters"),
        Type::String { .. } => "a text".to_owned(),
        Type::Integer { .. } => constant_words(ConstantType::Integer).to_owned(),
        Type::Decimal { .. } => constant_words(ConstantType::Decimal).to_owned(),
        Type::Boolean => constant_words(ConstantType::Boolean).to_owned(),
        Type::DateTime => constant_words(ConstantType::Time).to_owned(),
        Type::Uri => "a URI".to_owned(),
        Type::Any => "anything".to_owned(),
        Type::Enum(enumeration) => format!("one of {}", enumeration.name),
        Type::Object(object) => match &object.name {
            Some(name) => format!("a map ({name})"),
            None => "a map".to_owned(),
        },
        Type::List { .. } => "a list".to_owned(),
    }
}

/// A length of time as a number of seconds, whole where it is whole.
fn seconds(length: std::time::Duration) -> Value {
    if length.subsec_nanos() == 0 { Value::from(length.as_secs()) } else { Value::from(length.as_secs_f64()) }
}

fn boolean(text: &str) -> Option<Value> {
    text.parse::<bool>().ok().map(Value::Bool)
}

/// What JSON makes of an unquoted number, `true` or `false`; anything else is text.
fn free(text: &str, plain: bool) -> Value {
    let literal: Option<Value> = if plain { serde_json::from_str(text).ok() } else { None };
    match literal {
        Some(literal @ (Value::Number(_) | Value::Bool(_) | Value::Null)) => literal,
        _ => Value::String(text.to_owned()),
    }
}
