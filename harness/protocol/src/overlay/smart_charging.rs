//! Rules about charging profiles, in whatever message they stand.

use serde_json::Value;

use super::look::Look;
use super::{Part, Rule, Severity};
use crate::{Role, Version};

const V16: &[Version] = &[Version::V16];
const V2: &[Version] = &[Version::V201, Version::V21];
const V21: &[Version] = &[Version::V21];

pub(super) const STACK_LEVEL_16: Rule = Rule {
    id: "stack-level-not-negative",
    sentence: "Stack levels are counted from 0.",
    severity: Severity::Must,
    versions: V16,
    sender: Some(Role::Csms),
    statement: "16-SC-30",
    check: negative_level,
};

pub(super) const STACK_LEVEL_2: Rule = Rule {
    id: "profile-level-not-negative",
    sentence: "Stack levels are counted from 0.",
    severity: Severity::Must,
    versions: V2,
    sender: Some(Role::Csms),
    statement: "K-LEVEL",
    check: negative_level,
};

pub(super) const RECURRENCY_16: Rule = Rule {
    id: "recurrency-only-when-recurring",
    sentence: "A recurrency belongs to a Recurring profile.",
    severity: Severity::Must,
    versions: V16,
    sender: Some(Role::Csms),
    statement: "16-SC-16",
    check: |look| {
        each_profile(look, |look, path, profile| {
            if let Some(recurrency) = profile.get("recurrencyKind")
                && profile.get("chargingProfileKind").is_some_and(|kind| kind != "Recurring")
            {
                look.add(format!("{path}/recurrencyKind"), "no recurrency unless Recurring", recurrency);
            }
        });
    },
};

pub(super) const START_16: Rule = Rule {
    id: "absolute-needs-start",
    sentence: "An Absolute schedule has its start.",
    severity: Severity::Should,
    versions: V16,
    sender: Some(Role::Csms),
    statement: "16-SC-15",
    // The text of 1.6 also knows a missing start as "from the start of charging".
    check: |look| needs_start(look, &["Absolute"]),
};

pub(super) const START_2: Rule = Rule {
    id: "schedule-needs-start",
    sentence: "An Absolute or Recurring schedule has its start.",
    severity: Severity::Must,
    versions: V2,
    sender: Some(Role::Csms),
    statement: "K01.FR.40",
    check: |look| needs_start(look, &["Absolute", "Recurring"]),
};

pub(super) const NO_START_2: Rule = Rule {
    id: "relative-without-start",
    sentence: "A Relative schedule has no start.",
    severity: Severity::Must,
    versions: V2,
    sender: Some(Role::Csms),
    statement: "K01.FR.41",
    check: |look| {
        each_profile(look, |look, path, profile| {
            if profile.get("chargingProfileKind").is_none_or(|kind| kind != "Relative") {
                return;
            }
            for (path, schedule) in schedules(path, profile) {
                if let Some(start) = schedule.get("startSchedule") {
                    look.add(format!("{path}/startSchedule"), "no start", start);
                }
            }
        });
    },
};

pub(super) const FIRST_PERIOD_16: Rule = Rule {
    id: "first-period-at-zero",
    sentence: "The first period of a schedule begins at 0.",
    severity: Severity::Uncertain,
    versions: V16,
    sender: Some(Role::Csms),
    statement: "16-SC-11",
    check: first_period,
};

pub(super) const FIRST_PERIOD_2: Rule = Rule {
    id: "first-schedule-period-at-zero",
    sentence: "The first period of a schedule begins at 0.",
    severity: Severity::Must,
    versions: V2,
    sender: Some(Role::Csms),
    statement: "K01.FR.31",
    check: first_period,
};

