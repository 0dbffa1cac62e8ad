//! Findings, each said once however many versions and sides show it.

use std::collections::HashSet;
use std::sync::Arc;

use protocol::Role;
use verdict::{Diagnostic, Source, Span};

/// What was found so far.
#[derive(Default)]
pub(crate) struct Report {
    found: Vec<Diagnostic>,
    seen: HashSet<(String, String, Span)>,
}

impl Report {
    /// Adds a finding about a place, unless the same was said of it before.
    pub(crate) fn add(
        &mut self,
        code: &'static str,
        (source, span): (&Arc<Source>, Span),
        title: impl Into<String>,
        label: impl Into<String>,
        finish: impl FnOnce(Diagnostic) -> Diagnostic,
    ) {
        if self.seen.insert((code.to_owned(), source.path.clone(), span)) {
            self.found.push(finish(Diagnostic::error(code, title).at(source, span, label)));
        }
    }

    /// The findings, by file and place.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        let place = |diagnostic: &Diagnostic| {
            let excerpt = diagnostic.excerpts.first();
            let path = excerpt.map(|excerpt| excerpt.path.clone()).unwrap_or_default();
            let label = excerpt.and_then(|excerpt| excerpt.labels.first()).map_or(0, |label| label.span.start);
            (path, excerpt.map_or(0, |excerpt| excerpt.first_line), label)
        };
        self.found.sort_by_cached_key(place);
        self.found
    }
}

/// What stands at a place of a file.
pub(super) fn text(source: &Source, span: Span) -> &str {
    source.text.get(span.start..span.end).unwrap_or("").trim()
}

/// A side in a sentence.
pub(super) fn shown(side: Role) -> &'static str {
    match side {
        Role::Station => "station",
        Role::Csms => "CSMS",
    }
}
