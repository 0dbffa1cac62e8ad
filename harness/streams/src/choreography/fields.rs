//! Fields that a message of ours may have as well, and that change nothing.

use protocol::Version;
use script::ast::{Answer, Call, Item, ItemKind, Pattern, PatternKind, Scope};
use serde_json::Value;

use super::Seed;
use super::file::{Change, Edit, column, line_end};

/// A field, and the longest legal text in it.
const REQUESTS_16: [(&str, &str, usize); 8] = [
    ("BootNotification", "firmwareVersion", 50),
    ("BootNotification", "chargePointSerialNumber", 25),
    ("BootNotification", "meterType", 25),
    ("BootNotification", "imsi", 20),
    ("StatusNotification", "info", 50),
    ("StatusNotification", "vendorErrorCode", 50),
    ("StatusNotification", "vendorId", 255),
    ("DataTransfer", "messageId", 50),
];

/// What every message of 2.x may carry.
const CUSTOM_DATA: &str = "customData: { vendorId: org.plugfest }";

/// Every field that can be added in the messages that the case itself writes down.
pub(super) fn added(seed: &Seed<'_>) -> Vec<Change> {
    let mut changes = Vec::new();
    for (at, item) in seed.steps().iter().enumerate() {
        let mut inside = Vec::new();
        calls(std::slice::from_ref(item), &mut inside);
        for (number, (item, call)) in inside.into_iter().enumerate() {
            of_call(seed, item, call, (at, number), &mut changes);
        }
    }
    changes
}

fn of_call(seed: &Seed<'_>, item: &Item, call: &Call, (at, number): (usize, usize), changes: &mut Vec<Change>) {
    let is_plain = call.id.is_none() && call.invalid.is_none();
    if !is_plain || matches!(call.answer, Answer::Error(..) | Answer::Nothing(_)) {
        return;
    }
    let action = call.action.value.as_str();
    let mut add = |field: &str, whose: &str, edit: Option<Edit>| {
        let Some(edit) = edit else { return };
        let id: String = field.to_ascii_lowercase();
        changes.push(Change {
            id: format!("{id}-in-{whose}{}-{}", at + 1, number + 1),
            kind: format!("{id}-in-{whose}{}", action.to_ascii_lowercase()),
            what: format!("{field} in the {whose}{action} of step {}", at + 1).replace("answer-", "answer to "),
            rule: None,
            edits: vec![edit],
        });
    };
    if call.from.value.role(seed.device) != seed.device {
        if seed.version == Version::V16 {
            for (_, field, length) in REQUESTS_16.iter().filter(|(of, ..)| *of == action) {
                add(field, "", in_request(seed, item, call, field, &format!("{field}: \"{}\"", text(*length))));
            }
        } else {
            add("customData", "", in_request(seed, item, call, "customData", CUSTOM_DATA));
        }
        return;
    }
    let Answer::Reply(reply) = &call.answer else { return };
    if seed.version == Version::V16 {
        // What never ends does not end earlier for being said.
        let edit = member(reply, "idTagInfo")
            .filter(|info| member(info, "status").is_some_and(|status| is_literal(status, "Accepted")))
            .and_then(|info| in_pattern(seed, info, "expiryDate", "expiryDate: \"2037-12-31T23:59:59Z\""));
        add("expiryDate", "answer-", edit);
    } else {
        add("customData", "answer-", in_pattern(seed, reply, "customData", CUSTOM_DATA));
    }
}

fn in_request(seed: &Seed<'_>, item: &Item, call: &Call, field: &str, written: &str) -> Option<Edit> {
    if let Some(fields) = &call.fields {
        return in_pattern(seed, fields, field, written);
    }
    let text = seed.file.text();
    let indent = " ".repeat(column(text, item.head.start));
    Some(Edit::insert(line_end(text, item.head.end), format!("{indent}fields: {{ {written} }}\n")))
}

/// Writes a member before the others of a map that does not have it.
fn in_pattern(seed: &Seed<'_>, pattern: &Pattern, field: &str, written: &str) -> Option<Edit> {
    let PatternKind::Object(fields) = &pattern.kind else { return None };
    if fields.is_empty() || fields.iter().any(|(key, _)| key.value == field) {
        return None;
    }
    let text = seed.file.text();
    let start = pattern.span.start;
    Some(if text[start..].starts_with('{') {
        Edit::insert(start + 1, format!(" {written},"))
    } else {
        Edit::insert(start, format!("{written}\n{}", " ".repeat(column(text, start))))
    })
}

fn member<'p>(pattern: &'p Pattern, name: &str) -> Option<&'p Pattern> {
    let PatternKind::Object(fields) = &pattern.kind else { return None };
    fields.iter().find(|(key, _)| key.value == name).map(|(_, value)| value)
}

fn is_literal(pattern: &Pattern, text: &str) -> bool {
    matches!(&pattern.kind, PatternKind::Literal(Value::String(value)) if value == text)
}

/// A text of this length.
fn text(length: usize) -> String {
    "Plugfest ".chars().cycle().take(length - 1).chain(['.']).collect()
}

/// The calls of items, in the order of the file.
fn calls<'a>(items: &'a [Item], found: &mut Vec<(&'a Item, &'a Call)>) {
    for item in items {
        match &item.kind {
            ItemKind::Call(call) => {
                found.push((item, call));
                calls(&call.before_reply, found);
                if let Answer::Replies(branches) = &call.answer {
                    branches.iter().for_each(|branch| calls(&branch.then, found));
                }
            }
            ItemKind::Steps(items)
            | ItemKind::AnyOrder(items)
            | ItemKind::OneOf(items)
            | ItemKind::ForEach { steps: items, .. }
            | ItemKind::Offline(items, _)
            | ItemKind::Never { scope: Scope::During(items), .. } => calls(items, found),
            _ => {}
        }
    }
}
