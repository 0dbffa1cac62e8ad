//! Transactions: what begins, moves and ends them, and the events that say so (use cases E01 to E15).

use protocol::Timestamp;
use serde_json::{Map, Value, json};

use super::authorisation::{Token, TokenInfo};
use super::charging_station::ChargingStation;
use super::evse::Evse;
use crate::power::Power;

/// A running transaction.
#[derive(Clone, Debug)]
pub(super) struct Transaction {
    pub(super) id: String,
    next_number: i64,
    /// Who was let in last.
    token: Option<Token>,
    /// Why its authorisation ended, if it did and the transaction goes on.
    stopped: Option<&'static str>,
    /// When the next Updated with values is due.
    pub(super) update_due: Option<Timestamp>,
    /// When the next value for Ended is to be taken.
    pub(super) sample_due: Option<Timestamp>,
    /// What Ended will carry.
    pub(super) samples: Vec<Value>,
}

/// A transaction that a power failure interrupted.
#[derive(Debug)]
pub(super) struct Interrupted {
    evse: u32,
    transaction: Transaction,
    at: Timestamp,
}

/// What holds at an EVSE as far as transactions care.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    connected: bool,
    authorised: bool,
    energy: bool,
    state: Option<&'static str>,
}

impl Facts {
    /// Whether the condition of a start or stop point holds (E01.FR.01 to FR.06).
    fn hold(self, point: &str) -> bool {
        match point {
            "EVConnected" => self.connected,
            "Authorized" => self.authorised,
            "PowerPathClosed" => self.connected && self.authorised,
            "EnergyTransfer" => self.energy,
            _ => false,
        }
    }
}

/// What the next event of a transaction has to say, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Untold {
    /// E01.FR.10
    pub(super) token: Option<Token>,
    /// F01.FR.19
    pub(super) remote_start: Option<i64>,
    /// An EV was connected: where (E01.FR.16).
    pub(super) place: bool,
}

/// Why something happens to a transaction.
#[derive(Clone, Debug)]
pub(super) struct Cause {
    trigger: &'static str,
    stopped: Option<&'static str>,
    token: Option<Token>,
    ends: bool,
    /// An event is due even if nothing else has changed.
    speaks: bool,
    values: Vec<Value>,
}

impl Cause {
    /// An event with this triggerReason.
    pub(super) fn new(trigger: &'static str) -> Cause {
        Cause { trigger, stopped: None, token: None, ends: false, speaks: true, values: Vec::new() }
    }

    /// The reason, should this end the transaction.
    pub(super) fn stopped(self, reason: &'static str) -> Cause {
        Cause { stopped: Some(reason), ..self }
    }

    /// The token that was shown.
    pub(super) fn by(self, token: Token) -> Cause {
        Cause { token: Some(token), ..self }
    }

    /// It ends the transaction whatever the stop points are.
    pub(super) fn ends(self) -> Cause {
        Cause { ends: true, ..self }
    }

    /// The meter values to go with it.
    pub(super) fn with(self, values: Vec<Value>) -> Cause {
        Cause { values, ..self }
    }
}

impl Transaction {
    /// It lost its authorisation and this token is not the one that it had.
    pub(super) fn belongs_to_other(&self, token: &Token) -> bool {
        self.stopped.is_some() && self.token.as_ref().is_some_and(|own| own != token)
    }
}

impl ChargingStation {
    /// Changes that came without a cause of their own.
    pub(super) fn notice_changes(&mut self) {
        for id in self.ids() {
            self.happened(id, Cause { speaks: false, ..Cause::new("ChargingStateChanged") });
        }
    }

    /// Something happened at an EVSE: what it means for the transaction there.
    pub(super) fn happened(&mut self, id: u32, cause: Cause) {
        self.keep_lock(id);
        let facts = self.facts(id);
        let nothing_new = self.evse(id).is_some_and(|evse| evse.seen == facts);
        if nothing_new && !cause.ends && !cause.speaks {
            return;
        }
        let start = self.points("TxStartPoint");
        let stop = self.points("TxStopPoint");
        let Some(evse) = self.evse_mut(id) else {
            return;
        };
        let before = std::mem::replace(&mut evse.seen, facts);
        if evse.transaction.is_none() {
            let reached = start.iter().any(|point| facts.hold(point) && !before.hold(point));
            // Energy never flows outside of a transaction, whatever the start points are.
            let begins = reached || (facts.energy && !before.energy);
            if begins && !cause.ends {
                self.begin(id, cause);
            }
            return;
        }
        let left = stop.iter().any(|point| before.hold(point) && !facts.hold(point));
        let news = cause.speaks || facts.state != before.state;
        if cause.ends || left {
            self.end(id, cause);
        } else if news {
            self.tell_event(id, "Updated", cause);
        }
    }

