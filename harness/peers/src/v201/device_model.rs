//! The device model: components, variables, and what may be done with them.

use std::time::Duration;

use protocol::Timestamp;

use super::meter::MEASURANDS;
use crate::StationSettings;

/// Every variable of the station.
#[derive(Debug)]
pub(super) struct DeviceModel {
    pub(super) variables: Vec<Variable>,
}

/// A variable of a component.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    pub(super) component: &'static str,
    /// The EVSE that the component belongs to, if not to the station as a whole.
    pub(super) evse: Option<u32>,
    /// Its number there, if the component is a connector.
    pub(super) connector: Option<u32>,
    pub(super) name: &'static str,
    pub(super) instance: Option<&'static str>,
    pub(super) value: String,
    pub(super) access: Access,
    pub(super) kind: Kind,
    pub(super) unit: Option<&'static str>,
}

/// What a CSMS may do with a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    ReadOnly,
    ReadWrite,
    WriteOnly,
}

use Access::{ReadOnly, ReadWrite, WriteOnly};

/// What a variable's value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    /// A whole number in these bounds.
    Integer(i64, i64),
    Decimal,
    DateTime,
    /// At most this many characters.
    Text(usize),
    /// 16 to 40 characters.
    Password,
    /// One of these words.
    Option(&'static [&'static str]),
    /// Any of these words, each once; at least one where the flag says so.
    Members(&'static [&'static str], bool),
    /// Some of these words in an order.
    Sequence(&'static [&'static str]),
}

use Kind::{Boolean, DateTime, Decimal, Integer, Members, Password, Sequence, Text};

/// The largest value of whole numbers: what fits every implementation's integer.
const LARGEST: i64 = 2_147_483_647;
/// A day in seconds.
const DAY: i64 = 86_400;
/// How many items one message may carry.
pub(super) const MOST_ITEMS: usize = 50;
/// How long one message may be.
const MOST_BYTES: i64 = 65_536;
const STATES: Kind = Kind::Option(&["Available", "Occupied", "Reserved", "Unavailable", "Faulted"]);
const POINTS: Kind = Members(&["EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer"], true);
const ENERGY: &str = MEASURANDS[0];

impl DeviceModel {
    pub(super) fn new(settings: &StationSettings) -> DeviceModel {
        let mut model = DeviceModel { variables: Vec::new() };
        model.add_controllers(settings);
        model.add_hardware(settings);
        for (name, value) in &settings.configuration {
            if let Some((component, variable)) = name.split_once('.') {
                model.put(component, variable, value);
            }
        }
        model
    }

