//! Who answers what: ids, one answer for each call, one call at a time, boot first.

use protocol::frame::{self, Frame, FrameFinding, FrameFindingKind, Reading};
use protocol::{Role, Timestamp, Version, json};
use serde_json::Value;

use super::{Answered, Found, Oracles, OurCall, OurState, Registration, TheirCall};
use crate::Verdict;

impl Oracles {
    pub(super) fn call(&mut self, now: Timestamp, text: &str, id: &str, action: &str, payload: &Value) {
        let link = self.transactions.link;
        if let Some(before) = self.theirs.values().find(|call| call.link == link && !call.answered) {
            let verdict = if self.version == Version::V16 { Verdict::Warn } else { Verdict::Fail };
            let sentence = format!("{action} was sent while {} had no answer yet", before.action);
            self.report(
                now,
                text,
                Found { oracle: "one-outstanding", statement: "R-030", path: "calls".to_owned(), verdict, sentence },
            );
        }
        if let Some(before) = self.theirs.get(id) {
            // A retry may reuse its id (R-024); another message may not.
            let is_retry = before.action == action && json::same(&before.payload, payload);
            if !is_retry {
                // 1.6 as first printed wanted unique ids on one connection; only errata of 2025 widened that.
                let excused = self.version == Version::V16 && before.link != link;
                let (verdict, path, place) = match excused {
                    true => (Verdict::Warn, "message id, earlier connection", " on an earlier connection"),
                    false => (Verdict::Fail, "message id", ""),
                };
                let sentence = format!("the id \"{id}\" was used before{place}, for another call ({})", before.action);
                self.report(
                    now,
                    text,
                    Found { oracle: "unique-id", statement: "R-023", path: path.to_owned(), verdict, sentence },
                );
            }
        }
        self.boot_first(now, text, action);
        self.called_unregistered(now, text, action, payload);
        self.said_again = self.unheard.said_again(action, payload);
        self.content(now, text, action, payload);
        self.theirs.insert(
            id.to_owned(),
            TheirCall { action: action.to_owned(), payload: payload.clone(), answered: false, link },
        );
    }

    fn boot_first(&mut self, now: Timestamp, text: &str, action: &str) {
        if self.device != Role::Station {
            return;
        }
        let triggered = self.triggered.iter().position(|wanted| wanted == action);
        if let Some(at) = triggered {
            // One trigger of StatusNotification or MeterValues may bring one message for each connector.
            if action == "BootNotification" {
                self.triggered.remove(at);
            }
        }
        if action == "BootNotification" {
            let spoke_before = self.seen_on_link && self.registration == Registration::Unknown && triggered.is_none();
            if spoke_before {
                self.report(
                    now,
                    text,
                    Found {
                        oracle: "boot-first",
                        statement: if self.version == Version::V16 { "16-BOOT-01" } else { "B01.FR.08" },
                        path: "BootNotification".to_owned(),
                        verdict: Verdict::Warn,
                        sentence: "other calls came on this link before the BootNotification".to_owned(),
                    },
                );
            }
            if matches!(self.registration, Registration::Waiting { .. }) && triggered.is_none() {
                self.boots_again(now, text);
            }
            self.booted_on_wish |= self.registration == Registration::Accepted && triggered.is_some();
            self.registration = Registration::Asking;
            self.seen_on_link = true;
            return;
        }
        self.seen_on_link = true;
        let Registration::Waiting { rejected } = self.registration else {
            return;
        };
        if self.booted_on_wish {
            return;
        }
        let follows_request = matches!(action, "NotifyReport") && self.version != Version::V16;
        if (triggered.is_some() || follows_request) && !rejected {
            return;
        }
        let (word, statement) = match (rejected, self.version) {
            (true, Version::V16) => ("Rejected", "16-BOOT-08"),
            (false, Version::V16) => ("Pending", "16-BOOT-06"),
            (true, _) => ("Rejected", "B03.FR.02"),
            (false, _) => ("Pending", "B02.FR.02"),
        };
        self.report(
            now,
            text,
            Found {
                oracle: "boot-first",
                statement,
                path: action.to_owned(),
                verdict: Verdict::Fail,
                sentence: format!("{action} was sent although the last BootNotification was answered {word}"),
            },
        );
    }

    /// A station booted where we had done no more than end its link; a boot that changed nothing else.
    pub fn booted_on_reconnect(&mut self, now: Timestamp, text: &str) {
        self.report(
            now,
            text,
            Found {
                oracle: "boot-first",
                statement: "R-114",
                path: "BootNotification, after a mere reconnect".to_owned(),
                verdict: Verdict::Warn,
                sentence: "the station booted although only its link had ended".to_owned(),
            },
        );
    }

    /// We call the device.
    pub fn sent_call(&mut self, id: &str, action: &str, request: &Value) {
        if matches!(action, "TriggerMessage" | "ExtendedTriggerMessage")
            && let Some(wanted) = request.get("requestedMessage").and_then(Value::as_str)
        {
            self.triggered.push(wanted.to_owned());
        }
        let is_new = !self.ours.contains_key(id);
        self.ours.insert(
            id.to_owned(),
            OurCall { action: action.to_owned(), request: request.clone(), is_new, state: OurState::Open },
        );
    }

