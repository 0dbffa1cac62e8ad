//! Remote start, stop, unlock and trigger (functional block F).

use serde_json::{Map, Value, json};

use super::authorisation::{Asked, Token, Wish};
use super::charging_station::{ChargingStation, Sent};
use super::transaction::Cause;

impl ChargingStation {
    pub(super) fn request_start(&mut self, request: &Map<String, Value>) -> Value {
        let token = request.get("idToken").and_then(Token::read);
        let id = self.evse_for_remote_start(request);
        let (Some(token), Some(id)) = (token, id.filter(|_| self.is_accepted())) else {
            return json!({ "status": "Rejected" });
        };
        let remote_start = request.get("remoteStartId").and_then(Value::as_i64);
        let running =
            self.evse(id).and_then(|evse| evse.transaction.as_ref()).map(|transaction| transaction.id.clone());
        let asks = self.storage.model.is_true("AuthCtrlr", "AuthorizeRemoteStart")
            && !self.faults.hits("station-never-asks-about-remote-starts");
        let asked = Asked { token, evse: id, wish: Wish::Start, remote_start };
        // What follows leaves behind the answer (F01.FR.01).
        if asks {
            self.authorise(asked);
        } else {
            self.grant(&asked);
        }
        let mut answer = json!({ "status": "Accepted" });
        // F01.FR.13
        if let Some(running) = running {
            answer["transactionId"] = running.into();
        }
        answer
    }

    /// The EVSE for a remote start; `None` to reject it (F01.FR.07, F01.FR.23, F01.FR.24).
    fn evse_for_remote_start(&self, request: &Map<String, Value>) -> Option<u32> {
        match request.get("evseId") {
            Some(number) => number.as_u64().and_then(|id| u32::try_from(id).ok()).filter(|id| self.may_start(*id)),
            None => {
                // Where somebody has plugged in already, else any free one.
                let connected = |id: &u32| self.evse(*id).is_some_and(|evse| evse.ev_connected());
                let free: Vec<u32> = self.ids().filter(|id| self.may_start(*id)).collect();
                free.iter().copied().find(connected).or(free.first().copied())
            }
        }
    }

    pub(super) fn request_stop(&mut self, request: &Map<String, Value>) -> Value {
        let mut id = request.get("transactionId").and_then(Value::as_str).and_then(|id| self.evse_of(id));
        if id.is_none() {
            let any = self.evses.iter().find(|evse| evse.transaction.is_some()).map(|evse| evse.id);
            id = any.filter(|_| self.faults.hits("station-stops-for-any-transaction-id"));
        }
        match id.filter(|_| self.is_accepted()) {
            Some(id) => {
                self.deauthorise(id, Cause::new("RemoteStop").stopped("Remote"));
                json!({ "status": "Accepted" })
            }
            None => json!({ "status": "Rejected" }),
        }
    }

    pub(super) fn unlock_connector(&mut self, request: &Map<String, Value>) -> Value {
        let number = |name: &str| request.get(name).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
        let known = number("evseId").filter(|_| number("connectorId") == Some(1));
        let Some(id) = known.filter(|id| self.evse(*id).is_some()) else {
            return json!({ "status": "UnknownConnector" });
        };
        let lockable = self.is_lockable();
        let charging = self.evse(id).is_some_and(|evse| evse.authorised.is_some() && evse.transaction.is_some());
        // F05.FR.02
        if charging && !self.faults.hits("station-unlocks-while-charging") {
            return json!({ "status": "OngoingAuthorizedTransaction" });
        }
        let Some(evse) = self.evse_mut(id) else {
            return json!({ "status": "UnknownConnector" });
        };
        if evse.jammed || !lockable {
            return json!({ "status": "UnlockFailed" });
        }
        evse.locked = false;
        evse.held_for = None;
        json!({ "status": "Unlocked" })
    }

