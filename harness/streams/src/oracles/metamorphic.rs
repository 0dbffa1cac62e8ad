//! O11: the same call in another dress - order of keys, spaces, escapes, fragments - gets the same answer.

use protocol::frame::Frame;
use protocol::{Role, Version, json};
use serde_json::{Map, Value};

use super::{About, Charge, Class, Code, Oracle, Suspicion};
use crate::act::{Hole, Part, Text};
use crate::{Act, Seen, What};

/// Watches harmless calls, and repeats some of them in another dress.
pub(super) struct Metamorphic {
    device: Role,
    version: Version,
    sents: usize,
    next_at: usize,
    done: usize,
    /// The first dress: another one in each episode.
    first: usize,
    numbers: u32,
    stage: Stage,
}

#[derive(Default)]
enum Stage {
    #[default]
    Looking,
    /// This can be repeated.
    Found(Call),
    /// It was asked again, in this dress.
    Dressed(Call, Asked),
    /// The answers differed: it is to be asked in its first dress again.
    Differs(Call, Difference),
    /// It was asked plainly again.
    Again(Call, Difference, Asked),
}

struct Call {
    link: usize,
    action: String,
    request: Value,
    answer: Value,
    /// How many messages had been sent when it was answered.
    sents: usize,
}

struct Difference {
    dress: Dress,
    reply: String,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Dress {
    name: &'static str,
    rule: &'static str,
}

struct Asked {
    dress: Dress,
    id: Option<String>,
}

const PLAIN: Dress = Dress { name: "plain", rule: "R-001" };
const DRESSES: [Dress; 4] = [
    Dress { name: "order of keys", rule: "R-001" },
    Dress { name: "spaces", rule: "R-001" },
    Dress { name: "escapes", rule: "R-001" },
    Dress { name: "fragments", rule: "R-093" },
];

/// So many messages lie between two of these.
const APART: usize = 20;
/// So many are done in an episode.
const MOST: usize = 8;
/// Message ids that no generator uses.
const FIRST_ID: u32 = 0x6000_0000;
/// Fields that differ from one time to the next.
const VOLATILE: [&str; 4] = ["currentTime", "timestamp", "expiryDate", "cacheExpiryDateTime"];

impl Metamorphic {
    pub(super) fn new(device: Role, version: Version) -> Metamorphic {
        Metamorphic {
            device,
            version,
            sents: 0,
            next_at: 5,
            done: 0,
            first: 0,
            numbers: FIRST_ID,
            stage: Stage::Looking,
        }
    }

    /// Calls that only ask.
    fn only_asks(&self, action: &str) -> bool {
        match (self.device, self.version) {
            (Role::Csms, _) => matches!(action, "Heartbeat" | "Authorize"),
            (Role::Station, Version::V16) => matches!(action, "GetConfiguration" | "GetLocalListVersion"),
            (Role::Station, _) => matches!(action, "GetVariables" | "GetLocalListVersion"),
        }
    }

    fn take(
        &mut self,
        seen: &Seen,
        call: &Call,
        asked: Asked,
        frame: &Frame,
        bytes: &[u8],
    ) -> Option<(Difference, bool)> {
        let same = matches!(frame, Frame::Result { payload, .. } if json::same(&steady(payload), &call.answer));
        let undisturbed = self.sents == call.sents && seen.link == call.link;
        let reply = match frame {
            Frame::Error { code, .. } => format!("error {code}"),
            _ => "result".to_owned(),
        };
        undisturbed.then(|| (Difference { dress: asked.dress, reply, bytes: bytes.to_vec() }, same))
    }
}

impl Oracle for Metamorphic {
    fn code(&self) -> Code {
        Code::O11
    }

