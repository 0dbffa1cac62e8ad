//! Our own requests: `POST /stimulus`, `POST /observe` (or `/look`), `GET /state`.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::{Control, object, refuse, text};

pub(super) fn routes() -> Router<Control> {
    Router::new()
        .route("/stimulus", post(stimulus))
        .route("/observe", post(observe))
        .route("/look", post(observe))
        .route("/state", get(state))
}

/// `{"station": "CP1", "verb": "plug in", "with": {"at": {"evse": 1, "connector": 1}}}`
async fn stimulus(State(control): State<Control>, body: Bytes) -> Response {
    match asked(&control, &body) {
        Ok(asked) => control.stimulate(&asked.station, &asked.verb, asked.with).await,
        Err(refused) => refused,
    }
}

async fn observe(State(control): State<Control>, body: Bytes) -> Response {
    match asked(&control, &body) {
        Ok(asked) => control.look(&asked.station, &asked.verb, asked.with).await,
        Err(refused) => refused,
    }
}

async fn state(State(control): State<Control>) -> Json<Value> {
    let (links, triggered) = control.device.with(|device, _| (device.links(), device.triggered()));
    let stations: Vec<Value> = links
        .into_iter()
        .map(|(identity, subprotocol)| json!({ "identity": identity, "subprotocol": subprotocol }))
        .collect();
    Json(json!({
        "device": control.side.name(),
        "stations": stations,
        "faults": control.faults,
        "triggered": triggered,
    }))
}

struct Asked {
    station: String,
    verb: String,
    with: Map<String, Value>,
}

#[expect(clippy::result_large_err, reason = "the error is the answer")]
fn asked(control: &Control, body: &Bytes) -> Result<Asked, Response> {
    let members = object(body)?;
    let unreadable = |why: &str| Err(refuse(StatusCode::UNPROCESSABLE_ENTITY, why));
    let party = text(&members, "party");
    if !party.is_empty() && party != control.side.name() {
        return unreadable(&format!("this device is a {} and not a {party}", control.side));
    }
    let verb = text(&members, "verb");
    if verb.is_empty() {
        return unreadable("\"verb\" is missing");
    }
    let with = match members.get("with") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(with)) => with.clone(),
        Some(_) => return unreadable("\"with\" is not an object"),
    };
    Ok(Asked { station: text(&members, "station").to_owned(), verb: verb.to_owned(), with })
}
