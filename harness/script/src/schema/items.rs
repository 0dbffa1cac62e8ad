//! Steps and blocks.

use std::collections::BTreeSet;

use protocol::catalogue::Catalogue;
use protocol::stimulus::{ArgumentType, OBSERVATIONS, VERBS, Verb};
use protocol::{Role, Version, errors};
use serde_json::{Map, Value, json};

use super::{official_ids, said, statement_ids};

/// What stands in a file beside patterns.
pub(super) fn definitions(into: &mut Map<String, Value>) {
    into.insert("statement".to_owned(), statement_ids());
    into.insert("officialCase".to_owned(), official_ids());
    into.insert("items".to_owned(), json!({ "type": "array", "items": { "$ref": "#/$defs/item" } }));
    into.insert("item".to_owned(), item());
    into.insert("error".to_owned(), error());
    into.insert(
        "begin".to_owned(),
        json!({ "anyOf": [
        { "type": "string", "minLength": 1 },
        {
            "type": "object",
            "required": ["state"],
            "additionalProperties": false,
            "properties": {
                "state": { "type": "string" },
                "with": { "$ref": "#/$defs/arguments" },
                "as": { "type": "object", "additionalProperties": { "type": "string" } }
            }
        }
    ] }),
    );
    into.insert("duration".to_owned(), json!({
        "type": "string",
        "pattern": "^(\\d+(ms|s|m|h)|\\$.+|reply|step|operator|reconnect|reboot|transfer|clock|grace)$",
        "description": "30s, 500ms, $name, $name + 5s, or a class of the rig: reply, step, operator, reconnect, reboot, transfer, clock."
    }));
    into.insert("given".to_owned(), given());
    into.insert(
        "when".to_owned(),
        json!({ "anyOf": [
        { "type": "string", "minLength": 1, "description": "A capability, or not and a capability." },
        { "type": "object", "minProperties": 1, "additionalProperties": { "$ref": "#/$defs/pattern" } },
        { "type": "array", "minItems": 1, "items": { "anyOf": [
            { "type": "string" },
            { "type": "object", "additionalProperties": { "$ref": "#/$defs/pattern" } }
        ] } }
    ] }),
    );
    into.insert("event".to_owned(), event());
}

fn given() -> Value {
    let types = ["integer", "decimal", "string", "boolean", "time", "duration"];
    let mut constants = Map::new();
    for name in types {
        constants.insert(name.to_owned(), json!({ "type": ["string", "number", "boolean", "null"] }));
    }
    json!({ "anyOf": [
        { "type": "string", "pattern": "^rig\\." },
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": false,
            "properties": constants
        },
        {
            "type": "object",
            "required": ["string", "times"],
            "additionalProperties": false,
            "properties": {
                "string": { "type": ["string", "number", "boolean"] },
                "times": { "type": "integer", "minimum": 1 }
            }
        }
    ] })
}

fn error() -> Value {
    let mut codes: Vec<&str> = Version::ALL.into_iter().flat_map(errors::codes).copied().collect();
    codes.sort_unstable();
    codes.dedup();
    json!({ "anyOf": [
        { "const": "any" },
        { "enum": codes },
        { "type": "array", "minItems": 1, "items": { "enum": codes } }
    ] })
}

/// Something that must not happen.
fn event() -> Value {
    let call = |actions: Vec<&str>| json!({ "anyOf": [{ "const": "*" }, { "enum": actions }] });
    json!({ "anyOf": [
        { "enum": ["station drops", "csms drops"] },
        {
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "station -> csms": call(actions(Role::Station)),
                "csms -> station": call(actions(Role::Csms)),
                "device -> tester": { "type": "string" },
                "station drops": { "type": "null" },
                "csms drops": { "type": "null" },
                "fields": { "$ref": "#/$defs/pattern" }
            }
        }
    ] })
}

/// Keys of every item.
fn common() -> Map<String, Value> {
    let mut keys = Map::new();
    let mut add =
        |name: &str, description: &str, schema: Value| keys.insert(name.to_owned(), said(description, schema));
    add("when", "Only if this holds: a capability, or values of names.", json!({ "$ref": "#/$defs/when" }));
    add("optional", "It may be left out.", json!({ "type": "boolean" }));
    add(
        "repeat",
        "How often: n, a..b.",
        json!({ "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "string", "pattern": "^\\d+(\\.\\.\\d*)?$" }
        ] }),
    );
    add("within", "Its deadline: D, D..E, D.., each also of $mark.", json!({ "type": "string" }));
    add("grace", "How long we wait for it before our own next item.", json!({ "$ref": "#/$defs/duration" }));
    add("mark", "A name for the time of its last event.", json!({ "type": "string", "pattern": "^[A-Za-z_]\\w*$" }));
    add("warn", "Only recommended: why.", json!({ "type": "string", "minLength": 1 }));
    let ids = json!({ "anyOf": [
        { "type": "string" },
        { "type": "array", "minItems": 1, "items": { "type": "string" } }
    ] });
    let by_field = json!({ "type": "object", "minProperties": 1, "additionalProperties": ids });
    add(
        "rule",
        "The statements that the device breaks here, or by field of its message those it breaks there; \"*\": elsewhere.",
        json!({ "anyOf": [ids, by_field] }),
    );
    keys
}

