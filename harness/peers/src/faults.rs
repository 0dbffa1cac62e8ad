//! Seeded defects: each a realistic mistake that breaks one statement of the specification.

use protocol::{Role, Version};

/// What there is to know about a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultInfo {
    /// Its name: `station-…` or `csms-…`.
    pub id: &'static str,
    /// What the defective device does, as a sentence.
    pub sentence: &'static str,
    /// The statement of the specification that it breaks.
    pub breaks: &'static str,
    /// The version whose peer can have it.
    pub version: Version,
    /// The peer that can have it.
    pub side: Role,
}

/// A fault to be built into a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault(&'static FaultInfo);

impl Fault {
    /// The fault with this id.
    pub fn find(id: &str) -> Option<Fault> {
        FAULTS.iter().find(|info| info.id == id).map(Fault)
    }

    /// Every fault of a side in a version.
    pub fn of(version: Version, side: Role) -> Vec<Fault> {
        FAULTS.iter().filter(|info| info.version == version && info.side == side).map(Fault).collect()
    }

    /// What there is to know about it.
    pub fn info(self) -> &'static FaultInfo {
        self.0
    }
}

/// Every fault there is.
pub fn faults() -> &'static [FaultInfo] {
    FAULTS
}

/// The faults of one peer, and those that have shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    active: Vec<&'static str>,
    triggered: Vec<&'static str>,
}

impl Faults {
    pub(crate) fn new(faults: &[Fault]) -> Faults {
        Faults { active: faults.iter().map(|fault| fault.info().id).collect(), triggered: Vec::new() }
    }

    /// Whether the peer has this fault.
    pub(crate) fn active(&self, id: &str) -> bool {
        self.active.contains(&id)
    }

    /// Whether the peer has this fault; to be asked only where that changes what it does, so that having it
    /// means that it has shown.
    pub(crate) fn hits(&mut self, id: &'static str) -> bool {
        let active = self.active(id);
        if active && !self.triggered.contains(&id) {
            self.triggered.push(id);
        }
        active
    }

    pub(crate) fn triggered(&self) -> Vec<&'static str> {
        self.triggered.clone()
    }
}

const fn fault(
    version: Version,
    side: Role,
    id: &'static str,
    breaks: &'static str,
    sentence: &'static str,
) -> FaultInfo {
    FaultInfo { id, sentence, breaks, version, side }
}

const fn station(id: &'static str, breaks: &'static str, sentence: &'static str) -> FaultInfo {
    fault(Version::V16, Role::Station, id, breaks, sentence)
}

const fn csms(id: &'static str, breaks: &'static str, sentence: &'static str) -> FaultInfo {
    fault(Version::V16, Role::Csms, id, breaks, sentence)
}

const fn station_201(id: &'static str, breaks: &'static str, sentence: &'static str) -> FaultInfo {
    fault(Version::V201, Role::Station, id, breaks, sentence)
}

const fn csms_201(id: &'static str, breaks: &'static str, sentence: &'static str) -> FaultInfo {
    fault(Version::V201, Role::Csms, id, breaks, sentence)
}

const FAULTS: &[FaultInfo] = &[
    station("station-answers-twice", "R-028", "Every call is answered two times."),
    station(
        "station-deaf-after-invalid-payload",
        "R-038",
        "After refusing a malformed or invalid call it never answers another one on that connection.",
    ),
    station("station-reports-status-before-boot", "16-BOOT-02", "It reports its status before BootNotification."),
    station("station-boots-on-reconnect", "16-BOOT-17", "It sends BootNotification after a mere reconnection."),
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
    station("station-does-not-wait-for-answers", "R-030", "It sends further calls while one is unanswered."),
    station("station-answers-only-when-idle", "R-031", "It answers nothing while a call of its own is unanswered."),
    station(
        "station-drops-link-on-unknown-action",
        "R-038",
        "It closes the connection after a call with an unknown action.",
    ),
    station(
        "station-corrects-error-codes",
        "R-051",
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
    station("station-keeps-cache-when-cleared", "16-AUTH-14", "ClearCache is accepted and clears nothing."),
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
        "R-156",
        "A StopTransaction that waited offline carries -1 although the id is known.",
    ),
    station("station-stops-twice-after-offline", "R-151", "A StopTransaction that waited offline is sent two times."),
    station(
        "station-loses-offline-start",
        "R-151",
        "The StartTransaction of a transaction begun offline is never sent.",
    ),
    station("station-rewrites-queued-timestamps", "16-TX-14", "Queued messages get the time of their delivery."),
    station("station-gives-up-at-first-failure", "R-153", "A transaction message that failed is not sent again."),
    station("station-sends-numbers-in-meter-values", "16-MV-09", "Sampled values are numbers instead of texts."),
    station("station-changes-read-only-keys", "16-CFG-09", "A read-only configuration key can be changed."),
    station("station-takes-negative-ping-interval", "16-CFG-10", "A negative WebSocketPingInterval is accepted."),
    station(
        "station-forgets-accepted-configuration",
        "16-CFG-07",
        "ChangeConfiguration is accepted and the old value stays.",
    ),
    station(
        "station-forgets-unavailable-at-reboot",
        "16-STAT-12",
        "An Unavailable connector is Available again after a reboot.",
    ),
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
    csms("csms-answers-twice", "R-028", "Every call is answered two times."),
    csms("csms-answers-with-its-own-id", "R-022", "Answers carry a new message id."),
    csms("csms-upper-cases-ids", "R-022", "Answers carry the message id in upper case."),
    csms("csms-answers-answers", "R-015", "It answers the result of its own call."),
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
    csms("csms-forgets-lost-links", "R-114", "After a reconnection it wants a new BootNotification."),
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
    station_201(
        "station-keeps-old-error-codes",
        "R-051",
        "It uses the 1.6 spelling of the error codes, which 2.0.1 does not have.",
    ),
    station_201("station-serves-while-rejected", "B03.FR.08", "It carries out calls although it was rejected."),
    station_201(
        "station-leaves-out-unknown-variables",
        "B06.FR.01",
        "GetVariables is answered without a result for variables that do not exist.",
    ),
    station_201("station-sets-read-only-variables", "B05.FR.09", "A read-only variable can be set."),
    station_201("station-forgets-accepted-variables", "B05.FR.10", "SetVariables is accepted and the old value stays."),
    station_201("station-numbers-reports-from-one", "B07.FR.10", "The first part of a report has number 1."),
    station_201(
        "station-resets-despite-transaction",
        "B12.FR.01",
        "A reset that was scheduled for the end of the transaction ends it.",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_words_and_break_a_statement_of_their_version() {
        for (at, info) in FAULTS.iter().enumerate() {
            assert!(info.id.starts_with(&format!("{}-", info.side)), "{}", info.id);
            assert!(info.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{}", info.id);
            assert!(FAULTS[at + 1..].iter().all(|other| other.id != info.id));
            assert!(info.sentence.ends_with('.'), "{}", info.id);
            assert_eq!(Fault::find(info.id).map(Fault::info), Some(info));
            let broken = protocol::statements::statement(info.breaks);
            assert!(broken.is_some_and(|statement| statement.is_of(info.version)), "{}: {}", info.id, info.breaks);
        }
    }
}
