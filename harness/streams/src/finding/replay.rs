//! A finding is repeated: its frozen acts, and nothing else of what made it.

use verdict::TranscriptLine;

use super::Finding;
use crate::campaign::revive;
use crate::generate::Allowed;
use crate::oracles::Class;
use crate::play::{Frozen, play};
use crate::target::{How, Target};

/// What came of repeating a finding.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replayed {
    /// How often it showed.
    pub shown: u32,
    /// Of so many times that could be judged.
    pub tried: u32,
    /// Why it could not be judged, the last time.
    pub unjudged: Option<String>,
    /// What it amounted to when it last showed.
    pub class: Option<Class>,
    /// What was noticed then.
    pub sentence: String,
    /// The bytes that showed it.
    pub frame: String,
    /// What went over the wire then.
    pub transcript: Vec<TranscriptLine>,
}

impl Replayed {
    /// What the finding amounts to now: one that was seen once is graver when it shows again.
    pub fn class_of(&self, finding: &Finding) -> Class {
        self.class.filter(|_| finding.was_seen_once()).unwrap_or(finding.class)
    }
}

/// Repeats a finding so many times against a device. What must not be sent to it is not sent.
pub async fn replay(target: &mut Target, finding: &Finding, times: u32, allowed: &Allowed) -> Replayed {
    let mut replayed = Replayed::default();
    let sequence = &finding.sequence;
    let denied = sequence.acts.iter().find_map(|act| allowed.denies_act(target.device, target.version, act));
    if let Some(reason) = denied {
        replayed.unjudged = Some(format!("a message of it is not sent unless dangerous ones are allowed: {reason}"));
        return replayed;
    }
    for number in 0..times {
        let how = How { serial: finding.serial, fresh: true, slot: 0 };
        let outcome = play(target, &mut Frozen::new(&sequence.acts), allowed, how).await;
        match &outcome.unreachable {
            Some(reason) => replayed.unjudged = Some(format!("the device cannot be reached: {reason}")),
            None => {
                replayed.tried += 1;
                if let Some(suspicion) = finding.shows(&outcome) {
                    replayed.shown += 1;
                    replayed.class = Some(suspicion.class);
                    replayed.sentence.clone_from(&suspicion.sentence);
                    replayed.frame.clone_from(&suspicion.frame);
                    replayed.transcript = Finding::transcript_of(&outcome, suspicion);
                }
            }
        }
        let well = outcome.alive && outcome.unreachable.is_none();
        if !well && !revive(target, allowed, 0).await && number + 1 < times {
            replayed.unjudged = Some("the device did not come back".to_owned());
            break;
        }
    }
    replayed
}
