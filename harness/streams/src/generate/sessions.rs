//! Whole charging sessions, whose steps are strewn between everything else: so that there is a state to be upset.

use std::collections::VecDeque;

use protocol::catalogue::Catalogue;
use protocol::generate::{one_in, pick};
use protocol::stimulus::Stimulus;
use protocol::{Role, Version};
use serde_json::{Map, Value, json};

use super::Maker;
use super::payload::Side;
use super::writing::{Payload, Piece, Style, array};
use crate::Act;
use crate::act::Hole;

/// How long a pause is, in milliseconds: a moment that clocks can tell, some seconds, a minute, several, and more
/// than two heartbeats.
const PAUSES: [u64; 5] = [1_500, 12_000, 70_000, 240_000, 720_000];

impl Maker<'_, '_> {
    /// Puts the steps of a session on the agenda.
    pub(super) fn plan_session(&mut self) {
        let steps = match (self.view.device, self.view.version) {
            (Role::Csms, Version::V16) => self.session_16(),
            (Role::Csms, _) => self.session_2(),
            (Role::Station, _) => self.session_of_station(),
        };
        self.memory.agenda = steps.into_iter().flatten().collect::<VecDeque<Act>>();
    }

    /// We are a station of 1.6.
    fn session_16(&mut self) -> Vec<Option<Act>> {
        let at = self.outlet();
        let status = |status: &str| json!({ "connectorId": at, "status": status, "errorCode": "NoError" });
        let token = self.session_token();
        let newest = newest_transaction(self.view.version);
        let known = || vec![("/transactionId".to_owned(), newest.clone())];
        vec![
            self.step("StatusNotification", status("Preparing"), Vec::new()),
            self.step("Authorize", json!({ "idTag": token }), Vec::new()),
            self.step("StartTransaction", json!({ "connectorId": at, "idTag": token, "meterStart": 1000 }), Vec::new()),
            self.step("StatusNotification", status("Charging"), Vec::new()),
            self.step("MeterValues", json!({ "connectorId": at, "transactionId": 1 }), known()),
            self.step("StopTransaction", json!({ "transactionId": 1, "idTag": token, "meterStop": 2000 }), known()),
            self.step("StatusNotification", status("Available"), Vec::new()),
        ]
    }

    /// We are a station of 2.x.
    fn session_2(&mut self) -> Vec<Option<Act>> {
        let at = self.outlet();
        let token = json!({ "idToken": self.session_token(), "type": "ISO14443" });
        let number = self.memory.next_id();
        self.memory.transactions.push(number);
        let status = |status: &str| json!({ "evseId": at, "connectorId": 1, "connectorStatus": status });
        let event = |kind: &str, reason: &str, seq: u32, state: &str| {
            json!({
                "eventType": kind, "triggerReason": reason, "seqNo": seq, "evse": { "id": at, "connectorId": 1 },
                "transactionInfo": { "transactionId": "transaction", "chargingState": state },
                "idToken": token,
            })
        };
        let ours = || vec![("/transactionInfo/transactionId".to_owned(), Hole::Id(number))];
        vec![
            self.step("StatusNotification", status("Occupied"), Vec::new()),
            self.step("Authorize", json!({ "idToken": token }), Vec::new()),
            self.step("TransactionEvent", event("Started", "Authorized", 0, "EVConnected"), ours()),
            self.step("TransactionEvent", event("Updated", "ChargingStateChanged", 1, "Charging"), ours()),
            self.step("TransactionEvent", event("Updated", "MeterValuePeriodic", 2, "Charging"), ours()),
            self.step("TransactionEvent", event("Ended", "StopAuthorized", 3, "EVConnected"), ours()),
            self.step("StatusNotification", status("Available"), Vec::new()),
        ]
    }

