//! Defects in what the CSMS does, each in the code of its peer.

use protocol::Role;

use super::FaultInfo;
use super::info::{in_16, in_201};

const fn csms(id: &'static str, breaks: &'static str, sentence: &'static str) -> FaultInfo {
    in_16(Role::Csms, id, breaks, sentence)
}

const fn csms_201(id: &'static str, breaks: &'static str, sentence: &'static str) -> FaultInfo {
    in_201(Role::Csms, id, breaks, sentence)
}

pub(super) const FAULTS: &[FaultInfo] = &[
    csms("csms-does-not-wait-for-answers", "R-030", "It sends further calls to a station while one is unanswered."),
    csms("csms-drops-link-on-unknown-action", "R-038", "It closes the connection after a call with an unknown action."),
    csms(
        "csms-crashes-after-error",
        "R-038",
        "After sending a CALLERROR it drops the connection and forgets the station.",
    ),
    csms(
        "csms-corrects-error-codes",
        "R-051",
        "It uses the corrected spelling of the error codes, which 1.6 does not have.",
    ),
    csms(
        "csms-chooses-unoffered-subprotocol",
        "R-075",
        "The handshake is answered with a subprotocol that was not offered.",
    ),
    csms(
        "csms-serves-unregistered-stations",
        "16-BOOT-16",
        "Calls of a station that is not accepted are answered as if it were.",
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
    csms("csms-forgets-lost-links", "R-037", "After a reconnection it wants a new BootNotification."),
    csms("csms-accepts-unknown-tags", "16-AUTH-08", "A tag that nobody knows is accepted."),
    csms("csms-compares-tags-with-case", "16-AUTH-07", "A tag in other case is not recognised."),
    csms("csms-trusts-start-transaction", "16-TX-03", "The tag in StartTransaction is not checked."),
    csms("csms-allows-concurrent-transactions", "16-TX-03", "A tag may charge in two transactions at once."),
    csms("csms-repeats-transaction-ids", "16-TX-04", "Every transaction gets the same id."),
    csms(
        "csms-refuses-unknown-stop",
        "16-TX-05",
        "StopTransaction for a transaction it does not know is answered with CALLERROR.",
    ),
    csms("csms-lets-strangers-stop", "16-TX-06", "StopTransaction of one station ends the transaction of another."),
    csms("csms-ignores-meter-values", "16-MV-18", "MeterValues are never answered."),
    csms("csms-adds-to-status-answer", "16-STAT-15", "The answer to StatusNotification carries a status."),
    csms("csms-knows-every-vendor", "16-DT-01", "DataTransfer of an unknown vendor is accepted."),
    csms("csms-forgets-remote-stop", "16-REM-10", "Asked to stop a transaction, it says it did and sends nothing."),
    csms_201(
        "csms-keeps-old-error-codes",
        "R-051",
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
];
