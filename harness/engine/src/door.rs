//! The second door: what a choreography of messages cannot say, as async Rust on the same wire and under the same
//! rules.
//!
//! A procedure reads like a transcript of the [`Conversation`] it holds: what it sends, what it expects, and which
//! statement is broken if that does not come. Everything that it does passes through the player, so the standing
//! oracles watch, the trace has it, what the device calls meanwhile is answered, and the liveness of the device is
//! probed when it is over.

mod beside;
mod message;
mod other;
mod procedures;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use link::frame::{self, RawFrame};
use protocol::frame::Frame;
use protocol::{Role, Timestamp, Version};
use script::Procedure;
use verdict::{Blame, Deed, Direction, EventKind, Failure};

use crate::pattern::shorten;
use crate::player::{Heard, Input, Player};
use crate::runner::{Noticed, Stage, Wish};
use message::shown;

pub(crate) use message::{Damage, Message, binary, call, close, damaged, ping, pong, raw, result};

/// More pongs and ends than these are not kept for a procedure that looks for other things.
const MOST_NOTICED: usize = 1000;
/// What was sent last is shown with a failure.
const SHOWN: usize = 3;

/// What comes of a step; the failure ends the procedure.
pub(crate) type Step<T> = Result<T, Box<Failure>>;

/// Carries out a procedure, and tells the player how it ended.
pub(crate) async fn open(stage: Stage<'_>, procedure: Procedure) -> Stage<'_> {
    let mut conversation = Conversation { stage, noticed: VecDeque::new(), sent: VecDeque::new() };
    let failure = procedures::carry_out(procedure, &mut conversation).await.err();
    conversation.tell(Deed::Done { failure });
    conversation.stage
}

/// A conversation with the device, one step after the other.
pub(crate) struct Conversation<'a> {
    stage: Stage<'a>,
    noticed: VecDeque<Noticed>,
    sent: VecDeque<String>,
}

/// Something that was sent, for what answers it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    id: String,
    what: String,
}

/// What a device did about a message that is none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reaction {
    /// It sent a close frame with this code.
    Closed(Option<u16>),
    /// It ended the link without one.
    Dropped(String),
    /// It answered.
    Answered,
    /// It did nothing, and answered the call behind.
    Ignored,
}

