//! Every defect shows between a device and somebody who plays the other side by hand, and the clean device differs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::stimulus::Stimulus;
use protocol::{Role, Timestamp, Version};
use serde_json::{Value, json};

use super::rules;
use crate::{CsmsSettings, Device, Dial, Fault, Oddity, Order, Refusal, StationSettings, faults};

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
    dial: Option<Dial>,
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
        let mut bench = Bench { device, role, version, now, orders, link: 0, dial: None, confirmed };
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
        self.open_with(identity, Some(self.version.subprotocol().to_owned()))
    }

    fn open_with(&mut self, identity: &str, subprotocol: Option<String>) -> u64 {
        let dial = self.dial.take().or_else(|| self.device.dial());
        self.link = dial.map_or(self.link + 1, |dial| dial.number);
        let (number, orders) = (self.link, self.orders.clone());
        let take = Box::new(move |order| orders.lock().expect("a lock").push((number, order)));
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

    fn is_cut(&mut self) -> bool {
        self.orders().iter().any(|(_, order)| *order == Order::Cut)
    }

    fn closes_with(&mut self, code: u16, text: &str) -> bool {
        self.hear(text);
        self.orders().iter().any(|(_, order)| *order == Order::Close(code))
    }

    fn goes_deaf_of(&mut self, text: &str) -> bool {
        self.hear(text);
        self.orders();
        self.goes_deaf()
    }

    /// Whether it answers no call on its link any more, which stays open.
    fn goes_deaf(&mut self) -> bool {
        !self.is_answered("still there?") && !self.device.is_dead() && !self.device.links().is_empty()
    }

    fn is_answered(&mut self, id: &str) -> bool {
        self.ask(id);
        self.taken().iter().any(|frame| frame[1] == id)
    }

    /// Whether a call on the first link is answered there.
    fn asks_on_first_link(&mut self, id: &str) -> bool {
        self.device.text(self.now, IDENTITY, 1, json!([2, id, "Heartbeat", {}]).to_string().as_bytes());
        self.orders().iter().any(|(link, order)| *link == 1 && matches!(order, Order::Send(_)))
    }

    /// The first message since the last look.
    fn first(&mut self) -> Value {
        self.taken().into_iter().next().unwrap_or_default()
    }

    /// DataTransfer with this in it.
    fn transfer(&mut self, data: Value) {
        self.call("transfer", "DataTransfer", json!({ "vendorId": "org.plugfest", "data": data }));
    }

    fn fetches(&mut self, text: &str) -> bool {
        self.transfer(json!(text));
        self.orders().iter().any(|(_, order)| matches!(order, Order::Fetch(_)))
    }

    /// How it refuses a value of the wrong type.
    fn refusal(&mut self) -> Value {
        self.call("refused", "DataTransfer", json!({ "vendorId": 7 }));
        self.first()
    }

    /// A good call whose fields fall, and of which the first alone is not enough.
    fn falling(&self) -> String {
        match (self.role, self.version) {
            (Role::Csms, Version::V16) => {
                r#"[2,"f","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]"#.to_owned()
            }
            (Role::Csms, _) => {
                r#"[2,"f","BootNotification",{"reason":"PowerUp","chargingStation":{"vendorName":"V","model":"M"}}]"#
                    .to_owned()
            }
            (Role::Station, Version::V16) => r#"[2,"f","ChangeConfiguration",{"value":"1","key":"X"}]"#.to_owned(),
            (Role::Station, _) => {
                r#"[2,"f","GetBaseReport",{"requestId":1,"reportBase":"SummaryInventory"}]"#.to_owned()
            }
        }
    }

    fn has_dialled(&mut self) -> bool {
        self.dial = self.dial.take().or_else(|| self.device.dial());
        self.dial.is_some()
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
    let mut wrong = Vec::new();
    for info in faults().iter().filter(|info| rules::of(info.id).next().is_some()) {
        for version in info.versions() {
            let mut clean = Bench::new(info.side, version, &[]);
            if provoke(info.id, &mut clean) || clean.device.is_dead() || !clean.device.triggered().is_empty() {
                wrong.push(format!("{} {version}: the clean device does that too", info.id));
            }
            let mut faulty = Bench::new(info.side, version, &[info.id]);
            if !provoke(info.id, &mut faulty) {
                wrong.push(format!("{} {version}: is not seen", info.id));
            }
            if faulty.device.triggered() != [info.id] {
                wrong.push(format!("{} {version}: triggered {:?}", info.id, faulty.device.triggered()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Brings a defect about; whether it was seen.
fn provoke(id: &str, bench: &mut Bench) -> bool {
    let (_, name) = id.split_once('-').expect("a side");
    let deep = format!("{}{}", "[".repeat(1_200), "]".repeat(1_200));
    match name {
        "answers-answers" => {
            let call = bench.provoke_call();
            let answer = bench.answer_to_call("Accepted");
            bench.hear(&json!([3, call, answer]).to_string());
            bench.taken().iter().any(|frame| frame[0] == 3)
        }
        "answers-late" => {
            let on_time = (0..16).filter(|number| bench.is_answered(&format!("c{number}"))).count();
            bench.pass(61);
            on_time == 15 && !bench.taken().is_empty()
        }
        "answers-on-another-link" => {
            bench.open("PF-STATION-2");
            (0..8).filter(|number| bench.asks_on_first_link(&format!("c{number}"))).count() == 7
        }
        "answers-twice" => {
            bench.ask("a");
            bench.taken().len() == 2
        }
        "answers-with-its-own-id" => {
            bench.ask("a");
            bench.first()[1] == "own-a"
        }
        "takes-ids-for-numbers" => {
            bench.ask("17");
            bench.first()[1] == 17
        }
        "upper-cases-ids" => {
            bench.ask("a");
            bench.first()[1] == "A"
        }
        "closes-with-1011-on-a-damaged-call" => bench.closes_with(1011, r#"[2,"m1","Heartbeat"]"#),
        "closes-with-1011-on-a-long-ping" => {
            bench.meet(Oddity::Ping(&[b'x'; 125]));
            bench.orders().iter().any(|(_, order)| *order == Order::Close(1011))
        }
        "closes-with-1011-on-text-that-is-no-json" => bench.closes_with(1011, "[2,\"m1\","),
        "cuts-off-long-errors" => {
            bench.call("a", &"Bananas".repeat(40), json!({}));
            bench.first().is_string()
        }
        "cuts-the-link-on-a-damaged-frame" => {
            bench.meet(Oddity::ProtocolError);
            bench.is_cut()
        }
        "cuts-the-link-on-a-long-list" => {
            bench.transfer(json!({ "x": vec![1; 51] }));
            bench.is_cut()
        }
        "cuts-the-link-on-text-that-is-no-json" => {
            bench.hear("[2,\"m1\",");
            bench.is_cut()
        }
        "deaf-after-a-lone-surrogate" => bench.goes_deaf_of(r#"[2,"m1","DataTransfer",{"vendorId":"\ud800"}]"#),
        "deaf-after-a-long-number" => bench.goes_deaf_of(&format!("[2,\"m1\",\"X\",{{\"x\":{}}}]", "9".repeat(4_301))),
        "deaf-after-a-prototype-name" => bench.goes_deaf_of(r#"[2,"m1","constructor",{}]"#),
        "deaf-after-an-action-that-is-no-text" => bench.goes_deaf_of(r#"[2,"m1",[],{}]"#),
        "deaf-after-deep-nesting" => bench.goes_deaf_of(&format!("[2,\"m1\",\"X\",{deep}]")),
        "dies-after-an-empty-payload" => {
            let action = if bench.role == Role::Csms { "BootNotification" } else { "Reset" };
            bench.call("a", action, json!({}));
            let answered = !bench.taken().is_empty();
            bench.pass(1);
            answered && bench.is_cut() && bench.device.is_dead()
        }
        "dies-of-a-huge-frame" => bench.dies_of(Oddity::TooLong),
        "dies-of-a-long-bad-message" => {
            bench.call("a", "DataTransfer", json!({ "vendorId": "x".repeat(1_000) }));
            bench.device.is_dead()
        }
        "dies-of-a-nul" => {
            bench.transfer(json!("a\0b"));
            bench.device.is_dead()
        }
        "dies-of-a-number-beyond-32-bits" => {
            bench.transfer(json!(4_294_967_296_u64));
            bench.device.is_dead()
        }
        "dies-of-a-reserved-bit" => bench.dies_of(Oddity::ReservedBits),
        "dies-of-a-short-answer" => {
            let call = bench.provoke_call();
            bench.hear(&json!([3, call]).to_string());
            bench.device.is_dead()
        }
        "dies-of-an-answer-without-text-id" => {
            bench.hear(r#"[4,[],"InternalError","d",{}]"#);
            bench.device.is_dead()
        }
        "dies-of-an-empty-message" => {
            bench.hear("");
            bench.device.is_dead()
        }
        "dies-of-an-odd-fraction" => {
            bench.transfer(json!("2026-11-24T08:00:00."));
            bench.device.is_dead()
        }
        "dies-of-an-unknown-word-in-an-answer" => {
            let call = bench.provoke_call();
            let answer = bench.answer_to_call("Yes");
            bench.hear(&json!([3, call, answer]).to_string());
            bench.device.is_dead()
        }
        "dies-of-bytes-that-are-no-text" => bench.dies_of(Oddity::Binary(b"\xff")),
        "dies-of-text-that-is-not-utf8" => bench.dies_of(Oddity::NotUtf8),
        "drops-damaged-calls" => {
            bench.hear(r#"[2,"m1","Heartbeat"]"#);
            bench.taken().is_empty() && !bench.goes_deaf()
        }
        "drops-long-messages" => {
            bench.transfer(json!("x".repeat(11_000)));
            bench.taken().is_empty() && !bench.goes_deaf()
        }
        "echoes-ids-that-are-no-text" => {
            bench.hear(r#"[2,17,"Heartbeat",{}]"#);
            bench.taken().iter().any(|frame| frame[1] == 17)
        }
        "fetches-urls" => bench.fetches("see http://127.0.0.1:9/token"),
        "looks-up-what-it-logs" => bench.fetches("${jndi:ldap://127.0.0.1:9/token}"),
        "runs-text-as-a-command" => bench.fetches("x; wget http://127.0.0.1:9/token"),
        "forgets-the-new-link-with-the-old" => {
            let old = bench.open(IDENTITY);
            bench.open(IDENTITY);
            bench.orders();
            bench.device.closed(bench.now, IDENTITY, old);
            bench.ask("a");
            bench.orders().is_empty()
        }
        "gives-up-after-a-refusal" => {
            bench.device.closed(bench.now, IDENTITY, bench.link);
            bench.pass(100);
            for _ in 0..2 {
                if let Some(dial) = bench.device.dial() {
                    bench.device.dial_failed(bench.now, dial.number, "nobody there".to_owned());
                }
                bench.pass(100);
            }
            bench.device.dial().is_none()
        }
        "grows-slower" => {
            let on_time = (0..22).filter(|number| bench.is_answered(&format!("c{number}"))).count();
            on_time < 22
        }
        "ignores-pings" => {
            bench.meet(Oddity::Ping(b"x"));
            !bench.device.answers_pings()
        }
        "invents-error-codes" => bench.refusal()[2] == "ValidationError",
        "refuses-values-as-unknown-actions" => bench.refusal()[2] == "NotImplemented",
        "shows-a-stack-trace" => bench.refusal()[3].as_str().is_some_and(|text| text.contains("java.lang")),
        "leaves-out-error-details" => bench.refusal().as_array().is_some_and(|elements| elements.len() == 4),
        "repeats-keys-in-errors" => {
            bench.call("a", "Bananas", json!({}));
            bench
                .orders()
                .iter()
                .any(|(_, order)| matches!(order, Order::Send(text) if text.contains("\"cause\":\"\",\"cause\"")))
        }
        "repeats-the-request-in-errors" => bench.refusal().to_string().len() > 1_000,
        "minds-the-order-of-fields" => {
            bench.hear(&bench.falling());
            bench.first()[0] == 4
        }
        "minds-white-space" => {
            bench.hear(r#"[2, "a", "Bananas", {}]"#);
            bench.taken().is_empty()
        }
        "never-comes-back" => {
            for _ in 0..3 {
                bench.device.closed(bench.now, IDENTITY, bench.link);
                bench.pass(100);
                if bench.device.links().is_empty() && bench.has_dialled() {
                    bench.open(IDENTITY);
                }
            }
            bench.device.links().is_empty()
        }
        "quotes-without-escaping" => {
            bench.call("a", "B\"nanas", json!({}));
            bench.first().is_string()
        }
        "reboots-after-a-long-text" => {
            bench.transfer(json!("x".repeat(1_001)));
            bench.is_cut() && !bench.device.is_dead()
        }
        "reboots-on-a-full-report" => {
            match bench.version {
                Version::V16 => bench.call("a", "GetConfiguration", json!({})),
                _ => bench.call("a", "GetBaseReport", json!({ "requestId": 1, "reportBase": "FullInventory" })),
            }
            bench.is_cut() && !bench.device.is_dead()
        }
        "refuses-twice" => {
            bench.call("a", "Bananas", json!({}));
            bench.taken().len() == 2
        }
        "shows-its-query" => {
            bench.transfer(json!("it's"));
            bench.first().to_string().contains("SELECT")
        }
        "takes-any-subprotocol" => {
            bench.device.closed(bench.now, IDENTITY, bench.link);
            bench.pass(100);
            bench.orders();
            bench.open_with(IDENTITY, Some("ocpp9.9".to_owned()));
            !bench.orders().iter().any(|(_, order)| matches!(order, Order::Close(_)))
        }
        "takes-bytes-for-text" => {
            bench.meet(Oddity::Binary(br#"[2,"a","Bananas",{}]"#));
            !bench.taken().is_empty()
        }
        "takes-escapes-for-letters" => {
            bench.hear(r#"[2,"m1","\u0044ataTransfer",{"vendorId":"org.plugfest"}]"#);
            bench.first()[0] != 3
        }
        "tells-of-other-stations" => {
            bench.open("PF-STATION-2");
            bench.device.text(bench.now, IDENTITY, 1, br#"[2,"a","Bananas",{}]"#);
            bench.first().to_string().contains("PF-STATION-2")
        }
        "writes-a-comma-too-many" => {
            match bench.version {
                Version::V16 => bench.call("a", "GetConfiguration", json!({})),
                _ => {
                    let one = json!({ "component": { "name": "X" }, "variable": { "name": "Y" } });
                    bench.call("a", "GetVariables", json!({ "getVariableData": [one, one] }));
                }
            }
            bench.first().is_string()
        }
        other => panic!("{other} has no scenario"),
    }
}
