use super::judge::{NOBODYS_CONNECTOR, NOBODYS_ID, NOBODYS_KEY, NOBODYS_TRANSACTION, NOBODYS_TRANSACTION_ID};
use super::*;

fn charging() -> Script {
    station(|s| s.started(1, "Tag-Valid", 7))
}

fn charging_201() -> Script {
    station_201(|s| s.authorised("t"))
}

fn remote_stop(s: &mut Script, id: Value, status: &str) {
    let action = match s.model.version {
        Version::V16 => "RemoteStopTransaction",
        _ => "RequestStopTransaction",
    };
    s.status_only(action, json!({ "transactionId": id }), status);
}

#[test]
fn a_stop_of_what_does_not_run_is_rejected() {
    accuses("16-REM-11", station(|s| remote_stop(s, json!(NOBODYS_TRANSACTION), "Accepted")));
    is_silent(station(|s| remote_stop(s, json!(NOBODYS_TRANSACTION), "Rejected")));
    // Others may have begun it.
    is_silent(station(|s| remote_stop(s, json!(5), "Accepted")));
    let ended = || {
        with(charging(), |s| {
            s.stopped(7, 200);
            s.status(1, "Finishing");
        })
    };
    accuses("16-REM-11", with(ended(), |s| remote_stop(s, json!(7), "Accepted")));
    is_silent(with(ended(), |s| remote_stop(s, json!(7), "Rejected")));
    accuses("F03.FR.08", station_201(|s| remote_stop(s, json!(NOBODYS_TRANSACTION_ID), "Accepted")));
    is_silent(station_201(|s| remote_stop(s, json!(NOBODYS_TRANSACTION_ID), "Rejected")));
}

#[test]
fn a_stop_of_what_runs_is_accepted() {
    accuses("16-REM-10", with(charging(), |s| remote_stop(s, json!(7), "Rejected")));
    is_silent(with(charging(), |s| remote_stop(s, json!(7), "Accepted")));
    accuses("F03.FR.07", with(charging_201(), |s| remote_stop(s, json!("t"), "Rejected")));
    is_silent(with(charging_201(), |s| remote_stop(s, json!("t"), "Accepted")));
}

#[test]
fn what_may_have_ended_it_unseen_leaves_it_open() {
    let rejected = |s: &mut Script| remote_stop(s, json!(7), "Rejected");
    is_silent(with(charging(), |s| {
        s.see(0, What::Stimulated { verb: "unplug".to_owned(), asked: None, failure: None });
        rejected(s);
    }));
    is_silent(with(charging(), |s| {
        s.see(0, What::Ended { how: Ending::Reset, by_us: true });
        s.open(0, "PF-1");
        rejected(s);
    }));
    is_silent(with(charging(), |s| {
        s.status(1, "Finishing");
        rejected(s);
    }));
    is_silent(with(charging(), |s| {
        s.call_with("Heartbeat", json!({}), json!({ "currentTime": "x" }), false);
        rejected(s);
    }));
    is_silent(with(charging(), |s| {
        remote_stop(s, json!(7), "Accepted");
        rejected(s);
    }));
}

#[test]
fn a_remote_start_needs_a_free_connector() {
    accuses("16-REM-05", station(|s| s.remote_start(0, "Tag-Valid", "Accepted")));
    accuses("16-REM-05", station(|s| s.remote_start(NOBODYS_CONNECTOR, "Tag-Valid", "Accepted")));
    is_silent(station(|s| s.remote_start(0, "Tag-Valid", "Rejected")));
    is_silent(station(|s| s.remote_start(1, "Tag-Valid", "Accepted")));
    accuses("16-REM-06", with(charging(), |s| s.remote_start(1, "TAG-OTHER", "Accepted")));
    is_silent(with(charging(), |s| s.remote_start(1, "TAG-OTHER", "Rejected")));
    is_silent(with(charging(), |s| s.remote_start(2, "TAG-OTHER", "Accepted")));
    accuses("F01.FR.24", with(charging_201(), |s| s.remote_start(1, "TAG-OTHER", "Accepted")));
    is_silent(with(charging_201(), |s| s.remote_start(1, "TAG-OTHER", "Rejected")));
    // A transaction that waits for somebody may be given to him (F01.FR.13).
    is_silent(station_201(|s| {
        s.event("Started", "t", 0);
        s.remote_start(1, "Tag-Valid", "Accepted");
    }));
}

