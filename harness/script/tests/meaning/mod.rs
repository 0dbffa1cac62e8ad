//! What a file says, without the places where it says it.

use std::sync::{Arc, LazyLock};

use regex::Regex;
use script::ast::Document;
use verdict::Source;

pub(crate) fn source(text: &str) -> Arc<Source> {
    Arc::new(Source { path: "x.yaml".to_owned(), text: text.to_owned() })
}

/// The document as text without places; nothing of a file that is wrong.
pub(crate) fn meaning(text: &str) -> Option<String> {
    let document = script::read(&source(text)).ok()?;
    let nowhere = source("");
    let said = match document {
        Document::Case(mut case) => {
            Arc::make_mut(&mut case).source = nowhere;
            format!("{case:?}")
        }
        Document::Part(mut part) => {
            Arc::make_mut(&mut part).source = nowhere;
            format!("{part:?}")
        }
    };
    static SPAN: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"Span \{ start: \d+, end: \d+ \}").unwrap());
    Some(SPAN.replace_all(&said, "").into_owned())
}
