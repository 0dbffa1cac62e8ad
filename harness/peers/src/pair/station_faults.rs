//! Every fault of the 1.6 station shows on the wire in the scenario named for it, and the clean station differs.

use protocol::{Role, Version};
use serde_json::{Value, json};

use super::{Pair, in_peers, standard, tag};

#[test]
fn every_station_fault_shows_on_the_wire() {
    for id in in_peers(Version::V16, Role::Station) {
        let mut clean = Pair::with(standard(), &[]);
        provoke(id, &mut clean);
        assert!(clean.station.triggered().is_empty(), "{id}");
        let mut faulty = Pair::with(standard(), &[id]);
        provoke(id, &mut faulty);
        assert_eq!(faulty.station.triggered(), [id]);
        assert_ne!(transcript(&clean), transcript(&faulty), "{id} is not seen");
    }
}

/// What crossed, as text.
pub(super) fn transcript(pair: &Pair) -> String {
    let mut text: String = pair.crossed.iter().map(|c| format!("{} {} {}\n", c.at, c.from, c.frame)).collect();
    text.push_str(&format!("{:?}", pair.closes));
    text
}

fn charge(pair: &mut Pair) {
    pair.wait(1);
    pair.at_station("plug in", json!({}));
    pair.at_station("present token", tag("TAG-VALID"));
    pair.at_station("charge", json!({ "for": 60 }));
}

fn stop(pair: &mut Pair) {
    pair.at_station("present token", tag("TAG-VALID"));
}

fn configure(pair: &mut Pair, key: &str, value: &str) -> Value {
    pair.send("ChangeConfiguration", json!({ "key": key, "value": value }))
}

fn configure_after_boot(pair: &mut Pair, key: &str, value: &str) {
    pair.wait(1);
    configure(pair, key, value);
}

fn offline(pair: &mut Pair, during: fn(&mut Pair)) {
    pair.unreachable = true;
    pair.cut();
    pair.wait(2);
    during(pair);
    pair.wait(5);
    pair.unreachable = false;
    pair.wait(120);
}

/// What a CSMS of ours says to the last call with this action.
fn answer(pair: &mut Pair, action: &str, result: Value) {
    let calls = pair.crossed.iter().rev();
    let id = calls.clone().find(|crossed| crossed.is_call(Role::Station, action)).map(|call| call.frame[1].clone());
    pair.csms_text(&json!([3, id, result]).to_string());
}

