//! Consumers of the event stream: one [`Reporter`] a file or folder, told of every [`verdict::RunEvent`] by the
//! [`Fanout`], which takes the secrets out first.
//!
//! To add a report: a file beside `markdown.rs` with a pure function from a [`Run`] to text, and a constructor that
//! hands it to [`Document`]; or, for what is written while the run goes on, a [`Reporter`] of its own like
//! `json_lines.rs`.

mod details;
mod document;
mod fanout;
mod file;
mod groups;
pub mod html;
pub mod json_lines;
pub mod junit;
pub mod markdown;
mod reporter;
mod run;
mod status;
pub mod terminal;
pub mod trace;
mod transcript;

pub use document::Document;
pub use fanout::Fanout;
pub use reporter::{ReportError, Reporter};
pub use run::{Ended, Run};

/// What every report says about whose it is not.
pub const DISCLAIMER: &str =
    "Plugfest is not affiliated with the Open Charge Alliance; this report is no substitute for its certification.";
