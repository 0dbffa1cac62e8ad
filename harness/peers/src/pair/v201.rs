//! Clean 2.0.1 peers: whole sessions, faults, and random conversations.

mod faults;
mod random;
mod sessions;

use protocol::{Role, Version};
use serde_json::{Value, json};

use super::Pair;
use crate::StationSettings;

fn standard() -> StationSettings {
    StationSettings::standard(Version::V201)
}

/// A station that has booted, with these variables (`Component.Variable`) and what has crossed forgotten.
fn booted(variables: &[(&str, &str)]) -> Pair {
    let mut settings = standard();
    for (name, value) in variables {
        settings.configuration.insert((*name).to_owned(), (*value).to_owned());
    }
    let mut pair = Pair::booted(settings, &[]);
    pair.afresh();
    pair
}

fn token(id: &str) -> Value {
    json!({ "token": { "idToken": id, "type": "ISO14443" } })
}

/// The transaction events so far.
fn events(pair: &Pair) -> Vec<Value> {
    pair.calls(Role::Station, "TransactionEvent")
}

/// Events as `Started CablePluggedIn EVConnected`.
fn told(pair: &Pair) -> Vec<String> {
    events(pair)
        .iter()
        .map(|event| {
            let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            let info = &event["transactionInfo"];
            let mut line = format!(
                "{} {} {}",
                word(&event["eventType"]),
                word(&event["triggerReason"]),
                word(&info["chargingState"])
            );
            if let Some(reason) = info["stoppedReason"].as_str() {
                line.push_str(&format!(" {reason}"));
            }
            line
        })
        .collect()
}

/// What the station has said of a connector, in order.
fn states(pair: &Pair, evse: u32) -> Vec<String> {
    pair.calls(Role::Station, "StatusNotification")
        .into_iter()
        .filter(|call| call["evseId"] == evse)
        .map(|call| call["connectorStatus"].as_str().unwrap_or("").to_owned())
        .collect()
}

/// What is wrong with the transactions by the rules that hold always.
fn broken_transactions(pair: &Pair) -> Vec<String> {
    let mut broken = Vec::new();
    let mut open: Vec<(String, i64, bool)> = Vec::new();
    for event in events(pair) {
        let id = event["transactionInfo"]["transactionId"].as_str().unwrap_or("").to_owned();
        let number = event["seqNo"].as_i64().unwrap_or(-1);
        let known = open.iter_mut().find(|(other, ..)| *other == id);
        match (event["eventType"].as_str(), known) {
            (Some("Started"), None) => {
                if number != 0 || event["transactionInfo"]["chargingState"].is_null() {
                    broken.push(format!("a bad start: {event}"));
                }
                open.push((id, 0, false));
            }
            (Some(kind @ ("Updated" | "Ended")), Some((_, last, ended))) => {
                if *ended || number != *last + 1 {
                    broken.push(format!("{} after {last}, ended {ended}: {event}", number));
                }
                *last = number;
                *ended = kind == "Ended";
            }
            _ => broken.push(format!("out of place: {event}")),
        }
    }
    broken
}

#[track_caller]
fn clean(pair: &Pair) {
    assert_eq!(pair.standing_violations(), Vec::<String>::new());
    assert_eq!(broken_transactions(pair), Vec::<String>::new());
    assert!(pair.station.triggered().is_empty());
    assert!(pair.csms.triggered().is_empty());
}

/// The status of a variable after GetVariables, and its value.
fn read(pair: &mut Pair, component: &str, variable: &str) -> (String, Value) {
    let data = json!([{ "component": { "name": component }, "variable": { "name": variable } }]);
    let answer = pair.send("GetVariables", json!({ "getVariableData": data }));
    let result = &answer["getVariableResult"][0];
    (result["attributeStatus"].as_str().unwrap_or("").to_owned(), result["attributeValue"].clone())
}

/// The status of SetVariables for one variable.
fn write(pair: &mut Pair, component: &str, variable: &str, value: &str) -> String {
    let data = json!([{
        "component": { "name": component },
        "variable": { "name": variable },
        "attributeValue": value,
    }]);
    let answer = pair.send("SetVariables", json!({ "setVariableData": data }));
    answer["setVariableResult"][0]["attributeStatus"].as_str().unwrap_or("").to_owned()
}
