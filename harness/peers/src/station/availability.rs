//! Availability (statements 16-AV).

use serde_json::{Map, Value, json};

use super::charge_point::ChargePoint;

impl ChargePoint {
    /// Made Inoperative: the connector itself, or the station as a whole for 0.
    pub(super) fn is_inoperative(&self, number: u32) -> bool {
        usize::try_from(number).ok().and_then(|place| self.storage.inoperative.get(place)).copied().unwrap_or(false)
    }

    pub(super) fn change_availability(&mut self, request: &Map<String, Value>) -> Value {
        let number = request.get("connectorId").and_then(Value::as_i64);
        let inoperative = request.get("type").and_then(Value::as_str) == Some("Inoperative");
        let connectors = u32::try_from(self.connectors.len()).unwrap_or(u32::MAX);
        let status = match number.and_then(|number| u32::try_from(number).ok()) {
            // Connector 0 is the station and all of its connectors (16-AV-03).
            Some(0) => {
                self.set_inoperative(0, inoperative);
                let mut status = "Accepted";
                for number in 1..=connectors {
                    if !self.change_one(number, inoperative) {
                        status = "Scheduled";
                    }
                }
                status
            }
            Some(number) if number <= connectors => {
                if self.change_one(number, inoperative) {
                    "Accepted"
                } else {
                    "Scheduled"
                }
            }
            _ => "Rejected",
        };
        json!({ "status": status })
    }

    /// Changes one connector now, or later if it is in use (16-AV-02); whether it was now.
    fn change_one(&mut self, number: u32, inoperative: bool) -> bool {
        let busy = self.is_busy(number);
        let now = !busy || self.is_inoperative(number) == inoperative;
        if let Some(connector) = self.connector_mut(number) {
            connector.scheduled = (!now).then_some(inoperative);
        }
        if now {
            self.set_inoperative(number, inoperative);
        }
        now
    }

    pub(super) fn apply_scheduled_availability(&mut self) {
        for number in 1..=self.connectors.len() {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            if self.is_busy(number) {
                continue;
            }
            let scheduled = self.connector_mut(number).and_then(|connector| connector.scheduled.take());
            if let Some(inoperative) = scheduled
                && !self.faults.hits("station-never-makes-scheduled-change")
            {
                self.set_inoperative(number, inoperative);
            }
        }
    }

    /// A session runs here, or somebody prepares one: there is no way from Preparing to Unavailable
    /// (16-STAT-03).
    fn is_busy(&self, number: u32) -> bool {
        self.connector(number).is_some_and(|connector| {
            connector.transaction.is_some()
                || connector.authorised.is_some()
                || (connector.plugged && !connector.finishing)
        }) && !self.is_inoperative(number)
    }

    fn set_inoperative(&mut self, number: u32, inoperative: bool) {
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        let Some(entry) = self.storage.inoperative.get_mut(place) else {
            return;
        };
        if *entry == inoperative {
            return;
        }
        *entry = inoperative;
        let now = self.now;
        if let Some(connector) = self.connector_mut(number) {
            // What comes back with a cable in it is being prepared again, not Finishing (16-STAT-03).
            connector.finishing = false;
            connector.preparing_since = (connector.plugged && !inoperative).then_some(now);
        }
        if inoperative && number > 0 {
            self.cancel_reservations_of(number);
        }
    }
}
