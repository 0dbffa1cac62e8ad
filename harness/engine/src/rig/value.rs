//! What a case reads as `rig.…`.

use std::time::Duration;

use serde_json::{Number, Value, json};

use super::{Connector, Rig, Token};

/// A typed value of a rig.
#[derive(Clone, Debug, PartialEq)]
pub enum RigValue {
    /// `rig.connector`
    Connector(Connector),
    /// `rig.connectors`
    Connectors(Vec<Connector>),
    /// `rig.tags.valid`
    Token(Token),
    /// `rig.identities`
    Texts(Vec<String>),
    /// A word.
    Text(String),
    /// A number.
    Number(Number),
    /// `rig.timeouts.reply`
    Duration(Duration),
    /// Any other structure under `values:`.
    Other(Value),
}

impl RigValue {
    /// The value as it is bound to a name: records as objects, a duration as its seconds.
    pub fn to_json(&self) -> Value {
        match self {
            RigValue::Connector(connector) => connector.to_json(),
            RigValue::Connectors(list) => list.iter().map(|one| one.to_json()).collect(),
            RigValue::Token(token) => token.to_json(),
            RigValue::Texts(list) => list.clone().into(),
            RigValue::Text(text) => text.clone().into(),
            RigValue::Number(number) => Value::Number(number.clone()),
            RigValue::Duration(time) if time.subsec_nanos() == 0 => time.as_secs().into(),
            RigValue::Duration(time) => json!(time.as_secs_f64()),
            RigValue::Other(value) => value.clone(),
        }
    }
}

impl Rig {
    /// The value of a path without `rig.`: `connector`, `connectors`, `connectors.1` (counted from 0),
    /// `tags.NAME`, `identity`, `identities`, `password`, `timeouts.NAME`, and every path under `values:`.
    /// A path into a record gives its field: `connector.evse`, `tags.valid.idToken`.
    pub fn value(&self, path: &str) -> Option<RigValue> {
        let parts: Vec<&str> = path.split('.').collect();
        let (value, rest) = match *parts.as_slice() {
            ["connector", ref rest @ ..] => (RigValue::Connector(*self.connectors.first()?), rest),
            ["connectors"] => (RigValue::Connectors(self.connectors.clone()), &[][..]),
            ["connectors", index, ref rest @ ..] => {
                let index: usize = index.parse().ok()?;
                (RigValue::Connector(*self.connectors.get(index)?), rest)
            }
            ["tags", name, "otherCase"] => (RigValue::Token(self.tags.get(name)?.in_other_case()), &[][..]),
            ["tags", name, "beginningAlike"] => (RigValue::Token(self.tags.get(name)?.beginning_alike()), &[][..]),
            ["tags", name, ref rest @ ..] => (RigValue::Token(self.tags.get(name)?.clone()), rest),
            ["identity"] => (RigValue::Text(self.identities.first()?.clone()), &[][..]),
            ["identities"] => (RigValue::Texts(self.identities.clone()), &[][..]),
            ["identities", index] => {
                let index: usize = index.parse().ok()?;
                (RigValue::Text(self.identities.get(index)?.clone()), &[][..])
            }
            ["password"] => {
                let text = self.password.as_ref()?.expose().to_owned();
                (RigValue::Text(text), &[][..])
            }
            ["timeouts", name] => (RigValue::Duration(self.timeouts.class(name)?), &[][..]),
            [name, ref rest @ ..] => (typed(self.values.get(name)?.clone()), rest),
            [] => return None,
        };
        if rest.is_empty() {
            return Some(value);
        }
        let json = value.to_json();
        let inner = rest.iter().try_fold(&json, |value, part| match value {
            Value::Object(object) => object.get(*part),
            Value::Array(list) => list.get(part.parse::<usize>().ok()?),
            _ => None,
        })?;
        Some(typed(inner.clone()))
    }
}

fn typed(value: Value) -> RigValue {
    match value {
        Value::String(text) => RigValue::Text(text),
        Value::Number(number) => RigValue::Number(number),
        other => RigValue::Other(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_reach_records_lists_fields_and_free_values() {
        let mut rig = Rig::default_for(None);
        rig.values.insert("monitor".to_owned(), json!({ "periodic": { "component": { "name": "OCPPCommCtrlr" } } }));
        let text = |path: &str| rig.value(path).map(|value| value.to_json().to_string());
        assert_eq!(text("connector").as_deref(), Some(r#"{"evse":1,"connector":1}"#));
        assert_eq!(text("connectors.1.evse").as_deref(), Some("2"));
        assert_eq!(text("tags.valid.idToken").as_deref(), Some(r#""TAG-VALID""#));
        assert_eq!(text("tags.valid.otherCase").map(|token| token.contains(r#""tag-valid""#)), Some(true));
        let alike = text("tags.valid.beginningAlike").unwrap();
        assert!(alike.contains(r#""TAG-VALID-PLUGFEST""#), "{alike}");
        assert_eq!(Token::new("0123456789ABCDEF0123").beginning_alike().id_token, "0123456789ABCDEF01PF");
        assert_eq!(text("timeouts.reply").as_deref(), Some("30"));
        assert_eq!(text("monitor.periodic.component.name").as_deref(), Some(r#""OCPPCommCtrlr""#));
        assert_eq!(text("identities.0").as_deref(), Some(r#""PLUGFEST-1""#));
        let tags: std::collections::BTreeSet<&str> = rig.tags.keys().map(String::as_str).collect();
        assert_eq!(tags, script::RIG_TAGS.into(), "what the checker of cases takes for granted");
        for nothing in ["", "tags", "tags.vaild", "connectors.9", "connector.colour", "password"] {
            assert_eq!(text(nothing), None, "{nothing}");
        }
    }
}
