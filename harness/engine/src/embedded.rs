//! The reference peers as devices inside the process: over in-memory pipes, on whatever clock the runtime has.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use link::dial::{Dial, Listen};
use link::handshake::{self, ClientRequest, Headers};
use link::memory::{self, MemoryDialer, MemoryListener};
use link::{Connection, EventKind, Limits, Stream, Url};
use peers::{Csms, CsmsSettings, Fault, HandshakeAnswer, Input, Output, Refusal, Station, StationSettings};
use protocol::stimulus::{self, Stimulus};
use protocol::{Role, Version};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::drivers::{Can, Confirmation, Driver, Pending};
use crate::runner::Carrier;

/// A reference peer that runs in this process.
pub struct Embedded {
    role: Role,
    commands: mpsc::UnboundedSender<Told>,
    task: JoinHandle<()>,
    triggered: Arc<Mutex<Vec<&'static str>>>,
}

/// What an embedded device is told from outside the wire, or what happens on its links.
enum Told {
    Stimulus(String, Stimulus, oneshot::Sender<Confirmation>),
    Look(String, Stimulus, oneshot::Sender<Option<bool>>),
    Handshake(String, Option<(String, Vec<u8>)>, Vec<String>, oneshot::Sender<HandshakeAnswer>),
    Opened(String, u64, Option<String>, mpsc::UnboundedSender<Out>),
    Failed(String),
    Text(String, u64, Vec<u8>),
    Closed(String, u64),
}

/// What a link of an embedded device is to do.
enum Out {
    Send(String),
    Close(u16),
    Cut,
}

impl Embedded {
    /// A reference CSMS, and the carrier that reaches it.
    pub fn csms(settings: CsmsSettings, faults: Vec<Fault>, clock: Clock) -> (Embedded, Carrier) {
        let (dialer, listener) = memory::network();
        let (commands, told) = mpsc::unbounded_channel();
        let triggered = Arc::new(Mutex::new(Vec::new()));
        let csms = Csms::new(settings, faults);
        tokio::spawn(accept(listener, commands.clone()));
        let task =
            tokio::spawn(run(Peer::Csms(Box::new(csms)), told, commands.clone(), None, clock, triggered.clone()));
        let url = Url { secure: false, host: "memory".to_owned(), port: 80, path: "/ocpp".to_owned() };
        let embedded = Embedded { role: Role::Csms, commands, task, triggered };
        (embedded, Carrier::Dial { dialer: Arc::new(dialer) as Arc<dyn Dial>, url })
    }

    /// A reference station, and the carrier at which it arrives.
    pub fn station(settings: StationSettings, faults: Vec<Fault>, clock: Clock) -> (Embedded, Carrier) {
        let (dialer, listener) = memory::network();
        let (commands, told) = mpsc::unbounded_channel();
        let triggered = Arc::new(Mutex::new(Vec::new()));
        let identity = settings.identity.clone();
        let version = settings.version;
        let station = Station::new(settings, faults);
        let dials = Dials { dialer, identity, version };
        let peer = Peer::Station(Box::new(station));
        let task = tokio::spawn(run(peer, told, commands.clone(), Some(dials), clock, triggered.clone()));
        let embedded = Embedded { role: Role::Station, commands, task, triggered };
        (embedded, Carrier::Listen(Box::new(listener)))
    }

    /// The ids of the faults that have changed what it does so far.
    pub fn triggered(&self) -> Vec<&'static str> {
        self.triggered.lock().map(|triggered| triggered.clone()).unwrap_or_default()
    }

    /// The driver for its stimuli.
    pub fn driver(&self) -> Arc<dyn Driver> {
        Arc::new(Direct { role: self.role, commands: self.commands.clone() })
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Direct {
    role: Role,
    commands: mpsc::UnboundedSender<Told>,
}

impl Driver for Direct {
    fn can(&self, party: Role, verb: &str) -> Can {
        let known = stimulus::verb(party, verb).is_some() || stimulus::observation(party, verb).is_some();
        if party == self.role && known { Can::Yes } else { Can::No }
    }

    fn stimulate<'a>(&'a self, station: &'a str, stimulus: &'a Stimulus) -> Pending<'a, Confirmation> {
        Box::pin(async move {
            let (sender, receiver) = oneshot::channel();
            let told = Told::Stimulus(station.to_owned(), stimulus.clone(), sender);
            if self.commands.send(told).is_err() {
                return Confirmation::Failed("the device is gone".to_owned());
            }
            receiver.await.unwrap_or_else(|_| Confirmation::Failed("the device is gone".to_owned()))
        })
    }

    fn look<'a>(&'a self, station: &'a str, observation: &'a Stimulus) -> Pending<'a, Option<bool>> {
        Box::pin(async move {
            let (sender, receiver) = oneshot::channel();
            let told = Told::Look(station.to_owned(), observation.clone(), sender);
            if self.commands.send(told).is_err() {
                return None;
            }
            receiver.await.unwrap_or(None)
        })
    }
}

enum Peer {
    Station(Box<Station>),
    Csms(Box<Csms>),
}

