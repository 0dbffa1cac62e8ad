//! How a link comes about: we dial and boot, or a station comes.

use std::time::Duration;

use engine::runner::Carrier;
use engine::standin::StandIn;
use link::handshake::{self, BasicCredentials, ClientRequest, Headers};
use link::{FindingKind, Limits, Stream};
use protocol::Role;
use protocol::frame::Frame;
use serde_json::Map;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::links::Link;
use super::{BEATS, Filling, Stage};
use crate::What;
use crate::act::{Credentials, Manner};
use crate::seen::Proof;

/// The shortest time that a station has to boot once it is connected.
const SOON: Duration = Duration::from_millis(200);
/// How long a handshake may take.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(15);

enum Handshaken {
    /// With the subprotocol chosen, whether extensions were agreed on, and what is odd about the answer.
    Open(Box<link::Connection<Stream>>, Option<String>, bool, Vec<link::Finding>),
    Refused(Option<u16>, String),
}

impl Stage {
    /// Opens a link. One of this number that is open goes on being read, but is not written to any more.
    pub(super) async fn open(&mut self, number: usize, identity: usize, manner: &Manner) {
        match self.setting.device {
            Role::Csms => self.dial(number, identity, manner).await,
            Role::Station => self.admit().await,
        }
    }

    async fn dial(&mut self, number: usize, identity: usize, manner: &Manner) {
        let name = self.identity(identity);
        // The station's memory outlives its links.
        let (stand_in, old) = match self.links.remove(&number) {
            Some(old) => (old.stand_in, old.connection.filter(|_| !old.muddled).map(|left| (old.identity, left))),
            None => (self.stand_in(), None),
        };
        // One that waits for the rest of a message on the old link may do so before it serves the new one.
        if self.forgotten.len() < 16 {
            self.forgotten.extend(old);
        }
        let mut link = Link::new(number, identity, name.clone(), stand_in);
        let proof = self.proof(&name, manner);
        let shown = self.shown(&name, manner);
        let outcome = tokio::time::timeout(HANDSHAKE, self.shake(&name, manner)).await;
        match outcome.unwrap_or_else(|_| Handshaken::Refused(None, "the handshake took too long".to_owned())) {
            Handshaken::Refused(status, reason) => {
                self.links.insert(number, link);
                self.saw(number, What::Refused { status, reason });
            }
            Handshaken::Open(connection, subprotocol, extended, findings) => {
                let own = self.setting.version.subprotocol();
                let speaks_another = manner.offers.is_some() && subprotocol.as_deref() != Some(own);
                link.connection = Some(*connection);
                self.links.insert(number, link);
                self.saw(number, What::Opened { identity: shown, subprotocol, proof, resumed: false });
                // What an odd request deserves for an answer is not known here, but a name has to be one that was on
                // offer.
                let usual = manner.request.is_none() && manner.headers.is_empty();
                for finding in findings.into_iter().filter(|_| usual) {
                    let is_foreign = finding.kind == FindingKind::SubprotocolForeign;
                    if manner.offers.is_some() && !is_foreign {
                        continue;
                    }
                    let (rule, id) = (finding.kind.rule().to_owned(), finding.kind.id().to_owned());
                    let certain = is_foreign || engine::runner::is_certain(finding.kind);
                    self.saw(number, What::Wire { rule, id, text: finding.detail, certain });
                }
                if speaks_another || extended {
                    // What is right there is not what is judged here, and frames with extensions are not read here.
                    self.hang_up(number);
                } else if !manner.unbooted {
                    self.boot(number).await;
                }
            }
        }
    }

    /// The identity that the CSMS is shown: the last part of the path. Under another spelling it is another
    /// station, of which the CSMS need not know that it has booted.
    fn shown(&self, name: &str, manner: &Manner) -> String {
        let path = match (&manner.request, &manner.identity) {
            (Some(text), _) => {
                let bytes = text.render(&Filling { stage: self, asked: None });
                let head = String::from_utf8_lossy(&bytes).into_owned();
                head.split([' ', '\r', '\n']).nth(1).unwrap_or_default().to_owned()
            }
            (None, Some(identity)) => identity.clone(),
            (None, None) => return name.to_owned(),
        };
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let last = path.rsplit('/').next().unwrap_or_default();
        String::from_utf8_lossy(&link::url::percent_decode(last.as_bytes()).0).into_owned()
    }

