//! What the device says and makes of what is invalid, and the traps of it.

use super::super::told::Told;
use super::*;

fn exchange_under(id: &str, call: &str, answer: &str) -> Vec<Suspicion> {
    let mut told = Told::new(Role::Csms, Version::V16);
    told.booted(0).call(0, id, call).answer(0, answer);
    told.judge(&mut Validity::new(Role::Csms, Version::V16, &Lasting::default()))
}

fn exchange(device: Role, version: Version, call: &str, answer: &str) -> Vec<Suspicion> {
    let mut told = Told::new(device, version);
    told.booted(0).call(0, "1", call).answer(0, answer);
    told.judge(&mut Validity::new(device, version, &Lasting::default()))
}

fn csms(call: &str, answer: &str) -> Vec<Suspicion> {
    exchange(Role::Csms, Version::V16, call, answer)
}

const OK: &str = r#"[3,"1",{"idTagInfo":{"status":"Accepted"}}]"#;

#[test]
fn a_number_for_an_id_may_come_back_with_a_refusal_and_not_with_a_result() {
    let call = r#"[2,17,"DataTransfer",{"vendorId":"x"}]"#;
    assert_eq!(exchange_under("17", call, r#"[4,17,"FormationViolation","",{}]"#), []);
    let found = exchange_under("17", call, r#"[3,17,{"status":"UnknownVendorId"}]"#);
    let found: Vec<_> = found.iter().map(|found| (found.rule.as_str(), found.class)).collect();
    assert_eq!(found, [("R-038", Class::Violation)]);
}

#[test]
fn what_is_invalid_and_accepted_names_the_flaw() {
    let found = csms(r#"[2,"1","Authorize",{}]"#, OK);
    assert_eq!((found[0].class, found[0].rule.as_str()), (Class::Violation, "R-038"));
    assert_eq!(found[0].path, "/idTag: MissingField");
    assert_eq!(csms(r#"[2,"1","Authorize",{}]"#, r#"[4,"1","ProtocolError","",{}]"#), []);
}

#[test]
fn what_is_invalid_and_declined_in_a_result_is_a_remark() {
    let found = csms(r#"[2,"1","Authorize",{"idTag":5}]"#, &OK.replace("Accepted", "Invalid"));
    assert_eq!(found[0].class, Class::Compatibility);
}

#[test]
fn an_invalid_answer_is_found() {
    let found = csms(r#"[2,"1","Heartbeat",{}]"#, r#"[3,"1",{"currentTime":"yesterday"}]"#);
    assert_eq!((found[0].class, found[0].path.as_str()), (Class::Violation, "Heartbeat.conf/currentTime"));
    assert_eq!(csms(r#"[2,"1","Heartbeat",{}]"#, r#"[3,"1",{"currentTime":"2026-01-01T00:00:00Z"}]"#), []);
}

#[test]
fn a_valid_call_is_not_malformed() {
    let found = csms(r#"[2,"1","Authorize",{"idTag":"A"}]"#, r#"[4,"1","FormationViolation","",{}]"#);
    assert_eq!((found[0].class, found[0].rule.as_str()), (Class::Violation, "R-037"));
    assert_eq!(csms(r#"[2,"1","Authorize",{"idTag":"A"}]"#, r#"[4,"1","NotSupported","",{}]"#), []);
}

#[test]
fn trap_each_version_has_its_own_spelling_and_1_6_its_mistakes() {
    let call = r#"[2,"1","Heartbeat",[]]"#;
    assert_eq!(csms(call, r#"[4,"1","FormationViolation","",{}]"#), []);
    assert_eq!(csms(call, r#"[4,"1","FormatViolation","",{}]"#)[0].rule, "R-050");
    let v201 = |answer| exchange(Role::Csms, Version::V201, call, answer);
    assert_eq!(v201(r#"[4,"1","FormatViolation","",{}]"#), []);
    assert_eq!(v201(r#"[4,"1","FormationViolation","",{}]"#)[0].class, Class::Violation);
}

#[test]
fn trap_an_unknown_action_is_not_implemented_or_not_supported() {
    for code in ["NotImplemented", "NotSupported"] {
        assert_eq!(csms(r#"[2,"1","Foo",{}]"#, &format!(r#"[4,"1","{code}","",{{}}]"#)), []);
    }
}

#[test]
fn an_action_that_was_served_is_implemented() {
    let mut told = Told::new(Role::Csms, Version::V16);
    told.booted(0).call(0, "1", r#"[2,"1","Authorize",{"idTag":"A"}]"#).answer(0, OK);
    told.call(0, "2", r#"[2,"2","Authorize",{"idTag":5}]"#).answer(0, r#"[4,"2","NotImplemented","",{}]"#);
    let found = told.judge(&mut Validity::new(Role::Csms, Version::V16, &Lasting::default()));
    assert_eq!((found[0].class, found[0].rule.as_str()), (Class::Violation, "R-051"));
}

#[test]
fn trap_one_point_zero_is_an_integer_or_not() {
    let call = r#"[2,"1","StatusNotification",{"connectorId":1.0,"errorCode":"NoError","status":"Available"}]"#;
    for answer in [r#"[3,"1",{}]"#, r#"[4,"1","TypeConstraintViolation","",{}]"#] {
        assert_eq!(csms(call, answer), []);
    }
    let call = r#"[2,"1","Reset",{"type":"Immediate","evseId":1.0}]"#;
    let found = exchange(Role::Station, Version::V201, call, r#"[4,"1","TypeConstraintViolation","",{}]"#);
    assert!(found.iter().all(|found| !found.class.is_red()), "{found:?}");
}

#[test]
fn trap_formats_are_asserted_but_not_beyond_the_text() {
    let call = |time| format!(r#"[2,"1","StopTransaction",{{"transactionId":1,"meterStop":1,"timestamp":"{time}"}}]"#);
    assert_eq!(csms(&call("222222017-10-27T19:10:11Z"), r#"[3,"1",{}]"#)[0].class, Class::Violation);
    assert_eq!(csms(&call("noon"), r#"[3,"1",{}]"#)[0].class, Class::Violation);
    assert_eq!(csms(&call("2026-01-01T00:00:00"), r#"[3,"1",{}]"#)[0].class, Class::Compatibility);
    assert_eq!(csms(&call("2026-01-01T00:00:00.5+02:00"), r#"[3,"1",{}]"#), []);
    let heard = |time| {
        let call = format!(r#"[2,"1","SecurityEventNotification",{{"type":"ResetOrReboot","timestamp":"{time}"}}]"#);
        exchange(Role::Csms, Version::V201, &call, r#"[3,"1",{}]"#)[0].class
    };
    assert_eq!(heard("2026-01-01T12:00:00+0200"), Class::Compatibility);
    assert_eq!(heard("tomorrow"), Class::Violation);
}

#[test]
fn trap_the_code_for_a_kind_of_defect_is_one_habit() {
    let refused = |action: &str, payload: &str| {
        let call = format!(r#"[2,"1","{action}",{payload}]"#);
        exchange(Role::Csms, Version::V201, &call, r#"[4,"1","FormatViolation","",{}]"#).remove(0)
    };
    let security = refused("SecurityEventNotification", r#"{"type":7,"timestamp":"2026-01-01T00:00:00Z"}"#);
    let boot = refused("BootNotification", r#"{"reason":"PowerUp","chargingStation":7}"#);
    assert_eq!(security.class, Class::Compatibility);
    assert_eq!(security.signature(), boot.signature());
    let word = refused("BootNotification", r#"{"reason":"?","chargingStation":{"model":"m","vendorName":"v"}}"#);
    assert_ne!(word.signature(), boot.signature());
}

#[test]
fn trap_a_message_type_that_is_no_integer_has_two_codes() {
    for code in ["MessageTypeNotSupported", "RpcFrameworkError"] {
        for kind in ["\"2\"", "2.0"] {
            let call = format!(r#"[{kind},"1","Heartbeat",{{}}]"#);
            let found = exchange(Role::Csms, Version::V201, &call, &format!(r#"[4,"1","{code}","",{{}}]"#));
            assert_eq!(found, [], "{call} {code}");
        }
    }
}

#[test]
fn trap_custom_data_is_nobodys_fault() {
    let call = r#"[2,"1","ClearCache",{"customData":{"vendorId":"v","more":1}}]"#;
    assert_eq!(exchange(Role::Station, Version::V201, call, r#"[3,"1",{"status":"Accepted"}]"#), []);
    let call = r#"[2,"1","ClearCache",{"customData":{}}]"#;
    let found = exchange(Role::Station, Version::V201, call, r#"[3,"1",{"status":"Accepted"}]"#);
    assert!(found.iter().all(|found| !found.class.is_red()));
}

#[test]
fn trap_a_zero_character_that_is_repeated_is_ours() {
    let nul = |id: &str, tag: &str, description: &str| {
        let mut told = Told::new(Role::Csms, Version::V16);
        let call = format!(r#"[2,"{id}","Authorize",{{"idTag":{tag}}}]"#).replace("NUL", "\\u0000");
        let answer = format!(r#"[4,"{id}","TypeConstraintViolation","{description}",{{}}]"#).replace("NUL", "\\u0000");
        told.booted(0).call(0, &id.replace("NUL", "\0"), &call).answer(0, &answer);
        told.judge(&mut Validity::new(Role::Csms, Version::V16, &Lasting::default()))
    };
    assert_eq!(nul("aNUL", "5", ""), []);
    assert_eq!(nul("1", r#""aNULbbbbbbbbbbbbbbbbbbbbbbbbb""#, "no aNULb"), []);
    assert!(!nul("1", "5", "noNUL").is_empty(), "nobody told it to say so");
}

#[test]
fn trap_a_whole_number_beyond_all_bounds_may_be_refused_for_what_it_says() {
    let start = |connector: &str| {
        let call = format!(
            r#"[2,"1","StartTransaction",{{"connectorId":{connector},"idTag":"A","meterStart":1,"timestamp":"2026-01-01T12:00:00Z"}}]"#
        );
        csms(&call, r#"[4,"1","InternalError","",{}]"#)
    };
    assert_eq!(start("18446744073709551616"), []);
    assert_eq!(start("\"1\"")[0].rule, "R-051");
}

#[test]
fn trap_a_long_id_that_is_answered_as_it_is_harms_nobody() {
    let class = |id: &str| {
        let found = exchange_under(
            id,
            &format!(r#"[2,"{id}","Heartbeat",{{}}]"#),
            &format!(r#"[3,"{id}",{{"currentTime":"2026-01-01T12:00:00Z"}}]"#),
        );
        found.into_iter().map(|suspicion| suspicion.class).collect::<Vec<_>>()
    };
    assert_eq!(class(&"a".repeat(37)), [Class::Compatibility]);
    assert_eq!(class("a"), []);
}

#[test]
fn trap_an_odd_number_that_we_gave_is_ours_in_later_episodes_too() {
    let lasting = Lasting::in_real_time(None);
    let said = |lasting: &Lasting, number: &str| {
        let mut told = Told::new(Role::Station, Version::V16);
        let version = format!(r#"[3,"1",{{"listVersion":{number}}}]"#);
        told.booted(0).call(0, "1", r#"[2,"1","GetLocalListVersion",{}]"#).answer(0, &version);
        told.judge(&mut Validity::new(Role::Station, Version::V16, lasting))
    };
    assert_eq!(said(&lasting, "1.8446744073709552e19")[0].rule, "R-233");
    let mut told = Told::new(Role::Station, Version::V16);
    let list = r#"[2,"1","SendLocalList",{"listVersion":18446744073709551616,"updateType":"Full"}]"#;
    told.booted(0).call(0, "1", list).answer(0, r#"[3,"1",{"status":"Accepted"}]"#);
    told.judge(&mut Validity::new(Role::Station, Version::V16, &lasting));
    assert_eq!(said(&lasting, "1.8446744073709552e19"), []);
    assert_eq!(said(&lasting, "2.5")[0].rule, "R-233");
    assert_eq!(said(&Lasting::default(), "1.8446744073709552e19").len(), 1, "another device");
}

#[test]
fn trap_a_token_with_a_zero_character_that_we_gave_is_ours() {
    let authorize = r#"[2,"2","Authorize",{"idTag":"aNUL"}]"#.replace("NUL", "\\u0000");
    let said = |start: &str| {
        let mut told = Told::new(Role::Station, Version::V16);
        told.booted(0).call(0, "1", &start.replace("NUL", "\\u0000")).received(0, &authorize);
        told.judge(&mut Validity::new(Role::Station, Version::V16, &Lasting::default()))
    };
    assert_eq!(said(r#"[2,"1","RemoteStartTransaction",{"idTag":"aNUL"}]"#), []);
    assert!(!said(r#"[2,"1","RemoteStartTransaction",{"idTag":"a"}]"#).is_empty(), "nobody told it to say so");
}

#[test]
fn trap_half_a_surrogate_pair_that_is_repeated_is_ours() {
    let half = |id: &str, sent: &str, description: &str| {
        let mut told = Told::new(Role::Csms, Version::V16);
        let call = format!(r#"[2,"{sent}","Authorize",{{"idTag":5}}]"#);
        let answer = format!(r#"[4,"{sent}","TypeConstraintViolation","{description}",{{}}]"#);
        told.booted(0).call(0, id, &call).answer(0, &answer);
        told.judge(&mut Validity::new(Role::Csms, Version::V16, &Lasting::default()))
    };
    assert_eq!(half("\u{FFFD}", "\\ud800", ""), []);
    assert!(!half("1", "1", "\\ud800").is_empty(), "nobody told it to say so");
}

#[test]
fn trap_what_is_accepted_out_of_patience_is_one_habit() {
    let took =
        |action: &str, payload: &str| csms(&format!(r#"[2,"1","{action}",{payload}]"#), r#"[3,"1",{}]"#).remove(0);
    let heartbeat = took("Heartbeat", r#"{"more":1}"#);
    assert_eq!(heartbeat.class, Class::Compatibility);
    assert_eq!(
        heartbeat.signature(),
        took("SecurityEventNotification", r#"{"type":"a","timestamp":"2026-01-01T00:00:00Z","x":1}"#).signature()
    );
}

#[test]
fn trap_a_token_that_is_repeated_without_all_its_fields_is_ours() {
    let token = |text: &str| serde_json::json!({ "idToken": text, "type": "NoAuthorization" });
    let mut sent = token("a");
    sent["additionalInfo"] = serde_json::json!([{ "additionalIdToken": "b", "type": "c" }]);
    let sent = serde_json::json!({ "idToken": sent, "remoteStartId": 1 });
    assert!(contains(&sent, &token("a"), 0));
    assert!(!contains(&sent, &token("b"), 0));
    assert!(!contains(&sent, &serde_json::json!({}), 0), "nothing is no part");
}

#[test]
fn trap_an_empty_id_that_is_repeated_is_ours() {
    let mut told = Told::new(Role::Csms, Version::V16);
    told.booted(0).call(0, "", r#"[2,"","Authorize",{"idTag":"A"}]"#).answer(0, &OK.replace(r#""1""#, r#""""#));
    assert_eq!(told.judge(&mut Validity::new(Role::Csms, Version::V16, &Lasting::default())), []);
}

#[test]
fn trap_data_transfer_means_what_its_vendor_says() {
    let call = r#"[2,"1","DataTransfer",{"vendorId":"plugfest","data":"x"}]"#;
    for status in ["Accepted", "Rejected", "UnknownVendorId", "UnknownMessageId"] {
        assert_eq!(csms(call, &format!(r#"[3,"1",{{"status":"{status}"}}]"#)), []);
    }
}

#[test]
fn trap_the_limit_of_one_call_holds_for_each_direction() {
    let mut told = Told::new(Role::Station, Version::V201);
    told.booted(0).call(0, "1", r#"[2,"1","ClearCache",{}]"#).received(0, r#"[2,"a","Heartbeat",{}]"#);
    told.answer(0, r#"[3,"1",{"status":"Accepted"}]"#);
    assert_eq!(told.judge(&mut Validity::new(Role::Station, Version::V201, &Lasting::default())), []);
    told.received(0, r#"[2,"b","Heartbeat",{}]"#);
    assert_eq!(told.judge(&mut Validity::new(Role::Station, Version::V201, &Lasting::default()))[0].rule, "R-030");
}

#[test]
fn trap_a_call_that_we_left_unanswered_holds_nobody_up() {
    let mut told = Told::new(Role::Station, Version::V201);
    told.booted(0).received(0, r#"[2,"a","Heartbeat",{}]"#).withheld(0, "Heartbeat");
    told.received(0, r#"[2,"b","Heartbeat",{}]"#);
    assert_eq!(told.judge(&mut Validity::new(Role::Station, Version::V201, &Lasting::default())), []);
}

#[test]
fn what_no_calendar_has_is_no_time_of_any_form() {
    for text in ["2026-01-01T12:00:00", "20260101T120000Z", "2026-W01-1T12:00:00Z", "2026-02-30T24:00:00Z"] {
        assert!(is_iso_8601(text), "{text}");
    }
    for text in ["2026-13-01T12:00:00Z", "2026-01-01T12:60:00Z", "2026-01-32", "now", "", "1767268800é"] {
        assert!(!is_iso_8601(text), "{text}");
    }
}

#[test]
fn trap_a_bad_id_can_be_repeated_or_not() {
    let long = "x".repeat(40);
    let call = format!(r#"[2,"{long}","Heartbeat",{{}}]"#);
    let mut told = Told::new(Role::Csms, Version::V16);
    told.booted(0).call(0, &long, &call).answer(0, &format!(r#"[4,"{long}","FormationViolation","",{{}}]"#));
    let found = told.judge(&mut Validity::new(Role::Csms, Version::V16, &Lasting::default()));
    assert!(found.iter().all(|found| !found.class.is_red()), "{found:?}");
}

#[test]
fn trap_a_device_that_says_what_it_was_told_is_not_to_blame() {
    let event = r#"[2,"t","TransactionEvent",{"eventType":"Started","timestamp":"2026-01-01T00:00:00Z","triggerReason":"RemoteStart","seqNo":0,"transactionInfo":{"transactionId":"T","chargingState":"Charging"},"idToken":{"idToken":"TAG","type":"NoAuthorization"}}]"#;
    let mut told = Told::new(Role::Station, Version::V201);
    told.booted(0).received(0, event);
    let found = told.judge(&mut Validity::new(Role::Station, Version::V201, &Lasting::default()));
    assert_eq!(found[0].rule, "C02.FR.01");
    let start =
        r#"[2,"1","RequestStartTransaction",{"idToken":{"idToken":"TAG","type":"NoAuthorization"},"remoteStartId":3}]"#;
    let mut told = Told::new(Role::Station, Version::V201);
    told.booted(0).call(0, "1", start).answer(0, r#"[3,"1",{"status":"Accepted"}]"#).received(0, event);
    let found = told.judge(&mut Validity::new(Role::Station, Version::V201, &Lasting::default()));
    assert!(found.iter().all(|found| !found.class.is_red()), "{found:#?}");
}

#[test]
fn trap_a_device_that_is_told_what_to_send_is_not_to_blame() {
    let mut told = Told::new(Role::Csms, Version::V16);
    told.booted(0).received(0, r#"[2,"u","UnlockConnector",{"connectorId":0}]"#);
    let red = |told: &Told| {
        let found = told.judge(&mut Validity::new(Role::Csms, Version::V16, &Lasting::default()));
        found.iter().any(|found| found.class.is_red())
    };
    assert!(red(&told));
    told.what(0, What::Stimulated { verb: "send".to_owned(), asked: None, failure: None });
    assert!(!red(&told));
}

#[test]
fn trap_an_end_of_a_transaction_whose_answer_was_lost_comes_again() {
    let stop = |id| {
        format!(
            r#"[2,"{id}","StopTransaction",{{"transactionId":7,"meterStop":1,"timestamp":"2026-01-01T00:00:00Z"}}]"#
        )
    };
    let mut told = Told::new(Role::Station, Version::V16);
    told.booted(0).received(0, &stop("a")).answered(0, "StopTransaction", r#"[3,"a",{}]"#);
    let mut again = Told::new(Role::Station, Version::V16);
    again.seen = told.seen.clone();
    told.received(0, &stop("b"));
    assert_eq!(told.judge(&mut Validity::new(Role::Station, Version::V16, &Lasting::default()))[0].rule, "16-TX-06");
    again.now = told.now;
    again.ended(0, crate::seen::Ending::Reset).opened(0).received(0, &stop("b"));
    assert_eq!(again.judge(&mut Validity::new(Role::Station, Version::V16, &Lasting::default())), []);
}

#[test]
fn a_code_that_is_nothing_like_the_flaw_is_found() {
    let found = csms(r#"[2,"1","Authorize",{"idTag":5}]"#, r#"[4,"1","InternalError","",{}]"#);
    assert_eq!((found[0].class, found[0].rule.as_str()), (Class::Violation, "R-051"));
    let found = csms(r#"[2,"1","Authorize",{"idTag":5}]"#, r#"[4,"1","FormationViolation","",{}]"#);
    assert_eq!(found[0].class, Class::Compatibility);
}

#[test]
fn frames_that_break_rfc_6455_are_found() {
    let mut told = Told::new(Role::Csms, Version::V16);
    let wire = |certain| What::Wire {
        rule: "RFC 6455 5.1".to_owned(),
        id: "masked".to_owned(),
        text: "a masked frame".to_owned(),
        certain,
    };
    told.what(0, wire(true)).what(0, wire(false));
    let found = told.judge(&mut Validity::new(Role::Csms, Version::V16, &Lasting::default()));
    assert_eq!([found[0].class, found[1].class], [Class::Violation, Class::Compatibility]);
}
