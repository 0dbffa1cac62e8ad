//! Things done outside the wire: to the device through its drivers, to a party of ours by telling it.

use std::sync::Arc;

use protocol::stimulus::Stimulus;
use protocol::{Role, Timestamp};
use script::ast::Act;
use serde_json::{Map, Value, json};
use verdict::{Diagnostic, EventKind, Verdict};

use super::session::Debt;
use super::{Acting, Command, Outcome, Phase, Player};
use crate::drivers::Confirmation;
use crate::leaf::{CallStep, Leaf, LeafKind};
use crate::pattern;
use crate::scope::Tentative;
use crate::tree::{Guard, Node};

impl Player {
    fn arguments(&mut self, now: Timestamp, leaf: &Leaf, act: &Act) -> Option<Map<String, Value>> {
        let mut with = Map::new();
        for (name, pattern) in &act.with {
            match self.names(now).plain(leaf.scope, pattern, &Tentative::new()) {
                Some(value) => {
                    with.insert(name.value.clone(), value);
                }
                None => {
                    self.own_fault(leaf, "this argument is bound to nothing", Some(pattern.span), "");
                    return None;
                }
            }
        }
        let verb = protocol::stimulus::verb(act.party.value.role(self.program.device), &act.verb.value);
        let wants_connector = verb.is_some_and(|verb| verb.arguments.iter().any(|argument| argument.name == "at"));
        if wants_connector
            && !with.contains_key("at")
            && let Some(connector) = self.rig.value("connector")
        {
            with.insert("at".to_owned(), connector.to_json());
        }
        Some(with)
    }

    /// Something is done to a party that we play.
    pub(super) fn own_act(&mut self, now: Timestamp, leaf: &Leaf, act: &Act) {
        let Some(with) = self.arguments(now, leaf, act) else { return };
        self.session.standin.act(now, &act.verb.value, &with);
        self.mark(leaf, now, now);
    }

    /// Something is done to the device.
    pub(super) fn stimulate(&mut self, now: Timestamp, leaf: &Leaf, act: &Act) {
        let Some(with) = self.arguments(now, leaf, act) else { return };
        let stimulus = Stimulus { party: self.program.device, verb: act.verb.value.clone(), with };
        self.owe_for(&stimulus);
        // What the device says of it may be here before the driver's confirmation.
        self.mark(leaf, now, now);
        self.issue(now, Some(leaf.clone()), stimulus);
    }

    pub(super) fn issue(&mut self, now: Timestamp, leaf: Option<Leaf>, stimulus: Stimulus) {
        if matches!(stimulus.verb.as_str(), "reboot" | "cut power" | "restore power" | "restart") {
            self.may_leave = true;
        }
        self.event(now, EventKind::Stimulus { stimulus: stimulus.clone() });
        self.only_confirmed = leaf.as_ref().map(|_| stimulus.verb.clone());
        let mut guards = Vec::new();
        self.node.guards(&mut guards);
        let lasting = guards.into_iter().filter(|guard| guard.length.is_none());
        let guards = lasting.map(|guard| Guard { inner: Node::Done, ..guard.clone() }).collect();
        let verb = stimulus.verb.clone();
        self.acting = Some(Acting { leaf, verb, since: now, is_look: false, has_come: false, is_made: false, guards });
        self.commands.push(Command::Stimulate(stimulus));
    }

    /// What a stimulus leaves to be undone.
    fn owe_for(&mut self, stimulus: &Stimulus) {
        let at = stimulus.with.get("at").cloned().unwrap_or(Value::Null);
        match stimulus.verb.as_str() {
            "plug in" => self.session.owe(Debt::Cable(at)),
            "unplug" => self.session.paid(|debt| *debt == Debt::Cable(at.clone())),
            "cause fault" => self.session.owe(Debt::Fault(at)),
            "clear fault" => self.session.paid(|debt| *debt == Debt::Fault(at.clone())),
            "jam lock" => self.session.owe(Debt::Jam(at)),
            "free lock" => self.session.paid(|debt| *debt == Debt::Jam(at.clone())),
            "cut power" => self.session.owe(Debt::Power),
            "restore power" => self.session.paid(|debt| *debt == Debt::Power),
            "add token" => {
                let token = stimulus.with.get("token").cloned().unwrap_or(Value::Null);
                self.session.owe(Debt::Token(token));
            }
            "decide boot" => self.session.owe(Debt::BootDecision),
            _ => {}
        }
    }

