//! What goes over the wire, written once for both directions.

use link::frame::{self, RawFrame, close_payload};
use protocol::frame::Frame;
use serde_json::Value;

use crate::player::Heard;

/// Something to send or to expect.
#[derive(Clone, Debug)]
pub(crate) enum Message {
    /// A call; it gets a fresh id.
    Call {
        /// The action.
        action: String,
        /// The payload.
        payload: Value,
    },
    /// The result of a call of the device.
    Result {
        /// The call.
        to: Heard,
        /// The payload.
        payload: Value,
    },
    /// A ping.
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// A close frame; any code is as good when it is expected.
    Close(Option<u16>),
    /// Text that need not be any, around a fresh id.
    Raw(fn(&str) -> Vec<u8>),
    /// A binary message, around a fresh id.
    Binary(fn(&str) -> Vec<u8>),
    /// A single frame as no device may send it.
    Damaged(Damage),
}

/// What is wrong with a frame (RFC 6455, section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// A reserved bit is set, and no extension gives it a meaning.
    ReservedBit,
    /// The opcode is a reserved one.
    ReservedOpcode,
    /// It goes on where nothing has begun.
    Continuation,
    /// It announces more bytes than anybody has.
    Huge,
}

impl Damage {
    /// What it is.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Damage::ReservedBit => "frame with a reserved bit",
            Damage::ReservedOpcode => "frame with a reserved opcode",
            Damage::Continuation => "continuation of nothing",
            Damage::Huge => "frame that announces a terabyte",
        }
    }

    /// Makes the frame so.
    pub(super) fn apply(self, frame: &mut RawFrame) {
        const TERABYTE: u64 = 1 << 40;
        match self {
            Damage::ReservedBit => frame.rsv = 4,
            Damage::ReservedOpcode => frame.opcode = 0x3,
            Damage::Continuation => frame.opcode = frame::CONTINUATION,
            Damage::Huge => frame.declared_len = Some(TERABYTE),
        }
    }
}

/// A call.
pub(crate) fn call(action: &str, payload: Value) -> Message {
    Message::Call { action: action.to_owned(), payload }
}

/// The result of a call of the device.
pub(crate) fn result(to: &Heard, payload: Value) -> Message {
    Message::Result { to: to.clone(), payload }
}

/// A ping.
pub(crate) fn ping(payload: impl Into<Vec<u8>>) -> Message {
    Message::Ping(payload.into())
}

/// A pong.
pub(crate) fn pong(payload: impl Into<Vec<u8>>) -> Message {
    Message::Pong(payload.into())
}

/// A close frame.
pub(crate) fn close(code: u16) -> Message {
    Message::Close(Some(code))
}

/// Text made from a fresh id.
pub(crate) fn raw(make: fn(&str) -> Vec<u8>) -> Message {
    Message::Raw(make)
}

/// A binary message made from a fresh id.
pub(crate) fn binary(make: fn(&str) -> Vec<u8>) -> Message {
    Message::Binary(make)
}

/// A frame that is damaged.
pub(crate) fn damaged(damage: Damage) -> Message {
    Message::Damaged(damage)
}

impl Message {
    pub(super) fn opcode(&self) -> u8 {
        match self {
            Message::Call { .. } | Message::Result { .. } | Message::Raw(_) | Message::Damaged(_) => frame::TEXT,
            Message::Binary(_) => frame::BINARY,
            Message::Ping(_) => frame::PING,
            Message::Pong(_) => frame::PONG,
            Message::Close(_) => frame::CLOSE,
        }
    }

    /// Its payload on the wire; `id` is the message id if it needs one.
    pub(super) fn bytes(&self, id: &str) -> Vec<u8> {
        match self {
            Message::Call { action, payload } => {
                let (id, action, payload) = (id.to_owned(), action.clone(), payload.clone());
                Frame::Call { id, action, payload }.to_text().into_bytes()
            }
            Message::Result { to, payload } => {
                Frame::Result { id: to.id.clone(), payload: payload.clone() }.to_text().into_bytes()
            }
            Message::Ping(payload) | Message::Pong(payload) => payload.clone(),
            Message::Close(code) => close_payload(*code, b"").to_vec(),
            Message::Raw(make) | Message::Binary(make) => make(id),
            Message::Damaged(_) => format!("[2,\"{id}\",\"Plugfest\",{{}}]").into_bytes(),
        }
    }

    pub(super) fn damage(&self) -> Option<Damage> {
        match self {
            Message::Damaged(damage) => Some(*damage),
            _ => None,
        }
    }

    /// What it is.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Message::Call { .. } => "call",
            Message::Result { .. } => "result",
            Message::Ping(_) => "ping",
            Message::Pong(_) => "pong",
            Message::Close(_) => "close frame",
            Message::Raw(_) => "text",
            Message::Binary(_) => "binary message",
            Message::Damaged(damage) => damage.name(),
        }
    }

    /// What it is, with its bytes.
    pub(super) fn told(&self, id: &str) -> String {
        match self {
            Message::Call { .. } | Message::Result { .. } => String::from_utf8_lossy(&self.bytes(id)).into_owned(),
            Message::Close(Some(code)) => format!("close frame {code}"),
            Message::Close(None) => "close frame".to_owned(),
            Message::Raw(_) => format!("text {}", self.bytes(id).escape_ascii()),
            Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Damaged(_) => {
                format!("{} {}", self.name(), shown(&self.bytes(id)))
            }
        }
    }
}

/// Bytes for a person: as text where they are some, and as they are.
pub(super) fn shown(bytes: &[u8]) -> String {
    const MOST: usize = 48;
    let head = &bytes[..bytes.len().min(MOST)];
    let hex = head.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    let rest = if bytes.len() > MOST { format!(" … {} bytes", bytes.len()) } else { String::new() };
    if bytes.is_empty() {
        return "without payload".to_owned();
    }
    match std::str::from_utf8(head) {
        Ok(text) if text.chars().all(|c| !c.is_control()) => format!("\"{text}\" ({hex}{rest})"),
        _ => format!("({hex}{rest})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_as_text_and_as_numbers() {
        assert_eq!(shown(b"ab"), "\"ab\" (61 62)");
        assert_eq!(shown(b"\xff\x00"), "(ff 00)");
        assert_eq!(shown(b""), "without payload");
        assert!(shown(&[b'x'; 125]).ends_with("… 125 bytes)"));
    }
}
