//! The versions of the protocol and its two sides.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A version of OCPP over JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Version {
    /// OCPP 1.6 edition 2 with the security extension.
    #[serde(rename = "1.6")]
    V16,
    /// OCPP 2.0.1 edition 3.
    #[serde(rename = "2.0.1")]
    V201,
    /// OCPP 2.1 edition 1.
    #[serde(rename = "2.1")]
    V21,
}

impl Version {
    /// All versions, oldest first.
    pub const ALL: [Version; 3] = [Version::V16, Version::V201, Version::V21];

    /// The number people write: `1.6`.
    pub fn number(self) -> &'static str {
        match self {
            Version::V16 => "1.6",
            Version::V201 => "2.0.1",
            Version::V21 => "2.1",
        }
    }

    /// The name of the WebSocket subprotocol: `ocpp1.6`.
    pub fn subprotocol(self) -> &'static str {
        match self {
            Version::V16 => "ocpp1.6",
            Version::V201 => "ocpp2.0.1",
            Version::V21 => "ocpp2.1",
        }
    }

    /// The version with this subprotocol name, if there is one here.
    pub fn from_subprotocol(name: &str) -> Option<Version> {
        Version::ALL.into_iter().find(|version| version.subprotocol() == name)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.number())
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Version, String> {
        Version::ALL
            .into_iter()
            .find(|version| version.number() == text)
            .ok_or_else(|| format!("\"{text}\" is not a version; one of 1.6, 2.0.1, 2.1"))
    }
}

/// A side of the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The charging station (charge point in 1.6): the WebSocket client.
    Station,
    /// The management system (central system in 1.6): the WebSocket server.
    Csms,
}

impl Role {
    /// The side across the wire.
    pub fn other(self) -> Role {
        match self {
            Role::Station => Role::Csms,
            Role::Csms => Role::Station,
        }
    }

    /// `station` or `csms`, as in case files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Role::Station => "station",
            Role::Csms => "csms",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Role, String> {
        match text {
            "station" => Ok(Role::Station),
            "csms" => Ok(Role::Csms),
            _ => Err(format!("\"{text}\" is not a side; station or csms")),
        }
    }
}
