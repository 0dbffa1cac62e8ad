//! Clean devices under garbage: whatever comes in, they do not panic, do not die, and answer the next good call.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail the test")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use peers::{CsmsSettings, Device, Fault, Oddity, Order, StationSettings};
use proptest::prelude::*;
use protocol::{Role, Timestamp, Version};
use serde_json::{Value, json};

const IDENTITY: &str = "PF-STATION-1";

/// A device, and somebody on its link who is no better than what he sends.
struct Alone {
    device: Device,
    role: Role,
    version: Version,
    now: Timestamp,
    link: u64,
    orders: Arc<Mutex<Vec<Order>>>,
}

impl Alone {
    fn new(role: Role, version: Version, faults: Vec<Fault>) -> Alone {
        let device = match role {
            Role::Station => Device::station(StationSettings::standard(version), faults),
            Role::Csms => Device::csms(CsmsSettings::standard(version), faults),
        };
        let now = Timestamp::parse("2026-11-24T08:00:00Z").unwrap();
        let mut alone = Alone { device, role, version, now, link: 0, orders: Arc::default() };
        alone.device.tick(now);
        alone.come_back();
        alone
    }

    /// Opens the link if there is none, and lets the station boot.
    fn come_back(&mut self) {
        if self.device.links().is_empty() {
            let number = self.device.dial().map(|dial| dial.number);
            if self.role == Role::Station && number.is_none() {
                return;
            }
            self.link = number.unwrap_or(self.link + 1);
            self.orders = Arc::default();
            let orders = self.orders.clone();
            let take = Box::new(move |order| orders.lock().unwrap().push(order));
            let subprotocol = Some(self.version.subprotocol().to_owned());
            self.device.opened(self.now, IDENTITY, self.link, subprotocol, take);
            if self.role == Role::Csms {
                let payload = match self.version {
                    Version::V16 => json!({ "chargePointVendor": "V", "chargePointModel": "M" }),
                    _ => json!({ "reason": "PowerUp", "chargingStation": { "vendorName": "V", "model": "M" } }),
                };
                self.hear(
                    json!([2, format!("boot-{}", self.link), "BootNotification", payload]).to_string().as_bytes(),
                );
            }
        }
        self.serve();
    }

    fn hear(&mut self, text: &[u8]) {
        self.device.text(self.now, IDENTITY, self.link, text);
    }

    /// Carries out what it has ordered; whether a call with this id was answered.
    fn obey(&mut self, id: &str) -> bool {
        let mut answered = false;
        for _ in 0..100 {
            let orders = std::mem::take(&mut *self.orders.lock().unwrap());
            if orders.is_empty() {
                break;
            }
            for order in orders {
                match order {
                    Order::Send(text) => answered |= self.read(&text, id),
                    Order::Close(_) | Order::Cut => self.device.closed(self.now, IDENTITY, self.link),
                    Order::Fetch(_) => {}
                }
            }
        }
        answered
    }

    fn read(&mut self, text: &str, id: &str) -> bool {
        let frame: Value = serde_json::from_str(text).unwrap_or_default();
        if frame[0] == 2 {
            let payload = match frame[2].as_str() {
                Some("BootNotification") => {
                    json!({ "status": "Accepted", "interval": 300, "currentTime": self.now.to_string() })
                }
                _ => json!({}),
            };
            self.hear(json!([3, frame[1], payload]).to_string().as_bytes());
            return false;
        }
        frame[1] == id
    }

    fn serve(&mut self) {
        self.obey("");
    }

    /// Lets up to two minutes pass.
    fn pass(&mut self) {
        let end = self.now + Duration::from_secs(120);
        for _ in 0..1_000 {
            let next = self.device.next_wakeup().filter(|next| *next <= end);
            self.now = self.now.max(next.unwrap_or(end));
            self.device.tick(self.now);
            self.come_back();
            if next.is_none() {
                return;
            }
        }
    }

    /// Whether it answers a good call, at the latest when what the garbage has begun is over.
    fn answers(&mut self) -> bool {
        (0..3).any(|attempt| {
            let id = format!("alive-{}-{attempt}", self.now.0);
            let action = if self.role == Role::Csms { "Heartbeat" } else { "ClearCache" };
            self.hear(json!([2, id, action, {}]).to_string().as_bytes());
            self.obey(&id) || {
                self.pass();
                false
            }
        })
    }
}

fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let bytes = prop::collection::vec(any::<u8>(), 0..200);
    let pieces = prop::sample::select(vec![
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "\"",
        "2",
        "3",
        "4",
        "-1",
        "1e400",
        "null",
        "true",
        "\"m1\"",
        "\"\"",
        "\"status\"",
        "\"Accepted\"",
        "\"Reset\"",
        "\"BootNotification\"",
        "\"DataTransfer\"",
        "\"__proto__\"",
        "\"\\ud800\"",
        "\\",
        " ",
        "9999999999999999999999",
        "\"2026-11-24T08:00:00.\"",
        "\u{0}",
        "é",
        "\"TransactionEvent\"",
        "\"SetVariables\"",
    ]);
    let soup = prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat().into_bytes());
    let element = || {
        prop::sample::select(vec![
            json!(2),
            json!(3),
            json!(4),
            json!(5),
            json!(-1),
            json!(2.5),
            json!("2"),
            json!("m1"),
            json!(""),
            json!({}),
            json!([]),
            json!(null),
            json!("Reset"),
            json!("BootNotification"),
            json!("StartTransaction"),
            json!("TransactionEvent"),
            json!("ChangeConfiguration"),
            json!("SetVariables"),
            json!("constructor"),
            json!({ "type": "Soft" }),
            json!({ "key": "HeartbeatInterval", "value": "-1" }),
            json!({ "status": 5 }),
            json!({ "eventType": "Started" }),
            json!({ "setVariableData": [{}] }),
            json!({ "getVariableData": [7] }),
            json!({ "connectorId": i64::MIN, "idTag": "X", "meterStart": i64::MAX, "timestamp": "2026-11-24T08:00:00Z" }),
            json!({ "idToken": "X", "transactionInfo": 5 }),
            json!("x".repeat(2_000)),
        ])
    };
    let frame =
        prop::collection::vec(element(), 0..6).prop_map(|elements| Value::from(elements).to_string().into_bytes());
    let call =
        (element(), element()).prop_map(|(action, payload)| json!([2, "m2", action, payload]).to_string().into_bytes());
    let deep = (1usize..3_000).prop_map(|depth| "[".repeat(depth).into_bytes());
    prop_oneof![2 => bytes, 3 => soup, 4 => frame, 6 => call, 1 => deep]
}

fn odd(device: &mut Alone, which: u8, bytes: &[u8]) {
    let oddity = match which {
        0 => Oddity::Binary(bytes),
        1 => Oddity::Ping(bytes),
        2 => Oddity::NotUtf8,
        3 => Oddity::ReservedBits,
        4 => Oddity::ProtocolError,
        _ => Oddity::TooLong,
    };
    device.device.met(device.now, IDENTITY, device.link, oddity);
}

fn device() -> impl Strategy<Value = (Role, Version)> {
    let role = prop_oneof![Just(Role::Station), Just(Role::Csms)];
    (role, prop_oneof![Just(Version::V16), Just(Version::V201), Just(Version::V21)])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_clean_device_survives_garbage_and_answers(
        (role, version) in device(),
        messages in prop::collection::vec((garbage(), any::<bool>(), 0u8..20), 1..40),
    ) {
        let mut alone = Alone::new(role, version, Vec::new());
        for (text, waits, oddity) in messages {
            if oddity < 6 {
                odd(&mut alone, oddity, &text);
            } else {
                alone.hear(&text);
            }
            alone.obey("");
            if waits {
                alone.pass();
            }
            alone.come_back();
        }
        prop_assert!(!alone.device.is_dead());
        prop_assert!(alone.answers(), "silent");
        prop_assert!(alone.device.triggered().is_empty());
    }

    #[test]
    fn no_defect_makes_a_device_panic(
        which in any::<prop::sample::Index>(),
        messages in prop::collection::vec((garbage(), 0u8..20), 1..40),
    ) {
        let info = which.get(peers::faults());
        for version in info.versions() {
            let mut alone = Alone::new(info.side, version, Fault::find(info.id).into_iter().collect());
            for (text, oddity) in &messages {
                match oddity {
                    0..6 => odd(&mut alone, *oddity, text),
                    _ => alone.hear(text),
                }
                alone.obey("");
                alone.come_back();
            }
            alone.pass();
        }
    }
}
