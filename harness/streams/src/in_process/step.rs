//! What a line of an input says.

use std::borrow::Cow;
use std::time::Duration;

use protocol::catalogue::{Catalogue, Object, Type};
use protocol::generate;
use protocol::overlay::{self, Part};
use protocol::stimulus::{self, Stimulus};
use protocol::validate::validate;
use protocol::{Role, Version};
use serde_json::{Map, Value, json};

/// The longest time that one line lets pass.
const LONGEST_WAIT: u64 = 400 * 86_400;

/// A step.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step<'a> {
    Send(&'a [u8]),
    Answer,
    Hold,
    Wait(Duration),
    Cut,
    Connect,
    Stimulate(Stimulus),
    Nothing,
}

impl Step<'_> {
    pub(super) fn read(line: &[u8], role: Role, version: Version) -> Step<'_> {
        let Some(words) = line.strip_prefix(b"!") else {
            return if line.is_empty() { Step::Nothing } else { Step::Send(line) };
        };
        let Ok(words) = std::str::from_utf8(words) else { return Step::Nothing };
        match words.trim() {
            "answer" => Step::Answer,
            "hold" => Step::Hold,
            "cut" => Step::Cut,
            "connect" => Step::Connect,
            other => match other.strip_prefix("wait ") {
                Some(seconds) => {
                    let seconds = seconds.parse().unwrap_or(1).min(LONGEST_WAIT);
                    Step::Wait(Duration::from_secs(seconds))
                }
                None => stimulate(other, role, version),
            },
        }
    }

    /// Whether the line itself says what becomes of the device's calls.
    pub(super) fn leaves_calls_open(&self) -> bool {
        match self {
            Step::Send(line) => line.starts_with(b"[3") || line.starts_with(b"[4"),
            Step::Answer | Step::Hold | Step::Cut => true,
            Step::Wait(_) | Step::Connect | Step::Stimulate(_) | Step::Nothing => false,
        }
    }
}

fn stimulate(words: &str, party: Role, version: Version) -> Step<'static> {
    let (verb, with) = words.split_at(words.find('{').unwrap_or(words.len()));
    let Some(verb) = stimulus::verb(party, verb.trim()) else { return Step::Nothing };
    let mut with: Map<String, Value> = serde_json::from_str(with).unwrap_or_default();
    if !makes_sense(verb.name, &mut with, version) {
        return Step::Nothing;
    }
    Step::Stimulate(Stimulus { party, verb: verb.name.to_owned(), with })
}

/// Whether somebody can do this. Messages may be anything, but a reader reads only tokens that there are, and what an
/// operator asks for comes from a form: a device that passes nonsense on has been given it by nobody.
fn makes_sense(verb: &str, with: &mut Map<String, Value>, version: Version) -> bool {
    if let Some(token) = with.get_mut("token") {
        let id = token.get("idToken").unwrap_or(token).as_str().unwrap_or("TAG-VALID");
        let id: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(20).collect();
        let kind = token.get("type").cloned().filter(|kind| fits(Version::V201, "Authorize", "/idToken/type", kind));
        let kind = kind.unwrap_or_else(|| "ISO14443".into());
        *token = json!({ "idToken": if id.is_empty() { "TAG-VALID" } else { &id }, "type": kind });
    }
    let text = |name: &str| with.get(name).and_then(Value::as_str).unwrap_or("");
    match verb {
        "send" => match Catalogue::of(version).message(text("action")) {
            Some(message) if message.from.includes(Role::Csms) => {
                fields_fit(version, &message.request, with) && keep_the_rules(version, text("action"), with)
            }
            _ => false,
        },
        "decide boot" => ["Accepted", "Pending", "Rejected"].contains(&text("status")),
        "decide" => {
            let message = Catalogue::of(version).message(text("action"));
            let status = json!({ "status": text("status") });
            message
                .and_then(|message| message.response())
                .is_some_and(|response| merged_fits(version, response, &status))
        }
        "add token" => {
            with.remove("group");
            let status =
                with.remove("status").filter(|status| ["Blocked", "Expired"].iter().any(|word| status == word));
            with.extend(status.map(|status| ("status".to_owned(), status)));
            true
        }
        "cause fault" | "clear fault" => {
            with.retain(|name, value| name != "code" || fits(Version::V16, "StatusNotification", "/errorCode", value));
            true
        }
        _ => true,
    }
}

