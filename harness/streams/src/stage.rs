//! The only place with I/O: does acts, and tells what was seen.
//!
//! Nothing is waited for longer than it takes to know. A call that has to be answered is given a few round trips;
//! then a plain call that every device answers, the sentinel, is sent behind it. If the sentinel is answered and
//! the call is not, the call was passed over: nominated, not convicted. In serial mode, which confirms what was
//! nominated, a call has the rig's whole time-out and nothing is sent behind it.

mod answers;
mod driving;
mod kept;
mod links;
mod open;
mod probes;
mod receptions;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use engine::clock::Clock;
use engine::drivers::Drivers;
use engine::rig::Rig;
use engine::runner::Carrier;
use link::{Connection, Stream, frame};
use protocol::{Role, Timestamp, Version};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use crate::act::{Fill, Text};
use crate::canary::Canary;
use crate::deserved::{self, Answer, Deserved};
use crate::seen::Ending;
use crate::view::{Known, LinkView};
use crate::{Act, Seen, What};
pub use kept::Kept;
use links::Link;

/// Everything that an episode is played with, beside the way to the device.
#[derive(Clone)]
pub struct Setting {
    /// The side of the device.
    pub device: Role,
    /// The version spoken.
    pub version: Version,
    /// What is known of the device.
    pub rig: Arc<Rig>,
    /// The time.
    pub clock: Clock,
    /// What our message ids begin with.
    pub prefix: String,
    /// The identities that links take, by their number; a part of the rig's, when several episodes run at once.
    pub identities: Vec<String>,
    /// Passwords of identities, where they are others than the rig's.
    pub passwords: Arc<BTreeMap<String, String>>,
    /// The transaction ids that our CSMS gives out, each once: a station tells of transactions of other episodes, too.
    pub transaction_ids: Arc<AtomicI64>,
    /// Every call has the rig's whole time-out, and nothing is sent behind it.
    pub serial: bool,
    /// Whether a new link is opened at the end to see whether the device still takes them.
    pub fresh: bool,
    /// The device is in this process and time is virtual: waiting costs nothing, and lets the device act.
    pub virtual_time: bool,
    /// Who listens where nobody has to call.
    pub canary: Option<Arc<Canary>>,
    /// Tells the tokens of this episode from those of others.
    pub tag: usize,
    /// What was learned of the device in the episodes before.
    pub habits: Habits,
}

/// What is learned of a device from one episode to the next, so that it is waited for no longer than it has shown to take.
#[derive(Clone, Copy, Debug, Default)]
pub struct Habits {
    /// The station was accepted, and as far as we know nothing asks it to boot again.
    pub settled: bool,
    /// How long the station has taken to boot once it was connected, at most; not known before it did.
    pub boots_within: Option<Duration>,
    /// How long the drivers have taken for something that the device then did, at most.
    pub drives_within: Option<Duration>,
}

/// Tokens of an episode.
const TOKENS: usize = 100_000;

/// The link whose station only looks on.
pub const BYSTANDER: usize = 1000;
/// The link that is opened at the end.
const FRESH: usize = 1001;
/// So much may happen while one act is done; more is a flood.
const FLOOD: usize = 5000;
/// So many calls of the bystander are answered before what has not come does not count as coming any more.
const BEATS: usize = 3;
/// The shortest time that a call has before the sentinel follows.
const SHORTEST: Duration = Duration::from_millis(2);
/// The longest.
const LONGEST: Duration = Duration::from_secs(1);

/// Our side of an episode.
pub struct Stage {
    setting: Setting,
    carrier: Carrier,
    drivers: Option<Drivers>,
    links: BTreeMap<usize, Link>,
    /// Links that another one of the same number has replaced, each with the number of its identity.
    forgotten: Vec<(usize, Connection<Stream>)>,
    known: Known,
    /// The id of the last call of the device: an answer may come late, or again.
    asked: Option<String>,
    /// How long an answer takes, smoothed.
    round_trip: Duration,
    /// The call of the bystander that is not answered yet.
    beat: Option<String>,
    /// The link that the episode before has left, and this one leaves.
    kept: Option<Kept>,
    /// What was seen when the bystander's link was opened.
    opening: Vec<Seen>,
    /// The link that may outlive the episode was answered when it was last asked.
    is_heard: bool,
    /// The station did not come again, and is not waited for any more.
    away: bool,
    act: usize,
    own: bool,
    own_ids: u32,
    happened: usize,
    seen: Vec<Seen>,
}

