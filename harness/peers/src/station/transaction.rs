//! Transactions: how they begin and end (statements 16-TX).

use protocol::Timestamp;
use serde_json::{Map, Value, json};

use super::authorisation::{Asked, TagInfo, Wish};
use super::charge_point::ChargePoint;
use super::connector::{Authorised, drives_faulted, same_tag};
use super::meter::Sample;
use super::queue::Kind;
use crate::power::Power;

/// A running transaction.
#[derive(Clone, Debug)]
pub(super) struct Transaction {
    /// Our own number for it; the CSMS's id may come much later.
    pub(super) number: u64,
    pub(super) driver: Authorised,
    /// The register at the start, in watt-hours.
    pub(super) start_wh: i64,
    /// No energy for a driver whom the CSMS does not accept (16-AUTH-19).
    pub(super) energy_withheld: bool,
    /// The register at which the energy for such a driver ends (16-AUTH-20).
    pub(super) energy_until_wh: Option<i64>,
    /// When the next periodic sample is due.
    pub(super) sample_due: Option<Timestamp>,
    /// What StopTransaction will carry.
    pub(super) samples: Vec<Sample>,
}

const TAKES_TOKENS_UNAVAILABLE: &str = "station-takes-tokens-when-unavailable";

impl ChargePoint {
    /// A driver may charge on this connector: the transaction begins as soon as the cable is in.
    pub(super) fn let_in(&mut self, number: u32, driver: Authorised) {
        if !self.is_free_for(number, &driver) {
            return;
        }
        let now = self.now;
        if let Some(connector) = self.connector_mut(number) {
            connector.authorised = Some(driver);
            connector.finishing = false;
            connector.preparing_since = Some(now);
            connector.held_for = None;
        }
    }

    /// Transactions begin where a cable and a driver have come together.
    pub(super) fn begin_transactions(&mut self) {
        // On its way down it could not tell the end of one.
        if self.power != Power::On {
            return;
        }
        for number in 1..=self.connectors.len() {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let ready = self.connector(number).is_some_and(|connector| {
                connector.ev_connected()
                    && connector.authorised.is_some()
                    && connector.transaction.is_none()
                    && !connector.is_faulted()
            });
            let is_open = !self.is_inoperative(number) || self.faults.active(TAKES_TOKENS_UNAVAILABLE);
            if ready && is_open {
                self.begin(number);
            }
        }
    }

    fn begin(&mut self, number: u32) {
        let lockable = self.settings.lock && !self.settings.fixed_cable;
        let timestamp = self.timestamp();
        let sample_due = self.first_sample_due();
        self.storage.transactions_begun += 1;
        let local = self.storage.transactions_begun;
        let Some(connector) = self.connector_mut(number) else {
            return;
        };
        if lockable && connector.jammed {
            // The cable cannot be held, so nothing starts (error code ConnectorLockFailure).
            connector.authorised = None;
            connector.preparing_since = None;
            connector.fault = Some("ConnectorLockFailure".to_owned());
            connector.lock_fault = true;
            return;
        }
        let Some(driver) = connector.authorised.take() else {
            return;
        };
        connector.locked = lockable;
        connector.preparing_since = None;
        connector.finishing = false;
        connector.ev_paused = false;
        let start_wh = connector.register();
        let tag = match &driver.parent {
            Some(group) if self.faults.hits("station-starts-under-the-group") => group.clone(),
            _ => driver.tag.clone(),
        };
        let Some(connector) = self.connector_mut(number) else {
            return;
        };
        connector.transaction = Some(Transaction {
            number: local,
            driver: driver.clone(),
            start_wh,
            energy_withheld: false,
            energy_until_wh: None,
            sample_due,
            samples: Vec::new(),
        });
        let mut payload = json!({
            "connectorId": number,
            "idTag": tag,
            "meterStart": start_wh,
            "timestamp": timestamp,
        });
        if let Some(reservation) = self.use_reservation(number, &driver)
            && let Value::Object(members) = &mut payload
        {
            members.insert("reservationId".to_owned(), reservation.into());
        }
        if self.faults.hits("station-sends-meter-start-as-text") {
            payload["meterStart"] = Value::String(start_wh.to_string());
        }
        if !self.is_online() && self.faults.hits("station-loses-offline-start") {
            self.storage.transaction_ids.insert(local, -1);
        } else {
            self.queue("StartTransaction", payload, Kind::Start, local);
        }
        self.keep_begin_sample(number);
    }

