//! O9: the station does not start again by itself.

use std::collections::HashMap;

use protocol::frame::Frame;
use protocol::{Role, Version};
use serde_json::Value;

use super::course::{Boot, Course};
use super::{About, Charge, Class, Code, HARM, Oracle, Suspicion};
use crate::seen::Ending;
use crate::{Seen, What};

/// Watches boots that nothing asked for.
#[derive(Debug, Default)]
pub(super) struct Restart {
    course: Course,
    /// How the last link of this number ended, since it booted.
    ended: HashMap<usize, End>,
    boots: usize,
    startups: usize,
    /// Its power was cut from outside, as far as we know.
    is_off: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// We ended it, or the device did over what it was sent: the station has only to connect again.
    OfTheLink,
    /// The device ended it for reasons of its own.
    OfTheDevice,
}

impl End {
    fn of(how: &Ending, by_us: bool) -> End {
        match how {
            _ if by_us => End::OfTheLink,
            Ending::Closed(Some(1002 | 1003 | 1007..=1010)) => End::OfTheLink,
            _ => End::OfTheDevice,
        }
    }
}

impl Oracle for Restart {
    fn code(&self) -> Code {
        Code::O9
    }

    fn saw(&mut self, seen: &Seen, about: &About<'_>, suspicions: &mut Vec<Suspicion>) {
        if about.device == Role::Station {
            match &seen.what {
                What::Ended { how, by_us } => {
                    self.ended.insert(seen.link, End::of(how, *by_us));
                }
                // One without power does not come.
                What::StayedAway { .. } if self.is_off => {}
                What::StayedAway { received, waited, certain } => {
                    let class = if *certain { Class::Robustness } else { Class::Compatibility };
                    let before = received.as_ref().map_or_else(
                        || "the last link of the station ended".to_owned(),
                        |(reception, times)| format!("{times} connections were not let in ({reception:?})"),
                    );
                    let sentence = format!("{before}, and the station did not come again within {waited:?}");
                    let charge = Charge {
                        oracle: Code::O9,
                        rule: HARM,
                        class,
                        action: "?",
                        path: if received.is_some() { "not let in" } else { "gone" }.to_owned(),
                        reply: "silence".to_owned(),
                        sentence,
                        bytes: about.last_sent.as_bytes(),
                    };
                    about.suspect(seen, charge, suspicions);
                }
                What::Stimulated { verb, .. } => match verb.as_str() {
                    "restore power" | "reboot" => self.is_off = false,
                    "cut power" => self.is_off = true,
                    own => self.is_off |= own.starts_with("x-"),
                },
                What::Received { bytes, reading, .. } => {
                    if let Some(Frame::Call { action, payload, .. }) = &reading.frame {
                        self.call(seen, action, payload, bytes, about, suspicions);
                    }
                }
                _ => {}
            }
        }
        self.course.saw(seen, about);
    }
}

