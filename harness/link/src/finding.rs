//! What a peer did against a rule of the wire.

use std::fmt;

/// One deviation that was observed on the wire. It is evidence, not a verdict: how grave it is, the judge decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which rule was broken.
    pub kind: FindingKind,
    /// What was seen, in words, without secrets.
    pub detail: String,
    /// Offset in the incoming bytes, counted from the start of the handshake or of the frames, where it was seen.
    pub at: u64,
    /// How often it happened within the same event; the detail is that of the first time.
    pub count: u32,
}

impl Finding {
    pub(crate) fn new(kind: FindingKind, at: u64, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), at, count: 1 }
    }

    /// Adds `self` to `list`, or counts it there if its kind is listed already, so that a list stays short whatever
    /// a peer sends.
    pub(crate) fn merge_into(self, list: &mut Vec<Self>) {
        match list.iter_mut().find(|known| known.kind == self.kind) {
            Some(known) => known.count = known.count.saturating_add(self.count),
            None => list.push(self),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.detail, self.kind.rule())?;
        if self.count > 1 {
            write!(f, ", {} times", self.count)?;
        }
        Ok(())
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $rule:literal;)*) => {
        /// The rules whose breach this crate notices. Ids are stable words.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum FindingKind {
            $($(#[$doc])* $name,)*
        }

        impl FindingKind {
            /// Every kind there is.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable id.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// The statement it rests on: an `R-` number, a section of an RFC, or `own limit`.
            #[must_use]
            pub fn rule(self) -> &'static str {
                match self { $(Self::$name => $rule,)* }
            }
        }
    };
}

kinds! {
    /// A length was written in more bytes than it needs.
    NonMinimalLength = "frame-length-not-minimal", "RFC 6455 5.2";
    /// The highest bit of a 64-bit length is set.
    LengthTopBit = "frame-length-top-bit", "RFC 6455 5.2";
    /// A reserved bit is set although no extension was negotiated.
    ReservedBits = "frame-reserved-bits", "RFC 6455 5.2";
    /// An opcode nobody has defined.
    ReservedOpcode = "frame-reserved-opcode", "RFC 6455 5.2";
    /// A control frame without FIN.
    FragmentedControl = "frame-control-fragmented", "RFC 6455 5.5";
    /// A control frame with more than 125 bytes.
    ControlTooLong = "frame-control-too-long", "RFC 6455 5.5";
    /// A client's frame without a mask.
    Unmasked = "frame-unmasked", "RFC 6455 5.1";
    /// A server's frame with a mask.
    Masked = "frame-masked", "RFC 6455 5.1";
    /// A continuation with nothing to continue.
    StrayContinuation = "frame-stray-continuation", "RFC 6455 5.4";
    /// A new message began inside an unfinished one.
    InterleavedData = "frame-interleaved-data", "RFC 6455 5.4";
    /// A text message that is not UTF-8.
    InvalidUtf8 = "text-not-utf8", "RFC 6455 8.1";
    /// A close frame with a one-byte body.
    CloseOneByte = "close-one-byte", "RFC 6455 5.5.1";
    /// A close code that must not appear on the wire.
    CloseCode = "close-code-not-allowed", "RFC 6455 7.4";
    /// A close reason that is not UTF-8.
    CloseReasonUtf8 = "close-reason-not-utf8", "RFC 6455 5.5.1";
    /// A data frame after the close frame of the same side.
    DataAfterClose = "data-after-close", "RFC 6455 5.5.1";
    /// A frame longer than we accept. Not a defect: OCPP sets no size.
    FrameOverLimit = "frame-over-limit", "own limit";
    /// A message longer than we accept. Not a defect: OCPP sets no size.
    MessageOverLimit = "message-over-limit", "own limit";

    /// The request's method is not GET.
    Method = "handshake-method", "RFC 6455 4.1";
    /// The HTTP version is below 1.1.
    HttpVersion = "handshake-http-version", "RFC 6455 4.1";
    /// No `Host` header.
    Host = "handshake-host", "RFC 6455 4.1";
    /// `Upgrade` is missing or does not say websocket.
    Upgrade = "handshake-upgrade", "RFC 6455 4.1";
    /// `Connection` is missing or does not contain Upgrade.
    ConnectionHeader = "handshake-connection", "RFC 6455 4.1";
    /// `Sec-WebSocket-Key` is missing or not 16 bytes in base64.
    Key = "handshake-key", "RFC 6455 4.1";
    /// `Sec-WebSocket-Version` is missing or not 13.
    WebSocketVersion = "handshake-version", "R-070";
    /// A header that may stand only once stands several times.
    DuplicateHeader = "handshake-duplicate-header", "RFC 6455 11.3";
    /// Bytes followed the request before it was answered.
    EarlyData = "handshake-early-data", "RFC 6455 4.1";
    /// No subprotocol was offered.
    SubprotocolNotOffered = "handshake-no-subprotocol-offered", "R-074";
    /// The offered subprotocols are not a list of distinct tokens.
    SubprotocolSyntax = "handshake-subprotocol-syntax", "RFC 6455 4.1";
    /// A subprotocol of OCPP in the wrong letter case.
    SubprotocolCase = "handshake-subprotocol-case", "R-074";
    /// The path does not end in a station identity.
    IdentityMissing = "identity-missing", "R-071";
    /// The station identity is not percent-encoded properly.
    IdentityEncoding = "identity-encoding", "R-071";
    /// `Authorization` is there but is not readable Basic authentication.
    Authorization = "authorization-syntax", "RFC 7617 2";
    /// The user of Basic authentication is not the station's identity.
    BasicUser = "authorization-user", "R-205";

    /// `Sec-WebSocket-Accept` is missing or wrong.
    Accept = "handshake-accept", "RFC 6455 4.2.2";
    /// A 101 without a subprotocol although one was offered: legal only when there is none in common.
    SubprotocolMissing = "handshake-subprotocol-missing", "R-076";
    /// A 101 with a subprotocol that was not offered.
    SubprotocolForeign = "handshake-subprotocol-foreign", "R-075";
    /// A 101 with more than one subprotocol.
    SubprotocolSeveral = "handshake-subprotocol-several", "R-075";
    /// A 101 with an extension that was not offered.
    ExtensionForeign = "handshake-extension-foreign", "RFC 6455 4.1";
    /// A 401 without `WWW-Authenticate`.
    Challenge = "handshake-challenge-missing", "RFC 9110 11.6.1";
}
