//! What may come next must be told apart, and what may swap must be allowed to.

use std::sync::Arc;

use serde_json::Value;
use verdict::{Source, Span};

use super::overlap::{Read, are_apart};
use super::report::Report;
use super::tree::{Actor, Node, Projection, ScopeId, Shape};
use crate::ast::{Answer, Call, OperatorKind, Pattern, PatternKind};

/// A call of the device with its place.
#[derive(Clone, Copy)]
struct Expected<'n, 'a> {
    call: &'a Call,
    place: (&'a Arc<Source>, Span),
    scope: ScopeId,
    node: &'n Node<'a>,
}

/// Looks at every sequence and block of a document.
pub(super) fn fronts(projection: &Projection<'_>, report: &mut Report) {
    for segment in &projection.segments {
        let mut walk = Walk { projection, report };
        walk.sequence(&segment.nodes, Vec::new());
    }
}

struct Walk<'w, 'n, 'a> {
    projection: &'n Projection<'a>,
    report: &'w mut Report,
}

/// What the device may still send or has sent last, when the next item is reached.
#[derive(Clone, Default)]
struct Reached<'n, 'a> {
    /// Items that may still be empty: they stand in the front beside the next.
    open: Vec<Expected<'n, 'a>>,
    /// What came or may have come directly before.
    last: Vec<Expected<'n, 'a>>,
}

