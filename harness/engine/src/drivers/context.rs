//! What the names in a template stand for, and fields that are left out on the way.

use std::time::Duration;

use protocol::Role;
use protocol::stimulus::{ArgumentType, Stimulus, observation, verb};
use serde_json::Value;

use super::bound::Task;
use crate::rig::{Field, Filling};

/// Names that every stimulus has.
const ALWAYS: [&str; 5] = ["station", "party", "ocpp", "verb", "with"];

/// Whether a stimulus of this verb can answer for a name. Private verbs can answer for any.
pub(crate) fn provides(party: Role, name: &str, root: &str) -> bool {
    if ALWAYS.contains(&root) || name.starts_with("x-") {
        return true;
    }
    verb(party, name)
        .or_else(|| observation(party, name))
        .is_some_and(|verb| verb.arguments.iter().any(|argument| argument.name == root))
}

impl Filling for Task<'_> {
    fn lookup(&self, path: &[String]) -> Option<Value> {
        let (root, mut rest) = path.split_first()?;
        let mut value = match root.as_str() {
            "station" => self.station.into(),
            "party" => self.stimulus.party.name().into(),
            "ocpp" => self.version.number().into(),
            "verb" => self.stimulus.verb.clone().into(),
            "with" => Value::Object(self.stimulus.with.clone()),
            name => match self.stimulus.with.get(name) {
                Some(value) => value.clone(),
                // A connector left out is the rig's first one.
                None if takes_connector(self.stimulus, name) => self.default_connector?.to_json(),
                None => return None,
            },
        };
        while let Some((part, after)) = rest.split_first() {
            value = match (&value, part.as_str()) {
                (Value::String(text), "kebab") => joined(text, '-').into(),
                (Value::String(text), "snake") => joined(text, '_').into(),
                (Value::Object(object), name) => object.get(name)?.clone(),
                (Value::Array(list), index) => list.get(index.parse::<usize>().ok()?)?.clone(),
                // A token written as its mere text is its own idToken.
                (Value::String(_), "idToken") if after.is_empty() => value,
                _ => return None,
            };
            rest = after;
        }
        Some(value)
    }
}

fn takes_connector(stimulus: &Stimulus, name: &str) -> bool {
    verb(stimulus.party, &stimulus.verb).or_else(|| observation(stimulus.party, &stimulus.verb)).is_some_and(|verb| {
        verb.arguments.iter().any(|argument| argument.name == name && argument.kind == ArgumentType::Connector)
    })
}

/// `RemoteStartTransaction` or `plug in` in small letters with a separator.
pub(super) fn joined(text: &str, separator: char) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let chars: Vec<char> = text.chars().collect();
    for (at, c) in chars.iter().copied().enumerate() {
        if c == ' ' || c == '_' || c == '-' {
            out.push(separator);
            continue;
        }
        let before = at.checked_sub(1).and_then(|at| chars.get(at)).copied();
        let after = chars.get(at + 1).copied();
        // In `GetCRLStatus` the word `Status` begins where a capital is followed by a small letter.
        let begins_word = c.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_ascii_digit()
                    || before.is_uppercase() && after.is_some_and(char::is_lowercase)
            });
        if begins_word {
            out.push(separator);
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// How long a stimulus lasts that has a length, such as a charge; else nothing.
pub(super) fn length(stimulus: &Stimulus) -> Duration {
    let seconds = stimulus.with.get("for").and_then(Value::as_f64);
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or_default()
}

/// Takes away the fields that a driver cannot carry, and says which of them were there.
pub(super) fn leave_out(stimulus: &mut Stimulus, fields: &[Field]) -> Vec<String> {
    let is_send = stimulus.verb == "send";
    let action = stimulus.with.get("action").and_then(Value::as_str).map(str::to_owned);
    let mut gone = Vec::new();
    for field in fields {
        if field.action.is_some() && (!is_send || field.action != action) {
            continue;
        }
        let removed = if is_send {
            if let Some(payload) = stimulus.with.get_mut("payload") {
                remove(payload, &field.path);
            }
            stimulus.with.get_mut("fields").is_some_and(|fields| remove(fields, &field.path))
        } else {
            let mut with = Value::Object(std::mem::take(&mut stimulus.with));
            let removed = remove(&mut with, &field.path);
            if let Value::Object(object) = with {
                stimulus.with = object;
            }
            removed
        };
        if removed {
            gone.push(field.path.join("."));
        }
    }
    gone
}

fn remove(value: &mut Value, path: &[String]) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return false;
    };
    match value {
        Value::Object(object) if rest.is_empty() => object.shift_remove(first).is_some(),
        Value::Object(object) => object.get_mut(first).is_some_and(|inner| remove(inner, rest)),
        Value::Array(items) => {
            let mut gone = false;
            for item in items {
                gone |= remove(item, path);
            }
            gone
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn action_names_become_kebab_case() {
        for (action, kebab) in [
            ("RemoteStartTransaction", "remote-start-transaction"),
            ("GetLocalListVersion", "get-local-list-version"),
            ("Reset", "reset"),
            ("plug in", "plug-in"),
            ("Get15118EVCertificate", "get15118-ev-certificate"),
            ("NotifyCRL", "notify-crl"),
        ] {
            assert_eq!(joined(action, '-'), kebab);
        }
    }

    #[test]
    fn fields_that_cannot_be_carried_are_taken_out_wherever_they_stand() {
        let mut stimulus = Stimulus {
            party: Role::Csms,
            verb: "send".to_owned(),
            with: json!({
                "action": "SetChargingProfile",
                "fields": { "connectorId": 1, "periods": [{ "limit": 1, "phases": 3 }, { "limit": 2 }] }
            })
            .as_object()
            .unwrap()
            .clone(),
        };
        let fields = ["periods.phases", "Reset.connectorId", "SetChargingProfile.absent"]
            .map(|text| Field::parse(text).unwrap());
        assert_eq!(leave_out(&mut stimulus, &fields), ["periods.phases"]);
        assert_eq!(
            Value::Object(stimulus.with)["fields"].to_string(),
            r#"{"connectorId":1,"periods":[{"limit":1},{"limit":2}]}"#
        );
    }
}
