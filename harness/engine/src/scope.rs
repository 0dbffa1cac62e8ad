//! The names of a plan: who sees which, and what they are bound to.

use std::collections::HashMap;

use protocol::Timestamp;
use script::ast::{NameRef, Offset, Pattern, PatternKind};
use serde_json::{Number, Value};

use crate::rig::Rig;

/// The names of one file's use: the case, or one use of a part, or one element of a `for each`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScopeId(pub usize);

/// What a scope knows beside what is bound in it.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Parameters: a pattern read in the scope of the caller, or a value.
    pub arguments: HashMap<String, Argument>,
    /// Names that are another scope's: `gives`, and everything seen from inside a `for each`.
    pub aliases: HashMap<String, (ScopeId, String)>,
    /// The scope that holds every name not mentioned here.
    pub parent: Option<ScopeId>,
}

/// What a parameter stands for.
#[derive(Clone, Debug)]
pub enum Argument {
    /// What the caller wrote.
    Written(Pattern, ScopeId),
    /// A value.
    Value(Value),
}

/// All scopes of a plan.
#[derive(Clone, Debug, Default)]
pub struct Scopes {
    scopes: Vec<Scope>,
}

/// What the names of a plan are bound to.
#[derive(Clone, Debug, Default)]
pub struct Bindings {
    values: HashMap<(ScopeId, String), Value>,
}

/// Changes of [`Bindings`] that hold only if the whole message matches.
pub(crate) type Tentative = Vec<((ScopeId, String), Value)>;

impl Scopes {
    /// Adds a scope.
    pub fn add(&mut self, scope: Scope) -> ScopeId {
        self.scopes.push(scope);
        ScopeId(self.scopes.len() - 1)
    }

    /// The place where a name of a scope is kept, following aliases and parents.
    pub fn home(&self, scope: ScopeId, name: &str) -> (ScopeId, String) {
        let (mut at, mut name) = (scope, name.to_owned());
        // A chain is as long as the invocations are deep; a cycle cannot be written, but is not followed forever.
        for _ in 0..64 {
            let Some(here) = self.scopes.get(at.0) else { break };
            if here.arguments.contains_key(&name) {
                break;
            }
            if let Some((there, other)) = here.aliases.get(&name) {
                (at, name) = (*there, other.clone());
            } else if let Some(parent) = here.parent {
                at = parent;
            } else {
                break;
            }
        }
        (at, name)
    }

    /// The argument a name stands for, if it is a parameter.
    pub fn argument(&self, home: &(ScopeId, String)) -> Option<&Argument> {
        self.scopes.get(home.0.0)?.arguments.get(&home.1)
    }
}

impl Bindings {
    /// The value of a name at home.
    pub fn value(&self, home: &(ScopeId, String)) -> Option<&Value> {
        self.values.get(home)
    }

    /// Binds a name at home.
    pub fn bind(&mut self, home: (ScopeId, String), value: Value) {
        self.values.insert(home, value);
    }

    /// Takes over what a message bound.
    pub fn commit(&mut self, tentative: Tentative) {
        self.values.extend(tentative);
    }
}

/// Everything needed to say what a name stands for.
#[derive(Clone, Copy)]
pub struct Names<'a> {
    /// The scopes of the plan.
    pub scopes: &'a Scopes,
    /// What is bound.
    pub bindings: &'a Bindings,
    /// The rig.
    pub rig: &'a Rig,
    /// The configuration of the station as far as it is known.
    pub config: &'a HashMap<String, Option<String>>,
    /// The moment.
    pub now: Timestamp,
}

