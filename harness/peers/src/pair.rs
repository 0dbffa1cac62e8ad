//! Tests: a station and a CSMS joined by an in-memory link under a clock that is moved by hand.

mod csms_faults;
mod random;
mod sessions;
mod station_faults;
mod v201;

use std::collections::VecDeque;
use std::time::Duration;

use protocol::overlay::{Part, Severity, breaches};
use protocol::stimulus::Stimulus;
use protocol::validate::{request_violations, response_violations};
use protocol::{Role, Timestamp, Version};
use serde_json::{Value, json};

use crate::{Csms, CsmsSettings, Fault, HandshakeAnswer, Input, Output, Refusal, Station, StationSettings};

/// A message that crossed the link.
#[derive(Clone, Debug)]
pub(crate) struct Crossed {
    pub(crate) from: Role,
    pub(crate) at: Timestamp,
    /// How many links there were before this one.
    pub(crate) link: usize,
    pub(crate) frame: Value,
}

impl Crossed {
    pub(crate) fn kind(&self) -> i64 {
        self.frame[0].as_i64().unwrap_or(0)
    }

    pub(crate) fn is_call(&self, from: Role, action: &str) -> bool {
        self.from == from && self.kind() == 2 && self.frame[2] == action
    }
}

/// A station and a CSMS, and everything that has crossed between them.
pub(crate) struct Pair {
    pub(crate) station: Station,
    pub(crate) csms: Csms,
    pub(crate) now: Timestamp,
    pub(crate) crossed: Vec<Crossed>,
    pub(crate) identity: String,
    version: Version,
    linked: bool,
    links: usize,
    running: bool,
    queue: VecDeque<(Role, Output)>,
    /// The station cannot reach the CSMS.
    pub(crate) unreachable: bool,
    /// The CSMS's end is ours: nothing is delivered to the real one.
    pub(crate) muted: bool,
    /// Nothing is delivered to the station.
    pub(crate) deaf_station: bool,
    /// Which messages of the station get lost, by action: tested against every call.
    pub(crate) lost: Vec<String>,
    pub(crate) closes: Vec<(Role, u16)>,
    pub(crate) outcomes: Vec<Result<(), Refusal>>,
    pub(crate) observed: Option<bool>,
}

impl Pair {
    pub(crate) fn new(version: Version) -> Pair {
        Pair::with(StationSettings::standard(version), &[])
    }

    /// Both peers clean but for these faults.
    pub(crate) fn with(settings: StationSettings, faults: &[&str]) -> Pair {
        let version = settings.version;
        let of = |side: Role| -> Vec<Fault> {
            faults
                .iter()
                .map(|id| Fault::find(id).expect("the fault exists"))
                .filter(|fault| fault.info().side == side)
                .collect()
        };
        Pair {
            identity: settings.identity.clone(),
            station: Station::new(settings, of(Role::Station)),
            csms: Csms::new(CsmsSettings::standard(version), of(Role::Csms)),
            now: Timestamp::parse("2026-11-24T08:00:00Z").expect("a time"),
            crossed: Vec::new(),
            version,
            linked: false,
            links: 0,
            running: false,
            queue: VecDeque::new(),
            unreachable: false,
            muted: false,
            deaf_station: false,
            lost: Vec::new(),
            closes: Vec::new(),
            outcomes: Vec::new(),
            observed: None,
        }
    }

    /// A pair whose station has been accepted.
    pub(crate) fn booted(settings: StationSettings, faults: &[&str]) -> Pair {
        let mut pair = Pair::with(settings, faults);
        pair.wait(1);
        pair
    }

