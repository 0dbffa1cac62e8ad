//! The encoder: everything settable, nothing checked.

use bytes::{BufMut, BytesMut};

use super::{TEXT, apply_mask};

/// How many bytes the length of a frame takes on the wire (RFC 6455 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LengthForm {
    /// Seven bits inside the second byte: up to 125.
    Seven,
    /// Two further bytes.
    Sixteen,
    /// Eight further bytes.
    SixtyFour,
}

impl LengthForm {
    /// The shortest form for a length, which is the only legal one.
    #[must_use]
    pub fn minimal(length: u64) -> Self {
        match length {
            0..=125 => Self::Seven,
            126..=0xffff => Self::Sixteen,
            _ => Self::SixtyFour,
        }
    }
}

/// A frame to send exactly as described, legal or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFrame {
    /// The FIN bit.
    pub fin: bool,
    /// The three reserved bits: 4 is RSV1, 2 is RSV2, 1 is RSV3.
    pub rsv: u8,
    /// The opcode, four bits.
    pub opcode: u8,
    /// The mask; the payload is masked with it. `None` sends it unmasked.
    pub mask: Option<[u8; 4]>,
    /// How the length is written; `None` is the shortest form. A length that does not fit is cut to its low bits.
    pub length_form: Option<LengthForm>,
    /// The length that is claimed; `None` is the truth.
    pub declared_len: Option<u64>,
    /// What follows the head, before masking.
    pub payload: Vec<u8>,
}

impl RawFrame {
    /// A complete, unmasked and legal frame to start from.
    #[must_use]
    pub fn new(opcode: u8, payload: impl Into<Vec<u8>>) -> Self {
        Self { fin: true, rsv: 0, opcode, mask: None, length_form: None, declared_len: None, payload: payload.into() }
    }

    /// A complete, unmasked text frame.
    #[must_use]
    pub fn text(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(TEXT, payload)
    }

    /// The same frame with this mask.
    #[must_use]
    pub fn masked(mut self, mask: [u8; 4]) -> Self {
        self.mask = Some(mask);
        self
    }

    /// The same frame with FIN cleared.
    #[must_use]
    pub fn unfinished(mut self) -> Self {
        self.fin = false;
        self
    }

    /// Appends the frame's bytes to `out`.
    pub fn encode(&self, out: &mut BytesMut) {
        let head = Head { fin: self.fin, rsv: self.rsv, opcode: self.opcode, mask: self.mask };
        let length = self.declared_len.unwrap_or(self.payload.len() as u64);
        let form = self.length_form.unwrap_or_else(|| LengthForm::minimal(length));
        encode_parts(out, head, form, length, &self.payload);
    }

    /// The frame's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = BytesMut::with_capacity(14 + self.payload.len());
        self.encode(&mut out);
        out.to_vec()
    }
}

/// The first two bytes of a frame without the length, and its mask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) fin: bool,
    pub(crate) rsv: u8,
    pub(crate) opcode: u8,
    pub(crate) mask: Option<[u8; 4]>,
}

/// Appends one frame to `out`, borrowing its payload.
pub(crate) fn encode_parts(out: &mut BytesMut, head: Head, form: LengthForm, length: u64, payload: &[u8]) {
    out.reserve(14 + payload.len());
    out.put_u8(u8::from(head.fin) << 7 | (head.rsv & 0x7) << 4 | head.opcode & 0xf);
    let mask_bit = u8::from(head.mask.is_some()) << 7;
    match form {
        LengthForm::Seven => out.put_u8(mask_bit | (length & 0x7f) as u8),
        LengthForm::Sixteen => {
            out.put_u8(mask_bit | 126);
            out.put_u16((length & 0xffff) as u16);
        }
        LengthForm::SixtyFour => {
            out.put_u8(mask_bit | 127);
            out.put_u64(length);
        }
    }
    if let Some(mask) = head.mask {
        out.put_slice(&mask);
    }
    let start = out.len();
    out.put_slice(payload);
    if let Some(mask) = head.mask {
        apply_mask(&mut out[start..], mask);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard_come_out_byte_for_byte() {
        assert_eq!(RawFrame::text("Hello").to_bytes(), b"\x81\x05Hello");
        assert_eq!(
            RawFrame::text("Hello").masked([0x37, 0xfa, 0x21, 0x3d]).to_bytes(),
            [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]
        );
        assert_eq!(RawFrame::text("Hel").unfinished().to_bytes(), b"\x01\x03Hel");
        assert_eq!(RawFrame::new(super::super::BINARY, vec![7; 256]).to_bytes()[..4], [0x82, 0x7e, 0x01, 0x00]);
        assert_eq!(
            RawFrame::new(super::super::BINARY, vec![7; 65536]).to_bytes()[..10],
            [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]
        );
    }

    #[test]
    fn a_length_can_be_a_lie_and_can_be_written_too_long() {
        let mut frame = RawFrame::text("ab");
        frame.length_form = Some(LengthForm::SixtyFour);
        assert_eq!(frame.to_bytes(), b"\x81\x7f\0\0\0\0\0\0\0\x02ab");
        frame.length_form = None;
        frame.declared_len = Some(1 << 63);
        assert_eq!(frame.to_bytes(), b"\x81\x7f\x80\0\0\0\0\0\0\0ab");
        frame.declared_len = Some(90);
        frame.rsv = 4;
        frame.opcode = 11;
        assert_eq!(frame.to_bytes(), b"\xcb\x5aab");
    }
}
