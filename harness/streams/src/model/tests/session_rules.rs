//! Rules about whole sessions and about what is owed, each with a station that breaks it and one that does not.

use protocol::configuration;

use super::*;

/// Time goes by, and nobody says anything.
fn wait(s: &mut Script, seconds: u64) {
    s.pass(seconds);
    s.see(0, What::Monitor { text: String::new() });
}

fn done(s: &mut Script, verb: &str) {
    s.see(0, What::Stimulated { verb: verb.to_owned(), asked: None, failure: None });
}

fn gone(s: &mut Script, by_us: bool) {
    s.see(0, What::Ended { how: Ending::Closed(Some(1000)), by_us });
}

fn authorize(s: &mut Script, tag: &str, info: Value) {
    s.call("Authorize", json!({ "idTag": tag }), json!({ "idTagInfo": info }));
}

fn accepted() -> Value {
    json!({ "status": "Accepted" })
}

/// Every connector was reported free.
fn free(s: &mut Script) {
    for number in 0..=2 {
        s.status(number, "Available");
    }
}

fn keys(s: &mut Script, more: &[(&str, &str)]) {
    let required = configuration::keys().iter().filter(|key| key.required && key.profile == "Core");
    let value = |key: &str| if key == "NumberOfConnectors" { "2" } else { "60" };
    let shown = required.map(|key| json!({ "key": key.name, "readonly": false, "value": value(key.name) }));
    let more = more.iter().map(|(name, value)| json!({ "key": name, "readonly": false, "value": value }));
    let keys: Vec<Value> = shown.chain(more).collect();
    s.ask("GetConfiguration", json!({}), json!({ "configurationKey": keys }));
}

fn stop(s: &mut Script, id: i64, tag: Option<&str>, reason: Option<&str>) {
    let mut request = json!({ "transactionId": id, "meterStop": 900, "timestamp": s.time() });
    if let Some(tag) = tag {
        request["idTag"] = json!(tag);
    }
    if let Some(reason) = reason {
        request["reason"] = json!(reason);
    }
    s.call("StopTransaction", request, json!({}));
}

fn start(s: &mut Script, connector: i64, tag: &str, id: i64) {
    let answer = json!({ "transactionId": id, "idTagInfo": accepted() });
    s.call("StartTransaction", s.start_request(connector, tag), answer);
}

#[test]
fn one_call_waits_at_a_time() {
    let two = |ms: u64| {
        station_201(|s| {
            let beat = Frame::Call { id: "a".to_owned(), action: "Heartbeat".to_owned(), payload: json!({}) };
            s.receive(0, &beat, None);
            let (action, request) = ("Heartbeat".to_owned(), json!({}));
            s.see(0, What::Answered { action, request, bytes: None, plain: false });
            s.now = s.now + Duration::from_millis(ms);
            s.call("Heartbeat", json!({}), json!({ "currentTime": s.time() }));
        })
    };
    accuses("R-030", two(10));
    is_silent(two(1500));
}

#[test]
fn the_boot_comes_first_after_a_reset() {
    let reset = |first: fn(&mut Script)| {
        station(|s| {
            s.status_only("Reset", json!({ "type": "Soft" }), "Accepted");
            gone(s, false);
            s.open(0, "PF-1");
            first(s);
        })
    };
    accuses("16-BOOT-02", reset(|s| s.status(1, "Available")));
    is_silent(reset(|s| s.booted("Accepted")));
    // It has not gone by itself: perhaps it resets later.
    is_silent(station(|s| {
        s.status_only("Reset", json!({ "type": "Soft" }), "Accepted");
        gone(s, true);
        s.open(0, "PF-1");
        s.status(1, "Available");
    }));
    // Perhaps it has gone because of what it was sent.
    is_silent(station(|s| {
        s.status_only("Reset", json!({ "type": "Soft" }), "Accepted");
        let bytes: Arc<[u8]> = Arc::from(&b"[2,"[..]);
        let deserved = Arc::new(crate::deserved::deserved(Version::V16, Role::Station, &bytes));
        s.see(0, What::Sent { bytes, deserved });
        gone(s, false);
        s.open(0, "PF-1");
        s.status(1, "Available");
    }));
}