struct Dials {
    dialer: MemoryDialer,
    identity: String,
    version: Version,
}

/// A link of the device, by the identity of its station; the number tells an old one from its successor.
struct Live {
    number: u64,
    out: mpsc::UnboundedSender<Out>,
}

async fn run(
    mut peer: Peer,
    mut told: mpsc::UnboundedReceiver<Told>,
    commands: mpsc::UnboundedSender<Told>,
    dials: Option<Dials>,
    clock: Clock,
    triggered: Arc<Mutex<Vec<&'static str>>>,
) {
    let mut links: HashMap<String, Live> = HashMap::new();
    let mut waiting: HashMap<String, std::collections::VecDeque<oneshot::Sender<Confirmation>>> = HashMap::new();
    let mut looking: HashMap<String, std::collections::VecDeque<oneshot::Sender<Option<bool>>>> = HashMap::new();
    let mut numbers = 0;
    let identity = dials.as_ref().map(|dials| dials.identity.clone()).unwrap_or_default();
    let mut outputs = tick(&mut peer, &identity, &clock);
    loop {
        for (station, output) in std::mem::take(&mut outputs) {
            match output {
                Output::Connect => {
                    if let Some(dials) = &dials {
                        numbers += 1;
                        let credentials = match &peer {
                            Peer::Station(station) => station.credentials(),
                            Peer::Csms(_) => None,
                        };
                        tokio::spawn(connect(
                            dials.dialer.clone(),
                            dials.identity.clone(),
                            dials.version,
                            credentials,
                            commands.clone(),
                            numbers,
                        ));
                    }
                }
                Output::Send(text) => {
                    if let Some(live) = links.get(&station) {
                        let _ = live.out.send(Out::Send(text));
                    }
                }
                Output::Close { code } => {
                    if let Some(live) = links.get(&station) {
                        let _ = live.out.send(Out::Close(code));
                    }
                }
                Output::Cut => {
                    if let Some(live) = links.get(&station) {
                        let _ = live.out.send(Out::Cut);
                    }
                }
                Output::StimulusDone(done) => {
                    let sender = waiting.get_mut(&station).and_then(std::collections::VecDeque::pop_front);
                    if let Some(sender) = sender {
                        let _ = sender.send(match done {
                            Ok(()) => Confirmation::Done,
                            Err(Refusal { undrivable: true, reason }) => Confirmation::Undrivable(reason),
                            Err(Refusal { undrivable: false, reason }) => Confirmation::Failed(reason),
                        });
                    }
                }
                Output::Observed(seen) => {
                    if let Some(sender) = looking.get_mut(&station).and_then(std::collections::VecDeque::pop_front) {
                        let _ = sender.send(seen);
                    }
                }
            }
        }
        if let Ok(mut triggered) = triggered.lock() {
            *triggered = match &peer {
                Peer::Station(station) => station.triggered(),
                Peer::Csms(csms) => csms.triggered(),
            };
        }
        let wakeup = match &peer {
            Peer::Station(station) => station.next_wakeup(),
            Peer::Csms(csms) => csms.next_wakeup(),
        };
        let wakeup = wakeup.map(|moment| clock.instant(moment));
        let event = tokio::select! {
            biased;
            event = told.recv() => event,
            () = async {
                match wakeup {
                    Some(moment) => tokio::time::sleep_until(moment).await,
                    None => std::future::pending().await,
                }
            } => {
                outputs = tick(&mut peer, &identity, &clock);
                continue;
            }
        };
        let Some(event) = event else { return };
        outputs = match event {
            Told::Stimulus(station, stimulus, sender) => {
                let key = if identity.is_empty() { station } else { identity.clone() };
                waiting.entry(key.clone()).or_default().push_back(sender);
                handle(&mut peer, &key, &clock, Input::Stimulus(&stimulus))
            }
            Told::Look(station, observation, sender) => {
                let key = if identity.is_empty() { station } else { identity.clone() };
                looking.entry(key.clone()).or_default().push_back(sender);
                handle(&mut peer, &key, &clock, Input::Observe(&observation))
            }
            Told::Handshake(station, credentials, offered, answer) => {
                if let Peer::Csms(csms) = &mut peer {
                    let credentials = credentials.as_ref().map(|(user, password)| (user.as_str(), password.as_slice()));
                    let decision = csms.decide_handshake(clock.now(), &station, credentials, &offered);
                    let _ = answer.send(decision);
                }
                Vec::new()
            }
            Told::Opened(station, number, subprotocol, out) => {
                let mut outputs = Vec::new();
                if let Some(old) = links.insert(station.clone(), Live { number, out }) {
                    let _ = old.out.send(Out::Close(1000));
                    outputs = handle(&mut peer, &station, &clock, Input::Disconnected);
                }
                outputs.extend(handle(&mut peer, &station, &clock, Input::Connected { subprotocol }));
                outputs
            }
            Told::Failed(reason) => handle(&mut peer, &identity, &clock, Input::ConnectFailed { reason }),
            Told::Text(station, number, bytes) => {
                if links.get(&station).is_some_and(|live| live.number == number) {
                    handle(&mut peer, &station, &clock, Input::Text(&bytes))
                } else {
                    Vec::new()
                }
            }
            Told::Closed(station, number) => {
                if links.get(&station).is_some_and(|live| live.number == number) {
                    links.remove(&station);
                    handle(&mut peer, &station, &clock, Input::Disconnected)
                } else {
                    Vec::new()
                }
            }
        };
    }
}

