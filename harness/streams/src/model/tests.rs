//! Every rule of the model with a device that breaks it and one that does not, as scripted sights.

use std::sync::Arc;
use std::time::Duration;

use protocol::frame::{self, Frame};
use protocol::statements::statement;
use protocol::{Role, Timestamp, Version};
use serde_json::{Value, json};

use super::*;
use crate::deserved::deserved;
use crate::oracles::Class;
use crate::seen::Ending;

/// What a device says, told to a model.
struct Script {
    model: Model,
    now: Timestamp,
    ids: u32,
}

const VENDOR: &str = judge::NOBODYS_VENDOR;

impl Script {
    fn new(device: Role, version: Version) -> Script {
        let tokens = [("valid", "Tag-Valid"), ("other", "TAG-OTHER"), ("blocked", "TAG-BLOCKED")];
        let tokens = tokens.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
        let told = Arc::new(Told { tokens, connectors: 2, ..Told::default() });
        let model = Model::new(device, version).knowing(told);
        let now = Timestamp::parse("2026-01-02T03:04:05Z").unwrap();
        let mut script = Script { model, now, ids: 0 };
        script.open(0, "PF-1");
        script
    }

    fn csms(version: Version) -> Script {
        let mut script = Script::new(Role::Csms, version);
        script.boot("Accepted");
        script
    }

    fn station(version: Version) -> Script {
        let mut script = Script::new(Role::Station, version);
        script.booted("Accepted");
        script
    }

    fn see(&mut self, link: usize, what: What) {
        let seen = Seen { at: self.now, act: 3, own: false, link, what };
        self.model.saw(&seen);
    }

    fn open(&mut self, link: usize, identity: &str) {
        let what = What::Opened {
            identity: identity.to_owned(),
            subprotocol: None,
            proof: crate::seen::Proof::Right,
            resumed: false,
        };
        self.see(link, what);
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
    }

    /// The device sends a heartbeat.
    fn heartbeat(&mut self) {
        let now = self.now.to_string();
        self.call("Heartbeat", json!({}), json!({ "currentTime": now }));
    }

    /// A call of ours goes out; what is to be told when it is answered.
    fn send_as(&mut self, link: usize, id: &str, action: &str, request: Value) -> Arc<OurCall> {
        let (version, device) = (self.model.version, self.model.device);
        let call = Frame::Call { id: id.to_owned(), action: action.to_owned(), payload: request.clone() };
        let bytes: Arc<[u8]> = call.to_text().into_bytes().into();
        let deserved = Arc::new(deserved(version, device, &bytes));
        assert!(deserved.defects.is_empty(), "{action}: {deserved:?}");
        self.see(link, What::Sent { bytes, deserved: deserved.clone() });
        Arc::new(OurCall { id: id.to_owned(), action: action.to_owned(), request, deserved, act: 3 })
    }

    fn receive(&mut self, link: usize, frame: &Frame, answers: Option<Arc<OurCall>>) {
        let bytes: Arc<[u8]> = frame.to_text().into_bytes().into();
        let reading = Arc::new(frame::read(self.model.version, &bytes));
        let took = answers.as_ref().map(|_| Duration::from_millis(3));
        self.see(link, What::Received { bytes, reading, answers, took });
    }

    /// A call of ours, and its result.
    fn ask_on(&mut self, link: usize, action: &str, request: Value, answer: Value) {
        self.ids += 1;
        let id = self.ids.to_string();
        let call = self.send_as(link, &id, action, request);
        self.receive(link, &Frame::Result { id, payload: answer }, Some(call));
    }

    fn ask(&mut self, action: &str, request: Value, answer: Value) {
        self.ask_on(0, action, request, answer);
    }

    /// A call of ours, and its refusal.
    fn refused(&mut self, action: &str, request: Value, code: &str) {
        self.ids += 1;
        let id = self.ids.to_string();
        let call = self.send_as(0, &id, action, request);
        let error = Frame::Error { id, code: code.to_owned(), description: String::new(), details: json!({}) };
        self.receive(0, &error, Some(call));
    }

    /// A call of the device, and our answer.
    fn call(&mut self, action: &str, request: Value, answer: Value) {
        self.call_with(action, request, answer, true);
    }

