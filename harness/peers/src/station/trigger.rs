//! TriggerMessage (statements 16-TRG).

use serde_json::{Map, Value, json};

use super::charge_point::{ChargePoint, Sent};

impl ChargePoint {
    /// The status to answer. The message itself follows later, by [`ChargePoint::do_trigger`].
    pub(super) fn trigger_message(&mut self, request: &Map<String, Value>) -> Value {
        let message = request.get("requestedMessage").and_then(Value::as_str).unwrap_or("");
        let per_connector = matches!(message, "MeterValues" | "StatusNotification");
        let connectors = i64::try_from(self.connectors.len()).unwrap_or(i64::MAX);
        // A connector that does not matter to the message is ignored (16-TRG-02).
        let connector = request.get("connectorId").and_then(Value::as_i64).filter(|_| per_connector);
        let status = match message {
            _ if connector.is_some_and(|number| !(0..=connectors).contains(&number)) => "Rejected",
            // Once accepted there is nothing to boot for (16-BOOT-11).
            "BootNotification" if self.is_accepted() => "Rejected",
            "MeterValues" if self.storage.configuration.list("MeterValuesSampledData").count() == 0 => "Rejected",
            "BootNotification"
            | "Heartbeat"
            | "MeterValues"
            | "StatusNotification"
            | "DiagnosticsStatusNotification"
            | "FirmwareStatusNotification" => "Accepted",
            _ => "NotImplemented",
        };
        if status == "Accepted" {
            let connector = connector.and_then(|number| u32::try_from(number).ok());
            self.triggers.push((message.to_owned(), connector));
            if self.faults.hits("station-triggers-before-answering") {
                self.do_triggers();
                self.pump();
            }
        }
        json!({ "status": status })
    }

    /// Sends what was triggered; without a connector that is one message for each (16-TRG-03).
    pub(super) fn do_triggers(&mut self) {
        for (message, connector) in std::mem::take(&mut self.triggers) {
            self.do_trigger(&message, connector);
        }
    }

    fn do_trigger(&mut self, message: &str, connector: Option<u32>) {
        let last = u32::try_from(self.connectors.len()).unwrap_or(u32::MAX);
        match message {
            "BootNotification" => self.boot(true),
            "Heartbeat" => self.heartbeat(true),
            "StatusNotification" => {
                for number in connector.map_or(0..=last, |number| number..=number) {
                    self.post_status(number, true);
                }
            }
            "MeterValues" => {
                for number in connector.map_or(1..=last, |number| number..=number) {
                    self.triggered_values(number);
                }
            }
            // Nothing is ever uploaded or installed here, and Idle says so (16-TRG-04).
            "DiagnosticsStatusNotification" => {
                let payload = json!({ "status": "Idle" });
                self.post("DiagnosticsStatusNotification", payload, Sent::Other, true);
            }
            "FirmwareStatusNotification" => {
                let payload = json!({ "status": "Idle" });
                self.post("FirmwareStatusNotification", payload, Sent::Other, true);
            }
            _ => {}
        }
    }
}
