//! What is learned of a station from what it says, from what it is asked, and from the answers.

use std::sync::LazyLock;

use protocol::{Timestamp, Version};
use regex::bytes::{Regex, RegexBuilder};
use serde_json::Value;

use super::state::State;
use super::station::{
    Connector, List, Registration, Reservation, Station, Transaction, integer, place, remember, text, transaction_id,
};

/// A call and what became of it.
#[derive(Clone, Copy)]
pub(super) struct Exchange<'a> {
    pub(super) version: Version,
    pub(super) action: &'a str,
    pub(super) request: &'a Value,
    pub(super) at: Timestamp,
}

/// Actions of a CSMS that change a station.
const CHANGING: [&str; 14] = [
    "CancelReservation",
    "ChangeAvailability",
    "ChangeConfiguration",
    "RemoteStopTransaction",
    "RequestStopTransaction",
    "ReserveNow",
    "Reset",
    "SendLocalList",
    "SetVariables",
    "UnlockConnector",
    "UpdateFirmware",
    "SetChargingProfile",
    "ClearChargingProfile",
    "SetNetworkProfile",
];

/// The same anywhere in what may be no JSON at all, in whatever case.
static HIDES_CHANGE: LazyLock<Option<Regex>> =
    LazyLock::new(|| RegexBuilder::new(&CHANGING.join("|")).case_insensitive(true).unicode(false).build().ok());

/// Keys that have no say in transactions.
const HARMLESS: [&str; 5] = [
    "heartbeatinterval",
    "metervaluesampleinterval",
    "clockaligneddatainterval",
    "websocketpinginterval",
    "minimumstatusduration",
];

impl Station {
    /// Something went out that we cannot read; perhaps the station can.
    pub(super) fn was_sent_junk(&mut self, bytes: &[u8]) {
        let unfinished = bytes.iter().rev().find(|byte| !byte.is_ascii_whitespace()) != Some(&b']');
        if unfinished || HIDES_CHANGE.as_ref().is_none_or(|names| names.is_match(bytes)) {
            self.forget();
        }
    }

    /// A call of the CSMS is on its way: what it may change is in doubt until it is answered.
    pub(super) fn was_asked(&mut self, exchange: Exchange<'_>, reliable: bool) {
        let Exchange { action, request, .. } = exchange;
        if !reliable && CHANGING.contains(&action) {
            self.forget();
        }
        self.past_asked(exchange);
        match action {
            "SendLocalList" => {
                self.previous_list = self.list;
                self.list = List { touched: true, ..List::default() };
            }
            "ReserveNow" | "CancelReservation" => {
                let id = integer(request, "reservationId").or_else(|| integer(request, "id"));
                // Its expiry or its end is not to be had from an answer that never came.
                if let Some(at) = self.reservations.iter().position(|reservation| Some(reservation.id) == id) {
                    self.asked_about = Some(self.reservations.remove(at));
                } else {
                    self.asked_about = None;
                }
                self.was_cancelled = id.filter(|id| self.cancelled.contains(id));
                self.cancelled.retain(|other| Some(*other) != id);
            }
            "ChangeAvailability" => {
                self.previous_operative = place(exchange.version, request)
                    .or(Some(0))
                    .and_then(|number| Some((number, self.connectors.get(&number)?.operative?)));
                self.connectors.values_mut().for_each(|connector| connector.operative = None);
                // What goes out of operation need not keep what was reserved.
                if text(request, "type") != "Operative" && text(request, "operationalStatus") != "Operative" {
                    let number = place(exchange.version, request).unwrap_or(0);
                    self.reservations.retain(|kept| number != 0 && kept.connector != number && kept.connector != 0);
                }
            }
            "RemoteStopTransaction" | "RequestStopTransaction" => {
                let id = transaction_id(request);
                self.asked_to_stop = None;
                let disturbances = self.disturbances;
                if let Some(transaction) = self.transactions.iter_mut().find(|t| Some(&t.id) == id.as_ref()) {
                    self.asked_to_stop = (transaction.sure == Some(disturbances)).then(|| transaction.id.clone());
                    transaction.sure = None;
                }
            }
            "TriggerMessage" | "ExtendedTriggerMessage" => {
                let message = text(request, "requestedMessage").to_owned();
                self.boots_triggered += u32::from(message == "BootNotification");
                self.trigger(match message.as_str() {
                    "SignChargePointCertificate"
                    | "SignChargingStationCertificate"
                    | "SignV2GCertificate"
                    | "SignCombinedCertificate" => "SignCertificate",
                    other => other,
                });
            }
            "GetBaseReport" | "GetReport" => {
                self.trigger("NotifyReport");
                if let Some(id) = integer(request, "requestId") {
                    match self.asked_reports.iter_mut().find(|(other, _)| *other == id) {
                        Some((_, sure)) => *sure = false,
                        None => remember(&mut self.asked_reports, (id, reliable)),
                    }
                }
            }
            "RemoteStartTransaction" | "RequestStartTransaction" => self.remote_started = true,
            "GetMonitoringReport" => self.trigger("NotifyMonitoringReport"),
            "GetChargingProfiles" => self.trigger("ReportChargingProfiles"),
            "GetDisplayMessages" => self.trigger("NotifyDisplayMessages"),
            "CustomerInformation" => self.trigger("NotifyCustomerInformation"),
            "GetLog" => self.trigger("LogStatusNotification"),
            "GetDiagnostics" => self.trigger("DiagnosticsStatusNotification"),
            "UpdateFirmware" => self.trigger("FirmwareStatusNotification"),
            "SignedUpdateFirmware" => self.trigger("SignedFirmwareStatusNotification"),
            _ => {}
        }
    }

