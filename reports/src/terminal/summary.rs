//! What is said at the end: what matters least first, failures last, and the numbers under them.

use anstyle::Style;
use verdict::{CaseResult, safe_line};

use super::line;
use crate::details::{Paint, cause, evidence};
use crate::groups::{self, REASON, by_reason, cases, name, names, seconds};
use crate::status::Status;
use crate::{DISCLAIMER, Run};

/// Failures told in full; the rest has a line in the list at the end.
const FULL: usize = 50;
/// Groups of a kind.
const GROUPS: usize = 40;

/// The end of a run.
pub(super) fn summary(run: &Run, paint: Paint) -> String {
    let mut out = String::new();
    for (status, heading) in [
        (Status::NotApplicable, "not applicable"),
        (Status::ExpectedFailure, "failed as expected"),
        (Status::Warn, "passed with warnings"),
    ] {
        grouped(&mut out, run, status, heading, paint);
    }
    broken(&mut out, run, paint);
    inconclusive(&mut out, run, paint);
    failures(&mut out, run, paint);
    faults(&mut out, run, paint);
    numbers(&mut out, run, paint);
    out
}

fn heading(out: &mut String, paint: Paint, style: Style, text: &str) {
    out.push_str(&format!("\n{}\n", paint.paint(style.bold(), &format!("──── {text} ────"))));
}

fn grouped(out: &mut String, run: &Run, status: Status, title: &str, paint: Paint) {
    let groups = by_reason(run, status);
    if groups.is_empty() {
        return;
    }
    heading(out, paint, status.style(), title);
    for (reason, results) in groups.iter().take(GROUPS) {
        out.push_str(&format!("  {}: {reason}\n", cases(results.len())));
        out.push_str(&format!("{}\n", paint.dimmed(&format!("      {}", names(results)))));
    }
    more(out, groups.len(), GROUPS, "reasons");
}

fn more(out: &mut String, count: usize, shown: usize, what: &str) {
    if count > shown {
        out.push_str(&format!("  … and {} more {what}\n", count - shown));
    }
}

fn broken(out: &mut String, run: &Run, paint: Paint) {
    let groups = groups::broken(run);
    if groups.is_empty() {
        return;
    }
    heading(out, paint, Status::Warn.style(), "rules that watch every case");
    for group in groups.iter().take(GROUPS) {
        let status = if group.verdict == verdict::Verdict::Fail { Status::Fail } else { Status::Warn };
        let label = paint.paint(status.style(), &format!("  {:>4}", status.label()));
        let violation = group.violation;
        out.push_str(&format!(
            "{label} {} {} {}\n       {}\n",
            group.device,
            group.ocpp,
            safe_line(&violation.path, REASON),
            group.rule().line()
        ));
        out.push_str(&format!("       seen: {}\n", safe_line(&violation.sentence, REASON)));
        if !violation.frame.is_empty() {
            out.push_str(&format!("       in    {}\n", safe_line(&violation.frame, REASON)));
        }
        let touched = format!("       {}: {}", cases(group.cases.len()), names(&group.cases));
        out.push_str(&format!("{}\n", paint.dimmed(&touched)));
    }
    more(out, groups.len(), GROUPS, "violations");
}

