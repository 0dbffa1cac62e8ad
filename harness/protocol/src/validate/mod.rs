//! Validation: does a payload keep to the catalogue, exactly as the official schemas would have it?

mod uri;

use std::fmt;

use serde_json::Value;

use crate::catalogue::{Catalogue, Number, Object, Type};
use crate::decimal::Decimal;
use crate::frame::shown;
use crate::{Timestamp, Version};

pub use uri::is_uri;

/// More violations than these in one payload are not listed: a hostile payload must not fill our memory.
pub const MOST_VIOLATIONS: usize = 200;

/// A place where a payload breaks the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where, in the style of a JSON pointer: `/idTagInfo/status`; empty for the payload itself.
    pub path: String,
    /// What it is.
    pub kind: ViolationKind,
    /// What should be there.
    pub expected: String,
    /// What is there, shortened.
    pub actual: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "the payload" } else { &self.path };
        match self.kind {
            ViolationKind::MissingField => write!(f, "{path} is missing: {}", self.expected),
            ViolationKind::UnknownField => write!(f, "{path} is unknown: {}", self.expected),
            _ => write!(f, "{path}: expected {}, got {}", self.expected, self.actual),
        }
    }
}

/// How a payload can break the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ViolationKind {
    /// The payload itself is no object.
    NotAnObject,
    /// A required field is missing.
    MissingField,
    /// A field that the object does not have.
    UnknownField,
    /// A value of the wrong JSON type.
    WrongType,
    /// A word that is not in the enumeration.
    NotInEnumeration,
    /// A text with too many code points.
    TooLong,
    /// A text with too few code points.
    TooShort,
    /// A list with too many items.
    TooManyItems,
    /// A list with too few items.
    TooFewItems,
    /// A number below or above its bounds.
    OutOfRange,
    /// A number that is no multiple of its step.
    NotAMultiple,
    /// A text that is no RFC 3339 date-time.
    BadDateTime,
    /// A text that is no absolute URI.
    BadUri,
}

impl ViolationKind {
    /// Every kind.
    pub const ALL: [ViolationKind; 13] = [
        ViolationKind::NotAnObject,
        ViolationKind::MissingField,
        ViolationKind::UnknownField,
        ViolationKind::WrongType,
        ViolationKind::NotInEnumeration,
        ViolationKind::TooLong,
        ViolationKind::TooShort,
        ViolationKind::TooManyItems,
        ViolationKind::TooFewItems,
        ViolationKind::OutOfRange,
        ViolationKind::NotAMultiple,
        ViolationKind::BadDateTime,
        ViolationKind::BadUri,
    ];

