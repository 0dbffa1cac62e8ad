//! The reference station.

mod authorisation;
mod availability;
mod boot;
mod calls;
mod charge_point;
mod configuration;
mod connector;
mod link;
mod local_list;
mod meter;
mod power;
mod queue;
mod remote;
mod reservation;
mod status;
mod stimuli;
mod transaction;
mod trigger;

use protocol::{Timestamp, Version};

use crate::{Fault, Input, Output, StationSettings, v201};
use charge_point::ChargePoint;

/// A reference station. It is switched on by its first [`Station::tick`], or by the first input before that.
#[derive(Debug)]
pub struct Station(Kind);

#[derive(Debug)]
enum Kind {
    V16(Box<ChargePoint>),
    V201(Box<v201::ChargingStation>),
}

impl Station {
    /// A station with this equipment and these defects; without defects it conforms.
    pub fn new(settings: StationSettings, faults: Vec<Fault>) -> Station {
        Station(match settings.version {
            Version::V16 => Kind::V16(Box::new(ChargePoint::new(settings, &faults))),
            Version::V201 | Version::V21 => Kind::V201(Box::new(v201::ChargingStation::new(settings, &faults))),
        })
    }

    /// Takes an input and says what is to be done.
    pub fn handle(&mut self, now: Timestamp, input: Input<'_>) -> Vec<Output> {
        match &mut self.0 {
            Kind::V16(station) => station.handle(now, input),
            Kind::V201(station) => station.handle(now, input),
        }
    }

    /// Lets time pass; to be called when [`Station::next_wakeup`] has come, and harmless at any other time.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Output> {
        match &mut self.0 {
            Kind::V16(station) => station.tick(now),
            Kind::V201(station) => station.tick(now),
        }
    }

    /// When the station next wants a [`Station::tick`]; `None` if only an input can move it.
    pub fn next_wakeup(&self) -> Option<Timestamp> {
        match &self.0 {
            Kind::V16(station) => station.next_wakeup(),
            Kind::V201(station) => station.next_wakeup(),
        }
    }

    /// The credentials for the next connection, if it has any: the user and the password's bytes.
    pub fn credentials(&self) -> Option<(String, Vec<u8>)> {
        match &self.0 {
            Kind::V16(station) => station.credentials(),
            Kind::V201(station) => station.credentials(),
        }
    }

    /// The ids of the faults whose defective path has changed behaviour so far.
    pub fn triggered(&self) -> Vec<&'static str> {
        match &self.0 {
            Kind::V16(station) => station.faults.triggered(),
            Kind::V201(station) => station.faults.triggered(),
        }
    }
}
