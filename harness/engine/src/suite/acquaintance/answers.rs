//! What the answers of a station mean.

use std::collections::{BTreeMap, HashMap};

use protocol::Version;
use protocol::frame::{self, Frame};
use serde_json::Value;
use verdict::{Direction, Event, EventKind};

use crate::rig::Assumed;

/// The profiles of 1.6 that a station may lack.
const PROFILES: [&str; 5] =
    ["FirmwareManagement", "LocalAuthListManagement", "Reservation", "SmartCharging", "RemoteTrigger"];

/// Controllers of 2.x and the capabilities that they stand for.
const CONTROLLERS: [(&str, &str); 6] = [
    ("AuthCacheCtrlr", "AuthorizationCache"),
    ("LocalAuthListCtrlr", "LocalAuthListManagement"),
    ("ReservationCtrlr", "Reservation"),
    ("SmartChargingCtrlr", "SmartCharging"),
    ("DisplayMessageCtrlr", "DisplayMessage"),
    ("MonitoringCtrlr", "Monitoring"),
];

/// What a station has told in these events.
pub(in crate::suite) fn read(version: Version, events: &[Event]) -> Assumed {
    let results = results(version, events);
    if version == Version::V16 { from_configuration(&results) } else { from_variables(&results) }
}

/// Requests of ours with their results.
fn results(version: Version, events: &[Event]) -> Vec<(String, Value)> {
    let mut asked: HashMap<String, String> = HashMap::new();
    let mut results = Vec::new();
    for event in events {
        let EventKind::Text { direction, text, .. } = &event.kind else { continue };
        match (direction, frame::read(version, text.as_bytes()).frame) {
            (Direction::ToDevice, Some(Frame::Call { id, action, .. })) => {
                asked.insert(id, action);
            }
            (Direction::FromDevice, Some(Frame::Result { id, payload })) => {
                if let Some(action) = asked.remove(&id) {
                    results.push((action, payload));
                }
            }
            _ => {}
        }
    }
    results
}

fn from_configuration(results: &[(String, Value)]) -> Assumed {
    let mut keys: BTreeMap<String, (String, bool)> = BTreeMap::new();
    for (_, result) in results.iter().filter(|(action, _)| action == "GetConfiguration") {
        for entry in result.get("configurationKey").and_then(Value::as_array).into_iter().flatten() {
            let Some(key) = entry.get("key").and_then(Value::as_str) else { continue };
            let value = entry.get("value").and_then(Value::as_str).unwrap_or_default().to_owned();
            let read_only = entry.get("readonly").and_then(Value::as_bool).unwrap_or(false);
            keys.entry(key.to_ascii_lowercase()).or_insert((value, read_only));
        }
    }
    let key = |name: &str| keys.get(&name.to_ascii_lowercase());
    let mut told = Assumed::default();
    // A station that does not tell its profiles does not tell its keys either, or not all of them.
    let Some((profiles, _)) = key("SupportedFeatureProfiles") else { return told };
    let has_profile = |name: &str| profiles.split(',').any(|one| one.trim().eq_ignore_ascii_case(name));
    for profile in PROFILES {
        told.capabilities.insert(profile.to_owned(), has_profile(profile));
    }
    // A missing optional boolean key means that the function is absent (16-CFG-11), and one that is fixed to no, too.
    let offers = |name: &str| key(name).is_some_and(|(value, read_only)| !read_only || is_true(value));
    let (cache, unknown) = (offers("AuthorizationCacheEnabled"), offers("AllowOfflineTxForUnknownId"));
    let offline = offers("LocalAuthorizeOffline") || key("LocalAuthorizeOffline").is_none();
    let knows = cache || has_profile("LocalAuthListManagement");
    told.capabilities.insert("AuthorizationCache".to_owned(), cache);
    told.capabilities.insert("UnknownOffline".to_owned(), key("AllowOfflineTxForUnknownId").is_some());
    told.capabilities.insert("OfflineTransactions".to_owned(), (knows && offline) || unknown);
    if let Some((_, read_only)) = key("StopTransactionOnEVSideDisconnect") {
        told.capabilities.insert("EvDisconnectSettable".to_owned(), !read_only);
    }
    told.connectors = key("NumberOfConnectors").and_then(|(value, _)| value.trim().parse().ok());
    if told.connectors == Some(1) {
        told.capabilities.insert("SharedReader".to_owned(), false);
    }
    told
}