impl Names<'_> {
    /// The value of a reference; `None` if nothing is bound to it.
    pub fn resolve(&self, scope: ScopeId, name: &NameRef, tentative: &Tentative) -> Option<Value> {
        self.resolve_to(scope, name, tentative, 0)
    }

    fn resolve_to(&self, scope: ScopeId, name: &NameRef, tentative: &Tentative, depth: usize) -> Option<Value> {
        if depth > 32 {
            return None;
        }
        let (base, parts): (Value, &[String]) = match name.root.as_str() {
            "now" => (Value::String(self.now.to_string()), &name.parts),
            "rig" => (self.rig.value(&name.parts.join("."))?.to_json(), &[]),
            "config" => (Value::String(self.config.get(&name.parts.join("."))?.clone()?), &[]),
            root => {
                let home = self.scopes.home(scope, root);
                let value = if let Some(argument) = self.scopes.argument(&home) {
                    match argument {
                        Argument::Value(value) => value.clone(),
                        Argument::Written(pattern, caller) => self.written(pattern, *caller, tentative, depth + 1)?,
                    }
                } else {
                    tentative
                        .iter()
                        .rev()
                        .find(|(key, _)| *key == home)
                        .map(|(_, value)| value)
                        .or_else(|| self.bindings.value(&home))?
                        .clone()
                };
                (value, &name.parts)
            }
        };
        let mut value = base;
        for part in parts {
            value = value.get(part.as_str())?.clone();
        }
        match &name.plus {
            None => Some(value),
            Some(offset) => add(&value, offset),
        }
    }

    fn written(&self, pattern: &Pattern, scope: ScopeId, tentative: &Tentative, depth: usize) -> Option<Value> {
        match &pattern.kind {
            PatternKind::Literal(value) => Some(value.clone()),
            PatternKind::Name(name) => self.resolve_to(scope, name, tentative, depth),
            PatternKind::Text(parts) => self.text(scope, parts, tentative).map(Value::String),
            PatternKind::Object(fields) => {
                let mut object = serde_json::Map::new();
                for (key, field) in fields {
                    object.insert(key.value.clone(), self.written(field, scope, tentative, depth)?);
                }
                Some(Value::Object(object))
            }
            PatternKind::List(items) => items
                .iter()
                .map(|item| self.written(item, scope, tentative, depth))
                .collect::<Option<Vec<_>>>()
                .map(Value::Array),
            PatternKind::Operators(_) => None,
        }
    }

    /// The value of a pattern without operators.
    pub fn plain(&self, scope: ScopeId, pattern: &Pattern, tentative: &Tentative) -> Option<Value> {
        self.written(pattern, scope, tentative, 0)
    }

    /// Text with names inside.
    pub fn text(&self, scope: ScopeId, parts: &[script::ast::TextPart], tentative: &Tentative) -> Option<String> {
        let mut text = String::new();
        for part in parts {
            match part {
                script::ast::TextPart::Literal(literal) => text.push_str(literal),
                script::ast::TextPart::Name(name) => {
                    text.push_str(&plain_text(&self.resolve(scope, name, tentative)?));
                }
            }
        }
        Some(text)
    }
}

/// A value as text: a token's id, a string without quotes, anything else as JSON.
pub(crate) fn plain_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(object) => match object.get("idToken") {
            Some(Value::String(id)) => id.clone(),
            _ => value.to_string(),
        },
        other => other.to_string(),
    }
}

fn add(value: &Value, offset: &Offset) -> Option<Value> {
    match (value, offset) {
        (Value::String(text), Offset::Micros(micros)) => {
            let time = Timestamp::parse(text)?;
            Some(Value::String(Timestamp(time.0.saturating_add(*micros)).to_string()))
        }
        (Value::Object(span), Offset::Micros(_)) => add(span.get("to")?, offset),
        (Value::Number(number), Offset::Micros(micros)) => {
            #[expect(clippy::cast_precision_loss, reason = "durations of a case are far below 2^52 microseconds")]
            let seconds = *micros as f64 / 1e6;
            number_of(number.as_f64()? + seconds)
        }
        (Value::Number(number), Offset::Number(other)) => {
            if let (Some(a), Some(b)) = (number.as_i64(), other.as_i64()) {
                return Some(Value::from(a.checked_add(b)?));
            }
            number_of(number.as_f64()? + other.as_f64()?)
        }
        (Value::String(text), Offset::Number(_)) => {
            let number: Number = serde_json::from_str(text.trim()).ok()?;
            add(&Value::Number(number), offset)
        }
        _ => None,
    }
}

/// A number as JSON, whole where it is whole.
pub(crate) fn number_of(number: f64) -> Option<Value> {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        #[expect(clippy::cast_possible_truncation, reason = "bounded just above")]
        return Some(Value::from(number as i64));
    }
    Number::from_f64(number).map(Value::Number)
}
