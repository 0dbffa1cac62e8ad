//! Edits of one place in a JSON tree, whatever the tree is about.

use protocol::generate::Choices;

use super::bytes;
use super::tree::Node;
use super::words::{LENGTHS, NAMES, NUMBERS, OTHERS, TEXTS, VOCABULARY, below, pick, word};

/// Changes one node; `room` is about how many bytes may be added.
pub(super) fn edit(root: &mut Node, room: usize, choices: &mut dyn Choices) {
    let number = below(root.count(), choices);
    let donor = (choices.choose(6) == 0).then(|| {
        let other = below(root.count(), choices);
        root.nth(other).cloned()
    });
    let Some(node) = root.nth(number) else { return };
    if let Some(Some(donor)) = donor {
        *node = donor;
        return;
    }
    if choices.choose(8) == 0 {
        replace(node, room, choices);
        return;
    }
    match node {
        Node::Scalar(_) => scalar(node, room, choices),
        Node::List(items) => list(items, room, choices),
        Node::Object(members) => object(members, room, choices),
    }
}

/// Something of another type, or far too much of the same.
fn replace(node: &mut Node, room: usize, choices: &mut dyn Choices) {
    *node = match choices.choose(8) {
        0 => deep(room, choices),
        1 => Node::List(vec![node.clone()]),
        2 => Node::Object(vec![(b"\"a\"".to_vec(), node.clone())]),
        _ => Node::raw(word(OTHERS, choices)),
    };
}

/// Nesting, closed or not.
fn deep(room: usize, choices: &mut dyn Choices) -> Node {
    let depth = [8, 33, 129, 513, 1025, 10_001, 100_001][below(7, choices)].min(room / 2);
    let (open, close) =
        [("[", "]"), ("{\"a\":", "}"), ("[", ""), ("{\"a\":", ""), ("[{\"a\":", "}]")][below(5, choices)];
    let depth = depth / open.len();
    Node::raw([open.repeat(depth), "1".to_owned(), close.repeat(depth)].concat())
}

fn scalar(node: &mut Node, room: usize, choices: &mut dyn Choices) {
    let inner = node.inner().map(<[u8]>::to_vec);
    *node = match inner {
        Some(mut inner) => {
            string(&mut inner, room, choices);
            Node::raw([b"\"", inner.as_slice(), b"\""].concat())
        }
        None => number(node, room, choices),
    };
}

fn number(node: &Node, room: usize, choices: &mut dyn Choices) -> Node {
    let Node::Scalar(text) = node else { return node.clone() };
    let value = std::str::from_utf8(text).ok().and_then(|text| text.parse::<i64>().ok());
    match (choices.choose(8), value) {
        (0, Some(value)) => Node::raw(value.wrapping_add(1).to_string()),
        (1, Some(value)) => Node::raw(value.wrapping_sub(1).to_string()),
        (2, Some(value)) => Node::raw(value.wrapping_neg().to_string()),
        (3, Some(value)) => Node::raw(format!("{value}.0")),
        (4, _) => Node::raw([b"\"", text.as_slice(), b"\""].concat()),
        // Some readers stop at 4300 digits, some at none.
        (5, _) => Node::raw("9".repeat([20, 40, 310, 4301][below(4, choices)].min(room))),
        _ => Node::raw(word(NUMBERS, choices)),
    }
}

fn string(inner: &mut Vec<u8>, room: usize, choices: &mut dyn Choices) {
    match choices.choose(12) {
        0 | 1 => *inner = pick(TEXTS, choices).copied().unwrap_or_default().to_vec(),
        2 => *inner = word(&VOCABULARY.values, choices).into(),
        3 => *inner = word(NAMES, choices).into(),
        4 => lengthen(inner, room, choices),
        5 => inner.truncate(below(inner.len(), choices)),
        6 => {
            let at = below(inner.len() + 1, choices);
            inner.splice(at..at, pick(TEXTS, choices).copied().unwrap_or_default().iter().copied());
        }
        7 => escape(inner, choices),
        8 => {
            if choices.choose(2) == 0 {
                inner.make_ascii_uppercase();
            } else {
                inner.make_ascii_lowercase();
            }
        }
        9 => *inner = word(NUMBERS, choices).into(),
        10 => nested(inner, room, choices),
        _ => bytes::edit(inner, choices),
    }
}

