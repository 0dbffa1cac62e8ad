//! What can be said about a rig without touching the device.

use std::collections::{BTreeMap, BTreeSet};

use protocol::stimulus::VERBS;
use protocol::{Role, Version, capabilities};
use verdict::{Diagnostic, Severity};

use super::{Binding, Rig};
use crate::drivers::{Can, Drivers};

/// The names of tags that cases of the catalogue ask for.
const USUAL_TAGS: [&str; 5] = ["valid", "blocked", "expired", "invalid", "unknown"];

/// The longest token in 1.6 (`IdToken` is a CiString20) and in 2.x.
const LONGEST_TAG_16: usize = 20;
const LONGEST_TAG_2: usize = 36;
/// The longest identity in 2.x, and what is still sensible in 1.6, which states no length.
const LONGEST_IDENTITY_2: usize = 48;
const LONGEST_IDENTITY_16: usize = 255;

impl Rig {
    /// Everything about this rig that will or may stand in the way, the worst first.
    pub fn problems(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        self.link_problems(&mut found);
        self.identity_problems(&mut found);
        self.password_problems(&mut found);
        self.tag_problems(&mut found);
        self.capability_problems(&mut found);
        self.driver_problems(&mut found);
        found.sort_by_key(|diagnostic| std::cmp::Reverse(diagnostic.severity));
        found
    }

    fn link_problems(&self, found: &mut Vec<Diagnostic>) {
        match self.device {
            None => found.push(
                error("rig-device", "the rig does not say which side the device is")
                    .help("add `device: csms` or `device: station`"),
            ),
            Some(Role::Csms) => match &self.url {
                None => found.push(
                    error("rig-url", "the device is a CSMS, but the rig has no url")
                        .help("add `url: ws://HOST:PORT/PATH`, or give --url"),
                ),
                Some(url) => {
                    if let Err(why) = link_url(url) {
                        found.push(error("rig-url", why));
                    }
                }
            },
            Some(Role::Station) if self.listen.is_none() => found.push(
                error("rig-listen", "the device is a station, but the rig has no address to wait at")
                    .help("add `listen: 127.0.0.1:9000`, or give --listen"),
            ),
            Some(Role::Station) => {}
        }
        if let Some(listen) = &self.listen
            && listen_address(listen).is_none()
        {
            found.push(error("rig-listen", format!("\"{listen}\" is not an address with a port")));
        }
        if self.versions.is_empty() {
            found.push(warning("rig-version", "the rig names no version of OCPP").help("add `ocpp: [\"1.6\"]`"));
        }
        if self.connectors.is_empty() {
            found.push(error("rig-connectors", "the rig has no connector"));
        }
    }

    fn identity_problems(&self, found: &mut Vec<Diagnostic>) {
        if self.identities.is_empty() && self.device == Some(Role::Csms) {
            found.push(
                error("rig-identity", "there is no identity to connect with")
                    .help("add `identities: [NAME]`, or give --identity"),
            );
        }
        let mut seen = BTreeSet::new();
        let is_2x = self.versions.iter().any(|version| *version != Version::V16);
        for identity in &self.identities {
            let limit = if is_2x { LONGEST_IDENTITY_2 } else { LONGEST_IDENTITY_16 };
            if let Err(why) = identity_text(identity, limit) {
                found.push(error("rig-identity", why));
            } else if self.password.is_some() && identity.contains(':') {
                found.push(error(
                    "rig-identity",
                    format!("the identity \"{identity}\" has a colon, which ends the user of Basic authentication"),
                ));
            } else if let Some(odd) = identity.chars().find(|c| is_2x && !is_identifier(*c)) {
                found.push(
                    warning(
                        "rig-identity",
                        format!("the identity \"{identity}\" contains {odd:?}, which 2.x does not allow"),
                    )
                    .note("R-073"),
                );
            }
            if !seen.insert(identity.to_lowercase()) {
                found.push(warning("rig-identity", format!("the identity \"{identity}\" stands twice")));
            }
        }
    }

    fn password_problems(&self, found: &mut Vec<Diagnostic>) {
        let Some(password) = &self.password else {
            return;
        };
        let length = password.expose().chars().count();
        if length == 0 {
            found.push(warning("rig-password", "the password is empty"));
        } else if !(16..=64).contains(&length) {
            found.push(
                warning(
                    "rig-password",
                    format!("the password has {length} characters; a station's has at least 16 and at most 64"),
                )
                .note("R-206, R-207"),
            );
        }
    }

