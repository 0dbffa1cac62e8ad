//! Reading and writing variables (use cases B05 and B06).

use serde_json::{Map, Value, json};

use super::calls::Answer;
use super::charging_station::ChargingStation;
use super::device_model::{Access, Kind, MOST_ITEMS, Variable};

/// Which component a request names.
pub(super) struct Named<'a> {
    component: &'a str,
    instance: Option<&'a str>,
    pub(super) evse: Option<u32>,
    pub(super) connector: Option<u32>,
    /// A number that no EVSE or connector can have.
    impossible: bool,
}

impl<'a> Named<'a> {
    pub(super) fn read(component: &'a Value) -> Named<'a> {
        let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
        let evse = component.get("evse").filter(|evse| evse.is_object());
        let id = evse.and_then(|evse| evse.get("id"));
        let connector = evse.and_then(|evse| evse.get("connectorId"));
        Named {
            component: component["name"].as_str().unwrap_or(""),
            instance: component["instance"].as_str(),
            impossible: [id, connector].into_iter().flatten().any(|value| number(value).is_none()),
            evse: id.and_then(number),
            connector: connector.and_then(number),
        }
    }

    /// Exactly this component.
    fn is(&self, variable: &Variable) -> bool {
        self.covers(variable) && variable.evse == self.evse && variable.connector == self.connector
    }

    /// This component, or one that the request leaves open (B08.FR.22, B08.FR.23).
    pub(super) fn covers(&self, variable: &Variable) -> bool {
        !self.impossible
            && self.instance.is_none()
            && variable.component.eq_ignore_ascii_case(self.component)
            && (self.evse.is_none() || variable.evse == self.evse)
            && (self.connector.is_none() || variable.connector == self.connector)
    }
}

/// Where a variable stands in the model, or what about it is unknown.
type Found = Result<usize, &'static str>;

impl ChargingStation {
    pub(super) fn get_variables(&mut self, request: &Map<String, Value>) -> Answer {
        let asked = items(request, "getVariableData")?;
        let mut results = Vec::new();
        for item in asked {
            let mut result = self.read_variable(item);
            let unknown = result["attributeStatus"] != "Accepted";
            if unknown && self.faults.hits("station-leaves-out-unknown-variables") {
                continue;
            }
            repeat_key(&mut result, item);
            results.push(result);
        }
        Ok(json!({ "getVariableResult": results }))
    }

    /// A value that a defect takes although it does not fit.
    fn takes_all_the_same(&mut self, at: usize, value: &str) -> bool {
        let variable = &self.storage.model.variables[at];
        let Kind::Integer(_, max) = variable.kind else { return false };
        let is_heartbeat = variable.name == "HeartbeatInterval";
        if variable.access == Access::ReadOnly {
            return false;
        }
        let digits = value.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && digits < value.len() {
            return self.faults.hits("station-takes-numbers-with-a-tail");
        }
        if value.parse::<u64>().is_ok_and(|number| i64::try_from(number).map_or(true, |number| number > max)) {
            return self.faults.hits("station-wraps-large-numbers");
        }
        is_heartbeat && digits == 0 && self.faults.hits("station-floods-after-a-bad-interval")
    }

    /// What is stored of a value.
    fn misread(&self, at: usize, value: &str) -> String {
        let kind = self.storage.model.variables[at].kind;
        let large =
            |number: &u64| matches!(kind, Kind::Integer(_, max) if i64::try_from(*number).map_or(true, |n| n > max));
        match value.parse::<u64>().ok().filter(large) {
            Some(number) => (number & 0xffff).to_string(),
            None => value.to_owned(),
        }
    }

    fn read_variable(&mut self, item: &Value) -> Value {
        let status = match self.find_variable(item) {
            Err(status) => status,
            Ok(_) if !is_actual(item) => "NotSupportedAttributeType",
            Ok(at) => match &self.storage.model.variables[at] {
                variable if variable.access == Access::WriteOnly && !self.faults.hits("station-shows-its-password") => {
                    "Rejected"
                }
                variable => {
                    return json!({ "attributeStatus": "Accepted", "attributeValue": self.value_of(variable) });
                }
            },
        };
        json!({ "attributeStatus": status })
    }

