use super::*;

fn authorize(s: &mut Script, tag: &str, status: &str) {
    match s.model.version {
        Version::V16 => s.ask("Authorize", json!({ "idTag": tag }), json!({ "idTagInfo": { "status": status } })),
        _ => s.ask("Authorize", json!({ "idToken": card(tag) }), json!({ "idTokenInfo": { "status": status } })),
    }
}

#[test]
fn a_blocked_tag_is_not_accepted() {
    accuses("16-AUTH-08", csms(|s| authorize(s, "tag-blocked", "Accepted")));
    is_silent(csms(|s| authorize(s, "TAG-BLOCKED", "Blocked")));
    is_silent(csms(|s| authorize(s, "SOMEBODY", "Accepted")));
    accuses("C01.FR.06", csms_201(|s| authorize(s, "TAG-BLOCKED", "Accepted")));
    is_silent(csms_201(|s| authorize(s, "TAG-BLOCKED", "Blocked")));
}

#[test]
fn the_same_text_of_another_type_is_another_token() {
    is_silent(csms_201(|s| {
        let token = json!({ "idToken": "TAG-BLOCKED", "type": "Central" });
        s.ask("Authorize", json!({ "idToken": token }), json!({ "idTokenInfo": { "status": "Accepted" } }));
    }));
}

#[test]
fn who_decides_by_hand_may_accept_a_blocked_tag() {
    is_silent(csms(|s| {
        s.see(0, What::Stimulated { verb: "decide".to_owned(), asked: None, failure: None });
        authorize(s, "TAG-BLOCKED", "Accepted");
    }));
}

#[test]
fn the_case_of_a_tag_does_not_matter() {
    let both = |status: &'static str| {
        move |s: &mut Script| {
            authorize(s, "Tag-Valid", "Accepted");
            authorize(s, "TAG-VALID", status);
        }
    };
    accuses("16-AUTH-07", csms(both("Invalid")));
    is_silent(csms(both("Accepted")));
    is_silent(csms(both("ConcurrentTx")));
    accuses("C01.FR.25", csms_201(both("Unknown")));
    is_silent(csms_201(both("Accepted")));
    // What comes with a certificate is judged by that, too.
    is_silent(csms_201(|s| {
        let request = |token: &str| json!({ "idToken": { "idToken": token, "type": "ISO14443" } });
        s.ask("Authorize", request("TAG-VALID"), json!({ "idTokenInfo": { "status": "Accepted" } }));
        let mut contract = request("tag-valid");
        contract["certificate"] = json!("a");
        let answer = json!({ "idTokenInfo": { "status": "Invalid" }, "certificateStatus": "SignatureError" });
        s.ask("Authorize", contract, answer);
    }));
}

#[test]
fn the_tag_of_a_start_is_checked() {
    accuses("16-TX-03", csms(|s| s.start(0, 1, "TAG-BLOCKED", 7, "Accepted")));
    is_silent(csms(|s| s.start(0, 1, "TAG-BLOCKED", 7, "Blocked")));
}

#[test]
fn ids_of_running_transactions_differ() {
    accuses(
        "16-TX-04",
        csms(|s| {
            s.start(0, 1, "Tag-Valid", 7, "Accepted");
            s.start(0, 2, "TAG-OTHER", 7, "Accepted");
        }),
    );
    is_silent(csms(|s| {
        s.start(0, 1, "Tag-Valid", 7, "Accepted");
        let stop = json!({ "transactionId": 7, "meterStop": 200, "timestamp": s.time() });
        s.ask("StopTransaction", stop, json!({}));
        s.start(0, 1, "Tag-Valid", 7, "Accepted");
        s.start(0, 2, "TAG-OTHER", 8, "Accepted");
    }));
}

#[test]
fn a_start_that_is_repeated_keeps_its_id() {
    is_silent(csms(|s| {
        let request = s.start_request(1, "Tag-Valid");
        for _ in 0..2 {
            s.ask(
                "StartTransaction",
                request.clone(),
                json!({ "transactionId": 7, "idTagInfo": { "status": "Accepted" } }),
            );
        }
    }));
    // And one that was sent under an id that was used before gets the answer it got then.
    is_silent(csms(|s| {
        for connector in [1, 2] {
            s.pass(1);
            let call = s.send_as(0, "same", "StartTransaction", s.start_request(connector, "Tag-Valid"));
            let payload = json!({ "transactionId": 7, "idTagInfo": { "status": "Accepted" } });
            s.receive(0, &Frame::Result { id: "same".to_owned(), payload }, Some(call));
        }
    }));
}

