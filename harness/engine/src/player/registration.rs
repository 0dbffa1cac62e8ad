//! Our station towards a CSMS that does not accept it at once.

use std::time::Duration;

use protocol::frame::Frame;
use protocol::{Role, Timestamp};
use script::ast::{Answer, Pattern, PatternKind};
use serde_json::Value;
use verdict::Diagnostic;

use super::{Outcome, Player};
use crate::leaf::{Asked, Leaf, LeafKind};
use crate::tree::Node;

/// So often our station boots in a plan for a CSMS that does not accept it.
pub(crate) const MOST_BOOTS: u32 = 5;

/// How long a station waits with its next boot after this answer (16-BOOT-04); nothing if it need not boot again.
pub(crate) fn next_boot(answer: &Value) -> Option<Duration> {
    let status = answer.get("status").and_then(Value::as_str)?;
    let interval = answer.get("interval").and_then(Value::as_u64).unwrap_or(0).max(1);
    matches!(status, "Pending" | "Rejected").then(|| Duration::from_secs(interval))
}

impl Player {
    /// A CSMS need not accept a station at once: where a case wants to be accepted, our station boots again when the
    /// interval is over, as stations do (16-BOOT-04), unless that takes too long.
    pub(super) fn boot_later(&mut self, now: Timestamp, leaf: &Leaf, asked: &Asked, answer: &Frame) -> Option<Node> {
        let call = &asked.step.call;
        if self.program.device == Role::Station || call.action.value != "BootNotification" {
            return None;
        }
        let pause = next_boot(answer.payload()?)?;
        let status = answer.payload()?.get("status").and_then(Value::as_str)?;
        let wanted = match &call.answer {
            Answer::Reply(Pattern { kind: PatternKind::Object(fields), .. }) => {
                fields.iter().find(|(name, _)| name.value == "status").and_then(|(_, status)| match &status.kind {
                    PatternKind::Literal(Value::String(text)) => Some(text.as_str()),
                    _ => None,
                })
            }
            _ => None,
        };
        if wanted != Some("Accepted") {
            return None;
        }
        let most = self.rig.timeouts.step;
        let interval = pause.as_secs();
        self.boots += 1;
        if pause > most || self.boots > MOST_BOOTS {
            let title = format!("the CSMS does not accept the station: {status}, the next boot is due in {interval} s");
            let diagnostic = leaf.blame(Diagnostic::error("not-accepted", title.clone()), "booted here");
            let outcome = Outcome { diagnostics: vec![diagnostic], ..Outcome::shut_out(&title) };
            self.conclude(outcome);
            return Some(Node::Done);
        }
        self.note(format!("the CSMS answered a boot with {status}; our station booted again after {interval} s"));
        self.pause = Some(now + pause);
        Some(Node::Leaf(Box::new(leaf.becomes(LeafKind::OwnCall(asked.step.clone())))))
    }
}
