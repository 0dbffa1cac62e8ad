//! What a message of ours deserves, read off its bytes alone: so a replay judges as the first run did, and a
//! message that was made smaller is judged for what it has become.

use protocol::catalogue::{Catalogue, Kind};
use protocol::errors::{self, Defect};
use protocol::frame::{self, Frame, FrameFindingKind, Reading};
use protocol::json::JsonFindingKind;
use protocol::{Role, Version, overlay};
use serde_json::Value;

/// What a message deserves.
#[derive(Clone, Debug, PartialEq)]
pub struct Deserved {
    /// The id that an answer has to carry, if it can be read.
    pub id: Option<String>,
    /// The action, or what stands for it: `?`.
    pub action: String,
    /// What it says, if it is a readable call.
    pub request: Value,
    /// Whether it must, may or must not be answered.
    pub answer: Answer,
    /// What is wrong with it; nothing if it is a legal call.
    pub defects: Vec<Flaw>,
    /// The error codes that are accepted, if it has to be refused; else empty.
    pub codes: Vec<&'static str>,
    /// Whether another code than these is a violation and not only a remark.
    pub prescribed: bool,
    /// Whether it is a call that has to be refused: a result is a violation.
    pub refuse: bool,
    /// Whether the device may end the link because of it, properly.
    pub may_end_link: bool,
}

/// Whether a message is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Exactly one answer.
    Must,
    /// One answer at most.
    May,
    /// None.
    Never,
}

/// What is wrong with a message, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Where, in the style of a JSON pointer; empty for the whole message.
    pub path: String,
    /// What.
    pub defect: Defect,
}

impl Deserved {
    /// What is wrong with it, in short, the same for all of a kind; `legal` if nothing is.
    pub fn flaw(&self) -> String {
        match self.defects.as_slice() {
            [] => "legal".to_owned(),
            [only] if only.path.is_empty() => format!("{:?}", only.defect),
            [only] => format!("{}: {:?}", only.path, only.defect),
            [first, rest @ ..] => format!("{}: {:?} and {} more", first.path, first.defect, rest.len()),
        }
    }
}

/// What these bytes deserve as a text message to a device of this side.
pub fn deserved(version: Version, device: Role, bytes: &[u8]) -> Deserved {
    let reading = frame::read(version, bytes);
    let mut deserved = Deserved {
        id: reading.id.clone(),
        action: reading.frame.as_ref().and_then(Frame::action).unwrap_or("?").to_owned(),
        request: Value::Null,
        answer: Answer::May,
        defects: envelope(&reading),
        codes: Vec::new(),
        prescribed: false,
        refuse: false,
        may_end_link: false,
    };
    // What the JSON layer stumbles over may be a limit of the device, of which the specification says nothing.
    let odd = reading.findings.iter().any(|finding| matches!(finding.kind, FrameFindingKind::Json(_)))
        || reading.findings.iter().any(|finding| !finding.certain);
    match (&reading.frame, reading.message_type) {
        (Some(Frame::Call { action, payload, .. }), _) if deserved.defects.is_empty() => {
            deserved.request = payload.clone();
            call(version, device, action, payload, &mut deserved);
            if odd {
                deserved.answer = Answer::May;
                deserved.refuse = false;
                deserved.prescribed = false;
                deserved.may_end_link = true;
            }
        }
        (Some(Frame::Call { payload, .. }), _) => {
            deserved.request = payload.clone();
            broken_envelope(version, &mut deserved);
        }
        // An answer is not answered, nor is a message that wants no answer; 2.1 may refuse a result.
        (Some(Frame::Result { .. } | Frame::Error { .. }), _) if deserved.defects.is_empty() => {
            deserved.answer = Answer::Never;
        }
        (Some(Frame::Send { .. } | Frame::ResultError { .. }), _) if deserved.defects.is_empty() => {
            deserved.answer = Answer::Never;
        }
        (_, Some(3..=6)) => broken_answer(&mut deserved),
        _ => {
            broken_envelope(version, &mut deserved);
            deserved.may_end_link = true;
        }
    }
    deserved
}

