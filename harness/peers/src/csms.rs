//! The reference CSMS.

mod asks;
mod handshake;
mod session;
mod stimuli;
mod tokens;
mod transactions;
mod v16;
mod v201;

use std::collections::BTreeMap;

use protocol::{Timestamp, Version};
use serde_json::{Map, Value};

use crate::faults::Faults;
use crate::{CsmsSettings, Fault, Input, Output, Token};
use session::Session;
use transactions::Ledger;

/// A reference CSMS. One of them serves many stations, told apart by their identities.
#[derive(Debug)]
pub struct Csms {
    settings: CsmsSettings,
    faults: Faults,
    now: Timestamp,
    out: Vec<(String, Output)>,
    sessions: BTreeMap<String, Session>,
    tokens: Vec<Token>,
    ledger: Ledger,
    /// The status that the next boots get: for one identity, or for all under the empty one.
    boot_decisions: BTreeMap<String, String>,
    /// How the next call of an action is to be answered.
    decisions: BTreeMap<String, String>,
    /// Counts the requests that carry a number of ours.
    requests: i64,
    /// The time in the first boot answer, for a defect.
    first_boot: Option<Timestamp>,
}

impl Csms {
    /// A CSMS set up like this, with these defects; without defects it conforms.
    pub fn new(settings: CsmsSettings, faults: Vec<Fault>) -> Csms {
        Csms {
            faults: Faults::new(&faults),
            now: Timestamp::default(),
            out: Vec::new(),
            sessions: BTreeMap::new(),
            tokens: settings.tokens.clone(),
            ledger: Ledger::default(),
            boot_decisions: BTreeMap::new(),
            decisions: BTreeMap::new(),
            requests: 0,
            first_boot: None,
            settings,
        }
    }

    /// Takes an input that concerns a station and says what is to be done on whose connection.
    ///
    /// A stimulus may be given under any name, or none, if its argument `station` says which it is about. Its
    /// [`Output::StimulusDone`] comes under the name it was given with, or if that was empty under the station's.
    pub fn handle(&mut self, now: Timestamp, identity: &str, input: Input<'_>) -> Vec<(String, Output)> {
        self.pass_time(now);
        match input {
            Input::Connected { subprotocol } => self.connected(identity, subprotocol.as_deref()),
            Input::Disconnected => self.disconnected(identity),
            Input::Text(text) => self.received(identity, text),
            Input::Stimulus(stimulus) => self.stimulus(identity, stimulus),
            Input::Observe(_) => self.put(identity, Output::Observed(None)),
            // A CSMS does not connect.
            Input::ConnectFailed { .. } => {}
        }
        self.send_waiting();
        std::mem::take(&mut self.out)
    }

    /// Lets time pass; to be called when [`Csms::next_wakeup`] has come, and harmless at any other time.
    pub fn tick(&mut self, now: Timestamp) -> Vec<(String, Output)> {
        self.pass_time(now);
        self.send_waiting();
        std::mem::take(&mut self.out)
    }

    /// When the CSMS next wants a [`Csms::tick`]; `None` if only an input can move it.
    pub fn next_wakeup(&self) -> Option<Timestamp> {
        self.sessions.values().filter_map(|session| session.exchange.deadline()).min()
    }

    /// The ids of the faults whose defective path has changed behaviour so far.
    pub fn triggered(&self) -> Vec<&'static str> {
        self.faults.triggered()
    }

    fn pass_time(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        for session in self.sessions.values_mut() {
            while session.exchange.timed_out(self.now).is_some() {}
        }
    }

    fn put(&mut self, identity: &str, output: Output) {
        self.out.push((identity.to_owned(), output));
    }

    /// The version spoken with a station, or to be spoken with it.
    fn version(&mut self, identity: &str) -> Version {
        self.session(identity).version
    }

    fn is_v16(&mut self, identity: &str) -> bool {
        self.version(identity) == Version::V16
    }

    /// The time as messages carry it.
    fn timestamp(&self) -> Value {
        Value::String(self.now.to_string())
    }
}

/// The text of a field; empty if it is absent or something else.
fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> &'a str {
    fields.get(name).and_then(Value::as_str).unwrap_or("")
}

/// A field; null if it is absent.
fn field<'a>(fields: &'a Map<String, Value>, name: &str) -> &'a Value {
    fields.get(name).unwrap_or(&Value::Null)
}

/// The whole number of a field.
fn integer(fields: &Map<String, Value>, name: &str) -> Option<i64> {
    fields.get(name).and_then(Value::as_i64)
}
