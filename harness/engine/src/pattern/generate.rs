//! The reading of a pattern as a generator: what we send.
//!
//! A message is filled in this order: the case, what our stand-in suggests (clock, meter, transaction ids), the
//! plainest value of the schema.

use protocol::catalogue::{Object, Type};
use script::ast::{Operator, OperatorKind, Pattern, PatternKind};
use serde_json::{Map, Value};

use super::matching::moments;
use super::strings::text_matching;
use super::{Context, coerce, matches};
use crate::scope::{ScopeId, Tentative, plain_text};

/// What a pattern makes of a field.
pub type Generated = Option<Value>;

/// A field of ours that nobody can fill.
#[derive(Clone, Debug, PartialEq)]
pub struct Unfillable {
    /// The place in the case.
    pub span: verdict::Span,
    /// What is missing.
    pub reason: String,
}

/// Makes a value; `None`: left out. `base` is what the stand-in suggests. With `settled_only`, nothing is made that
/// the case does not settle: the rest is left out, for the stand-in to complete.
pub fn generate(
    context: &Context<'_>,
    scope: ScopeId,
    pattern: Option<&Pattern>,
    ty: Option<&Type>,
    base: Option<&Value>,
    settled_only: bool,
) -> Result<Generated, Unfillable> {
    let generator = Generator { context, scope, settled_only };
    match pattern {
        Some(pattern) => generator.pattern(pattern, ty, base, true),
        None if settled_only => Ok(None),
        None => Ok(base.cloned().or_else(|| ty.map(|ty| generator.plainest(ty, base)))),
    }
}

/// How many options the choices in a pattern have, at most (1: no choice of ours).
pub fn options(pattern: &Pattern) -> usize {
    match &pattern.kind {
        PatternKind::Object(fields) => fields.iter().map(|(_, field)| options(field)).max().unwrap_or(1),
        PatternKind::List(items) => items.iter().map(options).max().unwrap_or(1),
        PatternKind::Operators(operators) => operators
            .iter()
            .map(|operator| match &operator.kind {
                OperatorKind::Maybe(inner) => 2.max(options(inner)),
                OperatorKind::OneOf(patterns) => patterns.iter().map(options).max().unwrap_or(1).max(patterns.len()),
                OperatorKind::Each(inner) => 2.max(options(inner)),
                OperatorKind::Length(_, Some(_)) => 2,
                OperatorKind::Unordered(patterns) if patterns.len() > 1 => 2,
                OperatorKind::Number(inner) | OperatorKind::Csv(inner) | OperatorKind::Json(inner) => options(inner),
                _ => 1,
            })
            .max()
            .unwrap_or(1),
        PatternKind::Literal(_) | PatternKind::Name(_) | PatternKind::Text(_) => 1,
    }
}

struct Generator<'a> {
    context: &'a Context<'a>,
    scope: ScopeId,
    settled_only: bool,
}