    /// Lets seconds pass, waking whoever wants it at the moment he wants it.
    pub(crate) fn wait(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        self.tick();
        for _ in 0..100_000 {
            let next = [self.station.next_wakeup(), self.csms.next_wakeup()].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = end;
                self.tick();
                return;
            };
            assert!(next >= self.now || next == Timestamp::default(), "a wakeup in the past: {next} at {}", self.now);
            self.now = self.now.max(next);
            self.tick();
        }
        panic!("a peer wants to be woken again and again");
    }

    fn tick(&mut self) {
        let from_csms = self.csms.tick(self.now);
        self.csms_wants(from_csms);
        let from_station = self.station.tick(self.now);
        self.station_wants(from_station);
    }

    pub(crate) fn at_station(&mut self, verb: &str, with: Value) -> &mut Pair {
        let stimulus = stimulus(Role::Station, verb, with);
        let outputs = self.station.handle(self.now, Input::Stimulus(&stimulus));
        self.station_wants(outputs);
        self
    }

    pub(crate) fn look(&mut self, observation: &str) -> Option<bool> {
        let stimulus = stimulus(Role::Station, observation, json!({}));
        let outputs = self.station.handle(self.now, Input::Observe(&stimulus));
        self.station_wants(outputs);
        self.observed
    }

    pub(crate) fn at_csms(&mut self, verb: &str, with: Value) -> &mut Pair {
        let stimulus = stimulus(Role::Csms, verb, with);
        let outputs = self.csms.handle(self.now, "", Input::Stimulus(&stimulus));
        self.csms_wants(outputs);
        self
    }

    /// The CSMS calls the station.
    pub(crate) fn send(&mut self, action: &str, fields: Value) -> Value {
        let identity = self.identity.clone();
        let before = self.crossed.len();
        self.at_csms("send", json!({ "action": action, "fields": fields, "station": identity }));
        let call = self.crossed[before..].iter().find(|crossed| crossed.is_call(Role::Csms, action));
        let Some(id) = call.map(|call| call.frame[1].clone()) else {
            return Value::Null;
        };
        self.answer_to(Role::Station, &id, before)
    }

    /// A text from the CSMS's end of the link that the CSMS itself knows nothing of.
    pub(crate) fn csms_text(&mut self, text: &str) {
        self.record(Role::Csms, text);
        let outputs = self.station.handle(self.now, Input::Text(text.as_bytes()));
        self.station_wants(outputs);
    }

    /// A text from the station's end of the link that the station itself knows nothing of.
    pub(crate) fn station_text(&mut self, text: &str) {
        self.record(Role::Station, text);
        let identity = self.identity.clone();
        let outputs = self.csms.handle(self.now, &identity, Input::Text(text.as_bytes()));
        self.csms_wants(outputs);
    }

    /// A call from the station's end of the link; what the CSMS answers.
    pub(crate) fn station_call(&mut self, id: &str, action: &str, payload: Value) -> Value {
        let before = self.crossed.len();
        self.station_text(&json!([2, id, action, payload]).to_string());
        self.answer_to(Role::Csms, &id.into(), before)
    }

    /// A call from the CSMS's end of the link; what the station answers.
    pub(crate) fn csms_call(&mut self, id: &str, action: &str, payload: Value) -> Value {
        let before = self.crossed.len();
        self.csms_text(&json!([2, id, action, payload]).to_string());
        self.answer_to(Role::Station, &id.into(), before)
    }

    fn answer_to(&self, from: Role, id: &Value, since: usize) -> Value {
        self.crossed[since..].iter().find(|c| c.from == from && c.kind() != 2 && c.frame[1] == *id).map_or(
            Value::Null,
            |c| match c.kind() {
                3 => c.frame[2].clone(),
                _ => c.frame.clone(),
            },
        )
    }

    /// The calls of a side with this action, payloads only.
    pub(crate) fn calls(&self, from: Role, action: &str) -> Vec<Value> {
        self.crossed
            .iter()
            .filter(|crossed| crossed.is_call(from, action))
            .map(|crossed| crossed.frame[3].clone())
            .collect()
    }

    /// What the station has said of a connector, in order.
    pub(crate) fn states(&self, connector: u32) -> Vec<String> {
        self.calls(Role::Station, "StatusNotification")
            .into_iter()
            .filter(|call| call["connectorId"] == connector)
            .map(|call| call["status"].as_str().unwrap_or("").to_owned())
            .collect()
    }

    /// Forgets what has crossed so far.
    pub(crate) fn afresh(&mut self) -> &mut Pair {
        self.crossed.clear();
        self
    }

    pub(crate) fn cut(&mut self) {
        if self.linked {
            self.linked = false;
            let outputs = self.station.handle(self.now, Input::Disconnected);
            self.station_wants(outputs);
            let identity = self.identity.clone();
            let outputs = self.csms.handle(self.now, &identity, Input::Disconnected);
            self.csms_wants(outputs);
        }
    }

    fn station_wants(&mut self, outputs: Vec<Output>) {
        self.queue.extend(outputs.into_iter().map(|output| (Role::Station, output)));
        self.run();
    }

    fn csms_wants(&mut self, outputs: Vec<(String, Output)>) {
        self.queue.extend(outputs.into_iter().map(|(_, output)| (Role::Csms, output)));
        self.run();
    }

    /// Carries out what the peers want, in the order in which they wanted it.
    fn run(&mut self) {
        if std::mem::replace(&mut self.running, true) {
            return;
        }
        while let Some((side, output)) = self.queue.pop_front() {
            match output {
                Output::Connect => self.connect(),
                Output::Send(text) if self.linked => self.carry(side, &text),
                Output::Send(_) => {}
                Output::Close { code } => {
                    self.closes.push((side, code));
                    self.cut();
                }
                Output::Cut => self.cut(),
                Output::StimulusDone(outcome) => self.outcomes.push(outcome),
                Output::Observed(seen) => self.observed = seen,
            }
        }
        self.running = false;
    }

    fn carry(&mut self, side: Role, text: &str) {
        self.record(side, text);
        let identity = self.identity.clone();
        let input = Input::Text(text.as_bytes());
        if side == Role::Csms {
            if self.deaf_station {
                return;
            }
            let outputs = self.station.handle(self.now, input);
            self.station_wants(outputs);
            return;
        }
        let frame: Value = serde_json::from_str(text).expect("JSON");
        let lost = self.lost.iter().any(|action| frame[2] == action.as_str());
        if !self.muted && !lost {
            let outputs = self.csms.handle(self.now, &identity, input);
            self.csms_wants(outputs);
        }
    }

    fn connect(&mut self) {
        if self.unreachable {
            let reason = "nobody there".to_owned();
            let outputs = self.station.handle(self.now, Input::ConnectFailed { reason });
            self.station_wants(outputs);
            return;
        }
        let identity = self.identity.clone();
        let offered = [self.version.subprotocol().to_owned()];
        let credentials = self.station.credentials();
        let credentials = credentials.as_ref().map(|(user, password)| (user.as_str(), password.as_slice()));
        let answer = self.csms.decide_handshake(self.now, &identity, credentials, &offered);
        let HandshakeAnswer::Accept { subprotocol } = answer else {
            panic!("refused");
        };
        self.linked = true;
        self.links += 1;
        let connected = Input::Connected { subprotocol };
        let outputs = self.csms.handle(self.now, &identity, connected.clone());
        self.csms_wants(outputs);
        let outputs = self.station.handle(self.now, connected);
        self.station_wants(outputs);
    }

    fn record(&mut self, from: Role, text: &str) {
        let frame = serde_json::from_str(text).unwrap_or(Value::Null);
        self.crossed.push(Crossed { from, at: self.now, link: self.links, frame });
    }

    /// The binding rules of the text, beyond the schema, that a payload breaks. What the CSMS asks is the test's.
    fn broken_rules(&self, sender: Role, action: &str, part: Part, payload: &Value) -> Vec<String> {
        if sender == Role::Csms && part == Part::Request {
            return Vec::new();
        }
        breaches(self.version, sender, action, part, payload)
            .into_iter()
            .filter(|breach| breach.rule.severity == Severity::Must)
            .map(|breach| format!("{sender}: {action}: {}: {}: {payload}", breach.rule.id, breach.path))
            .collect()
    }

    /// What is wrong with the conversation by the rules that hold always, as sentences.
    pub(crate) fn standing_violations(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for side in [Role::Station, Role::Csms] {
            let mut open: Vec<(String, String)> = Vec::new();
            let mut link = 0;
            for crossed in &self.crossed {
                if crossed.link != link {
                    // What was not answered died with its link.
                    link = crossed.link;
                    open.clear();
                }
                let frame = &crossed.frame;
                let id = frame[1].as_str().unwrap_or("").to_owned();
                if crossed.from == side && crossed.kind() == 2 {
                    let action = frame[2].as_str().unwrap_or("").to_owned();
                    for violation in request_violations(self.version, &action, &frame[3]) {
                        wrong.push(format!("{side}: {action}: {violation}: {frame}"));
                    }
                    wrong.extend(self.broken_rules(side, &action, Part::Request, &frame[3]));
                    if let Some((_, other)) = open.first()
                        && !self.lost.contains(other)
                    {
                        wrong.push(format!("{side}: {action} while {other} is unanswered"));
                    }
                    open.push((id, action));
                } else if crossed.from != side && crossed.kind() != 2 {
                    let Some(at) = open.iter().position(|(asked, _)| *asked == id) else {
                        wrong.push(format!("{}: an answer to nothing: {frame}", crossed.from));
                        continue;
                    };
                    let (_, action) = open.remove(at);
                    if crossed.kind() == 3 {
                        for violation in response_violations(self.version, &action, &frame[2]) {
                            wrong.push(format!("answer to {action}: {violation}: {frame}"));
                        }
                        wrong.extend(self.broken_rules(side.other(), &action, Part::Response, &frame[2]));
                    }
                }
            }
            if !open.iter().all(|(_, action)| self.lost.contains(action)) && !self.muted && self.linked {
                wrong.push(format!("{side}: never answered: {open:?}"));
            }
        }
        wrong
    }
}

/// The faults that are in the peer itself.
fn in_peers(version: Version, side: Role) -> impl Iterator<Item = &'static str> {
    let ids = Fault::of(version, side).into_iter().map(|fault| fault.info().id);
    ids.filter(|id| !crate::defects::holds(id))
}

fn stimulus(party: Role, verb: &str, with: Value) -> Stimulus {
    Stimulus { party, verb: verb.to_owned(), with: with.as_object().cloned().unwrap_or_default() }
}

pub(crate) fn tag(id: &str) -> Value {
    json!({ "token": { "idToken": id } })
}

pub(crate) fn standard() -> StationSettings {
    StationSettings::standard(Version::V16)
}
