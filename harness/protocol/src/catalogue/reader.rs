//! Reads the text form of a catalogue.
//!
//! ```text
//! message Authorize station > csms Core
//!   request
//!     idTag: cistring[20]
//!   response
//!     idTagInfo: IdTagInfo
//! ```

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::model::{Enumeration, Field, Kind, Message, Number, Object, Sender, Type};

/// A mistake in the text of a catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub text: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.text)
    }
}

impl std::error::Error for Mistake {}

pub(super) fn read(text: &str) -> Result<Vec<Message>, Mistake> {
    let draft = draft(text)?;
    let mut resolver = Resolver { draft: &draft, objects: HashMap::new(), underway: Vec::new() };
    draft
        .messages
        .iter()
        .map(|message| {
            Ok(Message {
                action: message.action.clone(),
                from: message.from,
                kind: message.kind,
                profile: message.profile.clone(),
                request: Arc::new(resolver.payload(&message.request)?),
                response: match message.kind {
                    Kind::Call => Some(Arc::new(resolver.payload(&message.response)?)),
                    Kind::Send => None,
                },
            })
        })
        .collect()
}

/// The lines sorted into their sections, types still by name.
#[derive(Default)]
struct Draft {
    messages: Vec<DraftMessage>,
    types: HashMap<String, DraftType>,
    enums: HashMap<String, Arc<Enumeration>>,
    everywhere: Option<DraftField>,
}

struct DraftMessage {
    action: String,
    from: Sender,
    kind: Kind,
    profile: String,
    request: Vec<DraftField>,
    response: Vec<DraftField>,
}

struct DraftType {
    fields: Vec<DraftField>,
    open: bool,
}

#[derive(Clone)]
struct DraftField {
    line: usize,
    name: String,
    required: bool,
    ty: String,
    lenient: bool,
}

/// Where an indented line belongs.
enum Place {
    Nowhere,
    Message,
    Request,
    Response,
    Type(String),
    Enum(String, Vec<String>),
}

fn draft(text: &str) -> Result<Draft, Mistake> {
    let mut draft = Draft::default();
    let mut place = Place::Nowhere;
    let mut lenient = true;
    for (at, full) in text.lines().enumerate() {
        let line = at + 1;
        let wrong = |text: String| Mistake { line, text };
        let content = full.trim();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let indent = full.len() - full.trim_start().len();
        if indent == 0 {
            finish(&mut draft, &mut place);
            let words: Vec<&str> = content.split_whitespace().collect();
            match words.as_slice() {
                ["version", _] => {}
                ["integers", "strict"] => lenient = false,
                ["integers", "lenient"] => lenient = true,
                ["every", "object", "has", ..] => {
                    let rest = content.trim_start_matches("every object has ");
                    draft.everywhere = Some(field(line, rest, lenient)?);
                }
                ["type", name] | ["open", "type", name] => {
                    let empty = DraftType { fields: Vec::new(), open: words[0] == "open" };
                    if draft.types.insert((*name).to_owned(), empty).is_some() {
                        return Err(wrong(format!("type {name} is there twice")));
                    }
                    place = Place::Type((*name).to_owned());
                }
                ["enum", name, "=", ..] => {
                    if draft.enums.contains_key(*name) {
                        return Err(wrong(format!("enum {name} is there twice")));
                    }
                    let values = content.split_once('=').map_or("", |(_, values)| values);
                    place = Place::Enum((*name).to_owned(), values_of(values));
                }
                ["message", action, rest @ ..] => {
                    let (from, rest) = match rest {
                        ["station", ">", "csms", rest @ ..] => (Sender::Station, rest),
                        ["csms", ">", "station", rest @ ..] => (Sender::Csms, rest),
                        ["either", rest @ ..] => (Sender::Both, rest),
                        _ => {
                            return Err(wrong(
                                "expected \"station > csms\", \"csms > station\" or \"either\"".to_owned(),
                            ));
                        }
                    };
                    let (profile, kind) = match rest {
                        [profile] => (*profile, Kind::Call),
                        [profile, "send"] => (*profile, Kind::Send),
                        _ => return Err(wrong("expected the profile or block".to_owned())),
                    };
                    if draft.messages.iter().any(|message| message.action == *action) {
                        return Err(wrong(format!("message {action} is there twice")));
                    }
                    draft.messages.push(DraftMessage {
                        action: (*action).to_owned(),
                        from,
                        kind,
                        profile: profile.to_owned(),
                        request: Vec::new(),
                        response: Vec::new(),
                    });
                    place = Place::Message;
                }
                _ => return Err(wrong(format!("\"{content}\" begins no section"))),
            }
            continue;
        }
        match (&mut place, content) {
            (Place::Message | Place::Request | Place::Response, "request") => {
                place = Place::Request;
            }
            (Place::Message | Place::Request | Place::Response, "response") => {
                place = Place::Response;
            }
            (Place::Request, _) => {
                if let Some(message) = draft.messages.last_mut() {
                    message.request.push(field(line, content, lenient)?);
                }
            }
            (Place::Response, _) => {
                if let Some(message) = draft.messages.last_mut() {
                    message.response.push(field(line, content, lenient)?);
                }
            }
            (Place::Type(name), _) => {
                if let Some(ty) = draft.types.get_mut(name) {
                    ty.fields.push(field(line, content, lenient)?);
                }
            }
            (Place::Enum(_, values), _) if content.starts_with('|') => {
                values.extend(values_of(&content[1..]));
            }
            _ => return Err(wrong(format!("\"{content}\" belongs to nothing"))),
        }
    }
    finish(&mut draft, &mut place);
    Ok(draft)
}