    /// A short stable name: `missing-field`.
    pub fn name(self) -> &'static str {
        match self {
            ViolationKind::NotAnObject => "not-an-object",
            ViolationKind::MissingField => "missing-field",
            ViolationKind::UnknownField => "unknown-field",
            ViolationKind::WrongType => "wrong-type",
            ViolationKind::NotInEnumeration => "not-in-enumeration",
            ViolationKind::TooLong => "too-long",
            ViolationKind::TooShort => "too-short",
            ViolationKind::TooManyItems => "too-many-items",
            ViolationKind::TooFewItems => "too-few-items",
            ViolationKind::OutOfRange => "out-of-range",
            ViolationKind::NotAMultiple => "not-a-multiple",
            ViolationKind::BadDateTime => "bad-date-time",
            ViolationKind::BadUri => "bad-uri",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<ViolationKind> {
        ViolationKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Where a payload breaks an object of the catalogue; empty means that it is valid.
pub fn validate(_version: Version, object: &Object, value: &Value) -> Vec<Violation> {
    let mut walk = Walk { path: String::new(), violations: Vec::new() };
    match value {
        Value::Object(_) => walk.object(object, value),
        other => walk.add(ViolationKind::NotAnObject, "an object".to_owned(), other),
    }
    walk.violations
}

/// Where a value breaks a type of the catalogue; empty means that it is valid.
pub fn value_violations(ty: &Type, value: &Value) -> Vec<Violation> {
    let mut walk = Walk { path: String::new(), violations: Vec::new() };
    walk.ty(ty, value);
    walk.violations
}

/// Where a request breaks the catalogue; an action that the version does not have breaks nothing here.
pub fn request_violations(version: Version, action: &str, payload: &Value) -> Vec<Violation> {
    Catalogue::of(version).message(action).map_or_else(Vec::new, |message| validate(version, &message.request, payload))
}

/// Where a response breaks the catalogue; an action that the version does not have, or without a response, breaks
/// nothing here.
pub fn response_violations(version: Version, action: &str, payload: &Value) -> Vec<Violation> {
    Catalogue::of(version)
        .message(action)
        .and_then(|message| message.response.as_deref())
        .map_or_else(Vec::new, |response| validate(version, response, payload))
}

/// Whether a value is a whole number under the rule of a field: under draft-04 it must be written without point
/// and exponent, under draft-06 only its value counts.
pub fn is_integer(value: &Value, lenient: bool) -> bool {
    match value {
        Value::Number(number) if number.is_f64() => lenient && Decimal::of(number).is_whole(),
        Value::Number(_) => true,
        _ => false,
    }
}

struct Walk {
    path: String,
    violations: Vec<Violation>,
}

impl Walk {
    fn object(&mut self, object: &Object, value: &Value) {
        let Value::Object(map) = value else {
            let name = object.name.as_deref().unwrap_or("object");
            return self.add(ViolationKind::WrongType, format!("an object ({name})"), value);
        };
        for field in &object.fields {
            let depth = self.enter(&field.name);
            match map.get(&field.name) {
                Some(value) => self.ty(&field.ty, value),
                None if field.required => {
                    let expected = field.ty.describe();
                    self.push(ViolationKind::MissingField, expected, "nothing".to_owned());
                }
                None => {}
            }
            self.path.truncate(depth);
        }
        if object.open {
            return;
        }
        for (key, value) in map {
            if self.is_full() {
                return;
            }
            if object.field(key).is_none() {
                let depth = self.enter(key);
                let expected = match object.suggest_field(key) {
                    Some(meant) => format!("no such field, did it mean {meant}?"),
                    None => "no such field".to_owned(),
                };
                self.add(ViolationKind::UnknownField, expected, value);
                self.path.truncate(depth);
            }
        }
    }

    fn ty(&mut self, ty: &Type, value: &Value) {
        if self.is_full() {
            return;
        }
        match (ty, value) {
            (Type::Any, _) | (Type::Boolean, Value::Bool(_)) => {}
            (Type::Object(object), _) => self.object(object, value),
            (Type::String { min, max, .. }, Value::String(text)) => {
                self.length(*min, *max, text, value);
            }
            (Type::Enum(enumeration), Value::String(text)) => {
                if !enumeration.contains(text) {
                    let mut expected = one_of(&enumeration.values);
                    if let Some(meant) = enumeration.suggest(text) {
                        expected.push_str(&format!(" (did it mean {meant}?)"));
                    }
                    self.add(ViolationKind::NotInEnumeration, expected, value);
                }
            }
            (Type::DateTime, Value::String(text)) => {
                if Timestamp::parse(text).is_none() {
                    let expected = "an RFC 3339 date-time with an offset".to_owned();
                    self.add(ViolationKind::BadDateTime, expected, value);
                }
            }
            (Type::Uri, Value::String(text)) => {
                if !is_uri(text) {
                    self.add(ViolationKind::BadUri, "an absolute URI".to_owned(), value);
                }
            }
            (Type::Integer { min, max, lenient }, Value::Number(_)) if is_integer(value, *lenient) => {
                self.bounds(min.map(Number::whole), max.map(Number::whole), ty, value);
            }
            (Type::Decimal { min, max, step }, Value::Number(number)) => {
                self.bounds(*min, *max, ty, value);
                if let Some(step) = step
                    && !Decimal::of(number).is_multiple_of(*step)
                {
                    let expected = format!("a multiple of {step}");
                    self.add(ViolationKind::NotAMultiple, expected, value);
                }
            }
            (Type::List { item, min, max }, Value::Array(items)) => {
                self.count(*min, *max, items.len() as u64, value);
                for (index, value) in items.iter().enumerate() {
                    if self.is_full() {
                        return;
                    }
                    let depth = self.enter(&index.to_string());
                    self.ty(item, value);
                    self.path.truncate(depth);
                }
            }
            _ => self.add(ViolationKind::WrongType, json_type(ty), value),
        }
    }

    fn length(&mut self, min: Option<u64>, max: Option<u64>, text: &str, value: &Value) {
        let length = text.chars().count() as u64;
        if let Some(max) = max
            && length > max
        {
            let actual = format!("{length} characters: {}", shown(value));
            self.push(ViolationKind::TooLong, format!("at most {max} characters"), actual);
        }
        if let Some(min) = min
            && length < min
        {
            let actual = format!("{length} characters: {}", shown(value));
            self.push(ViolationKind::TooShort, format!("at least {min} characters"), actual);
        }
    }

    fn count(&mut self, min: Option<u64>, max: Option<u64>, length: u64, value: &Value) {
        if let Some(max) = max
            && length > max
        {
            let actual = format!("{length} items");
            self.push(ViolationKind::TooManyItems, format!("at most {max} items"), actual);
        }
        if let Some(min) = min
            && length < min
        {
            let noun = if min == 1 { "item" } else { "items" };
            self.add(ViolationKind::TooFewItems, format!("at least {min} {noun}"), value);
        }
    }

    fn bounds(&mut self, min: Option<Number>, max: Option<Number>, ty: &Type, value: &Value) {
        let number = value.as_f64().unwrap_or(0.0);
        let is_low = min.is_some_and(|min| number < min.as_f64());
        let is_high = max.is_some_and(|max| number > max.as_f64());
        if is_low || is_high {
            self.add(ViolationKind::OutOfRange, ty.describe(), value);
        }
    }

    /// Goes one step down; the returned length undoes it.
    fn enter(&mut self, step: &str) -> usize {
        let depth = self.path.len();
        self.path.push('/');
        if step.contains(['~', '/']) {
            self.path.push_str(&step.replace('~', "~0").replace('/', "~1"));
        } else {
            self.path.push_str(step);
        }
        depth
    }

    fn is_full(&self) -> bool {
        self.violations.len() >= MOST_VIOLATIONS
    }

    fn add(&mut self, kind: ViolationKind, expected: String, value: &Value) {
        self.push(kind, expected, shown(value));
    }

    fn push(&mut self, kind: ViolationKind, expected: String, actual: String) {
        if !self.is_full() {
            self.violations.push(Violation { path: self.path.clone(), kind, expected, actual });
        }
    }
}

fn json_type(ty: &Type) -> String {
    let text = match ty {
        Type::String { .. } => "a string",
        Type::Enum(enumeration) => return format!("a string ({})", enumeration.name),
        Type::DateTime => "a string with a date-time",
        Type::Uri => "a string with a URI",
        Type::Integer { .. } => "an integer",
        Type::Decimal { .. } => "a number",
        Type::Boolean => "true or false",
        Type::List { .. } => "a list",
        Type::Object(_) => "an object",
        Type::Any => "anything",
    };
    text.to_owned()
}

fn one_of(values: &[String]) -> String {
    const MOST: usize = 12;
    if values.len() <= MOST {
        return format!("one of {}", values.join(", "));
    }
    format!("one of {}, … ({} in all)", values[..MOST].join(", "), values.len())
}