/// A scenario in which the fault makes a difference.
fn provoke(id: &str, pair: &mut Pair) {
    match id {
        "station-reports-status-before-boot" | "station-forgets-a-connector-after-boot" => {
            pair.wait(1);
        }
        "station-never-sends-heartbeats" => pair.wait(400),
        "station-boots-early-while-pending" => {
            pair.at_csms("decide boot", json!({ "status": "Pending" }));
            pair.wait(10);
        }
        "station-deaf-after-invalid-payload" => {
            pair.wait(1);
            pair.csms_call("a", "Reset", json!({ "type": 1 }));
            pair.csms_call("b", "ClearCache", json!({}));
        }
        "station-corrects-error-codes" => {
            pair.wait(1);
            pair.csms_call("a", "ClearCache", json!({ "x": 1 }));
        }
        "station-drops-link-on-unknown-action" => {
            pair.wait(1);
            pair.csms_call("a", "Bananas", json!({}));
        }
        "station-boots-on-reconnect" => {
            pair.wait(1);
            offline(pair, |_| {});
        }
        "station-answers-only-when-idle" => {
            pair.wait(1);
            pair.lost = vec!["Authorize".to_owned()];
            pair.at_station("present token", tag("TAG-VALID"));
            pair.send("ClearCache", json!({}));
        }
        "station-charges-blocked-tag" => {
            pair.wait(1);
            pair.at_station("plug in", json!({}));
            pair.at_station("present token", tag("TAG-BLOCKED"));
        }
        "station-starts-without-asking" | "station-starts-under-the-group" => charge(pair),
        "station-never-finishes" => {
            charge(pair);
            stop(pair);
        }
        "station-keeps-refused-start" => {
            pair.wait(1);
            pair.at_csms("decide", json!({ "action": "StartTransaction", "status": "Blocked" }));
            charge(pair);
        }
        "station-hides-a-required-key" => {
            pair.wait(1);
            pair.send("GetConfiguration", json!({}));
        }
        "station-drops-unknown-keys" => {
            pair.wait(1);
            pair.send("GetConfiguration", json!({ "key": ["Bananas"] }));
        }
        "station-never-makes-scheduled-change" => {
            charge(pair);
            pair.send("ChangeAvailability", json!({ "connectorId": 1, "type": "Inoperative" }));
            stop(pair);
            pair.at_station("unplug", json!({ "end": "station" }));
        }
        "station-accepts-reset-and-stays" => {
            pair.wait(1);
            pair.send("Reset", json!({ "type": "Hard" }));
            pair.wait(30);
        }
        "station-keeps-transaction-when-unlocked" => {
            charge(pair);
            pair.send("UnlockConnector", json!({ "connectorId": 1 }));
        }
        "station-starts-where-it-charges" => {
            charge(pair);
            pair.send("RemoteStartTransaction", json!({ "idTag": "TAG-OTHER", "connectorId": 1 }));
        }
        "station-takes-tokens-when-unavailable" => {
            pair.wait(1);
            pair.send("ChangeAvailability", json!({ "connectorId": 1, "type": "Inoperative" }));
            pair.at_station("plug in", json!({}));
            pair.at_station("present token", tag("TAG-VALID"));
        }
        "station-samples-at-interval-zero" => {
            pair.wait(1);
            configure(pair, "MeterValueSampleInterval", "0");
            charge(pair);
            pair.wait(100);
        }
        "station-serves-while-rejected" => {
            pair.at_csms("decide boot", json!({ "status": "Rejected" }));
            pair.wait(1);
            pair.csms_call("a", "ClearCache", json!({}));
        }
        "station-keeps-cache-when-cleared" => {
            charge(pair);
            stop(pair);
            configure(pair, "LocalPreAuthorize", "true");
            pair.send("ClearCache", json!({}));
            pair.at_station("present token", tag("TAG-VALID"));
        }
        "station-caches-no-answers-to-starts" => {
            configure_after_boot(pair, "LocalPreAuthorize", "true");
            pair.lost = vec!["StartTransaction".to_owned()];
            charge(pair);
            answer(pair, "StartTransaction", json!({ "transactionId": 7, "idTagInfo": { "status": "Blocked" } }));
            stop(pair);
            pair.at_station("unplug", json!({}));
            charge(pair);
        }
        "station-caches-no-answers-to-authorize" => {
            charge(pair);
            stop(pair);
            pair.at_station("unplug", json!({}));
            pair.lost = vec!["Authorize".to_owned()];
            pair.at_station("present token", tag("TAG-VALID"));
            answer(pair, "Authorize", json!({ "idTagInfo": { "status": "Blocked" } }));
            configure(pair, "LocalPreAuthorize", "true");
            charge(pair);
        }
        "station-caches-no-answers-to-stops" => {
            charge(pair);
            pair.at_csms("add token", json!({ "token": { "idToken": "TAG-VALID" }, "status": "Blocked" }));
            stop(pair);
            pair.at_station("unplug", json!({}));
            configure(pair, "LocalPreAuthorize", "true");
            charge(pair);
        }
        "station-forgets-its-cache-at-reboot" => {
            charge(pair);
            stop(pair);
            pair.at_station("unplug", json!({}));
            configure(pair, "LocalPreAuthorize", "true");
            pair.at_station("reboot", json!({}));
            pair.wait(60);
            charge(pair);
        }
        "station-never-gives-up" => {
            pair.wait(1);
            configure(pair, "TransactionMessageAttempts", "1");
            pair.lost = vec!["StartTransaction".to_owned()];
            charge(pair);
            pair.wait(300);
        }
        "station-tells-of-a-connector-too-many" => {
            pair.wait(1);
        }
        "station-loses-its-queue-at-reboot" => {
            charge(pair);
            offline(pair, |pair| {
                stop(pair);
                pair.at_station("cut power", json!({}));
                pair.at_station("restore power", json!({}));
            });
        }
        "station-keeps-no-samples-for-the-stop" => {
            configure_after_boot(pair, "StopTxnSampledData", "Energy.Active.Import.Register");
            configure(pair, "MeterValueSampleInterval", "10");
            charge(pair);
            pair.wait(60);
            stop(pair);
        }
        "station-overtakes-what-failed" => {
            configure_after_boot(pair, "MeterValueSampleInterval", "10");
            pair.lost = vec!["StartTransaction".to_owned()];
            charge(pair);
            pair.wait(200);
        }
        "station-charges-refused-tokens-offline" => {
            pair.wait(1);
            pair.at_station("present token", tag("TAG-BLOCKED"));
            offline(pair, |pair| {
                pair.at_station("plug in", json!({}));
                pair.at_station("present token", tag("TAG-BLOCKED"));
            });
        }
        "station-takes-no-id-below-one" => {
            pair.lost = vec!["StartTransaction".to_owned()];
            pair.wait(1);
            pair.at_station("plug in", json!({}));
            pair.at_station("present token", tag("TAG-VALID"));
            answer(pair, "StartTransaction", json!({ "transactionId": 0, "idTagInfo": { "status": "Accepted" } }));
            stop(pair);
        }
        "station-caches-for-ever" => {
            pair.lost = vec!["StopTransaction".to_owned()];
            charge(pair);
            stop(pair);
            let soon = (pair.now + std::time::Duration::from_secs(5)).to_string();
            answer(pair, "StopTransaction", json!({ "idTagInfo": { "status": "Accepted", "expiryDate": soon } }));
            pair.at_station("unplug", json!({}));
            configure(pair, "LocalPreAuthorize", "true");
            pair.wait(10);
            charge(pair);
        }
        "station-floods-with-boots" => {
            pair.lost = vec!["BootNotification".to_owned()];
            pair.wait(1);
            let now = pair.now.to_string();
            answer(pair, "BootNotification", json!({ "status": "Pending", "interval": 0, "currentTime": now }));
            pair.wait(1);
        }
        "station-tells-its-history" => {
            pair.wait(1);
            offline(pair, |pair| {
                pair.at_station("plug in", json!({}));
                pair.wait(1);
                pair.at_station("unplug", json!({}));
            });
        }
        "station-takes-every-list-for-full" => {
            pair.wait(1);
            configure(pair, "LocalPreAuthorize", "true");
            let list = |version: i64, kind: &str, tag: &str| {
                let entry = json!({ "idTag": tag, "idTagInfo": { "status": "Accepted" } });
                json!({ "listVersion": version, "updateType": kind, "localAuthorizationList": [entry] })
            };
            pair.send("SendLocalList", list(3, "Full", "TAG-VALID"));
            pair.send("SendLocalList", list(4, "Differential", "TAG-OTHER"));
            charge(pair);
        }
        "station-keeps-what-it-has-listed" => {
            configure_after_boot(pair, "LocalPreAuthorize", "true");
            let list = |version: i64, kind: &str, status: &str| {
                let entry = json!({ "idTag": "TAG-VALID", "idTagInfo": { "status": status } });
                json!({ "listVersion": version, "updateType": kind, "localAuthorizationList": [entry] })
            };
            pair.send("SendLocalList", list(3, "Full", "Accepted"));
            pair.send("SendLocalList", list(4, "Differential", "Blocked"));
            charge(pair);
        }
        "station-overlooks-its-list-offline" => {
            pair.wait(1);
            configure(pair, "AllowOfflineTxForUnknownId", "true");
            let entry = json!({ "idTag": "TAG-VALID", "idTagInfo": { "status": "Blocked" } });
            let list = json!({ "listVersion": 3, "updateType": "Full", "localAuthorizationList": [entry] });
            pair.send("SendLocalList", list);
            offline(pair, |pair| {
                pair.at_station("plug in", json!({}));
                pair.at_station("present token", tag("TAG-VALID"));
            });
        }
        "station-takes-old-list-version" => {
            pair.wait(1);
            let list = |kind: &str| json!({ "listVersion": 3, "updateType": kind });
            pair.send("SendLocalList", list("Full"));
            pair.send("SendLocalList", list("Differential"));
        }
        "station-ignores-connection-time-out" => {
            pair.wait(1);
            pair.at_station("present token", tag("TAG-VALID"));
            pair.wait(100);
        }
        "station-authorises-its-own-stop"
        | "station-stops-wrong-transaction"
        | "station-sends-meter-start-as-text"
        | "station-restarts-meter-at-zero" => {
            charge(pair);
            stop(pair);
        }
        "station-calls-every-stop-local" => {
            charge(pair);
            pair.send("RemoteStopTransaction", json!({}));
        }
        "station-stops-minus-one-after-offline"
        | "station-stops-twice-after-offline"
        | "station-rewrites-queued-timestamps" => {
            charge(pair);
            offline(pair, stop);
        }
        "station-loses-offline-start" => {
            charge(pair);
            stop(pair);
            offline(pair, stop);
        }
        "station-gives-up-at-first-failure" => {
            charge(pair);
            pair.lost = vec!["StopTransaction".to_owned()];
            stop(pair);
            pair.wait(200);
        }
        "station-sends-numbers-in-meter-values" => {
            charge(pair);
            pair.wait(61);
        }
        "station-changes-read-only-keys" => {
            pair.wait(1);
            configure(pair, "NumberOfConnectors", "7");
        }
        "station-takes-negative-ping-interval" => {
            pair.wait(1);
            configure(pair, "WebSocketPingInterval", "-5");
        }
        "station-forgets-accepted-configuration" => {
            pair.wait(1);
            configure(pair, "MeterValueSampleInterval", "17");
            pair.send("GetConfiguration", json!({ "key": ["MeterValueSampleInterval"] }));
        }
        "station-forgets-unavailable-at-reboot" => {
            pair.wait(1);
            pair.send("ChangeAvailability", json!({ "connectorId": 2, "type": "Inoperative" }));
            pair.send("Reset", json!({ "type": "Hard" }));
            pair.wait(30);
        }
        "station-resets-without-stopping" => {
            charge(pair);
            pair.send("Reset", json!({ "type": "Soft" }));
            pair.wait(30);
        }
        "station-unlocks-any-connector" => {
            pair.wait(1);
            pair.send("UnlockConnector", json!({ "connectorId": 9 }));
        }
        "station-remote-starts-connector-zero" => {
            pair.wait(1);
            pair.send("RemoteStartTransaction", json!({ "idTag": "TAG-VALID", "connectorId": 0 }));
        }
        "station-triggers-before-answering" => {
            pair.wait(1);
            pair.send("TriggerMessage", json!({ "requestedMessage": "Heartbeat" }));
        }
        "station-overlooks-bad-times" => {
            pair.wait(1);
            let bad = json!({ "connectorId": 1, "expiryDate": "tomorrow", "idTag": "X", "reservationId": 1 });
            pair.csms_call("a", "ReserveNow", bad);
        }
        "station-overlooks-extra-fields" => {
            pair.wait(1);
            pair.csms_call("a", "ClearCache", json!({ "x": 1 }));
        }
        "station-overlooks-long-texts" => {
            pair.wait(1);
            pair.csms_call("a", "RemoteStartTransaction", json!({ "idTag": "X".repeat(21) }));
        }
        "station-overlooks-long-texts-inside" => {
            pair.wait(1);
            let items = json!([{ "idTag": "X".repeat(21), "idTagInfo": { "status": "Accepted" } }]);
            let list = json!({ "listVersion": 1, "updateType": "Full", "localAuthorizationList": items });
            pair.csms_call("a", "SendLocalList", list);
        }
        "station-overlooks-missing-fields" => {
            pair.wait(1);
            pair.csms_call("a", "ChangeAvailability", json!({ "connectorId": 1 }));
        }
        "station-overlooks-unknown-words" => {
            pair.wait(1);
            pair.csms_call("a", "ChangeAvailability", json!({ "connectorId": 1, "type": "Bananas" }));
        }
        "station-overlooks-wrong-types" => {
            pair.wait(1);
            pair.csms_call("a", "UnlockConnector", json!({ "connectorId": "1" }));
        }
        "station-keeps-what-it-rejects" => {
            pair.wait(1);
            configure(pair, "ConnectionTimeOut", "soon");
            pair.send("GetConfiguration", json!({ "key": ["ConnectionTimeOut"] }));
        }
        "station-takes-numbers-with-a-tail" => {
            pair.wait(1);
            configure(pair, "ConnectionTimeOut", "60abc");
        }
        "station-wraps-large-numbers" => {
            pair.wait(1);
            configure(pair, "ConnectionTimeOut", "4294967356");
        }
        "station-floods-after-a-bad-interval" => {
            pair.wait(1);
            configure(pair, "HeartbeatInterval", "abc");
            pair.wait(2);
        }
        "station-shows-its-password" => {
            pair.wait(1);
            pair.send("GetConfiguration", json!({ "key": ["AuthorizationKey"] }));
        }
        "station-stops-for-any-transaction-id" => {
            charge(pair);
            pair.csms_call("a", "RemoteStopTransaction", json!({ "transactionId": 99 }));
        }
        other => panic!("{other} has no scenario"),
    }
}
