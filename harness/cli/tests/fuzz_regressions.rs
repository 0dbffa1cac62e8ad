//! What fuzzing has found stays found: every file in `fuzz/regressions/TARGET` is put before its target again, without a
//! fuzzer.

#[path = "../../../fuzz/src/targets.rs"]
#[allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::expect_used,
    reason = "it is the library of another workspace"
)]
mod targets;

use std::fs;
use std::path::Path;

use protocol::generate::Seeded;
use streams::mutator::Dialect;

#[test]
fn what_fuzzing_has_found_stays_found() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/regressions");
    for kind in fs::read_dir(folder).unwrap() {
        let kind = kind.unwrap().path();
        if !kind.is_dir() {
            continue;
        }
        let name = kind.file_name().unwrap().to_string_lossy().into_owned();
        let known = targets::TARGETS.iter().find(|(known, _)| *known == name);
        let (_, target) = known.unwrap_or_else(|| panic!("{name} is no target"));
        for input in fs::read_dir(&kind).unwrap() {
            let input = input.unwrap().path();
            println!("{}", input.display());
            target(&fs::read(&input).unwrap());
        }
    }
}

#[test]
fn every_target_takes_nothing_and_anything() {
    for (name, target) in targets::TARGETS {
        println!("{name}");
        target(b"");
        target(b"[2,\"1\",\"Heartbeat\",{}]\n!wait 30\n");
    }
}

/// What libFuzzer does where it can be built, without being guided: some mutants of mutants, the same every time.
#[test]
fn every_target_takes_what_the_mutator_makes() {
    let dialect = Dialect { version: None, sender: None, steps: true };
    for (name, target) in targets::TARGETS {
        println!("{name}");
        for first in 0..10 {
            let mut input =
                b"[2,\"1\",\"Heartbeat\",{}]\n!wait 30\n[3,\"$id\",{\"status\":\"Accepted\"}]\n!plug in\n".to_vec();
            for round in 0..30 {
                input = dialect.mutate(&input, 4096, &mut Seeded::new(first * 1000 + round));
                target(&input);
            }
        }
    }
}

#[test]
fn every_target_has_its_program() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    for (name, _) in targets::TARGETS {
        let program = fs::read_to_string(folder.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("plugfest_fuzz::{name}(data)")), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
    let programs = fs::read_dir(folder.join("fuzz_targets")).unwrap().count();
    assert_eq!(programs, targets::TARGETS.len());
}
