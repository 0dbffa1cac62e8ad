//! What the vendor of a device says is implemented.

use std::collections::BTreeMap;

/// What a rig says about one capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The device has it.
    Claimed,
    /// The device lacks it.
    Denied,
    /// Nobody said.
    Unknown,
}

/// The vendor's statement.
///
/// A list claims what it names and denies everything else. A map says yes or no for what it names and nothing
/// about the rest. Without a statement nothing is known. What is unknown is presumed to be there, so that a
/// device is not spared by silence, except for the equipment of [`EXCLUSIVE`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    said: BTreeMap<String, bool>,
    closed: bool,
    /// What the device itself says, where its vendor says nothing.
    assumed: BTreeMap<String, bool>,
}

/// Equipment that excludes its opposite, which is what most devices have; presumed absent where nothing is said.
pub const EXCLUSIVE: [&str; 2] = ["BackupPower", "FixedCable"];

impl Capabilities {
    /// A complete list: everything else is denied.
    pub fn listed(names: impl IntoIterator<Item = impl Into<String>>) -> Capabilities {
        Capabilities {
            said: names.into_iter().map(|name| (name.into(), true)).collect(),
            closed: true,
            assumed: BTreeMap::new(),
        }
    }

    /// Yes and no by name; the rest stays unknown.
    pub fn stated(names: impl IntoIterator<Item = (impl Into<String>, bool)>) -> Capabilities {
        Capabilities {
            said: names.into_iter().map(|(name, has)| (name.into(), has)).collect(),
            closed: false,
            assumed: BTreeMap::new(),
        }
    }

    /// What is said about a capability: by the vendor, else by the device itself.
    pub fn claim(&self, name: &str) -> Claim {
        match self.said.get(name).or_else(|| self.assumed_of(name)) {
            Some(true) => Claim::Claimed,
            Some(false) => Claim::Denied,
            None if self.closed => Claim::Denied,
            None => Claim::Unknown,
        }
    }

    /// Takes in what the device says of itself; what the vendor states wins.
    #[must_use]
    pub fn assuming(mut self, told: &BTreeMap<String, bool>) -> Capabilities {
        self.assumed = told.clone();
        self
    }

    /// Whether it says something about everything.
    pub(super) fn is_complete(&self) -> bool {
        self.closed
    }

    fn assumed_of(&self, name: &str) -> Option<&bool> {
        if self.closed { None } else { self.assumed.get(name) }
    }

    /// Whether the device is taken to have it: what is said, else the presumption.
    pub fn has(&self, name: &str) -> bool {
        match self.claim(name) {
            Claim::Claimed => true,
            Claim::Denied => false,
            Claim::Unknown => !EXCLUSIVE.contains(&name),
        }
    }

    /// Why a case that requires this capability (or, negated, its absence) does not apply; `None` if it does.
    pub fn objection(&self, name: &str, negated: bool) -> Option<String> {
        if self.has(name) != negated {
            return None;
        }
        if !self.said.contains_key(name)
            && let Some(has) = self.assumed_of(name)
        {
            let word = if *has { "has" } else { "lacks" };
            return Some(format!("the station says that it {word} {name}"));
        }
        Some(match (self.claim(name), negated) {
            (Claim::Unknown, false) => format!("the rig does not claim {name}"),
            (Claim::Unknown, true) => {
                format!("the rig does not deny {name}; without a word it is presumed")
            }
            (_, false) => format!("the rig denies {name}"),
            (_, true) => format!("the rig claims {name}"),
        })
    }

    pub(super) fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "said": self.said, "closed": self.closed, "assumed": self.assumed })
    }

    pub(super) fn from_json(value: &serde_json::Value) -> Capabilities {
        let words = |key: &str| {
            let words = value.get(key).and_then(serde_json::Value::as_object).into_iter().flatten();
            words.filter_map(|(name, has)| Some((name.clone(), has.as_bool()?))).collect()
        };
        Capabilities {
            said: words("said"),
            assumed: words("assumed"),
            closed: value.get("closed").and_then(serde_json::Value::as_bool).unwrap_or(false),
        }
    }

    /// The names that are spoken of.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.said.keys().map(String::as_str)
    }

    /// Whether anything is said at all.
    pub fn is_silent(&self) -> bool {
        self.said.is_empty() && !self.closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_denies_what_it_does_not_name() {
        let list = Capabilities::listed(["Core"]);
        assert_eq!(list.claim("Core"), Claim::Claimed);
        assert_eq!(list.claim("Reservation"), Claim::Denied);
        assert_eq!(list.objection("Reservation", false).as_deref(), Some("the rig denies Reservation"));
        assert_eq!(list.objection("Reservation", true), None);
    }

    #[test]
    fn a_map_leaves_open_what_it_does_not_name() {
        let map = Capabilities::stated([("Core", true), ("Reservation", false)]);
        assert_eq!(map.claim("Reservation"), Claim::Denied);
        assert_eq!(map.claim("RemoteTrigger"), Claim::Unknown);
        assert!(map.has("RemoteTrigger"));
    }

    #[test]
    fn what_the_device_says_fills_in_what_the_vendor_leaves_open() {
        let told: BTreeMap<String, bool> = [("Reservation", false), ("RemoteTrigger", false)]
            .into_iter()
            .map(|(name, has)| (name.to_owned(), has))
            .collect();
        let map = Capabilities::stated([("RemoteTrigger", true)]).assuming(&told);
        assert_eq!(map.claim("RemoteTrigger"), Claim::Claimed);
        assert_eq!(map.objection("Reservation", false).as_deref(), Some("the station says that it lacks Reservation"));
        assert_eq!(Capabilities::from_json(&map.to_json()), map);
        let list = Capabilities::listed(["Reservation"]).assuming(&told);
        assert_eq!(list.objection("Reservation", false), None);
        assert_eq!(list.objection("RemoteTrigger", false).as_deref(), Some("the rig denies RemoteTrigger"));
    }

    #[test]
    fn silence_presumes_everything_but_exclusive_equipment() {
        let silence = Capabilities::default();
        assert!(silence.is_silent());
        assert_eq!(silence.objection("Core", false), None);
        assert_eq!(silence.objection("FixedCable", true), None);
        assert!(silence.objection("FixedCable", false).is_some());
        assert!(silence.objection("Core", true).is_some());
    }
}
