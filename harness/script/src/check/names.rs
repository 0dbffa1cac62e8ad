//! Names: bound on every path before they are read, known to the device where it must say them, and read at all.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use protocol::Role;
use verdict::{Source, Span};

use super::report::{Report, shown, text};
use super::tree::{Argument, Key, Node, Projection, ScopeId, Segment, Shape};
use crate::ast::{
    Answer, Call, Case, ConnectionOptions, ConstantType, DurationExpr, ForbiddenKind, GivenSource, Invocation, NameRef,
    Operator, OperatorKind, Part, PartKind, Pattern, PatternKind, Spanned, TextPart, When,
};

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

#[derive(Clone, Default)]
struct State {
    /// What is bound, and whether on every path.
    names: BTreeMap<Key, bool>,
    /// Given names that the device was told. What is bound crossed the wire and is known.
    known: BTreeSet<Key>,
    /// Things of the rig that the device was told.
    told: BTreeSet<String>,
    /// What is bound if all these conditions hold.
    under: Vec<(BTreeSet<String>, Key)>,
}

impl State {
    /// What holds whichever of the two ways was taken. The device may know what it was told on one of them.
    fn either(mut self, other: &State) -> State {
        for (key, always) in &mut self.names {
            *always &= other.names.get(key).is_some_and(|always| *always);
        }
        for key in other.names.keys() {
            self.names.entry(key.clone()).or_insert(false);
        }
        self.with_told(other)
    }

    /// What holds after both.
    fn both(mut self, other: &State) -> State {
        for (key, always) in &other.names {
            *self.names.entry(key.clone()).or_insert(false) |= always;
        }
        self.with_told(other)
    }

    fn with_told(mut self, other: &State) -> State {
        self.known.extend(other.known.iter().cloned());
        self.told.extend(other.told.iter().cloned());
        self.under.extend(other.under.iter().cloned());
        self
    }

    fn is_bound(&self, key: &Key) -> bool {
        self.names.get(key).is_some_and(|always| *always)
    }
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

    fn pattern(&mut self, place: Place<'_>, pattern: &'a Pattern, reading: Reading) {
        match &pattern.kind {
            PatternKind::Literal(_) => {}
            PatternKind::Name(name) => self.name(place, name, pattern.span, reading),
            PatternKind::Text(parts) => {
                for part in parts {
                    // In raw text `${id}` is a fresh message id.
                    if let TextPart::Name(name) = part
                        && name.root != "id"
                    {
                        self.name(place, name, pattern.span, reading);
                    }
                }
            }
            PatternKind::Object(fields) => {
                fields.iter().for_each(|(_, field)| self.pattern(place, field, reading));
            }
            PatternKind::List(items) => items.iter().for_each(|item| self.pattern(place, item, reading)),
            PatternKind::Operators(operators) => {
                operators.iter().for_each(|operator| self.operator(place, operator, reading));
            }
        }
    }

    fn operator(&mut self, place: Place<'_>, operator: &'a Operator, reading: Reading) {
        match &operator.kind {
            OperatorKind::Bind(name) if reading == Reading::Device => self.bind(place, name, true, reading),
            OperatorKind::Maybe(inner) => {
                let before = self.state.clone();
                self.pattern(place, inner, reading);
                self.state = std::mem::take(&mut self.state).either(&before);
            }
            OperatorKind::OneOf(patterns) => {
                let start = self.state.clone();
                let mut ends: Option<State> = None;
                for pattern in patterns {
                    self.state = start.clone();
                    self.pattern(place, pattern, reading);
                    let end = std::mem::take(&mut self.state);
                    ends = Some(match ends {
                        Some(ends) => ends.either(&end),
                        None => end,
                    });
                }
                self.state = ends.unwrap_or(start);
            }
            // Nobody need know what must not be said.
            OperatorKind::Not(inner) => self.pattern(place, inner, Reading::Aside),
            OperatorKind::Next(counter, first) => {
                let key = self.projection.home(place.scope, &counter.value);
                self.read.insert(key.clone());
                self.state.names.insert(key, true);
                first.iter().for_each(|first| self.pattern(place, first, reading));
            }
            // Bounds and moments are judged by us, not said by the device.
            OperatorKind::Min(inner) | OperatorKind::Max(inner) | OperatorKind::Near(inner) => {
                let reading = if reading == Reading::Device { Reading::Aside } else { reading };
                self.pattern(place, inner, reading);
            }
            OperatorKind::Each(inner)
            | OperatorKind::Number(inner)
            | OperatorKind::Csv(inner)
            | OperatorKind::Json(inner) => self.pattern(place, inner, reading),
            OperatorKind::Contains(patterns) | OperatorKind::Unordered(patterns) => {
                patterns.iter().for_each(|pattern| self.pattern(place, pattern, reading));
            }
            OperatorKind::Is(_, with) => {
                with.iter().for_each(|(_, pattern)| self.pattern(place, pattern, Reading::Aside));
            }
            OperatorKind::Bind(_)
            | OperatorKind::Present
            | OperatorKind::Absent
            | OperatorKind::Length(..)
            | OperatorKind::Matches(_) => {}
        }
    }

