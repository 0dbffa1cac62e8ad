//! Reading and writing of frames for the peers.

use protocol::frame::{self, Frame, FrameFindingKind};
use protocol::validate::{self, Violation, ViolationKind};
use protocol::{Role, Version};
use serde_json::{Map, Value, json};

use crate::faults::Faults;

/// A text message as a peer sees it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Incoming {
    /// A call that can be dispatched.
    Call { id: String, action: String, payload: Value },
    /// An answer to one of our calls.
    Result { id: String, payload: Value },
    /// An error answer to one of our calls.
    Error { id: String },
    /// A call whose frame is damaged; the id if it can be read.
    DamagedCall {
        id: Option<String>,
        /// All is well but for the payload, which is no object.
        payload_only: bool,
    },
    /// An answer whose frame is damaged: only dropped.
    DamagedAnswer,
    /// A frame with a message type number that this version does not know.
    UnknownType { id: Option<String> },
    /// No frame at all.
    Unreadable,
}

/// Reads a text message.
pub(crate) fn read(version: Version, text: &[u8]) -> Incoming {
    let reading = frame::read(version, text);
    // An id that breaks the rules for ids is not repeated in an answer.
    let id_is_bad = reading
        .findings
        .iter()
        .any(|finding| matches!(finding.kind, FrameFindingKind::IdNotString | FrameFindingKind::IdTooLong));
    let id = reading.id.clone().filter(|_| !id_is_bad);
    let flawed = reading.is_flawed() || id_is_bad;
    match (reading.message_type, reading.frame) {
        (None, _) if id.is_none() => Incoming::Unreadable,
        (Some(2), Some(Frame::Call { id, action, payload })) if !flawed => Incoming::Call { id, action, payload },
        (Some(2), frame) => Incoming::DamagedCall {
            id,
            payload_only: matches!(frame, Some(Frame::Call { .. }))
                && reading
                    .findings
                    .iter()
                    .filter(|finding| finding.certain)
                    .all(|finding| finding.kind == FrameFindingKind::PayloadNotObject),
        },
        (Some(3), Some(Frame::Result { id, payload })) if !flawed => Incoming::Result { id, payload },
        // A refusal counts, however badly it is put.
        (Some(4), Some(Frame::Error { id, .. })) if !id_is_bad => Incoming::Error { id },
        (Some(3 | 4), _) => Incoming::DamagedAnswer,
        // The refusal of a result, and a message that wants no answer, get none.
        (Some(5 | 6), _) if version == Version::V21 => Incoming::DamagedAnswer,
        _ => Incoming::UnknownType { id },
    }
}

/// The text of a CALL.
pub(crate) fn call(id: &str, action: &str, payload: &Value) -> String {
    Frame::Call { id: id.to_owned(), action: action.to_owned(), payload: payload.clone() }.to_text()
}

/// The text of a CALLRESULT.
pub(crate) fn result(id: &str, payload: &Value) -> String {
    Frame::Result { id: id.to_owned(), payload: payload.clone() }.to_text()
}

/// The text of a CALLERROR.
pub(crate) fn error(id: &str, code: &str, description: &str) -> String {
    Frame::Error {
        id: id.to_owned(),
        code: code.to_owned(),
        description: description.chars().take(255).collect(),
        details: json!({}),
    }
    .to_text()
}

/// The error code that a request earns, if it does not fit the schema of its action (R-038, section 4).
pub(crate) fn request_error(version: Version, action: &str, payload: &Value) -> Option<&'static str> {
    code(version, &validate::request_violations(version, action, payload))
}

/// The same as a peer with these defects sees it.
pub(crate) fn request_error_seen(
    version: Version,
    action: &str,
    payload: &Value,
    side: Role,
    faults: &mut Faults,
) -> Option<&'static str> {
    let mut violations = validate::request_violations(version, action, payload);
    let mut seen = code(version, &violations);
    if seen.is_none() || faults.is_none() {
        return seen;
    }
    for (station, csms, overlooks) in OVERLOOKED {
        let id = if side == Role::Station { station } else { csms };
        if !faults.active(id) {
            continue;
        }
        violations.retain(|violation| !overlooks(violation));
        let left = code(version, &violations);
        if left != seen {
            faults.hits(id);
            seen = left;
        }
    }
    seen
}

type Overlooks = fn(&Violation) -> bool;

/// What defective peers do not see, by the ids of the faults of both sides.
const OVERLOOKED: [(&str, &str, Overlooks); 8] = [
    ("station-overlooks-bad-times", "csms-overlooks-bad-times", |v| v.kind == ViolationKind::BadDateTime),
    ("station-overlooks-extra-fields", "csms-overlooks-extra-fields", |v| v.kind == ViolationKind::UnknownField),
    ("station-overlooks-list-lengths", "csms-overlooks-list-lengths", |v| {
        matches!(v.kind, ViolationKind::TooManyItems | ViolationKind::TooFewItems)
    }),
    ("station-overlooks-long-texts", "csms-overlooks-long-texts", |v| v.kind == ViolationKind::TooLong),
    ("station-overlooks-long-texts-inside", "csms-overlooks-long-texts-inside", |v| {
        v.kind == ViolationKind::TooLong && v.path.matches('/').count() > 1
    }),
    ("station-overlooks-missing-fields", "csms-overlooks-missing-fields", |v| v.kind == ViolationKind::MissingField),
    ("station-overlooks-unknown-words", "csms-overlooks-unknown-words", |v| v.kind == ViolationKind::NotInEnumeration),
    ("station-overlooks-wrong-types", "csms-overlooks-wrong-types", |v| v.kind == ViolationKind::WrongType),
];

fn code(version: Version, violations: &[Violation]) -> Option<&'static str> {
    let old = version == Version::V16;
    violations.first().map(|violation| match violation.kind {
        ViolationKind::NotAnObject | ViolationKind::UnknownField if old => "FormationViolation",
        ViolationKind::NotAnObject | ViolationKind::UnknownField => "FormatViolation",
        ViolationKind::MissingField | ViolationKind::TooManyItems | ViolationKind::TooFewItems if old => {
            "OccurenceConstraintViolation"
        }
        ViolationKind::MissingField | ViolationKind::TooManyItems | ViolationKind::TooFewItems => {
            "OccurrenceConstraintViolation"
        }
        ViolationKind::WrongType => "TypeConstraintViolation",
        ViolationKind::NotInEnumeration
        | ViolationKind::TooLong
        | ViolationKind::TooShort
        | ViolationKind::OutOfRange
        | ViolationKind::NotAMultiple
        | ViolationKind::BadDateTime
        | ViolationKind::BadUri => "PropertyConstraintViolation",
    })
}

/// The members of a JSON object; none if it is something else.
pub(crate) fn members(payload: &Value) -> &Map<String, Value> {
    static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    payload.as_object().unwrap_or(&EMPTY)
}

/// The bytes behind hexadecimal digits.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let digits = digits?;
    digits.len().is_multiple_of(2).then(|| digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
