//! `plugfest mutants`

mod streams;

use std::sync::Arc;

use engine::mutants::{self, Mutant, SIDES, Trial};
use engine::suite;
use peers::Fault;
use protocol::Version;
use verdict::{CaseResult, Counts, ExitCode, FaultResult, Redactor, RunEvent, Verdict};

use crate::args::Mutants;
use crate::failure::Failure;
use crate::{catalogue, device};

pub(crate) fn run(args: &Mutants) -> Result<ExitCode, Failure> {
    let wanted = device::faults(&args.fault)?;
    let mutants: Vec<Mutant> = peers::faults()
        .iter()
        .filter_map(|info| Fault::find(info.id))
        .filter(|fault| wanted.is_empty() || wanted.contains(fault))
        .filter(|fault| args.device.is_none_or(|side| side == fault.info().side))
        .flat_map(Mutant::of)
        .filter(|mutant| args.ocpp.is_empty() || args.ocpp.contains(&mutant.version))
        .collect();
    if mutants.is_empty() {
        return Err(Failure::new(ExitCode::NothingSelected, "no fault is left"));
    }
    let mut json = json_lines(args)?;
    let began = std::time::Instant::now();
    json.event(&RunEvent::RunStarted {
        plugfest: env!("CARGO_PKG_VERSION").to_owned(),
        seed: args.seed,
        format: 1,
        selected: 0,
        at: engine::clock::system_now(),
    });
    let mut report = |result: &FaultResult| json.event(&RunEvent::FaultFinished(Box::new(result.clone())));
    let code = if args.streams {
        streams::run(args, &mutants, &mut report)?
    } else {
        by_the_suite(args, &mutants, &mut report)?
    };
    json.event(&RunEvent::RunFinished {
        counts: Counts::default(),
        duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        exit_code: code as u8,
        interrupted: false,
    });
    match json.finish().first() {
        Some(error) => Err(Failure::new(ExitCode::NotJudged, error.to_string())),
        None => Ok(code),
    }
}

fn json_lines(args: &Mutants) -> Result<reports::Fanout, Failure> {
    let mut reporters: Vec<Box<dyn reports::Reporter>> = Vec::new();
    if let Some(path) = &args.report_json {
        let lines = reports::json_lines::JsonLines::to_file(path);
        reporters.push(Box::new(lines.map_err(|error| Failure::usage(error.to_string()))?));
    }
    Ok(reports::Fanout::new(Redactor::default(), reporters))
}

/// Tries every fault with the cases.
fn by_the_suite(args: &Mutants, mutants: &[Mutant], report: &mut dyn FnMut(&FaultResult)) -> Result<ExitCode, Failure> {
    let library = Arc::new(catalogue::load(&[])?);
    let trial = Trial { library, seed: args.seed };
    let broken = |error: std::io::Error| Failure::new(ExitCode::NotJudged, format!("cannot start: {error}"));
    let clean = baseline(&trial, args, mutants).map_err(broken)?;
    if !clean.is_empty() {
        for result in &clean {
            anstream::println!(
                "clean {} {} {}: {} {}",
                result.device,
                result.ocpp,
                result.case,
                result.verdict.name(),
                result.reason
            );
        }
        return Err(Failure::new(ExitCode::DeviceFailed, "the clean devices are not green: nothing can be concluded"));
    }
    anstream::println!(
        "{:<46} {:<8} {:<6} {:<8} {:<10} {:<9} noticed by",
        "fault",
        "side",
        "ocpp",
        "reached",
        "triggered",
        "detected"
    );
    let mut tell = |result: &FaultResult| {
        show(result);
        report(result);
    };
    let results = mutants::try_all(&trial, mutants, &mut tell).map_err(broken)?;
    summary(&results);
    Ok(ExitCode::Conforming)
}

/// What the suite is expected to notice, and apart from that what is left to the streams.
fn summary(results: &[FaultResult]) {
    let (streams, suite): (Vec<_>, Vec<_>) = results.iter().partition(|result| result.left_to_streams);
    let named = |of: &[&FaultResult], detected: bool| -> Vec<String> {
        let some = of.iter().filter(|result| result.detected == detected);
        some.map(|result| format!("{} ({})", result.fault, result.ocpp)).collect()
    };
    anstream::println!("\n{} of {} faults detected", named(&suite, true).len(), suite.len());
    let survivors = named(&suite, false);
    if !survivors.is_empty() {
        anstream::println!("survivors: {}", survivors.join(", "));
    }
    if !streams.is_empty() {
        anstream::println!("{} more are left to plugfest fuzz", streams.len());
    }
    let noticed = named(&streams, true);
    if !noticed.is_empty() {
        anstream::println!("noticed all the same: {}", noticed.join(", "));
    }
}

/// What a clean device does not pass.
fn baseline(trial: &Trial, args: &Mutants, mutants: &[Mutant]) -> std::io::Result<Vec<CaseResult>> {
    let versions: Vec<Version> =
        Version::ALL.into_iter().filter(|version| mutants.iter().any(|mutant| mutant.version == *version)).collect();
    let sides: Vec<_> = SIDES.into_iter().filter(|side| args.device.is_none_or(|only| only == *side)).collect();
    let (results, _) = trial.jobs(suite::jobs(&trial.library, &sides, &versions), Vec::new())?;
    let green = |verdict| matches!(verdict, Verdict::Pass | Verdict::Warn | Verdict::NotApplicable);
    Ok(results.into_iter().filter(|result| !green(result.verdict)).collect())
}

fn show(result: &FaultResult) {
    let word = |is: bool| if is { "yes" } else { "no" };
    let more = result.by.len().saturating_sub(3);
    let mut by = result.by.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    if more > 0 {
        by.push_str(&format!(" and {more} more"));
    }
    let streams = if result.left_to_streams && !result.detected { "left to plugfest fuzz" } else { "" };
    anstream::println!(
        "{:<46} {:<8} {:<6} {:<8} {:<10} {:<9} {by}{streams}",
        result.fault,
        result.device.name(),
        result.ocpp.number(),
        word(result.reached),
        word(result.triggered),
        word(result.detected)
    );
}
