//! Why a command ends early, and with which number.

use verdict::{Diagnostic, ExitCode};

/// A command that cannot be carried out.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: ExitCode,
    pub(crate) text: String,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Failure {
    pub(crate) fn new(code: ExitCode, text: impl Into<String>) -> Failure {
        Failure { code, text: text.into(), diagnostics: Vec::new() }
    }

    pub(crate) fn usage(text: impl Into<String>) -> Failure {
        Failure::new(ExitCode::Usage, text)
    }

    pub(crate) fn diagnosed(code: ExitCode, diagnostics: Vec<Diagnostic>) -> Failure {
        Failure { code, text: String::new(), diagnostics }
    }

    /// Shows it on standard error.
    pub(crate) fn show(&self, colour: bool) {
        for diagnostic in &self.diagnostics {
            anstream::eprintln!("{}", diagnostic.render(colour));
        }
        if !self.text.is_empty() {
            anstream::eprintln!("error: {}", self.text);
        } else if self.diagnostics.len() > 1 {
            anstream::eprintln!("error: {} mistakes", self.diagnostics.len());
        }
    }
}
