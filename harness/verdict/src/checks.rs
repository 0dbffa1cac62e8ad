//! Named checks: what a case asks of a whole conversation rather than of one message (`check: meter values`).
//!
//! Each is a pure function over the calls that have crossed so far. It blames one side; where that side is played
//! by us there is nothing to judge.

mod meter_values;
mod transaction_data;
mod transaction_sequence;

use std::time::Duration;

use protocol::frame::{self, Frame};
use protocol::{Role, Timestamp, Version};
use serde_json::{Map, Value};

use crate::Direction;

/// A named check.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Its words: `meter values`.
    pub name: &'static str,
    /// The side that it judges.
    pub blames: Role,
    /// What it demands; `plugfest explain` prints it.
    pub page: &'static str,
    /// Its arguments.
    pub parameters: &'static [Parameter],
    judge: fn(&Conversation, &Arguments<'_>) -> Result<(), Flaw>,
}

/// An argument of a check.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name under `with`.
    pub name: &'static str,
    /// What it may be.
    pub kind: ParameterType,
    /// Whether it must be given.
    pub required: bool,
}

/// The type of an argument of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterType {
    /// A whole number.
    Integer,
    /// Text.
    Text,
    /// The id of a transaction: a number in 1.6, text in 2.x.
    Transaction,
    /// A length of time.
    Duration,
    /// True or false.
    Boolean,
}

/// Why a check does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// What is wrong, as a sentence.
    pub text: String,
    /// The frame that shows it.
    pub frame: Option<String>,
    /// When that frame crossed.
    pub at: Option<Timestamp>,
}

/// Every check there is.
pub const CHECKS: &[Check] = &[meter_values::CHECK, transaction_data::CHECK, transaction_sequence::CHECK];

/// The check of this name.
pub fn check(name: &str) -> Option<&'static Check> {
    CHECKS.iter().find(|check| check.name == name)
}

impl Check {
    /// Whether the conversation is as demanded; `tolerance` is how far clocks may be apart.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub fn judge(
        &self,
        conversation: &Conversation,
        with: &Map<String, Value>,
        tolerance: Duration,
    ) -> Result<(), Flaw> {
        (self.judge)(conversation, &Arguments { with, tolerance })
    }
}

/// The calls that crossed a link, with their results.
#[derive(Clone, Debug)]
pub struct Conversation {
    version: Version,
    device: Role,
    calls: Vec<Crossed>,
}

/// A call that crossed.
#[derive(Clone, Debug)]
pub(crate) struct Crossed {
    pub(crate) at: Timestamp,
    pub(crate) from: Role,
    pub(crate) action: String,
    pub(crate) payload: Value,
    pub(crate) text: String,
    id: String,
    result: Option<Value>,
}

impl Conversation {
    /// Nothing said so far, with a device of this side.
    pub fn new(version: Version, device: Role) -> Conversation {
        Conversation { version, device, calls: Vec::new() }
    }

    /// A text message crossed.
    pub fn heard(&mut self, at: Timestamp, direction: Direction, text: &str) {
        let from = match direction {
            Direction::FromDevice => self.device,
            Direction::ToDevice => self.device.other(),
        };
        match frame::read(self.version, text.as_bytes()).frame {
            Some(Frame::Call { id, action, payload } | Frame::Send { id, action, payload }) => {
                self.calls.push(Crossed { at, from, action, payload, text: text.to_owned(), id, result: None });
            }
            Some(Frame::Result { id, payload }) => {
                let asked = |call: &&mut Crossed| call.from != from && call.id == id && call.result.is_none();
                if let Some(call) = self.calls.iter_mut().rev().find(asked) {
                    call.result = Some(payload);
                }
            }
            _ => {}
        }
    }

    /// The calls of this action, in the order they came. One that was repeated, because nothing answered it, counts
    /// once.
    pub(crate) fn calls(&self, from: Role, action: &str) -> impl Iterator<Item = &Crossed> {
        let mut earlier: Vec<&Crossed> = Vec::new();
        self.calls.iter().filter(move |call| call.from == from && call.action == action).filter(move |call| {
            let repeated = earlier.iter().any(|first| first.result.is_none() && first.payload == call.payload);
            earlier.push(call);
            !repeated
        })
    }

    pub(crate) fn version(&self) -> Version {
        self.version
    }
}

/// The arguments of a check.
pub(crate) struct Arguments<'a> {
    with: &'a Map<String, Value>,
    pub(crate) tolerance: Duration,
}

impl Arguments<'_> {
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.with.get(name)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.value(name).and_then(Value::as_str)
    }

    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        self.value(name).and_then(Value::as_i64)
    }

    pub(crate) fn duration(&self, name: &str) -> Option<Duration> {
        self.value(name).and_then(Value::as_f64).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }

    pub(crate) fn is_true(&self, name: &str) -> bool {
        match self.value(name) {
            Some(Value::Bool(yes)) => *yes,
            Some(Value::String(text)) => text == "true",
            _ => false,
        }
    }
}

impl Flaw {
    pub(crate) fn of(call: &Crossed, text: impl Into<String>) -> Flaw {
        Flaw { text: text.into(), frame: Some(call.text.clone()), at: Some(call.at) }
    }

    pub(crate) fn missing(text: impl Into<String>) -> Flaw {
        Flaw { text: text.into(), frame: None, at: None }
    }
}

/// Equal, whatever the way a transaction id is written.
pub(crate) fn same_id(a: &Value, b: &Value) -> bool {
    a == b
        || match (a, b) {
            (Value::Number(number), Value::String(text)) | (Value::String(text), Value::Number(number)) => {
                number.to_string() == *text
            }
            _ => false,
        }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// Calls of a station under test, each answered at once: seconds since the beginning, action, payload.
    pub(crate) fn told(version: Version, calls: &[(i64, &str, Value)]) -> Conversation {
        let mut conversation = Conversation::new(version, Role::Station);
        for (at, (seconds, action, payload)) in calls.iter().enumerate() {
            let moment = Timestamp(1_767_225_600_000_000 + seconds * 1_000_000);
            let id = format!("m{at}");
            conversation.heard(moment, Direction::FromDevice, &json!([2, id, action, payload]).to_string());
            conversation.heard(moment, Direction::ToDevice, &json!([3, id, {}]).to_string());
        }
        conversation
    }

    pub(crate) fn judge(name: &str, conversation: &Conversation, with: &Value) -> Result<(), String> {
        let with = with.as_object().cloned().unwrap_or_default();
        let check = check(name).unwrap();
        check.judge(conversation, &with, Duration::from_secs(4)).map_err(|flaw| flaw.text)
    }

    #[test]
    fn every_check_is_found_by_its_name_and_explains_itself() {
        for listed in CHECKS {
            assert_eq!(check(listed.name).map(|found| found.page), Some(listed.page));
            assert!(listed.page.trim().ends_with('.'), "{}", listed.name);
        }
        assert!(check("weather").is_none());
    }

    #[test]
    fn a_call_that_is_repeated_for_want_of_an_answer_counts_once() {
        let mut conversation = Conversation::new(Version::V16, Role::Station);
        for id in ["a", "b"] {
            let text = json!([2, id, "Heartbeat", {}]).to_string();
            conversation.heard(Timestamp(0), Direction::FromDevice, &text);
        }
        assert_eq!(conversation.calls(Role::Station, "Heartbeat").count(), 1);
        conversation.heard(Timestamp(0), Direction::ToDevice, "[3,\"a\",{}]");
        assert_eq!(conversation.calls(Role::Station, "Heartbeat").count(), 2);
    }
}
