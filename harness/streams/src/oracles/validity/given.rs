//! The odd values that we have given a device: it may say them again, as long as it lives.

use std::collections::VecDeque;

use serde_json::{Number, Value};

/// So many numbers are remembered.
const NUMBERS: usize = 1024;
/// What nobody looks for below.
const DEEPEST: usize = 32;

/// What we gave that no message of a device may hold, and that it cannot always refuse.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// U+0000, and what stands for half a surrogate pair.
    characters: [bool; 2],
    numbers: VecDeque<f64>,
}

const ODD: [char; 2] = ['\0', char::REPLACEMENT_CHARACTER];

impl Given {
    /// Learns what is odd in a payload.
    pub(super) fn learn(&mut self, payload: &Value) {
        self.learn_below(payload, 0);
    }

    fn learn_below(&mut self, value: &Value, depth: usize) {
        match value {
            _ if depth > DEEPEST => {}
            Value::String(text) => self.learn_text(text),
            Value::Number(number) => {
                let odd = odd(number).filter(|number| !self.numbers.contains(number));
                if let Some(number) = odd {
                    if self.numbers.len() >= NUMBERS {
                        self.numbers.pop_front();
                    }
                    self.numbers.push_back(number);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.learn_below(item, depth + 1)),
            Value::Object(map) => map.iter().for_each(|(key, item)| {
                self.learn_text(key);
                self.learn_below(item, depth + 1);
            }),
            _ => {}
        }
    }

    fn learn_text(&mut self, text: &str) {
        for (given, odd) in self.characters.iter_mut().zip(ODD) {
            *given = *given || text.contains(odd);
        }
    }

    /// Whether we gave a text with this character.
    pub(super) fn has_character(&self, character: char) -> bool {
        self.characters.iter().zip(ODD).any(|(given, odd)| *given && odd == character)
    }

    /// Whether we gave this number, and it is an odd one.
    pub(super) fn has_number(&self, number: &Number) -> bool {
        odd(number).is_some_and(|number| self.numbers.contains(&number))
    }
}

/// A number that is no whole one of 32 bits; whoever writes it in another way means the same.
fn odd(number: &Number) -> Option<f64> {
    let is_plain = number.as_i64().is_some_and(|whole| i32::try_from(whole).is_ok());
    number.as_f64().filter(|_| !is_plain)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_odd_is_known_again_however_it_is_written_and_what_is_plain_is_not() {
        let mut given = Given::default();
        given.learn(&json!({ "a": [{ "b": 18_446_744_073_709_551_615_u64 }, 7, 1.5], "c\u{0}": "x" }));
        let has = |value: Value| value.as_number().is_some_and(|number| given.has_number(number));
        assert!(has(json!(1.844_674_407_370_955_2e19)));
        assert!(has(json!(1.5)));
        assert!(!has(json!(7)) && !has(json!(2.5)));
        assert!(given.has_character('\0') && !given.has_character(char::REPLACEMENT_CHARACTER));
    }
}
