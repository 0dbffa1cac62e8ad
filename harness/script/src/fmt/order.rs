//! Which keys come first, and which lists are always written below each other.

use crate::reader::order::{CASE, ITEM, PART, is_head};
use crate::yaml::{Key, Node};

/// Where in a file a value stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Place {
    /// The file itself.
    File,
    /// A list of items.
    Items,
    /// An item.
    Item,
    /// The branches of `replies`.
    Branches,
    /// One of them.
    Branch,
    /// The events of `never`.
    Events,
    /// One of them, if they stand below each other.
    Event,
    /// Anywhere else: fields, arguments, declarations.
    Value,
}

/// The keys of a branch of `replies`.
const BRANCH: [&str; 5] = ["reply", "error", "when", "warn", "then"];

impl Place {
    /// The place of a key's value.
    pub(super) fn inner(self, key: &str) -> Place {
        match (self, key) {
            (Place::File | Place::Item, "steps") | (Place::Branch, "then") => Place::Items,
            (Place::Item, "any order" | "one of" | "during" | "before reply" | "offline") => Place::Items,
            (Place::Item, "replies") => Place::Branches,
            (Place::Item, "never") => Place::Events,
            _ => Place::Value,
        }
    }

    /// The place of an element of a list.
    pub(super) fn element(self) -> Place {
        match self {
            Place::Items => Place::Item,
            Place::Branches => Place::Branch,
            Place::Events => Place::Event,
            _ => Place::Value,
        }
    }

    /// Whether what stands here is never written on one line.
    pub(super) fn is_tall(self) -> bool {
        !matches!(self, Place::Value | Place::Events)
    }

    /// The members in the order in which they are written.
    pub(super) fn ordered(self, members: &[(Key, Node)]) -> Vec<&(Key, Node)> {
        let mut ordered: Vec<&(Key, Node)> = members.iter().collect();
        let has = |kinds: &[&str]| members.iter().any(|(key, _)| kinds.contains(&key.text.as_str()));
        let rank = |key: &str| -> usize {
            let table: &[&str] = match self {
                Place::File if has(&CASE[..1]) => &CASE,
                Place::File if has(&PART[..3]) => &PART,
                // A rig, whose order is its writer's.
                Place::File => return 0,
                Place::Item | Place::Event if is_head(key, members) => return 0,
                Place::Item | Place::Event => &ITEM,
                Place::Branch => &BRANCH,
                Place::Items | Place::Branches | Place::Events | Place::Value => return 0,
            };
            table.iter().position(|known| *known == key).map_or(table.len() + 1, |at| at + 1)
        };
        ordered.sort_by_key(|(key, _)| rank(&key.text));
        ordered
    }
}
