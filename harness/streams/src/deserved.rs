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
    /// Exactly one answer (R-030, R-031).
    Must,
    /// One answer at most.
    May,
    /// None (R-013, R-040).
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

impl Deserved {
    /// Whether it is no message at all, but frames or bytes from which none follows.
    pub fn is_junk(&self) -> bool {
        self.id.is_none() && self.action == "?" && !self.refuse && self.may_end_link
    }

    /// Whether it is a call without a flaw of which nothing is left open.
    pub fn is_legal_call(&self) -> bool {
        self.answer == Answer::Must && self.defects.is_empty()
    }

    /// Whether the payload, though it fits the schema, holds values that a device need not be able to hold: whole
    /// numbers beyond 32 bits, decimals beyond a double, unusual characters, much text; or the id needs more than ASCII
    /// (R-010).
    pub fn has_extremes(&self) -> bool {
        self.id.as_ref().is_some_and(|id| !id.is_ascii()) || is_extreme(&self.request, &mut 0)
    }
}

/// The length of a message id (R-020).
const MOST_OF_AN_ID: usize = 36;
/// Longer texts than these are a matter of the size of a device.
const LONG: usize = 1000;
/// More bytes of text than these in one message too.
const MUCH: usize = 4000;

fn is_extreme(value: &Value, size: &mut usize) -> bool {
    match value {
        Value::Null | Value::Bool(_) => false,
        Value::Number(number) => match number.as_i64() {
            Some(whole) => i32::try_from(whole).is_err(),
            // Whether 1.0 and 1e0 are integers depends on the draft of the schema.
            None => number.as_f64().is_none_or(|float| float.fract() == 0.0 || !(1e-3..1e9).contains(&float.abs())),
        },
        Value::String(text) => {
            *size += text.len();
            text.len() > LONG || *size > MUCH || text.chars().any(|c| c.is_control() || !c.is_ascii()) || odd_time(text)
        }
        Value::Array(items) => items.len() > 20 || items.iter().any(|item| is_extreme(item, size)),
        Value::Object(map) => map.values().any(|item| is_extreme(item, size)),
    }
}

/// A date-time that is legal and still unusual: no capital T or Z, a leap second, many digits, a far year.
fn odd_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let looks = bytes.len() >= 19 && bytes[4] == b'-' && bytes[7] == b'-' && bytes[13] == b':';
    looks && !(text.len() <= 29 && (text.starts_with("20") || text.starts_with("19")) && bytes[10] == b'T')
        || looks && (text.contains(":60") || text.ends_with('z'))
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
        || reading.findings.iter().any(|finding| !finding.certain)
        || reading.id.as_deref().is_some_and(is_longer_in_bytes)
        || has_null_payload(bytes);
    let certain = reading.is_flawed();
    match (&reading.frame, reading.message_type) {
        (Some(Frame::Call { action, payload, .. }), _) if deserved.defects.is_empty() => {
            deserved.request = payload.clone();
            call(version, device, action, payload, &mut deserved);
            if odd {
                leave_open(&mut deserved);
            }
        }
        (Some(Frame::Call { payload, .. }), _) => {
            deserved.request = payload.clone();
            let only_payload = deserved.defects.iter().all(|flaw| flaw.defect == Defect::PayloadNotObject);
            broken_envelope(version, &mut deserved);
            deserved.may_end_link = !only_payload || odd;
        }
        // An answer is not answered, nor is a message that wants no answer; 2.1 may refuse a result (R-014).
        (Some(Frame::Result { .. } | Frame::Error { .. }), _) if deserved.defects.is_empty() && !odd => {
            deserved.answer = Answer::Never;
        }
        (Some(Frame::Send { .. } | Frame::ResultError { .. }), _) if deserved.defects.is_empty() && !odd => {
            deserved.answer = Answer::Never;
        }
        (_, Some(3..=6)) => {
            broken_answer(&mut deserved);
            deserved.may_end_link = true;
        }
        _ => {
            broken_envelope(version, &mut deserved);
            deserved.may_end_link = true;
        }
    }
    if !certain && !deserved.defects.is_empty() && matches!(deserved.answer, Answer::Must | Answer::May) {
        let only_doubts = deserved
            .defects
            .iter()
            .all(|flaw| matches!(flaw.defect, Defect::BadMessageId | Defect::NotJson) && flaw.path.is_empty());
        if only_doubts {
            leave_open(&mut deserved);
        }
    }
    let is_type = |flaw: &Flaw| flaw.defect == Defect::TypeNotInteger;
    if !deserved.defects.is_empty() && deserved.defects.iter().all(is_type) && begins_with_number(bytes) {
        leave_open(&mut deserved);
    }
    deserved
}