    /// The authorisation at an EVSE ends.
    pub(super) fn deauthorise(&mut self, id: u32, cause: Cause) {
        if let Some(evse) = self.evse_mut(id) {
            evse.let_go();
            if let Some(transaction) = &mut evse.transaction {
                transaction.stopped = cause.stopped;
            } else {
                evse.untold.token = None;
                evse.untold.remote_start = None;
            }
        }
        self.happened(id, cause);
    }

    fn begin(&mut self, id: u32, cause: Cause) {
        let faulted = self.evse(id).is_none_or(|evse| evse.fault.is_some());
        // On its way down it could not tell the end of one.
        let goes_down = self.power != Power::On;
        if goes_down || faulted || self.is_inoperative(id) || !self.storage.accepted_once {
            return;
        }
        self.storage.transactions_begun += 1;
        let transaction = Transaction {
            id: self.fresh_transaction_id(id),
            next_number: 0,
            token: None,
            stopped: None,
            update_due: self.due("TxUpdatedInterval"),
            sample_due: self.due("TxEndedInterval"),
            samples: Vec::new(),
        };
        if let Some(evse) = self.evse_mut(id) {
            evse.transaction = Some(transaction);
            evse.untold.place = evse.ev_connected();
        }
        // E01.FR.09
        let at = self.clock();
        let mut values = self.measure(id, "SampledDataCtrlr", "TxStartedMeasurands", "Transaction.Begin", at);
        if !values.is_empty() && self.faults.hits("station-begins-without-meter-values") {
            values.clear();
        }
        self.keep_sample(id, "Transaction.Begin", at);
        self.tell_event(id, "Started", cause.with(values));
    }

    fn end(&mut self, id: u32, cause: Cause) {
        let kept = self.evse(id).and_then(|evse| {
            // The owner gets his cable back when he shows his token (E05.FR.11).
            let refused = cause.trigger == "Deauthorized";
            let driver = evse.transaction.as_ref().and_then(|transaction| transaction.token.clone());
            driver.filter(|_| refused && self.is_lockable() && evse.plugged)
        });
        self.keep_sample(id, "Transaction.End", self.clock());
        if let Some(evse) = self.evse_mut(id) {
            evse.let_go();
            if let Some(token) = kept {
                evse.locked = true;
                evse.held_for = Some(super::evse::Authorised { token, group: None, waiting_since: None });
            }
        }
        let facts = self.facts(id);
        if let Some(evse) = self.evse_mut(id) {
            evse.seen = facts;
        }
        let values = self
            .evse_mut(id)
            .and_then(|evse| evse.transaction.as_mut())
            .map(|transaction| std::mem::take(&mut transaction.samples))
            .filter(|samples| samples.is_empty() || !self.faults.hits("station-ends-without-meter-values"));
        self.tell_event(id, "Ended", cause.with(values.unwrap_or_default()));
        if let Some(evse) = self.evse_mut(id) {
            evse.transaction = None;
            evse.untold = Untold::default();
        }
    }

