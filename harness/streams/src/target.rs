//! The device of a stream, and the way to it.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::clock::Clock;
use engine::drivers::{Can, Confirmation, Drivers};
use engine::embedded::Embedded;
use engine::rig::{Rig, Secret};
use engine::runner::Carrier;
use engine::standin::StandIn;
use link::Url;
use link::dial::{Listener, TcpDialer, await_listener};
use peers::{CsmsSettings, Fault, StationSettings};
use protocol::stimulus::Stimulus;
use protocol::{Role, Version};
use serde_json::Map;

use crate::canary::Canary;
use crate::generate::Allowed;
use crate::model::{Means, Told};
use crate::monitor::Monitor;
use crate::oracles::Lasting;
use crate::stage::{Habits, Kept, Setting, Stage};

/// A device that streams are played against.
pub struct Target {
    /// Its side.
    pub device: Role,
    /// The version spoken.
    pub version: Version,
    /// What is known of it.
    pub rig: Arc<Rig>,
    /// Passwords of identities, where they are others than the rig's.
    passwords: Arc<BTreeMap<String, String>>,
    place: Place,
    /// The link that the last episode has left.
    kept: Option<Kept>,
    /// What was learned of the device.
    habits: Habits,
    /// Tells our message ids from those of other runs: a real device may remember them.
    nonce: u64,
    /// Those of our CSMS, across episodes.
    transaction_ids: Arc<AtomicI64>,
    /// Episodes so far: each has message ids of its own.
    episodes: u64,
    /// What oracles keep from episode to episode.
    pub lasting: Lasting,
    /// Who listens where nobody has to call.
    canary: Option<Arc<Canary>>,
    /// Who watches the process of the device.
    monitor: Option<Arc<Mutex<Monitor>>>,
    /// Faults of an embedded device that have shown so far.
    triggered: Vec<&'static str>,
    /// It was waited for once, and did not come: nobody starts it again.
    is_gone: bool,
}

enum Place {
    /// A reference peer, made anew for every episode.
    Embedded { faults: Vec<Fault>, equipment: Box<StationSettings> },
    /// A CSMS on the network.
    Csms { url: Url, drivers: Drivers },
    /// A station that comes to us; absent while an episode has it.
    Station { carrier: Option<Carrier>, drivers: Drivers },
}

/// A stage with the device behind it.
pub struct Ready {
    /// Our side.
    pub stage: Stage,
    embedded: Option<Embedded>,
}

/// How an episode is played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct How {
    /// Every call has the rig's whole time-out, and nothing is sent behind it: to confirm what was nominated.
    pub serial: bool,
    /// A new link is opened at the end, to see whether the device still takes them.
    pub fresh: bool,
    /// What tells the identities and message ids of this episode from others that run at the same time.
    pub slot: usize,
}

impl Target {
    /// A reference peer in this process, with these faults.
    pub fn embedded(device: Role, version: Version, faults: Vec<Fault>) -> Target {
        let mut equipment = StationSettings::standard(version);
        // So that there is a secret to be kept; in 2.x there is one from the factory.
        if device == Role::Station && version == Version::V16 {
            equipment.configuration.insert("AuthorizationKey".to_owned(), AUTHORIZATION_KEY.to_owned());
        }
        let mut rig = Rig::embedded(device, &equipment);
        if device == Role::Csms {
            // So that there is somebody to be kept out.
            rig.password = Some(Secret::new("password", PASSWORD));
        }
        // To each its own.
        let passwords = rig.identities.iter().enumerate().skip(1);
        let passwords = passwords.map(|(at, name)| (name.clone(), format!("{PASSWORD}-{at}"))).collect();
        let place = Place::Embedded { faults, equipment: Box::new(equipment) };
        let target = Target::at(device, version, Arc::new(rig), place, Lasting::default());
        Target { passwords: Arc::new(passwords), ..target }
    }

    fn at(device: Role, version: Version, rig: Arc<Rig>, place: Place, lasting: Lasting) -> Target {
        // A real device remembers what it was sent in an earlier run; one that is made anew for each episode does not.
        let nonce = if matches!(place, Place::Embedded { .. }) { 0 } else { RandomState::new().hash_one(0) };
        let nonce = nonce & 0xFFFF_FFFF;
        Target {
            device,
            version,
            rig,
            passwords: Arc::default(),
            place,
            kept: None,
            habits: Habits::default(),
            lasting,
            transaction_ids: StandIn::transaction_ids_of(&format!("{nonce:x}")),
            nonce,
            episodes: 0,
            canary: None,
            monitor: None,
            triggered: Vec::new(),
            is_gone: false,
        }
    }

    /// With somebody who listens where nobody has to call.
    #[must_use]
    pub fn with_canary(mut self, canary: Canary) -> Target {
        self.lasting.canary = Some(canary.address());
        self.canary = Some(Arc::new(canary));
        self
    }

