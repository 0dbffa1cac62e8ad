//! What a procedure does, as values: with these in its trace a case that is a procedure can be judged again.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something a procedure did that the rules watching the conversation depend on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "deed", rename_all = "snake_case")]
pub enum Deed {
    /// It called, under the next message id; the message is on its way, in whatever frames.
    Call {
        /// The action.
        action: String,
        /// The payload.
        payload: Value,
    },
    /// It sent raw text with the next message id in it; what answers that is for the procedure to judge.
    Text,
    /// It sent a frame that is no message: a ping or a pong.
    Control,
    /// It answers the next call with this action itself.
    Expect {
        /// The action.
        action: String,
    },
    /// It asked the CSMS under test for a call, without waiting for what comes of that.
    Ask {
        /// The action.
        action: String,
        /// The payload.
        payload: Value,
    },
    /// It answered a call of the device.
    Reply {
        /// The message id.
        id: String,
        /// The action.
        action: String,
        /// What the device had sent.
        request: Value,
        /// The result.
        result: Value,
    },
    /// It sent a close frame.
    Close {
        /// The code.
        code: Option<u16>,
    },
    /// It saw something that is only recommended otherwise.
    Warn {
        /// In words.
        text: String,
    },
    /// It is over.
    Done {
        /// Why it failed, if it did.
        failure: Option<Box<Failure>>,
    },
}

/// Why a procedure failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// Whose doing it is.
    pub blame: Blame,
    /// One line.
    pub title: String,
    /// What was to come.
    pub expected: String,
    /// What came.
    pub actual: String,
    /// The statement it rests on.
    pub statement: String,
    /// The bytes that show it, in words: `sent ping "a" (61)`.
    pub bytes: Vec<String>,
}

/// Whose doing a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    /// The device's.
    Device,
    /// Nobody's in particular: we did not get there.
    Circumstances,
    /// Ours.
    Harness,
}