    /// The CSMS has answered the start of a transaction.
    pub(super) fn start_answered(&mut self, local: u64, tag: &str, answer: &Map<String, Value>) {
        if let Some(id) = answer.get("transactionId").and_then(Value::as_i64) {
            let is_lost = id < 1 && self.faults.hits("station-takes-no-id-below-one");
            self.storage.transaction_ids.insert(local, if is_lost { -1 } else { id });
        }
        let Some(info) = answer.get("idTagInfo").and_then(TagInfo::read) else {
            return;
        };
        if !self.faults.hits("station-caches-no-answers-to-starts") {
            self.learn(tag, &info);
        }
        let Some(number) = self.connector_of(local) else {
            return;
        };
        if info.status == "Accepted" || self.faults.hits("station-keeps-refused-start") {
            if let Some(transaction) = self.transaction_mut(number) {
                transaction.driver.parent = info.parent.or(transaction.driver.parent.take());
            }
            return;
        }
        if self.storage.configuration.is_true("StopTransactionOnInvalidId") {
            let driver = self
                .connector(number)
                .and_then(|connector| connector.transaction.as_ref().map(|transaction| transaction.driver.clone()));
            self.end_transaction(number, "DeAuthorized", None);
            let locked = self.settings.lock && !self.settings.fixed_cable;
            if let Some(connector) = self.connector_mut(number).filter(|_| locked) {
                connector.locked = true;
                connector.held_for = driver;
            }
            return;
        }
        let allowance = self.storage.configuration.integer("MaxEnergyOnInvalidId");
        if let Some(transaction) = self.transaction_mut(number) {
            match allowance.filter(|wh| *wh > 0) {
                Some(wh) => {
                    transaction.energy_until_wh = Some(transaction.start_wh.saturating_add(wh));
                }
                None => transaction.energy_withheld = true,
            }
        }
    }

    /// Ends the transaction of a connector, if there is one, and releases the cable (16-TX-10).
    pub(super) fn end_transaction(&mut self, number: u32, reason: &str, tag: Option<&str>) {
        let at = self.clock();
        let Some(connector) = self.connector_mut(number) else {
            return;
        };
        let Some(transaction) = connector.transaction.take() else {
            return;
        };
        connector.locked = false;
        connector.finishing = connector.plugged;
        if connector.finishing {
            self.faults.hits("station-never-finishes");
        }
        self.queue_stop(number, transaction, at, reason, tag);
    }

    /// StopTransaction for a transaction that is over.
    pub(super) fn queue_stop(
        &mut self,
        number: u32,
        transaction: Transaction,
        at: Timestamp,
        reason: &str,
        tag: Option<&str>,
    ) {
        let register = self.connector(number).map_or(0, super::connector::Connector::register);
        let meter_stop = if transaction.start_wh > 0 && self.faults.hits("station-restarts-meter-at-zero") {
            register - transaction.start_wh
        } else {
            register
        };
        let reason =
            if reason == "Remote" && self.faults.hits("station-calls-every-stop-local") { "Local" } else { reason };
        let mut payload = Map::new();
        if let Some(tag) = tag {
            payload.insert("idTag".to_owned(), tag.into());
        }
        payload.insert("meterStop".to_owned(), meter_stop.into());
        payload.insert("timestamp".to_owned(), at.to_string().into());
        payload.insert("reason".to_owned(), reason.into());
        if let Some(data) = self.transaction_data(number, &transaction, at) {
            payload.insert("transactionData".to_owned(), data);
        }
        let payload = Value::Object(payload);
        let local = transaction.number;
        if !self.is_online() && self.faults.hits("station-stops-twice-after-offline") {
            self.queue("StopTransaction", payload.clone(), Kind::Stop, local);
        }
        self.queue("StopTransaction", payload, Kind::Stop, local);
    }

