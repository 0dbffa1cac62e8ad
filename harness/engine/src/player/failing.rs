//! How a plan goes wrong, who is to blame, and how that is shown.

use std::sync::Arc;

use protocol::Timestamp;
use verdict::{Diagnostic, Severity, Source, Span, StandingViolation, Verdict};

use super::{After, Phase, Player, rules};
use crate::leaf::{Leaf, LeafKind};
use crate::pattern::{Mismatch, shorten};
use crate::program::Purpose;

/// What a CSMS owes its operator, though the specification does not say it.
const AS_ASKED: &str = "R-245";

/// What came of a plan.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The verdict of the steps; standing violations come beside it.
    pub verdict: Verdict,
    /// One line.
    pub reason: String,
    /// The statements that were broken, where the step or the kind of failure tells.
    pub rules: Vec<String>,
    /// What is said where no statement is named.
    pub otherwise: Otherwise,
    /// What is shown to a person.
    pub diagnostics: Vec<Diagnostic>,
    /// What was only recommended and missed.
    pub warnings: Vec<String>,
    /// Remarks.
    pub notes: Vec<String>,
    /// Standing violations.
    pub violations: Vec<StandingViolation>,
    /// When the message came that decided, and its text or what begins with it.
    pub about: Option<(Timestamp, String)>,
    /// Nothing can be played before somebody changes the device, or the rig: there is no link, or none that is
    /// accepted.
    pub is_shut_out: bool,
}

/// What a failure breaks for which no statement is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// What the case proves: if that is one thing, this.
    Traces,
    /// Perhaps something of what the case proves.
    OneOfTraces,
}

/// A message that might have been meant for a step and did not fit it.
#[derive(Clone, Debug)]
pub(super) struct NearMiss {
    /// Where the step stands.
    pub(super) of: (Arc<Source>, Span),
    /// How it did not fit.
    pub(super) how: String,
    /// That, with the message.
    pub(super) text: String,
    /// What that breaks.
    pub(super) rules: Vec<String>,
}

impl Outcome {
    /// An outcome with nothing to show.
    pub fn plain(verdict: Verdict, reason: &str) -> Outcome {
        Outcome {
            verdict,
            reason: reason.to_owned(),
            rules: Vec::new(),
            otherwise: Otherwise::Traces,
            diagnostics: Vec::new(),
            warnings: Vec::new(),
            notes: Vec::new(),
            violations: Vec::new(),
            about: None,
            is_shut_out: false,
        }
    }

    /// Nothing can be played against this device.
    pub(super) fn shut_out(reason: &str) -> Outcome {
        Outcome { is_shut_out: true, ..Outcome::plain(Verdict::Inconclusive, reason) }
    }

    fn shown(verdict: Verdict, reason: String, diagnostic: Diagnostic) -> Outcome {
        Outcome { diagnostics: vec![diagnostic], ..Outcome::plain(verdict, &reason) }
    }
}

impl Player {
    /// The first outcome that is no pass stays.
    pub(super) fn conclude(&mut self, outcome: Outcome) {
        if self.outcome.is_none() {
            self.outcome = Some(outcome);
        }
    }

    /// The device did something wrong at a leaf. In the preamble that only means that we did not get there.
    pub(super) fn fail(&mut self, leaf: &Leaf, title: String, diagnostic: Diagnostic) {
        let rules = self.broken(leaf, "");
        self.fail_over(rules, title, diagnostic);
    }

    /// The statements that a leaf says are broken by a field of the device's message, or by all of it.
    pub(super) fn broken(&self, leaf: &Leaf, field: &str) -> Vec<String> {
        rules::broken(&leaf.rules, field, self.program.device, self.program.version)
    }

    /// The same, or if it says nothing this statement, where it binds the device.
    pub(super) fn broken_or(&self, leaf: &Leaf, statement: &str) -> Vec<String> {
        let named = self.broken(leaf, "");
        if named.is_empty() { self.binding(statement) } else { named }
    }

    /// This statement, if it binds the device.
    pub(super) fn binding(&self, statement: &str) -> Vec<String> {
        let binds = rules::binds(statement, self.program.device, self.program.version);
        if binds { vec![statement.to_owned()] } else { Vec::new() }
    }

