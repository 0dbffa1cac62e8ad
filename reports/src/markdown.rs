//! `--report-markdown`: a page for the summary of a CI job.

use std::path::Path;

use verdict::{CaseResult, Verdict, safe_line};

use crate::details::{Paint, cause, evidence};
use crate::groups::{self, REASON, Rule, by_reason, name, names, rules, seconds};
use crate::status::Status;
use crate::{DISCLAIMER, Document, ReportError, Run, transcript};

/// Bytes of the page: GitHub drops a summary beyond 1 MiB altogether.
const PAGE: usize = 900_000;
/// Bytes of the details of a case.
const DETAILS: usize = 20_000;
/// Rows of a table.
const ROWS: usize = 200;

/// Writes Markdown.
#[derive(Debug)]
pub struct Markdown;

impl Markdown {
    /// A page in this file.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn to_file(path: &Path) -> Result<Document, ReportError> {
        Document::new(path, render)
    }
}

/// The run as a page.
pub fn render(run: &Run) -> String {
    let mut out = format!("# Plugfest: {}\n\n", run.conclusion());
    if let Some(why) = run.incomplete() {
        out.push_str(&format!("**{}**\n\n", text(why)));
    }
    counts(&mut out, run);
    bad(&mut out, run);
    broken(&mut out, run);
    for (status, heading) in [
        (Status::Inconclusive, "Inconclusive"),
        (Status::Warn, "Passed with warnings"),
        (Status::ExpectedFailure, "Failed as expected"),
        (Status::NotApplicable, "Not applicable"),
    ] {
        grouped(&mut out, run, status, heading);
    }
    findings(&mut out, run);
    faults(&mut out, run);
    let seed = run.seed.map(|seed| format!(", seed {seed}")).unwrap_or_default();
    let took = run.ended.map(|ended| format!(", {}", seconds(ended.duration_ms))).unwrap_or_default();
    out.push_str(&format!("---\n\nplugfest {}{seed}{took}. {DISCLAIMER}\n", text(&run.plugfest)));
    out
}

fn counts(out: &mut String, run: &Run) {
    let statuses = groups::statuses(run);
    if statuses.is_empty() {
        return;
    }
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    out.push_str(&row(statuses.iter().map(|(status, _)| status.words().to_owned()).collect()));
    out.push_str(&row(statuses.iter().map(|_| "---:".to_owned()).collect()));
    out.push_str(&row(statuses.iter().map(|(_, count)| count.to_string()).collect()));
    out.push('\n');
}

fn bad(out: &mut String, run: &Run) {
    let bad: Vec<&CaseResult> = run.results.iter().filter(|result| Status::of(result).is_bad()).collect();
    if bad.is_empty() {
        return;
    }
    out.push_str("## Failures\n\n| case | | why | rules |\n|---|---|---|---|\n");
    for result in bad.iter().take(ROWS) {
        out.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            text(&name(result)),
            Status::of(result).words(),
            text(&safe_line(&result.reason, REASON)),
            text(&rules(result).unwrap_or_default())
        ));
    }
    more(out, bad.len());
    for (number, result) in bad.iter().enumerate() {
        let told = format!("{}{}", cause(result, Paint::PLAIN), evidence(result, Paint::PLAIN));
        let told = fenced(&told);
        if out.len() + told.len() > PAGE {
            out.push_str(&format!("… the details of {} more are left out here.\n\n", bad.len() - number));
            return;
        }
        let title = html(&safe_line(&result.title, REASON));
        out.push_str(&format!(
            "<details><summary>{}: {title}</summary>\n\n{told}\n</details>\n\n",
            html(&name(result))
        ));
    }
}

fn broken(out: &mut String, run: &Run) {
    let groups = groups::broken(run);
    if groups.is_empty() {
        return;
    }
    out.push_str("## Rules that watch every case\n\n| | device | what | rule | cases |\n|---|---|---|---|---|\n");
    for group in groups.iter().take(ROWS) {
        let verdict = if group.verdict == Verdict::Fail { "fail" } else { "warn" };
        out.push_str(&format!(
            "| {verdict} | {} {} | {}: {} | {} | {}: {} |\n",
            group.device,
            group.ocpp,
            text(&safe_line(&group.violation.path, REASON)),
            text(&safe_line(&group.violation.sentence, REASON)),
            text(&group.rule().line()),
            group.cases.len(),
            text(&names(&group.cases)),
        ));
    }
    more(out, groups.len());
}

