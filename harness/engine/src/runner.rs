//! Moves bytes and time between a [`Player`] and a device: the only place where the engine does I/O.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use link::dial::{Dial, Listen};
use link::handshake::{self, BasicCredentials, ClientRequest, Headers};
use link::{Connection, End, EventKind as Seen, Limits, Stream, Url};
use protocol::{Timestamp, Version};
use script::Procedure;
use tokio::sync::watch;
use verdict::{Event, Verdict};

use crate::clock::Clock;
use crate::door;
use crate::drivers::Drivers;
use crate::pattern::shorten;
use crate::player::{Command, Input, Player};

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(15);
/// How long we wait for the other end to finish closing.
const CLOSING: Duration = Duration::from_secs(2);
/// How long of that nothing else is done towards a CSMS on a network.
const PARTING: Duration = Duration::from_millis(200);

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Where the link to the device comes from.
pub enum Carrier {
    /// We are the station and dial.
    Dial {
        /// What dials.
        dialer: Arc<dyn Dial>,
        /// The base URL; the identity is appended.
        url: Url,
    },
    /// We are the CSMS and wait.
    Listen(Box<dyn Listen>),
}

/// The link to a device, kept from one plan to the next.
pub struct Wire {
    carrier: Carrier,
    version: Version,
    /// The station's identity: ours when we dial; expected of a station under test unless empty.
    identities: Vec<String>,
    password: Option<String>,
    pub(crate) connection: Option<Connection<Stream>>,
    admitting: bool,
    /// What a station is answered instead of the version's own subprotocol.
    answering: Option<Option<String>>,
    limits: Limits,
    /// The subprotocols that the station of the rig offered when it last came.
    offered: Arc<Mutex<Option<Vec<String>>>>,
    /// How long the end of a link is waited for before anything else is done.
    parting: Duration,
    /// Who else we may be beside our station.
    pub(crate) other: Option<OtherIdentity>,
}

/// A station that we may play beside our own; one at a time in a run.
#[derive(Clone)]
pub(crate) struct OtherIdentity {
    pub(crate) identity: String,
    pub(crate) password: Option<String>,
    pub(crate) turn: Arc<tokio::sync::Mutex<()>>,
}

/// What comes of a link beside the one of the player.
pub(crate) enum Knock {
    /// It is open.
    Open(Box<Connection<Stream>>),
    /// It was refused, and how.
    Refused(String),
}

enum Handshake {
    Open {
        connection: Box<Connection<Stream>>,
        identity: String,
        offered: Vec<String>,
        subprotocol: Option<String>,
        findings: Vec<link::Finding>,
    },
    Refused {
        status: Option<u16>,
        reason: String,
    },
}

impl Wire {
    /// A link that is not open yet.
    pub fn new(carrier: Carrier, version: Version, identities: Vec<String>, password: Option<String>) -> Wire {
        Wire {
            carrier,
            version,
            identities,
            password,
            connection: None,
            admitting: true,
            answering: None,
            limits: Limits::default(),
            offered: Arc::default(),
            parting: Duration::ZERO,
            other: None,
        }
    }

    /// Waits until the device has seen the end of a link: a CSMS may refuse a second link of a station while it has the
    /// first. Who answers a close does so at once.
    #[must_use]
    pub fn that_parts_in_order(mut self) -> Wire {
        self.parting = PARTING;
        self
    }

    /// The same link, with another station that we may play, too.
    pub(crate) fn beside(self, other: Option<OtherIdentity>) -> Wire {
        Wire { other, ..self }
    }

    /// The password that our station shows.
    pub(crate) fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// The subprotocols that a station offered when it last came.
    pub fn offered(&self) -> Option<Vec<String>> {
        self.offered.lock().ok()?.clone()
    }

    /// Ends the link, and takes the next one in this version.
    pub async fn speak(&mut self, version: Version) {
        self.hang_up(false).await;
        self.version = version;
        self.admitting = true;
    }

