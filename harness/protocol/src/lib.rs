//! OCPP itself: frames, message catalogues, validation, generation, lossless JSON and the statement catalogue.
//!
//! Nothing here does I/O, and nothing here is async: text, bytes and times come in as values.

pub mod capabilities;
pub mod catalogue;
pub mod configuration;
mod decimal;
pub mod errors;
pub mod explain;
pub mod frame;
pub mod generate;
pub mod json;
pub mod official;
pub mod overlay;
pub mod statements;
pub mod stimulus;
pub mod time;
pub mod validate;
mod version;

pub use time::Timestamp;
pub use version::{Role, Version};
