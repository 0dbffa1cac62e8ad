//! The party we play, as far as a case leaves it open: it suggests what the case does not say (clock, meter,
//! transaction ids, configuration) and answers what stays in the background.
//!
//! It has no behaviour of its own: it never sends anything by itself.

mod csms;
mod generic;
mod station;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use protocol::{Role, Timestamp, Version};
use serde_json::{Map, Value};

use crate::rig::Rig;

pub(crate) use csms::OwnCsms;
pub(crate) use generic::declining;
pub(crate) use station::OwnStation;

/// The party we play.
#[derive(Clone, Debug)]
pub enum StandIn {
    /// A station.
    Station(Box<OwnStation>),
    /// A CSMS.
    Csms(Box<OwnCsms>),
}

impl StandIn {
    /// The party across from a device of this side.
    pub fn across_from(device: Role, version: Version, rig: &Rig) -> StandIn {
        match device {
            Role::Csms => StandIn::Station(Box::new(OwnStation::new(version, rig))),
            Role::Station => StandIn::Csms(Box::new(OwnCsms::new(version, rig))),
        }
    }

    /// With the transaction ids of a CSMS from here: a station on the network may still tell of transactions from before
    /// this session, or from another run.
    #[must_use]
    pub fn with_transaction_ids(mut self, ids: &Arc<AtomicI64>) -> StandIn {
        if let StandIn::Csms(csms) = &mut self {
            csms.transaction_ids = ids.clone();
        }
        self
    }

    /// Transaction ids that whoever goes by another name is not likely to give out; positive, and of 31 bits.
    pub fn transaction_ids_of(name: &str) -> Arc<AtomicI64> {
        let mixed = name.bytes().fold(0_u32, |mixed, byte| mixed.wrapping_mul(31).wrapping_add(u32::from(byte)));
        Arc::new(AtomicI64::new(i64::from(mixed % 2_000_000) * 1000 + 1))
    }

    /// A whole request, given what the case settles of it.
    pub fn request(&mut self, now: Timestamp, action: &str, settled: &Map<String, Value>) -> Value {
        match self {
            StandIn::Station(station) => station.request(now, action, settled),
            StandIn::Csms(csms) => csms.request(now, action, settled),
        }
    }

    /// A whole answer to a request of the device.
    pub fn reply(&mut self, now: Timestamp, action: &str, request: &Value) -> Value {
        match self {
            StandIn::Station(station) => station.reply(now, action, request),
            StandIn::Csms(csms) => csms.reply(now, action, request),
        }
    }

    /// Learns from an exchange that is complete: a call of either side with its result.
    pub fn exchanged(&mut self, now: Timestamp, action: &str, request: &Value, result: &Value) {
        match self {
            StandIn::Station(station) => station.exchanged(now, action, request, result),
            StandIn::Csms(csms) => csms.exchanged(action, request, result),
        }
    }

    /// Something is done to it from outside the wire.
    pub fn act(&mut self, now: Timestamp, verb: &str, with: &Map<String, Value>) {
        match self {
            StandIn::Station(station) => station.act(now, verb, with),
            StandIn::Csms(csms) => csms.act(verb, with),
        }
    }

    /// Sets its configuration.
    pub fn configure(&mut self, key: &str, value: &str) {
        if let StandIn::Station(station) = self {
            station.configure(key, value);
        }
    }

    /// Its configuration, where it has one.
    pub fn configuration(&self) -> HashMap<String, Option<String>> {
        match self {
            StandIn::Station(station) => station.configuration(),
            StandIn::Csms(_) => HashMap::new(),
        }
    }
}
