//! `--report-html`: one file that needs nothing else, works without scripts, and can be printed.

mod page;

use std::path::Path;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};

use crate::{Document, ReportError, Run};

/// Writes HTML.
#[derive(Debug)]
pub struct Html;

impl Html {
    /// A page in this file.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn to_file(path: &Path) -> Result<Document, ReportError> {
        Document::new(path, render)
    }
}

/// The run as a page.
pub fn render(run: &Run) -> String {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
        environment.set_syntax(syntax);
    }
    let rendered = environment.render_str(include_str!("html/report.html"), Serde(page::Page::of(run)));
    // The template is ours and every value is there; if that were not so, the page says what is wrong with it.
    rendered.unwrap_or_else(|error| {
        let why = format!("{error:#}").replace('&', "&amp;").replace('<', "&lt;");
        format!("<!doctype html><meta charset=utf-8><title>Plugfest</title><p>The report could not be made: {why}\n")
    })
}
