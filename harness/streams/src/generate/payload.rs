//! Payloads that make sense: valid, and about things that exist.

use std::sync::OnceLock;

use protocol::catalogue::{Message, Object, Type};
use protocol::configuration::{self, Key, KeyType, Variable};
use protocol::generate::{self, one_in, pick};
use protocol::validate::value_violations;
use protocol::{Role, Version, overlay};
use serde_json::{Map, Value, json};

use super::Maker;
use super::allowed::names_a_setting;
use super::odd;
use super::writing::{Odd, Payload};
use crate::act::Hole;
use crate::view::Known;

/// Where files are said to be: nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:9/ocpp";

/// A side of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// What a call says.
    Request,
    /// What its result says.
    Response,
}

impl Side {
    /// The payload of this side.
    pub fn object(self, message: &Message) -> Option<&Object> {
        match self {
            Side::Request => Some(&message.request),
            Side::Response => message.response(),
        }
    }
}

/// How much of a payload is left to chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Freedom {
    /// Nothing: the required fields, with plausible values.
    Plain,
    /// Which optional fields there are.
    Presence,
    /// Values too, up to the ends of what is allowed.
    Extremes,
}

impl Maker<'_, '_> {
    /// The required fields, with values that make sense.
    pub(super) fn plain(&mut self, message: &Message, side: Side) -> Payload {
        let Some(object) = side.object(message) else { return Payload::new(json!({})) };
        let value = generate::minimal_at(self.view.version, object, self.view.now);
        self.settled(object, value, Freedom::Plain)
    }

    /// A valid payload that makes sense, and keeps to the rules of the text.
    pub(super) fn valid(&mut self, message: &Message, side: Side) -> Payload {
        let Some(object) = side.object(message) else { return Payload::new(json!({})) };
        for _ in 0..2 {
            let payload = self.any_valid(object);
            if self.keeps_to_text(message, side, &payload.value) {
                return payload;
            }
        }
        self.plain(message, side)
    }

    fn any_valid(&mut self, object: &Object) -> Payload {
        let version = self.view.version;
        match self.choices.choose(8) {
            0..=2 => {
                let value = generate::minimal_at(version, object, self.view.now);
                self.settled(object, value, Freedom::Plain)
            }
            3 | 4 => {
                let value = self.with_optionals(object);
                self.settled(object, value, Freedom::Presence)
            }
            _ => {
                let value = generate::valid_at(version, object, self.view.now, self.choices);
                self.settled(object, value, Freedom::Extremes)
            }
        }
    }

    /// The required fields and some of the others: none, one, two or all of them, so that every pair is met.
    fn with_optionals(&mut self, object: &Object) -> Value {
        let mut value = generate::minimal_at(self.view.version, object, self.view.now);
        let others: Vec<&str> = object
            .fields
            .iter()
            .filter(|field| !field.required && field.name != "customData")
            .map(|field| field.name.as_str())
            .collect();
        let count = match self.choices.choose(4) {
            0 => 1,
            1 => 2,
            2 => others.len(),
            _ => others.len() / 2,
        };
        let first = self.choices.choose(others.len() as u64) as usize;
        let step = 1 + self.choices.choose(others.len() as u64) as usize;
        for at in 0..count {
            let Some(name) = others.get((first + at * step) % others.len().max(1)) else { break };
            let with = generate::with_path(object, &format!("/{name}"), self.view.now);
            if let (Value::Object(map), Some(more)) = (&mut value, with.get(*name)) {
                map.insert((*name).to_owned(), more.clone());
            }
        }
        value
    }

    fn keeps_to_text(&self, message: &Message, side: Side, value: &Value) -> bool {
        let part = match side {
            Side::Request => overlay::Part::Request,
            Side::Response => overlay::Part::Response,
        };
        let (version, sender) = (self.view.version, self.view.device.other());
        overlay::breaches(version, sender, &message.action, part, value).is_empty()
    }

