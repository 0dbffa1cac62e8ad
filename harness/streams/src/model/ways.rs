//! How a state is reached on purpose: by moves of the tables, and by what can be done to the device from outside. So a
//! stream can set out for a state and for a move, instead of waiting until chance takes it there.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use protocol::{Role, Timestamp, Version};
use serde_json::Value;

use super::moves::{Universe, opinion, row_of, table};
use super::state::{State, States};
use super::station::{Connector, List, Registration, Reservation, Station, Transaction};
use super::{Line, Model, Move, Told};
use crate::generate::Allowed;

/// What an episode has to work with.
#[derive(Clone, Debug)]
pub struct Means<'a> {
    /// The side of the device.
    pub device: Role,
    /// The version spoken.
    pub version: Version,
    /// What the rig says of it.
    pub told: Arc<Told>,
    /// How many identities may be used; 1 towards a station.
    pub identities: usize,
    /// The verbs that the device can be made to do.
    pub drivable: &'a [String],
    /// What may be sent.
    pub allowed: &'a Allowed,
    /// Actions that the device said it does not have.
    pub lacks: BTreeSet<String>,
}

/// Something to be done in a state that is worth setting out for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Goal {
    pub(crate) state: State,
    pub(crate) aim: Aim,
}

/// What is done in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aim {
    /// Any message.
    Anything,
    /// A message that was sent before.
    Again,
    /// The link is closed.
    Close,
    /// The link is cut.
    Cut,
    /// A move of this kind.
    Move(usize),
}

