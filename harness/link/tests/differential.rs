//! The same conversations through this crate and through tungstenite, which must agree on what was said.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "the helpers of a test fail the test")]

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use link::{Connection, EventKind, Limits, LinkEvent, Side};
use proptest::prelude::*;
use tokio::io::{DuplexStream, duplex};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Bytes, Message};

/// One message and how it is carried: cuts and, behind each part but the last, perhaps a ping.
#[derive(Debug, Clone)]
struct Utterance {
    said: Said,
    parts: Vec<(usize, Option<Vec<u8>>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
}

/// A frame's worth of an utterance.
enum Piece<'a> {
    Part { opcode: u8, fin: bool, payload: &'a [u8] },
    Ping(&'a [u8]),
}

impl Utterance {
    fn pieces(&self) -> Vec<Piece<'_>> {
        let (mut opcode, mut rest) = match &self.said {
            Said::Text(text) => (1, text.as_bytes()),
            Said::Binary(bytes) => (2, bytes.as_slice()),
            Said::Ping(payload) => return vec![Piece::Ping(payload)],
        };
        let mut pieces = Vec::new();
        for (length, ping) in &self.parts {
            let (payload, after) = rest.split_at((*length).min(rest.len()));
            pieces.push(Piece::Part { opcode, fin: false, payload });
            pieces.extend(ping.as_deref().map(Piece::Ping));
            (opcode, rest) = (0, after);
        }
        pieces.push(Piece::Part { opcode, fin: true, payload: rest });
        pieces
    }

    /// What a listener hears, in order: pings inside a message come before the message is complete.
    fn heard(&self) -> Vec<Said> {
        let pings = self.parts.iter().filter_map(|(_, ping)| ping.clone().map(Said::Ping));
        match self.said {
            Said::Ping(_) => vec![self.said.clone()],
            _ => pings.chain([self.said.clone()]).collect(),
        }
    }
}

fn utterance() -> impl Strategy<Value = Utterance> {
    let ping = || prop::collection::vec(any::<u8>(), 0..126);
    let said = prop_oneof![
        4 => ".{0,200}".prop_map(Said::Text),
        1 => Just(Said::Text("ä€😀".repeat(9000))),
        2 => prop::collection::vec(any::<u8>(), 0..400).prop_map(Said::Binary),
        1 => ping().prop_map(Said::Ping),
    ];
    let parts = prop::collection::vec((0..90_usize, prop::option::of(ping())), 0..5);
    (said, parts).prop_map(|(said, parts)| Utterance { said, parts })
}

async fn say(connection: &mut Connection<DuplexStream>, utterances: &[Utterance]) {
    for utterance in utterances {
        for piece in utterance.pieces() {
            match piece {
                Piece::Ping(payload) => connection.send_ping(payload).await.unwrap(),
                Piece::Part { opcode, fin, payload } => {
                    let mut frame = connection.frame(opcode, payload);
                    frame.fin = fin;
                    connection.send_frame(&frame).await.unwrap();
                }
            }
        }
    }
}

fn tungstenite_messages(utterances: &[Utterance]) -> Vec<Message> {
    let pieces = utterances.iter().flat_map(Utterance::pieces);
    let message = |piece: Piece<'_>| match piece {
        Piece::Ping(payload) => Message::Ping(Bytes::copy_from_slice(payload)),
        Piece::Part { opcode, fin, payload } => {
            let data = match opcode {
                0 => Data::Continue,
                1 => Data::Text,
                _ => Data::Binary,
            };
            Message::Frame(Frame::message(Bytes::copy_from_slice(payload), OpCode::Data(data), fin))
        }
    };
    pieces.map(message).collect()
}

