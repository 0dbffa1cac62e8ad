//! Configuration keys (statements 16-CFG).

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::charge_point::ChargePoint;
use super::meter::MEASURANDS;
use crate::StationSettings;

/// The configuration of a station.
#[derive(Debug)]
pub(super) struct Configuration {
    keys: Vec<Key>,
}

#[derive(Debug)]
struct Key {
    name: &'static str,
    value: String,
    access: Access,
    kind: KeyKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    ReadOnly,
    ReadWrite,
    WriteOnly,
}

use Access::{ReadOnly, ReadWrite, WriteOnly};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyKind {
    Boolean,
    /// A whole number in these bounds.
    Integer(i64, i64),
    /// A comma-separated list of measurands.
    Measurands,
    /// A comma-separated list like `0.RST,1.RST`.
    Rotation,
    /// 16 to 20 bytes in hexadecimal digits.
    Password,
    Text,
}

use KeyKind::{Boolean, Integer, Measurands, Password, Rotation, Text};

/// The largest value of whole-number keys: what fits every implementation's integer.
const LARGEST: i64 = 2_147_483_647;

impl Configuration {
    pub(super) fn new(settings: &StationSettings) -> Configuration {
        let rotation: Vec<String> = (0..=settings.connectors).map(|number| format!("{number}.RST")).collect();
        let measurands = MEASURANDS.len().to_string();
        let ev_access = if settings.ev_disconnect_settable { ReadWrite } else { ReadOnly };
        let mut profiles = vec!["Core"];
        let optional = [
            (settings.local_list, "LocalAuthListManagement"),
            (settings.reservation, "Reservation"),
            (settings.remote_trigger, "RemoteTrigger"),
        ];
        profiles.extend(optional.iter().filter(|(has, _)| *has).map(|(_, name)| name));
        let mut configuration = Configuration { keys: Vec::new() };
        let mut add = |name, value: &str, access, kind| {
            configuration.keys.push(Key { name, value: value.to_owned(), access, kind });
        };
        add("AuthorizeRemoteTxRequests", "true", ReadWrite, Boolean);
        add("ClockAlignedDataInterval", "0", ReadWrite, Integer(0, 86_400));
        add("ConnectionTimeOut", "60", ReadWrite, Integer(1, LARGEST));
        add("ConnectorPhaseRotation", &rotation.join(","), ReadWrite, Rotation);
        add("GetConfigurationMaxKeys", "50", ReadOnly, Integer(0, LARGEST));
        add("HeartbeatInterval", "300", ReadWrite, Integer(0, LARGEST));
        add("LocalAuthorizeOffline", "true", ReadWrite, Boolean);
        add("LocalPreAuthorize", "false", ReadWrite, Boolean);
        add("MaxEnergyOnInvalidId", "0", ReadWrite, Integer(0, LARGEST));
        add("MessageTimeout", "30", ReadWrite, Integer(1, LARGEST));
        add("MeterValuesAlignedData", MEASURANDS[0], ReadWrite, Measurands);
        add("MeterValuesAlignedDataMaxLength", &measurands, ReadOnly, Integer(0, LARGEST));
        add("MeterValuesSampledData", MEASURANDS[0], ReadWrite, Measurands);
        add("MeterValuesSampledDataMaxLength", &measurands, ReadOnly, Integer(0, LARGEST));
        add("MeterValueSampleInterval", "60", ReadWrite, Integer(0, LARGEST));
        add("MinimumStatusDuration", "0", ReadWrite, Integer(0, LARGEST));
        add("NumberOfConnectors", &settings.connectors.to_string(), ReadOnly, Integer(0, LARGEST));
        add("ResetRetries", "3", ReadWrite, Integer(0, LARGEST));
        add("StopTransactionMaxMeterValues", "100", ReadOnly, Integer(0, LARGEST));
        add("StopTransactionOnEVSideDisconnect", "true", ev_access, Boolean);
        add("StopTransactionOnInvalidId", "true", ReadWrite, Boolean);
        add("StopTxnAlignedData", "", ReadWrite, Measurands);
        add("StopTxnAlignedDataMaxLength", &measurands, ReadOnly, Integer(0, LARGEST));
        add("StopTxnSampledData", "", ReadWrite, Measurands);
        add("StopTxnSampledDataMaxLength", &measurands, ReadOnly, Integer(0, LARGEST));
        add("SupportedFeatureProfiles", &profiles.join(","), ReadOnly, Text);
        add("TransactionMessageAttempts", "3", ReadWrite, Integer(1, LARGEST));
        add("TransactionMessageRetryInterval", "60", ReadWrite, Integer(0, LARGEST));
        // With a fixed cable there is nothing to unlock (16-CFG-15).
        if settings.fixed_cable || !settings.lock {
            add("UnlockConnectorOnEVSideDisconnect", "false", ReadOnly, Boolean);
        } else {
            add("UnlockConnectorOnEVSideDisconnect", "true", ev_access, Boolean);
        }
        add("WebSocketPingInterval", "0", ReadWrite, Integer(0, LARGEST));
        add("AuthorizationKey", "", WriteOnly, Password);
        // A key that is absent says that the feature is (16-CFG-11).
        if settings.authorization_cache {
            add("AuthorizationCacheEnabled", "true", ReadWrite, Boolean);
        }
        if let Some(allowed) = settings.allow_offline_unknown {
            add("AllowOfflineTxForUnknownId", &allowed.to_string(), ReadWrite, Boolean);
        }
        if settings.local_list {
            add("LocalAuthListEnabled", "true", ReadWrite, Boolean);
            add("LocalAuthListMaxLength", "100", ReadOnly, Integer(0, LARGEST));
            add("SendLocalListMaxLength", "20", ReadOnly, Integer(0, LARGEST));
        }
        if settings.reservation {
            add("ReserveConnectorZeroSupported", "true", ReadOnly, Boolean);
        }
        for (name, value) in &settings.configuration {
            configuration.put(name, value);
        }
        configuration
    }

