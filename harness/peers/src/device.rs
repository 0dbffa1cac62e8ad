//! A reference peer together with its links and with everybody who waits for it: what a program that carries
//! bytes for it has to know, whatever carries them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use protocol::stimulus::Stimulus;
use protocol::{Role, Timestamp, Version};
use serde_json::Value;

use crate::defects::{Defects, Effect};
use crate::{
    Csms, CsmsSettings, Fault, Fetch, HandshakeAnswer, Input, Oddity, Output, Refusal, Station, StationSettings,
};

/// A peer as a device: events in, orders to its links out. After every event [`Device::next_wakeup`] may have
/// changed, and a station may have a [`Device::dial`] to make.
pub struct Device {
    peer: Peer,
    defects: Defects,
    life: Life,
    links: HashMap<String, Live>,
    waiting: HashMap<String, Told>,
    /// Stimuli that last until a moment.
    lasting: Vec<(Timestamp, Told)>,
    /// What a defect holds back.
    late: Vec<Late>,
    looking: Option<Seen>,
    /// Links that a defect has forgotten, though nobody has closed them.
    forgotten: Vec<Orders>,
    now: Timestamp,
    /// Links lost so far, and connections in a row that did not come about.
    lost: u32,
    failed: u32,
    tickets: u64,
    dials: u64,
    dial: Option<Dial>,
}

/// What a link is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Send this text message.
    Send(String),
    /// Close the WebSocket with this status code.
    Close(u16),
    /// Drop the connection without a closing handshake.
    Cut,
    /// Connect to somewhere and say something there, beside the link; a defect of some devices. Whether that comes
    /// about is of no interest to the device.
    Fetch(Fetch),
}

/// Takes the orders for a link.
pub type Orders = Box<dyn FnMut(Order) + Send>;
/// Is told what became of a stimulus.
pub type Told = Box<dyn FnOnce(Result<(), Refusal>) + Send>;
/// Is told what was seen; `None` if the device cannot tell.
pub type Seen = Box<dyn FnOnce(Option<bool>) + Send>;

/// A connection that a station wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dial {
    /// Tells this attempt from earlier and later ones.
    pub number: u64,
    /// The identity, the last segment of the URL.
    pub identity: String,
    /// The version to offer.
    pub version: Version,
    /// User and password of Basic authentication.
    pub credentials: Option<(String, Vec<u8>)>,
}

enum Peer {
    Station { station: Box<Station>, identity: String, version: Version },
    Csms(Box<Csms>),
}

/// An open link, by the identity of its station; the number tells an old one from its successor.
struct Live {
    number: u64,
    subprotocol: Option<String>,
    orders: Orders,
    /// A defect has ended whatever reads from it.
    deaf: bool,
}

/// An order that comes late.
struct Late {
    at: Timestamp,
    identity: String,
    number: u64,
    order: Order,
}

/// Whether the device runs. A defect can end that, as a crash does: nothing is read or sent any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Alive,
    /// Dead, but what it has sent before may still get out before the links are cut.
    Dying(Timestamp),
    Dead,
}

/// Why a device that has died does nothing.
const DEAD: &str = "the device has died";
/// How long the last words of a device get.
const LAST_WORDS: Duration = Duration::from_millis(10);

impl Device {
    /// A station with this equipment and these defects.
    pub fn station(settings: StationSettings, faults: Vec<Fault>) -> Device {
        let (identity, version) = (settings.identity.clone(), settings.version);
        let defects = Defects::new(Role::Station, &faults);
        Device::new(Peer::Station { station: Box::new(Station::new(settings, faults)), identity, version }, defects)
    }

    /// A CSMS set up like this, with these defects.
    pub fn csms(settings: CsmsSettings, faults: Vec<Fault>) -> Device {
        let defects = Defects::new(Role::Csms, &faults);
        Device::new(Peer::Csms(Box::new(Csms::new(settings, faults))), defects)
    }

    fn new(peer: Peer, defects: Defects) -> Device {
        Device {
            peer,
            defects,
            life: Life::Alive,
            links: HashMap::new(),
            waiting: HashMap::new(),
            lasting: Vec::new(),
            late: Vec::new(),
            looking: None,
            forgotten: Vec::new(),
            now: Timestamp::default(),
            lost: 0,
            failed: 0,
            tickets: 0,
            dials: 0,
            dial: None,
        }
    }

