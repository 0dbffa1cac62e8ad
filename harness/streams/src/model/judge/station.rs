//! What a station must say, given what is known of it.

use std::time::Duration;

use protocol::configuration;
use serde_json::Value;

use super::{
    Case, Judge, NOBODYS_CONNECTOR, NOBODYS_ID, NOBODYS_KEY, NOBODYS_TRANSACTION, NOBODYS_TRANSACTION_ID,
    NOBODYS_VENDOR,
};
use crate::model::State;
use crate::model::station::{Registration, Transaction, integer, place, text, transaction_id};

pub(super) fn answer(case: &Case<'_>, answer: &Value, judge: &mut Judge) {
    let rejected = case.station.registration == Registration::Rejected && case.asked_as == Registration::Rejected;
    if rejected && !case.station.booted_on_wish {
        let rule = if case.is_16() { "16-BOOT-08" } else { "B03.FR.08" };
        judge.accuse(rule, "served while rejected", format!("{} was carried out while rejected", case.action()));
        return;
    }
    let status = text(answer, "status");
    match case.action() {
        "RemoteStartTransaction" | "RequestStartTransaction" => remote_start(case, status, judge),
        "RemoteStopTransaction" | "RequestStopTransaction" => remote_stop(case, status, judge),
        "ChangeAvailability" => availability(case, status, judge),
        "ReserveNow" => reserve(case, status, judge),
        "CancelReservation" => cancel(case, status, judge),
        "SendLocalList" => send_list(case, status, judge),
        "GetLocalListVersion" => list_version(case, answer, judge),
        "ChangeConfiguration" => change_key(case, status, judge),
        "GetConfiguration" => keys(case, answer, judge),
        "SetChargingProfile" => set_profile(case, status, judge),
        "ClearChargingProfile" => clear_profile(case, status, judge),
        "GetCompositeSchedule" => composite(case, status, judge),
        "TriggerMessage" => trigger(case, status, judge),
        "UnlockConnector" => unlock(case, status, judge),
        "Reset" => reset(case, status, judge),
        "DataTransfer" => vendor(case, status, judge),
        "SetVariables" => set_variables(case, answer, judge),
        "GetVariables" => variables(case, answer, judge),
        "GetTransactionStatus" => transaction_status(case, answer, judge),
        _ => {}
    }
}

fn by_version(case: &Case<'_>, old: &'static str, new: &'static str) -> &'static str {
    if case.is_16() { old } else { new }
}

/// The transaction that surely runs at the place a request names.
fn running<'a>(case: &Case<'a>, number: i64) -> Option<&'a Transaction> {
    let transaction = case.station.running_at(number).filter(|_| number > 0)?;
    let told = case.station.status(number);
    // What is reported of the connector agrees, if anything is.
    let agrees = match told {
        None | Some(State::Charging | State::Suspended) => true,
        Some(State::Preparing) => !case.is_16(),
        _ => false,
    };
    (agrees && case.station.is_sure(transaction)).then_some(transaction)
}

fn remote_start(case: &Case<'_>, status: &str, judge: &mut Judge) {
    if status != "Accepted" {
        return;
    }
    if case.asked_as == Registration::Pending {
        if !case.is_16() && case.station.registration == Registration::Pending {
            judge.accuse("B02.FR.05", "accepted while pending", "a remote start was accepted while pending");
        }
        return;
    }
    let Some(number) = place(case.exchange.version, case.request()) else { return };
    if case.is_16() && (number == 0 || case.is_no_connector(number)) {
        judge.accuse("16-REM-05", "connectorId", format!("a remote start for connector {number} was accepted"));
        return;
    }
    if let Some(transaction) = running(case, number).filter(|transaction| transaction.authorised) {
        let rule = by_version(case, "16-REM-06", "F01.FR.24");
        let sentence = format!("transaction {} runs there, and a remote start was accepted", transaction.id);
        judge.accuse(rule, "occupied", sentence);
    } else if case.station.operative(number) == Some(false) {
        let rule = by_version(case, "16-AV-06", "F01.FR.23");
        judge.accuse(rule, "inoperative", "a remote start was accepted where it is inoperative");
    } else if let Some(kept) = case.station.kept(number, case.now()) {
        let token = if case.is_16() {
            text(case.request(), "idTag")
        } else {
            case.request().get("idToken").map_or("", |token| text(token, "idToken"))
        };
        let groups = kept.group || case.request().get("groupIdToken").is_some();
        if !groups && !kept.token.eq_ignore_ascii_case(token) {
            let rule = by_version(case, "16-REM-06", "F01.FR.21");
            judge.accuse(rule, "reserved", "a remote start was accepted where it is reserved for another token");
        }
    }
}

