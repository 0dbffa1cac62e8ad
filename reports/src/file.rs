//! Files of reports: their folders are made, and a whole one is there completely or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::ReportError;

/// Opens a file that is written while the run goes on.
pub(crate) fn create(path: &Path) -> Result<File, ReportError> {
    let create = || {
        make_folder(path)?;
        File::create(path)
    };
    create().map_err(|error| ReportError::at(path, error))
}

/// Puts a whole text in place of what was there, in one step.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    make_folder(path)?;
    // A link stays a link; a pipe or a terminal cannot be replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(&path).is_ok_and(|there| !there.is_file()) {
        return File::options().write(true).open(&path)?.write_all(text.as_bytes());
    }
    let beside = beside(&path)?;
    let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, &path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn make_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => fs::create_dir_all(folder),
        _ => Ok(()),
    }
}

fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "is not a file name"))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}", std::process::id()));
    Ok(path.with_file_name(hidden))
}
