//! Every fault of the 2.0.1 peers shows on the wire in the scenario named for it, and the clean peers differ.

use protocol::{Role, Version};
use serde_json::{Value, json};

use super::{events, read, standard, token, write};
use crate::pair::station_faults::transcript;
use crate::pair::{Pair, in_peers};

#[test]
fn every_fault_shows_on_the_wire() {
    for side in [Role::Station, Role::Csms] {
        for id in in_peers(Version::V201, side) {
            // In the handshake, which is looked at with the faults of 1.6.
            if crate::pair::csms_faults::BELOW.contains(&id) {
                continue;
            }
            let triggered = |pair: &Pair| [pair.station.triggered(), pair.csms.triggered()].concat();
            let mut clean = Pair::booted(standard(), &[]);
            provoke(id, &mut clean);
            assert_eq!(triggered(&clean), Vec::<&str>::new(), "{id}");
            let mut faulty = Pair::booted(standard(), &[id]);
            provoke(id, &mut faulty);
            assert_eq!(triggered(&faulty), [id]);
            assert_ne!(transcript(&clean), transcript(&faulty), "{id} is not seen");
        }
    }
}

fn charge(pair: &mut Pair) {
    pair.at_station("plug in", json!({}));
    pair.at_station("present token", token("TAG-VALID"));
    pair.wait(70);
}

/// A StatusNotification with this field in it.
fn status(pair: &mut Pair, name: &str, value: Value) {
    let mut call = json!({
        "timestamp": "2026-11-24T08:00:00Z",
        "connectorStatus": "Available",
        "evseId": 1,
        "connectorId": 1,
    });
    call[name] = value;
    pair.station_call("a", "StatusNotification", call);
}

fn reboot(pair: &mut Pair, status: &str) {
    pair.at_csms("decide boot", json!({ "status": status }));
    pair.at_station("reboot", json!({}));
    pair.wait(10);
}

fn remote_start(pair: &mut Pair, id: &str) -> Value {
    let request = json!({ "idToken": { "idToken": id, "type": "ISO14443" }, "remoteStartId": 3, "evseId": 1 });
    pair.send("RequestStartTransaction", request)
}

