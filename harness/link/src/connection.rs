//! A WebSocket after its handshake: everything the peer does as events, anything at all to send.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::Instant;

use crate::frame::{
    self, Assembler, Decoder, Frame, Head, LengthForm, Message, RawFrame, Step, close_payload,
    encode_parts,
};
use crate::random::Random;
use crate::{AsyncStream, Finding, Limits, Side};

/// Something the peer did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkEvent {
    /// When its last byte was read.
    pub at: Instant,
    /// What it was.
    pub kind: EventKind,
    /// How many frames it came in; 0 for the end.
    pub frames: u32,
    /// What was wrong with it.
    pub findings: Vec<Finding>,
}

/// The kinds of [`LinkEvent`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// A text message, as it came. When it is not UTF-8 the event carries the finding.
    Text(Vec<u8>),
    /// A binary message; OCPP has none.
    Binary(Vec<u8>),
    /// A ping. It has been answered already unless that is switched off.
    Ping(Vec<u8>),
    /// A pong, asked for or not.
    Pong(Vec<u8>),
    /// A close frame. It has been echoed already unless that is switched off.
    Close {
        /// The code, whatever its value; `None` when the body has fewer than two bytes.
        code: Option<u16>,
        /// The reason as it came.
        reason: Vec<u8>,
    },
    /// A frame that fits nowhere: an undefined opcode, or a continuation of nothing (opcode 0).
    Unknown {
        /// Its opcode.
        opcode: u8,
        /// Its payload, unmasked.
        payload: Vec<u8>,
    },
    /// Nothing more will come. Repeated if asked again.
    Ended(End),
}

/// How the incoming bytes ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The peer ended its bytes.
    Eof {
        /// In the middle of a frame, or of a message in several frames.
        mid_frame: bool,
    },
    /// The peer reset the connection.
    Reset,
    /// The transport failed otherwise.
    Error(String),
    /// The peer sent more than we accept, so we stopped reading.
    LimitExceeded,
}

/// Why something could not be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The transport takes no more bytes. What the peer sent before can still be read with [`Connection::next`].
    #[error("the connection takes no more bytes: {0}")]
    Broken(String),
    /// The peer does not read, and as much as is allowed waits for it already.
    #[error("{waiting} bytes wait for a peer that does not read; the limit is {limit}")]
    Backlog {
        /// Bytes that wait.
        waiting: usize,
        /// The limit, [`Limits::backlog`].
        limit: usize,
    },
}

/// A WebSocket over any byte stream.
///
/// Sending buffers and writes as much as the transport takes at once; it never waits for the peer, so that two ends
/// which both send cannot block each other. What remains is written while [`next`](Self::next) or
/// [`flush`](Self::flush) is awaited.
#[derive(Debug)]
pub struct Connection<S> {
    stream: S,
    side: Side,
    decoder: Decoder,
    assembler: Assembler,
    room: usize,
    out: BytesMut,
    needs_flush: bool,
    backlog_limit: usize,
    auto_pong: bool,
    auto_close: bool,
    pongs_dropped: u64,
    close_sent: bool,
    close_seen: bool,
    shutdown: Shutdown,
    broken: Option<String>,
    end: Option<End>,
    last_read: Instant,
    random: Random,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shutdown {
    Open,
    Wanted,
    Done,
}

const SMALLEST_READ: usize = 4 << 10;
const LARGEST_READ: usize = 256 << 10;
/// Beyond this, automatic pongs are dropped: RFC 6455 5.5.3 lets an end answer only the latest of several pings.
const PONG_BACKLOG: usize = 1 << 20;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// A connection on a stream whose handshake is over (or is deliberately left out); we are `side`.
    pub fn new(stream: S, side: Side, limits: &Limits) -> Self {
        Self::with_received(stream, side, limits, &[])
    }

