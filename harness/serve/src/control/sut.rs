//! The SUT API of the official tool: a station is made to act, by parameters in the query.

use std::collections::HashMap;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use serde_json::{Map, Value, json};

use super::{Control, refuse};

type Parameters = Query<HashMap<String, String>>;

pub(super) fn routes() -> Router<Control> {
    Router::new()
        .route("/plugin", post(plug_in))
        .route("/plugout", post(plug_out))
        .route("/authorize", post(authorize))
        .route("/state", post(state))
        .route("/end", post(end))
}

async fn plug_in(State(control): State<Control>, parameters: Parameters) -> Response {
    at_connector(&control, "plug in", &parameters).await
}

async fn plug_out(State(control): State<Control>, parameters: Parameters) -> Response {
    at_connector(&control, "unplug", &parameters).await
}

async fn authorize(State(control): State<Control>, parameters: Parameters) -> Response {
    let Some(id) = parameters.get("id") else {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, "\"id\" is missing");
    };
    let mut with = match connector(&parameters) {
        Ok(with) => with,
        Err(refused) => return refused,
    };
    let kind = parameters.get("type").map_or("ISO14443", String::as_str);
    with.insert("token".to_owned(), json!({ "idToken": id, "type": kind }));
    control.stimulate("", "present token", with).await
}

/// Whether the vehicle takes energy.
async fn state(State(control): State<Control>, parameters: Parameters) -> Response {
    let verb = match parameters.get("ready").map(String::as_str) {
        Some("true") => "resume by ev",
        Some("false") => "pause by ev",
        _ => return refuse(StatusCode::UNPROCESSABLE_ENTITY, "\"ready\" is neither true nor false"),
    };
    at_connector(&control, verb, &parameters).await
}

/// The vehicle has enough.
async fn end(State(control): State<Control>, parameters: Parameters) -> Response {
    at_connector(&control, "pause by ev", &parameters).await
}

async fn at_connector(control: &Control, verb: &str, parameters: &Parameters) -> Response {
    match connector(parameters) {
        Ok(with) => control.stimulate("", verb, with).await,
        Err(refused) => refused,
    }
}

/// The connector named, if one is. In 1.6 the two numbers are the same.
#[expect(clippy::result_large_err, reason = "the error is the answer")]
fn connector(parameters: &Parameters) -> Result<Map<String, Value>, Response> {
    let number = |name: &str| match parameters.get(name) {
        None => Ok(None),
        Some(text) => text
            .parse::<u32>()
            .map(Some)
            .map_err(|_| refuse(StatusCode::UNPROCESSABLE_ENTITY, &format!("\"{name}\" is not a number"))),
    };
    let (evse, connector) = (number("evse_id")?, number("connector_id")?);
    let mut with = Map::new();
    if evse.is_some() || connector.is_some() {
        with.insert("at".to_owned(), json!({ "evse": evse.or(connector), "connector": connector.or(evse) }));
    }
    Ok(with)
}
