//! Whether one value can fit two patterns: what the front needs to tell two messages apart.
//!
//! Names are taken to stand for different things where they differ, from each other and from what is written out: a
//! connector of the rig is not connector 0, and two tags are two tags.

use serde_json::Value;

use super::tree::{Key, Projection, ScopeId};
use crate::ast::{NameRef, Offset, Operator, OperatorKind, Pattern, PatternKind, TextPart};

/// A pattern with the scope it is read in.
#[derive(Clone, Copy)]
pub(super) struct Read<'p> {
    pub(super) pattern: &'p Pattern,
    pub(super) scope: ScopeId,
}

impl<'p> Read<'p> {
    fn with(self, pattern: &'p Pattern) -> Read<'p> {
        Read { pattern, ..self }
    }

    fn operators(self) -> &'p [Operator] {
        match &self.pattern.kind {
            PatternKind::Operators(operators) => operators,
            _ => &[],
        }
    }
}

/// Whether no value fits both.
pub(super) fn are_apart(projection: &Projection<'_>, a: Read<'_>, b: Read<'_>) -> bool {
    use PatternKind::{List, Literal, Name, Object, Operators, Text};
    if (takes_only_absence(a) && !takes_absence(b)) || (takes_only_absence(b) && !takes_absence(a)) {
        return true;
    }
    match (&a.pattern.kind, &b.pattern.kind) {
        (Operators(_), _) | (_, Operators(_)) => {
            a.operators().iter().any(|operator| keeps_off(projection, operator, a, b))
                || b.operators().iter().any(|operator| keeps_off(projection, operator, b, a))
        }
        (Object(fields), Object(others)) => fields.iter().any(|(key, field)| {
            let other = others.iter().find(|(other, _)| other.value == key.value);
            match other {
                Some((_, other)) => are_apart(projection, a.with(field), b.with(other)),
                None => false,
            }
        }),
        (List(items), List(others)) => {
            items.len() != others.len()
                || items.iter().zip(others).any(|(item, other)| are_apart(projection, a.with(item), b.with(other)))
        }
        (Literal(value), Literal(other)) => !same(value, other),
        (Name(name), Name(other)) => identity(projection, name, a.scope) != identity(projection, other, b.scope),
        (Text(parts), Text(others)) => words(projection, parts, a.scope) != words(projection, others, b.scope),
        (Literal(_), Name(_) | Text(_)) | (Name(_), Literal(_) | Text(_)) | (Text(_), Literal(_) | Name(_)) => true,
        // A structure against a value that is named elsewhere: there is no telling.
        _ => false,
    }
}

/// Whether an operator of `here` refuses everything that fits `there`.
fn keeps_off(projection: &Projection<'_>, operator: &Operator, here: Read<'_>, there: Read<'_>) -> bool {
    let apart = |p, q| are_apart(projection, here.with(p), there.with(q));
    match &operator.kind {
        OperatorKind::Maybe(inner) => !takes_absence(there) && apart(inner, there.pattern),
        OperatorKind::OneOf(patterns) => {
            is_short(patterns) && patterns.iter().all(|pattern| apart(pattern, there.pattern))
        }
        OperatorKind::Not(inner) => covers(projection, here.with(inner), there),
        OperatorKind::Min(bound) => number(bound).zip(range(there)).is_some_and(|(bound, (_, most))| most < bound),
        OperatorKind::Max(bound) => number(bound).zip(range(there)).is_some_and(|(bound, (least, _))| least > bound),
        OperatorKind::Length(low, high) => {
            lengths(there).is_some_and(|(least, most)| most < *low || least > high.unwrap_or(*low))
        }
        // One element that the other is sure to have and that does not fit is enough.
        OperatorKind::Each(inner) => elements(there).iter().any(|item| apart(inner, item)),
        // An element that none of the other's can be is enough, where the other names all it has.
        OperatorKind::Contains(patterns) | OperatorKind::Unordered(patterns) => {
            let all = all_elements(there);
            is_short(patterns)
                && !all.is_empty()
                && patterns.iter().any(|pattern| all.iter().all(|item| apart(pattern, item)))
        }
        OperatorKind::Number(inner) => there.operators().iter().any(|other| match &other.kind {
            OperatorKind::Number(other) => apart(inner, other),
            _ => false,
        }),
        OperatorKind::Csv(inner) => there.operators().iter().any(|other| match &other.kind {
            OperatorKind::Csv(other) => apart(inner, other),
            _ => false,
        }),
        OperatorKind::Bind(_)
        | OperatorKind::Present
        | OperatorKind::Absent
        | OperatorKind::Matches(_)
        | OperatorKind::Near(_)
        | OperatorKind::Next(..)
        | OperatorKind::Json(_)
        | OperatorKind::Is(..) => false,
    }
}

