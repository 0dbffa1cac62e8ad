//! A pattern without the demands on a field that cannot be made to come about.

use script::ast::{OperatorKind, Pattern, PatternKind};

/// Demands nothing more of a field, but still captures what comes; `path` leads to it, into every element of lists.
pub fn relax(pattern: &mut Pattern, path: &[&str]) {
    let Some((first, rest)) = path.split_first() else { return };
    match &mut pattern.kind {
        PatternKind::Object(fields) => {
            if !rest.is_empty() {
                fields.iter_mut().filter(|(name, _)| name.value == *first).for_each(|(_, inner)| relax(inner, rest));
                return;
            }
            fields.retain_mut(|(name, inner)| name.value != *first || keep_capture(inner));
        }
        PatternKind::List(items) => items.iter_mut().for_each(|item| relax(item, path)),
        PatternKind::Operators(operators) => {
            for operator in operators {
                match &mut operator.kind {
                    OperatorKind::Each(inner) | OperatorKind::Maybe(inner) => relax(inner, path),
                    OperatorKind::Contains(items) | OperatorKind::Unordered(items) | OperatorKind::OneOf(items) => {
                        items.iter_mut().for_each(|item| relax(item, path));
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// Leaves only the captures of a pattern; `false` if there are none.
fn keep_capture(pattern: &mut Pattern) -> bool {
    let PatternKind::Operators(operators) = &mut pattern.kind else { return false };
    operators.retain(|operator| matches!(operator.kind, OperatorKind::Bind(_)));
    !operators.is_empty()
}
