//! Makes a sequence small: first acts go, then forms become plain, then fields of JSON go, then bytes.
//!
//! A [`Shrinker`] proposes and is told; whoever owns it plays. So it knows neither device nor clock, and the same
//! answers lead to the same end.

mod atoms;
mod bytes;
mod chunks;
mod fields;
mod forms;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::act::{Part, Text};
use crate::{Act, Sequence};
use bytes::Bytes;
use chunks::Chunks;
use fields::Fields;
use forms::Forms;

/// What playing a smaller sequence showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Showing {
    /// What it is about: the smaller sequence is as good.
    Same,
    /// Something else.
    Other,
    /// Nothing.
    Nothing,
}

/// What shrinking may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How often the device may be played against.
    pub executions: u32,
    /// How long it may take.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { executions: 500, time: Duration::from_secs(60) }
    }
}

/// Passes over everything; each later one finds only what the one before made possible.
const ROUNDS: u32 = 4;
/// Proposals that were made already are passed over; after so many in a row larger steps are taken.
const STALE: u32 = 64;
/// And after so many nothing new is expected.
const EXHAUSTED: u32 = 1000;

/// Makes a sequence small. Ask [`Shrinker::propose`], play, answer with [`Shrinker::told`]; in the end take
/// [`Shrinker::best`].
pub struct Shrinker<'a> {
    best: Sequence,
    limits: Limits,
    /// What must not be done, however small it is.
    forbidden: Box<dyn Fn(&Act) -> bool + Send + 'a>,
    tried: HashSet<u64>,
    executions: u32,
    round: u32,
    taken_in_round: bool,
    pass: Pass,
    proposed: Option<Sequence>,
}

enum Pass {
    Acts(Chunks),
    Forms(Forms),
    Fields(Fields),
    Bytes(Bytes),
}

impl<'a> Shrinker<'a> {
    /// Begins with a sequence that shows something. Acts for which `forbidden` holds are never proposed.
    pub fn new(sequence: Sequence, limits: Limits, forbidden: impl Fn(&Act) -> bool + Send + 'a) -> Shrinker<'a> {
        let tried = HashSet::from([fingerprint(&sequence)]);
        Shrinker {
            best: sequence,
            limits,
            forbidden: Box::new(forbidden),
            tried,
            executions: 0,
            round: 0,
            taken_in_round: false,
            pass: Pass::Acts(Chunks::Whole),
            proposed: None,
        }
    }

    /// The next smaller sequence to be played, after so much time; nothing when it is enough.
    pub fn propose(&mut self, elapsed: Duration) -> Option<Sequence> {
        let mut stale = 0;
        while self.executions < self.limits.executions && elapsed < self.limits.time && stale < EXHAUSTED {
            let Some(candidate) = self.pass.next(&self.best) else {
                if !self.advance() {
                    return None;
                }
                continue;
            };
            let forbidden = candidate.acts.iter().any(|act| !self.best.acts.contains(act) && (self.forbidden)(act));
            if forbidden || !self.tried.insert(fingerprint(&candidate)) {
                stale += 1;
                self.pass.told(false);
                if stale.is_multiple_of(STALE) {
                    self.pass.skip();
                }
                continue;
            }
            self.executions += 1;
            self.proposed = Some(candidate.clone());
            return Some(candidate);
        }
        None
    }

    /// What the last proposal showed.
    pub fn told(&mut self, showing: Showing) {
        let Some(candidate) = self.proposed.take() else { return };
        let taken = showing == Showing::Same;
        if taken {
            self.best = candidate;
            self.taken_in_round = true;
        }
        self.pass.told(taken);
    }

    /// The smallest sequence so far.
    pub fn best(&self) -> &Sequence {
        &self.best
    }

    /// How many sequences were proposed.
    pub fn executions(&self) -> u32 {
        self.executions
    }

    /// The next pass; `false` when there is none.
    fn advance(&mut self) -> bool {
        self.pass = match self.pass {
            Pass::Acts(_) => Pass::Forms(Forms::default()),
            Pass::Forms(_) => Pass::Fields(Fields::default()),
            Pass::Fields(_) => Pass::Bytes(Bytes::default()),
            Pass::Bytes(_) => {
                self.round += 1;
                if !std::mem::take(&mut self.taken_in_round) || self.round >= ROUNDS {
                    return false;
                }
                Pass::Acts(Chunks::Whole)
            }
        };
        true
    }
}

impl Pass {
    fn next(&mut self, best: &Sequence) -> Option<Sequence> {
        match self {
            Pass::Acts(chunks) => {
                let gone = chunks.next(best.acts.len())?;
                let mut smaller = best.clone();
                smaller.acts.drain(gone);
                Some(smaller)
            }
            Pass::Forms(forms) => forms.next(best),
            Pass::Fields(fields) => fields.next(best),
            Pass::Bytes(bytes) => bytes.next(best),
        }
    }

    /// What comes next would be more of the same.
    fn skip(&mut self) {
        match self {
            Pass::Acts(chunks) => chunks.skip(),
            Pass::Forms(_) => {}
            Pass::Fields(fields) => fields.skip(),
            Pass::Bytes(bytes) => bytes.skip(),
        }
    }

    fn told(&mut self, taken: bool) {
        match self {
            Pass::Acts(chunks) => chunks.told(taken),
            Pass::Forms(forms) => forms.told(taken),
            Pass::Fields(fields) => fields.told(taken),
            Pass::Bytes(bytes) => bytes.told(taken),
        }
    }
}

/// The sequence with something else in one of its acts.
fn with_text(best: &Sequence, at: usize, text: Text) -> Sequence {
    let mut smaller = best.clone();
    smaller.acts[at] = best.acts[at].with_text(text);
    smaller
}

/// Equal for equal sequences, within one process.
fn fingerprint(sequence: &Sequence) -> u64 {
    let mut hasher = DefaultHasher::new();
    for act in &sequence.acts {
        // Long texts are hashed as they are, the rest by how it is shown.
        if let Some(Text(parts)) = act.text() {
            for part in parts {
                match part {
                    Part::Bytes(bytes) => bytes.hash(&mut hasher),
                    Part::Hole(hole) => hole.hash(&mut hasher),
                }
            }
            format!("{:?}", act.with_text(Text::default())).hash(&mut hasher);
        } else {
            format!("{act:?}").hash(&mut hasher);
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests;
