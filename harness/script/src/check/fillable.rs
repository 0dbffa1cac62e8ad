//! Payloads against the schema: what we would send must be valid, and what we wait for must be possible, except for
//! the one field that `invalid` breaks on purpose.
//!
//! A field that a case leaves open is filled by the peer that stands in for us, so only what the case itself demands
//! can make a payload impossible.

use protocol::catalogue::{Catalogue, Field, Object, Type};
use protocol::validate::{self, ViolationKind};
use serde_json::{Value, json};
use verdict::Span;

use super::names::constant;
use super::report::{Report, shown};
use super::tree::{Node, Projection, ScopeId, Shape};
use crate::ast::{Answer, Call, ConstantType, Operator, OperatorKind, Pattern, PatternKind, Spanned};

/// Looks at every payload of a document.
pub(super) fn payloads(projection: &Projection<'_>, report: &mut Report) {
    projection.each(&mut |node| {
        if let Shape::Call { call, branches, .. } = &node.shape {
            exchange(projection, node, call, report);
            for (branch, _) in branches {
                if let Answer::Reply(reply) = &branch.answer {
                    answer(projection, node, call, reply, report);
                }
            }
        }
    });
}

fn exchange(projection: &Projection<'_>, node: &Node<'_>, call: &Call, report: &mut Report) {
    let Some(message) = Catalogue::of(projection.version).message(&call.action.value) else { return };
    let is_ours = !projection.is_device(call.from.value);
    let mut breaks = Vec::new();
    if let Some(fields) = &call.fields {
        let mut walk = Walk { projection, scope: node.scope, sends: is_ours, path: Vec::new(), breaks: Vec::new() };
        walk.object_pattern(fields, &message.request);
        breaks = walk.breaks;
    }
    if let Some(path) = &call.invalid {
        if !is_ours {
            let device = projection.device;
            let title = format!("a {} under test is not made to send what breaks the schema", shown(device));
            report.add("invalid-by-device", (node.source, path.span), title, "not a field of ours", |d| {
                d.help(format!("write device: {} above", device.other()))
            });
            return;
        }
        let on_purpose =
            |found: &Break| found.path == path.value || found.path.starts_with(&format!("{}.", path.value));
        if !breaks.iter().any(on_purpose) {
            let title = format!("{} does not break the schema", path.value);
            report.add("invalid-is-valid", (node.source, path.span), title, "nothing is wrong with this field", |d| {
                d.help(
                    "give the field a value that the schema refuses, $absent: true where it is required, or leave \
                        invalid out",
                )
            });
        }
        breaks.retain(|found| !on_purpose(found));
    }
    breaks.into_iter().for_each(|found| found.report(node, is_ours, call.invalid.as_ref(), report));
    if let Answer::Reply(reply) = &call.answer {
        answer(projection, node, call, reply, report);
    }
}

fn answer(projection: &Projection<'_>, node: &Node<'_>, call: &Call, reply: &Pattern, report: &mut Report) {
    let message = Catalogue::of(projection.version).message(&call.action.value);
    let Some(response) = message.and_then(|message| message.response()) else { return };
    let is_ours = !projection.is_device(call.to.value);
    let mut walk = Walk { projection, scope: node.scope, sends: is_ours, path: Vec::new(), breaks: Vec::new() };
    walk.object_pattern(reply, response);
    walk.breaks.into_iter().for_each(|found| found.report(node, is_ours, None, report));
}

/// A place where a pattern wants what the schema refuses.
struct Break {
    path: String,
    span: Span,
    title: String,
    expected: String,
}

impl Break {
    fn report(self, node: &Node<'_>, is_ours: bool, invalid: Option<&Spanned<String>>, report: &mut Report) {
        let code = if is_ours { "sends-invalid" } else { "never-valid" };
        let title = match (is_ours, invalid) {
            (true, Some(path)) => format!("{}, and only {} may break the schema", self.title, path.value),
            (true, None) => self.title,
            (false, _) => format!("{}: no valid message fits", self.title),
        };
        report.add(code, (node.source, self.span), title, format!("expected {}", self.expected), |d| {
            if is_ours && invalid.is_none() {
                d.help(format!("what we send is valid; to break it on purpose write invalid: {}", self.path))
            } else {
                d
            }
        });
    }
}

struct Walk<'w, 'a> {
    projection: &'w Projection<'a>,
    scope: ScopeId,
    sends: bool,
    path: Vec<String>,
    breaks: Vec<Break>,
}

impl Walk<'_, '_> {
    fn add(&mut self, span: Span, title: impl Into<String>, expected: impl Into<String>) {
        let path = self.path.join(".");
        self.breaks.push(Break { path, span, title: title.into(), expected: expected.into() });
    }

