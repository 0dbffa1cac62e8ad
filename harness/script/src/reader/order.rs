//! The keys of files and items in the order in which they are written.

use super::item::Head;
use crate::yaml::{Key, Node};

/// The keys of a case; what comes before the steps in the order in which it happens.
pub(crate) const CASE: [&str; 15] = [
    "case",
    "title",
    "versions",
    "device",
    "certifies",
    "traces",
    "requires",
    "parties",
    "configure",
    "given",
    "remember",
    "begin",
    "background",
    "procedure",
    "steps",
];

/// The keys of a part.
pub(crate) const PART: [&str; 10] =
    ["state", "memory", "phrase", "title", "versions", "requires", "from", "params", "gives", "steps"];

/// The keys of an item behind its head.
pub(crate) const ITEM: [&str; 33] = [
    "when",
    "optional",
    "repeat",
    "within",
    "grace",
    "for",
    "warn",
    "unasked",
    "id",
    "how",
    "to",
    "identity",
    "password",
    "server",
    "client",
    "tls",
    "offers",
    "answers",
    "outcome",
    "http",
    "with",
    "as",
    "invalid",
    "fields",
    "before reply",
    "reply",
    "error",
    "result error",
    "replies",
    "rule",
    "mark",
    "steps",
    "during",
];

/// Whether this key of an item says what the item is.
pub(crate) fn is_head(key: &str, members: &[(Key, Node)]) -> bool {
    let body_of_for_each = key == "steps" && members.iter().any(|(key, _)| key.text == "for each");
    Head::of(key).is_some() && !body_of_for_each
}
