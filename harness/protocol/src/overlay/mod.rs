//! Rules of the specification's text that its schemas lack: a payload can be valid and still be wrong.
//!
//! Each rule has a name, a severity, the versions and the sender it concerns and the statement it rests on. A rule
//! marked [`Severity::Uncertain`] never fails a device.

mod rules;

use serde_json::Value;

use crate::{Role, Version};

pub use rules::RULES;

/// How much weight a breach has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The text demands it.
    Must,
    /// The text recommends it.
    Should,
    /// The sources conflict or leave room.
    Uncertain,
}

/// Whether a payload is that of a request or of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Of a CALL or a SEND.
    Request,
    /// Of a CALLRESULT.
    Response,
}

/// A rule of the text.
#[derive(Debug)]
pub struct Rule {
    /// A stable name: `connector-above-zero`.
    pub id: &'static str,
    /// The rule in a sentence.
    pub sentence: &'static str,
    /// How much weight a breach has.
    pub severity: Severity,
    /// The versions that have it.
    pub versions: &'static [Version],
    /// The side whose payloads it judges; `None` for both.
    pub sender: Option<Role>,
    /// The statement it rests on.
    pub statement: &'static str,
    pub(crate) check: fn(&mut rules::Look<'_>),
}

/// A place where a payload breaks a rule of the text.
#[derive(Clone, Debug)]
pub struct Breach {
    /// The rule.
    pub rule: &'static Rule,
    /// Where, in the style of a JSON pointer.
    pub path: String,
    /// What should be there.
    pub expected: String,
    /// What is there, shortened.
    pub actual: String,
}

/// The rule of this name.
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

/// Where a payload breaks the rules of the text. The payload need not be valid: what does not have the expected
/// shape is passed over here, because [`crate::validate`] names it.
pub fn breaches(
    version: Version,
    sender: Role,
    action: &str,
    part: Part,
    payload: &Value,
) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for rule in RULES {
        let concerns =
            rule.versions.contains(&version) && rule.sender.is_none_or(|side| side == sender);
        if concerns {
            let mut look = rules::Look {
                rule,
                version,
                action,
                part,
                payload,
                breaches: &mut breaches,
            };
            (rule.check)(&mut look);
        }
    }
    breaches
}
