//! A procedure at work: it acts on the wire itself, and tells the player what the rules have to know.

use std::collections::VecDeque;

use protocol::frame::Frame;
use protocol::stimulus::Stimulus;
use protocol::{Role, Timestamp};
use script::Procedure;
use serde_json::{Value, json};
use verdict::{Blame, Deed, Diagnostic, Direction, EventKind, Failure, Verdict};

use super::{Command, LinkState, Outcome, Player, Tag};
use crate::leaf::Leaf;

/// What a running procedure waits for, and what has come for it.
#[derive(Clone, Debug)]
pub(super) struct Running {
    leaf: Leaf,
    expected: Vec<String>,
    /// Calls that it answers itself.
    pub(super) calls: VecDeque<Heard>,
    /// Answers to its calls and to its raw text.
    answers: VecDeque<Frame>,
    /// Calls of its own that nothing answered in time.
    unanswered: Vec<String>,
}

/// A call of the device that a procedure answers.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// The message id.
    pub(crate) id: String,
    /// The action.
    pub(crate) action: String,
    /// The payload.
    pub(crate) payload: Value,
}

impl Player {
    pub(super) fn begin_procedure(&mut self, leaf: &Leaf, procedure: Procedure) {
        self.running = Some(Running {
            leaf: leaf.clone(),
            expected: Vec::new(),
            calls: VecDeque::new(),
            answers: VecDeque::new(),
            unanswered: Vec::new(),
        });
        self.commands.push(Command::Procedure(procedure));
    }

    /// Takes in what the procedure does.
    pub(super) fn deed(&mut self, now: Timestamp, deed: Deed) {
        self.event(now, EventKind::Deed { deed: deed.clone() });
        let Some(running) = &mut self.running else { return };
        match deed {
            Deed::Call { action, payload } => {
                let id = self.session.fresh_id();
                let text = Frame::Call { id: id.clone(), action: action.clone(), payload: payload.clone() }.to_text();
                self.event(now, EventKind::Text { direction: Direction::ToDevice, text, base64: None });
                self.await_answer(now, &id, &action, &payload, Tag::Procedure);
            }
            Deed::Text => {
                let id = self.session.fresh_id();
                self.session.oracles.sent_text(&id, "");
                self.session.oracles.sent_odd(&last_of(&running.leaf));
            }
            Deed::Control => self.session.oracles.sent_odd(&last_of(&running.leaf)),
            Deed::Ask { action, payload } => {
                let station = self.session.identity.clone();
                let with = json!({ "action": action, "fields": payload, "payload": payload, "station": station });
                let with = with.as_object().cloned().unwrap_or_default();
                self.issue(now, None, Stimulus { party: Role::Csms, verb: "send".to_owned(), with });
            }
            Deed::Expect { action } => running.expected.push(action),
            Deed::Reply { id, action, request, result } => self.result_frame(now, &id, &action, &request, &result),
            Deed::Close { code } => {
                let reason = "closed".to_owned();
                self.event(now, EventKind::Closed { by: Direction::ToDevice, code, reason });
                self.session.ended_by_us = true;
                self.link_gone();
            }
            Deed::Warn { text } => {
                let place = format!("{}:{}", running.leaf.source.path, running.leaf.line());
                self.warn(format!("{text} ({place})"));
            }
            Deed::Done { failure } => {
                if let (Some(running), Some(failure)) = (self.running.take(), failure) {
                    self.procedure_failed(now, &running.leaf, *failure);
                }
            }
        }
    }

    fn procedure_failed(&mut self, now: Timestamp, leaf: &Leaf, failure: Failure) {
        let Failure { blame, title, expected, actual, statement, bytes } = failure;
        let label = format!("expected {expected}\nactual   {actual}");
        let mut diagnostic = leaf.blame(Diagnostic::error("procedure", title.clone()), label);
        for shown in bytes {
            diagnostic = diagnostic.note(shown);
        }
        let verdict = match blame {
            Blame::Device => {
                self.session.oracles.harmed(now, &title);
                return self.fail_over(vec![statement], title, diagnostic);
            }
            Blame::Circumstances => Verdict::Inconclusive,
            Blame::Harness => Verdict::Error,
        };
        self.conclude(Outcome { diagnostics: vec![diagnostic], ..Outcome::plain(verdict, &title) });
    }

    /// Whether the procedure answers this call itself; then it is put by for it.
    pub(super) fn is_for_procedure(&mut self, id: &str, action: &str, payload: &Value) -> bool {
        let Some(running) = &mut self.running else { return false };
        let Some(at) = running.expected.iter().position(|expected| expected == action) else { return false };
        running.expected.remove(at);
        running.calls.push_back(Heard { id: id.to_owned(), action: action.to_owned(), payload: payload.clone() });
        true
    }

    /// An answer to a call or to raw text of the procedure; `true`: it was taken.
    pub(super) fn answer_for_procedure(&mut self, answer: &Frame) -> bool {
        let Some(running) = &mut self.running else { return false };
        running.answers.push_back(answer.clone());
        true
    }

    pub(super) fn procedure_unanswered(&mut self, id: &str) {
        if let Some(running) = &mut self.running {
            running.unanswered.push(id.to_owned());
        }
    }

    /// The id that the next call or raw text of the procedure has.
    pub(crate) fn coming_id(&self) -> String {
        self.session.coming_id()
    }

    /// The answer to this id, if it has come.
    pub(crate) fn answer_to(&mut self, id: &str) -> Option<Frame> {
        let answers = &mut self.running.as_mut()?.answers;
        let at = answers.iter().position(|answer| answer.id() == id)?;
        answers.remove(at)
    }

    /// Whether this call has waited long enough for its answer.
    pub(crate) fn is_unanswered(&self, id: &str) -> bool {
        self.running.as_ref().is_some_and(|running| running.unanswered.iter().any(|other| other == id))
    }

    /// A call that the procedure expects, if it has come.
    pub(crate) fn expected_call(&mut self, fits: impl Fn(&Heard) -> bool) -> Option<Heard> {
        let calls = &mut self.running.as_mut()?.calls;
        let at = calls.iter().position(fits)?;
        calls.remove(at)
    }

    /// Whether there is a link.
    pub(crate) fn is_linked(&self) -> bool {
        self.session.link == LinkState::Up
    }

    /// Whether a call of ours waits for its answer.
    pub(crate) fn has_open_call(&self) -> bool {
        self.open.is_some()
    }

    /// What lasts on this device.
    pub(crate) fn session(&self) -> &super::Session {
        &self.session
    }

    /// The rig.
    pub(crate) fn rig(&self) -> &crate::rig::Rig {
        &self.rig
    }

    /// Notes what a procedure put on the wire.
    pub(crate) fn record(&mut self, now: Timestamp, kind: EventKind) {
        self.event(now, kind);
    }
}

/// What a procedure sent last, for whoever wonders what ended the device.
fn last_of(leaf: &Leaf) -> String {
    format!("what \"{}\" sent last", leaf.heading())
}
