//! What a peer is: its equipment, its features, and the ready-made configurations.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol::Version;

/// What a reference station is: hardware, features, and settings that differ from the factory's.
#[derive(Clone, Debug)]
pub struct StationSettings {
    /// The version it speaks.
    pub version: Version,
    /// Its identity in the connection URL.
    pub identity: String,
    /// Vendor in BootNotification.
    pub vendor: String,
    /// Model in BootNotification.
    pub model: String,
    /// Serial number in BootNotification.
    pub serial: String,
    /// Firmware version in BootNotification.
    pub firmware: String,
    /// Number of connectors; in 2.x each is the only connector of its EVSE.
    pub connectors: u32,
    /// The cable is part of the station.
    pub fixed_cable: bool,
    /// The connector can hold the cable by a lock.
    pub lock: bool,
    /// After a power failure it lives long enough to say goodbye.
    pub backup_power: bool,
    /// It has an authorisation cache.
    pub authorization_cache: bool,
    /// It has a local authorisation list (only in 1.6).
    pub local_list: bool,
    /// It can be reserved (only in 1.6).
    pub reservation: bool,
    /// It obeys TriggerMessage; in 2.x every station does.
    pub remote_trigger: bool,
    /// The value of the configuration for unknown tokens offline; `None` if the feature is absent.
    pub allow_offline_unknown: Option<bool>,
    /// What happens when the EV's end is pulled can be configured.
    pub ev_disconnect_settable: bool,
    /// In 2.x connectors are reported by NotifyEvent instead of StatusNotification.
    pub report_by_event: bool,
    /// From going down to the next connection attempt.
    pub reboot_duration: Duration,
    /// The power that flows while an EV charges, in watts.
    pub power_w: u32,
    /// What the meter of every connector shows at first, in watt-hours.
    pub meter_start_wh: u64,
    /// First wait before a reconnection attempt; it doubles with each failure.
    pub reconnect_wait: Duration,
    /// Configuration values that differ from the factory's: 1.6 keys, or `Component.Variable` in 2.x.
    pub configuration: BTreeMap<String, String>,
}

impl StationSettings {
    /// A station with two socket-outlets, locks, cache, list and remote trigger.
    pub fn standard(version: Version) -> StationSettings {
        StationSettings {
            version,
            identity: "PF-STATION-1".to_owned(),
            vendor: "Plugfest".to_owned(),
            model: "Reference".to_owned(),
            serial: "PF000001".to_owned(),
            firmware: env!("CARGO_PKG_VERSION").to_owned(),
            connectors: 2,
            fixed_cable: false,
            lock: true,
            backup_power: false,
            authorization_cache: true,
            local_list: true,
            reservation: true,
            remote_trigger: true,
            allow_offline_unknown: Some(false),
            ev_disconnect_settable: true,
            report_by_event: false,
            reboot_duration: Duration::from_secs(5),
            power_w: 7360,
            meter_start_wh: 12_340,
            reconnect_wait: Duration::from_secs(1),
            configuration: BTreeMap::new(),
        }
    }

    /// The ready-made configuration of this name, for this version; see [`configurations`].
    pub fn named(version: Version, name: &str) -> Option<StationSettings> {
        let standard = StationSettings::standard(version);
        Some(match name {
            "standard" => standard,
            "fixed-cable" => StationSettings { fixed_cable: true, lock: false, ..standard },
            "backup-power" => StationSettings { backup_power: true, ..standard },
            "no-cache" => StationSettings { authorization_cache: false, allow_offline_unknown: Some(true), ..standard },
            "core-only" => StationSettings {
                authorization_cache: false,
                local_list: false,
                reservation: false,
                remote_trigger: false,
                allow_offline_unknown: None,
                ev_disconnect_settable: false,
                connectors: 1,
                ..standard
            },
            "no-local-list" if version == Version::V16 => StationSettings { local_list: false, ..standard },
            "no-reservation" if version == Version::V16 => StationSettings { reservation: false, ..standard },
            "no-remote-trigger" if version == Version::V16 => StationSettings { remote_trigger: false, ..standard },
            "notify-event" if version != Version::V16 => StationSettings { report_by_event: true, ..standard },
            "starts-with-the-car" if version != Version::V16 => standard.transactions_are("EVConnected"),
            "starts-with-the-driver" if version != Version::V16 => standard.transactions_are("Authorized"),
            _ => return None,
        })
    }

