//! O2: a link ends only as what was sent allows, and properly.

use protocol::Role;

use super::course::Course;
use super::{About, Charge, Class, Code, HARM, Oracle, Suspicion};
use crate::seen::{Ending, Then};
use crate::{Seen, What};

/// Watches how links end.
#[derive(Debug, Default)]
pub(super) struct Fate {
    course: Course,
}

/// So long a link may lie idle before its end surprises, in seconds.
const IDLE: u64 = 30;
/// Messages beyond these bytes are a matter of the size of a device.
const BIG: usize = 16 * 1024;

impl Oracle for Fate {
    fn code(&self) -> Code {
        Code::O2
    }

    fn saw(&mut self, seen: &Seen, about: &About<'_>, suspicions: &mut Vec<Suspicion>) {
        if let What::Ended { how, by_us: false } = &seen.what {
            self.ended(seen, how, about, suspicions);
        }
        if let What::Misnamed { subprotocol, then } = &seen.what {
            misnamed(seen, subprotocol.as_deref(), then, about, suspicions);
        }
        if let What::Stimulated { .. } = &seen.what {
            // What happened while something was done from outside was done from outside.
            suspicions.retain(|suspicion| suspicion.oracle != Code::O2 || suspicion.act != seen.act);
        }
        self.course.saw(seen, about);
    }
}

impl Fate {
    fn ended(&mut self, seen: &Seen, how: &Ending, about: &About<'_>, suspicions: &mut Vec<Suspicion>) {
        let unregistered = self.course.is_unregistered(seen.link, about.device);
        let link = self.course.link(seen.link);
        // Who gets no answers to its calls may begin anew (R-035).
        if link.may_end() || link.withheld || (about.device == Role::Csms && unregistered) {
            return;
        }
        let unheard = about.device == Role::Csms && !link.heard;
        // A CSMS may let the older of two links win.
        if unheard && link.is_second && matches!(how, Ending::Closed(Some(1000 | 1001 | 1008 | 3000..=4999))) {
            return;
        }
        let idle = seen.at.since(link.last).as_secs() >= IDLE;
        let (class, rule, path, sentence) = match (&link.illegal, proper(how)) {
            (Some(_), Manner::Proper) => return,
            (Some(illegal), manner) => {
                // Bytes that nobody read make a reset of an orderly end, and below the frames no close is owed.
                let doubtful = illegal.junk || matches!(how, Ending::Reset | Ending::Failed(_));
                let class = match (manner, doubtful) {
                    (Manner::Odd, _) | (Manner::Rude, true) => Class::Compatibility,
                    _ => Class::Robustness,
                };
                let sentence =
                    format!("after an illegal message ({}) the link ended improperly: {}", illegal.flaw, how.name());
                (class, HARM, illegal.flaw.clone(), sentence)
            }
            (None, manner) => {
                let size = link.longest > BIG && matches!(how, Ending::Closed(Some(1009)));
                let always = about.device == Role::Station && about.version != protocol::Version::V16;
                let (class, rule) = match manner {
                    _ if size => (Class::Ambiguous, HARM),
                    _ if idle => (Class::Compatibility, HARM),
                    _ if always => (Class::Violation, "R-081"),
                    _ => (Class::Robustness, HARM),
                };
                let sentence = if size {
                    format!("a message of {} bytes is too big for the device (close 1009)", link.longest)
                } else {
                    format!("the device ended the link ({}) where nothing asks for it", how.name())
                };
                (class, rule, if size { "size" } else { "legal" }.to_owned(), sentence)
            }
        };
        let known = about.suspect(
            seen,
            Charge {
                oracle: Code::O2,
                rule,
                class,
                // How much it takes at once is the same whatever it is.
                action: if path == "size" { "?" } else { action_of(about.last_sent) },
                path,
                reply: how.name(),
                sentence,
                bytes: about.last_sent.as_bytes(),
            },
            suspicions,
        );
        // A CSMS may still be taking in a link of an earlier episode, and take that for the newer of the two.
        if known
            && unheard
            && let Some(last) = suspicions.last_mut()
        {
            last.nominated = true;
        }
    }
}

