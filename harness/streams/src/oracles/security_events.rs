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
    event: &'static str,
    rule: &'static str,
    action: String,
    since: Timestamp,
    shown: Vec<u8>,
}

/// So long an event may take, in milliseconds.
const PATIENCE: u64 = 5000;

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
                    if self.expected.as_ref().is_some_and(|expected| expected.event == kind) {
                        self.expected = None;
                    }
                }
                (Some(Frame::Result { payload, .. }), Some(call)) if self.expected.is_none() => {
                    let Some((event, rule)) = demanded(call, payload, about.version) else { return };
                    // A station may report what belongs to a call before it answers it.
                    if !self.reported.iter().any(|reported| reported == event) {
                        let (action, shown) = (call.action.clone(), bytes.to_vec());
                        self.expected = Some(Expected { event, rule, action, since: seen.at, shown });
                    }
                }
                _ => {}
            },
            What::Ended { .. } | What::Answered { plain: false, .. } => self.disturbed = true,
            What::Probed { .. } => {
                let Some(Expected { event, rule, action, since, shown }) = self.expected.take() else { return };
                let waited = seen.at.since(since).as_millis() >= u128::from(PATIENCE);
                if self.disturbed || !waited {
                    return;
                }
                let sentence = format!("{action} was refused, and {event} was not reported");
                let (path, reply, bytes) = (event.to_owned(), "silence".to_owned(), shown.as_slice());
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
        if self.expected.is_none() || self.waited {
            return None;
        }
        self.waited = true;
        Some(Act::Pass { ms: PATIENCE + 1 })
    }
}

/// The event that has to follow this refusal.
fn demanded(call: &OurCall, payload: &Value, version: Version) -> Option<(&'static str, &'static str)> {
    let status = payload.get("status").and_then(Value::as_str)?;
    match (call.action.as_str(), status, version) {
        ("CertificateSigned", "Rejected", _) => {
            let chain = call.request.get("certificateChain")?.as_str()?;
            // Only what is evidently no certificate: others may be refused for their length or their kind.
            let evident = !chain.contains("BEGIN CERTIFICATE");
            evident.then_some(match version {
                Version::V16 => ("InvalidChargePointCertificate", "16-SEC-04"),
                _ => ("InvalidChargingStationCertificate", "A02.FR.06"),
            })
        }
        ("UpdateFirmware", "InvalidCertificate", Version::V201 | Version::V21) => {
            Some(("InvalidFirmwareSigningCertificate", "L01.FR.02"))
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
        told.booted(0).call(0, "1", r#"[2,"1","CertificateSigned",{"certificateChain":"nonsense"}]"#);
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
    fn it_waits_once() {
        let mut oracle = SecurityEvents::default();
        told().judge(&mut oracle);
        assert_eq!(oracle.wants(), Some(Act::Pass { ms: PATIENCE + 1 }));
        assert_eq!(oracle.wants(), None);
    }
}
