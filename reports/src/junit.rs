//! `--report-junit`: what CI servers read. The mapping of verdicts is [`verdict::junit_mapping`].

mod decorate;
mod text;

use std::collections::HashMap;
use std::path::Path;

use junit_report::{Duration, OffsetDateTime, Report, TestCase, TestCaseBuilder, TestSuite, TestSuiteBuilder};
use protocol::Timestamp;
use verdict::{CaseResult, FaultResult, Finding, JunitKind, Verdict, junit_mapping};

use crate::details::{self, Paint};
use crate::groups::{Rule, rules};
use crate::{DISCLAIMER, Document, ReportError, Run, transcript};
use text::{attribute, body};

/// Writes JUnit.
#[derive(Debug)]
pub struct Junit;

impl Junit {
    /// A JUnit report in this file.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn to_file(path: &Path) -> Result<Document, ReportError> {
        Document::new(path, render)
    }
}

/// The run as JUnit: a suite for each folder of the catalogue and side of the device.
pub fn render(run: &Run) -> String {
    let mut suites = Suites::default();
    for result in &run.results {
        suites.add(suite_name(result), result.started, case(result, run));
    }
    for finding in &run.findings {
        suites.add(format!("findings.{}", finding.device), run.started.unwrap_or_default(), found(finding));
    }
    for fault in &run.faults {
        suites.add(format!("faults.{}", fault.device), run.started.unwrap_or_default(), seeded(fault));
    }
    if let Some(why) = run.incomplete() {
        let mut cut = TestCaseBuilder::error("run", Duration::ZERO, "incomplete", why);
        cut.set_classname("plugfest").set_trace(why);
        suites.add("plugfest".to_owned(), run.started.unwrap_or_default(), cut.build());
    }
    let suites = suites.build(run);
    let skipped: Vec<usize> = suites.iter().map(TestSuite::skipped).collect();
    let mut report = Report::new();
    report.add_testsuites(suites);
    let mut xml = Vec::new();
    // Into memory, and every text is clean: neither can fail.
    let _ = report.write_xml(&mut xml);
    let properties =
        [("plugfest", attribute(&run.plugfest)), ("seed", run.seed.map(|seed| seed.to_string()).unwrap_or_default())];
    decorate::decorate(&xml, &skipped, &properties)
}

/// Also the class name of its cases. Jenkins takes what is in front of the last dot for a package.
fn suite_name(result: &CaseResult) -> String {
    attribute(&format!("{}.{}", result.folder, result.device))
}

fn case(result: &CaseResult, run: &Run) -> TestCase {
    let name = case_name(result);
    let time = Duration::milliseconds(i64::try_from(result.duration_ms.min(1 << 40)).unwrap_or(0));
    let message = message(result);
    let kind = junit_mapping(result.verdict, result.standing);
    let mut case = match kind {
        JunitKind::Failure => TestCaseBuilder::failure(&name, time, result.verdict.name(), &message),
        JunitKind::Error => TestCaseBuilder::error(&name, time, result.verdict.name(), &message),
        JunitKind::Skipped(why) => TestCaseBuilder::skipped_with_cause(&name, why, &message),
        JunitKind::Passed => TestCaseBuilder::success(&name, time),
    };
    let told = format!("{}{}", details::diagnostics(result, Paint::PLAIN), details::evidence(result, Paint::PLAIN));
    let mut out = about(result, run);
    match kind {
        // Some servers show the text of the element only, and not its message.
        JunitKind::Failure | JunitKind::Error => {
            case.set_trace(&body(&format!("{message}\n\n{told}")));
        }
        JunitKind::Passed if result.verdict == Verdict::Warn => {
            out.push_str(&format!("passed with a warning: {message}\n{told}"));
        }
        JunitKind::Passed | JunitKind::Skipped(_) => out.push_str(&told),
    }
    case.set_classname(&suite_name(result));
    if !result.file.is_empty() {
        case.set_filepath(&attribute(&result.file));
    }
    case.set_system_out(&body(&out));
    case.build()
}

/// The id of the case, with the version where the folder does not tell it.
fn case_name(result: &CaseResult) -> String {
    match result.folder.split('/').next() == Some(result.ocpp.number()) {
        true => attribute(&result.case),
        false => attribute(&format!("{} ({})", result.case, result.ocpp)),
    }
}

