//! How long things may take at a rig.

use std::time::Duration;

pub use protocol::time::duration;

/// The time classes of a rig, with the defaults of the case language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From a call to its answer.
    pub reply: Duration,
    /// From reaching a step to its message, where the step says nothing.
    pub step: Duration,
    /// For a person, or a command, to carry out a stimulus.
    pub operator: Duration,
    /// From a lost link to the next connection.
    pub reconnect: Duration,
    /// From a reboot to the next connection.
    pub reboot: Duration,
    /// For a file to be fetched or brought.
    pub transfer: Duration,
    /// The tolerance between clocks.
    pub clock: Duration,
    /// How long optional messages are waited for before it is our turn.
    pub grace: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            reply: Duration::from_secs(30),
            step: Duration::from_secs(30),
            operator: Duration::from_secs(120),
            reconnect: Duration::from_secs(120),
            reboot: Duration::from_secs(300),
            transfer: Duration::from_secs(300),
            clock: Duration::from_secs(4),
            grace: Duration::from_secs(1),
        }
    }
}

impl Timeouts {
    /// The names of the classes.
    pub const NAMES: [&'static str; 8] = script::TIME_CLASSES;

    /// The time of a class by its name.
    pub fn class(&self, name: &str) -> Option<Duration> {
        Some(match name {
            "reply" => self.reply,
            "step" => self.step,
            "operator" => self.operator,
            "reconnect" => self.reconnect,
            "reboot" => self.reboot,
            "transfer" => self.transfer,
            "clock" => self.clock,
            "grace" => self.grace,
            _ => return None,
        })
    }

    /// The same with one class changed; `None` if there is no class of this name.
    pub fn set(&mut self, name: &str, to: Duration) -> Option<()> {
        let place = match name {
            "reply" => &mut self.reply,
            "step" => &mut self.step,
            "operator" => &mut self.operator,
            "reconnect" => &mut self.reconnect,
            "reboot" => &mut self.reboot,
            "transfer" => &mut self.transfer,
            "clock" => &mut self.clock,
            "grace" => &mut self.grace,
            _ => return None,
        };
        *place = to;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_found_by_its_name_and_can_be_set() {
        let mut timeouts = Timeouts::default();
        for name in Timeouts::NAMES {
            assert!(timeouts.class(name).is_some());
            timeouts.set(name, Duration::from_secs(7)).unwrap();
            assert_eq!(timeouts.class(name), Some(Duration::from_secs(7)));
        }
        assert_eq!(timeouts.class("forever"), None);
    }
}
