//! `plugfest fuzz`

mod cases;

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use protocol::{Role, Version};
use streams::campaign::{self, Budget, Campaign, Found, Hub, Progress, State, Summary, Told};
use streams::canary::Canary;
use streams::coverage::Coverage;
use streams::finding::{Finding, Origin, Store};
use streams::generate::Allowed;
use tokio::sync::watch;
use verdict::{Counts, ExitCode, RunEvent};

use crate::args::{Colour, Fuzz};
use crate::failure::Failure;
use crate::output::{self, Output, Plan};
use crate::rig::Device;
use crate::{device, interrupt, process, repeat};

/// How long a stream goes on if nothing is said.
const DEFAULT: Duration = Duration::from_secs(60);

pub(crate) fn run(args: &Fuzz, colour: Colour) -> Result<ExitCode, Failure> {
    let target = crate::rig::resolve(&args.target)?;
    let courses = courses(args, &target);
    let seed = match args.seed {
        Some(seed) => seed,
        None => earlier_seed(args, &courses)?.unwrap_or_else(new_seed),
    };
    let plan = Plan { files: &args.reports, trace: None, colour, asks: true };
    let output = Arc::new(Mutex::new(Output::open(&plan, output::redactor(&target))?));
    let report = |event: &RunEvent| output.lock().unwrap_or_else(PoisonError::into_inner).report(event);
    let began = Instant::now();
    report(&RunEvent::RunStarted {
        plugfest: env!("CARGO_PKG_VERSION").to_owned(),
        seed,
        format: 1,
        selected: 0,
        at: engine::clock::system_now(),
    });
    let layers = args.message_layers();
    let parts = u32::from(!layers.is_empty()) + u32::from(args.plays_cases());
    let (mut summaries, mut cases) = (Vec::new(), Vec::new());
    let interrupted = device::runtime(&target)?.block_on(async {
        let stop = interrupt::watch();
        let share = u32::try_from(courses.len()).unwrap_or(1).max(1);
        for course in &courses {
            if *stop.borrow() {
                break;
            }
            let budget = budget(args, share, parts);
            if args.plays_cases() {
                let played = cases::play(args, &target, *course, (seed, budget), stop.clone(), &report).await?;
                cases.push((*course, played));
            }
            if layers.is_empty() || *stop.borrow() {
                continue;
            }
            let campaign = Campaign {
                seed,
                layers: layers.clone(),
                allowed: Allowed { dangerous: args.dangerous },
                budget,
                length: usize::from(args.length),
                jobs: args.jobs.map_or(usize::MAX, usize::from),
                ..Campaign::default()
            };
            let summary = one(args, &target, *course, campaign, stop.clone(), &output).await?;
            summaries.push((*course, summary));
        }
        Ok::<_, Failure>(*stop.borrow())
    })?;
    let code = match exit_code(summaries.iter().map(|(_, summary)| summary), interrupted) {
        ExitCode::Conforming | ExitCode::NotJudged if cases.iter().any(|(_, cases)| cases.findings > 0) => {
            ExitCode::DeviceFailed
        }
        code => code,
    };
    report(&RunEvent::RunFinished {
        counts: Counts::default(),
        duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        exit_code: code as u8,
        interrupted,
    });
    for ((side, version), cases) in &cases {
        anstream::println!("{side} {version}: {cases}");
    }
    for ((side, version), summary) in &summaries {
        show(*side, *version, summary);
        if args.missing {
            for line in summary.coverage.missing(&summary.universe) {
                anstream::println!("  not met: {line}");
            }
        }
    }
    if let Some(output) = Arc::into_inner(output) {
        output.into_inner().unwrap_or_else(PoisonError::into_inner).finish()?;
    }
    Ok(code)
}

/// The seed of the campaign that the findings folder already has.
fn earlier_seed(args: &Fuzz, courses: &[(Role, Version)]) -> Result<Option<u64>, Failure> {
    let Some(folder) = &args.findings else { return Ok(None) };
    for (side, version) in courses {
        let state = State::load(&State::path(folder, *side, *version));
        if let Some(state) = state.map_err(|error| Failure::usage(error.to_string()))? {
            return Ok(Some(state.seed));
        }
    }
    Ok(None)
}

