//! What is known of the state of the device from outside: registration, connectors, transactions, local list,
//! reservations, configuration, profiles; which moves are legal in it, and which answers it demands.
//!
//! Nothing is known at first, and what may have changed behind our back is forgotten: an episode can begin with a
//! device that others have used, and a rule of the model accuses only on what it has seen itself.

mod duties;
mod judge;
mod learn;
mod moves;
mod past;
mod state;
mod station;
mod ways;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use protocol::frame::{Frame, Reading};
use protocol::{Role, Timestamp, Version};
use serde_json::{Map, Value};

use crate::deserved::{Answer, Deserved};
use crate::oracles::{Code, Evidence, Suspicion};
use crate::seen::OurCall;
use crate::{Seen, What};
use duties::Overdue;
use judge::{Case, Judge};
use learn::Exchange;
pub use moves::{Known, Universe};
pub use state::State;
use station::{Registration, Station};
pub use ways::Means;
pub(crate) use ways::{Aim, Goal, Next, Step};

/// The reference model of an episode: fed with everything seen, it never looks at the device by itself.
#[derive(Clone, Debug)]
pub struct Model {
    device: Role,
    version: Version,
    told: Arc<Told>,
    links: BTreeMap<usize, Line>,
    stations: Vec<Station>,
    /// Message ids of ours, with what was decided about the station when they were used.
    ids: HashMap<u64, Registration>,
    repeated: HashSet<u64>,
    /// Somebody decides about tokens and boots by hand.
    by_hand: bool,
    /// Calls that somebody asked the device to make.
    asked: BTreeSet<String>,
    suspicions: Vec<Suspicion>,
    /// Actions that the device said it does not have.
    lacks: BTreeSet<String>,
    /// Ids of transactions that the device told, newest last, as [`crate::view::Known`] has them.
    pool: VecDeque<String>,
    /// Makes ids of ours those of this episode.
    salt: u64,
}

/// What a rig says of the device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Tokens by name: `valid`, `blocked`, ….
    pub tokens: BTreeMap<String, String>,
    /// The groups of tokens, by their text, as far as they are known to the device.
    pub groups: BTreeMap<String, String>,
    /// How many connectors (1.6) or EVSEs (2.x) there are; 0 if it does not say.
    pub connectors: i64,
}

/// A link, and whose it is.
#[derive(Clone, Copy, Debug)]
struct Line {
    station: usize,
    open: bool,
}

/// Something that may be done next: a call of ours, of which only the telling fields are settled.
///
/// `settled` is the payload as far as the move fixes it; the generator adds what else the schema wants, and keeps its
/// hands off what stands there. Values may be markers for what differs from run to run, which become holes of the text:
///
/// | marker | becomes |
/// |---|---|
/// | `{"$known": "transactionId", "back": 0, "otherwise": 1}` | [`crate::act::Hole::Known`]; `back` and `otherwise` may be left out (0, `null`) |
/// | `{"$now": 3600}` | [`crate::act::Hole::Now`]: the time, so many seconds from now |
///
/// A marker can stand at any depth; an object with a member that begins with `$` is always one. Tokens are plain text:
/// the model knows those of the rig.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// The action of the message to be sent.
    pub action: &'static str,
    /// What makes it this move, the same for all of a kind: `unknown id`. With the action it is the key of coverage.
    pub name: &'static str,
    /// The fields that make it this move; the rest is free, but optional fields better stay away.
    pub settled: Map<String, Value>,
    /// Whether the state allows it; if not, the statement that forbids it or has it refused.
    pub forbidden_by: Option<&'static str>,
}

/// How a device says that it does not have an action.
pub(crate) const LACKING: [&str; 2] = ["NotImplemented", "NotSupported"];
/// What tells a station the time.
const CLOCK: &[u8] = b"currentTime";
/// So many message ids are remembered; with more the model keeps silent.
const MOST_IDS: usize = 1_000_000;
/// So many suspicions of one episode are kept until they are fetched.
const MOST_SUSPICIONS: usize = 1000;
/// So many stations.
const MOST_STATIONS: usize = 1000;

