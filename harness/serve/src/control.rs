//! The control endpoint: stimuli and observations over HTTP.
//!
//! Beside our own two requests the endpoint speaks the shapes that vendors have built: a CSMS the trigger API of
//! tzi-OCTT, a station the SUT API of the official tool. So a rig with such a driver can be tried here.

mod own;
mod sut;
mod tzi;

use std::future::IntoFuture;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use peers::{Fault, Refusal};
use protocol::Role;
use protocol::stimulus::{self, Stimulus};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use crate::device::Shared;

/// The longest body taken.
const LONGEST_BODY: usize = 1 << 20;
/// How long a stimulus may take; a call to a station waits for its turn behind unanswered ones.
const STIMULUS_TIME: Duration = Duration::from_secs(120);

/// What every request needs.
#[derive(Clone)]
struct Control {
    device: Shared,
    side: Role,
    faults: Vec<&'static str>,
}

/// The requests that a device of this side answers.
pub(crate) fn routes(device: Shared, side: Role, faults: &[Fault]) -> Router {
    let control = Control { device, side, faults: faults.iter().map(|fault| fault.info().id).collect() };
    let shapes = match side {
        Role::Csms => tzi::routes(),
        Role::Station => sut::routes(),
    };
    own::routes()
        .merge(shapes)
        .fallback(|| async { refuse(StatusCode::NOT_FOUND, "there is nothing here") })
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .with_state(control)
}

/// Answers requests until it is told to stop.
pub(crate) async fn serve(listener: TcpListener, routes: Router, mut stop: watch::Receiver<bool>) {
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        // A small answer must not wait for the acknowledgement of another.
        let _ = stream.set_nodelay(true);
    });
    let stopped = async move {
        let _ = stop.wait_for(|stop| *stop).await;
    };
    // An idle connection of a client that keeps it open must not hold up the end.
    let _ = axum::serve(listener, routes).with_graceful_shutdown(stopped).into_future().await;
}

impl Control {
    /// Carries a stimulus out and says what became of it: 200 done, 409 not now, 501 never, 422 no such verb.
    async fn stimulate(&self, station: &str, verb: &str, with: Map<String, Value>) -> Response {
        if stimulus::verb(self.side, verb).is_none() && !verb.starts_with("x-") {
            return self.unknown_verb(verb);
        }
        // Charging for a while is done when that while is over.
        let lasts =
            with.get("for").and_then(Value::as_f64).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let limit = STIMULUS_TIME.saturating_add(lasts.unwrap_or_default());
        let stimulus = Stimulus { party: self.side, verb: verb.to_owned(), with };
        let (sender, receiver) = oneshot::channel();
        let told = Box::new(move |outcome| {
            let _ = sender.send(outcome);
        });
        self.device.with(|device, now| device.stimulate(now, station, &stimulus, told));
        match tokio::time::timeout(limit, receiver).await {
            Ok(Ok(Ok(()))) => axum::Json(json!({ "done": true })).into_response(),
            Ok(Ok(Err(Refusal { undrivable: true, reason }))) => refuse(StatusCode::NOT_IMPLEMENTED, &reason),
            Ok(Ok(Err(Refusal { undrivable: false, reason }))) => refuse(StatusCode::CONFLICT, &reason),
            Ok(Err(_)) => refuse(StatusCode::CONFLICT, "the device has forgotten about it"),
            Err(_) => refuse(StatusCode::CONFLICT, "the device has not come to it in time"),
        }
    }

    async fn look(&self, station: &str, verb: &str, with: Map<String, Value>) -> Response {
        if stimulus::observation(self.side, verb).is_none() {
            return self.unknown_verb(verb);
        }
        let observation = Stimulus { party: self.side, verb: verb.to_owned(), with };
        let (sender, receiver) = oneshot::channel();
        let tell = Box::new(move |seen| {
            let _ = sender.send(seen);
        });
        self.device.with(|device, now| device.look(now, station, &observation, tell));
        match receiver.await {
            Ok(Some(seen)) => axum::Json(json!({ "seen": seen })).into_response(),
            _ => refuse(StatusCode::NOT_IMPLEMENTED, "this device cannot tell"),
        }
    }

    fn unknown_verb(&self, verb: &str) -> Response {
        refuse(StatusCode::UNPROCESSABLE_ENTITY, &format!("a {} has no verb \"{verb}\"", self.side))
    }
}

fn refuse(status: StatusCode, reason: &str) -> Response {
    (status, axum::Json(json!({ "done": false, "reason": reason }))).into_response()
}

/// The members of a JSON object in the body; an empty body is an empty object.
#[expect(clippy::result_large_err, reason = "the error is the answer")]
fn object(body: &Bytes) -> Result<Map<String, Value>, Response> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(body)
        .map_err(|why| refuse(StatusCode::UNPROCESSABLE_ENTITY, &format!("the body is not a JSON object: {why}")))
}

/// The text of a member; empty if there is none.
fn text<'a>(members: &'a Map<String, Value>, name: &str) -> &'a str {
    members.get(name).and_then(Value::as_str).unwrap_or("")
}
