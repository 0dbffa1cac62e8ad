//! Calls from the CSMS and the answers to them.

use protocol::Role;
use protocol::catalogue::Catalogue;
use serde_json::{Map, Value, json};

use super::charging_station::ChargingStation;
use crate::frames::members;
use crate::registration::Registration;
use crate::{Output, frames};

/// The outcome of a call: a payload, or an error code.
pub(super) type Answer = Result<Value, &'static str>;

impl ChargingStation {
    pub(super) fn called(&mut self, text: &[u8], id: &str, action: &str, payload: &Value) {
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
        // The answer has left, so what it promised begins.
        if std::mem::take(&mut self.reconnect_after_answer) {
            self.close(1000);
        }
    }

    /// An id that cannot be read is answered as "-1".
    pub(super) fn refuse_frame(&mut self, id: Option<String>, code: &'static str) {
        let answer = self.error_text(id.as_deref().unwrap_or("-1"), code, "the frame is damaged");
        self.out.push(Output::Send(answer));
    }

    fn error_text(&mut self, id: &str, code: &'static str, description: &str) -> String {
        let old = match code {
            "FormatViolation" => "FormationViolation",
            "OccurrenceConstraintViolation" => "OccurenceConstraintViolation",
            other => other,
        };
        let code = if old != code && self.faults.hits("station-keeps-old-error-codes") { old } else { code };
        frames::error(id, code, description)
    }

    fn answer(&mut self, action: &str, payload: &Value) -> Answer {
        match self.registration {
            Registration::Unknown | Registration::Unanswered { .. } => return Err("SecurityError"),
            // B03.FR.08
            Registration::Rejected { .. } if !self.faults.hits("station-serves-while-rejected") => {
                return Err("SecurityError");
            }
            _ => {}
        }
        let Some(message) = Catalogue::of(self.version()).message(action) else {
            return Err("NotImplemented");
        };
        if !message.from.includes(Role::Csms) || !SUPPORTED.contains(&action) {
            return Err("NotSupported");
        }
        let version = self.version();
        if let Some(code) = frames::request_error_seen(version, action, payload, Role::Station, &mut self.faults) {
            return Err(code);
        }
        self.carry_out(action, members(payload))
    }

    fn carry_out(&mut self, action: &str, request: &Map<String, Value>) -> Answer {
        Ok(match action {
            "ChangeAvailability" => self.change_availability(request),
            "ClearCache" => self.clear_cache(),
            "DataTransfer" => json!({ "status": "UnknownVendorId" }),
            "GetBaseReport" => self.get_base_report(request),
            "GetReport" => self.get_report(request),
            "GetTransactionStatus" => self.transaction_status(request),
            "GetVariables" => return self.get_variables(request),
            "RequestStartTransaction" => self.request_start(request),
            "RequestStopTransaction" => self.request_stop(request),
            "Reset" => self.reset(request),
            "SetVariables" => return self.set_variables(request),
            "TriggerMessage" => self.trigger_message(request),
            "UnlockConnector" => self.unlock_connector(request),
            _ => return Err("NotSupported"),
        })
    }
}

/// Actions that this station carries out.
const SUPPORTED: [&str; 13] = [
    "ChangeAvailability",
    "ClearCache",
    "DataTransfer",
    "GetBaseReport",
    "GetReport",
    "GetTransactionStatus",
    "GetVariables",
    "RequestStartTransaction",
    "RequestStopTransaction",
    "Reset",
    "SetVariables",
    "TriggerMessage",
    "UnlockConnector",
];