/// Whether everything that fits `q` fits `p`, as far as can be told.
fn covers(projection: &Projection<'_>, p: Read<'_>, q: Read<'_>) -> bool {
    let any_of = |operators: &[Operator], test: &dyn Fn(&[Pattern]) -> bool| {
        operators.iter().any(|operator| match &operator.kind {
            OperatorKind::OneOf(patterns) => is_short(patterns) && test(patterns),
            _ => false,
        })
    };
    match (&p.pattern.kind, &q.pattern.kind) {
        (_, PatternKind::Operators(operators)) => {
            any_of(operators, &|patterns| patterns.iter().all(|pattern| covers(projection, p, q.with(pattern))))
        }
        (PatternKind::Operators(operators), _) => {
            any_of(operators, &|patterns| patterns.iter().any(|pattern| covers(projection, p.with(pattern), q)))
        }
        (PatternKind::Literal(value), PatternKind::Literal(other)) => same(value, other),
        (PatternKind::Name(name), PatternKind::Name(other)) => {
            identity(projection, name, p.scope) == identity(projection, other, q.scope)
        }
        _ => false,
    }
}

/// Neither empty nor so long that comparing it with another costs more than knowing is worth.
fn is_short(patterns: &[Pattern]) -> bool {
    (1..=200).contains(&patterns.len())
}

fn takes_only_absence(read: Read<'_>) -> bool {
    read.operators().iter().any(|operator| matches!(operator.kind, OperatorKind::Absent))
}

fn takes_absence(read: Read<'_>) -> bool {
    let PatternKind::Operators(operators) = &read.pattern.kind else { return false };
    operators.iter().all(|operator| match &operator.kind {
        OperatorKind::Maybe(_) | OperatorKind::Absent | OperatorKind::Not(_) => true,
        OperatorKind::OneOf(patterns) => patterns.iter().any(|pattern| takes_absence(read.with(pattern))),
        _ => false,
    })
}

/// What a name stands for, told by the place that keeps it.
fn identity<'n>(
    projection: &Projection<'_>,
    name: &'n NameRef,
    scope: ScopeId,
) -> (Key, &'n [String], Option<&'n Offset>) {
    (projection.home(scope, &name.root), &name.parts, name.plus.as_ref())
}

fn words(projection: &Projection<'_>, parts: &[TextPart], scope: ScopeId) -> Vec<String> {
    let word = |part: &TextPart| match part {
        TextPart::Literal(text) => text.clone(),
        TextPart::Name(name) => format!("{:?}", identity(projection, name, scope)),
    };
    parts.iter().map(word).collect()
}

/// Equal to somebody who compares numbers by value and identifiers without case.
fn same(value: &Value, other: &Value) -> bool {
    match (value, other) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::String(a), Value::String(b)) => a.eq_ignore_ascii_case(b),
        (a, b) => a == b,
    }
}

fn number(pattern: &Pattern) -> Option<f64> {
    match &pattern.kind {
        PatternKind::Literal(Value::Number(number)) => number.as_f64(),
        _ => None,
    }
}

/// Between what numbers a value lies.
fn range(read: Read<'_>) -> Option<(f64, f64)> {
    if let Some(number) = number(read.pattern) {
        return Some((number, number));
    }
    let mut range = None;
    for operator in read.operators() {
        let (least, most) = range.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
        match &operator.kind {
            OperatorKind::Min(bound) => range = number(bound).map(|bound| (least.max(bound), most)).or(range),
            OperatorKind::Max(bound) => range = number(bound).map(|bound| (least, most.min(bound))).or(range),
            _ => {}
        }
    }
    range
}

