//! A small HTTP client for control endpoints: one request a connection, no proxy, no redirects, bounded answers.

use std::time::Duration;

use base64::Engine;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, Uri, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// The most that is read of an answer.
const LONGEST_BODY: usize = 256 * 1024;

/// A request.
pub(super) struct Request {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) location: Option<String>,
    body: Vec<u8>,
}

impl Request {
    pub(super) fn new(method: &str, url: String) -> Request {
        Request { method: method.to_owned(), url, headers: Vec::new(), body: Vec::new() }
    }

    /// Gives it a JSON body.
    pub(super) fn json(&mut self, body: &Value) {
        self.body = body.to_string().into_bytes();
        let named = |name: &str| name.eq_ignore_ascii_case("content-type");
        if !self.headers.iter().any(|(name, _)| named(name)) {
            self.headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
    }
}

impl Reply {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Yes or no, as `{"seen": true}` or `true`; `None` for everything else.
    pub(super) fn seen(&self) -> Option<bool> {
        let value: Value = serde_json::from_slice(&self.body).ok()?;
        value.as_bool().or_else(|| value.get("seen")?.as_bool())
    }

    /// The member of this name, if the answer is a JSON object.
    pub(super) fn member(&self, name: &str) -> Option<Value> {
        let value: Value = serde_json::from_slice(&self.body).ok()?;
        value.get(name).cloned()
    }

    /// What the answer says for people: the reason in it, or the beginning of it.
    pub(super) fn text(&self) -> String {
        if let Ok(Value::Object(object)) = serde_json::from_slice(&self.body) {
            let reason = ["reason", "error", "detail", "message"].iter().find_map(|key| object.get(*key)?.as_str());
            if let Some(reason) = reason {
                return shortened(reason);
            }
        }
        shortened(&String::from_utf8_lossy(&self.body))
    }
}

/// Sends a request and reads its answer, within a time.
///
/// # Errors
///
/// What stood in the way, as a sentence that names the request.
pub(super) async fn send(request: &Request, limit: Duration) -> Result<Reply, String> {
    let named = |why: String| format!("{} {}: {why}", request.method, without_user(&request.url));
    match tokio::time::timeout(limit, exchange(request)).await {
        Ok(done) => done.map_err(named),
        Err(_) => Err(named(format!("no answer within {} s", limit.as_secs_f64()))),
    }
}

async fn exchange(request: &Request) -> Result<Reply, String> {
    let uri: Uri = request.url.parse().map_err(|why| format!("not a URL: {why}"))?;
    if uri.scheme_str() != Some("http") {
        return Err("only http:// can be spoken here; for https use an exec binding".to_owned());
    }
    let authority = uri.authority().ok_or("the URL names no host")?;
    let host = authority.host();
    let port = authority.port_u16().unwrap_or(80);
    let bare_host = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((bare_host, port)).await.map_err(|why| why.to_string())?;
    // A small request must not wait for the acknowledgement of another.
    stream.set_nodelay(true).map_err(|why| why.to_string())?;
    let outgoing = build(request, &uri, host, authority.port_u16())?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|why| describe(&why))?;
    let answer = async {
        let response = sender.send_request(outgoing).await.map_err(|why| describe(&why))?;
        let status = response.status().as_u16();
        let location =
            response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = read_body(response.into_body()).await;
        Ok(Reply { status, location, body })
    };
    tokio::pin!(answer, connection);
    tokio::select! {
        biased;
        reply = &mut answer => reply,
        // The connection may end before everything that it brought is read.
        _ = &mut connection => answer.await,
    }
}

fn build(request: &Request, uri: &Uri, host: &str, port: Option<u16>) -> Result<hyper::Request<Full<Bytes>>, String> {
    let method =
        Method::from_bytes(request.method.as_bytes()).map_err(|_| format!("\"{}\" is not a method", request.method))?;
    let target = uri.path_and_query().map_or("/", |path| path.as_str());
    let host = port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let mut built = hyper::Request::builder()
        .method(method)
        .uri(target)
        .header(header::HOST, host)
        .header(header::USER_AGENT, "plugfest")
        .header(header::ACCEPT, "application/json, */*")
        .header(header::CONNECTION, "close");
    if let Some((user, _)) = uri.authority().and_then(|authority| authority.as_str().rsplit_once('@')) {
        let user = percent_decode(user);
        let basic = base64::engine::general_purpose::STANDARD.encode(user);
        built = built.header(header::AUTHORIZATION, format!("Basic {basic}"));
    }
    let mut built = built.body(Full::new(Bytes::from(request.body.clone()))).map_err(|why| why.to_string())?;
    for (name, value) in &request.headers {
        let header =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("\"{name}\" is not the name of a header"))?;
        let value = HeaderValue::from_str(value)
            .map_err(|_| format!("the value of the header {name} has characters that none may have"))?;
        built.headers_mut().insert(header, value);
    }
    Ok(built)
}

async fn read_body(mut body: hyper::body::Incoming) -> Vec<u8> {
    let mut read = Vec::new();
    // A connection that breaks in the middle of an explanation leaves us the status, which is what counts.
    while let Some(Ok(frame)) = body.frame().await {
        let Some(data) = frame.data_ref() else {
            continue;
        };
        let room = LONGEST_BODY.saturating_sub(read.len());
        read.extend(data.iter().take(room));
        if data.len() >= room {
            break;
        }
    }
    read
}

fn describe(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// The URL without user and password.
fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}://{host}{path}")
}

fn percent_decode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let decoded = (*first == b'%')
            .then(|| after.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match decoded {
            Some(byte) => {
                out.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

/// At most 300 characters, on one line.
pub(super) fn shortened(text: &str) -> String {
    const MOST: usize = 300;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MOST {
        return line;
    }
    line.chars().take(MOST).chain(['…']).collect()
}
