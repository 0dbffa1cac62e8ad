//! Defects of what carries the messages of a device: its parser, buffers, loops, and logs. They sit between the links
//! and the peer, so both sides and every version can have the same.

mod heard;
mod hearing;
mod meeting;
mod rules;
mod said;
mod saying;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Duration;

use protocol::{Role, Version};

use crate::faults::Faults;
use crate::{Fault, Fetch, Oddity};
use heard::Heard;
use rules::{Bite, Rule};
use said::Said;

/// How many calls without an answer are remembered.
const ASKED_KEPT: usize = 64;
/// How many answers a device gives before it grows slower.
const FAST_ANSWERS: u32 = 20;

/// The defects that a device has in carrying messages. A clean device has none and loses no time over them.
#[derive(Debug)]
pub(crate) struct Defects {
    faults: Faults,
    rules: Vec<(&'static str, &'static Rule)>,
    asked: VecDeque<Asked>,
    /// How many answers have left.
    answers: u32,
    /// The message that is being dealt with.
    question: Option<Heard>,
}

/// A call that the device has made.
#[derive(Debug)]
struct Asked {
    identity: String,
    id: String,
    action: String,
}

/// What a defect does to the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The device dies at once.
    Die,
    /// It dies after its answer.
    DieAfter,
    /// Nothing is read from this link any more, which stays open.
    Deafen,
    /// Nothing is made of this message.
    Ignore,
    /// The link is closed with this code, without an answer.
    Close(u16),
    /// The link is dropped, without an answer.
    Cut,
    /// The station loses its power for a moment after its answer.
    Reboot,
    /// A connection is made.
    Fetch(Fetch),
    /// The message is taken for this one.
    Misread(Vec<u8>),
    /// Something else is said behind the answer.
    Say(String),
}

/// What a device with defects makes of a message.
pub(crate) struct Heed<'a> {
    /// What the peer gets to read; nothing if `None`.
    pub(crate) text: Option<Cow<'a, [u8]>>,
    pub(crate) before: Vec<Effect>,
    pub(crate) after: Vec<Effect>,
}

/// Whether the fault with this id is one in carrying messages.
#[cfg(test)]
pub(crate) fn holds(id: &str) -> bool {
    rules::of(id).next().is_some()
}

impl Defects {
    pub(crate) fn new(side: Role, faults: &[Fault]) -> Defects {
        let rules = faults
            .iter()
            .filter(|fault| fault.info().side == side)
            .flat_map(|fault| rules::of(fault.info().id).map(|rule| (fault.info().id, rule)))
            .collect();
        Defects { faults: Faults::new(faults), rules, asked: VecDeque::new(), answers: 0, question: None }
    }

    /// The device carries its messages as it should.
    pub(crate) fn is_none(&self) -> bool {
        self.rules.is_empty()
    }

    pub(crate) fn triggered(&self) -> Vec<&'static str> {
        self.faults.triggered()
    }

    /// A text has come in.
    pub(crate) fn hear<'a>(&mut self, version: Version, identity: &str, text: &'a [u8]) -> Heed<'a> {
        let heard = Heard::read(version, text, |id| self.answered(identity, id));
        let mut heed = Heed { text: Some(Cow::Borrowed(text)), before: Vec::new(), after: Vec::new() };
        for (id, rule) in &self.rules {
            let Bite::Hearing(effect) = rule.bite else { continue };
            if let Some(effect) = effect(&heard) {
                self.faults.hits(id);
                heed.add(effect);
            }
        }
        self.question = Some(heard);
        heed
    }

    /// What it does over something that is no text message; nothing if it does what is right.
    pub(crate) fn meet(&mut self, oddity: Oddity<'_>) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (id, rule) in &self.rules {
            let Bite::Meeting(effect) = rule.bite else { continue };
            if let Some(effect) = effect(oddity) {
                self.faults.hits(id);
                effects.push(effect);
            }
        }
        effects
    }

    /// It never answers a ping.
    pub(crate) fn keeps_pongs(&self) -> bool {
        self.rules.iter().any(|(_, rule)| rule.name == "ignores-pings")
    }

    /// Whether it has the defect of this name; to be asked only where that changes what it does.
    pub(crate) fn hits(&mut self, name: &str) -> bool {
        let Some((id, _)) = self.rules.iter().find(|(_, rule)| rule.name == name) else { return false };
        self.faults.hits(id)
    }

    /// The message that came in has been dealt with.
    pub(crate) fn heard(&mut self) {
        self.question = None;
    }

    /// A text wants to leave.
    pub(crate) fn say(&mut self, identity: &str, text: String, others: &[String]) -> Vec<String> {
        let mut texts = vec![text];
        for (id, rule) in &self.rules {
            let Bite::Saying(change) = rule.bite else { continue };
            let mut changed = Vec::new();
            for text in texts {
                match change(&Said::read(&text, self.question.as_ref(), others)) {
                    Some(others) => {
                        self.faults.hits(id);
                        changed.extend(others);
                    }
                    None => changed.push(text),
                }
            }
            texts = changed;
        }
        for text in &texts {
            if let Some((id, action)) = said::call(text) {
                self.ask(identity, id, action);
            }
        }
        texts
    }

    /// An answer leaves: how late.
    pub(crate) fn delay(&mut self) -> Duration {
        self.answers = self.answers.saturating_add(1);
        let slower = self.answers.saturating_sub(FAST_ANSWERS);
        let mut delay = Duration::ZERO;
        if slower > 0 && self.hits("grows-slower") {
            delay += Duration::from_millis(5) * slower.min(100_000);
        }
        if self.answers.is_multiple_of(16) && self.hits("answers-late") {
            delay += Duration::from_secs(60);
        }
        delay
    }

    /// An answer leaves, and there is another link: whether it takes that one.
    pub(crate) fn goes_astray(&mut self) -> bool {
        self.answers.is_multiple_of(8) && self.hits("answers-on-another-link")
    }

    /// A link is gone, and with it the answers to what was asked on it.
    pub(crate) fn closed(&mut self, identity: &str) {
        self.asked.retain(|asked| asked.identity != identity);
    }

    fn ask(&mut self, identity: &str, id: String, action: String) {
        if self.asked.len() >= ASKED_KEPT {
            self.asked.pop_front();
        }
        self.asked.push_back(Asked { identity: identity.to_owned(), id, action });
    }

    /// The action of the call that is answered under this id.
    fn answered(&mut self, identity: &str, id: &str) -> Option<String> {
        let at = self.asked.iter().position(|asked| asked.identity == identity && asked.id == id)?;
        self.asked.remove(at).map(|asked| asked.action)
    }
}

impl Heed<'_> {
    fn add(&mut self, effect: Effect) {
        match effect {
            Effect::DieAfter | Effect::Reboot | Effect::Fetch(_) | Effect::Say(_) => self.after.push(effect),
            Effect::Ignore => self.text = None,
            Effect::Misread(other) => self.text = self.text.take().map(|_| Cow::Owned(other)),
            Effect::Die | Effect::Deafen | Effect::Close(_) | Effect::Cut => {
                self.text = None;
                self.before.push(effect);
            }
        }
    }
}
