//! What a sensible device would put into a field of this name.

use serde_json::{Value, json};

use crate::catalogue::Enumeration;

/// A text for a field of this name with room for `max` characters.
pub(super) fn text(name: &str, max: Option<u64>) -> String {
    let text = match name {
        "idTag" | "idToken" | "parentIdTag" => "04A1B2C3D4",
        "transactionId" => "tx-0001",
        "additionalIdToken" => "DE-ABC-C12345678-9",
        "vendorId" => "org.example",
        "vendorName" | "chargePointVendor" => "Example",
        "model" | "chargePointModel" => "Model-1",
        "serialNumber" | "chargePointSerialNumber" | "chargeBoxSerialNumber" | "meterSerialNumber" => "1234567890",
        "firmwareVersion" => "1.0.0",
        "key" => "HeartbeatInterval",
        "value" | "attributeValue" | "actualValue" | "v" => "1",
        "csr" => "-----BEGIN CERTIFICATE REQUEST-----\nMA==\n-----END CERTIFICATE REQUEST-----\n",
        "certificate" | "certificateChain" | "signingCertificate" | "exiRequest" | "exiResponse" => {
            "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
        }
        "issuerNameHash" | "issuerKeyHash" => "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "responderURL" | "remoteLocation" | "location" | "ocppCsmsUrl" | "url" => "https://example.org/ocpp",
        "checksum" => "d41d8cd98f00b204e9800998ecf8427e",
        "signature" => "MA==",
        "language" | "language1" | "language2" => "en",
        "currency" => "EUR",
        "reasonCode" => "NoError",
        "content" => "Hello",
        "component" | "name" => "HeartbeatInterval",
        "type" => "SettingSystemTime",
        "iccid" => "89310410106543789301",
        "imsi" => "310170845466094",
        "startTimeOfDay" => "08:00",
        "endTimeOfDay" => "20:00",
        "validFromDate" => "2026-01-01",
        "validToDate" => "2030-12-31",
        _ => "example",
    };
    match max {
        Some(max) => text.chars().take(usize::try_from(max).unwrap_or(usize::MAX)).collect(),
        None => text.to_owned(),
    }
}

/// A whole number for a field of this name.
pub(super) fn integer(name: &str) -> i64 {
    match name {
        "startPeriod" | "errorCode" | "seqNo" | "stackLevel" | "meterStart" | "meterStop" | "pending" => 0,
        "interval" => 300,
        "retryInterval" | "messageTimeout" => 30,
        _ => 1,
    }
}

/// A number for a field of this name.
pub(super) fn decimal(name: &str) -> Value {
    match name {
        "limit" | "maxPower" | "evMaxCurrent" => json!(16.0),
        _ => json!(1.0),
    }
}

/// The word of an enumeration that asks least of the rest of the payload.
pub(super) fn word(enumeration: &Enumeration) -> Option<&str> {
    let calm = match enumeration.name.as_str() {
        "ChargingProfilePurposeType" | "ChargingProfilePurposeEnumType" => "TxDefaultProfile",
        "ChargingProfileKindType" | "ChargingProfileKindEnumType" => "Relative",
        "IdTokenEnumType" => "ISO14443",
        "ChargePointErrorCode" => "NoError",
        // Any other status belongs to a request and has to name it.
        name if name.starts_with("FirmwareStatus") || name.starts_with("UploadLogStatus") => "Idle",
        _ => "Accepted",
    };
    enumeration.values.iter().find(|value| *value == calm).or_else(|| enumeration.values.first()).map(String::as_str)
}
