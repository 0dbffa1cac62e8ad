//! What a device says of itself before a run, where its vendor says nothing.

use std::collections::BTreeMap;

use protocol::Version;

use super::{Connector, Rig};

/// What was learnt of a device by asking it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assumed {
    /// Capabilities that it says it has, or lacks.
    pub capabilities: BTreeMap<String, bool>,
    /// How many connectors it says it has.
    pub connectors: Option<i64>,
    /// It was asked and says of none; one it has in any case.
    pub hides_connectors: bool,
    /// Ready-made tags that a CSMS does not know as what they are, by name, and why they cannot be relied on.
    pub doubtful_tags: BTreeMap<String, String>,
}

/// More connectors than this are no use to any case.
const MOST_CONNECTORS: i64 = 64;

impl Rig {
    /// The rig with what the device says of itself; what the rig states wins.
    #[must_use]
    pub fn assuming(mut self, version: Version, told: &Assumed) -> Rig {
        self.capabilities = self.capabilities.assuming(&told.capabilities);
        if let Some(count) = told.connectors.or(told.hides_connectors.then_some(1))
            && !self.states_connectors
            && count > 0
        {
            self.counted = Some(count.min(MOST_CONNECTORS));
            self.connectors = Connector::numbered(version, count.min(MOST_CONNECTORS));
        }
        let doubts = told.doubtful_tags.iter().filter(|(name, _)| !self.stated_tags.contains(*name));
        self.doubtful_tags = doubts.map(|(name, why)| (name.clone(), why.clone())).collect();
        self
    }
}

impl Rig {
    /// Whether nothing that the device could say of itself would count.
    pub(crate) fn is_complete(&self) -> bool {
        self.states_connectors && self.capabilities.is_complete()
    }
}

impl Assumed {
    /// What is told of it in a report; nothing if nothing was learnt.
    pub fn sentence(&self) -> Option<String> {
        let named = |has: bool| {
            let names: Vec<&str> =
                self.capabilities.iter().filter(|(_, word)| **word == has).map(|(name, _)| name.as_str()).collect();
            names.join(", ")
        };
        let mut parts = Vec::new();
        match self.connectors {
            Some(1) => parts.push("1 connector".to_owned()),
            Some(count) => parts.push(format!("{count} connectors")),
            None => {}
        }
        if !named(true).is_empty() {
            parts.push(named(true));
        }
        let lacks = named(false);
        if parts.is_empty() && lacks.is_empty() {
            return None;
        }
        let has = if parts.is_empty() { String::new() } else { format!("it has {}", parts.join(", ")) };
        let but = if lacks.is_empty() { String::new() } else { format!("it lacks {lacks}") };
        let both: Vec<String> = [has, but].into_iter().filter(|part| !part.is_empty()).collect();
        Some(format!("the station says that {}", both.join("; that ")))
    }
}
