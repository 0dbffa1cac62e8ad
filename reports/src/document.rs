//! A report that is one text about the whole run.

use std::io;
use std::path::{Path, PathBuf};

use verdict::RunEvent;

use crate::{ReportError, Reporter, Run, file};

/// Collects the run and writes a text about it at the end.
#[derive(Debug)]
pub struct Document {
    path: PathBuf,
    run: Run,
    render: fn(&Run) -> String,
}

impl Document {
    /// A document at this path, made by this function. A first version is written at once: it says that the run
    /// has not ended, and so does what is left of a run that was killed.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn new(path: &Path, render: fn(&Run) -> String) -> Result<Document, ReportError> {
        let run = Run::default();
        file::replace(path, &render(&run)).map_err(|error| ReportError::at(path, error))?;
        Ok(Document { path: path.to_owned(), run, render })
    }
}

impl Reporter for Document {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn event(&mut self, event: &RunEvent) -> io::Result<()> {
        self.run.take(event);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        file::replace(&self.path, &(self.render)(&self.run))
    }
}