fn grouped(out: &mut String, run: &Run, status: Status, heading: &str) {
    let groups = by_reason(run, status);
    if groups.is_empty() {
        return;
    }
    out.push_str(&format!("## {heading}\n\n| cases | why | which |\n|---:|---|---|\n"));
    for (reason, results) in groups.iter().take(ROWS) {
        out.push_str(&format!("| {} | {} | {} |\n", results.len(), text(reason), text(&names(results))));
    }
    more(out, groups.len());
}

fn findings(out: &mut String, run: &Run) {
    if run.findings.is_empty() {
        return;
    }
    out.push_str(
        "## Findings\n\n| id | class | device | what | rule | messages | again |\n|---|---|---|---|---|---:|---|\n",
    );
    for finding in run.findings.iter().take(ROWS) {
        let flaky = finding.flaky().map(|flaky| format!(", {flaky}")).unwrap_or_default();
        out.push_str(&format!(
            "| {} | {} | {} {} | {} \\[{}\\]{flaky} | {} | {} | {} |\n",
            text(&finding.id),
            text(&finding.class),
            finding.device,
            finding.ocpp,
            text(&finding.summary),
            text(&finding.oracle),
            text(&finding.rule),
            finding.messages,
            text(&finding.replay),
        ));
    }
    more(out, run.findings.len());
    for (number, finding) in run.findings.iter().enumerate() {
        let (_, rows) = transcript::finding(finding);
        if rows.is_empty() {
            continue;
        }
        let mut told = String::new();
        for row in &rows {
            let mark = if row.marked { ">" } else { " " };
            told.push_str(&format!("{mark} {} {} {}\n", row.at, row.way, row.text));
        }
        let told = fenced(&told);
        if out.len() + told.len() > PAGE {
            out.push_str(&format!("… the frames of {} more are left out here.\n\n", run.findings.len() - number));
            return;
        }
        let summary = html(&safe_line(&finding.summary, REASON));
        let id = html(&safe_line(&finding.id, REASON));
        out.push_str(&format!("<details><summary>{id}: {summary}</summary>\n\n"));
        if !finding.rule.is_empty() {
            out.push_str(&format!("{}\n\n", text(&Rule::of(&finding.rule).line())));
        }
        out.push_str(&format!("{told}\n</details>\n\n"));
    }
}

fn faults(out: &mut String, run: &Run) {
    if run.faults.is_empty() {
        return;
    }
    out.push_str(
        "## Seeded faults\n\n| fault | device | reached | triggered | detected | by |\n|---|---|---|---|---|---|\n",
    );
    let yes = |is: bool| if is { "yes" } else { "**no**" };
    for fault in run.faults.iter().take(ROWS * 2) {
        let mut by: Vec<String> = fault.by.iter().take(5).map(|by| text(by)).collect();
        if let Some(how) = fault.undetected().filter(|_| fault.left_to_streams) {
            by.push(how.to_owned());
        }
        out.push_str(&format!(
            "| {} | {} {} | {} | {} | {} | {} |\n",
            text(&fault.fault),
            fault.device,
            fault.ocpp,
            yes(fault.reached),
            yes(fault.triggered),
            yes(fault.detected),
            by.join(", ")
        ));
    }
    out.push('\n');
}

fn more(out: &mut String, count: usize) {
    if count > ROWS {
        out.push_str(&format!("\n… and {} more.\n", count - ROWS));
    }
    out.push('\n');
}

/// Text that is nothing but text, also in a table: no link, no picture, no markup.
fn text(text: &str) -> String {
    let mut out = String::new();
    for c in safe_line(text, 1000).chars() {
        // A link is made of less than one would think.
        if "\\`*_[]<|#~&".contains(c) || (c == '/' && out.ends_with(':')) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Text within an element of HTML.
fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A block that its text cannot end.
fn fenced(text: &str) -> String {
    let mut end = text.len().min(DETAILS);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let cut = if end < text.len() { "\n…" } else { "" };
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}{cut}\n{fence}\n", text[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_device_is_no_markup() {
        assert_eq!(text("a|b <img> [x](http://y) `c`"), "a\\|b \\<img> \\[x\\](http:\\//y) \\`c\\`");
        assert_eq!(text("a\nb"), "a\\\\nb");
    }

    #[test]
    fn a_block_is_not_ended_by_its_text() {
        assert_eq!(fenced("a\n````\nb\n"), "`````text\na\n````\nb\n`````\n");
    }
}
