//! The 1.6 station as a whole: its parts, and the order in which an input moves them.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use protocol::Timestamp;
use serde_json::Value;

use super::authorisation::{Asked, Cache};
use super::configuration::Configuration;
use super::connector::Connector;
use super::local_list::LocalList;
use super::queue::Queued;
use super::reservation::Reservation;
use super::status::Told;
use super::transaction::Transaction;
use crate::exchange::Exchange;
use crate::faults::Faults;
use crate::frames::from_hex;
use crate::power::Power;
use crate::registration::Registration;
use crate::uplink::Link;
use crate::{Fault, Input, Output, StationSettings};

/// A 1.6 charge point.
#[derive(Debug)]
pub(crate) struct ChargePoint {
    pub(super) settings: StationSettings,
    pub(crate) faults: Faults,
    pub(super) now: Timestamp,
    pub(super) out: Vec<Output>,
    pub(super) power: Power,
    pub(super) link: Link,
    pub(super) exchange: Exchange<Sent>,
    pub(super) storage: Storage,
    pub(super) connectors: Vec<Connector>,
    /// A fault of the station as a whole, reported for connector 0.
    pub(super) fault: Option<String>,
    // What follows is lost at a reboot.
    pub(super) registration: Registration,
    pub(super) outbox: VecDeque<Outgoing>,
    pub(super) told: Vec<Told>,
    /// What was not told while there was no link, kept by a defect.
    pub(super) history: Vec<(u32, super::status::Condition)>,
    pub(super) heartbeat_due: Option<Timestamp>,
    pub(super) aligned_due: Option<Timestamp>,
    /// What the station's own clock is ahead of `now`, in microseconds.
    pub(super) clock_offset: i64,
    pub(super) sequence: u64,
    /// What was accepted and begins once the answer has left.
    pub(super) triggers: Vec<(String, Option<u32>)>,
    pub(super) remote_starts: Vec<(u32, String)>,
    /// A reset was accepted; a soft one if true.
    pub(super) reset_after_answer: Option<bool>,
    pub(super) reconnect_after_answer: bool,
    /// Calls put aside by a defect until the own call is answered.
    pub(super) held_calls: Vec<Vec<u8>>,
    /// A defect has made it deaf to calls on this link.
    pub(super) deaf: bool,
}

/// What outlives a reboot and a power failure.
#[derive(Debug)]
pub(super) struct Storage {
    pub(super) configuration: Configuration,
    pub(super) list: LocalList,
    pub(super) cache: Cache,
    /// Connectors that were made Inoperative; index 0 is the station.
    pub(super) inoperative: Vec<bool>,
    pub(super) reservations: Vec<Reservation>,
    /// Transaction-related messages not yet delivered.
    pub(super) queue: VecDeque<Queued>,
    /// The id that the CSMS gave to a transaction, by our own number for it.
    pub(super) transaction_ids: BTreeMap<u64, i64>,
    pub(super) transactions_begun: u64,
    /// A CSMS has accepted this station at least once.
    pub(super) accepted_once: bool,
    /// Transactions that a power failure interrupted: connector, transaction, moment.
    pub(super) interrupted: Vec<(u32, Transaction, Timestamp)>,
}

/// A message that may overtake the queue of transactions.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) sequence: u64,
    pub(super) action: &'static str,
    pub(super) payload: Value,
    pub(super) purpose: Sent,
    /// Asked for by TriggerMessage, so allowed while Pending.
    pub(super) triggered: bool,
}

/// What a call that we made was for.
#[derive(Clone, Debug)]
pub(super) enum Sent {
    Boot,
    Heartbeat,
    /// The state of this connector.
    Status(u32),
    Authorize(Asked),
    /// The head of the transaction queue, by its sequence number.
    Transaction(u64),
    Other,
}

impl ChargePoint {
    pub(crate) fn new(settings: StationSettings, faults: &[Fault]) -> ChargePoint {
        let connectors: Vec<Connector> = (1..=settings.connectors.clamp(1, 100))
            .map(|number| Connector::new(number, settings.meter_start_wh))
            .collect();
        let places = connectors.len() + 1;
        ChargePoint {
            faults: Faults::new(faults),
            now: Timestamp::default(),
            out: Vec::new(),
            power: Power::Fresh,
            link: Link::default(),
            exchange: Exchange::new(),
            storage: Storage {
                configuration: Configuration::new(&settings),
                list: LocalList::default(),
                cache: Cache::default(),
                inoperative: vec![false; places],
                reservations: Vec::new(),
                queue: VecDeque::new(),
                transaction_ids: BTreeMap::new(),
                transactions_begun: 0,
                accepted_once: false,
                interrupted: Vec::new(),
            },
            connectors,
            fault: None,
            registration: Registration::Unknown,
            outbox: VecDeque::new(),
            told: vec![Told::default(); places],
            history: Vec::new(),
            heartbeat_due: None,
            aligned_due: None,
            clock_offset: 0,
            sequence: 0,
            triggers: Vec::new(),
            remote_starts: Vec::new(),
            reset_after_answer: None,
            reconnect_after_answer: false,
            held_calls: Vec::new(),
            deaf: false,
            settings,
        }
    }

