//! Episodes against a reference CSMS on a socket, in real time: what only shows there.
#![allow(clippy::unwrap_used, reason = "code of tests")]

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Arc, Mutex};

use engine::rig::Rig;
use link::dial::Listener;
use link::handshake::{self, Headers};
use link::{EventKind, Limits, Url, frame};
use protocol::frame::Frame;
use protocol::{Role, Version};
use streams::act::{Hole, Manner, Part, Text};
use streams::generate::Allowed;
use streams::oracles::Class;
use streams::play::{Frozen, Outcome, play};
use streams::target::{How, Target};
use streams::{Act, What};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A CSMS that speaks both versions, for as long as something is done with its URL.
fn with_csms<T, F: Future<Output = T>>(act: impl FnOnce(Url) -> F) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut settings = peers::CsmsSettings::standard(Version::V201);
        settings.versions = vec![Version::V16, Version::V201];
        let listen = "127.0.0.1:0".parse().unwrap();
        let served = serve::csms(serve::CsmsOptions { listen, control: None, settings, faults: Vec::new() });
        let served = served.await.unwrap();
        let url = Url::parse(&format!("ws://{}/ocpp", served.listen().unwrap())).unwrap();
        let serving = tokio::spawn(served.run_until(std::future::pending()));
        let done = act(url).await;
        serving.abort();
        done
    })
}

fn target(url: Url) -> Target {
    Target::csms(&Rig::default_for(Some(Role::Csms)), Version::V201, url)
}

async fn played(target: &mut Target, acts: &[Act]) -> Outcome {
    let outcome = play(target, &mut Frozen::new(acts), &Allowed::default(), How::default()).await;
    assert_eq!(outcome.unreachable, None);
    outcome
}

fn call(link: usize, rest: &str) -> Act {
    let parts = [Part::Bytes(b"[2,".to_vec()), Part::Hole(Hole::Id(1)), Part::Bytes(format!(",{rest}]").into_bytes())];
    Act::Send { link, text: parts.into_iter().collect() }
}

#[test]
fn what_is_right_in_another_version_is_not_judged_by_this_one() {
    // In 1.6 the code for this is spelled otherwise.
    let broken = call(1, "\"BootNotification\",{}");
    let manner = Manner { offers: Some(vec!["ocpp1.6".to_owned()]), unbooted: true, ..Manner::default() };
    let acts = [Act::Connect { link: 1, identity: 1, manner }, broken];
    let outcome = with_csms(async |url| played(&mut target(url), &acts).await);
    assert!(outcome.suspicions.is_empty(), "{:#?}", outcome.suspicions);
    let opened =
        |seen: &&streams::Seen| matches!(&seen.what, What::Opened { subprotocol: Some(name), .. } if name == "ocpp1.6");
    assert_eq!(outcome.seen.iter().filter(opened).count(), 1);
}

#[test]
fn a_close_code_that_comes_back_is_ours() {
    let payload = Text::bytes(*b"\x03\xf3");
    let close = Act::Frame { link: 0, fin: true, rsv: 0, opcode: frame::CLOSE, masked: true, claims: None, payload };
    let outcome = with_csms(async |url| played(&mut target(url), &[close]).await);
    assert!(outcome.suspicions.is_empty(), "{:#?}", outcome.suspicions);
    assert!(outcome.seen.iter().any(|seen| matches!(&seen.what, What::Ended { by_us: true, .. })));
}

/// A CSMS that lets a station in once at a time, and answers a close frame with what stands in it, whatever that is.
///
/// So many times it takes the first station for one that it has a link with, as if it had not noticed yet.
async fn peculiar(listener: tokio::net::TcpListener, mut unnoticed: u32) {
    let open = Arc::new(Mutex::new(BTreeSet::new()));
    while let Ok((stream, _)) = listener.accept().await {
        let Ok(incoming) = link::handshake::read_request(stream, &link::Limits::default()).await else { continue };
        let name = incoming.request.identity.clone();
        let is_late = unnoticed > 0 && name == "PLUGFEST-1";
        unnoticed -= u32::from(is_late);
        if is_late || !open.lock().unwrap().insert(name.clone()) {
            incoming.refuse(409, &Default::default(), b"").await.unwrap();
            continue;
        }
        let acceptance = incoming.acceptance(Some("ocpp1.6")).to_bytes();
        let (mut stream, _) = incoming.into_stream();
        let open = open.clone();
        tokio::spawn(async move {
            let _ = stream.write_all(&acceptance).await;
            let _ = echo(&mut stream).await;
            open.lock().unwrap().remove(&name);
        });
    }
}

async fn echo(stream: &mut tokio::net::TcpStream) -> std::io::Result<()> {
    let mut parts = Vec::new();
    loop {
        let head = stream.read_u8().await?;
        let (is_last, opcode) = (head & 0x80 != 0, head & 0xF);
        let length = match stream.read_u8().await? & 0x7F {
            126 => usize::from(stream.read_u16().await?),
            short => usize::from(short),
        };
        let mut mask = [0; 4];
        stream.read_exact(&mut mask).await?;
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).await?;
        payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        if matches!(opcode, frame::TEXT | frame::CONTINUATION) {
            parts.append(&mut payload);
            if !is_last {
                continue;
            }
            payload = std::mem::take(&mut parts);
            let call: serde_json::Value = serde_json::from_slice(&payload)?;
            let mut answer = serde_json::json!({ "currentTime": engine::clock::system_now().to_string() });
            if call[2] == "BootNotification" {
                answer["status"] = "Accepted".into();
                answer["interval"] = 300.into();
            }
            payload = serde_json::to_vec(&(3, &call[1], answer))?;
        }
        let opcode = if opcode == frame::CONTINUATION { frame::TEXT } else { opcode };
        stream.write_all(&[0x80 | opcode, u8::try_from(payload.len()).unwrap()]).await?;
        stream.write_all(&payload).await?;
        if opcode == frame::CLOSE {
            stream.shutdown().await?;
            // What is not read would become a reset.
            stream.read_to_end(&mut Vec::new()).await?;
            return Ok(());
        }
    }
}

