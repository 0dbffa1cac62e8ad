//! The case language: reader, checker, formatter, diagrams.

pub mod ast;
pub mod background;
mod check;
mod diagram;
mod fmt;
mod library;
pub mod obligations;
mod procedures;
pub mod reader;
mod schema;
pub mod yaml;

pub use check::{CODES as CHECKER_CODES, check, check_document};
pub use diagram::{diagram, page};
pub use fmt::format;
pub use library::Library;
pub use procedures::Procedure;
pub use reader::read;
pub use schema::schema;

/// The tokens that every rig has; it may name more.
pub const RIG_TAGS: [&str; 8] = ["valid", "valid2", "group", "other", "blocked", "expired", "invalid", "unknown"];

/// The classes of time that a rig sets: deadlines of a case can be given by them.
pub const TIME_CLASSES: [&str; 8] = ["reply", "step", "operator", "reconnect", "reboot", "transfer", "clock", "grace"];
