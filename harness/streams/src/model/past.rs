//! What the rules about whole sessions look back on: who was asked about, when the station was away, what was told of its
//! settings, what it was promised to be.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use protocol::Timestamp;
use serde_json::Value;

use super::learn::Exchange;
use super::state::State;
use super::station::{Registration, Station, integer, place, remember, text, transaction_id};

/// What happened to a station in the episode.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    /// The station has its time from us, and nothing came in between.
    pub(super) has_our_time: bool,
    /// When the link was opened last.
    pub(super) back: Option<Timestamp>,
    /// When it ended, if it is not open.
    gone: Option<Timestamp>,
    /// When there was no link, from and to.
    pub(super) away: VecDeque<(Timestamp, Timestamp)>,
    /// Tokens that the station asked about, and those of remote starts: each with the time of the last word about it, and
    /// whether it was let in.
    pub(super) let_in: VecDeque<(String, Timestamp, bool)>,
    /// Tokens that the CSMS named, in remote starts, reservations and the like.
    pub(super) named: VecDeque<String>,
    /// Groups that the station was told.
    pub(super) groups: VecDeque<String>,
    /// When the cache was last cleared, and the tokens that were spoken of since.
    pub(super) cleared: Option<(Timestamp, VecDeque<String>)>,
    /// How often the station asked about a token, stopped by one, and was shown one, as long as that can be told.
    pub(super) asked: u64,
    pub(super) stopped_locally: u64,
    pub(super) presented: VecDeque<Timestamp>,
    pub(super) plugged: VecDeque<Timestamp>,
    /// When every connector was free for the first time.
    pub(super) free_since: Option<Timestamp>,
    /// Settings by their name in lower case, as they were last told.
    pub(super) values: BTreeMap<String, String>,
    /// All keys of 1.6 were told at once: what was not among them is not there.
    pub(super) all_keys: bool,
    /// The time after which a change of status is told may have been changed.
    pub(super) slow_status: bool,
    /// The heartbeat interval was changed after the boot.
    pub(super) other_interval: bool,
    /// When it was last heard of.
    pub(super) heard: Option<Timestamp>,
    /// A call of it that we left unanswered, the last thing that it called.
    pub(super) withheld: Option<Timestamp>,
    /// Transactions of which a remote stop was accepted.
    pub(super) remote_stops: VecDeque<String>,
    /// A remote start of 2.x that no event has named yet: its token.
    pub(super) remote_start: Option<(String, Timestamp)>,
    /// Resets asked for: on idle or soft, and others.
    pub(super) gentle_resets: u64,
    pub(super) other_resets: u64,
    /// A reset was accepted, and the station has gone.
    pub(super) resetting: Option<bool>,
    /// What was made inoperative beyond doubt, and whether it has booted since.
    pub(super) inoperative: BTreeMap<i64, bool>,
    /// What becomes inoperative when its transaction ends.
    pub(super) scheduled: BTreeSet<i64>,
    /// Transactions that ran when a reset was accepted.
    pub(super) to_be_stopped: Vec<String>,
}

/// How many settings are remembered.
const SETTINGS: usize = 500;

impl Past {
    /// What this setting was told to be, as a number.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.values.get(name)?.trim().parse().ok()
    }

    /// Whether it was surely away then.
    pub(super) fn was_away(&self, when: Timestamp) -> bool {
        const MARGIN: i64 = 2_000_000;
        self.away.iter().any(|(from, to)| when.0 > from.0.saturating_add(MARGIN) && when.0 < to.0 - MARGIN)
    }

    /// When an answer last let in or refused somebody, if that was not before this.
    pub(super) fn asked_at_or_after(&self, when: Timestamp) -> Option<Timestamp> {
        self.let_in.iter().map(|(_, at, _)| *at).filter(|at| *at >= when).max()
    }

    fn spoke_of(&mut self, token: &str) {
        if let Some((_, tokens)) = &mut self.cleared
            && !tokens.iter().any(|other| other.eq_ignore_ascii_case(token))
        {
            remember(tokens, token.to_owned());
        }
    }

    /// Whether this token was asked about, or named by the CSMS.
    pub(super) fn knows(&self, token: &str) -> bool {
        let same = |other: &String| other.eq_ignore_ascii_case(token);
        self.named.iter().any(same) || self.let_in.iter().any(|(other, ..)| same(other))
    }

    fn let_in(&mut self, token: &str, at: Timestamp, accepted: bool) {
        self.let_in.retain(|(other, ..)| !other.eq_ignore_ascii_case(token));
        remember(&mut self.let_in, (token.to_owned(), at, accepted));
    }

    fn told(&mut self, name: &str, value: &str) {
        if self.values.len() < SETTINGS {
            self.values.insert(name.to_lowercase(), value.to_owned());
        }
    }
}

impl Station {
    pub(super) fn came(&mut self, at: Timestamp) {
        if let Some(gone) = self.past.gone.take() {
            remember(&mut self.past.away, (gone, at));
        }
        self.past.back = Some(at);
        self.past.heard = Some(at);
        self.past.withheld = None;
    }