    /// The same when bytes of frames were already read with the handshake.
    pub(crate) fn with_received(stream: S, side: Side, limits: &Limits, received: &[u8]) -> Self {
        let mut decoder = Decoder::new(side.other(), limits.frame);
        decoder.push(received);
        Self {
            stream,
            side,
            decoder,
            assembler: Assembler::new(limits.message),
            room: SMALLEST_READ,
            out: BytesMut::new(),
            needs_flush: false,
            backlog_limit: limits.backlog,
            auto_pong: true,
            auto_close: true,
            pongs_dropped: 0,
            close_sent: false,
            close_seen: false,
            shutdown: Shutdown::Open,
            broken: None,
            end: None,
            last_read: Instant::now(),
            random: Random::new(),
        }
    }

    /// Which end we are.
    pub fn side(&self) -> Side {
        self.side
    }

    /// Whether pings are answered on their own. On at first.
    pub fn set_auto_pong(&mut self, on: bool) {
        self.auto_pong = on;
    }

    /// Whether a close frame is echoed on its own. On at first.
    pub fn set_auto_close(&mut self, on: bool) {
        self.auto_close = on;
    }

    /// Makes the masks that follow repeatable.
    pub fn set_seed(&mut self, seed: u64) {
        self.random = Random::seeded(seed);
    }

    /// Bytes that wait for the peer to read.
    pub fn backlog(&self) -> usize {
        self.out.len()
    }

    /// Pings that were left unanswered because the peer sends them without reading the pongs.
    pub fn pongs_dropped(&self) -> u64 {
        self.pongs_dropped
    }

    /// Whether a close frame was sent.
    pub fn close_sent(&self) -> bool {
        self.close_sent
    }

    /// Whether a close frame came in.
    pub fn close_seen(&self) -> bool {
        self.close_seen
    }

