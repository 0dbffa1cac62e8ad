//! Choices: one decider each, no branch that may be nothing, something that we may take.

use super::report::{Report, shown};
use super::tree::{Actor, Node, Projection, Shape};

/// Looks at every `one of` and every list of answers.
pub(super) fn deciders(projection: &Projection<'_>, report: &mut Report) {
    projection.each(&mut |node| match &node.shape {
        Shape::One(branches) => one_of(projection, node, branches, report),
        Shape::Call { call, branches, .. } => {
            let ours = !projection.is_device(call.to.value);
            if ours && !branches.is_empty() && branches.iter().all(|(branch, _)| branch.warn.is_some()) {
                no_way(node, report);
            }
        }
        _ => {}
    });
}

fn one_of(projection: &Projection<'_>, node: &Node<'_>, branches: &[Node<'_>], report: &mut Report) {
    let mut actors = Vec::new();
    for branch in branches {
        let warned = branch.item.warn.is_some() && branch.item.repeat.min > 0;
        if !warned && branch.item.when.is_empty() && branch.may_be_empty(projection) {
            let title = "a branch that may be nothing decides nothing";
            report.add("empty-branch", (branch.source, branch.item.head), title, "this branch may be empty", |d| {
                d.help("make the whole one of optional, and what is in its branches certain")
            });
        }
        branch.actors(projection, &mut actors);
    }
    let device = actors.iter().find(|(actor, _)| *actor == Actor::Device);
    let us = actors.iter().find(|(actor, _)| *actor == Actor::Us);
    let name = shown(projection.device);
    match (device, us) {
        (Some((_, theirs)), Some((_, ours))) => {
            let title = format!("nobody decides this alone when a {name} is under test");
            report.add("no-decider", (node.source, node.item.head), title, "more than one party decides", |d| {
                // Places inside phrases lie in other files.
                let inside = |span: verdict::Span| span.start >= node.item.span.start && span.end <= node.item.span.end;
                let d =
                    if inside(*theirs) { d.because(node.source, *theirs, format!("begun by the {name}")) } else { d };
                let d = if inside(*ours) { d.because(node.source, *ours, "begun by us") } else { d };
                d.help(
                    "let all branches begin with the device, or all with what we do; different answers to one call are \
                     written as replies",
                )
            });
        }
        (None, Some(_)) if branches.iter().all(|branch| branch.item.warn.is_some()) => no_way(node, report),
        _ => {}
    }
}

fn no_way(node: &Node<'_>, report: &mut Report) {
    let title = "the choice is ours, and every way is only tolerated";
    report.add("only-warnings", (node.source, node.item.head), title, "all branches have warn", |d| {
        d.help("we never take a branch with warn: leave one of them without")
    });
}
