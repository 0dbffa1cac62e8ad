//! The standing oracles: rules that watch every case, whatever it is about.
//!
//! They see what crosses the wire of one device, in order, and say what broke which rule. Severity comes from the
//! strength of the statement they rest on: MUST fails, SHOULD and everything uncertain warns.

mod answers;
mod content;
mod pace;
mod refusals;
mod registration;
mod transactions;
mod unheard;

use std::collections::{HashMap, HashSet};

use protocol::frame::{Frame, Reading};
use protocol::statements::{Strength, statement};
use protocol::{Role, Timestamp, Version, frame};
use serde_json::Value;

use crate::{StandingViolation, Verdict};

/// Every oracle by name, with what it watches; `plugfest explain` prints it.
pub const ORACLES: &[(&str, &str)] = &[
    ("well-formed-frame", "Every message of the device is one JSON array with the elements of its message type."),
    ("valid-message", "Every payload of the device fits the schema of its message."),
    ("text-rule", "Every payload of the device keeps the rules of the text that the schemas lack."),
    ("known-action", "The device calls only actions of the version, in their direction."),
    ("one-answer", "Every call of ours gets exactly one answer, with the id of the call."),
    ("answer-in-time", "Every call of ours is answered before the rig's time-out."),
    ("no-answer-to-an-answer", "The device answers calls, never answers."),
    ("says-nothing-of-the-inside", "No refusal of the device shows a stack trace, a query or the like."),
    ("refusal-in-proportion", "No refusal of the device carries its call many times over."),
    ("one-outstanding", "The device has at most one unanswered call at a time."),
    ("unique-id", "A message id of the device names one call only."),
    ("boot-first", "Until it is accepted, a station sends nothing but BootNotification and what was triggered."),
    ("boots-without-flood", "A station that is told to wait does not boot time and again at once."),
    (
        "unregistered-station",
        "A CSMS of 1.6 starts and stops nothing at a Pending station, leaves a Rejected one alone, and does not ask an \
         accepted one to boot again.",
    ),
    (
        "takes-every-report",
        "What an accepted station of 1.6 tells of its transactions, meters and connectors gets a result, whatever a CSMS \
         thinks of it.",
    ),
    (
        "legal-status",
        "Connector 0 reports only the states it has; connectors change their state only as the specification allows.",
    ),
    ("transaction-order", "Transactions of a connector do not overlap, end once, and their registers never fall."),
    ("sequence-number", "The events of a transaction are numbered without gaps."),
    ("connection-stays-open", "The link ends only where the conversation says so."),
    (
        "outlives-every-message",
        "No message of ours, however odd, is the last that the device takes, or makes it drop the link.",
    ),
    ("alive-afterwards", "After the case the device still answers."),
    ("wire-rule", "The WebSocket frames and the handshake of the device keep their rules."),
];

/// Watches the conversation with one device.
#[derive(Clone, Debug)]
pub struct Oracles {
    device: Role,
    version: Version,
    /// Calls of the device by id: the action, the payload, whether it was answered.
    theirs: HashMap<String, TheirCall>,
    /// Calls of ours by id.
    ours: HashMap<String, OurCall>,
    /// Raw texts of ours by the ids in them, which may be answered in whatever way the case allows.
    strays: HashMap<String, String>,
    /// Ids of raw texts that are none.
    bad_ids: HashSet<String>,
    raw_text_sent: bool,
    /// The last odd thing that we sent, if the device has answered no call since.
    unproven: Option<String>,
    registration: Registration,
    /// A station that was accepted booted again because we wished it: what it makes of another answer is open.
    booted_on_wish: bool,
    triggered: Vec<String>,
    boots: pace::Boots,
    seen_on_link: bool,
    statuses: HashMap<i64, String>,
    transactions: transactions::Transactions,
    unheard: unheard::Unheard,
    /// What the last call of the device was answered before, if that answer may have been lost.
    said_again: Option<Value>,
    violations: Vec<StandingViolation>,
}

#[derive(Clone, Debug)]
struct TheirCall {
    action: String,
    payload: Value,
    answered: bool,
    /// Which link it came on: a call of an earlier link died with it.
    link: u32,
}

#[derive(Clone, Debug)]
struct OurCall {
    action: String,
    request: Value,
    /// No earlier call had its id.
    is_new: bool,
    state: OurState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OurState {
    Open,
    Answered,
    Expired,
}

/// What we know of the registration of a station: the one under test, or ours with the CSMS under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Registration {
    /// It has not booted while we looked.
    Unknown,
    /// It sent a BootNotification that is not answered yet.
    Asking,
    /// It was told to wait.
    Waiting { rejected: bool },
    /// It was accepted.
    Accepted,
}

/// What an incoming answer belongs to.
#[derive(Clone, Debug, PartialEq)]
pub enum Answered {
    /// A call of ours that was open.
    Call,
    /// Raw text of ours.
    RawText,
    /// Nothing that waits for an answer.
    Nothing,
}

