//! What a CSMS must say, given what it knows of the station that we play.

use std::time::Duration;

use protocol::Timestamp;
use serde_json::Value;

use super::{Case, Judge, NOBODYS_VENDOR};
use crate::deserved::breaks_text;
use crate::model::station::{Registration, integer, text, transaction_id};

/// Heartbeats that are less apart tell nothing about the clock that answers them.
const APART: Duration = Duration::from_secs(3);
/// An answer that took so long may have been written long ago.
const LATE: Duration = Duration::from_secs(1);
/// A clock may be set back so far by whoever keeps it.
const SET_BACK: Duration = Duration::from_secs(5);

pub(super) fn answer(case: &Case<'_>, answer: &Value, judge: &mut Judge) {
    before_acceptance(case, judge);
    match case.action() {
        "Authorize" => authorize(case, answer, judge),
        "StartTransaction" => start(case, answer, judge),
        "TransactionEvent" => event(case, answer, judge),
        "Heartbeat" => heartbeat(case, answer, judge),
        "DataTransfer" => vendor(case, answer, judge),
        _ => {}
    }
}

/// Until it is accepted a station gets no more than its boot answered, and what it was asked for.
fn before_acceptance(case: &Case<'_>, judge: &mut Judge) {
    if case.action() == "BootNotification" || case.station.was_triggered(case.action()) {
        return;
    }
    if case.asked_as != case.station.registration {
        return;
    }
    let rule = match (case.asked_as, case.is_16()) {
        (Registration::Pending | Registration::Rejected, true) => "16-BOOT-16",
        (Registration::Pending, false) => "B02.FR.09",
        (Registration::Rejected, false) => "B03.FR.07",
        _ => return,
    };
    let sentence = format!("{} was carried out although the station has not been accepted", case.action());
    judge.accuse(rule, "served before acceptance", sentence);
}

fn authorize(case: &Case<'_>, answer: &Value, judge: &mut Judge) {
    let (token, status) = token_and_status(case, answer);
    if !is_a_card(case) {
        return;
    }
    if status == "Accepted" {
        let group = case.model.told.groups.get(token).filter(|_| !case.is_16() && !case.model.by_hand);
        if let Some(group) = group.filter(|_| answer.pointer("/idTokenInfo/groupIdToken").is_none()) {
            judge.accuse("C01.FR.07", "groupIdToken", format!("{token:?} is in {group:?}, and no group is told"));
        }
        if let Some(name) = case.refused_token(token) {
            let rule = if case.is_16() { "16-AUTH-08" } else { "C01.FR.06" };
            judge.accuse(rule, "refused token", format!("the {name} token {token:?} was accepted"));
        }
    } else if matches!(status, "Invalid" | "Unknown") && !case.model.by_hand && !has_certificate(case.request()) {
        let twin = |known: &&String| known.as_str() != token && known.eq_ignore_ascii_case(token);
        if let Some(twin) = case.station.accepted_tokens.iter().find(twin) {
            let rule = if case.is_16() { "16-AUTH-07" } else { "C01.FR.25" };
            let sentence = format!("{twin:?} was accepted, but {token:?} is {status}");
            judge.accuse(rule, "case of the token", sentence);
        }
    }
}

fn start(case: &Case<'_>, answer: &Value, judge: &mut Judge) {
    let (token, status) = token_and_status(case, answer);
    if status == "Accepted"
        && let Some(name) = case.refused_token(token)
    {
        judge.accuse("16-TX-03", "refused token", format!("a start with the {name} token {token:?} was accepted"));
    }
    let Some(id) = transaction_id(answer) else { return };
    let connector = integer(case.request(), "connectorId").unwrap_or(0);
    let time = text(case.request(), "timestamp");
    for station in &case.model.stations {
        let Some(other) = station.running(&id).filter(|other| station.is_sure(other)) else { continue };
        // The same start again is the same transaction.
        let again = station.identity == case.station.identity && other.connector == connector && other.start == time;
        if !again {
            let whose = if station.identity == case.station.identity { "" } else { " of another station" };
            let sentence = format!("the transaction got the id {id}, which a running transaction{whose} has");
            judge.accuse("16-TX-04", "transactionId", sentence);
        }
    }
}

fn event(case: &Case<'_>, answer: &Value, judge: &mut Judge) {
    if case.request().get("idToken").is_none() {
        return;
    }
    let Some(info) = answer.get("idTokenInfo") else {
        judge.accuse("E02.FR.02", "idTokenInfo", "an event with a token was answered without idTokenInfo");
        return;
    };
    let (token, _) = token_and_status(case, answer);
    if text(info, "status") == "Accepted"
        && is_a_card(case)
        && let Some(name) = case.refused_token(token)
    {
        judge.accuse("E01.FR.11", "refused token", format!("an event with the {name} token {token:?} was accepted"));
    }
}