    fn add_controllers(&mut self, settings: &StationSettings) {
        let measurands = Members(&MEASURANDS, false);
        let ev_access = if settings.ev_disconnect_settable { ReadWrite } else { ReadOnly };
        let lockable = settings.lock && !settings.fixed_cable;
        let unlock_access = if lockable { ev_access } else { ReadOnly };
        let items = Integer(1, LARGEST);
        let most_items = MOST_ITEMS.to_string();
        let most_bytes = MOST_BYTES.to_string();
        let back_off = settings.reconnect_wait.as_secs().to_string();

        let c = "AlignedDataCtrlr";
        self.add(c, "Available", "true", ReadOnly, Boolean);
        self.add(c, "Interval", "0", ReadWrite, Integer(0, DAY)).unit("s");
        self.add(c, "Measurands", ENERGY, ReadWrite, measurands);
        self.add(c, "TxEndedInterval", "0", ReadWrite, Integer(0, DAY)).unit("s");
        self.add(c, "TxEndedMeasurands", "", ReadWrite, measurands);

        if settings.authorization_cache {
            let c = "AuthCacheCtrlr";
            self.add(c, "Available", "true", ReadOnly, Boolean);
            self.add(c, "Enabled", "true", ReadWrite, Boolean);
            self.add(c, "LifeTime", "86400", ReadWrite, Integer(0, LARGEST)).unit("s");
        }

        let c = "AuthCtrlr";
        self.add(c, "AuthorizeRemoteStart", "true", ReadWrite, Boolean);
        self.add(c, "LocalAuthorizeOffline", "true", ReadWrite, Boolean);
        self.add(c, "LocalPreAuthorize", "false", ReadWrite, Boolean);
        if let Some(allowed) = settings.allow_offline_unknown {
            self.add(c, "OfflineTxForUnknownIdEnabled", &allowed.to_string(), ReadWrite, Boolean);
        }

        let c = "ClockCtrlr";
        self.add(c, "DateTime", "", ReadOnly, DateTime);
        self.add(c, "TimeSource", "Heartbeat", ReadWrite, Sequence(&["Heartbeat"]));

        let c = "DeviceDataCtrlr";
        for instance in ["GetReport", "GetVariables", "SetVariables"] {
            self.add(c, "BytesPerMessage", &most_bytes, ReadOnly, items).instance(instance);
            self.add(c, "ItemsPerMessage", &most_items, ReadOnly, items).instance(instance);
        }

        let c = "OCPPCommCtrlr";
        self.add(c, "ActiveNetworkProfile", "0", ReadOnly, Text(10));
        self.add(c, "FileTransferProtocols", "", ReadOnly, Members(&["FTP", "FTPS", "HTTP", "HTTPS", "SFTP"], false));
        self.add(c, "HeartbeatInterval", "300", ReadWrite, Integer(1, LARGEST)).unit("s");
        self.add(c, "MessageAttemptInterval", "60", ReadWrite, Integer(0, LARGEST))
            .instance("TransactionEvent")
            .unit("s");
        self.add(c, "MessageAttempts", "3", ReadWrite, Integer(1, LARGEST)).instance("TransactionEvent");
        self.add(c, "MessageTimeout", "30", ReadOnly, Integer(1, LARGEST)).instance("Default").unit("s");
        self.add(c, "NetworkConfigurationPriority", "0", ReadWrite, Sequence(&["0"]));
        self.add(c, "NetworkProfileConnectionAttempts", "3", ReadWrite, Integer(1, LARGEST));
        self.add(c, "OfflineThreshold", "60", ReadWrite, Integer(0, LARGEST)).unit("s");
        self.add(c, "ResetRetries", "1", ReadWrite, Integer(0, LARGEST));
        self.add(c, "RetryBackOffRandomRange", "0", ReadWrite, Integer(0, LARGEST)).unit("s");
        self.add(c, "RetryBackOffRepeatTimes", "5", ReadWrite, Integer(0, LARGEST));
        self.add(c, "RetryBackOffWaitMinimum", &back_off, ReadWrite, Integer(0, LARGEST)).unit("s");
        self.add(c, "UnlockOnEVSideDisconnect", &lockable.to_string(), unlock_access, Boolean);
        self.add(c, "WebSocketPingInterval", "0", ReadWrite, Integer(0, LARGEST)).unit("s");

        let c = "SampledDataCtrlr";
        self.add(c, "Available", "true", ReadOnly, Boolean);
        self.add(c, "TxEndedInterval", "0", ReadWrite, Integer(0, DAY)).unit("s");
        self.add(c, "TxEndedMeasurands", ENERGY, ReadWrite, measurands);
        self.add(c, "TxStartedMeasurands", ENERGY, ReadWrite, measurands);
        self.add(c, "TxUpdatedInterval", "60", ReadWrite, Integer(0, DAY)).unit("s");
        self.add(c, "TxUpdatedMeasurands", ENERGY, ReadWrite, measurands);

        let c = "SecurityCtrlr";
        self.add(c, "BasicAuthPassword", "", WriteOnly, Password);
        self.add(c, "CertificateEntries", "0", ReadOnly, Integer(0, LARGEST));
        self.add(c, "Identity", &settings.identity, ReadOnly, Text(48));
        self.add(c, "OrganizationName", "Plugfest", ReadWrite, Text(64));
        self.add(c, "SecurityProfile", "1", ReadOnly, Integer(0, 3));

        let c = "TxCtrlr";
        self.add(c, "EVConnectionTimeOut", "60", ReadWrite, Integer(1, LARGEST)).unit("s");
        self.add(c, "MaxEnergyOnInvalidId", "0", ReadWrite, Integer(0, LARGEST)).unit("Wh");
        self.add(c, "StopTxOnEVSideDisconnect", "true", ev_access, Boolean);
        self.add(c, "StopTxOnInvalidId", "true", ReadWrite, Boolean);
        self.add(c, "TxStartPoint", "PowerPathClosed", ReadWrite, POINTS);
        self.add(c, "TxStopPoint", "Authorized,EVConnected", ReadWrite, POINTS);
    }

