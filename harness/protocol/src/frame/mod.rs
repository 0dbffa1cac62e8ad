//! Frames: the JSON arrays in which messages travel.

mod reader;

use serde_json::Value;

use crate::json::JsonFinding;

pub use reader::read;
pub(crate) use reader::shown;

/// The longest message id, in characters.
pub const LONGEST_ID: usize = 36;

/// The longest error description of 2.x, in characters.
pub const LONGEST_DESCRIPTION: usize = 255;

/// A frame that could be read, perhaps with flaws.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// `[2, id, action, payload]`: a request.
    Call {
        /// The message id.
        id: String,
        /// The name of the message.
        action: String,
        /// What it says.
        payload: Value,
    },
    /// `[3, id, payload]`: the answer to a request.
    Result {
        /// The id of the request.
        id: String,
        /// What it says.
        payload: Value,
    },
    /// `[4, id, code, description, details]`: the refusal of a request.
    Error {
        /// The id of the request, `-1` if it could not be read.
        id: String,
        /// One of [`crate::errors::codes`], if the sender keeps to them.
        code: String,
        /// Free text.
        description: String,
        /// An object.
        details: Value,
    },
    /// `[5, id, code, description, details]`: the refusal of an answer (2.1, R-014).
    ResultError {
        /// The id of the answer.
        id: String,
        /// One of [`crate::errors::codes`], if the sender keeps to them.
        code: String,
        /// Free text.
        description: String,
        /// An object.
        details: Value,
    },
    /// `[6, id, action, payload]`: a message without answer (2.1, R-012).
    Send {
        /// The message id.
        id: String,
        /// The name of the message.
        action: String,
        /// What it says.
        payload: Value,
    },
}

impl Frame {
    /// The number it begins with.
    pub fn message_type(&self) -> i64 {
        match self {
            Frame::Call { .. } => 2,
            Frame::Result { .. } => 3,
            Frame::Error { .. } => 4,
            Frame::ResultError { .. } => 5,
            Frame::Send { .. } => 6,
        }
    }

    /// The message id.
    pub fn id(&self) -> &str {
        match self {
            Frame::Call { id, .. }
            | Frame::Result { id, .. }
            | Frame::Error { id, .. }
            | Frame::ResultError { id, .. }
            | Frame::Send { id, .. } => id,
        }
    }

    /// The name of the message, if the frame carries one.
    pub fn action(&self) -> Option<&str> {
        match self {
            Frame::Call { action, .. } | Frame::Send { action, .. } => Some(action),
            Frame::Result { .. } | Frame::Error { .. } | Frame::ResultError { .. } => None,
        }
    }

    /// What a request, an answer or a message without answer says.
    pub fn payload(&self) -> Option<&Value> {
        match self {
            Frame::Call { payload, .. } | Frame::Result { payload, .. } | Frame::Send { payload, .. } => Some(payload),
            Frame::Error { .. } | Frame::ResultError { .. } => None,
        }
    }

    /// The error code of a refusal.
    pub fn error_code(&self) -> Option<&str> {
        match self {
            Frame::Error { code, .. } | Frame::ResultError { code, .. } => Some(code),
            Frame::Call { .. } | Frame::Result { .. } | Frame::Send { .. } => None,
        }
    }

    /// Whether it answers a CALL: a result or an error.
    pub fn is_answer(&self) -> bool {
        matches!(self, Frame::Result { .. } | Frame::Error { .. })
    }

    /// The frame as it goes over the wire.
    pub fn to_text(&self) -> String {
        let kind = self.message_type();
        let text = match self {
            Frame::Call { id, action, payload } | Frame::Send { id, action, payload } => {
                serde_json::to_string(&(kind, id, action, payload))
            }
            Frame::Result { id, payload } => serde_json::to_string(&(kind, id, payload)),
            Frame::Error { id, code, description, details } | Frame::ResultError { id, code, description, details } => {
                serde_json::to_string(&(kind, id, code, description, details))
            }
        };
        // Strings and values always have a text.
        text.unwrap_or_default()
    }
}

/// What [`read`] made of a text message.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The frame, also when it is flawed but can be understood.
    pub frame: Option<Frame>,
    /// The number it begins with, if it begins with one.
    pub message_type: Option<i64>,
    /// The message id, if there is one to read.
    pub id: Option<String>,
    /// What is wrong with it.
    pub findings: Vec<FrameFinding>,
}

impl Reading {
    /// Whether something is certainly wrong with it.
    pub fn is_flawed(&self) -> bool {
        self.findings.iter().any(|finding| finding.certain)
    }
}

/// Something wrong with a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameFinding {
    /// What it is.
    pub kind: FrameFindingKind,
    /// The statement of the specification it rests on.
    pub statement: &'static str,
    /// Whether that statement is beyond doubt; if not, it must not fail a device.
    pub certain: bool,
    /// It in words.
    pub sentence: String,
}

/// The kinds of things that can be wrong with a frame.
#[derive(Clone, Debug, PartialEq)]
pub enum FrameFindingKind {
    /// Bytes that are no UTF-8.
    NotUtf8,
    /// No JSON.
    NotJson,
    /// JSON, but no array.
    NotArray,
    /// Too few or too many elements.
    WrongElementCount,
    /// The first element is not written as an integer.
    TypeNotInteger,
    /// A message type that the version does not have (R-001; what the receiver does is left open by R-057).
    UnknownMessageType,
    /// The id is no string.
    IdNotString,
    /// The id has more than 36 characters.
    IdTooLong,
    /// The id is empty (R-021, uncertain).
    IdEmpty,
    /// The action is no string.
    ActionNotString,
    /// The payload is no object; `null` is tolerated and read as `{}`.
    PayloadNotObject,
    /// The error code is no string.
    ErrorCodeNotString,
    /// The error code is none of the version, or spelt as in another one.
    UnknownErrorCode,
    /// The error description is no string.
    DescriptionNotString,
    /// The error description has more than 255 characters (R-052, 2.x).
    DescriptionTooLong,
    /// The error details are no object.
    DetailsNotObject,
    /// Something odd in the JSON text: a duplicate key, a lone surrogate, trailing bytes, …
    Json(JsonFinding),
}
