use super::*;
use crate::rig::{Binding, Claim, schema, template};
use std::time::Duration;

fn source(text: &str) -> Arc<Source> {
    Arc::new(Source { path: "plugfest.yaml".to_owned(), text: text.to_owned() })
}

fn env(name: &str) -> Option<String> {
    match name {
        "PORT" => Some("9000".to_owned()),
        "PLUGFEST_PASSWORD" => Some("canary-of-the-password".to_owned()),
        "API_TOKEN" => Some("canary-of-the-token".to_owned()),
        _ => None,
    }
}

fn good(text: &str) -> Rig {
    Rig::read(&source(text), &env).unwrap_or_else(|found| panic!("{found:#?}"))
}

/// Title, marked text and help of every mistake.
fn wrong(text: &str) -> Vec<String> {
    let Err(found) = Rig::read(&source(text), &env) else {
        panic!("this was read: {text}");
    };
    found
        .iter()
        .map(|diagnostic| {
            let marked = diagnostic.excerpts.first().map_or("", |excerpt| {
                let span = excerpt.labels[0].span;
                &excerpt.text[span.start..span.end]
            });
            let help = diagnostic.help.as_deref().unwrap_or("");
            format!("{} [{marked}] {help}", diagnostic.title)
        })
        .collect()
}

