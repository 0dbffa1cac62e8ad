//! Patterns: of anything, and of every type of the catalogues.

use std::collections::BTreeMap;

use protocol::Version;
use protocol::catalogue::{Catalogue, Object, Type};
use serde_json::{Map, Value, json};

use super::said;

/// Operators that stand in a pattern object, with what they mean.
const OPERATORS: [(&str, &str, Operand); 20] = [
    ("$bind", "There; the first time its value gets this name, later it must be equal.", Operand::Name),
    ("$present", "There, with any valid value.", Operand::True),
    ("$absent", "Not there.", Operand::True),
    ("$maybe", "Absent, or this.", Operand::Pattern),
    ("$oneOf", "Any of these.", Operand::Patterns),
    ("$not", "Anything else.", Operand::Pattern),
    ("$min", "At least this: a number, a moment, a length of time.", Operand::Pattern),
    ("$max", "At most this.", Operand::Pattern),
    ("$length", "The length of a text or list: n, or a..b.", Operand::Length),
    ("$matches", "The whole value matches this regular expression.", Operand::Text),
    ("$near", "Within the tolerance of clocks of this moment.", Operand::Pattern),
    ("$next", "One above the last value of this counter.", Operand::Name),
    ("$from", "The first value of the counter.", Operand::Pattern),
    ("$each", "Every element, at least one.", Operand::Pattern),
    ("$contains", "Distinct elements fit these; more are allowed.", Operand::Patterns),
    ("$unordered", "Exactly these elements, in any order.", Operand::Patterns),
    ("$number", "Text read as a number.", Operand::Pattern),
    ("$csv", "Text read as a list separated by commas.", Operand::Pattern),
    ("$json", "Text read as JSON.", Operand::Pattern),
    ("$is", "A named kind.", Operand::Text),
];

enum Operand {
    Name,
    True,
    Text,
    Length,
    Pattern,
    Patterns,
}

/// What the other definitions refer to.
pub(super) fn definitions(into: &mut Map<String, Value>) {
    let mut operators = Map::new();
    for (name, description, operand) in OPERATORS {
        let operand = match operand {
            Operand::Name => json!({ "type": "string", "pattern": "^[A-Za-z_]\\w*$" }),
            Operand::True => json!({ "const": true }),
            Operand::Text => json!({ "type": "string" }),
            Operand::Length => json!({ "anyOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "string", "pattern": "^\\d+(\\.\\.\\d+)?$" }
            ] }),
            Operand::Pattern => json!({ "$ref": "#/$defs/pattern" }),
            Operand::Patterns => json!({ "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/pattern" } }),
        };
        operators.insert(name.to_owned(), said(description, operand));
    }
    operators.insert("$with".to_owned(), json!({ "$ref": "#/$defs/arguments", "description": "What the kind needs." }));
    into.insert(
        "operators".to_owned(),
        json!({ "type": "object", "minProperties": 1, "properties": operators, "additionalProperties": false }),
    );
    into.insert("scalar".to_owned(), json!({ "type": ["string", "number", "boolean"] }));
    into.insert(
        "name".to_owned(),
        json!({ "type": "string", "pattern": "^\\$|\\$\\{", "description": "A name: $name, $name.part, $name + 5s." }),
    );
    into.insert(
        "pattern".to_owned(),
        json!({ "anyOf": [
            { "$ref": "#/$defs/scalar" },
            { "type": "array", "items": { "$ref": "#/$defs/pattern" } },
            { "$ref": "#/$defs/operators" },
            {
                "type": "object",
                "propertyNames": { "pattern": "^[^$]" },
                "additionalProperties": { "$ref": "#/$defs/pattern" }
            }
        ] }),
    );
    into.insert(
        "arguments".to_owned(),
        json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/pattern" } }),
    );
    types(into);
    payloads(into);
}

/// What may be asked and answered of each message.
fn payloads(into: &mut Map<String, Value>) {
    let mut known: BTreeMap<&str, (Vec<&Object>, Vec<&Object>)> = BTreeMap::new();
    for message in Version::ALL.into_iter().flat_map(|version| Catalogue::of(version).messages()) {
        let (requests, responses) = known.entry(&message.action).or_default();
        requests.push(&message.request);
        responses.extend(message.response());
    }
    for (action, (requests, responses)) in known {
        let mut properties = Map::new();
        properties.insert("fields".to_owned(), payload(&requests));
        if !responses.is_empty() {
            properties.insert("reply".to_owned(), json!({ "anyOf": [{ "const": "none" }, payload(&responses)] }));
        }
        into.insert(format!("payloads.{action}"), json!({ "properties": properties }));
    }
}

