//! A message on its way out, as a defective device sees it.

use serde_json::Value;

use super::heard::Heard;

/// A message on its way out.
pub(super) struct Said<'a> {
    pub(super) text: &'a str,
    pub(super) frame: Value,
    /// What came in just before.
    pub(super) question: Option<&'a Heard>,
    /// The other stations that are connected.
    pub(super) others: &'a [String],
}

impl<'a> Said<'a> {
    pub(super) fn read(text: &'a str, question: Option<&'a Heard>, others: &'a [String]) -> Said<'a> {
        Said { text, frame: serde_json::from_str(text).unwrap_or_default(), question, others }
    }

    pub(super) fn is_error(&self) -> bool {
        self.frame[0] == 4
    }

    pub(super) fn is_answer(&self) -> bool {
        self.frame[0] == 3 || self.is_error()
    }

    pub(super) fn id(&self) -> &str {
        self.frame[1].as_str().unwrap_or("")
    }

    /// The same message with another element in this place.
    pub(super) fn with(&self, at: usize, element: Value) -> Vec<String> {
        let mut frame = self.frame.clone();
        if let Some(place) = frame.get_mut(at) {
            *place = element;
        }
        vec![frame.to_string()]
    }
}

/// Id and action, if the text is a call.
pub(super) fn call(text: &str) -> Option<(String, String)> {
    let frame: Value = serde_json::from_str(text).ok()?;
    (frame[0] == 2).then_some(())?;
    Some((frame[1].as_str()?.to_owned(), frame[2].as_str()?.to_owned()))
}
