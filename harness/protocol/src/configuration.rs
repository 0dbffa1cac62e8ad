//! Configuration by name: the keys of 1.6, and the short names under which requirements of 2.x speak of variables.

use std::sync::OnceLock;

use crate::Version;

/// What kind of value a configuration key of 1.6 has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// Text.
    Text,
    /// Words separated by commas.
    List,
    /// A date-time.
    DateTime,
    /// JSON text.
    Json,
}

/// What a CSMS may do with a configuration key of 1.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Only read it.
    Read,
    /// Only write it (AuthorizationKey).
    Write,
    /// Read and write it.
    ReadWrite,
    /// Read it; writing is up to the station.
    ReadMaybeWrite,
}

impl Access {
    /// Whether a station must show it in GetConfiguration.
    pub fn can_read(self) -> bool {
        self != Access::Write
    }

    /// Whether a station may refuse to have it changed.
    pub fn must_write(self) -> bool {
        matches!(self, Access::Write | Access::ReadWrite)
    }
}

/// A standard configuration key of 1.6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name; compared without regard to case.
    pub name: &'static str,
    /// The kind of its value.
    pub ty: KeyType,
    /// What may be done with it.
    pub access: Access,
    /// Whether a station with the profile must have it.
    pub required: bool,
    /// The feature profile, or the extension, it belongs to.
    pub profile: &'static str,
    /// The unit of its value, if it has one.
    pub unit: Option<&'static str>,
}

/// A variable of 2.x under the name that requirements use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The short name: `TxStartPoint`.
    pub alias: &'static str,
    /// The component: `TxCtrlr`.
    pub component: &'static str,
    /// The variable: `TxStartPoint`.
    pub variable: &'static str,
    /// The instance of the variable; in `<…>` where the name of the instance is free.
    pub instance: Option<&'static str>,
    /// The versions that use the name.
    pub versions: Vec<Version>,
}

/// The standard configuration keys of 1.6.
pub fn keys() -> &'static [Key] {
    static KEYS: OnceLock<Vec<Key>> = OnceLock::new();
    KEYS.get_or_init(|| include_str!("../catalogue/configuration-keys.txt").lines().filter_map(read_key).collect())
}

/// The standard key of this name, without regard to case.
pub fn key(name: &str) -> Option<&'static Key> {
    keys().iter().find(|key| key.name.eq_ignore_ascii_case(name))
}

/// The variables of 2.x that have a short name.
pub fn variables(version: Version) -> impl Iterator<Item = &'static Variable> {
    all_variables().iter().filter(move |variable| variable.versions.contains(&version))
}

/// The variable with this short name.
pub fn variable(version: Version, alias: &str) -> Option<&'static Variable> {
    variables(version).find(|variable| variable.alias == alias)
}

/// Variables of 2.x that hold whole numbers, by component.
const WHOLE: &[(&str, &[&str])] = &[
    ("AlignedDataCtrlr", &["Interval", "TxEndedInterval"]),
    ("AuthCacheCtrlr", &["LifeTime", "Storage"]),
    ("ISO15118Ctrlr", &["MaxScheduleEntries"]),
    ("LocalAuthListCtrlr", &["Entries", "Storage"]),
    (
        "OCPPCommCtrlr",
        &[
            "HeartbeatInterval",
            "MessageAttemptInterval",
            "MessageAttempts",
            "MessageTimeout",
            "NetworkProfileConnectionAttempts",
            "OfflineThreshold",
            "ResetRetries",
            "RetryBackOffRandomRange",
            "RetryBackOffRepeatTimes",
            "RetryBackOffWaitMinimum",
            "WebSocketPingInterval",
        ],
    ),
    ("SampledDataCtrlr", &["TxEndedInterval", "TxUpdatedInterval"]),
    ("SecurityCtrlr", &["CertSigningRepeatTimes", "CertSigningWaitMinimum"]),
    ("SmartChargingCtrlr", &["PeriodsPerSchedule", "ProfileStackLevel"]),
    ("TxCtrlr", &["EVConnectionTimeOut", "MaxEnergyOnInvalidId"]),
];

