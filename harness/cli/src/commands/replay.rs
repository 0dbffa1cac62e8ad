//! `plugfest replay`

mod cases;

use std::path::Path;
use std::time::Instant;

use protocol::{Role, Version};
use streams::finding::{self, Finding, Replayed};
use streams::generate::Allowed;
use streams::target::Target;
use verdict::{CaseResult, Counts, ExitCode, RunEvent, Standing, Verdict};

use self::cases::Cases;
use crate::args::{Colour, Replay};
use crate::failure::Failure;
use crate::output::{self, Output, Plan};
use crate::rig::Device;
use crate::{device, interrupt, process, repeat};

pub(crate) fn run(args: &Replay, colour: Colour) -> Result<ExitCode, Failure> {
    let files = cases::files(&args.finding)?;
    let all = match files.as_slice() {
        [only] if *only == args.finding => Vec::new(),
        _ => {
            finding::load_all(&args.finding).map_err(|error| Failure::new(ExitCode::InvalidFile, error.to_string()))?
        }
    };
    let on = crate::rig::resolve(&args.target)?;
    let total = all.len() + files.len();
    let mut findings: Vec<_> = all.into_iter().filter(|(_, finding)| fits(args, &on, finding)).collect();
    let cases = Cases::read(args, &on, files)?;
    if findings.is_empty() && cases.is_empty() {
        let why = if total == 0 { "there is no finding in" } else { "no finding is for this side and version in" };
        return Err(Failure::new(ExitCode::NothingSelected, format!("{why} {}", args.finding.display())));
    }
    // A station has one link: one version after the other.
    findings.sort_by_key(|(_, finding)| finding.sequence.ocpp);
    let plan = Plan { files: &args.reports, trace: None, colour, asks: true };
    let mut output = Output::open(&plan, output::redactor(&on))?;
    let began = Instant::now();
    output.report(&RunEvent::RunStarted {
        plugfest: env!("CARGO_PKG_VERSION").to_owned(),
        seed: 0,
        format: 1,
        selected: findings.len() + cases.len(),
        at: engine::clock::system_now(),
    });
    let mut counts = Counts::default();
    let mut lines = Vec::new();
    // What does not make a run of `plugfest fuzz` red does not here.
    let (mut red, mut unjudged) = (0, 0);
    let interrupted = device::runtime(&on)?.block_on(async {
        let mut stop = interrupt::watch();
        let mut current: Option<((Role, Version), Target)> = None;
        for (path, finding) in &findings {
            let course = (finding.sequence.device, finding.sequence.ocpp);
            let fresh = current.as_ref().is_none_or(|(of, _)| *of != course);
            if fresh {
                drop(current.take());
                let target = process::target(&args.process, &on, course, args.wait_for_dut).await?;
                current = Some((course, target));
            }
            let Some((_, target)) = &mut current else { continue };
            let started = engine::clock::system_now();
            let clock = Instant::now();
            let allowed = Allowed { dangerous: args.dangerous };
            let replayed = tokio::select! {
                replayed = finding::replay(target, finding, args.times, &allowed) => replayed,
                _ = stop.wait_for(|stop| *stop) => return Ok(true),
            };
            lines.push(line(finding, &replayed, args.times));
            if replayed.shown > 0 {
                red += usize::from(replayed.class_of(finding).is_red());
                let event = reported(finding, &replayed, &command(args, path, finding), path);
                output.report(&RunEvent::Finding(Box::new(event)));
            } else {
                unjudged += usize::from(replayed.tried < args.times);
                let mut result = result(finding, &replayed, args.times);
                result.repeat = command(args, path, finding);
                (result.started, result.duration_ms) = (started, millis(clock));
                counts.add(result.verdict);
                output.report(&RunEvent::CaseFinished(Box::new(result)));
            }
        }
        drop(current);
        for result in cases.play(args, &on, &stop).await? {
            lines.push(cases::line(&result));
            red += usize::from(result.verdict == Verdict::Fail);
            unjudged += usize::from(matches!(result.verdict, Verdict::Inconclusive | Verdict::Error));
            counts.add(result.verdict);
            output.report(&RunEvent::CaseFinished(Box::new(result)));
        }
        Ok::<_, Failure>(*stop.borrow())
    })?;
    let code = match (interrupted, red, unjudged) {
        (true, ..) => ExitCode::Interrupted,
        (_, 1.., _) => ExitCode::DeviceFailed,
        (_, _, 1..) => ExitCode::NotJudged,
        _ => ExitCode::Conforming,
    };
    output.report(&RunEvent::RunFinished { counts, duration_ms: millis(began), exit_code: code as u8, interrupted });
    output.finish()?;
    for line in lines {
        anstream::println!("{line}");
    }
    Ok(code)
}