fn from_variables(results: &[(String, Value)]) -> Assumed {
    let mut told = Assumed::default();
    let mut evses: BTreeMap<i64, bool> = BTreeMap::new();
    for (_, result) in results.iter().filter(|(action, _)| action == "GetVariables") {
        for one in result.get("getVariableResult").and_then(Value::as_array).into_iter().flatten() {
            let text = |path: &str| one.pointer(path).and_then(Value::as_str).unwrap_or_default();
            let (component, status) = (text("/component/name"), text("/attributeStatus"));
            if component == "EVSE"
                && let Some(id) = one.pointer("/component/evse/id").and_then(Value::as_i64)
            {
                evses.insert(id, status != "UnknownComponent");
            }
            if let Some((_, capability)) = CONTROLLERS.iter().find(|(name, _)| *name == component) {
                let has = match status {
                    "Accepted" => is_true(text("/attributeValue")),
                    "UnknownComponent" => false,
                    _ => continue,
                };
                told.capabilities.insert((*capability).to_owned(), has);
            }
        }
    }
    // Every EVSE up to the first one that is not there; if that one was not asked for, there may be more.
    let count = (1..).take_while(|id| evses.get(id) == Some(&true)).count();
    told.hides_connectors = count == 0;
    if let Ok(count) = i64::try_from(count)
        && count > 0
        && evses.get(&(count + 1)) == Some(&false)
    {
        told.connectors = Some(count);
    }
    told
}

fn is_true(value: &str) -> bool {
    value.trim().eq_ignore_ascii_case("true")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn configuration(keys: &[(&str, &str, bool)]) -> Assumed {
        let keys: Vec<Value> = keys
            .iter()
            .map(|(key, value, read_only)| json!({ "key": key, "value": value, "readonly": read_only }))
            .collect();
        from_configuration(&[("GetConfiguration".to_owned(), json!({ "configurationKey": keys }))])
    }

    #[test]
    fn profiles_and_connectors_are_what_the_station_says() {
        let told = configuration(&[
            ("supportedfeatureprofiles", "Core, remotetrigger", true),
            ("NumberOfConnectors", "1", true),
            ("AuthorizationCacheEnabled", "false", true),
            ("StopTransactionOnEVSideDisconnect", "true", true),
        ]);
        assert_eq!(told.connectors, Some(1));
        for (name, has) in [
            ("RemoteTrigger", true),
            ("Reservation", false),
            ("AuthorizationCache", false),
            ("EvDisconnectSettable", false),
            ("UnknownOffline", false),
            ("SharedReader", false),
        ] {
            assert_eq!(told.capabilities.get(name), Some(&has), "{name}");
        }
    }

    #[test]
    fn a_station_that_does_not_tell_its_profiles_tells_nothing() {
        assert_eq!(configuration(&[("NumberOfConnectors", "1", true)]), Assumed::default());
    }

    #[test]
    fn controllers_and_evses_are_what_the_station_says() {
        let one = |component: Value, status: &str, value: &str| {
            let one = json!({ "attributeStatus": status, "attributeValue": value, "component": component,
                "variable": { "name": "Available" } });
            ("GetVariables".to_owned(), json!({ "getVariableResult": [one] }))
        };
        let told = from_variables(&[
            one(json!({ "name": "AuthCacheCtrlr" }), "Accepted", "true"),
            one(json!({ "name": "ReservationCtrlr" }), "UnknownComponent", ""),
            one(json!({ "name": "SmartChargingCtrlr" }), "UnknownVariable", ""),
            one(json!({ "name": "EVSE", "evse": { "id": 1 } }), "Accepted", "Available"),
            one(json!({ "name": "EVSE", "evse": { "id": 2 } }), "UnknownComponent", ""),
        ]);
        assert_eq!(told.connectors, Some(1));
        assert_eq!(told.capabilities.get("AuthorizationCache"), Some(&true));
        assert_eq!(told.capabilities.get("Reservation"), Some(&false));
        assert_eq!(told.capabilities.get("SmartCharging"), None);
    }

    #[test]
    fn a_station_that_tells_of_no_evse_is_taken_to_have_one() {
        let none = json!({ "attributeStatus": "UnknownComponent", "component": { "name": "EVSE", "evse": { "id": 1 } },
            "variable": { "name": "AvailabilityState" } });
        let told = from_variables(&[("GetVariables".to_owned(), json!({ "getVariableResult": [none] }))]);
        assert_eq!((told.connectors, told.hides_connectors), (None, true));
        let rig = crate::rig::Rig::default_for(Some(protocol::Role::Station)).assuming(Version::V201, &told);
        assert_eq!(rig.connectors.len(), 1);
    }
}
