//! How fast streams are: `cargo bench -p plugfest-streams`, or `… -- --url ws://127.0.0.1:9000/ocpp` for a CSMS that
//! runs already.
//!
//! In one run: bare tokio-tungstenite loops towards a CSMS, which are its ceiling: of heartbeats; of what streams have
//! done, the messages that were sent and the links that were opened, for a device may take longer over some than over
//! others; and of that with what the oracles ask beside it. Then streams of all layers with all oracles, on one link and
//! on 64, while the device is new to them and after a while: as a part of the first loop of acts, which is what a device
//! could do if nothing were looked after, and of the second, which is what it could do of the same work. And messages to
//! a reference CSMS in the same process. How long streams take to notice seeded faults is told by
//! `plugfest mutants --streams --seeds 20`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark that cannot go on has failed")]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::rig::Rig;
use futures_util::{SinkExt, StreamExt};
use link::Url;
use protocol::generate::{Choices, Seeded};
use protocol::{Role, Version};
use streams::campaign::{Campaign, Hub, run};
use streams::generate::{Allowed, Generator, Layer};
use streams::in_process::{self, reference::Csms16};
use streams::play::{Generated, play};
use streams::stage::BYSTANDER;
use streams::target::{How, Target};
use streams::{Seen, What};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;

/// How long each figure is measured.
const TIME: Duration = Duration::from_secs(8);
/// How long a campaign has run before it is measured: what a device does otherwise is looked into when it is first seen.
const BEFORE: Duration = Duration::from_secs(20);
/// Links at once.
const MANY: usize = 64;
/// Episodes whose messages the bare loop repeats.
const SAMPLED: u64 = 40;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let given = arguments.iter().position(|argument| argument == "--url").and_then(|at| arguments.get(at + 1));
    let url = given.cloned().unwrap_or_else(serve);
    // As the command has it on a machine of two cores.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    println!("towards {url}");
    println!("{:<44} {:>12} {:>12} {:>12}", "", "a second", "of bare acts", "of all of it");
    let samples = runtime.block_on(samples(&url)).map(Arc::new);
    let heartbeat = Done::Call { id: String::new(), text: "[2,\"\",\"Heartbeat\",{}]".to_owned() };
    let heartbeat = Arc::new(Sample { acts: 1, done: vec![heartbeat] });
    let mut ceilings = [[0.0; 2]; 2];
    for (at, links) in [1, MANY].into_iter().enumerate() {
        let rate = runtime.block_on(bare(&url, links, &heartbeat));
        println!("{:<44} {rate:>12.0}", format!("bare loop: heartbeats, {links} links"));
        for (ceiling, (sample, what)) in
            ceilings[at].iter_mut().zip(samples.iter().zip(["", " and what is asked beside"]))
        {
            *ceiling = runtime.block_on(bare(&url, links, sample));
            println!("{:<44} {ceiling:>12.0}", format!("bare loop: acts{what}, {links} links"));
        }
    }
    let hub = Arc::new(Hub::new(0, Default::default()));
    for (at, links) in [1, MANY].into_iter().enumerate() {
        let rates = runtime.block_on(streams(&url, links, &hub));
        for (name, rate) in [("acts, nothing known yet", rates.first), ("acts", rates.acts)] {
            let [acts, all] = ceilings[at].map(|ceiling| 100.0 * rate / ceiling);
            println!("{:<44} {rate:>12.0} {acts:>11.0}% {all:>11.0}%", format!("streams: {name}, {links} links"));
        }
        println!("{:<44} {:>12.0}", format!("  with so many calls, {links} links"), rates.calls);
    }
    let summary = hub.summary();
    println!("{:<44} {:>12}", "  findings by then", summary.findings.values().sum::<usize>());
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

/// What a device was given to do by acts of streams, but for what is no message in a frame.
struct Sample {
    acts: usize,
    done: Vec<Done>,
}

enum Done {
    /// It answered a call.
    Call { id: String, text: String },
    /// It read a message, and did not answer, or not so that the answer is known by its id.
    Read { text: String },
    /// It took a new link, on which a station booted.
    Link,
}

/// Plays some episodes, and tells what the device was given to do by their acts; and by them and by what oracles asked
/// beside them.
async fn samples(url: &str) -> [Sample; 2] {
    let mut target = target(url, 1);
    let mut samples = [(); 2].map(|()| Sample { acts: 0, done: Vec::new() });
    for number in 0..SAMPLED {
        let generator = Generator::for_episode(&Layer::ALL, number, 60);
        let mut source = Generated::new(generator, Seeded::new(number), 60);
        let how = How { serial: false, fresh: number % 8 == 0, slot: 0 };
        let outcome = play(&mut target, &mut source, &Allowed::default(), how).await;
        // The first link of an episode is no act.
        let is_link = |seen: &Seen| matches!(seen.what, What::Opened { .. });
        let begins = outcome.seen.iter().position(|seen| is_link(seen) && seen.link < BYSTANDER);
        let acts = outcome.seen.iter().enumerate().filter(|(at, seen)| match is_link(seen) {
            true => seen.link < BYSTANDER && Some(*at) != begins,
            false => !seen.own,
        });
        samples[0].add(outcome.acts.len(), acts.map(|(_, seen)| seen));
        // The loop boots on its links itself.
        let boots = |seen: &Seen| match &seen.what {
            What::Sent { bytes, .. } => seen.own && bytes.windows(16).any(|part| part == b"BootNotification"),
            _ => false,
        };
        samples[1].add(outcome.acts.len(), outcome.seen.iter().filter(|seen| !boots(seen)));
    }
    samples
}

