//! Reads frames with as much patience as can be had, and says everything that is wrong with them.

use serde_json::{Map, Value};

use super::{Frame, FrameFinding, FrameFindingKind as Kind, LONGEST_DESCRIPTION, LONGEST_ID, Reading};
use crate::json::{self, JsonFindingKind, Limits};
use crate::{Version, errors};

/// Reads a text message as a frame of this version.
pub fn read(version: Version, bytes: &[u8]) -> Reading {
    let mut reader = Reader { version, findings: Vec::new() };
    let mut reading = Reading { frame: None, message_type: None, id: None, findings: Vec::new() };
    if let Some(elements) = reader.elements(bytes) {
        reader.array(elements, &mut reading);
    }
    reading.findings = reader.findings;
    reading
}

struct Reader {
    version: Version,
    findings: Vec<FrameFinding>,
}

impl Reader {
    fn elements(&mut self, bytes: &[u8]) -> Option<Vec<Value>> {
        if let Err(error) = std::str::from_utf8(bytes) {
            let offset = error.valid_up_to();
            let sentence = format!("the message is no UTF-8 from byte {offset} on");
            self.add(Kind::NotUtf8, "R-001", true, sentence);
        }
        let parsed = json::parse(bytes, Limits::default());
        for finding in parsed.findings {
            let certain = finding.kind.is_error();
            let sentence = format!("the message holds {finding}");
            match finding.kind {
                // Said above, and legal, in this order.
                JsonFindingKind::InvalidUtf8 | JsonFindingKind::NumberRounded { .. } => {}
                JsonFindingKind::Syntax { .. } => {
                    let sentence = format!("the message is {finding}");
                    self.add(Kind::NotJson, "R-001", true, sentence);
                }
                JsonFindingKind::TooDeep { .. }
                | JsonFindingKind::TooLarge { .. }
                | JsonFindingKind::TooMany { .. } => {
                    self.add(Kind::NotJson, "R-001", false, sentence);
                }
                JsonFindingKind::DuplicateKey { .. } => self.add(Kind::Json(finding), "R-246", certain, sentence),
                _ => self.add(Kind::Json(finding), "R-001", certain, sentence),
            }
        }
        match parsed.value {
            Some(Value::Array(elements)) => Some(elements),
            Some(other) => {
                let sentence = format!("the message is {}, not an array", kind_of(&other));
                self.add(Kind::NotArray, "R-001", true, sentence);
                None
            }
            None => None,
        }
    }

    fn array(&mut self, elements: Vec<Value>, reading: &mut Reading) {
        let count = elements.len();
        let mut elements = elements.into_iter();
        let Some(first) = elements.next() else {
            let sentence = "the array is empty".to_owned();
            self.add(Kind::WrongElementCount, "R-003", true, sentence);
            return;
        };
        let message_type = self.message_type(&first);
        reading.message_type = message_type;
        let id = elements.next();
        if let Some(id) = &id {
            reading.id = self.id(id);
        }
        let Some(message_type) = message_type else {
            return;
        };
        let last = match self.version {
            Version::V16 | Version::V201 => 4,
            Version::V21 => 6,
        };
        if !(2..=last).contains(&message_type) {
            let sentence = format!(
                "message type {message_type} does not exist in OCPP {}; its types are 2 to {last}",
                self.version
            );
            self.add(Kind::UnknownMessageType, "R-001", true, sentence);
            return;
        }
        let (name, expected) = match message_type {
            2 => ("CALL", 4),
            3 => ("CALLRESULT", 3),
            4 => ("CALLERROR", 5),
            5 => ("CALLRESULTERROR", 5),
            _ => ("SEND", 4),
        };
        if count != expected {
            let sentence = format!("a {name} has {expected} elements, this one has {count}");
            self.add(Kind::WrongElementCount, "R-003", true, sentence);
        }
        let Some(id) = reading.id.clone() else {
            return;
        };
        reading.frame = match message_type {
            2 | 6 => self.request(message_type, id, elements),
            3 => elements.next().map(|payload| Frame::Result { id, payload: self.payload(payload) }),
            _ => self.refusal(message_type, id, elements),
        };
    }

    fn message_type(&mut self, first: &Value) -> Option<i64> {
        if let Some(number) = first.as_i64() {
            return Some(number);
        }
        let number = match first {
            Value::Number(number) => {
                number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 1e9).map(|float| float as i64)
            }
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        let sentence = format!("the first element is the integer message type, not {}", shown(first));
        self.add(Kind::TypeNotInteger, "R-001", true, sentence);
        number
    }

