//! The CSMS's side of the network: stations come in.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use peers::HandshakeAnswer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_tungstenite::accept_hdr_async_with_config;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HeaderValue, SEC_WEBSOCKET_PROTOCOL, WWW_AUTHENTICATE,
};
use tokio_tungstenite::tungstenite::http::{HeaderMap, StatusCode};

use crate::device::Shared;
use crate::socket;

/// How many connections may be open at once.
const MOST_CONNECTIONS: usize = 10_000;
/// How long a handshake may take.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// After a failed accept, mostly for want of file descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// Takes in stations until it is told to stop, and then waits for the links to end.
pub(crate) async fn accept(listener: TcpListener, device: Shared, mut stop: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut links = JoinSet::new();
    let mut number = 0;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = links.join_next() => continue,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        let Ok(place) = room.clone().try_acquire_owned() else {
            continue;
        };
        // A dead device takes nobody in.
        if device.with(|device, _| device.is_dead()) {
            continue;
        }
        number += 1;
        let device = device.clone();
        let mut stop = stop.clone();
        links.spawn(async move {
            let _place = place;
            let admitted = tokio::select! {
                admitted = tokio::time::timeout(HANDSHAKE_TIME, admit(stream, &device)) => admitted.ok().flatten(),
                _ = stop.wait_for(|stop| *stop) => None,
            };
            if let Some(Admitted { socket, identity, subprotocol }) = admitted {
                socket::pump(socket, &identity, number, subprotocol, &device).await;
            }
        });
    }
    drop(listener);
    // Links that came up since the goodbye.
    device.with(|device, _| device.close_all());
    while links.join_next().await.is_some() {}
}

struct Admitted {
    socket: tokio_tungstenite::WebSocketStream<TcpStream>,
    identity: String,
    subprotocol: Option<String>,
}

/// The opening handshake; `None` if nothing comes of it.
async fn admit(stream: TcpStream, device: &Shared) -> Option<Admitted> {
    stream.set_nodelay(true).ok()?;
    let mut admitted = None;
    #[expect(clippy::result_large_err, reason = "the shape is the WebSocket library's")]
    let decide = |request: &Request, response: Response| decide(request, response, device, &mut admitted);
    let socket = accept_hdr_async_with_config(stream, decide, Some(socket::limits())).await.ok()?;
    let (identity, subprotocol) = admitted?;
    Some(Admitted { socket, identity, subprotocol })
}

#[expect(clippy::result_large_err, reason = "the shape is the WebSocket library's")]
fn decide(
    request: &Request,
    mut response: Response,
    device: &Shared,
    admitted: &mut Option<(String, Option<String>)>,
) -> Result<Response, ErrorResponse> {
    let last = request.uri().path().rsplit('/').next().unwrap_or("");
    let Some(identity) = percent_decode(last) else {
        return Err(refusal(400));
    };
    let credentials = basic_credentials(request.headers());
    let credentials = credentials.as_ref().map(|(user, password)| (user.as_str(), password.as_slice()));
    let offered = offered(request.headers());
    match device.with(|device, now| device.decide_handshake(now, &identity, credentials, &offered)) {
        HandshakeAnswer::Refuse { status } => Err(refusal(status)),
        HandshakeAnswer::Accept { subprotocol } => {
            if let Some(value) = subprotocol.as_deref().and_then(|name| HeaderValue::from_str(name).ok()) {
                response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, value);
            }
            *admitted = Some((identity, subprotocol));
            Ok(response)
        }
    }
}

fn refusal(status: u16) -> ErrorResponse {
    let mut response = ErrorResponse::new(None);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    if status == 401 {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"ocpp\""));
    }
    response
}

/// The subprotocols offered, over however many headers.
fn offered(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

/// User and password; the password is bytes.
fn basic_credentials(headers: &HeaderMap) -> Option<(String, Vec<u8>)> {
    let (scheme, encoded) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let user = String::from_utf8_lossy(decoded.get(..colon)?).into_owned();
    Some((user, decoded.get(colon + 1..)?.to_vec()))
}

/// The text behind `%41` and the like; `None` if it is none.
fn percent_decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let high = char::from(bytes.next()?).to_digit(16)?;
        let low = char::from(bytes.next()?).to_digit(16)?;
        out.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_decoded_and_damaged_ones_refused() {
        assert_eq!(percent_decode("CP%201").as_deref(), Some("CP 1"));
        assert_eq!(percent_decode("CP%2"), None);
        assert_eq!(percent_decode("CP%zz"), None);
        assert_eq!(percent_decode("%ff"), None);
    }

    #[test]
    fn a_password_may_hold_any_bytes_and_colons() {
        let mut headers = HeaderMap::new();
        let encoded = base64::engine::general_purpose::STANDARD.encode(b"CP:a:\xff");
        headers.insert(AUTHORIZATION, HeaderValue::from_str(&format!("basic {encoded}")).unwrap());
        assert_eq!(basic_credentials(&headers), Some(("CP".to_owned(), b"a:\xff".to_vec())));
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Basic %%%"));
        assert_eq!(basic_credentials(&headers), None);
    }

    #[test]
    fn offers_come_over_several_headers() {
        let mut headers = HeaderMap::new();
        headers.append(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("ocpp2.1, ocpp2.0.1"));
        headers.append(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("ocpp1.6"));
        assert_eq!(offered(&headers), ["ocpp2.1", "ocpp2.0.1", "ocpp1.6"]);
    }
}
