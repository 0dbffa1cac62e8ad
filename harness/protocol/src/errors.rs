//! CALLERROR codes, and which of them answers which defect.
//!
//! The specification leaves room here, so a test accepts a set; where it is silent the set is wide.

use crate::Version;
use crate::validate::ViolationKind;

const CODES_16: &[&str] = &[
    "NotImplemented",
    "NotSupported",
    "InternalError",
    "ProtocolError",
    "SecurityError",
    "FormationViolation",
    "PropertyConstraintViolation",
    "OccurenceConstraintViolation",
    "TypeConstraintViolation",
    "GenericError",
];

const CODES_2: &[&str] = &[
    "FormatViolation",
    "GenericError",
    "InternalError",
    "MessageTypeNotSupported",
    "NotImplemented",
    "NotSupported",
    "OccurrenceConstraintViolation",
    "PropertyConstraintViolation",
    "ProtocolError",
    "RpcFrameworkError",
    "SecurityError",
    "TypeConstraintViolation",
];

/// The error codes of this version in its own spelling.
pub fn codes(version: Version) -> &'static [&'static str] {
    match version {
        Version::V16 => CODES_16,
        Version::V201 | Version::V21 => CODES_2,
    }
}

/// How the other versions spell a code that this one spells differently.
pub fn own_spelling(version: Version, code: &str) -> Option<&'static str> {
    const PAIRS: [(&str, &str); 2] =
        [("FormationViolation", "FormatViolation"), ("OccurenceConstraintViolation", "OccurrenceConstraintViolation")];
    PAIRS.into_iter().find_map(|(old, new)| match version {
        Version::V16 => (code == new).then_some(old),
        Version::V201 | Version::V21 => (code == old).then_some(new),
    })
}

/// What can be wrong with something that one side sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Defect {
    /// Bytes that are no UTF-8.
    NotUtf8,
    /// Text that is no JSON.
    NotJson,
    /// JSON, but no array.
    NotArray,
    /// A readable id, but too few or too many elements.
    WrongElementCount,
    /// A message type that the version does not have.
    UnknownMessageType,
    /// A message type that is no integer.
    TypeNotInteger,
    /// An id that is no string, or longer than 36 characters.
    BadMessageId,
    /// An id that is still being handled.
    DuplicateMessageId,
    /// An action that is no string.
    ActionNotString,
    /// An action that no version has, or not this one.
    UnknownAction,
    /// An action that only the receiver itself may send.
    WrongDirection,
    /// An action of the version that this device does not support.
    KnownButUnsupported,
    /// A payload that is no object.
    PayloadNotObject,
    /// A required field is missing.
    MissingField,
    /// A field that the message does not have.
    UnknownField,
    /// A value of the wrong JSON type.
    WrongType,
    /// A word that is not in the enumeration.
    NotInEnumeration,
    /// A text that is too long.
    TooLong,
    /// A text that is too short.
    TooShort,
    /// A list with too many items.
    TooManyItems,
    /// A list with too few items.
    TooFewItems,
    /// A number outside its bounds.
    OutOfRange,
    /// A number that is no multiple of its step.
    NotAMultiple,
    /// A text that is no date-time.
    BadDateTime,
    /// A text that is no URI.
    BadUri,
    /// A CALL before the station was accepted.
    NotAccepted,
    /// The receiver failed internally.
    Internal,
}

impl Defect {
    /// Every defect.
    pub const ALL: [Defect; 27] = [
        Defect::NotUtf8,
        Defect::NotJson,
        Defect::NotArray,
        Defect::WrongElementCount,
        Defect::UnknownMessageType,
        Defect::TypeNotInteger,
        Defect::BadMessageId,
        Defect::DuplicateMessageId,
        Defect::ActionNotString,
        Defect::UnknownAction,
        Defect::WrongDirection,
        Defect::KnownButUnsupported,
        Defect::PayloadNotObject,
        Defect::MissingField,
        Defect::UnknownField,
        Defect::WrongType,
        Defect::NotInEnumeration,
        Defect::TooLong,
        Defect::TooShort,
        Defect::TooManyItems,
        Defect::TooFewItems,
        Defect::OutOfRange,
        Defect::NotAMultiple,
        Defect::BadDateTime,
        Defect::BadUri,
        Defect::NotAccepted,
        Defect::Internal,
    ];
}