/// A station leaves a connection whose subprotocol it did not offer.
fn misnamed(seen: &Seen, subprotocol: Option<&str>, then: &Then, about: &About<'_>, suspicions: &mut Vec<Suspicion>) {
    let (bytes, what): (&[u8], _) = match then {
        Then::Left => return,
        Then::Spoke(bytes) => (bytes, "spoke"),
        Then::Stayed => (&[], "stayed"),
    };
    let name = subprotocol.map_or_else(|| "no subprotocol".to_owned(), |name| format!("the subprotocol \"{name}\""));
    let charge = Charge {
        oracle: Code::O2,
        rule: "R-077",
        class: Class::Violation,
        action: "?",
        path: "subprotocol".to_owned(),
        reply: what.to_owned(),
        sentence: format!("the station {what} on a connection that was accepted with {name}, which it did not offer"),
        bytes,
    };
    about.suspect(seen, charge, suspicions);
}

enum Manner {
    /// A close that says something fitting.
    Proper,
    /// A close with a code that is not for this.
    Odd,
    /// An end without a close, or one that tells of a failure of the device.
    Rude,
}

fn proper(how: &Ending) -> Manner {
    match how {
        Ending::Closed(None | Some(1000..=1003 | 1007..=1010 | 3000..=4999)) => Manner::Proper,
        Ending::Closed(Some(1011)) => Manner::Rude,
        Ending::Closed(Some(_)) => Manner::Odd,
        Ending::Eof { .. } | Ending::Reset | Ending::Failed(_) => Manner::Rude,
    }
}

/// The action in the text of a call, if it has one.
fn action_of(text: &str) -> &str {
    let rest = text.strip_prefix("[2,\"").and_then(|rest| rest.split_once("\",\""));
    rest.and_then(|(_, rest)| rest.split_once('"')).map_or("?", |(action, _)| action)
}

#[cfg(test)]
mod tests {
    use protocol::Version;

    use super::super::told::Told;
    use super::*;

    const LEGAL: &str = r#"[2,"1","Heartbeat",{}]"#;
    const ILLEGAL: &str = r#"[2,"1","Heart"#;

    fn after(device: Role, text: &str, how: Ending) -> Vec<Suspicion> {
        let mut told = Told::new(device, Version::V16);
        told.booted(0).call(0, "1", text).ended(0, how);
        told.judge(&mut Fate::default())
    }

    #[test]
    fn trap_a_clean_close_after_an_illegal_message_is_right() {
        for code in [None, Some(1000), Some(1002), Some(1003), Some(1007), Some(1008), Some(1009)] {
            assert_eq!(after(Role::Csms, ILLEGAL, Ending::Closed(code)), [], "{code:?}");
        }
    }

    #[test]
    fn trap_a_rude_end_after_an_illegal_message_is_not_right() {
        assert_eq!(after(Role::Csms, ILLEGAL, Ending::Closed(Some(1011)))[0].class, Class::Robustness);
        assert_eq!(after(Role::Csms, ILLEGAL, Ending::Eof { mid_frame: false })[0].class, Class::Robustness);
        assert_eq!(after(Role::Csms, ILLEGAL, Ending::Reset)[0].class, Class::Compatibility);
    }

    #[test]
    fn an_end_after_a_legal_message_is_suspected_however_polite() {
        let found = after(Role::Csms, LEGAL, Ending::Closed(Some(1000)));
        assert_eq!((found[0].class, found[0].action.as_str()), (Class::Robustness, "Heartbeat"));
        assert!(found[0].frame.contains("Heartbeat"));
    }

