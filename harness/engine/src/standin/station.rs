//! The station that we play against a CSMS under test.

use std::collections::{BTreeMap, HashMap};

use protocol::{Timestamp, Version};
use serde_json::{Map, Value, json};

use super::generic;
use crate::rig::Rig;

/// What our station knows of itself.
#[derive(Clone, Debug)]
pub struct OwnStation {
    version: Version,
    connectors: Vec<(i64, i64)>,
    tag: Value,
    meter: BTreeMap<i64, i64>,
    running: Vec<Transaction>,
    next_transaction: u64,
    configuration: BTreeMap<String, (String, bool)>,
}

#[derive(Clone, Debug)]
struct Transaction {
    id: Value,
    place: i64,
    sequence: i64,
    /// 1.6: the register at its start.
    start: i64,
}

/// Keys of Core with values of an ordinary station; `true`: read only.
const KEYS_16: &[(&str, &str, bool)] = &[
    ("AuthorizeRemoteTxRequests", "false", false),
    ("ClockAlignedDataInterval", "0", false),
    ("ConnectionTimeOut", "60", false),
    ("ConnectorPhaseRotation", "0.Unknown,1.Unknown,2.Unknown", false),
    ("GetConfigurationMaxKeys", "50", true),
    ("HeartbeatInterval", "300", false),
    ("LocalAuthorizeOffline", "true", false),
    ("LocalPreAuthorize", "false", false),
    ("MeterValuesAlignedData", "Energy.Active.Import.Register", false),
    ("MeterValuesSampledData", "Energy.Active.Import.Register", false),
    ("MeterValueSampleInterval", "0", false),
    ("NumberOfConnectors", "2", true),
    ("ResetRetries", "1", false),
    ("StopTransactionOnEVSideDisconnect", "true", false),
    ("StopTransactionOnInvalidId", "true", false),
    ("StopTxnAlignedData", "", false),
    ("StopTxnSampledData", "", false),
    ("SupportedFeatureProfiles", "Core,RemoteTrigger", true),
    ("TransactionMessageAttempts", "3", false),
    ("TransactionMessageRetryInterval", "60", false),
    ("UnlockConnectorOnEVSideDisconnect", "true", false),
    ("WebSocketPingInterval", "0", false),
];

impl OwnStation {
    /// A station with the connectors of the rig, nothing plugged in.
    pub fn new(version: Version, rig: &Rig) -> OwnStation {
        let connectors: Vec<(i64, i64)> =
            rig.connectors.iter().map(|connector| (connector.evse, connector.connector)).collect();
        let configuration = KEYS_16
            .iter()
            .map(|(key, value, read_only)| {
                let value =
                    if *key == "NumberOfConnectors" { connectors.len().to_string() } else { (*value).to_owned() };
                ((*key).to_owned(), (value, *read_only))
            })
            .collect();
        OwnStation {
            version,
            connectors,
            tag: rig
                .value("tags.valid")
                .map(|tag| tag.to_json())
                .unwrap_or_else(|| json!({ "idToken": "TAG-VALID", "type": "ISO14443" })),
            meter: BTreeMap::new(),
            running: Vec::new(),
            next_transaction: 1,
            configuration,
        }
    }

    pub(super) fn configure(&mut self, key: &str, value: &str) {
        let read_only = self.configuration.get(key).is_some_and(|(_, read_only)| *read_only);
        self.configuration.insert(key.to_owned(), (value.to_owned(), read_only));
    }

    pub(super) fn configuration(&self) -> HashMap<String, Option<String>> {
        self.configuration.iter().map(|(key, (value, _))| (key.clone(), Some(value.clone()))).collect()
    }

    pub(super) fn request(&mut self, now: Timestamp, action: &str, settled: &Map<String, Value>) -> Value {
        let mut made = generic::plain_request(self.version, action, now);
        let suggested = match self.version {
            Version::V16 => self.suggest_16(now, action, settled),
            Version::V201 | Version::V21 => self.suggest_2x(now, action, settled),
        };
        if let Value::Object(suggested) = suggested {
            made.extend(suggested);
        }
        overlay(&mut made, settled);
        Value::Object(made)
    }

