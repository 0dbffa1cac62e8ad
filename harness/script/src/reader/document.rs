//! Whole files: what a case, a state, a memory and a phrase say before their steps.

use protocol::catalogue::Catalogue;
use protocol::{Role, Version, official, statements};
use verdict::Span;

use super::mistake::did_you_mean;
use super::order::{CASE, PART};
use super::pattern::words;
use super::want::{CONSTANTS, constant_name, constant_words, want_of};
use super::{Mistake, Reader, Want};
use crate::Procedure;
use crate::ast::{
    Background, Begin, Case, Configure, ConstantType, Document, Given, GivenSource, Invocation, Param, Part, PartKind,
    Requires, Spanned,
};
use crate::yaml::{Key, Node, NodeKind};

const KINDS: [(&str, PartKind); 3] =
    [("state", PartKind::State), ("memory", PartKind::Memory), ("phrase", PartKind::Phrase)];

/// A text that is repeated is not made longer than this.
const LONGEST_CONSTANT: usize = 1 << 20;

impl Reader<'_> {
    pub(super) fn document(&mut self, root: &Node) -> Option<Document> {
        let members = self.map(root, "a case")?;
        let has = |name: &str| members.iter().any(|(key, _)| key.text == name);
        if has("case") {
            return self.case(root).map(|case| Document::Case(case.into()));
        }
        if let Some((name, kind)) = KINDS.into_iter().find(|(name, _)| has(name)) {
            return self.part(root, name, kind).map(|part| Document::Part(part.into()));
        }
        let (word, span) = members.first().map_or(("", root.span), |(key, _)| (key.text.as_str(), key.span));
        let kinds = ["case", "state", "memory", "phrase"];
        self.stranger(Mistake::NotACase, span, word, "the first key of a case or a part", kinds);
        None
    }

    fn case(&mut self, root: &Node) -> Option<Case> {
        self.has_keys(root, "a case", &CASE);
        let top = top_of(root);
        let id = self.required(root, top, "case").and_then(|node| self.id(node));
        let title = self.required(root, top, "title").and_then(|node| self.spanned(node, "the title"));
        let versions = self.file_versions(root, top);
        if let Some((key, parties)) = root.members()?.iter().find(|(key, _)| key.text == "parties") {
            self.not_built(key.span, "further parties");
            let names = parties.members().unwrap_or_default().iter();
            self.strangers = names.map(|(name, _)| name.text.clone()).collect();
        }
        let device = root.member("device").and_then(|node| {
            let role = self.word(node, "a side", &[("station", Role::Station), ("csms", Role::Csms)]);
            role.map(|value| Spanned { value, span: node.span })
        });
        let certifies = root.member("certifies").map(|node| self.certifies(node)).unwrap_or_default();
        let traces = root.member("traces").map(|node| self.traces(node)).unwrap_or_default();
        let requires = root.member("requires").map_or_else(Requires::default, |node| self.requires(node));
        let given = root.member("given").map(|node| self.given(node)).unwrap_or_default();
        let begin = match root.member("begin") {
            Some(node) => self.begin(node),
            None => Some(Begin::State(Invocation {
                name: Spanned { value: "booted".to_owned(), span: top },
                with: Vec::new(),
                rename: Vec::new(),
            })),
        };
        if matches!(begin, Some(Begin::Nothing)) {
            for key in ["configure", "remember"] {
                self.only_one(root, &["begin", key]);
            }
        }
        let configure = root.member("configure").map(|node| self.configure(node)).unwrap_or_default();
        let remember = root.member("remember").map(|node| self.remember(node)).unwrap_or_default();
        let background = root.member("background").and_then(|node| self.background(node));
        self.only_one(root, &["steps", "procedure"]);
        let (steps, procedure) = match root.member("procedure") {
            Some(node) => (Some(Vec::new()), self.procedure(node)),
            None => (self.required(root, top, "steps").map(|node| self.items(node, "`steps`")), None),
        };
        Some(Case {
            source: self.source.clone(),
            id: id?,
            title: title?,
            versions,
            device,
            certifies,
            traces,
            requires,
            begin: begin?,
            configure,
            remember,
            given,
            background: background.unwrap_or(Background::Default { added: Vec::new(), removed: Vec::new() }),
            steps: steps?,
            procedure,
        })
    }

    fn procedure(&mut self, node: &Node) -> Option<Spanned<Procedure>> {
        let name = self.spanned(node, "the procedure")?;
        let procedure = Procedure::find(&name.value);
        if procedure.is_none() {
            let known = Procedure::ALL.iter().map(|procedure| procedure.name());
            self.stranger(Mistake::UnknownProcedure, name.span, &name.value, "a procedure", known);
        }
        Some(Spanned { value: procedure?, span: name.span })
    }

    fn part(&mut self, root: &Node, key: &str, kind: PartKind) -> Option<Part> {
        let others = KINDS.map(|(name, _)| name);
        let mut known = vec![key];
        known.extend(PART.into_iter().filter(|name| !others.contains(name)));
        known.retain(|name| kind == PartKind::State || *name != "from");
        self.has_keys(root, &format!("a {key}"), &known);
        let top = top_of(root);
        let name = self.required(root, top, key).and_then(|node| self.spanned(node, "the name"));
        let title = self.required(root, top, "title").and_then(|node| self.spanned(node, "the title"));
        let versions = self.file_versions(root, top);
        let requires = root.member("requires").map_or_else(Requires::default, |node| self.requires(node));
        let params = root.member("params").map(|node| self.params(node)).unwrap_or_default();
        let from = root.member("from").and_then(|node| self.begin(node));
        let steps = self.required(root, top, "steps").map(|node| self.items(node, "`steps`"));
        let gives = root.member("gives").map(|node| self.texts(node, "the name")).unwrap_or_default();
        for name in &gives {
            self.check_name(&name.value, name.span);
        }
        Some(Part {
            source: self.source.clone(),
            kind,
            name: name?,
            title: title?,
            versions,
            requires,
            from,
            params,
            gives,
            steps: steps?,
        })
    }

    fn id(&mut self, node: &Node) -> Option<Spanned<String>> {
        let id = self.spanned(node, "the id")?;
        let is_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !id.value.chars().all(is_id) || id.value.starts_with('-') {
            let title = format!("\"{}\" is not an id", id.value);
            let found = self.say(Mistake::BadName, id.span, title, "expected small letters, digits and -");
            found.help = Some("an id is a few words such as `boot-pending`".to_owned());
        }
        Some(id)
    }

    fn file_versions(&mut self, root: &Node, top: Span) -> Vec<Spanned<Version>> {
        let node = self.required(root, top, "versions");
        let versions = node.map(|node| self.versions(node)).unwrap_or_default();
        if let (Some(node), true) = (node, versions.is_empty())
            && self.found.is_empty()
        {
            self.say(Mistake::UnknownVersion, node.span, "a case for no version", "expected at least one");
        }
        // Without any the file is still worth reading.
        self.versions = versions.iter().map(|version| version.value).collect();
        versions
    }

    fn certifies(&mut self, node: &Node) -> Vec<Spanned<String>> {
        let ids = self.texts(node, "the official id");
        for id in &ids {
            let versions = &self.versions;
            if !versions.is_empty() && versions.iter().all(|version| official::find(&id.value, *version).is_none()) {
                let title = format!("\"{}\" is not an official case of {}", id.value, words(&self.versions));
                let meant = self.versions.iter().find_map(|version| official::suggest(&id.value, *version));
                self.say(Mistake::UnknownOfficialId, id.span, title, "not known").help = did_you_mean(meant);
            }
        }
        ids
    }

    pub(super) fn traces(&mut self, node: &Node) -> Vec<Spanned<String>> {
        let ids = self.texts(node, "the statement");
        for id in &ids {
            match statements::statement(&id.value) {
                None => {
                    let title = format!("\"{}\" is not a statement", id.value);
                    let help = did_you_mean(statements::suggest(&id.value));
                    self.say(Mistake::UnknownStatement, id.span, title, "not known").help = help;
                }
                Some(statement)
                    if !self.versions.is_empty() && !self.versions.iter().any(|version| statement.is_of(*version)) =>
                {
                    let title = format!("{} is not a statement of {}", id.value, words(&self.versions));
                    let of = words(&statement.versions);
                    self.say(Mistake::UnknownStatement, id.span, title, format!("it is one of {of}"));
                }
                Some(_) => {}
            }
        }
        ids
    }

    /// `STATE`, `{ state: STATE, with: {…}, as: {…} }` or `nothing`.
    fn begin(&mut self, node: &Node) -> Option<Begin> {
        if node.scalar() == Some("nothing") {
            return Some(Begin::Nothing);
        }
        if node.members().is_none() {
            return self.invocation(node, node, "the state").map(Begin::State);
        }
        self.has_keys(node, "a state to begin in", &["state", "with", "as"]);
        let name = self.required(node, node.span, "state")?;
        self.invocation(name, node, "the state").map(Begin::State)
    }

    /// The use of a part: its name, with `with` and `as` beside it.
    pub(super) fn invocation(&mut self, name: &Node, beside: &Node, what: &str) -> Option<Invocation> {
        let name = self.spanned(name, what)?;
        let with = beside.member("with").map(|node| self.later_arguments(node)).unwrap_or_default();
        let mut rename = Vec::new();
        if let Some(node) = beside.member("as") {
            for (key, value) in self.map(node, "`as`").unwrap_or_default() {
                if let Some(name) = self.new_name(value, "the name") {
                    rename.push((Spanned { value: key.text.clone(), span: key.span }, name));
                }
            }
        }
        Some(Invocation { name, with, rename })
    }

    fn later_arguments(&mut self, node: &Node) -> Vec<(Spanned<String>, crate::ast::Pattern)> {
        let mut with = Vec::new();
        for (key, value) in self.map(node, "`with`").unwrap_or_default() {
            let name = Spanned { value: key.text.clone(), span: key.span };
            with.extend(self.pattern(value, &Want::Later).map(|pattern| (name, pattern)));
        }
        with
    }

    fn configure(&mut self, node: &Node) -> Vec<Configure> {
        let mut all = Vec::new();
        for (key, value) in self.map(node, "`configure`").unwrap_or_default() {
            self.configuration(&key.text, key.span);
            let is_long = value.member("set").is_some() || value.member("required").is_some();
            let (wanted, required) = if is_long {
                self.has_keys(value, "a configuration", &["set", "required"]);
                let required = value.member("required").and_then(|node| self.yes_or_no(node, "`required`"));
                (self.required(value, value.span, "set"), required.unwrap_or(false))
            } else {
                (Some(value), false)
            };
            if let Some(value) = wanted.and_then(|node| self.pattern(node, &Want::Text)) {
                all.push(Configure { key: Spanned { value: key.text.clone(), span: key.span }, value, required });
            }
        }
        all
    }

    /// `[ MEMORY | { MEMORY: {ARG: VALUE…} } … ]`
    fn remember(&mut self, node: &Node) -> Vec<Invocation> {
        let mut all = Vec::new();
        for item in self.list(node, "`remember`").unwrap_or_default() {
            match &item.kind {
                NodeKind::Map(members) => {
                    for (key, value) in members {
                        let name = Spanned { value: key.text.clone(), span: key.span };
                        all.push(Invocation { name, with: self.later_arguments(value), rename: Vec::new() });
                    }
                }
                _ => all.extend(self.invocation(item, item, "the memory")),
            }
        }
        all
    }

    fn given(&mut self, node: &Node) -> Vec<Given> {
        let mut all = Vec::new();
        for (key, value) in self.map(node, "`given`").unwrap_or_default() {
            let name = self.declared(key);
            let source = if value.members().is_some() {
                self.constant(value).and_then(|(kind, constant)| match constant {
                    Some(constant) => Some(GivenSource::Constant(kind, constant)),
                    None => {
                        let label = format!("expected `{{ {}: VALUE }}`", constant_name(kind));
                        self.say(Mistake::WrongShape, value.span, "a constant without a value", label);
                        None
                    }
                })
            } else {
                self.rig_value(value).map(GivenSource::Rig)
            };
            if let Some(source) = source {
                self.wants.insert(key.text.clone(), want_of(&source));
                all.push(Given { name, source });
            }
        }
        all
    }

    /// `{ NAME: rig.PATH | { TYPE: } | { TYPE: LITERAL } }`
    fn params(&mut self, node: &Node) -> Vec<Param> {
        let mut all = Vec::new();
        for (key, value) in self.map(node, "`params`").unwrap_or_default() {
            let name = self.declared(key);
            let (default, kind) = if value.members().is_some() {
                match self.constant(value) {
                    Some((kind, Some(constant))) => (Some(GivenSource::Constant(kind, constant)), Some(kind)),
                    Some((kind, None)) => (None, Some(kind)),
                    None => continue,
                }
            } else {
                match self.rig_value(value) {
                    Some(path) => (Some(GivenSource::Rig(path)), None),
                    None => continue,
                }
            };
            let want = match (&default, kind) {
                (Some(source), _) => want_of(source),
                (None, Some(kind)) => Want::Constant(kind),
                (None, None) => Want::Free,
            };
            self.wants.insert(key.text.clone(), want);
            all.push(Param { name, default, kind });
        }
        all
    }

    fn declared(&mut self, key: &Key) -> Spanned<String> {
        self.check_name(&key.text, key.span);
        Spanned { value: key.text.clone(), span: key.span }
    }

    /// `{ TYPE: LITERAL }`, `{ string: LITERAL, times: COUNT }`, or `{ TYPE: }` without a value.
    fn constant(&mut self, node: &Node) -> Option<(ConstantType, Option<Spanned<serde_json::Value>>)> {
        let (key, value, times) = match node.members() {
            Some([(key, value)]) => (key, value, None),
            Some([(key, value), (times, count)]) if times.text == "times" => (key, value, Some(count)),
            Some([(first, _), (key, _)]) if CONSTANTS.iter().any(|(name, _)| *name == first.text) => {
                self.stranger(Mistake::WrongShape, key.span, &key.text, "what can stand beside a constant", ["times"]);
                return None;
            }
            _ => {
                self.say(Mistake::WrongShape, node.span, "a constant has one type", "expected `{ TYPE: VALUE }`");
                return None;
            }
        };
        let Some((_, kind)) = CONSTANTS.into_iter().find(|(name, _)| *name == key.text) else {
            let known = CONSTANTS.iter().map(|(name, _)| *name);
            self.stranger(Mistake::UnknownValue, key.span, &key.text, "a type of constants", known);
            return None;
        };
        if let Some(count) = times {
            let whole = self.repeated(kind, value, count)?;
            return Some((kind, Some(Spanned { value: whole.into(), span: value.span })));
        }
        if value.is_empty() {
            return Some((kind, None));
        }
        let text = self.text(value, "the value")?;
        match Want::Constant(kind).decode(text, true) {
            Ok(constant) => Some((kind, Some(Spanned { value: constant, span: value.span }))),
            Err(misfit) => {
                self.misfit(value.span, misfit);
                None
            }
        }
    }

    /// `{ string: LITERAL, times: COUNT }`: a text that is too long to be written out.
    fn repeated(&mut self, kind: ConstantType, value: &Node, count: &Node) -> Option<String> {
        let text = self.text(value, "the value")?;
        let written = self.text(count, "the number of times")?;
        let most = LONGEST_CONSTANT / text.len().max(1);
        if kind != ConstantType::String {
            let label = "only a string can be repeated";
            self.say(Mistake::WrongShape, count.span, format!("{} many times", constant_words(kind)), label);
            return None;
        }
        match written.parse::<usize>() {
            Ok(times) if (1..=most).contains(&times) => Some(text.repeat(times)),
            _ => {
                let label = format!("expected a number from 1 to {most}");
                self.say(Mistake::OutOfBounds, count.span, format!("\"{written}\" times is not possible"), label);
                None
            }
        }
    }

    /// `rig.PATH`; gives the path.
    pub(super) fn rig_value(&mut self, node: &Node) -> Option<Spanned<String>> {
        let text = self.text(node, "the value")?;
        let Some(path) = text.strip_prefix("rig.") else {
            let found = self.say(
                Mistake::WrongType,
                node.span,
                format!("\"{text}\" is not a value of the rig"),
                "expected `rig.PATH`",
            );
            found.help = Some("a constant is written `{ TYPE: VALUE }`, such as `{ duration: 20s }`".to_owned());
            return None;
        };
        self.rig_path(path, node.span);
        Some(Spanned { value: path.to_owned(), span: node.span })
    }

    /// `[+Action | -Action …]` or `none`.
    fn background(&mut self, node: &Node) -> Option<Background> {
        if node.scalar() == Some("none") {
            return Some(Background::None);
        }
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        for item in node.one_or_many() {
            let Some(text) = self.text(item, "the action") else { continue };
            let (list, action) = match (text.strip_prefix('+'), text.strip_prefix('-')) {
                (Some(action), _) => (&mut added, action),
                (_, Some(action)) => (&mut removed, action),
                (None, None) => {
                    let title = format!("\"{text}\" says neither more nor less");
                    let found = self.say(Mistake::UnknownValue, item.span, title, "expected `+Action` or `-Action`");
                    found.help = Some("without any background write `background: none`".to_owned());
                    continue;
                }
            };
            let action = Spanned { value: action.to_owned(), span: item.span };
            let lacking: Vec<Version> = self
                .versions
                .iter()
                .copied()
                .filter(|version| Catalogue::of(*version).message(&action.value).is_none())
                .collect();
            if let Some(version) = lacking.first() {
                let known = Catalogue::of(*version).messages().iter().map(|message| message.action.as_str());
                let what = format!("an action of {}", words(&lacking));
                let help = self.for_some(&lacking, self.versions.len());
                let found = self.stranger(Mistake::UnknownAction, item.span, &action.value, &what, known);
                found.help = help.or(found.help.take());
            }
            list.push(action);
        }
        Some(Background::Default { added, removed })
    }
}

/// The first key of a file: where it is blamed for what it lacks.
fn top_of(root: &Node) -> Span {
    root.members().and_then(<[_]>::first).map_or(root.span, |(key, value)| Span {
        start: key.span.start,
        end: if value.scalar().is_some() { value.span.end } else { key.span.end },
    })
}