#[test]
fn a_group_is_no_tag() {
    let begun = |tag: &'static str| {
        station(move |s| {
            authorize(s, "Tag-Valid", json!({ "status": "Accepted", "parentIdTag": "FAMILY" }));
            start(s, 1, tag, 7);
        })
    };
    accuses("16-AUTH-06", begun("FAMILY"));
    is_silent(begun("Tag-Valid"));
    is_silent(station(|s| {
        authorize(s, "Tag-Valid", json!({ "status": "Accepted", "parentIdTag": "FAMILY" }));
        authorize(s, "FAMILY", accepted());
        start(s, 1, "FAMILY", 7);
    }));
}

#[test]
fn with_list_and_cache_empty_everybody_is_asked_about() {
    let begun = |asked: bool, version: i64| {
        station(move |s| {
            free(s);
            s.status_only("ClearCache", json!({}), "Accepted");
            s.ask("GetLocalListVersion", json!({}), json!({ "listVersion": version }));
            s.pass(5);
            if asked {
                authorize(s, "Tag-Valid", accepted());
            }
            start(s, 1, "Tag-Valid", 7);
        })
    };
    accuses("16-AUTH-02", begun(false, 0));
    is_silent(begun(true, 0));
    is_silent(begun(false, 4));
    // Somebody who was let in before may come with the cable after.
    is_silent(station(|s| {
        free(s);
        authorize(s, "Tag-Valid", accepted());
        s.status(1, "Preparing");
        s.status_only("ClearCache", json!({}), "Accepted");
        s.ask("GetLocalListVersion", json!({}), json!({ "listVersion": 0 }));
        s.pass(5);
        start(s, 1, "Tag-Valid", 7);
    }));
}

#[test]
fn who_does_not_plug_in_in_time_is_let_in_no_more() {
    let comes = |after: u64| {
        station(move |s| {
            keys(s, &[("ConnectionTimeOut", "60")]);
            free(s);
            authorize(s, "Tag-Valid", accepted());
            done(s, "present token");
            s.pass(after);
            start(s, 1, "Tag-Valid", 7);
        })
    };
    accuses("16-STAT-05", comes(300));
    is_silent(comes(50));
    is_silent(station(|s| {
        keys(s, &[("ConnectionTimeOut", "60")]);
        free(s);
        authorize(s, "Tag-Valid", accepted());
        done(s, "present token");
        s.pass(300);
        done(s, "present token");
        start(s, 1, "Tag-Valid", 7);
    }));
}

#[test]
fn what_happened_without_a_link_keeps_its_time() {
    let told = |at: u64| {
        station(move |s| {
            gone(s, true);
            s.pass(10);
            done(s, "present token");
            let begun = s.now + Duration::from_secs(at);
            s.pass(60);
            s.open(0, "PF-1");
            s.pass(1);
            let request = json!({ "connectorId": 1, "idTag": "T", "meterStart": 1, "timestamp": begun.to_string() });
            s.call("StartTransaction", request, json!({ "transactionId": 3, "idTagInfo": accepted() }));
        })
    };
    accuses("16-TX-14", told(61));
    is_silent(told(0));
}

#[test]
fn a_stop_names_a_transaction_that_began() {
    let stopped = |id: i64| {
        station(move |s| {
            free(s);
            s.pass(5);
            start(s, 1, "Tag-Valid", 7);
            s.pass(5);
            stop(s, id, None, Some("EVDisconnected"));
        })
    };
    accuses("16-TX-06", stopped(-1));
    accuses("16-TX-06", stopped(8));
    is_silent(stopped(7));
    // Its start was never answered.
    is_silent(station(|s| {
        free(s);
        s.pass(5);
        let answer = json!({ "idTagInfo": accepted() });
        s.call_with("StartTransaction", s.start_request(1, "Tag-Valid"), answer, false);
        s.pass(5);
        stop(s, -1, None, Some("EVDisconnected"));
    }));
}

#[test]
fn a_remote_stop_is_told_as_such() {
    let stopped = |reason: Option<&'static str>| {
        station(move |s| {
            s.started(1, "Tag-Valid", 7);
            s.status_only("RemoteStopTransaction", json!({ "transactionId": 7 }), "Accepted");
            stop(s, 7, None, reason);
        })
    };
    accuses("16-TX-09", stopped(Some("Local")));
    accuses("16-TX-09", stopped(None));
    is_silent(stopped(Some("Remote")));
}

