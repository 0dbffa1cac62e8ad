//! O3: every call gets exactly one answer, with its id, on its own link; answers get none.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use protocol::frame::Frame;
use protocol::{Role, Version};

use super::course::Course;
use super::{About, Charge, Class, Code, Oracle, Suspicion};
use crate::deserved::{self, Answer, Deserved};
use crate::seen::reply_class;
use crate::{Seen, What};

/// Watches who answers what.
#[derive(Debug, Default)]
pub(super) struct Correlation {
    course: Course,
    links: HashMap<usize, Ids>,
}

/// What went over one link, by id.
#[derive(Debug, Default)]
struct Ids {
    ours: HashMap<String, Ours>,
    order: VecDeque<String>,
    /// Calls of the device, and whether each had a plain answer.
    theirs: HashMap<String, bool>,
    last_call: Option<String>,
    /// Messages of ours that nobody has to understand, newest last.
    unreadable: VecDeque<Unreadable>,
    unreadable_count: usize,
    /// Ids of messages that were sent in binary frames, until they are answered.
    binary: HashSet<String>,
    minus_ones: usize,
}

/// What we sent under an id.
#[derive(Debug, Default)]
struct Ours {
    action: String,
    calls: u32,
    answers: u32,
    /// The message type of the last thing that gets no answer.
    never: Option<u8>,
    /// Something under this id was so odd that anything may come of it.
    odd: bool,
}

#[derive(Debug)]
struct Unreadable {
    bytes: Arc<[u8]>,
    had_id: bool,
}

/// So many ids are remembered on a link.
const REMEMBERED: usize = 4096;
/// What stands for an id that cannot be read (R-054).
pub(super) const NO_ID: &str = "-1";
/// So many unreadable messages.
const UNREADABLE: usize = 16;

impl Oracle for Correlation {
    fn code(&self) -> Code {
        Code::O3
    }

    fn saw(&mut self, seen: &Seen, about: &About<'_>, suspicions: &mut Vec<Suspicion>) {
        match &seen.what {
            What::Binary { id } => {
                let ids = self.links.entry(seen.link).or_default();
                if ids.binary.len() < REMEMBERED {
                    ids.binary.insert(id.clone());
                }
            }
            What::Sent { bytes, deserved } => self.links.entry(seen.link).or_default().sent(bytes, deserved),
            What::Received { bytes, reading, .. } => match &reading.frame {
                Some(Frame::Call { id, .. }) => {
                    let ids = self.links.entry(seen.link).or_default();
                    if ids.theirs.len() >= REMEMBERED {
                        ids.theirs.clear();
                    }
                    ids.theirs.insert(id.clone(), false);
                    ids.last_call = Some(id.clone());
                }
                Some(answer @ (Frame::Result { .. } | Frame::Error { .. })) => {
                    let found = self.answer(seen.link, answer, about);
                    if let Some(Found { class, rule, action, path, sentence }) = found {
                        about.suspect(
                            seen,
                            Charge {
                                oracle: Code::O3,
                                rule,
                                class,
                                action: &action,
                                path: path.to_owned(),
                                reply: reply_class(about.version, reading),
                                sentence,
                                bytes,
                            },
                            suspicions,
                        );
                    }
                }
                _ => {}
            },
            What::Answered { bytes, plain, .. } => {
                let ids = self.links.entry(seen.link).or_default();
                if let (Some(bytes), false) = (bytes, plain) {
                    ids.sent(bytes, &deserved::deserved(about.version, about.device, bytes));
                }
                if let Some(plainly) = ids.last_call.as_ref().and_then(|id| ids.theirs.get_mut(id)) {
                    *plainly = *plain;
                }
            }
            What::PassedOver { deserved } => self.silence(seen, deserved, true, about, suspicions),
            What::Unanswered { deserved } => self.silence(seen, deserved, false, about, suspicions),
            What::Unponged { payload, nominated } => {
                let charge = Charge {
                    oracle: Code::O3,
                    rule: "R-097",
                    class: Class::Violation,
                    action: "?",
                    path: "ping".to_owned(),
                    reply: "silence".to_owned(),
                    sentence: format!("a ping of {} bytes got no pong with the same bytes", payload.len()),
                    bytes: payload,
                };
                if about.suspect(seen, charge, suspicions)
                    && let Some(last) = suspicions.last_mut()
                {
                    last.nominated = *nominated;
                }
            }
            _ => {}
        }
        self.course.saw(seen, about);
    }
}

