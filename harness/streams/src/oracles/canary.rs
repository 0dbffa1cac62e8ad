//! O12: the device does not follow addresses that are hidden where nothing is to be fetched.

use serde_json::Value;

use super::{About, Charge, Class, Code, HARM, Lasting, Oracle, Suspicion};
use crate::{Seen, What};

/// Watches what comes to the canary.
#[derive(Debug)]
pub(super) struct Canary {
    address: Option<String>,
    hidden: Vec<Hidden>,
}

/// A message with the address in it.
#[derive(Debug)]
struct Hidden {
    act: usize,
    action: String,
    /// Where it stood, but for places that are there to be fetched from.
    places: Vec<String>,
    shown: Vec<u8>,
}

/// So many messages are remembered.
const REMEMBERED: usize = 1000;

impl Canary {
    pub(super) fn new(lasting: &Lasting) -> Canary {
        Canary { address: lasting.canary.clone(), hidden: Vec::new() }
    }
}

impl Oracle for Canary {
    fn code(&self) -> Code {
        Code::O12
    }

    fn saw(&mut self, seen: &Seen, about: &About<'_>, suspicions: &mut Vec<Suspicion>) {
        match &seen.what {
            What::Sent { bytes, deserved } => {
                let Some(address) = &self.address else { return };
                if self.hidden.len() >= REMEMBERED || !holds(bytes, address.as_bytes()) {
                    return;
                }
                let mut places = Vec::new();
                search(&deserved.request, address, &mut String::new(), &mut places);
                places.retain(|place| !is_fetched(&deserved.action, place));
                let unreadable = deserved.request.is_null();
                if unreadable {
                    places.push("text".to_owned());
                }
                let (act, action) = (seen.act, deserved.action.clone());
                self.hidden.push(Hidden { act, action, places, shown: bytes[..bytes.len().min(700)].to_vec() });
            }
            What::Canary { hidden_in, bytes } => {
                let exact = self.hidden.iter().rev().find(|hidden| hidden.act == *hidden_in);
                let fetched = self.hidden.iter().any(|hidden| hidden.places.is_empty());
                let (class, hidden) = match (exact, self.hidden.last()) {
                    (Some(hidden), _) if hidden.places.is_empty() => return,
                    (Some(hidden), _) => (Class::Robustness, Some(hidden)),
                    // It may have come from a place that is there to be fetched from.
                    (None, last) => {
                        (if fetched || last.is_none() { Class::Ambiguous } else { Class::Robustness }, last)
                    }
                };
                let place = hidden.map_or("?".to_owned(), |hidden| hidden.places.join(" "));
                let said = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
                let sentence = format!("the device followed an address that was hidden in {place}, and said {said:?}");
                about.suspect(
                    seen,
                    Charge {
                        oracle: Code::O12,
                        rule: HARM,
                        class,
                        action: hidden.map_or("?", |hidden| &hidden.action),
                        path: place,
                        reply: "connection".to_owned(),
                        sentence,
                        bytes: hidden.map_or(bytes.as_slice(), |hidden| &hidden.shown),
                    },
                    suspicions,
                );
            }
            _ => {}
        }
    }
}

/// Whether a device may fetch from this field, or what is behind it is a matter of its vendor.
fn is_fetched(action: &str, place: &str) -> bool {
    let last = place.rsplit('/').next().unwrap_or("");
    matches!(last, "location" | "remoteLocation" | "ocppCsmsUrl" | "responderURL" | "uri" | "url" | "URL")
        || matches!(
            (action, last),
            ("ChangeConfiguration", "value") | ("SetVariables", "attributeValue") | ("SetDisplayMessage", "content")
        )
        || matches!(action, "SetNetworkProfile" | "SetDisplayMessage")
}

fn search(value: &Value, address: &str, place: &mut String, places: &mut Vec<String>) {
    if places.len() >= 16 || place.len() > 400 {
        return;
    }
    let mut below = |name: &str, item: &Value, places: &mut Vec<String>| {
        let length = place.len();
        place.push('/');
        place.push_str(name);
        search(item, address, place, places);
        place.truncate(length);
    };
    match value {
        Value::String(text) if text.contains(address) => places.push(place.clone()),
        Value::Array(items) => items.iter().for_each(|item| below("*", item, places)),
        Value::Object(map) => map.iter().for_each(|(key, item)| below(key, item, places)),
        _ => {}
    }
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use protocol::{Role, Version};

    use super::super::told::Told;
    use super::*;

    fn came(call: &str) -> Vec<Suspicion> {
        let mut told = Told::new(Role::Station, Version::V16);
        told.booted(0).call(0, "1", call);
        let bytes = b"GET / HTTP/1.1".to_vec();
        told.what(0, What::Canary { hidden_in: 0, bytes });
        told.judge(&mut Canary::new(&Lasting::in_real_time(Some("127.0.0.1:4711".to_owned()))))
    }

    #[test]
    fn an_address_in_a_tag_is_not_followed() {
        let found = came(r#"[2,"1","RemoteStartTransaction",{"idTag":"127.0.0.1:4711"}]"#);
        assert_eq!((found[0].class, found[0].path.as_str()), (Class::Robustness, "/idTag"));
        assert!(found[0].frame.contains("RemoteStart"));
    }

    #[test]
    fn firmware_is_fetched_from_where_it_is() {
        let call =
            r#"[2,"1","UpdateFirmware",{"location":"http://127.0.0.1:4711/x","retrieveDate":"2026-01-01T00:00:00Z"}]"#;
        assert_eq!(came(call), []);
    }

    #[test]
    fn what_cannot_be_told_apart_is_left_open() {
        let mut told = Told::new(Role::Station, Version::V16);
        told.what(0, What::Canary { hidden_in: 3, bytes: Vec::new() });
        assert_eq!(told.judge(&mut Canary::new(&Lasting::default()))[0].class, Class::Ambiguous);
    }
}
