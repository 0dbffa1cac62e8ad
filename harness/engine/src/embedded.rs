//! The reference peers as devices inside the process: over in-memory pipes, on whatever clock the runtime has.

use std::io::Write;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use link::dial::{Dial, Listen};
use link::handshake::{self, ClientRequest, Headers};
use link::memory::{self, MemoryDialer, MemoryListener};
use link::{AsyncStream, Connection, End, EventKind, FindingKind, Limits, LinkEvent, Stream, Url};
use peers::{
    CsmsSettings, Device, Dial as Wanted, Fault, Fetch, HandshakeAnswer, Oddity, Order, Refusal, StationSettings,
};
use protocol::Role;
use protocol::stimulus::{self, Stimulus};
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
    Opened(String, u64, Option<String>, mpsc::UnboundedSender<Order>),
    Failed(u64, String),
    Text(String, u64, Vec<u8>),
    Odd(String, u64, Odd),
    Closed(String, u64),
}

/// [`Oddity`], with the bytes that it is about.
enum Odd {
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    NotUtf8,
    ReservedBits,
    ProtocolError,
    TooLong,
}

impl Odd {
    fn as_oddity(&self) -> Oddity<'_> {
        match self {
            Odd::Binary(bytes) => Oddity::Binary(bytes),
            Odd::Ping(payload) => Oddity::Ping(payload),
            Odd::NotUtf8 => Oddity::NotUtf8,
            Odd::ReservedBits => Oddity::ReservedBits,
            Odd::ProtocolError => Oddity::ProtocolError,
            Odd::TooLong => Oddity::TooLong,
        }
    }
}

/// How the links of a device reach it.
#[derive(Clone)]
struct Reach {
    commands: mpsc::UnboundedSender<Told>,
    answers_pings: bool,
}

impl Embedded {
    /// A reference CSMS, and the carrier that reaches it.
    pub fn csms(settings: CsmsSettings, faults: Vec<Fault>, clock: Clock) -> (Embedded, Carrier) {
        let (dialer, listener) = memory::network();
        let device = Device::csms(settings, faults);
        let answers_pings = device.answers_pings();
        let embedded = Embedded::start(Role::Csms, device, None, clock);
        tokio::spawn(accept(listener, Reach { commands: embedded.commands.clone(), answers_pings }));
        let url = Url { secure: false, host: "memory".to_owned(), port: 80, path: "/ocpp".to_owned() };
        (embedded, Carrier::Dial { dialer: Arc::new(dialer) as Arc<dyn Dial>, url })
    }

    /// A reference station, and the carrier at which it arrives.
    pub fn station(settings: StationSettings, faults: Vec<Fault>, clock: Clock) -> (Embedded, Carrier) {
        let (dialer, listener) = memory::network();
        let embedded = Embedded::start(Role::Station, Device::station(settings, faults), Some(dialer), clock);
        (embedded, Carrier::Listen(Box::new(listener)))
    }

