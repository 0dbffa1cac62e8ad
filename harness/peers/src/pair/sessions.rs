//! Clean peers: whole sessions.

use protocol::{Role, Version};
use serde_json::json;

use super::{Pair, standard, tag};
use crate::{StationSettings, configurations};

fn booted() -> Pair {
    let mut pair = Pair::booted(standard(), &[]);
    pair.afresh();
    pair
}

fn charging() -> Pair {
    let mut pair = booted();
    pair.at_station("plug in", json!({}));
    pair.at_station("present token", tag("TAG-VALID"));
    pair
}

#[track_caller]
fn clean(pair: &Pair) {
    assert_eq!(pair.standing_violations(), Vec::<String>::new());
    assert!(pair.station.triggered().is_empty());
    assert!(pair.csms.triggered().is_empty());
}

#[test]
fn a_cold_boot_reports_every_connector_and_then_beats() {
    let mut pair = Pair::booted(standard(), &[]);
    assert!(pair.crossed[0].is_call(Role::Station, "BootNotification"));
    for connector in 0..=2 {
        assert_eq!(pair.states(connector), ["Available"]);
    }
    pair.wait(900);
    assert_eq!(pair.calls(Role::Station, "Heartbeat").len(), 3);
    clean(&pair);
}

#[test]
fn a_pending_station_answers_waits_and_boots_again() {
    let mut pair = Pair::new(Version::V16);
    pair.at_csms("decide boot", json!({ "status": "Pending" }));
    pair.wait(10);
    let answer = pair.send("GetConfiguration", json!({ "key": ["HeartbeatInterval"] }));
    assert_eq!(answer["configurationKey"][0]["value"], "300");
    pair.send("TriggerMessage", json!({ "requestedMessage": "StatusNotification", "connectorId": 1 }));
    pair.at_csms("decide boot", json!({ "status": "Accepted" }));
    assert_eq!(pair.calls(Role::Station, "BootNotification").len(), 1);
    assert_eq!(pair.calls(Role::Station, "StatusNotification").len(), 1);
    pair.wait(19);
    assert_eq!(pair.calls(Role::Station, "BootNotification").len(), 1);
    pair.wait(2);
    assert_eq!(pair.calls(Role::Station, "BootNotification").len(), 2);
    assert_eq!(pair.calls(Role::Station, "StatusNotification").len(), 4);
    clean(&pair);
}

#[test]
fn a_rejected_station_keeps_silent_until_the_interval_is_over() {
    let mut pair = Pair::new(Version::V16);
    pair.at_csms("decide boot", json!({ "status": "Rejected" }));
    pair.wait(5);
    pair.csms_text("[2,\"x\",\"GetConfiguration\",{}]");
    assert_eq!(pair.crossed.len(), 3);
    pair.at_csms("decide boot", json!({ "status": "Accepted" }));
    pair.wait(30);
    assert_eq!(pair.calls(Role::Station, "BootNotification").len(), 2);
}

#[test]
fn plug_in_first_prepares_authorises_charges_and_finishes() {
    let mut pair = charging();
    pair.at_station("charge", json!({ "for": 600 }));
    pair.at_station("present token", tag("tag-valid"));
    pair.at_station("unplug", json!({ "end": "station" }));
    assert_eq!(pair.states(1), ["Preparing", "Charging", "Finishing", "Available"]);
    assert_eq!(pair.calls(Role::Station, "Authorize").len(), 1);
    let start = &pair.calls(Role::Station, "StartTransaction")[0];
    let stop = &pair.calls(Role::Station, "StopTransaction")[0];
    assert_eq!(start["meterStart"], 12_340);
    assert!(stop["meterStop"].as_i64() > Some(12_340 + 1_000));
    assert_eq!(stop["reason"], "Local");
    clean(&pair);
}

#[test]
fn identification_first_and_nobody_plugs_in_times_out() {
    let mut pair = booted();
    pair.at_station("present token", tag("TAG-VALID"));
    assert_eq!(pair.states(1), ["Preparing"]);
    pair.wait(61);
    assert_eq!(pair.states(1), ["Preparing", "Available"]);
    assert!(pair.calls(Role::Station, "StartTransaction").is_empty());
    pair.at_station("plug in", json!({}));
    pair.wait(61);
    assert_eq!(pair.states(1)[2..], ["Preparing", "Finishing"]);
    clean(&pair);
}

