//! Payloads by their schema, as calls and as answers (L4).

use std::sync::OnceLock;

use protocol::catalogue::{Catalogue, Kind, Message, Type};
use protocol::generate::{one_in, pick};
use protocol::stimulus::Stimulus;
use protocol::{Role, Version, errors, overlay};
use serde_json::{Map, Value, json};

use super::allowed::{Allowed, DENIED, Which};
use super::payload::Side;
use super::writing::{Payload, Piece, Style, array};
use super::{Maker, odd};
use crate::Act;
use crate::act::{Hole, Text};

/// Actions that matter more than others.
const FREQUENT: &[&str] = &[
    "BootNotification",
    "Heartbeat",
    "Authorize",
    "StartTransaction",
    "StopTransaction",
    "MeterValues",
    "StatusNotification",
    "TransactionEvent",
    "DataTransfer",
    "GetConfiguration",
    "ChangeConfiguration",
    "GetVariables",
    "SetVariables",
    "RemoteStartTransaction",
    "RemoteStopTransaction",
    "RequestStartTransaction",
    "RequestStopTransaction",
    "SetChargingProfile",
    "ClearChargingProfile",
    "SendLocalList",
    "ReserveNow",
    "CancelReservation",
    "TriggerMessage",
    "ChangeAvailability",
];

