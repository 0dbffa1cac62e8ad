//! Connects the uses of parts with the parts themselves.

use std::collections::HashMap;
use std::sync::Arc;

use protocol::Version;
use verdict::{Diagnostic, Source, Span};

use super::Library;
use crate::ast::{
    Answer, Begin, Invocation, Item, ItemKind, OperatorKind, Part, PartKind, Pattern, PatternKind, Scope, Spanned,
};
use crate::reader::{Mistake, Want, did_you_mean, moment, want_of};

/// More mistakes than these are not told of one library: each costs a look at a whole file.
const MOST_MISTAKES: usize = 1000;

pub(super) fn link(library: &mut Library) -> Vec<Diagnostic> {
    let mut found = duplicates(library);
    let parts = library.parts.clone();
    for case in &mut library.cases {
        let case = Arc::make_mut(case);
        let versions = versions_of(&case.versions);
        let mut linker = Linker { source: case.source.clone(), versions, parts: &parts, found: &mut found };
        if let Begin::State(invocation) = &mut case.begin {
            linker.invocation(PartKind::State, invocation);
        }
        for memory in &mut case.remember {
            linker.invocation(PartKind::Memory, memory);
        }
        linker.items(&mut case.steps);
    }
    for part in &mut library.parts {
        let part = Arc::make_mut(part);
        let versions = versions_of(&part.versions);
        let mut linker = Linker { source: part.source.clone(), versions, parts: &parts, found: &mut found };
        if let Some(Begin::State(invocation)) = &mut part.from {
            linker.invocation(PartKind::State, invocation);
        }
        linker.items(&mut part.steps);
    }
    found.extend(recursions(&parts));
    found
}

fn versions_of(versions: &[Spanned<Version>]) -> Vec<Version> {
    versions.iter().map(|version| version.value).collect()
}

/// Names that stand twice for a version.
fn duplicates(library: &Library) -> Vec<Diagnostic> {
    type Place<'a> = (&'a Arc<Source>, Span);
    let mut seen: HashMap<(Option<PartKind>, &str, Version), Place<'_>> = HashMap::new();
    let mut found = Vec::new();
    let cases = library.cases.iter().map(|case| (None, &case.id, &case.versions, &case.source));
    let parts = library.parts.iter().map(|part| (Some(part.kind), &part.name, &part.versions, &part.source));
    for (kind, name, versions, source) in cases.chain(parts) {
        for version in versions {
            let key = (kind, name.value.as_str(), version.value);
            if let Some((other, span)) = seen.get(&key) {
                let title = format!("\"{}\" stands twice for {}", name.value, version.value);
                found.push(
                    Diagnostic::error(Mistake::DuplicateId.code(), title).at(source, name.span, "again here").because(
                        other,
                        *span,
                        "first here",
                    ),
                );
                break;
            }
            seen.insert(key, (source, name.span));
        }
    }
    found
}

struct Linker<'a> {
    source: Arc<Source>,
    versions: Vec<Version>,
    parts: &'a [Arc<Part>],
    found: &'a mut Vec<Diagnostic>,
}

