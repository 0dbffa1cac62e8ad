//! Every reporter on one run in which everything happens that can.

mod fanout;
mod fixture;
mod hostile;
mod json_lines;
mod junit;
mod secrets;
mod snapshots;
mod trace;
