//! O4: what the device says is valid, what is invalid is refused in the words of the version, and what is valid is not
//! refused as if it were malformed.

mod given;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use protocol::errors::Defect;
use protocol::frame::{self, Frame, FrameFindingKind};
use protocol::json::JsonFindingKind;
use protocol::{Role, Timestamp, Version, errors, validate};
use serde_json::Value;
use verdict::{StandingViolation, Verdict};

use super::correlation::{NO_ID, Repeated};
use super::course::Course;
use super::{About, Charge, Class, Code, Evidence, Lasting, Oracle, Suspicion};
use crate::deserved::{Deserved, Flaw, breaks_text};
use crate::seen::{OurCall, reply_class};
use crate::{Seen, What};

pub(super) use given::Given;

/// Watches what the device says, with the standing oracles of the suite, and what it makes of what is invalid.
pub(super) struct Validity {
    device: Role,
    version: Version,
    course: Course,
    links: HashMap<usize, Watched>,
    /// What we answered about transactions was not what a CSMS says, or may not have arrived: their order proves
    /// nothing any more.
    tainted: bool,
    /// When we last answered something about transactions.
    last_answer: Option<Timestamp>,
    /// Actions that were answered with a result.
    served: HashSet<String>,
    /// The act in which somebody told the device what to say.
    told_in: Option<usize>,
    repeated: Repeated,
    /// What we sent, newest last: the device may say it again.
    sent: VecDeque<Arc<Deserved>>,
    /// Answers of ours that were not plain.
    answered: VecDeque<Arc<[u8]>>,
    /// What we gave of odd values, of a device that lives on: from the beginning of the campaign.
    given: Arc<Mutex<Given>>,
}

/// An answer so shortly before the end of a link may be lost with it.
const LOST: Duration = Duration::from_secs(2);
/// Standing oracles of the state of a device, which rest on what came before what.
const OF_STATE: [&str; 7] = [
    "boot-first",
    "boots-without-flood",
    "legal-status",
    "one-outstanding",
    "sequence-number",
    "takes-every-report",
    "transaction-order",
];
/// The class of a call of the device.
const TOLD: &str = "type 2";
/// So many messages of ours are remembered.
const REMEMBERED: usize = 256;

struct Watched {
    standing: verdict::oracles::Oracles,
    identity: String,
    /// Calls of the device that are not answered yet.
    open: VecDeque<(String, String)>,
}

impl Validity {
    pub(super) fn new(device: Role, version: Version, lasting: &Lasting) -> Validity {
        Validity {
            device,
            version,
            course: Course::default(),
            links: HashMap::new(),
            tainted: false,
            last_answer: None,
            served: HashSet::new(),
            told_in: None,
            repeated: Repeated::default(),
            sent: VecDeque::new(),
            answered: VecDeque::new(),
            given: lasting.given(),
        }
    }

    fn watched(&mut self, number: usize) -> &mut Watched {
        let (device, version) = (self.device, self.version);
        self.links.entry(number).or_insert_with(|| Watched {
            standing: verdict::oracles::Oracles::new(device, version),
            identity: String::new(),
            open: VecDeque::new(),
        })
    }
}

impl Oracle for Validity {
    fn code(&self) -> Code {
        Code::O4
    }