#[test]
fn a_remote_start_respects_availability_and_reservations() {
    let off = |s: &mut Script| s.availability(1, "Inoperative", "Accepted");
    accuses("16-AV-06", with(station(off), |s| s.remote_start(1, "Tag-Valid", "Accepted")));
    is_silent(with(station(off), |s| s.remote_start(1, "Tag-Valid", "Rejected")));
    is_silent(with(station(off), |s| {
        s.availability(0, "Operative", "Accepted");
        s.remote_start(1, "Tag-Valid", "Accepted");
    }));
    accuses("F01.FR.23", with(station_201(off), |s| s.remote_start(1, "Tag-Valid", "Accepted")));
    let kept = |s: &mut Script| {
        s.reserve(1, 5, "Accepted");
        s.status(1, "Reserved");
    };
    accuses("16-REM-06", with(station(kept), |s| s.remote_start(1, "TAG-OTHER", "Accepted")));
    is_silent(with(station(kept), |s| s.remote_start(1, "TAG-VALID", "Accepted")));
    is_silent(with(station(kept), |s| {
        s.status(1, "Available");
        s.remote_start(1, "TAG-OTHER", "Accepted");
    }));
    accuses("F01.FR.21", with(station_201(kept), |s| s.remote_start(1, "TAG-OTHER", "Accepted")));
}

#[test]
fn a_change_during_a_transaction_is_scheduled() {
    accuses("16-AV-02", with(charging(), |s| s.availability(1, "Inoperative", "Accepted")));
    is_silent(with(charging(), |s| s.availability(1, "Inoperative", "Scheduled")));
    is_silent(with(charging(), |s| s.availability(2, "Inoperative", "Accepted")));
    accuses("G03.FR.05", with(charging_201(), |s| s.availability(1, "Inoperative", "Accepted")));
    is_silent(with(charging_201(), |s| s.availability(1, "Inoperative", "Scheduled")));
}

#[test]
fn a_change_to_the_present_availability_is_accepted() {
    let twice = |status: &'static str| {
        move |s: &mut Script| {
            s.availability(1, "Inoperative", "Accepted");
            s.availability(1, "Inoperative", status);
        }
    };
    accuses("16-AV-01", station(twice("Rejected")));
    is_silent(station(twice("Accepted")));
    accuses("G03.FR.03", station_201(twice("Rejected")));
    is_silent(station_201(twice("Accepted")));
}

#[test]
fn what_is_in_use_is_not_reserved() {
    accuses("16-RES-02", with(charging(), |s| s.reserve(1, 5, "Accepted")));
    is_silent(with(charging(), |s| s.reserve(1, 5, "Occupied")));
    accuses("H01.FR.11", with(charging_201(), |s| s.reserve(1, 5, "Accepted")));
    accuses(
        "16-RES-02",
        station(|s| {
            s.availability(1, "Inoperative", "Accepted");
            s.reserve(1, 5, "Accepted");
        }),
    );
    let twice = |second: i64| {
        move |s: &mut Script| {
            s.reserve(1, 5, "Accepted");
            s.status(1, "Reserved");
            s.reserve(1, second, "Accepted");
        }
    };
    accuses("16-RES-02", station(twice(6)));
    is_silent(station(twice(5)));
    accuses("H01.FR.11", station_201(twice(6)));
}

