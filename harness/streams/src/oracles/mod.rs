//! Rules over what was seen. Each names what it noticed, never more than can be defended.

use protocol::stimulus::Stimulus;
use protocol::{Role, Version};
use serde::{Deserialize, Serialize};

use crate::{Act, Seen};

/// An oracle by its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Code {
    /// The device is alive after what it was sent, on this link, on a fresh one, and for others.
    O1,
    /// A link ends only as what was sent allows, and properly.
    O2,
    /// Every call gets exactly one answer with its id, and answers get none.
    O3,
    /// Everything the device says is valid, and what is invalid is refused.
    O4,
    /// What was accepted can be read back.
    O5,
    /// The device keeps to the reference model.
    O6,
    /// Nobody gets in, or at another's things, without proving who he is.
    O7,
    /// The device does not become slower, and does not multiply what it is sent.
    O8,
    /// The device does not restart by itself, and comes back.
    O9,
    /// Nothing internal leaks into texts.
    O10,
    /// What means the same is answered the same.
    O11,
    /// The device does not follow addresses hidden in texts, nor run them.
    O12,
    /// The process of the device is sound.
    O13,
    /// Security events that are demanded appear.
    O14,
}

/// What a suspicion amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A rule of the specification is broken.
    Violation,
    /// The device is harmed: dead, deaf, restarted, leaking.
    Robustness,
    /// A recommendation is missed, or others would stumble over it.
    Compatibility,
    /// The specification leaves it open, or does not say.
    Ambiguous,
}

impl Class {
    /// As it stands in reports.
    pub fn name(self) -> &'static str {
        match self {
            Class::Violation => "violation",
            Class::Robustness => "robustness",
            Class::Compatibility => "compatibility",
            Class::Ambiguous => "ambiguous",
        }
    }

    /// Whether it makes a run red.
    pub fn is_red(self) -> bool {
        matches!(self, Class::Violation | Class::Robustness)
    }
}

/// What an oracle noticed.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspicion {
    /// Which oracle.
    pub oracle: Code,
    /// The statement of the specification, or where there is none what it rests on: `R-031`, `robustness`.
    pub rule: String,
    /// What it amounts to.
    pub class: Class,
    /// The state of the model: `charging`.
    pub state: String,
    /// The action of the message that it is about, `?` where there is none.
    pub action: String,
    /// Where in the message, or what kind of defect: `/idTag: too long`.
    pub path: String,
    /// The class of the reply: see [`crate::seen::reply_class`].
    pub reply: String,
    /// What was seen, in a sentence.
    pub sentence: String,
    /// The bytes that show it, shortened.
    pub frame: String,
    /// The act that it is about.
    pub act: usize,
    /// It was only nominated: to be confirmed serially, with the rig's whole time-out.
    pub nominated: bool,
}

impl Suspicion {
    /// What makes two suspicions the same: (oracle, state, action, path, reply).
    pub fn signature(&self) -> (Code, &str, &str, &str, &str) {
        (self.oracle, &self.state, &self.action, &self.path, &self.reply)
    }
}

/// What an oracle may know beside what it saw.
pub struct About<'a> {
    /// The side of the device.
    pub device: Role,
    /// The version spoken.
    pub version: Version,
    /// The state of the model for the link in question.
    pub state: &'a str,
    /// The message that was last sent on the link by us, as a text for people.
    pub last_sent: &'a str,
    /// Whether the rig has a password, so that a handshake without one has to be refused.
    pub has_password: bool,
    /// Whether the device can be given this stimulus.
    pub can: &'a dyn Fn(&Stimulus) -> bool,
}

/// A rule that watches an episode. It is made anew for each.
pub trait Oracle: Send {
    /// Its code.
    fn code(&self) -> Code;

    /// Something was seen.
    fn saw(&mut self, seen: &Seen, about: &About<'_>, suspicions: &mut Vec<Suspicion>);

    /// An act that it wants to be done now, such as reading back what was accepted. Asked after every act; nothing
    /// that it wants is part of the sequence that is kept.
    fn wants(&mut self) -> Option<Act> {
        None
    }
}

/// Every oracle, fresh, for an episode.
pub fn all(device: Role, version: Version) -> Vec<Box<dyn Oracle>> {
    let _ = (device, version);
    Vec::new()
}