    /// The link ended; `by_us` if we did it, in whatever way.
    pub(super) fn went(&mut self, at: Timestamp, by_us: bool) {
        self.past.gone = Some(at);
        self.past.withheld = None;
        self.past.resetting = self.past.resetting.map(|_| !by_us).filter(|down| *down);
    }

    pub(super) fn past_stimulated(&mut self, verb: &str, at: Timestamp) {
        match verb {
            "present token" => remember(&mut self.past.presented, at),
            "plug in" => remember(&mut self.past.plugged, at),
            "set clock" => self.past.has_our_time = false,
            // It may end transactions as another reset does.
            "reboot" | "cut power" => self.past.other_resets += 1,
            _ => {}
        }
    }

    /// A call of the CSMS is on its way.
    pub(super) fn past_asked(&mut self, exchange: Exchange<'_>) {
        let Exchange { action, request, .. } = exchange;
        let past = &mut self.past;
        for token in tokens_in(request) {
            if !past.named.contains(token) {
                remember(&mut past.named, token.clone());
            }
        }
        match action {
            "ChangeAvailability" => {
                past.inoperative.clear();
                past.scheduled.clear();
            }
            "ChangeConfiguration" => {
                let key = text(request, "key").to_lowercase();
                past.slow_status |= key == "minimumstatusduration";
                past.other_interval |= key.starts_with("heartbeat");
                past.values.remove(&key);
            }
            "SetVariables" => {
                past.slow_status = true;
                past.other_interval = true;
                past.values.clear();
            }
            "Reset" => match text(request, "type") {
                "Soft" | "OnIdle" => past.gentle_resets += 1,
                _ => past.other_resets += 1,
            },
            _ => {}
        }
    }

    /// What was asked for cannot be told: anything may have been.
    pub(super) fn past_forgets(&mut self) {
        let past = &mut self.past;
        past.inoperative.clear();
        past.scheduled.clear();
        past.values.clear();
        past.cleared = None;
        past.slow_status = true;
        past.other_interval = true;
        past.other_resets += 1;
    }

    /// The station answered a call of the CSMS.
    pub(super) fn past_answered(&mut self, exchange: Exchange<'_>, answer: &Value) {
        let Exchange { version, action, request, at } = exchange;
        let accepted = text(answer, "status") == "Accepted";
        // Even if it is over already its end is still to be told.
        let running = self.transactions.iter().filter(|one| one.answered && one.losses == self.losses);
        let running: Vec<String> = running.map(|transaction| transaction.id.clone()).collect();
        // Nobody has been let in and comes later with the cable.
        let shown = self.past.presented.back().is_none_or(|shown| at.since(*shown) > Duration::from_secs(1));
        let free = shown && !self.remote_started && self.is_free(self.last_connector());
        let past = &mut self.past;
        match action {
            "ClearCache" if accepted => past.cleared = free.then(|| (at, VecDeque::new())),
            "RemoteStartTransaction" | "RequestStartTransaction" if accepted => {
                let token = tokens_in(request).next().cloned().unwrap_or_default();
                past.let_in(&token, at, true);
                past.remote_start = Some((token, at));
            }
            "RemoteStopTransaction" | "RequestStopTransaction" if accepted => {
                if let Some(id) = transaction_id(request) {
                    remember(&mut past.remote_stops, id);
                }
            }
            "Reset" if accepted && request.get("evseId").is_none() => {
                past.resetting = Some(false);
                past.to_be_stopped = running;
            }
            "ChangeAvailability" => {
                let inoperative =
                    text(request, "type") == "Inoperative" || text(request, "operationalStatus") == "Inoperative";
                let of_connector = request.pointer("/evse/connectorId").is_some();
                let number = place(version, request).unwrap_or(0);
                if inoperative && !of_connector {
                    match text(answer, "status") {
                        "Accepted" => drop(past.inoperative.insert(number, false)),
                        "Scheduled" => drop(past.scheduled.insert(number)),
                        _ => {}
                    }
                }
            }
            "GetConfiguration" => {
                let keys = answer.get("configurationKey").and_then(Value::as_array);
                let whole = request.get("key").and_then(Value::as_array).is_none_or(Vec::is_empty);
                past.all_keys |= whole && keys.is_some_and(|keys| !keys.is_empty());
                for key in keys.into_iter().flatten() {
                    past.told(text(key, "key"), text(key, "value"));
                }
            }
            "GetVariables" => {
                for result in answer.get("getVariableResult").and_then(Value::as_array).into_iter().flatten() {
                    let plain = result.get("attributeType").is_none_or(|kind| kind == "Actual");
                    let part = |name: &str| result.get(name).map_or("", |part| text(part, "name"));
                    let named = result.pointer("/variable/instance").or(result.pointer("/component/evse")).is_some();
                    if plain && !named && text(result, "attributeStatus") == "Accepted" {
                        let name = format!("{}.{}", part("component"), part("variable"));
                        past.told(&name, text(result, "attributeValue"));
                    }
                }
            }
            _ => {}
        }
    }

