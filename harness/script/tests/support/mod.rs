//! The catalogue as it stands in the repository, and golden files.

#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use script::Library;
use script::ast::Document;
use verdict::{Diagnostic, Source};

/// Rewrites golden files instead of comparing with them: `UPDATE_GOLDENS=1 cargo test`.
pub fn updates() -> bool {
    std::env::var_os("UPDATE_GOLDENS").is_some()
}

/// The folder of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A file of the repository under the path that people know it by.
pub fn source(path: &Path) -> Arc<Source> {
    let text = std::fs::read_to_string(path).unwrap();
    let path = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
    Arc::new(Source { path, text })
}

/// All files below a folder with this ending, sorted.
pub fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Every file of the catalogue that holds a case or a part.
pub fn catalogue_files() -> Vec<PathBuf> {
    ["1.6", "2.0.1", "2.1", "wire", "states"]
        .iter()
        .flat_map(|folder| files(&format!("testcases/{folder}"), "yaml"))
        .collect()
}

/// All of these files that can be read.
pub fn library(files: &[PathBuf]) -> Library {
    let mut library = Library::default();
    for file in files {
        match read(&source(file)) {
            Ok(document) => library.add(document),
            Err(mistakes) => panic!("{}", rendered(&mistakes)),
        }
    }
    let found = library.link();
    assert!(found.is_empty(), "{}", rendered(&found));
    library
}

pub fn read(source: &Arc<Source>) -> Result<Document, Vec<Diagnostic>> {
    script::read(source)
}

/// Diagnostics as people see them.
pub fn rendered(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|diagnostic| diagnostic.render(false)).collect::<Vec<_>>().join("\n")
}

/// Compares a text with a golden file; says which file does not fit.
pub fn compare(golden: &Path, text: &str, wrong: &mut Vec<String>) {
    if updates() {
        if std::fs::read_to_string(golden).ok().as_deref() != Some(text) {
            std::fs::write(golden, text).unwrap();
        }
        return;
    }
    let expected = std::fs::read_to_string(golden).unwrap_or_default();
    if expected != text {
        wrong.push(format!("{}\n--- expected\n{expected}\n--- actual\n{text}", golden.display()));
    }
}