const FULL: &str = r#"
device: csms
ocpp: ["1.6", 2.0.1]
url: ws://127.0.0.1:${PORT}/ocpp
listen: 127.0.0.1:9000
identities: [PF-1, 4711]
password: ${PLUGFEST_PASSWORD}
tls: { ca: ca.pem }
capabilities: [Core, RemoteTrigger]
connectors: [{ evse: 1, connector: 1 }, { evse: 2, connector: 2 }]
tags: { valid: 04E12345, group: { idToken: TAG-G, group: GROUP-1, type: eMAID } }
timeouts: { reply: 5s, clock: 500ms }
drivers:
  default: { plugfest: "http://127.0.0.1:9100/" }
  plug in:
    http:
      method: PUT
      url: http://127.0.0.1/plugin?evse_id=${at.evse}
      headers: { Authorization: "Bearer ${API_TOKEN}" }
      body: { evse: "${at.evse}", n: 1, s: "1", list: [true, no] }
      expect: [200, 202]
  send: { tzi trigger: { url: http://127.0.0.1:1, paths: { send: "/x/${action.kebab}" } }, cannot carry: [Reset.type], timeout: 9s }
  send Reset: none
  present token: { prompt: "Hold ${token.idToken} to the reader" }
  x-dance: { exec: [./dance.sh, "${steps}"] }
restart: { exec: ./restart.sh }
values: { vendor_id: com.example, monitor: { periodic: { value: 1 } } }
"#;

#[test]
fn a_full_rig_is_read() {
    let rig = good(FULL);
    assert_eq!(rig.device, Some(Role::Csms));
    assert_eq!(rig.versions, [Version::V16, Version::V201]);
    assert_eq!(rig.url.as_deref(), Some("ws://127.0.0.1:9000/ocpp"));
    assert_eq!(rig.identities, ["PF-1", "4711"]);
    assert_eq!(rig.capabilities.claim("Reservation"), Claim::Denied);
    assert_eq!(rig.connectors[1], Connector { evse: 2, connector: 2 });
    assert_eq!(rig.tags["valid"].id_token, "04E12345");
    assert_eq!(rig.tags["group"].kind(), "eMAID");
    assert_eq!(rig.tags["blocked"].id_token, "TAG-BLOCKED");
    assert_eq!(rig.timeouts.reply, Duration::from_secs(5));
    assert_eq!(rig.timeouts.step, Duration::from_secs(30));
    assert_eq!(rig.value("vendor_id").unwrap().to_json(), "com.example");
    assert_eq!(rig.value("monitor.periodic.value").unwrap().to_json(), 1);
    let send = &rig.drivers.by_verb["send"];
    assert_eq!(send.timeout, Some(Duration::from_secs(9)));
    assert_eq!(send.cannot_carry[0].to_string(), "Reset.type");
    assert!(matches!(rig.drivers.by_verb["send Reset"].binding, Binding::None));
    assert!(matches!(rig.restart.unwrap().binding, Binding::Exec(_)));
}

#[test]
fn what_comes_from_the_environment_into_a_secret_place_is_never_shown() {
    let rig = good(FULL);
    let secrets = rig.secrets();
    let names: Vec<&str> = secrets.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["API_TOKEN", "PLUGFEST_PASSWORD"]);
    let shown = format!("{rig:?} {:?}", rig.problems());
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn every_template_reads_cleanly_and_with_every_comment_opened() {
    for device in [Role::Csms, Role::Station] {
        let text = template(device);
        assert_eq!(good(&text).device, Some(device));
        let rest = text.lines().filter(|line| line.len() > 122).count();
        assert_eq!(rest, 0, "lines of a template fit a screen");
        assert_eq!(schema()["properties"].as_object().unwrap().len(), KEYS.len());
    }
}

#[test]
fn a_mistyped_key_is_marked_and_the_right_one_told() {
    assert_eq!(
        wrong("devise: csms\ndrivers: { plugin: none }\ntimeouts: { replay: 5s }"),
        [
            "\"devise\" is not a key of a rig [devise] did you mean `device`?",
            "\"plugin\" is not a stimulus [plugin] did you mean `plug in`?",
            "\"replay\" is not a key of timeouts [replay] did you mean `reply`?",
        ]
    );
}

#[test]
fn a_variable_that_is_not_set_is_marked_inside_its_text() {
    assert_eq!(
        wrong("url: ws://127.0.0.1:${NOWHERE}/x"),
        ["the environment variable NOWHERE is not set [${NOWHERE}] set it, or give a default: ${NAME:-text}"]
    );
}

#[test]
fn a_name_that_a_stimulus_lacks_is_marked() {
    assert_eq!(
        wrong("drivers: { plug in: { http: { url: \"http://h/?c=${att.evse}\" } } }"),
        [
            "\"plug in\" has no argument att.evse [${att.evse}] did you mean ${at}? Names of the environment are in capital letters"
        ]
    );
}

#[test]
fn wrong_values_say_what_is_expected() {
    for (text, expected) in [
        ("device: both", "\"both\" is not a side"),
        ("ocpp: [1.7]", "\"1.7\" is not a version"),
        ("ocpp: [1.6, 1.6]", "this version stands twice"),
        ("url: http://h/", "begins with ws://"),
        ("listen: 9000", "an address with a port"),
        ("capabilities: { Core: maybe }", "there or not"),
        ("capabilities: [not Core]", "a list says what is there"),
        ("connectors: []", "at least one connector"),
        ("connectors: 0", "not a number here"),
        ("identities: { prefix: A }", "`count` is missing"),
        ("identities: { prefix: A, count: 99999999999 }", "not a number here"),
        ("tags: { valid: { idtoken: X } }", "did you mean `idToken`"),
        ("timeouts: { reply: 5 }", "30s, 500ms"),
        ("drivers: { default: promt }", "not a binding"),
        ("drivers: { default: { http: { url: \"http://h\" }, exec: [a] } }", "two things at once"),
        ("drivers: { default: { plugfest: \"https://h\" } }", "https is not spoken"),
        ("drivers: { send: { http: { url: \"http://h\", expect: [99] } } }", "not a status code"),
        ("drivers: { send: { prompt: x, cannot carry: [Reset] } }", "is not a field"),
        ("drivers: { send: { prompt: \"${action\" } }", "never closed"),
        ("device: csms\ndevice: csms", "twice"),
        ("[]", "a rig is a map"),
        ("device:", "nothing here"),
        ("url: [a]", "a text is wanted"),
    ] {
        let found = wrong(text);
        assert!(found[0].contains(expected), "{text}: {found:?}");
    }
}

#[test]
fn a_literal_password_is_masked_in_the_lines_that_are_shown() {
    let Err(found) = Rig::read(&source("password: [canary-in-the-file]"), &env) else {
        panic!("this was read");
    };
    assert!(!format!("{found:?}").contains("canary"), "{found:?}");
    let Err(found) = Rig::read(&source("{ password: canary-in-the-file, x: 1 }"), &env) else {
        panic!("this was read");
    };
    assert!(!format!("{found:?}").contains("canary"), "{found:?}");
}

#[test]
fn an_empty_or_broken_file_is_a_diagnostic() {
    for text in ["", "# nothing", "{", "a: b: c", "&a b: 1", "\u{0}"] {
        assert!(Rig::read(&source(text), &env).is_err(), "{text:?}");
    }
}
