//! What a rule sees of a message.

use std::fmt::Write;

use serde_json::Value;

use super::{Breach, Part, Rule};
use crate::Version;
use crate::catalogue::{Catalogue, Object, Type};
use crate::frame::shown;

/// What a rule looks at.
pub(crate) struct Look<'a> {
    pub(super) rule: &'static Rule,
    pub(super) version: Version,
    pub(super) action: &'a str,
    pub(super) part: Part,
    pub(super) payload: &'a Value,
    pub(super) values: &'a [(String, &'static Type, &'a Value)],
    pub(super) breaches: &'a mut Vec<Breach>,
}

impl<'a> Look<'a> {
    pub(super) fn add(&mut self, path: String, expected: &str, actual: &Value) {
        // A hostile payload must not fill our memory.
        const MOST: usize = 100;
        if self.breaches.len() < MOST {
            self.breaches.push(Breach {
                rule: self.rule,
                path,
                expected: expected.to_owned(),
                actual: match actual {
                    Value::Null => "nothing".to_owned(),
                    other => shown(other),
                },
            });
        }
    }

    /// The value at a path if this is the message that is meant.
    pub(super) fn field(&self, action: &str, part: Part, path: &str) -> Option<&'a Value> {
        (self.action == action && self.part == part).then(|| self.payload.pointer(path)).flatten()
    }

    pub(super) fn above_zero(&mut self, action: &str, path: &str) {
        if let Some(value) = self.field(action, Part::Request, path)
            && value.as_i64().is_some_and(|number| number < 1)
        {
            self.add(path.to_owned(), "more than 0", value);
        }
    }

    /// Fields of these names, wherever they stand, are not negative.
    pub(super) fn not_negative(&mut self, names: &[&str]) {
        self.each_value(|look, path, _, value| {
            let name = path.rsplit('/').next().unwrap_or_default();
            if names.contains(&name) && is_negative(value) {
                look.add(path.to_owned(), "0 or more", value);
            }
        });
    }

    /// Lists of these names, wherever they stand, are not empty.
    pub(super) fn not_empty(&mut self, names: &[&str]) {
        self.each_value(|look, path, _, value| {
            let name = path.rsplit('/').next().unwrap_or_default();
            if names.contains(&name) && value.as_array().is_some_and(Vec::is_empty) {
                look.add(path.to_owned(), "at least one item", value);
            }
        });
    }

    /// Calls back for every object of a type, with its path.
    pub(super) fn each(&mut self, name: &str, mut then: impl FnMut(&mut Self, &str, &'a Value)) {
        self.each_value(|look, path, ty, value| {
            if let Type::Object(object) = ty
                && object.name.as_deref() == Some(name)
            {
                then(look, path, value);
            }
        });
    }

    /// Calls back for every value that the catalogue knows, with its path and type.
    pub(super) fn each_value(&mut self, mut then: impl FnMut(&mut Self, &str, &Type, &'a Value)) {
        let values = self.values;
        for (path, ty, value) in values {
            then(self, path, ty, value);
        }
    }
}

/// Every value of a payload that the catalogue knows, with its path and type: found once for all rules.
pub(super) fn values<'v>(version: Version, action: &str, part: Part, payload: &'v Value) -> Found<'static, 'v> {
    let mut found = Vec::new();
    let object = Catalogue::of(version).message(action).and_then(|message| match part {
        Part::Request => Some(&*message.request),
        Part::Response => message.response(),
    });
    if let Some(object) = object {
        walk_object(object, payload, &mut String::new(), &mut found);
    }
    found
}

pub(super) type Found<'c, 'v> = Vec<(String, &'c Type, &'v Value)>;

fn walk_object<'c, 'v>(object: &'c Object, value: &'v Value, path: &mut String, found: &mut Found<'c, 'v>) {
    for field in &object.fields {
        if let Some(below) = value.get(&field.name) {
            let depth = path.len();
            path.push('/');
            path.push_str(&field.name);
            walk(&field.ty, below, path, found);
            path.truncate(depth);
        }
    }
}

fn walk<'c, 'v>(ty: &'c Type, value: &'v Value, path: &mut String, found: &mut Found<'c, 'v>) {
    // A list of a million items tells no more than its first thousands.
    const MOST: usize = 10_000;
    if found.len() >= MOST {
        return;
    }
    found.push((path.clone(), ty, value));
    match (ty, value) {
        (Type::Object(object), _) => walk_object(object, value, path, found),
        (Type::List { item, .. }, Value::Array(items)) => {
            for (at, below) in items.iter().enumerate() {
                let depth = path.len();
                // Writing to a text does not fail.
                let _ = write!(path, "/{at}");
                walk(item, below, path, found);
                path.truncate(depth);
            }
        }
        _ => {}
    }
}

pub(super) fn is_negative(value: &Value) -> bool {
    value.as_f64().is_some_and(|number| number < 0.0)
}
