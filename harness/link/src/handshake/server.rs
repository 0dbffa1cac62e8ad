//! The server's end of the handshake: we are the CSMS.

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::head::{HandshakeError, read_head};
use super::headers::{Headers, accept_key};
use super::request::Request;
use crate::{Connection, Limits, Side};

/// Reads an upgrade request. Bound it by a time-out: a peer may send it as slowly as it likes.
///
/// # Errors
/// When what comes is not HTTP, is too long, or ends early. Requests that break the rules of WebSocket are no errors:
/// they come with findings, and the caller decides.
pub async fn read_request<S>(mut stream: S, limits: &Limits) -> Result<Incoming<S>, HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut buffer = BytesMut::new();
    let read = read_head(&mut stream, &mut buffer, limits.head, plausible_request).await;
    let parsed = read.and_then(|head| Request::parse(&head, buffer.len()));
    match parsed {
        Ok(request) => Ok(Incoming { request, stream, early: buffer, limits: limits.clone() }),
        Err(error) => {
            let status: &[u8] = match &error {
                HandshakeError::NotHttp { .. } => b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
                HandshakeError::HeadTooLarge { .. } => {
                    b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n"
                }
                _ => return Err(error),
            };
            // A courtesy; the peer may be gone, and the error says what matters.
            let _ = stream.write_all(status).await;
            let _ = stream.shutdown().await;
            Err(error)
        }
    }
}

/// A request that waits for its answer. Dropping it hangs up without one.
#[derive(Debug)]
pub struct Incoming<S> {
    /// What was asked.
    pub request: Request,
    stream: S,
    early: BytesMut,
    limits: Limits,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Incoming<S> {
    /// The correct 101, ready to be spoilt and sent with [`answer`](Self::answer).
    #[must_use]
    pub fn acceptance(&self, subprotocol: Option<&str>) -> AnswerDraft {
        let key = self.request.headers.first("sec-websocket-key").unwrap_or_default();
        let mut headers = Headers::new()
            .with("Upgrade", "websocket")
            .with("Connection", "Upgrade")
            .with("Sec-WebSocket-Accept", accept_key(key));
        if let Some(name) = subprotocol {
            headers.push("Sec-WebSocket-Protocol", name);
        }
        AnswerDraft { status: 101, reason: "Switching Protocols".to_owned(), headers, body: Vec::new() }
    }

    /// Completes the handshake. With `None` there is no sub-protocol, and the caller closes at once.
    ///
    /// # Errors
    /// When the transport fails.
    pub async fn accept(self, subprotocol: Option<&str>, extra: &Headers) -> Result<Connection<S>, HandshakeError> {
        let mut draft = self.acceptance(subprotocol);
        for (name, value) in extra.iter() {
            draft.headers.push(name, value);
        }
        self.answer(&draft).await
    }

    /// Refuses: 401 for wrong credentials, 404 for an unknown identity. Content-Length and
    /// `Connection: close` are added. The stream is closed.
    ///
    /// # Errors
    /// When the transport fails.
    pub async fn refuse(mut self, status: u16, headers: &Headers, body: &[u8]) -> Result<(), HandshakeError> {
        let mut all = Headers::new();
        for (name, value) in headers.iter() {
            all.push(name, value);
        }
        all.push("Content-Length", body.len().to_string());
        all.push("Connection", "close");
        let draft = AnswerDraft { status, reason: reason(status).to_owned(), headers: all, body: body.to_vec() };
        self.stream.write_all(&draft.to_bytes()).await?;
        self.stream.flush().await?;
        self.stream.shutdown().await?;
        Ok(())
    }

    /// Answers exactly as drafted, legal or not, and goes on as a WebSocket.
    ///
    /// # Errors
    /// When the transport fails.
    pub async fn answer(self, draft: &AnswerDraft) -> Result<Connection<S>, HandshakeError> {
        self.answer_bytes(&draft.to_bytes()).await
    }

    /// Answers with any bytes and goes on as a WebSocket.
    ///
    /// # Errors
    /// When the transport fails.
    pub async fn answer_bytes(mut self, bytes: &[u8]) -> Result<Connection<S>, HandshakeError> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await?;
        Ok(Connection::with_received(self.stream, Side::Server, &self.limits, &self.early))
    }

    /// The stream, and what came behind the request, for an answer of one's own in any timing.
    pub fn into_stream(self) -> (S, Vec<u8>) {
        (self.stream, self.early.to_vec())
    }
}

/// An HTTP answer to be sent as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerDraft {
    /// The status.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
}

impl AnswerDraft {
    /// The bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = format!("HTTP/1.1 {} {}\r\n", self.status, self.reason).into_bytes();
        self.headers.write(&mut out);
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
        out
    }
}

/// Tells within the first bytes what can never become a request, so that nobody waits for its end.
fn plausible_request(start: &[u8]) -> Result<(), &'static str> {
    match start {
        [0x16, 0x03, ..] => Err("this looks like the beginning of TLS on a port without TLS"),
        [first, ..] if !first.is_ascii_alphabetic() && !matches!(first, b'\r' | b'\n') => {
            Err("the first byte does not begin a request")
        }
        _ => Ok(()),
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Answer",
    }
}
