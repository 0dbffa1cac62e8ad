//! Raw text of ours, and what the device does about it.

use std::sync::Arc;
use std::time::Duration;

use protocol::frame::Frame;
use protocol::{Role, Timestamp, Version};
use script::ast::{PatternKind, RawText, TextOutcomeKind};
use serde_json::{Value, json};
use verdict::Diagnostic;

use super::{Player, Tag};
use crate::leaf::Leaf;
use crate::scope::Tentative;
use crate::tree::Node;

/// So many times as long as its slowest answer a device may take to react to raw text before more is sent.
const PATIENT: u32 = 20;
/// And no less than this.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// A wait for the reaction to raw text.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    leaf: Leaf,
    text: Arc<RawText>,
    /// When a harmless call is sent behind the text: its answer ends the silence.
    sentinel_at: Timestamp,
    sent_sentinel: bool,
    deadline: Timestamp,
}

impl Waiting {
    pub(super) fn next(&self) -> Timestamp {
        if self.sent_sentinel { self.deadline } else { self.sentinel_at.min(self.deadline) }
    }
}

impl Player {
    pub(super) fn send_text(&mut self, now: Timestamp, leaf: &Leaf, text: &Arc<RawText>) -> Node {
        let id = self.session.fresh_id();
        let home = self.program.scopes.home(leaf.scope, "id");
        self.bindings.bind(home, Value::String(id.clone()));
        let made = match &text.text.kind {
            PatternKind::Literal(Value::String(text)) => Some(text.clone()),
            PatternKind::Text(parts) => self.names(now).text(leaf.scope, parts, &Tentative::new()),
            _ => None,
        };
        let Some(made) = made else {
            self.own_fault(leaf, "this text cannot be made", Some(text.text.span), "");
            return Node::Done;
        };
        self.session.oracles.sent_text(&id, &made);
        self.session.oracles.sent_odd(&made);
        self.send_raw(now, made);
        let allows_silence = text.outcome.iter().any(|outcome| outcome.kind == TextOutcomeKind::Ignored);
        let grace =
            leaf.grace.as_ref().map_or_else(|| self.pause_for_reaction(), |grace| self.duration(leaf.scope, grace));
        let deadline = now + self.rig.timeouts.reply;
        self.reaction = Some(Waiting {
            leaf: leaf.clone(),
            text: text.clone(),
            sentinel_at: if allows_silence { now + grace } else { deadline },
            sent_sentinel: false,
            deadline,
        });
        Node::Done
    }

    /// The device answered raw text.
    pub(super) fn reacted(&mut self, now: Timestamp, answer: &Frame, text: &str) {
        let Some(waiting) = self.reaction.take() else { return };
        let fitting = waiting.text.outcome.iter().find(|outcome| match (&outcome.kind, answer) {
            (TextOutcomeKind::Answered, Frame::Result { .. }) => true,
            (TextOutcomeKind::Error(codes), Frame::Error { code, .. }) => codes.is_empty() || codes.contains(code),
            _ => false,
        });
        let warn = fitting.map(|outcome| outcome.warn.as_ref().map(|text| text.value.clone()));
        // A result for what had to be refused, as far as the case does not say it better.
        let breaks = if matches!(answer, Frame::Result { .. }) { "R-038" } else { "" };
        self.conclude_reaction(
            now,
            waiting,
            warn,
            breaks,
            &format!("it was answered: {}", crate::pattern::shorten(text)),
        );
    }

    /// The link was closed while a reaction was awaited; `true`: that was about the reaction.
    pub(super) fn reaction_closed(&mut self, now: Timestamp, code: Option<u16>, how: &str) -> bool {
        let Some(waiting) = self.reaction.take() else { return false };
        let fitting = waiting.text.outcome.iter().find(|outcome| match &outcome.kind {
            TextOutcomeKind::Closed(codes) => match code {
                Some(code) => codes.is_empty() || codes.contains(&code),
                None => false,
            },
            TextOutcomeKind::Cut => code.is_none(),
            _ => false,
        });
        let warn = fitting.map(|outcome| outcome.warn.as_ref().map(|text| text.value.clone()));
        match &warn {
            None => self.lost(now, how),
            Some(Some(_)) if code.is_none() => {
                self.session.oracles.harmed(now, &format!("the device ended the link ({how})"));
            }
            Some(_) => {}
        }
        let fits = warn.is_some();
        self.conclude_reaction(now, waiting, warn, "", &format!("the device ended the link ({how})"));
        if fits {
            self.link_again(now);
        }
        true
    }