#[test]
fn a_blocked_tag_gets_no_transaction() {
    let mut pair = booted();
    pair.at_station("plug in", json!({}));
    pair.at_station("present token", tag("TAG-BLOCKED"));
    assert_eq!(pair.calls(Role::Station, "Authorize").len(), 1);
    assert!(pair.calls(Role::Station, "StartTransaction").is_empty());
    clean(&pair);
}

#[test]
fn another_tag_of_the_group_stops_and_a_stranger_does_not() {
    let mut pair = charging();
    pair.at_station("present token", tag("TAG-OTHER"));
    assert!(pair.calls(Role::Station, "StopTransaction").is_empty());
    pair.at_station("present token", tag("TAG-GROUP"));
    let stop = &pair.calls(Role::Station, "StopTransaction")[0];
    assert_eq!(stop["idTag"], "TAG-GROUP");
    assert_eq!(pair.calls(Role::Station, "Authorize").len(), 3);
    clean(&pair);
}

#[test]
fn remote_start_and_stop() {
    let mut pair = booted();
    let answer = pair.send("RemoteStartTransaction", json!({ "idTag": "TAG-VALID", "connectorId": 2 }));
    assert_eq!(answer["status"], "Accepted");
    assert_eq!(pair.states(2), ["Preparing"]);
    pair.at_station("plug in", json!({ "at": { "evse": 2, "connector": 2 } }));
    assert_eq!(pair.states(2), ["Preparing", "Charging"]);
    let answer = pair.send("RemoteStopTransaction", json!({}));
    assert_eq!(answer["status"], "Accepted");
    let stop = &pair.calls(Role::Station, "StopTransaction")[0];
    assert_eq!(stop["reason"], "Remote");
    assert_eq!(pair.states(2), ["Preparing", "Charging", "Finishing"]);
    let answer = pair.send("RemoteStopTransaction", json!({ "transactionId": 77 }));
    assert_eq!(answer["status"], "Rejected");
    for connector in [0, 9] {
        let answer = pair.send("RemoteStartTransaction", json!({ "idTag": "TAG-VALID", "connectorId": connector }));
        assert_eq!(answer["status"], "Rejected");
    }
    clean(&pair);
}

#[test]
fn a_transaction_offline_is_told_in_order_with_its_own_times() {
    let mut pair = charging();
    pair.at_station("present token", tag("TAG-VALID"));
    pair.at_station("unplug", json!({}));
    pair.afresh();
    pair.unreachable = true;
    pair.cut();
    pair.wait(10);
    let began = pair.now.to_string();
    pair.at_station("plug in", json!({}));
    // The tag is in the cache.
    pair.at_station("present token", tag("TAG-VALID"));
    pair.wait(100);
    pair.at_station("present token", tag("TAG-VALID"));
    pair.wait(100);
    assert!(pair.crossed.is_empty());
    pair.unreachable = false;
    pair.wait(100);
    let start = &pair.calls(Role::Station, "StartTransaction")[0];
    assert_eq!(start["timestamp"], began.as_str());
    assert!(pair.calls(Role::Station, "BootNotification").is_empty());
    let order: Vec<String> = pair
        .crossed
        .iter()
        .filter(|c| c.from == Role::Station && c.kind() == 2)
        .map(|c| c.frame[2].as_str().unwrap_or("").to_owned())
        .filter(|action| action != "StatusNotification" && action != "Heartbeat")
        .collect();
    assert_eq!(order, ["StartTransaction", "MeterValues", "StopTransaction"]);
    assert_eq!(
        pair.calls(Role::Station, "StopTransaction")[0]["transactionId"],
        pair.calls(Role::Station, "MeterValues")[0]["transactionId"]
    );
    // Not what lay between.
    assert_eq!(pair.states(1), ["Finishing"]);
    clean(&pair);
}

#[test]
fn a_transaction_message_is_retried_after_growing_waits_and_then_given_up() {
    let mut pair = charging();
    pair.lost = vec!["StopTransaction".to_owned()];
    let stopped = pair.now;
    pair.at_station("present token", tag("TAG-VALID"));
    pair.wait(1_000);
    let times: Vec<u64> = pair
        .crossed
        .iter()
        .filter(|c| c.is_call(Role::Station, "StopTransaction"))
        .map(|c| c.at.since(stopped).as_secs())
        .collect();
    assert_eq!(times, [0, 30 + 60, 30 + 60 + 30 + 120]);
}

