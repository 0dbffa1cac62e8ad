//! O5: what was accepted can be read back, and what was not accepted has changed nothing.
//!
//! It asks only where the answer is certain: nothing else may have been written in between, standard settings only
//! are accused, and values are compared by what they mean.

mod settings;

use std::collections::{HashMap, HashSet, VecDeque};

use protocol::frame::Frame;
use protocol::{Role, Version};
use serde_json::{Value, json};

use super::correlation::Repeated;
use super::{About, Charge, Class, Code, Evidence, Oracle, Suspicion, shortened};
use crate::act::{Hole, Part, Text};
use crate::seen::OurCall;
use crate::{Act, Seen, What};
use settings::{Variable, alike, is_standard, of_configuration, of_variables};

/// Watches writes, and reads back what they wrote.
pub(super) struct ReadBack {
    device: Role,
    version: Version,
    /// What the configuration keys of 1.6, and the variables of 2.x, were last known to hold.
    known: HashMap<String, String>,
    /// Keys that the station called read-only.
    read_only: HashSet<String>,
    /// The last list version that was read or accepted.
    list: Option<i64>,
    /// Counts writes; a check is void when it has moved on.
    generation: u64,
    last_write: Option<String>,
    repeated: Repeated,
    checks: VecDeque<Check>,
    asked: Option<Asked>,
    numbers: u32,
    sents: usize,
    asks: usize,
    /// Transactions of 2.x: whether each is over.
    transactions: HashMap<String, bool>,
}

/// Something to be read back.
struct Check {
    link: usize,
    generation: u64,
    action: &'static str,
    request: Value,
    expected: Expected,
}

enum Expected {
    /// A key of 1.6 has this value, or has it not because the write was declined.
    Key { key: String, written: String, before: Option<String> },
    /// Variables have these values.
    Variables(Vec<Variable>),
    /// Variables have not these values, but the ones that they had before, as far as they were known.
    Declined(Vec<Variable>, Vec<Option<String>>),
    /// The list has one of these versions; the flag says whether an update was declined.
    List { allowed: Vec<i64>, declined: bool },
}

impl Expected {
    fn is_declined(&self) -> bool {
        match self {
            Expected::Key { before, .. } => before.is_some(),
            Expected::Variables(_) => false,
            Expected::Declined(..) => true,
            Expected::List { declined, .. } => *declined,
        }
    }
}

struct Asked {
    check: Check,
    id: Option<String>,
}

/// So many values are remembered.
const REMEMBERED: usize = 512;
/// Message ids that no generator uses.
const FIRST_ID: u32 = 0x5000_0000;

impl ReadBack {
    pub(super) fn new(device: Role, version: Version) -> ReadBack {
        ReadBack {
            device,
            version,
            known: HashMap::new(),
            read_only: HashSet::new(),
            list: None,
            generation: 0,
            last_write: None,
            repeated: Repeated::default(),
            checks: VecDeque::new(),
            asked: None,
            numbers: FIRST_ID,
            sents: 0,
            asks: 0,
            transactions: HashMap::new(),
        }
    }
}

impl Oracle for ReadBack {
    fn code(&self) -> Code {
        Code::O5
    }

