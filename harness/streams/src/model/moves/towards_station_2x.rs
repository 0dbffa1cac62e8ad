//! What a 2.x CSMS may ask of its station, and what it must not, or has refused.

use serde_json::{Value, json};

use super::{Row, Scene, any, may, must_not, none};
use crate::model::judge::{NOBODYS_CONNECTOR, NOBODYS_ID, NOBODYS_KEY, NOBODYS_TRANSACTION_ID, NOBODYS_VENDOR};
use crate::model::state::States as S;
use crate::model::station::{integer, text, transaction_id};

pub(super) const ROWS: &[Row] = &[
    must_not(
        "RequestStartTransaction",
        "where one runs",
        S::BUSY,
        "F01.FR.24",
        |s| remote_start(s, Some(s.running()?.connector), "other"),
        |s, r| integer(r, "evseId").is_some_and(|number| !s.is_free(Some(number))),
    ),
    must_not(
        "RequestStartTransaction",
        "out of order",
        S::UNAVAILABLE.and(S::FAULTED),
        "F01.FR.23",
        |s| remote_start(s, Some(s.focus()), "valid"),
        |s, r| integer(r, "evseId") == Some(s.focus()),
    ),
    must_not(
        "RequestStartTransaction",
        "reserved for another",
        S::RESERVED,
        "F01.FR.21",
        |s| remote_start(s, Some(s.focus()), "other"),
        |s, r| integer(r, "evseId") == Some(s.focus()),
    ),
    may(
        "RequestStartTransaction",
        "any EVSE",
        S::ON,
        |s| remote_start(s, None, "valid"),
        |_, r| r.get("evseId").is_none(),
    ),
    may(
        "RequestStartTransaction",
        "free EVSE",
        S::ON.without(S::UNAVAILABLE.and(S::FAULTED).and(S::RESERVED)),
        |s| remote_start(s, Some(s.free()?), "valid"),
        any,
    ),
    may("RequestStartTransaction", "", S::NONE, |s| remote_start(s, Some(1), "valid"), any),
    must_not(
        "RequestStopTransaction",
        "unknown id",
        S::ON,
        "F03.FR.08",
        |_| Some(json!({ "transactionId": NOBODYS_TRANSACTION_ID })),
        |_, r| text(r, "transactionId") == NOBODYS_TRANSACTION_ID,
    ),
    must_not(
        "RequestStopTransaction",
        "ended before",
        S::ON,
        "F03.FR.08",
        |s| Some(json!({ "transactionId": s.id(s.station.ended.back()?) })),
        |s, r| s.has_ended(transaction_id(r)),
    ),
    may(
        "RequestStopTransaction",
        "running",
        S::BUSY,
        |s| Some(json!({ "transactionId": s.id(&s.running()?.id) })),
        |s, r| s.runs(transaction_id(r)),
    ),
    may("RequestStopTransaction", "", S::NONE, |_| Some(json!({ "transactionId": NOBODYS_TRANSACTION_ID })), any),
    may(
        "ChangeAvailability",
        "inoperative",
        S::ON,
        |s| Some(json!({ "operationalStatus": "Inoperative", "evse": { "id": s.focus() } })),
        |_, r| text(r, "operationalStatus") == "Inoperative" && r.get("evse").is_some(),
    ),
    may(
        "ChangeAvailability",
        "operative",
        S::ON,
        |s| Some(json!({ "operationalStatus": "Operative", "evse": { "id": s.focus() } })),
        |_, r| text(r, "operationalStatus") == "Operative" && r.get("evse").is_some(),
    ),
    may(
        "ChangeAvailability",
        "station operative",
        S::ON,
        |_| Some(json!({ "operationalStatus": "Operative" })),
        |_, r| text(r, "operationalStatus") == "Operative",
    ),
    may("ChangeAvailability", "", S::ON, |_| Some(json!({ "operationalStatus": "Inoperative" })), any),
    may("ReserveNow", "any EVSE", S::ON, |s| reserve(s, None, 8), |_, r| r.get("evseId").is_none()),
    may("ReserveNow", "free", S::IDLE, |s| reserve(s, Some(s.focus()), 9), any),
    must_not(
        "ReserveNow",
        "where it cannot be",
        S::ON.without(S::IDLE),
        "H01.FR.11",
        |s| reserve(s, Some(s.focus()), 10),
        |s, r| integer(r, "evseId") == Some(s.focus()),
    ),
    may("ReserveNow", "", S::NONE, |s| reserve(s, Some(1), 11), any),
    must_not(
        "CancelReservation",
        "unknown id",
        S::ON,
        "H02.FR.01",
        |_| Some(json!({ "reservationId": NOBODYS_ID })),
        |_, r| integer(r, "reservationId") == Some(NOBODYS_ID),
    ),
    must_not(
        "CancelReservation",
        "cancelled before",
        S::ON,
        "H02.FR.01",
        |s| Some(json!({ "reservationId": s.station.cancelled.back()? })),
        |s, r| integer(r, "reservationId").is_some_and(|id| s.station.cancelled.contains(&id)),
    ),
    may(
        "CancelReservation",
        "known",
        S::RESERVED,
        |s| Some(json!({ "reservationId": s.station.reservations.last()?.id })),
        |s, r| integer(r, "reservationId").is_some_and(|id| s.station.reservation(id).is_some()),
    ),
    may("CancelReservation", "", S::NONE, |_| Some(json!({ "reservationId": NOBODYS_ID })), any),
    must_not(
        "SendLocalList",
        "version 0",
        S::ON,
        "D01.FR.18",
        |_| Some(json!({ "versionNumber": 0, "updateType": "Full" })),
        |_, r| integer(r, "versionNumber").is_some_and(|version| version < 1),
    ),
    must_not(
        "SendLocalList",
        "not newer",
        S::ON,
        "D01.FR.19",
        |s| list(s, "Differential", s.station.list.version.filter(|version| *version > 0)?, 1),
        |s, r| {
            let newer = integer(r, "versionNumber") > s.station.list.version;
            text(r, "updateType") == "Differential" && s.station.list.version.is_some() && !newer
        },
    ),
    must_not(
        "SendLocalList",
        "a token twice",
        S::ON,
        "D01.FR.06",
        |s| list(s, "Full", s.next_list(), 2),
        |_, r| entries(r) == 2,
    ),
    may("SendLocalList", "full", S::ON, |s| list(s, "Full", s.next_list(), 1), |_, r| is_full(r) && entries(r) == 1),
    may("SendLocalList", "empty", S::ON, |s| list(s, "Full", s.next_list(), 0), |_, r| is_full(r) && entries(r) == 0),
    may("SendLocalList", "newer", S::ON, |s| list(s, "Differential", s.next_list(), 1), |_, r| !is_full(r)),
    may("SendLocalList", "", S::NONE, |s| list(s, "Full", 1, 0), any),
    may("GetLocalListVersion", "", S::ON, none, any),
    must_not(
        "SetChargingProfile",
        "maximum of an EVSE",
        S::ON,
        "K04.FR.03",
        |s| profile(s.focus(), "ChargingStationMaxProfile", None),
        |_, r| purpose(r) == "ChargingStationMaxProfile" && integer(r, "evseId") != Some(0),
    ),
    may(
        "SetChargingProfile",
        "maximum",
        S::ON,
        |_| profile(0, "ChargingStationMaxProfile", None),
        |_, r| purpose(r) == "ChargingStationMaxProfile",
    ),
    must_not(
        "SetChargingProfile",
        "for an unknown transaction",
        S::ON,
        "K01.FR.33",
        |s| profile(s.focus(), "TxProfile", Some(json!(NOBODYS_TRANSACTION_ID))),
        |_, r| profile_of(r).and_then(transaction_id).as_deref() == Some(NOBODYS_TRANSACTION_ID),
    ),
    may(
        "SetChargingProfile",
        "for the transaction",
        S::BUSY,
        |s| profile(s.focus(), "TxProfile", Some(s.id(&s.running()?.id))),
        |_, r| purpose(r) == "TxProfile",
    ),
    must_not(
        "SetChargingProfile",
        "unknown EVSE",
        S::ON,
        "K01.FR.28",
        |_| profile(NOBODYS_CONNECTOR, "TxDefaultProfile", None),
        |_, r| integer(r, "evseId") == Some(NOBODYS_CONNECTOR),
    ),
    may("SetChargingProfile", "", S::ON, |s| profile(s.focus(), "TxDefaultProfile", None), any),
    must_not(
        "ClearChargingProfile",
        "unknown id",
        S::ON,
        "K10.FR.01",
        |_| Some(json!({ "chargingProfileId": NOBODYS_ID })),
        |_, r| integer(r, "chargingProfileId") == Some(NOBODYS_ID),
    ),
    may(
        "ClearChargingProfile",
        "",
        S::ON,
        |_| Some(json!({ "chargingProfileCriteria": { "chargingProfilePurpose": "TxDefaultProfile" } })),
        any,
    ),
    must_not(
        "GetCompositeSchedule",
        "unknown EVSE",
        S::ON,
        "K08.FR.05",
        |_| Some(json!({ "evseId": NOBODYS_CONNECTOR, "duration": 60 })),
        |_, r| integer(r, "evseId") == Some(NOBODYS_CONNECTOR),
    ),
    may("GetCompositeSchedule", "", S::ON, |s| Some(json!({ "evseId": s.focus(), "duration": 60 })), any),
    must_not(
        "SetVariables",
        "unknown component",
        S::ON,
        "B05.FR.04",
        |_| set(NOBODYS_KEY, "Variable", "1"),
        |_, r| variable(r, "setVariableData", NOBODYS_KEY, "Variable"),
    ),
    must_not(
        "SetVariables",
        "unknown variable",
        S::ON,
        "B05.FR.05",
        |_| set("OCPPCommCtrlr", NOBODYS_KEY, "1"),
        |_, r| variable(r, "setVariableData", "OCPPCommCtrlr", NOBODYS_KEY),
    ),
    must_not(
        "SetVariables",
        "read-only variable",
        S::ON,
        "B05.FR.09",
        |_| set("ChargingStation", "AvailabilityState", "Available"),
        |_, r| variable(r, "setVariableData", "ChargingStation", "AvailabilityState"),
    ),
    must_not(
        "SetVariables",
        "malformed value",
        S::ON,
        "B05.FR.07",
        |_| set("OCPPCommCtrlr", "HeartbeatInterval", "60abc"),
        |_, r| {
            let value = r["setVariableData"]
                .as_array()
                .and_then(|items| items.first())
                .map_or("", |i| text(i, "attributeValue"));
            value == "60abc"
        },
    ),
    may("SetVariables", "", S::ON, |_| set("OCPPCommCtrlr", "HeartbeatInterval", "300"), any),
    must_not(
        "GetVariables",
        "unknown component",
        S::ON,
        "B06.FR.06",
        |_| get(NOBODYS_KEY, "Variable"),
        |_, r| variable(r, "getVariableData", NOBODYS_KEY, "Variable"),
    ),
    must_not(
        "GetVariables",
        "write-only variable",
        S::ON,
        "B06.FR.09",
        |_| get("SecurityCtrlr", "BasicAuthPassword"),
        |_, r| variable(r, "getVariableData", "SecurityCtrlr", "BasicAuthPassword"),
    ),
    may("GetVariables", "", S::ON, |_| get("OCPPCommCtrlr", "HeartbeatInterval"), any),
    may(
        "GetBaseReport",
        "",
        S::ON,
        |s| Some(json!({ "requestId": s.station.begun.wrapping_add(1) & 0xFFFF, "reportBase": "FullInventory" })),
        any,
    ),
    must_not(
        "GetTransactionStatus",
        "unknown id",
        S::ON,
        "E14.FR.01",
        |_| Some(json!({ "transactionId": NOBODYS_TRANSACTION_ID })),
        |_, r| text(r, "transactionId") == NOBODYS_TRANSACTION_ID,
    ),
    may(
        "GetTransactionStatus",
        "running",
        S::BUSY,
        |s| Some(json!({ "transactionId": s.id(&s.running()?.id) })),
        |s, r| s.runs(transaction_id(r)),
    ),
    may("GetTransactionStatus", "", S::ON, none, any),
    must_not(
        "TriggerMessage",
        "boot",
        S::ON,
        "F06.FR.17",
        |_| Some(json!({ "requestedMessage": "BootNotification" })),
        |_, r| text(r, "requestedMessage") == "BootNotification",
    ),
    may(
        "TriggerMessage",
        "meter values",
        S::ON,
        |_| Some(json!({ "requestedMessage": "MeterValues" })),
        |_, r| text(r, "requestedMessage") == "MeterValues",
    ),
    may(
        "TriggerMessage",
        "status",
        S::ON,
        |s| Some(json!({ "requestedMessage": "StatusNotification", "evse": { "id": s.focus(), "connectorId": 1 } })),
        |_, r| text(r, "requestedMessage") == "StatusNotification",
    ),
    may(
        "TriggerMessage",
        "transaction event",
        S::ON,
        |_| Some(json!({ "requestedMessage": "TransactionEvent" })),
        |_, r| text(r, "requestedMessage") == "TransactionEvent",
    ),
    may("TriggerMessage", "", S::ON, |_| Some(json!({ "requestedMessage": "Heartbeat" })), any),
    may("Reset", "on idle", S::ON, |_| Some(json!({ "type": "OnIdle" })), |_, r| text(r, "type") == "OnIdle"),
    may("ClearCache", "", S::ON, none, any),
    must_not(
        "UnlockConnector",
        "unknown connector",
        S::ON,
        "F05.FR.03",
        |_| Some(json!({ "evseId": NOBODYS_CONNECTOR, "connectorId": 1 })),
        |_, r| integer(r, "evseId") == Some(NOBODYS_CONNECTOR),
    ),
    must_not(
        "UnlockConnector",
        "during a transaction",
        S::BUSY,
        "F05.FR.02",
        |s| Some(json!({ "evseId": s.focus(), "connectorId": 1 })),
        |s, r| !s.is_free(integer(r, "evseId")),
    ),
    may(
        "DataTransfer",
        "unknown vendor",
        S::ON,
        |_| Some(json!({ "vendorId": NOBODYS_VENDOR })),
        |_, r| text(r, "vendorId") == NOBODYS_VENDOR,
    ),
];