fn remote_stop(case: &Case<'_>, status: &str, judge: &mut Judge) {
    let Some(id) = transaction_id(case.request()) else { return };
    let rule = by_version(case, "16-REM-11", "F03.FR.08");
    let nobodys = id == NOBODYS_TRANSACTION.to_string() || id == NOBODYS_TRANSACTION_ID;
    if status == "Accepted" {
        let pending = case.station.registration == Registration::Pending && case.asked_as == Registration::Pending;
        if pending && !case.is_16() {
            judge.accuse("B02.FR.05", "accepted while pending", "a remote stop was accepted while pending");
        } else if nobodys {
            judge.accuse(
                rule,
                "unknown transaction",
                format!("a stop of transaction {id} was accepted; there is none"),
            );
        } else if case.station.is_over(&id) {
            judge.accuse(rule, "ended transaction", format!("a stop of transaction {id} was accepted; it has ended"));
        }
    } else if status == "Rejected"
        && case.station.registration == Registration::Accepted
        && case.station.asked_to_stop.as_deref() == Some(id.as_str())
        && let Some(transaction) = case.station.running(&id)
        && matches!(case.station.status(transaction.connector), None | Some(State::Charging | State::Suspended))
    {
        let rule = by_version(case, "16-REM-10", "F03.FR.07");
        judge.accuse(rule, "running transaction", format!("a stop of transaction {id} was rejected; it runs"));
    }
}

fn availability(case: &Case<'_>, status: &str, judge: &mut Judge) {
    let request = case.request();
    let inoperative = text(request, "type") == "Inoperative" || text(request, "operationalStatus") == "Inoperative";
    let number = place(case.exchange.version, request).unwrap_or(0);
    let was =
        case.station.previous_operative.filter(|(of, (_, since))| *of == number && *since == case.station.disturbances);
    let of_connector = request.get("evse").is_some_and(|evse| evse.get("connectorId").is_some());
    if request.pointer("/evse/id").and_then(Value::as_i64) == Some(0) {
        // The whole station is meant by leaving the EVSE out.
        return;
    }
    if let Some((_, (operative, _))) = was {
        if operative != inoperative && status == "Rejected" && !of_connector && running(case, number).is_none() {
            let rule = by_version(case, "16-AV-01", "G03.FR.03");
            judge.accuse(rule, "present state", "a change to the present availability was rejected");
        }
        return;
    }
    if inoperative
        && status == "Accepted"
        && let Some(transaction) = running(case, number)
    {
        let rule = by_version(case, "16-AV-02", "G03.FR.05");
        let sentence = format!("transaction {} runs there, and the change was accepted, not scheduled", transaction.id);
        judge.accuse(rule, "during a transaction", sentence);
    }
}

fn reserve(case: &Case<'_>, status: &str, judge: &mut Judge) {
    if status != "Accepted" {
        return;
    }
    let request = case.request();
    let number = place(case.exchange.version, request).unwrap_or(0);
    let id = integer(request, "reservationId").or_else(|| integer(request, "id"));
    let rule = by_version(case, "16-RES-02", "H01.FR.11");
    if let Some(transaction) = running(case, number) {
        let sentence = format!("transaction {} runs there, and a reservation was accepted", transaction.id);
        judge.accuse(rule, "occupied", sentence);
    } else if case.station.operative(number) == Some(false) && number > 0 {
        let rule = by_version(case, "16-RES-02", "H01.FR.14");
        judge.accuse(rule, "inoperative", "a reservation was accepted where it is inoperative");
    } else if let Some(other) = case.station.kept(number, case.now())
        && Some(other.id) != id
    {
        let sentence = format!("reservation {} holds, and another one was accepted", other.id);
        judge.accuse(rule, "reserved", sentence);
    }
}

