//! Procedures against devices that break frames, each in one way.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use link::handshake::{self, Headers};
use link::memory::{self, MemoryListener};
use link::{Connection, End, EventKind, FindingKind, Limits, Stream, Url};
use protocol::{Role, Version};
use script::{Library, Procedure};
use tokio::sync::watch;
use verdict::{Event, Source, Verdict};

use crate::clock::Clock;
use crate::drivers::Drivers;
use crate::player::{Outcome, Player, Session};
use crate::program::{self, Cover, Outside};
use crate::rig::Rig;
use crate::runner::{Carrier, Wire, play};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Trouble {
    None,
    NoPong,
    AnotherPong,
    DropsFragments,
    CutsForFragments,
    EndsWithoutCloseFrame,
    NeverComesBack,
    ForgetsEveryFortiethCall,
    DeafAfterBadText,
    AnswersBadText,
    FailsBadTextWith(u16),
    DeafAfterBinary,
    AnswersBinary,
    EndsWithDamage,
    DeafOnASecondLink,
    SlowerAndSlower,
}

/// A CSMS that answers what it must and has one trouble.
async fn device(mut listener: MemoryListener, trouble: Trouble) {
    let mut links = 0;
    while let Ok(stream) = link::dial::Listen::accept(&mut listener).await {
        links += 1;
        if links > 1 && matches!(trouble, Trouble::NeverComesBack | Trouble::EndsWithDamage) {
            drop(stream);
            continue;
        }
        tokio::spawn(serve(stream, trouble, links));
    }
}

async fn serve(stream: Stream, trouble: Trouble, link: usize) {
    let incoming = handshake::read_request(stream, &Limits::default()).await.unwrap();
    let mut connection: Connection<Stream> = incoming.accept(Some("ocpp1.6"), &Headers::new()).await.unwrap();
    connection.set_auto_pong(!matches!(trouble, Trouble::NoPong | Trouble::AnotherPong));
    connection.set_auto_close(trouble != Trouble::EndsWithoutCloseFrame);
    let mut calls = 0_u64;
    let mut is_deaf = trouble == Trouble::DeafOnASecondLink && link > 1;
    loop {
        let event = connection.next().await;
        let has_reserved_bits = event.findings.iter().any(|found| found.kind == FindingKind::ReservedBits);
        if has_reserved_bits || matches!(event.kind, EventKind::Unknown { .. }) {
            if trouble != Trouble::EndsWithDamage {
                let _ = connection.close(Some(1002), "").await;
                connection.drain().await;
            }
            return;
        }
        match event.kind {
            EventKind::Ended(End::LimitExceeded) => {
                let _ = connection.close(Some(1009), "").await;
                return;
            }
            EventKind::Text(_) if event.frames > 1 && trouble == Trouble::DropsFragments => {}
            EventKind::Text(_) if event.frames > 1 && trouble == Trouble::CutsForFragments => {
                return connection.cut();
            }
            EventKind::Text(bytes) if std::str::from_utf8(&bytes).is_err() => match trouble {
                Trouble::DeafAfterBadText => is_deaf = true,
                Trouble::FailsBadTextWith(code) => {
                    let _ = connection.close(Some(code), "").await;
                    connection.drain().await;
                    return;
                }
                Trouble::AnswersBadText => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let id = text.split('"').nth(1).unwrap();
                    let answer = format!("[4,\"{id}\",\"FormationViolation\",\"\",{{}}]");
                    connection.send_text(&answer).await.unwrap();
                }
                _ => {}
            },
            EventKind::Text(_) if is_deaf => {}
            EventKind::Binary(_) if trouble == Trouble::DeafAfterBinary => is_deaf = true,
            EventKind::Binary(bytes) if trouble == Trouble::AnswersBinary => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                if let Some(id) = text.split('"').nth(1) {
                    connection.send_text(&format!("[3,\"{id}\",{{}}]")).await.unwrap();
                }
            }
            EventKind::Text(bytes) => {
                calls += 1;
                if trouble == Trouble::ForgetsEveryFortiethCall && calls.is_multiple_of(40) {
                    continue;
                }
                if trouble == Trouble::SlowerAndSlower {
                    tokio::time::sleep(std::time::Duration::from_millis(10 * calls)).await;
                }
                let text = String::from_utf8(bytes).unwrap();
                let words: Vec<&str> = text.split('"').collect();
                let payload = match words[3] {
                    "DataTransfer" => "{\"status\":\"UnknownVendorId\"}",
                    "StatusNotification" => "{}",
                    _ => "{\"currentTime\":\"2026-01-01T00:00:00Z\"}",
                };
                connection.send_text(&format!("[3,\"{}\",{payload}]", words[1])).await.unwrap();
            }
            EventKind::Ping(_) if trouble == Trouble::AnotherPong => connection.send_pong(b"pong").await.unwrap(),
            EventKind::Close { .. } if trouble == Trouble::EndsWithoutCloseFrame => return connection.cut(),
            EventKind::Ended(_) => return,
            _ => {}
        }
    }
}

