//! One file a command.

pub(crate) mod list;
pub(crate) mod run;
