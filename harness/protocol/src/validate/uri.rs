//! What counts as a URI: RFC 3986 with a scheme.

/// Whether a text is an absolute URI, perhaps with a fragment (RFC 3986, `URI`).
pub fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let mut letters = scheme.bytes();
    if !letters.next().is_some_and(|byte| byte.is_ascii_alphabetic())
        || !letters.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    {
        return false;
    }
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    if !consists_of(fragment, b":@/?") || !consists_of(query, b":@/?") {
        return false;
    }
    match rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            is_authority(authority) && consists_of(path, b":@/")
        }
        None => consists_of(rest, b":@/"),
    }
}

fn is_authority(text: &str) -> bool {
    let (user, host) = text.rsplit_once('@').unwrap_or(("", text));
    if !consists_of(user, b":") {
        return false;
    }
    if let Some(rest) = host.strip_prefix('[') {
        let Some((literal, port)) = rest.split_once(']') else {
            return false;
        };
        let is_address = literal.parse::<std::net::Ipv6Addr>().is_ok() || is_future(literal);
        return is_address && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (name, port) = host.split_once(':').unwrap_or((host, ""));
    consists_of(name, b"") && is_port(port)
}

/// An address form that RFC 3986 keeps for later: `v1.x`.
fn is_future(text: &str) -> bool {
    let Some((version, rest)) = text.strip_prefix(['v', 'V']).and_then(|text| text.split_once('.')) else {
        return false;
    };
    !version.is_empty()
        && version.bytes().all(|byte| byte.is_ascii_hexdigit())
        && !rest.is_empty()
        && !rest.contains('%')
        && consists_of(rest, b":")
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text has only unreserved characters, sub-delimiters, percent-encoded bytes and these.
fn consists_of(text: &str, also: &[u8]) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let is_plain = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte) || also.contains(&byte);
        if is_plain {
            at += 1;
        } else if byte == b'%' && bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) {
            at += 3;
        } else {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::is_uri;

    #[test]
    fn addresses_of_files_are_uris() {
        for text in [
            "ftp://user:secret@example.org:2121/logs/",
            "https://[2001:db8::1]:8443/a%20b?x=y#z",
            "sftp://host",
            "urn:ocpp:1.6",
            "file:///tmp/log",
        ] {
            assert!(is_uri(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_uri_is_refused() {
        for text in [
            "",
            "logs/today",
            "//host/path",
            "ftp//host",
            "1ftp://host",
            "ftp://host/a b",
            "ftp://host/%zz",
            "ftp://host:port/",
            "ftp://ho[st/",
            "http://ä/",
        ] {
            assert!(!is_uri(text), "{text}");
        }
    }
}
