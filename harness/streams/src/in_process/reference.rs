//! The reference peers as devices in the process: the worked example, and what our own fuzz targets run.

use std::sync::{Arc, Mutex, PoisonError};

use peers::{CsmsSettings, Device, Fault, HandshakeAnswer, Order, StationSettings};
use protocol::stimulus::Stimulus;
use protocol::{Role, Timestamp, Version};

use super::{BEGIN, InProcessDevice, Wire};

/// The reference station of 1.6.
pub type Station16 = Reference<true, 0>;
/// The reference station of 2.0.1.
pub type Station201 = Reference<true, 1>;
/// The reference CSMS of 1.6.
pub type Csms16 = Reference<false, 0>;
/// The reference CSMS of 2.0.1.
pub type Csms201 = Reference<false, 1>;

/// The identity of the station on either side of the link.
const IDENTITY: &str = "PF-STATION-1";

/// A reference peer; `VERSION` counts [`Version::ALL`].
pub struct Reference<const IS_STATION: bool, const VERSION: usize> {
    device: Device,
    /// What was ordered for the link that is open.
    orders: Arc<Mutex<Vec<Order>>>,
    /// The connection that a station wants; for a CSMS the number of the next one.
    dial: Option<u64>,
    link: u64,
}

impl<const IS_STATION: bool, const VERSION: usize> Reference<IS_STATION, VERSION> {
    /// A peer with these defects.
    pub fn with_faults(faults: Vec<Fault>) -> Self {
        let device = if IS_STATION {
            Device::station(StationSettings::standard(Self::VERSION), faults)
        } else {
            Device::csms(CsmsSettings::standard(Self::VERSION), faults)
        };
        let mut reference = Reference { device, orders: Arc::default(), dial: (!IS_STATION).then_some(1), link: 0 };
        reference.tick(BEGIN, &mut Wire::default());
        reference
    }

    fn carry_out(&mut self, wire: &mut Wire) {
        if let Some(dial) = self.device.dial() {
            self.dial = Some(dial.number);
        }
        let orders = std::mem::take(&mut *self.orders.lock().unwrap_or_else(PoisonError::into_inner));
        for order in orders {
            match order {
                Order::Send(text) => wire.send(text),
                Order::Close(_) | Order::Cut => wire.end(),
                // There is no network in a process.
                Order::Fetch(_) => {}
            }
        }
    }
}

impl<const IS_STATION: bool, const VERSION: usize> InProcessDevice for Reference<IS_STATION, VERSION> {
    const ROLE: Role = if IS_STATION { Role::Station } else { Role::Csms };
    const VERSION: Version = Version::ALL[VERSION];

    fn power_on(_now: Timestamp) -> Self {
        Self::with_faults(Vec::new())
    }

    fn connect(&mut self, now: Timestamp, wire: &mut Wire) -> bool {
        let Some(number) = self.dial.take() else { return false };
        let offered = Self::VERSION.subprotocol().to_owned();
        if !IS_STATION {
            self.dial = Some(number + 1);
            let answer = self.device.decide_handshake(now, IDENTITY, None, std::slice::from_ref(&offered));
            if !matches!(answer, HandshakeAnswer::Accept { .. }) {
                return false;
            }
        }
        self.link = number;
        self.orders = Arc::default();
        let orders = self.orders.clone();
        let take = move |order| orders.lock().unwrap_or_else(PoisonError::into_inner).push(order);
        self.device.opened(now, IDENTITY, number, Some(offered), Box::new(take));
        self.carry_out(wire);
        true
    }

    fn receive(&mut self, now: Timestamp, text: &[u8], wire: &mut Wire) {
        self.device.text(now, IDENTITY, self.link, text);
        self.carry_out(wire);
    }

    fn disconnect(&mut self, now: Timestamp, wire: &mut Wire) {
        self.device.closed(now, IDENTITY, self.link);
        self.carry_out(wire);
    }

    fn tick(&mut self, now: Timestamp, wire: &mut Wire) {
        self.device.tick(now);
        self.carry_out(wire);
    }

    fn next_wakeup(&self) -> Option<Timestamp> {
        self.device.next_wakeup()
    }

    fn stimulate(&mut self, now: Timestamp, stimulus: &Stimulus, wire: &mut Wire) {
        let station = if IS_STATION { "" } else { IDENTITY };
        self.device.stimulate(now, station, stimulus, Box::new(|_| {}));
        self.carry_out(wire);
    }
}
