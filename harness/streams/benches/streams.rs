//! How fast streams are: `cargo bench -p plugfest-streams`, or `… -- --url ws://127.0.0.1:9000/ocpp` for a CSMS that
//! runs already.
//!
//! In one run: a bare tokio-tungstenite loop of heartbeats towards a CSMS, which is its ceiling; then streams of all
//! layers with all oracles, on one link and on 64; and messages to a reference CSMS in the same process.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark that cannot go on has failed")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::rig::Rig;
use futures_util::{SinkExt, StreamExt};
use link::Url;
use protocol::generate::{Choices, Seeded};
use protocol::{Role, Version};
use streams::campaign::{Budget, Campaign, Hub, run};
use streams::in_process::{self, reference::Csms16};
use streams::target::Target;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;

/// How long each figure is measured.
const TIME: Duration = Duration::from_secs(4);
/// Links at once.
const MANY: usize = 64;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let given = arguments.iter().position(|argument| argument == "--url").and_then(|at| arguments.get(at + 1));
    let url = given.cloned().unwrap_or_else(serve);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!("towards {url}");
    println!("{:<44} {:>12} {:>18}", "", "a second", "of the bare loop");
    let mut ceilings = [0.0; 2];
    for (at, links) in [1, MANY].into_iter().enumerate() {
        let rate = runtime.block_on(bare(&url, links));
        ceilings[at] = rate;
        println!("{:<44} {rate:>12.0}", format!("bare loop: heartbeats, {links} links"));
    }
    for (at, links) in [1, MANY].into_iter().enumerate() {
        let (acts, messages) = runtime.block_on(streams(&url, links));
        println!("{:<44} {acts:>12.0} {:>17.0}%", format!("streams: acts, {links} links"), 100.0 * acts / ceilings[at]);
        println!(
            "{:<44} {messages:>12.0} {:>17.0}%",
            format!("streams: messages both ways / 2, {links} links"),
            100.0 * messages / ceilings[at]
        );
    }
    if given.is_none() {
        let (sequences, messages) = in_process_rates();
        println!("{:<44} {sequences:>12.0}", "in process: sequences of 20 messages");
        println!("{:<44} {messages:>12.0}", "in process: messages sent");
    }
}

/// A reference CSMS in a thread of its own; its URL.
fn serve() -> String {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let options = serve::CsmsOptions {
                listen: "127.0.0.1:0".parse().unwrap(),
                control: None,
                settings: peers::CsmsSettings::standard(Version::V16),
                faults: Vec::new(),
            };
            let served = serve::csms(options).await.unwrap();
            sender.send(format!("ws://{}/ocpp", served.listen().unwrap())).unwrap();
            served.run_until(std::future::pending()).await;
        });
    });
    receiver.recv().unwrap()
}

async fn bare(url: &str, links: usize) -> f64 {
    let mut tasks = Vec::new();
    let began = Instant::now();
    for link in 0..links {
        let url = format!("{}/BARE-{link}", url.trim_end_matches('/'));
        tasks.push(tokio::spawn(async move {
            let mut request = url.as_str().into_client_request().unwrap();
            request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("ocpp1.6"));
            let uri = request.uri().clone();
            let stream = tokio::net::TcpStream::connect((uri.host().unwrap(), uri.port_u16().unwrap())).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
            let boot = r#"[2,"boot","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}]"#;
            socket.send(Message::text(boot)).await.unwrap();
            let mut calls = 0_u64;
            while began.elapsed() < TIME {
                let id = format!("bare-{calls}");
                socket.send(Message::text(format!("[2,\"{id}\",\"Heartbeat\",{{}}]"))).await.unwrap();
                loop {
                    let text = socket.next().await.unwrap().unwrap().into_text().unwrap();
                    if text.as_str().contains(&id) {
                        break;
                    }
                }
                calls += 1;
            }
            calls
        }));
    }
    let mut calls = 0;
    for task in tasks {
        calls += task.await.unwrap();
    }
    calls as f64 / began.elapsed().as_secs_f64()
}

async fn streams(url: &str, links: usize) -> (f64, f64) {
    let mut rig = Rig::default_for(Some(Role::Csms));
    rig.identities = (0..links * 3).map(|number| format!("STREAM-{number}")).collect();
    let target = Target::csms(&rig, Version::V16, Url::parse(url).unwrap());
    let campaign =
        Campaign { seed: 1, budget: Budget { time: Some(TIME), runs: None }, jobs: links, ..Campaign::default() };
    let hub = Arc::new(Hub::new(0, Default::default()));
    let (_keep, stop) = watch::channel(false);
    let began = Instant::now();
    run(campaign, target, hub.clone(), stop, Arc::new(|_| {})).await;
    let summary = hub.summary();
    assert_eq!(summary.gave_up, None);
    let seconds = began.elapsed().as_secs_f64();
    (summary.acts as f64 / seconds, summary.messages as f64 / 2.0 / seconds)
}

/// Sequences of plain and of mutated messages, each against a CSMS that has just been switched on.
fn in_process_rates() -> (f64, f64) {
    let mut choices = Seeded::new(1);
    let plain: Vec<u8> =
        (0..20).flat_map(|number| format!("[2,\"{number}\",\"Heartbeat\",{{}}]\n").into_bytes()).collect();
    let inputs: Vec<Vec<u8>> = (0..500)
        .map(|_| {
            let mut input = plain.clone();
            for _ in 0..choices.choose(10) {
                input = streams::mutator::mutate(&input, 8192, &mut choices);
            }
            input
        })
        .collect();
    let began = Instant::now();
    let (mut sequences, mut messages) = (0_u64, 0_u64);
    while began.elapsed() < TIME {
        for input in &inputs {
            let mut device = <Csms16 as in_process::InProcessDevice>::power_on(in_process::BEGIN);
            if let Ok(played) = in_process::play(&mut device, input) {
                messages += played.sent as u64;
            }
            sequences += 1;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    (sequences as f64 / seconds, messages as f64 / seconds)
}