/// Whether a variable of 2.x holds a whole number, by the names of component and variable, whatever their case.
pub fn is_whole(component: &str, variable: &str) -> bool {
    WHOLE.iter().any(|(name, variables)| {
        name.eq_ignore_ascii_case(component) && variables.iter().any(|each| each.eq_ignore_ascii_case(variable))
    })
}

/// The key or short name that was probably meant.
pub fn suggest(version: Version, name: &str) -> Option<&'static str> {
    match version {
        Version::V16 => crate::catalogue::suggest(name, keys().iter().map(|key| key.name)),
        Version::V201 | Version::V21 => {
            crate::catalogue::suggest(name, variables(version).map(|variable| variable.alias))
        }
    }
}

fn all_variables() -> &'static [Variable] {
    static VARIABLES: OnceLock<Vec<Variable>> = OnceLock::new();
    VARIABLES.get_or_init(|| {
        let mut versions: Vec<Version> = Vec::new();
        let mut variables = Vec::new();
        for line in include_str!("../catalogue/variables.txt").lines() {
            if let Some(list) = line.strip_prefix("versions ") {
                versions = list.split_whitespace().filter_map(|version| version.parse().ok()).collect();
            } else if line.starts_with(' ') {
                variables.extend(read_variable(line, &versions));
            }
        }
        variables
    })
}

/// `BlinkRepeat | integer | RW | optional | Core | times`
fn read_key(line: &'static str) -> Option<Key> {
    if line.starts_with('#') {
        return None;
    }
    let mut cells = line.split('|').map(str::trim);
    Some(Key {
        name: cells.next()?,
        ty: match cells.next()? {
            "boolean" => KeyType::Boolean,
            "integer" => KeyType::Integer,
            "string" => KeyType::Text,
            "CSL" => KeyType::List,
            "dateTime" => KeyType::DateTime,
            "json" => KeyType::Json,
            _ => return None,
        },
        access: match cells.next()? {
            "R" => Access::Read,
            "W" => Access::Write,
            "RW" => Access::ReadWrite,
            "R/RW" => Access::ReadMaybeWrite,
            _ => return None,
        },
        required: cells.next()? == "required",
        profile: cells.next()?,
        unit: cells.next(),
    })
}

/// `CostEnabled = TariffCostCtrlr / Enabled / Cost`
fn read_variable(line: &'static str, versions: &[Version]) -> Option<Variable> {
    let (alias, rest) = line.split_once(" = ")?;
    let mut parts = rest.split(" / ").map(str::trim);
    Some(Variable {
        alias: alias.trim(),
        component: parts.next()?,
        variable: parts.next()?,
        instance: parts.next(),
        versions: versions.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read() {
        let lines = |text: &str| {
            text.lines()
                .filter(|line| line.contains(" | ") || line.contains(" = "))
                .filter(|line| !line.starts_with('#'))
                .count()
        };
        assert_eq!(keys().len(), lines(include_str!("../catalogue/configuration-keys.txt")));
        assert_eq!(all_variables().len(), lines(include_str!("../catalogue/variables.txt")));
    }

    #[test]
    fn a_key_is_found_without_regard_to_case() {
        let key = key("connectiontimeout").unwrap();
        assert_eq!(key.name, "ConnectionTimeOut");
        assert_eq!(key.unit, Some("s"));
        assert!(key.required && key.access.must_write());
        assert!(!super::key("AuthorizationKey").unwrap().access.can_read());
    }

    #[test]
    fn a_variable_is_found_by_its_short_name() {
        let variable = variable(Version::V201, "CostEnabled").unwrap();
        assert_eq!(
            (variable.component, variable.variable, variable.instance),
            ("TariffCostCtrlr", "Enabled", Some("Cost"))
        );
        assert!(super::variable(Version::V16, "CostEnabled").is_none());
    }
}