    /// Binds what a message of ours binds.
    fn bindings(&mut self, place: Place<'_>, pattern: &'a Pattern, always: bool) {
        each_operator(pattern, always, &mut |operator, always| {
            if let OperatorKind::Bind(name) = &operator.kind {
                self.bind(place, name, always, Reading::Ours);
            }
        });
    }

    fn bind(&mut self, place: Place<'_>, name: &Spanned<String>, always: bool, reading: Reading) {
        let key = self.projection.home(place.scope, &name.value);
        if let Some(argument) = self.projection.argument(&key) {
            // A name that is given is compared, like any other that is bound.
            self.read.insert(key.clone());
            if reading == Reading::Device {
                self.demand(place, &key, argument, name.span);
            }
            return;
        }
        match self.state.names.get_mut(&key) {
            Some(bound) => {
                self.read.insert(key);
                *bound |= always;
            }
            None => {
                self.made(key.clone(), place.source, name.span, "bound");
                self.state.names.insert(key, always);
            }
        }
    }

    fn name(&mut self, place: Place<'_>, name: &NameRef, span: Span, reading: Reading) {
        if matches!(name.root.as_str(), "now" | "rig" | "config") {
            return;
        }
        let key = self.projection.home(place.scope, &name.root);
        self.read.insert(key.clone());
        if let Some(argument) = self.projection.argument(&key) {
            if reading == Reading::Device {
                self.demand(place, &key, argument, span);
            }
            return;
        }
        match self.state.names.get(&key).copied() {
            Some(true) => {}
            Some(false) => {
                let title = format!("${} is not bound on every path to here", name.root);
                let made = self.made.get(&key).filter(|(_, _, is_here)| *is_here).map(|(span, ..)| *span);
                let document = self.projection.document;
                self.report.add("unbound-name", (place.source, span), title, "may be bound to nothing", |d| {
                    let d = match made {
                        Some(made) => d.because(document, made, "bound here, if this comes"),
                        None => d,
                    };
                    d.help("bind it in an item that always comes, or put this item under the same condition")
                });
            }
            None => {
                let names = self.state.names.keys().map(|(_, name)| name.as_str());
                let given = self.projection.scopes[place.scope].arguments.keys().copied();
                let root = self.projection.scopes[0].arguments.keys().copied();
                let meant = protocol::catalogue::suggest(&name.root, names.chain(given).chain(root)).map(str::to_owned);
                let title = format!("${} is bound to nothing here", name.root);
                self.report.add("unbound-name", (place.source, span), title, "nothing binds this before", |d| {
                    d.help(match meant {
                        Some(meant) => format!("did you mean ${meant}?"),
                        None => "bind it earlier with $bind, or give it a value under given; what one message of ours \
                                 binds can be said in the next, and children of any order do not see each other"
                            .to_owned(),
                    })
                });
            }
        }
    }

    /// The device must say what an argument stands for: does it know that?
    fn demand(&mut self, place: Place<'_>, key: &Key, argument: Argument<'a>, span: Span) {
        if self.state.known.contains(key) {
            return;
        }
        match argument {
            Argument::Element | Argument::Open => {}
            Argument::Given(GivenSource::Rig(path)) => {
                let is_tag = path.value == "tags" || path.value.starts_with("tags.");
                if is_tag && self.projection.device == Role::Station && !self.state.told.contains(&path.value) {
                    self.unknown(place, key, span, "a tag of the rig that nobody presented or sent");
                }
            }
            Argument::Given(GivenSource::Constant(..)) => {
                self.unknown(place, key, span, "a constant of this file that the device was never told");
            }
            Argument::Written(pattern, scope) => {
                if let PatternKind::Name(name) = &pattern.kind {
                    let inner = self.projection.home(scope, &name.root);
                    if let Some(argument) = self.projection.argument(&inner) {
                        self.demand(place, &inner, argument, span);
                    }
                }
            }
        }
    }

    fn unknown(&mut self, place: Place<'_>, key: &Key, span: Span, what: &str) {
        let device = self.projection.device;
        let title = format!("a {} under test cannot know ${}", shown(device), key.1);
        let user =
            (!Arc::ptr_eq(place.source, self.projection.document)).then(|| self.projection.document.path.clone());
        self.report.add("unknowable", (place.source, span), title, what.to_owned(), |d| {
            let d = match user {
                Some(user) => d.note(format!("as used by {user}")),
                None => d,
            };
            d.help(
                "let it cross the wire first, hand it over with a stimulus, remember it, or bind what the device says",
            )
        });
    }

    /// Everything that an item says to the device, or does to it, becomes known.
    fn told_by(&mut self, node: &Node<'a>) {
        match &node.shape {
            Shape::At(act) if self.projection.is_device(act.party.value) => {
                act.with.iter().for_each(|(_, argument)| self.know(node.scope, argument));
            }
            Shape::Call { call, .. } if !self.projection.is_device(call.from.value) => {
                call.fields.iter().for_each(|fields| self.know(node.scope, fields));
            }
            Shape::Call { call: Call { answer: Answer::Reply(reply), .. }, .. } => self.know(node.scope, reply),
            _ => {}
        }
        node.inner().into_iter().for_each(|node| self.told_by(node));
    }

