//! Texts of devices that mean no good, in every report.

use verdict::{Redactor, RunEvent, Standing, TranscriptLine, Verdict};

use crate::fixture::{EVIL, all_reports, events, judged, report_named};

#[test]
fn nothing_steers_a_terminal_whichever_report_it_shows() {
    for name in ["plain.txt", "report.md", "report.html", "junit.xml", "run.jsonl", "run.trace"] {
        let text = report_named(name);
        let steering = text
            .chars()
            .find(|c| (c.is_control() && *c != '\n') || "\u{202e}\u{fffe}\u{ffff}\u{feff}\u{200b}".contains(*c));
        assert_eq!(steering, None, "{name}");
    }
    assert!(!report_named("plain.txt").contains("[2J\u{1b}"));
}

#[test]
fn colours_change_nothing_but_colours() {
    let colour = report_named("colour.txt");
    assert!(colour.contains("\u{1b}["));
    let mut plain = String::new();
    let mut rest = colour.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        // Only colours: ESC [ numbers m.
        let end = after.find('m').unwrap();
        assert!(after[1..end].chars().all(|c| c.is_ascii_digit() || c == ';'), "{:?}", &after[..end]);
        rest = &after[end + 1..];
    }
    plain.push_str(rest);
    assert_eq!(plain, report_named("plain.txt"));
}

#[test]
fn no_text_of_a_device_becomes_markup_or_template() {
    let html = report_named("report.html");
    assert!(!html.contains("<script>alert"), "a script of the device");
    assert!(html.contains("&lt;script&gt;alert(1)"));
    assert!(html.contains("{{ 7*7 }}"), "a template of the device is shown, not run");
    assert!(!html.contains("http://") && !html.contains("https://"), "nothing from outside");
    let markdown = report_named("report.md");
    let in_tables = markdown.lines().filter(|line| line.starts_with('|')).collect::<String>();
    assert!(in_tables.contains("\\<script>"));
    assert!(!in_tables.replace("\\<script", "").contains("<script"));
}

#[test]
fn a_mebibyte_in_every_text_gives_reports_of_bounded_size() {
    let long = format!("{EVIL}{}", "x]]>".repeat(1 << 18));
    let mut result = judged(&long, Verdict::Fail, Standing::Unexpected, &long);
    for text in [&mut result.title, &mut result.identity, &mut result.repeat, &mut result.file] {
        text.clone_from(&long);
    }
    result.notes = vec![long.clone(); 3];
    result.rules = vec![long.clone(); 3];
    result.transcript = (0..200)
        .map(|_| TranscriptLine { at: result.started, direction: None, text: long[..10_000].to_owned(), marked: false })
        .collect();
    let all = events();
    let events = vec![all[0].clone(), RunEvent::CaseFinished(Box::new(result)), all[all.len() - 1].clone()];
    for (name, text) in all_reports(&events, Redactor::default()) {
        // These two promise everything.
        if name != "run.trace" && name != "run.jsonl" {
            assert!(text.len() < 300_000, "{name}: {}", text.len());
        }
    }
}

#[test]
fn times_at_the_end_of_time_and_lengths_without_end_are_written() {
    let mut events = events();
    for event in &mut events {
        match event {
            RunEvent::RunStarted { at, .. } => *at = protocol::Timestamp(i64::MIN),
            RunEvent::CaseFinished(result) => {
                result.started = protocol::Timestamp(i64::MAX);
                result.duration_ms = u64::MAX;
                result.transcript.iter_mut().for_each(|line| line.at = protocol::Timestamp(i64::MIN));
            }
            RunEvent::RunFinished { duration_ms, .. } => *duration_ms = u64::MAX,
            _ => {}
        }
    }
    all_reports(&events, Redactor::default());
}