impl Conversation<'_> {
    /// The side of the device.
    pub(crate) fn device(&self) -> Role {
        self.stage.player.session().device
    }

    /// The version that is spoken.
    pub(crate) fn version(&self) -> Version {
        self.stage.player.session().version
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        self.stage.clock.now()
    }

    /// A call that every device answers and that changes nothing.
    pub(crate) fn harmless(&self) -> Message {
        let (action, payload) = crate::player::harmless(self.device(), self.version());
        call(action, payload)
    }

    /// Sends a message in one frame.
    pub(crate) async fn send(&mut self, message: Message) -> Step<Sent> {
        self.send_in_pieces(message, |_| Vec::new(), &[]).await
    }

    /// Sends a message in several frames, cut before the given bytes, with these control frames between them.
    pub(crate) async fn send_in_pieces(
        &mut self,
        message: Message,
        cuts: fn(&[u8]) -> Vec<usize>,
        between: &[Message],
    ) -> Step<Sent> {
        self.settle().await?;
        let id = self.stage.player.coming_id();
        let what = shorten(&message.told(&id));
        if !self.stage.player.is_linked() {
            let how = self.how_lost();
            return Err(self.give_up("the link is gone", &how));
        }
        let frames = pieces(message.opcode(), &message.bytes(&id), cuts, between, &id);
        self.sent
            .push_back(format!("sent     {what}{}", if frames.len() > 1 { in_frames(&frames) } else { String::new() }));
        if self.sent.len() > SHOWN {
            self.sent.pop_front();
        }
        self.tell_sending(&message, &id)?;
        if frames.len() > 1 {
            let text = format!("sent{}", in_frames(&frames));
            let now = self.now();
            self.stage.player.record(now, EventKind::Note { text });
        }
        for (opcode, fin, payload) in frames {
            self.put(opcode, fin, payload, message.damage()).await;
        }
        Ok(Sent { id, what })
    }

    /// Puts a frame on the wire; if that breaks the link, the player hears of it.
    async fn put(&mut self, opcode: u8, fin: bool, payload: Vec<u8>, damage: Option<Damage>) {
        let Some(connection) = &mut self.stage.wire.connection else { return };
        let raw: RawFrame = connection.frame(opcode, payload);
        let mut raw = if fin { raw } else { raw.unfinished() };
        if let Some(damage) = damage {
            damage.apply(&mut raw);
        }
        if let Err(error) = connection.send_frame(&raw).await {
            self.stage.wire.connection = None;
            let reason = error.to_string();
            self.noticed.push_back(Noticed::Ended(reason.clone()));
            let now = self.now();
            self.stage.player.handle(now, Input::Closed { code: None, reason });
        }
    }

    fn tell_sending(&mut self, message: &Message, id: &str) -> Step<()> {
        let now = self.now();
        match message {
            Message::Call { .. } if self.stage.player.has_open_call() => {
                return Err(self.ours("the procedure calls while its last call is open (R-030)"));
            }
            Message::Call { action, payload } => {
                self.tell(Deed::Call { action: action.clone(), payload: payload.clone() });
            }
            Message::Result { to, payload } => self.tell(Deed::Reply {
                id: to.id.clone(),
                action: to.action.clone(),
                request: to.payload.clone(),
                result: payload.clone(),
            }),
            Message::Ping(_) | Message::Pong(_) => {
                self.tell(Deed::Control);
                let name = message.name().to_owned();
                self.stage.player.record(now, EventKind::Control { direction: Direction::ToDevice, name });
            }
            Message::Close(code) => self.tell(Deed::Close { code: *code }),
            Message::Binary(_) | Message::Damaged(_) => {
                self.tell(Deed::Text);
                let name = message.name().to_owned();
                self.stage.player.record(now, EventKind::Control { direction: Direction::ToDevice, name });
            }
            Message::Raw(_) => {
                self.tell(Deed::Text);
                let bytes = message.bytes(id);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let base64 = std::str::from_utf8(&bytes).is_err().then(|| crate::base64(&bytes));
                self.stage.player.record(now, EventKind::Text { direction: Direction::ToDevice, text, base64 });
            }
        }
        Ok(())
    }

    /// Calls, and awaits the result; the statement says that there has to be one.
    pub(crate) async fn call(&mut self, message: Message, statement: &str) -> Step<Frame> {
        let sent = self.send(message).await?;
        self.result_of(&sent, statement).await
    }

    /// Awaits the result of a call.
    pub(crate) async fn result_of(&mut self, sent: &Sent, statement: &str) -> Step<Frame> {
        match self.answer_to(sent, statement).await? {
            answer @ Frame::Result { .. } => Ok(answer),
            answer => {
                let actual = shorten(&answer.to_text());
                Err(self.failure(
                    "a call of ours was refused",
                    &format!("a result of {}", sent.what),
                    &actual,
                    statement,
                ))
            }
        }
    }

    /// Awaits the answer to a call, whatever it is.
    pub(crate) async fn answer_to(&mut self, sent: &Sent, statement: &str) -> Step<Frame> {
        let until = self.now() + self.stage.player.rig().timeouts.reply;
        let answer = self
            .wait(until, |player, _| match player.answer_to(&sent.id) {
                Some(answer) => Some(Some(answer)),
                None => (!player.is_linked() || player.is_unanswered(&sent.id)).then_some(None),
            })
            .await?;
        match answer.flatten() {
            Some(answer) => Ok(answer),
            None => {
                let actual = self.nothing();
                Err(self.failure(
                    "a call of ours was not answered",
                    &format!("an answer to {}", sent.what),
                    &actual,
                    statement,
                ))
            }
        }
    }

    /// Awaits a pong with this payload, or a close frame with whatever code.
    pub(crate) async fn expect(&mut self, message: Message, statement: &str) -> Step<()> {
        let until = self.now() + self.stage.player.rig().timeouts.reply;
        let fits = |noticed: &Noticed| match (&message, noticed) {
            (Message::Pong(wanted), Noticed::Pong(payload)) => wanted == payload,
            (Message::Close(_), Noticed::Close(_)) => true,
            _ => false,
        };
        let ends = |noticed: &Noticed| matches!(noticed, Noticed::Close(_) | Noticed::Ended(_));
        let found = self
            .wait(until, |_, noticed| match noticed.iter().position(fits) {
                Some(at) => noticed.remove(at).map(|_| true),
                None => noticed.iter().any(ends).then_some(false),
            })
            .await?;
        if found == Some(true) {
            return Ok(());
        }
        let expected = message.told("");
        let actual = match found {
            Some(_) => self.how_lost(),
            None => self.nothing(),
        };
        Err(self.failure(&format!("no {} came", message.name()), &expected, &actual, statement))
    }

    /// Asks the CSMS under test for a call. What its driver says is not waited for: it may wait for our answer itself.
    pub(crate) fn ask_for(&mut self, action: &str, payload: serde_json::Value) {
        self.tell(Deed::Ask { action: action.to_owned(), payload });
    }

    /// The call that was listened for, if it comes within the rig's grace.
    pub(crate) async fn called_soon(&mut self, action: &str) -> Step<Option<Heard>> {
        let until = self.now() + self.stage.player.rig().timeouts.grace;
        self.called_until(action, until).await
    }

    /// The call that was listened for, if it comes in the time of a step.
    pub(crate) async fn called_in_time(&mut self, action: &str) -> Step<Option<Heard>> {
        let until = self.now() + self.stage.player.rig().timeouts.step;
        self.called_until(action, until).await
    }

    async fn called_until(&mut self, action: &str, until: Timestamp) -> Step<Option<Heard>> {
        let heard = self
            .wait(until, |player, _| match player.expected_call(|heard| heard.action == action) {
                Some(heard) => Some(Some(heard)),
                None => (!player.is_linked()).then_some(None),
            })
            .await?;
        Ok(heard.flatten())
    }

    /// From now on the next call with this action is left to [`called`](Self::called).
    pub(crate) fn listen_for(&mut self, action: &str) {
        self.tell(Deed::Expect { action: action.to_owned() });
    }

    /// Awaits a call that was listened for.
    pub(crate) async fn called(&mut self, action: &str, statement: &str) -> Step<Heard> {
        match self.called_in_time(action).await? {
            Some(heard) => Ok(heard),
            None => {
                let actual = self.nothing();
                Err(self.failure(&format!("{action} did not come"), action, &actual, statement))
            }
        }
    }

    /// What the device does about raw text. Silence is told by the answer to a harmless call behind it.
    pub(crate) async fn reaction_to(&mut self, sent: &Sent) -> Step<Reaction> {
        let alone = self.now() + self.stage.player.pause_for_reaction();
        if let Some(reaction) = self.reaction(sent, None, alone).await? {
            return Ok(reaction);
        }
        let behind = self.send(self.harmless()).await?;
        let until = self.now() + self.stage.player.rig().timeouts.reply;
        match self.reaction(sent, Some(&behind), until).await? {
            Some(reaction) => Ok(reaction),
            None => {
                let expected = "the end of the link, or an answer to the call behind";
                Err(self.failure("the device is deaf after a message that is none", expected, "nothing came", "R-037"))
            }
        }
    }

    /// What the device does about it within the rig's grace, with nothing sent behind.
    pub(crate) async fn reaction_soon(&mut self, sent: &Sent) -> Step<Option<Reaction>> {
        let grace = self.now() + self.stage.player.rig().timeouts.grace;
        self.reaction(sent, None, grace).await
    }

    async fn reaction(&mut self, sent: &Sent, behind: Option<&Sent>, until: Timestamp) -> Step<Option<Reaction>> {
        self.wait(until, |player, noticed| {
            if player.answer_to(&sent.id).is_some() {
                return Some(Reaction::Answered);
            }
            if behind.is_some_and(|behind| player.answer_to(&behind.id).is_some()) {
                return Some(Reaction::Ignored);
            }
            noticed.iter().find_map(|noticed| match noticed {
                Noticed::Close(code) => Some(Reaction::Closed(*code)),
                Noticed::Ended(how) => Some(Reaction::Dropped(how.clone())),
                _ => None,
            })
        })
        .await
    }

    /// Whether there is a link.
    pub(crate) fn is_linked(&self) -> bool {
        self.stage.player.is_linked()
    }

    /// Ends the link without a close frame.
    pub(crate) async fn cut(&mut self) {
        self.tell(Deed::Close { code: None });
        self.stage.wire.hang_up(true).await;
    }

    /// Opens a second link to a CSMS while the first is open, which then ends; `false`: the CSMS does not take it.
    pub(crate) async fn replace_link(&mut self) -> Step<bool> {
        self.settle().await?;
        self.noticed.clear();
        self.stage.dial();
        let until = self.now() + self.stage.player.rig().timeouts.reconnect;
        let opened = self
            .wait(until, |_, noticed| {
                let is_answer = |noticed: &Noticed| matches!(noticed, Noticed::Opened | Noticed::Refused(_));
                let at = noticed.iter().position(is_answer)?;
                noticed.remove(at)
            })
            .await?;
        Ok(opened == Some(Noticed::Opened))
    }

    /// A new link after the last has ended: ours to a CSMS, that of a station to us.
    pub(crate) async fn link_again(&mut self, statement: &str) -> Step<()> {
        let timeouts = self.stage.player.rig().timeouts;
        let until = self.now() + timeouts.reconnect;
        let mut last = "no connection came".to_owned();
        while self.now() < until {
            if self.device() == Role::Csms {
                self.stage.dial();
            }
            let opened = self
                .wait(until, |_, noticed| {
                    let at =
                        noticed.iter().position(|noticed| matches!(noticed, Noticed::Opened | Noticed::Refused(_)))?;
                    noticed.remove(at)
                })
                .await?;
            match opened {
                Some(Noticed::Opened) => {
                    self.noticed.clear();
                    return self.let_it_boot().await;
                }
                Some(Noticed::Refused(reason)) => last = reason,
                _ => {}
            }
            // A CSMS may need a moment to see that the old link is gone.
            let pause = (self.now() + timeouts.grace).min(until);
            self.wait(pause, |_, _| None::<()>).await?;
        }
        Err(self.failure("no new link came about", "a new link", &last, statement))
    }

    /// A station may boot on every link (R-114 only recommends against it), and takes no call before it is accepted.
    async fn let_it_boot(&mut self) -> Step<()> {
        let now = self.now();
        let Some(until) = self.stage.player.boots_perhaps(now) else { return Ok(()) };
        self.wait(until, |player, _| player.boots_perhaps(now).is_none().then_some(())).await?;
        Ok(())
    }

    /// Notes something that is only recommended otherwise.
    pub(crate) fn warn(&mut self, text: &str) {
        self.tell(Deed::Warn { text: text.to_owned() });
    }

    /// Ends the procedure without blame.
    pub(crate) fn give_up(&self, title: &str, actual: &str) -> Box<Failure> {
        let failure = self.failure(title, "a device that can be brought there", actual, "");
        Box::new(Failure { blame: Blame::Circumstances, ..*failure })
    }

    fn ours(&self, title: &str) -> Box<Failure> {
        let failure = self.failure(title, "a procedure that keeps the rules", "one that does not", "");
        Box::new(Failure { blame: Blame::Harness, ..*failure })
    }

    fn failure(&self, title: &str, expected: &str, actual: &str, statement: &str) -> Box<Failure> {
        Box::new(Failure {
            blame: Blame::Device,
            title: title.to_owned(),
            expected: expected.to_owned(),
            actual: actual.to_owned(),
            statement: statement.to_owned(),
            bytes: self.sent.iter().cloned().collect(),
        })
    }

    /// What came instead of what was waited for.
    fn nothing(&self) -> String {
        if !self.stage.player.is_linked() {
            return self.how_lost();
        }
        let pongs: Vec<String> = self
            .noticed
            .iter()
            .filter_map(|noticed| match noticed {
                Noticed::Pong(payload) => Some(format!("pong {}", shown(payload))),
                _ => None,
            })
            .take(SHOWN)
            .collect();
        if pongs.is_empty() { "nothing came in time".to_owned() } else { format!("only {}", pongs.join(", ")) }
    }

    fn how_lost(&self) -> String {
        let end = self.noticed.iter().rev().find_map(|noticed| match noticed {
            Noticed::Close(Some(code)) => Some(format!("the device ended the link with close code {code}")),
            Noticed::Close(None) => Some("the device ended the link with a close frame without code".to_owned()),
            Noticed::Ended(how) => Some(how.clone()),
            _ => None,
        });
        end.unwrap_or_else(|| "there is no link".to_owned())
    }

    fn tell(&mut self, deed: Deed) {
        let now = self.now();
        self.stage.player.handle(now, Input::Deed(deed));
    }

    /// Lets the player do what it wants, first of all to answer.
    async fn settle(&mut self) -> Step<()> {
        match self.stage.obey().await {
            Wish::Finished => Err(self.give_up("the plan was given up", "it is over")),
            Wish::None | Wish::Procedure(_) => Ok(()),
        }
    }

    /// Goes on until `look` finds something; nothing if that takes too long.
    async fn wait<T>(
        &mut self,
        until: Timestamp,
        mut look: impl FnMut(&mut Player, &mut VecDeque<Noticed>) -> Option<T>,
    ) -> Step<Option<T>> {
        loop {
            self.settle().await?;
            if let Some(found) = look(self.stage.player, &mut self.noticed) {
                return Ok(Some(found));
            }
            if self.now() >= until {
                return Ok(None);
            }
            let noticed = self.stage.turn(Some(until)).await;
            self.keep(noticed);
        }
    }

    /// Goes on until something is done that has nothing to do with the link; nothing if that takes too long.
    async fn meanwhile<T>(&mut self, until: Timestamp, doing: impl Future<Output = T> + Send) -> Step<Option<T>> {
        let mut doing = std::pin::pin!(doing);
        loop {
            self.settle().await?;
            if self.now() >= until {
                return Ok(None);
            }
            let noticed = tokio::select! {
                biased;
                done = &mut doing => return Ok(Some(done)),
                noticed = self.stage.turn(Some(until)) => noticed,
            };
            self.keep(noticed);
        }
    }

    fn keep(&mut self, noticed: Noticed) {
        if noticed != Noticed::Other && self.noticed.len() < MOST_NOTICED {
            self.noticed.push_back(noticed);
        }
    }
}

/// The frames of a message: opcode, FIN, payload.
fn pieces(
    opcode: u8,
    bytes: &[u8],
    cuts: fn(&[u8]) -> Vec<usize>,
    between: &[Message],
    id: &str,
) -> Vec<(u8, bool, Vec<u8>)> {
    let mut frames = Vec::new();
    let (mut from, mut opcode) = (0, opcode);
    let mut between = between.iter();
    for cut in cuts(bytes) {
        let cut = cut.clamp(from, bytes.len());
        frames.push((opcode, false, bytes[from..cut].to_vec()));
        frames.extend(between.next().map(|message| (message.opcode(), true, message.bytes(id))));
        (from, opcode) = (cut, frame::CONTINUATION);
    }
    frames.push((opcode, true, bytes[from..].to_vec()));
    frames
}

fn in_frames(frames: &[(u8, bool, Vec<u8>)]) -> String {
    let told: Vec<String> = frames
        .iter()
        .map(|(opcode, _, payload)| match *opcode {
            frame::PING => format!("ping {}", shown(payload)),
            frame::PONG => format!("pong {}", shown(payload)),
            _ => format!("{} bytes", payload.len()),
        })
        .collect();
    format!(" in {} frames: {}", frames.len(), told.join(", "))
}