    /// The device broke these statements; none, if nothing tells which.
    pub(super) fn fail_over(&mut self, rules: Vec<String>, title: String, diagnostic: Diagnostic) {
        let mut diagnostic = diagnostic;
        if matches!(self.purpose, Purpose::Steps) && !rules.is_empty() {
            diagnostic = diagnostic.note(format!("breaks {}", rules.join(", ")));
        }
        for near in std::mem::take(&mut self.near_misses) {
            diagnostic = diagnostic.note(near.text);
        }
        let outcome = match &self.purpose {
            // What goes wrong at a connector that somebody uses is no fault of the station.
            Purpose::Steps if let Some(occupied) = self.occupied() => {
                diagnostic.severity = Severity::Warning;
                Outcome::shown(Verdict::Inconclusive, format!("{occupied}: {title}"), diagnostic)
            }
            Purpose::Steps => Outcome { rules, ..Outcome::shown(Verdict::Fail, title, diagnostic) },
            Purpose::Arrive(name) | Purpose::Reach(name) | Purpose::Remember(name) => {
                diagnostic.severity = Severity::Warning;
                Outcome::shown(Verdict::Inconclusive, format!("could not reach \"{name}\": {title}"), diagnostic)
            }
        };
        self.conclude(outcome);
    }

    /// Fails for a message of the device.
    pub(super) fn pointing_at(&mut self, now: Timestamp, frame: &str, fail: impl FnOnce(&mut Player)) {
        let first = self.outcome.is_none();
        fail(self);
        if first && let Some(outcome) = &mut self.outcome {
            outcome.about = Some((now, frame.to_owned()));
        }
    }

    /// Fails, and says this if no statement is named.
    pub(super) fn otherwise(&mut self, otherwise: Otherwise, fail: impl FnOnce(&mut Player)) {
        let first = self.outcome.is_none();
        fail(self);
        if first && let Some(outcome) = &mut self.outcome {
            outcome.otherwise = otherwise;
        }
    }

    /// Our own fault.
    pub(super) fn own_fault(&mut self, leaf: &Leaf, title: &str, span: Option<verdict::Span>, text: &str) {
        let diagnostic = Diagnostic::error("own-fault", title).at(&leaf.source, span.unwrap_or(leaf.span), text);
        if self.session.oracles.has_failed() {
            // What we say holds what the device said before.
            let title = format!("what the device said against the rules leaves nothing right to say: {title}");
            return self.conclude(Outcome::shown(Verdict::Inconclusive, title, diagnostic));
        }
        self.conclude(Outcome::shown(Verdict::Error, title.to_owned(), diagnostic));
    }

    /// Something of the device has not come in time: what is done about that is no part of what shows it.
    pub(super) fn missing(&mut self, now: Timestamp, leaf: &Leaf) {
        self.pointing_at(now, "", |player| player.has_missed(now, leaf));
    }

    fn has_missed(&mut self, now: Timestamp, leaf: &Leaf) {
        let near = self.near_misses.iter().find(|near| near.of == (leaf.source.clone(), leaf.span));
        let what = match &leaf.kind {
            LeafKind::DeviceCall(step) if let Some(near) = near => {
                format!("{} came in time only otherwise: {}", step.call.action.value, near.how)
            }
            LeafKind::DeviceCall(step) => format!("{} did not come in time", step.call.action.value),
            LeafKind::DeviceConnect(_) => "the station did not connect in time".to_owned(),
            LeafKind::DeviceDrop(_) => "the device did not end the link in time".to_owned(),
            _ => format!("\"{}\" did not happen in time", leaf.heading()),
        };
        let waited = leaf.reached.map_or(0.0, |reached| now.since(reached).as_secs_f64());
        let diagnostic =
            leaf.blame(Diagnostic::error("missing", what.clone()), format!("expected here, waited {waited:.1} s"));
        // Only the link that never came about is the rig's doing rather than the device's.
        let never_there = matches!(leaf.kind, LeafKind::DeviceConnect(_)) && !self.session.spoken && self.frames == 0;
        if never_there {
            let outcome = Outcome::shut_out(&self.never_connected());
            self.conclude(Outcome { diagnostics: vec![diagnostic], ..outcome });
            return;
        }
        let unheeded = self.only_confirmed.take();
        let diagnostic = match &unheeded {
            Some(verb) => diagnostic.note(format!("\"{verb}\" was only confirmed by the driver: nothing shows it")),
            None => diagnostic,
        };
        if leaf.is_asked_of_csms() {
            let title = format!("the CSMS was asked for it, but {what}");
            self.fail_over(self.binding(AS_ASKED), title, diagnostic);
            return;
        }
        // What came in its place tells more than that it did not come.
        let mut near = self.near_misses.iter().filter(|near| near.of == (leaf.source.clone(), leaf.span));
        let rules = near.find(|near| !near.rules.is_empty()).map(|near| near.rules.clone());
        let rules = rules.unwrap_or_else(|| self.broken(leaf, ""));
        self.fail_over(rules, what, diagnostic);
    }