impl Oracles {
    /// Watches a device of this side.
    pub fn new(device: Role, version: Version) -> Oracles {
        Oracles {
            device,
            version,
            theirs: HashMap::new(),
            ours: HashMap::new(),
            strays: HashMap::new(),
            bad_ids: HashSet::new(),
            raw_text_sent: false,
            unproven: None,
            registration: Registration::Unknown,
            booted_on_wish: false,
            triggered: Vec::new(),
            boots: pace::Boots::default(),
            seen_on_link: false,
            statuses: HashMap::new(),
            transactions: transactions::Transactions::default(),
            unheard: unheard::Unheard::default(),
            said_again: None,
            violations: Vec::new(),
        }
    }

    /// What was broken since the last time this was asked.
    pub fn take(&mut self) -> Vec<StandingViolation> {
        std::mem::take(&mut self.violations)
    }

    /// Whether something was broken, since it was asked last, that fails the device.
    pub fn has_failed(&self) -> bool {
        self.violations.iter().any(|violation| violation.verdict == Verdict::Fail)
    }

    /// What was broken before the first case is the first case's to report.
    pub fn put_back(&mut self, violations: Vec<StandingViolation>) {
        self.violations.splice(0..0, violations);
    }

    /// A link was opened.
    pub fn opened(&mut self) {
        self.transactions.link += 1;
        self.unheard.link_changed();
        self.seen_on_link = false;
        // What changed while there was no link is not told step by step (16-STAT-11).
        self.statuses.clear();
        for call in self.ours.values_mut() {
            if call.state == OurState::Open {
                call.state = OurState::Expired;
            }
        }
        if self.registration == Registration::Asking {
            self.registration = Registration::Unknown;
        }
    }

    /// A link of before goes on, whose station was accepted.
    pub fn resumed(&mut self) {
        self.opened();
        self.registration = Registration::Accepted;
    }

    /// A text message of the device. The frame in it is returned, whatever is wrong with it.
    pub fn received(&mut self, now: Timestamp, bytes: &[u8]) -> Reading {
        let reading = frame::read(self.version, bytes);
        self.received_reading(now, bytes, &reading);
        reading
    }

    /// A text message of the device that was read before, in this version.
    pub fn received_reading(&mut self, now: Timestamp, bytes: &[u8], reading: &Reading) {
        self.unheard.spoken();
        let text = String::from_utf8_lossy(bytes);
        if !reading.findings.is_empty() {
            self.ill_formed(now, &text, reading);
        }
        match &reading.frame {
            Some(Frame::Call { id, action, payload }) => self.call(now, &text, id, action, payload),
            Some(Frame::Send { action, payload, .. }) => self.content(now, &text, action, payload),
            _ => {}
        }
    }

    fn ill_formed(&mut self, now: Timestamp, text: &str, reading: &Reading) {
        let about = match &reading.frame {
            Some(frame) => match frame.action() {
                Some(action) => format!("{action}.req"),
                None => match self.ours.get(frame.id()) {
                    Some(call) => format!("{}.conf", call.action),
                    None => "answer".to_owned(),
                },
            },
            None => "message".to_owned(),
        };
        let echo = self.repeats_a_bad_id(reading);
        for finding in &reading.findings {
            if echo && answers::is_about_id(finding) {
                continue;
            }
            self.report(
                now,
                text,
                Found {
                    oracle: "well-formed-frame",
                    statement: finding.statement,
                    path: format!("{about}: {}", kind_name(&finding.kind)),
                    verdict: if finding.certain { Verdict::Fail } else { Verdict::Warn },
                    sentence: finding.sentence.clone(),
                },
            );
        }
    }

    /// The result that the last call of the device was given before, where the station has to send it again because that
    /// answer may have gone with the link (R-151): it deserves the same.
    pub fn take_said_again(&mut self) -> Option<Value> {
        self.said_again.take()
    }

    /// A result of the device to a call that the caller of this kept track of itself.
    pub fn result_to(&mut self, now: Timestamp, bytes: &[u8], action: &str, request: &Value, payload: &Value) {
        self.result(now, &String::from_utf8_lossy(bytes), action, request, payload);
    }

    /// A breach of RFC 6455 or of the handshake rules.
    pub fn wire(&mut self, now: Timestamp, rule: &str, id: &str, text: &str, certain: bool) {
        self.report(
            now,
            text,
            Found {
                oracle: "wire-rule",
                statement: rule,
                path: id.to_owned(),
                verdict: if certain { Verdict::Fail } else { Verdict::Warn },
                sentence: text.to_owned(),
            },
        );
    }

