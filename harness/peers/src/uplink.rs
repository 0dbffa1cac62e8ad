//! The connection of a station to its CSMS.

use std::time::Duration;

use protocol::Timestamp;

/// The connection to the CSMS.
#[derive(Debug, Default)]
pub(crate) struct Link {
    pub(crate) state: LinkState,
    /// Attempts that failed in a row.
    failures: u32,
}

/// Where the connection stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LinkState {
    /// No connection and none wanted yet.
    #[default]
    Idle,
    /// Asked for.
    Connecting,
    /// Open.
    Up,
    /// Lost or failed; the next attempt is at this moment.
    Waiting(Timestamp),
    /// Ended by ourselves; the other side's end of it is awaited.
    Closing,
}

/// The longest wait between two connection attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl Link {
    pub(crate) fn is_up(&self) -> bool {
        self.state == LinkState::Up
    }

    /// It has been opened.
    pub(crate) fn open(&mut self) {
        self.state = LinkState::Up;
        self.failures = 0;
    }

    /// It is lost, or did not come about: the next attempt is after a wait that doubles each time.
    pub(crate) fn fail(&mut self, now: Timestamp, first_wait: Duration) {
        let wait =
            first_wait.saturating_mul(1 << self.failures.min(10)).clamp(Duration::from_millis(100), LONGEST_WAIT);
        self.failures = self.failures.saturating_add(1);
        self.state = LinkState::Waiting(now + wait);
    }

    /// Nobody wants it any more; whether there was something to end.
    pub(crate) fn drop_it(&mut self) -> bool {
        let open = matches!(self.state, LinkState::Up | LinkState::Connecting | LinkState::Closing);
        self.state = LinkState::Idle;
        self.failures = 0;
        open
    }

    /// The moment of the next attempt.
    pub(crate) fn wakeup(&self) -> Option<Timestamp> {
        match self.state {
            LinkState::Waiting(until) => Some(until),
            _ => None,
        }
    }
}
