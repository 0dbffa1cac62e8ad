//! Rules over what was seen. Each names what it noticed, never more than can be defended.
//!
//! A red suspicion rests on a statement that the specification demands of that side in that version, or on the
//! plain fact that the device was harmed; [`About::suspect`] sees to it. O6 is the reference model, in
//! [`crate::model`].

mod authorisation;
mod canary;
mod correlation;
mod course;
mod drift;
mod fate;
mod leak;
mod liveness;
mod metamorphic;
mod process;
mod read_back;
mod restart;
mod security_events;
#[cfg(test)]
mod told;
pub(crate) mod validity;

use std::fmt;
use std::str::FromStr;

use protocol::statements::{self, Strength};
use protocol::stimulus::Stimulus;
use protocol::{Role, Version};
use serde::{Deserialize, Serialize};

use crate::{Act, Seen};
pub use drift::Lasting;

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

/// Every oracle with what it watches; `plugfest explain` prints it.
pub const PAGES: [(Code, &str); 14] = [
    (Code::O1, "The device is alive after what it was sent: on the same link, on a new one, and for a bystander."),
    (
        Code::O2,
        "A link ends only where the conversation asks for it, and where its subprotocol was not on offer. After illegal frames or text a close with a fitting code \
         is right; a reset, a close 1011 or an end without a close is not.",
    ),
    (
        Code::O3,
        "Every call gets exactly one answer, with its id, on its own link; answers get none; a ping gets its pong. \
         Silence is nominated when a later call is answered, and certain only after the whole time-out.",
    ),
    (
        Code::O4,
        "Whatever the device says is valid, what is invalid is refused, with a code of the version, and what is valid \
         is not refused as malformed.",
    ),
    (Code::O5, "What was accepted can be read back, and what was not accepted has changed nothing."),
    (Code::O6, "The device keeps to the reference model: registration, transactions, reservations, availability."),
    (Code::O7, "Nobody gets in without proving who he is, security is never lowered, secrets are never shown."),
    (Code::O8, "The device does not become slower for good, and does not flood or multiply what it is sent."),
    (Code::O9, "The device does not start again by itself, and comes back after it was not let in."),
    (Code::O10, "No stack trace, SQL, path, class name or address of memory leaks into what the device says."),
    (Code::O11, "The same call in another dress - order of keys, spaces, escapes, fragments - gets the same answer."),
    (Code::O12, "The device does not follow addresses that are hidden where nothing is to be fetched."),
    (Code::O13, "The process of the device is sound: exit code, sanitizer, log, memory, open files."),
    (Code::O14, "Security events that the specification demands are reported."),
];

impl Code {
    /// As it stands in reports: `O3`.
    pub fn name(self) -> &'static str {
        match self {
            Code::O1 => "O1",
            Code::O2 => "O2",
            Code::O3 => "O3",
            Code::O4 => "O4",
            Code::O5 => "O5",
            Code::O6 => "O6",
            Code::O7 => "O7",
            Code::O8 => "O8",
            Code::O9 => "O9",
            Code::O10 => "O10",
            Code::O11 => "O11",
            Code::O12 => "O12",
            Code::O13 => "O13",
            Code::O14 => "O14",
        }
    }

    /// What it watches, in a sentence.
    pub fn page(self) -> &'static str {
        PAGES.iter().find(|(code, _)| *code == self).map_or("", |(_, page)| page)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Code {
    type Err = String;

    fn from_str(text: &str) -> Result<Code, String> {
        let known = PAGES.iter().find(|(code, _)| code.name().eq_ignore_ascii_case(text));
        known.map(|(code, _)| *code).ok_or_else(|| format!("expected an oracle from O1 to O14, found \"{text}\""))
    }
}

/// Every oracle but the model, for one episode of a campaign.
pub fn with(device: Role, version: Version, lasting: &Lasting) -> Vec<Box<dyn Oracle>> {
    vec![
        Box::new(liveness::Liveness::default()),
        Box::new(fate::Fate::default()),
        Box::new(correlation::Correlation::default()),
        Box::new(validity::Validity::new(device, version, lasting)),
        Box::new(read_back::ReadBack::new(device, version)),
        Box::new(authorisation::Authorisation::default()),
        Box::new(drift::Drift::new(lasting)),
        Box::new(restart::Restart::default()),
        Box::new(leak::Leak::default()),
        Box::new(metamorphic::Metamorphic::new(device, version)),
        Box::new(canary::Canary::new(lasting)),
        Box::new(process::Process),
        Box::new(security_events::SecurityEvents::default()),
    ]
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
    /// The specification leaves it open, or does not say; or it is open who did it ([`Evidence::Order`], seen once).
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
    /// What it rests on.
    pub evidence: Evidence,
}

