//! The whole program against devices on loopback: good ones, and some that are hardly devices at all.

#![expect(clippy::unwrap_used, reason = "code of tests")]

use std::net::SocketAddr;
use std::path::Path;
use std::process::Output;

use base64::Engine as _;
use peers::{CsmsSettings, StationSettings};
use protocol::Version;
use serve::{CsmsOptions, Served, StationOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

const NOT_JUDGED: i32 = 5;

fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

async fn free_address() -> SocketAddr {
    TcpListener::bind(loopback()).await.unwrap().local_addr().unwrap()
}

async fn plugfest(folder: &Path, args: &[&str], env: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plugfest"))
        .current_dir(folder)
        .args(args)
        .envs(env.iter().copied())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap()
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

async fn csms(version: Version) -> Served {
    let mut settings = CsmsSettings::standard(version);
    settings.tokens = engine::rig::Rig::default_for(None).tokens();
    let control = Some(loopback());
    serve::csms(CsmsOptions { listen: loopback(), control, settings, faults: Vec::new() }).await.unwrap()
}

fn rig(folder: &Path, text: &str) -> String {
    let file = folder.join("rig.yaml");
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

const SHORT: &str = "timeouts: { reply: 300ms, step: 300ms, grace: 50ms, reconnect: 1s, reboot: 1s }\n";

#[tokio::test]
async fn doctor_finds_nothing_to_mend_at_a_reference_csms_and_knows_its_control_interface() {
    let folder = tempfile::tempdir().unwrap();
    let served = csms(Version::V16).await;
    let (url, driver) =
        (format!("ws://{}/ocpp", served.listen().unwrap()), format!("http://{}", served.control().unwrap()));
    let output = plugfest(folder.path(), &["doctor", "--url", &url, "--driver-url", &driver], &[]).await;
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(told(&output).contains("the driver makes the CSMS send GetConfiguration"), "{}", told(&output));
}

#[tokio::test]
async fn doctor_ends_with_5_at_an_unregistered_tag() {
    let folder = tempfile::tempdir().unwrap();
    let served = csms(Version::V16).await;
    let url = format!("ws://{}/ocpp", served.listen().unwrap());
    let output = plugfest(folder.path(), &["doctor", "--url", &url, "--tag", "valid=NOBODY"], &[]).await;
    assert_eq!(output.status.code(), Some(NOT_JUDGED), "{}", told(&output));
    assert!(told(&output).contains("problem  1.6: tag valid (NOBODY) is Invalid"), "{}", told(&output));
}

#[tokio::test]
async fn a_csms_that_is_not_there_is_given_up_after_three_cases() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("ws://{}/ocpp", free_address().await);
    let output = plugfest(folder.path(), &["run", "--url", &url, "--jobs", "1", "1.6/core"], &[]).await;
    assert_eq!(output.status.code(), Some(NOT_JUDGED), "{}", told(&output));
    assert!(told(&output).contains("no word of the device in 3 cases in a row"), "{}", told(&output));
}

/// What a hostile CSMS does with a connection.
async fn misbehave(how: &str, stream: &mut TcpStream) {
    let mut head = vec![0; 4096];
    let read = stream.read(&mut head).await.unwrap_or(0);
    let head = String::from_utf8_lossy(&head[..read]).into_owned();
    let key = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim().to_owned())
    });
    let accept = link::handshake::accept_key(key.unwrap_or_default().as_bytes());
    let upgrade = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
    );
    if stream.write_all(upgrade.as_bytes()).await.is_err() {
        return;
    }
    let bytes: Vec<u8> = match how {
        "closes in the middle of a frame" => vec![0x81, 0x7d, b'['],
        "sends invalid UTF-8" => vec![0x81, 0x02, 0xff, 0xfe],
        "sends binary" => vec![0x82, 0x03, 1, 2, 3],
        "sends 10 MiB" => {
            let mut bytes = vec![0x81, 0x7f];
            bytes.extend((10u64 << 20).to_be_bytes());
            bytes.resize(bytes.len() + (10 << 20), b'x');
            bytes
        }
        _ => Vec::new(),
    };
    let _ = stream.write_all(&bytes).await;
    if how != "closes in the middle of a frame" {
        // Deaf until the other end goes away.
        let mut rest = vec![0; 65536];
        while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
    }
}

#[tokio::test]
async fn a_run_against_a_hostile_csms_ends_with_a_verdict_and_gives_it_up() {
    for how in ["closes in the middle of a frame", "sends invalid UTF-8", "sends binary", "sends 10 MiB", "is deaf"] {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let device = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move { misbehave(how, &mut stream).await });
            }
        });
        let rig = rig(folder.path(), &format!("device: csms\nurl: ws://{address}/ocpp\nocpp: \"1.6\"\n{SHORT}"));
        // What says something, however wrong, is not given up: few cases do.
        let silent = matches!(how, "is deaf" | "closes in the middle of a frame");
        let select = if silent { "1.6/core" } else { "cold-boot" };
        let output = plugfest(folder.path(), &["run", "--rig", &rig, "--jobs", "1", select], &[]).await;
        device.abort();
        let code = output.status.code();
        assert!(matches!(code, Some(1 | NOT_JUDGED)), "{how}: {code:?}\n{}", told(&output));
        assert_eq!(told(&output).contains("no word of the device"), silent, "{how}: {}", told(&output));
        assert!(!told(&output).contains("panicked"), "{how}: {}", told(&output));
    }
}

