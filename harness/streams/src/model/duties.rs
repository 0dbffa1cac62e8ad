//! What a station owes: something that must have come of an event when enough time has gone by, though nothing forbids
//! what is said meanwhile. Time is only known to go by where acts let it; against a device in real time an episode is
//! over before a duty is due.

use std::time::Duration;

use protocol::{Role, Timestamp, Version};
use serde_json::Value;

use super::learn::Exchange;
use super::past::{message_key, seconds};
use super::state::State;
use super::station::{Registration, Station, integer, text, transaction_id};

/// Something that is owed.
#[derive(Clone, Debug)]
pub(super) struct Duty {
    owed: Owed,
    since: Timestamp,
    within: Duration,
    /// The losses when it came up: with another one it is void.
    losses: u64,
}

#[derive(Clone, Debug, PartialEq)]
enum Owed {
    /// After a boot that was accepted: the status of every connector; these were reported.
    Statuses(Vec<i64>),
    /// After an accepted reset: a boot.
    Boot,
    /// After the end of a transaction: the change of availability that waited for it.
    Unavailable(i64),
    /// After a boot, or after unlocking: the end of a transaction that ran before; and why.
    Stop(String, &'static str),
    /// After a start that was refused: no energy.
    NoEnergy { connector: i64, id: String },
    /// After the end of a transaction: another status than charging.
    NotCharging(i64),
    /// After a transaction message that failed: the same once more.
    Again { action: String, key: String },
    /// What an operator had the CSMS ask for.
    Asked(String),
}

/// A duty that was not done.
pub(super) struct Overdue {
    pub(super) rule: &'static str,
    pub(super) action: String,
    pub(super) path: &'static str,
    pub(super) sentence: String,
}

/// So many are remembered.
const MOST: usize = 64;
/// How long a station may take for something that it does by itself, at the very most.
const PATIENCE: Duration = Duration::from_secs(90);
/// The same for a reset: it may let others know, and wait for its queue.
const RESET: Duration = Duration::from_secs(600);

impl Station {
    fn owe(&mut self, owed: Owed, since: Timestamp, within: Duration) {
        self.duties.retain(|duty| duty.owed != owed);
        if self.duties.len() < MOST {
            self.duties.push(Duty { owed, since, within, losses: self.losses });
        }
    }

    /// The station answered a call of the CSMS.
    pub(super) fn owes_after_answer(&mut self, exchange: Exchange<'_>, answer: &Value) {
        if exchange.action == "Reset"
            && text(answer, "status") == "Accepted"
            && exchange.request.get("evseId").is_none()
        {
            self.owe(Owed::Boot, exchange.at, RESET);
        }
        let unlocked = exchange.action == "UnlockConnector" && text(answer, "status") == "Unlocked";
        let place = integer(exchange.request, "connectorId").filter(|_| unlocked && exchange.version == Version::V16);
        let running = place.and_then(|number| self.running_at(number));
        if let Some(id) = running
            .filter(|running| running.answered && running.losses == self.losses)
            .map(|running| running.id.clone())
        {
            self.owe(Owed::Stop(id, "16-UNL-02"), exchange.at, PATIENCE);
        }
    }