    /// The station answered a call of the CSMS.
    pub(super) fn answered(&mut self, exchange: Exchange<'_>, answer: &Value) {
        let Exchange { version, action, request, .. } = exchange;
        let status = text(answer, "status");
        self.past_answered(exchange, answer);
        self.owes_after_answer(exchange, answer);
        match action {
            "ChangeAvailability" => {
                let number = place(version, request).unwrap_or(0);
                let operative =
                    text(request, "type") == "Operative" || text(request, "operationalStatus") == "Operative";
                let of_connector = request.get("evse").is_some_and(|evse| evse.get("connectorId").is_some());
                let known = (status == "Accepted" && !of_connector).then_some((operative, self.disturbances));
                if let Some(connector) = self.connector(number) {
                    connector.operative = known;
                }
            }
            "TriggerMessage" if status != "Accepted" && text(request, "requestedMessage") == "BootNotification" => {
                self.boots_triggered = self.boots_triggered.saturating_sub(1);
            }
            "ReserveNow" if status == "Accepted" => self.take_reservation(exchange),
            "CancelReservation" => {
                if let Some(id) = integer(request, "reservationId").filter(|_| status == "Accepted") {
                    remember(&mut self.cancelled, id);
                }
            }
            "SendLocalList" if status == "VersionMismatch" => self.list = self.previous_list,
            "SendLocalList" if status == "Accepted" => self.take_list(request),
            "GetLocalListVersion" => self.read_list_version(version, answer),
            "ChangeConfiguration" if matches!(status, "Accepted" | "RebootRequired") => {
                let key = text(request, "key").to_lowercase();
                if key.contains("localauthlist") {
                    self.list = List { touched: true, ..List::default() };
                }
                if !HARMLESS.contains(&key.as_str()) {
                    self.disturb();
                }
            }
            "GetConfiguration" => {
                for key in answer.get("configurationKey").and_then(Value::as_array).into_iter().flatten() {
                    if let Some(readonly) = key.get("readonly").and_then(Value::as_bool) {
                        self.learn_key(text(key, "key"), readonly);
                    }
                }
            }
            "SetVariables" => {
                self.list = List { touched: true, ..List::default() };
                self.disturb();
            }
            "SetChargingProfile" if status == "Accepted" => {
                let profile = request.get("csChargingProfiles").or_else(|| request.get("chargingProfile"));
                let id = profile.and_then(|p| integer(p, "chargingProfileId").or_else(|| integer(p, "id")));
                if let Some(id) = id {
                    remember(&mut self.profiles, id);
                }
            }
            "ClearChargingProfile" if status == "Accepted" => self.profiles.clear(),
            "Reset" if status != "Rejected" => self.disturb(),
            "UnlockConnector" | "UpdateFirmware" | "SetNetworkProfile" => self.disturb(),
            _ => {}
        }
    }

