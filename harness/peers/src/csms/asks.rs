//! Calls that the CSMS makes: in turn, and with the fields that nobody has given.

use std::time::Duration;

use protocol::Version;
use serde_json::{Map, Value, json};

use super::session::Registration;
use super::{Csms, integer, text};
use crate::{Output, Refusal, frames};

/// A call to a station.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) station: String,
    pub(super) action: String,
    pub(super) request: Value,
    /// Under which identity its stimulus is to be confirmed; `None` if it is the CSMS's own idea.
    pub(super) confirm: Option<String>,
}

/// How many calls may wait for one station.
const LONGEST_QUEUE: usize = 1_000;

impl Csms {
    /// Takes a call into the station's queue, or says why it may not be made.
    pub(super) fn ask(&mut self, ask: Ask) -> Result<(), Refusal> {
        let session = self.session(&ask.station);
        if !session.online {
            return Err(Refusal::not_now(format!("the station \"{}\" is not connected", ask.station)));
        }
        if session.waiting.len() >= LONGEST_QUEUE {
            return Err(Refusal::not_now("too many calls wait for this station"));
        }
        let version = session.version;
        may_ask(session.registration, version, &ask)?;
        if let Some(code) = frames::request_error(version, &ask.action, &ask.request) {
            return Err(Refusal::never(format!("this CSMS sends no {} that earns {code}", ask.action)));
        }
        self.session(&ask.station).waiting.push_back(ask);
        Ok(())
    }

    /// Sends what waits, one call at a time to each station.
    pub(super) fn send_waiting(&mut self) {
        let stations: Vec<String> = self
            .sessions
            .iter()
            .filter(|(_, session)| session.online && !session.waiting.is_empty())
            .map(|(identity, _)| identity.clone())
            .collect();
        for station in stations {
            while self.send_one(&station) {}
        }
    }

    fn send_one(&mut self, station: &str) -> bool {
        let hasty = self.session(station).exchange.is_waiting();
        if hasty && !self.faults.active("csms-does-not-wait-for-answers") {
            return false;
        }
        let Some(ask) = self.session(station).waiting.pop_front() else {
            return false;
        };
        if hasty {
            self.faults.hits("csms-does-not-wait-for-answers");
        }
        if ask.action == "RemoteStopTransaction" && self.faults.hits("csms-forgets-remote-stop") {
            self.done(&ask, Ok(()));
            return true;
        }
        let now = self.now;
        let timeout = self.settings.message_timeout.max(Duration::from_secs(1));
        let session = self.session(station);
        session.note_trigger(&ask);
        let call = session.exchange.call(now, timeout, &ask.action, &ask.request, ask.clone());
        self.put(station, Output::Send(call));
        self.done(&ask, Ok(()));
        true
    }

    pub(super) fn done(&mut self, ask: &Ask, outcome: Result<(), Refusal>) {
        if let Some(identity) = &ask.confirm {
            self.put(identity, Output::StimulusDone(outcome));
        }
    }

    /// A station has answered a call.
    pub(super) fn answered(&mut self, identity: &str, ask: &Ask, answer: &Value) {
        match ask.action.as_str() {
            "SendLocalList" => self.list_answered(identity, ask, answer),
            "ChangeConfiguration" | "SetVariables" => {
                if let Some(password) = accepted_password(&ask.request, answer) {
                    self.settings.passwords.insert(identity.to_owned(), password);
                }
            }
            _ => {}
        }
    }

    fn list_answered(&mut self, identity: &str, ask: &Ask, answer: &Value) {
        let request = frames::members(&ask.request);
        let name = if self.is_v16(identity) { "listVersion" } else { "versionNumber" };
        let version = integer(request, name).unwrap_or(0);
        match answer["status"].as_str() {
            Some("Accepted") => self.session(identity).list_version = version,
            Some("Failed" | "VersionMismatch") if text(request, "updateType") == "Differential" => {
                // What could not be added to the old list is sent as a new one (16-LIST-11, D01.FR.03).
                let mut request = request.clone();
                request.insert("updateType".to_owned(), "Full".into());
                let fresh = version.max(self.session(identity).list_version) + 1;
                request.insert(name.to_owned(), fresh.into());
                let again = Ask {
                    station: identity.to_owned(),
                    action: "SendLocalList".to_owned(),
                    request: Value::Object(request),
                    confirm: None,
                };
                // A list that no station takes is not worth more than the attempt.
                let _ = self.ask(again);
            }
            _ => {}
        }
    }