    fn suggest_16(&mut self, now: Timestamp, action: &str, settled: &Map<String, Value>) -> Value {
        let connector = settled.get("connectorId").and_then(Value::as_i64).unwrap_or_else(|| self.first_connector());
        match action {
            "BootNotification" => json!({ "chargePointVendor": "Plugfest", "chargePointModel": "Virtual" }),
            "StatusNotification" => json!({
                "connectorId": connector, "errorCode": "NoError", "status": "Available", "timestamp": now.to_string(),
            }),
            "Authorize" => json!({ "idTag": self.tag_text() }),
            "StartTransaction" => json!({
                "connectorId": connector, "idTag": self.tag_text(), "meterStart": self.meter_at(connector),
                "timestamp": now.to_string(),
            }),
            "StopTransaction" => {
                let running = match settled.get("transactionId") {
                    Some(id) => self.running.iter().find(|running| running.id == *id),
                    None => self.running.last(),
                };
                let place = running.map_or_else(|| self.first_connector(), |running| running.place);
                let id = running.map_or_else(|| Value::from(0), |running| running.id.clone());
                // A transaction of no energy and the next one must not look like one told twice.
                let least = running.map_or(0, |running| running.start.saturating_add(1));
                let stop = self.meter_at(place).max(least);
                json!({ "transactionId": id, "meterStop": stop, "timestamp": now.to_string() })
            }
            "MeterValues" => {
                let value = self.meter_at(connector).to_string();
                let mut made = json!({
                    "connectorId": connector,
                    "meterValue": [{ "timestamp": now.to_string(), "sampledValue": [{ "value": value }] }],
                });
                if let Some(running) = self.running.iter().find(|running| running.place == connector) {
                    made["transactionId"] = running.id.clone();
                }
                made
            }
            "DiagnosticsStatusNotification" | "FirmwareStatusNotification" => json!({ "status": "Idle" }),
            "DataTransfer" => json!({ "vendorId": "com.example.plugfest" }),
            _ => json!({}),
        }
    }

    fn suggest_2x(&mut self, now: Timestamp, action: &str, settled: &Map<String, Value>) -> Value {
        let evse = settled
            .get("evse")
            .and_then(|evse| evse.get("id"))
            .or_else(|| settled.get("evseId"))
            .and_then(Value::as_i64);
        let place = evse.unwrap_or_else(|| self.connectors.first().map_or(1, |(evse, _)| *evse));
        match action {
            "BootNotification" => json!({
                "chargingStation": { "model": "Virtual", "vendorName": "Plugfest" }, "reason": "PowerUp",
            }),
            "StatusNotification" => json!({
                "timestamp": now.to_string(), "connectorStatus": "Available", "evseId": place, "connectorId": 1,
            }),
            "Authorize" => json!({ "idToken": self.token() }),
            "TransactionEvent" => {
                let asked = settled.get("transactionInfo").and_then(|info| info.get("transactionId")).cloned();
                let running = match &asked {
                    Some(id) => self.running.iter().find(|running| running.id == *id),
                    None => self.running.iter().find(|running| evse.is_none_or(|evse| running.place == evse)),
                };
                let (id, sequence, kind) = match running {
                    Some(running) => (running.id.clone(), running.sequence + 1, "Updated"),
                    None => {
                        let id =
                            asked.unwrap_or_else(|| Value::String(format!("pf-{:x}-{}", now.0, self.next_transaction)));
                        self.next_transaction += 1;
                        (id, 0, "Started")
                    }
                };
                let kind = settled.get("eventType").and_then(Value::as_str).unwrap_or(kind);
                let trigger = match kind {
                    "Started" => "CablePluggedIn",
                    "Ended" => "EVDeparted",
                    _ => "ChargingStateChanged",
                };
                let mut info = json!({ "transactionId": id });
                if kind == "Started" {
                    // The first event tells the charging state (E-GEN-05): nothing flows before it.
                    info["chargingState"] = Value::from("EVConnected");
                }
                json!({
                    "eventType": kind, "timestamp": now.to_string(), "triggerReason": trigger, "seqNo": sequence,
                    "transactionInfo": info,
                })
            }
            "MeterValues" => json!({
                "evseId": place,
                "meterValue": [{ "timestamp": now.to_string(), "sampledValue": [{ "value": self.meter_at(place) }] }],
            }),
            "DataTransfer" => json!({ "vendorId": "com.example.plugfest" }),
            "FirmwareStatusNotification" | "LogStatusNotification" => json!({ "status": "Idle" }),
            _ => json!({}),
        }
    }

