//! What the CSMS knows of each station, and the messages on its link.

use std::collections::{BTreeSet, VecDeque};

use protocol::Version;
use serde_json::Value;

use super::Csms;
use super::asks::Ask;
use crate::exchange::Exchange;
use crate::frames::{self, Incoming};
use crate::{Output, Refusal};

/// A station, as the CSMS sees it.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) version: Version,
    pub(super) online: bool,
    pub(super) registration: Registration,
    pub(super) exchange: Exchange<Ask>,
    /// Calls that wait for their turn.
    pub(super) waiting: VecDeque<Ask>,
    /// What a Pending station was asked to send, and how often.
    triggered: Vec<String>,
    /// The version of the list sent last and accepted.
    pub(super) list_version: i64,
    /// Connectors of 1.6 that were last reported as something other than Available.
    pub(super) prepared: BTreeSet<i64>,
}

/// What the CSMS has decided about a station.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Registration {
    /// It has not booted so far.
    Unknown,
    Pending,
    Rejected,
    Accepted,
}

/// How many stations that are not connected are remembered.
const SESSIONS_KEPT: usize = 10_000;

impl Session {
    fn new(version: Version) -> Session {
        Session {
            version,
            online: false,
            registration: Registration::Unknown,
            exchange: Exchange::new(),
            waiting: VecDeque::new(),
            triggered: Vec::new(),
            list_version: 0,
            prepared: BTreeSet::new(),
        }
    }

    /// Remembers what a call asks the station to send of its own.
    pub(super) fn note_trigger(&mut self, ask: &Ask) {
        let reports = matches!(ask.action.as_str(), "GetBaseReport" | "GetReport").then_some("NotifyReport");
        if let Some(message) = ask.request["requestedMessage"].as_str().or(reports) {
            self.triggered.retain(|earlier| earlier != message);
            self.triggered.push(message.to_owned());
        }
    }

    /// Whether the station was asked for this message.
    pub(super) fn was_triggered(&self, action: &str) -> bool {
        self.triggered.iter().any(|message| message == action)
    }
}

impl Csms {
    /// The session of a station, made if there is none.
    pub(super) fn session(&mut self, identity: &str) -> &mut Session {
        if self.sessions.len() >= SESSIONS_KEPT && !self.sessions.contains_key(identity) {
            let idle = self.sessions.iter().find(|(_, session)| !session.online).map(|(name, _)| name.clone());
            if let Some(idle) = idle {
                self.sessions.remove(&idle);
            }
        }
        let version = self.settings.versions.first().copied().unwrap_or(Version::V16);
        self.sessions.entry(identity.to_owned()).or_insert_with(|| Session::new(version))
    }

    pub(super) fn connected(&mut self, identity: &str, subprotocol: Option<&str>) {
        let spoken = subprotocol.and_then(Version::from_subprotocol).filter(|v| self.settings.versions.contains(v));
        let version = match spoken {
            Some(version) => version,
            None if self.faults.active("csms-chooses-unoffered-subprotocol")
                || self.faults.active("csms-agrees-to-any-subprotocol") && subprotocol.is_some() =>
            {
                self.version(identity)
            }
            None => {
                self.put(identity, Output::Close { code: 1002 });
                return;
            }
        };
        let session = self.session(identity);
        if session.version != version {
            session.version = version;
            session.registration = Registration::Unknown;
        }
        session.online = true;
        session.exchange.abandon();
    }

    pub(super) fn disconnected(&mut self, identity: &str) {
        if self.session(identity).registration == Registration::Accepted && self.faults.hits("csms-forgets-lost-links")
        {
            self.session(identity).registration = Registration::Unknown;
        }
        let session = self.session(identity);
        session.online = false;
        session.exchange.abandon();
        for ask in std::mem::take(&mut session.waiting) {
            self.done(&ask, Err(Refusal::not_now("the station went away before its turn came")));
        }
    }

