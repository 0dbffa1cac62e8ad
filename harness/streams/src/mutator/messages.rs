//! New messages from the catalogues.

use protocol::catalogue::{Catalogue, Kind, Message};
use protocol::generate::{self, Choices};
use protocol::{Role, Version};

use super::tree::Node;
use super::words::{below, pick};

/// What the messages are to be like: unlimited by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// The version whose catalogue is used; any if there is none.
    pub version: Option<Version>,
    /// The side that sends the requests; either if there is none.
    pub sender: Option<Role>,
    /// Whether lines that are steps of [`crate::in_process`] may be added.
    pub steps: bool,
}

impl Dialect {
    fn version(self, choices: &mut dyn Choices) -> Version {
        self.version.unwrap_or_else(|| Version::ALL[below(3, choices)])
    }
}

/// Steps of an in-process sequence besides messages.
const STEPS: &[&str] = &[
    "!answer",
    "!answer",
    "!answer",
    "!wait 1",
    "!wait 30",
    "!wait 300",
    "!wait 86400",
    "!cut",
    "!connect",
    "[3,\"$id\",{}]",
    "[3,\"$id\",{\"status\":\"Pending\",\"interval\":1,\"currentTime\":\"2026-01-01T12:00:00Z\"}]",
    "[3,\"$id\",{\"status\":\"Rejected\",\"interval\":1,\"currentTime\":\"2026-01-01T12:00:00Z\"}]",
    "[3,\"$id\",{\"idTagInfo\":{\"status\":\"Accepted\"},\"transactionId\":7}]",
    "[3,\"$id\",{\"idTokenInfo\":{\"status\":\"Accepted\"}}]",
    "[3,\"$id\",{\"idTokenInfo\":{\"status\":\"Blocked\"}}]",
    "[4,\"$id\",\"InternalError\",\"\",{}]",
    "!plug in",
    "!unplug",
    "!present token {\"token\":{\"idToken\":\"TAG-VALID\"}}",
    "!charge {\"for\":30}",
];

/// A step of an in-process sequence that is no message of the dialect.
pub(super) fn step(choices: &mut dyn Choices) -> Vec<u8> {
    pick(STEPS, choices).copied().unwrap_or_default().into()
}

/// The name of some message.
pub(super) fn action(dialect: Dialect, choices: &mut dyn Choices) -> String {
    let version = dialect.version(choices);
    some(version, dialect.sender, choices).map_or_else(String::new, |message| message.action.clone())
}

/// A whole message: mostly a call, sometimes an answer.
pub(super) fn message(dialect: Dialect, id: &str, choices: &mut dyn Choices) -> Option<Node> {
    let version = dialect.version(choices);
    let is_answer = choices.choose(6) == 0;
    let sender = if is_answer { dialect.sender.map(Role::other) } else { dialect.sender };
    let message = some(version, sender, choices)?;
    let sound = choices.choose(3) > 0;
    let payload = of(version, message, is_answer, sound, choices)?;
    Some(Node::List(match (is_answer, message.kind) {
        (true, _) => vec![Node::raw("3"), Node::string(id), payload],
        (false, Kind::Call) => vec![Node::raw("2"), Node::string(id), Node::string(&message.action), payload],
        (false, Kind::Send) => vec![Node::raw("6"), Node::string(id), Node::string(&message.action), payload],
    }))
}

/// A payload for this action in a version that has it.
pub(super) fn payload(
    dialect: Dialect,
    action: &str,
    is_answer: bool,
    sound: bool,
    choices: &mut dyn Choices,
) -> Option<Node> {
    let asked = dialect.version(choices);
    let (version, message) = [asked, Version::V16, Version::V201, Version::V21]
        .into_iter()
        .find_map(|version| Some((version, Catalogue::of(version).message(action)?)))?;
    of(version, message, is_answer, sound, choices)
}

fn some(version: Version, sender: Option<Role>, choices: &mut dyn Choices) -> Option<&'static Message> {
    let messages = Catalogue::of(version).messages();
    let from = below(messages.len(), choices);
    let fits = |message: &&Message| sender.is_none_or(|role| message.from.includes(role));
    messages[from..].iter().chain(&messages[..from]).find(fits)
}

fn of(version: Version, message: &Message, is_answer: bool, sound: bool, choices: &mut dyn Choices) -> Option<Node> {
    let object = if is_answer { message.response()? } else { &message.request };
    let value = match (sound, choices.choose(3)) {
        (true, 0) => generate::minimal(version, object),
        (true, _) => generate::valid(version, object, choices),
        (false, _) => generate::broken(version, object, choices)?.0,
    };
    Node::read(value.to_string().as_bytes())
}
