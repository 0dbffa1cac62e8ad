//! Where streams come from: TCP and the network in memory, plain, boxed and recorded.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test fail the test")]

use link::dial::{Dial, DialError, Listen, Listener, TcpDialer};
use link::handshake::{ClientRequest, Headers, connect, read_request};
use link::memory;
use link::tap::{Direction, Recorder, Tap};
use link::{AsyncStream, Connection, End, EventKind, Limits, Side, Stream, Url};

/// A conversation over whatever the two traits give.
async fn converse(dialer: &dyn Dial, listener: &mut dyn Listen, recorder: &Recorder) {
    let url = listener.url().with_identity("CS1");
    let limits = Limits::default();
    let serve = async {
        let stream = listener.accept().await.unwrap();
        let incoming = read_request(stream, &limits).await.unwrap();
        assert_eq!(incoming.request.findings, []);
        assert_eq!(incoming.request.identity, "CS1");
        let mut connection = incoming.accept(Some("ocpp1.6"), &Headers::new()).await.unwrap();
        let EventKind::Text(text) = connection.next().await.kind else { panic!("expected a text") };
        connection.send_text(&String::from_utf8(text).unwrap()).await.unwrap();
        connection.drain().await
    };
    let ask = async {
        let stream: Stream = Box::new(Tap::new(dialer.dial(&url).await.unwrap(), Some(recorder.clone())));
        let outcome = connect(stream, &ClientRequest::to(&url).offering(&["ocpp1.6"]), &limits).await.unwrap();
        assert!(outcome.answer.is_usable());
        let mut connection = outcome.connection.unwrap();
        connection.set_seed(1);
        connection.send_text("echo").await.unwrap();
        assert_eq!(connection.next().await.kind, EventKind::Text(b"echo".to_vec()));
        connection.close(Some(1000), "").await.unwrap();
        assert_eq!(connection.next().await.kind, EventKind::Close { code: Some(1000), reason: vec![] });
        connection.drain().await
    };
    let (served, asked) = tokio::join!(serve, ask);
    assert_eq!((served, asked), (End::Eof { mid_frame: false }, End::Eof { mid_frame: false }));
}

#[tokio::test]
async fn a_conversation_over_tcp_is_recorded_from_the_first_byte() {
    let recorder = Recorder::new(1 << 20);
    let mut listener = Listener::bind("127.0.0.1:0").await.unwrap();
    converse(&TcpDialer, &mut listener, &recorder).await;
    let sent = recorder.bytes(Direction::Out);
    assert!(sent.starts_with(b"GET /CS1 HTTP/1.1\r\n"));
    let received = recorder.bytes(Direction::In);
    assert!(received.starts_with(b"HTTP/1.1 101 ") && received.ends_with(b"\x81\x04echo\x88\x02\x03\xe8"));
    assert_eq!((recorder.dropped(), recorder.passed(Direction::In)), (0, received.len() as u64));
}

#[tokio::test(start_paused = true)]
async fn the_same_conversation_runs_in_memory_on_virtual_time() {
    let recorder = Recorder::new(1 << 20);
    let (dialer, mut listener) = memory::network();
    converse(&dialer, &mut listener, &recorder).await;
    assert!(recorder.bytes(Direction::In).ends_with(b"\x81\x04echo\x88\x02\x03\xe8"));
}

#[tokio::test]
async fn a_cut_over_tcp_is_a_reset_for_the_peer() {
    let mut listener = Listener::bind("127.0.0.1:0").await.unwrap();
    let url = listener.url();
    let (near, far) = tokio::join!(link::dial::connect(&url), listener.accept_tcp());
    let near = Connection::new(near.unwrap(), Side::Client, &Limits::default());
    assert!(near.peer().is_some_and(|peer| peer.starts_with("127.0.0.1:")));
    let mut far = Connection::new(far.unwrap(), Side::Server, &Limits::default());
    near.cut();
    assert_eq!(far.next().await.kind, EventKind::Ended(End::Reset));
}

#[tokio::test]
async fn tls_and_dead_addresses_are_errors_that_say_so() {
    let secure = Url::parse("wss://127.0.0.1:1/").unwrap();
    let error = TcpDialer.dial(&secure).await.err().unwrap();
    assert!(matches!(error, DialError::Tls(_)) && error.to_string().contains("TLS is not built into this version"));
    let listener = Listener::bind("127.0.0.1:0").await.unwrap();
    let url = listener.url();
    drop(listener);
    assert!(matches!(TcpDialer.dial(&url).await, Err(DialError::Connect { .. })));
    assert!(matches!(Listener::bind("127.0.0.1:notaport").await, Err(DialError::Bind { .. })));
}

#[tokio::test]
async fn memory_without_a_listener_refuses_and_without_a_dialler_ends() {
    let (dialer, listener) = memory::network();
    drop(listener);
    assert!(matches!(dialer.connect().await, Err(DialError::Connect { .. })));
    let (dialer, mut listener) = memory::network();
    drop(dialer);
    assert!(matches!(listener.accept_pipe().await, Err(DialError::Accept(_))));
}

#[tokio::test]
async fn streams_know_their_peer_through_boxes_and_taps() {
    let (dialer, _listener) = memory::network();
    let stream: Stream = Box::new(Tap::new(dialer.connect().await.unwrap(), None));
    assert_eq!(Tap::new(stream, None).peer().as_deref(), Some("memory"));
}
