//! From one stream of choices to acts, on seven layers.

use std::fmt;
use std::str::FromStr;

use protocol::generate::Choices;

use crate::Act;
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

/// What may be sent: some messages move or flash real hardware, or lock its owner out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Whether dangerous messages are allowed too.
    pub dangerous: bool,
}

/// The next act.
pub fn next(view: &View<'_>, layers: &[Layer], choices: &mut dyn Choices) -> Act {
    let _ = (view, layers, choices);
    Act::Pass { ms: 0 }
}