fn card(token: &str) -> Value {
    json!({ "idToken": token, "type": "ISO14443" })
}

fn remote_start(scene: &Scene<'_>, evse: Option<i64>, name: &str) -> Option<Value> {
    let mut request = json!({ "idToken": card(scene.token(name)?), "remoteStartId": 1 });
    if let Some(evse) = evse {
        request["evseId"] = evse.into();
    }
    Some(request)
}

fn reserve(scene: &Scene<'_>, evse: Option<i64>, id: i64) -> Option<Value> {
    let token = card(scene.token("valid")?);
    let mut request = json!({ "id": id, "expiryDateTime": { "$now": 3600 }, "idToken": token });
    if let Some(evse) = evse {
        request["evseId"] = evse.into();
    }
    Some(request)
}

fn list(scene: &Scene<'_>, update: &str, version: i64, times: usize) -> Option<Value> {
    let token = card(scene.token("valid2").or(scene.token("valid"))?);
    let entry = json!({ "idToken": token, "idTokenInfo": { "status": "Accepted" } });
    let mut request = json!({ "versionNumber": version, "updateType": update });
    if times > 0 {
        request["localAuthorizationList"] = vec![entry; times].into();
    }
    Some(request)
}

fn entries(request: &Value) -> usize {
    request.get("localAuthorizationList").and_then(Value::as_array).map_or(0, Vec::len)
}