fn cancel(case: &Case<'_>, status: &str, judge: &mut Judge) {
    let Some(id) = integer(case.request(), "reservationId") else { return };
    let rule = by_version(case, "16-RES-08", "H02.FR.01");
    let unknown = id == NOBODYS_ID || case.station.was_cancelled == Some(id);
    if status == "Accepted" && unknown {
        judge.accuse(rule, "unknown reservation", format!("reservation {id} was cancelled; there is none"));
    }
    let Some(held) = case.station.asked_about.as_ref().filter(|held| held.id == id && status == "Rejected") else {
        return;
    };
    let holds = held.disturbances == case.station.disturbances
        && held.expires.0 > case.now().0.saturating_add(60_000_000)
        && case.station.status(held.connector) == Some(State::Reserved);
    if holds {
        judge.accuse(rule, "known reservation", format!("reservation {id} holds, and its cancellation was rejected"));
    }
}

fn send_list(case: &Case<'_>, status: &str, judge: &mut Judge) {
    let request = case.request();
    let sent = integer(request, "listVersion").or_else(|| integer(request, "versionNumber"));
    let (Some(sent), Some(known)) = (sent, case.station.previous_list.version) else { return };
    // Where the list may be empty its version may count as 0.
    let certain = !case.is_16() || case.station.previous_list.filled == Some(true);
    if text(request, "updateType") == "Differential" && certain && sent <= known && status == "Accepted" {
        let rule = by_version(case, "16-LIST-05", "D01.FR.19");
        let sentence = format!("version {sent} was taken as a differential update of version {known}");
        judge.accuse(rule, "old version", sentence);
    }
}

fn list_version(case: &Case<'_>, answer: &Value, judge: &mut Judge) {
    let told = integer(answer, "listVersion").or_else(|| integer(answer, "versionNumber"));
    let (Some(told), list) = (told, case.station.list) else { return };
    let Some(known) = list.version else { return };
    let wrong = match (case.is_16(), list.filled) {
        (false, _) | (true, Some(true)) => told != known,
        (true, Some(false)) => told != 0 && told != known,
        (true, None) => false,
    };
    if wrong {
        let rule = by_version(case, "16-LIST-09", "D02.FR.01");
        judge.accuse(rule, "listVersion", format!("the list has version {known}, and {told} was told"));
    }
}

fn change_key(case: &Case<'_>, status: &str, judge: &mut Judge) {
    let (key, value) = (text(case.request(), "key"), text(case.request(), "value"));
    let taken = matches!(status, "Accepted" | "RebootRequired");
    if key.eq_ignore_ascii_case(NOBODYS_KEY) && status != "NotSupported" {
        judge.accuse("16-CFG-06", "unknown key", format!("a change of an unknown key was answered with {status}"));
    } else if taken && case.station.keys.get(&key.to_lowercase()) == Some(&true) {
        judge.accuse("16-CFG-09", "read-only key", format!("{key} is read-only, and its change was {status}"));
    } else if taken && key.eq_ignore_ascii_case("WebSocketPingInterval") && is_negative(value) {
        judge.accuse("16-CFG-10", "negative interval", format!("a ping interval of {value:?} was {status}"));
    }
}

fn is_negative(value: &str) -> bool {
    value.parse::<i64>().is_ok_and(|number| number < 0)
}

/// Asked for everything, a station shows what it must have.
fn required_keys(answer: &Value, judge: &mut Judge) {
    let shown: Vec<&str> = answer
        .get("configurationKey")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|key| text(key, "key"))
        .collect();
    let required = configuration::keys().iter().filter(|key| key.required && key.profile == "Core");
    let mut required = required.filter(|key| key.access.can_read());
    if let Some(key) = required.find(|key| !shown.iter().any(|shown| shown.eq_ignore_ascii_case(key.name))) {
        let name = key.name;
        judge.accuse("16-CFG-13", "required key", format!("{name} is missing among all the keys of the station"));
    }
}

