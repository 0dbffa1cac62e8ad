//! What is done to a device: frozen bytes and deeds, which need no generator to be done again.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use protocol::stimulus::Stimulus;
use protocol::{Role, Timestamp, Version};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// A row of acts against a device of one side, in one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// The version of this format.
    pub format: u32,
    /// The side of the device it is done to.
    pub device: Role,
    /// The version spoken.
    pub ocpp: Version,
    /// What is done, in order.
    pub acts: Vec<Act>,
}

impl Sequence {
    /// The format that is written.
    pub const FORMAT: u32 = 1;

    /// These acts.
    pub fn new(device: Role, ocpp: Version, acts: Vec<Act>) -> Sequence {
        Sequence { format: Sequence::FORMAT, device, ocpp, acts }
    }

    /// How many messages it puts on the wire.
    pub fn messages(&self) -> usize {
        self.acts.iter().filter(|act| act.is_message()).count()
    }
}

/// One thing that is done to a device. Links are numbered by us; towards a station under test there is link 0 only.
///
/// A link that an act needs and that is not open is opened first, as the identity that has its number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// A link is opened: we dial as one of the rig's stations and boot, or wait for the station. An open link of this
    /// number stays as it is, if it can, and is forgotten (a second socket of the same identity).
    Connect {
        /// The number of the link.
        link: usize,
        /// Which identity of the rig, counted from 0.
        identity: usize,
        /// How the handshake differs from a plain one.
        #[serde(default, skip_serializing_if = "Manner::is_plain")]
        manner: Manner,
    },
    /// The link is closed, and the next connections of the station are received in this way; then it is awaited
    /// again. Only towards a station.
    Receive {
        /// What its handshake gets.
        reception: Reception,
        /// How many times.
        #[serde(default = "once", skip_serializing_if = "is_once")]
        times: u32,
    },
    /// A text message in one frame.
    Send {
        /// The link.
        link: usize,
        /// The message.
        text: Text,
    },
    /// A text message in several frames.
    Fragments {
        /// The link.
        link: usize,
        /// The message.
        text: Text,
        /// Where it is cut, in bytes.
        cuts: Vec<usize>,
    },
    /// One WebSocket frame, as legal or illegal as it is.
    Frame {
        /// The link.
        link: usize,
        /// The final bit.
        fin: bool,
        /// The three reserved bits.
        rsv: u8,
        /// The opcode, 0 to 15.
        opcode: u8,
        /// Whether it is masked as the side demands it; otherwise the other way round.
        masked: bool,
        /// The length that its head claims, where it is not the true one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        claims: Option<u64>,
        /// What it carries.
        payload: Text,
    },
    /// Bytes on the stream of a link, below the frames.
    Bytes {
        /// The link.
        link: usize,
        /// The bytes.
        bytes: Text,
    },
    /// A connection of its own, without handshake: these bytes, and its end. Only towards a CSMS.
    Stream {
        /// The bytes.
        bytes: Text,
    },
    /// The next call of this action by the device gets this answer instead of a plain one.
    Answer {
        /// The link.
        link: usize,
        /// The action of the device's call; any if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        action: Option<String>,
        /// The answer, in which [`Hole::Asked`] stands for the id of the call; nothing at all if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<Text>,
        /// How often the answer is given.
        #[serde(default = "once", skip_serializing_if = "is_once")]
        times: u32,
    },
    /// A closing handshake.
    Close {
        /// The link.
        link: usize,
        /// The code, if there is one.
        code: Option<u16>,
    },
    /// The link ends without a word.
    Cut {
        /// The link.
        link: usize,
    },
    /// Something is done to the device from outside the wire.
    Stimulate {
        /// The link whose station it is about.
        link: usize,
        /// What.
        stimulus: Stimulus,
    },
    /// Time goes by.
    Pass {
        /// In milliseconds.
        ms: u64,
    },
}

impl Act {
    /// Whether it puts something on the wire that a reader would count as a message.
    pub fn is_message(&self) -> bool {
        match self {
            Act::Send { .. } | Act::Fragments { .. } | Act::Frame { .. } | Act::Bytes { .. } | Act::Stream { .. } => {
                true
            }
            Act::Answer { text, .. } => text.is_some(),
            Act::Connect { .. }
            | Act::Receive { .. }
            | Act::Close { .. }
            | Act::Cut { .. }
            | Act::Stimulate { .. }
            | Act::Pass { .. } => false,
        }
    }

