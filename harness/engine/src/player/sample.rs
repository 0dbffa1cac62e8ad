//! A player for tests of its parts.

use std::sync::Arc;

use protocol::{Role, Timestamp, Version};
use script::Library;
use verdict::Source;

use super::{Command, Input, Player, Session};
use crate::program::{self, Cover, Outside};
use crate::rig::Rig;

/// A player of a case of 1.6 that begins with nothing, towards a station whose rig can do everything.
pub(super) fn playing(now: Timestamp, steps: &str) -> Player {
    playing_against(Role::Station, now, steps)
}

/// The same towards a device of this side.
pub(super) fn playing_against(device: Role, now: Timestamp, steps: &str) -> Player {
    let head = "case: sample\ntitle: Sample\nversions: [\"1.6\"]\ntraces: [R-070]\nbegin: nothing\nsteps:\n";
    let source = Arc::new(Source { path: "case.yaml".to_owned(), text: format!("{head}{steps}") });
    let (library, found) = Library::load([source]);
    assert!(found.is_empty(), "{found:?}");
    let rig = Rig::default_for(Some(device)).for_version(Version::V16);
    let outside = Outside {
        library: &library,
        rig: &rig,
        can: &|_, _| true,
        cannot_carry: &|_| Vec::new(),
        cover: Cover::Each,
        both_sides: false,
    };
    let program = program::compile(&library.cases()[0], device, Version::V16, 0, &outside).unwrap();
    let session = Session::new(device, Version::V16, "PF-1", &rig, "sample", 1);
    Player::new(now, program, Arc::new(rig), session, 1, false)
}

/// The same towards a CSMS that has just let our station in.
pub(super) fn connected_to_csms(now: Timestamp, steps: &str) -> Player {
    connected_since(now, Role::Csms, now, steps)
}

/// The same towards a station that has just come, a while after it was begun to be waited for.
pub(super) fn connected_to_station(now: Timestamp, steps: &str) -> Player {
    let begun = Timestamp(now.0 - 60_000_000);
    connected_since(begun, Role::Station, now, steps)
}

fn connected_since(begun: Timestamp, device: Role, now: Timestamp, steps: &str) -> Player {
    let mut player = playing_against(device, begun, &format!("  - station connects:\n{steps}"));
    player.handle(now, Input::Tick);
    player.handle(now, opened());
    player
}

/// A link comes about.
pub(super) fn opened() -> Input {
    let subprotocol = Some("ocpp1.6".to_owned());
    Input::Opened { identity: "PF-1".to_owned(), offered: vec!["ocpp1.6".to_owned()], subprotocol }
}

/// The last text that the player sends.
pub(super) fn sent(player: &mut Player) -> String {
    let mut texts = player.commands().into_iter().filter_map(|command| match command {
        Command::Send(text) => Some(text),
        _ => None,
    });
    texts.next_back().unwrap()
}