    fn identity(&self) -> String {
        self.identities.first().cloned().unwrap_or_else(|| "PLUGFEST-1".to_owned())
    }

    fn dial(
        &self,
        identity: Option<String>,
        password: Option<Option<String>>,
        offers: Vec<String>,
    ) -> Boxed<Handshake> {
        let Carrier::Dial { dialer, url } = &self.carrier else {
            let reason = "a CSMS does not connect".to_owned();
            return Box::pin(async move { Handshake::Refused { status: None, reason } });
        };
        let identity = identity.unwrap_or_else(|| self.identity());
        let password = password.unwrap_or_else(|| self.password.clone());
        let url = url.with_identity(&identity);
        let (dialer, limits) = (dialer.clone(), self.limits.clone());
        let handshake = async move {
            let stream = match dialer.dial(&url).await {
                Ok(stream) => stream,
                Err(error) => return Handshake::Refused { status: None, reason: error.to_string() },
            };
            let names: Vec<&str> = offers.iter().map(String::as_str).collect();
            let basic = password.map(|password| BasicCredentials::new(identity.clone(), password));
            let request = ClientRequest::to(&url).offering(&names).authorized(basic);
            match handshake::connect(stream, &request, &limits).await {
                Err(error) => Handshake::Refused { status: None, reason: error.to_string() },
                Ok(outcome) => match outcome.connection {
                    None => Handshake::Refused {
                        status: Some(outcome.answer.status),
                        reason: format!("HTTP {} {}", outcome.answer.status, outcome.answer.reason),
                    },
                    Some(connection) => Handshake::Open {
                        connection: Box::new(connection),
                        identity,
                        subprotocol: outcome.answer.subprotocol.clone(),
                        findings: outcome.answer.findings,
                        offered: offers,
                    },
                },
            }
        };
        Box::pin(bounded(handshake))
    }

    fn admit(&self, stream: Stream) -> Boxed<Handshake> {
        let (limits, identities, password, version) =
            (self.limits.clone(), self.identities.clone(), self.password.clone(), self.version);
        let (offered, answering) = (self.offered.clone(), self.answering.clone());
        let handshake = async move {
            let incoming = match handshake::read_request(stream, &limits).await {
                Ok(incoming) => incoming,
                Err(error) => return Handshake::Refused { status: None, reason: error.to_string() },
            };
            let request = incoming.request.clone();
            let refuse = |incoming: handshake::Incoming<Stream>, status: u16, reason: String| async move {
                // The station may be gone already; why it is refused matters, not whether it heard.
                let _ = incoming.refuse(status, &Headers::new(), reason.as_bytes()).await;
                Handshake::Refused { status: None, reason }
            };
            if !identities.is_empty() && !identities.contains(&request.identity) {
                let reason = format!(
                    "a station with the identity \"{}\" came ({}), which the rig does not name",
                    request.identity,
                    came(&request)
                );
                return refuse(incoming, 404, reason).await;
            }
            if let Some(password) = &password {
                let fits = request.basic.as_ref().is_some_and(|basic| {
                    basic.user == request.identity.as_bytes() && basic.password == password.as_bytes()
                });
                if !fits {
                    let reason = format!(
                        "\"{}\" came ({}) with other credentials than the rig's",
                        request.identity,
                        came(&request)
                    );
                    return refuse(incoming, 401, reason).await;
                }
            }
            if let Ok(mut offered) = offered.lock() {
                *offered = Some(request.subprotocols.clone());
            }
            let fits = request.subprotocols.iter().find(|name| **name == version.subprotocol()).cloned();
            let (chosen, on_purpose) = match answering {
                Some(answer) => (answer, true),
                None => (fits, false),
            };
            match incoming.accept(chosen.as_deref(), &Headers::new()).await {
                Err(error) => Handshake::Refused { status: None, reason: error.to_string() },
                Ok(mut connection) => {
                    if chosen.is_none() && !on_purpose {
                        // No common version: completed without a subprotocol, and closed at once.
                        let _ = connection.close(Some(1002), "no common subprotocol").await;
                        let offered = request.subprotocols.join(", ");
                        return Handshake::Refused {
                            status: None,
                            reason: format!("\"{}\" offers only [{offered}]", request.identity),
                        };
                    }
                    Handshake::Open {
                        connection: Box::new(connection),
                        identity: request.identity.clone(),
                        offered: request.subprotocols.clone(),
                        subprotocol: chosen,
                        findings: request.findings,
                    }
                }
            }
        };
        Box::pin(bounded(handshake))
    }