    fn start(role: Role, device: Device, dialer: Option<MemoryDialer>, clock: Clock) -> Embedded {
        let (commands, told) = mpsc::unbounded_channel();
        let triggered = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(run(device, told, commands.clone(), dialer, clock, triggered.clone()));
        Embedded { role, commands, task, triggered }
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

async fn run(
    mut device: Device,
    mut told: mpsc::UnboundedReceiver<Told>,
    commands: mpsc::UnboundedSender<Told>,
    dialer: Option<MemoryDialer>,
    clock: Clock,
    triggered: Arc<Mutex<Vec<&'static str>>>,
) {
    let reach = Reach { commands, answers_pings: device.answers_pings() };
    device.tick(clock.now());
    loop {
        if let (Some(dial), Some(dialer)) = (device.dial(), &dialer) {
            tokio::spawn(connect(dialer.clone(), dial, reach.clone()));
        }
        if let Ok(mut triggered) = triggered.lock() {
            *triggered = device.triggered();
        }
        let wakeup = device.next_wakeup().map(|moment| clock.instant(moment));
        let event = tokio::select! {
            biased;
            event = told.recv() => event,
            () = async {
                match wakeup {
                    Some(moment) => tokio::time::sleep_until(moment).await,
                    None => std::future::pending().await,
                }
            } => {
                device.tick(clock.now());
                continue;
            }
        };
        let Some(event) = event else { return };
        let now = clock.now();
        match event {
            Told::Stimulus(station, stimulus, sender) => {
                let confirm = Box::new(move |outcome| {
                    let _ = sender.send(confirmation(outcome));
                });
                device.stimulate(now, &station, &stimulus, confirm);
            }
            Told::Look(station, observation, sender) => {
                let seen = Box::new(move |seen| {
                    let _ = sender.send(seen);
                });
                device.look(now, &station, &observation, seen);
            }
            Told::Handshake(station, credentials, offered, answer) => {
                let credentials = credentials.as_ref().map(|(user, password)| (user.as_str(), password.as_slice()));
                // A dead device answers nobody.
                if !device.is_dead() {
                    let _ = answer.send(device.decide_handshake(now, &station, credentials, &offered));
                }
            }
            Told::Opened(station, number, subprotocol, out) => {
                let orders = Box::new(move |order| {
                    let _ = out.send(order);
                });
                device.opened(now, &station, number, subprotocol, orders);
            }
            Told::Failed(number, reason) => device.dial_failed(now, number, reason),
            Told::Text(station, number, bytes) => device.text(now, &station, number, &bytes),
            Told::Odd(station, number, odd) => device.met(now, &station, number, odd.as_oddity()),
            Told::Closed(station, number) => device.closed(now, &station, number),
        }
    }
}

fn confirmation(outcome: Result<(), Refusal>) -> Confirmation {
    match outcome {
        Ok(()) => Confirmation::Done,
        Err(Refusal { undrivable: true, reason }) => Confirmation::Undrivable(reason),
        Err(Refusal { undrivable: false, reason }) => Confirmation::Failed(reason),
    }
}

/// Takes in the stations that come to an embedded CSMS.
async fn accept(mut listener: MemoryListener, reach: Reach) {
    let mut number = 0;
    while let Ok(stream) = listener.accept().await {
        number += 1;
        tokio::spawn(admit(stream, reach.clone(), number));
    }
}

async fn admit(stream: Stream, reach: Reach, number: u64) {
    let Ok(incoming) = handshake::read_request(stream, &Limits::default()).await else { return };
    let request = incoming.request.clone();
    let credentials = request.basic.map(|basic| (String::from_utf8_lossy(&basic.user).into_owned(), basic.password));
    let (sender, receiver) = oneshot::channel();
    let asked = Told::Handshake(request.identity.clone(), credentials, request.subprotocols.clone(), sender);
    if reach.commands.send(asked).is_err() {
        return;
    }
    match receiver.await {
        Ok(HandshakeAnswer::Accept { subprotocol }) => {
            if let Ok(connection) = incoming.accept(subprotocol.as_deref(), &Headers::new()).await {
                pump(connection, request.identity, subprotocol, reach, number).await;
            }
        }
        Ok(HandshakeAnswer::Refuse { status }) => {
            let _ = incoming.refuse(status, &Headers::new(), b"").await;
        }
        Err(_) => {}
    }
}

async fn connect(dialer: MemoryDialer, wanted: Wanted, reach: Reach) {
    let Wanted { number, identity, version, credentials } = wanted;
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
            let _ = reach.commands.send(Told::Failed(number, reason));
        }
        Ok(outcome) => match outcome.connection {
            None => {
                let _ = reach.commands.send(Told::Failed(number, format!("HTTP status {}", outcome.answer.status)));
            }
            Some(connection) => pump(connection, identity, outcome.answer.subprotocol, reach, number).await,
        },
    }
}

/// Moves messages between a link and the device.
async fn pump(
    mut connection: Connection<Stream>,
    station: String,
    subprotocol: Option<String>,
    Reach { commands, answers_pings }: Reach,
    number: u64,
) {
    connection.set_auto_pong(answers_pings);
    let (out, mut orders) = mpsc::unbounded_channel();
    if commands.send(Told::Opened(station.clone(), number, subprotocol, out)).is_err() {
        return;
    }
    loop {
        tokio::select! {
            biased;
            order = orders.recv() => match order {
                Some(Order::Send(text)) => {
                    if connection.send_text(&text).await.is_err() {
                        break;
                    }
                }
                Some(Order::Close(code)) => {
                    let _ = connection.close(Some(code), "").await;
                    let _ = tokio::time::timeout(CLOSE_TIME, connection.drain()).await;
                    break;
                }
                Some(Order::Cut) => {
                    let _ = commands.send(Told::Closed(station, number));
                    connection.cut();
                    return;
                }
                Some(Order::Fetch(fetch)) => {
                    // While a blocking task runs, a clock that is not the system's stands still.
                    tokio::task::spawn_blocking(move || carry_out(&fetch));
                }
                None => {
                    let _ = connection.close(Some(1001), "").await;
                    break;
                }
            },
            event = connection.next() => {
                let told = match (odd(&event), event.kind) {
                    (Some(odd), _) => Told::Odd(station.clone(), number, odd),
                    (None, EventKind::Text(bytes)) => Told::Text(station.clone(), number, bytes),
                    (None, EventKind::Close { .. } | EventKind::Ended(_)) => break,
                    (None, _) => continue,
                };
                let is_last = matches!(&told, Told::Odd(_, _, Odd::TooLong));
                if commands.send(told).is_err() {
                    break;
                }
                if is_last {
                    // No more is read, so what follows is the device's decision alone.
                    last_orders(&mut connection, &mut orders).await;
                    break;
                }
            }
        }
    }
    let _ = commands.send(Told::Closed(station, number));
    let _ = tokio::time::timeout(CLOSE_TIME, connection.drain()).await;
}

