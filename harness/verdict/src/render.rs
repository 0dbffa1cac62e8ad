//! How a [`Diagnostic`] looks: the compiler's way, with the lines of the file and a mark under the place.

use std::ops::Range;

use annotate_snippets::renderer::{AnsiColor, Effects, Style};
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use crate::safe::{push_safe, safe_line, safe_lines};
use crate::{Diagnostic, Excerpt, Label, Severity};

/// Characters of a line of the file that are shown when it is too long.
const SOURCE_LINE: usize = 400;
/// Characters of a line of a label or a note.
const TEXT_LINE: usize = 400;
/// Lines of a label or a note.
const TEXT_LINES: usize = 24;
/// Excerpts, and labels of an excerpt, that are drawn.
const PLACES: usize = 16;
/// A marked place over more lines than this is marked on its first line only.
const SPAN_LINES: usize = 5;
/// Two excerpts of a file this far apart are drawn as one.
const GAP: usize = 5000;
/// Stands for the first of the private characters that mark where a label goes on below.
const MARK: u32 = 0xE000;

impl Diagnostic {
    /// The whole message as text that ends with a line break, with ANSI colours if wanted. Whatever stands in it,
    /// the text is safe to print and of bounded length.
    pub fn render(&self, colour: bool) -> String {
        let name = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        self.render_as(name, colour)
    }

    /// The same under another word than the severity's: `fail` for what a device did wrong.
    pub fn render_as(&self, name: &str, colour: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let mut title = level
            .clone()
            .with_name(safe_line(name, 40))
            .primary_title(safe_lines(&self.title, TEXT_LINES, TEXT_LINE).join("\n"));
        if !self.code.is_empty() {
            title = title.id(safe_line(&self.code, 60));
        }
        let mut group = Group::with_title(title);
        let mut continued = Vec::new();
        for drawn in drawn(&self.excerpts) {
            group = group.element(drawn.snippet(&mut continued));
        }
        if self.excerpts.len() > PLACES {
            let more = self.excerpts.len() - PLACES;
            group = group.element(level.clone().no_name().message(format!("… and {more} more places")));
        }
        for note in self.notes.iter().take(TEXT_LINES) {
            let text = safe_lines(note, TEXT_LINES, TEXT_LINE).join("\n");
            group = group.element(Level::NOTE.no_name().message(text));
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(safe_lines(help, TEXT_LINES, TEXT_LINE).join("\n")));
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let text = renderer.render(&[group]);
        let mut text = continue_labels(&text, &continued, self.severity, colour);
        text.push('\n');
        text
    }
}

/// What is drawn as one piece of a file: excerpts that lie near each other are put together.
struct Drawn {
    path: String,
    first_line: usize,
    text: String,
    labels: Vec<DrawnLabel>,
}

struct DrawnLabel {
    span: Range<usize>,
    lines: Vec<String>,
    primary: bool,
}

/// The lines of a label below its first.
struct Continued {
    lines: Vec<String>,
    primary: bool,
}

fn drawn(excerpts: &[Excerpt]) -> Vec<Drawn> {
    let mut all: Vec<Drawn> = Vec::new();
    for excerpt in excerpts.iter().take(PLACES) {
        let next = Drawn::of(excerpt);
        match all.iter_mut().find(|other| other.takes(&next)) {
            Some(other) => other.join(next),
            None => all.push(next),
        }
    }
    all
}

impl Drawn {
    fn of(excerpt: &Excerpt) -> Drawn {
        let labels = &excerpt.labels[..excerpt.labels.len().min(PLACES)];
        let mut spans: Vec<Range<usize>> = labels.iter().map(|label| clamp(label, &excerpt.text)).collect();
        // Lines behind the last mark explain nothing and may be a whole file.
        let last = spans.iter().map(|span| span.end).max().unwrap_or(0);
        let end = excerpt.text[last..].find('\n').map_or(excerpt.text.len(), |at| last + at);
        let text = safe_source(&excerpt.text[..end], &mut spans);
        Drawn {
            path: safe_line(&excerpt.path, 200),
            first_line: excerpt.first_line.clamp(1, 100_000_000),
            text,
            labels: labels
                .iter()
                .zip(spans)
                .map(|(label, span)| DrawnLabel {
                    span,
                    lines: safe_lines(&label.text, TEXT_LINES, TEXT_LINE),
                    primary: label.primary,
                })
                .collect(),
        }
    }

    fn last_line(&self) -> usize {
        self.first_line + self.text.matches('\n').count()
    }

