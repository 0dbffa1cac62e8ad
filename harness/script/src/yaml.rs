//! Strict YAML: one document, no anchors, aliases or tags, every key once, bounded in size and depth. Scalars stay
//! text, for what they mean is said by the place they stand in; every node keeps its place.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span as Place, StrInput};
use serde_json::Value;
use verdict::{Diagnostic, Source, Span};

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// From its first to its last character.
    pub span: Span,
    /// What it is.
    pub kind: NodeKind,
}

/// The kinds of node.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// A text.
    Scalar {
        /// Without quotes and escapes.
        text: String,
        /// Whether it stood without quotes.
        plain: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file; keys are unique.
    Map(Vec<(Key, Node)>),
}

/// A key of a map.
#[derive(Clone, Debug)]
pub struct Key {
    /// Without quotes.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// How deep nodes may lie in each other.
const DEEPEST: usize = 64;
/// The longest file.
const LONGEST: usize = 4 * 1024 * 1024;
/// The most nodes of a file: a megabyte of commas must not become a hundred megabytes of nodes.
const MOST_NODES: usize = 200_000;

/// More mistakes than these are not told of one file: each costs a look at the whole of it.
pub(crate) const MOST_MISTAKES: usize = 100;

/// The root of a file. Mistakes that the tree survives (a key that stands twice) are found beside it; without a root
/// there is at least one mistake.
pub fn parse(source: &Arc<Source>, found: &mut Vec<Diagnostic>) -> Option<Node> {
    if source.text.len() > LONGEST {
        found.push(Diagnostic::error("yaml", format!("{}: the file is longer than 4 MiB", source.path)));
        return None;
    }
    let mut builder = Builder {
        source,
        bytes: source.text.char_indices().map(|(at, _)| at).collect(),
        parser: Parser::new_from_str(&source.text),
        nodes: 0,
        found,
    };
    match builder.document() {
        Ok(root) => Some(root),
        Err(fatal) => {
            found.push(*fatal);
            None
        }
    }
}

impl Node {
    /// The text of a scalar.
    pub fn scalar(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Whether nothing stands here: `key:`.
    pub fn is_empty(&self) -> bool {
        matches!(&self.kind, NodeKind::Scalar { text, plain: true } if text.is_empty())
    }

    /// The members of a map.
    pub fn members(&self) -> Option<&[(Key, Node)]> {
        match &self.kind {
            NodeKind::Map(members) => Some(members),
            _ => None,
        }
    }

    /// The value of a key of a map.
    pub fn member(&self, key: &str) -> Option<&Node> {
        self.members()?.iter().find(|(known, _)| known.text == key).map(|(_, value)| value)
    }

    /// The items of a list, or the node itself.
    pub fn one_or_many(&self) -> &[Node] {
        match &self.kind {
            NodeKind::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// An unquoted number, `true`, `false` or `null`, as JSON writes them.
    pub fn literal(&self) -> Option<Value> {
        let NodeKind::Scalar { text, plain: true } = &self.kind else {
            return None;
        };
        let value: Value = serde_json::from_str(text).ok()?;
        (!value.is_string() && !value.is_array() && !value.is_object()).then_some(value)
    }

    /// What it is, in words.
    pub fn what(&self) -> &'static str {
        match self.kind {
            _ if self.is_empty() => "nothing",
            NodeKind::Scalar { .. } => "a text",
            NodeKind::List(_) => "a list",
            NodeKind::Map(_) => "a map",
        }
    }

    /// The place of a part of a scalar's value, where the file writes it as it is; else the whole scalar.
    pub fn part(&self, source: &Source, part: Range<usize>) -> Span {
        let written = source.text.get(self.span.start..self.span.end);
        let offset = self.scalar().and_then(|text| written.and_then(|written| written.find(text)));
        match offset {
            Some(offset) => {
                Span { start: self.span.start + offset + part.start, end: self.span.start + offset + part.end }
            }
            None => self.span,
        }
    }
}

struct Builder<'a> {
    source: &'a Arc<Source>,
    /// The byte of every character: the parser counts characters.
    bytes: Vec<usize>,
    parser: Parser<'a, StrInput<'a>>,
    nodes: usize,
    found: &'a mut Vec<Diagnostic>,
}

type Built<T> = Result<T, Box<Diagnostic>>;

impl<'a> Builder<'a> {
    fn document(&mut self) -> Built<Node> {
        let mut root = None;
        loop {
            let (event, place) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd => {}
                Event::StreamEnd => break,
                Event::DocumentStart(_) if root.is_some() => {
                    let span = self.span(place);
                    return Err(self.mistake("yaml", "a file holds one document", span, "a second one begins here"));
                }
                Event::DocumentStart(_) => {}
                event => root = Some(self.node(event, place, 0)?),
            }
        }
        let start = Span { start: 0, end: 0 };
        root.ok_or_else(|| self.mistake("yaml", "there is nothing in this file", start, ""))
    }