    fn saw(&mut self, seen: &Seen, about: &About<'_>, suspicions: &mut Vec<Suspicion>) {
        match &seen.what {
            What::Opened { identity, resumed, .. } => {
                let watched = self.watched(seen.link);
                if watched.identity != *identity && !watched.identity.is_empty() {
                    self.links.remove(&seen.link);
                }
                let watched = self.watched(seen.link);
                watched.identity.clone_from(identity);
                watched.open.clear();
                if *resumed { watched.standing.resumed() } else { watched.standing.opened() }
            }
            What::Sent { deserved, .. } => {
                if !deserved.request.is_null() {
                    self.given(|given| given.learn(&deserved.request));
                    keep(&mut self.sent, deserved);
                }
                if let Some(id) = &deserved.id {
                    self.repeated.sent(id);
                    if deserved.action.ends_with("TriggerMessage") {
                        self.watched(seen.link).standing.sent_call(id, &deserved.action, &deserved.request);
                    }
                }
            }
            What::Answered { action, bytes, plain, .. } => {
                if let (Some(bytes), false) = (bytes, plain) {
                    let reading = frame::read(self.version, bytes);
                    if let Some(payload) = reading.frame.as_ref().and_then(Frame::payload) {
                        self.given(|given| given.learn(payload));
                    }
                    keep(&mut self.answered, bytes);
                }
                if about_transactions(action) {
                    self.last_answer = Some(seen.at);
                    self.tainted |= !plain || self.course.link(seen.link).illegal.as_ref().is_some_and(|it| it.junk);
                }
                self.answered(seen.link, action, bytes.as_deref(), *plain);
            }
            What::Ended { .. } => {
                let lost = |at: Timestamp| seen.at.since(at) < LOST;
                self.tainted |= self.last_answer.is_some_and(lost);
            }
            What::Stimulated { verb, .. } if verb == "send" => {
                self.told_in = Some(seen.act);
                for suspicion in suspicions.iter_mut().filter(|it| it.act == seen.act) {
                    // What it says, and that it says it at all, is our doing.
                    if suspicion.reply == TOLD && matches!(suspicion.oracle, Code::O4 | Code::O6) {
                        suspicion.class = Class::Compatibility;
                    }
                }
            }
            What::Received { bytes, reading, answers, .. } => {
                let watched = self.watched(seen.link);
                watched.standing.received_reading(seen.at, bytes, reading);
                match (&reading.frame, answers) {
                    (Some(Frame::Call { id, action, .. }), _) => {
                        watched.open.push_back((id.clone(), action.clone()));
                        if watched.open.len() > 64 {
                            watched.open.pop_front();
                        }
                    }
                    (Some(Frame::Result { payload, .. }), Some(call)) => {
                        if call.deserved.defects.is_empty() {
                            watched.standing.result_to(seen.at, bytes, &call.action, &call.request, payload);
                            if !self.served.contains(&call.action) && self.served.len() < REMEMBERED {
                                self.served.insert(call.action.clone());
                            }
                        } else if call.deserved.refuse
                            && !self.repeated.is_repeated(&call.id)
                            && let Some(charge) = accepted(call, payload, self.version, self.device)
                        {
                            let remark = charge.class == Class::Compatibility;
                            let reply = if remark { "result".to_owned() } else { reply_class(self.version, reading) };
                            about.suspect(seen, Charge { reply, bytes, ..charge }, suspicions);
                        }
                    }
                    (Some(Frame::Error { code, .. }), Some(call))
                        if !self.repeated.is_repeated(&call.id) && call.id != NO_ID =>
                    {
                        if let Some(charge) = self.refused(seen.link, call, code, about) {
                            let reply = reply_class(self.version, reading);
                            about.suspect(seen, Charge { reply, bytes, ..charge }, suspicions);
                        }
                    }
                    _ => {}
                }
                let reply = || reply_class(self.version, reading);
                let violations = self.links.get_mut(&seen.link).map(|watched| watched.standing.take());
                for violation in violations.unwrap_or_default() {
                    let echo = match violation.oracle.as_str() {
                        "well-formed-frame" => self.is_echo(answers.as_deref(), reading, &violation.sentence),
                        "text-rule" => self.is_ours(&violation.path, reading),
                        "valid-message" => self.is_number_of_ours(&violation.path, reading),
                        _ => false,
                    };
                    let action = match (&reading.frame, answers) {
                        (Some(frame), None) => frame.action().unwrap_or("?"),
                        (_, Some(call)) => &call.action,
                        (None, None) => "?",
                    };
                    self.standing(seen, violation, (action, reply(), bytes, echo), about, suspicions);
                }
            }
            What::Wire { rule, id, text, certain } => {
                let class = if *certain { Class::Violation } else { Class::Compatibility };
                let (path, reply, sentence) = (id.clone(), "frame".to_owned(), text.clone());
                let bytes = text.as_bytes();
                let charge = Charge { oracle: Code::O4, rule, class, action: "?", path, reply, sentence, bytes };
                about.suspect(seen, charge, suspicions);
            }
            _ => {}
        }
        self.course.saw(seen, about);
    }
}