/// A call whose envelope is sound.
fn call(version: Version, device: Role, action: &str, payload: &Value, deserved: &mut Deserved) {
    deserved.answer = Answer::Must;
    let Some(message) = Catalogue::of(version).message(action) else {
        return refused(version, vec![Flaw { path: String::new(), defect: Defect::UnknownAction }], deserved);
    };
    if message.kind == Kind::Send {
        // A call with an action that takes no answer: nothing is said about it.
        deserved.answer = Answer::May;
        return;
    }
    if !message.from.includes(device.other()) {
        return refused(version, vec![Flaw { path: String::new(), defect: Defect::WrongDirection }], deserved);
    }
    let flaws: Vec<Flaw> = protocol::validate::request_violations(version, action, payload)
        .into_iter()
        .map(|violation| Flaw { path: violation.path.clone(), defect: Defect::from(violation.kind) })
        .collect();
    if !flaws.is_empty() {
        refused(version, flaws, deserved);
    }
}

fn refused(version: Version, flaws: Vec<Flaw>, deserved: &mut Deserved) {
    deserved.refuse = true;
    deserved.prescribed = flaws.len() == 1 && flaws.iter().all(|flaw| errors::is_prescribed(version, flaw.defect));
    if flaws.iter().any(|flaw| errors::silence_is_accepted(version, flaw.defect)) {
        deserved.answer = Answer::May;
    }
    let mut codes: Vec<&'static str> =
        flaws.iter().flat_map(|flaw| errors::accepted_codes(version, flaw.defect)).copied().collect();
    codes.sort_unstable();
    codes.dedup();
    deserved.codes = codes;
    deserved.defects = flaws;
}

/// Something that was meant as a call, or nobody knows as what.
fn broken_envelope(version: Version, deserved: &mut Deserved) {
    deserved.refuse = true;
    let flaws = std::mem::take(&mut deserved.defects);
    let flaws = if flaws.is_empty() { vec![Flaw { path: String::new(), defect: Defect::NotJson }] } else { flaws };
    deserved.answer = if deserved.id.is_some() { Answer::Must } else { Answer::May };
    refused(version, flaws, deserved);
}

/// Something that was meant as an answer: there is nothing to be refused, and silence is right.
fn broken_answer(deserved: &mut Deserved) {
    // A message type that the version does not have may be answered with an error.
    deserved.answer = Answer::May;
}

/// What is wrong with the array around the payload.
fn envelope(reading: &Reading) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    for finding in &reading.findings {
        let defect = match &finding.kind {
            FrameFindingKind::NotUtf8 => Defect::NotUtf8,
            FrameFindingKind::NotJson => Defect::NotJson,
            FrameFindingKind::NotArray => Defect::NotArray,
            FrameFindingKind::WrongElementCount => Defect::WrongElementCount,
            FrameFindingKind::TypeNotInteger | FrameFindingKind::UnknownMessageType => Defect::UnknownMessageType,
            FrameFindingKind::IdNotString | FrameFindingKind::IdTooLong | FrameFindingKind::IdEmpty => {
                Defect::BadMessageId
            }
            FrameFindingKind::ActionNotString => Defect::ActionNotString,
            FrameFindingKind::PayloadNotObject => Defect::PayloadNotObject,
            FrameFindingKind::Json(finding) if matches!(finding.kind, JsonFindingKind::Syntax { .. }) => {
                Defect::NotJson
            }
            _ => continue,
        };
        flaws.push(Flaw { path: String::new(), defect });
    }
    flaws
}

/// Whether the text of the specification, beyond the schemas, forbids this request, surely or perhaps.
pub fn breaks_text(version: Version, device: Role, action: &str, payload: &Value) -> bool {
    !overlay::breaches(version, device.other(), action, overlay::Part::Request, payload).is_empty()
}
