//! Validation and generation without the official files: each rule by example, and that both sides of it agree.

use proptest::prelude::*;
use protocol::Version;
use protocol::catalogue::{Catalogue, Object};
use protocol::generate::{self, Bytes};
use protocol::validate::{MOST_VIOLATIONS, ViolationKind as Kind, request_violations, response_violations, validate};
use serde_json::{Value, json};

use Version::{V16, V21, V201};

/// The only violation: its path and kind.
fn only(version: Version, action: &str, payload: &Value) -> (String, Kind) {
    let found = request_violations(version, action, payload);
    assert_eq!(found.len(), 1, "{action}: {found:?}");
    (found[0].path.clone(), found[0].kind)
}

fn start(field: &str, value: Value) -> Value {
    let mut payload = json!({ "connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": "2026-01-01T12:00:00Z" });
    payload[field] = value;
    payload
}

#[test]
fn an_integer_with_a_point_is_one_in_draft_06_only() {
    for text in ["1.0", "1e0", "10E-1"] {
        let number: Value = serde_json::from_str(text).unwrap();
        assert_eq!(
            only(V16, "StartTransaction", &start("connectorId", number.clone())),
            ("/connectorId".to_owned(), Kind::WrongType),
            "{text}"
        );
        // The security extension of 1.6 has draft-06 schemas, as 2.x has.
        let status = json!({ "status": "Uploading", "requestId": number });
        assert!(request_violations(V16, "LogStatusNotification", &status).is_empty(), "{text}");
        assert!(request_violations(V201, "LogStatusNotification", &status).is_empty(), "{text}");
    }
    let half = json!({ "status": "Uploading", "requestId": 1.5 });
    assert_eq!(only(V201, "LogStatusNotification", &half), ("/requestId".to_owned(), Kind::WrongType));
    assert_eq!(only(V16, "StartTransaction", &start("connectorId", json!("1"))).1, Kind::WrongType);
}

fn with_limit(limit: &str) -> Value {
    let limit = protocol::json::parse(limit.as_bytes(), protocol::json::Limits::default()).value;
    json!({ "connectorId": 1, "csChargingProfiles": {
        "chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative", "chargingSchedule": { "chargingRateUnit": "A", "chargingSchedulePeriod": [
            { "startPeriod": 0, "limit": limit },
        ] },
    } })
}

#[test]
fn steps_are_counted_in_decimal() {
    for limit in ["0", "16", "16.0", "0.1", "0.3", "0.7", "1.1", "4.1", "8.3", "1234567.9", "-6.4", "1e3", "1e-1"] {
        let found = request_violations(V16, "SetChargingProfile", &with_limit(limit));
        assert!(found.is_empty(), "{limit}: {found:?}");
    }
    for limit in ["0.01", "16.05", "1e-2", "0.1000000001", "8.11"] {
        let (path, kind) = only(V16, "SetChargingProfile", &with_limit(limit));
        assert_eq!(kind, Kind::NotAMultiple, "{limit}");
        assert_eq!(path, "/csChargingProfiles/chargingSchedule/chargingSchedulePeriod/0/limit");
    }
}

#[test]
fn lengths_count_characters_and_not_bytes() {
    assert!(request_violations(V16, "StartTransaction", &start("idTag", json!("é".repeat(20)))).is_empty());
    assert!(request_violations(V16, "StartTransaction", &start("idTag", json!("🔌".repeat(20)))).is_empty());
    let long = start("idTag", json!("x".repeat(21)));
    assert_eq!(only(V16, "StartTransaction", &long), ("/idTag".to_owned(), Kind::TooLong));
}

#[test]
fn objects_are_closed_but_for_custom_data() {
    assert_eq!(only(V16, "Heartbeat", &json!({ "x": 1 })), ("/x".to_owned(), Kind::UnknownField));
    assert_eq!(only(V16, "Heartbeat", &json!({ "customData": { "vendorId": "V" } })).1, Kind::UnknownField);
    let extended = json!({ "customData": { "vendorId": "V", "anything": [1] } });
    assert!(request_violations(V201, "Heartbeat", &extended).is_empty());
    assert_eq!(
        only(V201, "Heartbeat", &json!({ "customData": {} })),
        ("/customData/vendorId".to_owned(), Kind::MissingField)
    );
}

