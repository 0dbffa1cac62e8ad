//! Links to a CSMS beside the one of the player: other stations, and whoever only knocks.
//!
//! The player does not hear of them: what crosses there is noted, and the procedure judges it.

use link::{Connection, EventKind as Event, Stream};
use protocol::frame::{self, Frame};
use serde_json::{Value, json};
use tokio::sync::OwnedMutexGuard;
use verdict::EventKind;

use super::{Conversation, Step};
use crate::pattern::shorten;
use crate::player::{BESIDE, MOST_BOOTS, next_boot};
use crate::runner::Knock;

/// More texts than these that answer nothing are not kept.
const MOST_STRAYS: usize = 100;

/// Another station that we play towards a CSMS.
pub(crate) struct OtherStation {
    identity: String,
    connection: Connection<Stream>,
    version: protocol::Version,
    calls: u32,
    /// Texts that answer no call of its own.
    strays: Vec<String>,
    _turn: OwnedMutexGuard<()>,
}

impl Conversation<'_> {
    /// Asks for a link beside the one that there is: under our own identity or another, with this password or our own.
    pub(crate) async fn knock(
        &mut self,
        identity: Option<String>,
        password: Option<Option<String>>,
    ) -> Step<Option<Knock>> {
        let until = self.now() + self.stage.player.rig().timeouts.reconnect;
        let knock = self.stage.knock(identity, password);
        self.meanwhile(until, knock).await
    }

    /// Whether whoever let somebody in closes that link by himself, within the rig's grace, and says nothing on it.
    pub(crate) async fn is_closed_at_once(&mut self, mut connection: Connection<Stream>) -> Step<bool> {
        let until = self.now() + self.stage.player.rig().timeouts.grace;
        let closed = async move {
            loop {
                match connection.next().await.kind {
                    Event::Close { .. } | Event::Ended(_) => return true,
                    Event::Text(_) | Event::Binary(_) => return false,
                    _ => {}
                }
            }
        };
        Ok(self.meanwhile(until, closed).await? == Some(true))
    }

    /// The password of our own station, and that of the other.
    pub(crate) fn passwords(&self) -> (Option<String>, Option<String>) {
        let own = self.stage.wire.password().map(str::to_owned);
        (own, self.stage.wire.other.as_ref().and_then(|other| other.password.clone()))
    }

    /// Another station connects and boots.
    pub(crate) async fn another_station(&mut self) -> Step<OtherStation> {
        let Some(other) = self.stage.wire.other.clone() else {
            return Err(self.give_up("there is no other station", "the rig names one only"));
        };
        // Whoever plays it now does so for as long as a case takes; our own link is looked after meanwhile.
        let until = self.now() + self.stage.player.rig().timeouts.operator;
        let Some(turn) = self.meanwhile(until, other.turn.lock_owned()).await? else {
            return Err(self.give_up("there is no other station", "another case has it"));
        };
        let version = self.version();
        let connection = match self.knock(Some(other.identity.clone()), Some(other.password)).await? {
            Some(Knock::Open(connection)) => *connection,
            Some(Knock::Refused(reason)) => {
                return Err(self.give_up("the CSMS does not let another station in", &reason));
            }
            None => return Err(self.give_up("the CSMS does not let another station in", "no answer came")),
        };
        let identity = other.identity;
        let mut other = OtherStation { identity, connection, version, calls: 0, strays: Vec::new(), _turn: turn };
        self.boot_other(&mut other).await?;
        Ok(other)
    }

    /// The other station boots, and boots again when the CSMS wants that, until it is accepted.
    async fn boot_other(&mut self, other: &mut OtherStation) -> Step<()> {
        let (action, payload) = crate::player::boot(other.version);
        for boot in 1.. {
            let answer = self.call_as(other, action, payload.clone()).await?;
            let result = answer.as_ref().and_then(Frame::payload);
            if result.and_then(|result| result.get("status")) == Some(&json!("Accepted")) {
                break;
            }
            let pause = result.and_then(next_boot).filter(|pause| *pause <= self.stage.player.rig().timeouts.step);
            let Some(pause) = pause.filter(|_| boot < MOST_BOOTS) else {
                let actual = answer.map_or("no answer came".to_owned(), |answer| shorten(&answer.to_text()));
                return Err(self.give_up("the CSMS does not accept another station", &actual));
            };
            let due = self.now() + pause;
            self.meanwhile(due, other.listen(None)).await?;
        }
        Ok(())
    }

    /// Calls as the other station; nothing if no answer comes in time.
    pub(crate) async fn call_as(
        &mut self,
        other: &mut OtherStation,
        action: &str,
        payload: Value,
    ) -> Step<Option<Frame>> {
        other.calls += 1;
        let mut id = format!("{}-{BESIDE}{}", self.stage.player.session().prefix(), other.calls);
        id.truncate(frame::LONGEST_ID);
        let text = Frame::Call { id: id.clone(), action: action.to_owned(), payload }.to_text();
        self.note(format!("{} sends {}", other.identity, shorten(&text)));
        let until = self.now() + self.stage.player.rig().timeouts.reply;
        let answer = self.meanwhile(until, other.ask(&id, &text)).await?.flatten();
        let told = answer.as_ref().map_or("nothing".to_owned(), |answer| shorten(&answer.to_text()));
        self.note(format!("{} receives {told}", other.identity));
        Ok(answer)
    }

    /// Whether an answer with this id has come to the other station, within the rig's grace.
    pub(crate) async fn came_to(&mut self, other: &mut OtherStation, id: &str) -> Step<Option<String>> {
        let until = self.now() + self.stage.player.rig().timeouts.grace;
        // Nothing answers this id: it only listens.
        self.meanwhile(until, other.listen(None)).await?;
        Ok(other.strays.iter().find(|text| text.contains(id)).cloned())
    }

    fn note(&mut self, text: String) {
        let now = self.now();
        self.stage.player.record(now, EventKind::Note { text });
    }
}

impl OtherStation {
    /// Who it is.
    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    async fn ask(&mut self, id: &str, text: &str) -> Option<Frame> {
        self.connection.send_text(text).await.ok()?;
        self.listen(Some(id)).await
    }

    /// Listens until this is answered, or the link ends.
    async fn listen(&mut self, id: Option<&str>) -> Option<Frame> {
        loop {
            match self.connection.next().await.kind {
                Event::Text(bytes) => match frame::read(self.version, &bytes).frame {
                    Some(answer @ (Frame::Result { .. } | Frame::Error { .. })) if Some(answer.id()) == id => {
                        return Some(answer);
                    }
                    Some(Frame::Call { id, .. }) => {
                        let refusal = json!([4, id, "NotSupported", "", {}]).to_string();
                        self.connection.send_text(&refusal).await.ok()?;
                    }
                    _ if self.strays.len() < MOST_STRAYS => {
                        self.strays.push(String::from_utf8_lossy(&bytes[..bytes.len().min(2000)]).into_owned());
                    }
                    _ => {}
                },
                Event::Close { .. } | Event::Ended(_) => return None,
                _ => {}
            }
        }
    }
}
