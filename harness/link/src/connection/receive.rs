//! Receiving: bytes to events, and the answers that go without saying.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::Instant;

use super::{Connection, LARGEST_READ, Shutdown};
use crate::event::{End, EventKind, LinkEvent};
use crate::frame::{self, Frame, Message, Step, close_parts, close_payload};
use crate::{Finding, Side};

/// Beyond this, automatic pongs are dropped: RFC 6455 5.5.3 lets an end answer only the latest of several pings.
const PONG_BACKLOG: usize = 1 << 20;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// What the peer did next. Cancel-safe: when the future is dropped nothing is lost.
    ///
    /// Ends are events too, so this never fails; after the end it keeps answering with the end. It may wait for
    /// ever; a peer that drips bytes, or sends fragments without end, is the caller's time-out to notice.
    pub async fn next(&mut self) -> LinkEvent {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// [`next`](Self::next) for those who poll.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<LinkEvent> {
        loop {
            self.progress_writes(cx);
            if let Some(end) = &self.end {
                let kind = EventKind::Ended(end.clone());
                return Poll::Ready(LinkEvent { at: self.last_read, kind, frames: 0, findings: Vec::new() });
            }
            match self.decoder.step() {
                Some(Step::Frame(frame)) => {
                    if let Some(event) = self.take_frame(frame) {
                        self.progress_writes(cx);
                        return Poll::Ready(event);
                    }
                    continue;
                }
                Some(Step::GivenUp(findings)) => {
                    return Poll::Ready(self.finish(End::LimitExceeded, findings));
                }
                None => {}
            }
            let read = match self.poll_read(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(read) => read,
            };
            self.last_read = Instant::now();
            match read {
                Ok(0) => {
                    let mid_frame = self.decoder.is_mid_frame() || self.assembler.is_mid_message();
                    return Poll::Ready(self.finish(End::Eof { mid_frame }, Vec::new()));
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(self.finish(End::from(&error), Vec::new())),
            }
        }
    }

    /// Awaits and drops everything until the peer's bytes end. After [`close`](Self::close), bound it by a time-out.
    pub async fn drain(&mut self) -> End {
        loop {
            if let EventKind::Ended(end) = self.next().await.kind {
                return end;
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let buffer = self.decoder.buffer_with_room(self.room);
        // `read_buf` holds no state of its own, so a future that lives for one poll loses nothing.
        let read = pin!(self.stream.read_buf(buffer)).poll(cx);
        if let Poll::Ready(Ok(count)) = &read {
            self.room = if *count >= self.room { (self.room * 2).min(LARGEST_READ) } else { self.room };
        }
        read
    }

    fn take_frame(&mut self, frame: Frame) -> Option<LinkEvent> {
        let message = self.assembler.take(frame)?;
        if message.over_limit {
            return Some(self.finish(End::LimitExceeded, message.findings));
        }
        let Message { opcode, payload, frames, findings, .. } = message;
        let kind = match opcode {
            frame::TEXT => EventKind::Text(payload),
            frame::BINARY => EventKind::Binary(payload),
            frame::PING => {
                self.answer_ping(&payload);
                EventKind::Ping(payload)
            }
            frame::PONG => EventKind::Pong(payload),
            frame::CLOSE => self.answer_close(&payload),
            _ => EventKind::Unknown { opcode, payload },
        };
        Some(LinkEvent { at: self.last_read, kind, frames, findings })
    }

    fn answer_ping(&mut self, payload: &[u8]) {
        // A ping that is too long has no legal answer.
        let answer = self.auto_pong && !self.close_sent && payload.len() <= 125 && self.broken.is_none();
        if answer && self.out.len() >= PONG_BACKLOG {
            self.pongs_dropped += 1;
        } else if answer {
            self.queue(frame::PONG, payload);
        }
    }

    fn answer_close(&mut self, payload: &[u8]) -> EventKind {
        let (code, reason) = close_parts(payload);
        self.close_seen = true;
        if self.auto_close && !self.close_sent && self.broken.is_none() {
            // A code that must not be sent is not echoed; 1002 is the answer to a protocol error (RFC 6455 7.4.1).
            let echo = code.map(|code| if frame::close_code_allowed(code) { code } else { 1002 });
            self.queue(frame::CLOSE, &close_payload(echo, &[]));
        }
        // The server ends the TCP connection first (RFC 6455 7.1.1).
        if self.auto_close && self.side == Side::Server && self.shutdown == Shutdown::Open {
            self.shutdown = Shutdown::Wanted;
        }
        EventKind::Close { code, reason: reason.to_vec() }
    }

    fn finish(&mut self, end: End, findings: Vec<Finding>) -> LinkEvent {
        self.end = Some(end.clone());
        LinkEvent { at: self.last_read, kind: EventKind::Ended(end), frames: 0, findings }
    }
}
