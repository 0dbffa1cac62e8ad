//! The reading of a pattern against a value that the device sent.

use protocol::Timestamp;
use protocol::catalogue::Type;
use script::ast::{Operator, OperatorKind, Pattern, PatternKind};
use serde_json::Value;

use super::{Context, Mismatch, coerce, equal};
use crate::scope::{ScopeId, Tentative, number_of, plain_text};

/// Whether a value (`None`: it is absent) fits a pattern. What it binds is put into `binds`, to be kept only if
/// everything fits.
pub fn matches(
    context: &Context<'_>,
    scope: ScopeId,
    pattern: &Pattern,
    ty: Option<&Type>,
    value: Option<&Value>,
    binds: &mut Tentative,
) -> Result<(), Mismatch> {
    Matcher { context, scope }.pattern(pattern, ty, value, "", binds)
}

struct Matcher<'a> {
    context: &'a Context<'a>,
    scope: ScopeId,
}

impl Matcher<'_> {
    fn pattern(
        &self,
        pattern: &Pattern,
        ty: Option<&Type>,
        value: Option<&Value>,
        path: &str,
        binds: &mut Tentative,
    ) -> Result<(), Mismatch> {
        match &pattern.kind {
            PatternKind::Operators(operators) => {
                for operator in operators {
                    self.operator(operator, operators, ty, value, path, binds)?;
                }
                Ok(())
            }
            PatternKind::Object(fields) => {
                let Some(Value::Object(object)) = value else {
                    return Err(Mismatch::new(path, pattern.span, "an object", value));
                };
                let known = ty.and_then(Type::object);
                for (key, field) in fields {
                    let ty = known.and_then(|known| known.field(&key.value)).map(|field| &field.ty);
                    let below = join(path, &key.value);
                    self.pattern(field, ty, object.get(&key.value), &below, binds)?;
                }
                Ok(())
            }
            PatternKind::List(patterns) => {
                let items = self.items(pattern, value, path)?;
                if items.len() != patterns.len() {
                    let expected = format!("{} elements", patterns.len());
                    return Err(Mismatch::new(path, pattern.span, expected, value));
                }
                for (at, (pattern, item)) in patterns.iter().zip(items).enumerate() {
                    self.pattern(pattern, item_type(ty), Some(item), &join(path, &at.to_string()), binds)?;
                }
                Ok(())
            }
            PatternKind::Literal(_) | PatternKind::Name(_) | PatternKind::Text(_) => {
                let expected = self.settled(pattern, ty, path, value, binds)?;
                match value {
                    Some(actual) if equal(&expected, actual, ty) => Ok(()),
                    _ => Err(Mismatch::new(path, pattern.span, expected.to_string(), value)),
                }
            }
        }
    }

    fn operator(
        &self,
        operator: &Operator,
        all: &[Operator],
        ty: Option<&Type>,
        value: Option<&Value>,
        path: &str,
        binds: &mut Tentative,
    ) -> Result<(), Mismatch> {
        let refuse = |expected: String| Err(Mismatch::new(path, operator.span, expected, value));
        match &operator.kind {
            OperatorKind::Bind(name) => {
                let Some(value) = value else {
                    return refuse("present".to_owned());
                };
                let home = self.context.names.scopes.home(self.scope, &name.value);
                let bound = binds
                    .iter()
                    .rev()
                    .find(|(key, _)| *key == home)
                    .map(|(_, bound)| bound)
                    .or_else(|| self.context.names.bindings.value(&home));
                match bound {
                    None => {
                        binds.push((home, value.clone()));
                        Ok(())
                    }
                    Some(bound) if equal(&coerce(bound.clone(), ty), value, ty) => Ok(()),
                    Some(bound) => refuse(format!("{bound} (as bound before to {})", name.value)),
                }
            }
            OperatorKind::Present => match value {
                Some(_) => Ok(()),
                None => refuse("present".to_owned()),
            },
            OperatorKind::Absent => match value {
                None => Ok(()),
                Some(_) => refuse("absent".to_owned()),
            },
            OperatorKind::Maybe(inner) => match value {
                None => Ok(()),
                Some(_) => self.pattern(inner, ty, value, path, binds).map_err(|mut mismatch| {
                    mismatch.expected = format!("absent, or {}", mismatch.expected);
                    mismatch
                }),
            },
            OperatorKind::OneOf(patterns) => {
                let mut wanted = Vec::new();
                for inner in patterns {
                    let before = binds.len();
                    match self.pattern(inner, ty, value, path, binds) {
                        Ok(()) => return Ok(()),
                        Err(mismatch) => {
                            binds.truncate(before);
                            wanted.push(mismatch.expected);
                        }
                    }
                }
                refuse(format!("one of {}", wanted.join(", ")))
            }
            OperatorKind::Not(inner) => {
                let before = binds.len();
                let fits = self.pattern(inner, ty, value, path, binds).is_ok();
                binds.truncate(before);
                if fits {
                    let text = self.context.names.plain(self.scope, inner, binds);
                    return refuse(format!("not {}", text.map_or_else(|| "that".to_owned(), |text| text.to_string())));
                }
                Ok(())
            }
            OperatorKind::Min(bound) => self.bound(operator, bound, ty, value, path, binds, true),
            OperatorKind::Max(bound) => self.bound(operator, bound, ty, value, path, binds, false),
            OperatorKind::Length(low, high) => {
                let length = match value {
                    Some(Value::String(text)) => text.chars().count(),
                    Some(Value::Array(items)) => items.len(),
                    _ => return refuse("text or a list".to_owned()),
                };
                let fits = match high {
                    None => length == *low,
                    Some(high) => (*low..=*high).contains(&length),
                };
                if fits {
                    return Ok(());
                }
                refuse(match high {
                    None => format!("length {low}"),
                    Some(high) => format!("length {low}..{high}"),
                })
            }
            OperatorKind::Matches(expression) => {
                let Some(Value::String(text)) = value else {
                    return refuse(format!("text matching {}", expression.value));
                };
                let whole = format!("^(?:{})$", expression.value);
                match regex::Regex::new(&whole) {
                    Ok(regex) if regex.is_match(text) => Ok(()),
                    _ => refuse(format!("text matching {}", expression.value)),
                }
            }
            OperatorKind::Near(moment) => {
                let names = &self.context.names;
                let Some(target) = names.plain(self.scope, moment, binds) else {
                    return refuse("a moment that is not known".to_owned());
                };
                let Some((from, to)) = moments(&target) else {
                    return refuse(format!("near {target}"));
                };
                let actual = match value {
                    Some(Value::String(text)) => Timestamp::parse(text),
                    _ => None,
                };
                let clock = self.context.clock;
                match actual {
                    Some(actual) if actual >= from - clock && actual <= to + clock => Ok(()),
                    _ if from == to => refuse(format!("{from} ± {} s", clock.as_secs_f64())),
                    _ => refuse(format!("{from} … {to} ± {} s", clock.as_secs_f64())),
                }
            }
            OperatorKind::Next(counter, first) => {
                let home = self.context.names.scopes.home(self.scope, &counter.value);
                let last = binds
                    .iter()
                    .rev()
                    .find(|(key, _)| *key == home)
                    .map(|(_, bound)| bound)
                    .or_else(|| self.context.names.bindings.value(&home))
                    .and_then(Value::as_i64);
                let Some(actual) = value.and_then(Value::as_i64) else {
                    return refuse("a whole number".to_owned());
                };
                let expected = match (last, first) {
                    (Some(last), _) => last.checked_add(1),
                    (None, Some(first)) => {
                        self.context.names.plain(self.scope, first, binds).and_then(|first| first.as_i64())
                    }
                    (None, None) => Some(actual),
                };
                if expected != Some(actual) {
                    return refuse(expected.map_or_else(|| "a counter".to_owned(), |next| next.to_string()));
                }
                binds.push((home, Value::from(actual)));
                Ok(())
            }
            OperatorKind::Each(inner) => {
                let items = match value {
                    Some(Value::Array(items)) if !items.is_empty() => items,
                    _ => return refuse("a list with at least one element".to_owned()),
                };
                for (at, item) in items.iter().enumerate() {
                    self.pattern(inner, item_type(ty), Some(item), &join(path, &at.to_string()), binds)?;
                }
                Ok(())
            }
            OperatorKind::Contains(patterns) => {
                let Some(Value::Array(items)) = value else {
                    return refuse("a list".to_owned());
                };
                self.fit(patterns, items, ty, path, binds)
                    .or_else(|missing| refuse(format!("a list with an element for each pattern; none fits: {missing}")))
            }
            OperatorKind::Unordered(patterns) => {
                let Some(Value::Array(items)) = value else {
                    return refuse("a list".to_owned());
                };
                if items.len() != patterns.len() {
                    return refuse(format!("{} elements in any order", patterns.len()));
                }
                self.fit(patterns, items, ty, path, binds)
                    .or_else(|missing| refuse(format!("these elements in any order; none fits: {missing}")))
            }
            OperatorKind::Number(inner) => {
                let number = match value {
                    Some(Value::String(text)) => text.trim().parse::<f64>().ok().and_then(number_of),
                    _ => None,
                };
                match number {
                    Some(number) => self.pattern(inner, None, Some(&number), path, binds),
                    None => refuse("a number as text".to_owned()),
                }
            }
            OperatorKind::Csv(inner) => {
                let Some(Value::String(text)) = value else {
                    return refuse("a comma-separated list".to_owned());
                };
                let items = text
                    .split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty())
                    .map(|item| Value::String(item.to_owned()))
                    .collect();
                self.pattern(inner, None, Some(&Value::Array(items)), path, binds)
            }
            OperatorKind::Json(inner) => {
                let parsed = match value {
                    Some(Value::String(text)) => {
                        protocol::json::parse(text.as_bytes(), protocol::json::Limits::default()).value
                    }
                    _ => None,
                };
                match parsed {
                    Some(parsed) => self.pattern(inner, None, Some(&parsed), path, binds),
                    None => refuse("JSON as text".to_owned()),
                }
            }
            OperatorKind::Is(kind, _) => {
                let _ = all;
                refuse(format!("a {} (kinds are not built yet)", kind.value))
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one side of a range, read like the other")]
    fn bound(
        &self,
        operator: &Operator,
        bound: &Pattern,
        ty: Option<&Type>,
        value: Option<&Value>,
        path: &str,
        binds: &Tentative,
        lower: bool,
    ) -> Result<(), Mismatch> {
        let word = if lower { "at least" } else { "at most" };
        let Some(limit) = self.context.names.plain(self.scope, bound, binds) else {
            return Err(Mismatch::new(path, operator.span, format!("{word} a value that is not known"), value));
        };
        let fits = match (&limit, value) {
            (Value::Number(limit), Some(Value::Number(actual))) => {
                let (limit, actual) = (limit.as_f64(), actual.as_f64());
                if lower { actual >= limit } else { actual <= limit }
            }
            (limit, Some(Value::String(actual))) if matches!(ty, Some(Type::DateTime)) || limit.is_object() => {
                match (moments(limit), Timestamp::parse(actual)) {
                    (Some((from, to)), Some(actual)) => {
                        let clock = self.context.clock;
                        if lower { actual >= from - clock } else { actual <= to + clock }
                    }
                    _ => false,
                }
            }
            _ => false,
        };
        if fits {
            return Ok(());
        }
        Err(Mismatch::new(path, operator.span, format!("{word} {}", plain_text(&limit)), value))
    }

    /// Distinct elements for all patterns; the text of the first pattern that finds none otherwise.
    fn fit(
        &self,
        patterns: &[Pattern],
        items: &[Value],
        ty: Option<&Type>,
        path: &str,
        binds: &mut Tentative,
    ) -> Result<(), String> {
        let mut used = vec![false; items.len()];
        // Lists on the wire are short and patterns few; a bound on tries keeps a hostile list from costing more.
        let mut tries = 10_000_usize;
        let mut deepest = 0;
        if self.fit_from(patterns, 0, items, &mut used, ty, path, binds, &mut tries, &mut deepest) {
            return Ok(());
        }
        let missing = patterns.get(deepest).map(describe).unwrap_or_default();
        Err(missing)
    }

    #[expect(clippy::too_many_arguments, reason = "the state of a backtracking search")]
    fn fit_from(
        &self,
        patterns: &[Pattern],
        at: usize,
        items: &[Value],
        used: &mut [bool],
        ty: Option<&Type>,
        path: &str,
        binds: &mut Tentative,
        tries: &mut usize,
        deepest: &mut usize,
    ) -> bool {
        *deepest = (*deepest).max(at);
        let Some(pattern) = patterns.get(at) else {
            return true;
        };
        for (index, item) in items.iter().enumerate() {
            if used[index] || *tries == 0 {
                continue;
            }
            *tries -= 1;
            let before = binds.len();
            if self.pattern(pattern, item_type(ty), Some(item), path, binds).is_ok() {
                used[index] = true;
                if self.fit_from(patterns, at + 1, items, used, ty, path, binds, tries, deepest) {
                    return true;
                }
                used[index] = false;
            }
            binds.truncate(before);
        }
        false
    }

    fn items<'v>(&self, pattern: &Pattern, value: Option<&'v Value>, path: &str) -> Result<&'v [Value], Mismatch> {
        match value {
            Some(Value::Array(items)) => Ok(items),
            _ => Err(Mismatch::new(path, pattern.span, "a list", value)),
        }
    }

    fn settled(
        &self,
        pattern: &Pattern,
        ty: Option<&Type>,
        path: &str,
        value: Option<&Value>,
        binds: &Tentative,
    ) -> Result<Value, Mismatch> {
        self.context
            .names
            .plain(self.scope, pattern, binds)
            .map(|value| coerce(value, ty))
            .ok_or_else(|| Mismatch::new(path, pattern.span, "a name that is bound to nothing", value))
    }
}

/// The span of time that a value names: a moment, or the issue and confirmation of a stimulus.
pub(super) fn moments(value: &Value) -> Option<(Timestamp, Timestamp)> {
    match value {
        Value::String(text) => Timestamp::parse(text).map(|moment| (moment, moment)),
        Value::Object(span) => {
            let moment = |key: &str| span.get(key).and_then(Value::as_str).and_then(Timestamp::parse);
            Some((moment("from")?, moment("to")?))
        }
        _ => None,
    }
}

fn item_type(ty: Option<&Type>) -> Option<&Type> {
    match ty {
        Some(Type::List { item, .. }) => Some(item),
        _ => None,
    }
}

fn describe(pattern: &Pattern) -> String {
    match &pattern.kind {
        PatternKind::Literal(value) => value.to_string(),
        PatternKind::Name(name) => format!("${}", name.root),
        PatternKind::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(key, field)| format!("{}: {}", key.value, describe(field))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        _ => "…".to_owned(),
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
