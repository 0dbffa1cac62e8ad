//! Peers that close in the middle, flood, send too much, stall or talk nonsense: observed, never a panic, a hang or a
//! heap of memory.

#![expect(clippy::expect_used, reason = "the helpers of a test fail the test")]

use std::time::Duration;

use link::frame::RawFrame;
use link::{Connection, End, EventKind, FindingKind, Limits, SendError, Side};
use proptest::prelude::*;
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};

fn pair(pipe: usize) -> (Connection<DuplexStream>, DuplexStream) {
    let (near, far) = duplex(pipe);
    (Connection::new(near, Side::Client, &Limits::default()), far)
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(3600), future).await.expect("it hangs")
}

#[tokio::test(start_paused = true)]
async fn a_close_in_the_middle_of_a_frame_is_told_from_one_between_frames() {
    for (bytes, mid_frame) in
        [(&b""[..], false), (b"\x81\x05hal", true), (b"\x81", true), (b"\x81\x7e\x01", true), (b"\x01\x01a", true)]
    {
        let (mut connection, mut peer) = pair(64);
        peer.write_all(bytes).await.unwrap();
        drop(peer);
        let event = within(connection.next()).await;
        assert_eq!(event.kind, EventKind::Ended(End::Eof { mid_frame }), "{bytes:x?}");
        assert_eq!(within(connection.next()).await.kind, event.kind, "the end stays the end");
    }
}

#[tokio::test(start_paused = true)]
async fn a_length_of_two_to_the_63_ends_the_connection_without_waiting_for_it() {
    let (mut connection, mut peer) = pair(64);
    peer.write_all(b"\x82\x7f\x80\0\0\0\0\0\0\0").await.unwrap();
    let event = within(connection.next()).await;
    assert_eq!(event.kind, EventKind::Ended(End::LimitExceeded));
    let kinds: Vec<_> = event.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::LengthTopBit, FindingKind::FrameOverLimit]);
}

