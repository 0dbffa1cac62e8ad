use std::time::Duration;

use protocol::generate::{Choices, Seeded};
use protocol::{Role, Version};
use serde_json::Value;

use super::atoms::Tree;
use super::*;
use crate::act::Hole;
use crate::deserved::deserved;
use crate::generate::{Allowed, StandIn};

/// A call with a fresh id.
fn call(number: u32, action: &str, payload: &str) -> Act {
    Act::Send { link: 0, text: message(number, action, payload) }
}

fn message(number: u32, action: &str, payload: &str) -> Text {
    Text(vec![
        Part::Bytes(b"[2,".to_vec()),
        Part::Hole(Hole::Id(number)),
        Part::Bytes(format!(",\"{action}\",{payload}]").into_bytes()),
    ])
}

fn bytes(act: &Act) -> Vec<u8> {
    act.text().map(|text| text.render(&StandIn)).unwrap_or_default()
}

/// Ordinary traffic around what matters.
fn padded(matters: Vec<Act>) -> Sequence {
    let mut choices = Seeded::new(7);
    let mut acts = Vec::new();
    for act in matters {
        for number in 0..12 {
            let number = acts.len() as u32 * 100 + number;
            acts.push(match choices.choose(4) {
                0 => call(number, "Heartbeat", "{}"),
                1 => call(number, "Authorize", "{\"idTag\":\"04E12345\"}"),
                2 => Act::Pass { ms: 100 },
                _ => call(number, "DataTransfer", "{\"vendorId\":\"example\",\"data\":\"some text\"}"),
            });
        }
        acts.push(act);
    }
    Sequence::new(Role::Csms, Version::V16, acts)
}

fn shrunk(sequence: Sequence, shows: impl Fn(&Sequence) -> bool) -> (Sequence, u32) {
    assert!(shows(&sequence), "{sequence:?}");
    let mut shrinker = Shrinker::new(sequence, Limits::default(), |_| false);
    while let Some(candidate) = shrinker.propose(Duration::ZERO) {
        shrinker.told(if shows(&candidate) { Showing::Same } else { Showing::Nothing });
    }
    assert!(shows(shrinker.best()));
    (shrinker.best().clone(), shrinker.executions())
}

fn size(sequence: &Sequence) -> usize {
    sequence.acts.iter().map(|act| bytes(act).len()).sum()
}

/// What a call says, if it is a legal call of this action.
fn legal(act: &Act, action: &str) -> Option<Value> {
    let deserved = deserved(Version::V16, Role::Csms, &bytes(act));
    (deserved.action == action && deserved.defects.is_empty()).then_some(deserved.request)
}

const METER: &str = r#"{"connectorId":1,"transactionId":77,"meterValue":[{"timestamp":"2026-01-01T12:00:00Z","sampledValue":[{"value":"12.5","context":"Sample.Periodic","measurand":"Energy.Active.Import.Register","unit":"Wh"},{"value":"230","measurand":"Voltage"}]},{"timestamp":"2026-01-01T12:01:00Z","sampledValue":[{"value":"13.0"}]}]}"#;
const BOOT: &str = r#"{"chargePointVendor":"Example Vendor","chargePointModel":"Model 1","chargePointSerialNumber":"SN-000001","firmwareVersion":"1.2.3","iccid":"89314404000","meterType":"type"}"#;
const START: &str =
    r#"{"connectorId":1,"idTag":"04E12345","meterStart":1200,"timestamp":"2026-01-01T12:00:00Z","reservationId":5}"#;

type Shows = Box<dyn Fn(&Sequence) -> bool>;

