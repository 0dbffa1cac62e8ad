//! Remote start, stop and unlock (statements 16-REM and 16-UNL).

use serde_json::{Map, Value, json};

use super::authorisation::Wish;
use super::charge_point::ChargePoint;
use super::connector::Authorised;
use crate::registration::Registration;

impl ChargePoint {
    pub(super) fn remote_start(&mut self, request: &Map<String, Value>) -> Value {
        let tag = request.get("idTag").and_then(Value::as_str).unwrap_or("");
        let accepted = self.remote_start_connector(request, tag);
        let Some(number) = accepted else {
            return json!({ "status": "Rejected" });
        };
        self.remote_starts.push((number, tag.to_owned()));
        json!({ "status": "Accepted" })
    }

    /// What was accepted is done after the answer has left (16-REM-01).
    pub(super) fn do_remote_starts(&mut self) {
        for (number, tag) in std::mem::take(&mut self.remote_starts) {
            if self.storage.configuration.is_true("AuthorizeRemoteTxRequests") {
                self.ask(number, &tag, Wish::Start);
            } else {
                self.let_in(number, Authorised { tag, parent: None });
            }
        }
    }

    /// The connector for a remote start; `None` to reject it.
    fn remote_start_connector(&mut self, request: &Map<String, Value>, tag: &str) -> Option<u32> {
        if self.registration != Registration::Accepted {
            return None;
        }
        match request.get("connectorId").and_then(Value::as_i64) {
            Some(0) if self.faults.hits("station-remote-starts-connector-zero") => self.first_free(tag).or(Some(1)),
            Some(number) if self.charges_at(number) && self.faults.hits("station-starts-where-it-charges") => {
                u32::try_from(number).ok()
            }
            Some(number) => u32::try_from(number)
                .ok()
                .filter(|number| self.may_start(*number) && self.reservation_allows(*number, tag)),
            None if request.contains_key("connectorId") => None,
            None => self.first_free(tag),
        }
    }

    fn charges_at(&self, number: i64) -> bool {
        u32::try_from(number)
            .ok()
            .and_then(|number| self.connector(number))
            .is_some_and(|connector| connector.transaction.is_some())
    }

    /// A connector where somebody has plugged in already, else any free one (16-REM-04).
    fn first_free(&self, tag: &str) -> Option<u32> {
        let free: Vec<&super::connector::Connector> = self
            .connectors
            .iter()
            .filter(|c| self.may_start(c.number) && self.reservation_allows(c.number, tag))
            .collect();
        free.iter()
            .find(|connector| connector.ev_connected())
            .or_else(|| free.first())
            .map(|connector| connector.number)
    }

    pub(super) fn remote_stop(&mut self, request: &Map<String, Value>) -> Value {
        let mut running = request.get("transactionId").and_then(Value::as_i64).and_then(|id| self.connector_of_id(id));
        if running.is_none() {
            let any = self.connectors.iter().find(|c| c.transaction.is_some()).map(|c| c.number);
            running = any.filter(|_| self.faults.hits("station-stops-for-any-transaction-id"));
        }
        match running.filter(|_| self.is_accepted()) {
            Some(number) => {
                self.end_transaction(number, "Remote", None);
                json!({ "status": "Accepted" })
            }
            None => json!({ "status": "Rejected" }),
        }
    }

    pub(super) fn unlock_connector(&mut self, request: &Map<String, Value>) -> Value {
        let number = request
            .get("connectorId")
            .and_then(Value::as_i64)
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| self.connector(*number).is_some());
        let lockable = self.settings.lock && !self.settings.fixed_cable;
        let status = match number {
            None if lockable && self.faults.hits("station-unlocks-any-connector") => "Unlocked",
            Some(number) if lockable => self.unlock(number),
            _ => "NotSupported",
        };
        json!({ "status": status })
    }

    fn unlock(&mut self, number: u32) -> &'static str {
        // The transaction ends first (16-UNL-02).
        let runs = self.connector(number).is_some_and(|connector| connector.transaction.is_some());
        if !(runs && self.faults.hits("station-keeps-transaction-when-unlocked")) {
            self.end_transaction(number, "UnlockCommand", None);
        }
        let Some(connector) = self.connector_mut(number) else {
            return "NotSupported";
        };
        if connector.jammed {
            connector.locked = connector.plugged;
            return "UnlockFailed";
        }
        connector.locked = false;
        connector.held_for = None;
        "Unlocked"
    }
}
