//! Calls that a CSMS makes by itself: nothing forbids it any, and a case is not about them.

use protocol::{Timestamp, validate};
use serde_json::Value;

use super::{Phase, Player};
use crate::leaf::Leaf;
use crate::pattern::Mismatch;
use crate::standin::declining;

/// A call that has not the content which the case wants, while the one that has it may still come.
#[derive(Clone, Debug)]
pub(super) struct Doubt {
    /// When it is too late for the other; set when the doubt is taken up.
    pub(super) until: Timestamp,
    pub(super) action: String,
    leaf: Leaf,
    mismatch: Mismatch,
    text: String,
}

impl Doubt {
    pub(super) fn of(leaf: Leaf, action: &str, mismatch: Mismatch, text: &str) -> Doubt {
        Doubt { until: Timestamp::default(), action: action.to_owned(), leaf, mismatch, text: text.to_owned() }
    }
}

impl Player {
    /// Answers a call that would change what the case is about: a station may refuse it, unless nothing would change.
    pub(super) fn answer_unasked(&mut self, now: Timestamp, id: &str, action: &str, payload: &Value, is_send: bool) {
        let version = self.program.version;
        let changes_nothing = action == "ChangeAvailability"
            && payload.get("type").or_else(|| payload.get("operationalStatus")).and_then(Value::as_str)
                == Some("Operative");
        if is_send || changes_nothing || !validate::request_violations(version, action, payload).is_empty() {
            self.answer_by_standin(now, id, action, payload, is_send);
            return;
        }
        let result = declining(version, action, now);
        self.result_frame(now, id, action, payload, &result);
    }

    /// It may be a call that the CSMS makes by itself: the one that it was asked for may still come.
    pub(super) fn doubt(&mut self, now: Timestamp, doubt: Doubt) {
        if self.doubt.is_none() {
            let until = now + self.rig.timeouts.step.min(self.rig.timeouts.grace * 5);
            self.doubt = Some(Box::new(Doubt { until, ..doubt }));
        }
    }

    /// Fails for a call that was not the right one, when the right one has not come; `true` if so.
    pub(super) fn doubt_is_over(&mut self, now: Timestamp) -> bool {
        let Some(doubt) = self.doubt.take_if(|doubt| doubt.until <= now) else { return false };
        if self.phase != Phase::Segment || self.outcome.is_some() {
            return false;
        }
        let title = format!("{} does not fit", doubt.action);
        self.misfit(now, &doubt.leaf, title, &doubt.mismatch, &doubt.text);
        true
    }
}
