//! Secrets taken out of everything that leaves the process, under whatever disguise the wire gives them.

mod escaped;

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::RunEvent;

/// Keys of our own events whose texts are words of a closed list; a secret that is such a word stays, or the
/// event could not be read again.
const CLOSED: [&str; 10] =
    ["event", "kind", "verdict", "standing", "device", "ocpp", "direction", "severity", "party", "by"];
const CLOSED_WORDS: [&str; 25] = [
    "run_started",
    "plan_started",
    "happened",
    "case_finished",
    "finding",
    "fault_finished",
    "run_finished",
    "station",
    "csms",
    "1.6",
    "2.0.1",
    "2.1",
    "from_device",
    "to_device",
    "expected",
    "unexpected",
    "pass",
    "warn",
    "fail",
    "inconclusive",
    "not_applicable",
    "error",
    "note",
    "warning",
    "text",
];

/// Values shorter than this are only taken out where they stand alone, a password `1` must not eat every number; and
/// less of a longer one than this gives nothing away.
const SHORT: usize = 4;

/// Takes secrets out of texts. It knows each value as it is, in JSON with escapes (also in a text within JSON),
/// percent-encoded by whatever rule, with entities of HTML, in hex (how a 1.6 AuthorizationKey travels), and in base64
/// at any position (the header of Basic authentication); and what is left of one where a text was cut with `…`.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    needles: Vec<Needle>,
    /// The needles that can begin with a byte.
    begins: HashMap<u8, Vec<usize>>,
}

#[derive(Clone)]
struct Needle {
    text: String,
    name: String,
    how: How,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Exact,
    /// Hex digits come in both cases.
    AnyCase,
    /// Only where no letter or digit is next to it.
    Alone,
    /// In whatever case, any of its characters written in whatever way within so many layers of JSON.
    Escaped(u32),
    /// A part of base64 text: all of that text goes.
    WithinBase64,
}

impl std::fmt::Debug for Needle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Needle({})", self.name)
    }
}

impl Redactor {
    /// Takes out these secrets, given as (name, value); the name stands in their place. Empty values are nothing.
    pub fn new(secrets: impl IntoIterator<Item = (String, String)>) -> Redactor {
        let mut redactor = Redactor::default();
        for (name, value) in secrets {
            redactor.add(&name, &value);
        }
        redactor.index();
        redactor
    }

