//! Mutants leave clean devices green, and find what the cases alone do not.

use std::sync::Arc;

use engine::mutants::Trial;
use engine::suite::Job;
use protocol::generate::{Choices, Seeded};
use protocol::{Role, Version};
use script::Library;
use verdict::Verdict;

use super::{MutantCase, mutant, mutants};

const SIDES: [Role; 2] = [Role::Csms, Role::Station];

fn library() -> Arc<Library> {
    let (library, found) = Library::load(testcases::sources());
    assert!(found.is_empty());
    Arc::new(library)
}

fn play(library: &Arc<Library>, mutants: &[(Role, MutantCase)]) {
    let mut jobs = Vec::new();
    for (device, mutant) in mutants {
        for version in &mutant.case.versions {
            if version.value != Version::V21 {
                jobs.push(Job { case: mutant.case.clone(), device: *device, version: version.value });
            }
        }
    }
    let chunks: Vec<Vec<Job>> = jobs.chunks(20).map(<[Job]>::to_vec).collect();
    let results = engine::mutants::on_all_processors(
        &chunks,
        &|jobs: &Vec<Job>| Trial { library: library.clone(), seed: 1 }.jobs(jobs.clone(), Vec::new()),
        &mut |_| {},
    );
    let mut wrong = Vec::new();
    for result in results.unwrap().into_iter().flat_map(|(results, _)| results) {
        if !matches!(result.verdict, Verdict::Pass | Verdict::Warn | Verdict::NotApplicable) {
            wrong.push(format!(
                "{} {} {}: {:?} {}",
                result.case, result.device, result.ocpp, result.verdict, result.reason
            ));
        }
    }
    let shown = wrong.iter().take(40).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} of {}:\n{shown}", wrong.len(), jobs.len());
}

#[test]
fn mutants_of_cases_leave_a_clean_device_green() {
    let library = library();
    let mut choices = Seeded::new(7);
    let mut made = Vec::new();
    // One case in three; all of them are for the long test.
    for case in library.cases().iter().step_by(3) {
        for device in SIDES {
            made.extend(mutant(&library, case, device, &mut choices).map(|mutant| (device, mutant)));
        }
    }
    println!("{} mutants", made.len());
    assert!(made.len() > 60, "{}", made.len());
    play(&library, &made);
}

#[test]
#[ignore = "every mutant of every case: some minutes"]
fn every_mutant_of_every_case_leaves_a_clean_device_green() {
    let library = library();
    let mut made = Vec::new();
    for case in library.cases() {
        for device in SIDES {
            made.extend(mutants(&library, case, device).into_iter().map(|mutant| (device, mutant)));
        }
    }
    let mut kinds = std::collections::BTreeMap::new();
    made.iter().for_each(|(_, mutant)| *kinds.entry(mutant.kind.clone()).or_insert(0) += 1);
    println!("{} mutants: {kinds:?}", made.len());
    play(&library, &made);
}

#[test]
fn a_mutant_is_a_readable_case_that_says_what_was_changed() {
    let library = library();
    let case = library.case("session-plug-in-first", Version::V16).unwrap();
    let all = mutants(&library, case, Role::Station);
    let show = |wanted: &str| all.iter().find(|mutant| mutant.kind == wanted).map(|mutant| mutant.yaml.clone());
    insta::assert_snapshot!(show("get-configuration").unwrap());
    let ids: Vec<&str> = all.iter().map(|mutant| mutant.id.as_str()).collect();
    insta::assert_snapshot!(ids.join("\n"));
    for mutant in &all {
        let traces =
            |case: &script::ast::Case| -> Vec<String> { case.traces.iter().map(|trace| trace.value.clone()).collect() };
        let kept = traces(&mutant.case);
        assert!(traces(case).iter().all(|trace| kept.contains(trace)), "{}", mutant.id);
        assert!(mutant.case.certifies.is_empty());
        assert!(mutant.case.title.value.ends_with(&mutant.what));
    }
}

#[test]
fn the_same_choices_make_the_same_mutant() {
    let library = library();
    let case = library.case("configuration-value-invalid", Version::V16).unwrap();
    let one = |choices: &mut dyn Choices| mutant(&library, case, Role::Station, choices).unwrap().yaml;
    assert_eq!(one(&mut Seeded::new(3)), one(&mut Seeded::new(3)));
}

#[test]
fn a_device_that_an_odd_call_harms_passes_the_case_and_not_its_mutant() {
    let library = library();
    let case = library.case("token-expired", Version::V16).unwrap();
    let all = mutants(&library, case, Role::Csms);
    let odd = all.into_iter().find(|mutant| mutant.kind == "unknown-action").unwrap();
    let fault = peers::Fault::find("csms-crashes-after-error").unwrap();
    let job = |case: &Arc<script::ast::Case>| Job { case: case.clone(), device: Role::Csms, version: Version::V16 };
    let trial = Trial { library: library.clone(), seed: 1 };
    let (results, _) = trial.jobs(vec![job(case), job(&odd.case)], vec![fault]).unwrap();
    let verdicts: Vec<Verdict> = results.iter().map(|result| result.verdict).collect();
    assert_eq!(verdicts, [Verdict::Pass, Verdict::Fail]);
}
