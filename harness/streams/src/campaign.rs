//! Goes on until time or runs are used up: episodes are played, suspicions confirmed, findings made small and kept.

mod hub;
mod investigate;
mod state;

use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::generate::Seeded;
use tokio::sync::{RwLock, watch};

use crate::act::Act;
use crate::generate::{self, Allowed, Generator, Layer};
use crate::model::Means;
use crate::oracles::{Class, Code, Evidence, HARM, Suspicion};
use crate::play::{Generated, Outcome, Source, play};
use crate::property::{self, Elements};
use crate::shrink::Limits;
use crate::target::{How, Target};
use crate::view::View;

pub use hub::{Hub, Progress, Summary};
pub use investigate::Found;
pub(crate) use investigate::revive;
pub(crate) use investigate::shows;
pub use state::{State, StateError};

/// What a campaign is to do.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The seed of everything random.
    pub seed: u64,
    /// The layers that acts come from.
    pub layers: Vec<Layer>,
    /// What may be sent.
    pub allowed: Allowed,
    /// When it is enough.
    pub budget: Budget,
    /// Acts in an episode.
    pub length: usize,
    /// Episodes at once.
    pub jobs: usize,
    /// How often a finding is repeated to see whether it always shows.
    pub repeats: u32,
    /// What making a finding small may cost.
    pub shrink: Limits,
}

/// When it is enough: whatever comes first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Budget {
    /// So long, from when the device is there. What was noticed by then is still looked into.
    pub time: Option<Duration>,
    /// So many acts.
    pub runs: Option<u64>,
}

/// What a campaign tells while it runs.
#[derive(Debug)]
pub enum Told {
    /// How far it is.
    Progress(Progress),
    /// Something was found.
    Found(Box<Found>),
    /// Something that the user should know.
    Note(String),
}

/// Is told what happens.
pub type Tell = Arc<dyn Fn(Told) + Send + Sync>;

impl Default for Campaign {
    fn default() -> Campaign {
        Campaign {
            seed: 0,
            layers: Layer::ALL.to_vec(),
            allowed: Allowed::default(),
            budget: Budget::default(),
            length: 60,
            jobs: 1,
            repeats: 3,
            shrink: Limits::default(),
        }
    }
}

/// Every so many episodes a new link is opened at the end.
const FRESH: u64 = 8;
/// How long a finding may be made small once the time of the campaign is over.
const LATE: Duration = Duration::from_secs(5);
/// A finding is made small in a part of the time of the campaign, which is there to find: a station that comes again
/// slowly makes a try cost seconds.
const SHARE: u32 = 20;
/// What makes nothing red is made small at a part of the price, where a try costs time.
const REMARK: u32 = 5;
/// How long the campaign may go on after its time, to end its episodes and look into what they showed.
const LATEST: Duration = Duration::from_secs(60);

/// So much of it is left for what is not finished by then.
const CLOSING: Duration = Duration::from_secs(2);

