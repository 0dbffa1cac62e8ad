//! Writes seeds for every target from a trace of self-play, and a dictionary from the catalogue:
//! `cargo run -p plugfest --example fuzz_seeds -- TRACE FOLDER`; `fuzz/seed` does both steps.

use std::collections::{BTreeMap, HashSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use link::frame::RawFrame;
use link::handshake::{ClientRequest, accept_key};
use protocol::frame::{self, Frame};
use protocol::{Role, Timestamp, Version};
use verdict::{Direction, Event, EventKind, PlanId, RunEvent};

/// The longest conversation; longer ones are cut.
const LONGEST: usize = 4096;
/// The longest trace of one case.
const LONGEST_TRACE: usize = 48 * 1024;
/// How many seeds a target gets; most of what more would say is said.
const MOST: usize = 300;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(trace), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("seeds TRACE FOLDER".into());
    };
    let mut corpus = Corpus { folder, written: BTreeMap::new() };
    let text = fs::read_to_string(&trace)?;
    let events = verdict::trace::read(text.lines())?;
    conversations(&events, &mut corpus)?;
    messages(&events, &mut corpus)?;
    traces(&events, &mut corpus)?;
    files(&mut corpus)?;
    wire(&events, &mut corpus)?;
    fs::write(corpus.folder.join("ocpp.dict"), streams::mutator::dictionary())?;
    for (target, count) in &corpus.written {
        println!("{count:5} {target}");
    }
    Ok(())
}

struct Corpus {
    folder: PathBuf,
    written: BTreeMap<&'static str, usize>,
}

impl Corpus {
    fn add(&mut self, target: &'static str, seed: &[u8]) -> std::io::Result<()> {
        let count = self.written.entry(target).or_default();
        if *count >= MOST || seed.is_empty() {
            return Ok(());
        }
        *count += 1;
        let folder: &Path = &self.folder.join(target);
        fs::create_dir_all(folder)?;
        fs::write(folder.join(format!("seed-{count:03}")), seed)
    }
}

/// What the device heard in a plan, for the devices in the process.
fn conversations(events: &[RunEvent], corpus: &mut Corpus) -> std::io::Result<()> {
    let mut plans: Vec<(&PlanId, Vec<&Event>)> = Vec::new();
    for event in events {
        if let RunEvent::Happened { plan, happened } = event {
            match plans.last_mut() {
                Some((last, list)) if *last == plan => list.push(happened),
                _ => plans.push((plan, vec![happened])),
            }
        }
    }
    for (plan, events) in plans {
        let target = match (plan.device, plan.ocpp) {
            (Role::Station, Version::V16) => "station_16",
            (Role::Station, Version::V201) => "station_201",
            (Role::Csms, Version::V16) => "csms_16",
            (Role::Csms, Version::V201) => "csms_201",
            _ => continue,
        };
        corpus.add(target, conversation(plan, &events).as_bytes())?;
    }
    Ok(())
}

fn conversation(plan: &PlanId, events: &[&Event]) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut transaction = None;
    let mut last: Option<Timestamp> = None;
    for Event { at, kind } in events {
        let line = match kind {
            EventKind::Text { direction: Direction::ToDevice, text, base64: None } => {
                Some(heard(plan.ocpp, text, transaction.as_deref()))
            }
            EventKind::Text { direction: Direction::FromDevice, text, .. } => {
                transaction = transaction_in(text).or(transaction);
                None
            }
            EventKind::Stimulus { stimulus } if stimulus.party == plan.device => {
                let mut with = stimulus.with.clone();
                with.remove("station");
                Some(format!("!{} {}", stimulus.verb, serde_json::Value::Object(with)))
            }
            EventKind::Closed { .. } => Some("!cut".to_owned()),
            EventKind::Opened { .. } if !lines.is_empty() => Some("!connect".to_owned()),
            _ => None,
        };
        let Some(line) = line else { continue };
        let waited = last.map_or(0, |last| at.since(last).as_secs());
        last = Some(*at);
        let lines_now = (waited > 0).then(|| format!("!wait {waited}")).into_iter().chain([line]);
        for line in lines_now {
            if lines.iter().map(|line| line.len() + 1).sum::<usize>() + line.len() < LONGEST && !line.contains('\n') {
                lines.push(line);
            }
        }
    }
    lines.join("\n")
}

