//! How many messages a second cross a link: `cargo bench -p plugfest-engine`.
//!
//! One server answers heartbeats with as little work as possible. Towards it go, one call at a time: a bare loop over
//! tokio-tungstenite, which is the limit; our own wire layer; and the player with everything it does for a step of a
//! case (tree, pattern, schema, oracles, trace).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark that cannot go on has failed")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::clock::Clock;
use engine::rig::Rig;
use engine::suite::{Job, Site, Suite};
use futures_util::{SinkExt, StreamExt};
use link::handshake::{self, ClientRequest};
use link::{Connection, EventKind, Limits, Stream, Url, dial};
use protocol::{Role, Version};
use script::Library;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use verdict::{Direction, EventKind as Happened, Expectations, RunEvent, Source};

/// Calls in a row: as often as an item of a case is played by us.
const CALLS: usize = 1_000;
/// Each figure is the best of so many rounds, taken in turns.
const ROUNDS: usize = 30;

fn main() {
    let port = serve();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut best = [0.0_f64; 3];
    for _ in 0..ROUNDS {
        let rates =
            [runtime.block_on(bare_loop(port)), runtime.block_on(wire_layer(port)), runtime.block_on(player(port))];
        for (best, rate) in best.iter_mut().zip(rates) {
            *best = best.max(rate);
        }
    }
    println!("{:<24} {:>12} {:>16}", "", "calls/s", "of the bare loop");
    for (name, rate) in ["bare tungstenite loop", "wire layer", "player"].into_iter().zip(best) {
        println!("{name:<24} {rate:>12.0} {:>15.0}%", 100.0 * rate / best[0]);
    }
}

fn rate(took: Duration) -> f64 {
    CALLS as f64 / took.as_secs_f64()
}

/// A CSMS that knows one answer, in a thread of its own; its port.
fn serve() -> u16 {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap().port()).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(answer(stream));
            }
        });
    });
    receiver.recv().unwrap()
}

async fn answer(stream: tokio::net::TcpStream) {
    stream.set_nodelay(true).unwrap();
    #[expect(clippy::result_large_err, reason = "the shape is the WebSocket library's")]
    let agree = |_: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        response.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("ocpp1.6"));
        Ok(response)
    };
    let mut socket = tokio_tungstenite::accept_hdr_async(stream, agree).await.unwrap();
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Text(text) = message {
            let id = text.split('"').nth(1).unwrap_or("");
            let answer = format!("[3,\"{id}\",{{\"currentTime\":\"2026-01-01T00:00:00Z\"}}]");
            if socket.send(Message::text(answer)).await.is_err() {
                return;
            }
        }
    }
}

async fn bare_loop(port: u16) -> f64 {
    let mut request = format!("ws://127.0.0.1:{port}/ocpp/BENCH").into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("ocpp1.6"));
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    let began = Instant::now();
    for number in 0..CALLS {
        socket.send(Message::text(format!("[2,\"bench-{number}\",\"Heartbeat\",{{}}]"))).await.unwrap();
        let answer = socket.next().await.unwrap().unwrap().into_text().unwrap();
        assert!(answer.as_str().starts_with("[3,"));
    }
    rate(began.elapsed())
}

async fn wire_layer(port: u16) -> f64 {
    let url = Url { secure: false, host: "127.0.0.1".to_owned(), port, path: "/ocpp".to_owned() };
    let url = url.with_identity("BENCH");
    let stream: Stream = Box::new(dial::connect(&url).await.unwrap());
    let request = ClientRequest::to(&url).offering(&["ocpp1.6"]);
    let outcome = handshake::connect(stream, &request, &Limits::default()).await.unwrap();
    let mut connection: Connection<Stream> = outcome.connection.unwrap();
    let began = Instant::now();
    for number in 0..CALLS {
        connection.send_text(&format!("[2,\"bench-{number}\",\"Heartbeat\",{{}}]")).await.unwrap();
        match connection.next().await.kind {
            EventKind::Text(answer) => assert!(answer.starts_with(b"[3,")),
            other => unreachable!("{other:?}"),
        }
    }
    rate(began.elapsed())
}

async fn player(port: u16) -> f64 {
    let text = format!(
        "case: bench\n\
         title: Heartbeats in a row\n\
         versions: [\"1.6\"]\n\
         device: csms\n\
         traces: [16-HB-01]\n\
         begin: nothing\n\
         steps:\n\
         \x20 - station connects:\n\
         \x20 - station -> csms: Heartbeat\n\
         \x20   repeat: {CALLS}\n\
         \x20   reply: {{ currentTime: {{ $present: true }} }}\n"
    );
    let (library, found) = Library::load([Arc::new(Source { path: "bench.yaml".to_owned(), text })]);
    assert!(found.is_empty(), "{found:?}");
    let case = library.cases()[0].clone();
    let suite = Arc::new(Suite {
        library: Arc::new(library),
        jobs: vec![Job { case, device: Role::Csms, version: Version::V16 }],
        variants: None,
        seed: 1,
        strict: false,
        retries: 0,
        max_failures: None,
        jobs_at_once: 1,
        traced: true,
        is_patient: false,
        expectations: Arc::new(Expectations::default()),
        repeat: Arc::new(|_| String::new()),
    });
    let mut rig = Rig::default_for(Some(Role::Csms));
    let url = Url { secure: false, host: "127.0.0.1".to_owned(), port, path: "/ocpp".to_owned() };
    rig.url = Some(url.to_string());
    let site = Arc::new(Site::csms(rig, url, None));
    let (mut first, mut last, mut answers) = (None, None, 0);
    let (_keep, stop) = watch::channel(false);
    let mut report = |event: RunEvent| {
        let RunEvent::Happened { happened, .. } = event else { return };
        match happened.kind {
            Happened::Text { direction: Direction::ToDevice, .. } => {
                first.get_or_insert(happened.at);
            }
            Happened::Text { direction: Direction::FromDevice, .. } => {
                last = Some(happened.at);
                answers += 1;
            }
            _ => {}
        }
    };
    let results = suite.run(site, Clock::system(), stop, &mut report).await;
    assert_eq!(results[0].verdict, verdict::Verdict::Pass, "{}", results[0].reason);
    assert_eq!(answers, CALLS);
    rate(last.unwrap().since(first.unwrap()))
}