/// Whether the first element is a number: to many readers 2.0 and 2e0 are the integer 2.
fn begins_with_number(bytes: &[u8]) -> bool {
    let rest = bytes.trim_ascii_start().strip_prefix(b"[").map(<[u8]>::trim_ascii_start);
    rest.and_then(<[u8]>::first).is_some_and(u8::is_ascii_digit)
}

/// Nothing is said about it: it may be answered in any way, or not at all, and the link may end.
fn leave_open(deserved: &mut Deserved) {
    deserved.answer = Answer::May;
    deserved.refuse = false;
    deserved.prescribed = false;
    deserved.may_end_link = true;
}

/// Whether an id is short enough in characters, but not in bytes: nobody says in what its length is counted (R-020), and
/// only natural language is to need more than ASCII (R-010).
fn is_longer_in_bytes(id: &str) -> bool {
    id.len() > MOST_OF_AN_ID
}

/// Whether the last element is `null`, which a receiver need only tolerate (R-005).
fn has_null_payload(bytes: &[u8]) -> bool {
    let rest = bytes.trim_ascii_end();
    rest.strip_suffix(b"]").is_some_and(|rest| rest.trim_ascii_end().ends_with(b"null"))
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
    // A message type that the version does not have may be answered with an error (R-057).
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
            FrameFindingKind::TypeNotInteger => Defect::TypeNotInteger,
            FrameFindingKind::UnknownMessageType => Defect::UnknownMessageType,
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use protocol::catalogue::Message;
    use protocol::generate::{self, Seeded};
    use protocol::validate::ViolationKind;

    use super::*;

    fn calls(version: Version, device: Role) -> Vec<&'static Message> {
        Catalogue::of(version)
            .messages()
            .iter()
            .filter(|message| message.kind == Kind::Call && message.from.includes(device.other()))
            .collect()
    }

    fn framed(action: &str, payload: &Value) -> Vec<u8> {
        serde_json::to_vec(&(2, "id-1", action, payload)).unwrap()
    }

    fn any_version() -> impl Strategy<Value = Version> {
        prop_oneof![Just(Version::V16), Just(Version::V201), Just(Version::V21)]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

        #[test]
        fn a_valid_payload_must_be_answered_and_has_no_flaw(
            version in any_version(), csms in any::<bool>(), at in any::<prop::sample::Index>(), seed in any::<u64>()
        ) {
            let device = if csms { Role::Csms } else { Role::Station };
            let messages = calls(version, device);
            let message = messages[at.index(messages.len())];
            let payload = generate::valid(version, &message.request, &mut Seeded::new(seed));
            let deserved = deserved(version, device, &framed(&message.action, &payload));
            prop_assert_eq!(&deserved.defects, &vec![]);
            prop_assert!(!deserved.refuse && deserved.codes.is_empty());
            // Zero characters and the like leave it open what becomes of it.
            prop_assert!(deserved.answer == Answer::Must || deserved.may_end_link);
            prop_assert_eq!(&deserved.request, &payload);
        }

        #[test]
        fn a_payload_that_is_broken_once_has_that_flaw(
            version in any_version(), csms in any::<bool>(), at in any::<prop::sample::Index>(), seed in any::<u64>()
        ) {
            let device = if csms { Role::Csms } else { Role::Station };
            let messages = calls(version, device);
            let message = messages[at.index(messages.len())];
            let broken = generate::broken(version, &message.request, &mut Seeded::new(seed));
            let Some((payload, kind, path)) = broken else { return Ok(()) };
            if payload.is_null() {
                return Ok(());
            }
            let deserved = deserved(version, device, &framed(&message.action, &payload));
            let expected = Flaw { path: path.clone(), defect: Defect::from(kind) };
            if kind == ViolationKind::NotAnObject {
                prop_assert!(deserved.defects.iter().any(|flaw| flaw.defect == Defect::PayloadNotObject));
            } else {
                prop_assert_eq!(&deserved.defects, &vec![expected]);
            }
            if !deserved.may_end_link {
                prop_assert!(deserved.refuse);
                prop_assert!(!deserved.codes.is_empty());
                let silent = errors::silence_is_accepted(version, deserved.defects[0].defect);
                prop_assert_eq!(deserved.answer, if silent { Answer::May } else { Answer::Must });
            }
        }

        #[test]
        fn any_bytes_deserve_something(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for version in Version::ALL {
                let deserved = deserved(version, Role::Csms, &bytes);
                prop_assert!(deserved.answer != Answer::Must || deserved.id.is_some());
            }
        }
    }

    fn of(text: &str) -> Deserved {
        deserved(Version::V16, Role::Csms, text.as_bytes())
    }

    #[test]
    fn an_answer_deserves_none() {
        assert_eq!(of(r#"[3,"x",{}]"#).answer, Answer::Never);
        assert_eq!(of(r#"[4,"x","GenericError","",{}]"#).answer, Answer::Never);
        assert_eq!(of(r#"[4,[],"InternalError","d"]"#).answer, Answer::May);
    }

    #[test]
    fn an_empty_id_is_left_open() {
        let deserved = of(r#"[2,"","Heartbeat",{}]"#);
        assert!(!deserved.refuse);
        assert_eq!(deserved.answer, Answer::May);
    }

    #[test]
    fn an_id_whose_length_is_a_matter_of_counting_is_left_open() {
        let id = "\u{1f50c}".repeat(19);
        let deserved = of(&format!(r#"[2,"{id}","Heartbeat",{{}}]"#));
        assert!(!deserved.refuse && deserved.may_end_link);
        assert_eq!(deserved.answer, Answer::May);
        assert!(of(r#"[2,"\u00e4","Heartbeat",{}]"#).has_extremes());
        assert!(of(&format!(r#"[2,"{}","Heartbeat",{{}}]"#, "x".repeat(36))).is_legal_call());
    }

    #[test]
    fn a_message_type_with_a_fraction_of_nothing_is_left_open() {
        for kind in ["2.0", "2e0"] {
            let deserved = of(&format!(r#"[ {kind},"1","Heartbeat",{{}}]"#));
            assert_eq!((deserved.answer, deserved.refuse), (Answer::May, false), "{kind}");
        }
        assert!(of(r#"["2","1","Heartbeat",{}]"#).refuse);
    }

    #[test]
    fn text_that_is_no_utf_8_may_end_the_link() {
        let deserved = deserved(Version::V16, Role::Csms, b"[2,\"1\",\"Heartbeat\xff\",{}]");
        assert!(deserved.may_end_link);
    }

    #[test]
    fn null_as_payload_is_only_tolerated() {
        let deserved = of(r#"[2,"1","Heartbeat",null]"#);
        assert_eq!((deserved.answer, deserved.refuse), (Answer::May, false));
    }

    #[test]
    fn nesting_beyond_our_own_limit_is_nobodys_flaw() {
        let deep = format!(r#"[2,"1","DataTransfer",{}{}]"#, "[".repeat(400), "]".repeat(400));
        assert!(!of(&deep).refuse);
    }

    #[test]
    fn extremes_are_known() {
        assert!(of(r#"[2,"1","MeterValues",{"connectorId":99999999999}]"#).has_extremes());
        assert!(of(r#"[2,"1","Authorize",{"idTag":"\u00e4"}]"#).has_extremes());
        assert!(of(r#"[2,"1","Authorize",{"idTag":"2024-01-01t00:00:00Z"}]"#).has_extremes());
        assert!(!of(r#"[2,"1","Authorize",{"idTag":"2024-01-01T00:00:00Z"}]"#).has_extremes());
    }
}
