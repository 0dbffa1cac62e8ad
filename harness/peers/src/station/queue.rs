//! The queue of transaction-related messages: kept over anything, delivered in order.

use protocol::Timestamp;
use serde_json::{Value, json};

use super::charge_point::{ChargePoint, Sent};
use crate::frames::members;

/// A message in the queue.
#[derive(Debug)]
pub(super) struct Queued {
    sequence: u64,
    action: &'static str,
    payload: Value,
    kind: Kind,
    /// Our number of the transaction; 0 for meter values outside of one.
    local: u64,
    attempts: u32,
    not_before: Option<Timestamp>,
    /// It was in the queue when there was no link.
    pub(super) waited_offline: bool,
}

/// What sort of message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Start,
    Meter,
    Stop,
}

/// The longest queue; beyond it, meter values give way.
const CAPACITY: usize = 5_000;

impl ChargePoint {
    /// Appends a message. Its transaction id is filled in when it leaves, because only then it may be known.
    pub(super) fn queue(&mut self, action: &'static str, payload: Value, kind: Kind, local: u64) {
        if self.storage.queue.len() >= CAPACITY {
            let at = self.storage.queue.iter().position(|queued| queued.kind == Kind::Meter);
            match at {
                Some(at) => {
                    self.storage.queue.remove(at);
                }
                None if kind == Kind::Meter => return,
                None => {
                    self.storage.queue.pop_front();
                }
            }
        }
        let sequence = self.next_sequence();
        let has_failed = self.storage.queue.front().is_some_and(|head| head.attempts > 0);
        let overtakes = has_failed && self.faults.hits("station-overtakes-what-failed");
        let queued = Queued {
            sequence,
            action,
            payload,
            kind,
            local,
            attempts: 0,
            not_before: None,
            waited_offline: !self.is_online(),
        };
        if overtakes {
            self.storage.queue.push_front(queued);
        } else {
            self.storage.queue.push_back(queued);
        }
    }

    /// The sequence number of the head, if it may leave now.
    pub(super) fn next_queued(&self) -> Option<u64> {
        let head = self.storage.queue.front()?;
        let due = head.not_before.is_none_or(|moment| moment <= self.now);
        (self.is_accepted() && due && !self.is_queue_waiting()).then_some(head.sequence)
    }

    pub(super) fn queue_wakeup(&self) -> Option<Timestamp> {
        let head = self.storage.queue.front()?;
        (self.can_ask() && !self.exchange.is_waiting())
            .then_some(head.not_before)
            .flatten()
            .filter(|moment| *moment > self.now)
    }

    /// Sends the head of the queue.
    pub(super) fn send_queued(&mut self) -> bool {
        let Some(head) = self.storage.queue.front() else {
            return false;
        };
        let (sequence, action, kind, local) = (head.sequence, head.action, head.kind, head.local);
        let late = head.waited_offline;
        let mut payload = head.payload.clone();
        if kind != Kind::Start && local != 0 {
            let mut id = self
                .storage
                .transaction_ids
                .get(&local)
                .copied()
                // No id could be had: -1.
                .unwrap_or(-1);
            if kind == Kind::Stop && self.faults.hits("station-stops-wrong-transaction") {
                id = id.saturating_add(1);
            }
            if kind == Kind::Stop && late && self.faults.hits("station-stops-minus-one-after-offline") {
                id = -1;
            }
            payload["transactionId"] = id.into();
        }
        if kind != Kind::Meter && late && self.faults.hits("station-rewrites-queued-timestamps") {
            payload["timestamp"] = self.timestamp();
        }
        if kind == Kind::Meter && self.faults.hits("station-sends-numbers-in-meter-values") {
            numbers_for_texts(&mut payload);
        }
        self.send_call(action, &payload, Sent::Transaction(sequence));
        true
    }

    pub(super) fn queue_answered(&mut self, sequence: u64, answer: &Value) {
        let Some(head) = self.storage.queue.front() else {
            return;
        };
        if head.sequence != sequence {
            return;
        }
        let (kind, local) = (head.kind, head.local);
        let tag = members(&head.payload).get("idTag").and_then(Value::as_str).map(str::to_owned);
        self.storage.queue.pop_front();
        match (kind, tag) {
            (Kind::Start, tag) => {
                self.start_answered(local, &tag.unwrap_or_default(), members(answer));
            }
            (Kind::Stop, Some(tag)) => {
                let info = members(answer).get("idTagInfo").and_then(super::authorisation::TagInfo::read);
                if let Some(info) = info
                    && !self.faults.hits("station-caches-no-answers-to-stops")
                {
                    self.learn(&tag, &info);
                }
            }
            (Kind::Stop | Kind::Meter, _) => {}
        }
        if kind == Kind::Stop && !self.storage.queue.iter().any(|queued| queued.local == local) {
            self.storage.transaction_ids.remove(&local);
        }
    }

    /// An error or silence: again after a growing wait, until the attempts are used up.
    pub(super) fn queue_failed(&mut self, sequence: u64) {
        let attempts_allowed = self.storage.configuration.integer("TransactionMessageAttempts").unwrap_or(1);
        let interval = self.storage.configuration.seconds("TransactionMessageRetryInterval");
        let now = self.now;
        let gives_up = self.faults.active("station-gives-up-at-first-failure");
        let never_gives_up = self.faults.active("station-never-gives-up");
        let Some(head) = self.storage.queue.front_mut() else {
            return;
        };
        if head.sequence != sequence {
            return;
        }
        head.attempts += 1;
        let spent = i64::from(head.attempts) >= attempts_allowed;
        let goes_on = spent && never_gives_up;
        if gives_up || spent && !goes_on {
            self.storage.queue.pop_front();
            if !spent {
                self.faults.hits("station-gives-up-at-first-failure");
            }
        } else {
            head.not_before = Some(now + interval.saturating_mul(head.attempts));
        }
        if goes_on {
            self.faults.hits("station-never-gives-up");
        }
    }

    /// The head of the queue is on its way.
    fn is_queue_waiting(&self) -> bool {
        self.exchange.purposes().any(|purpose| matches!(purpose, Sent::Transaction(_)))
    }
}

fn numbers_for_texts(payload: &mut Value) {
    let values = payload["meterValue"].as_array_mut().into_iter().flatten();
    for value in values {
        let samples = value["sampledValue"].as_array_mut().into_iter().flatten();
        for sample in samples {
            let number = sample["value"].as_str().and_then(|text| text.parse::<f64>().ok());
            if let Some(number) = number {
                sample["value"] = json!(number);
            }
        }
    }
}
