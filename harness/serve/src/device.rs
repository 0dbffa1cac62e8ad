//! The device, shared by everything that moves it, and its clock.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use peers::{Device, Dial};
use protocol::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// The device behind a lock that is never held across a wait. It has no queue of its own: whoever brings it
/// something waits until it is dealt with, so a fast sender is slowed down by its socket.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Inner>);

struct Inner {
    device: Mutex<Device>,
    /// The next wakeup may have changed.
    moved: Notify,
    /// The station may want a connection.
    dials: Notify,
    base: Timestamp,
    start: Instant,
}

impl Shared {
    pub(crate) fn new(device: Device) -> Shared {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Shared(Arc::new(Inner {
            device: Mutex::new(device),
            moved: Notify::new(),
            dials: Notify::new(),
            base: Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX)),
            start: Instant::now(),
        }))
    }

    /// Does something with the device, at the present time.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Device, Timestamp) -> T) -> T {
        let done = {
            let mut device = self.0.device.lock().unwrap_or_else(PoisonError::into_inner);
            act(&mut device, self.now())
        };
        self.0.moved.notify_one();
        self.0.dials.notify_one();
        done
    }

    /// The next connection that the station wants.
    pub(crate) async fn dial(&self) -> Dial {
        loop {
            let wanted = self.0.device.lock().unwrap_or_else(PoisonError::into_inner).dial();
            if let Some(dial) = wanted {
                return dial;
            }
            self.0.dials.notified().await;
        }
    }

    fn now(&self) -> Timestamp {
        self.0.base + self.0.start.elapsed()
    }

    fn next_wakeup(&self) -> Option<Instant> {
        let wakeup = self.0.device.lock().unwrap_or_else(PoisonError::into_inner).next_wakeup();
        // Rounded up, so that a timer never wakes before the moment it is for.
        wakeup.map(|moment| Instant::now() + moment.since(self.now()) + Duration::from_micros(1))
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shared").finish()
    }
}

/// Wakes the device when it wants to be woken.
pub(crate) async fn keep_time(device: Shared, mut stop: watch::Receiver<bool>) {
    device.with(|device, now| device.tick(now));
    loop {
        let wakeup = device.next_wakeup();
        tokio::select! {
            () = device.0.moved.notified() => {}
            () = async {
                match wakeup {
                    Some(moment) => tokio::time::sleep_until(moment).await,
                    None => std::future::pending().await,
                }
            } => device.with(|device, now| device.tick(now)),
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}
