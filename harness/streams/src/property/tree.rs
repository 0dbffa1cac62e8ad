//! Rows of elements, and how they become smaller.

use proptest::prelude::Rng as _;
use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::TestRunner;

/// The choices of one step.
pub type Element = Vec<u8>;

/// Rows of up to so many elements.
#[derive(Clone, Debug)]
pub struct Sequences {
    length: usize,
}

/// The most choices of an element; when they run out, every further one is the plainest.
const CHOICES: usize = 12;

impl Sequences {
    /// Rows of one to this many elements.
    pub fn up_to(length: usize) -> Sequences {
        Sequences { length: length.max(1) }
    }
}

impl Strategy for Sequences {
    type Tree = Tree;
    type Value = Vec<Element>;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let mut below = |bound: usize| (runner.rng().next_u32() as usize) % bound.max(1);
        let length = 1 + below(self.length);
        let mut elements = Vec::with_capacity(length);
        for _ in 0..length {
            let choices = 1 + below(CHOICES);
            elements.push((0..choices).map(|_| (below(256)) as u8).collect());
        }
        Ok(Tree::new(elements))
    }
}

/// A row of elements on its way to a smaller one. First whole stretches are left out, from long to short, then the
/// choices of what remains are cut off or made plainer. Every step forward is taken back by [`ValueTree::complicate`]
/// when it does not show what is looked for.
#[derive(Clone, Debug)]
pub struct Tree {
    elements: Vec<Element>,
    /// What the last step changed.
    before: Option<Vec<Element>>,
    next: Step,
    /// Whether something became smaller since the first step.
    gained: bool,
}

/// What is tried next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Leave so many elements out, from here on; stretches are taken from the end.
    LeaveOut {
        stretch: usize,
        end: usize,
    },
    /// Make an element plainer: cut off its choices from here on, or halve one.
    Plain {
        element: usize,
        choice: usize,
        halve: bool,
    },
    Done,
}

impl Tree {
    /// From this row.
    pub fn new(elements: Vec<Element>) -> Tree {
        let next = Step::LeaveOut { stretch: (elements.len() / 2).max(1), end: elements.len() };
        Tree { elements, before: None, next, gained: false }
    }

    /// Takes the next step, if it would change something.
    fn take(&mut self, step: Step) -> Option<Vec<Element>> {
        let mut smaller = self.elements.clone();
        match step {
            Step::LeaveOut { stretch, end } => {
                let start = end.saturating_sub(stretch);
                // Without any element there is nothing to be shown.
                if start >= end || end > smaller.len() || end - start >= smaller.len() {
                    return None;
                }
                smaller.drain(start..end);
            }
            Step::Plain { element, choice, halve: false } => {
                let choices = smaller.get_mut(element)?;
                if choice >= choices.len() || choices.len() <= 1 && choices.first() == Some(&0) {
                    return None;
                }
                choices.truncate(choice.max(1));
                if choice == 0 {
                    choices[0] = 0;
                }
            }
            Step::Plain { element, choice, halve: true } => {
                let value = smaller.get_mut(element)?.get_mut(choice)?;
                if *value == 0 {
                    return None;
                }
                *value = if *value > 16 { *value / 2 } else { *value - 1 };
            }
            Step::Done => return None,
        }
        Some(smaller)
    }

    fn following(&mut self, step: Step) -> Step {
        match step {
            Step::LeaveOut { stretch, end } if end > stretch => Step::LeaveOut { stretch, end: end - stretch },
            Step::LeaveOut { stretch, .. } if stretch > 1 => {
                Step::LeaveOut { stretch: stretch / 2, end: self.elements.len() }
            }
            Step::LeaveOut { .. } => Step::Plain { element: 0, choice: 0, halve: false },
            Step::Plain { element, choice, halve } => {
                let length = self.elements.get(element).map_or(0, Vec::len);
                if choice + 1 < length {
                    Step::Plain { element, choice: choice + 1, halve }
                } else if !halve {
                    Step::Plain { element, choice: 0, halve: true }
                } else if element + 1 < self.elements.len() {
                    Step::Plain { element: element + 1, choice: 0, halve: false }
                } else if std::mem::take(&mut self.gained) {
                    // What is plainer may need less.
                    Step::LeaveOut { stretch: 1, end: self.elements.len() }
                } else {
                    Step::Done
                }
            }
            Step::Done => Step::Done,
        }
    }
}

impl ValueTree for Tree {
    type Value = Vec<Element>;

    fn current(&self) -> Vec<Element> {
        self.elements.clone()
    }

    fn simplify(&mut self) -> bool {
        if self.before.take().is_some() {
            // The last step still shows it: the same again, as far as there is something left to it.
            self.gained = true;
            if let Step::LeaveOut { stretch, end } = self.next {
                let end = end.saturating_sub(stretch);
                self.next = if end > 0 {
                    Step::LeaveOut { stretch, end }
                } else {
                    let from_here = Step::LeaveOut { stretch, end: 0 };
                    self.following(from_here)
                };
            }
        }
        loop {
            if self.next == Step::Done {
                return false;
            }
            if let Some(smaller) = self.take(self.next) {
                self.before = Some(std::mem::replace(&mut self.elements, smaller));
                return true;
            }
            self.next = self.following(self.next);
        }
    }

    fn complicate(&mut self) -> bool {
        let Some(before) = self.before.take() else { return false };
        self.elements = before;
        self.next = self.following(self.next);
        true
    }
}