/// The sides and versions that streams are played against, one after the other.
fn courses(args: &Fuzz, target: &Device) -> Vec<(Role, Version)> {
    let (sides, versions) = target.courses(&args.target.ocpp);
    let fits = |side: Role, version: Version| match target {
        // A fault belongs to one side and version; elsewhere it would only be the clean device.
        Device::Embedded(_, faults) if !faults.is_empty() => {
            faults.iter().any(|fault| fault.info().side == side && fault.info().is_of(version))
        }
        _ => true,
    };
    sides
        .into_iter()
        .flat_map(|side| versions.iter().map(move |version| (side, *version)))
        .filter(|(side, version)| fits(*side, *version))
        .collect()
}

/// What each of so many courses may use; the time is shared by so many kinds of streams, too.
fn budget(args: &Fuzz, share: u32, parts: u32) -> Budget {
    let time = match (args.time, args.runs) {
        (None, None) => Some(DEFAULT),
        (time, _) => time,
    };
    Budget {
        time: time.map(|time| time / share / parts.max(1)),
        runs: args.runs.map(|runs| runs.div_ceil(u64::from(share))),
    }
}

async fn one(
    args: &Fuzz,
    device: &Device,
    (side, version): (Role, Version),
    campaign: Campaign,
    stop: watch::Receiver<bool>,
    output: &Arc<Mutex<Output>>,
) -> Result<Summary, Failure> {
    let target = process::target(&args.process, device, (side, version), args.wait_for_dut).await?;
    let target = match Canary::listen().await {
        Ok(canary) => target.with_canary(canary),
        Err(error) => {
            anstream::eprintln!("note: no canary listens, so addresses in texts lead nowhere: {error}");
            target
        }
    };
    let path = args.findings.as_deref().map(|folder| State::path(folder, side, version));
    let earlier = match &path {
        Some(path) => State::load(path).map_err(|error| Failure::usage(error.to_string()))?,
        None => None,
    };
    let earlier = earlier.filter(|state| state.seed == campaign.seed);
    if let Some(state) = &earlier {
        anstream::eprintln!("note: going on with episode {} of seed {}", state.next_episode, state.seed);
    }
    let seed = campaign.seed;
    let before = earlier.as_ref().map_or(0, |state| state.acts);
    let resumed = earlier.is_some();
    let hub = Arc::new(match earlier {
        Some(state) => Hub::new(state.next_episode, state.coverage),
        None => Hub::new(0, Coverage::default()),
    });
    let keeper = Keeper::open(args, device, seed)?;
    if resumed {
        for finding in keeper.earlier(side, version) {
            hub.know(&finding);
            let told = Box::new(keeper.told(&finding));
            output.lock().unwrap_or_else(PoisonError::into_inner).report(&RunEvent::Finding(told));
        }
    }
    let save = {
        let hub = hub.clone();
        move || {
            let Some(path) = &path else { return Ok(()) };
            let summary = hub.summary();
            let acts = before + summary.acts;
            State { format: State::FORMAT, seed, next_episode: hub.resume_at(), acts, coverage: summary.coverage }
                .save(path)
                .map_err(|error| format!("{}: {error}", path.display()))
        }
    };
    save().map_err(Failure::usage)?;
    let output = output.clone();
    let saved = save.clone();
    let told_to = Mutex::new((Line::default(), keeper));
    let tell = Arc::new(move |told: Told| {
        let mut told_to = told_to.lock().unwrap_or_else(PoisonError::into_inner);
        let (line, keeper) = &mut *told_to;
        match told {
            Told::Progress(progress) => {
                line.progress(&progress);
                if let Err(error) = saved() {
                    line.note(&error);
                }
            }
            Told::Note(note) => line.note(&note),
            Told::Found(found) => {
                line.clear();
                match keeper.keep(&found) {
                    // The same was met twice at once.
                    Ok(None) => {}
                    Ok(Some(finding)) => {
                        if let Some(hint) = keeper.hint.take() {
                            line.note(hint);
                        }
                        let event = RunEvent::Finding(Box::new(finding));
                        output.lock().unwrap_or_else(PoisonError::into_inner).report(&event);
                    }
                    Err(error) => line.note(&format!("a finding could not be kept: {error}")),
                }
            }
        }
    });
    campaign::run(campaign, target, hub.clone(), stop, tell).await;
    save().map_err(|error| Failure::new(ExitCode::NotJudged, error))?;
    Ok(hub.summary())
}

