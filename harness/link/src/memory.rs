//! A network inside the process: devices connect without sockets, and virtual time works.

use std::io;

use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;

use crate::dial::{Boxed, Dial, DialError, Listen};
use crate::{Stream, Url};

/// Bytes a pipe holds per direction before the writer has to wait, like a small socket buffer.
const PIPE: usize = 64 << 10;
/// Connections that may wait to be accepted.
const PENDING: usize = 64;

/// A listener and the dialler that reaches it.
#[must_use]
pub fn network() -> (MemoryDialer, MemoryListener) {
    let (sender, receiver) = mpsc::channel(PENDING);
    (MemoryDialer { sender }, MemoryListener { receiver })
}

/// Opens pipes to the listener it was made with, whatever the address. Clones reach the same listener.
#[derive(Debug, Clone)]
pub struct MemoryDialer {
    sender: mpsc::Sender<DuplexStream>,
}

impl MemoryDialer {
    /// Opens a pipe.
    ///
    /// # Errors
    /// When the listener is gone.
    pub async fn connect(&self) -> Result<DuplexStream, DialError> {
        let (ours, theirs) = duplex(PIPE);
        self.sender.send(theirs).await.map_err(|_| DialError::Connect {
            address: "memory".to_owned(),
            error: io::Error::from(io::ErrorKind::ConnectionRefused),
        })?;
        Ok(ours)
    }
}

impl Dial for MemoryDialer {
    fn dial<'a>(&'a self, _url: &'a Url) -> Boxed<'a, Result<Stream, DialError>> {
        Box::pin(async move { Ok(Box::new(self.connect().await?) as Stream) })
    }
}

/// Takes the pipes its dialler opens.
#[derive(Debug)]
pub struct MemoryListener {
    receiver: mpsc::Receiver<DuplexStream>,
}

impl MemoryListener {
    /// The next pipe. Cancel-safe.
    ///
    /// # Errors
    /// When every dialler is gone, so that none can come.
    pub async fn accept_pipe(&mut self) -> Result<DuplexStream, DialError> {
        let gone = || DialError::Accept(io::Error::new(io::ErrorKind::NotConnected, "every dialler is gone"));
        self.receiver.recv().await.ok_or_else(gone)
    }
}

impl Listen for MemoryListener {
    fn accept(&mut self) -> Boxed<'_, Result<Stream, DialError>> {
        Box::pin(async move { Ok(Box::new(self.accept_pipe().await?) as Stream) })
    }

    fn url(&self) -> Url {
        Url { secure: false, host: "memory".to_owned(), port: 80, path: "/".to_owned() }
    }
}
