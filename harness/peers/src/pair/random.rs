//! Clean peers under random stimuli, calls and connection losses keep the rules that hold always.

use proptest::prelude::*;
use protocol::{Role, Version};
use serde_json::{Value, json};

use super::{Pair, tag};
use crate::configurations;

/// A thing that happens.
#[derive(Clone, Debug)]
enum Event {
    Station(&'static str, Value),
    Call(&'static str, Value),
    Cut,
    Reachable(bool),
    Wait(u64),
}

fn event() -> impl Strategy<Value = Event> {
    let at = (1u32..=2).prop_map(|n| json!({ "at": { "evse": n, "connector": n } }));
    let verb = prop::sample::select(vec![
        "plug in",
        "plug in",
        "unplug",
        "pause by ev",
        "resume by ev",
        "cause fault",
        "clear fault",
        "jam lock",
        "free lock",
    ]);
    let plain =
        prop::sample::select(vec!["press emergency stop", "cut power", "restore power", "restore power", "reboot"]);
    let tags = prop::sample::select(vec!["TAG-VALID", "TAG-GROUP", "TAG-OTHER", "TAG-BLOCKED", "X"]);
    let call = (prop::sample::select(calls()), 0i64..4).prop_map(|((action, mut fields), number)| {
        if fields["connectorId"] == 0 {
            fields["connectorId"] = number.into();
        }
        Event::Call(action, fields)
    });
    prop_oneof![
        5 => (verb, at.clone()).prop_map(|(verb, with)| Event::Station(verb, with)),
        2 => (at.clone(), any::<bool>()).prop_map(|(mut with, ev)| {
            with["end"] = if ev { "ev" } else { "station" }.into();
            Event::Station("unplug", with)
        }),
        5 => (tags, at.clone()).prop_map(|(id, with)| {
            let mut token = tag(id);
            token["at"] = with["at"].clone();
            Event::Station("present token", token)
        }),
        2 => (1u64..5_000, at).prop_map(|(seconds, mut with)| {
            with["for"] = seconds.into();
            Event::Station("charge", with)
        }),
        1 => plain.prop_map(|verb| Event::Station(verb, json!({}))),
        8 => call,
        1 => Just(Event::Cut),
        1 => any::<bool>().prop_map(Event::Reachable),
        4 => (0u64..200).prop_map(Event::Wait),
    ]
}

fn calls() -> Vec<(&'static str, Value)> {
    let key = |key: &str, value: &str| json!({ "key": key, "value": value });
    vec![
        ("RemoteStartTransaction", json!({ "connectorId": 0 })),
        ("RemoteStartTransaction", json!({})),
        ("RemoteStopTransaction", json!({})),
        ("ChangeAvailability", json!({ "connectorId": 0, "type": "Inoperative" })),
        ("ChangeAvailability", json!({ "connectorId": 0, "type": "Operative" })),
        ("UnlockConnector", json!({ "connectorId": 0 })),
        ("ReserveNow", json!({ "connectorId": 0 })),
        ("CancelReservation", json!({})),
        ("Reset", json!({ "type": "Soft" })),
        ("Reset", json!({ "type": "Hard" })),
        ("TriggerMessage", json!({ "requestedMessage": "StatusNotification" })),
        ("TriggerMessage", json!({ "requestedMessage": "MeterValues" })),
        ("SendLocalList", json!({})),
        ("GetConfiguration", json!({})),
        ("ChangeConfiguration", key("AuthorizeRemoteTxRequests", "false")),
        ("ChangeConfiguration", key("StopTransactionOnInvalidId", "false")),
        ("ChangeConfiguration", key("MaxEnergyOnInvalidId", "500")),
        ("ChangeConfiguration", key("StopTransactionOnEVSideDisconnect", "false")),
        ("ChangeConfiguration", key("MinimumStatusDuration", "3")),
        ("ChangeConfiguration", key("MeterValueSampleInterval", "7")),
        ("ChangeConfiguration", key("ClockAlignedDataInterval", "30")),
        ("ChangeConfiguration", key("StopTxnSampledData", "Voltage")),
        ("ChangeConfiguration", key("LocalPreAuthorize", "true")),
        ("ChangeConfiguration", key("ConnectionTimeOut", "20")),
    ]
}

/// Which statuses may follow which, written down once more and apart from the station (16-STAT-02).
fn may_follow(from: &str, to: &str) -> bool {
    let impossible: &[&str] = match from {
        "Available" => &["Finishing"],
        "Preparing" => &["Reserved", "Unavailable"],
        "Charging" | "SuspendedEV" | "SuspendedEVSE" => &["Preparing", "Reserved"],
        "Finishing" => &["Charging", "SuspendedEV", "SuspendedEVSE", "Reserved"],
        "Reserved" => &["Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"],
        "Unavailable" => &["Finishing", "Reserved"],
        _ => &[],
    };
    !impossible.contains(&to)
}

fn play(pair: &mut Pair, events: &[Event]) {
    pair.wait(1);
    for event in events {
        match event {
            Event::Station(verb, with) => {
                pair.at_station(verb, with.clone());
            }
            Event::Call(action, fields) => {
                pair.send(action, fields.clone());
            }
            Event::Cut => pair.cut(),
            Event::Reachable(reachable) => pair.unreachable = !reachable,
            Event::Wait(seconds) => pair.wait(*seconds),
        }
    }
    pair.unreachable = false;
    pair.at_station("restore power", json!({}));
    pair.wait(400);
}

/// Illegal transitions between two reports on one link.
fn illegal_transitions(pair: &Pair) -> Vec<String> {
    let mut illegal = Vec::new();
    for connector in 1..=2 {
        let mut last: Option<String> = None;
        let mut link = 0;
        for crossed in &pair.crossed {
            if crossed.link != link {
                link = crossed.link;
                last = None;
            }
            if !crossed.is_call(Role::Station, "StatusNotification") || crossed.frame[3]["connectorId"] != connector {
                continue;
            }
            let status = crossed.frame[3]["status"].as_str().unwrap_or("").to_owned();
            if let Some(last) = last.filter(|last| !may_follow(last, &status)) {
                illegal.push(format!("{last} -> {status}"));
            }
            last = Some(status);
        }
    }
    illegal
}

/// Every transaction begins once, ends at most once, and its register does not fall.
fn broken_transactions(pair: &Pair) -> Vec<String> {
    let mut broken = Vec::new();
    let starts = pair.calls(Role::Station, "StartTransaction");
    let mut times: Vec<String> = starts.iter().map(Value::to_string).collect();
    times.sort();
    let stops = pair.calls(Role::Station, "StopTransaction");
    let mut seen = Vec::new();
    for stop in &stops {
        let id = &stop["transactionId"];
        if *id == -1 || seen.contains(id) {
            broken.push(format!("stopped again or without an id: {stop}"));
        }
        seen.push(id.clone());
        if stop["meterStop"].as_i64() < starts.iter().filter_map(|s| s["meterStart"].as_i64()).min() {
            broken.push(format!("register fell: {stop}"));
        }
    }
    broken
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn clean_peers_keep_the_standing_rules(
        which in 0usize..8,
        events in prop::collection::vec(event(), 1..60),
    ) {
        let settings = configurations(Version::V16)[which].2.clone();
        let mut pair = Pair::with(settings, &[]);
        play(&mut pair, &events);
        prop_assert_eq!(pair.standing_violations(), Vec::<String>::new());
        prop_assert_eq!(illegal_transitions(&pair), Vec::<String>::new());
        prop_assert_eq!(broken_transactions(&pair), Vec::<String>::new());
        prop_assert!(!pair.states(0).is_empty());
        prop_assert!(pair.station.triggered().is_empty() && pair.csms.triggered().is_empty());
    }

    #[test]
    fn no_text_makes_a_peer_panic(
        texts in prop::collection::vec(hostile(), 1..30),
    ) {
        let mut pair = Pair::booted(super::standard(), &[]);
        for text in texts {
            pair.csms_text(&text);
            pair.station_text(&text);
            pair.wait(1);
        }
        pair.wait(60);
    }
}

/// Texts that are nearly messages.
fn hostile() -> impl Strategy<Value = String> {
    let action = prop::sample::select(vec![
        "BootNotification",
        "Authorize",
        "StartTransaction",
        "StopTransaction",
        "ChangeConfiguration",
        "ReserveNow",
        "SendLocalList",
        "Reset",
        "constructor",
        "",
    ]);
    let value = prop::sample::select(vec![
        json!({}),
        json!(null),
        json!([]),
        json!({ "idTag": "X", "connectorId": i64::MIN, "meterStart": i64::MAX, "timestamp": "9999-12-31T23:59:59Z" }),
        json!({ "key": "ClockAlignedDataInterval", "value": "86400" }),
        json!({ "key": "HeartbeatInterval", "value": "2147483647" }),
        json!({ "status": "Accepted", "currentTime": "2099-12-31T23:59:59Z", "interval": i64::MAX }),
        json!({ "transactionId": i64::MIN, "idTagInfo": { "status": 5 } }),
        json!({ "connectorId": 1, "expiryDate": "9999-12-31T23:59:59Z", "idTag": "X", "reservationId": i64::MIN }),
        json!({ "type": "Soft" }),
    ]);
    (0i64..8, action, value, any::<bool>()).prop_map(|(kind, action, value, short)| match (kind, short) {
        (3, _) => json!([3, "1", value]).to_string(),
        (4, true) => json!([4, [], "x"]).to_string(),
        (7, true) => "[2,\"m1\",".to_owned(),
        (kind, true) => json!([kind, "m1", action, value, 1]).to_string(),
        (kind, false) => {
            json!([kind, format!("m{action}{value}").chars().take(36).collect::<String>(), action, value]).to_string()
        }
    })
}
