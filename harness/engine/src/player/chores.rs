//! What we do around a case: setting configuration before it, seeing whether the device lives and undoing what was
//! done after it. None of this changes the verdict, except that a dead device is one.

use protocol::configuration;
use protocol::frame::Frame;
use protocol::stimulus::Stimulus;
use protocol::{Role, Timestamp, Version};
use serde_json::{Map, Value, json};
use verdict::Verdict;

use super::reactions::harmless;
use super::session::Debt;
use super::{After, Command, LinkState, Outcome, Phase, Player, Tag};
use crate::program::Setting;
use crate::scope::{Tentative, plain_text};

/// One thing to do.
#[derive(Clone, Debug)]
pub enum Chore {
    /// Bring a configuration value about: read it first.
    Configure(Box<Setting>),
    /// Set it.
    Change(Box<Setting>, String),
    /// Read a configuration value.
    ReadKey(String),
    /// See whether the device still answers.
    Probe,
    /// Undo something.
    Undo(Debt),
    /// Wait until the device is connected, and a station accepted, again; to a CSMS we connect.
    AwaitStation(Timestamp),
}

impl Player {
    /// Does the next chore; `false`: one is under way, or waits.
    pub(super) fn work(&mut self, now: Timestamp, after: After) -> bool {
        if self.open.is_some() || self.acting.is_some() {
            return false;
        }
        if after == After::Segments && self.outcome.is_some() {
            self.chores.clear();
            self.chore = None;
            self.tidy(now);
            return true;
        }
        if let Some(Chore::AwaitStation(until)) = self.chore {
            let there = self.session.link == LinkState::Up && self.session.accepted;
            if !there && now < until {
                self.wait = Some(until);
                return false;
            }
            if !there && self.probed_again {
                self.chore = Some(Chore::Probe);
                self.chore_unanswered(now, "the link was lost and did not come back");
            } else if !there {
                self.note("the station did not come back after the case".to_owned());
                self.chores.clear();
            }
            self.chore = None;
            self.redial_at = None;
        }
        if let (Some(until), false) = (self.boots_perhaps(now), self.chores.is_empty()) {
            self.wait = Some(until);
            return false;
        }
        match self.chores.pop_front() {
            Some(chore) => {
                self.chore = Some(chore.clone());
                self.begin_chore(now, chore);
                true
            }
            None => {
                self.chore = None;
                self.wait = None;
                match after {
                    After::Segments => self.next_segment(now),
                    After::Settle => {
                        self.phase = Phase::Settling { until: now + self.rig.timeouts.step };
                    }
                }
                true
            }
        }
    }

    fn begin_chore(&mut self, now: Timestamp, chore: Chore) {
        match chore {
            Chore::Configure(setting) => self.read_key(now, &setting.key),
            Chore::ReadKey(key) => self.read_key(now, &key),
            Chore::Change(setting, value) => {
                if let Some((action, request)) = self.set_request(&setting.key, &value) {
                    self.chore_call(now, action, &request);
                }
            }
            Chore::Probe => {
                if self.session.link == LinkState::Up && self.session.accepted {
                    let (action, request) = harmless(self.program.device, self.program.version);
                    self.chore_call(now, action, &request);
                }
            }
            Chore::Undo(debt) => self.undo(now, debt),
            Chore::AwaitStation(_) => {
                if self.program.device == Role::Csms && self.session.link == LinkState::Down {
                    self.dial();
                }
            }
        }
    }

    /// The link ended before the probe was answered, perhaps before it was heard: who comes back is asked once more.
    pub(super) fn probes_again(&mut self, now: Timestamp) -> bool {
        if std::mem::replace(&mut self.probed_again, true) {
            return false;
        }
        let until = now + self.rig.timeouts.reboot.min(self.rig.timeouts.reconnect);
        self.chore = None;
        self.chores.push_front(Chore::Probe);
        self.chores.push_front(Chore::AwaitStation(until));
        true
    }

    fn chore_call(&mut self, now: Timestamp, action: &str, request: &Value) {
        if self.session.link == LinkState::Down {
            return;
        }
        let id = self.session.fresh_id();
        self.send_request(now, &id, action, request, Tag::Chore);
    }

    fn chore_stimulus(&mut self, now: Timestamp, verb: &str, with: Map<String, Value>) {
        let stimulus = Stimulus { party: self.program.device, verb: verb.to_owned(), with };
        self.issue(now, None, stimulus);
    }

