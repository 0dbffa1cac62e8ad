use std::collections::BTreeSet;

use protocol::catalogue::Catalogue;
use protocol::generate::minimal;

use super::*;

/// The move as a request, its markers filled in.
fn rendered(script: &Script, settled: &Map<String, Value>, action: &str) -> Value {
    fn fill(value: &Value, now: Timestamp) -> Value {
        match value {
            Value::Object(map) if map.contains_key("$known") => map["otherwise"].clone(),
            Value::Object(map) if map.contains_key("$now") => {
                let seconds = map["$now"].as_i64().unwrap();
                json!(Timestamp(now.0 + seconds * 1_000_000).to_string())
            }
            Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), fill(value, now))).collect(),
            Value::Array(items) => items.iter().map(|item| fill(item, now)).collect(),
            other => other.clone(),
        }
    }
    let version = script.model.version;
    let mut request = minimal(version, &Catalogue::of(version).message(action).unwrap().request);
    for (name, value) in settled {
        request[name.as_str()] = fill(value, script.now);
    }
    request
}

/// Every move is recognised as what it is, and most are legal messages.
fn check_moves(script: &Script, met: &mut BTreeSet<(&'static str, &'static str)>) {
    let model = &script.model;
    for each in model.moves(0) {
        met.insert((each.action, each.name));
        let request = rendered(script, &each.settled, each.action);
        let known = model.recognise(0, each.action, &request);
        let expected = super::super::Known { name: each.name, forbidden_by: each.forbidden_by };
        assert_eq!(known, Some(expected), "{} in {}: {request}", each.action, model.state(0));
        let violations = protocol::validate::request_violations(model.version, each.action, &request);
        assert!(violations.is_empty(), "{} {}: {violations:?}", each.action, each.name);
    }
}

#[test]
fn moves_towards_a_csms_are_recognised_in_every_state() {
    let mut met = BTreeSet::new();
    let mut s = csms(|_| {});
    s.open(1, "PF-2");
    let answer = json!({ "status": "Accepted", "currentTime": s.time(), "interval": 300 });
    s.ask_on(1, "BootNotification", s.boot_request(), answer);
    s.start(1, 1, "TAG-OTHER", 70, "Accepted");
    s.start(0, 1, "Tag-Valid", 7, "Accepted");
    assert_eq!(s.model.state(0), "charging");
    check_moves(&s, &mut met);
    let stop = json!({ "transactionId": 7, "meterStop": 200, "timestamp": s.time() });
    s.ask("StopTransaction", stop, json!({}));
    for (status, state) in [
        ("Finishing", "finishing"),
        ("Available", "idle"),
        ("Preparing", "preparing"),
        ("Reserved", "reserved"),
        ("Unavailable", "unavailable"),
        ("Faulted", "faulted"),
    ] {
        let request = json!({ "connectorId": 1, "errorCode": "NoError", "status": status });
        s.ask("StatusNotification", request, json!({}));
        assert_eq!(s.model.state(0), state);
        check_moves(&s, &mut met);
    }
    s.see(0, What::Ended { how: Ending::Reset, by_us: true });
    assert_eq!(s.model.state(0), "offline");
    assert!(s.model.moves(0).is_empty());
    assert!(met.len() > 35, "{met:?}");
}

#[test]
fn moves_towards_a_2x_csms_are_recognised_in_every_state() {
    let mut met = BTreeSet::new();
    for version in [Version::V201, Version::V21] {
        let mut s = Script::csms(version);
        check_moves(&s, &mut met);
        let mut event = s.event_request("Started", "t", 0, "Authorized");
        event["idToken"] = card("Tag-Valid");
        s.ask("TransactionEvent", event, json!({ "idTokenInfo": { "status": "Accepted" } }));
        assert_eq!(s.model.state(0), "charging");
        check_moves(&s, &mut met);
        s.ask("TransactionEvent", s.event_request("Ended", "t", 1, "StopAuthorized"), json!({}));
        assert_eq!(s.model.state(0), "preparing");
        check_moves(&s, &mut met);
    }
    assert!(met.len() > 28, "{met:?}");
}

#[test]
fn moves_towards_a_station_are_recognised_in_every_state() {
    let mut met = BTreeSet::new();
    let mut s = station(|s| {
        s.list("Full", 5, "Accepted");
        s.started(1, "Tag-Valid", 7);
    });
    check_moves(&s, &mut met);
    s.stopped(7, 300);
    s.status(1, "Finishing");
    check_moves(&s, &mut met);
    s.status(1, "Available");
    s.reserve(1, 5, "Accepted");
    s.status(1, "Reserved");
    check_moves(&s, &mut met);
    s.status_only("CancelReservation", json!({ "reservationId": 5 }), "Accepted");
    s.status(1, "Available");
    check_moves(&s, &mut met);
    s.availability(1, "Inoperative", "Accepted");
    s.status(1, "Unavailable");
    check_moves(&s, &mut met);
    assert!(met.len() > 50, "{met:?}");
}

#[test]
fn moves_towards_a_2x_station_are_recognised_in_every_state() {
    let mut met = BTreeSet::new();
    for version in [Version::V201, Version::V21] {
        let mut s = Script::station(version);
        s.list("Full", 5, "Accepted");
        check_moves(&s, &mut met);
        s.authorised("t");
        check_moves(&s, &mut met);
        s.event("Ended", "t", 1);
        check_moves(&s, &mut met);
        s.status(1, "Available");
        s.reserve(1, 5, "Accepted");
        s.status(1, "Reserved");
        check_moves(&s, &mut met);
    }
    assert!(met.len() > 45, "{met:?}");
}

#[test]
fn before_a_boot_only_the_boot_is_legal() {
    for version in Version::ALL {
        let script = Script::new(Role::Csms, version);
        assert_eq!(script.model.state(0), "unregistered");
        let moves = script.model.moves(0);
        let legal: Vec<&str> =
            moves.iter().filter(|each| each.forbidden_by.is_none()).map(|each| each.action).collect();
        assert_eq!(legal, ["BootNotification"], "{version}");
        assert!(moves.len() > 3);
    }
}

#[test]
fn ids_that_the_device_told_become_holes() {
    let mut s = csms(|_| {});
    s.start(0, 1, "Tag-Valid", 7, "Accepted");
    s.start(0, 2, "TAG-OTHER", 8, "Accepted");
    let moves = s.model.moves(0);
    let stop = moves.iter().find(|each| each.action == "StopTransaction" && each.name == "running").unwrap();
    assert_eq!(stop.settled["transactionId"], json!({ "$known": "transactionId", "back": 0, "otherwise": 8 }));
}