    /// A message of the device does not fit where it stands.
    pub(super) fn misfit(&mut self, now: Timestamp, leaf: &Leaf, title: String, mismatch: &Mismatch, frame: &str) {
        let rules = self.broken(leaf, &mismatch.path);
        self.misfit_over(now, leaf, rules, title, mismatch, frame);
    }

    /// A message of the device does not fit, and these statements are broken.
    pub(super) fn misfit_over(
        &mut self,
        now: Timestamp,
        leaf: &Leaf,
        rules: Vec<String>,
        title: String,
        mismatch: &Mismatch,
        frame: &str,
    ) {
        let path = if mismatch.path.is_empty() { String::new() } else { format!(" {}", mismatch.path) };
        let diagnostic = Diagnostic::error("mismatch", title.clone())
            .at(
                &leaf.source,
                mismatch.span,
                format!("expected{path} {}\nactual  {path} {}", mismatch.expected, mismatch.actual),
            )
            .note(format!("received {}", shorten(frame)));
        let title = format!("{title}: expected{path} {}, actual {}", mismatch.expected, mismatch.actual);
        let rules = if rules.is_empty() && leaf.is_asked_of_csms() { self.binding(AS_ASKED) } else { rules };
        self.pointing_at(now, frame, |player| player.fail_over(rules, title, diagnostic));
    }

    /// Ends the steps: what is left is to see whether the device lives, and to tidy up.
    pub(super) fn tidy(&mut self, now: Timestamp) {
        if self.tidied {
            self.finish(now);
            return;
        }
        self.tidied = true;
        self.doubt = None;
        self.pause = None;
        self.reaction = None;
        self.running = None;
        self.connecting = None;
        self.relinking = None;
        self.redial_at = None;
        self.acting = None;
        if let Some(open) = self.open.take() {
            self.session.oracles.forgotten(&open.id);
        }
        self.node = crate::tree::Node::Done;
        self.segments.clear();
        self.plan_tidying(now);
        self.phase = Phase::Chores(After::Settle);
    }

    pub(super) fn finish(&mut self, _now: Timestamp) {
        if self.phase != Phase::Finished {
            self.phase = Phase::Finished;
            self.commands.push(super::Command::Finished);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drivers::Confirmation;
    use crate::player::{Input, sample};

    #[test]
    fn a_call_that_was_asked_for_and_came_otherwise_is_not_told_to_be_missing() {
        let now = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        let steps = "  - csms -> station: GetConfiguration\n    fields: { key: [HeartbeatInterval] }\n";
        let mut player = sample::connected_to_csms(now, steps);
        player.handle(now, Input::StimulusDone(Confirmation::Done));
        player.handle(now, Input::Text(br#"[2,"1","GetConfiguration",{"key":["WebSocketPingInterval"]}]"#.to_vec()));
        player.handle(now + player.rig.timeouts.step, Input::Tick);
        let (outcome, _, _) = player.into_parts();
        let reason = "the CSMS was asked for it, but GetConfiguration came in time only otherwise: \
                      key.0 expected \"HeartbeatInterval\", actual \"WebSocketPingInterval\"";
        assert_eq!((outcome.reason.as_str(), outcome.rules.as_slice()), (reason, ["R-245".to_owned()].as_slice()));
    }
}
