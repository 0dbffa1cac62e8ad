//! JSON text (L2): what the same message looks like to a careless parser.

use protocol::generate::{one_in, pick};
use serde_json::Value;

use super::payload::Side;
use super::writing::{Piece, Style, array};
use super::{Maker, odd};
use crate::Act;
use crate::act::{Hole, Part, Text};

/// What may stand behind a message, or before it.
const JUNK: &[&[u8]] = &[
    b" ",
    b"\n",
    b"\r\n\t ",
    b"x",
    b",",
    b"]",
    b"\0",
    b"[",
    b"{}",
    b"//",
    b"/*x*/",
    b"\xEF\xBB\xBF",
    b"\xFF\xFE",
    b"\xC2\xA0",
    b"\xE2\x80\x8B",
    b"\x0C",
    b"null",
    b";",
    b"\x1b[0m",
    b"\xFF",
];

/// What no JSON number or word is.
pub(super) const NO_VALUES: &[&str] = &[
    "NaN",
    "Infinity",
    "-Infinity",
    "undefined",
    "TRUE",
    "True",
    "None",
    "nil",
    "01",
    "+1",
    ".5",
    "1.",
    "1e",
    "0x10",
    "--1",
    "1_000",
    "'x'",
    "x",
    "\"\\x41\"",
    "\"\\u12G4\"",
    "\"\\u00\"",
    "\"\t\"",
    "\"\n\"",
    "\"a\u{0}b\"",
    "/*x*/1",
    "1//x\n",
    "{a:1}",
    "{\"a\":1,}",
    "[1,]",
    "[,1]",
    "[1 2]",
    "{\"a\" 1}",
    "{\"a\":}",
    "{1:1}",
    "\"",
    "{",
    "[",
    "",
];

/// Bytes in a string that are no UTF-8.
pub(super) const NO_UTF8: &[&[u8]] = &[
    b"\"\xFF\"",
    b"\"\xC0\x80\"",
    b"\"\xE2\x82\"",
    b"\"\xED\xA0\x80\"",
    b"\"\xF4\x90\x80\x80\"",
    b"\"\x80\"",
    b"\"\xF8\x88\x80\x80\x80\"",
    b"\"\xC1\xBF\"",
    b"\"caf\xE9\"",
];

/// Texts with nothing in them.
pub(super) const NOTHINGS: &[&[u8]] =
    &[b"", b" ", b"null", b"{}", b"[]", b"0", b"\"\"", b"true", b"[[]]", b"\0", b"[", b"]", b"[2", b"[2,", b"[2,\""];

/// What nothing else in a message is, to be replaced once the message is written.
pub(super) const MARK: &str = "\"\u{F8FF}\"";

impl Maker<'_, '_> {
    /// A message whose text is odd.
    pub(super) fn json_act(&mut self) -> Act {
        let text = match self.choices.choose(14) {
            0 | 1 => self.dressed(),
            2 => self.doubled(),
            3 => self.deep(),
            4 => self.with_number(),
            5 | 6 => self.with_no_value(),
            7 => self.with_bytes(),
            8 => self.around(),
            9 => self.truncated(),
            10 => self.huge(),
            11 => self.replaced(),
            12 => self.other_encoding(),
            _ => self.nothing(),
        };
        let link = self.link();
        if one_in(6, self.choices) {
            let cuts = self.cuts(text.len());
            return Act::Fragments { link, text, cuts };
        }
        Act::Send { link, text }
    }

    /// The same message, written otherwise.
    fn dressed(&mut self) -> Text {
        let message = self.message();
        let payload = self.valid(message, Side::Request);
        let spaces = [" ", "", "\n", "\t", "\r\n  ", "                                "];
        let style = Style {
            space: pick(&spaces, self.choices).copied().unwrap_or(""),
            escaped: one_in(2, self.choices),
            reversed: one_in(2, self.choices),
            pointed: one_in(4, self.choices),
        };
        let id = self.memory.next_id();
        let text = self.call_as(id, message, &payload, style);
        if one_in(3, self.choices) { around(text, b" \n", b"\n \t\r\n") } else { text }
    }