/// Something done on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A move of the table, by action and name.
    Move(&'static str, &'static str),
    /// The next boot of the station under test is answered with this status.
    AnswerBoot(&'static str),
    /// The CSMS under test is told to answer boots with this status.
    DecideBoot(&'static str),
    /// The station under test is made to do this.
    Do(&'static str),
    /// The station under test is asked to boot once more.
    TriggerBoot,
    /// The link is opened, with a boot or without.
    Connect {
        /// Whether a boot comes first.
        boots: bool,
    },
    /// The interval that a boot was answered with is waited for.
    Wait,
}

/// What comes next on the way to a goal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Next {
    /// It is there; this is the move, if it aims at one.
    Arrived(Option<Move>),
    /// Something that the goal refers to has to be done first, on this link.
    First(usize, Move),
    /// One of these rows of steps, each on this link, leads on by the shortest way.
    Ways(usize, Vec<&'static [Step]>),
    /// Nothing leads there from here.
    Nowhere,
}

/// From these states, these steps lead to that one, as far as the device plays along.
struct Way {
    from: States,
    to: State,
    steps: &'static [Step],
}

const fn way(from: States, to: State, steps: &'static [Step]) -> Way {
    Way { from, to, steps }
}

use State::{
    Charging, Faulted, Finishing, Idle, Pending, Preparing, Rejected, Reserved, Suspended, Unavailable, Unregistered,
};
use Step::{AnswerBoot, Connect, DecideBoot, Do, TriggerBoot, Wait};

const OFFLINE: States = States::one(State::Offline);
const REFUSED: States = States::one(Pending).and(States::one(Rejected));
const BOOTED: States = States::ON.and(REFUSED);
const CHARGING: States = States::one(Charging);
const SUSPENDED: States = States::one(Suspended);

const BOOT: Step = Step::Move("BootNotification", "");

/// How a station that we play gets its registration.
const REGISTRATION: &[Way] = &[
    way(OFFLINE, Idle, &[Connect { boots: true }]),
    way(OFFLINE.and(BOOTED), Unregistered, &[Connect { boots: false }]),
    way(States::one(Unregistered), Idle, &[BOOT]),
    way(BOOTED.and(States::one(Unregistered)), Pending, &[DecideBoot("Pending"), BOOT]),
    way(BOOTED.and(States::one(Unregistered)), Rejected, &[DecideBoot("Rejected"), BOOT]),
    way(REFUSED, Idle, &[DecideBoot("Accepted"), BOOT]),
];

const fn reported(name: &'static str) -> Step {
    Step::Move("StatusNotification", name)
}

const fn event(name: &'static str) -> Step {
    Step::Move("TransactionEvent", name)
}

const TOWARDS_CSMS_16: &[Way] = &[
    way(States::FREE, Charging, &[Step::Move("StartTransaction", "valid token")]),
    way(States::BUSY, Idle, &[Step::Move("StopTransaction", "running"), reported("Available")]),
    way(States::BUSY, Finishing, &[Step::Move("StopTransaction", "running"), reported("Finishing")]),
    way(States::ON, Idle, &[reported("Available")]),
    way(States::FREE, Preparing, &[reported("Preparing")]),
    way(States::FREE, Finishing, &[reported("Finishing")]),
    way(States::FREE, Reserved, &[reported("Reserved")]),
    way(States::FREE, Unavailable, &[reported("Unavailable")]),
    way(States::FREE, Faulted, &[reported("Faulted")]),
    way(CHARGING, Suspended, &[reported("SuspendedEV")]),
    way(CHARGING, Suspended, &[reported("SuspendedEVSE")]),
    way(SUSPENDED, Charging, &[reported("Charging")]),
];

const TOWARDS_CSMS_2X: &[Way] = &[
    way(States::FREE, Charging, &[event("started")]),
    way(States::BUSY, Idle, &[event("ended"), reported("Available")]),
    way(States::ON, Idle, &[reported("Available")]),
    way(States::FREE, Preparing, &[reported("Occupied")]),
    way(States::FREE, Reserved, &[reported("Reserved")]),
    way(States::FREE, Unavailable, &[reported("Unavailable")]),
    way(States::FREE, Faulted, &[reported("Faulted")]),
    way(CHARGING, Suspended, &[event("suspended")]),
    way(SUSPENDED, Charging, &[event("charging")]),
];

/// What people and cars do to a station, in every version.
const AT_THE_STATION: &[Way] = &[
    way(OFFLINE, Idle, &[Connect { boots: true }]),
    way(States::IDLE, Preparing, &[Do("plug in")]),
    way(States::IDLE, Charging, &[Do("plug in"), Do("present token")]),
    way(States::PREPARING.and(States::RESERVED), Charging, &[Do("plug in"), Do("present token")]),
    way(States::PREPARING, Charging, &[Do("present token")]),
    way(States::PREPARING, Idle, &[Do("unplug")]),
    // Somebody was let in and no cable is plugged in.
    way(States::PREPARING, Idle, &[Do("plug in"), Do("unplug")]),
    way(States::PREPARING, Charging, &[Do("plug in")]),
    way(CHARGING, Suspended, &[Do("pause by ev")]),
    way(SUSPENDED, Charging, &[Do("resume by ev")]),
    way(States::BUSY, Idle, &[Do("present token"), Do("unplug")]),
    way(States::BUSY, Idle, &[Do("unplug")]),
    way(States::FINISHING, Idle, &[Do("unplug")]),
    way(States::ON, Faulted, &[Do("cause fault")]),
    way(States::FAULTED, Idle, &[Do("clear fault")]),
    way(States::ON, Pending, &[AnswerBoot("Pending"), Do("reboot")]),
    way(States::ON, Rejected, &[AnswerBoot("Rejected"), Do("reboot")]),
    way(States::one(Pending), Idle, &[TriggerBoot]),
    way(REFUSED, Idle, &[Wait]),
    way(States::FREE, Unavailable, &[Step::Move("ChangeAvailability", "inoperative")]),
    way(States::UNAVAILABLE, Idle, &[Step::Move("ChangeAvailability", "operative")]),
    way(States::UNAVAILABLE, Idle, &[Step::Move("ChangeAvailability", "station operative")]),
    way(States::IDLE, Reserved, &[Step::Move("ReserveNow", "free")]),
    way(States::RESERVED, Idle, &[Step::Move("CancelReservation", "known")]),
];

const TOWARDS_STATION_16: &[Way] = &[
    way(States::BUSY, Finishing, &[Do("present token")]),
    way(States::BUSY, Finishing, &[Step::Move("RemoteStopTransaction", "running")]),
    way(States::PREPARING, Charging, &[Step::Move("RemoteStartTransaction", "free connector")]),
    way(States::IDLE, Preparing, &[Step::Move("RemoteStartTransaction", "free connector")]),
    way(States::ON, Pending, &[AnswerBoot("Pending"), Step::Move("Reset", "soft")]),
    way(States::ON, Rejected, &[AnswerBoot("Rejected"), Step::Move("Reset", "soft")]),
];

const TOWARDS_STATION_2X: &[Way] = &[
    way(States::BUSY, Preparing, &[Do("present token")]),
    way(States::BUSY, Preparing, &[Step::Move("RequestStopTransaction", "running")]),
    way(States::PREPARING, Charging, &[Step::Move("RequestStartTransaction", "free EVSE")]),
    way(States::IDLE, Preparing, &[Step::Move("RequestStartTransaction", "free EVSE")]),
    way(States::IDLE, Pending, &[AnswerBoot("Pending"), Step::Move("Reset", "on idle")]),
    way(States::IDLE, Rejected, &[AnswerBoot("Rejected"), Step::Move("Reset", "on idle")]),
];

fn ways(device: Role, version: Version) -> impl Iterator<Item = &'static Way> {
    let (common, own) = match (device, version) {
        (Role::Csms, Version::V16) => (REGISTRATION, TOWARDS_CSMS_16),
        (Role::Csms, _) => (REGISTRATION, TOWARDS_CSMS_2X),
        (Role::Station, Version::V16) => (AT_THE_STATION, TOWARDS_STATION_16),
        (Role::Station, _) => (AT_THE_STATION, TOWARDS_STATION_2X),
    };
    common.iter().chain(own)
}

/// Moves that refer to something that another move leaves behind: by name, and in the order in which they are looked at.
/// `true` if that has to be done as another station.
type Before = (&'static str, (&'static str, &'static str), bool);

const BEFORE_CSMS_16: &[Before] = &[
    ("ended before", ("StopTransaction", "running"), false),
    ("of an ended transaction", ("StopTransaction", "running"), false),
    ("of another station", ("StartTransaction", "valid token"), true),
];

const BEFORE_CSMS_2X: &[Before] = &[
    ("after the end", ("TransactionEvent", "ended"), false),
    ("of another station", ("TransactionEvent", "started"), true),
];

const BEFORE_STATION: &[Before] = &[
    ("cancelled before", ("CancelReservation", "known"), false),
    ("not newer", ("SendLocalList", "full"), false),
    ("known id", ("SetChargingProfile", ""), false),
    ("known", ("ReserveNow", "free"), false),
    ("again", ("ReserveNow", "free"), false),
    ("by the holder", ("ReserveNow", "free"), false),
];

/// What leaves behind what a move of this kind refers to.
fn before(device: Role, version: Version, kind: usize) -> Option<(usize, bool)> {
    let row = table(device, version).get(kind)?;
    let (list, start, stop) = match (device, version) {
        (Role::Csms, Version::V16) => (BEFORE_CSMS_16, Some(("StartTransaction", "valid token")), None),
        (Role::Csms, _) => (BEFORE_CSMS_2X, Some(("TransactionEvent", "started")), None),
        (Role::Station, Version::V16) => (BEFORE_STATION, None, Some(("RemoteStopTransaction", "running"))),
        (Role::Station, _) => (BEFORE_STATION, None, Some(("RequestStopTransaction", "running"))),
    };
    let listed = list.iter().find(|(name, ..)| *name == row.name).map(|(_, first, elsewhere)| (*first, *elsewhere));
    let ended = stop.filter(|_| row.name == "ended before").map(|stop| (stop, false));
    let is_busy =
        row.legal.and(row.illegal).without(States::BUSY) == States::NONE && row.legal.and(row.illegal) != States::NONE;
    let started = start.filter(|_| is_busy).map(|start| (start, false));
    let ((action, name), elsewhere) = listed.or(ended).or(started)?;
    Some((row_of(device, version, action, name)?, elsewhere))
}

/// So many things have to be done first, each for the one before it.
const DEEPEST: u32 = 4;

impl Means<'_> {
    fn can(&self, verb: &str) -> bool {
        self.drivable.iter().any(|drivable| drivable == verb)
    }

    fn has(&self, way: &Way) -> bool {
        way.steps.iter().all(|step| match step {
            Do(verb) => self.can(verb),
            DecideBoot(_) => self.can("decide boot"),
            Step::Move(action, _) => !self.lacks.contains(*action),
            _ => true,
        })
    }

    /// How many ways it is from each state to this one, at least.
    fn distances(&self, to: State) -> BTreeMap<State, u32> {
        let mut distances = BTreeMap::from([(to, 0)]);
        let mut waiting = VecDeque::from([to]);
        while let Some(state) = waiting.pop_front() {
            let distance = distances.get(&state).copied().unwrap_or(0) + 1;
            for way in ways(self.device, self.version).filter(|way| way.to == state && self.has(way)) {
                for from in State::ALL.into_iter().filter(|from| way.from.has(*from)) {
                    if let Entry::Vacant(entry) = distances.entry(from) {
                        entry.insert(distance);
                        waiting.push_back(from);
                    }
                }
            }
        }
        distances
    }

    /// The states that the device can be brought into. It begins idle, and before that nothing is known of it.
    fn states(&self) -> impl Iterator<Item = State> {
        let lacks = |state: State| state == Finishing && self.version != Version::V16;
        let is_reached =
            |state: State| matches!(state, State::Offline | Unregistered) || self.distances(state).contains_key(&Idle);
        State::ALL.into_iter().filter(move |state| !lacks(*state) && is_reached(*state))
    }

    /// A model in which everything has happened that a move can refer to.
    fn specimen(&self, state: State) -> Model {
        let station = |identity: &str, state: State| {
            let (registration, status) = match state {
                State::Offline | Unregistered => (Registration::Unknown, None),
                Pending => (Registration::Pending, None),
                Rejected => (Registration::Rejected, None),
                on => (Registration::Accepted, Some(on)),
            };
            let busy = States::BUSY.has(state);
            let token = self.told.tokens.get("valid").cloned().unwrap_or_default();
            Station {
                links: usize::from(state != State::Offline),
                registration,
                connectors: BTreeMap::from([(1, Connector { status, ..Connector::default() })]),
                transactions: busy.then(|| running(identity)).into_iter().collect(),
                ended: VecDeque::from(["3".to_owned()]),
                list: List { version: Some(1), filled: Some(true), touched: true },
                reservations: (state == Reserved).then(|| reservation(&token)).into_iter().collect(),
                cancelled: VecDeque::from([4]),
                profiles: VecDeque::from([100]),
                ..Station::new(identity)
            }
        };
        let mut model = Model::new(self.device, self.version).knowing(self.told.clone());
        model.stations.push(station("1", state));
        if self.identities > 1 {
            model.stations.push(station("2", Charging));
        }
        model.links.insert(0, Line { station: 0, open: true });
        model
    }

    /// All that can be tried with these means: the moves of every state that can be reached, but for those that need a
    /// token, a connector or an identity that the rig has not, those that must not be sent, and those that refer to what a
    /// device without an action cannot have.
    pub fn universe(&self) -> Universe {
        let mut universe = Universe { several: self.device == Role::Csms, ..Universe::default() };
        for state in self.states() {
            universe.states.insert(state);
            for (_, row, made) in self.kinds_in(state) {
                let moves = if made.forbidden_by.is_some() { &mut universe.illegal } else { &mut universe.legal };
                moves.insert((state, row.action, row.name));
            }
        }
        universe
    }

    fn kinds_in(&self, state: State) -> Vec<(usize, &'static super::moves::Row, Move)> {
        let model = self.specimen(state);
        let rows = table(self.device, self.version).iter().enumerate();
        let made = rows.filter_map(|(kind, row)| Some((kind, row, model.made(0, row)?)));
        let denied = |made: &Move| {
            let settled = Value::Object(made.settled.clone());
            self.device == Role::Station && self.allowed.denies(self.version, made.action, &settled).is_some()
        };
        made.filter(|(kind, _, made)| !denied(made) && self.can_refer(*kind, DEEPEST)).collect()
    }

    /// Whether the device has what leaves behind what a move of this kind refers to.
    fn can_refer(&self, kind: usize, depth: u32) -> bool {
        let Some((first, _)) = before(self.device, self.version, kind).filter(|_| depth > 0) else { return true };
        let lacks = table(self.device, self.version).get(first).is_some_and(|row| self.lacks.contains(row.action));
        !lacks && self.can_refer(first, depth - 1)
    }

    /// Everything worth setting out for, state by state. Where the registration is lost by a legal move, that comes last.
    pub(crate) fn goals(&self) -> Vec<Goal> {
        let mut goals = Vec::new();
        for state in self.states().filter(|state| *state != State::Offline) {
            goals.extend([Aim::Anything, Aim::Again, Aim::Close, Aim::Cut].map(|aim| Goal { state, aim }));
            let mut kinds = self.kinds_in(state);
            if !States::ON.has(state) {
                kinds.sort_by_key(|(.., made)| made.forbidden_by.is_none());
            }
            goals.extend(kinds.into_iter().map(|(kind, ..)| Goal { state, aim: Aim::Move(kind) }));
        }
        goals
    }
}

impl Model {
    /// What comes next on the way to a goal, on this link.
    pub(crate) fn towards(&self, goal: Goal, link: usize, means: &Means<'_>) -> Next {
        self.towards_within(goal, link, means, DEEPEST)
    }

    fn towards_within(&self, goal: Goal, link: usize, means: &Means<'_>, depth: u32) -> Next {
        let state = self.state_of(link);
        if let Aim::Move(kind) = goal.aim
            && States::ON.has(goal.state)
            && depth > 0
            && !self.has_what_it_takes(link, kind)
            && let Some((first, elsewhere)) = before(self.device, self.version, kind)
        {
            let link = if elsewhere { link + 1 } else { link };
            return match self.nearest(first, self.state_of(link), means) {
                Some(state) => {
                    let goal = Goal { state, aim: Aim::Move(first) };
                    match self.towards_within(goal, link, means, depth - 1) {
                        Next::Arrived(Some(made)) => Next::First(link, made),
                        other => other,
                    }
                }
                None => Next::Nowhere,
            };
        }
        if state == goal.state {
            return match goal.aim {
                Aim::Move(kind) => {
                    let made = table(self.device, self.version).get(kind).and_then(|row| self.made(link, row));
                    made.map_or(Next::Nowhere, |made| Next::Arrived(Some(made)))
                }
                _ => Next::Arrived(None),
            };
        }
        let distances = means.distances(goal.state);
        let open = ways(self.device, self.version)
            .filter(|way| way.from.has(state) && way.to != state && means.has(way) && self.can_begin(link, way));
        let open: Vec<(u32, &Way)> = open.filter_map(|way| Some((*distances.get(&way.to)?, way))).collect();
        match open.iter().map(|(distance, _)| *distance).min() {
            Some(least) => Next::Ways(
                link,
                open.iter().filter(|(distance, _)| *distance == least).map(|(_, way)| way.steps).collect(),
            ),
            None => Next::Nowhere,
        }
    }

    /// Whether the move could be made if only the state were right.
    fn has_what_it_takes(&self, link: usize, kind: usize) -> bool {
        table(self.device, self.version).get(kind).is_some_and(|row| self.settled(link, row).is_some())
    }

    /// The state in which this kind is legal that is the fewest ways from here.
    fn nearest(&self, kind: usize, from: State, means: &Means<'_>) -> Option<State> {
        let row = table(self.device, self.version).get(kind)?;
        let legal = State::ALL
            .into_iter()
            .filter(|state| opinion(self.device, self.version, row, *state) == Some(None) && States::ON.has(*state));
        legal.filter_map(|state| Some((*means.distances(state).get(&from)?, state))).min().map(|(_, state)| state)
    }

    fn can_begin(&self, link: usize, way: &Way) -> bool {
        let Some(Step::Move(action, name)) = way.steps.first() else { return true };
        let kind = row_of(self.device, self.version, action, name);
        kind.and_then(|kind| self.made(link, table(self.device, self.version).get(kind)?)).is_some()
    }
}

/// A transaction of a specimen.
fn running(id: &str) -> Transaction {
    Transaction {
        id: id.to_owned(),
        connector: 1,
        token: String::new(),
        start: String::new(),
        meter_start: 1000,
        sequence: Some(0),
        answered: true,
        losses: 0,
        authorised: true,
        sure: Some(0),
    }
}

/// A reservation of one.
fn reservation(token: &str) -> Reservation {
    let expires = Timestamp(i64::MAX / 4);
    Reservation { id: 5, connector: 1, token: token.to_owned(), group: false, expires, disturbances: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn means(allowed: &Allowed, device: Role, version: Version) -> Means<'_> {
        let tokens =
            ["valid", "other", "blocked", "expired", "unknown"].map(|name| (name.to_owned(), format!("tag-{name}")));
        let told = Arc::new(Told { tokens: BTreeMap::from(tokens), connectors: 2, ..Told::default() });
        let identities = if device == Role::Csms { 2 } else { 1 };
        Means { device, version, told, identities, drivable: &[], allowed, lacks: BTreeSet::new() }
    }

    fn all() -> impl Iterator<Item = (Role, Version)> {
        [Role::Csms, Role::Station].into_iter().flat_map(|device| Version::ALL.map(|version| (device, version)))
    }

    #[test]
    fn ways_and_what_comes_before_are_moves_of_the_table() {
        for (device, version) in all() {
            for way in ways(device, version) {
                for step in way.steps {
                    if let Step::Move(action, name) = step {
                        assert!(row_of(device, version, action, name).is_some(), "{device} {version} {action} {name}");
                    }
                    if let Do(verb) = step {
                        assert!(protocol::stimulus::verb(Role::Station, verb).is_some(), "{verb}");
                    }
                }
            }
        }
        for (device, version, list) in [
            (Role::Csms, Version::V16, BEFORE_CSMS_16),
            (Role::Csms, Version::V201, BEFORE_CSMS_2X),
            (Role::Station, Version::V16, BEFORE_STATION),
            (Role::Station, Version::V201, BEFORE_STATION),
        ] {
            for (_, (action, name), _) in list {
                assert!(row_of(device, version, action, name).is_some(), "{device} {version} {action} {name}");
            }
        }
    }

    #[test]
    fn what_cannot_be_had_is_not_aimed_at() {
        let allowed = Allowed::default();
        let states = |means: &Means<'_>| means.universe().states;
        let csms = means(&allowed, Role::Csms, Version::V16);
        assert!(!states(&csms).contains(&Pending) && states(&csms).contains(&Faulted));
        let verbs = ["decide boot".to_owned()];
        assert!(states(&Means { drivable: &verbs, ..csms.clone() }).contains(&Pending));
        let alone = Means { identities: 1, ..csms.clone() }.universe();
        let strange = |universe: &Universe| universe.illegal.iter().any(|(.., name)| *name == "of another station");
        assert!(strange(&csms.universe()) && !strange(&alone));

        let station = means(&allowed, Role::Station, Version::V201);
        assert!(!states(&station).contains(&Faulted) && states(&station).contains(&Reserved));
        let lacks = BTreeSet::from(["ReserveNow".to_owned()]);
        let universe = Means { lacks, ..station.clone() }.universe();
        assert!(!universe.states.contains(&Reserved));
        assert!(!universe.illegal.iter().any(|(.., name)| *name == "cancelled before"));
        assert!(
            universe.illegal.iter().any(|(.., name)| *name == "where it cannot be"),
            "that can be tried all the same"
        );
        let unlocks =
            |means: &Means<'_>| means.universe().illegal.iter().any(|(_, action, _)| *action == "UnlockConnector");
        let dangerous = Allowed { dangerous: true };
        assert!(!unlocks(&station) && unlocks(&means(&dangerous, Role::Station, Version::V201)));
    }

    #[test]
    fn what_a_move_refers_to_is_done_first() {
        let allowed = Allowed::default();
        for (device, version) in all() {
            let means = means(&allowed, device, version);
            let mut model = means.specimen(Idle);
            let station = &mut model.stations[0];
            (station.ended, station.cancelled) = (VecDeque::new(), VecDeque::new());
            for kind in 0..table(device, version).len() {
                let goal = Goal { state: Idle, aim: Aim::Move(kind) };
                if before(device, version, kind).is_some() && !model.has_what_it_takes(0, kind) {
                    let next = model.towards(goal, 0, &means);
                    let leads_on =
                        matches!(next, Next::First(..)) || matches!(&next, Next::Ways(_, ways) if !ways.is_empty());
                    let name = table(device, version)[kind].name;
                    assert!(leads_on, "{device} {version} {name}: {next:?}");
                }
            }
        }
    }
}
