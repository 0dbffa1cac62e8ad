//! Drivers: what carries stimuli out and observes a device from outside the wire.
//!
//! [`Drivers`] is made from the bindings of a rig; [`Driver`] is the door for others, such as the in-memory
//! driver of an embedded device. A confirmation only says that the device was told: the wire proves the effect.

mod bound;
mod context;
mod exec;
mod http;
mod octt;
mod operator;
mod request;
mod terminal;
mod tzi;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use protocol::stimulus::Stimulus;
use protocol::{Role, Version};
use serde_json::json;

use crate::rig::{Binding, Bound, Rig, scrub};
use bound::Task;

pub(crate) use context::provides;
pub use operator::{Answer, Operator, Question};
pub use terminal::Terminal;

/// A future that can be kept in a box.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What became of a stimulus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// The device was told.
    Done,
    /// The device was told, but without these fields, which the driver cannot carry.
    CannotCarry(Vec<String>),
    /// Nothing is bound to this verb, and there is no operator: the case needs it.
    NotBound(String),
    /// It cannot be done to this device at all; the reason.
    Undrivable(String),
    /// It could not be done; the reason.
    Failed(String),
}

/// Whether a stimulus can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Can {
    /// There is a driver, or an operator.
    Yes,
    /// Nothing is bound.
    No,
    /// The rig declares it undrivable.
    Never,
}

/// Something that carries out stimuli.
pub trait Driver: Send + Sync {
    /// Whether this verb (or observation) can be carried out, as far as is known without trying.
    fn can(&self, party: Role, verb: &str) -> Can;

    /// The fields of a call that do not survive the way to the device.
    fn cannot_carry(&self, action: &str) -> Vec<String> {
        let _ = action;
        Vec::new()
    }

    /// Carries a stimulus out. `station` is the identity of the station that it is done to, or that a CSMS is
    /// to act on.
    fn stimulate<'a>(&'a self, station: &'a str, stimulus: &'a Stimulus) -> Pending<'a, Confirmation>;

    /// Looks at the device; `None` if nobody can tell.
    fn look<'a>(&'a self, station: &'a str, observation: &'a Stimulus) -> Pending<'a, Option<bool>>;
}

/// Whether the control interface at this URL is the one of `plugfest serve`: it tells its state as that does.
pub async fn is_plugfest(url: &str, within: Duration) -> bool {
    let request = http::Request::new("GET", format!("{}/state", url.trim_end_matches('/')));
    let Ok(reply) = http::send(&request, within).await else { return false };
    let device = reply.member("device");
    reply.is_success()
        && device.is_some_and(|device| device.as_str().is_some_and(|side| side.parse::<Role>().is_ok()))
        && reply.member("stations").is_some_and(|stations| stations.is_array())
}

/// The drivers of a device.
#[derive(Clone)]
pub struct Drivers(Kind);

#[derive(Clone)]
enum Kind {
    Rig(Arc<RigDrivers>),
    Other(Arc<dyn Driver>),
}

struct RigDrivers {
    rig: Rig,
    version: Version,
    operator: Option<Arc<dyn Operator>>,
    secrets: Vec<(String, String)>,
}

impl Drivers {
    /// The drivers that a rig binds, for a session of this version. With an operator, a stimulus that is not
    /// bound is asked of the operator.
    pub fn from_rig(rig: &Rig, version: Version, operator: Option<Arc<dyn Operator>>) -> Drivers {
        Drivers(Kind::Rig(Arc::new(RigDrivers {
            rig: rig.for_version(version),
            version,
            operator,
            secrets: rig.secrets(),
        })))
    }

    /// One driver for everything.
    pub fn of(driver: Arc<dyn Driver>) -> Drivers {
        Drivers(Kind::Other(driver))
    }