    /// Ends the link, if there is one.
    pub async fn hang_up(&mut self, cut: bool) {
        let Some(mut connection) = self.connection.take() else { return };
        if cut {
            connection.cut();
            return;
        }
        if connection.close(Some(1000), "").await.is_ok() {
            let mut gone = Box::pin(async move { connection.drain().await });
            if tokio::time::timeout(self.parting, &mut gone).await.is_err() {
                tokio::spawn(async move {
                    let _ = tokio::time::timeout(CLOSING, gone).await;
                });
            }
        }
    }
}

/// How a station came, for a person who wonders why it was turned away.
fn came(request: &handshake::Request) -> String {
    shorten(&format!("path {}, subprotocols [{}]", request.path, request.subprotocols.join(", ")))
}

async fn bounded(handshake: impl Future<Output = Handshake>) -> Handshake {
    match tokio::time::timeout(HANDSHAKE, handshake).await {
        Ok(outcome) => outcome,
        Err(_) => Handshake::Refused {
            status: None,
            reason: format!("the handshake took longer than {} s", HANDSHAKE.as_secs()),
        },
    }
}

/// Plays a plan to its end. `stop` turning true gives it up, once what a CSMS would keep from it is undone.
pub async fn play(
    player: &mut Player,
    wire: &mut Wire,
    drivers: &Drivers,
    station: &str,
    clock: &Clock,
    stop: &mut watch::Receiver<bool>,
    sink: &mut (dyn FnMut(Event) + Send),
) {
    let stopping = *stop.borrow();
    let mut stage =
        Stage { player, wire, drivers, station, clock, stop, sink, connecting: None, acting: None, stopping };
    loop {
        match stage.obey().await {
            Wish::None => {
                stage.turn(None).await;
            }
            Wish::Procedure(procedure) => stage = door::open(stage, procedure).await,
            Wish::Finished => return,
        }
    }
}

/// Everything a plan is played with.
pub(crate) struct Stage<'a> {
    pub(crate) player: &'a mut Player,
    pub(crate) wire: &'a mut Wire,
    drivers: &'a Drivers,
    station: &'a str,
    pub(crate) clock: &'a Clock,
    stop: &'a mut watch::Receiver<bool>,
    sink: &'a mut (dyn FnMut(Event) + Send),
    connecting: Option<Boxed<Handshake>>,
    acting: Option<Boxed<Input>>,
    stopping: bool,
}

/// What the player wants that is not done at once.
pub(crate) enum Wish {
    /// Nothing but to be told what happens.
    None,
    /// A procedure.
    Procedure(Procedure),
    /// Nothing more.
    Finished,
}

/// What happened, as far as the player does not say it better.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Noticed {
    /// A pong.
    Pong(Vec<u8>),
    /// A close frame; the link is gone.
    Close(Option<u16>),
    /// The link ended without a close frame.
    Ended(String),
    /// There is a new link.
    Opened,
    /// There is none.
    Refused(String),
    /// Anything else.
    Other,
}