impl Stage {
    /// A stage on which nothing has happened.
    pub fn new(setting: Setting, carrier: Carrier, drivers: Option<Drivers>) -> Stage {
        Stage {
            setting,
            carrier,
            drivers,
            links: BTreeMap::new(),
            forgotten: Vec::new(),
            known: Known::default(),
            asked: None,
            round_trip: Duration::from_millis(25),
            beat: None,
            kept: None,
            opening: Vec::new(),
            is_heard: false,
            away: false,
            act: 0,
            own: true,
            own_ids: 0,
            happened: 0,
            seen: Vec::new(),
        }
    }

    /// What is known of the device by now.
    pub fn habits(&self) -> Habits {
        let settled = self.links.get(&0).map_or(self.setting.habits.settled, |link| link.settled == Some(true));
        Habits { settled, ..self.setting.habits }
    }

    /// The way to the device, for the next episode.
    pub fn into_carrier(self) -> Carrier {
        self.carrier
    }

    /// Values learned so far.
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// How long an answer takes, smoothed.
    pub fn round_trip(&self) -> Duration {
        self.round_trip
    }

    /// The links of the episode, without those that are only for probes.
    pub fn links(&self) -> BTreeMap<usize, LinkView> {
        self.links
            .iter()
            .filter(|(number, _)| **number < BYSTANDER)
            .map(|(number, link)| (*number, LinkView { identity: link.identity, open: link.is_open() }))
            .collect()
    }

    /// The address of the canary for the act that comes next.
    pub fn canary(&self) -> Option<String> {
        let canary = self.setting.canary.as_ref()?;
        Some(canary.token(self.setting.tag * TOKENS + self.act))
    }

    /// Who came to the canary since this was last asked.
    pub fn callers(&mut self) -> Vec<Seen> {
        let hits = self.setting.canary.as_ref().map(|canary| canary.take()).unwrap_or_default();
        let own = std::mem::replace(&mut self.own, false);
        for hit in hits {
            // Who comes late belongs to an act of another episode.
            let this = hit.act.filter(|token| token / TOKENS == self.setting.tag).map(|token| token % TOKENS);
            if this.is_some() || hit.act.is_none() {
                self.saw(0, What::Canary { hidden_in: this.unwrap_or(usize::MAX), bytes: hit.bytes });
            }
        }
        self.own = own;
        std::mem::take(&mut self.seen)
    }

    /// Whether link 0 is open.
    pub fn is_ready(&self) -> bool {
        self.links.get(&0).is_some_and(Link::is_open)
    }

