//! Whether the device is still there: one that is lost is restarted if the rig knows how, and given up if it is not.

use std::collections::HashSet;
use std::sync::Mutex as Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use protocol::frame::{self, Frame};
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
    /// Somebody said to wait for the device: it is never given up.
    is_patient: bool,
    ever_heard: AtomicBool,
    lost: AtomicUsize,
    gone: Cell<Option<String>>,
    restarting: Mutex<()>,
    restarted: AtomicUsize,
}

impl Presence {
    /// Nothing is known yet; one that is patient waits for the device whatever happens.
    pub(super) fn new(is_patient: bool) -> Presence {
        Presence { is_patient, ..Presence::default() }
    }

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
        self.ever_heard.store(true, Ordering::SeqCst);
    }

    /// The device was not heard in a case; the reason that the case gave.
    pub(super) fn lost(&self, reason: &str) {
        let lost = self.lost.fetch_add(1, Ordering::SeqCst) + 1;
        if lost >= LOST_CASES {
            self.give_up(&format!("no word of the device in {LOST_CASES} cases in a row; the last: {reason}"));
        }
    }

    /// Nothing more is played.
    pub(super) fn give_up(&self, reason: &str) {
        if !self.is_patient
            && let Ok(mut gone) = self.gone.lock()
        {
            gone.get_or_insert_with(|| format!("not played: {reason} (`plugfest doctor` tells what is in the way)"));
        }
    }

    /// Whether the device was never heard.
    pub(super) fn is_stranger(&self) -> bool {
        !self.ever_heard.load(Ordering::SeqCst)
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

/// Whether the device was no party to a plan that came to no good end: it said nothing that can be read, or answered
/// nothing that it was asked.
pub(super) fn is_lost(version: Version, verdict: Verdict, events: &[Event]) -> bool {
    if !matches!(verdict, Verdict::Fail | Verdict::Inconclusive) {
        return false;
    }
    let (mut asked, mut answered, mut spoke) = (HashSet::new(), false, false);
    for event in events {
        let EventKind::Text { direction, text, .. } = &event.kind else { continue };
        match (direction, frame::read(version, text.as_bytes()).frame) {
            (Direction::ToDevice, Some(Frame::Call { id, .. })) => {
                asked.insert(id);
            }
            (Direction::FromDevice, Some(frame)) => {
                spoke = true;
                answered |= matches!(frame, Frame::Result { .. } | Frame::Error { .. }) && asked.contains(frame.id());
            }
            _ => {}
        }
    }
    !spoke || (!asked.is_empty() && !answered)
}

#[cfg(test)]
mod tests {
    use protocol::Timestamp;

    use super::*;

    fn texts(texts: &[(Direction, &str)]) -> Vec<Event> {
        let kind =
            |direction: Direction, text: &str| EventKind::Text { direction, text: text.to_owned(), base64: None };
        texts.iter().map(|(from, text)| Event { at: Timestamp::default(), kind: kind(*from, text) }).collect()
    }

    #[test]
    fn a_device_that_says_nothing_to_the_point_is_lost() {
        use Direction::{FromDevice, ToDevice};
        let lost = |events: &[(Direction, &str)]| is_lost(Version::V16, Verdict::Inconclusive, &texts(events));
        let (question, answer) = (r#"[2,"1","Heartbeat",{}]"#, r#"[3,"1",{}]"#);
        assert!(lost(&[]));
        assert!(lost(&[(FromDevice, "garbage"), (FromDevice, "more")]));
        assert!(lost(&[(FromDevice, r#"[2,"a","Heartbeat",{}]"#), (ToDevice, question)]));
        assert!(lost(&[(ToDevice, question), (FromDevice, r#"[3,"other",{}]"#)]));
        assert!(!lost(&[(ToDevice, question), (FromDevice, answer)]));
        assert!(!lost(&[(FromDevice, r#"[2,"a","Heartbeat",{}]"#)]));
        assert!(!is_lost(Version::V16, Verdict::Pass, &[]));
    }

    #[test]
    fn a_device_that_somebody_waits_for_is_not_given_up() {
        let presence = Presence::new(true);
        for _ in 0..10 {
            presence.lost("no link");
        }
        assert_eq!(presence.gone(), None);
    }

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
        assert!(presence.gone().unwrap().contains("connection refused"));
    }
}
