//! What a 2.x station may say to its CSMS, and what it must not.

use serde_json::{Value, json};

use super::{Row, Scene, any, may, must_not, none};
use crate::model::judge::{NOBODYS_ID, NOBODYS_TRANSACTION_ID, NOBODYS_VENDOR};
use crate::model::state::States as S;
use crate::model::station::{integer, text, transaction_id};

pub(super) const ROWS: &[Row] = &[
    may("BootNotification", "", S::ON, none, any),
    may("Heartbeat", "", S::ON, none, any),
    may(
        "Authorize",
        "valid token",
        S::ON,
        |s| authorize(s, "valid"),
        |s, r| is_token(s, r, "valid") && !is_twisted(s, r),
    ),
    may("Authorize", "token in other case", S::ON, |s| Some(json!({ "idToken": card(&twisted(s)?) })), is_twisted),
    may("Authorize", "blocked token", S::ON, |s| authorize(s, "blocked"), |s, r| is_token(s, r, "blocked")),
    may("Authorize", "expired token", S::ON, |s| authorize(s, "expired"), |s, r| is_token(s, r, "expired")),
    may("Authorize", "unknown token", S::ON, |s| authorize(s, "unknown"), |s, r| is_token(s, r, "unknown")),
    may(
        "Authorize",
        "start button",
        S::ON,
        |_| Some(json!({ "idToken": { "idToken": "", "type": "NoAuthorization" } })),
        |_, r| r.get("idToken").is_some_and(|token| text(token, "type") == "NoAuthorization"),
    ),
    may("Authorize", "", S::NONE, none, any),
    status("Available", |s| connector(s, "Available"), |_, r| text(r, "connectorStatus") == "Available"),
    status("Occupied", |s| connector(s, "Occupied"), |_, r| text(r, "connectorStatus") == "Occupied"),
    status("Reserved", |s| connector(s, "Reserved"), |_, r| text(r, "connectorStatus") == "Reserved"),
    status("Unavailable", |s| connector(s, "Unavailable"), |_, r| text(r, "connectorStatus") == "Unavailable"),
    status("Faulted", |s| connector(s, "Faulted"), |_, r| text(r, "connectorStatus") == "Faulted"),
    may("StatusNotification", "", S::NONE, |s| connector(s, "Available"), any),
    must_not(
        "TransactionEvent",
        "started again",
        S::BUSY,
        "E-GEN-05",
        |s| {
            let running = s.running()?;
            event("Started", &running.id, Some(running.connector), running.sequence?.checked_add(1)?, "Trigger")
        },
        |s, r| is(r, "Started") && s.runs(transaction_id(r)),
    ),
    must_not(
        "TransactionEvent",
        "started where one runs",
        S::BUSY,
        "E-GEN-01",
        |s| event("Started", &fresh(s), Some(s.running()?.connector), 0, "CablePluggedIn"),
        |s, r| is(r, "Started") && evse(r).is_some_and(|evse| !s.is_free(Some(evse))),
    ),
    may(
        "TransactionEvent",
        "refused token",
        S::FREE.without(S::UNAVAILABLE.and(S::FAULTED)),
        |s| with_token(event("Started", &fresh(s), Some(s.free()?), 0, "Authorized")?, s.token("blocked")?),
        |s, r| is(r, "Started") && ["blocked", "expired", "unknown", "invalid"].iter().any(|n| is_token(s, r, n)),
    ),
    may(
        "TransactionEvent",
        "started",
        S::ON.without(S::UNAVAILABLE.and(S::FAULTED)),
        |s| with_token(event("Started", &fresh(s), Some(s.free()?), 0, "Authorized")?, s.token("valid")?),
        |s, r| is(r, "Started") && !s.has_ended(transaction_id(r)),
    ),
    may(
        "TransactionEvent",
        "charging",
        S::BUSY,
        |s| charging(s, "Charging"),
        |s, r| is_next(s, r) && is(r, "Updated") && state(r) != "SuspendedEV",
    ),
    may(
        "TransactionEvent",
        "suspended",
        S::BUSY,
        |s| charging(s, "SuspendedEV"),
        |s, r| is_next(s, r) && is(r, "Updated") && state(r) == "SuspendedEV",
    ),
    may(
        "TransactionEvent",
        "ended",
        S::BUSY,
        |s| {
            let running = s.running()?;
            let mut request = event("Ended", &running.id, None, running.sequence?.checked_add(1)?, "StopAuthorized")?;
            request["transactionInfo"]["stoppedReason"] = "Local".into();
            Some(request)
        },
        |s, r| is_next(s, r) && is(r, "Ended"),
    ),
    must_not(
        "TransactionEvent",
        "number left out",
        S::BUSY,
        "E-GEN-03",
        |s| {
            let running = s.running()?;
            event("Updated", &running.id, None, running.sequence?.checked_add(3)?, "MeterValuePeriodic")
        },
        |s, r| s.runs(transaction_id(r)) && sequence(s, r).is_some_and(|(last, now)| now > last.saturating_add(1)),
    ),
    must_not(
        "TransactionEvent",
        "number repeated",
        S::BUSY,
        "E-GEN-03",
        |s| event("Updated", &s.running()?.id, None, s.running()?.sequence?, "MeterValuePeriodic"),
        |s, r| s.runs(transaction_id(r)) && sequence(s, r).is_some_and(|(last, now)| now <= last),
    ),
    must_not(
        "TransactionEvent",
        "of an unknown transaction",
        S::ON,
        "E-GEN-05",
        |_| event("Updated", NOBODYS_TRANSACTION_ID, None, 5, "MeterValuePeriodic"),
        |_, r| is(r, "Updated") && transaction_id(r).as_deref() == Some(NOBODYS_TRANSACTION_ID),
    ),
    must_not(
        "TransactionEvent",
        "end of an unknown transaction",
        S::ON,
        "E-GEN-05",
        |_| event("Ended", NOBODYS_TRANSACTION_ID, None, 9, "StopAuthorized"),
        |_, r| is(r, "Ended") && transaction_id(r).as_deref() == Some(NOBODYS_TRANSACTION_ID),
    ),
    must_not(
        "TransactionEvent",
        "after the end",
        S::ON,
        "E-GEN-05",
        |s| event("Updated", s.station.ended.back()?, None, 9, "MeterValuePeriodic"),
        |s, r| s.has_ended(transaction_id(r)),
    ),
    must_not(
        "TransactionEvent",
        "of another station",
        S::ON,
        "E-GEN-02",
        |s| event("Ended", &s.strange()?.id, None, 9, "StopAuthorized"),
        |s, r| s.is_strange(transaction_id(r)),
    ),
    may("TransactionEvent", "", S::NONE, |s| event("Started", &fresh(s), Some(1), 0, "CablePluggedIn"), any),
    may(
        "MeterValues",
        "of the main meter",
        S::ON,
        |_| Some(json!({ "evseId": 0, "meterValue": values() })),
        |_, r| integer(r, "evseId") == Some(0),
    ),
    may("MeterValues", "", S::ON, |s| Some(json!({ "evseId": s.focus(), "meterValue": values() })), any),
    may(
        "DataTransfer",
        "unknown vendor",
        S::ON,
        |_| Some(json!({ "vendorId": NOBODYS_VENDOR })),
        |_, r| text(r, "vendorId") == NOBODYS_VENDOR,
    ),
    may("DataTransfer", "", S::NONE, |_| Some(json!({ "vendorId": NOBODYS_VENDOR })), any),
    must_not(
        "NotifyReport",
        "not asked for",
        S::ON,
        "R-039",
        |_| Some(json!({ "requestId": NOBODYS_ID, "generatedAt": { "$now": 0 }, "seqNo": 0 })),
        |_, r| integer(r, "requestId") == Some(NOBODYS_ID),
    ),
    must_not(
        "FirmwareStatusNotification",
        "installed out of nowhere",
        S::ON,
        "L01.FR.01",
        |_| Some(json!({ "status": "Installed", "requestId": NOBODYS_ID })),
        |_, r| integer(r, "requestId") == Some(NOBODYS_ID),
    ),
    must_not(
        "ReservationStatusUpdate",
        "of an unknown reservation",
        S::ON,
        "H04.FR.01",
        |_| Some(json!({ "reservationId": NOBODYS_ID, "reservationUpdateStatus": "Expired" })),
        |_, r| integer(r, "reservationId") == Some(NOBODYS_ID),
    ),
];

