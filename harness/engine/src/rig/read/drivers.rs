//! `drivers:` and `restart:` of a rig file.

use protocol::Role;
use protocol::stimulus::{OBSERVATIONS, VERBS, observation, verb};
use verdict::Span;

use super::{Reader, nearest};
use crate::drivers::provides;
use crate::rig::{Binding, Bindings, BodyTemplate, Bound, Endpoint, Exec, Field, Http, TextTemplate};
use script::yaml::{Node, NodeKind};

/// The kinds of binding that are written as maps.
const KINDS: [&str; 6] = ["plugfest", "octt sut", "tzi trigger", "http", "exec", "prompt"];
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

impl Reader<'_> {
    pub(super) fn drivers(&mut self, node: &Node) -> Bindings {
        let mut bindings = Bindings::default();
        let NodeKind::Map(members) = &node.kind else {
            self.fail(node.span, "drivers are a map from stimuli to bindings", "expected `default: …`");
            return bindings;
        };
        for (key, node) in members {
            if key.text == "default" {
                bindings.default = self.binding(node, None);
                continue;
            }
            self.verb(key.span, &key.text);
            if let Some(bound) = self.binding(node, Some(&key.text)) {
                bindings.by_verb.insert(key.text.clone(), bound);
            }
        }
        bindings
    }

    fn verb(&mut self, span: Span, name: &str) {
        let is_call = name.strip_prefix("send ").is_some_and(|action| action.starts_with(char::is_uppercase));
        let known = [Role::Station, Role::Csms]
            .into_iter()
            .any(|party| verb(party, name).is_some() || observation(party, name).is_some());
        if is_call || known || name.starts_with("x-") {
            return;
        }
        let mut words = vec!["default"];
        words.extend(VERBS.iter().chain(OBSERVATIONS).map(|verb| verb.name));
        let title = format!("\"{name}\" is not a stimulus");
        let help = match nearest(name, &words) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "a private one begins with `x-`".to_owned(),
        };
        self.fail_with_help(span, title, "not known", help);
    }

    /// A binding; `own` is the stimulus it is for, if it is for one.
    pub(super) fn binding(&mut self, node: &Node, own: Option<&str>) -> Option<Bound> {
        if let NodeKind::Scalar { text, .. } = &node.kind {
            return match text.as_str() {
                "prompt" => Some(Bound::plain(Binding::Prompt(None))),
                "none" => Some(Bound::plain(Binding::None)),
                _ => {
                    let help = "write prompt, none, { http: … }, { exec: […] }, { plugfest: URL }, \
                                { octt sut: URL } or { tzi trigger: URL }";
                    self.fail_with_help(node.span, "this is not a binding", "not known", help);
                    None
                }
            };
        }
        let mut keys = KINDS.to_vec();
        keys.extend(["cannot carry", "timeout"]);
        let members = self.members(node, "a binding", &keys)?;
        let kinds: Vec<_> = KINDS.iter().filter_map(|kind| Some((*kind, *members.get(kind)?))).collect();
        let [(kind, inner)] = kinds.as_slice() else {
            let title = match kinds.len() {
                0 => "this binding does not say what it is",
                _ => "this binding is two things at once",
            };
            self.fail(node.span, title, format!("expected one of {}", KINDS.join(", ")));
            return None;
        };
        let binding = match *kind {
            "plugfest" => Binding::Plugfest(self.endpoint(inner, own)?),
            "octt sut" => Binding::OcttSut(self.endpoint(inner, own)?),
            "tzi trigger" => Binding::TziTrigger(self.endpoint(inner, own)?),
            "http" => Binding::Http(Box::new(self.http(inner, own)?)),
            "exec" => {
                let command: Option<Vec<_>> =
                    inner.one_or_many().iter().map(|word| self.template(word, own, false)).collect();
                let command = command?;
                if command.is_empty() {
                    self.fail(inner.span, "the command is empty", "expected a program");
                    return None;
                }
                Binding::Exec(Exec { command })
            }
            _ => Binding::Prompt(Some(self.template(inner, own, false)?)),
        };
        let mut bound = Bound::plain(binding);
        if let Some(list) = members.get("cannot carry") {
            for item in list.one_or_many() {
                let text = self.text(item)?;
                match Field::parse(&text) {
                    Some(field) => bound.cannot_carry.push(field),
                    None => self.fail(
                        item.span,
                        format!("\"{text}\" is not a field"),
                        "expected `Action.field`, or the name of an argument",
                    ),
                }
            }
        }
        bound.timeout = match members.get("timeout") {
            Some(node) => Some(self.time(node)?),
            None => None,
        };
        Some(bound)
    }

    fn endpoint(&mut self, node: &Node, own: Option<&str>) -> Option<Endpoint> {
        if matches!(node.kind, NodeKind::Scalar { .. }) {
            let url = self.control_url(node)?;
            return Some(Endpoint::at(&url));
        }
        let members = self.members(node, "a control endpoint", &["url", "paths", "headers"])?;
        let url = self.required(node, &members, "url")?;
        let mut endpoint = Endpoint::at(&self.control_url(url)?);
        if let Some(paths) = members.get("paths") {
            let NodeKind::Map(paths) = &paths.kind else {
                self.fail(paths.span, "paths are a map from stimuli to paths", "expected a map");
                return None;
            };
            for (key, node) in paths {
                self.verb(key.span, &key.text);
                let template = self.template(node, Some(&key.text), false)?;
                endpoint.paths.insert(key.text.clone(), template);
            }
        }
        if let Some(headers) = members.get("headers") {
            endpoint.headers = self.headers(headers, own)?;
        }
        Some(endpoint)
    }

    fn control_url(&mut self, node: &Node) -> Option<String> {
        let url = self.text(node)?;
        self.http_url(node, &url)?;
        if let Some((user, _)) = url
            .strip_prefix("http://")
            .and_then(|rest| rest.split('/').next())
            .and_then(|authority| authority.rsplit_once('@'))
        {
            let password = user.split_once(':').map_or(user, |(_, password)| password);
            self.environment.hide("url password", password);
        }
        Some(url)
    }

    fn http_url(&mut self, node: &Node, url: &str) -> Option<()> {
        if url.starts_with("https://") {
            let help = "use an exec binding with a client of your own, such as curl";
            self.fail_with_help(node.span, "https is not spoken to control interfaces", "here", help);
            return None;
        }
        if !url.starts_with("http://") || url.len() == "http://".len() {
            self.fail(node.span, "this is not the URL of a control interface", "expected http://HOST…");
            return None;
        }
        Some(())
    }

    fn http(&mut self, node: &Node, own: Option<&str>) -> Option<Http> {
        let keys = ["method", "url", "headers", "body", "expect"];
        let members = self.members(node, "http", &keys)?;
        let url_node = self.required(node, &members, "url")?;
        if let Some(text) = url_node.scalar()
            && !text.starts_with("${")
        {
            self.http_url(url_node, text)?;
        }
        let url = self.template(url_node, own, false)?;
        let method = match members.get("method") {
            Some(node) => {
                let method = self.text(node)?;
                if !METHODS.contains(&method.as_str()) {
                    let expected = format!("expected one of {}", METHODS.join(", "));
                    self.fail(node.span, format!("\"{method}\" is not a method"), expected);
                    return None;
                }
                method
            }
            None => "POST".to_owned(),
        };
        let headers = match members.get("headers") {
            Some(headers) => self.headers(headers, own)?,
            None => Vec::new(),
        };
        let body = match members.get("body") {
            Some(body) => Some(self.body(body, own)?),
            None => None,
        };
        let mut expect = Vec::new();
        for item in members.get("expect").map_or(&[][..], |node| node.one_or_many()) {
            let text = self.text(item)?;
            match text.parse::<u16>() {
                Ok(status @ 100..=599) => expect.push(status),
                _ => self.fail(item.span, format!("\"{text}\" is not a status code"), "expected a number such as 200"),
            }
        }
        Some(Http { method, url, headers, body, expect })
    }

    fn headers(&mut self, node: &Node, own: Option<&str>) -> Option<Vec<(String, TextTemplate)>> {
        let NodeKind::Map(members) = &node.kind else {
            self.fail(node.span, "headers are a map", "expected `Name: value`");
            return None;
        };
        let mut headers = Vec::new();
        for (key, node) in members {
            if hyper::header::HeaderName::from_bytes(key.text.as_bytes()).is_err() {
                let title = format!("\"{}\" is not the name of a header", key.text);
                self.fail(key.span, title, "here");
                continue;
            }
            let name = key.text.to_ascii_lowercase();
            let is_secret = ["authorization", "cookie", "key", "token", "secret", "password"]
                .iter()
                .any(|word| name.contains(word));
            if is_secret && let Some(literal) = node.scalar().filter(|text| !text.contains("${")) {
                let value = literal.rsplit(' ').next().unwrap_or(literal);
                self.environment.hide(&key.text, value);
            }
            headers.push((key.text.clone(), self.template(node, own, is_secret)?));
        }
        Some(headers)
    }

    fn body(&mut self, node: &Node, own: Option<&str>) -> Option<BodyTemplate> {
        Some(match &node.kind {
            NodeKind::Scalar { text, .. } => match node.literal() {
                Some(value) => BodyTemplate::Literal(value),
                None if text.is_empty() => BodyTemplate::Literal(text.as_str().into()),
                None => BodyTemplate::Text(self.template(node, own, false)?),
            },
            NodeKind::List(items) => {
                BodyTemplate::List(items.iter().map(|item| self.body(item, own)).collect::<Option<_>>()?)
            }
            NodeKind::Map(members) => BodyTemplate::Object(
                members
                    .iter()
                    .map(|(key, value)| Some((key.text.clone(), self.body(value, own)?)))
                    .collect::<Option<_>>()?,
            ),
        })
    }

    fn template(&mut self, node: &Node, own: Option<&str>, secret: bool) -> Option<TextTemplate> {
        let Some(text) = node.scalar() else {
            let what = node.what();
            self.fail(node.span, format!("a text is wanted, and this is {what}"), "expected a text");
            return None;
        };
        let environment = &mut self.environment;
        let mut variable = |name: &str| environment.value(name, secret);
        let template = match TextTemplate::parse(text, &mut variable) {
            Ok(template) => template,
            Err((why, place)) => {
                self.fail_in(node, place, why);
                return None;
            }
        };
        let strangers: Vec<String> = template
            .names()
            .filter(|path| path.first().is_some_and(|root| !is_provided(own, root)))
            .map(|path| path.join("."))
            .collect();
        for name in strangers {
            let wanted = format!("${{{name}}}");
            let at = text.find(&wanted).unwrap_or(0);
            let span = node.part(self.source, at..at + wanted.len());
            let title = match own {
                Some(own) => format!("\"{own}\" has no argument {name}"),
                None => format!("no stimulus has an argument {name}"),
            };
            let known = arguments(own);
            let root = name.split('.').next().unwrap_or_default();
            let help = match nearest(root, &known) {
                Some(near) => format!("did you mean ${{{near}}}? Names of the environment are in capital letters"),
                None => format!("known are {}; names of the environment are in capital letters", known.join(", ")),
            };
            self.fail_with_help(span, title, "not known", help);
        }
        Some(template)
    }
}

/// Whether a stimulus (any, where a binding serves all) answers for a name.
fn is_provided(own: Option<&str>, root: &str) -> bool {
    match own {
        Some(own) => {
            let name = if own.starts_with("send ") { "send" } else { own };
            [Role::Station, Role::Csms].into_iter().any(|party| provides(party, name, root))
        }
        None => VERBS.iter().chain(OBSERVATIONS).any(|verb| provides(verb.party, verb.name, root)),
    }
}

fn arguments(own: Option<&str>) -> Vec<&'static str> {
    let mut names = vec!["station", "party", "ocpp", "verb", "with"];
    let own = own.map(|own| if own.starts_with("send ") { "send" } else { own });
    for verb in VERBS.iter().chain(OBSERVATIONS) {
        if own.is_none_or(|own| own == verb.name) {
            names.extend(verb.arguments.iter().map(|argument| argument.name));
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}