    /// The link ended although nothing in the conversation asks for it. Only stations of 2.x are bound to keep it;
    /// of everybody else it is only expected (R-240).
    pub fn lost(&mut self, now: Timestamp, how: &str, after: &str) {
        let keeps = |id: &&str| {
            statement(id).is_some_and(|found| found.is_of(self.version) && found.side.includes(self.device))
        };
        let Some(kept) = ["R-081", "R-240"].into_iter().find(keeps) else { return };
        let is_demanded = statement(kept).is_some_and(|kept| kept.strength_in(self.version) == Strength::Must);
        self.report(
            now,
            after,
            Found {
                oracle: "connection-stays-open",
                statement: kept,
                path: "link".to_owned(),
                verdict: if is_demanded { Verdict::Fail } else { Verdict::Warn },
                sentence: format!("the device ended the link ({how}) where nothing asks for it"),
            },
        );
        if kept == "R-240" {
            self.unproven = None;
        } else {
            self.harmed(now, &format!("the device ended the link ({how})"));
        }
    }

    /// We send something that is no call: whoever outlives it answers the next one.
    pub fn sent_odd(&mut self, what: &str) {
        self.unproven = Some(cut(what));
    }

    /// Something odd was sent, and the device has answered no call since.
    pub fn is_in_doubt(&self) -> bool {
        self.unproven.is_some()
    }

    /// What came last may have ended the device, blocked it, or made it drop its link (R-240).
    pub fn harmed(&mut self, now: Timestamp, how: &str) {
        let Some(message) = self.unproven.take() else { return };
        self.report(
            now,
            &message,
            Found {
                oracle: "outlives-every-message",
                statement: "R-240",
                path: "device".to_owned(),
                verdict: Verdict::Warn,
                sentence: format!("after an odd message {how}"),
            },
        );
    }

    /// The device no longer answers after a case.
    pub fn dead(&mut self, now: Timestamp, sentence: &str, after: &str) {
        self.report(
            now,
            after,
            Found {
                oracle: "alive-afterwards",
                statement: "R-037",
                path: "device".to_owned(),
                verdict: Verdict::Fail,
                sentence: sentence.to_owned(),
            },
        );
        self.harmed(now, "the device answers nothing any more");
    }

    fn report(&mut self, now: Timestamp, frame: &str, found: Found<'_>) {
        // A flood of the same mistake is one mistake.
        let known = self.violations.iter().any(|other| other.oracle == found.oracle && other.path == found.path);
        if known || self.violations.len() >= 100 {
            return;
        }
        self.violations.push(StandingViolation {
            oracle: found.oracle.to_owned(),
            statement: found.statement.to_owned(),
            path: found.path,
            verdict: found.verdict,
            sentence: found.sentence,
            frame: cut(frame),
            at: now,
            first_in: None,
        });
    }
}

struct Found<'a> {
    oracle: &'static str,
    statement: &'a str,
    path: String,
    verdict: Verdict,
    sentence: String,
}

fn kind_name(kind: &frame::FrameFindingKind) -> String {
    let text = format!("{kind:?}");
    text.split(['(', ' ', '{']).next().unwrap_or("").to_owned()
}

/// At most 600 characters of a frame.
fn cut(text: &str) -> String {
    match text.char_indices().nth(600) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}… ({} bytes)", &text[..at], text.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(device: Role, version: Version) -> (String, Verdict) {
        let mut oracles = Oracles::new(device, version);
        oracles.opened();
        oracles.lost(Timestamp(1), "close code 1000", "");
        let found = oracles.take().remove(0);
        (found.statement, found.verdict)
    }

    #[test]
    fn silence_after_something_odd_is_harm_unless_a_call_was_answered_since() {
        let harm = |answers: bool| -> Vec<String> {
            let mut oracles = Oracles::new(Role::Csms, Version::V16);
            oracles.opened();
            oracles.sent_odd("{");
            for id in ["call-1", "call-2"] {
                oracles.sent_call(id, "Heartbeat", &Value::Null);
                if id == "call-1" && answers {
                    let text = br#"[3,"call-1",{"currentTime":"2026-01-01T00:00:00Z"}]"#;
                    let reading = oracles.received(Timestamp(1), text);
                    oracles.answer(Timestamp(1), text, &reading.frame.unwrap());
                }
            }
            oracles.expired(Timestamp(2), "call-2", "");
            oracles.take().into_iter().filter(|found| found.statement == "R-240").map(|found| found.frame).collect()
        };
        assert_eq!(harm(false), ["{"]);
        assert!(harm(true).is_empty());
    }

    #[test]
    fn only_a_station_of_2_x_is_bound_to_keep_its_link() {
        assert_eq!(lost(Role::Station, Version::V201), ("R-081".to_owned(), Verdict::Fail));
        assert_eq!(lost(Role::Station, Version::V16), ("R-240".to_owned(), Verdict::Warn));
        assert_eq!(lost(Role::Csms, Version::V16), ("R-240".to_owned(), Verdict::Warn));
        assert_eq!(lost(Role::Csms, Version::V201), ("R-240".to_owned(), Verdict::Warn));
    }
}