    /// The same station with these points as start and end of its transactions.
    fn transactions_are(mut self, points: &str) -> StationSettings {
        for variable in ["TxCtrlr.TxStartPoint", "TxCtrlr.TxStopPoint"] {
            self.configuration.insert(variable.to_owned(), points.to_owned());
        }
        self
    }

    /// The capabilities this equipment adds up to, by the names that cases use in `requires`.
    pub fn capabilities(&self) -> Vec<&'static str> {
        let v16 = self.version == Version::V16;
        let local_list = self.local_list && v16;
        let offline = self.authorization_cache || local_list || self.allow_offline_unknown == Some(true);
        [
            ("Core", true),
            ("RemoteTrigger", self.remote_trigger || !v16),
            ("LocalAuthListManagement", local_list),
            ("Reservation", self.reservation && v16),
            ("FixedCable", self.fixed_cable),
            ("AuthorizationCache", self.authorization_cache),
            ("LocalList", local_list),
            ("OfflineTransactions", offline),
            ("BackupPower", self.backup_power),
            ("LockFailure", self.lock && !self.fixed_cable),
            ("UnknownOffline", self.allow_offline_unknown.is_some()),
            ("SharedReader", self.connectors > 1),
            ("LocalStop", true),
            ("EvDisconnectSettable", self.ev_disconnect_settable),
        ]
        .into_iter()
        .filter_map(|(name, has)| has.then_some(name))
        .collect()
    }
}

/// The ready-made configurations of the reference station: name, capabilities, settings. Prerequisites of
/// official cases that exclude each other are each met by at least one of them.
pub fn configurations(version: Version) -> Vec<(&'static str, Vec<&'static str>, StationSettings)> {
    const NAMES: [&str; 11] = [
        "standard",
        "fixed-cable",
        "backup-power",
        "no-cache",
        "no-local-list",
        "no-reservation",
        "no-remote-trigger",
        "core-only",
        "notify-event",
        "starts-with-the-car",
        "starts-with-the-driver",
    ];
    NAMES
        .into_iter()
        .filter_map(|name| {
            let settings = StationSettings::named(version, name)?;
            Some((name, settings.capabilities(), settings))
        })
        .collect()
}

/// A token that a CSMS knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The text of the token; compared without case (16-AUTH-07).
    pub id: String,
    /// `Accepted`, `Blocked`, `Expired`, `Invalid`, …
    pub status: String,
    /// The group: `parentIdTag` in 1.6, `groupIdToken` in 2.x.
    pub group: Option<String>,
}

impl Token {
    /// A token without a group.
    pub fn new(id: &str, status: &str) -> Token {
        Token { id: id.to_owned(), status: status.to_owned(), group: None }
    }

    /// The same token as a member of a group.
    #[must_use]
    pub fn in_group(self, group: &str) -> Token {
        Token { group: Some(group.to_owned()), ..self }
    }
}

/// What a reference CSMS is set up with.
#[derive(Clone, Debug)]
pub struct CsmsSettings {
    /// The versions it speaks; each link has the one that its handshake chose.
    pub versions: Vec<Version>,
    /// The interval it gives to a station that it accepts, in seconds.
    pub heartbeat_interval: u32,
    /// The interval it gives to a station that must boot again, in seconds.
    pub retry_interval: u32,
    /// How long it waits for an answer.
    pub message_timeout: Duration,
    /// The identities it knows; `None` takes everybody.
    pub stations: Option<Vec<String>>,
    /// The tokens it knows; any other is Invalid.
    pub tokens: Vec<Token>,
    /// The Basic authentication password of an identity; one that is not listed needs none.
    pub passwords: BTreeMap<String, Vec<u8>>,
}

impl CsmsSettings {
    /// A CSMS that takes every station, with the tokens of the reference rig.
    pub fn standard(version: Version) -> CsmsSettings {
        CsmsSettings {
            versions: vec![version],
            heartbeat_interval: 300,
            retry_interval: 30,
            message_timeout: Duration::from_secs(30),
            stations: None,
            tokens: vec![
                Token::new("TAG-VALID", "Accepted").in_group("GROUP-1"),
                Token::new("TAG-VALID-2", "Accepted").in_group("GROUP-1"),
                Token::new("TAG-GROUP", "Accepted").in_group("GROUP-1"),
                Token::new("TAG-OTHER", "Accepted"),
                Token::new("TAG-BLOCKED", "Blocked"),
                Token::new("TAG-EXPIRED", "Expired"),
            ],
            passwords: BTreeMap::new(),
        }
    }
}