async fn outcome(procedure: Procedure, trouble: Trouble) -> (Outcome, Vec<Event>) {
    // Without a state the probe afterwards is none, but the link is there.
    let text = format!(
        "case: procedure\ntitle: A procedure\nversions: [\"1.6\"]\ntraces: [R-070]\nbegin: connected\nprocedure: {}\n",
        procedure.name()
    );
    let state = "state: connected\ntitle: Connected\nversions: [\"1.6\"]\nsteps:\n  - station connects:\n";
    let sources = [("case.yaml", text.as_str()), ("state.yaml", state)]
        .map(|(path, text)| Arc::new(Source { path: path.to_owned(), text: text.to_owned() }));
    let (library, found) = Library::load(sources);
    assert!(found.is_empty(), "{found:?}");
    let rig = Rig::default_for(Some(Role::Csms)).for_version(Version::V16);
    let cover = Cover::Each;
    let outside = Outside {
        library: &library,
        rig: &rig,
        can: &|_, _| false,
        cannot_carry: &|_| Vec::new(),
        cover,
        both_sides: false,
    };
    let program = program::compile(&library.cases()[0], Role::Csms, Version::V16, 0, &outside).unwrap();
    let clock = Clock::at(protocol::Timestamp::parse("2026-01-01T00:00:00Z").unwrap());
    let session = Session::new(Role::Csms, Version::V16, "PLUGFEST-1", &rig, "door", 1);
    let drivers = Drivers::from_rig(&rig, Version::V16, None);
    let (dialer, listener) = memory::network();
    tokio::spawn(device(listener, trouble));
    let url = Url { secure: false, host: "memory".to_owned(), port: 80, path: "/ocpp".to_owned() };
    let carrier = Carrier::Dial { dialer: Arc::new(dialer), url };
    let mut wire = Wire::new(carrier, Version::V16, vec!["PLUGFEST-1".to_owned()], None);
    let mut player = Player::new(clock.now(), program, Arc::new(rig), session, 1, false);
    let (_keep, mut stop) = watch::channel(false);
    let mut events = Vec::new();
    let mut sink = |event| events.push(event);
    play(&mut player, &mut wire, &drivers, "PLUGFEST-1", &clock, &mut stop, &mut sink).await;
    let (outcome, _, _) = player.into_parts();
    (outcome, events)
}

#[tokio::test(start_paused = true)]
async fn a_device_that_keeps_the_rules_of_frames_passes_every_procedure() {
    for procedure in Procedure::ALL {
        // A station's, those that need a driver, and those that take more than this device has.
        if matches!(
            procedure,
            Procedure::AnswerInFragments
                | Procedure::OneCallAtATime
                | Procedure::AnswerInUnknownWords
                | Procedure::PasswordsChecked
                | Procedure::TwoStations
                | Procedure::TransactionOfAnother
        ) {
            continue;
        }
        let (outcome, _) = outcome(*procedure, Trouble::None).await;
        let wanted = if *procedure == Procedure::TextNotUtf8 { Verdict::Warn } else { Verdict::Pass };
        assert_eq!(outcome.verdict, wanted, "{}: {} {:?}", procedure.name(), outcome.reason, outcome.diagnostics);
    }
}

