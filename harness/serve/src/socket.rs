//! Messages between a WebSocket and the device.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use peers::{Fetch, Oddity, Order, Orders};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::device::Shared;

/// The longest message taken; the largest legal ones of the protocol are far smaller.
const LONGEST_MESSAGE: usize = 1 << 20;
/// How many messages may wait for a peer that does not read, before it is cut off.
const MOST_WAITING: usize = 1_000;
/// How long one message may take to get out.
const WRITE_TIME: Duration = Duration::from_secs(30);
/// How long a device tries to reach something else than its counterpart.
const FETCH_TIME: Duration = Duration::from_secs(1);
/// How long the other side gets to end a link that we have closed.
const CLOSE_TIME: Duration = Duration::from_secs(2);

/// The limits of a link.
pub(crate) fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(8 * 1024)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * LONGEST_MESSAGE)
        .max_message_size(Some(LONGEST_MESSAGE))
        .max_frame_size(Some(LONGEST_MESSAGE))
}

/// Moves messages until the link is gone.
pub(crate) async fn pump(
    mut socket: WebSocketStream<TcpStream>,
    identity: &str,
    number: u64,
    subprotocol: Option<String>,
    device: &Shared,
) {
    let (orders, mut waiting) = mpsc::channel(MOST_WAITING);
    let cut = Arc::new(Notify::new());
    let take = taker(orders, cut.clone());
    device.with(|device, now| device.opened(now, identity, number, subprotocol, take));
    let cut_off = tokio::select! {
        () = cut.notified() => true,
        () = exchange(&mut socket, &mut waiting, identity, number, device) => false,
    };
    if !cut_off {
        // What the other side still says is nobody's business any more, but its end of the handshake is.
        let _ = tokio::time::timeout(CLOSE_TIME, async { while let Some(Ok(_)) = socket.next().await {} }).await;
    }
    device.with(|device, now| device.closed(now, identity, number));
}

/// Takes the device's orders without ever waiting: a link that does not keep up is cut.
fn taker(orders: mpsc::Sender<Order>, cut: Arc<Notify>) -> Orders {
    Box::new(move |order| {
        if order == Order::Cut || orders.try_send(order).is_err() {
            cut.notify_one();
        }
    })
}

async fn exchange(
    socket: &mut WebSocketStream<TcpStream>,
    waiting: &mut mpsc::Receiver<Order>,
    identity: &str,
    number: u64,
    device: &Shared,
) {
    loop {
        tokio::select! {
            biased;
            order = waiting.recv() => {
                let (message, last) = match order {
                    Some(Order::Fetch(fetch)) => {
                        tokio::spawn(carry_out(fetch));
                        continue;
                    }
                    Some(Order::Send(text)) => (Message::text(text), false),
                    Some(Order::Close(code)) => (closing(code), true),
                    Some(Order::Cut) | None => return,
                };
                let sent = tokio::time::timeout(WRITE_TIME, socket.send(message)).await;
                if last || !matches!(sent, Ok(Ok(()))) {
                    return;
                }
            }
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    device.with(|device, now| device.text(now, identity, number, text.as_bytes()));
                }
                Some(Ok(Message::Binary(bytes))) => {
                    device.with(|device, now| device.met(now, identity, number, Oddity::Binary(&bytes)));
                }
                // It has been answered below us.
                Some(Ok(Message::Ping(payload))) => {
                    device.with(|device, now| device.met(now, identity, number, Oddity::Ping(&payload)));
                }
                Some(Ok(Message::Pong(_) | Message::Frame(_))) => {}
                // The library reads no further, and leaves it to us to say why.
                Some(Err(error)) => {
                    let Some(oddity) = oddity(&error) else { return };
                    device.with(|device, now| device.met(now, identity, number, oddity));
                    while let Ok(order) = waiting.try_recv() {
                        let message = match order {
                            Order::Send(text) => Message::text(text),
                            Order::Close(code) => closing(code),
                            Order::Cut | Order::Fetch(_) => return,
                        };
                        let _ = tokio::time::timeout(WRITE_TIME, socket.send(message)).await;
                    }
                    return;
                }
                Some(Ok(Message::Close(_))) | None => return,
            },
        }
    }
}

/// What about a frame fails the link; `None` if the link has just ended.
fn oddity(error: &Error) -> Option<Oddity<'static>> {
    match error {
        Error::Utf8(_) => Some(Oddity::NotUtf8),
        Error::Capacity(_) => Some(Oddity::TooLong),
        Error::Protocol(ProtocolError::NonZeroReservedBits) => Some(Oddity::ReservedBits),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        Error::Protocol(_) => Some(Oddity::ProtocolError),
        _ => None,
    }
}

/// Connects to where a defective device wants to, which is always this machine.
async fn carry_out(fetch: Fetch) {
    let connect = async {
        let mut stream = TcpStream::connect(fetch.at).await?;
        stream.write_all(fetch.request.as_bytes()).await
    };
    // Nobody hears how it went, the device least of all.
    let _ = tokio::time::timeout(FETCH_TIME, connect).await;
}

fn closing(code: u16) -> Message {
    Message::Close(Some(CloseFrame { code: code.into(), reason: "".into() }))
}
