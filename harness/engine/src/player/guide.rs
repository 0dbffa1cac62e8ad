//! What the tree asks: deadlines, grace, conditions.

use std::time::Duration;

use protocol::{Role, Timestamp};
use script::ast::DurationExpr;
use serde_json::Value;

use super::Player;
use crate::leaf::{Leaf, LeafKind};
use crate::pattern::{self, Context};
use crate::program::Condition;
use crate::scope::{Names, ScopeId, Tentative};
use crate::tree::{self, Truth};

pub(super) struct Guide<'a>(pub(super) &'a Player);

/// So long after our answer has given a transaction its id a station is not yet called by it: its answers and its calls
/// may be taken up by different hands.
const TAKES_IN: Duration = Duration::from_millis(500);

impl Player {
    /// When a station has certainly taken in the id that this call of ours names.
    fn taken_in(&self, leaf: &Leaf) -> Option<Timestamp> {
        let LeafKind::OwnCall(step) = &leaf.kind else { return None };
        let names_it = self.program.device == Role::Station && step.call.action.value == "RemoteStopTransaction";
        self.named.filter(|_| names_it).map(|named| named + TAKES_IN)
    }
}

impl tree::Guide for Guide<'_> {
    fn deadline(&self, leaf: &Leaf, reached: Timestamp) -> Option<Timestamp> {
        let player = self.0;
        // Answers and reactions have the rig's time-out, which their owner watches.
        if matches!(leaf.kind, LeafKind::AnswerOfDevice(_) | LeafKind::Reaction(_)) {
            return None;
        }
        let step = match leaf.kind {
            LeafKind::DeviceConnect(_) => player.rig.timeouts.reconnect,
            _ => player.rig.timeouts.step,
        };
        let Some(within) = &leaf.within else {
            return Some(reached + step);
        };
        let from = match &within.of {
            None => reached,
            Some(mark) => player.moment(leaf.scope, &mark.value).unwrap_or(reached),
        };
        let lower = within.lower.as_ref().map(|lower| player.duration(leaf.scope, lower));
        let upper = match &within.upper {
            Some(upper) => player.duration(leaf.scope, upper),
            None => lower.unwrap_or_default() + step,
        };
        Some(from + upper)
    }

    fn not_before(&self, leaf: &Leaf) -> Option<Timestamp> {
        if let (Some(words), Some(verb)) = (&self.0.words, word_for(leaf)) {
            return (words.front() != Some(&verb)).then_some(Timestamp(i64::MAX));
        }
        // Between ourselves every bound is kept; a CSMS has set some of them, but not how long timers of our station run.
        if self.0.words.is_none() && self.0.program.device == Role::Csms && !self.0.is_lower_bound_of_device(leaf) {
            return None;
        }
        // With the tolerance on top, so that nobody with another clock finds us early.
        let tolerance = self.0.rig.timeouts.clock * 2;
        let earliest = matches!(leaf.kind, LeafKind::OwnCall(_) | LeafKind::OwnConnect(_))
            .then(|| self.0.earliest(leaf))
            .flatten()
            .map(|earliest| earliest + tolerance);
        earliest.max(self.0.taken_in(leaf))
    }

    fn grace(&self, leaf: Option<&Leaf>) -> Duration {
        leaf.and_then(|leaf| leaf.grace.as_ref().map(|grace| self.0.duration(leaf.scope, grace)))
            .unwrap_or(self.0.rig.timeouts.grace)
    }

    fn holds(&self, condition: &Condition) -> Truth {
        let player = self.0;
        // The clock is only for patterns about time, which conditions are not.
        let now = Timestamp::default();
        match condition {
            Condition::All(conditions) => {
                let mut all = Truth::Yes;
                for condition in conditions {
                    match self.holds(condition) {
                        Truth::No => return Truth::No,
                        Truth::Unknown => all = Truth::Unknown,
                        Truth::Yes => {}
                    }
                }
                all
            }
            Condition::Config(key, pattern, scope) => match player.session.config.get(key) {
                None => Truth::Unknown,
                Some(value) => {
                    // `True` is as good as `true`.
                    let plain = |value: &String| match value.to_ascii_lowercase() {
                        word if matches!(word.as_str(), "true" | "false") => word,
                        _ => value.clone(),
                    };
                    let value = value.as_ref().map(plain).map(Value::String);
                    player.truth(now, *scope, pattern, value.as_ref())
                }
            },
            Condition::Name(name, pattern, scope) => match player.names(now).resolve(*scope, name, &Tentative::new()) {
                None => Truth::Unknown,
                Some(value) => player.truth(now, *scope, pattern, Some(&value)),
            },
        }
    }
}

