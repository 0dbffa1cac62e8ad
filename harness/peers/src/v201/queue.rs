//! The queue of transaction events: kept over anything, delivered in order (R-150 to R-154, E04, E13).

use protocol::Timestamp;
use serde_json::{Value, json};

use super::charging_station::{ChargingStation, Sent};

/// A transaction event in the queue.
#[derive(Debug)]
pub(super) struct Queued {
    sequence: u64,
    pub(super) payload: Value,
    /// The EVSE it is about.
    evse: u32,
    attempts: u32,
    not_before: Option<Timestamp>,
}

/// The longest queue; beyond it, updates give way (E04.FR.07).
const CAPACITY: usize = 5_000;

impl ChargingStation {
    /// Appends an event.
    pub(super) fn queue(&mut self, evse: u32, payload: Value) {
        let is_update = |payload: &Value| payload["eventType"] == "Updated";
        if self.storage.queue.len() >= CAPACITY {
            match self.storage.queue.iter().position(|queued| is_update(&queued.payload)) {
                Some(at) => {
                    self.storage.queue.remove(at);
                }
                None if is_update(&payload) => return,
                None => {
                    self.storage.queue.pop_front();
                }
            }
        }
        let sequence = self.next_sequence();
        let queued = Queued { sequence, payload, evse, attempts: 0, not_before: None };
        self.storage.queue.push_back(queued);
    }

    /// What still waits when the link is lost has to say so (E11.FR.07).
    pub(super) fn mark_queue_offline(&mut self) {
        if !self.storage.queue.is_empty() && !self.faults.hits("station-hides-being-offline") {
            for queued in &mut self.storage.queue {
                queued.payload["offline"] = json!(true);
            }
        }
    }

    /// The sequence number of the head, if it may leave now.
    pub(super) fn next_queued(&self) -> Option<u64> {
        let head = self.storage.queue.front()?;
        let due = head.not_before.is_none_or(|moment| moment <= self.now);
        (self.is_accepted() && due).then_some(head.sequence)
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
        let (sequence, payload) = (head.sequence, head.payload.clone());
        self.send_call("TransactionEvent", &payload, Sent::Transaction(sequence));
        true
    }

    pub(super) fn queue_answered(&mut self, sequence: u64, answer: &Value) {
        if self.storage.queue.front().is_none_or(|head| head.sequence != sequence) {
            return;
        }
        if let Some(head) = self.storage.queue.pop_front() {
            self.event_answered(head.evse, &head.payload, answer);
        }
    }

    /// An error or silence: again after a growing wait, until the attempts are used up.
    pub(super) fn queue_failed(&mut self, sequence: u64) {
        let allowed = self.storage.model.integer("OCPPCommCtrlr", "MessageAttempts").unwrap_or(1);
        let interval = self.storage.model.seconds("OCPPCommCtrlr", "MessageAttemptInterval");
        let now = self.now;
        let gives_up = allowed > 1 && self.faults.hits("station-drops-failed-events");
        let Some(head) = self.storage.queue.front_mut().filter(|head| head.sequence == sequence) else {
            return;
        };
        head.attempts += 1;
        if gives_up || i64::from(head.attempts) >= allowed {
            self.storage.queue.pop_front();
        } else {
            head.not_before = Some(now + interval.saturating_mul(head.attempts));
        }
    }
}
