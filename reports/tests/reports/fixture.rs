//! One run that has every verdict, expected and not, warnings, standing violations, findings, faults, and texts of
//! devices that mean no good.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use protocol::stimulus::Stimulus;
use protocol::{Role, Timestamp, Version};
use reports::{Fanout, Reporter, Run};
use verdict::{
    CaseResult, Counts, Diagnostic, Direction, Event, EventKind, FaultResult, Finding, PlanId, Redactor, RunEvent,
    Severity, Source, Span, Standing, StandingViolation, TranscriptLine, Verdict,
};

/// Steers a terminal, ends sections and elements, turns the reading direction, is no XML.
pub(crate) const EVIL: &str = "\u{1b}[2J\u{1b}]0;owned\u{7} ]]> </pre></td><script>alert(1)</script> | `x` **y** {{ 7*7 }} \
                        [z](javascript:z) \u{202e}\u{0}\u{8}\u{7f}\u{9b}\u{fffe}\u{ffff}\u{feff} \\ud800 \"'&amp;\r\n%41";

const FILE: &str = "case: remote-start-plugged-in
title: Remote start while the cable is already plugged in
versions: [\"1.6\"]
given: { c: rig.connector, tag: rig.tags.valid }
steps:
  - station -> csms: StartTransaction
    fields:
      connectorId: $c.connector
      idTag: $tag
";

const START: Timestamp = Timestamp(1_795_478_400_000_000);

/// A moment of the run, in milliseconds since it began.
fn at(milliseconds: i64) -> Timestamp {
    Timestamp(START.0 + milliseconds * 1000)
}

/// A case that passed.
pub(crate) fn passed(case: &str) -> CaseResult {
    CaseResult {
        case: case.to_owned(),
        title: "Cold boot, accepted".to_owned(),
        file: format!("testcases/1.6/core/{case}.yaml"),
        folder: "1.6/core".to_owned(),
        device: Role::Csms,
        ocpp: Version::V16,
        configuration: String::new(),
        verdict: Verdict::Pass,
        standing: Standing::Expected,
        reason: String::new(),
        rules: Vec::new(),
        one_of: Vec::new(),
        certifies: vec!["TC_001_CSMS".to_owned()],
        traces: vec!["16-BOOT-02".to_owned()],
        plans: 1,
        started: at(10),
        duration_ms: 12,
        identity: "CP-1".to_owned(),
        diagnostics: Vec::new(),
        violations: Vec::new(),
        transcript: Vec::new(),
        notes: Vec::new(),
        device_says: None,
        repeat: format!("plugfest run {case} --url ws://localhost:9000/ocpp --seed 17"),
    }
}

/// A case with another verdict.
pub(crate) fn judged(case: &str, verdict: Verdict, standing: Standing, reason: &str) -> CaseResult {
    CaseResult { verdict, standing, reason: reason.to_owned(), ..passed(case) }
}

fn line(milliseconds: i64, direction: Option<Direction>, text: &str) -> TranscriptLine {
    TranscriptLine { at: at(milliseconds), direction, text: text.to_owned(), marked: false }
}

fn failed() -> CaseResult {
    use Direction::{FromDevice, ToDevice};
    let source =
        Arc::new(Source { path: "testcases/1.6/core/remote-start-plugged-in.yaml".to_owned(), text: FILE.to_owned() });
    let span = |text: &str| {
        let start = FILE.rfind(text).unwrap();
        Span { start, end: start + text.len() }
    };
    let mut result = judged(
        "remote-start-plugged-in",
        Verdict::Fail,
        Standing::Unexpected,
        "the transaction started with another tag: expected \"04E12345\", actual \"DEADBEEF\"",
    );
    result.title = "Remote start while the cable is already plugged in".to_owned();
    result.device = Role::Station;
    result.rules = vec!["16-REM-03".to_owned(), "R-031 (one-answer)".to_owned(), "x-private-rule".to_owned()];
    result.started = at(1000);
    result.duration_ms = 2310;
    result.diagnostics = vec![
        Diagnostic::error("mismatch", "the transaction started with another tag")
            .at(
                &source,
                span("$tag"),
                "expected \"04E12345\"  (given, line 4)\nactual   \"DEADBEEF\"  (frame 14, +2.31 s)",
            )
            .because(&source, span("tag: rig.tags.valid"), "given here")
            .note("16-REM-03"),
    ];
    result.transcript = vec![
        line(1000, None, "link open: CP-1, ocpp1.6"),
        line(1002, Some(ToDevice), "[2,\"pf1\",\"RemoteStartTransaction\",{\"idTag\":\"04E12345\",\"connectorId\":1}]"),
        line(1010, Some(FromDevice), "[3,\"pf1\",{\"status\":\"Accepted\"}]"),
        TranscriptLine {
            marked: true,
            ..line(3310, Some(FromDevice), "[2,\"17\",\"StartTransaction\",{\"connectorId\":1,\"idTag\":\"DEADBEEF\"}]")
        },
        line(3311, Some(ToDevice), "[3,\"17\",{\"transactionId\":1,\"idTagInfo\":{\"status\":\"Accepted\"}}]"),
    ];
    result.notes = vec!["the transaction could not be stopped afterwards".to_owned()];
    result
}

fn violation(first_in: Option<&str>) -> StandingViolation {
    StandingViolation {
        oracle: "valid-message".to_owned(),
        statement: "R-001".to_owned(),
        path: "BootNotification.req/chargePointVendor".to_owned(),
        verdict: Verdict::Fail,
        sentence: "the text is longer than 20 characters".to_owned(),
        frame: "[2,\"1\",\"BootNotification\",{\"chargePointVendor\":\"a vendor with a long name\"}]".to_owned(),
        at: at(20),
        first_in: first_in.map(str::to_owned),
    }
}

/// The results of the run.
pub(crate) fn results() -> Vec<CaseResult> {
    use Standing::{Expected, Unexpected};
    let mut warned = judged("heartbeat", Verdict::Warn, Expected, "the interval is not kept");
    warned.notes = vec!["heartbeat 4 s late".to_owned()];
    warned.violations = vec![StandingViolation {
        verdict: Verdict::Warn,
        oracle: "text-rule".to_owned(),
        statement: "R-010".to_owned(),
        path: "Heartbeat.conf/currentTime".to_owned(),
        sentence: EVIL.to_owned(),
        frame: format!("[3,\"1\",{{\"currentTime\":\"{EVIL}\"}}]"),
        ..violation(None)
    }];
    let mut first = judged("boot-vendor", Verdict::Fail, Unexpected, "the text is longer than 20 characters (R-001)");
    first.device = Role::Station;
    first.rules = vec!["R-001 (valid-message)".to_owned()];
    first.violations = vec![violation(None)];
    first.transcript = vec![
        line(12, None, "link open: CP-1, ocpp1.6"),
        line(20, Some(Direction::FromDevice), &violation(None).frame),
        line(21, Some(Direction::ToDevice), "[3,\"1\",{\"status\":\"Accepted\",\"interval\":300}]"),
    ];
    let mut second = passed("boot-again");
    second.device_says = Some("the station says that it has 1 connector; that it lacks Reservation".to_owned());
    second.device = Role::Station;
    second.violations = vec![violation(Some("boot-vendor"))];
    let mut evil = judged(EVIL, Verdict::Fail, Unexpected, EVIL);
    for text in [&mut evil.title, &mut evil.file, &mut evil.identity, &mut evil.repeat] {
        *text = EVIL.to_owned();
    }
    evil.rules = vec![EVIL.to_owned()];
    evil.certifies = vec![EVIL.to_owned()];
    evil.traces = vec![EVIL.to_owned()];
    evil.notes = vec![EVIL.to_owned()];
    evil.diagnostics = vec![Diagnostic::error("mismatch", EVIL).note(EVIL).help(EVIL)];
    evil.transcript = vec![line(30, Some(Direction::FromDevice), EVIL)];
    let mut unreached = judged(
        "remote-stop",
        Verdict::Inconclusive,
        Unexpected,
        "could not reach \"charging\": StartTransaction did not come in time",
    );
    unreached.diagnostics =
        vec![Diagnostic::new(Severity::Warning, "missing", "StartTransaction did not come in time")];
    let mut own = judged("reset-hard", Verdict::Error, Unexpected, "the driver answered 500");
    own.diagnostics = vec![Diagnostic::error("driver", "the driver answered 500").help("see plugfest doctor")];
    let mut configured = passed("cold-boot-fixed-cable");
    configured.device = Role::Station;
    configured.configuration = "fixed cable".to_owned();
    let mut newer = passed("cold-boot-201");
    newer.ocpp = Version::V201;
    newer.folder = "2.0.1/B".to_owned();
    newer.file = "testcases/2.0.1/B/cold-boot-201.yaml".to_owned();
    vec![
        passed("cold-boot"),
        warned,
        failed(),
        judged("local-start", Verdict::Inconclusive, Unexpected, "needs plug in"),
        judged("local-stop", Verdict::Inconclusive, Unexpected, "needs plug in"),
        unreached,
        judged("reserve-now", Verdict::NotApplicable, Expected, "the rig does not declare Reservation"),
        judged("cancel-reservation", Verdict::NotApplicable, Expected, "the rig does not declare Reservation"),
        own,
        judged("clear-cache", Verdict::Fail, Expected, "the cache is kept; expected: known, ISSUE-7"),
        judged("unlock", Verdict::Inconclusive, Expected, "needs jam lock; expected: no such rig"),
        judged("data-transfer", Verdict::Pass, Unexpected, "passed although line 3 lists it as an expected failure"),
        first,
        second,
        evil,
        configured,
        newer,
    ]
}

/// The whole run.
pub(crate) fn events() -> Vec<RunEvent> {
    let results = results();
    let mut counts = Counts::default();
    results.iter().for_each(|result| counts.add(result.verdict));
    let plan = PlanId {
        case: "cold-boot".to_owned(),
        device: Role::Csms,
        ocpp: Version::V16,
        variant: 0,
        configuration: String::new(),
    };
    let with = serde_json::json!({ "at": { "evse": 1, "connector": 1 }, "limit": 8.1 });
    let stimulus = Stimulus {
        party: Role::Station,
        verb: "plug in".to_owned(),
        with: with.as_object().cloned().unwrap_or_default(),
    };
    let happened = |kind| RunEvent::Happened { plan: plan.clone(), happened: Event { at: at(11), kind } };
    let text = EventKind::Text { direction: Direction::FromDevice, text: EVIL.to_owned(), base64: None };
    let mut events = vec![
        RunEvent::RunStarted { plugfest: "0.1.0".to_owned(), seed: 17, format: 1, selected: results.len(), at: START },
        RunEvent::PlanStarted { plan: plan.clone(), title: "Cold boot, accepted".to_owned(), at: at(10) },
        happened(text),
        happened(EventKind::Stimulus { stimulus }),
    ];
    events.extend(results.into_iter().map(|result| RunEvent::CaseFinished(Box::new(result))));
    let twice = TranscriptLine {
        at: at(12),
        direction: Some(Direction::FromDevice),
        text: format!("[3,\"1\",{{}}] {EVIL}"),
        marked: true,
    };
    let asked = TranscriptLine { at: at(11), direction: Some(Direction::ToDevice), marked: false, ..twice.clone() };
    let finding = Finding {
        id: "o3-heartbeat-twice-00c0ff".to_owned(),
        class: "violation".to_owned(),
        oracle: "O3".to_owned(),
        device: Role::Csms,
        ocpp: Version::V16,
        summary: format!("a call is answered twice {EVIL}"),
        messages: 2,
        replay: "plugfest replay findings/o3-heartbeat-twice-00c0ff".to_owned(),
        rule: "R-030".to_owned(),
        frame: format!("[3,\"1\",{{}}] {EVIL}"),
        page: "findings/o3-heartbeat-twice-00c0ff/finding.md".to_owned(),
        shown: 2,
        tried: 3,
        transcript: vec![asked, twice],
    };
    events.push(RunEvent::Finding(Box::new(finding.clone())));
    events.push(RunEvent::Finding(Box::new(Finding {
        id: "o4-heartbeat-code-c0ffee".to_owned(),
        class: "compatibility".to_owned(),
        summary: "another error code than usual".to_owned(),
        shown: 3,
        transcript: Vec::new(),
        ..finding
    })));
    let fault = FaultResult {
        fault: "csms-answers-twice".to_owned(),
        device: Role::Csms,
        ocpp: Version::V16,
        reached: true,
        triggered: true,
        detected: true,
        by: vec!["cold-boot".to_owned(), "one-answer".to_owned()],
        left_to_streams: false,
    };
    let survivor =
        FaultResult { fault: "station-forgets-queue".to_owned(), detected: false, by: Vec::new(), ..fault.clone() };
    events.push(RunEvent::FaultFinished(Box::new(fault)));
    events.push(RunEvent::FaultFinished(Box::new(survivor)));
    events.push(RunEvent::RunFinished { counts, duration_ms: 4200, exit_code: 1, interrupted: false });
    events
}

/// The run as reports see it.
pub(crate) fn run_of(events: &[RunEvent]) -> Run {
    let mut run = Run::default();
    events.iter().for_each(|event| run.take(event));
    run
}

/// Sends events through a fan-out to these reporters, and wants no errors.
pub(crate) fn report(events: &[RunEvent], redactor: Redactor, reporters: Vec<Box<dyn Reporter>>) {
    let mut fanout = Fanout::new(redactor, reporters);
    events.iter().for_each(|event| fanout.event(event));
    let errors = fanout.finish();
    assert!(errors.is_empty(), "{errors:?}");
}

/// Every report there is of these events, by name.
pub(crate) fn all_reports(events: &[RunEvent], redactor: Redactor) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join("made/on/the/way").join(name);
    let terminal = |name: &str, colour| {
        let out = Box::new(fs::File::create(folder.path().join(name)).unwrap());
        reports::terminal::Terminal::new(reports::terminal::Options { out, colour, bar: false, quiet: false })
    };
    report(
        events,
        redactor,
        vec![
            Box::new(terminal("plain.txt", false)),
            Box::new(terminal("colour.txt", true)),
            Box::new(reports::junit::Junit::to_file(&path("junit.xml")).unwrap()),
            Box::new(reports::json_lines::JsonLines::to_file(&path("run.jsonl")).unwrap()),
            Box::new(reports::html::Html::to_file(&path("report.html")).unwrap()),
            Box::new(reports::markdown::Markdown::to_file(&path("report.md")).unwrap()),
            Box::new(reports::trace::Trace::to_file(&path("run.trace")).unwrap()),
        ],
    );
    let mut found = Vec::new();
    for folder in [folder.path(), path("x").parent().unwrap_or(Path::new(""))] {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                let text = fs::read_to_string(entry.path()).unwrap();
                found.push((entry.file_name().to_string_lossy().into_owned(), text));
            }
        }
    }
    found.sort();
    assert_eq!(found.len(), 7, "files of seven reports and nothing beside them");
    found
}

/// The report of this name.
pub(crate) fn report_named(name: &str) -> String {
    let all = all_reports(&events(), Redactor::default());
    all.into_iter().find(|(found, _)| found == name).map(|(_, text)| text).unwrap()
}