    /// How long raw text stands alone before the harmless call goes behind it: long enough for a device that answers as
    /// fast as it has so far. One that reads its messages in order is not hurried by what comes behind.
    pub(crate) fn pause_for_reaction(&self) -> Duration {
        let grace = self.rig.timeouts.grace;
        self.session.slowest.map_or(grace, |slowest| (slowest * PATIENT).max(SHORTEST_PAUSE).min(grace))
    }

    /// It is time to send the harmless call, or to give up.
    pub(super) fn reaction_due(&mut self, now: Timestamp) -> bool {
        let Some(waiting) = &mut self.reaction else { return false };
        if !waiting.sent_sentinel && waiting.sentinel_at <= now && waiting.sentinel_at < waiting.deadline {
            waiting.sent_sentinel = true;
            let (action, request) = harmless(self.program.device, self.program.version);
            let id = self.session.fresh_id();
            self.send_request(now, &id, action, &request, Tag::Sentinel);
            return true;
        }
        if waiting.deadline <= now
            && let Some(waiting) = self.reaction.take()
        {
            self.conclude_reaction(now, waiting, None, "", "nothing came");
            return true;
        }
        false
    }

    pub(super) fn sentinel_answered(&mut self, now: Timestamp) {
        let Some(waiting) = self.reaction.take() else { return };
        let ignored = waiting.text.outcome.iter().find(|outcome| outcome.kind == TextOutcomeKind::Ignored);
        let warn = ignored.map(|outcome| outcome.warn.as_ref().map(|text| text.value.clone()));
        self.conclude_reaction(now, waiting, warn, "", "it was ignored");
    }

    pub(super) fn sentinel_unanswered(&mut self, now: Timestamp) {
        let Some(waiting) = self.reaction.take() else { return };
        self.conclude_reaction(
            now,
            waiting,
            None,
            "R-037",
            "a call behind it was not answered either: the device is deaf",
        );
    }

    /// `fitting`: the outcome that took place is allowed, perhaps with a warning.
    fn conclude_reaction(
        &mut self,
        now: Timestamp,
        waiting: Waiting,
        fitting: Option<Option<String>>,
        breaks: &str,
        what: &str,
    ) {
        match fitting {
            Some(None) => {}
            Some(Some(warn)) => self.warn(format!("{warn} ({}:{})", waiting.leaf.source.path, waiting.leaf.line())),
            None => {
                let wanted: Vec<String> = waiting.text.outcome.iter().map(|outcome| describe(&outcome.kind)).collect();
                let title = format!("the device reacted wrongly to raw text: {what}");
                let diagnostic = waiting.leaf.blame(
                    Diagnostic::error("reaction", title.clone()),
                    format!("expected {}\nactual   {what}", wanted.join(", or ")),
                );
                let rules = self.broken(&waiting.leaf, "");
                let rules = if rules.is_empty() && !breaks.is_empty() { self.binding(breaks) } else { rules };
                self.fail_over(rules, title, diagnostic);
            }
        }
        self.mark(&waiting.leaf, now, now);
        self.node.restart_clock(now);
    }
}

fn describe(kind: &TextOutcomeKind) -> String {
    match kind {
        TextOutcomeKind::Ignored => "silence".to_owned(),
        TextOutcomeKind::Answered => "a result".to_owned(),
        TextOutcomeKind::Error(codes) if codes.is_empty() => "an error".to_owned(),
        TextOutcomeKind::Error(codes) => format!("the error {}", codes.join(" or ")),
        TextOutcomeKind::Cut => "a link that is cut".to_owned(),
        TextOutcomeKind::Closed(codes) if codes.is_empty() => "a closed link".to_owned(),
        TextOutcomeKind::Closed(codes) => {
            let codes: Vec<String> = codes.iter().map(ToString::to_string).collect();
            format!("a link closed with {}", codes.join(" or "))
        }
    }
}

/// A call that every device of that side answers and that changes nothing.
pub(crate) fn harmless(device: Role, version: Version) -> (&'static str, Value) {
    match (device, version) {
        (Role::Csms, _) => ("Heartbeat", json!({})),
        (Role::Station, Version::V16) => ("GetConfiguration", json!({ "key": ["HeartbeatInterval"] })),
        (Role::Station, _) => (
            "GetVariables",
            json!({ "getVariableData": [{
                "component": { "name": "OCPPCommCtrlr" }, "variable": { "name": "HeartbeatInterval" },
            }] }),
        ),
    }
}

/// The boot of a station that is played beside.
pub(crate) fn boot(version: Version) -> (&'static str, Value) {
    let payload = match version {
        Version::V16 => json!({ "chargePointVendor": "Plugfest", "chargePointModel": "Virtual" }),
        _ => json!({ "chargingStation": { "vendorName": "Plugfest", "model": "Virtual" }, "reason": "PowerUp" }),
    };
    ("BootNotification", payload)
}
