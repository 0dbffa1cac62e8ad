//! What is said to a person about a place in a file: the compiler's look.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A text file as it was read, kept as long as anything points into it.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The path as people know it: `testcases/1.6/core/cold-boot.yaml`.
    pub path: String,
    /// The whole text.
    pub text: String,
}

/// A range of bytes of a [`Source`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One behind the last byte.
    pub end: usize,
}

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Only recommended, or doubtful.
    Warning,
    /// Wrong.
    Error,
}

/// A marked place with what is to be said there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The place, in bytes of the excerpt's text.
    pub span: Span,
    /// What is said there; may have several lines.
    pub text: String,
    /// Whether this is the place the diagnostic is about, or one that explains it.
    pub primary: bool,
}

/// The lines of a file that a diagnostic shows; enough to draw it without the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excerpt {
    /// The path as people know it.
    pub path: String,
    /// The number of the first line of `text`, from 1.
    pub first_line: usize,
    /// Whole lines of the file.
    pub text: String,
    /// The marks.
    pub labels: Vec<Label>,
}

/// A message to a person, pointing into a case, rig or other file where it can.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A stable code that `plugfest explain` knows, such as `unknown-action`; empty where there is none.
    pub code: String,
    /// One line: what is wrong.
    pub title: String,
    /// Where.
    pub excerpts: Vec<Excerpt>,
    /// Further lines: expectations, near misses, statement ids.
    pub notes: Vec<String>,
    /// How to mend it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error with a code and a title, pointing nowhere yet.
    pub fn error(code: &str, title: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Error, code, title)
    }

    /// A diagnostic pointing nowhere yet.
    pub fn new(severity: Severity, code: &str, title: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity,
            code: code.to_owned(),
            title: title.into(),
            excerpts: Vec::new(),
            notes: Vec::new(),
            help: None,
        }
    }

    /// Points at the place it is about.
    #[must_use]
    pub fn at(self, source: &Arc<Source>, span: Span, text: impl Into<String>) -> Diagnostic {
        self.label(source, span, text, true)
    }

    /// Points at a place that explains it.
    #[must_use]
    pub fn because(self, source: &Arc<Source>, span: Span, text: impl Into<String>) -> Diagnostic {
        self.label(source, span, text, false)
    }

    /// Adds a line below.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Diagnostic {
        self.notes.push(text.into());
        self
    }

    /// Says how to mend it.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Diagnostic {
        self.help = Some(text.into());
        self
    }

    fn label(mut self, source: &Arc<Source>, span: Span, text: impl Into<String>, primary: bool) -> Diagnostic {
        self.excerpts.push(Excerpt::cut(source, span, text.into(), primary));
        self
    }
}

impl Excerpt {
    fn cut(source: &Source, span: Span, label: String, primary: bool) -> Excerpt {
        let text = &source.text;
        let mut start = span.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = span.end.clamp(start, text.len());
        while !text.is_char_boundary(end) {
            end += 1;
        }
        let from = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let to = text[end..].find('\n').map_or(text.len(), |at| end + at);
        Excerpt {
            path: source.path.clone(),
            first_line: text[..from].matches('\n').count() + 1,
            text: text[from..to].to_owned(),
            labels: vec![Label { span: Span { start: start - from, end: end - from }, text: label, primary }],
        }
    }
}

impl Span {
    /// The line and column (both from 1, columns in characters) of the first byte.
    pub fn line_and_column(self, text: &str) -> (usize, usize) {
        let mut start = self.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let before = &text[..start];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }
}