fn keys(case: &Case<'_>, answer: &Value, judge: &mut Judge) {
    if case.request().get("key").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        required_keys(answer, judge);
    }
    let Some([asked]) = case.request().get("key").and_then(Value::as_array).map(Vec::as_slice) else { return };
    let Some(asked) = asked.as_str() else { return };
    let is_it = |key: Option<&str>| key.is_some_and(|key| key.eq_ignore_ascii_case(asked));
    let list = |name: &str| answer.get(name).and_then(Value::as_array).into_iter().flatten();
    let known = list("configurationKey").any(|key| is_it(key.get("key").and_then(Value::as_str)));
    let unknown = list("unknownKey").any(|key| is_it(key.as_str()));
    if known && unknown {
        judge.accuse("16-CFG-02", "key in both lists", format!("{asked} is both known and unknown"));
    } else if asked.eq_ignore_ascii_case(NOBODYS_KEY) && !unknown {
        judge.accuse("16-CFG-02", "unknown key", format!("{asked} exists nowhere and was not said to be unknown"));
    } else if !known && case.station.keys.contains_key(&asked.to_lowercase()) {
        judge.accuse("16-CFG-02", "known key", format!("{asked} was told earlier and is missing when asked for"));
    }
}

fn set_profile(case: &Case<'_>, status: &str, judge: &mut Judge) {
    if status != "Accepted" {
        return;
    }
    let request = case.request();
    let old = case.is_16();
    let profile = if old { request.get("csChargingProfiles") } else { request.get("chargingProfile") };
    let (Some(profile), Some(number)) = (profile, place(case.exchange.version, request)) else { return };
    let id = transaction_id(profile);
    match text(profile, "chargingProfilePurpose") {
        "ChargePointMaxProfile" | "ChargingStationMaxProfile" if number != 0 => {
            let rule = by_version(case, "16-SC-01", "K04.FR.03");
            judge.accuse(rule, "maximum off place", format!("a maximum of the station was accepted for {number}"));
        }
        "TxProfile" if number == 0 => {
            let rule = by_version(case, "16-SC-01", "K01.FR.16");
            judge.accuse(rule, "TxProfile off place", "a TxProfile was accepted for the whole station");
        }
        "TxProfile" if old && case.station.status(number) == Some(State::Idle) && is_undisturbed(case, number) => {
            judge.accuse("16-SC-04", "no transaction", "a TxProfile was accepted where nothing runs");
        }
        "TxProfile" if id.as_deref() == Some(NOBODYS_TRANSACTION_ID) => {
            judge.accuse("K01.FR.33", "unknown transaction", "a TxProfile for an unknown transaction was accepted");
        }
        "TxProfile"
            if old
                && id == Some(NOBODYS_TRANSACTION.to_string())
                && running(case, number).is_some_and(|running| Some(&running.id) != id.as_ref()) =>
        {
            judge.accuse("16-SC-05", "other transaction", "a TxProfile for another transaction was accepted");
        }
        _ if number == NOBODYS_CONNECTOR && case.is_no_connector(number) && !old => {
            judge.accuse("K01.FR.28", "unknown EVSE", format!("a profile for EVSE {number} was accepted"));
        }
        _ => {}
    }
}

/// Nothing was asked of the connector since it was reported, that could have begun a transaction.
fn is_undisturbed(case: &Case<'_>, number: i64) -> bool {
    let told = case.station.connectors.get(&number).map(|connector| connector.told);
    case.station.running_at(number).is_none() && !case.station.remote_started && told == Some(case.station.disturbances)
}

fn clear_profile(case: &Case<'_>, status: &str, judge: &mut Judge) {
    let request = case.request();
    let id = integer(request, "id").or_else(|| integer(request, "chargingProfileId"));
    if status == "Accepted" && id == Some(NOBODYS_ID) {
        let rule = by_version(case, "16-SC-22", "K10.FR.01");
        judge.accuse(rule, "unknown profile", format!("profile {NOBODYS_ID} was cleared; there is none"));
    }
}

