//! Every mistake that the checker can find is shown by a file in `testcases/bad/check`, which reader and linker take.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use script::ast::Document;
use support::{compare, files, read, rendered, source};
use verdict::{Diagnostic, Source};

/// What is the checker says about one bad file.
fn mistakes(path: &std::path::Path) -> Vec<Diagnostic> {
    let bad = source(path);
    let document = match read(&bad) {
        Ok(document) => document,
        Err(mistakes) => panic!("{}", rendered(&mistakes)),
    };
    let mut library = support::library(&files("testcases/bad/check/parts", "yaml"));
    library.add(match &document {
        Document::Case(case) => Document::Case(case.clone()),
        Document::Part(part) => Document::Part(part.clone()),
    });
    let about = |diagnostic: &Diagnostic| diagnostic.excerpts.first().is_some_and(|excerpt| excerpt.path == bad.path);
    let unlinked = library.link();
    assert!(unlinked.is_empty(), "{}", rendered(&unlinked));
    script::check(&library).into_iter().filter(about).collect()
}

#[test]
fn every_bad_file_is_refused_as_its_golden_file_says() {
    let mut wrong = Vec::new();
    let mut codes = BTreeSet::new();
    for path in files("testcases/bad/check", "yaml") {
        if path.parent().is_some_and(|folder| folder.ends_with("parts")) {
            continue;
        }
        let mistakes = mistakes(&path);
        assert!(!mistakes.is_empty(), "{}: nothing is found wrong", path.display());
        codes.extend(mistakes.iter().map(|mistake| mistake.code.clone()));
        compare(&path.with_extension("txt"), &rendered(&mistakes), &mut wrong);
    }
    assert!(wrong.is_empty(), "UPDATE_GOLDENS=1 rewrites these:\n\n{}", wrong.join("\n\n"));
    for (code, meaning) in script::CHECKER_CODES {
        assert!(codes.contains(code), "no file in testcases/bad/check shows {code}: {meaning}");
    }
}

#[test]
fn the_codes_are_sorted_and_explained() {
    let codes: Vec<&str> = script::CHECKER_CODES.iter().map(|(code, _)| *code).collect();
    assert!(codes.is_sorted());
    let page = std::fs::read_to_string(support::root().join("testcases/LANGUAGE.md")).unwrap();
    for (code, meaning) in script::CHECKER_CODES {
        let row = format!("| `{code}` | {meaning} |");
        assert!(page.contains(&row), "the page about the language lacks {row}");
    }
}

/// Files that lost a line are half-finished files, as people have them while they write.
#[test]
fn a_file_without_one_of_its_lines_is_checked_without_panic() {
    let library = support::library(&support::catalogue_files());
    let mut refused = 0;
    for (at, path) in support::catalogue_files().iter().enumerate() {
        let whole = source(path);
        let lines: Vec<&str> = whole.text.lines().collect();
        for gone in (at % 7..lines.len()).step_by(7) {
            let mut left = lines.clone();
            left.remove(gone);
            let damaged = Arc::new(Source { path: whole.path.clone(), text: left.join("\n") });
            if let Ok(document) = read(&damaged) {
                refused += usize::from(!script::check_document(&library, &document).is_empty());
                if let Document::Case(case) = &document {
                    assert!(script::page(case).contains("sequenceDiagram"));
                }
            }
        }
    }
    assert!(refused > 30, "the checker noticed only {refused}");
}
