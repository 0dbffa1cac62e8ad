//! Puts seeded faults of the reference peers before the streams: how many acts, and how long, until one is noticed?

use std::io;
use std::time::{Duration, Instant};

use engine::mutants::Mutant;
use protocol::generate::Seeded;
use protocol::statements::{self, Strength};
use protocol::{Role, Version};

use crate::campaign::{mixed, shows};
use crate::canary::Canary;
use crate::generate::{Allowed, Generator, Layer};
use crate::oracles::{Code, HARM, Suspicion};
use crate::play::{Frozen, Generated, Outcome, play};
use crate::target::{How, Target};

/// How a fault is looked for.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The seed of everything random.
    pub seed: u64,
    /// So many acts at most.
    pub acts: u64,
    /// Acts in an episode.
    pub length: usize,
    /// The layers that acts come from.
    pub layers: Vec<Layer>,
}

/// The device of a trial.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// Its side.
    pub side: Role,
    /// Its version.
    pub version: Version,
    /// Its fault; none for a clean one.
    pub mutant: Option<Mutant>,
}

/// How a trial ended.
#[derive(Clone, Debug)]
pub struct Detection {
    /// What was tried.
    pub subject: Subject,
    /// The seed.
    pub seed: u64,
    /// Whether the fault changed what the device did.
    pub triggered: bool,
    /// What was remarked that makes nothing red, the first of each kind, and after how many acts.
    remarks: Vec<(u64, Suspicion)>,
    /// What was noticed first, if anything was.
    pub noticed: Option<Suspicion>,
    /// Acts until then.
    pub acts: u64,
    /// How long that took.
    pub took: Duration,
}

impl Subject {
    /// A device with this fault.
    pub fn with(mutant: Mutant) -> Subject {
        Subject { side: mutant.fault.info().side, version: mutant.version, mutant: Some(mutant) }
    }

    fn target(&self) -> Target {
        Target::embedded(self.side, self.version, self.mutant.iter().map(|mutant| mutant.fault).collect())
    }
}

/// Plays streams against a device until something red is noticed, and confirmed, or it is enough. Of a fault that breaks
/// what is only recommended, a remark is enough that a clean device does not earn. Blocks.
///
/// # Errors
///
/// When no runtime can be started.
pub fn first_detection(trial: &Trial, subject: Subject) -> io::Result<Detection> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    let mut detection = runtime.block_on(look_for(trial, subject));
    if let (Some(mutant), None) = (subject.mutant, &detection.noticed)
        && !detection.remarks.is_empty()
    {
        let clean = runtime.block_on(look_for(trial, Subject { mutant: None, ..subject }));
        if let Some((acts, remark)) = earns(mutant, &detection, &clean) {
            (detection.acts, detection.noticed) = (acts, Some(remark));
        }
    }
    Ok(detection)
}

async fn look_for(trial: &Trial, subject: Subject) -> Detection {
    let began = Instant::now();
    let target = subject.target();
    let mut target = match Canary::listen().await {
        Ok(canary) => target.with_canary(canary),
        Err(_) => target,
    };
    let mut acts = 0;
    let mut number = 0;
    let mut doubted: Vec<Suspicion> = Vec::new();
    let mut noticed = None;
    let mut remarks: Vec<(u64, Suspicion)> = Vec::new();
    while acts < trial.acts && noticed.is_none() {
        number += 1;
        let choices = Seeded::new(mixed(trial.seed, number));
        let mut source =
            Generated::new(Generator::for_episode(&trial.layers, number, trial.length), choices, trial.length);
        let how = How { serial: false, fresh: true, slot: 0 };
        // What is made anew for every episode has no hardware to be harmed; what is sent then leaves less room for the rest.
        let allowed = Allowed { dangerous: number / 4 % 4 == 1 };
        let outcome = play(&mut target, &mut source, &allowed, how).await;
        let before = acts;
        acts += outcome.acts.len() as u64;
        let new = outcome.suspicions.iter().filter(|suspicion| !suspicion.class.is_red() && !suspicion.nominated);
        for remark in new {
            if !remarks.iter().any(|(_, other)| remarked(other) == remarked(remark)) {
                remarks.push((before + remark.act as u64 + 1, remark.clone()));
            }
        }
        for suspicion in outcome.suspicions.iter().filter(|suspicion| suspicion.class.is_red()) {
            if doubted.iter().any(|other| other.signature() == suspicion.signature()) {
                continue;
            }
            if confirmed(&mut target, &outcome, suspicion, &allowed).await {
                acts = before + suspicion.act as u64 + 1;
                noticed = Some(suspicion.clone());
                break;
            }
            doubted.push(suspicion.clone());
        }
    }
    let id = subject.mutant.map(|mutant| mutant.fault.info().id);
    let triggered = id.is_some_and(|id| target.triggered().contains(&id));
    Detection { subject, seed: trial.seed, triggered, noticed, remarks, acts, took: began.elapsed() }
}

/// What makes two remarks the same, wherever they were made.
fn remarked(remark: &Suspicion) -> (Code, &str, &str) {
    (remark.oracle, &remark.rule, &remark.reply)
}

/// What is no more than recommended earns no more than a remark: one that rests on what the fault breaks, and that a
/// clean device does not earn.
fn earns(mutant: Mutant, faulty: &Detection, clean: &Detection) -> Option<(u64, Suspicion)> {
    let broken = statements::statement(mutant.fault.info().breaks(mutant.version)?)?;
    if broken.strength_in(mutant.version) == Strength::Must {
        return None;
    }
    let rests = |remark: &Suspicion| remark.rule == broken.id || remark.rule == HARM;
    let is_usual = |remark: &Suspicion| clean.remarks.iter().any(|(_, other)| remarked(other) == remarked(remark));
    faulty.remarks.iter().find(|(_, remark)| rests(remark) && !is_usual(remark)).cloned()
}

/// What was nominated only counts when it shows again, serially.
async fn confirmed(target: &mut Target, outcome: &Outcome, suspicion: &Suspicion, allowed: &Allowed) -> bool {
    if !suspicion.nominated {
        return true;
    }
    let how = How { serial: true, fresh: true, slot: 0 };
    let upto = outcome.acts.len().min(suspicion.act + 1);
    let again = play(target, &mut Frozen::new(&outcome.acts[..upto]), allowed, how).await;
    shows(&again, suspicion).is_some()
}