    async fn shake(&mut self, name: &str, manner: &Manner) -> Handshaken {
        let Carrier::Dial { dialer, url } = &self.carrier else {
            return Handshaken::Refused(None, "a CSMS does not connect".to_owned());
        };
        let mut url = url.with_identity(name);
        if let Some(identity) = &manner.identity {
            let base = url.path.rsplit_once('/').map_or("", |(base, _)| base).to_owned();
            url.path = format!("{base}/{identity}");
        }
        let mut stream = match dialer.dial(&url).await {
            Ok(stream) => stream,
            Err(error) => return Handshaken::Refused(None, error.to_string()),
        };
        let (user, password) = match &manner.credentials {
            None => (name.to_owned(), self.password(name)),
            Some(Credentials::None) => (name.to_owned(), None),
            Some(Credentials::Password(password)) => (name.to_owned(), Some(password.clone())),
            Some(Credentials::Near(slip)) => (name.to_owned(), self.password(name).map(|password| slip.of(&password))),
            Some(Credentials::Of(other)) => {
                let other = self.identity(*other);
                let password = self.password(&other);
                (other, password)
            }
        };
        let basic = password.map(|password| BasicCredentials::new(user, password));
        let own = vec![self.setting.version.subprotocol().to_owned()];
        let offers = manner.offers.clone().unwrap_or(own);
        let offers: Vec<&str> = offers.iter().map(String::as_str).collect();
        let mut request = ClientRequest::to(&url).offering(&offers).authorized(basic);
        for (name, value) in &manner.headers {
            request.headers.push(name.clone(), value.clone().into_bytes());
        }
        let limits = Limits::default();
        let outcome = match &manner.request {
            None => handshake::connect(stream, &request, &limits).await,
            Some(text) => {
                let bytes = text.render(&Filling { stage: self, asked: None });
                if let Err(error) = stream.write_all(&bytes).await {
                    return Handshaken::Refused(None, error.to_string());
                }
                let patience = self.patience();
                match tokio::time::timeout(patience, handshake::read_answer(stream, &request, &limits)).await {
                    Ok(outcome) => outcome,
                    Err(_) => return Handshaken::Refused(None, "nothing came back".to_owned()),
                }
            }
        };
        match outcome {
            Err(error) => Handshaken::Refused(None, error.to_string()),
            Ok(outcome) => match outcome.connection {
                None => Handshaken::Refused(
                    Some(outcome.answer.status),
                    format!("HTTP {} {}", outcome.answer.status, outcome.answer.reason),
                ),
                Some(connection) => {
                    let answer = outcome.answer;
                    let extended = !answer.headers.list("sec-websocket-extensions").is_empty();
                    Handshaken::Open(Box::new(connection), answer.subprotocol, extended, answer.findings)
                }
            },
        }
    }

    /// The right password of a station; nothing if the rig has none.
    fn password(&self, name: &str) -> Option<String> {
        let rigs = self.setting.rig.password.as_ref().map(|secret| secret.expose().to_owned());
        self.setting.passwords.get(name).cloned().or(rigs)
    }

    /// What a handshake in this manner proves of the station of this name.
    fn proof(&self, name: &str, manner: &Manner) -> Proof {
        let Some(credentials) = manner.credentials.as_ref().filter(|_| self.setting.rig.password.is_some()) else {
            return Proof::Right;
        };
        match credentials {
            Credentials::None | Credentials::Password(_) => Proof::Wrong,
            Credentials::Near(slip) => match self.password(name) {
                Some(password) if slip.of(&password) != password => Proof::Wrong,
                _ => Proof::Right,
            },
            Credentials::Of(other) => {
                let other = self.identity(*other);
                match self.password(&other) == self.password(name) {
                    true if other == name => Proof::Right,
                    true => Proof::OtherName,
                    false => Proof::Wrong,
                }
            }
        }
    }

    /// A station boots before anything else.
    async fn boot(&mut self, number: usize) {
        let now = self.now();
        let Some(link) = self.links.get_mut(&number) else { return };
        let payload = link.stand_in.request(now, "BootNotification", &Map::new());
        self.own_call(number, "BootNotification", payload, self.setting.rig.timeouts.reply).await;
    }

    /// Waits for the station; an open link is closed first.
    async fn admit(&mut self) {
        if self.is_open(0) {
            self.close_and_forget().await;
        }
        if let Err(reason) = self.admitted(self.setting.rig.timeouts.reconnect).await {
            self.saw(0, What::Refused { status: None, reason });
        }
    }

