//! `plugfest fuzz` and `plugfest replay` against devices on loopback, with processes that come and go.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "code of tests")]

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicI64, Ordering};

use link::handshake::{Headers, read_request};
use link::{EventKind, Limits};
use peers::{CsmsSettings, Fault};
use protocol::catalogue::Catalogue;
use protocol::frame::Frame;
use protocol::{Role, Version, generate};
use serde_json::{Value, json};
use serve::{CsmsOptions, Served};
use streams::deserved::{Answer, deserved};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;

const PLUGFEST: &str = env!("CARGO_BIN_EXE_plugfest");

fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

async fn free_address() -> SocketAddr {
    TcpListener::bind(loopback()).await.unwrap().local_addr().unwrap()
}

fn plugfest(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(PLUGFEST);
    command.current_dir(folder).args(args).kill_on_drop(true).stdin(Stdio::null());
    command
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

async fn csms(faults: Vec<Fault>) -> (Served, String) {
    let mut settings = CsmsSettings::standard(Version::V16);
    settings.tokens = engine::rig::Rig::default_for(None).tokens();
    let options = CsmsOptions { listen: loopback(), control: None, settings, faults };
    let served = serve::csms(options).await.unwrap();
    let url = format!("ws://{}/ocpp", served.listen().unwrap());
    (served, url)
}

fn events(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_on_a_network_shows_again_there_and_not_at_a_sound_device_and_only_red_ends_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let (faulty, url) = csms(vec![Fault::find("csms-answers-twice").unwrap()]).await;
    let (sound, elsewhere) = csms(Vec::new()).await;
    let args = ["fuzz", "--url", &url, "--layers", "L4", "--runs", "40", "--length", "20", "--seed", "1"];
    let output = plugfest(folder.path(), &args).args(["--findings", "found", "--jobs", "1"]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    // Of those that were found, one: the others would only take longer.
    let found = std::fs::read_dir(folder.path().join("found")).unwrap().map(|entry| entry.unwrap().path());
    let one = found.filter(|path| path.to_string_lossy().contains("o3-")).min().unwrap();
    let one = one.to_str().unwrap();
    let replay = async |url: &str| {
        let output = plugfest(folder.path(), &["replay", one, "--url", url, "--times", "10"]).output().await.unwrap();
        (output.status.code(), told(&output))
    };
    let (code, text) = replay(&url).await;
    assert!(code == Some(1) && text.contains("reproduced 10 of 10"), "{code:?} {text}");
    let (code, text) = replay(&elsewhere).await;
    assert!(code == Some(0) && text.contains("reproduced 0 of 10"), "{code:?} {text}");
    let file = Path::new(one).join("finding.json");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("\"class\": \"violation\"", "\"class\": \"compatibility\"")).unwrap();
    let (code, text) = replay(&url).await;
    assert!(code == Some(0) && text.contains("reproduced 10 of 10"), "{code:?} {text}");
    faulty.shutdown().await;
    sound.shutdown().await;
}

#[tokio::test]
async fn a_finding_that_is_not_kept_comes_with_the_command_that_finds_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let args =
        ["fuzz", "--embedded", "--fault", "csms-answers-twice", "--layers", "L4,L5", "--runs", "60", "--ocpp", "1.6"];
    let output = plugfest(folder.path(), &args).args(["--length", "30", "--seed", "9"]).output().await.unwrap();
    let text = told(&output);
    let again = "--device csms --ocpp 1.6 --seed 9 --length 30 --layers L4,L5 --runs 60 --findings findings";
    assert!(text.contains("note: findings are not kept"), "{text}");
    let line = text.lines().find(|line| line.contains(again)).unwrap_or_else(|| panic!("{text}"));
    let words: Vec<&str> = line.split_whitespace().skip_while(|word| *word != "plugfest").skip(1).collect();
    let output = plugfest(folder.path(), &words).output().await.unwrap();
    assert_eq!(output.status.code(), Some(1), "{line}\n{}", told(&output));
    assert!(folder.path().join("findings").is_dir());
}

