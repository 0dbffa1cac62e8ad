//! The JSON schema of a case file, for editors: completion, descriptions and first mistakes while typing.
//!
//! Everything in it comes from the data that reader and checker use. It cannot know names, paths or who speaks when;
//! that is the checker's.

mod items;
mod patterns;

use protocol::{Version, official, statements};
use serde_json::{Map, Value, json};

use crate::Procedure;

/// A JSON schema (2020-12) for a case, state, memory or phrase.
pub fn schema() -> Value {
    let mut definitions = Map::new();
    patterns::definitions(&mut definitions);
    items::definitions(&mut definitions);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Plugfest case",
        "description": "A case, or a state, memory or phrase that cases use.",
        "type": "object",
        "required": ["title", "versions"],
        "properties": properties(),
        "additionalProperties": false,
        "oneOf": [
            { "required": ["case", "traces", "steps"], "properties": none_of(&[&["from", "procedure"], PARTS_ONLY]) },
            { "required": ["case", "traces", "procedure"], "properties": none_of(&[&["from", "steps"], PARTS_ONLY]) },
            { "required": ["state", "steps"], "properties": none_of(&[&["memory", "phrase"], CASES_ONLY]) },
            { "required": ["memory", "steps"], "properties": none_of(&[&["state", "phrase", "from"], CASES_ONLY]) },
            { "required": ["phrase", "steps"], "properties": none_of(&[&["state", "memory", "from"], CASES_ONLY]) }
        ],
        "$defs": definitions
    })
}

fn properties() -> Value {
    let versions: Vec<&str> = Version::ALL.into_iter().map(Version::number).collect();
    let procedures: Vec<&str> = Procedure::ALL.iter().map(|procedure| procedure.name()).collect();
    let capabilities = || json!({ "type": "array", "items": { "type": "string", "pattern": "^(not )?\\S+$" } });
    json!({
        "case": said("The id of a case: unique in the catalogue.", json!({ "type": "string", "minLength": 1 })),
        "state": said("The name of a state: where a session is.", json!({ "type": "string", "minLength": 1 })),
        "memory": said(
            "The name of a memory: stored data made before the case and undone after.",
            json!({ "type": "string", "minLength": 1 }),
        ),
        "phrase": said("The name of a phrase: items that run: puts in its place.", json!({ "type": "string", "minLength": 1 })),
        "title": said("One sentence that says what holds.", json!({ "type": "string", "minLength": 1 })),
        "versions": said(
            "The versions of OCPP it is for.",
            json!({ "type": "array", "minItems": 1, "uniqueItems": true, "items": { "enum": versions } }),
        ),
        "device": said("The only side the device may have; both if absent.", json!({ "enum": ["station", "csms"] })),
        "certifies": said(
            "Official cases it stands for: …_CS count when the station is the device, …_CSMS when the CSMS is.",
            json!({ "type": "array", "items": { "$ref": "#/$defs/officialCase" } }),
        ),
        "traces": said(
            "Statements of the specification it proves.",
            json!({ "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/statement" } }),
        ),
        "requires": said(
            "Capabilities that the device must claim, or with not must lack.",
            json!({ "anyOf": [
                capabilities(),
                {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": { "station": capabilities(), "csms": capabilities() }
                }
            ] }),
        ),
        "begin": said(
            "Where the session is when the steps begin: a state, or nothing. Without it: booted.",
            json!({ "$ref": "#/$defs/begin" }),
        ),
        "from": said("The state that this state starts in.", json!({ "$ref": "#/$defs/begin" })),
        "configure": said(
            "Configuration set before the case: keys of 1.6, short names of 2.x, or Component.Variable[instance].",
            json!({ "type": "object", "additionalProperties": { "anyOf": [
                { "$ref": "#/$defs/scalar" },
                {
                    "type": "object",
                    "required": ["set"],
                    "additionalProperties": false,
                    "properties": {
                        "set": { "$ref": "#/$defs/pattern" },
                        "required": said("Without it the case does not apply.", json!({ "type": "boolean" }))
                    }
                }
            ] } }),
        ),
        "remember": said(
            "Stored data made before the case.",
            json!({ "type": "array", "items": { "anyOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": { "anyOf": [{ "type": "null" }, { "$ref": "#/$defs/arguments" }] }
                }
            ] } }),
        ),
        "given": said(
            "Names for things of the rig, and constants.",
            json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/given" } }),
        ),
        "params": said(
            "What the caller may say: a name with a default, or with its type.",
            json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/given" } }),
        ),
        "gives": said("Names that reach the caller.", json!({ "type": "array", "items": { "type": "string" } })),
        "background": said(
            "What may happen beside the steps, as changes to the usual list; none forbids everything.",
            json!({ "anyOf": [
                { "const": "none" },
                { "type": "array", "items": { "type": "string", "pattern": "^[+-][A-Z]\\w*$" } }
            ] }),
        ),
        "procedure": said(
            "What is done instead of steps, where a choreography of messages cannot say it.",
            json!({ "enum": procedures }),
        ),
        "steps": said("The choreography.", json!({ "$ref": "#/$defs/items" }))
    })
}

const PARTS_ONLY: &[&str] = &["state", "memory", "phrase", "params", "gives"];
const CASES_ONLY: &[&str] =
    &["case", "device", "certifies", "traces", "begin", "configure", "remember", "given", "background", "procedure"];

/// Keys that do not belong there.
fn none_of(lists: &[&[&str]]) -> Value {
    lists.concat().into_iter().map(|key| (key.to_owned(), Value::Bool(false))).collect::<Map<_, _>>().into()
}

/// A schema with what it is for.
fn said(description: &str, schema: Value) -> Value {
    match schema {
        Value::Object(mut schema) => {
            schema.insert("description".to_owned(), Value::from(description));
            Value::Object(schema)
        }
        other => other,
    }
}

/// Every statement with its sentence.
fn statement_ids() -> Value {
    let ids: Vec<Value> = statements::statements()
        .iter()
        .map(|statement| json!({ "const": statement.id, "description": statement.sentence }))
        .collect();
    json!({ "oneOf": ids })
}

/// Every official id.
fn official_ids() -> Value {
    let mut ids: Vec<&str> = Version::ALL.into_iter().flat_map(official::cases).map(|case| case.id).collect();
    ids.sort_unstable();
    ids.dedup();
    json!({ "enum": ids })
}
