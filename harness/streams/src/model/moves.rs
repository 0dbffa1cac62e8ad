//! The moves that the model knows: which calls of ours are legal in which state, and which are not. One table for each
//! side and version says both what a move looks like and how to recognise it, so a replay is counted as the run was.

mod towards_csms_16;
mod towards_csms_2x;
mod towards_station_16;
mod towards_station_2x;

use std::collections::BTreeSet;

use protocol::{Role, Version};
use serde_json::{Map, Value, json};

use super::state::{State, States};
use super::station::{Station, Transaction};
use super::{Model, Move};

/// A kind of move.
pub(super) struct Row {
    pub(super) action: &'static str,
    pub(super) name: &'static str,
    /// The states of an accepted station in which it is legal.
    pub(super) legal: States,
    /// Those in which it is not, and the statement that forbids it or has it refused.
    pub(super) illegal: States,
    by: &'static str,
    /// Its telling fields; nothing if it cannot be made now.
    settle: fn(&Scene<'_>) -> Option<Value>,
    /// Whether a request is one of this kind; the first row of its action that fits counts.
    is: fn(&Scene<'_>, &Value) -> bool,
}

/// Legal in these states.
const fn may(
    action: &'static str,
    name: &'static str,
    legal: States,
    settle: fn(&Scene<'_>) -> Option<Value>,
    is: fn(&Scene<'_>, &Value) -> bool,
) -> Row {
    Row { action, name, legal, illegal: States::NONE, by: "", settle, is }
}

/// Illegal in these states.
const fn must_not(
    action: &'static str,
    name: &'static str,
    illegal: States,
    by: &'static str,
    settle: fn(&Scene<'_>) -> Option<Value>,
    is: fn(&Scene<'_>, &Value) -> bool,
) -> Row {
    Row { action, name, legal: States::NONE, illegal, by, settle, is }
}

/// Every pair of state and move that the model has an opinion on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Universe {
    /// The states.
    pub states: BTreeSet<State>,
    /// State, action and name of the legal moves.
    pub legal: BTreeSet<(State, &'static str, &'static str)>,
    /// The same of the illegal ones.
    pub illegal: BTreeSet<(State, &'static str, &'static str)>,
    /// Whether there can be several links and stations at once.
    pub several: bool,
}

/// How a request relates to the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The name of the move.
    pub name: &'static str,
    /// The statement that forbids it, if one does.
    pub forbidden_by: Option<&'static str>,
}

impl Model {
    /// The moves that make sense to consider on this link, legal and illegal.
    pub fn moves(&self, link: usize) -> Vec<Move> {
        table(self.device, self.version).iter().filter_map(|row| self.made(link, row)).collect()
    }

    /// How many kinds of moves there are, possible now or not.
    pub fn kinds(&self) -> usize {
        table(self.device, self.version).len()
    }

    /// The move of this kind, or the next one that is possible on this link now: what is around it may change, and it
    /// remains the same as long as it can be made.
    pub fn move_from(&self, link: usize, kind: usize) -> Option<Move> {
        let rows = table(self.device, self.version);
        let start = kind.checked_rem(rows.len())?;
        rows[start..].iter().chain(&rows[..start]).find_map(|row| self.made(link, row))
    }

    pub(super) fn made(&self, link: usize, row: &'static Row) -> Option<Move> {
        let forbidden_by = opinion(self.device, self.version, row, self.state_of(link))?;
        let settled = self.settled(link, row)?;
        Some(Move { action: row.action, name: row.name, settled, forbidden_by })
    }

    /// The telling fields of a move, whatever the state.
    pub(super) fn settled(&self, link: usize, row: &Row) -> Option<Map<String, Value>> {
        let station = self.station_of(link)?;
        match (row.settle)(&Scene { model: self, station })? {
            Value::Object(map) => Some(map),
            _ => Some(Map::new()),
        }
    }

    /// Which move a call of ours is, if it is one: to be asked before the model sees it.
    pub fn recognise(&self, link: usize, action: &str, request: &Value) -> Option<Known> {
        let (station, state) = (self.station_of(link)?, self.state_of(link));
        let scene = Scene { model: self, station };
        table(self.device, self.version).iter().filter(|row| row.action == action).find_map(|row| {
            let forbidden_by = opinion(self.device, self.version, row, state)?;
            (row.is)(&scene, request).then_some(Known { name: row.name, forbidden_by })
        })
    }
}

/// Whether a move is legal in a state, or by which statement it is not; nothing if there is nothing to say.
pub(super) fn opinion(device: Role, version: Version, row: &Row, state: State) -> Option<Option<&'static str>> {
    let old = version == Version::V16;
    match (device, state) {
        (_, State::Offline) => None,
        (Role::Csms, State::Unregistered | State::Pending | State::Rejected) => {
            let rule = match (state, old) {
                _ if row.action == "BootNotification" => return Some(None),
                (State::Unregistered, true) => "16-BOOT-02",
                (State::Pending, true) => "16-BOOT-06",
                (State::Rejected, true) => "16-BOOT-08",
                (State::Unregistered, false) => "B01.FR.08",
                (State::Pending, false) => "B02.FR.02",
                (_, false) => "B03.FR.02",
                _ => return None,
            };
            // One of each kind of message is enough.
            row.name.is_empty().then_some(Some(rule))
        }
        // Nothing is said about stations that were never heard of.
        (Role::Station, State::Unregistered) => None,
        (Role::Station, State::Pending) => {
            let starts_or_stops = row.action.ends_with("StartTransaction") || row.action.ends_with("StopTransaction");
            let rule = if old { "R-131" } else { "B02.FR.05" };
            row.name.is_empty().then_some(starts_or_stops.then_some(rule))
        }
        (Role::Station, State::Rejected) => {
            row.name.is_empty().then_some(Some(if old { "16-BOOT-13" } else { "B03.FR.03" }))
        }
        _ if row.legal.has(state) => Some(None),
        _ if row.illegal.has(state) => Some(Some(row.by)),
        _ => None,
    }
}

pub(super) fn table(device: Role, version: Version) -> &'static [Row] {
    match (device, version) {
        (Role::Csms, Version::V16) => towards_csms_16::ROWS,
        (Role::Csms, _) => towards_csms_2x::ROWS,
        (Role::Station, Version::V16) => towards_station_16::ROWS,
        (Role::Station, _) => towards_station_2x::ROWS,
    }
}

/// Where a kind of move stands in its table.
pub(super) fn row_of(device: Role, version: Version, action: &str, name: &str) -> Option<usize> {
    table(device, version).iter().position(|row| (row.action, row.name) == (action, name))
}

/// What a move is made from.
pub(super) struct Scene<'a> {
    model: &'a Model,
    station: &'a Station,
}

impl<'a> Scene<'a> {
    fn focus(&self) -> i64 {
        self.station.focus.max(1)
    }

