//! The trigger API of tzi-OCTT: a CSMS is made to call a station.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use protocol::catalogue::Catalogue;
use protocol::{Role, Version};
use serde_json::{Map, Value, json};

use super::{Control, object, refuse, text};

pub(super) fn routes() -> Router<Control> {
    Router::new()
        .route("/api/octt/create-token", post(create_token))
        .route("/api/octt/set-basic-auth-password", post(set_password))
        .route("/api/octt/{version}/{station}/call/{action}", post(call))
        .route("/api/octt/{version}/{station}/{action}", post(act))
}

async fn create_token(State(control): State<Control>, body: Bytes) -> Response {
    let members = match object(&body) {
        Ok(members) => members,
        Err(refused) => return refused,
    };
    let status = members.get("status").and_then(Value::as_str).unwrap_or("Accepted");
    let with = with([("token", json!({ "idToken": text(&members, "token_id") })), ("status", status.into())]);
    control.stimulate("", "add token", with).await
}

async fn set_password(State(control): State<Control>, body: Bytes) -> Response {
    match object(&body) {
        Ok(members) => {
            let station = text(&members, "station_id");
            let with = with([("station", station.into()), ("value", text(&members, "password").into())]);
            control.stimulate(station, "set password", with).await
        }
        Err(refused) => refused,
    }
}

async fn call(
    State(control): State<Control>,
    Path((version, station, action)): Path<(String, String, String)>,
    body: Bytes,
) -> Response {
    match version.parse::<Version>() {
        Ok(_) => match object(&body) {
            Ok(fields) => send(&control, &station, &action, fields).await,
            Err(refused) => refused,
        },
        Err(why) => refuse(StatusCode::NOT_FOUND, &why),
    }
}

/// A call by its action in kebab case, or something else that is done for a station.
async fn act(
    State(control): State<Control>,
    Path((version, station, name)): Path<(String, String, String)>,
    body: Bytes,
) -> Response {
    let version = match version.parse::<Version>() {
        Ok(version) => version,
        Err(why) => return refuse(StatusCode::NOT_FOUND, &why),
    };
    let members = match object(&body) {
        Ok(members) => members,
        Err(refused) => return refused,
    };
    match name.as_str() {
        "set-pending-boot" => {
            let pending = members.get("pending").and_then(Value::as_bool).unwrap_or(true);
            let status = if pending { "Pending" } else { "Accepted" };
            let with = with([("station", station.as_str().into()), ("status", status.into())]);
            control.stimulate(&station, "decide boot", with).await
        }
        "set-security-profile" => {
            let profile = members.get("security_profile").cloned().unwrap_or_default();
            control.stimulate(&station, "set profile", with([("profile", profile)])).await
        }
        "update-basic-auth-password" => {
            let password = ["password", "value", "basic_auth_password"].iter().find_map(|name| members.get(*name));
            let data = json!([{
                "component": { "name": "SecurityCtrlr" },
                "variable": { "name": "BasicAuthPassword" },
                "attributeValue": password,
            }]);
            send(&control, &station, "SetVariables", with([("setVariableData", data)])).await
        }
        "set-items-per-message" => {
            refuse(StatusCode::NOT_IMPLEMENTED, "this CSMS sends what it is asked for in one message")
        }
        _ => match action_of(version, &name) {
            Some(action) => send(&control, &station, action, members).await,
            None => refuse(StatusCode::NOT_FOUND, &format!("\"{name}\" is no action that a CSMS calls in {version}")),
        },
    }
}

async fn send(control: &Control, station: &str, action: &str, fields: Map<String, Value>) -> Response {
    let with = with([("station", station.into()), ("action", action.into()), ("fields", Value::Object(fields))]);
    control.stimulate(station, "send", with).await
}

fn with<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The action whose name in kebab case this is.
fn action_of(version: Version, kebab: &str) -> Option<&'static str> {
    Catalogue::of(version)
        .messages()
        .iter()
        .filter(|message| message.from.includes(Role::Csms))
        .map(|message| message.action.as_str())
        .find(|name| to_kebab(name) == kebab)
}

/// `GetVariables` as `get-variables`; `Get15118EVCertificate` never goes this way.
fn to_kebab(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
