//! What happens on our links: the device's answers are recognised, its calls answered.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use link::{Connection, End, EventKind, LinkEvent, Stream};
use protocol::frame::{self, Frame, Reading};
use serde_json::Value;
use tokio::time::Instant;

use super::links::Link;
use super::{FLOOD, Filling, Stage};
use crate::What;
use crate::seen::Ending;

impl Stage {
    /// The next thing that happens on any link. `false` when nothing did before `until`.
    pub(super) async fn turn(&mut self, until: Instant) -> bool {
        if Instant::now() >= until {
            return false;
        }
        let (number, event) = tokio::select! {
            biased;
            event = next(&mut self.links, &mut self.forgotten) => event,
            () = tokio::time::sleep_until(until) => return false,
        };
        self.happen(number, event).await;
        true
    }

    async fn happen(&mut self, number: usize, event: LinkEvent) {
        self.happened += 1;
        if self.happened > FLOOD {
            self.saw(number, What::Other { name: "flood", length: self.happened });
            self.hang_up(number);
            self.happened = 0;
        } else {
            self.take(number, event).await;
        }
    }

    /// Takes in what is there already, without waiting.
    pub(super) async fn look_around(&mut self) {
        tokio::task::yield_now().await;
        if self.setting.virtual_time {
            let until = Instant::now() + Duration::from_micros(50);
            while self.turn(until).await {}
            return;
        }
        loop {
            let (number, event) = tokio::select! {
                biased;
                event = next(&mut self.links, &mut self.forgotten) => event,
                () = std::future::ready(()) => return,
            };
            self.happen(number, event).await;
        }
    }

    /// Waits until a call is answered. `false` if it was not, for whatever reason.
    pub(super) async fn answered(&mut self, number: usize, id: &str, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        while !self.has_answer(number, id) {
            if !self.is_open(number) || !self.turn(until).await {
                return self.has_answer(number, id);
            }
        }
        true
    }

    pub(super) fn has_answer(&self, number: usize, id: &str) -> bool {
        self.links.get(&number).is_some_and(|link| link.has_answer(id))
    }

    async fn take(&mut self, number: usize, event: LinkEvent) {
        let echoes =
            matches!(event.kind, EventKind::Close { .. }) && self.links.get(&number).is_some_and(|link| link.odd_close);
        for finding in &event.findings {
            self.saw(
                number,
                What::Wire {
                    rule: finding.kind.rule().to_owned(),
                    id: finding.kind.id().to_owned(),
                    text: finding.detail.clone(),
                    certain: engine::runner::is_certain(finding.kind) && !echoes,
                },
            );
        }
        match event.kind {
            EventKind::Text(bytes) => self.text(number, bytes).await,
            EventKind::Binary(payload) => self.saw(number, What::Other { name: "binary", length: payload.len() }),
            EventKind::Ping(payload) => self.saw(number, What::Other { name: "ping", length: payload.len() }),
            EventKind::Pong(payload) => {
                if let Some(link) = self.links.get_mut(&number).filter(|link| link.ping.as_ref() == Some(&payload)) {
                    link.ping = None;
                }
                self.saw(number, What::Pong { payload: payload.into() });
            }
            EventKind::Unknown { payload, .. } => {
                self.saw(number, What::Other { name: "unknown", length: payload.len() });
            }
            EventKind::Close { code, .. } => self.ended(number, Ending::Closed(code)),
            EventKind::Ended(end) => {
                let how = match end {
                    End::Eof { mid_frame } => Ending::Eof { mid_frame },
                    End::Reset => Ending::Reset,
                    End::Error(reason) => Ending::Failed(reason),
                    End::LimitExceeded => Ending::Failed("it sent more than we take".to_owned()),
                };
                self.ended(number, how);
            }
        }
    }

    fn ended(&mut self, number: usize, how: Ending) {
        let link = self.links.get_mut(&number).filter(|link| link.is_open());
        let Some(link) = link else { return };
        let by_us = link.we_end;
        // It may be starting again.
        link.settled = link.settled.filter(|settled| by_us || link.muddled || !settled);
        link.connection = None;
        self.saw(number, What::Ended { how, by_us });
    }

    /// Drops a link without a word about it.
    pub(super) fn hang_up(&mut self, number: usize) {
        if let Some(link) = self.links.get_mut(&number)
            && let Some(connection) = link.connection.take()
        {
            drop(connection);
            self.saw(number, What::Ended { how: Ending::Failed("dropped by us".to_owned()), by_us: true });
        }
    }