impl Restart {
    fn call(
        &mut self,
        seen: &Seen,
        action: &str,
        payload: &Value,
        bytes: &[u8],
        about: &About<'_>,
        suspicions: &mut Vec<Suspicion>,
    ) {
        let link = self.course.link(seen.link);
        let settled = link.accepted_once && link.boot == Boot::Accepted && !link.may_restart();
        let (class, rule, path, sentence) = match action {
            "BootNotification" => {
                self.boots += 1;
                let ended = self.ended.remove(&seen.link);
                if !settled {
                    return;
                }
                match ended {
                    Some(End::OfTheDevice) => (
                        Class::Robustness,
                        HARM,
                        "boot",
                        "the station ended its link and booted, though nothing asked for it",
                    ),
                    // 1.6 demands it in one place and recommends it in another.
                    Some(End::OfTheLink) if about.version == Version::V16 => {
                        (Class::Compatibility, "16-BOOT-17", "boot", "the station booted after a mere reconnection")
                    }
                    Some(End::OfTheLink) => {
                        (Class::Violation, "R-114", "boot", "the station booted after a mere reconnection")
                    }
                    None => (
                        Class::Compatibility,
                        HARM,
                        "boot again",
                        "the station booted again on the same link, though nothing asked for it",
                    ),
                }
            }
            "SecurityEventNotification" => {
                let kind = payload.get("type").and_then(Value::as_str).unwrap_or("");
                if !matches!(kind, "StartupOfTheDevice" | "ResetOrReboot") {
                    return;
                }
                self.startups += 1;
                // One belongs to each boot, and one may have waited since before.
                if !settled || self.startups <= 2 * (self.boots + 1) {
                    return;
                }
                (
                    Class::Robustness,
                    HARM,
                    "security event",
                    "the station reports that it started, though nothing asked for it",
                )
            }
            _ => return,
        };
        about.suspect(
            seen,
            Charge {
                oracle: Code::O9,
                rule,
                class,
                action,
                path: path.to_owned(),
                reply: "restart".to_owned(),
                sentence: sentence.to_owned(),
                bytes,
            },
            suspicions,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::told::Told;
    use super::*;

    fn station(version: Version) -> Told {
        let mut told = Told::new(Role::Station, version);
        told.booted(0);
        told
    }

    #[test]
    fn a_station_that_starts_again_by_itself_is_found() {
        let mut told = station(Version::V16);
        told.ended(0, Ending::Reset).booted(0);
        assert_eq!(told.judge(&mut Restart::default())[0].class, Class::Robustness);
    }

    #[test]
    fn a_station_whose_link_goes_on_from_before_is_found_to_start_again_too() {
        for (resumed, count) in [(true, 1), (false, 0)] {
            let mut told = Told::new(Role::Station, Version::V16);
            let (identity, proof) = ("PF-1".to_owned(), crate::seen::Proof::Right);
            told.what(0, What::Opened { identity, subprotocol: Some("ocpp1.6".to_owned()), proof, resumed });
            told.ended(0, Ending::Reset).booted(0);
            assert_eq!(told.judge(&mut Restart::default()).len(), count);
        }
    }

    #[test]
    fn a_station_that_was_told_to_reset_is_not() {
        let mut told = station(Version::V16);
        told.call(0, "1", r#"[2,"1","Reset",{"type":"Hard"}]"#).answer(0, r#"[3,"1",{"status":"Accepted"}]"#);
        told.ended(0, Ending::Reset).booted(0);
        assert_eq!(told.judge(&mut Restart::default()), []);
        told.ended(0, Ending::Reset).booted(0);
        assert_eq!(told.judge(&mut Restart::default()).len(), 1, "once is enough");
    }

    #[test]
    fn a_mere_reconnection_brings_no_boot() {
        for (version, class) in [(Version::V16, Class::Compatibility), (Version::V201, Class::Violation)] {
            let mut told = station(version);
            told.what(0, What::Ended { how: Ending::Closed(Some(1000)), by_us: true }).opened(0);
            assert_eq!(told.judge(&mut Restart::default()), []);
            told.boot(0);
            assert_eq!(told.judge(&mut Restart::default())[0].class, class);
            // Who closes a link over a damaged frame has not started again.
            let mut told = station(version);
            told.ended(0, Ending::Closed(Some(1002))).booted(0);
            assert_eq!(told.judge(&mut Restart::default())[0].class, class);
        }
    }

    #[test]
    fn a_boot_that_was_not_accepted_is_repeated() {
        let mut told = Told::new(Role::Station, Version::V16);
        told.booted(0).call(0, "1", r#"[2,"1","TriggerMessage",{"requestedMessage":"BootNotification"}]"#);
        told.answer(0, r#"[3,"1",{"status":"Accepted"}]"#);
        told.received(0, r#"[2,"b","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}]"#);
        told.withheld(0, "BootNotification").boot(0);
        assert_eq!(told.judge(&mut Restart::default()), []);
    }

    #[test]
    fn a_boot_that_was_accepted_behind_what_ended_the_link_is_repeated() {
        let mut told = station(Version::V16);
        told.call(0, "1", r#"[2,"1","TriggerMessage",{"requestedMessage":"BootNotification"}]"#);
        told.answer(0, r#"[3,"1",{"status":"Accepted"}]"#);
        told.junk(0).boot(0).ended(0, Ending::Closed(Some(1007))).booted(0);
        assert_eq!(told.judge(&mut Restart::default()), []);
        told.ended(0, Ending::Reset).booted(0);
        assert_eq!(told.judge(&mut Restart::default()).len(), 1, "now it has read it");
    }
}
