//! Everything about one result as text: diagnostics, rules, frames, and the command that repeats it.

use anstyle::{AnsiColor, Style};
use verdict::{CaseResult, Diagnostic, Verdict, safe_line};

use crate::groups::{REASON, Rule};
use crate::transcript;

/// Diagnostics of a result that are shown.
const DIAGNOSTICS: usize = 8;
/// Rules, violations and notes of a result that are shown.
pub(crate) const LINES: usize = 40;

/// Puts colours round texts, or leaves them as they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    pub(crate) colour: bool,
}

impl Paint {
    pub(crate) const PLAIN: Paint = Paint { colour: false };

    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    pub(crate) fn dimmed(self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }
}

/// The diagnostics; the reason, where there are none.
pub(crate) fn cause(result: &CaseResult, paint: Paint) -> String {
    match result.diagnostics.is_empty() {
        true => format!("{}\n", safe_line(&result.reason, REASON)),
        false => diagnostics(result, paint),
    }
}

/// The diagnostics as the compiler would show them.
pub(crate) fn diagnostics(result: &CaseResult, paint: Paint) -> String {
    let mut out = String::new();
    for (number, diagnostic) in result.diagnostics.iter().take(DIAGNOSTICS).enumerate() {
        if number > 0 {
            out.push('\n');
        }
        out.push_str(&rendered(diagnostic, result.verdict, paint.colour));
    }
    if result.diagnostics.len() > DIAGNOSTICS {
        out.push_str(&format!("… and {} more\n", result.diagnostics.len() - DIAGNOSTICS));
    }
    out
}

/// A diagnostic under the verdict's word, where it is about the device.
pub(crate) fn rendered(diagnostic: &Diagnostic, verdict: Verdict, colour: bool) -> String {
    match verdict {
        Verdict::Fail if diagnostic.severity == verdict::Severity::Error => diagnostic.render_as("fail", colour),
        _ => diagnostic.render(colour),
    }
}

/// The rules broken, what the standing oracles saw, notes, frames and the command, each under its heading.
pub(crate) fn evidence(result: &CaseResult, paint: Paint) -> String {
    let mut out = String::new();
    let rules: Vec<String> = result.rules.iter().map(|rule| Rule::in_result(rule, result).line()).collect();
    section(&mut out, paint, "rules", &rules);
    let one_of: Vec<String> = result.one_of.iter().map(|rule| Rule::of(rule).line()).collect();
    section(&mut out, paint, "one of these rules", &one_of);
    let seen: Vec<String> = result
        .violations
        .iter()
        .flat_map(|violation| {
            let first = match &violation.first_in {
                Some(first) => format!(", first seen in {}", safe_line(first, REASON)),
                None => String::new(),
            };
            let sentence = format!(
                "{} [{}, {}] {}{first}",
                violation.verdict.name(),
                safe_line(&violation.oracle, REASON),
                safe_line(&violation.path, REASON),
                safe_line(&violation.sentence, REASON),
            );
            let frame = format!("  in {}", safe_line(&violation.frame, REASON));
            [sentence].into_iter().chain((!violation.frame.is_empty()).then_some(frame))
        })
        .collect();
    section(&mut out, paint, "seen by the standing oracles", &seen);
    let notes: Vec<String> = result.notes.iter().map(|note| safe_line(note, REASON)).collect();
    section(&mut out, paint, "notes", &notes);
    section(&mut out, paint, "frames", &frames(result, paint));
    if !result.repeat.is_empty() {
        section(&mut out, paint, "again", &[safe_line(&result.repeat, 1000)]);
    }
    out
}

fn section(out: &mut String, paint: Paint, heading: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    out.push_str(&format!("{}\n", paint.bold(&format!("{heading}:"))));
    for line in lines.iter().take(LINES * 2) {
        out.push_str(&format!("  {line}\n"));
    }
    if lines.len() > LINES * 2 {
        out.push_str(&format!("  … and {} more\n", lines.len() - LINES * 2));
    }
}

fn frames(result: &CaseResult, paint: Paint) -> Vec<String> {
    let (before, rows, after) = transcript::rows(result);
    let mut lines = Vec::new();
    if before > 0 {
        lines.push(format!("  … {before} lines before"));
    }
    let times = rows.iter().map(|row| row.at.len()).max().unwrap_or(0);
    for row in rows {
        let way = if row.way.is_empty() { String::new() } else { format!("{}  ", row.way) };
        let line = format!("{:>times$}  {way}{}", row.at, row.text);
        lines.push(if row.marked {
            paint.paint(AnsiColor::Red.on_default(), &format!("> {line}"))
        } else {
            format!("  {line}")
        });
    }
    if after > 0 {
        lines.push(format!("  … {after} lines behind"));
    }
    lines
}