    fn saw(&mut self, seen: &Seen, about: &About<'_>, suspicions: &mut Vec<Suspicion>) {
        if self.device != Role::Station {
            return;
        }
        match &seen.what {
            What::Sent { bytes, deserved } => {
                self.sents += usize::from(!seen.own);
                if let Some(id) = &deserved.id {
                    self.repeated.sent(id);
                }
                let unreadable = deserved.may_end_link && WRITES.iter().any(|action| holds(bytes, action));
                if WRITES.contains(&deserved.action.as_str()) || unreadable {
                    self.generation += 1;
                    self.last_write.clone_from(&deserved.id);
                }
                if seen.own
                    && let Some(asked) = &mut self.asked
                    && asked.id.is_none()
                    && asked.check.action == deserved.action
                    && asked.check.request == deserved.request
                {
                    asked.id.clone_from(&deserved.id);
                }
            }
            What::Received { bytes, reading, answers: Some(call), .. } => {
                let Some(Frame::Result { payload, .. }) = &reading.frame else { return };
                // What was answered may be the first message of this id (R-027).
                if self.repeated.is_repeated(&call.id) {
                    self.list = None;
                    self.generation += 1;
                    self.checks.clear();
                    return;
                }
                let is_asked = self.asked.as_ref().is_some_and(|asked| asked.id.as_ref() == Some(&call.id));
                if is_asked && let Some(asked) = self.asked.take() {
                    if asked.check.generation == self.generation {
                        self.judge(seen, &asked.check, payload, bytes, about, suspicions);
                    }
                    self.learn(call, payload);
                    return;
                }
                if call.deserved.defects.is_empty() {
                    self.wrongly_changed(seen, call, payload, bytes, about, suspicions);
                    self.answered(seen.link, call, payload);
                    self.learn(call, payload);
                    self.transaction_status(seen, call, payload, bytes, about, suspicions);
                }
            }
            // The answer to a boot sets the heartbeat interval (16-BOOT-03), on its way or not.
            What::Answered { action, .. } if action == "BootNotification" => {
                self.generation += 1;
                self.known.retain(|name, _| !name.to_lowercase().contains("heartbeatinterval"));
            }
            What::Received { reading, .. } => {
                if let Some(Frame::Call { action, payload, .. }) = &reading.frame
                    && action == "TransactionEvent"
                    && let Some(id) = payload.pointer("/transactionInfo/transactionId").and_then(Value::as_str)
                    && (self.transactions.len() < REMEMBERED || self.transactions.contains_key(id))
                {
                    let over = payload.get("eventType").and_then(Value::as_str) == Some("Ended");
                    self.transactions.insert(id.to_owned(), over);
                }
            }
            _ => {}
        }
    }

    fn wants(&mut self) -> Option<Act> {
        // What was asked and not answered by now is a matter of another oracle.
        self.asked = None;
        loop {
            let check = self.checks.pop_front()?;
            if check.generation != self.generation || self.asks > 5 + self.sents / 10 {
                continue;
            }
            self.asks += 1;
            self.numbers += 1;
            let rest = format!(",\"{}\",{}]", check.action, check.request);
            let parts =
                [Part::Bytes(b"[2,".to_vec()), Part::Hole(Hole::Id(self.numbers)), Part::Bytes(rest.into_bytes())];
            let act = Act::Send { link: check.link, text: parts.into_iter().collect::<Text>() };
            self.asked = Some(Asked { check, id: None });
            return Some(act);
        }
    }
}

/// Calls that write what can be read back.
const WRITES: [&str; 3] = ["ChangeConfiguration", "SetVariables", "SendLocalList"];

impl ReadBack {
    fn answered(&mut self, link: usize, call: &OurCall, payload: &Value) {
        // Another write is on its way.
        if self.last_write.as_ref() != Some(&call.id) {
            return;
        }
        let status = payload.get("status").and_then(Value::as_str).unwrap_or("");
        let found = match call.action.as_str() {
            "ChangeConfiguration" => self.key(call, status),
            "SetVariables" => self.variables(call, payload),
            "SendLocalList" => self.list(call, status),
            _ => None,
        };
        if let Some((action, request, expected)) = found {
            self.checks.push_back(Check { link, generation: self.generation, action, request, expected });
        }
    }

    fn key(&mut self, call: &OurCall, status: &str) -> Option<(&'static str, Value, Expected)> {
        let key = call.request.get("key")?.as_str()?.to_owned();
        let written = call.request.get("value")?.as_str()?.to_owned();
        let hidden = protocol::configuration::key(&key).is_some_and(|known| !known.access.can_read());
        if hidden || key.eq_ignore_ascii_case("AuthorizationKey") {
            return None;
        }
        let before = match status {
            "Accepted" => None,
            "Rejected" | "NotSupported" => Some(self.known.get(&key.to_lowercase())?.clone()),
            _ => return None,
        };
        let request = json!({ "key": [key] });
        Some(("GetConfiguration", request, Expected::Key { key, written, before }))
    }

