//! Where the device under test is, and how a worker gets at it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as Cell};

use link::Url;
use link::dial::{Listener, TcpDialer};
use link::handshake::KNOWN_SUBPROTOCOLS;
use peers::{CsmsSettings, Fault, StationSettings};
use protocol::{Role, Version};
use tokio::sync::Mutex;
use verdict::{Diagnostic, StandingViolation, Verdict};

use super::acquaintance::Known;
use super::rig_for;
use super::tokens::TokensInUse;
use crate::clock::Clock;
use crate::drivers::{Drivers, Operator};
use crate::embedded::Embedded;
use crate::pattern::shorten;
use crate::player::Session;
use crate::program::Refused;
use crate::rig::{Rig, Secret};
use crate::runner::{Carrier, OtherIdentity, Wire};

/// Where the device is.
pub enum Site {
    /// A reference peer in this process, made anew for every plan.
    Embedded {
        /// Faults switched on.
        faults: Vec<Fault>,
        /// Whether one of them has changed what a device did.
        triggered: AtomicBool,
    },
    /// A CSMS on the network.
    Csms {
        /// Everything about it.
        rig: Box<Rig>,
        /// Where it is.
        url: Url,
        /// Who is asked for what no driver does.
        operator: Option<Arc<dyn Operator>>,
        /// What it knows of ready-made tags.
        known: Known,
    },
    /// A station that comes to us.
    Station {
        /// Everything about it.
        rig: Box<Rig>,
        /// Where it arrives; taken by the only worker.
        listener: Mutex<Option<Listener>>,
        /// The subprotocols that it offered when it last came.
        offered: Cell<Option<Vec<String>>>,
        /// Whether it was told that it offers no name of OCPP.
        is_told: AtomicBool,
        /// Who is asked for what no driver does.
        operator: Option<Arc<dyn Operator>>,
        /// What it says of itself.
        known: Known,
    },
}

/// A worker's own access to the device.
pub struct Place {
    number: usize,
    sessions: u32,
    pub(super) tokens: Arc<TokensInUse>,
    /// What lasts from plan to plan: a station under test has one link and one memory.
    lasting: Option<(Session, Wire)>,
    /// The device was started again: what is known of its last life is worth nothing.
    is_restarted: bool,
}

impl Place {
    /// The station that this worker plays.
    pub(super) fn identity(&self, rig: &Rig) -> String {
        let own = rig.identities.get(self.number).or_else(|| rig.identities.first());
        own.cloned().unwrap_or_else(|| "PLUGFEST-1".to_owned())
    }

    /// The station that may be played beside, with this password: the last of the rig, if there is more than one.
    fn other(&self, rig: &Rig, password: Option<String>) -> Option<OtherIdentity> {
        let [_, .., last] = rig.identities.as_slice() else { return None };
        Some(OtherIdentity { identity: last.clone(), password, turn: self.tokens.turn_of_the_other_station() })
    }

    /// What a station broke before the first case is that case's to report.
    pub(super) fn put_back(&mut self, violations: Vec<StandingViolation>) {
        if let Some((session, _)) = &mut self.lasting {
            session.oracles.put_back(violations);
        }
    }

    /// We had the device started again, so the end of its link is ours.
    pub(super) fn restarted(&mut self) {
        self.is_restarted = true;
    }

    /// A number that no other session of the run has.
    fn next_session(&mut self) -> u64 {
        self.sessions += 1;
        u64::try_from(self.number).unwrap_or_default() << 32 | u64::from(self.sessions)
    }
}

/// The password of an embedded CSMS's stations.
const PASSWORD: &str = "plugfest-embedded-1";
/// The key of an embedded station, in hexadecimal.
const AUTHORIZATION_KEY: &str = "706c7567666573742d656d6265646465642d31";

/// A device ready for one plan.
pub(crate) struct Ready {
    pub(crate) rig: Arc<Rig>,
    pub(crate) session: Session,
    pub(crate) wire: Wire,
    pub(crate) drivers: Drivers,
    pub(crate) embedded: Option<Embedded>,
}

impl Site {
    /// Reference peers in this process, with these faults.
    pub fn embedded(faults: Vec<Fault>) -> Site {
        Site::Embedded { faults, triggered: AtomicBool::new(false) }
    }

    /// Whether a fault of an embedded device has shown.
    pub fn triggered(&self) -> bool {
        matches!(self, Site::Embedded { triggered, .. } if triggered.load(Ordering::SeqCst))
    }