fn with_peculiar(acts: &[Act], unnoticed: u32) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("ws://{}/ocpp", listener.local_addr().unwrap())).unwrap();
        let serving = tokio::spawn(peculiar(listener, unnoticed));
        let mut target = Target::csms(&Rig::default_for(Some(Role::Csms)), Version::V16, url);
        let how = How { fresh: true, ..How::default() };
        let outcome = play(&mut target, &mut Frozen::new(acts), &Allowed::default(), how).await;
        serving.abort();
        outcome
    })
}

#[test]
fn an_impossible_close_code_that_comes_back_is_ours() {
    let payload = Text::bytes(5000_u16.to_be_bytes());
    let close = Act::Frame { link: 0, fin: true, rsv: 0, opcode: frame::CLOSE, masked: true, claims: None, payload };
    let outcome = with_peculiar(&[close, call(1, "\"Heartbeat\",{}")], 0);
    let classes = || outcome.suspicions.iter().map(|suspicion| (suspicion.path.as_str(), suspicion.class));
    let found: Vec<_> = classes().collect();
    assert_eq!(found, [("close-code-not-allowed", Class::Compatibility)], "{:#?}", outcome.seen);
}

#[test]
fn a_second_link_of_a_station_may_be_refused() {
    let outcome = with_peculiar(&[call(0, "\"Heartbeat\",{}")], 0);
    assert!(outcome.alive && outcome.suspicions.is_empty(), "{:#?}", outcome.suspicions);
    let refused = |seen: &streams::Seen| matches!(seen.what, What::Refused { status: Some(409), .. });
    assert!(outcome.seen.iter().any(refused));
}

#[test]
fn a_csms_that_has_not_noticed_yet_that_a_link_is_gone_is_asked_again() {
    let outcome = with_peculiar(&[call(0, "\"Heartbeat\",{}")], 2);
    assert_eq!(outcome.unreachable, None);
    assert!(outcome.alive && outcome.suspicions.is_empty(), "{:#?}", outcome.suspicions);
}

#[test]
fn no_message_id_is_used_in_two_episodes_or_two_runs() {
    // A device may answer an id that it knows with what it has answered before.
    let acts = [call(0, "\"Heartbeat\",{}")];
    let mut ids = with_csms(async |url| {
        let (mut one, mut other) = (target(url.clone()), target(url));
        let mut ids = Vec::new();
        for outcome in [played(&mut one, &acts).await, played(&mut one, &acts).await, played(&mut other, &acts).await] {
            ids.extend(outcome.seen.iter().filter_map(|seen| match &seen.what {
                // Who looks on may have booted in the episode before.
                What::Sent { deserved, .. } if seen.at >= outcome.began => deserved.id.clone(),
                _ => None,
            }));
        }
        ids
    });
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert!(all > 6 && ids.len() == all, "{ids:?}");
}

#[test]
fn a_link_with_extensions_is_left_for_its_frames_are_not_judged() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = runtime.block_on(async {
        let mut listener = Listener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("ws://{}/ocpp", listener.address())).unwrap();
        tokio::spawn(async move {
            while let Ok(stream) = listener.accept_tcp().await {
                tokio::spawn(async move {
                    let incoming = handshake::read_request(stream, &Limits::default()).await.unwrap();
                    // What was agreed on it uses: nothing on that link can be read without it.
                    let deflates = !incoming.request.extensions.is_empty();
                    let agreed = Headers::new().with("Sec-WebSocket-Extensions", "permessage-deflate");
                    let extra = if deflates { agreed } else { Headers::new() };
                    let mut connection = incoming.accept(Some("ocpp2.0.1"), &extra).await.unwrap();
                    loop {
                        let bytes = match connection.next().await.kind {
                            EventKind::Text(bytes) if !deflates => bytes,
                            EventKind::Close { .. } | EventKind::Ended(_) => break,
                            _ => continue,
                        };
                        let frame = protocol::frame::read(Version::V201, &bytes).frame;
                        let Some(Frame::Call { id, .. }) = frame else { continue };
                        let now = "2026-01-01T00:00:00Z";
                        let payload = serde_json::json!({ "status": "Accepted", "currentTime": now, "interval": 300 });
                        let _ = connection.send_text(&Frame::Result { id, payload }.to_text()).await;
                    }
                });
            }
        });
        let headers = vec![("Sec-WebSocket-Extensions".to_owned(), "permessage-deflate".to_owned())];
        let manner = Manner { headers, ..Manner::default() };
        played(&mut target(url), &[Act::Connect { link: 1, identity: 1, manner }]).await
    });
    let on_that_link: Vec<&What> = outcome.seen.iter().filter(|seen| seen.link == 1).map(|seen| &seen.what).collect();
    assert!(
        matches!(on_that_link[..], [What::Opened { .. }, What::Ended { by_us: true, .. }]),
        "nothing is said on it: {on_that_link:#?}"
    );
    assert!(outcome.alive);
}
