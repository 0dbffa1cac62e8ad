//! Texts and keys as YAML: plain where they were plain and can be, else in quotes.

/// A value. `inside` of a flow collection more characters need quotes.
pub(super) fn value(text: &str, plain: bool, inside: bool) -> String {
    if plain && (text.is_empty() || is_plain(text, inside)) { text.to_owned() } else { quoted(text) }
}

/// A key.
pub(super) fn key(text: &str, inside: bool) -> String {
    if is_plain(text, inside) { text.to_owned() } else { quoted(text) }
}

/// Whether the text means itself without quotes.
fn is_plain(text: &str, inside: bool) -> bool {
    let mut characters = text.chars();
    let Some(first) = characters.next() else { return false };
    let second = characters.next();
    let first_is_plain = match first {
        '-' | '?' | ':' => second.is_some_and(|next| !(next.is_whitespace() || inside && ",[]{}".contains(next))),
        _ => !",[]{}#&*!|>'\"%@`".contains(first),
    };
    let is_document_mark = ["---", "..."].iter().any(|mark| text.starts_with(mark));
    first_is_plain
        && !is_document_mark
        && text.trim() == text
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with(':')
        && !text.contains(|c: char| c.is_control() || is_odd(c))
        && !(inside && text.contains([',', '[', ']', '{', '}']))
}

/// Double quotes, or single ones where they save escapes.
fn quoted(text: &str) -> String {
    let is_printable = !text.contains(|c: char| c.is_control() || is_odd(c));
    if is_printable && text.contains(['"', '\\']) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if u32::from(c) > 0xffff && is_odd(c) => out.push_str(&format!("\\U{:08x}", u32::from(c))),
            c if c.is_control() || is_odd(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Characters that YAML takes for a line break, a mark of byte order, or nothing printable.
fn is_odd(c: char) -> bool {
    matches!(c, '\u{85}' | '\u{a0}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_stand_only_where_they_must() {
        assert_eq!(key("station -> csms", true), "station -> csms");
        assert_eq!(value("*", true, true), "\"*\"");
        assert_eq!(value("a, b", true, false), "a, b");
        assert_eq!(value("a, b", true, true), "\"a, b\"");
        assert_eq!(value("1.6", false, true), "\"1.6\"");
        assert_eq!(value("[2,\"x\"]", false, false), "'[2,\"x\"]'");
        assert_eq!(value("-Heartbeat", true, true), "-Heartbeat");
        assert_eq!(value("it's \"", false, true), "'it''s \"'");
        assert_eq!(value("a\nb", false, true), "\"a\\nb\"");
    }
}
