//! Seeded defects: each a realistic mistake that breaks one statement of the specification.

mod csms;
mod info;
mod shared;
mod station;

use std::sync::LazyLock;

use protocol::{Role, Version};

pub use info::{FaultInfo, NoticedBy};

/// A fault to be built into a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault(&'static FaultInfo);

impl Fault {
    /// The fault with this id.
    pub fn find(id: &str) -> Option<Fault> {
        faults().iter().find(|info| info.id == id).map(Fault)
    }

    /// Every fault of a side in a version.
    pub fn of(version: Version, side: Role) -> Vec<Fault> {
        faults().iter().filter(|info| info.is_of(version) && info.side == side).map(Fault).collect()
    }

    /// What there is to know about it.
    pub fn info(self) -> &'static FaultInfo {
        self.0
    }
}

/// Every fault there is.
pub fn faults() -> &'static [FaultInfo] {
    static ALL: LazyLock<Vec<FaultInfo>> = LazyLock::new(|| {
        [station::FAULTS, shared::STATION, shared::ON_STATIONS, csms::FAULTS, shared::CSMS, shared::ON_CSMSS].concat()
    });
    &ALL
}

/// The faults of one peer, and those that have shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    active: Vec<&'static str>,
    triggered: Vec<&'static str>,
}

impl Faults {
    pub(crate) fn new(faults: &[Fault]) -> Faults {
        Faults { active: faults.iter().map(|fault| fault.info().id).collect(), triggered: Vec::new() }
    }

    /// The peer has none.
    pub(crate) fn is_none(&self) -> bool {
        self.active.is_empty()
    }

    /// Whether the peer has this fault.
    pub(crate) fn active(&self, id: &str) -> bool {
        self.active.contains(&id)
    }

    /// Whether the peer has this fault; to be asked only where that changes what it does, so that having it
    /// means that it has shown.
    pub(crate) fn hits(&mut self, id: &'static str) -> bool {
        let active = self.active(id);
        if active && !self.triggered.contains(&id) {
            self.triggered.push(id);
        }
        active
    }

    pub(crate) fn triggered(&self) -> Vec<&'static str> {
        self.triggered.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_words_and_break_a_statement_of_their_version() {
        for (at, info) in faults().iter().enumerate() {
            assert!(info.id.starts_with(&format!("{}-", info.side)), "{}", info.id);
            assert!(info.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{}", info.id);
            assert!(faults()[at + 1..].iter().all(|other| other.id != info.id), "{} is there twice", info.id);
            assert!(info.sentence.ends_with('.'), "{}", info.id);
            assert_eq!(Fault::find(info.id).map(Fault::info), Some(info));
            assert!(info.versions().next().is_some(), "{}", info.id);
            for version in info.versions() {
                let breaks = info.breaks(version).unwrap_or("");
                let broken = protocol::statements::statement(breaks);
                let binds = broken.is_some_and(|broken| broken.is_of(version) && broken.side.includes(info.side));
                assert!(binds, "{}: {version} {breaks}", info.id);
            }
            let broken: Vec<&str> = info.versions().flat_map(|version| info.all_broken(version)).collect();
            for also in info.also {
                assert!(broken.contains(also), "{}: {also} binds nobody who has it", info.id);
            }
        }
    }
}