#[test]
fn a_cancellation_is_accepted_exactly_for_what_is_reserved() {
    let cancel = |s: &mut Script, id: i64, status: &str| {
        s.status_only("CancelReservation", json!({ "reservationId": id }), status);
    };
    let kept = |s: &mut Script| {
        s.reserve(1, 5, "Accepted");
        s.status(1, "Reserved");
    };
    accuses("16-RES-08", station(|s| cancel(s, NOBODYS_ID, "Accepted")));
    is_silent(station(|s| cancel(s, NOBODYS_ID, "Rejected")));
    accuses("16-RES-08", with(station(kept), |s| cancel(s, 5, "Rejected")));
    for (connector, kind, silent) in [(0, "Inoperative", true), (1, "Inoperative", true), (1, "Operative", false)] {
        let judged = with(station(kept), |s| {
            s.availability(connector, kind, "Accepted");
            cancel(s, 5, "Rejected");
        });
        if silent { is_silent(judged) } else { accuses("16-RES-08", judged) }
    }
    is_silent(with(station(kept), |s| cancel(s, 5, "Accepted")));
    accuses(
        "16-RES-08",
        with(station(kept), |s| {
            cancel(s, 5, "Accepted");
            cancel(s, 5, "Accepted");
        }),
    );
    is_silent(with(station(kept), |s| {
        cancel(s, 5, "Accepted");
        s.reserve(1, 5, "Accepted");
        cancel(s, 5, "Accepted");
    }));
    // It may have expired.
    is_silent(with(station(kept), |s| {
        for number in 0..=2 {
            s.status(number, if number == 1 { "Reserved" } else { "Available" });
        }
        for _ in 0..20 {
            s.pass(200);
            s.call("Heartbeat", json!({}), json!({ "currentTime": s.time() }));
        }
        cancel(s, 5, "Rejected");
    }));
    accuses("H02.FR.01", station_201(|s| cancel(s, NOBODYS_ID, "Accepted")));
    is_silent(station_201(|s| cancel(s, NOBODYS_ID, "Rejected")));
}

#[test]
fn an_old_list_is_not_taken() {
    let old = |status: &'static str| {
        move |s: &mut Script| {
            s.list("Full", 5, "Accepted");
            s.list("Differential", 5, status);
        }
    };
    accuses("16-LIST-05", station(old("Accepted")));
    is_silent(station(old("VersionMismatch")));
    is_silent(station(|s| s.list("Differential", 5, "Accepted")));
    is_silent(station(|s| {
        s.list("Full", 5, "Accepted");
        s.list("Full", 3, "Accepted");
        s.list("Differential", 4, "Accepted");
    }));
    accuses("D01.FR.19", station_201(old("Accepted")));
    is_silent(station_201(old("VersionMismatch")));
}

#[test]
fn the_version_told_is_that_of_the_list() {
    let told = |told: i64| {
        move |s: &mut Script| {
            let answer = match s.model.version {
                Version::V16 => json!({ "listVersion": told }),
                _ => json!({ "versionNumber": told }),
            };
            s.ask("GetLocalListVersion", json!({}), answer);
        }
    };
    let taken = |s: &mut Script| s.list("Full", 5, "Accepted");
    accuses("16-LIST-09", with(station(taken), told(4)));
    is_silent(with(station(taken), told(5)));
    is_silent(with(station(told(3)), told(3)));
    accuses("D02.FR.01", with(station_201(taken), told(4)));
    is_silent(with(station_201(taken), told(5)));
    // A mismatch leaves the list as it was.
    is_silent(with(station(taken), |s| {
        s.list("Differential", 5, "VersionMismatch");
        told(5)(s);
    }));
    accuses(
        "16-LIST-09",
        with(station(taken), |s| {
            s.list("Differential", 5, "VersionMismatch");
            told(6)(s);
        }),
    );
    // An update that we cannot read may have been taken.
    is_silent(with(station(taken), |s| {
        let bytes: Arc<[u8]> = Arc::from(&br#"[2,"x","SendLocalList",{"listVersion":9,}]"#[..]);
        let deserved = Arc::new(deserved(Version::V16, Role::Station, &bytes));
        s.see(0, What::Sent { bytes, deserved });
        told(9)(s);
    }));
}

#[test]
fn keys_are_changed_by_the_rules() {
    let change = |key: &'static str, value: &'static str, status: &'static str| {
        move |s: &mut Script| s.status_only("ChangeConfiguration", json!({ "key": key, "value": value }), status)
    };
    accuses("16-CFG-06", station(change(NOBODYS_KEY, "1", "Accepted")));
    is_silent(station(change(NOBODYS_KEY, "1", "NotSupported")));
    accuses("16-CFG-10", station(change("WebSocketPingInterval", "-1", "Accepted")));
    is_silent(station(change("WebSocketPingInterval", "-1", "Rejected")));
    is_silent(station(change("WebSocketPingInterval", "1", "Accepted")));
    let told = |s: &mut Script| {
        let keys = json!([{ "key": "NumberOfConnectors", "readonly": true, "value": "2" }]);
        s.ask("GetConfiguration", json!({ "key": ["A", "B"] }), json!({ "configurationKey": keys }));
    };
    accuses("16-CFG-09", with(station(told), change("numberofconnectors", "3", "Accepted")));
    is_silent(with(station(told), change("NumberOfConnectors", "3", "Rejected")));
}

