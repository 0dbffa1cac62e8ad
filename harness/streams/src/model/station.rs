//! What is known of one station: both when it is the device and when we play it towards a CSMS.

use std::collections::{BTreeMap, VecDeque};

use protocol::{Timestamp, Version};
use serde_json::Value;

use super::duties::Duty;
use super::past::Past;
use super::state::State;

/// A station.
#[derive(Clone, Debug, Default)]
pub(super) struct Station {
    pub(super) identity: String,
    /// How many links of it are open.
    pub(super) links: usize,
    pub(super) registration: Registration,
    /// It was accepted, and its next boot was not: calls may be under way.
    pub(super) turned_away: bool,
    /// That boot came because the CSMS wished it: what the station makes of the answer is open.
    pub(super) booted_on_wish: bool,
    /// When the last boot was answered, and the interval it was given, in seconds.
    pub(super) answered_boot: Option<(Timestamp, i64)>,
    /// Counts what may have changed the station without our knowing: stimuli, lost links, answers that were not plain.
    pub(super) disturbances: u64,
    /// Counts what may have kept a message from us, or made the station say it again.
    pub(super) losses: u64,
    /// The disturbances when the last boot was answered.
    pub(super) boot_disturbances: u64,
    /// The losses then.
    pub(super) boot_losses: u64,
    /// Whether a remote start was sent.
    pub(super) remote_started: bool,
    /// Reports that were asked for, and whether there is surely only one of the id.
    pub(super) asked_reports: VecDeque<(i64, bool)>,
    /// Ids that more than one transaction may have: our answers are not always plain.
    pub(super) shared: VecDeque<String>,
    /// An answer to a start could not be read; perhaps the station can.
    pub(super) ids_in_doubt: bool,
    /// The transaction whose end we answered last, and the number of that event.
    pub(super) end_answered: Option<(String, Option<i64>)>,
    /// When something was last done to it that may end a transaction, and how often a token was presented.
    pub(super) ending_given: Option<Timestamp>,
    pub(super) presented: u32,
    pub(super) connectors: BTreeMap<i64, Connector>,
    /// The connector (1.6) or EVSE (2.x) that was dealt with last.
    pub(super) focus: i64,
    pub(super) transactions: Vec<Transaction>,
    /// How many were begun.
    pub(super) begun: u64,
    /// Ids of transactions whose end was seen.
    pub(super) ended: VecDeque<String>,
    pub(super) list: List,
    /// What was known before the update that is on its way.
    pub(super) previous_list: List,
    /// The reservation that the last request was about, if it was known.
    pub(super) asked_about: Option<Reservation>,
    /// The id that the last request about reservations named, if it was certainly none.
    pub(super) was_cancelled: Option<i64>,
    /// The availability that the last change was about, as it was known.
    pub(super) previous_operative: Option<(i64, (bool, u64))>,
    /// The transaction that the last stop was about, if it surely ran.
    pub(super) asked_to_stop: Option<String>,
    pub(super) reservations: Vec<Reservation>,
    /// Ids of reservations that are certainly none.
    pub(super) cancelled: VecDeque<i64>,
    /// Configuration keys that were told, by their name in lower case: whether they can only be read.
    pub(super) keys: BTreeMap<String, bool>,
    pub(super) profiles: VecDeque<i64>,
    /// What was asked for by triggers and report requests.
    pub(super) triggered: Vec<String>,
    /// Boots that were asked for and have not come yet.
    pub(super) boots_triggered: u32,
    /// The time in its CSMS' last answer, and when that came.
    pub(super) told_time: Option<(Timestamp, Timestamp)>,
    /// The next number of a report, by request.
    pub(super) reports: VecDeque<(i64, i64)>,
    /// Tokens that the CSMS let in, as they were spelt.
    pub(super) accepted_tokens: VecDeque<String>,
    /// Tokens that the CSMS refused last, and when.
    pub(super) refused_tokens: VecDeque<(String, Timestamp)>,
    /// What rules about whole sessions look back on.
    pub(super) past: Past,
    /// What it owes.
    pub(super) duties: Vec<Duty>,
    /// What its CSMS called it with last, and in which act.
    pub(super) called: Option<(String, usize)>,
    /// Transaction messages that failed.
    pub(super) failed: VecDeque<String>,
    /// Starts of 1.6 that it sent, and those that were plainly answered.
    pub(super) starts: u64,
    pub(super) starts_answered: u64,
}

/// What the CSMS has decided about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Registration {
    /// Not seen, or not for certain.
    #[default]
    Unknown,
    Pending,
    Rejected,
    Accepted,
}

