//! What is kept of what was found: enough to understand it and to do it again, without generator and seed.

mod page;
mod replay;
mod store;
mod transcript;

use protocol::statements::statement;
use protocol::{Role, Version};
use serde::{Deserialize, Serialize};
use verdict::{Redactor, TranscriptLine};

use crate::act::{Part, Text};
use crate::campaign::Found;
use crate::oracles::{Class, Code, Suspicion};
use crate::play::Outcome;
use crate::{Act, Sequence};

pub use replay::{Replayed, replay};
pub use store::{Kept, LoadError, Store, load, load_all};

/// Something found, made small, as it is kept in `finding.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The version of this format.
    pub format: u32,
    /// A name that is the same wherever the same is found: `o3-heartbeat-silence-1a2b3c`.
    pub id: String,
    /// The version of the program that wrote it.
    pub plugfest: String,
    /// What it amounts to.
    pub class: Class,
    /// What makes it the same as another.
    pub signature: Signature,
    /// The statement of the specification that it rests on, or `robustness`.
    pub rule: String,
    /// What was seen, in a sentence.
    pub sentence: String,
    /// The bytes that show it, shortened.
    pub frame: String,
    /// Whether it has to be repeated with the whole time-out for every call.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub serial: bool,
    /// What it takes.
    pub sequence: Sequence,
    /// How often it showed when it was repeated.
    pub shown: u32,
    /// Of so many times.
    pub tried: u32,
    /// In how many campaigns or states it was met.
    pub times: u32,
    /// Where it was met first, for information: nothing of it is needed to repeat it.
    pub met: Met,
    /// The seeded fault of the reference devices that it shows, in a corpus of known defects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// What went over the wire when it last showed.
    pub transcript: Vec<TranscriptLine>,
}

/// What makes findings the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The oracle that noticed.
    pub oracle: Code,
    /// The state of the model.
    pub state: String,
    /// The action of the message that it is about.
    pub action: String,
    /// Where in the message, or what kind of defect.
    pub path: String,
    /// The class of the reply.
    pub reply: String,
}

/// Where something was met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Met {
    /// The seed of the campaign.
    pub seed: u64,
    /// The episode.
    pub episode: u64,
    /// How many acts it had.
    pub acts: usize,
}

/// What there is to know beside what was found.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The version of the program.
    pub plugfest: String,
    /// The seed of the campaign.
    pub seed: u64,
    /// The seeded fault that the device has.
    pub fault: Option<String>,
}

impl Finding {
    /// The format that is written.
    pub const FORMAT: u32 = 1;

    /// What is kept of it.
    pub fn of(found: &Found, origin: &Origin) -> Finding {
        let suspicion = &found.suspicion;
        let signature = Signature::of(suspicion);
        Finding {
            format: Finding::FORMAT,
            id: id(&signature, found.sequence.device, found.sequence.ocpp),
            plugfest: origin.plugfest.clone(),
            class: suspicion.class,
            rule: suspicion.rule.clone(),
            sentence: suspicion.sentence.clone(),
            frame: suspicion.frame.clone(),
            serial: suspicion.nominated || found.serial,
            sequence: found.sequence.clone(),
            shown: found.shown,
            tried: found.tried,
            times: 1,
            met: Met { seed: origin.seed, episode: found.episode, acts: found.acts_before },
            fault: origin.fault.clone(),
            transcript: transcript::lines(&found.seen, suspicion),
            signature,
        }
    }

    /// Whether it did not always show when it was repeated.
    pub fn is_flaky(&self) -> bool {
        self.shown < self.tried
    }

    /// Whether it rests on the order of messages, and did not show again: it accuses nobody, and is looked into again
    /// when it is met again.
    pub fn was_seen_once(&self) -> bool {
        seen_once(self.class, self.shown, self.tried)
    }

