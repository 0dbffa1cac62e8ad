//! The case language: reader, checker, formatter, diagrams.

pub mod ast;
mod fmt;
mod library;
pub mod reader;
pub mod yaml;

pub use fmt::format;
pub use library::Library;
pub use reader::read;

/// The classes of time that a rig sets: deadlines of a case can be given by them.
pub const TIME_CLASSES: [&str; 8] = ["reply", "step", "operator", "reconnect", "reboot", "transfer", "clock", "grace"];
