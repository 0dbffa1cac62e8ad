use protocol::{Role, Version};
use serde_json::{Value, json};

use super::{booted, clean, events, read, standard, states, token, told, write};
use crate::pair::Pair;
use crate::{HandshakeAnswer, configurations};

fn charging(variables: &[(&str, &str)]) -> Pair {
    let mut pair = booted(variables);
    pair.at_station("plug in", json!({}));
    pair.at_station("present token", token("TAG-VALID"));
    pair
}

#[test]
fn a_cold_boot_reports_every_connector_and_then_beats() {
    let mut pair = Pair::booted(standard(), &[]);
    assert!(pair.crossed[0].is_call(Role::Station, "BootNotification"));
    assert_eq!(pair.crossed[0].frame[3]["reason"], "PowerUp");
    for evse in 1..=2 {
        assert_eq!(states(&pair, evse), ["Available"]);
    }
    pair.wait(900);
    assert_eq!(pair.calls(Role::Station, "Heartbeat").len(), 3);
    clean(&pair);
}

#[test]
fn a_pending_station_is_read_and_boots_again_in_time() {
    let mut pair = Pair::new(Version::V201);
    pair.at_csms("decide boot", json!({ "status": "Pending" }));
    pair.wait(10);
    assert_eq!(read(&mut pair, "TxCtrlr", "EVConnectionTimeOut").0, "Accepted");
    let start = pair.csms_call(
        "rs",
        "RequestStartTransaction",
        json!({ "remoteStartId": 1, "idToken": { "idToken": "X", "type": "Central" } }),
    );
    assert_eq!(start["status"], "Rejected");
    assert_eq!(pair.send("GetBaseReport", json!({}))["status"], "Accepted");
    assert!(!pair.calls(Role::Station, "NotifyReport").is_empty());
    pair.at_csms("decide boot", json!({ "status": "Accepted" }));
    pair.wait(19);
    assert_eq!(pair.calls(Role::Station, "BootNotification").len(), 1);
    pair.send("TriggerMessage", json!({ "requestedMessage": "BootNotification" }));
    assert_eq!(pair.calls(Role::Station, "BootNotification")[1]["reason"], "Triggered");
    assert_eq!(states(&pair, 1), ["Available"]);
    clean(&pair);
}

#[test]
fn a_rejected_station_refuses_every_call() {
    let mut pair = Pair::new(Version::V201);
    pair.at_csms("decide boot", json!({ "status": "Rejected" }));
    pair.wait(10);
    let answer = pair.csms_call("x", "GetVariables", json!({ "getVariableData": [] }));
    assert_eq!(answer[2], "SecurityError");
    pair.at_csms("decide boot", json!({ "status": "Accepted" }));
    pair.wait(30);
    assert_eq!(states(&pair, 2), ["Available"]);
}

#[test]
fn variables_are_read_written_and_refused() {
    let mut pair = booted(&[]);
    assert_eq!(read(&mut pair, "OCPPCommCtrlr", "HeartbeatInterval"), ("Accepted".to_owned(), json!("300")));
    assert_eq!(read(&mut pair, "txctrlr", "evconnectiontimeout").0, "Accepted");
    assert_eq!(read(&mut pair, "Nonsense", "HeartbeatInterval").0, "UnknownComponent");
    assert_eq!(read(&mut pair, "TxCtrlr", "Nonsense").0, "UnknownVariable");
    assert_eq!(read(&mut pair, "OCPPCommCtrlr", "MessageTimeout").0, "UnknownVariable");
    assert_eq!(read(&mut pair, "SecurityCtrlr", "BasicAuthPassword"), ("Rejected".to_owned(), Value::Null));
    assert_eq!(write(&mut pair, "OCPPCommCtrlr", "HeartbeatInterval", "60"), "Accepted");
    assert_eq!(read(&mut pair, "OCPPCommCtrlr", "HeartbeatInterval").1, "60");
    for (component, variable, value) in [
        ("OCPPCommCtrlr", "HeartbeatInterval", "0"),
        ("OCPPCommCtrlr", "HeartbeatInterval", "60abc"),
        ("TxCtrlr", "StopTxOnInvalidId", "yes"),
        ("TxCtrlr", "TxStartPoint", ""),
        ("TxCtrlr", "TxStopPoint", "Authorized,Bananas"),
        ("SampledDataCtrlr", "TxUpdatedMeasurands", "Bananas"),
        ("SecurityCtrlr", "Identity", "X"),
    ] {
        assert_eq!(write(&mut pair, component, variable, value), "Rejected", "{variable} {value}");
    }
    assert_eq!(write(&mut pair, "SampledDataCtrlr", "TxUpdatedMeasurands", "Voltage,Power.Active.Import"), "Accepted");
    pair.wait(200);
    assert_eq!(pair.calls(Role::Station, "Heartbeat").len(), 3);
    clean(&pair);
}

