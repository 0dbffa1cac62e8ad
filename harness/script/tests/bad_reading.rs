//! Every mistake that reading and linking can find is shown by a file in `testcases/bad/read`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use script::Library;
use script::reader::Mistake;
use support::{compare, files, rendered, source};
use verdict::Diagnostic;

/// What is said about a bad file when it is read, else when it is linked with the parts beside it.
fn mistakes(path: &Path) -> Vec<Diagnostic> {
    let bad = source(path);
    let parts = files("testcases/bad/read/parts", "yaml");
    let (_, mut found) = Library::load(parts.iter().map(|part| source(part)).chain([bad.clone()]));
    found.retain(|diagnostic| diagnostic.excerpts.first().is_some_and(|excerpt| excerpt.path == bad.path));
    found
}

#[test]
fn every_mistake_of_reading_is_said_as_its_golden_file_says() {
    let mut wrong = Vec::new();
    let mut codes = BTreeSet::new();
    for path in files("testcases/bad/read", "yaml") {
        if path.parent().is_some_and(|folder| folder.ends_with("parts")) {
            continue;
        }
        let found = mistakes(&path);
        assert!(!found.is_empty(), "{}: nothing is found wrong", path.display());
        codes.extend(found.iter().map(|diagnostic| diagnostic.code.clone()));
        compare(&path.with_extension("txt"), &rendered(&found), &mut wrong);
    }
    assert!(wrong.is_empty(), "UPDATE_GOLDENS=1 rewrites these:\n\n{}", wrong.join("\n\n"));
    for mistake in Mistake::ALL {
        assert!(codes.contains(mistake.code()), "no file in testcases/bad/read shows {}", mistake.code());
    }
}