#[test]
fn a_key_that_is_asked_for_is_known_or_unknown() {
    let asked = |key: &'static str, answer: Value| {
        move |s: &mut Script| s.ask("GetConfiguration", json!({ "key": [key] }), answer)
    };
    let key = || json!([{ "key": "HeartbeatInterval", "readonly": false, "value": "2" }]);
    accuses("16-CFG-02", station(asked(NOBODYS_KEY, json!({}))));
    is_silent(station(asked(NOBODYS_KEY, json!({ "unknownKey": [NOBODYS_KEY] }))));
    let both = json!({ "configurationKey": key(), "unknownKey": ["HeartbeatInterval"] });
    accuses("16-CFG-02", station(asked("HeartbeatInterval", both)));
    is_silent(station(asked("HeartbeatInterval", json!({ "configurationKey": key() }))));
    let told =
        |s: &mut Script| s.ask("GetConfiguration", json!({ "key": ["A", "B"] }), json!({ "configurationKey": key() }));
    accuses("16-CFG-02", with(station(told), asked("HeartbeatInterval", json!({}))));
}

#[test]
fn profiles_have_their_place() {
    accuses("16-SC-01", station(|s| s.profile(1, "ChargePointMaxProfile", None, "Accepted")));
    is_silent(station(|s| s.profile(1, "ChargePointMaxProfile", None, "Rejected")));
    is_silent(station(|s| s.profile(0, "ChargePointMaxProfile", None, "Accepted")));
    accuses("16-SC-01", station(|s| s.profile(0, "TxProfile", None, "Accepted")));
    let idle = |s: &mut Script| s.status(1, "Available");
    accuses("16-SC-04", with(station(idle), |s| s.profile(1, "TxProfile", None, "Accepted")));
    is_silent(with(station(idle), |s| s.profile(1, "TxProfile", None, "Rejected")));
    is_silent(with(charging(), |s| s.profile(1, "TxProfile", None, "Accepted")));
    let nobodys = || Some(json!(NOBODYS_TRANSACTION));
    accuses("16-SC-05", with(charging(), |s| s.profile(1, "TxProfile", nobodys(), "Accepted")));
    is_silent(with(charging(), |s| s.profile(1, "TxProfile", Some(json!(7)), "Accepted")));
    accuses("K04.FR.03", station_201(|s| s.profile(1, "ChargingStationMaxProfile", None, "Accepted")));
    is_silent(station_201(|s| s.profile(0, "ChargingStationMaxProfile", None, "Accepted")));
    accuses("K01.FR.16", station_201(|s| s.profile(0, "TxProfile", Some(json!("t")), "Accepted")));
    let nobodys = || Some(json!(NOBODYS_TRANSACTION_ID));
    accuses("K01.FR.33", station_201(|s| s.profile(1, "TxProfile", nobodys(), "Accepted")));
    is_silent(station_201(|s| s.profile(1, "TxProfile", nobodys(), "Rejected")));
    accuses("K01.FR.28", station_201(|s| s.profile(NOBODYS_CONNECTOR, "TxDefaultProfile", None, "Accepted")));
    is_silent(station_201(|s| s.profile(1, "TxDefaultProfile", None, "Accepted")));
}

