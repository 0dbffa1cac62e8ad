//! Equality by the type of the place: numbers by value, times as instants, identifiers without case.

use protocol::Timestamp;
use protocol::catalogue::Type;
use serde_json::{Map, Value};

/// A value as its place wants it: a token gives its text where a string is wanted and its record where an
/// IdTokenType is wanted; a connector gives its number; numbers and booleans give their text where text is wanted.
pub fn coerce(value: Value, ty: Option<&Type>) -> Value {
    match (ty, value) {
        (Some(Type::String { .. } | Type::Enum(_)), Value::Object(object)) => match object.get("idToken") {
            Some(Value::String(id)) => Value::String(id.clone()),
            _ => Value::Object(object),
        },
        (Some(Type::Integer { .. }), Value::Object(object)) => match object.get("connector") {
            Some(connector) => connector.clone(),
            None => Value::Object(object),
        },
        (Some(Type::Object(wanted)), Value::Object(object)) => {
            // What a rig says of a token or an EVSE beyond what travels on the wire is left out.
            let is_record = object.contains_key("idToken") || object.contains_key("connector");
            if !is_record || wanted.field("evse").is_some() {
                return Value::Object(object);
            }
            let kept: Map<String, Value> = object.into_iter().filter(|(key, _)| wanted.field(key).is_some()).collect();
            Value::Object(kept)
        }
        (Some(Type::String { .. }), Value::Number(number)) => Value::String(number.to_string()),
        (Some(Type::String { .. }), Value::Bool(truth)) => Value::String(truth.to_string()),
        (Some(Type::DateTime), Value::Object(span)) => span.get("to").cloned().unwrap_or(Value::Null),
        (_, value) => value,
    }
}

/// Whether two values are the same to a reader of the specification. Objects: every field of `expected` is in
/// `actual`.
pub fn equal(expected: &Value, actual: &Value, ty: Option<&Type>) -> bool {
    match (expected, actual) {
        (Value::Number(a), Value::Number(b)) => {
            a == b
                || match (a.as_i64(), b.as_i64()) {
                    (Some(a), Some(b)) => a == b,
                    _ => a.as_f64() == b.as_f64(),
                }
        }
        (Value::String(a), Value::String(b)) => match ty {
            Some(Type::DateTime) => match (Timestamp::parse(a), Timestamp::parse(b)) {
                (Some(a), Some(b)) => a == b,
                _ => a == b,
            },
            Some(Type::String { case_insensitive: true, .. }) => a == b || a.to_lowercase() == b.to_lowercase(),
            _ => a == b,
        },
        (Value::Array(a), Value::Array(b)) => {
            let item = match ty {
                Some(Type::List { item, .. }) => Some(item.as_ref()),
                _ => None,
            };
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b, item))
        }
        (Value::Object(a), Value::Object(b)) => a.iter().all(|(key, a)| {
            b.get(key).is_some_and(|b| {
                let field = ty.and_then(Type::object).and_then(|object| object.field(key));
                equal(a, b, field.map(|field| &field.ty))
            })
        }),
        (a, b) => a == b,
    }
}
