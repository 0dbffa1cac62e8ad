//! What a station must keep to over a whole session: who is asked about, what a transaction is called, why it ends, what is
//! said of times without a link.

use std::time::Duration;

use protocol::Timestamp;

use super::{Case, Judge};
use crate::model::past::{is_local_stop, seconds, tokens_in};
use crate::model::state::State;
use crate::model::station::{integer, text, transaction_id};

/// Between what is told and what it is compared with, for clocks that show whole seconds.
const SECOND: i64 = 1_000_000;
/// Nobody gives a call up sooner.
const SHORTEST_WAIT: Duration = Duration::from_millis(900);
/// After this long no time-out is still running.
const GRACE: Duration = Duration::from_secs(60);

/// A call of a station.
pub(super) fn call(case: &Case<'_>, judge: &mut Judge) {
    while_waiting(case, judge);
    before_boot(case, judge);
    match case.action() {
        "StartTransaction" => {
            start(case, judge);
            unasked(case, judge);
            too_late(case, text(case.request(), "idTag"), judge);
            rewritten(case, judge);
        }
        "StopTransaction" => {
            stop(case, judge);
            reason(case, judge);
            own_stop(case, judge);
            rewritten(case, judge);
        }
        "StatusNotification" => status(case, judge),
        "TransactionEvent" => event(case, judge),
        _ => {}
    }
}

/// When it happened, by the clock that we gave the station.
fn happened(case: &Case<'_>) -> Option<Timestamp> {
    Timestamp::parse(text(case.request(), "timestamp")).filter(|_| case.station.past.has_our_time)
}

/// One call at a time, in each direction. Only a call that we left unanswered surely still waits.
pub(super) fn while_waiting(case: &Case<'_>, judge: &mut Judge) {
    let Some(since) = case.station.past.withheld else { return };
    let waited = case.now().since(since);
    if waited < SHORTEST_WAIT {
        let sentence = format!("{} was sent {} ms after a call that waits", case.action(), waited.as_millis());
        judge.accuse("R-030", "while a call waits", sentence);
    }
}

/// After a reset nothing comes before the boot.
fn before_boot(case: &Case<'_>, judge: &mut Judge) {
    if case.station.past.resetting == Some(true) && case.action() != "BootNotification" {
        let rule = if case.is_16() { "16-BOOT-02" } else { "B01.FR.08" };
        let sentence = format!("it was reset and went away, and says {} before it has booted", case.action());
        judge.accuse(rule, "before the boot", sentence);
    }
}

fn start(case: &Case<'_>, judge: &mut Judge) {
    let (past, token) = (&case.station.past, text(case.request(), "idTag"));
    let is_group = past.groups.iter().any(|group| group.eq_ignore_ascii_case(token));
    if is_group && !past.knows(token) && !case.is_a_token(token) && !case.station.list.touched {
        let sentence = format!("{token:?} is a group, and a transaction begins under it as if it were a token");
        judge.accuse("16-AUTH-06", "group", sentence);
    }
}

/// With nothing in list and cache every token is asked about.
fn unasked(case: &Case<'_>, judge: &mut Judge) {
    let (station, token) = (case.station, text(case.request(), "idTag"));
    let Some((cleared, spoken)) = &station.past.cleared else { return };
    let (Some(began), Some(online)) = (happened(case), station.online_since()) else { return };
    let same = |other: &String| other.eq_ignore_ascii_case(token);
    let known = spoken.iter().any(same) || station.past.named.iter().any(same) || station.list.filled != Some(false);
    if !known && began.0 > cleared.0.max(online.0).saturating_add(SECOND) {
        let sentence = format!("nothing is in list and cache, and a transaction begins under {token:?} unasked");
        judge.accuse("16-AUTH-02", "not asked", sentence);
    }
}