impl Stage<'_> {
    /// Does what the player wants.
    pub(crate) async fn obey(&mut self) -> Wish {
        let mut wish = Wish::None;
        // A link that turns out to be gone while something is sent makes the player want something else.
        let mut commands = VecDeque::from(self.player.commands());
        while let Some(command) = commands.pop_front() {
            match command {
                Command::Connect { identity, password, offers } => {
                    self.connecting = Some(self.wire.dial(identity, password, offers));
                }
                Command::Send(text) => self.send(&text).await,
                Command::Drop { cut } => self.wire.hang_up(cut).await,
                Command::Admit(admitting) => self.wire.admitting = admitting,
                Command::Answer(answering) => self.wire.answering = answering,
                Command::Stimulate(stimulus) => {
                    let (drivers, station) = (self.drivers.clone(), self.station.to_owned());
                    let asked =
                        Box::pin(async move { Input::StimulusDone(drivers.stimulate(&station, &stimulus).await) });
                    // A procedure may ask while the last request is under way. To drop that could take it back.
                    if let Some(before) = self.acting.replace(asked) {
                        tokio::spawn(before);
                    }
                }
                Command::Look(observation) => {
                    let (drivers, station) = (self.drivers.clone(), self.station.to_owned());
                    self.acting =
                        Some(Box::pin(async move { Input::Observed(drivers.look(&station, &observation).await) }));
                }
                Command::Procedure(procedure) => wish = Wish::Procedure(procedure),
                Command::Finished => wish = Wish::Finished,
            }
            commands.extend(self.player.commands());
        }
        for event in self.player.events() {
            (self.sink)(event);
        }
        if self.player.is_finished() { Wish::Finished } else { wish }
    }

    async fn send(&mut self, text: &str) {
        // Nothing follows a close frame of ours (RFC 6455 5.5.1); what still comes is only read.
        if let Some(connection) = &mut self.wire.connection
            && !connection.close_sent()
            && let Err(error) = connection.send_text(text).await
        {
            self.wire.connection = None;
            self.player.handle(self.clock.now(), Input::Closed { code: None, reason: error.to_string() });
        }
    }

    /// Dials once more, as the station that the rig names.
    pub(crate) fn dial(&mut self) {
        let offers = vec![self.wire.version.subprotocol().to_owned()];
        self.connecting = Some(self.wire.dial(None, None, offers));
    }

    /// Dials a link of which the player does not hear: as our own station or another, with this password or our own.
    pub(crate) fn knock(&self, identity: Option<String>, password: Option<Option<String>>) -> Boxed<Knock> {
        let offers = vec![self.wire.version.subprotocol().to_owned()];
        let handshake = self.wire.dial(identity, password, offers);
        Box::pin(async move {
            match handshake.await {
                Handshake::Open { connection, .. } => Knock::Open(connection),
                Handshake::Refused { reason, .. } => Knock::Refused(reason),
            }
        })
    }

    /// Tells the player the next thing that happens. Nothing happens after `until`.
    pub(crate) async fn turn(&mut self, until_then: Option<Timestamp>) -> Noticed {
        let Stage { player, wire, clock, stop, connecting, acting, stopping, .. } = self;
        let now = clock.now();
        if *stopping && player.interrupt(now) {
            return Noticed::Other;
        }
        let wakeup = player.wakeup(now);
        let wakeup = match (wakeup, until_then) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let wakeup = wakeup.map(|moment| clock.instant(moment));
        tokio::select! {
            biased;
            event = next(&mut wire.connection) => return receive(player, wire, clock, event),
            outcome = some(connecting) => {
                *connecting = None;
                return opened(player, wire, clock, outcome);
            }
            input = some(acting) => {
                *acting = None;
                player.handle(clock.now(), input);
            }
            stream = incoming(&mut wire.carrier) => match stream {
                Ok(stream) if wire.admitting => *connecting = Some(wire.admit(stream)),
                // While the device has to be offline its attempts come to nothing.
                Ok(stream) => drop(stream),
                Err(error) => {
                    player.abandon(clock.now(), Verdict::Inconclusive, &error.to_string());
                }
            },
            () = until(wakeup) => player.handle(clock.now(), Input::Tick),
            changed = stop.changed(), if !*stopping => *stopping = changed.is_err() || *stop.borrow(),
        }
        Noticed::Other
    }
}

