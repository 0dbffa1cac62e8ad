//! Payloads from a stream of choices: valid ones, and ones with exactly one violation.
//!
//! The same choices give the same payload, so a seed, a file of a fuzzer or a shrinking strategy can all drive it.

mod choices;
mod mutation;
mod plausible;
mod value;

pub use choices::{Bytes, Choices, Seeded, one_in, pick};
pub use mutation::{Mutation, break_in, break_one, break_with, broken, mutations, with_path};
pub use value::{minimal, minimal_at, valid, valid_at};
