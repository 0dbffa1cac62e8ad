//! Whether the device is still there: one that is lost is restarted if the rig knows how, and given up if it is not.

use std::sync::Mutex as Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use protocol::stimulus::Stimulus;
use protocol::{Role, Version};
use serde_json::Map;
use tokio::sync::Mutex;
use verdict::{Direction, Event, EventKind, Verdict};

use super::Site;
use crate::drivers::{Confirmation, Drivers};
use crate::rig::Rig;

/// So many cases in a row without a word of the device, and it is gone.
const LOST_CASES: usize = 3;

/// What is known of the device's presence, shared by all workers.
#[derive(Default)]
pub(super) struct Presence {
    lost: AtomicUsize,
    gone: Cell<Option<String>>,
    restarting: Mutex<()>,
    restarted: AtomicUsize,
}

impl Presence {
    /// Why nothing more is played; `None` while there is hope.
    pub(super) fn gone(&self) -> Option<String> {
        self.gone.lock().ok().and_then(|gone| gone.clone())
    }

    /// How often the device was restarted so far.
    pub(super) fn generation(&self) -> usize {
        self.restarted.load(Ordering::SeqCst)
    }

    /// The device was heard in a case.
    pub(super) fn heard(&self) {
        self.lost.store(0, Ordering::SeqCst);
    }

    /// The device was not heard in a case; the reason that the case gave.
    pub(super) fn lost(&self, reason: &str) {
        let lost = self.lost.fetch_add(1, Ordering::SeqCst) + 1;
        if lost >= LOST_CASES
            && let Ok(mut gone) = self.gone.lock()
        {
            gone.get_or_insert_with(|| {
                format!("not played: no word of the device in {LOST_CASES} cases in a row; the last: {reason}")
            });
        }
    }

    /// Restarts the device, unless somebody has done so since `seen`; `None` if the rig does not know how, else
    /// what came of it.
    pub(super) async fn restart(&self, site: &Site, version: Version, seen: usize) -> Option<Result<(), String>> {
        let (rig, device) = match site {
            Site::Embedded { .. } => return None,
            Site::Csms { rig, .. } => (rig, Role::Csms),
            Site::Station { rig, .. } => (rig, Role::Station),
        };
        rig.restart.as_ref()?;
        let _alone = self.restarting.lock().await;
        if self.generation() > seen {
            return Some(Ok(()));
        }
        // A device that does not stay up is not restarted for ever.
        if self.lost.load(Ordering::SeqCst) + 1 >= LOST_CASES {
            return None;
        }
        let done = self.start_again(rig, device, version).await;
        if done.is_ok()
            && let Site::Csms { url, .. } = site
        {
            await_csms(url, rig).await;
        }
        self.restarted.fetch_add(1, Ordering::SeqCst);
        Some(done)
    }

    async fn start_again(&self, rig: &Rig, device: Role, version: Version) -> Result<(), String> {
        let mut only = rig.for_version(version);
        only.drivers = crate::rig::Bindings { default: rig.restart.clone(), ..Default::default() };
        let verb = if device == Role::Csms { "restart" } else { "reboot" };
        let stimulus = Stimulus { party: device, verb: verb.to_owned(), with: Map::new() };
        let identity = rig.identities.first().cloned().unwrap_or_default();
        match Drivers::from_rig(&only, version, None).stimulate(&identity, &stimulus).await {
            Confirmation::Done | Confirmation::CannotCarry(_) => Ok(()),
            Confirmation::NotBound(verb) => Err(format!("the restart of the rig has no way to {verb}")),
            Confirmation::Undrivable(why) | Confirmation::Failed(why) => Err(why),
        }
    }
}

/// Waits until something listens where the CSMS was, as long as a reboot may take.
async fn await_csms(url: &link::Url, rig: &Rig) {
    let attempts = async {
        let mut pause = std::time::Duration::from_millis(50);
        while link::dial::connect(url).await.is_err() {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(std::time::Duration::from_secs(2));
        }
    };
    // If it does not come, the next case says so.
    let _ = tokio::time::timeout(rig.timeouts.reboot, attempts).await;
}

/// Whether the device has said nothing in a plan that came to no good end.
pub(super) fn is_lost(verdict: Verdict, events: &[Event]) -> bool {
    let spoke = |event: &Event| {
        matches!(
            event.kind,
            EventKind::Text { direction: Direction::FromDevice, .. }
                | EventKind::Binary { direction: Direction::FromDevice, .. }
        )
    };
    matches!(verdict, Verdict::Fail | Verdict::Inconclusive) && !events.iter().any(spoke)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_given_up_after_three_lost_cases_in_a_row() {
        let presence = Presence::default();
        presence.lost("no link");
        presence.lost("no link");
        presence.heard();
        presence.lost("no link");
        presence.lost("no link");
        assert_eq!(presence.gone(), None);
        presence.lost("connection refused");
        assert!(presence.gone().unwrap().ends_with("connection refused"));
    }
}
