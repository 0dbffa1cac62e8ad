use super::*;
use std::sync::Mutex;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use verdict::Source;

const CANARY: &str = "canary-of-the-environment";

/// A control interface that answers every request alike and remembers what it was asked.
struct Fake {
    address: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    async fn answering(status: u16, body: &str) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let answer =
            format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nlocation: /elsewhere\r\n\r\n{body}", body.len());
        let asked = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read_request(&mut stream).await;
                asked.lock().unwrap().push(request);
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Fake { address, seen }
    }

    /// The only request: `METHOD target body`, and its header lines.
    fn asked(&self) -> (String, String) {
        let seen = self.seen.lock().unwrap();
        assert_eq!(seen.len(), 1, "{seen:?}");
        let (head, body) = seen[0].split_once("\r\n\r\n").unwrap();
        let (line, headers) = head.split_once("\r\n").unwrap();
        let line = line.strip_suffix(" HTTP/1.1").unwrap();
        (format!("{line} {body}").trim_end().to_owned(), headers.to_owned())
    }
}

async fn read_request(stream: &mut tokio::net::TcpStream) -> String {
    let mut text = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = stream.read(&mut chunk).await.unwrap();
        text.extend_from_slice(&chunk[..read]);
        let whole = String::from_utf8_lossy(&text).into_owned();
        if let Some((head, body)) = whole.split_once("\r\n\r\n") {
            let length = head
                .to_lowercase()
                .split("content-length: ")
                .nth(1)
                .and_then(|rest| rest.lines().next()?.parse::<usize>().ok())
                .unwrap_or(0);
            if body.len() >= length {
                return whole;
            }
        }
        if read == 0 {
            return whole;
        }
    }
}

fn rig(text: &str) -> Rig {
    let source = Arc::new(Source { path: "plugfest.yaml".to_owned(), text: text.to_owned() });
    Rig::read(&source, &|name| (name == "API_TOKEN").then(|| CANARY.to_owned()))
        .unwrap_or_else(|found| panic!("{found:#?}"))
}

fn drivers(text: &str, version: Version) -> Drivers {
    Drivers::from_rig(&rig(&format!("drivers:\n  {text}")), version, None)
}

fn stimulus(party: Role, verb: &str, with: Value) -> Stimulus {
    Stimulus { party, verb: verb.to_owned(), with: with.as_object().unwrap().clone() }
}

fn at_station(verb: &str, with: Value) -> Stimulus {
    stimulus(Role::Station, verb, with)
}

fn send(action: &str, fields: Value) -> Stimulus {
    stimulus(Role::Csms, "send", json!({ "action": action, "fields": fields }))
}

/// What a binding makes of a stimulus: the request, without its headers.
async fn request_of(kind: &str, version: Version, stimulus: &Stimulus) -> String {
    let fake = Fake::answering(200, "ok").await;
    let drivers = drivers(&format!("default: {{ {kind}: \"{}\" }}", fake.address), version);
    assert_eq!(drivers.can(stimulus.party, &stimulus.verb), Can::Yes);
    assert_eq!(drivers.stimulate("PF 1", stimulus).await, Confirmation::Done);
    fake.asked().0
}

#[tokio::test]
async fn the_plugfest_endpoint_is_given_the_stimulus_as_it_is() {
    let plug = at_station("plug in", json!({ "at": { "evse": 1, "connector": 2 } }));
    let asked = request_of("plugfest", Version::V16, &plug).await;
    assert_eq!(
        asked,
        r#"POST /stimulus {"party":"station","station":"PF 1","ocpp":"1.6","verb":"plug in","with":{"at":{"evse":1,"connector":2}}}"#
    );
}

#[tokio::test]
async fn the_sut_api_takes_its_parameters_in_the_query() {
    let at = json!({ "evse": 1, "connector": 2 });
    for (verb, with, path) in [
        ("plug in", json!({ "at": at }), "/plugin?evse_id=1&connector_id=2"),
        ("unplug", json!({ "at": at, "end": "ev" }), "/plugout?evse_id=1&connector_id=2"),
        ("plug in", json!({}), "/plugin?evse_id=1&connector_id=1"),
        (
            "present token",
            json!({ "at": at, "token": { "idToken": "A&B", "type": "ISO14443" } }),
            "/authorize?id=A%26B&type=ISO14443&evse_id=1",
        ),
        ("pause by ev", json!({ "at": at }), "/state?ready=false&evse_id=1&connector_id=2"),
        ("resume by ev", json!({ "at": at }), "/state?ready=true&evse_id=1&connector_id=2"),
        ("charge", json!({ "at": at, "for": 0 }), "/state?ready=true&evse_id=1&connector_id=2"),
        ("x-end charging", json!({}), "/end"),
    ] {
        let asked = request_of("octt sut", Version::V201, &at_station(verb, with)).await;
        assert_eq!(asked, format!("POST {path}"));
    }
}