#[tokio::test]
async fn what_of_the_model_was_not_met_is_listed_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["fuzz", "--embedded", "--device", "csms", "--ocpp", "1.6", "--layers", "L5", "--runs", "20"];
    for (more, listed) in [(&["--seed", "1", "--missing"][..], true), (&["--seed", "1"], false)] {
        let output = plugfest(folder.path(), &args).args(more).output().await.unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("link cut in") && text.contains("not met: state ") == listed, "{text}");
        assert_eq!(text.contains("not met: legal "), listed, "{text}");
    }
}

#[tokio::test]
async fn findings_that_are_cases_are_repeated_too() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("found/cases")).unwrap();
    let case = "case: a-heartbeat-again\ndevice: csms\ntitle: A heartbeat\nversions: [\"1.6\"]\ntraces: [R-030]\n\
                requires: [Core]\nbegin: booted\nsteps:\n  - station -> csms: Heartbeat\n";
    std::fs::write(folder.path().join("found/cases/a-heartbeat-again.yaml"), case).unwrap();
    for (fault, code, shown) in [(&["--fault", "csms-answers-twice"][..], 1, 3), (&[], 0, 0)] {
        for path in ["found", "found/cases", "found/cases/a-heartbeat-again.yaml"] {
            let args = ["replay", path, "--embedded", "--times", "3"];
            let output = plugfest(folder.path(), &args).args(fault).output().await.unwrap();
            let wanted = format!("a-heartbeat-again: reproduced {shown} of 3");
            assert!(output.status.code() == Some(code) && told(&output).contains(&wanted), "{}", told(&output));
        }
    }
}

