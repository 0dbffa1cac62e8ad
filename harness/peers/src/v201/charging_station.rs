//! The 2.0.1 station.

use protocol::Timestamp;

use crate::faults::Faults;
use crate::{Fault, Input, Output, StationSettings};

/// A 2.0.1 charging station.
#[derive(Debug)]
pub(crate) struct ChargingStation {
    pub(crate) faults: Faults,
}

impl ChargingStation {
    pub(crate) fn new(_settings: StationSettings, faults: &[Fault]) -> ChargingStation {
        ChargingStation { faults: Faults::new(faults) }
    }

    pub(crate) fn handle(&mut self, _now: Timestamp, _input: Input<'_>) -> Vec<Output> {
        Vec::new()
    }

    pub(crate) fn tick(&mut self, _now: Timestamp) -> Vec<Output> {
        Vec::new()
    }

    pub(crate) fn next_wakeup(&self) -> Option<Timestamp> {
        None
    }

    pub(crate) fn credentials(&self) -> Option<(String, Vec<u8>)> {
        None
    }
}
