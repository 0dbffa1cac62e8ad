//! What happens in a run, as values: everything a verdict rests on, and everything a reporter consumes.

use std::collections::{BTreeMap, BTreeSet};

use protocol::stimulus::Stimulus;
use protocol::{Role, Timestamp, Version};
use serde::{Deserialize, Serialize};

use crate::{CaseResult, Counts, Deed, FaultResult, Finding};

/// Which way bytes went, seen from us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the device under test to us.
    FromDevice,
    /// From us to the device under test.
    ToDevice,
}

/// Something that happened while a plan was played.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// The kinds of [`Event`]. Text that is not UTF-8 keeps its bytes in `base64`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// A WebSocket link to the device is open.
    Opened {
        /// The station's identity on this link.
        identity: String,
        /// What the station offered.
        offered: Vec<String>,
        /// The subprotocol agreed on.
        subprotocol: Option<String>,
    },
    /// A handshake did not lead to a link.
    Refused {
        /// The station's identity.
        identity: String,
        /// The HTTP status, where one was seen.
        status: Option<u16>,
        /// What happened, in words.
        reason: String,
    },
    /// A text message.
    Text {
        /// Which way.
        direction: Direction,
        /// The text; replacement characters where it was not UTF-8.
        text: String,
        /// The exact bytes, only where they are not UTF-8.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        base64: Option<String>,
    },
    /// A binary message.
    Binary {
        /// Which way.
        direction: Direction,
        /// The bytes, cut at 64 KiB.
        base64: String,
        /// How many there were.
        length: usize,
    },
    /// A ping or a pong.
    Control {
        /// Which way.
        direction: Direction,
        /// `ping` or `pong`.
        name: String,
    },
    /// The link ended.
    Closed {
        /// Who ended it.
        by: Direction,
        /// The close code, where there was a close frame.
        code: Option<u16>,
        /// In words: clean close, reset, cut in the middle of a frame.
        reason: String,
    },
    /// A rule of RFC 6455 or of the handshake that the device broke.
    WireFinding {
        /// The rule: `RFC 6455 5.2`, `R-075`.
        rule: String,
        /// Its short name: `unmasked-frame`.
        id: String,
        /// What was seen.
        text: String,
        /// Whether the rule is beyond doubt.
        certain: bool,
    },
    /// A stimulus was given to the device.
    Stimulus {
        /// Which.
        stimulus: Stimulus,
    },
    /// A stimulus was confirmed by its driver, or could not be given.
    StimulusDone {
        /// The verb.
        verb: String,
        /// Why it could not be given.
        failure: Option<String>,
        /// Whether the device can never be made to do it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        undrivable: bool,
        /// Fields that did not survive the way.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        not_carried: Vec<String>,
    },
    /// Something was looked for outside the wire.
    Observed {
        /// What was asked.
        verb: String,
        /// Whether it was so; nothing if that cannot be told.
        seen: Option<bool>,
    },
    /// The play of a plan began: what it depends on beside the case and the device.
    Begun {
        /// Plans with the same number follow each other on one link and one memory of the device.
        session: u64,
        /// What message ids of ours begin with.
        prefix: String,
        /// The identity of the station.
        identity: String,
        /// Whether background traffic is a warning.
        strict: bool,
        /// Whether every combination of choices is taken.
        product: bool,
        /// What the device can be made to do: `send`, `plug in`.
        drivable: Vec<String>,
        /// Fields of a call, by its action, that do not survive the way to the device.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        not_carried: BTreeMap<String, Vec<String>>,
        /// Tokens that a CSMS has let charge earlier in the run, and that charge no longer.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        charged: BTreeSet<String>,
        /// What the rig says of the device.
        rig: serde_json::Value,
    },
    /// A deadline or a wait ran out.
    Tick,
    /// A step of the case was reached, matched, passed over, or its block began.
    Step {
        /// Where in the file: line number from 1.
        line: usize,
        /// The file.
        path: String,
        /// `sent`, `matched`, `answered`, `passed over`, `waiting`.
        what: String,
    },
    /// A procedure did something that the rules of the conversation depend on.
    Deed {
        /// What.
        #[serde(flatten)]
        deed: Deed,
    },
    /// A message was taken as background traffic.
    Background {
        /// Its action.
        action: String,
    },
    /// Anything worth knowing that has no kind of its own.
    Note {
        /// In words.
        text: String,
    },
}

/// One play of a case: the case, the side of the device, the version, and one answer to every choice of ours.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlanId {
    /// The id of the case.
    pub case: String,
    /// The side of the device under test.
    pub device: Role,
    /// The version played.
    pub ocpp: Version,
    /// Which of our choices, counted from 0; 0 takes every first option.
    pub variant: usize,
    /// The name of the embedded device's configuration, empty for a real device.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub configuration: String,
}

/// What a run tells its reporters, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum RunEvent {
    /// The run begins.
    RunStarted {
        /// The version of this program.
        plugfest: String,
        /// The seed of everything random.
        seed: u64,
        /// The version of this event format.
        format: u32,
        /// How many case results (case × device × version × configuration) are to come.
        selected: usize,
        /// When.
        at: Timestamp,
    },
    /// A plan begins to be played.
    PlanStarted {
        /// Which.
        plan: PlanId,
        /// Its title, for progress.
        title: String,
        /// When.
        at: Timestamp,
    },
    /// Something happened in it (only the trace keeps these).
    Happened {
        /// In which plan.
        plan: PlanId,
        /// What.
        happened: Event,
    },
    /// A case has its verdict: the worst of its plans.
    CaseFinished(Box<CaseResult>),
    /// A stream found something.
    Finding(Box<Finding>),
    /// A seeded fault was put before the suite.
    FaultFinished(Box<FaultResult>),
    /// The run is over.
    RunFinished {
        /// How many of each verdict.
        counts: Counts,
        /// How long it took, in milliseconds.
        duration_ms: u64,
        /// What the process will say to the shell.
        exit_code: u8,
        /// Whether it was interrupted.
        #[serde(default)]
        interrupted: bool,
    },
}