/// What is planted, what shows it, and how small a person makes it.
fn planted() -> Vec<(&'static str, Vec<Act>, Shows, Vec<String>)> {
    let any =
        |shows: fn(&Act) -> bool| -> Shows { Box::new(move |sequence: &Sequence| sequence.acts.iter().any(shows)) };
    let deep = format!("[2,\"a\",\"Heartbeat\",{{\"x\":{}{}}}]", "[".repeat(3000), "]".repeat(3000));
    let brackets = "[".repeat(20_000);
    let long = format!("{{\"vendorId\":\"{}\",\"data\":\"x\"}}", "v".repeat(4000));
    vec![
        (
            "a legal message of some action",
            vec![call(1, "MeterValues", METER)],
            any(|act| legal(act, "MeterValues").is_some()),
            vec![r#"[2,"id-1","MeterValues",{"connectorId":0,"meterValue":[{"timestamp":"2026-01-01T12:00:00Z","sampledValue":[{"value":""}]}]}]"#.to_owned()],
        ),
        (
            "an optional field",
            vec![call(1, "BootNotification", BOOT)],
            any(|act| legal(act, "BootNotification").is_some_and(|request| request.get("iccid").is_some())),
            vec![r#"[2,"id-1","BootNotification",{"chargePointVendor":"","chargePointModel":"","iccid":""}]"#.to_owned()],
        ),
        (
            "a field that is too long",
            vec![call(1, "DataTransfer", &long)],
            any(|act| String::from_utf8_lossy(&bytes(act)).contains(&"v".repeat(256))),
            vec![format!("[2,\"id-1\",\"DataTransfer\",{{\"vendorId\":\"{}\"}}]", "v".repeat(256))],
        ),
        (
            "three messages in order",
            vec![call(1, "Authorize", "{\"idTag\":\"X\"}"), call(2, "StartTransaction", START), call(3, "BootNotification", BOOT)],
            Box::new(|sequence: &Sequence| {
                let mut wanted = ["Authorize", "StartTransaction", "BootNotification"].iter().peekable();
                for act in &sequence.acts {
                    if wanted.peek().is_some_and(|action| legal(act, action).is_some()) {
                        wanted.next();
                    }
                }
                wanted.next().is_none()
            }),
            vec![
                r#"[2,"id-1","Authorize",{"idTag":""}]"#.to_owned(),
                r#"[2,"id-1","StartTransaction",{"connectorId":0,"idTag":"","meterStart":0,"timestamp":"2026-01-01T12:00:00Z"}]"#.to_owned(),
                r#"[2,"id-1","BootNotification",{"chargePointVendor":"","chargePointModel":""}]"#.to_owned(),
            ],
        ),
        (
            "a negative number",
            vec![call(1, "StartTransaction", &START.replace("1200", "-98765"))],
            any(|act| legal(act, "StartTransaction").is_some_and(|request| request["meterStart"].as_i64() < Some(0))),
            vec![r#"[2,"id-1","StartTransaction",{"connectorId":0,"idTag":"","meterStart":-1,"timestamp":"2026-01-01T12:00:00Z"}]"#.to_owned()],
        ),
        (
            "a character in a token",
            vec![call(1, "Authorize", "{\"idTag\":\"some\\u0000thing\"}")],
            any(|act| legal(act, "Authorize").is_some_and(|request| request.to_string().contains("\\u0000"))),
            vec![r#"[2,"id-1","Authorize",{"idTag":"\u0000"}]"#.to_owned()],
        ),
        (
            "deep nesting",
            vec![Act::Send { link: 0, text: deep.as_str().into() }],
            any(|act| Tree::read(&atoms::atoms(act.text().unwrap_or(&Text::default()))).is_some() && bytes(act).iter().filter(|byte| **byte == b'[').count() > 500),
            vec!["[".repeat(1002)],
        ),
        (
            "brackets without end",
            vec![Act::Send { link: 0, text: brackets.as_str().into() }],
            any(|act| bytes(act).iter().filter(|byte| **byte == b'[').count() > 50),
            vec!["[".repeat(51)],
        ),
        (
            "a type number that there is not",
            vec![Act::Send { link: 0, text: "[17,\"abc\",\"Heartbeat\",{}]".into() }],
            any(|act| serde_json::from_slice::<Value>(&bytes(act)).is_ok_and(|value| value[0] == 17)),
            vec!["[17]".to_owned()],
        ),
        (
            "the same id twice",
            vec![call(5, "Heartbeat", "{}"), call(5, "Authorize", "{\"idTag\":\"X\"}")],
            Box::new(|sequence: &Sequence| {
                let is = |act: &&Act| bytes(act).windows(6).any(|part| part == b"\"id-5\"");
                sequence.acts.iter().filter(is).count() >= 2
            }),
            vec!["\"id-5\"".to_owned(), "\"id-5\"".to_owned()],
        ),
        (
            "a reserved bit",
            vec![Act::Frame { link: 0, fin: true, rsv: 4, opcode: 1, masked: true, claims: None, payload: "[2,\"a\",\"Heartbeat\",{}]".into() }],
            any(|act| matches!(act, Act::Frame { rsv: 4, .. })),
            vec![String::new()],
        ),
    ]
}

#[test]
fn what_is_planted_becomes_as_small_as_by_hand() {
    let mut messages = Vec::new();
    for (name, acts, shows, by_hand) in planted() {
        let (small, executions) = shrunk(padded(acts), shows);
        assert!(executions <= Limits::default().executions);
        messages.push(small.messages());
        let shown: Vec<String> =
            small.acts.iter().map(|act| String::from_utf8_lossy(&bytes(act)).into_owned()).collect();
        println!(
            "{name}: {executions} executions, {} bytes, {}",
            size(&small),
            shown.join(" | ").chars().take(200).collect::<String>()
        );
        assert_eq!(small.acts.len(), by_hand.len(), "{name}: {shown:?}");
        let by_hand: usize = by_hand.iter().map(|text| text.len()).sum();
        assert!(size(&small) <= 2 * by_hand, "{name}: {} bytes instead of {by_hand}: {shown:?}", size(&small));
    }
    messages.sort_unstable();
    assert!(messages[messages.len() / 2] <= 3, "{messages:?}");
}

#[test]
fn the_same_answers_lead_to_the_same_end() {
    for (_, acts, shows, _) in planted() {
        let shows = &shows;
        assert_eq!(shrunk(padded(acts.clone()), shows), shrunk(padded(acts), shows));
    }
}

#[test]
fn a_hole_stays_while_it_matters() {
    let payload = Text(vec![
        Part::Bytes(b"[2,".to_vec()),
        Part::Hole(Hole::Id(1)),
        Part::Bytes(b",\"StopTransaction\",{\"transactionId\":".to_vec()),
        Part::Hole(Hole::Known { name: "transactionId".to_owned(), back: 0, otherwise: "7".to_owned() }),
        Part::Bytes(b",\"meterStop\":12,\"timestamp\":".to_vec()),
        Part::Hole(Hole::Now(0)),
        Part::Bytes(b",\"idTag\":\"abc\"}]".to_vec()),
    ]);
    let known = |sequence: &Sequence| {
        sequence.acts.iter().any(|act| {
            let holes = act.text().map(|text| text.0.clone()).unwrap_or_default();
            legal(act, "StopTransaction").is_some()
                && holes.iter().any(|part| matches!(part, Part::Hole(Hole::Known { .. })))
        })
    };
    let (small, _) = shrunk(padded(vec![Act::Send { link: 0, text: payload.clone() }]), known);
    let kept = small.acts[0].text().unwrap();
    assert!(kept.0.iter().any(|part| matches!(part, Part::Hole(Hole::Known { .. }))), "{}", kept.shown());
    assert!(kept.0.iter().any(|part| matches!(part, Part::Hole(Hole::Id(1)))), "{}", kept.shown());
    assert!(!kept.shown().contains("idTag"), "{}", kept.shown());
}

#[test]
fn what_is_denied_is_never_proposed() {
    let allowed = Allowed::default();
    let reset = |kind: &str| call(1, "Reset", &format!("{{\"type\":\"{kind}\"}}"));
    let acts = vec![call(2, "ClearCache", "{}"), reset("Soft"), call(3, "GetLocalListVersion", "{}")];
    let sequence = Sequence::new(Role::Station, Version::V16, acts);
    let forbidden = |act: &Act| allowed.denies_act(Role::Station, Version::V16, act).is_some();
    let mut shrinker = Shrinker::new(sequence, Limits::default(), forbidden);
    while let Some(candidate) = shrinker.propose(Duration::ZERO) {
        assert!(!candidate.acts.iter().any(forbidden), "{candidate:?}");
        let shows = candidate.acts.iter().any(|act| act.text().is_some_and(|text| text.shown().contains("Reset")));
        shrinker.told(if shows { Showing::Same } else { Showing::Other });
    }
    assert_eq!(shrinker.best().acts.len(), 1);
}

#[test]
fn shrinking_ends_in_time_and_keeps_the_best() {
    let sequence = padded(vec![call(1, "MeterValues", METER)]);
    let limits = Limits { executions: 10, time: Duration::from_secs(60) };
    let mut shrinker = Shrinker::new(sequence.clone(), limits, |_| false);
    let mut asked = 0;
    while let Some(candidate) = shrinker.propose(Duration::ZERO) {
        asked += 1;
        let shows = candidate.acts.iter().any(|act| legal(act, "MeterValues").is_some());
        shrinker.told(if shows { Showing::Same } else { Showing::Nothing });
    }
    assert_eq!(asked, 10);
    assert!(shrinker.best().acts.len() < sequence.acts.len());
    let mut late = Shrinker::new(sequence.clone(), Limits::default(), |_| false);
    assert!(late.propose(Duration::from_secs(61)).is_none());
    assert_eq!(*late.best(), sequence);
}

#[test]
fn hostile_texts_end() {
    for text in [
        "\\".repeat(5000),
        "\"".repeat(5000),
        "[".repeat(300_001),
        format!("{}{}", "{\"a\":".repeat(50_000), "}".repeat(50_000)),
        format!("[{}0]", "0,".repeat(60_000)),
    ] {
        let acts = vec![Act::Send { link: 0, text: text.as_str().into() }];
        let sequence = Sequence::new(Role::Csms, Version::V16, acts);
        let limits = Limits { executions: 30, ..Limits::default() };
        let mut shrinker = Shrinker::new(sequence, limits, |_| false);
        while shrinker.propose(Duration::ZERO).is_some() {
            shrinker.told(Showing::Nothing);
        }
    }
}
