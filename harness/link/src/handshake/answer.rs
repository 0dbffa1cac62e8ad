//! A CSMS's answer as it came, and what was wrong with it.

use super::head::{BodyLength, HandshakeError, MAX_HEADERS, not_http};
use super::headers::{Headers, accept_key, check_single, check_upgrade, quoted};
use super::subprotocol::{ServerChoice, server_choice_judged};
use crate::{Finding, FindingKind};

/// The answer to an upgrade request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status; 101 makes it a WebSocket.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// Every header.
    pub headers: Headers,
    /// The body of an answer that is not 101, as far as it was read.
    pub body: Vec<u8>,
    /// Whether that is the whole body.
    pub body_complete: bool,
    /// The sub-protocol that was chosen.
    pub subprotocol: Option<String>,
    /// What is wrong with the answer.
    pub findings: Vec<Finding>,
}

impl Answer {
    /// Whether a station may go on with this connection: a 101 that opens a WebSocket in every respect, with a
    /// sub-protocol out of those it offered, when it offered any.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        let spoilt = |finding: &Finding| {
            matches!(
                finding.kind,
                FindingKind::Upgrade
                    | FindingKind::ConnectionHeader
                    | FindingKind::Accept
                    | FindingKind::SubprotocolMissing
                    | FindingKind::SubprotocolForeign
                    | FindingKind::SubprotocolSeveral
                    | FindingKind::ExtensionForeign
            )
        };
        self.status == 101 && !self.findings.iter().any(spoilt)
    }

    pub(crate) fn parse(head: &[u8], asked: &Asked<'_>) -> Result<Self, HandshakeError> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Response::new(&mut fields);
        match parsed.parse(head) {
            Ok(httparse::Status::Complete(_)) => {}
            Ok(httparse::Status::Partial) => return Err(not_http("the head is incomplete", head)),
            Err(httparse::Error::TooManyHeaders) => {
                return Err(HandshakeError::HeadTooLarge { limit: head.len() });
            }
            Err(error) => return Err(not_http(error.to_string(), head)),
        }
        let status = parsed.code.unwrap_or_default();
        let reason = parsed.reason.unwrap_or_default().to_owned();
        let version = parsed.version.unwrap_or_default();
        let headers = Headers::parsed(parsed.headers);

        let mut found = Vec::new();
        let mut subprotocol = None;
        match status {
            101 => {
                if version != 1 {
                    let detail = format!("the answer is HTTP/1.{version}; expected HTTP/1.1");
                    found.push(Finding::new(FindingKind::HttpVersion, 0, detail));
                }
                check_upgrade(&headers, &mut found);
                check_accept(&headers, asked.key, &mut found);
                check_single(&headers, &["Sec-WebSocket-Accept", "Sec-WebSocket-Protocol"], &mut found);
                subprotocol = check_subprotocol(&headers, asked.subprotocols, &mut found);
                check_extensions(&headers, asked.extensions, &mut found);
            }
            401 if headers.first("www-authenticate").is_none() => {
                let detail = "a 401 came without the header WWW-Authenticate";
                found.push(Finding::new(FindingKind::Challenge, 0, detail));
            }
            _ => {}
        }
        Ok(Self { status, reason, headers, body: Vec::new(), body_complete: true, subprotocol, findings: found })
    }

    pub(crate) fn body_length(&self) -> BodyLength {
        if matches!(self.status, 100..=199 | 204 | 304) {
            return BodyLength::Known(0);
        }
        if self.headers.list_has("transfer-encoding", "chunked") {
            return BodyLength::Chunked;
        }
        let length = self.headers.first("content-length").and_then(|value| std::str::from_utf8(value).ok());
        match length.and_then(|length| length.trim().parse().ok()) {
            Some(length) => BodyLength::Known(length),
            None => BodyLength::ToTheEnd,
        }
    }
}

/// What the answer is held against.
pub(crate) struct Asked<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) subprotocols: &'a [String],
    pub(crate) extensions: &'a [String],
}

fn check_accept(headers: &Headers, key: &[u8], found: &mut Vec<Finding>) {
    let expected = accept_key(key);
    let detail = match headers.first("sec-websocket-accept") {
        Some(value) if value.trim_ascii() == expected.as_bytes() => return,
        Some(value) => format!("Sec-WebSocket-Accept is {}; expected {expected:?}", quoted(value)),
        None => "the header Sec-WebSocket-Accept is missing".to_owned(),
    };
    found.push(Finding::new(FindingKind::Accept, 0, detail));
}

fn check_subprotocol(headers: &Headers, offered: &[String], found: &mut Vec<Finding>) -> Option<String> {
    let chosen = headers.list("sec-websocket-protocol");
    if chosen.len() > 1 {
        let detail =
            format!("the answer names {} sub-protocols: {}", chosen.len(), quoted(chosen.join(", ").as_bytes()));
        found.push(Finding::new(FindingKind::SubprotocolSeveral, 0, detail));
    }
    let first = chosen.into_iter().next();
    match server_choice_judged(offered, first.as_deref()) {
        ServerChoice::Offered => {}
        ServerChoice::Missing if offered.is_empty() => {}
        ServerChoice::Missing => {
            let detail = format!("the answer names no sub-protocol although {} was offered", offered.join(", "));
            found.push(Finding::new(FindingKind::SubprotocolMissing, 0, detail));
        }
        ServerChoice::Foreign => {
            let name = quoted(first.as_deref().unwrap_or_default().as_bytes());
            let detail = format!("the answer names the sub-protocol {name}; offered was {:?}", offered.join(", "));
            found.push(Finding::new(FindingKind::SubprotocolForeign, 0, detail));
        }
    }
    first
}

fn check_extensions(headers: &Headers, offered: &[String], found: &mut Vec<Finding>) {
    let name = |extension: &str| extension.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    for extension in headers.list("sec-websocket-extensions") {
        if !offered.iter().any(|each| name(each) == name(&extension)) {
            let detail =
                format!("the answer uses the extension {}, which was not offered", quoted(extension.as_bytes()));
            Finding::new(FindingKind::ExtensionForeign, 0, detail).merge_into(found);
        }
    }
}
