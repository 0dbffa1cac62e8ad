//! Judges a recorded run again: the same player, fed from the trace instead of from a device. No I/O, no clock.

use std::collections::HashMap;

use base64::Engine as _;
use protocol::Timestamp;
use script::Library;
use verdict::{CaseResult, Direction, Event, EventKind, PlanId, RunEvent};

use crate::drivers::Confirmation;
use crate::player::{Input, Player, Session};
use crate::program::{self, Cover, Outside};
use crate::rig::Rig;
use crate::suite::{self, Once, Played, acquaintance};

/// A result judged again, beside the one in the trace.
#[derive(Clone, Debug)]
pub struct Rejudged {
    /// What the trace says.
    pub recorded: CaseResult,
    /// What comes of it now; nothing if the trace does not hold what it rests on, with the reason.
    pub judged: Result<CaseResult, String>,
}

/// Judges every case of a trace again. `seed` is the seed of the run.
pub fn judge(library: &Library, events: &[RunEvent]) -> Vec<Rejudged> {
    let seed = events
        .iter()
        .find_map(|event| match event {
            RunEvent::RunStarted { seed, .. } => Some(*seed),
            _ => None,
        })
        .unwrap_or_default();
    let mut judge = Judge { library, seed, sessions: HashMap::new(), once: Once::default() };
    let mut plans: Vec<(PlanId, Vec<Event>)> = Vec::new();
    let mut judged = Vec::new();
    for event in events {
        match event {
            RunEvent::Happened { plan, happened } => match plans.last_mut() {
                Some((last, list)) if last == plan && !matches!(happened.kind, EventKind::Begun { .. }) => {
                    list.push(happened.clone());
                }
                _ => plans.push((plan.clone(), vec![happened.clone()])),
            },
            RunEvent::CaseFinished(recorded) => {
                let plans = std::mem::take(&mut plans);
                judged.push(judge.case(recorded, plans));
            }
            _ => {}
        }
    }
    judged
}

struct Judge<'a> {
    once: Once,
    library: &'a Library,
    seed: u64,
    /// What lasts from plan to plan.
    sessions: HashMap<u64, Session>,
}

impl Judge<'_> {
    fn case(&mut self, recorded: &CaseResult, plans: Vec<(PlanId, Vec<Event>)>) -> Rejudged {
        let mut played = Vec::new();
        let mut why = (plans.is_empty()).then(|| "it was not played".to_owned());
        for (plan, events) in plans {
            match self.plan(&plan, &events) {
                // What was broken while a station was asked what it has is the first case's to report.
                Ok(mut met) if plan.case == acquaintance::NAME => {
                    if let Some(session) = session_of(&events).and_then(|number| self.sessions.get_mut(&number)) {
                        session.oracles.put_back(std::mem::take(&mut met.outcome.violations));
                    }
                }
                Ok(one) => played.push(one),
                Err(reason) => {
                    why.get_or_insert(reason);
                }
            }
        }
        let judged = match why {
            Some(reason) => Err(reason),
            None => {
                let mut result = recorded.clone();
                suite::summarise(&mut result, &played);
                self.once.settle(&mut result);
                Ok(result)
            }
        };
        Rejudged { recorded: recorded.clone(), judged }
    }

    fn plan(&mut self, plan: &PlanId, events: &[Event]) -> Result<Played, String> {
        let is_acquaintance = plan.case == acquaintance::NAME;
        let case = if is_acquaintance { None } else { self.library.case(&plan.case, plan.ocpp) };
        if case.is_none() && !is_acquaintance {
            return Err(format!("there is no case \"{}\" for {} here", plan.case, plan.ocpp));
        }
        let Some(Event {
            at: began,
            kind:
                EventKind::Begun { session: number, prefix, identity, strict, product, drivable, not_carried, charged, rig },
        }) = events.first()
        else {
            return Err("the trace does not say how the plan began".to_owned());
        };
        let rig = Rig::from_facts(plan.device, plan.ocpp, rig);
        let can = |_: protocol::Role, verb: &str| {
            drivable.iter().any(|name| name == verb || (verb.starts_with("send ") && name == "send"))
        };
        let cannot_carry = |action: &str| not_carried.get(action).cloned().unwrap_or_default();
        let cover = if *product { Cover::Product } else { Cover::Each };
        let outside = Outside {
            library: self.library,
            rig: &rig,
            can: &can,
            cannot_carry: &cannot_carry,
            cover,
            both_sides: false,
        };
        let program = match case {
            Some(case) => program::compile(case, plan.device, plan.ocpp, plan.variant, &outside),
            None => acquaintance::program(plan.ocpp, &rig).ok_or("there are no such questions")?,
        };
        let program = program.map_err(|refused| refused.reason.clone())?;
        let mut session = self
            .sessions
            .remove(number)
            .unwrap_or_else(|| Session::new(plan.device, plan.ocpp, identity, &rig, prefix, *number));
        session.charged.extend(charged.iter().cloned());
        let mut player = Player::new(*began, program, std::sync::Arc::new(rig), session, self.seed, *strict);
        for event in &events[1..] {
            if let Some((at, input)) = input(event) {
                player.handle(at, input);
            }
            player.commands();
        }
        let last = events.last().map_or(*began, |event| event.at);
        if !player.is_finished() {
            player.abandon(last, verdict::Verdict::Inconclusive, "the trace ends before the plan did");
        }
        let (outcome, session, _) = player.into_parts();
        self.sessions.insert(*number, session);
        Ok(Played { outcome, events: events.to_vec(), identity: identity.clone(), plan: plan.clone() })
    }
}