    /// With somebody who watches the process of the device.
    #[must_use]
    pub fn with_monitor(mut self, monitor: Monitor) -> Target {
        self.monitor = Some(Arc::new(Mutex::new(monitor)));
        self
    }

    /// What the process of the device shows since this was last asked. If the device does not answer any more, its
    /// process may be about to end, and is waited for a little.
    pub async fn process(&mut self, is_alive: bool) -> Vec<String> {
        let Some(monitor) = &self.monitor else { return Vec::new() };
        let monitor = || monitor.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_alive {
            let until = tokio::time::Instant::now() + DYING;
            while !monitor().has_ended() && tokio::time::Instant::now() < until {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        monitor().check()
    }

    /// A CSMS on the network.
    pub fn csms(rig: &Rig, version: Version, url: Url) -> Target {
        let rig = rig.for_version(version);
        let drivers = Drivers::from_rig(&rig, version, None);
        let place = Place::Csms { url, drivers };
        Target::at(Role::Csms, version, Arc::new(rig), place, Lasting::in_real_time(None))
    }

    /// A station that comes to this listener.
    pub fn station(rig: &Rig, version: Version, listener: Listener) -> Target {
        let rig = rig.for_version(version);
        let drivers = Drivers::from_rig(&rig, version, None);
        let carrier = Some(Carrier::Listen(Box::new(listener)));
        let place = Place::Station { carrier, drivers };
        Target::at(Role::Station, version, Arc::new(rig), place, Lasting::in_real_time(None))
    }

    /// Whether the device is made anew for every episode, and time is virtual.
    pub fn is_embedded(&self) -> bool {
        matches!(self.place, Place::Embedded { .. })
    }

    /// A second way to the same device, for episodes at the same time; a station has one link only.
    pub fn fork(&self) -> Option<Target> {
        let place = match &self.place {
            Place::Embedded { faults, equipment } => {
                Place::Embedded { faults: faults.clone(), equipment: equipment.clone() }
            }
            Place::Csms { url, drivers } => Place::Csms { url: url.clone(), drivers: drivers.clone() },
            Place::Station { .. } => return None,
        };
        Some(Target {
            device: self.device,
            version: self.version,
            rig: self.rig.clone(),
            passwords: self.passwords.clone(),
            place,
            kept: None,
            habits: self.habits,
            lasting: self.lasting.clone(),
            transaction_ids: self.transaction_ids.clone(),
            nonce: self.nonce,
            episodes: 0,
            // One canary hears everybody, but a process is watched once.
            canary: None,
            monitor: None,
            triggered: Vec::new(),
            is_gone: false,
        })
    }

    /// How many episodes can run at once without sharing identities: each takes up to three.
    pub fn slots(&self) -> usize {
        // What a process shows is put down to the only episode that runs.
        if self.monitor.is_some() {
            return 1;
        }
        match &self.place {
            Place::Station { .. } => 1,
            Place::Embedded { .. } => 64,
            Place::Csms { .. } => (self.rig.identities.len() / PER_SLOT).max(1),
        }
    }

    /// Faults of an embedded device that have shown so far.
    pub fn triggered(&self) -> &[&'static str] {
        &self.triggered
    }

    /// The verbs that the device can be made to do.
    pub fn drivable(&self) -> Vec<String> {
        match &self.place {
            Place::Embedded { .. } => protocol::stimulus::VERBS
                .iter()
                .filter(|verb| verb.party == self.device)
                .map(|verb| verb.name.to_owned())
                .collect(),
            Place::Csms { drivers, .. } | Place::Station { drivers, .. } => drivers.drivable(self.device),
        }
    }

    /// What an episode has to work with.
    pub fn means<'a>(&self, allowed: &'a Allowed, drivable: &'a [String]) -> Means<'a> {
        let rig = &self.rig;
        let tokens = rig.tags.iter().map(|(name, token)| (name.clone(), token.id_token.clone())).collect();
        // Of ready-made tokens nobody knows whether the device has them in a group.
        let is_stated = |name: &String| self.is_embedded() || rig.stated_tags.contains(name);
        let stated = rig.tags.iter().filter(|(name, _)| is_stated(name));
        let groups = stated.filter_map(|(_, token)| Some((token.id_token.clone(), token.group.clone()?))).collect();
        let connectors = i64::try_from(rig.connectors.len()).unwrap_or(1).max(1);
        Means {
            device: self.device,
            version: self.version,
            told: Arc::new(Told { tokens, groups, connectors }),
            // The last one looks on.
            identities: if self.device == Role::Csms { rig.identities.len().clamp(1, 2) } else { 1 },
            drivable,
            allowed,
            lacks: BTreeSet::new(),
        }
    }

    /// A stage for an episode. `None` while another episode has the only link.
    pub fn stage(&mut self, how: How) -> Option<Ready> {
        let clock = Clock::system();
        self.episodes += 1;
        let (carrier, drivers, embedded) = match &mut self.place {
            Place::Embedded { faults, equipment } => {
                let (embedded, carrier) = match self.device {
                    Role::Csms => {
                        let own = |name: &String| self.passwords.get(name).map_or(PASSWORD, String::as_str).into();
                        let passwords = self.rig.identities.iter().map(|name| (name.clone(), own(name))).collect();
                        let settings = CsmsSettings { passwords, ..CsmsSettings::standard(self.version) };
                        Embedded::csms(settings, faults.clone(), clock)
                    }
                    Role::Station => Embedded::station((**equipment).clone(), faults.clone(), clock),
                };
                (carrier, Drivers::of(embedded.driver()), Some(embedded))
            }
            Place::Csms { url, drivers } => {
                let carrier = Carrier::Dial { dialer: Arc::new(TcpDialer), url: url.clone() };
                (carrier, drivers.clone(), None)
            }
            Place::Station { carrier, drivers, .. } => (carrier.take()?, drivers.clone(), None),
        };
        let transaction_ids = match &embedded {
            // It is new, and knows of no other episode.
            Some(_) => Arc::new(AtomicI64::new(1001)),
            None => self.transaction_ids.clone(),
        };
        let setting = Setting {
            device: self.device,
            version: self.version,
            rig: self.rig.clone(),
            clock,
            // All ids are of one length: a finding may depend on it.
            prefix: format!("f{:08x}{:02x}{:012x}", self.nonce, how.slot & 0xFF, self.episodes & 0xFFFF_FFFF_FFFF),
            identities: self.identities(how.slot),
            passwords: self.passwords.clone(),
            transaction_ids,
            serial: how.serial,
            fresh: how.fresh,
            virtual_time: embedded.is_some(),
            canary: self.canary.clone(),
            habits: self.habits,
            tag: usize::try_from(self.episodes % 1_000_000).unwrap_or(0),
        };
        Some(Ready { stage: Stage::new(setting, carrier, Some(drivers)).with_kept(self.kept.take()), embedded })
    }

    /// The identities of a slot.
    fn identities(&self, slot: usize) -> Vec<String> {
        let all = &self.rig.identities;
        if self.device == Role::Station || all.len() <= PER_SLOT {
            return all.clone();
        }
        (0..PER_SLOT).map(|at| all[(slot * PER_SLOT + at) % all.len()].clone()).collect()
    }

    /// An episode is over.
    pub fn give_back(&mut self, ready: Ready) {
        let Ready { mut stage, embedded } = ready;
        if let Some(embedded) = embedded {
            for id in embedded.triggered() {
                if !self.triggered.contains(&id) {
                    self.triggered.push(id);
                }
            }
        }
        self.kept = stage.take_kept();
        self.habits = stage.habits();
        if let Place::Station { carrier, .. } = &mut self.place {
            *carrier = Some(stage.into_carrier());
        }
    }

    /// Starts the device again, if the rig says how, or waits until somebody else has. `false` if nobody does, or it went
    /// wrong.
    pub async fn restart(&mut self) -> bool {
        self.kept = None;
        let monitor = self.monitor.as_ref().map(|monitor| monitor.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(restarted) = monitor.and_then(|mut monitor| monitor.is_ours().then(|| monitor.restart())) {
            return match &self.place {
                _ if restarted.is_err() => false,
                Place::Csms { url, .. } => await_listener(url, STARTING).await,
                _ => true,
            };
        }
        let verb = if self.device == Role::Csms { "restart" } else { "reboot" };
        let (Place::Csms { drivers, .. } | Place::Station { drivers, .. }) = &self.place else { return true };
        if drivers.can(self.device, verb) != Can::Yes {
            // Whoever looks after its process may start it again without us.
            let Place::Csms { url, .. } = &self.place else { return false };
            self.is_gone = self.is_gone || !await_listener(url, RETURNING.min(self.rig.timeouts.reconnect)).await;
            return !self.is_gone;
        }
        let stimulus = Stimulus { party: self.device, verb: verb.to_owned(), with: Map::new() };
        drivers.stimulate("", &stimulus).await == Confirmation::Done
    }
}

/// How long a device that we start again may take to be there.
const STARTING: Duration = Duration::from_secs(60);
/// How long a device that others start again may take to be there.
const RETURNING: Duration = Duration::from_secs(60);
/// How long a process may take to end after the device has stopped answering.
const DYING: Duration = Duration::from_secs(2);
/// The password of an embedded station, as 1.6 writes it.
const AUTHORIZATION_KEY: &str = "706c7567666573742d73747265616d732d31";
/// What the password of every station of an embedded CSMS begins with.
const PASSWORD: &str = "plugfest-streams-1";
/// Two that act and one that looks on.
const PER_SLOT: usize = 3;