const fn status(
    name: &'static str,
    settle: fn(&Scene<'_>) -> Option<Value>,
    is: fn(&Scene<'_>, &Value) -> bool,
) -> Row {
    may("StatusNotification", name, S::ON, settle, is)
}

fn connector(scene: &Scene<'_>, status: &str) -> Option<Value> {
    let evse = scene.focus();
    Some(json!({ "timestamp": { "$now": 0 }, "connectorStatus": status, "evseId": evse, "connectorId": 1 }))
}

fn authorize(scene: &Scene<'_>, name: &str) -> Option<Value> {
    Some(json!({ "idToken": card(scene.token(name)?) }))
}

fn card(token: &str) -> Value {
    json!({ "idToken": token, "type": "ISO14443" })
}

fn event(kind: &str, id: &str, evse: Option<i64>, sequence: i64, trigger: &str) -> Option<Value> {
    let mut request = json!({
        "eventType": kind,
        "timestamp": { "$now": 0 },
        "triggerReason": trigger,
        "seqNo": sequence,
        "transactionInfo": { "transactionId": id },
    });
    if let Some(evse) = evse {
        request["evse"] = json!({ "id": evse, "connectorId": 1 });
    }
    if kind == "Started" {
        request["transactionInfo"]["chargingState"] = "EVConnected".into();
    }
    Some(request)
}

fn with_token(mut request: Value, token: &str) -> Option<Value> {
    request["idToken"] = card(token);
    Some(request)
}

fn charging(scene: &Scene<'_>, state: &str) -> Option<Value> {
    let running = scene.running()?;
    let sequence = running.sequence?.checked_add(1)?;
    let mut request = event("Updated", &running.id, None, sequence, "ChargingStateChanged")?;
    request["transactionInfo"]["chargingState"] = state.into();
    Some(request)
}

/// An id that no transaction of this station has had.
fn fresh(scene: &Scene<'_>) -> String {
    let salt = scene.model.salt;
    let station = scene.model.stations.iter().position(|other| other.identity == scene.station.identity).unwrap_or(0);
    let taken = |id: &str| scene.station.running(id).is_some() || scene.station.has_ended(id);
    (scene.station.begun..)
        .map(|number| format!("pf-{salt:x}-{station}-{number}"))
        .find(|id| !taken(id))
        .unwrap_or_default()
}

fn values() -> Value {
    json!([{ "timestamp": { "$now": 0 }, "sampledValue": [{ "value": 1500.0 }] }])
}

fn is(request: &Value, kind: &str) -> bool {
    text(request, "eventType") == kind
}

fn state(request: &Value) -> &str {
    request.get("transactionInfo").map_or("", |info| text(info, "chargingState"))
}

fn evse(request: &Value) -> Option<i64> {
    integer(request.get("evse")?, "id")
}

/// The last number of its transaction, and the one it has.
fn sequence(scene: &Scene<'_>, request: &Value) -> Option<(i64, i64)> {
    let transaction = scene.station.running(&transaction_id(request)?)?;
    Some((transaction.sequence?, integer(request, "seqNo")?))
}

fn is_next(scene: &Scene<'_>, request: &Value) -> bool {
    sequence(scene, request).is_some_and(|(last, now)| now == last.saturating_add(1))
}

fn is_token(scene: &Scene<'_>, request: &Value, name: &str) -> bool {
    request.get("idToken").is_some_and(|token| scene.is_token(name, text(token, "idToken")))
}

/// The valid token with its letters in the other case.
fn twisted(scene: &Scene<'_>) -> Option<String> {
    let token = scene.token("valid")?;
    let other = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    let twisted: String = token.chars().map(other).collect();
    (twisted != token).then_some(twisted)
}

fn is_twisted(scene: &Scene<'_>, request: &Value) -> bool {
    let token = request.get("idToken").map_or("", |token| text(token, "idToken"));
    twisted(scene).is_some_and(|twisted| twisted == token)
}
