//! What a connection reports.

use std::io;

use tokio::time::Instant;

use crate::Finding;

/// Something the peer did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkEvent {
    /// When its last byte was read.
    pub at: Instant,
    /// What it was.
    pub kind: EventKind,
    /// How many frames it came in; 0 for the end.
    pub frames: u32,
    /// What was wrong with it.
    pub findings: Vec<Finding>,
}

/// The kinds of [`LinkEvent`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// A text message, as it came. When it is not UTF-8 the event carries the finding.
    Text(Vec<u8>),
    /// A binary message; OCPP has none.
    Binary(Vec<u8>),
    /// A ping. It has been answered already unless that is switched off.
    Ping(Vec<u8>),
    /// A pong, asked for or not.
    Pong(Vec<u8>),
    /// A close frame. It has been echoed already unless that is switched off.
    Close {
        /// The code, whatever its value; `None` when the body has fewer than two bytes.
        code: Option<u16>,
        /// The reason as it came.
        reason: Vec<u8>,
    },
    /// A frame that fits nowhere: an undefined opcode, or a continuation of nothing (opcode 0).
    Unknown {
        /// Its opcode.
        opcode: u8,
        /// Its payload, unmasked.
        payload: Vec<u8>,
    },
    /// Nothing more will come. Repeated if asked again.
    Ended(End),
}

/// How the incoming bytes ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The peer ended its bytes.
    Eof {
        /// In the middle of a frame, or of a message in several frames.
        mid_frame: bool,
    },
    /// The peer reset the connection.
    Reset,
    /// The transport failed otherwise.
    Error(String),
    /// The peer sent more than we accept, so we stopped reading.
    LimitExceeded,
}

impl From<&io::Error> for End {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
                Self::Reset
            }
            _ => Self::Error(error.to_string()),
        }
    }
}
