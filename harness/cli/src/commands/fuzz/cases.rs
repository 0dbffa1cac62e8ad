//! `plugfest fuzz --layers cases`: the cases of the suite with one change each, played until the budget is used up.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use engine::clock::Clock;
use engine::suite::{self, Job, Suite};
use protocol::generate::{Choices, Seeded};
use protocol::{Role, Version};
use script::Library;
use streams::campaign::Budget;
use streams::choreography::{self, MutantCase};
use streams::monitor::Monitor;
use streams::oracles::{Class, Code};
use tokio::sync::watch;
use tokio::task::yield_now;
use verdict::{CaseResult, Expectations, Finding, RunEvent, Verdict};

use crate::args::Fuzz;
use crate::failure::Failure;
use crate::rig::Device;
use crate::{catalogue, device, process, repeat};

/// More mutants than these are not made for one side and version.
const MOST: usize = 2000;
/// Each case is changed so often at most.
const ROUNDS: usize = 20;
/// What moves the choices away from those of the other streams of the same seed.
const SALT: u64 = 0x6361_7365;

/// What came of the mutants of a side and version.
#[derive(Debug, Default)]
pub(super) struct Cases {
    /// Mutants that were played.
    pub(super) played: usize,
    /// Of those, how many did not apply to the device, or whose case does not pass either.
    pub(super) set_aside: usize,
    /// Findings.
    pub(super) findings: usize,
}

impl fmt::Display for Cases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cases { played, set_aside, findings } = self;
        write!(f, "{played} cases with a change played")?;
        if *set_aside > 0 {
            write!(f, ", {set_aside} of them without meaning: they do not apply, or do not pass unchanged")?;
        }
        match findings {
            0 => write!(f, "; findings: none"),
            findings => write!(f, "; findings: {findings}"),
        }
    }
}

/// Plays mutants of cases against the device; what is found is kept, and reported.
pub(super) async fn play(
    args: &Fuzz,
    target: &Device,
    (side, version): (Role, Version),
    (seed, budget): (u64, Budget),
    mut stop: watch::Receiver<bool>,
    report: &(dyn Fn(&RunEvent) + Send + Sync),
) -> Result<Cases, Failure> {
    let began = Instant::now();
    let library = Arc::new(catalogue::load(&[])?);
    let wanted = budget.runs.and_then(|runs| usize::try_from(runs).ok()).unwrap_or(MOST).min(MOST);
    let is_over = |stop: &watch::Receiver<bool>| *stop.borrow() || is_late(began, budget);
    let mutants = made(&library, (side, version), seed, wanted, || is_over(&stop)).await;
    let kept = args.findings.as_deref().map(|folder| folder.join("cases"));
    let folders: Vec<PathBuf> = kept.iter().cloned().collect();
    // A case that was not changed is found without the folder, which may not be there.
    let changed: HashSet<String> = mutants.iter().map(|mutant| mutant.id.clone()).collect();
    let again = repeat::command(&args.target, &folders, false, seed);
    let as_it_is = repeat::command(&args.target, &[], false, seed);
    let suite = Arc::new(Suite {
        jobs: jobs(&library, &mutants, (side, version)),
        library,
        variants: None,
        seed,
        strict: false,
        // What does not show again is no finding.
        retries: 1,
        max_failures: None,
        jobs_at_once: args.process.jobs_at_once(args.jobs),
        traced: false,
        is_patient: false,
        expectations: Arc::new(Expectations::default()),
        repeat: Arc::new(move |job| if changed.contains(&job.case.id.value) { again(job) } else { as_it_is(job) }),
    });
    let mut monitor = args.process.monitor()?;
    let patience = args.process.patience(args.wait_for_dut);
    let site = Arc::new(device::site_of(target, None, patience).await?);
    let (enough, is_enough) = watch::channel(false);
    let mut judge = Judge::new(mutants, kept, report);
    let mut take = |event: RunEvent| {
        if let RunEvent::CaseFinished(result) = event {
            judge.take(&result);
            if let Some(monitor) = &mut monitor {
                judge.look_at(monitor, &result);
                if monitor.has_ended() && !process::is_started_again(monitor, target) {
                    judge.trouble.get_or_insert_with(|| "the process of the device does not come back".to_owned());
                    let _ = enough.send(true);
                }
            }
        }
        if is_late(began, budget) {
            let _ = enough.send(true);
        }
    };
    // The budget must not cut the case that is played when it is used up; an interrupt may.
    let run = suite.run(site, Clock::system(), is_enough, &mut take);
    tokio::select! {
        _ = run => {}
        () = interrupted(&mut stop) => {}
    }
    match judge.trouble {
        Some(trouble) => Err(Failure::usage(trouble)),
        None => Ok(judge.cases),
    }
}

