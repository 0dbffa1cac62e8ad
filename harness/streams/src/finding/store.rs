//! A folder of findings: one folder each, with the finding itself and a page about it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use verdict::Redactor;

use super::{Finding, is_id, page};

/// The largest file that is read as a finding.
const LARGEST: u64 = 64 << 20;
/// The most findings that are read from a folder.
const MOST: usize = 10_000;
/// The most acts of a finding.
const MOST_ACTS: usize = 100_000;

/// The file of a finding in its folder.
const FILE: &str = "finding.json";

/// Why a finding could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct LoadError {
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong, with the place in the file.
    pub reason: String,
}

/// What became of a finding that was to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is new.
    New,
    /// It was there.
    Again,
}

/// A folder of findings. What an earlier run left there stays, and is not found anew.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    redactor: Redactor,
    findings: BTreeMap<String, Finding>,
}

impl Store {
    /// Opens a folder; it is made if there is none. Secrets that the redactor knows are never written.
    ///
    /// # Errors
    ///
    /// The folder cannot be made or read, or something in it is no finding of a format that is known.
    pub fn open(folder: &Path, redactor: Redactor) -> Result<Store, LoadError> {
        fs::create_dir_all(folder).map_err(|error| at(folder, error))?;
        let mut findings = BTreeMap::new();
        for (_, finding) in load_all(folder)? {
            findings.insert(finding.id.clone(), finding);
        }
        Ok(Store { folder: folder.to_owned(), redactor, findings })
    }

    /// Keeps a finding: a folder of its own, or one more time for one that is there. A smaller sequence that shows
    /// as surely takes the place of a larger one, and one that shows again that of one that was seen once.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn keep(&mut self, finding: Finding) -> io::Result<Kept> {
        let finding = finding.redacted(&self.redactor);
        let (kept, finding) = match self.findings.remove(&finding.id) {
            None => (Kept::New, finding),
            Some(mut known) => {
                let surer = u64::from(finding.shown) * u64::from(known.tried.max(1))
                    >= u64::from(known.shown) * u64::from(finding.tried.max(1));
                let (times, met) = (known.times.saturating_add(1), known.met);
                let is_confirmed = known.was_seen_once() && !finding.was_seen_once();
                if is_confirmed || surer && weight(&finding) < weight(&known) {
                    known = finding;
                }
                (Kept::Again, Finding { times, met, ..known })
            }
        };
        let folder = self.folder_of(&finding.id);
        fs::create_dir_all(&folder)?;
        let json = serde_json::to_string_pretty(&finding).map_err(io::Error::other)?;
        replace(&folder.join("finding.md"), &page::markdown(&finding, &self.folder))?;
        // Last: a folder without it is not read as a finding.
        replace(&folder.join(FILE), &(json + "\n"))?;
        self.findings.insert(finding.id.clone(), finding);
        Ok(kept)
    }

    /// Everything that is there, by id.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.values()
    }

    /// The finding of this id.
    pub fn find(&self, id: &str) -> Option<&Finding> {
        self.findings.get(id)
    }

    /// The folder of a finding.
    pub fn folder_of(&self, id: &str) -> PathBuf {
        self.folder.join(id)
    }
}

/// Reads a finding: from its file, or from the folder it is in.
///
/// # Errors
///
/// There is none, or it is none of a format that is known.
pub fn load(path: &Path) -> Result<Finding, LoadError> {
    let file = if path.is_dir() { path.join(FILE) } else { path.to_owned() };
    let length = fs::metadata(&file).map_err(|error| at(&file, error))?.len();
    if length > LARGEST {
        return Err(at(&file, format!("{length} bytes are more than a finding has ({LARGEST})")));
    }
    let text = fs::read_to_string(&file).map_err(|error| at(&file, error))?;
    read(&text).map_err(|reason| at(&file, reason))
}

/// Reads what a path holds: one finding, or a folder with a folder for each, by their names.
///
/// # Errors
///
/// The folder cannot be read, or one of the findings is none.
pub fn load_all(path: &Path) -> Result<Vec<(PathBuf, Finding)>, LoadError> {
    if !path.is_dir() || path.join(FILE).is_file() {
        return Ok(vec![(path.to_owned(), load(path)?)]);
    }
    let mut folders = Vec::new();
    for entry in fs::read_dir(path).map_err(|error| at(path, error))? {
        let folder = entry.map_err(|error| at(path, error))?.path();
        if folder.join(FILE).is_file() {
            folders.push(folder);
        }
        if folders.len() > MOST {
            return Err(at(path, format!("there are more than {MOST} findings")));
        }
    }
    folders.sort();
    folders.into_iter().map(|folder| load(&folder).map(|finding| (folder, finding))).collect()
}

fn read(text: &str) -> Result<Finding, String> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let place = |error: serde_json::Error| error.to_string();
    let Format { format } = serde_json::from_str(text).map_err(place)?;
    if format != Finding::FORMAT {
        return Err(format!("format {format} is not known; this version reads format {}", Finding::FORMAT));
    }
    let finding: Finding = serde_json::from_str(text).map_err(place)?;
    if finding.sequence.format != crate::Sequence::FORMAT {
        return Err(format!(
            "format {} of the sequence is not known; this version reads format {}",
            finding.sequence.format,
            crate::Sequence::FORMAT
        ));
    }
    if !is_id(&finding.id) {
        return Err(format!("{:?} is no id: small letters, digits and hyphens", finding.id));
    }
    if finding.sequence.acts.len() > MOST_ACTS {
        return Err(format!("{} acts are more than a finding has ({MOST_ACTS})", finding.sequence.acts.len()));
    }
    Ok(finding)
}

fn weight(finding: &Finding) -> (usize, usize) {
    let bytes = finding.sequence.acts.iter().filter_map(|act| act.text()).map(crate::act::Text::len).sum();
    (finding.sequence.acts.len(), bytes)
}

/// Writes a file as a whole, or not at all.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    fs::write(&beside, text)?;
    fs::rename(&beside, path)
}

fn at(path: &Path, reason: impl ToString) -> LoadError {
    LoadError { path: path.to_owned(), reason: reason.to_string() }
}