impl From<ViolationKind> for Defect {
    fn from(kind: ViolationKind) -> Defect {
        match kind {
            ViolationKind::NotAnObject => Defect::PayloadNotObject,
            ViolationKind::MissingField => Defect::MissingField,
            ViolationKind::UnknownField => Defect::UnknownField,
            ViolationKind::WrongType => Defect::WrongType,
            ViolationKind::NotInEnumeration => Defect::NotInEnumeration,
            ViolationKind::TooLong => Defect::TooLong,
            ViolationKind::TooShort => Defect::TooShort,
            ViolationKind::TooManyItems => Defect::TooManyItems,
            ViolationKind::TooFewItems => Defect::TooFewItems,
            ViolationKind::OutOfRange => Defect::OutOfRange,
            ViolationKind::NotAMultiple => Defect::NotAMultiple,
            ViolationKind::BadDateTime => Defect::BadDateTime,
            ViolationKind::BadUri => Defect::BadUri,
        }
    }
}

/// The codes of 1.6 that say "something is wrong with what you sent".
const FAULTY_16: &[&str] = &[
    "FormationViolation",
    "ProtocolError",
    "GenericError",
    "PropertyConstraintViolation",
    "OccurenceConstraintViolation",
    "TypeConstraintViolation",
];

/// The codes of 2.x that say "something is wrong with what you sent".
const FAULTY_2: &[&str] = &[
    "FormatViolation",
    "RpcFrameworkError",
    "ProtocolError",
    "GenericError",
    "PropertyConstraintViolation",
    "OccurrenceConstraintViolation",
    "TypeConstraintViolation",
];

/// The codes that a test accepts as the answer to a CALL with this defect.
pub fn accepted_codes(version: Version, defect: Defect) -> &'static [&'static str] {
    match version {
        Version::V16 => accepted_16(defect),
        Version::V201 | Version::V21 => accepted_2(defect),
    }
}

fn accepted_16(defect: Defect) -> &'static [&'static str] {
    match defect {
        Defect::NotUtf8
        | Defect::NotJson
        | Defect::NotArray
        | Defect::WrongElementCount
        | Defect::BadMessageId
        | Defect::DuplicateMessageId
        | Defect::ActionNotString => FAULTY_16,
        Defect::UnknownMessageType | Defect::TypeNotInteger => {
            &["FormationViolation", "ProtocolError", "GenericError", "NotSupported", "NotImplemented"]
        }
        Defect::UnknownAction => &["NotImplemented"],
        Defect::WrongDirection => &["NotImplemented", "NotSupported"],
        Defect::KnownButUnsupported => &["NotSupported"],
        Defect::PayloadNotObject => &["FormationViolation", "TypeConstraintViolation"],
        Defect::MissingField => &["ProtocolError", "OccurenceConstraintViolation"],
        Defect::UnknownField => &["FormationViolation"],
        Defect::WrongType => &["TypeConstraintViolation"],
        Defect::NotInEnumeration => &["PropertyConstraintViolation"],
        Defect::TooLong
        | Defect::TooShort
        | Defect::OutOfRange
        | Defect::NotAMultiple
        | Defect::BadDateTime
        | Defect::BadUri => &["PropertyConstraintViolation", "TypeConstraintViolation", "FormationViolation"],
        Defect::TooManyItems | Defect::TooFewItems => &["OccurenceConstraintViolation"],
        Defect::NotAccepted => &["SecurityError"],
        Defect::Internal => &["InternalError"],
    }
}