    fn add_hardware(&mut self, settings: &StationSettings) {
        let c = "ChargingStation";
        self.add(c, "AvailabilityState", "", ReadOnly, STATES);
        self.add(c, "Available", "true", ReadOnly, Boolean);
        self.add(c, "Model", &settings.model, ReadOnly, Text(20));
        self.add(c, "SupplyPhases", "3", ReadOnly, Integer(1, 3));
        self.add(c, "VendorName", &settings.vendor, ReadOnly, Text(50));
        let power = settings.power_w.to_string();
        let socket = if settings.fixed_cable { "cType2" } else { "sType2" };
        for id in 1..=settings.connectors.clamp(1, 100) {
            let c = "EVSE";
            self.add(c, "AllowReset", "false", ReadOnly, Boolean).evse(id);
            self.add(c, "AvailabilityState", "", ReadOnly, STATES).evse(id);
            self.add(c, "Available", "true", ReadOnly, Boolean).evse(id);
            self.add(c, "Power", &power, ReadOnly, Decimal).unit("W").evse(id);
            self.add(c, "SupplyPhases", "3", ReadOnly, Integer(1, 3)).evse(id);
            let c = "Connector";
            self.add(c, "AvailabilityState", "", ReadOnly, STATES).evse(id).connector(1);
            self.add(c, "Available", "true", ReadOnly, Boolean).evse(id).connector(1);
            self.add(c, "ConnectorType", socket, ReadOnly, Text(20)).evse(id).connector(1);
            self.add(c, "SupplyPhases", "3", ReadOnly, Integer(1, 3)).evse(id).connector(1);
            if settings.lock && !settings.fixed_cable {
                self.add("ConnectorPlugRetentionLock", "Problem", "", ReadOnly, Boolean).evse(id).connector(1);
            }
        }
    }

    fn add(
        &mut self,
        component: &'static str,
        name: &'static str,
        value: &str,
        access: Access,
        kind: Kind,
    ) -> &mut Variable {
        self.variables.push(Variable {
            component,
            evse: None,
            connector: None,
            name,
            instance: None,
            value: value.to_owned(),
            access,
            kind,
            unit: None,
        });
        let last = self.variables.len() - 1;
        &mut self.variables[last]
    }

    /// Sets a value from inside, whatever its access.
    pub(super) fn put(&mut self, component: &str, name: &str, value: &str) {
        let found = self.variables.iter_mut().find(|variable| variable.is(component, name));
        if let Some(variable) = found {
            value.clone_into(&mut variable.value);
        }
    }

    /// The value of a variable; empty if there is none.
    pub(super) fn text(&self, component: &str, name: &str) -> &str {
        self.variables.iter().find(|variable| variable.is(component, name)).map_or("", |variable| &variable.value)
    }

    pub(super) fn is_true(&self, component: &str, name: &str) -> bool {
        self.text(component, name).eq_ignore_ascii_case("true")
    }

    pub(super) fn integer(&self, component: &str, name: &str) -> Option<i64> {
        self.text(component, name).parse().ok()
    }

