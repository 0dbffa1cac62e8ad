//! Defects in what the station does, each in the code of its peer.

use protocol::Role;

use super::FaultInfo;
use super::info::{in_16, in_201, in_both};

const fn station(id: &'static str, breaks: &'static str, sentence: &'static str) -> FaultInfo {
    in_16(Role::Station, id, breaks, sentence)
}

const fn station_201(id: &'static str, breaks: &'static str, sentence: &'static str) -> FaultInfo {
    in_201(Role::Station, id, breaks, sentence)
}

const fn station_both(
    id: &'static str,
    breaks_16: &'static str,
    breaks_201: &'static str,
    sentence: &'static str,
) -> FaultInfo {
    in_both(Role::Station, id, breaks_16, breaks_201, sentence)
}

pub(super) const FAULTS: &[FaultInfo] = &[
    station(
        "station-deaf-after-invalid-payload",
        "R-037",
        "After refusing a malformed or invalid call it never answers another one on that connection.",
    ),
    station("station-reports-status-before-boot", "16-BOOT-02", "It reports its status before BootNotification."),
    station("station-boots-on-reconnect", "R-114", "It sends BootNotification after a mere reconnection."),
    station(
        "station-boots-early-while-pending",
        "16-BOOT-04",
        "Held in Pending, it boots again before the interval is over.",
    ),
    station(
        "station-forgets-a-connector-after-boot",
        "16-BOOT-10",
        "After the boot the last connector is not reported.",
    ),
    station("station-never-sends-heartbeats", "16-HB-01", "It never sends a Heartbeat of its own accord."),
    station("station-answers-only-when-idle", "R-031", "It answers nothing while a call of its own is unanswered."),
    station(
        "station-drops-link-on-unknown-action",
        "R-038",
        "It closes the connection after a call with an unknown action.",
    ),
    station(
        "station-corrects-error-codes",
        "R-050",
        "It uses the corrected spelling of the error codes, which 1.6 does not have.",
    ),
    station("station-charges-blocked-tag", "16-AUTH-01", "A Blocked tag is let in like an accepted one."),
    station("station-starts-without-asking", "16-AUTH-02", "A token that it does not know starts without Authorize."),
    station("station-starts-under-the-group", "16-AUTH-06", "StartTransaction carries the group in place of the tag."),
    station(
        "station-keeps-refused-start",
        "16-AUTH-19",
        "A transaction whose start is refused goes on as if it were not.",
    ),
    station(
        "station-never-finishes",
        "16-STAT-01",
        "After the end of a transaction the connector stays Charging until the cable is out.",
    ),
    station(
        "station-authorises-its-own-stop",
        "16-AUTH-04",
        "It sends Authorize when the starting tag stops the transaction.",
    ),
    station_both(
        "station-keeps-cache-when-cleared",
        "16-AUTH-14",
        "C11.FR.02",
        "ClearCache is accepted and clears nothing.",
    ),
    station("station-takes-old-list-version", "16-LIST-05", "A differential list with an old version number is taken."),
    station("station-ignores-connection-time-out", "16-STAT-05", "Whoever does not plug in stays authorised for ever."),
    station("station-sends-meter-start-as-text", "16-TX-01", "StartTransaction carries meterStart as a text."),
    station(
        "station-stops-wrong-transaction",
        "16-TX-06",
        "StopTransaction carries an id one above the transaction's.",
    ),
    station(
        "station-calls-every-stop-local",
        "16-TX-09",
        "A transaction stopped remotely is reported with reason Local.",
    ),
    station(
        "station-restarts-meter-at-zero",
        "16-TX-15",
        "meterStop counts from the start of the transaction and so lies below meterStart.",
    ),
    station(
        "station-stops-minus-one-after-offline",
        "16-TX-06",
        "A StopTransaction that waited offline carries -1 although the id is known.",
    ),
    station(
        "station-stops-twice-after-offline",
        "16-TX-06",
        "A StopTransaction that waited offline is sent two times.",
    ),
    station(
        "station-loses-offline-start",
        "R-151",
        "The StartTransaction of a transaction begun offline is never sent.",
    ),
    station("station-rewrites-queued-timestamps", "16-TX-14", "Queued messages get the time of their delivery."),
    station("station-gives-up-at-first-failure", "R-153", "A transaction message that failed is not sent again."),
    station(
        "station-never-gives-up",
        "R-153",
        "A transaction message that fails is sent again and again, whatever TransactionMessageAttempts says.",
    ),
    station(
        "station-overtakes-what-failed",
        "R-152",
        "While a transaction message waits to be sent again, later ones go before it.",
    ),
    station(
        "station-charges-refused-tokens-offline",
        "16-AUTH-01",
        "Offline, a token that the cache knows as refused is let in.",
    ),
    station(
        "station-loses-its-queue-at-reboot",
        "R-151",
        "A reboot forgets the messages that have not been delivered.",
    ),
    station(
        "station-tells-of-a-connector-too-many",
        "16-CONN-01",
        "After the boot it reports a connector above NumberOfConnectors.",
    ),
    station(
        "station-keeps-no-samples-for-the-stop",
        "16-MV-12",
        "transactionData holds the values at begin and end and none in between.",
    ),
    station("station-takes-every-list-for-full", "16-LIST-03", "A differential list replaces the one before."),
    station(
        "station-keeps-what-it-has-listed",
        "16-LIST-03",
        "A differential update does not change a tag that is in the list.",
    ),
    station(
        "station-overlooks-its-list-offline",
        "16-AUTH-16",
        "Offline, and where unknown tags may start, a tag that the list refuses starts.",
    ),
    station(
        "station-takes-no-id-below-one",
        "16-TX-06",
        "A transaction that is given an id below 1 goes on as if it had none.",
    ),
    station("station-floods-with-boots", "16-BOOT-05", "Pending with interval 0, it boots twenty times a second."),
    station(
        "station-tells-its-history",
        "16-STAT-11",
        "After a reconnection every status of the offline time is told.",
    ),
    station(
        "station-caches-no-answers-to-starts",
        "16-AUTH-09",
        "What the answer to StartTransaction says of a tag is not kept.",
    ),
    station(
        "station-caches-no-answers-to-stops",
        "16-AUTH-09",
        "What the answer to StopTransaction says of a tag is not kept.",
    ),
    station(
        "station-caches-no-answers-to-authorize",
        "16-AUTH-09",
        "What the answer to Authorize says of a tag is not kept.",
    ),
    station("station-caches-for-ever", "16-AUTH-10", "A tag in the cache never expires."),
    station("station-forgets-its-cache-at-reboot", "16-AUTH-12", "A reboot empties the authorisation cache."),
    station(
        "station-samples-at-interval-zero",
        "16-MV-02",
        "With MeterValueSampleInterval 0 a transaction is sampled every minute.",
    ),
    station("station-sends-numbers-in-meter-values", "16-MV-09", "Sampled values are numbers instead of texts."),
    station("station-changes-read-only-keys", "16-CFG-09", "A read-only configuration key can be changed."),
    station("station-takes-negative-ping-interval", "16-CFG-10", "A negative WebSocketPingInterval is accepted."),
    station(
        "station-forgets-accepted-configuration",
        "16-CFG-07",
        "ChangeConfiguration is accepted and the old value stays.",
    ),
    station_both(
        "station-forgets-unavailable-at-reboot",
        "16-STAT-12",
        "B01.FR.07",
        "An Unavailable connector is Available again after a reboot.",
    )
    .also(&["G04.FR.09", "G01.FR.02"]),
    station_201(
        "station-switches-only-its-first-evse",
        "G04.FR.07",
        "A station that is made inoperative as a whole takes its first EVSE out of operation and no other.",
    ),
    station_201(
        "station-switches-evses-that-it-lacks",
        "G03.FR.02",
        "The change of availability of an EVSE that does not exist is accepted.",
    ),
    station_201(
        "station-never-comes-back-into-operation",
        "G03.FR.07",
        "A change to Operative is accepted, and what was Unavailable stays so.",
    )
    .also(&["G03.FR.04", "G04.FR.08"]),
    station_201(
        "station-begins-without-meter-values",
        "E01.FR.09",
        "The event that begins a transaction holds no meter values.",
    )
    .also(&["E02.FR.09"]),
    station_201(
        "station-drops-failed-events",
        "E13.FR.02",
        "An event that the CSMS failed to process is not sent again.",
    )
    .also(&["R-154"]),
    station_201(
        "station-promises-the-status-of-any-evse",
        "F06.FR.05",
        "The status of an EVSE that does not exist is promised.",
    ),
    station_201(
        "station-tells-of-its-first-evse-when-asked",
        "F06.FR.05",
        "Asked for the status of another EVSE it tells that of the first.",
    ),
    station_201(
        "station-reports-under-another-id",
        "B07.FR.04",
        "A report comes under another id than that of its request.",
    )
    .also(&["B07.FR.03"]),
    station_201(
        "station-ends-without-meter-values",
        "E06.FR.11",
        "The event that ends a transaction holds no meter values.",
    )
    .also(&["E07.FR.08"]),
    station(
        "station-hides-a-required-key",
        "16-CFG-13",
        "ConnectorPhaseRotation is missing in the full configuration.",
    ),
    station(
        "station-drops-unknown-keys",
        "16-CFG-02",
        "Asked for a key that it does not know, it says nothing about it.",
    ),
    station(
        "station-takes-tokens-when-unavailable",
        "16-AV-06",
        "A token that is shown at an inoperative connector starts a transaction there.",
    ),
    station("station-never-makes-scheduled-change", "16-AV-02", "An availability change is scheduled and never made."),
    station("station-accepts-reset-and-stays", "16-RST-04", "A reset is accepted, and the station does not boot."),
    station(
        "station-keeps-transaction-when-unlocked",
        "16-UNL-02",
        "UnlockConnector opens the lock and the transaction goes on.",
    ),
    station("station-starts-where-it-charges", "16-REM-06", "A remote start on a connector in use is accepted."),
    station("station-resets-without-stopping", "16-RST-01", "A reset forgets the running transactions."),
    station(
        "station-unlocks-any-connector",
        "16-UNL-01",
        "UnlockConnector for a connector that does not exist is answered Unlocked.",
    ),
    station("station-remote-starts-connector-zero", "16-REM-05", "A remote start on connector 0 is accepted."),
    station(
        "station-triggers-before-answering",
        "R-040",
        "The triggered message is sent before the answer to TriggerMessage.",
    ),
    station_201("station-does-not-wait-for-answers", "R-030", "It sends further calls while one is unanswered."),
    station_201(
        "station-keeps-old-error-codes",
        "R-050",
        "It uses the 1.6 spelling of the error codes, which 2.0.1 does not have.",
    ),
    station_both(
        "station-serves-while-rejected",
        "16-BOOT-08",
        "B03.FR.08",
        "It carries out calls although it was rejected.",
    ),
    station_201(
        "station-leaves-out-unknown-variables",
        "B06.FR.01",
        "GetVariables is answered without a result for variables that do not exist.",
    ),
    station_201("station-sets-read-only-variables", "B05.FR.09", "A read-only variable can be set."),
    station_201("station-forgets-accepted-variables", "B05.FR.10", "SetVariables is accepted and the old value stays."),
    station_201("station-numbers-reports-from-one", "B07.FR.10", "The first part of a report has number 1."),
    station_201("station-calls-every-part-the-last", "B07.FR.10", "Every part of a report says that no more follow."),
    station_201(
        "station-resets-despite-transaction",
        "B12.FR.01",
        "A reset that was scheduled for the end of the transaction ends it.",
    ),
    station_201(
        "station-never-asks-about-remote-starts",
        "F01.FR.01",
        "With AuthorizeRemoteStart a remote start is not authorised all the same.",
    ),
    station_201("station-charges-blocked-tokens", "C01.FR.01", "A Blocked token is let in like an accepted one."),
    station_201(
        "station-repeats-sequence-numbers",
        "E-GEN-03",
        "The event behind an Updated carries the same sequence number.",
    ),
    station_201("station-repeats-transaction-ids", "E01.FR.08", "Every transaction of an EVSE has the same id."),
    station_201("station-leaves-out-the-token", "E01.FR.10", "No transaction event carries the token."),
    station_201(
        "station-leaves-out-stopped-reason",
        "E06.FR.08",
        "Ended has no stoppedReason although the driver did not stop at the station.",
    ),
    station_201(
        "station-charges-refused-tokens",
        "E05.FR.10",
        "Charging goes on although the answer to the transaction event refuses the token.",
    ),
    station_201("station-hides-being-offline", "E04.FR.03", "Events that happened offline do not say so."),
    station_201(
        "station-ignores-ev-connection-time-out",
        "E03.FR.05",
        "Whoever does not plug in stays authorised for ever.",
    ),
    station_201("station-forgets-remote-start-id", "F01.FR.19", "The event behind a remote start does not name it."),
    station_201(
        "station-unlocks-while-charging",
        "F05.FR.02",
        "UnlockConnector unlocks a connector in the middle of an authorised transaction.",
    ),
    station_201(
        "station-forgets-scheduled-availability",
        "G03.FR.05",
        "A change of availability that waits for the end of the transaction never comes.",
    ),
    station_201("station-sends-meter-values-as-texts", "J02.FR.02", "Sampled values are texts instead of numbers."),
    station("station-overlooks-bad-times", "R-038", "A text that is no time is taken for one."),
    station_both(
        "station-overlooks-extra-fields",
        "R-038",
        "R-038",
        "Fields that the schema does not have are passed over.",
    )
    .left_to_streams_in_16(),
    station_both("station-overlooks-long-texts", "R-038", "R-038", "The length of texts is not looked at."),
    station_both(
        "station-overlooks-long-texts-inside",
        "R-038",
        "R-038",
        "The length of texts inside of objects is not looked at.",
    ),
    station_both("station-overlooks-missing-fields", "R-038", "R-038", "It goes on without required fields."),
    station_both(
        "station-overlooks-unknown-words",
        "R-038",
        "R-038",
        "Any word is taken where there is an enumeration.",
    ),
    station_both("station-overlooks-wrong-types", "R-038", "R-038", "Values of the wrong type are taken."),
    station_201("station-overlooks-list-lengths", "R-038", "Lists may be empty or too long."),
    station_both(
        "station-keeps-what-it-rejects",
        "16-CFG-08",
        "B05.FR.07",
        "A value that it rejects is stored all the same.",
    ),
    station_both(
        "station-takes-numbers-with-a-tail",
        "16-CFG-06",
        "B05.FR.07",
        "A number with letters behind it, like 60abc, is accepted and stored.",
    ),
    station_both(
        "station-wraps-large-numbers",
        "16-CFG-07",
        "B05.FR.07",
        "Of a number that is too large the lower bits are stored, and Accepted is said.",
    ),
    station_both(
        "station-floods-after-a-bad-interval",
        "16-CFG-06",
        "B05.FR.07",
        "An interval that is no number is accepted, and heartbeats come ten times a second.",
    ),
    station_both("station-shows-its-password", "R-206", "B06.FR.09", "The password can be read."),
    station_both(
        "station-stops-for-any-transaction-id",
        "16-REM-11",
        "F03.FR.08",
        "A remote stop of an unknown transaction ends the running one.",
    ),
    station_201("station-hides-security-events", "A04.FR.01", "It never tells that it has started."),
];
