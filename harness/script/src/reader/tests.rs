use super::*;
use crate::ast::{
    Answer, Background, Begin, Call, Case, DurationExpr, ItemKind, Offset, OperatorKind, Pattern, PatternKind, Repeat,
    TextPart, When,
};
use serde_json::{Value, json};
use std::time::Duration;

const HEAD: &str = "case: x\ntitle: X\nversions: [\"1.6\"]\n";

fn read_text(text: &str) -> Result<Document, Vec<Diagnostic>> {
    read(&Arc::new(Source { path: "x.yaml".to_owned(), text: text.to_owned() }))
}

fn case(text: &str) -> Arc<Case> {
    match read_text(text) {
        Ok(Document::Case(case)) => case,
        other => panic!("{other:#?}"),
    }
}

fn steps(text: &str) -> Arc<Case> {
    case(&format!("{HEAD}steps:\n{text}"))
}

/// The codes of all mistakes in some steps.
fn codes(text: &str) -> Vec<String> {
    match read_text(&format!("{HEAD}steps:\n{text}")) {
        Ok(_) => Vec::new(),
        Err(found) => found.into_iter().map(|diagnostic| diagnostic.code).collect(),
    }
}

fn call(case: &Case, at: usize) -> &Call {
    match &case.steps[at].kind {
        ItemKind::Call(call) => call,
        other => panic!("{other:?}"),
    }
}

fn field<'a>(pattern: &'a Pattern, name: &str) -> &'a PatternKind {
    match &pattern.kind {
        PatternKind::Object(fields) => {
            &fields.iter().find(|(key, _)| key.value == name).unwrap_or_else(|| panic!("{name}")).1.kind
        }
        other => panic!("{other:?}"),
    }
}

