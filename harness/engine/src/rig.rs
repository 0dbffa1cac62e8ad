//! The rig: the device under test with everything around it, read from `plugfest.yaml` or put together from flags.
//!
//! A rig says which side the device is, where it is, who it knows, what its vendor claims for it, and how it is
//! moved from outside the wire. The file is strict YAML; `${NAME}` stands for a value of the environment, and
//! what comes from there into a place of secrets is a [`Secret`] and never shown.

mod assumed;
mod binding;
mod capabilities;
mod environment;
mod facts;
mod fill;
mod init;
mod problems;
mod read;
mod schema;
mod secret;
mod timeouts;
mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use protocol::{Role, Version};
use serde_json::{Map, Value, json};
use verdict::{Diagnostic, Source};

pub use assumed::Assumed;
pub use binding::{Binding, Bindings, Bound, Endpoint, Exec, Field, Http};
pub use capabilities::{Capabilities, Claim, EXCLUSIVE};
pub use fill::{BodyTemplate, Filling, TextTemplate};
pub use init::template;
pub use schema::schema;
pub(crate) use secret::percent_encode;
pub use secret::{Secret, scrub};
pub use timeouts::{Timeouts, duration};
pub use value::RigValue;

/// The device under test with everything around it.
#[derive(Clone)]
pub struct Rig {
    /// Which side the device is; `None` if neither file nor flag says so.
    pub device: Option<Role>,
    /// The versions to be played, in the order given; empty if nothing says so.
    pub versions: Vec<Version>,
    /// The base URL of a CSMS; the identity is appended.
    pub url: Option<String>,
    /// The address where a station is awaited: `127.0.0.1:9000`.
    pub listen: Option<String>,
    /// The identities of stations: those we play towards a CSMS, or those the device may come with.
    pub identities: Vec<String>,
    /// The password of these identities for HTTP Basic authentication.
    pub password: Option<Secret>,
    /// Certificates, if the link is secured.
    pub tls: Tls,
    /// What the vendor says is implemented.
    pub capabilities: Capabilities,
    /// The connectors that cases may use.
    pub connectors: Vec<Connector>,
    /// Tokens by the name that cases use: `valid`, `blocked`, …
    pub tags: BTreeMap<String, Token>,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// What carries out stimuli and observations.
    pub drivers: Bindings,
    /// How the device is started again.
    pub restart: Option<Bound>,
    /// Free values for `rig.…` paths: `cpo`, `vendor_id`, `monitor.periodic`.
    pub values: BTreeMap<String, Value>,
    /// Tags that cannot be relied on, by name, and why.
    pub doubtful_tags: BTreeMap<String, String>,
    /// The names of tags that somebody stated; the others are ready-made.
    pub stated_tags: BTreeSet<String>,
    /// Whether somebody stated the connectors.
    pub states_connectors: bool,
    /// How many connectors there are, where the rig gives only their number.
    counted: Option<i64>,
    /// Secrets met while reading, beside the password: name and value.
    hidden: Vec<Secret>,
}

/// Certificate files of a rig, in PEM form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// The authorities that the device's certificate must come from.
    pub ca: Option<String>,
    /// The certificate chain of the side we play.
    pub certificate: Option<String>,
    /// Its private key.
    pub key: Option<String>,
}

/// A connector of the device; in 1.6 the connector number stands in both fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Connector {
    /// The EVSE, from 1.
    pub evse: i64,
    /// The connector of that EVSE, from 1.
    pub connector: i64,
}

/// A token of the rig.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its text: `idTag` in 1.6, `idToken` in 2.x.
    pub id_token: String,
    /// Its type in 2.x; `ISO14443` if nothing is said.
    pub kind: Option<String>,
    /// The group it belongs to: `parentIdTag` in 1.6, `groupIdToken` in 2.x.
    pub group: Option<String>,
}

/// The type of a token that does not name one.
const TOKEN_KIND: &str = "ISO14443";

impl Rig {
    /// Reads a rig file. `env` looks a name up in the environment.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file, each with its place; secrets that stand in the file are masked.
    pub fn read(source: &Arc<Source>, env: &dyn Fn(&str) -> Option<String>) -> Result<Rig, Vec<Diagnostic>> {
        read::read(source, env)
    }

    /// The rig of a device that nothing more is known about: ready-made tags, two connectors, and enough
    /// identities for virtual stations side by side.
    pub fn default_for(device: Option<Role>) -> Rig {
        let identities = match device {
            Some(Role::Station) => Vec::new(),
            Some(Role::Csms) | None => (1..=8).map(|n| format!("PLUGFEST-{n}")).collect(),
        };
        Rig {
            device,
            versions: Vec::new(),
            url: None,
            listen: None,
            identities,
            password: None,
            tls: Tls::default(),
            capabilities: Capabilities::default(),
            connectors: Connector::numbered(Version::V16, 2),
            tags: default_tags(),
            timeouts: Timeouts::default(),
            drivers: Bindings::default(),
            restart: None,
            values: default_values(),
            doubtful_tags: BTreeMap::new(),
            stated_tags: BTreeSet::new(),
            states_connectors: false,
            counted: Some(2),
            hidden: Vec::new(),
        }
    }

