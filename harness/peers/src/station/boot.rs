//! Boot, registration and heartbeat (statements 16-BOOT and 16-HB).

use std::time::Duration;

use protocol::Timestamp;
use serde_json::{Value, json};

use super::charge_point::{ChargePoint, Sent};
use crate::frames::members;
use crate::registration::{Registration, clock_offset, wait};

impl ChargePoint {
    pub(super) fn is_accepted(&self) -> bool {
        self.registration == Registration::Accepted
    }

    /// The moment of the next unasked BootNotification.
    pub(super) fn boot_wakeup(&self) -> Option<Timestamp> {
        let waiting = self.is_online() && !self.boots_already();
        self.registration.again().filter(|_| waiting)
    }

    pub(super) fn pass_boot(&mut self) {
        if self.boot_wakeup().is_some_and(|again| again <= self.now) {
            self.boot(false);
        }
        if !self.is_online() || !self.is_accepted() {
            return;
        }
        if self.heartbeat_due.is_some_and(|due| due <= self.now) {
            self.schedule_heartbeat();
            if !self.faults.hits("station-never-sends-heartbeats") {
                self.heartbeat(false);
            }
        }
    }

    /// BootNotification, first of all after the start (16-BOOT-01), or again.
    pub(super) fn boot(&mut self, triggered: bool) {
        if self.boots_already() {
            return;
        }
        let payload = json!({
            "chargePointVendor": self.settings.vendor,
            "chargePointModel": self.settings.model,
            "chargePointSerialNumber": self.settings.serial,
            "firmwareVersion": self.settings.firmware,
        });
        self.post("BootNotification", payload, Sent::Boot, triggered);
    }

    pub(super) fn heartbeat(&mut self, triggered: bool) {
        let queued = |message: &super::charge_point::Outgoing| message.action == "Heartbeat";
        if triggered || !self.outbox.iter().any(queued) {
            self.post("Heartbeat", json!({}), Sent::Heartbeat, triggered);
        }
    }

    pub(super) fn boot_answered(&mut self, answer: &Value) {
        let answer = members(answer);
        self.take_time(answer.get("currentTime"));
        let interval = answer.get("interval").and_then(Value::as_u64).unwrap_or(0);
        match Registration::answered(answer.get("status").and_then(Value::as_str), self.now, interval) {
            Registration::Accepted => {
                if interval > 0 {
                    self.storage.configuration.put("HeartbeatInterval", &interval.to_string());
                }
                self.accepted();
            }
            other => self.registration = other,
        }
        if let Registration::Pending { .. } = self.registration
            && self.faults.hits("station-boots-early-while-pending")
        {
            self.registration =
                Registration::Pending { again: self.now + Duration::from_secs(2).min(wait(interval) / 2) };
        }
        if let Registration::Pending { .. } = self.registration
            && interval == 0
            && self.faults.hits("station-floods-with-boots")
        {
            self.registration = Registration::Pending { again: self.now + Duration::from_millis(50) };
        }
    }

    pub(super) fn boot_failed(&mut self) {
        self.registration = self.registration.failed(self.now);
    }

    pub(super) fn heartbeat_answered(&mut self, answer: &Value) {
        self.take_time(members(answer).get("currentTime"));
    }

    pub(super) fn schedule_heartbeat(&mut self) {
        let mut interval = self.storage.configuration.seconds("HeartbeatInterval");
        if self.faults.active("station-floods-after-a-bad-interval")
            && self.storage.configuration.integer("HeartbeatInterval").is_none()
        {
            interval = Duration::from_millis(100);
        }
        self.heartbeat_due = (!interval.is_zero()).then(|| self.now + interval);
    }

    /// Accepted: from here on everything may be sent, first of all the state of every connector (16-BOOT-10).
    fn accepted(&mut self) {
        self.registration = Registration::Accepted;
        self.storage.accepted_once = true;
        self.schedule_heartbeat();
        self.schedule_aligned();
        self.tell_all_states_again();
        self.end_interrupted_transactions();
    }

    /// The clock follows the CSMS (16-BOOT-03, R-172).
    fn take_time(&mut self, time: Option<&Value>) {
        if let Some(offset) = clock_offset(self.now, self.clock_offset, time) {
            self.clock_offset = offset;
            self.schedule_aligned();
        }
    }

    fn boots_already(&self) -> bool {
        self.outbox.iter().any(|message| matches!(message.purpose, Sent::Boot)) || self.boot_outstanding()
    }
}