#[test]
fn results_name_what_they_are_about_and_other_attributes_are_not_supported() {
    let mut pair = booted(&[]);
    let timeout = json!({ "name": "MessageTimeout", "instance": "Default" });
    let connector = json!({ "name": "Connector", "evse": { "id": 2, "connectorId": 1 } });
    let answer = pair.send(
        "GetVariables",
        json!({ "getVariableData": [
            { "component": { "name": "OCPPCommCtrlr" }, "variable": timeout },
            { "component": connector, "variable": { "name": "AvailabilityState" } },
            { "component": { "name": "TxCtrlr" }, "variable": { "name": "TxStartPoint" }, "attributeType": "Target" },
            { "component": { "name": "EVSE", "evse": { "id": 9 } }, "variable": { "name": "Power" } },
        ] }),
    );
    let results = answer["getVariableResult"].as_array().unwrap();
    let statuses: Vec<&Value> = results.iter().map(|result| &result["attributeStatus"]).collect();
    assert_eq!(statuses, ["Accepted", "Accepted", "NotSupportedAttributeType", "UnknownComponent"]);
    assert_eq!(results[0]["variable"], timeout);
    assert_eq!((&results[1]["component"], &results[1]["attributeValue"]), (&connector, &json!("Available")));
    assert_eq!((&results[1]["attributeType"], &results[2]["attributeType"]), (&json!("Actual"), &json!("Target")));
    let too_many = vec![json!({ "component": { "name": "X" }, "variable": { "name": "Y" } }); 51];
    let refused = pair.csms_call("m", "GetVariables", json!({ "getVariableData": too_many }));
    assert_eq!(refused[2], "OccurrenceConstraintViolation");
}

#[test]
fn reports_come_in_numbered_parts() {
    let mut pair = booted(&[]);
    assert_eq!(pair.send("GetBaseReport", json!({ "requestId": 7 }))["status"], "Accepted");
    let parts = pair.calls(Role::Station, "NotifyReport");
    assert!(parts.len() > 2);
    for (number, part) in parts.iter().enumerate() {
        assert_eq!((&part["requestId"], &part["seqNo"]), (&json!(7), &json!(number)));
        assert_eq!(part["tbc"], number + 1 < parts.len());
    }
    let all: Vec<&Value> = parts.iter().flat_map(|part| part["reportData"].as_array().unwrap()).collect();
    let named = |name: &str| all.iter().find(|data| data["variable"]["name"] == name).unwrap();
    assert!(named("BasicAuthPassword")["variableAttribute"][0].get("value").is_none());
    assert_eq!(named("TxStartPoint")["variableCharacteristics"]["dataType"], "MemberList");

    pair.afresh();
    let wanted = json!([{ "component": { "name": "TxCtrlr" }, "variable": { "name": "TxStartPoint" } }]);
    assert_eq!(pair.send("GetReport", json!({ "componentVariable": wanted }))["status"], "Accepted");
    assert_eq!(pair.calls(Role::Station, "NotifyReport")[0]["reportData"].as_array().unwrap().len(), 1);
    let nothing = json!([{ "component": { "name": "Bananas" } }]);
    assert_eq!(pair.send("GetReport", json!({ "componentVariable": nothing }))["status"], "EmptyResultSet");
    clean(&pair);
}

