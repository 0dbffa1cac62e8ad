//! Raw text of an own party, and what its receiver may do.

use super::{Mistake, Reader};
use crate::ast::{Pattern, PatternKind, RawText, TextOutcome, TextOutcomeKind};
use crate::yaml::{Key, Node, NodeKind};

impl Reader<'_> {
    /// `PARTY sends text: 'TEXT'` with `outcome`.
    pub(super) fn raw_text(&mut self, key: &Key, value: &Node, item: &Node, name: &str) -> Option<RawText> {
        let from = self.party(key, 0..name.len());
        let parts = self.text_parts(value);
        let mut outcome = Vec::new();
        match item.member("outcome") {
            Some(node) => {
                for one in node.one_or_many() {
                    outcome.extend(self.text_outcome(one));
                }
            }
            None => {
                let title = "what may come of the text is not said";
                self.say(Mistake::MissingKey, key.span, title, "needs `outcome: […]`");
            }
        }
        let text = Pattern { span: value.span, kind: PatternKind::Text(parts?) };
        Some(RawText { from: from?, text, outcome })
    }

    fn text_outcome(&mut self, node: &Node) -> Option<TextOutcome> {
        const WORDS: [&str; 5] = ["ignored", "answered", "error", "closed", "cut"];
        let mut outcome = TextOutcome { span: node.span, kind: TextOutcomeKind::Ignored, when: Vec::new(), warn: None };
        if let NodeKind::Scalar { text, .. } = &node.kind {
            outcome.kind = match text.as_str() {
                "ignored" => TextOutcomeKind::Ignored,
                "answered" => TextOutcomeKind::Answered,
                "error" => TextOutcomeKind::Error(Vec::new()),
                "closed" => TextOutcomeKind::Closed(Vec::new()),
                "cut" => TextOutcomeKind::Cut,
                other => {
                    self.stranger(Mistake::UnknownValue, node.span, other, "an outcome of a text", WORDS);
                    return None;
                }
            };
            return Some(outcome);
        }
        self.has_keys(node, "an outcome", &["ignored", "answered", "error", "closed", "cut", "when", "warn"]);
        self.only_one(node, &WORDS);
        outcome.when = node.member("when").map(|when| self.when(when)).unwrap_or_default();
        outcome.warn = node.member("warn").and_then(|warn| self.spanned(warn, "the warning"));
        let Some((key, value)) = node.members()?.iter().find(|(key, _)| WORDS.contains(&key.text.as_str())) else {
            let label = format!("needs one of {}", WORDS.join(", "));
            self.say(Mistake::MissingKey, node.span, "an outcome that says nothing", label);
            return None;
        };
        outcome.kind = match key.text.as_str() {
            "ignored" => TextOutcomeKind::Ignored,
            "answered" => TextOutcomeKind::Answered,
            "cut" => TextOutcomeKind::Cut,
            "error" => {
                let codes = self.narrowed(&outcome.when, |reader| reader.error_codes(value));
                TextOutcomeKind::Error(codes.into_iter().map(|code| code.value).collect())
            }
            _ if value.is_empty() || value.scalar() == Some("any") => TextOutcomeKind::Closed(Vec::new()),
            _ => TextOutcomeKind::Closed(self.codes(value, "a close code", 1000..=4999)),
        };
        Some(outcome)
    }
}