fn opened(player: &mut Player, wire: &mut Wire, clock: &Clock, outcome: Handshake) -> Noticed {
    let now = clock.now();
    match outcome {
        Handshake::Refused { status, reason } => {
            player.handle(now, Input::Refused { status, reason: reason.clone() });
            Noticed::Refused(reason)
        }
        Handshake::Open { connection, identity, offered, subprotocol, findings } => {
            if wire.connection.take().is_some() {
                player.handle(now, Input::Closed { code: None, reason: "replaced by a new connection".to_owned() });
            }
            wire.connection = Some(*connection);
            // Where nothing was offered that the device speaks, no name is the right answer.
            let spoken = wire.version.subprotocol();
            let nothing_in_common = !offered.iter().any(|name| name == spoken);
            let findings: Vec<_> = findings
                .into_iter()
                .filter(|finding| !(nothing_in_common && finding.kind == link::FindingKind::SubprotocolMissing))
                .collect();
            wire_findings(player, clock, &findings);
            player.handle(now, Input::Opened { identity, offered, subprotocol });
            Noticed::Opened
        }
    }
}

fn receive(player: &mut Player, wire: &mut Wire, clock: &Clock, event: link::LinkEvent) -> Noticed {
    let now = clock.now();
    wire_findings(player, clock, &event.findings);
    match event.kind {
        Seen::Text(bytes) => player.handle(now, Input::Text(bytes)),
        Seen::Binary(bytes) => player.handle(now, Input::Binary(bytes)),
        Seen::Ping(_) => player.handle(now, Input::Control("ping")),
        Seen::Pong(payload) => {
            player.handle(now, Input::Control("pong"));
            return Noticed::Pong(payload);
        }
        Seen::Unknown { opcode, .. } => player.handle(
            now,
            Input::Wire {
                rule: "RFC 6455 5.2".to_owned(),
                id: "unknown-opcode".to_owned(),
                text: format!("a frame with the opcode {opcode}"),
                certain: true,
            },
        ),
        Seen::Close { code, reason } => {
            if let Some(mut connection) = wire.connection.take() {
                tokio::spawn(async move {
                    let _ = tokio::time::timeout(CLOSING, connection.drain()).await;
                });
            }
            let reason = String::from_utf8_lossy(&reason).into_owned();
            player.handle(now, Input::Closed { code: Some(code.unwrap_or(1005)), reason });
            return Noticed::Close(code);
        }
        Seen::Ended(end) => {
            wire.connection = None;
            let reason = match end {
                End::Eof { mid_frame: false } => "the stream ended without a close frame".to_owned(),
                End::Eof { mid_frame: true } => "the stream ended in the middle of a frame".to_owned(),
                End::Reset => "the connection was reset".to_owned(),
                End::Error(error) => error,
                End::LimitExceeded => "we hung up: a message is larger than we accept".to_owned(),
            };
            player.handle(now, Input::Closed { code: None, reason: reason.clone() });
            return Noticed::Ended(reason);
        }
    }
    Noticed::Other
}

fn wire_findings(player: &mut Player, clock: &Clock, findings: &[link::Finding]) {
    for finding in findings {
        player.handle(
            clock.now(),
            Input::Wire {
                rule: finding.kind.rule().to_owned(),
                id: finding.kind.id().to_owned(),
                text: finding.detail.clone(),
                certain: is_certain(finding.kind),
            },
        );
    }
}

/// Findings that are beyond doubt a breach; the rest is worth a warning only.
pub fn is_certain(kind: link::FindingKind) -> bool {
    kind.rule().starts_with("RFC 6455")
}

async fn next(connection: &mut Option<Connection<Stream>>) -> link::LinkEvent {
    match connection {
        Some(connection) => connection.next().await,
        None => std::future::pending().await,
    }
}

async fn some<T>(future: &mut Option<Boxed<T>>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

async fn incoming(carrier: &mut Carrier) -> Result<Stream, link::dial::DialError> {
    match carrier {
        Carrier::Listen(listener) => listener.accept().await,
        Carrier::Dial { .. } => std::future::pending().await,
    }
}

async fn until(moment: Option<tokio::time::Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