impl Validity {
    /// Our answer to a call of the device, as the standing oracles want to know it.
    fn answered(&mut self, number: usize, action: &str, bytes: Option<&[u8]>, plain: bool) {
        let version = self.version;
        let watched = self.watched(number);
        let Some(at) = watched.open.iter().position(|(_, open)| open == action) else { return };
        let Some((id, _)) = watched.open.remove(at) else { return };
        let reading = bytes.map(|bytes| frame::read(version, bytes)).filter(|reading| reading.findings.is_empty());
        match reading.and_then(|reading| reading.frame) {
            Some(Frame::Result { id: ours, payload })
                if ours == id && (plain || validate::response_violations(version, action, &payload).is_empty()) =>
            {
                watched.standing.sent_answer(&id, Some(&payload));
            }
            Some(Frame::Error { id: ours, .. }) if ours == id => watched.standing.sent_answer(&id, None),
            _ => watched.standing.sent_damaged_answer(&id),
        }
    }

    fn standing(
        &self,
        seen: &Seen,
        violation: StandingViolation,
        (action, reply, bytes, echo): (&str, String, &[u8], bool),
        about: &About<'_>,
        suspicions: &mut Vec<Suspicion>,
    ) {
        if matches!(violation.oracle.as_str(), "transaction-order" | "sequence-number") && self.tainted {
            return;
        }
        let class = match violation.verdict {
            Verdict::Fail => Class::Violation,
            _ => Class::Compatibility,
        };
        // Who answers a bad id with that id keeps R-022 and breaks R-020; it cannot do both. What is ours says nothing
        // about the device.
        if echo {
            return;
        }
        // What we told the device to say is not its own.
        let told = reply == TOLD && self.told_in == Some(seen.act);
        let class = if told { Class::Compatibility } else { class };
        let charge = Charge {
            oracle: Code::O4,
            rule: &violation.statement,
            class,
            action,
            path: violation.path,
            reply,
            sentence: violation.sentence,
            bytes,
        };
        let evidence = match OF_STATE.contains(&violation.oracle.as_str()) {
            true => Evidence::of_state(&violation.statement),
            false => Evidence::Words,
        };
        about.suspect_by(evidence, seen, charge, suspicions);
    }

    /// Whether what stands at the place of a violation is what we gave the device.
    fn is_ours(&self, path: &str, reading: &frame::Reading) -> bool {
        let Some(wanted) = at_place(path, reading) else { return false };
        self.sent.iter().any(|sent| contains(&sent.request, wanted, 0))
            || self.answered.iter().any(|bytes| {
                let reading = frame::read(self.version, bytes);
                reading.frame.as_ref().and_then(Frame::payload).is_some_and(|payload| contains(payload, wanted, 0))
            })
    }

    /// Whether what is odd about the envelope of a message was odd in what we sent first: the id of the call that is
    /// answered, or the character U+0000 or half a surrogate pair in a text that the device has from us.
    fn is_echo(&self, answers: Option<&OurCall>, reading: &frame::Reading, sentence: &str) -> bool {
        let finding = reading.findings.iter().find(|finding| finding.sentence == sentence);
        let odd = match finding.map(|finding| &finding.kind) {
            Some(FrameFindingKind::IdEmpty | FrameFindingKind::IdTooLong | FrameFindingKind::IdNotString) => {
                return answers.is_some_and(|call| has_bad_id(&call.deserved));
            }
            Some(FrameFindingKind::Json(json)) if json.kind == JsonFindingKind::Nul => '\0',
            // What stands in the value for it.
            Some(FrameFindingKind::Json(json)) if json.kind == JsonFindingKind::LoneSurrogate => {
                char::REPLACEMENT_CHARACTER
            }
            _ => return false,
        };
        answers.is_some_and(|call| call.id.contains(odd) || call.action.contains(odd))
            || self.given(|given| given.has_character(odd))
    }

