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
        "station-numbers-reports-from-one" => {
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
        "csms-gives-interval-as-text" => reboot(pair, "Accepted"),
        other => panic!("{other} has no scenario"),
    }
}
