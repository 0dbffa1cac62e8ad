//! The two readings of a pattern: a matcher when the device sends, a generator when we do.

mod compare;
mod generate;
mod matching;
mod relax;
mod strings;

use std::time::Duration;

use protocol::Version;
use verdict::Span;

use crate::scope::Names;

pub use compare::{coerce, equal};
pub use generate::{Generated, Unfillable, generate, options};
pub use matching::matches;
pub use relax::relax;

/// What both readings need to know.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The version played.
    pub version: Version,
    /// What the names stand for.
    pub names: Names<'a>,
    /// The tolerance of clocks.
    pub clock: Duration,
    /// Which of our choices: 0 takes every first option.
    pub variant: usize,
    /// The seed of values that are free.
    pub seed: u64,
}

/// Where a value does not fit a pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct Mismatch {
    /// The field: `idTagInfo.status`, empty for the whole.
    pub path: String,
    /// The pattern that does not hold.
    pub span: Span,
    /// What it wants, in words.
    pub expected: String,
    /// What is there, shortened.
    pub actual: String,
}

impl Mismatch {
    fn new(path: &str, span: Span, expected: impl Into<String>, actual: Option<&serde_json::Value>) -> Mismatch {
        Mismatch {
            path: path.to_owned(),
            span,
            expected: expected.into(),
            actual: actual.map_or_else(|| "absent".to_owned(), |value| shorten(&value.to_string())),
        }
    }
}

/// At most 200 characters of a text, with the rest counted.
pub fn shorten(text: &str) -> String {
    let mut characters = text.char_indices();
    match characters.nth(200) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}… ({} more characters)", &text[..at], text[at..].chars().count()),
    }
}
