//! O4: what the device says is valid, what is invalid is refused in the words of the version, and what is valid is not
//! refused as if it were malformed.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use protocol::errors::Defect;
use protocol::frame::{self, Frame, FrameFindingKind};
use protocol::json::JsonFindingKind;
use protocol::{Role, Timestamp, Version, errors, validate};
use serde_json::Value;
use verdict::{StandingViolation, Verdict};

use super::correlation::{NO_ID, Repeated};
use super::course::Course;
use super::{About, Charge, Class, Code, Oracle, Suspicion};
use crate::deserved::{Deserved, Flaw, breaks_text};
use crate::seen::{OurCall, reply_class};
use crate::{Seen, What};

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
}

/// An answer so shortly before the end of a link may be lost with it.
const LOST: Duration = Duration::from_secs(2);
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
    pub(super) fn new(device: Role, version: Version) -> Validity {
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
            What::Opened { identity, .. } => {
                let watched = self.watched(seen.link);
                if watched.identity != *identity && !watched.identity.is_empty() {
                    self.links.remove(&seen.link);
                }
                let watched = self.watched(seen.link);
                watched.identity.clone_from(identity);
                watched.open.clear();
                watched.standing.opened();
            }
            What::Sent { deserved, .. } => {
                if !deserved.request.is_null() {
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
                        "well-formed-frame" => {
                            answers.as_ref().is_some_and(|call| is_echo_of(call, reading, &violation.sentence))
                        }
                        "text-rule" => self.is_ours(&violation.path, reading),
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
        about.suspect(seen, charge, suspicions);
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
    // A request with more items than the station takes may be refused (R-061).
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
    let hard = deserved.defects.iter().find(|flaw| is_beyond_doubt(flaw, &call.request, version));
    // A result that says no refuses what it was asked for, and says nothing of what was around it.
    let in_effect = declines(payload) && !hard.is_some_and(|flaw| flaw.defect == Defect::BadMessageId);
    // Meter values are answered whatever they hold (R-155).
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

/// Whether what is odd about the envelope of an answer was odd in the call first: its id, or the character U+0000 or
/// half a surrogate pair in a text that the answer repeats.
fn is_echo_of(call: &OurCall, reading: &frame::Reading, sentence: &str) -> bool {
    let finding = reading.findings.iter().find(|finding| finding.sentence == sentence);
    match finding.map(|finding| &finding.kind) {
        Some(FrameFindingKind::IdEmpty | FrameFindingKind::IdTooLong | FrameFindingKind::IdNotString) => {
            has_bad_id(&call.deserved)
        }
        Some(FrameFindingKind::Json(json)) => {
            let odd = match json.kind {
                JsonFindingKind::Nul => '\0',
                // What stands in the value for it.
                JsonFindingKind::LoneSurrogate => char::REPLACEMENT_CHARACTER,
                _ => return false,
            };
            call.id.contains(odd) || call.action.contains(odd) || holds(&call.request, odd, 0)
        }
        _ => false,
    }
}

/// Whether a text of a value, a key or another, holds this character.
fn holds(value: &Value, odd: char, depth: usize) -> bool {
    depth < 32
        && match value {
            Value::String(text) => text.contains(odd),
            Value::Array(items) => items.iter().any(|item| holds(item, odd, depth + 1)),
            Value::Object(map) => map.iter().any(|(key, item)| key.contains(odd) || holds(item, odd, depth + 1)),
            _ => false,
        }
}

fn has_bad_id(deserved: &Deserved) -> bool {
    deserved.id.as_ref().is_some_and(String::is_empty)
        || deserved.defects.iter().any(|flaw| flaw.defect == Defect::BadMessageId)
}

#[cfg(test)]
mod tests {
    use super::super::told::Told;
    use super::*;

    fn exchange_under(id: &str, call: &str, answer: &str) -> Vec<Suspicion> {
        let mut told = Told::new(Role::Csms, Version::V16);
        told.booted(0).call(0, id, call).answer(0, answer);
        told.judge(&mut Validity::new(Role::Csms, Version::V16))
    }

    fn exchange(device: Role, version: Version, call: &str, answer: &str) -> Vec<Suspicion> {
        let mut told = Told::new(device, version);
        told.booted(0).call(0, "1", call).answer(0, answer);
        told.judge(&mut Validity::new(device, version))
    }

    fn csms(call: &str, answer: &str) -> Vec<Suspicion> {
        exchange(Role::Csms, Version::V16, call, answer)
    }

    const OK: &str = r#"[3,"1",{"idTagInfo":{"status":"Accepted"}}]"#;

    #[test]
    fn a_number_for_an_id_may_come_back_with_a_refusal_and_not_with_a_result() {
        let call = r#"[2,17,"DataTransfer",{"vendorId":"x"}]"#;
        assert_eq!(exchange_under("17", call, r#"[4,17,"FormationViolation","",{}]"#), []);
        let found = exchange_under("17", call, r#"[3,17,{"status":"UnknownVendorId"}]"#);
        let found: Vec<_> = found.iter().map(|found| (found.rule.as_str(), found.class)).collect();
        assert_eq!(found, [("R-038", Class::Violation)]);
    }

    #[test]
    fn what_is_invalid_and_accepted_names_the_flaw() {
        let found = csms(r#"[2,"1","Authorize",{}]"#, OK);
        assert_eq!((found[0].class, found[0].rule.as_str()), (Class::Violation, "R-038"));
        assert_eq!(found[0].path, "/idTag: MissingField");
        assert_eq!(csms(r#"[2,"1","Authorize",{}]"#, r#"[4,"1","ProtocolError","",{}]"#), []);
    }

    #[test]
    fn what_is_invalid_and_declined_in_a_result_is_a_remark() {
        let found = csms(r#"[2,"1","Authorize",{"idTag":5}]"#, &OK.replace("Accepted", "Invalid"));
        assert_eq!(found[0].class, Class::Compatibility);
    }

    #[test]
    fn an_invalid_answer_is_found() {
        let found = csms(r#"[2,"1","Heartbeat",{}]"#, r#"[3,"1",{"currentTime":"yesterday"}]"#);
        assert_eq!((found[0].class, found[0].path.as_str()), (Class::Violation, "Heartbeat.conf/currentTime"));
        assert_eq!(csms(r#"[2,"1","Heartbeat",{}]"#, r#"[3,"1",{"currentTime":"2026-01-01T00:00:00Z"}]"#), []);
    }

    #[test]
    fn a_valid_call_is_not_malformed() {
        let found = csms(r#"[2,"1","Authorize",{"idTag":"A"}]"#, r#"[4,"1","FormationViolation","",{}]"#);
        assert_eq!((found[0].class, found[0].rule.as_str()), (Class::Violation, "R-037"));
        assert_eq!(csms(r#"[2,"1","Authorize",{"idTag":"A"}]"#, r#"[4,"1","NotSupported","",{}]"#), []);
    }

    #[test]
    fn trap_each_version_has_its_own_spelling_and_1_6_its_mistakes() {
        let call = r#"[2,"1","Heartbeat",[]]"#;
        assert_eq!(csms(call, r#"[4,"1","FormationViolation","",{}]"#), []);
        assert_eq!(csms(call, r#"[4,"1","FormatViolation","",{}]"#)[0].rule, "R-050");
        let v201 = |answer| exchange(Role::Csms, Version::V201, call, answer);
        assert_eq!(v201(r#"[4,"1","FormatViolation","",{}]"#), []);
        assert_eq!(v201(r#"[4,"1","FormationViolation","",{}]"#)[0].class, Class::Violation);
    }

    #[test]
    fn trap_an_unknown_action_is_not_implemented_or_not_supported() {
        for code in ["NotImplemented", "NotSupported"] {
            assert_eq!(csms(r#"[2,"1","Foo",{}]"#, &format!(r#"[4,"1","{code}","",{{}}]"#)), []);
        }
    }

    #[test]
    fn an_action_that_was_served_is_implemented() {
        let mut told = Told::new(Role::Csms, Version::V16);
        told.booted(0).call(0, "1", r#"[2,"1","Authorize",{"idTag":"A"}]"#).answer(0, OK);
        told.call(0, "2", r#"[2,"2","Authorize",{"idTag":5}]"#).answer(0, r#"[4,"2","NotImplemented","",{}]"#);
        let found = told.judge(&mut Validity::new(Role::Csms, Version::V16));
        assert_eq!((found[0].class, found[0].rule.as_str()), (Class::Violation, "R-051"));
    }

    #[test]
    fn trap_one_point_zero_is_an_integer_or_not() {
        let call = r#"[2,"1","StatusNotification",{"connectorId":1.0,"errorCode":"NoError","status":"Available"}]"#;
        for answer in [r#"[3,"1",{}]"#, r#"[4,"1","TypeConstraintViolation","",{}]"#] {
            assert_eq!(csms(call, answer), []);
        }
        let call = r#"[2,"1","Reset",{"type":"Immediate","evseId":1.0}]"#;
        let found = exchange(Role::Station, Version::V201, call, r#"[4,"1","TypeConstraintViolation","",{}]"#);
        assert!(found.iter().all(|found| !found.class.is_red()), "{found:?}");
    }

    #[test]
    fn trap_formats_are_asserted_but_not_beyond_the_text() {
        let call =
            |time| format!(r#"[2,"1","StopTransaction",{{"transactionId":1,"meterStop":1,"timestamp":"{time}"}}]"#);
        assert_eq!(csms(&call("222222017-10-27T19:10:11Z"), r#"[3,"1",{}]"#)[0].class, Class::Violation);
        assert_eq!(csms(&call("noon"), r#"[3,"1",{}]"#)[0].class, Class::Violation);
        assert_eq!(csms(&call("2026-01-01T00:00:00"), r#"[3,"1",{}]"#)[0].class, Class::Compatibility);
        assert_eq!(csms(&call("2026-01-01T00:00:00.5+02:00"), r#"[3,"1",{}]"#), []);
        let heard = |time| {
            let call =
                format!(r#"[2,"1","SecurityEventNotification",{{"type":"ResetOrReboot","timestamp":"{time}"}}]"#);
            exchange(Role::Csms, Version::V201, &call, r#"[3,"1",{}]"#)[0].class
        };
        assert_eq!(heard("2026-01-01T12:00:00+0200"), Class::Compatibility);
        assert_eq!(heard("tomorrow"), Class::Violation);
    }

    #[test]
    fn trap_the_code_for_a_kind_of_defect_is_one_habit() {
        let refused = |action: &str, payload: &str| {
            let call = format!(r#"[2,"1","{action}",{payload}]"#);
            exchange(Role::Csms, Version::V201, &call, r#"[4,"1","FormatViolation","",{}]"#).remove(0)
        };
        let security = refused("SecurityEventNotification", r#"{"type":7,"timestamp":"2026-01-01T00:00:00Z"}"#);
        let boot = refused("BootNotification", r#"{"reason":"PowerUp","chargingStation":7}"#);
        assert_eq!(security.class, Class::Compatibility);
        assert_eq!(security.signature(), boot.signature());
        let word = refused("BootNotification", r#"{"reason":"?","chargingStation":{"model":"m","vendorName":"v"}}"#);
        assert_ne!(word.signature(), boot.signature());
    }

    #[test]
    fn trap_a_message_type_that_is_no_integer_has_two_codes() {
        for code in ["MessageTypeNotSupported", "RpcFrameworkError"] {
            for kind in ["\"2\"", "2.0"] {
                let call = format!(r#"[{kind},"1","Heartbeat",{{}}]"#);
                let found = exchange(Role::Csms, Version::V201, &call, &format!(r#"[4,"1","{code}","",{{}}]"#));
                assert_eq!(found, [], "{call} {code}");
            }
        }
    }

    #[test]
    fn trap_custom_data_is_nobodys_fault() {
        let call = r#"[2,"1","ClearCache",{"customData":{"vendorId":"v","more":1}}]"#;
        assert_eq!(exchange(Role::Station, Version::V201, call, r#"[3,"1",{"status":"Accepted"}]"#), []);
        let call = r#"[2,"1","ClearCache",{"customData":{}}]"#;
        let found = exchange(Role::Station, Version::V201, call, r#"[3,"1",{"status":"Accepted"}]"#);
        assert!(found.iter().all(|found| !found.class.is_red()));
    }

    #[test]
    fn trap_a_zero_character_that_is_repeated_is_ours() {
        let nul = |id: &str, tag: &str, description: &str| {
            let mut told = Told::new(Role::Csms, Version::V16);
            let call = format!(r#"[2,"{id}","Authorize",{{"idTag":{tag}}}]"#).replace("NUL", "\\u0000");
            let answer =
                format!(r#"[4,"{id}","TypeConstraintViolation","{description}",{{}}]"#).replace("NUL", "\\u0000");
            told.booted(0).call(0, &id.replace("NUL", "\0"), &call).answer(0, &answer);
            told.judge(&mut Validity::new(Role::Csms, Version::V16))
        };
        assert_eq!(nul("aNUL", "5", ""), []);
        assert_eq!(nul("1", r#""aNULbbbbbbbbbbbbbbbbbbbbbbbbb""#, "no aNULb"), []);
        assert!(!nul("1", "5", "noNUL").is_empty(), "nobody told it to say so");
    }

    #[test]
    fn trap_half_a_surrogate_pair_that_is_repeated_is_ours() {
        let half = |id: &str, sent: &str, description: &str| {
            let mut told = Told::new(Role::Csms, Version::V16);
            let call = format!(r#"[2,"{sent}","Authorize",{{"idTag":5}}]"#);
            let answer = format!(r#"[4,"{sent}","TypeConstraintViolation","{description}",{{}}]"#);
            told.booted(0).call(0, id, &call).answer(0, &answer);
            told.judge(&mut Validity::new(Role::Csms, Version::V16))
        };
        assert_eq!(half("\u{FFFD}", "\\ud800", ""), []);
        assert!(!half("1", "1", "\\ud800").is_empty(), "nobody told it to say so");
    }

    #[test]
    fn trap_what_is_accepted_out_of_patience_is_one_habit() {
        let took =
            |action: &str, payload: &str| csms(&format!(r#"[2,"1","{action}",{payload}]"#), r#"[3,"1",{}]"#).remove(0);
        let heartbeat = took("Heartbeat", r#"{"more":1}"#);
        assert_eq!(heartbeat.class, Class::Compatibility);
        assert_eq!(
            heartbeat.signature(),
            took("SecurityEventNotification", r#"{"type":"a","timestamp":"2026-01-01T00:00:00Z","x":1}"#).signature()
        );
    }

    #[test]
    fn trap_a_token_that_is_repeated_without_all_its_fields_is_ours() {
        let token = |text: &str| serde_json::json!({ "idToken": text, "type": "NoAuthorization" });
        let mut sent = token("a");
        sent["additionalInfo"] = serde_json::json!([{ "additionalIdToken": "b", "type": "c" }]);
        let sent = serde_json::json!({ "idToken": sent, "remoteStartId": 1 });
        assert!(contains(&sent, &token("a"), 0));
        assert!(!contains(&sent, &token("b"), 0));
        assert!(!contains(&sent, &serde_json::json!({}), 0), "nothing is no part");
    }

    #[test]
    fn trap_an_empty_id_that_is_repeated_is_ours() {
        let mut told = Told::new(Role::Csms, Version::V16);
        told.booted(0).call(0, "", r#"[2,"","Authorize",{"idTag":"A"}]"#).answer(0, &OK.replace(r#""1""#, r#""""#));
        assert_eq!(told.judge(&mut Validity::new(Role::Csms, Version::V16)), []);
    }

    #[test]
    fn trap_data_transfer_means_what_its_vendor_says() {
        let call = r#"[2,"1","DataTransfer",{"vendorId":"plugfest","data":"x"}]"#;
        for status in ["Accepted", "Rejected", "UnknownVendorId", "UnknownMessageId"] {
            assert_eq!(csms(call, &format!(r#"[3,"1",{{"status":"{status}"}}]"#)), []);
        }
    }

    #[test]
    fn trap_the_limit_of_one_call_holds_for_each_direction() {
        let mut told = Told::new(Role::Station, Version::V201);
        told.booted(0).call(0, "1", r#"[2,"1","ClearCache",{}]"#).received(0, r#"[2,"a","Heartbeat",{}]"#);
        told.answer(0, r#"[3,"1",{"status":"Accepted"}]"#);
        assert_eq!(told.judge(&mut Validity::new(Role::Station, Version::V201)), []);
        told.received(0, r#"[2,"b","Heartbeat",{}]"#);
        assert_eq!(told.judge(&mut Validity::new(Role::Station, Version::V201))[0].rule, "R-030");
    }

    #[test]
    fn trap_a_call_that_we_left_unanswered_holds_nobody_up() {
        let mut told = Told::new(Role::Station, Version::V201);
        told.booted(0).received(0, r#"[2,"a","Heartbeat",{}]"#).withheld(0, "Heartbeat");
        told.received(0, r#"[2,"b","Heartbeat",{}]"#);
        assert_eq!(told.judge(&mut Validity::new(Role::Station, Version::V201)), []);
    }

    #[test]
    fn what_no_calendar_has_is_no_time_of_any_form() {
        for text in ["2026-01-01T12:00:00", "20260101T120000Z", "2026-W01-1T12:00:00Z", "2026-02-30T24:00:00Z"] {
            assert!(is_iso_8601(text), "{text}");
        }
        for text in ["2026-13-01T12:00:00Z", "2026-01-01T12:60:00Z", "2026-01-32", "now", "", "1767268800é"] {
            assert!(!is_iso_8601(text), "{text}");
        }
    }

    #[test]
    fn trap_a_bad_id_can_be_repeated_or_not() {
        let long = "x".repeat(40);
        let call = format!(r#"[2,"{long}","Heartbeat",{{}}]"#);
        let mut told = Told::new(Role::Csms, Version::V16);
        told.booted(0).call(0, &long, &call).answer(0, &format!(r#"[4,"{long}","FormationViolation","",{{}}]"#));
        let found = told.judge(&mut Validity::new(Role::Csms, Version::V16));
        assert!(found.iter().all(|found| !found.class.is_red()), "{found:?}");
    }

    #[test]
    fn trap_a_device_that_says_what_it_was_told_is_not_to_blame() {
        let event = r#"[2,"t","TransactionEvent",{"eventType":"Started","timestamp":"2026-01-01T00:00:00Z","triggerReason":"RemoteStart","seqNo":0,"transactionInfo":{"transactionId":"T","chargingState":"Charging"},"idToken":{"idToken":"TAG","type":"NoAuthorization"}}]"#;
        let mut told = Told::new(Role::Station, Version::V201);
        told.booted(0).received(0, event);
        let found = told.judge(&mut Validity::new(Role::Station, Version::V201));
        assert_eq!(found[0].rule, "C02.FR.01");
        let start = r#"[2,"1","RequestStartTransaction",{"idToken":{"idToken":"TAG","type":"NoAuthorization"},"remoteStartId":3}]"#;
        let mut told = Told::new(Role::Station, Version::V201);
        told.booted(0).call(0, "1", start).answer(0, r#"[3,"1",{"status":"Accepted"}]"#).received(0, event);
        let found = told.judge(&mut Validity::new(Role::Station, Version::V201));
        assert!(found.iter().all(|found| !found.class.is_red()), "{found:#?}");
    }

    #[test]
    fn trap_a_device_that_is_told_what_to_send_is_not_to_blame() {
        let mut told = Told::new(Role::Csms, Version::V16);
        told.booted(0).received(0, r#"[2,"u","UnlockConnector",{"connectorId":0}]"#);
        let red = |told: &Told| {
            let found = told.judge(&mut Validity::new(Role::Csms, Version::V16));
            found.iter().any(|found| found.class.is_red())
        };
        assert!(red(&told));
        told.what(0, What::Stimulated { verb: "send".to_owned(), asked: None, failure: None });
        assert!(!red(&told));
    }

    #[test]
    fn trap_an_end_of_a_transaction_whose_answer_was_lost_comes_again() {
        let stop = |id| {
            format!(
                r#"[2,"{id}","StopTransaction",{{"transactionId":7,"meterStop":1,"timestamp":"2026-01-01T00:00:00Z"}}]"#
            )
        };
        let mut told = Told::new(Role::Station, Version::V16);
        told.booted(0).received(0, &stop("a")).answered(0, "StopTransaction", r#"[3,"a",{}]"#);
        let mut again = Told::new(Role::Station, Version::V16);
        again.seen = told.seen.clone();
        told.received(0, &stop("b"));
        assert_eq!(told.judge(&mut Validity::new(Role::Station, Version::V16))[0].rule, "16-TX-06");
        again.now = told.now;
        again.ended(0, crate::seen::Ending::Reset).opened(0).received(0, &stop("b"));
        assert_eq!(again.judge(&mut Validity::new(Role::Station, Version::V16)), []);
    }

    #[test]
    fn a_code_that_is_nothing_like_the_flaw_is_found() {
        let found = csms(r#"[2,"1","Authorize",{"idTag":5}]"#, r#"[4,"1","InternalError","",{}]"#);
        assert_eq!((found[0].class, found[0].rule.as_str()), (Class::Violation, "R-051"));
        let found = csms(r#"[2,"1","Authorize",{"idTag":5}]"#, r#"[4,"1","FormationViolation","",{}]"#);
        assert_eq!(found[0].class, Class::Compatibility);
    }

    #[test]
    fn frames_that_break_rfc_6455_are_found() {
        let mut told = Told::new(Role::Csms, Version::V16);
        let wire = |certain| What::Wire {
            rule: "RFC 6455 5.1".to_owned(),
            id: "masked".to_owned(),
            text: "a masked frame".to_owned(),
            certain,
        };
        told.what(0, wire(true)).what(0, wire(false));
        let found = told.judge(&mut Validity::new(Role::Csms, Version::V16));
        assert_eq!([found[0].class, found[1].class], [Class::Violation, Class::Compatibility]);
    }
}