    /// Whether a stimulus or an observation can be given; known before anything is done. `send Reset` asks for one
    /// action of a CSMS.
    pub fn can(&self, party: Role, verb: &str) -> Can {
        if let Some(action) = verb.strip_prefix("send ") {
            return self.can_send(action);
        }
        match &self.0 {
            Kind::Rig(drivers) => drivers.can(party, verb),
            Kind::Other(driver) => driver.can(party, verb),
        }
    }

    /// The verbs that a device of this side can be made to do; calls that a rig binds by themselves as `send Reset`.
    pub fn drivable(&self, party: Role) -> Vec<String> {
        let own = match &self.0 {
            Kind::Rig(drivers) => drivers.rig.drivers.by_verb.keys().filter(|verb| verb.starts_with("send ")).collect(),
            Kind::Other(_) => Vec::new(),
        };
        let verbs = protocol::stimulus::VERBS.iter().filter(|verb| verb.party == party).map(|verb| verb.name);
        verbs
            .chain(own.into_iter().map(String::as_str))
            .filter(|verb| self.can(party, verb) == Can::Yes)
            .map(str::to_owned)
            .collect()
    }

    /// Whether a call can be asked of a CSMS: `can` of `send`, where a rig may say something for one action.
    pub fn can_send(&self, action: &str) -> Can {
        match &self.0 {
            Kind::Rig(drivers) => drivers.can_send(action),
            Kind::Other(driver) => driver.can(Role::Csms, "send"),
        }
    }

    /// The fields of a call that its driver cannot carry.
    pub fn cannot_carry(&self, action: &str) -> Vec<String> {
        match &self.0 {
            Kind::Rig(drivers) => drivers.cannot_carry(action),
            Kind::Other(driver) => driver.cannot_carry(action),
        }
    }

    /// Carries a stimulus out.
    pub async fn stimulate(&self, station: &str, stimulus: &Stimulus) -> Confirmation {
        match &self.0 {
            Kind::Rig(drivers) => drivers.stimulate(station, stimulus).await,
            Kind::Other(driver) => driver.stimulate(station, stimulus).await,
        }
    }

    /// Looks at the device; `None` if nobody can tell.
    pub async fn look(&self, station: &str, observation: &Stimulus) -> Option<bool> {
        match &self.0 {
            Kind::Rig(drivers) => drivers.look(station, observation).await,
            Kind::Other(driver) => driver.look(station, observation).await,
        }
    }
}

impl RigDrivers {
    /// The binding that serves a stimulus. A binding of its own comes first; then the default, if it has a way
    /// to do it; then, for a restart, the rig's restart.
    fn bound(&self, party: Role, verb: &str, action: Option<&str>) -> Option<&Bound> {
        let drivers = &self.rig.drivers;
        let own = action
            .and_then(|action| drivers.by_verb.get(&format!("send {action}")))
            .or_else(|| drivers.by_verb.get(verb));
        if own.is_some() {
            return own;
        }
        if let Some(default) = &drivers.default
            && bound::serves(&default.binding, party, verb, self.version)
            && !matches!(default.binding, Binding::None | Binding::Prompt(_))
        {
            return Some(default);
        }
        if matches!((party, verb), (Role::Csms, "restart") | (Role::Station, "reboot"))
            && let Some(restart) = &self.rig.restart
        {
            return Some(restart);
        }
        drivers.default.as_ref().filter(|default| bound::serves(&default.binding, party, verb, self.version))
    }

    fn can(&self, party: Role, verb: &str) -> Can {
        self.can_by(self.bound(party, verb, None), party, verb)
    }

    fn can_send(&self, action: &str) -> Can {
        let bound = self.bound(Role::Csms, "send", Some(action));
        self.can_by(bound, Role::Csms, "send")
    }

    fn can_by(&self, bound: Option<&Bound>, party: Role, verb: &str) -> Can {
        let asked = match bound.map(|bound| &bound.binding) {
            Some(Binding::None) => return Can::Never,
            Some(Binding::Prompt(_)) | None => true,
            Some(binding) => !bound::serves(binding, party, verb, self.version),
        };
        if asked && self.operator.is_none() { Can::No } else { Can::Yes }
    }

