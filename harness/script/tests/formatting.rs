//! Formatting keeps what a file says and its comments, and a formatted file stays as it is.

use std::sync::Arc;

use script::ast::Document;
use verdict::Source;

fn source(text: &str) -> Arc<Source> {
    Arc::new(Source { path: "x.yaml".to_owned(), text: text.to_owned() })
}

/// What a file says, without the places where it says it.
fn meaning(text: &str) -> Result<String, usize> {
    let document = script::read(&source(text)).map_err(|mistakes| mistakes.len())?;
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
    let span = regex::Regex::new(r"Span \{ start: \d+, end: \d+ \}").unwrap();
    Ok(span.replace_all(&said, "").into_owned())
}

fn comments(text: &str) -> Vec<String> {
    let mut comments: Vec<String> = Vec::new();
    for line in text.lines() {
        if let Some(at) = line.find("# ") {
            comments.push(line[at..].trim_end().to_owned());
        }
    }
    comments.sort();
    comments
}

#[track_caller]
fn holds(path: &str, text: &str) -> String {
    let formatted = script::format(&source(text)).unwrap_or_else(|found| panic!("{path}: {found:#?}"));
    assert_eq!(meaning(text), meaning(&formatted), "{path}:\n{formatted}");
    assert_eq!(comments(text), comments(&formatted), "{path}:\n{formatted}");
    let again = script::format(&source(&formatted)).unwrap();
    assert_eq!(formatted, again, "{path} is not stable");
    formatted
}

#[test]
fn the_catalogue_keeps_its_meaning_and_comments() {
    for file in testcases::sources() {
        holds(&file.path, &file.text);
    }
}