/// Who was let in and did not plug in in time is let in no more.
fn too_late(case: &Case<'_>, token: &str, judge: &mut Judge) {
    let (station, past) = (case.station, &case.station.past);
    let name = if case.is_16() { "connectiontimeout" } else { "txctrlr.evconnectiontimeout" };
    let number = crate::model::station::place(case.exchange.version, case.request());
    let (Some(allowed), Some(began), Some(number)) = (seconds(past.number(name)), happened(case), number) else {
        return;
    };
    let let_in = past.let_in.iter().find(|(other, _, accepted)| *accepted && other.eq_ignore_ascii_case(token));
    let Some((_, since, _)) = let_in else { return };
    let again = past.presented.iter().any(|shown| shown.0 > since.0.saturating_add(SECOND));
    // The cable may have been in, or be in at another connector; then nobody was late.
    let plugged = past.plugged.iter().any(|plugged| plugged.0 < since.0.saturating_add(allowed.as_micros() as i64));
    let idle = past.free_since.is_some_and(|free| free.0 <= since.0);
    let driven = !past.presented.is_empty() || station.remote_started;
    let online = station.online_since().is_some_and(|online| online.0 <= since.0);
    if driven && idle && online && !again && !plugged && began.since(*since) > allowed + GRACE {
        let rule = if case.is_16() { "16-STAT-05" } else { "C01.FR.26" };
        let sentence = format!(
            "{token:?} was let in {} s before the transaction on {number} begins, and has {} s",
            began.since(*since).as_secs(),
            allowed.as_secs()
        );
        judge.accuse(rule, "too late", sentence);
    }
}

/// What happened while there was no link happened then, and not when it could be told.
fn rewritten(case: &Case<'_>, judge: &mut Judge) {
    let past = &case.station.past;
    let (Some(told), Some((gone, back))) = (happened(case), past.away.back()) else { return };
    let last = past.presented.iter().chain(&past.plugged).chain(&case.station.ending_given).max();
    let Some(last) = last.filter(|last| **last > *gone && last.0 < back.0 - 30 * SECOND) else { return };
    // Whoever asks first, or is told first, begins and ends things then.
    let quiet = !case.station.remote_started && past.asked_at_or_after(*back).is_none();
    let by_driver = case.action() == "StartTransaction" || is_local_stop(case.request());
    let fresh = case.now().since(*back) < GRACE;
    if quiet && by_driver && fresh && told.0 >= back.0 - SECOND {
        let sentence = format!("what was done at the latest at {last} without a link is said to have been at {told}");
        judge.accuse("16-TX-14", "time of delivery", sentence);
    }
}

fn stop(case: &Case<'_>, judge: &mut Judge) {
    let (station, request) = (case.station, case.request());
    let (Some(id), Some(ended), Some(free)) = (transaction_id(request), happened(case), station.past.free_since) else {
        return;
    };
    let known = station.running(&id).is_some() || station.has_ended(&id);
    // Before the link was lost it may have begun, and told us in vain.
    let certain = !station.ids_in_doubt && station.starts_answered == station.starts && station.begun < 32;
    if !known && certain && ended.0 > free.0.saturating_add(SECOND) {
        let sentence = format!("every connector was free at {free}, and no transaction {id} has begun since");
        judge.accuse("16-TX-06", "transactionId", sentence);
    }
}

/// A remote stop is told as such.
fn reason(case: &Case<'_>, judge: &mut Judge) {
    let (past, request) = (&case.station.past, case.request());
    let Some(id) = transaction_id(request) else { return };
    // A driver who comes first is named.
    let local = matches!(text(request, "reason"), "" | "Local") && request.get("idTag").is_none();
    let stopped = past.remote_stops.contains(&id);
    if local && stopped && !is_shown(case) {
        let sentence = format!("transaction {id} was stopped remotely, and its reason is Local");
        judge.accuse("16-TX-09", "reason", sentence);
    }
}

/// Whether something was done to the station since the transaction began that may end it.
fn is_shown(case: &Case<'_>) -> bool {
    let running = transaction_id(case.request()).and_then(|id| case.station.running(&id));
    running.is_none_or(|transaction| case.station.may_be_over(&transaction.start))
}

