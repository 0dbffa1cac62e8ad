//! Which parts the cases come to.

use std::collections::HashSet;

use protocol::Role;

use super::report::Report;
use crate::Library;
use crate::ast::{Answer, Begin, Case, Invocation, Item, ItemKind, Part, PartKind, Scope};

/// The uses of parts in a case.
fn of_case(case: &Case) -> Vec<(PartKind, &Invocation)> {
    let mut uses = Vec::new();
    if let Begin::State(invocation) = &case.begin {
        uses.push((PartKind::State, invocation));
    }
    uses.extend(case.remember.iter().map(|invocation| (PartKind::Memory, invocation)));
    in_items(&case.steps, &mut uses);
    uses
}

/// The uses of parts in a part.
fn of_part(part: &Part) -> Vec<(PartKind, &Invocation)> {
    let mut uses = Vec::new();
    if let Some(Begin::State(invocation)) = &part.from {
        uses.push((PartKind::State, invocation));
    }
    in_items(&part.steps, &mut uses);
    uses
}

fn in_items<'a>(items: &'a [Item], uses: &mut Vec<(PartKind, &'a Invocation)>) {
    for item in items {
        match &item.kind {
            ItemKind::Run(invocation) => uses.push((PartKind::Phrase, invocation)),
            ItemKind::Call(call) => {
                in_items(&call.before_reply, uses);
                if let Answer::Replies(branches) = &call.answer {
                    branches.iter().for_each(|branch| in_items(&branch.then, uses));
                }
            }
            ItemKind::Steps(items) | ItemKind::AnyOrder(items) | ItemKind::OneOf(items) => in_items(items, uses),
            ItemKind::ForEach { steps, .. } => in_items(steps, uses),
            ItemKind::Never { scope: Scope::During(items), .. } | ItemKind::Offline(items, _) => in_items(items, uses),
            _ => {}
        }
    }
}

/// Parts that some of the cases come to.
#[derive(Default)]
pub(super) struct Used<'a>(HashSet<(&'static str, &'a str)>);

impl<'a> Used<'a> {
    /// By the cases that are played against this device, or by any.
    pub(super) fn by(library: &'a Library, device: Option<Role>) -> Used<'a> {
        let mut used = Used::default();
        let cases = library.cases().iter().filter(|case| device.is_none_or(|device| case.is_for(device)));
        let mut open: Vec<(PartKind, &Invocation)> = cases.flat_map(|case| of_case(case)).collect();
        while let Some((kind, invocation)) = open.pop() {
            if used.0.insert((word(kind), &invocation.name.value)) {
                let parts = library.parts().iter();
                let these = parts.filter(|part| part.kind == kind && part.name.value == invocation.name.value);
                these.for_each(|part| open.extend(of_part(part)));
            }
        }
        used
    }

    /// Whether this part is among them.
    pub(super) fn contains(&self, part: &Part) -> bool {
        self.0.contains(&(word(part.kind), part.name.value.as_str()))
    }
}

/// Parts that no case comes to.
pub(super) fn unused(library: &Library, report: &mut Report) {
    let used = Used::by(library, None);
    for part in library.parts() {
        if !used.contains(part) {
            let title = format!("no case comes to this {}", word(part.kind));
            report.add("unused-part", (&part.source, part.name.span), title, "used by nobody", |d| {
                d.help("use it, or remove the file")
            });
        }
    }
}

fn word(kind: PartKind) -> &'static str {
    match kind {
        PartKind::State => "state",
        PartKind::Memory => "memory",
        PartKind::Phrase => "phrase",
    }
}