    async fn text(&mut self, number: usize, bytes: Vec<u8>) {
        let bytes: Arc<[u8]> = bytes.into();
        let reading = Arc::new(frame::read(self.setting.version, &bytes));
        let Some(link) = self.links.get_mut(&number) else { return };
        let mut answers = None;
        let mut took = None;
        if reading.frame.as_ref().is_some_and(Frame::is_answer)
            && let Some(waiting) = reading.id.as_deref().and_then(|id| link.waiting(id))
        {
            waiting.answers += 1;
            let call = waiting.call.clone();
            if waiting.answers == 1 {
                let passed = waiting.since.elapsed();
                took = Some(passed);
                self.round_trip = (self.round_trip * 7 + passed) / 8;
            }
            if let Some(Frame::Result { payload, .. }) = &reading.frame {
                let now = self.setting.clock.now();
                if call.deserved.defects.is_empty() {
                    link.stand_in.exchanged(now, &call.action, &call.request, payload);
                }
                self.known.learn(payload);
            }
            answers = Some(call);
        }
        self.saw(number, What::Received { bytes, reading: reading.clone(), answers, took });
        if let Some(Frame::Call { id, action, payload }) = &reading.frame {
            self.known.learn(payload);
            self.reply(number, id, action, payload, &reading).await;
        }
    }

    /// Answers a call of the device: as prepared, else plainly.
    async fn reply(&mut self, number: usize, id: &str, action: &str, request: &Value, reading: &Reading) {
        let now = self.now();
        self.asked = Some(id.to_owned());
        let Some(link) = self.links.get_mut(&number) else { return };
        let (bytes, plain) = match link.prepared(action) {
            // Nothing follows a close frame (RFC 6455 5.5.1).
            _ if link.we_end => (None, false),
            Some(None) => (None, false),
            Some(Some(text)) => (Some(text.render(&Filling { stage: self, asked: Some(id) })), false),
            None => {
                let known = !reading.is_flawed()
                    && protocol::catalogue::Catalogue::of(self.setting.version).message(action).is_some();
                let frame = if known {
                    let payload = link.stand_in.reply(now, action, request);
                    link.stand_in.exchanged(now, action, request, &payload);
                    // In 1.6 it is we who give out transaction ids.
                    self.known.learn(&payload);
                    Frame::Result { id: id.to_owned(), payload }
                } else {
                    Frame::Error {
                        id: id.to_owned(),
                        code: "NotImplemented".to_owned(),
                        description: String::new(),
                        details: Value::Object(serde_json::Map::new()),
                    }
                };
                (Some(frame.to_text().into_bytes()), true)
            }
        };
        let Some(link) = self.links.get_mut(&number) else { return };
        link.odd_answer |= !plain;
        if action == "BootNotification" {
            link.settled = Some(plain);
        }
        if let Some(bytes) = &bytes {
            if action == "BootNotification" {
                link.rejected = is_rejection(bytes);
            }
            link.put_text(bytes, &[]).await;
        }
        let (action, request) = (action.to_owned(), request.clone());
        self.saw(number, What::Answered { action, request, bytes: bytes.map(Arc::from), plain });
    }
}

/// Whether an answer of ours to a boot tells the station to keep silent.
fn is_rejection(answer: &[u8]) -> bool {
    let answer = serde_json::from_slice::<Value>(answer).unwrap_or_default();
    answer.get(2).and_then(|payload| payload.get("status")).is_some_and(|status| status == "Rejected")
}

/// What the first link that has something has.
async fn next(
    links: &mut BTreeMap<usize, Link>,
    forgotten: &mut Vec<(usize, Connection<Stream>)>,
) -> (usize, LinkEvent) {
    poll_fn(|context| {
        for link in links.values_mut() {
            if let Some(connection) = &mut link.connection
                && let Poll::Ready(event) = connection.poll_next(context)
            {
                return Poll::Ready((link.number, event));
            }
        }
        // What a replaced link still says is nobody's answer; its end is expected.
        forgotten.retain_mut(|(_, connection)| {
            loop {
                match connection.poll_next(context) {
                    Poll::Ready(event) if matches!(event.kind, EventKind::Close { .. } | EventKind::Ended(_)) => {
                        break false;
                    }
                    Poll::Ready(_) => {}
                    Poll::Pending => break true,
                }
            }
        });
        Poll::Pending
    })
    .await
}