    fn take_reservation(&mut self, exchange: Exchange<'_>) {
        let Exchange { version, request, .. } = exchange;
        let old = version == Version::V16;
        let id = integer(request, if old { "reservationId" } else { "id" });
        let expires = Timestamp::parse(text(request, if old { "expiryDate" } else { "expiryDateTime" }));
        let token =
            if old { text(request, "idTag") } else { request.get("idToken").map_or("", |t| text(t, "idToken")) };
        let (Some(id), Some(expires)) = (id, expires) else { return };
        let disturbances = self.disturbances;
        self.reserve(Reservation {
            id,
            connector: place(version, request).unwrap_or(0),
            token: token.to_owned(),
            group: request.get("parentIdTag").or_else(|| request.get("groupIdToken")).is_some(),
            expires,
            disturbances,
        });
    }

    fn take_list(&mut self, request: &Value) {
        let version = integer(request, "listVersion").or_else(|| integer(request, "versionNumber"));
        let entries = request.get("localAuthorizationList").and_then(Value::as_array);
        let added = entries.is_some_and(|entries| {
            entries.iter().any(|entry| entry.get("idTagInfo").or_else(|| entry.get("idTokenInfo")).is_some())
        });
        let removed = entries.is_some_and(|entries| {
            entries.iter().any(|entry| entry.get("idTagInfo").or_else(|| entry.get("idTokenInfo")).is_none())
        });
        let full = text(request, "updateType") == "Full";
        let filled = match (full, added, removed) {
            (true, added, _) => Some(added),
            // What is added and taken out again by the same update is not looked into.
            (false, true, false) => Some(true),
            (false, false, false) => self.previous_list.filled,
            (false, _, true) => None,
        };
        self.list = List { version, filled, touched: true };
    }

    fn read_list_version(&mut self, version: Version, answer: &Value) {
        let told = integer(answer, "listVersion").or_else(|| integer(answer, "versionNumber"));
        match told {
            Some(told) if told > 0 => self.list = List { version: Some(told), filled: Some(true), ..self.list },
            // In 1.6 an empty list hides its version, and a station without one says -1.
            Some(0) if version != Version::V16 => self.list.version = Some(0),
            Some(_) if version == Version::V16 => self.list.filled = Some(false),
            _ => {}
        }
    }

    /// The station said something; what it is answered may follow.
    pub(super) fn said(&mut self, exchange: Exchange<'_>) {
        let Exchange { version, action, request, .. } = exchange;
        self.does(exchange);
        self.past_said(exchange);
        match action {
            "BootNotification" => {
                self.turned_away |= self.registration == Registration::Accepted;
                self.booted_on_wish |= self.registration == Registration::Accepted && self.boots_triggered > 0;
                self.registration = Registration::Unknown;
                if self.boots_triggered == 0 {
                    // It begins anew, and what was asked for before is forgotten.
                    self.triggered.clear();
                }
                self.boots_triggered = self.boots_triggered.saturating_sub(1);
                self.disturb();
            }
            "StatusNotification" => self.reported(version, request),
            "StartTransaction" => self.starts += 1,
            "StopTransaction" => {
                if let Some(id) = transaction_id(request) {
                    self.end(&id);
                }
            }
            "TransactionEvent" => self.event(exchange),
            "NotifyReport" => self.report(request),
            _ => {}
        }
    }

