//! Which answers and calls of the device its state forbids (O6). Every rule rests on a statement, and keeps silent
//! where the model is not sure: see [`super::station::Station`].

mod csms;
mod sessions;
mod station;

use std::time::Duration;

use protocol::frame::Reading;
use protocol::statements::{Strength, statement};
use protocol::{Role, Timestamp, Version};
use serde_json::Value;

use super::Model;
use super::learn::Exchange;
use super::station::{Registration, Station};
use crate::Seen;
use crate::oracles::{Class, Code, Evidence, Suspicion};
use crate::seen::reply_class;

/// A transaction id that nobody hands out.
pub(super) const NOBODYS_TRANSACTION: i64 = 1_618_033_988;
/// The same for 2.x, where stations make the ids.
pub(super) const NOBODYS_TRANSACTION_ID: &str = "nobody-1618033988";
/// An id that no reservation, profile or request has.
pub(super) const NOBODYS_ID: i64 = 1_618_033_988;
/// A vendor that nobody implements: the domain is kept free for examples.
pub(super) const NOBODYS_VENDOR: &str = "org.example.nobody";
/// A configuration key, a component and a variable that nobody has.
pub(super) const NOBODYS_KEY: &str = "PlugfestNobodysKey";
/// A connector or EVSE that no station has, whatever the rig says.
pub(super) const NOBODYS_CONNECTOR: i64 = 987;

/// What is judged: an exchange with a station, before anything is learned from it.
pub(super) struct Case<'a> {
    pub(super) exchange: Exchange<'a>,
    pub(super) station: &'a Station,
    pub(super) model: &'a Model,
    /// What was decided about the station when our call went out.
    pub(super) asked_as: Registration,
    /// How long the answer took.
    pub(super) took: Duration,
}

impl<'a> Case<'a> {
    fn is_16(&self) -> bool {
        self.exchange.version == Version::V16
    }

    fn action(&self) -> &'a str {
        self.exchange.action
    }

    fn request(&self) -> &'a Value {
        self.exchange.request
    }

    fn now(&self) -> Timestamp {
        self.exchange.at
    }

    /// The name of a rig's token that must not be let in, whatever its case.
    fn refused_token(&self, token: &str) -> Option<&'a str> {
        if self.model.by_hand || token.is_empty() {
            return None;
        }
        let named = |(name, text): (&'a String, &'a String)| {
            let refused = matches!(name.as_str(), "blocked" | "expired" | "invalid" | "unknown");
            (refused && text.eq_ignore_ascii_case(token)).then_some(name.as_str())
        };
        self.model.told.tokens.iter().find_map(named)
    }

    /// Whether it is one of the rig's tokens.
    fn is_a_token(&self, token: &str) -> bool {
        self.model.told.tokens.values().any(|known| known.eq_ignore_ascii_case(token))
    }

    /// Whether there is certainly no such connector or EVSE.
    fn is_no_connector(&self, number: i64) -> bool {
        let known = self.model.told.connectors;
        number == NOBODYS_CONNECTOR && known < NOBODYS_CONNECTOR || number < 0
    }
}

/// Collects what is held against the device.
#[derive(Default)]
pub(super) struct Judge {
    accused: Vec<Accusation>,
}

struct Accusation {
    rule: &'static str,
    /// The kind of defect, the same for all of a kind.
    path: &'static str,
    sentence: String,
}

impl Judge {
    /// The device answered a call of ours with a result.
    pub(super) fn answer(&mut self, case: &Case<'_>, answer: &Value) {
        match case.model.device {
            Role::Csms => csms::answer(case, answer, self),
            Role::Station => station::answer(case, answer, self),
        }
    }

    /// The device refused a call of ours with an error.
    pub(super) fn refusal(&mut self, case: &Case<'_>, code: &str) {
        if case.model.device == Role::Csms {
            csms::refusal(case, code, self);
        }
    }

    /// The device called.
    pub(super) fn call(&mut self, case: &Case<'_>) {
        match case.model.device {
            Role::Csms => {
                csms::call(case, self);
                sessions::while_waiting(case, self);
            }
            Role::Station => {
                station::call(case, self);
                sessions::call(case, self);
            }
        }
    }

    fn accuse(&mut self, rule: &'static str, path: &'static str, sentence: impl Into<String>) {
        self.accused.push(Accusation { rule, path, sentence: sentence.into() });
    }

    pub(super) fn suspicions(self, case: &Case<'_>, seen: &Seen, bytes: &[u8], reading: &Reading) -> Vec<Suspicion> {
        let suspicion = |accusation: Accusation| Suspicion {
            oracle: Code::O6,
            rule: accusation.rule.to_owned(),
            class: class(accusation.rule, case.exchange.version),
            state: case.station.state().name().to_owned(),
            action: case.action().to_owned(),
            path: accusation.path.to_owned(),
            reply: reply_class(case.exchange.version, reading),
            sentence: accusation.sentence,
            frame: shortened(bytes),
            act: seen.act,
            nominated: false,
            evidence: Evidence::of_state(accusation.rule),
        };
        self.accused.into_iter().map(suspicion).collect()
    }
}

/// A rule accuses no more than its statement does.
pub(super) fn class(rule: &str, version: Version) -> Class {
    match statement(rule).filter(|statement| statement.is_of(version)).map(|statement| statement.strength) {
        Some(Strength::Must) => Class::Violation,
        Some(Strength::Should) => Class::Compatibility,
        _ => Class::Ambiguous,
    }
}

fn shortened(bytes: &[u8]) -> String {
    const SHOWN: usize = 400;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN)]).into_owned();
    if bytes.len() > SHOWN { format!("{text}…") } else { text }
}
