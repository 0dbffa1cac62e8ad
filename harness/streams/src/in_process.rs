//! Devices in the same process: for a coverage-guided fuzzer that runs a station's or a CSMS's own code.
//!
//! Whoever has an OCPP stack as a library implements [`InProcessDevice`] for it, and a fuzz target is one line:
//!
//! ```no_run
//! use streams::in_process::{fuzz_device, reference};
//! # let data: &[u8] = b"";
//! // libfuzzer_sys::fuzz_target!(|data: &[u8]|
//! fuzz_device::<reference::Csms16>(data);
//! // );
//! ```
//!
//! # What an input says
//!
//! One step a line. A line that begins with `!` is done; every other line is sent as it is, as one text message.
//!
//! | line | what it does |
//! |---|---|
//! | `[2,"1","Heartbeat",{}]` | is sent |
//! | `[3,"$id",{…}]` | answers the oldest open call of the device; `"$transactionId"` is the last one that the device told |
//! | `!answer` | answers the oldest open call of the device as it should be |
//! | `!hold` | leaves the calls of the device open until the next line is done |
//! | `!wait 30` | lets half a minute pass |
//! | `!cut`, `!connect` | the link goes, and comes back |
//! | `!plug in {"at":1}` | does something to the device from outside ([`protocol::stimulus::VERBS`]) |
//!
//! Calls of the device that the next line does not answer are answered as they should be before it is done, so a
//! short input gets far. Time is virtual: nothing waits.
//!
//! # What is a violation
//!
//! What breaks a MUST in every reading: a sound call without exactly one answer, a result where the message had to be
//! refused, messages that are malformed or do not fit their schema, and a device that afterwards does not answer any
//! more, be it on a new link.

mod play;
pub mod reference;
mod step;

use protocol::stimulus::Stimulus;
use protocol::{Role, Timestamp, Version};

pub use play::{Played, Violation, play};

/// When every sequence begins: 2026-01-01T12:00:00Z.
pub const BEGIN: Timestamp = Timestamp(1_767_268_800_000_000);

/// A device that is called instead of connected to. It has one link at a time, and starts anew for every input.
///
/// Whatever the device wants to put on its link goes into the [`Wire`], during any of the calls.
pub trait InProcessDevice: Sized {
    /// Which side it is.
    const ROLE: Role;
    /// The version it speaks.
    const VERSION: Version;

    /// A device that has just been switched on, with nothing remembered.
    fn power_on(now: Timestamp) -> Self;

    /// A link can be opened now, with the subprotocol of [`Self::VERSION`]; false if the device wants none at the
    /// moment, for a station that is still starting.
    fn connect(&mut self, now: Timestamp, wire: &mut Wire) -> bool;

    /// A text message.
    fn receive(&mut self, now: Timestamp, text: &[u8], wire: &mut Wire);

    /// The link is gone, whoever ended it.
    fn disconnect(&mut self, now: Timestamp, wire: &mut Wire);

    /// Time has passed.
    fn tick(&mut self, now: Timestamp, wire: &mut Wire);

    /// When it next wants to be ticked; `None` if nothing happens by itself.
    fn next_wakeup(&self) -> Option<Timestamp> {
        None
    }

    /// Something is done to it from outside the wire. What it has no way to do it leaves.
    fn stimulate(&mut self, _now: Timestamp, _stimulus: &Stimulus, _wire: &mut Wire) {}
}

/// Takes what a device wants done with its link.
#[derive(Debug, Default)]
pub struct Wire(Vec<Said>);

/// What a device does with its link.
#[derive(Debug)]
enum Said {
    Text(Vec<u8>),
    End,
}

impl Wire {
    /// Sends a text message.
    pub fn send(&mut self, text: impl Into<Vec<u8>>) {
        self.0.push(Said::Text(text.into()));
    }

    /// Ends the link, with or without a closing handshake.
    pub fn end(&mut self) {
        self.0.push(Said::End);
    }
}

/// Plays an input against a new device.
///
/// # Panics
///
/// If the device breaks a rule: that is how a fuzzer learns of it. The message names the rule and shows what was said.
#[expect(clippy::panic, reason = "this is how a fuzzer learns of a violation")]
pub fn fuzz_device<D: InProcessDevice>(data: &[u8]) {
    let mut device = D::power_on(BEGIN);
    if let Err(violation) = play(&mut device, data) {
        panic!("{violation}");
    }
}

#[cfg(test)]
mod tests;
