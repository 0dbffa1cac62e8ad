//! The cases and parts of this program, and private ones beside them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use script::Library;
use script::ast::Document;
use verdict::{Diagnostic, ExitCode, Source};

use crate::failure::Failure;

/// The longest case file.
const LONGEST: u64 = 1024 * 1024;

/// Reads the embedded catalogue and private folders.
pub(crate) fn load(private: &[PathBuf]) -> Result<Library, Failure> {
    let mut sources = testcases::sources();
    let own = sources.len();
    for folder in private {
        let files = yaml_files(folder)?;
        if files.is_empty() {
            return Err(Failure::new(
                ExitCode::InvalidFile,
                format!("{}: no case files (*.yaml) there", folder.display()),
            ));
        }
        for file in files {
            sources.push(read(&file)?);
        }
    }
    let added: HashSet<String> = sources[own..].iter().map(|source| source.path.clone()).collect();
    let (library, diagnostics) = read_and_check(sources, &added);
    if diagnostics.is_empty() { Ok(library) } else { Err(Failure::diagnosed(ExitCode::InvalidFile, diagnostics)) }
}

/// What is wrong with these case files, beside the embedded catalogue.
pub(crate) fn check(files: Vec<Arc<Source>>) -> Vec<Diagnostic> {
    let added: HashSet<String> = files.iter().map(|source| source.path.clone()).collect();
    // A file of the catalogue that is checked where it stands replaces the embedded one.
    let is_same = |embedded: &Arc<Source>| {
        files.iter().any(|file| file.text == embedded.text || file.path.ends_with(&embedded.path))
    };
    let embedded: Vec<Arc<Source>> = testcases::sources().into_iter().filter(|source| !is_same(source)).collect();
    read_and_check(embedded.into_iter().chain(files).collect(), &added).1
}

/// Reads files and checks those that were added; what is embedded was checked when this program was built. What cannot be
/// read, or uses what cannot, is told so and no more; a name that stands twice hides nothing.
fn read_and_check(sources: Vec<Arc<Source>>, added: &HashSet<String>) -> (Library, Vec<Diagnostic>) {
    let (library, mut diagnostics) = Library::load(sources);
    let flawed = |found: &&Diagnostic| found.code != script::reader::Mistake::DuplicateId.code();
    let unread: HashSet<String> = diagnostics
        .iter()
        .filter(flawed)
        .flat_map(|found| found.excerpts.iter().map(|excerpt| excerpt.path.clone()))
        .collect();
    let cases = library.cases().iter().map(|case| (&case.source, Document::Case(case.clone())));
    let parts = library.parts().iter().map(|part| (&part.source, Document::Part(part.clone())));
    for (source, document) in cases.chain(parts) {
        if added.contains(&source.path) && !unread.contains(&source.path) {
            diagnostics.extend(script::check_document(&library, &document));
        }
    }
    (library, diagnostics)
}

/// The case files under a path, in order; a file is itself.
pub(crate) fn yaml_files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let cannot = |path: &Path, error: &std::io::Error| {
        Failure::new(ExitCode::InvalidFile, format!("{}: {error}", path.display()))
    };
    let meta = std::fs::metadata(path).map_err(|error| cannot(path, &error))?;
    if !meta.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|error| cannot(&folder, &error))? {
            let entry = entry.map_err(|error| cannot(&folder, &error))?;
            let kind = entry.file_type().map_err(|error| cannot(&entry.path(), &error))?;
            let path = entry.path();
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if kind.is_dir() && !hidden {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") && !hidden {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Reads a text file of ours: bounded, UTF-8.
pub(crate) fn read(path: &Path) -> Result<Arc<Source>, Failure> {
    let cannot = |what: String| Failure::new(ExitCode::InvalidFile, format!("{}: {what}", path.display()));
    let length = std::fs::metadata(path).map_err(|error| cannot(error.to_string()))?.len();
    if length > LONGEST {
        return Err(cannot(format!("{length} bytes long; at most {LONGEST} are read")));
    }
    let bytes = std::fs::read(path).map_err(|error| cannot(error.to_string()))?;
    let text = String::from_utf8(bytes)
        .map_err(|error| cannot(format!("not UTF-8: byte {} is not valid", error.utf8_error().valid_up_to())))?;
    Ok(Arc::new(Source { path: path.display().to_string(), text }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_stands_twice_and_a_file_that_cannot_be_read_hide_nothing() {
        let file = |path: &str, text: String| Arc::new(Source { path: path.to_owned(), text });
        let case = |path: &str, id: &str, rule: &str| {
            let head = format!("case: {id}\ntitle: One\nversions: [\"1.6\"]\ntraces: [16-HB-02]\n");
            file(path, format!("{head}steps:\n  - station -> csms: Heartbeat\n    rule: {rule}\n"))
        };
        let codes = |found: Vec<Diagnostic>| found.into_iter().map(|found| found.code).collect::<Vec<_>>();
        let untraced = case("c.yaml", "two", "16-BOOT-14");
        assert_eq!(codes(check(vec![untraced.clone()])), ["rule-untraced"]);
        let found = codes(check(vec![
            case("a.yaml", "one", "16-HB-02"),
            case("b.yaml", "one", "16-HB-02"),
            untraced,
            file("d.yaml", "case: [".to_owned()),
        ]));
        assert!(["duplicate-id", "rule-untraced"].iter().all(|code| found.iter().any(|it| it == code)), "{found:?}");
    }
}
