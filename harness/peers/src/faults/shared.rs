//! Defects in how messages are carried, which both sides can have in every version. Where each bites is written in
//! [`crate::defects`].

use protocol::Role;

use super::FaultInfo;
use super::info::{in_16, in_both};

macro_rules! on_both_sides {
    ($($(#[$by:ident])? $name:literal, $breaks:literal $(+ $also:literal)*, $sentence:literal;)*) => {
        pub(super) const ON_STATIONS: &[FaultInfo] = &[
            $(in_both(Role::Station, concat!("station-", $name), $breaks, $breaks, $sentence)
                .also(&[$($also),*])$(.$by())?,)*
        ];
        pub(super) const ON_CSMSS: &[FaultInfo] = &[
            $(in_both(Role::Csms, concat!("csms-", $name), $breaks, $breaks, $sentence)
                .also(&[$($also),*])$(.$by())?,)*
        ];
    };
}

const fn station(id: &'static str, breaks: &'static str, sentence: &'static str) -> FaultInfo {
    in_both(Role::Station, id, breaks, breaks, sentence)
}

const fn csms(id: &'static str, breaks: &'static str, sentence: &'static str) -> FaultInfo {
    in_both(Role::Csms, id, breaks, breaks, sentence)
}

const DROPS_DAMAGED_CALLS: &str = "A call whose frame is damaged is never answered, though its id can be read.";

pub(super) const STATION: &[FaultInfo] = &[
    station(
        "station-reboots-after-a-long-text",
        "R-240",
        "A text of more than a thousand characters makes it start again.",
    ),
    in_both(
        Role::Station,
        "station-reboots-on-a-full-report",
        "R-240",
        "R-081",
        "Asked for its whole configuration, it answers and starts again.",
    ),
    station("station-takes-any-subprotocol", "R-077", "It stays on a connection whose subprotocol it did not offer."),
    station("station-never-comes-back", "R-151", "It does not connect again after the third link it has lost."),
    station("station-gives-up-after-a-refusal", "R-151", "It does not connect again after two attempts that failed."),
    // In 2.0.1 silence about what breaks the schema is tolerated, and nothing else makes a station show it.
    station("station-drops-damaged-calls", "R-038", DROPS_DAMAGED_CALLS).left_to_streams_in_201(),
    station("station-writes-a-comma-too-many", "R-001", "A list of several objects ends with a comma."),
];

pub(super) const CSMS: &[FaultInfo] = &[
    csms("csms-answers-on-another-link", "R-022", "Every eighth answer goes to another station."),
    csms(
        "csms-forgets-the-new-link-with-the-old",
        "R-037",
        "When the older of two links of a station ends, the newer one is not read any more.",
    ),
    // In 2.0.1 it may.
    in_16(Role::Csms, "csms-drops-damaged-calls", "R-038", DROPS_DAMAGED_CALLS),
    csms("csms-tells-of-other-stations", "R-241", "An error description names another station."),
];

on_both_sides! {
    "answers-answers", "R-015", "It answers the result of its own call.";
    "answers-twice", "R-037", "Every call is answered two times.";
    "answers-with-its-own-id", "R-022", "Answers carry a new message id.";
    "takes-ids-for-numbers", "R-021" + "R-022", "Answers to a call whose id has digits only carry a number.";
    "upper-cases-ids", "R-022", "Answers carry the message id in upper case.";
    "ignores-pings", "R-097", "Pings are never answered.";
    "invents-error-codes", "R-051", "Values that break the schema are refused with a code that no table has.";
    "leaves-out-error-details", "R-003", "A CALLERROR has four elements.";
    "refuses-values-as-unknown-actions", "R-051", "Values that break the schema are refused as NotImplemented.";
    "repeats-keys-in-errors", "R-246", "The details of a CALLERROR have the same key twice.";
    "answers-late", "R-037", "Every sixteenth answer comes a minute late.";
    "closes-with-1011-on-a-damaged-call", "R-038", "A call whose frame is damaged is not refused: the link is closed with code 1011.";
    "closes-with-1011-on-text-that-is-no-json", "R-240", "Text that is no JSON array makes it close the link with code 1011.";
    "closes-with-1011-on-a-long-ping", "R-240", "A ping of more than a hundred bytes makes it close the link with code 1011.";
    "cuts-off-long-errors", "R-001", "A CALLERROR of more than two hundred bytes ends in the middle.";
    "cuts-the-link-on-a-damaged-frame", "R-240", "A frame that breaks RFC 6455 makes it drop the connection without a close frame.";
    "cuts-the-link-on-a-long-list", "R-240", "A list of more than fifty items makes it drop the connection without a close frame.";
    "cuts-the-link-on-text-that-is-no-json", "R-240", "Text that is no JSON array makes it drop the connection without a close frame.";
    "deaf-after-a-lone-surrogate", "R-240", "Half a surrogate pair ends the loop that reads its link, which stays open.";
    "deaf-after-a-long-number", "R-240", "A number of more than 4,300 digits ends the loop that reads its link, which stays open.";
    "deaf-after-a-prototype-name", "R-240", "An action named like a member of every object ends the loop that reads its link, which stays open.";
    "deaf-after-an-action-that-is-no-text", "R-240", "A call whose action is an object or a list ends the loop that reads its link, which stays open.";
    "deaf-after-deep-nesting", "R-240", "More than a thousand lists in each other end the loop that reads its link, which stays open.";
    "dies-after-an-empty-payload", "R-240", "It refuses a payload without any field as it should, and dies of it.";
    "dies-of-a-huge-frame", "R-240", "A frame that says it is huge ends the device.";
    "dies-of-a-long-bad-message", "R-240", "A message of more than a thousand bytes that breaks its schema ends the device.";
    "dies-of-a-nul", "R-240", "A text with the character NUL ends the device.";
    "dies-of-a-number-beyond-32-bits", "R-240", "A number that needs more than 32 bits ends the device.";
    "dies-of-a-reserved-bit", "R-240", "A frame with a reserved bit set ends the device.";
    "dies-of-a-short-answer", "R-015", "A CALLRESULT or CALLERROR with too few elements ends the device.";
    "dies-of-an-answer-without-text-id", "R-015", "An answer whose message id is no text ends the device.";
    "dies-of-an-empty-message", "R-240", "An empty message ends the device.";
    "dies-of-an-odd-fraction", "R-240", "A time whose seconds have an empty or a long fraction ends the device.";
    "dies-of-an-unknown-word-in-an-answer", "R-015", "An answer with a word that its enumeration lacks ends the device.";
    "dies-of-bytes-that-are-no-text", "R-240", "A binary message that is not UTF-8 ends the device.";
    "dies-of-text-that-is-not-utf8", "R-240", "A text message that is not UTF-8 ends the device.";
    "drops-long-messages", "R-037", "A message of more than ten kibibytes is never answered.";
    "echoes-ids-that-are-no-text", "R-038", "A call whose message id is a number is answered under that number.";
    "fetches-urls", "R-242", "It connects to every URL that stands in a text, whatever the field is for.";
    "grows-slower", "R-243", "After twenty answers each takes five milliseconds longer than the one before.";
    "looks-up-what-it-logs", "R-242", "It connects to a URL in a text like ${…}, because its log does.";
    "minds-the-order-of-fields", "R-244" + "R-037", "Of fields in falling order it finds the first only.";
    "minds-white-space", "R-244" + "R-037", "A message with white space between its elements is never answered.";
    "quotes-without-escaping", "R-001", "The name of an unknown action stands in the error description as it came, so that quotes in it break the JSON.";
    "refuses-twice", "R-037" + "R-038", "Every CALLERROR is sent two times.";
    "repeats-the-request-in-errors", "R-243", "A CALLERROR carries the request twenty times over.";
    "runs-text-as-a-command", "R-242", "A text with a semicolon, backtick or the like is run as a command, and connects to the URL in it.";
    "shows-a-stack-trace", "R-241", "Values that break the schema are refused with a stack trace as description.";
    "shows-its-query", "R-241", "A text with a quotation mark ends in the database, and the error shows the query.";
    "takes-bytes-for-text", "R-002", "A binary message is answered as if it were a text message.";
    "takes-escapes-for-letters", "R-244" + "R-037", "An escape like \\u0041 is read as the letters it is written with.";
}
