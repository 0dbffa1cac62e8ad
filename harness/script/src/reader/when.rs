//! Conditions, and what a device must have.

use protocol::{Version, capabilities, configuration};
use verdict::Span;

use super::mistake::did_you_mean;
use super::pattern::words;
use super::{Mistake, Reader, Want, names};
use crate::ast::{Capability, Requires, Spanned, When};
use crate::yaml::{Key, Node, NodeKind};

impl Reader<'_> {
    /// `CAP`, `not CAP`, or a map from names to patterns.
    pub(super) fn when(&mut self, node: &Node) -> Vec<When> {
        let mut conditions = Vec::new();
        match &node.kind {
            NodeKind::Scalar { .. } => conditions.extend(self.capability(node).map(When::Capability)),
            NodeKind::List(items) => {
                for item in items {
                    conditions.append(&mut self.when(item));
                }
            }
            NodeKind::Map(members) => {
                for (key, value) in members {
                    conditions.extend(self.condition(key, value));
                }
            }
        }
        conditions
    }

    fn condition(&mut self, key: &Key, value: &Node) -> Option<When> {
        if key.text == "version" {
            return self.version_pattern(value).map(When::Version);
        }
        if let Some(name) = key.text.strip_prefix("config.") {
            self.configuration(name, key.span);
            let name = Spanned { value: name.to_owned(), span: key.span };
            return self.pattern(value, &Want::Text).map(|pattern| When::Config(name, pattern));
        }
        let reference = names::reference(&key.text).and_then(|name| match name.plus {
            None => Ok(name),
            Some(_) => Err("nothing can be added here".to_owned()),
        });
        let name = self.named(key.span, reference)?;
        let want = match self.wants.get(&name.root) {
            Some(want) if name.parts.is_empty() => want.clone(),
            _ => Want::Free,
        };
        let pattern = self.pattern(value, &want)?;
        Some(When::Name(Spanned { value: name, span: key.span }, pattern))
    }

    /// The versions that a condition leaves.
    fn version_pattern(&mut self, node: &Node) -> Option<Vec<Spanned<Version>>> {
        if let Some(not) = node.member("$not") {
            let not: Vec<Version> = self.version_pattern(not)?.into_iter().map(|version| version.value).collect();
            let others = Version::ALL.into_iter().filter(|version| !not.contains(version));
            return Some(others.map(|value| Spanned { value, span: node.span }).collect());
        }
        let versions = self.versions(node.member("$oneOf").unwrap_or(node));
        (!versions.is_empty()).then_some(versions)
    }

    /// A version or a list of them.
    pub(super) fn versions(&mut self, node: &Node) -> Vec<Spanned<Version>> {
        let mut versions: Vec<Spanned<Version>> = Vec::new();
        for item in node.one_or_many() {
            let Some(text) = self.text(item, "the version") else { continue };
            match text.parse::<Version>() {
                Ok(value) if versions.iter().any(|version| version.value == value) => {
                    self.say(Mistake::UnknownVersion, item.span, format!("{value} stands twice"), "again here");
                }
                Ok(value) => versions.push(Spanned { value, span: item.span }),
                Err(_) => {
                    let known = Version::ALL.map(Version::number);
                    self.stranger(Mistake::UnknownVersion, item.span, text, "a version of OCPP", known);
                }
            }
        }
        versions
    }

    /// What is read inside is for the versions that these conditions leave.
    pub(super) fn narrowed<T>(&mut self, when: &[When], read: impl FnOnce(&mut Self) -> T) -> T {
        let all = self.versions.clone();
        for condition in when {
            if let When::Version(versions) = condition {
                self.versions.retain(|version| versions.iter().any(|left| left.value == *version));
            }
        }
        let result = read(self);
        self.versions = all;
        result
    }

    /// `CAP` or `not CAP`.
    pub(super) fn capability(&mut self, node: &Node) -> Option<Spanned<Capability>> {
        let text = self.text(node, "the capability")?;
        let (negated, name) = match text.strip_prefix("not ") {
            Some(name) => (true, name.trim()),
            None => (false, text),
        };
        if capabilities::capability(name).is_none() {
            let known = capabilities::CAPABILITIES.iter().map(|capability| capability.name);
            self.stranger(Mistake::UnknownCapability, node.span, name, "a capability", known);
            return None;
        }
        Some(Spanned { value: Capability { name: name.to_owned(), negated }, span: node.span })
    }

    /// A list for both sides, or one for each.
    pub(super) fn requires(&mut self, node: &Node) -> Requires {
        let mut list = |node: &Node| -> Vec<Spanned<Capability>> {
            node.one_or_many().iter().filter_map(|item| self.capability(item)).collect()
        };
        if node.members().is_none() {
            let both = list(node);
            return Requires { station: both.clone(), csms: both };
        }
        let station = node.member("station").map(&mut list).unwrap_or_default();
        let csms = node.member("csms").map(&mut list).unwrap_or_default();
        self.has_keys(node, "`requires`", &["station", "csms"]);
        Requires { station, csms }
    }

    /// Tells a configuration key that a version does not have: a key of 1.6; a short name, or
    /// `Component.Variable[instance]`, of 2.x.
    pub(super) fn configuration(&mut self, name: &str, span: Span) {
        let lacks = |version: &Version| match version {
            Version::V16 => configuration::key(name).is_none(),
            // A short name of one 2.x version is a variable of the other, too, even where no rule of it uses the name.
            Version::V201 | Version::V21 => {
                let is_short = [Version::V201, Version::V21]
                    .into_iter()
                    .any(|version| configuration::variable(version, name).is_some());
                !is_short && !is_variable_path(name)
            }
        };
        let lacking: Vec<Version> = self.versions.iter().copied().filter(lacks).collect();
        if let Some(version) = lacking.first() {
            let title = format!("\"{name}\" is not a configuration name of {}", words(&lacking));
            let help = did_you_mean(configuration::suggest(*version, name));
            self.say(Mistake::UnknownConfiguration, span, title, "not known").help = help;
        }
    }
}

/// `Component.Variable` or `Component.Variable[instance]`.
fn is_variable_path(name: &str) -> bool {
    let (path, instance) = match name.split_once('[') {
        Some((path, rest)) => (path, rest.strip_suffix(']')),
        None => (name, Some("")),
    };
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric());
    instance.is_some()
        && path.split_once('.').is_some_and(|(component, variable)| is_word(component) && is_word(variable))
}