#[test]
fn cable_first_charges_and_the_same_token_stops() {
    let mut pair = charging(&[]);
    assert_eq!(told(&pair), ["Started Authorized Charging"]);
    let started = &events(&pair)[0];
    assert_eq!(started["evse"], json!({ "id": 1, "connectorId": 1 }));
    assert_eq!(started["idToken"]["idToken"], "TAG-VALID");
    assert_eq!(started["meterValue"][0]["sampledValue"][0]["context"], "Transaction.Begin");
    assert_eq!(pair.look("cable is locked"), Some(true));
    pair.at_station("charge", json!({ "for": 3600 }));
    pair.wait(60);
    pair.at_station("present token", token("TAG-VALID"));
    pair.at_station("unplug", json!({}));
    assert_eq!(
        told(&pair),
        [
            "Started Authorized Charging",
            "Updated MeterValuePeriodic Charging",
            "Ended StopAuthorized EVConnected Local"
        ]
    );
    let ended = &events(&pair)[2];
    assert_eq!(ended["idToken"]["idToken"], "TAG-VALID");
    let sample = ended["meterValue"].as_array().unwrap().last().unwrap();
    assert_eq!(sample["sampledValue"][0]["context"], "Transaction.End");
    assert!(sample["sampledValue"][0]["value"].as_i64() > Some(12_340 + 7_000), "{sample}");
    assert_eq!(pair.calls(Role::Station, "Authorize").len(), 1);
    assert_eq!(states(&pair, 1), ["Occupied", "Available"]);
    clean(&pair);
}

#[test]
fn start_and_stop_points_move_the_ends_of_a_transaction() {
    let session = |start: &str, stop: &str| {
        let mut pair = charging(&[("TxCtrlr.TxStartPoint", start), ("TxCtrlr.TxStopPoint", stop)]);
        pair.at_station("pause by ev", json!({}));
        pair.at_station("resume by ev", json!({}));
        pair.at_station("present token", token("TAG-VALID"));
        pair.at_station("unplug", json!({}));
        clean(&pair);
        told(&pair)
    };
    assert_eq!(
        session("EVConnected", "EVConnected"),
        [
            "Started CablePluggedIn EVConnected",
            "Updated Authorized Charging",
            "Updated ChargingStateChanged SuspendedEV",
            "Updated ChargingStateChanged Charging",
            "Updated StopAuthorized EVConnected",
            "Ended EVCommunicationLost Idle Local",
        ]
    );
    assert_eq!(
        session("Authorized", "PowerPathClosed"),
        [
            "Started Authorized Charging",
            "Updated ChargingStateChanged SuspendedEV",
            "Updated ChargingStateChanged Charging",
            "Ended StopAuthorized EVConnected Local",
        ]
    );
    // The pause ends it, and with it the authorisation; the token then opens a second one.
    assert_eq!(
        session("EnergyTransfer", "EnergyTransfer"),
        [
            "Started Authorized Charging",
            "Ended ChargingStateChanged EVConnected StoppedByEV",
            "Started Authorized Charging",
            "Ended EVCommunicationLost Idle EVDisconnected",
        ]
    );
}

#[test]
fn identification_first_and_nobody_plugs_in_times_out() {
    let mut pair = booted(&[("TxCtrlr.TxStartPoint", "Authorized")]);
    pair.at_station("present token", token("TAG-VALID"));
    pair.wait(61);
    assert_eq!(told(&pair), ["Started Authorized Idle", "Ended EVConnectTimeout Idle Timeout"]);

    pair.afresh().at_station("present token", token("TAG-VALID"));
    pair.wait(30);
    pair.at_station("plug in", json!({}));
    assert_eq!(told(&pair), ["Started Authorized Idle", "Updated CablePluggedIn Charging"]);
    assert_eq!(events(&pair)[1]["evse"], json!({ "id": 1, "connectorId": 1 }));
    clean(&pair);
}

#[test]
fn only_the_group_stops_and_blocked_tokens_are_not_let_in() {
    let mut pair = charging(&[]);
    pair.at_station("present token", token("TAG-OTHER"));
    assert_eq!(told(&pair).len(), 1);
    pair.at_station("present token", token("TAG-GROUP"));
    assert_eq!(told(&pair)[1], "Ended StopAuthorized EVConnected Local");
    pair.afresh().at_station("present token", token("TAG-BLOCKED"));
    assert_eq!(told(&pair), Vec::<String>::new());
    clean(&pair);
}