async fn interrupted(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn is_late(began: Instant, budget: Budget) -> bool {
    budget.time.is_some_and(|time| began.elapsed() >= time)
}

/// Mutants for a side and version, of every case in turn, until it is over.
async fn made(
    library: &Library,
    (side, version): (Role, Version),
    seed: u64,
    wanted: usize,
    is_over: impl Fn() -> bool,
) -> Vec<MutantCase> {
    let mut choices = Seeded::new(seed ^ SALT);
    let mut seeds: Vec<Job> = suite::jobs(library, &[side], &[version]);
    let mut made = Vec::new();
    let mut ids = HashSet::new();
    for _ in 0..ROUNDS {
        shuffle(&mut seeds, &mut choices);
        for job in &seeds {
            // Each takes a while, and an interrupt is to be heard.
            yield_now().await;
            if made.len() == wanted || is_over() {
                return made;
            }
            let mutant = choreography::mutant(library, &job.case, side, &mut choices);
            made.extend(mutant.filter(|mutant| ids.insert(mutant.id.clone())));
        }
    }
    made
}

fn shuffle<T>(items: &mut [T], choices: &mut dyn Choices) {
    for last in (1..items.len()).rev() {
        let other = usize::try_from(choices.choose(last as u64 + 1)).unwrap_or(0);
        items.swap(last, other);
    }
}

/// The mutants in order, each case as it is before the first of its mutants.
fn jobs(library: &Library, mutants: &[MutantCase], (device, version): (Role, Version)) -> Vec<Job> {
    let mut seen = HashSet::new();
    let mut jobs = Vec::new();
    for mutant in mutants {
        if seen.insert(&mutant.original)
            && let Some(case) = library.case(&mutant.original, version)
        {
            jobs.push(Job { case: case.clone(), device, version });
        }
        jobs.push(Job { case: mutant.case.clone(), device, version });
    }
    jobs
}

/// Compares mutants with what they were made of.
struct Judge<'a> {
    mutants: HashMap<String, MutantCase>,
    /// Cases that pass as they are.
    sound: HashSet<String>,
    /// What was found already: one change that shows at one rule and place is one finding.
    known: HashSet<(String, Vec<String>, String)>,
    kept: Option<PathBuf>,
    report: &'a (dyn Fn(&RunEvent) + Send + Sync),
    cases: Cases,
    trouble: Option<String>,
}

