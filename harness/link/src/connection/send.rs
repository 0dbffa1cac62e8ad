//! Sending: legal messages, illegal frames, bare bytes.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Connection, LARGEST_READ, Shutdown};
use crate::Side;
use crate::frame::{self, Head, LengthForm, RawFrame, close_payload, encode_parts};

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

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
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
        self.send(frame::CLOSE, &close_payload(code, reason.as_bytes())).await
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
            return Err(SendError::Backlog { waiting: self.out.len(), limit: self.backlog_limit });
        }
        Ok(())
    }

    pub(super) fn queue(&mut self, opcode: u8, payload: &[u8]) {
        let mask = match self.side {
            Side::Client => Some(self.random.mask()),
            Side::Server => None,
        };
        let length = payload.len() as u64;
        let head = Head { fin: true, rsv: 0, opcode, mask };
        encode_parts(&mut self.out, head, LengthForm::minimal(length), length, payload);
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

    pub(super) fn progress_writes(&mut self, cx: &mut Context<'_>) {
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
}