/// Whether a finding can be repeated against this device.
fn fits(args: &Replay, on: &Device, finding: &Finding) -> bool {
    let side = match on {
        Device::Embedded(side, _) => *side,
        Device::Real(_, side) => Some(*side),
    };
    let sequence = &finding.sequence;
    side.is_none_or(|side| side == sequence.device)
        && (args.target.ocpp.is_empty() || args.target.ocpp.contains(&sequence.ocpp))
}

fn line(finding: &Finding, replayed: &Replayed, times: u32) -> String {
    let why = replayed.unjudged.as_ref().map(|why| format!("; {why}")).unwrap_or_default();
    format!("{}: reproduced {} of {times}{why}", finding.id, replayed.shown)
}

/// The command that repeats it.
fn command(args: &Replay, path: &Path, finding: &Finding) -> String {
    let mut words = vec!["plugfest replay".to_owned(), repeat::quoted(&path.display().to_string())];
    words.extend(repeat::flags(&args.target));
    words.extend(repeat::process(&args.process));
    if args.times > 1 {
        words.push(format!("--times {}", args.times));
    }
    let sequence = &finding.sequence;
    words.push(format!("--device {} --ocpp {}", sequence.device.name(), sequence.ocpp.number()));
    words.join(" ")
}

fn reported(finding: &Finding, replayed: &Replayed, command: &str, path: &Path) -> verdict::Finding {
    let mut now = finding.clone();
    now.class = replayed.class_of(finding);
    now.sentence.clone_from(&replayed.sentence);
    now.frame.clone_from(&replayed.frame);
    now.transcript.clone_from(&replayed.transcript);
    (now.shown, now.tried) = (replayed.shown, replayed.tried);
    let page = path.join("finding.md");
    let page = if page.is_file() { page.display().to_string() } else { String::new() };
    now.reported(command, &page)
}

/// What does not show, or cannot be judged, has a line in the reports, too.
fn result(finding: &Finding, replayed: &Replayed, times: u32) -> CaseResult {
    let sequence = &finding.sequence;
    let (verdict, standing, reason) = match &replayed.unjudged {
        Some(why) if replayed.tried < times => (Verdict::Inconclusive, Standing::Unexpected, why.clone()),
        _ => (Verdict::Pass, Standing::Expected, String::new()),
    };
    CaseResult {
        case: finding.id.clone(),
        title: finding.sentence.clone(),
        file: String::new(),
        folder: "findings".to_owned(),
        device: sequence.device,
        ocpp: sequence.ocpp,
        configuration: String::new(),
        verdict,
        standing,
        reason,
        rules: vec![finding.rule.clone()],
        certifies: Vec::new(),
        one_of: Vec::new(),
        traces: Vec::new(),
        plans: replayed.tried as usize,
        started: protocol::Timestamp(0),
        duration_ms: 0,
        identity: String::new(),
        diagnostics: Vec::new(),
        violations: Vec::new(),
        transcript: Vec::new(),
        notes: vec![format!("reproduced {} of {times}", replayed.shown)],
        device_says: None,
        repeat: String::new(),
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