/// What is wrong with an answer.
struct Found {
    class: Class,
    rule: &'static str,
    action: String,
    path: &'static str,
    sentence: String,
}

impl Correlation {
    fn silence(
        &self,
        seen: &Seen,
        deserved: &Deserved,
        nominated: bool,
        about: &About<'_>,
        suspicions: &mut Vec<Suspicion>,
    ) {
        let repeated = deserved
            .id
            .as_ref()
            .and_then(|id| self.links.get(&seen.link)?.ours.get(id))
            .is_some_and(|ours| ours.calls > 1 || ours.never.is_some());
        let unregistered = self.course.is_unregistered(seen.link, about.device);
        // A call under an id that is being handled may be dropped (R-027), as may any while a station starts.
        if deserved.answer != Answer::Must || repeated || (unregistered && about.device == Role::Station) {
            return;
        }
        let rule = if deserved.defects.is_empty() { "R-037" } else { "R-038" };
        let known = about.suspect(
            seen,
            Charge {
                oracle: Code::O3,
                rule,
                class: if unregistered { Class::Compatibility } else { Class::Violation },
                action: &deserved.action,
                path: deserved.flaw(),
                reply: "silence".to_owned(),
                sentence: format!("{} ({}) was not answered", deserved.action, deserved.flaw()),
                bytes: about.last_sent.as_bytes(),
            },
            suspicions,
        );
        if known && let Some(last) = suspicions.last_mut() {
            last.nominated = nominated;
        }
    }

    fn answer(&mut self, number: usize, answer: &Frame, about: &About<'_>) -> Option<Found> {
        let id = answer.id();
        let ids = self.links.entry(number).or_default();
        if id == NO_ID && ids.ours.contains_key(id) {
            // It may answer the message that had this id, or one that had none.
            return None;
        }
        if ids.binary.remove(id) && !ids.ours.contains_key(id) {
            let (action, path) = ("?".to_owned(), "binary message");
            let sentence = format!("a message in a binary frame (\"{id}\") was answered like one in text");
            return Some(Found { class: Class::Ambiguous, rule: "R-002", action, path, sentence });
        }
        if let Some(ours) = ids.ours.get_mut(id) {
            ours.answers += 1;
            if ours.answers <= ours.calls || ours.odd {
                return None;
            }
            let action = ours.action.clone();
            if let Some(kind) = ours.never {
                return Some(answered_answer(kind, id, about));
            }
            if ids.unreadable.iter().any(|sent| holds(&sent.bytes, id)) {
                return None;
            }
            let sentence = format!("{action} was answered more than once");
            return Some(Found { class: Class::Violation, rule: "R-037", action, path: "answered again", sentence });
        }
        if let Some(plain) = ids.theirs.get(id) {
            let found = answered_answer(3, id, about);
            return Some(if *plain { found } else { Found { class: Class::Compatibility, ..found } });
        }
        // That is what an unreadable message is answered under, whoever else has used it.
        if id == "-1" && ids.unreadable_count > 0 {
            return self.unknown(number, id, about);
        }
        let of_another = self.links.iter().filter(|(other, _)| **other != number).find_map(|(other, ids)| {
            Some((*other, ids.ours.get(id).filter(|ours| ours.calls > 0 && !ours.odd)?.action.clone()))
        });
        if let Some((other, action)) = of_another {
            let asked = self.course.link(other).identity.clone();
            let one = self.course.link(number).identity == asked;
            // Who has two links under one identity may take them for one.
            let class = if one { Class::Compatibility } else { Class::Violation };
            let sentence = format!("the answer to {action}, which was sent on link {other}, came on link {number}");
            return Some(Found { class, rule: "R-022", action, path: "other link", sentence });
        }
        self.unknown(number, id, about)
    }

