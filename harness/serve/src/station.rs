//! The station's side of the network: it dials its CSMS whenever it wants to.

use std::time::Duration;

use base64::Engine;
use peers::Dial;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::device::Shared;
use crate::socket;

/// How long a connection may take to come about.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// Where the CSMS is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    host: String,
    port: u16,
    /// `host:port` as the URL has it.
    authority: String,
    /// Begins and ends with a slash.
    path: String,
    query: String,
}

impl Target {
    /// Reads a base URL.
    pub(crate) fn parse(url: &str) -> Result<Target, String> {
        let uri: Uri = url.parse().map_err(|_| "this is not a URL".to_owned())?;
        match uri.scheme_str() {
            Some("ws") => {}
            Some("wss") => return Err("TLS is not spoken here; only ws://".to_owned()),
            _ => return Err("a WebSocket URL begins with ws://".to_owned()),
        }
        let authority = uri.authority().ok_or("the URL names no host")?;
        if authority.as_str().contains('@') {
            return Err("credentials belong to the station's settings, not into the URL".to_owned());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err("the URL names no host".to_owned());
        }
        Ok(Target {
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority: authority.as_str().to_owned(),
            path: format!("{}/", uri.path().trim_end_matches('/')),
            query: uri.query().map(|query| format!("?{query}")).unwrap_or_default(),
        })
    }

    fn url(&self, identity: &str) -> String {
        format!("ws://{}{}{}{}", self.authority, self.path, percent_encode(identity), self.query)
    }
}

/// Carries out the station's wish for a connection, each time it has one.
pub(crate) async fn dial_when_wanted(target: Target, device: Shared, mut stop: watch::Receiver<bool>) {
    let mut links = JoinSet::new();
    loop {
        let dial = tokio::select! {
            dial = device.dial() => dial,
            Some(_) = links.join_next() => continue,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (target, device, mut stop) = (target.clone(), device.clone(), stop.clone());
        links.spawn(async move {
            let connected = tokio::select! {
                connected = tokio::time::timeout(CONNECT_TIME, connect(&target, &dial)) => connected,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            match connected.unwrap_or_else(|_| Err("the connection takes too long".to_owned())) {
                Ok((socket, subprotocol)) => {
                    socket::pump(socket, &dial.identity, dial.number, subprotocol, &device).await;
                }
                Err(reason) => device.with(|device, now| device.dial_failed(now, dial.number, reason)),
            }
        });
    }
    device.with(|device, _| device.close_all());
    while links.join_next().await.is_some() {}
}

async fn connect(target: &Target, dial: &Dial) -> Result<(WebSocketStream<TcpStream>, Option<String>), String> {
    let stream = TcpStream::connect((target.host.as_str(), target.port)).await.map_err(|error| error.to_string())?;
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let mut request = target.url(&dial.identity).into_client_request().map_err(|error| error.to_string())?;
    let headers = request.headers_mut();
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(dial.version.subprotocol()));
    if let Some((user, password)) = &dial.credentials {
        let pair = [user.as_bytes(), b":", password].concat();
        let basic = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
        headers.insert(AUTHORIZATION, HeaderValue::from_str(&basic).map_err(|error| error.to_string())?);
    }
    match client_async_with_config(request, stream, Some(socket::limits())).await {
        Ok((socket, response)) => Ok((socket, chosen(&response))),
        Err(Error::Http(response)) => Err(format!("HTTP status {}", response.status())),
        Err(error) => Err(error.to_string()),
    }
}

fn chosen(response: &Response) -> Option<String> {
    response.headers().get(SEC_WEBSOCKET_PROTOCOL)?.to_str().ok().map(str::to_owned)
}

/// Everything but letters, digits and `-._~` as `%41`.
fn percent_encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_becomes_the_last_segment() {
        let url = |base: &str| Target::parse(base).unwrap().url("CP 1");
        assert_eq!(url("ws://127.0.0.1:9000"), "ws://127.0.0.1:9000/CP%201");
        assert_eq!(url("ws://localhost/ocpp/?x=1"), "ws://localhost/ocpp/CP%201?x=1");
        assert_eq!(url("ws://[::1]:9000/a"), "ws://[::1]:9000/a/CP%201");
    }

    #[test]
    fn urls_that_cannot_be_used_are_refused_with_a_reason() {
        for url in ["http://localhost", "wss://localhost", "localhost:1", "ws://a:b@localhost", ""] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
    }
}
