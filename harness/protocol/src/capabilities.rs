//! The capabilities that a vendor can claim for a device, and that cases ask for: the closed list of their names.

/// What a device may have or lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Its name in `requires`, `when` and the `capabilities` of a rig.
    pub name: &'static str,
    /// What having it means.
    pub meaning: &'static str,
}

const fn means(name: &'static str, meaning: &'static str) -> Capability {
    Capability { name, meaning }
}

/// Every capability.
pub const CAPABILITIES: &[Capability] = &[
    // The feature profiles of 1.6 and the certification profiles of 2.x.
    means("Core", "the Core profile"),
    means("FirmwareManagement", "the Firmware Management profile of 1.6"),
    means("LocalAuthListManagement", "the Local Auth List Management profile of 1.6"),
    means("Reservation", "reservations"),
    means("SmartCharging", "smart charging"),
    means("RemoteTrigger", "the Remote Trigger profile of 1.6, TriggerMessage in 2.x"),
    means("Security", "the security extension of 1.6"),
    means("AdvancedSecurity", "the Advanced Security profile of 2.x"),
    means("LocalAuthorizationListManagement", "the Local Authorization List Management profile of 2.x"),
    means("AdvancedDeviceManagement", "the Advanced Device Management profile of 2.x"),
    means("AdvancedUserInterface", "the Advanced User Interface profile of 2.x"),
    means("ISO15118Support", "the ISO 15118 Support profile of 2.x"),
    means("PeriodicEventStream", "periodic event streams of 2.1"),
    // How the link is protected.
    means("TLS", "security profile 2 or 3"),
    means("ClientCertificates", "security profile 3"),
    // Options within the profiles, and equipment.
    means("FixedCable", "the cable is fixed to the station: there is nothing to plug in on its side"),
    means("AuthorizationCache", "remembers tokens that were accepted before"),
    means("LocalList", "a local authorisation list that is in use"),
    means("UnknownOffline", "can be told to let unknown tokens charge while offline"),
    means("OfflineTransactions", "can begin or end a transaction while offline"),
    means("BackupPower", "stays up for a while when the power is cut"),
    means("LockFailure", "notices that the lock of the socket does not close"),
    means("SharedReader", "one reader for several connectors: a token alone does not say which one is meant"),
    means("LocalStop", "a transaction can be ended at the station"),
    means("EvDisconnectSettable", "what pulling the cable on the side of the car does can be configured"),
];

/// The capability of this name.
pub fn capability(name: &str) -> Option<&'static Capability> {
    CAPABILITIES.iter().find(|capability| capability.name == name)
}

/// The name that was probably meant by one that is none.
pub fn suggest(name: &str) -> Option<&'static str> {
    crate::catalogue::suggest(name, CAPABILITIES.iter().map(|capability| capability.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_once() {
        for (at, capability) in CAPABILITIES.iter().enumerate() {
            assert!(CAPABILITIES[..at].iter().all(|other| other.name != capability.name), "{}", capability.name);
        }
        assert_eq!(suggest("fixedcable"), Some("FixedCable"));
    }
}