/// A connector of 1.6, an EVSE of 2.x.
#[derive(Clone, Debug, Default)]
pub(super) struct Connector {
    /// As it was reported last.
    pub(super) status: Option<State>,
    /// The disturbances when that was.
    pub(super) told: u64,
    /// What a change of availability that was Accepted made of it, as long as nothing came in between.
    pub(super) operative: Option<(bool, u64)>,
}

/// A transaction that runs.
#[derive(Clone, Debug)]
pub(super) struct Transaction {
    pub(super) id: String,
    pub(super) connector: i64,
    pub(super) token: String,
    /// What makes two starts the same: connector and time.
    pub(super) start: String,
    pub(super) meter_start: i64,
    /// The last number (2.x), and whether we answered the event plainly.
    pub(super) sequence: Option<i64>,
    pub(super) answered: bool,
    /// The losses when it was heard of last.
    pub(super) losses: u64,
    /// Whether somebody is authorised on it.
    pub(super) authorised: bool,
    /// The disturbances up to which it surely runs; `None` if that is not sure even so.
    pub(super) sure: Option<u64>,
}

/// The local list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct List {
    /// The version, if it is known.
    pub(super) version: Option<i64>,
    /// Whether there are entries, if it is known.
    pub(super) filled: Option<bool>,
    /// Whether an update was sent in the episode.
    pub(super) touched: bool,
}

/// A reservation that was accepted.
#[derive(Clone, Debug)]
pub(super) struct Reservation {
    pub(super) id: i64,
    pub(super) connector: i64,
    pub(super) token: String,
    /// Whether it is for a group as well.
    pub(super) group: bool,
    pub(super) expires: Timestamp,
    pub(super) disturbances: u64,
}

/// How many of each kind are remembered.
const REMEMBERED: usize = 64;
/// How many keys and connectors.
const MANY: usize = 500;

impl Station {
    pub(super) fn new(identity: &str) -> Station {
        Station { identity: identity.to_owned(), focus: 1, ..Station::default() }
    }

    pub(super) fn state(&self) -> State {
        if self.links == 0 {
            return State::Offline;
        }
        match self.registration {
            Registration::Unknown => return State::Unregistered,
            Registration::Pending => return State::Pending,
            Registration::Rejected => return State::Rejected,
            Registration::Accepted => {}
        }
        let told = self.connectors.get(&self.focus).and_then(|connector| connector.status);
        match (self.running_at(self.focus), told) {
            (Some(_), Some(State::Suspended)) => State::Suspended,
            (Some(_), _) => State::Charging,
            (None, Some(status)) => status,
            (None, None) => State::Idle,
        }
    }

    pub(super) fn connector(&mut self, number: i64) -> Option<&mut Connector> {
        if self.connectors.len() >= MANY && !self.connectors.contains_key(&number) {
            return None;
        }
        Some(self.connectors.entry(number).or_default())
    }

    pub(super) fn status(&self, number: i64) -> Option<State> {
        self.connectors.get(&number)?.status
    }

    pub(super) fn running_at(&self, number: i64) -> Option<&Transaction> {
        self.transactions.iter().rev().find(|transaction| transaction.connector == number)
    }

    pub(super) fn running(&self, id: &str) -> Option<&Transaction> {
        self.transactions.iter().find(|transaction| transaction.id == id)
    }

    /// Whether it runs beyond doubt.
    pub(super) fn is_sure(&self, transaction: &Transaction) -> bool {
        transaction.sure == Some(self.disturbances)
    }

    pub(super) fn begin(&mut self, transaction: Transaction) {
        if self.running(&transaction.id).is_some() || self.has_ended(&transaction.id) {
            remember(&mut self.shared, transaction.id.clone());
        }
        self.transactions.retain(|other| other.id != transaction.id);
        if self.transactions.len() >= REMEMBERED {
            self.transactions.remove(0);
        }
        self.ended.retain(|id| *id != transaction.id);
        self.focus = transaction.connector;
        self.begun += 1;
        self.transactions.push(transaction);
    }

    pub(super) fn end(&mut self, id: &str) {
        if let Some(at) = self.transactions.iter().position(|transaction| transaction.id == id) {
            self.focus = self.transactions.remove(at).connector;
        }
        if !self.has_ended(id) {
            remember(&mut self.ended, id.to_owned());
        }
    }

    pub(super) fn has_ended(&self, id: &str) -> bool {
        self.ended.iter().any(|ended| ended == id)
    }