    fn doubled(&mut self) -> Text {
        let message = self.message();
        let mut payload = self.valid(message, Side::Request);
        let field = payload.value.as_object().and_then(|map| map.iter().next());
        let key = field.map_or("x", |(key, _)| key.as_str()).to_owned();
        let same = field.map_or(Value::Null, |(_, value)| value.clone());
        let second = match self.choices.choose(4) {
            0 => same.to_string(),
            1 => "null".to_owned(),
            2 => "\"other\"".to_owned(),
            _ => "2".to_owned(),
        };
        payload.doubled = Some((key, second));
        self.call(message, &payload)
    }

    fn deep(&mut self) -> Text {
        let depths = [50, 127, 200, 500, 1000, 5000, 20_000, 100_000];
        let depth = pick(&depths, self.choices).copied().unwrap_or(50);
        let text = match self.choices.choose(4) {
            0 => odd::nested(depth),
            1 => format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)),
            2 => "[".repeat(depth * 2),
            _ => "{\"a\":[".repeat(depth),
        };
        if one_in(4, self.choices) {
            return Text::from(text);
        }
        let message = self.message();
        let mut payload = self.plain(message, Side::Request);
        if one_in(2, self.choices) && self.put_somewhere(&mut payload, &text) {
            return self.call(message, &payload);
        }
        let id = self.memory.next_id();
        let pieces = [Piece::Raw("2"), Piece::Hole(Hole::Id(id)), Piece::Word(&message.action), Piece::Raw(&text)];
        array(&pieces, Style::default())
    }

    fn with_number(&mut self) -> Text {
        let numbers = [
            "1".repeat(20),
            "9".repeat(309),
            "1".repeat(4300),
            "1".repeat(4301),
            "1".repeat(5000),
            "1".repeat(50_000),
            "1e400".to_owned(),
            "-1e400".to_owned(),
            "1e-400".to_owned(),
            "1e99999999999999999999".to_owned(),
            format!("0.{}1", "0".repeat(5000)),
            "-0".to_owned(),
            "1E+2".to_owned(),
            format!("1{}e-{}", "0".repeat(400), 400),
        ];
        let number = pick(&numbers, self.choices).cloned().unwrap_or_default();
        self.with_raw(&number)
    }

    fn with_no_value(&mut self) -> Text {
        let raw = pick(NO_VALUES, self.choices).copied().unwrap_or("NaN");
        self.with_raw(raw)
    }

    /// A message with this text in the place of a value.
    fn with_raw(&mut self, raw: &str) -> Text {
        let message = self.message();
        let mut payload = self.plain(message, Side::Request);
        if !self.put_somewhere(&mut payload, raw) {
            payload.doubled = Some(("x".to_owned(), raw.to_owned()));
        }
        self.call(message, &payload)
    }

    fn with_bytes(&mut self) -> Text {
        let bytes = pick(NO_UTF8, self.choices).copied().unwrap_or(b"\"\xFF\"");
        let text = self.with_raw(MARK);
        replace(text, MARK.as_bytes(), bytes)
    }

    fn around(&mut self) -> Text {
        let text = self.legal_text();
        let before = pick(JUNK, self.choices).copied().unwrap_or(b" ");
        let after = pick(JUNK, self.choices).copied().unwrap_or(b" ");
        match self.choices.choose(4) {
            0 => around(text, b"", after),
            1 => around(text, before, b""),
            2 => around(text, before, after),
            _ => {
                // Two messages in one.
                let second = self.legal_text();
                text.0.into_iter().chain(second.0).collect()
            }
        }
    }

    fn truncated(&mut self) -> Text {
        let text = self.legal_text();
        let length = self.choices.choose(text.len() as u64 + 1) as usize;
        cut(text, length)
    }

    fn huge(&mut self) -> Text {
        let sizes = [16_384, 65_537, 10_000, 131_072, 262_144, 900_000];
        let size = pick(&sizes, self.choices).copied().unwrap_or(16_384);
        let size = if one_in(4, self.choices) { size } else { size.min(65_537) };
        match self.choices.choose(5) {
            0 => self.with_raw(&format!("\"{}\"", "x".repeat(size))),
            1 => self.with_raw(&format!("\"{}\"", "\\u0041".repeat(size / 6))),
            2 => around(self.legal_text(), b"", " ".repeat(size).as_bytes()),
            3 => {
                let key = "k".repeat(size);
                let message = self.message();
                let mut payload = self.plain(message, Side::Request);
                payload.doubled = Some((key, "1".to_owned()));
                self.call(message, &payload)
            }
            _ => self.with_raw(&format!("[{}0]", "0,".repeat(size / 2))),
        }
    }

    /// The quotes of another language.
    fn replaced(&mut self) -> Text {
        let text = self.legal_text();
        let (old, new) = match self.choices.choose(6) {
            0 => ("\"", "'"),
            1 => (":", "="),
            2 => (",", ";"),
            3 => (",", ",,"),
            4 => ("{", "{,"),
            _ => ("}", ",}"),
        };
        replace(text, old.as_bytes(), new.as_bytes())
    }

    fn other_encoding(&mut self) -> Text {
        let text = self.legal_text();
        let is_little = one_in(2, self.choices);
        let parts = text.0.into_iter().map(|part| match part {
            Part::Bytes(bytes) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let wide = text
                    .encode_utf16()
                    .flat_map(|unit| if is_little { unit.to_le_bytes() } else { unit.to_be_bytes() });
                Part::Bytes(wide.collect())
            }
            hole => hole,
        });
        parts.collect()
    }

    fn nothing(&mut self) -> Text {
        Text::bytes(pick(NOTHINGS, self.choices).copied().unwrap_or(b""))
    }

    /// Places to cut a message of this length.
    pub(super) fn cuts(&mut self, length: usize) -> Vec<usize> {
        let mut cuts: Vec<usize> = match self.choices.choose(4) {
            0 => vec![self.choices.choose(length as u64 + 1) as usize],
            1 => vec![0],
            2 => (1..length.min(40)).collect(),
            _ => vec![length],
        };
        cuts.sort_unstable();
        cuts
    }
}

