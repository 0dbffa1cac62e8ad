//! Which part of a row goes next: all of it, halves, quarters, … single ones.

use std::ops::Range;

/// Walks over a row in ever smaller steps.
#[derive(Debug)]
pub(super) enum Chunks {
    /// All of it.
    Whole,
    /// All but the last one: often it alone does it.
    AllButLast,
    /// A part, from here, of this size.
    Parts { size: usize, at: usize },
}

impl Chunks {
    /// What goes next of a row that is so long by now. What is taken out makes it shorter.
    pub(super) fn next(&mut self, length: usize) -> Option<Range<usize>> {
        if let Chunks::Whole = self {
            return (length > 0).then_some(0..length);
        }
        if let Chunks::AllButLast = self {
            if length > 2 {
                return Some(0..length - 1);
            }
            *self = Chunks::Parts { size: length, at: 0 };
        }
        let Chunks::Parts { size, at } = self else { return None };
        // All of what is left was tried.
        *size = (*size).min(length / 2);
        if *at >= length {
            *size /= 2;
            *at = 0;
        }
        (*size > 0).then(|| *at..(*at + *size).min(length))
    }

    /// Goes on with smaller steps.
    pub(super) fn skip(&mut self) {
        if let Chunks::Parts { at, .. } = self {
            *at = usize::MAX;
        }
    }

    pub(super) fn told(&mut self, taken: bool) {
        match self {
            Chunks::Whole if taken => *self = Chunks::Parts { size: 0, at: 0 },
            Chunks::Whole => *self = Chunks::AllButLast,
            Chunks::AllButLast => *self = Chunks::Parts { size: usize::MAX, at: 0 },
            Chunks::Parts { .. } if taken => {}
            Chunks::Parts { size, at } => *at = at.saturating_add(*size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_tried_from_large_to_small() {
        let mut chunks = Chunks::Whole;
        let mut seen = Vec::new();
        while let Some(range) = chunks.next(4) {
            seen.push(range);
            chunks.told(false);
        }
        assert_eq!(seen, [0..4, 0..3, 0..2, 2..4, 0..1, 1..2, 2..3, 3..4]);
    }

    #[test]
    fn one_of_many_is_isolated_in_few_steps() {
        let mut row: Vec<usize> = (0..1000).collect();
        let mut chunks = Chunks::Whole;
        let mut steps = 0;
        while let Some(range) = chunks.next(row.len()) {
            steps += 1;
            let keeps = row.iter().enumerate().any(|(at, item)| *item == 613 && !range.contains(&at));
            if keeps {
                row.drain(range);
            }
            chunks.told(keeps);
        }
        assert_eq!(row, [613]);
        assert!(steps < 50, "{steps}");
    }
}
