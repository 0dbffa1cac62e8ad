//! What a 1.6 CSMS may ask of its station, and what it must not, or has refused.

use serde_json::{Value, json};

use super::{Row, Scene, any, may, must_not, none};
use crate::model::judge::{NOBODYS_CONNECTOR, NOBODYS_ID, NOBODYS_KEY, NOBODYS_TRANSACTION, NOBODYS_VENDOR};
use crate::model::state::States as S;
use crate::model::station::{integer, text, transaction_id};

pub(super) const ROWS: &[Row] = &[
    must_not(
        "RemoteStartTransaction",
        "connector 0",
        S::ON,
        "16-REM-05",
        |s| remote_start(s, Some(0), "valid"),
        |_, r| integer(r, "connectorId") == Some(0),
    ),
    must_not(
        "RemoteStartTransaction",
        "unknown connector",
        S::ON,
        "16-REM-05",
        |s| remote_start(s, Some(NOBODYS_CONNECTOR), "valid"),
        |_, r| integer(r, "connectorId") == Some(NOBODYS_CONNECTOR),
    ),
    must_not(
        "RemoteStartTransaction",
        "where one runs",
        S::BUSY,
        "16-REM-06",
        |s| remote_start(s, Some(s.running()?.connector), "other"),
        |s, r| integer(r, "connectorId").is_some_and(|number| !s.is_free(Some(number))),
    ),
    must_not(
        "RemoteStartTransaction",
        "out of order",
        S::UNAVAILABLE.and(S::FAULTED),
        "16-REM-06",
        |s| remote_start(s, Some(s.focus()), "valid"),
        |s, r| integer(r, "connectorId") == Some(s.focus()),
    ),
    must_not(
        "RemoteStartTransaction",
        "reserved for another",
        S::RESERVED,
        "16-REM-06",
        |s| remote_start(s, Some(s.focus()), "other"),
        |s, r| integer(r, "connectorId") == Some(s.focus()) && !is_reserved_for(s, text(r, "idTag")),
    ),
    may(
        "RemoteStartTransaction",
        "by the holder",
        S::RESERVED,
        |s| Some(json!({ "connectorId": s.focus(), "idTag": holder(s)? })),
        |s, r| integer(r, "connectorId") == Some(s.focus()),
    ),
    may(
        "RemoteStartTransaction",
        "any connector",
        S::ON,
        |s| remote_start(s, None, "valid"),
        |_, r| r.get("connectorId").is_none(),
    ),
    may(
        "RemoteStartTransaction",
        "free connector",
        S::ON.without(S::UNAVAILABLE.and(S::FAULTED).and(S::RESERVED)),
        |s| remote_start(s, Some(s.free()?), "valid"),
        any,
    ),
    may("RemoteStartTransaction", "", S::NONE, |s| remote_start(s, Some(1), "valid"), any),
    must_not(
        "RemoteStopTransaction",
        "unknown id",
        S::ON,
        "16-REM-11",
        |_| Some(json!({ "transactionId": NOBODYS_TRANSACTION })),
        |_, r| integer(r, "transactionId") == Some(NOBODYS_TRANSACTION),
    ),
    must_not(
        "RemoteStopTransaction",
        "ended before",
        S::ON,
        "16-REM-11",
        |s| Some(json!({ "transactionId": s.id(s.station.ended.back()?) })),
        |s, r| s.has_ended(transaction_id(r)),
    ),
    may(
        "RemoteStopTransaction",
        "running",
        S::BUSY,
        |s| Some(json!({ "transactionId": s.id(&s.running()?.id) })),
        |s, r| s.runs(transaction_id(r)),
    ),
    may("RemoteStopTransaction", "", S::NONE, |_| Some(json!({ "transactionId": NOBODYS_TRANSACTION })), any),
    must_not(
        "ChangeAvailability",
        "unknown connector",
        S::ON,
        "16-AV-05",
        |_| Some(json!({ "connectorId": NOBODYS_CONNECTOR, "type": "Inoperative" })),
        |_, r| integer(r, "connectorId") == Some(NOBODYS_CONNECTOR),
    ),
    may(
        "ChangeAvailability",
        "inoperative",
        S::ON,
        |s| Some(json!({ "connectorId": s.focus(), "type": "Inoperative" })),
        |_, r| text(r, "type") == "Inoperative" && integer(r, "connectorId") != Some(0),
    ),
    may(
        "ChangeAvailability",
        "operative",
        S::ON,
        |s| Some(json!({ "connectorId": s.focus(), "type": "Operative" })),
        |_, r| text(r, "type") == "Operative" && integer(r, "connectorId") != Some(0),
    ),
    may(
        "ChangeAvailability",
        "station operative",
        S::ON,
        |_| Some(json!({ "connectorId": 0, "type": "Operative" })),
        |_, r| text(r, "type") == "Operative",
    ),
    may(
        "ChangeAvailability",
        "",
        S::ON,
        |_| Some(json!({ "connectorId": 0, "type": "Inoperative" })),
        |_, r| text(r, "type") == "Inoperative",
    ),
    must_not(
        "ReserveNow",
        "expired",
        S::IDLE,
        "16-RES-10",
        |s| reserve(s, s.focus(), 7, -3600),
        |_, r| integer(r, "reservationId") == Some(7),
    ),
    may("ReserveNow", "any connector", S::ON, |s| reserve(s, 0, 8, 3600), |_, r| integer(r, "connectorId") == Some(0)),
    may(
        "ReserveNow",
        "again",
        S::RESERVED,
        |s| reserve(s, s.focus(), s.station.reservations.last()?.id, 7200),
        |s, r| integer(r, "reservationId").is_some_and(|id| s.station.reservation(id).is_some()),
    ),
    may("ReserveNow", "free", S::IDLE, |s| reserve(s, s.focus(), 9, 3600), any),
    must_not(
        "ReserveNow",
        "where it cannot be",
        S::ON.without(S::IDLE),
        "16-RES-02",
        |s| reserve(s, s.focus(), 10, 3600),
        |s, r| integer(r, "connectorId") == Some(s.focus()),
    ),
    may("ReserveNow", "", S::NONE, |s| reserve(s, 1, 11, 3600), any),
    must_not(
        "CancelReservation",
        "unknown id",
        S::ON,
        "16-RES-08",
        |_| Some(json!({ "reservationId": NOBODYS_ID })),
        |_, r| integer(r, "reservationId") == Some(NOBODYS_ID),
    ),
    must_not(
        "CancelReservation",
        "cancelled before",
        S::ON,
        "16-RES-08",
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
        "16-LIST-10",
        |_| Some(json!({ "listVersion": 0, "updateType": "Full" })),
        |_, r| integer(r, "listVersion").is_some_and(|version| version < 1),
    ),
    must_not(
        "SendLocalList",
        "not newer",
        S::ON,
        "16-LIST-05",
        |s| list(s, "Differential", s.station.list.version.filter(|version| *version > 0)?, 1),
        |s, r| {
            let newer = integer(r, "listVersion") > s.station.list.version;
            text(r, "updateType") == "Differential" && s.station.list.version.is_some() && !newer
        },
    ),
    must_not(
        "SendLocalList",
        "a token twice",
        S::ON,
        "16-LIST-06",
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
        "maximum of a connector",
        S::ON,
        "16-SC-01",
        |s| profile(s.focus(), "ChargePointMaxProfile", None),
        |_, r| purpose(r) == "ChargePointMaxProfile" && integer(r, "connectorId") != Some(0),
    ),
    may(
        "SetChargingProfile",
        "maximum",
        S::ON,
        |_| profile(0, "ChargePointMaxProfile", None),
        |_, r| purpose(r) == "ChargePointMaxProfile",
    ),
    must_not(
        "SetChargingProfile",
        "without transaction",
        S::FREE,
        "16-SC-04",
        |s| profile(s.focus(), "TxProfile", None),
        |s, r| purpose(r) == "TxProfile" && s.is_free(integer(r, "connectorId")),
    ),
    must_not(
        "SetChargingProfile",
        "for another transaction",
        S::BUSY,
        "16-SC-05",
        |s| profile(s.focus(), "TxProfile", Some(json!(NOBODYS_TRANSACTION))),
        |_, r| {
            purpose(r) == "TxProfile" && profile_of(r).and_then(transaction_id) == Some(NOBODYS_TRANSACTION.to_string())
        },
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
        "unknown connector",
        S::ON,
        "16-SC-26",
        |_| profile(NOBODYS_CONNECTOR, "TxDefaultProfile", None),
        |_, r| integer(r, "connectorId") == Some(NOBODYS_CONNECTOR),
    ),
    may("SetChargingProfile", "", S::ON, |s| profile(s.focus(), "TxDefaultProfile", None), any),
    must_not(
        "ClearChargingProfile",
        "unknown id",
        S::ON,
        "16-SC-22",
        |_| Some(json!({ "id": NOBODYS_ID })),
        |_, r| integer(r, "id") == Some(NOBODYS_ID),
    ),
    may(
        "ClearChargingProfile",
        "known id",
        S::ON,
        |s| Some(json!({ "id": s.station.profiles.back()? })),
        |_, r| r.get("id").is_some(),
    ),
    may("ClearChargingProfile", "", S::ON, none, any),
    must_not(
        "GetCompositeSchedule",
        "unknown connector",
        S::ON,
        "16-SC-23",
        |_| Some(json!({ "connectorId": NOBODYS_CONNECTOR, "duration": 60 })),
        |_, r| integer(r, "connectorId") == Some(NOBODYS_CONNECTOR),
    ),
    may("GetCompositeSchedule", "", S::ON, |s| Some(json!({ "connectorId": s.focus(), "duration": 60 })), any),
    must_not(
        "ChangeConfiguration",
        "unknown key",
        S::ON,
        "16-CFG-06",
        |_| Some(json!({ "key": NOBODYS_KEY, "value": "1" })),
        |_, r| text(r, "key") == NOBODYS_KEY,
    ),
    must_not(
        "ChangeConfiguration",
        "read-only key",
        S::ON,
        "16-CFG-09",
        |_| Some(json!({ "key": "NumberOfConnectors", "value": "5" })),
        |_, r| text(r, "key").eq_ignore_ascii_case("NumberOfConnectors"),
    ),
    must_not(
        "ChangeConfiguration",
        "negative interval",
        S::ON,
        "16-CFG-10",
        |_| Some(json!({ "key": "WebSocketPingInterval", "value": "-5" })),
        |_, r| text(r, "key") == "WebSocketPingInterval" && text(r, "value").starts_with('-'),
    ),
    may("ChangeConfiguration", "", S::ON, |_| Some(json!({ "key": "HeartbeatInterval", "value": "300" })), any),
    may(
        "GetConfiguration",
        "unknown key",
        S::ON,
        |_| Some(json!({ "key": [NOBODYS_KEY] })),
        |_, r| first_key(r) == Some(NOBODYS_KEY),
    ),
    may(
        "GetConfiguration",
        "known key",
        S::ON,
        |_| Some(json!({ "key": ["NumberOfConnectors"] })),
        |_, r| first_key(r).is_some(),
    ),
    may("GetConfiguration", "", S::ON, none, any),
    must_not(
        "TriggerMessage",
        "boot",
        S::ON,
        "16-BOOT-12",
        |_| Some(json!({ "requestedMessage": "BootNotification" })),
        |_, r| text(r, "requestedMessage") == "BootNotification",
    ),
    must_not(
        "TriggerMessage",
        "unknown connector",
        S::ON,
        "16-TRG-06",
        |_| Some(json!({ "requestedMessage": "StatusNotification", "connectorId": NOBODYS_CONNECTOR })),
        |_, r| integer(r, "connectorId") == Some(NOBODYS_CONNECTOR),
    ),
    may(
        "TriggerMessage",
        "status",
        S::ON,
        |_| Some(json!({ "requestedMessage": "StatusNotification" })),
        |_, r| text(r, "requestedMessage") == "StatusNotification",
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
        "firmware status",
        S::ON,
        |_| Some(json!({ "requestedMessage": "FirmwareStatusNotification" })),
        |_, r| text(r, "requestedMessage") == "FirmwareStatusNotification",
    ),
    may("TriggerMessage", "", S::ON, |_| Some(json!({ "requestedMessage": "Heartbeat" })), any),
    may("Reset", "soft", S::ON, |_| Some(json!({ "type": "Soft" })), |_, r| text(r, "type") == "Soft"),
    may("ClearCache", "", S::ON, none, any),
    must_not(
        "UnlockConnector",
        "unknown connector",
        S::ON,
        "16-UNL-01",
        |_| Some(json!({ "connectorId": NOBODYS_CONNECTOR })),
        |_, r| integer(r, "connectorId") == Some(NOBODYS_CONNECTOR),
    ),
    must_not(
        "UnlockConnector",
        "during a transaction",
        S::BUSY,
        "16-UNL-03",
        |s| Some(json!({ "connectorId": s.focus() })),
        |s, r| !s.is_free(integer(r, "connectorId")),
    ),
    may(
        "DataTransfer",
        "unknown vendor",
        S::ON,
        |_| Some(json!({ "vendorId": NOBODYS_VENDOR })),
        |_, r| text(r, "vendorId") == NOBODYS_VENDOR,
    ),
];

