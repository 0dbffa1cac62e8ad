//! The choices of ours in a case, and how plans cover each option once.

use script::ast::{OperatorKind, Pattern, PatternKind};
use serde_json::Value;

/// At most this many plans a case, unless the product is asked for.
const MOST_PLANS: usize = 8;

/// Answers every choice of ours: variant 0 takes every first option, variant n the option n where there is one.
#[derive(Clone, Debug)]
pub struct Choices {
    variant: usize,
    most: usize,
}

impl Choices {
    /// The answers of a variant.
    pub fn new(variant: usize) -> Choices {
        Choices { variant, most: 1 }
    }

    /// One choice with this many options.
    pub fn pick(&mut self, options: usize) -> usize {
        self.note(options);
        if self.variant < options { self.variant } else { 0 }
    }

    /// Counts a choice that is made later, when a message is generated.
    pub fn note(&mut self, options: usize) {
        self.most = self.most.max(options);
    }

    /// How many variants there are.
    pub fn variants(&self) -> usize {
        self.most.min(MOST_PLANS)
    }
}

/// A configuration value that fits a condition, or one that does not; `None` if there is no telling.
pub(super) fn configuration_value(pattern: &Pattern, fitting: bool) -> Option<String> {
    let text = match &pattern.kind {
        PatternKind::Literal(Value::String(text)) => text.clone(),
        PatternKind::Literal(value) => value.to_string(),
        PatternKind::Operators(operators) => {
            return operators.iter().find_map(|operator| match &operator.kind {
                OperatorKind::Csv(inner) => match &inner.kind {
                    PatternKind::Operators(inner) => inner.iter().find_map(|operator| match &operator.kind {
                        OperatorKind::Contains(items) => {
                            let items: Vec<String> =
                                items.iter().filter_map(|item| configuration_value(item, true)).collect();
                            Some(if fitting { items.join(",") } else { String::new() })
                        }
                        _ => None,
                    }),
                    _ => None,
                },
                OperatorKind::Not(inner) => configuration_value(inner, !fitting),
                OperatorKind::OneOf(patterns) => configuration_value(patterns.first()?, fitting),
                OperatorKind::Number(inner) => configuration_value(inner, fitting),
                OperatorKind::Min(bound) if fitting => configuration_value(bound, true),
                OperatorKind::Min(_) => Some("0".to_owned()),
                _ => None,
            });
        }
        _ => return None,
    };
    if fitting {
        return Some(text);
    }
    match text.as_str() {
        "true" => Some("false".to_owned()),
        "false" => Some("true".to_owned()),
        number if number.parse::<i64>().is_ok() => number.parse::<i64>().ok().map(|n| (n + 1).to_string()),
        _ => None,
    }
}
