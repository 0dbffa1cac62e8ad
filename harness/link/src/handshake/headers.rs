//! Header fields as they came, and the few questions asked of them.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use crate::{Finding, FindingKind};

/// Header fields in their order, names as they were written, values as bytes. Its `Debug` hides `Authorization`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    /// No headers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a header.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) {
        self.0.push((name.into(), value.into()));
    }

    /// The same list with one header more.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.push(name, value);
        self
    }

    /// Name and value of each header in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// The values of every header of this name, whatever its letter case.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |(each, _)| each.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The value of the first header of this name.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(each, _)| each.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_slice())
    }

    /// The members of a comma-separated list, over all headers of this name. Bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<String> {
        let mut members = Vec::new();
        for value in self.all(name) {
            let text = String::from_utf8_lossy(value);
            members.extend(text.split(',').map(str::trim).filter(|member| !member.is_empty()).map(str::to_owned));
        }
        members
    }

    pub(crate) fn parsed(headers: &[httparse::Header<'_>]) -> Self {
        Self(headers.iter().map(|header| (header.name.to_owned(), header.value.to_vec())).collect())
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for (name, value) in &self.0 {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        }
    }

    pub(crate) fn list_has(&self, name: &str, member: &str) -> bool {
        self.list(name).iter().any(|each| each.eq_ignore_ascii_case(member))
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (name, value) in self.iter() {
            if name.eq_ignore_ascii_case("authorization") {
                map.entry(&name, &"…");
            } else {
                map.entry(&name, &String::from_utf8_lossy(value));
            }
        }
        map.finish()
    }
}

impl From<Vec<(String, Vec<u8>)>> for Headers {
    fn from(headers: Vec<(String, Vec<u8>)>) -> Self {
        Self(headers)
    }
}

/// What `Sec-WebSocket-Accept` has to say to a key (RFC 6455 4.2.2).
#[must_use]
pub fn accept_key(key: &[u8]) -> String {
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(hash.finalize())
}

/// The two headers every upgrade carries in both directions.
pub(crate) fn check_upgrade(headers: &Headers, found: &mut Vec<Finding>) {
    if !headers.list_has("upgrade", "websocket") {
        found.push(Finding::new(FindingKind::Upgrade, 0, describe(headers, "Upgrade", "websocket")));
    }
    if !headers.list_has("connection", "upgrade") {
        found.push(Finding::new(FindingKind::ConnectionHeader, 0, describe(headers, "Connection", "Upgrade")));
    }
}

/// Headers that stand more often than they may.
pub(crate) fn check_single(headers: &Headers, names: &[&str], found: &mut Vec<Finding>) {
    for name in names {
        let count = headers.all(name).count();
        if count > 1 {
            let detail = format!("the header {name} stands {count} times");
            Finding::new(FindingKind::DuplicateHeader, 0, detail).merge_into(found);
        }
    }
}

fn describe(headers: &Headers, name: &str, expected: &str) -> String {
    match headers.first(name) {
        None => format!("the header {name} is missing; expected {expected}"),
        Some(value) => format!("the header {name} is {}; expected {expected}", quoted(value)),
    }
}

/// A value for a message: readable, short.
pub(crate) fn quoted(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_standard_earns_the_answer_of_the_standard() {
        assert_eq!(accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn debug_output_hides_credentials() {
        let headers = Headers::new().with("Host", "h").with("AUTHORIZATION", "Basic c2VjcmV0");
        let shown = format!("{headers:?}");
        assert!(shown.contains("Host") && !shown.contains("c2VjcmV0"), "{shown}");
    }

    #[test]
    fn lists_are_joined_over_repeated_headers() {
        let headers = Headers::new().with("X", "a, b,,").with("x", " c ");
        assert_eq!(headers.list("X"), ["a", "b", "c"]);
    }
}