    /// The link it is about.
    pub fn link(&self) -> Option<usize> {
        match self {
            Act::Connect { link, .. }
            | Act::Send { link, .. }
            | Act::Fragments { link, .. }
            | Act::Frame { link, .. }
            | Act::Bytes { link, .. }
            | Act::Answer { link, .. }
            | Act::Close { link, .. }
            | Act::Cut { link }
            | Act::Stimulate { link, .. } => Some(*link),
            Act::Receive { .. } | Act::Stream { .. } | Act::Pass { .. } => None,
        }
    }

    /// What it carries.
    pub fn text(&self) -> Option<&Text> {
        match self {
            Act::Send { text, .. } | Act::Fragments { text, .. } => Some(text),
            Act::Frame { payload, .. } => Some(payload),
            Act::Bytes { bytes, .. } | Act::Stream { bytes } => Some(bytes),
            Act::Answer { text, .. } => text.as_ref(),
            _ => None,
        }
    }

    /// The same act with something else in it.
    #[must_use]
    pub fn with_text(&self, new: Text) -> Act {
        let mut act = self.clone();
        match &mut act {
            Act::Send { text, .. } | Act::Fragments { text, .. } => *text = new,
            Act::Frame { payload, .. } => *payload = new,
            Act::Bytes { bytes, .. } | Act::Stream { bytes } => *bytes = new,
            Act::Answer { text, .. } => *text = Some(new),
            _ => {}
        }
        act
    }
}

fn once() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_once(times: &u32) -> bool {
    *times == 1
}

/// How a handshake differs from a plain one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manner {
    /// Without BootNotification.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unbooted: bool,
    /// Other credentials than the rig's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
    /// Another identity than the rig's, as it stands in the path, percent-encoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Other subprotocols than the version's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offers: Option<Vec<String>>,
    /// Header fields beside the usual ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The whole request instead of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Text>,
}

impl Manner {
    /// Whether nothing is special.
    pub fn is_plain(&self) -> bool {
        *self == Manner::default()
    }
}

/// What the handshake of a station gets instead of the plain answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reception {
    /// A refusal with this HTTP status.
    Refuse(u16),
    /// The end of the connection, without an answer.
    HangUp,
    /// An acceptance under this subprotocol, which the station did not offer; under none if absent.
    Misname(Option<String>),
}

/// What a handshake proves itself with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Credentials {
    /// Nothing.
    None,
    /// This password.
    Password(String),
    /// The name and the password of another identity of the rig, counted from 0.
    Of(usize),
    /// The right password, a little changed.
    Near(Slip),
}

/// How a password is not quite the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slip {
    /// Its letters are in the other case; a key in hexadecimal digits is the same key in either, and loses its last
    /// one instead.
    Case,
    /// Without its last character.
    Short,
    /// With one character more.
    Long,
    /// Nothing but its first character.
    First,
    /// Empty.
    Empty,
}

impl Slip {
    /// What becomes of this password.
    pub fn of(self, password: &str) -> String {
        let is_key = password.chars().all(|c| c.is_ascii_hexdigit());
        let short = |length: usize| password.chars().take(length).collect();
        let length = password.chars().count();
        match self {
            Slip::Case if !is_key => {
                let other =
                    |c: char| if c.is_ascii_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
                password.chars().map(other).collect()
            }
            Slip::Case | Slip::Short => short(length.saturating_sub(1)),
            Slip::Long => format!("{password}x"),
            Slip::First => short(1),
            Slip::Empty => String::new(),
        }
    }
}

/// Bytes with holes for what differs from run to run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Text(pub Vec<Part>);

/// A piece of a [`Text`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Part {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Something to be filled in.
    Hole(Hole),
}