/// What we may send to a device of this side; first what every device answers, and what matters more often.
pub(super) fn outgoing(version: Version, device: Role, allowed: &Allowed) -> &'static [&'static Message] {
    static LISTS: [OnceLock<Vec<&'static Message>>; 12] = [const { OnceLock::new() }; 12];
    let is_denied = !allowed.dangerous && device == Role::Station;
    let at = (version as usize * 2 + usize::from(device == Role::Csms)) * 2 + usize::from(is_denied);
    LISTS[at].get_or_init(|| {
        let mut list = Vec::new();
        let plain = match (device, version) {
            (Role::Csms, _) => "Heartbeat",
            (Role::Station, Version::V16) => "GetConfiguration",
            (Role::Station, _) => "GetVariables",
        };
        list.extend(Catalogue::of(version).message(plain));
        for message in Catalogue::of(version).messages() {
            let denied =
                is_denied && DENIED.iter().any(|denied| denied.which == Which::All && denied.action == message.action);
            if message.from.includes(device.other()) && !denied {
                let weight = if FREQUENT.contains(&message.action.as_str()) { 5 } else { 1 };
                list.extend(std::iter::repeat_n(message, weight));
            }
        }
        list
    })
}

/// What the device may call us with.
pub(super) fn incoming(version: Version, device: Role) -> &'static [&'static Message] {
    static LISTS: [OnceLock<Vec<&'static Message>>; 6] = [const { OnceLock::new() }; 6];
    let at = version as usize * 2 + usize::from(device == Role::Csms);
    LISTS[at].get_or_init(|| {
        let all = Catalogue::of(version).messages().iter();
        all.filter(|message| message.from.includes(device) && message.kind == Kind::Call).collect()
    })
}

/// What a CSMS asks of a station that has just booted.
const AFTER_BOOT: &[&str] =
    &["GetConfiguration", "ChangeConfiguration", "TriggerMessage", "GetBaseReport", "GetVariables", "SetVariables"];

impl Maker<'_, '_> {
    /// A message that we may send.
    pub(super) fn message(&mut self) -> &'static Message {
        let list = outgoing(self.view.version, self.view.device, self.view.allowed);
        match pick(list, self.choices) {
            Some(message) => message,
            None => self.plainest(),
        }
    }

    /// The message that every device answers.
    pub(super) fn plainest(&self) -> &'static Message {
        let list = outgoing(self.view.version, self.view.device, self.view.allowed);
        // The catalogue has messages for both sides; a test holds that each list begins with one.
        list.first().copied().unwrap_or(&Catalogue::of(self.view.version).messages()[0])
    }

    /// A call with an id of its own.
    pub(super) fn call(&mut self, message: &Message, payload: &Payload) -> Text {
        let id = self.memory.next_id();
        self.call_as(id, message, payload, Style::default())
    }

    pub(super) fn call_as(&self, id: u32, message: &Message, payload: &Payload, style: Style) -> Text {
        let kind = if message.kind == Kind::Send { "6" } else { "2" };
        let pieces =
            [Piece::Raw(kind), Piece::Hole(Hole::Id(id)), Piece::Word(&message.action), Piece::Payload(payload)];
        array(&pieces, style)
    }

    /// A plain legal message.
    pub(super) fn plain_act(&mut self) -> Act {
        let text = self.plain_text();
        Act::Send { link: self.link(), text }
    }

    fn plain_text(&mut self) -> Text {
        let message = self.plainest();
        let payload = self.plain(message, Side::Request);
        self.call(message, &payload)
    }

    /// A legal message.
    pub(super) fn legal_act(&mut self) -> Act {
        let text = self.legal_text();
        Act::Send { link: self.link(), text }
    }

    /// The text of a legal message.
    pub(super) fn legal_text(&mut self) -> Text {
        let message = self.message();
        let payload = self.valid(message, Side::Request);
        // Others cut it into pieces, of which none could be read.
        if self.is_denied(message, &payload) { self.plain_text() } else { self.call(message, &payload) }
    }

    fn is_denied(&self, message: &Message, payload: &Payload) -> bool {
        let view = self.view;
        view.device == Role::Station && view.allowed.denies(view.version, &message.action, &payload.value).is_some()
    }

    /// A call or an answer by its schema: legal more than half of the time.
    pub(super) fn schema_act(&mut self) -> Act {
        match self.choices.choose(28) {
            0..=10 => self.legal_act(),
            11 | 12 => self.request(|maker, message, payload| maker.legal_odd(&message.request, payload)),
            13..=15 => self.request(|maker, message, payload| maker.broken(&message.request, &payload)),
            16 => self.request(|maker, message, payload| maker.with_odd(&message.request, &payload)),
            17 => self.request(|maker, message, payload| maker.wild(&message.request, payload)),
            18 | 19 if self.view.device == Role::Station => self.setting_act(),
            20..=23 => self.strange_act(),
            _ => self.answer_act(),
        }
    }

    /// A legal message but for an odd time, or a text that is more than text to some.
    fn strange_act(&mut self) -> Act {
        for _ in 0..4 {
            let message = self.message();
            let payload = self.valid(message, Side::Request);
            if let Some(payload) = self.with_strange(&message.request, &payload) {
                return Act::Send { link: self.link(), text: self.call(message, &payload) };
            }
        }
        self.legal_act()
    }

    fn request(&mut self, change: impl FnOnce(&mut Self, &Message, Payload) -> Payload) -> Act {
        let message = self.message();
        let payload = self.valid(message, Side::Request);
        let payload = change(self, message, payload);
        Act::Send { link: self.link(), text: self.call(message, &payload) }
    }

    /// The next call of the device gets an answer of our choice; what makes it call comes next.
    fn answer_act(&mut self) -> Act {
        let link = self.link();
        let list = incoming(self.view.version, self.view.device);
        let mut message = pick(list, self.choices).copied();
        let mut cause = message.and_then(|message| self.cause(link, message));
        // Some calls cannot be brought about: then rather one that can.
        for _ in 0..3 {
            if cause.is_some() {
                break;
            }
            message = pick(list, self.choices).copied();
            cause = message.and_then(|message| self.cause(link, message));
        }
        if cause.is_none() && self.view.device == Role::Csms && self.view.drivable.is_empty() {
            // Nothing makes this CSMS call us, unless it asks something after a boot, as many do.
            (message, cause) = self.after_boot(link).unzip();
        }
        let Some(message) = message else { return self.legal_act() };
        let (text, times) = self.answer(message);
        self.memory.queue.extend(cause);
        // Late is when the call has been given up, or something else came first.
        if text.is_none() && one_in(2, self.choices) {
            let payload = self.plain(message, Side::Response);
            let late = array(&[Piece::Raw("3"), Piece::Hole(Hole::Asked), Piece::Payload(&payload)], Style::default());
            self.memory.queue.push_back(Act::Pass { ms: 100 });
            self.memory.queue.push_back(Act::Send { link, text: late });
        }
        Act::Answer { link, action: Some(message.action.clone()), text, times }
    }

    /// What a CSMS may ask after a boot, and a boot; half of the time nothing, for it may ask nothing.
    fn after_boot(&mut self, link: usize) -> Option<(&'static Message, Act)> {
        let boot = Catalogue::of(self.view.version).message("BootNotification").filter(|_| one_in(2, self.choices))?;
        let list = incoming(self.view.version, self.view.device);
        let asked: Vec<_> = list.iter().copied().filter(|one| AFTER_BOOT.contains(&&*one.action)).collect();
        let asked = pick(&asked, self.choices).copied()?;
        let payload = self.plain(boot, Side::Request);
        Some((asked, Act::Send { link, text: self.call(boot, &payload) }))
    }

    /// An answer to a call of the device, and how often it is given.
    fn answer(&mut self, message: &Message) -> (Option<Text>, u32) {
        let result = |payload: &Payload| {
            array(&[Piece::Raw("3"), Piece::Hole(Hole::Asked), Piece::Payload(payload)], Style::default())
        };
        let Some(object) = message.response() else { return (None, 1) };
        let payload = match self.choices.choose(14) {
            0..=2 => self.gentle(message),
            3 => {
                let payload = self.gentle(message);
                self.legal_odd(object, payload)
            }
            4..=6 => {
                let payload = self.gentle(message);
                self.broken(object, &payload)
            }
            7 => self.unknown_status(message),
            8 => {
                let payload = self.gentle(message);
                self.with_odd(object, &payload)
            }
            9 => {
                let payload = self.gentle(message);
                self.wild(object, payload)
            }
            10 => return (Some(self.refusal()), 1),
            11 => return (None, pick(&[1, 1, 3, 50], self.choices).copied().unwrap_or(1)),
            12 => return (Some(result(&self.gentle(message))), 2 + self.choices.choose(3) as u32),
            _ => return (Some(self.odd_answer(message)), 1),
        };
        (Some(result(&payload)), 1)
    }

    /// A valid answer that does not put the station off for the rest of the day.
    fn gentle(&mut self, message: &Message) -> Payload {
        let payload = self.valid(message, Side::Response);
        let is_off = payload.value.get("status").is_some_and(|status| status != "Accepted");
        let mut value = payload.value.clone();
        if message.action == "BootNotification"
            && is_off
            && let Some(interval) = value.get_mut("interval")
        {
            *interval = json!(1 + self.choices.choose(5));
            return payload.with_value(value);
        }
        payload
    }

    /// A word that is none in the first enumeration of the answer.
    fn unknown_status(&mut self, message: &Message) -> Payload {
        let mut payload = self.gentle(message);
        let Some(object) = message.response() else { return payload };
        let words = ["NoSuchStatus", "accepted", "", "constructor"];
        let word = pick(&words, self.choices).copied().unwrap_or("NoSuchStatus");
        for path in ["/status", "/idTagInfo/status", "/idTokenInfo/status"] {
            if matches!(object.at(path), Some(Type::Enum(_))) {
                payload.put(path, super::writing::Odd::Value(json!(word)));
                return payload;
            }
        }
        let payload = self.gentle(message);
        self.broken(object, &payload)
    }

    /// A refusal of a call of the device, as good as it is.
    fn refusal(&mut self) -> Text {
        let code = pick(errors::codes(self.view.version), self.choices).copied().unwrap_or("InternalError");
        let odd = [
            "\"NoSuchCode\"",
            "\"\"",
            "null",
            "1",
            "{}",
            "\"FormationViolation\"",
            "\"FormatViolation\"",
            "\"OccurrenceConstraintViolation\"",
        ];
        let quoted = Value::from(code).to_string();
        let code = if one_in(3, self.choices) { pick(&odd, self.choices).copied().unwrap_or("\"\"") } else { &quoted };
        let long = format!("\"{}\"", "d".repeat(if one_in(4, self.choices) { 5000 } else { 256 }));
        let descriptions = ["\"\"", "\"it did not work\"", long.as_str(), "null", "{}", "\"%s%n\""];
        let description = pick(&descriptions, self.choices).copied().unwrap_or("\"\"");
        let details = pick(&["{}", "{\"a\":[1]}", "[]", "null", "\"x\""], self.choices).copied().unwrap_or("{}");
        let pieces =
            [Piece::Raw("4"), Piece::Hole(Hole::Asked), Piece::Raw(code), Piece::Raw(description), Piece::Raw(details)];
        // Too few elements are what crashed more than one station.
        let count = if one_in(4, self.choices) { 2 + self.choices.choose(3) as usize } else { pieces.len() };
        array(pieces.get(..count).unwrap_or(&pieces), Style::default())
    }

    /// An answer with something wrong around the payload.
    fn odd_answer(&mut self, message: &Message) -> Text {
        let payload = self.plain(message, Side::Response);
        let asked = || Piece::Hole(Hole::Asked);
        let pieces = match self.choices.choose(9) {
            0 => vec![Piece::Raw("3"), Piece::Raw("\"nobody asked\""), Piece::Payload(&payload)],
            1 => vec![Piece::Raw("3"), asked()],
            2 => vec![Piece::Raw("3"), asked(), Piece::Raw("null")],
            3 => vec![Piece::Raw("3"), asked(), Piece::Raw("[]")],
            4 => vec![Piece::Raw("3"), asked(), Piece::Payload(&payload), Piece::Raw("{}")],
            5 => vec![Piece::Raw("\"3\""), asked(), Piece::Payload(&payload)],
            6 => vec![Piece::Raw("3"), asked(), Piece::Word(&message.action), Piece::Payload(&payload)],
            7 => vec![Piece::Raw("2"), asked(), Piece::Word(&message.action), Piece::Raw("{}")],
            _ => vec![Piece::Raw("5"), asked(), Piece::Word("InternalError"), Piece::Word(""), Piece::Raw("{}")],
        };
        array(&pieces, Style::default())
    }

    /// What makes the device call us with this message, if anything does.
    pub(super) fn cause(&mut self, link: usize, message: &Message) -> Option<Act> {
        match self.view.device {
            Role::Csms => {
                let verb = format!("send {}", message.action);
                if !self.can(&verb) && !self.can("send") {
                    return None;
                }
                let fields = self.for_the_device(message);
                // A driver carries one or the other; here nothing but the whole message will do.
                let with = Map::from_iter([
                    ("action".to_owned(), json!(message.action)),
                    ("fields".to_owned(), fields.clone()),
                    ("payload".to_owned(), fields),
                ]);
                let stimulus = Stimulus { party: Role::Csms, verb: "send".to_owned(), with };
                Some(Act::Stimulate { link, stimulus })
            }
            Role::Station => self.trigger(link, &message.action).or_else(|| self.begin(link, &message.action)),
        }
    }

    /// What the device is asked to say has to be sound, or what it says wrong would be our fault.
    fn for_the_device(&mut self, message: &Message) -> Value {
        for _ in 0..2 {
            let mut value = self.plain(message, Side::Request).value;
            for name in ["connectorId", "evseId"] {
                if let Some(number) = value.get_mut(name) {
                    *number = json!(1);
                }
            }
            // A station that has been accepted is not asked to boot.
            if let Some(word) = value.get_mut("requestedMessage") {
                *word = json!("Heartbeat");
            }
            let (version, device) = (self.view.version, self.view.device);
            if overlay::breaches(version, device, &message.action, overlay::Part::Request, &value).is_empty() {
                return value;
            }
        }
        json!({})
    }

    pub(super) fn trigger(&mut self, link: usize, action: &str) -> Option<Act> {
        let word = match action {
            "SignCertificate" if self.view.version == Version::V16 => "SignChargePointCertificate",
            "SignCertificate" => "SignChargingStationCertificate",
            other => other,
        };
        let catalogue = Catalogue::of(self.view.version);
        let message = ["TriggerMessage", "ExtendedTriggerMessage"].into_iter().find_map(|name| {
            let message = catalogue.message(name)?;
            let knows =
                matches!(message.request.at("/requestedMessage"), Some(Type::Enum(words)) if words.contains(word));
            knows.then_some(message)
        })?;
        let fields = Map::from_iter([("requestedMessage".to_owned(), json!(word))]);
        let payload = self.with_fields(message, Side::Request, &fields);
        Some(Act::Send { link, text: self.call(message, &payload) })
    }

    /// Something that has this message as a consequence.
    fn begin(&mut self, link: usize, action: &str) -> Option<Act> {
        if matches!(action, "Authorize" | "StartTransaction" | "TransactionEvent") && self.can("plug in") {
            return self.stimulus_act(link);
        }
        let consequences = [
            ("StartTransaction", "RemoteStartTransaction"),
            ("Authorize", "RemoteStartTransaction"),
            ("Authorize", "RequestStartTransaction"),
            ("TransactionEvent", "RequestStartTransaction"),
            ("StopTransaction", "RemoteStopTransaction"),
            ("NotifyReport", "GetBaseReport"),
            ("NotifyMonitoringReport", "GetMonitoringReport"),
            ("NotifyCustomerInformation", "CustomerInformation"),
            ("NotifyDisplayMessages", "GetDisplayMessages"),
            ("ReportChargingProfiles", "GetChargingProfiles"),
            ("LogStatusNotification", "GetLog"),
            ("NotifyEvent", "SetVariableMonitoring"),
            ("NotifyChargingLimit", "SetChargingProfile"),
        ];
        let catalogue = Catalogue::of(self.view.version);
        let message = consequences
            .into_iter()
            .filter(|(consequence, _)| *consequence == action)
            .find_map(|(_, cause)| catalogue.message(cause))?;
        let payload = self.plain(message, Side::Request);
        Some(Act::Send { link, text: self.call(message, &payload) })
    }

    /// Something done to the device from outside the wire, if anything can be.
    pub(super) fn stimulus_act(&mut self, link: usize) -> Option<Act> {
        if self.view.device == Role::Csms {
            let list = incoming(self.view.version, Role::Csms);
            let message = pick(list, self.choices).copied()?;
            return self.cause(link, message);
        }
        let gentle = ["plug in", "present token", "unplug", "charge", "pause by ev", "resume by ev", "enter bay"];
        let can: Vec<&str> = gentle.into_iter().filter(|verb| self.can(verb)).collect();
        let verb = pick(&can, self.choices).copied()?;
        let at = self.choices.choose(self.view.connectors.unsigned_abs()) as i64 + 1;
        let more = match verb {
            "present token" => {
                let tokens = self.view.tokens;
                let valid = tokens.get("valid").or_else(|| tokens.values().next())?;
                let token = if one_in(4, self.choices) {
                    tokens.values().nth(self.choices.choose(tokens.len() as u64) as usize)?
                } else {
                    valid
                };
                Some(("token", json!({ "idToken": token, "type": "ISO14443" })))
            }
            "charge" => Some(("for", json!(1))),
            _ => None,
        };
        self.stimulus(at, verb, more)
    }

    pub(super) fn can(&self, verb: &str) -> bool {
        self.view.drivable.iter().any(|drivable| drivable == verb)
    }

    /// The station is not accepted for a while, and is asked for things all the same.
    pub(super) fn not_accepted(&mut self) -> Act {
        let status = if one_in(2, self.choices) { "Rejected" } else { "Pending" };
        let interval = 1 + self.choices.choose(5);
        let Some(answer) = self.boot_answer(status, interval) else { return self.legal_act() };
        let again = self.trigger(0, "BootNotification");
        self.memory.queue.extend(again);
        for _ in 0..1 + self.choices.choose(3) {
            let text = self.legal_text();
            self.memory.queue.push_back(Act::Send { link: 0, text });
        }
        self.memory.queue.extend(self.stimulus(1, "plug in", None));
        let accepted = self.trigger(0, "BootNotification");
        self.memory.queue.extend(accepted);
        answer
    }

    /// The answer that the next boot of the station gets, with the interval in seconds.
    pub(super) fn boot_answer(&mut self, status: &str, interval: u64) -> Option<Act> {
        let message = Catalogue::of(self.view.version).message("BootNotification")?;
        let fields = Map::from_iter([("status".to_owned(), json!(status)), ("interval".to_owned(), json!(interval))]);
        let payload = self.with_fields(message, Side::Response, &fields);
        let text = array(&[Piece::Raw("3"), Piece::Hole(Hole::Asked), Piece::Payload(&payload)], Style::default());
        Some(Act::Answer { link: 0, action: Some(message.action.clone()), text: Some(text), times: 1 })
    }

    /// A setting gets a value that it may not bear.
    pub(super) fn setting_act(&mut self) -> Act {
        let action = if self.view.version == Version::V16 { "ChangeConfiguration" } else { "SetVariables" };
        let Some(message) = Catalogue::of(self.view.version).message(action) else { return self.legal_act() };
        let mut payload = self.plain(message, Side::Request);
        let path = if self.view.version == Version::V16 { "/value" } else { "/setVariableData/0/attributeValue" };
        if one_in(3, self.choices) {
            payload.put(path, super::writing::Odd::Value(json!(odd::setting(self.choices))));
        }
        Act::Send { link: self.link(), text: self.call(message, &payload) }
    }
}
