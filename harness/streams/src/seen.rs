//! What was seen while acts were done: everything a suspicion may rest on.

use std::sync::Arc;
use std::time::Duration;

use protocol::frame::Reading;
use protocol::{Timestamp, Version};
use serde_json::Value;

use crate::act::Reception;
use crate::deserved::Deserved;

/// Something that happened, in order.
#[derive(Clone, Debug)]
pub struct Seen {
    /// When.
    pub at: Timestamp,
    /// The act that was the last one to be begun, counted from 0 in the order in which acts are done.
    pub act: usize,
    /// Whether that act was asked for by an oracle, or belongs to the beginning or the end of the episode.
    pub own: bool,
    /// On which link; for what is about no link, 0.
    pub link: usize,
    /// What.
    pub what: What,
}

/// The kinds of [`Seen`].
#[derive(Clone, Debug)]
pub enum What {
    /// A link is open.
    Opened {
        /// The identity of its station.
        identity: String,
        /// The subprotocol agreed on.
        subprotocol: Option<String>,
        /// What the handshake proved itself with.
        proof: Proof,
        /// Whether it was opened in an episode before, and its station was accepted when that ended.
        resumed: bool,
    },
    /// A handshake did not lead to a link.
    Refused {
        /// The HTTP status, where one was seen.
        status: Option<u16>,
        /// In words.
        reason: String,
    },
    /// A handshake of a station was accepted under a subprotocol that it did not offer, or under none.
    Misnamed {
        /// Under which.
        subprotocol: Option<String>,
        /// What the station did.
        then: Then,
    },
    /// A station did not come again.
    StayedAway {
        /// After it was received in this way, so many times; if absent, after it had been let in.
        received: Option<(Reception, u32)>,
        /// So long it was waited for.
        waited: Duration,
        /// Whether it would have come by now, however patient it is.
        certain: bool,
    },
    /// What is sent next is a message with this id in a binary frame.
    Binary {
        /// The id.
        id: String,
    },
    /// We put something on the wire.
    Sent {
        /// The message, unframed; the bytes, where there is no message.
        bytes: Arc<[u8]>,
        /// What it deserves.
        deserved: Arc<Deserved>,
    },
    /// We answered a call of the device.
    Answered {
        /// The action of the call.
        action: String,
        /// What the call said.
        request: Value,
        /// Our answer, as it was sent; nothing if it was withheld.
        bytes: Option<Arc<[u8]>>,
        /// Whether it is the plain, valid one.
        plain: bool,
    },
    /// A text message of the device.
    Received {
        /// The message.
        bytes: Arc<[u8]>,
        /// What can be read of it.
        reading: Arc<Reading>,
        /// The call of ours that it answers.
        answers: Option<Arc<OurCall>>,
        /// How long the answer took.
        took: Option<Duration>,
    },
    /// A pong.
    Pong {
        /// What it carries.
        payload: Arc<[u8]>,
    },
    /// A ping of ours has no pong with what it carried, nor has a later one: nominated when a call that was sent behind
    /// it is answered, certain after the rig's whole time-out.
    Unponged {
        /// What the ping carried.
        payload: Arc<[u8]>,
        /// It is to be confirmed serially.
        nominated: bool,
    },
    /// A binary message, a ping or a frame that fits nowhere, by name.
    Other {
        /// `binary`, `ping`, `unknown`.
        name: &'static str,
        /// How long it was.
        length: usize,
    },
    /// A rule of RFC 6455 that the device broke.
    Wire {
        /// The rule.
        rule: String,
        /// Its short name.
        id: String,
        /// In words.
        text: String,
        /// Whether the rule is beyond doubt.
        certain: bool,
    },
    /// The link ended.
    Ended {
        /// How.
        how: Ending,
        /// Whether we ended it.
        by_us: bool,
    },
    /// A call that had to be answered was not, although a later one was: nominated, to be confirmed serially.
    PassedOver {
        /// What had to be answered.
        deserved: Arc<Deserved>,
    },
    /// A call that had to be answered was not within the rig's whole time-out.
    Unanswered {
        /// What had to be answered.
        deserved: Arc<Deserved>,
    },
    /// A plain call that every device answers was not answered within the rig's whole time-out, though the link is open.
    Deaf,
    /// Whether the device is alive: asked at the end of an episode.
    Probed {
        /// As whom.
        probe: Probe,
        /// Whether it answered.
        alive: bool,
        /// In words, if it did not.
        reason: String,
        /// How long it took.
        took: Duration,
    },
    /// Somebody is about to ask the device to make this call: what it then calls is not its own idea.
    Asking {
        /// The action.
        action: String,
    },
    /// A stimulus was given, or could not be.
    Stimulated {
        /// The verb.
        verb: String,
        /// The call that the device confirms to make, where the stimulus asks for one.
        asked: Option<String>,
        /// Why not.
        failure: Option<String>,
    },
    /// A connection came to the canary: the device followed an address that we hid in a message.
    Canary {
        /// What was in the token: which act hid it.
        hidden_in: usize,
        /// The first bytes that came.
        bytes: Vec<u8>,
    },
    /// Something in the process of the device: a sanitizer's report, an exit code, a line of its log.
    Monitor {
        /// What, in words.
        text: String,
    },
}