/// The types of all versions under their names: what any version knows may stand there.
fn types(into: &mut Map<String, Value>) {
    let mut objects: BTreeMap<&str, BTreeMap<&str, Value>> = BTreeMap::new();
    let mut words: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for version in Version::ALL {
        for message in Catalogue::of(version).messages() {
            collect(&message.request, &mut objects, &mut words);
            message.response().into_iter().for_each(|response| collect(response, &mut objects, &mut words));
        }
    }
    for (name, fields) in objects {
        into.insert(format!("type.{name}"), pattern_of_fields(&fields, name == "CustomDataType"));
    }
    for (name, words) in words {
        into.insert(
            format!("type.{name}"),
            json!({ "anyOf": [{ "enum": words }, { "$ref": "#/$defs/name" }, { "$ref": "#/$defs/operators" }] }),
        );
    }
}

fn collect<'c>(
    object: &'c Object,
    objects: &mut BTreeMap<&'c str, BTreeMap<&'c str, Value>>,
    words: &mut BTreeMap<&'c str, Vec<&'c str>>,
) {
    if let Some(name) = &object.name {
        let known = objects.entry(name).or_default();
        let before = known.len();
        for field in &object.fields {
            known.entry(&field.name).or_insert_with(|| pattern_of(&field.ty));
        }
        // A type is entered again only if it had something new to say.
        if before > 0 && known.len() == before {
            return;
        }
    }
    for field in &object.fields {
        let mut ty = &field.ty;
        while let Type::List { item, .. } = ty {
            ty = item;
        }
        match ty {
            Type::Object(inner) => collect(inner, objects, words),
            Type::Enum(enumeration) => {
                let known = words.entry(&enumeration.name).or_default();
                for word in &enumeration.values {
                    if !known.contains(&word.as_str()) {
                        known.push(word);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The pattern of a payload: its fields in whatever version has them, each of any type that a version gives it.
fn payload(objects: &[&Object]) -> Value {
    let mut fields: BTreeMap<&str, (String, Vec<Value>)> = BTreeMap::new();
    for field in objects.iter().flat_map(|object| &object.fields) {
        let word = if field.required { "required" } else { "optional" };
        let (_, patterns) =
            fields.entry(&field.name).or_insert_with(|| (format!("{word} {}", field.ty.describe()), Vec::new()));
        let pattern = pattern_of(&field.ty);
        if !patterns.contains(&pattern) {
            patterns.push(pattern);
        }
    }
    let fields = fields.into_iter().map(|(name, (words, patterns))| (name, said(&words, any_of(patterns)))).collect();
    pattern_of_fields(&fields, false)
}

fn any_of(mut patterns: Vec<Value>) -> Value {
    match (patterns.pop(), patterns.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            patterns.extend(last);
            json!({ "anyOf": patterns })
        }
    }
}

fn pattern_of_fields(fields: &BTreeMap<&str, Value>, open: bool) -> Value {
    let fields: Map<String, Value> = fields.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "anyOf": [
        { "type": "object", "properties": fields, "additionalProperties": open },
        { "$ref": "#/$defs/name" },
        { "$ref": "#/$defs/operators" }
    ] })
}

fn pattern_of(ty: &Type) -> Value {
    match ty {
        Type::Object(object) => named(object.name.as_deref()),
        Type::Enum(enumeration) => named(Some(&enumeration.name)),
        Type::List { item, .. } => json!({ "anyOf": [
            { "type": "array", "items": pattern_of(item) },
            { "$ref": "#/$defs/name" },
            { "$ref": "#/$defs/operators" }
        ] }),
        Type::Any => json!({ "$ref": "#/$defs/pattern" }),
        _ => json!({ "anyOf": [{ "$ref": "#/$defs/scalar" }, { "$ref": "#/$defs/operators" }] }),
    }
}

fn named(name: Option<&str>) -> Value {
    match name {
        Some(name) => json!({ "$ref": format!("#/$defs/type.{name}") }),
        None => json!({ "$ref": "#/$defs/pattern" }),
    }
}
