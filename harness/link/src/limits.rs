//! How much of a peer we are willing to hold in memory.

use std::time::Duration;

/// Bounds on what one peer can make us store.
///
/// OCPP itself sets no maximum frame or message size, so reaching one of these is never a defect of the
/// device: it is our decision to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Longest payload of one frame, in bytes.
    pub frame: usize,
    /// Longest reassembled message, in bytes.
    pub message: usize,
    /// Longest HTTP head (start line and headers), in bytes.
    pub head: usize,
    /// Most bytes of an HTTP body that are kept; the rest is left unread.
    pub body: usize,
    /// How long the body of an HTTP answer is waited for. What came until then is kept.
    pub body_wait: Duration,
    /// Bytes that may wait for a peer that does not read. One message may go beyond; the next is refused.
    pub backlog: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame: 16 << 20,
            message: 16 << 20,
            head: 64 << 10,
            body: 64 << 10,
            body_wait: Duration::from_secs(2),
            backlog: 32 << 20,
        }
    }
}