    /// Does an act and waits until its consequences are known. `own` marks what is not part of the sequence.
    pub async fn perform(&mut self, act: &Act, own: bool) -> Vec<Seen> {
        self.own = own;
        self.happened = 0;
        match act {
            Act::Connect { link, identity, manner } => self.open(*link, *identity, manner).await,
            Act::Receive { reception, times } => self.receive(reception, *times).await,
            Act::Send { link, text } => {
                let bytes = self.render(text);
                let deserved = Arc::new(deserved::deserved(self.setting.version, self.setting.device, &bytes));
                self.message(*link, &bytes, &[], deserved).await;
            }
            Act::Fragments { link, text, cuts } => {
                let bytes = self.render(text);
                let deserved = Arc::new(deserved::deserved(self.setting.version, self.setting.device, &bytes));
                self.message(*link, &bytes, cuts, deserved).await;
            }
            Act::Frame { link, fin, rsv, opcode, masked, claims, payload } => {
                let payload = self.render(payload);
                self.frame(*link, (*fin, *rsv, *opcode, *masked, *claims), payload).await;
            }
            Act::Bytes { link, bytes } => {
                let bytes = self.render(bytes);
                if let Some(number) = self.ready(*link).await {
                    self.saw(number, What::Sent { bytes: bytes.clone().into(), deserved: Arc::new(junk()) });
                    if let Some(link) = self.links.get_mut(&number) {
                        link.muddled = true;
                        link.put_bytes(&bytes).await;
                    }
                    self.look_around().await;
                }
            }
            Act::Stream { bytes } => {
                let bytes = self.render(bytes);
                self.stream(&bytes).await;
            }
            Act::Answer { link, action, text, times } => {
                if let Some(number) = self.ready(*link).await
                    && let Some(link) = self.links.get_mut(&number)
                {
                    link.prepare(action.clone(), text.clone(), *times);
                }
            }
            Act::Close { link, code } => self.close(*link, *code).await,
            Act::Cut { link } => {
                if let Some(link) = self.links.get_mut(link)
                    && let Some(connection) = link.connection.take()
                {
                    connection.cut();
                    let number = link.number;
                    self.saw(number, What::Ended { how: Ending::Failed("cut by us".to_owned()), by_us: true });
                }
                self.look_around().await;
            }
            Act::Stimulate { link, stimulus } => self.stimulate(*link, stimulus).await,
            Act::Pass { ms: 0 } => self.round_trip_passes().await,
            Act::Pass { ms } => {
                let until = Instant::now() + Duration::from_millis((*ms).min(3_600_000));
                while self.turn(until).await {}
            }
        }
        if !own {
            self.act += 1;
        }
        std::mem::take(&mut self.seen)
    }

    /// Puts a message on a link and waits until its consequences are known.
    async fn message(&mut self, number: usize, bytes: &[u8], cuts: &[usize], deserved: Arc<Deserved>) {
        let Some(number) = self.ready(number).await else { return };
        let act = self.act;
        self.saw(number, What::Sent { bytes: bytes.into(), deserved: deserved.clone() });
        let Some(link) = self.links.get_mut(&number) else { return };
        link.expect(&deserved, act);
        link.put_text(bytes, cuts).await;
        self.settle(number, &deserved).await;
    }

    async fn settle(&mut self, number: usize, deserved: &Arc<Deserved>) {
        let id = deserved.id.clone().unwrap_or_default();
        let muddled = self.links.get(&number).is_some_and(|link| link.muddled);
        let may_be_silent = muddled || self.links.get(&number).is_some_and(|link| link.rejected);
        let must = deserved.answer == Answer::Must && !may_be_silent;
        if must {
            let patience = if self.setting.serial { self.setting.rig.timeouts.reply } else { self.patience() };
            if self.answered(number, &id, patience).await || !self.is_open(number) {
                return;
            }
            if self.setting.serial {
                self.saw(number, What::Unanswered { deserved: deserved.clone() });
            }
        }
        if may_be_silent {
            return self.last_word(number).await;
        }
        let alive = self.sentinel(number, self.setting.rig.timeouts.reply).await;
        if alive && must && !self.setting.serial && !self.has_answer(number, &id) {
            self.saw(number, What::PassedOver { deserved: deserved.clone() });
        }
        if !alive && self.is_open(number) {
            self.saw(number, What::Deaf);
        }
    }

    /// What a link still says that need not say anything. If bytes went over it that no message follows from, and it
    /// says nothing, nothing more can come of it.
    async fn last_word(&mut self, number: usize) {
        let id = self.put_sentinel(number).await;
        let said = self.soon(|stage| stage.has_answer(number, &id) || !stage.is_open(number)).await;
        if !said && self.links.get(&number).is_some_and(|link| link.muddled) {
            self.hang_up(number);
        }
    }