    /// The station said something. What stood before is still known.
    pub(super) fn past_said(&mut self, exchange: Exchange<'_>) {
        let Exchange { action, request, .. } = exchange;
        let past = &mut self.past;
        past.withheld = None;
        match action {
            "BootNotification" => past.resetting = None,
            "Authorize" => past.asked += 1,
            "StopTransaction" if is_local_stop(request) => past.stopped_locally += 1,
            "TransactionEvent" if request.pointer("/transactionInfo/remoteStartId").is_some() => {
                past.remote_start = None;
            }
            _ => {}
        }
        if matches!(action, "Authorize" | "StartTransaction" | "StopTransaction" | "TransactionEvent") {
            for token in tokens_in(request) {
                past.spoke_of(token);
            }
        }
        if past.remote_start.as_ref().is_some_and(|(token, _)| tokens_in(request).any(|other| other == token)) {
            past.remote_start = None;
        }
    }

    /// The station was answered.
    pub(super) fn past_was_answered(&mut self, exchange: Exchange<'_>, answer: &Value, plain: bool) {
        let Exchange { action, request, at, .. } = exchange;
        let past = &mut self.past;
        if answer.get("currentTime").is_some() {
            past.has_our_time = plain;
        }
        let info = answer.get("idTagInfo").or_else(|| answer.get("idTokenInfo"));
        if let Some(info) = info {
            for name in ["parentIdTag", "groupIdToken"] {
                let group = info.get(name).and_then(|group| group.get("idToken").unwrap_or(group).as_str());
                if let Some(group) = group.filter(|group| !past.groups.iter().any(|other| other == group)) {
                    remember(&mut past.groups, group.to_owned());
                }
            }
        }
        match action {
            "BootNotification" if plain && text(answer, "status") == "Accepted" => {
                past.other_interval = false;
                past.inoperative.values_mut().for_each(|booted| *booted = true);
            }
            "Authorize" => {
                let status = info.map_or("", |info| text(info, "status"));
                if let Some(token) = tokens_in(request).next() {
                    past.let_in(token, at, status == "Accepted");
                }
            }
            _ => {}
        }
    }

    /// Notes when every connector that it has was free.
    pub(super) fn past_reported(&mut self, connectors: i64, at: Timestamp) {
        let registered = self.registration == Registration::Accepted;
        if self.past.free_since.is_none() && registered && self.is_free(connectors) {
            self.past.free_since = Some(at);
        }
    }

    /// Whether each connector up to this one was reported Available last, and no transaction runs.
    fn is_free(&self, connectors: i64) -> bool {
        let free = |number| self.status(number) == Some(State::Idle) && self.running_at(number).is_none();
        connectors > 0 && (1..=connectors.min(64)).all(free)
    }

    /// The connector (1.6) or EVSE (2.x) with the highest number that it surely has.
    pub(super) fn last_connector(&self) -> i64 {
        let told = self.past.number("numberofconnectors").unwrap_or(0);
        let reported = self.connectors.iter().filter(|(_, connector)| connector.status.is_some());
        reported.map(|(number, _)| *number).max().unwrap_or(0).max(told).clamp(0, 64)
    }

    /// Since when the station has been able to ask: it is accepted, and its link is open.
    pub(super) fn online_since(&self) -> Option<Timestamp> {
        let (booted, back) = (self.answered_boot?.0, self.past.back?);
        (self.registration == Registration::Accepted && self.past.gone.is_none()).then_some(booted.max(back))
    }

    /// How long a status may take to be told, where that is known.
    pub(super) fn status_within(&self) -> Option<Duration> {
        let least = self.past.number("minimumstatusduration").unwrap_or(60);
        let least = u64::try_from(least).ok().filter(|least| *least <= 600)?;
        (!self.past.slow_status).then(|| Duration::from_secs(60 + 2 * least))
    }
}

/// A stop by a tag, as drivers do it.
pub(super) fn is_local_stop(request: &Value) -> bool {
    request.get("idTag").is_some() && matches!(text(request, "reason"), "" | "Local")
}

/// The tokens in a request, at the places where one can stand.
pub(super) fn tokens_in(request: &Value) -> impl Iterator<Item = &String> {
    ["idTag", "idToken", "parentIdTag", "groupIdToken"].into_iter().filter_map(move |name| match request.get(name)? {
        Value::String(token) => Some(token),
        other => match other.get("idToken")? {
            Value::String(token) => Some(token),
            _ => None,
        },
    })
}

/// The whole number of seconds of a setting.
pub(super) fn seconds(value: Option<i64>) -> Option<Duration> {
    value.and_then(|value| u64::try_from(value).ok()).map(Duration::from_secs)
}

/// What makes a transaction message the same: its action, connector or id, and time.
pub(super) fn message_key(action: &str, request: &Value) -> String {
    let (connector, id) = (integer(request, "connectorId"), transaction_id(request));
    // The id may have been learned in between.
    let id = if action == "StartTransaction" { None } else { id.filter(|id| id != "-1") };
    format!("{action} {connector:?} {id:?} {}", text(request, "timestamp"))
}