/// A message to the device, with names for what the device had told.
fn heard(version: Version, text: &str, transaction: Option<&str>) -> String {
    let mut text = text.to_owned();
    if let Some(Frame::Result { id, .. } | Frame::Error { id, .. }) = frame::read(version, text.as_bytes()).frame {
        text = text.replacen(&format!("\"{id}\""), "\"$id\"", 1);
    }
    match transaction {
        Some(id) => text.replace(&format!("\"transactionId\":{id}"), "\"transactionId\":\"$transactionId\""),
        None => text,
    }
}

fn transaction_in(text: &str) -> Option<String> {
    let rest = text.split_once("\"transactionId\":")?.1;
    let end = rest.find([',', '}'])?;
    Some(rest[..end].to_owned())
}

/// Messages by themselves, a few of each kind.
fn messages(events: &[RunEvent], corpus: &mut Corpus) -> std::io::Result<()> {
    let mut seen = HashSet::new();
    for (version, text) in texts(events) {
        let frame = frame::read(version, text.as_bytes()).frame;
        let fields = |frame: &Frame| frame.payload().and_then(|payload| Some(payload.as_object()?.keys().len()));
        let kind = frame.as_ref().map(|frame| (frame.message_type(), frame.action().map(str::to_owned), fields(frame)));
        if text.len() <= LONGEST && (kind.is_none() || seen.insert((version, kind))) {
            for target in ["json", "frame", "payload"] {
                corpus.add(target, text.as_bytes())?;
            }
        }
    }
    Ok(())
}

fn texts(events: &[RunEvent]) -> impl Iterator<Item = (Version, &str)> {
    events.iter().filter_map(|event| match event {
        RunEvent::Happened { plan, happened: Event { kind: EventKind::Text { text, .. }, .. } } => {
            Some((plan.ocpp, text.as_str()))
        }
        _ => None,
    })
}

/// The trace of one case each, the short ones.
fn traces(events: &[RunEvent], corpus: &mut Corpus) -> std::io::Result<()> {
    let mut begin = verdict::trace::header("0.0.0") + "\n";
    let mut text = begin.clone();
    for event in events {
        let line = verdict::trace::line(event) + "\n";
        if let RunEvent::RunStarted { .. } = event {
            begin += &line;
        }
        text += &line;
        if let RunEvent::CaseFinished(_) = event {
            if text.len() <= LONGEST_TRACE {
                corpus.add("trace", text.as_bytes())?;
                corpus.add("judge", text.as_bytes())?;
            }
            text = begin.clone();
        }
    }
    Ok(())
}

fn files(corpus: &mut Corpus) -> std::io::Result<()> {
    for source in testcases::sources() {
        corpus.add("case_file", source.text.as_bytes())?;
    }
    for device in [Role::Station, Role::Csms] {
        corpus.add("rig_file", engine::rig::template(device).as_bytes())?;
    }
    for url in ["ws://localhost:9000/ocpp", "wss://[::1]/a/%20b/?c=d", "ws://example.org"] {
        corpus.add("url", url.as_bytes())?;
    }
    Ok(())
}

/// The handshake both ways, with messages behind it.
fn wire(events: &[RunEvent], corpus: &mut Corpus) -> std::io::Result<()> {
    let mut request = ClientRequest::new("localhost", "/PF-STATION-1").offering(&["ocpp2.0.1", "ocpp1.6"]);
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    request.key = Some(key.to_owned());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\
         Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n",
        accept_key(key.as_bytes())
    );
    let refusal = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n";
    corpus.add("handshake_answer", refusal.as_bytes())?;
    for (_, text) in texts(events).take(20) {
        let mut masked = BytesMut::new();
        RawFrame::text(text).masked([1, 2, 3, 4]).encode(&mut masked);
        RawFrame::new(8, [0x03, 0xe8]).masked([1, 2, 3, 4]).encode(&mut masked);
        let mut plain = BytesMut::new();
        let (first, second) = text.as_bytes().split_at(text.len() / 2);
        RawFrame::text(first).unfinished().encode(&mut plain);
        RawFrame::new(9, *b"ping").encode(&mut plain);
        RawFrame::new(0, second).encode(&mut plain);
        corpus.add("websocket", &masked)?;
        corpus.add("websocket", &plain)?;
        corpus.add("handshake_request", &[&request.to_bytes(), &masked[..]].concat())?;
        corpus.add("handshake_answer", &[answer.as_bytes(), &plain].concat())?;
    }
    Ok(())
}
