//! Names: bound on every path before they are read, known to the device where it must say them, and read at all.

mod patterns;
mod reading;
mod state;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use protocol::Role;
use verdict::{Source, Span};

use self::patterns::allows_absence;
use self::state::State;
use super::report::{Report, text};
use super::tree::{Key, Node, Projection, ScopeId, Segment, Shape};
use crate::ast::{
    Answer, Call, Case, ConnectionOptions, DurationExpr, ForbiddenKind, Invocation, NameRef, Part, PartKind, Pattern,
    When,
};

pub(super) use patterns::{constant, each_operator};

/// Where names of a document are made and read, over all its versions and sides.
#[derive(Default)]
pub(super) struct Usage {
    made: BTreeMap<Span, &'static str>,
    read: BTreeSet<Span>,
}

impl Usage {
    /// Reports names that nobody reads.
    pub(super) fn finish(self, source: &Arc<Source>, report: &mut Report) {
        for (span, what) in self.made {
            if self.read.contains(&span) {
                continue;
            }
            let (title, help) = match what {
                "bound" => {
                    ("a name is bound and never used", "leave $bind out; a field that must be there is $present: true")
                }
                "marked" => ("a moment is named and never used", "leave mark out"),
                "given" => ("a name is given and never used", "leave it out of given"),
                _ => ("a parameter is never used", "leave it out of params"),
            };
            report.add("unused-name", (source, span), title, "nothing reads this", |d| d.help(help));
        }
    }
}

/// Walks a case.
pub(super) fn case<'a>(projection: &Projection<'a>, case: &'a Case, usage: &mut Usage, report: &mut Report) {
    let mut walk = Walk::new(projection, report);
    for given in &case.given {
        walk.made(projection.home(0, &given.name.value), &case.source, given.name.span, "given");
    }
    for (at, segment) in projection.segments.iter().enumerate() {
        if at == projection.segments.len().saturating_sub(1).min(1) {
            walk.configure(case);
        }
        walk.segment(segment);
    }
    walk.finish(usage);
}

/// Walks a part by itself: what the caller gives is taken to be bound and known.
pub(super) fn part<'a>(projection: &Projection<'a>, part: &'a Part, usage: &mut Usage, report: &mut Report) {
    let mut walk = Walk::new(projection, report);
    for param in &part.params {
        walk.made((0, param.name.value.clone()), &part.source, param.name.span, "param");
    }
    projection.segments.iter().for_each(|segment| walk.segment(segment));
    for name in &part.gives {
        let key = projection.home(0, &name.value);
        walk.read.insert(key.clone());
        // What is bound on some paths only may be free for the caller too.
        if projection.argument(&key).is_none() && !walk.state.names.contains_key(&key) {
            let title = format!("\"{}\" is given to the caller but bound nowhere", name.value);
            walk.report.add("unbound-name", (&part.source, name.span), title, "nothing binds this", |d| {
                d.help("bind it in an item, or leave it out of gives")
            });
        }
    }
    walk.finish(usage);
}

/// Who says a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// We do: all of it is made before anything in it is bound.
    Ours,
    /// The device does: it must know what it says.
    Device,
    /// Nobody: an argument, a deadline, a condition.
    Aside,
}

/// Where a pattern is read.
#[derive(Clone, Copy)]
struct Place<'p> {
    source: &'p Arc<Source>,
    scope: ScopeId,
}

struct Walk<'w, 'a> {
    projection: &'w Projection<'a>,
    report: &'w mut Report,
    state: State,
    made: BTreeMap<Key, (Span, &'static str, bool)>,
    read: HashSet<Key>,
}

impl<'w, 'a> Walk<'w, 'a> {
    fn new(projection: &'w Projection<'a>, report: &'w mut Report) -> Walk<'w, 'a> {
        Walk { projection, report, state: State::default(), made: BTreeMap::new(), read: HashSet::new() }
    }

    fn finish(self, usage: &mut Usage) {
        for (key, (span, what, is_here)) in self.made {
            if is_here {
                usage.made.insert(span, what);
                if self.read.contains(&key) {
                    usage.read.insert(span);
                }
            }
        }
    }

    fn made(&mut self, key: Key, source: &Arc<Source>, span: Span, what: &'static str) {
        let is_here = Arc::ptr_eq(source, self.projection.document);
        self.made.entry(key).or_insert((span, what, is_here));
    }

    fn segment(&mut self, segment: &Segment<'a>) {
        if let Some(used) = &segment.invocation {
            self.arguments(used.source, used.scope, used.invocation);
            if used.kind == PartKind::Memory {
                used.invocation.with.iter().for_each(|(_, pattern)| self.know(used.scope, pattern));
            }
        }
        self.nodes(&segment.nodes);
    }