/// How many elements or characters there are.
fn lengths(read: Read<'_>) -> Option<(usize, usize)> {
    match &read.pattern.kind {
        PatternKind::List(items) => Some((items.len(), items.len())),
        PatternKind::Literal(Value::String(text)) => Some((text.chars().count(), text.chars().count())),
        _ => read.operators().iter().find_map(|operator| match &operator.kind {
            OperatorKind::Length(low, high) => Some((*low, high.unwrap_or(*low))),
            OperatorKind::Unordered(patterns) => Some((patterns.len(), patterns.len())),
            OperatorKind::Contains(patterns) => Some((patterns.len(), usize::MAX)),
            _ => None,
        }),
    }
}

/// Elements that are sure to be there.
fn elements(read: Read<'_>) -> Vec<&Pattern> {
    match &read.pattern.kind {
        PatternKind::List(items) => items.iter().collect(),
        _ => read
            .operators()
            .iter()
            .flat_map(|operator| match &operator.kind {
                OperatorKind::Each(inner) => vec![inner],
                OperatorKind::Contains(patterns) | OperatorKind::Unordered(patterns) => patterns.iter().collect(),
                _ => Vec::new(),
            })
            .collect(),
    }
}

/// Patterns one of which every element fits; empty if there is no telling.
fn all_elements(read: Read<'_>) -> Vec<&Pattern> {
    match &read.pattern.kind {
        PatternKind::List(items) => items.iter().collect(),
        _ => read
            .operators()
            .iter()
            .flat_map(|operator| match &operator.kind {
                OperatorKind::Each(inner) => vec![inner],
                OperatorKind::Unordered(patterns) => patterns.iter().collect(),
                _ => Vec::new(),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use protocol::{Role, Version};
    use serde_json::json;
    use verdict::Span;

    use super::*;
    use crate::Library;
    use crate::ast::{Background, Begin, Case, Requires, Spanned};

    fn spanned<T>(value: T) -> Spanned<T> {
        Spanned { value, span: Span::default() }
    }

    /// A pattern as JSON: `$name` in a string is a name, keys with `$` are operators.
    fn pattern(value: &Value) -> Pattern {
        let kind = match value {
            Value::String(text) if text.starts_with('$') => {
                PatternKind::Name(NameRef { root: text[1..].to_owned(), parts: Vec::new(), plus: None })
            }
            Value::Array(items) => PatternKind::List(items.iter().map(pattern).collect()),
            Value::Object(fields) if fields.keys().any(|key| key.starts_with('$')) => {
                let operators =
                    fields.iter().map(|(key, value)| Operator { span: Span::default(), kind: operator(key, value) });
                PatternKind::Operators(operators.collect())
            }
            Value::Object(fields) => {
                PatternKind::Object(fields.iter().map(|(key, value)| (spanned(key.clone()), pattern(value))).collect())
            }
            other => PatternKind::Literal(other.clone()),
        };
        Pattern { span: Span::default(), kind }
    }

    fn operator(key: &str, value: &Value) -> OperatorKind {
        let patterns = || value.as_array().unwrap().iter().map(pattern).collect::<Vec<_>>();
        match key {
            "$bind" => OperatorKind::Bind(spanned(value.as_str().unwrap().to_owned())),
            "$present" => OperatorKind::Present,
            "$absent" => OperatorKind::Absent,
            "$maybe" => OperatorKind::Maybe(pattern(value)),
            "$oneOf" => OperatorKind::OneOf(patterns()),
            "$not" => OperatorKind::Not(pattern(value)),
            "$min" => OperatorKind::Min(pattern(value)),
            "$max" => OperatorKind::Max(pattern(value)),
            "$each" => OperatorKind::Each(pattern(value)),
            "$contains" => OperatorKind::Contains(patterns()),
            "$unordered" => OperatorKind::Unordered(patterns()),
            "$number" => OperatorKind::Number(pattern(value)),
            "$length" => OperatorKind::Length(usize::try_from(value.as_u64().unwrap()).unwrap(), None),
            other => panic!("{other}"),
        }
    }

    fn empty_case() -> Case {
        Case {
            source: std::sync::Arc::new(verdict::Source { path: String::new(), text: String::new() }),
            id: spanned(String::new()),
            title: spanned(String::new()),
            versions: Vec::new(),
            device: None,
            certifies: Vec::new(),
            traces: Vec::new(),
            requires: Requires::default(),
            begin: Begin::Nothing,
            configure: Vec::new(),
            remember: Vec::new(),
            given: Vec::new(),
            background: Background::None,
            procedure: None,
            steps: Vec::new(),
        }
    }

    fn apart(a: &Value, b: &Value) -> bool {
        let (library, case) = (Library::default(), empty_case());
        let projection = Projection::of_case(&library, &case, Version::V16, Role::Station);
        let (p, q) = (pattern(a), pattern(b));
        let one = are_apart(&projection, Read { pattern: &p, scope: 0 }, Read { pattern: &q, scope: 0 });
        let other = are_apart(&projection, Read { pattern: &q, scope: 0 }, Read { pattern: &p, scope: 0 });
        assert_eq!(one, other, "{a} and {b} differ by their order");
        one
    }

    #[test]
    fn patterns_that_no_value_fits_both_of_are_apart() {
        for (a, b) in [
            (json!({ "status": "Charging" }), json!({ "status": "Available" })),
            (json!({ "status": "Charging", "x": 1 }), json!({ "status": { "$not": "Charging" } })),
            (json!({ "status": { "$oneOf": ["A", "B"] } }), json!({ "status": { "$oneOf": ["C", "D"] } })),
            (
                json!({ "status": { "$oneOf": ["A", "B"] } }),
                json!({ "status": { "$not": { "$oneOf": ["B", "A", "C"] } } }),
            ),
            (json!({ "tbc": true }), json!({ "tbc": { "$maybe": false } })),
            (json!({ "id": "$tx" }), json!({ "id": "$other" })),
            (json!({ "id": "$c" }), json!({ "id": 0 })),
            (json!({ "idTag": { "$absent": true } }), json!({ "idTag": { "$present": true } })),
            (json!({ "n": { "$min": 5 } }), json!({ "n": { "$max": 4 } })),
            (json!({ "n": { "$bind": "n", "$min": 5 } }), json!({ "n": 4 })),
            (json!({ "list": ["a"] }), json!({ "list": ["a", "b"] })),
            (json!({ "list": ["a", "b"] }), json!({ "list": { "$each": "a" } })),
            (json!({ "list": { "$contains": ["c"] } }), json!({ "list": ["a", "b"] })),
            (json!({ "list": { "$length": 2 } }), json!({ "list": [1] })),
            (json!({ "value": { "$number": 1 } }), json!({ "value": { "$number": 2 } })),
        ] {
            assert!(apart(&a, &b), "{a} and {b}");
        }
    }

    #[test]
    fn patterns_that_one_value_may_fit_are_not() {
        for (a, b) in [
            (json!({ "status": "Charging" }), json!({ "errorCode": "NoError" })),
            (json!({ "status": "charging" }), json!({ "status": "Charging" })),
            (json!({ "status": { "$oneOf": ["A", "B"] } }), json!({ "status": { "$not": "A" } })),
            (json!({ "idTag": { "$maybe": "$tag" } }), json!({ "idTag": { "$maybe": "$other" } })),
            (json!({ "id": { "$bind": "x" } }), json!({ "id": 1 })),
            (json!({ "id": "$tx" }), json!({ "id": "$tx" })),
            (json!({ "n": { "$min": 5 } }), json!({ "n": { "$max": 5 } })),
            (json!({ "n": 1 }), json!({ "n": 1.0 })),
            (json!({ "list": { "$contains": ["a"] } }), json!({ "list": { "$contains": ["b"] } })),
            (json!({ "list": { "$contains": ["a"] } }), json!({ "list": ["b", "a"] })),
            (json!({ "record": "$tag" }), json!({ "record": { "id": 1 } })),
        ] {
            assert!(!apart(&a, &b), "{a} and {b}");
        }
    }
}
