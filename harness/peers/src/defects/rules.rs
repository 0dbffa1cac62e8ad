//! Where each defect bites, and what it does then.

use super::Effect::{self, Close, Cut, Deafen, Die, DieAfter, Ignore, Reboot};
use super::heard::Heard;
use super::said::Said;
use super::{hearing, meeting, saying};
use crate::Oddity;

/// A defect, or one of the places where it bites.
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
    /// In the device itself, which asks for it by name.
    Elsewhere,
}

use Bite::{Elsewhere, Hearing, Meeting, Saying};

/// The defect behind a fault; nothing if it is in the peer itself.
pub(super) fn of(id: &str) -> impl Iterator<Item = &'static Rule> {
    let name = id.split_once('-').map_or("", |(_, name)| name).to_owned();
    RULES.iter().filter(move |rule| rule.name == name)
}

const fn rule(name: &'static str, bite: Bite) -> Rule {
    Rule { name, bite }
}

const RULES: &[Rule] = &[
    rule("answers-answers", Hearing(hearing::answer_to_answer)),
    rule("answers-late", Elsewhere),
    rule("answers-on-another-link", Elsewhere),
    rule("answers-twice", Saying(|said| said.is_answer().then(|| vec![said.text.to_owned(); 2]))),
    rule("answers-with-its-own-id", Saying(saying::own_id)),
    rule("closes-with-1011-on-a-damaged-call", Hearing(|heard| hearing::is_damaged_call(heard).then_some(Close(1011)))),
    rule("closes-with-1011-on-a-long-ping", Meeting(|oddity| meeting::is_long_ping(oddity).then_some(Close(1011)))),
    rule(
        "closes-with-1011-on-text-that-is-no-json",
        Hearing(|heard| hearing::is_unreadable(heard).then_some(Close(1011))),
    ),
    rule("cuts-off-long-errors", Saying(saying::cut_off)),
    rule("cuts-the-link-on-a-damaged-frame", Meeting(|oddity| (oddity == Oddity::ProtocolError).then_some(Cut))),
    rule("cuts-the-link-on-a-long-list", Hearing(|heard| hearing::has_longer_list(heard, 50).then_some(Cut))),
    rule("cuts-the-link-on-text-that-is-no-json", Hearing(|heard| hearing::is_unreadable(heard).then_some(Cut))),
    rule("deaf-after-a-lone-surrogate", Hearing(|heard| hearing::has_lone_surrogate(heard).then_some(Deafen))),
    rule("deaf-after-a-long-number", Hearing(|heard| hearing::has_longer_number(heard, 4_300).then_some(Deafen))),
    rule("deaf-after-a-prototype-name", Hearing(|heard| hearing::calls_a_prototype(heard).then_some(Deafen))),
    rule("deaf-after-an-action-that-is-no-text", Hearing(|heard| hearing::has_odd_action(heard).then_some(Deafen))),
    rule("deaf-after-deep-nesting", Hearing(|heard| hearing::is_deeper(heard, 1_000).then_some(Deafen))),
    rule("dies-after-an-empty-payload", Hearing(|heard| hearing::has_empty_payload(heard).then_some(DieAfter))),
    rule("dies-of-a-huge-frame", Meeting(|oddity| (oddity == Oddity::TooLong).then_some(Die))),
    rule("dies-of-a-long-bad-message", Hearing(|heard| hearing::is_long_and_bad(heard).then_some(Die))),
    rule("dies-of-a-nul", Hearing(|heard| hearing::has_text(heard, |text| text.contains('\0')).then_some(Die))),
    rule("dies-of-a-number-beyond-32-bits", Hearing(|heard| hearing::has_big_number(heard).then_some(Die))),
    rule("dies-of-a-reserved-bit", Meeting(|oddity| (oddity == Oddity::ReservedBits).then_some(Die))),
    rule("dies-of-a-short-answer", Hearing(|heard| hearing::is_short_answer(heard).then_some(Die))),
    rule("dies-of-an-answer-without-text-id", Hearing(|heard| hearing::answers_odd_id(heard).then_some(Die))),
    rule("dies-of-an-empty-message", Hearing(|heard| heard.text.trim_ascii().is_empty().then_some(Die))),
    rule("dies-of-an-odd-fraction", Hearing(|heard| hearing::has_text(heard, hearing::is_odd_time).then_some(Die))),
    rule("dies-of-an-unknown-word-in-an-answer", Hearing(|heard| hearing::answers_unknown_word(heard).then_some(Die))),
    rule("dies-of-bytes-that-are-no-text", Meeting(|oddity| meeting::is_binary_garbage(oddity).then_some(Die))),
    rule("dies-of-text-that-is-not-utf8", Meeting(|oddity| (oddity == Oddity::NotUtf8).then_some(Die))),
    rule("drops-damaged-calls", Hearing(|heard| hearing::is_damaged_call(heard).then_some(Ignore))),
    rule("drops-long-messages", Hearing(|heard| (heard.text.len() > 10 * 1024).then_some(Ignore))),
    rule("echoes-ids-that-are-no-text", Hearing(hearing::with_text_id)),
    rule("echoes-ids-that-are-no-text", Saying(saying::echo_id)),
    rule("fetches-urls", Hearing(hearing::fetch_url)),
    rule("forgets-the-new-link-with-the-old", Elsewhere),
    rule("gives-up-after-a-refusal", Elsewhere),
    rule("grows-slower", Elsewhere),
    rule("ignores-pings", Meeting(|oddity| matches!(oddity, Oddity::Ping(_)).then_some(Ignore))),
    rule("invents-error-codes", Saying(|said| saying::with_code(said, "ValidationError"))),
    rule("leaves-out-error-details", Saying(saying::without_details)),
    rule("looks-up-what-it-logs", Hearing(hearing::look_up)),
    rule("minds-the-order-of-fields", Hearing(hearing::without_fields_out_of_order)),
    rule("minds-white-space", Hearing(|heard| hearing::has_white_space(heard).then_some(Ignore))),
    rule("never-comes-back", Elsewhere),
    rule("quotes-without-escaping", Saying(saying::with_bare_quotes)),
    rule("reboots-after-a-long-text", Hearing(|heard| hearing::has_longer_text(heard, 1_000).then_some(Reboot))),
    rule("reboots-on-a-full-report", Hearing(|heard| hearing::wants_everything(heard).then_some(Reboot))),
    rule("refuses-twice", Saying(|said| said.is_error().then(|| vec![said.text.to_owned(); 2]))),
    rule("refuses-values-as-unknown-actions", Saying(|said| saying::with_code(said, "NotImplemented"))),
    rule("repeats-keys-in-errors", Saying(saying::with_repeated_key)),
    rule("repeats-the-request-in-errors", Saying(saying::with_request)),
    rule("runs-text-as-a-command", Hearing(hearing::run)),
    rule("shows-a-stack-trace", Saying(saying::with_stack_trace)),
    rule("shows-its-query", Saying(saying::with_query)),
    rule("takes-any-subprotocol", Elsewhere),
    rule("takes-bytes-for-text", Meeting(meeting::text_in_bytes)),
    rule("takes-escapes-for-letters", Hearing(hearing::without_escapes)),
    rule("takes-ids-for-numbers", Saying(saying::number_for_id)),
    rule("tells-of-other-stations", Saying(saying::with_others)),
    rule("upper-cases-ids", Saying(saying::upper_case_id)),
    rule("writes-a-comma-too-many", Saying(saying::with_comma)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_a_fault_of_some_device() {
        for rule in RULES {
            let named = |side: &str| crate::Fault::find(&format!("{side}-{}", rule.name)).is_some();
            assert!(named("station") || named("csms"), "{}", rule.name);
        }
    }
}