#[test]
fn the_tag_that_started_stops_unasked() {
    let stopped = |asks: bool| {
        station(move |s| {
            authorize(s, "Tag-Valid", accepted());
            done(s, "present token");
            s.started(1, "Tag-Valid", 7);
            if asks {
                authorize(s, "Tag-Valid", accepted());
            }
            stop(s, 7, Some("Tag-Valid"), Some("Local"));
        })
    };
    accuses("16-AUTH-04", stopped(true));
    is_silent(stopped(false));
}

#[test]
fn what_was_made_inoperative_is_so_after_a_reboot() {
    for (script, rule) in [(station as fn(fn(&mut Script)) -> Script, "16-STAT-12"), (station_201, "G01.FR.02")] {
        let off = |s: &mut Script| {
            s.availability(1, "Inoperative", "Accepted");
            s.booted("Accepted");
        };
        accuses(rule, with(script(off), |s| s.status(1, "Available")));
        is_silent(with(script(off), |s| s.status(1, "Unavailable")));
        is_silent(with(script(off), |s| s.status(2, "Available")));
        is_silent(with(script(off), |s| {
            s.availability(1, "Operative", "Accepted");
            s.status(1, "Available");
        }));
    }
}

fn event(s: &mut Script, kind: &str, sequence: i64, change: impl FnOnce(&mut Value)) {
    let mut request = s.event_request(kind, "t", sequence, "Authorized");
    change(&mut request);
    let token = request.get("idToken").is_some();
    let answer = if token { json!({ "idTokenInfo": accepted() }) } else { json!({}) };
    s.call("TransactionEvent", request, answer);
}

#[test]
fn an_authorised_transaction_names_its_token() {
    accuses("E01.FR.10", station_201(|s| event(s, "Started", 0, |_| {})));
    is_silent(station_201(|s| event(s, "Started", 0, |event| event["idToken"] = card("Tag-Valid"))));
    is_silent(station_201(|s| {
        event(s, "Started", 0, |event| event["idToken"] = card("Tag-Valid"));
        event(s, "Updated", 1, |_| {});
    }));
}

#[test]
fn a_refused_token_authorises_no_transaction() {
    let begun = |token: &'static str| {
        station_201(move |s| {
            let refused = json!({ "idTokenInfo": { "status": "Blocked" } });
            s.call("Authorize", json!({ "idToken": card("TAG-BLOCKED") }), refused);
            s.pass(5);
            event(s, "Started", 0, |event| event["idToken"] = card(token));
        })
    };
    accuses("C01.FR.01", begun("TAG-BLOCKED"));
    is_silent(begun("Tag-Valid"));
}

#[test]
fn who_is_not_stopped_by_the_driver_says_why() {
    let ended = |trigger: &'static str, reason: Option<&'static str>| {
        with(station_201(|s| s.authorised("t")), move |s| {
            event(s, "Ended", 1, |event| {
                event["triggerReason"] = json!(trigger);
                if let Some(reason) = reason {
                    event["transactionInfo"]["stoppedReason"] = json!(reason);
                }
            });
        })
    };
    accuses("E06.FR.08", ended("RemoteStop", None));
    is_silent(ended("RemoteStop", Some("Remote")));
    is_silent(ended("StopAuthorized", None));
}

#[test]
fn a_reset_on_idle_ends_nothing() {
    let ended = |kind: &'static str| {
        with(station_201(|s| s.authorised("t")), move |s| {
            s.status_only("Reset", json!({ "type": kind }), if kind == "OnIdle" { "Scheduled" } else { "Accepted" });
            event(s, "Ended", 1, |event| {
                event["triggerReason"] = json!("ResetCommand");
                event["transactionInfo"]["stoppedReason"] = json!("ImmediateReset");
            });
        })
    };
    accuses("B12.FR.03", ended("OnIdle"));
    is_silent(ended("Immediate"));
    is_silent(with(station_201(|s| s.authorised("t")), |s| {
        s.status_only("Reset", json!({ "type": "OnIdle" }), "Scheduled");
        done(s, "reboot");
        event(s, "Ended", 1, |event| {
            event["triggerReason"] = json!("ResetCommand");
            event["transactionInfo"]["stoppedReason"] = json!("ImmediateReset");
        });
    }));
}

