//! How every report looks.

use crate::fixture::report_named;

#[test]
fn the_terminal() {
    insta::assert_snapshot!("terminal", report_named("plain.txt"));
}

#[test]
fn junit() {
    insta::assert_snapshot!("junit", report_named("junit.xml"));
}

#[test]
fn json_lines() {
    insta::assert_snapshot!("json_lines", report_named("run.jsonl"));
}

#[test]
fn html() {
    insta::assert_snapshot!("html", report_named("report.html"));
}

#[test]
fn markdown() {
    insta::assert_snapshot!("markdown", report_named("report.md"));
}

#[test]
fn the_trace_below_its_header() {
    let text = report_named("run.trace");
    let (head, rest) = text.split_once('\n').unwrap();
    assert_eq!(head, verdict::trace::header(env!("CARGO_PKG_VERSION")));
    insta::assert_snapshot!("trace", rest);
}
