//! The answers of a 2.0.1 CSMS, and the fields of its calls. What 2.1 has in common with it is spoken alike.

use std::time::Duration;

use protocol::Role;
use protocol::catalogue::Catalogue;
use protocol::generate::minimal_at;
use serde_json::{Map, Value, json};

use super::session::Registration;
use super::transactions::Record;
use super::{Csms, field, text};
use crate::frames;

/// Messages of a station that are answered with an empty payload, whatever they say.
const NOTED: [&str; 15] = [
    "ClearedChargingLimit",
    "FirmwareStatusNotification",
    "LogStatusNotification",
    "MeterValues",
    "NotifyChargingLimit",
    "NotifyCustomerInformation",
    "NotifyDisplayMessages",
    "NotifyEvent",
    "NotifyMonitoringReport",
    "NotifyReport",
    "PublishFirmwareStatusNotification",
    "ReportChargingProfiles",
    "ReservationStatusUpdate",
    "SecurityEventNotification",
    "StatusNotification",
];

/// Messages of a station that are answered with more.
const SERVED: [&str; 9] = [
    "Authorize",
    "BootNotification",
    "DataTransfer",
    "GetCertificateStatus",
    "Heartbeat",
    "NotifyEVChargingNeeds",
    "NotifyEVChargingSchedule",
    "SignCertificate",
    "TransactionEvent",
];

