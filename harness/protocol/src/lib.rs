//! OCPP itself: frames, message catalogues, validation, generation, lossless JSON and the statement catalogue.
//!
//! Nothing here does I/O, and nothing here is async: text, bytes and times come in as values.

pub mod stimulus;
pub mod time;
mod version;

pub use time::Timestamp;
pub use version::{Role, Version};
