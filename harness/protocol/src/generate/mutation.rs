//! Payloads with exactly one violation.

use serde_json::{Map, Number as JsonNumber, Value, json};

use super::choices::{Choices, Seeded, pick};
use super::value::{minimal_at, plain, valid};
use crate::catalogue::{Object, Type};
use crate::validate::{ViolationKind, validate};
use crate::{Timestamp, Version};

/// One way to break a payload.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mutation {
    /// Where, in the style of a JSON pointer; for an unknown field the object that gets it.
    pub path: String,
    /// How.
    pub kind: ViolationKind,
}

/// A payload with exactly one violation, its kind, and the path at which [`validate`] reports it. `None` if nothing
/// in the object can be broken, which no object of the catalogue allows.
pub fn broken(version: Version, object: &Object, choices: &mut dyn Choices) -> Option<(Value, ViolationKind, String)> {
    let value = valid(version, object, choices);
    break_in(version, object, &value, choices)
}

/// This valid payload with exactly one violation, its kind, and the path at which [`validate`] reports it.
pub fn break_in(
    version: Version,
    object: &Object,
    value: &Value,
    choices: &mut dyn Choices,
) -> Option<(Value, ViolationKind, String)> {
    let mut ways = in_value(object, value);
    while !ways.is_empty() {
        let at = usize::try_from(choices.choose(ways.len() as u64)).unwrap_or(0);
        let way = ways.swap_remove(at);
        if let Some((value, path)) = apply(version, object, value, &way, choices) {
            return Some((value, way.kind, path));
        }
    }
    None
}

/// Every way to break a payload of this object, optional fields included; a list is broken in its first item.
pub fn mutations(object: &Object) -> Vec<Mutation> {
    let mut ways = vec![Mutation { path: String::new(), kind: ViolationKind::NotAnObject }];
    collect_object(object, None, "", &mut ways);
    ways
}

/// A minimal payload that is broken in this way, and the path at which [`validate`] reports it.
pub fn break_one(version: Version, object: &Object, way: &Mutation, now: Timestamp) -> Option<(Value, String)> {
    break_with(version, object, way, now, &mut Seeded::new(0))
}

/// [`break_one`], where the choices say with which value.
pub fn break_with(
    version: Version,
    object: &Object,
    way: &Mutation,
    now: Timestamp,
    choices: &mut dyn Choices,
) -> Option<(Value, String)> {
    let value = with_path(object, &way.path, now);
    apply(version, object, &value, way, choices)
}

/// A minimal payload that has a value at this path.
pub fn with_path(object: &Object, path: &str, now: Timestamp) -> Value {
    // The version does not matter to a minimal payload.
    let mut value = minimal_at(Version::V21, object, now);
    if let Value::Object(map) = &mut value {
        insert_path(object, map, path.strip_prefix('/').unwrap_or(path), now);
    }
    value
}

fn insert_path(object: &Object, map: &mut Map<String, Value>, path: &str, now: Timestamp) {
    if path.is_empty() {
        return;
    }
    let (name, rest) = path.split_once('/').unwrap_or((path, ""));
    let Some(field) = object.field(name) else {
        return;
    };
    let mut value = map.entry(name).or_insert_with(|| plain(name, &field.ty, now));
    let mut ty = &field.ty;
    let mut rest = rest;
    loop {
        match (ty, value) {
            (Type::List { item, .. }, Value::Array(items)) => {
                rest = rest.split_once('/').map_or("", |(_, rest)| rest);
                ty = item;
                match items.first_mut() {
                    Some(first) => value = first,
                    None => return,
                }
            }
            (Type::Object(object), Value::Object(map)) => {
                return insert_path(object, map, rest, now);
            }
            _ => return,
        }
    }
}

/// Every way to break this payload.
fn in_value(object: &Object, value: &Value) -> Vec<Mutation> {
    let mut ways = vec![Mutation { path: String::new(), kind: ViolationKind::NotAnObject }];
    collect_object(object, Some(value), "", &mut ways);
    ways
}

