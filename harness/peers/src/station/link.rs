//! The connection, and messages on their way out and in.

use protocol::{Timestamp, Version};
use serde_json::Value;

use super::charge_point::{ChargePoint, Sent};
use crate::Output;
use crate::frames::{self, Incoming};
use crate::registration::Registration;
use crate::uplink::LinkState;

impl ChargePoint {
    /// The link is open.
    pub(super) fn is_online(&self) -> bool {
        self.link.is_up()
    }

    pub(super) fn link_wakeup(&self) -> Option<Timestamp> {
        self.link.wakeup().filter(|_| self.is_powered())
    }

    pub(super) fn pass_link(&mut self) {
        if self.link_wakeup().is_some_and(|until| until <= self.now) {
            self.connect();
        }
    }

    pub(super) fn connect(&mut self) {
        self.link.state = LinkState::Connecting;
        self.out.push(Output::Connect);
    }

    pub(super) fn connected(&mut self, subprotocol: Option<&str>) {
        if !self.is_powered() {
            self.out.push(Output::Cut);
            return;
        }
        // A server that chose nothing, or something else, is not spoken to.
        if subprotocol != Some(Version::V16.subprotocol()) {
            self.out.push(Output::Close { code: 1002 });
            self.connect_failed();
            return;
        }
        self.link.open();
        self.deaf = false;
        match self.registration {
            Registration::Unknown | Registration::Unanswered { .. } => {
                if self.faults.hits("station-reports-status-before-boot") {
                    self.post_status(0, true);
                }
                self.boot(false);
            }
            Registration::Accepted => {
                if self.faults.hits("station-boots-on-reconnect") {
                    self.registration = Registration::Unknown;
                    self.boot(false);
                } else {
                    self.schedule_heartbeat();
                }
            }
            Registration::Pending { .. } | Registration::Rejected { .. } => {}
        }
    }

    pub(super) fn connect_failed(&mut self) {
        self.link.fail(self.now, self.settings.reconnect_wait);
    }

    pub(super) fn disconnected(&mut self) {
        let was_ours = matches!(self.link.state, LinkState::Idle | LinkState::Waiting(_));
        for purpose in self.exchange.abandon() {
            match purpose {
                Sent::Authorize(asked) => self.authorise_offline(&asked),
                Sent::Status(number) => self.forget_told(number),
                _ => {}
            }
        }
        for message in std::mem::take(&mut self.outbox) {
            match message.purpose {
                Sent::Authorize(asked) => self.authorise_offline(&asked),
                Sent::Status(number) => self.forget_told(number),
                _ => {}
            }
        }
        self.outdate_told();
        self.held_calls.clear();
        for queued in &mut self.storage.queue {
            queued.waited_offline = true;
        }
        if self.is_powered() && !was_ours {
            self.connect_failed();
        }
    }

    /// Ends the link; the station comes back after a moment.
    pub(super) fn close(&mut self, code: u16) {
        if self.is_online() {
            self.link.state = LinkState::Closing;
            self.out.push(Output::Close { code });
        }
    }

    /// The power is gone or the processor restarts: no link any more, and no attempt for now.
    pub(super) fn drop_link(&mut self, output: Output) {
        if self.link.drop_it() {
            self.out.push(output);
        }
    }

    /// Sends what may be sent, one call at a time.
    pub(super) fn pump(&mut self) {
        while self.is_online() && !self.exchange.is_waiting() && self.send_next() {}
    }

    fn send_next(&mut self) -> bool {
        let from_outbox = self.outbox.iter().position(|message| self.may_send(&message.purpose, message.triggered));
        let from_queue = self.next_queued();
        let outbox_first = match (from_outbox.map(|at| self.outbox[at].sequence), from_queue) {
            (Some(outbox), Some(queue)) => outbox < queue,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => return false,
        };
        if !outbox_first {
            return self.send_queued();
        }
        let Some(message) = from_outbox.and_then(|at| self.outbox.remove(at)) else {
            return false;
        };
        self.send_call(message.action, &message.payload, message.purpose);
        true
    }

    pub(super) fn send_call(&mut self, action: &str, payload: &Value, purpose: Sent) {
        let text = self.exchange.call(self.now, self.message_timeout(), action, payload, purpose);
        self.out.push(Output::Send(text));
    }

    /// The registration gate.
    fn may_send(&self, purpose: &Sent, triggered: bool) -> bool {
        match self.registration {
            Registration::Accepted => true,
            Registration::Pending { .. } => triggered || matches!(purpose, Sent::Boot),
            Registration::Unknown | Registration::Unanswered { .. } | Registration::Rejected { .. } => {
                matches!(purpose, Sent::Boot) || self.faults.active("station-reports-status-before-boot")
            }
        }
    }

    pub(super) fn boot_outstanding(&self) -> bool {
        self.exchange.purposes().any(|purpose| matches!(purpose, Sent::Boot))
    }

    pub(super) fn received(&mut self, text: &[u8]) {
        if !self.is_powered() || !self.is_online() {
            return;
        }
        match frames::read(Version::V16, text) {
            Incoming::Call { id, action, payload } => self.called(text, &id, &action, &payload),
            Incoming::Result { id, payload } => {
                if let Some(purpose) = self.exchange.answered(&id) {
                    self.answered(purpose, &payload);
                    self.release_held_calls();
                }
            }
            Incoming::Error { id } => {
                if let Some(purpose) = self.exchange.answered(&id) {
                    self.unanswered(purpose);
                    self.release_held_calls();
                }
            }
            Incoming::DamagedCall { id: Some(id), .. } => {
                self.send_error(&id, "FormationViolation", "not a complete call");
            }
            // Nothing is prescribed for the rest, and silence is always safe.
            Incoming::DamagedCall { id: None, .. }
            | Incoming::DamagedAnswer
            | Incoming::UnknownType { .. }
            | Incoming::Unreadable => {}
        }
    }

    fn answered(&mut self, purpose: Sent, answer: &Value) {
        match purpose {
            Sent::Boot => self.boot_answered(answer),
            Sent::Heartbeat => self.heartbeat_answered(answer),
            Sent::Authorize(asked) => self.authorize_answered(&asked, answer),
            Sent::Transaction(sequence) => self.queue_answered(sequence, answer),
            Sent::Status(_) | Sent::Other => {}
        }
    }

    /// A CALLERROR came instead of a result, or nothing in time.
    pub(super) fn unanswered(&mut self, purpose: Sent) {
        match purpose {
            Sent::Boot => self.boot_failed(),
            Sent::Authorize(asked) => self.authorise_offline(&asked),
            Sent::Transaction(sequence) => self.queue_failed(sequence),
            Sent::Heartbeat | Sent::Status(_) | Sent::Other => {}
        }
    }
}
