//! Reading and writing of frames for the peers.

use protocol::Version;
use serde_json::{Value, json};

/// A text message as a peer sees it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Incoming {
    /// A call that can be dispatched.
    Call {
        id: String,
        action: String,
        payload: Value,
    },
    /// An answer to one of our calls.
    Result { id: String, payload: Value },
    /// An error answer to one of our calls.
    Error { id: String, code: String },
    /// A call whose frame is damaged; the id if it can be read.
    DamagedCall { id: Option<String> },
    /// An answer whose frame is damaged: only dropped.
    DamagedAnswer,
    /// A frame with a message type number that this version does not know.
    UnknownType { id: Option<String> },
    /// No frame at all.
    Unreadable,
}

/// Reads a text message.
pub(crate) fn read(_version: Version, text: &[u8]) -> Incoming {
    let Ok(Value::Array(parts)) = serde_json::from_slice::<Value>(text) else {
        return Incoming::Unreadable;
    };
    let id = parts
        .get(1)
        .and_then(Value::as_str)
        .filter(|id| id.chars().count() <= 36)
        .map(str::to_owned);
    match parts.first().and_then(Value::as_i64) {
        Some(2) => match (id, parts.get(2), parts.get(3), parts.len()) {
            (Some(id), Some(Value::String(action)), Some(payload), 4) if is_payload(payload) => {
                Incoming::Call {
                    id,
                    action: action.clone(),
                    payload: or_empty(payload),
                }
            }
            (id, ..) => Incoming::DamagedCall { id },
        },
        Some(3) => match (id, parts.get(2), parts.len()) {
            (Some(id), Some(payload), 3) if is_payload(payload) => Incoming::Result {
                id,
                payload: or_empty(payload),
            },
            _ => Incoming::DamagedAnswer,
        },
        Some(4) => match (id, parts.get(2).and_then(Value::as_str)) {
            (Some(id), Some(code)) => Incoming::Error {
                id,
                code: code.to_owned(),
            },
            _ => Incoming::DamagedAnswer,
        },
        _ => Incoming::UnknownType { id },
    }
}

fn is_payload(payload: &Value) -> bool {
    // An empty payload may be written as null.
    payload.is_object() || payload.is_null()
}

fn or_empty(payload: &Value) -> Value {
    if payload.is_null() {
        json!({})
    } else {
        payload.clone()
    }
}

/// The text of a CALL.
pub(crate) fn call(id: &str, action: &str, payload: &Value) -> String {
    json!([2, id, action, payload]).to_string()
}

/// The text of a CALLRESULT.
pub(crate) fn result(id: &str, payload: &Value) -> String {
    json!([3, id, payload]).to_string()
}

/// The text of a CALLERROR.
pub(crate) fn error(id: &str, code: &str, description: &str) -> String {
    json!([4, id, code, description, {}]).to_string()
}

/// The error code that a request earns, if it does not fit the schema of its action.
pub(crate) fn request_error(_version: Version, _action: &str, _payload: &Value) -> Option<&'static str> {
    None
}