#[test]
fn resets_stop_transactions_and_unavailable_survives() {
    for (kind, reason) in [("Soft", "SoftReset"), ("Hard", "HardReset")] {
        let mut pair = charging();
        pair.send("ChangeAvailability", json!({ "connectorId": 2, "type": "Inoperative" }));
        pair.afresh();
        assert_eq!(pair.send("Reset", json!({ "type": kind }))["status"], "Accepted");
        pair.wait(30);
        let stop = &pair.calls(Role::Station, "StopTransaction")[0];
        assert_eq!(stop["reason"], reason);
        assert_eq!(pair.calls(Role::Station, "BootNotification").len(), 1);
        assert_eq!(pair.states(2), ["Unavailable"]);
        assert_eq!(pair.states(1).last().map(String::as_str), Some("Finishing"));
        clean(&pair);
    }
}

#[test]
fn a_power_failure_is_told_before_it_or_after_it() {
    for name in ["standard", "backup-power"] {
        let settings = StationSettings::named(Version::V16, name).expect("it exists");
        let mut pair = Pair::booted(settings, &[]);
        pair.at_station("plug in", json!({}));
        pair.at_station("present token", tag("TAG-VALID"));
        pair.afresh();
        pair.at_station("cut power", json!({}));
        pair.wait(60);
        let told = pair.calls(Role::Station, "StopTransaction").len();
        assert_eq!(told, usize::from(name == "backup-power"));
        pair.at_station("restore power", json!({}));
        pair.wait(60);
        let stops = pair.calls(Role::Station, "StopTransaction");
        assert_eq!(stops.len(), 1);
        assert_eq!(stops[0]["reason"], "PowerLoss");
        assert_eq!(pair.calls(Role::Station, "BootNotification").len(), 1);
        clean(&pair);
    }
}

#[test]
fn availability_waits_for_the_transaction() {
    let mut pair = charging();
    let change = json!({ "connectorId": 1, "type": "Inoperative" });
    assert_eq!(pair.send("ChangeAvailability", change)["status"], "Scheduled");
    pair.at_station("present token", tag("TAG-VALID"));
    assert_eq!(pair.states(1), ["Preparing", "Charging", "Finishing", "Unavailable"]);
    let change = json!({ "connectorId": 1, "type": "Operative" });
    assert_eq!(pair.send("ChangeAvailability", change)["status"], "Accepted");
    assert_eq!(pair.states(1).last().map(String::as_str), Some("Preparing"));
    clean(&pair);
}

#[test]
fn unlocking_stops_the_transaction_and_a_jam_is_said() {
    let mut pair = charging();
    assert_eq!(pair.look("cable is locked"), Some(true));
    pair.at_station("jam lock", json!({}));
    let answer = pair.send("UnlockConnector", json!({ "connectorId": 1 }));
    assert_eq!(answer["status"], "UnlockFailed");
    pair.at_station("free lock", json!({}));
    let answer = pair.send("UnlockConnector", json!({ "connectorId": 1 }));
    assert_eq!(answer["status"], "Unlocked");
    let stop = &pair.calls(Role::Station, "StopTransaction")[0];
    assert_eq!(stop["reason"], "UnlockCommand");
    let answer = pair.send("UnlockConnector", json!({ "connectorId": 99 }));
    assert_eq!(answer["status"], "NotSupported");
    clean(&pair);
}

#[test]
fn a_lock_that_does_not_lock_prevents_the_start() {
    let mut pair = booted();
    pair.at_station("jam lock", json!({}));
    pair.at_station("plug in", json!({}));
    pair.at_station("present token", tag("TAG-VALID"));
    assert_eq!(pair.states(1), ["Preparing", "Faulted"]);
    let reports = pair.calls(Role::Station, "StatusNotification");
    assert_eq!(reports[1]["errorCode"], "ConnectorLockFailure");
    assert!(pair.calls(Role::Station, "StartTransaction").is_empty());
    pair.at_station("free lock", json!({}));
    assert_eq!(pair.states(1), ["Preparing", "Faulted", "Preparing"]);
    clean(&pair);
}

