//! What lasts from one plan to the next on the same device: the link, what the device is known to be, what has to
//! be undone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use protocol::{Role, Version};
use serde_json::Value;
use verdict::oracles::Oracles;

use crate::rig::Rig;
use crate::standin::StandIn;

/// The link to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// There is none.
    Down,
    /// It is open.
    Up,
}

/// Something to be undone after a case.
#[derive(Clone, Debug, PartialEq)]
pub enum Debt {
    /// A cable is plugged in there.
    Cable(Value),
    /// A fault was caused there.
    Fault(Value),
    /// A lock was jammed there.
    Jam(Value),
    /// The power is cut.
    Power,
    /// A transaction runs; its id.
    Transaction(Value),
    /// A connector was made inoperative; the request that made it so.
    Availability(Value),
    /// A configuration value was changed: key and old value.
    Configuration(String, String),
    /// The local list was changed.
    LocalList,
    /// A reservation was made; its id.
    Reservation(Value),
    /// A token was added to the CSMS.
    Token(Value),
    /// The next boots were decided beforehand.
    BootDecision,
    /// Tokens may be in the authorisation cache.
    Cache,
}

/// A device and what is known of it.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its side.
    pub device: Role,
    /// The version.
    pub version: Version,
    /// The link.
    pub link: LinkState,
    /// Whether connections are let in (a station under test).
    pub admitting: bool,
    /// Whether the station is accepted: ours by the device, or the device by us.
    pub accepted: bool,
    /// Whether the device has spoken since the link was opened.
    pub spoken: bool,
    /// Whether it was we who ended the last link.
    pub ended_by_us: bool,
    /// The longest that the device has taken for an answer so far.
    pub slowest: Option<Duration>,
    /// The party we play.
    pub standin: StandIn,
    /// The standing oracles.
    pub oracles: Oracles,
    /// The configuration of the station, as far as it is known; `Some(None)`: it has no such key.
    pub config: HashMap<String, Option<String>>,
    /// The last status of each connector of a station under test.
    pub statuses: BTreeMap<String, String>,
    /// Tokens that a CSMS under test has let charge, in lower case.
    pub charged: BTreeSet<String>,
    /// Tokens whose start was sent, and of which nobody knows whether they charge: no result came.
    pub starting: BTreeSet<String>,
    /// What has to be undone, in the order it was done.
    pub ledger: Vec<Debt>,
    /// The identity of the station on this session.
    pub identity: String,
    /// Tells sessions of one run apart.
    pub number: u64,
    next_id: u64,
    prefix: String,
}

impl Session {
    /// A session with a device that nothing is known of. `prefix` makes message ids unique.
    pub fn new(device: Role, version: Version, identity: &str, rig: &Rig, prefix: &str, number: u64) -> Session {
        let ids = StandIn::transaction_ids_of(&format!("{prefix}-{number}"));
        let standin = StandIn::across_from(device, version, rig).with_transaction_ids(&ids);
        let config = standin.configuration();
        Session {
            device,
            version,
            link: LinkState::Down,
            admitting: true,
            accepted: false,
            spoken: false,
            ended_by_us: false,
            slowest: None,
            standin,
            oracles: Oracles::new(device, version),
            config,
            statuses: BTreeMap::new(),
            charged: BTreeSet::new(),
            starting: BTreeSet::new(),
            ledger: Vec::new(),
            identity: identity.to_owned(),
            number,
            next_id: 0,
            prefix: prefix.to_owned(),
        }
    }

    /// What its message ids begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// A message id that was not used before; at most 36 characters.
    pub fn fresh_id(&mut self) -> String {
        let id = self.coming_id();
        self.next_id += 1;
        id
    }

    /// The message id that [`fresh_id`](Self::fresh_id) will give next.
    pub fn coming_id(&self) -> String {
        let mut id = format!("{}-{}", self.prefix, self.next_id + 1);
        id.truncate(36);
        id
    }

    /// Notes that something has to be undone, once.
    pub fn owe(&mut self, debt: Debt) {
        if !self.ledger.contains(&debt) {
            self.ledger.push(debt);
        }
    }

    /// Notes that something need not be undone any more.
    pub fn paid(&mut self, settled: impl Fn(&Debt) -> bool) {
        self.ledger.retain(|debt| !settled(debt));
    }
}