/// Connects to where a defective device wants to, which is always this machine.
fn carry_out(fetch: &Fetch) {
    if let Ok(mut stream) = TcpStream::connect_timeout(&fetch.at, FETCH_TIME) {
        let _ = stream.set_write_timeout(Some(FETCH_TIME));
        let _ = stream.write_all(fetch.request.as_bytes());
    }
}

/// What is still to be done on a link from which nothing more is read.
async fn last_orders(connection: &mut Connection<Stream>, orders: &mut mpsc::UnboundedReceiver<Order>) {
    loop {
        match tokio::time::timeout(CLOSE_TIME, orders.recv()).await {
            Ok(Some(Order::Send(text))) if connection.send_text(&text).await.is_ok() => {}
            Ok(Some(Order::Fetch(_))) => {}
            Ok(Some(Order::Close(code))) => {
                let _ = connection.close(Some(code), "").await;
                return;
            }
            _ => {
                connection.stream_mut().prepare_cut();
                return;
            }
        }
    }
}

/// What is no text message, or a damaged one.
fn odd(event: &LinkEvent) -> Option<Odd> {
    let has = |kind: FindingKind| event.findings.iter().any(|found| found.kind == kind);
    if matches!(event.kind, EventKind::Ended(End::LimitExceeded)) {
        return Some(Odd::TooLong);
    }
    if has(FindingKind::ReservedBits) {
        return Some(Odd::ReservedBits);
    }
    if FATAL.iter().any(|kind| has(*kind)) {
        return Some(Odd::ProtocolError);
    }
    match &event.kind {
        EventKind::Text(_) if has(FindingKind::InvalidUtf8) => Some(Odd::NotUtf8),
        EventKind::Binary(bytes) => Some(Odd::Binary(bytes.clone())),
        EventKind::Ping(payload) => Some(Odd::Ping(payload.clone())),
        EventKind::Unknown { .. } => Some(Odd::ProtocolError),
        _ => None,
    }
}

/// What fails a WebSocket.
const FATAL: [FindingKind; 7] = [
    FindingKind::LengthTopBit,
    FindingKind::ReservedOpcode,
    FindingKind::FragmentedControl,
    FindingKind::ControlTooLong,
    FindingKind::Unmasked,
    FindingKind::Masked,
    FindingKind::InterleavedData,
];
/// How long the other side gets to end a link.
const CLOSE_TIME: Duration = Duration::from_secs(2);
/// How long a device tries to reach something else than its counterpart.
const FETCH_TIME: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;

    use protocol::Version;

    use super::*;

    async fn link(fault: &str) -> (Embedded, Connection<Stream>) {
        let faults = vec![Fault::find(fault).unwrap()];
        let (embedded, carrier) = Embedded::csms(CsmsSettings::standard(Version::V16), faults, Clock::system());
        let Carrier::Dial { dialer, url } = carrier else { panic!("a CSMS is dialled") };
        let url = url.with_identity("CP1");
        let request = ClientRequest::to(&url).offering(&["ocpp1.6"]);
        let stream = dialer.dial(&url).await.unwrap();
        let outcome = handshake::connect(stream, &request, &Limits::default()).await.unwrap();
        (embedded, outcome.connection.unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_url_in_a_text_is_visited_while_the_clock_stands_still() {
        let canary = TcpListener::bind("127.0.0.1:0").unwrap();
        let (_embedded, mut connection) = link("csms-fetches-urls").await;
        let text = format!(r#"[2,"a","Bananas",{{"x":"http://{}/token"}}]"#, canary.local_addr().unwrap());
        connection.send_text(&text).await.unwrap();
        let visit = tokio::task::spawn_blocking(move || {
            let (mut visitor, _) = canary.accept().unwrap();
            let mut request = String::new();
            visitor.read_to_string(&mut request).unwrap();
            request
        });
        assert!(visit.await.unwrap().starts_with("GET /token "));
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_device_answers_once_more_and_is_gone() {
        let (embedded, mut connection) = link("csms-dies-after-an-empty-payload").await;
        connection.send_text(r#"[2,"a","BootNotification",{}]"#).await.unwrap();
        assert!(matches!(connection.next().await.kind, EventKind::Text(_)));
        assert!(matches!(connection.next().await.kind, EventKind::Ended(_)));
        assert_eq!(embedded.triggered(), ["csms-dies-after-an-empty-payload"]);
    }

    #[tokio::test(start_paused = true)]
    async fn pings_are_answered_unless_a_defect_keeps_the_pongs() {
        for (fault, answers) in [("csms-answers-twice", true), ("csms-ignores-pings", false)] {
            let (embedded, mut connection) = link(fault).await;
            connection.send_ping(b"x").await.unwrap();
            let pong = tokio::time::timeout(CLOSE_TIME, connection.next()).await;
            assert_eq!(pong.is_ok(), answers, "{fault}");
            assert_eq!(embedded.triggered().contains(&fault), !answers);
        }
    }
}
