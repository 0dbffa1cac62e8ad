//! What a reporter is.

use std::fmt;
use std::io;
use std::path::Path;

use verdict::RunEvent;

/// Something that is told what happens in a run. It only ever sees what the [`crate::Fanout`] lets through.
pub trait Reporter: Send {
    /// What an error calls it: the path of its file.
    fn name(&self) -> String;

    /// Takes the next event.
    ///
    /// # Errors
    ///
    /// It could not be written; the reporter is told nothing more.
    fn event(&mut self, event: &RunEvent) -> io::Result<()>;

    /// The run is over, or was cut off: what is written must be complete after this.
    ///
    /// # Errors
    ///
    /// It could not be written.
    fn finish(&mut self) -> io::Result<()>;
}

/// A report that could not be written.
#[derive(Debug)]
pub struct ReportError {
    /// Which: the path of its file.
    pub report: String,
    /// Why.
    pub error: io::Error,
}

impl ReportError {
    pub(crate) fn at(path: &Path, error: io::Error) -> ReportError {
        ReportError { report: path.display().to_string(), error }
    }
}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot write the report {}: {}", self.report, self.error)
    }
}

impl std::error::Error for ReportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
