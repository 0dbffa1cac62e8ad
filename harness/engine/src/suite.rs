//! Runs many cases against a device, one after the other or side by side, and says what came of them in the order
//! of the catalogue.

pub(crate) mod acquaintance;
mod combine;
mod presence;
mod site;
mod tokens;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use protocol::{Role, Timestamp, Version};
use script::Library;
use script::ast::Case;
use tokio::sync::{mpsc, watch};
use verdict::{CaseResult, Event, Expectations, PlanId, RunEvent, Standing, Verdict};

use crate::clock::Clock;
use crate::rig::{Assumed, Rig};

pub(crate) use combine::{Played, summarise};
use presence::Presence;
pub use site::{Place, Site};
use tokens::TokensInUse;

/// A case on a side of the device and a version.
#[derive(Clone, Debug)]
pub struct Job {
    /// The case.
    pub case: Arc<Case>,
    /// The side of the device.
    pub device: Role,
    /// The version.
    pub version: Version,
}

/// Which plans of a case are played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variants {
    /// The first.
    First,
    /// As many as it takes to cover each choice of ours once, at most 8.
    Each,
    /// The product of all choices, at most 64.
    All,
}

/// What holds for the whole run.
pub struct Suite {
    /// Cases and parts.
    pub library: Arc<Library>,
    /// What is played, in order.
    pub jobs: Vec<Job>,
    /// Which plans; by default each towards a CSMS and the first towards a station.
    pub variants: Option<Variants>,
    /// The seed of everything random.
    pub seed: u64,
    /// Whether background traffic is a warning.
    pub strict: bool,
    /// How often an unexpected verdict is tried again.
    pub retries: u32,
    /// Stop after this many unexpected failures.
    pub max_failures: Option<usize>,
    /// Virtual stations at once towards a CSMS.
    pub jobs_at_once: usize,
    /// Whether the events of every plan are reported, for a trace.
    pub traced: bool,
    /// Whether the device is waited for in every case, however often it was not there.
    pub is_patient: bool,
    /// Failures that are expected.
    pub expectations: Arc<Expectations>,
    /// The command that repeats a case.
    pub repeat: Arc<dyn Fn(&Job) -> String + Send + Sync>,
}

/// What one job brought.
struct Done {
    index: usize,
    result: Option<CaseResult>,
    events: Vec<(PlanId, Vec<Event>)>,
}

impl Suite {
    /// Plays every job. Results are reported in the order of the jobs, whoever finishes first.
    pub async fn run(
        self: Arc<Self>,
        site: Arc<Site>,
        clock: Clock,
        stop: watch::Receiver<bool>,
        report: &mut (dyn FnMut(RunEvent) + Send),
    ) -> Vec<CaseResult> {
        let workers = site.workers(self.jobs_at_once);
        let next = Arc::new(AtomicUsize::new(0));
        let (sender, mut receiver) = mpsc::unbounded_channel::<Message>();
        let (enough, enough_seen) = watch::channel(false);
        let tokens = Arc::new(TokensInUse::default());
        let presence = Arc::new(Presence::new(self.is_patient));
        for worker in 0..workers {
            let worker = Worker {
                suite: self.clone(),
                site: site.clone(),
                clock,
                number: worker,
                next: next.clone(),
                stop: stop.clone(),
                enough: enough_seen.clone(),
                sender: sender.clone(),
                tokens: tokens.clone(),
                presence: presence.clone(),
            };
            tokio::spawn(worker.work());
        }
        drop(sender);
        let mut order = Order::new(self.max_failures, self.expectations.clone());
        while let Some(message) = receiver.recv().await {
            match message {
                Message::Started(plan, title, at) => report(RunEvent::PlanStarted { plan, title, at }),
                Message::Done(done) => {
                    if order.take(*done, report) {
                        let _ = enough.send(true);
                    }
                }
            }
        }
        order.results
    }
}

enum Message {
    Started(PlanId, String, Timestamp),
    Done(Box<Done>),
}

struct Worker {
    suite: Arc<Suite>,
    site: Arc<Site>,
    clock: Clock,
    number: usize,
    next: Arc<AtomicUsize>,
    stop: watch::Receiver<bool>,
    enough: watch::Receiver<bool>,
    sender: mpsc::UnboundedSender<Message>,
    tokens: Arc<TokensInUse>,
    presence: Arc<Presence>,
}

impl Worker {
    async fn work(mut self) {
        let mut place = self.site.place(self.number, self.tokens.clone());
        loop {
            let index = self.next.fetch_add(1, Ordering::SeqCst);
            let Some(job) = self.suite.jobs.get(index).cloned() else { return };
            if *self.stop.borrow() || *self.enough.borrow() {
                return;
            }
            let plan = PlanId {
                case: job.case.id.value.clone(),
                device: job.device,
                ocpp: job.version,
                variant: 0,
                configuration: String::new(),
            };
            let _ = self.sender.send(Message::Started(plan, job.case.title.value.clone(), self.clock.now()));
            let (result, events) = match self.presence.gone() {
                Some(reason) => (combine::unplayed(&self.suite, &job, &self.clock, reason), Vec::new()),
                None => self.attempts(&mut place, &job).await,
            };
            let done = Done { index, result: Some(result), events };
            if self.sender.send(Message::Done(Box::new(done))).is_err() {
                return;
            }
        }
    }

