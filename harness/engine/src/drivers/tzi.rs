//! The trigger API of tzi-OCTT, as CSMSs implement it: JSON over HTTP POST.

use protocol::{Role, Version};
use serde_json::{Value, json};

use super::Confirmation;
use super::bound::{Task, object};
use super::http::Request;
use super::request;
use crate::rig::{Endpoint, Filling, TextTemplate};

/// Whether this API has something for a verb, in this version.
pub(super) fn serves(endpoint: &Endpoint, party: Role, verb: &str, version: Version) -> bool {
    party == Role::Csms && path(endpoint, verb, version).is_some()
}

/// Carries a stimulus out.
pub(super) async fn stimulate(endpoint: &Endpoint, task: &Task<'_>) -> Confirmation {
    let stimulus = task.stimulus;
    if stimulus.party != Role::Csms {
        return task.not_bound();
    }
    let Some(path) = path(endpoint, &stimulus.verb, task.version) else {
        return task.not_bound();
    };
    let (body, left_out) = match body(task) {
        Ok(body) => body,
        Err(why) => return Confirmation::Undrivable(why),
    };
    let mut request = Request::new("POST", format!("{}{}", endpoint.url, path.fill_url(task)));
    request.headers = request::headers(&endpoint.headers, task);
    request.json(&body);
    match request::confirm(&request, &[], task.request).await {
        Confirmation::Done if !left_out.is_empty() => Confirmation::CannotCarry(left_out),
        other => other,
    }
}

fn path(endpoint: &Endpoint, verb: &str, version: Version) -> Option<TextTemplate> {
    if let Some(own) = endpoint.paths.get(verb) {
        return Some(own.clone());
    }
    let path = match (verb, version) {
        ("send", Version::V16) => "/api/octt/1.6/${station}/${action.kebab}",
        ("send", _) => "/api/octt/${ocpp}/${station}/call/${action}",
        ("add token", _) => "/api/octt/create-token",
        ("set password", _) => "/api/octt/set-basic-auth-password",
        ("set profile", Version::V201 | Version::V21) => "/api/octt/${ocpp}/${station}/set-security-profile",
        ("decide boot", Version::V201 | Version::V21) => "/api/octt/${ocpp}/${station}/set-pending-boot",
        _ => return None,
    };
    Some(TextTemplate::own(path))
}

/// The body, and the arguments that have no place in it.
fn body(task: &Task<'_>) -> Result<(Value, Vec<String>), String> {
    let with = &task.stimulus.with;
    let value = |path: &[&str]| {
        let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        task.lookup(&path)
    };
    let whole = match task.stimulus.verb.as_str() {
        "send" => value(&["payload"]).or_else(|| value(&["fields"])).unwrap_or_else(|| json!({})),
        "add token" => {
            let body = object([("token_id", value(&["token", "idToken"])), ("status", value(&["status"]))]);
            let grouped = with.contains_key("group") || value(&["token", "group"]).is_some();
            let left_out = grouped.then(|| "group".to_owned());
            return Ok((body, left_out.into_iter().collect()));
        }
        "set password" => object([("station_id", Some(task.station.into())), ("password", value(&["value"]))]),
        "set profile" => object([("security_profile", value(&["profile"]))]),
        "decide boot" => match with.get("status").and_then(Value::as_str) {
            Some("Pending") => json!({ "pending": true }),
            Some("Accepted") => json!({ "pending": false }),
            _ => {
                return Err("this control interface can hold a boot pending, not reject it".to_owned());
            }
        },
        _ => Value::Object(with.clone()),
    };
    Ok((whole, Vec::new()))
}