#[test]
fn the_event_behind_a_remote_start_says_so() {
    let begun = |named: bool| {
        station_201(move |s| {
            s.remote_start(1, "Tag-Valid", "Accepted");
            event(s, "Started", 0, |event| {
                event["idToken"] = card("Tag-Valid");
                if named {
                    event["triggerReason"] = json!("RemoteStart");
                    event["transactionInfo"]["remoteStartId"] = json!(1);
                }
            });
        })
    };
    accuses("F01.FR.19", begun(false));
    is_silent(begun(true));
}

#[test]
fn what_happened_without_a_link_says_so() {
    let told = |offline: bool| {
        station_201(move |s| {
            gone(s, true);
            s.pass(10);
            let began = s.time();
            s.pass(10);
            s.open(0, "PF-1");
            event(s, "Started", 0, |event| {
                event["timestamp"] = began;
                event["idToken"] = card("Tag-Valid");
                if offline {
                    event["offline"] = json!(true);
                }
            });
        })
    };
    accuses("E04.FR.03", told(false));
    is_silent(told(true));
}

#[test]
fn a_clock_that_was_set_oddly_tells_nothing() {
    is_silent(station_201(|s| {
        gone(s, true);
        s.pass(10);
        let began = s.time();
        s.pass(10);
        s.open(0, "PF-1");
        // There is no interval in it, but a time.
        s.call_with("BootNotification", s.boot_request(), json!({ "status": "Accepted", "currentTime": began }), false);
        event(s, "Started", 0, |event| {
            event["timestamp"] = began;
            event["idToken"] = card("Tag-Valid");
        });
    }));
}

#[test]
fn after_a_boot_every_connector_is_reported() {
    let reported = |last: i64| {
        station(move |s| {
            keys(s, &[("NumberOfConnectors", "2")]);
            for number in 0..=last {
                s.status(number, "Available");
            }
            wait(s, 200);
        })
    };
    accuses("16-BOOT-10", reported(1));
    is_silent(reported(2));
}

#[test]
fn heartbeats_come_when_nothing_else_does() {
    let silent = |seconds: u64| {
        station(move |s| {
            free(s);
            wait(s, seconds);
        })
    };
    accuses("16-HB-01", silent(900));
    is_silent(silent(400));
    is_silent(station(|s| {
        free(s);
        s.status_only("ChangeConfiguration", json!({ "key": "HeartbeatInterval", "value": "86400" }), "Accepted");
        wait(s, 900);
    }));
}

#[test]
fn an_accepted_reset_brings_a_boot() {
    let reset = |boots: bool| {
        station(move |s| {
            free(s);
            s.status_only("Reset", json!({ "type": "Soft" }), "Accepted");
            if boots {
                gone(s, false);
                s.open(0, "PF-1");
                s.booted("Accepted");
                free(s);
            }
            for _ in 0..4 {
                s.pass(200);
                s.call("Heartbeat", json!({}), json!({ "currentTime": s.time() }));
            }
        })
    };
    accuses("16-RST-04", reset(false));
    is_silent(reset(true));
}

#[test]
fn a_change_that_was_scheduled_comes_with_the_end() {
    let ended = |status: &'static str| {
        station(move |s| {
            free(s);
            s.started(1, "Tag-Valid", 7);
            s.availability(1, "Inoperative", "Scheduled");
            stop(s, 7, None, Some("EVDisconnected"));
            s.status(1, status);
            wait(s, 250);
        })
    };
    accuses("16-AV-02", ended("Available"));
    is_silent(ended("Unavailable"));
}

#[test]
fn a_reset_ends_what_runs() {
    let reset = |tells: bool| {
        station(move |s| {
            free(s);
            s.started(1, "Tag-Valid", 7);
            s.status_only("Reset", json!({ "type": "Soft" }), "Accepted");
            gone(s, false);
            s.open(0, "PF-1");
            s.booted("Accepted");
            if tells {
                stop(s, 7, None, Some("SoftReset"));
            }
            free(s);
            wait(s, 100);
        })
    };
    accuses("16-RST-01", reset(false));
    is_silent(reset(true));
}

