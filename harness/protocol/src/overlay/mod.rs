//! Rules of the specification's text that its schemas lack: a payload can be valid and still be wrong.
//!
//! Each rule has a name, a severity, the versions and the sender it concerns and the statement it rests on. A rule
//! marked [`Severity::Uncertain`] never fails a device.

mod look;
mod rules;
mod smart_charging;

use serde_json::Value;

use crate::{Role, Version};

pub use rules::RULES;

/// How much weight a breach has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The text demands it.
    Must,
    /// The text recommends it.
    Should,
    /// The sources conflict or leave room.
    Uncertain,
}

/// Whether a payload is that of a request or of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Of a CALL or a SEND.
    Request,
    /// Of a CALLRESULT.
    Response,
}

/// A rule of the text.
#[derive(Debug)]
pub struct Rule {
    /// A stable name: `connector-above-zero`.
    pub id: &'static str,
    /// The rule in a sentence.
    pub sentence: &'static str,
    /// How much weight a breach has.
    pub severity: Severity,
    /// The versions that have it.
    pub versions: &'static [Version],
    /// The side whose payloads it judges; `None` for both.
    pub sender: Option<Role>,
    /// The statement it rests on.
    pub statement: &'static str,
    pub(crate) check: fn(&mut look::Look<'_>),
}

/// A place where a payload breaks a rule of the text.
#[derive(Clone, Debug)]
pub struct Breach {
    /// The rule.
    pub rule: &'static Rule,
    /// Where, in the style of a JSON pointer.
    pub path: String,
    /// What should be there.
    pub expected: String,
    /// What is there, shortened.
    pub actual: String,
}

/// The rule of this name.
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

/// Where a payload breaks the rules of the text. The payload need not be valid: what does not have the expected
/// shape is passed over here, because [`crate::validate`] names it.
pub fn breaches(version: Version, sender: Role, action: &str, part: Part, payload: &Value) -> Vec<Breach> {
    let values = look::values(version, action, part, payload);
    let mut breaches = Vec::new();
    for rule in RULES {
        let concerns = rule.versions.contains(&version) && rule.sender.is_none_or(|side| side == sender);
        if concerns {
            let mut look =
                look::Look { rule, version, action, part, payload, values: &values, breaches: &mut breaches };
            (rule.check)(&mut look);
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalogue::{Catalogue, Sender};
    use crate::generate;
    use crate::statements::Strength;

    #[test]
    fn every_rule_has_its_own_name() {
        let mut names: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), RULES.len());
    }

    #[test]
    fn every_rule_rests_on_a_statement() {
        for rule in RULES {
            assert!(crate::statements::statement(rule.statement).is_some(), "{} rests on {}", rule.id, rule.statement);
        }
    }

    #[test]
    fn a_rule_is_no_stricter_than_its_statement() {
        for rule in RULES {
            let statement = crate::statements::statement(rule.statement).unwrap();
            let most = match statement.strength {
                Strength::Must => Severity::Must,
                Strength::Should => Severity::Should,
                Strength::May | Strength::Uncertain => Severity::Uncertain,
            };
            assert!(rule.severity >= most, "{} is stricter than {}", rule.id, statement.id);
            for version in rule.versions {
                assert!(statement.is_of(*version), "{}: {} is not of {version}", rule.id, statement.id);
            }
            for role in [Role::Station, Role::Csms] {
                let binds = rule.sender.is_none_or(|sender| sender == role);
                assert!(!binds || statement.side.includes(role), "{}: {} binds not {role}", rule.id, statement.id);
            }
        }
    }

    #[test]
    fn a_minimal_payload_breaks_no_binding_rule() {
        for version in Version::ALL {
            for message in Catalogue::of(version).messages() {
                let requester = match message.from {
                    Sender::Station | Sender::Both => Role::Station,
                    Sender::Csms => Role::Csms,
                };
                let mut all = Vec::new();
                let request = generate::minimal(version, &message.request);
                all.extend(breaches(version, requester, &message.action, Part::Request, &request));
                if let Some(response) = message.response() {
                    let response = generate::minimal(version, response);
                    all.extend(breaches(version, requester.other(), &message.action, Part::Response, &response));
                }
                all.retain(|breach| breach.rule.severity == Severity::Must);
                assert!(all.is_empty(), "{version} {}: {all:?}", message.action);
            }
        }
    }

    #[test]
    fn each_breach_is_found_and_named() {
        let cases = [
            (
                Version::V16,
                Role::Csms,
                "RemoteStartTransaction",
                json!({ "idTag": "A", "connectorId": 0 }),
                "remote-start-connector-above-zero",
            ),
            (
                Version::V16,
                Role::Station,
                "MeterValues",
                json!({ "connectorId": 1, "meterValue": [] }),
                "meter-values-without-values",
            ),
            (
                Version::V16,
                Role::Station,
                "MeterValues",
                json!({ "connectorId": 1, "meterValue": [
                    { "timestamp": "2026-01-01T00:00:00Z", "sampledValue": [{ "value": 7.5 }] },
                ] }),
                "sample-is-text",
            ),
            (
                Version::V16,
                Role::Station,
                "StatusNotification",
                json!({ "connectorId": 0, "errorCode": "NoError", "status": "Charging" }),
                "main-status",
            ),
            (
                Version::V16,
                Role::Csms,
                "SendLocalList",
                json!({ "listVersion": -1, "updateType": "Full" }),
                "list-version",
            ),
            (
                Version::V201,
                Role::Csms,
                "SendLocalList",
                json!({ "versionNumber": 1, "updateType": "Full", "localAuthorizationList": [
                    { "idToken": { "idToken": "a1", "type": "ISO14443" } },
                    { "idToken": { "idToken": "A1", "type": "ISO14443" } },
                ] }),
                "list-without-duplicates",
            ),
            (Version::V201, Role::Csms, "Heartbeat", json!({}), ""),
            (
                Version::V21,
                Role::Station,
                "SecurityEventNotification",
                json!({ "type": "X", "timestamp": "2026-01-01T00:00:00.1234Z" }),
                "time-fraction",
            ),
            (
                Version::V201,
                Role::Csms,
                "SetChargingProfile",
                json!({ "evseId": 1, "chargingProfile": {
                    "id": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile",
                    "chargingProfileKind": "Absolute", "chargingSchedule": [{
                        "id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [
                            { "startPeriod": 0, "limit": 16.0 },
                        ],
                    }],
                } }),
                "schedule-needs-start",
            ),
        ];
        let more = [
            (
                Version::V16,
                Role::Station,
                "StatusNotification",
                json!({ "connectorId": 1, "errorCode": "EVCommunicationError", "status": "Charging" }),
                "communication-error-with-vehicle",
            ),
            (
                Version::V16,
                Role::Station,
                "LogStatusNotification",
                json!({ "status": "Uploading" }),
                "request-id-while-busy",
            ),
            (Version::V16, Role::Csms, "SendLocalList", json!({ "listVersion": -5, "updateType": "Full" }), ""),
            (
                Version::V201,
                Role::Csms,
                "SetChargingProfile",
                json!({ "evseId": 0, "chargingProfile": {
                    "id": 1, "stackLevel": -1, "chargingProfilePurpose": "ChargingStationMaxProfile",
                    "chargingProfileKind": "Recurring", "chargingSchedule": [{
                        "id": 1, "chargingRateUnit": "A", "startSchedule": "2026-01-01T00:00:00Z",
                        "chargingSchedulePeriod": [{ "startPeriod": 0, "limit": 16.0 }],
                    }],
                } }),
                "profile-level-not-negative",
            ),
            (
                Version::V21,
                Role::Csms,
                "SetChargingProfile",
                json!({ "evseId": 1, "chargingProfile": {
                    "id": 1, "stackLevel": 1, "chargingProfilePurpose": "TxDefaultProfile",
                    "chargingProfileKind": "Dynamic", "chargingSchedule": [{
                        "id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [
                            { "startPeriod": 0, "limit": 16.0 }, { "startPeriod": 60, "limit": 8.0 },
                        ],
                    }],
                } }),
                "dynamic-profile-of-one-period",
            ),
        ];
        for (version, sender, action, payload, expected) in cases.into_iter().chain(more) {
            let found = breaches(version, sender, action, Part::Request, &payload);
            let names: Vec<&str> = found.iter().map(|breach| breach.rule.id).collect();
            if expected.is_empty() {
                assert!(names.is_empty(), "{action}: {names:?}");
            } else {
                assert_eq!(names, [expected], "{action}");
            }
        }
    }
}
