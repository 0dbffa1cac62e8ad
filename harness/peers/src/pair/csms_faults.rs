//! Every fault of the 1.6 CSMS shows on the wire in the scenario named for it, and the clean CSMS differs.

use protocol::{Role, Version};
use serde_json::{Value, json};

use super::station_faults::transcript;
use super::{Pair, in_peers, standard, tag};
use crate::{Csms, CsmsSettings, Fault, HandshakeAnswer, Input, Output};

#[test]
fn every_csms_fault_shows_on_the_wire() {
    for id in in_peers(Version::V16, Role::Csms) {
        if BELOW.contains(&id) {
            // Below.
            continue;
        }
        let mut clean = Pair::with(standard(), &[]);
        provoke(id, &mut clean);
        assert!(clean.csms.triggered().is_empty(), "{id}");
        let mut faulty = Pair::with(standard(), &[id]);
        provoke(id, &mut faulty);
        assert_eq!(faulty.csms.triggered(), [id]);
        assert_ne!(transcript(&clean), transcript(&faulty), "{id} is not seen");
    }
}

#[test]
fn a_subprotocol_that_was_not_offered_is_seen_in_the_handshake() {
    for (fault, offered, chosen) in [
        ("", "ocpp1.6", Some("ocpp1.6")),
        ("csms-chooses-unoffered-subprotocol", "ocpp1.6", Some("ocpp2.0.1")),
        ("", "ocpp0.9", None),
        ("csms-agrees-to-any-subprotocol", "ocpp0.9", Some("ocpp0.9")),
    ] {
        let faults = Fault::find(fault).into_iter().collect();
        let mut csms = Csms::new(CsmsSettings::standard(Version::V16), faults);
        let offered = [offered.to_owned()];
        let answer = csms.decide_handshake(protocol::Timestamp(0), "A", None, &offered);
        let subprotocol = chosen.map(str::to_owned);
        assert_eq!(answer, HandshakeAnswer::Accept { subprotocol });
    }
}

#[test]
fn a_stranger_that_stops_a_transaction_is_seen_in_its_own_stop() {
    for (faults, answer) in
        [(vec![], json!({})), (vec!["csms-lets-strangers-stop"], json!("PropertyConstraintViolation"))]
    {
        let faults = faults.into_iter().filter_map(Fault::find).collect();
        let mut csms = Csms::new(CsmsSettings::standard(Version::V16), faults);
        let now = protocol::Timestamp(1_000_000);
        for identity in ["A", "B"] {
            let subprotocol = Some("ocpp1.6".to_owned());
            csms.handle(now, identity, Input::Connected { subprotocol });
        }
        let mut call = |identity: &str, id: &str, action: &str, payload: Value| -> Value {
            let text = json!([2, id, action, payload]).to_string();
            let outputs = csms.handle(now, identity, Input::Text(text.as_bytes()));
            outputs
                .into_iter()
                .find_map(|(_, output)| match output {
                    Output::Send(text) => serde_json::from_str::<Value>(&text).ok(),
                    _ => None,
                })
                .map_or(Value::Null, |frame| frame[2].clone())
        };
        let boot = json!({ "chargePointVendor": "V", "chargePointModel": "M" });
        let start = |wh: i64| json!({ "connectorId": 1, "idTag": "TAG-VALID", "meterStart": wh, "timestamp": "1970-01-01T00:00:01Z" });
        for identity in ["A", "B"] {
            call(identity, "0", "BootNotification", boot.clone());
        }
        let id = call("A", "1", "StartTransaction", start(1))["transactionId"].clone();
        let stop = json!({ "transactionId": id, "meterStop": 1, "timestamp": "1970-01-01T00:00:01Z" });
        assert_eq!(call("B", "1", "StopTransaction", stop.clone()), json!({}));
        assert_eq!(call("A", "2", "StopTransaction", stop), answer);
    }
}

/// Faults that show in scenarios of their own, above.
pub(super) const BELOW: [&str; 5] = [
    "csms-chooses-unoffered-subprotocol",
    "csms-agrees-to-any-subprotocol",
    "csms-lets-strangers-stop",
    "csms-forgets-passwords-while-connected",
    "csms-takes-the-password-of-any-station",
];

#[test]
fn a_password_that_is_not_needed_is_seen_in_the_handshake() {
    let attempts = [
        ("csms-forgets-passwords-while-connected", "A", None),
        ("csms-takes-the-password-of-any-station", "A", Some(("A", &b"of b"[..]))),
    ];
    for version in [Version::V16, Version::V201] {
        for (id, identity, credentials) in attempts {
            for faulty in [false, true] {
                let faults = Fault::find(id).into_iter().filter(|_| faulty).collect();
                let mut settings = CsmsSettings::standard(version);
                settings.passwords.insert("A".to_owned(), b"of a".to_vec());
                settings.passwords.insert("B".to_owned(), b"of b".to_vec());
                let mut csms = Csms::new(settings, faults);
                let now = protocol::Timestamp(0);
                let offered = [version.subprotocol().to_owned()];
                let right = csms.decide_handshake(now, "A", Some(("A", b"of a")), &offered);
                assert!(matches!(right, HandshakeAnswer::Accept { .. }));
                csms.handle(now, "A", Input::Connected { subprotocol: Some(offered[0].clone()) });
                let wrong = csms.decide_handshake(now, identity, credentials, &offered);
                assert_eq!(matches!(wrong, HandshakeAnswer::Accept { .. }), faulty, "{id}");
                assert_eq!(csms.triggered().len(), usize::from(faulty));
            }
        }
    }
}

