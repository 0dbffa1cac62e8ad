//! The opening handshake: who may come in, and which version is spoken.

use protocol::{Timestamp, Version};

use super::Csms;
use crate::HandshakeAnswer;

impl Csms {
    /// Decides on an opening handshake: the identity is the decoded last segment of the path, the credentials
    /// are those of Basic authentication, `offered` the subprotocols, best first.
    pub fn decide_handshake(
        &mut self,
        now: Timestamp,
        identity: &str,
        credentials: Option<(&str, &[u8])>,
        offered: &[String],
    ) -> HandshakeAnswer {
        self.pass_time(now);
        let known =
            self.settings.stations.as_ref().is_none_or(|stations| stations.iter().any(|station| station == identity));
        if !known || identity.is_empty() {
            return HandshakeAnswer::Refuse { status: 404 };
        }
        if let Some(password) = self.settings.passwords.get(identity) {
            // The user is the identity; the bytes are compared as they are.
            let right = credentials.is_some_and(|(user, given)| user == identity && given == password.as_slice());
            let given = credentials.map(|(_, given)| given);
            if !right && !self.lets_in_all_the_same(identity, given) {
                return HandshakeAnswer::Refuse { status: 401 };
            }
        }
        // The station's favourite among what both speak.
        let common = offered.iter().find(|name| {
            Version::from_subprotocol(name).is_some_and(|version| self.settings.versions.contains(&version))
        });
        let Some(common) = common else {
            if let Some(first) = offered.first().filter(|_| self.faults.hits("csms-agrees-to-any-subprotocol")) {
                return HandshakeAnswer::Accept { subprotocol: Some(first.clone()) };
            }
            // No common version: no subprotocol in the answer, and the link is closed at once.
            return HandshakeAnswer::Accept { subprotocol: None };
        };
        if self.faults.hits("csms-chooses-unoffered-subprotocol") {
            let other = Version::ALL
                .into_iter()
                .map(Version::subprotocol)
                .find(|name| !offered.iter().any(|offer| offer == name));
            return HandshakeAnswer::Accept { subprotocol: other.map(str::to_owned) };
        }
        HandshakeAnswer::Accept { subprotocol: Some(common.clone()) }
    }

    /// Wrong credentials that a defect does not mind.
    fn lets_in_all_the_same(&mut self, identity: &str, given: Option<&[u8]>) -> bool {
        let is_online = self.sessions.get(identity).is_some_and(|session| session.online);
        let is_somebodys = self.settings.passwords.values().any(|password| given == Some(password.as_slice()));
        (is_online && self.faults.hits("csms-forgets-passwords-while-connected"))
            || (is_somebodys && self.faults.hits("csms-takes-the-password-of-any-station"))
    }
}
