//! The HTTP upgrade in front of a WebSocket, fully visible and steerable from both ends.

mod answer;
mod basic;
mod client;
mod head;
mod headers;
mod request;
mod server;
mod subprotocol;

pub use answer::Answer;
pub use basic::BasicCredentials;
pub use client::{ClientOutcome, ClientRequest, connect, read_answer};
pub use head::HandshakeError;
pub use headers::{Headers, accept_key};
pub use request::Request;
pub use server::{AnswerDraft, Incoming, read_request};
pub use subprotocol::{KNOWN_SUBPROTOCOLS, ServerChoice, identity_allowed_2x, server_choice, server_choice_judged};
