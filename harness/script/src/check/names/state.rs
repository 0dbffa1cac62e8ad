//! What is bound and known at a place.

use std::collections::{BTreeMap, BTreeSet};

use super::super::tree::Key;

#[derive(Clone, Default)]
pub(super) struct State {
    /// What is bound, and whether on every path.
    pub(super) names: BTreeMap<Key, bool>,
    /// Given names that the device was told. What is bound crossed the wire and is known.
    pub(super) known: BTreeSet<Key>,
    /// Things of the rig that the device was told.
    pub(super) told: BTreeSet<String>,
    /// What is bound if all these conditions hold.
    pub(super) under: Vec<(BTreeSet<String>, Key)>,
}

impl State {
    /// What holds whichever of the two ways was taken. The device may know what it was told on one of them.
    pub(super) fn either(mut self, other: &State) -> State {
        for (key, always) in &mut self.names {
            *always &= other.names.get(key).is_some_and(|always| *always);
        }
        for key in other.names.keys() {
            self.names.entry(key.clone()).or_insert(false);
        }
        self.with_told(other)
    }

    /// What holds after both.
    pub(super) fn both(mut self, other: &State) -> State {
        for (key, always) in &other.names {
            *self.names.entry(key.clone()).or_insert(false) |= always;
        }
        self.with_told(other)
    }

    fn with_told(mut self, other: &State) -> State {
        self.known.extend(other.known.iter().cloned());
        self.told.extend(other.told.iter().cloned());
        self.under.extend(other.under.iter().cloned());
        self
    }

    pub(super) fn is_bound(&self, key: &Key) -> bool {
        self.names.get(key).is_some_and(|always| *always)
    }
}
