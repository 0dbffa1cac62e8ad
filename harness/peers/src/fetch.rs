//! Connections that a defective device makes because a text told it to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A connection to be made, and what to say there. It only ever leads to this very machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Where to: a loopback address.
    pub at: SocketAddr,
    /// What to send: an HTTP request, whatever the URL's scheme is.
    pub request: String,
}

impl Fetch {
    /// The first URL in a text whose host is this machine.
    pub(crate) fn from_text(text: &str) -> Option<Fetch> {
        text.match_indices("://").find_map(|(at, mark)| {
            let (before, after) = (&text[..at], &text[at + mark.len()..]);
            Fetch::from_parts(before, after)
        })
    }

    fn from_parts(before: &str, after: &str) -> Option<Fetch> {
        let scheme: String = before.chars().rev().take_while(char::is_ascii_alphabetic).collect();
        let scheme: String = scheme.chars().rev().collect::<String>().to_ascii_lowercase();
        let end = |c: char| c.is_whitespace() || c.is_control() || "\"'`<>(){}|;,\\".contains(c);
        let rest = after.split(end).next().unwrap_or("");
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (host, port) = match authority.strip_prefix('[') {
            Some(v6) => {
                let (host, port) = v6.split_once(']')?;
                (host, port.strip_prefix(':'))
            }
            None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
        };
        let address = match host.to_ascii_lowercase().as_str() {
            "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
            host => host.parse().ok()?,
        };
        let loopback = match address {
            IpAddr::V4(address) => address.is_loopback(),
            IpAddr::V6(address) => address == Ipv6Addr::LOCALHOST,
        };
        let port = match port {
            Some(port) => port.parse().ok()?,
            None => match scheme.as_str() {
                "https" | "wss" => 443,
                "ftp" => 21,
                "ldap" => 389,
                _ => 80,
            },
        };
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        loopback.then(|| Fetch {
            at: SocketAddr::new(address, port),
            request: format!("GET {path} HTTP/1.0\r\nHost: {authority}\r\n\r\n"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_found_inside_of_texts() {
        let found = |text: &str| Fetch::from_text(text).map(|fetch| (fetch.at.to_string(), fetch.request));
        let (at, request) = found("x; wget http://127.0.0.1:8080/token?a=1; reboot").unwrap();
        assert_eq!(at, "127.0.0.1:8080");
        assert!(request.starts_with("GET /token?a=1 HTTP/1.0\r\n"), "{request}");
        assert_eq!(found("${jndi:ldap://localhost/abc}").unwrap().0, "127.0.0.1:389");
        assert_eq!(found("://x http://[::1]:5/").unwrap().0, "[::1]:5");
    }

    #[test]
    fn nothing_leaves_this_machine() {
        for text in ["http://192.168.0.1/", "http://example.com", "http://0.0.0.0/", "http://[2001:db8::1]/", "://", ""]
        {
            assert_eq!(Fetch::from_text(text), None, "{text}");
        }
    }
}