#[test]
fn two_stations_do_not_share_an_id() {
    accuses(
        "16-TX-04",
        csms(|s| {
            s.start(0, 1, "Tag-Valid", 7, "Accepted");
            s.open(1, "PF-2");
            let answer = json!({ "status": "Accepted", "currentTime": s.time(), "interval": 300 });
            s.ask_on(1, "BootNotification", s.boot_request(), answer);
            s.start(1, 1, "TAG-OTHER", 7, "Accepted");
        }),
    );
}

#[test]
fn what_is_always_answered_is_not_refused() {
    let stop = |s: &mut Script, code: &str| {
        let request = json!({ "transactionId": 99, "meterStop": 200, "timestamp": s.time() });
        s.refused("StopTransaction", request, code);
    };
    accuses("16-TX-05", csms(|s| stop(s, "GenericError")));
    is_silent(csms(|s| stop(s, "SecurityError")));
    is_silent(with(Script::new(Role::Csms, Version::V16), |s| stop(s, "GenericError")));
    is_silent(csms(|s| {
        let request = json!({ "transactionId": 99, "meterStop": 200, "timestamp": s.time() });
        s.ask("StopTransaction", request, json!({}));
    }));
    accuses(
        "16-STAT-15",
        csms(|s| {
            let request = json!({ "connectorId": 1, "errorCode": "NoError", "status": "Finishing" });
            s.refused("StatusNotification", request, "InternalError");
        }),
    );
    is_silent(csms(|s| {
        let time = "2026-01-01t12:00:00z";
        let request = json!({ "connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": time });
        s.refused("StatusNotification", request, "PropertyConstraintViolation");
    }));
    let values = |s: &Script, value: Value| json!([{ "timestamp": s.time(), "sampledValue": [{ "value": value }] }]);
    accuses(
        "16-MV-18",
        csms(|s| {
            let values = values(s, json!("nonsense"));
            s.refused("MeterValues", json!({ "connectorId": 1, "meterValue": values }), "InternalError");
        }),
    );
    accuses(
        "J01.FR.18",
        csms_201(|s| {
            let values = values(s, json!(900_000_000));
            s.refused("MeterValues", json!({ "evseId": 1, "meterValue": values }), "InternalError");
        }),
    );
    accuses(
        "J02.FR.19",
        csms_201(|s| {
            let request = s.event_request("Ended", "nobody", 4, "StopAuthorized");
            s.refused("TransactionEvent", request, "InternalError");
        }),
    );
}

#[test]
fn heartbeats_tell_a_time_that_goes_on() {
    let beats = |first: &'static str, second: &'static str, apart: u64| {
        move |s: &mut Script| {
            s.ask("Heartbeat", json!({}), json!({ "currentTime": first }));
            s.pass(apart);
            s.ask("Heartbeat", json!({}), json!({ "currentTime": second }));
        }
    };
    let (first, later, before) = ("2026-01-02T03:04:05Z", "2026-01-02T03:04:10Z", "2026-01-02T02:04:05Z");
    accuses("16-HB-02", csms(beats(first, first, 5)));
    accuses("16-HB-02", csms(beats(later, before, 0)));
    is_silent(csms(beats(first, later, 5)));
    is_silent(csms(beats(first, first, 1)));
    accuses("G02.FR.03", csms_201(beats(first, first, 5)));
}

#[test]
fn a_late_answer_tells_no_time() {
    is_silent(csms(|s| {
        s.ask("Heartbeat", json!({}), json!({ "currentTime": "2026-01-02T03:04:05Z" }));
        let call = s.send_as(0, "late", "Heartbeat", json!({}));
        s.pass(20);
        let payload = json!({ "currentTime": "2026-01-02T03:04:05Z" });
        let frame = Frame::Result { id: "late".to_owned(), payload };
        let bytes: Arc<[u8]> = frame.to_text().into_bytes().into();
        let reading = Arc::new(frame::read(Version::V16, &bytes));
        let took = Some(Duration::from_secs(20));
        s.see(0, What::Received { bytes, reading, answers: Some(call), took });
    }));
}

