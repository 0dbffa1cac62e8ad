//! A station's request as it came, and what was wrong with it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::basic::BasicCredentials;
use super::head::{HandshakeError, MAX_HEADERS, not_http};
use super::headers::{Headers, check_single, check_upgrade, quoted};
use super::subprotocol::KNOWN_SUBPROTOCOLS;
use crate::url::percent_decode;
use crate::{Finding, FindingKind};

/// An upgrade request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method; GET unless something is wrong.
    pub method: String,
    /// Path and query as they were written.
    pub path: String,
    /// The last segment of the path, percent-decoded. Bytes that are not UTF-8 are replaced.
    pub identity: String,
    /// The path before that segment, as it was written.
    pub endpoint: String,
    /// The sub-protocols offered, best first.
    pub subprotocols: Vec<String>,
    /// The WebSocket extensions offered.
    pub extensions: Vec<String>,
    /// The credentials, when there are readable ones.
    pub basic: Option<BasicCredentials>,
    /// Every header.
    pub headers: Headers,
    /// What is wrong with the request.
    pub findings: Vec<Finding>,
}

impl Request {
    pub(crate) fn parse(head: &[u8], early: usize) -> Result<Self, HandshakeError> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Request::new(&mut fields);
        match parsed.parse(head) {
            Ok(httparse::Status::Complete(_)) => {}
            Ok(httparse::Status::Partial) => return Err(not_http("the head is incomplete", head)),
            Err(httparse::Error::TooManyHeaders) => {
                return Err(HandshakeError::HeadTooLarge { limit: head.len() });
            }
            Err(error) => return Err(not_http(error.to_string(), head)),
        }
        let method = parsed.method.unwrap_or_default().to_owned();
        let path = parsed.path.unwrap_or_default().to_owned();
        let version = parsed.version.unwrap_or_default();
        let headers = Headers::parsed(parsed.headers);

        let mut found = Vec::new();
        check_request_line(&method, version, &mut found);
        check_headers(&headers, &mut found);
        let subprotocols = check_subprotocols(&headers, &mut found);
        let (endpoint, identity) = identity(&path, &mut found);
        let basic = basic(&headers, &identity, &mut found);
        if early > 0 {
            let detail = format!("{early} bytes followed the request before it was answered");
            found.push(Finding::new(FindingKind::EarlyData, head.len() as u64, detail));
        }
        Ok(Self {
            method,
            path,
            identity,
            endpoint,
            subprotocols,
            extensions: headers.list("sec-websocket-extensions"),
            basic,
            headers,
            findings: found,
        })
    }
}

fn check_request_line(method: &str, version: u8, found: &mut Vec<Finding>) {
    if method != "GET" {
        found.push(Finding::new(FindingKind::Method, 0, format!("the method is {method}; expected GET")));
    }
    if version != 1 {
        let detail = format!("the request is HTTP/1.{version}; expected HTTP/1.1");
        found.push(Finding::new(FindingKind::HttpVersion, 0, detail));
    }
}

fn check_headers(headers: &Headers, found: &mut Vec<Finding>) {
    if headers.first("host").is_none() {
        found.push(Finding::new(FindingKind::Host, 0, "the header Host is missing"));
    }
    check_upgrade(headers, found);
    let key = headers.first("sec-websocket-key");
    if key.and_then(|key| STANDARD.decode(key).ok()).is_none_or(|key| key.len() != 16) {
        let detail = match key {
            None => "the header Sec-WebSocket-Key is missing".to_owned(),
            Some(key) => format!("Sec-WebSocket-Key is {}; expected 16 bytes in base64", quoted(key)),
        };
        found.push(Finding::new(FindingKind::Key, 0, detail));
    }
    let version = headers.first("sec-websocket-version");
    if version != Some(b"13") {
        let detail = match version {
            None => "the header Sec-WebSocket-Version is missing; expected 13".to_owned(),
            Some(version) => format!("Sec-WebSocket-Version is {}; expected 13", quoted(version)),
        };
        found.push(Finding::new(FindingKind::WebSocketVersion, 0, detail));
    }
    check_single(headers, &["Host", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Authorization"], found);
}

fn check_subprotocols(headers: &Headers, found: &mut Vec<Finding>) -> Vec<String> {
    let offered = headers.list("sec-websocket-protocol");
    if offered.is_empty() {
        let detail = "no sub-protocol is offered in Sec-WebSocket-Protocol";
        found.push(Finding::new(FindingKind::SubprotocolNotOffered, 0, detail));
    }
    for (index, name) in offered.iter().enumerate() {
        let problem = if !name.bytes().all(is_token_byte) {
            Some("is not a token")
        } else if offered[..index].contains(name) {
            Some("is offered twice")
        } else {
            None
        };
        if let Some(problem) = problem {
            let detail = format!("the sub-protocol {} {problem}", quoted(name.as_bytes()));
            Finding::new(FindingKind::SubprotocolSyntax, 0, detail).merge_into(found);
        }
        let known = KNOWN_SUBPROTOCOLS.iter().find(|known| known.eq_ignore_ascii_case(name) && **known != name);
        if let Some(known) = known {
            let detail = format!("the sub-protocol is written {name:?}; its name is {known}");
            Finding::new(FindingKind::SubprotocolCase, 0, detail).merge_into(found);
        }
    }
    offered
}

/// RFC 9110 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn identity(path: &str, found: &mut Vec<Finding>) -> (String, String) {
    let without_query = path.split(['?', '#']).next().unwrap_or_default();
    let (endpoint, segment) = without_query.rsplit_once('/').unwrap_or(("", without_query));
    if segment.is_empty() {
        let detail = format!("the path {} does not end in an identity", quoted(path.as_bytes()));
        found.push(Finding::new(FindingKind::IdentityMissing, 0, detail));
    }
    let (decoded, clean) = percent_decode(segment.as_bytes());
    let text = String::from_utf8_lossy(&decoded).into_owned();
    let raw = segment.bytes().any(|byte| !is_path_byte(byte));
    if !clean || raw || std::str::from_utf8(&decoded).is_err() {
        let detail = format!("the identity {} is not percent-encoded UTF-8", quoted(segment.as_bytes()));
        found.push(Finding::new(FindingKind::IdentityEncoding, 0, detail));
    }
    (endpoint.to_owned(), text)
}

/// What may stand unencoded in a path segment (RFC 3986 3.3), and the percent sign.
fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%".contains(&byte)
}

fn basic(headers: &Headers, identity: &str, found: &mut Vec<Finding>) -> Option<BasicCredentials> {
    match BasicCredentials::parse(headers.first("authorization")?) {
        Ok(credentials) => {
            // 2.x compares identities without regard to letter case, so a difference in case alone is not held
            // against any station.
            if !credentials.user.eq_ignore_ascii_case(identity.as_bytes()) {
                let user = quoted(&credentials.user);
                let detail = format!("the user of Basic authentication is {user}, the identity is {identity:?}");
                found.push(Finding::new(FindingKind::BasicUser, 0, detail));
            }
            Some(credentials)
        }
        Err(problem) => {
            let detail = format!("the header Authorization is not readable: {problem}");
            found.push(Finding::new(FindingKind::Authorization, 0, detail));
            None
        }
    }
}
