//! Projection of a case on a side, player, drivers and runner.
//!
//! A case is compiled into a [`program::Program`] for one side of the device, one version and one answer to every
//! choice of ours. The [`player::Player`] plays it as a state machine without I/O; [`runner`] moves bytes and time.

pub mod canary;
pub mod clock;
pub mod doctor;
mod door;
pub mod drivers;
pub mod embedded;
pub mod judge;
mod leaf;
pub mod mutants;
pub mod pattern;
pub mod player;
pub mod program;
pub mod rig;
pub mod runner;
mod scope;
pub mod selfplay;
pub mod standin;
pub mod suite;
mod tree;

/// Bytes as base64.
pub(crate) fn base64(bytes: &[u8]) -> String {
    use ::base64::Engine as _;
    ::base64::engine::general_purpose::STANDARD.encode(bytes)
}
