//! The array around the payload (L3): type, id, arity, action, error codes, answers that nobody asked for.

use protocol::catalogue::{Catalogue, Message};
use protocol::generate::{one_in, pick};
use protocol::{Version, errors};
use serde_json::{Value, json};

use super::payload::Side;
use super::writing::{Payload, Piece, Style, array};
use super::{Maker, messages, text};
use crate::Act;
use crate::act::{Hole, Text};

/// Message types that are none, or not written as they should be.
const TYPES: &[&str] = &[
    "\"2\"",
    "2.0",
    "5",
    "6",
    "1",
    "7",
    "99",
    "-1",
    "0",
    "2e0",
    "null",
    "true",
    "\"CALL\"",
    "[2]",
    "{}",
    "4294967298",
    "9223372036854775808",
    "2.5",
    "02",
    "\"\"",
    "-2",
    "1e400",
    "3.0",
];

/// Actions that no version has, or that mean something else somewhere.
const ACTIONS: &[&str] = &[
    "constructor",
    "__proto__",
    "toString",
    "hasOwnProperty",
    "valueOf",
    "prototype",
    "__class__",
    "__init__",
    "",
    " ",
    "heartbeat",
    "HEARTBEAT",
    "Heartbeat ",
    " Heartbeat",
    "Heartbeat\u{0}",
    "Heartbeat\n",
    "HeartbeatRequest",
    "HeartbeatResponse",
    "Неartbeat",
    "../Heartbeat",
    "Heartbeat;",
    "null",
    "No\"Such",
    "\\",
    "{\"a\":",
    "on",
    "default",
    "%s%s%n",
    "'",
    "é🔌",
];

/// Ids that are none, or surprise.
const IDS: &[&str] = &[
    "1",
    "1.5",
    "-1",
    "0",
    "null",
    "true",
    "{}",
    "[]",
    "\"\"",
    "\" \"",
    "\"constructor\"",
    "\"__proto__\"",
    "\"-1\"",
    "\"null\"",
    "\"\\u0000\"",
    "\"a\\u0000b\"",
    "\"\\\"\"",
    "\"é🔌電\"",
    "\"\\ud800\"",
    "9223372036854775808",
    "1e400",
    "[\"id\"]",
    "{\"id\":1}",
    "\"'\"",
    "\"%s%n\"",
    "\"<b>\"",
    "\"1\"",
    "\"007\"",
    "\"AbC-dEf\"",
    "\" padded \"",
    "\"line\\n\"",
];

/// Actions that are no texts.
const NO_ACTIONS: &[&str] = &["{}", "[]", "null", "1", "true", "2.5", "[\"Heartbeat\"]"];

/// How many arrays [`Maker::arity`] can make.
const ARITIES: usize = 12;
/// How many texts that answer nothing [`Maker::odd_answer_to`] can make.
const ANSWERS: usize = 7;
/// How many messages of other versions [`Maker::newer_type`] can make.
const NEWER: usize = 4;

/// Payloads that are no objects, or have nothing in them.
const PAYLOADS: &[&str] =
    &["{}", "null", "[]", "\"\"", "\"{}\"", "1", "true", "[{}]", "{\"\":null}", "[null]", "1e400"];

impl Maker<'_, '_> {
    /// A message with something wrong around its payload.
    pub(super) fn envelope_act(&mut self) -> Act {
        let link = self.link();
        let text = match self.choices.choose(12) {
            0 => self.odd_type(),
            1 | 2 => self.odd_id(),
            3 => self.twice(),
            4 => self.odd_arity(),
            5 | 6 => self.odd_action(),
            7 => self.wrong_way(),
            8 | 9 => self.unsolicited(),
            10 => self.newer_types(),
            _ => self.odd_payload(),
        };
        Act::Send { link, text }
    }