fn inconclusive(out: &mut String, run: &Run, paint: Paint) {
    let groups = by_reason(run, Status::Inconclusive);
    if groups.is_empty() {
        return;
    }
    heading(out, paint, Status::Inconclusive.style(), "inconclusive");
    for (reason, results) in groups.iter().take(GROUPS) {
        out.push_str(&format!("  {}: {reason}\n", cases(results.len())));
        out.push_str(&format!("{}\n", paint.dimmed(&format!("      {}", names(results)))));
        // The first stands for all of them.
        if let Some(first) = results.first()
            && !first.diagnostics.is_empty()
        {
            out.push_str(&indented(&cause(first, paint)));
            out.push_str(&indented(&evidence(first, paint)));
        }
    }
    more(out, groups.len(), GROUPS, "reasons");
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

fn failures(out: &mut String, run: &Run, paint: Paint) {
    let bad: Vec<&CaseResult> = run.results.iter().filter(|result| Status::of(result).is_bad()).collect();
    // Our own faults first: they may explain the rest; what the device did last.
    for status in [Status::Error, Status::UnexpectedPass, Status::UnexpectedWarning, Status::Fail] {
        for result in bad.iter().filter(|result| Status::of(result) == status).take(FULL) {
            let title = safe_line(&result.title, REASON);
            heading(out, paint, status.style(), &format!("{} {}: {title}", status.label(), name(result)));
            out.push_str(&cause(result, paint));
            out.push_str(&evidence(result, paint));
        }
    }
    if bad.len() > FULL {
        out.push_str("\n  … the rest is in the list below and in the other reports\n");
    }
}

fn faults(out: &mut String, run: &Run, paint: Paint) {
    if run.faults.is_empty() {
        return;
    }
    heading(out, paint, Style::new(), "seeded faults");
    let count = |which: fn(&verdict::FaultResult) -> bool| run.faults.iter().filter(|fault| which(fault)).count();
    out.push_str(&format!(
        "  {} faults: {} reached, {} triggered, {} detected\n",
        run.faults.len(),
        count(|fault| fault.reached),
        count(|fault| fault.triggered),
        count(|fault| fault.detected),
    ));
    for fault in &run.faults {
        let Some(how) = fault.undetected() else { continue };
        out.push_str(&format!(
            "  not detected: {} {} {} ({how})\n",
            fault.device,
            fault.ocpp,
            safe_line(&fault.fault, REASON)
        ));
    }
}

fn numbers(out: &mut String, run: &Run, paint: Paint) {
    heading(out, paint, Style::new(), "summary");
    for result in &run.results {
        let status = Status::of(result);
        if status.is_bad() {
            out.push_str(&format!("{}\n", line::case(result, status, paint)));
        }
    }
    for (reason, results) in by_reason(run, Status::Inconclusive).iter().take(GROUPS) {
        let label = paint.paint(Status::Inconclusive.style(), Status::Inconclusive.label());
        out.push_str(&format!("{label} {}: {reason}\n", cases(results.len())));
    }
    for finding in &run.findings {
        let status = if finding.is_red() { Status::Fail } else { Status::Warn };
        let label = paint.paint(status.style(), "     FINDING");
        out.push_str(&format!(
            "{label} {} [{}] {}\n",
            safe_line(&finding.id, REASON),
            safe_line(&finding.class, REASON),
            safe_line(&finding.summary, REASON)
        ));
    }
    for said in run.device_says() {
        out.push_str(&format!("      Device {}\n", safe_line(said, REASON)));
    }
    let slowest: Vec<String> = groups::slowest(run, 3)
        .iter()
        .map(|result| format!("{} {}", name(result), seconds(result.duration_ms)))
        .collect();
    if !slowest.is_empty() {
        out.push_str(&format!("     Slowest {}\n", slowest.join(", ")));
    }
    let parts: Vec<String> = groups::statuses(run)
        .into_iter()
        .map(|(status, count)| paint.paint(status.style(), &format!("{count} {}", status.words())))
        .collect();
    let took = run.ended.map(|ended| format!(" in {}", seconds(ended.duration_ms))).unwrap_or_default();
    let counted = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    let what = if !run.faults.is_empty() && run.results.is_empty() {
        groups::counted(run.faults.len(), "fault")
    } else if run.selected == 0 && run.results.is_empty() {
        let red = run.findings.iter().filter(|finding| finding.is_red()).count();
        format!("{}, {red} of them red", groups::counted(run.findings.len(), "finding"))
    } else {
        cases(run.results.len())
    };
    out.push_str(&format!("{} {what}{took}{counted}\n", paint.bold("     Summary")));
    if let Some(why) = run.incomplete() {
        let of = if run.selected > run.results.len() {
            format!(" ({} of {})", run.results.len(), run.selected)
        } else {
            String::new()
        };
        out.push_str(&format!("{}\n", paint.bold(&format!("             {why}{of}"))));
    }
    out.push_str(&format!("{}\n", paint.dimmed(&format!("             {DISCLAIMER}"))));
}
