//! What the page shows, as the template wants it: every text is safe to be looked at, and of bounded length. The
//! template escapes it.

use std::collections::HashMap;

use serde::Serialize;
use verdict::{CaseResult, FaultResult, Finding, Verdict, safe_line};

use crate::details::{LINES, Paint, diagnostics};
use crate::groups::{self, Broken, ID, REASON, Rule, by_reason, name, names, seconds};
use crate::status::Status;
use crate::{DISCLAIMER, Run, transcript};

/// Cases that are opened when there are few.
const OPEN: usize = 10;

#[derive(Serialize)]
pub(super) struct Page {
    style: &'static str,
    script: &'static str,
    disclaimer: &'static str,
    conclusion: &'static str,
    good: bool,
    incomplete: Option<&'static str>,
    facts: Vec<(&'static str, String)>,
    total: usize,
    tiles: Vec<Tile>,
    bad: Vec<Bad>,
    broken: Vec<Violated>,
    groups: Vec<Group>,
    suites: Vec<Suite>,
    findings: Vec<Found>,
    faults: Vec<Fault>,
}

#[derive(Serialize)]
struct Tile {
    key: &'static str,
    words: &'static str,
    count: usize,
}

/// A line of the list of failures.
#[derive(Serialize)]
struct Bad {
    number: usize,
    key: &'static str,
    label: &'static str,
    name: String,
    reason: String,
}

#[derive(Serialize)]
struct Violated {
    key: &'static str,
    label: &'static str,
    device: String,
    path: String,
    rule: Said,
    sentence: String,
    frame: String,
    count: usize,
    cases: String,
}

#[derive(Serialize)]
struct Said {
    id: String,
    strength: &'static str,
    sentence: &'static str,
}

#[derive(Serialize)]
struct Group {
    heading: &'static str,
    key: &'static str,
    reasons: Vec<(usize, String, String)>,
}

#[derive(Serialize)]
struct Suite {
    name: String,
    cases: Vec<Case>,
}

#[derive(Serialize)]
struct Case {
    number: usize,
    key: &'static str,
    label: &'static str,
    open: bool,
    name: String,
    title: String,
    time: String,
    reason: String,
    facts: Vec<(&'static str, String)>,
    diagnostics: String,
    rules: Vec<Said>,
    one_of: Vec<Said>,
    violations: Vec<Seen>,
    notes: Vec<String>,
    before: usize,
    frames: Vec<Frame>,
    after: usize,
    repeat: String,
}

#[derive(Serialize)]
struct Seen {
    label: &'static str,
    oracle: String,
    path: String,
    sentence: String,
    frame: String,
    first_in: String,
}

#[derive(Serialize)]
struct Frame {
    at: String,
    way: String,
    text: String,
    marked: bool,
}

#[derive(Serialize)]
struct Found {
    id: String,
    class: String,
    key: &'static str,
    rule: Said,
    flaky: String,
    before: usize,
    frames: Vec<Frame>,
    oracle: String,
    device: String,
    summary: String,
    messages: usize,
    replay: String,
}

#[derive(Serialize)]
struct Fault {
    id: String,
    device: String,
    reached: bool,
    triggered: bool,
    detected: bool,
    by: String,
}

impl Page {
    pub(super) fn of(run: &Run) -> Page {
        let mut facts = vec![("plugfest", safe_line(&run.plugfest, ID))];
        facts.extend(run.started.map(|at| ("started", at.to_string())));
        facts.extend(run.ended.map(|ended| ("took", seconds(ended.duration_ms))));
        facts.extend(run.seed.map(|seed| ("seed", seed.to_string())));
        facts.extend(run.ended.map(|ended| ("exit code", ended.exit_code.to_string())));
        facts.extend(run.device_says().map(|said| ("device", safe_line(said, REASON))));
        let tiles = groups::statuses(run).into_iter();
        Page {
            style: include_str!("report.css"),
            script: include_str!("report.js"),
            disclaimer: DISCLAIMER,
            conclusion: run.conclusion(),
            good: run.ended.is_some_and(|ended| ended.exit_code == 0),
            incomplete: run.incomplete(),
            facts,
            total: run.results.len(),
            tiles: tiles.map(|(status, count)| Tile { key: status.key(), words: status.words(), count }).collect(),
            bad: bad(run),
            broken: groups::broken(run).iter().map(Violated::of).collect(),
            groups: [
                (Status::Inconclusive, "Inconclusive, by reason"),
                (Status::NotApplicable, "Not applicable, by reason"),
            ]
            .into_iter()
            .filter_map(|(status, heading)| Group::of(run, status, heading))
            .collect(),
            suites: suites(run),
            findings: run.findings.iter().map(Found::of).collect(),
            faults: run.faults.iter().map(Fault::of).collect(),
        }
    }
}

fn bad(run: &Run) -> Vec<Bad> {
    let numbered = run.results.iter().enumerate();
    let bad = numbered.map(|(number, result)| (number, result, Status::of(result))).filter(|bad| bad.2.is_bad());
    bad.map(|(number, result, status)| Bad {
        number,
        key: status.key(),
        label: status.label(),
        name: name(result),
        reason: safe_line(&result.reason, REASON),
    })
    .collect()
}

fn suites(run: &Run) -> Vec<Suite> {
    let bad = run.results.iter().filter(|result| Status::of(result).is_bad()).count();
    let mut suites: Vec<Suite> = Vec::new();
    let mut known = HashMap::new();
    for (number, result) in run.results.iter().enumerate() {
        let folder = if result.folder.is_empty() { "cases".to_owned() } else { safe_line(&result.folder, ID) };
        let name = format!("{folder}, {}", result.device);
        let case = Case::of(number, result, bad <= OPEN);
        let at = *known.entry(name).or_insert_with_key(|name| {
            suites.push(Suite { name: name.clone(), cases: Vec::new() });
            suites.len() - 1
        });
        suites[at].cases.push(case);
    }
    suites
}

impl Said {
    fn of(rule: Rule) -> Said {
        Said { id: rule.id, strength: rule.strength, sentence: rule.sentence }
    }
}

impl Violated {
    fn of(group: &Broken<'_>) -> Violated {
        let status = if group.verdict == Verdict::Fail { Status::Fail } else { Status::Warn };
        Violated {
            key: status.key(),
            label: status.label(),
            device: format!("{} {}", group.device, group.ocpp),
            path: safe_line(&group.violation.path, REASON),
            rule: Said::of(group.rule()),
            sentence: safe_line(&group.violation.sentence, REASON),
            frame: safe_line(&group.violation.frame, REASON),
            count: group.cases.len(),
            cases: names(&group.cases),
        }
    }
}

impl Group {
    fn of(run: &Run, status: Status, heading: &'static str) -> Option<Group> {
        let groups = by_reason(run, status);
        let reasons = groups.into_iter().map(|(reason, results)| (results.len(), reason, names(&results)));
        let reasons: Vec<_> = reasons.collect();
        (!reasons.is_empty()).then_some(Group { heading, key: status.key(), reasons })
    }
}

impl Case {
    fn of(number: usize, result: &CaseResult, open: bool) -> Case {
        let status = Status::of(result);
        let mut facts = vec![("file", safe_line(&result.file, REASON))];
        facts.extend([
            ("certifies", safe_line(&result.certifies.join(", "), REASON)),
            ("traces", safe_line(&result.traces.join(", "), REASON)),
            ("identity", safe_line(&result.identity, ID)),
            ("plans", result.plans.to_string()),
            ("verdict", format!("{}, {}", result.verdict.name(), expected(result))),
        ]);
        facts.retain(|(_, value)| !value.is_empty());
        let (before, rows, after) = transcript::rows(result);
        Case {
            number,
            key: status.key(),
            label: status.label(),
            open: open && status.is_bad(),
            name: name(result),
            title: safe_line(&result.title, REASON),
            time: seconds(result.duration_ms),
            reason: safe_line(&result.reason, REASON),
            facts,
            diagnostics: diagnostics(result, Paint::PLAIN),
            rules: result.rules.iter().take(LINES).map(|rule| Said::of(Rule::in_result(rule, result))).collect(),
            one_of: result.one_of.iter().take(LINES).map(|rule| Said::of(Rule::of(rule))).collect(),
            violations: result
                .violations
                .iter()
                .take(LINES)
                .map(|violation| Seen {
                    label: if violation.verdict == Verdict::Fail { "fail" } else { "warn" },
                    oracle: safe_line(&violation.oracle, ID),
                    path: safe_line(&violation.path, REASON),
                    sentence: safe_line(&violation.sentence, REASON),
                    frame: safe_line(&violation.frame, REASON),
                    first_in: safe_line(violation.first_in.as_deref().unwrap_or_default(), ID),
                })
                .collect(),
            notes: result.notes.iter().take(LINES).map(|note| safe_line(note, REASON)).collect(),
            before,
            frames: rows
                .into_iter()
                .map(|row| Frame { at: row.at, way: row.way, text: row.text, marked: row.marked })
                .collect(),
            after,
            repeat: safe_line(&result.repeat, 1000),
        }
    }
}

fn expected(result: &CaseResult) -> &'static str {
    match result.standing {
        verdict::Standing::Expected => "expected",
        verdict::Standing::Unexpected => "unexpected",
    }
}

impl Found {
    fn of(finding: &Finding) -> Found {
        let (before, rows) = transcript::finding(finding);
        Found {
            id: safe_line(&finding.id, ID),
            class: safe_line(&finding.class, ID),
            key: if finding.is_red() { Status::Fail.key() } else { Status::Warn.key() },
            rule: Said::of(Rule::of(&finding.rule)),
            flaky: finding.flaky().unwrap_or_default(),
            before,
            frames: rows
                .into_iter()
                .map(|row| Frame { at: row.at, way: row.way, text: row.text, marked: row.marked })
                .collect(),
            oracle: safe_line(&finding.oracle, ID),
            device: format!("{} {}", finding.device, finding.ocpp),
            summary: safe_line(&finding.summary, REASON),
            messages: finding.messages,
            replay: safe_line(&finding.replay, 1000),
        }
    }
}

impl Fault {
    fn of(fault: &FaultResult) -> Fault {
        Fault {
            id: safe_line(&fault.fault, ID),
            device: format!("{} {}", fault.device, fault.ocpp),
            reached: fault.reached,
            triggered: fault.triggered,
            detected: fault.detected,
            by: match fault.undetected().filter(|_| fault.left_to_streams) {
                Some(how) => how.to_owned(),
                None => safe_line(&fault.by.join(", "), REASON),
            },
        }
    }
}
