//! From one stream of choices to acts, on seven layers.

mod allowed;
mod edges;
mod envelope;
mod frames;
mod goals;
mod handshakes;
mod messages;
mod negatives;
mod odd;
mod payload;
mod sequences;
mod sessions;
mod shapes;
#[cfg(test)]
mod tests;
mod text;
mod writing;

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

use protocol::catalogue::Catalogue;
use protocol::generate::{Choices, one_in, pick};
use protocol::{Role, Timestamp};
use serde_json::Value;

pub use allowed::{Allowed, DENIED, Denied, SETTINGS, Which};
pub use negatives::{Negative, negatives};
pub use payload::Side;

use crate::Act;
use crate::act::Fill;
use crate::model::Move;
use crate::view::View;

/// The layers, from the wire up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Bytes and handshakes.
    L0,
    /// WebSocket frames.
    L1,
    /// JSON text.
    L2,
    /// The array around the payload: type, id, arity, error codes, unsolicited answers.
    L3,
    /// Payloads by their schema: valid, singly broken, wildly broken; requests and answers.
    L4,
    /// Sequences against the model: legal, illegal, replayed, reordered, delayed, cut.
    L5,
    /// Several links, identities and clocks.
    L6,
}

impl Layer {
    /// Every layer.
    pub const ALL: [Layer; 7] = [Layer::L0, Layer::L1, Layer::L2, Layer::L3, Layer::L4, Layer::L5, Layer::L6];
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl FromStr for Layer {
    type Err = String;

    fn from_str(text: &str) -> Result<Layer, String> {
        Layer::ALL
            .into_iter()
            .find(|layer| layer.to_string().eq_ignore_ascii_case(text))
            .ok_or_else(|| format!("expected a layer from L0 to L6, found \"{text}\""))
    }
}

/// Makes the acts of one episode: it remembers what it made, so that messages can be repeated, swapped and delayed.
#[derive(Clone, Debug)]
pub struct Generator {
    layers: Vec<(Layer, u64)>,
    /// What is walked through, and where the walk is.
    walk: Option<(Walk, usize)>,
    /// The walk through the moves of the model.
    goals: Option<goals::Walk>,
    memory: Memory,
}

/// What is kept of the acts before.
#[derive(Clone, Debug, Default)]
struct Memory {
    /// The last message id that was given.
    ids: u32,
    /// A number that only rises: for meters, sequence numbers, versions of lists.
    number: i64,
    /// How many seconds our clock is wrong.
    clock: i64,
    /// The ids that stand for transactions of our own (2.x).
    transactions: Vec<u32>,
    /// Messages that were sent, the newest last.
    done: VecDeque<Act>,
    /// What comes next in any case.
    queue: VecDeque<Act>,
    /// The steps of a session that goes on between everything else.
    agenda: VecDeque<Act>,
    /// What comes when so many others were done.
    held: Option<(usize, Act)>,
}

impl Memory {
    fn next_id(&mut self) -> u32 {
        self.ids = self.ids.saturating_add(1);
        self.ids
    }
}

/// What an episode walks through, so that each of it is met once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Walk {
    /// The states and moves of the model.
    Goals,
    /// The [`negatives`]: every constraint of every message, once broken.
    Negatives,
    /// What can be wrong around a payload.
    Oddities,
    /// The ends of every field, which are legal.
    Edges,
    /// Values that have tripped implementations.
    Shapes,
    /// What can be odd about a handshake with a CSMS.
    Handshakes,
}

impl Walk {
    /// The layer that it belongs to.
    fn layer(self) -> Layer {
        match self {
            Walk::Goals => Layer::L5,
            Walk::Negatives | Walk::Edges => Layer::L4,
            Walk::Oddities => Layer::L3,
            Walk::Shapes => Layer::L2,
            Walk::Handshakes => Layer::L0,
        }
    }
}

/// What an episode is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// A row of acts as they come.
    Free,
    /// It walks through something in between.
    Walk(Walk),
    /// A stateful property ([`is_property`]).
    Property,
}