    fn read_key(&mut self, now: Timestamp, key: &str) {
        if self.program.version == Version::V16 {
            self.chore_call(now, "GetConfiguration", &json!({ "key": [key] }));
            return;
        }
        if let Some((component, variable)) = variable(self.program.version, key) {
            let request = json!({ "getVariableData": [{ "component": component, "variable": variable }] });
            self.chore_call(now, "GetVariables", &request);
        }
    }

    fn set_request(&self, key: &str, value: &str) -> Option<(&'static str, Value)> {
        if self.program.version == Version::V16 {
            return Some(("ChangeConfiguration", json!({ "key": key, "value": value })));
        }
        let (component, variable) = variable(self.program.version, key)?;
        let request = json!({ "setVariableData": [{
            "attributeValue": value, "component": component, "variable": variable,
        }] });
        Some(("SetVariables", request))
    }

    /// The answer to the call of a chore.
    pub(super) fn chore_answered(&mut self, now: Timestamp, answer: &Frame) {
        let Some(chore) = self.chore.take() else { return };
        let payload = answer.payload().cloned().unwrap_or(Value::Null);
        match chore {
            Chore::Configure(setting) => {
                let current = self.note_key(&setting.key, &payload);
                let wanted = self.names(now).plain(setting.scope, &setting.value, &Tentative::new());
                let Some(wanted) = wanted.map(|value| plain_text(&value)) else { return };
                match current {
                    None if setting.required => self.not_configurable(&setting, "the station has no such key"),
                    None => {}
                    Some(current) if current == wanted => {}
                    Some(_) => self.chores.push_front(Chore::Change(setting, wanted)),
                }
            }
            Chore::Change(setting, value) => {
                let status = payload
                    .get("status")
                    .or_else(|| payload.pointer("/setVariableResult/0/attributeStatus"))
                    .and_then(Value::as_str)
                    .unwrap_or("an error");
                match status {
                    "Accepted" => {
                        self.session.config.insert(setting.key.clone(), Some(value));
                    }
                    "RebootRequired" => {
                        self.session.config.insert(setting.key.clone(), Some(value));
                        self.session.accepted = false;
                        let until = now + self.rig.timeouts.reboot;
                        self.chores.push_front(Chore::AwaitStation(until));
                        let kind = if self.program.version == Version::V16 { "Soft" } else { "OnIdle" };
                        self.may_leave = true;
                        self.chore_call(now, "Reset", &json!({ "type": kind }));
                    }
                    other if setting.required => {
                        self.not_configurable(&setting, &format!("setting it to \"{value}\" was answered {other}"));
                    }
                    other => self.note(format!("{} could not be set to \"{value}\": {other}", setting.key)),
                }
            }
            Chore::ReadKey(key) => {
                self.note_key(&key, &payload);
            }
            Chore::Undo(debt) => {
                let status = payload.get("status").and_then(Value::as_str).unwrap_or("");
                if matches!(status, "Rejected" | "Failed") || matches!(answer, Frame::Error { .. }) {
                    // A transaction may just have ended by itself: coming to rest tells.
                    if matches!(debt, Debt::Transaction(_)) {
                        return;
                    }
                    if !matches!(debt, Debt::Cache | Debt::LocalList) {
                        self.note(format!("not undone: {}", describe(&debt)));
                    }
                    self.session.paid(|other| *other == debt);
                }
            }
            Chore::Probe | Chore::AwaitStation(_) => {}
        }
    }

    fn not_configurable(&mut self, setting: &Setting, why: &str) {
        let reason = format!("{} cannot be configured: {why}", setting.key);
        self.conclude(Outcome::plain(Verdict::NotApplicable, &reason));
    }

    /// Notes a configuration value from the answer to a reading; `None`: there is none.
    fn note_key(&mut self, key: &str, payload: &Value) -> Option<String> {
        let value = if self.program.version == Version::V16 {
            payload
                .get("configurationKey")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .find(|entry| {
                    entry.get("key").and_then(Value::as_str).is_some_and(|found| found.eq_ignore_ascii_case(key))
                })
                .map(|entry| entry.get("value").and_then(Value::as_str).unwrap_or("").to_owned())
        } else {
            let result = payload.pointer("/getVariableResult/0");
            result
                .filter(|result| result.get("attributeStatus").and_then(Value::as_str) == Some("Accepted"))
                .map(|result| result.get("attributeValue").and_then(Value::as_str).unwrap_or("").to_owned())
        };
        self.session.config.insert(key.to_owned(), value.clone());
        value
    }

