//! Reads a rig file: strict, with a place for every mistake.

mod drivers;
mod mask;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use protocol::{Role, Version};
use serde_json::{Map, Value};
use verdict::{Diagnostic, Source, Span};

use super::environment::Environment;
use super::problems::{link_url, listen_address};
use super::{Capabilities, Connector, Rig, Tls, Token, duration};
use script::yaml::{self, Node, NodeKind};

/// The keys of a rig file.
const KEYS: [&str; 14] = [
    "device",
    "ocpp",
    "url",
    "listen",
    "identities",
    "password",
    "tls",
    "capabilities",
    "connectors",
    "tags",
    "timeouts",
    "drivers",
    "restart",
    "values",
];

/// The most identities or connectors that a count may ask for.
const MOST: i64 = 100_000;

pub(super) fn read(source: &Arc<Source>, env: &dyn Fn(&str) -> Option<String>) -> Result<Rig, Vec<Diagnostic>> {
    let mut reader = Reader { source, environment: Environment::new(env), found: Vec::new() };
    let root = yaml::parse(source, &mut reader.found);
    let rig = root.and_then(|root| reader.rig(&root));
    let mut found = reader.found;
    match rig {
        Some(mut rig) if found.is_empty() => {
            rig.hidden = reader.environment.into_hidden();
            Ok(rig)
        }
        _ => {
            if found.is_empty() {
                found.push(Diagnostic::error("rig-file", "this is not a rig file"));
            }
            mask::mask(&mut found);
            Err(found)
        }
    }
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    environment: Environment<'a>,
    found: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn rig(&mut self, root: &Node) -> Option<Rig> {
        let members = self.members(root, "a rig", &KEYS)?;
        let device = members.get("device").and_then(|node| self.parsed::<Role>(node));
        let mut rig = Rig::default_for(device);
        for (key, node) in members {
            match key {
                "ocpp" => rig.versions = self.versions(node),
                "url" => rig.url = self.checked(node, link_url),
                "listen" => {
                    rig.listen = self.checked(node, |text| match listen_address(text) {
                        Some(_) => Ok(()),
                        None => Err("expected an address with a port, such as 127.0.0.1:9000".to_owned()),
                    });
                }
                "identities" => rig.identities = self.identities(node),
                "password" => rig.password = self.password(node),
                "tls" => rig.tls = self.tls(node),
                "capabilities" => rig.capabilities = self.capabilities(node),
                "connectors" => {
                    rig.states_connectors = true;
                    self.connectors(node, &mut rig);
                }
                "tags" => {
                    self.tags(node, &mut rig.tags);
                    if let NodeKind::Map(members) = &node.kind {
                        rig.stated_tags = members.iter().map(|(key, _)| key.text.clone()).collect();
                    }
                }
                "timeouts" => self.timeouts(node, &mut rig),
                "drivers" => rig.drivers = self.drivers(node),
                "restart" => rig.restart = self.binding(node, None),
                "values" => self.values(node, &mut rig.values),
                _ => {}
            }
        }
        if let Some(first) = rig.versions.first().copied()
            && let Some(count) = rig.counted
        {
            rig.connectors = Connector::numbered(first, count);
        }
        Some(rig)
    }

    fn versions(&mut self, node: &Node) -> Vec<Version> {
        let mut versions = Vec::new();
        for item in node.one_or_many() {
            if let Some(version) = self.parsed::<Version>(item) {
                if versions.contains(&version) {
                    self.fail(item.span, "this version stands twice", "again here");
                }
                versions.push(version);
            }
        }
        versions
    }

    fn identities(&mut self, node: &Node) -> Vec<String> {
        if !matches!(node.kind, NodeKind::Map(_)) {
            return node.one_or_many().iter().filter_map(|item| self.text(item)).collect();
        }
        let Some(members) = self.members(node, "identities", &["prefix", "count"]) else {
            return Vec::new();
        };
        let prefix = self.required(node, &members, "prefix");
        let prefix = prefix.and_then(|node| self.text(node));
        let count = self.required(node, &members, "count");
        let count = count.and_then(|node| self.count(node));
        match (prefix, count) {
            (Some(prefix), Some(count)) => (1..=count).map(|n| format!("{prefix}{n}")).collect(),
            _ => Vec::new(),
        }
    }

    fn password(&mut self, node: &Node) -> Option<super::Secret> {
        let NodeKind::Scalar { text, .. } = &node.kind else {
            self.fail(node.span, "the password is not a text", "expected ${NAME}");
            return None;
        };
        match self.environment.secret("password", text) {
            Ok(secret) => Some(secret),
            Err((why, place)) => {
                self.fail_in(node, place, why);
                None
            }
        }
    }

    fn tls(&mut self, node: &Node) -> Tls {
        let Some(members) = self.members(node, "tls", &["ca", "certificate", "key"]) else {
            return Tls::default();
        };
        let mut file = |name: &str| members.get(name).and_then(|node| self.text(node));
        Tls { ca: file("ca"), certificate: file("certificate"), key: file("key") }
    }

    fn capabilities(&mut self, node: &Node) -> Capabilities {
        let NodeKind::Map(members) = &node.kind else {
            let names: Vec<String> = node.one_or_many().iter().filter_map(|item| self.capability(item)).collect();
            return Capabilities::listed(names);
        };
        let mut stated = Vec::new();
        for (key, value) in members {
            match value.scalar() {
                Some("true") => stated.push((key.text.clone(), true)),
                Some("false") => stated.push((key.text.clone(), false)),
                _ => self.fail(value.span, "a capability is there or not", "expected true or false"),
            }
        }
        Capabilities::stated(stated)
    }

    fn capability(&mut self, node: &Node) -> Option<String> {
        let name = self.text(node)?;
        if let Some(rest) = name.strip_prefix("not ") {
            let help = format!("leave it out, or write `capabilities: {{ {rest}: false }}`");
            self.fail_with_help(node.span, "a list says what is there", "denied here", help);
            return None;
        }
        Some(name)
    }

    fn connectors(&mut self, node: &Node, rig: &mut Rig) {
        if matches!(node.kind, NodeKind::Scalar { .. }) {
            rig.counted = self.count(node);
            return;
        }
        let NodeKind::List(items) = &node.kind else {
            self.fail(node.span, "connectors are a number or a list", "expected a list");
            return;
        };
        if items.is_empty() {
            self.fail(node.span, "a rig has at least one connector", "none here");
        }
        rig.counted = None;
        rig.connectors.clear();
        for item in items {
            let Some(members) = self.members(item, "a connector", &["evse", "connector"]) else {
                continue;
            };
            let evse = self.required(item, &members, "evse");
            let evse = evse.and_then(|node| self.count(node));
            let connector = match members.get("connector") {
                Some(node) => self.count(node),
                None => Some(1),
            };
            if let (Some(evse), Some(connector)) = (evse, connector) {
                rig.connectors.push(Connector { evse, connector });
            }
        }
    }

    fn tags(&mut self, node: &Node, tags: &mut BTreeMap<String, Token>) {
        let NodeKind::Map(members) = &node.kind else {
            self.fail(node.span, "tags are a map from names to tokens", "expected `valid: TEXT`");
            return;
        };
        for (key, value) in members {
            if let Some(token) = self.token(value) {
                tags.insert(key.text.clone(), token);
            }
        }
    }

    fn token(&mut self, node: &Node) -> Option<Token> {
        if !matches!(node.kind, NodeKind::Map(_)) {
            return self.text(node).map(Token::new);
        }
        let members = self.members(node, "a tag", &["idToken", "type", "group"])?;
        let id_token = self.required(node, &members, "idToken");
        Some(Token {
            id_token: id_token.and_then(|node| self.text(node))?,
            kind: members.get("type").and_then(|node| self.text(node)),
            group: members.get("group").and_then(|node| self.text(node)),
        })
    }

    fn timeouts(&mut self, node: &Node, rig: &mut Rig) {
        let Some(members) = self.members(node, "timeouts", &super::Timeouts::NAMES) else {
            return;
        };
        for (name, node) in members {
            if let Some(time) = self.time(node) {
                let _ = rig.timeouts.set(name, time);
            }
        }
    }

    fn values(&mut self, node: &Node, values: &mut BTreeMap<String, Value>) {
        let NodeKind::Map(members) = &node.kind else {
            self.fail(node.span, "values are a map", "expected `name: value`");
            return;
        };
        for (key, node) in members {
            if let Some(value) = self.json(node) {
                values.insert(key.text.clone(), value);
            }
        }
    }

    /// A free value: unquoted numbers, `true`, `false` and `null` are what JSON makes of them.
    fn json(&mut self, node: &Node) -> Option<Value> {
        match &node.kind {
            NodeKind::Scalar { .. } => {
                let literal = node.literal();
                literal.or_else(|| self.text(node).map(Value::String))
            }
            NodeKind::List(items) => items.iter().map(|item| self.json(item)).collect(),
            NodeKind::Map(members) => {
                let mut object = Map::new();
                for (key, value) in members {
                    object.insert(key.text.clone(), self.json(value)?);
                }
                Some(Value::Object(object))
            }
        }
    }

    fn time(&mut self, node: &Node) -> Option<std::time::Duration> {
        let text = self.text(node)?;
        match duration(&text) {
            Ok(time) => Some(time),
            Err(why) => {
                self.fail(node.span, why, "expected a length of time");
                None
            }
        }
    }

    fn count(&mut self, node: &Node) -> Option<i64> {
        let text = self.text(node)?;
        match text.parse::<i64>() {
            Ok(number) if (1..=MOST).contains(&number) => Some(number),
            _ => {
                let expected = format!("expected a whole number from 1 to {MOST}");
                self.fail(node.span, format!("\"{text}\" is not a number here"), expected);
                None
            }
        }
    }

    fn parsed<T: std::str::FromStr<Err = String>>(&mut self, node: &Node) -> Option<T> {
        let text = self.text(node)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(why) => {
                self.fail(node.span, why, "not known");
                None
            }
        }
    }

    fn checked(&mut self, node: &Node, check: impl Fn(&str) -> Result<(), String>) -> Option<String> {
        let text = self.text(node)?;
        if let Err(why) = check(&text) {
            self.fail(node.span, why, "here");
            return None;
        }
        Some(text)
    }

    /// A text with the environment put in.
    fn text(&mut self, node: &Node) -> Option<String> {
        let NodeKind::Scalar { text, .. } = &node.kind else {
            let what = node.what();
            self.fail(node.span, format!("a text is wanted, and this is {what}"), "expected a text");
            return None;
        };
        if text.is_empty() {
            self.fail(node.span, "there is nothing here", "expected a value");
            return None;
        }
        match self.environment.fill(text, false) {
            Ok(text) => Some(text),
            Err((why, place)) => {
                self.fail_in(node, place, why);
                None
            }
        }
    }

    /// The members of a map whose keys are known; a stranger is an error.
    fn members<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        keys: &[&'static str],
    ) -> Option<BTreeMap<&'static str, &'n Node>> {
        let NodeKind::Map(members) = &node.kind else {
            let title = format!("{what} is a map");
            self.fail(node.span, title, format!("expected one of {}", keys.join(", ")));
            return None;
        };
        let mut known = BTreeMap::new();
        for (key, value) in members {
            match keys.iter().find(|known| **known == key.text) {
                Some(name) => {
                    known.insert(*name, value);
                }
                None => self.stranger(key.span, &key.text, what, keys),
            }
        }
        Some(known)
    }

    fn required<'n>(
        &mut self,
        parent: &Node,
        members: &BTreeMap<&'static str, &'n Node>,
        key: &str,
    ) -> Option<&'n Node> {
        let node = members.get(key).copied();
        if node.is_none() {
            self.fail(parent.span, format!("`{key}` is missing"), "here");
        }
        node
    }

    fn stranger(&mut self, span: Span, text: &str, what: &str, known: &[&str]) {
        let title = format!("\"{text}\" is not a key of {what}");
        let best = nearest(text, known);
        match best {
            Some(near) => {
                let help = format!("did you mean `{near}`?");
                self.fail_with_help(span, title, "not known", help);
            }
            None => {
                let help = format!("known are {}", known.join(", "));
                self.fail_with_help(span, title, "not known", help);
            }
        }
    }

    fn fail(&mut self, span: Span, title: impl Into<String>, label: impl Into<String>) {
        self.found.push(Diagnostic::error("rig-file", title).at(self.source, span, label));
    }

    fn fail_with_help(
        &mut self,
        span: Span,
        title: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.found.push(Diagnostic::error("rig-file", title).at(self.source, span, label).help(help));
    }

    /// An error about a part of a scalar, given in bytes of its value.
    fn fail_in(&mut self, node: &Node, place: Range<usize>, why: String) {
        let span = node.part(self.source, place);
        let unset = why.contains("is not set");
        let diagnostic = Diagnostic::error("rig-environment", why).at(self.source, span, "here");
        self.found.push(if unset { diagnostic.help("set it, or give a default: ${NAME:-text}") } else { diagnostic });
    }
}

/// The known word that was probably meant.
fn nearest<'a>(text: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|word| (strsim::damerau_levenshtein(&text.to_lowercase(), &word.to_lowercase()), *word))
        .filter(|(distance, word)| *distance <= 1 + word.chars().count() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests;