    /// The stream below.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// The stream below. Bytes written to it directly overtake those that wait here.
    pub fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }

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
                return Poll::Ready(LinkEvent {
                    at: self.last_read,
                    kind,
                    frames: 0,
                    findings: Vec::new(),
                });
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
                Err(error) => return Poll::Ready(self.finish(end_of(&error), Vec::new())),
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

    /// Sends a text message in one frame.
    ///
    /// # Errors
    /// When the transport is gone, or the peer does not read and the backlog is full. The same for all that follow.
    pub async fn send_text(&mut self, text: &str) -> Result<(), SendError> {
        self.send(frame::TEXT, text.as_bytes()).await
    }

    /// Sends a binary message in one frame.
    ///
    /// # Errors
    /// See [`send_text`](Self::send_text).
    pub async fn send_binary(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.send(frame::BINARY, payload).await
    }

    /// Sends a ping. Its payload is not checked: more than 125 bytes make an illegal frame.
    ///
    /// # Errors
    /// See [`send_text`](Self::send_text).
    pub async fn send_ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.send(frame::PING, payload).await
    }

    /// Sends a pong, asked for or not.
    ///
    /// # Errors
    /// See [`send_text`](Self::send_text).
    pub async fn send_pong(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.send(frame::PONG, payload).await
    }

    /// Sends a close frame, any code and any reason. Go on with [`next`](Self::next) to see the answer and the end.
    ///
    /// # Errors
    /// See [`send_text`](Self::send_text).
    pub async fn close(&mut self, code: Option<u16>, reason: &str) -> Result<(), SendError> {
        self.send(frame::CLOSE, &close_payload(code, reason.as_bytes()))
            .await
    }

    /// Sends a text message in frames that split it before the given offsets, wherever in a character they fall.
    /// Offsets beyond the end or out of order make empty frames.
    ///
    /// # Errors
    /// See [`send_text`](Self::send_text).
    pub async fn send_fragments(&mut self, text: &str, cuts: &[usize]) -> Result<(), SendError> {
        let mut rest = text.as_bytes();
        let mut taken = 0;
        let mut opcode = frame::TEXT;
        for cut in cuts {
            let here = cut.saturating_sub(taken).min(rest.len());
            let (part, after) = rest.split_at(here);
            let raw = self.frame(opcode, part).unfinished();
            self.send_frame(&raw).await?;
            (rest, taken, opcode) = (after, taken + here, frame::CONTINUATION);
        }
        self.send(opcode, rest).await
    }

    /// A legal frame of our side, ready to be spoilt and sent with [`send_frame`](Self::send_frame).
    pub fn frame(&mut self, opcode: u8, payload: impl Into<Vec<u8>>) -> RawFrame {
        let raw = RawFrame::new(opcode, payload);
        match self.side {
            Side::Client => raw.masked(self.random.mask()),
            Side::Server => raw,
        }
    }

    /// Sends a frame exactly as it is described, legal or not.
    ///
    /// # Errors
    /// See [`send_text`](Self::send_text).
    pub async fn send_frame(&mut self, raw: &RawFrame) -> Result<(), SendError> {
        self.admit()?;
        self.close_sent |= raw.opcode == frame::CLOSE;
        raw.encode(&mut self.out);
        self.try_flush().await
    }

    /// Sends bytes past every rule: half a frame, a frame in drops, garbage.
    ///
    /// # Errors
    /// See [`send_text`](Self::send_text).
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.admit()?;
        self.out.extend_from_slice(bytes);
        self.try_flush().await
    }

    /// Waits until everything was handed to the transport. It waits as long as the peer does not read, and nothing is
    /// read meanwhile, so bound it by a time-out, or use [`next`](Self::next), which writes as well.
    ///
    /// # Errors
    /// When the transport is gone.
    pub async fn flush(&mut self) -> Result<(), SendError> {
        poll_fn(|cx| {
            self.progress_writes(cx);
            match &self.broken {
                Some(error) => Poll::Ready(Err(SendError::Broken(error.clone()))),
                None if self.out.is_empty() => Poll::Ready(Ok(())),
                None => Poll::Pending,
            }
        })
        .await
    }

    /// Ends our bytes after what waits is written, without a close frame: a half-closed connection.
    pub async fn end_sending(&mut self) {
        if self.shutdown == Shutdown::Open {
            self.shutdown = Shutdown::Wanted;
        }
        poll_fn(|cx| {
            self.progress_writes(cx);
            Poll::Ready(())
        })
        .await;
    }

    async fn send(&mut self, opcode: u8, payload: &[u8]) -> Result<(), SendError> {
        self.admit()?;
        self.queue(opcode, payload);
        self.try_flush().await
    }

    fn admit(&self) -> Result<(), SendError> {
        if let Some(error) = &self.broken {
            return Err(SendError::Broken(error.clone()));
        }
        if self.out.len() >= self.backlog_limit {
            return Err(SendError::Backlog {
                waiting: self.out.len(),
                limit: self.backlog_limit,
            });
        }
        Ok(())
    }

    fn queue(&mut self, opcode: u8, payload: &[u8]) {
        let mask = match self.side {
            Side::Client => Some(self.random.mask()),
            Side::Server => None,
        };
        let length = payload.len() as u64;
        let head = Head {
            fin: true,
            rsv: 0,
            opcode,
            mask,
        };
        encode_parts(
            &mut self.out,
            head,
            LengthForm::minimal(length),
            length,
            payload,
        );
        self.close_sent |= opcode == frame::CLOSE;
    }

    /// Writes what the transport takes now.
    async fn try_flush(&mut self) -> Result<(), SendError> {
        poll_fn(|cx| {
            self.progress_writes(cx);
            Poll::Ready(match &self.broken {
                Some(error) => Err(SendError::Broken(error.clone())),
                None => Ok(()),
            })
        })
        .await
    }

    fn progress_writes(&mut self, cx: &mut Context<'_>) {
        if self.broken.is_some() {
            return;
        }
        let mut wrote = false;
        while !self.out.is_empty() {
            match Pin::new(&mut self.stream).poll_write(cx, &self.out) {
                Poll::Pending => return,
                Poll::Ready(Ok(0)) => {
                    return self.break_writing("the transport accepts no bytes".to_owned());
                }
                Poll::Ready(Ok(written)) => self.out.advance(written),
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(Err(error)) => return self.break_writing(error.to_string()),
            }
            wrote = true;
        }
        if wrote {
            if self.out.capacity() > LARGEST_READ {
                self.out = BytesMut::new();
            }
            self.needs_flush = true;
        }
        if self.needs_flush {
            match Pin::new(&mut self.stream).poll_flush(cx) {
                Poll::Pending => return,
                Poll::Ready(Ok(())) => self.needs_flush = false,
                Poll::Ready(Err(error)) => return self.break_writing(error.to_string()),
            }
        }
        if self.shutdown == Shutdown::Wanted {
            match Pin::new(&mut self.stream).poll_shutdown(cx) {
                Poll::Pending => {}
                Poll::Ready(_) => self.shutdown = Shutdown::Done,
            }
        }
    }

    fn break_writing(&mut self, error: String) {
        self.out = BytesMut::new();
        self.broken = Some(error);
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let buffer = self.decoder.buffer_with_room(self.room);
        // `read_buf` holds no state of its own, so a future that lives for one poll loses nothing.
        let read = pin!(self.stream.read_buf(buffer)).poll(cx);
        if let Poll::Ready(Ok(count)) = &read {
            self.room = if *count >= self.room {
                (self.room * 2).min(LARGEST_READ)
            } else {
                self.room
            };
        }
        read
    }

    fn take_frame(&mut self, frame: Frame) -> Option<LinkEvent> {
        let message = self.assembler.take(frame)?;
        if message.over_limit {
            return Some(self.finish(End::LimitExceeded, message.findings));
        }
        let frames = message.frames;
        let kind = match message.opcode {
            frame::PING => self.on_ping(&message),
            frame::CLOSE => self.on_close(&message),
            _ => None,
        };
        let Message {
            opcode,
            payload,
            findings,
            ..
        } = message;
        let kind = kind.unwrap_or_else(|| match opcode {
            frame::TEXT => EventKind::Text(payload),
            frame::BINARY => EventKind::Binary(payload),
            frame::PING => EventKind::Ping(payload),
            frame::PONG => EventKind::Pong(payload),
            _ => EventKind::Unknown { opcode, payload },
        });
        Some(LinkEvent {
            at: self.last_read,
            kind,
            frames,
            findings,
        })
    }

    fn on_ping(&mut self, ping: &Message) -> Option<EventKind> {
        // A ping that is too long has no legal answer.
        let answer = self.auto_pong
            && !self.close_sent
            && ping.payload.len() <= 125
            && self.broken.is_none();
        if answer && self.out.len() >= PONG_BACKLOG {
            self.pongs_dropped += 1;
        } else if answer {
            self.queue(frame::PONG, &ping.payload);
        }
        None
    }

    fn on_close(&mut self, close: &Message) -> Option<EventKind> {
        let (code, reason) = close.close_parts();
        self.close_seen = true;
        if self.auto_close && !self.close_sent && self.broken.is_none() {
            // A code that must not be sent is not echoed; 1002 is the answer to a protocol error (RFC 6455 7.4.1).
            let echo = code.map(|code| {
                if frame::close_code_allowed(code) {
                    code
                } else {
                    1002
                }
            });
            self.queue(frame::CLOSE, &close_payload(echo, &[]));
        }
        // The server ends the TCP connection first (RFC 6455 7.1.1).
        if self.auto_close && self.side == Side::Server && self.shutdown == Shutdown::Open {
            self.shutdown = Shutdown::Wanted;
        }
        Some(EventKind::Close {
            code,
            reason: reason.to_vec(),
        })
    }

    fn finish(&mut self, end: End, findings: Vec<Finding>) -> LinkEvent {
        self.end = Some(end.clone());
        LinkEvent {
            at: self.last_read,
            kind: EventKind::Ended(end),
            frames: 0,
            findings,
        }
    }
}

impl<S: AsyncStream> Connection<S> {
    /// Drops the connection without a close frame, as rudely as the transport can: a TCP reset. What waits is lost.
    pub fn cut(mut self) {
        self.stream.prepare_cut();
    }

    /// Who is across, if the transport knows.
    pub fn peer(&self) -> Option<String> {
        self.stream.peer()
    }
}

fn end_of(error: &io::Error) -> End {
    match error.kind() {
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => End::Reset,
        _ => End::Error(error.to_string()),
    }
}
