//! Names as they are written: `$name.part + 5s`, `now`, and `${name}` inside of text.

use crate::ast::{NameRef, Offset, TextPart};

/// Whether this can be the name of something: letters, digits and `_`, not beginning with a digit.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `$name`, `$name.part`, `$name + CONSTANT`, `$name - CONSTANT`.
pub(super) fn reference(text: &str) -> Result<NameRef, String> {
    let rest = text.strip_prefix('$').unwrap_or(text);
    let cut = rest.find(|c: char| c.is_whitespace()).unwrap_or(rest.len());
    let (path, offset) = rest.split_at(cut);
    let mut parts = path.split('.').map(str::to_owned);
    let root = parts.next().unwrap_or_default();
    let parts: Vec<String> = parts.collect();
    let is_part = |part: &String| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || "_-[]".contains(c));
    if !is_name(&root) || !parts.iter().all(is_part) {
        return Err(format!("\"{text}\" is not a name; a name is written `$name` or `$name.part`"));
    }
    Ok(NameRef { root, parts, plus: offset_of(offset.trim())? })
}

fn offset_of(text: &str) -> Result<Option<Offset>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || format!("\"{text}\" cannot be added; write `+ 5s`, `- 500ms`, `+ 1` or `- 1`");
    let (sign, constant) = match text.split_at_checked(1) {
        Some(("+", rest)) => (1, rest.trim()),
        Some(("-", rest)) => (-1, rest.trim()),
        _ => return Err(wrong()),
    };
    if let Ok(length) = protocol::time::duration(constant) {
        let micros = i64::try_from(length.as_micros()).map_err(|_| wrong())?;
        return Ok(Some(Offset::Micros(sign * micros)));
    }
    if !constant.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(wrong());
    }
    let number = match constant.parse::<i64>() {
        Ok(whole) => Some(serde_json::Number::from(sign * whole)),
        Err(_) => constant.parse::<f64>().ok().and_then(|number| serde_json::Number::from_f64(sign as f64 * number)),
    };
    number.map(|number| Some(Offset::Number(number))).ok_or_else(wrong)
}

/// `now`, `now + 5s`.
pub(crate) fn moment(text: &str) -> Option<Result<NameRef, String>> {
    let rest = text.strip_prefix("now")?;
    (rest.is_empty() || rest.starts_with(' ')).then(|| reference(text))
}

/// Text with `${name}` inside.
pub(super) fn text_parts(text: &str) -> Result<Vec<TextPart>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if at > 0 {
            parts.push(TextPart::Literal(rest[..at].to_owned()));
        }
        let inner = &rest[at + 2..];
        let end = inner.find('}').ok_or_else(|| "a `${` without its `}`".to_owned())?;
        parts.push(TextPart::Name(reference(&inner[..end])?));
        rest = &inner[end + 1..];
    }
    if !rest.is_empty() {
        parts.push(TextPart::Literal(rest.to_owned()));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_has_parts_and_a_constant() {
        let reference = reference("$c.connector - 1").unwrap();
        assert_eq!((reference.root.as_str(), reference.parts.join(".")), ("c", "connector".to_owned()));
        assert_eq!(reference.plus, Some(Offset::Number((-1).into())));
        assert_eq!(super::reference("$i + 500ms").unwrap().plus, Some(Offset::Micros(500_000)));
        assert_eq!(super::reference("$i+5s").map_err(|_| ()), Err(()));
        for wrong in ["$", "$1", "$a.", "$a b", "$a + b", "$a + inf", "$a * 2", "$é"] {
            assert!(super::reference(wrong).is_err(), "{wrong}");
        }
        assert!(moment("nowhere").is_none());
        assert_eq!(moment("now - 5s").unwrap().unwrap().plus, Some(Offset::Micros(-5_000_000)));
    }

    #[test]
    fn names_stand_inside_of_text() {
        let parts = text_parts("[2,\"${id}\",{}]").unwrap();
        assert_eq!(parts.len(), 3);
        assert!(text_parts("${id").is_err());
        assert!(text_parts("${}").is_err());
    }
}