    /// The call of a chore was not answered.
    pub(super) fn chore_unanswered(&mut self, now: Timestamp, why: &str) {
        match self.chore.take() {
            Some(Chore::Probe) => {
                let sentence = format!("after the case the device no longer answers: {why}");
                self.session.oracles.dead(now, &sentence, "");
                self.chores.clear();
            }
            Some(Chore::Undo(debt)) => {
                self.note(format!("not undone: {}", describe(&debt)));
                self.session.paid(|other| *other == debt);
            }
            Some(Chore::Configure(_) | Chore::Change(..)) => {
                self.conclude(Outcome::plain(
                    Verdict::Inconclusive,
                    &format!("the configuration could not be set: {why}"),
                ));
            }
            _ => {}
        }
    }

    /// The stimulus of a chore was confirmed, or not.
    pub(super) fn chore_done(&mut self, _now: Timestamp, failure: Option<String>) {
        if let (Some(Chore::Undo(debt)), Some(failure)) = (self.chore.take(), failure) {
            self.note(format!("not undone: {} ({failure})", describe(&debt)));
        }
    }

    /// What is to be done after the steps.
    pub(super) fn plan_tidying(&mut self, now: Timestamp) {
        self.chores.clear();
        self.chore = None;
        self.purpose = crate::program::Purpose::Steps;
        self.chores.push_back(Chore::Probe);
        if self.program.device == Role::Station {
            if !self.session.admitting {
                self.session.admitting = true;
                self.commands.push(Command::Admit(true));
            }
            let restores = self.session.ledger.contains(&Debt::Power);
            if restores {
                self.chores.push_front(Chore::Undo(Debt::Power));
            }
            if !(self.session.link == LinkState::Up && self.session.accepted) && self.session.spoken_once() {
                let last = self.events.last().map(|event| event.at).unwrap_or_default();
                let until = last + self.rig.timeouts.reboot.min(self.rig.timeouts.reconnect);
                let at = usize::from(restores);
                self.chores.insert(at, Chore::AwaitStation(until));
            }
        }
        let is_gone = self.session.link == LinkState::Down && self.session.accepted;
        if self.program.device == Role::Csms && is_gone && self.session.oracles.is_in_doubt() {
            // It may be gone over what came last: who takes another link is asked on that.
            self.probed_again = true;
            let until = now + self.rig.timeouts.reboot.min(self.rig.timeouts.reconnect);
            self.chores.push_front(Chore::AwaitStation(until));
        }
        let mut debts: Vec<Debt> = self.session.ledger.clone();
        debts.reverse();
        for debt in debts {
            if debt != Debt::Power {
                self.chores.push_back(Chore::Undo(debt));
            }
        }
    }

    fn undo(&mut self, now: Timestamp, debt: Debt) {
        let at = |place: &Value| {
            let mut with = Map::new();
            if !place.is_null() {
                with.insert("at".to_owned(), place.clone());
            }
            with
        };
        let is_16 = self.program.version == Version::V16;
        // A debt is settled when the device shows it (a transaction), or when we have done what we can.
        if !matches!(debt, Debt::Transaction(_)) {
            self.session.paid(|other| *other == debt);
        }
        match (&debt, self.program.device) {
            (Debt::Transaction(id), Role::Station) => {
                if self.session.ledger.contains(&debt) {
                    let action = if is_16 { "RemoteStopTransaction" } else { "RequestStopTransaction" };
                    self.chore_call(now, action, &json!({ "transactionId": id }));
                }
            }
            (Debt::Transaction(id), Role::Csms) => {
                if !self.session.ledger.contains(&debt) {
                    return;
                }
                let mut settled = Map::new();
                let action = if is_16 {
                    settled.insert("transactionId".to_owned(), id.clone());
                    "StopTransaction"
                } else {
                    settled.insert("eventType".to_owned(), Value::from("Ended"));
                    settled
                        .insert("transactionInfo".to_owned(), json!({ "transactionId": id, "stoppedReason": "Local" }));
                    "TransactionEvent"
                };
                let request = self.session.standin.request(now, action, &settled);
                self.session.paid(|other| *other == debt);
                self.chore_call(now, action, &request);
            }
            (Debt::Cable(place), _) => self.chore_stimulus(now, "unplug", at(place)),
            (Debt::Fault(place), _) => self.chore_stimulus(now, "clear fault", at(place)),
            (Debt::Jam(place), _) => self.chore_stimulus(now, "free lock", at(place)),
            (Debt::Power, _) => self.chore_stimulus(now, "restore power", Map::new()),
            (Debt::Token(token), _) => {
                let mut with = Map::new();
                with.insert("token".to_owned(), token.clone());
                self.chore_stimulus(now, "remove token", with);
            }
            (Debt::BootDecision, _) => {
                let mut with = Map::new();
                with.insert("status".to_owned(), Value::from("Accepted"));
                self.chore_stimulus(now, "decide boot", with);
            }
            (Debt::Availability(back), _) => self.chore_call(now, "ChangeAvailability", back),
            (Debt::Configuration(key, old), _) => {
                if let Some((action, request)) = self.set_request(key, old) {
                    self.session.config.insert(key.clone(), Some(old.clone()));
                    self.chore_call(now, action, &request);
                }
            }
            (Debt::LocalList, _) => {
                let request = if is_16 {
                    json!({ "listVersion": 1, "updateType": "Full" })
                } else {
                    json!({ "versionNumber": 1, "updateType": "Full" })
                };
                self.chore_call(now, "SendLocalList", &request);
            }
            (Debt::Reservation(id), _) => {
                self.chore_call(now, "CancelReservation", &json!({ "reservationId": id }));
            }
            (Debt::Cache, _) => {
                if self.rig.capabilities.has("AuthorizationCache") {
                    self.chore_call(now, "ClearCache", &json!({}));
                }
            }
        }
    }