    /// An embedded device has done its part in a plan.
    pub(crate) fn played_on(&self, device: Option<Embedded>) {
        if let (Site::Embedded { triggered, .. }, Some(device)) = (self, device)
            && !device.triggered().is_empty()
        {
            triggered.store(true, Ordering::SeqCst);
        }
    }

    /// A station that comes to this listener.
    pub fn station(rig: Rig, listener: Listener, operator: Option<Arc<dyn Operator>>) -> Site {
        Site::Station {
            rig: Box::new(rig),
            listener: Mutex::new(Some(listener)),
            offered: Cell::new(None),
            is_told: AtomicBool::new(false),
            operator,
            known: Known::default(),
        }
    }

    /// A CSMS at this URL.
    pub fn csms(rig: Rig, url: Url, operator: Option<Arc<dyn Operator>>) -> Site {
        Site::Csms { rig: Box::new(rig), url, operator, known: Known::default() }
    }

    /// What the device says of itself; an embedded one is not asked.
    pub(super) fn known(&self) -> Option<&Known> {
        match self {
            Site::Embedded { .. } => None,
            Site::Csms { known, .. } | Site::Station { known, .. } => Some(known),
        }
    }

    /// How many workers make sense.
    pub(crate) fn workers(&self, wanted: usize) -> usize {
        match self {
            Site::Embedded { .. } | Site::Station { .. } => 1,
            // The last identity is nobody's own: cases that take two stations have it as the other.
            Site::Csms { rig, .. } => wanted.clamp(1, rig.identities.len().saturating_sub(1).max(1)),
        }
    }

    pub(crate) fn place(&self, number: usize, tokens: Arc<TokensInUse>) -> Place {
        Place { number, sessions: 0, tokens, lasting: None, is_restarted: false }
    }

    /// The equipment that the embedded device of this side comes in; a real device has its own only.
    pub(crate) fn configurations(&self, device: Role, version: Version) -> Vec<(String, Option<StationSettings>)> {
        match self {
            Site::Embedded { .. } if device == Role::Station => peers::configurations(version)
                .into_iter()
                .map(|(name, _, settings)| (name.to_owned(), Some(settings)))
                .collect(),
            _ => vec![(String::new(), None)],
        }
    }

    /// The rig for a configuration.
    pub(crate) fn rig(&self, device: Role, version: Version, settings: Option<&StationSettings>) -> Arc<Rig> {
        match self {
            Site::Embedded { .. } => {
                let standard = StationSettings::standard(version);
                let mut rig = Rig::embedded(device, settings.unwrap_or(&standard));
                if device == Role::Csms {
                    // So that there is somebody to be kept out.
                    rig.password = Some(Secret::new("password", PASSWORD));
                }
                Arc::new(rig)
            }
            Site::Csms { rig, known, .. } | Site::Station { rig, known, .. } => {
                rig_for(rig, version, &known.of(version))
            }
        }
    }

    /// Drivers for planning.
    pub(crate) fn drivers(&self, version: Version) -> Option<Drivers> {
        match self {
            Site::Embedded { .. } => None,
            Site::Csms { rig, operator, .. } | Site::Station { rig, operator, .. } => {
                Some(Drivers::from_rig(rig, version, operator.clone()))
            }
        }
    }

    /// Whether a station speaks this version, as far as is known.
    pub(crate) fn speaks(&self, version: Version) -> bool {
        let Site::Station { offered, .. } = self else { return true };
        let offers = offered.lock().ok().and_then(|offers| offers.clone());
        offers.is_none_or(|offers| offers.iter().any(|name| name == version.subprotocol()))
    }

    /// Why a station that has come does not speak this version; `None` if it does, or nothing is known. One that
    /// offers no registered name at all breaks R-074, which is told once.
    pub(crate) fn unspoken(&self, version: Version) -> Option<Refused> {
        let Site::Station { offered, is_told, .. } = self else { return None };
        if self.speaks(version) {
            return None;
        }
        let offers = offered.lock().ok()?.clone()?;
        let reason = format!("the station does not speak {version}: it offers [{}]", shorten(&offers.join(", ")));
        let speaks_ocpp = offers.iter().any(|name| KNOWN_SUBPROTOCOLS.contains(&name.as_str()));
        if speaks_ocpp || is_told.swap(true, Ordering::SeqCst) {
            return Some(Refused::new(Verdict::NotApplicable, reason));
        }
        let diagnostic = Diagnostic::error("no-subprotocol", reason.clone())
            .note(format!("Sec-WebSocket-Protocol: {}", shorten(&offers.join(", "))))
            .note(format!("the registered names are {}", KNOWN_SUBPROTOCOLS.join(", ")))
            .note("breaks R-074");
        let rules = vec!["R-074".to_owned()];
        Some(Refused { verdict: Verdict::Fail, reason, rules, diagnostic: Some(Box::new(diagnostic)) })
    }

