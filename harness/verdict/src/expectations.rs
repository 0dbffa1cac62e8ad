//! Expected failures: what a list excuses, and how the list rots loudly.

use std::sync::Arc;

use protocol::{Role, Version};

use crate::{CaseResult, Diagnostic, Source, Span, Standing, Verdict};

/// An entry of a list of expected failures. What is left out does not narrow it; one that names neither a case
/// nor a rule excuses nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// An id of a case, or a pattern of ids with `*` and `?`.
    pub case: Option<String>,
    /// Only on this side of the device.
    pub device: Option<Role>,
    /// Only in this version.
    pub ocpp: Option<Version>,
    /// Only for this rule, a statement id or the name of a standing oracle, or a pattern of these.
    pub rule: Option<String>,
    /// Why it is expected.
    pub reason: String,
    /// Where that is tracked.
    pub link: Option<String>,
    /// The line of the file it begins at, from 1.
    pub line: usize,
}

/// A list of expected failures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectations {
    entries: Vec<Entry>,
    no_warnings: bool,
}

/// What a list says about a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Listed {
    /// Nothing.
    No,
    /// Its case is listed, but not (all of) the rules it broke.
    CaseOnly,
    /// Its case is not named, but all the rules it broke are.
    RulesOnly,
    /// Its case is listed, and so is everything it broke.
    CaseAndRules,
}

/// What came of holding a result against the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Whether it was expected.
    pub standing: Standing,
    /// What the list has to say about it, for the reason of the result.
    pub reason: Option<String>,
}

/// Whether a verdict was expected, given what the list says. A list excuses a failure and what could not be
/// judged, never an error of ours; a listed case that passes is not expected.
pub fn standing(verdict: Verdict, listed: Listed) -> Standing {
    match (verdict, listed) {
        (Verdict::Error, _) => Standing::Unexpected,
        (Verdict::NotApplicable, _) => Standing::Expected,
        (Verdict::Fail | Verdict::Inconclusive, Listed::RulesOnly | Listed::CaseAndRules) => Standing::Expected,
        (Verdict::Fail | Verdict::Inconclusive, Listed::No | Listed::CaseOnly) => Standing::Unexpected,
        (Verdict::Pass | Verdict::Warn, Listed::No | Listed::RulesOnly) => Standing::Expected,
        (Verdict::Pass | Verdict::Warn, Listed::CaseOnly | Listed::CaseAndRules) => Standing::Unexpected,
    }
}

impl Expectations {
    /// A list of these entries.
    pub fn new(entries: Vec<Entry>) -> Expectations {
        Expectations { entries, no_warnings: false }
    }

    /// A warning is not expected either: of a device that is known to heed every recommendation.
    #[must_use]
    pub fn without_warnings(self) -> Expectations {
        Expectations { no_warnings: true, ..self }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Holds a result against the list.
    pub fn judge(&self, result: &CaseResult) -> Judgement {
        let listing = self.listing(result);
        if self.no_warnings && result.verdict == Verdict::Warn && listing.listed == Listed::No {
            let reason = "no warning is expected of this device".to_owned();
            return Judgement { standing: Standing::Unexpected, reason: Some(reason) };
        }
        let standing = standing(result.verdict, listing.listed);
        let reason = match (result.verdict, standing) {
            (Verdict::Fail | Verdict::Inconclusive, Standing::Expected) => {
                listing.excuse.map(|entry| format!("expected: {}", entry.told()))
            }
            (Verdict::Fail | Verdict::Inconclusive, Standing::Unexpected) => {
                listing.named.map(|entry| {
                    format!(
                        "line {} of the expected failures is about this case, but does not cover {}",
                        entry.line,
                        listing.uncovered(&result.broken())
                    )
                })
            }
            (Verdict::Pass | Verdict::Warn, Standing::Unexpected) => listing.named.map(|entry| {
                format!(
                    "passed although line {} lists it as an expected failure ({}): take the entry out, or narrow it with device, ocpp or rule",
                    entry.line,
                    entry.told()
                )
            }),
            _ => None,
        };
        Judgement { standing, reason }
    }

    /// Holds a result against the list and writes down in it what came of it.
    pub fn apply(&self, result: &mut CaseResult) {
        let judgement = self.judge(result);
        result.standing = judgement.standing;
        if let Some(reason) = judgement.reason {
            if !result.reason.is_empty() {
                result.reason.push_str("; ");
            }
            result.reason.push_str(&reason);
        }
    }

    /// What is wrong with the list itself: an entry that names nothing, gives no reason, or whose pattern matches
    /// nothing among all the cases and rules there are. `source` is the file it was read from.
    pub fn check(&self, source: &Arc<Source>, cases: &[&str], rules: &[&str]) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for entry in &self.entries {
            let at = line_span(&source.text, entry.line);
            if entry.case.is_none() && entry.rule.is_none() {
                found.push(
                    Diagnostic::error(
                        "expectation-without-subject",
                        "an expected failure names neither a case nor a rule",
                    )
                    .at(source, at, "would excuse everything")
                    .help("add `case:` with an id or a pattern, or `rule:` with a statement id or an oracle"),
                );
            }
            if entry.reason.trim().is_empty() {
                found.push(
                    Diagnostic::error("expectation-without-reason", "an expected failure gives no reason")
                        .at(source, at, "why is this expected?")
                        .help("add `reason:` with a sentence, and `link:` to where it is tracked"),
                );
            }
            let patterns = [("case", &entry.case, cases), ("rule", &entry.rule, rules)];
            for (what, pattern, all) in patterns {
                let Some(pattern) = pattern else { continue };
                if all.iter().any(|name| glob(pattern, name)) {
                    continue;
                }
                let mut diagnostic = Diagnostic::error(
                    "expectation-matches-nothing",
                    format!("no {what} is called \"{pattern}\""),
                )
                .at(source, at, format!("matches none of the {} {what}s there are", all.len()));
                if let Some(near) = nearest(pattern, all) {
                    diagnostic = diagnostic.help(format!("did you mean \"{near}\"?"));
                }
                found.push(diagnostic);
            }
        }
        found
    }