/// Both sides say their part at once; gives back what each heard and the pongs each got.
async fn converse(side: Side, ours: &[Utterance], theirs: &[Utterance]) {
    let (near, far) = duplex(8 << 10);
    let mut connection = Connection::new(near, side, &Limits::default());
    let role = if side == Side::Client { Role::Server } else { Role::Client };
    let (mut sink, mut stream) = WebSocketStream::from_raw_socket(far, role, None).await.split();

    let expected: Vec<Said> = theirs.iter().flat_map(Utterance::heard).collect();
    let expected_far: Vec<Said> = ours.iter().flat_map(Utterance::heard).collect();

    let near_end = async {
        say(&mut connection, ours).await;
        let (mut heard, mut pongs) = (Vec::new(), Vec::new());
        let mut closing = false;
        loop {
            if heard.len() == expected.len() && !closing {
                closing = true;
                connection.close(Some(1000), "done").await.unwrap();
            }
            let LinkEvent { kind, findings, .. } = connection.next().await;
            assert_eq!(findings, [], "tungstenite keeps to the rules");
            match kind {
                EventKind::Text(text) => heard.push(Said::Text(String::from_utf8(text).unwrap())),
                EventKind::Binary(bytes) => heard.push(Said::Binary(bytes)),
                EventKind::Ping(payload) => heard.push(Said::Ping(payload)),
                EventKind::Pong(payload) => pongs.push(payload),
                EventKind::Close { code, .. } => assert_eq!(code, Some(1000)),
                EventKind::Unknown { opcode, .. } => panic!("opcode {opcode}"),
                EventKind::Ended(_) => break,
            }
            // A client waits for the server to hang up, and here nobody holds a real server: leaving is enough.
            if connection.close_seen() {
                break;
            }
        }
        (heard, pongs)
    };
    let far_end = async {
        let saying = async {
            for message in tungstenite_messages(theirs) {
                sink.send(message).await.unwrap();
            }
        };
        let hearing = async {
            let (mut heard, mut pongs) = (Vec::new(), Vec::new());
            while let Some(Ok(message)) = stream.next().await {
                match message {
                    Message::Text(text) => heard.push(Said::Text(text.to_string())),
                    Message::Binary(bytes) => heard.push(Said::Binary(bytes.to_vec())),
                    Message::Ping(payload) => heard.push(Said::Ping(payload.to_vec())),
                    Message::Pong(payload) => pongs.push(payload.to_vec()),
                    Message::Close(close) => assert_eq!(u16::from(close.unwrap().code), 1000),
                    Message::Frame(_) => panic!("a bare frame"),
                }
            }
            (heard, pongs)
        };
        tokio::join!(saying, hearing).1
    };
    let both = async { tokio::join!(near_end, far_end) };
    let ((heard, pongs), (far_heard, far_pongs)) =
        tokio::time::timeout(Duration::from_secs(600), both).await.expect("the conversation hangs");

    assert_eq!(heard, expected);
    assert_eq!(far_heard, expected_far);
    let pings = |said: &[Said]| -> Vec<Vec<u8>> {
        said.iter()
            .filter_map(|said| if let Said::Ping(payload) = said { Some(payload.clone()) } else { None })
            .collect()
    };
    assert_eq!(far_pongs, pings(&expected), "we answer every ping");
    // Tungstenite may answer only the latest of several.
    let mut asked = pings(&expected_far).into_iter();
    assert!(pongs.iter().all(|pong| asked.any(|ping| ping == *pong)), "pongs come in the order of the pings");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn both_libraries_hear_the_same_whoever_is_client(
        side in prop_oneof![Just(Side::Client), Just(Side::Server)],
        ours in prop::collection::vec(utterance(), 0..8),
        theirs in prop::collection::vec(utterance(), 0..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(converse(side, &ours, &theirs));
    }
}

#[tokio::test(start_paused = true)]
async fn what_tungstenite_refuses_we_observe_and_name() {
    use link::frame::RawFrame;
    // Each of these makes tungstenite fail as the receiver; the same bytes must be findings here.
    let mut long_ping = RawFrame::new(9, vec![0; 126]);
    long_ping.length_form = None;
    let mut reserved = RawFrame::text("x");
    reserved.rsv = 2;
    for bad in [
        RawFrame::new(3, "x"),
        RawFrame::new(0, "x"),
        RawFrame::new(9, "x").unfinished(),
        RawFrame::text(vec![0xff]),
        RawFrame::text("x").masked([1, 2, 3, 4]),
        long_ping,
        reserved,
    ] {
        let (near, far) = duplex(1 << 16);
        let mut sender = Connection::new(near, Side::Server, &Limits::default());
        sender.send_frame(&bad).await.unwrap();
        drop(sender);
        let mut theirs = WebSocketStream::from_raw_socket(far, Role::Client, None).await;
        assert!(theirs.next().await.is_some_and(|result| result.is_err()), "{bad:?}");

        let (near, far) = duplex(1 << 16);
        let mut sender = Connection::new(near, Side::Server, &Limits::default());
        sender.send_frame(&bad).await.unwrap();
        let event = Connection::new(far, Side::Client, &Limits::default()).next().await;
        assert!(!event.findings.is_empty(), "{bad:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn close_codes_cross_in_both_directions() {
    use tokio_tungstenite::tungstenite::protocol::CloseFrame;
    for code in [1000_u16, 1001, 1002, 1008, 1011, 3000, 4999] {
        let (near, far) = duplex(1 << 16);
        let mut ours = Connection::new(near, Side::Client, &Limits::default());
        let mut theirs = WebSocketStream::from_raw_socket(far, Role::Server, None).await;
        let frame = CloseFrame { code: code.into(), reason: "because".into() };
        let closing = async {
            theirs.close(Some(frame)).await.unwrap();
            theirs.next().await
        };
        let (event, answer) = tokio::join!(
            async {
                let event = ours.next().await;
                ours.flush().await.unwrap();
                event
            },
            closing
        );
        assert_eq!(event.kind, EventKind::Close { code: Some(code), reason: b"because".to_vec() });
        let Some(Ok(Message::Close(Some(echo)))) = answer else { panic!("{answer:?}") };
        assert_eq!(u16::from(echo.code), code);
    }
}
