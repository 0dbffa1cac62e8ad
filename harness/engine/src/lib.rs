//! Projection of a case on a side, player, drivers and runner.

pub mod drivers;
pub mod rig;
