//! Verdicts, whether they were expected, and the exit code.

use serde::{Deserialize, Serialize};

/// What a case says about a device. Ordered: of several plans of a case the worst counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The device lacks what the case is about, by its own statement.
    NotApplicable,
    /// Everything was as required.
    Pass,
    /// Passed, but something the specification only recommends was missed.
    Warn,
    /// The preamble, the rig or the operator did not get us there.
    Inconclusive,
    /// Our own fault.
    Error,
    /// The device broke a rule.
    Fail,
}

impl Verdict {
    /// The word used in reports and events.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::NotApplicable => "not_applicable",
            Verdict::Pass => "pass",
            Verdict::Warn => "warn",
            Verdict::Inconclusive => "inconclusive",
            Verdict::Error => "error",
            Verdict::Fail => "fail",
        }
    }
}

/// Whether a verdict was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// As it should be, or listed as an expected failure.
    Expected,
    /// Not as it should be, or a listed failure that did not happen.
    Unexpected,
}

/// How many results of each verdict a run had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Passed.
    pub pass: usize,
    /// Passed with a warning.
    pub warn: usize,
    /// The device broke a rule.
    pub fail: usize,
    /// Could not be judged.
    pub inconclusive: usize,
    /// Not applicable to this device.
    pub not_applicable: usize,
    /// Our own fault.
    pub error: usize,
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, verdict: Verdict) {
        *match verdict {
            Verdict::Pass => &mut self.pass,
            Verdict::Warn => &mut self.warn,
            Verdict::Fail => &mut self.fail,
            Verdict::Inconclusive => &mut self.inconclusive,
            Verdict::NotApplicable => &mut self.not_applicable,
            Verdict::Error => &mut self.error,
        } += 1;
    }

    /// All of them.
    pub fn total(self) -> usize {
        self.pass + self.warn + self.fail + self.inconclusive + self.not_applicable + self.error
    }
}

/// What the process says to the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Everything as expected.
    Conforming = 0,
    /// The device failed something, or a listed failure did not happen.
    DeviceFailed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// A case or rig file is invalid.
    InvalidFile = 3,
    /// Nothing was selected.
    NothingSelected = 4,
    /// Something could not be judged, and nothing failed: a scheduler may try again.
    NotJudged = 5,
    /// A load threshold was crossed.
    ThresholdCrossed = 6,
    /// Interrupted; reports are written all the same.
    Interrupted = 130,
}
