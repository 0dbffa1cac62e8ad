//! Calls: ours to the device, and those of the device.

use std::sync::Arc;

use protocol::catalogue::{Catalogue, Kind};
use protocol::frame::Frame;
use protocol::statements::{Strength, statement};
use protocol::validate;
use protocol::{Role, Timestamp};
use script::ast::{Answer, ForbiddenKind, Pattern};
use script::background;
use serde_json::{Map, Value};
use verdict::{Diagnostic, Direction, EventKind};

use super::failing::{NearMiss, Otherwise};
use super::unasked::Doubt;
use super::{Command, Open, Phase, Player, Tag};
use crate::leaf::{Asked, CallStep, Leaf, LeafKind, Pending};
use crate::pattern::{self, Mismatch, shorten};
use crate::program::Purpose;
use crate::scope::{Tentative, plain_text};
use crate::tree::{Guard, Node};

/// What came of holding a call of the device against what may come.
pub(super) struct Offered {
    /// What takes it, with what it binds.
    pub(super) taken: Option<Leaf>,
    pub(super) binds: Tentative,
    /// What it might have been, and why it is not.
    misfits: Vec<(Leaf, Mismatch)>,
    /// What does not come any more, now that this has come.
    pub(super) passed: Vec<Leaf>,
}

impl Player {
    /// Makes a request from a pattern; an error is ours and already noted.
    fn make_request(&mut self, now: Timestamp, leaf: &Leaf, call: &script::ast::Call) -> Option<Value> {
        let action = &call.action.value;
        let message = Catalogue::of(self.program.version).message(action);
        let ty = message.map(|message| protocol::catalogue::Type::Object(message.request.clone()));
        let fields = call.fields.as_ref();
        let settled = match pattern::generate(&self.context(now), leaf.scope, fields, ty.as_ref(), None, true) {
            Ok(Some(Value::Object(settled))) => settled,
            Ok(_) => Map::new(),
            Err(unfillable) => {
                self.own_fault(leaf, &unfillable.reason, Some(unfillable.span), "");
                return None;
            }
        };
        let base = match message {
            Some(_) => self.session.standin.request(now, action, &settled),
            None => Value::Object(settled),
        };
        match pattern::generate(&self.context(now), leaf.scope, fields, ty.as_ref(), Some(&base), false) {
            // What a case breaks on purpose stays as it is written.
            Ok(Some(request)) if call.invalid.is_some() => Some(request),
            Ok(Some(request)) => Some(plainly_written(request)),
            Ok(None) => Some(Value::Object(Map::new())),
            Err(unfillable) => {
                self.own_fault(leaf, &unfillable.reason, Some(unfillable.span), "");
                None
            }
        }
    }

    /// Binds the names of a pattern to what we made; a misfit is our fault.
    fn bind_own(
        &mut self,
        now: Timestamp,
        leaf: &Leaf,
        pattern: Option<&Pattern>,
        ty: Option<&protocol::catalogue::Type>,
        value: &Value,
    ) -> bool {
        let Some(pattern) = pattern else { return true };
        let mut binds = Tentative::new();
        match pattern::matches(&self.context(now), leaf.scope, pattern, ty, Some(value), &mut binds) {
            Ok(()) => {
                self.bindings.commit(binds);
                true
            }
            Err(mismatch) => {
                let title = format!(
                    "our own message does not fit its pattern: {} expected {}, made {}",
                    mismatch.path, mismatch.expected, mismatch.actual
                );
                self.own_fault(leaf, &title, Some(mismatch.span), "");
                false
            }
        }
    }