    fn configure(&mut self, case: &'a Case) {
        for wanted in &case.configure {
            self.pattern(Place { source: &case.source, scope: 0 }, &wanted.value, Reading::Aside);
            self.know(0, &wanted.value);
        }
    }

    fn arguments(&mut self, source: &Arc<Source>, scope: ScopeId, invocation: &'a Invocation) {
        for (_, pattern) in &invocation.with {
            self.pattern(Place { source, scope }, pattern, Reading::Aside);
        }
    }

    fn nodes(&mut self, nodes: &[Node<'a>]) {
        nodes.iter().for_each(|node| self.node(node));
    }

    fn node(&mut self, node: &Node<'a>) {
        let item = node.item;
        let place = Place { source: node.source, scope: node.scope };
        let conditions = self.conditions(place, &item.when);
        let before = self.state.clone();
        self.presume(place, &item.when, &conditions);
        if let Some(within) = &item.within {
            within.lower.iter().chain(&within.upper).for_each(|length| self.length(place, length));
            if let Some(mark) = &within.of {
                let name = NameRef { root: mark.value.clone(), parts: Vec::new(), plus: None };
                self.name(place, &name, mark.span, Reading::Aside);
            }
        }
        item.grace.iter().for_each(|length| self.length(place, length));
        self.shape(node, place);
        if let Some(mark) = &item.mark {
            let key = self.projection.home(node.scope, &mark.value);
            self.made(key.clone(), node.source, mark.span, "marked");
            self.state.names.insert(key, true);
        }
        if item.repeat.min == 0 || item.warn.is_some() || !conditions.is_empty() {
            self.pass(before, conditions);
        }
    }

    /// The item may have been left out.
    fn pass(&mut self, before: State, conditions: BTreeSet<String>) {
        let after = std::mem::take(&mut self.state);
        let mut under = Vec::new();
        if !conditions.is_empty() {
            for (key, always) in &after.names {
                if *always && !before.is_bound(key) {
                    under.push((conditions.clone(), key.clone()));
                }
            }
        }
        self.state = after.either(&before);
        self.state.under.extend(under);
    }

    fn shape(&mut self, node: &Node<'a>, place: Place<'_>) {
        match &node.shape {
            Shape::Call { call, before, branches } => {
                self.request(place, node, call);
                self.nodes(before);
                let answers = if self.projection.is_device(call.to.value) { Reading::Device } else { Reading::Ours };
                if let Answer::Reply(reply) = &call.answer {
                    self.payload(place, reply, answers);
                }
                let start = self.state.clone();
                let mut ends: Option<State> = None;
                for (branch, then) in branches {
                    self.state = start.clone();
                    let conditions = self.conditions(place, &branch.when);
                    self.presume(place, &branch.when, &conditions);
                    if let Answer::Reply(reply) = &branch.answer {
                        self.payload(place, reply, answers);
                    }
                    self.nodes(then);
                    let end = std::mem::take(&mut self.state);
                    ends = Some(match ends {
                        Some(ends) => ends.either(&end),
                        None => end,
                    });
                }
                self.state = ends.unwrap_or(start);
            }
            Shape::At(act) => {
                for (_, argument) in &act.with {
                    self.pattern(place, argument, Reading::Aside);
                    if self.projection.is_device(act.party.value) {
                        self.know(node.scope, argument);
                    }
                }
            }
            Shape::Look(act) => act.with.iter().for_each(|(_, argument)| self.pattern(place, argument, Reading::Aside)),
            Shape::Connection(connection) => self.options(place, &connection.options),
            Shape::Text(text) => self.payload(place, &text.text, Reading::Ours),
            Shape::Check(invocation) => self.arguments(node.source, node.scope, invocation),
            Shape::Run(used, nodes) => {
                self.arguments(node.source, node.scope, used.invocation);
                self.nodes(nodes);
            }
            Shape::Steps(nodes) => self.nodes(nodes),
            Shape::Any(nodes) => {
                // Children do not see what others bind, but the device may have been told by any of them.
                nodes.iter().for_each(|node| self.told_by(node));
                let start = self.state.clone();
                let mut all = start.clone();
                for node in nodes {
                    self.state = start.clone();
                    self.node(node);
                    all = all.both(&self.state);
                }
                self.state = all;
            }
            Shape::One(nodes) => {
                let start = self.state.clone();
                let mut ends: Option<State> = None;
                for node in nodes {
                    self.state = start.clone();
                    self.node(node);
                    let end = std::mem::take(&mut self.state);
                    ends = Some(match ends {
                        Some(ends) => ends.either(&end),
                        None => end,
                    });
                }
                self.state = ends.unwrap_or(start);
            }
            Shape::Never(events, length, nodes) => {
                for event in *events {
                    if let ForbiddenKind::Call { fields: Some(fields), .. } = &event.kind {
                        self.pattern(place, fields, Reading::Aside);
                    }
                }
                length.iter().for_each(|length| self.known_length(place, length));
                self.nodes(nodes);
            }
            Shape::Quiet(length) => self.known_length(place, length),
            Shape::Offline(nodes, options) => {
                self.nodes(nodes);
                self.options(place, options);
            }
        }
    }

    fn request(&mut self, place: Place<'_>, node: &Node<'a>, call: &'a Call) {
        let of_device = self.projection.is_device(call.from.value);
        let reading = if of_device { Reading::Device } else { Reading::Ours };
        if let Some(fields) = &call.fields {
            // A CSMS that is asked for a call is told what to put into it.
            if of_device && self.projection.device == Role::Csms && !call.unasked && node.item.repeat.min > 0 {
                self.know(node.scope, fields);
            }
            self.payload(place, fields, reading);
        }
        if let Some(id) = &call.id {
            self.payload(place, id, reading);
        }
    }

    /// A message: what we say is made before it is bound, and what was said is known.
    fn payload(&mut self, place: Place<'_>, pattern: &'a Pattern, reading: Reading) {
        self.pattern(place, pattern, reading);
        if reading == Reading::Ours {
            self.bindings(place, pattern, true);
        }
        self.know(place.scope, pattern);
    }

    fn options(&mut self, place: Place<'_>, options: &'a ConnectionOptions) {
        for pattern in options.identity.iter().chain(&options.password) {
            self.pattern(place, pattern, Reading::Aside);
            self.know(place.scope, pattern);
        }
    }

    fn conditions(&mut self, place: Place<'_>, when: &'a [When]) -> BTreeSet<String> {
        let mut conditions = BTreeSet::new();
        for condition in when {
            match condition {
                When::Capability(capability) => {
                    let word = if capability.value.negated { "not " } else { "" };
                    conditions.insert(format!("{word}{}", capability.value.name));
                }
                When::Config(key, pattern) => {
                    self.pattern(place, pattern, Reading::Aside);
                    conditions.insert(format!("config.{} {}", key.value, text(place.source, pattern.span)));
                }
                When::Version(_) => {}
                When::Name(name, pattern) => {
                    let key = self.projection.home(place.scope, &name.value.root);
                    // A name that may be free is absent to the pattern; one that nothing binds is a mistake.
                    if !self.state.names.contains_key(&key) {
                        self.name(place, &name.value, name.span, Reading::Aside);
                    }
                    self.read.insert(key.clone());
                    self.pattern(place, pattern, Reading::Aside);
                    conditions.insert(format!("{} {} {}", key.0, key.1, text(place.source, pattern.span)));
                }
            }
        }
        conditions
    }

    /// Inside an item its conditions hold, and what was bound under them is bound.
    fn presume(&mut self, place: Place<'_>, when: &[When], conditions: &BTreeSet<String>) {
        for condition in when {
            if let When::Name(name, pattern) = condition
                && !allows_absence(pattern)
                && let Some(always) = self.state.names.get_mut(&self.projection.home(place.scope, &name.value.root))
            {
                *always = true;
            }
        }
        for (wanted, key) in &self.state.under {
            if wanted.is_subset(conditions)
                && let Some(always) = self.state.names.get_mut(key)
            {
                *always = true;
            }
        }
    }

    fn length(&mut self, place: Place<'_>, length: &DurationExpr) {
        if let DurationExpr::Name(name) = length {
            self.name(place, &name.value, name.span, Reading::Aside);
        }
    }

    /// A length that must be known before the case runs.
    fn known_length(&mut self, place: Place<'_>, length: &DurationExpr) {
        let DurationExpr::Name(name) = length else { return };
        let key = self.projection.home(place.scope, &name.value.root);
        match self.projection.argument(&key) {
            Some(_) => self.name(place, &name.value, name.span, Reading::Aside),
            None => {
                self.read.insert(key);
                let title = "the length of a quiet time must be known before the case runs";
                self.report.add("length-unknown", (place.source, name.span), title, "not a given name", |d| {
                    d.help("write the length, or use a name of given that stands for one")
                });
            }
        }
    }
}
