//! Hostile text made fit for a terminal, a page and a log: nothing in it moves a cursor, turns the reading
//! direction, hides, or fills the screen.

use std::fmt::Write as _;

/// One line: characters that steer a terminal or hide are shown as escapes, at most `limit` characters of the
/// original are kept, and what was cut is counted.
pub fn safe_line(text: &str, limit: usize) -> String {
    let mut out = String::with_capacity(text.len().min(limit.saturating_mul(2)));
    let mut rest = text.chars();
    for c in rest.by_ref().take(limit) {
        push_safe(&mut out, c);
    }
    let cut = rest.count();
    if cut > 0 {
        let _ = write!(out, "… ({cut} more characters)");
    }
    out
}

/// Several lines, each through [`safe_line`]; at most `lines` of them, and what was cut is counted.
pub fn safe_lines(text: &str, lines: usize, limit: usize) -> Vec<String> {
    let mut rest = text.lines();
    let mut out: Vec<String> = rest.by_ref().take(lines).map(|line| safe_line(line, limit)).collect();
    let cut = rest.count();
    if cut > 0 {
        out.push(format!("… ({cut} more lines)"));
    }
    out
}

/// JSON with the same meaning, in which characters that steer a terminal or hide are escapes.
pub fn safe_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        // Outside its texts JSON has only ASCII, and of the rest serde_json leaves DEL as it is.
        if c != '\u{7f}' && (c.is_ascii() || is_safe(c)) {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

/// Adds a character as it is, or as an escape if it is not fit to be shown.
pub(crate) fn push_safe(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        _ if is_safe(c) => out.push(c),
        _ if u32::from(c) < 0x100 => {
            let _ = write!(out, "\\x{:02X}", u32::from(c));
        }
        _ => {
            let _ = write!(out, "\\u{{{:04X}}}", u32::from(c));
        }
    }
}

/// Whether a character neither steers, hides, nor lies outside what Unicode means to be shown.
fn is_safe(c: char) -> bool {
    !matches!(c,
        '\0'..='\u{1F}'
        | '\u{7F}'..='\u{9F}'
        | '\u{AD}'
        | '\u{61C}'
        | '\u{200B}'..='\u{200F}'
        | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{FEFF}'
        | '\u{FFF9}'..='\u{FFFB}'
        | '\u{E000}'..='\u{F8FF}'
        | '\u{E0000}'..='\u{10FFFF}')
        && u32::from(c) & 0xFFFE != 0xFFFE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_or_hides_is_shown_as_an_escape() {
        assert_eq!(
            safe_line("a\u{1b}[31mb\u{202e}c\u{200b}d\u{fffe}e\u{9b}f\rg\th", 80),
            "a\\x1B[31mb\\u{202E}c\\u{200B}d\\u{FFFE}e\\x9Bf\\rg\\th"
        );
    }

    #[test]
    fn ordinary_text_of_any_language_stays_as_it_is() {
        let text = "Grüße, ładowanie, 充电, ⚡, → … \u{FFFD}";
        assert_eq!(safe_line(text, 80), text);
    }

    #[test]
    fn json_means_the_same_and_steers_nothing() {
        let all: String = (0..=0x10FFFF).filter_map(char::from_u32).collect();
        let safe = safe_json(&serde_json::to_string(&all).unwrap());
        assert!(safe.chars().all(is_safe));
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), all);
        assert_eq!(safe_json("{\n\t\"é\": 1}"), "{\n\t\"é\": 1}");
    }

    #[test]
    fn a_mebibyte_is_cut_and_the_rest_is_counted() {
        let text = "é".repeat(1 << 20);
        assert_eq!(safe_line(&text, 3), format!("ééé… ({} more characters)", (1 << 20) - 3));
        let lines = safe_lines(&"x\n".repeat(1000), 2, 10);
        assert_eq!(lines, ["x", "x", "… (998 more lines)"]);
    }
}
