//! Edits of bytes that need not be anything.

use protocol::generate::Choices;

use super::words::{NUMBERS, TEXTS, VOCABULARY, below, pick, word};

/// Pieces that JSON and its neighbours are made of.
const TOKENS: &[&str] =
    &["[", "]", "{", "}", ",", ":", "\"", "\\", "null", "true", "[2,", "[3,", "\n", "\r\n", "\u{0}", "[[[[[[[[", "\\u"];

/// Changes a few bytes.
pub(super) fn edit(bytes: &mut Vec<u8>, choices: &mut dyn Choices) {
    let at = below(bytes.len(), choices);
    match choices.choose(9) {
        0 => flip(bytes, at, 1 << choices.choose(8)),
        1 => {
            let other = [0, 1, b' ', b'"', b'\\', b'0', 0x7f, 0x80, 0xff][below(9, choices)];
            match bytes.get_mut(at) {
                Some(byte) => *byte = other,
                None => bytes.push(other),
            }
        }
        2 => {
            let end = (at + 1 + below(16, choices)).min(bytes.len());
            bytes.drain(at.min(end)..end);
        }
        3 => {
            let end = (at + 1 + below(64, choices)).min(bytes.len());
            let copy = bytes[at.min(end)..end].to_vec();
            let to = below(bytes.len() + 1, choices);
            bytes.splice(to..to, copy);
        }
        4 => {
            let other = below(bytes.len(), choices);
            if at < bytes.len() && other < bytes.len() {
                bytes.swap(at, other);
            }
        }
        5 => {
            let insert = pick(TEXTS, choices).copied().unwrap_or_default();
            bytes.splice(at..at, insert.iter().copied());
        }
        6 => {
            let insert = match choices.choose(3) {
                0 => word(&VOCABULARY.fields, choices),
                1 => word(&VOCABULARY.values, choices),
                _ => word(NUMBERS, choices),
            };
            bytes.splice(at..at, insert.bytes());
        }
        7 => {
            let insert = word(TOKENS, choices);
            bytes.splice(at..at, insert.bytes());
        }
        _ => bytes.truncate(at),
    }
}

/// Turns bits of one byte round.
pub(super) fn flip(bytes: &mut Vec<u8>, at: usize, bits: u8) {
    match bytes.get_mut(at) {
        Some(byte) => *byte ^= bits,
        None => bytes.push(bits),
    }
}