impl Turn {
    fn of(episode: u64) -> Turn {
        TURNS[(episode % TURNS.len() as u64) as usize]
    }
}

/// Whether the episode of this number is a row of moves that proptest makes, and nothing else.
pub fn is_property(layers: &[Layer], episode: u64) -> bool {
    layers.contains(&Layer::L5) && Turn::of(episode) == Turn::Property
}

/// The makers of acts, each in the file of its layer.
struct Maker<'a, 'v> {
    view: &'a View<'v>,
    memory: &'a mut Memory,
    choices: &'a mut dyn Choices,
}

/// The most bytes that an act carries.
pub const LARGEST: usize = 1 << 20;
/// What the episodes are, by turns.
const TURNS: [Turn; 12] = [
    Turn::Free,
    Turn::Walk(Walk::Goals),
    Turn::Walk(Walk::Oddities),
    Turn::Walk(Walk::Negatives),
    Turn::Walk(Walk::Edges),
    Turn::Walk(Walk::Goals),
    Turn::Property,
    Turn::Walk(Walk::Shapes),
    Turn::Walk(Walk::Negatives),
    Turn::Walk(Walk::Goals),
    Turn::Walk(Walk::Handshakes),
    Turn::Walk(Walk::Negatives),
];
/// The items of several lists in one row: the first of each, then the second of each.
fn by_turns<T>(lists: Vec<Vec<T>>) -> Vec<T> {
    let mut lists: Vec<_> = lists.into_iter().map(Vec::into_iter).collect();
    let mut row = Vec::new();
    while !lists.is_empty() {
        lists.retain_mut(|list| list.next().map(|item| row.push(item)).is_some());
    }
    row
}

/// How many messages are remembered.
const REMEMBERED: usize = 32;
/// Longer ones are not.
const LONGEST_REMEMBERED: usize = 4096;

impl Generator {
    /// A generator for a new episode that keeps to these layers, with legal messages in between.
    pub fn new(layers: &[Layer]) -> Generator {
        let weight = |layer| match layer {
            Layer::L4 => 8,
            Layer::L5 => 9,
            Layer::L1 | Layer::L2 | Layer::L3 => 3,
            Layer::L0 | Layer::L6 => 2,
        };
        // What is most likely comes first, and so for small choices.
        let mut layers: Vec<(Layer, u64)> = layers.iter().map(|layer| (*layer, weight(*layer))).collect();
        layers.sort_by_key(|(layer, weight)| (std::cmp::Reverse(*weight), *layer));
        layers.dedup();
        Generator { layers, walk: None, goals: None, memory: Memory::default() }
    }

    /// A generator for the episode of this number in a row of episodes of so many acts. Most episodes walk through
    /// something that is met once in a while, each walk from where the one before it stopped.
    pub fn for_episode(layers: &[Layer], number: u64, length: usize) -> Generator {
        let mut generator = Generator::new(layers);
        let (round, turn) = (number / TURNS.len() as u64, (number % TURNS.len() as u64) as usize);
        let walk = match TURNS[turn] {
            Turn::Walk(walk) if layers.contains(&walk.layer()) => walk,
            _ => return generator,
        };
        let times = |turns: &[Turn]| turns.iter().filter(|other| **other == Turn::Walk(walk)).count();
        let before =
            usize::try_from(round).unwrap_or(0).wrapping_mul(times(&TURNS)).wrapping_add(times(&TURNS[..turn]));
        match walk {
            Walk::Goals => generator.goals = Some(goals::Walk::new(before, length)),
            // Every second act is one; that an answer takes two more makes the walks overlap.
            Walk::Negatives => generator.walk = Some((walk, before.wrapping_mul(length / 3))),
            Walk::Oddities | Walk::Edges | Walk::Shapes => {
                generator.walk = Some((walk, before.wrapping_mul(length / 2)));
            }
            // Each takes two or three acts.
            Walk::Handshakes => generator.walk = Some((walk, before.wrapping_mul(length / 4))),
        }
        generator
    }

