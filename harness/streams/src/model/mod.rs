//! What is known of the state of the device from outside: registration, connectors, transactions, local list,
//! reservations, configuration, profiles; and which moves are legal in it.

use protocol::{Role, Version};
use serde_json::{Map, Value};

use crate::Seen;

/// The reference model of an episode: fed with everything seen, it never looks at the device by itself.
#[derive(Clone, Debug)]
pub struct Model {
    device: Role,
    version: Version,
}

/// Something that may be done next.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// The action of the message to be sent.
    pub action: String,
    /// The fields that make it this move; the rest is free.
    pub settled: Map<String, Value>,
    /// Whether the state allows it; if not, the statement that forbids it.
    pub forbidden_by: Option<&'static str>,
}

impl Model {
    /// Nothing is known yet.
    pub fn new(device: Role, version: Version) -> Model {
        Model { device, version }
    }

    /// Learns from what was seen.
    pub fn saw(&mut self, seen: &Seen) {
        let _ = (seen, self.device, self.version);
    }

    /// The state on this link, in a word or two: for coverage, and to tell findings apart.
    pub fn state(&self, link: usize) -> String {
        let _ = link;
        "any".to_owned()
    }

    /// The moves that make sense to consider on this link, legal and illegal.
    pub fn moves(&self, link: usize) -> Vec<Move> {
        let _ = link;
        Vec::new()
    }
}