impl Csms {
    pub(super) fn answer_v201(&mut self, identity: &str, action: &str, payload: &Value) -> Result<Value, &'static str> {
        let version = self.version(identity);
        let Some(message) = Catalogue::of(version).message(action) else {
            return Err("NotImplemented");
        };
        if !message.from.includes(Role::Station) || !(NOTED.contains(&action) || SERVED.contains(&action)) {
            return Err("NotSupported");
        }
        // Not before it is accepted, but what a Pending station was asked for is welcome (B02.FR.02).
        let session = self.session(identity);
        let served = match session.registration {
            Registration::Accepted => true,
            Registration::Pending => session.was_triggered(action),
            Registration::Unknown | Registration::Rejected => false,
        };
        if !served && action != "BootNotification" && !self.faults.hits("csms-serves-stations-before-acceptance") {
            return Err("SecurityError");
        }
        if let Some(code) = frames::request_error_seen(version, action, payload, Role::Csms, &mut self.faults) {
            return Err(code);
        }
        let request = frames::members(payload);
        Ok(match action {
            "BootNotification" => self.boot_v201(identity),
            "Heartbeat" => self.heartbeat(),
            "Authorize" => {
                let info = self.token_info(field(request, "idToken"), "Authorize");
                json!({ "idTokenInfo": info })
            }
            "TransactionEvent" if self.refuses_event(identity, request) => return Err("PropertyConstraintViolation"),
            "TransactionEvent" => self.transaction_event(identity, request),
            "DataTransfer" => {
                json!({ "status": self.decided("DataTransfer").unwrap_or_else(|| "UnknownVendorId".to_owned()) })
            }
            "SignCertificate" => json!({ "status": "Rejected" }),
            "GetCertificateStatus" => json!({ "status": "Failed" }),
            "NotifyEVChargingNeeds" => json!({ "status": "Rejected" }),
            "NotifyEVChargingSchedule" => json!({ "status": "Accepted" }),
            _ => json!({}),
        })
    }

    fn boot_v201(&mut self, identity: &str) -> Value {
        let status = self.decide_boot(identity);
        let accepted = status == "Accepted";
        let interval = if accepted { self.settings.heartbeat_interval } else { self.settings.retry_interval };
        let interval =
            if self.faults.hits("csms-gives-interval-as-text") { json!(interval.to_string()) } else { json!(interval) };
        json!({ "status": status, "currentTime": self.timestamp(), "interval": interval })
    }

    /// What the CSMS thinks of a token (C01.FR.06, C01.FR.07).
    fn token_info(&mut self, token: &Value, action: &str) -> Value {
        let id = token["idToken"].as_str().unwrap_or("").to_owned();
        let status = match self.decided(action) {
            Some(status) => status,
            // The start button, and tokens that only a CSMS makes (C02.FR.02, C05).
            None if token["type"] == "NoAuthorization" || token["type"] == "Central" => "Accepted".to_owned(),
            None => self.token_status_v201(&id),
        };
        let mut info = json!({ "status": status });
        let group = self.token(&id).and_then(|token| token.group);
        if let Some(group) = group.filter(|_| !self.faults.hits("csms-leaves-out-the-group")) {
            info["groupIdToken"] = json!({ "idToken": group, "type": "Central" });
        }
        info
    }

    fn token_status_v201(&mut self, id: &str) -> String {
        let status = self.token_status(id, "Unknown");
        if status == "Blocked" && self.faults.hits("csms-authorises-blocked-tokens") {
            return "Accepted".to_owned();
        }
        status
    }

    fn refuses_event(&mut self, identity: &str, request: &Map<String, Value>) -> bool {
        let id = field(request, "transactionInfo")["transactionId"].as_str().unwrap_or("");
        let is_new = self.ledger.by_start(identity, &format!("{identity} {id}")).is_none();
        is_new
            && text(request, "eventType") != "Started"
            && self.faults.hits("csms-refuses-events-of-unknown-transactions")
    }

    fn transaction_event(&mut self, identity: &str, request: &Map<String, Value>) -> Value {
        let id = field(request, "transactionInfo")["transactionId"].as_str().unwrap_or("").to_owned();
        let token = request.get("idToken");
        let tag = token.and_then(|token| token["idToken"].as_str()).unwrap_or("").to_owned();
        let ended = text(request, "eventType") == "Ended";
        self.note_transaction(identity, &id, &tag, ended);
        let mut answer = json!({});
        if self.faults.hits("csms-answers-events-with-transaction-id") {
            answer["transactionId"] = id.as_str().into();
        }
        // Every event with a token is answered with what it is worth (E01.FR.11, E02.FR.02).
        let Some(token) = token.filter(|_| !self.faults.hits("csms-leaves-out-token-info")) else {
            return answer;
        };
        let mut info = self.token_info(token, "TransactionEvent");
        if info["status"] != "Accepted" && self.faults.hits("csms-trusts-transaction-events") {
            info["status"] = "Accepted".into();
        }
        let charges_elsewhere = !tag.is_empty() && !ended && self.ledger.is_charging(&tag, &id);
        if info["status"] == "Accepted" && charges_elsewhere {
            info["status"] = "ConcurrentTx".into();
        }
        answer["idTokenInfo"] = info;
        answer
    }

    /// Transactions are the station's; only the station that runs one moves it.
    fn note_transaction(&mut self, identity: &str, id: &str, tag: &str, ended: bool) {
        // The same id at another station is another transaction.
        let own = format!("{identity} {id}");
        match self.ledger.by_start(identity, &own) {
            Some(record) => {
                record.open = !ended;
                if record.tag.is_empty() {
                    tag.clone_into(&mut record.tag);
                }
            }
            None => self.ledger.open(Record {
                id: id.to_owned(),
                station: identity.to_owned(),
                tag: tag.to_owned(),
                start: own,
                connector: 0,
                open: !ended,
            }),
        }
    }

    /// The request of an action: the fields given, and sensible ones for the required rest.
    pub(super) fn fill_v201(&mut self, station: &str, action: &str, given: &Map<String, Value>) -> Value {
        let version = self.version(station);
        let number = self.next_request();
        let token = self
            .tokens
            .iter()
            .find(|token| token.status == "Accepted")
            .map_or_else(|| "TAG-VALID".to_owned(), |token| token.id.clone());
        let list_version = self.session(station).list_version;
        let transaction = self.ledger.newest(station).map_or_else(|| "none".to_owned(), |record| record.id.clone());
        let heartbeat =
            json!({ "component": { "name": "OCPPCommCtrlr" }, "variable": { "name": "HeartbeatInterval" } });
        let mut request = match action {
            "ChangeAvailability" => json!({ "operationalStatus": "Inoperative" }),
            "CustomerInformation" => {
                json!({ "requestId": number, "report": true, "clear": false, "customerIdentifier": "customer" })
            }
            "DataTransfer" => json!({ "vendorId": "org.plugfest" }),
            "GetBaseReport" => json!({ "requestId": number, "reportBase": "FullInventory" }),
            "GetReport" => json!({ "requestId": number }),
            "GetVariables" => json!({ "getVariableData": [heartbeat] }),
            "RequestStartTransaction" => json!({
                "idToken": { "idToken": token, "type": "ISO14443" },
                "remoteStartId": number,
            }),
            "RequestStopTransaction" => json!({ "transactionId": transaction }),
            "ReserveNow" => json!({
                "id": number,
                "expiryDateTime": (self.now + Duration::from_secs(3600)).to_string(),
                "idToken": { "idToken": token, "type": "ISO14443" },
            }),
            "Reset" => json!({ "type": "Immediate" }),
            "SendLocalList" => json!({ "versionNumber": list_version + 1, "updateType": "Full" }),
            "SetVariables" => {
                let mut data = heartbeat;
                data["attributeValue"] = "300".into();
                json!({ "setVariableData": [data] })
            }
            "TriggerMessage" => json!({ "requestedMessage": "Heartbeat" }),
            "UnlockConnector" => json!({ "evseId": 1, "connectorId": 1 }),
            _ => match Catalogue::of(version).message(action) {
                Some(message) => minimal_at(version, &message.request, self.now),
                None => json!({}),
            },
        };
        for (name, value) in given {
            request[name.as_str()] = value.clone();
        }
        request
    }
}