    /// A CSMS under test is asked for a call; from now on it may come.
    pub(super) fn ask_for_call(&mut self, now: Timestamp, leaf: &Leaf, step: &Arc<CallStep>) -> Node {
        let call = &step.call;
        let ty = protocol::catalogue::Catalogue::of(self.program.version)
            .message(&call.action.value)
            .map(|message| protocol::catalogue::Type::Object(message.request.clone()));
        let mut context = self.context(now);
        context.variant = 0;
        let settled = pattern::generate(&context, leaf.scope, call.fields.as_ref(), ty.as_ref(), None, true);
        let fields = match settled {
            Ok(Some(fields)) => fields,
            Ok(None) => json!({}),
            Err(unfillable) => {
                self.own_fault(leaf, &unfillable.reason, Some(unfillable.span), "");
                return Node::Done;
            }
        };
        // A control interface that passes on what it is given needs every required field, whoever else leaves them to
        // the CSMS.
        let whole = pattern::generate(&context, leaf.scope, call.fields.as_ref(), ty.as_ref(), None, false);
        let payload = whole.ok().flatten().unwrap_or_else(|| fields.clone());
        let mut with = Map::new();
        with.insert("action".to_owned(), Value::from(call.action.value.clone()));
        with.insert("fields".to_owned(), fields);
        with.insert("payload".to_owned(), payload);
        with.insert("station".to_owned(), Value::from(self.session.identity.clone()));
        let stimulus = Stimulus { party: Role::Csms, verb: "send".to_owned(), with };
        self.issue(now, Some(leaf.clone()), stimulus);
        Node::Leaf(Box::new(leaf.becomes(LeafKind::DeviceCall(step.clone()))))
    }

    pub(super) fn look(&mut self, now: Timestamp, leaf: &Leaf, act: &Act) {
        let Some(with) = self.arguments(now, leaf, act) else { return };
        let stimulus = Stimulus { party: self.program.device, verb: act.verb.value.clone(), with };
        self.event(now, EventKind::Stimulus { stimulus: stimulus.clone() });
        let leaf = Some(leaf.clone());
        let verb = stimulus.verb.clone();
        let guards = Vec::new();
        self.acting = Some(Acting { leaf, verb, since: now, is_look: true, has_come: false, is_made: false, guards });
        self.commands.push(Command::Look(stimulus));
    }

    pub(super) fn confirmed(&mut self, now: Timestamp, confirmation: Confirmation) {
        let Some(acting) = self.acting.take_if(|acting| !acting.is_look) else { return };
        let failure = match &confirmation {
            Confirmation::Done | Confirmation::CannotCarry(_) => None,
            Confirmation::NotBound(_) => Some(format!("needs {}", acting.verb)),
            // It may be what the station has said that a control interface calls a failure.
            Confirmation::Undrivable(_) | Confirmation::Failed(_) if acting.is_made => None,
            Confirmation::Undrivable(reason) | Confirmation::Failed(reason) => Some(reason.clone()),
        };
        let not_carried = match &confirmation {
            Confirmation::CannotCarry(fields) => fields.clone(),
            _ => Vec::new(),
        };
        self.event(
            now,
            EventKind::StimulusDone {
                verb: acting.verb.clone(),
                failure: failure.clone(),
                undrivable: failure.is_some() && matches!(confirmation, Confirmation::Undrivable(_)),
                not_carried,
            },
        );
        if self.phase != Phase::Segment || self.outcome.is_some() {
            if matches!(self.phase, Phase::Chores(_)) {
                self.chore_done(now, failure);
            }
            return;
        }
        let Some(leaf) = acting.leaf else { return };
        match confirmation {
            Confirmation::Done => {}
            Confirmation::Undrivable(reason) | Confirmation::Failed(reason) if acting.is_made => {
                self.note(format!("the call came, and its driver says that {} failed: {reason}", acting.verb));
            }
            Confirmation::CannotCarry(fields) => {
                self.note(format!("the driver could not carry {}", fields.join(", ")));
            }
            Confirmation::Undrivable(reason) => {
                self.conclude(Outcome::plain(Verdict::NotApplicable, &format!("{}: {reason}", acting.verb)));
                return;
            }
            Confirmation::NotBound(_) | Confirmation::Failed(_) => {
                let reason = failure.unwrap_or_default();
                let title =
                    if reason.starts_with("needs ") { reason } else { format!("{} failed: {reason}", acting.verb) };
                let diagnostic = leaf.blame(Diagnostic::error("stimulus", title.clone()), "asked for here");
                self.conclude(Outcome {
                    diagnostics: vec![diagnostic],
                    ..Outcome::plain(Verdict::Inconclusive, &title)
                });
                return;
            }
        }
        self.mark(&leaf, acting.since, now);
        self.node.restart_clock(now);
    }