    pub(super) fn send_call(&mut self, now: Timestamp, leaf: &Leaf, step: &Arc<CallStep>) -> Node {
        let call = &step.call;
        let action = call.action.value.clone();
        let Some(request) = self.make_request(now, leaf, call) else { return Node::Done };
        let message = Catalogue::of(self.program.version).message(&action);
        let ty = message.map(|message| protocol::catalogue::Type::Object(message.request.clone()));
        if call.invalid.is_none() && message.is_some() {
            let violations = validate::request_violations(self.program.version, &action, &request);
            if let Some(violation) = violations.first() {
                let title = format!(
                    "our own {action} is not valid: {} expected {}, made {}",
                    violation.path, violation.expected, violation.actual
                );
                self.own_fault(leaf, &title, None, "");
                return Node::Done;
            }
        }
        let mut id = self.session.fresh_id();
        if let Some(pattern) = &call.id {
            let mut context = self.context(now);
            // An id that is made up is never made up again (R-023).
            context.seed ^= now.0.unsigned_abs();
            let base = Value::String(id.clone());
            if let Ok(Some(made)) = pattern::generate(&context, leaf.scope, Some(pattern), None, Some(&base), false) {
                id = plain_text(&made);
            }
        }
        if let Some(pattern) = &call.id
            && !self.bind_own(now, leaf, Some(pattern), None, &Value::String(id.clone()))
        {
            return Node::Done;
        }
        if call.invalid.is_none() && !self.bind_own(now, leaf, call.fields.as_ref(), ty.as_ref(), &request) {
            return Node::Done;
        }
        if message.is_some_and(|message| message.kind == Kind::Send) {
            let frame = Frame::Send { id, action, payload: request };
            self.send_frame(now, &frame);
            self.mark(leaf, now, now);
            return Node::Done;
        }
        let repeats_id = call.id.is_some();
        let silence = matches!(call.answer, Answer::Nothing(_));
        self.send_request(now, &id, &action, &request, if silence { Tag::Silence } else { Tag::Step });
        if repeats_id {
            // The same id twice: whatever answers it answers one of the two.
            self.session.oracles.sent_text(&id, "");
        }
        // `within` says when the call is due, and how long silence has to last; an answer is due as every answer is.
        if silence {
            let wait = leaf.within.as_ref().and_then(|within| within.upper.as_ref());
            let wait = wait.map_or(self.rig.timeouts.grace * 2, |upper| self.duration(leaf.scope, upper));
            if let Some(open) = &mut self.open {
                open.deadline = now + wait;
            }
        }
        let asked = Asked { step: step.clone(), id, request };
        let mut answer = leaf.becomes(LeafKind::AnswerOfDevice(Arc::new(asked)));
        answer.within = None;
        let answer = Node::Leaf(Box::new(answer));
        if step.before.is_done() {
            answer
        } else {
            // Before the device answers, its answer and what happens meanwhile come in any order.
            Node::Any(vec![step.before.clone(), answer])
        }
    }

    /// Sends a call and waits for its answer.
    pub(super) fn send_request(&mut self, now: Timestamp, id: &str, action: &str, request: &Value, tag: Tag) {
        let frame = Frame::Call { id: id.to_owned(), action: action.to_owned(), payload: request.clone() };
        self.send_frame(now, &frame);
        self.await_answer(now, id, action, request, tag);
    }

    /// Waits for the answer to a call that is on its way.
    pub(super) fn await_answer(&mut self, now: Timestamp, id: &str, action: &str, request: &Value, tag: Tag) {
        self.session.oracles.sent_call(id, action, request);
        self.note_start(action, request);
        self.open = Some(Open {
            id: id.to_owned(),
            action: action.to_owned(),
            request: request.clone(),
            since: now,
            deadline: now + self.rig.timeouts.reply,
            tag,
        });
    }

    pub(super) fn send_frame(&mut self, now: Timestamp, frame: &Frame) {
        self.send_raw(now, frame.to_text());
    }

    pub(super) fn send_raw(&mut self, now: Timestamp, text: String) {
        self.event(now, EventKind::Text { direction: Direction::ToDevice, text: text.clone(), base64: None });
        self.commands.push(Command::Send(text));
    }

    /// Holds a call of the device against what may come now; the one that takes it is taken out.
    pub(super) fn offer_call(&mut self, now: Timestamp, id: &str, action: &str, payload: &Value) -> Offered {
        let mut binds = Tentative::new();
        let mut misfits = Vec::new();
        let mut passed = Vec::new();
        let mut node = std::mem::replace(&mut self.node, Node::Done);
        node.prepare(now, &super::guide::Guide(self));
        let taken = node.offer(
            &mut |leaf| match self.fits_call(now, leaf, id, action, payload) {
                Some(Ok(found)) => {
                    binds = found;
                    true
                }
                Some(Err(mismatch)) => {
                    misfits.push((leaf.clone(), mismatch));
                    false
                }
                None => false,
            },
            &mut |guard| self.forbids_call(now, guard, action, payload),
            &mut passed,
        );
        self.node = node;
        Offered { taken, binds, misfits, passed }
    }