    pub(super) fn trigger_message(&mut self, request: &Map<String, Value>) -> Value {
        let message = request.get("requestedMessage").and_then(Value::as_str).unwrap_or("");
        let place = request.get("evse");
        let id = place.and_then(|evse| evse["id"].as_u64()).and_then(|id| u32::try_from(id).ok());
        let connector = place.and_then(|evse| evse.get("connectorId"));
        let relevant = matches!(message, "MeterValues" | "StatusNotification" | "TransactionEvent");
        // An EVSE that does not matter to the message is ignored (F06.FR.03), one that is missing means all.
        let ids: Vec<u32> = match place.filter(|_| relevant) {
            Some(_) => id.into_iter().filter(|id| self.evse(*id).is_some()).collect(),
            None => self.ids().collect(),
        };
        let promises = message == "StatusNotification" && ids.is_empty();
        let status = match message {
            _ if promises && self.faults.hits("station-promises-the-status-of-any-evse") => "Accepted",
            _ if ids.is_empty() || connector.is_some_and(|number| *number != 1) => "Rejected",
            "BootNotification" if self.is_accepted() => "Rejected",
            // It takes a connector (F06.FR.12).
            "StatusNotification" if connector.is_none() => "Rejected",
            "TransactionEvent" if !self.is_accepted() => "Rejected",
            "TransactionEvent" if !ids.iter().any(|id| self.is_charging(*id)) => "Rejected",
            "MeterValues" if self.storage.model.list("AlignedDataCtrlr", "Measurands").count() == 0 => "Rejected",
            "BootNotification"
            | "Heartbeat"
            | "MeterValues"
            | "StatusNotification"
            | "TransactionEvent"
            | "LogStatusNotification"
            | "FirmwareStatusNotification" => "Accepted",
            _ => "NotImplemented",
        };
        if status == "Accepted" {
            self.do_trigger(message, &ids);
        }
        json!({ "status": status })
    }

    /// Sends what was triggered, behind the answer.
    fn do_trigger(&mut self, message: &str, ids: &[u32]) {
        let at = self.clock();
        match message {
            "BootNotification" => self.boot(true),
            "Heartbeat" => self.heartbeat(true),
            "StatusNotification" => {
                for id in ids {
                    let other = *id > 1 && self.faults.hits("station-tells-of-its-first-evse-when-asked");
                    self.post_status(if other { 1 } else { *id }, true);
                }
            }
            "MeterValues" => {
                for id in ids {
                    let values = self.measure(*id, "AlignedDataCtrlr", "Measurands", "Trigger", at);
                    let payload = json!({ "evseId": id, "meterValue": values });
                    self.post("MeterValues", payload, Sent::Other, true);
                }
            }
            // F06.FR.07
            "TransactionEvent" => {
                for id in ids.iter().copied().filter(|id| self.is_charging(*id)).collect::<Vec<u32>>() {
                    let values = self.measure(id, "SampledDataCtrlr", "TxUpdatedMeasurands", "Trigger", at);
                    self.happened(id, Cause::new("Trigger").with(values));
                }
            }
            // Nothing is ever uploaded or installed here, and Idle says so (F06.FR.14 to FR.16).
            "LogStatusNotification" => {
                self.post("LogStatusNotification", json!({ "status": "Idle" }), Sent::Other, true);
            }
            "FirmwareStatusNotification" => {
                self.post("FirmwareStatusNotification", json!({ "status": "Idle" }), Sent::Other, true);
            }
            _ => {}
        }
    }

    fn is_charging(&self, id: u32) -> bool {
        self.evse(id).is_some_and(|evse| evse.transaction.is_some())
    }

    /// Whether somebody may be let in here at all.
    pub(super) fn may_start(&self, id: u32) -> bool {
        let waits_for_reset = self.reset.is_some();
        !waits_for_reset
            && !self.is_inoperative(id)
            && !self.has_scheduled(id)
            && self.evse(id).is_some_and(|evse| evse.authorised.is_none() && evse.fault.is_none())
    }
}
