//! Answers to whatever has no line of its own: the plainest valid payload, saying no where there is a choice.

use protocol::catalogue::{Catalogue, Object, Type};
use protocol::{Timestamp, Version};
use serde_json::{Map, Value};

/// Words that decline without being an error, the mildest first.
const DECLINING: [&str; 8] =
    ["Rejected", "NotSupported", "UnknownVendorId", "NotImplemented", "Unknown", "NotFound", "Failed", "NoProfile"];

/// A declining result for this action; `{}` where nothing is required.
pub(crate) fn declining(version: Version, action: &str, now: Timestamp) -> Value {
    match Catalogue::of(version).message(action).and_then(|message| message.response()) {
        Some(object) => Value::Object(plain_object(object, now)),
        None => Value::Object(Map::new()),
    }
}

/// The plainest request of an action, with what is settled put over it by the caller.
pub(super) fn plain_request(version: Version, action: &str, now: Timestamp) -> Map<String, Value> {
    match Catalogue::of(version).message(action) {
        Some(message) => plain_object(&message.request, now),
        None => Map::new(),
    }
}

fn plain_object(object: &Object, now: Timestamp) -> Map<String, Value> {
    object
        .fields
        .iter()
        .filter(|field| field.required)
        .map(|field| (field.name.clone(), plain_value(&field.ty, now)))
        .collect()
}

fn plain_value(ty: &Type, now: Timestamp) -> Value {
    match ty {
        Type::String { min, .. } => {
            Value::String("x".repeat(usize::try_from(min.unwrap_or(1).max(1)).unwrap_or(1).min(1000)))
        }
        Type::Integer { min, .. } => Value::from(min.unwrap_or(0).max(0)),
        Type::Decimal { min, .. } => Value::from(min.map_or(0.0, protocol::catalogue::Number::as_f64).max(0.0)),
        Type::Boolean => Value::Bool(false),
        Type::DateTime => Value::String(now.to_string()),
        Type::Uri => Value::from("http://127.0.0.1/"),
        Type::Any => Value::from(""),
        Type::Enum(words) => DECLINING
            .iter()
            .find(|word| words.contains(word))
            .map(|word| Value::from(*word))
            .or_else(|| words.values.first().cloned().map(Value::String))
            .unwrap_or(Value::Null),
        Type::Object(object) => Value::Object(plain_object(object, now)),
        Type::List { item, min, .. } => {
            let length = usize::try_from(min.unwrap_or(0)).unwrap_or(0).min(10);
            Value::Array((0..length).map(|_| plain_value(item, now)).collect())
        }
    }
}