    /// A payload with these fields, and for the rest what makes sense. Fields may hold the markers of
    /// [`crate::model::Move`].
    pub(super) fn with_fields(&mut self, message: &Message, side: Side, fields: &Map<String, Value>) -> Payload {
        let mut payload = self.plain(message, side);
        let mut marks = Vec::new();
        let settled = self.unmarked(&Value::Object(fields.clone()), &mut String::new(), &mut marks);
        merge(&mut payload.value, settled);
        if let Some(object) = side.object(message) {
            complete(object, &mut payload.value, self.view.now);
        }
        self.refer(&mut payload);
        for (path, hole) in marks {
            payload.hole(path, hole);
        }
        payload
    }

    /// The value with something that fits in the place of each marker.
    fn unmarked(&self, value: &Value, path: &mut String, marks: &mut Vec<(String, Hole)>) -> Value {
        match value {
            Value::Object(map) => {
                if let Some((stand_in, hole)) = self.marked(map) {
                    marks.push((path.clone(), hole));
                    return stand_in;
                }
                let fields = map
                    .iter()
                    .map(|(name, value)| (name.clone(), below(path, name, |path| self.unmarked(value, path, marks))));
                Value::Object(fields.collect())
            }
            Value::Array(items) => {
                let items = items.iter().enumerate();
                items.map(|(at, item)| below(path, &at.to_string(), |path| self.unmarked(item, path, marks))).collect()
            }
            other => other.clone(),
        }
    }

    fn marked(&self, map: &Map<String, Value>) -> Option<(Value, Hole)> {
        if let Some(name) = map.get("$known").and_then(Value::as_str) {
            let back = map.get("back").and_then(Value::as_u64).unwrap_or(0) as usize;
            let otherwise = map.get("otherwise").cloned().unwrap_or(Value::Null);
            let hole = Hole::Known { name: name.to_owned(), back, otherwise: otherwise.to_string() };
            return Some((self.view.known.get(name, back).cloned().unwrap_or(otherwise), hole));
        }
        let offset = map.get("$now").and_then(Value::as_i64)?;
        Some((Value::String(self.view.now.to_string()), Hole::Now(offset)))
    }

    /// Makes holes of values that the device told, so that a replay says what the device tells then.
    fn refer(&self, payload: &mut Payload) {
        let mut holes = Vec::new();
        references(&payload.value, self.view.known, &mut String::new(), &mut holes);
        for (path, hole) in holes {
            payload.hole(path, hole);
        }
    }

    /// Puts what makes sense into the fields of a valid payload.
    fn settled(&mut self, object: &Object, mut value: Value, freedom: Freedom) -> Payload {
        let mut holes = Vec::new();
        if let Value::Object(map) = &mut value {
            self.settle(object, "", map, &mut String::new(), freedom, &mut holes);
        }
        let mut payload = Payload::new(value);
        for (path, hole) in holes {
            payload.hole(path, hole);
        }
        payload
    }

    fn settle(
        &mut self,
        object: &Object,
        parent: &str,
        map: &mut Map<String, Value>,
        path: &mut String,
        freedom: Freedom,
        holes: &mut Vec<(String, Hole)>,
    ) {
        for field in &object.fields {
            let Some(value) = map.get_mut(&field.name) else { continue };
            let length = path.len();
            path.push('/');
            path.push_str(&field.name);
            self.settle_value(&field.name, parent, &field.ty, value, path, freedom, holes);
            path.truncate(length);
        }
        self.name_setting(object, map);
    }

    #[expect(clippy::too_many_arguments, reason = "one place in one walk")]
    fn settle_value(
        &mut self,
        name: &str,
        parent: &str,
        ty: &Type,
        value: &mut Value,
        path: &mut String,
        freedom: Freedom,
        holes: &mut Vec<(String, Hole)>,
    ) {
        match (ty, &mut *value) {
            (Type::Object(object), Value::Object(map)) => self.settle(object, name, map, path, freedom, holes),
            (Type::List { item, .. }, Value::Array(items)) => {
                for (at, value) in items.iter_mut().enumerate() {
                    let length = path.len();
                    path.push_str(&format!("/{at}"));
                    self.settle_value(name, parent, item, value, path, freedom, holes);
                    path.truncate(length);
                }
            }
            _ => {
                // Addresses are never left to chance: nothing of ours goes to somebody else's host.
                let is_free = freedom == Freedom::Extremes && !is_address(name, ty);
                if is_free && one_in(6, self.choices) {
                    return;
                }
                let Some((sense, hole)) = self.sense(name, parent, ty) else { return };
                if !value_violations(ty, &sense).is_empty() {
                    return;
                }
                *value = sense;
                holes.extend(hole.map(|hole| (path.clone(), hole)));
            }
        }
    }

