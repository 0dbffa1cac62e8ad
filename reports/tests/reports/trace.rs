//! A trace is read back as it was written, or refused with its line.

use std::fs;
use std::path::Path;

use reports::trace::{ReadError, Trace, read};
use verdict::trace::{LONGEST_LINE, header};
use verdict::{Redactor, RunEvent};

use crate::fixture::{all_reports, events, report};

fn read_all(path: &Path) -> (Vec<RunEvent>, Option<ReadError>) {
    let mut events = Vec::new();
    let error = read(path, |event| events.push(event)).err();
    (events, error)
}

#[test]
fn events_come_back_as_they_were_and_make_the_same_reports() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.trace");
    report(&events(), Redactor::default(), vec![Box::new(Trace::to_file(&path).unwrap())]);
    let (again, error) = read_all(&path);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(again, events());
    let before = all_reports(&events(), Redactor::default());
    assert_eq!(all_reports(&again, Redactor::default()), before);
}

#[test]
fn what_was_judged_before_a_run_was_killed_is_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.trace");
    let mut trace = Trace::to_file(&path).unwrap();
    let events = events();
    for event in &events[..6] {
        reports::Reporter::event(&mut trace, event).unwrap();
    }
    let (read, error) = read_all(&path);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(read, events[..6]);
}

#[test]
fn hostile_files_are_refused_with_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let head = header("0.1.0");
    let good = verdict::trace::line(&events()[0]);
    let huge = format!("{{\"event\":\"{}\"}}", "x".repeat(LONGEST_LINE));
    let nested = format!("{{\"event\":\"finding\",\"id\":{}", "[".repeat(100_000));
    let table: [(&str, Vec<u8>, usize, usize, &str); 9] = [
        ("empty", Vec::new(), 0, 1, "empty"),
        ("a picture", b"\x89PNG\r\n\x1a\n\0\0".to_vec(), 0, 1, "not UTF-8"),
        ("another file", b"{\"event\":\"run_started\"}\n".to_vec(), 0, 1, "not the header"),
        ("a newer format", head.replace("\"format\":1", "\"format\":99").into_bytes(), 0, 1, "format 99"),
        ("cut off", format!("{head}\n{good}\n{}", &good[..20]).into_bytes(), 1, 3, "cut off"),
        ("no text", [head.as_bytes(), b"\n", good.as_bytes(), b"\n\xff\xfe\n"].concat(), 1, 3, "not UTF-8 at byte 0"),
        ("a huge line", format!("{head}\n{huge}\n{good}").into_bytes(), 0, 2, "longer than"),
        ("one endless line", vec![b'x'; LONGEST_LINE * 2], 0, 1, "longer than"),
        ("deep", format!("{head}\n{nested}\n").into_bytes(), 0, 2, ""),
    ];
    for (what, bytes, came, line, reason) in table {
        let path = folder.path().join("hostile.trace");
        fs::write(&path, bytes).unwrap();
        let (events, error) = read_all(&path);
        let Some(ReadError::Line(error)) = error else { panic!("{what}: {error:?}") };
        assert_eq!((events.len(), error.line), (came, line), "{what}: {error}");
        assert!(error.reason.contains(reason), "{what}: {error}");
        assert!(error.to_string().starts_with(&format!("line {line} of the trace: ")));
        assert!(error.reason.len() < 600, "{what}");
    }
}

#[test]
fn a_file_that_is_not_there_is_a_clear_error() {
    let (_, error) = read_all(Path::new("no/such.trace"));
    assert!(error.unwrap().to_string().starts_with("cannot read the trace: "));
}