/// Keeps findings, if there is a folder for them, and says how each is repeated.
struct Keeper {
    store: Option<Store>,
    origin: Origin,
    flags: String,
    /// What a campaign of its own needs beside them to find the same.
    campaign: String,
    /// Findings that were told already, and whether as seen once.
    told: HashMap<String, bool>,
    /// What the user should know before the first of them.
    hint: Option<&'static str>,
}

/// What the user should know of findings that are not kept.
const NOT_KEPT: &str = "findings are not kept: with --findings DIR each gets a page and is repeated by `plugfest replay` without the campaign";

/// Whether this was not told yet, or only as seen once.
fn is_news(told: &mut HashMap<String, bool>, finding: &Finding) -> bool {
    let seen_once = finding.was_seen_once();
    let is_news = told.get(&finding.id).is_none_or(|as_seen_once| *as_seen_once && !seen_once);
    if is_news {
        told.insert(finding.id.clone(), seen_once);
    }
    is_news
}

impl Keeper {
    fn open(args: &Fuzz, device: &Device, seed: u64) -> Result<Keeper, Failure> {
        let store = args.findings.as_deref().map(|folder| Store::open(folder, output::redactor(device)));
        let store = store.transpose().map_err(|error| Failure::new(ExitCode::InvalidFile, error.to_string()))?;
        let fault = match args.target.fault.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        };
        let origin = Origin { plugfest: env!("CARGO_PKG_VERSION").to_owned(), seed, fault };
        let hint = store.is_none().then_some(NOT_KEPT);
        let mut flags = repeat::flags(&args.target);
        flags.extend(repeat::process(&args.process));
        let (flags, campaign) = (flags.join(" "), repeat::campaign(args, seed).join(" "));
        Ok(Keeper { store, origin, flags, campaign, told: HashMap::new(), hint })
    }

    /// What an earlier run of the same campaign has found of this side and version.
    fn earlier(&self, side: Role, version: Version) -> Vec<Finding> {
        let all = self.store.iter().flat_map(Store::findings);
        all.filter(|finding| finding.sequence.device == side && finding.sequence.ocpp == version).cloned().collect()
    }

    /// What is to be told of it; nothing if it was told already. One that was seen once is told again when it shows again.
    fn keep(&mut self, found: &Found) -> Result<Option<verdict::Finding>, String> {
        let finding = Finding::of(found, &self.origin);
        if let Some(store) = &mut self.store {
            let folder = store.folder_of(&finding.id);
            store.keep(finding.clone()).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        let is_news = is_news(&mut self.told, &finding);
        Ok(is_news.then(|| self.told(&finding)))
    }

    fn told(&self, finding: &Finding) -> verdict::Finding {
        let (side, version) = (finding.sequence.device.name(), finding.sequence.ocpp.number());
        let flags = &self.flags;
        match &self.store {
            Some(store) => {
                let folder = store.folder_of(&finding.id);
                let named = repeat::quoted(&folder.display().to_string());
                let command = format!("plugfest replay {named} {flags} --device {side} --ocpp {version}");
                finding.reported(&command, &folder.join("finding.md").display().to_string())
            }
            None => {
                let campaign = &self.campaign;
                let command =
                    format!("plugfest fuzz {flags} --device {side} --ocpp {version} {campaign} --findings findings");
                finding.reported(&command, "")
            }
        }
    }
}