impl Sample {
    /// Adds what was seen of so many acts.
    fn add<'a>(&mut self, acts: usize, all: impl Iterator<Item = &'a Seen>) {
        self.acts += acts;
        let mut sent = HashMap::new();
        for seen in all {
            match &seen.what {
                What::Opened { .. } => self.done.push(Done::Link),
                What::Sent { bytes, deserved } => {
                    let Ok(text) = String::from_utf8(bytes.to_vec()) else { continue };
                    sent.extend(deserved.id.clone().map(|id| (id, self.done.len())));
                    self.done.push(Done::Read { text });
                }
                What::Received { answers: Some(call), .. } if is_plain(&call.id) => {
                    let Some(at) = sent.remove(&call.id) else { continue };
                    if let Done::Read { text } = &mut self.done[at] {
                        self.done[at] = Done::Call { id: call.id.clone(), text: std::mem::take(text) };
                    }
                }
                _ => {}
            }
        }
    }
}

/// Whether an answer with this id can be told from others by it.
fn is_plain(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Acts a second of a loop that does nothing but send the messages of a sample, wait for the answers they had, and open
/// links.
async fn bare(url: &str, links: usize, sample: &Arc<Sample>) -> f64 {
    let mut tasks = Vec::new();
    let began = Instant::now();
    for link in 0..links {
        let url = format!("{}/BARE-{link}", url.trim_end_matches('/'));
        let sample = sample.clone();
        tasks.push(tokio::spawn(async move {
            let mut socket = None;
            let mut done = 0_u64;
            let first = link * sample.done.len() / links;
            for next in sample.done.iter().cycle().skip(first) {
                if began.elapsed() >= TIME {
                    break;
                }
                if matches!(next, Done::Link) {
                    socket = None;
                }
                let mut open = match socket.take() {
                    Some(open) => open,
                    None => open(&url).await,
                };
                let is_open = match next {
                    Done::Call { id, text } => answered(&mut open, id, text).await,
                    Done::Read { text } => open.send(Message::text(text)).await.is_ok(),
                    Done::Link => true,
                };
                socket = is_open.then_some(open);
                done += 1;
            }
            done
        }));
    }
    let mut done = 0;
    for task in tasks {
        done += task.await.unwrap();
    }
    let acts = done as f64 * sample.acts as f64 / sample.done.len() as f64;
    acts / began.elapsed().as_secs_f64()
}

/// Sends a call and waits for its answer. `false` if the link ended.
async fn answered(socket: &mut WebSocketStream<TcpStream>, id: &str, text: &str) -> bool {
    if socket.send(Message::text(text)).await.is_err() {
        return false;
    }
    loop {
        match socket.next().await {
            Some(Ok(message)) if message.to_text().is_ok_and(|text| text.contains(id)) => return true,
            Some(Ok(message)) if message.is_close() => return false,
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return false,
        }
    }
}

/// A link of a station that has booted.
async fn open(url: &str) -> WebSocketStream<TcpStream> {
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("ocpp1.6"));
    let uri = request.uri().clone();
    let stream = TcpStream::connect((uri.host().unwrap(), uri.port_u16().unwrap())).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    let boot = r#"[2,"boot","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}]"#;
    socket.send(Message::text(boot)).await.unwrap();
    socket.next().await.unwrap().unwrap();
    socket
}

fn target(url: &str, links: usize) -> Target {
    let mut rig = Rig::default_for(Some(Role::Csms));
    rig.identities = (0..links * 3).map(|number| format!("STREAM-{number}")).collect();
    Target::csms(&rig, Version::V16, Url::parse(url).unwrap())
}

/// What happens in a second of a campaign.
struct Rates {
    /// Acts, from the beginning.
    first: f64,
    /// Acts, once it has run for a while.
    acts: f64,
    /// Messages both ways by two, those that look after the device included.
    calls: f64,
}

async fn streams(url: &str, links: usize, hub: &Arc<Hub>) -> Rates {
    let campaign = Campaign { seed: 1, jobs: links, ..Campaign::default() };
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(run(campaign, target(url, links), hub.clone(), stopped, Arc::new(|_| {})));
    let mut then = vec![hub.summary()];
    for time in [BEFORE, TIME] {
        tokio::time::sleep(time).await;
        then.push(hub.summary());
    }
    stop.send_replace(true);
    running.await.unwrap();
    assert_eq!(hub.summary().gave_up, None);
    let [begun, before, after] = &then[..] else { unreachable!() };
    Rates {
        first: (before.acts - begun.acts) as f64 / BEFORE.as_secs_f64(),
        acts: (after.acts - before.acts) as f64 / TIME.as_secs_f64(),
        calls: (after.messages - before.messages) as f64 / 2.0 / TIME.as_secs_f64(),
    }
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
