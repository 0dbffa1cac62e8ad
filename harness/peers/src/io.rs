//! What goes into a peer and what comes out of it.

use std::fmt;

use protocol::stimulus::Stimulus;

/// Something that happens to a peer.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// The WebSocket is open; the subprotocol is the one the server chose.
    Connected {
        /// `None` if the handshake ended without a subprotocol.
        subprotocol: Option<String>,
    },
    /// The connection that was asked for did not come about (a station only).
    ConnectFailed {
        /// What stood in the way, for logs.
        reason: String,
    },
    /// The WebSocket is gone, whoever ended it.
    Disconnected,
    /// A text message from the other side.
    Text(&'a [u8]),
    /// Something is done to the device from outside the wire; answered by [`Output::StimulusDone`].
    Stimulus(&'a Stimulus),
    /// A look at the device from outside the wire; answered by [`Output::Observed`]. The verb is one of
    /// [`protocol::stimulus::OBSERVATIONS`].
    Observe(&'a Stimulus),
}

/// Something on a link that is no text message. Whoever carries the bytes tells the device of it, and the device
/// decides what becomes of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddity<'a> {
    /// A binary message, which OCPP does not have.
    Binary(&'a [u8]),
    /// A ping. Whoever carries the bytes has answered it already, if [`crate::Device::answers_pings`].
    Ping(&'a [u8]),
    /// A text message that is not UTF-8.
    NotUtf8,
    /// A frame with a reserved bit set.
    ReservedBits,
    /// Another breach of RFC 6455.
    ProtocolError,
    /// A frame or message longer than whoever carries the bytes takes.
    TooLong,
}

impl Oddity<'_> {
    /// The code with which a WebSocket is failed over it (RFC 6455, section 7.4.1); `None` if it goes on.
    pub(crate) fn close_code(self) -> Option<u16> {
        match self {
            Oddity::Binary(_) | Oddity::Ping(_) => None,
            Oddity::NotUtf8 => Some(1007),
            Oddity::ReservedBits | Oddity::ProtocolError => Some(1002),
            Oddity::TooLong => Some(1009),
        }
    }
}

/// What a peer wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Open the WebSocket (a station only).
    Connect,
    /// Send this text message.
    Send(String),
    /// Close the WebSocket with this status code.
    Close {
        /// A code of RFC 6455, section 7.4.
        code: u16,
    },
    /// Drop the TCP connection without a closing handshake.
    Cut,
    /// The oldest stimulus not yet answered for was carried out, or not. Of several outputs of one input this
    /// is the last one; a call that waits for its turn is confirmed when it is put on the wire.
    StimulusDone(Result<(), Refusal>),
    /// The answer to [`Input::Observe`]; `None` if the device cannot tell.
    Observed(Option<bool>),
}

/// Why a stimulus was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The device has no way to do this at all, as opposed to not now.
    pub undrivable: bool,
    /// The reason, as a sentence.
    pub reason: String,
}

impl Refusal {
    /// A refusal because the device cannot do this at all.
    pub fn never(reason: impl Into<String>) -> Refusal {
        Refusal { undrivable: true, reason: reason.into() }
    }

    /// A refusal because of the state the device is in.
    pub fn not_now(reason: impl Into<String>) -> Refusal {
        Refusal { undrivable: false, reason: reason.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// How a CSMS answers an opening handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandshakeAnswer {
    /// Upgrade to WebSocket.
    Accept {
        /// The subprotocol to answer; `None` completes the handshake without one, and the CSMS closes once it
        /// is told [`Input::Connected`].
        subprotocol: Option<String>,
    },
    /// Refuse the upgrade.
    Refuse {
        /// The HTTP status: 404 for a stranger, 401 for bad credentials.
        status: u16,
    },
}
