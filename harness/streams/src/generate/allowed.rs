//! What is not sent to a station unless its owner says so: messages that move or flash hardware, or lock him out.

use protocol::frame::{self, Frame};
use protocol::{Role, Version};
use serde_json::Value;

use super::StandIn;
use crate::Act;

/// What may be sent: some messages move or flash real hardware, or lock its owner out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Whether dangerous messages are allowed too.
    pub dangerous: bool,
}

/// A line of the list of what is denied by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The action.
    pub action: &'static str,
    /// The versions that have it.
    pub versions: &'static [Version],
    /// Which of its messages: all of them, or with an exception.
    pub which: Which,
    /// Why.
    pub reason: &'static str,
}

/// Which messages of an action are denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    All,
    /// All but those in which this field has this value.
    Unless(&'static str, &'static str),
    /// Those in which a setting of [`SETTINGS`] is named anywhere.
    Naming,
}

const ALL: &[Version] = &Version::ALL;
const V16: &[Version] = &[Version::V16];
const V2: &[Version] = &[Version::V201, Version::V21];
const V21: &[Version] = &[Version::V21];

const fn all(action: &'static str, versions: &'static [Version], reason: &'static str) -> Denied {
    Denied { action, versions, which: Which::All, reason }
}

/// What is denied by default.
pub const DENIED: &[Denied] = &[
    Denied {
        action: "Reset",
        versions: V16,
        which: Which::Unless("type", "Soft"),
        reason: "a hard reset ends what is running without care",
    },
    Denied {
        action: "Reset",
        versions: V2,
        which: Which::Unless("type", "OnIdle"),
        reason: "an immediate reset ends what is running without care",
    },
    all("UpdateFirmware", ALL, "it flashes the station"),
    all("SignedUpdateFirmware", V16, "it flashes the station"),
    all("PublishFirmware", V2, "it spreads firmware"),
    all("UnpublishFirmware", V2, "it takes back firmware that others wait for"),
    all("DeleteCertificate", ALL, "the station may not find back without its certificates"),
    all("InstallCertificate", ALL, "the station may trust another CSMS, or none"),
    all("CertificateSigned", ALL, "the station may prove itself with a certificate that nobody accepts"),
    all("SetNetworkProfile", V2, "the station may not find back to its CSMS"),
    all("UnlockConnector", ALL, "it moves a lock"),
    all("RequestBatterySwap", V21, "it moves batteries"),
    Denied {
        action: "ChangeConfiguration",
        versions: V16,
        which: Which::Naming,
        reason: "the setting decides how, and how soon, the station finds its CSMS and proves itself",
    },
    Denied {
        action: "SetVariables",
        versions: V2,
        which: Which::Naming,
        reason: "the setting decides how, and how soon, the station finds its CSMS and proves itself",
    },
];

/// Words in the names of settings that decide how and how soon a station finds its CSMS and proves itself, in lower
/// case.
pub const SETTINGS: &[&str] = &[
    "authorizationkey",
    "password",
    "securityprofile",
    "securityctrlr",
    "networkconfiguration",
    "networkprofile",
    "url",
    "endpoint",
    "identity",
    "centralsystem",
    "server",
    "backend",
    "certificate",
    "apn",
    "ssid",
    "wifi",
    "vpn",
    "firewall",
    "backoff",
    "reconnect",
];

/// What is read of a text that cannot be read as a message.
const READ: usize = 2 * 1024 * 1024;

impl Allowed {
    /// Why this call must not be sent to a station, if it must not.
    pub fn denies(&self, version: Version, action: &str, payload: &Value) -> Option<&'static str> {
        if self.dangerous {
            return None;
        }
        // A station that looks away from case, space or version would act all the same.
        let action = action.trim_matches(|c: char| c.is_whitespace() || c.is_control());
        let same = || DENIED.iter().filter(|denied| denied.action.eq_ignore_ascii_case(action));
        if same().any(|denied| denied.versions.contains(&version)) {
            return same()
                .filter(|denied| denied.versions.contains(&version))
                .find_map(|denied| denied.applies(payload));
        }
        // It may know the messages of other versions.
        same().find_map(|denied| denied.applies(payload))
    }

    /// Why these bytes must not be sent to a station, if they must not: as the message they are, or as what a lenient
    /// reader may make of them.
    pub fn denies_bytes(&self, version: Version, bytes: &[u8]) -> Option<&'static str> {
        if self.dangerous {
            return None;
        }
        let reading = frame::read(version, bytes);
        match &reading.frame {
            Some(Frame::Call { action, payload, .. } | Frame::Send { action, payload, .. }) if is_plain(&reading) => {
                self.denies(version, action, payload)
            }
            Some(Frame::Result { .. } | Frame::Error { .. } | Frame::ResultError { .. }) if is_plain(&reading) => None,
            // Somebody may read it otherwise than we do.
            _ => named_in(bytes),
        }
    }

    /// Why this act must not be done to a device of this side, if it must not.
    pub fn denies_act(&self, device: Role, version: Version, act: &Act) -> Option<&'static str> {
        if self.dangerous || device == Role::Csms {
            return None;
        }
        // An answer starts nothing.
        if matches!(act, Act::Answer { .. }) {
            return None;
        }
        let text = act.text()?;
        self.denies_bytes(version, &text.render(&StandIn))
    }
}

fn is_plain(reading: &frame::Reading) -> bool {
    reading.findings.is_empty()
}

impl Denied {
    fn applies(&self, payload: &Value) -> Option<&'static str> {
        let is_denied = match self.which {
            Which::All => true,
            Which::Unless(field, word) => payload.get(field).and_then(Value::as_str) != Some(word),
            Which::Naming => names_a_setting(&payload.to_string()),
        };
        is_denied.then_some(self.reason)
    }
}

/// Whether a setting of [`SETTINGS`] is named in the text.
pub(super) fn names_a_setting(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    SETTINGS.iter().any(|setting| text.contains(setting))
}

/// The first denied action whose name stands anywhere in the bytes, escaped or not.
fn named_in(bytes: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(bytes.get(..READ).unwrap_or(bytes)).to_ascii_lowercase();
    let text = unescaped(&text);
    DENIED
        .iter()
        .find(|denied| {
            text.contains(&denied.action.to_ascii_lowercase())
                && (denied.which != Which::Naming || SETTINGS.iter().any(|setting| text.contains(setting)))
        })
        .map(|denied| denied.reason)
}

/// The text with `\uXXXX` of ASCII characters undone, and without NUL.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\u") {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let code = after.get(2..6).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code.filter(u8::is_ascii) {
            Some(code) => {
                out.push(char::from(code.to_ascii_lowercase()));
                rest = after.get(6..).unwrap_or("");
            }
            None => {
                out.push_str("\\u");
                rest = after.get(2..).unwrap_or("");
            }
        }
    }
    out.push_str(rest);
    out.retain(|c| c != '\0');
    out
}