    fn variables(&self, call: &OurCall, payload: &Value) -> Option<(&'static str, Value, Expected)> {
        let accepted = of_variables(&call.request, payload, "Accepted");
        if !accepted.is_empty() {
            return Some(("GetVariables", asked(&accepted), Expected::Variables(accepted)));
        }
        // Where nothing was known before, only what the variable cannot hold says something.
        let mut declined = of_variables(&call.request, payload, "Rejected");
        declined.retain(|variable| self.known.contains_key(&variable.name()) || variable.is_no_number());
        let before = declined.iter().map(|variable| self.known.get(&variable.name()).cloned()).collect();
        (!declined.is_empty()).then(|| ("GetVariables", asked(&declined), Expected::Declined(declined, before)))
    }

    fn list(&self, call: &OurCall, status: &str) -> Option<(&'static str, Value, Expected)> {
        let field = if self.version == Version::V16 { "listVersion" } else { "versionNumber" };
        let version = call.request.get(field)?.as_i64().filter(|version| *version > 0)?;
        let full = call.request.get("updateType").and_then(Value::as_str) == Some("Full");
        let entries = call.request.get("localAuthorizationList").and_then(Value::as_array);
        let expected = match status {
            "Accepted" => {
                let emptied = !full || entries.is_none_or(Vec::is_empty);
                let mut allowed = vec![version];
                // 1.6 gives an empty list the version 0; a station of 2.x whose list is switched off says 0 too.
                if emptied || self.version != Version::V16 {
                    allowed.push(0);
                }
                // Whether an update without entries moves the version is open (16-LIST-04).
                if self.version == Version::V16 && !full && entries.is_none_or(Vec::is_empty) {
                    return None;
                }
                Expected::List { allowed, declined: false }
            }
            "VersionMismatch" => Expected::List { allowed: vec![self.list?], declined: true },
            _ => return None,
        };
        Some(("GetLocalListVersion", json!({}), expected))
    }

    fn learn(&mut self, call: &OurCall, payload: &Value) {
        match call.action.as_str() {
            "GetConfiguration" => {
                for (key, read_only) in settings::access(payload) {
                    if !read_only {
                        self.read_only.remove(&key);
                    } else if self.read_only.len() < REMEMBERED {
                        self.read_only.insert(key);
                    }
                }
                for (key, value) in of_configuration(payload) {
                    if self.known.len() < REMEMBERED || self.known.contains_key(&key) {
                        self.known.insert(key, value);
                    }
                }
            }
            "GetVariables" => {
                for (name, value) in settings::values(payload) {
                    if self.known.len() < REMEMBERED || self.known.contains_key(&name) {
                        self.known.insert(name, value);
                    }
                }
            }
            "SetVariables" => {
                for variable in of_variables(&call.request, payload, "Accepted") {
                    self.known.remove(&variable.name());
                }
            }
            "GetLocalListVersion" => {
                let field = if self.version == Version::V16 { "listVersion" } else { "versionNumber" };
                self.list = payload.get(field).and_then(Value::as_i64);
            }
            "SendLocalList" if payload.get("status").and_then(Value::as_str) != Some("VersionMismatch") => {
                self.list = None;
            }
            "ChangeConfiguration" => {
                if payload.get("status").and_then(Value::as_str) == Some("Accepted")
                    && let Some(key) = call.request.get("key").and_then(Value::as_str)
                {
                    self.known.remove(&key.to_lowercase());
                }
            }
            _ => {}
        }
    }

