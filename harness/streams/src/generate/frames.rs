//! WebSocket frames (L1): opcodes, reserved bits, masks, fragments, lengths, control frames, slow bytes.

use protocol::Role;
use protocol::generate::{one_in, pick};

use super::Maker;
use crate::Act;
use crate::act::{Part, Text};

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Lengths at which the head of a frame, or a buffer, becomes another.
const LENGTHS: &[usize] = &[
    0, 1, 125, 126, 127, 128, 255, 256, 1023, 1024, 1025, 2049, 4095, 4096, 4097, 8193, 16_384, 16_385, 32_769, 65_535,
    65_536, 65_537, 131_073, 262_145, 1_000_000,
];

/// Close codes, most of them illegal.
const CODES: &[u16] = &[
    1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1004, 1005, 1006, 1010, 1012, 1015, 1016, 1100, 2000, 2999, 3000,
    4000, 4999, 5000, 0, 1, 999, 65_535,
];

/// Lengths that a frame claims and does not have.
const CLAIMS: &[u64] = &[0, 1, 125, 126, 65_535, 65_536, 1 << 20, 1 << 31, 1 << 32, u64::MAX >> 1, 1 << 63, u64::MAX];

impl Maker<'_, '_> {
    /// A frame, as legal or illegal as it is.
    pub(super) fn frame_act(&mut self) -> Act {
        let link = self.link();
        match self.choices.choose(16) {
            0 | 1 => self.fragments(link),
            2 => self.padded(link),
            3 => self.control(link),
            4 => self.flood(link),
            5 => self.interleaved(link),
            6 => self.odd_opcode(link),
            7 => self.reserved(link),
            8 => self.unmasked(link),
            9 => self.claiming(link),
            10 => self.no_beginning(link),
            11 => self.closing(link),
            12 => self.bytes_of(link, BINARY),
            13 => self.no_utf8(link),
            14 => self.long_way(link),
            _ => self.slowly(link),
        }
    }

    /// A link that nobody can follow any more is given up, more often than not.
    fn then_renew(&mut self, link: usize) {
        if !one_in(4, self.choices) {
            self.memory.queue.push_back(Act::Cut { link });
        }
    }

    fn fragments(&mut self, link: usize) -> Act {
        let text = self.legal_text();
        let cuts = self.cuts(text.len());
        Act::Fragments { link, text, cuts }
    }

    /// A legal message, blown up to a length at which something changes.
    fn padded(&mut self, link: usize) -> Act {
        let text = self.legal_text();
        let length = self.length();
        let padding = length.saturating_sub(text.len());
        let padded = text.0.into_iter().chain([Part::Bytes(vec![b' '; padding])]).collect();
        Act::Send { link, text: padded }
    }

    fn length(&mut self) -> usize {
        // Long ones are rare: a stream has other things to say.
        let count = if one_in(6, self.choices) { LENGTHS.len() } else { 16 };
        LENGTHS.get(..count).and_then(|lengths| pick(lengths, self.choices)).copied().unwrap_or(126)
    }

    fn frame(&self, link: usize, fin: bool, opcode: u8, payload: Text) -> Act {
        Act::Frame { link, fin, rsv: 0, opcode, masked: true, claims: None, payload }
    }

    fn control(&mut self, link: usize) -> Act {
        let opcode = pick(&[PING, PONG, PING], self.choices).copied().unwrap_or(PING);
        let payload = match self.choices.choose(6) {
            0 => Vec::new(),
            1 => b"ping".to_vec(),
            2 => vec![b'x'; 125],
            3 => vec![0xFF; 125],
            4 => vec![b'x'; 126],
            _ => vec![b'x'; 70_000],
        };
        let is_illegal = payload.len() > 125;
        // A control frame cannot come in pieces.
        let fin = !one_in(5, self.choices);
        if is_illegal || !fin {
            self.then_renew(link);
        }
        self.frame(link, fin, opcode, Text::bytes(payload))
    }

    fn flood(&mut self, link: usize) -> Act {
        let opcode = if one_in(3, self.choices) { PONG } else { PING };
        let payload = if one_in(2, self.choices) { "flood".repeat(20) } else { String::new() };
        let count = pick(&[20, 100, 200, 5], self.choices).copied().unwrap_or(20);
        if one_in(3, self.choices) {
            // All in one write.
            let bytes = self.encoded(opcode, payload.as_bytes()).repeat(count);
            self.then_renew(link);
            return Act::Bytes { link, bytes: Text::bytes(bytes) };
        }
        let frame = self.frame(link, true, opcode, Text::from(payload));
        self.memory.queue.extend(std::iter::repeat_n(frame.clone(), count.min(20)));
        frame
    }