    /// The next act. A stream of zeros gives a plain legal message.
    pub fn next(&mut self, view: &View<'_>, choices: &mut dyn Choices) -> Act {
        let act = match self.due() {
            Some(act) => act,
            None => self.made(view, choices),
        };
        let act = view.in_time(self.permitted(act, view, choices));
        if matches!(&act, Act::Send { text, .. } if text.len() <= LONGEST_REMEMBERED) {
            if self.memory.done.len() == REMEMBERED {
                self.memory.done.pop_front();
            }
            self.memory.done.push_back(act.clone());
        }
        act
    }

    /// The message of a move of the model, if it may be sent.
    pub fn made_of(&mut self, chosen: &Move, link: usize, view: &View<'_>, choices: &mut dyn Choices) -> Option<Act> {
        let act = Maker { view, memory: &mut self.memory, choices }.made_of(chosen, link)?;
        view.allowed.denies_act(view.device, view.version, &act).is_none().then_some(act)
    }

    /// Something done to the device from outside the wire, if it can be driven.
    pub fn stimulus(&mut self, view: &View<'_>, link: usize, choices: &mut dyn Choices) -> Option<Act> {
        let act = Maker { view, memory: &mut self.memory, choices }.stimulus_act(link)?;
        view.allowed.denies_act(view.device, view.version, &act).is_none().then_some(act)
    }

    /// The number of a message id that was not used in this episode.
    pub fn fresh_id(&mut self) -> u32 {
        self.memory.next_id()
    }

    /// Begins a walk through one of the [`negatives`]: its act, after which [`Generator::next`] gives what makes the
    /// device call us, where the negative is an answer. Nothing if it must not be sent.
    pub fn negative(&mut self, negative: &Negative, view: &View<'_>, choices: &mut dyn Choices) -> Option<Act> {
        let act = negative.act(0, self.memory.next_id(), view.now)?;
        if view.allowed.denies_act(view.device, view.version, &act).is_some() {
            return None;
        }
        if negative.side == Side::Response {
            let message = Catalogue::of(view.version).message(negative.action)?;
            let cause = Maker { view, memory: &mut self.memory, choices }.cause(0, message)?;
            self.memory.queue.push_back(cause);
        }
        Some(act)
    }

    /// What was promised before.
    fn due(&mut self) -> Option<Act> {
        if let Some(act) = self.memory.queue.pop_front() {
            return Some(act);
        }
        match &mut self.memory.held {
            Some((0, _)) => self.memory.held.take().map(|(_, act)| act),
            Some((left, _)) => {
                *left -= 1;
                None
            }
            None => None,
        }
    }

    /// The next step of the walk, if this is one.
    fn walked(&mut self, view: &View<'_>, choices: &mut dyn Choices) -> Option<Act> {
        let (walk, at) = self.walk?;
        let is_other = if walk == Walk::Negatives { !one_in(2, choices) } else { one_in(3, choices) };
        if is_other {
            return None;
        }
        self.walk = Some((walk, at.wrapping_add(1)));
        match walk {
            Walk::Goals => None,
            Walk::Negatives => self.next_negative(at, view, choices),
            Walk::Oddities => Some(Maker { view, memory: &mut self.memory, choices }.oddity(at)),
            Walk::Edges => {
                let all = edges::all(view.version, view.device);
                all.get(at % all.len().max(1))?.act(self.memory.next_id(), view.now)
            }
            Walk::Shapes => Some(Maker { view, memory: &mut self.memory, choices }.shape(at)),
            Walk::Handshakes if view.device == Role::Station => None,
            Walk::Handshakes => Some(Maker { view, memory: &mut self.memory, choices }.odd_handshake(at)),
        }
    }

    /// The first of the negatives from here that can be sent.
    fn next_negative(&mut self, at: usize, view: &View<'_>, choices: &mut dyn Choices) -> Option<Act> {
        let all = negatives::all(view.version, view.device);
        for step in 0..all.len() {
            let act = self.negative(&all[at.wrapping_add(step) % all.len()], view, choices);
            self.walk = Some((Walk::Negatives, at.wrapping_add(step + 1)));
            if act.is_some() {
                return act;
            }
        }
        None
    }

