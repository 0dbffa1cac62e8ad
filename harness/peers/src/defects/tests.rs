//! Every defect shows between a device and somebody who plays the other side by hand, and the clean device differs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::stimulus::Stimulus;
use protocol::{Role, Timestamp, Version};
use serde_json::{Value, json};

use super::rules;
use crate::{CsmsSettings, Device, Fault, Oddity, Order, Refusal, StationSettings, faults};

/// A device that has booted or taken in a station, and everything it has ordered since.
struct Bench {
    device: Device,
    role: Role,
    version: Version,
    now: Timestamp,
    /// Orders by the number of the link.
    orders: Arc<Mutex<Vec<(u64, Order)>>>,
    /// The number of the newest link.
    link: u64,
    confirmed: Arc<Mutex<Vec<bool>>>,
}

const IDENTITY: &str = "PF-STATION-1";

impl Bench {
    fn new(role: Role, version: Version, faults: &[&str]) -> Bench {
        let faults = faults.iter().map(|id| Fault::find(id).expect("the fault exists")).collect();
        let device = match role {
            Role::Station => Device::station(StationSettings::standard(version), faults),
            Role::Csms => Device::csms(CsmsSettings::standard(version), faults),
        };
        let now = Timestamp::parse("2026-11-24T08:00:00Z").expect("a time");
        let (orders, confirmed) = (Arc::default(), Arc::default());
        let mut bench = Bench { device, role, version, now, orders, link: 0, confirmed };
        bench.pass(0);
        bench.open(IDENTITY);
        bench.boot();
        bench.taken();
        bench
    }

    fn boot(&mut self) {
        match self.role {
            Role::Csms => {
                let payload = match self.version {
                    Version::V16 => json!({ "chargePointVendor": "V", "chargePointModel": "M" }),
                    _ => json!({ "reason": "PowerUp", "chargingStation": { "vendorName": "V", "model": "M" } }),
                };
                self.hear(&json!([2, "boot", "BootNotification", payload]).to_string());
            }
            Role::Station => self.serve_calls(),
        }
    }

    /// A new link of a station; the number of it.
    fn open(&mut self, identity: &str) -> u64 {
        self.link = self.device.dial().map_or(self.link + 1, |dial| dial.number);
        let (number, orders) = (self.link, self.orders.clone());
        let take = Box::new(move |order| orders.lock().expect("a lock").push((number, order)));
        let subprotocol = Some(self.version.subprotocol().to_owned());
        self.device.opened(self.now, identity, number, subprotocol, take);
        number
    }

    fn hear(&mut self, text: &str) {
        self.device.text(self.now, IDENTITY, self.link, text.as_bytes());
    }

    fn call(&mut self, id: &str, action: &str, payload: Value) {
        self.hear(&json!([2, id, action, payload]).to_string());
    }

    fn meet(&mut self, oddity: Oddity<'_>) {
        self.device.met(self.now, IDENTITY, self.link, oddity);
    }

    fn dies_of(&mut self, oddity: Oddity<'_>) -> bool {
        self.meet(oddity);
        self.device.is_dead() && self.orders().iter().all(|(_, order)| *order == Order::Cut)
    }

    /// A call that every device answers.
    fn ask(&mut self, id: &str) {
        match (self.role, self.version) {
            (Role::Csms, _) => self.call(id, "Heartbeat", json!({})),
            (Role::Station, _) => self.call(id, "ClearCache", json!({})),
        }
    }

    /// The device makes a call whose answer has an enumeration; its id.
    fn provoke_call(&mut self) -> Value {
        self.taken();
        match self.role {
            Role::Csms => self.stimulate("send", json!({ "action": "ClearCache", "station": IDENTITY })),
            Role::Station => {
                self.stimulate("present token", json!({ "token": { "idToken": "TAG-VALID", "type": "ISO14443" } }));
            }
        }
        let calls = self.taken();
        let call = calls.iter().find(|frame| frame[0] == 2).expect("it calls");
        call[1].clone()
    }

