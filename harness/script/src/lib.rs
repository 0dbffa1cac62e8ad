//! The case language: reader, checker, formatter, diagrams.

pub mod ast;
mod library;

pub use library::Library;