#[tokio::test]
async fn a_device_that_is_to_be_started_is_there_when_only_cases_are_played() {
    let folder = tempfile::tempdir().unwrap();
    let (listen, control) = (free_address().await, free_address().await);
    let start = format!("{PLUGFEST} serve csms --listen {listen} --control {control}");
    let url = format!("ws://{listen}/ocpp");
    let args = ["fuzz", "--url", &url, "--start", &start, "--layers", "cases", "--runs", "2", "--seed", "2"];
    let output = plugfest(folder.path(), &args).output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(told(&output).contains("2 cases with a change played"), "{}", told(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_station_that_never_comes_is_awaited_as_long_as_the_rig_says_and_is_no_pass() {
    let folder = tempfile::tempdir().unwrap();
    let listen = free_address().await.to_string();
    let rig = format!("device: station\nocpp: [\"1.6\"]\nlisten: {listen}\ntimeouts: {{ reconnect: 100ms }}\n");
    std::fs::write(folder.path().join("plugfest.yaml"), rig).unwrap();
    let output = plugfest(folder.path(), &["fuzz", "--for", "1h", "--seed", "1"]).output().await.unwrap();
    let told = told(&output);
    assert_eq!(output.status.code(), Some(5), "{told}");
    assert!(told.contains("station 1.6: nothing was played: the device cannot be reached"), "{told}");
    assert!(told.contains(&format!("waiting up to 0.1 s for the station at {listen}")), "{told}");
}

/// What a CSMS answers that knows the schemas, and dies of a payload which is no object.
fn answer(text: &[u8]) -> Option<Frame> {
    let deserved = deserved(Version::V16, Role::Csms, text);
    if deserved.action != "?" && !deserved.request.is_object() {
        println!("the watch dog bites");
        std::process::exit(7);
    }
    let id = deserved.id.filter(|_| deserved.answer == Answer::Must)?;
    if deserved.refuse {
        let code = (*deserved.codes.first()?).to_owned();
        return Some(Frame::Error { id, code, description: String::new(), details: json!({}) });
    }
    let response = Catalogue::of(Version::V16).message(&deserved.action)?.response()?;
    let mut payload = generate::minimal_at(Version::V16, response, engine::clock::system_now());
    if deserved.action == "StartTransaction" {
        static NEXT: AtomicI64 = AtomicI64::new(1);
        payload["transactionId"] = NEXT.fetch_add(1, Ordering::Relaxed).into();
    }
    Some(Frame::Result { id, payload })
}

/// No test: the process of a CSMS that dies of a payload which is no object.
#[tokio::test]
#[ignore = "is started by a test"]
async fn device_that_dies() {
    let Ok(address) = std::env::var("DYING_DEVICE") else { return };
    let listener = TcpListener::bind(address).await.unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let Ok(incoming) = read_request(stream, &Limits::default()).await else { return };
            let Ok(mut link) = incoming.accept(Some("ocpp1.6"), &Headers::new()).await else { return };
            loop {
                match link.next().await.kind {
                    EventKind::Text(text) => {
                        if let Some(answer) = answer(&text) {
                            let _ = link.send_text(&answer.to_text()).await;
                        }
                    }
                    EventKind::Ended(_) => return,
                    _ => {}
                }
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_is_told_with_what_killed_it_and_started_again_and_the_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let listen = free_address().await;
    let itself = std::env::current_exe().unwrap();
    let start =
        format!("env DYING_DEVICE={listen} {} --exact device_that_dies --ignored --nocapture", itself.display());
    let url = format!("ws://{listen}/ocpp");
    let device = ["--url", url.as_str(), "--start", start.as_str(), "--pattern", "^the watch dog"];
    let args = ["fuzz", "--layers", "L4", "--runs", "400", "--length", "40", "--seed", "3", "--findings", "found"];
    let output = plugfest(folder.path(), &args).args(device).args(["--report-json", "events"]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(told(&output).contains("acts in 10 episodes"), "{}", told(&output));
    let events = events(&folder.path().join("events"));
    let found: Vec<&Value> = events.iter().filter(|event| event["oracle"] == "O13").collect();
    let summaries: Vec<&str> = found.iter().map(|event| event["summary"].as_str().unwrap()).collect();
    assert!(summaries.contains(&"the process of the device: exit code 7: the process ended"), "{summaries:?}");
    assert!(summaries.contains(&"the process of the device: log: the watch dog bites"), "{summaries:?}");
    for event in found {
        assert_eq!(event["messages"], 1, "{event}");
        let replay = event["replay"].as_str().unwrap();
        assert!(replay.contains("--start 'env DYING_DEVICE="), "{replay}");
        let path = format!("found/{}", event["id"].as_str().unwrap());
        let output = plugfest(folder.path(), &["replay", &path, "--times", "3"]).args(device).output().await.unwrap();
        assert!(told(&output).contains("reproduced 3 of 3"), "{}", told(&output));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_campaign_leaves_whole_reports_and_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (served, url) = csms(Vec::new()).await;
    let args = ["fuzz", "--url", &url, "--for", "10m", "--seed", "4", "--jobs", "1"];
    let mut running = plugfest(folder.path(), &args)
        .args(["--findings", "found", "--report-json", "events"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(running.stderr.take().unwrap()).lines();
    let first = lines.next_line().await.unwrap().unwrap();
    assert!(first.contains("acts"), "{first}");
    let id = running.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());
    while lines.next_line().await.unwrap().is_some() {}
    assert_eq!(running.wait().await.unwrap().code(), Some(130));
    let events = events(&folder.path().join("events"));
    let last = events.last().unwrap();
    assert!(last["event"] == "run_finished" && last["exit_code"] == 130, "{last}");
    let args = ["fuzz", "--url", &url, "--runs", "60", "--findings", "found"];
    let output = plugfest(folder.path(), &args).output().await.unwrap();
    let text = told(&output);
    let on = text.lines().find(|line| line.contains("going on with episode")).unwrap_or_else(|| panic!("{text}"));
    assert!(on.ends_with("of seed 4") && !on.contains("episode 0 "), "{on}");
    served.shutdown().await;
}