    /// The station said something: what is done is owed no more. Before anything is learned from it.
    pub(super) fn does(&mut self, exchange: Exchange<'_>) {
        let Exchange { version, action, request, at } = exchange;
        let reported = integer(request, "connectorId").filter(|_| version == Version::V16);
        let reported = reported.or(integer(request, "evseId")).filter(|_| action == "StatusNotification");
        let ended = transaction_id(request).filter(|_| {
            action == "StopTransaction" || action == "TransactionEvent" && text(request, "eventType") == "Ended"
        });
        let key = message_key(action, request);
        self.duties.retain_mut(|duty| match &mut duty.owed {
            Owed::Statuses(_) if action == "NotifyEvent" => false,
            Owed::Statuses(seen) => {
                if let Some(number) = reported.filter(|number| !seen.contains(number) && seen.len() < MOST) {
                    seen.push(number);
                }
                true
            }
            Owed::Boot => action != "BootNotification",
            Owed::Stop(id, _) => ended.as_ref() != Some(id),
            Owed::NoEnergy { id, .. } => ended.as_ref() != Some(id),
            Owed::NotCharging(number) => {
                action != "StartTransaction" || integer(request, "connectorId") != Some(*number)
            }
            Owed::Again { key: owed, .. } => *owed != key,
            Owed::Unavailable(_) | Owed::Asked(_) => true,
        });
        let Some(place) = ended.as_deref().and_then(|id| self.running(id)).map(|transaction| transaction.connector)
        else {
            return;
        };
        if self.past.scheduled.contains(&place)
            && let Some(within) = self.status_within()
        {
            self.owe(Owed::Unavailable(place), at, within);
        }
        let charging = matches!(self.status(place), Some(State::Charging | State::Suspended));
        if version == Version::V16
            && charging
            && let Some(within) = self.status_within()
        {
            self.owe(Owed::NotCharging(place), at, within);
        }
    }

    /// A call of the station was answered with a result.
    pub(super) fn owes_after(&mut self, exchange: Exchange<'_>, answer: &Value, plain: bool) {
        let Exchange { version, action, request, at } = exchange;
        match action {
            "BootNotification" if plain && text(answer, "status") == "Accepted" => {
                if self.registration != Registration::Accepted {
                    self.duties.retain(|duty| !matches!(duty.owed, Owed::Statuses(_)));
                    self.owe(Owed::Statuses(Vec::new()), at, PATIENCE);
                }
                for id in std::mem::take(&mut self.past.to_be_stopped) {
                    if version == Version::V16 && self.running(&id).is_some() {
                        self.owe(Owed::Stop(id, "16-RST-01"), at, PATIENCE);
                    }
                }
            }
            "StartTransaction" => {
                let status = answer.get("idTagInfo").map_or("", |info| text(info, "status"));
                if let (Some(id), Some(connector), true) =
                    (transaction_id(answer), integer(request, "connectorId"), status != "Accepted")
                {
                    self.owe(Owed::NoEnergy { connector, id }, at, PATIENCE);
                }
            }
            _ => {}
        }
    }

    /// A call of the station was refused with an error that is in order.
    pub(super) fn owes_after_refusal(&mut self, exchange: Exchange<'_>) {
        let Exchange { version, action, request, at } = exchange;
        if version != Version::V16 || !matches!(action, "StartTransaction" | "StopTransaction") {
            return;
        }
        let attempts = self.past.number("transactionmessageattempts").unwrap_or(0);
        let interval = seconds(self.past.number("transactionmessageretryinterval"));
        let key = message_key(action, request);
        let first = !self.failed.contains(&key);
        super::station::remember(&mut self.failed, key.clone());
        // After the first failure; what comes of further ones depends on how they are counted.
        if let Some(interval) = interval.filter(|_| attempts > 1 && first) {
            self.owe(Owed::Again { action: action.to_owned(), key }, at, PATIENCE + interval * 2);
        }
    }

    /// Whether it has been silent for longer than its heartbeat allows, in a sentence.
    pub(super) fn silent_too_long(&self, now: Timestamp) -> Option<String> {
        let (booted, interval) = self.answered_boot?;
        let interval = Duration::from_secs(u64::try_from(interval).ok().filter(|seconds| *seconds > 0)?);
        let heard = self.past.heard?.max(booted).max(self.online_since()?);
        let silent = now.since(heard);
        // Its own clock for it may begin with the last thing that it heard, and a call of ours may be on its way.
        let is_long = silent > interval * 2 + PATIENCE && !self.past.other_interval && self.losses == self.boot_losses;
        is_long.then(|| format!("it was silent for {} s, and has {} s", silent.as_secs(), interval.as_secs()))
    }

    /// An operator had the CSMS ask for this, and it said that it did.
    pub(super) fn owes_call(&mut self, action: &str, at: Timestamp, act: usize) {
        if self.called.take().is_some_and(|(last, when)| last == action && when == act) {
            return;
        }
        self.owe(Owed::Asked(action.to_owned()), at, PATIENCE);
    }