/// The ways below an object; without a value every field counts as present.
fn collect_object(object: &Object, value: Option<&Value>, path: &str, ways: &mut Vec<Mutation>) {
    let mut add = |path: String, kind| ways.push(Mutation { path, kind });
    if !object.open {
        add(path.to_owned(), ViolationKind::UnknownField);
    }
    for field in object.required() {
        add(format!("{path}/{}", field.name), ViolationKind::MissingField);
    }
    for field in &object.fields {
        let below = match value {
            Some(value) => match value.get(&field.name) {
                Some(below) => Some(below),
                None => continue,
            },
            None => None,
        };
        collect(&field.ty, below, &format!("{path}/{}", field.name), ways);
    }
}

fn collect(ty: &Type, value: Option<&Value>, path: &str, ways: &mut Vec<Mutation>) {
    let mut add = |kind| {
        ways.push(Mutation { path: path.to_owned(), kind });
    };
    if !matches!(ty, Type::Any) {
        add(ViolationKind::WrongType);
    }
    match ty {
        Type::String { min, max, .. } => {
            if max.is_some() {
                add(ViolationKind::TooLong);
            }
            if min.is_some_and(|min| min > 0) {
                add(ViolationKind::TooShort);
            }
        }
        Type::Integer { min, max, .. } => {
            if min.is_some() || max.is_some() {
                add(ViolationKind::OutOfRange);
            }
        }
        Type::Decimal { min, max, step } => {
            if min.is_some() || max.is_some() {
                add(ViolationKind::OutOfRange);
            }
            if step.is_some() {
                add(ViolationKind::NotAMultiple);
            }
        }
        Type::DateTime => add(ViolationKind::BadDateTime),
        Type::Uri => add(ViolationKind::BadUri),
        Type::Enum(_) => add(ViolationKind::NotInEnumeration),
        Type::Object(object) => collect_object(object, value, path, ways),
        Type::List { item, min, max } => {
            if min.is_some_and(|min| min > 0) {
                add(ViolationKind::TooFewItems);
            }
            if max.is_some() {
                add(ViolationKind::TooManyItems);
            }
            match value {
                None => collect(item, None, &format!("{path}/0"), ways),
                Some(Value::Array(items)) => {
                    // One item stands for the many.
                    if let Some(first) = items.first() {
                        collect(item, Some(first), &format!("{path}/0"), ways);
                    }
                }
                Some(_) => {}
            }
        }
        Type::Boolean | Type::Any => {}
    }
}

/// The payload broken in this way, if that gives exactly this one violation.
fn apply(
    version: Version,
    object: &Object,
    value: &Value,
    way: &Mutation,
    choices: &mut dyn Choices,
) -> Option<(Value, String)> {
    let mut value = value.clone();
    let mut path = way.path.clone();
    match way.kind {
        ViolationKind::NotAnObject => {
            let others = [json!([]), json!("{}"), json!(1), json!(true)];
            value = pick(&others, choices)?.clone();
        }
        ViolationKind::UnknownField => {
            let names = ["unknownField", "", "IDTAG", "x", "customdata"];
            let target = value.pointer_mut(&way.path)?.as_object_mut()?;
            let free: Vec<&str> = names.into_iter().filter(|name| !target.contains_key(*name)).collect();
            let name = *pick(&free, choices)?;
            target.insert(name.to_owned(), json!("?"));
            path = format!("{path}/{name}");
        }
        ViolationKind::MissingField => {
            let (parent, name) = way.path.rsplit_once('/')?;
            let target = value.pointer_mut(parent)?.as_object_mut()?;
            // `remove` would move the last field forward.
            target.shift_remove(name)?;
        }
        kind => {
            let ty = object.at(&way.path)?;
            let target = value.pointer_mut(&way.path)?;
            *target = replacement(kind, ty, target, choices)?;
        }
    }
    let found = validate(version, object, &value);
    match found.as_slice() {
        [only] if only.kind == way.kind && only.path == path => Some((value, path)),
        _ => None,
    }
}