/// An item: exactly one of the heads, with the keys that go with it.
fn item() -> Value {
    let options = || connection_options();
    let mut kinds: Vec<Value> = Vec::new();
    for (from, to) in [("station", "csms"), ("csms", "station"), ("tester", "device"), ("device", "tester")] {
        kinds.push(call(from, to));
    }
    kinds.push(act("at station", &verbs(Role::Station, VERBS), VERBS));
    kinds.push(act("at csms", &verbs(Role::Csms, VERBS), VERBS));
    kinds.push(act("look at station", &verbs(Role::Station, OBSERVATIONS), OBSERVATIONS));
    kinds.push(act("look at csms", &verbs(Role::Csms, OBSERVATIONS), OBSERVATIONS));
    for (head, description) in [
        ("station connects", "The next handshake of the station."),
        ("station reconnects", "The link is cut and the station comes back."),
        ("station drops", "The station ends the link."),
        ("csms drops", "The CSMS ends the link."),
    ] {
        kinds.push(kind(head, description, json!({ "type": "null" }), options()));
    }
    kinds.push(kind("offline", "The link is down while these run.", items(), options()));
    for from in ["station", "csms", "tester"] {
        let outcome =
            json!({ "outcome": said("What the receiver may do.", json!({ "type": "array", "minItems": 1 })) });
        kinds.push(kind(&format!("{from} sends text"), "Raw text.", json!({ "type": "string" }), outcome));
    }
    kinds.push(kind("run", "The items of a phrase.", json!({ "type": "string" }), phrase_use()));
    kinds.push(kind("check", "A named check over the trace.", json!({ "type": "string" }), phrase_use()));
    kinds.push(kind("steps", "A sequence as one item.", items(), json!({})));
    kinds.push(kind("any order", "Every item once, interleaved freely.", items(), json!({})));
    kinds.push(kind("one of", "Exactly one of these.", items(), json!({})));
    kinds.push(kind(
        "for each",
        "Once for each element of a list of the rig.",
        json!({
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": { "type": "string", "pattern": "^rig\\." }
        }),
        json!({ "steps": items() }),
    ));
    kinds.push(kind(
        "never",
        "None of these events.",
        json!({ "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/event" } }),
        json!({ "for": { "$ref": "#/$defs/duration" }, "during": items() }),
    ));
    kinds.push(kind("quiet", "Nothing at all for this long.", json!({ "$ref": "#/$defs/duration" }), json!({})));
    let alone = json!({ "enum": ["station connects", "station reconnects", "station drops", "csms drops"] });
    kinds.push(alone);
    json!({ "oneOf": kinds })
}

fn items() -> Value {
    json!({ "$ref": "#/$defs/items" })
}

/// The keys of the use of a phrase or check.
fn phrase_use() -> Value {
    json!({
        "with": { "$ref": "#/$defs/arguments" },
        "as": { "type": "object", "additionalProperties": { "type": "string" } }
    })
}

fn kind(head: &str, description: &str, value: Value, keys: Value) -> Value {
    let mut properties = common();
    if let Value::Object(keys) = keys {
        properties.extend(keys);
    }
    properties.insert(head.to_owned(), said(description, value));
    json!({ "type": "object", "required": [head], "properties": properties, "additionalProperties": false })
}

