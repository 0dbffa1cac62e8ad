//! Walks from goal to goal: the states of the model and the moves in each, legal and illegal, one after the other.

use std::collections::VecDeque;
use std::sync::Arc;

use protocol::Role;
use protocol::generate::{Choices, pick};
use serde_json::json;

use super::{Generator, Maker};
use crate::Act;
use crate::act::Manner;
use crate::model::{Aim, Goal, Means, Next, State, Step, Told};
use crate::view::View;

/// A walk through the goals.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    /// Which of its kind it is, and how many acts it has: that decides where it begins.
    number: usize,
    length: usize,
    /// What is to be reached, in order; known when the walk begins.
    goals: Option<VecDeque<Goal>>,
    /// How often something was done for the goal that comes next.
    tries: u32,
    /// Whether its state was reached in this walk.
    is_there: bool,
    /// Steps that have been decided on, each on its link.
    steps: VecDeque<(usize, Step)>,
    /// When the station may boot again, by the interval it was given.
    boots_at: i64,
}

/// So many things are done for one goal; then it is given up.
const TRIES: u32 = 12;
/// What is done first is done again only so often: it may have left nothing behind.
const FIRST: u32 = 4;
/// The interval that a boot is answered with where time is virtual, and where it is not, in seconds.
const INTERVALS: (u64, u64) = (30, 1);

impl Walk {
    pub(super) fn new(number: usize, length: usize) -> Walk {
        Walk { number, length, goals: None, tries: 0, is_there: false, steps: VecDeque::new(), boots_at: 0 }
    }

    /// The goals that this walk sets out for: all of them, from where the walks before it have surely got to.
    fn goals(&mut self, means: &Means<'_>) -> &mut VecDeque<Goal> {
        let (number, length) = (self.number, self.length);
        self.goals.get_or_insert_with(|| {
            let mut goals = VecDeque::from(means.goals());
            let begin = number.wrapping_mul((length / 4).max(1)).checked_rem(goals.len()).unwrap_or(0);
            goals.rotate_left(begin);
            goals
        })
    }

    /// A goal that cannot be had now is left to another walk, and so are all of its state if it is that which is not
    /// reached.
    fn give_up(&mut self, means: &Means<'_>) {
        self.steps.clear();
        let left = self.goals(means).front().map(|goal| goal.state);
        let is_there = self.is_there;
        self.reached(means);
        while !is_there && left.is_some() && self.goals(means).front().map(|goal| goal.state) == left {
            self.reached(means);
        }
    }

    fn reached(&mut self, means: &Means<'_>) {
        self.tries = 0;
        let goals = self.goals(means);
        let before = goals.pop_front();
        if before.map(|goal| goal.state) != goals.front().map(|goal| goal.state) {
            self.is_there = false;
        }
    }
}

impl Generator {
    /// What comes next on the walk, if this is one and it has not come to its end.
    pub(super) fn towards_goal(&mut self, view: &View<'_>, choices: &mut dyn Choices) -> Option<Act> {
        let mut walk = self.goals.take()?;
        let act = Maker { view, memory: &mut self.memory, choices }.walked(&mut walk);
        self.goals = Some(walk);
        act
    }
}

impl Maker<'_, '_> {
    fn walked(&mut self, walk: &mut Walk) -> Option<Act> {
        let told = Told { tokens: self.view.tokens.clone(), connectors: self.view.connectors, ..Told::default() };
        let means = Means {
            device: self.view.device,
            version: self.view.version,
            told: Arc::new(told),
            identities: self.view.identities,
            drivable: self.view.drivable,
            allowed: self.view.allowed,
            lacks: self.view.model.lacks().clone(),
        };
        // Every turn does something or leaves a goal behind.
        loop {
            while let Some((link, step)) = walk.steps.pop_front() {
                if let Some(act) = self.stepped(walk, link, step) {
                    return Some(act);
                }
            }
            let goal = *walk.goals(&means).front()?;
            walk.tries += 1;
            if walk.tries > TRIES {
                walk.give_up(&means);
                continue;
            }
            // Of the first station it is known that it was accepted.
            let link = usize::from(goal.state == State::Unregistered && self.view.device == Role::Csms);
            walk.is_there |= self.view.model.state_of(link) == goal.state;
            match self.view.model.towards(goal, link, &means) {
                Next::Arrived(made) => {
                    walk.reached(&means);
                    let act = match (goal.aim, made) {
                        (Aim::Move(_), Some(made)) => self.made_of(&made, link),
                        (Aim::Move(_), None) => None,
                        (Aim::Anything, _) => Some(self.schema_act()),
                        (Aim::Again, _) => self.earlier(),
                        (Aim::Close, _) => Some(Act::Close { link, code: Some(1000) }),
                        (Aim::Cut, _) => Some(Act::Cut { link }),
                    };
                    if act.is_some() {
                        return act;
                    }
                }
                Next::First(link, made) => {
                    walk.tries += FIRST - 1;
                    if let Some(act) = self.made_of(&made, link) {
                        return Some(act);
                    }
                }
                Next::Ways(link, ways) => {
                    let steps = pick(&ways, self.choices).copied().unwrap_or(&[]);
                    walk.steps.extend(steps.iter().map(|step| (link, *step)));
                }
                Next::Nowhere => walk.reached(&means),
            }
        }
    }

    fn stepped(&mut self, walk: &mut Walk, link: usize, step: Step) -> Option<Act> {
        match step {
            Step::Move(action, name) => {
                let moves = self.view.model.moves(link);
                let made = moves.iter().find(|each| (each.action, each.name) == (action, name))?;
                self.made_of(made, link)
            }
            Step::AnswerBoot(status) => {
                let (virtually, really) = INTERVALS;
                let is_real = self.view.longest_pass_ms < virtually * 1000;
                let interval = if is_real { really } else { virtually };
                walk.boots_at = self.view.now.0.saturating_add(interval as i64 * 1_000_000);
                self.boot_answer(status, interval)
            }
            Step::DecideBoot(status) => self.at_the_csms(link, "decide boot", json!({ "status": status })),
            Step::Do(verb) => {
                let at = self.view.model.focus(link);
                let valid = self.view.tokens.get("valid");
                let more = match verb {
                    "present token" => Some(("token", json!({ "idToken": valid?, "type": "ISO14443" }))),
                    _ => None,
                };
                self.stimulus(at, verb, more)
            }
            Step::TriggerBoot => self.trigger(link, "BootNotification"),
            Step::Connect { boots } => {
                let manner = Manner { unbooted: !boots, ..Manner::default() };
                Some(Act::Connect { link, identity: link, manner })
            }
            Step::Wait => {
                let left = walk.boots_at.saturating_sub(self.view.now.0) / 1000;
                if left > 0 {
                    walk.tries = walk.tries.saturating_sub(1);
                }
                Some(Act::Pass { ms: u64::try_from(left).unwrap_or(0).clamp(1000, 60_000) })
            }
        }
    }
}
