//! Secrets that stand in a rig file are not shown with its mistakes.

use verdict::Diagnostic;

/// Words in a key that say its value is a secret.
const TELLING: [&str; 8] = ["password", "passwd", "secret", "token:", "authorization", "cookie", "api-key", "apikey"];

/// Puts stars over literal secrets in the lines that diagnostics show. The text keeps its length in bytes, so
/// that the marks stay where they are.
pub(super) fn mask(found: &mut [Diagnostic]) {
    for excerpt in found.iter_mut().flat_map(|diagnostic| &mut diagnostic.excerpts) {
        excerpt.text = excerpt.text.split('\n').map(masked).collect::<Vec<_>>().join("\n");
    }
}

fn masked(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let mut out = line.as_bytes().to_vec();
    for word in TELLING {
        for (at, _) in lower.match_indices(word) {
            let Some(colon) = lower[at..].find(':') else {
                continue;
            };
            let from = at + colon + 1;
            let value = &line[from..];
            if value.trim_start().starts_with("${") || value.trim_start().starts_with("\"${") {
                continue;
            }
            let length = value.find(['}', ',', '#']).unwrap_or(value.len());
            for byte in out.iter_mut().skip(from).take(length) {
                if !byte.is_ascii_whitespace() {
                    *byte = b'*';
                }
            }
        }
    }
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_secret_is_starred_and_the_rest_of_its_line_stays() {
        assert_eq!(masked("password: hünter2 # x"), "password: ******** # x");
        assert_eq!(
            masked("  headers: { Authorization: Bearer abc, A: b }"),
            "  headers: { Authorization: ****** ***, A: b }"
        );
        for plain in ["password: ${PW}", "url: ws://h", "present token: none"] {
            assert_eq!(masked(plain).len(), plain.len());
        }
        assert_eq!(masked("password: ${PW}"), "password: ${PW}");
    }
}
