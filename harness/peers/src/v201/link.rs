//! The connection, and messages on their way out and in.

use serde_json::Value;

use super::charging_station::{ChargingStation, Sent};
use crate::Output;
use crate::frames::{self, Incoming};
use crate::registration::Registration;
use crate::uplink::LinkState;

impl ChargingStation {
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
        if subprotocol != Some(self.version().subprotocol()) {
            self.out.push(Output::Close { code: 1002 });
            self.connect_failed();
            return;
        }
        self.link.open();
        match self.registration {
            Registration::Unknown | Registration::Unanswered { .. } => self.boot(false),
            Registration::Accepted => self.back_online(),
            Registration::Pending { .. } | Registration::Rejected { .. } => {}
        }
    }

    /// After a mere loss of the link.
    fn back_online(&mut self) {
        self.schedule_heartbeat();
        self.tell_start();
        let threshold = self.storage.model.seconds("OCPPCommCtrlr", "OfflineThreshold");
        // B04.FR.01; after less only what has changed is told (B04.FR.02).
        if self.offline_since.take().is_some_and(|since| self.now.since(since) > threshold) {
            self.tell_all_states_again();
        }
    }

    pub(super) fn connect_failed(&mut self) {
        let wait = self.storage.model.seconds("OCPPCommCtrlr", "RetryBackOffWaitMinimum");
        self.link.fail(self.now, wait.max(self.settings.reconnect_wait));
    }

    pub(super) fn disconnected(&mut self) {
        let was_ours = matches!(self.link.state, LinkState::Idle | LinkState::Waiting(_));
        let lost = self.exchange.abandon().into_iter();
        let unsent = std::mem::take(&mut self.outbox).into_iter().map(|message| message.purpose);
        let purposes: Vec<Sent> = lost.chain(unsent).collect();
        if self.is_powered() && !was_ours {
            self.connect_failed();
        }
        self.offline_since.get_or_insert(self.now);
        for purpose in purposes {
            match purpose {
                Sent::Authorize(asked) => self.authorise_offline(&asked),
                Sent::Status(id) => self.forget_told(id),
                // It is told once more, for certain (A04.FR.02).
                Sent::SecurityEvent => self.start_told = false,
                Sent::Boot | Sent::Heartbeat | Sent::Transaction(_) | Sent::Other => {}
            }
        }
        self.mark_queue_offline();
    }

    /// Ends the link; the station comes back after a moment.
    pub(super) fn close(&mut self, code: u16) {
        if self.is_online() {
            self.link.state = LinkState::Closing;
            self.out.push(Output::Close { code });
        }
    }

    /// Sends what may be sent, one call at a time.
    pub(super) fn pump(&mut self) {
        while self.is_online() {
            let hasty = self.exchange.is_waiting();
            if hasty && !self.faults.active("station-does-not-wait-for-answers") {
                return;
            }
            if !self.send_next(hasty) {
                return;
            }
            if hasty {
                self.faults.hits("station-does-not-wait-for-answers");
            }
        }
    }

    /// The next message; in haste not the first of the queue again, which stays there until it is answered.
    fn send_next(&mut self, hasty: bool) -> bool {
        let from_outbox = self.outbox.iter().position(|message| self.may_send(&message.purpose, message.asked_for));
        let queue_waits = hasty && self.exchange.purposes().any(|purpose| matches!(purpose, Sent::Transaction(_)));
        let from_queue = if queue_waits { None } else { self.next_queued() };
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
        let timeout = self.storage.model.seconds("OCPPCommCtrlr", "MessageTimeout");
        let text = self.exchange.call(self.now, timeout, action, payload, purpose);
        self.out.push(Output::Send(text));
    }

    /// The registration gate (B01.FR.08, B02.FR.02, B03.FR.02).
    fn may_send(&self, purpose: &Sent, asked_for: bool) -> bool {
        match self.registration {
            Registration::Accepted => true,
            Registration::Pending { .. } => asked_for || matches!(purpose, Sent::Boot),
            Registration::Unknown | Registration::Unanswered { .. } | Registration::Rejected { .. } => {
                matches!(purpose, Sent::Boot)
            }
        }
    }

    pub(super) fn received(&mut self, text: &[u8]) {
        if !self.is_powered() || !self.is_online() {
            return;
        }
        match frames::read(self.version(), text) {
            Incoming::Call { id, action, payload } => self.called(text, &id, &action, &payload),
            Incoming::Result { id, payload } => {
                if let Some(purpose) = self.exchange.answered(&id) {
                    self.answered(purpose, &payload);
                }
            }
            Incoming::Error { id } => {
                if let Some(purpose) = self.exchange.answered(&id) {
                    self.unanswered(purpose);
                }
            }
            Incoming::DamagedCall { id, payload_only: true } => self.refuse_frame(id, "FormatViolation"),
            Incoming::DamagedCall { id, payload_only: false } => self.refuse_frame(id, "RpcFrameworkError"),
            //
            Incoming::UnknownType { id } => self.refuse_frame(id, "MessageTypeNotSupported"),
            Incoming::Unreadable => self.refuse_frame(None, "RpcFrameworkError"),
            Incoming::DamagedAnswer => {}
        }
    }

    fn answered(&mut self, purpose: Sent, answer: &Value) {
        match purpose {
            Sent::Boot => self.boot_answered(answer),
            Sent::Heartbeat => self.heartbeat_answered(answer),
            Sent::Authorize(asked) => self.authorize_answered(&asked, answer),
            Sent::Transaction(sequence) => self.queue_answered(sequence, answer),
            Sent::Status(_) | Sent::SecurityEvent | Sent::Other => {}
        }
    }

    /// A CALLERROR came instead of a result, or nothing in time.
    pub(super) fn unanswered(&mut self, purpose: Sent) {
        match purpose {
            Sent::Boot => self.registration = self.registration.failed(self.now),
            Sent::Authorize(asked) => self.authorise_offline(&asked),
            Sent::Transaction(sequence) => self.queue_failed(sequence),
            Sent::Heartbeat | Sent::Status(_) | Sent::SecurityEvent | Sent::Other => {}
        }
    }
}