/// The session that a plan was played on.
fn session_of(events: &[Event]) -> Option<u64> {
    match events.first()?.kind {
        EventKind::Begun { session, .. } => Some(session),
        _ => None,
    }
}

/// What an event of a trace was for the player; nothing if the player made it itself.
fn input(event: &Event) -> Option<(Timestamp, Input)> {
    let decoded = |base64: &str| base64::engine::general_purpose::STANDARD.decode(base64).unwrap_or_default();
    let input = match &event.kind {
        EventKind::Opened { identity, offered, subprotocol } => {
            Input::Opened { identity: identity.clone(), offered: offered.clone(), subprotocol: subprotocol.clone() }
        }
        EventKind::Refused { status, reason, .. } => Input::Refused { status: *status, reason: reason.clone() },
        EventKind::Text { direction: Direction::FromDevice, text, base64 } => {
            Input::Text(base64.as_deref().map_or_else(|| text.clone().into_bytes(), decoded))
        }
        EventKind::Binary { direction: Direction::FromDevice, base64, .. } => Input::Binary(decoded(base64)),
        EventKind::Control { direction: Direction::FromDevice, name } => {
            Input::Control(if name == "pong" { "pong" } else { "ping" })
        }
        EventKind::Closed { by: Direction::FromDevice, code, reason } => {
            Input::Closed { code: *code, reason: reason.clone() }
        }
        EventKind::WireFinding { rule, id, text, certain } => {
            Input::Wire { rule: rule.clone(), id: id.clone(), text: text.clone(), certain: *certain }
        }
        EventKind::StimulusDone { verb, failure, undrivable, not_carried } => {
            Input::StimulusDone(match (failure, undrivable) {
                (None, _) if not_carried.is_empty() => Confirmation::Done,
                (None, _) => Confirmation::CannotCarry(not_carried.clone()),
                (Some(reason), true) => Confirmation::Undrivable(reason.clone()),
                (Some(reason), false) if *reason == format!("needs {verb}") => Confirmation::NotBound(verb.clone()),
                (Some(reason), false) => Confirmation::Failed(reason.clone()),
            })
        }
        EventKind::Observed { seen, .. } => Input::Observed(*seen),
        EventKind::Deed { deed } => Input::Deed(deed.clone()),
        EventKind::Tick => Input::Tick,
        _ => return None,
    };
    Some((event.at, input))
}
