//! Mutants of the cases: a step of ours is done twice, later, before its neighbour or not at all, a call is put in
//! between, a field is added; and the rest of the case must still pass.
//!
//! A mutant is a case file like any other. Only what leaves the demands of the rest as they were is tried: what is put
//! in is read-only, idempotent or refused, and it stands only where nothing of the device is under way
//! ([`settled`](self::settled)). The checker has the last word.

mod fields;
mod file;
mod inserts;
mod settled;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;

use protocol::generate::{Choices, pick};
use protocol::{Role, Version};
use script::Library;
use script::ast::{Case, Document, Item};
use verdict::Source;

use self::file::{Change, File};
use self::inserts::Insert;

/// A case that is another one with one change.
#[derive(Clone, Debug)]
pub struct MutantCase {
    /// Its own id: `<case>-with-<mutation>`.
    pub id: String,
    /// The id of the case it was made of.
    pub original: String,
    /// The whole file.
    pub yaml: String,
    /// What was changed: `a Heartbeat before step 3`.
    pub what: String,
    /// The change without its place: `heartbeat`, `wait`.
    pub kind: String,
    /// The file, read, linked and checked.
    pub case: Arc<Case>,
}

/// So many changes are tried until the checker takes one.
const TRIES: usize = 8;

/// A mutant of a case for this side of the device, chosen by the choices. `None`: nothing can be changed here.
pub fn mutant(library: &Library, case: &Arc<Case>, device: Role, choices: &mut dyn Choices) -> Option<MutantCase> {
    let seed = Seed::of(library, case, device)?;
    let changes = seed.changes();
    (0..TRIES).find_map(|_| seed.mutant(pick(&changes, choices)?))
}

/// Every mutant of a case for this side of the device.
pub fn mutants(library: &Library, case: &Arc<Case>, device: Role) -> Vec<MutantCase> {
    let Some(seed) = Seed::of(library, case, device) else { return Vec::new() };
    let mut seen = HashSet::new();
    let mutants = seed.changes().into_iter().filter_map(|change| seed.mutant(&change));
    mutants.filter(|mutant| seen.insert(mutant.id.clone())).collect()
}

/// A case that mutants are made of.
struct Seed<'a> {
    library: &'a Library,
    /// As it is written the usual way, so that its lines can be moved.
    case: Arc<Case>,
    file: File,
    device: Role,
    version: Version,
}

impl<'a> Seed<'a> {
    fn of(library: &'a Library, case: &Case, device: Role) -> Option<Seed<'a>> {
        let version = case.versions.first()?.value;
        let same = |other: Version| (other == Version::V16) == (version == Version::V16);
        let is_one_family = case.versions.iter().all(|other| same(other.value));
        if case.procedure.is_some() || !case.is_for(device) || !is_one_family {
            return None;
        }
        let text = script::format(&case.source).ok()?;
        let source = Arc::new(Source { path: case.source.path.clone(), text });
        let Ok(Document::Case(case)) = script::read(&source) else { return None };
        let file = File::of(&source)?;
        (file.items() == case.steps.len()).then_some(Seed { library, case, file, device, version })
    }

    fn steps(&self) -> &[Item] {
        &self.case.steps
    }

    /// Everything that can be changed, most of it sound for the checker, too.
    fn changes(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        for at in 0..=self.steps().len() {
            if settled::may_stand_before(self, at) {
                let inserts = inserts::of(self.device, self.version);
                changes.extend(inserts.into_iter().map(|insert| self.insert(at, insert)));
                changes.extend(inserts::again(self, at).map(|insert| self.insert(at, insert)));
                if settled::may_wait(self) && at < self.steps().len() {
                    changes.push(self.insert(at, inserts::wait(self.device)));
                }
            }
            if settled::may_be_dropped(self, at) {
                changes.push(self.drop(at));
            }
            if settled::may_swap_with_next(self, at) {
                changes.push(self.swap(at));
            }
        }
        changes.extend(fields::added(self));
        changes
    }

    fn insert(&self, at: usize, insert: Insert) -> Change {
        let (place, where_it_is) = match at {
            at if at == self.steps().len() => ("at-the-end".to_owned(), "at the end".to_owned()),
            at => (format!("before-{}", at + 1), format!("before step {}", at + 1)),
        };
        Change {
            id: format!("{}-{place}", insert.id),
            kind: insert.id.to_owned(),
            what: format!("{} {where_it_is}", insert.what),
            rule: insert.rule,
            edits: vec![self.file.insert(at, &insert.yaml)],
        }
    }

    fn drop(&self, at: usize) -> Change {
        Change {
            id: format!("out-step-{}", at + 1),
            kind: "left-out".to_owned(),
            what: format!("step {} left out", at + 1),
            rule: None,
            edits: vec![self.file.remove(at)],
        }
    }

    fn swap(&self, at: usize) -> Change {
        Change {
            id: format!("steps-{}-and-{}-swapped", at + 1, at + 2),
            kind: "swapped".to_owned(),
            what: format!("steps {} and {} swapped", at + 1, at + 2),
            rule: None,
            edits: self.file.swap(at),
        }
    }

    /// The file with this change, if the checker takes it.
    fn mutant(&self, change: &Change) -> Option<MutantCase> {
        let join = if change.id.starts_with("out-") { "with" } else { "with-" };
        let side = if self.case.device.is_some() { String::new() } else { format!("-{}", self.device) };
        let id = format!("{}-{join}{}{side}", self.case.id.value, change.id);
        let written = self.file.write(&self.case, &id, self.device, change)?;
        let source = Arc::new(Source { path: format!("{id}.yaml"), text: written });
        let yaml = script::format(&source).ok()?;
        let source = Arc::new(Source { path: source.path.clone(), text: yaml.clone() });
        let parts = self.library.parts().iter().map(|part| part.source.clone());
        let (library, found) = Library::load(parts.chain([source]));
        let case = library.cases().first()?.clone();
        let is_sound = found.is_empty() && script::check_document(&library, &Document::Case(case.clone())).is_empty();
        is_sound.then(|| MutantCase {
            id,
            original: self.case.id.value.clone(),
            yaml,
            what: change.what.clone(),
            kind: change.kind.clone(),
            case,
        })
    }
}
