//! The text of a case, in lines that can be put in, taken out and moved; comments stay with the items they are about.

use std::ops::Range;
use std::sync::Arc;

use protocol::Role;
use script::ast::Case;
use script::yaml::{self, Node, NodeKind};
use verdict::Source;

/// One change of a case.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// What the id of the mutant ends in.
    pub(super) id: String,
    /// The id without the place.
    pub(super) kind: String,
    /// What is told of it.
    pub(super) what: String,
    /// The statement that a step of its own rests on.
    pub(super) rule: Option<&'static str>,
    /// What becomes of the text.
    pub(super) edits: Vec<Edit>,
}

/// Bytes of the text that become others.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    pub(super) bytes: Range<usize>,
    pub(super) text: String,
}

impl Edit {
    pub(super) fn insert(at: usize, text: String) -> Edit {
        Edit { bytes: at..at, text }
    }
}

/// A formatted case.
pub(super) struct File {
    text: String,
    root: Node,
    /// The lines of each item of `steps`, with the comments above it.
    items: Vec<Range<usize>>,
}

impl File {
    pub(super) fn of(source: &Arc<Source>) -> Option<File> {
        let root = yaml::parse(source, &mut Vec::new())?;
        let text = source.text.clone();
        let NodeKind::List(nodes) = &root.member("steps")?.kind else { return None };
        let first = nodes.first()?.span.start;
        // A list in one line has no lines to move.
        let lead = &text[line_of(&text, first)..first];
        if lead.trim() != "-" || column(&text, first) != 4 {
            return None;
        }
        let starts: Vec<usize> = nodes.iter().map(|node| above(&text, line_of(&text, node.span.start))).collect();
        let ends = starts.iter().skip(1).copied().chain([text.len()]);
        let items = starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect();
        Some(File { text, root, items })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// How many items there are.
    pub(super) fn items(&self) -> usize {
        self.items.len()
    }

    /// The node of an item.
    pub(super) fn item(&self, at: usize) -> Option<&Node> {
        match &self.root.member("steps")?.kind {
            NodeKind::List(nodes) => nodes.get(at),
            _ => None,
        }
    }

    /// Puts an item, written from its dash on, before another.
    pub(super) fn insert(&self, at: usize, item: &str) -> Edit {
        let place = self.items.get(at).map_or(self.text.len(), |lines| lines.start);
        let text = item.lines().map(|line| format!("  {line}\n")).collect();
        Edit::insert(place, text)
    }

    /// Takes an item out.
    pub(super) fn remove(&self, at: usize) -> Edit {
        Edit { bytes: self.items.get(at).cloned().unwrap_or_default(), text: String::new() }
    }

    /// Puts an item behind the one that follows it.
    pub(super) fn swap(&self, at: usize) -> Vec<Edit> {
        let (Some(one), Some(other)) = (self.items.get(at), self.items.get(at + 1)) else { return Vec::new() };
        vec![self.remove(at), Edit::insert(other.end, self.text[one.clone()].to_owned())]
    }

    /// The file with a change, under its own id and title, for one side of the device. It certifies nothing.
    pub(super) fn write(&self, case: &Case, id: &str, device: Role, change: &Change) -> Option<String> {
        let mut edits = change.edits.clone();
        for (key, value) in self.root.members()? {
            let bytes = key.span.start..value.span.end;
            let new = match key.text.as_str() {
                "case" => format!("case: {id}\ndevice: {device}"),
                "title" => {
                    let title = format!("{}; with {}", case.title.value, change.what);
                    format!("title: {}", serde_json::Value::from(title))
                }
                "device" | "certifies" => {
                    let line = line_end(&self.text, value.span.end);
                    edits.push(Edit { bytes: key.span.start..line, text: String::new() });
                    continue;
                }
                "traces" => {
                    let mut traces: Vec<&str> = case.traces.iter().map(|trace| trace.value.as_str()).collect();
                    traces.extend(change.rule.filter(|rule| !traces.contains(rule)));
                    format!("traces: [{}]", traces.join(", "))
                }
                _ => continue,
            };
            edits.push(Edit { bytes, text: new });
        }
        edits.sort_by_key(|edit| (edit.bytes.start, edit.bytes.end));
        let mut out = String::new();
        let mut at = 0;
        for edit in edits {
            out.push_str(self.text.get(at..edit.bytes.start)?);
            out.push_str(&edit.text);
            at = edit.bytes.end;
        }
        out.push_str(self.text.get(at..)?);
        Some(out)
    }
}

/// The first byte of the line that this byte is in.
fn line_of(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |end| end + 1)
}

/// The first byte of the line behind the one that this byte is in.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |end| at + end + 1)
}

/// How far a byte is from the beginning of its line.
pub(super) fn column(text: &str, at: usize) -> usize {
    at - line_of(text, at)
}

/// Where the comments above a line begin.
fn above(text: &str, line: usize) -> usize {
    let mut start = line;
    while start > 0 {
        let before = line_of(text, start - 1);
        if !text[before..start].trim_start().starts_with('#') {
            break;
        }
        start = before;
    }
    start
}
