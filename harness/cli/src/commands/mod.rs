//! One file a command.

pub(crate) mod explain;
pub(crate) mod init;
pub(crate) mod list;
pub(crate) mod mutants;
pub(crate) mod run;
