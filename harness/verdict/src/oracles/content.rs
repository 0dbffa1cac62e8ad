//! What stands in the payloads: schemas, rules of the text, states of connectors.

use protocol::catalogue::Catalogue;
use protocol::overlay::{self, Part, Severity};
use protocol::validate::{self, Violation, ViolationKind};
use protocol::{Role, Timestamp, Version};
use serde_json::Value;

use super::{Found, Oracles};
use crate::Verdict;

/// Legal changes of a connector's status in 1.6 (16-STAT-02), from the first to any of the others.
const CHANGES: &[(&str, &[&str])] = &[
    ("Available", &["Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Reserved", "Unavailable", "Faulted"]),
    ("Preparing", &["Available", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing", "Faulted"]),
    ("Charging", &["Available", "SuspendedEV", "SuspendedEVSE", "Finishing", "Unavailable", "Faulted"]),
    ("SuspendedEV", &["Available", "Charging", "SuspendedEVSE", "Finishing", "Unavailable", "Faulted"]),
    ("SuspendedEVSE", &["Available", "Charging", "SuspendedEV", "Finishing", "Unavailable", "Faulted"]),
    ("Finishing", &["Available", "Preparing", "Unavailable", "Faulted"]),
    ("Reserved", &["Available", "Preparing", "Unavailable", "Faulted"]),
    ("Unavailable", &["Available", "Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Faulted"]),
];

impl Oracles {
    /// The payload of a call or a SEND of the device.
    pub(super) fn content(&mut self, now: Timestamp, text: &str, action: &str, payload: &Value) {
        let Some(message) = Catalogue::of(self.version).message(action) else {
            self.report(
                now,
                text,
                Found {
                    oracle: "known-action",
                    statement: "R-008",
                    path: action.chars().take(60).collect(),
                    verdict: Verdict::Warn,
                    sentence: format!("OCPP {} has no action \"{action}\"", self.version),
                },
            );
            return;
        };
        if !message.from.includes(self.device) {
            self.report(
                now,
                text,
                Found {
                    oracle: "known-action",
                    statement: "R-004",
                    path: action.to_owned(),
                    verdict: Verdict::Fail,
                    sentence: format!("{action} is not for a {} to send", self.device),
                },
            );
            return;
        }
        let violations = validate::request_violations(self.version, action, payload);
        self.schema(now, text, &format!("{action}.req"), violations);
        self.text_rules(now, text, action, Part::Request, payload);
        if action == "StatusNotification" && self.version == Version::V16 {
            self.status(now, text, payload);
        }
        self.transaction_call(now, text, action, payload);
    }

    /// The payload of a result of the device.
    pub(super) fn result(&mut self, now: Timestamp, text: &str, action: &str, request: &Value, payload: &Value) {
        let violations = validate::response_violations(self.version, action, payload);
        self.schema(now, text, &format!("{action}.conf"), violations);
        self.text_rules(now, text, action, Part::Response, payload);
        self.answered_by_device(now, text, action, request, payload);
        if self.device == Role::Csms && action == "BootNotification" {
            self.registered(payload);
        }
    }

    fn schema(&mut self, now: Timestamp, text: &str, message: &str, violations: Vec<Violation>) {
        for violation in violations {
            self.report(
                now,
                text,
                Found {
                    oracle: "valid-message",
                    statement: match (violation.kind, self.version) {
                        (ViolationKind::UnknownField, Version::V16) => "R-232",
                        (ViolationKind::UnknownField, _) => "R-231",
                        _ => "R-233",
                    },
                    path: format!("{message}{}", violation.path),
                    verdict: Verdict::Fail,
                    sentence: format!(
                        "{message}{}: expected {}, found {}",
                        violation.path, violation.expected, violation.actual
                    ),
                },
            );
        }
    }

    fn text_rules(&mut self, now: Timestamp, text: &str, action: &str, part: Part, payload: &Value) {
        for breach in overlay::breaches(self.version, self.device, action, part, payload) {
            let verdict = match breach.rule.severity {
                Severity::Must => Verdict::Fail,
                Severity::Should | Severity::Uncertain => Verdict::Warn,
            };
            self.report(
                now,
                text,
                Found {
                    oracle: "text-rule",
                    statement: breach.rule.statement,
                    path: format!("{action}{}: {}", breach.path, breach.rule.id),
                    verdict,
                    sentence: format!(
                        "{} Expected {}, found {}.",
                        breach.rule.sentence, breach.expected, breach.actual
                    ),
                },
            );
        }
    }

    fn status(&mut self, now: Timestamp, text: &str, payload: &Value) {
        if self.device != Role::Station {
            return;
        }
        let (Some(connector), Some(status)) =
            (payload.get("connectorId").and_then(Value::as_i64), payload.get("status").and_then(Value::as_str))
        else {
            return;
        };
        if connector == 0 && !matches!(status, "Available" | "Unavailable" | "Faulted") {
            self.report(
                now,
                text,
                Found {
                    oracle: "legal-status",
                    statement: "16-CONN-02",
                    path: "connector 0".to_owned(),
                    verdict: Verdict::Fail,
                    sentence: format!("connector 0 reported {status}"),
                },
            );
        }
        if connector > 0
            && let Some(before) = self.statuses.get(&connector).cloned()
            && before != status
            && let Some((_, allowed)) = CHANGES.iter().find(|(from, _)| *from == before)
            && !allowed.contains(&status)
        {
            // A state that lasted shorter than MinimumStatusDuration may be left out (16-STAT-10), so this alone
            // does not prove a wrong change.
            self.report(
                now,
                text,
                Found {
                    oracle: "legal-status",
                    statement: "16-STAT-02",
                    path: format!("{before} to {status}"),
                    verdict: Verdict::Warn,
                    sentence: format!("connector {connector} went from {before} to {status}"),
                },
            );
        }
        self.statuses.insert(connector, status.to_owned());
    }
}