    /// The CSMS called.
    pub(super) fn was_called(&mut self, action: &str, act: usize) {
        self.called = Some((action.to_owned(), act));
        self.duties.retain(|duty| duty.owed != Owed::Asked(action.to_owned()));
    }

    /// What the device of this side owes and has not done in time.
    pub(super) fn overdue(&mut self, device: Role, version: Version, now: Timestamp) -> Vec<Overdue> {
        if self.duties.is_empty() {
            return Vec::new();
        }
        let losses = self.losses;
        let is_its_own = |owed: &Owed| matches!(owed, Owed::Asked(_)) == (device == Role::Csms);
        self.duties.retain(|duty| duty.losses == losses && is_its_own(&duty.owed));
        let is_due = |duty: &&Duty| now.since(duty.since) > duty.within;
        let due: Vec<Owed> = self.duties.iter().filter(is_due).map(|duty| duty.owed.clone()).collect();
        self.duties.retain(|duty| !due.contains(&duty.owed));
        let online = self.online_since().is_some();
        due.iter().filter(|_| online).filter_map(|owed| self.charged(version, owed)).collect()
    }

    fn charged(&self, version: Version, owed: &Owed) -> Option<Overdue> {
        let old = version == Version::V16;
        let by = |one: &'static str, other: &'static str| if old { one } else { other };
        let (rule, action, path, sentence) = match owed {
            Owed::Statuses(seen) => {
                let first = i64::from(!old);
                let missing = (first..=self.last_connector()).find(|number| !seen.contains(number))?;
                let sentence = format!("after the boot was accepted, the status of {missing} was never reported");
                (by("16-BOOT-10", "B01.FR.05"), "StatusNotification", "after the boot", sentence)
            }
            Owed::Boot => {
                let rule = by("16-RST-04", "B11.FR.03");
                (rule, "Reset", "no boot", "a reset was accepted, and the station has not booted since".to_owned())
            }
            Owed::Unavailable(number) if self.status(*number) == Some(State::Idle) => {
                let sentence = format!("{number} was to be inoperative after its transaction, and is Available");
                (by("16-AV-02", "G03.FR.06"), "ChangeAvailability", "scheduled", sentence)
            }
            Owed::Stop(id, rule) if self.running(id).is_some() => {
                let (action, done) = match *rule {
                    "16-UNL-02" => ("UnlockConnector", "its connector was unlocked"),
                    _ => ("Reset", "a reset was accepted"),
                };
                let sentence = format!("transaction {id} ran when {done}, and its end was never told");
                (*rule, action, "transaction left open", sentence)
            }
            Owed::NoEnergy { connector, id } => {
                let some = self.past.number("maxenergyoninvalidid").unwrap_or(0) > 0 || !self.past.all_keys;
                let charges = self.status(*connector) == Some(State::Charging) && self.running(id).is_some();
                if some || !charges || self.status_within().is_none() {
                    return None;
                }
                let sentence = format!("transaction {id} was refused, and connector {connector} goes on charging");
                ("16-AUTH-19", "StartTransaction", "refused start", sentence)
            }
            Owed::NotCharging(number)
                if matches!(self.status(*number), Some(State::Charging | State::Suspended))
                    && self.running_at(*number).is_none() =>
            {
                let sentence =
                    format!("the transaction on connector {number} is over, and it was never told to be free");
                ("16-STAT-01", "StatusNotification", "after the end", sentence)
            }
            Owed::Again { action, .. } => {
                let sentence = format!("{action} failed, and was not sent again");
                return Some(Overdue { rule: "R-153", action: action.clone(), path: "not again", sentence });
            }
            Owed::Asked(action) => {
                let sentence = format!("{action} was asked for and confirmed, and never came");
                return Some(Overdue { rule: "R-245", action: action.clone(), path: "never came", sentence });
            }
            _ => return None,
        };
        Some(Overdue { rule, action: action.to_owned(), path, sentence })
    }
}
