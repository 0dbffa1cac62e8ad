//! Connector states and what the CSMS is told of them (statements 16-CONN and 16-STAT).

use std::collections::VecDeque;
use std::time::Duration;

use protocol::Timestamp;
use serde_json::{Value, json};

use super::charge_point::{ChargePoint, Sent};
use super::connector::{Connector, drives_faulted};

/// The status of a connector, by its name in messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Available,
    Preparing,
    Charging,
    SuspendedEv,
    SuspendedEvse,
    Finishing,
    Reserved,
    Unavailable,
    Faulted,
}

use Status::{Available, Charging, Faulted, Finishing, Preparing, Reserved, SuspendedEv, SuspendedEvse, Unavailable};

/// All of them, those first that a session passes through on its way.
const ALL: [Status; 9] =
    [Preparing, Finishing, Available, SuspendedEv, Charging, SuspendedEvse, Reserved, Unavailable, Faulted];

impl Status {
    pub(super) fn name(self) -> &'static str {
        match self {
            Available => "Available",
            Preparing => "Preparing",
            Charging => "Charging",
            SuspendedEv => "SuspendedEV",
            SuspendedEvse => "SuspendedEVSE",
            Finishing => "Finishing",
            Reserved => "Reserved",
            Unavailable => "Unavailable",
            Faulted => "Faulted",
        }
    }

    /// Whether a connector may be told to be in `next` after this (16-STAT-02).
    pub(super) fn may_become(self, next: Status) -> bool {
        let nexts: &[Status] = match self {
            Available => &[Preparing, Charging, SuspendedEv, SuspendedEvse, Reserved, Unavailable, Faulted],
            Preparing => &[Available, Charging, SuspendedEv, SuspendedEvse, Finishing, Faulted],
            Charging => &[Available, SuspendedEv, SuspendedEvse, Finishing, Unavailable, Faulted],
            SuspendedEv => &[Available, Charging, SuspendedEvse, Finishing, Unavailable, Faulted],
            SuspendedEvse => &[Available, Charging, SuspendedEv, Finishing, Unavailable, Faulted],
            Finishing => &[Available, Preparing, Unavailable, Faulted],
            Reserved => &[Available, Preparing, Unavailable, Faulted],
            Unavailable => &[Available, Preparing, Charging, SuspendedEv, SuspendedEvse, Faulted],
            Faulted => &[Available, Preparing, Charging, SuspendedEv, SuspendedEvse, Finishing, Reserved, Unavailable],
        };
        nexts.contains(&next)
    }

    /// The shortest legal way to `goal`, without the start, with it.
    fn way_to(self, goal: Status) -> Vec<Status> {
        let mut ways: VecDeque<Vec<Status>> = VecDeque::from([vec![self]]);
        let mut seen = vec![self];
        while let Some(way) = ways.pop_front() {
            let here = way.last().copied().unwrap_or(self);
            for next in ALL {
                // A fault is never made up to get somewhere.
                let invented = next == Faulted && goal != Faulted;
                if invented || seen.contains(&next) || !here.may_become(next) {
                    continue;
                }
                let mut longer = way.clone();
                longer.push(next);
                if next == goal {
                    return longer.split_off(1);
                }
                seen.push(next);
                ways.push_back(longer);
            }
        }
        vec![goal]
    }
}

/// What is said of a connector: status, error code, info.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) status: Status,
    pub(super) error: String,
    pub(super) info: Option<&'static str>,
}

/// What the CSMS has been told of a connector.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// The last condition that was sent or is on its way.
    condition: Option<Condition>,
    /// A different condition and since when it lasts, for MinimumStatusDuration.
    lasting: Option<(Condition, Timestamp)>,
    /// The link was lost since: what lies between is history and not told (16-STAT-11).
    stale: bool,
}

impl ChargePoint {
    /// The present condition of a connector, or of the station for 0.
    pub(super) fn condition(&self, number: u32) -> Condition {
        let mut info = None;
        let mut error = "NoError";
        let status = match self.connector(number) {
            None => {
                if let Some(code) = &self.fault {
                    error = code;
                }
                match () {
                    () if self.fault.as_deref().is_some_and(drives_faulted) => Faulted,
                    () if self.is_inoperative(0) => Unavailable,
                    () => Available,
                }
            }
            Some(connector) => {
                if let Some(code) = &connector.fault {
                    error = code;
                }
                let status = self.connector_status(connector);
                if status == SuspendedEv && connector.ev_gone {
                    info = Some("EV side disconnected");
                }
                status
            }
        };
        Condition { status, error: error.to_owned(), info }
    }

    fn connector_status(&self, connector: &Connector) -> Status {
        if connector.is_faulted() {
            return Faulted;
        }
        if let Some(transaction) = &connector.transaction {
            // Suspended by both: the station's side wins (16-STAT-07).
            return if transaction.energy_withheld {
                SuspendedEvse
            } else if connector.ev_gone || connector.ev_paused {
                SuspendedEv
            } else {
                Charging
            };
        }
        if self.is_inoperative(connector.number) {
            return Unavailable;
        }
        if connector.authorised.is_some() {
            return Preparing;
        }
        if self.is_reserved(connector.number) {
            return Reserved;
        }
        match (connector.plugged, connector.finishing) {
            (true, true) if self.faults.active("station-never-finishes") => Charging,
            (true, true) => Finishing,
            (true, false) => Preparing,
            (false, _) => Available,
        }
    }