    fn tag_problems(&self, found: &mut Vec<Diagnostic>) {
        let has_16 = self.versions.contains(&Version::V16);
        let limit = if has_16 { LONGEST_TAG_16 } else { LONGEST_TAG_2 };
        let mut owners: BTreeMap<String, &str> = BTreeMap::new();
        for (name, token) in &self.tags {
            let length = token.id_token.chars().count();
            let group = token.group.as_deref().unwrap_or("");
            if length == 0 {
                found.push(error("rig-tag", format!("the tag {name} is empty")));
            }
            for (what, text) in [("tag", token.id_token.as_str()), ("group of the tag", group)] {
                let length = text.chars().count();
                if length > limit {
                    let version = if has_16 { "1.6" } else { "2.x" };
                    found.push(error(
                        "rig-tag",
                        format!("the {what} {name} has {length} characters; {version} allows {limit}"),
                    ));
                }
            }
            if let Some(other) = owners.insert(token.id_token.to_lowercase(), name) {
                found.push(
                    warning("rig-tag", format!("the tags {other} and {name} are the same token"))
                        .note("tokens are compared without case"),
                );
            }
        }
        for name in USUAL_TAGS {
            if !self.tags.contains_key(name) {
                found.push(warning(
                    "rig-tag",
                    format!("there is no tag \"{name}\"; cases that ask for it cannot be played"),
                ));
            }
        }
    }

    /// A capability that no case asks for is one that is misspelt.
    fn capability_problems(&self, found: &mut Vec<Diagnostic>) {
        for name in self.capabilities.names().filter(|name| capabilities::capability(name).is_none()) {
            let problem = warning("rig-capability", format!("no case asks for the capability \"{name}\""));
            found.push(match capabilities::suggest(name) {
                Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                None => problem,
            });
        }
    }

    fn driver_problems(&self, found: &mut Vec<Diagnostic>) {
        let Some(device) = self.device else {
            return;
        };
        for verb in self.drivers.by_verb.keys() {
            let name = verb.split_once(' ').map_or(
                verb.as_str(),
                |(first, _)| {
                    if first == "send" { "send" } else { verb.as_str() }
                },
            );
            let other = device.other();
            if protocol::stimulus::verb(device, name).is_none()
                && protocol::stimulus::observation(device, name).is_none()
                && (protocol::stimulus::verb(other, name).is_some()
                    || protocol::stimulus::observation(other, name).is_some())
            {
                found.push(warning(
                    "rig-driver",
                    format!("\"{name}\" is done to a {other}, and the device is a {device}"),
                ));
            }
        }
        let unbound = self.unbound();
        if !unbound.is_empty() {
            found.push(
                Diagnostic::new(Severity::Note, "rig-driver", format!("{} stimuli have no driver", unbound.len()))
                    .note(unbound.join(", "))
                    .help(
                        "without an operator, cases that need one of them end Inconclusive; `none` declares a \
                     stimulus impossible",
                    ),
            );
        }
    }

    /// The verbs for the device, in the versions of the rig, that nothing is bound to, a person not counted.
    pub fn unbound(&self) -> Vec<&'static str> {
        let Some(device) = self.device else {
            return Vec::new();
        };
        let version = self.versions.first().copied().unwrap_or(Version::V16);
        let newest = self.versions.iter().max();
        let drivers = Drivers::from_rig(self, version, None);
        VERBS
            .iter()
            .filter(|verb| verb.party == device && (self.versions.is_empty() || newest >= Some(&verb.since)))
            .filter(|verb| drivers.can(device, verb.name) == Can::No)
            .filter(|verb| !self.is_prompt(verb.name))
            .map(|verb| verb.name)
            .collect()
    }

    fn is_prompt(&self, verb: &str) -> bool {
        self.drivers
            .by_verb
            .get(verb)
            .or(self.drivers.default.as_ref())
            .is_some_and(|bound| matches!(bound.binding, Binding::Prompt(_)))
    }
}

/// Whether this can be the base URL of a CSMS.
pub(super) fn link_url(url: &str) -> Result<(), String> {
    let rest = url
        .strip_prefix("ws://")
        .or_else(|| url.strip_prefix("wss://"))
        .ok_or_else(|| "the url of a CSMS begins with ws:// or wss://".to_owned())?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let host = authority.rsplit('@').next().unwrap_or("");
    if host.is_empty() || host.starts_with(':') {
        return Err("the url names no host".to_owned());
    }
    if authority.contains('@') {
        return Err("credentials do not belong into the url; use `password`".to_owned());
    }
    if rest.contains(['?', '#']) {
        return Err("the identity is appended to the url, so it has no query and no fragment".to_owned());
    }
    if url.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("the url contains a space or a control character".to_owned());
    }
    Ok(())
}

/// The parts of `HOST:PORT`.
pub(super) fn listen_address(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let bare = host.strip_prefix('[').map_or(Some(host), |inner| inner.strip_suffix(']'))?;
    if host.contains(':') && !host.starts_with('[') || bare.contains(['/', ' ']) {
        return None;
    }
    port.parse().ok().map(|port| (bare, port))
}