    /// Whether the other piece can be drawn into this one: the same line, or so that no line between the two has
    /// to be shown, for its text is not known.
    fn takes(&self, other: &Drawn) -> bool {
        if self.path != other.path {
            return false;
        }
        if self.first_line == other.first_line {
            return self.text == other.text;
        }
        let (upper, lower) = if self.first_line < other.first_line { (self, other) } else { (other, self) };
        let from = upper.last_line();
        let unknown = lower.first_line.saturating_sub(from + 1);
        lower.first_line > from && unknown != 1 && unknown < GAP
    }

    fn join(&mut self, mut other: Drawn) {
        if self.first_line == other.first_line {
            self.labels.append(&mut other.labels);
            return;
        }
        if other.first_line < self.first_line {
            std::mem::swap(self, &mut other);
        }
        let breaks = other.first_line - self.last_line();
        self.text.push_str(&"\n".repeat(breaks));
        let shift = self.text.len();
        self.text.push_str(&other.text);
        self.labels.extend(
            other
                .labels
                .into_iter()
                .map(|label| DrawnLabel { span: label.span.start + shift..label.span.end + shift, ..label }),
        );
    }

    fn snippet(self, continued: &mut Vec<Continued>) -> Snippet<'static, Annotation<'static>> {
        let annotations = self.labels.into_iter().map(|label| {
            let kind = if label.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            let mut lines = label.lines.into_iter();
            let mut first = lines.next().unwrap_or_default();
            let rest: Vec<String> = lines.collect();
            if !rest.is_empty()
                && let Some(mark) = mark(continued.len())
            {
                first.push(mark);
                continued.push(Continued { lines: rest, primary: label.primary });
            }
            let annotation = kind.span(label.span);
            if first.is_empty() { annotation } else { annotation.label(first) }
        });
        let annotations: Vec<_> = annotations.collect();
        Snippet::source(self.text).line_start(self.first_line).path(self.path).annotations(annotations)
    }
}

/// The place of a label within the text and at the borders of characters, on one line if it covers many.
fn clamp(label: &Label, text: &str) -> Range<usize> {
    let mut start = label.span.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = label.span.end.clamp(start, text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    let mut lines = text[start..end].match_indices('\n').map(|(at, _)| start + at);
    let first = lines.next();
    if let Some(first) = first
        && lines.nth(SPAN_LINES - 2).is_some()
    {
        end = first;
    }
    start..end
}

/// The lines of a file fit to be shown, long ones cut round their marks; the marks move along.
fn safe_source(text: &str, spans: &mut [Range<usize>]) -> String {
    let before = spans.to_vec();
    let mut out = String::with_capacity(text.len().min(1 << 14));
    let mut offset = 0;
    for line in text.split('\n') {
        if offset > 0 {
            out.push('\n');
        }
        let window = window(line, offset, &before);
        for (index, span) in before.iter().enumerate() {
            // Marks in the part of the line that is cut away in front.
            if (offset..offset + window.start).contains(&span.start) {
                spans[index].start = out.len();
            }
            if (offset..offset + window.start).contains(&span.end) {
                spans[index].end = out.len();
            }
        }
        if window.start > 0 {
            out.push('…');
        }
        for (at, c) in line[window.clone()].char_indices() {
            let at = offset + window.start + at;
            place(&before, spans, at..at + 1, out.len());
            // A tab has no width that a mark under it could be aligned to.
            match c {
                '\t' => out.push(' '),
                '\r' if at + 1 == offset + line.len() => {}
                _ => push_safe(&mut out, c),
            }
        }
        // Everything behind the window, and the end of the line itself.
        place(&before, spans, offset + window.end..offset + line.len() + 1, out.len());
        if window.end < line.len() {
            out.push('…');
        }
        offset += line.len() + 1;
    }
    out
}

fn place(before: &[Range<usize>], spans: &mut [Range<usize>], at: Range<usize>, to: usize) {
    for (old, new) in before.iter().zip(spans) {
        if at.contains(&old.start) {
            new.start = to;
        }
        if at.contains(&old.end) {
            new.end = to;
        }
    }
}

/// The part of a line that is shown.
fn window(line: &str, offset: usize, spans: &[Range<usize>]) -> Range<usize> {
    if line.len() <= SOURCE_LINE {
        return 0..line.len();
    }
    let first = spans
        .iter()
        .filter_map(|span| span.start.checked_sub(offset))
        .filter(|start| *start <= line.len())
        .min()
        .unwrap_or(0);
    let mut start = if first < SOURCE_LINE / 2 { 0 } else { first - SOURCE_LINE / 4 };
    while !line.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = (start + SOURCE_LINE).min(line.len());
    while !line.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

fn mark(index: usize) -> Option<char> {
    let code = MARK + u32::try_from(index).ok()?;
    char::from_u32(code).filter(|c| *c <= '\u{F8FF}')
}

/// Puts the further lines of each label below its first line, aligned with it.
fn continue_labels(text: &str, continued: &[Continued], severity: Severity, colour: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let lines: Vec<&str> = text.split('\n').collect();
    for (number, line) in lines.iter().enumerate() {
        if number > 0 {
            out.push('\n');
        }
        let found = (0..continued.len()).filter_map(|index| Some((index, line.find(mark(index)?)?))).next();
        let Some((index, at)) = found else {
            out.push_str(line);
            continue;
        };
        let label = &continued[index];
        let mark_length = mark(index).map_or(0, char::len_utf8);
        out.push_str(&line[..at]);
        out.push_str(&line[at + mark_length..]);
        let below = lines.get(number + 1).map(|line| plain(line)).unwrap_or_default();
        let prefix = below_prefix(&plain(&line[..at]), &below);
        let style = style(severity, label.primary);
        for more in &label.lines {
            out.push('\n');
            out.push_str(&prefix);
            if colour {
                out.push_str(&format!("{style}{more}{style:#}"));
            } else {
                out.push_str(more);
            }
        }
    }
    out
}

/// Spaces up to where the label begins, with the bars that go on.
fn below_prefix(line: &str, below: &str) -> String {
    // A label follows its underline, or stands alone under a bar: behind the last of `^`, `-`, `_`, `|` that is
    // followed by a space, counted from the gutter.
    let line: Vec<char> = line.chars().collect();
    let below: Vec<char> = below.chars().collect();
    let gutter = line.iter().position(|c| *c == '|').unwrap_or(0);
    let mut start = gutter + 1;
    let mut at = start;
    while at < line.len() && matches!(line[at], ' ' | '^' | '-' | '_' | '|') {
        at += 1;
        if line[at - 1] != ' ' {
            start = at + 1;
        }
    }
    let start = start.max(at).min(line.len());
    (0..start)
        .map(|column| match line[column] {
            '|' if column == gutter => '|',
            '|' | '^' | '-' if below.get(column) == Some(&'|') => '|',
            _ => ' ',
        })
        .collect()
}

/// The line without colours.
fn plain(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            // Only sequences of our own renderer are left here: they end with a letter.
            for c in chars.by_ref() {
                if c.is_ascii_alphabetic() {
                    break;
                }
            }
        } else {
            out.push(c);
        }
    }
    out
}

