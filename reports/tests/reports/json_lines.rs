//! The promised events and fields.

use serde_json::Value;

use crate::fixture::{report_named, results};

fn lines() -> Vec<Value> {
    report_named("run.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of(event: &str) -> Vec<Value> {
    lines().into_iter().filter(|line| line["event"] == event).collect()
}

#[test]
fn every_promised_field_is_there_with_its_type() {
    type Field = (&'static str, fn(&Value) -> bool);
    let promised: [(&str, &[Field]); 5] = [
        (
            "run_started",
            &[
                ("plugfest", Value::is_string),
                ("seed", Value::is_u64),
                ("format", |value| value == &Value::from(1)),
                ("selected", Value::is_u64),
            ],
        ),
        (
            "case_finished",
            &[
                ("case", Value::is_string),
                ("device", |value| value == "csms" || value == "station"),
                ("ocpp", |value| value == "1.6" || value == "2.0.1" || value == "2.1"),
                ("verdict", |value| {
                    ["pass", "warn", "fail", "inconclusive", "not_applicable", "error"].iter().any(|word| value == word)
                }),
                ("standing", |value| value == "expected" || value == "unexpected"),
                ("reason", Value::is_string),
                ("certifies", Value::is_array),
                ("duration_ms", Value::is_u64),
                ("identity", Value::is_string),
            ],
        ),
        (
            "finding",
            &[
                ("id", Value::is_string),
                ("class", Value::is_string),
                ("oracle", Value::is_string),
                ("device", Value::is_string),
                ("ocpp", Value::is_string),
                ("summary", Value::is_string),
                ("messages", Value::is_u64),
                ("replay", Value::is_string),
            ],
        ),
        (
            "fault_finished",
            &[
                ("fault", Value::is_string),
                ("device", Value::is_string),
                ("ocpp", Value::is_string),
                ("reached", Value::is_boolean),
                ("triggered", Value::is_boolean),
                ("detected", Value::is_boolean),
                ("by", Value::is_array),
            ],
        ),
        ("run_finished", &[("counts", Value::is_object), ("duration_ms", Value::is_u64), ("exit_code", Value::is_u64)]),
    ];
    for (event, fields) in promised {
        let lines = of(event);
        assert!(!lines.is_empty(), "{event}");
        for line in lines {
            for (field, fits) in fields {
                assert!(fits(&line[*field]), "{event}.{field}: {line}");
            }
        }
    }
}

#[test]
fn the_counts_have_every_verdict_and_are_those_of_the_cases() {
    let counts = of("run_finished")[0]["counts"].clone();
    assert_eq!(counts.as_object().unwrap().len(), 6);
    for verdict in ["pass", "warn", "fail", "inconclusive", "not_applicable", "error"] {
        let cases = of("case_finished").into_iter().filter(|case| case["verdict"] == verdict).count();
        assert_eq!(counts[verdict], cases, "{verdict}");
        assert!(cases > 0, "{verdict}");
    }
}

#[test]
fn one_object_a_line_and_what_only_the_trace_keeps_is_not_there() {
    let lines = lines();
    assert!(lines.iter().all(Value::is_object));
    assert!(lines.iter().all(|line| line["event"] != "happened"));
    assert_eq!(of("case_finished").len(), results().len());
}

#[test]
fn a_diagnostic_is_there_as_people_see_it_too() {
    let failed = of("case_finished").into_iter().find(|case| case["case"] == "remote-start-plugged-in").unwrap();
    let rendered = failed["diagnostics"][0]["rendered"].as_str().unwrap();
    assert!(rendered.starts_with("fail[mismatch]: the transaction started with another tag\n"), "{rendered}");
}
