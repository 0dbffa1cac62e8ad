//! Defects in what the CSMS does, each in the code of its peer.

use protocol::Role;

use super::FaultInfo;
use super::info::{in_16, in_201, in_both};

const fn csms(id: &'static str, breaks: &'static str, sentence: &'static str) -> FaultInfo {
    in_16(Role::Csms, id, breaks, sentence)
}

const fn csms_201(id: &'static str, breaks: &'static str, sentence: &'static str) -> FaultInfo {
    in_201(Role::Csms, id, breaks, sentence)
}

const fn csms_both(id: &'static str, breaks: &'static str, sentence: &'static str) -> FaultInfo {
    in_both(Role::Csms, id, breaks, breaks, sentence)
}

pub(super) const FAULTS: &[FaultInfo] = &[
    csms_both(
        "csms-drops-link-on-unknown-action",
        "R-240",
        "It refuses a call with an unknown action as it should, and closes the connection.",
    ),
    csms_both(
        "csms-crashes-after-error",
        "R-037",
        "After sending a CALLERROR it drops the connection and forgets the station.",
    ),
    csms(
        "csms-corrects-error-codes",
        "R-050",
        "It uses the corrected spelling of the error codes, which 1.6 does not have.",
    ),
    csms_both(
        "csms-chooses-unoffered-subprotocol",
        "R-075",
        "The handshake is answered with a subprotocol that was not offered.",
    ),
    csms_both(
        "csms-agrees-to-any-subprotocol",
        "R-076",
        "A subprotocol that it does not have is answered as if it had it.",
    ),
    csms(
        "csms-sends-time-without-offset",
        "16-BOOT-14",
        "currentTime in the answer to BootNotification has no time zone.",
    ),
    csms("csms-leaves-out-boot-interval", "16-BOOT-14", "The answer to BootNotification has no interval."),
    csms("csms-repeats-heartbeat-time", "16-HB-02", "Every Heartbeat is answered with the time of the boot."),
    csms("csms-accepts-blocked-tags", "16-AUTH-08", "A Blocked tag is accepted."),
    csms("csms-overlooks-expiry", "16-AUTH-08", "An Expired tag is accepted."),
    csms_both("csms-forgets-lost-links", "R-247", "After a reconnection it wants a new BootNotification.")
        .also(&["R-037"]),
    csms("csms-accepts-unknown-tags", "16-AUTH-08", "A tag that nobody knows is accepted."),
    in_both(
        Role::Csms,
        "csms-compares-tags-with-case",
        "16-AUTH-07",
        "C01.FR.25",
        "A tag in other case is not recognised.",
    ),
    csms_both("csms-answers-only-when-idle", "R-031", "It answers nothing while a call of its own is unanswered."),
    csms_201(
        "csms-refuses-events-of-unknown-transactions",
        "J02.FR.19",
        "An event of a transaction whose start it has not seen is answered with CALLERROR.",
    ),
    csms("csms-trusts-start-transaction", "16-TX-03", "The tag in StartTransaction is not checked."),
    csms("csms-leaves-out-transaction-ids", "16-TX-03", "The answer to StartTransaction has no transactionId."),
    csms(
        "csms-refuses-unknown-stop",
        "16-TX-05",
        "StopTransaction for a transaction it does not know is answered with CALLERROR.",
    ),
    csms(
        "csms-lets-strangers-stop",
        "16-TX-05",
        "StopTransaction of one station ends the transaction of another, whose own stop is then refused.",
    ),
    csms("csms-refuses-tags-of-full-length", "16-AUTH-07", "A tag of 20 characters is refused as too long."),
    csms(
        "csms-knows-tags-by-their-beginning",
        "16-AUTH-08",
        "A tag that begins like one that is known is taken for that one.",
    ),
    csms(
        "csms-refuses-old-starts",
        "16-TX-05",
        "A StartTransaction of more than a year ago is answered with CALLERROR.",
    ),
    csms(
        "csms-refuses-starts-on-busy-connectors",
        "16-TX-05",
        "A start on a connector where it knows of a running transaction is answered with CALLERROR.",
    ),
    csms(
        "csms-refuses-repeated-stops",
        "16-TX-05",
        "The end of a transaction that has ended is answered with CALLERROR.",
    ),
    csms(
        "csms-minds-meter-data-of-stops",
        "16-TX-05",
        "StopTransaction with transactionData is answered with CALLERROR.",
    ),
    csms(
        "csms-refuses-connectors-it-has-not-heard-of",
        "16-STAT-15",
        "StatusNotification of a connector above 8 is answered with CALLERROR.",
    ),
    csms("csms-triggers-boots-of-accepted-stations", "16-BOOT-12", "Each boot that it accepts it asks for again."),
    csms("csms-starts-while-pending", "R-131", "A station that it holds in Pending is started remotely."),
    csms("csms-calls-rejected-stations", "16-BOOT-13", "A station that it rejects is asked for its configuration."),
    csms("csms-takes-tags-for-patterns", "16-AUTH-08", "A tag with a wildcard in it is taken for any that fits."),
    csms("csms-mixes-groups", "16-AUTH-08", "Each token that is in a group is told to be in one of its own."),
    csms("csms-writes-empty-groups", "16-AUTH-08", "A token of no group is told to be in one of no name."),
    csms(
        "csms-minds-error-codes",
        "16-STAT-15",
        "StatusNotification with an error code it has no word for is answered with CALLERROR.",
    ),
    csms(
        "csms-wants-connectors-prepared",
        "16-TX-05",
        "A start on a connector that was last reported as Available is answered with CALLERROR.",
    ),
    csms(
        "csms-minds-reasons",
        "16-TX-05",
        "StopTransaction for a reason out of the ordinary is answered with CALLERROR.",
    ),
    csms(
        "csms-never-ends-transactions",
        "16-TX-03",
        "The token of a transaction that has ended still counts as charging.",
    ),
    csms(
        "csms-wants-transactions",
        "16-MV-18",
        "MeterValues that belong to no transaction are answered with CALLERROR.",
    ),
    in_both(Role::Csms, "csms-ignores-meter-values", "16-MV-18", "R-037", "MeterValues are never answered."),
    csms("csms-adds-to-status-answer", "R-232", "The answer to StatusNotification carries a status."),
    csms("csms-knows-every-vendor", "16-DT-01", "DataTransfer of an unknown vendor is accepted."),
    csms("csms-forgets-remote-stop", "R-245", "Asked to stop a transaction, it says it did and sends nothing."),
    csms_both(
        "csms-does-not-wait-for-answers",
        "R-030",
        "It sends further calls to a station while one is unanswered.",
    ),
    csms_201(
        "csms-keeps-old-error-codes",
        "R-050",
        "It uses the 1.6 spelling of the error codes, which 2.0.1 does not have.",
    ),
    csms_201(
        "csms-serves-stations-before-acceptance",
        "B01.FR.10",
        "Calls of a station that is not accepted are answered as if it were.",
    ),
    csms_201("csms-gives-interval-as-text", "B01.FR.02", "The interval in the answer to BootNotification is a text."),
    csms_201("csms-authorises-blocked-tokens", "C01.FR.06", "A Blocked token is accepted."),
    csms_201("csms-leaves-out-the-group", "C01.FR.07", "The group of a token is never said."),
    csms_201(
        "csms-leaves-out-token-info",
        "E02.FR.02",
        "A transaction event with a token is answered without idTokenInfo.",
    ),
    csms_201("csms-trusts-transaction-events", "E01.FR.11", "The token of a transaction event is not checked."),
    csms_201(
        "csms-answers-events-with-transaction-id",
        "R-231",
        "The answer to a transaction event carries a transactionId, as 1.6 had it.",
    ),
    csms_both("csms-overlooks-bad-times", "R-038", "A text that is no time is taken for one.").left_to_streams(),
    csms_both("csms-overlooks-extra-fields", "R-038", "Fields that the schema does not have are passed over.")
        .left_to_streams_in_16(),
    csms_both("csms-overlooks-long-texts", "R-038", "The length of texts is not looked at."),
    csms_both("csms-overlooks-missing-fields", "R-038", "It goes on without required fields."),
    csms_both("csms-overlooks-unknown-words", "R-038", "Any word is taken where there is an enumeration."),
    csms_both("csms-overlooks-wrong-types", "R-038", "Values of the wrong type are taken."),
    csms_201("csms-overlooks-list-lengths", "R-038", "Lists may be empty or too long."),
    csms_201("csms-overlooks-long-texts-inside", "R-038", "The length of texts inside of objects is not looked at."),
    csms(
        "csms-ends-another-for-an-unknown-id",
        // What it shows: a tag that is charging counts as free.
        "16-TX-03",
        "StopTransaction with an unknown id ends the newest transaction of the station.",
    ),
    csms("csms-starts-repeated-calls-twice", "R-024", "A repeated StartTransaction opens a second transaction."),
    csms("csms-reuses-transaction-ids", "16-TX-04", "A new transaction gets the id of the one that has ended last."),
    csms_both(
        "csms-forgets-passwords-while-connected",
        "R-083",
        "While a station is connected, a second connection under its identity needs no password.",
    ),
    csms_both(
        "csms-takes-the-password-of-any-station",
        "R-083",
        "The password of one station opens the door to every other.",
    ),
    csms_201("csms-ignores-security-events", "A04.FR.03", "SecurityEventNotification is never answered."),
];