fn composite(case: &Case<'_>, status: &str, judge: &mut Judge) {
    let Some(number) = place(case.exchange.version, case.request()) else { return };
    if status == "Accepted" && case.is_no_connector(number) {
        let rule = by_version(case, "16-SC-23", "K08.FR.05");
        judge.accuse(rule, "unknown connector", format!("there is a schedule for {number}, which does not exist"));
    }
}

fn trigger(case: &Case<'_>, status: &str, judge: &mut Judge) {
    let boot = text(case.request(), "requestedMessage") == "BootNotification";
    if boot && status == "Accepted" && case.asked_as == Registration::Accepted {
        let rule = by_version(case, "16-BOOT-11", "F06.FR.17");
        judge.accuse(rule, "boot triggered", "a trigger for BootNotification was accepted by an accepted station");
    }
}

fn unlock(case: &Case<'_>, status: &str, judge: &mut Judge) {
    let Some(number) = place(case.exchange.version, case.request()) else { return };
    if status != "Unlocked" {
        return;
    }
    if case.is_no_connector(number) {
        let rule = by_version(case, "16-UNL-01", "F05.FR.03");
        judge.accuse(rule, "unknown connector", format!("connector {number} does not exist and was unlocked"));
    } else if !case.is_16() && running(case, number).is_some_and(|transaction| transaction.authorised) {
        judge.accuse("F05.FR.02", "during a transaction", "a connector with an authorised transaction was unlocked");
    }
}

fn reset(case: &Case<'_>, status: &str, judge: &mut Judge) {
    let request = case.request();
    let whole = request.get("evseId").is_none();
    if case.is_16() || !whole || text(request, "type") != "OnIdle" || status != "Accepted" {
        return;
    }
    let sure = |transaction: &&Transaction| running(case, transaction.connector).is_some();
    if case.station.transactions.iter().any(|transaction| sure(&transaction)) {
        judge.accuse("B12.FR.01", "during a transaction", "a reset on idle was accepted during a transaction");
    }
}

fn vendor(case: &Case<'_>, status: &str, judge: &mut Judge) {
    if text(case.request(), "vendorId") == NOBODYS_VENDOR && status == "Accepted" {
        let rule = by_version(case, "16-DT-01", "P01.FR.05");
        judge.accuse(rule, "unknown vendor", "data of a vendor that does not exist was accepted");
    }
}

fn set_variables(case: &Case<'_>, answer: &Value, judge: &mut Judge) {
    let (Some(items), Some(results)) = (
        case.request().get("setVariableData").and_then(Value::as_array),
        answer.get("setVariableResult").and_then(Value::as_array),
    ) else {
        return;
    };
    if items.len() != results.len() {
        let sentence = format!("{} variables were set and {} results came", items.len(), results.len());
        judge.accuse("B05.FR.01", "number of results", sentence);
    }
    // The order of the results is not laid down.
    for result in results {
        let Some(name) = name_of(result) else { continue };
        let taken = matches!(text(result, "attributeStatus"), "Accepted" | "RebootRequired");
        let actual = result.get("attributeType").is_none_or(|kind| kind == "Actual");
        if taken && name.starts_with(NOBODYS_KEY) {
            judge.accuse("B05.FR.04", "unknown component", "a variable of an unknown component was set");
        } else if taken && actual && case.station.keys.get(&name.to_lowercase()) == Some(&true) {
            judge.accuse("B05.FR.09", "read-only variable", format!("{name} is read-only and was set"));
        }
    }
}

fn variables(case: &Case<'_>, answer: &Value, judge: &mut Judge) {
    let (Some(items), Some(results)) = (
        case.request().get("getVariableData").and_then(Value::as_array),
        answer.get("getVariableResult").and_then(Value::as_array),
    ) else {
        return;
    };
    if items.len() != results.len() {
        let sentence = format!("{} variables were asked for and {} results came", items.len(), results.len());
        judge.accuse("B06.FR.01", "number of results", sentence);
    }
    for result in results {
        let Some(name) = name_of(result) else { continue };
        let accepted = text(result, "attributeStatus") == "Accepted";
        if accepted && name.starts_with(NOBODYS_KEY) {
            judge.accuse("B06.FR.06", "unknown component", "a variable of an unknown component was told");
        } else if accepted && name.eq_ignore_ascii_case("SecurityCtrlr.BasicAuthPassword") {
            judge.accuse("B06.FR.09", "write-only variable", "the password was told");
        }
    }
}