impl Model {
    /// Nothing is known yet.
    pub fn new(device: Role, version: Version) -> Model {
        Model {
            device,
            version,
            told: Arc::default(),
            links: BTreeMap::new(),
            stations: Vec::new(),
            ids: HashMap::new(),
            repeated: HashSet::new(),
            by_hand: false,
            asked: BTreeSet::new(),
            suspicions: Vec::new(),
            lacks: BTreeSet::new(),
            pool: VecDeque::new(),
            salt: 0,
        }
    }

    /// With what the rig says of the device: without it no move names a token and no rule judges one.
    #[must_use]
    pub fn knowing(mut self, told: Arc<Told>) -> Model {
        self.told = told;
        self
    }

    /// The side of the device.
    pub fn device(&self) -> Role {
        self.device
    }

    /// The version spoken.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Learns from what was seen, and judges it: see [`Model::judged`].
    pub fn saw(&mut self, seen: &Seen) {
        if self.salt == 0 {
            self.salt = (seen.at.0.unsigned_abs() / 1000) & 0xFFF_FFFF;
        }
        self.silence(seen);
        match &seen.what {
            What::Opened { identity, resumed, .. } => self.opened(seen.link, identity, seen.at, *resumed),
            What::Ended { by_us, .. } => self.ended(seen.link, seen.at, *by_us),
            What::Sent { bytes, deserved } => self.sent(seen, bytes, deserved),
            What::Answered { action, request, bytes, plain } => {
                self.we_answered(seen, action, request, bytes.as_deref(), *plain);
            }
            What::Received { bytes, reading, answers, took } => match (&reading.frame, answers) {
                // A second answer to the same call is somebody else's business.
                (Some(Frame::Result { payload, .. }), Some(call)) => {
                    if let Some(took) = took {
                        self.device_answered(Reply { seen, bytes, reading, call, took: *took }, payload);
                    }
                }
                (Some(Frame::Error { code, .. }), Some(call)) => {
                    if let Some(took) = took {
                        self.device_refused(Reply { seen, bytes, reading, call, took: *took }, code);
                    }
                }
                (Some(Frame::Call { action, payload, .. }), _) => {
                    self.device_called(seen, bytes, reading, action, payload);
                }
                _ => {}
            },
            What::Stimulated { verb, asked, .. } => {
                self.stimulated(verb, seen.at);
                if let Some(action) = asked.as_ref().filter(|_| self.device == Role::Csms) {
                    self.asked_for(seen, action);
                }
            }
            What::Asking { action } => {
                self.asked.insert(action.clone());
            }
            What::Refused { .. }
            | What::Misnamed { .. }
            | What::StayedAway { .. }
            | What::Binary { .. }
            | What::Other { .. }
            | What::Pong { .. }
            | What::Unponged { .. }
            | What::Wire { .. }
            | What::PassedOver { .. }
            | What::Unanswered { .. }
            | What::Deaf
            | What::Probed { .. }
            | What::Canary { .. }
            | What::Monitor { .. } => {}
        }
        self.overdue(seen);
    }

    /// Judges a silence that has come to its end, or goes on.
    fn silence(&mut self, seen: &Seen) {
        let is_heard = matches!(seen.what, What::Received { .. } | What::Other { .. });
        let version = self.version;
        let Some(at) = self.links.get(&seen.link).map(|line| line.station) else { return };
        let Some(station) = self.stations.get_mut(at).filter(|_| self.device == Role::Station) else { return };
        let silent = station.silent_too_long(seen.at);
        if is_heard || silent.is_some() {
            station.past.heard = Some(seen.at);
        }
        let rule = if version == Version::V16 { "16-HB-01" } else { "G02.FR.01" };
        let charge = silent.map(|sentence| Overdue { rule, action: "Heartbeat".to_owned(), path: "silence", sentence });
        self.charge(at, seen, charge);
    }

    /// Judges what should have been done by now.
    fn overdue(&mut self, seen: &Seen) {
        let (device, version) = (self.device, self.version);
        let Some(at) = self.links.get(&seen.link).map(|line| line.station) else { return };
        let station = self.stations.get_mut(at);
        let charges = station.map(|station| station.overdue(device, version, seen.at)).unwrap_or_default();
        self.charge(at, seen, charges);
    }