    fn made(&mut self, view: &View<'_>, choices: &mut dyn Choices) -> Act {
        if let Some(act) = self.towards_goal(view, choices).or_else(|| self.walked(view, choices)) {
            return act;
        }
        // Not every step is done: what if one is left out?
        if !self.memory.agenda.is_empty() && one_in(3, choices) {
            let is_kept = !one_in(16, choices);
            if let Some(step) = self.memory.agenda.pop_front().filter(|_| is_kept) {
                return step;
            }
        }
        let mut maker = Maker { view, memory: &mut self.memory, choices };
        // Whatever the layers: who only hears nonsense soon hears nothing.
        match maker.choices.choose(16) {
            0 => return maker.plain_act(),
            1..=3 => return maker.legal_act(),
            _ => {}
        }
        let mut chosen = drawn(&self.layers, maker.choices);
        if view.has_slow_returns() && chosen.is_some_and(ends_links) && !one_in(4, maker.choices) {
            let lasting: Vec<_> = self.layers.iter().copied().filter(|(layer, _)| !ends_links(*layer)).collect();
            chosen = drawn(&lasting, maker.choices).or(chosen);
        }
        match chosen {
            Some(Layer::L0) => maker.handshake_act(),
            Some(Layer::L1) => maker.frame_act(),
            Some(Layer::L2) => maker.json_act(),
            Some(Layer::L3) => maker.envelope_act(),
            Some(Layer::L4) => maker.schema_act(),
            Some(Layer::L5) => maker.sequence_act(),
            Some(Layer::L6) => maker.links_act(),
            None => maker.legal_act(),
        }
    }

    /// The act, or a plain message instead of one that must not be sent.
    fn permitted(&mut self, act: Act, view: &View<'_>, choices: &mut dyn Choices) -> Act {
        if act.text().is_none_or(|text| text.len() <= LARGEST)
            && view.allowed.denies_act(view.device, view.version, &act).is_none()
        {
            return act;
        }
        Maker { view, memory: &mut self.memory, choices }.plain_act()
    }
}

impl Maker<'_, '_> {
    /// A link to say something on: mostly the first.
    fn link(&mut self) -> usize {
        if self.view.device == Role::Station || !one_in(5, self.choices) {
            return 0;
        }
        let open: Vec<usize> =
            self.view.links.iter().filter(|(_, link)| link.open).map(|(number, _)| *number).collect();
        pick(&open, self.choices).copied().unwrap_or(0)
    }
}

/// Fills holes with something that fits, where only the shape of a message matters.
#[derive(Clone, Copy, Debug)]
pub struct StandIn;

impl Fill for StandIn {
    fn id(&self, number: u32) -> String {
        format!("id-{number}")
    }

    fn asked(&self) -> Option<String> {
        Some("asked".to_owned())
    }

    fn now(&self) -> Timestamp {
        SOME_TIME
    }

    fn known(&self, _name: &str, _back: usize) -> Option<Value> {
        None
    }
}

/// The moment of a [`StandIn`]: 2026-01-01T12:00:00Z.
const SOME_TIME: Timestamp = Timestamp(1_767_268_800_000_000);

/// One of the layers, by their weights.
fn drawn(layers: &[(Layer, u64)], choices: &mut dyn Choices) -> Option<Layer> {
    let total: u64 = layers.iter().map(|(_, weight)| weight).sum();
    let mut at = choices.choose(total);
    let chosen = layers.iter().find(|(_, weight)| {
        let is_here = at < *weight;
        at = at.saturating_sub(*weight);
        is_here
    });
    chosen.map(|(layer, _)| *layer)
}

/// Whether most of what a layer does ends the link.
fn ends_links(layer: Layer) -> bool {
    matches!(layer, Layer::L0 | Layer::L1 | Layer::L6)
}
