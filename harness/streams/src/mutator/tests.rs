use std::collections::HashSet;

use proptest::prelude::*;
use protocol::generate::{Bytes, Seeded};
use protocol::{Role, Version, frame, validate};

use super::*;

const BOOT: &[u8] = br#"[2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]"#;

fn mutants(input: &[u8], dialect: Dialect, count: u64) -> Vec<Vec<u8>> {
    (0..count).map(|seed| dialect.mutate(input, 4096, &mut Seeded::new(seed))).collect()
}

fn dialects() -> [Dialect; 3] {
    let sequence = Dialect { version: Some(Version::V201), sender: Some(Role::Csms), steps: true };
    [Dialect::default(), Dialect { steps: false, ..sequence }, sequence]
}

/// Inputs that have something of a frame, and some that have nothing.
fn input() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        any::<u64>().prop_map(|seed| Dialect::default().mutate(BOOT, 2000, &mut Seeded::new(seed))),
        prop::collection::vec(any::<u8>(), 0..80),
        r#"[\[\]{}",:0-9a\\!$\n]{0,40}"#.prop_map(String::into_bytes),
    ];
    prop::collection::vec(line, 0..5).prop_map(|lines| lines.join(&b'\n'))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_in_what_goes_out_has_room(
        a in input(), b in input(), max_len in prop_oneof![0_usize..64, 0_usize..5000], seed: u64,
    ) {
        for dialect in dialects() {
            prop_assert!(dialect.mutate(&a, max_len, &mut Seeded::new(seed)).len() <= max_len);
            prop_assert!(dialect.cross_over(&a, &b, max_len, &mut Seeded::new(seed)).len() <= max_len);
        }
    }

    #[test]
    fn choices_may_be_any_bytes_and_may_run_out(a in input(), choices in prop::collection::vec(any::<u8>(), 0..64)) {
        let once = mutate(&a, 4096, &mut Bytes::new(&choices));
        prop_assert_eq!(&once, &mutate(&a, 4096, &mut Bytes::new(&choices)));
        prop_assert_ne!(once, a);
    }
}

#[test]
fn most_mutants_of_a_frame_are_still_json() {
    let all = mutants(BOOT, Dialect::default(), 2000);
    let readable = all.iter().filter(|text| text.split(|byte| *byte == b'\n').all(|line| Node::read(line).is_some()));
    assert!(readable.count() > 1500);
    assert!(all.iter().collect::<HashSet<_>>().len() > 1200);
}

#[test]
fn a_mutant_of_nothing_is_a_message_of_the_version_and_the_side() {
    let dialect = Dialect { version: Some(Version::V16), sender: Some(Role::Csms), steps: false };
    let mut sound = HashSet::new();
    let mut unsound = HashSet::new();
    for text in mutants(b"", dialect, 3000) {
        let reading = frame::read(Version::V16, &text);
        let Some(frame::Frame::Call { action, payload, .. }) = reading.frame else { continue };
        match validate::request_violations(Version::V16, &action, &payload).is_empty() {
            true => sound.insert(action),
            false => unsound.insert(action),
        };
    }
    assert!(sound.contains("SetChargingProfile") && unsound.contains("SetChargingProfile"), "{sound:?}");
    assert!(!sound.contains("BootNotification"), "a CSMS does not boot");
}

/// What has felled real devices comes up soon.
#[test]
fn known_killers_are_among_the_mutants() {
    let all: Vec<String> = mutants(BOOT, Dialect::default(), 20_000)
        .into_iter()
        .map(|text| String::from_utf8_lossy(&text).into_owned())
        .collect();
    let has = |what: &str| assert!(all.iter().any(|text| text.contains(what)), "{what}");
    for what in [
        r#"[2,"1","constructor""#,
        r#""__proto__":"#,
        r#"\u0000"#,
        r#"\ud800"#,
        "[[[[[[[[[[[[",
        r#"[2,"","BootNotification""#,
        r#"[2,null,"#,
        r#"["2","1","BootNotification""#,
        r#"[2,"1","BootNotification",{}]"#,
        r#"[2,"1","BootNotification"]"#,
        r#"[3,"1",{"#,
        r#"[4,"1","#,
        r#"[6,"1","#,
        "\u{e9}\u{e9}",
        "99999999999999999999",
        "${jndi:",
    ] {
        has(what);
    }
    let doubled = all.iter().any(|text| text.matches("\"chargePointVendor\":").count() == 2);
    assert!(doubled, "a key stands twice");
    assert!(all.iter().any(|text| text.lines().count() > 1), "two messages");
}

#[test]
fn json_inside_a_string_is_edited_too() {
    let trace = br#"{"text":"[2,\"1\",\"Heartbeat\",{}]"}"#;
    let inside = mutants(trace, Dialect::default(), 3000).into_iter().filter_map(|text| {
        let value: serde_json::Value = serde_json::from_slice(&text).ok()?;
        Some(value["text"].as_str()?.to_owned())
    });
    let frames: HashSet<String> = inside
        .filter(|text| text.starts_with('[') && serde_json::from_str::<serde_json::Value>(text).is_ok())
        .collect();
    assert!(frames.len() > 5, "{frames:?}");
}

#[test]
fn the_dictionary_is_one_that_libfuzzer_reads() {
    let dictionary = dictionary();
    for entry in ["\"\\\"BootNotification\\\"\"", "\"\\\"OccurenceConstraintViolation\\\"\"", "\"\\xFF\""] {
        assert!(dictionary.lines().any(|line| line == entry), "{entry}");
    }
    for line in dictionary.lines() {
        assert!(line.len() > 2 && line.starts_with('"') && line.ends_with('"'), "{line}");
        assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
    }
}