    /// A defect has ended the device as a crash ends a program: its links are cut, it takes no connection, makes none,
    /// and does nothing any more. What brings it back is to make it anew.
    pub fn is_dead(&self) -> bool {
        self.life != Life::Alive
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Timestamp) {
        if let Life::Dying(until) = self.life
            && until <= now
        {
            self.bury();
        }
        if self.is_dead() {
            return;
        }
        self.now = self.now.max(now);
        let outputs = match &mut self.peer {
            Peer::Csms(csms) => csms.tick(now),
            Peer::Station { station, identity, .. } => under(identity, station.tick(now)),
        };
        self.carry_out(outputs);
        let (over, lasting) = std::mem::take(&mut self.lasting).into_iter().partition(|(until, _)| *until <= now);
        self.lasting = lasting;
        for (_, told) in over {
            told(Ok(()));
        }
        let (due, late) = std::mem::take(&mut self.late).into_iter().partition(|late| late.at <= now);
        self.late = late;
        for Late { identity, number, order, .. } in due {
            if self.is_live(&identity, number) {
                self.order(&identity, order);
            }
        }
    }

    /// When the device next wants a [`Device::tick`].
    pub fn next_wakeup(&self) -> Option<Timestamp> {
        match self.life {
            Life::Alive => {}
            Life::Dying(until) => return Some(until),
            Life::Dead => return None,
        }
        let wakeup = match &self.peer {
            Peer::Csms(csms) => csms.next_wakeup(),
            Peer::Station { station, .. } => station.next_wakeup(),
        };
        let late = self.late.iter().map(|late| late.at);
        self.lasting.iter().map(|(until, _)| *until).chain(late).chain(wakeup).min()
    }

    /// The connection that the station wants now, told once.
    pub fn dial(&mut self) -> Option<Dial> {
        self.dial.take()
    }

    /// Carries a stimulus out. For a CSMS `station` is the one it is about; empty if it does not matter.
    pub fn stimulate(&mut self, now: Timestamp, station: &str, stimulus: &Stimulus, told: Told) {
        if self.is_dead() {
            told(Err(Refusal::not_now(DEAD)));
            return;
        }
        self.tickets += 1;
        // A confirmation comes under the name its stimulus was given with, and a call's may come late.
        let ticket = format!("\0{}", self.tickets);
        self.waiting.insert(ticket.clone(), told);
        let outputs = match &mut self.peer {
            Peer::Csms(csms) => {
                let mut stimulus = stimulus.clone();
                if !station.is_empty() {
                    stimulus.with.entry("station").or_insert_with(|| station.into());
                }
                csms.handle(now, &ticket, Input::Stimulus(&stimulus))
            }
            Peer::Station { station, identity, .. } => {
                let (stimulus, lasts) = without_waiting(stimulus);
                let mut outputs = station.handle(now, Input::Stimulus(&stimulus));
                if let (Some(lasts), Some(Output::StimulusDone(Ok(())))) = (lasts, outputs.last())
                    && let Some(told) = self.waiting.remove(&ticket)
                {
                    outputs.pop();
                    self.lasting.push((now + lasts, told));
                }
                outputs
                    .into_iter()
                    .map(|output| match output {
                        Output::StimulusDone(_) => (ticket.clone(), output),
                        _ => (identity.clone(), output),
                    })
                    .collect()
            }
        };
        self.carry_out(outputs);
    }

    /// Looks at the device.
    pub fn look(&mut self, now: Timestamp, station: &str, observation: &Stimulus, seen: Seen) {
        if self.is_dead() {
            seen(None);
            return;
        }
        self.looking = Some(seen);
        self.handle(now, station, Input::Observe(observation));
    }

    /// Decides on the opening handshake of a station (a CSMS only).
    pub fn decide_handshake(
        &mut self,
        now: Timestamp,
        identity: &str,
        credentials: Option<(&str, &[u8])>,
        offered: &[String],
    ) -> HandshakeAnswer {
        match &mut self.peer {
            // Whoever carries the bytes does better not to answer at all.
            _ if self.life != Life::Alive => HandshakeAnswer::Refuse { status: 503 },
            Peer::Csms(csms) => csms.decide_handshake(now, identity, credentials, offered),
            Peer::Station { .. } => HandshakeAnswer::Refuse { status: 404 },
        }
    }

