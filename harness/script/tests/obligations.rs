//! The catalogue keeps the promises of the language, and what it owes the specification.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeSet;

use protocol::Version;
use regex::Regex;
use script::obligations;
use support::{catalogue_files, compare, files, library, rendered, root, source};

#[test]
fn the_checker_finds_nothing_wrong_with_the_catalogue() {
    let found = script::check(&library(&catalogue_files()));
    assert!(found.is_empty(), "{}", rendered(&found));
}

/// Statements that the standing rules name: whatever case runs, these are watched.
fn standing() -> BTreeSet<String> {
    let id = Regex::new("\"(R-\\d+|16-[A-Z]+-\\d+)\"").unwrap();
    let mut standing = BTreeSet::new();
    let mut sources = files("harness/verdict/src/oracles", "rs");
    sources.extend(files("harness/protocol/src/overlay", "rs"));
    for file in
        ["harness/verdict/src/oracles.rs", "harness/protocol/src/frame/reader.rs", "harness/link/src/finding.rs"]
    {
        sources.push(root().join(file));
    }
    for path in sources {
        let text = std::fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or("");
        standing.extend(id.captures_iter(code).map(|found| found[1].to_owned()));
    }
    standing
}

#[test]
fn every_statement_in_scope_has_a_case_or_a_standing_rule_or_a_line_saying_why_not() {
    let list = source(&root().join("testcases/untraced.txt"));
    let found = obligations::untraced(&library(&catalogue_files()), &standing(), &list);
    assert!(found.is_empty(), "{}", rendered(&found));
}

#[test]
fn the_page_of_official_cases_is_what_the_catalogue_makes_of_it() {
    let mut wrong = Vec::new();
    let page = obligations::official_table(&library(&catalogue_files()), Version::V16);
    compare(&root().join("testcases/OFFICIAL.md"), &page, &mut wrong);
    assert!(wrong.is_empty(), "UPDATE_GOLDENS=1 rewrites this:\n\n{}", wrong.join("\n"));
}