fn boot(pair: &mut Pair) {
    pair.wait(1);
}

fn start(tag: &str, wh: i64) -> Value {
    json!({
        "connectorId": 1,
        "idTag": tag,
        "meterStart": wh,
        "timestamp": "2026-11-24T08:00:00Z",
    })
}

/// A scenario in which the fault makes a difference.
fn provoke(id: &str, pair: &mut Pair) {
    match id {
        "csms-sends-time-without-offset" | "csms-leaves-out-boot-interval" | "csms-adds-to-status-answer" => boot(pair),
        "csms-drops-link-on-unknown-action" => {
            boot(pair);
            pair.station_call("a", "Bananas", json!({}));
        }
        "csms-crashes-after-error" | "csms-corrects-error-codes" => {
            boot(pair);
            pair.station_call("a", "Heartbeat", json!({ "x": 1 }));
            pair.station_call("b", "Heartbeat", json!({}));
        }
        "csms-repeats-heartbeat-time" => {
            boot(pair);
            pair.wait(400);
        }
        "csms-accepts-blocked-tags" => {
            boot(pair);
            pair.station_call("a", "Authorize", json!({ "idTag": "TAG-BLOCKED" }));
        }
        "csms-overlooks-expiry" => {
            boot(pair);
            pair.station_call("a", "Authorize", json!({ "idTag": "TAG-EXPIRED" }));
        }
        "csms-forgets-lost-links" => {
            boot(pair);
            pair.cut();
            pair.wait(5);
            pair.station_call("a", "Heartbeat", json!({}));
        }
        "csms-accepts-unknown-tags" => {
            boot(pair);
            pair.station_call("a", "Authorize", json!({ "idTag": "NOBODY" }));
        }
        "csms-compares-tags-with-case" => {
            boot(pair);
            pair.station_call("a", "Authorize", json!({ "idTag": "tag-valid" }));
        }
        "csms-trusts-start-transaction" => {
            boot(pair);
            pair.station_call("a", "StartTransaction", start("TAG-BLOCKED", 1));
        }
        "csms-leaves-out-transaction-ids" => {
            boot(pair);
            pair.station_call("a", "StartTransaction", start("TAG-VALID", 1));
        }
        "csms-refuses-unknown-stop" => {
            boot(pair);
            pair.station_call(
                "a",
                "StopTransaction",
                json!({ "transactionId": 5, "meterStop": 1, "timestamp": "2026-11-24T08:00:00Z" }),
            );
        }
        "csms-ignores-meter-values" => {
            boot(pair);
            pair.station_call("a", "MeterValues", json!({ "connectorId": 1, "meterValue": [] }));
        }
        "csms-refuses-tags-of-full-length" => {
            boot(pair);
            pair.station_call("a", "Authorize", json!({ "idTag": "01234567890123456789" }));
        }
        "csms-knows-tags-by-their-beginning" => {
            boot(pair);
            pair.station_call("a", "Authorize", json!({ "idTag": "TAG-VALID-0" }));
        }
        "csms-refuses-old-starts" => {
            boot(pair);
            let mut old = start("TAG-VALID", 1);
            old["timestamp"] = "2016-02-29T08:00:00Z".into();
            pair.station_call("a", "StartTransaction", old);
        }
        "csms-refuses-starts-on-busy-connectors" => {
            boot(pair);
            pair.station_call("a", "StartTransaction", start("TAG-VALID", 1));
            pair.station_call("b", "StartTransaction", start("TAG-VALID", 2));
        }
        "csms-refuses-repeated-stops" | "csms-minds-meter-data-of-stops" => {
            boot(pair);
            let first = pair.station_call("a", "StartTransaction", start("TAG-VALID", 1));
            let stop = json!({
                "transactionId": first["transactionId"], "meterStop": 1, "timestamp": "2026-11-24T08:00:00Z",
                "transactionData": [{ "timestamp": "2026-11-24T08:00:00Z", "sampledValue": [{ "value": "1" }] }],
            });
            pair.station_call("b", "StopTransaction", stop.clone());
            pair.station_call("c", "StopTransaction", stop);
        }
        "csms-refuses-connectors-it-has-not-heard-of" => {
            boot(pair);
            let status = json!({ "connectorId": 97, "errorCode": "NoError", "status": "Available" });
            pair.station_call("a", "StatusNotification", status);
        }
        "csms-triggers-boots-of-accepted-stations" => boot(pair),
        "csms-answers-only-when-idle" => {
            boot(pair);
            pair.deaf_station = true;
            pair.send("ClearCache", json!({}));
            pair.station_call("a", "Heartbeat", json!({}));
        }
        "csms-knows-every-vendor" => {
            boot(pair);
            pair.station_call("a", "DataTransfer", json!({ "vendorId": "nobody" }));
        }
        "csms-forgets-remote-stop" => {
            boot(pair);
            pair.at_station("plug in", json!({}));
            pair.at_station("present token", tag("TAG-VALID"));
            pair.send("RemoteStopTransaction", json!({}));
        }
        "csms-overlooks-bad-times" => {
            boot(pair);
            let mut bad = start("TAG-VALID", 1);
            bad["timestamp"] = "222222017-10-27T19:10:11Z".into();
            pair.station_call("a", "StartTransaction", bad);
        }
        "csms-overlooks-extra-fields" => {
            boot(pair);
            pair.station_call("a", "Heartbeat", json!({ "x": 1 }));
        }
        "csms-overlooks-long-texts" => {
            boot(pair);
            pair.station_call("a", "Authorize", json!({ "idTag": "X".repeat(21) }));
        }
        "csms-overlooks-missing-fields" => {
            boot(pair);
            pair.station_call("a", "StartTransaction", json!({ "connectorId": 1 }));
        }
        "csms-overlooks-unknown-words" => {
            boot(pair);
            let bad = json!({ "connectorId": 1, "errorCode": "NoError", "status": "Bananas" });
            pair.station_call("a", "StatusNotification", bad);
        }
        "csms-overlooks-wrong-types" => {
            boot(pair);
            pair.station_call("a", "Authorize", json!({ "idTag": 7 }));
        }
        "csms-ends-another-for-an-unknown-id" => {
            boot(pair);
            pair.station_call("a", "StartTransaction", start("TAG-VALID", 1));
            let stop = json!({ "transactionId": -1, "meterStop": 1, "timestamp": "2026-11-24T08:00:00Z" });
            pair.station_call("b", "StopTransaction", stop);
            pair.station_call("c", "StartTransaction", start("TAG-VALID", 2));
        }
        "csms-starts-repeated-calls-twice" => {
            boot(pair);
            pair.station_call("a", "StartTransaction", start("TAG-VALID", 1));
            pair.station_call("a", "StartTransaction", start("TAG-VALID", 1));
        }
        "csms-reuses-transaction-ids" => {
            boot(pair);
            let first = pair.station_call("a", "StartTransaction", start("TAG-VALID", 1));
            let id = first["transactionId"].clone();
            let stop = json!({ "transactionId": id, "meterStop": 1, "timestamp": "2026-11-24T08:00:00Z" });
            pair.station_call("b", "StopTransaction", stop);
            pair.station_call("c", "StartTransaction", start("TAG-VALID", 2));
        }
        "csms-starts-while-pending" | "csms-calls-rejected-stations" => {
            let status = if id == "csms-starts-while-pending" { "Pending" } else { "Rejected" };
            pair.at_csms("decide boot", json!({ "status": status }));
            boot(pair);
        }
        "csms-takes-tags-for-patterns" => {
            boot(pair);
            pair.station_call("a", "Authorize", json!({ "idTag": "%" }));
        }
        "csms-mixes-groups" | "csms-writes-empty-groups" => {
            boot(pair);
            pair.station_call("a", "Authorize", json!({ "idTag": "TAG-VALID" }));
            pair.station_call("b", "Authorize", json!({ "idTag": "TAG-BLOCKED" }));
        }
        "csms-minds-error-codes" => {
            boot(pair);
            let status = json!({ "connectorId": 1, "errorCode": "PowerMeterFailure", "status": "Faulted" });
            pair.station_call("a", "StatusNotification", status);
        }
        "csms-wants-connectors-prepared" => {
            boot(pair);
            pair.station_call("a", "StartTransaction", start("TAG-VALID", 1));
        }
        "csms-minds-reasons" | "csms-never-ends-transactions" => {
            boot(pair);
            let first = pair.station_call("a", "StartTransaction", start("TAG-VALID", 1));
            let stop = json!({
                "transactionId": first["transactionId"], "meterStop": 1, "timestamp": "2026-11-24T08:00:00Z",
                "reason": "PowerLoss",
            });
            pair.station_call("b", "StopTransaction", stop);
            pair.station_call("c", "StartTransaction", start("TAG-VALID", 2));
        }
        "csms-wants-transactions" => {
            boot(pair);
            let sample = json!({ "timestamp": "2026-11-24T08:00:00Z", "sampledValue": [{ "value": "1" }] });
            pair.station_call("a", "MeterValues", json!({ "connectorId": 0, "meterValue": [sample] }));
        }
        "csms-does-not-wait-for-answers" => {
            boot(pair);
            let identity = pair.identity.clone();
            pair.deaf_station = true;
            for _ in 0..2 {
                pair.at_csms("send", json!({ "action": "ClearCache", "fields": {}, "station": identity }));
            }
        }
        other => panic!("{other} has no scenario"),
    }
}