pub(super) const ASCENDING: Rule = Rule {
    id: "periods-ascend",
    sentence: "The periods of a schedule stand in the order of their start.",
    severity: Severity::Must,
    versions: V2,
    sender: Some(Role::Csms),
    statement: "K01.FR.35",
    check: |look| {
        each_profile(look, |look, path, profile| {
            for (path, schedule) in schedules(path, profile) {
                let starts: Vec<Option<i64>> =
                    periods(schedule).iter().map(|period| period["startPeriod"].as_i64()).collect();
                for (at, pair) in starts.windows(2).enumerate() {
                    if let [Some(before), Some(after)] = pair
                        && after <= before
                    {
                        look.add(
                            format!("{path}/chargingSchedulePeriod/{}/startPeriod", at + 1),
                            "a later start than the period before",
                            &Value::from(*after),
                        );
                    }
                }
            }
        });
    },
};

pub(super) const EMPTY_SCHEDULE: Rule = Rule {
    id: "schedule-without-periods",
    sentence: "A schedule has at least one period.",
    severity: Severity::Must,
    versions: V16,
    sender: None,
    statement: "16-SC-29",
    check: |look| look.not_empty(&["chargingSchedulePeriod"]),
};

pub(super) const REMOTE_START_PROFILE_16: Rule = Rule {
    id: "remote-start-profile",
    sentence: "The profile of a remote start is a TxProfile without a transaction.",
    severity: Severity::Must,
    versions: V16,
    sender: Some(Role::Csms),
    statement: "16-REM-08",
    check: |look| remote_start_profile(look, "RemoteStartTransaction"),
};

pub(super) const REMOTE_START_PROFILE_2: Rule = Rule {
    id: "request-start-profile",
    sentence: "The profile of a remote start is a TxProfile without a transaction.",
    severity: Severity::Must,
    versions: V2,
    sender: Some(Role::Csms),
    statement: "F01.FR.08",
    check: |look| remote_start_profile(look, "RequestStartTransaction"),
};

pub(super) const PLACE_16: Rule = Rule {
    id: "profile-purpose-and-connector",
    sentence: "A ChargePointMaxProfile goes to connector 0, a TxProfile to one above it.",
    severity: Severity::Must,
    versions: V16,
    sender: Some(Role::Csms),
    statement: "16-SC-01",
    check: |look| {
        station_wide(look, "/connectorId", "/csChargingProfiles", "ChargePointMaxProfile");
        of_a_transaction(look, "/connectorId", "/csChargingProfiles");
    },
};

pub(super) const TX_PLACE_2: Rule = Rule {
    id: "tx-profile-on-an-evse",
    sentence: "A TxProfile goes to an EVSE above 0.",
    severity: Severity::Must,
    versions: V2,
    sender: Some(Role::Csms),
    statement: "K01.FR.16",
    check: |look| of_a_transaction(look, "/evseId", "/chargingProfile"),
};

pub(super) const MAX_PLACE_2: Rule = Rule {
    id: "station-maximum-on-evse-0",
    sentence: "A ChargingStationMaxProfile goes to EVSE 0.",
    severity: Severity::Must,
    versions: V2,
    sender: Some(Role::Csms),
    statement: "K04.FR.03",
    check: |look| station_wide(look, "/evseId", "/chargingProfile", "ChargingStationMaxProfile"),
};

pub(super) const TRANSACTION_2: Rule = Rule {
    id: "tx-profile-names-transaction",
    sentence: "A TxProfile names its transaction.",
    severity: Severity::Must,
    versions: V2,
    sender: Some(Role::Csms),
    statement: "K01.FR.03",
    check: |look| {
        let Some(profile) = look.field("SetChargingProfile", Part::Request, "/chargingProfile") else {
            return;
        };
        if purpose(profile) == Some("TxProfile") && profile.get("transactionId").is_none() {
            look.add("/chargingProfile/transactionId".to_owned(), "the id of the transaction", &Value::Null);
        }
    },
};