/// What differs from run to run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hole {
    /// A message id of ours, in quotes: the same number, the same id.
    Id(u32),
    /// The id of the device's call that is answered, in quotes.
    Asked,
    /// The time, so many seconds from now, as a date-time in quotes.
    Now(i64),
    /// An address that nobody has to call, without quotes: `127.0.0.1:40123/canary-17`.
    Canary,
    /// A value learned from the device, as JSON text.
    Known {
        /// The name of the field it was learned from: `transactionId`.
        name: String,
        /// How many newer ones there are.
        back: usize,
        /// The JSON text that stands in if none was learned.
        otherwise: String,
    },
}

/// What fills holes.
pub trait Fill {
    /// The message id of this number.
    fn id(&self, number: u32) -> String;
    /// The id of the call that is answered, if one is.
    fn asked(&self) -> Option<String>;
    /// The time.
    fn now(&self) -> Timestamp;
    /// An address that nobody has to call, if somebody listens there.
    fn canary(&self) -> Option<String> {
        None
    }
    /// The value of this name, if one was learned.
    fn known(&self, name: &str, back: usize) -> Option<Value>;
}

impl Text {
    /// These bytes, without holes.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Text {
        Text(vec![Part::Bytes(bytes.into())])
    }

    /// The bytes with everything filled in.
    pub fn render(&self, fill: &dyn Fill) -> Vec<u8> {
        let mut out = Vec::new();
        for part in &self.0 {
            match part {
                Part::Bytes(bytes) => out.extend_from_slice(bytes),
                Part::Hole(hole) => out.extend_from_slice(hole.render(fill).as_bytes()),
            }
        }
        out
    }

    /// How many bytes there are beside the holes.
    pub fn len(&self) -> usize {
        self.0.iter().map(|part| if let Part::Bytes(bytes) = part { bytes.len() } else { 0 }).sum()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty() || self.0.iter().all(|part| matches!(part, Part::Bytes(bytes) if bytes.is_empty()))
    }

    /// The same with a hole wherever this address stands.
    #[must_use]
    pub fn with_canary(&self, address: &str) -> Text {
        let mut made = Text::default();
        for part in &self.0 {
            let Part::Bytes(bytes) = part else {
                made.extend([part.clone()]);
                continue;
            };
            let mut rest = bytes.as_slice();
            while let Some(at) = rest.windows(address.len().max(1)).position(|some| some == address.as_bytes()) {
                made.extend([Part::Bytes(rest[..at].to_vec()), Part::Hole(Hole::Canary)]);
                rest = &rest[at + address.len()..];
            }
            made.extend([Part::Bytes(rest.to_vec())]);
        }
        made.0.retain(|part| !matches!(part, Part::Bytes(bytes) if bytes.is_empty()));
        made
    }

    /// For people: the text as far as it is text, holes in angle brackets.
    pub fn shown(&self) -> String {
        self.0
            .iter()
            .map(|part| match part {
                Part::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                Part::Hole(Hole::Id(number)) => format!("\"<id {number}>\""),
                Part::Hole(Hole::Asked) => "\"<id of the call>\"".to_owned(),
                Part::Hole(Hole::Canary) => "<address of the canary>".to_owned(),
                Part::Hole(Hole::Now(0)) => "\"<now>\"".to_owned(),
                Part::Hole(Hole::Now(offset)) => format!("\"<now {offset:+} s>\""),
                Part::Hole(Hole::Known { name, back: 0, .. }) => format!("<{name}>"),
                Part::Hole(Hole::Known { name, back, .. }) => format!("<{name} {back} before>"),
            })
            .collect()
    }
}

