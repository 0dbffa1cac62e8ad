//! The rules themselves.

use serde_json::Value;

use super::{Breach, Part, Rule, Severity, smart_charging};
use crate::catalogue::{Catalogue, Object, Type};
use crate::decimal::Decimal;
use crate::frame::shown;
use crate::{Role, Version};

const V16: &[Version] = &[Version::V16];
const V201: &[Version] = &[Version::V201];
const V2: &[Version] = &[Version::V201, Version::V21];
const ALL: &[Version] = &Version::ALL;

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
        severity: Severity::Must,
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
        severity: Severity::Must,
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
        statement: "16-MV-07",
        check: |look| look.not_empty(&["sampledValue"]),
    },
    Rule {
        id: "meter-values-without-values",
        sentence: "MeterValues carries at least one meter value.",
        severity: Severity::Must,
        versions: V16,
        sender: Some(Role::Station),
        statement: "16-MV-01",
        check: |look| look.not_empty(&["meterValue"]),
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
                && version.as_i64().is_some_and(|number| number < 1)
            {
                look.add("/listVersion".to_owned(), "1 or more", version);
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
        id: "list-without-duplicates",
        sentence: "A tag stands once in an update of the local list.",
        severity: Severity::Must,
        versions: ALL,
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
        versions: ALL,
        sender: None,
        statement: "R-170",
        check: |look| {
            look.each_value(|look, path, ty, value| {
                if matches!(ty, Type::DateTime) && value.as_str().is_some_and(|text| !text.ends_with(['Z', 'z'])) {
                    look.add(path.to_owned(), "a time that ends in Z", value);
                }
            });
        },
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
        sender: None,
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
        statement: "R-011",
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
        sentence: "A firmware status other than Idle carries its requestId.",
        severity: Severity::Must,
        versions: ALL,
        sender: Some(Role::Station),
        statement: "16-SEC-18",
        check: |look| {
            let action = match look.version {
                Version::V16 => "SignedFirmwareStatusNotification",
                Version::V201 | Version::V21 => "FirmwareStatusNotification",
            };
            let Some(status) = look.field(action, Part::Request, "/status") else {
                return;
            };
            if status.is_string() && status != "Idle" && look.payload.get("requestId").is_none() {
                look.add("/requestId".to_owned(), "the id of the request", &Value::Null);
            }
        },
    },
    Rule {
        id: "second-language",
        sentence: "A second language comes only with a first, and is another one.",
        severity: Severity::Must,
        versions: V2,
        sender: Some(Role::Csms),
        statement: "C01.FR.08",
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
        severity: Severity::Should,
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
    smart_charging::STACK_LEVEL,
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
    smart_charging::PLACE_2,
    smart_charging::TRANSACTION_2,
    smart_charging::EXTERNAL,
    smart_charging::MAX_NOT_RELATIVE,
    smart_charging::PHASE_TO_USE,
];

/// What a rule looks at.
pub(crate) struct Look<'a> {
    pub(super) rule: &'static Rule,
    pub(super) version: Version,
    pub(super) action: &'a str,
    pub(super) part: Part,
    pub(super) payload: &'a Value,
    pub(super) breaches: &'a mut Vec<Breach>,
}

impl<'a> Look<'a> {
    pub(super) fn add(&mut self, path: String, expected: &str, actual: &Value) {
        // A hostile payload must not fill our memory.
        const MOST: usize = 100;
        if self.breaches.len() < MOST {
            self.breaches.push(Breach {
                rule: self.rule,
                path,
                expected: expected.to_owned(),
                actual: match actual {
                    Value::Null => "nothing".to_owned(),
                    other => shown(other),
                },
            });
        }
    }

    /// The value at a path if this is the message that is meant.
    pub(super) fn field(&self, action: &str, part: Part, path: &str) -> Option<&'a Value> {
        (self.action == action && self.part == part).then(|| self.payload.pointer(path)).flatten()
    }

    fn above_zero(&mut self, action: &str, path: &str) {
        if let Some(value) = self.field(action, Part::Request, path)
            && value.as_i64().is_some_and(|number| number < 1)
        {
            self.add(path.to_owned(), "more than 0", value);
        }
    }

    /// Fields of these names, wherever they stand, are not negative.
    fn not_negative(&mut self, names: &[&str]) {
        self.each_value(|look, path, _, value| {
            let name = path.rsplit('/').next().unwrap_or_default();
            if names.contains(&name) && is_negative(value) {
                look.add(path.to_owned(), "0 or more", value);
            }
        });
    }

    /// Lists of these names, wherever they stand, are not empty.
    pub(super) fn not_empty(&mut self, names: &[&str]) {
        self.each_value(|look, path, _, value| {
            let name = path.rsplit('/').next().unwrap_or_default();
            if names.contains(&name) && value.as_array().is_some_and(Vec::is_empty) {
                look.add(path.to_owned(), "at least one item", value);
            }
        });
    }

    /// Calls back for every object of a type, with its path.
    pub(super) fn each(&mut self, name: &str, mut then: impl FnMut(&mut Self, &str, &'a Value)) {
        self.each_value(|look, path, ty, value| {
            if let Type::Object(object) = ty
                && object.name.as_deref() == Some(name)
            {
                then(look, path, value);
            }
        });
    }

    /// Calls back for every value that the catalogue knows, with its path and type.
    pub(super) fn each_value(&mut self, mut then: impl FnMut(&mut Self, &str, &Type, &'a Value)) {
        let Some(message) = Catalogue::of(self.version).message(self.action) else {
            return;
        };
        let object = match self.part {
            Part::Request => Some(&*message.request),
            Part::Response => message.response(),
        };
        if let Some(object) = object {
            let mut found = Vec::new();
            let mut path = String::new();
            walk_object(object, self.payload, &mut path, &mut found);
            for (path, ty, value) in found {
                then(self, &path, ty, value);
            }
        }
    }
}

type Found<'c, 'v> = Vec<(String, &'c Type, &'v Value)>;

fn walk_object<'c, 'v>(object: &'c Object, value: &'v Value, path: &mut String, found: &mut Found<'c, 'v>) {
    for field in &object.fields {
        if let Some(below) = value.get(&field.name) {
            let depth = path.len();
            path.push('/');
            path.push_str(&field.name);
            walk(&field.ty, below, path, found);
            path.truncate(depth);
        }
    }
}

fn walk<'c, 'v>(ty: &'c Type, value: &'v Value, path: &mut String, found: &mut Found<'c, 'v>) {
    // A list of a million items tells no more than its first thousands.
    const MOST: usize = 10_000;
    if found.len() >= MOST {
        return;
    }
    found.push((path.clone(), ty, value));
    match (ty, value) {
        (Type::Object(object), _) => walk_object(object, value, path, found),
        (Type::List { item, .. }, Value::Array(items)) => {
            for (at, below) in items.iter().enumerate() {
                let depth = path.len();
                path.push_str(&format!("/{at}"));
                walk(item, below, path, found);
                path.truncate(depth);
            }
        }
        _ => {}
    }
}

fn is_negative(value: &Value) -> bool {
    value.as_f64().is_some_and(|number| number < 0.0)
}

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
