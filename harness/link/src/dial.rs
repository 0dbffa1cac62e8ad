//! Where streams come from: a dialler for the station's side, a listener for the CSMS's. TLS joins by implementing
//! the two traits.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use crate::{Stream, Url};

/// A future behind a pointer, as object-safe traits need it.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Opens a stream to an address.
pub trait Dial: Send + Sync {
    /// Opens a stream; no WebSocket handshake yet.
    fn dial<'a>(&'a self, url: &'a Url) -> Boxed<'a, Result<Stream, DialError>>;
}

/// Waits for streams.
pub trait Listen: Send {
    /// The next stream that was opened towards us. Cancel-safe.
    fn accept(&mut self) -> Boxed<'_, Result<Stream, DialError>>;

    /// The base address peers use, without a path: `ws://127.0.0.1:9000`.
    fn url(&self) -> Url;
}

/// Why no stream came about.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The address asks for TLS.
    #[error("{0} asks for TLS, and TLS is not built into this version; use a ws:// address")]
    Tls(Url),
    /// Nobody took the connection.
    #[error("cannot connect to {address}: {error}")]
    Connect {
        /// Where.
        address: String,
        /// What the system said.
        error: io::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Bind {
        /// Where.
        address: String,
        /// What the system said.
        error: io::Error,
    },
    /// A stream could not be taken.
    #[error("cannot accept a connection: {0}")]
    Accept(io::Error),
}

/// Opens a TCP connection without delays for small packets.
///
/// # Errors
/// When the address wants TLS or nobody answers.
pub async fn connect(url: &Url) -> Result<TcpStream, DialError> {
    if url.secure {
        return Err(DialError::Tls(url.clone()));
    }
    let failed = |error| DialError::Connect { address: url.authority(), error };
    let stream = TcpStream::connect((url.host.as_str(), url.port)).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    Ok(stream)
}

/// Waits until somebody listens at a URL; `false` if nobody does within this time.
pub async fn await_listener(url: &Url, patience: Duration) -> bool {
    let attempt = async {
        let mut pause = Duration::from_millis(20);
        while connect(url).await.is_err() {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    };
    tokio::time::timeout(patience, attempt).await.is_ok()
}

/// Dials over plain TCP.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpDialer;

impl Dial for TcpDialer {
    fn dial<'a>(&'a self, url: &'a Url) -> Boxed<'a, Result<Stream, DialError>> {
        Box::pin(async move { Ok(Box::new(connect(url).await?) as Stream) })
    }
}

/// Listens on plain TCP.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Listens on `address`, `host:port`; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn bind(address: &str) -> Result<Self, DialError> {
        let failed = |error| DialError::Bind { address: address.to_owned(), error };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// The address that was taken.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next connection, without delays for small packets. Cancel-safe.
    ///
    /// # Errors
    /// When the system has none to give; the listener can be asked again.
    pub async fn accept_tcp(&mut self) -> Result<TcpStream, DialError> {
        let (stream, _) = self.listener.accept().await.map_err(DialError::Accept)?;
        stream.set_nodelay(true).map_err(DialError::Accept)?;
        Ok(stream)
    }
}

impl Listen for Listener {
    fn accept(&mut self) -> Boxed<'_, Result<Stream, DialError>> {
        Box::pin(async move { Ok(Box::new(self.accept_tcp().await?) as Stream) })
    }

    fn url(&self) -> Url {
        Url { secure: false, host: self.address.ip().to_string(), port: self.address.port(), path: "/".to_owned() }
    }
}