#[test]
fn a_vendor_that_does_not_exist_is_unknown() {
    let data = |status: &'static str| {
        move |s: &mut Script| s.status_only("DataTransfer", json!({ "vendorId": VENDOR }), status)
    };
    accuses("16-DT-01", csms(data("Accepted")));
    is_silent(csms(data("UnknownVendorId")));
    accuses("P01.FR.05", csms_201(data("Accepted")));
    is_silent(csms_201(data("UnknownVendorId")));
}

#[test]
fn a_station_that_is_not_accepted_is_not_served() {
    let beat = |status: &'static str| {
        move |s: &mut Script| {
            s.boot(status);
            s.ask("Heartbeat", json!({}), json!({ "currentTime": s.time() }));
        }
    };
    accuses("16-BOOT-16", with(Script::new(Role::Csms, Version::V16), beat("Pending")));
    accuses("B02.FR.09", with(Script::new(Role::Csms, Version::V201), beat("Pending")));
    accuses("B03.FR.07", with(Script::new(Role::Csms, Version::V201), beat("Rejected")));
    is_silent(with(Script::new(Role::Csms, Version::V201), beat("Accepted")));
    is_silent(with(Script::new(Role::Csms, Version::V201), |s| {
        s.boot("Pending");
        s.refused("Heartbeat", json!({}), "SecurityError");
    }));
    // What it was asked for is welcome.
    is_silent(with(Script::new(Role::Csms, Version::V201), |s| {
        s.boot("Pending");
        s.call("TriggerMessage", json!({ "requestedMessage": "Heartbeat" }), json!({ "status": "Accepted" }));
        s.ask("Heartbeat", json!({}), json!({ "currentTime": s.time() }));
    }));
}

#[test]
fn an_event_with_a_token_is_answered_with_its_status() {
    let event = |tag: &'static str, answer: Value| {
        move |s: &mut Script| {
            let mut request = s.event_request("Started", "t", 0, "Authorized");
            request["idToken"] = card(tag);
            s.ask("TransactionEvent", request, answer);
        }
    };
    let status = |status: &str| json!({ "idTokenInfo": { "status": status } });
    accuses("E02.FR.02", csms_201(event("Tag-Valid", json!({}))));
    accuses("E01.FR.11", csms_201(event("TAG-BLOCKED", status("Accepted"))));
    is_silent(csms_201(event("TAG-BLOCKED", status("Blocked"))));
    is_silent(csms_201(event("Tag-Valid", status("Accepted"))));
    is_silent(csms_201(|s| s.ask("TransactionEvent", s.event_request("Updated", "t", 1, "Trigger"), json!({}))));
}

#[test]
fn what_a_csms_must_not_ask() {
    let trigger = |s: &mut Script, message: &str| {
        s.call("TriggerMessage", json!({ "requestedMessage": message }), json!({ "status": "Accepted" }));
    };
    accuses("16-BOOT-12", csms(|s| trigger(s, "BootNotification")));
    is_silent(csms(|s| trigger(s, "Heartbeat")));
    is_silent(csms(|s| {
        s.see(0, What::Asking { action: "TriggerMessage".to_owned() });
        trigger(s, "BootNotification");
    }));
    let rejected = |version| with(Script::new(Role::Csms, version), |s| s.boot("Rejected"));
    accuses("16-BOOT-13", with(rejected(Version::V16), |s| s.call("ClearCache", json!({}), json!({}))));
    accuses("B03.FR.03", with(rejected(Version::V201), |s| s.call("ClearCache", json!({}), json!({}))));
    let turned_away = with(csms(|_| {}), |s| s.boot("Rejected"));
    is_silent(with(turned_away, |s| s.call("ClearCache", json!({}), json!({}))));
    let asked = with(rejected(Version::V201), |s| {
        s.see(0, What::Asking { action: "ClearCache".to_owned() });
    });
    is_silent(with(asked, |s| s.call("ClearCache", json!({}), json!({}))));
    let pending = || with(Script::new(Role::Csms, Version::V16), |s| s.boot("Pending"));
    accuses(
        "R-131",
        with(pending(), |s| s.call("RemoteStartTransaction", json!({ "idTag": "A" }), json!({ "status": "Rejected" }))),
    );
    is_silent(with(pending(), |s| s.call("GetConfiguration", json!({}), json!({}))));
}
