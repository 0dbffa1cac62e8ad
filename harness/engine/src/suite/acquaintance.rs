//! What a device says of itself, asked before the first case: what it lacks is then no case's to find out.
//!
//! A station is asked on the link that the cases go on with, and a player keeps its manners: what it breaks meanwhile
//! is not lost, and a trace holds it. A CSMS is asked about ready-made tags on a link of its own.

mod answers;
mod tags;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex as Cell};

use protocol::{Role, Version};
use script::Library;
use script::ast::Case;
use verdict::{Event, PlanId, Source};

use crate::program::{self, Cover, Outside, Program, Refused};
use crate::rig::{Assumed, Rig};

pub(super) use answers::read;
pub(super) use tags::doubts;

/// The name that it has in a trace.
pub(crate) const NAME: &str = "acquaintance";

/// The questions to a station of this version.
pub(crate) fn case(version: Version) -> Option<Arc<Case>> {
    QUESTIONS.case(NAME, version).cloned()
}

/// The questions as a plan.
pub(crate) fn program(version: Version, rig: &Rig) -> Option<Result<Program, Refused>> {
    let outside = Outside {
        library: &QUESTIONS,
        rig,
        can: &|_, _| false,
        cannot_carry: &|_| Vec::new(),
        cover: Cover::Each,
        both_sides: false,
    };
    Some(program::compile(&case(version)?, Role::Station, version, 0, &outside))
}

static QUESTIONS: LazyLock<Library> = LazyLock::new(|| {
    let texts = [
        ("acquaintance-16.yaml", include_str!("acquaintance/acquaintance-16.yaml")),
        ("acquaintance-2x.yaml", include_str!("acquaintance/acquaintance-2x.yaml")),
        ("there.yaml", include_str!("acquaintance/there.yaml")),
    ];
    let sources = texts.map(|(path, text)| Arc::new(Source { path: path.to_owned(), text: text.to_owned() }));
    Library::load(sources).0
});

/// What is known of a device, by version.
#[derive(Default)]
pub struct Known {
    told: Cell<BTreeMap<Version, Assumed>>,
    asked: tokio::sync::Mutex<BTreeSet<Version>>,
}

impl Known {
    /// What it said.
    pub(super) fn of(&self, version: Version) -> Assumed {
        self.told.lock().ok().and_then(|told| told.get(&version).cloned()).unwrap_or_default()
    }

    /// Keeps what it said.
    pub(super) fn learn(&self, version: Version, assumed: Assumed) {
        if let Ok(mut told) = self.told.lock() {
            told.insert(version, assumed);
        }
    }

    /// Whoever gets the guard with `true` asks; everybody else waits until that is done.
    pub(super) async fn turn(&self, version: Version) -> (bool, tokio::sync::MutexGuard<'_, BTreeSet<Version>>) {
        let mut asked = self.asked.lock().await;
        (asked.insert(version), asked)
    }
}

/// The events of a station's answers, as they go into a trace.
pub(super) type Told = (PlanId, Vec<Event>);

/// The plan of the questions in a trace.
pub(super) fn plan(version: Version) -> PlanId {
    PlanId { case: NAME.to_owned(), device: Role::Station, ocpp: version, variant: 0, configuration: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_questions_can_be_asked_in_every_version() {
        for version in Version::ALL {
            let rig = Rig::default_for(Some(Role::Station)).for_version(version);
            assert!(program(version, &rig).unwrap().is_ok(), "{version}");
        }
    }
}