    pub(super) fn set_variables(&mut self, request: &Map<String, Value>) -> Answer {
        let asked = items(request, "setVariableData")?;
        let mut results = Vec::new();
        for item in asked {
            let status = self.write_variable(item);
            let mut result = json!({ "attributeStatus": status });
            repeat_key(&mut result, item);
            results.push(result);
        }
        Ok(json!({ "setVariableResult": results }))
    }

    fn write_variable(&mut self, item: &Value) -> &'static str {
        let at = match self.find_variable(item) {
            Ok(at) => at,
            Err(status) => return status,
        };
        if !is_actual(item) {
            return "NotSupportedAttributeType";
        }
        let value = item["attributeValue"].as_str().unwrap_or("").trim();
        let variable = &self.storage.model.variables[at];
        if !variable.takes(value) && !self.takes_all_the_same(at, value) {
            if self.storage.model.variables[at].access != Access::ReadOnly
                && self.faults.hits("station-keeps-what-it-rejects")
            {
                value.clone_into(&mut self.storage.model.variables[at].value);
            }
            return "Rejected";
        }
        let variable = &self.storage.model.variables[at];
        if variable.access == Access::ReadOnly && !self.faults.hits("station-sets-read-only-variables") {
            return "Rejected";
        }
        if self.faults.hits("station-forgets-accepted-variables") {
            return "Accepted";
        }
        let value = self.misread(at, value);
        let variable = &mut self.storage.model.variables[at];
        variable.value = value;
        match (variable.component, variable.name) {
            ("OCPPCommCtrlr", "HeartbeatInterval") => self.schedule_heartbeat(),
            ("AlignedDataCtrlr", "Interval") => self.schedule_aligned(),
            ("SampledDataCtrlr", "TxUpdatedInterval" | "TxEndedInterval") => self.schedule_samples(),
            // The new password is used from the next connection on, which is now.
            ("SecurityCtrlr", "BasicAuthPassword") => self.reconnect_after_answer = true,
            _ => {}
        }
        "Accepted"
    }

    fn find_variable(&self, item: &Value) -> Found {
        let named = Named::read(&item["component"]);
        let variables = &self.storage.model.variables;
        if !variables.iter().any(|variable| named.is(variable)) {
            return Err("UnknownComponent");
        }
        let name = item["variable"]["name"].as_str().unwrap_or("");
        let instance = item["variable"]["instance"].as_str();
        let same_instance = |variable: &Variable| match (variable.instance, instance) {
            (Some(own), Some(asked)) => own.eq_ignore_ascii_case(asked),
            (None, None) => true,
            _ => false,
        };
        variables
            .iter()
            .position(|variable| {
                named.is(variable) && variable.name.eq_ignore_ascii_case(name) && same_instance(variable)
            })
            .ok_or("UnknownVariable")
    }

    /// The present value, also of variables that only show something.
    pub(super) fn value_of(&self, variable: &Variable) -> String {
        match (variable.component, variable.name, variable.evse) {
            ("ClockCtrlr", "DateTime", _) => self.clock().to_string(),
            ("ChargingStation", "AvailabilityState", _) => self.station_state().to_owned(),
            (_, "AvailabilityState", Some(id)) => self.connector_status(id).to_owned(),
            ("ConnectorPlugRetentionLock", _, Some(id)) => {
                self.evse(id).is_some_and(|evse| evse.lock_failed).to_string()
            }
            _ => variable.value.clone(),
        }
    }
}

fn is_actual(item: &Value) -> bool {
    item.get("attributeType").is_none_or(|kind| kind == "Actual")
}

/// The items of a request, if there are not too many (B06.FR.16).
fn items<'a>(request: &'a Map<String, Value>, name: &str) -> Result<&'a [Value], &'static str> {
    let items = request.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if items.len() > MOST_ITEMS { Err("OccurrenceConstraintViolation") } else { Ok(items) }
}

/// A result says what it is about (B05.FR.02, B05.FR.03, B05.FR.12).
fn repeat_key(result: &mut Value, item: &Value) {
    result["component"] = item["component"].clone();
    result["variable"] = item["variable"].clone();
    result["attributeType"] = item.get("attributeType").cloned().unwrap_or_else(|| "Actual".into());
}