#[tokio::test(start_paused = true)]
async fn ten_mebibytes_are_read_when_they_are_permitted_and_given_up_when_not() {
    let payload = vec![b'x'; 10 << 20];
    for (limit, fragments) in [(16 << 20, 1), (16 << 20, 10), (1 << 20, 1), (1 << 20, 20)] {
        let (near, mut peer) = duplex(64 << 10);
        let limits = Limits { frame: limit, message: limit, ..Limits::default() };
        let mut connection = Connection::new(near, Side::Client, &limits);
        let mut frames: Vec<RawFrame> = payload.chunks(payload.len() / fragments).map(RawFrame::text).collect();
        let last = frames.len() - 1;
        for (index, frame) in frames.iter_mut().enumerate() {
            frame.fin = index == last;
            frame.opcode = if index == 0 { 1 } else { 0 };
        }
        let writing = async {
            for frame in &frames {
                if peer.write_all(&frame.to_bytes()).await.is_err() {
                    break;
                }
            }
        };
        let reading = async {
            let event = connection.next().await;
            drop(connection);
            event
        };
        let ((), event) = within(async { tokio::join!(writing, reading) }).await;
        if limit > payload.len() {
            assert_eq!((event.kind, event.frames), (EventKind::Text(payload.clone()), fragments as u32));
        } else {
            assert_eq!(event.kind, EventKind::Ended(End::LimitExceeded));
            assert_eq!(event.findings.len(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_floods_with_pings_and_reads_nothing_gets_a_bounded_number_of_pongs() {
    const PINGS: usize = 50_000;
    let (mut connection, mut peer) = pair(4096);
    let ping = RawFrame::new(9, vec![b'p'; 100]).to_bytes();
    let flooding = async {
        for _ in 0..PINGS {
            peer.write_all(&ping).await.unwrap();
        }
        peer.shutdown().await.unwrap();
    };
    let reading = async {
        let mut pings = 0;
        loop {
            match connection.next().await.kind {
                EventKind::Ping(_) => pings += 1,
                EventKind::Ended(end) => return (pings, end),
                other => panic!("{other:?}"),
            }
            assert!(connection.backlog() < (1 << 20) + 200);
        }
    };
    let ((), (pings, end)) = within(async { tokio::join!(flooding, reading) }).await;
    assert_eq!((pings, end), (PINGS, End::Eof { mid_frame: false }));
    assert!(connection.pongs_dropped() > 0);
}

#[tokio::test(start_paused = true)]
async fn sending_to_a_peer_that_never_reads_ends_in_an_error_and_not_in_waiting() {
    let (near, _peer) = duplex(1024);
    let limits = Limits { backlog: 10_000, ..Limits::default() };
    let mut connection = Connection::new(near, Side::Client, &limits);
    let text = "x".repeat(1000);
    let error = loop {
        if let Err(error) = within(connection.send_text(&text)).await {
            break error;
        }
    };
    assert!(matches!(error, SendError::Backlog { waiting, limit: 10_000 } if waiting < 12_000), "{error}");
    assert!(tokio::time::timeout(Duration::from_secs(5), connection.flush()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn two_ends_that_both_send_much_before_reading_do_not_block_each_other() {
    let (near, far) = duplex(1024);
    let mut client = Connection::new(near, Side::Client, &Limits::default());
    let mut server = Connection::new(far, Side::Server, &Limits::default());
    let text = "x".repeat(100_000);
    client.send_text(&text).await.unwrap();
    server.send_text(&text).await.unwrap();
    let (one, other) = within(async { tokio::join!(client.next(), server.next()) }).await;
    assert_eq!(one.kind, EventKind::Text(text.clone().into_bytes()));
    // The one that was served first still has bytes to write, which it does while it awaits something.
    assert_eq!(other.kind, EventKind::Text(text.into_bytes()));
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_drips_is_read_although_every_wait_for_it_was_given_up() {
    let (mut connection, mut peer) = pair(64);
    let dripping = async {
        for byte in b"\x81\x05Hello" {
            peer.write_all(&[*byte]).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        peer
    };
    let waiting = async {
        let mut given_up = 0;
        loop {
            match tokio::time::timeout(Duration::from_millis(300), connection.next()).await {
                Ok(event) => return (event.kind, given_up),
                Err(_) => given_up += 1,
            }
        }
    };
    let (_peer, (kind, given_up)) = within(async { tokio::join!(dripping, waiting) }).await;
    assert_eq!(kind, EventKind::Text(b"Hello".to_vec()));
    assert!(given_up > 10);
}

#[tokio::test(start_paused = true)]
async fn fragments_without_end_cost_no_memory() {
    let (mut connection, mut peer) = pair(4096);
    let flooding = async {
        peer.write_all(b"\x01\x00").await.unwrap();
        for _ in 0..1000 {
            peer.write_all(&b"\x00\x00".repeat(1000)).await.unwrap();
        }
        drop(peer);
    };
    let ((), event) = within(async { tokio::join!(flooding, connection.next()) }).await;
    assert_eq!(event.kind, EventKind::Ended(End::Eof { mid_frame: true }));
}

#[tokio::test(start_paused = true)]
async fn what_a_peer_said_before_it_left_is_still_heard_after_sending_fails() {
    let (mut connection, mut peer) = pair(4096);
    peer.write_all(b"\x81\x05first\x81\x06second").await.unwrap();
    drop(peer);
    let error = connection.send_text("too late").await.unwrap_err();
    assert!(matches!(error, SendError::Broken(_)));
    assert_eq!(connection.next().await.kind, EventKind::Text(b"first".to_vec()));
    assert_eq!(connection.next().await.kind, EventKind::Text(b"second".to_vec()));
    assert_eq!(connection.next().await.kind, EventKind::Ended(End::Eof { mid_frame: false }));
}

#[tokio::test(start_paused = true)]
async fn text_that_is_not_utf8_and_binary_messages_are_handed_over_as_they_came() {
    let (mut connection, mut peer) = pair(4096);
    peer.write_all(b"\x81\x02\xc3\x28\x82\x02\xc3\x28\x83\x01x").await.unwrap();
    let event = connection.next().await;
    assert_eq!(event.kind, EventKind::Text(b"\xc3\x28".to_vec()));
    assert_eq!(event.findings[0].kind, FindingKind::InvalidUtf8);
    assert_eq!(connection.next().await.kind, EventKind::Binary(b"\xc3\x28".to_vec()));
    assert_eq!(connection.next().await.kind, EventKind::Unknown { opcode: 3, payload: b"x".to_vec() });
}

#[tokio::test(start_paused = true)]
async fn answers_that_go_without_saying_can_be_switched_off() {
    for on in [true, false] {
        let (near, far) = duplex(4096);
        let mut ours = Connection::new(near, Side::Client, &Limits::default());
        ours.set_auto_pong(on);
        ours.set_auto_close(on);
        let mut peer = Connection::new(far, Side::Server, &Limits::default());
        peer.send_ping(b"are you there").await.unwrap();
        peer.close(Some(1005), "").await.unwrap();
        assert_eq!(ours.next().await.kind, EventKind::Ping(b"are you there".to_vec()));
        assert_eq!(ours.next().await.kind, EventKind::Close { code: Some(1005), reason: vec![] });
        ours.end_sending().await;
        if on {
            assert_eq!(peer.next().await.kind, EventKind::Pong(b"are you there".to_vec()));
            // 1005 must not be echoed.
            assert_eq!(peer.next().await.kind, EventKind::Close { code: Some(1002), reason: vec![] });
        }
        assert_eq!(peer.next().await.kind, EventKind::Ended(End::Eof { mid_frame: false }));
    }
}

#[tokio::test(start_paused = true)]
async fn fragments_split_a_text_where_they_are_told_even_inside_a_character() {
    let (near, far) = duplex(4096);
    let mut ours = Connection::new(near, Side::Client, &Limits::default());
    let mut peer = Connection::new(far, Side::Server, &Limits::default());
    ours.send_fragments("aä€", &[2, 2, 4, 99]).await.unwrap();
    let event = peer.next().await;
    assert_eq!((event.kind, event.frames, event.findings), (EventKind::Text("aä€".into()), 5, vec![]));
}

const STARTS: [&str; 4] =
    ["", "GET / HTTP/1.1\r\n", "HTTP/1.1 101 X\r\n", "HTTP/1.1 400 X\r\nTransfer-Encoding: chunked\r\n\r\n"];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn any_bytes_end_in_an_end(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        side in prop_oneof![Just(Side::Client), Just(Side::Server)],
        pipe in 1..64_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let events = runtime.block_on(within(async {
            let (near, mut far) = duplex(pipe);
            let limits = Limits { frame: 200, message: 300, ..Limits::default() };
            let mut connection = Connection::new(near, side, &limits);
            let writing = async {
                // A connection that has given up reads no further, so the pipe may stay full.
                let _ = far.write_all(&bytes).await;
                drop(far);
            };
            let reading = async {
                let mut events = 0;
                while !matches!(connection.next().await.kind, EventKind::Ended(_)) {
                    events += 1;
                }
                drop(connection);
                events
            };
            tokio::join!(writing, reading).1
        }));
        prop_assert!(events <= bytes.len() / 2 + 1);
    }

    #[test]
    fn any_bytes_instead_of_a_handshake_end_in_an_answer_or_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        start in prop::sample::select(&STARTS[..]),
        end in prop::sample::select(&["", "\r\n\r\n"][..]),
    ) {
        use link::handshake::{ClientRequest, connect, read_request};
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let bytes = [start.as_bytes(), &bytes, end.as_bytes()].concat();
        runtime.block_on(within(async {
            for client in [true, false] {
                let (near, mut far) = duplex(1 << 16);
                far.write_all(&bytes).await.unwrap();
                far.shutdown().await.unwrap();
                if client {
                    let _ = connect(near, &ClientRequest::new("h", "/"), &Limits::default()).await;
                } else {
                    let _ = read_request(near, &Limits::default()).await;
                }
            }
        }));
    }
}
