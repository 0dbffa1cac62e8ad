//! What `rule` names: proven by the case, and binding.

use std::sync::Arc;

use protocol::statements::{self, Strength};
use verdict::Source;

use super::report::Report;
use crate::ast::{Answer, Case, Item, ItemKind, Part, Scope, Spanned};

/// Looks at every `rule` of a case.
pub(super) fn of_case(case: &Case, report: &mut Report) {
    let traces = case.traces.iter().map(|id| id.value.as_str()).collect();
    let at = Document { source: &case.source, versions: &case.versions, traces: Some(traces) };
    at.items(&case.steps, false, report);
}

/// Looks at every `rule` of a part, which proves nothing by itself.
pub(super) fn of_part(part: &Part, report: &mut Report) {
    let at = Document { source: &part.source, versions: &part.versions, traces: None };
    at.items(&part.steps, false, report);
}

struct Document<'a> {
    source: &'a Arc<Source>,
    versions: &'a [Spanned<protocol::Version>],
    traces: Option<Vec<&'a str>>,
}

impl Document<'_> {
    fn items(&self, items: &[Item], is_mild: bool, report: &mut Report) {
        for item in items {
            let is_mild = is_mild || item.warn.is_some();
            for id in item.rules.iter().flat_map(|rule| &rule.statements) {
                self.statement(id, is_mild, report);
            }
            for inner in inside(item) {
                self.items(inner, is_mild, report);
            }
        }
    }

    fn statement(&self, id: &Spanned<String>, is_mild: bool, report: &mut Report) {
        let Some(statement) = statements::statement(&id.value) else { return };
        let place = (self.source, id.span);
        if self.traces.as_ref().is_some_and(|traces| !traces.contains(&id.value.as_str())) {
            let title = format!("{} is a rule of this step, but not among the traces of the case", id.value);
            report.add("rule-untraced", place, title, "not in traces", |d| d.help("add it to traces"));
        }
        let mild = self
            .versions
            .iter()
            .find(|version| statement.is_of(version.value) && statement.strength_in(version.value) != Strength::Must);
        if let Some(version) = mild.filter(|_| !is_mild) {
            let strength = statement.strength_in(version.value);
            let title = format!("{} is not demanded in {}, so no device may fail over it", id.value, version.value);
            report.add("rule-not-binding", place, title, format!("is only \"{strength}\""), |d| {
                d.help("let its absence be a warning with warn, or name a rule that is demanded")
            });
        }
    }
}

/// The lists of items in an item.
fn inside(item: &Item) -> Vec<&[Item]> {
    match &item.kind {
        ItemKind::Call(call) => {
            let then: Vec<&[Item]> = match &call.answer {
                Answer::Replies(branches) => branches.iter().map(|branch| branch.then.as_slice()).collect(),
                _ => Vec::new(),
            };
            [vec![call.before_reply.as_slice()], then].concat()
        }
        ItemKind::Steps(items)
        | ItemKind::AnyOrder(items)
        | ItemKind::OneOf(items)
        | ItemKind::ForEach { steps: items, .. }
        | ItemKind::Never { scope: Scope::During(items), .. }
        | ItemKind::Offline(items, _) => vec![items],
        ItemKind::At(_)
        | ItemKind::Look(_)
        | ItemKind::Connection(_)
        | ItemKind::Text(_)
        | ItemKind::Run(_)
        | ItemKind::Check(_)
        | ItemKind::Never { scope: Scope::For(_), .. }
        | ItemKind::Quiet(_) => Vec::new(),
    }
}