    /// A call of the device.
    pub(super) fn device_call(
        &mut self,
        now: Timestamp,
        id: &str,
        action: &str,
        payload: &Value,
        is_send: bool,
        text: &str,
    ) {
        let is_first = !std::mem::replace(&mut self.session.spoken, true);
        self.learn_from_call(action, payload);
        if self.is_for_procedure(id, action, payload) {
            return;
        }
        if !matches!(self.phase, Phase::Segment) || self.outcome.is_some() || self.running.is_some() {
            self.answer_by_standin(now, id, action, payload, is_send);
            self.heard_while_arriving(now);
            return;
        }
        let Offered { taken, binds, misfits, passed } = self.offer_call(now, id, action, payload);
        let forbidden = if taken.is_some() {
            None
        } else {
            let mut guards = Vec::new();
            self.node.guards(&mut guards);
            let acting = self.acting.iter().flat_map(|acting| &acting.guards);
            guards
                .into_iter()
                .chain(acting)
                .find(|guard| self.forbids_call(now, guard, action, payload))
                .map(|guard| guard.place.clone())
        };
        let expected = self.node.first_leaf().cloned();
        if let Some(leaf) = taken {
            if let Some(acting) = &mut self.acting {
                acting.guards.clear();
            }
            self.bindings.commit(binds);
            self.passed_over(passed);
            self.step_event(now, &leaf, "matched");
            self.doubt = self.doubt.take().filter(|doubt| doubt.action != action);
            self.near_misses.clear();
            self.only_confirmed = None;
            self.mark(&leaf, now, now);
            self.take_call(now, leaf, id, action, payload, is_send);
            return;
        }
        if let Some(place) = forbidden {
            self.answer_by_standin(now, id, action, payload, is_send);
            let title = format!("{action} came where it must not");
            let warn = place.warn.clone();
            let diagnostic = place
                .blame(Diagnostic::error("forbidden", title.clone()), "forbidden here")
                .note(format!("received {}", shorten(text)));
            match warn {
                Some(warn) => self.warn(format!("{warn} ({}:{})", place.source.path, place.line())),
                None => self.fail(&place, title, diagnostic),
            }
            return;
        }
        if self.welcomes(now, id, action, payload, is_send) {
            return;
        }
        if !is_send && self.comes_early(now, id, action, payload, text) {
            return;
        }
        let in_background = self.is_background(action, payload);
        let unasked = !in_background && self.program.device == Role::Csms;
        if unasked {
            self.answer_unasked(now, id, action, payload, is_send);
            match misfits.into_iter().next() {
                Some((leaf, mismatch)) => self.doubt(now, Doubt::of(leaf, action, mismatch, text)),
                None => self.note(format!("the CSMS sent {action} by itself")),
            }
            self.event(now, EventKind::Background { action: action.to_owned() });
            return;
        }
        self.answer_by_standin(now, id, action, payload, is_send);
        if in_background {
            for (leaf, mismatch) in &misfits {
                if self.near_misses.len() < 5 {
                    let how = format!("{} expected {}, actual {}", mismatch.path, mismatch.expected, mismatch.actual);
                    let text = format!("near miss: {} did not fit line {} ({how})", shorten(text), leaf.line());
                    let rules = self.broken(leaf, &mismatch.path);
                    self.near_misses.push(NearMiss { of: (leaf.source.clone(), leaf.span), how, text, rules });
                }
            }
            self.event(now, EventKind::Background { action: action.to_owned() });
            if self.strict && action != "Heartbeat" {
                self.warn(format!("{action} came beside the steps"));
            }
            return;
        }
        if is_first && self.session.ended_by_us && action == "BootNotification" && misfits.is_empty() {
            let version = self.program.version;
            if statement("R-114").is_some_and(|reconnect| reconnect.strength_in(version) != Strength::Must) {
                self.session.oracles.booted_on_reconnect(now, text);
                self.event(now, EventKind::Background { action: action.to_owned() });
                return;
            }
        }
        match misfits.into_iter().next() {
            Some((leaf, mismatch)) => {
                self.misfit(now, &leaf, format!("{action} does not fit"), &mismatch, text);
            }
            None => self.unexpected(now, action, text, expected),
        }
    }

