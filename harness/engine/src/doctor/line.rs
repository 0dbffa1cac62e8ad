//! One link with plain manners: it asks, answers what it is asked, and notes what it hears.

use std::collections::BTreeMap;
use std::time::Duration;

use link::{Connection, EventKind, Stream};
use protocol::frame::{self, Frame};
use protocol::validate::{self, Violation};
use protocol::{Timestamp, Version};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::Check;
use crate::clock::Clock;
use crate::drivers::{Confirmation, Pending};
use crate::pattern::shorten;
use crate::standin::StandIn;

/// A link to the device.
pub(super) struct Line {
    connection: Connection<Stream>,
    version: Version,
    standin: StandIn,
    clock: Clock,
    sent: u32,
    /// Calls of the device, as they came; each is heard of once.
    calls: Vec<String>,
    /// How far the clock of the device is from ours, by the last moment it told.
    pub(super) skew: Option<f64>,
    /// What the device sent that breaks the schema of its message, the first of each.
    flaws: BTreeMap<String, String>,
}

/// Something that came.
enum Heard {
    Call,
    Answer(String, Result<Value, String>),
    Nothing,
}

impl Line {
    pub(super) fn new(connection: Connection<Stream>, version: Version, standin: StandIn, clock: Clock) -> Line {
        Line { connection, version, standin, clock, sent: 0, calls: Vec::new(), skew: None, flaws: BTreeMap::new() }
    }

    /// A whole request, given some of it.
    pub(super) fn request(&mut self, action: &str, settled: &Map<String, Value>) -> Value {
        self.standin.request(self.clock.now(), action, settled)
    }

    /// Sends a call and waits for its answer.
    ///
    /// # Errors
    ///
    /// Why there is no result, as the end of a sentence that begins with the action.
    pub(super) async fn call(&mut self, action: &str, request: Value, within: Duration) -> Result<Value, String> {
        self.sent += 1;
        let id = format!("doctor-{:x}-{}", self.clock.now().0, self.sent);
        let call = Frame::Call { id: id.clone(), action: action.to_owned(), payload: request };
        let deadline = Instant::now() + within;
        self.send(&call, deadline).await?;
        loop {
            if let Heard::Answer(to, answer) = self.hear(deadline).await?
                && to == id
            {
                if let Ok(payload) = &answer {
                    let violations = validate::response_violations(self.version, action, payload);
                    self.note_flaw(format!("the answer to {action}"), &violations);
                }
                return answer;
            }
        }
    }

    /// Waits until the device has made one of these calls.
    ///
    /// # Errors
    ///
    /// Why it did not come.
    pub(super) async fn await_call(&mut self, wanted: &[&str], within: Duration) -> Result<(), String> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(at) = self.calls.iter().position(|call| wanted.contains(&call.as_str())) {
                self.calls.remove(at);
                return Ok(());
            }
            self.hear(deadline).await?;
        }
    }

    /// Waits until the device has nothing more to say, and forgets what it said; a link that ends shows later.
    pub(super) async fn rest(&mut self, quiet: Duration, at_most: Duration) {
        let end = Instant::now() + at_most;
        while Instant::now() < end && self.hear(Instant::now() + quiet).await.is_ok() {}
        self.calls.clear();
    }

    /// Answers the device for so long.
    pub(super) async fn rest_for(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end && self.hear(end).await.is_ok() {}
    }

    /// Answers the device while something is under way.
    pub(super) async fn meanwhile(&mut self, mut under_way: Pending<'_, Confirmation>) -> Result<Confirmation, String> {
        loop {
            let event = tokio::select! {
                biased;
                done = &mut under_way => return Ok(done),
                event = self.connection.next() => event,
            };
            let deadline = Instant::now() + Duration::from_secs(30);
            self.take(event.kind, deadline).await?;
        }
    }

    fn note_flaw(&mut self, what: String, violations: &[Violation]) {
        // A device that floods with flaws is believed after some.
        if let Some(first) = violations.first().filter(|_| self.flaws.len() < 20) {
            self.flaws.entry(what).or_insert_with(|| shorten(&first.to_string()));
        }
    }

    /// What the device sent that breaks the schema of its message: no matter of the rig, but of the cases.
    pub(super) fn flaws(&self) -> impl Iterator<Item = Check> {
        let version = self.version;
        self.flaws.iter().map(move |(what, flaw)| {
            Check::warning(
                format!("{version}: {what} breaks its schema: {flaw}"),
                "cases fail by that (R-233); the device has to be mended",
            )
        })
    }

    /// Ends the link.
    pub(super) async fn end(mut self) {
        if self.connection.close(Some(1000), "").await.is_ok() {
            let _ = tokio::time::timeout(Duration::from_secs(2), self.connection.drain()).await;
        }
    }

    async fn hear(&mut self, deadline: Instant) -> Result<Heard, String> {
        // A device that floods always has something ready, and a time-out alone would never come.
        if Instant::now() >= deadline {
            return Err("nothing that was waited for came in time".to_owned());
        }
        match tokio::time::timeout_at(deadline, self.connection.next()).await {
            Ok(event) => self.take(event.kind, deadline).await,
            Err(_) => Err("nothing that was waited for came in time".to_owned()),
        }
    }

    async fn take(&mut self, event: EventKind, deadline: Instant) -> Result<Heard, String> {
        let bytes = match event {
            EventKind::Text(bytes) => bytes,
            EventKind::Close { code, .. } => {
                let code = code.map_or("no code".to_owned(), |code| format!("code {code}"));
                return Err(format!("the device closed the link ({code})"));
            }
            EventKind::Ended(_) => return Err("the device ended the link without closing it".to_owned()),
            _ => return Ok(Heard::Nothing),
        };
        match frame::read(self.version, &bytes).frame {
            Some(Frame::Call { id, action, payload }) => {
                self.note_time(&payload);
                let violations = validate::request_violations(self.version, &action, &payload);
                self.note_flaw(action.clone(), &violations);
                let payload = self.standin.reply(self.clock.now(), &action, &payload);
                self.calls.push(action);
                // A device that floods is not remembered call by call.
                self.calls.truncate(1000);
                self.send(&Frame::Result { id, payload }, deadline).await?;
                Ok(Heard::Call)
            }
            Some(Frame::Result { id, payload }) => {
                self.note_time(&payload);
                Ok(Heard::Answer(id, Ok(payload)))
            }
            Some(Frame::Error { id, code, description, .. }) => {
                let why = format!("it was answered with the error {} {}", shorten(&code), shorten(&description));
                Ok(Heard::Answer(id, Err(why.trim_end().to_owned())))
            }
            _ => Ok(Heard::Nothing),
        }
    }

    async fn send(&mut self, frame: &Frame, deadline: Instant) -> Result<(), String> {
        match tokio::time::timeout_at(deadline, self.connection.send_text(&frame.to_text())).await {
            Ok(sent) => sent.map_err(|error| error.to_string()),
            Err(_) => Err("the device takes nothing any more".to_owned()),
        }
    }

    /// Notes the clock of the device where a message tells it.
    fn note_time(&mut self, payload: &Value) {
        let told = ["currentTime", "timestamp"].iter().find_map(|key| payload.get(*key)?.as_str());
        if let Some(told) = told.and_then(Timestamp::parse) {
            self.skew = Some((told.0 - self.clock.now().0) as f64 / 1e6);
        }
    }
}
