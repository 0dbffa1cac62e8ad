//! A red verdict names the rule that was broken: every seeded fault that the suite is to notice is noticed by a case
//! that names a statement the fault breaks.
//!
//! `cargo test -p plugfest-engine --test broken_rules -- --ignored --nocapture` lists those of which that is not true
//! yet; `SEED=2` plays with another seed, `FAULT=part-of-id` narrows it, and with `PROVING=1` only cases that trace to the
//! statement are played.

use std::sync::Arc;

use engine::mutants::{Mutant, Trial, on_all_processors};
use engine::suite;
use peers::{Fault, NoticedBy, faults};
use protocol::Version;
use protocol::statements::{self, Strength};
use script::Library;
use verdict::{CaseResult, Verdict};

/// A result that names more statements than these without telling which does not name one.
const MOST_PROVEN: usize = 3;

fn library() -> Arc<Library> {
    let (library, found) = Library::load(testcases::sources());
    assert!(found.is_empty(), "{}", found.iter().map(|found| found.render(false)).collect::<String>());
    Arc::new(library)
}

fn seed() -> u64 {
    std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

/// Whether a result names this statement, alone or with the oracle that noticed: a failure names what it breaks; what
/// is only recommended is named by the oracle or by the words that warn.
fn names(result: &CaseResult, statement: &str) -> bool {
    let proven = if result.one_of.len() <= MOST_PROVEN { result.one_of.as_slice() } else { &[] };
    let mut named = result.rules.iter().chain(proven);
    let fails = result.verdict == Verdict::Fail && named.any(|rule| id(rule) == statement);
    let warns = || {
        let words = format!("({statement})");
        result.violations.iter().any(|found| found.statement == statement)
            || std::iter::once(&result.reason).chain(&result.notes).any(|text| text.contains(&words))
    };
    fails || !is_demanded(statement, result.ocpp) && matches!(result.verdict, Verdict::Fail | Verdict::Warn) && warns()
}

fn id(rule: &str) -> &str {
    rule.split(' ').next().unwrap_or_default()
}

fn is_demanded(id: &str, version: Version) -> bool {
    statements::statement(id).is_some_and(|statement| statement.strength_in(version) == Strength::Must)
}

/// Whatever a result names has to bind the device, and to be demanded of it.
fn accuse_nobody_else(results: &[CaseResult]) {
    for result in results.iter().filter(|result| result.verdict == Verdict::Fail) {
        for rule in result.rules.iter().chain(&result.one_of) {
            let binds = statements::statement(id(rule))
                .is_some_and(|statement| statement.is_of(result.ocpp) && statement.side.includes(result.device));
            let is_right = binds && is_demanded(id(rule), result.ocpp);
            assert!(is_right, "{} names {rule} for a {} of {}", result.case, result.device, result.ocpp);
        }
    }
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
    let breaks = info.all_broken(version);
    let jobs = suite::jobs(&trial.library, &[info.side], &[version]);
    // Most faults are named by a case that proves the statement; the others need the whole suite.
    let (proving, others): (Vec<_>, Vec<_>) =
        jobs.into_iter().partition(|job| job.case.traces.iter().any(|id| breaks.contains(&id.value.as_str())));
    let mut all = Vec::new();
    let others = if std::env::var_os("PROVING").is_some() { Vec::new() } else { others };
    for job in proving.into_iter().chain(others) {
        let (results, _) = trial.jobs(vec![job], vec![fault]).unwrap_or_default();
        accuse_nobody_else(&results);
        all.extend(results);
        if all.iter().any(|result| breaks.iter().any(|statement| names(result, statement))) {
            return None;
        }
    }
    Some(format!("{} ({version}) breaks {}:{}", info.id, breaks.join(" and "), said(&all)))
}

/// Every fault that is the suite's to notice, in every version that its peers speak; with `ALL=1` those of the streams,
/// too.
fn mutants() -> Vec<Mutant> {
    let all = std::env::var_os("ALL").is_some();
    let every = faults().iter().filter_map(|info| Fault::find(info.id)).flat_map(Mutant::of);
    every.filter(|it| all || it.fault.info().noticed_by(it.version) == NoticedBy::Suite).collect()
}

fn assert_all_named(mutants: &[Mutant]) {
    let trial = Trial { library: library(), seed: seed() };
    let work = |mutant: &Mutant| Ok::<_, std::convert::Infallible>(unnamed(&trial, *mutant));
    let told = &mut |missing: &Option<String>| {
        if let Some(missing) = missing {
            println!("{missing}");
        }
    };
    let found = on_all_processors(mutants, &work, told).unwrap();
    let found: Vec<String> = found.into_iter().flatten().collect();
    assert!(found.is_empty(), "{} faults are not named:\n{}", found.len(), found.join("\n"));
}

#[test]
fn a_link_that_a_device_may_end_is_made_anew_for_the_rest_of_the_case() {
    let trial = Trial { library: library(), seed: 1 };
    let fault = Fault::find("csms-cuts-the-link-on-a-long-list").unwrap();
    let mut jobs = suite::jobs(&trial.library, &[protocol::Role::Csms], &[Version::V16]);
    jobs.retain(|job| job.case.id.value == "long-values");
    let (results, showed) = trial.jobs(jobs, vec![fault]).unwrap();
    let verdicts: Vec<Verdict> = results.iter().map(|result| result.verdict).collect();
    assert!(showed && verdicts == [Verdict::Warn], "{}", said(&results));
}

#[test]
fn one_fault_in_eight_is_named_by_the_statement_that_it_breaks() {
    let sample: Vec<Mutant> = mutants().into_iter().step_by(8).collect();
    assert_all_named(&sample);
}

#[test]
#[ignore = "plays cases for each fault, which takes minutes"]
fn every_fault_is_named_by_the_statement_that_it_breaks() {
    let wanted = std::env::var("FAULT").unwrap_or_default();
    let wanted: Vec<Mutant> = mutants().into_iter().filter(|it| it.fault.info().id.contains(&wanted)).collect();
    assert_all_named(&wanted);
}