    /// An answer to that call with this status.
    fn answer_to_call(&self, status: &str) -> Value {
        match (self.role, self.version) {
            (Role::Csms, _) => json!({ "status": status }),
            (Role::Station, Version::V16) => json!({ "idTagInfo": { "status": status } }),
            (Role::Station, _) => json!({ "idTokenInfo": { "status": status } }),
        }
    }

    fn stimulate(&mut self, verb: &str, with: Value) {
        let with = with.as_object().cloned().unwrap_or_default();
        let confirmed = self.confirmed.clone();
        let told = Box::new(move |outcome: Result<(), Refusal>| {
            confirmed.lock().expect("a lock").push(outcome.is_ok());
        });
        self.device.stimulate(self.now, "", &Stimulus { party: self.role, verb: verb.to_owned(), with }, told);
    }

    /// Lets seconds pass, waking the device whenever it wants to be woken; it gets back the links it wants.
    fn pass(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        for _ in 0..10_000 {
            let next = self.device.next_wakeup().filter(|next| *next <= end);
            self.now = self.now.max(next.unwrap_or(end));
            self.device.tick(self.now);
            if next.is_none() {
                return;
            }
        }
        panic!("it wants to be woken again and again");
    }

    /// Answers the calls of the station until it has none.
    fn serve_calls(&mut self) {
        for _ in 0..20 {
            let calls: Vec<Value> = self.taken().into_iter().filter(|frame| frame[0] == 2).collect();
            if calls.is_empty() {
                return;
            }
            for call in calls {
                let payload = match call[2].as_str() {
                    Some("BootNotification") => {
                        json!({ "status": "Accepted", "interval": 300, "currentTime": self.now.to_string() })
                    }
                    Some("Heartbeat") => json!({ "currentTime": self.now.to_string() }),
                    _ => json!({}),
                };
                self.hear(&json!([3, call[1], payload]).to_string());
            }
        }
    }

    /// What it has ordered since the last look.
    fn orders(&mut self) -> Vec<(u64, Order)> {
        std::mem::take(&mut *self.orders.lock().expect("a lock"))
    }

    /// The messages among it; what is no JSON is a text.
    fn taken(&mut self) -> Vec<Value> {
        let messages = self.orders().into_iter().filter_map(|(_, order)| match order {
            Order::Send(text) => Some(serde_json::from_str(&text).unwrap_or(Value::String(text))),
            _ => None,
        });
        messages.collect()
    }
}

#[test]
fn every_defect_shows_and_the_clean_device_differs() {
    for info in faults().iter().filter(|info| rules::find(info.id).is_some()) {
        for version in info.versions() {
            let mut clean = Bench::new(info.side, version, &[]);
            let differs = provoke(info.id, &mut clean);
            assert!(!differs, "{} {version}: the clean device does that too", info.id);
            assert_eq!(clean.device.triggered(), Vec::<&str>::new());
            assert!(!clean.device.is_dead());
            let mut faulty = Bench::new(info.side, version, &[info.id]);
            assert_eq!(faulty.device.triggered(), Vec::<&str>::new(), "{} {version}: too early", info.id);
            assert!(provoke(info.id, &mut faulty), "{} {version} is not seen", info.id);
            assert_eq!(faulty.device.triggered(), [info.id]);
        }
    }
}