    fn node(&mut self, event: Event<'a>, place: Place, depth: usize) -> Built<Node> {
        let span = self.span(place);
        self.nodes += 1;
        if depth > DEEPEST || self.nodes > MOST_NODES {
            let title = if depth > DEEPEST { "too deep" } else { "too many values" };
            return Err(self.mistake("yaml", title, span, "here"));
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse(anchor != 0, tag.is_some(), span);
                let span = match style {
                    ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => self.quoted(span),
                    _ => span,
                };
                let kind = NodeKind::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain };
                Ok(Node { span, kind })
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse(anchor != 0, tag.is_some(), span);
                self.list(span, depth)
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse(anchor != 0, tag.is_some(), span);
                self.map(span, depth)
            }
            Event::Alias(_) => {
                self.tell("yaml-feature", "aliases are not part of this language", span, None);
                Ok(Node { span, kind: NodeKind::Scalar { text: String::new(), plain: true } })
            }
            _ => Err(self.mistake("yaml", "a value is missing", span, "here")),
        }
    }

    fn list(&mut self, mut span: Span, depth: usize) -> Built<Node> {
        let mut items = Vec::new();
        loop {
            let (event, place) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                self.close(&mut span, place, items.last());
                return Ok(Node { span, kind: NodeKind::List(items) });
            }
            items.push(self.node(event, place, depth + 1)?);
        }
    }

    fn map(&mut self, mut span: Span, depth: usize) -> Built<Node> {
        let mut members: Vec<(Key, Node)> = Vec::new();
        let mut seen: HashMap<String, Span> = HashMap::new();
        loop {
            let (event, place) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                if let Some((first, _)) = members.first() {
                    span.start = span.start.min(first.span.start);
                }
                self.close(&mut span, place, members.last().map(|(_, value)| value));
                return Ok(Node { span, kind: NodeKind::Map(members) });
            }
            let key = self.node(event, place, depth + 1)?;
            let NodeKind::Scalar { text, .. } = key.kind else {
                return Err(self.mistake("yaml-feature", "a key is a text", key.span, "here"));
            };
            let (event, place) = self.next()?;
            let mut value = self.node(event, place, depth + 1)?;
            if value.is_empty() {
                // The parser puts what is not there at the next thing that is.
                value.span = Span { start: key.span.end, end: key.span.end };
            }
            match seen.get(&text) {
                Some(first) => {
                    let title = format!("the key \"{text}\" stands twice");
                    self.tell("duplicate-key", &title, key.span, Some(*first));
                }
                None => {
                    seen.insert(text.clone(), key.span);
                    members.push((Key { text, span: key.span }, value));
                }
            }
        }
    }

    /// A flow collection ends with its bracket, a block one with its last value.
    fn close(&self, span: &mut Span, end: Place, last: Option<&Node>) {
        let bracket = self.span(end);
        let is_flow = matches!(self.source.text.as_bytes().get(span.start), Some(b'[' | b'{'))
            && matches!(self.source.text.as_bytes().get(bracket.start), Some(b']' | b'}'));
        if is_flow {
            span.end = bracket.start + 1;
        } else if let Some(last) = last {
            span.end = span.end.max(last.span.end);
        }
    }

    /// The parser lets a quoted text end with what follows it.
    fn quoted(&self, span: Span) -> Span {
        let written = self.source.text.get(span.start..span.end).unwrap_or("");
        let mut characters = written.char_indices().peekable();
        let Some((_, quote @ ('"' | '\''))) = characters.next() else { return span };
        while let Some((at, character)) = characters.next() {
            let is_doubled = quote == '\'' && characters.peek().is_some_and(|(_, next)| *next == '\'');
            match character {
                '\\' if quote == '"' => drop(characters.next()),
                '\'' if is_doubled => drop(characters.next()),
                end if end == quote => return Span { start: span.start, end: span.start + at + 1 },
                _ => {}
            }
        }
        span
    }

    fn refuse(&mut self, anchor: bool, tag: bool, span: Span) {
        for (there, what) in [(anchor, "anchors are"), (tag, "tags are")] {
            if there {
                self.tell("yaml-feature", &format!("{what} not part of this language"), span, None);
            }
        }
    }

    fn next(&mut self) -> Built<(Event<'a>, Place)> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let at = self.byte(error.marker().index());
                Err(self.mistake("yaml", error.info(), Span { start: at, end: at }, "here"))
            }
            None => Err(Box::new(Diagnostic::error("yaml", "the file ends too early"))),
        }
    }

    /// A mistake that the tree survives.
    fn tell(&mut self, code: &str, title: &str, span: Span, first: Option<Span>) {
        if self.found.len() >= MOST_MISTAKES {
            return;
        }
        let label = if first.is_some() { "again here" } else { "here" };
        let mut mistake = *self.mistake(code, title, span, label);
        if let Some(first) = first {
            mistake = mistake.because(self.source, first, "first here");
        }
        self.found.push(mistake);
    }

    fn mistake(&self, code: &str, title: &str, span: Span, label: &str) -> Box<Diagnostic> {
        Box::new(Diagnostic::error(code, title).at(self.source, span, label))
    }

    fn byte(&self, index: usize) -> usize {
        self.bytes.get(index).copied().unwrap_or(self.source.text.len())
    }

    /// Trailing space that the parser counts in is left out.
    fn span(&self, place: Place) -> Span {
        let start = self.byte(place.start.index());
        let end = self.byte(place.end.index()).max(start);
        let written = &self.source.text[start..end];
        Span { start, end: start + written.trim_end().len() }
    }
}

#[cfg(test)]
mod tests;