#[test]
fn pulling_the_evs_end_stops_or_suspends_as_configured() {
    let mut pair = charging();
    pair.at_station("unplug", json!({ "end": "ev" }));
    let stop = &pair.calls(Role::Station, "StopTransaction")[0];
    assert_eq!(stop["reason"], "EVDisconnected");
    assert_eq!(pair.states(1), ["Preparing", "Charging", "Finishing"]);
    pair.at_station("unplug", json!({ "end": "station" }));

    for (key, value) in [("StopTransactionOnEVSideDisconnect", "false"), ("UnlockConnectorOnEVSideDisconnect", "false")]
    {
        pair.send("ChangeConfiguration", json!({ "key": key, "value": value }));
    }
    pair.at_station("plug in", json!({}));
    pair.at_station("present token", tag("TAG-VALID"));
    pair.at_station("unplug", json!({ "end": "ev" }));
    assert_eq!(pair.states(1).last().map(String::as_str), Some("SuspendedEV"));
    pair.send("RemoteStopTransaction", json!({}));
    assert_eq!(pair.calls(Role::Station, "StopTransaction").len(), 2);
    clean(&pair);
}

#[test]
fn a_start_that_the_csms_refuses_is_stopped_or_suspended() {
    let mut pair = booted();
    pair.send("ChangeConfiguration", json!({ "key": "AuthorizeRemoteTxRequests", "value": "false" }));
    pair.at_station("plug in", json!({}));
    pair.send("RemoteStartTransaction", json!({ "idTag": "TAG-BLOCKED" }));
    let stop = &pair.calls(Role::Station, "StopTransaction")[0];
    assert_eq!(stop["reason"], "DeAuthorized");
    assert_eq!(pair.look("cable is locked"), Some(true));
    pair.at_station("present token", tag("TAG-BLOCKED"));
    assert_eq!(pair.look("cable is free"), Some(true));
    pair.send("ChangeConfiguration", json!({ "key": "StopTransactionOnInvalidId", "value": "false" }));
    pair.send("RemoteStartTransaction", json!({ "idTag": "TAG-BLOCKED" }));
    assert_eq!(pair.states(1).last().map(String::as_str), Some("SuspendedEVSE"));
    assert_eq!(pair.calls(Role::Station, "StopTransaction").len(), 1);
    clean(&pair);
}

#[test]
fn samples_come_in_their_interval_and_at_full_hours() {
    let mut pair = charging();
    pair.send("ChangeConfiguration", json!({ "key": "ClockAlignedDataInterval", "value": "900" }));
    pair.send("ChangeConfiguration", json!({ "key": "StopTxnSampledData", "value": "Energy.Active.Import.Register" }));
    pair.wait(901);
    let values = pair.calls(Role::Station, "MeterValues");
    let of =
        |context: &str| values.iter().filter(|v| v["meterValue"][0]["sampledValue"][0]["context"] == context).count();
    assert_eq!(of("Sample.Periodic"), 15);
    assert_eq!(of("Sample.Clock"), 2);
    pair.at_station("present token", tag("TAG-VALID"));
    let stop = &pair.calls(Role::Station, "StopTransaction")[0];
    assert_eq!(stop["transactionData"].as_array().map(Vec::len), Some(16));
    clean(&pair);
}

#[test]
fn configuration_is_read_written_and_refused() {
    let mut pair = booted();
    let all = pair.send("GetConfiguration", json!({}));
    let keys: Vec<&str> =
        all["configurationKey"].as_array().expect("a list").iter().filter_map(|key| key["key"].as_str()).collect();
    assert!(keys.contains(&"NumberOfConnectors") && !keys.contains(&"AuthorizationKey"));
    for (key, value, status) in [
        ("MeterValueSampleInterval", "15", "Accepted"),
        ("metervaluesampleinterval", "16", "Accepted"),
        ("NumberOfConnectors", "3", "Rejected"),
        ("WebSocketPingInterval", "-1", "Rejected"),
        ("HeartbeatInterval", "60abc", "Rejected"),
        ("MeterValuesSampledData", "Energy.Active.Import.Register,Bananas", "Rejected"),
        ("NoSuchKey", "1", "NotSupported"),
    ] {
        let answer = pair.send("ChangeConfiguration", json!({ "key": key, "value": value }));
        assert_eq!(answer["status"], status, "{key}");
    }
    let one = pair.send("GetConfiguration", json!({ "key": ["MeterValueSampleInterval", "Nonsense"] }));
    assert_eq!(one["configurationKey"][0]["value"], "16");
    assert_eq!(one["unknownKey"], json!(["Nonsense"]));
    clean(&pair);
}