#[test]
fn a_refused_start_gives_no_energy() {
    let refused = |most: &'static str, status: &'static str| {
        station(move |s| {
            keys(s, &[("MaxEnergyOnInvalidId", most)]);
            free(s);
            let answer = json!({ "transactionId": 7, "idTagInfo": { "status": "Blocked" } });
            s.call("StartTransaction", s.start_request(1, "Tag-Valid"), answer);
            s.status(1, status);
            wait(s, 100);
        })
    };
    accuses("16-AUTH-19", refused("0", "Charging"));
    is_silent(refused("0", "SuspendedEVSE"));
    is_silent(refused("1000", "Charging"));
}

#[test]
fn a_connector_whose_transaction_is_over_does_not_charge() {
    let ended = |status: Option<&'static str>| {
        station(move |s| {
            free(s);
            s.started(1, "Tag-Valid", 7);
            stop(s, 7, None, Some("EVDisconnected"));
            if let Some(status) = status {
                s.status(1, status);
            }
            wait(s, 250);
        })
    };
    accuses("16-STAT-01", ended(None));
    is_silent(ended(Some("Finishing")));
}

#[test]
fn an_unlocked_connector_has_no_transaction() {
    let unlocked = |stops: bool| {
        station(move |s| {
            free(s);
            s.started(1, "Tag-Valid", 7);
            s.status_only("UnlockConnector", json!({ "connectorId": 1 }), "Unlocked");
            if stops {
                stop(s, 7, None, Some("UnlockCommand"));
                s.status(1, "Finishing");
            }
            wait(s, 100);
        })
    };
    accuses("16-UNL-02", unlocked(false));
    is_silent(unlocked(true));
}

#[test]
fn what_failed_is_sent_again() {
    let failed = |again: bool| {
        station(move |s| {
            keys(s, &[("TransactionMessageAttempts", "3"), ("TransactionMessageRetryInterval", "10")]);
            free(s);
            let request = s.start_request(1, "Tag-Valid");
            let call =
                Frame::Call { id: "d".to_owned(), action: "StartTransaction".to_owned(), payload: request.clone() };
            s.receive(0, &call, None);
            let bytes = Some(Arc::from(&br#"[4,"d","InternalError","",{}]"#[..]));
            let action = "StartTransaction".to_owned();
            s.see(0, What::Answered { action, request: request.clone(), bytes, plain: false });
            s.pass(20);
            if again {
                s.call("StartTransaction", request, json!({ "transactionId": 7, "idTagInfo": accepted() }));
            }
            wait(s, 200);
        })
    };
    accuses("R-153", failed(false));
    is_silent(failed(true));
}

#[test]
fn a_station_has_the_keys_that_it_must_have() {
    is_silent(station(|s| keys(s, &[])));
    accuses(
        "16-CFG-13",
        station(|s| {
            let keys = json!([{ "key": "HeartbeatInterval", "readonly": false, "value": "1" }]);
            s.ask("GetConfiguration", json!({}), json!({ "configurationKey": keys }));
        }),
    );
}

#[test]
fn what_an_operator_asks_for_is_asked() {
    let asked = |comes: bool| {
        csms(move |s| {
            if comes {
                s.call("ClearCache", json!({}), json!({ "status": "Accepted" }));
            }
            let asked = Some("ClearCache".to_owned());
            s.see(0, What::Stimulated { verb: "send".to_owned(), asked, failure: None });
            wait(s, 100);
        })
    };
    accuses("R-245", asked(false));
    is_silent(asked(true));
}

#[test]
fn the_group_of_a_token_is_told() {
    let answered = |group: bool| {
        csms_201(move |s| {
            let groups = [("Tag-Valid".to_owned(), "FAMILY".to_owned())].into_iter().collect();
            let told = Told { groups, ..Told::clone(&s.model.told) };
            s.model = s.model.clone().knowing(Arc::new(told));
            let mut info = accepted();
            if group {
                info["groupIdToken"] = json!({ "idToken": "FAMILY", "type": "Central" });
            }
            s.ask("Authorize", json!({ "idToken": card("Tag-Valid") }), json!({ "idTokenInfo": info }));
        })
    };
    accuses("C01.FR.07", answered(false));
    is_silent(answered(true));
}