    /// Whether this may come at any time beside the steps.
    pub(super) fn is_background(&self, action: &str, payload: &Value) -> bool {
        let case = &self.program.case.background;
        background::allows(self.program.version, self.program.device, case, action, payload)
            || !matches!(self.purpose, Purpose::Steps)
    }

    /// A call that fits nothing, where this was expected.
    pub(super) fn unexpected(&mut self, now: Timestamp, action: &str, text: &str, expected: Option<Leaf>) {
        let title = format!("unexpected {action}");
        let diagnostic = Diagnostic::error("unexpected", title.clone()).note(format!("received {}", shorten(text)));
        self.pointing_at(now, text, |player| match expected {
            Some(leaf) => {
                // What the next item rests on says nothing about this message.
                let diagnostic = leaf.blame(diagnostic, "this was expected next");
                player.otherwise(Otherwise::OneOfTraces, |player| {
                    player.fail_over(Vec::new(), title, diagnostic);
                });
            }
            None => {
                let outcome = super::Outcome {
                    diagnostics: vec![diagnostic],
                    otherwise: Otherwise::OneOfTraces,
                    ..super::Outcome::plain(verdict::Verdict::Fail, &title)
                };
                player.conclude(outcome);
            }
        });
    }

    /// Whether a leaf takes a call: `None` if it is about something else.
    pub(super) fn fits_call(
        &self,
        now: Timestamp,
        leaf: &Leaf,
        id: &str,
        action: &str,
        payload: &Value,
    ) -> Option<Result<Tentative, Mismatch>> {
        let LeafKind::DeviceCall(step) = &leaf.kind else { return None };
        let call = &step.call;
        if call.action.value != action {
            return None;
        }
        let mut binds = Tentative::new();
        if let Some(earliest) = self.earliest(leaf)
            && now < earliest
        {
            return Some(Err(Mismatch {
                path: String::new(),
                span: leaf.within.as_ref().map_or(leaf.span, |within| within.span),
                expected: format!("not before {earliest}"),
                actual: now.to_string(),
            }));
        }
        let ty = Catalogue::of(self.program.version)
            .message(action)
            .map(|message| protocol::catalogue::Type::Object(message.request.clone()));
        if let Some(pattern) = &call.id
            && let Err(mismatch) = pattern::matches(
                &self.context(now),
                leaf.scope,
                pattern,
                None,
                Some(&Value::String(id.to_owned())),
                &mut binds,
            )
        {
            return Some(Err(mismatch));
        }
        if let Some(fields) = &call.fields
            && let Err(mismatch) =
                pattern::matches(&self.context(now), leaf.scope, fields, ty.as_ref(), Some(payload), &mut binds)
        {
            return Some(Err(mismatch));
        }
        Some(Ok(binds))
    }

    pub(super) fn forbids_call(&self, now: Timestamp, guard: &Guard, action: &str, payload: &Value) -> bool {
        if guard.events.is_empty() {
            return guard.since.is_some();
        }
        let device = self.program.device;
        guard.since.is_some()
            && guard.events.iter().any(|event| match &event.kind {
                ForbiddenKind::Call { from, action: wanted, fields } => {
                    from.role(device) == device
                        && wanted.as_ref().is_none_or(|wanted| wanted == action)
                        && fields.as_ref().is_none_or(|fields| {
                            let ty = Catalogue::of(self.program.version)
                                .message(action)
                                .map(|message| protocol::catalogue::Type::Object(message.request.clone()));
                            pattern::matches(
                                &self.context(now),
                                guard.place.scope,
                                fields,
                                ty.as_ref(),
                                Some(payload),
                                &mut Tentative::new(),
                            )
                            .is_ok()
                        })
                }
                ForbiddenKind::Drops(_) => false,
            })
    }