#[tokio::test]
async fn what_the_sut_api_lacks_is_not_bound_until_a_path_is_given() {
    let fake = Fake::answering(200, "ok").await;
    let bare = drivers(&format!("default: {{ octt sut: \"{}\" }}", fake.address), Version::V201);
    let cut = at_station("cut power", json!({}));
    assert_eq!(bare.can(Role::Station, "cut power"), Can::No);
    assert_eq!(bare.stimulate("S", &cut).await, Confirmation::NotBound("cut power".to_owned()));
    let more = drivers(
        &format!("default: {{ octt sut: {{ url: \"{}\", paths: {{ cut power: /power?on=false }} }} }}", fake.address),
        Version::V201,
    );
    assert_eq!(more.stimulate("S", &cut).await, Confirmation::Done);
    assert_eq!(fake.asked().0, "POST /power?on=false");
}

#[tokio::test]
async fn the_trigger_api_has_a_path_for_each_purpose() {
    let token = json!({ "token": { "idToken": "T" }, "status": "Blocked" });
    let csms = |verb: &str, with: Value| stimulus(Role::Csms, verb, with);
    for (version, stimulus, asked) in [
        (
            Version::V16,
            send("RemoteStartTransaction", json!({ "idTag": "T" })),
            r#"/api/octt/1.6/PF%201/remote-start-transaction {"idTag":"T"}"#,
        ),
        (
            Version::V201,
            send("GetBaseReport", json!({ "requestId": 1 })),
            r#"/api/octt/2.0.1/PF%201/call/GetBaseReport {"requestId":1}"#,
        ),
        (Version::V16, csms("add token", token), r#"/api/octt/create-token {"token_id":"T","status":"Blocked"}"#),
        (
            Version::V16,
            csms("set password", json!({ "value": "p" })),
            r#"/api/octt/set-basic-auth-password {"station_id":"PF 1","password":"p"}"#,
        ),
        (
            Version::V201,
            csms("set profile", json!({ "profile": 2 })),
            r#"/api/octt/2.0.1/PF%201/set-security-profile {"security_profile":2}"#,
        ),
        (
            Version::V201,
            csms("decide boot", json!({ "status": "Pending" })),
            r#"/api/octt/2.0.1/PF%201/set-pending-boot {"pending":true}"#,
        ),
    ] {
        let found = request_of("tzi trigger", version, &stimulus).await;
        assert_eq!(found, format!("POST {asked}"));
    }
}

#[tokio::test]
async fn the_trigger_api_says_what_it_lacks() {
    let fake = Fake::answering(200, "{}").await;
    let tzi = drivers(&format!("default: {{ tzi trigger: \"{}\" }}", fake.address), Version::V16);
    assert_eq!(tzi.can(Role::Csms, "decide boot"), Can::No);
    assert_eq!(tzi.can(Role::Station, "plug in"), Can::No);
    let grouped = json!({ "token": { "idToken": "T", "group": "G" } });
    assert_eq!(
        tzi.stimulate("S", &stimulus(Role::Csms, "add token", grouped)).await,
        Confirmation::CannotCarry(vec!["group".to_owned()])
    );
    let tzi = drivers(&format!("default: {{ tzi trigger: \"{}\" }}", fake.address), Version::V201);
    let rejected = stimulus(Role::Csms, "decide boot", json!({ "status": "Rejected" }));
    assert!(matches!(tzi.stimulate("S", &rejected).await, Confirmation::Undrivable(_)));
}

#[tokio::test]
async fn a_request_of_the_rig_is_filled_from_the_stimulus() {
    let fake = Fake::answering(202, "").await;
    let drivers = drivers(
        &format!(
            "send:\n    http: {{ method: PUT, url: \"{}/s/${{station}}/${{action.snake}}\", \
             headers: {{ Authorization: \"Bearer ${{API_TOKEN}}\" }}, \
             body: {{ action: \"${{action}}\", payload: \"${{fields}}\", n: 1 }}, expect: [202] }}\n    \
             cannot carry: [Reset.type]",
            fake.address
        ),
        Version::V16,
    );
    assert_eq!(drivers.can_send("Reset"), Can::Yes);
    assert_eq!(drivers.cannot_carry("Reset"), ["type"]);
    assert_eq!(drivers.cannot_carry("ClearCache"), Vec::<String>::new());
    assert_eq!(
        drivers.stimulate("PF/1", &send("Reset", json!({ "type": "Hard", "x": 1 }))).await,
        Confirmation::CannotCarry(vec!["type".to_owned()])
    );
    let (asked, headers) = fake.asked();
    assert_eq!(asked, r#"PUT /s/PF%2F1/reset {"action":"Reset","payload":{"x":1},"n":1}"#);
    assert!(headers.contains(&format!("authorization: Bearer {CANARY}")), "{headers}");
    assert!(headers.contains("content-type: application/json"), "{headers}");
}

#[tokio::test]
async fn a_call_that_was_asked_for_without_a_whole_message_has_its_fields_as_one() {
    let fake = Fake::answering(202, "").await;
    let http = format!("send: {{ http: {{ method: POST, url: \"{}/s\", body: \"${{payload}}\" }} }}", fake.address);
    let drivers = drivers(&http, Version::V16);
    assert_eq!(drivers.stimulate("S", &send("Reset", json!({ "type": "Hard" }))).await, Confirmation::Done);
    assert_eq!(fake.asked().0, r#"POST /s {"type":"Hard"}"#);
}

#[tokio::test]
async fn what_lasts_is_given_its_time_and_is_confirmed() {
    let fake = Fake::answering(200, "").await;
    let text = format!("charge: {{ http: {{ method: POST, url: \"{}/charge\" }} }}", fake.address);
    let charging = drivers(&text, Version::V201);
    let Kind::Rig(of_the_rig) = &charging.0 else { panic!("made from a rig") };
    let long = at_station("charge", json!({ "for": 3600 }));
    assert_eq!(of_the_rig.task("S", &long, None).request, Duration::from_secs(3630));
    let short = at_station("charge", json!({ "for": 0.05 }));
    assert_eq!(charging.stimulate("S", &short).await, Confirmation::Done);
}

#[tokio::test]
async fn the_answer_of_a_control_interface_decides() {
    for (status, body, expected) in [
        (204, "", Confirmation::Done),
        (501, r#"{"reason":"no lock"}"#, Confirmation::Undrivable("no lock".to_owned())),
        (
            409,
            r#"{"reason":"already plugged in"}"#,
            Confirmation::Failed("the device's control interface answered 409: already plugged in".to_owned()),
        ),
        (
            302,
            "",
            Confirmation::Failed(
                "the device's control interface answered 302 and points to /elsewhere; give that URL".to_owned(),
            ),
        ),
        (
            500,
            "\u{1b}[31mTraceback",
            Confirmation::Failed("the device's control interface answered 500: \u{fffd}[31mTraceback".to_owned()),
        ),
    ] {
        let fake = Fake::answering(status, body).await;
        let text = format!("default: {{ plugfest: \"{}\" }}", fake.address);
        let done = drivers(&text, Version::V16).stimulate("S", &at_station("plug in", json!({}))).await;
        assert_eq!(done, expected);
    }
}

#[tokio::test]
async fn looks_are_answered_yes_no_or_not_at_all() {
    for (status, body, expected) in [
        (200, r#"{"seen":true}"#, Some(true)),
        (200, "false", Some(false)),
        (200, r#"{"seen":null}"#, None),
        (200, "what?", None),
        (501, r#"{"seen":true}"#, None),
    ] {
        let fake = Fake::answering(status, body).await;
        let text = format!("default: {{ plugfest: \"{}\" }}", fake.address);
        let seen = drivers(&text, Version::V16).look("S", &at_station("cable is locked", json!({}))).await;
        assert_eq!(seen, expected, "{body}");
    }
}

#[tokio::test]
async fn nobody_there_is_a_failure_that_names_the_address_and_no_secret() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let drivers = drivers(
        &format!("default: {{ http: {{ url: \"http://u:${{API_TOKEN}}@{address}/${{verb}}?key=${{API_TOKEN}}\" }} }}"),
        Version::V16,
    );
    let Confirmation::Failed(why) = drivers.stimulate("S", &at_station("plug in", json!({}))).await else {
        panic!("nobody was there");
    };
    assert!(why.contains(&format!("{address}/plug%20in")), "{why}");
    assert!(!why.contains(CANARY), "{why}");
}

#[tokio::test]
async fn a_silent_control_interface_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let drivers = drivers(&format!("default: {{ plugfest: \"http://{address}\", timeout: 50ms }}"), Version::V16);
    let done = drivers.stimulate("S", &at_station("plug in", json!({}))).await;
    assert_eq!(done, Confirmation::Failed(format!("POST http://{address}/stimulus: no answer within 0.05 s")));
    drop(listener);
}

#[cfg(unix)]
mod commands {
    use super::*;

    fn shell(script: &str, rest: &str) -> Drivers {
        let text = format!("default:\n    exec: [sh, -c, {script:?}]\n    {rest}");
        drivers(&text, Version::V16)
    }

    fn swipe() -> Stimulus {
        at_station(
            "present token",
            json!({ "token": { "idToken": "04E12345", "type": "ISO14443" }, "at": { "evse": 1, "connector": 1 } }),
        )
    }

    #[tokio::test]
    async fn a_command_gets_the_stimulus_as_json_and_in_its_environment() {
        let script = r#"
            IFS= read -r line
            case "$line" in
                *'"idToken":"04E12345"'*) ;;
                *) echo "$line" >&2; exit 1 ;;
            esac
            told="$PLUGFEST_VERB/$PLUGFEST_TOKEN_ID_TOKEN/$PLUGFEST_AT_EVSE/$PLUGFEST_STATION"
            test "$told" = "present token/04E12345/1/S""#;
        assert_eq!(shell(script, "").stimulate("S", &swipe()).await, Confirmation::Done);
    }

    #[tokio::test]
    async fn the_exit_code_decides_and_standard_error_explains() {
        for (script, expected) in [
            ("exit 0", Confirmation::Done),
            ("echo no such reader >&2; exit 3", Confirmation::Undrivable("no such reader".to_owned())),
            (
                "echo reader is busy >&2; exit 7",
                Confirmation::Failed("the command ended with exit code 7: reader is busy".to_owned()),
            ),
            (
                "echo $PLUGFEST_FIELDS canary-of-the-environment >&2; exit 1",
                Confirmation::Failed("the command ended with exit code 1: [redacted API_TOKEN]".to_owned()),
            ),
        ] {
            let text = format!(
                "default: {{ exec: [sh, -c, \"{script}\"] }}\n  x-other: {{ http: {{ url: \"http://127.0.0.1/\", headers: {{ Authorization: \"${{API_TOKEN}}\" }} }} }}"
            );
            let done = drivers(&text, Version::V16).stimulate("S", &swipe()).await;
            assert_eq!(done, expected, "{script}");
        }
    }

    #[tokio::test]
    async fn a_look_reads_the_exit_code() {
        let look = at_station("energy flows", json!({}));
        for (script, expected) in [("exit 0", Some(true)), ("exit 1", Some(false)), ("exit 2", None)] {
            assert_eq!(shell(script, "").look("S", &look).await, expected);
        }
    }

    #[tokio::test]
    async fn a_command_that_does_not_end_is_killed_with_its_children() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let script = format!("(exec 9>{}; sleep 1000) & exec sleep 1000", pipe.display());
        let none = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::RDONLY;
        let reader = rustix::fs::open(&pipe, none, rustix::fs::Mode::empty()).unwrap();
        let done = shell(&script, "timeout: 200ms").stimulate("S", &swipe()).await;
        assert_eq!(done, Confirmation::Failed("sh did not end within 0.2 s and was killed".to_owned()));
        // The pipe ends when nobody holds its other side any more.
        rustix::fs::fcntl_setfl(&reader, rustix::fs::OFlags::empty()).unwrap();
        let mut rest = Vec::new();
        std::io::Read::read_to_end(&mut std::fs::File::from(reader), &mut rest).unwrap();
        assert!(rest.is_empty());
    }

    #[tokio::test]
    async fn a_command_that_leaves_the_device_running_has_ended() {
        let script = "sleep 3 & echo left behind >&2; exit 1";
        assert_eq!(
            shell(script, "").stimulate("S", &swipe()).await,
            Confirmation::Failed("the command ended with exit code 1: left behind".to_owned())
        );
    }

    #[tokio::test]
    async fn a_flood_on_standard_error_keeps_only_its_end() {
        let script = "i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789 >&2; i=$((i+1)); done; exit 1";
        let Confirmation::Failed(why) = shell(script, "").stimulate("S", &swipe()).await else {
            panic!("the command failed");
        };
        assert!(why.len() < 400, "{}", why.len());
    }

    #[tokio::test]
    async fn a_command_that_is_not_there_is_named() {
        let drivers = drivers("default: { exec: ./no-such-command }", Version::V16);
        let Confirmation::Failed(why) = drivers.stimulate("S", &swipe()).await else {
            panic!("there is no such command");
        };
        assert!(why.starts_with("./no-such-command cannot be run: "), "{why}");
    }
}

/// Somebody who always answers the same.
struct Somebody {
    answer: Answer,
    asked: Mutex<Vec<Question>>,
}

impl Operator for Somebody {
    fn ask<'a>(&'a self, question: &'a Question) -> Pending<'a, Answer> {
        Box::pin(async move {
            self.asked.lock().unwrap().push(question.clone());
            self.answer.clone()
        })
    }
}

fn with_operator(text: &str, answer: Answer) -> (Drivers, Arc<Somebody>) {
    let somebody = Arc::new(Somebody { answer, asked: Mutex::new(Vec::new()) });
    let operator: Arc<dyn Operator> = Arc::<Somebody>::clone(&somebody);
    (Drivers::from_rig(&rig(text), Version::V16, Some(operator)), somebody)
}

#[tokio::test]
async fn an_operator_is_asked_what_nothing_else_does() {
    let plug = at_station("plug in", json!({ "at": { "evse": 1, "connector": 2 } }));
    for (answer, expected) in [
        (Answer::Yes, Confirmation::Done),
        (
            Answer::No("cable too short".to_owned()),
            Confirmation::Failed("the operator could not do it: cable too short".to_owned()),
        ),
        (Answer::Never, Confirmation::Undrivable("the operator says that it cannot be done".to_owned())),
        (Answer::Silence, Confirmation::Failed("the operator did not answer within 120 s".to_owned())),
    ] {
        let (drivers, somebody) = with_operator("device: station", answer);
        assert_eq!(drivers.can(Role::Station, "plug in"), Can::Yes);
        assert_eq!(drivers.stimulate("CP-1", &plug).await, expected);
        let asked = somebody.asked.lock().unwrap();
        assert_eq!(asked[0].text, "At CP-1 (station): plug in (EVSE 1, connector 2)");
        assert_eq!(asked[0].within, std::time::Duration::from_secs(120));
    }
}

#[tokio::test]
async fn an_operator_is_asked_in_the_words_of_the_rig() {
    let (drivers, somebody) = with_operator(
        "drivers: { present token: { prompt: \"Hold ${token.idToken} to the reader\", timeout: 5s } }",
        Answer::Yes,
    );
    let swipe = at_station("present token", json!({ "token": { "idToken": "A" } }));
    assert_eq!(drivers.stimulate("S", &swipe).await, Confirmation::Done);
    let reset = send("Reset", json!({ "type": "Hard" }));
    assert_eq!(drivers.stimulate("S", &reset).await, Confirmation::Done);
    assert_eq!(drivers.look("S", &at_station("energy flows", json!({}))).await, Some(true));
    let asked = somebody.asked.lock().unwrap();
    assert_eq!(asked[0].text, "Hold A to the reader");
    assert_eq!(asked[1].text, r#"Make the CSMS send Reset to S with {"type":"Hard"}"#);
    assert_eq!(asked[2].text, "At S (station): energy flows (EVSE 1, connector 1)?");
    assert!(asked[2].looks);
}

#[tokio::test]
async fn without_an_operator_a_prompt_is_not_bound_and_none_is_never() {
    let drivers = drivers("default: prompt\n  cut power: none", Version::V16);
    assert_eq!(drivers.can(Role::Station, "plug in"), Can::No);
    assert_eq!(drivers.can(Role::Station, "cut power"), Can::Never);
    assert_eq!(
        drivers.stimulate("S", &at_station("plug in", json!({}))).await,
        Confirmation::NotBound("plug in".to_owned())
    );
    assert_eq!(
        drivers.stimulate("S", &at_station("cut power", json!({}))).await,
        Confirmation::Undrivable("the rig declares that \"cut power\" cannot be done".to_owned())
    );
}

#[tokio::test]
async fn a_default_serves_only_what_its_names_fit() {
    let drivers =
        drivers("default: { http: { url: \"http://127.0.0.1:1/${action}\" } }\n  send Reset: none", Version::V16);
    assert_eq!(drivers.can(Role::Csms, "send"), Can::Yes);
    assert_eq!(drivers.can_send("Reset"), Can::Never);
    assert_eq!(drivers.can_send("ClearCache"), Can::Yes);
    assert_eq!(drivers.can(Role::Csms, "add token"), Can::No);
    assert_eq!(drivers.can(Role::Station, "plug in"), Can::No);
}

#[cfg(unix)]
#[tokio::test]
async fn a_restart_of_the_rig_serves_where_nothing_else_restarts() {
    let rig = rig("drivers: { default: prompt }\nrestart: { exec: [\"true\"] }");
    let drivers = Drivers::from_rig(&rig, Version::V16, None);
    assert_eq!(drivers.can(Role::Csms, "restart"), Can::Yes);
    let restart = stimulus(Role::Csms, "restart", json!({}));
    assert_eq!(drivers.stimulate("S", &restart).await, Confirmation::Done);
}

#[tokio::test]
async fn another_driver_can_stand_in_for_everything() {
    struct InMemory;
    impl Driver for InMemory {
        fn can(&self, _: Role, verb: &str) -> Can {
            if verb == "plug in" { Can::Yes } else { Can::Never }
        }
        fn stimulate<'a>(&'a self, _: &'a str, _: &'a Stimulus) -> Pending<'a, Confirmation> {
            Box::pin(async { Confirmation::Done })
        }
        fn look<'a>(&'a self, _: &'a str, _: &'a Stimulus) -> Pending<'a, Option<bool>> {
            Box::pin(async { Some(true) })
        }
    }
    let drivers = Drivers::of(Arc::new(InMemory));
    assert_eq!(drivers.can(Role::Station, "plug in"), Can::Yes);
    assert_eq!(drivers.can_send("Reset"), Can::Never);
    let plug = at_station("plug in", json!({}));
    assert_eq!(drivers.stimulate("S", &plug).await, Confirmation::Done);
    assert_eq!(drivers.look("S", &plug).await, Some(true));
}

