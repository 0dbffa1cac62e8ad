//! Clean 2.0.1 peers under random stimuli, calls and connection losses keep the rules that hold always.

use proptest::prelude::*;
use protocol::{Role, Version};
use serde_json::{Value, json};

use super::{broken_transactions, token};
use crate::configurations;
use crate::pair::Pair;

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
    let at = (1u32..=2).prop_map(|id| json!({ "at": { "evse": id, "connector": 1 } }));
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
    let tokens = prop::sample::select(vec!["TAG-VALID", "TAG-GROUP", "TAG-OTHER", "TAG-BLOCKED", "X"]);
    prop_oneof![
        5 => (verb, at.clone()).prop_map(|(verb, with)| Event::Station(verb, with)),
        2 => (at.clone(), any::<bool>()).prop_map(|(mut with, ev)| {
            with["end"] = if ev { "ev" } else { "station" }.into();
            Event::Station("unplug", with)
        }),
        5 => (tokens, at.clone()).prop_map(|(id, with)| {
            let mut shown = token(id);
            shown["at"] = with["at"].clone();
            Event::Station("present token", shown)
        }),
        2 => (1u64..5_000, at).prop_map(|(seconds, mut with)| {
            with["for"] = seconds.into();
            Event::Station("charge", with)
        }),
        1 => plain.prop_map(|verb| Event::Station(verb, json!({}))),
        8 => prop::sample::select(calls()).prop_map(|(action, fields)| Event::Call(action, fields)),
        1 => Just(Event::Cut),
        1 => any::<bool>().prop_map(Event::Reachable),
        4 => (1u64..2_000).prop_map(Event::Wait),
    ]
}

fn calls() -> Vec<(&'static str, Value)> {
    let set = |component: &str, variable: &str, value: &str| {
        let data = json!([{
            "component": { "name": component },
            "variable": { "name": variable },
            "attributeValue": value,
        }]);
        ("SetVariables", json!({ "setVariableData": data }))
    };
    let start =
        |id: &str, kind: &str| ("RequestStartTransaction", json!({ "idToken": { "idToken": id, "type": kind } }));
    vec![
        start("TAG-VALID", "ISO14443"),
        start("TAG-BLOCKED", "ISO14443"),
        start("anything", "Central"),
        ("RequestStopTransaction", json!({})),
        ("ChangeAvailability", json!({})),
        ("ChangeAvailability", json!({ "operationalStatus": "Operative" })),
        ("ChangeAvailability", json!({ "evse": { "id": 1 } })),
        ("ChangeAvailability", json!({ "operationalStatus": "Operative", "evse": { "id": 1 } })),
        ("ChangeAvailability", json!({ "evse": { "id": 2, "connectorId": 1 } })),
        ("Reset", json!({})),
        ("Reset", json!({ "type": "OnIdle" })),
        ("UnlockConnector", json!({})),
        ("TriggerMessage", json!({ "requestedMessage": "TransactionEvent" })),
        ("TriggerMessage", json!({ "requestedMessage": "MeterValues" })),
        ("GetBaseReport", json!({ "reportBase": "SummaryInventory" })),
        ("GetTransactionStatus", json!({})),
        ("ClearCache", json!({})),
        ("GetLocalListVersion", json!({})),
        set("TxCtrlr", "TxStartPoint", "EVConnected"),
        set("TxCtrlr", "TxStartPoint", "Authorized"),
        set("TxCtrlr", "TxStartPoint", "EnergyTransfer"),
        set("TxCtrlr", "TxStopPoint", "EVConnected"),
        set("TxCtrlr", "TxStopPoint", "EnergyTransfer,Authorized"),
        set("TxCtrlr", "StopTxOnEVSideDisconnect", "false"),
        set("TxCtrlr", "StopTxOnInvalidId", "false"),
        set("AuthCtrlr", "AuthorizeRemoteStart", "false"),
        set("AuthCtrlr", "LocalPreAuthorize", "true"),
        set("AlignedDataCtrlr", "Interval", "900"),
        set("SampledDataCtrlr", "TxEndedInterval", "300"),
    ]
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
    pair.wait(600);
}

/// Whether somebody is still connected at the end and every register only rises.
fn falling_registers(pair: &Pair) -> Vec<String> {
    let mut last = std::collections::BTreeMap::new();
    let mut falling = Vec::new();
    for event in pair.calls(Role::Station, "TransactionEvent") {
        let id = event["transactionInfo"]["transactionId"].to_string();
        for value in event["meterValue"].as_array().into_iter().flatten() {
            let register = value["sampledValue"][0]["value"].as_i64().unwrap_or(0);
            // Ended looks back at the whole transaction.
            if event["eventType"] != "Ended" && last.insert(id.clone(), register).is_some_and(|old| old > register) {
                falling.push(event.to_string());
            }
        }
    }
    falling
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn clean_peers_keep_the_standing_rules(
        which in any::<prop::sample::Index>(),
        events in prop::collection::vec(event(), 1..60),
    ) {
        let configurations = configurations(Version::V201);
        let settings = which.get(&configurations).2.clone();
        let mut pair = Pair::with(settings, &[]);
        play(&mut pair, &events);
        prop_assert_eq!(pair.standing_violations(), Vec::<String>::new());
        prop_assert_eq!(broken_transactions(&pair), Vec::<String>::new());
        prop_assert_eq!(falling_registers(&pair), Vec::<String>::new());
        prop_assert!(pair.station.triggered().is_empty() && pair.csms.triggered().is_empty());
    }

    #[test]
    fn no_text_makes_a_peer_panic(texts in prop::collection::vec(hostile(), 1..30)) {
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
        "TransactionEvent",
        "SetVariables",
        "GetVariables",
        "GetReport",
        "RequestStartTransaction",
        "TriggerMessage",
        "ChangeAvailability",
        "Reset",
        "constructor",
        "",
    ]);
    let token = json!({ "idToken": "X", "type": "Central" });
    let value = prop::sample::select(vec![
        json!({}),
        json!(null),
        json!([]),
        json!({ "idToken": token, "remoteStartId": i64::MIN, "evseId": i64::MIN }),
        json!({ "idToken": token, "remoteStartId": 1 }),
        json!({ "setVariableData": [{ "component": { "name": "AlignedDataCtrlr" }, "variable": { "name": "Interval" },
            "attributeValue": "86400" }] }),
        json!({ "setVariableData": [{ "component": { "name": "OCPPCommCtrlr" },
            "variable": { "name": "HeartbeatInterval" }, "attributeValue": "2147483647" }] }),
        json!({ "getVariableData": [{ "component": { "name": "EVSE", "evse": { "id": i64::MAX } },
            "variable": { "name": "Power" } }] }),
        json!({ "status": "Accepted", "currentTime": "2099-12-31T23:59:59Z", "interval": i64::MAX }),
        json!({ "idTokenInfo": { "status": 5, "evseId": [-1] } }),
        json!({ "requestedMessage": "TransactionEvent", "evse": { "id": i64::MIN, "connectorId": i64::MAX } }),
        json!({ "operationalStatus": "Inoperative", "evse": { "id": 0 } }),
        json!({ "requestId": i64::MAX }),
        json!({ "type": "OnIdle" }),
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
