//! What a 1.6 station may say to its CSMS, and what it must not.

use serde_json::{Value, json};

use super::{Row, Scene, any, may, must_not, none};
use crate::model::judge::{NOBODYS_TRANSACTION, NOBODYS_VENDOR};
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
        |s, r| is_tag(s, r, "valid") && !is_twisted(s, r),
    ),
    may("Authorize", "token in other case", S::ON, |s| Some(json!({ "idTag": twisted(s)? })), is_twisted),
    may("Authorize", "blocked token", S::ON, |s| authorize(s, "blocked"), |s, r| is_tag(s, r, "blocked")),
    may("Authorize", "expired token", S::ON, |s| authorize(s, "expired"), |s, r| is_tag(s, r, "expired")),
    may("Authorize", "unknown token", S::ON, |s| authorize(s, "unknown"), |s, r| is_tag(s, r, "unknown")),
    may("Authorize", "", S::NONE, none, any),
    must_not(
        "StartTransaction",
        "connector 0",
        S::ON,
        "16-TX-01",
        |s| start(s, 0, "valid"),
        |_, r| integer(r, "connectorId") == Some(0),
    ),
    must_not(
        "StartTransaction",
        "where one runs",
        S::BUSY,
        "16-TX-17",
        |s| start(s, s.running()?.connector, "other"),
        |s, r| !s.is_free(integer(r, "connectorId")),
    ),
    must_not(
        "StartTransaction",
        "out of order",
        S::UNAVAILABLE,
        "16-AV-06",
        |s| start(s, s.focus(), "valid"),
        |s, r| s.station.state() == crate::model::State::Unavailable && integer(r, "connectorId") == Some(s.focus()),
    ),
    may(
        "StartTransaction",
        "valid token",
        S::ON.without(S::UNAVAILABLE.and(S::FAULTED)),
        |s| start(s, s.free()?, "valid"),
        |s, r| is_tag(s, r, "valid") || is_tag(s, r, "other"),
    ),
    may(
        "StartTransaction",
        "refused token",
        S::IDLE.and(S::PREPARING).and(S::FINISHING),
        |s| start(s, s.free()?, "blocked"),
        |s, r| ["blocked", "expired", "unknown", "invalid"].iter().any(|name| is_tag(s, r, name)),
    ),
    may("StartTransaction", "", S::NONE, none, any),
    may(
        "StopTransaction",
        "running",
        S::BUSY,
        |s| stop(s, &s.running()?.id, s.running()?.meter_start.saturating_add(1000)),
        |s, r| s.runs(transaction_id(r)) && !falls(s, r),
    ),
    must_not(
        "StopTransaction",
        "falling meter",
        S::BUSY,
        "16-TX-15",
        |s| stop(s, &s.running()?.id, s.running()?.meter_start.checked_sub(1)?),
        falls,
    ),
    must_not(
        "StopTransaction",
        "unknown id",
        S::ON,
        "16-TX-06",
        |_| Some(json!({ "transactionId": NOBODYS_TRANSACTION, "meterStop": 2000, "timestamp": { "$now": 0 } })),
        |_, r| integer(r, "transactionId") == Some(NOBODYS_TRANSACTION),
    ),
    must_not(
        "StopTransaction",
        "ended before",
        S::ON,
        "16-TX-06",
        |s| stop(s, s.station.ended.back()?, 3000),
        |s, r| s.has_ended(transaction_id(r)),
    ),
    must_not(
        "StopTransaction",
        "of another station",
        S::ON,
        "16-TX-06",
        |s| stop(s, &s.strange()?.id, 4000),
        |s, r| s.is_strange(transaction_id(r)),
    ),
    may(
        "StopTransaction",
        "never numbered",
        S::ON,
        |_| Some(json!({ "transactionId": -1, "meterStop": 2000, "timestamp": { "$now": 0 } })),
        |_, r| integer(r, "transactionId") == Some(-1),
    ),
    may("StopTransaction", "", S::NONE, none, any),
    must_not(
        "MeterValues",
        "without samples",
        S::ON,
        "16-MV-19",
        |s| {
            let values = json!([{ "timestamp": { "$now": 0 }, "sampledValue": [] }]);
            Some(json!({ "connectorId": s.focus(), "meterValue": values }))
        },
        |_, r| samples(r).is_some_and(Vec::is_empty),
    ),
    may(
        "MeterValues",
        "of the transaction",
        S::BUSY,
        |s| values(s.focus(), Some(s.id(&s.running()?.id))),
        |s, r| s.runs(transaction_id(r)),
    ),
    must_not(
        "MeterValues",
        "of an unknown transaction",
        S::ON,
        "16-MV-05",
        |s| values(s.focus(), Some(json!(NOBODYS_TRANSACTION))),
        |_, r| integer(r, "transactionId") == Some(NOBODYS_TRANSACTION),
    ),
    must_not(
        "MeterValues",
        "of an ended transaction",
        S::ON,
        "16-MV-05",
        |s| values(s.focus(), Some(s.id(s.station.ended.back()?))),
        |s, r| s.has_ended(transaction_id(r)),
    ),
    may(
        "MeterValues",
        "of the main meter",
        S::ON,
        |_| values(0, None),
        |_, r| integer(r, "connectorId") == Some(0) && transaction_id(r).is_none(),
    ),
    may("MeterValues", "", S::ON, |s| values(s.focus(), None), any),
    must_not(
        "StatusNotification",
        "charging as a whole",
        S::ON,
        "16-CONN-02",
        |_| Some(json!({ "connectorId": 0, "errorCode": "NoError", "status": "Charging" })),
        |_, r| {
            integer(r, "connectorId") == Some(0)
                && !matches!(text(r, "status"), "Available" | "Unavailable" | "Faulted")
        },
    ),
    may(
        "StatusNotification",
        "of the station",
        S::ON,
        |_| Some(json!({ "connectorId": 0, "errorCode": "NoError", "status": "Available" })),
        |_, r| integer(r, "connectorId") == Some(0),
    ),
    to("Available", S::ON, S::NONE, |s| status(s, "Available"), |_, r| text(r, "status") == "Available"),
    to(
        "Preparing",
        S::IDLE.and(S::PREPARING).and(S::FINISHING).and(S::RESERVED).and(S::UNAVAILABLE).and(S::FAULTED),
        S::BUSY,
        |s| status(s, "Preparing"),
        |_, r| text(r, "status") == "Preparing",
    ),
    to("Charging", TO_CHARGING, FROM_ELSEWHERE, |s| status(s, "Charging"), |_, r| text(r, "status") == "Charging"),
    to(
        "SuspendedEV",
        TO_CHARGING,
        FROM_ELSEWHERE,
        |s| status(s, "SuspendedEV"),
        |_, r| text(r, "status") == "SuspendedEV",
    ),
    to(
        "SuspendedEVSE",
        TO_CHARGING,
        FROM_ELSEWHERE,
        |s| status(s, "SuspendedEVSE"),
        |_, r| text(r, "status") == "SuspendedEVSE",
    ),
    to(
        "Finishing",
        S::PREPARING.and(S::BUSY).and(S::FINISHING).and(S::FAULTED),
        S::IDLE.and(S::RESERVED).and(S::UNAVAILABLE),
        |s| status(s, "Finishing"),
        |_, r| text(r, "status") == "Finishing",
    ),
    to(
        "Reserved",
        S::IDLE.and(S::RESERVED).and(S::FAULTED),
        S::PREPARING.and(S::BUSY).and(S::FINISHING).and(S::UNAVAILABLE),
        |s| status(s, "Reserved"),
        |_, r| text(r, "status") == "Reserved",
    ),
    to(
        "Unavailable",
        S::ON.without(S::PREPARING),
        S::PREPARING,
        |s| status(s, "Unavailable"),
        |_, r| text(r, "status") == "Unavailable",
    ),
    to("Faulted", S::ON, S::NONE, |s| status(s, "Faulted"), |_, r| text(r, "status") == "Faulted"),
    may("StatusNotification", "", S::NONE, |s| status(s, "Available"), any),
    may(
        "DataTransfer",
        "unknown vendor",
        S::ON,
        |_| Some(json!({ "vendorId": NOBODYS_VENDOR })),
        |_, r| text(r, "vendorId") == NOBODYS_VENDOR,
    ),
    may("DataTransfer", "", S::NONE, |_| Some(json!({ "vendorId": NOBODYS_VENDOR })), any),
    must_not(
        "FirmwareStatusNotification",
        "installed out of nowhere",
        S::ON,
        "16-FW-02",
        |_| Some(json!({ "status": "Installed" })),
        |s, r| text(r, "status") == "Installed" && !s.station.was_triggered("FirmwareStatusNotification"),
    ),
    must_not(
        "DiagnosticsStatusNotification",
        "uploaded out of nowhere",
        S::ON,
        "16-DIAG-02",
        |_| Some(json!({ "status": "Uploaded" })),
        |s, r| text(r, "status") == "Uploaded" && !s.station.was_triggered("DiagnosticsStatusNotification"),
    ),
];

