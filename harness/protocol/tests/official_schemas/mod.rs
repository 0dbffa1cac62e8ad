//! Finds the official schema files: they are not part of this repository.
//!
//! `OCPP_SCHEMAS` names a folder with `1.6/`, `2.0.1/` and `2.1/` and files like `AuthorizeRequest.json`; else
//! `OCPP_PYTHON_PACKAGE` names an installed Python package `ocpp`; else a virtual environment `.venv` at the root
//! of the workspace is looked into.

#![expect(clippy::panic, reason = "a test without its files must say so")]

use std::path::{Path, PathBuf};

use protocol::Version;
use protocol::catalogue::{Catalogue, Kind};
use serde_json::Value;

/// An official schema file and what it describes.
pub(crate) struct SchemaFile {
    pub(crate) version: Version,
    pub(crate) action: String,
    /// `Request` or `Response`.
    pub(crate) part: &'static str,
    pub(crate) schema: Value,
}

impl SchemaFile {
    pub(crate) fn name(&self) -> String {
        format!("{} {}{}", self.version, self.action, self.part)
    }
}

/// Where the files were found.
pub(crate) enum Source {
    Official(PathBuf),
    Python(PathBuf),
}

/// The source, or `None` after saying loudly that there is none; in CI that is a failure.
pub(crate) fn find() -> Option<Source> {
    if let Some(folder) = std::env::var_os("OCPP_SCHEMAS") {
        return Some(Source::Official(PathBuf::from(folder)));
    }
    if let Some(folder) = std::env::var_os("OCPP_PYTHON_PACKAGE") {
        return Some(Source::Python(PathBuf::from(folder)));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let libraries = std::fs::read_dir(root.join(".venv/lib")).ok();
    let package = libraries
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("site-packages/ocpp"))
        .find(|path| path.is_dir());
    if let Some(package) = package {
        return Some(Source::Python(package));
    }
    eprintln!(
        "\n*** NOT COMPARED: no official schema files found. Set OCPP_SCHEMAS to a folder with them, or\n\
         *** OCPP_PYTHON_PACKAGE to an installed Python package \"ocpp\", or install it into .venv.\n"
    );
    assert!(std::env::var("CI").as_deref() != Ok("true"), "in CI the official schema files must be there");
    None
}

/// All 387 files.
pub(crate) fn load(source: &Source) -> Vec<SchemaFile> {
    let mut files = Vec::new();
    for version in Version::ALL {
        for message in Catalogue::of(version).messages() {
            let parts: &[&'static str] = match message.kind {
                Kind::Call => &["Request", "Response"],
                Kind::Send => &["Request"],
            };
            for part in parts {
                let path = path_of(source, version, &message.action, part, message.kind);
                let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                let schema = serde_json::from_str(text.trim_start_matches('\u{feff}'))
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                files.push(SchemaFile { version, action: message.action.clone(), part, schema });
            }
        }
    }
    files
}

/// The folder with the files of this version.
pub(crate) fn folder_of(source: &Source, version: Version) -> PathBuf {
    match source {
        Source::Official(folder) => folder.join(version.number()),
        Source::Python(package) => {
            let name = match version {
                Version::V16 => "v16",
                Version::V201 => "v201",
                Version::V21 => "v21",
            };
            package.join(name).join("schemas")
        }
    }
}

fn path_of(source: &Source, version: Version, action: &str, part: &str, kind: Kind) -> PathBuf {
    let is_bare =
        kind == Kind::Send || (version == Version::V16 && part == "Request" && matches!(source, Source::Python(_)));
    let part = if is_bare { "" } else { part };
    folder_of(source, version).join(format!("{action}{part}.json"))
}