    /// Takes out also the Basic credentials of these users with each of the secrets: for values that are too
    /// short to be found inside base64 by themselves.
    #[must_use]
    pub fn for_users<'a>(mut self, users: impl IntoIterator<Item = &'a str>) -> Redactor {
        let plain: Vec<Needle> = self.needles.iter().filter(|needle| needle.how.is_value()).cloned().collect();
        for user in users {
            for needle in &plain {
                let pair = format!("{user}:{}", needle.text);
                for text in base64_forms(pair.as_bytes()) {
                    self.push(text, &needle.name, How::WithinBase64);
                }
            }
        }
        self.index();
        self
    }

    /// Whether there is nothing to take out.
    pub fn is_empty(&self) -> bool {
        self.needles.is_empty()
    }

    /// The text with `[redacted NAME]` in place of every secret.
    pub fn text(&self, text: &str) -> String {
        let bytes = text.as_bytes();
        let mut out = String::with_capacity(text.len());
        let mut kept = 0;
        let mut at = 0;
        while at < bytes.len() {
            let found = self.begins.get(&bytes[at]).and_then(|candidates| {
                let needles = candidates.iter().map(|index| &self.needles[*index]);
                needles.filter_map(|needle| Some((needle, needle.end_at(text, at)?))).max_by_key(|(_, end)| *end)
            });
            let Some((needle, end)) = found else {
                at += 1;
                continue;
            };
            let (mut from, mut to) = (at, end);
            if needle.how == How::WithinBase64 {
                while from > kept && is_base64(bytes[from - 1]) {
                    from -= 1;
                }
                while to < bytes.len() && is_base64(bytes[to]) {
                    to += 1;
                }
            }
            out.push_str(&text[kept..from]);
            out.push_str("[redacted ");
            out.push_str(&needle.name);
            out.push(']');
            kept = to;
            at = to;
        }
        out.push_str(&text[kept..]);
        out
    }

    /// The event without secrets, in any of its texts.
    pub fn event(&self, event: &RunEvent) -> RunEvent {
        if self.is_empty() {
            return event.clone();
        }
        let redacted = serde_json::to_value(event).ok().and_then(|mut value| {
            self.value(&mut value, true);
            serde_json::from_value(value).ok()
        });
        // What cannot be redacted is not let out.
        redacted.unwrap_or_else(|| RunEvent::Happened {
            plan: crate::PlanId {
                case: "redacted".to_owned(),
                device: protocol::Role::Station,
                ocpp: protocol::Version::V16,
                variant: 0,
                configuration: String::new(),
            },
            happened: crate::Event {
                at: protocol::Timestamp(0),
                kind: crate::EventKind::Note { text: "an event that could not be redacted is left out".to_owned() },
            },
        })
    }

    /// Redacts every text of a JSON value; where `ours`, words of our own closed lists stay.
    fn value(&self, value: &mut Value, ours: bool) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item, ours)),
            Value::Object(members) => {
                if !ours {
                    *members =
                        std::mem::take(members).into_iter().map(|(key, value)| (self.text(&key), value)).collect();
                }
                for (key, member) in members.iter_mut() {
                    let closed = ours
                        && CLOSED.contains(&key.as_str())
                        && member.as_str().is_some_and(|text| CLOSED_WORDS.contains(&text) || key == "kind");
                    if !closed {
                        // The arguments of a stimulus and what a rig says are not ours.
                        self.value(member, ours && key != "with" && key != "rig");
                    }
                }
            }
            Value::Number(number) if !ours => {
                let text = number.to_string();
                let redacted = self.text(&text);
                if redacted != text {
                    *value = Value::String(redacted);
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        if value.chars().count() < SHORT {
            self.push(value.to_owned(), name, How::Alone);
            return;
        }
        self.push(value.to_owned(), name, How::Exact);
        for layers in 0..=2 {
            self.push(value.to_owned(), name, How::Escaped(layers));
        }
        self.push(hex(value.as_bytes()), name, How::AnyCase);
        for text in base64_forms(value.as_bytes()) {
            self.push(text, name, How::WithinBase64);
        }
        self.within_base64(value.as_bytes(), name);
        // A key is often given as hex digits, and travels as the bytes they stand for.
        if let Some(bytes) = from_hex(value) {
            self.push(value.to_owned(), name, How::AnyCase);
            self.within_base64(&bytes, name);
        }
    }

    /// The characters that the value alone decides, at each of the three positions base64 may give it.
    fn within_base64(&mut self, value: &[u8], name: &str) {
        for lead in 0..3 {
            let mut padded = vec![0; lead];
            padded.extend_from_slice(value);
            for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
                let text = engine.encode(&padded);
                let from = (lead * 8).div_ceil(6);
                let to = padded.len() * 8 / 6;
                if let Some(core) = text.get(from..to)
                    && core.len() >= 8
                {
                    self.push(core.to_owned(), name, How::WithinBase64);
                }
            }
        }
    }

    fn push(&mut self, text: String, name: &str, how: How) {
        let known = self.needles.iter().any(|needle| needle.text == text && needle.how == how);
        if !known {
            self.needles.push(Needle { text, name: name.to_owned(), how });
        }
    }

    fn index(&mut self) {
        // The longest first, so that no secret that is part of another leaves the rest of it behind.
        self.needles.sort_by_key(|needle| std::cmp::Reverse(needle.text.len()));
        self.begins.clear();
        for (index, needle) in self.needles.iter().enumerate() {
            let Some(first) = needle.text.bytes().next() else {
                continue;
            };
            let mut firsts = match needle.how {
                How::AnyCase => vec![first.to_ascii_lowercase(), first.to_ascii_uppercase()],
                How::Escaped(_) => {
                    vec![first.to_ascii_lowercase(), first.to_ascii_uppercase(), b'%', b'\\', b'&', b'+']
                }
                How::Exact | How::Alone | How::WithinBase64 => vec![first],
            };
            firsts.sort_unstable();
            firsts.dedup();
            for first in firsts {
                self.begins.entry(first).or_default().push(index);
            }
        }
    }
}

impl How {
    fn is_value(self) -> bool {
        matches!(self, How::Exact | How::Alone)
    }
}

