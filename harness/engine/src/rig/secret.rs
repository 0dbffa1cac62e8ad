//! Values that must not be shown.

use std::fmt;

/// A value that is used but never shown: neither by `Debug` nor by `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    name: String,
    value: String,
}

/// Values shorter than this are left alone: hiding every `1` of a text would hide the text.
const SHORTEST: usize = 4;

impl Secret {
    /// A secret with the name that stands in its place.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Secret {
        Secret { name: name.into(), value: value.into() }
    }

    /// What it is called: the variable it came from, or the key of the rig.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value itself.
    pub fn expose(&self) -> &str {
        &self.value
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[redacted {}]", self.name)
    }
}

/// The text with every secret replaced by its name, also where it stands percent-encoded, as JSON, or as the
/// Base64 of Basic authentication with an empty or any user in front.
pub fn scrub(text: &str, secrets: &[(String, String)]) -> String {
    let mut text = text.to_owned();
    let mut longest_first: Vec<_> = secrets.iter().collect();
    longest_first.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
    for (name, value) in longest_first {
        if value.len() < SHORTEST {
            continue;
        }
        let mark = format!("[redacted {name}]");
        text = text.replace(value.as_str(), &mark);
        let encoded = percent_encode(value);
        if encoded != *value {
            text = text.replace(&encoded, &mark);
        }
        let quoted = serde_json::Value::from(value.as_str()).to_string();
        let quoted = quoted.trim_matches('"');
        if quoted != value {
            text = text.replace(quoted, &mark);
        }
        for form in base64_forms(value) {
            text = text.replace(&form, &mark);
        }
    }
    text
}

/// Everything but unreserved characters as `%XX`, for a path segment or a query value.
pub(crate) fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The parts of Base64 text that are the same whatever stands around the value: one for each way the value can
/// lie on the groups of three bytes.
fn base64_forms(value: &str) -> Vec<String> {
    use base64::Engine;
    let engine = base64::engine::general_purpose::STANDARD_NO_PAD;
    (0..3)
        .filter_map(|before| {
            let mut bytes = vec![0_u8; before];
            bytes.extend_from_slice(value.as_bytes());
            let whole = bytes.len() / 3 * 3;
            let encoded = engine.encode(bytes.get(..whole)?);
            // Characters that hold bits of the bytes in front belong to somebody else.
            let foreign = [0, 2, 3][before];
            let own = encoded.get(foreign..)?;
            (own.len() >= 8).then(|| own.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_its_name_only() {
        let secret = Secret::new("PLUGFEST_PASSWORD", "canary-4711");
        assert_eq!(format!("{secret:?} {secret}"), "[redacted PLUGFEST_PASSWORD] [redacted PLUGFEST_PASSWORD]");
    }

    #[test]
    fn a_secret_is_found_in_every_form_it_travels_in() {
        use base64::Engine;
        let value = "can ary\"4711/x";
        let secrets = [("PW".to_owned(), value.to_owned())];
        for user in ["", "a", "ab", "abc", "PF-1"] {
            let basic = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{value}"));
            let shown = scrub(&format!("Basic {basic}"), &secrets);
            assert!(shown.contains("[redacted PW]"), "{shown}");
        }
        let shown =
            scrub(&format!("{value} {} {}", percent_encode(value), serde_json::json!({ "p": value })), &secrets);
        assert_eq!(shown, "[redacted PW] [redacted PW] {\"p\":\"[redacted PW]\"}");
    }

    #[test]
    fn a_value_of_one_digit_does_not_black_out_the_text() {
        assert_eq!(scrub("1 of 11", &[("N".to_owned(), "1".to_owned())]), "1 of 11");
    }
}
