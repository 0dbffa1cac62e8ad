//! Values that have tripped implementations, each once in a field where a message has one of its kind: to be walked
//! through, not met by chance.

use std::sync::OnceLock;

use protocol::catalogue::{Message, Type};
use protocol::generate::{one_in, pick};
use serde_json::json;

use super::payload::{Side, paths};
use super::writing::{Odd, Payload, Piece, Style, array};
use super::{Maker, by_turns, messages, odd, text};
use crate::Act;
use crate::act::{Hole, Text};

/// A value, and the kind of field that it belongs into.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    place: Place,
    value: Odd,
    /// Bytes that are no UTF-8, which come in the place of the value.
    bytes: Option<&'static [u8]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Text,
    Number,
    Time,
    Word,
    Any,
}

/// How many messages are looked at for a field of the kind.
const TRIES: usize = 12;

/// All of them, the kinds by turns.
pub(super) fn all() -> &'static [Shape] {
    static ALL: OnceLock<Vec<Shape>> = OnceLock::new();
    ALL.get_or_init(|| by_turns(kinds()))
}

fn kinds() -> Vec<Vec<Shape>> {
    let repeated = |unit: &str, counts: &[usize]| counts.iter().map(|count| unit.repeat(*count)).collect::<Vec<_>>();
    let nested: Vec<String> = [5000, 120, 500, 50, 1200].into_iter().map(odd::nested).collect();
    let mut kinds = vec![
        raw(Place::Text, odd::RAW_TEXTS),
        values(Place::Text, odd::TEXTS),
        values(Place::Text, &repeated("A", &[2000, 51, 256, 300, 1024, 20_000])),
        raw(Place::Number, odd::NUMBERS),
        raw(Place::Number, &repeated("7", &[5000, 20, 310, 1000])),
        raw(Place::Any, &nested),
        values(Place::Word, &["NoSuchValue", "", "accepted", "constructor", "__proto__"]),
        raw(Place::Any, text::NO_VALUES),
        text::NO_UTF8.iter().map(|bytes| Shape::unreadable(bytes)).collect(),
    ];
    kinds.extend(odd::TIMES.iter().map(|times| values(Place::Time, times)));
    kinds
}

fn values(place: Place, texts: &[impl AsRef<str>]) -> Vec<Shape> {
    let shape = |text: &str| Shape { place, value: Odd::Value(json!(text)), bytes: None };
    texts.iter().map(|text| shape(text.as_ref())).collect()
}

fn raw(place: Place, texts: &[impl AsRef<str>]) -> Vec<Shape> {
    let shape = |text: &str| Shape { place, value: Odd::Raw(text.to_owned()), bytes: None };
    texts.iter().map(|text| shape(text.as_ref())).collect()
}

impl Shape {
    fn unreadable(bytes: &'static [u8]) -> Shape {
        Shape { place: Place::Text, value: Odd::Raw(text::MARK.to_owned()), bytes: Some(bytes) }
    }

    /// As it is seen in the text of a message.
    #[cfg(test)]
    pub(super) fn shown(&self) -> String {
        match (self.bytes, &self.value) {
            (Some(bytes), _) => String::from_utf8_lossy(bytes).into_owned(),
            (None, Odd::Value(value)) => value.to_string(),
            (None, Odd::Raw(text)) => text.clone(),
        }
    }

    /// The text of a message that holds the value.
    fn written(&self, text: Text) -> Text {
        match self.bytes {
            Some(bytes) => text::replace(text, text::MARK.as_bytes(), bytes),
            None => text,
        }
    }
}

impl Place {
    fn takes(self, ty: &Type) -> bool {
        match self {
            Place::Text => matches!(ty, Type::String { .. }),
            Place::Number => matches!(ty, Type::Integer { .. } | Type::Decimal { .. }),
            Place::Time => matches!(ty, Type::DateTime),
            Place::Word => matches!(ty, Type::Enum(_)),
            Place::Any => true,
        }
    }
}

impl Maker<'_, '_> {
    /// The value of this number, counted round, in a call or in an answer that is plain otherwise.
    pub(super) fn shape(&mut self, number: usize) -> Act {
        let all = all();
        let Some(shape) = all.get(number % all.len().max(1)) else { return self.plain_act() };
        for _ in 0..TRIES {
            let side = if one_in(3, self.choices) { Side::Response } else { Side::Request };
            if let Some(act) = self.shaped(shape, side) {
                return act;
            }
        }
        self.plain_act()
    }

    fn shaped(&mut self, shape: &Shape, side: Side) -> Option<Act> {
        match side {
            Side::Request => {
                let message = self.message();
                let payload = self.holding(shape, message, side)?;
                Some(Act::Send { link: self.link(), text: shape.written(self.call(message, &payload)) })
            }
            Side::Response => {
                let list = messages::incoming(self.view.version, self.view.device);
                let message = pick(list, self.choices).copied()?;
                let payload = self.holding(shape, message, side)?;
                let cause = self.cause(0, message)?;
                self.memory.queue.push_back(cause);
                let pieces = [Piece::Raw("3"), Piece::Hole(Hole::Asked), Piece::Payload(&payload)];
                let text = shape.written(array(&pieces, Style::default()));
                Some(Act::Answer { link: 0, action: Some(message.action.clone()), text: Some(text), times: 1 })
            }
        }
    }

    /// A payload with the value in a field of its kind, if it has one.
    fn holding(&mut self, shape: &Shape, message: &Message, side: Side) -> Option<Payload> {
        let object = side.object(message)?;
        let mut payload = if one_in(2, self.choices) { self.plain(message, side) } else { self.valid(message, side) };
        let fits = |path: &String| object.at(path).is_some_and(|ty| shape.place.takes(ty));
        let paths: Vec<String> = paths(&payload.value).into_iter().filter(fits).collect();
        let path = pick(&paths, self.choices)?;
        payload.put(path, shape.value.clone());
        Some(payload)
    }
}
