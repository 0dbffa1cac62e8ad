//! The catalogue of cases, embedded into the binary.

use std::sync::Arc;

use include_dir::{Dir, include_dir};
use verdict::Source;

/// The folders of cases and parts.
static FOLDERS: [(&str, Dir<'static>); 5] = [
    ("1.6", include_dir!("$CARGO_MANIFEST_DIR/1.6")),
    ("2.0.1", include_dir!("$CARGO_MANIFEST_DIR/2.0.1")),
    ("2.1", include_dir!("$CARGO_MANIFEST_DIR/2.1")),
    ("wire", include_dir!("$CARGO_MANIFEST_DIR/wire")),
    ("states", include_dir!("$CARGO_MANIFEST_DIR/states")),
];

/// Every case, state, memory and phrase, by path: `testcases/1.6/core/cold-boot.yaml`.
pub fn sources() -> Vec<Arc<Source>> {
    let mut sources = Vec::new();
    for (name, folder) in &FOLDERS {
        collect(name, folder, &mut sources);
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

fn collect(name: &str, folder: &Dir<'_>, sources: &mut Vec<Arc<Source>>) {
    for file in folder.files() {
        let is_case = file.path().extension().is_some_and(|ending| ending == "yaml");
        // On every system the path is written with slashes, for it is what people see and compare.
        let inner: Vec<_> = file.path().iter().map(|part| part.to_string_lossy()).collect();
        if let (true, Some(text)) = (is_case, file.contents_utf8()) {
            let path = format!("testcases/{name}/{}", inner.join("/"));
            sources.push(Arc::new(Source { path, text: text.to_owned() }));
        }
    }
    for inner in folder.dirs() {
        collect(name, inner, sources);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_file_has_a_path_below_the_catalogue() {
        let sources = super::sources();
        assert!(sources.iter().any(|source| source.path == "testcases/states/booted.yaml"));
        assert!(sources.iter().all(|source| source.path.ends_with(".yaml") && !source.text.is_empty()));
    }
}
