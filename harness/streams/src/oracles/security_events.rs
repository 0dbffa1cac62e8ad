//! O14: security events that the specification demands are reported. Others, such as InvalidMessages, are not
//! critical, and nobody has to report them over the wire.

use protocol::frame::Frame;
use protocol::{Role, Timestamp, Version};
use serde_json::Value;

use super::{About, Charge, Class, Code, Oracle, Suspicion};
use crate::seen::OurCall;
use crate::{Act, Seen, What};

/// Watches for the event that belongs to what was refused.
#[derive(Debug, Default)]
pub(super) struct SecurityEvents {
    expected: Option<Expected>,
    waited: bool,
    reported: Vec<String>,
    disturbed: bool,
}

#[derive(Debug)]
struct Expected {
    /// Any of these will do.
    events: &'static [&'static str],
    /// How long it may take, in milliseconds.
    patience: u64,
    rule: &'static str,
    action: String,
    since: Timestamp,
    shown: Vec<u8>,
}

/// So long an event may take, in milliseconds.
const PATIENCE: u64 = 5000;
/// So long after a boot, when there is much to do.
const BOOT_PATIENCE: u64 = 30_000;
/// What tells of a start, which is critical (A04.FR.01).
const STARTS: &[&str] = &["StartupOfTheDevice", "ResetOrReboot"];

impl Oracle for SecurityEvents {
    fn code(&self) -> Code {
        Code::O14
    }

    fn saw(&mut self, seen: &Seen, about: &About<'_>, suspicions: &mut Vec<Suspicion>) {
        if about.device != Role::Station {
            return;
        }
        match &seen.what {
            What::Received { bytes, reading, answers, .. } => match (&reading.frame, answers) {
                (Some(Frame::Call { action, payload, .. }), _) if action == "SecurityEventNotification" => {
                    let kind = payload.get("type").and_then(Value::as_str).unwrap_or("");
                    if self.reported.len() < 100 {
                        self.reported.push(kind.to_owned());
                    }
                    if self.expected.as_ref().is_some_and(|expected| expected.events.contains(&kind)) {
                        self.expected = None;
                    }
                }
                (Some(Frame::Result { payload, .. }), Some(call)) if self.expected.is_none() => {
                    let Some((events, rule)) = demanded(call, payload, about.version) else { return };
                    self.expect(Expected {
                        events,
                        patience: PATIENCE,
                        rule,
                        action: call.action.clone(),
                        since: seen.at,
                        shown: bytes.to_vec(),
                    });
                }
                _ => {}
            },
            What::Answered { action, request, bytes: Some(bytes), plain: true }
                if action == "BootNotification"
                    && about.version != Version::V16
                    && self.expected.is_none()
                    && request.get("reason").and_then(Value::as_str) == Some("PowerUp")
                    && is_accepted(bytes) =>
            {
                self.expect(Expected {
                    events: STARTS,
                    patience: BOOT_PATIENCE,
                    rule: "A04.FR.01",
                    action: action.clone(),
                    since: seen.at,
                    shown: request.to_string().into_bytes(),
                });
            }
            What::Ended { .. } | What::Answered { plain: false, .. } => self.disturbed = true,
            What::Probed { .. } => {
                let Some(Expected { events, patience, rule, action, since, shown }) = self.expected.take() else {
                    return;
                };
                let waited = seen.at.since(since).as_millis() >= u128::from(patience);
                if self.disturbed || !waited {
                    return;
                }
                let sentence = format!("after {action}, {} was not reported", events.join(" or "));
                let (path, reply, bytes) = (events[0].to_owned(), "silence".to_owned(), shown.as_slice());
                let class = Class::Violation;
                let charge = Charge { oracle: Code::O14, rule, class, action: &action, path, reply, sentence, bytes };
                if about.suspect(seen, charge, suspicions)
                    && let Some(last) = suspicions.last_mut()
                {
                    last.nominated = true;
                }
            }
            _ => {}
        }
    }

    fn wants(&mut self) -> Option<Act> {
        let patience = self.expected.as_ref()?.patience;
        (!std::mem::replace(&mut self.waited, true)).then_some(Act::Pass { ms: patience + 1 })
    }
}

impl SecurityEvents {
    fn expect(&mut self, expected: Expected) {
        // A station may report what belongs to a call before it answers it.
        if !self.reported.iter().any(|reported| expected.events.contains(&reported.as_str())) {
            self.expected = Some(expected);
        }
    }
}

/// Whether the answer to a boot, a plain one of ours, accepts it.
fn is_accepted(bytes: &[u8]) -> bool {
    String::from_utf8_lossy(bytes).contains("\"Accepted\"")
}

/// The event that has to follow this refusal.
fn demanded(call: &OurCall, payload: &Value, version: Version) -> Option<(&'static [&'static str], &'static str)> {
    let status = payload.get("status").and_then(Value::as_str)?;
    match (call.action.as_str(), status, version) {
        ("CertificateSigned", "Rejected", _) => {
            let chain = call.request.get("certificateChain")?.as_str()?;
            // Only what is evidently no certificate: others may be refused for their length or their kind.
            let evident = !chain.contains("BEGIN CERTIFICATE");
            evident.then_some(match version {
                Version::V16 => (&["InvalidChargePointCertificate"], "16-SEC-04"),
                _ => (&["InvalidChargingStationCertificate"], "A02.FR.06"),
            })
        }
        ("UpdateFirmware", "InvalidCertificate", Version::V201 | Version::V21) => {
            Some((&["InvalidFirmwareSigningCertificate"], "L01.FR.02"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::told::Told;
    use super::*;
    use crate::seen::Probe;

    fn told() -> Told {
        let mut told = Told::new(Role::Station, Version::V201);
        told.booted(0);
        told.received(
            0,
            r#"[2,"s","SecurityEventNotification",{"type":"StartupOfTheDevice","timestamp":"2026-01-01T00:00:00Z"}]"#,
        );
        told.call(0, "1", r#"[2,"1","CertificateSigned",{"certificateChain":"nonsense"}]"#);
        told.answer(0, r#"[3,"1",{"status":"Rejected"}]"#).after(6);
        told
    }

    #[test]
    fn a_bad_certificate_is_reported() {
        let mut told = told();
        told.received(
            0,
            r#"[2,"e","SecurityEventNotification",{"type":"InvalidChargingStationCertificate","timestamp":"2026-01-01T00:00:00Z"}]"#,
        );
        told.probed(0, Probe::Same, true);
        assert_eq!(told.judge(&mut SecurityEvents::default()), []);
    }

    #[test]
    fn a_bad_certificate_that_is_not_reported_is_found() {
        let mut told = told();
        told.probed(0, Probe::Same, true);
        let found = told.judge(&mut SecurityEvents::default());
        assert_eq!((found[0].rule.as_str(), found[0].nominated), ("A02.FR.06", true));
    }

    #[test]
    fn a_start_is_reported() {
        let mut told = Told::new(Role::Station, Version::V201);
        told.booted(0).after(31).probed(0, Probe::Same, true);
        assert_eq!(told.judge(&mut SecurityEvents::default())[0].rule, "A04.FR.01");
        let mut told = Told::new(Role::Station, Version::V201);
        told.booted(0).after(3).probed(0, Probe::Same, true);
        assert_eq!(told.judge(&mut SecurityEvents::default()), [], "it has time");
    }

    #[test]
    fn it_waits_once() {
        let mut oracle = SecurityEvents::default();
        told().judge(&mut oracle);
        assert_eq!(oracle.wants(), Some(Act::Pass { ms: PATIENCE + 1 }));
        assert_eq!(oracle.wants(), None);
    }
}