impl<'n, 'a> Walk<'_, 'n, 'a> {
    fn sequence(&mut self, nodes: &'n [Node<'a>], before: Vec<Expected<'n, 'a>>) {
        let mut reached = Reached { open: Vec::new(), last: before };
        for node in nodes {
            reached = self.node(node, reached);
        }
    }

    /// Goes through an item and says what stands behind it.
    fn node(&mut self, node: &'n Node<'a>, before: Reached<'n, 'a>) -> Reached<'n, 'a> {
        let mut firsts = Vec::new();
        self.firsts(node, &mut firsts);
        for first in &firsts {
            before.open.iter().for_each(|open| self.compare(open, first, Why::MayBeEmpty));
        }
        let mut after = self.inside(node, &before);
        if node.may_be_empty(self.projection) {
            after.open.extend(before.open.iter().copied());
            after.open.extend(firsts);
            after.last.extend(before.last);
        }
        after
    }

    fn inside(&mut self, node: &'n Node<'a>, before: &Reached<'n, 'a>) -> Reached<'n, 'a> {
        match &node.shape {
            Shape::Call { call, before: between, branches } => {
                self.sequence(between, Vec::new());
                branches.iter().for_each(|(_, then)| self.sequence(then, Vec::new()));
                if !self.projection.is_device(call.from.value) || self.is_ours(node) {
                    return Reached::default();
                }
                let this = expected(node, call);
                // What came of the same kind holds its place, and lets nothing slip past.
                if !before.last.iter().any(|last| last.call.action.value == this.call.action.value) {
                    before.last.iter().for_each(|last| self.order(last, &this));
                }
                // What follows one answer of several hides what came before it, and what follows a refusal is caused
                // by it.
                if branches.iter().any(|(_, then)| !then.is_empty()) || is_refused(call) {
                    return Reached::default();
                }
                Reached { open: Vec::new(), last: vec![this] }
            }
            Shape::Run(_, nodes) | Shape::Steps(nodes) | Shape::Never(_, None, nodes) => {
                let mut reached = before.clone();
                for node in nodes {
                    reached = self.node(node, reached);
                }
                reached
            }
            Shape::One(nodes) => {
                for (at, node) in nodes.iter().enumerate() {
                    let mut firsts = Vec::new();
                    self.firsts(node, &mut firsts);
                    for other in &nodes[at + 1..] {
                        let mut others = Vec::new();
                        self.firsts(other, &mut others);
                        self.compare_all(&firsts, &others, Why::Branches);
                    }
                }
                let mut after = Reached::default();
                for node in nodes {
                    let end = self.inside(node, before);
                    after.open.extend(end.open);
                    after.last.extend(end.last);
                }
                after
            }
            Shape::Any(nodes) => {
                for (at, node) in nodes.iter().enumerate() {
                    let mut calls = Vec::new();
                    self.calls(node, &mut calls);
                    for other in &nodes[at + 1..] {
                        let mut others = Vec::new();
                        self.calls(other, &mut others);
                        self.compare_all(&calls, &others, Why::AnyOrder);
                    }
                }
                let mut after = Reached::default();
                for node in nodes {
                    let end = self.inside(node, &Reached { open: Vec::new(), last: before.last.clone() });
                    after.open.extend(end.open);
                    after.last.extend(end.last);
                }
                after
            }
            Shape::Check(_) | Shape::Look(_) => before.clone(),
            Shape::Offline(nodes, _) => {
                self.sequence(nodes, Vec::new());
                Reached::default()
            }
            Shape::At(_) | Shape::Connection(_) | Shape::Text(_) | Shape::Never(..) | Shape::Quiet(_) => {
                Reached::default()
            }
        }
    }

    /// Whether a call of the device is one that it is asked for: an item of ours until then.
    fn is_ours(&self, node: &Node<'a>) -> bool {
        let mut actors = Vec::new();
        node.actors(self.projection, &mut actors);
        actors.iter().all(|(actor, _)| *actor == Actor::Us)
    }

    /// The calls of the device that may begin an item.
    fn firsts(&self, node: &'n Node<'a>, into: &mut Vec<Expected<'n, 'a>>) {
        match &node.shape {
            Shape::Call { call, .. } if self.projection.is_device(call.from.value) && !self.is_ours(node) => {
                into.push(expected(node, call));
            }
            Shape::Run(_, nodes) | Shape::Steps(nodes) | Shape::Never(_, None, nodes) => {
                for node in nodes.iter().filter(|node| !node.is_silent()) {
                    self.firsts(node, into);
                    if !node.may_be_empty(self.projection) {
                        break;
                    }
                }
            }
            Shape::Any(nodes) | Shape::One(nodes) => nodes.iter().for_each(|node| self.firsts(node, into)),
            _ => {}
        }
    }

    /// All calls of the device in an item that are open while it runs.
    fn calls(&self, node: &'n Node<'a>, into: &mut Vec<Expected<'n, 'a>>) {
        if let Shape::Call { call, .. } = &node.shape
            && self.projection.is_device(call.from.value)
            && !self.is_ours(node)
        {
            into.push(expected(node, call));
        }
        node.inner().into_iter().for_each(|node| self.calls(node, into));
    }

    fn compare_all(&mut self, these: &[Expected<'n, 'a>], those: &[Expected<'n, 'a>], why: Why) {
        for this in these {
            those.iter().for_each(|that| self.compare(this, that, why));
        }
    }

    fn compare(&mut self, this: &Expected<'n, 'a>, that: &Expected<'n, 'a>, why: Why) {
        if this.call.action.value != that.call.action.value
            || this.call.from.value.role(self.projection.device) != that.call.from.value.role(self.projection.device)
            || is_within_a_part(this, that)
            || exclude(this.node, that.node)
            || self.fields_are_apart(this, that)
        {
            return;
        }
        // One NotifyEvent may bundle what several children wait for.
        if why == Why::AnyOrder && this.call.action.value == "NotifyEvent" {
            return;
        }
        // Two that ask for the same and get the same answer: whichever takes the message, nothing is lost.
        if why == Why::AnyOrder && are_alike(this, that) {
            return;
        }
        let title = format!("one {} can be meant by two items", this.call.action.value);
        let (label, help) = match why {
            Why::Branches => (
                "this branch takes the same message",
                "the first message decides: give the branches a literal or a known name in a field where they differ",
            ),
            Why::AnyOrder => (
                "this item takes the same message",
                "children of any order must differ in a literal or a known name of some field",
            ),
            Why::MayBeEmpty => (
                "this item may take it instead",
                "an item that may be left out stands in the front together with the next one: name a field in which \
                 they differ ($not: X differs from X)",
            ),
        };
        self.report.add("ambiguous-front", that.place, title, label, |d| {
            d.because(this.place.0, this.place.1, "as well as this one").help(help)
        });
    }

    fn fields_are_apart(&self, this: &Expected<'n, 'a>, that: &Expected<'n, 'a>) -> bool {
        match (&this.call.fields, &that.call.fields) {
            (Some(p), Some(q)) => are_apart(
                self.projection,
                Read { pattern: p, scope: this.scope },
                Read { pattern: q, scope: that.scope },
            ),
            _ => false,
        }
    }

    /// Two messages with causes of their own may swap.
    fn order(&mut self, first: &Expected<'n, 'a>, second: &Expected<'n, 'a>) {
        let (a, b) = (first.call.action.value.as_str(), second.call.action.value.as_str());
        if !(may_swap(a, b) || may_swap(b, a)) || is_within_a_part(first, second) {
            return;
        }
        let title = format!("{a} and {b} may come in either order");
        self.report.add("may-swap", second.place, title, "not sure to be the second", |d| {
            d.because(first.place.0, first.place.1, "not sure to be the first")
                .help("their causes are independent: put both into any order")
        });
    }
}

