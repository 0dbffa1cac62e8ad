//! A canary in every text of every event, in every disguise, and in no report.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;
use verdict::{Redactor, RunEvent};

use crate::fixture::{all_reports, events};

const CANARY: &str = "C4n4ry-\"pä ss/w+rd<&>";

fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

fn disguises() -> Vec<String> {
    let pair = format!("CP-1:{CANARY}");
    let mut all = vec![
        CANARY.to_owned(),
        json(CANARY),
        json(&json(CANARY)),
        percent(CANARY),
        percent(CANARY).to_lowercase(),
        CANARY.bytes().map(|byte| format!("{byte:02x}")).collect(),
    ];
    for text in [CANARY, pair.as_str()] {
        all.extend([STANDARD.encode(text), STANDARD_NO_PAD.encode(text), URL_SAFE_NO_PAD.encode(text)]);
    }
    all
}

/// Puts a text in the place of every text of an event that is free.
fn poison(value: &mut Value, key: &str, poison: &str) {
    const OURS: [&str; 9] =
        ["event", "kind", "verdict", "standing", "device", "ocpp", "direction", "severity", "party"];
    match value {
        Value::String(text) if !OURS.contains(&key) => *text = poison.to_owned(),
        Value::Array(items) => items.iter_mut().for_each(|item| self::poison(item, key, poison)),
        Value::Object(members) => members.iter_mut().for_each(|(key, member)| self::poison(member, key, poison)),
        _ => {}
    }
}

fn poisoned(event: &RunEvent, with: &str) -> RunEvent {
    let mut value = serde_json::to_value(event).unwrap();
    poison(&mut value, "", with);
    serde_json::from_value(value).unwrap()
}

#[test]
fn no_report_lets_a_secret_out_in_any_disguise() {
    let redactor = || Redactor::new([("CANARY".to_owned(), CANARY.to_owned())]).for_users(["CP-1"]);
    for disguise in disguises() {
        // In the middle, where shortening cannot be what hides it.
        let with = format!("a {disguise} b");
        let events: Vec<RunEvent> = events().iter().map(|event| poisoned(event, &with)).collect();
        let open = all_reports(&events, Redactor::default());
        let shut = all_reports(&events, redactor());
        assert!(open.iter().any(|(_, text)| text.contains(&disguise)), "{disguise} is shown where it is no secret");
        for (name, text) in shut {
            assert!(
                text.contains("[redacted CANARY]") || text.contains("\\[redacted CANARY\\]"),
                "{disguise} in {name}"
            );
            for other in disguises() {
                let forms = [other.clone(), json(&other), html(&other)];
                assert!(!forms.iter().any(|form| text.contains(form)), "{disguise} as {other} in {name}");
            }
        }
    }
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[test]
fn a_secret_that_was_cut_when_its_frame_was_shortened_is_taken_out_too() {
    let redactor = Redactor::new([("CANARY".to_owned(), CANARY.to_owned())]);
    for kept in [5, 10, 15] {
        let part: String = CANARY.chars().take(kept).collect();
        let events: Vec<RunEvent> =
            events().iter().map(|event| poisoned(event, &format!("key {part}… (90 more characters)"))).collect();
        for (name, text) in all_reports(&events, redactor.clone()) {
            assert!(!text.contains(&part) && !text.contains(&json(&part)), "{part} in {name}");
        }
    }
}