    fn id(&mut self) -> Piece<'static> {
        Piece::Hole(Hole::Id(self.memory.next_id()))
    }

    /// The oddity of this number, counted round: each kind of mistake in the array around a payload comes once.
    pub(super) fn oddity(&mut self, number: usize) -> Act {
        let kinds = [
            TYPES.len(),
            IDS.len(),
            ACTIONS.len(),
            NO_ACTIONS.len(),
            PAYLOADS.len(),
            ARITIES,
            ANSWERS,
            NEWER,
            text::NOTHINGS.len(),
            messages::incoming(self.view.version, self.view.device).len(),
        ];
        let mut at = number % kinds.iter().sum::<usize>();
        let mut kind = 0;
        while at >= kinds[kind] {
            at -= kinds[kind];
            kind += 1;
        }
        let text = match kind {
            0 => self.with_type(TYPES[at]),
            1 => self.with_id(IDS[at]),
            2 => self.with_action(Piece::Word(ACTIONS[at])),
            3 => self.with_action(Piece::Raw(NO_ACTIONS[at])),
            4 => self.with_payload(PAYLOADS[at]),
            5 => self.arity(at),
            6 => {
                let id = self.id();
                self.odd_answer_to(at, id)
            }
            7 => self.newer_type(at),
            8 => Text::bytes(text::NOTHINGS[at]),
            _ => self.of_the_device(messages::incoming(self.view.version, self.view.device)[at]),
        };
        Act::Send { link: 0, text }
    }

    fn odd_type(&mut self) -> Text {
        let ty = pick(TYPES, self.choices).copied().unwrap_or("1");
        self.with_type(ty)
    }

    fn with_type(&mut self, ty: &str) -> Text {
        let (id, message) = (self.id(), self.message());
        let payload = self.plain(message, Side::Request);
        array(&[Piece::Raw(ty), id, Piece::Word(&message.action), Piece::Payload(&payload)], Style::default())
    }

    fn odd_id(&mut self) -> Text {
        let long = match self.choices.choose(6) {
            0 => "x".repeat(36),
            1 => "x".repeat(37),
            2 => "🔌".repeat(36),
            3 => "x".repeat(256),
            4 => "y".repeat(10_000),
            _ => "é".repeat(37),
        };
        let long = Value::from(long).to_string();
        let id = if one_in(3, self.choices) { &long } else { pick(IDS, self.choices).copied().unwrap_or("1") };
        self.with_id(id)
    }

    fn with_id(&mut self, id: &str) -> Text {
        let message = self.message();
        let payload = self.plain(message, Side::Request);
        let pieces = [Piece::Raw("2"), Piece::Raw(id), Piece::Word(&message.action), Piece::Payload(&payload)];
        array(&pieces, Style::default())
    }

    /// The id of the message before.
    fn twice(&mut self) -> Text {
        let (id, message) = (self.memory.next_id(), self.message());
        let payload = self.plain(message, Side::Request);
        let text = self.call_as(id, message, &payload, Style::default());
        let other = self.message();
        let payload = self.plain(other, Side::Request);
        let second = self.call_as(id, other, &payload, Style::default());
        let link = self.link();
        self.memory.queue.push_back(Act::Send { link, text: second });
        text
    }

    fn odd_arity(&mut self) -> Text {
        let kind = self.choices.choose(ARITIES as u64) as usize;
        self.arity(kind)
    }

    fn arity(&mut self, kind: usize) -> Text {
        let (id, message) = (self.id(), self.message());
        let payload = self.plain(message, Side::Request);
        let action = || Piece::Word(&message.action);
        let body = || Piece::Payload(&payload);
        let two = || Piece::Raw("2");
        let pieces = match kind {
            0 => vec![two(), id, action()],
            1 => vec![two(), id, action(), body(), Piece::Raw("{}")],
            2 => vec![two(), id],
            3 => vec![two()],
            4 => vec![],
            5 => vec![two(), action(), body()],
            6 => vec![two(), id, body()],
            7 => vec![two(), id, body(), action()],
            8 => vec![two(), id, action(), body(), Piece::Raw("null"), Piece::Raw("null")],
            9 => vec![Piece::Raw("[2,\"nested\",\"Heartbeat\",{}]")],
            10 => return Text::from("{\"0\":2,\"1\":\"x\",\"2\":\"Heartbeat\",\"3\":{},\"length\":4}"),
            _ => {
                let mut pieces = vec![two(), id, action(), body()];
                pieces.extend(std::iter::repeat_n(Piece::Raw("0"), 1000));
                pieces
            }
        };
        array(&pieces, Style::default())
    }

    fn odd_action(&mut self) -> Text {
        let long = "A".repeat(if one_in(4, self.choices) { 10_000 } else { 300 });
        if one_in(5, self.choices) {
            let raw = pick(NO_ACTIONS, self.choices).copied().unwrap_or("{}");
            return self.with_action(Piece::Raw(raw));
        }
        let action = if one_in(10, self.choices) { &long } else { pick(ACTIONS, self.choices).copied().unwrap_or("") };
        self.with_action(Piece::Word(action))
    }

    fn with_action(&mut self, action: Piece<'_>) -> Text {
        let id = self.id();
        array(&[Piece::Raw("2"), id, action, Piece::Raw("{}")], Style::default())
    }

    /// A message of the device itself, or of another version.
    fn wrong_way(&mut self) -> Text {
        if one_in(2, self.choices) {
            let id = self.id();
            let other = pick(&Version::ALL, self.choices).copied().unwrap_or(Version::V16);
            let messages = Catalogue::of(other).messages();
            let Some(message) = pick(messages, self.choices) else { return Text::default() };
            let payload = Payload::new(protocol::generate::minimal_at(other, &message.request, self.view.now));
            let pieces = [Piece::Raw("2"), id, Piece::Word(&message.action), Piece::Payload(&payload)];
            return array(&pieces, Style::default());
        }
        let list = messages::incoming(self.view.version, self.view.device);
        pick(list, self.choices).copied().map_or_else(Text::default, |message| self.of_the_device(message))
    }

    /// A call that only the device makes.
    fn of_the_device(&mut self, message: &Message) -> Text {
        let id = self.id();
        let payload = self.plain(message, Side::Request);
        array(&[Piece::Raw("2"), id, Piece::Word(&message.action), Piece::Payload(&payload)], Style::default())
    }

    /// An answer that nobody asked for, or that was given already.
    fn unsolicited(&mut self) -> Text {
        let old = self.memory.ids;
        let id = match self.choices.choose(6) {
            0 => Piece::Raw("\"nobody asked\""),
            1 => Piece::Hole(Hole::Asked),
            // An id of our own call.
            2 => Piece::Hole(Hole::Id(1 + self.choices.choose(u64::from(old)) as u32)),
            3 => Piece::Raw(pick(IDS, self.choices).copied().unwrap_or("1")),
            4 => Piece::Raw("\"-1\""),
            _ => self.id(),
        };
        // The plainest is most likely.
        let kind = self.choices.choose(10).saturating_sub(2) as usize;
        self.odd_answer_to(kind.min(ANSWERS - 1), id)
    }

    fn odd_answer_to(&mut self, kind: usize, id: Piece<'_>) -> Text {
        let list = messages::incoming(self.view.version, self.view.device);
        let payload = match pick(list, self.choices).copied() {
            Some(message) => self.plain(message, Side::Response),
            None => Payload::new(json!({})),
        };
        let code = pick(errors::codes(self.view.version), self.choices).copied().unwrap_or("InternalError");
        let pieces = match kind {
            0 => vec![Piece::Raw("3"), id, Piece::Payload(&payload)],
            1 => vec![Piece::Raw("4"), id, Piece::Word(code), Piece::Word("it did not work"), Piece::Raw("{}")],
            2 => vec![Piece::Raw("4"), id, Piece::Raw("null"), Piece::Raw("null"), Piece::Raw("null")],
            3 => vec![Piece::Raw("4"), Piece::Raw("[]"), Piece::Word("InternalError"), Piece::Word("d")],
            4 => vec![Piece::Raw("3")],
            5 => vec![Piece::Raw("4"), id],
            _ => vec![Piece::Raw("3"), id, Piece::Raw("\"\"")],
        };
        array(&pieces, Style::default())
    }

    /// The types that 2.1 has.
    fn newer_types(&mut self) -> Text {
        let kind = self.choices.choose(NEWER as u64) as usize;
        self.newer_type(kind)
    }

    fn newer_type(&mut self, kind: usize) -> Text {
        let (id, message) = (self.id(), self.message());
        let payload = self.plain(message, Side::Request);
        let pieces = match kind {
            0 => vec![Piece::Raw("5"), id, Piece::Word("InternalError"), Piece::Word(""), Piece::Raw("{}")],
            1 => vec![Piece::Raw("6"), id, Piece::Word(&message.action), Piece::Payload(&payload)],
            2 => vec![Piece::Raw("6"), id, Piece::Word("NoSuchAction"), Piece::Raw("{}")],
            _ => vec![Piece::Raw("5"), id],
        };
        array(&pieces, Style::default())
    }

    fn odd_payload(&mut self) -> Text {
        let raw = pick(PAYLOADS, self.choices).copied().unwrap_or("null");
        self.with_payload(raw)
    }

    fn with_payload(&mut self, raw: &str) -> Text {
        let (id, message) = (self.id(), self.message());
        array(&[Piece::Raw("2"), id, Piece::Word(&message.action), Piece::Raw(raw)], Style::default())
    }
}
