//! The course of an episode, as far as several oracles need it: who is registered, which link is open, and what
//! gives the device reason to end a link or to start again.

use std::collections::{HashMap, HashSet};

use protocol::frame::{self, Frame};
use protocol::{Role, Timestamp};
use serde_json::Value;

use super::About;
use crate::seen::Proof;
use crate::{Seen, What};

/// What is known of a link.
#[derive(Clone, Debug, Default)]
pub(super) struct Link {
    pub(super) identity: String,
    pub(super) open: bool,
    /// The device has said something on it.
    pub(super) heard: bool,
    /// Another one of the same identity came before: which of them stays is open.
    pub(super) is_second: bool,
    /// How the last BootNotification ended, or how it stands.
    pub(super) boot: Boot,
    /// A boot was accepted at some time in the episode.
    pub(super) accepted_once: bool,
    /// It was accepted after something that may end the link: who ends it has not read that any more.
    accepted_late: bool,
    /// Why the device may end this link, besides what was illegal.
    ends: Reasons,
    /// Why the station may start again.
    restarts: Reasons,
    /// A call of the device got no answer, or no proper one.
    pub(super) withheld: bool,
    /// Something was sent that may end the link.
    pub(super) illegal: Option<Illegal>,
    /// The longest legal message since the link was opened.
    pub(super) longest: usize,
    /// When something last went over it.
    pub(super) last: Timestamp,
}

/// Why the device may do something.
#[derive(Clone, Debug, Default)]
struct Reasons {
    /// What was asked for, and is not declined yet.
    asked: Option<&'static str>,
    /// What was agreed to.
    agreed: Option<&'static str>,
}

impl Reasons {
    fn any(&self) -> bool {
        self.asked.is_some() || self.agreed.is_some()
    }

    fn answered(&mut self, reason: Option<&'static str>, declined: bool) {
        if reason.is_some() {
            if declined && self.asked == reason {
                self.asked = None;
            } else if !declined {
                self.agreed = reason;
            }
        }
    }
}

/// The illegal thing that was sent last.
#[derive(Clone, Debug)]
pub(super) struct Illegal {
    /// Frames or bytes rather than text.
    pub(super) junk: bool,
    /// What was wrong.
    pub(super) flaw: String,
    /// A call that was sent after it: once it is answered, the device has lived on.
    pub(super) next_call: Option<String>,
}

/// How a registration stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Boot {
    #[default]
    Unknown,
    Asking,
    Accepted,
    Refused,
}

/// The course so far.
#[derive(Debug, Default)]
pub(super) struct Course {
    links: HashMap<usize, Link>,
    /// Identities of which a link was opened before the device had said a word on another: it may learn of the two in
    /// either order, and take the later one for the older.
    unordered: HashSet<String>,
}

impl Course {
    pub(super) fn link(&mut self, number: usize) -> &mut Link {
        self.links.entry(number).or_default()
    }

    /// Whether the device may leave calls on this link unanswered, or refuse them, for lack of a registration.
    pub(super) fn is_unregistered(&self, number: usize, device: Role) -> bool {
        let Some(link) = self.links.get(&number) else { return true };
        match device {
            // A station that was not seen booting may have been accepted before.
            Role::Station => matches!(link.boot, Boot::Asking | Boot::Refused) || link.may_restart(),
            Role::Csms => link.boot != Boot::Accepted,
        }
    }

