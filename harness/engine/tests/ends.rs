//! A case ends, whatever the device does.
#![allow(clippy::unwrap_used, reason = "code of tests")]

use std::sync::Arc;

use engine::mutants::Trial;
use engine::suite;
use peers::Fault;
use protocol::{Role, Version};
use script::Library;
use verdict::Verdict;

#[test]
fn an_answer_that_the_end_of_a_link_makes_impossible_is_not_waited_for() {
    let trial = Trial { library: Arc::new(Library::load(testcases::sources()).0), seed: 1 };
    let fault = Fault::find("station-answers-with-its-own-id").unwrap();
    for (version, case) in
        [(Version::V16, "reset-hard"), (Version::V16, "reset-soft"), (Version::V201, "reset-immediate-charging")]
    {
        let jobs = suite::jobs(&trial.library, &[Role::Station], &[version]);
        let jobs = jobs.into_iter().filter(|job| job.case.id.value == case).collect::<Vec<_>>();
        assert_eq!(jobs.len(), 1, "{case}");
        let (results, _) = trial.jobs(jobs, vec![fault]).unwrap();
        assert_eq!(results[0].verdict, Verdict::Fail, "{case}: {}", results[0].reason);
    }
}