fn message(result: &CaseResult) -> String {
    match rules(result) {
        Some(rules) => attribute(&format!("{} [{rules}]", result.reason)),
        None => attribute(&result.reason),
    }
}

fn about(result: &CaseResult, run: &Run) -> String {
    let mut out = format!("{}\n", attribute(&result.title));
    let lists = [("certifies", &result.certifies), ("traces", &result.traces)];
    for (what, ids) in lists {
        if !ids.is_empty() {
            out.push_str(&format!("{what}: {}\n", attribute(&ids.join(", "))));
        }
    }
    if !result.identity.is_empty() {
        out.push_str(&format!("identity: {}\n", attribute(&result.identity)));
    }
    if let Some(seed) = run.seed {
        out.push_str(&format!("seed: {seed}\n"));
    }
    out
}

fn found(finding: &Finding) -> TestCase {
    let name = attribute(&finding.id);
    let message = attribute(&format!("{} [{}]", finding.summary, finding.oracle));
    let mut case = match finding.is_red() {
        false => TestCaseBuilder::skipped_with_cause(&name, &attribute(&finding.class), &message),
        true => TestCaseBuilder::failure(&name, Duration::ZERO, &attribute(&finding.class), &message),
    };
    let mut text = format!("{message}\n");
    if !finding.rule.is_empty() {
        text.push_str(&format!("{}\n", Rule::of(&finding.rule).line()));
    }
    let (_, rows) = transcript::finding(finding);
    for row in &rows {
        let mark = if row.marked { ">" } else { " " };
        text.push_str(&format!("{mark} {} {} {}\n", row.at, row.way, row.text));
    }
    if rows.is_empty() && !finding.frame.is_empty() {
        text.push_str(&format!("> {}\n", attribute(&finding.frame)));
    }
    text.push_str(&format!("\n{} messages after shrinking\n", finding.messages));
    text.extend(finding.flaky().map(|flaky| format!("{flaky}\n")));
    text.push_str(&format!("again: {}\n", attribute(&finding.replay)));
    case.set_trace(&body(&text));
    case.set_system_out(&body(&text)).set_classname(&format!("findings.{}", finding.device));
    case.build()
}

/// A fault that nobody noticed says something about the suite, and nothing about a device.
fn seeded(fault: &FaultResult) -> TestCase {
    let name = attribute(&format!("{} ({})", fault.fault, fault.ocpp));
    let mut case = match fault.undetected() {
        None => TestCaseBuilder::success(&name, Duration::ZERO),
        Some(how) => TestCaseBuilder::skipped_with_cause(&name, "not detected", how),
    };
    if !fault.by.is_empty() {
        case.set_system_out(&body(&format!("detected by {}\n", attribute(&fault.by.join(", ")))));
    }
    case.set_classname(&format!("faults.{}", fault.device));
    case.build()
}

/// Suites in the order in which they were first met.
#[derive(Default)]
struct Suites {
    suites: Vec<(String, Timestamp, Vec<TestCase>)>,
    by_name: HashMap<String, usize>,
    /// How often a name was met in a suite: servers drop the second of two with the same name.
    met: HashMap<(String, String), usize>,
}

impl Suites {
    fn add(&mut self, suite: String, started: Timestamp, mut case: TestCase) {
        let met = self.met.entry((suite.clone(), case.name.clone())).or_default();
        *met += 1;
        if *met > 1 {
            case.name.push_str(&format!(" #{met}"));
        }
        let at = *self.by_name.entry(suite.clone()).or_insert_with(|| {
            self.suites.push((suite, started, Vec::new()));
            self.suites.len() - 1
        });
        self.suites[at].2.push(case);
    }

    fn build(self, run: &Run) -> Vec<TestSuite> {
        let seed = run.seed.map(|seed| format!(", seed {seed}")).unwrap_or_default();
        let out = body(&format!("plugfest {}{seed}\n{DISCLAIMER}\n", attribute(&run.plugfest)));
        self.suites
            .into_iter()
            .map(|(name, started, cases)| {
                let mut suite = TestSuiteBuilder::new(&name);
                suite.set_timestamp(moment(started)).set_system_out(&out).add_testcases(cases);
                suite.build()
            })
            .collect()
    }
}

/// Whole seconds, and a year that RFC 3339 can write.
fn moment(at: Timestamp) -> OffsetDateTime {
    let seconds = at.0.div_euclid(1_000_000).clamp(0, 253_402_300_799);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
