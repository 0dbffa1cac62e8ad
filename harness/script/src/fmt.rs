//! The one way a file of the language is written: keys in the order of the definition, short maps and lists on one
//! line, longer ones below each other, comments where they were.
//!
//! What a file says is not touched, and a formatted file stays as it is.

mod comments;
mod order;
mod scalars;

use std::sync::Arc;

use verdict::{Diagnostic, Source};

use crate::yaml::{self, Key, Node, NodeKind};
use comments::Comments;
use order::Place;

/// The longest line that holds a map or a list.
const WIDTH: usize = 120;
/// Where comments behind the text begin, if there is room.
const COMMENT_COLUMN: usize = 53;

/// The same file in the canonical form.
///
/// # Errors
///
/// Why the file is no YAML of this language.
pub fn format(source: &Arc<Source>) -> Result<String, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let root = yaml::parse(source, &mut found);
    let Some(root) = root.filter(|_| found.is_empty()) else { return Err(found) };
    let mut formatter = Formatter { out: String::new(), comments: Comments::of(source, &root) };
    match &root.kind {
        NodeKind::Map(members) if !members.is_empty() => formatter.members(members, Place::File, 0, ""),
        _ => {
            let text = flow(&root, false);
            formatter.line("", &text, root.span.start);
        }
    }
    formatter.out.push_str(&formatter.comments.rest());
    Ok(formatter.out)
}

struct Formatter {
    out: String,
    comments: Comments,
}

impl Formatter {
    /// The members of a map below each other; `dash` stands before the first if the map is an element of a list.
    fn members(&mut self, members: &[(Key, Node)], place: Place, indent: usize, dash: &str) {
        for (at, (key, value)) in place.ordered(members).into_iter().enumerate() {
            let dash = if at == 0 { dash } else { "" };
            if place == Place::File && at > 0 && self.comments.has_gap(key.span.start) {
                self.out.push('\n');
            }
            self.above(key.span.start, indent - dash.len());
            let lead = format!("{}{dash}{}:", " ".repeat(indent - dash.len()), scalars::key(&key.text, false));
            self.value(&lead, value, place.inner(&key.text), indent, key.span.start, true);
        }
    }

    /// A value behind its key or its dash: on the same line if it fits there, else below.
    fn value(&mut self, lead: &str, value: &Node, place: Place, indent: usize, entry: usize, is_member: bool) {
        let from = if is_member { value.span.start } else { value.span.start + 1 };
        let has_comments = self.comments.any_within(from, value.span.end);
        let is_flat = match &value.kind {
            NodeKind::Scalar { .. } => true,
            NodeKind::List(items) if items.is_empty() => true,
            NodeKind::Map(members) if members.is_empty() => true,
            _ => !place.is_tall() && !has_comments,
        };
        if is_flat {
            let text = flow(value, false);
            let length = lead.chars().count() + 1 + text.chars().count();
            if length <= WIDTH || matches!(value.kind, NodeKind::Scalar { .. }) {
                self.line(lead, &text, entry);
                return;
            }
        }
        match &value.kind {
            NodeKind::Scalar { .. } => {}
            NodeKind::Map(members) => {
                self.line(lead, "", entry);
                self.members(members, place, indent + 2, "");
            }
            NodeKind::List(items) if is_flat && items.iter().all(|item| item.scalar().is_some()) => {
                self.words(lead, items, indent + 2, entry);
            }
            NodeKind::List(items) => {
                self.line(lead, "", entry);
                self.items(items, place, indent + 2);
            }
        }
    }

    /// A long list of texts, in lines like a paragraph.
    fn words(&mut self, lead: &str, items: &[Node], indent: usize, entry: usize) {
        let mut line = format!("{lead} [");
        let mut is_first = true;
        for (at, item) in items.iter().enumerate() {
            let end = if at + 1 == items.len() { "]" } else { "," };
            let word = flow(item, true) + end;
            if !is_first && line.chars().count() + 1 + word.chars().count() > WIDTH {
                self.line(&line, "", entry);
                line = " ".repeat(indent);
                is_first = true;
            }
            if !is_first {
                line.push(' ');
            }
            line.push_str(&word);
            is_first = false;
        }
        self.line(&line, "", entry);
    }

    /// The elements of a list below each other.
    fn items(&mut self, items: &[Node], place: Place, indent: usize) {
        for (at, item) in items.iter().enumerate() {
            let start = item.span.start;
            if at > 0 && self.comments.has_gap(start) {
                self.out.push('\n');
            }
            self.above(start, indent);
            let element = place.element();
            match &item.kind {
                NodeKind::Map(members) if !members.is_empty() && (element.is_tall() || !self.fits(item, indent)) => {
                    // Comments above the key that comes first stand above the dash.
                    let first = element.ordered(members).first().map_or(start, |(key, _)| key.span.start);
                    self.above(first, indent);
                    self.members(members, element, indent + 2, "- ");
                }
                _ => {
                    let lead = format!("{}-", " ".repeat(indent));
                    self.value(&lead, item, element, indent, start, false);
                }
            }
        }
    }

    fn fits(&self, item: &Node, indent: usize) -> bool {
        !self.comments.any_within(item.span.start + 1, item.span.end)
            && indent + 2 + flow(item, false).chars().count() <= WIDTH
    }

    /// Comments that stand above an entry.
    fn above(&mut self, entry: usize, indent: usize) {
        for comment in self.comments.above(entry) {
            self.out.push_str(&" ".repeat(indent));
            self.out.push_str(&comment);
            self.out.push('\n');
        }
    }

    /// A line, with the comment behind it.
    fn line(&mut self, lead: &str, text: &str, entry: usize) {
        let mut line = lead.to_owned();
        if !text.is_empty() {
            if !lead.is_empty() {
                line.push(' ');
            }
            line.push_str(text);
        }
        if let Some(comment) = self.comments.behind(entry) {
            let length = line.chars().count();
            line.push_str(&" ".repeat(COMMENT_COLUMN.saturating_sub(length).max(2)));
            line.push_str(&comment);
        }
        self.out.push_str(&line);
        self.out.push('\n');
    }
}

/// A node on one line.
fn flow(node: &Node, inside: bool) -> String {
    match &node.kind {
        NodeKind::Scalar { text, plain } => scalars::value(text, *plain, inside),
        NodeKind::List(items) if items.is_empty() => "[]".to_owned(),
        NodeKind::List(items) => {
            // Between commas nothing would be no item.
            let nothing = || "\"\"".to_owned();
            let item = |item: &Node| Some(flow(item, true)).filter(|text| !text.is_empty()).unwrap_or_else(nothing);
            let inner: Vec<String> = items.iter().map(item).collect();
            if items.iter().all(|item| matches!(item.kind, NodeKind::Scalar { .. })) {
                format!("[{}]", inner.join(", "))
            } else {
                format!("[ {} ]", inner.join(", "))
            }
        }
        NodeKind::Map(members) if members.is_empty() => "{}".to_owned(),
        NodeKind::Map(members) => {
            let inner: Vec<String> = members
                .iter()
                .map(|(key, value)| {
                    let value = flow(value, true);
                    let space = if value.is_empty() { "" } else { " " };
                    format!("{}:{space}{value}", scalars::key(&key.text, true))
                })
                .collect();
            format!("{{ {} }}", inner.join(", "))
        }
    }
}
