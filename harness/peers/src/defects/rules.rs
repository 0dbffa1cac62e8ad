//! Where each defect bites, and what it does then.

use protocol::validate::ViolationKind;
use serde_json::Value;

use super::Effect::{self, Close, Cut, Deafen, Die, DieAfter, Ignore, Reboot};
use super::heard::Heard;
use super::said::Said;
use crate::frames::Incoming;
use crate::{Fetch, Oddity};

/// A defect.
#[derive(Debug)]
pub(super) struct Rule {
    /// The id of its faults without the side.
    pub(super) name: &'static str,
    pub(super) bite: Bite,
}

/// Where a defect bites.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bite {
    /// On messages that come in: what that does to the device.
    Hearing(fn(&Heard) -> Option<Effect>),
    /// On what is no text message: what that does to the device, instead of what is right.
    Meeting(fn(Oddity<'_>) -> Option<Effect>),
    /// On messages that it sends: what leaves in their place; `None` leaves them alone.
    Saying(fn(&Said<'_>) -> Option<Vec<String>>),
}

use Bite::{Hearing, Meeting, Saying};

/// The defect behind a fault; `None` if it is in the peer itself.
pub(super) fn find(id: &str) -> Option<&'static Rule> {
    let (_, name) = id.split_once('-')?;
    RULES.iter().find(|rule| rule.name == name)
}

const fn rule(name: &'static str, bite: Bite) -> Rule {
    Rule { name, bite }
}

const RULES: &[Rule] = &[
    rule("ignores-pings", Meeting(|oddity| matches!(oddity, Oddity::Ping(_)).then_some(Ignore))),
    rule("dies-of-a-reserved-bit", Meeting(|oddity| (oddity == Oddity::ReservedBits).then_some(Die))),
    rule("dies-of-a-huge-frame", Meeting(|oddity| (oddity == Oddity::TooLong).then_some(Die))),
    rule("dies-of-text-that-is-not-utf8", Meeting(|oddity| (oddity == Oddity::NotUtf8).then_some(Die))),
    rule("cuts-the-link-on-a-damaged-frame", Meeting(|oddity| (oddity == Oddity::ProtocolError).then_some(Cut))),
    rule("closes-with-1011-on-a-long-ping", Meeting(|oddity| is_long_ping(oddity).then_some(Close(1011)))),
    rule("takes-bytes-for-text", Meeting(text_in_bytes)),
    rule("dies-of-bytes-that-are-no-text", Meeting(|oddity| is_binary_garbage(oddity).then_some(Die))),
    rule("dies-after-an-empty-payload", Hearing(|heard| has_empty_payload(heard).then_some(DieAfter))),
    rule("dies-of-an-unknown-word-in-an-answer", Hearing(|heard| answers_with_unknown_word(heard).then_some(Die))),
    rule("deaf-after-an-action-that-is-no-text", Hearing(|heard| has_action_that_is_no_text(heard).then_some(Deafen))),
    rule("drops-long-messages", Hearing(|heard| (heard.text.len() > 10 * 1024).then_some(Ignore))),
    rule("reboots-after-a-long-text", Hearing(|heard| has_text_longer_than(heard, 1_000).then_some(Reboot))),
    rule("fetches-urls", Hearing(|heard| heard.find_text(Fetch::from_text).map(Effect::Fetch))),
    rule("dies-of-a-short-answer", Hearing(|heard| is_short_answer(heard).then_some(Die))),
    rule("cuts-the-link-on-text-that-is-no-json", Hearing(|heard| is_unreadable(heard).then_some(Cut))),
    rule("closes-with-1011-on-a-damaged-call", Hearing(|heard| is_damaged_call(heard).then_some(Close(1011)))),
    rule("takes-escapes-for-letters", Hearing(|heard| without_escapes(heard).map(Effect::Misread))),
    rule("quotes-without-escaping", Saying(|said| with_bare_quotes(said).map(|text| vec![text]))),
    rule("refuses-twice", Saying(|said| said.is_error().then(|| vec![said.text.to_owned(); 2]))),
];

fn has_empty_payload(heard: &Heard) -> bool {
    let is_empty = |payload: &Value| payload.as_object().is_some_and(serde_json::Map::is_empty);
    heard.call().is_some_and(|(_, _, payload)| is_empty(payload)) && heard.breaks(ViolationKind::MissingField)
}

fn answers_with_unknown_word(heard: &Heard) -> bool {
    heard.answers.is_some() && heard.breaks(ViolationKind::NotInEnumeration)
}

fn has_action_that_is_no_text(heard: &Heard) -> bool {
    heard.reading.message_type == Some(2) && heard.elements.get(2).is_some_and(|action| !action.is_string())
}

fn has_text_longer_than(heard: &Heard, most: usize) -> bool {
    heard.find_text(|text| (text.chars().count() > most).then_some(())).is_some()
}

fn is_short_answer(heard: &Heard) -> bool {
    let least = if heard.reading.message_type == Some(3) { 3 } else { 4 };
    heard.is_answer() && heard.elements.len() < least
}

fn is_unreadable(heard: &Heard) -> bool {
    heard.incoming == Incoming::Unreadable
}

fn is_damaged_call(heard: &Heard) -> bool {
    matches!(heard.incoming, Incoming::DamagedCall { id: Some(_), .. })
}

/// `\u0048eartbeat` is read as `u0048eartbeat`.
fn without_escapes(heard: &Heard) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(&heard.text).ok()?;
    text.contains("\\u00").then(|| text.replace("\\u00", "u00").into_bytes())
}

/// The action stands in the description as it came, quotes and all.
fn with_bare_quotes(said: &Said<'_>) -> Option<String> {
    let (_, action, _) = said.question?.call()?;
    let written = serde_json::to_string(action).ok()?;
    let bare = format!("\"{action}\"");
    (said.is_error() && written != bare && said.text.contains(&written)).then(|| said.text.replace(&written, &bare))
}

fn is_long_ping(oddity: Oddity<'_>) -> bool {
    matches!(oddity, Oddity::Ping(payload) if payload.len() > 100)
}

fn text_in_bytes(oddity: Oddity<'_>) -> Option<Effect> {
    let Oddity::Binary(bytes) = oddity else { return None };
    std::str::from_utf8(bytes).is_ok().then(|| Effect::Misread(bytes.to_vec()))
}

fn is_binary_garbage(oddity: Oddity<'_>) -> bool {
    matches!(oddity, Oddity::Binary(bytes) if std::str::from_utf8(bytes).is_err())
}