    /// A token is shown at a connector.
    pub(super) fn token_presented(&mut self, number: u32, tag: &str) {
        let shown = Authorised { tag: tag.to_owned(), parent: None };
        let Some(connector) = self.connector_mut(number) else {
            return;
        };
        if let Some(transaction) = &connector.transaction {
            // The starter's own tag needs no authorisation to stop (16-AUTH-04), any other does (16-AUTH-05).
            let own = same_tag(&transaction.driver.tag, tag);
            if own && !self.faults.hits("station-authorises-its-own-stop") {
                self.stop_for(number, &shown);
            } else {
                self.ask(number, tag, Wish::Stop);
            }
            return;
        }
        if let Some(driver) = &connector.authorised {
            // The same tag again takes the wish back (16-STAT-05).
            if same_tag(&driver.tag, tag) {
                connector.authorised = None;
                connector.preparing_since = None;
            }
            return;
        }
        if let Some(owner) = &connector.held_for {
            if same_tag(&owner.tag, tag) {
                self.release_for(number, &shown);
            } else {
                self.ask(number, tag, Wish::Release);
            }
            return;
        }
        if self.may_start_here(number) {
            if self.is_inoperative(number) {
                self.faults.hits(TAKES_TOKENS_UNAVAILABLE);
            }
            self.ask(number, tag, Wish::Start);
        }
    }

    pub(super) fn ask(&mut self, connector: u32, tag: &str, wish: Wish) {
        self.authorise(Asked { tag: tag.to_owned(), connector, wish });
    }

    /// Stops the transaction if this driver may.
    pub(super) fn stop_for(&mut self, number: u32, driver: &Authorised) {
        let may = self.connector(number).is_some_and(|connector| {
            connector.transaction.as_ref().is_some_and(|transaction| transaction.driver.agrees_with(driver))
        });
        if may {
            self.end_transaction(number, "Local", Some(&driver.tag));
        }
    }

    /// Frees a cable that was held for this driver (16-AUTH-21).
    pub(super) fn release_for(&mut self, number: u32, driver: &Authorised) {
        if let Some(connector) = self.connector_mut(number)
            && connector.held_for.as_ref().is_some_and(|owner| owner.agrees_with(driver))
        {
            connector.held_for = None;
            connector.locked = false;
        }
    }

    /// Whether a new session may begin here at all.
    pub(super) fn may_start(&self, number: u32) -> bool {
        !self.is_inoperative(number) && self.is_unused(number)
    }

    /// Whether somebody who shows a token may begin one.
    pub(super) fn may_start_here(&self, number: u32) -> bool {
        self.may_start(number) || self.faults.active(TAKES_TOKENS_UNAVAILABLE) && self.is_unused(number)
    }

    fn is_unused(&self, number: u32) -> bool {
        !self.fault.as_deref().is_some_and(drives_faulted)
            && self.connector(number).is_some_and(|connector| {
                connector.transaction.is_none()
                    && !connector.is_faulted()
                    && connector.authorised.is_none()
                    && connector.scheduled.is_none()
            })
    }

    /// A transaction that the power failure ended is told once the station is back (16-TX-18).
    pub(super) fn end_interrupted_transactions(&mut self) {
        for (number, transaction, at) in std::mem::take(&mut self.storage.interrupted) {
            self.queue_stop(number, transaction, at, "PowerLoss", None);
        }
    }

    pub(super) fn transaction_mut(&mut self, number: u32) -> Option<&mut Transaction> {
        self.connector_mut(number)?.transaction.as_mut()
    }

    /// The connector on which a transaction runs, by our own number for it.
    fn connector_of(&self, local: u64) -> Option<u32> {
        self.connectors
            .iter()
            .find(|connector| connector.transaction.as_ref().is_some_and(|transaction| transaction.number == local))
            .map(|connector| connector.number)
    }

    /// The connector on which the transaction with this id of the CSMS runs.
    pub(super) fn connector_of_id(&self, id: i64) -> Option<u32> {
        self.connectors
            .iter()
            .find(|connector| {
                connector
                    .transaction
                    .as_ref()
                    .is_some_and(|transaction| self.storage.transaction_ids.get(&transaction.number) == Some(&id))
            })
            .map(|connector| connector.number)
    }

    fn first_sample_due(&mut self) -> Option<Timestamp> {
        let interval = self.sample_interval();
        (!interval.is_zero()).then(|| self.now + interval)
    }
}
