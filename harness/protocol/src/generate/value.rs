//! Valid payloads.

use std::time::Duration;

use serde_json::{Map, Number as JsonNumber, Value, json};

use super::choices::{Choices, one_in, pick};
use super::plausible;
use crate::catalogue::{Number, Object, Type};
use crate::{Timestamp, Version};

/// The moment that stands for "now" where the caller gives none: 2026-01-01T12:00:00Z.
const SOME_TIME: Timestamp = Timestamp(1_767_268_800_000_000);

/// After this many values only what is required is added: 2.1 nests deep.
const ENOUGH: usize = 400;

/// The smallest sensible payload, always the same: required fields with plausible values.
pub fn minimal(version: Version, object: &Object) -> Value {
    minimal_at(version, object, SOME_TIME)
}

/// The smallest sensible payload with times at `now`.
pub fn minimal_at(_version: Version, object: &Object, now: Timestamp) -> Value {
    let fields: Map<String, Value> =
        object.required().map(|field| (field.name.clone(), plain(&field.name, &field.ty, now))).collect();
    Value::Object(fields)
}

/// A plausible value of this type for a field of this name.
pub(super) fn plain(name: &str, ty: &Type, now: Timestamp) -> Value {
    match ty {
        Type::String { min, max, .. } => {
            let mut text = plausible::text(name, *max);
            while (text.chars().count() as u64) < min.unwrap_or(0) {
                text.push('x');
            }
            Value::String(text)
        }
        Type::Integer { min, max, .. } => {
            let number = plausible::integer(name);
            let number = min.map_or(number, |min| number.max(min));
            Value::from(max.map_or(number, |max| number.min(max)))
        }
        Type::Decimal { min, max, .. } => {
            let number = plausible::decimal(name);
            let float = number.as_f64().unwrap_or(0.0);
            let is_low = min.is_some_and(|min| float < min.as_f64());
            let is_high = max.is_some_and(|max| float > max.as_f64());
            if is_low || is_high { json!(0) } else { number }
        }
        Type::Boolean => json!(true),
        Type::DateTime => Value::String(now.to_string()),
        Type::Uri => json!("https://example.org/ocpp"),
        Type::Any => json!("example"),
        Type::Enum(enumeration) => plausible::word(enumeration).into(),
        // Any other version would do: the objects know their own rules.
        Type::Object(object) => minimal_at(Version::V21, object, now),
        Type::List { item, min, .. } => {
            let count = min.unwrap_or(1).max(1);
            (0..count).map(|_| plain(name, item, now)).collect()
        }
    }
}

/// A valid payload: optional fields come and go, values tend to the ends of what is allowed.
pub fn valid(version: Version, object: &Object, choices: &mut dyn Choices) -> Value {
    valid_at(version, object, SOME_TIME, choices)
}

/// A valid payload with times around `now`.
pub fn valid_at(version: Version, object: &Object, now: Timestamp, choices: &mut dyn Choices) -> Value {
    let mut generator = Generator { version, now, choices, count: 0 };
    generator.object(object, 0)
}

struct Generator<'a> {
    version: Version,
    now: Timestamp,
    choices: &'a mut dyn Choices,
    count: usize,
}

