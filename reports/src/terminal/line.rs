//! The line of an event while the run goes on.

use anstyle::{AnsiColor, Style};
use verdict::{CaseResult, FaultResult, Finding, RunEvent, safe_line};

use crate::details::Paint;
use crate::groups::{ID, Rule, case_name, cases, seconds};
use crate::status::Status;
use crate::transcript;

/// Characters of a reason behind a case.
const REASON: usize = 160;
/// Frames shown under a finding.
const FRAMES: usize = 5;
/// Characters of such a frame.
const FRAME: usize = 200;

/// The line, if the event has one.
pub(super) fn line(event: &RunEvent, paint: Paint, quiet: bool) -> Option<String> {
    match event {
        RunEvent::RunStarted { plugfest, seed, selected, .. } => {
            let version = safe_line(plugfest, ID);
            // Streams have no cases.
            let what = if *selected == 0 { String::new() } else { format!("{}, ", cases(*selected)) };
            Some(format!("{} {what}seed {seed}, plugfest {version}", paint.bold("     Running")))
        }
        RunEvent::CaseFinished(result) => {
            let status = Status::of(result);
            let well = matches!(status, Status::Pass | Status::NotApplicable | Status::ExpectedFailure);
            (!quiet || !well).then(|| case(result, status, paint))
        }
        RunEvent::Finding(finding) => Some(found(finding, paint)),
        RunEvent::FaultFinished(fault) => Some(seeded(fault, paint)),
        RunEvent::PlanStarted { .. } | RunEvent::Happened { .. } | RunEvent::RunFinished { .. } => None,
    }
}

/// A case with its verdict, how long it took, and why where it did not plainly pass.
pub(super) fn case(result: &CaseResult, status: Status, paint: Paint) -> String {
    let label = paint.paint(status.style(), &format!("{:>12}", status.label()));
    let reason = match (status, result.reason.as_str()) {
        (Status::Pass, _) | (_, "") => String::new(),
        (_, reason) => paint.dimmed(&format!("  {}", safe_line(reason, REASON))),
    };
    let (took, device, version) = (seconds(result.duration_ms), result.device.name(), result.ocpp.number());
    format!("{label} [{took:>9}] {device:<7} {version:<5} {}{reason}", case_name(result))
}

fn found(finding: &Finding, paint: Paint) -> String {
    let status = if finding.is_red() { Status::Fail } else { Status::Warn };
    let label = paint.paint(status.style(), "     FINDING");
    let mut out = format!(
        "{label} {} {} {} [{}, {}]",
        finding.device,
        finding.ocpp,
        safe_line(&finding.summary, REASON),
        safe_line(&finding.class, ID),
        safe_line(&finding.id, ID),
    );
    let mut under = |text: &str| out.push_str(&format!("\n             {text}"));
    if !finding.rule.is_empty() {
        under(&Rule::of(&finding.rule).line());
    }
    let (_, rows) = transcript::finding(finding);
    let from = rows.iter().position(|row| row.marked).unwrap_or(rows.len()).saturating_sub(FRAMES - 2);
    for row in rows.iter().skip(from).take(FRAMES) {
        let mark = if row.marked { ">" } else { " " };
        let way = if row.way.is_empty() { String::new() } else { format!("{}: ", row.way) };
        under(&paint.dimmed(&format!("{mark} {} {way}{}", row.at, safe_line(&row.text, FRAME))));
    }
    if rows.is_empty() && !finding.frame.is_empty() {
        under(&paint.dimmed(&format!("> {}", safe_line(&finding.frame, FRAME))));
    }
    if let Some(flaky) = finding.flaky() {
        under(&flaky);
    }
    if !finding.replay.is_empty() {
        under(&format!("again: {}", safe_line(&finding.replay, 1000)));
    }
    out
}

fn seeded(fault: &FaultResult, paint: Paint) -> String {
    let (label, style): (&str, Style) = match (fault.reached, fault.triggered, fault.detected) {
        (_, _, true) => ("detected", AnsiColor::Green.on_default().bold()),
        _ if fault.left_to_streams => ("for streams", Style::new().bold()),
        (false, ..) => ("not reached", AnsiColor::Red.on_default().bold()),
        (_, false, _) => ("dormant", AnsiColor::Red.on_default().bold()),
        _ => ("survived", AnsiColor::Red.on_default().bold()),
    };
    let by = match fault.by.len() {
        0 => String::new(),
        count => {
            let shown: Vec<String> = fault.by.iter().take(3).map(|by| safe_line(by, ID)).collect();
            let more = if count > 3 { format!(" and {} more", count - 3) } else { String::new() };
            paint.dimmed(&format!("  by {}{more}", shown.join(", ")))
        }
    };
    let label = paint.paint(style, &format!("{label:>12}"));
    format!("{label} {} {} {}{by}", fault.device, fault.ocpp, safe_line(&fault.fault, ID))
}