#[test]
fn what_does_not_exist_is_not_cleared_scheduled_or_unlocked() {
    let clear = |field: &'static str, status: &'static str| {
        move |s: &mut Script| s.status_only("ClearChargingProfile", json!({ field: NOBODYS_ID }), status)
    };
    accuses("16-SC-22", station(clear("id", "Accepted")));
    is_silent(station(clear("id", "Unknown")));
    accuses("K10.FR.01", station_201(clear("chargingProfileId", "Accepted")));
    is_silent(station_201(clear("chargingProfileId", "Unknown")));
    let composite = |field: &'static str, number: i64, status: &'static str| {
        let request = json!({ field: number, "duration": 60 });
        move |s: &mut Script| s.status_only("GetCompositeSchedule", request, status)
    };
    accuses("16-SC-23", station(composite("connectorId", NOBODYS_CONNECTOR, "Accepted")));
    is_silent(station(composite("connectorId", 1, "Accepted")));
    accuses("K08.FR.05", station_201(composite("evseId", NOBODYS_CONNECTOR, "Accepted")));
    is_silent(station_201(composite("evseId", NOBODYS_CONNECTOR, "Rejected")));
    let unlock = |s: &mut Script, number: i64, status: &str| {
        let request = match s.model.version {
            Version::V16 => json!({ "connectorId": number }),
            _ => json!({ "evseId": number, "connectorId": 1 }),
        };
        s.status_only("UnlockConnector", request, status);
    };
    accuses("16-UNL-01", station(|s| unlock(s, NOBODYS_CONNECTOR, "Unlocked")));
    is_silent(station(|s| unlock(s, NOBODYS_CONNECTOR, "NotSupported")));
    accuses("F05.FR.03", station_201(|s| unlock(s, NOBODYS_CONNECTOR, "Unlocked")));
    accuses("F05.FR.02", with(charging_201(), |s| unlock(s, 1, "Unlocked")));
    is_silent(with(charging_201(), |s| unlock(s, 1, "OngoingAuthorizedTransaction")));
}

#[test]
fn a_boot_is_not_triggered_twice() {
    let trigger = |status: &'static str| {
        move |s: &mut Script| {
            s.status_only("TriggerMessage", json!({ "requestedMessage": "BootNotification" }), status);
        }
    };
    accuses("F06.FR.17", station_201(trigger("Accepted")));
    is_silent(station_201(trigger("Rejected")));
    // In 1.6 it is only a recommendation.
    accuses("16-BOOT-11", station(trigger("Accepted")));
}

#[test]
fn a_reset_on_idle_waits_for_transactions() {
    let reset = |kind: &'static str, status: &'static str| {
        move |s: &mut Script| s.status_only("Reset", json!({ "type": kind }), status)
    };
    accuses("B12.FR.01", with(charging_201(), reset("OnIdle", "Accepted")));
    is_silent(with(charging_201(), reset("OnIdle", "Scheduled")));
    is_silent(with(charging_201(), reset("Immediate", "Accepted")));
    is_silent(station_201(reset("OnIdle", "Accepted")));
}

#[test]
fn data_of_an_unknown_vendor_is_not_taken() {
    let data = |status: &'static str| {
        move |s: &mut Script| s.status_only("DataTransfer", json!({ "vendorId": VENDOR }), status)
    };
    accuses("16-DT-01", station(data("Accepted")));
    is_silent(station(data("UnknownVendorId")));
    accuses("P01.FR.05", station_201(data("Accepted")));
}

fn item(component: &str, variable: &str, more: &Value) -> Value {
    let mut item = json!({ "component": { "name": component }, "variable": { "name": variable } });
    for (name, value) in more.as_object().unwrap() {
        item[name.as_str()] = value.clone();
    }
    item
}

#[test]
fn variables_are_set_by_the_rules() {
    let set = |component: &'static str, status: &'static str, results: usize| {
        move |s: &mut Script| {
            let request = json!({ "setVariableData": [item(component, "V", &json!({ "attributeValue": "1" }))] });
            let result = item(component, "V", &json!({ "attributeStatus": status }));
            s.ask("SetVariables", request, json!({ "setVariableResult": vec![result; results] }));
        }
    };
    accuses("B05.FR.01", station_201(set("C", "Accepted", 2)));
    is_silent(station_201(set("C", "Accepted", 1)));
    accuses("B05.FR.04", station_201(set(NOBODYS_KEY, "Accepted", 1)));
    is_silent(station_201(set(NOBODYS_KEY, "UnknownComponent", 1)));
    let told = |s: &mut Script| {
        let attribute = json!([{ "mutability": "ReadOnly", "value": "1" }]);
        let data = item("C", "V", &json!({ "variableAttribute": attribute }));
        let report = json!({ "requestId": 1, "generatedAt": s.time(), "seqNo": 0, "reportData": [data] });
        s.call("NotifyReport", report, json!({}));
    };
    accuses("B05.FR.09", with(station_201(told), set("C", "Accepted", 1)));
    is_silent(with(station_201(told), set("C", "Rejected", 1)));
}

