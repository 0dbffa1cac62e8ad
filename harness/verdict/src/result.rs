//! What came out of a case, a fault or a stream.

use protocol::{Role, Timestamp, Version};
use serde::{Deserialize, Serialize};

use crate::{Diagnostic, Direction, Standing, Verdict};

/// The result of one case on one device side and version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseResult {
    /// The id of the case.
    pub case: String,
    /// Its title.
    pub title: String,
    /// Its file.
    pub file: String,
    /// The folder of the catalogue: `1.6/core`.
    pub folder: String,
    /// The side of the device under test.
    pub device: Role,
    /// The version played.
    pub ocpp: Version,
    /// The name of the embedded device's configuration, empty for a real device.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub configuration: String,
    /// What it says about the device.
    pub verdict: Verdict,
    /// Whether that was expected.
    pub standing: Standing,
    /// One line: why; empty for a plain pass.
    pub reason: String,
    /// The rules broken: statement ids and names of standing oracles.
    #[serde(default)]
    pub rules: Vec<String>,
    /// Where nothing tells which rule the steps found broken: what the case proves, of which it is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<String>,
    /// Official case ids it counts for, for this side of the device.
    pub certifies: Vec<String>,
    /// Statements it traces to.
    pub traces: Vec<String>,
    /// How many plans were played.
    pub plans: usize,
    /// When it began.
    pub started: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The station's identity.
    pub identity: String,
    /// What is shown to a person; the first is the one that decided.
    pub diagnostics: Vec<Diagnostic>,
    /// Standing violations seen in it.
    pub violations: Vec<StandingViolation>,
    /// The frames around the failure, or all of a short case.
    pub transcript: Vec<TranscriptLine>,
    /// Warnings and remarks: what was not observed, what could not be undone.
    pub notes: Vec<String>,
    /// What the device says of itself, with the first result that was played on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_says: Option<String>,
    /// The command that repeats it.
    pub repeat: String,
}

/// A rule that watches every case, broken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StandingViolation {
    /// The name of the oracle: `valid-message`, `one-answer`.
    pub oracle: String,
    /// The statement it rests on.
    pub statement: String,
    /// What it is about: `BootNotification.req/chargePointVendor`. One (oracle, path) is reported once a run.
    pub path: String,
    /// What the violation amounts to: `Fail` for a MUST, `Warn` for a SHOULD or anything uncertain.
    pub verdict: Verdict,
    /// What was seen, in a sentence.
    pub sentence: String,
    /// The frame that shows it, shortened.
    pub frame: String,
    /// When.
    pub at: Timestamp,
    /// Set when another case of this run has already reported the same (oracle, path): that case's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_in: Option<String>,
}

/// A line of the conversation, for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TranscriptLine {
    /// When.
    pub at: Timestamp,
    /// Which way; absent for what is not a frame.
    pub direction: Option<Direction>,
    /// The frame or the event, shortened and redacted.
    pub text: String,
    /// Whether this is the line the failure is about.
    #[serde(default)]
    pub marked: bool,
}

/// What a stream found, after shrinking.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// A stable id.
    pub id: String,
    /// `violation`, `robustness`, `compatibility` or `ambiguous`.
    pub class: String,
    /// The oracle that noticed.
    pub oracle: String,
    /// The side of the device under test.
    pub device: Role,
    /// The version.
    pub ocpp: Version,
    /// One sentence.
    pub summary: String,
    /// How many messages it takes after shrinking.
    pub messages: usize,
    /// The command that repeats it.
    pub replay: String,
    /// The statement that it rests on, or `robustness`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rule: String,
    /// The bytes that show it, shortened.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub frame: String,
    /// The file with a page about it, if there is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub page: String,
    /// How often it showed when it was repeated.
    #[serde(default)]
    pub shown: u32,
    /// Of so many times; 0 if it was not repeated.
    #[serde(default)]
    pub tried: u32,
    /// What went over the wire when it last showed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transcript: Vec<TranscriptLine>,
}

impl Finding {
    /// Whether it makes a run red: a rule is broken, or the device is harmed.
    pub fn is_red(&self) -> bool {
        !matches!(self.class.as_str(), "compatibility" | "ambiguous")
    }

    /// Whether it did not always show, in words.
    pub fn flaky(&self) -> Option<String> {
        (self.shown < self.tried).then(|| format!("flaky: it showed {} of {} times", self.shown, self.tried))
    }
}

/// How a seeded fault fared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultResult {
    /// Its id.
    pub fault: String,
    /// The side it is in.
    pub device: Role,
    /// The version.
    pub ocpp: Version,
    /// Whether a case came where it is.
    pub reached: bool,
    /// Whether it changed what the device did.
    pub triggered: bool,
    /// Whether the suite noticed.
    pub detected: bool,
    /// By which cases or oracles.
    pub by: Vec<String>,
    /// Nobody expects the suite to notice: that is left to the streams of generated messages.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_to_streams: bool,
}

impl FaultResult {
    /// Why it is not detected; `None` if it is.
    pub fn undetected(&self) -> Option<&'static str> {
        match (self.detected, self.left_to_streams, self.reached, self.triggered) {
            (true, ..) => None,
            (_, true, ..) => Some("left to plugfest fuzz"),
            (_, _, false, _) => Some("no case comes where it is"),
            (_, _, true, false) => Some("reached, and changed nothing"),
            (_, _, true, true) => Some("triggered, and nobody noticed"),
        }
    }
}

impl CaseResult {
    /// The rules broken, those that only may be among them.
    pub fn broken(&self) -> Vec<String> {
        self.rules.iter().chain(&self.one_of).cloned().collect()
    }
}