    fn below(&mut self, step: impl Into<String>, look: impl FnOnce(&mut Self)) {
        self.path.push(step.into());
        look(self);
        self.path.pop();
    }

    fn object_pattern(&mut self, pattern: &Pattern, object: &Object) {
        match &pattern.kind {
            PatternKind::Object(fields) => self.fields(fields, object),
            PatternKind::Operators(operators) => {
                for operator in operators {
                    match &operator.kind {
                        OperatorKind::Maybe(inner) => self.object_pattern(inner, object),
                        OperatorKind::OneOf(patterns) => {
                            patterns.iter().for_each(|pattern| self.object_pattern(pattern, object));
                        }
                        _ => {}
                    }
                }
            }
            PatternKind::Literal(value) => {
                for violation in validate::validate(self.projection.version, object, value) {
                    self.violation(pattern.span, violation);
                }
            }
            PatternKind::Name(_) | PatternKind::Text(_) | PatternKind::List(_) => {}
        }
    }

    fn fields(&mut self, fields: &[(Spanned<String>, Pattern)], object: &Object) {
        for (key, pattern) in fields {
            match object.field(&key.value) {
                Some(field) => self.below(&key.value, |walk| walk.pattern(pattern, &field.ty, field.required)),
                None if object.open => {}
                None => self.below(&key.value, |walk| {
                    if takes_value(pattern) {
                        let expected = match object.suggest_field(&key.value) {
                            Some(meant) => format!("no such field; did you mean {meant}?"),
                            None => "no such field".to_owned(),
                        };
                        walk.add(key.span, format!("the schema knows no field {}", key.value), expected);
                    }
                }),
            }
        }
    }

    fn pattern(&mut self, pattern: &Pattern, ty: &Type, required: bool) {
        match &pattern.kind {
            PatternKind::Literal(value) => self.value(pattern.span, ty, value),
            PatternKind::Name(name) => {
                if let Some((kind, value)) = constant(self.projection, self.scope, name)
                    && kind != ConstantType::Duration
                {
                    self.value(pattern.span, ty, &as_wanted(value, ty));
                }
            }
            PatternKind::Text(_) => {}
            PatternKind::Object(fields) => match ty {
                Type::Object(object) => self.fields(fields, object),
                Type::Any => {}
                _ => self.add(pattern.span, "an object where the schema has none", ty.describe()),
            },
            PatternKind::List(items) => match ty {
                Type::List { item, min, max } => {
                    self.count(pattern.span, items.len(), items.len(), *min, *max);
                    for (at, pattern) in items.iter().enumerate() {
                        self.below(at.to_string(), |walk| walk.pattern(pattern, item, true));
                    }
                }
                Type::Any => {}
                _ => self.add(pattern.span, "a list where the schema has none", ty.describe()),
            },
            PatternKind::Operators(operators) => {
                operators.iter().for_each(|operator| self.operator(operator, operators, ty, required));
            }
        }
    }

    fn operator(&mut self, operator: &Operator, all: &[Operator], ty: &Type, required: bool) {
        let span = operator.span;
        match &operator.kind {
            OperatorKind::Absent if required => {
                self.add(span, "a required field is left out", format!("{}: it is required", ty.describe()));
            }
            OperatorKind::Maybe(inner) => self.pattern(inner, ty, required),
            OperatorKind::OneOf(patterns) => {
                patterns.iter().for_each(|pattern| self.pattern(pattern, ty, required));
            }
            OperatorKind::Min(bound) => {
                self.bound(bound, ty);
                let high = all.iter().find_map(|other| match &other.kind {
                    OperatorKind::Max(high) => number(high),
                    _ => None,
                });
                if let (Some(low), Some(high)) = (number(bound), high)
                    && low > high
                {
                    self.add(span, "no number lies between these bounds", format!("at most {high}"));
                }
            }
            OperatorKind::Max(bound) => self.bound(bound, ty),
            OperatorKind::Length(low, high) => match ty {
                Type::String { min, max, .. } => self.count(span, *low, high.unwrap_or(*low), *min, *max),
                Type::List { min, max, .. } => self.count(span, *low, high.unwrap_or(*low), *min, *max),
                Type::Any | Type::Uri => {}
                _ => self.add(span, "$length is of a text or a list", ty.describe()),
            },
            OperatorKind::Matches(_) => {
                if !matches!(ty, Type::String { .. } | Type::Uri | Type::Any | Type::Enum(_) | Type::DateTime) {
                    self.add(span, "$matches is about text", ty.describe());
                }
            }
            OperatorKind::Near(_) => {
                if !matches!(ty, Type::DateTime | Type::Any) {
                    self.add(span, "$near is about a moment", ty.describe());
                }
            }
            OperatorKind::Next(..) => {
                if !matches!(ty, Type::Integer { .. } | Type::Any) {
                    self.add(span, "$next is a whole number", ty.describe());
                }
            }
            OperatorKind::Each(inner) => self.elements(span, std::slice::from_ref(inner), ty),
            OperatorKind::Contains(patterns) | OperatorKind::Unordered(patterns) => {
                if let Type::List { max, min, .. } = ty {
                    let most =
                        if matches!(operator.kind, OperatorKind::Contains(_)) { usize::MAX } else { patterns.len() };
                    if self.sends || patterns.len() as u64 > max.unwrap_or(u64::MAX) {
                        self.count(span, patterns.len(), patterns.len(), *min, *max);
                    } else if (most as u64) < min.unwrap_or(0) {
                        self.count(span, patterns.len(), most, *min, *max);
                    }
                }
                self.elements(span, patterns, ty);
            }
            OperatorKind::Number(_) | OperatorKind::Csv(_) | OperatorKind::Json(_) => {
                if !matches!(ty, Type::String { .. } | Type::Any) {
                    self.add(span, "this operator reads a text", ty.describe());
                }
            }
            OperatorKind::Absent
            | OperatorKind::Bind(_)
            | OperatorKind::Present
            | OperatorKind::Not(_)
            | OperatorKind::Is(..) => {}
        }
    }