#[test]
fn a_cached_token_starts_at_once_and_is_stopped_when_it_turns_out_bad() {
    let mut pair = charging(&[("AuthCtrlr.LocalPreAuthorize", "true")]);
    pair.at_station("present token", token("TAG-VALID"));
    pair.at_csms("add token", json!({ "token": { "idToken": "TAG-VALID" }, "status": "Blocked" }));
    pair.afresh().at_station("present token", token("TAG-VALID"));
    assert_eq!(pair.calls(Role::Station, "Authorize").len(), 0);
    assert_eq!(told(&pair), ["Started Authorized Charging", "Ended Deauthorized EVConnected DeAuthorized"]);
    assert_eq!(pair.look("cable is locked"), Some(true));
    assert_eq!(pair.send("ClearCache", json!({}))["status"], "Accepted");
    clean(&pair);
}

#[test]
fn a_refused_token_may_get_some_energy_first() {
    let mut pair = booted(&[
        ("AuthCtrlr.AuthorizeRemoteStart", "false"),
        ("TxCtrlr.StopTxOnInvalidId", "false"),
        ("TxCtrlr.MaxEnergyOnInvalidId", "100"),
    ]);
    pair.at_station("plug in", json!({}));
    let bad = json!({ "idToken": { "idToken": "TAG-EXPIRED", "type": "ISO14443" }, "evseId": 1 });
    assert_eq!(pair.send("RequestStartTransaction", bad)["status"], "Accepted");
    assert_eq!(pair.look("energy flows"), Some(true));
    pair.wait(50);
    assert_eq!(pair.look("energy is off"), Some(true));
    assert_eq!(told(&pair), ["Started RemoteStart Charging", "Updated ChargingStateChanged SuspendedEVSE"]);
    clean(&pair);
}

#[test]
fn remote_start_before_and_after_the_cable_and_remote_stop() {
    let mut pair = booted(&[]);
    let start = json!({ "idToken": { "idToken": "TAG-VALID", "type": "ISO14443" }, "remoteStartId": 42, "evseId": 2 });
    assert_eq!(pair.send("RequestStartTransaction", start.clone())["status"], "Accepted");
    assert_eq!(pair.send("RequestStartTransaction", start)["status"], "Rejected");
    let second = json!({ "at": { "evse": 2, "connector": 1 } });
    pair.at_station("plug in", second);
    let started = events(&pair)[0].clone();
    assert_eq!(told(&pair), ["Started RemoteStart Charging"]);
    assert_eq!(started["transactionInfo"]["remoteStartId"], 42);
    let id = started["transactionInfo"]["transactionId"].clone();
    assert_eq!(pair.send("RequestStopTransaction", json!({ "transactionId": "other" }))["status"], "Rejected");
    assert_eq!(pair.send("RequestStopTransaction", json!({ "transactionId": id }))["status"], "Accepted");
    assert_eq!(told(&pair)[1], "Ended RemoteStop EVConnected Remote");

    pair.afresh();
    let central = json!({ "idToken": { "idToken": "made-up", "type": "Central" }, "remoteStartId": 43 });
    assert_eq!(pair.send("RequestStartTransaction", central)["status"], "Accepted");
    assert_eq!(pair.calls(Role::Station, "Authorize").len(), 0);
    assert_eq!(told(&pair), ["Started RemoteStart Charging"]);
    clean(&pair);
}

#[test]
fn a_remote_start_joins_the_transaction_that_the_cable_began() {
    let mut pair = booted(&[("TxCtrlr.TxStartPoint", "EVConnected")]);
    pair.at_station("plug in", json!({}));
    let id = events(&pair)[0]["transactionInfo"]["transactionId"].clone();
    let start = json!({ "idToken": { "idToken": "TAG-VALID", "type": "ISO14443" }, "remoteStartId": 5, "evseId": 1 });
    let answer = pair.send("RequestStartTransaction", start);
    assert_eq!(answer, json!({ "status": "Accepted", "transactionId": id }));
    assert_eq!(told(&pair)[1], "Updated RemoteStart Charging");
    assert_eq!(events(&pair)[1]["transactionInfo"]["remoteStartId"], 5);
    clean(&pair);
}