#[tokio::test(start_paused = true)]
async fn each_broken_rule_of_frames_is_noticed_with_its_bytes() {
    let mut told = String::new();
    for (procedure, trouble) in [
        (Procedure::PingsAnswered, Trouble::NoPong),
        (Procedure::PingsAnswered, Trouble::AnotherPong),
        (Procedure::CallInFragments, Trouble::NoPong),
        (Procedure::CallInFragments, Trouble::DropsFragments),
        (Procedure::CallInFragments, Trouble::CutsForFragments),
        (Procedure::LinkClosed, Trouble::EndsWithoutCloseFrame),
        (Procedure::LinkClosed, Trouble::NeverComesBack),
        (Procedure::ManyCalls, Trouble::ForgetsEveryFortiethCall),
        (Procedure::TextNotUtf8, Trouble::DeafAfterBadText),
        (Procedure::BinaryMessages, Trouble::DeafAfterBinary),
        (Procedure::DamagedFrames, Trouble::EndsWithDamage),
        (Procedure::LinkReplaced, Trouble::DeafOnASecondLink),
    ] {
        let (outcome, _) = outcome(procedure, trouble).await;
        assert_eq!(outcome.verdict, Verdict::Fail, "{trouble:?}: {}", outcome.reason);
        told.push_str(&format!("# {}, {trouble:?}\n", procedure.name()));
        for diagnostic in &outcome.diagnostics {
            told.push_str(&diagnostic.render(false));
            told.push('\n');
        }
    }
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/src/door/broken.txt");
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::write(golden, &told).unwrap();
    }
    assert_eq!(told, std::fs::read_to_string(golden).unwrap_or_default(), "UPDATE_GOLDENS=1 rewrites {golden}");
}

#[tokio::test(start_paused = true)]
async fn what_a_device_does_about_text_that_is_not_utf_8_never_fails_while_it_lives() {
    for (trouble, verdict, word) in [
        (Trouble::FailsBadTextWith(1007), Verdict::Pass, ""),
        (Trouble::FailsBadTextWith(1002), Verdict::Warn, "not 1002"),
        (Trouble::AnswersBadText, Verdict::Warn, "was answered"),
        (Trouble::None, Verdict::Warn, "is to be failed"),
    ] {
        let (outcome, _) = outcome(Procedure::TextNotUtf8, trouble).await;
        assert_eq!(outcome.verdict, verdict, "{trouble:?}: {}", outcome.reason);
        assert!(outcome.reason.contains(word), "{trouble:?}: {}", outcome.reason);
        assert!(outcome.violations.is_empty(), "{trouble:?}: {:?}", outcome.violations);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_only_recommended_is_a_warning() {
    for (procedure, trouble, statement) in [
        (Procedure::BinaryMessages, Trouble::AnswersBinary, "R-002"),
        (Procedure::ManyCalls, Trouble::SlowerAndSlower, "R-243"),
    ] {
        let (outcome, _) = outcome(procedure, trouble).await;
        assert_eq!(outcome.verdict, Verdict::Warn, "{trouble:?}: {}", outcome.reason);
        assert!(outcome.reason.contains(statement), "{trouble:?}: {}", outcome.reason);
    }
}

#[tokio::test(start_paused = true)]
async fn a_procedure_is_in_the_trace_with_its_result() {
    let (_, events) = outcome(Procedure::PingsAnswered, Trouble::NoPong).await;
    let told = serde_json::to_string(&events).unwrap();
    assert!(told.contains("\"deed\":\"done\"") && told.contains("\"statement\":\"R-097\""), "{told}");
}