    pub(super) fn reply(&mut self, now: Timestamp, action: &str, request: &Value) -> Value {
        match (self.version, action) {
            (Version::V16, "GetConfiguration") => self.configuration_reply(request),
            (Version::V16, "ChangeConfiguration") => {
                let text = |key: &str| request.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
                let (key, value) = (text("key"), text("value"));
                let known = self.configuration.iter().find(|(known, _)| known.eq_ignore_ascii_case(&key));
                let status = match known {
                    None => "NotSupported",
                    Some((_, (_, true))) => "Rejected",
                    Some((_, (old, false))) if old.parse::<i64>().is_ok() && value.parse::<u32>().is_err() => {
                        "Rejected"
                    }
                    Some((_, (old, false)))
                        if matches!(old.as_str(), "true" | "false") && !matches!(value.as_str(), "true" | "false") =>
                    {
                        "Rejected"
                    }
                    Some(_) => "Accepted",
                };
                json!({ "status": status })
            }
            (
                Version::V16,
                "ChangeAvailability" | "Reset" | "ClearCache" | "RemoteStartTransaction" | "SendLocalList",
            ) => {
                json!({ "status": "Accepted" })
            }
            (Version::V16, "RemoteStopTransaction") => {
                let known = self.running.iter().any(|running| Some(&running.id) == request.get("transactionId"));
                json!({ "status": if known { "Accepted" } else { "Rejected" } })
            }
            (Version::V16, "UnlockConnector") => json!({ "status": "Unlocked" }),
            (Version::V16, "GetLocalListVersion") => json!({ "listVersion": 0 }),
            (Version::V16, _) => generic::declining(self.version, action, now),
            (_, "GetVariables") => variable_results(
                request,
                "getVariableData",
                "getVariableResult",
                &json!({ "attributeStatus": "UnknownVariable" }),
            ),
            (_, "SetVariables") => variable_results(
                request,
                "setVariableData",
                "setVariableResult",
                &json!({ "attributeStatus": "Accepted" }),
            ),
            (_, "ChangeAvailability" | "Reset" | "ClearCache" | "RequestStartTransaction") => {
                json!({ "status": "Accepted" })
            }
            (_, "RequestStopTransaction") => {
                let known = self.running.iter().any(|running| Some(&running.id) == request.get("transactionId"));
                json!({ "status": if known { "Accepted" } else { "Rejected" } })
            }
            _ => generic::declining(self.version, action, now),
        }
    }

