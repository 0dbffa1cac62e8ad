//! What a verdict rests on of a rig, as JSON for a trace: no addresses, no drivers, no passwords.

use std::time::Duration;

use protocol::{Role, Version};
use serde_json::{Map, Value, json};

use super::{Capabilities, Connector, Rig, Secret, Timeouts, Token};

impl Rig {
    /// The facts that cases are compiled and judged with.
    pub fn facts(&self) -> Value {
        let tags: Map<String, Value> = self.tags.iter().map(|(name, token)| (name.clone(), token.to_json())).collect();
        let timeouts: Map<String, Value> = Timeouts::NAMES
            .iter()
            .filter_map(|name| {
                let millis = u64::try_from(self.timeouts.class(name)?.as_millis()).ok()?;
                Some(((*name).to_owned(), Value::from(millis)))
            })
            .collect();
        json!({
            "capabilities": self.capabilities.to_json(),
            "connectors": self.connectors.iter().map(|connector| connector.to_json()).collect::<Vec<_>>(),
            "tags": tags,
            "timeouts_ms": timeouts,
            "values": self.values,
            "doubtful_tags": self.doubtful_tags,
            "states_connectors": self.states_connectors,
            "has_password": self.password.is_some(),
        })
    }

    /// A rig with these facts; what is missing or makes no sense keeps its default.
    pub fn from_facts(device: Role, version: Version, facts: &Value) -> Rig {
        let mut rig = Rig::default_for(Some(device)).for_version(version);
        if let Some(said) = facts.get("capabilities") {
            rig.capabilities = Capabilities::from_json(said);
        }
        let number = |value: &Value, key: &str| value.get(key).and_then(Value::as_i64);
        if let Some(connectors) = facts.get("connectors").and_then(Value::as_array) {
            rig.counted = None;
            rig.connectors = connectors
                .iter()
                .filter_map(|connector| {
                    Some(Connector { evse: number(connector, "evse")?, connector: number(connector, "connector")? })
                })
                .collect();
        }
        if let Some(tags) = facts.get("tags").and_then(Value::as_object) {
            let text = |tag: &Value, key: &str| tag.get(key).and_then(Value::as_str).map(str::to_owned);
            rig.tags = tags
                .iter()
                .filter_map(|(name, tag)| {
                    let token =
                        Token { id_token: text(tag, "idToken")?, kind: text(tag, "type"), group: text(tag, "group") };
                    Some((name.clone(), token))
                })
                .collect();
        }
        for (name, millis) in facts.get("timeouts_ms").and_then(Value::as_object).into_iter().flatten() {
            if let Some(millis) = millis.as_u64() {
                rig.timeouts.set(name, Duration::from_millis(millis));
            }
        }
        if let Some(values) = facts.get("values").and_then(Value::as_object) {
            rig.values = values.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        }
        for (name, why) in facts.get("doubtful_tags").and_then(Value::as_object).into_iter().flatten() {
            rig.doubtful_tags.insert(name.clone(), why.as_str().unwrap_or_default().to_owned());
        }
        if facts.get("has_password").and_then(Value::as_bool) == Some(true) {
            rig.password = Some(Secret::new("password", "not told"));
        }
        rig.states_connectors = facts.get("states_connectors").and_then(Value::as_bool).unwrap_or(true);
        rig
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rig_made_from_the_facts_of_another_has_the_same_facts() {
        for device in [Role::Csms, Role::Station] {
            for version in Version::ALL {
                let mut rig = Rig::embedded(device, &peers::StationSettings::standard(version));
                rig.timeouts.reply = Duration::from_millis(1234);
                rig.password = Some(Secret::new("password", "secret"));
                rig.tags.insert("more".to_owned(), Token::new("MORE").in_group("G"));
                rig.doubtful_tags.insert("more".to_owned(), "nobody knows it".to_owned());
                let facts = rig.facts();
                assert_eq!(Rig::from_facts(device, version, &facts).facts(), facts);
            }
        }
    }

    #[test]
    fn facts_that_make_no_sense_are_no_trouble() {
        for facts in [json!(null), json!({ "tags": 1, "connectors": [1], "timeouts_ms": { "reply": -1, "x": 1 } })] {
            Rig::from_facts(Role::Csms, Version::V16, &facts);
        }
    }
}