    fn find(&self, name: &str) -> Option<&Key> {
        // Keys are compared without case (16-CFG-03).
        self.keys.iter().find(|key| key.name.eq_ignore_ascii_case(name))
    }

    /// Sets a value from inside, whatever its access.
    pub(super) fn put(&mut self, name: &str, value: &str) {
        let found = self.keys.iter_mut().find(|key| key.name.eq_ignore_ascii_case(name));
        if let Some(key) = found {
            value.clone_into(&mut key.value);
        }
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.find(name).is_some_and(|key| key.value.eq_ignore_ascii_case("true"))
    }

    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        self.find(name)?.value.parse().ok()
    }

    /// A duration in seconds; zero if the key is absent.
    pub(super) fn seconds(&self, name: &str) -> Duration {
        let seconds = self.integer(name).unwrap_or(0);
        Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
    }

    /// The items of a comma-separated list.
    pub(super) fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        self.find(name).map_or("", |key| key.value.as_str()).split(',').map(str::trim).filter(|item| !item.is_empty())
    }

    /// A write-only value, for use inside the station.
    pub(super) fn secret(&self, name: &str) -> Option<&str> {
        self.find(name).map(|key| key.value.as_str()).filter(|value| !value.is_empty())
    }
}

impl ChargePoint {
    pub(super) fn get_configuration(&mut self, request: &Map<String, Value>) -> Value {
        let asked: Vec<&str> =
            request.get("key").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let hides = asked.is_empty() && self.faults.hits("station-hides-a-required-key");
        let drops = self.faults.active("station-drops-unknown-keys");
        let shows = self.shows_password(&asked);
        let configuration = &self.storage.configuration;
        // Write-only keys are never shown (16-CFG-01, R-206).
        let readable =
            |key: &&Key| (key.access != WriteOnly || shows) && !(hides && key.name == "ConnectorPhaseRotation");
        if asked.is_empty() {
            let known: Vec<Value> = configuration.keys.iter().filter(readable).map(show).collect();
            return json!({ "configurationKey": known });
        }
        let mut known: Vec<&'static str> = Vec::new();
        let mut unknown: Vec<&str> = Vec::new();
        for name in asked {
            match configuration.find(name).filter(readable) {
                Some(key) if !known.contains(&key.name) => known.push(key.name),
                None if !unknown.iter().any(|other| other.eq_ignore_ascii_case(name)) => {
                    unknown.push(name);
                }
                _ => {}
            }
        }
        let known: Vec<Value> = known.into_iter().filter_map(|name| configuration.find(name)).map(show).collect();
        let mut answer = json!({ "configurationKey": known });
        if !unknown.is_empty() && drops {
            self.faults.hits("station-drops-unknown-keys");
        } else if !unknown.is_empty() {
            answer["unknownKey"] = json!(unknown);
        }
        answer
    }