    /// We answer a call of the device; `result` is absent for an error.
    pub fn sent_answer(&mut self, id: &str, result: Option<&Value>) {
        let Some(call) = self.theirs.get_mut(id) else { return };
        call.answered = true;
        let (action, payload) = (call.action.clone(), call.payload.clone());
        if let Some(result) = result {
            if action == "BootNotification" {
                self.registered(result);
            }
            self.unheard.answered(&action, &payload, result);
            self.answered_by_us(&action, &payload, result);
        } else if action == "BootNotification" {
            self.registration = Registration::Unknown;
        }
    }

    /// We answer a call of the device with something that it may take, or drop: what it makes of that is open.
    pub fn sent_damaged_answer(&mut self, id: &str) {
        self.sent_answer(id, None);
        if self.theirs.get(id).is_some_and(|call| call.action == "StartTransaction") {
            self.may_have_started();
        }
    }

    /// A call of the device that we leave unanswered on purpose: it stays open no longer.
    pub fn withheld_answer(&mut self, id: &str) {
        if let Some(call) = self.theirs.get_mut(id) {
            call.answered = true;
        }
    }

    /// We send raw text; answers to its id, or to `-1`, are the case's business. So are answers that repeat a number, or
    /// too long a text, that it has for an id: whoever does keeps R-022 and breaks R-020, and cannot keep both.
    pub fn sent_text(&mut self, id: &str, text: &str) {
        self.raw_text_sent = true;
        // An answer of ours that no rule allows may be one to the device all the same: then its call is open no longer.
        if let Ok(Value::Array(elements)) = serde_json::from_str(text)
            && elements.first().and_then(Value::as_u64).is_some_and(|kind| matches!(kind, 3 | 4))
            && let Some(call) = elements.get(1).and_then(Value::as_str).and_then(|id| self.theirs.get_mut(id))
        {
            call.answered = true;
        }
        self.strays.insert(id.to_owned(), text.to_owned());
        let reading = frame::read(self.version, text.as_bytes());
        if let Some(bad) = reading.id.filter(|_| reading.findings.iter().any(is_about_id)) {
            self.strays.insert(bad.clone(), text.to_owned());
            self.bad_ids.insert(bad);
        }
    }

    /// Whether it is an answer whose id is bad because a message of ours had it.
    pub(super) fn repeats_a_bad_id(&self, reading: &Reading) -> bool {
        let answer = reading.frame.as_ref().filter(|frame| frame.is_answer());
        answer.is_some_and(|answer| self.bad_ids.contains(answer.id()))
    }

    /// A call of ours was not answered in time.
    pub fn expired(&mut self, now: Timestamp, id: &str, after: &str) {
        let Some(call) = self.ours.get_mut(id) else { return };
        if call.state != OurState::Open {
            return;
        }
        call.state = OurState::Expired;
        let action = call.action.clone();
        self.report(
            now,
            after,
            Found {
                oracle: "answer-in-time",
                statement: "R-037",
                path: action.clone(),
                verdict: Verdict::Fail,
                sentence: format!("{action} was not answered in time"),
            },
        );
        self.harmed(now, &format!("{action} was not answered in time"));
    }

    /// A call of ours that nobody waits for any more (the link is gone, or the case allows silence).
    pub fn forgotten(&mut self, id: &str) {
        if let Some(call) = self.ours.get_mut(id)
            && call.state == OurState::Open
        {
            call.state = OurState::Expired;
        }
    }

    /// An answer of the device: what it belongs to. Its payload is judged here.
    pub fn answer(&mut self, now: Timestamp, bytes: &[u8], answer: &Frame) -> Answered {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let id = answer.id();
        if let Frame::Error { description, details, .. } = answer {
            self.refusal(now, &text, id, description, details);
        }
        if let Some(call) = self.ours.get_mut(id) {
            let (action, request, state) = (call.action.clone(), call.request.clone(), call.state);
            let is_new = call.is_new;
            call.state = OurState::Answered;
            self.unproven = None;
            match state {
                OurState::Open => {
                    match answer {
                        Frame::Result { payload, .. } => self.result(now, &text, &action, &request, payload),
                        // What a call under a known id earns is open (R-027).
                        Frame::Error { code, .. } if is_new => self.report_refused(now, &text, &action, &request, code),
                        _ => {}
                    }
                    return Answered::Call;
                }
                OurState::Answered => {
                    if self.strays.contains_key(id) {
                        return Answered::RawText;
                    }
                    self.report(
                        now,
                        &text,
                        Found {
                            oracle: "one-answer",
                            statement: "R-037",
                            path: action.clone(),
                            verdict: Verdict::Fail,
                            sentence: format!("{action} was answered more than once"),
                        },
                    );
                }
                OurState::Expired => {
                    // Late is not wrong by itself: the time-out is ours (R-033).
                }
            }
            return Answered::Nothing;
        }
        if self.strays.contains_key(id) || (self.raw_text_sent && id == "-1") {
            return Answered::RawText;
        }
        if self.theirs.contains_key(id) {
            self.report(
                now,
                &text,
                Found {
                    oracle: "no-answer-to-an-answer",
                    statement: "R-015",
                    path: "answer".to_owned(),
                    verdict: Verdict::Fail,
                    sentence: format!("the device answered our answer to its own call \"{id}\""),
                },
            );
            return Answered::Nothing;
        }
        let open = self
            .ours
            .iter()
            .find(|(_, call)| call.state == OurState::Open)
            .map(|(id, call)| (id.clone(), call.action.clone()));
        let sentence = match &open {
            Some((expected, action)) => {
                format!("an answer with the id \"{id}\", which no call of ours has; {action} waits with \"{expected}\"")
            }
            None => format!("an answer with the id \"{id}\", which no call of ours has"),
        };
        self.report(
            now,
            &text,
            Found {
                oracle: "one-answer",
                statement: "R-022",
                path: "message id".to_owned(),
                verdict: Verdict::Fail,
                sentence,
            },
        );
        Answered::Nothing
    }
}