    /// An answer under an id that we did not send as one.
    fn unknown(&mut self, number: usize, id: &str, about: &About<'_>) -> Option<Found> {
        let ids = self.links.entry(number).or_default();
        let nothing = ids.unreadable_count == 0;
        let found =
            |class, rule, path, sentence: String| Some(Found { class, rule, action: "?".to_owned(), path, sentence });
        if id == NO_ID {
            ids.minus_ones += 1;
            return match (nothing, ids.minus_ones > ids.unreadable_count) {
                (_, false) => None,
                (true, true) => {
                    let sentence = "an answer with the id \"-1\", though everything that was sent had a readable id";
                    found(Class::Violation, "R-022", "id -1", sentence.to_owned())
                }
                (false, true) => {
                    let sentence = "more answers with the id \"-1\" than messages that could not be read";
                    found(Class::Compatibility, "R-054", "id -1", sentence.to_owned())
                }
            };
        }
        if nothing {
            let near = ids.order.iter().rev().find(|known| known.eq_ignore_ascii_case(id) || known.trim() == id.trim());
            let sentence = match near {
                Some(near) => format!("an answer with the id \"{id}\", though the call had \"{near}\""),
                None => format!("an answer with the id \"{id}\", which no call of ours has"),
            };
            return found(Class::Violation, "R-022", "unknown id", sentence);
        }
        // It read an id where we could not, or what was sent had one of a kind.
        if ids.unreadable.iter().any(|sent| sent.had_id || holds(&sent.bytes, id))
            || ids.unreadable_count > ids.unreadable.len()
        {
            return None;
        }
        let class = if about.version == Version::V16 { Class::Compatibility } else { Class::Violation };
        let sentence = format!("what had no readable id was answered with the id \"{id}\" instead of \"-1\"");
        found(class, "R-054", "unreadable id", sentence)
    }
}

impl Ids {
    fn sent(&mut self, bytes: &Arc<[u8]>, deserved: &Deserved) {
        let odd = deserved.may_end_link;
        if odd || is_deep(bytes) {
            self.unreadable_count += 1;
            self.unreadable.push_back(Unreadable {
                bytes: bytes.clone(),
                // Of what is no message nobody knows what it ends up in.
                had_id: deserved.id.is_some() || deserved.is_junk(),
            });
            if self.unreadable.len() > UNREADABLE {
                self.unreadable.pop_front();
            }
        }
        let Some(id) = &deserved.id else { return };
        if !self.ours.contains_key(id) {
            self.order.push_back(id.clone());
            if self.order.len() > REMEMBERED
                && let Some(oldest) = self.order.pop_front()
            {
                self.ours.remove(&oldest);
            }
            self.ours.insert(id.clone(), Ours { action: deserved.action.clone(), ..Ours::default() });
        }
        let Some(ours) = self.ours.get_mut(id) else { return };
        ours.odd |= odd;
        if deserved.answer == Answer::Never {
            ours.never = bytes.iter().copied().find(u8::is_ascii_digit).map(|digit| digit - b'0');
        } else {
            ours.calls += 1;
            ours.action.clone_from(&deserved.action);
        }
    }
}

/// The device answered what gets no answer.
fn answered_answer(kind: u8, id: &str, about: &About<'_>) -> Found {
    let (class, rule) = match (about.version, kind) {
        (Version::V16 | Version::V201, _) => (Class::Violation, "R-015"),
        (Version::V21, 6) => (Class::Violation, "R-012"),
        (Version::V21, 4 | 5) => (Class::Violation, "R-016"),
        // The refusal of a result has a message type of its own.
        (Version::V21, _) => (Class::Compatibility, "R-014"),
    };
    let what = if kind == 6 { "a SEND" } else { "an answer" };
    let sentence = format!("the device answered {what} of ours (\"{id}\")");
    Found { class, rule, action: "?".to_owned(), path: "answer to an answer", sentence }
}

/// Whether the bytes hold this id, as far as one can tell.
fn holds(bytes: &[u8], id: &str) -> bool {
    let id = id.as_bytes();
    !id.is_empty() && bytes.len() >= id.len() && bytes.windows(id.len()).any(|window| window == id)
}

/// Ids that were used more than once.
#[derive(Debug, Default)]
pub(super) struct Repeated {
    seen: HashSet<String>,
    again: HashSet<String>,
}

impl Repeated {
    pub(super) fn sent(&mut self, id: &str) {
        if self.seen.contains(id) {
            self.again.insert(id.to_owned());
        } else {
            if self.seen.len() >= REMEMBERED * 4 {
                self.seen.clear();
            }
            self.seen.insert(id.to_owned());
        }
    }

    pub(super) fn is_repeated(&self, id: &str) -> bool {
        self.again.contains(id)
    }
}

/// Deeper than any message of OCPP: readers may go no further, each with a limit of its own, and then have no id.
const DEEP: usize = 16;