/// `Component.Variable` of a variable without instances and EVSE.
fn name_of(item: &Value) -> Option<String> {
    let (component, variable) = (item.get("component")?, item.get("variable")?);
    let plain =
        component.get("instance").is_none() && component.get("evse").is_none() && variable.get("instance").is_none();
    plain.then(|| format!("{}.{}", text(component, "name"), text(variable, "name")))
}

fn transaction_status(case: &Case<'_>, answer: &Value, judge: &mut Judge) {
    let ongoing = answer.get("ongoingIndicator").and_then(Value::as_bool);
    let queued = answer.get("messagesInQueue").and_then(Value::as_bool);
    match transaction_id(case.request()) {
        None if ongoing.is_some() => {
            judge.accuse("E14.FR.06", "ongoingIndicator", "it tells that something goes on without being asked what");
        }
        Some(id) if id == NOBODYS_TRANSACTION_ID && (ongoing == Some(true) || queued == Some(true)) => {
            judge.accuse("E14.FR.01", "unknown transaction", "an unknown transaction goes on or has messages queued");
        }
        Some(id) if ongoing == Some(false) => {
            let surely = case.station.running(&id).filter(|transaction| case.station.is_sure(transaction));
            if surely.is_some_and(|transaction| running(case, transaction.connector).is_some()) {
                judge.accuse("E14.FR.02", "running transaction", format!("transaction {id} runs, and is said not to"));
            }
        }
        _ => {}
    }
}

/// A call of the station.
pub(super) fn call(case: &Case<'_>, judge: &mut Judge) {
    before_acceptance(case, judge);
    match case.action() {
        "StartTransaction" => start(case, judge),
        "StopTransaction" => stop(case, judge),
        "TransactionEvent" => event(case, judge),
        "NotifyReport" => report(case, judge),
        _ => {}
    }
}

fn before_acceptance(case: &Case<'_>, judge: &mut Judge) {
    let station = case.station;
    if case.action() == "BootNotification" {
        let Some((at, interval)) = station.answered_boot else { return };
        let waits =
            matches!(station.registration, Registration::Pending | Registration::Rejected) && !station.booted_on_wish;
        let early = Duration::from_secs(u64::try_from(interval).unwrap_or(0).saturating_sub(1));
        let undisturbed = station.boot_disturbances == station.disturbances;
        if waits && undisturbed && station.boots_triggered == 0 && case.now().since(at) < early {
            let rule = by_version(case, "16-BOOT-04", "R-140");
            let sentence = format!("it boots again after {} s of {interval}", case.now().since(at).as_secs());
            judge.accuse(rule, "boots early", sentence);
        }
        return;
    }
    let rule = match (station.registration, case.is_16()) {
        _ if station.booted_on_wish => return,
        (Registration::Pending, _) if station.was_triggered(case.action()) => return,
        (Registration::Pending, true) => "16-BOOT-06",
        (Registration::Pending, false) => "B02.FR.02",
        (Registration::Rejected, true) => "16-BOOT-08",
        (Registration::Rejected, false) => "B03.FR.02",
        _ => return,
    };
    judge.accuse(rule, "speaks before acceptance", format!("it sent {} without being accepted", case.action()));
}

fn start(case: &Case<'_>, judge: &mut Judge) {
    let request = case.request();
    let number = integer(request, "connectorId").unwrap_or(0);
    if let Some(transaction) = case.station.running_at(number)
        && transaction.losses == case.station.losses
        && transaction.answered
        && transaction.start != text(request, "timestamp")
    {
        let sentence = format!("a transaction begins on connector {number}, where transaction {} runs", transaction.id);
        judge.accuse("16-TX-17", "occupied", sentence);
    }
    refused(case, text(request, "idTag"), judge);
}