    /// Puts an event into the queue.
    fn tell_event(&mut self, id: u32, kind: &'static str, cause: Cause) {
        let at = self.clock();
        let offline = !self.is_online();
        let state = self.facts(id).state;
        let Some(evse) = self.evse_mut(id) else {
            return;
        };
        let Some(mut transaction) = evse.transaction.take() else {
            return;
        };
        let mut untold = std::mem::take(&mut evse.untold);
        let place = untold.place && evse.ev_connected();
        untold.place &= !place;
        let default_reason = default_reason(evse);
        if let Some(token) = &untold.token {
            transaction.token = Some(token.clone());
            transaction.stopped = None;
        }
        // The next event after a remote start says so (F01.FR.19, F02.FR.21).
        let ignored = untold.remote_start.is_some() && self.faults.hits("station-forgets-remote-start-id");
        let remote_start = untold.remote_start.take().filter(|_| !ignored);
        let trigger = if remote_start.is_some() && kind != "Ended" { "RemoteStart" } else { cause.trigger };
        let mut info = json!({ "transactionId": transaction.id });
        if let Some(state) = state {
            info["chargingState"] = state.into();
        }
        if let Some(number) = remote_start {
            info["remoteStartId"] = number.into();
        }
        if kind == "Ended" {
            let reason = cause.stopped.or(transaction.stopped).unwrap_or(default_reason);
            if reason == "Local" || !self.faults.hits("station-leaves-out-stopped-reason") {
                info["stoppedReason"] = reason.into();
            }
        }
        let mut payload = json!({
            "eventType": kind,
            "timestamp": at.to_string(),
            "triggerReason": trigger,
            "seqNo": transaction.next_number,
            "transactionInfo": info,
        });
        if kind != "Updated" || !self.faults.hits("station-repeats-sequence-numbers") {
            transaction.next_number += 1;
        }
        if offline && !self.faults.hits("station-hides-being-offline") {
            payload["offline"] = true.into();
        }
        if place {
            payload["evse"] = json!({ "id": id, "connectorId": 1 });
        }
        let token = cause.token.or(untold.token.take());
        if let Some(token) = token.filter(|_| !self.faults.hits("station-leaves-out-the-token")) {
            payload["idToken"] = token.to_json();
        }
        if !cause.values.is_empty() {
            payload["meterValue"] = Value::Array(cause.values);
        }
        if let Some(evse) = self.evse_mut(id) {
            evse.transaction = Some(transaction);
            evse.untold = untold;
        }
        self.queue(id, payload);
    }

    /// The CSMS has answered an event; it may have something to say about the token (E05, C15).
    pub(super) fn event_answered(&mut self, id: u32, event: &Value, answer: &Value) {
        let Some(info) = answer.get("idTokenInfo").and_then(TokenInfo::read) else {
            return;
        };
        let token = Token::read(&event["idToken"]);
        if let Some(token) = &token {
            self.learn(token, &info);
        }
        let accepted = info.status == "Accepted";
        let running = &event["transactionInfo"]["transactionId"];
        let concerned = self.evse_mut(id).filter(|evse| {
            evse.transaction.as_ref().is_some_and(|transaction| *running == transaction.id)
                && evse.authorised.as_ref().map(|driver| &driver.token) == token.as_ref()
        });
        let Some(evse) = concerned else {
            return;
        };
        if accepted {
            if let Some(driver) = &mut evse.authorised {
                driver.group = info.group.or(driver.group.take());
            }
        } else if !self.faults.hits("station-charges-refused-tokens") {
            self.refused(id);
        }
    }

    /// The token of a running transaction is not accepted (E05).
    fn refused(&mut self, id: u32) {
        if self.storage.model.is_true("TxCtrlr", "StopTxOnInvalidId") {
            self.deauthorise(id, Cause::new("Deauthorized").stopped("DeAuthorized"));
            return;
        }
        let allowance = self.storage.model.integer("TxCtrlr", "MaxEnergyOnInvalidId").filter(|wh| *wh > 0);
        if let Some(evse) = self.evse_mut(id) {
            match allowance {
                Some(wh) => evse.energy_until_wh = Some(evse.register().saturating_add(wh)),
                None => evse.withheld = true,
            }
        }
    }

    /// Ends every transaction, for a cause that concerns the whole station.
    pub(super) fn end_all(&mut self, cause: &Cause) {
        for id in self.ids() {
            if let Some(evse) = self.evse_mut(id) {
                evse.let_go();
            }
            self.happened(id, cause.clone().ends());
        }
    }

    /// The power fails: what runs is told once the station is back.
    pub(super) fn interrupt_transactions(&mut self) {
        let at = self.clock();
        for id in self.ids() {
            self.keep_sample(id, "Transaction.End", at);
            if let Some(transaction) = self.evse_mut(id).and_then(|evse| evse.transaction.take()) {
                self.storage.interrupted.push(Interrupted { evse: id, transaction, at });
            }
        }
    }

