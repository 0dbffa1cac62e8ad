//! The nodes of a rig file, each with its place.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span as Place};
use serde_json::Value;
use verdict::{Diagnostic, Source, Span};

/// A node.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) kind: NodeKind,
}

/// The kinds of node.
#[derive(Debug)]
pub(super) enum NodeKind {
    /// A text; `plain` without quotes.
    Scalar { text: String, plain: bool },
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file; keys are unique.
    Map(Vec<(Key, Node)>),
}

/// A key of a map.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) text: String,
    pub(super) span: Span,
}

/// How deep nodes may lie in each other.
const DEEPEST: usize = 32;
/// The longest file.
const LONGEST: usize = 4 * 1024 * 1024;

impl Node {
    pub(super) fn scalar(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The items of a list, or the node itself.
    pub(super) fn one_or_many(&self) -> &[Node] {
        match &self.kind {
            NodeKind::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// An unquoted number, `true`, `false` or `null`, as JSON writes them.
    pub(super) fn literal(&self) -> Option<Value> {
        let NodeKind::Scalar { text, plain: true } = &self.kind else {
            return None;
        };
        let value: Value = serde_json::from_str(text).ok()?;
        (!value.is_string() && !value.is_array() && !value.is_object()).then_some(value)
    }

    pub(super) fn what(&self) -> &'static str {
        match self.kind {
            NodeKind::Scalar { .. } => "a text",
            NodeKind::List(_) => "a list",
            NodeKind::Map(_) => "a map",
        }
    }

    /// The place of a part of a scalar's value, where the file writes it as it is; else the whole scalar.
    pub(super) fn part(&self, source: &Source, part: Range<usize>) -> Span {
        let whole = || self.span;
        let Some(text) = self.scalar() else {
            return self.span;
        };
        let written = source.text.get(self.span.start..self.span.end);
        let Some(offset) = written.and_then(|written| written.find(text)) else {
            return whole();
        };
        Span { start: self.span.start + offset + part.start, end: self.span.start + offset + part.end }
    }
}

/// The root of a file.
pub(super) fn parse(source: &Arc<Source>) -> Result<Node, Vec<Diagnostic>> {
    if source.text.len() > LONGEST {
        return Err(vec![Diagnostic::error("rig-file", "the file is longer than 4 MiB")]);
    }
    let mut builder = Builder {
        source,
        bytes: source.text.char_indices().map(|(at, _)| at).collect(),
        parser: Parser::new_from_str(&source.text),
    };
    builder.document().map_err(|found| vec![*found])
}
struct Builder<'a> {
    source: &'a Arc<Source>,
    bytes: Vec<usize>,
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
}
type Built<T> = Result<T, Box<Diagnostic>>;
impl<'a> Builder<'a> {
    fn document(&mut self) -> Built<Node> {
        loop {
            let (event, place) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(_) => {}
                event => return self.node(event, place, 0),
            }
        }
    }
    fn next(&mut self) -> Built<(Event<'a>, Place)> {
        match self.parser.next_event() {
            Some(Ok(x)) => Ok(x),
            Some(Err(e)) => {
                let at = self.byte(e.marker().index());
                Err(Box::new(Diagnostic::error("yaml", e.info().to_owned()).at(
                    self.source,
                    Span { start: at, end: at },
                    "here",
                )))
            }
            None => Err(Box::new(Diagnostic::error("yaml", "the file ends too early"))),
        }
    }
    fn byte(&self, index: usize) -> usize {
        self.bytes.get(index).copied().unwrap_or(self.source.text.len())
    }
    fn span(&self, p: Place) -> Span {
        Span { start: self.byte(p.start.index()), end: self.byte(p.end.index()) }
    }
    fn node(&mut self, event: Event<'a>, place: Place, depth: usize) -> Built<Node> {
        let mut span = self.span(place);
        if depth > DEEPEST {
            return Err(Box::new(Diagnostic::error("yaml", "too deep").at(self.source, span, "here")));
        }
        let kind = match event {
            Event::Scalar(text, style, 0, None) => {
                NodeKind::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain }
            }
            Event::SequenceStart(0, None) => {
                let mut items = Vec::new();
                loop {
                    let (e, p) = self.next()?;
                    if matches!(e, Event::SequenceEnd) {
                        break;
                    }
                    items.push(self.node(e, p, depth + 1)?);
                }
                if let Some(last) = items.last() {
                    span.end = last.span.end;
                }
                NodeKind::List(items)
            }
            Event::MappingStart(0, None) => {
                let mut members: Vec<(Key, Node)> = Vec::new();
                let mut seen = BTreeSet::new();
                loop {
                    let (e, p) = self.next()?;
                    if matches!(e, Event::MappingEnd) {
                        break;
                    }
                    let key = self.node(e, p, depth + 1)?;
                    let NodeKind::Scalar { text, .. } = key.kind else {
                        return Err(Box::new(Diagnostic::error("yaml", "a key is a text").at(
                            self.source,
                            key.span,
                            "here",
                        )));
                    };
                    if !seen.insert(text.clone()) {
                        return Err(Box::new(Diagnostic::error("yaml", "this key stands twice").at(
                            self.source,
                            key.span,
                            "again here",
                        )));
                    }
                    let (e, p) = self.next()?;
                    let value = self.node(e, p, depth + 1)?;
                    members.push((Key { text, span: key.span }, value));
                }
                if let Some(last) = members.last() {
                    span.end = last.1.span.end;
                }
                NodeKind::Map(members)
            }
            _ => {
                return Err(Box::new(Diagnostic::error("yaml", "no anchors, aliases, tags").at(
                    self.source,
                    span,
                    "here",
                )));
            }
        };
        Ok(Node { span, kind })
    }
}