    pub(super) fn observed(&mut self, now: Timestamp, seen: Option<bool>) {
        let Some(acting) = self.acting.take_if(|acting| acting.is_look) else { return };
        self.event(now, EventKind::Observed { verb: acting.verb.clone(), seen });
        let Some(leaf) = acting.leaf else { return };
        match seen {
            Some(true) => self.mark(&leaf, now, now),
            None => self.note(format!("not observed: {} ({}:{})", acting.verb, leaf.source.path, leaf.line())),
            Some(false) => match &leaf.warn {
                Some(text) => self.warn(format!("{text} ({}:{})", leaf.source.path, leaf.line())),
                None => {
                    let title = format!("\"{}\" was not the case", acting.verb);
                    let diagnostic = leaf.blame(Diagnostic::error("not-seen", title.clone()), "looked at here");
                    self.fail(&leaf, title, diagnostic);
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::{Input, sample};

    /// The verdict after a station was charged, and meant to say nothing meanwhile, and said this.
    fn while_charging(message: &str, confirmed_before: bool) -> Option<Verdict> {
        let steps = "  - never: [ { station -> csms: MeterValues } ]\n    during:\n      \
                     - at station: charge\n        with: { for: 60s }\n  - station -> csms: Heartbeat\n";
        let now = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        let mut player = sample::connected_to_station(now, steps);
        assert!(player.acting.is_some(), "the stimulus is given");
        if confirmed_before {
            player.handle(now, Input::StimulusDone(Confirmation::Done));
        }
        player.handle(now, Input::Text(message.as_bytes().to_vec()));
        player.outcome.as_ref().map(|outcome| outcome.verdict)
    }

    #[test]
    fn a_call_that_came_was_made_whatever_its_driver_says() {
        let steps = "  - csms -> station: ClearCache\n    error: GenericError\n  - station -> csms: Heartbeat\n";
        let now = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        let after = |comes: bool| {
            let mut player = sample::connected_to_csms(now, steps);
            assert!(player.acting.is_some(), "it is asked for");
            if comes {
                player.handle(now, Input::Text(br#"[2,"1","ClearCache",{}]"#.to_vec()));
            }
            player.handle(now, Input::StimulusDone(Confirmation::Failed("answered 409".to_owned())));
            player.outcome.as_ref().map(|outcome| outcome.verdict)
        };
        assert_eq!(after(true), None);
        assert_eq!(after(false), Some(Verdict::Inconclusive));
    }

    #[test]
    fn what_must_not_come_during_a_stimulus_must_not_come_until_it_is_confirmed() {
        let values = r#"[2,"1","MeterValues",{"connectorId":1,"meterValue":[]}]"#;
        assert_eq!(while_charging(values, false), Some(Verdict::Fail));
        assert_eq!(while_charging(r#"[2,"1","Heartbeat",{}]"#, false), None);
        assert_eq!(while_charging(values, true), None);
    }
}