#[test]
fn a_transaction_offline_is_told_in_order_and_says_so() {
    let mut pair = charging(&[]);
    pair.at_station("present token", token("TAG-VALID"));
    pair.afresh();
    pair.unreachable = true;
    pair.cut();
    pair.wait(2);
    pair.at_station("present token", token("TAG-VALID"));
    pair.wait(60);
    pair.at_station("present token", token("TAG-VALID"));
    assert_eq!(told(&pair), Vec::<String>::new());
    pair.unreachable = false;
    pair.wait(120);
    assert_eq!(
        told(&pair),
        [
            "Started Authorized Charging",
            "Updated MeterValuePeriodic Charging",
            "Ended StopAuthorized EVConnected Local"
        ]
    );
    assert!(events(&pair).iter().all(|event| event["offline"] == true));
    // Away for longer than the threshold: every connector is reported again (B04.FR.01).
    assert_eq!((states(&pair, 1), states(&pair, 2)), (vec!["Occupied".to_owned()], vec!["Available".to_owned()]));
    assert_eq!(pair.calls(Role::Station, "BootNotification").len(), 0);
    clean(&pair);
}

#[test]
fn a_short_absence_tells_only_what_has_changed() {
    let mut pair = booted(&[]);
    pair.cut();
    pair.at_station("plug in", json!({}));
    pair.wait(5);
    assert_eq!((states(&pair, 1).len(), states(&pair, 2).len()), (1, 0));
}

#[test]
fn an_event_that_is_refused_is_tried_again_after_growing_waits() {
    let mut pair =
        booted(&[("OCPPCommCtrlr.MessageAttemptInterval", "10"), ("SampledDataCtrlr.TxUpdatedInterval", "0")]);
    pair.lost = vec!["TransactionEvent".to_owned()];
    pair.at_station("plug in", json!({}));
    pair.at_station("present token", token("TAG-VALID"));
    pair.wait(300);
    let at: Vec<_> = pair
        .crossed
        .iter()
        .filter(|crossed| crossed.is_call(Role::Station, "TransactionEvent"))
        .map(|crossed| crossed.at)
        .collect();
    let gaps: Vec<u64> = at.windows(2).map(|pair| pair[1].since(pair[0]).as_secs()).collect();
    assert_eq!(gaps, [40, 50]);
}

#[test]
fn triggers_are_answered_first() {
    let mut pair = charging(&[]);
    for (message, evse, status) in [
        ("BootNotification", None, "Rejected"),
        ("Heartbeat", Some(9), "Accepted"),
        ("MeterValues", Some(1), "Accepted"),
        ("MeterValues", Some(9), "Rejected"),
        ("StatusNotification", Some(2), "Accepted"),
        ("StatusNotification", None, "Rejected"),
        ("TransactionEvent", Some(1), "Accepted"),
        ("TransactionEvent", Some(2), "Rejected"),
        ("LogStatusNotification", None, "Accepted"),
        ("FirmwareStatusNotification", None, "Accepted"),
        ("SignV2GCertificate", None, "NotImplemented"),
    ] {
        pair.afresh();
        let mut request = json!({ "requestedMessage": message });
        if let Some(id) = evse {
            request["evse"] = json!({ "id": id, "connectorId": 1 });
        }
        assert_eq!(pair.send("TriggerMessage", request)["status"], status, "{message}");
        let calls = pair.calls(Role::Station, message);
        assert_eq!(calls.len(), usize::from(status == "Accepted"), "{message}");
        let answered = pair.crossed.iter().position(|c| c.from == Role::Station && c.kind() == 3);
        let sent = pair.crossed.iter().position(|c| c.is_call(Role::Station, message));
        assert!(sent.is_none() || answered < sent, "{message}");
        clean_frames(&pair);
    }
}

