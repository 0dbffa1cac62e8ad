//! Diagrams and pages of real cases, and the syntax of all diagrams.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::sync::Arc;

use script::ast::{Case, Document};
use support::{catalogue_files, library, read, root, source};

/// A case of the catalogue as it once was: what people change there need not change here.
fn fixture(name: &str) -> Arc<Case> {
    match read(&source(&root().join(format!("harness/script/tests/fixtures/{name}.yaml")))) {
        Ok(Document::Case(case)) => case,
        _ => panic!("{name} is no case"),
    }
}

#[test]
fn a_few_diagrams_are_as_people_saw_them() {
    for name in ["boot-pending", "session-plug-in-first"] {
        insta::assert_snapshot!(name, script::diagram(&fixture(name)));
    }
}

#[test]
fn a_page_is_as_people_saw_it() {
    insta::assert_snapshot!("page", script::page(&fixture("boot-pending")));
}

/// A strict reading of what Mermaid takes: one statement a line, blocks that close, labels without what would end or
/// comment them out.
#[test]
fn every_diagram_of_the_catalogue_is_mermaid() {
    for case in library(&catalogue_files()).cases() {
        let text = script::diagram(case);
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("sequenceDiagram"));
        let mut parties = Vec::new();
        let mut open: Vec<&str> = Vec::new();
        for line in lines {
            let wrong = |why: &str| -> ! { panic!("{}: {why}: {line}", case.id.value) };
            let line = line.trim_start();
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "participant" => parties.push(rest.split(' ').next().unwrap()),
                "opt" | "loop" | "alt" | "par" => open.push(word),
                "else" if open.last() != Some(&"alt") => wrong("else outside alt"),
                "and" if open.last() != Some(&"par") => wrong("and outside par"),
                "else" | "and" => {}
                "end" => {
                    if open.pop().is_none() || !rest.is_empty() {
                        wrong("nothing to end");
                    }
                }
                _ => {
                    let (head, label) = line.split_once(": ").unwrap_or_else(|| wrong("no label"));
                    assert!(!label.is_empty(), "{}: empty label: {line}", case.id.value);
                    let ends = ["-->>", "->>", "--x", "-)"].into_iter().find_map(|arrow| head.split_once(arrow));
                    let ends: Vec<&str> = match (head.strip_prefix("Note over "), ends) {
                        (Some(over), _) => over.split(',').collect(),
                        (None, Some((from, to))) => vec![from, to],
                        (None, None) => wrong("no statement"),
                    };
                    assert!(ends.iter().all(|end| parties.contains(end)), "{}: {line}", case.id.value);
                }
            }
            let label = entities_removed(rest).replace("<br/>", "");
            if label.contains(['#', ';', '<', '%', '&']) && !line.contains("->>") {
                wrong("a character that Mermaid takes for its own");
            }
            let words = label.split(|character: char| !character.is_ascii_alphanumeric());
            if words.into_iter().any(|word| word.eq_ignore_ascii_case("end")) {
                wrong("a word that closes a block");
            }
        }
        assert!(open.is_empty(), "{}: {open:?} left open", case.id.value);
    }
}

fn entities_removed(text: &str) -> String {
    regex::Regex::new("#\\d+;").unwrap().replace_all(text, "").into_owned()
}
