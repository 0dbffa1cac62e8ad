//! A value whose characters are written as JSON, a URL or HTML would write them, each in whatever way.

use super::SHORT;

/// Whether a text was cut here: some quote what they cut, and mark the cut behind the quote.
pub(super) fn is_cut(rest: &[u8]) -> bool {
    rest.strip_prefix(b"\"").unwrap_or(rest).starts_with("…".as_bytes())
}

/// Where a value ends that begins here, each of its characters written in whatever way.
pub(super) fn end(value: &str, text: &str, at: usize, layers: u32) -> Option<usize> {
    let mut end = at;
    for (number, c) in value.chars().enumerate() {
        let rest = text.get(end..)?;
        match length_of(c, rest, layers) {
            Some(length) => end += length,
            None if number >= SHORT => {
                // The cut may have gone through the way a character was written.
                let whole = !rest.starts_with(['%', '\\', '&']);
                let left = if whole { 0 } else { rest.find(['…', '"'])? };
                return (left <= 12 && is_cut(&rest.as_bytes()[left..])).then_some(end + left);
            }
            None => return None,
        }
    }
    Some(end)
}

/// How many bytes of a text are this character, in one of the ways it may be written.
fn length_of(c: char, text: &str, layers: u32) -> Option<usize> {
    let mut buffer = [0; 4];
    let bytes = c.encode_utf8(&mut buffer).as_bytes();
    if !matches!(text.as_bytes().first()?, b'%' | b'\\' | b'&' | b'+') {
        let here = text.as_bytes().get(..bytes.len())?;
        return here.eq_ignore_ascii_case(bytes).then_some(bytes.len());
    }
    let percent: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
    let starts = |with: &str| {
        let here = text.as_bytes().get(..with.len())?;
        here.eq_ignore_ascii_case(with.as_bytes()).then_some(with.len())
    };
    if let Some(length) = starts(&percent) {
        return Some(length);
    }
    let entities: &[&str] = match c {
        '&' => &["&amp;", "&#38;", "&#x26;"],
        '<' => &["&lt;", "&#60;", "&#x3c;"],
        '>' => &["&gt;", "&#62;", "&#x3e;"],
        '"' => &["&quot;", "&#34;", "&#x22;"],
        '\'' => &["&apos;", "&#39;", "&#x27;"],
        '/' => &["&#47;", "&#x2f;"],
        ' ' => &["+"],
        _ => &[],
    };
    if let Some(length) = entities.iter().find_map(|entity| starts(entity)) {
        return Some(length);
    }
    // So many layers of JSON double every backslash so many times.
    let slashes = |count: usize| "\\".repeat(count);
    let full = 1_usize << layers;
    if layers > 0 {
        let units: String = c
            .encode_utf16(&mut [0; 2])
            .iter()
            .fold(String::new(), |all, unit| format!("{all}{}u{unit:04x}", slashes(full / 2)));
        if let Some(length) = starts(&units) {
            return Some(length);
        }
        let short = match c {
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            '\u{8}' => 'b',
            '\u{c}' => 'f',
            _ => c,
        };
        if short != c {
            return starts(&format!("{}{short}", slashes(full / 2)));
        }
    }
    let written = match c {
        '\\' => slashes(full),
        '"' | '/' if text.starts_with('\\') => format!("{}{c}", slashes(full - 1)),
        _ => c.to_string(),
    };
    starts(&written)
}
