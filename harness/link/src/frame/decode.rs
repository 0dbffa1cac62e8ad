//! The decoder: takes any bytes, yields frames and what was wrong with them.

use bytes::{Buf, BytesMut};

use super::{LengthForm, apply_mask, is_control};
use crate::{Finding, FindingKind, Side};

/// A frame as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The FIN bit.
    pub fin: bool,
    /// The three reserved bits: 4 is RSV1, 2 is RSV2, 1 is RSV3.
    pub rsv: u8,
    /// The opcode.
    pub opcode: u8,
    /// The mask it came with.
    pub mask: Option<[u8; 4]>,
    /// How its length was written.
    pub length_form: LengthForm,
    /// The payload, unmasked.
    pub payload: Vec<u8>,
    /// Offset of its first byte in the incoming bytes.
    pub at: u64,
    /// What is wrong with this frame taken alone.
    pub findings: Vec<Finding>,
}

/// What the decoder can say after some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A complete frame.
    Frame(Frame),
    /// The frame that begins is longer than the limit. The decoder has given up and ignores whatever follows.
    GivenUp(Vec<Finding>),
}

/// Cuts incoming bytes into frames. Never fails, and never holds more than one frame of the permitted length beside
/// what was pushed and not yet taken.
#[derive(Debug)]
pub struct Decoder {
    sender: Side,
    limit: usize,
    buffer: BytesMut,
    consumed: u64,
    given_up: bool,
}

impl Decoder {
    /// A decoder for what `sender` sends, accepting payloads up to `limit` bytes.
    #[must_use]
    pub fn new(sender: Side, limit: usize) -> Self {
        Self { sender, limit, buffer: BytesMut::new(), consumed: 0, given_up: false }
    }

    /// Takes in bytes as they arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.given_up {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next complete frame, if there is one.
    pub fn step(&mut self) -> Option<Step> {
        if self.given_up {
            return None;
        }
        let head = FrameHead::read(&self.buffer)?;
        // The comparison is on u64: a length of 2^63 must not be cut to a small usize first.
        if head.length > self.limit as u64 {
            return Some(self.give_up(&head));
        }
        let length = head.length as usize;
        if self.buffer.len() - head.size < length {
            return None;
        }
        let findings = self.findings(&head);
        let at = self.consumed;
        self.buffer.advance(head.size);
        let mut payload = self.buffer[..length].to_vec();
        self.buffer.advance(length);
        self.consumed += (head.size + length) as u64;
        if let Some(mask) = head.mask {
            apply_mask(&mut payload, mask);
        }
        Some(Step::Frame(Frame {
            fin: head.fin,
            rsv: head.rsv,
            opcode: head.opcode,
            mask: head.mask,
            length_form: head.form,
            payload,
            at,
            findings,
        }))
    }

    /// Whether the bytes so far end inside a frame.
    #[must_use]
    pub fn is_mid_frame(&self) -> bool {
        self.given_up || !self.buffer.is_empty()
    }

    /// Bytes of all frames taken so far.
    #[must_use]
    pub fn consumed(&self) -> u64 {
        self.consumed
    }

    /// The bytes that wait for the rest of their frame.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        &self.buffer
    }

    /// Where a reader appends directly, after making room for `room` bytes.
    pub(crate) fn buffer_with_room(&mut self, room: usize) -> &mut BytesMut {
        // A buffer that once held a huge frame is let go; a connection lives long and usually speaks briefly.
        if self.buffer.is_empty() && self.buffer.capacity() > MAX_IDLE_CAPACITY {
            self.buffer = BytesMut::new();
        }
        self.buffer.reserve(room);
        &mut self.buffer
    }

    fn give_up(&mut self, head: &FrameHead) -> Step {
        let mut findings = self.findings(head);
        let detail = format!("a frame announces {} bytes; at most {} are accepted", head.length, self.limit);
        findings.push(Finding::new(FindingKind::FrameOverLimit, self.consumed, detail));
        self.given_up = true;
        self.buffer = BytesMut::new();
        Step::GivenUp(findings)
    }

    fn findings(&self, head: &FrameHead) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut add = |kind, detail: String| found.push(Finding::new(kind, self.consumed, detail));
        if head.form != LengthForm::minimal(head.length) {
            let bytes = if head.form == LengthForm::Sixteen { 2 } else { 8 };
            add(FindingKind::NonMinimalLength, format!("the length {} is written in {bytes} extra bytes", head.length));
        }
        if head.length >> 63 == 1 {
            add(FindingKind::LengthTopBit, format!("the 64-bit length {:#x} has its highest bit set", head.length));
        }
        if head.rsv != 0 {
            let detail = format!("reserved bits {:03b} are set, but no extension was negotiated", head.rsv);
            add(FindingKind::ReservedBits, detail);
        }
        if matches!(head.opcode, 3..=7 | 11..=15) {
            add(FindingKind::ReservedOpcode, format!("opcode {:#x} is not defined", head.opcode));
        }
        if is_control(head.opcode) && !head.fin {
            add(FindingKind::FragmentedControl, format!("a control frame (opcode {:#x}) lacks FIN", head.opcode));
        }
        if is_control(head.opcode) && head.length > 125 {
            let detail =
                format!("a control frame (opcode {:#x}) has {} bytes, more than 125", head.opcode, head.length);
            add(FindingKind::ControlTooLong, detail);
        }
        match (self.sender, head.mask) {
            (Side::Client, None) => add(FindingKind::Unmasked, "a frame of the client is not masked".to_owned()),
            (Side::Server, Some(_)) => add(FindingKind::Masked, "a frame of the server is masked".to_owned()),
            _ => {}
        }
        found
    }
}

const MAX_IDLE_CAPACITY: usize = 256 << 10;

struct FrameHead {
    fin: bool,
    rsv: u8,
    opcode: u8,
    form: LengthForm,
    length: u64,
    mask: Option<[u8; 4]>,
    size: usize,
}

impl FrameHead {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (&[first, second], rest) = bytes.split_first_chunk::<2>()?;
        let (form, length, rest) = match second & 0x7f {
            126 => {
                let (length, rest) = rest.split_first_chunk::<2>()?;
                (LengthForm::Sixteen, u64::from(u16::from_be_bytes(*length)), rest)
            }
            127 => {
                let (length, rest) = rest.split_first_chunk::<8>()?;
                (LengthForm::SixtyFour, u64::from_be_bytes(*length), rest)
            }
            short => (LengthForm::Seven, u64::from(short), rest),
        };
        let (mask, rest) = if second & 0x80 == 0 {
            (None, rest)
        } else {
            let (mask, rest) = rest.split_first_chunk::<4>()?;
            (Some(*mask), rest)
        };
        Some(Self {
            fin: first & 0x80 != 0,
            rsv: first >> 4 & 0x7,
            opcode: first & 0xf,
            form,
            length,
            mask,
            size: bytes.len() - rest.len(),
        })
    }
}
