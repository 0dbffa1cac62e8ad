//! What there is to know about a fault.

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
    /// Who is expected to notice it.
    pub noticed_by: NoticedBy,
    breaks_16: Option<&'static str>,
    breaks_201: Option<&'static str>,
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
    /// The statement of the specification that it breaks in this version; `None` if the peers of the version
    /// cannot have it.
    pub fn breaks(&self, version: Version) -> Option<&'static str> {
        match version {
            Version::V16 => self.breaks_16,
            Version::V201 => self.breaks_201,
            Version::V21 => None,
        }
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
        FaultInfo { noticed_by: NoticedBy::Streams, ..self }
    }
}

pub(super) const fn in_16(side: Role, id: &'static str, breaks: &'static str, sentence: &'static str) -> FaultInfo {
    let noticed_by = NoticedBy::Suite;
    FaultInfo { id, sentence, side, noticed_by, breaks_16: Some(breaks), breaks_201: None }
}

pub(super) const fn in_201(side: Role, id: &'static str, breaks: &'static str, sentence: &'static str) -> FaultInfo {
    let noticed_by = NoticedBy::Suite;
    FaultInfo { id, sentence, side, noticed_by, breaks_16: None, breaks_201: Some(breaks) }
}

pub(super) const fn in_both(
    side: Role,
    id: &'static str,
    breaks_16: &'static str,
    breaks_201: &'static str,
    sentence: &'static str,
) -> FaultInfo {
    let noticed_by = NoticedBy::Suite;
    FaultInfo { id, sentence, side, noticed_by, breaks_16: Some(breaks_16), breaks_201: Some(breaks_201) }
}