    fn judge(
        &self,
        seen: &Seen,
        check: &Check,
        payload: &Value,
        bytes: &[u8],
        about: &About<'_>,
        suspicions: &mut Vec<Suspicion>,
    ) {
        // What was declined has a value before and one after. What was accepted may have been set again by a boot whose
        // answer the station took in late.
        let evidence = if check.expected.is_declined() { Evidence::Words } else { Evidence::Order };
        let mut suspect = |standard: bool, rule: &str, action: &str, path: String, sentence: String| {
            let class = if standard { Class::Violation } else { Class::Compatibility };
            let reply = "read back".to_owned();
            let charge = Charge { oracle: Code::O5, rule, class, action, path, reply, sentence, bytes };
            about.suspect_by(evidence, seen, charge, suspicions);
        };
        match &check.expected {
            Expected::Key { key, written, before } => {
                let found = of_configuration(payload).find(|(name, _)| name.eq_ignore_ascii_case(key));
                let standard = is_standard(key);
                let path = format!("{key}: {}", if before.is_some() { "declined" } else { "accepted" });
                match (before, found.map(|(_, value)| value)) {
                    (None, Some(value)) if alike(written, &value) => {}
                    (None, found) => {
                        let found = found.map_or("nothing".to_owned(), |value| format!("\"{value}\""));
                        let sentence = format!("{key} was set to \"{written}\", which was accepted, and reads {found}");
                        suspect(standard, "16-CFG-07", "ChangeConfiguration", path, sentence);
                    }
                    (Some(before), Some(value)) if !alike(before, &value) && alike(written, &value) => {
                        let sentence = format!("setting {key} to \"{written}\" was declined, and still it changed");
                        suspect(standard, "16-CFG-08", "ChangeConfiguration", path, sentence);
                    }
                    _ => {}
                }
            }
            Expected::Variables(variables) => {
                for variable in variables {
                    let Some((status, value)) = variable.found_in(payload) else { continue };
                    let fits = value.as_ref().is_some_and(|value| alike(&variable.value, value));
                    // What can only be written is not shown (B06.FR.09).
                    if fits || status == "Rejected" {
                        continue;
                    }
                    let name = variable.name();
                    let found = value.map_or(status, |value| format!("\"{value}\""));
                    let sentence =
                        format!("{name} was set to \"{}\", which was accepted, and reads {found}", variable.value);
                    suspect(variable.is_standard(), "B05.FR.10", "SetVariables", format!("{name}: accepted"), sentence);
                }
            }
            Expected::Declined(variables, before) => {
                for (variable, before) in variables.iter().zip(before) {
                    let Some((_, Some(value))) = variable.found_in(payload) else { continue };
                    let changed = before.as_ref().map_or(variable.is_no_number(), |before| !alike(before, &value));
                    if changed && alike(&variable.value, &value) {
                        let name = variable.name();
                        let sentence = format!("setting {name} to \"{value}\" was rejected, and still it reads so");
                        let path = format!("{name}: declined");
                        suspect(variable.is_standard(), "B05.FR.07", "SetVariables", path, sentence);
                    }
                }
            }
            Expected::List { allowed, declined } => {
                let (field, rule) = match (self.version, declined) {
                    (Version::V16, false) => ("listVersion", "16-LIST-09"),
                    (Version::V16, true) => ("listVersion", "16-LIST-05"),
                    (_, false) => ("versionNumber", "D02.FR.01"),
                    (_, true) => ("versionNumber", "D01.FR.19"),
                };
                let Some(version) = payload.get(field).and_then(Value::as_i64) else { return };
                if allowed.contains(&version) {
                    return;
                }
                let sentence = match declined {
                    false => {
                        format!("the update to list version {} was accepted, and the version is {version}", allowed[0])
                    }
                    true => format!(
                        "an update was a VersionMismatch, and the version went from {} to {version}",
                        allowed[0]
                    ),
                };
                suspect(true, rule, "SendLocalList", field.to_owned(), sentence);
            }
        }
    }

    /// A key that the station itself calls read-only was changed, or a number set to something that is none.
    fn wrongly_changed(
        &self,
        seen: &Seen,
        call: &OurCall,
        payload: &Value,
        bytes: &[u8],
        about: &About<'_>,
        suspicions: &mut Vec<Suspicion>,
    ) {
        let mut suspect = |rule, path, status: &str, sentence| {
            let (class, action, reply) = (Class::Violation, call.action.as_str(), format!("result {status}"));
            let charge = Charge { oracle: Code::O5, rule, class, action, path, reply, sentence, bytes };
            about.suspect(seen, charge, suspicions);
        };
        for status in ["Accepted", "RebootRequired"].into_iter().filter(|_| call.action == "SetVariables") {
            for variable in of_variables(&call.request, payload, status).iter().filter(|each| each.is_no_number()) {
                let (name, value) = (variable.name(), shortened(variable.value.as_bytes()));
                let sentence = format!("{name} is a whole number, and \"{value}\" was {status}");
                suspect("B05.FR.07", format!("{name}: no number"), status, sentence);
            }
        }
        let status = payload.get("status").and_then(Value::as_str).unwrap_or("");
        let key = call.request.get("key").and_then(Value::as_str).unwrap_or("");
        if call.action != "ChangeConfiguration" || !matches!(status, "Accepted" | "RebootRequired") {
            return;
        }
        let value = call.request.get("value").and_then(Value::as_str).unwrap_or("");
        let (rule, path, sentence) = if self.read_only.contains(&key.to_lowercase()) {
            let sentence = format!("{key} is read-only, as the station says, and a change of it was {status}");
            ("16-CFG-09", format!("{key}: read-only"), sentence)
        } else if settings::is_no_number(key, value) {
            let sentence = format!("{key} is a whole number, and \"{}\" was {status}", shortened(value.as_bytes()));
            ("16-CFG-06", format!("{key}: no number"), sentence)
        } else {
            return;
        };
        suspect(rule, path, status, sentence);
    }

