//! Frames of RFC 6455 as bytes: an encoder without rules and a decoder that never refuses. No I/O.

mod assemble;
mod close;
mod decode;
mod encode;
mod mask;

pub use assemble::{Assembler, Message};
pub use close::{close_code_allowed, close_parts, close_payload};
pub use decode::{Decoder, Frame, Step};
pub use encode::{LengthForm, RawFrame};
pub use mask::apply_mask;

pub(crate) use encode::{Head, encode_parts};

/// Opcode of a frame that goes on with a message.
pub const CONTINUATION: u8 = 0x0;
/// Opcode of the first frame of a text message.
pub const TEXT: u8 = 0x1;
/// Opcode of the first frame of a binary message.
pub const BINARY: u8 = 0x2;
/// Opcode of a close frame.
pub const CLOSE: u8 = 0x8;
/// Opcode of a ping.
pub const PING: u8 = 0x9;
/// Opcode of a pong.
pub const PONG: u8 = 0xA;

/// Whether an opcode belongs to a control frame (RFC 6455 5.5), the undefined ones included.
#[must_use]
pub fn is_control(opcode: u8) -> bool {
    opcode & 0x8 != 0
}