#[track_caller]
fn clean_frames(pair: &Pair) {
    assert_eq!(pair.standing_violations(), Vec::<String>::new());
}

#[test]
fn availability_waits_for_the_transaction_and_outlives_a_reboot() {
    let mut pair = charging(&[]);
    let first = json!({ "operationalStatus": "Inoperative", "evse": { "id": 1 } });
    assert_eq!(pair.send("ChangeAvailability", first)["status"], "Scheduled");
    let second = json!({ "operationalStatus": "Inoperative", "evse": { "id": 2, "connectorId": 1 } });
    assert_eq!(pair.send("ChangeAvailability", second.clone())["status"], "Accepted");
    assert_eq!(pair.send("ChangeAvailability", second)["status"], "Accepted");
    let nowhere = json!({ "operationalStatus": "Inoperative", "evse": { "id": 3 } });
    assert_eq!(pair.send("ChangeAvailability", nowhere)["status"], "Rejected");
    pair.at_station("present token", token("TAG-VALID"));
    assert_eq!(states(&pair, 1), ["Occupied", "Unavailable"]);
    assert_eq!(states(&pair, 2), ["Unavailable"]);
    assert_eq!(pair.send("Reset", json!({ "type": "Immediate" }))["status"], "Accepted");
    pair.afresh().wait(10);
    assert_eq!(pair.calls(Role::Station, "BootNotification")[0]["reason"], "RemoteReset");
    assert_eq!((states(&pair, 1), states(&pair, 2)), (vec!["Unavailable".to_owned()], vec!["Unavailable".to_owned()]));
    pair.afresh();
    let back = json!({ "operationalStatus": "Operative", "evse": { "id": 1 } });
    assert_eq!(pair.send("ChangeAvailability", back)["status"], "Accepted");
    assert_eq!(states(&pair, 1), ["Occupied"]);
    clean(&pair);
}

#[test]
fn resets_end_the_transaction_or_wait_for_it() {
    let mut pair = charging(&[]);
    assert_eq!(pair.send("Reset", json!({ "type": "OnIdle" }))["status"], "Scheduled");
    pair.wait(5);
    assert_eq!(pair.calls(Role::Station, "BootNotification").len(), 0);
    pair.at_station("present token", token("TAG-VALID"));
    pair.wait(10);
    assert_eq!(told(&pair).last().unwrap(), "Ended StopAuthorized EVConnected Local");
    assert_eq!(pair.calls(Role::Station, "BootNotification").len(), 1);

    pair.at_station("present token", token("TAG-VALID"));
    assert_eq!(pair.send("Reset", json!({ "type": "Immediate", "evseId": 1 }))["status"], "Rejected");
    assert_eq!(pair.send("Reset", json!({ "type": "Immediate" }))["status"], "Accepted");
    pair.wait(10);
    assert_eq!(told(&pair).last().unwrap(), "Ended ResetCommand EVConnected ImmediateReset");
    clean(&pair);
}

#[test]
fn a_power_failure_ends_the_transaction_sooner_or_later() {
    let mut pair = charging(&[]);
    pair.at_station("cut power", json!({}));
    pair.wait(30);
    pair.at_station("restore power", json!({}));
    pair.wait(10);
    assert_eq!(told(&pair).last().unwrap(), "Ended AbnormalCondition - PowerLoss");
    assert_eq!(pair.calls(Role::Station, "BootNotification")[0]["reason"], "PowerUp");
    clean(&pair);
}

#[test]
fn pulling_the_evs_end_stops_or_suspends_as_configured() {
    let mut pair = charging(&[]);
    pair.at_station("unplug", json!({ "end": "ev" }));
    assert_eq!(told(&pair)[1], "Ended EVCommunicationLost Idle EVDisconnected");
    assert_eq!(pair.look("cable is free"), Some(true));

    let mut pair = charging(&[("TxCtrlr.StopTxOnEVSideDisconnect", "false"), ("TxCtrlr.TxStopPoint", "Authorized")]);
    pair.at_station("unplug", json!({ "end": "ev" }));
    pair.at_station("plug in", json!({}));
    pair.at_station("present token", token("TAG-VALID"));
    assert_eq!(
        told(&pair)[1..],
        [
            "Updated EVCommunicationLost Idle",
            "Updated CablePluggedIn Charging",
            "Ended StopAuthorized EVConnected Local"
        ]
    );
    clean(&pair);
}

