//! What may happen beside the steps of a case.

use crate::ast::Background;
use protocol::{Role, Version};
use serde_json::Value;

const STATION_16: &[&str] = &[
    "Heartbeat",
    "StatusNotification",
    "MeterValues",
    "DataTransfer",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "LogStatusNotification",
    "SecurityEventNotification",
    "SignedFirmwareStatusNotification",
    "SignCertificate",
];

const STATION_2X: &[&str] = &[
    "Heartbeat",
    "StatusNotification",
    "NotifyEvent",
    "MeterValues",
    "DataTransfer",
    "SecurityEventNotification",
    "SignCertificate",
    "NotifyChargingLimit",
    "ClearedChargingLimit",
    "NotifyEVChargingNeeds",
    "NotifyEVChargingSchedule",
    "ReportChargingProfiles",
    "NotifyReport",
    "NotifyMonitoringReport",
    "NotifyCustomerInformation",
    "NotifyDisplayMessages",
    "FirmwareStatusNotification",
    "PublishFirmwareStatusNotification",
    "LogStatusNotification",
    "ReservationStatusUpdate",
    "NotifyPeriodicEventStream",
];

const CSMS_16: &[&str] = &[
    "GetConfiguration",
    "ChangeConfiguration",
    "SendLocalList",
    "GetLocalListVersion",
    "ClearCache",
    "TriggerMessage",
    "ExtendedTriggerMessage",
    "DataTransfer",
    "SetChargingProfile",
    "ClearChargingProfile",
    "GetCompositeSchedule",
    "InstallCertificate",
    "DeleteCertificate",
    "GetInstalledCertificateIds",
    "CertificateSigned",
];

const CSMS_2X: &[&str] = &[
    "GetVariables",
    "SetVariables",
    "GetBaseReport",
    "GetReport",
    "SetMonitoringBase",
    "SetMonitoringLevel",
    "SetVariableMonitoring",
    "ClearVariableMonitoring",
    "GetMonitoringReport",
    "SendLocalList",
    "GetLocalListVersion",
    "ClearCache",
    "TriggerMessage",
    "DataTransfer",
    "CostUpdated",
    "SetChargingProfile",
    "ClearChargingProfile",
    "GetChargingProfiles",
    "GetCompositeSchedule",
    "InstallCertificate",
    "DeleteCertificate",
    "GetInstalledCertificateIds",
    "CertificateSigned",
    "SetNetworkProfile",
];

/// Whether the device may send this call by itself, unless a step forbids it.
pub fn allows(version: Version, device: Role, background: &Background, action: &str, payload: &Value) -> bool {
    let Background::Default { added, removed } = background else {
        return false;
    };
    if removed.iter().any(|name| name.value == action) {
        return false;
    }
    if added.iter().any(|name| name.value == action) {
        return true;
    }
    if action == "TransactionEvent" {
        return payload.get("eventType").and_then(Value::as_str) == Some("Updated");
    }
    let list = match (device, version) {
        (Role::Station, Version::V16) => STATION_16,
        (Role::Station, _) => STATION_2X,
        (Role::Csms, Version::V16) => CSMS_16,
        (Role::Csms, _) => CSMS_2X,
    };
    list.contains(&action)
}
