//! How long a plan may take at the very most: nothing a device does, and no mistake of ours, makes it go on for ever.

use std::time::Duration;

use protocol::Timestamp;
use script::ast::{DurationExpr, Within};
use verdict::Verdict;

use super::{Phase, Player};
use crate::leaf::{CallStep, Leaf, LeafKind};
use crate::rig::Timeouts;
use crate::tree::Node;

/// The length of what is measured by a value that only the conversation tells, or that a procedure sees to itself.
const UNKNOWN: Duration = Duration::from_secs(3600);
/// So many times what its deadlines add up to is far beyond them.
const FAR_BEYOND: u32 = 2;
/// Optional turns of a repeated item that count: the others take the time of something else.
const OPTIONAL_TURNS: u32 = 10;

impl Player {
    /// From here on the plan may take so long. Between ourselves the other reading sets the pace.
    pub(super) fn bound(&mut self, now: Timestamp) {
        let times = self.rig.timeouts;
        let sum = Sum { times: &times };
        let steps = self.segments.iter().map(|segment| sum.node(&segment.node));
        let steps = steps.fold(Duration::ZERO, Duration::saturating_add);
        let calls = self.program.configure.len() * 3 + self.program.config.len() + 1;
        // What an earlier case has left to be undone is undone after this one.
        let undone = times.reply.saturating_add(times.operator);
        let debts = undone.saturating_mul(as_count(self.session.ledger.len()));
        let around = times.reconnect.saturating_add(times.reboot).saturating_mul(2).saturating_add(times.step);
        let all = steps
            .saturating_add(times.reply.saturating_mul(as_count(calls)))
            .saturating_add(debts)
            .saturating_add(around);
        self.began = Some(now);
        self.latest = Some(now + all.saturating_mul(FAR_BEYOND));
    }

    /// Gives up a plan that goes on far too long; `true` if so.
    pub(super) fn is_out_of_bounds(&mut self, now: Timestamp) -> bool {
        let Some(latest) = self.latest.take_if(|latest| *latest <= now) else { return false };
        if self.phase == Phase::Finished {
            return false;
        }
        let over = self.began.map_or(0, |began| latest.since(began).as_secs());
        let reason = format!("given up after {over} s, far beyond everything that its deadlines add up to");
        self.note(reason.clone());
        self.abandon(now, Verdict::Inconclusive, &reason);
        true
    }
}

fn as_count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

struct Sum<'a> {
    times: &'a Timeouts,
}

impl Sum<'_> {
    fn node(&self, node: &Node) -> Duration {
        match node {
            Node::Done | Node::Hole => Duration::ZERO,
            Node::Leaf(leaf) => self.leaf(leaf),
            Node::Seq(items) | Node::Any(items) | Node::One(items) => self.nodes(items),
            Node::Repeat(repeat) => {
                let turns = repeat.max.min(repeat.min.saturating_add(OPTIONAL_TURNS));
                self.node(&repeat.template).saturating_mul(turns)
            }
            Node::Guard(guard) => self.node(&guard.inner).saturating_add(guard.length.unwrap_or_default()),
            Node::Timed(timed) => self.node(&timed.inner).saturating_add(self.within(&timed.place)),
            Node::If(_, inner) => self.node(inner),
        }
    }

    fn nodes(&self, nodes: &[Node]) -> Duration {
        nodes.iter().map(|node| self.node(node)).fold(Duration::ZERO, Duration::saturating_add)
    }

    fn leaf(&self, leaf: &Leaf) -> Duration {
        let times = self.times;
        let own = match &leaf.kind {
            LeafKind::OwnCall(step) | LeafKind::DeviceCall(step) => self.call(step),
            LeafKind::AskForCall(step) => self.call(step).saturating_add(times.operator),
            LeafKind::OwnAct(_) | LeafKind::Stimulus(_) | LeafKind::Look(_) => times.operator,
            LeafKind::OwnConnect(_) | LeafKind::DeviceConnect(_) => times.reconnect,
            LeafKind::OwnText(_) | LeafKind::Reaction(_) => times.reply.saturating_mul(2),
            LeafKind::Procedure(_) => UNKNOWN,
            LeafKind::AnswerOfDevice(_) => times.reply,
            _ => Duration::ZERO,
        };
        let grace = leaf.grace.as_ref().map_or(times.grace, |grace| self.length(grace));
        own.saturating_add(self.within(leaf)).saturating_add(grace)
    }

    fn call(&self, step: &CallStep) -> Duration {
        self.node(&step.before).saturating_add(self.nodes(&step.then)).saturating_add(self.times.reply)
    }

    fn within(&self, leaf: &Leaf) -> Duration {
        let Some(Within { lower, upper, .. }) = leaf.within.as_deref() else { return self.times.step };
        let lower = lower.as_ref().map_or(Duration::ZERO, |lower| self.length(lower));
        let upper = upper.as_ref().map_or(self.times.step, |upper| self.length(upper));
        lower.saturating_add(upper).saturating_add(self.times.clock.saturating_mul(2))
    }

    fn length(&self, length: &DurationExpr) -> Duration {
        match length {
            DurationExpr::Fixed(length) => *length,
            DurationExpr::Class(class) => self.times.class(&class.value).unwrap_or(self.times.step),
            DurationExpr::Name(_) => UNKNOWN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::{Input, sample};

    #[test]
    fn a_plan_in_which_nothing_has_a_deadline_any_more_is_given_up() {
        let now = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        // It begins with a stimulus which nobody ever confirms.
        let mut player = sample::playing(now, "  - at station: reboot\n  - station connects:\n");
        player.handle(now + Duration::from_secs(60), Input::Tick);
        assert!(!player.is_finished());
        let latest = player.wakeup(now).unwrap();
        assert!(latest < now + Duration::from_secs(24 * 3600), "{latest}");
        player.handle(latest, Input::Tick);
        let (outcome, _, _) = player.into_parts();
        assert_eq!(outcome.verdict, Verdict::Inconclusive, "{}", outcome.reason);
        assert!(outcome.reason.starts_with("given up after"), "{}", outcome.reason);
    }
}