#[test]
fn unlocking_asks_whether_somebody_charges() {
    let mut pair = charging(&[]);
    let unlock = |pair: &mut Pair, evse: u32| {
        pair.send("UnlockConnector", json!({ "evseId": evse, "connectorId": 1 }))["status"].clone()
    };
    assert_eq!(unlock(&mut pair, 1), "OngoingAuthorizedTransaction");
    assert_eq!(unlock(&mut pair, 3), "UnknownConnector");
    assert_eq!(unlock(&mut pair, 2), "Unlocked");
    pair.at_station("jam lock", json!({ "at": { "evse": 2, "connector": 1 } }));
    assert_eq!(unlock(&mut pair, 2), "UnlockFailed");
    clean(&pair);
}

#[test]
fn a_lock_that_fails_is_told_and_nobody_charges() {
    let mut pair = booted(&[]);
    pair.at_station("jam lock", json!({}));
    pair.at_station("plug in", json!({}));
    pair.at_station("present token", token("TAG-VALID"));
    assert_eq!(told(&pair), Vec::<String>::new());
    let event = &pair.calls(Role::Station, "NotifyEvent")[0]["eventData"][0];
    assert_eq!(
        (&event["component"]["name"], &event["actualValue"]),
        (&json!("ConnectorPlugRetentionLock"), &json!("true"))
    );
    pair.at_station("free lock", json!({}));
    pair.at_station("present token", token("TAG-VALID"));
    assert_eq!(told(&pair), ["Started Authorized Charging"]);
    clean(&pair);
}

#[test]
fn a_fault_ends_the_transaction_and_is_reported() {
    let mut pair = charging(&[]);
    pair.at_station("cause fault", json!({ "code": "GroundFailure" }));
    pair.at_station("clear fault", json!({}));
    assert_eq!(told(&pair)[1], "Ended AbnormalCondition EVConnected GroundFault");
    assert_eq!(states(&pair, 1), ["Occupied", "Faulted", "Occupied"]);
    clean(&pair);
}

#[test]
fn the_clock_brings_values_in_and_outside_of_transactions() {
    let mut pair = charging(&[("AlignedDataCtrlr.Interval", "900"), ("SampledDataCtrlr.TxUpdatedInterval", "0")]);
    pair.wait(900);
    assert_eq!(told(&pair)[1], "Updated MeterValueClock Charging");
    let idle = pair.calls(Role::Station, "MeterValues");
    assert_eq!(idle.len(), 1);
    assert_eq!(
        (&idle[0]["evseId"], &idle[0]["meterValue"][0]["timestamp"]),
        (&json!(2), &json!("2026-11-24T08:15:00Z"))
    );
    clean(&pair);
}

#[test]
fn a_transactions_status_tells_what_runs_and_what_waits() {
    let mut pair = charging(&[]);
    let id = events(&pair)[0]["transactionInfo"]["transactionId"].clone();
    let status = |pair: &mut Pair, request: Value| pair.send("GetTransactionStatus", request);
    assert_eq!(
        status(&mut pair, json!({ "transactionId": id })),
        json!({ "ongoingIndicator": true, "messagesInQueue": false })
    );
    assert_eq!(
        status(&mut pair, json!({ "transactionId": "other" })),
        json!({ "ongoingIndicator": false, "messagesInQueue": false })
    );
    pair.lost = vec!["TransactionEvent".to_owned()];
    pair.at_station("present token", token("TAG-VALID"));
    assert_eq!(status(&mut pair, json!({})), json!({ "messagesInQueue": true }));
}