    fn cannot_carry(&self, action: &str) -> Vec<String> {
        self.bound(Role::Csms, "send", Some(action))
            .map(|bound| {
                bound
                    .cannot_carry
                    .iter()
                    .filter(|field| field.action.as_deref().is_none_or(|only| only == action))
                    .map(|field| field.path.join("."))
                    .collect()
            })
            .unwrap_or_default()
    }

    async fn stimulate(&self, station: &str, stimulus: &Stimulus) -> Confirmation {
        let action = stimulus.with.get("action").and_then(|action| action.as_str());
        let action = action.filter(|_| stimulus.verb == "send");
        let bound = self.bound(stimulus.party, &stimulus.verb, action);
        let mut stimulus = stimulus.clone();
        // Who asks for a call may say only what has to be in it; a control interface may pass on whole messages.
        if stimulus.verb == "send" && !stimulus.with.contains_key("payload") {
            let fields = stimulus.with.get("fields").cloned().unwrap_or_else(|| json!({}));
            stimulus.with.insert("payload".to_owned(), fields);
        }
        let left_out = bound.map_or_else(Vec::new, |bound| context::leave_out(&mut stimulus, &bound.cannot_carry));
        let confirmation = match bound.map(|bound| &bound.binding) {
            Some(Binding::None) => {
                Confirmation::Undrivable(format!("the rig declares that \"{}\" cannot be done", stimulus.verb))
            }
            Some(Binding::Prompt(words)) => {
                let task = self.task(station, &stimulus, bound);
                operator::stimulate(&task, words.as_ref(), self.operator.as_deref()).await
            }
            None => {
                let task = self.task(station, &stimulus, None);
                operator::stimulate(&task, None, self.operator.as_deref()).await
            }
            Some(binding) => {
                let task = self.task(station, &stimulus, bound);
                let done = bound::stimulate(binding, &task).await;
                match (done, &self.operator) {
                    (Confirmation::NotBound(_), Some(operator)) => {
                        operator::stimulate(&task, None, Some(operator.as_ref())).await
                    }
                    (done, _) => done,
                }
            }
        };
        match confirmation {
            Confirmation::Done if !left_out.is_empty() => Confirmation::CannotCarry(left_out),
            Confirmation::Undrivable(why) => Confirmation::Undrivable(self.clean(&why)),
            Confirmation::Failed(why) => Confirmation::Failed(self.clean(&why)),
            other => other,
        }
    }

    async fn look(&self, station: &str, observation: &Stimulus) -> Option<bool> {
        let bound = self.bound(observation.party, &observation.verb, None);
        let task = self.task(station, observation, bound);
        match bound.map(|bound| &bound.binding) {
            Some(Binding::None) => None,
            Some(Binding::Prompt(words)) => operator::look(&task, words.as_ref(), self.operator.as_deref()).await,
            None => operator::look(&task, None, self.operator.as_deref()).await,
            Some(binding) => bound::look(binding, &task).await,
        }
    }

    fn task<'a>(&'a self, station: &'a str, stimulus: &'a Stimulus, bound: Option<&Bound>) -> Task<'a> {
        let timeouts = &self.rig.timeouts;
        let own = bound.and_then(|bound| bound.timeout);
        // A control interface may answer when what lasts is over.
        let lasts = context::length(stimulus);
        Task {
            station,
            version: self.version,
            stimulus,
            default_connector: self.rig.connectors.first().copied(),
            patience: own.unwrap_or(timeouts.operator).saturating_add(lasts),
            request: own.unwrap_or(timeouts.reply.max(timeouts.step)).saturating_add(lasts),
        }
    }

    /// The text without secrets and without what a terminal would obey.
    fn clean(&self, text: &str) -> String {
        let text = scrub(text, &self.secrets);
        text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
    }
}

#[cfg(test)]
#[path = "drivers/tests.rs"]
mod tests;
