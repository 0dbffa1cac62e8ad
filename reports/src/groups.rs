//! Results put together, so that fifty cases with one reason are one line.

use std::collections::HashMap;

use protocol::statements::{Strength, statement};
use protocol::{Role, Version};
use verdict::{CaseResult, StandingViolation, Verdict, safe_line};

use crate::Run;
use crate::status::Status;

/// Names in a list of cases.
const NAMES: usize = 12;
/// Characters of a reason.
pub(crate) const REASON: usize = 400;
/// Characters of an id, an identity, a path.
pub(crate) const ID: usize = 120;

/// A rule with what it says.
pub(crate) struct Rule {
    /// `16-REM-03`; with the oracle that noticed, where one did: `R-031 (one-answer)`.
    pub(crate) id: String,
    /// `must`, or nothing for a rule that has no statement.
    pub(crate) strength: &'static str,
    /// Our sentence, or nothing.
    pub(crate) sentence: &'static str,
}

impl Rule {
    /// The rule a text begins with.
    pub(crate) fn of(text: &str) -> Rule {
        let found = text.split_whitespace().next().and_then(statement);
        Rule {
            id: safe_line(text, ID),
            strength: found.map_or("", |statement| statement.strength.name()),
            sentence: found.map_or("", |statement| statement.sentence),
        }
    }

    /// A rule that a result names. Where no more than a warning came of it, the part that was missed is no more than
    /// recommended, however binding the rest of its statement.
    pub(crate) fn in_result(text: &str, result: &CaseResult) -> Rule {
        Rule::of_verdict(text, result.verdict, &result.violations)
    }

    fn of_verdict(text: &str, verdict: Verdict, violations: &[StandingViolation]) -> Rule {
        let named = |found: &&StandingViolation| text == format!("{} ({})", found.statement, found.oracle);
        let mut found = violations.iter().filter(named).peekable();
        let is_warning = match found.peek() {
            Some(_) => found.all(|found| found.verdict == Verdict::Warn),
            None => verdict == Verdict::Warn,
        };
        let rule = Rule::of(text);
        if is_warning { rule.recommended() } else { rule }
    }

    fn recommended(self) -> Rule {
        let strength = if self.strength == Strength::Must.name() { Strength::Should.name() } else { self.strength };
        Rule { strength, ..self }
    }

    /// All of it on a line.
    pub(crate) fn line(&self) -> String {
        match self.sentence {
            "" => self.id.clone(),
            sentence => format!("{}, {}: {sentence}", self.id, self.strength),
        }
    }
}

/// The ids of the rules that a result breaks, or of those of which it breaks one; nothing if there are none.
pub(crate) fn rules(result: &CaseResult) -> Option<String> {
    let ids = |rules: &[String]| -> Vec<String> { rules.iter().map(|rule| Rule::of(rule).id).collect() };
    let mut told = ids(&result.rules);
    let one_of = ids(&result.one_of);
    if !one_of.is_empty() {
        told.push(format!("one of {}", one_of.join(", ")));
    }
    (!told.is_empty()).then(|| told.join(", "))
}

/// A rule that watches every case, broken in one way, with the cases it was broken in.
pub(crate) struct Broken<'a> {
    pub(crate) device: Role,
    pub(crate) ocpp: Version,
    pub(crate) violation: &'a StandingViolation,
    pub(crate) verdict: Verdict,
    pub(crate) cases: Vec<&'a CaseResult>,
}

impl Broken<'_> {
    pub(crate) fn rule(&self) -> Rule {
        let rule = Rule::of(&format!("{} ({})", self.violation.statement, self.violation.oracle));
        if self.verdict == Verdict::Warn { rule.recommended() } else { rule }
    }
}

/// The standing violations of a run, each (rule, path) once, failures first.
pub(crate) fn broken(run: &Run) -> Vec<Broken<'_>> {
    let mut all: Vec<Broken<'_>> = Vec::new();
    let mut known = HashMap::new();
    for result in &run.results {
        for violation in &result.violations {
            let key = (result.device, result.ocpp, &violation.oracle, &violation.statement, &violation.path);
            let at = *known.entry(key).or_insert_with(|| {
                let (device, ocpp) = (result.device, result.ocpp);
                all.push(Broken { device, ocpp, violation, verdict: violation.verdict, cases: Vec::new() });
                all.len() - 1
            });
            all[at].verdict = all[at].verdict.max(violation.verdict);
            all[at].cases.push(result);
        }
    }
    all.sort_by_key(|group| std::cmp::Reverse(group.verdict));
    all
}

