//! Calls of a station that come before its answer to a call of ours that may be answered in several ways: only that
//! answer tells what follows. In 1.6 nearly nothing says that the answer has to be first: a transaction is stopped before
//! the cable is unlocked (16-UNL-02).

use protocol::catalogue::{Catalogue, Type};
use protocol::{Timestamp, Version};
use script::ast::Answer;
use serde_json::Value;
use verdict::{EventKind, Verdict};

use super::calls::Offered;
use super::{Outcome, Player, Tag};
use crate::leaf::{Leaf, LeafKind};
use crate::pattern;
use crate::scope::Tentative;
use crate::tree::Node;

/// More calls than these do not come before one answer.
const MOST: usize = 16;

/// A call that was answered, and waits for what it is.
#[derive(Clone, Debug)]
pub(super) struct Early {
    id: String,
    action: String,
    payload: Value,
    text: String,
    result: Option<Value>,
}

impl Player {
    /// Keeps a call for when the answer that we wait for is here; `false` if it is not to be waited for.
    pub(super) fn comes_early(&mut self, now: Timestamp, id: &str, action: &str, payload: &Value, text: &str) -> bool {
        if !self.awaits_a_choice() || self.early.len() >= MOST {
            return false;
        }
        let result = self.answer_by_standin(now, id, action, payload, false);
        let (id, action, text) = (id.to_owned(), action.to_owned(), text.to_owned());
        self.early.push(Early { id, action, payload: payload.clone(), text, result });
        true
    }

    /// Whether the answer that we wait for chooses what the station does next, and need not be first.
    fn awaits_a_choice(&self) -> bool {
        let Some(open) = self.open.as_ref().filter(|open| open.tag == Tag::Step) else { return false };
        // A reset and a trigger are answered first (16-RST-01, R-040), in 2.x everything is (R-039).
        let answers_first = matches!(open.action.as_str(), "Reset" | "TriggerMessage" | "ExtendedTriggerMessage");
        if answers_first || self.program.version != Version::V16 {
            return false;
        }
        let mut first = Vec::new();
        self.node.first_leaves(&mut first);
        first.iter().any(|leaf| match &leaf.kind {
            LeafKind::AnswerOfDevice(asked) => {
                asked.id == open.id && asked.step.then.iter().any(|then| !then.is_done())
            }
            _ => false,
        })
    }

    /// The answer is here: what came before it is held against what follows.
    pub(super) fn take_early(&mut self, now: Timestamp) {
        for early in std::mem::take(&mut self.early) {
            if self.outcome.is_some() {
                return;
            }
            let Early { id, action, payload, text, .. } = &early;
            let Offered { taken, binds, passed, .. } = self.offer_call(now, id, action, payload);
            if let Some(leaf) = taken {
                self.bindings.commit(binds);
                self.passed_over(passed);
                self.step_event(now, &leaf, "matched");
                self.mark(&leaf, now, now);
                let follows = self.answered_early(now, &leaf, early.result.as_ref());
                self.node.fill(follows);
            } else if self.is_background(action, payload) {
                self.event(now, EventKind::Background { action: action.clone() });
            } else {
                let expected = self.node.first_leaf().cloned();
                self.unexpected(now, action, text, expected);
            }
        }
    }

    /// It was answered before it was known what it is; what the case wanted said may be another thing.
    fn answered_early(&mut self, now: Timestamp, leaf: &Leaf, given: Option<&Value>) -> Node {
        let LeafKind::DeviceCall(step) = &leaf.kind else { return Node::Done };
        let (wanted, follows) = match &step.call.answer {
            Answer::Replies(branches) => {
                (branches.first().map(|branch| &branch.answer), step.then.first().cloned().unwrap_or(Node::Done))
            }
            answer => (Some(answer), Node::Done),
        };
        let ty = Catalogue::of(self.program.version)
            .message(&step.call.action.value)
            .and_then(|message| message.response.clone())
            .map(Type::Object);
        let mut binds = Tentative::new();
        let fits = step.before.is_done()
            && match wanted {
                None | Some(Answer::AnyResult) => given.is_some(),
                Some(Answer::Reply(wanted)) => {
                    given.is_some()
                        && pattern::matches(&self.context(now), leaf.scope, wanted, ty.as_ref(), given, &mut binds)
                            .is_ok()
                }
                Some(_) => false,
            };
        if fits {
            self.bindings.commit(binds);
        } else {
            let action = &step.call.action.value;
            let reason = format!("{action} came before the answer that tells how it is to be answered");
            self.conclude(Outcome::plain(Verdict::Inconclusive, &reason));
        }
        follows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::{Input, sample};

    const STOP: &str =
        r#"{"transactionId":7,"meterStop":9,"timestamp":"2026-01-01T00:00:00Z","reason":"UnlockCommand"}"#;

    /// What comes of a station that stops before it answers to be unlocked, and then answers so.
    fn stopped_before(answer: &str) -> Option<(Verdict, String)> {
        let steps = "  - csms -> station: UnlockConnector\n    fields: { connectorId: 1 }\n    \
                     replies:\n      - reply: { status: Unlocked }\n        then:\n          \
                     - station -> csms: StopTransaction\n            fields: { reason: UnlockCommand }\n      \
                     - reply: { status: NotSupported }\n  - station -> csms: Heartbeat\n";
        let now = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        let mut player = sample::connected_to_station(now, steps);
        let unlock = player.open.as_ref().map(|open| open.id.clone()).unwrap();
        player.handle(now, Input::Text(format!("[2,\"1\",\"StopTransaction\",{STOP}]").into_bytes()));
        assert!(player.outcome.is_none());
        player.handle(now, Input::Text(format!("[3,\"{unlock}\",{{\"status\":\"{answer}\"}}]").into_bytes()));
        if player.outcome.is_none() {
            player.handle(now, Input::Text(b"[2,\"2\",\"Heartbeat\",{}]".to_vec()));
            assert_ne!(player.phase, crate::player::Phase::Segment, "the steps are over");
        }
        player.outcome.as_ref().map(|outcome| (outcome.verdict, outcome.reason.clone()))
    }

    #[test]
    fn what_follows_from_an_answer_may_come_before_it() {
        assert_eq!(stopped_before("Unlocked"), None);
        let refused = (Verdict::Fail, "unexpected StopTransaction".to_owned());
        assert_eq!(stopped_before("NotSupported"), Some(refused));
    }
}