#[test]
fn violations_say_what_was_meant() {
    let found = request_violations(V16, "StartTransaction", &json!({ "conectorId": 1, "idTag": "A", "meterStart": 0 }));
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "/connectorId is missing: integer",
            "/timestamp is missing: dateTime",
            "/conectorId is unknown: no such field, did it mean connectorId?",
        ]
    );
    let found = response_violations(V16, "Reset", &json!({ "status": "accepted" }));
    assert_eq!(
        found[0].to_string(),
        "/status: expected one of Accepted, Rejected (did it mean Accepted?), got \"accepted\""
    );
}

#[test]
fn bounds_hold_where_the_version_has_them() {
    let evse = |id: i64| json!({ "connectorStatus": "Available", "evseId": id, "connectorId": 1, "timestamp": "2026-01-01T12:00:00Z" });
    assert!(request_violations(V201, "StatusNotification", &evse(-1)).is_empty());
    assert_eq!(only(V21, "StatusNotification", &evse(-1)), ("/evseId".to_owned(), Kind::OutOfRange));
}

#[test]
fn times_need_an_offset() {
    for text in ["2026-01-01T12:00:00Z", "2026-01-01T12:00:00.123456789+02:00", "2016-12-31T23:59:60Z"] {
        assert!(request_violations(V16, "StartTransaction", &start("timestamp", json!(text))).is_empty(), "{text}");
    }
    for text in ["2026-01-01T12:00:00", "222222017-10-27T19:10:11Z", "2026-01-01", ""] {
        assert_eq!(only(V16, "StartTransaction", &start("timestamp", json!(text))).1, Kind::BadDateTime, "{text}");
    }
}

#[test]
fn a_hostile_payload_has_a_bounded_list_of_violations() {
    let items: Vec<Value> = (0..100_000).map(|_| json!(null)).collect();
    let found = request_violations(V16, "MeterValues", &json!({ "connectorId": 1, "meterValue": items }));
    assert_eq!(found.len(), MOST_VIOLATIONS);
}

#[test]
fn every_way_to_break_every_message_is_noticed() {
    let now = protocol::Timestamp::parse("2026-01-01T12:00:00Z").unwrap();
    for (version, object) in objects() {
        for way in generate::mutations(object) {
            let (value, path) = generate::break_one(version, object, &way, now).unwrap();
            let found = validate(version, object, &value);
            assert_eq!((found.len(), found[0].kind, &found[0].path), (1, way.kind, &path), "{way:?}");
        }
    }
}

/// The payloads of every message.
fn objects() -> Vec<(Version, &'static Object)> {
    let messages = Version::ALL
        .into_iter()
        .flat_map(|version| Catalogue::of(version).messages().iter().map(move |message| (version, message)));
    messages
        .flat_map(|(version, message)| {
            [Some(&*message.request), message.response()].into_iter().flatten().map(move |object| (version, object))
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn what_is_generated_is_valid_or_broken_in_one_place(
        (version, object) in prop::sample::select(objects()),
        bytes in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let mut choices = Bytes::new(&bytes);
        let value = generate::valid(version, object, &mut choices);
        prop_assert_eq!(validate(version, object, &value), []);
        let (broken, kind, path) = generate::broken(version, object, &mut choices).unwrap();
        let found = validate(version, object, &broken);
        prop_assert_eq!((found.len(), found[0].kind, &found[0].path), (1, kind, &path));
    }

    #[test]
    fn the_same_choices_give_the_same_payload(
        (version, object) in prop::sample::select(objects()),
        bytes in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let once = generate::valid(version, object, &mut Bytes::new(&bytes));
        prop_assert_eq!(once, generate::valid(version, object, &mut Bytes::new(&bytes)));
    }
}
