//! Whatever stands in a file: reading says what is wrong at a place that exists, and formatting changes no meaning.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod meaning;
mod support;

use std::sync::Arc;

use proptest::prelude::*;
use script::Library;
use verdict::{Diagnostic, Source};

use meaning::{meaning, source};

/// A change of a file.
#[derive(Clone, Debug)]
enum Change {
    /// A byte becomes another.
    Byte(usize, u8),
    /// Text is put in.
    Insert(usize, &'static str),
    /// Bytes are taken out.
    Cut(usize, usize),
    /// A line is taken out, said twice, or moved in or out.
    DropLine(usize),
    RepeatLine(usize),
    Indent(usize, bool),
}

fn change() -> impl Strategy<Value = Change> {
    let pieces = prop::sample::select(vec![
        "\n",
        " ",
        "  ",
        "- ",
        ": ",
        "{",
        "}",
        "[",
        "]",
        "\"",
        "'",
        "# a remark\n",
        " # behind",
        "&a ",
        "*a",
        "!!int ",
        "$",
        "${",
        "..",
        "\u{0}",
        "é",
        "\u{2028}",
        "\t",
        "|\n",
        ">-\n",
        "---\n",
        "? ",
        "null",
        "\\",
        "\r\n",
        "\u{feff}",
    ]);
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        (any::<usize>(), pieces).prop_map(|(at, piece)| Change::Insert(at, piece)),
        (any::<usize>(), 1_usize..40).prop_map(|(at, length)| Change::Cut(at, length)),
        any::<usize>().prop_map(Change::DropLine),
        any::<usize>().prop_map(Change::RepeatLine),
        (any::<usize>(), any::<bool>()).prop_map(|(at, deeper)| Change::Indent(at, deeper)),
    ]
}

fn mangle(text: &str, changes: &[Change]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for change in changes {
        let length = bytes.len().max(1);
        match *change {
            Change::Byte(at, byte) => {
                if let Some(place) = bytes.get_mut(at % length) {
                    *place = byte;
                }
            }
            Change::Insert(at, piece) => {
                let at = (at % length).min(bytes.len());
                bytes.splice(at..at, piece.bytes());
            }
            Change::Cut(at, count) => {
                let at = (at % length).min(bytes.len());
                let end = (at + count).min(bytes.len());
                bytes.drain(at..end);
            }
            Change::DropLine(at) | Change::RepeatLine(at) | Change::Indent(at, _) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
                if lines.is_empty() {
                    continue;
                }
                let at = at % lines.len();
                match change {
                    Change::DropLine(_) => drop(lines.remove(at)),
                    Change::RepeatLine(_) => lines.insert(at, lines[at].clone()),
                    Change::Indent(_, true) => lines[at].insert_str(0, "  "),
                    _ => lines[at] = lines[at].strip_prefix("  ").unwrap_or(&lines[at]).to_owned(),
                }
                bytes = lines.concat().into_bytes();
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn files() -> Vec<Arc<Source>> {
    let mut files = testcases::sources();
    files.extend(support::files("testcases/bad", "yaml").iter().map(|path| support::source(path)));
    files
}

/// Every mark lies in its excerpt, between characters, and the whole can be drawn.
fn is_well_placed(diagnostic: &Diagnostic, text: &str) {
    for excerpt in &diagnostic.excerpts {
        assert!(text.contains(&excerpt.text));
        for label in &excerpt.labels {
            assert!(excerpt.text.is_char_boundary(label.span.start) && excerpt.text.is_char_boundary(label.span.end));
            assert!(label.span.start <= label.span.end);
        }
    }
    assert!(!diagnostic.render(false).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mangled_file_is_read_or_refused_at_a_place_that_exists(
        file in prop::sample::select(files()),
        changes in prop::collection::vec(change(), 1..6),
    ) {
        let text = mangle(&file.text, &changes);
        match script::read(&source(&text)) {
            Ok(document) => {
                let mut library = Library::default();
                library.add(document);
                library.link().iter().for_each(|diagnostic| is_well_placed(diagnostic, &text));
            }
            Err(mistakes) => {
                prop_assert!(!mistakes.is_empty());
                mistakes.iter().for_each(|diagnostic| is_well_placed(diagnostic, &text));
            }
        }
    }

    #[test]
    fn a_mangled_file_keeps_its_meaning_when_formatted(
        file in prop::sample::select(files()),
        changes in prop::collection::vec(change(), 0..4),
    ) {
        let text = mangle(&file.text, &changes);
        let Ok(formatted) = script::format(&source(&text)) else { return Ok(()) };
        prop_assert_eq!(meaning(&text), meaning(&formatted), "{}\n---\n{}", text, formatted);
        let again = script::format(&source(&formatted));
        prop_assert_eq!(again.as_deref(), Ok(formatted.as_str()), "{}", text);
    }
}