/// What a suspicion rests on, which says what it is worth if it does not show again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// What the device said: the bytes speak for themselves, whatever came before them.
    Words,
    /// What came before what, as we saw it. Messages of both sides cross on the wire, and a device may have seen another
    /// order: once is no proof.
    Order,
    /// What became of the device or of a link. Others use it at the same time, and what was done to it before may have
    /// led to it: once says nothing about these acts.
    Fate,
}

impl Evidence {
    /// What the suspicions of an oracle rest on, where it does not say otherwise.
    fn of(oracle: Code) -> Evidence {
        match oracle {
            Code::O1 | Code::O2 | Code::O8 | Code::O9 => Evidence::Fate,
            Code::O6 | Code::O11 | Code::O14 => Evidence::Order,
            Code::O3 | Code::O4 | Code::O5 | Code::O7 | Code::O10 | Code::O12 | Code::O13 => Evidence::Words,
        }
    }

    /// What it rests on that a rule about the state of a device is broken.
    pub(crate) fn of_state(rule: &str) -> Evidence {
        if FALLING.contains(&rule) { Evidence::Words } else { Evidence::Order }
    }
}

/// Rules about registers that fall, which two messages of the device show alone.
const FALLING: [&str; 2] = ["16-TX-15", "J02.FR.16"];

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

/// A suspicion in the making.
struct Charge<'a> {
    oracle: Code,
    rule: &'a str,
    class: Class,
    action: &'a str,
    path: String,
    reply: String,
    sentence: String,
    bytes: &'a [u8],
}

/// The rule of what rests on no statement.
pub(crate) const HARM: &str = "robustness";

/// More than these in one episode are not kept.
const MOST: usize = 1000;

impl About<'_> {
    /// Notes a suspicion, no more severe than its rule.
    fn suspect(&self, seen: &Seen, charge: Charge<'_>, suspicions: &mut Vec<Suspicion>) -> bool {
        self.suspect_by(Evidence::of(charge.oracle), seen, charge, suspicions)
    }

    /// Notes a suspicion that rests on something else than others of its oracle.
    fn suspect_by(&self, evidence: Evidence, seen: &Seen, charge: Charge<'_>, suspicions: &mut Vec<Suspicion>) -> bool {
        if suspicions.len() >= MOST {
            return false;
        }
        let class = self.bounded(charge.class, charge.rule);
        suspicions.push(Suspicion {
            oracle: charge.oracle,
            rule: charge.rule.to_owned(),
            class,
            state: self.state.to_owned(),
            action: charge.action.chars().take(60).collect(),
            path: charge.path,
            reply: charge.reply,
            sentence: charge.sentence,
            frame: shortened(charge.bytes),
            act: seen.act,
            nominated: false,
            evidence,
        });
        true
    }

    /// A violation rests on what is demanded of this side in this version.
    fn bounded(&self, class: Class, rule: &str) -> Class {
        if class != Class::Violation {
            return class;
        }
        match statements::statement(rule) {
            Some(found) if !found.is_of(self.version) || !found.side.includes(self.device) => Class::Compatibility,
            Some(found) => match found.strength {
                Strength::Must => Class::Violation,
                Strength::Should => Class::Compatibility,
                Strength::May | Strength::Uncertain => Class::Ambiguous,
            },
            // A rule of RFC 6455 or of the handshake.
            None if rule.starts_with("RFC") => Class::Violation,
            None => Class::Compatibility,
        }
    }
}

/// At most 600 bytes of a message, as text.
fn shortened(bytes: &[u8]) -> String {
    const LONGEST: usize = 600;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST)]).into_owned();
    if bytes.len() > LONGEST { format!("{text}… ({} bytes)", bytes.len()) } else { text }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_page_and_is_read_by_its_name() {
        for (code, page) in PAGES {
            assert_eq!(code.to_string().to_lowercase().parse(), Ok(code));
            assert!(page.ends_with('.'), "{code}");
        }
        assert!("O15".parse::<Code>().is_err());
    }

    #[test]
    fn a_violation_is_no_stricter_than_its_statement() {
        let mut about = told::about(Role::Station, Version::V16);
        assert_eq!(about.bounded(Class::Violation, "R-022"), Class::Violation);
        assert_eq!(about.bounded(Class::Violation, "R-028"), Class::Ambiguous);
        assert_eq!(about.bounded(Class::Violation, "R-081"), Class::Compatibility);
        about.version = Version::V201;
        assert_eq!(about.bounded(Class::Violation, "R-081"), Class::Violation);
        assert_eq!(about.bounded(Class::Robustness, HARM), Class::Robustness);
    }
}
