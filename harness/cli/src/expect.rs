//! The list of expected failures of a run.

use std::path::Path;
use std::sync::Arc;

use script::Library;
use verdict::Expectations;

use crate::failure::Failure;

/// Reads `--expect FILE`; no file, nothing expected.
pub(crate) fn read(file: Option<&Path>, _library: &Library) -> Result<Arc<Expectations>, Failure> {
    match file {
        None => Ok(Arc::new(Expectations::default())),
        Some(_) => Err(Failure::usage("--expect is not built yet")),
    }
}