    /// Late is not wrong: an item that was passed over takes a message after all.
    fn welcomes(&mut self, now: Timestamp, id: &str, action: &str, payload: &Value, is_send: bool) -> bool {
        let found =
            self.welcome.iter().position(|leaf| matches!(self.fits_call(now, leaf, id, action, payload), Some(Ok(_))));
        let Some(at) = found else { return false };
        let leaf = self.welcome.remove(at);
        let LeafKind::DeviceCall(step) = leaf.kind.clone() else { return false };
        if !is_send {
            self.send_answer(now, &leaf, &step, id, payload);
        }
        true
    }

    /// Answers a call that fits a leaf, and puts what follows into its hole.
    fn take_call(&mut self, now: Timestamp, leaf: Leaf, id: &str, action: &str, payload: &Value, is_send: bool) {
        let LeafKind::DeviceCall(step) = leaf.kind.clone() else { return };
        let _ = action;
        if let Some(acting) = self.acting.as_mut().filter(|acting| acting.verb == "send") {
            acting.is_made = true;
        }
        let follows = if is_send {
            Node::Done
        } else if step.before.is_done() {
            self.send_answer(now, &leaf, &step, id, payload)
        } else {
            // What stands before our answer cannot wait for a driver that waits for the answer.
            if let Some(acting) = self.acting.as_mut().filter(|acting| acting.verb == "send") {
                acting.has_come = true;
            }
            let pending = Pending { step: step.clone(), id: id.to_owned(), request: payload.clone() };
            let mut answer = leaf.becomes(LeafKind::OwnAnswer(Arc::new(pending)));
            answer.mark = None;
            Node::Seq(vec![step.before.clone(), Node::Leaf(Box::new(answer))])
        };
        self.node.fill(follows);
    }

    /// Answers as the case says; what follows the chosen answer is returned.
    pub(super) fn send_answer(
        &mut self,
        now: Timestamp,
        leaf: &Leaf,
        step: &CallStep,
        id: &str,
        request: &Value,
    ) -> Node {
        let action = step.call.action.value.clone();
        let (answer, follows) = match &step.call.answer {
            Answer::Replies(branches) => match branches.first() {
                Some(branch) => (&branch.answer, step.then.first().cloned().unwrap_or(Node::Done)),
                None => (&step.call.answer, Node::Done),
            },
            answer => (answer, Node::Done),
        };
        match answer {
            Answer::Nothing(_) => self.session.oracles.withheld_answer(id),
            Answer::Error(codes, _) => {
                let code = codes.first().map_or("GenericError", |code| code.value.as_str()).to_owned();
                self.send_error(now, id, &code, "answered so by the test case");
            }
            Answer::Reply(pattern) => {
                let base = self.session.standin.reply(now, &action, request);
                let ty = Catalogue::of(self.program.version)
                    .message(&action)
                    .and_then(|message| message.response.clone())
                    .map(protocol::catalogue::Type::Object);
                match pattern::generate(&self.context(now), leaf.scope, Some(pattern), ty.as_ref(), Some(&base), false)
                {
                    Ok(result) => {
                        let result = plainly_written(result.unwrap_or(Value::Object(Map::new())));
                        if self.bind_own(now, leaf, Some(pattern), ty.as_ref(), &result) {
                            self.send_result(now, id, &action, request, &result, leaf);
                        }
                    }
                    Err(unfillable) => self.own_fault(leaf, &unfillable.reason, Some(unfillable.span), ""),
                }
            }
            Answer::AnyResult | Answer::Replies(_) => {
                let result = plainly_written(self.session.standin.reply(now, &action, request));
                self.send_result(now, id, &action, request, &result, leaf);
            }
        }
        follows
    }

    fn send_result(&mut self, now: Timestamp, id: &str, action: &str, request: &Value, result: &Value, leaf: &Leaf) {
        let violations = validate::response_violations(self.program.version, action, result);
        if let Some(violation) = violations.first() {
            let title = format!(
                "our own answer to {action} is not valid: {} expected {}, made {}",
                violation.path, violation.expected, violation.actual
            );
            self.own_fault(leaf, &title, None, "");
        }
        self.result_frame(now, id, action, request, result);
    }

