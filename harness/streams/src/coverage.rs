//! What a campaign has met: states, legal moves and illegal ones, messages by their flaws, replies by their class; of
//! all that the model knows, and whether an observation is new.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::time::Duration;

use protocol::Version;
use protocol::catalogue::Catalogue;
use protocol::frame::Frame;
use serde::{Deserialize, Serialize};

use crate::deserved::Deserved;
use crate::model::{LACKING, Model, State, Universe};
use crate::seen::{Ending, reply_class};
use crate::{Seen, What};

/// How often each thing was met. It can be merged with that of another worker, and written to be gone on with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Coverage {
    /// States of the model.
    pub states: BTreeMap<String, u64>,
    /// Legal moves: `charging StopTransaction running`.
    pub legal: BTreeMap<String, u64>,
    /// Illegal ones.
    pub illegal: BTreeMap<String, u64>,
    /// What upsets the order of things, by the state it was done in: `link cut in charging`.
    pub upsets: BTreeMap<String, u64>,
    /// Messages of ours: action and kind of flaw.
    pub sent: BTreeMap<String, u64>,
    /// Answers of the device: action and class of the reply.
    pub replies: BTreeMap<String, u64>,
    /// Observations that were new once, as numbers.
    pub observations: BTreeSet<u64>,
}

/// So many different things of a kind are told apart; a device can make up as many as it likes.
const MOST: usize = 20_000;

impl Coverage {
    /// Takes note of what was seen, before the model does. `true` if it is an observation that was not made before:
    /// reply class, state, error or close code, and how long it took.
    pub fn saw(&mut self, model: &Model, seen: &Seen) -> bool {
        let state = model.state(seen.link);
        count(&mut self.states, state);
        if !seen.own
            && let Some((upset, state)) = upset(model, seen)
        {
            count(&mut self.upsets, &format!("{upset} in {state}"));
        }
        match &seen.what {
            What::Sent { deserved, .. } => {
                if !seen.own {
                    self.sent(model, seen.link, deserved);
                }
                false
            }
            What::Received { reading, answers, took, .. } => {
                let known = |action| known(model.version(), action);
                let (action, class) = match (answers, &reading.frame) {
                    (Some(call), _) => (known(&call.action), reply_class(model.version(), reading)),
                    (None, Some(Frame::Call { action, .. })) => (known(action), "call".to_owned()),
                    (None, _) => ("?", reply_class(model.version(), reading)),
                };
                if answers.is_some() {
                    count(&mut self.replies, &format!("{action} {class}"));
                }
                self.observe(&[state, action, &class, bucket(*took)])
            }
            What::Ended { how, by_us: false } => self.observe(&[state, "ended", &how.name()]),
            What::Refused { status, .. } => {
                let status = status.map(|status| status.to_string()).unwrap_or_default();
                self.observe(&[state, "refused", &status])
            }
            What::Unanswered { deserved } => {
                self.observe(&[state, "unanswered", known(model.version(), &deserved.action)])
            }
            What::Misnamed { .. } => self.observe(&[state, "misnamed"]),
            What::StayedAway { .. } => self.observe(&[state, "stayed away"]),
            What::Binary { .. } => false,
            What::Pong { .. } => self.observe(&[state, "other", "pong"]),
            What::Other { name, .. } => self.observe(&[state, "other", name]),
            _ => false,
        }
    }

    fn sent(&mut self, model: &Model, link: usize, deserved: &Deserved) {
        let action = known(model.version(), &deserved.action);
        let mut key = String::with_capacity(80);
        match deserved.defects.as_slice() {
            [] => _ = write!(key, "{action} legal"),
            [only] => _ = write!(key, "{action} {:?}", only.defect),
            _ => _ = write!(key, "{action} several"),
        }
        count(&mut self.sent, &key);
        if !deserved.defects.is_empty() {
            return;
        }
        if let Some(kind) = model.recognise(link, &deserved.action, &deserved.request) {
            key.clear();
            let _ = write!(key, "{} {action} {}", model.state(link), kind.name);
            count(if kind.forbidden_by.is_some() { &mut self.illegal } else { &mut self.legal }, key.trim_end());
        }
    }

    fn observe(&mut self, parts: &[&str]) -> bool {
        let number = number(parts);
        if self.observations.contains(&number) || self.observations.len() >= MOST {
            return false;
        }
        self.observations.insert(number)
    }

    /// Adds what another worker has met.
    pub fn merge(&mut self, other: &Coverage) {
        let pairs = [
            (&mut self.states, &other.states),
            (&mut self.legal, &other.legal),
            (&mut self.illegal, &other.illegal),
            (&mut self.upsets, &other.upsets),
            (&mut self.sent, &other.sent),
            (&mut self.replies, &other.replies),
        ];
        for (own, others) in pairs {
            for (key, times) in others {
                add(own, key, *times);
            }
        }
        let room = MOST.saturating_sub(self.observations.len());
        self.observations.extend(other.observations.iter().take(room));
    }