/// Runs a campaign against a device.
pub async fn run(campaign: Campaign, mut target: Target, hub: Arc<Hub>, stop: watch::Receiver<bool>, tell: Tell) {
    let campaign = Arc::new(campaign);
    if !target.is_embedded() {
        let mut stop = stop.clone();
        let reached = tokio::select! {
            reached = investigate::reached(&mut target, &campaign.allowed) => reached,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        if let Err(reason) = reached {
            hub.give_up(format!("the device cannot be reached: {reason}"));
            return;
        }
        hub.begins();
    }
    // In this process episodes at once gain nothing.
    let most = if target.is_embedded() && campaign.jobs == usize::MAX { 1 } else { target.slots() };
    let jobs = campaign.jobs.clamp(1, most);
    if !target.is_embedded() {
        hub.counts_time_of(jobs);
    }
    let until = campaign.budget.time.map(|time| Instant::now() + time);
    let drivable = target.drivable();
    let means = target.means(&campaign.allowed, &drivable);
    hub.aims_at(means.universe());
    let floor = Arc::new(RwLock::new(()));
    let mut workers = Vec::new();
    let mut targets = vec![target];
    while targets.len() < jobs
        && let Some(fork) = targets[0].fork()
    {
        targets.push(fork);
    }
    for (slot, target) in targets.into_iter().enumerate() {
        let worker = Worker {
            campaign: campaign.clone(),
            target,
            slot,
            until,
            hub: hub.clone(),
            stop: stop.clone(),
            tell: tell.clone(),
            floor: floor.clone(),
        };
        workers.push(tokio::spawn(worker.work()));
    }
    for worker in workers {
        if let Err(error) = worker.await {
            hub.give_up(format!("a worker ended early: {error}"));
        }
    }
    let lacks = hub.summary().coverage.lacks();
    hub.aims_at(Means { lacks, ..means }.universe());
}

struct Worker {
    campaign: Arc<Campaign>,
    target: Target,
    slot: usize,
    until: Option<Instant>,
    hub: Arc<Hub>,
    stop: watch::Receiver<bool>,
    tell: Tell,
    /// Who looks into what harms the whole device has it alone: else everybody sees what everybody else's repetitions do
    /// to it, and takes that for his own.
    floor: Arc<RwLock<()>>,
}

impl Worker {
    async fn work(mut self) {
        let mut stop = self.stop.clone();
        let embedded = self.target.is_embedded();
        let until = self.until.map(tokio::time::Instant::from_std);
        let over = async move {
            // Virtual time says nothing about how long it takes; there the budget is looked at between episodes.
            let time_is_up = async {
                match until {
                    Some(until) if !embedded => tokio::time::sleep_until(until + LATEST).await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                () = time_is_up => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        };
        tokio::select! {
            () = over => {}
            () = self.episodes() => {}
        }
    }

    async fn episodes(&mut self) {
        let mut last = None;
        while let Some((number, length)) = self.next_episode() {
            let elements;
            let seed = mixed(self.campaign.seed, number);
            let source: Box<dyn Source + '_> = if generate::is_property(&self.campaign.layers, number) {
                elements = property::elements(seed, length);
                Box::new(Elements::new(&elements))
            } else {
                let generator = Generator::for_episode(&self.campaign.layers, number, self.campaign.length);
                Box::new(Generated::new(generator, Seeded::new(seed), length))
            };
            // An episode of virtual time is always whole, so that the same seed finds the same.
            let until = self.until.filter(|_| !self.target.is_embedded());
            let mut source = Timely { source, until };
            let how = How { serial: false, fresh: number.is_multiple_of(FRESH), slot: self.slot };
            let floor = self.floor.clone();
            let shared = floor.read().await;
            let mut outcome = play(&mut self.target, &mut source, &self.campaign.allowed, how).await;
            if let Some(reason) = &outcome.unreachable {
                if !self.revive().await {
                    self.turned_away(number, reason, last.as_ref());
                    self.hub.give_up(format!("the device cannot be reached: {reason}"));
                    return;
                }
                // Nothing of the episode was played yet.
                outcome = play(&mut self.target, &mut source, &self.campaign.allowed, how).await;
            }
            self.hub.triggered(self.target.triggered());
            if outcome.unreachable.is_some() {
                self.hub.done(number);
                continue;
            }
            drop(shared);
            self.hub.played(&outcome);
            self.look_into(number, &outcome).await;
            self.hub.done(number);
            if !outcome.alive && !self.revive().await {
                self.hub.give_up("the device did not come back".to_owned());
                return;
            }
            last = Some(outcome);
            for note in self.hub.notes() {
                (self.tell)(Told::Note(note));
            }
            if let Some(progress) = self.hub.progress() {
                (self.tell)(Told::Progress(progress));
            }
        }
    }

    fn next_episode(&self) -> Option<(u64, usize)> {
        if is_over(self.until) || *self.stop.borrow() {
            return None;
        }
        self.hub.next_episode(self.campaign.budget.runs, self.campaign.length)
    }

    /// A device that took part takes nobody any more: that is told with what was done to it last.
    fn turned_away(&self, number: u64, reason: &str, last: Option<&Outcome>) {
        let Some(last) = last.filter(|_| self.hub.tells_of_death()) else { return };
        let suspicion = Suspicion {
            oracle: Code::O1,
            rule: HARM.to_owned(),
            class: Class::Robustness,
            state: "offline".to_owned(),
            action: "?".to_owned(),
            path: "no link".to_owned(),
            reply: "silence".to_owned(),
            sentence: format!("the device takes no new link any more: {reason}"),
            frame: String::new(),
            act: last.acts.len(),
            nominated: false,
            evidence: Evidence::Fate,
        };
        let found = Found::untried(&self.target, last, &suspicion, "that did not change");
        let found = Found { episode: number, ..found };
        self.hub.found(&found);
        (self.tell)(Told::Found(Box::new(found)));
    }

    async fn look_into(&mut self, number: u64, outcome: &Outcome) {
        let mut death_is_told = false;
        for suspicion in &outcome.suspicions {
            // What it died of is found once, however many links tell of it; what its process says is told beside it.
            if death_is_told && investigate::is_harm(suspicion) && suspicion.oracle != Code::O13 {
                continue;
            }
            let Some(claim) = self.hub.claim(suspicion) else { continue };
            let mut campaign = (*self.campaign).clone();
            if !self.target.is_embedded() {
                if let Some(until) = self.until {
                    let left = until.saturating_duration_since(Instant::now());
                    campaign.shrink.time = campaign.shrink.time.min(left + LATE);
                }
                if let Some(whole) = campaign.budget.time {
                    campaign.shrink.time = campaign.shrink.time.min(whole / SHARE);
                }
                if !suspicion.class.is_red() {
                    campaign.shrink.executions /= REMARK;
                    campaign.shrink.time /= REMARK;
                }
            }
            let floor = self.floor.clone();
            let is_harm = investigate::is_harm(suspicion);
            let latest = self.until.filter(|_| !self.target.is_embedded()).map(|until| until + LATEST - CLOSING);
            let (target, slot) = (&mut self.target, self.slot);
            let looked_into = async {
                let (_alone, _shared) = if is_harm || !outcome.alive {
                    (Some(floor.write().await), None)
                } else {
                    (None, Some(floor.read().await))
                };
                if self.hub.is_confirmed(&claim) {
                    return Looked::InVain;
                }
                match investigate::investigate(&campaign, target, slot, outcome, suspicion).await {
                    Some(found) => {
                        if !found.was_seen_once() {
                            self.hub.confirmed(&claim);
                        }
                        Looked::Found(Box::new(Found { episode: number, ..found }))
                    }
                    None => Looked::Unconfirmed,
                }
            };
            let found = match latest {
                Some(latest) => tokio::time::timeout_at(latest.into(), looked_into).await,
                None => Ok(looked_into.await),
            };
            self.hub.looked_into(&claim);
            let Ok(found) = found else {
                // A death is told all the same, if only by one of those who saw it.
                if is_harm && !outcome.alive && self.hub.tells_of_death() {
                    let found = Found::untried(&self.target, outcome, suspicion, "there was no time to repeat it");
                    let found = Found { episode: number, ..found };
                    self.hub.found(&found);
                    (self.tell)(Told::Found(Box::new(found)));
                }
                return;
            };
            match found {
                Looked::Found(found) => {
                    let is_gone = found.tried == 0;
                    death_is_told |= !outcome.alive && investigate::is_harm(suspicion);
                    self.hub.found(&found);
                    (self.tell)(Told::Found(found));
                    if is_gone {
                        // Nothing more can be looked into, by nobody.
                        self.hub.give_up("the device did not come back".to_owned());
                        return;
                    }
                }
                Looked::Unconfirmed => self.hub.not_confirmed(),
                Looked::InVain => self.hub.passed_over(),
            }
        }
    }

    /// Sees whether the device can be reached, and starts it again if not. `false` if it stays away.
    async fn revive(&mut self) -> bool {
        investigate::revive(&mut self.target, &self.campaign.allowed, self.slot).await
    }
}

/// What came of looking into a suspicion.
enum Looked {
    /// It is one.
    Found(Box<Found>),
    /// It did not show again.
    Unconfirmed,
    /// Somebody else has found it meanwhile.
    InVain,
}

/// Acts until the time is over.
struct Timely<'a> {
    source: Box<dyn Source + 'a>,
    until: Option<Instant>,
}

impl Source for Timely<'_> {
    fn next(&mut self, view: &View<'_>) -> Option<Act> {
        if is_over(self.until) { None } else { self.source.next(view) }
    }
}

fn is_over(until: Option<Instant>) -> bool {
    until.is_some_and(|until| Instant::now() >= until)
}

/// The seed of an episode: any episode can be made again without those before it.
pub(crate) fn mixed(seed: u64, number: u64) -> u64 {
    (seed ^ 0x5DEE_CE66_D1CE_4E5B).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31)
        ^ number.wrapping_mul(0xD1B5_4A32_D192_ED03)
}
