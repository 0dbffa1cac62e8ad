//! A document as the player will see it for one version and one side of the device: phrases put in, names resolved
//! to the place that keeps them, and what is not for this version left out.

use std::collections::HashMap;
use std::sync::Arc;

use protocol::{Role, Version};
use verdict::{Source, Span};

use crate::Library;
use crate::ast::{
    Act, Answer, Begin, Call, Case, Connection, ConnectionOptions, DurationExpr, Forbidden, GivenSource, Invocation,
    Item, ItemKind, Part, PartKind, Party, Pattern, RawText, ReplyBranch, Scope as During, Spanned, When,
};

/// Uses of parts nested deeper than this are not followed: they use themselves, which is reported by itself.
const DEEPEST: usize = 24;

/// The most items of a projection: uses of parts that double at every step must not fill our memory.
const MOST_NODES: usize = 5_000;

/// A place that keeps names.
pub(super) type ScopeId = usize;

/// A name with the place that keeps it.
pub(super) type Key = (ScopeId, String);

/// What a scope knows beside what is bound in it.
#[derive(Default)]
pub(super) struct Scope<'a> {
    /// Given names, parameters and elements of a `for each`.
    pub(super) arguments: HashMap<&'a str, Argument<'a>>,
    /// `gives`: names that are the caller's.
    aliases: HashMap<&'a str, Key>,
    parent: Option<ScopeId>,
}

/// What a name stands for that is not bound by a message.
#[derive(Clone, Copy)]
pub(super) enum Argument<'a> {
    /// A constant, or a thing of the rig.
    Given(&'a GivenSource),
    /// What the caller wrote, read in the caller's scope.
    Written(&'a Pattern, ScopeId),
    /// An element of a list of the rig.
    Element,
    /// A parameter of a part that is looked at by itself.
    Open,
}

/// A document for one version and one side of the device.
pub(super) struct Projection<'a> {
    pub(super) version: Version,
    pub(super) device: Role,
    pub(super) document: &'a Arc<Source>,
    pub(super) scopes: Vec<Scope<'a>>,
    /// The way to the first step, then the steps.
    pub(super) segments: Vec<Segment<'a>>,
    /// The background of the case; of a part, that of the cases that use it is not known.
    pub(super) case: Option<&'a Case>,
    /// How many items there are; what goes beyond the most is left out.
    count: usize,
    /// The use of a part in the document that is being followed.
    outer: Option<(&'a Arc<Source>, Span)>,
}

/// States and memories on the way to the steps, then the steps.
pub(super) struct Segment<'a> {
    /// How it is called; `None`: the steps of the document itself.
    pub(super) invocation: Option<Use<'a>>,
    pub(super) nodes: Vec<Node<'a>>,
}

/// The use of a part.
#[derive(Clone, Copy)]
pub(super) struct Use<'a> {
    pub(super) source: &'a Arc<Source>,
    pub(super) scope: ScopeId,
    pub(super) invocation: &'a Invocation,
    pub(super) kind: PartKind,
}

/// An item with the file and the scope it is read in.
pub(super) struct Node<'a> {
    pub(super) item: &'a Item,
    pub(super) source: &'a Arc<Source>,
    pub(super) scope: ScopeId,
    /// Where the document itself speaks of it: its own first line, or the use of the part that it comes from.
    pub(super) place: (&'a Arc<Source>, Span),
    pub(super) shape: Shape<'a>,
}