/// The results of this status by their reason, in the order of the run.
pub(crate) fn by_reason(run: &Run, status: Status) -> Vec<(String, Vec<&CaseResult>)> {
    let mut all: Vec<(&str, Vec<&CaseResult>)> = Vec::new();
    let mut known = HashMap::new();
    for result in run.results.iter().filter(|result| Status::of(result) == status) {
        let at = *known.entry(result.reason.as_str()).or_insert_with(|| {
            all.push((&result.reason, Vec::new()));
            all.len() - 1
        });
        all[at].1.push(result);
    }
    let told = |reason: &str| if reason.is_empty() { "no reason given".to_owned() } else { safe_line(reason, REASON) };
    all.into_iter().map(|(reason, results)| (told(reason), results)).collect()
}

/// `csms 1.6 cold-boot`, with the configuration of an embedded device where one decided.
pub(crate) fn name(result: &CaseResult) -> String {
    format!("{} {} {}", result.device, result.ocpp, case_name(result))
}

/// The same without side and version.
pub(crate) fn case_name(result: &CaseResult) -> String {
    let mut name = safe_line(&result.case, ID);
    if !result.configuration.is_empty() {
        name.push_str(&format!(" [{}]", safe_line(&result.configuration, ID)));
    }
    name
}

/// A few names of cases, and how many more there are.
pub(crate) fn names(results: &[&CaseResult]) -> String {
    let mut names: Vec<String> = results.iter().take(NAMES).map(|result| name(result)).collect();
    if results.len() > NAMES {
        names.push(format!("and {} more", results.len() - NAMES));
    }
    names.join(", ")
}

/// The results that took longest.
pub(crate) fn slowest(run: &Run, most: usize) -> Vec<&CaseResult> {
    let mut results: Vec<&CaseResult> = run.results.iter().filter(|result| result.duration_ms > 0).collect();
    results.sort_by_key(|result| std::cmp::Reverse(result.duration_ms));
    results.truncate(most);
    results
}

/// `1 case`, `2 cases`.
pub(crate) fn cases(count: usize) -> String {
    counted(count, "case")
}

/// `1 finding`, `2 findings`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// How many of each status there are, none left out in the order of the most telling.
pub(crate) fn statuses(run: &Run) -> Vec<(Status, usize)> {
    let count = |status| run.results.iter().filter(|result| Status::of(result) == status).count();
    Status::ALL.into_iter().map(|status| (status, count(status))).filter(|(_, count)| *count > 0).collect()
}

/// A length of time for people.
pub(crate) fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03} s", milliseconds / 1000, milliseconds % 1000)
}

#[cfg(test)]
mod tests {
    use protocol::Timestamp;

    use super::*;

    fn violation(verdict: Verdict) -> StandingViolation {
        StandingViolation {
            oracle: "text-rule".to_owned(),
            statement: "R-170".to_owned(),
            path: "StatusNotification/timestamp".to_owned(),
            verdict,
            sentence: "Times are best sent in UTC.".to_owned(),
            frame: String::new(),
            at: Timestamp::default(),
            first_in: None,
        }
    }

    #[test]
    fn what_is_no_more_than_a_warning_is_said_to_be_recommended() {
        let strength =
            |verdict, of_violation, rule| Rule::of_verdict(rule, verdict, &[violation(of_violation)]).strength;
        assert_eq!(strength(Verdict::Warn, Verdict::Warn, "R-170 (text-rule)"), "should");
        assert_eq!(strength(Verdict::Fail, Verdict::Warn, "R-170 (text-rule)"), "should");
        assert_eq!(strength(Verdict::Fail, Verdict::Fail, "R-170 (text-rule)"), "must");
        assert_eq!(strength(Verdict::Fail, Verdict::Warn, "16-TX-07"), "must");
        assert_eq!(strength(Verdict::Warn, Verdict::Fail, "16-TX-07"), "should");
    }
}
