//! What can be done to a device from outside the wire, and what can be seen there: the closed list of verbs.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Role, Version};

/// Something done to a device from outside the wire: plug in a cable, send a call, press a button.
///
/// Arguments are resolved: a connector is `{"evse": 1, "connector": 1}` (in 1.6 the connector number stands in
/// both), a token `{"idToken": "…", "type": "…", "group": "…"}`, a duration a number of seconds, a time an
/// RFC 3339 text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stimulus {
    /// The device it is done to.
    pub party: Role,
    /// One of [`VERBS`], or a private one that begins with `x-`.
    pub verb: String,
    /// Its arguments by name.
    pub with: Map<String, Value>,
}

/// The type of an argument of a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentType {
    /// A connector of the rig.
    Connector,
    /// A token of the rig.
    Token,
    /// A length of time; seconds when resolved.
    Duration,
    /// A moment; RFC 3339 text when resolved.
    Time,
    /// Free text.
    Text,
    /// A whole number.
    Integer,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Any structure.
    Any,
}

/// An argument of a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its name under `with`.
    pub name: &'static str,
    /// What it may be.
    pub kind: ArgumentType,
    /// Whether it must be given. A connector left out is the rig's first one.
    pub required: bool,
}

/// A verb of the closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verb {
    /// The device it is for.
    pub party: Role,
    /// Its words: `plug in`.
    pub name: &'static str,
    /// Its arguments.
    pub arguments: &'static [Argument],
    /// The first version in which a device has what it is about.
    pub since: Version,
}

impl Verb {
    const fn since(self, since: Version) -> Verb {
        Verb { since, ..self }
    }
}

const fn needs(name: &'static str, kind: ArgumentType) -> Argument {
    Argument { name, kind, required: true }
}

const fn may(name: &'static str, kind: ArgumentType) -> Argument {
    Argument { name, kind, required: false }
}

const fn station(name: &'static str, arguments: &'static [Argument]) -> Verb {
    Verb { party: Role::Station, name, arguments, since: Version::V16 }
}

const fn csms(name: &'static str, arguments: &'static [Argument]) -> Verb {
    Verb { party: Role::Csms, name, arguments, since: Version::V16 }
}

use ArgumentType::{Any, Connector, Duration, Integer, OneOf, Text, Time, Token};

const AT: Argument = may("at", Connector);

/// Every stimulus of the language; private ones (`x-…`) come beside it.
pub const VERBS: &[Verb] = &[
    station("plug in", &[AT, may("ev", OneOf(&["ac", "dc", "iso15118-2", "iso15118-20"]))]),
    station("unplug", &[AT, may("end", OneOf(&["station", "ev"]))]),
    station("present token", &[needs("token", Token), AT]),
    station("charge", &[AT, needs("for", Duration)]),
    station("pause by ev", &[AT]),
    station("resume by ev", &[AT]),
    station("enter bay", &[AT]),
    station("leave bay", &[AT]),
    station("set ev needs", &[AT, needs("needs", Any)]).since(Version::V201),
    station("choose", &[needs("what", Text)]).since(Version::V21),
    station("set clock", &[needs("time", Time)]),
    station("cause fault", &[AT, may("code", Text)]),
    station("clear fault", &[AT, may("code", Text)]),
    station("jam lock", &[AT]),
    station("free lock", &[AT]),
    station("press emergency stop", &[]),
    station("cut power", &[]),
    station("restore power", &[]),
    station("reboot", &[]),
    station("set quantity", &[needs("component", Text), needs("variable", Text), needs("value", Text)])
        .since(Version::V201),
    station("limit from outside", &[AT, needs("limit", Any), needs("source", Text)]).since(Version::V201),
    station("release limit", &[AT, may("source", Text)]).since(Version::V201),
    station("insert battery", &[needs("slot", Integer)]).since(Version::V21),
    station("take battery", &[needs("slot", Integer)]).since(Version::V21),
    station("enter text", &[needs("text", Text)]).since(Version::V21),
    csms("send", &[needs("action", Text), needs("fields", Any), may("payload", Any)]),
    csms("add token", &[needs("token", Token), may("status", Text), may("group", Text)]),
    csms("remove token", &[needs("token", Token)]),
    csms("set password", &[needs("value", Text)]),
    csms("set profile", &[needs("profile", Integer)]),
    csms("decide boot", &[needs("status", OneOf(&["Accepted", "Pending", "Rejected"]))]),
    csms("decide", &[needs("action", Text), needs("status", Text)]),
    csms("restart", &[]),
];

/// Every observation of the language (`look at`).
pub const OBSERVATIONS: &[Verb] = &[
    station("cable is locked", &[AT]),
    station("cable is free", &[AT]),
    station("energy flows", &[AT]),
    station("energy is off", &[AT]),
    station("display shows", &[needs("text", Text)]),
    station("light shows", &[may("what", Text)]),
    csms("shows", &[needs("what", Text), needs("value", Any)]),
];

/// The verb of this name for this device.
pub fn verb(party: Role, name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.party == party && verb.name == name)
}

/// The observation of this name for this device.
pub fn observation(party: Role, name: &str) -> Option<&'static Verb> {
    OBSERVATIONS.iter().find(|verb| verb.party == party && verb.name == name)
}