    fn id(&mut self, id: &Value) -> Option<String> {
        let text = match id {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        if !id.is_string() {
            let sentence = format!("the message id is a string, not {}", shown(id));
            self.add(Kind::IdNotString, "R-021", true, sentence);
            return id.is_number().then_some(text);
        }
        let length = text.chars().count();
        if length > LONGEST_ID {
            let sentence = format!("the message id has {length} characters; {LONGEST_ID} are allowed");
            self.add(Kind::IdTooLong, "R-020", true, sentence);
        } else if length == 0 {
            let sentence = "the message id is empty".to_owned();
            self.add(Kind::IdEmpty, "R-021", false, sentence);
        }
        Some(text)
    }

    fn request(&mut self, message_type: i64, id: String, mut elements: impl Iterator<Item = Value>) -> Option<Frame> {
        let action = match elements.next()? {
            Value::String(action) => action,
            other => {
                let sentence = format!("the action is a string, not {}", shown(&other));
                self.add(Kind::ActionNotString, "R-008", true, sentence);
                return None;
            }
        };
        let payload = self.payload(elements.next()?);
        Some(if message_type == 2 { Frame::Call { id, action, payload } } else { Frame::Send { id, action, payload } })
    }

    fn payload(&mut self, payload: Value) -> Value {
        match payload {
            Value::Object(_) => payload,
            Value::Null => Value::Object(Map::new()),
            other => {
                let sentence = format!("the payload is an object, not {}", kind_of(&other));
                self.add(Kind::PayloadNotObject, "R-005", true, sentence);
                other
            }
        }
    }

    fn refusal(&mut self, message_type: i64, id: String, mut elements: impl Iterator<Item = Value>) -> Option<Frame> {
        let code = self.error_code(elements.next()?);
        let description = elements.next().map_or_else(String::new, |description| self.description(description));
        let details = elements.next().unwrap_or_else(|| Value::Object(Map::new()));
        if !details.is_object() {
            let sentence = format!("the error details are an object, not {}", kind_of(&details));
            self.add(Kind::DetailsNotObject, "R-053", true, sentence);
        }
        Some(if message_type == 4 {
            Frame::Error { id, code, description, details }
        } else {
            Frame::ResultError { id, code, description, details }
        })
    }

    fn error_code(&mut self, code: Value) -> String {
        let code = match code {
            Value::String(code) => code,
            other => {
                let sentence = format!("the error code is a string, not {}", shown(&other));
                self.add(Kind::ErrorCodeNotString, "R-051", true, sentence);
                return other.to_string();
            }
        };
        let known = errors::codes(self.version);
        if known.contains(&code.as_str()) {
            return code;
        }
        if let Some(own) = errors::own_spelling(self.version, &code) {
            let sentence = format!("OCPP {} spells the error code {code} as {own}", self.version);
            self.add(Kind::UnknownErrorCode, "R-050", true, sentence);
            return code;
        }
        let mut sentence = format!("{} is no error code of OCPP {}", shown(&Value::String(code.clone())), self.version);
        if let Some(meant) = crate::catalogue::suggest(&code, known.iter().copied()) {
            sentence.push_str(&format!("; did it mean {meant}?"));
        }
        self.add(Kind::UnknownErrorCode, "R-051", true, sentence);
        code
    }

    fn description(&mut self, description: Value) -> String {
        let text = match description {
            Value::String(text) => text,
            other => {
                let sentence = format!("the error description is a string, not {}", shown(&other));
                self.add(Kind::DescriptionNotString, "R-052", true, sentence);
                return String::new();
            }
        };
        let length = text.chars().count();
        if self.version != Version::V16 && length > LONGEST_DESCRIPTION {
            let sentence = format!("the error description has {length} characters; {LONGEST_DESCRIPTION} are allowed");
            self.add(Kind::DescriptionTooLong, "R-052", true, sentence);
        }
        text
    }

    fn add(&mut self, kind: Kind, statement: &'static str, certain: bool, sentence: String) {
        self.findings.push(FrameFinding { kind, statement, certain, sentence });
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A value as text, shortened.
pub(crate) fn shown(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = match value {
        // A huge container is not written out only to be cut.
        Value::Array(items) if items.len() > LONGEST => format!("a list of {}", items.len()),
        Value::Object(fields) if fields.len() > LONGEST => {
            format!("an object with {} fields", fields.len())
        }
        _ => value.to_string(),
    };
    if text.chars().count() <= LONGEST {
        return text;
    }
    let mut short: String = text.chars().take(LONGEST).collect();
    short.push('…');
    short
}