/// What the other reading says when it is time for this item of ours, if it says anything.
pub(super) fn word_for(leaf: &Leaf) -> Option<String> {
    match &leaf.kind {
        LeafKind::OwnAct(act) => Some(act.verb.value.clone()),
        LeafKind::OwnCall(step) if step.asked => Some(format!("send {}", step.call.action.value)),
        _ => None,
    }
}

impl Player {
    fn truth(&self, now: Timestamp, scope: ScopeId, pattern: &script::ast::Pattern, value: Option<&Value>) -> Truth {
        let fits = pattern::matches(&self.context(now), scope, pattern, None, value, &mut Tentative::new()).is_ok();
        if fits { Truth::Yes } else { Truth::No }
    }

    pub(super) fn names(&self, now: Timestamp) -> Names<'_> {
        Names {
            scopes: &self.program.scopes,
            bindings: &self.bindings,
            rig: &self.rig,
            config: &self.session.config,
            now,
        }
    }

    pub(super) fn context(&self, now: Timestamp) -> Context<'_> {
        Context {
            version: self.program.version,
            names: self.names(now),
            clock: self.rig.timeouts.clock,
            variant: self.program.message_option,
            seed: self.seed,
        }
    }

    /// A length of time; nothing if it is not known.
    pub(super) fn duration(&self, scope: ScopeId, length: &DurationExpr) -> Duration {
        match length {
            DurationExpr::Fixed(length) => *length,
            DurationExpr::Class(class) => self.rig.timeouts.class(&class.value).unwrap_or(self.rig.timeouts.step),
            DurationExpr::Name(name) => {
                let value = self.names(Timestamp::default()).resolve(scope, &name.value, &Tentative::new());
                let seconds = match &value {
                    Some(Value::Number(number)) => number.as_f64(),
                    Some(Value::String(text)) => text.trim().parse().ok(),
                    _ => None,
                };
                seconds.and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok()).unwrap_or_default()
            }
        }
    }

    /// The moment a mark stands for; of a stimulus its confirmation.
    pub(super) fn moment(&self, scope: ScopeId, mark: &str) -> Option<Timestamp> {
        let home = self.program.scopes.home(scope, mark);
        match self.bindings.value(&home)? {
            Value::String(text) => Timestamp::parse(text),
            Value::Object(span) => span.get("to").and_then(Value::as_str).and_then(Timestamp::parse),
            _ => None,
        }
    }

    /// Whether an item comes no earlier than a time that was agreed on in the conversation.
    fn is_lower_bound_of_device(&self, leaf: &Leaf) -> bool {
        match leaf.within.as_ref().and_then(|within| within.lower.as_ref()) {
            Some(DurationExpr::Name(name)) => {
                let scopes = &self.program.scopes;
                scopes.argument(&scopes.home(leaf.scope, &name.value.root)).is_none()
            }
            _ => false,
        }
    }

    /// The earliest moment a device item may come, with the tolerance of clocks.
    pub(super) fn earliest(&self, leaf: &Leaf) -> Option<Timestamp> {
        let within = leaf.within.as_ref()?;
        let lower = within.lower.as_ref()?;
        let from = match &within.of {
            None => leaf.reached?,
            Some(mark) => self.moment(leaf.scope, &mark.value)?,
        };
        Some(from + self.duration(leaf.scope, lower) - self.rig.timeouts.clock)
    }

    /// Gives the name of a leaf's mark to a moment.
    pub(super) fn mark(&mut self, leaf: &Leaf, from: Timestamp, to: Timestamp) {
        let Some(mark) = &leaf.mark else { return };
        let home = self.program.scopes.home(leaf.scope, mark);
        let value = if from == to {
            Value::String(to.to_string())
        } else {
            serde_json::json!({ "from": from.to_string(), "to": to.to_string() })
        };
        self.bindings.bind(home, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::sample;
    use crate::tree::Turn;

    #[test]
    fn a_station_has_a_moment_to_take_in_the_id_of_its_transaction() {
        let now = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        let steps = "  - csms -> station: RemoteStopTransaction\n    fields: { transactionId: 7 }\n    \
                     reply: { status: Rejected }\n";
        let mut player = sample::playing(now, steps);
        player.named = Some(now);
        let mut nodes: Vec<_> = std::mem::take(&mut player.segments).into_iter().map(|segment| segment.node).collect();
        let mut turns = |moment| -> Vec<Turn> {
            nodes.iter_mut().map(|node| node.turn(moment, &Guide(&player), &mut Vec::new())).collect()
        };
        assert!(turns(now).iter().any(|turn| matches!(turn, Turn::Wait(until) if *until == now + TAKES_IN)));
        assert!(!turns(now + TAKES_IN).iter().any(|turn| matches!(turn, Turn::Wait(_))));
    }
}
