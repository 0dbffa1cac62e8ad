//! O7: nobody gets in without proving who he is, security is never lowered, and secrets are never shown.

use protocol::Role;
use protocol::frame::Frame;
use serde_json::Value;

use super::{About, Charge, Class, Code, Oracle, Suspicion};
use crate::seen::{OurCall, Proof};
use crate::{Seen, What};

/// Watches handshakes, the security profile and secrets.
#[derive(Debug, Default)]
pub(super) struct Authorisation {
    /// The security profile as the station told it.
    profile: Option<i64>,
    /// The passwords were changed from outside: nobody knows which is right.
    uncertain: bool,
}

impl Oracle for Authorisation {
    fn code(&self) -> Code {
        Code::O7
    }

    fn saw(&mut self, seen: &Seen, about: &About<'_>, suspicions: &mut Vec<Suspicion>) {
        let mut suspect = |rule: &str, action: &str, path: &str, reply: &str, sentence: String, bytes: &[u8]| {
            let (path, reply) = (path.to_owned(), reply.to_owned());
            let class = Class::Violation;
            let charge = Charge { oracle: Code::O7, rule, class, action, path, reply, sentence, bytes };
            about.suspect(seen, charge, suspicions);
        };
        match &seen.what {
            What::Opened { identity, proof, .. }
                if about.device == Role::Csms && about.has_password && !self.uncertain =>
            {
                let (rule, path, how) = match proof {
                    Proof::Right => return,
                    Proof::Wrong => ("R-083", "handshake", "without the right password"),
                    Proof::OtherName => ("A00.FR.207", "user name", "under the user name of another station"),
                };
                let sentence = format!("\"{identity}\" was let in {how}");
                suspect(rule, "?", path, "opened", sentence, identity.as_bytes());
            }
            What::Stimulated { verb, .. } if verb.starts_with("set p") => self.uncertain = true,
            What::Received { reading, .. } if reading.frame.as_ref().is_some_and(changes_password) => {
                self.uncertain = true;
            }
            What::Received { bytes, reading, answers: Some(call), .. } if about.device == Role::Station => {
                let Some(Frame::Result { payload, .. }) = &reading.frame else { return };
                if let Some(profile) = told_profile(call, payload) {
                    self.profile = Some(profile);
                }
                if let Some((rule, name)) = shown_secret(call, payload) {
                    suspect(rule, &call.action, name, "result", format!("{name} is shown"), bytes);
                }
                if let Some(wanted) = accepted_profile(call, payload) {
                    if let Some(profile) = self.profile.filter(|profile| wanted < *profile) {
                        let sentence = format!("the security profile was lowered from {profile} to {wanted}");
                        suspect("R-202", &call.action, "SecurityProfile", "result Accepted", sentence, bytes);
                    }
                    self.profile = Some(wanted);
                }
            }
            _ => {}
        }
    }
}

/// Whether a call of a CSMS gives a station another password.
pub(super) fn changes_password(frame: &Frame) -> bool {
    let Frame::Call { action, payload, .. } = frame else { return false };
    match action.as_str() {
        "ChangeConfiguration" => is(payload.get("key"), "AuthorizationKey"),
        "SetVariables" => {
            items(payload, "setVariableData").any(|item| is(item.pointer("/variable/name"), "BasicAuthPassword"))
        }
        _ => false,
    }
}

fn is(value: Option<&Value>, name: &str) -> bool {
    value.and_then(Value::as_str).is_some_and(|text| text.eq_ignore_ascii_case(name))
}

fn number(value: Option<&Value>) -> Option<i64> {
    value?.as_str()?.trim().parse().ok()
}

fn items<'a>(payload: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    payload.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn told_profile(call: &OurCall, payload: &Value) -> Option<i64> {
    match call.action.as_str() {
        "GetConfiguration" => items(payload, "configurationKey")
            .find(|item| is(item.get("key"), "SecurityProfile"))
            .and_then(|item| number(item.get("value"))),
        "GetVariables" => items(payload, "getVariableResult")
            .find(|item| is(item.pointer("/variable/name"), "SecurityProfile"))
            .and_then(|item| number(item.get("attributeValue"))),
        _ => None,
    }
}

fn accepted_profile(call: &OurCall, payload: &Value) -> Option<i64> {
    match call.action.as_str() {
        "ChangeConfiguration" if is(call.request.get("key"), "SecurityProfile") => {
            let accepted = is(payload.get("status"), "Accepted") || is(payload.get("status"), "RebootRequired");
            accepted.then(|| number(call.request.get("value"))).flatten()
        }
        _ => None,
    }
}

