//! The states of a station, coarse enough to be counted.

use std::fmt;

/// The state that a station is in as far as the wire tells: whether it may speak, then what goes on at the connector
/// that was dealt with last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum State {
    /// There is no link.
    Offline,
    /// Nothing is known of a boot that was answered.
    Unregistered,
    /// The boot was answered with Pending.
    Pending,
    /// The boot was answered with Rejected.
    Rejected,
    /// Nothing goes on.
    Idle,
    /// Somebody has come, but no transaction runs.
    Preparing,
    /// A transaction runs.
    Charging,
    /// A transaction runs, but no energy flows.
    Suspended,
    /// The transaction is over, the cable is still in (1.6).
    Finishing,
    /// Kept for somebody.
    Reserved,
    /// Inoperative.
    Unavailable,
    /// Broken.
    Faulted,
}

impl State {
    /// Every state.
    pub const ALL: [State; 12] = [
        State::Offline,
        State::Unregistered,
        State::Pending,
        State::Rejected,
        State::Idle,
        State::Preparing,
        State::Charging,
        State::Suspended,
        State::Finishing,
        State::Reserved,
        State::Unavailable,
        State::Faulted,
    ];

    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            State::Offline => "offline",
            State::Unregistered => "unregistered",
            State::Pending => "pending",
            State::Rejected => "rejected",
            State::Idle => "idle",
            State::Preparing => "preparing",
            State::Charging => "charging",
            State::Suspended => "suspended",
            State::Finishing => "finishing",
            State::Reserved => "reserved",
            State::Unavailable => "unavailable",
            State::Faulted => "faulted",
        }
    }

    /// The state that a connector is in by the status it is reported with, in either version.
    pub(super) fn of_status(status: &str) -> Option<State> {
        Some(match status {
            "Available" => State::Idle,
            "Preparing" | "Occupied" => State::Preparing,
            "Charging" => State::Charging,
            "SuspendedEV" | "SuspendedEVSE" => State::Suspended,
            "Finishing" => State::Finishing,
            "Reserved" => State::Reserved,
            "Unavailable" => State::Unavailable,
            "Faulted" => State::Faulted,
            _ => return None,
        })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct States(u16);

impl States {
    pub(super) const NONE: States = States(0);
    /// Those of an accepted station.
    pub(super) const ON: States = States(0xFF0);
    pub(super) const IDLE: States = States::one(State::Idle);
    pub(super) const PREPARING: States = States::one(State::Preparing);
    pub(super) const FINISHING: States = States::one(State::Finishing);
    pub(super) const RESERVED: States = States::one(State::Reserved);
    pub(super) const UNAVAILABLE: States = States::one(State::Unavailable);
    pub(super) const FAULTED: States = States::one(State::Faulted);
    /// A transaction runs.
    pub(super) const BUSY: States = States::one(State::Charging).and(States::one(State::Suspended));
    /// None runs.
    pub(super) const FREE: States = States(0xFF0 & !States::BUSY.0);

    pub(super) const fn one(state: State) -> States {
        States(1 << state as u8)
    }

    pub(super) const fn and(self, other: States) -> States {
        States(self.0 | other.0)
    }

    pub(super) const fn without(self, other: States) -> States {
        States(self.0 & !other.0)
    }

    pub(super) fn has(self, state: State) -> bool {
        self.0 & States::one(state).0 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_hold_what_they_say() {
        let on: Vec<State> = State::ALL.into_iter().filter(|state| States::ON.has(*state)).collect();
        assert_eq!(on, State::ALL[4..]);
        assert!(States::BUSY.has(State::Charging) && !States::FREE.has(State::Suspended));
        assert!(!States::ON.without(States::IDLE).has(State::Idle));
    }
}