/// A call: what may be sent in this direction, with the fields of each.
fn call(from: &str, to: &str) -> Value {
    let role = match from {
        "station" => Some(Role::Station),
        "csms" => Some(Role::Csms),
        _ => None,
    };
    let head = format!("{from} -> {to}");
    let actions = match role {
        Some(role) => actions(role),
        None => {
            [Role::Station, Role::Csms].into_iter().flat_map(actions).collect::<BTreeSet<_>>().into_iter().collect()
        }
    };
    let payload = |action: &&str| {
        json!({
            "if": { "properties": { (head.as_str()): { "const": action } }, "not": { "required": ["invalid"] } },
            "then": { "$ref": format!("#/$defs/payloads.{action}") }
        })
    };
    let payloads: Vec<Value> = actions.iter().map(payload).collect();
    let branch = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "reply": { "$ref": "#/$defs/pattern" },
            "error": { "$ref": "#/$defs/error" },
            "then": items(),
            "when": { "$ref": "#/$defs/when" },
            "warn": { "type": "string" }
        }
    });
    let keys = json!({
        "fields": said("The request: a pattern of its fields.", json!({ "type": ["object", "string"] })),
        "reply": said("The result, or none: no answer at all.", json!({ "type": ["object", "string"] })),
        "error": said("An error with one of these codes.", json!({ "$ref": "#/$defs/error" })),
        "replies": said("The answering party chooses.", json!({ "type": "array", "minItems": 1, "items": branch })),
        "before reply": said("What happens between request and answer.", items()),
        "unasked": said("Sent by a CSMS by itself; never asked for.", json!({ "type": "boolean" })),
        "id": said("The message id.", json!({ "$ref": "#/$defs/pattern" })),
        "invalid": said("The one field of ours that breaks the schema on purpose.", json!({ "type": "string" }))
    });
    // What no catalogue knows may be sent where an error is expected.
    let action = json!({ "anyOf": [{ "enum": actions }, { "type": "string" }] });
    let mut call = kind(&head, "A call with its answer, or a SEND.", action, keys);
    call["if"] = json!({ "not": { "required": ["error"] } });
    call["then"] = json!({ "properties": { (head.as_str()): { "enum": actions } } });
    call["allOf"] = Value::Array(payloads);
    call
}

fn actions(role: Role) -> Vec<&'static str> {
    let mut actions: Vec<&str> = Version::ALL
        .into_iter()
        .flat_map(|version| Catalogue::of(version).messages())
        .filter(|message| message.from.includes(role))
        .map(|message| message.action.as_str())
        .collect();
    actions.sort_unstable();
    actions.dedup();
    actions
}

fn verbs(role: Role, list: &'static [Verb]) -> Vec<&'static Verb> {
    list.iter().filter(|verb| verb.party == role).collect()
}

fn act(head: &str, verbs: &[&Verb], all: &[Verb]) -> Value {
    let mut names: Vec<Value> = verbs.iter().map(|verb| Value::from(verb.name)).collect();
    names.sort_by_key(ToString::to_string);
    // The set of private stimuli is open.
    let name = if std::ptr::eq(all, VERBS) {
        json!({ "anyOf": [{ "enum": names }, { "type": "string", "pattern": "^x-" }] })
    } else {
        json!({ "enum": names })
    };
    let mut rules = Vec::new();
    for verb in verbs {
        let mut arguments = Map::new();
        for argument in verb.arguments {
            let schema = match argument.kind {
                ArgumentType::OneOf(words) => json!({ "anyOf": [{ "enum": words }, { "$ref": "#/$defs/name" }] }),
                ArgumentType::Duration => json!({ "$ref": "#/$defs/duration" }),
                _ => json!({ "$ref": "#/$defs/pattern" }),
            };
            arguments.insert(argument.name.to_owned(), schema);
        }
        let required: Vec<&str> =
            verb.arguments.iter().filter(|argument| argument.required).map(|argument| argument.name).collect();
        let mut with = json!({ "type": "object", "properties": arguments, "additionalProperties": false });
        let mut then = json!({});
        if !required.is_empty() {
            with["required"] = json!(required);
            then["required"] = json!(["with"]);
        }
        then["properties"] = json!({ "with": with });
        rules.push(json!({ "if": { "properties": { (head): { "const": verb.name } } }, "then": then }));
    }
    let mut act = kind(head, "Done or seen outside the wire.", name, json!({ "with": { "type": "object" } }));
    act["allOf"] = Value::Array(rules);
    act
}

fn connection_options() -> Value {
    json!({
        "how": said("How the link is ended.", json!({ "enum": ["close", "cut"] })),
        "identity": said("rig, unknown, or a name.", json!({ "type": "string" })),
        "password": said("rig, wrong, none, or a name.", json!({ "type": "string" })),
        "offers": said("Subprotocols that the station offers.", json!({ "type": "array", "items": { "type": "string" } })),
        "answers": said("The subprotocol that the CSMS answers, or none.", json!({ "type": "string" })),
        "outcome": said(
            "What comes of it.",
            json!({ "enum": ["open", "refused by station", "refused by csms", "closed by csms"] }),
        ),
        "http": said(
            "Codes that go with refused by csms.",
            json!({ "type": "array", "items": { "type": "integer", "minimum": 100, "maximum": 599 } }),
        )
    })
}