fn accepted_2(defect: Defect) -> &'static [&'static str] {
    match defect {
        Defect::NotUtf8 | Defect::NotJson => &["RpcFrameworkError", "FormatViolation"],
        Defect::NotArray => &["RpcFrameworkError"],
        Defect::WrongElementCount => &["RpcFrameworkError", "FormatViolation", "ProtocolError"],
        Defect::UnknownMessageType => &["MessageTypeNotSupported"],
        // No valid RPC request, or a type that nobody supports: either may be said of it.
        Defect::TypeNotInteger => &["MessageTypeNotSupported", "RpcFrameworkError"],
        Defect::BadMessageId => &["RpcFrameworkError"],
        Defect::DuplicateMessageId => &["GenericError", "RpcFrameworkError", "ProtocolError"],
        Defect::ActionNotString => FAULTY_2,
        Defect::UnknownAction => &["NotImplemented"],
        Defect::WrongDirection => &["NotImplemented", "NotSupported"],
        Defect::KnownButUnsupported => &["NotSupported"],
        Defect::PayloadNotObject => &["FormatViolation", "TypeConstraintViolation"],
        Defect::MissingField => &["OccurrenceConstraintViolation", "ProtocolError"],
        Defect::UnknownField => &["FormatViolation", "PropertyConstraintViolation"],
        Defect::WrongType => &["TypeConstraintViolation"],
        Defect::NotInEnumeration => &["PropertyConstraintViolation"],
        Defect::TooLong
        | Defect::TooShort
        | Defect::OutOfRange
        | Defect::NotAMultiple
        | Defect::BadDateTime
        | Defect::BadUri => &["PropertyConstraintViolation", "TypeConstraintViolation", "FormatViolation"],
        Defect::TooManyItems | Defect::TooFewItems => &["OccurrenceConstraintViolation"],
        Defect::NotAccepted => &["SecurityError"],
        Defect::Internal => &["InternalError"],
    }
}

/// Whether no answer at all is also acceptable: unreadable text in 1.6, an unknown message type,
/// and in 2.x whatever does not fit the schema.
pub fn silence_is_accepted(version: Version, defect: Defect) -> bool {
    match defect {
        Defect::UnknownMessageType | Defect::TypeNotInteger | Defect::DuplicateMessageId => true,
        Defect::NotUtf8 | Defect::NotJson | Defect::NotArray => true,
        Defect::UnknownAction
        | Defect::WrongDirection
        | Defect::KnownButUnsupported
        | Defect::NotAccepted
        | Defect::Internal => false,
        Defect::WrongElementCount | Defect::BadMessageId | Defect::ActionNotString => true,
        _ => version != Version::V16,
    }
}

/// Whether the codes of [`accepted_codes`] are prescribed; if not, another code is no more than a remark.
pub fn is_prescribed(version: Version, defect: Defect) -> bool {
    match defect {
        Defect::KnownButUnsupported
        | Defect::MissingField
        | Defect::WrongType
        | Defect::NotInEnumeration
        | Defect::TooManyItems
        | Defect::TooFewItems
        | Defect::Internal => true,
        Defect::NotAccepted | Defect::BadMessageId | Defect::NotArray => version != Version::V16,
        Defect::PayloadNotObject => true,
        Defect::UnknownField => version == Version::V16,
        Defect::NotUtf8
        | Defect::NotJson
        | Defect::WrongElementCount
        | Defect::UnknownMessageType
        | Defect::TypeNotInteger
        | Defect::DuplicateMessageId
        | Defect::ActionNotString
        // NotSupported is often seen for it.
        | Defect::UnknownAction
        | Defect::WrongDirection
        | Defect::TooLong
        | Defect::TooShort
        | Defect::OutOfRange
        | Defect::NotAMultiple
        | Defect::BadDateTime
        | Defect::BadUri => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_accepted_code_is_a_code_of_its_version() {
        for version in Version::ALL {
            for defect in Defect::ALL {
                let accepted = accepted_codes(version, defect);
                assert!(!accepted.is_empty());
                for code in accepted {
                    assert!(codes(version).contains(code), "{version} {defect:?} {code}");
                }
            }
        }
    }

    #[test]
    fn the_old_spelling_is_known_as_such() {
        assert_eq!(own_spelling(Version::V201, "FormationViolation"), Some("FormatViolation"));
        assert_eq!(own_spelling(Version::V16, "OccurrenceConstraintViolation"), Some("OccurenceConstraintViolation"));
        assert_eq!(own_spelling(Version::V16, "GenericError"), None);
    }
}
