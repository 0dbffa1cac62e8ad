//! A WebSocket after its handshake: everything the peer does as events, anything at all to send.

mod receive;
mod send;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use crate::event::End;
use crate::frame::{Assembler, Decoder};
use crate::random::Random;
use crate::{AsyncStream, Limits, Side};

pub use send::SendError;

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

/// A quiet connection reads in pieces of this size.
const SMALLEST_READ: usize = 4 << 10;
/// Largest piece read at once, and largest empty buffer that is kept.
const LARGEST_READ: usize = 256 << 10;