#[test]
fn variables_are_told_by_the_rules() {
    let get = |component: &'static str, variable: &'static str, status: &'static str, results: usize| {
        move |s: &mut Script| {
            let request = json!({ "getVariableData": [item(component, variable, &json!({}))] });
            let result = item(component, variable, &json!({ "attributeStatus": status }));
            s.ask("GetVariables", request, json!({ "getVariableResult": vec![result; results] }));
        }
    };
    accuses("B06.FR.01", station_201(get("C", "V", "Accepted", 2)));
    is_silent(station_201(get("C", "V", "Accepted", 1)));
    accuses("B06.FR.06", station_201(get(NOBODYS_KEY, "V", "Accepted", 1)));
    is_silent(station_201(get(NOBODYS_KEY, "V", "UnknownComponent", 1)));
    accuses("B06.FR.09", station_201(get("SecurityCtrlr", "BasicAuthPassword", "Accepted", 1)));
    is_silent(station_201(get("SecurityCtrlr", "BasicAuthPassword", "Rejected", 1)));
}

#[test]
fn the_status_of_transactions_is_told_by_the_rules() {
    let ask = |request: Value, answer: Value| move |s: &mut Script| s.ask("GetTransactionStatus", request, answer);
    let of = |id: &str| json!({ "transactionId": id });
    let nobody = NOBODYS_TRANSACTION_ID;
    accuses("E14.FR.06", station_201(ask(json!({}), json!({ "ongoingIndicator": false, "messagesInQueue": false }))));
    is_silent(station_201(ask(json!({}), json!({ "messagesInQueue": false }))));
    accuses("E14.FR.01", station_201(ask(of(nobody), json!({ "ongoingIndicator": true, "messagesInQueue": false }))));
    is_silent(station_201(ask(of(nobody), json!({ "ongoingIndicator": false, "messagesInQueue": false }))));
    let wrong = json!({ "ongoingIndicator": false, "messagesInQueue": false });
    accuses("E14.FR.02", with(charging_201(), ask(of("t"), wrong)));
    is_silent(with(charging_201(), ask(of("t"), json!({ "ongoingIndicator": true, "messagesInQueue": false }))));
}

#[test]
fn a_station_that_is_not_accepted_keeps_silent() {
    let speaks = |version, status: &'static str| {
        with(Script::new(Role::Station, version), |s| {
            s.booted(status);
            s.status(1, "Available");
        })
    };
    accuses("16-BOOT-06", speaks(Version::V16, "Pending"));
    accuses("16-BOOT-08", speaks(Version::V16, "Rejected"));
    accuses("B02.FR.02", speaks(Version::V201, "Pending"));
    accuses("B03.FR.02", speaks(Version::V201, "Rejected"));
    is_silent(speaks(Version::V201, "Accepted"));
    is_silent(with(Script::new(Role::Station, Version::V201), |s| {
        s.booted("Pending");
        let request = json!({ "requestedMessage": "StatusNotification", "evse": { "id": 1, "connectorId": 1 } });
        s.status_only("TriggerMessage", request, "Accepted");
        s.status(1, "Available");
    }));
}

#[test]
fn a_station_that_is_rejected_serves_nobody() {
    let asked = |version, status: &'static str| {
        with(Script::new(Role::Station, version), |s| {
            s.booted(status);
            s.status_only("ClearCache", json!({}), "Accepted");
        })
    };
    accuses("16-BOOT-08", asked(Version::V16, "Rejected"));
    accuses("B03.FR.08", asked(Version::V201, "Rejected"));
    is_silent(asked(Version::V201, "Pending"));
    is_silent(with(Script::new(Role::Station, Version::V201), |s| {
        s.booted("Rejected");
        s.refused("ClearCache", json!({}), "SecurityError");
    }));
    // What was asked before it was rejected may be answered after.
    is_silent(with(Script::new(Role::Station, Version::V201), |s| {
        let call = s.send_as(0, "early", "ClearCache", json!({}));
        s.booted("Rejected");
        let payload = json!({ "status": "Accepted" });
        s.receive(0, &Frame::Result { id: "early".to_owned(), payload }, Some(call));
    }));
}