/// What an item is.
pub(super) enum Shape<'a> {
    Call { call: &'a Call, before: Vec<Node<'a>>, branches: Vec<(&'a ReplyBranch, Vec<Node<'a>>)> },
    At(&'a Act),
    Look(&'a Act),
    Connection(&'a Connection),
    Text(&'a RawText),
    Check(&'a Invocation),
    Run(Use<'a>, Vec<Node<'a>>),
    Steps(Vec<Node<'a>>),
    Any(Vec<Node<'a>>),
    One(Vec<Node<'a>>),
    Never(&'a [Forbidden], Option<&'a DurationExpr>, Vec<Node<'a>>),
    Quiet(&'a DurationExpr),
    Offline(Vec<Node<'a>>, &'a ConnectionOptions),
}

/// Who begins something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Actor {
    /// The device, by itself.
    Device,
    /// A party that we play, or the device made to by us: a stimulus, a call that a CSMS is asked for.
    Us,
}

impl<'a> Projection<'a> {
    pub(super) fn of_case(library: &'a Library, case: &'a Case, version: Version, device: Role) -> Projection<'a> {
        let mut projection = Projection {
            version,
            device,
            document: &case.source,
            scopes: vec![Scope::default()],
            segments: Vec::new(),
            case: Some(case),
            count: 0,
            outer: None,
        };
        for given in &case.given {
            projection.scopes[0].arguments.insert(&given.name.value, Argument::Given(&given.source));
        }
        if let Begin::State(invocation) = &case.begin {
            projection.reach(library, &case.source, 0, invocation, 0);
        }
        projection.outer = None;
        // What is to be remembered is stored as soon as the device can be talked to.
        let arrived = projection.segments.len().min(1);
        for (at, invocation) in case.remember.iter().enumerate() {
            let kind = PartKind::Memory;
            if let Some(segment) = projection.segment(library, &case.source, 0, invocation, kind) {
                projection.segments.insert((arrived + at).min(projection.segments.len()), segment);
            }
        }
        let nodes = projection.nodes(library, &case.source, 0, &case.steps, 0);
        projection.segments.push(Segment { invocation: None, nodes });
        projection
    }

    pub(super) fn of_part(library: &'a Library, part: &'a Part, version: Version, device: Role) -> Projection<'a> {
        let mut projection = Projection {
            version,
            device,
            document: &part.source,
            scopes: vec![Scope::default()],
            segments: Vec::new(),
            case: None,
            count: 0,
            outer: None,
        };
        for param in &part.params {
            projection.scopes[0].arguments.insert(&param.name.value, Argument::Open);
        }
        if let Some(Begin::State(invocation)) = &part.from {
            projection.reach(library, &part.source, 0, invocation, 0);
        }
        projection.outer = None;
        let nodes = projection.nodes(library, &part.source, 0, &part.steps, 0);
        projection.segments.push(Segment { invocation: None, nodes });
        projection
    }

    /// The place that keeps a name of a scope.
    pub(super) fn home(&self, scope: ScopeId, name: &str) -> Key {
        let (mut at, mut name) = (scope, name.to_owned());
        for _ in 0..64 {
            let Some(here) = self.scopes.get(at) else { break };
            if here.arguments.contains_key(name.as_str()) {
                break;
            }
            if let Some((there, other)) = here.aliases.get(name.as_str()) {
                (at, name) = (*there, other.clone());
            } else if let Some(parent) = here.parent {
                at = parent;
            } else {
                break;
            }
        }
        (at, name)
    }

    /// The argument that a name stands for, if it is one.
    pub(super) fn argument(&self, key: &Key) -> Option<Argument<'a>> {
        self.scopes.get(key.0)?.arguments.get(key.1.as_str()).copied()
    }

    /// Every node, outer ones first.
    pub(super) fn each(&self, visit: &mut dyn FnMut(&Node<'a>)) {
        for segment in &self.segments {
            segment.nodes.iter().for_each(|node| node.each(visit));
        }
    }

    /// Whether it is too long to be looked at as a whole.
    pub(super) fn is_cut(&self) -> bool {
        self.count > MOST_NODES
    }

    pub(super) fn is_device(&self, party: Party) -> bool {
        party.role(self.device) == self.device
    }

    fn reach(
        &mut self,
        library: &'a Library,
        source: &'a Arc<Source>,
        caller: ScopeId,
        invocation: &'a Invocation,
        depth: usize,
    ) {
        let Some(part) = find(library, PartKind::State, &invocation.name.value, self.version) else { return };
        if depth > DEEPEST {
            return;
        }
        self.outer.get_or_insert((source, invocation.name.span));
        let scope = self.part_scope(part, invocation, caller);
        if let Some(Begin::State(from)) = &part.from {
            self.reach(library, &part.source, scope, from, depth + 1);
        }
        let nodes = self.nodes(library, &part.source, scope, &part.steps, depth + 1);
        let invocation = Some(Use { source, scope: caller, invocation, kind: PartKind::State });
        self.segments.push(Segment { invocation, nodes });
    }

    fn segment(
        &mut self,
        library: &'a Library,
        source: &'a Arc<Source>,
        caller: ScopeId,
        invocation: &'a Invocation,
        kind: PartKind,
    ) -> Option<Segment<'a>> {
        let part = find(library, kind, &invocation.name.value, self.version)?;
        let scope = self.part_scope(part, invocation, caller);
        self.outer = Some((source, invocation.name.span));
        let nodes = self.nodes(library, &part.source, scope, &part.steps, 0);
        self.outer = None;
        Some(Segment { invocation: Some(Use { source, scope: caller, invocation, kind }), nodes })
    }

    fn part_scope(&mut self, part: &'a Part, invocation: &'a Invocation, caller: ScopeId) -> ScopeId {
        let mut scope = Scope::default();
        for param in &part.params {
            let written = invocation.with.iter().find(|(name, _)| name.value == param.name.value);
            let argument = match (written, &param.default) {
                (Some((_, pattern)), _) => Argument::Written(pattern, caller),
                (None, Some(default)) => Argument::Given(default),
                (None, None) => Argument::Open,
            };
            scope.arguments.insert(&param.name.value, argument);
        }
        for given in &part.gives {
            let renamed = invocation.rename.iter().find(|(name, _)| name.value == given.value);
            let outer = renamed.map_or(&given.value, |(_, name)| &name.value);
            scope.aliases.insert(&given.value, (caller, outer.clone()));
        }
        self.scopes.push(scope);
        self.scopes.len() - 1
    }

    fn nodes(
        &mut self,
        library: &'a Library,
        source: &'a Arc<Source>,
        scope: ScopeId,
        items: &'a [Item],
        depth: usize,
    ) -> Vec<Node<'a>> {
        let mut nodes = Vec::new();
        for item in items {
            self.node(library, source, scope, item, depth, &mut nodes);
        }
        nodes
    }

    fn node(
        &mut self,
        library: &'a Library,
        source: &'a Arc<Source>,
        scope: ScopeId,
        item: &'a Item,
        depth: usize,
        into: &mut Vec<Node<'a>>,
    ) {
        if depth > DEEPEST || self.is_cut() || !item.when.iter().all(|when| self.is_of_version(when)) {
            return;
        }
        self.count += 1;
        let depth = depth + 1;
        let place = self.outer.unwrap_or((source, item.head));
        let shape = match &item.kind {
            ItemKind::Call(call) => {
                let before = self.nodes(library, source, scope, &call.before_reply, depth);
                let mut branches = Vec::new();
                if let Answer::Replies(replies) = &call.answer {
                    for reply in replies {
                        if !reply.when.iter().all(|when| self.is_of_version(when)) {
                            continue;
                        }
                        branches.push((reply, self.nodes(library, source, scope, &reply.then, depth)));
                    }
                }
                Shape::Call { call, before, branches }
            }
            ItemKind::At(act) => Shape::At(act),
            ItemKind::Look(act) => Shape::Look(act),
            ItemKind::Connection(connection) => Shape::Connection(connection),
            ItemKind::Text(text) => Shape::Text(text),
            ItemKind::Check(invocation) => Shape::Check(invocation),
            ItemKind::Run(invocation) => {
                let used = Use { source, scope, invocation, kind: PartKind::Phrase };
                let nodes = match find(library, PartKind::Phrase, &invocation.name.value, self.version) {
                    Some(part) => {
                        let inner = self.part_scope(part, invocation, scope);
                        let before = self.outer;
                        self.outer = before.or(Some((source, item.head)));
                        let nodes = self.nodes(library, &part.source, inner, &part.steps, depth);
                        self.outer = before;
                        nodes
                    }
                    None => Vec::new(),
                };
                Shape::Run(used, nodes)
            }
            ItemKind::Steps(items) => Shape::Steps(self.nodes(library, source, scope, items, depth)),
            ItemKind::AnyOrder(items) => Shape::Any(self.nodes(library, source, scope, items, depth)),
            ItemKind::OneOf(items) => Shape::One(self.nodes(library, source, scope, items, depth)),
            ItemKind::ForEach { name, steps, .. } => {
                // Two elements stand for all: what cannot be told apart for two cannot be for more.
                for _ in 0..2 {
                    let mut inner = Scope { parent: Some(scope), ..Scope::default() };
                    inner.arguments.insert(&name.value, Argument::Element);
                    self.scopes.push(inner);
                    let inner = self.scopes.len() - 1;
                    let nodes = self.nodes(library, source, inner, steps, depth);
                    into.push(Node { item, source, scope: inner, place, shape: Shape::Steps(nodes) });
                }
                return;
            }
            ItemKind::Never { events, scope: During::For(length) } => Shape::Never(events, Some(length), Vec::new()),
            ItemKind::Never { events, scope: During::During(items) } => {
                Shape::Never(events, None, self.nodes(library, source, scope, items, depth))
            }
            ItemKind::Quiet(length) => Shape::Quiet(length),
            ItemKind::Offline(items, options) => {
                Shape::Offline(self.nodes(library, source, scope, items, depth), options)
            }
        };
        into.push(Node { item, source, scope, place, shape });
    }

    fn is_of_version(&self, when: &When) -> bool {
        match when {
            When::Version(versions) => versions.iter().any(|version| version.value == self.version),
            _ => true,
        }
    }
}

impl<'a> Node<'a> {
    /// Whether it may be left out, by the file alone: a condition makes it due or not there.
    pub(super) fn may_be_empty(&self, projection: &Projection<'_>) -> bool {
        if self.item.repeat.min == 0 {
            return true;
        }
        if self.item.when.iter().any(|when| !matches!(when, When::Version(_))) {
            return true;
        }
        match &self.shape {
            Shape::Call { call, .. } => self.item.warn.is_some() && projection.is_device(call.from.value),
            Shape::Connection(_) => self.item.warn.is_some(),
            Shape::Run(_, nodes) | Shape::Steps(nodes) | Shape::Any(nodes) | Shape::Never(_, None, nodes) => {
                nodes.iter().all(|node| node.may_be_empty(projection))
            }
            Shape::One(nodes) => nodes.is_empty() || nodes.iter().any(|node| node.may_be_empty(projection)),
            _ => false,
        }
    }

    /// Whether it is only a place to stand or a thing noted, which begins nothing.
    pub(super) fn is_silent(&self) -> bool {
        match &self.shape {
            Shape::Check(_) | Shape::Look(_) => true,
            Shape::Run(_, nodes) | Shape::Steps(nodes) | Shape::Any(nodes) | Shape::One(nodes) => {
                nodes.iter().all(Node::is_silent)
            }
            Shape::Never(_, None, nodes) => nodes.iter().all(Node::is_silent),
            _ => false,
        }
    }

    /// Who may begin it.
    pub(super) fn actors(&self, projection: &Projection<'_>, into: &mut Vec<(Actor, Span)>) {
        let mut add = |device: bool| into.push((if device { Actor::Device } else { Actor::Us }, self.item.head));
        match &self.shape {
            Shape::Call { call, .. } => {
                let is_asked = projection.device == Role::Csms
                    && !call.unasked
                    && self.item.repeat.min > 0
                    && self.item.warn.is_none();
                add(projection.is_device(call.from.value) && !is_asked);
            }
            Shape::Connection(connection) => add(projection.is_device(match connection.event {
                crate::ast::ConnectionEvent::CsmsDrops => Party::Csms,
                _ => Party::Station,
            })),
            Shape::Run(_, nodes) | Shape::Steps(nodes) | Shape::Never(_, None, nodes) => {
                for node in nodes.iter().filter(|node| !node.is_silent()) {
                    node.actors(projection, into);
                    if !node.may_be_empty(projection) {
                        break;
                    }
                }
            }
            Shape::Any(nodes) | Shape::One(nodes) => nodes.iter().for_each(|node| node.actors(projection, into)),
            Shape::At(_)
            | Shape::Look(_)
            | Shape::Text(_)
            | Shape::Check(_)
            | Shape::Never(..)
            | Shape::Quiet(_)
            | Shape::Offline(..) => add(false),
        }
    }

    /// The nodes inside it, in the order of the file.
    pub(super) fn inner(&self) -> Vec<&Node<'a>> {
        match &self.shape {
            Shape::Call { before, branches, .. } => {
                before.iter().chain(branches.iter().flat_map(|(_, then)| then)).collect()
            }
            Shape::Run(_, nodes)
            | Shape::Steps(nodes)
            | Shape::Any(nodes)
            | Shape::One(nodes)
            | Shape::Never(_, _, nodes)
            | Shape::Offline(nodes, _) => nodes.iter().collect(),
            _ => Vec::new(),
        }
    }

    fn each(&self, visit: &mut dyn FnMut(&Node<'a>)) {
        visit(self);
        self.inner().into_iter().for_each(|node| node.each(visit));
    }
}

/// The part of this kind and name for this version.
pub(super) fn find<'a>(library: &'a Library, kind: PartKind, name: &str, version: Version) -> Option<&'a Part> {
    library
        .parts()
        .iter()
        .find(|part| part.kind == kind && part.name.value == name && holds(&part.versions, version))
        .map(AsRef::as_ref)
}

fn holds(versions: &[Spanned<Version>], version: Version) -> bool {
    versions.iter().any(|known| known.value == version)
}
