//! The client's end of the handshake: we are the station.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::answer::{Answer, Asked};
use super::basic::BasicCredentials;
use super::head::{HandshakeError, read_body, read_head};
use super::headers::Headers;
use crate::random::Random;
use crate::{Connection, Limits, Side, Url};

/// An upgrade request to send. What [`new`](Self::new) gives is correct; every field may be spoilt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRequest {
    /// The method.
    pub method: String,
    /// Path and query, percent-encoded; see [`Url::with_identity`].
    pub path: String,
    /// The `Host` header; `None` leaves it out.
    pub host: Option<String>,
    /// The `Upgrade` header; `None` leaves it out.
    pub upgrade: Option<String>,
    /// The `Connection` header; `None` leaves it out.
    pub connection: Option<String>,
    /// The `Sec-WebSocket-Version` header; `None` leaves it out.
    pub version: Option<String>,
    /// The `Sec-WebSocket-Key` header; `None` leaves it out.
    pub key: Option<String>,
    /// The sub-protocols, best first. With none the header is left out.
    pub subprotocols: Vec<String>,
    /// The credentials.
    pub basic: Option<BasicCredentials>,
    /// Further headers, at the end, in order.
    pub headers: Headers,
}

impl ClientRequest {
    /// A correct request with a fresh key.
    #[must_use]
    pub fn new(host: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            method: "GET".to_owned(),
            path: path.into(),
            host: Some(host.into()),
            upgrade: Some("websocket".to_owned()),
            connection: Some("Upgrade".to_owned()),
            version: Some("13".to_owned()),
            key: Some(STANDARD.encode(Random::new().key())),
            subprotocols: Vec::new(),
            basic: None,
            headers: Headers::new(),
        }
    }

    /// A correct request for an address.
    #[must_use]
    pub fn to(url: &Url) -> Self {
        Self::new(url.host_header(), url.path.clone())
    }

    /// The same request offering these sub-protocols, best first.
    #[must_use]
    pub fn offering(mut self, subprotocols: &[&str]) -> Self {
        self.subprotocols = subprotocols.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// The same request with credentials.
    #[must_use]
    pub fn authorized(mut self, basic: Option<BasicCredentials>) -> Self {
        self.basic = basic;
        self
    }

    /// The bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = format!("{} {} HTTP/1.1\r\n", self.method, self.path).into_bytes();
        let mut all = Headers::new();
        let named = [
            ("Host", &self.host),
            ("Upgrade", &self.upgrade),
            ("Connection", &self.connection),
            ("Sec-WebSocket-Key", &self.key),
            ("Sec-WebSocket-Version", &self.version),
        ];
        for (name, value) in named {
            if let Some(value) = value {
                all.push(name, value.as_str());
            }
        }
        if !self.subprotocols.is_empty() {
            all.push("Sec-WebSocket-Protocol", self.subprotocols.join(", "));
        }
        if let Some(basic) = &self.basic {
            all.push("Authorization", basic.header());
        }
        all.write(&mut out);
        self.headers.write(&mut out);
        out.extend_from_slice(b"\r\n");
        out
    }
}

/// What came of a request.
#[derive(Debug)]
pub struct ClientOutcome<S> {
    /// The answer.
    pub answer: Answer,
    /// The WebSocket, whenever the answer was 101, be it otherwise wrong. A conforming station goes on only when
    /// [`Answer::is_usable`].
    pub connection: Option<Connection<S>>,
}

/// Sends a request and reads the answer. Bound it by a time-out: a peer may take as long as it likes.
///
/// # Errors
/// When what comes is not HTTP, is too long, or ends early. A refusal, or an answer against the rules, is no error.
pub async fn connect<S>(
    mut stream: S,
    request: &ClientRequest,
    limits: &Limits,
) -> Result<ClientOutcome<S>, HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    // A server may refuse and hang up before it has read everything; its answer is still worth reading.
    let written = async {
        stream.write_all(&request.to_bytes()).await?;
        stream.flush().await
    }
    .await;
    match (read_answer(stream, request, limits).await, written) {
        (Err(HandshakeError::EndedEarly { received }), Err(error)) if received.is_empty() => Err(error.into()),
        (outcome, _) => outcome,
    }
}

/// Reads the answer to a request that was written by other means, for example byte by byte.
///
/// # Errors
/// See [`connect`].
pub async fn read_answer<S>(
    mut stream: S,
    request: &ClientRequest,
    limits: &Limits,
) -> Result<ClientOutcome<S>, HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut buffer = BytesMut::new();
    let head = read_head(&mut stream, &mut buffer, limits.head, plausible_answer).await?;
    let asked = Asked {
        key: request.key.as_deref().unwrap_or_default().as_bytes(),
        subprotocols: &request.subprotocols,
        extensions: &request.headers.list("sec-websocket-extensions"),
    };
    let mut answer = Answer::parse(&head, &asked)?;
    if answer.status == 101 {
        let connection = Connection::with_received(stream, Side::Client, limits, &buffer);
        return Ok(ClientOutcome { answer, connection: Some(connection) });
    }
    let length = answer.body_length();
    let body = &mut answer.body;
    let complete = timeout(limits.body_wait, read_body(&mut stream, buffer, length, limits.body, body)).await;
    answer.body_complete = complete.unwrap_or(false);
    Ok(ClientOutcome { answer, connection: None })
}

/// Tells within the first bytes what can never become an answer, so that nobody waits for its end.
fn plausible_answer(start: &[u8]) -> Result<(), &'static str> {
    let expected = b"HTTP/";
    let blank = start.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let start = &start[blank..];
    let common = start.len().min(expected.len());
    if start[..common] == expected[..common] { Ok(()) } else { Err("an answer begins with HTTP/") }
}
