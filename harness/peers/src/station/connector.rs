//! A connector: what is plugged in, who may charge, and what runs.

use std::time::Duration;

use protocol::Timestamp;

use super::transaction::Transaction;

/// A connector of the station.
#[derive(Debug)]
pub(super) struct Connector {
    pub(super) number: u32,
    /// The station's end of the cable is in (with a fixed cable: the EV's end).
    pub(super) plugged: bool,
    /// The EV's end has been pulled while the station's end stayed in.
    pub(super) ev_gone: bool,
    pub(super) ev_paused: bool,
    pub(super) locked: bool,
    pub(super) jammed: bool,
    /// The error code of a fault, `None` if all is well.
    pub(super) fault: Option<String>,
    /// The fault is the lock's, noticed when it was needed.
    pub(super) lock_fault: bool,
    /// The meter's register, in watt-hours.
    pub(super) register_wh: f64,
    /// Somebody may charge here and has not plugged in yet.
    pub(super) authorised: Option<Authorised>,
    /// Since when somebody seems to prepare: a cable without a token, or the reverse.
    pub(super) preparing_since: Option<Timestamp>,
    /// A transaction, or the wait for one, is over, and the cable is still in.
    pub(super) finishing: bool,
    /// The cable stays locked until this driver comes (16-AUTH-21, 16-TX-11).
    pub(super) held_for: Option<Authorised>,
    pub(super) transaction: Option<Transaction>,
    /// An availability change that waits for the connector to become free.
    pub(super) scheduled: Option<bool>,
}

/// A driver who was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authorised {
    pub(super) tag: String,
    pub(super) parent: Option<String>,
}

impl Authorised {
    /// Whether this is the same tag or one of the same group (16-AUTH-05, 16-AUTH-07). A parent is never
    /// compared with a tag (16-AUTH-06).
    pub(super) fn agrees_with(&self, other: &Authorised) -> bool {
        same_tag(&self.tag, &other.tag) || matches!((&self.parent, &other.parent), (Some(a), Some(b)) if same_tag(a, b))
    }
}

/// Tags are compared without case (16-AUTH-07).
pub(super) fn same_tag(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// Error codes that are a warning beside an unchanged status (16-STAT-08, 16-STAT-09).
pub(super) fn drives_faulted(code: &str) -> bool {
    !matches!(code, "EVCommunicationError" | "WeakSignal" | "LocalListConflict" | "ReaderFailure")
}

impl Connector {
    pub(super) fn new(number: u32, register_wh: u64) -> Connector {
        Connector {
            number,
            plugged: false,
            ev_gone: false,
            ev_paused: false,
            locked: false,
            jammed: false,
            fault: None,
            lock_fault: false,
            #[expect(clippy::cast_precision_loss, reason = "a meter shows far less than 2^53 Wh")]
            register_wh: register_wh as f64,
            authorised: None,
            preparing_since: None,
            finishing: false,
            held_for: None,
            transaction: None,
            scheduled: None,
        }
    }

    /// The register as messages carry it.
    pub(super) fn register(&self) -> i64 {
        #[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates")]
        let whole = self.register_wh as i64;
        whole
    }

    /// It has a fault that keeps it from charging.
    pub(super) fn is_faulted(&self) -> bool {
        self.fault.as_deref().is_some_and(drives_faulted)
    }

    /// An EV hangs on the cable.
    pub(super) fn ev_connected(&self) -> bool {
        self.plugged && !self.ev_gone
    }

    /// When the wait for the missing half of cable and token ends (16-STAT-04, 16-STAT-05).
    pub(super) fn timeout(&self, connection_timeout: Duration) -> Option<Timestamp> {
        if connection_timeout.is_zero() || self.transaction.is_some() {
            return None;
        }
        self.preparing_since.map(|since| since + connection_timeout)
    }

    /// The wait is over: a cable without a token becomes Finishing (16-STAT-04), a token without a cable is
    /// forgotten (16-REM-07).
    pub(super) fn time_out(&mut self) {
        self.preparing_since = None;
        self.authorised = None;
        self.finishing = self.plugged;
    }

    /// Everything the station's memory holds about a session, gone with a reboot. Cable, lock and meter stay.
    pub(super) fn forget(&mut self) {
        self.authorised = None;
        self.preparing_since = None;
        self.finishing = self.plugged;
        self.held_for = None;
        self.transaction = None;
        self.scheduled = None;
        self.locked = false;
    }
}