impl Needle {
    /// Where it ends, if it stands here, or as much of it as was left when the text was cut.
    fn end_at(&self, text: &str, at: usize) -> Option<usize> {
        let here = text.as_bytes().get(at..)?;
        let wanted = self.text.as_bytes();
        let alike = |same: fn(&u8, &u8) -> bool| here.iter().zip(wanted).take_while(|(a, b)| same(a, b)).count();
        let length = match self.how {
            How::Escaped(layers) => return escaped::end(&self.text, text, at, layers),
            How::AnyCase => alike(u8::eq_ignore_ascii_case),
            How::Exact | How::WithinBase64 => alike(u8::eq),
            How::Alone => {
                let apart = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte < 0x80);
                let before = at.checked_sub(1).and_then(|before| text.as_bytes().get(before));
                let stands = here.starts_with(wanted) && apart(before) && apart(here.get(wanted.len()));
                return stands.then_some(at + wanted.len());
            }
        };
        let least = if self.how == How::WithinBase64 { 2 * SHORT } else { SHORT };
        let cut = length >= least && escaped::is_cut(&here[length..]);
        (length == wanted.len() || cut).then_some(at + length)
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}

fn base64_forms(bytes: &[u8]) -> [String; 3] {
    [STANDARD.encode(bytes), STANDARD_NO_PAD.encode(bytes), URL_SAFE_NO_PAD.encode(bytes)]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() < 16 || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::tests::{events, result};
    use crate::{Direction, Event, EventKind, Standing, Verdict};

    const CANARY: &str = "C4n4ry pä\"ss/w+rd!";

    fn redactor() -> Redactor {
        Redactor::new([("BASIC_PW".to_owned(), CANARY.to_owned())]).for_users(["CP-1"])
    }

    fn json_escaped(value: &str) -> String {
        let quoted = serde_json::to_string(value).unwrap_or_default();
        quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
    }

    /// JSON as some libraries write it: nothing but ASCII.
    fn json_ascii(value: &str) -> String {
        let mut out = String::new();
        for c in json_escaped(value).chars() {
            if c.is_ascii() {
                out.push(c);
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
        out
    }

    fn percent(value: &str) -> String {
        let mut out = String::new();
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                out.push(char::from(byte));
            } else {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
        out
    }

    /// Every disguise a canary may travel in.
    fn disguises() -> Vec<String> {
        let mut all = vec![
            CANARY.to_owned(),
            json_escaped(CANARY),
            json_escaped(&json_escaped(CANARY)),
            json_ascii(CANARY),
            percent(CANARY),
            percent(CANARY).to_lowercase(),
            percent(CANARY).replace("%2F", "/").replace("%21", "!").replace("%20", "+"),
            CANARY.bytes().map(|byte| format!("%{byte:02X}")).collect(),
            json_escaped(&json_ascii(CANARY)),
            json_escaped(CANARY).replace('/', "\\/"),
            CANARY.replace('"', "&quot;"),
            hex(CANARY.as_bytes()),
            hex(CANARY.as_bytes()).to_uppercase(),
        ];
        for user in ["", "a", "CP-1", "CP-01", "a station nobody has told us of"] {
            all.extend(base64_forms(format!("{user}:{CANARY}").as_bytes()));
        }
        all.extend(base64_forms(CANARY.as_bytes()));
        all
    }

    #[test]
    fn a_canary_is_found_in_every_disguise_and_named() {
        let redactor = redactor();
        for disguise in disguises() {
            let text = format!("Authorization: Basic {disguise}, then more");
            assert_eq!(redactor.text(&text), "Authorization: Basic [redacted BASIC_PW], then more", "{disguise}");
        }
    }

    #[test]
    fn no_text_of_any_event_lets_a_canary_out() {
        let redactor = redactor();
        let poison = disguises().join(" | ");
        let mut poisoned = result(&poison, Verdict::Fail, Standing::Unexpected);
        poisoned.reason = poison.clone();
        poisoned.notes = vec![poison.clone()];
        poisoned.diagnostics = vec![crate::Diagnostic::error("x", poison.clone()).note(poison.clone())];
        let mut all = events();
        all.push(RunEvent::CaseFinished(Box::new(poisoned)));
        if let RunEvent::Happened { plan, .. } = all[2].clone() {
            all.push(RunEvent::Happened {
                plan,
                happened: Event {
                    at: protocol::Timestamp(0),
                    kind: EventKind::Text {
                        direction: Direction::ToDevice,
                        text: poison.clone(),
                        base64: Some(STANDARD.encode(&poison)),
                    },
                },
            });
        }
        for event in &all {
            let line = crate::trace::line(&redactor.event(event));
            for disguise in disguises() {
                assert!(!line.contains(&disguise), "{disguise} in {line}");
                assert!(!line.contains(&json_escaped(&disguise)), "{disguise} in {line}");
            }
        }
    }

    #[test]
    fn what_holds_no_secret_comes_through_unchanged() {
        let redactor = redactor();
        for event in events() {
            assert_eq!(redactor.event(&event), event);
        }
        assert_eq!(redactor.text("nothing here: ==, é"), "nothing here: ==, é");
    }

    #[test]
    fn a_secret_that_is_a_word_of_ours_still_gives_events_that_can_be_read() {
        for word in ["station", "fail", "pass", "1.6", "to_device", "expected", "happened", "opened"] {
            let redactor = Redactor::new([("ODD".to_owned(), word.to_owned())]);
            for event in events() {
                let after = redactor.event(&event);
                assert_eq!(std::mem::discriminant(&after), std::mem::discriminant(&event), "{word}");
            }
        }
    }

    #[test]
    fn a_short_secret_goes_only_where_it_stands_alone() {
        let redactor = Redactor::new([("PIN".to_owned(), "17".to_owned()), ("NONE".to_owned(), String::new())]);
        assert_eq!(redactor.text("17, 1.17 but 2017 and x17"), "[redacted PIN], 1.[redacted PIN] but 2017 and x17");
        let credentials = STANDARD.encode("CP-1:17");
        assert_eq!(redactor.for_users(["CP-1"]).text(&credentials), "[redacted PIN]");
    }

    #[test]
    fn a_key_given_as_hex_is_found_as_the_bytes_it_stands_for() {
        let key = "00ff17c4a1b2c3d4e5f60718293a4b5c6d7e8f90";
        let redactor = Redactor::new([("KEY".to_owned(), key.to_owned())]);
        let mut credentials = b"CP-1:".to_vec();
        credentials.extend(from_hex(key).unwrap());
        assert_eq!(redactor.text(&STANDARD.encode(credentials)), "[redacted KEY]");
        assert_eq!(redactor.text(&key.to_uppercase()), "[redacted KEY]");
    }

    #[test]
    fn what_is_left_of_a_secret_where_a_text_was_cut_goes_too() {
        let redactor = redactor();
        // In base64 a user stands in front.
        for disguise in disguises().iter().filter(|disguise| !disguise.bytes().all(is_base64)) {
            for kept in 16..disguise.chars().count() {
                let part: String = disguise.chars().take(kept).collect();
                let found = redactor.text(&format!("key {part}… (90 more characters)"));
                assert_eq!(found, "key [redacted BASIC_PW]… (90 more characters)", "{part}");
            }
        }
        assert_eq!(redactor.text("header \"C4n4ry p\"…"), "header \"[redacted BASIC_PW]\"…");
        assert_eq!(redactor.text("C4n… (90 more characters)"), "C4n… (90 more characters)");
        assert_eq!(redactor.text("C4n4ry of another kind…"), "C4n4ry of another kind…");
    }

    #[test]
    fn backslashes_and_line_breaks_are_known_in_every_layer_of_json() {
        let secret = "a\\b\\\\c\n\"\\\"🔌d";
        let redactor = Redactor::new([("ODD".to_owned(), secret.to_owned())]);
        let (one, ascii) = (json_escaped(secret), json_ascii(secret));
        for text in [secret.to_owned(), json_escaped(&one), one, json_escaped(&ascii), ascii] {
            assert_eq!(redactor.text(&text), "[redacted ODD]", "{text}");
        }
    }

    #[test]
    fn of_two_secrets_the_longer_wins_where_both_begin() {
        let redactor =
            Redactor::new([("A".to_owned(), "secret".to_owned()), ("B".to_owned(), "secret-long".to_owned())]);
        assert_eq!(redactor.text("secret-long secret"), "[redacted B] [redacted A]");
    }
}