    /// Waits for what comes soon or not at all: it may come, but need not. How soon that is tells the bystander, who
    /// is answered a few times meanwhile; where nobody looks on, the clock does.
    async fn soon(&mut self, come: impl Fn(&Stage) -> bool) -> bool {
        let own = std::mem::replace(&mut self.own, true);
        if self.is_watched_by_bystander() {
            for _ in 0..BEATS {
                if come(self) || !self.beat(&come).await {
                    break;
                }
            }
        } else {
            let until = Instant::now() + self.patience();
            while !come(self) && self.turn(until).await {}
        }
        self.own = own;
        come(self)
    }

    /// Lets as much time go by as another call takes.
    async fn round_trip_passes(&mut self) {
        let own = std::mem::replace(&mut self.own, true);
        if self.is_watched_by_bystander() {
            self.beat(&|_| false).await;
        } else {
            self.look_around().await;
        }
        self.own = own;
    }

    /// Whether the bystander can tell how soon is soon: where time is virtual, or all of it is given, it need not.
    fn is_watched_by_bystander(&self) -> bool {
        !self.setting.virtual_time && !self.setting.serial && self.is_open(BYSTANDER)
    }

    /// Whether the bystander is answered once more before the other thing has come.
    async fn beat(&mut self, come: &impl Fn(&Stage) -> bool) -> bool {
        let id = match self.beat.take() {
            Some(id) => id,
            None => self.put_sentinel(BYSTANDER).await,
        };
        let until = Instant::now() + self.patience();
        while !come(self) && !self.has_answer(BYSTANDER, &id) && self.is_open(BYSTANDER) && self.turn(until).await {}
        let answered = self.has_answer(BYSTANDER, &id);
        if !answered {
            self.beat = Some(id);
        }
        answered
    }

    /// A few round trips.
    fn patience(&self) -> Duration {
        (self.round_trip * 4).clamp(SHORTEST, LONGEST)
    }

    async fn frame(&mut self, number: usize, head: (bool, u8, u8, bool, Option<u64>), payload: Vec<u8>) {
        let (fin, rsv, opcode, masked, claims) = head;
        let Some(number) = self.ready(number).await else { return };
        let sound = rsv == 0 && masked && claims.is_none_or(|claims| claims == payload.len() as u64);
        let muddled = self.links.get(&number).is_some_and(|link| link.muddled);
        let plain = sound && fin && opcode == frame::TEXT && !muddled;
        let control = sound && fin && matches!(opcode, frame::PING | frame::PONG) && payload.len() <= 125;
        let deserved = if plain {
            deserved::deserved(self.setting.version, self.setting.device, &payload)
        } else {
            Deserved { may_end_link: !control, ..junk() }
        };
        let deserved = Arc::new(deserved);
        let act = self.act;
        if sound
            && fin
            && opcode == frame::BINARY
            && !muddled
            && let Some(id) = deserved::deserved(self.setting.version, self.setting.device, &payload).id
        {
            self.saw(number, What::Binary { id });
        }
        self.saw(number, What::Sent { bytes: payload.clone().into(), deserved: deserved.clone() });
        let Some(link) = self.links.get_mut(&number) else { return };
        if plain {
            link.expect(&deserved, act);
        }
        link.muddled |= !plain && !control;
        // Whatever is in it: who is told to close may repeat the code.
        link.we_end |= sound && opcode == frame::CLOSE;
        let is_ping = control && opcode == frame::PING && !muddled;
        if is_ping {
            link.ping = Some(payload.clone());
        }
        link.put_frame(fin, rsv, opcode, masked, claims, payload).await;
        if is_ping {
            return self.ponged(number, &deserved).await;
        }
        let incomplete = !fin || claims.is_some();
        if plain || control {
            self.settle(number, &deserved).await;
        } else if incomplete {
            self.look_around().await;
        } else if self.is_open(number) {
            // It may close, or go on; it need not do either at once, nor understand what follows.
            let id = self.put_sentinel(number).await;
            self.soon(|stage| stage.has_answer(number, &id) || !stage.is_open(number)).await;
        }
    }