/// Whether what is wrong with a message is its id.
pub(super) fn is_about_id(finding: &FrameFinding) -> bool {
    matches!(finding.kind, FrameFindingKind::IdNotString | FrameFindingKind::IdTooLong | FrameFindingKind::IdEmpty)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answered(sent: &str, answer: &[u8]) -> (Answered, Vec<String>) {
        let mut oracles = Oracles::new(Role::Csms, Version::V16);
        oracles.opened();
        oracles.sent_text("a", sent);
        let reading = oracles.received(Timestamp(1), answer);
        let belongs = oracles.answer(Timestamp(1), answer, &reading.frame.unwrap());
        (belongs, oracles.take().into_iter().map(|found| found.statement).collect())
    }

    #[test]
    fn a_bad_id_that_we_gave_may_come_back_and_another_may_not() {
        let call = r#"[2,17,"Heartbeat",{}]"#;
        let long = "a".repeat(37);
        for (call, id) in [(call.to_owned(), "17"), (format!(r#"[2,"{long}","Heartbeat",{{}}]"#), &format!("{long:?}"))]
        {
            let answer = format!(r#"[4,{id},"FormationViolation","",{{}}]"#);
            assert_eq!(answered(&call, answer.as_bytes()), (Answered::RawText, vec![]));
        }
        let accused = (Answered::Nothing, vec!["R-021".to_owned(), "R-022".to_owned()]);
        assert_eq!(answered(call, br#"[3,18,{}]"#), accused);
        let accused = (Answered::Nothing, vec!["R-022".to_owned()]);
        assert_eq!(answered(r#"[2,"17","Heartbeat",{}]"#, br#"[3,"18",{}]"#), accused);
    }

    /// What is said of a heartbeat after a second boot was answered with Pending.
    fn after_a_second_boot(wished: bool) -> Vec<String> {
        let mut oracles = Oracles::new(Role::Station, Version::V16);
        oracles.resumed();
        if wished {
            oracles.sent_call("t", "TriggerMessage", &json!({ "requestedMessage": "BootNotification" }));
        }
        let boot = br#"[2,"1","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}]"#;
        oracles.received(Timestamp(1), boot);
        let answer = json!({ "status": "Pending", "currentTime": "2026-01-01T12:00:00Z", "interval": 300 });
        oracles.sent_answer("1", Some(&answer));
        oracles.received(Timestamp(2), br#"[2,"2","Heartbeat",{}]"#);
        oracles.take().into_iter().map(|found| found.statement).collect()
    }

    #[test]
    fn what_an_accepted_station_makes_of_another_answer_to_a_boot_that_we_wished_is_open() {
        assert_eq!(after_a_second_boot(false), ["16-BOOT-06"]);
        assert!(after_a_second_boot(true).is_empty());
    }

    fn verdicts(version: Version, reconnects: bool) -> Vec<Verdict> {
        let mut oracles = Oracles::new(Role::Station, version);
        oracles.opened();
        oracles.received(Timestamp(1), br#"[2,"1","Heartbeat",{}]"#);
        if reconnects {
            oracles.opened();
        }
        oracles.received(Timestamp(2), br#"[2,"1","DataTransfer",{"vendorId":"x"}]"#);
        oracles.take().into_iter().filter(|found| found.oracle == "unique-id").map(|found| found.verdict).collect()
    }

    #[test]
    fn an_id_used_twice_on_one_connection_fails_in_every_version() {
        assert_eq!(verdicts(Version::V16, false), [Verdict::Fail]);
        assert_eq!(verdicts(Version::V201, false), [Verdict::Fail]);
    }

    #[test]
    fn an_id_of_an_earlier_connection_is_a_warning_in_1_6_placeerrata_brought_the_rule() {
        assert_eq!(verdicts(Version::V16, true), [Verdict::Warn]);
        assert_eq!(verdicts(Version::V201, true), [Verdict::Fail]);
    }
}