#[test]
fn invalid_calls_earn_the_right_code_on_both_sides() {
    let mut pair = booted(&[]);
    for (action, payload, code) in [
        ("Bananas", json!({}), "NotImplemented"),
        ("Reset", json!([]), "FormatViolation"),
        ("Reset", json!({}), "OccurrenceConstraintViolation"),
        ("Reset", json!({ "type": 1 }), "TypeConstraintViolation"),
        ("Reset", json!({ "type": "Soft" }), "PropertyConstraintViolation"),
        ("Heartbeat", json!({}), "NotSupported"),
        ("SetNetworkProfile", json!({}), "NotSupported"),
    ] {
        let answer = pair.csms_call(&format!("c-{code}-{}", action.len()), action, payload);
        assert_eq!(answer[2], code, "{action}");
    }
    for (action, payload, code) in [
        ("Bananas", json!({}), "NotImplemented"),
        ("Reset", json!({ "type": "Immediate" }), "NotSupported"),
        ("Heartbeat", json!({ "x": 1 }), "FormatViolation"),
        ("Authorize", json!({}), "OccurrenceConstraintViolation"),
    ] {
        let answer = pair.station_call(&format!("s-{code}-{}", action.len()), action, payload);
        assert_eq!(answer[2], code, "{action}");
    }
    pair.csms_text("[9,\"odd\",{}]");
    pair.csms_text("{");
    let last: Vec<&Value> = pair.crossed.iter().filter(|c| c.kind() == 4).map(|c| &c.frame).collect();
    let [.., odd, broken] = &last[..] else { panic!("{last:?}") };
    assert_eq!((&odd[1], &odd[2]), (&json!("odd"), &json!("MessageTypeNotSupported")));
    assert_eq!((&broken[1], &broken[2]), (&json!("-1"), &json!("RpcFrameworkError")));
}

#[test]
fn every_configuration_runs_a_whole_session() {
    for version in [Version::V201, Version::V21] {
        for (name, _, settings) in configurations(version) {
            let mut pair = Pair::booted(settings, &[]);
            pair.at_station("plug in", json!({}));
            pair.at_station("present token", token("TAG-VALID"));
            pair.at_station("charge", json!({ "for": 60 }));
            pair.at_station("present token", token("TAG-VALID"));
            pair.at_station("unplug", json!({}));
            assert!(pair.outcomes.iter().all(Result::is_ok), "{name}: {:?}", pair.outcomes);
            // What the points of start and end are decides how much is told in between.
            let told = told(&pair);
            let of = |kind: &str| told.iter().filter(|event| event.starts_with(kind)).count();
            assert_eq!((of("Started"), of("Ended")), (1, 1), "{name}: {told:?}");
            assert!(told[0].starts_with("Started") && told[told.len() - 1].starts_with("Ended"), "{name}: {told:?}");
            clean(&pair);
        }
    }
}

#[test]
fn connectors_can_be_reported_by_event() {
    let mut settings = standard();
    settings.report_by_event = true;
    let mut pair = Pair::booted(settings, &[]);
    pair.at_station("plug in", json!({}));
    assert_eq!(pair.calls(Role::Station, "StatusNotification").len(), 0);
    let events = pair.calls(Role::Station, "NotifyEvent");
    assert_eq!(events.len(), 3);
    assert_eq!(events[2]["eventData"][0]["actualValue"], "Occupied");
    clean(&pair);
}

#[test]
fn a_new_password_is_used_from_the_next_connection_on() {
    let mut pair = booted(&[]);
    assert_eq!(pair.station.credentials(), None);
    assert_eq!(write(&mut pair, "SecurityCtrlr", "BasicAuthPassword", "short"), "Rejected");
    assert_eq!(write(&mut pair, "SecurityCtrlr", "BasicAuthPassword", "0123456789abcdef"), "Accepted");
    pair.wait(5);
    assert_eq!(pair.closes, [(Role::Station, 1000)]);
    assert_eq!(pair.station.credentials(), Some((pair.identity.clone(), b"0123456789abcdef".to_vec())));
    // The CSMS asks for it from now on, and for no other.
    let offered = ["ocpp2.0.1".to_owned()];
    let identity = pair.identity.clone();
    let old = pair.csms.decide_handshake(pair.now, &identity, None, &offered);
    assert_eq!(old, HandshakeAnswer::Refuse { status: 401 });
    assert_eq!(read(&mut pair, "TxCtrlr", "TxStartPoint").0, "Accepted");
}