pub(super) const EXTERNAL: Rule = Rule {
    id: "external-constraints-from-csms",
    sentence: "The CSMS never sets ChargingStationExternalConstraints.",
    severity: Severity::Must,
    versions: V2,
    sender: Some(Role::Csms),
    statement: "K01.FR.22",
    check: |look| {
        let profile = look.field("SetChargingProfile", Part::Request, "/chargingProfile");
        if let Some(profile) = profile
            && purpose(profile) == Some("ChargingStationExternalConstraints")
        {
            look.add(
                "/chargingProfile/chargingProfilePurpose".to_owned(),
                "another purpose",
                &profile["chargingProfilePurpose"],
            );
        }
    },
};

pub(super) const MAX_NOT_RELATIVE: Rule = Rule {
    id: "station-maximum-not-relative",
    sentence: "The maximum of the station is not Relative.",
    severity: Severity::Must,
    versions: V2,
    sender: Some(Role::Csms),
    statement: "K01.FR.38",
    check: |look| {
        each_profile(look, |look, path, profile| {
            if purpose(profile) == Some("ChargingStationMaxProfile")
                && let Some(kind) = profile.get("chargingProfileKind")
                && kind == "Relative"
            {
                look.add(format!("{path}/chargingProfileKind"), "Absolute or Recurring", kind);
            }
        });
    },
};

pub(super) const PHASE_TO_USE: Rule = Rule {
    id: "phase-to-use-with-one-phase",
    sentence: "A phase is chosen only where a single phase is used.",
    severity: Severity::Must,
    versions: V2,
    sender: Some(Role::Csms),
    statement: "K01.FR.19",
    check: |look| {
        look.each("ChargingSchedulePeriodType", |look, path, period| {
            if let Some(phase) = period.get("phaseToUse")
                && period.get("numberPhases").is_none_or(|count| count != 1)
            {
                look.add(format!("{path}/phaseToUse"), "no phase unless numberPhases is 1", phase);
            }
        });
    },
};

pub(super) const DYNAMIC: Rule = Rule {
    id: "dynamic-profile-of-one-period",
    sentence: "A Dynamic profile has one schedule of one period from 0, and only it an update interval.",
    severity: Severity::Must,
    versions: V21,
    sender: Some(Role::Csms),
    statement: "K28.FR.01",
    check: |look| {
        each_profile(look, |look, path, profile| {
            let is_dynamic = profile.get("chargingProfileKind").is_some_and(|kind| kind == "Dynamic");
            let interval = profile.get("dynUpdateInterval").filter(|_| !is_dynamic);
            if let Some(interval) = interval.filter(|_| profile.get("chargingProfileKind").is_some()) {
                look.add(format!("{path}/dynUpdateInterval"), "no interval unless Dynamic", interval);
            }
            if !is_dynamic {
                return;
            }
            let schedules = schedules(path, profile);
            if schedules.len() > 1 {
                look.add(format!("{path}/chargingSchedule"), "one schedule", &profile["chargingSchedule"]);
            }
            for (path, schedule) in schedules {
                let periods = periods(schedule);
                if periods.len() > 1 {
                    let all = &schedule["chargingSchedulePeriod"];
                    look.add(format!("{path}/chargingSchedulePeriod"), "one period", all);
                }
            }
        });
    },
};

pub(super) const PRIORITY: Rule = Rule {
    id: "priority-profile-without-duration",
    sentence: "A PriorityCharging profile has no duration.",
    severity: Severity::Must,
    versions: V21,
    sender: Some(Role::Csms),
    statement: "K01.FR.70",
    check: |look| {
        each_profile(look, |look, path, profile| {
            if purpose(profile) != Some("PriorityCharging") {
                return;
            }
            for (path, schedule) in schedules(path, profile) {
                if let Some(duration) = schedule.get("duration") {
                    look.add(format!("{path}/duration"), "no duration", duration);
                }
            }
        });
    },
};

fn each_profile<'a>(look: &mut Look<'a>, mut then: impl FnMut(&mut Look<'a>, &str, &'a Value)) {
    let name = match look.version {
        Version::V16 => "ChargingProfile",
        Version::V201 | Version::V21 => "ChargingProfileType",
    };
    look.each(name, &mut then);
}