    /// A link is open: the one that was dialled, or one that came in. A new link of an identity replaces the
    /// old one.
    pub fn opened(
        &mut self,
        now: Timestamp,
        identity: &str,
        number: u64,
        subprotocol: Option<String>,
        mut orders: Orders,
    ) {
        self.failed = 0;
        let subprotocol = self.believed(subprotocol);
        if self.is_outdated(number) || self.is_dead() {
            orders(Order::Cut);
            return;
        }
        let live = Live { number, subprotocol: subprotocol.clone(), orders, deaf: false };
        if let Some(mut old) = self.links.insert(identity.to_owned(), live) {
            (old.orders)(Order::Close(1000));
            self.handle(now, identity, Input::Disconnected);
        }
        self.handle(now, identity, Input::Connected { subprotocol });
    }

    /// The connection that was dialled did not come about.
    pub fn dial_failed(&mut self, now: Timestamp, number: u64, reason: String) {
        if !self.is_outdated(number) && !self.is_dead() {
            self.failed = self.failed.saturating_add(1);
            self.handle(now, "", Input::ConnectFailed { reason });
        }
    }

    /// A text message on a link.
    pub fn text(&mut self, now: Timestamp, identity: &str, number: u64, text: &[u8]) {
        if !self.hears(identity, number) {
            return;
        }
        if self.defects.is_none() {
            self.handle(now, identity, Input::Text(text));
            return;
        }
        let heed = self.defects.hear(self.version(identity), identity, text);
        for effect in heed.before {
            self.suffer(now, identity, effect);
        }
        if let Some(text) = heed.text {
            self.handle(now, identity, Input::Text(&text));
        }
        for effect in heed.after {
            self.suffer(now, identity, effect);
        }
        self.defects.heard();
    }

    /// Something on a link that is no text message.
    pub fn met(&mut self, now: Timestamp, identity: &str, number: u64, oddity: Oddity<'_>) {
        if self.is_dead() || !self.is_live(identity, number) {
            return;
        }
        let effects = self.defects.meet(oddity);
        if let (Some(code), []) = (oddity.close_code(), &effects[..]) {
            // What comes behind a damaged frame is not to be trusted.
            self.suffer(now, identity, Effect::Deafen);
            self.order(identity, Order::Close(code));
        }
        for effect in effects {
            match effect {
                Effect::Misread(text) => self.text(now, identity, number, &text),
                effect => self.suffer(now, identity, effect),
            }
        }
    }

    /// Whether pings get their pongs from whoever carries the bytes. It does not change, and where the WebSocket is a
    /// library's, which answers pings by itself, it cannot be obeyed.
    pub fn answers_pings(&self) -> bool {
        !self.defects.keeps_pongs()
    }

    /// A link is gone.
    pub fn closed(&mut self, now: Timestamp, identity: &str, number: u64) {
        if self.is_live(identity, number) {
            self.links.remove(identity);
            self.defects.closed(identity);
            if !self.is_dead() {
                self.lost = self.lost.saturating_add(1);
                self.handle(now, identity, Input::Disconnected);
            }
            return;
        }
        let is_newer = self.links.get(identity).is_some_and(|live| live.number > number);
        if is_newer && self.defects.hits("forgets-the-new-link-with-the-old") {
            self.forgotten.extend(self.links.remove(identity).map(|live| live.orders));
            self.handle(now, identity, Input::Disconnected);
        }
    }

    /// Closes every link; for a program that ends.
    pub fn close_all(&mut self) {
        let links = self.links.drain().map(|(_, link)| link.orders);
        for mut orders in links.chain(self.forgotten.drain(..)) {
            orders(Order::Close(1001));
        }
    }

    /// The open links: identities and subprotocols.
    pub fn links(&self) -> Vec<(String, Option<String>)> {
        let mut links: Vec<_> =
            self.links.iter().map(|(identity, live)| (identity.clone(), live.subprotocol.clone())).collect();
        links.sort();
        links
    }

