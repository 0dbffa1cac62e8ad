//! The CSMS that we play against a station under test.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use protocol::{Timestamp, Version};
use serde_json::{Map, Value, json};

use super::generic;
use crate::rig::Rig;

/// What our CSMS knows.
#[derive(Clone, Debug)]
pub struct OwnCsms {
    version: Version,
    tokens: BTreeMap<String, Known>,
    heartbeat: i64,
    pub(super) transaction_ids: Arc<AtomicI64>,
    next_request: i64,
    running: Vec<Value>,
}

#[derive(Clone, Debug)]
struct Known {
    status: String,
    group: Option<String>,
}

impl OwnCsms {
    /// A CSMS that knows the tokens of the rig: what a token is good for is told by its name there.
    pub fn new(version: Version, rig: &Rig) -> OwnCsms {
        let tokens = rig
            .tags
            .iter()
            .map(|(name, token)| {
                let status = match name.as_str() {
                    "blocked" => "Blocked",
                    "expired" => "Expired",
                    "invalid" | "unknown" => {
                        if version == Version::V16 {
                            "Invalid"
                        } else {
                            "Unknown"
                        }
                    }
                    _ => "Accepted",
                };
                let known = Known { status: status.to_owned(), group: token.group.clone() };
                (token.id_token.to_lowercase(), known)
            })
            .collect();
        let transaction_ids = Arc::new(AtomicI64::new(1001));
        OwnCsms { version, tokens, heartbeat: 300, transaction_ids, next_request: 1, running: Vec::new() }
    }

    pub(super) fn request(&mut self, now: Timestamp, action: &str, settled: &Map<String, Value>) -> Value {
        let mut made = generic::plain_request(self.version, action, now);
        match action {
            "RemoteStopTransaction" | "RequestStopTransaction" => {
                if let Some(last) = self.running.last() {
                    made.insert("transactionId".to_owned(), last.clone());
                }
            }
            "ReserveNow" => {
                let expiry = now + std::time::Duration::from_secs(600);
                let key = if self.version == Version::V16 { "expiryDate" } else { "expiryDateTime" };
                made.insert(key.to_owned(), Value::String(expiry.to_string()));
            }
            _ => {}
        }
        for key in ["requestId", "remoteStartId", "reservationId"] {
            if made.contains_key(key) && !settled.contains_key(key) {
                made.insert(key.to_owned(), Value::from(self.next_request));
                self.next_request += 1;
            }
        }
        for (key, value) in settled {
            made.insert(key.clone(), value.clone());
        }
        Value::Object(made)
    }

    pub(super) fn reply(&mut self, now: Timestamp, action: &str, request: &Value) -> Value {
        match (self.version, action) {
            (_, "BootNotification") => {
                json!({ "status": "Accepted", "currentTime": now.to_string(), "interval": self.heartbeat })
            }
            (_, "Heartbeat") => json!({ "currentTime": now.to_string() }),
            (Version::V16, "Authorize") => json!({ "idTagInfo": self.tag_info(request.get("idTag")) }),
            (Version::V16, "StartTransaction") => {
                let id = self.transaction_ids.fetch_add(1, Ordering::Relaxed);
                json!({ "transactionId": id, "idTagInfo": self.tag_info(request.get("idTag")) })
            }
            (Version::V16, "StopTransaction") => match request.get("idTag") {
                Some(tag) => json!({ "idTagInfo": self.tag_info(Some(tag)) }),
                None => json!({}),
            },
            (_, "Authorize") => json!({ "idTokenInfo": self.token_info(request.get("idToken")) }),
            (_, "TransactionEvent") => match request.get("idToken") {
                Some(token) => json!({ "idTokenInfo": self.token_info(Some(token)) }),
                None => json!({}),
            },
            _ => generic::declining(self.version, action, now),
        }
    }

