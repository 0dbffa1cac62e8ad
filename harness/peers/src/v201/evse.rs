//! An EVSE with its connector: what is plugged in, who may charge, and what runs.

use protocol::Timestamp;

use super::authorisation::Token;
use super::transaction::{Facts, Transaction, Untold};

/// An EVSE of the station.
#[derive(Debug)]
pub(super) struct Evse {
    pub(super) id: u32,
    /// The station's end of the cable is in (with a fixed cable: the EV's end).
    pub(super) plugged: bool,
    /// The EV's end has been pulled while the station's end stayed in.
    pub(super) ev_gone: bool,
    pub(super) ev_paused: bool,
    pub(super) locked: bool,
    pub(super) jammed: bool,
    /// The lock did not hold when it was needed (G05).
    pub(super) lock_failed: bool,
    /// The code of a fault, `None` if all is well.
    pub(super) fault: Option<String>,
    /// The meter's register, in watt-hours.
    pub(super) register_wh: f64,
    pub(super) authorised: Option<Authorised>,
    /// The cable stays locked until this driver comes (E05.FR.11, E09.FR.03).
    pub(super) held_for: Option<Authorised>,
    /// No energy for a driver whom the CSMS does not accept (E05.FR.02).
    pub(super) withheld: bool,
    /// The register at which the energy for such a driver ends (E05.FR.03).
    pub(super) energy_until_wh: Option<i64>,
    pub(super) transaction: Option<Transaction>,
    /// What the next transaction event has to say.
    pub(super) untold: Untold,
    /// What held when transactions were last looked at.
    pub(super) seen: Facts,
    /// The status of the connector that was told last.
    pub(super) told: Option<&'static str>,
}

/// A driver who was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authorised {
    pub(super) token: Token,
    pub(super) group: Option<Token>,
    /// Since when an EV is missing.
    pub(super) waiting_since: Option<Timestamp>,
}

impl Authorised {
    /// Whether this is the same token or one of the same group (C01.FR.03, C09.FR.03).
    pub(super) fn agrees_with(&self, token: &Token, group: Option<&Token>) -> bool {
        self.token == *token || (group.is_some() && self.group.as_ref() == group)
    }
}

impl Evse {
    pub(super) fn new(id: u32, register_wh: u64) -> Evse {
        Evse {
            id,
            plugged: false,
            ev_gone: false,
            ev_paused: false,
            locked: false,
            jammed: false,
            lock_failed: false,
            fault: None,
            #[expect(clippy::cast_precision_loss, reason = "a meter shows far less than 2^53 Wh")]
            register_wh: register_wh as f64,
            authorised: None,
            held_for: None,
            withheld: false,
            energy_until_wh: None,
            transaction: None,
            untold: Untold::default(),
            seen: Facts::default(),
            told: None,
        }
    }

    /// The register as messages carry it.
    pub(super) fn register(&self) -> i64 {
        #[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates")]
        let whole = self.register_wh as i64;
        whole
    }

    /// An EV hangs on the cable.
    pub(super) fn ev_connected(&self) -> bool {
        self.plugged && !self.ev_gone
    }

    /// The authorisation is over.
    pub(super) fn let_go(&mut self) {
        self.authorised = None;
        self.withheld = false;
        self.energy_until_wh = None;
        self.locked = false;
    }

    /// Everything the station's memory holds about a session, gone with a reboot. Cable and meter stay.
    pub(super) fn forget(&mut self) {
        self.let_go();
        self.held_for = None;
        self.transaction = None;
        self.untold = Untold::default();
        self.told = None;
    }
}