fn replacement(kind: ViolationKind, ty: &Type, value: &Value, choices: &mut dyn Choices) -> Option<Value> {
    match (kind, ty) {
        (ViolationKind::WrongType, _) => {
            let others = wrong_types(ty, value);
            pick(&others, choices).cloned()
        }
        (ViolationKind::NotInEnumeration, Type::Enum(enumeration)) => {
            let first = enumeration.values.first()?;
            let others = [json!("NoSuchValue"), json!(""), json!(first.to_uppercase()), json!(format!("{first} "))];
            let others: Vec<Value> = others
                .into_iter()
                .filter(|other| !other.as_str().is_some_and(|text| enumeration.contains(text)))
                .collect();
            pick(&others, choices).cloned()
        }
        (ViolationKind::TooLong, Type::String { max: Some(max), .. }) => {
            let text = value.as_str()?;
            let length = text.chars().count() as u64;
            let excess = [1, 2, 1000][usize::try_from(choices.choose(3)).unwrap_or(0)];
            let missing = max.saturating_sub(length).saturating_add(excess);
            let filler = "x".repeat(usize::try_from(missing).ok()?);
            Some(Value::String(format!("{text}{filler}")))
        }
        (ViolationKind::TooShort, Type::String { min: Some(min), .. }) => {
            let shorter = usize::try_from(min.saturating_sub(1)).ok()?;
            Some(Value::String(value.as_str()?.chars().take(shorter).collect()))
        }
        (ViolationKind::OutOfRange, Type::Integer { min, max, .. }) => {
            let below = min.and_then(|min| min.checked_sub(1)).map(Value::from);
            let above = max.and_then(|max| max.checked_add(1)).map(Value::from);
            let others: Vec<Value> = below.into_iter().chain(above).collect();
            pick(&others, choices).cloned()
        }
        (ViolationKind::OutOfRange, Type::Decimal { min, max, .. }) => {
            let below = min.map(|min| json!(min.as_f64() - 1.0));
            let above = max.map(|max| json!(max.as_f64() + 0.5));
            let others: Vec<Value> = below.into_iter().chain(above).collect();
            pick(&others, choices).cloned()
        }
        (ViolationKind::NotAMultiple, Type::Decimal { step: Some(step), .. }) => {
            let text = format!("8.{}", "1".repeat(step.scale as usize + 1));
            JsonNumber::from_f64(text.parse().ok()?).map(Value::Number)
        }
        (ViolationKind::BadDateTime, Type::DateTime) => {
            let others = [
                json!("2026-01-01T12:00:00"),
                json!("2026-01-01"),
                json!("2026-13-01T12:00:00Z"),
                json!("2026-02-30T12:00:00Z"),
                json!("2026-01-01 12:00"),
                json!("1767268800"),
                json!(""),
            ];
            pick(&others, choices).cloned()
        }
        (ViolationKind::BadUri, Type::Uri) => {
            let others = [json!("logs/today"), json!("http://example.org/a b"), json!("")];
            pick(&others, choices).cloned()
        }
        (ViolationKind::TooFewItems, Type::List { min: Some(min), .. }) => {
            let mut items = value.as_array()?.clone();
            items.truncate(usize::try_from(min.saturating_sub(1)).ok()?);
            Some(Value::Array(items))
        }
        (ViolationKind::TooManyItems, Type::List { max: Some(max), .. }) => {
            let mut items = value.as_array()?.clone();
            let last = items.last()?.clone();
            let wanted = usize::try_from(max.checked_add(1)?).ok()?;
            while items.len() < wanted {
                items.push(last.clone());
            }
            Some(Value::Array(items))
        }
        _ => None,
    }
}

/// Values of other JSON types than this one.
fn wrong_types(ty: &Type, value: &Value) -> Vec<Value> {
    let mut others = vec![json!(null)];
    match ty {
        Type::Boolean => others.extend([json!("true"), json!(0), json!([])]),
        Type::Integer { lenient, .. } => {
            others.extend([json!("1"), json!(1.5), json!(true), json!([1])]);
            if !lenient && let Some(number) = value.as_i64() {
                others.extend(JsonNumber::from_f64(number as f64).map(Value::Number));
            }
        }
        Type::Decimal { .. } => others.extend([json!("1.0"), json!(true), json!({})]),
        Type::Object(_) => others.extend([json!([]), json!("{}"), json!(1)]),
        Type::List { .. } => others.extend([json!({}), json!("[]"), json!(0)]),
        _ => others.extend([json!(1), json!(true), json!([]), json!({})]),
    }
    others
}