    fn charge(&mut self, at: usize, seen: &Seen, charges: impl IntoIterator<Item = Overdue>) {
        for overdue in charges {
            let state = self.stations.get(at).map_or(State::Offline, Station::state).name().to_owned();
            let suspicion = Suspicion {
                oracle: Code::O6,
                rule: overdue.rule.to_owned(),
                class: judge::class(overdue.rule, self.version),
                state,
                action: overdue.action,
                path: overdue.path.to_owned(),
                reply: "nothing".to_owned(),
                sentence: overdue.sentence,
                frame: String::new(),
                act: seen.act,
                nominated: false,
                evidence: Evidence::Order,
            };
            self.suspect(vec![suspicion]);
        }
    }

    /// What was noticed since this was asked last: answers and calls of the device that its state forbids, only where
    /// the specification says so.
    pub fn judged(&mut self) -> Vec<Suspicion> {
        std::mem::take(&mut self.suspicions)
    }

    /// The state on this link, in a word: for coverage, and to tell findings apart.
    pub fn state(&self, link: usize) -> &'static str {
        self.state_of(link).name()
    }

    /// The state on this link.
    pub fn state_of(&self, link: usize) -> State {
        match self.links.get(&link) {
            Some(line) if line.open => self.stations.get(line.station).map_or(State::Offline, Station::state),
            _ => State::Offline,
        }
    }

    /// Actions that the device said it does not have.
    pub(crate) fn lacks(&self) -> &BTreeSet<String> {
        &self.lacks
    }

    /// Whether a message with this id went out for the station of this link before.
    pub(crate) fn has_used(&self, link: usize, id: &str) -> bool {
        self.links.get(&link).is_some_and(|line| self.ids.contains_key(&key(line.station, id)))
    }

    /// Whether this link belongs to another station than the first one.
    pub(crate) fn is_of_another(&self, link: usize) -> bool {
        self.links.get(&link).is_some_and(|line| line.station != self.links.get(&0).map_or(0, |first| first.station))
    }

    /// The state of the station of this identity, if a link of it is open.
    pub(crate) fn state_elsewhere(&self, identity: &str) -> Option<State> {
        self.stations.iter().find(|station| station.identity == identity && station.links > 0).map(Station::state)
    }

    /// The connector (1.6) or EVSE (2.x) that was dealt with last on this link.
    pub(crate) fn focus(&self, link: usize) -> i64 {
        self.station_of(link).map_or(1, |station| station.focus.max(1))
    }

    fn station_of(&self, link: usize) -> Option<&Station> {
        self.stations.get(self.links.get(&link)?.station)
    }

    /// The station of a link; one that was never seen to open gets a nameless one.
    fn station(&mut self, link: usize) -> usize {
        if let Some(line) = self.links.get(&link) {
            return line.station;
        }
        self.opened(link, "", Timestamp(0), false);
        self.links.get(&link).map_or(0, |line| line.station)
    }

    fn opened(&mut self, link: usize, identity: &str, now: Timestamp, resumed: bool) {
        let at = match self.stations.iter().position(|station| station.identity == identity) {
            Some(at) => at,
            None if self.stations.len() < MOST_STATIONS => {
                self.stations.push(Station::new(identity));
                self.stations.len() - 1
            }
            None => 0,
        };
        let replaced = self.links.insert(link, Line { station: at, open: true });
        if let Some(old) = replaced.filter(|line| line.open)
            && let Some(station) = self.stations.get_mut(old.station)
        {
            station.links = station.links.saturating_sub(1);
            station.lose();
        }
        if let Some(station) = self.stations.get_mut(at) {
            station.links += 1;
            station.came(now);
            if resumed {
                station.registration = Registration::Accepted;
            }
            if station.links > 1 {
                // What a second link of the same identity does is open.
                station.lose();
                station.registration = Registration::Unknown;
            }
        }
    }

    fn ended(&mut self, link: usize, now: Timestamp, by_us: bool) {
        let Some(line) = self.links.get_mut(&link).filter(|line| line.open) else { return };
        line.open = false;
        if let Some(station) = self.stations.get_mut(line.station) {
            station.links = station.links.saturating_sub(1);
            station.lose();
            station.went(now, by_us);
        }
    }

    fn stimulated(&mut self, verb: &str, at: Timestamp) {
        if self.device == Role::Csms && verb == "send" {
            return;
        }
        self.by_hand |= self.device == Role::Csms;
        for station in &mut self.stations {
            station.stimulated(verb, at);
            if verb == "restart" {
                station.registration = Registration::Unknown;
            }
        }
    }

    /// The CSMS has confirmed that it calls the station; perhaps it has done so already.
    fn asked_for(&mut self, seen: &Seen, action: &str) {
        let at = self.station(seen.link);
        if let Some(station) = self.stations.get_mut(at).filter(|station| station.links == 1) {
            station.owes_call(action, seen.at, seen.act);
        }
    }

    fn sent(&mut self, seen: &Seen, bytes: &[u8], deserved: &Deserved) {
        let at = self.station(seen.link);
        let mut fresh = true;
        if let Some(id) = &deserved.id {
            let key = key(at, id);
            let registration = self.stations.get(at).map_or(Registration::Unknown, |station| station.registration);
            if self.ids.len() < MOST_IDS && self.ids.insert(key, registration).is_some() {
                self.repeated.insert(key);
                fresh = false;
            }
        }
        let Some(station) = self.stations.get_mut(at) else { return };
        if !is_plain(deserved) {
            // It may be the answer that the device waits for; or why it ends the link, with its reset still to come.
            station.past.withheld = None;
            station.past.resetting = None;
            station.past.has_our_time &= !bytes.windows(CLOCK.len()).any(|part| part == CLOCK);
        }
        if deserved.action == "?" {
            if deserved.answer != Answer::Never {
                station.was_sent_junk(bytes);
            }
            return;
        }
        let exchange = exchange(self.version, &deserved.action, &deserved.request, seen.at);
        match self.device {
            Role::Station => station.was_asked(exchange, fresh && is_plain(deserved)),
            // The CSMS may take the end of a transaction and never answer it.
            Role::Csms if matches!(deserved.action.as_str(), "StopTransaction" | "TransactionEvent") => {
                let id = station::transaction_id(&deserved.request);
                for station in &mut self.stations {
                    for transaction in &mut station.transactions {
                        if id.as_ref() == Some(&transaction.id) || !is_plain(deserved) {
                            transaction.sure = None;
                        }
                    }
                }
            }
            Role::Csms => {}
        }
    }

    /// A call of the device, by us.
    fn we_answered(&mut self, seen: &Seen, action: &str, request: &Value, bytes: Option<&[u8]>, plain: bool) {
        let at = self.station(seen.link);
        let version = self.version;
        let Some(station) = self.stations.get_mut(at) else { return };
        if bytes.is_none() {
            station.past.withheld = Some(seen.at);
        }
        // Whatever it is told, it may take it for the time.
        station.past.has_our_time &= plain || !matches!(action, "BootNotification" | "Heartbeat");
        if self.device == Role::Csms {
            station.losses += u64::from(!plain);
            return;
        }
        let exchange = exchange(version, action, request, seen.at);
        let Some(bytes) = bytes.filter(|_| matters(action) || !plain) else {
            if !plain {
                station.lose();
            }
            return;
        };
        let reading = protocol::frame::read(version, bytes);
        match &reading.frame {
            Some(Frame::Result { payload, .. })
                if !reading.is_flawed()
                    && (plain || protocol::validate::response_violations(version, action, payload).is_empty()) =>
            {
                station.was_answered(exchange, payload, plain);
            }
            _ => {
                station.ids_in_doubt |= matters(action);
                station.lose();
                if matches!(reading.frame, Some(Frame::Error { .. })) && !reading.is_flawed() {
                    station.owes_after_refusal(exchange);
                }
            }
        }
    }

    /// As many as [`crate::view::Known`] keeps.
    fn learn_id(&mut self, message: &Value) {
        let Some(id) = station::transaction_id(message) else { return };
        self.pool.retain(|known| *known != id);
        self.pool.push_back(id);
        if self.pool.len() > 16 {
            self.pool.pop_front();
        }
    }

    fn device_answered(&mut self, reply: Reply<'_>, answer: &Value) {
        self.learn_id(answer);
        let at = self.station(reply.seen.link);
        if !self.is_reliable(at, reply.call) || reply.reading.is_flawed() {
            return;
        }
        self.judge(at, &reply, |case, judge| judge.answer(case, answer));
        let exchange = exchange(self.version, &reply.call.action, &reply.call.request, reply.seen.at);
        let Some(station) = self.stations.get_mut(at) else { return };
        match self.device {
            Role::Station => station.answered(exchange, answer),
            Role::Csms => {
                station.said(exchange);
                station.was_answered(exchange, answer, true);
            }
        }
    }

    fn device_refused(&mut self, reply: Reply<'_>, code: &str) {
        let at = self.station(reply.seen.link);
        if self.is_reliable(at, reply.call) {
            let known = protocol::catalogue::Catalogue::of(self.version).message(&reply.call.action).is_some();
            if known && LACKING.contains(&code) {
                self.lacks.insert(reply.call.action.clone());
            }
            // What a device need not be able to hold it may refuse.
            if !reply.call.deserved.has_extremes() {
                self.judge(at, &reply, |case, judge| judge.refusal(case, code));
            }
        }
    }

    fn device_called(&mut self, seen: &Seen, bytes: &[u8], reading: &Reading, action: &str, request: &Value) {
        self.learn_id(request);
        let at = self.station(seen.link);
        if reading.is_flawed() {
            return;
        }
        let exchange = exchange(self.version, action, request, seen.at);
        if let Some(station) = self.stations.get(at) {
            let asked_as = station.registration;
            let case = Case { exchange, station, model: self, asked_as, took: Duration::ZERO };
            let mut judge = Judge::default();
            judge.call(&case);
            let suspicions = judge.suspicions(&case, seen, bytes, reading);
            self.suspect(suspicions);
        }
        let connectors = self.told.connectors;
        let Some(station) = self.stations.get_mut(at) else { return };
        match self.device {
            Role::Station => {
                station.said(exchange);
                let connectors = station.last_connector().max(connectors);
                station.past_reported(connectors, seen.at);
            }
            Role::Csms => {
                station.past.withheld = None;
                station.was_called(action, seen.act);
                station.was_asked(exchange, true);
            }
        }
    }

    fn is_reliable(&self, station: usize, call: &OurCall) -> bool {
        is_plain(&call.deserved) && self.ids.len() < MOST_IDS && !self.repeated.contains(&key(station, &call.id))
    }

    fn judge(&mut self, at: usize, reply: &Reply<'_>, rules: impl FnOnce(&Case<'_>, &mut Judge)) {
        let Some(station) = self.stations.get(at) else { return };
        let asked_as = self.ids.get(&key(at, &reply.call.id)).copied().unwrap_or_default();
        let exchange = exchange(self.version, &reply.call.action, &reply.call.request, reply.seen.at);
        let case = Case { exchange, station, model: self, asked_as, took: reply.took };
        let mut judge = Judge::default();
        rules(&case, &mut judge);
        let suspicions = judge.suspicions(&case, reply.seen, reply.bytes, reply.reading);
        self.suspect(suspicions);
    }

    fn suspect(&mut self, suspicions: Vec<Suspicion>) {
        let room = MOST_SUSPICIONS.saturating_sub(self.suspicions.len());
        self.suspicions.extend(suspicions.into_iter().take(room));
    }
}

/// An answer of the device to a call of ours.
struct Reply<'a> {
    seen: &'a Seen,
    bytes: &'a [u8],
    reading: &'a Reading,
    call: &'a OurCall,
    took: Duration,
}

/// Whether a device can only take it in one way.
fn is_plain(deserved: &Deserved) -> bool {
    deserved.defects.is_empty() && !deserved.may_end_link && deserved.answer == Answer::Must
}

/// Whether our answer to a call of this action teaches something.
fn matters(action: &str) -> bool {
    matches!(action, "BootNotification" | "Authorize" | "StartTransaction" | "TransactionEvent")
}

fn exchange<'a>(version: Version, action: &'a str, request: &'a Value, at: Timestamp) -> Exchange<'a> {
    Exchange { version, action, request, at }
}

fn key(station: usize, id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (station, id).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
