//! What a CSMS of 1.6 may ask of a station, and refuse to it, by what it has made of its boot.

use protocol::overlay::{self, Part};
use protocol::{Role, Timestamp, Version, validate};
use serde_json::Value;

use super::{Found, Oracles, Registration};
use crate::Verdict;

impl Oracles {
    /// A BootNotification was answered with this.
    pub(super) fn registered(&mut self, result: &Value) {
        self.registration = match result.get("status").and_then(Value::as_str) {
            Some("Accepted") => Registration::Accepted,
            Some("Rejected") => Registration::Waiting { rejected: true },
            _ => Registration::Waiting { rejected: false },
        };
        if self.registration == Registration::Accepted {
            self.booted_on_wish = false;
            self.boots_no_more();
        }
    }

    /// A call of a CSMS, held against the answer that our boot has got.
    pub(super) fn called_unregistered(&mut self, now: Timestamp, text: &str, action: &str, payload: &Value) {
        if self.device != Role::Csms || self.version != Version::V16 {
            return;
        }
        let starts_or_stops = matches!(action, "RemoteStartTransaction" | "RemoteStopTransaction");
        let asks_for_boot = matches!(action, "TriggerMessage" | "ExtendedTriggerMessage")
            && payload.get("requestedMessage").is_some_and(|wanted| wanted == "BootNotification");
        let (statement, word, verdict) = match self.registration {
            Registration::Waiting { rejected: true } => ("16-BOOT-13", "Rejected", Verdict::Warn),
            Registration::Waiting { rejected: false } if starts_or_stops => ("R-131", "Pending", Verdict::Fail),
            Registration::Accepted if asks_for_boot => ("16-BOOT-12", "Accepted", Verdict::Fail),
            _ => return,
        };
        let what = if asks_for_boot { "TriggerMessage of BootNotification" } else { action };
        self.report(
            now,
            text,
            Found {
                oracle: "unregistered-station",
                statement,
                path: what.to_owned(),
                verdict,
                sentence: format!("{what} was sent although the last BootNotification was answered {word}"),
            },
        );
    }

    /// A call of ours was refused: what a station tells is answered, not judged.
    pub(super) fn report_refused(&mut self, now: Timestamp, text: &str, action: &str, request: &Value, code: &str) {
        let is_accepted = self.registration == Registration::Accepted;
        // Who says SecurityError takes it for a station that is not accepted, which has its own rules.
        if self.device != Role::Csms || self.version != Version::V16 || !is_accepted || code == "SecurityError" {
            return;
        }
        let statement = match action {
            "StartTransaction" | "StopTransaction" => "16-TX-05",
            "MeterValues" => "16-MV-18",
            "StatusNotification" => "16-STAT-15",
            "Heartbeat" => "16-HB-02",
            _ => return,
        };
        let is_valid = validate::request_violations(self.version, action, request).is_empty()
            && overlay::breaches(self.version, Role::Station, action, Part::Request, request).is_empty();
        if !is_valid {
            return;
        }
        self.report(
            now,
            text,
            Found {
                oracle: "takes-every-report",
                statement,
                path: action.to_owned(),
                verdict: Verdict::Fail,
                sentence: format!("{action} of an accepted station was refused with {code}"),
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(status: &str, call: &str) -> Vec<(String, Verdict)> {
        let mut oracles = Oracles::new(Role::Csms, Version::V16);
        oracles.opened();
        let boot = serde_json::json!({ "chargePointVendor": "Plugfest", "chargePointModel": "Virtual" });
        oracles.sent_call("1", "BootNotification", &boot);
        let answer = format!(r#"[3,"1",{{"status":"{status}","currentTime":"2026-01-01T00:00:00Z","interval":300}}]"#);
        let reading = oracles.received(Timestamp(1), answer.as_bytes());
        oracles.answer(Timestamp(1), answer.as_bytes(), &reading.frame.unwrap());
        oracles.received(Timestamp(2), call.as_bytes());
        oracles.take().into_iter().map(|found| (found.statement, found.verdict)).collect()
    }

    const START: &str = r#"[2,"c1","RemoteStartTransaction",{"idTag":"PLUGFEST"}]"#;
    const READ: &str = r#"[2,"c1","GetConfiguration",{}]"#;
    const BOOT: &str = r#"[2,"c1","TriggerMessage",{"requestedMessage":"BootNotification"}]"#;

    #[test]
    fn a_pending_station_is_configured_and_triggered_and_not_started() {
        assert_eq!(found("Pending", START), [("R-131".to_owned(), Verdict::Fail)]);
        assert!(found("Pending", READ).is_empty());
        assert!(found("Pending", BOOT).is_empty());
    }

    #[test]
    fn a_rejected_station_is_best_left_alone() {
        assert_eq!(found("Rejected", READ), [("16-BOOT-13".to_owned(), Verdict::Warn)]);
    }

    #[test]
    fn what_an_accepted_station_tells_is_not_refused_unless_it_breaks_the_schema() {
        let refused = |status: &str, request: &str| {
            let mut oracles = Oracles::new(Role::Csms, Version::V16);
            oracles.opened();
            oracles.registered(&serde_json::json!({ "status": status }));
            oracles.sent_call("2", "StopTransaction", &serde_json::from_str(request).unwrap());
            let answer = br#"[4,"2","GenericError","",{}]"#;
            let reading = oracles.received(Timestamp(1), answer);
            oracles.answer(Timestamp(1), answer, &reading.frame.unwrap());
            oracles.take().into_iter().map(|found| found.statement).collect::<Vec<_>>()
        };
        let stop = r#"{"transactionId":7,"meterStop":0,"timestamp":"2026-01-01T00:00:00Z"}"#;
        assert_eq!(refused("Accepted", stop), ["16-TX-05"]);
        assert!(refused("Pending", stop).is_empty());
        assert!(refused("Accepted", r#"{"transactionId":"7"}"#).is_empty());
    }

    #[test]
    fn an_accepted_station_is_not_asked_to_boot_again() {
        assert_eq!(found("Accepted", BOOT), [("16-BOOT-12".to_owned(), Verdict::Fail)]);
        assert!(found("Accepted", START).is_empty());
    }
}