    pub(super) fn received(&mut self, identity: &str, text: &[u8]) {
        if !self.session(identity).online {
            return;
        }
        match frames::read(self.version(identity), text) {
            Incoming::Call { id, action, payload } => self.called(identity, text, &id, &action, &payload),
            Incoming::Result { id, payload } => {
                if let Some(ask) = self.session(identity).exchange.answered(&id) {
                    self.answered(identity, &ask, &payload);
                }
            }
            Incoming::Error { id } => {
                self.session(identity).exchange.answered(&id);
            }
            Incoming::DamagedCall { id, payload_only } => {
                let code = match (self.is_v16(identity), payload_only) {
                    (true, _) => "FormationViolation",
                    (false, true) => "FormatViolation",
                    (false, false) => "RpcFrameworkError",
                };
                self.refuse_frame(identity, id, code);
            }
            Incoming::UnknownType { id } => {
                // 1.6 says to ignore it; in 2.0.1 the sender is told.
                if !self.is_v16(identity) {
                    self.refuse_frame(identity, id, "MessageTypeNotSupported");
                }
            }
            Incoming::Unreadable => {
                if !self.is_v16(identity) {
                    self.refuse_frame(identity, None, "RpcFrameworkError");
                }
            }
            Incoming::DamagedAnswer => {}
        }
    }

    fn refuse_frame(&mut self, identity: &str, id: Option<String>, code: &'static str) {
        let id = match id {
            Some(id) => id,
            // An id that cannot be read is answered as "-1" in 2.x and not at all in 1.6.
            None if self.is_v16(identity) => return,
            None => "-1".to_owned(),
        };
        self.send_error(identity, &id, code, "the frame is damaged");
    }

    pub(super) fn called(&mut self, identity: &str, text: &[u8], id: &str, action: &str, payload: &Value) {
        let again = action == "StartTransaction" && self.faults.active("csms-starts-repeated-calls-twice");
        if let Some(answer) = self.session(identity).exchange.earlier_answer(id, text).filter(|_| !again) {
            self.put(identity, Output::Send(answer));
            return;
        }
        if action == "MeterValues" && self.faults.hits("csms-ignores-meter-values") {
            return;
        }
        if self.session(identity).exchange.is_waiting() && self.faults.hits("csms-answers-only-when-idle") {
            return;
        }
        if action == "SecurityEventNotification" && self.faults.hits("csms-ignores-security-events") {
            return;
        }
        let outcome = if self.is_v16(identity) {
            self.answer_v16(identity, action, payload)
        } else {
            self.answer_v201(identity, action, payload)
        };
        match outcome {
            Ok(payload) => {
                let answer = frames::result(id, &payload);
                self.session(identity).exchange.keep_answer(id, text, &answer);
                self.put(identity, Output::Send(answer));
            }
            Err(code) => {
                self.send_error(identity, id, code, action);
                if code == "NotImplemented" && self.faults.hits("csms-drops-link-on-unknown-action") {
                    self.put(identity, Output::Close { code: 1002 });
                }
            }
        }
    }

    fn send_error(&mut self, identity: &str, id: &str, code: &'static str, description: &str) {
        let (other, fault) = match code {
            "FormationViolation" => ("FormatViolation", "csms-corrects-error-codes"),
            "OccurenceConstraintViolation" => ("OccurrenceConstraintViolation", "csms-corrects-error-codes"),
            "FormatViolation" => ("FormationViolation", "csms-keeps-old-error-codes"),
            "OccurrenceConstraintViolation" => ("OccurenceConstraintViolation", "csms-keeps-old-error-codes"),
            same => (same, ""),
        };
        let code = if other != code && self.faults.hits(fault) { other } else { code };
        let description: String = description.chars().take(255).collect();
        let answer = frames::error(id, code, &description);
        self.put(identity, Output::Send(answer));
        if self.faults.hits("csms-crashes-after-error") {
            self.put(identity, Output::Cut);
            self.sessions.remove(identity);
        }
    }
}
