//! The clock of a run: tokio's, real or paused, put on top of a moment in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

use protocol::Timestamp;
use tokio::time::Instant;

/// Tells the time; copies tell the same.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    base: Timestamp,
    start: Instant,
}

impl Clock {
    /// A clock that shows the system's time now and goes with tokio's from here on.
    pub fn system() -> Clock {
        Clock::at(system_now())
    }

    /// A clock that shows this moment now.
    pub fn at(base: Timestamp) -> Clock {
        Clock { base, start: Instant::now() }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.base + self.start.elapsed()
    }

    /// The moment of tokio's clock at which this one shows `moment`, at least now.
    pub fn instant(&self, moment: Timestamp) -> Instant {
        // Rounded up, so that a timer never wakes before the moment it is for.
        Instant::now() + moment.since(self.now()) + std::time::Duration::from_micros(1)
    }
}

/// What the system's clock shows.
pub fn system_now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
