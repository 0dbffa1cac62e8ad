//! Edits of a frame as a frame: message type, id, action, error code, the number of elements.

use protocol::generate::Choices;

use super::messages::{self, Dialect};
use super::tree::Node;
use super::words::{NAMES, NUMBERS, OTHERS, TEXTS, VOCABULARY, below, pick, word};

/// Message types, those of OCPP and others.
const TYPES: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "42",
    "-1",
    "-2",
    "2.0",
    "2e0",
    "\"2\"",
    "null",
    "true",
    "[2]",
    "{}",
    "4294967298",
    "18446744073709551618",
];

/// The elements, if this is built like a frame.
pub(super) fn elements(node: &mut Node) -> Option<&mut Vec<Node>> {
    match node {
        Node::List(items) if items.len() >= 2 && matches!(items.first(), Some(Node::Scalar(_))) => Some(items),
        _ => None,
    }
}

/// Changes one thing about the envelope; `ids` are those of the other messages of the sequence.
pub(super) fn edit(items: &mut Vec<Node>, dialect: Dialect, ids: &[Vec<u8>], choices: &mut dyn Choices) {
    match choices.choose(12) {
        0 => items[0] = Node::raw(word(TYPES, choices)),
        1 => set(items, 1, id(ids, choices)),
        2 => set(items, 2, action(items.get(2), dialect, choices)),
        3 => arity(items, choices),
        4 => become_another(items, choices),
        5 => {
            let (a, b) = (below(items.len(), choices), below(items.len(), choices));
            items.swap(a, b);
        }
        6 => {
            let last = items.len() - 1;
            set(items, last, Node::raw(word(OTHERS, choices)));
        }
        7 | 8 => payload(items, dialect, true, choices),
        _ => payload(items, dialect, false, choices),
    }
}

fn set(items: &mut Vec<Node>, at: usize, node: Node) {
    match items.get_mut(at) {
        Some(item) => *item = node,
        None => items.push(node),
    }
}

fn id(ids: &[Vec<u8>], choices: &mut dyn Choices) -> Node {
    match choices.choose(8) {
        0 | 1 => match pick(ids, choices) {
            Some(other) => Node::raw(other.clone()),
            None => Node::string("1"),
        },
        // 36 characters are the most.
        2 => Node::string(&"i".repeat([35, 36, 37, 255, 10_000][below(5, choices)])),
        3 => Node::raw(word(NUMBERS, choices)),
        4 => Node::raw(word(OTHERS, choices)),
        5 => Node::raw([b"\"", pick(TEXTS, choices).copied().unwrap_or_default(), b"\""].concat()),
        6 => Node::string(["-1", "", " ", "\u{e9}"][below(4, choices)]),
        _ => Node::string(word(NAMES, choices)),
    }
}

fn action(before: Option<&Node>, dialect: Dialect, choices: &mut dyn Choices) -> Node {
    let inner = before.and_then(Node::inner).map(|inner| String::from_utf8_lossy(inner).into_owned());
    let inner = inner.unwrap_or_default();
    match choices.choose(8) {
        0 => Node::string(word(NAMES, choices)),
        1 => Node::string(&inner.to_lowercase()),
        2 => Node::string(&format!("{inner}{}", [" ", "\\u0000", "Request", ".req", "x"][below(5, choices)])),
        3 => Node::raw(word(OTHERS, choices)),
        4 => Node::string(&"A".repeat([51, 256, 4097][below(3, choices)])),
        _ => Node::string(&messages::action(dialect, choices)),
    }
}

fn arity(items: &mut Vec<Node>, choices: &mut dyn Choices) {
    let at = below(items.len(), choices);
    match choices.choose(4) {
        0 => {
            items.pop();
        }
        1 => {
            items.remove(at);
        }
        2 => items.push(Node::raw(word(OTHERS, choices))),
        _ => items.insert(at, items[at].clone()),
    }
}

/// The same id in a message of another kind.
fn become_another(items: &mut Vec<Node>, choices: &mut dyn Choices) {
    let id = items.get(1).cloned().unwrap_or_else(|| Node::string("1"));
    let payload = items.pop().unwrap_or_else(|| Node::raw("{}"));
    let code = Node::string(word(&VOCABULARY.codes, choices));
    let error = |kind: &str, code: Node| vec![Node::raw(kind), id.clone(), code, Node::string(""), Node::raw("{}")];
    *items = match choices.choose(5) {
        0 | 1 => vec![Node::raw("3"), id, payload],
        2 => error("4", code),
        3 => error("5", code),
        _ => {
            let action = Node::string(word(&VOCABULARY.actions, choices));
            vec![Node::raw(["2", "6"][below(2, choices)]), id, action, payload]
        }
    };
}

/// A payload that the action wants, sound or with one flaw; for an answer one that some action gives.
fn payload(items: &mut Vec<Node>, dialect: Dialect, sound: bool, choices: &mut dyn Choices) {
    let is_answer = items[0] == Node::raw("3");
    let action = match items.get(2).and_then(Node::inner) {
        Some(inner) if !is_answer => String::from_utf8_lossy(inner).into_owned(),
        _ => messages::action(dialect, choices),
    };
    if let Some(payload) = messages::payload(dialect, &action, is_answer, sound, choices) {
        set(items, if is_answer { 2 } else { 3 }, payload);
    }
}
