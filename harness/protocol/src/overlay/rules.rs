//! The rules themselves.

use serde_json::Value;

use super::{Breach, Part, Rule};
use crate::Version;

/// What a rule looks at.
pub(crate) struct Look<'a> {
    pub(super) rule: &'static Rule,
    pub(super) version: Version,
    pub(super) action: &'a str,
    pub(super) part: Part,
    pub(super) payload: &'a Value,
    pub(super) breaches: &'a mut Vec<Breach>,
}

/// Every rule.
pub static RULES: &[Rule] = &[];