impl Linker<'_> {
    fn items(&mut self, items: &mut [Item]) {
        for item in items {
            match &mut item.kind {
                ItemKind::Run(invocation) => self.invocation(PartKind::Phrase, invocation),
                kind => inner_items(kind, &mut |items| self.items(items)),
            }
        }
    }

    fn invocation(&mut self, kind: PartKind, invocation: &mut Invocation) {
        let name = invocation.name.clone();
        let parts = self.parts(kind, &name);
        for (argument, pattern) in &mut invocation.with {
            self.argument(&name, &parts, argument, pattern);
        }
        for part in &parts {
            let is_given = |param: &str| invocation.with.iter().any(|(argument, _)| argument.value == param);
            let missing = part.params.iter().find(|param| param.default.is_none() && !is_given(&param.name.value));
            if let Some(param) = missing {
                let title = format!("\"{}\" needs `{}`", name.value, param.name.value);
                let label = format!("expected `with: {{ {}: … }}`", param.name.value);
                self.say(Mistake::MissingArgument, name.span, title, label, None);
                break;
            }
        }
        for (given, _) in &invocation.rename {
            let lacking = parts.iter().find(|part| part.gives.iter().all(|name| name.value != given.value));
            if let Some(part) = lacking {
                let title = format!("\"{}\" does not give \"{}\"", name.value, given.value);
                let known = part.gives.iter().map(|name| name.value.as_str());
                let meant = did_you_mean(protocol::catalogue::suggest(&given.value, known));
                self.say(Mistake::UnknownArgument, given.span, title, "not known", meant);
                self.because(part);
            }
        }
    }

    /// An argument, decoded by the type of the parameter, which is the same in every version's part.
    fn argument(
        &mut self,
        name: &Spanned<String>,
        parts: &[Arc<Part>],
        argument: &Spanned<String>,
        pattern: &mut Pattern,
    ) {
        let param = |part: &Arc<Part>| part.params.iter().find(|param| param.name.value == argument.value).cloned();
        if let Some(part) = parts.iter().find(|part| param(part).is_none()) {
            let title = format!("\"{}\" is not a parameter of \"{}\"", argument.value, name.value);
            let known = part.params.iter().map(|param| param.name.value.as_str());
            let meant = did_you_mean(protocol::catalogue::suggest(&argument.value, known));
            self.say(Mistake::UnknownArgument, argument.span, title, "not known", meant);
            self.because(part);
        } else if let Some(param) = parts.iter().find_map(param) {
            let want = match (&param.default, param.kind) {
                (Some(source), _) => want_of(source),
                (None, Some(kind)) => Want::Constant(kind),
                (None, None) => Want::Free,
            };
            self.retype(pattern, &want);
        }
    }

    /// Points from what was just said to the part that it is about.
    fn because(&mut self, part: &Part) {
        if let Some(last) = self.found.pop() {
            self.found.push(last.because(&part.source, part.name.span, "of this part"));
        }
    }

    /// The parts of this name for the versions of their user; told if one of these has none.
    fn parts(&mut self, kind: PartKind, name: &Spanned<String>) -> Vec<Arc<Part>> {
        let named = |part: &&Arc<Part>| part.kind == kind && part.name.value == name.value;
        let is_for = |part: &Arc<Part>, version: Version| part.versions.iter().any(|wanted| wanted.value == version);
        let lacking = self
            .versions
            .iter()
            .copied()
            .find(|version| !self.parts.iter().filter(named).any(|part| is_for(part, *version)));
        if let Some(version) = lacking {
            let word = kind_name(kind);
            let title = format!("there is no {word} \"{}\" for {version}", name.value);
            let known = self.parts.iter().filter(|part| part.kind == kind && is_for(part, version));
            let known = known.map(|part| part.name.value.as_str());
            let meant = did_you_mean(protocol::catalogue::suggest(&name.value, known));
            let help = meant.or_else(|| {
                let other = self.parts.iter().find(|part| part.name.value == name.value)?;
                (other.kind != kind).then(|| format!("\"{}\" is a {}", name.value, kind_name(other.kind)))
            });
            self.say(Mistake::UnknownPart, name.span, title, "not known", help);
        }
        let serves = |part: &&Arc<Part>| self.versions.iter().any(|version| is_for(part, *version));
        self.parts.iter().filter(named).filter(serves).cloned().collect()
    }

    /// Decodes what the caller wrote by the type of the parameter.
    fn retype(&mut self, pattern: &mut Pattern, want: &Want) {
        match &mut pattern.kind {
            PatternKind::Literal(value) => {
                let Some(text) = value.as_str() else { return };
                if want.is_time()
                    && let Some(Ok(name)) = moment(text)
                {
                    pattern.kind = PatternKind::Name(name);
                    return;
                }
                match want.decode(text, true) {
                    Ok(decoded) => *value = decoded,
                    Err(misfit) => {
                        self.say(misfit.mistake, pattern.span, misfit.title, misfit.label, misfit.help);
                    }
                }
            }
            PatternKind::Name(_) | PatternKind::Text(_) => {}
            PatternKind::Object(fields) => {
                for (key, field) in fields {
                    let want = want.record_field(&key.value).unwrap_or(Want::Free);
                    self.retype(field, &want);
                }
            }
            PatternKind::List(items) => {
                let want = want.item().unwrap_or(Want::Free);
                items.iter_mut().for_each(|item| self.retype(item, &want));
            }
            PatternKind::Operators(operators) => {
                for operator in operators {
                    let item = || want.item().unwrap_or(Want::Free);
                    match &mut operator.kind {
                        OperatorKind::Maybe(inner)
                        | OperatorKind::Not(inner)
                        | OperatorKind::Min(inner)
                        | OperatorKind::Max(inner) => self.retype(inner, want),
                        OperatorKind::OneOf(patterns) => patterns.iter_mut().for_each(|one| self.retype(one, want)),
                        OperatorKind::Each(inner) => self.retype(inner, &item()),
                        OperatorKind::Contains(patterns) | OperatorKind::Unordered(patterns) => {
                            patterns.iter_mut().for_each(|one| self.retype(one, &item()));
                        }
                        _ => {}
                    }
                }
            }
        }
    }

    fn say(&mut self, mistake: Mistake, span: Span, title: String, label: impl Into<String>, help: Option<String>) {
        if self.found.len() >= MOST_MISTAKES {
            return;
        }
        let mut diagnostic = Diagnostic::error(mistake.code(), title).at(&self.source, span, label);
        diagnostic.help = help;
        self.found.push(diagnostic);
    }
}

