//! Reservations (statements 16-RES).

use protocol::Timestamp;
use serde_json::{Map, Value, json};

use super::charge_point::ChargePoint;
use super::connector::{Authorised, drives_faulted, same_tag};

/// A connector, or any one of the station for 0, is kept for a driver.
#[derive(Debug)]
pub(super) struct Reservation {
    id: i64,
    connector: u32,
    tag: String,
    parent: Option<String>,
    expires: Timestamp,
}

impl Reservation {
    fn is_for(&self, driver: &Authorised) -> bool {
        same_tag(&self.tag, &driver.tag)
            || matches!((&self.parent, &driver.parent), (Some(a), Some(b)) if same_tag(a, b))
    }
}

impl ChargePoint {
    pub(super) fn reserve_now(&mut self, request: &Map<String, Value>) -> Value {
        json!({ "status": self.reserve(request) })
    }

    fn reserve(&mut self, request: &Map<String, Value>) -> &'static str {
        let text = |name: &str| request.get(name).and_then(Value::as_str);
        let number = |name: &str| request.get(name).and_then(Value::as_i64);
        let (Some(id), Some(tag), Some(expires)) =
            (number("reservationId"), text("idTag"), text("expiryDate").and_then(Timestamp::parse))
        else {
            return "Rejected";
        };
        let connector = number("connectorId").and_then(|number| u32::try_from(number).ok());
        let Some(connector) =
            connector.filter(|number| self.settings.reservation && (*number == 0 || self.connector(*number).is_some()))
        else {
            return "Rejected";
        };
        if expires <= self.clock() {
            return "Rejected";
        }
        // The same id replaces the earlier reservation (16-RES-01).
        let earlier = self.storage.reservations.iter().position(|r| r.id == id);
        let earlier = earlier.map(|at| self.storage.reservations.remove(at));
        let status = self.reservable(connector);
        if status == "Accepted" {
            self.storage.reservations.push(Reservation {
                id,
                connector,
                tag: tag.to_owned(),
                parent: text("parentIdTag").map(str::to_owned),
                expires,
            });
        } else {
            self.storage.reservations.extend(earlier);
        }
        status
    }

    fn reservable(&self, number: u32) -> &'static str {
        if number == 0 {
            let all = |test: &dyn Fn(u32) -> bool| self.connectors.iter().all(|c| test(c.number));
            return if self.fault.as_deref().is_some_and(drives_faulted)
                || all(&|n| self.connector(n).is_some_and(|c| c.is_faulted()))
            {
                "Faulted"
            } else if self.is_inoperative(0) || all(&|n| self.is_inoperative(n)) {
                "Unavailable"
            } else if self.free_beside(0) <= self.kept_for(&|_| false) {
                "Occupied"
            } else {
                "Accepted"
            };
        }
        let Some(connector) = self.connector(number) else {
            return "Rejected";
        };
        if connector.is_faulted() {
            "Faulted"
        } else if self.is_inoperative(number) {
            "Unavailable"
        } else if self.is_in_use(number) || self.is_reserved(number) {
            "Occupied"
        } else {
            "Accepted"
        }
    }

    pub(super) fn cancel_reservation(&mut self, request: &Map<String, Value>) -> Value {
        let id = request.get("reservationId").and_then(Value::as_i64);
        let before = self.storage.reservations.len();
        self.storage.reservations.retain(|r| Some(r.id) != id);
        let found = self.storage.reservations.len() < before;
        json!({ "status": if found { "Accepted" } else { "Rejected" } })
    }

    /// The connector is shown as Reserved.
    pub(super) fn is_reserved(&self, number: u32) -> bool {
        self.storage.reservations.iter().any(|reservation| reservation.connector == number)
    }

    /// Whether a remote start for this tag need not be refused because of a reservation; the group is found out
    /// later if it has to be asked for (16-REM-06).
    pub(super) fn reservation_allows(&self, number: u32, tag: &str) -> bool {
        let asks = self.storage.configuration.is_true("AuthorizeRemoteTxRequests");
        self.respects_reservations(number, &|r| {
            same_tag(&r.tag, tag) || r.parent.as_deref().is_some_and(|parent| asks || self.local_parent_is(tag, parent))
        })
    }

    /// Whether this driver may use the connector (16-RES-05).
    pub(super) fn is_free_for(&self, number: u32, driver: &Authorised) -> bool {
        self.may_start_here(number) && self.respects_reservations(number, &|reservation| reservation.is_for(driver))
    }

    /// Whether somebody, who is meant by some reservations, leaves the others their connectors (16-RES-03).
    fn respects_reservations(&self, number: u32, is_his: &dyn Fn(&Reservation) -> bool) -> bool {
        let mut here = self.storage.reservations.iter().filter(|reservation| reservation.connector == number);
        here.all(is_his) && self.free_beside(number) >= self.kept_for(is_his)
    }

    /// How many connectors, of no matter which number, are kept for others.
    fn kept_for(&self, is_his: &dyn Fn(&Reservation) -> bool) -> usize {
        // Whoever is let in already and only has to plug in has his connector.
        let has_come = |r: &Reservation| {
            self.connectors.iter().any(|connector| connector.authorised.as_ref().is_some_and(|driver| r.is_for(driver)))
        };
        self.storage.reservations.iter().filter(|r| r.connector == 0 && !is_his(r) && !has_come(r)).count()
    }

    /// Ends the driver's reservation by its use and gives its id (16-RES-09).
    pub(super) fn use_reservation(&mut self, number: u32, driver: &Authorised) -> Option<i64> {
        let at = self
            .storage
            .reservations
            .iter()
            .position(|r| (r.connector == number || r.connector == 0) && r.is_for(driver))?;
        Some(self.storage.reservations.remove(at).id)
    }

    pub(super) fn cancel_reservations_of(&mut self, number: u32) {
        self.storage.reservations.retain(|r| r.connector != number);
    }

    pub(super) fn reservation_wakeup(&self) -> Option<Timestamp> {
        self.storage
            .reservations
            .iter()
            .map(|r| Timestamp(r.expires.0.saturating_sub(self.clock_offset)))
            .min()
            .filter(|_| self.is_powered())
    }

    pub(super) fn pass_reservations(&mut self) {
        let clock = self.clock();
        self.storage.reservations.retain(|r| r.expires > clock);
    }

    fn is_in_use(&self, number: u32) -> bool {
        self.connector(number).is_some_and(|connector| {
            connector.plugged || connector.transaction.is_some() || connector.authorised.is_some()
        })
    }

    /// How many connectors are free, this one left out.
    fn free_beside(&self, left_out: u32) -> usize {
        self.connectors
            .iter()
            .filter(|connector| {
                let number = connector.number;
                number != left_out
                    && !self.is_in_use(number)
                    && !self.is_reserved(number)
                    && !self.is_inoperative(number)
                    && !connector.is_faulted()
            })
            .count()
    }
}
