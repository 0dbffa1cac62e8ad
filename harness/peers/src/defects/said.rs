//! A message on its way out, as a defective device sees it.

use serde_json::Value;

use super::heard::Heard;

/// A message on its way out.
pub(crate) struct Said<'a> {
    pub(super) text: &'a str,
    pub(super) frame: Value,
    /// What came in just before.
    pub(super) question: Option<&'a Heard>,
}

impl<'a> Said<'a> {
    pub(super) fn read(text: &'a str, question: Option<&'a Heard>) -> Said<'a> {
        Said { text, frame: serde_json::from_str(text).unwrap_or_default(), question }
    }

    pub(super) fn is_error(&self) -> bool {
        self.frame[0] == 4
    }
}

/// Id and action, if the text is a call.
pub(super) fn call(text: &str) -> Option<(String, String)> {
    let frame: Value = serde_json::from_str(text).ok()?;
    let is_call = frame[0] == 2;
    is_call.then(|| Some((frame[1].as_str()?.to_owned(), frame[2].as_str()?.to_owned())))?
}