    /// What was noticed of it in an outcome, if it shows.
    pub fn shows<'a>(&self, outcome: &'a Outcome) -> Option<&'a Suspicion> {
        self.signature.shown_by(outcome)
    }

    /// What reports are told, with the command that repeats it.
    pub fn reported(&self, replay: &str, page: &str) -> verdict::Finding {
        verdict::Finding {
            id: self.id.clone(),
            class: self.class.name().to_owned(),
            oracle: format!("{:?}", self.signature.oracle),
            device: self.sequence.device,
            ocpp: self.sequence.ocpp,
            summary: self.sentence.clone(),
            messages: self.sequence.messages(),
            replay: replay.to_owned(),
            rule: self.rule.clone(),
            frame: self.frame.clone(),
            page: page.to_owned(),
            shown: self.shown,
            tried: self.tried,
            transcript: self.transcript.clone(),
        }
    }

    /// The lines that people are shown of an outcome in which it shows.
    pub fn transcript_of(outcome: &Outcome, suspicion: &Suspicion) -> Vec<TranscriptLine> {
        transcript::lines(&outcome.seen, suspicion)
    }

    /// Without these secrets. A sequence that carried one does no longer do what it did.
    #[must_use]
    pub fn redacted(mut self, redactor: &Redactor) -> Finding {
        if redactor.is_empty() {
            return self;
        }
        let signature = &mut self.signature;
        for text in [&mut self.sentence, &mut self.frame, &mut signature.path, &mut signature.action] {
            *text = redactor.text(text);
        }
        for line in &mut self.transcript {
            line.text = redactor.text(&line.text);
        }
        let acts = std::mem::take(&mut self.sequence.acts);
        self.sequence.acts = acts.into_iter().map(|act| without(act, redactor)).collect();
        self
    }

    /// The sentence of the statement that it rests on, with its strength.
    pub fn statement(&self) -> Option<(&'static str, &'static str)> {
        let id = self.rule.split_whitespace().next()?;
        statement(id).map(|statement| (statement.strength.name(), statement.sentence))
    }
}

/// Whether something did not show again, and accuses nobody for that.
pub(crate) fn seen_once(class: Class, shown: u32, tried: u32) -> bool {
    class == Class::Ambiguous && shown == 0 && tried > 0
}

impl Signature {
    /// What shows the same in an outcome: same oracle, same action, same place, whatever the state and the reply.
    pub fn shown_by<'a>(&self, outcome: &'a Outcome) -> Option<&'a Suspicion> {
        outcome.suspicions.iter().find(|suspicion| {
            suspicion.oracle == self.oracle && suspicion.action == self.action && suspicion.path == self.path
        })
    }

    /// That of a suspicion.
    pub fn of(suspicion: &Suspicion) -> Signature {
        Signature {
            oracle: suspicion.oracle,
            state: suspicion.state.clone(),
            action: suspicion.action.clone(),
            path: suspicion.path.clone(),
            reply: suspicion.reply.clone(),
        }
    }
}

fn without(act: Act, redactor: &Redactor) -> Act {
    // Every text of an act but its bytes, which may not be UTF-8, by way of its file form.
    let act = match act.text() {
        None => act,
        Some(text) => {
            let parts = text.0.iter().map(|part| match part {
                Part::Bytes(bytes) => match std::str::from_utf8(bytes) {
                    Ok(text) => Part::Bytes(redactor.text(text).into_bytes()),
                    Err(_) => {
                        let lossy = String::from_utf8_lossy(bytes);
                        let clean = redactor.text(&lossy);
                        Part::Bytes(if clean == lossy { bytes.clone() } else { clean.into_bytes() })
                    }
                },
                Part::Hole(hole) => Part::Hole(hole.clone()),
            });
            let text: Text = parts.collect();
            act.with_text(text)
        }
    };
    match act {
        Act::Connect { link, identity, mut manner } => {
            if let Some(crate::act::Credentials::Password(password)) = &mut manner.credentials {
                *password = redactor.text(password);
            }
            for (_, value) in &mut manner.headers {
                *value = redactor.text(value);
            }
            if let Some(Text(parts)) = &mut manner.request {
                for part in parts {
                    if let Part::Bytes(bytes) = part {
                        *bytes = redactor.text(&String::from_utf8_lossy(bytes)).into_bytes();
                    }
                }
            }
            Act::Connect { link, identity, manner }
        }
        act => act,
    }
}

/// A name from the signature: readable, and stable over versions of the program and of its compiler.
fn id(signature: &Signature, device: Role, version: Version) -> String {
    let Signature { oracle, state, action, path, reply } = signature;
    let all = format!("{oracle:?}\n{state}\n{action}\n{path}\n{reply}\n{}\n{}", device.name(), version.number());
    let hash = all
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3));
    let mut words = vec![format!("{oracle:?}").to_lowercase()];
    words.extend([slug(action, 24), slug(if reply.is_empty() { path } else { reply }, 24)]);
    words.retain(|word| !word.is_empty());
    format!("{}-{:06x}", words.join("-"), (hash ^ (hash >> 32)) & 0xFF_FFFF)
}

/// Lower-case letters and digits with single hyphens.
fn slug(text: &str, limit: usize) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= limit {
            break;
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// Whether a text is the id of a finding, and safe as the name of a folder.
fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 100
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests;
