//! The rules themselves.

use serde_json::Value;

use super::look::{Look, is_negative};
use super::{Part, Rule, Severity, smart_charging};
use crate::catalogue::Type;
use crate::decimal::Decimal;
use crate::{Role, Version};

const V16: &[Version] = &[Version::V16];
const V201: &[Version] = &[Version::V201];
const V2: &[Version] = &[Version::V201, Version::V21];

/// Every rule.
pub static RULES: &[Rule] = &[
    Rule {
        id: "remote-start-connector-above-zero",
        sentence: "A remote start names a connector above 0, or none.",
        severity: Severity::Must,
        versions: V16,
        sender: Some(Role::Csms),
        statement: "16-REM-05",
        check: |look| look.above_zero("RemoteStartTransaction", "/connectorId"),
    },
    Rule {
        id: "transaction-connector-above-zero",
        sentence: "A transaction starts on a connector above 0.",
        severity: Severity::Must,
        versions: V16,
        sender: Some(Role::Station),
        statement: "16-TX-01",
        check: |look| look.above_zero("StartTransaction", "/connectorId"),
    },
    Rule {
        id: "unlock-connector-above-zero",
        sentence: "Only a connector above 0 can be unlocked.",
        severity: Severity::Must,
        versions: V16,
        sender: Some(Role::Csms),
        statement: "16-CONN-01",
        check: |look| look.above_zero("UnlockConnector", "/connectorId"),
    },
    Rule {
        id: "connector-not-negative",
        sentence: "Connectors are counted from 0.",
        severity: Severity::Must,
        versions: V16,
        sender: None,
        statement: "16-CONN-01",
        check: |look| look.not_negative(&["connectorId"]),
    },
    Rule {
        id: "evse-and-connector-not-negative",
        sentence: "EVSEs and connectors are counted from 0.",
        severity: Severity::Should,
        versions: V201,
        sender: None,
        statement: "J01.FR.02",
        check: |look| {
            look.not_negative(&["evseId", "connectorId"]);
            look.each("EVSEType", |look, path, object| {
                if let Some(id) = object.get("id").filter(|id| is_negative(id)) {
                    look.add(format!("{path}/id"), "0 or more", id);
                }
            });
        },
    },
    Rule {
        id: "sequence-number-not-negative",
        sentence: "Sequence numbers are counted from 0.",
        severity: Severity::Should,
        versions: V201,
        sender: Some(Role::Station),
        statement: "E-GEN-03",
        check: |look| look.not_negative(&["seqNo"]),
    },
    Rule {
        id: "meter-value-without-samples",
        sentence: "A meter value holds at least one sample.",
        severity: Severity::Must,
        versions: V16,
        sender: Some(Role::Station),
        statement: "16-MV-19",
        check: |look| look.not_empty(&["sampledValue"]),
    },
    Rule {
        id: "meter-values-without-values",
        sentence: "MeterValues carries at least one meter value.",
        severity: Severity::Must,
        versions: V16,
        sender: Some(Role::Station),
        statement: "16-MV-19",
        check: |look| look.not_empty(&["meterValue"]),
    },
    Rule {
        id: "sample-is-text",
        sentence: "A sample is a text even when it is a number.",
        severity: Severity::Must,
        versions: V16,
        sender: Some(Role::Station),
        statement: "16-MV-09",
        check: |look| {
            look.each("SampledValue", |look, path, sample| {
                if let Some(value) = sample.get("value").filter(|value| value.is_number()) {
                    look.add(format!("{path}/value"), "a text", value);
                }
            });
        },
    },
    Rule {
        id: "group-has-a-name",
        sentence: "A tag of no group has no parentIdTag, not an empty one.",
        severity: Severity::Must,
        versions: V16,
        sender: Some(Role::Csms),
        statement: "16-AUTH-08",
        check: |look| {
            look.each("IdTagInfo", |look, path, info| {
                if let Some(parent) = info.get("parentIdTag").filter(|parent| *parent == "") {
                    look.add(format!("{path}/parentIdTag"), "no parentIdTag", parent);
                }
            });
        },
    },
    Rule {
        id: "list-version",
        sentence: "A list version is neither 0 nor -1.",
        severity: Severity::Must,
        versions: V16,
        sender: Some(Role::Csms),
        statement: "16-LIST-10",
        check: |look| {
            if let Some(version) = look.field("SendLocalList", Part::Request, "/listVersion")
                && matches!(version.as_i64(), Some(-1 | 0))
            {
                look.add("/listVersion".to_owned(), "neither 0 nor -1", version);
            }
        },
    },
    Rule {
        id: "list-version-above-zero",
        sentence: "The version of a local list is above 0.",
        severity: Severity::Must,
        versions: V2,
        sender: Some(Role::Csms),
        statement: "D01.FR.01",
        check: |look| look.above_zero("SendLocalList", "/versionNumber"),
    },
    Rule {
        id: "list-entry-twice",
        sentence: "A tag stands once in an update of the local list.",
        severity: Severity::Uncertain,
        versions: V16,
        sender: Some(Role::Csms),
        statement: "16-LIST-06",
        check: unique_list_entries,
    },
    Rule {
        id: "list-without-duplicates",
        sentence: "A tag stands once in an update of the local list.",
        severity: Severity::Must,
        versions: V2,
        sender: Some(Role::Csms),
        statement: "D01.FR.06",
        check: unique_list_entries,
    },
    Rule {
        id: "time-fraction",
        sentence: "A time has at most three fractional digits.",
        severity: Severity::Must,
        versions: V2,
        sender: None,
        statement: "R-171",
        check: |look| {
            look.each_value(|look, path, ty, value| {
                if !matches!(ty, Type::DateTime) {
                    return;
                }
                let Some(text) = value.as_str() else { return };
                let fraction =
                    text.split_once('.').map_or("", |(_, rest)| rest.trim_end_matches(|c: char| !c.is_ascii_digit()));
                let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
                if digits > 3 {
                    look.add(path.to_owned(), "at most three fractional digits", value);
                }
            });
        },
    },
    Rule {
        id: "time-in-utc",
        sentence: "Times are best sent in UTC.",
        severity: Severity::Should,
        versions: V16,
        sender: None,
        statement: "R-170",
        check: not_in_utc,
    },
    Rule {
        id: "date-time-in-utc",
        sentence: "Times are best sent in UTC.",
        severity: Severity::Should,
        versions: V2,
        sender: None,
        statement: "R-171",
        check: not_in_utc,
    },
    Rule {
        id: "identifier-characters",
        sentence: "An identifier is written with a-z A-Z 0-9 * - _ = : + | @ and the full stop.",
        severity: Severity::Uncertain,
        versions: V2,
        sender: None,
        statement: "R-073",
        check: |look| {
            look.each("IdTokenType", |look, path, token| {
                identifier(look, &format!("{path}/idToken"), token.get("idToken"));
            });
            look.each_value(|look, path, _, value| {
                if path.ends_with("/transactionId") {
                    identifier(look, path, Some(value));
                }
            });
        },
    },
    Rule {
        id: "no-authorization-token-empty",
        sentence: "A token of the type NoAuthorization is the empty text.",
        severity: Severity::Must,
        versions: V2,
        sender: Some(Role::Station),
        statement: "C02.FR.01",
        check: |look| {
            look.each("IdTokenType", |look, path, token| {
                let is_none = token.get("type").and_then(Value::as_str) == Some("NoAuthorization");
                if let Some(text) = token.get("idToken")
                    && is_none
                    && text.as_str().is_some_and(|text| !text.is_empty())
                {
                    look.add(format!("{path}/idToken"), "an empty text", text);
                }
            });
        },
    },
    Rule {
        id: "decimals-to-the-station",
        sentence: "A number for the station has at most six decimals.",
        severity: Severity::Uncertain,
        versions: V2,
        sender: Some(Role::Csms),
        statement: "R-174",
        check: |look| {
            look.each_value(|look, path, ty, value| {
                if let (Type::Decimal { .. }, Value::Number(number)) = (ty, value)
                    && Decimal::of(number).fraction_digits() > 6
                {
                    look.add(path.to_owned(), "at most six decimals", value);
                }
            });
        },
    },
    Rule {
        id: "no-empty-object-for-absent",
        sentence: "An absent field is left out, never an empty object.",
        severity: Severity::Uncertain,
        versions: V2,
        sender: None,
        statement: "R-006",
        check: |look| {
            look.each_value(|look, path, ty, value| {
                if let (Type::Object(_), Value::Object(map)) = (ty, value)
                    && map.is_empty()
                {
                    look.add(path.to_owned(), "a field left out", value);
                }
            });
        },
    },
    Rule {
        id: "temperature-unit",
        sentence: "Temperature is best sent with the unit Celcius, which every version of the schema takes.",
        severity: Severity::Uncertain,
        versions: V16,
        sender: Some(Role::Station),
        statement: "16-MV-16",
        check: |look| {
            look.each("SampledValue", |look, path, sample| {
                if let Some(unit) = sample.get("unit").filter(|unit| *unit == "Celsius") {
                    look.add(format!("{path}/unit"), "Celcius", unit);
                }
            });
        },
    },
    Rule {
        id: "main-status",
        sentence: "Connector 0 is Available, Unavailable or Faulted.",
        severity: Severity::Must,
        versions: V16,
        sender: Some(Role::Station),
        statement: "16-CONN-02",
        check: |look| {
            let connector = look.field("StatusNotification", Part::Request, "/connectorId");
            let status = look.field("StatusNotification", Part::Request, "/status");
            if let (Some(connector), Some(status)) = (connector, status)
                && connector.as_i64() == Some(0)
                && !["Available", "Unavailable", "Faulted"].contains(&status.as_str().unwrap_or(""))
            {
                look.add("/status".to_owned(), "Available, Unavailable or Faulted on connector 0", status);
            }
        },
    },
    Rule {
        id: "key-both-known-and-unknown",
        sentence: "A key is returned or listed as unknown, never both.",
        severity: Severity::Must,
        versions: V16,
        sender: Some(Role::Station),
        statement: "16-CFG-02",
        check: |look| {
            let known = look.field("GetConfiguration", Part::Response, "/configurationKey");
            let unknown = look.field("GetConfiguration", Part::Response, "/unknownKey");
            let (Some(Value::Array(known)), Some(Value::Array(unknown))) = (known, unknown) else {
                return;
            };
            for (at, key) in unknown.iter().enumerate() {
                let name = key.as_str().unwrap_or_default();
                let is_known = known
                    .iter()
                    .any(|entry| entry["key"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(name)));
                if is_known {
                    look.add(format!("/unknownKey/{at}"), "a key that was not returned", key);
                }
            }
        },
    },
    Rule {
        id: "authorization-key-shown",
        sentence: "The AuthorizationKey is never shown.",
        severity: Severity::Must,
        versions: V16,
        sender: Some(Role::Station),
        statement: "16-SEC-02",
        check: |look| {
            let keys = look.field("GetConfiguration", Part::Response, "/configurationKey");
            for (at, entry) in keys.and_then(Value::as_array).into_iter().flatten().enumerate() {
                let is_secret = entry["key"].as_str().is_some_and(|key| key.eq_ignore_ascii_case("AuthorizationKey"));
                if is_secret && entry["value"].as_str().is_some_and(|value| !value.is_empty()) {
                    // The value stays out of the report.
                    let hidden = Value::from("(hidden)");
                    look.add(format!("/configurationKey/{at}/value"), "no value", &hidden);
                }
            }
        },
    },
    Rule {
        id: "request-id-while-busy",
        sentence: "A status of firmware or upload other than Idle carries its requestId.",
        severity: Severity::Must,
        versions: V16,
        sender: Some(Role::Station),
        statement: "16-SEC-18",
        check: |look| {
            request_id(look, "SignedFirmwareStatusNotification");
            request_id(look, "LogStatusNotification");
        },
    },
    Rule {
        id: "firmware-status-request-id",
        sentence: "A status of firmware other than Idle carries its requestId.",
        severity: Severity::Must,
        versions: V2,
        sender: Some(Role::Station),
        statement: "L01.FR.20",
        check: |look| request_id(look, "FirmwareStatusNotification"),
    },
    Rule {
        id: "log-status-request-id",
        sentence: "A status of an upload other than Idle carries its requestId.",
        severity: Severity::Must,
        versions: V2,
        sender: Some(Role::Station),
        statement: "N01.FR.07",
        check: |look| request_id(look, "LogStatusNotification"),
    },
    Rule {
        id: "communication-error-with-vehicle",
        sentence: "EVCommunicationError comes with Preparing, SuspendedEV, SuspendedEVSE or Finishing.",
        severity: Severity::Must,
        versions: V16,
        sender: Some(Role::Station),
        statement: "16-STAT-08",
        check: |look| {
            let error = look.field("StatusNotification", Part::Request, "/errorCode");
            let status = look.field("StatusNotification", Part::Request, "/status");
            if error.is_some_and(|error| error == "EVCommunicationError")
                && let Some(status) = status
                && !["Preparing", "SuspendedEV", "SuspendedEVSE", "Finishing"].contains(&status.as_str().unwrap_or(""))
            {
                look.add("/status".to_owned(), "a status with a vehicle that is not charging", status);
            }
        },
    },
    Rule {
        id: "no-value-for-the-unknown",
        sentence: "A variable that is unknown or not supported has no value.",
        severity: Severity::Must,
        versions: V2,
        sender: Some(Role::Station),
        statement: "B06.FR.06",
        check: |look| {
            look.each("GetVariableResultType", |look, path, result| {
                let status = result.get("attributeStatus").and_then(Value::as_str).unwrap_or_default();
                let is_unknown = ["UnknownComponent", "UnknownVariable", "NotSupportedAttributeType"].contains(&status);
                if let Some(value) = result.get("attributeValue").filter(|value| is_unknown && *value != "") {
                    look.add(format!("{path}/attributeValue"), "no value", value);
                }
            });
        },
    },
    Rule {
        id: "second-language",
        sentence: "A second language comes only with a first, and is another one.",
        severity: Severity::Must,
        versions: V2,
        sender: Some(Role::Csms),
        statement: "C01.FR.12",
        check: |look| {
            look.each("IdTokenInfoType", |look, path, info| {
                let Some(second) = info.get("language2") else {
                    return;
                };
                if info.get("language1").is_none_or(|first| first == second) {
                    look.add(format!("{path}/language2"), "another language1 beside it", second);
                }
            });
        },
    },
    Rule {
        id: "started-event-has-charging-state",
        sentence: "The first event of a transaction tells the charging state.",
        severity: Severity::Must,
        versions: V2,
        sender: Some(Role::Station),
        statement: "E-GEN-05",
        check: |look| {
            let event = look.field("TransactionEvent", Part::Request, "/eventType");
            let state = look.payload.pointer("/transactionInfo/chargingState");
            if event.is_some_and(|event| event == "Started") && state.is_none() {
                look.add("/transactionInfo/chargingState".to_owned(), "the charging state", &Value::Null);
            }
        },
    },
    Rule {
        id: "report-criteria-not-both-false",
        sentence: "A customer information request asks for a report, a clearing, or both.",
        severity: Severity::Uncertain,
        versions: V2,
        sender: Some(Role::Csms),
        statement: "N09.FR.07",
        check: |look| {
            let report = look.field("CustomerInformation", Part::Request, "/report");
            let clear = look.field("CustomerInformation", Part::Request, "/clear");
            if let (Some(Value::Bool(false)), Some(clear @ Value::Bool(false))) = (report, clear) {
                look.add("/clear".to_owned(), "report or clear true", clear);
            }
        },
    },
    smart_charging::STACK_LEVEL_16,
    smart_charging::STACK_LEVEL_2,
    smart_charging::RECURRENCY_16,
    smart_charging::START_16,
    smart_charging::START_2,
    smart_charging::NO_START_2,
    smart_charging::FIRST_PERIOD_16,
    smart_charging::FIRST_PERIOD_2,
    smart_charging::ASCENDING,
    smart_charging::EMPTY_SCHEDULE,
    smart_charging::REMOTE_START_PROFILE_16,
    smart_charging::REMOTE_START_PROFILE_2,
    smart_charging::PLACE_16,
    smart_charging::TX_PLACE_2,
    smart_charging::MAX_PLACE_2,
    smart_charging::TRANSACTION_2,
    smart_charging::EXTERNAL,
    smart_charging::MAX_NOT_RELATIVE,
    smart_charging::PHASE_TO_USE,
    smart_charging::DYNAMIC,
    smart_charging::PRIORITY,
];