    /// How much of all that the model knows was met.
    pub fn shares(&self, universe: &Universe) -> Shares {
        let share = |met: &BTreeMap<String, u64>, all: &BTreeSet<(State, &'static str, &'static str)>| {
            let key =
                |(state, action, name): &(State, &str, &str)| format!("{state} {action} {name}").trim_end().to_owned();
            Share { met: all.iter().filter(|move_| met.contains_key(&key(move_))).count(), of: all.len() }
        };
        let states = universe.states.iter().filter(|state| self.states.contains_key(state.name())).count();
        Shares {
            states: Share { met: states, of: universe.states.len() },
            legal: share(&self.legal, &universe.legal),
            illegal: share(&self.illegal, &universe.illegal),
        }
    }

    /// In how many of the states the order of things was upset in each way.
    fn upsets(&self, universe: &Universe) -> String {
        let states: Vec<&State> = universe.states.iter().filter(|state| **state != State::Offline).collect();
        let possible = if universe.several { &UPSETS[..] } else { &UPSETS[..ALONE] };
        let shares = possible.iter().map(|upset| {
            let is_met = |state: &&&State| self.upsets.contains_key(&format!("{upset} in {state}"));
            format!("{upset} in {} of {}", states.iter().filter(is_met).count(), states.len())
        });
        format!("upset, by states: {}", shares.collect::<Vec<_>>().join(", "))
    }

    /// Actions that the device has only ever said not to have.
    pub fn lacks(&self) -> BTreeSet<String> {
        let refused = self.replies.keys().filter_map(|key| {
            let (action, class) = key.split_once(' ')?;
            LACKING.contains(&class.strip_prefix("error ")?).then_some(action)
        });
        let answered = |action: &str| self.replies.keys().any(|key| key.starts_with(&format!("{action} result")));
        refused.filter(|action| !answered(action)).map(str::to_owned).collect()
    }

    /// What was not met, one a line: for who wants to know why.
    pub fn missing(&self, universe: &Universe) -> Vec<String> {
        let moves = [(&self.legal, &universe.legal, "legal"), (&self.illegal, &universe.illegal, "illegal")];
        let mut missing: Vec<String> = universe
            .states
            .iter()
            .filter(|state| !self.states.contains_key(state.name()))
            .map(|state| format!("state {state}"))
            .collect();
        for (met, all, word) in moves {
            for (state, action, name) in all {
                let key = format!("{state} {action} {name}");
                if !met.contains_key(key.trim_end()) {
                    missing.push(format!("{word} {}", key.trim_end()));
                }
            }
        }
        missing
    }

    /// In a few lines, for people.
    pub fn lines(&self, universe: &Universe) -> Vec<String> {
        let shares = self.shares(universe);
        let actions: BTreeSet<&str> = self.sent.keys().filter_map(|key| key.split(' ').next()).collect();
        vec![
            format!("states {}, legal moves {}, illegal moves {}", shares.states, shares.legal, shares.illegal),
            self.upsets(universe),
            format!(
                "messages of {} actions in {} kinds, {} kinds of replies, {} observations",
                actions.len(),
                self.sent.len(),
                self.replies.len(),
                self.observations.len()
            ),
        ]
    }
}

/// How much was met of what there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// So many were met.
    pub met: usize,
    /// Of so many.
    pub of: usize,
}

/// Of all that the model knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    /// States visited.
    pub states: Share,
    /// Legal moves taken, each in each state.
    pub legal: Share,
    /// Illegal ones tried.
    pub illegal: Share,
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = (self.met * 100).checked_div(self.of).unwrap_or(100);
        write!(f, "{} of {} ({percent} %)", self.met, self.of)
    }
}

/// What upsets the order of things.
const UPSETS: [&str; 5] = ["id used again", "link closed", "link cut", "second link", "other station"];

/// So many of them can happen on one link.
const ALONE: usize = 3;

/// What upsets the order of things, and the state in which it does.
fn upset(model: &Model, seen: &Seen) -> Option<(&'static str, State)> {
    let state = model.state_of(seen.link);
    Some(match &seen.what {
        What::Sent { deserved, .. } if deserved.id.as_ref().is_some_and(|id| model.has_used(seen.link, id)) => {
            (UPSETS[0], state)
        }
        What::Ended { how: Ending::Closed(_), by_us: true } => (UPSETS[1], state),
        What::Ended { by_us: true, .. } => (UPSETS[2], state),
        What::Opened { identity, .. } => (UPSETS[3], model.state_elsewhere(identity)?),
        // It speaks while that goes on at the first one.
        What::Sent { .. } if model.is_of_another(seen.link) => (UPSETS[4], model.state_of(0)),
        _ => return None,
    })
}