    pub(super) fn end_interrupted_transactions(&mut self) {
        for Interrupted { evse, transaction, at } in std::mem::take(&mut self.storage.interrupted) {
            let mut payload = json!({
                "eventType": "Ended",
                "timestamp": at.to_string(),
                "triggerReason": "AbnormalCondition",
                "seqNo": transaction.next_number,
                "offline": true,
                "transactionInfo": { "transactionId": transaction.id, "stoppedReason": "PowerLoss" },
            });
            if !transaction.samples.is_empty() {
                payload["meterValue"] = Value::Array(transaction.samples);
            }
            self.queue(evse, payload);
        }
    }

    /// E14
    pub(super) fn transaction_status(&self, request: &Map<String, Value>) -> Value {
        let Some(id) = request.get("transactionId").and_then(Value::as_str) else {
            return json!({ "messagesInQueue": !self.storage.queue.is_empty() });
        };
        let is_it = |own: &str| own.eq_ignore_ascii_case(id);
        let ongoing = self.evse_of(id).is_some();
        let in_queue = self
            .storage
            .queue
            .iter()
            .any(|queued| queued.payload["transactionInfo"]["transactionId"].as_str().is_some_and(is_it));
        json!({ "ongoingIndicator": ongoing, "messagesInQueue": in_queue })
    }

    /// The EVSE on which a transaction runs.
    pub(super) fn evse_of(&self, transaction: &str) -> Option<u32> {
        let runs = |evse: &&Evse| evse.transaction.as_ref().is_some_and(|own| own.id.eq_ignore_ascii_case(transaction));
        self.evses.iter().find(runs).map(|evse| evse.id)
    }

    /// What holds at an EVSE now.
    pub(super) fn facts(&self, id: u32) -> Facts {
        let Some(evse) = self.evse(id) else {
            return Facts::default();
        };
        let connected = evse.ev_connected();
        let authorised = evse.authorised.is_some();
        let energy = self.energy_flows(evse);
        let state = match (connected, authorised) {
            (false, _) => "Idle",
            (true, false) => "EVConnected",
            (true, true) if energy => "Charging",
            // Suspended by both: the station's side wins.
            (true, true) if evse.ev_paused && !evse.withheld && evse.fault.is_none() => "SuspendedEV",
            (true, true) => "SuspendedEVSE",
        };
        Facts { connected, authorised, energy, state: Some(state) }
    }

    /// Holds the cable while somebody charges; where that fails nobody does (G05.FR.01).
    fn keep_lock(&mut self, id: u32) {
        let lockable = self.is_lockable();
        let Some(evse) = self.evse_mut(id) else {
            return;
        };
        if !lockable || evse.locked || !evse.ev_connected() || evse.authorised.is_none() {
            return;
        }
        if !evse.jammed {
            evse.locked = true;
            return;
        }
        evse.let_go();
        evse.untold.token = None;
        evse.untold.remote_start = None;
        if !evse.lock_failed {
            evse.lock_failed = true;
            self.tell_lock_problem(id, true);
        }
    }

    pub(super) fn is_lockable(&self) -> bool {
        self.settings.lock && !self.settings.fixed_cable
    }

    fn points(&self, name: &str) -> Vec<String> {
        self.storage.model.list("TxCtrlr", name).map(str::to_owned).collect()
    }

    /// An id that never comes again, over reboots and updates too (E01.FR.08).
    fn fresh_transaction_id(&mut self, id: u32) -> String {
        let count = if self.faults.hits("station-repeats-transaction-ids") {
            u64::from(id)
        } else {
            self.storage.transactions_begun ^ self.now.0.unsigned_abs().rotate_left(20)
        };
        let mix = |salt: u64| {
            let mut mixed = count.wrapping_add(salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        };
        let (high, low) = (mix(1), mix(2));
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            low >> 52,
            low & 0xffff_ffff_ffff
        )
    }
}

/// The reason where no cause gives one.
fn default_reason(evse: &Evse) -> &'static str {
    if !evse.ev_connected() {
        "EVDisconnected"
    } else if evse.ev_paused {
        "StoppedByEV"
    } else {
        "Other"
    }
}
