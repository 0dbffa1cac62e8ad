//! The wire layer towards a device under test: handshake, frames, recorded bytes, in-memory pipes.
//!
//! A tester has to see everything a device puts on the wire and has to be able to put anything there itself.
//! A WebSocket library made for applications forbids the one and hides the other, so this crate speaks RFC 6455 on
//! its own. What a peer does wrong never becomes an error here: it becomes a [`Finding`] beside the thing observed,
//! and the connection goes on as long as the bytes can still be told apart.
//!
//! * [`handshake`]: HTTP upgrade as a client (we are the station) and as a server (we are the CSMS).
//! * [`Connection`]: messages and control frames after the handshake, over any byte stream.
//! * [`frame`]: the codec below, free of I/O.
//! * [`dial`] and [`memory`]: where byte streams come from: TCP, or pipes inside the process.
//! * [`tap`]: a byte recorder around any stream.
//!
//! Nothing here starts a task or reads a clock other than tokio's, so everything runs under a paused clock too.

mod connection;
pub mod dial;
mod event;
mod finding;
pub mod frame;
pub mod handshake;
mod limits;
pub mod memory;
mod random;
mod stream;
pub mod tap;
pub mod url;

pub use connection::{Connection, SendError};
pub use event::{End, EventKind, LinkEvent};
pub use finding::{Finding, FindingKind};
pub use limits::Limits;
pub use stream::{AsyncStream, Side, Stream};
pub use url::Url;