    /// Makes the device ready for a plan.
    pub(crate) async fn ready(
        &self,
        place: &mut Place,
        device: Role,
        version: Version,
        settings: Option<&StationSettings>,
        clock: &Clock,
        prefix: &str,
    ) -> Option<Ready> {
        let rig = self.rig(device, version, settings);
        match self {
            Site::Embedded { faults, .. } => {
                let faults = faults.clone();
                let identity = rig.identities.first().cloned().unwrap_or_else(|| "PLUGFEST-1".to_owned());
                let password = rig.password.as_ref().map(|password| password.expose().to_owned());
                let other = place.other(&rig, password.as_deref().map(|password| format!("{password}-other")));
                let (embedded, carrier) = match device {
                    Role::Csms => {
                        let mut settings = CsmsSettings::standard(version);
                        settings.tokens = rig.tokens();
                        // Not what cases write when they are the CSMS: a case that wants its own number from a CSMS
                        // under test, which chooses freely, fails here.
                        settings.heartbeat_interval = 240;
                        let others = other.iter().map(|other| (other.identity.clone(), other.password.clone()));
                        let all = std::iter::once((identity.clone(), password.clone())).chain(others);
                        let known = all.filter_map(|(name, password)| Some((name, password?.into_bytes())));
                        settings.passwords = known.collect();
                        Embedded::csms(settings, faults, *clock)
                    }
                    Role::Station => {
                        let standard = StationSettings::standard(version);
                        let mut settings = settings.unwrap_or(&standard).clone();
                        if version == Version::V16 {
                            // So that there is something not to be shown.
                            settings.configuration.insert("AuthorizationKey".to_owned(), AUTHORIZATION_KEY.to_owned());
                        }
                        Embedded::station(settings, faults, *clock)
                    }
                };
                let drivers = Drivers::of(embedded.driver());
                let wire = Wire::new(carrier, version, vec![identity.clone()], password).beside(other);
                let session = Session::new(device, version, &identity, &rig, prefix, place.next_session());
                Some(Ready { rig, session, wire, drivers, embedded: Some(embedded) })
            }
            Site::Csms { url, operator, .. } => {
                let identity = place.identity(&rig);
                let carrier = Carrier::Dial { dialer: Arc::new(TcpDialer), url: url.clone() };
                let password = rig.password.as_ref().map(|password| password.expose().to_owned());
                let other = place.other(&rig, password.clone());
                let wire = Wire::new(carrier, version, vec![identity.clone()], password);
                let wire = wire.that_parts_in_order().beside(other);
                let session = Session::new(device, version, &identity, &rig, prefix, place.next_session());
                let drivers = Drivers::from_rig(&rig, version, operator.clone());
                Some(Ready { rig, session, wire, drivers, embedded: None })
            }
            Site::Station { operator, listener, .. } => {
                let drivers = Drivers::from_rig(&rig, version, operator.clone());
                if let Some((mut session, mut wire)) = place.lasting.take() {
                    // Another version takes another handshake; the station comes again by itself.
                    if session.version != version || std::mem::take(&mut place.is_restarted) {
                        wire.speak(version).await;
                        let identity = session.identity.clone();
                        session = Session::new(device, version, &identity, &rig, prefix, place.next_session());
                    }
                    return Some(Ready { rig, session, wire, drivers, embedded: None });
                }
                let listener = listener.lock().await.take()?;
                let password = rig.password.as_ref().map(|password| password.expose().to_owned());
                let identities = rig.identities.clone();
                let identity = identities.first().cloned().unwrap_or_default();
                let wire = Wire::new(Carrier::Listen(Box::new(listener)), version, identities, password);
                let session = Session::new(device, version, &identity, &rig, prefix, place.next_session());
                Some(Ready { rig, session, wire, drivers, embedded: None })
            }
        }
    }

    /// Takes back what lasts.
    pub(crate) async fn put_back(&self, place: &mut Place, session: Session, mut wire: Wire) {
        match self {
            Site::Station { offered, .. } => {
                if let (Some(offers), Ok(mut offered)) = (wire.offered(), offered.lock()) {
                    *offered = Some(offers);
                }
                place.lasting = Some((session, wire));
            }
            Site::Embedded { .. } | Site::Csms { .. } => wire.hang_up(false).await,
        }
    }
}