    /// Waits until the station under test is idle again.
    pub(super) fn settle(&mut self, now: Timestamp, until: Timestamp) -> bool {
        if self.open.is_some() || self.acting.is_some() {
            return false;
        }
        let busy = self.program.device == Role::Station && self.session.link == LinkState::Up && self.is_unsettled();
        if busy && now < until {
            return false;
        }
        if busy {
            let statuses: Vec<String> =
                self.session.statuses.iter().map(|(connector, status)| format!("{connector} is {status}")).collect();
            self.note(format!("the station did not come to rest: {}", statuses.join(", ")));
            self.session.ledger.clear();
            self.session.oracles.give_up_transactions();
        }
        if self.program.device == Role::Csms {
            self.drop_link(now, None);
        }
        self.finish(now);
        true
    }

    fn is_unsettled(&self) -> bool {
        let running = self.session.ledger.iter().any(|debt| matches!(debt, Debt::Transaction(_)));
        // A car that was there before the case is not waited for.
        let active = self.session.statuses.iter().any(|(connector, status)| {
            !matches!(status.as_str(), "Available" | "Unavailable" | "Faulted" | "Reserved")
                && self.found.get(connector) != Some(status)
        });
        running || active
    }
}

impl super::Session {
    /// Whether the device was ever heard.
    pub fn spoken_once(&self) -> bool {
        self.spoken || !self.statuses.is_empty() || self.accepted
    }
}

/// The component and variable of a short name, or of `Component.Variable[instance]`.
fn variable(version: Version, key: &str) -> Option<(Value, Value)> {
    let (component, variable, instance) = match configuration::variable(version, key) {
        Some(known) => (known.component.to_owned(), known.variable.to_owned(), known.instance.map(str::to_owned)),
        None => {
            let (component, rest) = key.split_once('.')?;
            let (variable, instance) = match rest.split_once('[') {
                Some((variable, instance)) => (variable, Some(instance.trim_end_matches(']').to_owned())),
                None => (rest, None),
            };
            (component.to_owned(), variable.to_owned(), instance)
        }
    };
    let mut named = json!({ "name": variable });
    if let Some(instance) = instance {
        named["instance"] = Value::from(instance);
    }
    Some((json!({ "name": component }), named))
}

fn describe(debt: &Debt) -> String {
    match debt {
        Debt::Cable(_) => "a cable is still plugged in".to_owned(),
        Debt::Fault(_) => "a fault was not cleared".to_owned(),
        Debt::Jam(_) => "a lock is still jammed".to_owned(),
        Debt::Power => "the power is still cut".to_owned(),
        Debt::Transaction(id) => format!("transaction {id} is still running"),
        Debt::Availability(_) => "availability".to_owned(),
        Debt::Configuration(key, old) => format!("{key} is no longer \"{old}\""),
        Debt::LocalList => "the local list".to_owned(),
        Debt::Reservation(id) => format!("reservation {id}"),
        Debt::Token(_) => "a token that was added".to_owned(),
        Debt::BootDecision => "how boots are answered".to_owned(),
        Debt::Cache => "the authorisation cache".to_owned(),
    }
}
