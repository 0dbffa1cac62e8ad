//! Answers of ours that a station may never have got: the link ended before it said another word. It owes what it told
//! about a transaction again (R-151, R-153, 16-RST-03), and sending it again is no second message.

use protocol::json;
use serde_json::Value;

/// More answers than these are not remembered.
const MOST: usize = 16;

/// What was told about transactions, as far as our answers to it may have been lost.
#[derive(Clone, Debug, Default)]
pub(super) struct Unheard {
    /// On this link, since the station last said something.
    given: Vec<Given>,
    /// On links that are gone.
    lost: Vec<Given>,
}

#[derive(Clone, Debug)]
struct Given {
    action: String,
    payload: Value,
    result: Value,
}

impl Unheard {
    /// The station said something: what it was told before has reached it.
    pub(super) fn spoken(&mut self) {
        self.given.clear();
    }

    /// The link is another one.
    pub(super) fn link_changed(&mut self) {
        self.lost.append(&mut self.given);
        let surplus = self.lost.len().saturating_sub(MOST);
        self.lost.drain(..surplus);
    }

    /// A call was answered.
    pub(super) fn answered(&mut self, action: &str, payload: &Value, result: &Value) {
        let is_queued = matches!(action, "StartTransaction" | "StopTransaction" | "MeterValues" | "TransactionEvent");
        if is_queued && self.given.len() < MOST {
            self.given.push(Given { action: action.to_owned(), payload: payload.clone(), result: result.clone() });
        }
    }

    /// The result that a call was given before, if that may have been lost; it is said again once.
    pub(super) fn said_again(&mut self, action: &str, payload: &Value) -> Option<Value> {
        let is_it = |given: &Given| given.action == action && json::same(&given.payload, payload);
        let at = self.lost.iter().position(is_it)?;
        Some(self.lost.remove(at).result)
    }
}

#[cfg(test)]
mod tests {
    use protocol::{Role, Timestamp, Version};
    use serde_json::json;

    use super::super::Oracles;

    const STOP: &str = r#"{"transactionId":7,"meterStop":9,"timestamp":"2026-01-01T00:00:00Z","reason":"HardReset"}"#;

    fn call(oracles: &mut Oracles, id: &str, action: &str, payload: &str) -> usize {
        let text = format!("[2,\"{id}\",\"{action}\",{payload}]");
        oracles.received(Timestamp(0), text.as_bytes());
        oracles.take().len()
    }

    fn stopped() -> Oracles {
        let mut oracles = Oracles::new(Role::Station, Version::V16);
        oracles.opened();
        assert_eq!(call(&mut oracles, "1", "StopTransaction", STOP), 0);
        oracles.sent_answer("1", Some(&json!({})));
        oracles
    }

    #[test]
    fn a_stop_whose_answer_went_with_the_link_may_come_again_once() {
        let mut oracles = stopped();
        oracles.opened();
        assert_eq!(call(&mut oracles, "2", "Heartbeat", "{}"), 0);
        oracles.sent_answer("2", Some(&json!({})));
        assert_eq!(oracles.take_said_again(), None);
        assert_eq!(call(&mut oracles, "3", "StopTransaction", STOP), 0);
        assert_eq!(oracles.take_said_again(), Some(json!({})));
        oracles.sent_answer("3", Some(&json!({})));
        assert_eq!(call(&mut oracles, "4", "StopTransaction", STOP), 1, "the second answer was heard");
    }

    #[test]
    fn a_stop_whose_answer_was_heard_may_not() {
        let mut oracles = stopped();
        assert_eq!(call(&mut oracles, "2", "Heartbeat", "{}"), 0);
        oracles.sent_answer("2", Some(&json!({})));
        oracles.opened();
        assert_eq!(call(&mut oracles, "3", "StopTransaction", STOP), 1);
        assert_eq!(oracles.take_said_again(), None);
    }

    #[test]
    fn another_stop_of_the_same_transaction_is_no_repetition() {
        let mut oracles = stopped();
        oracles.opened();
        assert_eq!(call(&mut oracles, "2", "StopTransaction", &STOP.replace("HardReset", "Local")), 1);
    }
}