    /// Everything named in a pattern becomes known to the device.
    fn know(&mut self, scope: ScopeId, pattern: &Pattern) {
        let mut names = Vec::new();
        each_name(pattern, &mut |name| names.push(name.to_owned()));
        for name in names {
            let mut key = self.projection.home(scope, &name);
            for _ in 0..32 {
                self.state.known.insert(key.clone());
                match self.projection.argument(&key) {
                    Some(Argument::Written(Pattern { kind: PatternKind::Name(name), .. }, caller)) => {
                        key = self.projection.home(caller, &name.root);
                    }
                    // One thing of the rig may have several names.
                    Some(Argument::Given(GivenSource::Rig(path))) => {
                        self.state.told.insert(path.value.clone());
                        break;
                    }
                    _ => break,
                }
            }
        }
    }
}

/// Whether a pattern takes a name that is bound to nothing.
fn allows_absence(pattern: &Pattern) -> bool {
    match &pattern.kind {
        PatternKind::Operators(operators) => operators.iter().all(|operator| match &operator.kind {
            OperatorKind::Absent | OperatorKind::Maybe(_) | OperatorKind::Not(_) => true,
            OperatorKind::OneOf(patterns) => patterns.iter().any(allows_absence),
            _ => false,
        }),
        _ => false,
    }
}

/// Every operator of a pattern that may make or take a value, with whether it always does.
pub(super) fn each_operator<'p>(pattern: &'p Pattern, always: bool, visit: &mut dyn FnMut(&'p Operator, bool)) {
    match &pattern.kind {
        PatternKind::Object(fields) => fields.iter().for_each(|(_, field)| each_operator(field, always, visit)),
        PatternKind::List(items) => items.iter().for_each(|item| each_operator(item, always, visit)),
        PatternKind::Operators(operators) => {
            for operator in operators {
                visit(operator, always);
                match &operator.kind {
                    OperatorKind::Maybe(inner) => each_operator(inner, false, visit),
                    OperatorKind::OneOf(patterns) => {
                        patterns.iter().for_each(|pattern| each_operator(pattern, false, visit));
                    }
                    OperatorKind::Each(inner)
                    | OperatorKind::Number(inner)
                    | OperatorKind::Csv(inner)
                    | OperatorKind::Json(inner) => each_operator(inner, always, visit),
                    OperatorKind::Contains(patterns) | OperatorKind::Unordered(patterns) => {
                        patterns.iter().for_each(|pattern| each_operator(pattern, always, visit));
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// The roots of all names in a pattern that can be said.
fn each_name(pattern: &Pattern, visit: &mut dyn FnMut(&str)) {
    match &pattern.kind {
        PatternKind::Name(name) => visit(&name.root),
        PatternKind::Text(parts) => {
            for part in parts {
                if let TextPart::Name(name) = part {
                    visit(&name.root);
                }
            }
        }
        PatternKind::Object(fields) => fields.iter().for_each(|(_, field)| each_name(field, visit)),
        PatternKind::List(items) => items.iter().for_each(|item| each_name(item, visit)),
        PatternKind::Operators(operators) => {
            for operator in operators {
                match &operator.kind {
                    OperatorKind::Bind(name) => visit(&name.value),
                    OperatorKind::Maybe(inner)
                    | OperatorKind::Each(inner)
                    | OperatorKind::Min(inner)
                    | OperatorKind::Max(inner)
                    | OperatorKind::Near(inner)
                    | OperatorKind::Number(inner)
                    | OperatorKind::Csv(inner)
                    | OperatorKind::Json(inner) => each_name(inner, visit),
                    OperatorKind::OneOf(patterns)
                    | OperatorKind::Contains(patterns)
                    | OperatorKind::Unordered(patterns) => {
                        patterns.iter().for_each(|pattern| each_name(pattern, visit));
                    }
                    OperatorKind::Is(_, with) => with.iter().for_each(|(_, pattern)| each_name(pattern, visit)),
                    _ => {}
                }
            }
        }
        PatternKind::Literal(_) => {}
    }
}

/// The constant a name stands for, following what callers wrote.
pub(super) fn constant<'a>(
    projection: &Projection<'a>,
    scope: ScopeId,
    name: &NameRef,
) -> Option<(ConstantType, &'a serde_json::Value)> {
    if !name.parts.is_empty() || name.plus.is_some() {
        return None;
    }
    let (mut scope, mut root) = (scope, name.root.clone());
    for _ in 0..32 {
        let key = projection.home(scope, &root);
        match projection.argument(&key)? {
            Argument::Given(GivenSource::Constant(kind, value)) => return Some((*kind, &value.value)),
            Argument::Written(Pattern { kind: PatternKind::Name(next), .. }, caller)
                if next.parts.is_empty() && next.plus.is_none() =>
            {
                (scope, root) = (caller, next.root.clone());
            }
            _ => return None,
        }
    }
    None
}