    fn call_with(&mut self, action: &str, request: Value, answer: Value, plain: bool) {
        let call = Frame::Call { id: "d".to_owned(), action: action.to_owned(), payload: request.clone() };
        self.receive(0, &call, None);
        let bytes = Frame::Result { id: "d".to_owned(), payload: answer }.to_text().into_bytes();
        let bytes = Some(Arc::from(bytes));
        self.see(0, What::Answered { action: action.to_owned(), request, bytes, plain });
    }

    fn time(&self) -> Value {
        json!(self.now.to_string())
    }

    fn boot_request(&self) -> Value {
        match self.model.version {
            Version::V16 => json!({ "chargePointVendor": "V", "chargePointModel": "M" }),
            _ => json!({ "reason": "PowerUp", "chargingStation": { "vendorName": "V", "model": "M" } }),
        }
    }

    /// We boot at the CSMS.
    fn boot(&mut self, status: &str) {
        let answer = json!({ "status": status, "currentTime": self.time(), "interval": 300 });
        self.ask("BootNotification", self.boot_request(), answer);
    }

    /// The station boots with us.
    fn booted(&mut self, status: &str) {
        let answer = json!({ "status": status, "currentTime": self.time(), "interval": 300 });
        self.call("BootNotification", self.boot_request(), answer);
    }

    fn start_request(&self, connector: i64, tag: &str) -> Value {
        json!({ "connectorId": connector, "idTag": tag, "meterStart": 100, "timestamp": self.time() })
    }

    /// We start a transaction.
    fn start(&mut self, link: usize, connector: i64, tag: &str, id: i64, status: &str) {
        let answer = json!({ "transactionId": id, "idTagInfo": { "status": status } });
        self.pass(1);
        self.ask_on(link, "StartTransaction", self.start_request(connector, tag), answer);
    }

    /// The station starts one.
    fn started(&mut self, connector: i64, tag: &str, id: i64) {
        self.pass(1);
        let answer = json!({ "transactionId": id, "idTagInfo": { "status": "Accepted" } });
        self.call("StartTransaction", self.start_request(connector, tag), answer);
        self.status(connector, "Charging");
    }

    fn stopped(&mut self, id: i64, meter: i64) {
        let request = json!({ "transactionId": id, "meterStop": meter, "timestamp": self.time() });
        self.call("StopTransaction", request, json!({}));
    }

    fn status(&mut self, connector: i64, status: &str) {
        let request = match self.model.version {
            Version::V16 => json!({ "connectorId": connector, "errorCode": "NoError", "status": status }),
            _ => {
                json!({ "evseId": connector, "connectorId": 1, "connectorStatus": status, "timestamp": self.time() })
            }
        };
        self.call("StatusNotification", request, json!({}));
    }

    fn event_request(&self, kind: &str, id: &str, sequence: i64, trigger: &str) -> Value {
        json!({
            "eventType": kind,
            "timestamp": self.time(),
            "triggerReason": trigger,
            "seqNo": sequence,
            "transactionInfo": { "transactionId": id, "chargingState": "Charging" },
            "evse": { "id": 1, "connectorId": 1 },
        })
    }

    /// An event of the station.
    fn event(&mut self, kind: &str, id: &str, sequence: i64) {
        let trigger = if kind == "Ended" { "StopAuthorized" } else { "ChargingStateChanged" };
        self.call("TransactionEvent", self.event_request(kind, id, sequence, trigger), json!({}));
    }

    /// An event that begins an authorised transaction on EVSE 1.
    fn authorised(&mut self, id: &str) {
        let mut request = self.event_request("Started", id, 0, "Authorized");
        request["idToken"] = json!({ "idToken": "Tag-Valid", "type": "ISO14443" });
        self.call("TransactionEvent", request, json!({ "idTokenInfo": { "status": "Accepted" } }));
    }

    fn reserve(&mut self, connector: i64, id: i64, status: &str) {
        let soon = (self.now + Duration::from_secs(3600)).to_string();
        let request = match self.model.version {
            Version::V16 => {
                json!({ "connectorId": connector, "expiryDate": soon, "idTag": "Tag-Valid", "reservationId": id })
            }
            _ => json!({
                "id": id,
                "evseId": connector,
                "expiryDateTime": soon,
                "idToken": { "idToken": "Tag-Valid", "type": "ISO14443" },
            }),
        };
        self.ask("ReserveNow", request, json!({ "status": status }));
    }