    /// A connector without a transaction, if there may be one: the one in focus, else another.
    fn free(&self) -> Option<i64> {
        let last = self.model.told.connectors.clamp(1, 64);
        std::iter::once(self.focus()).chain(1..=last).find(|number| self.station.running_at(*number).is_none())
    }

    fn is_free(&self, number: Option<i64>) -> bool {
        number.is_some_and(|number| self.station.running_at(number).is_none())
    }

    /// The transaction in focus.
    fn running(&self) -> Option<&'a Transaction> {
        self.station.running_at(self.focus())
    }

    fn runs(&self, id: Option<String>) -> bool {
        id.is_some_and(|id| self.station.running(&id).is_some())
    }

    fn has_ended(&self, id: Option<String>) -> bool {
        id.is_some_and(|id| self.station.has_ended(&id))
    }

    /// A transaction of another station.
    fn strange(&self) -> Option<&'a Transaction> {
        let others = self.model.stations.iter().filter(|other| other.identity != self.station.identity);
        others.flat_map(|other| &other.transactions).next()
    }

    fn is_strange(&self, id: Option<String>) -> bool {
        let others = self.model.stations.iter().filter(|other| other.identity != self.station.identity);
        id.is_some_and(|id| others.flat_map(|other| &other.transactions).any(|transaction| transaction.id == id))
    }

    fn token(&self, name: &str) -> Option<&'a str> {
        self.model.told.tokens.get(name).map(String::as_str)
    }

    /// Whether it is the rig's token of this name.
    fn is_token(&self, name: &str, token: &str) -> bool {
        self.token(name).is_some_and(|known| known.eq_ignore_ascii_case(token))
    }

    /// The id of a transaction as it goes into a message: learned from the device where it was told by it.
    fn id(&self, id: &str) -> Value {
        let number = |id: &str| id.parse::<i64>().map_or_else(|_| json!(id), |number| json!(number));
        let value = if self.model.version == Version::V16 { number(id) } else { json!(id) };
        match self.model.pool.iter().rev().position(|known| known == id) {
            Some(back) => json!({ "$known": "transactionId", "back": back, "otherwise": value }),
            None => value,
        }
    }

    /// A version of the local list that is surely newer.
    fn next_list(&self) -> i64 {
        self.station.list.version.unwrap_or(0).clamp(0, 1_000_000) + 1
    }
}

fn none(_: &Scene<'_>) -> Option<Value> {
    Some(json!({}))
}

fn any(_: &Scene<'_>, _: &Value) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use protocol::statements::statement;

    use super::*;

    #[test]
    fn every_illegal_move_names_a_statement_of_its_version() {
        for device in [Role::Csms, Role::Station] {
            for version in Version::ALL {
                for row in table(device, version).iter().filter(|row| row.illegal != States::NONE) {
                    let known = statement(row.by).is_some_and(|statement| statement.is_of(version));
                    assert!(known, "{version} {}: {} by {:?}", row.action, row.name, row.by);
                }
                for state in State::ALL {
                    for row in table(device, version) {
                        if let Some(Some(rule)) = opinion(device, version, row, state) {
                            assert!(statement(rule).is_some_and(|rule| rule.is_of(version)), "{rule} in {version}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn every_action_is_one_that_we_may_call() {
        for device in [Role::Csms, Role::Station] {
            for version in Version::ALL {
                for row in table(device, version) {
                    let message = protocol::catalogue::Catalogue::of(version).message(row.action);
                    assert!(message.is_some_and(|m| m.from.includes(device.other())), "{version} {}", row.action);
                }
            }
        }
    }

    #[test]
    fn names_are_unique_within_an_action() {
        for device in [Role::Csms, Role::Station] {
            for version in Version::ALL {
                let rows = table(device, version);
                for (at, row) in rows.iter().enumerate() {
                    let twin = rows[at + 1..].iter().find(|other| other.action == row.action && other.name == row.name);
                    assert!(twin.is_none(), "{version} {} {}", row.action, row.name);
                }
            }
        }
    }
}