/// The action, if the version has it: what others make up is one of a kind.
fn known(version: Version, action: &str) -> &'static str {
    Catalogue::of(version).message(action).map_or("?", |message| message.action.as_str())
}

fn count(map: &mut BTreeMap<String, u64>, key: &str) {
    add(map, key, 1);
}

fn add(map: &mut BTreeMap<String, u64>, key: &str, times: u64) {
    if let Some(count) = map.get_mut(key) {
        *count = count.saturating_add(times);
    } else if map.len() < MOST {
        map.insert(key.to_owned(), times);
    }
}

/// Times that are far apart.
fn bucket(took: Option<Duration>) -> &'static str {
    match took.map(|took| took.as_millis()) {
        None => "",
        Some(0..100) => "at once",
        Some(100..1000) => "soon",
        Some(1000..10_000) => "late",
        Some(_) => "very late",
    }
}

/// FNV-1a: the same in every run, so that it can be kept.
fn number(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use protocol::frame;
    use protocol::{Role, Timestamp};

    use super::*;
    use crate::deserved::deserved;
    use crate::generate::Allowed;
    use crate::model::Means;
    use crate::seen::OurCall;

    fn seen(what: What) -> Seen {
        Seen { at: Timestamp(1), act: 0, own: false, link: 0, what }
    }

    /// A Heartbeat before the boot, and its answer.
    fn heartbeat(coverage: &mut Coverage, model: &mut Model, answer: &str) -> bool {
        let opened = What::Opened {
            identity: "A".to_owned(),
            subprotocol: None,
            proof: crate::seen::Proof::Right,
            resumed: false,
        };
        let bytes: Arc<[u8]> = Arc::from(&br#"[2,"1","Heartbeat",{}]"#[..]);
        let deserved = Arc::new(deserved(Version::V16, Role::Csms, &bytes));
        let call = OurCall {
            id: "1".to_owned(),
            action: "Heartbeat".to_owned(),
            request: serde_json::json!({}),
            deserved: deserved.clone(),
            act: 0,
        };
        let received: Arc<[u8]> = Arc::from(answer.as_bytes());
        let reading = Arc::new(frame::read(Version::V16, &received));
        let took = Some(Duration::from_millis(2));
        let received = What::Received { bytes: received, reading, answers: Some(Arc::new(call)), took };
        let mut is_new = false;
        for what in [opened, What::Sent { bytes, deserved }, received] {
            let seen = seen(what);
            is_new |= coverage.saw(model, &seen);
            model.saw(&seen);
        }
        is_new
    }

    #[test]
    fn an_observation_is_new_once() {
        let (mut coverage, mut model) = (Coverage::default(), Model::new(Role::Csms, Version::V16));
        assert!(heartbeat(&mut coverage, &mut model, r#"[4,"1","SecurityError","",{}]"#));
        assert!(!heartbeat(&mut coverage, &mut model, r#"[4,"1","SecurityError","other words",{}]"#));
        assert!(heartbeat(&mut coverage, &mut model, r#"[4,"1","InternalError","",{}]"#));
        assert!(coverage.saw(&model, &seen(What::Ended { how: Ending::Closed(Some(1011)), by_us: false })));
        assert!(!coverage.saw(&model, &seen(What::Ended { how: Ending::Closed(Some(1011)), by_us: false })));
        assert_eq!(coverage.replies.len(), 2);
        assert_eq!(coverage.sent["Heartbeat legal"], 3);
        assert_eq!(coverage.illegal["unregistered Heartbeat"], 3);
    }

    #[test]
    fn it_survives_its_file_and_can_be_merged() {
        let (mut one, mut model) = (Coverage::default(), Model::new(Role::Csms, Version::V16));
        heartbeat(&mut one, &mut model, r#"[3,"1",{}]"#);
        let text = serde_json::to_string(&one).unwrap();
        let mut other: Coverage = serde_json::from_str(&text).unwrap();
        assert_eq!(other, one);
        other.merge(&one);
        assert_eq!(other.sent["Heartbeat legal"], 2);
        assert_eq!(other.observations, one.observations);
        let allowed = Allowed::default();
        let (device, version, told) = (Role::Csms, Version::V16, Arc::default());
        let universe =
            Means { device, version, told, identities: 1, drivable: &[], allowed: &allowed, lacks: BTreeSet::new() }
                .universe();
        let shares = other.shares(&universe);
        assert_eq!((shares.states.met, shares.illegal.met, shares.legal.met), (2, 1, 0));
        let all = shares.states.of + shares.legal.of + shares.illegal.of;
        assert_eq!(other.missing(&universe).len(), all - 3);
        let lines = other.lines(&universe);
        assert!(lines[0].starts_with("states 2 of 10 (20 %), legal moves 0 of"), "{lines:?}");
    }
}
