//! Reading a pattern: what it demands, binds and tells.

use std::sync::Arc;

use protocol::Role;
use verdict::Span;

use super::patterns::{each_name, each_operator};
use super::state::State;
use super::{Place, Reading, Walk};
use crate::ast::{Answer, Call, GivenSource, NameRef, Operator, OperatorKind, Pattern, PatternKind, Spanned, TextPart};
use crate::check::report::shown;
use crate::check::tree::{Argument, Key, Node, ScopeId, Shape};

impl<'a> Walk<'_, 'a> {
    pub(super) fn pattern(&mut self, place: Place<'_>, pattern: &'a Pattern, reading: Reading) {
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
    pub(super) fn bindings(&mut self, place: Place<'_>, pattern: &'a Pattern, always: bool) {
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

    pub(super) fn name(&mut self, place: Place<'_>, name: &NameRef, span: Span, reading: Reading) {
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
    pub(super) fn told_by(&mut self, node: &Node<'a>) {
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
    pub(super) fn know(&mut self, scope: ScopeId, pattern: &Pattern) {
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
