//! What a generator may look at while it chooses the next act.

use std::collections::{BTreeMap, VecDeque};

use protocol::{Role, Timestamp, Version};
use serde_json::Value;

use crate::Act;
use crate::generate::Allowed;
use crate::model::Model;

/// The episode as a generator sees it.
pub struct View<'a> {
    /// The side of the device.
    pub device: Role,
    /// The version spoken.
    pub version: Version,
    /// The time.
    pub now: Timestamp,
    /// What is known of the state of the device.
    pub model: &'a Model,
    /// Values learned from the device.
    pub known: &'a Known,
    /// Our links by their number.
    pub links: &'a BTreeMap<usize, LinkView>,
    /// How many identities the rig has; 1 towards a station.
    pub identities: usize,
    /// Tokens of the rig by name: `valid`, `blocked`, …
    pub tokens: &'a BTreeMap<String, String>,
    /// How many connectors the rig says there are.
    pub connectors: i64,
    /// How many acts have been done.
    pub acts: usize,
    /// What must not be sent.
    pub allowed: &'a Allowed,
    /// The verbs that the device can be made to do from outside the wire: `plug in`, `send Reset`.
    pub drivable: &'a [String],
    /// The longest that it makes sense to let time go by, in milliseconds: where time is real, everybody waits, and no
    /// more than another round trip goes by.
    pub longest_pass_ms: u64,
    /// An address to hide in texts, if a canary listens: `127.0.0.1:40123`.
    pub canary: Option<&'a str>,
}

impl View<'_> {
    /// Whether a link that ends is gone for a while: a real station comes back when it wants to.
    pub(crate) fn has_slow_returns(&self) -> bool {
        self.device == Role::Station && self.longest_pass_ms < u64::MAX
    }

    /// The same act, with no more time in it than makes sense here. What is kept is the act as it is done.
    pub(crate) fn in_time(&self, act: Act) -> Act {
        match act {
            Act::Pass { ms } => Act::Pass { ms: ms.min(self.longest_pass_ms) },
            other => other,
        }
    }
}

/// A link as a generator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkView {
    /// Which identity of the rig.
    pub identity: usize,
    /// Whether it is open.
    pub open: bool,
}

/// Values that the device told, newest last, by the field they stood in: `transactionId`, `reservationId`, ….
#[derive(Clone, Debug, Default)]
pub struct Known(BTreeMap<String, VecDeque<Value>>);

/// Fields whose values later messages refer to.
pub const LEARNED: &[&str] = &[
    "transactionId",
    "reservationId",
    "chargingProfileId",
    "listVersion",
    "versionNumber",
    "requestId",
    "idTag",
    "parentIdTag",
    "evseId",
    "connectorId",
    "key",
    "id",
    "monitoringId",
    "certificateHashData",
];

/// Newer values push older ones out.
const KEPT: usize = 16;

impl Known {
    /// Learns from a payload of the device, or from one of ours that it accepted.
    pub fn learn(&mut self, payload: &Value) {
        let mut waiting = vec![payload];
        let mut looked_at = 0;
        while let Some(value) = waiting.pop() {
            looked_at += 1;
            if looked_at > 1000 {
                return;
            }
            match value {
                Value::Object(map) => {
                    for (name, value) in map {
                        if LEARNED.contains(&name.as_str()) {
                            self.add(name, value);
                        }
                        waiting.push(value);
                    }
                }
                Value::Array(items) => waiting.extend(items.iter().take(50)),
                _ => {}
            }
        }
    }

    fn add(&mut self, name: &str, value: &Value) {
        if matches!(value, Value::String(text) if text.len() > 1000) || matches!(value, Value::Array(_)) {
            return;
        }
        let values = self.0.entry(name.to_owned()).or_default();
        values.retain(|other| other != value);
        values.push_back(value.clone());
        if values.len() > KEPT {
            values.pop_front();
        }
    }

    /// A value of this name, so many before the newest.
    pub fn get(&self, name: &str, back: usize) -> Option<&Value> {
        let values = self.0.get(name)?;
        values.len().checked_sub(back + 1).and_then(|at| values.get(at))
    }

    /// How many values of this name are known.
    pub fn count(&self, name: &str) -> usize {
        self.0.get(name).map_or(0, VecDeque::len)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_newest_value_comes_first() {
        let mut known = Known::default();
        for id in [1, 2, 1] {
            known.learn(&json!({ "a": [{ "transactionId": id }] }));
        }
        assert_eq!(known.get("transactionId", 0), Some(&json!(1)));
        assert_eq!(known.get("transactionId", 1), Some(&json!(2)));
        assert_eq!(known.get("transactionId", 2), None);
    }
}
