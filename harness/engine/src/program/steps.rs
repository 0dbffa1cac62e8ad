//! Steps, projected: who does them, and what that means for us.

use std::sync::Arc;

use protocol::Role;
use protocol::catalogue::{Catalogue, Kind};
use script::ast::{Answer, Call, Connection, ConnectionEvent, ConnectionOptions, Item, ItemKind, Party, RawText};
use verdict::Source;

use super::{Compiler, Refused};
use crate::leaf::{CallStep, Leaf, LeafKind};
use crate::pattern;
use crate::scope::ScopeId;
use crate::tree::Node;

impl Compiler<'_> {
    pub(super) fn leaf(&self, source: &Arc<Source>, scope: ScopeId, item: &Item, kind: LeafKind) -> Leaf {
        Leaf {
            source: source.clone(),
            span: item.head,
            scope,
            kind,
            within: item.within.clone().map(Arc::new),
            grace: item.grace.clone().map(Arc::new),
            mark: item.mark.as_ref().map(|mark| mark.value.clone()),
            warn: item.warn.as_ref().map(|text| text.value.clone()),
            rules: if item.rules.is_empty() { self.rules.clone() } else { item.rules.clone().into() },
            reached: None,
        }
    }

    pub(super) fn node(&self, source: &Arc<Source>, scope: ScopeId, item: &Item, kind: LeafKind) -> Node {
        Node::Leaf(Box::new(self.leaf(source, scope, item, kind)))
    }

    pub(super) fn call(
        &mut self,
        source: &Arc<Source>,
        scope: ScopeId,
        item: &Item,
        call: &Call,
        depth: usize,
    ) -> Result<Node, Refused> {
        let from = call.from.value.role(self.device);
        let mut call = self.settle_answers(call, from);
        let before = self.items(source, scope, &call.before_reply, depth + 1)?;
        let (mut then, mut when) = (Vec::new(), Vec::new());
        if let Answer::Replies(branches) = &mut call.answer {
            for branch in std::mem::take(branches) {
                // A branch whose condition is known to fail is none.
                let Some(conditions) = self.conditions(scope, &branch.when) else { continue };
                when.push(conditions);
                then.push(self.items(source, scope, &branch.then, depth + 1)?);
                branches.push(branch);
            }
        }
        let ours = match (from == self.device, &call.answer) {
            (false, _) => call.fields.as_ref(),
            (true, Answer::Reply(reply)) => Some(reply),
            (true, Answer::Replies(branches)) => match branches.first().map(|branch| &branch.answer) {
                Some(Answer::Reply(reply)) => Some(reply),
                _ => None,
            },
            _ => None,
        };
        self.choices.note(ours.map_or(1, pattern::options));
        let is_send =
            Catalogue::of(self.version).message(&call.action.value).is_some_and(|message| message.kind == Kind::Send);
        let optional = item.repeat.min == 0 || item.warn.is_some();
        let asked = from == Role::Csms && !call.unasked && !optional && !is_send;
        if from == self.device && asked {
            self.need(Role::Csms, &format!("send {}", call.action.value));
            for path in (self.outside.cannot_carry)(&call.action.value) {
                if let Some(fields) = &mut call.fields {
                    pattern::relax(fields, &path.split('.').collect::<Vec<_>>());
                }
            }
        }
        let step = Arc::new(CallStep { call, before, then, asked, when });
        let kind = match (from == self.device, asked) {
            (false, _) => LeafKind::OwnCall(step),
            (true, false) => LeafKind::DeviceCall(step),
            (true, true) => LeafKind::AskForCall(step),
        };
        Ok(self.node(source, scope, item, kind))
    }

    pub(super) fn need(&mut self, party: Role, verb: &str) {
        if !self.needs.iter().any(|(p, v)| *p == party && v == verb) {
            self.needs.push((party, verb.to_owned()));
        }
    }

    /// Where we answer and the case leaves a choice of answers, the plan takes one: never one that is a warning.
    fn settle_answers(&mut self, call: &Call, from: Role) -> Call {
        let mut call = call.clone();
        let Answer::Replies(branches) = &mut call.answer else {
            return call;
        };
        let version = self.version;
        branches.retain(|branch| {
            branch.when.iter().all(|when| match when {
                script::ast::When::Version(versions) => versions.iter().any(|v| v.value == version),
                _ => true,
            })
        });
        if from == self.device {
            let ours: Vec<usize> = (0..branches.len()).filter(|at| branches[*at].warn.is_none()).collect();
            if let Some(chosen) = ours.get(self.choices.pick(ours.len())) {
                let chosen = branches.swap_remove(*chosen);
                *branches = vec![chosen];
            }
        }
        call
    }

    pub(super) fn connection(
        &mut self,
        source: &Arc<Source>,
        scope: ScopeId,
        item: &Item,
        connection: &Connection,
    ) -> Node {
        let options = Arc::new(connection.options.clone());
        let how = connection.options.how.as_ref().map(|how| how.value);
        let kind = match (connection.event, self.device) {
            (ConnectionEvent::StationConnects, Role::Csms) => LeafKind::OwnConnect(options),
            (ConnectionEvent::StationConnects, Role::Station) => LeafKind::DeviceConnect(options),
            (ConnectionEvent::StationDrops, Role::Station) | (ConnectionEvent::CsmsDrops, Role::Csms) => {
                LeafKind::DeviceDrop(how)
            }
            (ConnectionEvent::StationDrops, Role::Csms) | (ConnectionEvent::CsmsDrops, Role::Station) => {
                LeafKind::OwnDrop(how)
            }
        };
        self.node(source, scope, item, kind)
    }

    /// The link is cut, the items happen, the station comes back.
    pub(super) fn offline(
        &mut self,
        source: &Arc<Source>,
        scope: ScopeId,
        item: &Item,
        steps: &[Item],
        options: &ConnectionOptions,
        depth: usize,
    ) -> Result<Node, Refused> {
        let how = options.how.as_ref().map(|how| how.value);
        let options = Arc::new(options.clone());
        let mut nodes = vec![self.node(source, scope, item, LeafKind::GoOffline(how))];
        nodes.push(self.items(source, scope, steps, depth + 1)?);
        nodes.push(self.node(source, scope, item, LeafKind::GoOnline));
        let back = match self.device {
            Role::Csms => LeafKind::OwnConnect(options),
            Role::Station => LeafKind::DeviceConnect(options),
        };
        nodes.push(self.node(source, scope, item, back));
        Ok(Node::Seq(nodes))
    }

    pub(super) fn raw_text(
        &mut self,
        source: &Arc<Source>,
        scope: ScopeId,
        item: &Item,
        text: &RawText,
    ) -> Result<Node, Refused> {
        if text.from.value.role(self.device) == self.device {
            return Err(Refused::error(source, item.head, "text can only be sent by a party that we play"));
        }
        let mut text = text.clone();
        let mut kept = Vec::new();
        for outcome in std::mem::take(&mut text.outcome) {
            if let Some(later) = self.conditions(scope, &outcome.when)
                && later.is_empty()
            {
                kept.push(outcome);
            }
        }
        text.outcome = kept;
        Ok(self.node(source, scope, item, LeafKind::OwnText(Arc::new(text))))
    }

    /// Who acts first in an item, for conditions and choices.
    pub(super) fn actor(&self, item: &Item) -> Actor {
        let of = |party: Party| match party.role(self.device) {
            role if role == self.device => Actor::Device,
            _ => Actor::Own,
        };
        match &item.kind {
            ItemKind::Call(call) => match of(call.from.value) {
                Actor::Device if self.device == Role::Csms && !call.unasked && item.repeat.min > 0 => Actor::Tester,
                actor => actor,
            },
            ItemKind::At(act) | ItemKind::Look(act) => match of(act.party.value) {
                Actor::Device => Actor::Tester,
                actor => actor,
            },
            ItemKind::Connection(connection) => match connection.event {
                ConnectionEvent::StationConnects | ConnectionEvent::StationDrops => of(Party::Station),
                ConnectionEvent::CsmsDrops => of(Party::Csms),
            },
            ItemKind::Text(text) => of(text.from.value),
            ItemKind::Steps(items) | ItemKind::AnyOrder(items) | ItemKind::OneOf(items) => {
                items.first().map_or(Actor::Own, |item| self.actor(item))
            }
            ItemKind::ForEach { steps, .. } => steps.first().map_or(Actor::Own, |item| self.actor(item)),
            ItemKind::Never { scope: script::ast::Scope::During(items), .. } => {
                items.first().map_or(Actor::Own, |item| self.actor(item))
            }
            ItemKind::Run(invocation) => self
                .outside
                .library
                .part(script::ast::PartKind::Phrase, &invocation.name.value, self.version)
                .and_then(|part| part.steps.first().map(|item| self.actor(item)))
                .unwrap_or(Actor::Own),
            ItemKind::Never { .. } | ItemKind::Quiet(_) | ItemKind::Offline(..) | ItemKind::Check(_) => Actor::Own,
        }
    }
}

/// Who acts first in an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Actor {
    /// The device, by itself.
    Device,
    /// A party that we play.
    Own,
    /// The device, made to by us: a stimulus, or a call that a CSMS is asked for.
    Tester,
}
