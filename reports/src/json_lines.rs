//! `--report-json`: one JSON object a line, as the run goes on.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::Value;
use verdict::{RunEvent, safe_json};

use crate::{ReportError, Reporter, details, file};

/// Writes every event but those that only the trace keeps.
#[derive(Debug)]
pub struct JsonLines {
    path: PathBuf,
    file: File,
}

impl JsonLines {
    /// Writes into this file.
    ///
    /// # Errors
    ///
    /// It cannot be created.
    pub fn to_file(path: &Path) -> Result<JsonLines, ReportError> {
        Ok(JsonLines { path: path.to_owned(), file: file::create(path)? })
    }
}

impl Reporter for JsonLines {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn event(&mut self, event: &RunEvent) -> io::Result<()> {
        match line(event)? {
            // In one go, so that a run that is killed leaves no half a line.
            Some(line) => self.file.write_all(format!("{line}\n").as_bytes()),
            None => Ok(()),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The line of an event: its fields, and every diagnostic also as people see it.
pub(crate) fn line(event: &RunEvent) -> io::Result<Option<String>> {
    if matches!(event, RunEvent::Happened { .. }) {
        return Ok(None);
    }
    let mut value = serde_json::to_value(event)?;
    if let RunEvent::CaseFinished(result) = event
        && let Some(Value::Array(diagnostics)) = value.get_mut("diagnostics")
    {
        for (shown, diagnostic) in diagnostics.iter_mut().zip(&result.diagnostics) {
            shown["rendered"] = details::rendered(diagnostic, result.verdict, false).into();
        }
    }
    Ok(Some(safe_json(&value.to_string())))
}
