//! From elements to acts, in the state that the model is in.

use protocol::Role;
use protocol::generate::{Bytes, Choices};

use super::Element;
use crate::Act;
use crate::act::{Hole, Manner, Part, Text};
use crate::generate::Generator;
use crate::play::Source;
use crate::view::View;

/// Acts that elements become: moves of the model, something done again, at another time, on another link, or the end of
/// a link.
pub struct Elements<'a> {
    left: std::slice::Iter<'a, Element>,
    generator: Generator,
    /// Messages that were sent.
    done: Vec<Act>,
    /// What was put off until the next act is done.
    held: Option<Act>,
    due: Option<Act>,
}

/// Waits, in milliseconds.
const WAITS: [u64; 4] = [1, 20, 500, 5000];

impl<'a> Elements<'a> {
    /// These elements, in order.
    pub fn new(elements: &'a [Element]) -> Elements<'a> {
        Elements { left: elements.iter(), generator: Generator::new(&[]), done: Vec::new(), held: None, due: None }
    }

    fn act(&mut self, view: &View<'_>, choices: &mut dyn Choices) -> Option<Act> {
        match choices.choose(20) {
            0..=12 => self.move_act(view, choices),
            13 => self.earlier(choices),
            14 => self.earlier(choices).map(|act| self.renumbered(&act)),
            15 => {
                let wait = choices.choose(WAITS.len() as u64) as usize;
                Some(Act::Pass { ms: WAITS[wait.min(WAITS.len() - 1)] })
            }
            16 => Some(Act::Cut { link: self.link(view, choices) }),
            17 => {
                // The next act comes first.
                if self.held.is_none() {
                    self.held = self.move_act(view, choices);
                }
                None
            }
            18 if view.device == Role::Csms => {
                let identity = choices.choose(view.identities.max(1) as u64) as usize;
                Some(Act::Connect { link: identity, identity, manner: Manner::default() })
            }
            _ => self.generator.stimulus(view, self.link(view, choices), choices).or(Some(Act::Pass { ms: 1 })),
        }
    }

    fn link(&self, view: &View<'_>, choices: &mut dyn Choices) -> usize {
        if view.device == Role::Station || choices.choose(4) < 3 {
            return 0;
        }
        let mut open = view.links.iter().filter(|(_, link)| link.open).map(|(number, _)| *number);
        open.next_back().unwrap_or(0)
    }

    /// The move that stands here in the table of all moves, or the next one that can be made now.
    fn move_act(&mut self, view: &View<'_>, choices: &mut dyn Choices) -> Option<Act> {
        let row = choices.choose(view.model.kinds() as u64) as usize;
        let link = self.link(view, choices);
        let chosen = view.model.move_from(link, row).or_else(|| view.model.move_from(0, row));
        chosen.and_then(|chosen| self.generator.made_of(&chosen, link, view, choices))
    }

    fn earlier(&self, choices: &mut dyn Choices) -> Option<Act> {
        let back = choices.choose(self.done.len() as u64) as usize;
        self.done.get(self.done.len().checked_sub(back + 1)?).cloned()
    }

    /// The same with a message id of its own.
    fn renumbered(&mut self, act: &Act) -> Act {
        let Some(text) = act.text() else { return act.clone() };
        let new = self.generator.fresh_id();
        let parts = text.0.iter().map(|part| match part {
            Part::Hole(Hole::Id(_)) => Part::Hole(Hole::Id(new)),
            other => other.clone(),
        });
        act.with_text(parts.collect::<Text>())
    }
}

impl Source for Elements<'_> {
    fn next(&mut self, view: &View<'_>) -> Option<Act> {
        let act = loop {
            if let Some(due) = self.due.take() {
                break due;
            }
            let Some(element) = self.left.next() else { break self.held.take()? };
            let held = self.held.take();
            let act = self.act(view, &mut Bytes::new(element));
            match (act, held) {
                (Some(act), held) => {
                    self.due = held;
                    break act;
                }
                (None, Some(held)) => break held,
                (None, None) => {}
            }
        };
        if matches!(act, Act::Send { .. }) {
            self.done.push(act.clone());
        }
        Some(view.in_time(act))
    }
}