/// A text whose length is at or beyond an end; the last character may have several bytes.
fn lengthen(inner: &mut Vec<u8>, room: usize, choices: &mut dyn Choices) {
    let length = pick(LENGTHS, choices).copied().unwrap_or(0).min(inner.len().saturating_add(room));
    let filler = ["x", "\u{e9}", "\u{1f50c}", "\\u0041"][below(4, choices)].as_bytes();
    inner.truncate(length);
    let missing = (length - inner.len()) / filler.len();
    inner.extend_from_slice(&filler.repeat(missing));
}

/// The same text with one character escaped, which no reader may notice.
fn escape(inner: &mut Vec<u8>, choices: &mut dyn Choices) {
    let at = below(inner.len(), choices);
    let Some(&byte) = inner.get(at).filter(|byte| byte.is_ascii_alphanumeric()) else { return };
    // Inside an escape it would become another one.
    if !inner[..at].contains(&b'\\') {
        inner.splice(at..=at, format!("\\u{byte:04x}").into_bytes());
    }
}

/// JSON inside a string is edited as JSON.
fn nested(inner: &mut Vec<u8>, room: usize, choices: &mut dyn Choices) {
    if !inner.starts_with(b"[") && !inner.starts_with(b"{") {
        return bytes::edit(inner, choices);
    }
    let quoted = [b"\"", inner.as_slice(), b"\""].concat();
    let Ok(text) = serde_json::from_slice::<String>(&quoted) else { return };
    let Some(mut tree) = Node::read(text.as_bytes()) else { return };
    edit(&mut tree, room, choices);
    let text = String::from_utf8_lossy(&tree.to_text()).into_owned();
    if let Some(inside) =
        serde_json::to_string(&text).ok().and_then(|text| text.get(1..text.len() - 1).map(str::to_owned))
    {
        *inner = inside.into_bytes();
    }
}

fn list(items: &mut Vec<Node>, room: usize, choices: &mut dyn Choices) {
    let at = below(items.len(), choices);
    match choices.choose(6) {
        0 if !items.is_empty() => {
            items.remove(at);
        }
        1 if !items.is_empty() => {
            let other = below(items.len(), choices);
            items.swap(at, other);
        }
        2 => items.clear(),
        3 => items.insert(at, Node::raw(word(OTHERS, choices))),
        _ => {
            let Some(item) = items.get(at).cloned() else { return items.push(Node::raw("0")) };
            let size = item.to_text().len() + 1;
            let copies = [1, 1, 2, 10, 100, 1000][below(6, choices)].min(room / size).max(1);
            items.splice(at..at, std::iter::repeat_n(item, copies));
        }
    }
}

fn object(members: &mut Vec<(Vec<u8>, Node)>, room: usize, choices: &mut dyn Choices) {
    let at = below(members.len(), choices);
    let new_key = |choices: &mut dyn Choices| {
        let name = if choices.choose(3) == 0 { word(NAMES, choices) } else { word(&VOCABULARY.fields, choices) };
        format!("\"{name}\"").into_bytes()
    };
    match choices.choose(9) {
        0 | 1 if !members.is_empty() => {
            members.remove(at);
        }
        2 if !members.is_empty() => {
            let other = below(members.len(), choices);
            members.swap(at, other);
        }
        3 => {
            let key = new_key(choices);
            members.insert(at, (key, Node::raw(word(OTHERS, choices))));
        }
        4 => {
            let Some((key, value)) = members.get(at).cloned() else { return };
            let value = if choices.choose(2) == 0 { value } else { Node::raw(word(OTHERS, choices)) };
            let to = below(members.len() + 1, choices);
            members.insert(to, (key, value));
        }
        5 => {
            let fresh = new_key(choices);
            if let Some((key, _)) = members.get_mut(at) {
                *key = fresh;
            }
        }
        6 => {
            let Some((key, _)) = members.get_mut(at) else { return };
            match key.as_slice() {
                [b'"', inner @ .., b'"'] => {
                    let mut inner = inner.to_vec();
                    string(&mut inner, room, choices);
                    *key = [b"\"", inner.as_slice(), b"\""].concat();
                }
                _ => bytes::edit(key, choices),
            }
        }
        7 => members.clear(),
        _ => {
            if let Some((_, value)) = members.get_mut(at) {
                replace(value, room, choices);
            }
        }
    }
}
