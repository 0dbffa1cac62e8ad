//! `rule`: which statements a device breaks at an item, for all of it or field by field.

use protocol::catalogue::{Catalogue, Object, Type};

use super::mistake::did_you_mean;
use super::{Mistake, Reader};
use crate::ast::{ItemKind, Rule};
use crate::yaml::{Key, Node, NodeKind};

impl Reader<'_> {
    /// `ID`, `[ID…]` or `{ FIELD: ID, "*": [ID…] }`.
    pub(super) fn rules(&mut self, node: &Node, kind: Option<&ItemKind>) -> Vec<Rule> {
        if !matches!(node.kind, NodeKind::Map(_)) {
            return vec![Rule { field: String::new(), statements: self.traces(node) }];
        }
        let mut rules = Vec::new();
        for (key, value) in self.map(node, "`rule`").unwrap_or_default() {
            if key.text != "*" {
                self.field_of_rule(key, kind);
            }
            let field = if key.text == "*" { String::new() } else { key.text.clone() };
            rules.push(Rule { field, statements: self.traces(value) });
        }
        rules
    }

    /// The field has to be one of the request or of the answer, in a version of the case.
    fn field_of_rule(&mut self, key: &Key, kind: Option<&ItemKind>) {
        let Some(ItemKind::Call(call)) = kind else {
            if kind.is_some() {
                let title = "only a call has fields";
                self.say(Mistake::WrongShape, key.span, title, "expected a statement").help =
                    Some("write `rule: ID`".to_owned());
            }
            return;
        };
        let messages: Vec<_> =
            self.versions.iter().filter_map(|version| Catalogue::of(*version).message(&call.action.value)).collect();
        let payloads: Vec<&Object> =
            messages.iter().flat_map(|message| std::iter::once(&*message.request).chain(message.response())).collect();
        if payloads.is_empty() || payloads.iter().any(|payload| has(payload, &key.text)) {
            return;
        }
        let title = format!("{} has no field \"{}\"", call.action.value, key.text);
        let meant = payloads.iter().find_map(|payload| nearest(payload, &key.text));
        self.say(Mistake::UnknownField, key.span, title, "not known").help = did_you_mean(meant.as_deref());
    }
}

/// The path that was meant by one whose first unknown name is nearly a field.
fn nearest(object: &Object, path: &str) -> Option<String> {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let (known, inner) = match object.field(name) {
        Some(field) => (name, rest.map(|rest| nearest(Type::object(&field.ty)?, rest))),
        None => (object.suggest_field(name)?, rest.map(|rest| Some(rest.to_owned()))),
    };
    match inner {
        Some(inner) => Some(format!("{known}.{}", inner?)),
        None => Some(known.to_owned()),
    }
}

/// Whether there is such a field; lists are passed through.
fn has(object: &Object, path: &str) -> bool {
    let mut within = Some(object);
    let mut names = path.split('.').peekable();
    while let Some(name) = names.next() {
        let Some(field) = within.and_then(|object| object.field(name)) else { return false };
        within = Type::object(&field.ty);
        if within.is_some_and(|object| object.open) && names.peek().is_some() {
            return true;
        }
    }
    true
}