    /// GetTransactionStatus tells whether a transaction goes on.
    fn transaction_status(
        &self,
        seen: &Seen,
        call: &OurCall,
        payload: &Value,
        bytes: &[u8],
        about: &About<'_>,
        suspicions: &mut Vec<Suspicion>,
    ) {
        if call.action != "GetTransactionStatus" {
            return;
        }
        let id = call.request.get("transactionId").and_then(Value::as_str);
        let Some(over) = id.and_then(|id| self.transactions.get(id)) else { return };
        let goes_on = payload.get("ongoingIndicator").and_then(Value::as_bool);
        let queued = payload.get("messagesInQueue").and_then(Value::as_bool).unwrap_or(true);
        let sentence = match (over, goes_on) {
            (true, Some(true)) => "its end was reported, and it is said to go on",
            (false, Some(false)) if !queued => "its end was not reported, none waits, and it is said to be over",
            _ => return,
        };
        let (path, reply, sentence) = ("/ongoingIndicator".to_owned(), "result".to_owned(), sentence.to_owned());
        let (class, rule, action) = (Class::Violation, "E14.FR.02", "GetTransactionStatus");
        about.suspect(seen, Charge { oracle: Code::O5, rule, class, action, path, reply, sentence, bytes }, suspicions);
    }
}

/// What is asked in order to read variables.
fn asked(variables: &[Variable]) -> Value {
    json!({ "getVariableData": variables.iter().map(Variable::asked).collect::<Vec<_>>() })
}

fn holds(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}

/// Whether a list of names holds none twice.
fn distinct(names: &[String]) -> bool {
    names.iter().collect::<HashSet<_>>().len() == names.len()
}

#[cfg(test)]
mod tests {
    use super::super::told::Told;
    use super::*;

    fn station(version: Version, call: &str, answer: &str, read: &str) -> Vec<Suspicion> {
        let mut told = Told::new(Role::Station, version);
        told.booted(0).call(0, "1", call).answer(0, answer);
        told.ask(&mut ReadBack::new(Role::Station, version), &mut |_| read.to_owned())
    }

