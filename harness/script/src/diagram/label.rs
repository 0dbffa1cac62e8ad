//! Text that Mermaid takes for text.

use verdict::{Source, Span};

/// Longer than this is cut.
const LONGEST: usize = 72;

/// What stands at a place of the file: on one line, without comments, cut where it is long.
pub(super) fn written(source: &Source, span: Span) -> String {
    let text = source.text.get(span.start..span.end).unwrap_or("");
    let mut words = String::new();
    for line in text.lines() {
        for word in without_comment(line).split_whitespace() {
            if !words.is_empty() {
                words.push(' ');
            }
            words.push_str(word);
        }
    }
    let mut characters = words.char_indices();
    match characters.nth(LONGEST) {
        Some((at, _)) => format!("{}…", &words[..at]),
        None => words,
    }
}

/// A comment begins with `#` behind a blank, outside quotes.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (at, character) in line.char_indices() {
        match (quote, character) {
            (None, '#') if before.is_whitespace() => return &line[..at],
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
        before = character;
    }
    line
}

/// The text with everything written as an entity that would end a label, begin another statement, or be taken for
/// markup.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for word in text.split_inclusive(|character: char| !character.is_ascii_alphanumeric()) {
        let (letters, rest) = match word.char_indices().last() {
            Some((at, last)) if !last.is_ascii_alphanumeric() => word.split_at(at),
            _ => (word, ""),
        };
        // The word that closes a block closes it inside a label too.
        if letters.eq_ignore_ascii_case("end") {
            safe.push_str(&format!("#{};{}", u32::from(letters.as_bytes()[0]), &letters[1..]));
        } else {
            safe.push_str(letters);
        }
        for character in rest.chars() {
            match character {
                '#' | ';' | '<' | '>' | '%' | '&' | '`' | '\\' => {
                    safe.push_str(&format!("#{};", u32::from(character)));
                }
                character if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') => safe.push(' '),
                character => safe.push(character),
            }
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_keeps_to_its_line_and_ends_nothing() {
        let label = escaped("a; b # c\nd <e> %%{x}\rthe end, weekend END \\n");
        assert_eq!(label, "a#59; b #35; c d #60;e#62; #37;#37;{x} the #101;nd, weekend #69;ND #92;n");
        assert!(!label.contains(['\n', '\r', '<', '>', '%']));
    }

    #[test]
    fn a_pattern_is_shown_on_one_line_without_its_comments() {
        let text = "{ a: \"#1\",   # why\n  b: 'x # y' }";
        let source = Source { path: String::new(), text: text.to_owned() };
        assert_eq!(written(&source, Span { start: 0, end: text.len() }), "{ a: \"#1\", b: 'x # y' }");
    }
}
