//! Boot, registration and heartbeat (use cases B01 to B04 and G02).

use std::time::Duration;

use protocol::Timestamp;
use serde_json::{Value, json};

use super::charging_station::{ChargingStation, Sent};
use crate::frames::members;
use crate::registration::{Registration, clock_offset};

impl ChargingStation {
    /// The moment of the next unasked BootNotification.
    pub(super) fn boot_wakeup(&self) -> Option<Timestamp> {
        self.registration.again().filter(|_| self.is_online() && !self.boots_already())
    }

    pub(super) fn pass_boot(&mut self) {
        if self.boot_wakeup().is_some_and(|again| again <= self.now) {
            self.boot(false);
        }
        if self.can_ask() && self.heartbeat_due.is_some_and(|due| due <= self.now) {
            self.schedule_heartbeat();
            self.heartbeat(false);
        }
    }

    /// BootNotification, first of all after the start (B01.FR.01), or again.
    pub(super) fn boot(&mut self, asked_for: bool) {
        if self.boots_already() {
            return;
        }
        let reason = if asked_for { "Triggered" } else { self.storage.boot_reason };
        let payload = json!({
            "reason": reason,
            "chargingStation": {
                "model": self.settings.model,
                "vendorName": self.settings.vendor,
                "serialNumber": self.settings.serial,
                "firmwareVersion": self.settings.firmware,
            },
        });
        self.post("BootNotification", payload, Sent::Boot, asked_for);
    }

    pub(super) fn heartbeat(&mut self, asked_for: bool) {
        if asked_for || !self.outbox.iter().any(|message| message.action == "Heartbeat") {
            self.post("Heartbeat", json!({}), Sent::Heartbeat, asked_for);
        }
    }

    pub(super) fn boot_answered(&mut self, answer: &Value) {
        let answer = members(answer);
        self.take_time(answer.get("currentTime"));
        let interval = answer.get("interval").and_then(Value::as_u64).unwrap_or(0);
        match Registration::answered(answer.get("status").and_then(Value::as_str), self.now, interval) {
            Registration::Accepted => {
                // B01.FR.04
                if interval > 0 {
                    self.storage.model.put("OCPPCommCtrlr", "HeartbeatInterval", &interval.to_string());
                }
                self.accepted();
            }
            other => self.registration = other,
        }
    }

    pub(super) fn heartbeat_answered(&mut self, answer: &Value) {
        self.take_time(members(answer).get("currentTime"));
    }

    pub(super) fn schedule_heartbeat(&mut self) {
        let mut interval = self.storage.model.seconds("OCPPCommCtrlr", "HeartbeatInterval");
        if self.faults.active("station-floods-after-a-bad-interval")
            && self.storage.model.integer("OCPPCommCtrlr", "HeartbeatInterval").is_none()
        {
            interval = Duration::from_millis(100);
        }
        self.heartbeat_due = (!interval.is_zero()).then(|| self.now + interval);
    }

    /// From here on everything may be sent, first of all the state of every connector (B01.FR.05).
    fn accepted(&mut self) {
        self.registration = Registration::Accepted;
        self.storage.accepted_once = true;
        self.offline_since = None;
        self.schedule_heartbeat();
        self.schedule_aligned();
        self.tell_start();
        self.tell_all_states_again();
        self.end_interrupted_transactions();
    }

    /// The start is a critical security event (A04.FR.01).
    pub(super) fn tell_start(&mut self) {
        if std::mem::replace(&mut self.start_told, true) || self.faults.hits("station-hides-security-events") {
            return;
        }
        let kind = if self.storage.boot_reason == "PowerUp" { "StartupOfTheDevice" } else { "ResetOrReboot" };
        let payload = json!({ "type": kind, "timestamp": self.timestamp() });
        self.post("SecurityEventNotification", payload, Sent::SecurityEvent, false);
    }

    /// The clock follows the CSMS (B01.FR.06).
    fn take_time(&mut self, time: Option<&Value>) {
        if let Some(offset) = clock_offset(self.now, self.clock_offset, time) {
            self.clock_offset = offset;
            self.schedule_aligned();
        }
    }

    fn boots_already(&self) -> bool {
        self.outbox.iter().any(|message| matches!(message.purpose, Sent::Boot))
            || self.exchange.purposes().any(|purpose| matches!(purpose, Sent::Boot))
    }
}