    /// Somebody charges at the station.
    fn session_of_station(&mut self) -> Vec<Option<Act>> {
        let at = self.outlet();
        let token = self.session_token();
        let is_remote = one_in(2, self.choices);
        let (start, stop) = match self.view.version {
            Version::V16 => ("RemoteStartTransaction", "RemoteStopTransaction"),
            _ => ("RequestStartTransaction", "RequestStopTransaction"),
        };
        let begin = match self.view.version {
            Version::V16 => json!({ "connectorId": at, "idTag": token }),
            _ => json!({ "evseId": at, "idToken": { "idToken": token, "type": "ISO14443" } }),
        };
        let stand_in = if self.view.version == Version::V16 { json!(1) } else { json!("transaction") };
        let newest = newest_transaction(self.view.version);
        let known = || vec![("/transactionId".to_owned(), newest.clone())];
        let begin = if is_remote { self.step(start, begin, Vec::new()) } else { self.present(at, &token) };
        let end = if one_in(2, self.choices) {
            self.step(stop, json!({ "transactionId": stand_in }), known())
        } else {
            self.present(at, &token)
        };
        let plug = self.stimulus(at, "plug in", None);
        let (first, second) = if one_in(2, self.choices) { (begin, plug) } else { (plug, begin) };
        let middle = match self.choices.choose(6) {
            0 => self.stimulus(at, "charge", Some(("for", json!(1)))),
            1 => self.trigger(0, "MeterValues"),
            2 => self.stimulus(at, "pause by ev", None),
            3 => self.inoperative(at),
            4 => self.gentle_reset(),
            _ => {
                let verbs = ["cause fault", "reboot", "resume by ev"];
                let verb = pick(&verbs, self.choices).copied().unwrap_or("charge");
                self.stimulus(at, verb, None)
            }
        };
        let unplug = self.stimulus(at, "unplug", None);
        let clear = self.stimulus(at, "clear fault", None);
        let steps = [first, second, self.stimulus(at, "charge", Some(("for", json!(1)))), middle, end, unplug, clear];
        self.with_pauses(steps.into_iter().collect())
    }

    /// The steps with time between them, now and then: what is due takes time to become so.
    fn with_pauses(&mut self, steps: Vec<Option<Act>>) -> Vec<Option<Act>> {
        if self.view.longest_pass_ms == 0 {
            return steps;
        }
        let mut paused = Vec::new();
        for step in steps {
            paused.push(step);
            if one_in(6, self.choices) {
                paused.push(Some(self.pause()));
            }
        }
        paused
    }

    /// Time goes by: a moment, or as long as it takes a station to do what it does by itself.
    pub(super) fn pause(&mut self) -> Act {
        Act::Pass { ms: pick(&PAUSES, self.choices).copied().unwrap_or(1000) }
    }

    /// A way to charge in which something is out of the ordinary, with time enough to see what comes of it.
    pub(super) fn eventful_act(&mut self) -> Act {
        let (at, token) = (self.outlet(), self.session_token());
        let plug = self.stimulus(at, "plug in", None);
        let present = self.present(at, &token);
        let unplug = self.stimulus(at, "unplug", None);
        let moment = || Some(Act::Pass { ms: PAUSES[0] });
        let long = || Some(Act::Pass { ms: PAUSES[3] });
        let steps = match self.choices.choose(7) {
            // Nobody is remembered.
            0 => {
                let clear = self.step("ClearCache", json!({}), Vec::new());
                let list = self.step("GetLocalListVersion", json!({}), Vec::new());
                let session = [plug, present.clone(), moment(), present, unplug, moment()];
                session.clone().into_iter().chain([clear, list, moment()]).chain(session).collect()
            }
            // Somebody is let in, and comes back much later.
            1 => vec![self.connection_time_out(), present, long(), moment(), plug, moment(), unplug],
            // Somebody is let in or not, and the cable comes after that.
            2 => vec![present.clone(), moment(), plug, moment(), present, long(), unplug],
            // What is told of the transaction is refused once.
            3 => {
                let action = match (self.view.version, self.choices.choose(2)) {
                    (Version::V16, 0) => "StartTransaction",
                    (Version::V16, _) => "StopTransaction",
                    _ => "TransactionEvent",
                };
                let pieces = [
                    Piece::Raw("4"),
                    Piece::Hole(Hole::Asked),
                    Piece::Word("InternalError"),
                    Piece::Word(""),
                    Piece::Raw("{}"),
                ];
                let text = Some(array(&pieces, Style::default()));
                let refused = Act::Answer { link: 0, action: Some(action.to_owned()), text, times: 1 };
                let settings = self.step("GetConfiguration", json!({}), Vec::new());
                vec![settings, Some(refused), plug, present, moment(), unplug, long()]
            }
            // The transaction is not accepted, though the token was.
            4 => {
                let blocked = json!({ "status": "Blocked" });
                let (action, fields) = match self.view.version {
                    Version::V16 => ("StartTransaction", json!({ "transactionId": 77, "idTagInfo": blocked })),
                    _ => ("TransactionEvent", json!({ "idTokenInfo": blocked })),
                };
                let pieces = [Piece::Raw("3"), Piece::Hole(Hole::Asked), Piece::Payload(&Payload::new(fields))];
                let text = Some(array(&pieces, Style::default()));
                let refused = Act::Answer { link: 0, action: Some(action.to_owned()), text, times: 1 };
                let settings = self.step("GetConfiguration", json!({}), Vec::new());
                vec![settings, plug, Some(refused), present, long(), unplug]
            }
            // An answer does not come, while there is more to tell.
            5 => {
                let silence = Act::Answer { link: 0, action: None, text: None, times: 1 };
                let (one, other) = (self.trigger(0, "Heartbeat"), self.trigger(0, "StatusNotification"));
                vec![Some(silence), plug, present, one, other, unplug]
            }
            // It is to go down, or out of order, while somebody charges.
            _ => {
                let command = if one_in(2, self.choices) { self.gentle_reset() } else { self.inoperative(at) };
                vec![plug, present.clone(), moment(), command, long(), present, moment(), unplug, long()]
            }
        };
        self.memory.queue.extend(steps.into_iter().flatten());
        self.memory.queue.pop_front().unwrap_or(Act::Pass { ms: PAUSES[0] })
    }