const TO_CHARGING: S = S::IDLE.and(S::PREPARING).and(S::BUSY).and(S::UNAVAILABLE).and(S::FAULTED);
const FROM_ELSEWHERE: S = S::FINISHING.and(S::RESERVED);

/// A change of the status of a connector, by the table of 16-STAT-02.
const fn to(
    name: &'static str,
    legal: S,
    illegal: S,
    settle: fn(&Scene<'_>) -> Option<Value>,
    is: fn(&Scene<'_>, &Value) -> bool,
) -> Row {
    Row { action: "StatusNotification", name, legal, illegal, by: "16-STAT-03", settle, is }
}

fn status(scene: &Scene<'_>, status: &str) -> Option<Value> {
    let code = if status == "Faulted" { "InternalError" } else { "NoError" };
    Some(json!({ "connectorId": scene.focus(), "errorCode": code, "status": status }))
}

fn authorize(scene: &Scene<'_>, name: &str) -> Option<Value> {
    Some(json!({ "idTag": scene.token(name)? }))
}

fn start(scene: &Scene<'_>, connector: i64, name: &str) -> Option<Value> {
    let tag = scene.token(name)?;
    Some(json!({ "connectorId": connector, "idTag": tag, "meterStart": 1000, "timestamp": { "$now": 0 } }))
}

fn stop(scene: &Scene<'_>, id: &str, meter: i64) -> Option<Value> {
    Some(json!({ "transactionId": scene.id(id), "meterStop": meter, "timestamp": { "$now": 0 } }))
}

fn values(connector: i64, transaction: Option<Value>) -> Option<Value> {
    let mut request = json!({
        "connectorId": connector,
        "meterValue": [{ "timestamp": { "$now": 0 }, "sampledValue": [{ "value": "1500" }] }],
    });
    if let Some(transaction) = transaction {
        request["transactionId"] = transaction;
    }
    Some(request)
}

fn samples(request: &Value) -> Option<&Vec<Value>> {
    request.get("meterValue")?.as_array()?.first()?.get("sampledValue")?.as_array()
}

fn falls(scene: &Scene<'_>, request: &Value) -> bool {
    let transaction = transaction_id(request).and_then(|id| scene.station.running(&id));
    let stop = integer(request, "meterStop");
    transaction.zip(stop).is_some_and(|(transaction, stop)| stop < transaction.meter_start)
}

fn is_tag(scene: &Scene<'_>, request: &Value, name: &str) -> bool {
    scene.is_token(name, text(request, "idTag"))
}

/// The valid token with its letters in the other case.
fn twisted(scene: &Scene<'_>) -> Option<String> {
    let token = scene.token("valid")?;
    let other = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    let twisted: String = token.chars().map(other).collect();
    (twisted != token).then_some(twisted)
}

fn is_twisted(scene: &Scene<'_>, request: &Value) -> bool {
    twisted(scene).is_some_and(|twisted| twisted == text(request, "idTag"))
}