    /// Takes in what was seen; to be called by an oracle after it has judged it.
    pub(super) fn saw(&mut self, seen: &Seen, about: &About<'_>) {
        match &seen.what {
            What::Opened { identity, subprotocol, proof, resumed } => {
                self.opened(seen, identity, subprotocol.is_none(), *proof != Proof::Right, about.device);
                if *resumed {
                    let link = self.link(seen.link);
                    (link.accepted_once, link.boot) = (true, Boot::Accepted);
                }
            }
            What::Sent { bytes, deserved } => {
                let link = self.links.entry(seen.link).or_default();
                link.last = seen.at;
                if deserved.may_end_link {
                    let junk = deserved.is_junk() || link.illegal.as_ref().is_some_and(|before| before.junk);
                    link.illegal = Some(Illegal { junk, flaw: deserved.flaw(), next_call: None });
                } else {
                    link.longest = link.longest.max(bytes.len());
                    if deserved.is_legal_call()
                        && let Some(illegal) = &mut link.illegal
                        && illegal.next_call.is_none()
                    {
                        illegal.next_call = deserved.id.clone();
                    }
                }
                if about.device == Role::Station {
                    let (end, start) = reasons(&deserved.action, &deserved.request);
                    link.ends.asked = end.or(link.ends.asked);
                    link.restarts.asked = start.or(link.restarts.asked);
                }
            }
            What::Received { reading, answers, .. } => {
                let link = self.links.entry(seen.link).or_default();
                link.last = seen.at;
                link.heard = true;
                match &reading.frame {
                    Some(Frame::Call { action, .. })
                        if action == "BootNotification" && about.device == Role::Station =>
                    {
                        link.boot = Boot::Asking;
                    }
                    Some(frame @ (Frame::Result { .. } | Frame::Error { .. })) => {
                        if let Some(illegal) = &link.illegal
                            && !illegal.junk
                            && illegal.next_call.as_deref() == Some(frame.id())
                        {
                            link.illegal = None;
                            link.accepted_late = false;
                        }
                        if let Some(call) = answers {
                            link.answered(&call.action, &call.request, frame, about.device);
                        }
                    }
                    _ => {}
                }
            }
            What::Answered { action, bytes, plain, .. } => {
                let link = self.links.entry(seen.link).or_default();
                link.last = seen.at;
                link.withheld |= !plain;
                if action == "BootNotification" {
                    link.boot = boot_answer(about, bytes.as_deref());
                    if link.boot == Boot::Accepted {
                        link.accepted_once = true;
                        link.accepted_late = link.illegal.is_some();
                        link.restarts = Reasons::default();
                    } else {
                        link.restarts.agreed = Some("its boot was not accepted");
                        link.ends.agreed = link.restarts.agreed;
                    }
                }
            }
            What::Ended { .. } => {
                let link = self.link(seen.link);
                link.open = false;
                if std::mem::take(&mut link.accepted_late) {
                    link.boot = Boot::Asking;
                    link.restarts.agreed = Some("it may not have read that its boot was accepted");
                }
            }
            What::Stimulated { verb, .. } if moves_the_link(verb) => {
                for link in self.links.values_mut() {
                    link.ends.agreed = Some("something was done to the device from outside");
                    link.restarts.agreed = link.ends.agreed;
                }
            }
            _ => {}
        }
    }

    fn opened(&mut self, seen: &Seen, identity: &str, unnamed: bool, unproven: bool, device: Role) {
        for (number, other) in &mut self.links {
            if *number != seen.link && other.open && other.identity == identity {
                other.ends.agreed = Some("another link of the same identity was opened");
            }
        }
        // Links to a station are opened by the station.
        let in_doubt = |other: &Link| device == Role::Csms && other.identity == identity && !other.heard;
        if self.links.values().any(in_doubt) {
            self.unordered.insert(identity.to_owned());
        }
        let is_second = self.links.values().any(|link| link.identity == identity);
        let registered = self.links.values().any(|link| link.identity == identity && link.boot == Boot::Accepted);
        let link = self.links.entry(seen.link).or_default();
        let before = std::mem::take(link);
        *link = Link { identity: identity.to_owned(), open: true, is_second, last: seen.at, ..Link::default() };
        link.accepted_once = before.accepted_once;
        if unnamed || unproven {
            link.ends.agreed = Some("the handshake was not a proper one");
        }
        if self.unordered.contains(identity) {
            link.ends.agreed = Some("another link of the same identity was opened at the same time");
        }
        match device {
            Role::Station => {
                link.boot = before.boot;
                link.restarts = before.restarts;
            }
            Role::Csms if registered => link.boot = Boot::Accepted,
            Role::Csms => {}
        }
    }
}