    fn configuration_reply(&self, request: &Value) -> Value {
        let asked: Vec<&str> = match request.get("key") {
            Some(Value::Array(keys)) => keys.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let entry = |(key, (value, read_only)): (&String, &(String, bool))| json!({ "key": key, "readonly": read_only, "value": value });
        if asked.is_empty() {
            let all: Vec<Value> = self.configuration.iter().map(entry).collect();
            return json!({ "configurationKey": all });
        }
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for key in asked {
            match self.configuration.iter().find(|(known, _)| known.eq_ignore_ascii_case(key)) {
                Some(found) => known.push(entry(found)),
                None => unknown.push(Value::from(key)),
            }
        }
        let mut made = json!({ "configurationKey": known });
        if !unknown.is_empty() {
            made["unknownKey"] = Value::Array(unknown);
        }
        made
    }

    pub(super) fn exchanged(&mut self, _now: Timestamp, action: &str, request: &Value, result: &Value) {
        match action {
            "StartTransaction" => {
                let place = request.get("connectorId").and_then(Value::as_i64).unwrap_or(0);
                if let Some(start) = request.get("meterStart").and_then(Value::as_i64) {
                    self.measured(place, start);
                }
                if let Some(id) = result.get("transactionId") {
                    let start = self.meter_at(place);
                    self.running.push(Transaction { id: id.clone(), place, sequence: 0, start });
                }
            }
            "StopTransaction" => {
                let ended = self.running.iter().position(|running| Some(&running.id) == request.get("transactionId"));
                if let Some(ended) = ended {
                    let place = self.running.remove(ended).place;
                    self.measured(place, request.get("meterStop").and_then(Value::as_i64).unwrap_or(0));
                }
            }
            "TransactionEvent" => {
                let Some(id) = request.pointer("/transactionInfo/transactionId") else { return };
                let sequence = request.get("seqNo").and_then(Value::as_i64).unwrap_or(0);
                if request.get("eventType").and_then(Value::as_str) == Some("Ended") {
                    self.running.retain(|running| running.id != *id);
                } else if let Some(running) = self.running.iter_mut().find(|running| running.id == *id) {
                    running.sequence = sequence;
                } else {
                    let place = request.pointer("/evse/id").and_then(Value::as_i64).unwrap_or(0);
                    self.running.push(Transaction { id: id.clone(), place, sequence, start: 0 });
                }
            }
            "ChangeConfiguration" if result.get("status").and_then(Value::as_str) == Some("Accepted") => {
                let text = |key: &str| request.get(key).and_then(Value::as_str).unwrap_or("");
                let key = self
                    .configuration
                    .keys()
                    .find(|known| known.eq_ignore_ascii_case(text("key")))
                    .cloned()
                    .unwrap_or_else(|| text("key").to_owned());
                self.configure(&key, text("value"));
            }
            _ => {}
        }
    }

    pub(super) fn act(&mut self, _now: Timestamp, verb: &str, with: &Map<String, Value>) {
        if verb != "charge" {
            return;
        }
        let key = if self.version == Version::V16 { "connector" } else { "evse" };
        let place =
            with.get("at").and_then(|at| at.get(key)).and_then(Value::as_i64).unwrap_or_else(|| self.first_connector());
        let seconds = with.get("for").and_then(Value::as_f64).unwrap_or(0.0);
        // 11 kW is 11000 / 3600 Wh a second.
        #[expect(clippy::cast_possible_truncation, reason = "a float to integer cast saturates")]
        let energy = (seconds * 11_000.0 / 3600.0).ceil() as i64;
        *self.meter.entry(place).or_insert(0) += energy;
    }

    /// Transactions that the CSMS believes to be running.
    pub fn running(&self) -> impl Iterator<Item = &Value> {
        self.running.iter().map(|running| &running.id)
    }

    /// The register of a place has come this far, at least.
    fn measured(&mut self, place: i64, register: i64) {
        let meter = self.meter.entry(place).or_insert(0);
        *meter = (*meter).max(register);
    }

    fn meter_at(&self, place: i64) -> i64 {
        self.meter.get(&place).copied().unwrap_or(0)
    }

    fn first_connector(&self) -> i64 {
        self.connectors.first().map_or(
            1,
            |(evse, connector)| {
                if self.version == Version::V16 { *connector } else { *evse }
            },
        )
    }

    fn tag_text(&self) -> String {
        crate::scope::plain_text(&self.tag)
    }

    fn token(&self) -> Value {
        json!({
            "idToken": self.tag_text(),
            "type": self.tag.get("type").and_then(Value::as_str).unwrap_or("ISO14443"),
        })
    }
}

/// Puts what the case settles over what is suggested, object by object.
fn overlay(made: &mut Map<String, Value>, settled: &Map<String, Value>) {
    for (key, value) in settled {
        match (made.get_mut(key), value) {
            (Some(Value::Object(made)), Value::Object(settled)) => overlay(made, settled),
            _ => {
                made.insert(key.clone(), value.clone());
            }
        }
    }
}

/// One result for each variable asked for, repeating what names it.
fn variable_results(request: &Value, asked: &str, answered: &str, status: &Value) -> Value {
    let results: Vec<Value> = request
        .get(asked)
        .and_then(Value::as_array)
        .map(|items| {
            items
                .iter()
                .map(|item| {
                    let mut result = status.clone();
                    for key in ["component", "variable", "attributeType"] {
                        if let Some(value) = item.get(key) {
                            result[key] = value.clone();
                        }
                    }
                    result
                })
                .collect()
        })
        .unwrap_or_default();
    json!({ answered: results })
}
