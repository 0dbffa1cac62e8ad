//! Exact decimal numbers: what `0.1` means to the person who wrote it.

use serde_json::Number as JsonNumber;

use crate::catalogue::Number;

/// A decimal number `±digits × 10^exponent`, the digits without zeros at either end; zero has none and no sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// The number in its shortest decimal form.
    pub(crate) fn of(number: &JsonNumber) -> Decimal {
        Decimal::parse(&number.to_string()).unwrap_or(Decimal { negative: false, digits: String::new(), exponent: 0 })
    }

    /// Reads what JSON calls a number.
    pub(crate) fn parse(text: &str) -> Option<Decimal> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent_of(exponent)?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let kept = digits.trim_end_matches('0');
        let zeros = digits.len() - kept.len();
        let kept = kept.trim_start_matches('0');
        if kept.is_empty() {
            return Some(Decimal { negative: false, digits: String::new(), exponent: 0 });
        }
        Some(Decimal {
            negative,
            digits: kept.to_owned(),
            exponent: exponent.saturating_sub(fraction.len() as i64).saturating_add(zeros as i64),
        })
    }

    /// Whether there is nothing behind the point.
    pub(crate) fn is_whole(&self) -> bool {
        self.exponent >= 0
    }

    /// The number as an integer, if it is one that fits.
    pub(crate) fn to_integer(&self) -> Option<i64> {
        let zeros = usize::try_from(self.exponent).ok().filter(|zeros| *zeros < 20)?;
        let sign = if self.negative { "-" } else { "" };
        let digits = if self.digits.is_empty() { "0" } else { &self.digits };
        format!("{sign}{digits}{:0<zeros$}", "").parse().ok()
    }

    /// How many digits stand behind the point when written without an exponent.
    pub(crate) fn fraction_digits(&self) -> u64 {
        self.exponent.min(0).unsigned_abs()
    }

    /// Whether it is a whole multiple of the step.
    pub(crate) fn is_multiple_of(&self, step: Number) -> bool {
        let step_value = u128::from(step.value.unsigned_abs());
        if self.digits.is_empty() || step_value == 0 {
            return true;
        }
        // digits × 10^shift has to be a multiple of the digits of the step.
        let shift = self.exponent.saturating_add(i64::from(step.scale));
        if shift < 0 {
            return false;
        }
        let mut remainder = 0;
        for byte in self.digits.bytes() {
            remainder = (remainder * 10 + u128::from(byte - b'0')) % step_value;
        }
        // 10^k mod m repeats, and no double has more than about 310 places.
        for _ in 0..shift.min(2000) {
            remainder = remainder * 10 % step_value;
        }
        remainder == 0
    }
}

fn exponent_of(text: &str) -> Option<i64> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(if text.starts_with('-') { i64::MIN / 2 } else { i64::MAX / 2 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENTH: Number = Number { value: 1, scale: 1 };

    #[test]
    fn every_tenth_is_a_multiple_of_a_tenth() {
        for tenths in -4000..=4000_i32 {
            let number = JsonNumber::from_f64(f64::from(tenths) / 10.0).unwrap();
            assert!(Decimal::of(&number).is_multiple_of(TENTH), "{number}");
        }
    }

    #[test]
    fn a_hundredth_is_none() {
        for text in ["4.11", "0.01", "1e-2", "-8.15", "100.001"] {
            assert!(!Decimal::parse(text).unwrap().is_multiple_of(TENTH), "{text}");
        }
    }

    #[test]
    fn an_integer_is_one_however_it_is_written() {
        for (text, integer) in [("1.0", 1), ("-12e2", -1200), ("0", 0), ("9223372036854775807", i64::MAX)] {
            assert_eq!(Decimal::parse(text).unwrap().to_integer(), Some(integer), "{text}");
        }
        for text in ["1.5", "1e19", "9223372036854775808", "1e400"] {
            assert_eq!(Decimal::parse(text).unwrap().to_integer(), None, "{text}");
        }
    }

    #[test]
    fn the_same_number_written_differently_is_equal() {
        for (a, b) in [("1.0", "1"), ("1e2", "100"), ("0.10", "0.1"), ("-0", "0.0"), ("12e-1", "1.2")] {
            assert_eq!(Decimal::parse(a), Decimal::parse(b), "{a} {b}");
        }
    }
}