fn heartbeat(case: &Case<'_>, answer: &Value, judge: &mut Judge) {
    let rule = if case.is_16() { "16-HB-02" } else { "G02.FR.03" };
    let (Some((earlier, when)), Some(time)) = (case.station.told_time, Timestamp::parse(text(answer, "currentTime")))
    else {
        return;
    };
    let passed = case.now().since(when);
    if case.took >= LATE {
        return;
    }
    if earlier.since(time) > SET_BACK {
        judge.accuse(rule, "currentTime goes back", format!("it is {time} after it was {earlier}"));
    } else if passed >= APART && time <= earlier {
        let sentence = format!("it is still {time}, {} s after it was", passed.as_secs());
        judge.accuse(rule, "currentTime stands still", sentence);
    }
}

fn vendor(case: &Case<'_>, answer: &Value, judge: &mut Judge) {
    if text(case.request(), "vendorId") == NOBODYS_VENDOR && text(answer, "status") == "Accepted" {
        let rule = if case.is_16() { "16-DT-01" } else { "P01.FR.05" };
        judge.accuse(rule, "unknown vendor", "data of a vendor that does not exist was accepted");
    }
}

/// Some calls are answered with a result whatever they say.
pub(super) fn refusal(case: &Case<'_>, code: &str, judge: &mut Judge) {
    let rule = match (case.action(), case.is_16()) {
        ("StartTransaction" | "StopTransaction", true) => "16-TX-05",
        ("MeterValues", true) => "16-MV-18",
        ("StatusNotification", true) => "16-STAT-15",
        ("TransactionEvent", false) => "J02.FR.19",
        ("MeterValues", false) => "J01.FR.18",
        _ => return,
    };
    let accepted = case.station.registration == Registration::Accepted;
    // A CSMS that restarts, or lets nobody in, has its reasons; a damaged text was not judged here.
    if !accepted || code == "SecurityError" {
        return;
    }
    if !breaks_text(case.exchange.version, case.model.device, case.action(), case.request()) {
        let sentence = format!("{} was refused with {code}, but is answered whatever it says", case.action());
        judge.accuse(rule, "refused", sentence);
    }
}

/// What a CSMS must not ask.
pub(super) fn call(case: &Case<'_>, judge: &mut Judge) {
    // An operator may want what the CSMS would not do of its own accord.
    if case.model.asked.contains(case.action()) {
        return;
    }
    let starts_or_stops = matches!(
        case.action(),
        "RemoteStartTransaction" | "RemoteStopTransaction" | "RequestStartTransaction" | "RequestStopTransaction"
    );
    // What was begun while the station was still accepted may come late.
    if case.station.turned_away {
        return;
    }
    match (case.station.registration, case.is_16()) {
        (Registration::Accepted, true)
            if case.action() == "TriggerMessage" && text(case.request(), "requestedMessage") == "BootNotification" =>
        {
            judge.accuse("16-BOOT-12", "boot triggered", "an accepted station was asked to boot again");
        }
        (Registration::Rejected, true) => {
            judge.accuse("16-BOOT-13", "call to a rejected station", "a rejected station was called");
        }
        (Registration::Rejected, false) => {
            judge.accuse("B03.FR.03", "call to a rejected station", "a rejected station was called");
        }
        (Registration::Pending, true) if starts_or_stops => {
            judge.accuse("R-131", "remote start while pending", "a pending station was asked to start or stop");
        }
        _ => {}
    }
}

fn token_and_status<'a>(case: &Case<'a>, answer: &'a Value) -> (&'a str, &'a str) {
    if case.is_16() {
        (text(case.request(), "idTag"), answer.get("idTagInfo").map_or("", |info| text(info, "status")))
    } else {
        (
            case.request().get("idToken").map_or("", |token| text(token, "idToken")),
            answer.get("idTokenInfo").map_or("", |info| text(info, "status")),
        )
    }
}

/// A certificate that comes along is judged together with the token (C07.FR.13).
fn has_certificate(request: &Value) -> bool {
    request.get("certificate").is_some() || request.get("iso15118CertificateHashData").is_some()
}

/// The tokens of a rig are cards: in 2.x the same text with another type is another token (C01.FR.25).
fn is_a_card(case: &Case<'_>) -> bool {
    case.is_16() || case.request().get("idToken").is_some_and(|token| text(token, "type") == "ISO14443")
}
