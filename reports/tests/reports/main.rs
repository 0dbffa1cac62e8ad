//! Every reporter on one run in which everything happens that can.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test fail the test")]

mod fanout;
mod fixture;
mod hostile;
mod json_lines;
mod junit;
mod secrets;
mod snapshots;
mod trace;
