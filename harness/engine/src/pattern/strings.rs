//! A text that a regular expression matches: the shortest, taking the first way everywhere.

use regex_syntax::hir::{Class, Hir, HirKind};

/// A text that the whole expression matches; `None` if it is no expression or wants something that cannot be met.
pub(super) fn text_matching(expression: &str) -> Option<String> {
    let hir = regex_syntax::parse(expression).ok()?;
    let mut text = String::new();
    write(&hir, &mut text)?;
    Some(text)
}

fn write(hir: &Hir, text: &mut String) -> Option<()> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(()),
        HirKind::Literal(literal) => {
            text.push_str(std::str::from_utf8(&literal.0).ok()?);
            Some(())
        }
        HirKind::Class(Class::Unicode(class)) => {
            let ranges = class.ranges();
            // A letter or a digit reads better than the first control character of a wide class.
            let plain = ['a', 'A', '0', ' '];
            let chosen = plain
                .into_iter()
                .find(|c| ranges.iter().any(|range| range.start() <= *c && *c <= range.end()))
                .or_else(|| ranges.first().map(|range| range.start()))?;
            text.push(chosen);
            Some(())
        }
        HirKind::Class(Class::Bytes(class)) => {
            text.push(char::from(class.ranges().first()?.start()));
            Some(())
        }
        HirKind::Repetition(repetition) => {
            for _ in 0..repetition.min.min(10_000) {
                write(&repetition.sub, text)?;
            }
            Some(())
        }
        HirKind::Capture(capture) => write(&capture.sub, text),
        HirKind::Concat(parts) => parts.iter().try_for_each(|part| write(part, text)),
        HirKind::Alternation(ways) => write(ways.first()?, text),
    }
}

#[cfg(test)]
mod tests {
    use super::text_matching;

    #[test]
    fn the_text_is_one_that_the_expression_matches() {
        for expression in ["[A-Z]{2}[0-9]{3,5}", "(ab|cd)+x?", ".{4}", "v\\d+\\.\\d+", ""] {
            let text = text_matching(expression).unwrap();
            assert!(regex::Regex::new(&format!("^(?:{expression})$")).unwrap().is_match(&text), "{expression}: {text}");
        }
        assert_eq!(text_matching("("), None);
    }
}