fn style(severity: Severity, primary: bool) -> Style {
    if !primary {
        return annotate_snippets::renderer::DEFAULT_CONTEXT_STYLE;
    }
    match severity {
        Severity::Error => annotate_snippets::renderer::DEFAULT_ERROR_STYLE,
        Severity::Warning => annotate_snippets::renderer::DEFAULT_WARNING_STYLE,
        Severity::Note => AnsiColor::BrightGreen.on_default().effects(Effects::BOLD),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Source, Span};

    const CASE: &str = "case: remote-start\ntitle: Remote start\nversions: [\"1.6\"]\n\ngiven: { c: rig.connector, tag: rig.tags.valid }\n\nsteps:\n  - station -> csms: StartTransaction\n    fields:\n      idTag: $tag\n      meterStart: 0\n";

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source { path: "testcases/1.6/core/remote-start.yaml".to_owned(), text: text.to_owned() })
    }

    fn span(text: &str, part: &str) -> Span {
        let start = text.find(part).unwrap();
        Span { start, end: start + part.len() }
    }

    fn failure() -> Diagnostic {
        let source = source(CASE);
        Diagnostic::error("", "the transaction started with another tag")
            .at(
                &source,
                span(CASE, "$tag"),
                "expected \"04E12345\"  (given, line 5)\nactual   \"DEADBEEF\"  (frame 14, +2.31 s)",
            )
            .note("16-REM-03")
    }

    #[test]
    fn a_failure_looks_like_a_compilers_message_with_expected_and_actual_aligned() {
        let wanted = "\
fail: the transaction started with another tag
  --> testcases/1.6/core/remote-start.yaml:10:14
   |
10 |       idTag: $tag
   |              ^^^^ expected \"04E12345\"  (given, line 5)
   |                   actual   \"DEADBEEF\"  (frame 14, +2.31 s)
   |
   = 16-REM-03
";
        assert_eq!(failure().render_as("fail", false), wanted);
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let coloured = failure().render(true);
        assert!(coloured.contains("\u{1b}["));
        assert_eq!(plain(&coloured), failure().render(false));
    }

    #[test]
    fn a_place_that_explains_is_drawn_into_the_same_piece_of_the_file() {
        let source = source(CASE);
        let text = failure()
            .because(&source, span(CASE, "tag: rig.tags.valid"), "the tag is\ngiven here")
            .help("did you mean `$c`?")
            .render(false);
        let wanted = "\
error: the transaction started with another tag
  --> testcases/1.6/core/remote-start.yaml:10:14
   |
 5 | given: { c: rig.connector, tag: rig.tags.valid }
   |                            ------------------- the tag is
   |                                                given here
...
10 |       idTag: $tag
   |              ^^^^ expected \"04E12345\"  (given, line 5)
   |                   actual   \"DEADBEEF\"  (frame 14, +2.31 s)
   |
   = 16-REM-03
   = help: did you mean `$c`?
";
        assert_eq!(text, wanted);
    }

    #[test]
    fn two_marks_on_a_line_keep_their_bars() {
        let source = source(CASE);
        let text = Diagnostic::error("two-marks", "title")
            .at(&source, span(CASE, "rig.connector"), "first\nand more")
            .because(&source, span(CASE, "rig.tags.valid"), "second\nand more")
            .render(false);
        let wanted = "\
error[two-marks]: title
 --> testcases/1.6/core/remote-start.yaml:5:13
  |
5 | given: { c: rig.connector, tag: rig.tags.valid }
  |             ^^^^^^^^^^^^^       -------------- second
  |             |                                  and more
  |             |
  |             first
  |             and more
";
        assert_eq!(text, wanted);
    }

    #[test]
    fn a_diagnostic_without_a_place_is_its_title_and_notes() {
        let text = Diagnostic::new(Severity::Warning, "odd", "something").note("a\nb").render(false);
        assert_eq!(text, "warning[odd]: something\n |\n = a\n   b\n");
    }

    #[test]
    fn nothing_hostile_comes_through_and_nothing_grows_without_bound() {
        let bad = "\u{1b}]0;title\u{7}\u{202e}\u{9b}31m\u{e000}\u{0}\r";
        let long = format!("key: {}{bad}VALUE{bad}{}", "x".repeat(1 << 20), "y".repeat(1 << 20));
        let source = Arc::new(Source { path: format!("dir{bad}/file"), text: format!("first\n{long}\nlast") });
        let mut diagnostic = Diagnostic::error(bad, format!("{bad}{long}"))
            .at(&source, span(&source.text, "VALUE"), format!("{long}\n").repeat(50))
            .because(&source, Span { start: 0, end: usize::MAX }, bad)
            .note(&long)
            .help(&long);
        for _ in 0..100 {
            diagnostic = diagnostic.note(&long).because(&source, Span { start: 8, end: 9 }, &long);
        }
        for text in [diagnostic.render(false), plain(&diagnostic.render(true))] {
            assert!(text.len() < 300_000, "{}", text.len());
            let unsafe_character =
                text.chars().find(|c| (c.is_control() && *c != '\n') || "\u{202e}\u{e000}".contains(*c));
            assert_eq!(unsafe_character, None);
        }
    }

    #[test]
    fn the_mark_stays_under_its_text_when_the_line_is_cut_and_escaped() {
        let text = format!("{}\u{1b}\tVALUE, and {}", "x".repeat(1000), "y".repeat(1000));
        let source = source(&text);
        let drawn = Diagnostic::error("", "t").at(&source, span(&text, "VALUE"), "here").render(false);
        let lines: Vec<&str> = drawn.lines().collect();
        let column = |line: &str, what: &str| line.split(what).next().map(|before| before.chars().count());
        assert_eq!(column(lines[3], "VALUE"), column(lines[4], "^^^^^"), "{drawn}");
        assert!(lines[4].contains("^^^^^ here"), "{drawn}");
    }

    #[test]
    fn excerpts_with_impossible_places_are_drawn_all_the_same() {
        for (text, start, end, first_line) in [
            ("", 0, 0, 0),
            ("é", 1, 1, usize::MAX),
            ("é", 1, 9, 1),
            ("a\nb\nc\nd\ne\nf\ng\nh", 9, 2, 7),
            ("a\nb\nc\nd\ne\nf\ng\nh", 0, 15, 7),
            ("a\r\n", 1, 3, 7),
            ("a\n", 2, 2, 7),
            ("a", 1, 1, 7),
        ] {
            let label = |start, end| Label { span: Span { start, end }, text: "here".to_owned(), primary: true };
            let mut diagnostic = Diagnostic::error("", "t");
            for first_line in [first_line, first_line.wrapping_add(1), first_line / 2] {
                diagnostic.excerpts.push(Excerpt {
                    path: "p".to_owned(),
                    first_line,
                    text: text.to_owned(),
                    labels: vec![label(start, end), label(end, start), label(0, 0)],
                });
            }
            assert!(diagnostic.render(false).contains("here"));
        }
    }
}
