//! How many messages a second a device in the process takes: `cargo bench -p plugfest-peers`.

#![expect(clippy::panic, reason = "a benchmark that cannot run says so")]

use std::cell::Cell;
use std::time::{Duration, Instant};

use peers::{CsmsSettings, Device, Order, StationSettings};
use protocol::{Timestamp, Version};
use serde_json::{Value, json};

/// How long each figure is measured.
const EACH: Duration = Duration::from_millis(500);
const IDENTITY: &str = "PF-STATION-1";

fn main() {
    println!("{:<44} {:>12}", "message", "messages/s");
    for version in [Version::V16, Version::V201] {
        for stations in [1, 1_000] {
            let mut csms = csms(version, stations);
            let name = format!("CSMS {version}, {stations} stations");
            measure(&format!("{name}: Heartbeat"), &mut csms, "Heartbeat", &json!({}));
            let status = match version {
                Version::V16 => json!({ "connectorId": 1, "errorCode": "NoError", "status": "Available" }),
                _ => json!({ "timestamp": NOW, "connectorStatus": "Available", "evseId": 1, "connectorId": 1 }),
            };
            measure(&format!("{name}: StatusNotification"), &mut csms, "StatusNotification", &status);
            measure(&format!("{name}: a value of the wrong type"), &mut csms, "Heartbeat", &json!({ "x": 1 }));
        }
        let mut station = station(version);
        let name = format!("station {version}");
        measure(&format!("{name}: ClearCache"), &mut station, "ClearCache", &json!({}));
        measure(&format!("{name}: an unknown action"), &mut station, "Bananas", &json!({}));
        let (action, request) = match version {
            Version::V16 => ("GetConfiguration", json!({ "key": ["HeartbeatInterval"] })),
            _ => {
                let one = json!({ "component": { "name": "TxCtrlr" }, "variable": { "name": "TxStartPoint" } });
                ("GetVariables", json!({ "getVariableData": [one] }))
            }
        };
        measure(&format!("{name}: {action}"), &mut station, action, &request);
    }
}

const NOW: &str = "2026-11-24T08:00:00Z";

fn now() -> Timestamp {
    Timestamp::parse(NOW).unwrap_or_default()
}

thread_local! {
    static SENT: Cell<u64> = const { Cell::new(0) };
}

fn count(order: Order) {
    if matches!(order, Order::Send(_)) {
        SENT.set(SENT.get() + 1);
    }
}

fn csms(version: Version, stations: usize) -> Device {
    let mut device = Device::csms(CsmsSettings::standard(version), Vec::new());
    let payload = match version {
        Version::V16 => json!({ "chargePointVendor": "V", "chargePointModel": "M" }),
        _ => json!({ "reason": "PowerUp", "chargingStation": { "vendorName": "V", "model": "M" } }),
    };
    let boot = json!([2, "boot", "BootNotification", payload]).to_string();
    for number in (1..=stations).rev() {
        let identity = format!("PF-STATION-{number}");
        device.opened(now(), &identity, 1, Some(version.subprotocol().to_owned()), Box::new(count));
        device.text(now(), &identity, 1, boot.as_bytes());
    }
    device
}

fn station(version: Version) -> Device {
    let mut device = Device::station(StationSettings::standard(version), Vec::new());
    device.tick(now());
    let sent = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let orders = sent.clone();
    let take = move |order: Order| {
        if let (Order::Send(text), Ok(mut orders)) = (&order, orders.lock()) {
            orders.push(text.clone());
        }
        count(order);
    };
    device.opened(now(), IDENTITY, 1, Some(version.subprotocol().to_owned()), Box::new(take));
    loop {
        let texts = sent.lock().map(|mut texts| std::mem::take(&mut *texts)).unwrap_or_default();
        if texts.is_empty() {
            return device;
        }
        for text in texts {
            let call: Value = serde_json::from_str(&text).unwrap_or_default();
            let answer = json!({ "status": "Accepted", "interval": 300, "currentTime": NOW });
            let answer = if call[2] == "BootNotification" { answer } else { json!({}) };
            device.text(now(), IDENTITY, 1, json!([3, call[1], answer]).to_string().as_bytes());
        }
    }
}

fn measure(name: &str, device: &mut Device, action: &str, payload: &Value) {
    let texts: Vec<String> =
        (0..1_000).map(|number| json!([2, format!("m{number}"), action, payload]).to_string()).collect();
    let (began, before) = (Instant::now(), SENT.get());
    let mut sent = 0_u32;
    while began.elapsed() < EACH {
        for text in &texts {
            device.text(now(), IDENTITY, 1, text.as_bytes());
        }
        sent += 1_000;
    }
    let rate = f64::from(sent) / began.elapsed().as_secs_f64();
    if SENT.get() - before < u64::from(sent) {
        panic!("{name}: not every call is answered");
    }
    println!("{name:<44} {rate:>12.0}");
}