fn fields_fit(version: Version, request: &Object, with: &Map<String, Value>) -> bool {
    merged_fits(version, request, with.get("fields").unwrap_or(&json!({})))
}

/// Whether no rule of the text speaks against these fields of a request.
fn keep_the_rules(version: Version, action: &str, with: &Map<String, Value>) -> bool {
    let fields = with.get("fields").unwrap_or(&Value::Null);
    overlay::breaches(version, Role::Csms, action, Part::Request, fields).is_empty()
}

/// Whether the smallest payload with these fields is sound.
fn merged_fits(version: Version, object: &Object, fields: &Value) -> bool {
    let (Value::Object(mut payload), Some(fields)) = (generate::minimal(version, object), fields.as_object()) else {
        return false;
    };
    payload.extend(fields.clone());
    validate(version, object, &Value::Object(payload)).is_empty()
}

/// Whether this is a word of the enumeration at that place.
fn fits(version: Version, action: &str, path: &str, value: &Value) -> bool {
    let ty = Catalogue::of(version).message(action).and_then(|message| message.request.at(path));
    matches!((ty, value.as_str()), (Some(Type::Enum(words)), Some(word)) if words.contains(word))
}

/// The line with the values that the device told in the place of their names.
pub(super) fn fill<'a>(line: &'a [u8], id: Option<&str>, transaction: Option<&Value>) -> Cow<'a, [u8]> {
    if !line.windows(2).any(|pair| pair == b"\"$") {
        return Cow::Borrowed(line);
    }
    let id = Value::from(id.unwrap_or("none")).to_string();
    let transaction = transaction.unwrap_or(&Value::Null).to_string();
    let line = replace(line, b"\"$id\"", id.as_bytes());
    Cow::Owned(replace(&line, b"\"$transactionId\"", transaction.as_bytes()))
}

fn replace(line: &[u8], name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.windows(name.len()).position(|window| window == name) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(value);
        rest = &rest[at + name.len()..];
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_message_or_a_deed() {
        let read = |line: &'static str| Step::read(line.as_bytes(), Role::Station, Version::V201);
        assert_eq!(read("[2]"), Step::Send(b"[2]"));
        assert_eq!(read("!wait 30"), Step::Wait(Duration::from_secs(30)));
        assert_eq!(read("!wait 99999999999"), Step::Wait(Duration::from_secs(LONGEST_WAIT)));
        assert_eq!(read("!no such thing"), Step::Nothing);
        let Step::Stimulate(stimulus) = read("!plug in {\"at\":2}") else { panic!("a stimulus") };
        assert_eq!((stimulus.verb.as_str(), &stimulus.with["at"]), ("plug in", &Value::from(2)));
    }

    #[test]
    fn what_nobody_could_do_is_not_done() {
        let read = |line: &str| match Step::read(line.as_bytes(), Role::Csms, Version::V16) {
            Step::Stimulate(stimulus) => Some(Value::Object(stimulus.with)),
            _ => None,
        };
        let reset = r#"!send {"action":"Reset","fields":{"type":"Soft"}}"#;
        assert!(read(reset).is_some());
        assert_eq!(read(&reset.replace("Soft", "Mild")), None);
        assert_eq!(read(&reset.replace("Reset", "BootNotification")), None);
        let start = r#"!send {"action":"RemoteStartTransaction","fields":{"idTag":"A","connectorId":1}}"#;
        assert!(read(start).is_some());
        assert_eq!(read(&start.replace(":1}", ":-1}")), None);
        assert_eq!(read(r#"!decide {"action":"DataTransfer","status":"Perhaps"}"#), None);
        let added = read("!add token {\"token\":{\"idToken\":\"a\\u0000\",\"type\":\"?\"},\"status\":7}");
        assert_eq!(added, Some(json!({ "token": { "idToken": "a", "type": "ISO14443" } })));
    }

    #[test]
    fn names_give_way_to_what_the_device_told() {
        let filled = fill(br#"[3,"$id",{"a":"$transactionId"}]"#, Some("x\"y"), Some(&Value::from(7)));
        assert_eq!(filled.as_ref(), br#"[3,"x\"y",{"a":7}]"#);
        assert_eq!(fill(b"[2]", None, None).as_ref(), b"[2]");
    }
}