    /// Whether this id was given to one transaction only, and that has ended.
    pub(super) fn is_over(&self, id: &str) -> bool {
        self.has_ended(id) && self.running(id).is_none() && !self.ids_in_doubt && !self.is_shared(id)
    }

    /// Whether this id was given to several transactions.
    pub(super) fn is_shared(&self, id: &str) -> bool {
        self.shared.iter().any(|shared| shared == id)
    }

    /// No transaction on this connector is beyond doubt any more.
    pub(super) fn doubt(&mut self, connector: i64) {
        for transaction in self.transactions.iter_mut().filter(|transaction| transaction.connector == connector) {
            transaction.sure = None;
        }
    }

    /// Something may have happened that the wire does not tell.
    pub(super) fn disturb(&mut self) {
        self.disturbances += 1;
    }

    /// Something was done to it from outside; news of that may stand behind other messages.
    pub(super) fn stimulated(&mut self, verb: &str, at: Timestamp) {
        self.disturb();
        self.past_stimulated(verb, at);
        self.presented += u32::from(verb == "present token");
        // What a remote start began a token may end.
        let first = self.presented == 1 && !self.remote_started;
        let begins = matches!(verb, "plug in" | "charge") || (verb == "present token" && first);
        if !begins {
            self.ending_given = Some(at);
        }
    }

    /// Whether a transaction that began then may be over although nothing was heard of that yet.
    pub(super) fn may_be_over(&self, began: &str) -> bool {
        let Some(given) = self.ending_given else { return false };
        Timestamp::parse(began).is_none_or(|began| began.0 <= given.0.saturating_add(1_000_000))
    }

    /// A message may have been lost, or will come again.
    pub(super) fn lose(&mut self) {
        self.disturb();
        self.losses += 1;
        self.asked_reports.iter_mut().for_each(|(_, sure)| *sure = false);
        self.refused_tokens.clear();
    }

    /// All that was learned of what can be set by us is in doubt.
    pub(super) fn forget(&mut self) {
        self.disturb();
        self.past_forgets();
        self.list = List { touched: true, ..List::default() };
        self.reservations.clear();
        self.cancelled.clear();
        self.keys.clear();
        self.profiles.clear();
    }

    pub(super) fn reservation(&self, id: i64) -> Option<&Reservation> {
        self.reservations.iter().find(|reservation| reservation.id == id)
    }

    /// The reservation that surely keeps this connector.
    pub(super) fn kept(&self, connector: i64, now: Timestamp) -> Option<&Reservation> {
        if connector < 1 || self.status(connector) != Some(State::Reserved) {
            return None;
        }
        self.reservations.iter().find(|reservation| {
            reservation.connector == connector
                && reservation.disturbances == self.disturbances
                && reservation.expires.0 > now.0.saturating_add(60_000_000)
        })
    }

    pub(super) fn reserve(&mut self, reservation: Reservation) {
        self.reservations.retain(|other| other.id != reservation.id);
        self.cancelled.retain(|id| *id != reservation.id);
        if self.reservations.len() >= REMEMBERED {
            self.reservations.remove(0);
        }
        self.reservations.push(reservation);
    }

    pub(super) fn learn_key(&mut self, name: &str, readonly: bool) {
        if self.keys.len() < MANY {
            self.keys.insert(name.to_lowercase(), readonly);
        }
    }

    pub(super) fn was_triggered(&self, action: &str) -> bool {
        self.triggered.iter().any(|message| message == action)
    }

    pub(super) fn trigger(&mut self, action: &str) {
        if self.triggered.len() < REMEMBERED && !self.was_triggered(action) {
            self.triggered.push(action.to_owned());
        }
    }
}

/// Adds to a row that forgets its oldest.
pub(super) fn remember<T>(row: &mut VecDeque<T>, value: T) {
    if row.len() >= REMEMBERED {
        row.pop_front();
    }
    row.push_back(value);
}

/// The text of a field; empty if it is absent or something else.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or("")
}

/// The whole number of a field.
pub(super) fn integer(value: &Value, name: &str) -> Option<i64> {
    value.get(name).and_then(Value::as_i64)
}

/// The connector (1.6) or EVSE (2.x) that a request of this version is about, if it names one.
pub(super) fn place(version: Version, request: &Value) -> Option<i64> {
    match version {
        Version::V16 => integer(request, "connectorId"),
        _ => integer(request, "evseId").or_else(|| request.get("evse").and_then(|evse| integer(evse, "id"))),
    }
}

/// The id of the transaction that a request names, as text.
pub(super) fn transaction_id(request: &Value) -> Option<String> {
    let info = request.get("transactionInfo").unwrap_or(request);
    match info.get("transactionId")? {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}
