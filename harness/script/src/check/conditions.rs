//! Conditions that can never hold.

use std::sync::Arc;

use protocol::configuration::{self, KeyType};
use protocol::{Role, Version};
use serde_json::Value;
use verdict::{Source, Span};

use super::report::Report;
use super::tree::{Actor, Node, Projection, Shape};
use crate::ast::{Capability, Case, Item, ItemKind, OperatorKind, Part, Pattern, PatternKind, Scope, Spanned, When};

/// Conditions on the version, read from the file itself: a projection leaves out what they exclude.
pub(super) fn versions(source: &Arc<Source>, document: &[Spanned<Version>], items: &[Item], report: &mut Report) {
    let possible: Vec<Version> = document.iter().map(|version| version.value).collect();
    items.iter().for_each(|item| version(source, &possible, item, report));
}

/// The versions of a case.
pub(super) fn of_case(case: &Case, report: &mut Report) {
    versions(&case.source, &case.versions, &case.steps, report);
}

/// The versions of a part.
pub(super) fn of_part(part: &Part, report: &mut Report) {
    versions(&part.source, &part.versions, &part.steps, report);
}

fn version(source: &Arc<Source>, possible: &[Version], item: &Item, report: &mut Report) {
    let left = narrowed(source, possible, &item.when, report);
    for inner in inner(item) {
        version(source, &left, inner, report);
    }
    if let ItemKind::Call(call) = &item.kind
        && let crate::ast::Answer::Replies(branches) = &call.answer
    {
        for branch in branches {
            let left = narrowed(source, &left, &branch.when, report);
            branch.then.iter().for_each(|item| version(source, &left, item, report));
        }
    }
    if let ItemKind::Text(text) = &item.kind {
        text.outcome.iter().for_each(|outcome| {
            narrowed(source, &left, &outcome.when, report);
        });
    }
}

fn narrowed(source: &Arc<Source>, possible: &[Version], when: &[When], report: &mut Report) -> Vec<Version> {
    let mut left = possible.to_vec();
    for condition in when {
        let When::Version(wanted) = condition else { continue };
        left.retain(|version| wanted.iter().any(|wanted| wanted.value == *version));
        if left.is_empty() && !possible.is_empty() {
            let span = Span {
                start: wanted.first().map_or(0, |version| version.span.start),
                end: wanted.last().map_or(0, |version| version.span.end),
            };
            never(source, span, "no version of this file is left", report);
        }
    }
    left
}

fn inner(item: &Item) -> Vec<&Item> {
    match &item.kind {
        ItemKind::Call(call) => call.before_reply.iter().collect(),
        ItemKind::Steps(items) | ItemKind::AnyOrder(items) | ItemKind::OneOf(items) | ItemKind::Offline(items, _) => {
            items.iter().collect()
        }
        ItemKind::ForEach { steps, .. } => steps.iter().collect(),
        ItemKind::Never { scope: Scope::During(items), .. } => items.iter().collect(),
        _ => Vec::new(),
    }
}

/// Conditions on capabilities and configuration.
pub(super) fn conditions(projection: &Projection<'_>, report: &mut Report) {
    let mut known = Known { capabilities: Vec::new(), settings: Vec::new() };
    if let Some(case) = projection.case {
        let wanted = match projection.device {
            Role::Station => &case.requires.station,
            Role::Csms => &case.requires.csms,
        };
        known.capabilities.extend(wanted.iter().map(|capability| capability.value.clone()));
        for setting in case.configure.iter().filter(|setting| setting.required) {
            if let PatternKind::Literal(value) = &setting.value.kind {
                known.settings.push((setting.key.value.clone(), value.clone()));
            }
        }
    }
    for segment in &projection.segments {
        segment.nodes.iter().for_each(|node| walk(projection, node, &known, report));
    }
}

/// What holds wherever the walk has come to.
#[derive(Clone)]
struct Known {
    /// Capabilities of the device.
    capabilities: Vec<Capability>,
    settings: Vec<(String, Value)>,
}

fn walk(projection: &Projection<'_>, node: &Node<'_>, known: &Known, report: &mut Report) {
    let mut known = known.clone();
    settle(projection, node, &node.item.when, &mut known, report);
    if let Shape::Call { branches, .. } = &node.shape {
        for (branch, then) in branches {
            let mut known = known.clone();
            settle(projection, node, &branch.when, &mut known, report);
            then.iter().for_each(|node| walk(projection, node, &known, report));
        }
        return;
    }
    node.inner().into_iter().for_each(|node| walk(projection, node, &known, report));
}

fn settle(projection: &Projection<'_>, node: &Node<'_>, when: &[When], known: &mut Known, report: &mut Report) {
    let is_here = Arc::ptr_eq(node.source, projection.document);
    for condition in when {
        match condition {
            When::Capability(wanted) => {
                // Only what the device must have is certain; whose capability it is depends on who acts.
                let of_device = {
                    let mut actors = Vec::new();
                    node.actors(projection, &mut actors);
                    actors.iter().all(|(actor, _)| *actor == Actor::Device)
                };
                let opposed = known
                    .capabilities
                    .iter()
                    .any(|other| other.name == wanted.value.name && other.negated != wanted.value.negated);
                if opposed && of_device && is_here {
                    never(node.source, wanted.span, "the opposite is certain here", report);
                }
            }
            When::Config(key, pattern) => {
                if projection.version == Version::V16
                    && configuration::key(&key.value).is_some_and(|key| key.ty == KeyType::Boolean)
                    && let PatternKind::Literal(value) = &pattern.kind
                    && !matches!(plain(value).as_str(), "true" | "false")
                {
                    never(node.source, pattern.span, "the key is true or false", report);
                }
                // What never holds for one user of a part may hold for the next.
                let set = known.settings.iter().find(|(name, _)| name.eq_ignore_ascii_case(&key.value));
                if let (Some((_, set)), PatternKind::Literal(value)) = (set, &pattern.kind)
                    && plain(set) != plain(value)
                    && is_here
                {
                    never(node.source, pattern.span, format!("configure sets it to {}", plain(set)), report);
                }
            }
            When::Version(_) | When::Name(..) => {}
        }
    }
}

/// Whether one of two conditions on a value is the opposite of the other, or both want different values.
pub(super) fn are_opposed(a: &Pattern, b: &Pattern) -> bool {
    let negated = |pattern: &Pattern| match &pattern.kind {
        PatternKind::Operators(operators) => operators.iter().find_map(|operator| match &operator.kind {
            OperatorKind::Not(inner) => match &inner.kind {
                PatternKind::Literal(value) => Some(plain(value)),
                _ => None,
            },
            _ => None,
        }),
        _ => None,
    };
    let literal = |pattern: &Pattern| match &pattern.kind {
        PatternKind::Literal(value) => Some(plain(value)),
        _ => None,
    };
    match (literal(a), literal(b)) {
        (Some(a), Some(b)) => a != b,
        (Some(value), None) => negated(b) == Some(value),
        (None, Some(value)) => negated(a) == Some(value),
        (None, None) => false,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_lowercase(),
        other => other.to_string(),
    }
}

fn never(source: &Arc<Source>, span: Span, why: impl Into<String>, report: &mut Report) {
    let title = "this condition never holds";
    report.add("never-true", (source, span), title, why, |d| d.help("leave the item out, or mend the condition"));
}
