//! O1: the device is alive after what it was sent, also when it answered well, and for others too.

use std::collections::BTreeSet;

use protocol::Role;

use super::authorisation::changes_password;
use super::course::Course;
use super::{About, Charge, Class, Code, HARM, Oracle, Suspicion};
use crate::seen::Probe;
use crate::{Seen, What};

/// Watches probes.
#[derive(Debug, Default)]
pub(super) struct Liveness {
    course: Course,
    /// Links whose last message went out while the station was not accepted: that it was since does not make it answer.
    unheard: BTreeSet<usize>,
    /// The device has given a station of ours another password: who comes with the old one is turned away.
    gave_password: bool,
}

impl Oracle for Liveness {
    fn code(&self) -> Code {
        Code::O1
    }

    fn saw(&mut self, seen: &Seen, about: &About<'_>, suspicions: &mut Vec<Suspicion>) {
        let unregistered = about.device == Role::Station && self.course.is_unregistered(seen.link, about.device);
        let silent = unregistered || self.unheard.contains(&seen.link);
        match &seen.what {
            What::Sent { .. } if unregistered => {
                self.unheard.insert(seen.link);
            }
            What::Sent { .. } => {
                self.unheard.remove(&seen.link);
            }
            What::Probed { probe, alive: false, reason, .. } => {
                let link = self.course.link(seen.link);
                let (path, who, excused) = match probe {
                    // A link that ended is a matter of how it ended.
                    Probe::Same => ("same link", "on the link of the acts", silent || !link.open),
                    Probe::Fresh => {
                        let turned_away = self.gave_password && !link.open;
                        ("fresh link", "on a new link", silent || link.may_end() || turned_away)
                    }
                    Probe::Bystander => ("bystander", "to another station, which did nothing", false),
                };
                if !excused {
                    let sentence = format!("the device no longer answers {who}: {reason}");
                    dead(seen, about, path, sentence, suspicions);
                }
            }
            What::Received { reading, .. } => {
                self.gave_password |= reading.frame.as_ref().is_some_and(changes_password);
            }
            What::Deaf => {
                let link = self.course.link(seen.link);
                let out_of_step = link.illegal.as_ref().is_some_and(|illegal| illegal.junk);
                // What is left of half a frame is read as a part of it.
                if !silent && !out_of_step {
                    let sentence = "the link is open and a plain call is not answered: the device is deaf".to_owned();
                    dead(seen, about, "deaf", sentence, suspicions);
                }
            }
            _ => {}
        }
        self.course.saw(seen, about);
    }
}

fn dead(seen: &Seen, about: &About<'_>, path: &str, sentence: String, suspicions: &mut Vec<Suspicion>) {
    about.suspect(
        seen,
        Charge {
            oracle: Code::O1,
            rule: HARM,
            class: Class::Robustness,
            action: "?",
            path: path.to_owned(),
            reply: "silence".to_owned(),
            sentence,
            bytes: about.last_sent.as_bytes(),
        },
        suspicions,
    );
}

#[cfg(test)]
mod tests {
    use protocol::Version;

    use super::super::told::Told;
    use super::*;

    #[test]
    fn a_device_that_answers_and_then_dies_is_found_as_a_bystander() {
        let mut told = Told::new(Role::Csms, Version::V16);
        told.booted(0).booted(1000);
        told.call(0, "1", r#"[2,"1","BootNotification",{}]"#).answer(0, r#"[4,"1","ProtocolError","",{}]"#);
        told.probed(1000, Probe::Bystander, false);
        let found = told.judge(&mut Liveness::default());
        assert_eq!((found[0].class, found[0].path.as_str()), (Class::Robustness, "bystander"));
    }

    #[test]
    fn a_device_that_answers_its_probes_is_not_suspected() {
        let mut told = Told::new(Role::Csms, Version::V16);
        told.booted(0).probed(0, Probe::Same, true).probed(0, Probe::Fresh, true);
        assert_eq!(told.judge(&mut Liveness::default()), []);
    }

    #[test]
    fn who_was_given_another_password_may_be_turned_away() {
        let call = |key: &str| format!(r#"[2,"c","ChangeConfiguration",{{"key":"{key}","value":"414243"}}]"#);
        for (key, count) in [("AuthorizationKey", 0), ("HeartbeatInterval", 1)] {
            let mut told = Told::new(Role::Csms, Version::V16);
            told.booted(0).received(0, &call(key)).answered(
                0,
                "ChangeConfiguration",
                r#"[3,"c",{"status":"Accepted"}]"#,
            );
            told.probed(1001, Probe::Fresh, false);
            assert_eq!(told.judge(&mut Liveness::default()).len(), count, "{key}");
        }
    }

    #[test]
    fn a_deaf_device_is_found_but_not_after_half_a_frame() {
        let mut told = Told::new(Role::Csms, Version::V16);
        told.booted(0).what(0, What::Deaf);
        assert_eq!(told.judge(&mut Liveness::default()).len(), 1);
        let mut told = Told::new(Role::Csms, Version::V16);
        told.booted(0).junk(0).what(0, What::Deaf);
        assert_eq!(told.judge(&mut Liveness::default()), []);
    }

    #[test]
    fn a_station_whose_boot_was_refused_may_be_silent() {
        let mut told = Told::new(Role::Station, Version::V16);
        told.opened(0).received(0, r#"[2,"b","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}]"#);
        told.answered(
            0,
            "BootNotification",
            r#"[3,"b",{"status":"Rejected","currentTime":"2026-01-01T00:00:00Z","interval":9}]"#,
        );
        told.what(0, What::Deaf).probed(0, Probe::Same, false);
        assert_eq!(told.judge(&mut Liveness::default()), []);
    }

    #[test]
    fn what_was_asked_before_a_boot_was_accepted_need_not_be_answered() {
        let boot = r#"[2,"b","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}]"#;
        let answer =
            |status| format!(r#"[3,"b",{{"status":"{status}","currentTime":"2026-01-01T00:00:00Z","interval":9}}]"#);
        for (first, found) in [("Rejected", 0), ("Accepted", 1)] {
            let mut told = Told::new(Role::Station, Version::V16);
            told.opened(0).received(0, boot).answered(0, "BootNotification", &answer(first));
            told.call(0, "1", r#"[2,"1","GetConfiguration",{}]"#);
            told.received(0, boot).answered(0, "BootNotification", &answer("Accepted"));
            told.probed(0, Probe::Same, false);
            assert_eq!(told.judge(&mut Liveness::default()).len(), found, "{first}");
        }
    }
}