    pub(super) fn exchanged(&mut self, action: &str, request: &Value, result: &Value) {
        match action {
            "StartTransaction" => {
                if let Some(id) = result.get("transactionId") {
                    self.running.push(id.clone());
                }
            }
            "ChangeConfiguration" | "SetVariables" => {
                if let Some(seconds) = heartbeat_set(request, result) {
                    self.heartbeat = seconds;
                }
            }
            "StopTransaction" => self.running.retain(|id| Some(id) != request.get("transactionId")),
            "TransactionEvent" => {
                let Some(id) = request.pointer("/transactionInfo/transactionId") else { return };
                match request.get("eventType").and_then(Value::as_str) {
                    Some("Ended") => self.running.retain(|running| running != id),
                    _ if !self.running.contains(id) => self.running.push(id.clone()),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    pub(super) fn act(&mut self, verb: &str, with: &Map<String, Value>) {
        let Some(token) = with.get("token") else { return };
        let id = crate::scope::plain_text(token).to_lowercase();
        match verb {
            "add token" => {
                let text = |key: &str| with.get(key).and_then(Value::as_str).map(str::to_owned);
                let status = text("status").unwrap_or_else(|| "Accepted".to_owned());
                self.tokens.insert(id, Known { status, group: text("group") });
            }
            "remove token" => {
                self.tokens.remove(&id);
            }
            _ => {}
        }
    }

    fn known(&self, id: Option<&str>) -> Known {
        id.and_then(|id| self.tokens.get(&id.to_lowercase())).cloned().unwrap_or_else(|| Known {
            status: if self.version == Version::V16 { "Invalid" } else { "Unknown" }.to_owned(),
            group: None,
        })
    }

    fn tag_info(&self, tag: Option<&Value>) -> Value {
        let known = self.known(tag.and_then(Value::as_str));
        match known.group {
            Some(group) => json!({ "status": known.status, "parentIdTag": group }),
            None => json!({ "status": known.status }),
        }
    }

    fn token_info(&self, token: Option<&Value>) -> Value {
        let known = self.known(token.and_then(|token| token.get("idToken")).and_then(Value::as_str));
        match known.group {
            Some(group) => {
                json!({ "status": known.status, "groupIdToken": { "idToken": group, "type": "Central" } })
            }
            None => json!({ "status": known.status }),
        }
    }
}

/// The heartbeat interval that the station has just taken on: a boot after it is granted the same, or the answer to the
/// boot would set it back (16-BOOT-03).
fn heartbeat_set<'a>(request: &'a Value, result: &'a Value) -> Option<i64> {
    let is_it = |name: Option<&Value>| {
        name.and_then(Value::as_str).is_some_and(|n| n.eq_ignore_ascii_case("HeartbeatInterval"))
    };
    let is_taken = |status: Option<&Value>| {
        status.and_then(Value::as_str).is_some_and(|status| matches!(status, "Accepted" | "RebootRequired"))
    };
    let value = if is_it(request.get("key")) {
        is_taken(result.get("status")).then(|| request.get("value"))?
    } else {
        let of_it = |list: Option<&'a Value>| list?.as_array()?.iter().find(|one| is_it(one.pointer("/variable/name")));
        let answer = of_it(result.get("setVariableResult"))?;
        let set = of_it(request.get("setVariableData"))?;
        is_taken(answer.get("attributeStatus")).then(|| set.get("attributeValue"))?
    }?;
    value.as_str()?.parse().ok().filter(|seconds| *seconds > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval_after(version: Version, action: &str, request: &Value, result: &Value) -> i64 {
        let mut csms = OwnCsms::new(version, &Rig::default());
        csms.exchanged(action, request, result);
        let boot = csms.reply(Timestamp::default(), "BootNotification", &json!({}));
        boot["interval"].as_i64().unwrap()
    }

    #[test]
    fn a_boot_is_granted_the_heartbeat_interval_that_was_set_before() {
        let change = json!({ "key": "heartbeatinterval", "value": "10" });
        for (status, interval) in [("Accepted", 10), ("RebootRequired", 10), ("Rejected", 300)] {
            let result = json!({ "status": status });
            assert_eq!(interval_after(Version::V16, "ChangeConfiguration", &change, &result), interval, "{status}");
        }
        let other = json!({ "key": "ConnectionTimeOut", "value": "10" });
        assert_eq!(interval_after(Version::V16, "ChangeConfiguration", &other, &json!({ "status": "Accepted" })), 300);
        let off = json!({ "key": "HeartbeatInterval", "value": "0" });
        assert_eq!(interval_after(Version::V16, "ChangeConfiguration", &off, &json!({ "status": "Accepted" })), 300);
        let variable = json!({ "name": "HeartbeatInterval" });
        let set = json!({ "setVariableData": [{ "variable": variable, "attributeValue": "20" }] });
        let taken = json!({ "setVariableResult": [{ "variable": variable, "attributeStatus": "RebootRequired" }] });
        assert_eq!(interval_after(Version::V201, "SetVariables", &set, &taken), 20);
    }
}
