//! Walks through the model get around: so many of them meet every state, and the moves in it, of either side.
#![allow(clippy::unwrap_used, reason = "code of tests")]

use protocol::generate::Seeded;
use protocol::{Role, Version};
use streams::coverage::{Coverage, Share};
use streams::generate::{Allowed, Generator, Layer};
use streams::model::Means;
use streams::play::{Generated, play};
use streams::target::{How, Target};

/// So many walks.
const WALKS: u64 = 40;
/// Of so many acts each.
const LENGTH: usize = 60;

fn check(device: Role, version: Version) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let mut target = Target::embedded(device, version, Vec::new());
    let allowed = Allowed::default();
    let mut coverage = Coverage::default();
    for walk in 0..WALKS {
        let number = walk * 4 + 1;
        let generator = Generator::for_episode(&[Layer::L4, Layer::L5], number, LENGTH);
        let mut source = Generated::new(generator, Seeded::new(number), LENGTH);
        let how = How::default();
        let outcome = runtime.block_on(play(&mut target, &mut source, &allowed, how));
        coverage.merge(&outcome.coverage);
        let red = outcome.suspicions.iter().find(|suspicion| suspicion.class.is_red() && !suspicion.nominated);
        assert!(red.is_none(), "walk {walk}: {red:#?}");
    }
    let drivable = target.drivable();
    let universe = Means { lacks: coverage.lacks(), ..target.means(&allowed, &drivable) }.universe();
    let (shares, missing) = (coverage.shares(&universe), coverage.missing(&universe).join("\n"));
    let is_at_least = |share: Share, percent: usize| share.met * 100 >= share.of * percent;
    assert!(is_at_least(shares.states, 100), "{}:\n{missing}", shares.states);
    assert!(is_at_least(shares.legal, 95), "{}:\n{missing}", shares.legal);
    assert!(is_at_least(shares.illegal, 90), "{}:\n{missing}", shares.illegal);
    assert!(universe.states.len() >= 10 && shares.legal.of > 100 && shares.illegal.of > 50, "{shares:?}");
}

#[test]
fn a_csms_16_is_met_in_every_state() {
    check(Role::Csms, Version::V16);
}

#[test]
fn a_csms_201_is_met_in_every_state() {
    check(Role::Csms, Version::V201);
}

#[test]
fn a_station_16_is_met_in_every_state() {
    check(Role::Station, Version::V16);
}

#[test]
fn a_station_201_is_met_in_every_state() {
    check(Role::Station, Version::V201);
}