    fn saw(&mut self, seen: &Seen, about: &About<'_>, suspicions: &mut Vec<Suspicion>) {
        if let (What::Sent { deserved, .. }, 0) = (&seen.what, self.done) {
            // Ids tell episodes apart, and are the same when one is repeated.
            let id = deserved.id.as_deref().unwrap_or("");
            self.first = id.bytes().fold(0, |sum: usize, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        }
        match &seen.what {
            What::Sent { deserved, .. } if seen.own => {
                if let Stage::Dressed(call, asked) | Stage::Again(call, _, asked) = &mut self.stage
                    && asked.id.is_none()
                    && call.action == deserved.action
                    && json::same(&call.request, &deserved.request)
                {
                    asked.id.clone_from(&deserved.id);
                } else if !self.only_asks(&deserved.action) {
                    self.sents += 1;
                }
            }
            What::Sent { .. } => self.sents += 1,
            What::Received { bytes, reading, answers: Some(answered), .. } => {
                let Some(frame) = &reading.frame else { return };
                let ours = |asked: &Asked| asked.id.as_ref() == Some(&answered.id);
                self.stage = match std::mem::take(&mut self.stage) {
                    // The newest serves best: nothing has come after it.
                    Stage::Looking | Stage::Found(_) => match frame {
                        Frame::Result { payload, .. }
                            if self.sents >= self.next_at
                                && self.done < MOST
                                && answered.deserved.is_legal_call()
                                && !answered.deserved.has_extremes()
                                && self.only_asks(&answered.action) =>
                        {
                            Stage::Found(Call {
                                link: seen.link,
                                action: answered.action.clone(),
                                request: answered.request.clone(),
                                answer: steady(payload),
                                sents: self.sents,
                            })
                        }
                        _ => Stage::Looking,
                    },
                    Stage::Dressed(call, asked) if ours(&asked) => match self.take(seen, &call, asked, frame, bytes) {
                        Some((difference, false)) => Stage::Differs(call, difference),
                        _ => Stage::Looking,
                    },
                    Stage::Again(call, difference, asked) if ours(&asked) => {
                        if let Some((_, true)) = self.take(seen, &call, asked, frame, bytes) {
                            differs(seen, &call, &difference, about, suspicions);
                        }
                        Stage::Looking
                    }
                    other => other,
                };
            }
            _ => {}
        }
    }

    fn wants(&mut self) -> Option<Act> {
        let (call, dress, difference) = match std::mem::take(&mut self.stage) {
            Stage::Found(call) if call.sents == self.sents => {
                let dress = DRESSES[self.first.wrapping_add(self.done) % DRESSES.len()];
                self.done += 1;
                self.next_at = self.sents + APART;
                (call, dress, None)
            }
            Stage::Differs(call, difference) => (call, PLAIN, Some(difference)),
            // Something came in between, or nothing was answered.
            _ => return None,
        };
        self.numbers += 1;
        let (text, cuts) = dressed(&call, dress.name, self.numbers);
        let link = call.link;
        let asked = Asked { dress, id: None };
        self.stage = match difference {
            None => Stage::Dressed(call, asked),
            Some(difference) => Stage::Again(call, difference, asked),
        };
        Some(if cuts.is_empty() { Act::Send { link, text } } else { Act::Fragments { link, text, cuts } })
    }
}

fn differs(seen: &Seen, call: &Call, difference: &Difference, about: &About<'_>, suspicions: &mut Vec<Suspicion>) {
    let Difference { dress, reply, bytes } = difference;
    let sentence = format!(
        "{} is answered with {}, and otherwise ({reply}) in another dress: {}",
        call.action, call.answer, dress.name
    );
    about.suspect(
        seen,
        Charge {
            oracle: Code::O11,
            rule: dress.rule,
            class: Class::Violation,
            action: &call.action,
            path: dress.name.to_owned(),
            reply: reply.clone(),
            sentence,
            bytes,
        },
        suspicions,
    );
}

/// A payload without what differs from one time to the next.
fn steady(payload: &Value) -> Value {
    match payload {
        Value::Object(map) => {
            let kept = map.iter().filter(|(key, _)| !VOLATILE.contains(&key.as_str()));
            Value::Object(kept.map(|(key, value)| (key.clone(), steady(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(steady).collect()),
        other => other.clone(),
    }
}

/// The call in a dress, and where it is cut.
fn dressed(call: &Call, dress: &str, number: u32) -> (Text, Vec<usize>) {
    let action = Value::String(call.action.clone()).to_string();
    let (before, between, action, payload, after) = match dress {
        "order of keys" => ("[2,", ",", action, reversed(&call.request).to_string(), "]"),
        "spaces" => {
            let pretty = serde_json::to_string_pretty(&call.request).unwrap_or_default();
            (" [\t2 ,\n", " ,\r\n ", action, pretty, " ]\n")
        }
        "escapes" => {
            let mut text = String::new();
            escaped(&call.request, &mut text);
            ("[2,", ",", escape(&call.action), text, "]")
        }
        _ => ("[2,", ",", action, call.request.to_string(), "]"),
    };
    let rest = format!("{between}{action}{between}{payload}{after}");
    let parts = [Part::Bytes(before.as_bytes().to_vec()), Part::Hole(Hole::Id(number)), Part::Bytes(rest.into_bytes())];
    let cuts = if dress == "fragments" { vec![1, 2, 9] } else { Vec::new() };
    (parts.into_iter().collect(), cuts)
}

fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let reversed: Map<String, Value> =
                map.iter().rev().map(|(key, value)| (key.clone(), reversed(value))).collect();
            Value::Object(reversed)
        }
        Value::Array(items) => Value::Array(items.iter().map(reversed).collect()),
        other => other.clone(),
    }
}

/// Every string with its first letter as an escape.
fn escaped(value: &Value, text: &mut String) {
    match value {
        Value::String(string) => text.push_str(&escape(string)),
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                text.push_str(if at > 0 { "," } else { "" });
                escaped(item, text);
            }
            text.push(']');
        }
        Value::Object(map) => {
            text.push('{');
            for (at, (key, item)) in map.iter().enumerate() {
                text.push_str(if at > 0 { "," } else { "" });
                text.push_str(&escape(key));
                text.push(':');
                escaped(item, text);
            }
            text.push('}');
        }
        other => text.push_str(&other.to_string()),
    }
}

fn escape(string: &str) -> String {
    let plain = Value::String(string.to_owned()).to_string();
    match string.chars().next() {
        Some(first) if first.is_ascii_alphanumeric() => format!("\"\\u{:04x}{}", first as u32, &plain[2..]),
        _ => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::super::told::Told;
    use super::*;

    fn told() -> Told {
        let mut told = Told::new(Role::Csms, Version::V16);
        told.booted(0);
        for at in 0..6 {
            let id = format!("h{at}");
            told.call(0, &id, &format!(r#"[2,"{id}","Authorize",{{"idTag":"ABC"}}]"#));
            told.answer(0, &format!(r#"[3,"{id}",{{"idTagInfo":{{"status":"Accepted"}}}}]"#));
        }
        told
    }

    const SAME: &str = r#"[3,"ID",{"idTagInfo":{"status":"Accepted"}}]"#;

    #[test]
    fn the_same_answer_is_right() {
        let mut asked = Vec::new();
        let mut oracle = Metamorphic::new(Role::Csms, Version::V16);
        let found = told().ask(&mut oracle, &mut |text| {
            asked.push(text.to_owned());
            SAME.to_owned()
        });
        assert_eq!(found, []);
        assert_eq!(asked.len(), 1);
    }

    #[test]
    fn another_answer_to_the_same_call_is_found() {
        let mut count = 0;
        let mut oracle = Metamorphic::new(Role::Csms, Version::V16);
        let found = told().ask(&mut oracle, &mut |_| {
            count += 1;
            if count == 1 { r#"[4,"ID","FormationViolation","",{}]"#.to_owned() } else { SAME.to_owned() }
        });
        assert_eq!((found[0].class, found[0].rule.as_str()), (Class::Violation, "R-001"));
        assert_eq!(count, 2);
    }

    #[test]
    fn an_answer_that_changes_by_itself_is_not() {
        let mut oracle = Metamorphic::new(Role::Csms, Version::V16);
        let found = told().ask(&mut oracle, &mut |_| SAME.replace("Accepted", "Blocked"));
        assert_eq!(found, []);
    }

    #[test]
    fn every_dress_means_the_same() {
        let request = serde_json::json!({ "b": [{ "x": "Äé", "y": 1.5 }], "a": "1\"2", "": true, "c": {} });
        let call = Call { link: 0, action: "Authorize".to_owned(), request, answer: Value::Null, sents: 0 };
        for dress in DRESSES {
            let (text, _) = dressed(&call, dress.name, 1);
            let text = text.shown().replace("<id 1>", "x");
            let deserved = crate::deserved::deserved(Version::V16, Role::Csms, text.as_bytes());
            assert_eq!(deserved.action, "Authorize");
            assert!(json::same(&deserved.request, &call.request), "{text}");
        }
    }
}
