//! Reference station and CSMS as state machines without I/O, and their seeded faults.
//!
//! A peer takes an [`Input`] and the time, and gives back [`Output`]s; it knows no socket and no clock, so the
//! same code serves a real network, an in-memory link and a virtual clock. Clean peers keep to the
//! specification; a peer made with a [`Fault`] breaks exactly the statement that the fault names.

mod csms;
mod defects;
mod device;
mod exchange;
mod faults;
mod fetch;
mod frames;
mod io;
#[cfg(test)]
mod pair;
mod power;
mod registration;
mod settings;
mod station;
mod uplink;
mod v201;

pub use csms::Csms;
pub use device::{Device, Dial, Order, Orders, Seen, Told};
pub use faults::{Fault, FaultInfo, NoticedBy, faults};
pub use fetch::Fetch;
pub use io::{HandshakeAnswer, Input, Oddity, Output, Refusal};
pub use settings::{CsmsSettings, StationSettings, Token, configurations};
pub use station::Station;
