//! Writing JSON, and comparing it by value.

use serde_json::{Map, Number, Value};

use crate::decimal::Decimal;

/// The value as compact JSON text; keys keep their order, `1.0` stays `1.0`.
pub fn to_text(value: &Value) -> String {
    value.to_string()
}

/// The value as compact JSON text that is the same for equal values: keys sorted, numbers in their shortest form.
pub fn canonical(value: &Value) -> String {
    sorted(value).to_string()
}

/// Whether two values are equal: the order of keys does not matter, and numbers compare as numbers (`1.0` is `1`).
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => Decimal::of(a) == Decimal::of(b),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            let map: Map<String, Value> =
                entries.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            Value::Object(map)
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Number(number) => Value::Number(shortest(number)),
        other => other.clone(),
    }
}

fn shortest(number: &Number) -> Number {
    Decimal::of(number).to_integer().map_or_else(|| number.clone(), Number::from)
}