    pub(super) fn result_frame(&mut self, now: Timestamp, id: &str, action: &str, request: &Value, result: &Value) {
        self.send_frame(now, &Frame::Result { id: id.to_owned(), payload: result.clone() });
        self.session.oracles.sent_answer(id, Some(result));
        self.session.standin.exchanged(now, action, request, result);
        if action == "StartTransaction" {
            self.named = Some(now);
        }
        self.learn_from_our_answer(action, request, result);
    }

    pub(super) fn send_error(&mut self, now: Timestamp, id: &str, code: &str, description: &str) {
        let frame = Frame::Error {
            id: id.to_owned(),
            code: code.to_owned(),
            description: description.to_owned(),
            details: Value::Object(Map::new()),
        };
        self.send_frame(now, &frame);
        self.session.oracles.sent_answer(id, None);
    }

    /// What stays in the background is answered by the party we play. The result is returned, if it was one.
    pub(super) fn answer_by_standin(
        &mut self,
        now: Timestamp,
        id: &str,
        action: &str,
        payload: &Value,
        is_send: bool,
    ) -> Option<Value> {
        if is_send {
            return None;
        }
        let version = self.program.version;
        let Some(message) = Catalogue::of(version).message(action) else {
            self.send_error(now, id, "NotImplemented", "");
            return None;
        };
        if !message.from.includes(self.program.device) {
            self.send_error(now, id, "NotSupported", "");
            return None;
        }
        let violations = validate::request_violations(version, action, payload);
        if let Some(violation) = violations.first() {
            let defect = protocol::errors::Defect::from(violation.kind);
            let code = protocol::errors::accepted_codes(version, defect).first().copied().unwrap_or("GenericError");
            let description: String = format!("{}: expected {}", violation.path, violation.expected);
            self.send_error(now, id, code, &description.chars().take(200).collect::<String>());
            return None;
        }
        let result = self.session.standin.reply(now, action, payload);
        self.result_frame(now, id, action, payload, &result);
        Some(result)
    }
}

/// The same with whole numbers without a fraction: a device that writes `7.0` for an id gets it back as `7`, since the
/// former is no integer (R-233).
fn plainly_written(value: Value) -> Value {
    match value {
        Value::Number(number) if !number.is_i64() && !number.is_u64() => {
            let whole = number.as_f64().filter(|value| value.fract() == 0.0 && value.abs() < MOST_EXACT);
            Value::Number(whole.map_or(number, |value| (value as i64).into()))
        }
        Value::Array(items) => Value::Array(items.into_iter().map(plainly_written).collect()),
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, value)| (name, plainly_written(value))).collect())
        }
        other => other,
    }
}

/// Whole numbers below this are the same as floating point numbers: 2 to the power of 53.
const MOST_EXACT: f64 = 9_007_199_254_740_992.0;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::player::{Input, sample};

    #[test]
    fn an_answer_is_due_as_every_answer_is_however_much_time_the_call_has() {
        let now = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        let steps = "  - station -> csms: Heartbeat\n    within: 86400s\n    reply: { currentTime: { $near: now } }\n";
        let mut player = sample::connected_to_csms(now, steps);
        assert!(sample::sent(&mut player).contains("Heartbeat"));
        let due = now + player.rig.timeouts.reply;
        assert!(player.wakeup(now).is_some_and(|at| at <= due));
        player.handle(due, Input::Tick);
        let (outcome, _, _) = player.into_parts();
        assert_eq!(outcome.reason, "Heartbeat was not answered");
    }

    #[test]
    fn whole_numbers_are_written_without_a_fraction() {
        let written = plainly_written(json!({ "id": 7004.0, "list": [1e3, -2.0, 0.5, 3], "text": "7.0" }));
        assert_eq!(written.to_string(), r#"{"id":7004,"list":[1000,-2,0.5,3],"text":"7.0"}"#);
        let huge = json!(1e300);
        assert_eq!(plainly_written(huge.clone()), huge);
    }
}