fn remote_start(scene: &Scene<'_>, connector: Option<i64>, name: &str) -> Option<Value> {
    let mut request = json!({ "idTag": scene.token(name)? });
    if let Some(connector) = connector {
        request["connectorId"] = connector.into();
    }
    Some(request)
}

fn holder<'a>(scene: &Scene<'a>) -> Option<&'a str> {
    let here = |reservation: &&crate::model::station::Reservation| reservation.connector == scene.focus();
    scene.station.reservations.iter().find(here).map(|reservation| reservation.token.as_str())
}

fn is_reserved_for(scene: &Scene<'_>, token: &str) -> bool {
    holder(scene).is_none_or(|holder| holder.eq_ignore_ascii_case(token))
}

fn reserve(scene: &Scene<'_>, connector: i64, id: i64, seconds: i64) -> Option<Value> {
    let tag = scene.token("valid")?;
    Some(json!({
        "connectorId": connector,
        "expiryDate": { "$now": seconds },
        "idTag": tag,
        "reservationId": id,
    }))
}

fn list(scene: &Scene<'_>, update: &str, version: i64, times: usize) -> Option<Value> {
    let entry =
        json!({ "idTag": scene.token("valid2").or(scene.token("valid"))?, "idTagInfo": { "status": "Accepted" } });
    let mut request = json!({ "listVersion": version, "updateType": update });
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

fn profile(connector: i64, purpose: &str, transaction: Option<Value>) -> Option<Value> {
    let mut profile = json!({
        "chargingProfileId": 100,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "startSchedule": { "$now": 0 },
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{ "startPeriod": 0, "limit": 16.0 }],
        },
    });
    if let Some(transaction) = transaction {
        profile["transactionId"] = transaction;
    }
    Some(json!({ "connectorId": connector, "csChargingProfiles": profile }))
}

fn profile_of(request: &Value) -> Option<&Value> {
    request.get("csChargingProfiles")
}

fn purpose(request: &Value) -> &str {
    profile_of(request).map_or("", |profile| text(profile, "chargingProfilePurpose"))
}

fn first_key(request: &Value) -> Option<&str> {
    request.get("key")?.as_array()?.first()?.as_str()
}
