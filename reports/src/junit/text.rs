//! Texts that stay well-formed whatever they hold: junit-report writes them as they are.

use verdict::safe_line;

/// Characters of an attribute.
const ATTRIBUTE: usize = 1000;
/// Bytes of the text of an element.
const BODY: usize = 64 * 1024;

/// A text for an attribute: one line.
pub(super) fn attribute(text: &str) -> String {
    clean(&safe_line(text, ATTRIBUTE))
}

/// A text for a CDATA section, cut in its middle where it is too long: both ends matter.
pub(super) fn body(text: &str) -> String {
    let text = clean(text);
    let text = if text.len() <= BODY { text } else { cut(&text) };
    text.replace("]]>", "]]]]><![CDATA[>")
}

fn cut(text: &str) -> String {
    let mut head = BODY / 2;
    while !text.is_char_boundary(head) {
        head -= 1;
    }
    let mut tail = text.len() - BODY / 2;
    while !text.is_char_boundary(tail) {
        tail += 1;
    }
    format!("{}\n… ({} bytes left out)\n{}", &text[..head], tail - head, &text[tail..])
}

/// What XML 1.0 has no place for becomes the replacement character.
fn clean(text: &str) -> String {
    let fits = |c: char| matches!(c, '\t' | '\n' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}');
    text.chars().map(|c| if fits(c) { c } else { '\u{FFFD}' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_outside_xml_comes_through() {
        let all: Vec<char> = (0..=0x10FFFF).filter_map(char::from_u32).collect();
        for text in all.chunks(900).map(String::from_iter).flat_map(|text| [attribute(&text), body(&text)]) {
            assert!(!text.chars().any(|c| c < ' ' && c != '\n' && c != '\t'));
            assert!(!text.contains(['\u{FFFE}', '\u{FFFF}']));
        }
    }

    #[test]
    fn the_end_of_a_section_is_parted_between_two() {
        assert_eq!(body("a]]>b"), "a]]]]><![CDATA[>b");
        assert_eq!(body("]]]]>>"), "]]]]]]><![CDATA[>>");
    }

    #[test]
    fn a_long_text_keeps_both_ends() {
        let text = format!("begin{}end", "é".repeat(1 << 20));
        let cut = body(&text);
        assert!(cut.len() < BODY + 100, "{}", cut.len());
        assert!(cut.starts_with("begin") && cut.ends_with("end") && cut.contains("bytes left out"));
    }
}