    /// The ids of the faults that have changed what it does so far.
    pub fn triggered(&self) -> Vec<&'static str> {
        let mut triggered = match &self.peer {
            Peer::Station { station, .. } => station.triggered(),
            Peer::Csms(csms) => csms.triggered(),
        };
        triggered.extend(self.defects.triggered());
        triggered
    }

    /// What a defect does to the device, over a message on this link.
    fn suffer(&mut self, now: Timestamp, identity: &str, effect: Effect) {
        match effect {
            Effect::Die => self.bury(),
            Effect::DieAfter => {
                if self.life == Life::Alive {
                    self.life = Life::Dying(now + LAST_WORDS);
                    self.late.clear();
                }
            }
            Effect::Deafen => {
                if let Some(live) = self.links.get_mut(identity) {
                    live.deaf = true;
                }
            }
            // What is made of the message was settled before.
            Effect::Ignore | Effect::Misread(_) => {}
            Effect::Close(code) => self.order(identity, Order::Close(code)),
            Effect::Cut => self.order(identity, Order::Cut),
            Effect::Reboot => self.lose_power_for_a_moment(now),
            Effect::Fetch(fetch) => self.order(identity, Order::Fetch(fetch)),
            Effect::Say(text) => self.order(identity, Order::Send(text)),
        }
    }

    fn lose_power_for_a_moment(&mut self, now: Timestamp) {
        for verb in ["cut power", "restore power"] {
            let stimulus = Stimulus { party: Role::Station, verb: verb.to_owned(), with: serde_json::Map::new() };
            self.handle(now, "", Input::Stimulus(&stimulus));
        }
    }

    /// The end of the device: no link is left, and nobody waits for it any longer.
    fn bury(&mut self) {
        self.life = Life::Dead;
        let links = self.links.drain().map(|(_, link)| link.orders);
        for mut orders in links.chain(self.forgotten.drain(..)) {
            orders(Order::Cut);
        }
        self.late.clear();
        self.dial = None;
        let lasting = std::mem::take(&mut self.lasting).into_iter().map(|(_, told)| told);
        for told in std::mem::take(&mut self.waiting).into_values().chain(lasting) {
            told(Err(Refusal::not_now(DEAD)));
        }
        if let Some(seen) = self.looking.take() {
            seen(None);
        }
    }

    /// Whether what comes in on this link is read.
    fn hears(&self, identity: &str, number: u64) -> bool {
        self.life == Life::Alive && self.links.get(identity).is_some_and(|live| live.number == number && !live.deaf)
    }

    /// The version spoken on a link.
    fn version(&self, identity: &str) -> Version {
        match &self.peer {
            Peer::Station { version, .. } => *version,
            Peer::Csms(_) => {
                let spoken = self.links.get(identity).and_then(|live| live.subprotocol.as_deref());
                spoken.and_then(Version::from_subprotocol).unwrap_or(Version::V16)
            }
        }
    }

    fn is_live(&self, identity: &str, number: u64) -> bool {
        self.links.get(identity).is_some_and(|live| live.number == number)
    }

    /// A station has dialled again since.
    fn is_outdated(&self, number: u64) -> bool {
        matches!(self.peer, Peer::Station { .. }) && number != self.dials
    }

    /// The subprotocol that the device believes it speaks.
    fn believed(&mut self, subprotocol: Option<String>) -> Option<String> {
        let Peer::Station { version, .. } = &self.peer else { return subprotocol };
        let own = version.subprotocol();
        if subprotocol.as_deref() != Some(own) && self.defects.hits("takes-any-subprotocol") {
            return Some(own.to_owned());
        }
        subprotocol
    }

    fn handle(&mut self, now: Timestamp, about: &str, input: Input<'_>) {
        self.now = self.now.max(now);
        let outputs = match &mut self.peer {
            Peer::Csms(csms) => csms.handle(now, about, input),
            Peer::Station { station, identity, .. } => under(identity, station.handle(now, input)),
        };
        self.carry_out(outputs);
    }

    fn carry_out(&mut self, outputs: Vec<(String, Output)>) {
        for (name, output) in outputs {
            match output {
                Output::Connect => self.want_dial(),
                Output::Send(text) if self.defects.is_none() => self.order(&name, Order::Send(text)),
                Output::Send(text) => self.send_with_defects(&name, text),
                Output::Close { code } => self.order(&name, Order::Close(code)),
                Output::Cut => self.order(&name, Order::Cut),
                Output::StimulusDone(outcome) => {
                    if let Some(told) = self.waiting.remove(&name) {
                        told(outcome);
                    }
                }
                Output::Observed(seen) => {
                    if let Some(looking) = self.looking.take() {
                        looking(seen);
                    }
                }
            }
        }
    }

    fn send_with_defects(&mut self, identity: &str, text: String) {
        let mut others: Vec<String> = self.links.keys().filter(|other| *other != identity).cloned().collect();
        others.sort();
        for text in self.defects.say(identity, text, &others) {
            let is_answer = text.starts_with("[3") || text.starts_with("[4");
            let delay = if is_answer { self.defects.delay() } else { Duration::ZERO };
            let astray = others.first().filter(|_| is_answer && self.defects.goes_astray());
            let identity = astray.map_or(identity, String::as_str);
            let order = Order::Send(text);
            match self.links.get(identity).map(|live| live.number).filter(|_| !delay.is_zero()) {
                None => self.order(identity, order),
                Some(number) => {
                    self.late.push(Late { at: self.now + delay, identity: identity.to_owned(), number, order });
                }
            }
        }
    }

    fn order(&mut self, identity: &str, order: Order) {
        if let Some(live) = self.links.get_mut(identity) {
            (live.orders)(order);
        }
    }

    fn want_dial(&mut self) {
        let gives_up = (self.lost > 2 && self.defects.hits("never-comes-back"))
            || (self.failed > 1 && self.defects.hits("gives-up-after-a-refusal"));
        if gives_up {
            return;
        }
        if let Peer::Station { station, identity, version } = &self.peer {
            self.dials += 1;
            self.dial = Some(Dial {
                number: self.dials,
                identity: identity.clone(),
                version: *version,
                credentials: station.credentials(),
            });
        }
    }
}

