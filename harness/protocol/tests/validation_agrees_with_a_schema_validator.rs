//! Generated payloads, valid and broken, are judged alike by us and by a schema validator on the official files.
//!
//! `PLUGFEST_PAYLOADS` sets how many payloads are tried per message and part (default 350: of each
//! a valid one, one broken in a single place and one mangled, so about 2100 for a message).

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "code of tests")]

mod official_schemas;

use jsonschema::Validator;
use official_schemas::SchemaFile;
use protocol::catalogue::{Catalogue, Object};
use protocol::generate::{self, Choices, Seeded};
use protocol::validate::validate;
use protocol::{Timestamp, Version};
use serde_json::Value;

#[test]
fn payloads_of_1_6_are_judged_alike() {
    judged_alike(Version::V16);
}

#[test]
fn payloads_of_2_0_1_are_judged_alike() {
    judged_alike(Version::V201);
}

#[test]
fn payloads_of_2_1_are_judged_alike() {
    judged_alike(Version::V21);
}

/// Payloads that differ from a valid one in a single place, and payloads that differ anyhow.
fn judged_alike(version: Version) {
    let Some(source) = official_schemas::find() else {
        return;
    };
    let count: u64 = std::env::var("PLUGFEST_PAYLOADS").ok().and_then(|text| text.parse().ok()).unwrap_or(350);
    let mut differences = Vec::new();
    for file in official_schemas::load(&source).iter().filter(|file| file.version == version) {
        compare(file, count, &mut differences);
    }
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

#[test]
fn every_single_constraint_is_one_for_the_validator_too() {
    let Some(source) = official_schemas::find() else {
        return;
    };
    let now = Timestamp::parse("2026-01-01T12:00:00Z").unwrap();
    let mut differences = Vec::new();
    for file in official_schemas::load(&source) {
        let validator = validator(&file);
        let object = object(&file);
        for way in generate::mutations(object) {
            let name = file.name();
            match generate::break_one(file.version, object, &way, now) {
                Some((value, _)) if validator.is_valid(&value) => {
                    differences.push(format!("{name}: accepted in spite of {way:?}: {value}"));
                }
                Some(_) => {}
                None => differences.push(format!("{name}: cannot be broken by {way:?}")),
            }
        }
    }
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

fn compare(file: &SchemaFile, count: u64, differences: &mut Vec<String>) {
    let validator = validator(file);
    let object = object(file);
    let name = file.name();
    let mut check = |value: &Value, seed: u64, what: &str| {
        let ours = validate(file.version, object, value);
        if validator.is_valid(value) != ours.is_empty() {
            let theirs: Vec<String> =
                validator.iter_errors(value).map(|error| format!("{} {error}", error.instance_path())).collect();
            differences
                .push(format!("{name} ({what}, seed {seed}): we say {ours:?}, the validator {theirs:?}: {value}"));
        }
        ours.len()
    };
    let minimal = generate::minimal(file.version, object);
    assert_eq!(check(&minimal, 0, "minimal"), 0, "{name}: {minimal}");
    for seed in 0..count {
        let mut choices = Seeded::new(seed ^ hash(&name));
        let value = generate::valid(file.version, object, &mut choices);
        assert_eq!(check(&value, seed, "valid"), 0, "{name}: {value}");
        let (broken, kind, path) = generate::broken(file.version, object, &mut choices).expect("a way to break it");
        assert_eq!(check(&broken, seed, "broken"), 1, "{name}: {kind:?} at {path}: {broken}");
        let mangled = mangle(value, &mut choices);
        check(&mangled, seed, "mangled");
    }
}

/// Puts odd values in odd places, without any idea of what is valid.
///
/// `1e300` is not among them: the validator takes it for an integer even under draft-04, where only the way a
/// number is written counts.
fn mangle(mut value: Value, choices: &mut dyn Choices) -> Value {
    let odd: Vec<Value> = [
        "null",
        "0",
        "-1",
        "1.0",
        "1.5",
        "0.1",
        "1e3",
        "-0.0",
        "4294967296",
        "\"\"",
        "\"A\"",
        "\"Accepted\"",
        "\"2026-01-01T12:00:60Z\"",
        "\"2026-06-30T23:59:60Z\"",
        "\"2026-01-01t12:00:00z\"",
        "\"http://[::1]/\"",
        "\"x:\"",
        "[]",
        "{}",
        "[{}]",
        "true",
        "\"éé\"",
        "18446744073709551615",
    ]
    .into_iter()
    .map(|text| serde_json::from_str(text).unwrap())
    .collect();
    let mut place = &mut value;
    loop {
        let length = match &*place {
            Value::Object(map) => map.len(),
            Value::Array(items) => items.len(),
            _ => 0,
        };
        if length == 0 || choices.choose(3) == 0 {
            break;
        }
        let at = choices.choose(length as u64) as usize;
        place = match place {
            Value::Object(map) => map.values_mut().nth(at).unwrap(),
            Value::Array(items) => &mut items[at],
            _ => break,
        };
    }
    *place = odd[choices.choose(odd.len() as u64) as usize].clone();
    value
}

fn validator(file: &SchemaFile) -> Validator {
    jsonschema::options()
        .should_validate_formats(true)
        .build(&file.schema)
        .unwrap_or_else(|error| panic!("{}: {error}", file.name()))
}

fn object(file: &SchemaFile) -> &'static Object {
    let message = Catalogue::of(file.version).message(&file.action).unwrap();
    match file.part {
        "Request" => &message.request,
        _ => message.response().unwrap(),
    }
}

fn hash(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}
