//! What the CSMS thinks of a station, as the station knows it (the same rules in every version).

use std::time::Duration;

use protocol::Timestamp;
use serde_json::Value;

/// What the CSMS thinks of the station.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Registration {
    /// No BootNotification has been answered since the start.
    Unknown,
    /// A BootNotification failed; the next one is at this moment.
    Unanswered { again: Timestamp },
    /// It may be configured, and boots again later.
    Pending { again: Timestamp },
    /// It has to be silent, and boots again later.
    Rejected { again: Timestamp },
    /// It may do everything.
    Accepted,
}

/// The station's own choice where the CSMS gives no interval (16-BOOT-05), and after a boot without an answer.
const OWN_WAIT: Duration = Duration::from_secs(30);

impl Registration {
    /// What an answer to BootNotification makes of it.
    pub(crate) fn answered(status: Option<&str>, now: Timestamp, interval: u64) -> Registration {
        let again = now + wait(interval);
        match status {
            Some("Accepted") => Registration::Accepted,
            Some("Pending") => Registration::Pending { again },
            // An answer that cannot be read is no permission to go on.
            _ => Registration::Rejected { again },
        }
    }

    /// What a BootNotification without an answer makes of it.
    pub(crate) fn failed(self, now: Timestamp) -> Registration {
        let again = now + OWN_WAIT;
        match self {
            Registration::Accepted => Registration::Accepted,
            Registration::Pending { .. } => Registration::Pending { again },
            Registration::Rejected { .. } => Registration::Rejected { again },
            Registration::Unknown | Registration::Unanswered { .. } => Registration::Unanswered { again },
        }
    }

    /// The moment of the next unasked BootNotification.
    pub(crate) fn again(self) -> Option<Timestamp> {
        match self {
            Registration::Unanswered { again } | Registration::Pending { again } | Registration::Rejected { again } => {
                Some(again)
            }
            Registration::Unknown | Registration::Accepted => None,
        }
    }
}

/// The wait that an interval of the CSMS means.
pub(crate) fn wait(interval: u64) -> Duration {
    if interval == 0 { OWN_WAIT } else { Duration::from_secs(interval) }
}

/// The offset of a clock that follows the time of the CSMS (16-BOOT-03, R-172); `None` if it may stay as it is.
pub(crate) fn clock_offset(now: Timestamp, offset: i64, time: Option<&Value>) -> Option<i64> {
    let theirs = time.and_then(Value::as_str).and_then(Timestamp::parse)?;
    // A clock battery would not believe more either: from 2000 to 2100.
    if !(946_684_800_000_000..4_102_444_800_000_000).contains(&theirs.0) {
        return None;
    }
    let fresh = theirs.0 - now.0;
    // Whole-second times and the way there must not make the clock jitter.
    ((fresh - offset).abs() > 2_000_000).then_some(fresh)
}