    /// Waits so long for the station, and lets it in.
    ///
    /// # Errors
    ///
    /// In words, when it did not come.
    pub(super) async fn admitted(&mut self, patience: Duration) -> Result<(), String> {
        let until = Instant::now() + patience;
        loop {
            let stream = self.station_comes(until).await?;
            let own = self.setting.version.subprotocol();
            let admitted = async {
                let incoming = handshake::read_request(stream, &Limits::default()).await.ok()?;
                let request = incoming.request.clone();
                let chosen = request.subprotocols.iter().find(|name| *name == own).cloned();
                if chosen.is_none() {
                    let _ = incoming.refuse(400, &Headers::new(), b"no common subprotocol").await;
                    return None;
                }
                let connection = incoming.accept(chosen.as_deref(), &Headers::new()).await.ok()?;
                Some((connection, request, chosen))
            };
            if let Ok(Some((connection, request, chosen))) = tokio::time::timeout(HANDSHAKE, admitted).await {
                let mut link = Link::new(0, 0, request.identity.clone(), self.stand_in());
                link.settled = self.setting.habits.settled.then_some(true);
                if let Some(mut old) = self.links.remove(&0) {
                    link.follow(&mut old);
                }
                link.connection = Some(connection);
                self.links.insert(0, link);
                self.saw(
                    0,
                    What::Opened {
                        identity: request.identity,
                        subprotocol: chosen,
                        proof: Proof::Right,
                        resumed: false,
                    },
                );
                self.welcome().await;
                return Ok(());
            }
        }
    }

    /// The next connection that a station makes.
    ///
    /// # Errors
    ///
    /// In words, when there is none before `until`.
    pub(super) async fn station_comes(&mut self, until: Instant) -> Result<Stream, String> {
        let Carrier::Listen(listener) = &mut self.carrier else { return Err("a CSMS does not connect".to_owned()) };
        match tokio::time::timeout_at(until, listener.accept()).await {
            Err(_) => Err("the station did not come".to_owned()),
            Ok(outcome) => outcome.map_err(|error| error.to_string()),
        }
    }

    /// Lets a station that has come boot, if it wants to, and waits until it is answering.
    async fn welcome(&mut self) {
        let (since, came) = (self.seen.len(), Instant::now());
        let grace = self.setting.rig.timeouts.grace;
        // How soon it boots, if it wants to, it has shown before.
        let soon = self.setting.habits.boots_within.map_or(grace, |within| (within * 4).max(SOON).min(grace));
        let until = came + soon;
        if self.links.get(&0).is_some_and(|link| link.settled == Some(true)) {
            // Nothing asks it to boot. If it does all the same, it begins with that: before it has answered a few pings.
            for _ in 0..BEATS {
                if let Some(link) = self.links.get_mut(&0) {
                    link.put_ping(b"welcome".to_vec()).await;
                }
                while self.owes_pong(0).is_some() && !self.boots(since) && self.turn(until).await {}
            }
        } else {
            while self.is_open(0) && !self.boots(since) && self.turn(until).await {}
        }
        let reply = self.setting.rig.timeouts.reply;
        if !self.is_open(0) {
            return;
        }
        if self.boots(since) {
            let habits = &mut self.setting.habits;
            habits.boots_within = habits.boots_within.max(Some(came.elapsed()));
            self.sentinel(0, reply).await;
            return;
        }
        let id = self.put_sentinel(0).await;
        let own = std::mem::replace(&mut self.own, true);
        let until = Instant::now() + reply;
        while self.is_open(0) && !self.has_answer(0, &id) && !self.boots(since) && self.turn(until).await {}
        let answered = self.has_answer(0, &id) || self.answered(0, &id, self.patience()).await;
        self.own = own;
        if !self.boots(since)
            && answered
            && let Some(link) = self.links.get_mut(&0)
        {
            // It was accepted before, and has had the time to say otherwise.
            link.settled = link.settled.or(Some(true));
        }
        if !answered && self.is_open(0) && self.boots(since) {
            // It booted later than one does, and may have dropped what came before.
            self.sentinel(0, reply).await;
        }
    }

    /// Whether a station has begun to boot since so much was seen.
    fn boots(&self, since: usize) -> bool {
        self.seen[since..].iter().any(|seen| {
            matches!(&seen.what, What::Received { reading, .. }
                if matches!(&reading.frame, Some(Frame::Call { action, .. }) if action == "BootNotification"))
        })
    }

    pub(super) async fn close_and_forget(&mut self) {
        if let Some(link) = self.links.get_mut(&0) {
            link.we_end = true;
            link.put_close(Some(1000)).await;
        }
        let until = Instant::now() + self.patience();
        while self.is_open(0) && self.turn(until).await {}
        self.hang_up(0);
    }

    fn stand_in(&self) -> StandIn {
        let stand_in = StandIn::across_from(self.setting.device, self.setting.version, &self.setting.rig);
        stand_in.with_transaction_ids(&self.setting.transaction_ids)
    }

    fn identity(&self, number: usize) -> String {
        let identities = &self.setting.identities;
        match identities.len() {
            0 => "PLUGFEST-1".to_owned(),
            count => identities[number % count].clone(),
        }
    }
}