    /// What makes sense in a field of this name.
    fn sense(&mut self, name: &str, parent: &str, ty: &Type) -> Option<(Value, Option<Hole>)> {
        let plain = |value: Value| Some((value, None));
        match ty {
            Type::DateTime => {
                let offset = match name {
                    "expiryDate" | "expiryDateTime" | "cacheExpiryDateTime" | "validTo" | "nextUpdate" => 86_400,
                    "validFrom" | "startTime" | "oldestTimestamp" => -3_600,
                    "latestTimestamp" | "stopTime" => 3_600,
                    _ => self.memory.clock,
                };
                Some((Value::String(self.view.now.to_string()), Some(Hole::Now(offset))))
            }
            _ if is_address(name, ty) => plain(json!(NOWHERE)),
            Type::Enum(_) if name == "type" && matches!(parent, "idToken" | "groupIdToken") => plain(json!("ISO14443")),
            Type::String { .. } => match name {
                "idTag" | "idToken" | "parentIdTag" => {
                    let token = self.token()?.to_owned();
                    // The same to whoever does not look at case.
                    plain(json!(if one_in(12, self.choices) { token.to_lowercase() } else { token }))
                }
                "transactionId" => self.transaction(ty),
                "key" => plain(json!(self.key())),
                _ => None,
            },
            Type::Integer { min, .. } => match name {
                "connectorId" if parent == "evse" => plain(json!(1)),
                "connectorId" | "evseId" => plain(json!(self.connector(*min))),
                "id" if parent == "evse" => plain(json!(self.connector(*min))),
                "transactionId" => self.transaction(ty),
                "reservationId" | "chargingProfileId" => match self.told(name, ty) {
                    Some(told) => Some(told),
                    None => plain(json!(1 + self.choices.choose(3))),
                },
                "id" => plain(json!(1 + self.choices.choose(3))),
                "requestId" | "remoteStartId" | "seqNo" | "listVersion" | "versionNumber" => {
                    self.memory.number += 1;
                    plain(json!(self.memory.number))
                }
                "meterStart" | "meterStop" => {
                    self.memory.number += 1;
                    plain(json!(self.memory.number * 100))
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn token(&mut self) -> Option<&str> {
        let tokens = self.view.tokens;
        if !one_in(3, self.choices)
            && let Some(valid) = tokens.get("valid")
        {
            return Some(valid);
        }
        let at = self.choices.choose(tokens.len() as u64) as usize;
        tokens.values().nth(at).map(String::as_str)
    }

    /// The name of a setting, known or not.
    fn key(&mut self) -> &'static str {
        if one_in(8, self.choices) {
            return "NoSuchKey";
        }
        pick(configuration::keys(), self.choices).map_or("HeartbeatInterval", |key| key.name)
    }

    fn connector(&mut self, min: Option<i64>) -> i64 {
        if one_in(8, self.choices) {
            return 0.max(min.unwrap_or(0));
        }
        if one_in(24, self.choices) {
            return self.view.connectors.saturating_add(1);
        }
        1 + self.choices.choose(self.view.connectors.unsigned_abs()) as i64
    }

    /// A transaction: one that the device told, or in 2.x towards a CSMS one of our own.
    fn transaction(&mut self, ty: &Type) -> Option<(Value, Option<Hole>)> {
        let is_ours = self.view.device == Role::Csms && self.view.version != Version::V16;
        if !is_ours {
            return self.told("transactionId", ty);
        }
        let number = match self.memory.transactions.last() {
            Some(last) if !one_in(4, self.choices) => *last,
            _ => {
                let number = self.memory.next_id();
                self.memory.transactions.push(number);
                if self.memory.transactions.len() > super::REMEMBERED {
                    self.memory.transactions.remove(0);
                }
                number
            }
        };
        Some((json!("transaction"), Some(Hole::Id(number))))
    }

    /// A value of this name that the device told, usually the newest.
    fn told(&mut self, name: &str, ty: &Type) -> Option<(Value, Option<Hole>)> {
        let count = self.view.known.count(name);
        let back = if one_in(4, self.choices) { self.choices.choose(count as u64) as usize } else { 0 };
        let value = self.view.known.get(name, back)?.clone();
        if !value_violations(ty, &value).is_empty() {
            return None;
        }
        let hole = Hole::Known { name: name.to_owned(), back, otherwise: value.to_string() };
        Some((value, Some(hole)))
    }

    /// A setting that exists, in an object that names one.
    fn name_setting(&mut self, object: &Object, map: &mut Map<String, Value>) {
        let is_free = self.view.allowed.dangerous;
        if object.field("component").is_some() && object.field("variable").is_some() {
            let is_whole = map.contains_key("attributeValue") && one_in(2, self.choices);
            let Some(variable) = pick(variables(self.view.version, is_free, is_whole), self.choices) else { return };
            map.insert("component".to_owned(), json!({ "name": variable.component }));
            let mut named = json!({ "name": variable.variable });
            if let Some(instance) = variable.instance.filter(|instance| !instance.starts_with('<')) {
                named["instance"] = json!(instance);
            }
            map.insert("variable".to_owned(), named);
            if map.contains_key("attributeValue") {
                let value = match configuration::is_whole(variable.component, variable.variable) {
                    true => odd::whole_setting(self.choices),
                    false => odd::setting(self.choices),
                };
                map.insert("attributeValue".to_owned(), json!(value));
            }
        }
        let is_change = object.field("key").is_some() && object.field("value").is_some();
        if is_change && map.contains_key("key") && self.view.device == Role::Station {
            // Some are only to be read.
            let is_writable = !one_in(6, self.choices);
            let Some(key) = pick(keys(is_writable, is_free), self.choices) else { return };
            let value = match key.ty {
                KeyType::Integer => odd::whole_setting(self.choices),
                _ => odd::setting(self.choices),
            };
            map.insert("key".to_owned(), json!(key.name));
            map.insert("value".to_owned(), json!(value));
        }
    }

    /// The same payload with an odd value in one place.
    pub(super) fn with_odd(&mut self, object: &Object, payload: &Payload) -> Payload {
        let mut odd = payload.clone();
        let paths = paths(&payload.value);
        let Some(path) = pick(&paths, self.choices) else { return odd };
        let Some(ty) = object.at(path) else { return odd };
        // A file that is fetched from where it is said to be is no secret followed.
        let canary = self.view.canary.filter(|_| !is_address(last_name(path), ty));
        odd.put(path, odd::odd(ty, canary, self.choices));
        odd
    }

    /// The same payload with an odd time, or a text that makes a careless reader look somewhere, in a place for such a
    /// thing; nothing if it has none.
    pub(super) fn with_strange(&mut self, object: &Object, payload: &Payload) -> Option<Payload> {
        let canary = self.view.canary.filter(|_| one_in(2, self.choices));
        let fits = |path: &String| match object.at(path) {
            Some(Type::DateTime) => canary.is_none(),
            Some(ty @ Type::String { .. }) => canary.is_some() && !is_address(last_name(path), ty),
            _ => false,
        };
        let paths: Vec<String> = paths(&payload.value).into_iter().filter(fits).collect();
        let path = pick(&paths, self.choices)?;
        let value = match canary {
            Some(canary) => odd::lookup(canary, self.choices),
            None => odd::time(self.choices).to_owned(),
        };
        let mut strange = payload.clone();
        strange.put(path, Odd::Value(Value::String(value)));
        Some(strange)
    }

    /// A legal payload with an odd value in one place.
    pub(super) fn legal_odd(&mut self, object: &Object, mut payload: Payload) -> Payload {
        if one_in(6, self.choices) && self.lengthen(object, &mut payload) {
            return payload;
        }
        for _ in 0..4 {
            let odd = self.with_odd(object, &payload);
            if !odd.is_raw() && protocol::validate::validate(self.view.version, object, &odd.value).is_empty() {
                return odd;
            }
        }
        payload
    }

    /// Makes a list as long as it may be, or as nobody expects it.
    fn lengthen(&mut self, object: &Object, payload: &mut Payload) -> bool {
        let paths = paths(&payload.value);
        let lists: Vec<(&String, Option<u64>)> = paths
            .iter()
            .filter_map(|path| match object.at(path) {
                Some(Type::List { max, .. }) => Some((path, *max)),
                _ => None,
            })
            .collect();
        let wanted = pick(&[20, 5, 100, 500], self.choices).copied().unwrap_or(20);
        let Some((path, max)) = pick(&lists, self.choices).copied() else { return false };
        let wanted = usize::try_from(max.unwrap_or(u64::MAX)).unwrap_or(wanted).min(wanted);
        let Some(Value::Array(items)) = payload.value.pointer_mut(path) else { return false };
        let Some(item) = items.first().cloned() else { return false };
        let room = super::LARGEST / 8 / item.to_string().len().max(1);
        while items.len() < wanted.min(room) {
            items.push(item.clone());
        }
        true
    }

    /// A payload with exactly one violation.
    pub(super) fn broken(&mut self, object: &Object, payload: &Payload) -> Payload {
        match generate::break_in(self.view.version, object, &payload.value, self.choices) {
            Some((value, ..)) => payload.with_value(value),
            None => payload.clone(),
        }
    }

    /// A payload that is wrong in many places.
    pub(super) fn wild(&mut self, object: &Object, payload: Payload) -> Payload {
        let mut wild = payload;
        for _ in 0..2 + self.choices.choose(5) {
            match self.choices.choose(6) {
                0..=2 => wild = self.with_odd(object, &wild),
                3 => {
                    let paths = paths(&wild.value);
                    let Some((parent, name)) = pick(&paths, self.choices).and_then(|path| path.rsplit_once('/')) else {
                        continue;
                    };
                    if let Some(Value::Object(map)) = wild.value.pointer_mut(parent) {
                        let value = map.shift_remove(name);
                        // Sometimes the value comes back under another name.
                        let names = ["", "__proto__", "constructor", "IDTAG", "customData", "x"];
                        if let (Some(value), true) = (value, one_in(2, self.choices)) {
                            let new = pick(&names, self.choices).copied().unwrap_or("x");
                            map.insert(new.to_owned(), value);
                        }
                    }
                }
                4 => {
                    if let Value::Object(map) = &mut wild.value {
                        let key = match self.choices.choose(4) {
                            0 => "unknownField".to_owned(),
                            1 => "__proto__".to_owned(),
                            2 => String::new(),
                            _ => "k".repeat(2000),
                        };
                        map.insert(key, json!({ "a": [1, null] }));
                    }
                }
                _ => {
                    let key = wild.value.as_object().and_then(|map| map.keys().next()).cloned();
                    wild.doubled = key.map(|key| (key, "\"twice\"".to_owned()));
                }
            }
        }
        wild
    }

    /// Raw text in one place of the payload.
    pub(super) fn put_somewhere(&mut self, payload: &mut Payload, raw: &str) -> bool {
        let paths = paths(&payload.value);
        let Some(path) = pick(&paths, self.choices) else { return false };
        payload.put(path, Odd::Raw(raw.to_owned()));
        true
    }
}

/// The variables that may be named; only those that hold whole numbers, or all.
fn variables(version: Version, is_free: bool, is_whole: bool) -> &'static [&'static Variable] {
    static LISTS: [OnceLock<Vec<&'static Variable>>; 12] = [const { OnceLock::new() }; 12];
    LISTS[(version as usize * 2 + usize::from(is_free)) * 2 + usize::from(is_whole)].get_or_init(|| {
        let name = |variable: &Variable| format!("{} {}", variable.component, variable.variable);
        configuration::variables(version)
            .filter(|variable| is_free || !names_a_setting(&name(variable)))
            .filter(|variable| !is_whole || configuration::is_whole(variable.component, variable.variable))
            .collect()
    })
}

/// The settings of 1.6 that may be named.
fn keys(is_writable: bool, is_free: bool) -> &'static [&'static Key] {
    static LISTS: [OnceLock<Vec<&'static Key>>; 4] = [const { OnceLock::new() }; 4];
    LISTS[usize::from(is_writable) * 2 + usize::from(is_free)].get_or_init(|| {
        let all = configuration::keys().iter();
        all.filter(|key| key.access.must_write() == is_writable && (is_free || !names_a_setting(key.name))).collect()
    })
}

/// Does something one step further down a path.
fn below<T>(path: &mut String, name: &str, work: impl FnOnce(&mut String) -> T) -> T {
    let length = path.len();
    path.push('/');
    path.push_str(name);
    let done = work(path);
    path.truncate(length);
    done
}

/// Puts the fields of one object into another, however deep.
fn merge(base: &mut Value, more: Value) {
    match (base, more) {
        (Value::Object(base), Value::Object(more)) => {
            for (name, value) in more {
                match base.get_mut(&name) {
                    Some(old) => merge(old, value),
                    None => {
                        base.insert(name, value);
                    }
                }
            }
        }
        (base, more) => *base = more,
    }
}

/// Adds the required fields that are missing.
fn complete(object: &Object, value: &mut Value, now: protocol::Timestamp) {
    let Value::Object(map) = value else { return };
    if object.required().any(|field| !map.contains_key(&field.name))
        && let Value::Object(minimal) = generate::minimal_at(Version::V21, object, now)
    {
        for (name, value) in minimal {
            map.entry(name).or_insert(value);
        }
    }
    for field in &object.fields {
        let Some(value) = map.get_mut(&field.name) else { continue };
        match (&field.ty, value) {
            (Type::Object(object), value) => complete(object, value, now),
            (Type::List { item, .. }, Value::Array(items)) => {
                if let Type::Object(object) = &**item {
                    items.iter_mut().for_each(|item| complete(object, item, now));
                }
            }
            _ => {}
        }
    }
}

/// Whether a field holds the address of a file or a service.
fn is_address(name: &str, ty: &Type) -> bool {
    matches!(ty, Type::Uri)
        || matches!(name, "location" | "remoteLocation" | "responderURL" | "ocppCsmsUrl" | "url" | "webPaymentUrl")
}

/// The name of the field at the end of a path.
fn last_name(path: &str) -> &str {
    path.rsplit('/').find(|name| name.parse::<usize>().is_err()).unwrap_or("")
}

/// The paths of values, the shallow ones first; not more than a few hundred.
pub(super) fn paths(value: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    let mut waiting = std::collections::VecDeque::from([(String::new(), value)]);
    while let Some((path, value)) = waiting.pop_front() {
        if paths.len() >= 200 {
            break;
        }
        match value {
            Value::Object(map) => {
                let plain = map.iter().filter(|(name, _)| !name.contains(['/', '~']));
                waiting.extend(plain.map(|(name, value)| (format!("{path}/{name}"), value)));
            }
            Value::Array(items) => {
                waiting.extend(items.iter().take(3).enumerate().map(|(at, item)| (format!("{path}/{at}"), item)));
            }
            _ => {}
        }
        if !path.is_empty() {
            paths.push(path);
        }
    }
    paths
}

fn references(value: &Value, known: &Known, path: &mut String, holes: &mut Vec<(String, Hole)>) {
    let Value::Object(map) = value else { return };
    for (name, value) in map {
        let length = path.len();
        path.push('/');
        path.push_str(name);
        let is_reference = matches!(name.as_str(), "transactionId" | "reservationId" | "chargingProfileId");
        if is_reference && !value.is_object() {
            let back = (0..known.count(name)).find(|back| known.get(name, *back) == Some(value));
            if let Some(back) = back {
                let hole = Hole::Known { name: name.clone(), back, otherwise: value.to_string() };
                holes.push((path.clone(), hole));
            }
        }
        references(value, known, path, holes);
        path.truncate(length);
    }
}