#[tokio::test]
async fn a_station_that_speaks_one_version_is_not_blamed_for_another() {
    let folder = tempfile::tempdir().unwrap();
    let listen = free_address().await;
    let settings = StationSettings::standard(Version::V16);
    let options = StationOptions { url: format!("ws://{listen}/ocpp"), control: None, settings, faults: Vec::new() };
    let served = serve::station(options).await.unwrap();
    let rig = rig(folder.path(), &format!("device: station\nlisten: {listen}\nocpp: [\"1.6\", \"2.0.1\"]\n"));
    let report = folder.path().join("events.jsonl");
    let args = [
        "run",
        "--rig",
        &rig,
        "--operator",
        "none",
        "--report-json",
        report.to_str().unwrap(),
        "*configuration-read*",
        "2.0.1/*",
    ];
    let output = plugfest(folder.path(), &args, &[]).await;
    let events = std::fs::read_to_string(&report).unwrap_or_default();
    assert!(events.contains("the station does not speak 2.0.1"), "{}", told(&output));
    served.shutdown().await;
}

#[tokio::test]
async fn a_password_is_in_no_output_in_no_encoding() {
    let password = "canary-Ü-4711-secret";
    let folder = tempfile::tempdir().unwrap();
    let served = csms(Version::V16).await;
    let url = format!("ws://{}/ocpp", served.listen().unwrap());
    let args = [
        "run",
        "--url",
        &url,
        "--password-env",
        "CANARY",
        "--jobs",
        "1",
        "--identity",
        "CP-1",
        "--operator",
        "none",
        "--trace",
        "trace",
        "--report-junit",
        "junit.xml",
        "--report-json",
        "events.jsonl",
        "--report-html",
        "page.html",
        "--report-markdown",
        "page.md",
        "cold-boot",
        "1.6/core",
    ];
    let output = plugfest(folder.path(), &args, &[("CANARY", password)]).await;
    let mut written = vec![("terminal".to_owned(), told(&output))];
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        written.push((path.display().to_string(), text));
    }
    assert!(written.len() >= 6, "{}", told(&output));
    let engine = &base64::engine::general_purpose::STANDARD;
    let hex: String = password.bytes().map(|byte| format!("{byte:02x}")).collect();
    let forms = [
        password.to_owned(),
        "canary-\\u00dc-4711-secret".to_owned(),
        "canary-&#220;-4711-secret".to_owned(),
        "canary-%C3%9C-4711-secret".to_owned(),
        engine.encode(password).trim_end_matches('=').to_owned(),
        engine.encode(format!("CP-1:{password}")).trim_end_matches('=').to_owned(),
        "4711-secret".to_owned(),
        hex.to_uppercase(),
        hex,
    ];
    for (name, text) in &written {
        for form in &forms {
            assert!(!text.contains(form.as_str()), "{name} has {form}");
        }
    }
    served.shutdown().await;
}

#[tokio::test]
async fn a_csms_that_is_lost_is_started_again_by_the_hook_of_the_rig_and_the_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let listen = free_address().await;
    let hook = TcpListener::bind(loopback()).await.unwrap();
    let rig = rig(
        folder.path(),
        &format!(
            "device: csms\nurl: ws://{listen}/ocpp\nocpp: \"1.6\"\nrestart:\n  http: {{ method: POST, url: http://{}/restart }}\n\
             timeouts: {{ reply: 5s, step: 5s, grace: 50ms, reconnect: 5s, reboot: 20s }}\n",
            hook.local_addr().unwrap()
        ),
    );
    let device = tokio::spawn(async move {
        let (mut asked, _) = hook.accept().await.unwrap();
        assert!(asked.read(&mut [0; 4096]).await.unwrap() > 0);
        let mut settings = CsmsSettings::standard(Version::V16);
        settings.tokens = engine::rig::Rig::default_for(None).tokens();
        let options = CsmsOptions { listen, control: None, settings, faults: Vec::new() };
        let served = serve::csms(options).await.unwrap();
        asked.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await.unwrap();
        served
    });
    let output = plugfest(folder.path(), &["run", "--rig", &rig, "--jobs", "1", "boot-again"], &[]).await;
    assert!(device.is_finished(), "{}", told(&output));
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    device.await.unwrap().shutdown().await;
}

#[tokio::test]
async fn a_fault_that_nobody_has_is_told_before_anything_begins() {
    let folder = tempfile::tempdir().unwrap();
    for (args, words) in [
        (
            ["run", "--embedded", "--fault", "csms-tells-of-other-station"],
            "did you mean \"csms-tells-of-other-stations\"?",
        ),
        (
            ["fuzz", "--embedded", "--fault", "tells-of-other-stations"],
            "did you mean \"csms-tells-of-other-stations\"?",
        ),
        (["run", "--embedded", "--fault", "nothing-like-it"], "no fault is called \"nothing-like-it\"\n"),
    ] {
        let output = plugfest(folder.path(), &args, &[]).await;
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", told(&output));
        assert!(told(&output).contains(words) && !told(&output).contains("Summary"), "{args:?}: {}", told(&output));
    }
}

#[tokio::test]
async fn a_fault_that_breaks_a_recommendation_only_is_noticed_with_exit_code_1() {
    let folder = tempfile::tempdir().unwrap();
    let asked =
        ["run", "--embedded", "addresses-in-texts", "--ocpp", "1.6", "--device", "csms", "--report-junit", "j.xml"];
    let clean = plugfest(folder.path(), &asked, &[]).await;
    assert_eq!(clean.status.code(), Some(0), "{}", told(&clean));
    let faulty = plugfest(folder.path(), &[&asked[..], &["--fault", "csms-fetches-urls"]].concat(), &[]).await;
    assert_eq!(faulty.status.code(), Some(1), "{}", told(&faulty));
    assert!(told(&faulty).contains("XWARN") && told(&faulty).contains("(R-242)"), "{}", told(&faulty));
    let junit = std::fs::read_to_string(folder.path().join("j.xml")).unwrap();
    assert!(junit.contains("<failure") && junit.contains("R-242"), "{junit}");
}
