//! The JSON schema of a rig file, for editors.

use protocol::stimulus::{OBSERVATIONS, VERBS};
use serde_json::{Map, Value, json};

use super::Timeouts;

/// A JSON schema (2020-12) that editors complete and check rig files with.
pub fn schema() -> Value {
    let text = || json!({ "type": "string" });
    let mut timeouts = Map::new();
    for name in Timeouts::NAMES {
        timeouts.insert(name.to_owned(), json!({ "$ref": "#/$defs/duration" }));
    }
    let mut drivers = Map::new();
    drivers.insert("default".to_owned(), json!({ "$ref": "#/$defs/binding" }));
    for verb in VERBS.iter().chain(OBSERVATIONS) {
        drivers.insert(
            verb.name.to_owned(),
            json!({ "$ref": "#/$defs/binding", "description": format!("at {}", verb.party) }),
        );
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Plugfest rig",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "device": { "enum": ["csms", "station"] },
            "ocpp": one_or_many(&json!({ "enum": ["1.6", "2.0.1", "2.1"] })),
            "url": { "type": "string", "pattern": "^(wss?://|\\$)" },
            "listen": text(),
            "identities": { "anyOf": [
                text(),
                { "type": "array", "items": text() },
                {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["prefix", "count"],
                    "properties": { "prefix": text(), "count": { "type": "integer", "minimum": 1 } }
                }
            ] },
            "password": text(),
            "tls": {
                "type": "object",
                "additionalProperties": false,
                "properties": { "ca": text(), "certificate": text(), "key": text() }
            },
            "capabilities": { "anyOf": [
                { "type": "array", "items": text() },
                { "type": "object", "additionalProperties": { "type": "boolean" } }
            ] },
            "connectors": { "anyOf": [
                { "type": "integer", "minimum": 1 },
                { "type": "array", "minItems": 1, "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["evse"],
                    "properties": {
                        "evse": { "type": "integer", "minimum": 1 },
                        "connector": { "type": "integer", "minimum": 1 }
                    }
                } }
            ] },
            "tags": { "type": "object", "additionalProperties": { "anyOf": [
                text(),
                {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["idToken"],
                    "properties": { "idToken": text(), "type": text(), "group": text() }
                }
            ] } },
            "timeouts": { "type": "object", "additionalProperties": false, "properties": timeouts },
            "drivers": {
                "type": "object",
                "properties": drivers,
                "patternProperties": { "^(x-|send [A-Z])": { "$ref": "#/$defs/binding" } },
                "additionalProperties": false
            },
            "restart": { "$ref": "#/$defs/binding" },
            "values": { "type": "object" }
        },
        "$defs": {
            "duration": { "type": "string", "pattern": "^[0-9]+(ms|s|m|h)$" },
            "endpoint": { "anyOf": [
                text(),
                {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["url"],
                    "properties": {
                        "url": text(),
                        "paths": { "type": "object", "additionalProperties": text() },
                        "headers": { "type": "object", "additionalProperties": text() }
                    }
                }
            ] },
            "binding": { "anyOf": [
                { "enum": ["prompt", "none"] },
                {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {
                        "plugfest": { "$ref": "#/$defs/endpoint" },
                        "octt sut": { "$ref": "#/$defs/endpoint" },
                        "tzi trigger": { "$ref": "#/$defs/endpoint" },
                        "http": {
                            "type": "object",
                            "additionalProperties": false,
                            "required": ["url"],
                            "properties": {
                                "method": { "enum": ["GET", "POST", "PUT", "PATCH", "DELETE"] },
                                "url": text(),
                                "headers": { "type": "object", "additionalProperties": text() },
                                "body": true,
                                "expect": one_or_many(
                                    &json!({ "type": "integer", "minimum": 100, "maximum": 599 })
                                )
                            }
                        },
                        "exec": one_or_many(&text()),
                        "prompt": text(),
                        "cannot carry": one_or_many(&text()),
                        "timeout": { "$ref": "#/$defs/duration" }
                    }
                }
            ] }
        }
    })
}

fn one_or_many(item: &Value) -> Value {
    json!({ "anyOf": [item, { "type": "array", "items": item }] })
}
