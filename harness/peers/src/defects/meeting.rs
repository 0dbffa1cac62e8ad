//! Which things that are no text messages a defect bites on.

use super::Effect;
use crate::Oddity;

pub(super) fn is_long_ping(oddity: Oddity<'_>) -> bool {
    matches!(oddity, Oddity::Ping(payload) if payload.len() > 100)
}

pub(super) fn text_in_bytes(oddity: Oddity<'_>) -> Option<Effect> {
    let Oddity::Binary(bytes) = oddity else { return None };
    std::str::from_utf8(bytes).is_ok().then(|| Effect::Misread(bytes.to_vec()))
}

pub(super) fn is_binary_garbage(oddity: Oddity<'_>) -> bool {
    matches!(oddity, Oddity::Binary(bytes) if std::str::from_utf8(bytes).is_err())
}