impl Generator<'_> {
    fn object(&mut self, object: &Object, depth: u64) -> Value {
        let mut map = Map::new();
        for field in &object.fields {
            let is_wanted = field.required || {
                // customData is legal everywhere; it must not drown the rest.
                let rarity = if field.name == "customData" { 24 } else { 2 + depth };
                one_in(rarity, self.choices) && self.count < ENOUGH
            };
            if is_wanted {
                let value = self.value(&field.name, &field.ty, depth + 1);
                map.insert(field.name.clone(), value);
            }
        }
        if object.open && one_in(4, self.choices) {
            map.insert("x-note".to_owned(), json!({ "any": [1, "thing"] }));
        }
        Value::Object(map)
    }

    fn value(&mut self, name: &str, ty: &Type, depth: u64) -> Value {
        self.count += 1;
        match ty {
            Type::String { min, max, case_insensitive } => {
                Value::String(self.text(name, *min, *max, *case_insensitive))
            }
            Type::Integer { min, max, lenient } => self.integer(name, *min, *max, *lenient),
            Type::Decimal { min, max, step } => self.decimal(name, *min, *max, *step),
            Type::Boolean => Value::Bool(self.choices.choose(2) == 0),
            Type::DateTime => Value::String(self.time()),
            Type::Uri => self.uri(),
            Type::Any => self.anything(),
            Type::Enum(enumeration) => {
                pick(&enumeration.values, self.choices).map_or(Value::Null, |word| Value::String(word.clone()))
            }
            Type::Object(object) => self.object(object, depth),
            Type::List { item, min, max } => {
                let least = min.unwrap_or(0);
                let most = max.unwrap_or(u64::MAX);
                let few = least.max(1).min(most);
                let wanted = match self.choices.choose(8) {
                    0..=4 => few,
                    5 => (few + 1).min(most),
                    6 => least,
                    _ if self.count < ENOUGH / 4 => most.min(12).max(least),
                    _ => few,
                };
                (0..wanted).map(|_| self.value(name, item, depth)).collect()
            }
        }
    }

    fn text(&mut self, name: &str, min: Option<u64>, max: Option<u64>, is_name: bool) -> String {
        let least = usize::try_from(min.unwrap_or(0)).unwrap_or(0);
        let most = usize::try_from(max.unwrap_or(64)).unwrap_or(64);
        match self.choices.choose(8) {
            0..=3 => plausible::text(name, max),
            4 if is_name => self.letters(most, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789*-_=:+|@."),
            5 if is_name => self.letters(1.min(most), b"abcxyz019-_."),
            // Natural language: characters of two, three and four bytes count as one.
            4 => (0..most).map(|at| ['é', 'ß', '電', '🔌'][at % 4]).collect(),
            5 => self.letters(most, b"abcdefghijklmnopqrstuvwxyz ,;\"\\/<>&%'"),
            6 => "x".repeat(least.max(1).min(most)),
            _ => plausible::text(name, max).to_lowercase(),
        }
    }

    fn letters(&mut self, count: usize, alphabet: &[u8]) -> String {
        // One choice shifts the whole alphabet: a text of 5500 characters must not eat 5500 choices.
        let shift = self.choices.choose(alphabet.len() as u64) as usize;
        (0..count).map(|at| char::from(alphabet[(at * 7 + shift) % alphabet.len()])).collect()
    }

    fn integer(&mut self, name: &str, min: Option<i64>, max: Option<i64>, lenient: bool) -> Value {
        let (low, high) = (min.unwrap_or(i64::from(i32::MIN)), max.unwrap_or(i64::from(i32::MAX)));
        let plausible = plausible::integer(name).clamp(low, high);
        let number = match self.choices.choose(10) {
            0..=4 => plausible,
            5 => low,
            6 => high,
            7 => 0.clamp(low, high),
            8 => (plausible + 1).clamp(low, high),
            _ => {
                let span = high.saturating_sub(low).unsigned_abs().saturating_add(1);
                low.saturating_add_unsigned(self.choices.choose(span))
            }
        };
        if lenient && one_in(40, self.choices) {
            return JsonNumber::from_f64(number as f64).map_or(Value::from(number), Value::Number);
        }
        Value::from(number)
    }

    fn decimal(&mut self, name: &str, min: Option<Number>, max: Option<Number>, step: Option<Number>) -> Value {
        let low = min.map_or(-1_000_000, |min| min.as_f64().ceil() as i64);
        let high = max.map_or(1_000_000, |max| max.as_f64().floor() as i64);
        let whole = match self.choices.choose(8) {
            0..=2 => return plain(name, &Type::Decimal { min, max, step }, self.now),
            3 => return Value::from(low),
            4 => return Value::from(high),
            5 => 0.clamp(low, high),
            _ => {
                let span = high.saturating_sub(low).unsigned_abs();
                low.saturating_add_unsigned(self.choices.choose(span.max(1)))
            }
        };
        // Without a step any fraction will do; six digits are the most that is sent to a station.
        let places = match step {
            Some(step) => step.scale,
            None => [0, 1, 2, 3, 6][self.choices.choose(5) as usize],
        };
        let fraction = self.choices.choose(10_u64.pow(places)) as i64;
        let fraction = match step {
            Some(step) if step.value > 1 => fraction - fraction % step.value,
            _ => fraction,
        };
        if places == 0 || fraction == 0 || whole >= high || whole < low {
            return Value::from(whole.clamp(low, high));
        }
        // Written and read as decimal text: sums of binary fractions would miss the step.
        let sign = if whole < 0 { "-" } else { "" };
        let width = places as usize;
        let text = format!("{sign}{}.{fraction:0>width$}", whole.unsigned_abs());
        let float: f64 = text.parse().unwrap_or(0.0);
        if min.is_some_and(|min| float < min.as_f64()) {
            return Value::from(low);
        }
        JsonNumber::from_f64(float).map_or(Value::from(low), Value::Number)
    }

    fn time(&mut self) -> String {
        let second = Duration::from_secs(1);
        match self.choices.choose(10) {
            0..=4 => self.now.to_string(),
            5 => (self.now - second * 86_400).to_string(),
            6 => (self.now + second * 3600 + Duration::from_millis(250)).to_string(),
            7 => self.now.to_string().replace('Z', "+00:00"),
            8 if self.version == Version::V16 => self.now.to_string().replace('Z', ".1234567Z"),
            8 => self.now.to_string().replace('Z', ".120Z"),
            _ => self.now.to_string().replace('Z', "+02:00"),
        }
    }

    fn uri(&mut self) -> Value {
        let addresses = [
            "https://example.org/ocpp",
            "ftp://user:secret@example.org:2121/logs/",
            "http://[::1]:8080/a%20b?c=d",
            "sftp://example.org",
        ];
        pick(&addresses, self.choices).map_or(Value::Null, |text| json!(text))
    }

    fn anything(&mut self) -> Value {
        let values = [json!("example"), json!({ "a": [1, 2.5, null] }), json!([]), json!(42), json!(true), json!(null)];
        pick(&values, self.choices).cloned().unwrap_or(Value::Null)
    }
}
