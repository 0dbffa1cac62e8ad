//! Instants on the wire and in the harness.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment in UTC with microseconds, also the clock of peers, player and judge: time is an input, so the
/// same type serves a real clock and a virtual one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(
    /// Microseconds since 1970-01-01T00:00:00Z; negative before.
    pub i64,
);

impl Timestamp {
    /// Microseconds from `earlier` to `self`, zero if `earlier` is later.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Reads an RFC 3339 date-time (what JSON schema calls `date-time`): upper or lower case `T` and `Z`, any
    /// number of fractional digits (beyond microseconds they are dropped), an offset is required, second 60 is
    /// taken where a leap second can stand.
    pub fn parse(text: &str) -> Option<Timestamp> {
        let bytes = text.as_bytes();
        let number = |from: usize, to: usize| -> Option<i64> {
            let digits = bytes.get(from..to)?;
            if !digits.iter().all(u8::is_ascii_digit) {
                return None;
            }
            std::str::from_utf8(digits).ok()?.parse().ok()
        };
        let is = |at: usize, allowed: &[u8]| bytes.get(at).is_some_and(|b| allowed.contains(b));
        if !(is(4, b"-") && is(7, b"-") && is(10, b"Tt") && is(13, b":") && is(16, b":")) {
            return None;
        }
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        let mut at = 19;
        let mut micros = 0;
        if is(at, b".") {
            at += 1;
            let start = at;
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            if at == start {
                return None;
            }
            for place in 0..6 {
                let digit = if start + place < at { i64::from(bytes[start + place] - b'0') } else { 0 };
                micros = micros * 10 + digit;
            }
        }
        let offset_minutes = if is(at, b"Zz") {
            at += 1;
            0
        } else if is(at, b"+-") && is(at + 3, b":") {
            let (h, m) = (number(at + 1, at + 3)?, number(at + 4, at + 6)?);
            if h > 23 || m > 59 {
                return None;
            }
            let sign = if is(at, b"-") { -1 } else { 1 };
            at += 6;
            sign * (h * 60 + m)
        } else {
            return None;
        };
        if at != bytes.len() || !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
            return None;
        }
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let minutes = (days_from_civil(year, month, day) * 24 + hour) * 60 + minute - offset_minutes;
        if second == 60 && minutes.rem_euclid(24 * 60) != 24 * 60 - 1 {
            return None;
        }
        Some(Timestamp((minutes * 60 + second) * 1_000_000 + micros))
    }
}

impl fmt::Display for Timestamp {
    /// As OCPP wants it sent: UTC with `Z`, at most three fractional digits, none when they are zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(1_000_000);
        let millis = self.0.rem_euclid(1_000_000) / 1000;
        let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
        let of_day = seconds.rem_euclid(86_400);
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60)?;
        if millis != 0 {
            write!(f, ".{millis:03}")?;
        }
        f.write_str("Z")
    }
}

impl Add<Duration> for Timestamp {
    type Output = Timestamp;

    fn add(self, duration: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Timestamp;

    fn sub(self, duration: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, counted in eras of 400 years from March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// The longest length of time that may be written: a mistyped number shall not hold a run for years.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// Reads a length of time as people write it: `30s`, `500ms`, `2m` or `1h`.
///
/// # Errors
///
/// What was expected, as a sentence.
pub fn duration(text: &str) -> Result<Duration, String> {
    let expected = || format!("\"{text}\" is not a length of time; write it as 30s, 500ms, 2m or 1h");
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| expected())?;
    let millis = match unit {
        "ms" => Some(number),
        "s" => number.checked_mul(1000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => return Err(expected()),
    };
    millis
        .map(Duration::from_millis)
        .filter(|time| *time <= LONGEST)
        .ok_or_else(|| format!("\"{text}\" is longer than a week"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_time_survives_the_round_trip() {
        for text in ["1970-01-01T00:00:00Z", "2026-11-24T02:13:39.250Z", "2000-02-29T23:59:59Z"] {
            assert_eq!(Timestamp::parse(text).map(|t| t.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn offsets_and_long_fractions_name_the_same_instant() {
        let instant = Timestamp::parse("2026-11-24T00:13:39.250Z");
        assert!(instant.is_some());
        assert_eq!(Timestamp::parse("2026-11-24t02:13:39.2500000+02:00"), instant);
    }

    #[test]
    fn what_is_no_date_time_is_refused() {
        for text in [
            "",
            "2026-11-24",
            "2026-11-24T02:13:39",
            "2026-02-30T00:00:00Z",
            "2026-11-24T24:00:00Z",
            "2026-11-24T02:13:39.Z",
            "222222017-10-27T19:10:11Z",
            "2026-11-24T02:13:39Zjunk",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_length_without_unit_or_beyond_a_week_is_refused() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["", "30", "s", "-1s", "1.5s", "99999999999999999999s", "8000h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
