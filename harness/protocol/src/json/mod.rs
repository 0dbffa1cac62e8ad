//! Lossless JSON: a parser that reports what others refuse or hide.
//!
//! Ordinary parsers take the last of two equal keys in silence, round a long number, or stop at a lone surrogate.
//! A conformance suite has to see these things and read on where it can.

mod parser;
mod text;

use std::fmt;

use serde_json::Value;

pub use parser::parse;
pub use text::{canonical, same, to_text};

/// How much a text may ask of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How deep objects and lists may nest; never more than 512.
    pub depth: usize,
    /// How many bytes the text may have.
    pub bytes: usize,
    /// How many values the text may hold: each takes far more memory than its two bytes of text.
    pub values: usize,
    /// How many findings are kept; the rest is only counted by their absence.
    pub findings: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { depth: 128, bytes: 16 * 1024 * 1024, values: 1_000_000, findings: 64 }
    }
}

/// What [`parse`] made of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The value, also when it had flaws one can read past; `None` after a flaw that ends reading.
    pub value: Option<Value>,
    /// What was noticed, in the order of the text.
    pub findings: Vec<JsonFinding>,
}

impl Parsed {
    /// Whether a strict reader (RFC 8259) has to refuse the text.
    pub fn is_refused(&self) -> bool {
        self.value.is_none() || self.findings.iter().any(|finding| finding.kind.is_error())
    }
}

/// Something noticed in a JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonFinding {
    /// What it is.
    pub kind: JsonFindingKind,
    /// The byte it begins at.
    pub offset: usize,
    /// Where in the value, in the style of a JSON pointer: `/3/idTag`; empty for the whole.
    pub path: String,
}

impl fmt::Display for JsonFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.offset)?;
        if !self.path.is_empty() {
            write!(f, " ({})", self.path)?;
        }
        Ok(())
    }
}

/// The kinds of things noticed in a JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonFindingKind {
    /// Bytes that are no UTF-8; U+FFFD stands in the value.
    InvalidUtf8,
    /// A byte order mark before the text; it is skipped.
    ByteOrderMark,
    /// The text is no JSON; reading ends here.
    Syntax {
        /// What could have stood here.
        expected: &'static str,
        /// What stood here.
        found: String,
    },
    /// A key that was already in the same object; the last value is kept.
    DuplicateKey {
        /// The key, shortened if it is long.
        key: String,
    },
    /// Half a surrogate pair in a `\u` escape; U+FFFD stands in the value.
    LoneSurrogate,
    /// A control character that should have been escaped; it is kept in the value.
    ControlCharacter {
        /// Its code.
        code: u8,
    },
    /// A legal number that the value holds only rounded.
    NumberRounded {
        /// The number as written, shortened if it is long.
        lexeme: String,
    },
    /// A legal number too large for any type; the nearest end of the range stands in the value.
    NumberOutOfRange {
        /// The number as written, shortened if it is long.
        lexeme: String,
    },
    /// Nesting beyond the limit; reading ends here.
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// More bytes than the limit; nothing was read.
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// More values than the limit; reading ends here.
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// Something follows the value; it is not read.
    TrailingBytes,
    /// U+0000 in a string, escaped and so legal, or raw and then also a [`JsonFindingKind::ControlCharacter`].
    Nul,
}

impl JsonFindingKind {
    /// Whether RFC 8259 forbids it; the rest is legal, but surprises many readers.
    pub fn is_error(&self) -> bool {
        match self {
            JsonFindingKind::InvalidUtf8
            | JsonFindingKind::ByteOrderMark
            | JsonFindingKind::Syntax { .. }
            | JsonFindingKind::ControlCharacter { .. }
            | JsonFindingKind::TrailingBytes => true,
            JsonFindingKind::DuplicateKey { .. }
            | JsonFindingKind::LoneSurrogate
            | JsonFindingKind::NumberRounded { .. }
            | JsonFindingKind::NumberOutOfRange { .. }
            | JsonFindingKind::TooDeep { .. }
            | JsonFindingKind::TooLarge { .. }
            | JsonFindingKind::TooMany { .. }
            | JsonFindingKind::Nul => false,
        }
    }
}

impl fmt::Display for JsonFindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JsonFindingKind::InvalidUtf8 => f.write_str("bytes that are no UTF-8"),
            JsonFindingKind::ByteOrderMark => f.write_str("a byte order mark"),
            JsonFindingKind::Syntax { expected, found } => {
                write!(f, "no JSON: expected {expected}, found {found}")
            }
            JsonFindingKind::DuplicateKey { key } => {
                write!(f, "the key {key:?} stands twice in one object")
            }
            JsonFindingKind::LoneSurrogate => f.write_str("half a surrogate pair"),
            JsonFindingKind::ControlCharacter { code } => {
                write!(f, "the raw control character U+{code:04X} in a string")
            }
            JsonFindingKind::NumberRounded { lexeme } => {
                write!(f, "the number {lexeme}, which has more digits than most readers keep")
            }
            JsonFindingKind::NumberOutOfRange { lexeme } => {
                write!(f, "the number {lexeme}, which no common type can hold")
            }
            JsonFindingKind::TooDeep { limit } => {
                write!(f, "nesting deeper than {limit} levels")
            }
            JsonFindingKind::TooLarge { limit } => write!(f, "more than {limit} bytes"),
            JsonFindingKind::TooMany { limit } => write!(f, "more than {limit} values"),
            JsonFindingKind::TrailingBytes => f.write_str("something after the end of the value"),
            JsonFindingKind::Nul => f.write_str("the character U+0000 in a string"),
        }
    }
}
