//! `plugfest fmt`

use std::path::{Path, PathBuf};

use verdict::{Diagnostic, ExitCode};

use crate::args::Fmt;
use crate::catalogue;
use crate::failure::Failure;

pub(crate) fn run(args: &Fmt) -> Result<ExitCode, Failure> {
    let here = [PathBuf::from(".")];
    let paths: &[PathBuf] = if args.path.is_empty() { &here } else { &args.path };
    let mut broken: Vec<Diagnostic> = Vec::new();
    let mut differing = 0;
    for path in paths {
        for file in catalogue::yaml_files(path)? {
            let source = catalogue::read(&file)?;
            // In a folder there may be other YAML; what is named is meant.
            if path.is_dir() && script::read(&source).is_err() {
                continue;
            }
            match script::format(&source) {
                Err(mistakes) => broken.extend(mistakes),
                Ok(text) if text == source.text => {}
                Ok(text) => {
                    differing += 1;
                    if args.check {
                        anstream::println!("{} is not formatted", file.display());
                    } else {
                        write(&file, &text)?;
                        anstream::println!("formatted {}", file.display());
                    }
                }
            }
        }
    }
    if !broken.is_empty() {
        return Err(Failure::diagnosed(ExitCode::InvalidFile, broken));
    }
    Ok(if args.check && differing > 0 { ExitCode::InvalidFile } else { ExitCode::Conforming })
}

/// Writes a file so that it is never half there.
fn write(file: &Path, text: &str) -> Result<(), Failure> {
    let cannot = |error: std::io::Error| Failure::usage(format!("{}: {error}", file.display()));
    let beside = file.with_extension("yaml.new");
    std::fs::write(&beside, text).map_err(cannot)?;
    std::fs::rename(&beside, file).map_err(cannot)
}