    /// Whether the number at the place of a violation is an odd one that we gave the device.
    fn is_number_of_ours(&self, path: &str, reading: &frame::Reading) -> bool {
        let payload = reading.frame.as_ref().and_then(Frame::payload);
        let pointer = path.find('/').map_or("", |at| &path[at..]).split(": ").next().unwrap_or("");
        let number = payload.and_then(|payload| payload.pointer(pointer)).and_then(Value::as_number);
        number.is_some_and(|number| self.given(|given| given.has_number(number)))
    }

    fn given<T>(&self, with: impl FnOnce(&mut Given) -> T) -> T {
        with(&mut self.given.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A call was refused: with a code that fits, and rightly so?
    fn refused<'a>(&self, number: usize, call: &'a OurCall, code: &str, about: &About<'_>) -> Option<Charge<'a>> {
        if !errors::codes(self.version).contains(&code) {
            // The standing oracles say so.
            return None;
        }
        let unregistered = self.course.is_unregistered(number, self.device);
        // A device need not have every feature, and says so before it looks closer.
        let served = self.served.contains(&call.action);
        let lacking = code == "NotSupported" || (code == "NotImplemented" && !served);
        if lacking || (unregistered && (code == "SecurityError" || self.device == Role::Station)) {
            return None;
        }
        let deserved = &call.deserved;
        let charge = |class, rule, sentence| Charge {
            oracle: Code::O4,
            rule,
            class,
            action: &call.action,
            path: deserved.flaw(),
            reply: String::new(),
            sentence,
            bytes: &[],
        };
        if deserved.is_legal_call() {
            let text = breaks_text(self.version, self.device, &call.action, &call.request);
            // A value that nobody need be able to hold is refused with the code for values.
            let beyond = code == "PropertyConstraintViolation" && deserved.has_extremes();
            if text || beyond || may_be_too_many(self.version, call, code) {
                return None;
            }
            // It may be that this station, or this value, is not to be served.
            let class = match code {
                "NotImplemented" => Class::Compatibility,
                _ => refusal_of_a_legal_call(self.version, call, code, about),
            };
            let sentence = format!("{} is valid and was refused with {code}", call.action);
            return Some(charge(class, "R-037", sentence));
        }
        if !deserved.refuse || deserved.codes.contains(&code) {
            return None;
        }
        // What is an integer to some readers is refused for what it says.
        if deserved.defects.iter().all(|flaw| is_whole_number(flaw, &call.request)) {
            return None;
        }
        // Which of the codes for something malformed it is, is often a matter of taste.
        let kindred = code.ends_with("Violation") || code == "ProtocolError";
        let class = if deserved.prescribed && !kindred { Class::Violation } else { Class::Compatibility };
        let sentence = format!(
            "{} ({}) was refused with {code}, not with {}",
            call.action,
            deserved.flaw(),
            deserved.codes.join(" or ")
        );
        // The code for a kind of defect is a habit of the device: the same wherever the defect is, and one remark.
        let habit = match deserved.defects.as_slice() {
            [only] => format!("{:?}", only.defect),
            _ => "several defects".to_owned(),
        };
        let action = if class == Class::Compatibility { "?" } else { call.action.as_str() };
        Some(Charge { action, path: habit, ..charge(class, "R-051", sentence) })
    }
}

fn refusal_of_a_legal_call(version: Version, call: &OurCall, code: &str, about: &About<'_>) -> Class {
    match code {
        "PropertyConstraintViolation" | "SecurityError" => return Class::Compatibility,
        _ if call.deserved.has_extremes() || about.last_sent.len() > 1000 => return Class::Ambiguous,
        _ => {}
    }
    // A request with more items than the station takes may be refused.
    let many = version != Version::V16
        && code.ends_with("Violation")
        && call
            .request
            .as_object()
            .is_some_and(|map| map.values().any(|value| value.as_array().is_some_and(|items| items.len() > 1)));
    if many { Class::Ambiguous } else { Class::Violation }
}

/// Calls whose answers decide about the order of transactions.
fn about_transactions(action: &str) -> bool {
    matches!(action, "StartTransaction" | "StopTransaction" | "TransactionEvent")
}

fn keep<T: ?Sized>(kept: &mut VecDeque<Arc<T>>, new: &Arc<T>) {
    if kept.len() >= REMEMBERED {
        kept.pop_front();
    }
    kept.push_back(new.clone());
}

/// The text at the place of a violation, or the object around it: what could be an echo.
pub(crate) fn at_place<'a>(path: &str, reading: &'a frame::Reading) -> Option<&'a Value> {
    let place = path.split(": ").next().unwrap_or("");
    let pointer = place.find('/').map_or("", |at| &place[at..]);
    let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
    let payload = reading.frame.as_ref().and_then(Frame::payload)?;
    let found = if parent.is_empty() { payload.pointer(pointer) } else { payload.pointer(parent) };
    found.filter(|value| value.is_object() || value.is_string())
}