    /// Tells every change (16-STAT-01), unless it is too young for MinimumStatusDuration (16-STAT-10).
    pub(super) fn tell_states(&mut self) {
        if !self.is_online() || !self.is_accepted() {
            self.remember_states();
            return;
        }
        for (number, condition) in std::mem::take(&mut self.history) {
            self.post_condition(number, condition, false);
        }
        let minimum = self.storage.configuration.seconds("MinimumStatusDuration");
        for number in 0..=self.connectors.len() {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let condition = self.condition(number);
            let now = self.now;
            let Some(told) = self.told_mut(number) else {
                continue;
            };
            let Some(last) = &told.condition else {
                self.post_status(number, false);
                continue;
            };
            if *last == condition {
                told.lasting = None;
                continue;
            }
            let since = match &told.lasting {
                Some((lasting, since)) if *lasting == condition => *since,
                _ => now,
            };
            if now.since(since) >= minimum {
                self.tell(number, condition, false);
            } else {
                told.lasting = Some((condition, since));
            }
        }
    }

    /// What is missed while there is no link, for a station that tells it afterwards all the same.
    fn remember_states(&mut self) {
        if !self.is_accepted() || !self.faults.active("station-tells-its-history") || self.history.len() > 100 {
            return;
        }
        for number in 1..=self.connectors.len() {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let condition = self.condition(number);
            let told = self.told_mut(number).and_then(|told| told.condition.clone());
            let last = self.history.iter().rev().find(|(other, _)| *other == number).map(|(_, last)| last);
            if last.or(told.as_ref()) != Some(&condition) {
                self.faults.hits("station-tells-its-history");
                self.history.push((number, condition));
            }
        }
    }

    /// Tells the present condition of one connector, over states between if the direct way is not legal.
    fn tell(&mut self, number: u32, condition: Condition, triggered: bool) {
        let last =
            self.told_mut(number).filter(|told| !told.stale).and_then(|told| told.condition.as_ref().map(|c| c.status));
        if let Some(last) = last.filter(|last| number > 0 && *last != condition.status) {
            let mut way = last.way_to(condition.status);
            way.pop();
            for status in way {
                let between = Condition { status, error: "NoError".to_owned(), info: None };
                self.post_condition(number, between, triggered);
            }
        }
        self.post_condition(number, condition, triggered);
    }

    /// Sends the present condition, changed or not.
    pub(super) fn post_status(&mut self, number: u32, triggered: bool) {
        let condition = self.condition(number);
        self.tell(number, condition, triggered);
    }

    fn post_condition(&mut self, number: u32, condition: Condition, triggered: bool) {
        let mut payload = json!({
            "connectorId": number,
            "errorCode": condition.error,
            "status": condition.status.name(),
            "timestamp": self.timestamp(),
        });
        if let (Some(info), Value::Object(members)) = (condition.info, &mut payload) {
            members.insert("info".to_owned(), info.into());
        }
        let told = Told { condition: Some(condition), lasting: None, stale: false };
        if let Some(place) = self.told_mut(number) {
            *place = told;
        }
        self.post("StatusNotification", payload, Sent::Status(number), triggered);
    }

    /// A message about the conflict between the local list and an answer (16-AUTH-22).
    pub(super) fn tell_list_conflict(&mut self) {
        let mut condition = self.condition(0);
        condition.error = "LocalListConflict".to_owned();
        let payload = json!({
            "connectorId": 0,
            "errorCode": condition.error,
            "status": condition.status.name(),
            "timestamp": self.timestamp(),
        });
        self.post("StatusNotification", payload, Sent::Other, false);
    }

    /// After a boot everything is told anew.
    pub(super) fn tell_all_states_again(&mut self) {
        for told in &mut self.told {
            *told = Told::default();
        }
        let last = self.connectors.len();
        if self.faults.hits("station-tells-of-a-connector-too-many") {
            let number = u32::try_from(last + 1).unwrap_or(u32::MAX);
            let condition = Condition { status: Available, error: "NoError".to_owned(), info: None };
            self.post_condition(number, condition, false);
        }
        if last > 0 && self.faults.hits("station-forgets-a-connector-after-boot") {
            let condition = self.condition(u32::try_from(last).unwrap_or(u32::MAX));
            if let Some(told) = self.told.last_mut() {
                told.condition = Some(condition);
            }
        }
    }

    /// The link is lost.
    pub(super) fn outdate_told(&mut self) {
        for told in &mut self.told {
            told.stale = true;
        }
    }

    /// A status message was lost with the link; whether it is worth saying is seen afterwards.
    pub(super) fn forget_told(&mut self, number: u32) {
        if let Some(told) = self.told_mut(number) {
            *told = Told::default();
        }
    }

    pub(super) fn status_wakeup(&self) -> Option<Timestamp> {
        if !self.is_online() || !self.is_accepted() {
            return None;
        }
        let minimum: Duration = self.storage.configuration.seconds("MinimumStatusDuration");
        self.told.iter().filter_map(|told| told.lasting.as_ref().map(|(_, since)| *since + minimum)).min()
    }

    fn told_mut(&mut self, number: u32) -> Option<&mut Told> {
        self.told.get_mut(usize::try_from(number).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_reached_from_every_other_by_legal_steps() {
        for from in ALL {
            for to in ALL.into_iter().filter(|to| *to != from) {
                let mut here = from;
                for next in from.way_to(to) {
                    assert!(here.may_become(next), "{here:?} -> {next:?}");
                    here = next;
                }
                assert_eq!(here, to);
            }
        }
    }

    #[test]
    fn a_reserved_connector_prepares_before_it_charges() {
        assert_eq!(Reserved.way_to(Charging), [Preparing, Charging]);
    }
}