fn identifier(look: &mut Look<'_>, path: &str, value: Option<&Value>) {
    let is_odd = |c: char| !c.is_ascii_alphanumeric() && !"*-_=:+|@.".contains(c);
    if let Some(value) = value
        && value.as_str().is_some_and(|text| text.contains(is_odd))
    {
        look.add(path.to_owned(), "characters of an identifier only", value);
    }
}

fn unique_list_entries(look: &mut Look<'_>) {
    let list = look.field("SendLocalList", Part::Request, "/localAuthorizationList");
    let mut seen = std::collections::HashSet::new();
    for (at, entry) in list.and_then(Value::as_array).into_iter().flatten().enumerate() {
        let token = match look.version {
            Version::V16 => entry.get("idTag"),
            Version::V201 | Version::V21 => entry.pointer("/idToken/idToken"),
        };
        let kind = entry.pointer("/idToken/type").and_then(Value::as_str);
        if let Some(text) = token.and_then(Value::as_str)
            && !seen.insert((text.to_lowercase(), kind))
        {
            look.add(format!("/localAuthorizationList/{at}"), "a tag that stands only once", &Value::from(text));
        }
    }
}

fn not_in_utc(look: &mut Look<'_>) {
    look.each_value(|look, path, ty, value| {
        if matches!(ty, Type::DateTime) && value.as_str().is_some_and(|text| !text.ends_with(['Z', 'z'])) {
            look.add(path.to_owned(), "a time that ends in Z", value);
        }
    });
}

fn request_id(look: &mut Look<'_>, action: &str) {
    let Some(status) = look.field(action, Part::Request, "/status") else {
        return;
    };
    if status.is_string() && status != "Idle" && look.payload.get("requestId").is_none() {
        look.add("/requestId".to_owned(), "the id of the request", &Value::Null);
    }
}
