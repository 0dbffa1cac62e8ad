//! Calls from the CSMS and the answers to them.

use protocol::catalogue::Catalogue;
use protocol::{Role, Version};
use serde_json::{Map, Value, json};

use super::charge_point::ChargePoint;
use crate::frames::members;
use crate::registration::Registration;
use crate::{Output, frames};

/// The outcome of a call: a payload, or an error code.
type Answer = Result<Value, &'static str>;

impl ChargePoint {
    pub(super) fn called(&mut self, text: &[u8], id: &str, action: &str, payload: &Value) {
        // A rejected station does not answer (16-BOOT-08).
        let is_rejected = matches!(self.registration, Registration::Rejected { .. });
        if self.deaf || is_rejected && !self.faults.hits("station-serves-while-rejected") {
            return;
        }
        // One that boots on every link takes no call before it is accepted on it.
        let is_booting = matches!(self.registration, Registration::Unknown | Registration::Unanswered { .. });
        if is_booting && self.faults.active("station-boots-on-reconnect") {
            return;
        }
        if self.exchange.is_waiting() && self.faults.hits("station-answers-only-when-idle") {
            self.held_calls.push(text.to_vec());
            return;
        }
        if let Some(answer) = self.exchange.earlier_answer(id, text) {
            self.out.push(Output::Send(answer));
            return;
        }
        let answer = match self.answer(action, payload) {
            Ok(payload) => frames::result(id, &payload),
            Err(code) => self.error_text(id, code, action),
        };
        self.exchange.keep_answer(id, text, &answer);
        self.out.push(Output::Send(answer));
        self.after_answer();
    }

    pub(super) fn send_error(&mut self, id: &str, code: &'static str, description: &str) {
        if matches!(self.registration, Registration::Rejected { .. }) || self.deaf {
            return;
        }
        let answer = self.error_text(id, code, description);
        self.out.push(Output::Send(answer));
    }

    fn error_text(&mut self, id: &str, code: &'static str, description: &str) -> String {
        // The 1.6 spellings are part of the protocol.
        let corrected = match code {
            "FormationViolation" => "FormatViolation",
            "OccurenceConstraintViolation" => "OccurrenceConstraintViolation",
            other => other,
        };
        let code = if corrected != code && self.faults.hits("station-corrects-error-codes") { corrected } else { code };
        if !matches!(code, "NotImplemented" | "NotSupported" | "SecurityError")
            && self.faults.hits("station-deaf-after-invalid-payload")
        {
            self.deaf = true;
        }
        let description: String = description.chars().take(255).collect();
        frames::error(id, code, &description)
    }

    fn answer(&mut self, action: &str, payload: &Value) -> Answer {
        if matches!(self.registration, Registration::Unknown | Registration::Unanswered { .. }) {
            return Err("SecurityError");
        }
        if Catalogue::of(Version::V16).message(action).is_none() {
            if self.faults.hits("station-drops-link-on-unknown-action") {
                self.close(1002);
            }
            return Err("NotImplemented");
        }
        let off = action == "TriggerMessage" && !self.settings.remote_trigger;
        if off || !SUPPORTED.contains(&action) {
            return Err("NotSupported");
        }
        if let Some(code) = frames::request_error_seen(Version::V16, action, payload, Role::Station, &mut self.faults) {
            return Err(code);
        }
        Ok(self.carry_out(action, members(payload)))
    }

    fn carry_out(&mut self, action: &str, request: &Map<String, Value>) -> Value {
        match action {
            "CancelReservation" => self.cancel_reservation(request),
            "ChangeAvailability" => self.change_availability(request),
            "ChangeConfiguration" => self.change_configuration(request),
            "ClearCache" => self.clear_cache(),
            "DataTransfer" => json!({ "status": "UnknownVendorId" }),
            "GetConfiguration" => self.get_configuration(request),
            "GetLocalListVersion" => self.get_local_list_version(),
            "RemoteStartTransaction" => self.remote_start(request),
            "RemoteStopTransaction" => self.remote_stop(request),
            "ReserveNow" => self.reserve_now(request),
            "Reset" => self.reset(request),
            "SendLocalList" => self.send_local_list(request),
            "TriggerMessage" => self.trigger_message(request),
            "UnlockConnector" => self.unlock_connector(request),
            _ => json!({}),
        }
    }

    fn clear_cache(&mut self) -> Value {
        // Without a cache there is nothing that could be cleared (16-AUTH-14).
        if !self.settings.authorization_cache {
            return json!({ "status": "Rejected" });
        }
        if !self.faults.hits("station-keeps-cache-when-cleared") {
            self.storage.cache.clear();
        }
        json!({ "status": "Accepted" })
    }

    /// What a call sets in motion begins behind its answer.
    fn after_answer(&mut self) {
        self.do_triggers();
        self.do_remote_starts();
        if let Some(soft) = self.reset_after_answer.take() {
            self.do_reset(soft);
        }
        if std::mem::take(&mut self.reconnect_after_answer) {
            self.close(1000);
        }
    }

    /// The own call is answered, so a defective station now takes up what it has put aside.
    pub(super) fn release_held_calls(&mut self) {
        for text in std::mem::take(&mut self.held_calls) {
            self.received(&text);
        }
    }
}

/// Actions that a 1.6 CSMS may send and this station carries out.
const SUPPORTED: [&str; 14] = [
    "CancelReservation",
    "ChangeAvailability",
    "ChangeConfiguration",
    "ClearCache",
    "DataTransfer",
    "GetConfiguration",
    "GetLocalListVersion",
    "RemoteStartTransaction",
    "RemoteStopTransaction",
    "ReserveNow",
    "Reset",
    "SendLocalList",
    "TriggerMessage",
    "UnlockConnector",
];
