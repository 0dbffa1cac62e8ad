//! The answers of a 1.6 CSMS.

use protocol::catalogue::Catalogue;
use std::time::Duration;

use protocol::{Role, Timestamp, Version};
use serde_json::{Map, Value, json};

use super::asks::Ask;
use super::session::Registration;
use super::transactions::Record;
use super::{Csms, integer, text};
use crate::frames;

/// Actions that a 1.6 CSMS answers.
const SERVED: [&str; 14] = [
    "Authorize",
    "BootNotification",
    "DataTransfer",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "LogStatusNotification",
    "MeterValues",
    "SecurityEventNotification",
    "SignCertificate",
    "SignedFirmwareStatusNotification",
    "StartTransaction",
    "StatusNotification",
    "StopTransaction",
];

impl Csms {
    pub(super) fn answer_v16(&mut self, identity: &str, action: &str, payload: &Value) -> Result<Value, &'static str> {
        let Some(message) = Catalogue::of(Version::V16).message(action) else {
            return Err("NotImplemented");
        };
        if !message.from.includes(Role::Station) || !SERVED.contains(&action) {
            return Err("NotSupported");
        }
        // Not before it is accepted (16-BOOT-16), but what a Pending station was asked for is welcome.
        let session = self.session(identity);
        let served = match session.registration {
            Registration::Accepted => true,
            Registration::Pending => session.was_triggered(action),
            Registration::Unknown | Registration::Rejected => false,
        };
        if !served && action != "BootNotification" {
            return Err("SecurityError");
        }
        if let Some(code) = frames::request_error_seen(Version::V16, action, payload, Role::Csms, &mut self.faults) {
            return Err(code);
        }
        let empty = Map::new();
        let request = payload.as_object().unwrap_or(&empty);
        if action == "StatusNotification" {
            self.note_status(identity, request);
        }
        Ok(match action {
            "BootNotification" => self.boot_v16(identity),
            "Heartbeat" => self.heartbeat(),
            "Authorize" => return self.authorize_v16(request),
            "StartTransaction" => return self.start_v16(identity, request),
            "StopTransaction" => return self.stop_v16(identity, request),
            "DataTransfer" => {
                let status = if self.faults.hits("csms-knows-every-vendor") {
                    "Accepted".to_owned()
                } else {
                    let decided = self.decided("DataTransfer");
                    decided.unwrap_or_else(|| "UnknownVendorId".to_owned())
                };
                json!({ "status": status })
            }
            "SignCertificate" => json!({ "status": "Rejected" }),
            "StatusNotification"
                if text(request, "errorCode") == "PowerMeterFailure" && self.faults.hits("csms-minds-error-codes") =>
            {
                return Err("PropertyConstraintViolation");
            }
            "MeterValues" if !request.contains_key("transactionId") && self.faults.hits("csms-wants-transactions") => {
                return Err("OccurenceConstraintViolation");
            }
            "StatusNotification"
                if integer(request, "connectorId").is_some_and(|connector| connector > 8)
                    && self.faults.hits("csms-refuses-connectors-it-has-not-heard-of") =>
            {
                return Err("PropertyConstraintViolation");
            }
            "StatusNotification" if self.faults.hits("csms-adds-to-status-answer") => {
                json!({ "status": "Accepted" })
            }
            _ => json!({}),
        })
    }

    fn boot_v16(&mut self, identity: &str) -> Value {
        let status = self.decide_boot(identity);
        let accepted = status == "Accepted";
        let interval = if accepted { self.settings.heartbeat_interval } else { self.settings.retry_interval };
        self.first_boot.get_or_insert(self.now);
        let mut answer = json!({ "status": status, "currentTime": self.timestamp() });
        if !self.faults.hits("csms-leaves-out-boot-interval") {
            answer["interval"] = interval.into();
        }
        if self.faults.hits("csms-sends-time-without-offset") {
            let time = self.now.to_string();
            answer["currentTime"] = time.trim_end_matches('Z').into();
        }
        if accepted && self.faults.hits("csms-triggers-boots-of-accepted-stations") {
            let request = json!({ "requestedMessage": "BootNotification" });
            let again =
                Ask { station: identity.to_owned(), action: "TriggerMessage".to_owned(), request, confirm: None };
            self.session(identity).waiting.push_back(again);
        }
        let hasty = match status.as_str() {
            "Pending" if self.faults.hits("csms-starts-while-pending") => Some("RemoteStartTransaction"),
            "Rejected" if self.faults.hits("csms-calls-rejected-stations") => Some("GetConfiguration"),
            _ => None,
        };
        if let Some(action) = hasty {
            let request = self.fill_v16(identity, action, &Map::new());
            let ask = Ask { station: identity.to_owned(), action: action.to_owned(), request, confirm: None };
            self.session(identity).waiting.push_back(ask);
        }
        answer
    }

    /// The status for a booting station, kept as its registration.
    pub(super) fn decide_boot(&mut self, identity: &str) -> String {
        let status = self
            .decided("BootNotification")
            .or_else(|| self.boot_decisions.get(identity).cloned())
            .or_else(|| self.boot_decisions.get("").cloned())
            .unwrap_or_else(|| "Accepted".to_owned());
        let session = self.session(identity);
        session.registration = match status.as_str() {
            "Accepted" => Registration::Accepted,
            "Pending" => Registration::Pending,
            _ => Registration::Rejected,
        };
        status
    }

    pub(super) fn heartbeat(&mut self) -> Value {
        let stale = self.first_boot.filter(|time| *time != self.now);
        if let Some(time) = stale
            && self.faults.hits("csms-repeats-heartbeat-time")
        {
            return json!({ "currentTime": time.to_string() });
        }
        json!({ "currentTime": self.timestamp() })
    }

    fn authorize_v16(&mut self, request: &Map<String, Value>) -> Result<Value, &'static str> {
        let tag = text(request, "idTag");
        if tag.len() == 20 && self.faults.hits("csms-refuses-tags-of-full-length") {
            return Err("PropertyConstraintViolation");
        }
        let status = match self.decided("Authorize") {
            Some(status) => status,
            None => self.token_status(tag, "Invalid"),
        };
        Ok(json!({ "idTagInfo": self.id_tag_info(tag, &status) }))
    }

    fn start_v16(&mut self, identity: &str, request: &Map<String, Value>) -> Result<Value, &'static str> {
        let tag = text(request, "idTag").to_owned();
        let connector = integer(request, "connectorId").unwrap_or(0);
        let start = format!(
            "{connector} {} {} {}",
            text(request, "timestamp"),
            integer(request, "meterStart").unwrap_or(0),
            tag.to_lowercase()
        );
        // The same start again, because our answer was lost, is the same transaction.
        let mut repeated = self.ledger.repeated(identity, &start);
        if repeated.is_some() && self.faults.hits("csms-starts-repeated-calls-twice") {
            repeated = None;
        }
        if repeated.is_none() && self.refuses_start(identity, connector, text(request, "timestamp")) {
            return Err("PropertyConstraintViolation");
        }
        let id = match &repeated {
            Some(record) => record.id.parse().unwrap_or(0),
            None => self.fresh_transaction_id(),
        };
        let status = self.start_status(&tag, &id.to_string());
        if repeated.is_none() {
            self.ledger.open(Record {
                id: id.to_string(),
                station: identity.to_owned(),
                tag: tag.clone(),
                start,
                connector,
                open: true,
            });
        }
        if self.faults.hits("csms-leaves-out-transaction-ids") {
            return Ok(json!({ "idTagInfo": self.id_tag_info(&tag, &status) }));
        }
        Ok(json!({ "transactionId": id, "idTagInfo": self.id_tag_info(&tag, &status) }))
    }

    /// Takes the status of a connector in, which is legal whatever it was before (16-STAT-15).
    fn note_status(&mut self, identity: &str, request: &Map<String, Value>) {
        let connector = integer(request, "connectorId").unwrap_or(0);
        let prepared = &mut self.session(identity).prepared;
        if text(request, "status") == "Available" {
            prepared.remove(&connector);
        } else {
            prepared.insert(connector);
        }
    }

    /// What it may not do, whatever it thinks of a start (16-TX-05).
    fn refuses_start(&mut self, identity: &str, connector: i64, time: &str) -> bool {
        const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
        let is_prepared = self.session(identity).prepared.contains(&connector);
        if !is_prepared && self.faults.hits("csms-wants-connectors-prepared") {
            return true;
        }
        let is_old = Timestamp::parse(time).is_some_and(|time| time + YEAR < self.now);
        let is_busy = self.ledger.is_busy(identity, connector);
        (is_old && self.faults.hits("csms-refuses-old-starts"))
            || (is_busy && self.faults.hits("csms-refuses-starts-on-busy-connectors"))
    }

    /// The token is checked again at the start (16-TX-03).
    fn start_status(&mut self, tag: &str, id: &str) -> String {
        if let Some(status) = self.decided("StartTransaction") {
            return status;
        }
        let status = self.token_status(tag, "Invalid");
        if status != "Accepted" && self.faults.hits("csms-trusts-start-transaction") {
            return "Accepted".to_owned();
        }
        if status == "Accepted" && self.ledger.is_charging(tag, id) {
            return "ConcurrentTx".to_owned();
        }
        status
    }

    /// Answered whatever it says (16-TX-05); only the station that runs a transaction ends it (16-TX-06).
    fn stop_v16(&mut self, identity: &str, request: &Map<String, Value>) -> Result<Value, &'static str> {
        let id = integer(request, "transactionId").unwrap_or(-1).to_string();
        let known = self.ledger.find(&id).map(|record| (record.station.clone(), record.open));
        let is_unknown = known.is_none();
        let has_ended = known.as_ref().is_some_and(|(_, open)| !open);
        let is_ordinary = ["", "Local", "Remote", "EVDisconnected"].contains(&text(request, "reason"));
        if (!is_ordinary && self.faults.hits("csms-minds-reasons"))
            || (has_ended && self.faults.hits("csms-refuses-repeated-stops"))
            || (request.contains_key("transactionData") && self.faults.hits("csms-minds-meter-data-of-stops"))
        {
            return Err("GenericError");
        }
        let ends = match known {
            None if self.faults.hits("csms-refuses-unknown-stop") => return Err("GenericError"),
            None => false,
            // Ended by a stranger, its own stop is one too many.
            Some((owner, false)) if owner == identity && self.faults.active("csms-lets-strangers-stop") => {
                return Err("PropertyConstraintViolation");
            }
            Some((owner, _)) => owner == identity || self.faults.hits("csms-lets-strangers-stop"),
        };
        let ends = ends && !self.faults.hits("csms-never-ends-transactions");
        if let Some(record) = self.ledger.find(&id).filter(|_| ends) {
            record.open = false;
        }
        let newest = self.ledger.newest(identity).map(|record| record.id.clone()).filter(|_| is_unknown);
        if let Some(newest) = newest
            && self.faults.hits("csms-ends-another-for-an-unknown-id")
            && let Some(record) = self.ledger.find(&newest)
        {
            record.open = false;
        }
        let tag = text(request, "idTag");
        if tag.is_empty() {
            return Ok(json!({}));
        }
        let status = match self.decided("StopTransaction") {
            Some(status) => status,
            None => self.token_status(tag, "Invalid"),
        };
        Ok(json!({ "idTagInfo": self.id_tag_info(tag, &status) }))
    }
}