impl<'a> Judge<'a> {
    fn new(
        mutants: Vec<MutantCase>,
        kept: Option<PathBuf>,
        report: &'a (dyn Fn(&RunEvent) + Send + Sync),
    ) -> Judge<'a> {
        Judge {
            mutants: mutants.into_iter().map(|mutant| (mutant.id.clone(), mutant)).collect(),
            sound: HashSet::new(),
            known: HashSet::new(),
            kept,
            report,
            cases: Cases::default(),
            trouble: None,
        }
    }

    /// What the process of the device has shown by the end of a case is a finding, once a kind.
    fn look_at(&mut self, monitor: &mut Monitor, result: &CaseResult) {
        for text in monitor.check() {
            let kind = text.split(':').next().unwrap_or("").to_owned();
            if !self.known.insert((kind, Vec::new(), result.case.clone())) {
                continue;
            }
            self.cases.findings += 1;
            let mutant = self.mutants.get(&result.case);
            let page = mutant.and_then(|mutant| self.kept.as_deref().map(|folder| file(folder, mutant)));
            if let (Some(mutant), Some(folder)) = (mutant, &self.kept)
                && let Err(error) = keep(folder, mutant)
            {
                self.trouble = Some(error);
            }
            let page = page.map(|page| page.display().to_string()).unwrap_or_default();
            (self.report)(&RunEvent::Finding(Box::new(fall(&text, result, page))));
        }
    }

    fn take(&mut self, result: &CaseResult) {
        let passed = matches!(result.verdict, Verdict::Pass | Verdict::Warn);
        let Some(mutant) = self.mutants.get(&result.case) else {
            if passed {
                self.sound.insert(result.case.clone());
            }
            return;
        };
        self.cases.played += 1;
        if !self.sound.contains(&mutant.original) || result.verdict == Verdict::NotApplicable {
            self.cases.set_aside += 1;
            return;
        }
        if result.verdict != Verdict::Fail {
            return;
        }
        let place = result.diagnostics.first().map_or(&result.reason, |shown| &shown.title);
        if !self.known.insert((mutant.kind.clone(), result.rules.clone(), outline(place))) {
            return;
        }
        self.cases.findings += 1;
        if let Some(folder) = &self.kept
            && let Err(error) = keep(folder, mutant)
        {
            self.trouble = Some(error);
        }
        let finding = finding(mutant, result, self.kept.as_deref());
        (self.report)(&RunEvent::Finding(Box::new(finding)));
    }
}

/// What the process of the device showed while a case was played.
fn fall(text: &str, result: &CaseResult, page: String) -> Finding {
    let kind: String = text.split(':').next().unwrap_or("").chars().take(60).collect();
    let slug: String =
        kind.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    Finding {
        id: format!("o13-{slug}-in-{}", result.case),
        class: Class::Robustness.name().to_owned(),
        oracle: format!("{:?}", Code::O13),
        device: result.device,
        ocpp: result.ocpp,
        summary: format!("the process of the device, in {}: {text}", result.case),
        messages: result.transcript.len(),
        replay: result.repeat.clone(),
        rule: "robustness".to_owned(),
        frame: text.to_owned(),
        page,
        shown: 1,
        tried: 1,
        transcript: result.transcript.clone(),
    }
}

/// A sentence without what differs from run to run.
fn outline(sentence: &str) -> String {
    sentence.chars().filter(|c| !c.is_ascii_digit()).take(60).collect()
}

fn file(folder: &Path, mutant: &MutantCase) -> PathBuf {
    folder.join(format!("{}.yaml", mutant.id))
}

fn keep(folder: &Path, mutant: &MutantCase) -> Result<(), String> {
    let file = file(folder, mutant);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&file, &mutant.yaml))
        .map_err(|error| format!("{}: {error}", file.display()))
}

fn finding(mutant: &MutantCase, result: &CaseResult, kept: Option<&Path>) -> Finding {
    // The reason may name its rule already.
    let rules = match result.rules.first() {
        Some(rule) if !result.reason.contains(rule.split(' ').next().unwrap_or(rule)) => {
            format!(" ({})", result.rules.join(", "))
        }
        _ => String::new(),
    };
    Finding {
        id: mutant.id.clone(),
        class: "violation".to_owned(),
        oracle: "case".to_owned(),
        device: result.device,
        ocpp: result.ocpp,
        summary: format!("{} passes, but not with {}: {}{rules}", mutant.original, mutant.what, result.reason),
        messages: result.transcript.len(),
        replay: kept.map(|_| result.repeat.clone()).unwrap_or_default(),
        rule: result.rules.first().cloned().unwrap_or_default(),
        frame: String::new(),
        page: kept.map(|folder| file(folder, mutant).display().to_string()).unwrap_or_default(),
        // As it is, and tried again.
        shown: 2,
        tried: 2,
        transcript: result.transcript.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_interrupt_is_heard_while_mutants_are_made() {
        let library = catalogue::load(&[]).unwrap();
        let (sender, stop) = watch::channel(false);
        tokio::spawn(async move { sender.send(true) });
        let made = made(&library, (Role::Csms, Version::V16), 1, MOST, || *stop.borrow()).await;
        assert!(made.len() < 10, "{}", made.len());
    }
}