fn is_full(request: &Value) -> bool {
    text(request, "updateType") == "Full"
}

fn profile(evse: i64, purpose: &str, transaction: Option<Value>) -> Option<Value> {
    let mut profile = json!({
        "id": 100,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [{
            "id": 1,
            "startSchedule": { "$now": 0 },
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{ "startPeriod": 0, "limit": 16.0 }],
        }],
    });
    if let Some(transaction) = transaction {
        profile["transactionId"] = transaction;
    }
    Some(json!({ "evseId": evse, "chargingProfile": profile }))
}

fn profile_of(request: &Value) -> Option<&Value> {
    request.get("chargingProfile")
}

fn purpose(request: &Value) -> &str {
    profile_of(request).map_or("", |profile| text(profile, "chargingProfilePurpose"))
}

fn get(component: &str, variable: &str) -> Option<Value> {
    Some(json!({ "getVariableData": [{ "component": { "name": component }, "variable": { "name": variable } }] }))
}

fn set(component: &str, variable: &str, value: &str) -> Option<Value> {
    let item = json!({
        "attributeValue": value,
        "component": { "name": component },
        "variable": { "name": variable },
    });
    Some(json!({ "setVariableData": [item] }))
}

fn variable(request: &Value, list: &str, component: &str, variable: &str) -> bool {
    let Some(item) = request.get(list).and_then(Value::as_array).and_then(|items| items.first()) else { return false };
    let named = |field: &str, name: &str| item.get(field).is_some_and(|value| text(value, "name") == name);
    named("component", component) && named("variable", variable)
}
