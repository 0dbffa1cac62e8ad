//! Reads a case, state, memory or phrase.
//!
//! Every mistake is told with its place, and reading goes on behind it: a file with five mistakes gives five
//! diagnostics. What cannot be read is left out of what is returned inside, so no function here returns an error.

mod act;
mod call;
mod connection;
mod document;
mod item;
mod mistake;
mod names;
pub(crate) mod order;
mod path;
mod pattern;
mod rule;
mod text;
mod time;
mod want;
mod when;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use protocol::Version;
use verdict::{Diagnostic, Source, Span};

use crate::ast::{Document, Spanned};
use crate::yaml::{self, Key, Node, NodeKind};

pub use mistake::Mistake;
pub(crate) use mistake::did_you_mean;
pub(crate) use names::moment;
pub(crate) use want::{Misfit, Want, want_of};

/// Reads a file.
///
/// # Errors
///
/// Everything that is wrong with it.
pub fn read(source: &Arc<Source>) -> Result<Document, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let root = yaml::parse(source, &mut found);
    let mut reader = Reader {
        source,
        found,
        untold: Diagnostic::error("", ""),
        versions: Vec::new(),
        wants: HashMap::new(),
        path: Vec::new(),
        message: String::new(),
        strangers: Vec::new(),
        invalid: None,
    };
    let document = root.and_then(|root| reader.document(&root));
    let found = reader.found;
    match document {
        Some(document) if found.is_empty() => Ok(document),
        _ => Err(found),
    }
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    found: Vec<Diagnostic>,
    /// The latest of the mistakes that are too many to be told.
    untold: Diagnostic,
    /// The versions that what is being read is for: those of the file, or fewer inside of `when: { version: … }`.
    versions: Vec<Version>,
    /// The types of names, as far as the file tells.
    wants: HashMap<String, Want>,
    /// The field that is being read, from the payload down.
    path: Vec<String>,
    /// The message that it belongs to, in words.
    message: String,
    /// Parties that the case declares and that cannot be played yet.
    strangers: Vec<String>,
    /// The field that breaks the schema on purpose.
    invalid: Option<String>,
}

impl Reader<'_> {
    /// Tells keys that are none of `known`; whether the node is a map at all.
    fn has_keys(&mut self, node: &Node, what: &str, known: &[&str]) -> bool {
        let Some(members) = self.map(node, what) else { return false };
        for (key, _) in members {
            if !known.contains(&key.text.as_str()) {
                self.stranger(
                    Mistake::UnknownKey,
                    key.span,
                    &key.text,
                    &format!("a key of {what}"),
                    known.iter().copied(),
                );
            }
        }
        true
    }

    fn map<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [(Key, Node)]> {
        let members = node.members();
        if members.is_none() {
            self.wrong_shape(node, &format!("{what} is a map"), "a map");
        }
        members
    }

    fn list<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        match &node.kind {
            NodeKind::List(items) if !items.is_empty() => Some(items),
            NodeKind::List(_) => {
                self.say(Mistake::WrongShape, node.span, format!("{what} is empty"), "expected at least one element");
                None
            }
            _ => {
                self.wrong_shape(node, &format!("{what} is a list"), "a list");
                None
            }
        }
    }

    /// A text that is there.
    fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        match node.scalar() {
            Some(_) if node.is_empty() => {
                self.say(Mistake::WrongShape, node.span, format!("{what} is missing"), "nothing stands here");
                None
            }
            Some(text) => Some(text),
            None => {
                self.wrong_shape(node, &format!("{what} is a text"), "a text");
                None
            }
        }
    }

    fn spanned(&mut self, node: &Node, what: &str) -> Option<Spanned<String>> {
        let text = self.text(node, what)?;
        Some(Spanned { value: text.to_owned(), span: node.span })
    }

    /// The texts of a list, or a single one.
    fn texts(&mut self, node: &Node, what: &str) -> Vec<Spanned<String>> {
        node.one_or_many().iter().filter_map(|item| self.spanned(item, what)).collect()
    }

    /// A name that the file gives to something.
    fn new_name(&mut self, node: &Node, what: &str) -> Option<Spanned<String>> {
        let name = self.spanned(node, what)?;
        self.check_name(&name.value, name.span);
        Some(name)
    }

    fn check_name(&mut self, name: &str, span: Span) {
        const TAKEN: [&str; 3] = ["now", "rig", "config"];
        if !names::is_name(name) {
            let title = format!("\"{name}\" cannot be a name");
            let help = name.strip_prefix('$').map(|bare| format!("where a name is given it has no $: `{bare}`"));
            self.say(Mistake::BadName, span, title, "expected letters, digits and _").help = help;
        } else if TAKEN.contains(&name) {
            self.say(Mistake::BadName, span, format!("\"{name}\" is taken"), "expected another name");
        }
    }

    fn yes_or_no(&mut self, node: &Node, what: &str) -> Option<bool> {
        match self.text(node, what)? {
            "true" => Some(true),
            "false" => Some(false),
            other => {
                let title = format!("\"{other}\" is not what stands here");
                let meant = protocol::catalogue::suggest(other, ["true", "false"]);
                self.say(Mistake::WrongType, node.span, title, "expected true or false").help = did_you_mean(meant);
                None
            }
        }
    }

    /// One of a short list of words.
    fn word<T: Copy>(&mut self, node: &Node, what: &str, words: &[(&'static str, T)]) -> Option<T> {
        let text = self.text(node, what)?;
        let known = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if known.is_none() {
            let names = words.iter().map(|(word, _)| *word);
            self.stranger(Mistake::UnknownValue, node.span, text, what, names);
        }
        known
    }

    fn wrong_shape(&mut self, node: &Node, title: &str, expected: &str) -> &mut Diagnostic {
        let label = format!("expected {expected}, found {}", node.what());
        self.say(Mistake::WrongShape, node.span, title, label)
    }

    fn misfit(&mut self, span: Span, misfit: Misfit) {
        self.say(misfit.mistake, span, misfit.title, misfit.label).help = misfit.help;
    }

    /// A member without which the map is nothing.
    fn required<'n>(&mut self, node: &'n Node, span: Span, key: &str) -> Option<&'n Node> {
        let member = node.member(key);
        if member.is_none() {
            self.say(Mistake::MissingKey, span, format!("`{key}` is missing"), format!("needs `{key}`"));
        }
        member
    }

    /// Keys of which only one may stand.
    fn only_one(&mut self, node: &Node, keys: &[&str]) {
        let Some(members) = node.members() else { return };
        let mut there = members.iter().filter(|(key, _)| keys.contains(&key.text.as_str())).map(|(key, _)| key);
        if let (Some(first), Some(second)) = (there.next(), there.next()) {
            let title = format!("`{}` and `{}` exclude each other", first.text, second.text);
            let source = self.source.clone();
            let found = self.say(Mistake::Contradiction, second.span, title, "this or the other");
            *found = found.clone().because(&source, first.span, "the other");
        }
    }
}

/// The place of a part of a key, where the file writes it as it is; else the whole key.
fn part_of_key(key: &Key, part: Range<usize>) -> Span {
    if key.span.end - key.span.start == key.text.len() {
        Span { start: key.span.start + part.start, end: key.span.start + part.end }
    } else {
        key.span
    }
}

#[cfg(test)]
mod tests;
