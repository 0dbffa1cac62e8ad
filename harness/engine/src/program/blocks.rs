//! Items and blocks, projected.

use std::sync::Arc;

use script::ast::{DurationExpr, Forbidden, ForbiddenKind, Item, ItemKind, PartKind, PatternKind, Scope as During};
use serde_json::Value;
use verdict::Source;

use super::steps::Actor;
use super::{Compiler, Condition, Refused};
use crate::leaf::LeafKind;
use crate::scope::{Argument, Scope, ScopeId};
use crate::tree::{Guard, Node, Timed};

/// Blocks nested deeper than this are refused.
const DEEPEST: usize = 48;

impl Compiler<'_> {
    pub(super) fn item(
        &mut self,
        source: &Arc<Source>,
        scope: ScopeId,
        item: &Item,
        depth: usize,
    ) -> Result<Node, Refused> {
        if depth > DEEPEST {
            return Err(Refused::error(source, item.head, "blocks nested too deep, or phrases that use themselves"));
        }
        let actor = self.actor(item);
        let Some(later) = self.conditions(scope, &item.when) else {
            return Ok(Node::Done);
        };
        let around = self.rules.clone();
        // What `never` names is broken by what it forbids, not by what happens meanwhile.
        if !item.rules.is_empty() && !matches!(item.kind, ItemKind::Call(_) | ItemKind::Never { .. }) {
            self.rules = item.rules.clone().into();
        }
        let counted = self.counted(source, scope, item, actor, depth);
        self.rules = around;
        let mut node = counted?;
        let is_block = !matches!(
            item.kind,
            ItemKind::Call(_)
                | ItemKind::At(_)
                | ItemKind::Look(_)
                | ItemKind::Connection(_)
                | ItemKind::Text(_)
                | ItemKind::Check(_)
                | ItemKind::Offline(..)
        );
        if is_block && item.within.is_some() {
            let place = self.leaf(source, scope, item, LeafKind::Place);
            node = Node::Timed(Box::new(Timed { place, inner: node }));
        }
        if is_block && let Some(mark) = &item.mark {
            let mut leaf = self.leaf(source, scope, item, LeafKind::Mark(mark.clone()));
            leaf.mark = None;
            node = Node::Seq(vec![node, Node::Leaf(Box::new(leaf))]);
        }
        Ok(match later.len() {
            0 => node,
            1 => Node::If(Box::new(later.into_iter().next().unwrap_or(Condition::All(Vec::new()))), Box::new(node)),
            _ => Node::If(Box::new(Condition::All(later)), Box::new(node)),
        })
    }

    /// As often as the case says: the device decides at run time, we when the plan is made.
    fn counted(
        &mut self,
        source: &Arc<Source>,
        scope: ScopeId,
        item: &Item,
        actor: Actor,
        depth: usize,
    ) -> Result<Node, Refused> {
        let (mut min, max) = (item.repeat.min, item.repeat.max);
        if actor == Actor::Device {
            if item.warn.is_some() && is_step(&item.kind) {
                min = 0;
            }
            let once = self.kind(source, scope, item, depth)?;
            return Ok(if (min, max) == (1, 1) { once } else { Node::repeat(once, min, max) });
        }
        // A recommended thing of ours is always done; an optional one in the plans that choose it.
        let count = if item.warn.is_some() || min == max {
            min.max(u32::from(item.warn.is_some()))
        } else if self.choices.pick(2) == 0 {
            min
        } else {
            min + 1
        };
        if count == 1 {
            return self.kind(source, scope, item, depth);
        }
        let mut turns = Vec::new();
        for _ in 0..count {
            turns.push(self.kind(source, scope, item, depth)?);
        }
        Ok(Node::Seq(turns))
    }

    fn kind(&mut self, source: &Arc<Source>, scope: ScopeId, item: &Item, depth: usize) -> Result<Node, Refused> {
        match &item.kind {
            ItemKind::Call(call) => self.call(source, scope, item, call, depth),
            ItemKind::At(act) => {
                let party = act.party.value.role(self.device);
                let act = Arc::new(act.clone());
                if party == self.device {
                    self.need(party, &act.verb.value);
                    return Ok(self.node(source, scope, item, LeafKind::Stimulus(act)));
                }
                Ok(self.node(source, scope, item, LeafKind::OwnAct(act)))
            }
            ItemKind::Look(act) => {
                if act.party.value.role(self.device) != self.device {
                    return Ok(Node::Done);
                }
                Ok(self.node(source, scope, item, LeafKind::Look(Arc::new(act.clone()))))
            }
            ItemKind::Connection(connection) => Ok(self.connection(source, scope, item, connection)),
            ItemKind::Text(text) => self.raw_text(source, scope, item, text),
            ItemKind::Check(invocation) => {
                Ok(self.node(source, scope, item, LeafKind::Check(Arc::new(invocation.clone()))))
            }
            ItemKind::Run(invocation) => {
                let part = self.part(source, PartKind::Phrase, invocation)?;
                let inner = self.part_scope(source, &part, invocation, scope)?;
                self.items(&part.source, inner, &part.steps, depth + 1)
            }
            ItemKind::Steps(items) => self.items(source, scope, items, depth + 1),
            ItemKind::AnyOrder(items) => {
                let mut nodes = Vec::new();
                for item in items {
                    let node = self.item(source, scope, item, depth + 1)?;
                    // The copies of a `for each` are children of their own.
                    match (&item.kind, node) {
                        (ItemKind::ForEach { .. }, Node::Seq(copies)) => nodes.extend(copies),
                        (_, node) => nodes.push(node),
                    }
                }
                Ok(Node::Any(nodes))
            }
            ItemKind::OneOf(items) => self.one_of(source, scope, items, depth),
            ItemKind::ForEach { name, list, steps } => {
                let Some(Value::Array(elements)) = self.outside.rig.value(&list.value).map(|value| value.to_json())
                else {
                    return Err(Refused::error(source, list.span, format!("the rig has no list {}", list.value)));
                };
                let mut copies = Vec::new();
                for element in elements {
                    let mut inner = Scope { parent: Some(scope), ..Scope::default() };
                    inner.arguments.insert(name.value.clone(), Argument::Value(element));
                    let inner = self.scopes.add(inner);
                    copies.push(self.items(source, inner, steps, depth + 1)?);
                }
                Ok(Node::Seq(copies))
            }
            ItemKind::Never { events, scope: During::For(length) } => {
                let length = self.length(source, scope, item, length)?;
                Ok(self.guard(source, scope, item, events, Some(length), Node::Done))
            }
            ItemKind::Never { events, scope: During::During(items) } => {
                let inner = self.items(source, scope, items, depth + 1)?;
                Ok(self.guard(source, scope, item, events, None, inner))
            }
            ItemKind::Quiet(length) => {
                let length = self.length(source, scope, item, length)?;
                Ok(self.guard(source, scope, item, &[], Some(length), Node::Done))
            }
            ItemKind::Offline(steps, options) => self.offline(source, scope, item, steps, options, depth),
        }
    }

    fn one_of(&mut self, source: &Arc<Source>, scope: ScopeId, items: &[Item], depth: usize) -> Result<Node, Refused> {
        let actor = items.first().map_or(Actor::Own, |item| self.actor(item));
        let mut branches = Vec::new();
        for item in items {
            let before = self.needs.len();
            let node = match &item.warn {
                Some(_) if actor == Actor::Device => self.tolerated(source, scope, item, depth)?,
                _ => self.item(source, scope, item, depth + 1)?,
            };
            let needs = self.needs.split_off(before);
            if !matches!(node, Node::Done) {
                branches.push((node, needs, item.warn.is_some()));
            }
        }
        if actor == Actor::Device {
            let mut nodes = Vec::new();
            for (node, needs, _) in branches {
                self.needs.extend(needs);
                nodes.push(node);
            }
            return Ok(Node::One(nodes));
        }
        branches.retain(|(_, _, warn)| !warn);
        let can =
            |needs: &[(protocol::Role, String)]| needs.iter().all(|(party, verb)| (self.outside.can)(*party, verb));
        let drivable: Vec<usize> = (0..branches.len()).filter(|at| can(&branches[*at].1)).collect();
        let chosen = match drivable.get(self.choices.pick(drivable.len().max(1))) {
            Some(chosen) => *chosen,
            None if branches.is_empty() => return Ok(Node::Done),
            None => 0,
        };
        let (node, needs, _) = branches.swap_remove(chosen);
        self.needs.extend(needs);
        Ok(node)
    }

    /// A branch of the device that is as good as any other, only that taking it is a warning.
    fn tolerated(&mut self, source: &Arc<Source>, scope: ScopeId, item: &Item, depth: usize) -> Result<Node, Refused> {
        let taken = self.node(source, scope, item, LeafKind::Tolerated);
        let plain = Item { warn: None, ..item.clone() };
        match self.item(source, scope, &plain, depth + 1)? {
            Node::Done => Ok(Node::Done),
            node => Ok(Node::Seq(vec![node, taken])),
        }
    }

    fn guard(
        &mut self,
        source: &Arc<Source>,
        scope: ScopeId,
        item: &Item,
        events: &[Forbidden],
        length: Option<std::time::Duration>,
        inner: Node,
    ) -> Node {
        let of_device = |event: &Forbidden| match &event.kind {
            ForbiddenKind::Call { from, .. } => from.role(self.device) == self.device,
            ForbiddenKind::Drops(party) => party.role(self.device) == self.device,
        };
        let is_quiet = matches!(item.kind, ItemKind::Quiet(_));
        let events: Vec<Forbidden> = events.iter().filter(|event| of_device(event)).cloned().collect();
        if events.is_empty() && !is_quiet {
            // Only parties that we play are forbidden something: nothing to wait for.
            return inner;
        }
        let place = self.leaf(source, scope, item, LeafKind::Place);
        Node::Guard(Box::new(Guard { events: Arc::new(events), place, length, since: None, inner }))
    }

    fn length(
        &self,
        source: &Arc<Source>,
        scope: ScopeId,
        item: &Item,
        length: &DurationExpr,
    ) -> Result<std::time::Duration, Refused> {
        match length {
            DurationExpr::Fixed(length) => Ok(*length),
            DurationExpr::Class(class) => self
                .outside
                .rig
                .timeouts
                .class(&class.value)
                .ok_or_else(|| Refused::error(source, class.span, "there is no such class of times")),
            DurationExpr::Name(name) => {
                let seconds = self.seconds(scope, &name.value.root);
                let plus = match &name.value.plus {
                    Some(script::ast::Offset::Micros(micros)) => *micros as f64 / 1e6,
                    Some(script::ast::Offset::Number(number)) => number.as_f64().unwrap_or(0.0),
                    None => 0.0,
                };
                seconds
                    .and_then(|seconds| std::time::Duration::try_from_secs_f64(seconds + plus).ok())
                    .ok_or_else(|| Refused::error(source, item.head, "the length must be known before the case runs"))
            }
        }
    }

    /// The number of seconds that a given name or an argument stands for.
    fn seconds(&self, scope: ScopeId, name: &str) -> Option<f64> {
        let (mut scope, mut name) = (scope, name.to_owned());
        for _ in 0..DEEPEST {
            let home = self.scopes.home(scope, &name);
            match self.scopes.argument(&home)? {
                Argument::Value(value) => return value.as_f64(),
                Argument::Written(pattern, caller) => match &pattern.kind {
                    PatternKind::Literal(value) => return value.as_f64(),
                    PatternKind::Name(next) if next.parts.is_empty() && next.plus.is_none() => {
                        (scope, name) = (*caller, next.root.clone());
                    }
                    _ => return None,
                },
            }
        }
        None
    }
}

fn is_step(kind: &ItemKind) -> bool {
    matches!(kind, ItemKind::Call(_) | ItemKind::Connection(_))
}
