//! What a result is called, from its verdict and whether that was expected.

use anstyle::{AnsiColor, Style};
use verdict::{CaseResult, JunitKind, Verdict, junit_mapping};

/// What a result is to somebody who reads a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Status {
    Fail,
    UnexpectedPass,
    UnexpectedWarning,
    Error,
    Inconclusive,
    Warn,
    Pass,
    ExpectedFailure,
    NotApplicable,
}

impl Status {
    pub(crate) const ALL: [Status; 9] = [
        Status::Fail,
        Status::UnexpectedPass,
        Status::UnexpectedWarning,
        Status::Error,
        Status::Inconclusive,
        Status::Warn,
        Status::Pass,
        Status::ExpectedFailure,
        Status::NotApplicable,
    ];

    pub(crate) fn of(result: &CaseResult) -> Status {
        match (junit_mapping(result.verdict, result.standing), result.verdict) {
            (JunitKind::Failure, Verdict::Pass) => Status::UnexpectedPass,
            (JunitKind::Failure, Verdict::Warn) => Status::UnexpectedWarning,
            (JunitKind::Failure, _) => Status::Fail,
            (JunitKind::Error, Verdict::Inconclusive) => Status::Inconclusive,
            (JunitKind::Error, _) => Status::Error,
            (JunitKind::Skipped(_), Verdict::NotApplicable) => Status::NotApplicable,
            (JunitKind::Skipped(_), _) => Status::ExpectedFailure,
            (JunitKind::Passed, Verdict::Warn) => Status::Warn,
            (JunitKind::Passed, _) => Status::Pass,
        }
    }

    /// Whether it is told in full.
    pub(crate) fn is_bad(self) -> bool {
        matches!(self, Status::Fail | Status::UnexpectedPass | Status::UnexpectedWarning | Status::Error)
    }

    /// In capitals, at most 12 characters.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Status::Fail => "FAIL",
            Status::UnexpectedPass => "XPASS",
            Status::UnexpectedWarning => "XWARN",
            Status::Error => "ERROR",
            Status::Inconclusive => "INCONCLUSIVE",
            Status::Warn => "WARN",
            Status::Pass => "PASS",
            Status::ExpectedFailure => "XFAIL",
            Status::NotApplicable => "N/A",
        }
    }

    /// In words, behind a number.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Status::Fail => "failed",
            Status::UnexpectedPass => "passed unexpectedly",
            Status::UnexpectedWarning => "with unexpected warnings",
            Status::Error => "with an error",
            Status::Inconclusive => "inconclusive",
            Status::Warn => "passed with warnings",
            Status::Pass => "passed",
            Status::ExpectedFailure => "failed as expected",
            Status::NotApplicable => "not applicable",
        }
    }

    /// As a name for machines and style sheets.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Status::Fail => "fail",
            Status::UnexpectedPass => "unexpected-pass",
            Status::UnexpectedWarning => "unexpected-warning",
            Status::Error => "error",
            Status::Inconclusive => "inconclusive",
            Status::Warn => "warn",
            Status::Pass => "pass",
            Status::ExpectedFailure => "expected-failure",
            Status::NotApplicable => "not-applicable",
        }
    }

    pub(crate) fn style(self) -> Style {
        let colour = match self {
            Status::Fail | Status::UnexpectedPass | Status::UnexpectedWarning => AnsiColor::Red,
            Status::Error => AnsiColor::Magenta,
            Status::Inconclusive | Status::Warn => AnsiColor::Yellow,
            Status::Pass => AnsiColor::Green,
            Status::ExpectedFailure | Status::NotApplicable => return Style::new().dimmed(),
        };
        colour.on_default().bold()
    }
}
