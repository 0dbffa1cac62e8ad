//! The names and operators in patterns.

use crate::ast::{ConstantType, GivenSource, NameRef, Operator, OperatorKind, Pattern, PatternKind, TextPart};
use crate::check::tree::{Argument, Projection, ScopeId};

/// Whether a pattern takes a name that is bound to nothing.
pub(super) fn allows_absence(pattern: &Pattern) -> bool {
    match &pattern.kind {
        PatternKind::Operators(operators) => operators.iter().all(|operator| match &operator.kind {
            OperatorKind::Absent | OperatorKind::Maybe(_) | OperatorKind::Not(_) => true,
            OperatorKind::OneOf(patterns) => patterns.iter().any(allows_absence),
            _ => false,
        }),
        _ => false,
    }
}

/// Every operator of a pattern that may make or take a value, with whether it always does.
pub(in crate::check) fn each_operator<'p>(
    pattern: &'p Pattern,
    always: bool,
    visit: &mut dyn FnMut(&'p Operator, bool),
) {
    match &pattern.kind {
        PatternKind::Object(fields) => fields.iter().for_each(|(_, field)| each_operator(field, always, visit)),
        PatternKind::List(items) => items.iter().for_each(|item| each_operator(item, always, visit)),
        PatternKind::Operators(operators) => {
            for operator in operators {
                visit(operator, always);
                match &operator.kind {
                    OperatorKind::Maybe(inner) => each_operator(inner, false, visit),
                    OperatorKind::OneOf(patterns) => {
                        patterns.iter().for_each(|pattern| each_operator(pattern, false, visit));
                    }
                    OperatorKind::Each(inner)
                    | OperatorKind::Number(inner)
                    | OperatorKind::Csv(inner)
                    | OperatorKind::Json(inner) => each_operator(inner, always, visit),
                    OperatorKind::Contains(patterns) | OperatorKind::Unordered(patterns) => {
                        patterns.iter().for_each(|pattern| each_operator(pattern, always, visit));
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// The roots of all names in a pattern that can be said.
pub(super) fn each_name(pattern: &Pattern, visit: &mut dyn FnMut(&str)) {
    match &pattern.kind {
        PatternKind::Name(name) => visit(&name.root),
        PatternKind::Text(parts) => {
            for part in parts {
                if let TextPart::Name(name) = part {
                    visit(&name.root);
                }
            }
        }
        PatternKind::Object(fields) => fields.iter().for_each(|(_, field)| each_name(field, visit)),
        PatternKind::List(items) => items.iter().for_each(|item| each_name(item, visit)),
        PatternKind::Operators(operators) => {
            for operator in operators {
                match &operator.kind {
                    OperatorKind::Bind(name) => visit(&name.value),
                    OperatorKind::Maybe(inner)
                    | OperatorKind::Each(inner)
                    | OperatorKind::Min(inner)
                    | OperatorKind::Max(inner)
                    | OperatorKind::Near(inner)
                    | OperatorKind::Number(inner)
                    | OperatorKind::Csv(inner)
                    | OperatorKind::Json(inner) => each_name(inner, visit),
                    OperatorKind::OneOf(patterns)
                    | OperatorKind::Contains(patterns)
                    | OperatorKind::Unordered(patterns) => {
                        patterns.iter().for_each(|pattern| each_name(pattern, visit));
                    }
                    OperatorKind::Is(_, with) => with.iter().for_each(|(_, pattern)| each_name(pattern, visit)),
                    _ => {}
                }
            }
        }
        PatternKind::Literal(_) => {}
    }
}

/// The constant a name stands for, following what callers wrote.
pub(in crate::check) fn constant<'a>(
    projection: &Projection<'a>,
    scope: ScopeId,
    name: &NameRef,
) -> Option<(ConstantType, &'a serde_json::Value)> {
    if !name.parts.is_empty() || name.plus.is_some() {
        return None;
    }
    let (mut scope, mut root) = (scope, name.root.clone());
    for _ in 0..32 {
        let key = projection.home(scope, &root);
        match projection.argument(&key)? {
            Argument::Given(GivenSource::Constant(kind, value)) => return Some((*kind, &value.value)),
            Argument::Written(Pattern { kind: PatternKind::Name(next), .. }, caller)
                if next.parts.is_empty() && next.plus.is_none() =>
            {
                (scope, root) = (caller, next.root.clone());
            }
            _ => return None,
        }
    }
    None
}
