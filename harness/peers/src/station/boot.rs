//! Boot, registration and heartbeat (statements 16-BOOT and 16-HB).

use std::time::Duration;

use protocol::Timestamp;
use serde_json::{Value, json};

use super::charge_point::{ChargePoint, Sent, members};

/// What the CSMS thinks of the station.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Registration {
    /// No BootNotification has been answered since the start.
    Unknown,
    /// A BootNotification failed; the next one is at this moment.
    Unanswered { again: Timestamp },
    /// It may be configured, and boots again later.
    Pending { again: Timestamp },
    /// It has to be silent, and boots again later.
    Rejected { again: Timestamp },
    /// It may do everything.
    Accepted,
}

/// The station's own choice where the CSMS gives no interval (16-BOOT-05), and after a boot without an answer.
const OWN_WAIT: Duration = Duration::from_secs(30);

impl ChargePoint {
    pub(super) fn is_accepted(&self) -> bool {
        self.registration == Registration::Accepted
    }

    /// The moment of the next unasked BootNotification.
    pub(super) fn boot_wakeup(&self) -> Option<Timestamp> {
        let waiting = self.is_online() && !self.boots_already();
        match self.registration {
            Registration::Unanswered { again } | Registration::Pending { again } | Registration::Rejected { again }
                if waiting =>
            {
                Some(again)
            }
            _ => None,
        }
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
        let again = self.now + wait(interval);
        match answer.get("status").and_then(Value::as_str) {
            Some("Accepted") => {
                if interval > 0 {
                    self.storage.configuration.put("HeartbeatInterval", &interval.to_string());
                }
                self.accepted();
            }
            Some("Pending") => self.registration = Registration::Pending { again },
            // An answer that cannot be read is no permission to go on.
            _ => self.registration = Registration::Rejected { again },
        }
        if let Registration::Pending { .. } = self.registration
            && self.faults.hits("station-boots-early-while-pending")
        {
            self.registration =
                Registration::Pending { again: self.now + Duration::from_secs(2).min(wait(interval) / 2) };
        }
    }

    pub(super) fn boot_failed(&mut self) {
        let again = self.now + OWN_WAIT;
        self.registration = match self.registration {
            Registration::Accepted => Registration::Accepted,
            Registration::Pending { .. } => Registration::Pending { again },
            Registration::Rejected { .. } => Registration::Rejected { again },
            Registration::Unknown | Registration::Unanswered { .. } => Registration::Unanswered { again },
        };
    }

    pub(super) fn heartbeat_answered(&mut self, answer: &Value) {
        self.take_time(members(answer).get("currentTime"));
    }

    pub(super) fn schedule_heartbeat(&mut self) {
        let interval = self.storage.configuration.seconds("HeartbeatInterval");
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
        let Some(theirs) = time.and_then(Value::as_str).and_then(Timestamp::parse) else {
            return;
        };
        // A clock battery would not believe more either: from 2000 to 2100.
        if (946_684_800_000_000..4_102_444_800_000_000).contains(&theirs.0) {
            let offset = theirs.0 - self.now.0;
            // Whole-second times and the way there must not make the clock jitter.
            if (offset - self.clock_offset).abs() > 2_000_000 {
                self.clock_offset = offset;
                self.schedule_aligned();
            }
        }
    }

    fn boots_already(&self) -> bool {
        self.outbox.iter().any(|message| matches!(message.purpose, Sent::Boot)) || self.boot_outstanding()
    }
}

fn wait(interval: u64) -> Duration {
    if interval == 0 { OWN_WAIT } else { Duration::from_secs(interval) }
}
