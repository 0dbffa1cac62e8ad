//! Lossless JSON: what is odd is seen, what is valid is read as others read it, and nothing makes it panic.

use proptest::prelude::*;
use protocol::json::{JsonFindingKind as Kind, Limits, canonical, parse, same, to_text};
use serde_json::{Map, Value, json};

fn findings(text: &str) -> Vec<String> {
    parse(text.as_bytes(), Limits::default()).findings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_duplicate_key_is_reported_and_the_last_value_kept() {
    let parsed = parse(br#"[2,"1","X",{"connectorId":1,"connectorId":2}]"#, Limits::default());
    assert_eq!(parsed.value, Some(json!([2, "1", "X", { "connectorId": 2 }])));
    assert_eq!(
        parsed.findings[0].to_string(),
        "the key \"connectorId\" stands twice in one object at byte 28 (/3/connectorId)"
    );
    assert!(!parsed.is_refused());
}

#[test]
fn a_key_that_is_only_written_differently_is_a_duplicate() {
    let parsed = parse(br#"{"a":1,"\u0061":2}"#, Limits::default());
    assert!(matches!(parsed.findings[0].kind, Kind::DuplicateKey { .. }));
}

#[test]
fn numbers_that_others_round_are_reported_as_written() {
    assert_eq!(
        findings("[0.1000000000000000055511151231257827]"),
        [
            "the number 0.1000000000000000055511151231257827, which has more digits than most readers keep at byte 1 (/0)"
        ]
    );
    assert_eq!(findings("[18446744073709551615, -9223372036854775808, 0.1, 1e300, 1.0, -0.0]"), [""; 0]);
    assert!(findings("18446744073709551617")[0].starts_with("the number 18446744073709551617"));
    assert!(findings("1e400")[0].starts_with("the number 1e400, which no common type can hold"));
    let long = "9".repeat(5000);
    assert!(findings(&long)[0].contains("no common type"));
}

#[test]
fn a_whole_number_keeps_its_point() {
    let parsed = parse(b"[1, 1.0, 1e0]", Limits::default());
    assert_eq!(parsed.value.map(|value| to_text(&value)).as_deref(), Some("[1,1.0,1.0]"));
}

#[test]
fn half_a_surrogate_pair_is_reported_and_replaced() {
    for text in [r#""\ud800""#, r#""\udc00""#, r#""\ud83d\u0041""#, r#""\ud83d!""#, r#""\ud800\ud800""#] {
        let parsed = parse(text.as_bytes(), Limits::default());
        assert!(parsed.value.is_some_and(|value| value.as_str().is_some_and(|text| text.contains('\u{fffd}'))));
        assert!(parsed.findings.iter().all(|finding| finding.kind == Kind::LoneSurrogate), "{text}");
    }
    let whole = parse(br#""\ud83d\ude00""#, Limits::default());
    assert_eq!((whole.value, whole.findings), (Some(json!("😀")), Vec::new()));
}

#[test]
fn limits_end_reading_and_say_so() {
    let deep = "[".repeat(200_000);
    let parsed = parse(deep.as_bytes(), Limits::default());
    assert_eq!((parsed.value, &parsed.findings[0].kind), (None, &Kind::TooDeep { limit: 128 }));

    let many = format!("[{}0]", "0,".repeat(2_000_000));
    let parsed = parse(many.as_bytes(), Limits::default());
    assert_eq!((parsed.value, &parsed.findings[0].kind), (None, &Kind::TooMany { limit: 1_000_000 }));

    let large = parse(b"[1,2,3]", Limits { bytes: 3, ..Limits::default() });
    assert_eq!((large.value, &large.findings[0].kind), (None, &Kind::TooLarge { limit: 3 }));

    let noisy = format!("[{}{{", r#""\ud800","#.repeat(1000));
    let parsed = parse(noisy.as_bytes(), Limits::default());
    assert_eq!(parsed.findings.len(), 64);
    assert!(matches!(parsed.findings[63].kind, Kind::Syntax { .. }), "the reason for the end is always there");
}

#[test]
fn texts_that_are_no_json_say_what_was_expected() {
    let cases = [
        ("", "no JSON: expected a value, found the end of the text at byte 0"),
        ("[1,]", "no JSON: expected a value, found `]` at byte 3 (/1)"),
        ("[1 2]", "no JSON: expected `,` or `]`, found `2` at byte 3 (/1)"),
        ("{'a':1}", "no JSON: expected a key in quotes, found `'` at byte 1"),
        (r#"{"a" 1}"#, "no JSON: expected `:` after the key, found `1` at byte 5"),
        ("[01]", "no JSON: expected no digit after a leading zero, found `1` at byte 2 (/0)"),
        ("[.5]", "no JSON: expected a value, found `.` at byte 1 (/0)"),
        ("[1.]", "no JSON: expected a digit, found `]` at byte 3 (/0)"),
        ("[NaN]", "no JSON: expected a value, found `N` at byte 1 (/0)"),
        ("[\"a", "no JSON: expected the end of the string, found the end of the text at byte 3 (/0)"),
        (r#"["\x"]"#, "no JSON: expected one of \" \\ / b f n r t u after the backslash, found `x` at byte 3 (/0)"),
        ("[] []", "something after the end of the value at byte 3"),
        ("\u{feff}[]", "a byte order mark at byte 0"),
        ("[\"\t\"]", "the raw control character U+0009 in a string at byte 2 (/0)"),
        ("[\"\\u0000\"]", "the character U+0000 in a string at byte 2 (/0)"),
    ];
    for (text, expected) in cases {
        let found = findings(text);
        assert!(found[0].starts_with(expected), "{text:?}: {found:?}");
    }
}

#[test]
fn bytes_that_are_no_utf8_are_reported_and_replaced() {
    let parsed = parse(b"[\"a\xff\xfeb\"]", Limits::default());
    assert_eq!(parsed.value, Some(json!(["a\u{fffd}\u{fffd}b"])));
    assert_eq!(parsed.findings[0].kind, Kind::InvalidUtf8);
    assert_eq!(parsed.findings[0].offset, 3);
}

/// Any value, numbers of every size among them.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("finite", |float| serde_json::Number::from_f64(float).map(Value::Number)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<String, Value>>())),
        ]
    })
}

/// Texts that are nearly JSON.
fn near_json() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec![
            "[",
            "]",
            "{",
            "}",
            ",",
            ":",
            "\"",
            "\"a\"",
            "\"b\":",
            "\\u0061",
            "\\ud83d",
            "\\ude00",
            "\\n",
            "0",
            "1",
            "-",
            ".5",
            "e3",
            "E+",
            "true",
            "false",
            "null",
            " ",
            "\n",
            "é",
            "😀",
            "\t",
            "9007199254740993",
            "1e400",
        ]),
        0..16,
    )
    .prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn any_value_survives_the_round_trip(value in any_value()) {
        let parsed = parse(to_text(&value).as_bytes(), Limits::default());
        prop_assert!(parsed.findings.iter().all(|finding| finding.kind == Kind::Nul), "{:?}", parsed.findings);
        prop_assert_eq!(parsed.value, Some(value));
    }

    #[test]
    fn layout_does_not_matter(value in any_value()) {
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        prop_assert_eq!(parse(pretty.as_bytes(), Limits::default()).value, Some(value));
    }

    #[test]
    fn what_another_reader_takes_is_read_alike(text in near_json()) {
        let parsed = parse(text.as_bytes(), Limits::default());
        match serde_json::from_str::<Value>(&text) {
            Ok(value) => {
                prop_assert!(!parsed.is_refused(), "{:?}", parsed.findings);
                prop_assert!(parsed.value.is_some_and(|ours| same(&ours, &value)));
            }
            // Where it gives up we may read on, but not in silence.
            Err(_) => prop_assert!(!parsed.findings.is_empty(), "{text:?}"),
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let parsed = parse(&bytes, Limits::default());
        prop_assert!(parsed.value.is_some() || !parsed.findings.is_empty());
        prop_assert!(parsed.findings.iter().all(|finding| finding.offset <= bytes.len()));
    }

    #[test]
    fn damaged_text_is_read_or_refused(value in any_value(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = to_text(&value).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let parsed = parse(&bytes, Limits::default());
        if serde_json::from_slice::<Value>(&bytes).is_ok() {
            prop_assert!(!parsed.is_refused(), "{:?}", parsed.findings);
        }
    }

    #[test]
    fn equal_values_have_the_same_canonical_text(a in any_value(), b in any_value()) {
        prop_assert!(same(&a, &a));
        prop_assert_eq!(same(&a, &b), canonical(&a) == canonical(&b));
        let turned = turn(&a);
        prop_assert!(same(&a, &turned));
        prop_assert_eq!(canonical(&a), canonical(&turned));
    }
}

/// The same value with keys in the opposite order, and whole numbers with a point.
fn turn(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(map.iter().rev().map(|(key, value)| (key.clone(), turn(value))).collect()),
        Value::Array(items) => items.iter().map(turn).collect(),
        Value::Number(number) => match number.as_i64() {
            Some(integer) if integer.unsigned_abs() < 1 << 53 => json!(integer as f64),
            _ => value.clone(),
        },
        other => other.clone(),
    }
}
