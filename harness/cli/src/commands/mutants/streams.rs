//! `plugfest mutants --streams`

use std::time::Duration;

use engine::mutants::{Mutant, on_all_processors};
use streams::generate::Layer;
use streams::mutants::{Detection, Subject, Trial, first_detection};
use verdict::{ExitCode, FaultResult};

use crate::args::Mutants;
use crate::failure::Failure;

/// Acts in an episode.
const LENGTH: usize = 60;

pub(super) fn run(
    args: &Mutants,
    mutants: &[Mutant],
    report: &mut dyn FnMut(&FaultResult),
) -> Result<ExitCode, Failure> {
    let broken = |error: std::io::Error| Failure::new(ExitCode::NotJudged, format!("cannot start: {error}"));
    let trial = |seed| Trial { seed, acts: args.runs, length: LENGTH, layers: Layer::ALL.to_vec() };
    let mut clean: Vec<Subject> = Vec::new();
    for mutant in mutants {
        let (side, version) = (mutant.fault.info().side, mutant.version);
        if !clean.iter().any(|subject| subject.side == side && subject.version == version) {
            clean.push(Subject { side, version, mutant: None });
        }
    }
    let work = |subject: &Subject| first_detection(&trial(args.seed), *subject);
    let accused = on_all_processors(&clean, &work, &mut |_| {}).map_err(broken)?;
    let accused: Vec<&Detection> = accused.iter().filter(|detection| detection.noticed.is_some()).collect();
    for detection in &accused {
        if let Some(suspicion) = &detection.noticed {
            let Subject { side, version, .. } = detection.subject;
            anstream::println!("clean {side} {version}: {:?} {}", suspicion.oracle, suspicion.sentence);
        }
    }
    if !accused.is_empty() {
        let text = "the clean devices are accused: nothing can be concluded";
        return Err(Failure::new(ExitCode::DeviceFailed, text));
    }
    anstream::println!(
        "{:<46} {:<8} {:<6} {:<10} {:<9} {:>8} {:>9}  noticed by",
        "fault",
        "side",
        "ocpp",
        "triggered",
        "detected",
        "acts",
        "time"
    );
    let subjects: Vec<Subject> = mutants.iter().copied().map(Subject::with).collect();
    let seeds: Vec<u64> = (0..args.seeds).map(|at| args.seed.wrapping_add(at)).collect();
    let work = |subject: &Subject| {
        seeds.iter().map(|seed| first_detection(&trial(*seed), *subject)).collect::<Result<Vec<_>, _>>()
    };
    let (mut found, mut of, mut acts, mut times) = (0, 0, Vec::new(), Vec::new());
    let mut survivors = Vec::new();
    let mut tell = |detections: &Vec<Detection>| {
        let Some(result) = result(detections) else { return };
        of += 1;
        let median = middle(detections);
        if result.detected {
            found += 1;
            acts.push(median.0);
            times.push(median.1);
        } else {
            survivors.push(format!("{} ({})", result.fault, result.ocpp));
        }
        show(&result, median, detections);
        report(&result);
    };
    on_all_processors(&subjects, &work, &mut tell).map_err(broken)?;
    acts.sort_unstable();
    times.sort_unstable();
    anstream::println!("\n{found} of {of} faults noticed by streams");
    if let (Some(acts), Some(time)) = (acts.get(acts.len() / 2), times.get(times.len() / 2)) {
        anstream::println!(
            "first noticed, in the median of the faults, after {acts} acts and {:.2} s",
            time.as_secs_f64()
        );
    }
    if !survivors.is_empty() {
        anstream::println!("survivors: {}", survivors.join(", "));
    }
    Ok(ExitCode::Conforming)
}

/// Acts and time until the first detection, in the median of the seeds; one that found nothing counts as the worst.
fn middle(detections: &[Detection]) -> (u64, Duration) {
    let mut all: Vec<(bool, u64, Duration)> =
        detections.iter().map(|detection| (detection.noticed.is_none(), detection.acts, detection.took)).collect();
    all.sort();
    all.get(all.len() / 2).map_or((0, Duration::ZERO), |(_, acts, took)| (*acts, *took))
}

/// What many seeds say of one fault: noticed if more than half of them do.
fn result(detections: &[Detection]) -> Option<FaultResult> {
    let mutant = detections.first()?.subject.mutant?;
    let noticed = detections.iter().filter(|detection| detection.noticed.is_some()).count();
    let triggered = detections.iter().any(|detection| detection.triggered);
    let mut by: Vec<String> = detections
        .iter()
        .filter_map(|detection| detection.noticed.as_ref())
        .map(|suspicion| format!("{:?} {}", suspicion.oracle, suspicion.rule))
        .collect();
    by.sort();
    by.dedup();
    Some(FaultResult {
        fault: mutant.fault.info().id.to_owned(),
        device: mutant.fault.info().side,
        ocpp: mutant.version,
        reached: triggered || noticed > 0,
        triggered,
        detected: noticed * 2 > detections.len(),
        by,
        left_to_streams: mutant.fault.info().noticed_by(mutant.version) == peers::NoticedBy::Streams,
    })
}

fn show(result: &FaultResult, (acts, took): (u64, Duration), detections: &[Detection]) {
    let word = |is: bool| if is { "yes" } else { "no" };
    let noticed = detections.iter().filter(|detection| detection.noticed.is_some()).count();
    let detected =
        if detections.len() > 1 { format!("{noticed}/{}", detections.len()) } else { word(noticed > 0).to_owned() };
    anstream::println!(
        "{:<46} {:<8} {:<6} {:<10} {:<9} {acts:>8} {:>7.2} s  {}",
        result.fault,
        result.device.name(),
        result.ocpp.number(),
        word(result.triggered),
        detected,
        took.as_secs_f64(),
        result.by.join(", ")
    );
}
