//! A message that has come in, as a defective device sees it.

use protocol::Version;
use protocol::frame::{self, Reading};
use protocol::json::{self, Limits};
use protocol::validate::{self, Violation, ViolationKind};
use serde_json::Value;

use crate::frames::{self, Incoming};

/// A message that has come in.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) version: Version,
    pub(super) text: Vec<u8>,
    pub(super) reading: Reading,
    pub(super) incoming: Incoming,
    /// Its elements, however few and whatever they are; none if it is no array.
    pub(super) elements: Vec<Value>,
    /// The action of our own call that it answers.
    pub(super) answers: Option<String>,
}

impl Heard {
    pub(super) fn read(version: Version, text: &[u8], answered: impl FnOnce(&str) -> Option<String>) -> Heard {
        let reading = frame::read(version, text);
        let elements = match json::parse(text, Limits::default()).value {
            Some(Value::Array(elements)) => elements,
            _ => Vec::new(),
        };
        let is_answer = matches!(reading.message_type, Some(3 | 4));
        let answers = reading.id.as_deref().filter(|_| is_answer).and_then(answered);
        let incoming = frames::read(version, text);
        Heard { version, text: text.to_vec(), reading, incoming, elements, answers }
    }

    /// A call that can be dispatched: id, action and payload.
    pub(super) fn call(&self) -> Option<(&str, &str, &Value)> {
        match &self.incoming {
            Incoming::Call { id, action, payload } => Some((id, action, payload)),
            _ => None,
        }
    }

    /// What is wrong with the request, or with the answer to our own call.
    pub(super) fn violations(&self) -> Vec<Violation> {
        match (&self.incoming, &self.answers) {
            (Incoming::Call { action, payload, .. }, _) => validate::request_violations(self.version, action, payload),
            (Incoming::Result { payload, .. }, Some(action)) => {
                validate::response_violations(self.version, action, payload)
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn breaks(&self, kind: ViolationKind) -> bool {
        self.violations().iter().any(|violation| violation.kind == kind)
    }

    /// It claims to be the answer to a call.
    pub(super) fn is_answer(&self) -> bool {
        matches!(self.reading.message_type, Some(3 | 4))
    }

    /// The first text in it of which this can be said, keys left aside.
    pub(super) fn find_text<T>(&self, wanted: impl Fn(&str) -> Option<T> + Copy) -> Option<T> {
        self.elements.iter().find_map(|element| find_text(element, wanted))
    }
}

fn find_text<T>(value: &Value, wanted: impl Fn(&str) -> Option<T> + Copy) -> Option<T> {
    match value {
        Value::String(text) => wanted(text),
        Value::Array(items) => items.iter().find_map(|item| find_text(item, wanted)),
        Value::Object(members) => members.values().find_map(|member| find_text(member, wanted)),
        _ => None,
    }
}
