//! One link of ours: its connection, the calls that wait for an answer, the answers that are prepared.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use engine::standin::StandIn;
use link::{Connection, Stream, frame};
use tokio::time::Instant;

use crate::act::Text;
use crate::deserved::{Answer, Deserved};
use crate::seen::OurCall;

/// Calls whose answers are still recognised.
const REMEMBERED: usize = 512;

pub(super) struct Link {
    pub(super) number: usize,
    pub(super) identity: usize,
    /// The identity as it stands in the path.
    pub(super) name: String,
    pub(super) connection: Option<Connection<Stream>>,
    /// What answers the calls of the device, where nothing else is prepared.
    pub(super) stand_in: StandIn,
    pub(super) we_end: bool,
    /// A close frame of ours said what none may say; who answers it typically says the same (RFC 6455 5.5.1).
    pub(super) odd_close: bool,
    /// Bytes went over it that no message follows from: the device may not understand what comes next.
    pub(super) muddled: bool,
    /// Whether the last boot of the station was answered plainly, so that nothing asks for another; not known at first,
    /// nor after it has ended a link for reasons of its own.
    pub(super) settled: Option<bool>,
    /// What our last ping carried, until its pong has come. Only the last one is owed a pong (RFC 6455 5.5.3).
    pub(super) ping: Option<Vec<u8>>,
    /// A call of the device was not answered plainly: it may still wait for the answer.
    pub(super) odd_answer: bool,
    /// Whoever drives the device may still wait for what was asked of it last.
    pub(super) stuck: bool,
    /// The boot of the station was answered with Rejected: it may leave us without answers (16-BOOT-08).
    pub(super) rejected: bool,
    ours: HashMap<String, Waiting>,
    order: VecDeque<String>,
    prepared: Vec<Prepared>,
}

pub(super) struct Waiting {
    pub(super) call: Arc<OurCall>,
    pub(super) since: Instant,
    pub(super) answers: u32,
}

pub(super) struct Prepared {
    action: Option<String>,
    pub(super) text: Option<Text>,
    times: u32,
}

impl Link {
    pub(super) fn new(number: usize, identity: usize, name: String, stand_in: StandIn) -> Link {
        Link {
            number,
            identity,
            name,
            connection: None,
            stand_in,
            we_end: false,
            odd_close: false,
            muddled: false,
            settled: None,
            ping: None,
            odd_answer: false,
            stuck: false,
            rejected: false,
            ours: HashMap::new(),
            order: VecDeque::new(),
            prepared: Vec::new(),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.connection.is_some()
    }

    /// A call goes out whose answer is to be recognised.
    pub(super) fn expect(&mut self, deserved: &Arc<Deserved>, act: usize) {
        let Some(id) = &deserved.id else { return };
        if deserved.answer == Answer::Never {
            return;
        }
        let call = OurCall {
            id: id.clone(),
            action: deserved.action.clone(),
            request: deserved.request.clone(),
            deserved: deserved.clone(),
            act,
        };
        let waiting = Waiting { call: Arc::new(call), since: Instant::now(), answers: 0 };
        if self.ours.insert(id.clone(), waiting).is_none() {
            self.order.push_back(id.clone());
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.ours.remove(&oldest);
        }
    }

    pub(super) fn waiting(&mut self, id: &str) -> Option<&mut Waiting> {
        self.ours.get_mut(id)
    }

    pub(super) fn has_answer(&self, id: &str) -> bool {
        self.ours.get(id).is_some_and(|waiting| waiting.answers > 0)
    }

    pub(super) fn prepare(&mut self, action: Option<String>, text: Option<Text>, times: u32) {
        if self.prepared.len() < 100 {
            self.prepared.push(Prepared { action, text, times: times.clamp(1, 100) });
        }
    }

    /// Goes on where another link of the same station ended: with what is prepared, and how its boot stands.
    pub(super) fn follow(&mut self, before: &mut Link) {
        std::mem::swap(&mut self.stand_in, &mut before.stand_in);
        self.prepared = std::mem::take(&mut before.prepared);
        self.rejected = before.rejected;
        self.settled = before.settled;
    }

    /// Nothing is prepared any more.
    pub(super) fn unprepare(&mut self) {
        self.prepared.clear();
    }

    /// Whether everything that went out is answered, and nothing went out after which something else might come.
    pub(super) fn is_idle(&self) -> bool {
        let is_odd =
            self.muddled || self.we_end || self.odd_close || self.odd_answer || self.stuck || self.ping.is_some();
        !is_odd && self.ours.values().all(|waiting| waiting.answers > 0)
    }

    /// The answer that is prepared for this action, if one is.
    pub(super) fn prepared(&mut self, action: &str) -> Option<Option<Text>> {
        let fits = |prepared: &Prepared| prepared.action.as_deref().is_none_or(|wanted| wanted == action);
        let at = self.prepared.iter().position(fits)?;
        let prepared = &mut self.prepared[at];
        prepared.times -= 1;
        let text = prepared.text.clone();
        if prepared.times == 0 {
            self.prepared.remove(at);
        }
        Some(text)
    }

    pub(super) async fn put_text(&mut self, bytes: &[u8], cuts: &[usize]) {
        let Some(connection) = &mut self.connection else { return };
        let (mut rest, mut taken, mut opcode) = (bytes, 0, frame::TEXT);
        for cut in cuts.iter().take(1000) {
            let (part, after) = rest.split_at(cut.saturating_sub(taken).min(rest.len()));
            let raw = connection.frame(opcode, part).unfinished();
            // An error shows as the end of the link when it is read next.
            let _ = connection.send_frame(&raw).await;
            (taken, rest, opcode) = (taken + part.len(), after, frame::CONTINUATION);
        }
        let raw = connection.frame(opcode, rest);
        let _ = connection.send_frame(&raw).await;
    }

    pub(super) async fn put_frame(
        &mut self,
        fin: bool,
        rsv: u8,
        opcode: u8,
        masked: bool,
        claims: Option<u64>,
        payload: Vec<u8>,
    ) {
        self.odd_close |= opcode & 0xF == frame::CLOSE;
        let Some(connection) = &mut self.connection else { return };
        let mut raw = connection.frame(opcode & 0xF, payload);
        raw.fin = fin;
        raw.rsv = rsv & 7;
        raw.declared_len = claims;
        if !masked {
            raw.mask = if raw.mask.is_some() { None } else { Some([1, 2, 3, 4]) };
        }
        let _ = connection.send_frame(&raw).await;
    }

    pub(super) async fn put_ping(&mut self, payload: Vec<u8>) {
        self.ping = Some(payload.clone());
        self.put_frame(true, 0, frame::PING, true, None, payload).await;
    }

    pub(super) async fn put_bytes(&mut self, bytes: &[u8]) {
        if let Some(connection) = &mut self.connection {
            let _ = connection.send_bytes(bytes).await;
        }
    }

    pub(super) async fn put_close(&mut self, code: Option<u16>) {
        self.odd_close |= code.is_some_and(|code| !frame::close_code_allowed(code));
        if let Some(connection) = &mut self.connection {
            let _ = connection.close(code, "").await;
        }
    }
}
