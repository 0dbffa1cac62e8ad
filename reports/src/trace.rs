//! `--trace`: everything a run was judged from, to be judged and reported again; and the way back.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use verdict::RunEvent;
use verdict::trace::{LONGEST_LINE, Reader, TraceError, header, line};

use crate::{ReportError, Reporter, file};

/// Writes every event.
#[derive(Debug)]
pub struct Trace {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Trace {
    /// Writes into this file.
    ///
    /// # Errors
    ///
    /// It cannot be created.
    pub fn to_file(path: &Path) -> Result<Trace, ReportError> {
        let mut file = BufWriter::new(file::create(path)?);
        let head = header(env!("CARGO_PKG_VERSION"));
        writeln!(file, "{head}").and_then(|()| file.flush()).map_err(|error| ReportError::at(path, error))?;
        Ok(Trace { path: path.to_owned(), file })
    }
}

impl Reporter for Trace {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn event(&mut self, event: &RunEvent) -> io::Result<()> {
        writeln!(self.file, "{}", line(event))?;
        // What a case was judged from is safe once it is judged.
        if matches!(event, RunEvent::Happened { .. }) { Ok(()) } else { self.file.flush() }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A trace that could not be read to its end.
#[derive(Debug)]
pub enum ReadError {
    /// The file itself.
    File(io::Error),
    /// A line of it.
    Line(TraceError),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::File(error) => write!(f, "cannot read the trace: {error}"),
            ReadError::Line(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ReadError {}

/// Reads a trace file and hands on its events, one by one, up to where it ends or is damaged: what came before
/// that can still be reported.
///
/// # Errors
///
/// The file cannot be read, or a line of it is not of a trace.
pub fn read(path: &Path, mut each: impl FnMut(RunEvent)) -> Result<(), ReadError> {
    let file = File::open(path).map_err(ReadError::File)?;
    read_from(BufReader::new(file), &mut each)
}

fn read_from(mut file: impl BufRead, each: &mut dyn FnMut(RunEvent)) -> Result<(), ReadError> {
    let mut reader = Reader::default();
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        // A few bytes more than allowed are enough for the reader to refuse the line.
        let most = u64::try_from(LONGEST_LINE).unwrap_or(u64::MAX).saturating_add(3);
        let got = file.by_ref().take(most).read_until(b'\n', &mut bytes).map_err(ReadError::File)?;
        if got == 0 {
            return reader.end().map_err(ReadError::Line);
        }
        if let Some(event) = reader.bytes(&bytes).map_err(ReadError::Line)? {
            each(event);
        }
    }
}
