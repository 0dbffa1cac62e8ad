//! Puts seeded faults before the suite: is each reached, does it show, is it noticed?

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use peers::{Fault, NoticedBy};
use protocol::statements::{self, Strength};
use protocol::{Role, Version};
use script::Library;
use tokio::sync::watch;
use verdict::{CaseResult, Expectations, FaultResult, Verdict};

use crate::clock::Clock;
use crate::suite::{self, Job, Site, Suite};

/// What a trial of the suite needs.
#[derive(Clone)]
pub struct Trial {
    /// Cases and parts.
    pub library: Arc<Library>,
    /// The seed of everything random.
    pub seed: u64,
}

impl Trial {
    /// Plays these jobs against embedded devices with these faults, on virtual time; also tells whether one of the
    /// faults showed. Blocks.
    ///
    /// # Errors
    ///
    /// When no runtime can be started.
    pub fn jobs(&self, jobs: Vec<Job>, faults: Vec<Fault>) -> std::io::Result<(Vec<CaseResult>, bool)> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
        let suite = Arc::new(Suite {
            library: self.library.clone(),
            jobs,
            variants: None,
            seed: self.seed,
            strict: false,
            retries: 0,
            max_failures: None,
            jobs_at_once: 1,
            traced: false,
            is_patient: false,
            expectations: Arc::new(Expectations::default()),
            repeat: Arc::new(|job| format!("plugfest run {} --embedded --device {}", job.case.id.value, job.device)),
        });
        let site = Arc::new(Site::embedded(faults));
        let results = runtime.block_on(async {
            let (_keep, stop) = watch::channel(false);
            suite.run(site.clone(), Clock::system(), stop, &mut |_| {}).await
        });
        Ok((results, site.triggered()))
    }
}

/// A fault in a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// The fault.
    pub fault: Fault,
    /// The version that the device speaks.
    pub version: Version,
}

impl Mutant {
    /// A fault in every version whose devices can have it.
    pub fn of(fault: Fault) -> impl Iterator<Item = Mutant> {
        fault.info().versions().map(move |version| Mutant { fault, version })
    }
}

/// What the suite says to a device with one fault.
///
/// # Errors
///
/// When no runtime can be started.
pub fn try_fault(trial: &Trial, mutant: Mutant) -> std::io::Result<FaultResult> {
    let Mutant { fault, version } = mutant;
    let info = fault.info();
    let jobs = suite::jobs(&trial.library, &[info.side], &[version]);
    let (results, triggered) = trial.jobs(jobs, vec![fault])?;
    // What is no more than recommended earns no more than a warning.
    let broken = info.breaks(version).and_then(statements::statement);
    let binding = broken.is_none_or(|statement| statement.strength_in(version) == Strength::Must);
    let notices = |verdict| verdict == Verdict::Fail || (verdict == Verdict::Warn && !binding);
    let failing = results.iter().filter(|result| notices(result.verdict));
    let by: Vec<String> = failing.map(|result| result.case.clone()).collect();
    Ok(FaultResult {
        fault: info.id.to_owned(),
        device: info.side,
        ocpp: version,
        reached: triggered || !by.is_empty(),
        triggered,
        detected: !by.is_empty(),
        by,
        left_to_streams: info.noticed_by(version) == NoticedBy::Streams,
    })
}

/// Tries many faults on all processors; results come in their order, as soon as they can.
///
/// # Errors
///
/// When no runtime can be started.
pub fn try_all(
    trial: &Trial,
    mutants: &[Mutant],
    report: &mut dyn FnMut(&FaultResult),
) -> std::io::Result<Vec<FaultResult>> {
    on_all_processors(mutants, &|mutant| try_fault(trial, *mutant), report)
}

/// Does the same with many items on all processors; results are reported in their order, as soon as they can.
///
/// # Errors
///
/// The first that there is.
pub fn on_all_processors<T: Sync, R: Send, E: Send>(
    items: &[T],
    work: &(dyn Fn(&T) -> Result<R, E> + Sync),
    report: &mut dyn FnMut(&R),
) -> Result<Vec<R>, E> {
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(items.len().max(1));
    let (sender, receiver) = std::sync::mpsc::channel();
    let mut results: Vec<Option<R>> = items.iter().map(|_| None).collect();
    let mut told = 0;
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    let Some(item) = items.get(at) else { return };
                    if sender.send((at, work(item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (at, result) in receiver {
            results[at] = Some(result?);
            while let Some(Some(result)) = results.get(told) {
                report(result);
                told += 1;
            }
        }
        Ok(())
    })
    .map(|()| results.into_iter().flatten().collect())
}

/// The sides of a version that have a reference peer.
pub const SIDES: [Role; 2] = [Role::Csms, Role::Station];