/// Whether an identity can be used in a connection URL.
fn identity_text(identity: &str, limit: usize) -> Result<(), String> {
    if identity.is_empty() {
        return Err("an identity is empty".to_owned());
    }
    let length = identity.chars().count();
    if length > limit {
        return Err(format!(
            "the identity \"{}…\" has {length} characters; {limit} are allowed",
            identity.chars().take(16).collect::<String>()
        ));
    }
    if let Some(bad) = identity.chars().find(|c| c.is_control()) {
        return Err(format!("the identity {identity:?} contains {bad:?}"));
    }
    Ok(())
}

/// The characters of an identifierString.
fn is_identifier(c: char) -> bool {
    c.is_ascii_alphanumeric() || "*-_=:+|@.".contains(c)
}

fn error(code: &str, title: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code, title)
}

fn warning(code: &str, title: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Severity::Warning, code, title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::{Bindings, Capabilities, Secret, Token};

    fn titles(rig: &Rig) -> Vec<String> {
        rig.problems().into_iter().map(|found| found.title).collect()
    }

    fn good() -> Rig {
        let mut rig = Rig::default_for(Some(Role::Csms)).for_version(Version::V16);
        rig.url = Some("ws://127.0.0.1:9000/ocpp".to_owned());
        rig.drivers = Bindings::all(Binding::None);
        rig
    }

    #[test]
    fn a_complete_rig_has_no_problems() {
        assert_eq!(titles(&good()), Vec::<String>::new());
    }

    #[test]
    fn a_tag_too_long_for_1_6_is_an_error_and_in_2_0_1_it_is_none() {
        let mut rig = good();
        rig.tags.insert("valid".to_owned(), Token::new("A-TAG-OF-21-CHARACTER"));
        assert_eq!(titles(&rig), ["the tag valid has 21 characters; 1.6 allows 20"]);
        assert_eq!(titles(&rig.for_version(Version::V201)), Vec::<String>::new());
    }

    #[test]
    fn a_misspelt_capability_is_told() {
        let mut rig = good();
        rig.capabilities = Capabilities::listed(["Core", "FixedCabel"]);
        let problems = rig.problems();
        assert_eq!(problems[0].title, "no case asks for the capability \"FixedCabel\"");
        assert_eq!(problems[0].help.as_deref(), Some("did you mean `FixedCable`?"));
    }

    #[test]
    fn what_is_missing_or_impossible_is_told() {
        let mut rig = good();
        rig.url = Some("http://127.0.0.1/".to_owned());
        rig.identities = vec!["PF:1".to_owned(), "P\n".to_owned(), "a".repeat(256)];
        rig.tags.remove("expired");
        rig.tags.insert("valid2".to_owned(), Token::new("tag-valid"));
        rig.password = Some(Secret::new("PW", "short-canary"));
        let all = format!("{:?}", rig.problems());
        for wanted in [
            "begins with ws://",
            "has a colon",
            "contains '\\\\n'",
            "256 characters",
            "no tag \\\"expired\\\"",
            "the tags valid and valid2 are the same token",
            "12 characters",
        ] {
            assert!(all.contains(wanted), "{wanted} in {all}");
        }
        assert!(!all.contains("short-canary"));
    }

    #[test]
    fn a_url_has_a_host_and_nothing_behind_its_path() {
        for right in ["ws://h", "wss://h:1/a/b/", "ws://[::1]:9000/x"] {
            assert_eq!(link_url(right), Ok(()), "{right}");
        }
        for wrong in ["ws://", "ws://:80/", "ws://h/?a", "ws://u:p@h/", "ws://h/a b"] {
            assert!(link_url(wrong).is_err(), "{wrong}");
        }
        assert_eq!(listen_address("[::1]:9000"), Some(("::1", 9000)));
        assert_eq!(listen_address("0.0.0.0:9000"), Some(("0.0.0.0", 9000)));
        for wrong in ["9000", "h:", "h:99999", "::1:9000"] {
            assert_eq!(listen_address(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn stimuli_without_a_driver_are_listed() {
        let mut rig = good();
        rig.drivers = Bindings::default();
        assert!(rig.unbound().contains(&"send"));
        rig.drivers = Bindings::all(Binding::Prompt(None));
        assert_eq!(rig.unbound(), Vec::<&str>::new());
    }

    #[test]
    fn what_no_version_of_the_rig_has_needs_no_driver() {
        let rig = |version| Rig {
            drivers: Bindings::default(),
            versions: vec![version],
            ..Rig::default_for(Some(Role::Station))
        };
        assert!(rig(Version::V16).unbound().contains(&"plug in"));
        assert!(!rig(Version::V16).unbound().contains(&"set quantity"));
        assert!(rig(Version::V201).unbound().contains(&"set quantity"));
        assert!(!rig(Version::V201).unbound().contains(&"insert battery"));
        assert!(rig(Version::V21).unbound().contains(&"insert battery"));
    }
}
