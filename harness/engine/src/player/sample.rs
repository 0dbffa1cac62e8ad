//! A player for tests of its parts.

use std::sync::Arc;

use protocol::{Role, Timestamp, Version};
use script::Library;
use verdict::Source;

use super::{Player, Session};
use crate::program::{self, Cover, Outside};
use crate::rig::Rig;

/// A player of a case of 1.6 that begins with nothing, towards a station whose rig can do everything.
pub(super) fn playing(now: Timestamp, steps: &str) -> Player {
    let head = "case: sample\ntitle: Sample\nversions: [\"1.6\"]\ntraces: [R-070]\nbegin: nothing\nsteps:\n";
    let source = Arc::new(Source { path: "case.yaml".to_owned(), text: format!("{head}{steps}") });
    let (library, found) = Library::load([source]);
    assert!(found.is_empty(), "{found:?}");
    let rig = Rig::default_for(Some(Role::Station)).for_version(Version::V16);
    let outside = Outside {
        library: &library,
        rig: &rig,
        can: &|_, _| true,
        cannot_carry: &|_| Vec::new(),
        cover: Cover::Each,
        both_sides: false,
    };
    let program = program::compile(&library.cases()[0], Role::Station, Version::V16, 0, &outside).unwrap();
    let session = Session::new(Role::Station, Version::V16, "PF-1", &rig, "sample", 1);
    Player::new(now, program, Arc::new(rig), session, 1, false)
}
