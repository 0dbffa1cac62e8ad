//! `plugfest check`: what can be told of files before anything runs.

use std::path::PathBuf;
use std::sync::Arc;

use engine::rig::Rig;
use engine::selfplay;
use script::Library;
use script::yaml::{self, NodeKind};
use verdict::{Diagnostic, ExitCode, Severity, Source};

use crate::args::Check;
use crate::catalogue;
use crate::failure::Failure;

pub(crate) fn run(args: &Check, colour: bool) -> Result<ExitCode, Failure> {
    let (files, found) = if args.path.is_empty() { catalogue_of_this_program() } else { these(&args.path)? };
    for diagnostic in &found {
        anstream::println!("{}", diagnostic.render(colour));
    }
    let errors = found.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    match (errors, found.len()) {
        (0, 0) => anstream::println!("{files} {}, nothing wrong", if files == 1 { "file" } else { "files" }),
        (errors, all) => anstream::println!("{files} files, {errors} errors, {} warnings", all - errors),
    }
    Ok(if errors == 0 { ExitCode::Conforming } else { ExitCode::InvalidFile })
}

/// The embedded catalogue, with every plan of every case played by ourselves on both sides.
fn catalogue_of_this_program() -> (usize, Vec<Diagnostic>) {
    let sources = testcases::sources();
    let files = sources.len();
    let (library, mut found) = Library::load(sources);
    if found.is_empty() {
        found.extend(script::check(&library));
    }
    if found.is_empty() {
        found.extend(selfplay::all(&Arc::new(library), 1).into_iter().flat_map(|failure| failure.diagnostics()));
    }
    (files, found)
}

/// Case and rig files; cases see the parts of the embedded catalogue.
fn these(paths: &[PathBuf]) -> Result<(usize, Vec<Diagnostic>), Failure> {
    let mut files = 0;
    let mut found = Vec::new();
    let mut cases = Vec::new();
    for path in paths {
        for file in catalogue::yaml_files(path)? {
            files += 1;
            let source = catalogue::read(&file)?;
            match kind(&source) {
                Kind::Rig => match Rig::read(&source, &|name| std::env::var(name).ok()) {
                    Ok(rig) => found.extend(rig.problems()),
                    Err(mistakes) => found.extend(mistakes),
                },
                Kind::Expectations => found.extend(crate::expect::check(&source)),
                Kind::Case => cases.push(source),
            }
        }
    }
    found.extend(catalogue::check(cases));
    Ok((files, found))
}

enum Kind {
    Case,
    Rig,
    Expectations,
}

/// What a file is, by the keys at its top.
fn kind(source: &Arc<Source>) -> Kind {
    let root = yaml::parse(source, &mut Vec::new());
    let Some(NodeKind::Map(members)) = root.map(|root| root.kind) else { return Kind::Case };
    let has = |name: &str| members.iter().any(|(key, _)| key.text == name);
    if has("expected") {
        Kind::Expectations
    } else if ["case", "state", "memory", "phrase", "steps", "procedure"].into_iter().any(has) {
        // A case may have `device`, too.
        Kind::Case
    } else if ["device", "url", "listen", "drivers", "tags", "identities"].into_iter().any(has) {
        Kind::Rig
    } else {
        Kind::Case
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_procedure_for_one_side_is_a_case_and_no_rig() {
        let of = |text: &str| kind(&Arc::new(Source { path: "file.yaml".into(), text: text.into() }));
        assert!(matches!(of("case: one\ntitle: One\ndevice: csms\nprocedure: link closed\n"), Kind::Case));
        assert!(matches!(of("device: csms\nurl: ws://127.0.0.1/\n"), Kind::Rig));
    }
}
