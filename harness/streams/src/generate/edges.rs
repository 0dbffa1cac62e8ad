//! Values at the ends of every field that the schemas leave wide: to be walked through, not met by chance.

use std::sync::OnceLock;

use protocol::catalogue::{Catalogue, Kind, Object, Type};
use protocol::generate;
use protocol::validate::validate;
use protocol::{Role, Timestamp, Version};
use serde_json::{Value, json};

use super::writing::{Payload, Piece, Style, array};
use crate::Act;
use crate::act::Hole;

/// A call that fits its schema, with one value at an end.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Edge {
    version: Version,
    action: &'static str,
    path: String,
    value: Value,
}

/// A text without a limit is made so long.
const LONG: usize = 5000;
/// A list without a limit has so many items.
const MANY: u64 = 60;

/// Every edge of every call that we may send to a device of this side, those on the surface of a message first.
pub(super) fn all(version: Version, device: Role) -> &'static [Edge] {
    static LISTS: [OnceLock<Vec<Edge>>; 6] = [const { OnceLock::new() }; 6];
    LISTS[version as usize * 2 + usize::from(device == Role::Csms)].get_or_init(|| edges(version, device))
}

fn edges(version: Version, device: Role) -> Vec<Edge> {
    let mut edges = Vec::new();
    for message in Catalogue::of(version).messages() {
        if message.kind != Kind::Call || !message.from.includes(device.other()) {
            continue;
        }
        let mut paths: Vec<String> = generate::mutations(&message.request).into_iter().map(|one| one.path).collect();
        paths.sort();
        paths.dedup();
        for path in paths.into_iter().filter(|path| !path.contains("customData")) {
            let ends = message.request.at(&path).map(|ty| ends(ty, &message.request, &path)).unwrap_or_default();
            edges.extend(ends.into_iter().map(|value| Edge {
                version,
                action: &message.action,
                path: path.clone(),
                value,
            }));
        }
    }
    edges.retain(|edge| edge.payload(Timestamp::default()).is_some());
    edges.sort_by_key(|edge| edge.path.matches('/').count());
    edges
}

fn ends(kind: &Type, object: &Object, path: &str) -> Vec<Value> {
    match kind {
        Type::List { item, max, .. } => {
            let plain = generate::with_path(object, path, Timestamp::default());
            let first = plain.pointer(path).and_then(|list| list.get(0));
            let many = |first| (0..max.unwrap_or(MANY).min(MANY)).map(|number| another(first, item, number)).collect();
            first.map(many).into_iter().collect()
        }
        Type::Integer { min, max, .. } => {
            let (min, max) = (min.unwrap_or(i64::from(i32::MIN)), max.unwrap_or(i64::from(i32::MAX)));
            [min, max, -1, 1_000_000].into_iter().filter(|end| (min..=max).contains(end)).map(Value::from).collect()
        }
        Type::Decimal { .. } => vec![json!(-1.5), json!(1e9)],
        Type::String { max, .. } => {
            let longest = max.map_or(LONG, |max| usize::try_from(max).unwrap_or(LONG).min(LONG));
            vec![json!("x".repeat(longest)), json!("")]
        }
        Type::DateTime => vec![json!("9999-12-31T23:59:59Z"), json!("1969-12-31T23:59:59Z")],
        _ => Vec::new(),
    }
}

/// An item like this one, told apart by its texts and whole numbers.
fn another(value: &Value, ty: &Type, number: u64) -> Value {
    match (ty, value) {
        (Type::String { .. }, Value::String(_)) => json!(format!("P{number}")),
        (Type::Integer { .. }, Value::Number(_)) => json!(number),
        (Type::Object(object), Value::Object(map)) => {
            let field = |(name, value): (&String, &Value)| {
                let value = object.field(name).map_or_else(|| value.clone(), |field| another(value, &field.ty, number));
                (name.clone(), value)
            };
            Value::Object(map.iter().map(field).collect())
        }
        _ => value.clone(),
    }
}

impl Edge {
    /// The payload, if it fits the schema.
    fn payload(&self, now: Timestamp) -> Option<Value> {
        let object = &Catalogue::of(self.version).message(self.action)?.request;
        let mut value = generate::with_path(object, &self.path, now);
        *value.pointer_mut(&self.path)? = self.value.clone();
        validate(self.version, object, &value).is_empty().then_some(value)
    }

    /// It as an act on link 0, with this id.
    pub(super) fn act(&self, id: u32, now: Timestamp) -> Option<Act> {
        let payload = Payload::new(self.payload(now)?);
        let pieces = [Piece::Raw("2"), Piece::Hole(Hole::Id(id)), Piece::Word(self.action), Piece::Payload(&payload)];
        Some(Act::Send { link: 0, text: array(&pieces, Style::default()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wide_field_has_its_ends() {
        let all = all(Version::V16, Role::Csms);
        let has = |action: &str, path: &str, value: &Value| {
            all.iter().any(|edge| edge.action == action && edge.path == path && edge.value == *value)
        };
        assert!(has("StatusNotification", "/connectorId", &json!(-1)));
        assert!(has("StatusNotification", "/connectorId", &json!(1_000_000)));
        assert!(has("DataTransfer", "/data", &json!("x".repeat(LONG))));
        assert!(has("Authorize", "/idTag", &json!("x".repeat(20))));
        let station = super::all(Version::V16, Role::Station);
        let lists = |action: &str, path: &str| {
            let of = |edge: &&Edge| edge.action == action && edge.path == path;
            station.iter().filter(of).filter_map(|edge| edge.value.as_array().map(Vec::len)).collect::<Vec<_>>()
        };
        assert_eq!(lists("GetConfiguration", "/key"), [60]);
        assert_eq!(lists("SendLocalList", "/localAuthorizationList"), [60]);
        let periods = "/csChargingProfiles/chargingSchedule/chargingSchedulePeriod";
        assert_eq!(lists("SetChargingProfile", periods), [60]);
        assert!(has("StopTransaction", "/transactionData/0/sampledValue/0/value", &json!("")));
        for (version, device) in [(Version::V201, Role::Csms), (Version::V21, Role::Station)] {
            let all = super::all(version, device);
            assert!(all.len() > 200, "{}", all.len());
            assert!(all.iter().all(|edge| edge.act(1, Timestamp::default()).is_some()));
        }
    }
}
