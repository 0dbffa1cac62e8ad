//! Bytes go: within the strings and numbers of a JSON text, anywhere in others.

use std::ops::Range;

use super::atoms::{Atom, Kind, Tree, atoms, text};
use super::chunks::Chunks;
use super::with_text;
use crate::Sequence;

/// Goes through the stretches of every text.
#[derive(Debug, Default)]
pub(super) struct Bytes {
    act: usize,
    stretch: usize,
    current: Option<(Vec<Atom>, Vec<Range<usize>>)>,
    chunks: Option<Chunks>,
}

impl Bytes {
    pub(super) fn next(&mut self, best: &Sequence) -> Option<Sequence> {
        loop {
            let act = best.acts.get(self.act)?;
            let (row, stretches) = self.current.get_or_insert_with(|| {
                let row = act.text().map(atoms).unwrap_or_default();
                let stretches = stretches(&row);
                (row, stretches)
            });
            let Some(stretch) = stretches.get(self.stretch).cloned() else {
                self.act += 1;
                self.stretch = 0;
                self.current = None;
                continue;
            };
            let chunks = self.chunks.get_or_insert(Chunks::Whole);
            let Some(gone) = chunks.next(stretch.len()) else {
                self.stretch += 1;
                self.chunks = None;
                continue;
            };
            let gone = stretch.start + gone.start..stretch.start + gone.end;
            let kept = row[..gone.start].iter().chain(&row[gone.end..]).cloned();
            return Some(with_text(best, self.act, text(kept)));
        }
    }

    pub(super) fn skip(&mut self) {
        if let Some(chunks) = &mut self.chunks {
            chunks.skip();
        }
    }

    pub(super) fn told(&mut self, taken: bool) {
        if taken {
            self.current = None;
        }
        if let Some(chunks) = &mut self.chunks {
            chunks.told(taken);
        }
    }
}

/// What may be made shorter by itself, from the first to the last.
fn stretches(row: &[Atom]) -> Vec<Range<usize>> {
    let Some(tree) = Tree::read(row) else {
        let whole = 0..row.len();
        return if row.is_empty() { Vec::new() } else { vec![whole] };
    };
    let mut stretches = Vec::new();
    for node in &tree.nodes {
        if let Some(key) = &node.key {
            stretches.push(key.start + 1..key.end - 1);
        }
        match node.kind {
            Kind::String => stretches.push(node.span.start + 1..node.span.end - 1),
            Kind::Number => stretches.push(node.span.clone()),
            Kind::Object | Kind::Array | Kind::Word | Kind::Hole => {}
        }
    }
    // Empty ones stay in the row, so that a stretch keeps its number while it becomes shorter.
    stretches
}