    /// Waits for the pong to the ping that has just left.
    async fn ponged(&mut self, number: usize, deserved: &Arc<Deserved>) {
        let serial = self.setting.serial;
        if serial {
            let until = Instant::now() + self.setting.rig.timeouts.reply;
            while self.owes_pong(number).is_some() && self.turn(until).await {}
        } else {
            // Who has answered what came behind it has read it.
            self.settle(number, deserved).await;
            if self.seen.iter().any(|seen| seen.link == number && matches!(seen.what, What::Deaf)) {
                return;
            }
        }
        if let Some(payload) = self.owes_pong(number) {
            self.saw(number, What::Unponged { payload: payload.into(), nominated: !serial });
        }
        if serial {
            self.settle(number, deserved).await;
        }
    }

    /// What the ping carried whose pong is due on a link that is open.
    fn owes_pong(&self, number: usize) -> Option<Vec<u8>> {
        self.links.get(&number).filter(|link| link.is_open())?.ping.clone()
    }

    /// A connection of its own without a handshake.
    async fn stream(&mut self, bytes: &[u8]) {
        let Carrier::Dial { dialer, url } = &self.carrier else { return };
        let (dialer, url) = (dialer.clone(), url.clone());
        self.saw(0, What::Sent { bytes: bytes.into(), deserved: Arc::new(junk()) });
        let Ok(Ok(mut stream)) = tokio::time::timeout(LONGEST, dialer.dial(&url)).await else { return };
        let bytes = bytes.to_vec();
        let exchange = tokio::spawn(async move {
            stream.write_all(&bytes).await?;
            stream.flush().await?;
            let mut answer = [0; 1024];
            stream.read(&mut answer).await
        });
        self.soon(|_| exchange.is_finished()).await;
        exchange.abort();
    }

    async fn close(&mut self, number: usize, code: Option<u16>) {
        let Some(link) = self.links.get_mut(&number) else { return };
        if !link.is_open() {
            return;
        }
        link.we_end = true;
        link.put_close(code).await;
        let until = Instant::now() + self.setting.rig.timeouts.grace.max(self.patience());
        while self.is_open(number) && self.turn(until).await {}
        self.hang_up(number);
    }

    /// The link, opened if it is not.
    async fn ready(&mut self, number: usize) -> Option<usize> {
        let number = if self.setting.device == Role::Station { 0 } else { number };
        if !self.is_open(number) {
            let identity = self.links.get(&number).map_or(number, |link| link.identity);
            let own = std::mem::replace(&mut self.own, true);
            self.open(number, identity, &Default::default()).await;
            self.own = own;
        }
        self.is_open(number).then_some(number)
    }

    fn is_open(&self, number: usize) -> bool {
        self.links.get(&number).is_some_and(Link::is_open)
    }

    fn render(&self, text: &Text) -> Vec<u8> {
        text.render(&Filling { stage: self, asked: self.asked.as_deref() })
    }

    /// The time of the episode.
    pub fn now(&self) -> Timestamp {
        self.setting.clock.now()
    }

    fn saw(&mut self, link: usize, what: What) {
        self.seen.push(Seen { at: self.now(), act: self.act, own: self.own, link, what });
    }
}

/// What is no message deserves nothing.
fn junk() -> Deserved {
    Deserved {
        id: None,
        action: "?".to_owned(),
        request: Value::Null,
        answer: Answer::May,
        defects: vec![deserved::Flaw { path: String::new(), defect: protocol::errors::Defect::NotJson }],
        codes: Vec::new(),
        prescribed: false,
        refuse: false,
        may_end_link: true,
    }
}

struct Filling<'a> {
    stage: &'a Stage,
    asked: Option<&'a str>,
}

impl Fill for Filling<'_> {
    fn id(&self, number: u32) -> String {
        format!("{}-{number}", self.stage.setting.prefix)
    }

    fn asked(&self) -> Option<String> {
        self.asked.map(str::to_owned)
    }

    fn now(&self) -> Timestamp {
        self.stage.now()
    }

    fn canary(&self) -> Option<String> {
        self.stage.canary()
    }

    fn known(&self, name: &str, back: usize) -> Option<Value> {
        self.stage.known.get(name, back).cloned()
    }
}