/// Energy flows by itself as long as it may: charging for a while begins at once, and is done when that while is
/// over.
fn without_waiting(stimulus: &Stimulus) -> (Cow<'_, Stimulus>, Option<Duration>) {
    let seconds = stimulus.with.get("for").and_then(Value::as_f64).filter(|seconds| (0.0..=1e7).contains(seconds));
    match seconds {
        Some(seconds) if stimulus.verb == "charge" => {
            let mut begun = stimulus.clone();
            begun.with.insert("for".to_owned(), 0.into());
            (Cow::Owned(begun), Some(Duration::from_secs_f64(seconds)))
        }
        _ => (Cow::Borrowed(stimulus), None),
    }
}

fn under(identity: &str, outputs: Vec<Output>) -> Vec<(String, Output)> {
    outputs.into_iter().map(|output| (identity.to_owned(), output)).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use protocol::Role;
    use serde_json::json;

    use super::*;

    /// A station that was accepted once, is offline, and lets unknown tokens charge.
    fn offline_station(now: Timestamp) -> Device {
        let settings = StationSettings {
            configuration: [("AllowOfflineTxForUnknownId".to_owned(), "true".to_owned())].into(),
            ..StationSettings::standard(Version::V16)
        };
        let identity = settings.identity.clone();
        let mut device = Device::station(settings, Vec::new());
        device.tick(now);
        let sent = Arc::new(Mutex::new(Vec::new()));
        let seen = sent.clone();
        let orders = Box::new(move |order| seen.lock().unwrap().push(order));
        device.opened(now, &identity, 1, Some("ocpp1.6".to_owned()), orders);
        let Some(Order::Send(boot)) = sent.lock().unwrap().first().cloned() else { panic!("it boots") };
        let boot: Value = serde_json::from_str(&boot).unwrap();
        let answer = json!([3, boot[1], { "status": "Accepted", "interval": 300, "currentTime": now.to_string() }]);
        device.text(now, &identity, 1, answer.to_string().as_bytes());
        device.closed(now, &identity, 1);
        device
    }

    #[test]
    fn charging_for_a_while_is_confirmed_when_the_while_is_over() {
        let start = Timestamp::parse("2026-01-02T03:04:05Z").unwrap();
        let mut device = offline_station(start);
        let outcomes = Arc::new(Mutex::new(Vec::new()));
        let act = |device: &mut Device, verb: &str, with: Value| {
            let outcomes = outcomes.clone();
            let told = Box::new(move |outcome: Result<(), Refusal>| outcomes.lock().unwrap().push(outcome.is_ok()));
            let with = with.as_object().cloned().unwrap_or_default();
            device.stimulate(start, "", &Stimulus { party: Role::Station, verb: verb.to_owned(), with }, told);
        };
        act(&mut device, "charge", json!({ "for": 30 }));
        assert_eq!(*outcomes.lock().unwrap(), [false], "no energy flows, which is said at once");
        act(&mut device, "plug in", json!({}));
        act(&mut device, "present token", json!({ "token": { "idToken": "SOMEBODY" } }));
        act(&mut device, "charge", json!({ "for": 30 }));
        assert_eq!(outcomes.lock().unwrap().len(), 3);
        device.tick(start + Duration::from_secs(29));
        assert_eq!(outcomes.lock().unwrap().len(), 3);
        assert!(device.next_wakeup() <= Some(start + Duration::from_secs(30)));
        device.tick(start + Duration::from_secs(30));
        assert_eq!(*outcomes.lock().unwrap(), [false, true, true, true]);
    }
}
