//! Items: steps and blocks, told apart by their first key.

use verdict::Span;

use super::call::request_of;
use super::{Mistake, Reader, Want, call, connection};
use crate::ast::{
    Connection, ConnectionEvent, ConstantType, Forbidden, ForbiddenKind, Item, ItemKind, Party, Repeat, Scope, Spanned,
};
use crate::yaml::{Key, Node, NodeKind};

/// The keys that every item may have.
const COMMON: [&str; 8] = ["when", "optional", "repeat", "within", "grace", "mark", "warn", "rule"];
/// The heads of blocks, and of steps that need no party.
const HEADS: [&str; 9] = ["run", "check", "steps", "any order", "one of", "for each", "never", "quiet", "offline"];
/// Heads with a party, for suggestions.
const PARTY_HEADS: [&str; 11] = [
    "station -> csms",
    "csms -> station",
    "at station",
    "at csms",
    "look at station",
    "look at csms",
    "station connects",
    "station drops",
    "csms drops",
    "station reconnects",
    "tester sends text",
];

/// What the first key of an item says it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Head<'k> {
    Call,
    At,
    Look,
    Connects,
    Reconnects,
    Drops(&'k str),
    Text(&'k str),
    /// One of [`HEADS`].
    Word(&'k str),
}

impl<'k> Head<'k> {
    pub(super) fn of(key: &'k str) -> Option<Head<'k>> {
        if HEADS.contains(&key) {
            return Some(Head::Word(key));
        }
        if key.contains("->") {
            return Some(Head::Call);
        }
        if key.starts_with("at ") {
            return Some(Head::At);
        }
        if key.starts_with("look at ") {
            return Some(Head::Look);
        }
        if let Some(party) = key.strip_suffix(" sends text") {
            return Some(Head::Text(party));
        }
        match key.rsplit_once(' ')? {
            ("station", "connects") => Some(Head::Connects),
            ("station", "reconnects") => Some(Head::Reconnects),
            (party, "drops") => Some(Head::Drops(party)),
            _ => None,
        }
    }

    /// The keys beside the head, without those that every item may have.
    fn keys(self) -> Vec<&'static str> {
        match self {
            Head::Call => [&call::KEYS[..], &["result error"]].concat(),
            Head::At | Head::Look | Head::Word("check") => vec!["with"],
            Head::Word("run") => vec!["with", "as"],
            Head::Connects => [&connection::OPTIONS[..], &connection::NOT_BUILT].concat(),
            Head::Reconnects | Head::Word("offline") => {
                [&connection::OPTIONS[..], &connection::NOT_BUILT, &["how"]].concat()
            }
            Head::Drops(_) => vec!["how"],
            Head::Text(_) => vec!["outcome"],
            Head::Word("for each") => vec!["steps"],
            Head::Word("never") => vec!["for", "during"],
            Head::Word(_) => Vec::new(),
        }
    }
}

impl Reader<'_> {
    /// A list of items.
    pub(super) fn items(&mut self, node: &Node, what: &str) -> Vec<Item> {
        let mut items = Vec::new();
        for item in self.list(node, what).unwrap_or_default() {
            items.extend(self.item(item));
        }
        items
    }

    fn item(&mut self, node: &Node) -> Option<Item> {
        if let NodeKind::Scalar { text, .. } = &node.kind {
            let help = Head::of(text).map(|_| format!("write `{text}:`"));
            self.wrong_shape(node, "a step is a map", "a map such as `station -> csms: Heartbeat`").help = help;
            return None;
        }
        let members = self.map(node, "a step")?;
        let (head, key, value) = self.head(node, members)?;
        let mut known = vec![key.text.as_str()];
        known.extend(head.keys());
        known.extend(COMMON);
        self.has_keys(node, "this step", &known);

        let when = node.member("when").map(|when| self.when(when)).unwrap_or_default();
        let kind = self.narrowed(&when, |reader| reader.kind(head, key, value, node));
        let repeat = self.times(node);
        let within = node.member("within").and_then(|within| self.within(within));
        let grace = node.member("grace").and_then(|grace| self.length(grace));
        let mark = node.member("mark").and_then(|mark| self.new_name(mark, "the mark"));
        if let Some(mark) = &mark {
            self.wants.insert(mark.value.clone(), Want::Constant(ConstantType::Time));
        }
        let warn = node.member("warn").and_then(|warn| self.spanned(warn, "the warning"));
        let rules = node.member("rule").map(|rule| self.rules(rule, kind.as_ref())).unwrap_or_default();
        Some(Item {
            span: node.span,
            head: head_span(key, value),
            when,
            repeat,
            within,
            grace,
            mark,
            warn,
            rules,
            kind: kind?,
        })
    }

    /// The one key that says what the item is.
    fn head<'n>(&mut self, node: &Node, members: &'n [(Key, Node)]) -> Option<(Head<'n>, &'n Key, &'n Node)> {
        let mut heads = members.iter().filter_map(|(key, value)| Some((Head::of(&key.text)?, key, value)));
        let first = heads.next();
        let Some((head, key, value)) = first else {
            match members.first() {
                Some((key, _)) => {
                    let known = PARTY_HEADS.iter().chain(&HEADS).copied();
                    self.stranger(Mistake::UnknownStep, key.span, &key.text, "a step or a block", known);
                }
                None => {
                    self.say(Mistake::UnknownStep, node.span, "a step that says nothing", "expected a step");
                }
            }
            return None;
        };
        // `steps` belongs to `for each`, whichever stands first.
        let is_pair = |other: Head<'_>| {
            matches!(
                (head, other),
                (Head::Word("for each"), Head::Word("steps")) | (Head::Word("steps"), Head::Word("for each"))
            )
        };
        let mut rest = heads.filter(|(other, _, _)| !is_pair(*other));
        if let Some((_, second, _)) = rest.next() {
            let title = "two steps in one item";
            let source = self.source.clone();
            let found = self.say(Mistake::TwoSteps, second.span, title, "this is a step of its own");
            *found = found.clone().because(&source, key.span, "the first").help("begin it with a dash");
            return None;
        }
        if head == Head::Word("steps")
            && let Some((key, value)) = members.iter().find(|(key, _)| key.text == "for each")
        {
            return Some((Head::Word("for each"), key, value));
        }
        Some((head, key, value))
    }

    fn kind(&mut self, head: Head<'_>, key: &Key, value: &Node, node: &Node) -> Option<ItemKind> {
        Some(match head {
            Head::Call => ItemKind::Call(Box::new(self.call(key, value, node)?)),
            Head::At => ItemKind::At(self.act(key, value, node, "at ")?),
            Head::Look => ItemKind::Look(self.act(key, value, node, "look at ")?),
            Head::Connects => {
                self.nothing(value, &key.text);
                let options = self.connection_options(node);
                ItemKind::Connection(Box::new(Connection { event: ConnectionEvent::StationConnects, options }))
            }
            Head::Drops(party) => {
                self.nothing(value, &key.text);
                let options = self.connection_options(node);
                let event = match self.party(key, 0..party.len())?.value {
                    Party::Station => ConnectionEvent::StationDrops,
                    Party::Csms => ConnectionEvent::CsmsDrops,
                    Party::Tester | Party::Device => {
                        self.stranger(Mistake::UnknownParty, key.span, party, "a party here", ["station", "csms"]);
                        return None;
                    }
                };
                ItemKind::Connection(Box::new(Connection { event, options }))
            }
            Head::Reconnects => {
                self.nothing(value, &key.text);
                ItemKind::Offline(Vec::new(), Box::new(self.connection_options(node)))
            }
            Head::Text(party) => ItemKind::Text(Box::new(self.raw_text(key, value, node, party)?)),
            Head::Word(word) => return self.block(word, key, value, node),
        })
    }

    fn block(&mut self, word: &str, key: &Key, value: &Node, node: &Node) -> Option<ItemKind> {
        Some(match word {
            "run" => ItemKind::Run(self.invocation(value, node, "the phrase")?),
            "check" => ItemKind::Check(self.check(value, node)?),
            "steps" => ItemKind::Steps(self.items(value, "`steps`")),
            "any order" => ItemKind::AnyOrder(self.items(value, "`any order`")),
            "one of" => ItemKind::OneOf(self.items(value, "`one of`")),
            "for each" => {
                let (name, list) = self.element(value)?;
                let steps = self.required(node, key.span, "steps").map(|steps| self.items(steps, "`steps`"));
                ItemKind::ForEach { name, list, steps: steps? }
            }
            "never" => {
                let events = self.list(value, "`never`").unwrap_or_default();
                let events = events.iter().filter_map(|event| self.forbidden(event)).collect();
                self.only_one(node, &["for", "during"]);
                let scope = match (node.member("for"), node.member("during")) {
                    (Some(length), _) => Scope::For(self.length(length)?),
                    (None, Some(items)) => Scope::During(self.items(items, "`during`")),
                    (None, None) => {
                        let title = "`never` does not say how long";
                        self.say(Mistake::MissingKey, key.span, title, "needs `for` or `during`");
                        return None;
                    }
                };
                ItemKind::Never { events, scope }
            }
            "quiet" => ItemKind::Quiet(self.length(value)?),
            _ => {
                let items = self.items(value, "`offline`");
                ItemKind::Offline(items, Box::new(self.connection_options(node)))
            }
        })
    }

    /// `{ name: rig.LIST }`
    fn element(&mut self, node: &Node) -> Option<(Spanned<String>, Spanned<String>)> {
        let members = self.map(node, "`for each`")?;
        let [(key, value)] = members else {
            let title = "`for each` goes over one list";
            self.say(Mistake::WrongShape, node.span, title, "expected `{ name: rig.LIST }`");
            return None;
        };
        self.check_name(&key.text, key.span);
        let path = self.rig_value(value)?;
        let name = Spanned { value: key.text.clone(), span: key.span };
        Some((name, path))
    }

    /// `A -> B: Action` without an answer, `station drops` or `csms drops`.
    fn forbidden(&mut self, node: &Node) -> Option<Forbidden> {
        let drops = |text: &str| match text {
            "station drops" => Some(Party::Station),
            "csms drops" => Some(Party::Csms),
            _ => None,
        };
        let forbidden = |kind| Some(Forbidden { span: node.span, kind });
        if let NodeKind::Scalar { text, .. } = &node.kind {
            if let Some(party) = drops(text) {
                return forbidden(ForbiddenKind::Drops(party));
            }
            self.stranger(
                Mistake::UnknownStep,
                node.span,
                text,
                "an event",
                PARTY_HEADS[..2].iter().chain(&PARTY_HEADS[7..9]).copied(),
            );
            return None;
        }
        let members = self.map(node, "an event")?;
        let head = members.iter().find(|(key, _)| key.text.contains("->") || drops(&key.text).is_some());
        let Some((key, value)) = head else {
            let known = ["station -> csms", "csms -> station", "station drops", "csms drops"];
            let (word, span) = members.first().map_or(("", node.span), |(key, _)| (key.text.as_str(), key.span));
            self.stranger(Mistake::UnknownStep, span, word, "an event", known);
            return None;
        };
        if let Some(party) = drops(&key.text) {
            self.has_keys(node, "this event", &[&key.text]);
            return forbidden(ForbiddenKind::Drops(party));
        }
        self.has_keys(node, "this event", &[&key.text, "fields"]);
        let (from, _) = self.parties(key)?;
        let action = self.spanned(value, "the action")?;
        if action.value == "*" {
            let fields = node.member("fields");
            if let Some(fields) = fields {
                let title = "fields of no message";
                self.say(Mistake::Contradiction, fields.span, title, "every action has fields of its own");
            }
            return forbidden(ForbiddenKind::Call { from: from.value, action: None, fields: None });
        }
        let messages = self.messages(&action, Some(from.value), false);
        let request = request_of(&messages);
        self.message.clone_from(&action.value);
        let fields = node.member("fields").and_then(|fields| self.payload(fields, &request));
        forbidden(ForbiddenKind::Call { from: from.value, action: Some(action.value), fields })
    }

    /// `optional` and `repeat`.
    fn times(&mut self, node: &Node) -> Repeat {
        self.only_one(node, &["optional", "repeat"]);
        if let Some(repeat) = node.member("repeat") {
            return self.repeat(repeat).unwrap_or(Repeat::ONCE);
        }
        match node.member("optional").and_then(|optional| self.yes_or_no(optional, "`optional`")) {
            Some(true) => Repeat { min: 0, max: 1 },
            _ => Repeat::ONCE,
        }
    }

    /// A key that says everything itself.
    fn nothing(&mut self, value: &Node, key: &str) {
        if !value.is_empty() {
            let title = format!("`{key}` has no value");
            let found = self.say(Mistake::WrongShape, value.span, title, "expected nothing here");
            found.help = Some("options stand beside it, as keys of the step".to_owned());
        }
    }
}

/// The key with its value if that is short, as the line that people know the item by.
fn head_span(key: &Key, value: &Node) -> Span {
    match value.kind {
        NodeKind::Scalar { .. } if !value.is_empty() => Span { start: key.span.start, end: value.span.end },
        _ => key.span,
    }
}
