//! The choices of ours in a case, and how plans cover each option once.

use script::ast::{OperatorKind, Pattern, PatternKind};
use serde_json::Value;

/// At most this many plans a case when each option is taken once.
const MOST_EACH: usize = 8;
/// At most this many when every combination is taken.
const MOST_ALL: usize = 64;

/// How the choices of a case are combined into plans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cover {
    /// Variant n takes the option n of every choice that has one, and the first of the others.
    #[default]
    Each,
    /// Every combination.
    Product,
}

/// Answers every choice of ours; variant 0 takes every first option.
#[derive(Clone, Debug)]
pub struct Choices {
    variant: usize,
    cover: Cover,
    /// The most options of any one choice.
    most: usize,
    /// The combinations of the choices met so far.
    stride: usize,
    /// The most options of a choice that is made when a message is generated.
    generated: usize,
}

impl Choices {
    /// The answers of a variant.
    pub fn new(variant: usize, cover: Cover) -> Choices {
        Choices { variant, cover, most: 1, stride: 1, generated: 1 }
    }

    /// One choice with this many options.
    pub fn pick(&mut self, options: usize) -> usize {
        self.most = self.most.max(options);
        match self.cover {
            Cover::Each => {
                if self.variant < options {
                    self.variant
                } else {
                    0
                }
            }
            Cover::Product => {
                let digit = self.variant / self.stride % options.max(1);
                self.stride = self.stride.saturating_mul(options.max(1));
                digit
            }
        }
    }

    /// Counts a choice that is made later, when a message is generated.
    pub fn note(&mut self, options: usize) {
        self.generated = self.generated.max(options);
    }

    /// How many variants there are.
    pub fn variants(&self) -> usize {
        match self.cover {
            Cover::Each => self.most.max(self.generated).min(MOST_EACH),
            Cover::Product => self.stride.saturating_mul(self.generated).min(MOST_ALL),
        }
    }

    /// The option that generated messages take where they have a choice.
    pub fn of_messages(&self) -> usize {
        match self.cover {
            Cover::Each => self.variant,
            Cover::Product => self.variant / self.stride,
        }
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