    /// Asks how long a driver has until he plugs in.
    fn connection_time_out(&mut self) -> Option<Act> {
        match self.view.version {
            Version::V16 => self.step("GetConfiguration", json!({}), Vec::new()),
            _ => {
                let named =
                    json!({ "component": { "name": "TxCtrlr" }, "variable": { "name": "EVConnectionTimeOut" } });
                self.step("GetVariables", json!({ "getVariableData": [named] }), Vec::new())
            }
        }
    }

    fn gentle_reset(&mut self) -> Option<Act> {
        let kind = if self.view.version == Version::V16 { "Soft" } else { "OnIdle" };
        self.step("Reset", json!({ "type": kind }), Vec::new())
    }

    fn inoperative(&mut self, at: i64) -> Option<Act> {
        let fields = match self.view.version {
            Version::V16 => json!({ "connectorId": at, "type": "Inoperative" }),
            _ => json!({ "evse": { "id": at }, "operationalStatus": "Inoperative" }),
        };
        self.step("ChangeAvailability", fields, Vec::new())
    }

    fn outlet(&mut self) -> i64 {
        1 + self.choices.choose(self.view.connectors.unsigned_abs()) as i64
    }

    /// A token that is let in, most of the time.
    fn session_token(&mut self) -> String {
        let tokens = self.view.tokens;
        if one_in(5, self.choices) {
            let at = self.choices.choose(tokens.len() as u64) as usize;
            return tokens.values().nth(at).cloned().unwrap_or_default();
        }
        tokens.get("valid").or_else(|| tokens.values().next()).cloned().unwrap_or_default()
    }

    fn step(&mut self, action: &str, fields: Value, holes: Vec<(String, Hole)>) -> Option<Act> {
        let message = Catalogue::of(self.view.version).message(action)?;
        let fields: Map<String, Value> = fields.as_object().cloned().unwrap_or_default();
        let mut payload = self.with_fields(message, Side::Request, &fields);
        for (path, hole) in holes {
            payload.hole(path, hole);
        }
        Some(Act::Send { link: 0, text: self.call(message, &payload) })
    }

    fn present(&self, at: i64, token: &str) -> Option<Act> {
        let token = json!({ "idToken": token, "type": "ISO14443" });
        self.stimulus(at, "present token", Some(("token", token)))
    }

    /// Something done to the station, if it can be.
    pub(super) fn stimulus(&self, at: i64, verb: &str, more: Option<(&str, Value)>) -> Option<Act> {
        if !self.can(verb) {
            return None;
        }
        // In 1.6 the number of the connector stands in both.
        let connector = if self.view.version == Version::V16 { at } else { 1 };
        let mut with = Map::from_iter([("at".to_owned(), json!({ "evse": at, "connector": connector }))]);
        with.extend(more.map(|(name, value)| (name.to_owned(), value)));
        let stimulus = Stimulus { party: Role::Station, verb: verb.to_owned(), with };
        Some(Act::Stimulate { link: 0, stimulus })
    }

    /// Something done to the CSMS, if it can be.
    pub(super) fn at_the_csms(&self, link: usize, verb: &str, with: Value) -> Option<Act> {
        let with = with.as_object().cloned().filter(|_| self.can(verb))?;
        let stimulus = Stimulus { party: Role::Csms, verb: verb.to_owned(), with };
        Some(Act::Stimulate { link, stimulus })
    }
}

/// The transaction that is newest when the step is done.
fn newest_transaction(version: Version) -> Hole {
    let otherwise = if version == Version::V16 { "1" } else { "\"transaction\"" };
    Hole::Known { name: "transactionId".to_owned(), back: 0, otherwise: otherwise.to_owned() }
}
