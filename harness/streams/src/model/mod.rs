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

/// Something that may be done next: a call of ours, of which only the telling fields are settled.
///
/// `settled` is the payload as far as the move fixes it; the generator adds what else the schema wants, and keeps its
/// hands off what stands there. Values may be markers for what differs from run to run, which become holes of the text:
///
/// | marker | becomes |
/// |---|---|
/// | `{"$known": "transactionId", "back": 0, "otherwise": 1}` | [`crate::act::Hole::Known`]; `back` and `otherwise` may be left out (0, `null`) |
/// | `{"$now": 3600}` | [`crate::act::Hole::Now`]: the time, so many seconds from now |
///
/// A marker can stand at any depth; an object with a member that begins with `$` is always one. Tokens are plain text:
/// the model knows those of the rig.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// The action of the message to be sent.
    pub action: &'static str,
    /// What makes it this move, the same for all of a kind: `unknown id`. With the action it is the key of coverage.
    pub name: &'static str,
    /// The fields that make it this move; the rest is free, but optional fields better stay away.
    pub settled: Map<String, Value>,
    /// Whether the state allows it; if not, the statement that forbids it or has it refused.
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
