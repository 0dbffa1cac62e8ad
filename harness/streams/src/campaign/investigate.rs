//! From a suspicion to a finding: does it show again, how little does it take, does it always show.

use std::time::Instant;

use crate::act::Act;
use crate::finding::Signature;
use crate::generate::Allowed;
use crate::oracles::{Code, Suspicion};
use crate::play::{Frozen, Outcome, play};
use crate::shrink::{Showing, Shrinker};
use crate::target::{How, Target};
use crate::{Seen, Sequence};

use super::Campaign;

/// Something found, made small.
#[derive(Clone, Debug)]
pub struct Found {
    /// What it takes.
    pub sequence: Sequence,
    /// What was noticed.
    pub suspicion: Suspicion,
    /// Whether it was confirmed with the whole time-out for every call.
    pub serial: bool,
    /// How often it showed when it was repeated.
    pub shown: u32,
    /// Of so many times.
    pub tried: u32,
    /// The last time it showed, as far as it was kept.
    pub seen: Vec<Seen>,
    /// The episode it was first seen in.
    pub episode: u64,
    /// How many acts that episode had up to there.
    pub acts_before: usize,
}

/// Whether an outcome shows what was suspected.
pub(crate) fn shows<'a>(outcome: &'a Outcome, suspicion: &Suspicion) -> Option<&'a Suspicion> {
    Signature::of(suspicion).shown_by(outcome)
}

/// Looks into a suspicion. `None` if it does not show again and cannot be held up by the bytes alone.
pub(super) async fn investigate(
    campaign: &Campaign,
    target: &mut Target,
    slot: usize,
    outcome: &Outcome,
    suspicion: &Suspicion,
) -> Option<Found> {
    let serial = suspicion.nominated;
    let mut again = Again { campaign, target, slot, serial };
    let upto = outcome.acts.len().min(suspicion.act + 1);
    let mut best: Option<(Vec<Act>, Outcome)> = None;
    // What is noticed at the end of an episode may be due to any act of it.
    for acts in [&outcome.acts[..upto], &outcome.acts[..]] {
        let repeated = again.play(acts).await;
        if shows(&repeated, suspicion).is_some() {
            best = Some((acts.to_vec(), repeated));
            break;
        }
    }
    let Some((acts, repeated)) = best else {
        // The bytes of an invalid message speak for themselves; a silence, or a death, does not.
        let speaks = !suspicion.nominated && !matches!(suspicion.oracle, Code::O1 | Code::O8);
        return speaks.then(|| Found {
            sequence: Sequence::new(again.target.device, again.target.version, outcome.acts.clone()),
            suspicion: suspicion.clone(),
            serial: false,
            shown: 0,
            tried: 2,
            seen: outcome.seen.clone(),
            episode: 0,
            acts_before: outcome.acts.len(),
        });
    };
    let acts_before = acts.len();
    let (acts, repeated) = again.minimise(acts, repeated, suspicion).await;
    let (mut shown, mut tried) = (0, 0);
    let mut last = repeated;
    while tried < campaign.repeats {
        tried += 1;
        let repeated = again.play(&acts).await;
        if shows(&repeated, suspicion).is_some() {
            shown += 1;
            last = repeated;
        }
    }
    let suspicion = shows(&last, suspicion).unwrap_or(suspicion).clone();
    Some(Found {
        sequence: Sequence::new(again.target.device, again.target.version, acts),
        suspicion,
        serial,
        shown,
        tried,
        seen: last.seen,
        episode: 0,
        acts_before,
    })
}

struct Again<'a> {
    campaign: &'a Campaign,
    target: &'a mut Target,
    slot: usize,
    serial: bool,
}

impl Again<'_> {
    async fn play(&mut self, acts: &[Act]) -> Outcome {
        let how = How { serial: self.serial, fresh: true, slot: self.slot };
        let outcome = play(self.target, &mut Frozen::new(acts), &self.campaign.allowed, how).await;
        if !outcome.alive || outcome.unreachable.is_some() {
            revive(self.target, &self.campaign.allowed, self.slot).await;
        }
        outcome
    }

    /// Fewer and smaller acts that show the same.
    async fn minimise(&mut self, acts: Vec<Act>, outcome: Outcome, suspicion: &Suspicion) -> (Vec<Act>, Outcome) {
        let (device, version) = (self.target.device, self.target.version);
        let allowed = self.campaign.allowed.clone();
        let forbidden = move |act: &Act| allowed.denies_act(device, version, act).is_some();
        let mut shrinker = Shrinker::new(Sequence::new(device, version, acts), self.campaign.shrink, forbidden);
        let began = Instant::now();
        let mut last = outcome;
        while let Some(smaller) = shrinker.propose(began.elapsed()) {
            let outcome = self.play(&smaller.acts).await;
            let showing = match (shows(&outcome, suspicion), outcome.suspicions.is_empty()) {
                (Some(_), _) => Showing::Same,
                (None, false) => Showing::Other,
                (None, true) => Showing::Nothing,
            };
            if showing == Showing::Same {
                last = outcome;
            }
            shrinker.told(showing);
        }
        (shrinker.best().acts.clone(), last)
    }
}

/// Sees whether the device can be reached, and starts it again if not.
pub(crate) async fn revive(target: &mut Target, allowed: &Allowed, slot: usize) -> bool {
    for _ in 0..2 {
        let greeted = greet(target, allowed, slot).await;
        if greeted.unreachable.is_none() && greeted.alive {
            return true;
        }
        if !target.restart().await {
            return false;
        }
    }
    false
}

/// Waits for the device at the beginning, as long as the rig says.
///
/// # Errors
///
/// In words, when it does not come and cannot be started.
pub(super) async fn reached(target: &mut Target, allowed: &Allowed) -> Result<(), String> {
    let greeted = greet(target, allowed, 0).await;
    if greeted.unreachable.is_none() && greeted.alive {
        return Ok(());
    }
    let is_back = target.restart().await && revive(target, allowed, 0).await;
    match greeted.unreachable {
        Some(reason) if !is_back => Err(reason),
        // What one that takes part and is deaf does is for the episodes to find.
        _ => Ok(()),
    }
}

/// An episode without an act.
async fn greet(target: &mut Target, allowed: &Allowed, slot: usize) -> Outcome {
    let how = How { serial: false, fresh: false, slot };
    play(target, &mut Frozen::new(&[]), allowed, how).await
}
