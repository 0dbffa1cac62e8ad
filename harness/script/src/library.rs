//! All cases and parts that were read, found by name.

use std::sync::Arc;

use protocol::Version;

use crate::ast::{Case, Document, Part, PartKind};

/// Cases and parts, in the order in which they were added.
#[derive(Clone, Debug, Default)]
pub struct Library {
    cases: Vec<Arc<Case>>,
    parts: Vec<Arc<Part>>,
}

impl Library {
    /// Adds what a file holds.
    pub fn add(&mut self, document: Document) {
        match document {
            Document::Case(case) => self.cases.push(case),
            Document::Part(part) => self.parts.push(part),
        }
    }

    /// The cases.
    pub fn cases(&self) -> &[Arc<Case>] {
        &self.cases
    }

    /// The parts.
    pub fn parts(&self) -> &[Arc<Part>] {
        &self.parts
    }

    /// The case of this id that is for this version.
    pub fn case(&self, id: &str, version: Version) -> Option<&Arc<Case>> {
        let fits = |case: &&Arc<Case>| case.versions.iter().any(|wanted| wanted.value == version);
        self.cases.iter().filter(|case| case.id.value == id).find(fits)
    }

    /// The part of this kind and name that is for this version.
    pub fn part(&self, kind: PartKind, name: &str, version: Version) -> Option<Arc<Part>> {
        let fits = |part: &&Arc<Part>| part.versions.iter().any(|wanted| wanted.value == version);
        self.parts.iter().filter(|part| part.kind == kind && part.name.value == name).find(fits).cloned()
    }
}