/// Who was refused does not charge, unless somebody else let him in.
pub(super) fn refused(case: &Case<'_>, token: &str, judge: &mut Judge) {
    let station = case.station;
    let refused = station.refused_tokens.iter().find(|(other, _)| other.eq_ignore_ascii_case(token));
    // A remote start need not ask.
    let named = station.past.named.iter().any(|named| named.eq_ignore_ascii_case(token));
    let Some((_, since)) = refused.filter(|_| !station.list.touched && !named) else { return };
    // By the clock that we gave it: a transaction that began before it asked is none of this.
    let set = station.answered_boot.is_some() && station.registration == Registration::Accepted;
    let began = protocol::Timestamp::parse(text(case.request(), "timestamp"));
    if set && began.is_some_and(|began| began.0 >= since.0.saturating_add(1_000_000)) {
        let sentence = format!("a transaction begins under {token:?}, which was refused");
        judge.accuse(by_version(case, "16-AUTH-01", "C01.FR.01"), "refused token", sentence);
    }
}

fn stop(case: &Case<'_>, judge: &mut Judge) {
    let request = case.request();
    let transaction = transaction_id(request).and_then(|id| case.station.running(&id));
    if let (Some(transaction), Some(end)) = (transaction, integer(request, "meterStop"))
        && transaction.answered
        && !case.station.is_shared(&transaction.id)
        && end < transaction.meter_start
    {
        let sentence = format!("the meter fell from {} to {end}", transaction.meter_start);
        judge.accuse("16-TX-15", "meterStop", sentence);
    }
}

fn event(case: &Case<'_>, judge: &mut Judge) {
    let (station, request) = (case.station, case.request());
    let (Some(id), Some(sequence)) = (transaction_id(request), integer(request, "seqNo")) else { return };
    let started = text(request, "eventType") == "Started";
    let Some(transaction) = station.running(&id) else {
        // The same event again is a repetition: perhaps our answer did not arrive.
        let answered =
            station.end_answered.as_ref().filter(|(ended, number)| *ended == id && *number != Some(sequence));
        if station.is_over(&id) && answered.is_some() {
            let rule = if started { "E01.FR.08" } else { "E-GEN-05" };
            judge.accuse(rule, "after the end", format!("transaction {id} has ended, and here is another event of it"));
        }
        let evse = request.get("evse").and_then(|evse| integer(evse, "id")).filter(|_| started);
        let there = evse.and_then(|evse| station.running_at(evse));
        if let Some(other) = there.filter(|other| other.losses == station.losses && other.answered) {
            judge.accuse("E-GEN-01", "occupied", format!("a transaction begins where transaction {} runs", other.id));
        }
        return;
    };
    let Some(last) = transaction.sequence else { return };
    // What we did not answer may come again.
    let again = !transaction.answered && sequence == last;
    if again || transaction.losses != station.losses {
        return;
    }
    if started {
        judge.accuse("E-GEN-05", "started twice", format!("transaction {id} starts a second time"));
    } else if sequence != last.saturating_add(1) {
        judge.accuse("E-GEN-03", "seqNo", format!("number {sequence} follows number {last}"));
    }
}

fn report(case: &Case<'_>, judge: &mut Judge) {
    let request = case.request();
    let (Some(id), Some(sequence)) = (integer(request, "requestId"), integer(request, "seqNo")) else { return };
    // Reports that nobody asked for, or that were asked for under the same id, are not told apart.
    let begun = case.station.reports.iter().find(|(other, _)| *other == id).map(|(_, next)| *next);
    if !case.station.asked_reports.contains(&(id, true)) {
        return;
    }
    match begun {
        Some(next) if sequence != next => {
            judge.accuse("B07.FR.10", "seqNo", format!("part {sequence} of a report came in place of {next}"));
        }
        None if sequence == 1 => {
            judge.accuse("B07.FR.10", "seqNo", "the parts of a report are numbered from 1");
        }
        _ => {}
    }
}