impl Link {
    fn answered(&mut self, action: &str, request: &Value, answer: &Frame, device: Role) {
        let payload = answer.payload();
        let status = payload.and_then(|payload| payload.get("status")).and_then(Value::as_str);
        if device == Role::Csms {
            if action == "BootNotification" && payload.is_some() {
                self.boot = if status == Some("Accepted") { Boot::Accepted } else { Boot::Refused };
                self.accepted_once |= self.boot == Boot::Accepted;
            }
            return;
        }
        let (end, start) = reasons(action, request);
        if end.is_none() && start.is_none() {
            return;
        }
        let declined = payload.is_none() || status.is_some_and(|status| !matches!(status, "Accepted" | "Scheduled"));
        // UpdateFirmware of 1.6 has no status.
        self.ends.answered(end, declined);
        self.restarts.answered(start, declined);
    }

    /// Whether something gives the device reason to end this link, besides what was illegal.
    pub(super) fn may_end(&self) -> bool {
        self.ends.any() || self.restarts.any()
    }

    /// Whether something gives the station reason to start again.
    pub(super) fn may_restart(&self) -> bool {
        self.restarts.any()
    }
}

/// Whether a stimulus can end links.
fn moves_the_link(verb: &str) -> bool {
    matches!(
        verb,
        "reboot" | "cut power" | "restore power" | "restart" | "set password" | "set profile" | "decide boot"
    ) || verb.starts_with("x-")
}

/// Why a station may end the link, and start again, after this call.
fn reasons(action: &str, request: &Value) -> (Option<&'static str>, Option<&'static str>) {
    match action {
        "Reset" => (Some("a reset"), Some("a reset")),
        "UpdateFirmware" | "SignedUpdateFirmware" => {
            (Some("an update of its firmware"), Some("an update of its firmware"))
        }
        "SetNetworkProfile" => (Some("a new network profile"), Some("a new network profile")),
        "CertificateSigned" | "DeleteCertificate" | "InstallCertificate" => (Some("a change of certificates"), None),
        "DataTransfer" => (Some("a message of its vendor"), Some("a message of its vendor")),
        "TriggerMessage" | "ExtendedTriggerMessage" => {
            let boots = request.get("requestedMessage").and_then(Value::as_str) == Some("BootNotification");
            (None, boots.then_some("a trigger"))
        }
        "ChangeConfiguration" => {
            let harmless = request.get("key").and_then(Value::as_str).is_none_or(is_harmless);
            let reason = (!harmless).then_some("a change of its connection");
            (reason, reason)
        }
        "SetVariables" => {
            let items = request.get("setVariableData").and_then(Value::as_array);
            let harmless = items
                .into_iter()
                .flatten()
                .all(|item| item.pointer("/variable/name").and_then(Value::as_str).is_none_or(is_harmless));
            let reason = (!harmless).then_some("a change of its connection");
            (reason, reason)
        }
        _ => (None, None),
    }
}

/// Whether a setting has nothing to do with the connection; of those that are not standard nobody knows.
fn is_harmless(name: &str) -> bool {
    const CONNECTION: [&str; 12] = [
        "AuthorizationKey",
        "SecurityProfile",
        "BasicAuthPassword",
        "WebSocketPingInterval",
        "NetworkConfigurationPriority",
        "NetworkProfileConnectionAttempts",
        "Identity",
        "CpoName",
        "OrganizationName",
        "OfflineThreshold",
        "ActiveNetworkProfile",
        "OcppCsmsUrl",
    ];
    let standard = protocol::configuration::key(name).is_some()
        || protocol::configuration::variables(protocol::Version::V21).any(|known| known.variable == name);
    standard && !CONNECTION.iter().any(|key| key.eq_ignore_ascii_case(name))
}

/// How a boot stands after our answer.
fn boot_answer(about: &About<'_>, bytes: Option<&[u8]>) -> Boot {
    let Some(bytes) = bytes else { return Boot::Asking };
    let reading = frame::read(about.version, bytes);
    let Some(Frame::Result { payload, .. }) = reading.frame.as_ref().filter(|_| reading.findings.is_empty()) else {
        return Boot::Asking;
    };
    let sound = protocol::validate::response_violations(about.version, "BootNotification", payload).is_empty();
    match payload.get("status").and_then(Value::as_str) {
        Some("Accepted") if sound => Boot::Accepted,
        _ => Boot::Refused,
    }
}
