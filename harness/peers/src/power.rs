//! Whether a station runs, goes down, or starts.

use std::time::Duration;

use protocol::Timestamp;

/// Whether the station runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Power {
    /// Never switched on so far.
    Fresh,
    On,
    /// On its way down; it goes when everything is told, at the latest at this moment.
    GoingDown {
        latest: Timestamp,
        then: Then,
    },
    /// Starting up until this moment.
    Starting {
        until: Timestamp,
    },
    Off,
}

/// What follows when the station is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Restart,
    StayOff,
}

/// How long a goodbye waits for messages to get out: a soft reset, or a power failure with back-up power.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// How long a hurried one waits.
pub(crate) const LITTLE_PATIENCE: Duration = Duration::from_secs(2);

impl Power {
    pub(crate) fn is_on(self) -> bool {
        matches!(self, Power::On | Power::GoingDown { .. })
    }

    /// Whether the moment to start has come.
    pub(crate) fn starts(self, now: Timestamp) -> bool {
        matches!(self, Power::Fresh) || matches!(self, Power::Starting { until } if until <= now)
    }

    pub(crate) fn wakeup(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Power::Fresh => Some(now),
            Power::GoingDown { latest, .. } => Some(latest),
            Power::Starting { until } => Some(until),
            Power::On | Power::Off => None,
        }
    }
}
