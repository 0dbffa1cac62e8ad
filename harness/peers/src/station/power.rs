//! Power: switching on, resets, and power failures (statements 16-RST and 16-TX-18).

use std::time::Duration;

use protocol::Timestamp;
use serde_json::{Map, Value, json};

use super::charge_point::ChargePoint;
use super::status::Told;
use crate::Output;
use crate::power::{LITTLE_PATIENCE, PATIENCE, Power, Then};
use crate::registration::Registration;

impl ChargePoint {
    pub(super) fn is_powered(&self) -> bool {
        self.power.is_on()
    }

    pub(super) fn power_wakeup(&self) -> Option<Timestamp> {
        self.power.wakeup(self.now)
    }

    pub(super) fn pass_power(&mut self) {
        if self.power.starts(self.now) {
            self.start_up();
        }
    }

    fn start_up(&mut self) {
        self.power = Power::On;
        self.registration = Registration::Unknown;
        self.connect();
    }

    pub(super) fn reset(&mut self, request: &Map<String, Value>) -> Value {
        let soft = request.get("type").and_then(Value::as_str) == Some("Soft");
        self.reset_after_answer = Some(soft);
        json!({ "status": "Accepted" })
    }

    /// The answer has left; now the transactions end and the station goes down (16-RST-01, 16-RST-02).
    pub(super) fn do_reset(&mut self, soft: bool) {
        if self.faults.hits("station-accepts-reset-and-stays") {
            return;
        }
        let reason = if soft { "SoftReset" } else { "HardReset" };
        if !self.faults.hits("station-resets-without-stopping") {
            self.end_all(reason);
        }
        let patience = if soft { PATIENCE } else { LITTLE_PATIENCE };
        self.go_down(patience, Then::Restart);
    }

    pub(super) fn end_all(&mut self, reason: &str) {
        for number in 1..=self.connectors.len() {
            self.end_transaction(u32::try_from(number).unwrap_or(u32::MAX), reason, None);
        }
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
        if self.settings.backup_power {
            self.end_all("PowerLoss");
            self.go_down(PATIENCE, Then::StayOff);
            return;
        }
        let at = self.clock();
        for connector in &mut self.connectors {
            if let Some(transaction) = connector.transaction.take() {
                self.storage.interrupted.push((connector.number, transaction, at));
            }
        }
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

    /// A restart by itself, without any goodbye (stimulus `reboot`).
    pub(super) fn reboot(&mut self) {
        self.end_all("Reboot");
        self.go_down(LITTLE_PATIENCE, Then::Restart);
    }

    fn down(&mut self, output: Output) {
        self.drop_link(output);
        self.exchange.abandon();
        self.outbox.clear();
        self.held_calls.clear();
        self.triggers.clear();
        self.remote_starts.clear();
        self.registration = Registration::Unknown;
        self.heartbeat_due = None;
        self.aligned_due = None;
        for told in &mut self.told {
            *told = Told::default();
        }
        for connector in &mut self.connectors {
            connector.forget();
        }
        if !self.storage.queue.is_empty() && self.faults.hits("station-loses-its-queue-at-reboot") {
            self.storage.queue.clear();
        }
        for queued in &mut self.storage.queue {
            queued.waited_offline = true;
        }
        if self.storage.inoperative.contains(&true) && self.faults.hits("station-forgets-unavailable-at-reboot") {
            self.storage.inoperative.fill(false);
        }
        if !self.storage.cache.is_empty() && self.faults.hits("station-forgets-its-cache-at-reboot") {
            self.storage.cache.clear();
        }
        self.power = Power::Off;
    }

    fn restart(&mut self) {
        self.power = Power::Starting { until: self.now + self.settings.reboot_duration };
    }
}