    fn reported(&mut self, version: Version, request: &Value) {
        let (number, status) = match version {
            Version::V16 => (integer(request, "connectorId"), text(request, "status")),
            _ => (integer(request, "evseId"), text(request, "connectorStatus")),
        };
        let (Some(number), Some(status)) = (number, State::of_status(status)) else { return };
        if number > 0 {
            self.focus = number;
        }
        let disturbances = self.disturbances;
        if let Some(connector) = self.connector(number) {
            connector.status = Some(status);
            connector.told = disturbances;
        }
        if status != State::Reserved {
            self.reservations.retain(|reservation| reservation.connector != number);
        }
        let goes_on = match version {
            Version::V16 => matches!(status, State::Charging | State::Suspended),
            _ => status == State::Preparing,
        };
        if !goes_on {
            self.doubt(number);
        }
    }

    fn event(&mut self, exchange: Exchange<'_>) {
        let Exchange { request, .. } = exchange;
        let Some(id) = transaction_id(request) else { return };
        let sequence = integer(request, "seqNo");
        let token = request.get("idToken").map(|token| text(token, "idToken"));
        let evse = request.get("evse").and_then(|evse| integer(evse, "id"));
        let kind = text(request, "eventType");
        if kind == "Ended" {
            if let Some(transaction) = self.transactions.iter_mut().find(|transaction| transaction.id == id) {
                transaction.sequence = sequence;
            }
            self.end(&id);
            let focus = self.focus;
            if let Some(connector) = self.connector(focus)
                && matches!(connector.status, Some(State::Charging | State::Suspended))
            {
                connector.status = Some(State::Preparing);
            }
            return;
        }
        if self.running(&id).is_none() {
            // One that was begun before we looked runs as well, but nothing is sure about it.
            let over = self.may_be_over(text(request, "timestamp"));
            let sure = (kind == "Started" && !over).then_some(self.disturbances);
            self.begin(Transaction {
                id: id.clone(),
                connector: evse.unwrap_or(0),
                token: String::new(),
                start: text(request, "timestamp").to_owned(),
                meter_start: 0,
                sequence: None,
                answered: false,
                losses: self.losses,
                authorised: false,
                sure,
            });
        }
        let losses = self.losses;
        let Some(transaction) = self.transactions.iter_mut().find(|transaction| transaction.id == id) else { return };
        transaction.sequence = sequence;
        transaction.answered = false;
        transaction.losses = losses;
        if let Some(evse) = evse {
            transaction.connector = evse;
            self.focus = evse;
        }
        if let Some(token) = token {
            token.clone_into(&mut transaction.token);
        }
        if !GOES_ON.contains(&text(request, "triggerReason")) {
            transaction.sure = None;
        }
        let charging = request.get("transactionInfo").map_or("", |info| text(info, "chargingState"));
        let number = transaction.connector;
        let status = match charging {
            "SuspendedEV" | "SuspendedEVSE" => State::Suspended,
            "Charging" => State::Charging,
            _ => return,
        };
        // Only for the state; what is reported of the connector itself comes by its own message.
        if let Some(connector) = self.connector(number) {
            connector.status = Some(status);
        }
    }

    fn report(&mut self, request: &Value) {
        for item in request.get("reportData").and_then(Value::as_array).into_iter().flatten() {
            let (Some(component), Some(variable)) = (item.get("component"), item.get("variable")) else { continue };
            let plain = component.get("instance").is_none()
                && component.get("evse").is_none()
                && variable.get("instance").is_none();
            let attributes = item.get("variableAttribute").and_then(Value::as_array);
            let Some([attribute]) = attributes.map(Vec::as_slice) else { continue };
            if plain && attribute.get("type").is_none_or(|kind| kind == "Actual") {
                let name = format!("{}.{}", text(component, "name"), text(variable, "name"));
                self.learn_key(&name, text(attribute, "mutability") == "ReadOnly");
            }
        }
        if let (Some(id), Some(sequence)) = (integer(request, "requestId"), integer(request, "seqNo")) {
            self.reports.retain(|(other, _)| *other != id);
            if request.get("tbc").and_then(Value::as_bool) == Some(true) {
                remember(&mut self.reports, (id, sequence.saturating_add(1)));
            }
        }
    }