#[test]
fn the_local_list_is_versioned_and_used() {
    let mut pair = booted();
    assert_eq!(pair.send("GetLocalListVersion", json!({}))["listVersion"], 0);
    let entry = |tag: &str| json!({ "idTag": tag, "idTagInfo": { "status": "Accepted" } });
    let full = json!({ "listVersion": 5, "updateType": "Full", "localAuthorizationList": [entry("LISTED")] });
    assert_eq!(pair.send("SendLocalList", full)["status"], "Accepted");
    let old = json!({ "listVersion": 5, "updateType": "Differential", "localAuthorizationList": [entry("X")] });
    assert_eq!(pair.send("SendLocalList", old)["status"], "VersionMismatch");
    // The CSMS has sent it again as a full list.
    assert_eq!(pair.send("GetLocalListVersion", json!({}))["listVersion"], 6);
    let twice = json!({ "listVersion": 9, "updateType": "Full", "localAuthorizationList": [entry("X"), entry("x")] });
    assert_eq!(pair.send("SendLocalList", twice)["status"], "Failed");
    pair.send("ChangeConfiguration", json!({ "key": "LocalPreAuthorize", "value": "true" }));
    pair.at_station("plug in", json!({}));
    pair.at_station("present token", tag("X"));
    assert!(pair.calls(Role::Station, "Authorize").is_empty());
    assert_eq!(pair.calls(Role::Station, "StartTransaction").len(), 1);
    clean(&pair);
}

#[test]
fn triggers_are_answered_first() {
    let mut pair = booted();
    for message in [
        "Heartbeat",
        "MeterValues",
        "StatusNotification",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
    ] {
        let before = pair.crossed.len();
        let answer = pair.send("TriggerMessage", json!({ "requestedMessage": message }));
        assert_eq!(answer["status"], "Accepted");
        assert_eq!(pair.crossed[before + 1].kind(), 3);
        assert!(pair.crossed[before + 2].is_call(Role::Station, message));
    }
    let unknown = json!({ "requestedMessage": "MeterValues", "connectorId": 9 });
    assert_eq!(pair.send("TriggerMessage", unknown)["status"], "Rejected");
    clean(&pair);
}

#[test]
fn reservations_keep_strangers_away_and_end() {
    let mut pair = booted();
    let reserve = json!({ "connectorId": 1, "idTag": "TAG-VALID", "reservationId": 4 });
    assert_eq!(pair.send("ReserveNow", reserve.clone())["status"], "Accepted");
    assert_eq!(pair.states(1), ["Reserved"]);
    let other = json!({ "connectorId": 1, "idTag": "TAG-OTHER", "reservationId": 5 });
    assert_eq!(pair.send("ReserveNow", other)["status"], "Occupied");
    pair.at_station("present token", tag("TAG-OTHER"));
    assert_eq!(pair.states(1), ["Reserved"]);
    assert_eq!(pair.send("CancelReservation", json!({ "reservationId": 9 }))["status"], "Rejected");
    assert_eq!(pair.send("CancelReservation", json!({ "reservationId": 4 }))["status"], "Accepted");
    pair.send("ReserveNow", reserve);
    pair.at_station("present token", tag("TAG-VALID"));
    pair.at_station("plug in", json!({}));
    let start = &pair.calls(Role::Station, "StartTransaction")[0];
    assert_eq!(start["reservationId"], 4);
    assert_eq!(pair.states(1), ["Reserved", "Available", "Reserved", "Preparing", "Charging"]);
    clean(&pair);
}

