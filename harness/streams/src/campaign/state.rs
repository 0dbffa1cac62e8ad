//! How far a campaign is, in a file: one that was killed goes on where it was.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use protocol::{Role, Version};
use serde::{Deserialize, Serialize};

use crate::coverage::Coverage;

/// How far a campaign is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The version of this format.
    pub format: u32,
    /// The seed of everything random.
    pub seed: u64,
    /// The number of the next episode.
    pub next_episode: u64,
    /// Acts done so far.
    pub acts: u64,
    /// What was met so far.
    #[serde(default)]
    pub coverage: Coverage,
}

/// Why a state could not be read.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file could not be read.
    #[error("{path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// What stands in it is no state.
    #[error("{path}: {reason}; remove the file to begin anew")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// A file that is longer is something else.
const LONGEST: u64 = 16 << 20;

impl State {
    /// The format that is written.
    pub const FORMAT: u32 = 1;

    /// The file of a device's side and version in this folder.
    pub fn path(folder: &Path, side: Role, version: Version) -> PathBuf {
        folder.join(format!("campaign-{}-{}.json", side.name(), version.number()))
    }

    /// The state in this file; nothing if there is no file.
    ///
    /// # Errors
    ///
    /// When there is a file that is no state of this format.
    pub fn load(path: &Path) -> Result<Option<State>, StateError> {
        let unreadable = |error| StateError::Unreadable { path: path.to_owned(), error };
        let invalid = |reason: String| StateError::Invalid { path: path.to_owned(), reason };
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
            Ok(about) if about.len() > LONGEST => return Err(invalid("it is too long for a state".to_owned())),
            Ok(_) => {}
        }
        let text = fs::read_to_string(path).map_err(unreadable)?;
        let state: State = serde_json::from_str(&text).map_err(|error| invalid(error.to_string()))?;
        if state.format != State::FORMAT {
            return Err(invalid(format!("its format is {}, and this version reads {}", state.format, State::FORMAT)));
        }
        Ok(Some(state))
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    ///
    /// When the system does not let us.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let beside = path.with_extension("json.new");
        fs::write(&beside, serde_json::to_string_pretty(self)? + "\n")?;
        fs::rename(beside, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_survives_its_file_and_anything_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = State::path(&folder.path().join("deep"), Role::Csms, Version::V16);
        assert_eq!(State::load(&path).unwrap(), None);
        let state = State { format: 1, seed: u64::MAX, next_episode: 7, acts: 420, coverage: Coverage::default() };
        state.save(&path).unwrap();
        assert_eq!(State::load(&path).unwrap(), Some(state));
        for (text, reason) in [
            ("{", "EOF"),
            (r#"{"format":2,"seed":1,"next_episode":1,"acts":1}"#, "its format is 2"),
            (r#"{"format":1,"seed":1}"#, "next_episode"),
        ] {
            fs::write(&path, text).unwrap();
            let error = State::load(&path).unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains("campaign-csms-1.6.json"), "{error}");
        }
    }
}
