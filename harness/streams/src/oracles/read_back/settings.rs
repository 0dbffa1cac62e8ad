//! Settings as they stand in messages, and whether two values mean the same.

use protocol::Version;
use protocol::configuration;
use serde_json::{Value, json};

use super::distinct;

/// Whether a key of 1.6 is one of the standard, whose value does not change by itself.
pub(super) fn is_standard(key: &str) -> bool {
    configuration::key(key).is_some()
}

/// Whether a standard key of 1.6 that holds a whole number would hold something that is no number at all.
pub(super) fn is_no_number(key: &str, value: &str) -> bool {
    let whole = configuration::key(key).is_some_and(|key| key.ty == configuration::KeyType::Integer);
    whole && value.trim().parse::<f64>().is_err()
}

/// Whether two texts mean the same value: case, spaces, leading zeros and the order of a list do not matter.
pub(super) fn alike(a: &str, b: &str) -> bool {
    let (a, b) = (a.trim(), b.trim());
    if a.eq_ignore_ascii_case(b) {
        return true;
    }
    if let (Ok(a), Ok(b)) = (a.parse::<f64>(), b.parse::<f64>()) {
        return a == b;
    }
    let items = |text: &str| {
        let mut items: Vec<String> = text.split(',').map(|item| item.trim().to_lowercase()).collect();
        items.sort();
        items.dedup();
        items
    };
    (a.contains(',') || b.contains(',')) && items(a) == items(b)
}

/// Keys in lower case with their values, from the result of GetConfiguration.
pub(super) fn of_configuration(payload: &Value) -> impl Iterator<Item = (String, String)> + '_ {
    payload.get("configurationKey").and_then(Value::as_array).into_iter().flatten().filter_map(|item| {
        let key = item.get("key")?.as_str()?.to_lowercase();
        Some((key, item.get("value").and_then(Value::as_str).unwrap_or("").to_owned()))
    })
}

/// Keys in lower case, and whether each is read-only, from the result of GetConfiguration.
pub(super) fn access(payload: &Value) -> impl Iterator<Item = (String, bool)> + '_ {
    payload
        .get("configurationKey")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|item| Some((item.get("key")?.as_str()?.to_lowercase(), item.get("readonly")?.as_bool()?)))
}

/// A variable of 2.x that was set.
pub(super) struct Variable {
    component: Value,
    variable: Value,
    attribute: Option<String>,
    pub(super) value: String,
}

/// The variables of a request that were answered with this status; none if one stands in it twice.
pub(super) fn of_variables(request: &Value, payload: &Value, status: &str) -> Vec<Variable> {
    let list = |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let results = list(payload, "setVariableResult");
    let variables: Vec<Variable> = list(request, "setVariableData").iter().filter_map(Variable::read).collect();
    let names: Vec<String> = variables.iter().map(Variable::name).collect();
    if !distinct(&names) {
        return Vec::new();
    }
    let has_status = |variable: &Variable| {
        results
            .iter()
            .any(|result| variable.is(result) && result.get("attributeStatus").and_then(Value::as_str) == Some(status))
    };
    variables.into_iter().filter(has_status).take(4).collect()
}

/// The names of variables with their values, from the result of GetVariables.
pub(super) fn values(payload: &Value) -> impl Iterator<Item = (String, String)> + '_ {
    let results = payload.get("getVariableResult").and_then(Value::as_array).into_iter().flatten();
    results.filter_map(|result| {
        let accepted = result.get("attributeStatus").and_then(Value::as_str) == Some("Accepted");
        let variable = Variable::read(result).filter(|_| accepted)?;
        Some((variable.name(), variable.value))
    })
}

impl Variable {
    fn read(item: &Value) -> Option<Variable> {
        Some(Variable {
            component: item.get("component")?.clone(),
            variable: item.get("variable")?.clone(),
            attribute: item.get("attributeType").and_then(Value::as_str).map(str::to_owned),
            value: item.get("attributeValue")?.as_str()?.to_owned(),
        })
    }

    /// As an item of GetVariables.
    pub(super) fn asked(&self) -> Value {
        let mut item = json!({ "component": self.component, "variable": self.variable });
        if let Some(attribute) = &self.attribute {
            item["attributeType"] = attribute.clone().into();
        }
        item
    }

    /// Its status and value in the result of GetVariables.
    pub(super) fn found_in(&self, payload: &Value) -> Option<(String, Option<String>)> {
        let results = payload.get("getVariableResult").and_then(Value::as_array)?;
        let result = results.iter().find(|result| self.is(result))?;
        let status = result.get("attributeStatus").and_then(Value::as_str)?.to_owned();
        Some((status, result.get("attributeValue").and_then(Value::as_str).map(str::to_owned)))
    }

    /// `OCPPCommCtrlr.HeartbeatInterval`, with what tells it from others.
    pub(super) fn name(&self) -> String {
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or("").to_lowercase();
        let (component, variable) = (&self.component, &self.variable);
        let mut name = format!("{}.{}", text(component, "name"), text(variable, "name"));
        for part in [text(component, "instance"), text(variable, "instance")] {
            if !part.is_empty() {
                name.push_str(&format!("[{part}]"));
            }
        }
        if let Some(evse) = component.get("evse") {
            name.push_str(&evse.to_string());
        }
        if let Some(attribute) = self.attribute.as_deref().filter(|attribute| *attribute != "Actual") {
            name.push_str(&format!(" ({attribute})"));
        }
        name
    }

    /// Whether its value is its own, and does not change by itself.
    pub(super) fn is_standard(&self) -> bool {
        let name = self.variable.get("name").and_then(Value::as_str).unwrap_or("");
        name != "DateTime"
            && configuration::variables(Version::V21).any(|known| known.variable.eq_ignore_ascii_case(name))
    }

    /// Whether it holds whole numbers, and would hold something that is no number at all.
    pub(super) fn is_no_number(&self) -> bool {
        let text = |value: &Value| value.get("name").and_then(Value::as_str).unwrap_or("").to_owned();
        let plain = self.attribute.as_deref().is_none_or(|attribute| attribute == "Actual");
        plain
            && configuration::is_whole(&text(&self.component), &text(&self.variable))
            && self.value.trim().parse::<f64>().is_err()
    }

    fn is(&self, result: &Value) -> bool {
        let other = Variable {
            component: result.get("component").cloned().unwrap_or_default(),
            variable: result.get("variable").cloned().unwrap_or_default(),
            attribute: result.get("attributeType").and_then(Value::as_str).map(str::to_owned),
            value: String::new(),
        };
        self.name() == other.name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_by_what_they_mean() {
        for (a, b) in [("60", "060"), ("True", "true"), (" a ", "A"), ("A,B", "b, a"), ("6e1", "60.0")] {
            assert!(alike(a, b), "{a} {b}");
        }
        for (a, b) in [("60", "61"), ("60abc", "60"), ("", "0"), ("A,B", "A")] {
            assert!(!alike(a, b), "{a} {b}");
        }
    }
}