#[test]
fn invalid_calls_earn_the_right_code_on_both_sides() {
    let mut pair = booted();
    for (action, payload, code) in [
        ("Bananas", json!({}), "NotImplemented"),
        ("GetDiagnostics", json!({ "location": "ftp://x" }), "NotSupported"),
        ("Reset", json!({}), "OccurenceConstraintViolation"),
        ("Reset", json!({ "type": "Lukewarm" }), "PropertyConstraintViolation"),
        ("UnlockConnector", json!({ "connectorId": "1" }), "TypeConstraintViolation"),
        ("ClearCache", json!({ "x": 1 }), "FormationViolation"),
    ] {
        let answer = pair.csms_call(&format!("t-{}", &code[..4]), action, payload);
        assert_eq!(answer[2], code, "{action}");
    }
    for (action, payload, code) in [
        ("Bananas", json!({}), "NotImplemented"),
        ("Reset", json!({ "type": "Soft" }), "NotSupported"),
        ("Authorize", json!({}), "OccurenceConstraintViolation"),
        ("Heartbeat", json!({ "x": 1 }), "FormationViolation"),
    ] {
        let answer = pair.station_call(&format!("t-{action}"), action, payload);
        assert_eq!(answer[2], code, "{action}");
    }
}

#[test]
fn a_repeated_call_gets_the_same_answer_and_is_done_once() {
    let mut pair = charging();
    let start = json!({ "connectorId": 2, "idTag": "TAG-OTHER", "meterStart": 1, "timestamp": "2026-11-24T08:00:00Z" });
    let first = pair.station_call("same", "StartTransaction", start.clone());
    pair.afresh();
    assert_eq!(pair.station_call("same", "StartTransaction", start.clone()), first);
    let again = pair.station_call("new", "StartTransaction", start);
    assert_eq!(again["transactionId"], first["transactionId"]);
    assert_eq!(again["idTagInfo"]["status"], "Accepted");
}

#[test]
fn a_tag_charges_once_at_a_time() {
    let mut pair = charging();
    let start = |n: i64| json!({ "connectorId": 2, "idTag": "tag-valid", "meterStart": n, "timestamp": "2026-11-24T08:00:00Z" });
    let answer = pair.station_call("a", "StartTransaction", start(1));
    assert_eq!(answer["idTagInfo"]["status"], "ConcurrentTx");
    assert_eq!(answer["idTagInfo"]["parentIdTag"], "GROUP-1");
}

#[test]
fn a_station_offline_from_the_start_keeps_trying_with_growing_waits() {
    let mut pair = Pair::new(Version::V16);
    pair.unreachable = true;
    pair.wait(600);
    assert!(pair.crossed.is_empty());
    pair.unreachable = false;
    pair.wait(61);
    assert_eq!(pair.states(0), ["Available"]);
}

#[test]
fn every_configuration_runs_a_whole_session() {
    for version in [Version::V16] {
        for (name, capabilities, settings) in configurations(version) {
            assert!(capabilities.contains(&"Core"), "{name}");
            for capability in &capabilities {
                assert!(protocol::capabilities::capability(capability).is_some(), "{name}: {capability}");
            }
            let mut pair = Pair::booted(settings, &[]);
            pair.at_station("plug in", json!({}));
            pair.at_station("present token", tag("TAG-VALID"));
            pair.wait(100);
            pair.at_station("present token", tag("TAG-VALID"));
            pair.at_station("unplug", json!({}));
            assert_eq!(pair.states(1).last().map(String::as_str), Some("Available"), "{name}");
            clean(&pair);
        }
    }
}

#[test]
fn reservations_of_any_connector_keep_as_many_free_as_there_are() {
    let mut pair = booted();
    let reserve = |pair: &mut Pair, id: i64, tag: &str| {
        let expires = "2026-11-24T12:00:00Z";
        let request = json!({ "connectorId": 0, "expiryDate": expires, "idTag": tag, "reservationId": id });
        pair.send("ReserveNow", request)["status"].clone()
    };
    assert_eq!(reserve(&mut pair, 1, "TAG-VALID"), "Accepted");
    assert_eq!(reserve(&mut pair, 2, "TAG-OTHER"), "Accepted");
    assert_eq!(reserve(&mut pair, 3, "TAG-GROUP"), "Occupied");
    // A stranger finds nothing free, both owners do.
    let start =
        |pair: &mut Pair, tag: &str| pair.send("RemoteStartTransaction", json!({ "idTag": tag }))["status"].clone();
    assert_eq!(start(&mut pair, "TAG-VALID-2"), "Rejected");
    assert_eq!(start(&mut pair, "TAG-OTHER"), "Accepted");
    assert_eq!(start(&mut pair, "TAG-VALID"), "Accepted");
    clean(&pair);
}
