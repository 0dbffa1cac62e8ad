//! The message catalogue: every message of every version with its fields, written once in `catalogue/*.txt`.
//!
//! The text form is meant to be held against the specification by a person; [`Catalogue::of`] reads it once.
//! From it come validation, generation and broken payloads.

mod model;
mod reader;
mod suggest;

use std::collections::HashMap;
use std::sync::OnceLock;

pub use model::{Enumeration, Field, Kind, Message, Number, Object, Sender, Type};
pub use reader::Mistake;
pub use suggest::suggest;

use crate::Version;

/// Every message of one version.
#[derive(Debug)]
pub struct Catalogue {
    version: Version,
    messages: Vec<Message>,
    by_action: HashMap<String, usize>,
}

impl Catalogue {
    /// The catalogue of this version, read on first use.
    pub fn of(version: Version) -> &'static Catalogue {
        static CATALOGUES: [OnceLock<Catalogue>; 3] = [OnceLock::new(), OnceLock::new(), OnceLock::new()];
        let (at, text) = match version {
            Version::V16 => (0, include_str!("../../catalogue/1.6.txt")),
            Version::V201 => (1, include_str!("../../catalogue/2.0.1.txt")),
            Version::V21 => (2, include_str!("../../catalogue/2.1.txt")),
        };
        CATALOGUES[at].get_or_init(|| match Catalogue::parse(version, text) {
            Ok(catalogue) => catalogue,
            #[expect(clippy::panic, reason = "the text is part of the program; a test reads all three")]
            Err(mistake) => panic!("catalogue of {version}: {mistake}"),
        })
    }

    /// Reads the text form of a catalogue.
    ///
    /// # Errors
    ///
    /// The first [`Mistake`] with its line.
    pub fn parse(version: Version, text: &str) -> Result<Catalogue, Mistake> {
        let messages = reader::read(text)?;
        let by_action = messages.iter().enumerate().map(|(at, message)| (message.action.clone(), at)).collect();
        Ok(Catalogue { version, messages, by_action })
    }

    /// The version it describes.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The message with this action; the name is case-sensitive.
    pub fn message(&self, action: &str) -> Option<&Message> {
        self.by_action.get(action).map(|&at| &self.messages[at])
    }

    /// All messages, by profile or block.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The action that was probably meant by a word that is none.
    pub fn suggest_action(&self, word: &str) -> Option<&str> {
        suggest(word, self.messages.iter().map(|message| message.action.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_has_all_its_messages() {
        assert_eq!(Catalogue::of(Version::V16).messages().len(), 39);
        assert_eq!(Catalogue::of(Version::V201).messages().len(), 64);
        assert_eq!(Catalogue::of(Version::V21).messages().len(), 91);
    }

    #[test]
    fn the_periodic_event_stream_is_the_only_send() {
        for version in Version::ALL {
            for message in Catalogue::of(version).messages() {
                let is_stream = message.action == "NotifyPeriodicEventStream";
                assert_eq!(message.kind == Kind::Send, is_stream, "{}", message.action);
                assert_eq!(message.response.is_none(), is_stream, "{}", message.action);
            }
        }
    }

    #[test]
    fn a_field_is_found_by_its_path() {
        let message = Catalogue::of(Version::V16).message("SetChargingProfile").unwrap();
        let limit = message.request.at("/csChargingProfiles/chargingSchedule/chargingSchedulePeriod/0/limit");
        assert!(matches!(limit, Some(Type::Decimal { .. })), "{limit:?}");
        assert!(message.request.at("/csChargingProfiles/colour").is_none());
    }

    #[test]
    fn a_misspelt_action_has_a_suggestion() {
        let catalogue = Catalogue::of(Version::V16);
        assert_eq!(catalogue.suggest_action("BootNotificatoin"), Some("BootNotification"));
        assert_eq!(catalogue.suggest_action("heartbeat"), Some("Heartbeat"));
        assert_eq!(catalogue.suggest_action("Xyzzy"), None);
    }

    #[test]
    fn a_mistake_in_the_text_is_told_with_its_line() {
        let cases = [
            ("mesage A station > csms Core", "line 1: \"mesage A station > csms Core\" begins no section"),
            ("  request", "line 1: \"request\" belongs to nothing"),
            ("message A csms Core", "line 1: expected \"station > csms\", \"csms > station\" or \"either\""),
            ("message A either", "line 1: expected the profile or block"),
            ("message A either Core\n\nmessage A either Core", "line 3: message A is there twice"),
            ("message A either Core\n  request\n    id", "line 3: \"id\" is no field; expected name: type"),
            ("message A either Core\n  request\n    id: Id", "line 3: there is no type or enum Id"),
            ("message A either Core\n  request\n    id: string[x]", "line 3: \"x\" is no bound"),
            ("message A either Core\n  request\n    id: integer[1", "line 3: \"[1\" are no bounds"),
            ("message A either Core\n  request\n    a: any\n    a: any", "line 4: field a is there twice"),
            ("type T\n  t: T\nmessage A either Core\n  request\n    t: T", "line 2: type T contains itself"),
            ("enum E = A\nenum E = B", "line 2: enum E is there twice"),
        ];
        for (text, expected) in cases {
            let mistake = Catalogue::parse(Version::V16, text).map(|_| ()).unwrap_err();
            assert_eq!(mistake.to_string(), expected, "{text}");
        }
    }
}