/// Whether lists and objects nest deeper than a reader need follow.
fn is_deep(bytes: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if std::mem::take(&mut escaped) => {}
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEP {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::told::Told;
    use super::*;

    const HEARTBEAT: &str = r#"[2,"1","Heartbeat",{}]"#;
    const BEAT: &str = r#"[3,"1",{"currentTime":"2026-01-01T00:00:00Z"}]"#;

    fn told(version: Version) -> Told {
        let mut told = Told::new(Role::Csms, version);
        told.booted(0);
        told
    }

    fn judge(told: &Told) -> Vec<Suspicion> {
        told.judge(&mut Correlation::default())
    }

    #[test]
    fn one_answer_is_right_and_two_are_not() {
        let mut told = told(Version::V16);
        told.call(0, "1", HEARTBEAT).answer(0, BEAT);
        assert_eq!(judge(&told), []);
        told.answer(0, BEAT);
        let found = judge(&told);
        assert_eq!((found[0].rule.as_str(), found[0].class), ("R-037", Class::Violation));
        assert!(found[0].frame.contains("currentTime"));
    }

    #[test]
    fn trap_an_id_of_few_characters_and_many_bytes_may_be_too_long() {
        let judged = |id: &str| {
            let mut told = told(Version::V201);
            told.call(0, "1", &format!(r#"[2,"{id}","Heartbeat",{{}}]"#));
            told.answer(0, r#"[4,"-1","RpcFrameworkError","",{}]"#);
            judge(&told)
        };
        assert_eq!(judged(&"\u{1F50C}".repeat(19)), []);
        assert_eq!(judged("e\u{e9}")[0].class, Class::Violation);
    }

    #[test]
    fn trap_what_nests_deep_may_be_unreadable() {
        let judged = |levels: usize| {
            let mut told = told(Version::V201);
            let (open, close) = ("[".repeat(levels), "]".repeat(levels));
            told.call(0, "1", &format!(r#"[2,"1","DataTransfer",{{"vendorId":"]{{","data":{open}{close}}}]"#));
            told.answer(0, r#"[4,"-1","RpcFrameworkError","",{}]"#);
            judge(&told)
        };
        assert_eq!(judged(20), []);
        assert_eq!(judged(2)[0].rule, "R-022");
    }

    #[test]
    fn what_is_answered_though_it_was_binary_is_told_and_accuses_nobody() {
        for (binary, found) in [(true, vec![("R-002".to_owned(), Class::Ambiguous)]), (false, vec![])] {
            let mut told = told(Version::V16);
            if binary {
                told.what(0, What::Binary { id: "1".to_owned() }).junk(0);
            } else {
                told.call(0, "1", HEARTBEAT);
            }
            told.answer(0, BEAT);
            let judged: Vec<_> = judge(&told).into_iter().map(|found| (found.rule, found.class)).collect();
            assert_eq!(judged, found);
        }
    }

    #[test]
    fn a_ping_gets_its_pong() {
        let mut told = told(Version::V16);
        told.what(0, What::Pong { payload: Arc::from(&b"x"[..]) });
        assert_eq!(judge(&told), []);
        told.what(0, What::Unponged { payload: Arc::from(&b"x"[..]), nominated: false });
        let found = judge(&told);
        assert_eq!((found[0].rule.as_str(), found[0].class, found[0].nominated), ("R-097", Class::Violation, false));
    }

    #[test]
    fn silence_is_nominated_by_a_later_answer_and_certain_after_the_time_out() {
        let mut told = told(Version::V16);
        told.call(0, "1", HEARTBEAT);
        let deserved = Arc::new(crate::deserved::deserved(Version::V16, Role::Csms, HEARTBEAT.as_bytes()));
        told.what(0, What::PassedOver { deserved: deserved.clone() });
        assert!(judge(&told)[0].nominated);
        told.what(0, What::Unanswered { deserved });
        assert!(!judge(&told)[1].nominated);
    }

    #[test]
    fn trap_an_id_that_is_used_again_may_be_dropped() {
        let mut told = told(Version::V16);
        told.call(0, "1", HEARTBEAT).call(0, "1", HEARTBEAT).answer(0, BEAT);
        let deserved = Arc::new(crate::deserved::deserved(Version::V16, Role::Csms, HEARTBEAT.as_bytes()));
        told.what(0, What::Unanswered { deserved });
        assert_eq!(judge(&told), []);
    }

    #[test]
    fn trap_answers_in_another_order_are_right() {
        let mut told = told(Version::V16);
        told.call(0, "1", HEARTBEAT).call(0, "2", &HEARTBEAT.replace('1', "2"));
        told.answer(0, &BEAT.replacen('1', "2", 1)).answer(0, BEAT);
        assert_eq!(judge(&told), []);
    }

    #[test]
    fn trap_ignoring_an_unsolicited_answer_is_right_and_replying_to_it_is_not() {
        let mut told = told(Version::V16);
        told.send(0, None, br#"[3,"nobody",{}]"#).call(0, "1", HEARTBEAT).answer(0, BEAT);
        assert_eq!(judge(&told), []);
        told.received(0, r#"[4,"nobody","GenericError","",{}]"#);
        assert_eq!(judge(&told)[0].rule, "R-015");
    }

    #[test]
    fn a_result_of_ours_may_be_refused_in_its_own_way_in_2_1() {
        let mut told = told(Version::V21);
        told.send(0, None, br#"[3,"nobody",{}]"#).received(0, r#"[5,"nobody","GenericError","",{}]"#);
        assert_eq!(judge(&told), []);
    }

    #[test]
    fn an_answer_on_another_stations_link_is_found() {
        let mut told = told(Version::V16);
        told.booted(1000).call(0, "1", HEARTBEAT).answer(1000, BEAT);
        let found = judge(&told);
        assert_eq!((found[0].path.as_str(), found[0].class), ("other link", Class::Violation));
    }

    #[test]
    fn an_unknown_id_is_found_unless_something_unreadable_was_sent() {
        let mut told = told(Version::V16);
        told.call(0, "Ab", &HEARTBEAT.replace('1', "Ab")).answer(0, &BEAT.replacen('1', "aB", 1));
        assert_eq!(judge(&told)[0].rule, "R-022");
        for (version, class) in [(Version::V16, Class::Compatibility), (Version::V201, Class::Violation)] {
            let mut told = Told::new(Role::Csms, version);
            told.booted(0).send(0, None, b"[2,").received(0, r#"[4,"x","GenericError","",{}]"#);
            assert_eq!(judge(&told)[0].class, class);
            let mut told = Told::new(Role::Csms, version);
            told.booted(0).send(0, None, b"[2,").received(0, r#"[4,"-1","GenericError","",{}]"#);
            assert_eq!(judge(&told), []);
        }
    }

    #[test]
    fn trap_an_answer_of_ours_that_cannot_be_read_may_be_refused() {
        let mut told = Told::new(Role::Station, Version::V201);
        told.booted(0).received(0, r#"[2,"a","Heartbeat",{}]"#);
        let bytes = Some(Arc::from(&b"[3"[..]));
        told.what(0, What::Answered { action: "Heartbeat".to_owned(), request: Value::Null, bytes, plain: false });
        told.received(0, r#"[4,"-1","RpcFrameworkError","",{}]"#);
        assert_eq!(judge(&told), []);
    }

    #[test]
    fn trap_an_id_of_ours_can_look_like_none() {
        let mut told = told(Version::V201);
        told.call(0, "-1", &HEARTBEAT.replace('1', "-1")).answer(0, &BEAT.replacen('1', "-1", 1));
        told.send(0, None, b"[2,").answer(0, r#"[4,"-1","RpcFrameworkError","",{}]"#);
        assert_eq!(judge(&told), []);
    }

    #[test]
    fn trap_an_id_can_come_in_pieces() {
        let mut told = told(Version::V201);
        told.junk(0).answer(0, &BEAT.replacen('1', "x-1", 1));
        assert_eq!(judge(&told), []);
    }

    #[test]
    fn a_station_that_was_not_accepted_owes_nothing() {
        let mut told = Told::new(Role::Station, Version::V16);
        told.opened(0).received(0, r#"[2,"b","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}]"#);
        told.withheld(0, "BootNotification");
        let call = br#"[2,"1","ClearCache",{}]"#;
        let deserved = Arc::new(crate::deserved::deserved(Version::V16, Role::Station, call));
        told.call(0, "1", r#"[2,"1","ClearCache",{}]"#).what(0, What::Unanswered { deserved });
        assert_eq!(judge(&told), []);
    }
}
