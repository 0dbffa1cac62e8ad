//! Every constraint of every message once broken: to be walked through, not met by chance.

use std::sync::OnceLock;

use protocol::catalogue::{Catalogue, Message, Object, Type};
use protocol::generate::{self, Bytes, Mutation};
use protocol::validate::ViolationKind;
use protocol::{Role, Timestamp, Version};

use super::payload::Side;
use super::writing::{Payload, Piece, Style, array};
use crate::Act;
use crate::act::Hole;

/// A message with one constraint broken.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Negative {
    /// The version.
    pub version: Version,
    /// The action.
    pub action: &'static str,
    /// Whether it is the call, or the answer to a call of the device.
    pub side: Side,
    /// What is broken, and where.
    pub mutation: Mutation,
    /// Which of several values: below the least, above the greatest.
    pub variant: u8,
}

/// Every constraint of every message that we may send to a device of this side, or answer it with.
pub fn negatives(version: Version, device: Role) -> Vec<Negative> {
    let mut negatives = Vec::new();
    for message in Catalogue::of(version).messages() {
        if message.from.includes(device.other()) {
            collect(version, message, Side::Request, &mut negatives);
        }
        if message.from.includes(device) {
            collect(version, message, Side::Response, &mut negatives);
        }
    }
    negatives
}

/// The same, made once.
pub(super) fn all(version: Version, device: Role) -> &'static [Negative] {
    static LISTS: [OnceLock<Vec<Negative>>; 6] = [const { OnceLock::new() }; 6];
    LISTS[version as usize * 2 + usize::from(device == Role::Csms)].get_or_init(|| negatives(version, device))
}

fn collect(version: Version, message: &'static Message, side: Side, negatives: &mut Vec<Negative>) {
    let Some(object) = side.object(message) else { return };
    for mutation in generate::mutations(object) {
        for variant in 0..variants(object, &mutation) {
            let mutation = mutation.clone();
            negatives.push(Negative { version, action: &message.action, side, mutation, variant });
        }
    }
}

/// How many ends there are to go beyond.
fn variants(object: &Object, mutation: &Mutation) -> u8 {
    let has_two_ends = mutation.kind == ViolationKind::OutOfRange
        && match object.at(&mutation.path) {
            Some(Type::Integer { min, max, .. }) => min.is_some() && max.is_some(),
            Some(Type::Decimal { min, max, .. }) => min.is_some() && max.is_some(),
            _ => false,
        };
    if has_two_ends { 2 } else { 1 }
}

impl Negative {
    /// It as an act on this link: a message with this id, or an answer for the next call of this action.
    pub fn act(&self, link: usize, id: u32, now: Timestamp) -> Option<Act> {
        let message = Catalogue::of(self.version).message(self.action)?;
        let object = self.side.object(message)?;
        let choice = [self.variant];
        let (value, _) = generate::break_with(self.version, object, &self.mutation, now, &mut Bytes::new(&choice))?;
        let payload = Payload::new(value);
        let body = Piece::Payload(&payload);
        Some(match self.side {
            Side::Request => {
                let kind = if message.response.is_none() { "6" } else { "2" };
                let pieces = [Piece::Raw(kind), Piece::Hole(Hole::Id(id)), Piece::Word(self.action), body];
                Act::Send { link, text: array(&pieces, Style::default()) }
            }
            Side::Response => {
                let text = array(&[Piece::Raw("3"), Piece::Hole(Hole::Asked), body], Style::default());
                Act::Answer { link, action: Some(self.action.to_owned()), text: Some(text), times: 1 }
            }
        })
    }
}