    /// A duration in seconds; zero if there is no such variable.
    pub(super) fn seconds(&self, component: &str, name: &str) -> Duration {
        let seconds = self.integer(component, name).unwrap_or(0);
        Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
    }

    /// The items of a comma-separated list.
    pub(super) fn list(&self, component: &str, name: &str) -> impl Iterator<Item = &str> {
        self.text(component, name).split(',').map(str::trim).filter(|item| !item.is_empty())
    }

    /// A write-only value, for use inside the station.
    pub(super) fn secret(&self, component: &str, name: &str) -> Option<&str> {
        Some(self.text(component, name)).filter(|value| !value.is_empty())
    }
}

impl Variable {
    fn unit(&mut self, unit: &'static str) -> &mut Variable {
        self.unit = Some(unit);
        self
    }

    fn instance(&mut self, instance: &'static str) -> &mut Variable {
        self.instance = Some(instance);
        self
    }

    fn evse(&mut self, id: u32) -> &mut Variable {
        self.evse = Some(id);
        self
    }

    fn connector(&mut self, number: u32) -> &mut Variable {
        self.connector = Some(number);
        self
    }

    fn is(&self, component: &str, name: &str) -> bool {
        self.component.eq_ignore_ascii_case(component) && self.name.eq_ignore_ascii_case(name)
    }

    /// Whether a value may be set: its form and its bounds (B05.FR.07, B05.FR.08).
    pub(super) fn takes(&self, value: &str) -> bool {
        let items = || value.split(',').map(str::trim);
        let once = || {
            let words: Vec<&str> = items().collect();
            words.iter().enumerate().all(|(at, word)| !words[..at].contains(word))
        };
        match self.kind {
            Boolean => value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false"),
            // Digits only: `60abc`, `+60` and `6e1` are no numbers here.
            Integer(min, max) => {
                !value.is_empty()
                    && value.bytes().all(|b| b.is_ascii_digit())
                    && value.parse::<i64>().is_ok_and(|number| (min..=max).contains(&number))
            }
            Decimal => value.parse::<f64>().is_ok_and(f64::is_finite),
            DateTime => Timestamp::parse(value).is_some(),
            Text(most) => value.chars().count() <= most,
            Password => (16..=40).contains(&value.chars().count()) && value.is_ascii(),
            Kind::Option(words) => words.contains(&value),
            Members(words, needed) => {
                (value.is_empty() && !needed) || (items().all(|item| words.contains(&item)) && once())
            }
            Sequence(words) => items().all(|item| words.contains(&item)) && once(),
        }
    }

    pub(super) fn data_type(&self) -> &'static str {
        match self.kind {
            Boolean => "boolean",
            Integer(..) => "integer",
            Decimal => "decimal",
            DateTime => "dateTime",
            Text(_) | Password => "string",
            Kind::Option(_) => "OptionList",
            Members(..) => "MemberList",
            Sequence(_) => "SequenceList",
        }
    }

    /// The words that a list may hold.
    pub(super) fn words(&self) -> Option<String> {
        match self.kind {
            Kind::Option(words) | Members(words, _) | Sequence(words) => Some(words.join(",")),
            _ => None,
        }
    }

    /// The bounds of a number, or of the length of a text.
    pub(super) fn bounds(&self) -> Option<(i64, i64)> {
        match self.kind {
            Integer(min, max) => Some((min, max)),
            Text(most) => Some((0, i64::try_from(most).unwrap_or(LARGEST))),
            Password => Some((16, 40)),
            // The most that the EVSE can deliver is what its meter shows at best.
            Decimal => self.value.parse().ok().map(|most| (0, most)),
            _ => None,
        }
    }
}

impl Access {
    pub(super) fn name(self) -> &'static str {
        match self {
            ReadOnly => "ReadOnly",
            ReadWrite => "ReadWrite",
            WriteOnly => "WriteOnly",
        }
    }
}
