//! Comments, and the entries (members of maps, elements of lists) that they belong to.
//!
//! A comment on a line of its own belongs to the entry below it, one behind text to the first entry that begins on
//! its line. The parser drops comments, so they are found as what stands behind a `#` outside of every scalar.

use std::collections::BTreeMap;

use verdict::Source;

use crate::yaml::{Node, NodeKind};

#[derive(Debug, Default)]
struct Notes {
    above: Vec<String>,
    behind: Option<String>,
    /// An empty line stands before it.
    gap: bool,
}

/// The comments of a file, by the first byte of their entry.
#[derive(Debug, Default)]
pub(super) struct Comments {
    notes: BTreeMap<usize, Notes>,
    rest: Vec<String>,
}

impl Comments {
    pub(super) fn of(source: &Source, root: &Node) -> Comments {
        let mut places = Places::default();
        places.collect(root);
        places.entries.sort_unstable();
        places.scalars.sort_unstable();
        let mut comments = Comments::default();
        let mut waiting: Vec<String> = Vec::new();
        let (mut start, mut gap) = (0, false);
        for line in source.text.split_inclusive('\n') {
            let comment = places.comment(line, start);
            let entry = places.first_entry(start, start + line.len());
            let has_text =
                !line[..comment.unwrap_or(line.len())].trim_matches(['\u{feff}', ' ', '\t', '\r', '\n']).is_empty();
            gap |= !has_text && comment.is_none() && !places.is_within(start);
            let comment = comment.map(|at| line[at..].trim_end().to_owned());
            match (entry, comment) {
                (Some(entry), comment) => {
                    // Nothing stands before the first entry that it could be set off from.
                    gap &= !comments.notes.is_empty();
                    let notes = Notes { above: std::mem::take(&mut waiting), behind: comment, gap };
                    comments.notes.insert(entry, notes);
                    gap = false;
                }
                (None, Some(comment)) => waiting.push(comment),
                (None, None) => {}
            }
            start += line.len();
        }
        comments.notes.retain(|_, notes| notes.gap || notes.behind.is_some() || !notes.above.is_empty());
        comments.rest = waiting;
        comments
    }

    /// Whether comments belong to something in this range.
    pub(super) fn any_within(&self, start: usize, end: usize) -> bool {
        start < end && self.notes.range(start..end).any(|(_, notes)| notes.behind.is_some() || !notes.above.is_empty())
    }

    /// Whether an empty line stands before an entry and its comments.
    pub(super) fn has_gap(&self, entry: usize) -> bool {
        self.notes.get(&entry).is_some_and(|notes| notes.gap)
    }

    /// The comments above an entry; each is given once.
    pub(super) fn above(&mut self, entry: usize) -> Vec<String> {
        self.notes.get_mut(&entry).map(|notes| std::mem::take(&mut notes.above)).unwrap_or_default()
    }

    /// The comment behind an entry; given once.
    pub(super) fn behind(&mut self, entry: usize) -> Option<String> {
        self.notes.get_mut(&entry)?.behind.take()
    }

    /// The comments at the end of the file, and any that nobody asked for.
    pub(super) fn rest(&mut self) -> String {
        let forgotten = std::mem::take(&mut self.notes).into_values();
        let forgotten = forgotten.flat_map(|notes| notes.above.into_iter().chain(notes.behind));
        let all = forgotten.chain(self.rest.drain(..));
        all.map(|comment| comment + "\n").collect()
    }
}

/// Where things stand.
#[derive(Default)]
struct Places {
    /// The first bytes of members and elements.
    entries: Vec<usize>,
    /// Texts and keys.
    scalars: Vec<(usize, usize)>,
}

impl Places {
    fn collect(&mut self, node: &Node) {
        match &node.kind {
            NodeKind::Scalar { .. } => self.scalars.push((node.span.start, node.span.end)),
            NodeKind::List(items) => {
                for item in items {
                    self.entries.push(item.span.start);
                    self.collect(item);
                }
            }
            NodeKind::Map(members) => {
                for (key, value) in members {
                    self.entries.push(key.span.start);
                    self.scalars.push((key.span.start, key.span.end));
                    self.collect(value);
                }
            }
        }
    }

    /// The byte of a line at which its comment begins.
    fn comment(&self, line: &str, start: usize) -> Option<usize> {
        let mut before = None;
        for (at, c) in line.char_indices() {
            if c == '#'
                && before.is_none_or(|c: char| c.is_whitespace() || c == '\u{feff}')
                && !self.is_within(start + at)
            {
                return Some(at);
            }
            before = Some(c);
        }
        None
    }

    fn is_within(&self, at: usize) -> bool {
        let next = self.scalars.partition_point(|(start, _)| *start <= at);
        // Scalars do not lie in each other.
        next.checked_sub(1).is_some_and(|scalar| at < self.scalars[scalar].1)
    }

    fn first_entry(&self, start: usize, end: usize) -> Option<usize> {
        let at = self.entries.partition_point(|entry| *entry < start);
        self.entries.get(at).copied().filter(|entry| *entry < end)
    }
}
