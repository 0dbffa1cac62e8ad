//! What there is to know about a fault.

use protocol::statements::statement;
use protocol::{Role, Version};

/// What there is to know about a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultInfo {
    /// Its name: `station-…` or `csms-…`.
    pub id: &'static str,
    /// What the defective device does, as a sentence.
    pub sentence: &'static str,
    /// The peer that can have it.
    pub side: Role,
    breaks_16: Option<&'static str>,
    breaks_201: Option<&'static str>,
    pub(super) also: &'static [&'static str],
    left_16: bool,
    left_201: bool,
}

/// Who is expected to notice a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticedBy {
    /// The cases that are written down.
    Suite,
    /// The streams of generated messages: no sensible case would look for it.
    Streams,
}

impl FaultInfo {
    /// The statement of the specification that it is about in this version; `None` if the peers of the version
    /// cannot have it.
    pub fn breaks(&self, version: Version) -> Option<&'static str> {
        match version {
            Version::V16 => self.breaks_16,
            Version::V201 => self.breaks_201,
            Version::V21 => None,
        }
    }

    /// Every statement that what it does breaks in this version: whoever names one of them is right.
    pub fn all_broken(&self, version: Version) -> Vec<&'static str> {
        let Some(breaks) = self.breaks(version) else { return Vec::new() };
        let binds = |id: &&str| {
            statement(id).is_some_and(|statement| statement.is_of(version) && statement.side.includes(self.side))
        };
        let also = self.also.iter().copied().filter(|id| *id != breaks).filter(binds);
        std::iter::once(breaks).chain(also).collect()
    }

    /// Who is expected to notice it in this version.
    pub fn noticed_by(&self, version: Version) -> NoticedBy {
        let left = if version == Version::V16 { self.left_16 } else { self.left_201 };
        if left { NoticedBy::Streams } else { NoticedBy::Suite }
    }

    /// The versions whose peers can have it.
    pub fn versions(&self) -> impl Iterator<Item = Version> + use<> {
        let info = *self;
        Version::ALL.into_iter().filter(move |version| info.is_of(*version))
    }

    /// Whether the peers of this version can have it.
    pub fn is_of(&self, version: Version) -> bool {
        self.breaks(version).is_some()
    }

    /// The same fault, left to the streams.
    pub(super) const fn left_to_streams(self) -> FaultInfo {
        FaultInfo { left_16: true, left_201: true, ..self }
    }

    /// The same fault, left to the streams in 1.6.
    pub(super) const fn left_to_streams_in_16(self) -> FaultInfo {
        FaultInfo { left_16: true, ..self }
    }

    /// The same fault, left to the streams in 2.0.1.
    pub(super) const fn left_to_streams_in_201(self) -> FaultInfo {
        FaultInfo { left_201: true, ..self }
    }

    /// The same fault, which breaks these statements, too, as far as they bind its side in the version.
    pub(super) const fn also(self, also: &'static [&'static str]) -> FaultInfo {
        FaultInfo { also, ..self }
    }
}

const fn info(
    side: Role,
    id: &'static str,
    breaks_16: Option<&'static str>,
    breaks_201: Option<&'static str>,
    sentence: &'static str,
) -> FaultInfo {
    FaultInfo { id, sentence, side, breaks_16, breaks_201, also: &[], left_16: false, left_201: false }
}

pub(super) const fn in_16(side: Role, id: &'static str, breaks: &'static str, sentence: &'static str) -> FaultInfo {
    info(side, id, Some(breaks), None, sentence)
}

pub(super) const fn in_201(side: Role, id: &'static str, breaks: &'static str, sentence: &'static str) -> FaultInfo {
    info(side, id, None, Some(breaks), sentence)
}

pub(super) const fn in_both(
    side: Role,
    id: &'static str,
    breaks_16: &'static str,
    breaks_201: &'static str,
    sentence: &'static str,
) -> FaultInfo {
    info(side, id, Some(breaks_16), Some(breaks_201), sentence)
}
