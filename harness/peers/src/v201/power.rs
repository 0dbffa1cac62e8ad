//! Power: switching on, resets, and power failures (use cases B01, B11 and B12).

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::charging_station::ChargingStation;
use super::transaction::Cause;
use crate::Output;
use crate::power::{LITTLE_PATIENCE, PATIENCE, Power, Then};
use crate::registration::Registration;

/// A reset to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reset {
    /// At once, whoever charges.
    Immediate,
    /// When nobody charges.
    OnIdle,
}

impl ChargingStation {
    pub(super) fn pass_power(&mut self) {
        if !self.power.starts(self.now) {
            return;
        }
        self.power = Power::On;
        self.registration = Registration::Unknown;
        // What is plugged in already is nothing that happens now.
        for id in self.ids() {
            let facts = self.facts(id);
            if let Some(evse) = self.evse_mut(id) {
                evse.seen = facts;
            }
        }
        self.connect();
    }

    pub(super) fn reset(&mut self, request: &Map<String, Value>) -> Value {
        // EVSE.AllowReset says that only the whole station can be reset (B11.FR.09).
        if request.contains_key("evseId") {
            return json!({ "status": "Rejected" });
        }
        let charging = self.evses.iter().any(|evse| evse.transaction.is_some());
        if request.get("type").and_then(Value::as_str) == Some("Immediate") {
            self.reset = Some(Reset::Immediate);
            return json!({ "status": "Accepted" });
        }
        self.reset = Some(Reset::OnIdle);
        if !charging {
            return json!({ "status": "Accepted" });
        }
        if self.faults.hits("station-resets-despite-transaction") {
            self.reset = Some(Reset::Immediate);
        }
        json!({ "status": "Scheduled" })
    }

    /// The answer has left, and for one on idle the last transaction has ended (B12.FR.01 to FR.04).
    pub(super) fn pass_reset(&mut self) {
        let charging = self.evses.iter().any(|evse| evse.transaction.is_some());
        let Some(reset) = self.reset.filter(|_| self.power == Power::On) else {
            return;
        };
        if charging && reset == Reset::OnIdle {
            return;
        }
        self.storage.boot_reason = "RemoteReset";
        self.end_all(&Cause::new("ResetCommand").stopped("ImmediateReset"));
        self.go_down(PATIENCE, Then::Restart);
    }

    fn go_down(&mut self, patience: Duration, then: Then) {
        self.power = Power::GoingDown { latest: self.now + patience, then };
    }

    /// Goes down for good when nothing is left to tell, or the time for it is over.
    pub(super) fn pass_shutdown(&mut self) {
        let Power::GoingDown { latest, then } = self.power else {
            return;
        };
        let told = self.storage.queue.is_empty() && self.outbox.is_empty() && !self.exchange.is_waiting();
        if told || latest <= self.now || !self.is_online() {
            self.down(Output::Close { code: 1001 });
            if then == Then::Restart {
                self.restart();
            }
        }
    }

    /// The mains fail (stimulus `cut power`).
    pub(super) fn cut_power(&mut self) {
        if !self.is_powered() {
            self.power = Power::Off;
            return;
        }
        self.storage.boot_reason = "PowerUp";
        if self.settings.backup_power {
            self.end_all(&Cause::new("AbnormalCondition").stopped("PowerLoss"));
            self.go_down(PATIENCE, Then::StayOff);
            return;
        }
        self.interrupt_transactions();
        self.down(Output::Cut);
    }

    /// The mains are back (stimulus `restore power`).
    pub(super) fn restore_power(&mut self) {
        match &mut self.power {
            Power::Off => self.restart(),
            Power::GoingDown { then, .. } => *then = Then::Restart,
            _ => {}
        }
    }

    /// A restart by itself (stimulus `reboot`).
    pub(super) fn reboot(&mut self) {
        self.storage.boot_reason = "LocalReset";
        self.end_all(&Cause::new("ResetCommand").stopped("Reboot"));
        self.go_down(LITTLE_PATIENCE, Then::Restart);
    }

    fn down(&mut self, output: Output) {
        if self.link.drop_it() {
            self.out.push(output);
        }
        self.exchange.abandon();
        self.outbox.clear();
        self.registration = Registration::Unknown;
        self.heartbeat_due = None;
        self.aligned_due = None;
        self.reset = None;
        self.start_told = false;
        for evse in &mut self.evses {
            evse.forget();
        }
        self.mark_queue_offline();
        if self.has_inoperative() && self.faults.hits("station-forgets-unavailable-at-reboot") {
            self.make_operative();
        }
        self.power = Power::Off;
    }

    fn restart(&mut self) {
        self.power = Power::Starting { until: self.now + self.settings.reboot_duration };
    }
}