/// Why two items stand in one front.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    Branches,
    AnyOrder,
    MayBeEmpty,
}

fn expected<'n, 'a>(node: &'n Node<'a>, call: &'a Call) -> Expected<'n, 'a> {
    Expected { call, place: node.place, scope: node.scope, node }
}

/// Messages whose causes are independent of each other: what became of a transaction against what became of a
/// connector, and security events against anything.
fn may_swap(a: &str, b: &str) -> bool {
    let of_transaction = matches!(a, "StartTransaction" | "StopTransaction" | "TransactionEvent");
    let of_connector = matches!(b, "StatusNotification" | "NotifyEvent");
    // Nothing comes before the boot is accepted.
    let is_event = a == "SecurityEventNotification" && b != a && b != "BootNotification";
    (of_transaction && of_connector) || is_event
}

/// Whether the answer, or a record in it, has a status that is not Accepted.
fn is_refused(call: &Call) -> bool {
    fn refuses(pattern: &Pattern) -> bool {
        let PatternKind::Object(fields) = &pattern.kind else { return false };
        fields.iter().any(|(key, field)| if key.value == "status" { is_refusal(field) } else { refuses(field) })
    }
    fn is_refusal(status: &Pattern) -> bool {
        match &status.kind {
            PatternKind::Literal(Value::String(status)) => status != "Accepted",
            PatternKind::Operators(operators) => operators.iter().any(|operator| match &operator.kind {
                OperatorKind::OneOf(patterns) => patterns.iter().all(is_refusal),
                _ => false,
            }),
            _ => false,
        }
    }
    matches!(&call.answer, Answer::Reply(reply) if refuses(reply))
}

/// Whether both come from one use of a part: that is told of the part itself.
fn is_within_a_part(this: &Expected<'_, '_>, that: &Expected<'_, '_>) -> bool {
    this.place == that.place && !std::ptr::eq(this.node, that.node) && this.place.1 != this.node.item.head
}

/// Whether one of two items is there only where the other is not.
fn exclude(this: &Node<'_>, that: &Node<'_>) -> bool {
    use crate::ast::When::{Capability, Config};
    this.item.when.iter().any(|one| {
        that.item.when.iter().any(|other| match (one, other) {
            (Capability(a), Capability(b)) => a.value.name == b.value.name && a.value.negated != b.value.negated,
            (Config(key, a), Config(other, b)) => key.value == other.value && super::conditions::are_opposed(a, b),
            _ => false,
        })
    })
}

/// Whether two calls of one file are written the same, their answers too.
fn are_alike(this: &Expected<'_, '_>, that: &Expected<'_, '_>) -> bool {
    let written = |expected: &Expected<'_, '_>| {
        let text = super::report::text(expected.node.source, expected.node.item.span);
        text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    this.scope == that.scope && written(this) == written(that)
}