    /// A message in two fragments with something between them.
    fn interleaved(&mut self, link: usize) -> Act {
        let text = self.legal_text();
        let (first, second) = halves(text);
        let between = match self.choices.choose(6) {
            0 => Some(self.frame(link, true, PING, Text::from("between"))),
            1 => Some(self.frame(link, true, PONG, Text::default())),
            2 => Some(self.frame(link, true, TEXT, self.legal_text_again())),
            3 => Some(self.frame(link, false, TEXT, Text::from("["))),
            4 => Some(Act::Cut { link }),
            _ => None,
        };
        let is_cut = matches!(between, Some(Act::Cut { .. }));
        self.memory.queue.extend(between);
        if !is_cut {
            let last = self.frame(link, true, CONTINUATION, second);
            self.memory.queue.push_back(last);
            self.then_renew(link);
        }
        self.frame(link, false, TEXT, first)
    }

    fn legal_text_again(&self) -> Text {
        Text::from("[2,\"between\",\"Heartbeat\",{}]")
    }

    fn odd_opcode(&mut self, link: usize) -> Act {
        let opcodes = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15];
        let opcode = pick(&opcodes, self.choices).copied().unwrap_or(3);
        let payload = self.legal_text();
        self.then_renew(link);
        self.frame(link, true, opcode, payload)
    }

    fn reserved(&mut self, link: usize) -> Act {
        let rsv = 1 + self.choices.choose(7) as u8;
        let opcode = pick(&[TEXT, PING, CLOSE, BINARY], self.choices).copied().unwrap_or(TEXT);
        let payload = if opcode == TEXT { self.legal_text() } else { Text::default() };
        self.then_renew(link);
        Act::Frame { link, fin: true, rsv, opcode, masked: true, claims: None, payload }
    }

    fn unmasked(&mut self, link: usize) -> Act {
        let opcode = pick(&[TEXT, PING], self.choices).copied().unwrap_or(TEXT);
        let payload = if opcode == TEXT { self.legal_text() } else { Text::default() };
        self.then_renew(link);
        Act::Frame { link, fin: true, rsv: 0, opcode, masked: false, claims: None, payload }
    }

    fn claiming(&mut self, link: usize) -> Act {
        let claims = pick(CLAIMS, self.choices).copied();
        let payload = self.legal_text();
        let opcode = if one_in(4, self.choices) { PING } else { TEXT };
        self.memory.queue.push_back(Act::Cut { link });
        Act::Frame { link, fin: true, rsv: 0, opcode, masked: true, claims, payload }
    }

    /// A continuation of nothing.
    fn no_beginning(&mut self, link: usize) -> Act {
        let payload = if one_in(2, self.choices) { self.legal_text() } else { Text::default() };
        let fin = !one_in(2, self.choices);
        self.then_renew(link);
        self.frame(link, fin, CONTINUATION, payload)
    }

    fn closing(&mut self, link: usize) -> Act {
        let code = pick(CODES, self.choices).copied().unwrap_or(1000);
        let mut payload = code.to_be_bytes().to_vec();
        match self.choices.choose(6) {
            0 => return Act::Close { link, code: Some(code) },
            1 => return Act::Close { link, code: None },
            2 => {}
            3 => payload.truncate(1),
            4 => payload.extend_from_slice(b"\xFF\xFE"),
            _ => payload.extend_from_slice(&[b'r'; 123]),
        }
        // Whoever said goodbye says no more; some try.
        if one_in(2, self.choices) {
            let text = self.legal_text();
            let more = self.frame(link, true, TEXT, text);
            self.memory.queue.push_back(more);
        }
        self.memory.queue.push_back(Act::Cut { link });
        self.frame(link, true, CLOSE, Text::bytes(payload))
    }

    fn bytes_of(&mut self, link: usize, opcode: u8) -> Act {
        let payload = match self.choices.choose(4) {
            0 => self.legal_text(),
            1 => Text::default(),
            2 => Text::bytes(vec![0xFF, 0x00, 0x80, 0xC0]),
            _ => Text::bytes(vec![0; 1000]),
        };
        self.then_renew(link);
        self.frame(link, true, opcode, payload)
    }

    fn no_utf8(&mut self, link: usize) -> Act {
        let (first, second) = halves(self.legal_text());
        let bad: &[u8] = match self.choices.choose(4) {
            0 => b"\xFF",
            1 => b"\xC3",
            2 => b"\xED\xA0\x80",
            _ => b"\xF4\x90\x80\x80",
        };
        let text: Text = first.0.into_iter().chain([Part::Bytes(bad.to_vec())]).chain(second.0).collect();
        self.then_renew(link);
        self.frame(link, true, TEXT, text)
    }

    /// A length written longer than it has to be, or a second frame in the same write.
    fn long_way(&mut self, link: usize) -> Act {
        let message = self.plainest();
        let text = format!("[2,\"l{}-{}\",\"{}\",{{}}]", self.view.acts, self.memory.next_id(), message.action);
        let length = text.len() as u64;
        let mask = self.view.device == Role::Csms;
        let mask_bit = if mask { 0x80 } else { 0 };
        let mut bytes = vec![0x80 | TEXT];
        match self.choices.choose(3) {
            0 => {
                bytes.push(126 | mask_bit);
                bytes.extend_from_slice(&(length as u16).to_be_bytes());
            }
            1 => {
                bytes.push(127 | mask_bit);
                bytes.extend_from_slice(&length.to_be_bytes());
            }
            _ => {
                bytes = self.encoded(PING, b"a");
                bytes.extend(self.encoded(TEXT, text.as_bytes()));
                bytes.extend(self.encoded(PING, b"b"));
                self.then_renew(link);
                return Act::Bytes { link, bytes: Text::bytes(bytes) };
            }
        }
        if mask {
            bytes.extend_from_slice(&[0; 4]);
        }
        bytes.extend_from_slice(text.as_bytes());
        self.then_renew(link);
        Act::Bytes { link, bytes: Text::bytes(bytes) }
    }

    /// A frame, a few bytes at a time.
    fn slowly(&mut self, link: usize) -> Act {
        let message = self.plainest();
        let text = format!("[2,\"s{}-{}\",\"{}\",{{}}]", self.view.acts, self.memory.next_id(), message.action);
        let bytes = self.encoded(TEXT, text.as_bytes());
        let step = 1 + self.choices.choose(bytes.len() as u64 / 2) as usize;
        // Never more than a dozen pieces.
        let step = step.max(bytes.len() / 12 + 1);
        let mut pieces = bytes.chunks(step).map(|piece| Act::Bytes { link, bytes: Text::bytes(piece) });
        let first = pieces.next();
        let rest: Vec<Act> = pieces.collect();
        for piece in rest {
            if one_in(4, self.choices) {
                self.memory.queue.push_back(Act::Pass { ms: 5 });
            }
            self.memory.queue.push_back(piece);
        }
        self.then_renew(link);
        first.unwrap_or(Act::Pass { ms: 0 })
    }

    /// A whole frame as our side sends it. The mask is zero, so that the bytes can be read.
    pub(super) fn encoded(&self, opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mask = self.view.device == Role::Csms;
        let mask_bit = if mask { 0x80 } else { 0 };
        let mut bytes = vec![0x80 | opcode];
        match payload.len() {
            short @ 0..=125 => bytes.push(short as u8 | mask_bit),
            middle @ 126..=0xFFFF => {
                bytes.push(126 | mask_bit);
                bytes.extend_from_slice(&(middle as u16).to_be_bytes());
            }
            long => {
                bytes.push(127 | mask_bit);
                bytes.extend_from_slice(&(long as u64).to_be_bytes());
            }
        }
        if mask {
            bytes.extend_from_slice(&[0; 4]);
        }
        bytes.extend_from_slice(payload);
        bytes
    }
}

/// A text in two halves.
fn halves(text: Text) -> (Text, Text) {
    let half = text.0.len().div_ceil(2);
    let mut first = text.0;
    let second = first.split_off(half);
    if second.is_empty()
        && let Some(Part::Bytes(bytes)) = first.pop()
    {
        let (left, right) = bytes.split_at(bytes.len() / 2);
        first.push(Part::Bytes(left.to_vec()));
        return (Text(first), Text::bytes(right));
    }
    (Text(first), Text(second))
}
