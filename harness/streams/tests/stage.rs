//! Episodes against the reference peers: what is done is seen, and nothing takes real time.
#![allow(clippy::unwrap_used, reason = "code of tests")]

use protocol::frame::Frame;
use protocol::{Role, Version};
use streams::act::{Hole, Part, Text};
use streams::generate::Allowed;
use streams::play::{Frozen, Outcome, play};
use streams::target::{How, Target};
use streams::{Act, What};

/// A call with a fresh id.
fn call(number: u32, rest: &str) -> Act {
    let text: Text =
        [Part::Bytes(b"[2,".to_vec()), Part::Hole(Hole::Id(number)), Part::Bytes(format!(",{rest}]").into_bytes())]
            .into_iter()
            .collect();
    Act::Send { link: 0, text }
}

fn played(mut target: Target, acts: &[Act], how: How) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async { play(&mut target, &mut Frozen::new(acts), &Allowed::default(), how).await })
}

fn answers(outcome: &Outcome) -> Vec<String> {
    outcome
        .seen
        .iter()
        .filter(|seen| !seen.own)
        .filter_map(|seen| match &seen.what {
            What::Received { reading, answers: Some(_), .. } => match &reading.frame {
                Some(Frame::Error { code, .. }) => Some(code.clone()),
                Some(_) => Some("result".to_owned()),
                None => Some("?".to_owned()),
            },
            _ => None,
        })
        .collect()
}

#[test]
fn calls_of_a_station_are_answered() {
    for version in [Version::V16, Version::V201] {
        let acts = [
            call(1, "\"Heartbeat\",{}"),
            call(2, "\"Heartbeat\",5"),
            call(3, "\"NoSuchThing\",{}"),
            Act::Send { link: 0, text: "[2,".into() },
            call(4, "\"Heartbeat\",{}"),
            Act::Connect { link: 0, identity: 0, manner: Default::default() },
            call(5, "\"Heartbeat\",{}"),
            Act::Cut { link: 0 },
            call(6, "\"Heartbeat\",{}"),
        ];
        let target = Target::embedded(Role::Csms, version, Vec::new());
        let outcome = played(target, &acts, How { fresh: true, ..How::default() });
        assert_eq!(outcome.unreachable, None);
        assert!(outcome.alive, "{:#?}", outcome.seen);
        let answers = answers(&outcome);
        assert_eq!(answers.iter().filter(|answer| *answer == "result").count(), 4, "{answers:?}");
        assert_eq!(answers.iter().filter(|answer| *answer == "NotImplemented").count(), 1, "{answers:?}");
    }
}

#[test]
fn calls_to_a_station_are_answered() {
    for version in [Version::V16, Version::V201] {
        let acts = [
            call(1, "\"GetLocalListVersion\",{}"),
            call(2, "\"TriggerMessage\",{\"requestedMessage\":\"Heartbeat\"}"),
            Act::Pass { ms: 10 },
            Act::Close { link: 0, code: Some(1000) },
            call(3, "\"GetLocalListVersion\",{}"),
        ];
        let target = Target::embedded(Role::Station, version, Vec::new());
        let outcome = played(target, &acts, How { fresh: true, ..How::default() });
        assert_eq!(outcome.unreachable, None);
        assert!(outcome.alive, "{:#?}", outcome.seen);
        assert_eq!(answers(&outcome).len(), 3, "{:#?}", outcome.seen);
        let called = outcome
            .seen
            .iter()
            .any(|seen| matches!(&seen.what, What::Answered { action, plain: true, .. } if action == "Heartbeat"));
        assert!(called, "{:#?}", outcome.seen);
    }
}

#[test]
fn a_withheld_answer_is_seen_as_that() {
    let acts = [
        Act::Answer { link: 0, action: Some("Heartbeat".to_owned()), text: None, times: 1 },
        call(1, "\"TriggerMessage\",{\"requestedMessage\":\"Heartbeat\"}"),
        Act::Pass { ms: 1000 },
    ];
    let target = Target::embedded(Role::Station, Version::V16, Vec::new());
    let outcome = played(target, &acts, How::default());
    let withheld = outcome
        .seen
        .iter()
        .any(|seen| matches!(&seen.what, What::Answered { action, bytes: None, .. } if action == "Heartbeat"));
    assert!(withheld, "{:#?}", outcome.seen);
}