/// Whether a value, or an object with some of its fields, stands somewhere in another.
pub(crate) fn contains(value: &Value, wanted: &Value, depth: usize) -> bool {
    depth < 32
        && (value == wanted
            || is_part_of(wanted, value)
            || match value {
                Value::Array(items) => items.iter().any(|item| contains(item, wanted, depth + 1)),
                Value::Object(map) => map.values().any(|item| contains(item, wanted, depth + 1)),
                _ => false,
            })
}

/// Whether an object has no field that the other has not.
fn is_part_of(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            !part.is_empty() && part.iter().all(|(name, value)| whole.get(name) == Some(value))
        }
        _ => false,
    }
}

/// Whether a device may find that there are too many items in one message (B06.FR.16).
fn may_be_too_many(version: Version, call: &OurCall, code: &str) -> bool {
    let is_many = |value: &Value| value.as_array().is_some_and(|items| items.len() > 1);
    version != Version::V16
        && code == "OccurrenceConstraintViolation"
        && matches!(call.action.as_str(), "GetVariables" | "SetVariables")
        && call.request.as_object().is_some_and(|request| request.values().any(is_many))
}

/// Something that has to be refused got a result.
fn accepted<'a>(call: &'a OurCall, payload: &Value, version: Version, device: Role) -> Option<Charge<'a>> {
    let deserved = &call.deserved;
    if deserved.defects.iter().all(|flaw| is_whole_number(flaw, &call.request)) {
        return None;
    }
    // The limit of an id binds who makes one; who answers a longer one as it is harms nobody.
    let is_long = |flaw: &Flaw| flaw.defect == Defect::BadMessageId && call.id.chars().count() > frame::LONGEST_ID;
    let is_hard = |flaw: &&Flaw| !is_long(flaw) && is_beyond_doubt(flaw, &call.request, version);
    let hard = deserved.defects.iter().find(is_hard);
    // A result that says no refuses what it was asked for, and says nothing of what was around it.
    let in_effect = declines(payload) && !hard.is_some_and(|flaw| flaw.defect == Defect::BadMessageId);
    // Meter values are answered whatever they hold.
    let any = version == Version::V16 && device == Role::Csms && call.action == "MeterValues";
    let class = if hard.is_some() && !in_effect && !any { Class::Violation } else { Class::Compatibility };
    let sentence = format!("{} ({}) has to be refused and got a result", call.action, deserved.flaw());
    // What is a matter of patience is a habit of the device: the same wherever the flaw is, and one remark.
    let (action, path) = match (class, deserved.defects.as_slice()) {
        (Class::Violation, _) => (call.action.as_str(), deserved.flaw()),
        (_, [only]) => ("?", format!("accepted {:?}", only.defect)),
        _ => ("?", "accepted several defects".to_owned()),
    };
    Some(Charge { oracle: Code::O4, rule: "R-038", class, action, path, reply: String::new(), sentence, bytes: &[] })
}

