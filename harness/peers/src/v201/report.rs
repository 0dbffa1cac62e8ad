//! Reports of the device model (use cases B07 and B08).

use serde_json::{Map, Value, json};

use super::charging_station::{ChargingStation, Sent};
use super::device_model::{Access, Variable};
use super::variables::Named;

/// How many variables one NotifyReport carries.
const VARIABLES_A_PART: usize = 20;
/// How many messages may wait before further reports are refused.
const MOST_WAITING: usize = 1_000;

impl ChargingStation {
    pub(super) fn get_base_report(&mut self, request: &Map<String, Value>) -> Value {
        let base = request.get("reportBase").and_then(Value::as_str).unwrap_or("");
        let reported: Vec<usize> = self.places(|variable| match base {
            "ConfigurationInventory" => variable.access != Access::ReadOnly,
            "SummaryInventory" => matches!(variable.name, "AvailabilityState" | "Problem"),
            _ => true,
        });
        self.report(request, &reported)
    }

    pub(super) fn get_report(&mut self, request: &Map<String, Value>) -> Value {
        let list = |name: &str| request.get(name).and_then(Value::as_array);
        let criteria: Vec<&str> = list("componentCriteria").into_iter().flatten().filter_map(Value::as_str).collect();
        let chosen = list("componentVariable");
        let reported = self.places(|variable| {
            let named = chosen.is_none_or(|chosen| chosen.iter().any(|one| covers(one, variable)));
            named && self.meets(variable, &criteria)
        });
        if reported.is_empty() {
            return json!({ "status": "EmptyResultSet" });
        }
        self.report(request, &reported)
    }

    fn places(&self, chosen: impl Fn(&Variable) -> bool) -> Vec<usize> {
        let variables = self.storage.model.variables.iter().enumerate();
        variables.filter(|(_, variable)| chosen(variable)).map(|(at, _)| at).collect()
    }

    /// Whether the component of a variable meets one of the criteria (B08.FR.07 to B08.FR.13).
    fn meets(&self, variable: &Variable, criteria: &[&str]) -> bool {
        let state = |name: &str| {
            let same = |other: &&Variable| {
                other.component == variable.component
                    && other.evse == variable.evse
                    && other.connector == variable.connector
                    && other.name == name
            };
            self.storage.model.variables.iter().find(same).map(|found| self.value_of(found) == "true")
        };
        criteria.is_empty()
            || criteria.iter().any(|criterion| match *criterion {
                "Problem" => state("Problem") == Some(true),
                other => state(other) != Some(false),
            })
    }

    fn report(&mut self, request: &Map<String, Value>, reported: &[usize]) -> Value {
        if self.outbox.len() > MOST_WAITING {
            return json!({ "status": "Rejected" });
        }
        let mut request_id = request.get("requestId").cloned().unwrap_or_default();
        if self.faults.hits("station-reports-under-another-id") {
            request_id = 1.into();
        }
        let first = i64::from(self.faults.hits("station-numbers-reports-from-one"));
        let says_last = self.faults.hits("station-calls-every-part-the-last");
        let parts: Vec<Vec<Value>> = reported
            .chunks(VARIABLES_A_PART)
            .map(|part| part.iter().map(|at| self.report_variable(&self.storage.model.variables[*at])).collect())
            .collect();
        let last = parts.len().saturating_sub(1);
        for (number, part) in parts.into_iter().enumerate() {
            let payload = json!({
                "requestId": request_id,
                "generatedAt": self.timestamp(),
                "seqNo": first + i64::try_from(number).unwrap_or(i64::MAX),
                "tbc": number < last && !says_last,
                "reportData": part,
            });
            self.post("NotifyReport", payload, Sent::Other, true);
        }
        json!({ "status": "Accepted" })
    }

    fn report_variable(&self, variable: &Variable) -> Value {
        let mut component = json!({ "name": variable.component });
        if let Some(id) = variable.evse {
            component["evse"] = json!({ "id": id });
            if let Some(number) = variable.connector {
                component["evse"]["connectorId"] = number.into();
            }
        }
        let mut name = json!({ "name": variable.name });
        if let Some(instance) = variable.instance {
            name["instance"] = instance.into();
        }
        let mut attribute = json!({
            "type": "Actual",
            "mutability": variable.access.name(),
            "persistent": variable.access != Access::ReadOnly,
            "constant": false,
        });
        // What is only written is not shown (B07.FR.03).
        if variable.access != Access::WriteOnly {
            attribute["value"] = self.value_of(variable).into();
        }
        let mut characteristics = json!({ "dataType": variable.data_type(), "supportsMonitoring": false });
        if let Some(unit) = variable.unit {
            characteristics["unit"] = unit.into();
        }
        if let Some((min, max)) = variable.bounds() {
            characteristics["minLimit"] = min.into();
            characteristics["maxLimit"] = max.into();
        }
        if let Some(words) = variable.words() {
            characteristics["valuesList"] = words.into();
        }
        json!({
            "component": component,
            "variable": name,
            "variableAttribute": [attribute],
            "variableCharacteristics": characteristics,
        })
    }
}

/// Whether an element of the request's list means this variable; what it leaves out is open.
fn covers(element: &Value, variable: &Variable) -> bool {
    let name = element["variable"]["name"].as_str();
    let instance = element["variable"]["instance"].as_str();
    Named::read(&element["component"]).covers(variable)
        && name.is_none_or(|name| variable.name.eq_ignore_ascii_case(name))
        && instance.is_none_or(|asked| variable.instance.is_some_and(|own| own.eq_ignore_ascii_case(asked)))
}