    #[test]
    fn an_end_that_the_conversation_asks_for_is_not_suspected() {
        let mut told = Told::new(Role::Station, Version::V16);
        told.booted(0).call(0, "1", r#"[2,"1","Reset",{"type":"Soft"}]"#).answer(0, r#"[3,"1",{"status":"Accepted"}]"#);
        told.ended(0, Ending::Closed(Some(1000)));
        assert_eq!(told.judge(&mut Fate::default()), []);
        let mut told = Told::new(Role::Csms, Version::V16);
        told.booted(0).booted(1).ended(0, Ending::Closed(Some(1000)));
        assert_eq!(told.judge(&mut Fate::default()), [], "the newer link of an identity wins");
        let mut told = Told::new(Role::Csms, Version::V16);
        told.opened(0).what(0, What::Ended { how: Ending::Failed("cut by us".to_owned()), by_us: true });
        told.booted(1).ended(1, Ending::Closed(Some(1000)));
        assert_eq!(told.judge(&mut Fate::default()), [], "which is the newer link is not known to all alike");
        let mut told = Told::new(Role::Csms, Version::V16);
        told.opened(0).opened(0).booted(0).ended(0, Ending::Closed(Some(1000)));
        assert_eq!(told.judge(&mut Fate::default()), [], "nor is it where one takes the place of another");
        let mut told = Told::new(Role::Csms, Version::V16);
        told.booted(0).booted(0).ended(0, Ending::Closed(Some(1000)));
        assert_eq!(told.judge(&mut Fate::default()).len(), 1, "the older one was there before the newer came");
    }

    #[test]
    fn the_older_of_two_links_may_win() {
        let second = |how| {
            let mut told = Told::new(Role::Csms, Version::V16);
            told.booted(0).opened(1).ended(1, how);
            told.judge(&mut Fate::default())
        };
        assert_eq!(second(Ending::Closed(Some(1008))), []);
        assert_eq!(second(Ending::Eof { mid_frame: false }).len(), 1, "that is no way to say so");
        let mut told = Told::new(Role::Csms, Version::V16);
        told.booted(0).booted(1).ended(1, Ending::Closed(Some(1008)));
        assert_eq!(told.judge(&mut Fate::default()).len(), 1, "it was let in");
    }

    #[test]
    fn an_end_before_the_first_word_is_only_nominated() {
        let mut told = Told::new(Role::Csms, Version::V16);
        told.booted(0).opened(0).ended(0, Ending::Eof { mid_frame: false });
        let found = told.judge(&mut Fate::default());
        assert_eq!(found.iter().map(|found| found.nominated).collect::<Vec<_>>(), [true]);
        assert!(!after(Role::Csms, LEGAL, Ending::Closed(Some(1000)))[0].nominated);
    }

    #[test]
    fn trap_a_link_may_end_while_the_power_is_cut() {
        let mut told = Told::new(Role::Station, Version::V16);
        told.booted(0).ended(0, Ending::Eof { mid_frame: false });
        told.what(0, What::Stimulated { verb: "cut power".to_owned(), asked: None, failure: None });
        assert_eq!(told.judge(&mut Fate::default()), []);
    }

    #[test]
    fn a_station_leaves_what_it_did_not_offer() {
        let judged = |subprotocol: Option<&str>, then| {
            let mut told = Told::new(Role::Station, Version::V16);
            told.booted(0).what(0, What::Misnamed { subprotocol: subprotocol.map(str::to_owned), then });
            told.judge(&mut Fate::default())
        };
        assert_eq!(judged(Some("ocpp9.9"), Then::Left), []);
        assert_eq!(judged(None, Then::Left), []);
        let spoke = Then::Spoke(std::sync::Arc::from(&b"[2"[..]));
        for (name, then) in [(Some("ocpp9.9"), spoke), (None, Then::Stayed)] {
            let found = judged(name, then);
            assert_eq!((found[0].rule.as_str(), found[0].class), ("R-077", Class::Violation));
        }
    }

    #[test]
    fn a_rejected_reset_gives_no_reason() {
        let mut told = Told::new(Role::Station, Version::V201);
        told.booted(0)
            .call(0, "1", r#"[2,"1","Reset",{"type":"OnIdle"}]"#)
            .answer(0, r#"[3,"1",{"status":"Rejected"}]"#);
        told.ended(0, Ending::Closed(Some(1000)));
        let found = told.judge(&mut Fate::default());
        assert_eq!((found[0].class, found[0].rule.as_str()), (Class::Violation, "R-081"));
    }

    #[test]
    fn a_message_of_megabytes_may_be_too_big() {
        let big = format!(r#"[2,"1","DataTransfer",{{"vendorId":"v","data":"{}"}}]"#, "x".repeat(100_000));
        assert_eq!(after(Role::Csms, &big, Ending::Closed(Some(1009)))[0].class, Class::Ambiguous);
    }
}