    fn remote_start(&mut self, connector: i64, tag: &str, status: &str) {
        let request = match self.model.version {
            Version::V16 => json!({ "connectorId": connector, "idTag": tag }),
            _ => json!({
                "evseId": connector,
                "remoteStartId": 1,
                "idToken": { "idToken": tag, "type": "ISO14443" },
            }),
        };
        let action = match self.model.version {
            Version::V16 => "RemoteStartTransaction",
            _ => "RequestStartTransaction",
        };
        self.ask(action, request, json!({ "status": status }));
    }

    fn availability(&mut self, connector: i64, kind: &str, status: &str) {
        let request = match self.model.version {
            Version::V16 => json!({ "connectorId": connector, "type": kind }),
            _ => json!({ "operationalStatus": kind, "evse": { "id": connector } }),
        };
        self.ask("ChangeAvailability", request, json!({ "status": status }));
    }

    fn list(&mut self, update: &str, version: i64, status: &str) {
        let request = match self.model.version {
            Version::V16 => json!({
                "listVersion": version,
                "updateType": update,
                "localAuthorizationList": [{ "idTag": "A", "idTagInfo": { "status": "Accepted" } }],
            }),
            _ => json!({
                "versionNumber": version,
                "updateType": update,
                "localAuthorizationList": [{
                    "idToken": { "idToken": "A", "type": "ISO14443" },
                    "idTokenInfo": { "status": "Accepted" },
                }],
            }),
        };
        self.ask("SendLocalList", request, json!({ "status": status }));
    }

    fn profile(&mut self, connector: i64, purpose: &str, transaction: Option<Value>, status: &str) {
        let mut schedule = json!({
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{ "startPeriod": 0, "limit": 16.0 }],
        });
        let mut profile = json!({
            "stackLevel": 0,
            "chargingProfilePurpose": purpose,
            "chargingProfileKind": "Relative",
        });
        if let Some(transaction) = transaction {
            profile["transactionId"] = transaction;
        }
        let request = match self.model.version {
            Version::V16 => {
                profile["chargingProfileId"] = 1.into();
                profile["chargingSchedule"] = schedule;
                json!({ "connectorId": connector, "csChargingProfiles": profile })
            }
            _ => {
                profile["id"] = 1.into();
                schedule["id"] = 1.into();
                profile["chargingSchedule"] = json!([schedule]);
                json!({ "evseId": connector, "chargingProfile": profile })
            }
        };
        self.ask("SetChargingProfile", request, json!({ "status": status }));
    }

    fn status_only(&mut self, action: &str, request: Value, status: &str) {
        self.ask(action, request, json!({ "status": status }));
    }
}

/// The model holds this rule against the device, and nothing else.
#[track_caller]
fn accuses(rule: &str, mut script: Script) {
    let suspicions = script.model.judged();
    let rules: Vec<&str> = suspicions.iter().map(|suspicion| suspicion.rule.as_str()).collect();
    assert_eq!(rules, [rule], "{suspicions:#?}");
    let of_version = statement(rule).filter(|statement| statement.is_of(script.model.version));
    let known = of_version.unwrap_or_else(|| panic!("{rule} is none of {}", script.model.version));
    assert!(known.side.includes(script.model.device), "{rule} does not bind the {}", script.model.device);
    assert_eq!(suspicions[0].class == Class::Violation, known.strength.name() == "must", "{rule}");
}

#[track_caller]
fn is_silent(mut script: Script) {
    assert_eq!(script.model.judged(), []);
}

fn with(mut script: Script, play: impl FnOnce(&mut Script)) -> Script {
    play(&mut script);
    script
}

fn csms(play: impl FnOnce(&mut Script)) -> Script {
    with(Script::csms(Version::V16), play)
}

fn csms_201(play: impl FnOnce(&mut Script)) -> Script {
    with(Script::csms(Version::V201), play)
}

fn station(play: impl FnOnce(&mut Script)) -> Script {
    with(Script::station(Version::V16), play)
}

fn station_201(play: impl FnOnce(&mut Script)) -> Script {
    with(Script::station(Version::V201), play)
}

fn card(tag: &str) -> Value {
    json!({ "idToken": tag, "type": "ISO14443" })
}

mod csms_rules;
mod moves_and_states;
mod session_rules;
mod station_rules;