impl Hole {
    fn render(&self, fill: &dyn Fill) -> String {
        let quoted = |text: String| Value::String(text).to_string();
        match self {
            Hole::Id(number) => quoted(fill.id(*number)),
            Hole::Asked => quoted(fill.asked().unwrap_or_else(|| fill.id(0))),
            Hole::Now(offset) => {
                let now = fill.now();
                let moment = Timestamp(now.0.saturating_add(offset.saturating_mul(1_000_000)));
                quoted(moment.to_string())
            }
            // Where nobody listens the discard port is as good.
            Hole::Canary => fill.canary().unwrap_or_else(|| "127.0.0.1:9/canary".to_owned()),
            Hole::Known { name, back, otherwise } => {
                fill.known(name, *back).map_or_else(|| otherwise.clone(), |value| value.to_string())
            }
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text::bytes(text.as_bytes())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text::bytes(text.into_bytes())
    }
}

impl FromIterator<Part> for Text {
    fn from_iter<I: IntoIterator<Item = Part>>(parts: I) -> Text {
        let mut text = Text::default();
        text.extend(parts);
        text
    }
}

impl Extend<Part> for Text {
    fn extend<I: IntoIterator<Item = Part>>(&mut self, parts: I) {
        for part in parts {
            match (self.0.last_mut(), part) {
                (Some(Part::Bytes(last)), Part::Bytes(more)) => last.extend_from_slice(&more),
                (_, part) => self.0.push(part),
            }
        }
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Bytes(bytes) => write!(f, "{:?}", String::from_utf8_lossy(bytes)),
            Part::Hole(hole) => hole.fmt(f),
        }
    }
}

/// A string where the bytes are UTF-8, else `{"base64": …}`; a hole as `{"hole": …}`.
impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Part::Bytes(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => serializer.serialize_str(text),
                Err(_) => Written { base64: Some(STANDARD.encode(bytes)), hole: None }.serialize(serializer),
            },
            Part::Hole(hole) => Written { base64: None, hole: Some(hole.clone()) }.serialize(serializer),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hole: Option<Hole>,
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Part, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Part::Bytes(text.into_bytes())),
            other => match serde_json::from_value(other).map_err(D::Error::custom)? {
                Written { base64: Some(bytes), hole: None } => {
                    STANDARD.decode(bytes).map(Part::Bytes).map_err(D::Error::custom)
                }
                Written { base64: None, hole: Some(hole) } => Ok(Part::Hole(hole)),
                _ => Err(D::Error::custom("expected a text, {\"base64\": …} or {\"hole\": …}")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_is_nearly_right_is_another_one() {
        let all = [Slip::Case, Slip::Short, Slip::Long, Slip::First, Slip::Empty];
        assert_eq!(all.map(|slip| slip.of("Secret-1")), ["sECRET-1", "Secret-", "Secret-1x", "S", ""]);
        assert_eq!(Slip::Case.of("00fFaB"), "00fFa", "a key is the same in either case");
    }

    #[test]
    fn the_address_of_the_canary_becomes_a_hole() {
        let text: Text = "{\"url\":\"http://127.0.0.1:4/canary-1/x\",\"b\":\"127.0.0.1:4/canary-1\"}".into();
        let holed = text.with_canary("127.0.0.1:4/canary-1");
        assert_eq!(holed.0.len(), 5);
        assert_eq!(holed.shown(), text.shown().replace("127.0.0.1:4/canary-1", "<address of the canary>"));
        assert_eq!(text.with_canary("127.0.0.1:5"), text);
    }

    #[test]
    fn a_sequence_survives_its_file() {
        let text: Text = [
            Part::Bytes(b"[2,".to_vec()),
            Part::Hole(Hole::Id(1)),
            Part::Bytes(b",\"StopTransaction\",{\"transactionId\":".to_vec()),
            Part::Hole(Hole::Known { name: "transactionId".to_owned(), back: 1, otherwise: "7".to_owned() }),
            Part::Bytes(b"}]".to_vec()),
        ]
        .into_iter()
        .collect();
        let acts = vec![
            Act::Connect { link: 1, identity: 0, manner: Manner { unbooted: true, ..Manner::default() } },
            Act::Send { link: 0, text },
            Act::Bytes { link: 0, bytes: Text::bytes([0xFF, 0x00]) },
            Act::Answer { link: 0, action: Some("Heartbeat".to_owned()), text: None, times: 1 },
            Act::Pass { ms: 5 },
            Act::Receive { reception: Reception::Refuse(503), times: 2 },
            Act::Receive { reception: Reception::Misname(None), times: 1 },
        ];
        let sequence = Sequence::new(Role::Csms, Version::V16, acts);
        let text = serde_json::to_string_pretty(&sequence).unwrap();
        assert_eq!(serde_json::from_str::<Sequence>(&text).unwrap(), sequence, "{text}");
    }
}