#[test]
fn a_pending_station_is_not_started_or_stopped_remotely() {
    let pending = || with(Script::new(Role::Station, Version::V201), |s| s.booted("Pending"));
    accuses("B02.FR.05", with(pending(), |s| s.remote_start(1, "Tag-Valid", "Accepted")));
    accuses("B02.FR.05", with(pending(), |s| remote_stop(s, json!("t"), "Accepted")));
    is_silent(with(pending(), |s| s.remote_start(1, "Tag-Valid", "Rejected")));
}

#[test]
fn a_station_boots_again_only_after_the_interval() {
    let again = |version, seconds| {
        with(Script::new(Role::Station, version), |s| {
            s.booted("Pending");
            s.pass(seconds);
            s.booted("Accepted");
        })
    };
    accuses("16-BOOT-04", again(Version::V16, 10));
    accuses("R-140", again(Version::V201, 10));
    is_silent(again(Version::V16, 300));
    is_silent(with(Script::new(Role::Station, Version::V16), |s| {
        s.booted("Pending");
        s.status_only("TriggerMessage", json!({ "requestedMessage": "BootNotification" }), "Accepted");
        s.booted("Accepted");
    }));
    // To each trigger its boot, also one that comes behind the answer to another.
    let triggered = |status: &'static str| {
        move |s: &mut Script| {
            for _ in 0..2 {
                s.status_only("TriggerMessage", json!({ "requestedMessage": "BootNotification" }), status);
            }
            s.booted("Rejected");
            s.booted("Rejected");
        }
    };
    let new = || Script::new(Role::Station, Version::V16);
    is_silent(with(new(), triggered("Accepted")));
    accuses("16-BOOT-04", with(new(), triggered("Rejected")));
    accuses(
        "16-BOOT-04",
        with(with(new(), triggered("Accepted")), |s| {
            s.booted("Rejected");
        }),
    );
}

#[test]
fn what_was_triggered_before_a_triggered_boot_may_come_behind_it() {
    let pending = |boots: bool| {
        with(Script::new(Role::Station, Version::V16), |s| {
            if boots {
                s.status_only("TriggerMessage", json!({ "requestedMessage": "BootNotification" }), "Accepted");
            }
            s.status_only("TriggerMessage", json!({ "requestedMessage": "Heartbeat" }), "Accepted");
            s.booted("Pending");
            s.heartbeat();
        })
    };
    is_silent(pending(true));
    accuses("16-BOOT-06", pending(false));
}

#[test]
fn a_boot_that_its_csms_wished_turns_no_accepted_station_away() {
    let served = |wished: bool| {
        station(|s| {
            if wished {
                s.status_only("TriggerMessage", json!({ "requestedMessage": "BootNotification" }), "NotImplemented");
                let trigger = json!({ "requestedMessage": "BootNotification" });
                s.send_as(0, "wish", "TriggerMessage", trigger);
            }
            s.booted("Rejected");
            s.status_only("ClearCache", json!({}), "Accepted");
            s.heartbeat();
        })
    };
    is_silent(served(true));
    let mut accused = served(false);
    let rules: Vec<String> = accused.model.judged().into_iter().map(|suspicion| suspicion.rule).collect();
    assert_eq!(rules, ["16-BOOT-08", "16-BOOT-08"]);
}

#[test]
fn a_station_whose_link_goes_on_is_accepted() {
    let goes_on = |resumed: bool| {
        with(Script::new(Role::Station, Version::V16), |s| {
            s.see(
                1,
                What::Opened {
                    identity: "PF-2".to_owned(),
                    subprotocol: None,
                    proof: crate::seen::Proof::Right,
                    resumed,
                },
            );
            s.ask_on(
                1,
                "TriggerMessage",
                json!({ "requestedMessage": "BootNotification" }),
                json!({ "status": "Accepted" }),
            );
        })
    };
    accuses("16-BOOT-11", goes_on(true));
    is_silent(goes_on(false));
}

