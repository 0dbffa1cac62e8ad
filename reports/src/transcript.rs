//! The frames around a failure, line by line.

use protocol::Role;
use verdict::{CaseResult, Direction, Finding, StandingViolation, TranscriptLine, Verdict, safe_line};

/// Lines shown in front of the marked one, or in all if none is.
const BEFORE: usize = 30;
/// Lines shown behind the marked one.
const AFTER: usize = 10;
/// Characters of a line.
const LINE: usize = 300;
/// Characters that tell one frame from another.
const COMPARED: usize = 150;

/// A line of the conversation, safe to be shown.
pub(crate) struct Row {
    /// Seconds since the case began: `+0.012 s`.
    pub(crate) at: String,
    /// `station → csms`; empty for what is not a frame.
    pub(crate) way: String,
    /// The frame or what happened.
    pub(crate) text: String,
    /// Whether the failure is about it.
    pub(crate) marked: bool,
}

/// The lines of the transcript that are shown, and how many in front of them and behind are not.
pub(crate) fn rows(result: &CaseResult) -> (usize, Vec<Row>, usize) {
    let lines = &result.transcript;
    let end = lines
        .iter()
        .rposition(|line| is_marked(result, line))
        .map_or(lines.len(), |at| (at + 1 + AFTER).min(lines.len()));
    let first = lines.iter().position(|line| is_marked(result, line)).unwrap_or(end);
    let from = first.saturating_sub(BEFORE).max(end.saturating_sub(2 * BEFORE));
    let rows = lines[from..end].iter().map(|line| row(line, result.started.0, result.device, is_marked(result, line)));
    (from, rows.collect(), lines.len() - end)
}

/// The lines that show a finding, and how many in front of them are not shown.
pub(crate) fn finding(finding: &Finding) -> (usize, Vec<Row>) {
    let lines = &finding.transcript;
    let began = lines.first().map_or(0, |line| line.at.0);
    let before = lines.len().saturating_sub(BEFORE + AFTER);
    let rows = lines[before..].iter().map(|line| row(line, began, finding.device, line.marked));
    (before, rows.collect())
}

fn row(line: &TranscriptLine, began: i64, device: Role, marked: bool) -> Row {
    let micros = line.at.0.saturating_sub(began);
    let sign = if micros < 0 { '-' } else { '+' };
    let micros = micros.unsigned_abs();
    let (us, them) = (device.other(), device);
    Row {
        at: format!("{sign}{}.{:03} s", micros / 1_000_000, micros / 1000 % 1000),
        way: match line.direction {
            Some(Direction::FromDevice) => format!("{them} → {us}"),
            Some(Direction::ToDevice) => format!("{us} → {them}"),
            None => String::new(),
        },
        text: safe_line(&line.text, LINE),
        marked,
    }
}

/// A frame that broke a standing rule is what the failure is about, too. Many frames may share a moment of a virtual
/// clock, and both texts were shortened, each to its own length.
fn is_marked(result: &CaseResult, line: &TranscriptLine) -> bool {
    let broke = |violation: &StandingViolation| {
        violation.at == line.at
            && violation.verdict == Verdict::Fail
            && violation.frame.chars().zip(line.text.chars()).take(COMPARED).all(|(a, b)| a == b)
    };
    line.marked || (line.direction == Some(Direction::FromDevice) && result.violations.iter().any(broke))
}