    pub(crate) fn handle(&mut self, now: Timestamp, input: Input<'_>) -> Vec<Output> {
        self.pass_time(now);
        match input {
            Input::Connected { subprotocol } => self.connected(subprotocol.as_deref()),
            Input::ConnectFailed { .. } => self.connect_failed(),
            Input::Disconnected => self.disconnected(),
            Input::Text(text) => self.received(text),
            Input::Stimulus(stimulus) => {
                let outcome = self.stimulus(stimulus);
                self.settle();
                self.out.push(Output::StimulusDone(outcome));
            }
            Input::Observe(observation) => {
                let seen = self.observe(observation);
                self.out.push(Output::Observed(seen));
            }
        }
        self.settle();
        std::mem::take(&mut self.out)
    }

    pub(crate) fn tick(&mut self, now: Timestamp) -> Vec<Output> {
        self.pass_time(now);
        self.settle();
        std::mem::take(&mut self.out)
    }

    pub(crate) fn next_wakeup(&self) -> Option<Timestamp> {
        let mut times = vec![
            self.power_wakeup(),
            self.link_wakeup(),
            self.boot_wakeup(),
            self.queue_wakeup(),
            self.meter_wakeup(),
            self.status_wakeup(),
            self.exchange.deadline(),
            self.reservation_wakeup(),
            self.heartbeat_due.filter(|_| self.is_online() && self.is_accepted()),
        ];
        times.extend(self.connectors.iter().map(|connector| connector.timeout(self.connection_timeout())));
        times.into_iter().flatten().min()
    }

    pub(crate) fn credentials(&self) -> Option<(String, Vec<u8>)> {
        let key = self.storage.configuration.secret("AuthorizationKey")?;
        Some((self.settings.identity.clone(), from_hex(key)?))
    }

    /// Everything that is due because of the time alone.
    fn pass_time(&mut self, now: Timestamp) {
        let elapsed = now.since(self.now);
        self.now = self.now.max(now);
        self.pass_power();
        if !self.is_powered() {
            return;
        }
        self.pass_energy(elapsed);
        self.pass_exchange();
        self.pass_link();
        self.pass_boot();
        self.pass_connectors();
        self.pass_reservations();
        self.pass_meter();
    }

    /// What follows at once from the state reached: transactions begin, states are told, messages leave.
    fn settle(&mut self) {
        if self.is_powered() {
            // An ended transaction is told before the availability that waited for its end.
            self.tell_states();
            self.apply_scheduled_availability();
            self.begin_transactions();
            self.tell_states();
            self.pump();
        }
        self.pass_shutdown();
    }

    fn pass_exchange(&mut self) {
        while let Some(purpose) = self.exchange.timed_out(self.now) {
            self.unanswered(purpose);
        }
    }

    fn pass_connectors(&mut self) {
        let timeout = self.connection_timeout();
        for index in 0..self.connectors.len() {
            let due = self.connectors[index].timeout(timeout).is_some_and(|due| due <= self.now);
            if !due {
                continue;
            }
            if self.faults.hits("station-ignores-connection-time-out") {
                self.connectors[index].preparing_since = None;
            } else {
                self.connectors[index].time_out();
            }
        }
    }

    /// The station's own clock, as it stands in messages.
    pub(super) fn clock(&self) -> Timestamp {
        Timestamp(self.now.0.saturating_add(self.clock_offset))
    }

    pub(super) fn timestamp(&self) -> Value {
        Value::String(self.clock().to_string())
    }

    pub(super) fn connection_timeout(&self) -> Duration {
        self.storage.configuration.seconds("ConnectionTimeOut")
    }

    pub(super) fn message_timeout(&self) -> Duration {
        self.storage.configuration.seconds("MessageTimeout").max(Duration::from_secs(1))
    }

    pub(super) fn connector(&self, number: u32) -> Option<&Connector> {
        self.connectors.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    pub(super) fn connector_mut(&mut self, number: u32) -> Option<&mut Connector> {
        self.connectors.get_mut(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// Puts a message into the outbox.
    pub(super) fn post(&mut self, action: &'static str, payload: Value, purpose: Sent, triggered: bool) {
        let sequence = self.next_sequence();
        self.outbox.push_back(Outgoing { sequence, action, payload, purpose, triggered });
    }

    pub(super) fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }
}