fn finish(draft: &mut Draft, place: &mut Place) {
    if let Place::Enum(name, values) = std::mem::replace(place, Place::Nowhere) {
        let enumeration = Enumeration { name: name.clone(), values };
        draft.enums.insert(name, Arc::new(enumeration));
    }
}

fn values_of(text: &str) -> Vec<String> {
    text.split('|').map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned).collect()
}

fn field(line: usize, text: &str, lenient: bool) -> Result<DraftField, Mistake> {
    let Some((name, ty)) = text.split_once(':') else {
        let text = format!("\"{text}\" is no field; expected name: type");
        return Err(Mistake { line, text });
    };
    let name = name.trim();
    Ok(DraftField {
        line,
        name: name.trim_end_matches('?').to_owned(),
        required: !name.ends_with('?'),
        ty: ty.trim().to_owned(),
        lenient,
    })
}

struct Resolver<'a> {
    draft: &'a Draft,
    objects: HashMap<&'a str, Arc<Object>>,
    underway: Vec<&'a str>,
}

impl<'a> Resolver<'a> {
    fn payload(&mut self, fields: &'a [DraftField]) -> Result<Object, Mistake> {
        Ok(Object { name: None, fields: self.fields(fields, true)?, open: false })
    }

    fn fields(&mut self, fields: &'a [DraftField], with_everywhere: bool) -> Result<Vec<Field>, Mistake> {
        let everywhere = self.draft.everywhere.as_ref().filter(|_| with_everywhere);
        let mut known: Vec<&str> = Vec::new();
        fields
            .iter()
            .chain(everywhere)
            .map(|field| {
                if known.contains(&field.name.as_str()) {
                    return Err(Mistake { line: field.line, text: format!("field {} is there twice", field.name) });
                }
                known.push(&field.name);
                Ok(Field { name: field.name.clone(), ty: self.ty(field, &field.ty)?, required: field.required })
            })
            .collect()
    }

    fn ty(&mut self, field: &DraftField, text: &'a str) -> Result<Type, Mistake> {
        let wrong = |text: String| Mistake { line: field.line, text };
        if let Some((head, item)) = text.split_once(" of ")
            && let Some(bounds) = head.strip_prefix("list")
        {
            let (min, max) = range(bounds).ok_or_else(|| wrong(format!("\"{head}\"?")))?;
            return Ok(Type::List {
                item: Box::new(self.ty(field, item.trim())?),
                min: bound(field, min)?,
                max: bound(field, max)?,
            });
        }
        let end = text.find(['[', '(']).unwrap_or(text.len());
        let (word, bounds) = text.split_at(end);
        let (min, max) = match bounds.strip_prefix("(step ") {
            Some(_) => ("", ""),
            None => range(bounds).ok_or_else(|| wrong(format!("\"{bounds}\" are no bounds")))?,
        };
        Ok(match word {
            "string" | "cistring" => {
                Type::String { min: bound(field, min)?, max: bound(field, max)?, case_insensitive: word == "cistring" }
            }
            "integer" => Type::Integer { min: bound(field, min)?, max: bound(field, max)?, lenient: field.lenient },
            "decimal" => Type::Decimal {
                min: decimal(field, min)?,
                max: decimal(field, max)?,
                step: match bounds.strip_prefix("(step ") {
                    Some(step) => decimal(field, step.trim_end_matches(')'))?,
                    None => None,
                },
            },
            "boolean" => Type::Boolean,
            "dateTime" => Type::DateTime,
            "uri" => Type::Uri,
            "any" => Type::Any,
            name => {
                if let Some(enumeration) = self.draft.enums.get(name) {
                    Type::Enum(Arc::clone(enumeration))
                } else {
                    Type::Object(self.object(field, name)?)
                }
            }
        })
    }

    fn object(&mut self, field: &DraftField, name: &'a str) -> Result<Arc<Object>, Mistake> {
        if let Some(object) = self.objects.get(name) {
            return Ok(Arc::clone(object));
        }
        let wrong = |text: String| Mistake { line: field.line, text };
        let Some(draft) = self.draft.types.get(name) else {
            return Err(wrong(format!("there is no type or enum {name}")));
        };
        if self.underway.contains(&name) {
            return Err(wrong(format!("type {name} contains itself")));
        }
        self.underway.push(name);
        let object = Arc::new(Object {
            name: Some(name.to_owned()),
            fields: self.fields(&draft.fields, !draft.open)?,
            open: draft.open,
        });
        self.underway.pop();
        self.objects.insert(name, Arc::clone(&object));
        Ok(object)
    }
}

/// `(1..4)`, `(0..)`, `(..0)`, `[20]` or nothing as the texts of both ends.
fn range(text: &str) -> Option<(&str, &str)> {
    if text.is_empty() {
        return Some(("", ""));
    }
    let inner = text
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
        .or_else(|| text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')))?;
    Some(inner.split_once("..").unwrap_or(("", inner)))
}

fn bound<T: std::str::FromStr>(field: &DraftField, text: &str) -> Result<Option<T>, Mistake> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| Mistake { line: field.line, text: format!("\"{text}\" is no bound") })
}

fn decimal(field: &DraftField, text: &str) -> Result<Option<Number>, Mistake> {
    if text.is_empty() {
        return Ok(None);
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let value: Option<i64> = bound(field, &format!("{whole}{fraction}"))?;
    Ok(value.map(|value| Number { value, scale: fraction.len() as u32 }))
}