/// The lists of items inside of an item.
fn inner_items(kind: &mut ItemKind, each: &mut dyn FnMut(&mut [Item])) {
    match kind {
        ItemKind::Call(call) => {
            each(&mut call.before_reply);
            if let Answer::Replies(branches) = &mut call.answer {
                branches.iter_mut().for_each(|branch| each(&mut branch.then));
            }
        }
        ItemKind::Steps(items)
        | ItemKind::AnyOrder(items)
        | ItemKind::OneOf(items)
        | ItemKind::ForEach { steps: items, .. }
        | ItemKind::Never { scope: Scope::During(items), .. }
        | ItemKind::Offline(items, _) => each(items),
        ItemKind::At(_)
        | ItemKind::Look(_)
        | ItemKind::Connection(_)
        | ItemKind::Text(_)
        | ItemKind::Run(_)
        | ItemKind::Check(_)
        | ItemKind::Never { .. }
        | ItemKind::Quiet(_) => {}
    }
}

fn kind_name(kind: PartKind) -> &'static str {
    match kind {
        PartKind::State => "state",
        PartKind::Memory => "memory",
        PartKind::Phrase => "phrase",
    }
}

/// Parts that lead to themselves, each told where its circle is closed.
fn recursions(parts: &[Arc<Part>]) -> Vec<Diagnostic> {
    let mut walk = Walk { parts, states: vec![Visit::New; parts.len()], found: Vec::new() };
    for at in 0..parts.len() {
        walk.visit(at, 0);
    }
    walk.found
}

#[derive(Clone, Copy, PartialEq)]
enum Visit {
    New,
    Open,
    Done,
}

struct Walk<'a> {
    parts: &'a [Arc<Part>],
    states: Vec<Visit>,
    found: Vec<Diagnostic>,
}

impl Walk<'_> {
    fn visit(&mut self, at: usize, depth: usize) {
        // No honest chain is this long, and none may end our stack.
        if self.states[at] != Visit::New || depth > 200 {
            return;
        }
        self.states[at] = Visit::Open;
        let part = self.parts[at].clone();
        let mut uses = Vec::new();
        if let Some(Begin::State(invocation)) = &part.from {
            uses.push((PartKind::State, invocation.name.clone()));
        }
        collect_runs(&mut part.steps.clone(), &mut uses);
        for (kind, name) in uses {
            let called: Vec<usize> = (0..self.parts.len())
                .filter(|other| {
                    let other = &self.parts[*other];
                    let shares = |version: &Spanned<Version>| part.versions.iter().any(|v| v.value == version.value);
                    other.kind == kind && other.name.value == name.value && other.versions.iter().any(shares)
                })
                .collect();
            for other in called {
                if self.states[other] == Visit::Open {
                    let title = format!("the {} \"{}\" leads to itself", kind_name(kind), name.value);
                    let closed = Diagnostic::error(Mistake::Recursion.code(), title);
                    let (source, begun) = (&self.parts[other].source, self.parts[other].name.span);
                    self.found.push(closed.at(&part.source, name.span, "from here").because(
                        source,
                        begun,
                        "begins here",
                    ));
                } else {
                    self.visit(other, depth + 1);
                }
            }
        }
        self.states[at] = Visit::Done;
    }
}

fn collect_runs(items: &mut [Item], uses: &mut Vec<(PartKind, Spanned<String>)>) {
    for item in items {
        match &mut item.kind {
            ItemKind::Run(invocation) => uses.push((PartKind::Phrase, invocation.name.clone())),
            kind => inner_items(kind, &mut |items| collect_runs(items, uses)),
        }
    }
}