    pub(super) fn change_configuration(&mut self, request: &Map<String, Value>) -> Value {
        let text = |name: &str| request.get(name).and_then(Value::as_str).unwrap_or("");
        json!({ "status": self.change_key(text("key"), text("value")) })
    }

    fn shows_password(&mut self, asked: &[&str]) -> bool {
        let matters = asked.is_empty() || asked.iter().any(|key| key.eq_ignore_ascii_case("AuthorizationKey"));
        matters && self.faults.hits("station-shows-its-password")
    }

    /// A value that a defect takes although it does not fit.
    fn takes_all_the_same(&mut self, name: &str, kind: KeyKind, value: &str) -> bool {
        let value = value.trim();
        let Integer(_, max) = kind else { return false };
        let digits = value.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && digits < value.len() {
            return self.faults.hits("station-takes-numbers-with-a-tail");
        }
        if value.parse::<u64>().is_ok_and(|number| i64::try_from(number).map_or(true, |number| number > max)) {
            return self.faults.hits("station-wraps-large-numbers");
        }
        name == "HeartbeatInterval" && digits == 0 && self.faults.hits("station-floods-after-a-bad-interval")
    }

    /// What is stored of a value.
    fn misread(&mut self, kind: KeyKind, value: &str) -> String {
        let large = |number: &u64| matches!(kind, Integer(_, max) if i64::try_from(*number).map_or(true, |n| n > max));
        match value.parse::<u64>().ok().filter(large) {
            Some(number) => (number & 0xffff).to_string(),
            None => value.to_owned(),
        }
    }

    fn change_key(&mut self, name: &str, value: &str) -> &'static str {
        let connectors = self.settings.connectors;
        let Some(key) = self.storage.configuration.find(name) else {
            return "NotSupported";
        };
        let (name, access, kind) = (key.name, key.access, key.kind);
        if access == ReadOnly && !self.faults.hits("station-changes-read-only-keys") {
            return "Rejected";
        }
        let negative_ping = name == "WebSocketPingInterval" && value.trim().starts_with('-');
        let taken = fits(kind, value, connectors)
            || (negative_ping && self.faults.hits("station-takes-negative-ping-interval"));
        if !taken && !self.takes_all_the_same(name, kind, value) {
            if self.faults.hits("station-keeps-what-it-rejects") {
                self.storage.configuration.put(name, value.trim());
            }
            return "Rejected";
        }
        if self.faults.hits("station-forgets-accepted-configuration") {
            return "Accepted";
        }
        let value = self.misread(kind, value.trim());
        self.storage.configuration.put(name, &value);
        match name {
            "HeartbeatInterval" => self.schedule_heartbeat(),
            "ClockAlignedDataInterval" => self.schedule_aligned(),
            "MeterValueSampleInterval" => self.schedule_samples(),
            // The new password is used from the next connection on, which is now.
            "AuthorizationKey" => self.reconnect_after_answer = true,
            _ => {}
        }
        "Accepted"
    }
}

fn show(key: &Key) -> Value {
    json!({ "key": key.name, "readonly": key.access == ReadOnly, "value": key.value })
}

fn fits(kind: KeyKind, value: &str, connectors: u32) -> bool {
    let value = value.trim();
    let mut items = value.split(',').map(str::trim);
    match kind {
        Boolean => value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false"),
        // Digits only: `60abc`, `+60` and `6e1` are no numbers here.
        Integer(min, max) => {
            value.bytes().all(|b| b.is_ascii_digit())
                && value.parse::<i64>().is_ok_and(|number| (min..=max).contains(&number))
        }
        Measurands => value.is_empty() || items.all(|item| MEASURANDS.contains(&item)),
        Rotation => items.all(|item| is_rotation(item, connectors)),
        Password => {
            (32..=40).contains(&value.len())
                && value.len().is_multiple_of(2)
                && value.bytes().all(|b| b.is_ascii_hexdigit())
        }
        Text => true,
    }
}

fn is_rotation(item: &str, connectors: u32) -> bool {
    const ROTATIONS: [&str; 8] = ["NotApplicable", "Unknown", "RST", "RTS", "SRT", "STR", "TRS", "TSR"];
    item.split_once('.').is_some_and(|(number, rotation)| {
        number.parse::<u32>().is_ok_and(|n| n <= connectors) && ROTATIONS.contains(&rotation)
    })
}
