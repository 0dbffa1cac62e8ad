//! What betrays the inside of a device in what it says (R-241).

use std::sync::LazyLock;

use regex::Regex;

/// What betrays the inside of a device beyond doubt: stack traces, and words of databases and runtimes.
pub const TRACES: [(&str, &str); 16] = [
    ("stack trace", r"Traceback \(most recent call last\)"),
    ("stack trace", r#"File "[^"]+\.py", line \d+"#),
    ("stack trace", r"\bat [\w.$<>]+\([\w$]+\.(?:java|kt|scala):\d+\)"),
    ("stack trace", r"\bat [\w.<>$ ]+\(?[\w/.:\\-]+\.[cm]?[jt]s:\d+:\d+\)?"),
    ("stack trace", r"\bat [\w.`<>]+\([^)]*\) in [^\n]+:line \d+"),
    ("stack trace", r"\bgoroutine \d+ \["),
    ("stack trace", r"panicked at [\w'/\\.]+"),
    ("stack trace", r"\bException in thread\b"),
    ("SQL", r"\bSQLSTATE\b|\bORA-\d{5}\b|\bSQLITE_[A-Z]+\b"),
    ("SQL", r"You have an error in your SQL syntax|syntax error at or near"),
    (
        "SQL",
        r"(?i)\bselect\s.{1,200}\sfrom\s\S.{0,80}\swhere\s|\binsert\s+into\s\S+\s*\(|\bupdate\s\S+\sset\s\S+\s*=|\bdelete\s+from\s\S+\swhere\s",
    ),
    ("SQL", r"(?i)Duplicate entry '.*' for key|violates (?:unique|foreign key|not-null|check) constraint"),
    ("SQL", r"(?i)deadlock (?:found|detected)|Lock wait timeout exceeded"),
    (
        "runtime",
        r"Cannot read propert(?:y|ies) (?:of|')|is not a function\b|NullPointerException|NullReferenceException",
    ),
    ("runtime", r"nil pointer dereference|index out of range \[\d+\]|list index out of range|Segmentation fault"),
    ("sanitizer", r"AddressSanitizer|==\d+==ERROR"),
];

/// A text is looked at up to this length.
const LONGEST: usize = 64 * 1024;

static PATTERNS: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    // Each is compiled in a test; one that were not would be left out here.
    TRACES.iter().filter_map(|(kind, pattern)| Some((*kind, Regex::new(pattern).ok()?))).collect()
});

/// The first trace of the inside in a text: its kind and its words. What the other side has said itself, in `ours`, is
/// none if it is only repeated.
pub fn trace_in<'a>(text: &'a str, ours: &str) -> Option<(&'static str, &'a str)> {
    let end = (0..=LONGEST.min(text.len())).rev().find(|at| text.is_char_boundary(*at))?;
    let found = |(kind, pattern): &(&'static str, Regex)| Some((*kind, pattern.find(&text[..end])?.as_str()));
    PATTERNS.iter().filter_map(found).find(|(_, words)| !squeezed(ours).contains(&squeezed(words)))
}

/// The text without what escapes and quotes change.
fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\\' | '"' | '\'') && !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        assert_eq!(PATTERNS.len(), TRACES.len());
    }

    #[test]
    fn a_stack_trace_is_one_unless_it_was_ours() {
        let text = "failed\n\tat com.example.Foo.bar(Foo.java:12)";
        assert_eq!(trace_in(text, ""), Some(("stack trace", "at com.example.Foo.bar(Foo.java:12)")));
        assert_eq!(trace_in(text, "{\"data\":\"at com.example.Foo.bar(Foo.java:12)\"}"), None);
        assert_eq!(trace_in("the field idTag is missing", ""), None);
    }
}
