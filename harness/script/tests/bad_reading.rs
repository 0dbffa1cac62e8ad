//! Every mistake that reading and linking can find is shown by a file in `testcases/bad`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use script::Library;
use script::reader::Mistake;
use verdict::{Diagnostic, Source};

fn bad() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testcases/bad")
}

/// What is said about a bad file when it is read, else when it is linked with the parts of the catalogue.
fn mistakes(path: &Path) -> Vec<Diagnostic> {
    let name = path.file_name().unwrap().to_str().unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    let source = Arc::new(Source { path: format!("testcases/bad/{name}"), text });
    let parts = testcases::sources().into_iter().filter(|source| source.path.starts_with("testcases/states/"));
    let (_, mut found) = Library::load(parts.chain([source.clone()]));
    found.retain(|diagnostic| diagnostic.excerpts.first().is_some_and(|excerpt| excerpt.path == source.path));
    found
}

#[test]
fn every_mistake_of_reading_has_a_bad_file() {
    let mut files: Vec<PathBuf> = std::fs::read_dir(bad()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    files.sort();
    let mut wrong = Vec::new();
    let mut codes = BTreeSet::new();
    for path in files {
        let found = mistakes(&path);
        if found.is_empty() {
            wrong.push(format!("{}: nothing is found wrong", path.display()));
            continue;
        }
        codes.extend(found.iter().map(|diagnostic| diagnostic.code.clone()));
        let text: Vec<String> = found.iter().map(|diagnostic| diagnostic.render(false)).collect();
        let text = text.join("\n");
        let golden = path.with_extension("txt");
        if std::env::var_os("UPDATE_GOLDENS").is_some() {
            std::fs::write(&golden, &text).unwrap();
        } else if std::fs::read_to_string(&golden).unwrap_or_default() != text {
            wrong.push(format!("{}\n--- actual\n{text}", golden.display()));
        }
    }
    assert!(wrong.is_empty(), "UPDATE_GOLDENS=1 rewrites these:\n\n{}", wrong.join("\n\n"));
    for mistake in Mistake::ALL {
        assert!(codes.contains(mistake.code()), "no file in testcases/bad shows {}", mistake.code());
    }
}