/// A scenario in which the fault makes a difference.
fn provoke(id: &str, pair: &mut Pair) {
    match id {
        "station-keeps-old-error-codes" => {
            pair.csms_call("a", "Reset", json!({}));
        }
        "station-keeps-cache-when-cleared" => {
            charge(pair);
            pair.at_station("present token", token("TAG-VALID"));
            pair.at_station("unplug", json!({}));
            write(pair, "AuthCtrlr", "LocalPreAuthorize", "true");
            pair.send("ClearCache", json!({}));
            charge(pair);
        }
        "station-never-asks-about-remote-starts" => {
            remote_start(pair, "TAG-VALID");
        }
        "station-serves-while-rejected" => {
            reboot(pair, "Rejected");
            pair.csms_call("a", "ClearCache", json!({}));
        }
        "station-leaves-out-unknown-variables" => {
            let known = json!({ "component": { "name": "TxCtrlr" }, "variable": { "name": "TxStartPoint" } });
            let unknown = json!({ "component": { "name": "TxCtrlr" }, "variable": { "name": "Bananas" } });
            pair.send("GetVariables", json!({ "getVariableData": [known, unknown] }));
        }
        "station-sets-read-only-variables" => {
            write(pair, "SecurityCtrlr", "Identity", "OTHER");
        }
        "station-forgets-accepted-variables" => {
            write(pair, "TxCtrlr", "EVConnectionTimeOut", "17");
            read(pair, "TxCtrlr", "EVConnectionTimeOut");
        }
        "station-numbers-reports-from-one" | "station-calls-every-part-the-last" => {
            pair.send("GetBaseReport", json!({}));
        }
        "station-resets-despite-transaction" => {
            charge(pair);
            pair.send("Reset", json!({ "type": "OnIdle" }));
        }
        "station-charges-blocked-tokens" | "csms-authorises-blocked-tokens" => {
            pair.at_station("plug in", json!({}));
            pair.at_station("present token", token("TAG-BLOCKED"));
        }
        "station-repeats-sequence-numbers" => {
            charge(pair);
            pair.wait(60);
        }
        "station-repeats-transaction-ids"
        | "station-leaves-out-the-token"
        | "station-sends-meter-values-as-texts"
        | "csms-leaves-out-the-group"
        | "csms-leaves-out-token-info"
        | "csms-answers-events-with-transaction-id" => charge(pair),
        "station-leaves-out-stopped-reason" => {
            charge(pair);
            let id = events(pair)[0]["transactionInfo"]["transactionId"].clone();
            pair.send("RequestStopTransaction", json!({ "transactionId": id }));
        }
        "station-charges-refused-tokens" | "csms-trusts-transaction-events" => {
            write(pair, "AuthCtrlr", "AuthorizeRemoteStart", "false");
            pair.at_station("plug in", json!({}));
            remote_start(pair, "TAG-EXPIRED");
        }
        "station-hides-being-offline" => {
            charge(pair);
            pair.unreachable = true;
            pair.cut();
            pair.at_station("present token", token("TAG-VALID"));
            pair.wait(5);
            pair.unreachable = false;
            pair.wait(30);
        }
        "station-ignores-ev-connection-time-out" => {
            write(pair, "TxCtrlr", "TxStartPoint", "Authorized");
            pair.at_station("present token", token("TAG-VALID"));
            pair.wait(90);
        }
        "station-forgets-remote-start-id" => {
            pair.at_station("plug in", json!({}));
            remote_start(pair, "TAG-VALID");
        }
        "station-unlocks-while-charging" => {
            charge(pair);
            pair.send("UnlockConnector", json!({ "evseId": 1, "connectorId": 1 }));
        }
        "station-forgets-unavailable-at-reboot" => {
            pair.wait(1);
            pair.send("ChangeAvailability", json!({ "operationalStatus": "Inoperative", "evse": { "id": 1 } }));
            pair.send("Reset", json!({ "type": "Immediate" }));
            pair.wait(60);
        }
        "station-switches-only-its-first-evse" => {
            pair.wait(1);
            pair.send("ChangeAvailability", json!({ "operationalStatus": "Inoperative" }));
        }
        "station-switches-evses-that-it-lacks" => {
            pair.wait(1);
            pair.send("ChangeAvailability", json!({ "operationalStatus": "Inoperative", "evse": { "id": 99 } }));
        }
        "station-never-comes-back-into-operation" => {
            pair.wait(1);
            pair.send("ChangeAvailability", json!({ "operationalStatus": "Inoperative", "evse": { "id": 1 } }));
            pair.send("ChangeAvailability", json!({ "operationalStatus": "Operative", "evse": { "id": 1 } }));
        }
        "station-drops-failed-events" => {
            pair.lost = vec!["TransactionEvent".to_owned()];
            charge(pair);
            pair.wait(300);
        }
        "station-promises-the-status-of-any-evse" | "station-tells-of-its-first-evse-when-asked" => {
            pair.wait(1);
            let evse = if id == "station-promises-the-status-of-any-evse" { 99 } else { 2 };
            let asked = json!({ "requestedMessage": "StatusNotification", "evse": { "id": evse, "connectorId": 1 } });
            pair.send("TriggerMessage", asked);
            pair.wait(1);
        }
        "station-reports-under-another-id" => {
            pair.wait(1);
            pair.send("GetBaseReport", json!({ "requestId": 4711, "reportBase": "FullInventory" }));
        }
        "station-begins-without-meter-values" => {
            charge(pair);
        }
        "station-ends-without-meter-values" => {
            charge(pair);
            pair.at_station("present token", token("TAG-VALID"));
            pair.at_station("unplug", json!({}));
        }
        "station-forgets-scheduled-availability" => {
            charge(pair);
            pair.send("ChangeAvailability", json!({ "operationalStatus": "Inoperative", "evse": { "id": 1 } }));
            pair.at_station("present token", token("TAG-VALID"));
        }
        "csms-keeps-old-error-codes" => {
            pair.station_call("a", "Heartbeat", json!({ "x": 1 }));
        }
        "csms-serves-stations-before-acceptance" => {
            reboot(pair, "Pending");
            pair.station_call("a", "Heartbeat", json!({}));
        }
        "station-does-not-wait-for-answers" => reboot(pair, "Accepted"),
        "csms-gives-interval-as-text" => reboot(pair, "Accepted"),
        "station-overlooks-extra-fields" => {
            pair.csms_call("a", "ClearCache", json!({ "x": 1 }));
        }
        "station-overlooks-long-texts" | "station-overlooks-long-texts-inside" => {
            let token = json!({ "idToken": "X".repeat(37), "type": "ISO14443" });
            pair.csms_call("a", "RequestStartTransaction", json!({ "idToken": token, "remoteStartId": 1 }));
        }
        "station-overlooks-missing-fields" => {
            pair.csms_call("a", "Reset", json!({}));
        }
        "station-overlooks-unknown-words" => {
            pair.csms_call("a", "Reset", json!({ "type": "Bananas" }));
        }
        "station-overlooks-wrong-types" => {
            pair.csms_call("a", "UnlockConnector", json!({ "evseId": "1", "connectorId": 1 }));
        }
        "station-overlooks-list-lengths" => {
            pair.csms_call("a", "GetVariables", json!({ "getVariableData": [] }));
        }
        "station-keeps-what-it-rejects" => {
            write(pair, "TxCtrlr", "EVConnectionTimeOut", "soon");
            read(pair, "TxCtrlr", "EVConnectionTimeOut");
        }
        "station-takes-numbers-with-a-tail" => {
            write(pair, "TxCtrlr", "EVConnectionTimeOut", "60abc");
        }
        "station-wraps-large-numbers" => {
            write(pair, "TxCtrlr", "EVConnectionTimeOut", "4294967356");
        }
        "station-floods-after-a-bad-interval" => {
            write(pair, "OCPPCommCtrlr", "HeartbeatInterval", "abc");
            pair.wait(2);
        }
        "station-shows-its-password" => {
            read(pair, "SecurityCtrlr", "BasicAuthPassword");
        }
        "station-stops-for-any-transaction-id" => {
            charge(pair);
            pair.csms_call("a", "RequestStopTransaction", json!({ "transactionId": "nobody" }));
        }
        "station-hides-security-events" | "csms-ignores-security-events" => reboot(pair, "Accepted"),
        "csms-overlooks-bad-times" => status(pair, "timestamp", json!("tomorrow")),
        "csms-overlooks-wrong-types" => status(pair, "evseId", json!("1")),
        "csms-overlooks-unknown-words" => status(pair, "connectorStatus", json!("Bananas")),
        "csms-overlooks-extra-fields" => status(pair, "x", json!(1)),
        "csms-overlooks-missing-fields" => {
            pair.station_call("a", "TransactionEvent", json!({ "eventType": "Started" }));
        }
        "csms-overlooks-long-texts" | "csms-overlooks-long-texts-inside" => {
            let token = json!({ "idToken": "X".repeat(37), "type": "ISO14443" });
            pair.station_call("a", "Authorize", json!({ "idToken": token }));
        }
        "csms-overlooks-list-lengths" => {
            pair.station_call("a", "MeterValues", json!({ "evseId": 1, "meterValue": [] }));
        }
        "csms-ignores-meter-values" => {
            let sample = json!({ "timestamp": "2026-11-24T08:00:00Z", "sampledValue": [{ "value": 1 }] });
            pair.station_call("a", "MeterValues", json!({ "evseId": 1, "meterValue": [sample] }));
        }
        "csms-does-not-wait-for-answers" => {
            let identity = pair.identity.clone();
            pair.deaf_station = true;
            for _ in 0..2 {
                pair.at_csms("send", json!({ "action": "ClearCache", "fields": {}, "station": identity }));
            }
        }
        "csms-drops-link-on-unknown-action" => {
            pair.station_call("a", "Bananas", json!({}));
        }
        "csms-crashes-after-error" => {
            pair.station_call("a", "Heartbeat", json!({ "x": 1 }));
            pair.station_call("b", "Heartbeat", json!({}));
        }
        "csms-compares-tags-with-case" => {
            let token = json!({ "idToken": "tag-valid", "type": "ISO14443" });
            pair.station_call("a", "Authorize", json!({ "idToken": token }));
        }
        "csms-answers-only-when-idle" => {
            let identity = pair.identity.clone();
            pair.deaf_station = true;
            pair.at_csms("send", json!({ "action": "ClearCache", "fields": {}, "station": identity }));
            pair.station_call("a", "Heartbeat", json!({}));
        }
        "csms-refuses-events-of-unknown-transactions" => {
            let event = json!({
                "eventType": "Ended", "timestamp": "2026-11-24T08:00:00Z", "triggerReason": "EVDeparted", "seqNo": 9,
                "transactionInfo": { "transactionId": "nobody-s" },
            });
            pair.station_call("a", "TransactionEvent", event);
        }
        "csms-forgets-lost-links" => {
            pair.cut();
            pair.wait(30);
            pair.station_call("a", "Heartbeat", json!({}));
        }
        other => panic!("{other} has no scenario"),
    }
}
