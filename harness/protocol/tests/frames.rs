//! Frames of every version: what is right is read back as it was written, what is wrong is named with its statement.

use proptest::prelude::*;
use protocol::frame::{Frame, FrameFindingKind as Kind, Reading, read};
use protocol::statements::{Strength, statement};
use protocol::{Version, errors};
use serde_json::{Map, Value, json};

use Version::{V16, V21, V201};

fn read_text(version: Version, text: &str) -> Reading {
    read(version, text.as_bytes())
}

/// The only finding of a text.
fn only(version: Version, text: &str) -> Kind {
    let reading = read_text(version, text);
    assert_eq!(reading.findings.len(), 1, "{version} {text}: {:?}", reading.findings);
    reading.findings[0].kind.clone()
}

#[test]
fn each_version_has_its_message_types() {
    let texts = [
        (2, r#"[2,"1","Heartbeat",{}]"#),
        (3, r#"[3,"1",{}]"#),
        (4, r#"[4,"1","GenericError","",{}]"#),
        (5, r#"[5,"1","GenericError","",{}]"#),
        (6, r#"[6,"1","NotifyPeriodicEventStream",{}]"#),
    ];
    for version in Version::ALL {
        for (message_type, text) in texts {
            let reading = read_text(version, text);
            if version == V21 || message_type < 5 {
                assert!(reading.findings.is_empty(), "{version} {text}: {:?}", reading.findings);
                let frame = reading.frame.unwrap();
                assert_eq!(frame.message_type(), message_type);
                assert_eq!(frame.to_text(), text);
            } else {
                assert_eq!(only(version, text), Kind::UnknownMessageType, "{version} {text}");
                assert_eq!((reading.frame, reading.message_type), (None, Some(message_type)));
                assert_eq!(reading.id.as_deref(), Some("1"));
            }
        }
    }
}

#[test]
fn each_flaw_of_a_frame_is_named() {
    let long = "x".repeat(37);
    let cases = [
        ("{}".to_owned(), Kind::NotArray),
        ("\"[2]\"".to_owned(), Kind::NotArray),
        ("[]".to_owned(), Kind::WrongElementCount),
        (r#"[2,"1","Heartbeat"]"#.to_owned(), Kind::WrongElementCount),
        (r#"[2,"1","Heartbeat",{},{}]"#.to_owned(), Kind::WrongElementCount),
        (r#"[3,"1"]"#.to_owned(), Kind::WrongElementCount),
        (r#"[4,"1","GenericError","" ]"#.to_owned(), Kind::WrongElementCount),
        (r#"["2","1","Heartbeat",{}]"#.to_owned(), Kind::TypeNotInteger),
        (r#"[2.0,"1","Heartbeat",{}]"#.to_owned(), Kind::TypeNotInteger),
        (r#"[null,"1","Heartbeat",{}]"#.to_owned(), Kind::TypeNotInteger),
        (r#"[7,"1","Heartbeat",{}]"#.to_owned(), Kind::UnknownMessageType),
        (r#"[1,"1","Heartbeat",{}]"#.to_owned(), Kind::UnknownMessageType),
        (r#"[-2,"1","Heartbeat",{}]"#.to_owned(), Kind::UnknownMessageType),
        (r#"[2,1,"Heartbeat",{}]"#.to_owned(), Kind::IdNotString),
        (r#"[2,null,"Heartbeat",{}]"#.to_owned(), Kind::IdNotString),
        (format!(r#"[2,"{long}","Heartbeat",{{}}]"#), Kind::IdTooLong),
        (r#"[2,"","Heartbeat",{}]"#.to_owned(), Kind::IdEmpty),
        (r#"[2,"1",[],{}]"#.to_owned(), Kind::ActionNotString),
        (r#"[2,"1","Heartbeat",[]]"#.to_owned(), Kind::PayloadNotObject),
        (r#"[3,"1","{}"]"#.to_owned(), Kind::PayloadNotObject),
        (r#"[4,"1",7,"",{}]"#.to_owned(), Kind::ErrorCodeNotString),
        (r#"[4,"1","Oops","",{}]"#.to_owned(), Kind::UnknownErrorCode),
        (r#"[4,"1","GenericError",null,{}]"#.to_owned(), Kind::DescriptionNotString),
        (r#"[4,"1","GenericError","",null]"#.to_owned(), Kind::DetailsNotObject),
    ];
    for version in Version::ALL {
        for (text, expected) in &cases {
            assert_eq!(only(version, text), *expected, "{version} {text}");
        }
    }
}

#[test]
fn an_empty_id_is_a_remark_only() {
    assert!(!read_text(V16, r#"[2,"","Heartbeat",{}]"#).is_flawed());
}

#[test]
fn ids_of_36_characters_are_fine_whatever_their_bytes() {
    for id in ["x".repeat(36), "é".repeat(36), "🔌".repeat(36)] {
        assert!(read_text(V16, &format!(r#"[2,"{id}","Heartbeat",{{}}]"#)).findings.is_empty());
    }
}

#[test]
fn null_stands_for_an_empty_payload() {
    let reading = read_text(V16, r#"[2,"1","Heartbeat",null]"#);
    assert!(reading.findings.is_empty());
    assert_eq!(reading.frame.unwrap().payload(), Some(&json!({})));
}

#[test]
fn each_version_spells_its_error_codes_in_its_own_way() {
    for (version, code) in [(V16, "OccurrenceConstraintViolation"), (V201, "OccurenceConstraintViolation")] {
        let reading = read_text(version, &format!(r#"[4,"1","{code}","",{{}}]"#));
        assert_eq!((&reading.findings[0].kind, reading.findings[0].statement), (&Kind::UnknownErrorCode, "R-050"));
        assert!(reading.frame.is_some(), "receivers know both");
    }
    let misspelt = read_text(V201, r#"[4,"1","GenericEror","",{}]"#);
    assert!(misspelt.findings[0].sentence.ends_with("did it mean GenericError?"), "{:?}", misspelt.findings);
}

#[test]
fn a_description_is_bounded_in_2x_only() {
    let text = format!(r#"[4,"1","GenericError","{}",{{}}]"#, "é".repeat(256));
    assert!(read_text(V16, &text).findings.is_empty());
    assert_eq!(only(V201, &text), Kind::DescriptionTooLong);
    assert_eq!(only(V21, &text), Kind::DescriptionTooLong);
}

#[test]
fn text_that_is_no_json_or_no_utf8_is_named_once() {
    assert_eq!(only(V16, r#"[2,"1","Heartbeat",{"#), Kind::NotJson);
    assert_eq!(only(V16, ""), Kind::NotJson);
    let reading = read(V16, b"[2,\"1\",\"Heartb\xffat\",{}]");
    assert_eq!(reading.findings.len(), 1);
    assert_eq!(reading.findings[0].kind, Kind::NotUtf8);
    assert!(reading.frame.is_some(), "it can still be understood");
}

#[test]
fn what_is_certain_rests_on_what_is_demanded() {
    let long = "x".repeat(300);
    for version in Version::ALL {
        for text in specimens(&long) {
            for finding in read_text(version, &text).findings.iter().filter(|finding| finding.certain) {
                let basis = statement(finding.statement).unwrap();
                assert_eq!(basis.strength, Strength::Must, "{text}: {}", basis.id);
                assert!(basis.is_of(version), "{text}: {} in {version}", basis.id);
            }
        }
    }
}

/// Every element of a frame replaced by every kind of value.
fn specimens(long: &str) -> Vec<String> {
    let frames = [
        json!([2, "1", "Heartbeat", {}]),
        json!([3, "1", {}]),
        json!([4, "1", "GenericError", "", {}]),
        json!([5, "1", "GenericError", "", {}]),
        json!([6, "1", "NotifyPeriodicEventStream", {}]),
    ];
    let values =
        [json!(null), json!(true), json!(1), json!(1.5), json!("x"), json!(""), json!(long), json!([]), json!({})];
    let mut texts = Vec::new();
    for frame in frames {
        for at in 0..frame.as_array().map_or(0, Vec::len) {
            for value in &values {
                let mut specimen = frame.clone();
                specimen[at] = value.clone();
                texts.push(specimen.to_string());
            }
        }
    }
    texts
}

fn any_payload() -> impl Strategy<Value = Value> {
    let value = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::collection::vec(any::<bool>(), 0..3).prop_map(Value::from),
    ];
    prop::collection::vec(("[a-zA-Z]{1,8}", value), 0..4)
        .prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<String, Value>>()))
}

fn any_frame(version: Version) -> impl Strategy<Value = Frame> {
    let last = if version == V21 { 6 } else { 4 };
    let code = prop::sample::select(errors::codes(version).to_vec());
    ((2..=last), "\\PC{1,36}", "[A-Za-z]{1,30}", any_payload(), code, "\\PC{0,255}").prop_map(
        |(message_type, id, action, payload, code, description)| {
            let code = code.to_owned();
            match message_type {
                2 => Frame::Call { id, action, payload },
                3 => Frame::Result { id, payload },
                4 => Frame::Error { id, code, description, details: payload },
                5 => Frame::ResultError { id, code, description, details: payload },
                _ => Frame::Send { id, action, payload },
            }
        },
    )
}

fn version_and_frame() -> impl Strategy<Value = (Version, Frame)> {
    prop::sample::select(Version::ALL.to_vec()).prop_flat_map(|version| (Just(version), any_frame(version)))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn a_frame_survives_the_round_trip((version, frame) in version_and_frame()) {
        let reading = read(version, frame.to_text().as_bytes());
        let flaws: Vec<_> = reading.findings.iter().filter(|finding| finding.certain).collect();
        prop_assert!(flaws.is_empty(), "{flaws:?}");
        prop_assert_eq!(reading.message_type, Some(frame.message_type()));
        prop_assert_eq!(reading.id.as_deref(), Some(frame.id()));
        prop_assert_eq!(reading.frame, Some(frame));
    }

    #[test]
    fn a_frame_that_lost_a_byte_makes_no_panic(
        (version, frame) in version_and_frame(), at in any::<prop::sample::Index>(), byte in any::<u8>()
    ) {
        let mut bytes = frame.to_text().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let reading = read(version, &bytes);
        prop_assert!(reading.frame.is_some() || !reading.findings.is_empty());
    }

    #[test]
    fn no_bytes_make_it_panic(version in prop::sample::select(Version::ALL.to_vec()), bytes: Vec<u8>) {
        let reading = read(version, &bytes);
        prop_assert!(reading.frame.is_some() || !reading.findings.is_empty());
    }

    #[test]
    fn arrays_of_anything_are_read_or_named(
        version in prop::sample::select(Version::ALL.to_vec()),
        items in prop::collection::vec(prop::sample::select(vec![
            "2", "3", "4", "5", "6", "2.0", "\"2\"", "null", "{}", "[]", "\"\"", "\"a\"", "\"GenericError\"", "true", "-1",
        ]), 0..7),
    ) {
        let reading = read(version, format!("[{}]", items.join(",")).as_bytes());
        prop_assert!(reading.frame.is_some() || reading.is_flawed());
    }
}
