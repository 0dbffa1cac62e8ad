//! The examples of the page about the language are read without a word.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::sync::Arc;

use script::Library;
use support::{rendered, root};
use verdict::Source;

/// Stands before an example that is only a few steps.
const HEAD: &str = r#"case: example
title: An example
versions: ["1.6"]
traces: [16-BOOT-01]
given: { c: rig.connector, tag: rig.tags.valid }
steps:
"#;

#[test]
fn every_example_is_read_and_linked() {
    let page = std::fs::read_to_string(root().join("testcases/LANGUAGE.md")).unwrap();
    let examples: Vec<&str> = page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() > 10);
    for (at, example) in examples.into_iter().enumerate() {
        let text = if example.starts_with('-') { format!("{HEAD}{example}") } else { example.to_owned() };
        let path = format!("example {}", at + 1);
        let source = Arc::new(Source { path: path.clone(), text });
        let parts = testcases::sources().into_iter().filter(|source| source.path.starts_with("testcases/states/"));
        let (_, mut found) = Library::load(parts.chain([source]));
        found.retain(|diagnostic| diagnostic.excerpts.first().is_some_and(|excerpt| excerpt.path == path));
        assert!(found.is_empty(), "{}", rendered(&found));
    }
}

#[test]
fn every_word_of_the_language_is_on_the_page() {
    let page = std::fs::read_to_string(root().join("testcases/LANGUAGE.md")).unwrap();
    let verbs = protocol::stimulus::VERBS.iter().chain(protocol::stimulus::OBSERVATIONS).map(|verb| verb.name);
    let checks = verdict::checks::CHECKS.iter().map(|check| check.name);
    let procedures = script::Procedure::ALL.iter().map(|procedure| procedure.name());
    let words = verbs.chain(checks).chain(procedures).chain(script::TIME_CLASSES).filter(|word| *word != "send");
    let page: String = page.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in words {
        assert!(page.contains(word), "{word}");
    }
}