/// A text with something before and behind it.
fn around(text: Text, before: &[u8], after: &[u8]) -> Text {
    let before = std::iter::once(Part::Bytes(before.to_vec()));
    before.chain(text.0).chain(std::iter::once(Part::Bytes(after.to_vec()))).collect()
}

/// Not more than this many bytes of a text, beside its holes.
fn cut(text: Text, mut length: usize) -> Text {
    let mut parts = Vec::new();
    for part in text.0 {
        match part {
            Part::Bytes(mut bytes) => {
                let kept = bytes.len().min(length);
                let is_cut = kept < bytes.len();
                bytes.truncate(kept);
                length -= kept;
                parts.push(Part::Bytes(bytes));
                if is_cut {
                    break;
                }
            }
            hole => parts.push(hole),
        }
    }
    Text(parts)
}

/// A text with all of one replaced by another.
pub(super) fn replace(text: Text, old: &[u8], new: &[u8]) -> Text {
    let parts = text.0.into_iter().map(|part| match part {
        Part::Bytes(bytes) => {
            let mut out = Vec::with_capacity(bytes.len());
            let mut rest = bytes.as_slice();
            while let Some((first, after)) = rest.split_first() {
                match rest.strip_prefix(old) {
                    Some(after) if out.len() < 1_000_000 => {
                        out.extend_from_slice(new);
                        rest = after;
                    }
                    _ => {
                        out.push(*first);
                        rest = after;
                    }
                }
            }
            Part::Bytes(out)
        }
        hole => hole,
    });
    parts.collect()
}