    /// The request of a 1.6 action: the fields given, and sensible ones for the required rest.
    pub(super) fn fill_v16(&mut self, station: &str, action: &str, given: &Map<String, Value>) -> Value {
        let tag = self
            .tokens
            .iter()
            .find(|token| token.status == "Accepted")
            .map_or_else(|| "TAG-VALID".to_owned(), |token| token.id.clone());
        let number = self.next_request();
        let list_version = self.session(station).list_version;
        let transaction: i64 = self.ledger.newest(station).and_then(|record| record.id.parse().ok()).unwrap_or(1);
        let soon = (self.now + Duration::from_secs(3600)).to_string();
        let mut request = match action {
            "CancelReservation" => json!({ "reservationId": number }),
            "ChangeAvailability" => json!({ "connectorId": 1, "type": "Inoperative" }),
            "ChangeConfiguration" => json!({ "key": "HeartbeatInterval", "value": "300" }),
            "DataTransfer" => json!({ "vendorId": "org.plugfest" }),
            "ExtendedTriggerMessage" | "TriggerMessage" => {
                json!({ "requestedMessage": "Heartbeat" })
            }
            "GetCompositeSchedule" => json!({ "connectorId": 1, "duration": 3600 }),
            "GetDiagnostics" => json!({ "location": "ftp://localhost/diagnostics" }),
            "GetInstalledCertificateIds" => {
                json!({ "certificateType": "CentralSystemRootCertificate" })
            }
            "GetLog" => json!({
                "logType": "SecurityLog",
                "requestId": number,
                "log": { "remoteLocation": "ftp://localhost/log" },
            }),
            "RemoteStartTransaction" => json!({ "idTag": tag }),
            "RemoteStopTransaction" => json!({ "transactionId": transaction }),
            "ReserveNow" => json!({
                "connectorId": 1,
                "expiryDate": soon,
                "idTag": tag,
                "reservationId": number,
            }),
            "Reset" => json!({ "type": "Soft" }),
            "SendLocalList" => json!({ "listVersion": list_version + 1, "updateType": "Full" }),
            "SetChargingProfile" => json!({
                "connectorId": 1,
                "csChargingProfiles": {
                    "chargingProfileId": number,
                    "stackLevel": 0,
                    "chargingProfilePurpose": "TxDefaultProfile",
                    "chargingProfileKind": "Absolute",
                    "chargingSchedule": {
                        "startSchedule": self.timestamp(),
                        "chargingRateUnit": "A",
                        "chargingSchedulePeriod": [{ "startPeriod": 0, "limit": 16.0 }],
                    },
                },
            }),
            "UnlockConnector" => json!({ "connectorId": 1 }),
            "UpdateFirmware" => json!({
                "location": "ftp://localhost/firmware",
                "retrieveDate": self.timestamp(),
            }),
            _ => json!({}),
        };
        for (name, value) in given {
            request[name.as_str()] = value.clone();
        }
        request
    }

    pub(super) fn next_request(&mut self) -> i64 {
        self.requests += 1;
        self.requests
    }
}

/// Whether the station's registration allows this call.
fn may_ask(registration: Registration, version: Version, ask: &Ask) -> Result<(), Refusal> {
    let action = ask.action.as_str();
    let starts_or_stops = matches!(
        action,
        "RemoteStartTransaction" | "RemoteStopTransaction" | "RequestStartTransaction" | "RequestStopTransaction"
    );
    match registration {
        // Nothing is begun with a rejected station (16-BOOT-13).
        Registration::Unknown | Registration::Rejected => {
            Err(Refusal::not_now("the station has not been accepted, so the CSMS keeps silent"))
        }
        Registration::Pending if starts_or_stops && version == Version::V16 => {
            Err(Refusal::not_now("a Pending station is not asked to start or stop (R-131)"))
        }
        Registration::Accepted
            if version == Version::V16
                && action == "TriggerMessage"
                && ask.request["requestedMessage"] == "BootNotification" =>
        {
            Err(Refusal::never("an accepted station is not asked to boot again (16-BOOT-12)"))
        }
        Registration::Pending | Registration::Accepted => Ok(()),
    }
}

/// The password that a station has just accepted, which is the only one from now on (R-208, A01.FR.03, A01.FR.04).
fn accepted_password(request: &Value, answer: &Value) -> Option<Vec<u8>> {
    let is = |value: &Value, name: &str| value.as_str().is_some_and(|text| text.eq_ignore_ascii_case(name));
    if is(&request["key"], "AuthorizationKey") {
        return frames::from_hex(request["value"].as_str()?).filter(|_| answer["status"] == "Accepted");
    }
    let items = request["setVariableData"].as_array()?;
    let results = answer["setVariableResult"].as_array()?;
    items
        .iter()
        .zip(results)
        .find(|(item, result)| {
            is(&item["variable"]["name"], "BasicAuthPassword") && result["attributeStatus"] == "Accepted"
        })
        .and_then(|(item, _)| Some(item["attributeValue"].as_str()?.as_bytes().to_vec()))
}