/// What the findings amount to.
fn exit_code<'a>(summaries: impl Iterator<Item = &'a Summary> + Clone, interrupted: bool) -> ExitCode {
    let red = |summary: &Summary| summary.findings.keys().any(|class| class.is_red());
    if interrupted {
        ExitCode::Interrupted
    } else if summaries.clone().any(red) {
        ExitCode::DeviceFailed
    } else if summaries.clone().any(|summary| summary.gave_up.is_some() || summary.left_open > 0) {
        ExitCode::NotJudged
    } else {
        ExitCode::Conforming
    }
}

fn show(side: Role, version: Version, summary: &Summary) {
    if let (0, Some(reason)) = (summary.episodes, &summary.gave_up) {
        anstream::println!("{side} {version}: nothing was played: {reason}");
        return;
    }
    let seconds = summary.elapsed.as_secs_f64().max(0.001);
    anstream::println!(
        "{side} {version}: {} acts in {} episodes, {:.0} a second",
        summary.acts,
        summary.episodes,
        summary.acts as f64 / seconds,
    );
    for line in summary.coverage.lines(&summary.universe) {
        anstream::println!("  {line}");
    }
    let found: Vec<String> =
        summary.findings.iter().map(|(class, count)| format!("{count} {}", class.name())).collect();
    anstream::println!(
        "  findings: {}; {} suspicions did not show again",
        if found.is_empty() { "none".to_owned() } else { found.join(", ") },
        summary.not_confirmed
    );
    if summary.left_open > 0 {
        anstream::println!("  {} suspicions were left, for lack of time", summary.left_open);
    }
    if let Some(reason) = &summary.gave_up {
        anstream::println!("  ended early: {reason}");
    }
}

fn new_seed() -> u64 {
    let now = engine::clock::system_now().0.unsigned_abs();
    u64::from(std::process::id()).rotate_left(32) ^ now
}

/// The line on standard error that says how far it is: written over on a terminal, else now and then.
#[derive(Default)]
struct Line {
    drawn: bool,
    last: Option<Instant>,
}

impl Line {
    fn progress(&mut self, progress: &Progress) {
        let terminal = std::io::stderr().is_terminal();
        let due = self.last.is_none_or(|last| last.elapsed() >= Duration::from_secs(10));
        if !terminal && !due {
            return;
        }
        self.last = Some(Instant::now());
        let text = format!(
            "{:>4} s  {} acts, {:.0} a second; {} kinds of messages, {} observations; {} findings",
            progress.elapsed.as_secs(),
            progress.acts,
            progress.rate,
            progress.sent,
            progress.observations,
            progress.findings
        );
        if terminal {
            anstream::eprint!("\r\x1b[K{text}");
            self.drawn = true;
        } else {
            anstream::eprintln!("{text}");
        }
    }

    fn note(&mut self, note: &str) {
        self.clear();
        anstream::eprintln!("note: {note}");
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            anstream::eprint!("\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_as_seen_once_is_told_again_when_it_shows_again_and_not_the_other_way_round() {
        let json = r#"{"format":1,"id":"o6-x","plugfest":"","class":"violation","signature":{"oracle":"O6","state":"","action":"","path":"","reply":""},"rule":"16-TX-17","sentence":"","frame":"","sequence":{"format":1,"device":"station","ocpp":"1.6","acts":[]},"shown":3,"tried":3,"times":1,"met":{"seed":0,"episode":0,"acts":0},"transcript":[]}"#;
        let again: Finding = serde_json::from_str(json).unwrap();
        let seen_once = Finding { class: streams::oracles::Class::Ambiguous, shown: 0, tried: 2, ..again.clone() };
        let mut told = HashMap::new();
        let news = [&seen_once, &seen_once, &again, &again, &seen_once].map(|finding| is_news(&mut told, finding));
        assert_eq!(news, [true, false, true, false, false]);
    }
}