fn literal(pattern: &Pattern, name: &str) -> Value {
    match field(pattern, name) {
        PatternKind::Literal(value) => value.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_scalar_is_what_its_place_wants() {
    let case = steps(
        "  - station -> csms: StartTransaction
    fields: { connectorId: 1, idTag: 04E12345, meterStart: \"7\", timestamp: 2024-01-31T12:00:00Z }
  - csms -> station: ChangeConfiguration
    fields: { key: no, value: true }
    reply: { status: Accepted }
  - csms -> station: GetConfiguration
    reply: { configurationKey: [ { key: 1e5, readonly: true, value: 300 } ] }
",
    );
    let start = call(&case, 0).fields.as_ref().unwrap();
    assert_eq!(literal(start, "connectorId"), json!(1));
    assert_eq!(literal(start, "idTag"), json!("04E12345"));
    assert_eq!(literal(start, "meterStart"), json!(7));
    assert_eq!(literal(start, "timestamp"), json!("2024-01-31T12:00:00Z"));
    let change = call(&case, 1).fields.as_ref().unwrap();
    assert_eq!((literal(change, "key"), literal(change, "value")), (json!("no"), json!("true")));
    let Answer::Reply(reply) = &call(&case, 2).answer else { panic!() };
    let PatternKind::List(keys) = field(reply, "configurationKey") else { panic!() };
    assert_eq!(literal(&keys[0], "key"), json!("1e5"));
    assert_eq!(literal(&keys[0], "readonly"), json!(true));
    assert_eq!(literal(&keys[0], "value"), json!("300"));
}

#[test]
fn operators_change_the_type_of_their_place() {
    let case = steps(
        "  - csms -> station: GetConfiguration
    reply:
      configurationKey:
        $contains:
          - { key: A, value: { $number: { $min: 5 } } }
          - { key: B, value: { $csv: { $contains: [1, Core] } } }
          - { key: C, value: { $json: { n: 1, s: \"1\", t: true } } }
",
    );
    let text = format!("{:?}", call(&case, 0).answer);
    for wanted in ["Literal(Number(5))", "Literal(String(\"1\"))", "Literal(Number(1))", "Literal(Bool(true))"] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
}

#[test]
fn names_and_moments_and_text_are_told_apart() {
    let case = steps(
        "  - station -> csms: StartTransaction
    fields: { connectorId: $c.connector, idTag: \"T-${n}-x\", meterStart: $m + 5, timestamp: now }
  - csms -> station: DataTransfer
    fields: { vendorId: now, data: $d - 500ms }
    reply: { status: Accepted }
",
    );
    let start = call(&case, 0).fields.as_ref().unwrap();
    let PatternKind::Name(connector) = field(start, "connectorId") else { panic!() };
    assert_eq!((connector.root.as_str(), connector.parts.as_slice()), ("c", &["connector".to_owned()][..]));
    let PatternKind::Text(parts) = field(start, "idTag") else { panic!() };
    assert!(matches!(&parts[..], [TextPart::Literal(a), TextPart::Name(n), TextPart::Literal(_)]
        if a == "T-" && n.root == "n"));
    let PatternKind::Name(meter) = field(start, "meterStart") else { panic!() };
    assert_eq!(meter.plus, Some(Offset::Number(5.into())));
    let PatternKind::Name(now) = field(start, "timestamp") else { panic!() };
    assert_eq!(now.root, "now");
    let data = call(&case, 1).fields.as_ref().unwrap();
    assert_eq!(literal(data, "vendorId"), json!("now"));
    let PatternKind::Name(name) = field(data, "data") else { panic!() };
    assert_eq!(name.plus, Some(Offset::Micros(-500_000)));
}

#[test]
fn every_version_of_a_case_must_agree() {
    let text = |fields: &str| {
        format!(
            "case: x\ntitle: X\nversions: [\"2.0.1\", \"2.1\"]\nsteps:\n  - station -> csms: TransactionEvent\n    fields: {fields}\n"
        )
    };
    assert!(read_text(&text("{ triggerReason: Authorized }")).is_ok());
    let wrong = |fields: &str| read_text(&text(fields)).unwrap_err()[0].title.clone();
    assert_eq!(
        wrong("{ costDetails: { $present: true } }"),
        "\"costDetails\" is not a field of TransactionEvent in 2.0.1"
    );
    assert!(wrong("{ triggerReason: CostLimitReached }").contains("in 2.0.1"));
}

#[test]
fn inside_a_condition_on_the_version_only_that_version_counts() {
    let text = "case: x\ntitle: X\nversions: [\"1.6\", \"2.1\"]\nsteps:
  - station -> csms: StartTransaction
    when: { version: \"1.6\" }
  - station -> csms: TransactionEvent
    when: { version: { $not: \"1.6\" } }
    fields: { triggerReason: CostLimitReached }
";
    let case = case(text);
    let When::Version(versions) = &case.steps[1].when[0] else { panic!() };
    assert_eq!(versions.iter().map(|version| version.value).collect::<Vec<_>>(), [Version::V201, Version::V21]);
}

#[test]
fn what_breaks_the_schema_on_purpose_is_taken_as_it_is_written() {
    let case = steps(
        "  - station -> csms: Authorize
    invalid: idTag
    fields: { idTag: 5 }
    error: any
  - station -> csms: Authorize
    invalid: colour
    fields: { colour: red, idTag: T }
    error: [TypeConstraintViolation]
  - station -> csms: NoSuchThing
    fields: { a: { b: [1, x] } }
    error: NotImplemented
",
    );
    assert_eq!(literal(call(&case, 0).fields.as_ref().unwrap(), "idTag"), json!(5));
    assert!(matches!(&call(&case, 0).answer, Answer::Error(codes, _) if codes.is_empty()));
    assert_eq!(
        codes("  - station -> csms: Authorize\n    invalid: idTag\n    fields: { colour: red }\n"),
        ["unknown-field"]
    );
}

#[test]
fn deadlines_counts_and_conditions_are_read() {
    let case = steps(
        "  - station -> csms: Heartbeat
    when: { config.HeartbeatInterval: { $number: { $min: 1 } }, state: Charging }
    repeat: 2..5
    within: $interval + 1s..reboot of $mark
    grace: 500ms
  - station -> csms: Heartbeat
    optional: true
    within: 2m..
",
    );
    let item = &case.steps[0];
    assert_eq!(item.repeat, Repeat { min: 2, max: 5 });
    assert_eq!(case.steps[1].repeat, Repeat { min: 0, max: 1 });
    assert!(matches!(item.grace, Some(DurationExpr::Fixed(grace)) if grace == Duration::from_millis(500)));
    let within = item.within.as_ref().unwrap();
    assert!(matches!(&within.lower, Some(DurationExpr::Name(name)) if name.value.root == "interval"));
    assert!(matches!(&within.upper, Some(DurationExpr::Class(class)) if class.value == "reboot"));
    assert_eq!(within.of.as_ref().unwrap().value, "mark");
    assert!(case.steps[1].within.as_ref().is_some_and(|within| within.upper.is_none()));
    assert!(matches!(&item.when[0], When::Config(key, pattern) if key.value == "HeartbeatInterval"
        && matches!(&pattern.kind, PatternKind::Operators(all) if matches!(all[0].kind, OperatorKind::Number(_)))));
    assert!(matches!(&item.when[1], When::Name(name, _) if name.value.root == "state"));
}

#[test]
fn without_a_word_a_case_begins_booted_with_the_usual_background() {
    let case = steps("  - station -> csms: Heartbeat\n");
    assert!(matches!(&case.begin, Begin::State(state) if state.name.value == "booted"));
    assert!(
        matches!(&case.background, Background::Default { added, removed } if added.is_empty() && removed.is_empty())
    );
}

#[test]
fn every_mistake_is_told_not_only_the_first() {
    let found = codes(
        "  - station -> csms: Hartbeat
  - at station: present token
    with: { token: $t, where: $c }
  - station -> csms: StatusNotification
    fields: { connectorId: x, status: Availabel, foo: 1 }
    repeat: many
",
    );
    assert_eq!(
        found,
        ["unknown-action", "unknown-argument", "wrong-type", "unknown-value", "unknown-field", "bad-count"]
    );
}