/// A token that was shown is either asked about or stops what it has begun.
fn own_stop(case: &Case<'_>, judge: &mut Judge) {
    let (station, past) = (case.station, &case.station.past);
    if !is_local_stop(case.request()) || station.remote_started || station.losses > 0 || past.presented.is_empty() {
        return;
    }
    let own = transaction_id(case.request())
        .and_then(|id| station.running(&id))
        .is_some_and(|transaction| tokens_in(case.request()).any(|tag| tag.eq_ignore_ascii_case(&transaction.token)));
    // One may be shown just now.
    let shown = past.presented.len() as u64 + 1;
    if own && past.asked + past.stopped_locally + 1 > shown {
        let sentence = format!("tokens were shown {shown} times at most, and it asked {} times", past.asked);
        judge.accuse("16-AUTH-04", "asked for a stop", sentence);
    }
}

/// What was made inoperative is so after a reboot.
fn status(case: &Case<'_>, judge: &mut Judge) {
    let request = case.request();
    let (number, status) = if case.is_16() {
        (integer(request, "connectorId"), text(request, "status"))
    } else {
        (integer(request, "evseId"), text(request, "connectorStatus"))
    };
    let Some(number) = number.filter(|number| *number > 0) else { return };
    let booted = |of: i64| case.station.past.inoperative.get(&of) == Some(&true);
    if (booted(number) || booted(0)) && State::of_status(status) == Some(State::Idle) {
        let rule = if case.is_16() { "16-STAT-12" } else { "G01.FR.02" };
        let sentence = format!("{number} was made inoperative, and is {status} after a reboot");
        judge.accuse(rule, "after a reboot", sentence);
    }
}

fn event(case: &Case<'_>, judge: &mut Judge) {
    let (station, request) = (case.station, case.request());
    let (trigger, ended) = (text(request, "triggerReason"), text(request, "eventType") == "Ended");
    let Some(id) = transaction_id(request) else { return };
    let running = station.running(&id);
    let token = tokens_in(request).next();
    let info = |name: &str| request.get("transactionInfo").is_some_and(|info| info.get(name).is_some());
    if trigger == "Authorized" && token.is_none() && running.is_none_or(|running| running.token.is_empty()) {
        let sentence =
            format!("transaction {id} was authorised, and neither this event nor one before names the token");
        let whole = text(request, "eventType") == "Started" || running.is_some_and(|running| running.sure.is_some());
        if whole {
            judge.accuse("E01.FR.10", "idToken", sentence);
        }
    }
    if trigger == "Authorized"
        && let Some(token) = token
    {
        super::station::refused(case, token, judge);
    }
    let undriven = ["RemoteStop", "ResetCommand", "Deauthorized", "EVConnectTimeout"];
    if ended && undriven.contains(&trigger) && !info("stoppedReason") {
        let sentence = format!("transaction {id} ended by {trigger}, and the reason is left out as if it were Local");
        judge.accuse("E06.FR.08", "stoppedReason", sentence);
    }
    if ended && trigger == "ResetCommand" && station.past.gentle_resets > 0 && station.past.other_resets == 0 {
        let sentence = format!("a reset on idle ended transaction {id}");
        judge.accuse("B12.FR.03", "ended by a reset", sentence);
    }
    if let Some((remote, since)) = &station.past.remote_start
        && token.is_some_and(|token| token == remote)
        && !info("remoteStartId")
        && trigger != "RemoteStart"
        && happened(case).is_some_and(|happened| happened.0 >= since.0)
        && !station.past.presented.iter().any(|shown| shown >= since)
    {
        let sentence = format!("{remote:?} was let in by a remote start, and the event with it does not say so");
        judge.accuse("F01.FR.19", "remoteStartId", sentence);
    }
    let offline = request.get("offline").and_then(serde_json::Value::as_bool) == Some(true);
    if let Some(when) = happened(case).filter(|when| !offline && station.past.was_away(*when)) {
        judge.accuse("E04.FR.03", "offline", format!("there was no link at {when}, and the event does not say so"));
    }
    if text(request, "eventType") == "Started"
        && let Some(token) = token
    {
        too_late(case, token, judge);
    }
}
