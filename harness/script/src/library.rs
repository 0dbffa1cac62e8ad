//! All cases and parts that were read, found by name.

mod link;

use std::sync::Arc;

use protocol::Version;
use verdict::{Diagnostic, Source};

use crate::ast::{Case, Document, Part, PartKind};

/// Cases and parts, in the order in which they were added.
#[derive(Clone, Debug, Default)]
pub struct Library {
    cases: Vec<Arc<Case>>,
    parts: Vec<Arc<Part>>,
}

impl Library {
    /// Reads files and links them. What is wrong with one does not keep the others from being read; a library with
    /// mistakes is not one to play from.
    pub fn load(sources: impl IntoIterator<Item = Arc<Source>>) -> (Library, Vec<Diagnostic>) {
        let mut library = Library::default();
        let mut found = Vec::new();
        for source in sources {
            match crate::reader::read(&source) {
                Ok(document) => library.add(document),
                Err(mut mistakes) => found.append(&mut mistakes),
            }
        }
        found.extend(library.link());
        (library, found)
    }

    /// Connects the uses of parts with the parts: decodes arguments by the types of parameters, and tells parts that
    /// do not exist, arguments that do not fit, and names that stand twice.
    pub fn link(&mut self) -> Vec<Diagnostic> {
        link::link(self)
    }

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
