//! One file a command.

pub(crate) mod check;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod fmt;
pub(crate) mod fuzz;
pub(crate) mod init;
pub(crate) mod judge;
pub(crate) mod list;
pub(crate) mod mutants;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod show;
