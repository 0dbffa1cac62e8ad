//! The editor schema takes every file of the catalogue and turns obvious mistakes away.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use script::yaml::{Node, NodeKind};
use serde_json::{Map, Value, json};
use support::{catalogue_files, source};
use verdict::Source;

/// A file as an editor sees it: plain numbers and booleans are such.
fn value(node: &Node) -> Value {
    match &node.kind {
        NodeKind::Scalar { text, .. } if node.is_empty() || text.is_empty() => {
            if node.is_empty() {
                Value::Null
            } else {
                json!("")
            }
        }
        NodeKind::Scalar { text, .. } => node.literal().unwrap_or_else(|| json!(text)),
        NodeKind::List(items) => items.iter().map(value).collect(),
        NodeKind::Map(members) => {
            Value::Object(members.iter().map(|(key, node)| (key.text.clone(), value(node))).collect::<Map<_, _>>())
        }
    }
}

fn read(text: &str) -> Value {
    let source = std::sync::Arc::new(Source { path: "file.yaml".to_owned(), text: text.to_owned() });
    value(&script::yaml::parse(&source, &mut Vec::new()).unwrap())
}

fn validator() -> jsonschema::Validator {
    jsonschema::draft202012::new(&script::schema()).unwrap()
}

#[test]
fn it_is_a_schema_of_its_draft() {
    assert!(jsonschema::meta::is_valid(&script::schema()));
}

#[test]
fn it_takes_every_file_of_the_catalogue() {
    let validator = validator();
    for path in catalogue_files() {
        let file = source(&path);
        let errors: Vec<String> = validator
            .iter_errors(&read(&file.text))
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}:\n{}", file.path, errors.join("\n"));
    }
}

#[test]
fn it_turns_obvious_mistakes_away() {
    let validator = validator();
    let case = |steps: &str| format!("case: a\ntitle: b\nversions: [\"1.6\"]\ntraces: [16-BOOT-01]\nsteps:\n{steps}");
    let good = case("  - station -> csms: Heartbeat\n  - station drops:\n");
    assert!(validator.is_valid(&read(&good)));
    for (bad, why) in [
        (good.replace("traces: [16-BOOT-01]\n", ""), "no traces"),
        (good.replace("16-BOOT-01", "16-BOOT-O1"), "an unknown statement"),
        (good.replace("\"1.6\"", "1.6"), "a version that is a number"),
        (good.replace("case: a", "case: a\nstate: b"), "two kinds at once"),
        (good.replace("title: b", "titel: b"), "a misspelt key"),
        (case("  - station -> csms: Hartbeat\n"), "an unknown action"),
        (case("  - csms -> station: Heartbeat\n"), "an action of the other side"),
        (case("  - station -> csms: Authorize\n    fields: { idTga: x }\n"), "an unknown field"),
        (case("  - csms -> station: Reset\n    fields: { type: Gentle }\n"), "an unknown word"),
        (case("  - csms -> station: Reset\n    fields: { type: { $oneof: [Soft] } }\n"), "an unknown operator"),
        (case("  - at station: plug inn\n"), "an unknown verb"),
        (case("  - at station: present token\n"), "an argument is missing"),
        (case("  - at station: unplug\n    with: { end: middle }\n"), "an unknown word of an argument"),
        (case("  - station -> csms: Heartbeat\n    within: 5\n"), "a deadline without unit"),
        (case("  - run: x\n    check: y\n"), "two heads"),
        (case("  - any order: Heartbeat\n"), "a block that is no list"),
    ] {
        assert!(!validator.is_valid(&read(&bad)), "{why} is taken:\n{bad}");
    }
}