    /// The rig of an embedded reference device with this equipment.
    ///
    /// The equipment counts when the station is the device; a reference CSMS has every capability.
    pub fn embedded(device: Role, settings: &peers::StationSettings) -> Rig {
        let mut rig = Rig::default_for(Some(device));
        rig.counted = Some(i64::from(settings.connectors));
        let mut rig = rig.for_version(settings.version);
        if device == Role::Station {
            rig.identities = vec![settings.identity.clone()];
            rig.capabilities = Capabilities::listed(settings.capabilities());
        }
        rig
    }

    /// The rig as one version sees it: where it gives only the number of connectors, they are numbered as that
    /// version does.
    #[must_use]
    pub fn for_version(&self, version: Version) -> Rig {
        let mut rig = self.clone();
        rig.versions = vec![version];
        if let Some(count) = rig.counted {
            rig.connectors = Connector::numbered(version, count);
        }
        rig
    }

    /// The tokens as a reference CSMS is set up with them: `blocked` and `expired` say what they are,
    /// `invalid` and `unknown` are left out, everything else is accepted.
    pub fn tokens(&self) -> Vec<peers::Token> {
        self.tags
            .iter()
            .filter_map(|(name, token)| {
                let status = match name.as_str() {
                    "invalid" | "unknown" => return None,
                    "blocked" => "Blocked",
                    "expired" => "Expired",
                    _ => "Accepted",
                };
                Some(peers::Token { id: token.id_token.clone(), status: status.to_owned(), group: token.group.clone() })
            })
            .collect()
    }

    /// Everything that must not be shown, with a name for what stands in its place.
    pub fn secrets(&self) -> Vec<(String, String)> {
        let mut secrets: Vec<_> = self
            .hidden
            .iter()
            .chain(&self.password)
            .map(|secret| (secret.name().to_owned(), secret.expose().to_owned()))
            .collect();
        secrets.sort();
        secrets.dedup();
        secrets
    }
}

// Addresses and free values may hold what came from the environment.
impl fmt::Debug for Rig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rig")
            .field("device", &self.device)
            .field("versions", &self.versions)
            .field("identities", &self.identities)
            .field("password", &self.password)
            .field("capabilities", &self.capabilities)
            .field("connectors", &self.connectors)
            .field("tags", &self.tags)
            .field("timeouts", &self.timeouts)
            .field("drivers", &self.drivers)
            .finish_non_exhaustive()
    }
}

impl Default for Rig {
    fn default() -> Rig {
        Rig::default_for(None)
    }
}

impl Connector {
    /// The connectors of a station that has this many: in 1.6 their number stands in both fields, in 2.x each
    /// is the only connector of its EVSE.
    pub fn numbered(version: Version, count: i64) -> Vec<Connector> {
        (1..=count)
            .map(|number| Connector { evse: number, connector: if version == Version::V16 { number } else { 1 } })
            .collect()
    }

    /// `{"evse": 1, "connector": 1}`
    pub fn to_json(self) -> Value {
        json!({ "evse": self.evse, "connector": self.connector })
    }
}

impl Token {
    /// A token of this text.
    pub fn new(id_token: impl Into<String>) -> Token {
        Token { id_token: id_token.into(), kind: None, group: None }
    }

    /// The same token as a member of a group.
    #[must_use]
    pub fn in_group(self, group: impl Into<String>) -> Token {
        Token { group: Some(group.into()), ..self }
    }

    /// The same token, its letters written in the other case (16-AUTH-07).
    #[must_use]
    pub fn in_other_case(&self) -> Token {
        let other = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        Token { id_token: self.id_token.chars().map(other).collect(), ..self.clone() }
    }

    /// Another token that begins like this one; it fits into what 1.6 allows (16-AUTH-07).
    #[must_use]
    pub fn beginning_alike(&self) -> Token {
        const LONGEST: usize = 20;
        const SHORTEST_END: usize = 2;
        let begin: String = self.id_token.chars().take(LONGEST - SHORTEST_END).collect();
        let end = if begin.chars().count() < self.id_token.chars().count() { "PF" } else { "-PLUGFEST" };
        Token::new(begin.chars().chain(end.chars()).take(LONGEST).collect::<String>())
    }

    /// Its type in 2.x.
    pub fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or(TOKEN_KIND)
    }

    /// `{"idToken": "…", "type": "…", "group": "…"}`; no group, no key.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        object.insert("idToken".to_owned(), self.id_token.clone().into());
        object.insert("type".to_owned(), self.kind().into());
        if let Some(group) = &self.group {
            object.insert("group".to_owned(), group.clone().into());
        }
        Value::Object(object)
    }
}

fn default_tags() -> BTreeMap<String, Token> {
    let family = |id: &str| Token::new(id).in_group("GROUP-1");
    [
        ("valid", family("TAG-VALID")),
        ("valid2", family("TAG-VALID-2")),
        ("group", family("TAG-GROUP")),
        ("other", Token::new("TAG-OTHER")),
        ("blocked", Token::new("TAG-BLOCKED")),
        ("expired", Token::new("TAG-EXPIRED")),
        ("invalid", Token::new("TAG-INVALID")),
        ("unknown", Token::new("TAG-UNKNOWN")),
    ]
    .into_iter()
    .map(|(name, token)| (name.to_owned(), token))
    .collect()
}

fn default_values() -> BTreeMap<String, Value> {
    [("cpo", json!("Plugfest")), ("vendor_id", json!("org.plugfest"))]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
