//! The list of expected failures of a run: a YAML file with one key, `expected`.

use std::path::Path;
use std::sync::Arc;

use protocol::catalogue::suggest;
use protocol::statements;
use script::Library;
use script::yaml::{self, Node, NodeKind};
use verdict::Entry;
use verdict::{Diagnostic, ExitCode, Expectations, Source, Span, oracles};

use crate::catalogue;
use crate::failure::Failure;

/// What an entry may say.
const KEYS: [&str; 6] = ["case", "device", "ocpp", "rule", "reason", "link"];

/// Reads `--expect FILE`; no file, nothing expected.
pub(crate) fn read(file: Option<&Path>, library: &Library) -> Result<Expectations, Failure> {
    let Some(file) = file else { return Ok(Expectations::default()) };
    let source = catalogue::read(file)?;
    let cases: Vec<&str> = library.cases().iter().map(|case| case.id.value.as_str()).collect();
    parse(&source, &cases).map_err(|found| Failure::diagnosed(ExitCode::InvalidFile, found))
}

/// What is wrong with a list of expected failures, for the embedded catalogue.
pub(crate) fn check(source: &Arc<Source>) -> Vec<Diagnostic> {
    let Ok(library) = catalogue::load(&[]) else { return Vec::new() };
    let cases: Vec<&str> = library.cases().iter().map(|case| case.id.value.as_str()).collect();
    parse(source, &cases).err().unwrap_or_default()
}

fn parse(source: &Arc<Source>, cases: &[&str]) -> Result<Expectations, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let root = yaml::parse(source, &mut found);
    let mut reader = Reader { source, found };
    let entries = root.map(|root| reader.entries(&root)).unwrap_or_default();
    let expectations = Expectations::new(entries);
    let mut found = reader.found;
    if found.is_empty() {
        found = expectations.check(source, cases, &rules());
    }
    if found.is_empty() { Ok(expectations) } else { Err(found) }
}

/// Everything that can be broken.
fn rules() -> Vec<&'static str> {
    let statements = statements::statements().iter().map(|statement| statement.id);
    statements.chain(oracles::ORACLES.iter().map(|(name, _)| *name)).collect()
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    found: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn entries(&mut self, root: &Node) -> Vec<Entry> {
        let list = match root.members() {
            Some([(key, list)]) if key.text == "expected" => list,
            _ => {
                self.fail(root.span, "a list of expected failures has one key, `expected`", "here");
                return Vec::new();
            }
        };
        match &list.kind {
            NodeKind::List(items) => items.iter().map(|item| self.entry(item)).collect(),
            _ if list.is_empty() => Vec::new(),
            _ => {
                self.fail(list.span, "`expected` is a list", "expected `- case: …` or `- rule: …`");
                Vec::new()
            }
        }
    }

    fn entry(&mut self, node: &Node) -> Entry {
        let before = self.source.text.get(..node.span.start).unwrap_or_default();
        let mut entry = Entry { line: 1 + before.matches('\n').count(), ..Entry::default() };
        let Some(members) = node.members() else {
            self.fail(node.span, "an expected failure is a map", "expected `case`, `rule` and `reason`");
            return entry;
        };
        for (key, value) in members {
            let Some(text) = value.scalar().filter(|text| !text.is_empty()) else {
                self.fail(value.span, format!("`{}` is a text", key.text), "expected a text");
                continue;
            };
            match key.text.as_str() {
                "case" => entry.case = Some(text.to_owned()),
                "rule" => entry.rule = Some(text.to_owned()),
                "reason" => entry.reason = text.to_owned(),
                "link" => entry.link = Some(text.to_owned()),
                "device" => entry.device = self.parsed(value, text),
                "ocpp" => entry.ocpp = self.parsed(value, text),
                stranger => {
                    let help = match suggest(stranger, KEYS) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("known are {}", KEYS.join(", ")),
                    };
                    let title = format!("\"{stranger}\" is not a key of an expected failure");
                    let diagnostic =
                        Diagnostic::error("expectation-file", title).at(self.source, key.span, "not known");
                    self.found.push(diagnostic.help(help));
                }
            }
        }
        entry
    }

    fn parsed<T: std::str::FromStr<Err = String>>(&mut self, node: &Node, text: &str) -> Option<T> {
        text.parse().map_err(|why: String| self.fail(node.span, why, "not known")).ok()
    }

    fn fail(&mut self, span: Span, title: impl Into<String>, label: &str) {
        self.found.push(Diagnostic::error("expectation-file", title).at(self.source, span, label));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Expectations, Vec<String>> {
        let source = Arc::new(Source { path: "expected.yaml".to_owned(), text: text.to_owned() });
        parse(&source, &["cold-boot"]).map_err(|found| found.iter().map(|found| found.render(false)).collect())
    }

    #[test]
    fn a_list_of_cases_and_rules_is_read() {
        let list = parsed(
            "expected:\n  - rule: R-050\n    ocpp: \"1.6\"\n    reason: known\n  - case: cold-*\n    device: csms\n    reason: known, too\n",
        );
        assert!(list.is_ok_and(|list| !list.is_empty()));
        assert!(parsed("expected: []\n").is_ok_and(|list| list.is_empty()));
    }

    #[test]
    fn a_misspelt_key_is_shown_with_what_was_meant() {
        let found = parsed("expected:\n  - case: cold-boot\n    reasn: known\n").unwrap_err();
        assert!(found[0].contains("did you mean `reason`?"), "{}", found[0]);
        assert!(found[0].contains("expected.yaml:3"), "{}", found[0]);
    }

    #[test]
    fn a_name_that_nothing_has_makes_the_list_wrong() {
        let found = parsed("expected:\n  - rule: R-999\n    reason: known\n  - case: cold-bot\n    reason: known\n");
        assert_eq!(found.unwrap_err().len(), 2);
        assert!(parsed("expected:\n  - case: cold-boot\n").is_err(), "a reason is missing");
        assert!(parsed("- case: cold-boot\n").is_err(), "the key is missing");
    }
}