/// The schedules of a profile: one in 1.6, a list in 2.x.
fn schedules<'a>(path: &str, profile: &'a Value) -> Vec<(String, &'a Value)> {
    match profile.get("chargingSchedule") {
        Some(Value::Array(list)) => {
            list.iter().enumerate().map(|(at, schedule)| (format!("{path}/chargingSchedule/{at}"), schedule)).collect()
        }
        Some(schedule) => vec![(format!("{path}/chargingSchedule"), schedule)],
        None => Vec::new(),
    }
}

fn periods(schedule: &Value) -> &[Value] {
    schedule.get("chargingSchedulePeriod").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn purpose(profile: &Value) -> Option<&str> {
    profile.get("chargingProfilePurpose")?.as_str()
}

fn needs_start(look: &mut Look<'_>, kinds: &[&str]) {
    each_profile(look, |look, path, profile| {
        let kind = profile.get("chargingProfileKind").and_then(Value::as_str);
        if !kind.is_some_and(|kind| kinds.contains(&kind)) {
            return;
        }
        for (path, schedule) in schedules(path, profile) {
            if schedule.get("startSchedule").is_none() {
                look.add(format!("{path}/startSchedule"), "the start of the schedule", &Value::Null);
            }
        }
    });
}

fn first_period(look: &mut Look<'_>) {
    each_profile(look, |look, path, profile| {
        for (path, schedule) in schedules(path, profile) {
            let start = periods(schedule).first().and_then(|period| period.get("startPeriod"));
            if let Some(start) = start
                && start.as_i64().is_some_and(|start| start != 0)
            {
                look.add(format!("{path}/chargingSchedulePeriod/0/startPeriod"), "0", start);
            }
        }
    });
}

fn remote_start_profile(look: &mut Look<'_>, action: &str) {
    let Some(profile) = look.field(action, Part::Request, "/chargingProfile") else {
        return;
    };
    if let Some(purpose) = profile.get("chargingProfilePurpose")
        && purpose != "TxProfile"
    {
        let path = "/chargingProfile/chargingProfilePurpose".to_owned();
        look.add(path, "TxProfile", purpose);
    }
    if let Some(transaction) = profile.get("transactionId") {
        let path = "/chargingProfile/transactionId".to_owned();
        look.add(path, "no transaction", transaction);
    }
}

fn negative_level(look: &mut Look<'_>) {
    each_profile(look, |look, path, profile| {
        if let Some(level) = profile.get("stackLevel")
            && level.as_i64().is_some_and(|level| level < 0)
        {
            look.add(format!("{path}/stackLevel"), "0 or more", level);
        }
    });
}

/// A profile of this purpose goes to connector or EVSE 0.
fn station_wide(look: &mut Look<'_>, at: &str, profile: &str, wanted: &str) {
    if let Some((place, value)) = place(look, at, profile, wanted)
        && place != 0
    {
        look.add(at.to_owned(), "0 for a station-wide maximum", value);
    }
}

/// A TxProfile goes to a connector or EVSE above 0.
fn of_a_transaction(look: &mut Look<'_>, at: &str, profile: &str) {
    if let Some((place, value)) = place(look, at, profile, "TxProfile")
        && place <= 0
    {
        look.add(at.to_owned(), "more than 0 for a TxProfile", value);
    }
}

/// Where SetChargingProfile puts a profile of this purpose.
fn place<'a>(look: &Look<'a>, at: &str, profile: &str, wanted: &str) -> Option<(i64, &'a Value)> {
    let value = look.field("SetChargingProfile", Part::Request, at)?;
    let profile = look.field("SetChargingProfile", Part::Request, profile)?;
    (purpose(profile) == Some(wanted)).then_some(())?;
    Some((value.as_i64()?, value))
}
