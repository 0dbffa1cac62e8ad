//! The case language: reader with positions, checker, formatter, diagrams. No network.

pub mod ast;
