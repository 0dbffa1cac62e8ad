//! Basic authentication (RFC 7617, R-205 to R-207).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// User and password. Both are bytes: a 1.6 password is raw bytes and need not be text. Its `Debug` hides the
/// password.
#[derive(Clone, PartialEq, Eq)]
pub struct BasicCredentials {
    /// The user: the station's identity in its decoded form.
    pub user: Vec<u8>,
    /// The password.
    pub password: Vec<u8>,
}

impl BasicCredentials {
    /// User and password.
    #[must_use]
    pub fn new(user: impl Into<Vec<u8>>, password: impl Into<Vec<u8>>) -> Self {
        Self { user: user.into(), password: password.into() }
    }

    /// The value of an `Authorization` header.
    #[must_use]
    pub fn header(&self) -> String {
        let mut joined = self.user.clone();
        joined.push(b':');
        joined.extend_from_slice(&self.password);
        format!("Basic {}", STANDARD.encode(joined))
    }

    /// Reads the value of an `Authorization` header. The user ends at the first colon.
    ///
    /// # Errors
    /// Says what cannot be read, without repeating it.
    pub fn parse(value: &[u8]) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(value).map_err(|_| "it is not ASCII")?;
        let (scheme, encoded) = text.trim().split_once(' ').ok_or("there is nothing behind the scheme")?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err("the scheme is not Basic");
        }
        let joined = STANDARD.decode(encoded.trim()).map_err(|_| "the credentials are not base64")?;
        let colon = joined.iter().position(|byte| *byte == b':').ok_or("no colon parts user and password")?;
        Ok(Self::new(&joined[..colon], &joined[colon + 1..]))
    }
}

impl fmt::Debug for BasicCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BasicCredentials").field("user", &String::from_utf8_lossy(&self.user)).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_survive_the_header_with_any_bytes_in_the_password() {
        for credentials in [
            BasicCredentials::new("CS1", "secret"),
            BasicCredentials::new("CS1", vec![0, 255, b':', 10]),
            BasicCredentials::new("", ""),
        ] {
            assert_eq!(BasicCredentials::parse(credentials.header().as_bytes()), Ok(credentials));
        }
    }

    #[test]
    fn unreadable_credentials_are_described_without_repeating_them() {
        for bad in [&b"Basic"[..], b"Bearer abc", b"Basic $$", b"Basic YWJj", b"\xff"] {
            assert!(BasicCredentials::parse(bad).is_err());
        }
        assert!(!format!("{:?}", BasicCredentials::new("u", "secret")).contains("secret"));
    }
}
