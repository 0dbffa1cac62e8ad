//! Fields of JSON texts go, lists become short, values plain.

use std::ops::Range;

use protocol::Version;
use protocol::catalogue::Catalogue;
use protocol::generate::minimal_at;

use super::atoms::{Atom, Kind, Tree, atoms, plain, text};
use super::with_text;
use crate::Sequence;
use crate::act::{Fill, Text};
use crate::generate::StandIn;

/// Edits of one text; a text that has more is not looked at further.
const MOST: usize = 3000;

/// Goes through the edits of every text.
#[derive(Debug, Default)]
pub(super) struct Fields {
    act: usize,
    edit: usize,
    /// The edits of the current act; recomputed when one of them was taken.
    edits: Option<(Vec<Atom>, Vec<Edit>)>,
}

/// Atoms that go, and what comes in their place.
#[derive(Debug)]
struct Edit {
    gone: Vec<Range<usize>>,
    instead: Vec<u8>,
}

impl Fields {
    pub(super) fn next(&mut self, best: &Sequence) -> Option<Sequence> {
        loop {
            let act = best.acts.get(self.act)?;
            let (row, edits) = self.edits.get_or_insert_with(|| {
                let row = act.text().map(atoms).unwrap_or_default();
                let edits = edits(&row, best.ocpp);
                (row, edits)
            });
            let Some(edit) = edits.get(self.edit) else {
                self.act += 1;
                self.edit = 0;
                self.edits = None;
                continue;
            };
            return Some(with_text(best, self.act, edit.apply(row)));
        }
    }

    /// Goes on with the next text.
    pub(super) fn skip(&mut self) {
        self.edit = MOST * 2;
    }

    pub(super) fn told(&mut self, taken: bool) {
        if taken {
            // What stood behind it is at the same place now, or nearly so; what is missed is found in the next round.
            self.edits = None;
        } else {
            self.edit += 1;
        }
    }
}

impl Edit {
    fn cut(range: Range<usize>) -> Edit {
        Edit { gone: vec![range], instead: Vec::new() }
    }

    fn apply(&self, row: &[Atom]) -> Text {
        let mut kept: Vec<Atom> = Vec::with_capacity(row.len());
        let mut from = 0;
        for (number, range) in self.gone.iter().enumerate() {
            kept.extend_from_slice(&row[from..range.start]);
            if number == 0 {
                kept.extend(self.instead.iter().copied().map(Atom::Byte));
            }
            from = range.end;
        }
        kept.extend_from_slice(&row[from..]);
        text(kept)
    }
}

/// Everything that may make a text smaller or plainer, what makes it smallest first.
fn edits(row: &[Atom], version: Version) -> Vec<Edit> {
    let Some(tree) = Tree::read(row) else { return Vec::new() };
    let mut edits = Vec::new();
    plain_payload(row, &tree, version, &mut edits);
    hoists(&tree, &mut edits);
    // The array around the payload comes last: without its parts there is seldom a message.
    for (number, node) in tree.nodes.iter().enumerate().skip(1) {
        let count = node.children.len();
        let mut size = count;
        while size > 0 && edits.len() < MOST {
            let mut at = 0;
            while at < count && edits.len() < MOST {
                edits.extend(tree.stretch(node, at..(at + size).min(count)).map(Edit::cut));
                at += size;
            }
            size /= 2;
        }
        if tree.nodes[number].children.is_empty() && edits.len() < MOST {
            values(row, node.kind, &node.span, &mut edits);
        }
    }
    if !tree.spaces.is_empty() {
        edits.push(Edit { gone: tree.spaces.iter().map(|at| *at..at + 1).collect(), instead: Vec::new() });
    }
    if let Some(root) = tree.nodes.first() {
        edits.push(Edit::cut(root.span.clone()));
        for at in (0..root.children.len()).rev().take(8) {
            edits.extend(tree.stretch(root, at..at + 1).map(Edit::cut));
        }
    }
    edits
}

/// The plainest valid payload of the same action instead of this one.
fn plain_payload(row: &[Atom], tree: &Tree, version: Version, edits: &mut Vec<Edit>) {
    let Some(root) = tree.nodes.first().filter(|root| root.kind == Kind::Array) else { return };
    let [kind, _, action, payload] = root.children.as_slice() else { return };
    let part = |node: usize| plain(&row[tree.nodes[node].span.clone()]);
    if part(*kind) != b"2" {
        return;
    }
    let Some(action) = serde_json::from_slice::<String>(&part(*action)).ok() else { return };
    let Some(message) = Catalogue::of(version).message(&action) else { return };
    let plainest = minimal_at(version, &message.request, StandIn.now()).to_string().into_bytes();
    let span = tree.nodes[*payload].span.clone();
    if plainest.len() < span.len() {
        edits.push(Edit { gone: vec![span], instead: plainest });
    }
}

/// What lies deep within itself is made shallower: a value is replaced by one of those within it.
fn hoists(tree: &Tree, edits: &mut Vec<Edit>) {
    for (number, node) in tree.nodes.iter().enumerate() {
        let begins = node.parent.is_none_or(|parent| tree.nodes[parent].children.first() != Some(&number));
        if !begins || node.children.is_empty() {
            continue;
        }
        let mut chain = vec![number];
        while let Some(first) = chain.last().and_then(|last| tree.nodes[*last].children.first()) {
            chain.push(*first);
        }
        // The message itself and its payload are not what is meant.
        if chain.len() < 8 {
            continue;
        }
        let mut step = chain.len() / 2;
        while step > 0 && edits.len() < MOST {
            let (outer, inner) = (&tree.nodes[chain[1]].span, &tree.nodes[chain[(1 + step).min(chain.len() - 1)]].span);
            edits.push(Edit { gone: vec![outer.start..inner.start, inner.end..outer.end], instead: Vec::new() });
            step /= 2;
        }
    }
}

/// The plainest values of the same type.
fn values(row: &[Atom], kind: Kind, span: &Range<usize>, edits: &mut Vec<Edit>) {
    let now = plain(&row[span.clone()]);
    let instead: &[&[u8]] = match kind {
        Kind::String => &[b"\"\"", b"\"a\""],
        Kind::Number => &[b"0", b"1", b"-1"],
        Kind::Word | Kind::Object | Kind::Array | Kind::Hole => &[],
    };
    for instead in instead.iter().filter(|instead| instead.len() < now.len() || (now.len() == 1 && **instead < &*now)) {
        edits.push(Edit { gone: vec![span.clone()], instead: instead.to_vec() });
    }
}
