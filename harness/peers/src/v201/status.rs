//! Connector states and what the CSMS is told of them (use case G01).

use serde_json::{Value, json};

use super::charging_station::{ChargingStation, Sent};

impl ChargingStation {
    /// The status of the connector of an EVSE.
    pub(super) fn connector_status(&self, id: u32) -> &'static str {
        match self.evse(id) {
            Some(evse) if evse.fault.is_some() => "Faulted",
            Some(evse) if evse.transaction.is_none() && self.is_inoperative(id) => "Unavailable",
            Some(evse) if evse.plugged => "Occupied",
            _ => "Available",
        }
    }

    pub(super) fn station_state(&self) -> &'static str {
        if self.is_station_inoperative() { "Unavailable" } else { "Available" }
    }

    /// Tells every change (G01.FR.07).
    pub(super) fn tell_states(&mut self) {
        if !self.can_ask() {
            return;
        }
        for id in self.ids() {
            let status = self.connector_status(id);
            if self.evse(id).is_some_and(|evse| evse.told != Some(status)) {
                self.post_status(id, false);
            }
        }
    }

    /// Sends the present status, changed or not.
    pub(super) fn post_status(&mut self, id: u32, asked_for: bool) {
        let status = self.connector_status(id);
        if let Some(evse) = self.evse_mut(id) {
            evse.told = Some(status);
        }
        if self.settings.report_by_event && !asked_for {
            let event = json!({
                "trigger": "Delta",
                "actualValue": status,
                "component": { "name": "Connector", "evse": { "id": id, "connectorId": 1 } },
                "variable": { "name": "AvailabilityState" },
            });
            self.post_event(event, Sent::Status(id));
            return;
        }
        let payload = json!({
            "timestamp": self.timestamp(),
            "connectorStatus": status,
            "evseId": id,
            "connectorId": 1,
        });
        self.post("StatusNotification", payload, Sent::Status(id), asked_for);
    }

    /// The lock of a connector fails, or holds again (G05.FR.02).
    pub(super) fn tell_lock_problem(&mut self, id: u32, problem: bool) {
        if !self.can_ask() {
            return;
        }
        let mut event = json!({
            "trigger": "Alerting",
            "actualValue": problem.to_string(),
            "component": { "name": "ConnectorPlugRetentionLock", "evse": { "id": id, "connectorId": 1 } },
            "variable": { "name": "Problem" },
        });
        if !problem {
            event["cleared"] = true.into();
        }
        self.post_event(event, Sent::Other);
    }

    fn post_event(&mut self, mut event: Value, purpose: Sent) {
        self.storage.events += 1;
        event["eventId"] = self.storage.events.into();
        event["timestamp"] = self.timestamp();
        event["eventNotificationType"] = "HardWiredNotification".into();
        let payload = json!({ "generatedAt": self.timestamp(), "seqNo": 0, "eventData": [event] });
        self.post("NotifyEvent", payload, purpose, false);
    }

    /// Everything is told anew.
    pub(super) fn tell_all_states_again(&mut self) {
        for evse in &mut self.evses {
            evse.told = None;
        }
    }

    /// A status message was lost with the link.
    pub(super) fn forget_told(&mut self, id: u32) {
        if let Some(evse) = self.evse_mut(id) {
            evse.told = None;
        }
    }
}