    /// A call of the station was answered with a result; `plain` if it was what a CSMS that keeps to the rules says.
    pub(super) fn was_answered(&mut self, exchange: Exchange<'_>, answer: &Value, plain: bool) {
        let Exchange { version, action, request, at } = exchange;
        if !plain {
            self.lose();
        }
        self.past_was_answered(exchange, answer, plain);
        self.owes_after(exchange, answer, plain);
        match action {
            "BootNotification" => {
                self.registration = match text(answer, "status") {
                    "Accepted" => Registration::Accepted,
                    "Pending" => Registration::Pending,
                    "Rejected" => Registration::Rejected,
                    _ => Registration::Unknown,
                };
                self.turned_away &= self.registration != Registration::Accepted;
                self.booted_on_wish &= self.registration != Registration::Accepted;
                self.answered_boot = Some((at, integer(answer, "interval").unwrap_or(0)));
                self.boot_disturbances = self.disturbances;
                self.boot_losses = self.losses;
                self.told(answer, at);
            }
            "Heartbeat" => self.told(answer, at),
            "Authorize" => {
                let (token, info) = match version {
                    Version::V16 => (text(request, "idTag"), answer.get("idTagInfo")),
                    _ => (request.get("idToken").map_or("", |t| text(t, "idToken")), answer.get("idTokenInfo")),
                };
                let status = info.map_or("", |info| text(info, "status"));
                self.refused_tokens.retain(|(other, _)| !other.eq_ignore_ascii_case(token));
                if status == "Accepted" {
                    if !self.accepted_tokens.iter().any(|other| other == token) {
                        remember(&mut self.accepted_tokens, token.to_owned());
                    }
                } else if plain {
                    remember(&mut self.refused_tokens, (token.to_owned(), at));
                }
            }
            "StartTransaction" => {
                let Some(id) = transaction_id(answer) else { return };
                self.starts_answered += u64::from(plain);
                let accepted = answer.get("idTagInfo").map_or("", |info| text(info, "status")) == "Accepted";
                let connector = integer(request, "connectorId").unwrap_or(0);
                self.begin(Transaction {
                    id,
                    connector,
                    token: text(request, "idTag").to_owned(),
                    start: text(request, "timestamp").to_owned(),
                    meter_start: integer(request, "meterStart").unwrap_or(0),
                    sequence: None,
                    answered: plain,
                    losses: self.losses,
                    authorised: accepted,
                    sure: (accepted && plain && !self.may_be_over(text(request, "timestamp")))
                        .then_some(self.disturbances),
                });
            }
            "TransactionEvent" => {
                let Some(id) = transaction_id(request) else { return };
                if plain && text(request, "eventType") == "Ended" {
                    self.end_answered = Some((id, integer(request, "seqNo")));
                    return;
                }
                let Some(transaction) = self.transactions.iter_mut().find(|transaction| transaction.id == id) else {
                    return;
                };
                transaction.answered = plain;
                if let Some(info) = answer.get("idTokenInfo") {
                    let accepted = text(info, "status") == "Accepted";
                    transaction.authorised = accepted;
                    transaction.sure = transaction.sure.filter(|_| accepted);
                }
            }
            _ => {}
        }
    }

    fn told(&mut self, answer: &Value, at: Timestamp) {
        if let Some(time) = Timestamp::parse(text(answer, "currentTime")) {
            self.told_time = Some((time, at));
        }
    }

    /// What is known of a connector's availability: operative or not, beyond doubt.
    pub(super) fn operative(&self, number: i64) -> Option<bool> {
        let of = |connector: &Connector| connector.operative.filter(|(_, since)| *since == self.disturbances);
        self.connectors.get(&number).and_then(of).map(|(operative, _)| operative)
    }
}

/// Reasons of events after which the transaction surely goes on.
const GOES_ON: [&str; 10] = [
    "Authorized",
    "CablePluggedIn",
    "ChargingRateChanged",
    "ChargingStateChanged",
    "EVDetected",
    "MeterValueClock",
    "MeterValuePeriodic",
    "RemoteStart",
    "SignedDataReceived",
    "Trigger",
];