    fn changed(status: &str, value: &str) -> Vec<Suspicion> {
        station(
            Version::V16,
            r#"[2,"1","ChangeConfiguration",{"key":"HeartbeatInterval","value":"60"}]"#,
            &format!(r#"[3,"1",{{"status":"{status}"}}]"#),
            &format!(
                r#"[3,"ID",{{"configurationKey":[{{"key":"heartbeatinterval","readonly":false,"value":"{value}"}}]}}]"#
            ),
        )
    }

    #[test]
    fn an_accepted_change_that_does_not_show_is_found() {
        let found = changed("Accepted", "300");
        assert_eq!((found[0].class, found[0].rule.as_str()), (Class::Violation, "16-CFG-07"));
    }

    #[test]
    fn an_accepted_change_that_shows_in_another_spelling_is_fine() {
        assert_eq!(changed("Accepted", "60"), []);
        assert_eq!(changed("Accepted", "060"), []);
        assert_eq!(changed("RebootRequired", "300"), [], "it will show after a reboot");
    }

    #[test]
    fn trap_the_answer_to_a_boot_sets_the_heartbeat_interval() {
        let found = |boots: bool| {
            let mut told = Told::new(Role::Station, Version::V16);
            let call = r#"[2,"1","ChangeConfiguration",{"key":"HeartbeatInterval","value":"60"}]"#;
            told.booted(0).call(0, "1", call).answer(0, r#"[3,"1",{"status":"Accepted"}]"#);
            if boots {
                told.boot(0);
            }
            let read = r#"[3,"ID",{"configurationKey":[{"key":"HeartbeatInterval","readonly":false,"value":"300"}]}]"#;
            told.ask(&mut ReadBack::new(Role::Station, Version::V16), &mut |_| read.to_owned())
        };
        assert_eq!(found(false).len(), 1);
        assert_eq!(found(true), []);
    }

    #[test]
    fn a_declined_change_that_shows_is_found() {
        let read = |value: &str| {
            format!(r#"{{"configurationKey":[{{"key":"HeartbeatInterval","readonly":false,"value":"{value}"}}]}}]"#)
        };
        let mut told = Told::new(Role::Station, Version::V16);
        told.booted(0)
            .call(0, "1", r#"[2,"1","GetConfiguration",{}]"#)
            .answer(0, &format!(r#"[3,"1",{}"#, read("300")));
        told.call(0, "2", r#"[2,"2","ChangeConfiguration",{"key":"HeartbeatInterval","value":"60"}]"#);
        told.answer(0, r#"[3,"2",{"status":"Rejected"}]"#);
        let mut oracle = ReadBack::new(Role::Station, Version::V16);
        let found = told.ask(&mut oracle, &mut |_| format!(r#"[3,"ID",{}"#, read("60")));
        assert_eq!(found[0].rule, "16-CFG-08");
    }

    #[test]
    fn a_key_that_is_read_only_cannot_be_changed() {
        for (read_only, count) in [("true", 1), ("false", 0)] {
            let mut told = Told::new(Role::Station, Version::V16);
            told.booted(0).call(0, "1", r#"[2,"1","GetConfiguration",{}]"#);
            told.answer(0, &format!(r#"[3,"1",{{"configurationKey":[{{"key":"HeartbeatInterval","readonly":{read_only},"value":"1"}}]}}]"#));
            told.call(0, "2", r#"[2,"2","ChangeConfiguration",{"key":"heartbeatInterval","value":"60"}]"#);
            told.answer(0, r#"[3,"2",{"status":"Accepted"}]"#);
            assert_eq!(told.judge(&mut ReadBack::new(Role::Station, Version::V16)).len(), count);
        }
    }

    #[test]
    fn a_number_with_a_tail_is_none() {
        for (key, value, count) in [
            ("HeartbeatInterval", "60abc", 1),
            ("HeartbeatInterval", "60", 0),
            ("HeartbeatInterval", " 6.0", 0),
            ("Vendor", "60abc", 0),
        ] {
            let mut told = Told::new(Role::Station, Version::V16);
            told.booted(0).call(
                0,
                "2",
                &format!(r#"[2,"2","ChangeConfiguration",{{"key":"{key}","value":"{value}"}}]"#),
            );
            told.answer(0, r#"[3,"2",{"status":"Accepted"}]"#);
            let found = told.judge(&mut ReadBack::new(Role::Station, Version::V16));
            assert_eq!(found.len(), count, "{key} {value}");
        }
    }

    #[test]
    fn a_write_in_between_makes_a_check_void() {
        let mut told = Told::new(Role::Station, Version::V16);
        told.booted(0).call(0, "1", r#"[2,"1","ChangeConfiguration",{"key":"HeartbeatInterval","value":"60"}]"#);
        told.call(0, "2", r#"[2,"2","ChangeConfiguration",{"key":"HeartbeatInterval","value":"90"}]"#);
        told.answer(0, r#"[3,"1",{"status":"Accepted"}]"#);
        let found = told.ask(&mut ReadBack::new(Role::Station, Version::V16), &mut |_| panic!("nothing to ask"));
        assert_eq!(found, []);
    }

    #[test]
    fn variables_are_read_back() {
        let call = r#"[2,"1","SetVariables",{"setVariableData":[{"attributeValue":"60","component":{"name":"OCPPCommCtrlr"},"variable":{"name":"HeartbeatInterval"}}]}]"#;
        let answer = r#"[3,"1",{"setVariableResult":[{"attributeStatus":"Accepted","component":{"name":"OCPPCommCtrlr"},"variable":{"name":"HeartbeatInterval"}}]}]"#;
        let read = |value: &str| {
            format!(
                r#"[3,"ID",{{"getVariableResult":[{{"attributeStatus":"Accepted","attributeValue":"{value}","component":{{"name":"OCPPCommCtrlr"}},"variable":{{"name":"HeartbeatInterval"}}}}]}}]"#
            )
        };
        assert_eq!(station(Version::V201, call, answer, &read("60")), []);
        let found = station(Version::V201, call, answer, &read("61"));
        assert_eq!((found[0].class, found[0].rule.as_str()), (Class::Violation, "B05.FR.10"));
    }

    fn set_interval(value: &str, status: &str) -> Told {
        let named = r#""component":{"name":"OCPPCommCtrlr"},"variable":{"name":"HeartbeatInterval"}"#;
        let mut told = Told::new(Role::Station, Version::V201);
        told.booted(0).call(
            0,
            "1",
            &format!(r#"[2,"1","SetVariables",{{"setVariableData":[{{"attributeValue":"{value}",{named}}}]}}]"#),
        );
        told.answer(0, &format!(r#"[3,"1",{{"setVariableResult":[{{"attributeStatus":"{status}",{named}}}]}}]"#));
        told
    }

    #[test]
    fn a_variable_that_is_a_whole_number_takes_nothing_else() {
        for (value, status, count) in
            [("60abc", "Accepted", 1), ("abc", "RebootRequired", 1), ("60", "Accepted", 0), ("60abc", "Rejected", 0)]
        {
            let found = set_interval(value, status).judge(&mut ReadBack::new(Role::Station, Version::V201));
            assert_eq!(found.len(), count, "{value} {status}");
            assert!(found.iter().all(|found| found.rule == "B05.FR.07" && found.class == Class::Violation));
        }
    }

    #[test]
    fn a_variable_whose_change_was_rejected_stays_as_it_was() {
        for (value, read, count) in [("60abc", "60abc", 1), ("60abc", "300", 0)] {
            let mut told = set_interval(value, "Rejected");
            let answer = format!(
                r#"[3,"ID",{{"getVariableResult":[{{"attributeStatus":"Accepted","attributeValue":"{read}","component":{{"name":"OCPPCommCtrlr"}},"variable":{{"name":"HeartbeatInterval"}}}}]}}]"#
            );
            let found = told.ask(&mut ReadBack::new(Role::Station, Version::V201), &mut |_| answer.clone());
            assert_eq!(found.len(), count, "{read}");
        }
        let found = set_interval("60", "Rejected")
            .ask(&mut ReadBack::new(Role::Station, Version::V201), &mut |_| panic!("nothing to compare with"));
        assert_eq!(found, []);
    }

    #[test]
    fn the_version_of_a_list_is_read_back() {
        let call =
            r#"[2,"1","SendLocalList",{"listVersion":7,"updateType":"Full","localAuthorizationList":[{"idTag":"A"}]}]"#;
        let accepted = r#"[3,"1",{"status":"Accepted"}]"#;
        assert_eq!(station(Version::V16, call, accepted, r#"[3,"ID",{"listVersion":7}]"#), []);
        assert_eq!(station(Version::V16, call, accepted, r#"[3,"ID",{"listVersion":6}]"#)[0].rule, "16-LIST-09");
        let empty = r#"[2,"1","SendLocalList",{"listVersion":7,"updateType":"Full"}]"#;
        assert_eq!(station(Version::V16, empty, accepted, r#"[3,"ID",{"listVersion":0}]"#), []);
    }

    #[test]
    fn a_transaction_that_is_over_does_not_go_on() {
        let mut told = Told::new(Role::Station, Version::V201);
        told.booted(0).received(0, r#"[2,"t","TransactionEvent",{"eventType":"Ended","timestamp":"2026-01-01T00:00:00Z","triggerReason":"StopAuthorized","seqNo":2,"transactionInfo":{"transactionId":"T"}}]"#);
        told.answered(0, "TransactionEvent", r#"[3,"t",{}]"#);
        told.call(0, "1", r#"[2,"1","GetTransactionStatus",{"transactionId":"T"}]"#);
        told.answer(0, r#"[3,"1",{"ongoingIndicator":true,"messagesInQueue":false}]"#);
        let found = told.judge(&mut ReadBack::new(Role::Station, Version::V201));
        assert_eq!(found[0].rule, "E14.FR.02");
    }
}
