use std::fs;

use protocol::Timestamp;
use verdict::Direction;

use super::*;
use crate::act::Hole;
use crate::oracles::Evidence;

fn suspicion(state: &str) -> Suspicion {
    Suspicion {
        oracle: Code::O3,
        rule: "R-030".to_owned(),
        class: Class::Violation,
        state: state.to_owned(),
        action: "Heartbeat".to_owned(),
        path: "legal".to_owned(),
        reply: "silence".to_owned(),
        sentence: "Heartbeat is not answered ``` <b>".to_owned(),
        frame: "[2,\"1\",\"Heartbeat\",{}]".to_owned(),
        act: 0,
        nominated: true,
        evidence: Evidence::Words,
    }
}

fn found(acts: usize, state: &str) -> Found {
    let text = Text(vec![
        Part::Bytes(b"[2,".to_vec()),
        Part::Hole(Hole::Id(1)),
        Part::Bytes(b",\"Heartbeat\",{\"x\":\"secret-word\"}]".to_vec()),
    ]);
    let act = Act::Send { link: 0, text };
    Found {
        sequence: Sequence::new(Role::Csms, Version::V16, vec![act; acts]),
        suspicion: suspicion(state),
        serial: true,
        shown: 3,
        tried: 3,
        seen: Vec::new(),
        episode: 4,
        acts_before: 60,
    }
}

fn finding(acts: usize, state: &str) -> Finding {
    let origin = Origin { plugfest: "0.1.0".to_owned(), seed: 17, fault: None };
    let mut finding = Finding::of(&found(acts, state), &origin);
    finding.transcript = vec![TranscriptLine {
        at: Timestamp(0),
        direction: Some(Direction::ToDevice),
        text: "[2,\"1\",\"Heartbeat\",{\"x\":\"secret-word\"}]".to_owned(),
        marked: true,
    }];
    finding
}

#[test]
fn an_id_is_the_same_for_the_same_and_readable() {
    assert_eq!(finding(1, "booted").id, "o3-heartbeat-silence-a3db91");
    assert_eq!(finding(1, "booted").id, finding(5, "booted").id);
    assert_ne!(finding(1, "booted").id, finding(1, "charging").id);
    let mut hostile = found(1, "booted");
    hostile.suspicion.action = "../../etc/\u{0}é|".repeat(50);
    let id = Finding::of(&hostile, &Origin::default()).id;
    assert!(is_id(&id), "{id}");
}

#[test]
fn findings_of_two_runs_are_merged() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path(), Redactor::default()).unwrap();
    assert_eq!(store.keep(finding(3, "booted")).unwrap(), Kept::New);
    assert_eq!(store.keep(finding(2, "charging")).unwrap(), Kept::New);
    let mut later = Store::open(folder.path(), Redactor::default()).unwrap();
    assert_eq!(later.findings().count(), 2);
    assert_eq!(later.keep(finding(1, "booted")).unwrap(), Kept::Again);
    let merged = load(&later.folder_of(&finding(1, "booted").id)).unwrap();
    assert_eq!((merged.times, merged.sequence.acts.len()), (2, 1));
    assert_eq!(load_all(folder.path()).unwrap().len(), 2);
}

#[test]
fn one_that_shows_again_takes_the_place_of_one_that_was_seen_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path(), Redactor::default()).unwrap();
    let seen_once = Finding { class: Class::Ambiguous, shown: 0, tried: 2, ..finding(1, "booted") };
    assert!(seen_once.was_seen_once());
    let again = |class| Replayed { shown: 1, class, ..Replayed::default() }.class_of(&seen_once);
    assert_eq!((again(Some(Class::Violation)), again(None)), (Class::Violation, Class::Ambiguous));
    store.keep(seen_once.clone()).unwrap();
    store.keep(finding(2, "booted")).unwrap();
    store.keep(seen_once).unwrap();
    let kept = load(&store.folder_of(&finding(1, "booted").id)).unwrap();
    assert_eq!((kept.class, kept.shown, kept.sequence.acts.len(), kept.times), (Class::Violation, 3, 2, 3));
}

#[test]
fn a_page_says_everything_and_is_not_taken_over() {
    insta::assert_snapshot!(page::markdown(&finding(1, "booted"), std::path::Path::new("findings")));
}

#[test]
fn secrets_are_not_kept() {
    let redactor = Redactor::new([("password".to_owned(), "secret-word".to_owned())]);
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path(), redactor).unwrap();
    store.keep(finding(1, "booted")).unwrap();
    for name in ["finding.json", "finding.md"] {
        let text = fs::read_to_string(store.folder_of(&finding(1, "booted").id).join(name)).unwrap();
        assert!(!text.contains("secret-word") && text.contains("[redacted password]"), "{text}");
    }
}

#[test]
fn hostile_files_are_refused_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let good = serde_json::to_string_pretty(&finding(1, "booted")).unwrap();
    let path = folder.path().join("finding.json");
    for (text, reason) in [
        ("", "EOF while parsing a value at line 1 column 0"),
        ("{\"format\":2}", "format 2 is not known"),
        (&good.replacen("\"format\": 1", "\"format\": 1,\n\"colour\": 2", 1), "unknown field `colour`"),
        (&good.replace("o3-heartbeat", "../../evil"), "is no id"),
        (&good.replace("\"act\": \"send\"", "\"act\": \"explode\""), "unknown variant `explode`"),
        (
            &good.replacen("\"sequence\": {\n    \"format\": 1", "\"sequence\": {\n    \"format\": 9", 1),
            "format 9 of the sequence",
        ),
        (&format!("{{\"format\":1,\"x\":{}", "[".repeat(100_000)), "EOF while parsing"),
    ] {
        fs::write(&path, text).unwrap();
        let error = load(&path).unwrap_err().to_string();
        assert!(error.contains(reason) && error.contains("finding.json"), "{error}");
    }
    fs::write(&path, [0xFF, 0xFE]).unwrap();
    assert!(load(&path).is_err());
    fs::write(&path, good).unwrap();
    assert_eq!(load(folder.path()).unwrap(), finding(1, "booted"));
}