    /// Plays a job, again if it came out badly and may be tried again.
    async fn attempts(&mut self, place: &mut Place, job: &Job) -> (CaseResult, Vec<(PlanId, Vec<Event>)>) {
        let mut attempt = 0;
        let mut notes = Vec::new();
        let mut restarted = false;
        let (mut result, events) = loop {
            let seen = self.presence.generation();
            let played = combine::play_job(&self.suite, &self.site, place, job, &self.clock, &mut self.stop).await;
            let stopped = *self.stop.borrow();
            if played.lost && !stopped {
                // It may be an earlier case that it has died of: this one deserves a device that lives.
                if !restarted
                    && !played.is_shut_out
                    && let Some(done) = self.presence.restart(&self.site, job.version, seen).await
                {
                    restarted = true;
                    place.restarted();
                    notes.push(match done {
                        Ok(()) => "the device was lost and started again".to_owned(),
                        Err(why) => format!("the device was lost and could not be started again: {why}"),
                    });
                    continue;
                }
                if played.never_came && self.presence.is_stranger() {
                    self.presence.give_up(&played.result.reason);
                } else {
                    self.presence.lost(&played.result.reason);
                }
            } else if played.heard {
                self.presence.heard();
            }
            let again = matches!(played.result.verdict, Verdict::Fail | Verdict::Inconclusive | Verdict::Error)
                && attempt < self.suite.retries
                && self.presence.gone().is_none()
                && !stopped;
            if !again {
                break (played.result, played.events);
            }
            attempt += 1;
        };
        if attempt > 0 {
            notes.push(format!("tried {} times", attempt + 1));
        }
        result.notes.extend(notes);
        (result, events)
    }
}

/// Puts results in order, and reports each standing violation once.
struct Order {
    waiting: BTreeMap<usize, Done>,
    next: usize,
    results: Vec<CaseResult>,
    once: Once,
    failures: usize,
    max_failures: Option<usize>,
    expectations: Arc<Expectations>,
}

impl Order {
    fn new(max_failures: Option<usize>, expectations: Arc<Expectations>) -> Order {
        Order {
            waiting: BTreeMap::new(),
            next: 0,
            results: Vec::new(),
            once: Once::default(),
            failures: 0,
            max_failures,
            expectations,
        }
    }

    /// Takes a result in; `true` when there were failures enough.
    fn take(&mut self, done: Done, report: &mut (dyn FnMut(RunEvent) + Send)) -> bool {
        self.waiting.insert(done.index, done);
        while let Some(mut done) = self.waiting.remove(&self.next) {
            self.next += 1;
            for (plan, events) in std::mem::take(&mut done.events) {
                for happened in events {
                    report(RunEvent::Happened { plan: plan.clone(), happened });
                }
            }
            let Some(mut result) = done.result else { continue };
            self.once.settle(&mut result);
            self.expectations.apply(&mut result);
            if result.verdict == Verdict::Fail && result.standing == Standing::Unexpected {
                self.failures += 1;
            }
            self.results.push(result.clone());
            report(RunEvent::CaseFinished(Box::new(result)));
        }
        self.max_failures.is_some_and(|most| self.failures >= most)
    }
}

/// Reports each standing violation once a run.
#[derive(Default)]
pub(crate) struct Once {
    seen: HashMap<(Role, Version, String, String), String>,
}

impl Once {
    /// A violation that another case has already reported does not make this one red.
    pub(crate) fn settle(&mut self, result: &mut CaseResult) {
        for violation in &mut result.violations {
            let key = (result.device, result.ocpp, violation.oracle.clone(), violation.path.clone());
            match self.seen.get(&key) {
                Some(first) if *first != result.case => violation.first_in = Some(first.clone()),
                Some(_) => {}
                None => {
                    self.seen.insert(key, result.case.clone());
                }
            }
        }
        combine::settle_verdict(result);
    }
}

/// Everything that can be played: each case on each side and version it is for.
pub fn jobs(library: &Library, devices: &[Role], versions: &[Version]) -> Vec<Job> {
    let mut jobs = Vec::new();
    for version in versions {
        for device in devices {
            for case in library.cases() {
                let for_version = case.versions.iter().any(|wanted| wanted.value == *version);
                if for_version && case.is_for(*device) {
                    jobs.push(Job { case: case.clone(), device: *device, version: *version });
                }
            }
        }
    }
    jobs
}

/// The rig as a session of this version sees it.
pub(crate) fn rig_for(rig: &Rig, version: Version, told: &Assumed) -> Arc<Rig> {
    Arc::new(rig.for_version(version).assuming(version, told))
}