fn shown_secret(call: &OurCall, payload: &Value) -> Option<(&'static str, &'static str)> {
    let told = |value: Option<&Value>| value.and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    match call.action.as_str() {
        "GetConfiguration" => items(payload, "configurationKey")
            .any(|item| is(item.get("key"), "AuthorizationKey") && told(item.get("value")))
            .then_some(("16-SEC-02", "AuthorizationKey")),
        "GetVariables" => items(payload, "getVariableResult")
            .any(|item| {
                is(item.pointer("/variable/name"), "BasicAuthPassword")
                    && is(item.get("attributeStatus"), "Accepted")
                    && told(item.get("attributeValue"))
            })
            .then_some(("B06.FR.09", "BasicAuthPassword")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use protocol::Version;

    use super::super::told::Told;
    use super::*;

    #[test]
    fn a_station_without_its_password_is_turned_away() {
        let mut told = Told::new(Role::Csms, Version::V16);
        told.opened_as(0, "PLUGFEST-1", Proof::Right);
        told.what(1, What::Refused { status: Some(401), reason: "HTTP 401".to_owned() });
        assert_eq!(told.judge(&mut Authorisation::default()), []);
        told.opened_as(1, "PLUGFEST-1", Proof::Wrong);
        let found = told.judge(&mut Authorisation::default());
        assert_eq!((found[0].class, found[0].rule.as_str()), (Class::Violation, "R-083"));
    }

    #[test]
    fn who_was_given_another_password_proves_himself_with_it() {
        for (variable, count) in [("BasicAuthPassword", 0), ("Identity", 1)] {
            let mut told = Told::new(Role::Csms, Version::V201);
            told.booted(0).received(0, &format!(
                r#"[2,"c","SetVariables",{{"setVariableData":[{{"attributeValue":"other","component":{{"name":"SecurityCtrlr"}},"variable":{{"name":"{variable}"}}}}]}}]"#
            ));
            told.opened_as(1, "PLUGFEST-1", Proof::Wrong);
            assert_eq!(told.judge(&mut Authorisation::default()).len(), count, "{variable}");
        }
    }

    #[test]
    fn a_name_in_the_path_that_is_not_the_one_that_was_proven_is_turned_away_in_2x() {
        for (version, class) in [(Version::V16, Class::Compatibility), (Version::V201, Class::Violation)] {
            let mut told = Told::new(Role::Csms, version);
            told.opened_as(1, "PLUGFEST-1", Proof::OtherName);
            let found = told.judge(&mut Authorisation::default());
            assert_eq!((found[0].class, found[0].rule.as_str()), (class, "A00.FR.207"));
        }
    }

    #[test]
    fn a_password_that_nobody_asks_for_is_not_hidden_behind_a_name_that_nobody_compares() {
        let mut told = Told::new(Role::Csms, Version::V16);
        told.opened_as(1, "PLUGFEST-1", Proof::OtherName).opened_as(2, "PLUGFEST-1", Proof::Wrong);
        let found = told.judge(&mut Authorisation::default());
        assert_ne!(found[0].signature(), found[1].signature());
    }

    fn configuration(key: &str, value: &str) -> String {
        format!(r#"[3,"1",{{"configurationKey":[{{"key":"{key}","readonly":false,"value":"{value}"}}]}}]"#)
    }

    #[test]
    fn a_secret_that_is_shown_is_found() {
        let mut told = Told::new(Role::Station, Version::V16);
        told.booted(0)
            .call(0, "1", r#"[2,"1","GetConfiguration",{}]"#)
            .answer(0, &configuration("AuthorizationKey", "AB"));
        assert_eq!(told.judge(&mut Authorisation::default())[0].rule, "16-SEC-02");
        let mut told = Told::new(Role::Station, Version::V16);
        told.booted(0)
            .call(0, "1", r#"[2,"1","GetConfiguration",{}]"#)
            .answer(0, &configuration("AuthorizationKey", ""));
        assert_eq!(told.judge(&mut Authorisation::default()), []);
    }

    #[test]
    fn a_security_profile_is_raised_and_never_lowered() {
        for (value, count) in [("1", 1), ("2", 0), ("3", 0)] {
            let mut told = Told::new(Role::Station, Version::V16);
            told.booted(0).call(0, "1", r#"[2,"1","GetConfiguration",{}]"#);
            told.answer(0, &configuration("SecurityProfile", "2"));
            let change = format!(r#"[2,"2","ChangeConfiguration",{{"key":"SecurityProfile","value":"{value}"}}]"#);
            told.call(0, "2", &change).answer(0, r#"[3,"2",{"status":"Accepted"}]"#);
            assert_eq!(told.judge(&mut Authorisation::default()).len(), count);
        }
    }
}