    fn elements(&mut self, span: Span, patterns: &[Pattern], ty: &Type) {
        match ty {
            Type::List { item, .. } => {
                for (at, pattern) in patterns.iter().enumerate() {
                    self.below(at.to_string(), |walk| walk.pattern(pattern, item, true));
                }
            }
            Type::Any => {}
            _ => self.add(span, "this operator is about a list", ty.describe()),
        }
    }

    fn bound(&mut self, bound: &Pattern, ty: &Type) {
        match ty {
            Type::Integer { .. } | Type::Decimal { .. } | Type::DateTime | Type::Any => {}
            _ => return self.add(bound.span, "bounds are of numbers and moments", ty.describe()),
        }
        if self.sends
            && let PatternKind::Literal(value) = &bound.kind
        {
            self.value(bound.span, ty, value);
        }
    }

    /// Between `low` and `high` elements or characters are wanted; all of them are tried when we send.
    fn count(&mut self, span: Span, low: usize, high: usize, min: Option<u64>, max: Option<u64>) {
        let (low, high) = (low as u64, high as u64);
        let (min, max) = (min.unwrap_or(0), max.unwrap_or(u64::MAX));
        let impossible = high < min || low > max;
        let too_wide = self.sends && (low < min || high > max);
        if impossible || too_wide {
            let expected = match max {
                u64::MAX => format!("at least {min}"),
                max => format!("{min} to {max}"),
            };
            self.add(span, "the schema refuses this length", expected);
        }
    }

    fn value(&mut self, span: Span, ty: &Type, value: &Value) {
        let object = Object {
            name: None,
            fields: vec![Field { name: "value".to_owned(), ty: ty.clone(), required: true }],
            open: false,
        };
        for mut violation in validate::validate(self.projection.version, &object, &json!({ "value": value })) {
            violation.path = violation.path.strip_prefix("/value").unwrap_or(&violation.path).to_owned();
            self.violation(span, violation);
        }
    }

    fn violation(&mut self, span: Span, violation: validate::Violation) {
        let steps: Vec<String> = violation.path.split('/').filter(|step| !step.is_empty()).map(str::to_owned).collect();
        let depth = self.path.len();
        self.path.extend(steps);
        let title = match violation.kind {
            ViolationKind::MissingField => "a required field is missing".to_owned(),
            ViolationKind::UnknownField => "the schema knows no such field".to_owned(),
            _ => format!("the schema refuses {}", violation.actual),
        };
        self.add(span, title, violation.expected);
        self.path.truncate(depth);
    }
}

/// Whether a pattern demands that something is there.
fn takes_value(pattern: &Pattern) -> bool {
    match &pattern.kind {
        PatternKind::Operators(operators) => {
            !operators.iter().any(|operator| matches!(operator.kind, OperatorKind::Absent))
        }
        _ => true,
    }
}

fn number(pattern: &Pattern) -> Option<f64> {
    match &pattern.kind {
        PatternKind::Literal(Value::Number(number)) => number.as_f64(),
        _ => None,
    }
}

/// A constant as its place wants it: numbers and booleans give their text where text is wanted.
fn as_wanted(value: &Value, ty: &Type) -> Value {
    match (ty, value) {
        (Type::String { .. }, Value::Number(number)) => Value::String(number.to_string()),
        (Type::String { .. }, Value::Bool(truth)) => Value::String(truth.to_string()),
        (_, value) => value.clone(),
    }
}
