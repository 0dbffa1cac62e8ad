//! Reading an HTTP head with bounds.

use std::io;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::headers::quoted;

/// Why there is nothing to look at: no readable HTTP head came, or the transport failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The peer ended its bytes before the head was complete.
    #[error("the peer closed after {} bytes of its handshake: {}", received.len(), quoted(received))]
    EndedEarly {
        /// What came.
        received: Vec<u8>,
    },
    /// The head is longer than we accept.
    #[error("the head of the handshake goes beyond {limit} bytes or {MAX_HEADERS} headers")]
    HeadTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// These bytes are not HTTP.
    #[error("this is not HTTP ({problem}): {}", quoted(received))]
    NotHttp {
        /// What is wrong.
        problem: String,
        /// What came, at most a head's length.
        received: Vec<u8>,
    },
    /// The transport failed.
    #[error("the connection failed during the handshake: {0}")]
    Io(#[from] io::Error),
}

/// Most header fields of one head.
pub(crate) const MAX_HEADERS: usize = 128;

/// Reads up to and including the empty line. What came behind it stays in `buffer`.
pub(crate) async fn read_head<S: AsyncRead + Unpin>(
    stream: &mut S,
    buffer: &mut BytesMut,
    limit: usize,
    plausible: fn(&[u8]) -> Result<(), &'static str>,
) -> Result<BytesMut, HandshakeError> {
    let mut searched = 0;
    loop {
        if let Err(problem) = plausible(buffer) {
            return Err(not_http(problem, buffer));
        }
        if let Some(end) = head_end(buffer, searched) {
            if end > limit {
                return Err(HandshakeError::HeadTooLarge { limit });
            }
            return Ok(buffer.split_to(end));
        }
        if buffer.len() > limit {
            return Err(HandshakeError::HeadTooLarge { limit });
        }
        // The end can begin at most two bytes before what comes next.
        searched = buffer.len().saturating_sub(2);
        buffer.reserve(2048);
        if stream.read_buf(buffer).await? == 0 {
            return Err(HandshakeError::EndedEarly { received: buffer.to_vec() });
        }
    }
}

pub(crate) fn not_http(problem: impl Into<String>, received: &[u8]) -> HandshakeError {
    HandshakeError::NotHttp { problem: problem.into(), received: received.to_vec() }
}

/// Index behind the first empty line that is not at the very start (blank lines in front are tolerated there).
fn head_end(buffer: &[u8], from: usize) -> Option<usize> {
    let start = buffer.iter().position(|byte| !matches!(byte, b'\r' | b'\n'))?;
    let mut at = from.max(start);
    loop {
        at += buffer.get(at..)?.iter().position(|byte| *byte == b'\n')?;
        match buffer.get(at + 1..)? {
            [b'\n', ..] => return Some(at + 2),
            [b'\r', b'\n', ..] => return Some(at + 3),
            _ => at += 1,
        }
    }
}

/// Reads a body into memory up to `limit`: by its length, by its chunks, or to the end of the stream. The flag says
/// whether it was complete.
pub(crate) async fn read_body<S: AsyncRead + Unpin>(
    stream: &mut S,
    mut buffer: BytesMut,
    length: BodyLength,
    limit: usize,
    body: &mut Vec<u8>,
) -> bool {
    loop {
        let done = match length {
            BodyLength::Known(length) => {
                let missing = length.saturating_sub(body.len() as u64).min(usize::MAX as u64) as usize;
                take(&mut buffer, missing, limit, body);
                body.len() as u64 >= length
            }
            BodyLength::ToTheEnd => {
                take(&mut buffer, usize::MAX, limit, body);
                false
            }
            BodyLength::Chunked => match take_chunks(&mut buffer, limit, body) {
                Chunks::More => false,
                Chunks::Done => true,
                Chunks::Broken => return false,
            },
        };
        if done {
            return true;
        }
        if body.len() >= limit || buffer.len() > limit {
            return false;
        }
        buffer.reserve(2048);
        match stream.read_buf(&mut buffer).await {
            Ok(0) => return length == BodyLength::ToTheEnd,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyLength {
    Known(u64),
    Chunked,
    ToTheEnd,
}

enum Chunks {
    More,
    Done,
    Broken,
}

fn take(buffer: &mut BytesMut, wanted: usize, limit: usize, body: &mut Vec<u8>) {
    let count = buffer.len().min(wanted).min(limit - body.len().min(limit));
    body.extend_from_slice(&buffer[..count]);
    buffer.advance(count);
}

fn take_chunks(buffer: &mut BytesMut, limit: usize, body: &mut Vec<u8>) -> Chunks {
    loop {
        let (head, length) = match httparse::parse_chunk_size(buffer) {
            Ok(httparse::Status::Complete(read)) => read,
            Ok(httparse::Status::Partial) => return Chunks::More,
            Err(_) => return Chunks::Broken,
        };
        if length == 0 {
            return Chunks::Done;
        }
        let Ok(length) = usize::try_from(length) else {
            return Chunks::Broken;
        };
        if length > limit {
            let rest = buffer.len().min(head);
            buffer.advance(rest);
            take(buffer, length, limit, body);
            return Chunks::Broken;
        }
        if buffer.len() < head + length + 2 {
            return Chunks::More;
        }
        buffer.advance(head);
        let before = body.len();
        take(buffer, length, limit, body);
        let taken = body.len() - before;
        buffer.advance(length - taken + 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_head_is_found_wherever_reading_paused() {
        let head = b"\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\nrest";
        for from in 0..27 {
            assert_eq!(head_end(head, from), Some(head.len() - 4), "{from}");
        }
        assert_eq!(head_end(b"A\n\nx", 0), Some(3));
        assert_eq!(head_end(b"\r\n\r\n", 0), None);
        assert_eq!(head_end(b"A\r\n", 0), None);
        assert_eq!(head_end(b"A\r\n\r", 0), None);
    }
}
