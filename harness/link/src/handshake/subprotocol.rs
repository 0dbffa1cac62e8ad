//! Sub-protocols and identities: the rules of OCPP-J as pure functions.

/// The names OCPP has registered.
pub const KNOWN_SUBPROTOCOLS: [&str; 6] = ["ocpp1.2", "ocpp1.5", "ocpp1.6", "ocpp2.0", "ocpp2.0.1", "ocpp2.1"];

/// What a CSMS answers: the first of the offered names that it supports. `None`: there is none in
/// common, so the handshake is completed without a name and the connection closed at once.
#[must_use]
pub fn server_choice<'a>(offered: &'a [String], supported: &[&str]) -> Option<&'a str> {
    offered.iter().map(String::as_str).find(|name| supported.contains(name))
}

/// How an answer relates to what was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServerChoice {
    /// One of the offered names: legal whichever it is.
    Offered,
    /// No name: legal when there is none in common, and the station then fails the connection.
    Missing,
    /// A name that was not offered: never legal.
    Foreign,
}

/// Judges a server's choice. Names are compared exactly, as they are registered.
#[must_use]
pub fn server_choice_judged(offered: &[String], chosen: Option<&str>) -> ServerChoice {
    match chosen {
        None => ServerChoice::Missing,
        Some(name) if offered.iter().any(|each| each == name) => ServerChoice::Offered,
        Some(_) => ServerChoice::Foreign,
    }
}

/// Whether an identity is one that 2.x allows: at most 48 of its characters, no colon because Basic authentication
/// needs it. 1.6 states neither.
#[must_use]
pub fn identity_allowed_2x(identity: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"*-_=+|@.".contains(&byte);
    (1..=48).contains(&identity.len()) && identity.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_server_takes_the_clients_best_name_that_it_knows() {
        let offered = names(&["ocpp2.1", "ocpp2.0.1", "ocpp1.6"]);
        assert_eq!(server_choice(&offered, &["ocpp1.6", "ocpp2.0.1"]), Some("ocpp2.0.1"));
        assert_eq!(server_choice(&offered, &["ocpp1.5"]), None);
        assert_eq!(server_choice(&[], &["ocpp1.6"]), None);
    }

    #[test]
    fn only_a_name_that_was_not_offered_is_always_wrong() {
        let offered = names(&["ocpp2.0.1", "ocpp1.6"]);
        assert_eq!(server_choice_judged(&offered, Some("ocpp1.6")), ServerChoice::Offered);
        assert_eq!(server_choice_judged(&offered, None), ServerChoice::Missing);
        assert_eq!(server_choice_judged(&offered, Some("OCPP1.6")), ServerChoice::Foreign);
    }

    #[test]
    fn identities_of_2x_have_48_characters_at_most_and_no_colon() {
        assert!(identity_allowed_2x("RDAM|123"));
        assert!(identity_allowed_2x(&"a".repeat(48)));
        for bad in ["", "a:b", "a b", "ä", &"a".repeat(49)] {
            assert!(!identity_allowed_2x(bad), "{bad}");
        }
    }
}