    fn listing(&self, result: &CaseResult) -> Listing<'_> {
        let applying: Vec<&Entry> = self.entries.iter().filter(|entry| entry.applies(result)).collect();
        let named = applying.iter().copied().find(|entry| entry.case.is_some());
        let covers_all = applying.iter().copied().find(|entry| entry.rule.is_none());
        let covering = |rule: &String| {
            applying.iter().copied().find(|entry| entry.rule.as_ref().is_none_or(|pattern| means(pattern, rule)))
        };
        let broken = result.broken();
        let by_rules = !broken.is_empty() && broken.iter().all(|rule| covering(rule).is_some());
        let excuse = covers_all.or_else(|| broken.iter().find_map(covering));
        let listed = match (named.is_some(), covers_all.is_some() || by_rules) {
            (false, false) => Listed::No,
            (true, false) => Listed::CaseOnly,
            (false, true) => Listed::RulesOnly,
            (true, true) => Listed::CaseAndRules,
        };
        Listing { listed, named, excuse, applying }
    }
}

struct Listing<'a> {
    listed: Listed,
    /// The entry that names the case.
    named: Option<&'a Entry>,
    /// The entry that excuses what was broken.
    excuse: Option<&'a Entry>,
    applying: Vec<&'a Entry>,
}

impl Listing<'_> {
    fn uncovered(&self, rules: &[String]) -> String {
        let open: Vec<&str> = rules
            .iter()
            .filter(|rule| {
                !self.applying.iter().any(|entry| entry.rule.as_ref().is_some_and(|pattern| means(pattern, rule)))
            })
            .map(String::as_str)
            .collect();
        if open.is_empty() { "this verdict, which names no rule".to_owned() } else { open.join(", ") }
    }
}

impl Entry {
    /// Whether it is about such a result at all, its rules aside.
    fn applies(&self, result: &CaseResult) -> bool {
        (self.case.is_some() || self.rule.is_some())
            && self.case.as_ref().is_none_or(|pattern| glob(pattern, &result.case))
            && self.device.is_none_or(|device| device == result.device)
            && self.ocpp.is_none_or(|version| version == result.ocpp)
    }

    fn told(&self) -> String {
        match &self.link {
            Some(link) => format!("{}, {link}", self.reason),
            None => self.reason.clone(),
        }
    }
}

/// Whether a pattern means a rule. What a standing oracle saw is called `R-050 (well-formed-frame)`: its statement, its
/// oracle, and both together mean it.
fn means(pattern: &str, rule: &str) -> bool {
    let parts = rule.strip_suffix(')').and_then(|rule| rule.split_once(" ("));
    glob(pattern, rule) || parts.is_some_and(|(statement, oracle)| glob(pattern, statement) || glob(pattern, oracle))
}

