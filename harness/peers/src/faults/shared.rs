//! Defects in how messages are carried, which both sides can have in every version. Where each bites is written in
//! [`crate::defects`].

use protocol::Role;

use super::FaultInfo;
use super::info::in_both;

macro_rules! on_both_sides {
    ($($(#[$by:ident])? $name:literal, $breaks_16:literal, $breaks_201:literal, $sentence:literal;)*) => {
        pub(super) const ON_STATIONS: &[FaultInfo] = &[
            $(in_both(Role::Station, concat!("station-", $name), $breaks_16, $breaks_201, $sentence)$(.$by())?,)*
        ];
        pub(super) const ON_CSMSS: &[FaultInfo] = &[
            $(in_both(Role::Csms, concat!("csms-", $name), $breaks_16, $breaks_201, $sentence)$(.$by())?,)*
        ];
    };
}

on_both_sides! {
    #[left_to_streams]
    "dies-after-an-empty-payload", "R-037", "R-037", "It refuses a payload without any field as it should, and dies of it.";
    #[left_to_streams]
    "dies-of-an-unknown-word-in-an-answer", "R-015", "R-015", "An answer with a word that its enumeration lacks ends the device.";
    #[left_to_streams]
    "deaf-after-an-action-that-is-no-text", "R-038", "R-038", "A call whose action is an object or a list ends the loop that reads its link, which stays open.";
    #[left_to_streams]
    "drops-long-messages", "R-037", "R-037", "A message of more than ten kibibytes is never answered.";
    #[left_to_streams]
    "dies-of-a-short-answer", "R-015", "R-015", "A CALLRESULT or CALLERROR with too few elements ends the device.";
    #[left_to_streams]
    "cuts-the-link-on-text-that-is-no-json", "R-240", "R-240", "Text that is no JSON array makes it drop the connection without a close frame.";
    #[left_to_streams]
    "closes-with-1011-on-a-damaged-call", "R-038", "R-038", "A call whose frame is damaged is not refused: the link is closed with code 1011.";
    #[left_to_streams]
    "takes-escapes-for-letters", "R-244", "R-244", "An escape like \\u0041 is read as the letters it is written with.";
    #[left_to_streams]
    "quotes-without-escaping", "R-001", "R-001", "The name of an unknown action stands in the error description as it came, so that quotes in it break the JSON.";
    #[left_to_streams]
    "refuses-twice", "R-028", "R-028", "Every CALLERROR is sent two times.";
    "ignores-pings", "R-097", "R-097", "Pings are never answered.";
    #[left_to_streams]
    "dies-of-a-reserved-bit", "R-240", "R-240", "A frame with a reserved bit set ends the device.";
    #[left_to_streams]
    "dies-of-a-huge-frame", "R-240", "R-240", "A frame that says it is huge ends the device.";
    #[left_to_streams]
    "dies-of-text-that-is-not-utf8", "R-240", "R-240", "A text message that is not UTF-8 ends the device.";
    #[left_to_streams]
    "cuts-the-link-on-a-damaged-frame", "R-240", "R-240", "A frame that breaks RFC 6455 makes it drop the connection without a close frame.";
    #[left_to_streams]
    "closes-with-1011-on-a-long-ping", "R-097", "R-097", "A ping of more than a hundred bytes makes it close the link with code 1011.";
    #[left_to_streams]
    "takes-bytes-for-text", "R-002", "R-002", "A binary message is answered as if it were a text message.";
    #[left_to_streams]
    "dies-of-bytes-that-are-no-text", "R-240", "R-240", "A binary message that is not UTF-8 ends the device.";
    #[left_to_streams]
    "fetches-urls", "R-242", "R-242", "It connects to every URL that stands in a text, whatever the field is for.";
}

pub(super) const STATION: &[FaultInfo] = &[in_both(
    Role::Station,
    "station-reboots-after-a-long-text",
    "R-240",
    "R-240",
    "A text of more than a thousand characters makes it start again.",
)
.left_to_streams()];
