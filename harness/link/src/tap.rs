//! A byte recorder around any stream: the evidence below the messages.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::AsyncStream;

/// Which way bytes went, seen from us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the peer.
    In,
    /// To the peer.
    Out,
}

/// Bytes that passed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// When.
    pub at: Instant,
    /// Which way.
    pub direction: Direction,
    /// Offset of the first byte among all bytes of this direction.
    pub offset: u64,
    /// The bytes. They are not redacted: a handshake carries the password.
    pub bytes: Vec<u8>,
}

/// What one or more [`Tap`]s recorded: a ring that drops its oldest bytes. Clones share it.
#[derive(Debug, Clone)]
pub struct Recorder(Arc<Mutex<Ring>>);

#[derive(Debug)]
struct Ring {
    chunks: VecDeque<Chunk>,
    limit: usize,
    held: usize,
    dropped: u64,
    passed_in: u64,
    passed_out: u64,
}

/// Each chunk costs this many bytes of the limit beyond its content, so that single bytes cannot pile up either.
const CHUNK_COST: usize = size_of::<Chunk>();

impl Recorder {
    /// A recorder that holds at most about `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Mutex::new(Ring {
            chunks: VecDeque::new(),
            limit,
            held: 0,
            dropped: 0,
            passed_in: 0,
            passed_out: 0,
        })))
    }

    /// A copy of what is held, oldest first.
    #[must_use]
    pub fn chunks(&self) -> Vec<Chunk> {
        self.ring().chunks.iter().cloned().collect()
    }

    /// All held bytes of one direction in a row.
    #[must_use]
    pub fn bytes(&self, direction: Direction) -> Vec<u8> {
        let ring = self.ring();
        ring.chunks.iter().filter(|chunk| chunk.direction == direction).flat_map(|chunk| chunk.bytes.clone()).collect()
    }

    /// How many bytes were dropped because the ring was full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.ring().dropped
    }

    /// How many bytes passed in one direction, held or not.
    #[must_use]
    pub fn passed(&self, direction: Direction) -> u64 {
        let ring = self.ring();
        match direction {
            Direction::In => ring.passed_in,
            Direction::Out => ring.passed_out,
        }
    }

    fn record(&self, direction: Direction, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.ring().record(direction, bytes);
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        // The ring is consistent between statements, so a panic elsewhere while it was held spoils nothing.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn record(&mut self, direction: Direction, bytes: &[u8]) {
        let passed = match direction {
            Direction::In => &mut self.passed_in,
            Direction::Out => &mut self.passed_out,
        };
        let mut offset = *passed;
        *passed += bytes.len() as u64;
        let room = self.limit.saturating_sub(CHUNK_COST);
        let cut = bytes.len().saturating_sub(room);
        offset += cut as u64;
        self.dropped += cut as u64;
        let kept = &bytes[cut..];
        if kept.is_empty() {
            return;
        }
        self.held += kept.len() + CHUNK_COST;
        self.chunks.push_back(Chunk { at: Instant::now(), direction, offset, bytes: kept.to_vec() });
        while self.held > self.limit {
            let Some(oldest) = self.chunks.pop_front() else {
                break;
            };
            self.held -= oldest.bytes.len() + CHUNK_COST;
            self.dropped += oldest.bytes.len() as u64;
        }
    }
}

/// A stream whose bytes are recorded, if there is a recorder.
#[derive(Debug)]
pub struct Tap<S> {
    stream: S,
    recorder: Option<Recorder>,
}

impl<S> Tap<S> {
    /// Records into `recorder`; with `None` it only passes through.
    pub fn new(stream: S, recorder: Option<Recorder>) -> Self {
        Self { stream, recorder }
    }

    /// The recorder.
    pub fn recorder(&self) -> Option<&Recorder> {
        self.recorder.as_ref()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if let (Some(recorder), Poll::Ready(Ok(()))) = (&self.recorder, &polled) {
            recorder.record(Direction::In, &buf.filled()[before..]);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        if let (Some(recorder), Poll::Ready(Ok(written))) = (&self.recorder, &polled) {
            recorder.record(Direction::Out, &buf[..*written]);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: AsyncStream> AsyncStream for Tap<S> {
    fn prepare_cut(&mut self) {
        self.stream.prepare_cut();
    }

    fn peer(&self) -> Option<String> {
        self.stream.peer()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_drops_its_oldest_bytes_and_counts_them() {
        let recorder = Recorder::new(3 * CHUNK_COST + 30);
        for byte in 0..10 {
            recorder.record(Direction::In, &[byte; 10]);
        }
        recorder.record(Direction::Out, b"0123456789");
        let chunks = recorder.chunks();
        assert_eq!(chunks.iter().map(|chunk| chunk.offset).collect::<Vec<_>>(), [80, 90, 0]);
        assert_eq!(recorder.dropped(), 80);
        assert_eq!((recorder.passed(Direction::In), recorder.passed(Direction::Out)), (100, 10));
    }

    #[test]
    fn a_chunk_larger_than_the_ring_keeps_its_end() {
        let recorder = Recorder::new(CHUNK_COST + 4);
        recorder.record(Direction::In, b"0123456789");
        assert_eq!(recorder.bytes(Direction::In), b"6789");
        assert_eq!((recorder.chunks()[0].offset, recorder.dropped()), (6, 6));
        let nothing = Recorder::new(0);
        nothing.record(Direction::In, b"abc");
        assert_eq!((nothing.chunks().len(), nothing.dropped()), (0, 3));
    }
}
