//! Coverage-guided fuzzing of what reads hostile bytes: the targets, and the mutator for those that read messages.

pub mod mutator;
mod targets;

pub use targets::*;
