//! What a line of an input says.

use std::borrow::Cow;
use std::time::Duration;

use protocol::Role;
use protocol::stimulus::{self, Stimulus};
use serde_json::{Map, Value};

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
    pub(super) fn read(line: &[u8], role: Role) -> Step<'_> {
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
                None => stimulate(other, role),
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

fn stimulate(words: &str, party: Role) -> Step<'static> {
    let (verb, with) = words.split_at(words.find('{').unwrap_or(words.len()));
    let Some(verb) = stimulus::verb(party, verb.trim()) else { return Step::Nothing };
    let with: Map<String, Value> = serde_json::from_str(with).unwrap_or_default();
    Step::Stimulate(Stimulus { party, verb: verb.name.to_owned(), with })
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
        let read = |line: &'static str| Step::read(line.as_bytes(), Role::Station);
        assert_eq!(read("[2]"), Step::Send(b"[2]"));
        assert_eq!(read("!wait 30"), Step::Wait(Duration::from_secs(30)));
        assert_eq!(read("!wait 99999999999"), Step::Wait(Duration::from_secs(LONGEST_WAIT)));
        assert_eq!(read("!no such thing"), Step::Nothing);
        let Step::Stimulate(stimulus) = read("!plug in {\"at\":2}") else { panic!("a stimulus") };
        assert_eq!((stimulus.verb.as_str(), &stimulus.with["at"]), ("plug in", &Value::from(2)));
    }

    #[test]
    fn names_give_way_to_what_the_device_told() {
        let filled = fill(br#"[3,"$id",{"a":"$transactionId"}]"#, Some("x\"y"), Some(&Value::from(7)));
        assert_eq!(filled.as_ref(), br#"[3,"x\"y",{"a":7}]"#);
        assert_eq!(fill(b"[2]", None, None).as_ref(), b"[2]");
    }
}