/// Brings a defect about; whether it was seen.
fn provoke(id: &str, bench: &mut Bench) -> bool {
    let (_, name) = id.split_once('-').expect("a side");
    match name {
        "dies-after-an-empty-payload" => {
            let action = if bench.role == Role::Csms { "BootNotification" } else { "Reset" };
            bench.call("a", action, json!({}));
            let answered = !bench.taken().is_empty();
            bench.pass(1);
            let cut = bench.orders().iter().any(|(_, order)| *order == Order::Cut);
            answered && cut && bench.device.is_dead()
        }
        "dies-of-an-unknown-word-in-an-answer" => {
            let call = bench.provoke_call();
            let answer = bench.answer_to_call("Yes");
            bench.hear(&json!([3, call, answer]).to_string());
            bench.device.is_dead()
        }
        "deaf-after-an-action-that-is-no-text" => {
            bench.hear(r#"[2,"m1",[],{}]"#);
            bench.taken();
            goes_deaf(bench)
        }
        "drops-long-messages" => {
            let data = json!({ "vendorId": "org.plugfest", "data": "x".repeat(11_000) });
            bench.call("long", "DataTransfer", data);
            bench.taken().is_empty() && !goes_deaf(bench)
        }
        "reboots-after-a-long-text" => {
            bench.call("long", "DataTransfer", json!({ "vendorId": "org.plugfest", "data": "x".repeat(1_001) }));
            let cut = bench.orders().iter().any(|(_, order)| matches!(order, Order::Cut | Order::Close(_)));
            cut && !bench.device.is_dead()
        }
        "dies-of-a-short-answer" => {
            let call = bench.provoke_call();
            bench.hear(&json!([3, call]).to_string());
            bench.device.is_dead()
        }
        "cuts-the-link-on-text-that-is-no-json" => {
            bench.hear("[2,\"m1\",");
            bench.orders().iter().any(|(_, order)| *order == Order::Cut)
        }
        "closes-with-1011-on-a-damaged-call" => {
            bench.hear(r#"[2,"m1","Heartbeat"]"#);
            bench.orders().iter().any(|(_, order)| *order == Order::Close(1011))
        }
        "takes-escapes-for-letters" => {
            bench.hear(r#"[2,"m1","\u0044ataTransfer",{"vendorId":"org.plugfest"}]"#);
            bench.taken()[0][0] != 3
        }
        "quotes-without-escaping" => {
            bench.call("a", "B\"nanas", json!({}));
            bench.taken()[0].is_string()
        }
        "refuses-twice" => {
            bench.call("a", "Bananas", json!({}));
            bench.taken().len() == 2
        }
        "ignores-pings" => {
            bench.meet(Oddity::Ping(b"x"));
            !bench.device.answers_pings()
        }
        "dies-of-a-reserved-bit" => bench.dies_of(Oddity::ReservedBits),
        "dies-of-a-huge-frame" => bench.dies_of(Oddity::TooLong),
        "dies-of-text-that-is-not-utf8" => bench.dies_of(Oddity::NotUtf8),
        "dies-of-bytes-that-are-no-text" => bench.dies_of(Oddity::Binary(b"\xff")),
        "cuts-the-link-on-a-damaged-frame" => {
            bench.meet(Oddity::ProtocolError);
            bench.orders().iter().any(|(_, order)| *order == Order::Cut)
        }
        "closes-with-1011-on-a-long-ping" => {
            bench.meet(Oddity::Ping(&[b'x'; 125]));
            bench.orders().iter().any(|(_, order)| *order == Order::Close(1011))
        }
        "takes-bytes-for-text" => {
            bench.meet(Oddity::Binary(br#"[2,"a","Bananas",{}]"#));
            !bench.taken().is_empty()
        }
        "fetches-urls" => {
            let data = json!({ "vendorId": "org.plugfest", "data": "see http://127.0.0.1:9/token" });
            bench.call("a", "DataTransfer", data);
            bench.orders().iter().any(|(_, order)| matches!(order, Order::Fetch(_)))
        }
        other => panic!("{other} has no scenario"),
    }
}

/// Whether it answers no call on its link any more, which stays open.
fn goes_deaf(bench: &mut Bench) -> bool {
    bench.ask("still there?");
    let orders = bench.orders();
    orders.is_empty() && !bench.device.is_dead() && !bench.device.links().is_empty()
}
