//! The 2.0.1 station as a whole: its parts, and the order in which an input moves them.

use std::collections::VecDeque;

use protocol::{Timestamp, Version};
use serde_json::Value;

use super::authorisation::{Asked, Cache};
use super::availability::Availability;
use super::device_model::DeviceModel;
use super::evse::Evse;
use super::power::Reset;
use super::queue::Queued;
use super::transaction::Interrupted;
use crate::exchange::Exchange;
use crate::faults::Faults;
use crate::power::Power;
use crate::registration::Registration;
use crate::uplink::Link;
use crate::{Fault, Input, Output, StationSettings};

/// A 2.0.1 charging station. Every EVSE has one connector.
#[derive(Debug)]
pub(crate) struct ChargingStation {
    pub(super) settings: StationSettings,
    pub(crate) faults: Faults,
    pub(super) now: Timestamp,
    pub(super) out: Vec<Output>,
    pub(super) power: Power,
    pub(super) link: Link,
    pub(super) exchange: Exchange<Sent>,
    pub(super) storage: Storage,
    pub(super) evses: Vec<Evse>,
    // What follows is lost at a reboot.
    pub(super) registration: Registration,
    pub(super) outbox: VecDeque<Outgoing>,
    pub(super) heartbeat_due: Option<Timestamp>,
    pub(super) aligned_due: Option<Timestamp>,
    pub(super) offline_since: Option<Timestamp>,
    /// What the station's own clock is ahead of `now`, in microseconds.
    pub(super) clock_offset: i64,
    pub(super) sequence: u64,
    /// A reset that was accepted and begins once the answer has left, or once nobody charges.
    pub(super) reset: Option<Reset>,
    pub(super) reconnect_after_answer: bool,
    /// The CSMS has been told of this start.
    pub(super) start_told: bool,
}

/// What outlives a reboot and a power failure.
#[derive(Debug)]
pub(super) struct Storage {
    pub(super) model: DeviceModel,
    pub(super) cache: Cache,
    pub(super) availability: Availability,
    /// Transaction events not yet delivered.
    pub(super) queue: VecDeque<Queued>,
    pub(super) transactions_begun: u64,
    /// Counts the events of NotifyEvent.
    pub(super) events: i64,
    /// A CSMS has accepted this station at least once.
    pub(super) accepted_once: bool,
    /// Transactions that a power failure interrupted.
    pub(super) interrupted: Vec<Interrupted>,
    /// Why the next boot happens (B01.FR.09).
    pub(super) boot_reason: &'static str,
}

/// A message that may overtake the queue of transactions.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) sequence: u64,
    pub(super) action: &'static str,
    pub(super) payload: Value,
    pub(super) purpose: Sent,
    /// Asked for by the CSMS, so allowed while Pending (B02.FR.02).
    pub(super) asked_for: bool,
}

/// What a call that we made was for.
#[derive(Clone, Debug)]
pub(super) enum Sent {
    Boot,
    Heartbeat,
    /// The state of the connector of this EVSE.
    Status(u32),
    Authorize(Asked),
    /// The head of the transaction queue, by its sequence number.
    Transaction(u64),
    SecurityEvent,
    Other,
}

impl ChargingStation {
    pub(crate) fn new(settings: StationSettings, faults: &[Fault]) -> ChargingStation {
        let evses: Vec<Evse> =
            (1..=settings.connectors.clamp(1, 100)).map(|id| Evse::new(id, settings.meter_start_wh)).collect();
        ChargingStation {
            faults: Faults::new(faults),
            now: Timestamp::default(),
            out: Vec::new(),
            power: Power::Fresh,
            link: Link::default(),
            exchange: Exchange::new(),
            storage: Storage {
                model: DeviceModel::new(&settings),
                cache: Cache::default(),
                availability: Availability::new(evses.len()),
                queue: VecDeque::new(),
                transactions_begun: 0,
                events: 0,
                accepted_once: false,
                interrupted: Vec::new(),
                boot_reason: "PowerUp",
            },
            evses,
            registration: Registration::Unknown,
            outbox: VecDeque::new(),
            heartbeat_due: None,
            aligned_due: None,
            offline_since: None,
            clock_offset: 0,
            sequence: 0,
            reset: None,
            reconnect_after_answer: false,
            start_told: false,
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
        let link = self.link.wakeup().filter(|_| self.is_powered());
        let times = [
            self.power.wakeup(self.now),
            link,
            self.boot_wakeup(),
            self.queue_wakeup(),
            self.meter_wakeup(),
            self.exchange.deadline(),
            self.heartbeat_due.filter(|_| self.can_ask()),
        ];
        let timeouts = self.evses.iter().filter_map(|evse| self.connection_timeout_of(evse));
        times.into_iter().flatten().chain(timeouts).min()
    }

    pub(crate) fn credentials(&self) -> Option<(String, Vec<u8>)> {
        let password = self.storage.model.secret("SecurityCtrlr", "BasicAuthPassword")?;
        Some((self.settings.identity.clone(), password.as_bytes().to_vec()))
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
        while let Some(purpose) = self.exchange.timed_out(self.now) {
            self.unanswered(purpose);
        }
        if self.link.wakeup().is_some_and(|until| until <= self.now) {
            self.connect();
        }
        self.pass_boot();
        self.pass_connection_timeouts();
        self.pass_meter();
    }

    /// What follows at once from the state reached: transactions move, states are told, messages leave.
    fn settle(&mut self) {
        if self.is_powered() {
            self.notice_changes();
            self.apply_scheduled_availability();
            self.pass_reset();
            self.tell_states();
            self.pump();
        }
        self.pass_shutdown();
    }

    pub(super) fn is_powered(&self) -> bool {
        self.power.is_on()
    }

    /// The link is open.
    pub(super) fn is_online(&self) -> bool {
        self.link.is_up()
    }

    pub(super) fn is_accepted(&self) -> bool {
        self.registration == Registration::Accepted
    }

    /// The link is open, the station accepted.
    pub(super) fn can_ask(&self) -> bool {
        self.is_online() && self.is_accepted()
    }

    pub(super) fn version(&self) -> Version {
        self.settings.version
    }

    /// The station's own clock, as it stands in messages.
    pub(super) fn clock(&self) -> Timestamp {
        Timestamp(self.now.0.saturating_add(self.clock_offset))
    }

    pub(super) fn timestamp(&self) -> Value {
        Value::String(self.clock().to_string())
    }

    pub(super) fn evse(&self, id: u32) -> Option<&Evse> {
        self.evses.get(usize::try_from(id).ok()?.checked_sub(1)?)
    }

    pub(super) fn evse_mut(&mut self, id: u32) -> Option<&mut Evse> {
        self.evses.get_mut(usize::try_from(id).ok()?.checked_sub(1)?)
    }

    /// The numbers of all EVSEs.
    pub(super) fn ids(&self) -> std::ops::RangeInclusive<u32> {
        1..=u32::try_from(self.evses.len()).unwrap_or(u32::MAX)
    }

    /// Puts a message into the outbox.
    pub(super) fn post(&mut self, action: &'static str, payload: Value, purpose: Sent, asked_for: bool) {
        let sequence = self.next_sequence();
        self.outbox.push_back(Outgoing { sequence, action, payload, purpose, asked_for });
    }

    pub(super) fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }
}