/// Whether it is nothing but a whole number with a fraction of nothing: under some drafts of the schema 1.0 is an
/// integer.
fn is_whole_number(flaw: &Flaw, request: &Value) -> bool {
    let number = request.pointer(&flaw.path).filter(|value| value.is_f64()).and_then(Value::as_f64);
    flaw.defect == Defect::WrongType && number.is_some_and(|number| number.fract() == 0.0)
}

/// Whether the flaw is one for every reader.
fn is_beyond_doubt(flaw: &Flaw, request: &Value, version: Version) -> bool {
    if flaw.path.contains("/customData") {
        return false;
    }
    let value = request.pointer(&flaw.path);
    match flaw.defect {
        // Readers may be more patient than the text.
        Defect::NotUtf8
        | Defect::NotJson
        | Defect::NotArray
        | Defect::UnknownMessageType
        | Defect::TypeNotInteger
        | Defect::DuplicateMessageId
        | Defect::BadUri
        | Defect::KnownButUnsupported
        | Defect::NotAccepted
        // Whether 8.15 is 81.5 tenths depends on how a reader keeps it.
        | Defect::NotAMultiple
        | Defect::Internal => false,
        Defect::WrongType => !is_whole_number(flaw, request),
        // The objects of 1.6 were closed by an erratum, and much that is in the field passes over what it does not know.
        Defect::UnknownField => version != Version::V16,
        // 1.6 speaks of ISO 8601, which knows more forms than its schemas; and who reads these as RFC 3339 takes no
        // moment for another.
        Defect::BadDateTime => !value.and_then(Value::as_str).is_some_and(is_iso_8601),
        _ => true,
    }
}

/// Whether a text has the form of a date and a time, with or without an offset, and could be one: no calendar has a
/// thirteenth month, and no clock a sixty-first minute.
fn is_iso_8601(text: &str) -> bool {
    let bytes = text.as_bytes();
    let beyond = |from: usize, most: u32| {
        text.get(from..from + 2).and_then(|part| part.parse::<u32>().ok()).is_some_and(|number| number > most)
    };
    // The long form with a `T`; in others these digits may be something else.
    let long = bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-');
    if long && (beyond(5, 12) || beyond(8, 31)) {
        return false;
    }
    if long && bytes.get(10) == Some(&b'T') && bytes.get(13) == Some(&b':') && (beyond(11, 24) || beyond(14, 59)) {
        return false;
    }
    let digits = |from: usize, to: usize| bytes.get(from..to).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    let extended = digits(0, 4) && bytes.get(4) == Some(&b'-');
    let basic = digits(0, 8) && bytes.get(8).is_none_or(|byte| b"Tt".contains(byte));
    (extended || basic) && bytes.iter().all(|byte| b"0123456789-+:.,TtZzW ".contains(byte))
}

/// Whether a result says no.
fn declines(payload: &Value) -> bool {
    let status = payload
        .get("status")
        .or_else(|| payload.pointer("/idTagInfo/status"))
        .or_else(|| payload.pointer("/idTokenInfo/status"))
        .and_then(Value::as_str);
    status.is_some_and(|status| !matches!(status, "Accepted" | "Scheduled" | "RebootRequired" | "Unlocked" | "Pending"))
}

fn has_bad_id(deserved: &Deserved) -> bool {
    deserved.id.as_ref().is_some_and(String::is_empty)
        || deserved.defects.iter().any(|flaw| flaw.defect == Defect::BadMessageId)
}

#[cfg(test)]
mod tests;
