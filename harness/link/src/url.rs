//! WebSocket addresses and station identities in them.

use std::fmt;

/// A `ws` or `wss` address, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Url {
    /// `wss`.
    pub secure: bool,
    /// Host name or address; IPv6 without its brackets.
    pub host: String,
    /// The port; 80 or 443 when it was not written.
    pub port: u16,
    /// Path and query, percent-encoded, beginning with a slash.
    pub path: String,
}

/// Why an address could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{url}` is not a WebSocket address: {problem}; expected something like ws://host:port/path")]
pub struct UrlError {
    url: String,
    problem: &'static str,
}

impl Url {
    /// Reads `ws://host[:port][/path]` or `wss://…`.
    ///
    /// # Errors
    /// Says which part cannot be read.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        let fail = |problem| UrlError { url: hide_user(url), problem };
        let (scheme, rest) = url.split_once("://").ok_or_else(|| fail("there is no `://`"))?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "ws" => false,
            "wss" => true,
            _ => return Err(fail("the scheme is neither ws nor wss")),
        };
        let split = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(split);
        if authority.contains('@') {
            return Err(fail("it carries a user; give user and password apart"));
        }
        if path.contains('#') {
            return Err(fail("a fragment (`#`) is not allowed (RFC 6455 3)"));
        }
        if path.bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Err(fail("the path has blanks, control or non-ASCII characters that are not percent-encoded"));
        }
        let path = match path.as_bytes().first() {
            None => "/".to_owned(),
            Some(b'?') => format!("/{path}"),
            Some(_) => path.to_owned(),
        };
        let default_port = if secure { 443 } else { 80 };
        let (host, port) = match authority.strip_prefix('[') {
            Some(v6) => {
                let (host, after) = v6.split_once(']').ok_or_else(|| fail("a `]` is missing"))?;
                let port = match after.strip_prefix(':') {
                    Some(port) => Some(port),
                    None if after.is_empty() => None,
                    None => return Err(fail("only a port may follow the `]`")),
                };
                (host, port)
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        if host.is_empty() || host.bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Err(fail("the host is empty or unreadable"));
        }
        let port = match port {
            None => default_port,
            Some(port) => match port.parse() {
                Ok(port) if port != 0 => port,
                _ => return Err(fail("the port is not a number from 1 to 65535")),
            },
        };
        Ok(Self { secure, host: host.to_owned(), port, path })
    }

    /// The address a station connects to: this endpoint, a slash, and the percent-encoded identity.
    #[must_use]
    pub fn with_identity(&self, identity: &str) -> Self {
        let (path, query) = match self.path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.path.as_str(), None),
        };
        let mut joined = format!("{}/{}", path.trim_end_matches('/'), percent_encode(identity.as_bytes()));
        if let Some(query) = query {
            joined.push('?');
            joined.push_str(query);
        }
        Self { path: joined, ..self.clone() }
    }

    /// What the `Host` header says: the port only where it is not the usual one.
    #[must_use]
    pub fn host_header(&self) -> String {
        let usual = if self.secure { 443 } else { 80 };
        if self.port == usual { self.bracketed_host() } else { format!("{}:{}", self.bracketed_host(), self.port) }
    }

    /// Host and port as a socket address is written.
    #[must_use]
    pub fn authority(&self) -> String {
        format!("{}:{}", self.bracketed_host(), self.port)
    }

    fn bracketed_host(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", if self.secure { "wss" } else { "ws" }, self.host_header(), self.path)
    }
}

impl std::str::FromStr for Url {
    type Err = UrlError;

    fn from_str(url: &str) -> Result<Self, UrlError> {
        Self::parse(url)
    }
}

/// An error message must not repeat a password that was written into an address.
fn hide_user(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 <= at => {
            format!("{}…{}", &url[..scheme + 3], &url[at..])
        }
        _ => url.to_owned(),
    }
}

/// Percent-encodes everything but letters, digits and `- . _ ~`: `RDAM 123` becomes `RDAM%20123`.
#[must_use]
pub fn percent_encode(bytes: &[u8]) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 0xf)]));
        }
    }
    out
}

/// Percent-decodes. The flag says whether every `%` was followed by two hexadecimal digits; where not, the
/// `%` stays. A `+` stays a plus: it means a blank only in forms.
#[must_use]
pub fn percent_decode(text: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(text.len());
    let mut clean = true;
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            if let Some((value, after)) = hex_pair(rest) {
                out.push(value);
                rest = after;
                continue;
            }
            clean = false;
        }
        out.push(byte);
    }
    (out, clean)
}

fn hex_pair(text: &[u8]) -> Option<(u8, &[u8])> {
    let (&[high, low], rest) = text.split_first_chunk::<2>()?;
    let digit = |byte: u8| char::from(byte).to_digit(16);
    Some(((digit(high)? << 4 | digit(low)?) as u8, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart_and_written_again() {
        let url = Url::parse("ws://127.0.0.1:9000/ocpp/CS%201?x=1").unwrap();
        assert_eq!((url.host.as_str(), url.port, url.path.as_str()), ("127.0.0.1", 9000, "/ocpp/CS%201?x=1"));
        assert_eq!(url.to_string(), "ws://127.0.0.1:9000/ocpp/CS%201?x=1");
        let url = Url::parse("WSS://[::1]").unwrap();
        assert_eq!((url.secure, url.host.as_str(), url.port, url.path.as_str()), (true, "::1", 443, "/"));
        assert_eq!((url.host_header(), url.authority()), ("[::1]".to_owned(), "[::1]:443".to_owned()));
        assert_eq!(Url::parse("ws://h?x").unwrap().path, "/?x");
    }

    #[test]
    fn what_is_not_an_address_is_refused_and_passwords_are_not_repeated() {
        for bad in ["", "host", "http://h", "ws://", "ws://:1", "ws://h:0", "ws://h:65536", "ws://h:x", "ws://[::1"] {
            assert!(Url::parse(bad).is_err(), "{bad}");
        }
        for bad in ["ws://h/#f", "ws://h/a b", "ws://h/ä", "ws://[::1]x", "ws://h y/"] {
            assert!(Url::parse(bad).is_err(), "{bad}");
        }
        let error = Url::parse("ws://user:secret@host/").unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn an_identity_is_appended_percent_encoded() {
        let at = |base: &str, identity: &str| Url::parse(base).unwrap().with_identity(identity).path;
        assert_eq!(at("ws://h/ocpp", "RDAM 123"), "/ocpp/RDAM%20123");
        assert_eq!(at("ws://h/ocpp/", "RDAM|123"), "/ocpp/RDAM%7C123");
        assert_eq!(at("ws://h", "CS1"), "/CS1");
        assert_eq!(at("ws://h/a?t=1", "a/b"), "/a/a%2Fb?t=1");
    }

    #[test]
    fn decoding_undoes_encoding_and_keeps_what_it_cannot_read() {
        let every: Vec<u8> = (0..=255).collect();
        assert_eq!(percent_decode(percent_encode(&every).as_bytes()), (every, true));
        assert_eq!(percent_decode(b"a+b%2"), (b"a+b%2".to_vec(), false));
        assert_eq!(percent_decode(b"%zz%41"), (b"%zzA".to_vec(), false));
    }
}