fn handle(peer: &mut Peer, station: &str, clock: &Clock, input: Input<'_>) -> Vec<(String, Output)> {
    match peer {
        Peer::Csms(csms) => csms.handle(clock.now(), station, input),
        Peer::Station(device) => {
            device.handle(clock.now(), input).into_iter().map(|output| (station.to_owned(), output)).collect()
        }
    }
}

fn tick(peer: &mut Peer, station: &str, clock: &Clock) -> Vec<(String, Output)> {
    match peer {
        Peer::Csms(csms) => csms.tick(clock.now()),
        Peer::Station(device) => {
            device.tick(clock.now()).into_iter().map(|output| (station.to_owned(), output)).collect()
        }
    }
}

/// Takes in the stations that come to an embedded CSMS.
async fn accept(mut listener: MemoryListener, commands: mpsc::UnboundedSender<Told>) {
    let mut number = 0;
    while let Ok(stream) = listener.accept().await {
        number += 1;
        tokio::spawn(admit(stream, commands.clone(), number));
    }
}

async fn admit(stream: Stream, commands: mpsc::UnboundedSender<Told>, number: u64) {
    let Ok(incoming) = handshake::read_request(stream, &Limits::default()).await else { return };
    let request = incoming.request.clone();
    let credentials = request.basic.map(|basic| (String::from_utf8_lossy(&basic.user).into_owned(), basic.password));
    let (sender, receiver) = oneshot::channel();
    let asked = Told::Handshake(request.identity.clone(), credentials, request.subprotocols.clone(), sender);
    if commands.send(asked).is_err() {
        return;
    }
    match receiver.await {
        Ok(HandshakeAnswer::Accept { subprotocol }) => {
            if let Ok(connection) = incoming.accept(subprotocol.as_deref(), &Headers::new()).await {
                pump(connection, request.identity, subprotocol, commands, number).await;
            }
        }
        Ok(HandshakeAnswer::Refuse { status }) => {
            let _ = incoming.refuse(status, &Headers::new(), b"").await;
        }
        Err(_) => {}
    }
}

async fn connect(
    dialer: MemoryDialer,
    identity: String,
    version: Version,
    credentials: Option<(String, Vec<u8>)>,
    commands: mpsc::UnboundedSender<Told>,
    number: u64,
) {
    let url = Url { secure: false, host: "memory".to_owned(), port: 80, path: "/ocpp".to_owned() };
    let url = url.with_identity(&identity);
    let basic = credentials.map(|(user, password)| handshake::BasicCredentials::new(user, password));
    let request = ClientRequest::to(&url).offering(&[version.subprotocol()]).authorized(basic);
    let outcome = async {
        let stream = dialer.dial(&url).await.map_err(|error| error.to_string())?;
        handshake::connect(stream, &request, &Limits::default()).await.map_err(|error| error.to_string())
    }
    .await;
    match outcome {
        Err(reason) => {
            let _ = commands.send(Told::Failed(reason));
        }
        Ok(outcome) => match outcome.connection {
            None => {
                let _ = commands.send(Told::Failed(format!("HTTP status {}", outcome.answer.status)));
            }
            Some(connection) => pump(connection, identity, outcome.answer.subprotocol, commands, number).await,
        },
    }
}

/// Moves messages between a link and the device.
async fn pump(
    mut connection: Connection<Stream>,
    station: String,
    subprotocol: Option<String>,
    commands: mpsc::UnboundedSender<Told>,
    number: u64,
) {
    let (out, mut orders) = mpsc::unbounded_channel();
    if commands.send(Told::Opened(station.clone(), number, subprotocol, out)).is_err() {
        return;
    }
    loop {
        tokio::select! {
            biased;
            order = orders.recv() => match order {
                Some(Out::Send(text)) => {
                    if connection.send_text(&text).await.is_err() {
                        break;
                    }
                }
                Some(Out::Close(code)) => {
                    if connection.close(Some(code), "").await.is_err() {
                        break;
                    }
                }
                Some(Out::Cut) => {
                    let _ = commands.send(Told::Closed(station, number));
                    connection.cut();
                    return;
                }
                None => {
                    let _ = connection.close(Some(1001), "").await;
                    break;
                }
            },
            event = connection.next() => match event.kind {
                EventKind::Text(bytes) => {
                    if commands.send(Told::Text(station.clone(), number, bytes)).is_err() {
                        break;
                    }
                }
                EventKind::Close { .. } | EventKind::Ended(_) => break,
                EventKind::Binary(_) | EventKind::Ping(_) | EventKind::Pong(_) | EventKind::Unknown { .. } => {}
            },
        }
    }
    let _ = commands.send(Told::Closed(station, number));
    let _ = tokio::time::timeout(std::time::Duration::from_secs(2), connection.drain()).await;
}