#[test]
fn a_connector_has_one_transaction_at_a_time() {
    accuses("16-TX-17", with(charging(), |s| s.started(1, "TAG-OTHER", 8)));
    is_silent(with(charging(), |s| s.started(2, "TAG-OTHER", 8)));
    is_silent(with(charging(), |s| {
        s.stopped(7, 200);
        s.started(1, "TAG-OTHER", 8);
    }));
    accuses("E-GEN-01", with(charging_201(), |s| s.event("Started", "u", 0)));
    is_silent(with(charging_201(), |s| {
        s.event("Ended", "t", 1);
        s.event("Started", "u", 0);
    }));
    // The answer got lost, so it comes again.
    is_silent(station(|s| {
        let request = s.start_request(1, "Tag-Valid");
        s.call_with("StartTransaction", request.clone(), json!({}), false);
        s.call("StartTransaction", request, json!({ "transactionId": 7, "idTagInfo": { "status": "Accepted" } }));
    }));
}

#[test]
fn a_meter_does_not_fall() {
    accuses("16-TX-15", with(charging(), |s| s.stopped(7, 99)));
    is_silent(with(charging(), |s| s.stopped(7, 100)));
}

#[test]
fn who_was_refused_does_not_charge() {
    let refused = |s: &mut Script| {
        s.call("Authorize", json!({ "idTag": "TAG-BLOCKED" }), json!({ "idTagInfo": { "status": "Blocked" } }));
        s.pass(3);
    };
    accuses("16-AUTH-01", with(station(refused), |s| s.started(1, "TAG-BLOCKED", 7)));
    is_silent(with(station(refused), |s| s.started(1, "Tag-Valid", 7)));
    is_silent(with(station(refused), |s| {
        s.remote_start(1, "TAG-BLOCKED", "Accepted");
        s.started(1, "TAG-BLOCKED", 7);
    }));
}

#[test]
fn events_are_numbered_without_gaps() {
    let second = |sequence: i64| with(charging_201(), move |s| s.event("Updated", "t", sequence));
    accuses("E-GEN-03", second(0));
    accuses("E-GEN-03", second(2));
    is_silent(second(1));
    // What we did not answer comes again.
    is_silent(with(charging_201(), |s| {
        s.call_with("TransactionEvent", s.event_request("Updated", "t", 1, "Trigger"), json!({ "x": 1 }), false);
        s.event("Updated", "t", 1);
        s.event("Updated", "t", 2);
    }));
}

#[test]
fn a_transaction_starts_and_ends_once() {
    accuses("E-GEN-05", with(charging_201(), |s| s.event("Started", "t", 1)));
    let ended = || with(charging_201(), |s| s.event("Ended", "t", 1));
    is_silent(ended());
    accuses("E-GEN-05", with(ended(), |s| s.event("Updated", "t", 2)));
    accuses("E01.FR.08", with(ended(), |s| s.event("Started", "t", 0)));
}

#[test]
fn the_parts_of_a_report_are_numbered_from_0() {
    let part = |s: &mut Script, sequence: i64, more: bool| {
        let report = json!({ "requestId": 4, "generatedAt": s.time(), "seqNo": sequence, "tbc": more });
        s.call("NotifyReport", report, json!({}));
    };
    let asked = |s: &mut Script| {
        s.status_only("GetBaseReport", json!({ "requestId": 4, "reportBase": "FullInventory" }), "Accepted");
    };
    accuses("B07.FR.10", with(station_201(asked), |s| part(s, 1, false)));
    is_silent(with(station_201(asked), |s| {
        part(s, 0, true);
        part(s, 1, false);
    }));
    accuses(
        "B07.FR.10",
        with(station_201(asked), |s| {
            part(s, 0, true);
            part(s, 2, false);
        }),
    );
}

#[test]
fn an_id_that_we_gave_twice_tells_nothing() {
    is_silent(with(charging(), |s| {
        s.started(2, "TAG-OTHER", 7);
        s.stopped(7, 200);
        remote_stop(s, json!(7), "Accepted");
    }));
}

#[test]
fn reports_under_the_same_id_are_not_told_apart() {
    let part = |s: &mut Script, sequence: i64, more: bool| {
        let report = json!({ "requestId": 4, "generatedAt": s.time(), "seqNo": sequence, "tbc": more });
        s.call("NotifyReport", report, json!({}));
    };
    is_silent(station_201(|s| {
        for _ in 0..2 {
            s.status_only("GetBaseReport", json!({ "requestId": 4, "reportBase": "FullInventory" }), "Accepted");
        }
        part(s, 0, true);
        part(s, 0, true);
        part(s, 1, false);
    }));
}