/// Whether a name fits a pattern in which `*` stands for any characters and `?` for one. Takes at most
/// pattern × name steps.
pub fn glob(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    n = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// The name that shares most of its pairs of letters with the pattern, if that is at least half.
fn nearest<'a>(pattern: &str, names: &[&'a str]) -> Option<&'a str> {
    let pairs = |text: &str| -> Vec<(char, char)> {
        let text: Vec<char> = text.chars().take(100).collect();
        text.windows(2).map(|pair| (pair[0], pair[1])).collect()
    };
    let wanted = pairs(pattern);
    names
        .iter()
        .map(|name| {
            let mut open = pairs(name);
            let all = wanted.len() + open.len();
            let shared = wanted
                .iter()
                .filter(|pair| {
                    let at = open.iter().position(|other| other == *pair);
                    at.map(|at| open.swap_remove(at)).is_some()
                })
                .count();
            (200 * shared / all.max(1), *name)
        })
        .filter(|(likeness, _)| *likeness >= 50)
        .max_by_key(|(likeness, _)| *likeness)
        .map(|(_, name)| name)
}

fn line_span(text: &str, line: usize) -> Span {
    let mut start = 0;
    for (number, content) in text.split('\n').enumerate() {
        if number + 1 == line {
            let lead = content.len() - content.trim_start().len();
            return Span { start: start + lead, end: start + content.trim_end().len().max(lead) };
        }
        start += content.len() + 1;
    }
    Span { start: text.len(), end: text.len() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::tests::result;
    use Standing::{Expected, Unexpected};
    use Verdict::{Error, Fail, Inconclusive, NotApplicable, Pass, Warn};

    #[test]
    fn the_whole_truth_table_of_verdict_and_listing() {
        let table = [
            //               No          CaseOnly    RulesOnly   CaseAndRules
            (Pass, [Expected, Unexpected, Expected, Unexpected]),
            (Warn, [Expected, Unexpected, Expected, Unexpected]),
            (Fail, [Unexpected, Unexpected, Expected, Expected]),
            (Inconclusive, [Unexpected, Unexpected, Expected, Expected]),
            (NotApplicable, [Expected, Expected, Expected, Expected]),
            (Error, [Unexpected, Unexpected, Unexpected, Unexpected]),
        ];
        let columns = [Listed::No, Listed::CaseOnly, Listed::RulesOnly, Listed::CaseAndRules];
        for (verdict, row) in table {
            for (listed, wanted) in columns.into_iter().zip(row) {
                assert_eq!(standing(verdict, listed), wanted, "{verdict:?} {listed:?}");
            }
        }
    }

    #[test]
    fn of_a_device_that_is_known_to_heed_what_is_recommended_no_warning_is_expected() {
        let strict = Expectations::default().without_warnings();
        let listed = Expectations::new(vec![entry(None, Some("R-242"))]).without_warnings();
        let standings = |list: &Expectations| {
            [Pass, Warn, Fail, NotApplicable].map(|verdict| list.judge(&result("a", verdict, Expected)).standing)
        };
        assert_eq!(standings(&Expectations::default()), [Expected, Expected, Unexpected, Expected]);
        assert_eq!(standings(&strict), [Expected, Unexpected, Unexpected, Expected]);
        assert_eq!(standings(&listed), standings(&strict));
    }

    fn entry(case: Option<&str>, rule: Option<&str>) -> Entry {
        Entry {
            case: case.map(str::to_owned),
            rule: rule.map(str::to_owned),
            reason: "known".to_owned(),
            line: 3,
            ..Entry::default()
        }
    }

    fn judged(entry: Entry, verdict: Verdict, rules: &[&str]) -> Standing {
        let mut result = result("cold-boot", verdict, Unexpected);
        result.rules = rules.iter().map(|rule| (*rule).to_owned()).collect();
        Expectations::new(vec![entry]).judge(&result).standing
    }

    #[test]
    fn every_verdict_against_every_kind_of_entry() {
        type Row = (Option<&'static str>, Option<&'static str>, Verdict, &'static [&'static str], Standing);
        let here = Some("cold-*");
        let table: [Row; 22] = [
            (here, None, Fail, &["16-BOOT-02"], Expected),
            (here, None, Fail, &[], Expected),
            (here, None, Inconclusive, &[], Expected),
            (here, None, Error, &[], Unexpected),
            (here, None, NotApplicable, &[], Expected),
            (here, None, Pass, &[], Unexpected),
            (here, None, Warn, &["16-BOOT-02"], Unexpected),
            (here, Some("16-*"), Fail, &["16-BOOT-02"], Expected),
            (here, Some("16-*"), Fail, &["16-BOOT-02", "R-031"], Unexpected),
            (here, Some("16-*"), Fail, &[], Unexpected),
            (here, Some("16-*"), Inconclusive, &[], Unexpected),
            (here, Some("16-*"), Inconclusive, &["16-BOOT-02"], Expected),
            (here, Some("16-*"), Error, &["16-BOOT-02"], Unexpected),
            (here, Some("16-*"), Pass, &[], Unexpected),
            (None, Some("16-*"), Fail, &["16-BOOT-02"], Expected),
            (None, Some("16-*"), Fail, &["R-031"], Unexpected),
            (None, Some("16-*"), Pass, &[], Expected),
            (None, Some("16-*"), Error, &["16-BOOT-02"], Unexpected),
            (Some("other"), None, Fail, &["16-BOOT-02"], Unexpected),
            (Some("other"), None, Pass, &[], Expected),
            (None, None, Fail, &["16-BOOT-02"], Unexpected),
            (None, None, Pass, &[], Expected),
        ];
        for (case, rule, verdict, rules, wanted) in table {
            let found = judged(entry(case, rule), verdict, rules);
            assert_eq!(found, wanted, "{case:?} {rule:?} {verdict:?} {rules:?}");
        }
    }

    #[test]
    fn two_entries_together_excuse_two_rules() {
        let list = Expectations::new(vec![entry(Some("cold-boot"), Some("16-BOOT-02")), entry(None, Some("R-031"))]);
        let mut result = result("cold-boot", Fail, Unexpected);
        result.rules = vec!["16-BOOT-02".to_owned(), "R-031".to_owned()];
        assert_eq!(list.judge(&result).standing, Expected);
    }

    #[test]
    fn what_an_oracle_saw_is_meant_by_its_statement_and_by_the_oracle() {
        let rules = ["R-050 (well-formed-frame)"];
        for pattern in ["R-050", "well-formed-frame", "R-05?", "R-050 (well-formed-frame)"] {
            assert_eq!(judged(entry(None, Some(pattern)), Fail, &rules), Expected, "{pattern}");
        }
        assert_eq!(judged(entry(None, Some("R-051")), Fail, &rules), Unexpected);
    }

    #[test]
    fn an_entry_for_another_side_or_version_is_not_about_the_result() {
        let other_side = Entry { device: Some(Role::Station), ..entry(Some("cold-boot"), None) };
        let other_version = Entry { ocpp: Some(Version::V21), ..entry(Some("cold-boot"), None) };
        for other in [other_side, other_version] {
            assert_eq!(judged(other.clone(), Fail, &[]), Unexpected);
            assert_eq!(judged(other, Pass, &[]), Expected);
        }
    }

    #[test]
    fn the_reason_of_the_list_ends_up_in_the_result() {
        let list =
            Expectations::new(vec![Entry { link: Some("ISSUE-7".to_owned()), ..entry(Some("cold-boot"), None) }]);
        let mut failed = result("cold-boot", Fail, Unexpected);
        failed.reason = "no BootNotification".to_owned();
        list.apply(&mut failed);
        assert_eq!(failed.reason, "no BootNotification; expected: known, ISSUE-7");
        let mut passed = result("cold-boot", Pass, Expected);
        passed.reason.clear();
        list.apply(&mut passed);
        assert_eq!(passed.standing, Unexpected);
        assert!(passed.reason.starts_with("passed although line 3 lists it"), "{}", passed.reason);
    }

    #[test]
    fn a_pattern_that_matches_nothing_there_is_is_an_error_at_its_line() {
        let source = Arc::new(Source {
            path: "expected.yaml".to_owned(),
            text: "expected:\n  # known\n  - case: cold-bot\n    reason: known\n".to_owned(),
        });
        let list =
            Expectations::new(vec![entry(Some("cold-bot"), None), entry(None, Some("R-03*")), entry(None, None)]);
        let found = list.check(&source, &["cold-boot", "reset-hard"], &["R-031"]);
        let codes: Vec<&str> = found.iter().map(|diagnostic| diagnostic.code.as_str()).collect();
        assert_eq!(codes, ["expectation-matches-nothing", "expectation-without-subject"]);
        assert_eq!(found[0].help.as_deref(), Some("did you mean \"cold-boot\"?"));
        assert_eq!(found[0].excerpts[0].first_line, 3);
    }

    #[test]
    fn patterns_know_star_and_question_mark_and_do_not_explode() {
        assert!(glob("*", ""));
        assert!(glob("cold-*", "cold-boot"));
        assert!(glob("*boot?", "cold-boots"));
        assert!(!glob("cold", "cold-boot"));
        assert!(!glob("?", ""));
        let many = "*a".repeat(200);
        assert!(!glob(&many, &"a".repeat(199)));
    }
}