impl Generator<'_> {
    fn choose(&self, options: usize) -> usize {
        if self.context.variant < options { self.context.variant } else { 0 }
    }

    fn pattern(
        &self,
        pattern: &Pattern,
        ty: Option<&Type>,
        base: Option<&Value>,
        required: bool,
    ) -> Result<Generated, Unfillable> {
        match &pattern.kind {
            PatternKind::Literal(_) | PatternKind::Name(_) | PatternKind::Text(_) => {
                self.settled(pattern, ty).map(Some)
            }
            PatternKind::Object(fields) => self.object(fields, ty, base).map(Some),
            PatternKind::List(patterns) => self.list(patterns.iter(), ty, base).map(|items| Some(Value::Array(items))),
            PatternKind::Operators(operators) => self.operators(pattern, operators, ty, base, required),
        }
    }

    fn object(
        &self,
        fields: &[(script::ast::Spanned<String>, Pattern)],
        ty: Option<&Type>,
        base: Option<&Value>,
    ) -> Result<Value, Unfillable> {
        let mut made = match base {
            Some(Value::Object(base)) => base.clone(),
            _ => Map::new(),
        };
        let known = ty.and_then(Type::object);
        for (key, pattern) in fields {
            let field = known.and_then(|known| known.field(&key.value));
            let required = field.is_some_and(|field| field.required);
            let base = made.get(&key.value).cloned();
            match self.pattern(pattern, field.map(|field| &field.ty), base.as_ref(), required)? {
                Some(value) => {
                    made.insert(key.value.clone(), value);
                }
                None if self.settled_only => {}
                None => {
                    made.shift_remove(&key.value);
                }
            }
        }
        if !self.settled_only
            && let Some(known) = known
        {
            self.complete(known, &mut made, fields);
        }
        Ok(Value::Object(made))
    }

    /// Adds required fields that are still missing, except those that the case leaves out on purpose.
    fn complete(
        &self,
        known: &Object,
        made: &mut Map<String, Value>,
        named: &[(script::ast::Spanned<String>, Pattern)],
    ) {
        for field in known.fields.iter().filter(|field| field.required) {
            if !made.contains_key(&field.name) && !named.iter().any(|(key, _)| key.value == field.name) {
                made.insert(field.name.clone(), self.plainest(&field.ty, None));
            }
        }
    }

    fn list<'p>(
        &self,
        patterns: impl Iterator<Item = &'p Pattern>,
        ty: Option<&Type>,
        base: Option<&Value>,
    ) -> Result<Vec<Value>, Unfillable> {
        let item = item_type(ty);
        let mut made = Vec::new();
        for (at, pattern) in patterns.enumerate() {
            let base = base.and_then(|base| base.get(at));
            if let Some(value) = self.pattern(pattern, item, base, true)? {
                made.push(value);
            } else if !self.settled_only
                && let Some(item) = item
            {
                made.push(self.plainest(item, base));
            }
        }
        Ok(made)
    }

    fn settled(&self, pattern: &Pattern, ty: Option<&Type>) -> Result<Value, Unfillable> {
        self.context
            .names
            .plain(self.scope, pattern, &Tentative::new())
            .map(|value| coerce(value, ty))
            .ok_or_else(|| Unfillable { span: pattern.span, reason: "this name is bound to nothing here".to_owned() })
    }

    fn operators(
        &self,
        pattern: &Pattern,
        operators: &[Operator],
        ty: Option<&Type>,
        base: Option<&Value>,
        required: bool,
    ) -> Result<Generated, Unfillable> {
        // What was bound before is said again.
        for operator in operators {
            if let OperatorKind::Bind(name) = &operator.kind {
                let home = self.context.names.scopes.home(self.scope, &name.value);
                if let Some(bound) = self.context.names.bindings.value(&home) {
                    return Ok(Some(coerce(bound.clone(), ty)));
                }
            }
        }
        for operator in operators {
            match &operator.kind {
                OperatorKind::Absent => return Ok(None),
                OperatorKind::Maybe(inner) => {
                    if !required && self.choose(2) == 1 {
                        return Ok(None);
                    }
                    return self.pattern(inner, ty, base, required);
                }
                OperatorKind::OneOf(patterns) => {
                    let Some(chosen) = patterns.get(self.choose(patterns.len())) else {
                        break;
                    };
                    return self.pattern(chosen, ty, base, required);
                }
                OperatorKind::Near(moment) => return self.near(moment).map(Some),
                OperatorKind::Next(counter, first) => return Ok(Some(self.next(counter, first.as_ref(), base))),
                // Elements that are asked for by themselves have to fit the pattern of every element, too.
                OperatorKind::Each(_)
                    if operators
                        .iter()
                        .any(|other| matches!(other.kind, OperatorKind::Contains(_) | OperatorKind::Unordered(_))) => {}
                OperatorKind::Each(inner) => return self.each(operators, inner, ty, base).map(Some),
                OperatorKind::Contains(patterns) => {
                    return self.list(patterns.iter(), ty, None).map(|items| Some(Value::Array(items)));
                }
                OperatorKind::Unordered(patterns) => {
                    let mut items = self.list(patterns.iter(), ty, None)?;
                    if patterns.len() > 1 && self.choose(2) == 1 {
                        items.reverse();
                    }
                    return Ok(Some(Value::Array(items)));
                }
                OperatorKind::Number(inner) | OperatorKind::Csv(inner) | OperatorKind::Json(inner) => {
                    return self.written_as_text(&operator.kind, inner, base);
                }
                _ => {}
            }
        }
        if self.settled_only {
            return Ok(None);
        }
        if let Some(base) = base.filter(|base| self.fits(pattern, ty, Some(base))) {
            return Ok(Some(base.clone()));
        }
        if !required && self.fits(pattern, ty, None) {
            return Ok(None);
        }
        for candidate in self.candidates(operators, ty, base) {
            if self.fits(pattern, ty, Some(&candidate)) {
                return Ok(Some(candidate));
            }
        }
        Err(Unfillable { span: pattern.span, reason: "no value was found that this pattern allows".to_owned() })
    }

    fn fits(&self, pattern: &Pattern, ty: Option<&Type>, value: Option<&Value>) -> bool {
        matches(self.context, self.scope, pattern, ty, value, &mut Tentative::new()).is_ok()
    }

    /// Values worth trying, the plainest first.
    fn candidates(&self, operators: &[Operator], ty: Option<&Type>, base: Option<&Value>) -> Vec<Value> {
        let mut candidates = Vec::new();
        for operator in operators {
            match &operator.kind {
                OperatorKind::Min(bound) | OperatorKind::Max(bound) => {
                    if let Ok(value) = self.settled(bound, ty) {
                        candidates.push(value);
                    }
                }
                OperatorKind::Matches(expression) => {
                    candidates.extend(text_matching(&expression.value, self.context.seed).map(Value::String));
                }
                OperatorKind::Length(low, high) => {
                    let length = if self.choose(2) == 1 { high.unwrap_or(*low) } else { *low };
                    candidates.push(self.of_length(length, ty, base));
                    candidates.push(self.of_length(length.max(1), ty, base));
                }
                _ => {}
            }
        }
        if let Some(Type::Enum(words)) = ty {
            candidates.extend(words.values.iter().cloned().map(Value::String));
        }
        if let Some(ty) = ty {
            candidates.push(self.plainest(ty, base));
        }
        candidates.extend([Value::from(0), Value::from(1), Value::from(2), Value::Bool(true), Value::Bool(false)]);
        candidates.extend(["x", "y", ""].map(Value::from));
        candidates
    }

    fn of_length(&self, length: usize, ty: Option<&Type>, base: Option<&Value>) -> Value {
        match ty {
            Some(Type::List { item, .. }) => {
                Value::Array((0..length).map(|at| self.plainest(item, base.and_then(|base| base.get(at)))).collect())
            }
            _ => Value::String("x".repeat(length)),
        }
    }

    fn near(&self, moment: &Pattern) -> Result<Value, Unfillable> {
        let target = self.settled(moment, None)?;
        moments(&target)
            .map(|(_, to)| Value::String(to.to_string()))
            .ok_or_else(|| Unfillable { span: moment.span, reason: "this is not a moment".to_owned() })
    }

    fn next(&self, counter: &script::ast::Spanned<String>, first: Option<&Pattern>, base: Option<&Value>) -> Value {
        let home = self.context.names.scopes.home(self.scope, &counter.value);
        if let Some(last) = self.context.names.bindings.value(&home).and_then(Value::as_i64) {
            return Value::from(last.saturating_add(1));
        }
        first
            .and_then(|first| self.settled(first, None).ok())
            .or_else(|| base.cloned())
            .unwrap_or_else(|| Value::from(0))
    }

    fn each(
        &self,
        operators: &[Operator],
        inner: &Pattern,
        ty: Option<&Type>,
        base: Option<&Value>,
    ) -> Result<Value, Unfillable> {
        let wanted = operators.iter().find_map(|operator| match &operator.kind {
            OperatorKind::Length(low, high) => Some((*low, high.unwrap_or(*low))),
            _ => None,
        });
        let suggested = base.and_then(Value::as_array).map_or(0, Vec::len);
        let length = match wanted {
            Some((low, high)) => {
                if self.choose(2) == 1 {
                    high
                } else {
                    low
                }
            }
            None if suggested > 0 => suggested,
            None => self.choose(2) + 1,
        };
        let items = (0..length)
            .map(|at| self.pattern(inner, item_type(ty), base.and_then(|base| base.get(at)), true))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Value::Array(items.into_iter().flatten().collect()))
    }

    fn written_as_text(
        &self,
        kind: &OperatorKind,
        inner: &Pattern,
        base: Option<&Value>,
    ) -> Result<Generated, Unfillable> {
        let read = base.and_then(Value::as_str).map(|text| match kind {
            OperatorKind::Csv(_) => Value::Array(text.split(',').map(|item| Value::from(item.trim())).collect()),
            _ => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
        });
        let Some(value) = self.pattern(inner, None, read.as_ref(), true)? else {
            return Ok(None);
        };
        let text = match (kind, &value) {
            (OperatorKind::Csv(_), Value::Array(items)) => items.iter().map(plain_text).collect::<Vec<_>>().join(","),
            (OperatorKind::Json(_), value) => value.to_string(),
            (_, value) => plain_text(value),
        };
        Ok(Some(Value::String(text)))
    }

    /// The plainest value of a type, with what the base has.
    fn plainest(&self, ty: &Type, base: Option<&Value>) -> Value {
        if let Some(base) = base {
            return base.clone();
        }
        match ty {
            Type::String { min, .. } => {
                let length = usize::try_from(min.unwrap_or(1).max(1)).unwrap_or(1).min(10_000);
                Value::String("x".repeat(length))
            }
            Type::Integer { min, max, .. } => {
                let value = 0.max(min.unwrap_or(0));
                Value::from(max.map_or(value, |max| value.min(max)))
            }
            Type::Decimal { min, .. } => {
                let least = min.map_or(0.0, protocol::catalogue::Number::as_f64).max(0.0);
                crate::scope::number_of(least).unwrap_or(Value::Null)
            }
            Type::Boolean => Value::Bool(false),
            Type::DateTime => Value::String(self.context.names.now.to_string()),
            Type::Uri => Value::from("http://127.0.0.1/"),
            Type::Any => Value::from("x"),
            Type::Enum(words) => words.values.first().cloned().map_or(Value::Null, Value::String),
            Type::Object(object) => {
                let mut made = Map::new();
                self.complete(object, &mut made, &[]);
                Value::Object(made)
            }
            Type::List { item, min, .. } => {
                let length = usize::try_from(min.unwrap_or(0)).unwrap_or(0).min(100);
                Value::Array((0..length).map(|_| self.plainest(item, None)).collect())
            }
        }
    }
}

fn item_type(ty: Option<&Type>) -> Option<&Type> {
    match ty {
        Some(Type::List { item, .. }) => Some(item),
        _ => None,
    }
}
