//! The byte streams a connection runs on.

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpStream;

/// Which end of a WebSocket. The station is the client, the CSMS the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The end that asked for the connection; it masks what it sends.
    Client,
    /// The end that answered; it does not mask.
    Server,
}

impl Side {
    /// The end across.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// A byte stream with what a tester needs beyond reading and writing. TLS streams join by implementing it.
pub trait AsyncStream: AsyncRead + AsyncWrite + Unpin + Send {
    /// Makes the coming drop as rude as the transport can be: a reset where TCP allows it. Does nothing elsewhere.
    fn prepare_cut(&mut self) {}

    /// Who is across, for reports: `127.0.0.1:50312`, or `memory`.
    fn peer(&self) -> Option<String> {
        None
    }
}

/// Any stream, when it does not matter which.
pub type Stream = Box<dyn AsyncStream>;

impl AsyncStream for Stream {
    fn prepare_cut(&mut self) {
        (**self).prepare_cut();
    }

    fn peer(&self) -> Option<String> {
        (**self).peer()
    }
}

impl AsyncStream for TcpStream {
    fn prepare_cut(&mut self) {
        // If the option cannot be set the peer sees an ordinary end instead of a reset, which is still a cut.
        let _ = self.set_zero_linger();
    }

    fn peer(&self) -> Option<String> {
        self.peer_addr().ok().map(|address| address.to_string())
    }
}

impl AsyncStream for DuplexStream {
    fn peer(&self) -> Option<String> {
        Some("memory".to_owned())
    }
}