/// What a station did with a connection that it had to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// It left.
    Left,
    /// It said this.
    Spoke(Arc<[u8]>),
    /// It neither left nor said anything within the rig's whole time-out.
    Stayed,
}

/// What a handshake proved itself with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Proof {
    /// With what the rig says is right, if it says anything.
    #[default]
    Right,
    /// With nothing or something wrong, although the rig has a password.
    Wrong,
    /// With the name of another station, whose password is the same.
    OtherName,
}

/// How a link ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A close frame with this code.
    Closed(Option<u16>),
    /// The end of the bytes without a close frame; whether in the middle of a frame.
    Eof {
        /// In the middle of a frame.
        mid_frame: bool,
    },
    /// A reset.
    Reset,
    /// Something else, in words.
    Failed(String),
}

impl Ending {
    /// In a word or two, the same for all of a kind.
    pub fn name(&self) -> String {
        match self {
            Ending::Closed(Some(code)) => format!("close {code}"),
            Ending::Closed(None) => "close".to_owned(),
            Ending::Eof { mid_frame: false } => "end without close".to_owned(),
            Ending::Eof { mid_frame: true } => "end in a frame".to_owned(),
            Ending::Reset => "reset".to_owned(),
            Ending::Failed(_) => "failure".to_owned(),
        }
    }
}

/// Who asks whether a device is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Probe {
    /// The link that the acts were done on.
    Same,
    /// A new link of the same station.
    Fresh,
    /// Another station, whose link has been open all along.
    Bystander,
}

/// A call of ours.
#[derive(Clone, Debug, PartialEq)]
pub struct OurCall {
    /// Its id.
    pub id: String,
    /// Its action, as far as it could be read.
    pub action: String,
    /// What it says.
    pub request: Value,
    /// What it deserves.
    pub deserved: Arc<Deserved>,
    /// The act it belongs to.
    pub act: usize,
}

/// A value that is the same for answers of the same kind: result with its status, error code, or silence.
pub fn reply_class(version: Version, reading: &Reading) -> String {
    let _ = version;
    match &reading.frame {
        Some(protocol::frame::Frame::Result { payload, .. }) => {
            let status = payload
                .get("status")
                .or_else(|| payload.get("idTagInfo").and_then(|info| info.get("status")))
                .or_else(|| payload.get("idTokenInfo").and_then(|info| info.get("status")))
                .and_then(Value::as_str);
            status.map_or_else(|| "result".to_owned(), |status| format!("result {status}"))
        }
        Some(protocol::frame::Frame::Error { code, .. }) => format!("error {code}"),
        Some(frame) => format!("type {}", frame.message_type()),
        None => "unreadable".to_owned(),
    }
}
