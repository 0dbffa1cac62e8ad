//! From one stream of choices to acts, on seven layers.

mod allowed;

use std::fmt;
use std::str::FromStr;

use protocol::Timestamp;
use protocol::generate::Choices;
use serde_json::Value;

pub use allowed::{Allowed, Denied};

use crate::Act;
use crate::act::Fill;
use crate::view::View;

/// The layers, from the wire up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Bytes and handshakes.
    L0,
    /// WebSocket frames.
    L1,
    /// JSON text.
    L2,
    /// The array around the payload: type, id, arity, error codes, unsolicited answers.
    L3,
    /// Payloads by their schema: valid, singly broken, wildly broken; requests and answers.
    L4,
    /// Sequences against the model: legal, illegal, replayed, reordered, delayed, cut.
    L5,
    /// Several links, identities and clocks.
    L6,
}

impl Layer {
    /// Every layer.
    pub const ALL: [Layer; 7] = [Layer::L0, Layer::L1, Layer::L2, Layer::L3, Layer::L4, Layer::L5, Layer::L6];
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl FromStr for Layer {
    type Err = String;

    fn from_str(text: &str) -> Result<Layer, String> {
        Layer::ALL
            .into_iter()
            .find(|layer| layer.to_string().eq_ignore_ascii_case(text))
            .ok_or_else(|| format!("expected a layer from L0 to L6, found \"{text}\""))
    }
}

/// Makes the acts of one episode: it remembers what it made, so that messages can be repeated, swapped and delayed.
#[derive(Clone, Debug)]
pub struct Generator {
    layers: Vec<Layer>,
}

impl Generator {
    /// A generator for a new episode that keeps to these layers.
    pub fn new(layers: &[Layer]) -> Generator {
        Generator { layers: layers.to_vec() }
    }

    /// The next act. A stream of zeros gives a plain legal message.
    pub fn next(&mut self, view: &View<'_>, choices: &mut dyn Choices) -> Act {
        let _ = (view, &self.layers, choices);
        Act::Pass { ms: 0 }
    }
}

/// Fills holes with something that fits, where only the shape of a message matters.
#[derive(Clone, Copy, Debug)]
pub struct StandIn;

impl Fill for StandIn {
    fn id(&self, number: u32) -> String {
        format!("id-{number}")
    }

    fn asked(&self) -> Option<String> {
        Some("asked".to_owned())
    }

    fn now(&self) -> Timestamp {
        SOME_TIME
    }

    fn known(&self, _name: &str, _back: usize) -> Option<Value> {
        None
    }
}

/// The moment of a [`StandIn`]: 2026-01-01T12:00:00Z.
const SOME_TIME: Timestamp = Timestamp(1_767_268_800_000_000);