#[tokio::test]
async fn the_ready_made_bindings_move_the_served_reference_devices() {
    let any = "127.0.0.1:0".parse().unwrap();
    let settings = peers::StationSettings::standard(Version::V16);
    let nobody = "ws://127.0.0.1:9/ocpp".to_owned();
    let options = serve::StationOptions { url: nobody, control: Some(any), settings, faults: Vec::new() };
    let station = serve::station(options).await.unwrap();
    let settings = peers::CsmsSettings::standard(Version::V16);
    let csms = serve::csms(serve::CsmsOptions { listen: any, control: Some(any), settings, faults: Vec::new() });
    let csms = csms.await.unwrap();

    let at = json!({ "at": { "evse": 1, "connector": 1 } });
    let plug_in = at_station("plug in", at.clone());
    let unplug = at_station("unplug", at);
    let add_token = stimulus(Role::Csms, "add token", json!({ "token": { "idToken": "NEW" }, "status": "Blocked" }));
    let reset = send("Reset", json!({ "type": "Hard" }));
    for (kind, address, done, refused) in [
        ("plugfest", station.control(), [&plug_in, &unplug], &unplug),
        ("octt sut", station.control(), [&plug_in, &unplug], &unplug),
        ("plugfest", csms.control(), [&add_token, &add_token], &reset),
        ("tzi trigger", csms.control(), [&add_token, &add_token], &reset),
    ] {
        let address = address.unwrap();
        let drivers = drivers(&format!("default: {{ {kind}: \"http://{address}\" }}"), Version::V16);
        for stimulus in done {
            assert_eq!(drivers.stimulate("PF-STATION-1", stimulus).await, Confirmation::Done, "{kind}");
        }
        let Confirmation::Failed(why) = drivers.stimulate("PF-STATION-1", refused).await else {
            panic!("{kind}: {} is carried out", refused.verb);
        };
        assert!(why.contains("answered 409"), "{why}");
    }
}
