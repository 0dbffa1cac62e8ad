//! A red verdict names the rule that was broken: every seeded fault that the suite is to notice is noticed by a case
//! that names the very statement the fault breaks.

use std::sync::Arc;

use engine::mutants::{Mutant, Trial};
use engine::suite;
use peers::{Fault, NoticedBy, faults};
use protocol::Version;
use script::Library;
use verdict::{CaseResult, Verdict};

/// Faults whose statement no step can name, each with the reason.
const UNNAMED: &[(&str, &str)] = &[];

fn library() -> Arc<Library> {
    let (library, found) = Library::load(testcases::sources());
    assert!(found.is_empty(), "{}", found.iter().map(|found| found.render(false)).collect::<String>());
    Arc::new(library)
}

/// Whether a failing result names this statement, alone or with the oracle that noticed.
fn names(result: &CaseResult, statement: &str) -> bool {
    result.verdict == Verdict::Fail && result.rules.iter().any(|rule| rule.split(' ').next() == Some(statement))
}

/// What was said instead, for the message of a failing test.
fn said(results: &[CaseResult]) -> String {
    let failing = results.iter().filter(|result| result.verdict == Verdict::Fail);
    failing
        .map(|result| format!("\n    {}: {} {:?} one of {:?}", result.case, result.reason, result.rules, result.one_of))
        .collect()
}

fn unnamed(trial: &Trial, mutant: Mutant) -> Option<String> {
    let Mutant { fault, version } = mutant;
    let info = fault.info();
    let breaks = info.breaks(version)?;
    let jobs = suite::jobs(&trial.library, &[info.side], &[version]);
    // Most faults are named by a case that proves the statement; the others need the whole suite.
    let (proving, others): (Vec<_>, Vec<_>) =
        jobs.into_iter().partition(|job| job.case.traces.iter().any(|id| id.value == breaks));
    let mut all = Vec::new();
    for jobs in [proving, others] {
        let (results, _) = trial.jobs(jobs, vec![fault]).unwrap_or_default();
        all.extend(results);
        if all.iter().any(|result| names(result, breaks)) {
            return None;
        }
    }
    Some(format!("{} ({version}) breaks {breaks}:{}", info.id, said(&all)))
}

#[test]
#[ignore = "plays the suite once for each fault, which takes minutes"]
fn every_fault_is_named_by_the_statement_that_it_breaks() {
    let trial = Trial { library: library(), seed: 1 };
    let wanted = std::env::var("FAULT").ok();
    let mutants: Vec<Mutant> = faults()
        .iter()
        .filter(|info| info.noticed_by == NoticedBy::Suite && wanted.as_deref().is_none_or(|id| info.id.contains(id)))
        .filter_map(|info| Fault::find(info.id))
        .flat_map(Mutant::of)
        .filter(|mutant| mutant.version != Version::V21)
        .collect();
    let (one, other) = mutants.split_at(mutants.len() / 2);
    let missing = |mutants: &[Mutant]| -> Vec<String> {
        let excused = |mutant: &Mutant| UNNAMED.iter().any(|(id, _)| *id == mutant.fault.info().id);
        mutants.iter().filter(|mutant| !excused(mutant)).filter_map(|mutant| unnamed(&trial, *mutant)).collect()
    };
    let found = std::thread::scope(|scope| {
        let other = scope.spawn(|| missing(other));
        [missing(one), other.join().unwrap()].concat()
    });
    assert!(found.is_empty(), "{} faults are not named:\n{}", found.len(), found.join("\n"));
}
