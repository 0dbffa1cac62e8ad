//! Every case of the catalogue plays with itself: both sides, every plan, several orders of arrival.

use engine::selfplay;
use script::Library;

#[test]
fn every_case_plays_with_itself() {
    let (library, found) = Library::load(testcases::sources());
    assert!(found.is_empty(), "{}", found.iter().map(|found| found.render(false)).collect::<String>());
    let failures: Vec<selfplay::Failure> = (1..=3).flat_map(|seed| selfplay::all(&library, seed)).collect();
    for failure in &failures {
        eprintln!("=== {} {} plan {}", failure.case, failure.version, failure.variant);
        failure.diagnostics().iter().for_each(|shown| eprintln!("{}", shown.render(false)));
        eprintln!("{}\n", selfplay::transcript(&failure.events));
    }
    let names: Vec<String> = failures.iter().map(|failure| format!("{} {}", failure.case, failure.version)).collect();
    assert!(names.is_empty(), "{} plans do not play: {}", names.len(), names.join(", "));
}

#[test]
fn what_does_not_play_with_itself_says_why() {
    let (library, _) = Library::load(testcases::sources());
    for case in library.cases() {
        if let Some(why) = selfplay::objection(case) {
            println!("{}: {why}", case.id.value);
        }
    }
}
