//! O13: the process of the device is sound. What [`crate::monitor`] notices is said here.

use super::{About, Charge, Class, Code, HARM, Oracle, Suspicion};
use crate::{Seen, What};

/// Passes on what monitors notice.
#[derive(Debug)]
pub(super) struct Process;

impl Oracle for Process {
    fn code(&self) -> Code {
        Code::O13
    }

    fn saw(&mut self, seen: &Seen, about: &About<'_>, suspicions: &mut Vec<Suspicion>) {
        let What::Monitor { text } = &seen.what else { return };
        let kind: String = text.split([':', '\n']).next().unwrap_or("").chars().take(60).collect();
        about.suspect(
            seen,
            Charge {
                oracle: Code::O13,
                rule: HARM,
                class: Class::Robustness,
                action: "?",
                path: kind,
                reply: "process".to_owned(),
                sentence: format!("the process of the device: {text}"),
                bytes: about.last_sent.as_bytes(),
            },
            suspicions,
        );
    }
}

#[cfg(test)]
mod tests {
    use protocol::{Role, Version};

    use super::super::told::Told;
    use super::*;

    #[test]
    fn what_a_monitor_notices_is_a_suspicion() {
        let mut told = Told::new(Role::Station, Version::V16);
        told.booted(0);
        assert_eq!(told.judge(&mut Process), []);
        told.what(0, What::Monitor { text: "signal 11: the process ended".to_owned() });
        assert_eq!(told.judge(&mut Process)[0].path, "signal 11");
    }
}
