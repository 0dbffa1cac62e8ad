//! What a rig says about its drivers, as data.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::{BodyTemplate, TextTemplate};

/// All bindings of a rig: one for everything, with overrides.
#[derive(Clone, Debug, Default)]
pub struct Bindings {
    /// For every stimulus and observation that has no binding of its own.
    pub default: Option<Bound>,
    /// By verb (`plug in`), or by one call of `send` (`send Reset`).
    pub by_verb: BTreeMap<String, Bound>,
}

/// A binding with what holds for every kind.
#[derive(Clone, Debug)]
pub struct Bound {
    /// What carries the stimulus out.
    pub binding: Binding,
    /// Fields that do not survive the way: they are left out, and judged by the schema alone.
    pub cannot_carry: Vec<Field>,
    /// How long it may take, if not as the rig's time-outs say.
    pub timeout: Option<Duration>,
}

/// The kinds of binding.
#[derive(Clone, Debug)]
pub enum Binding {
    /// The control endpoint of `plugfest serve`.
    Plugfest(Endpoint),
    /// The SUT API of the official tool, as stations implement it.
    OcttSut(Endpoint),
    /// The trigger API of tzi-OCTT, as CSMSs implement it.
    TziTrigger(Endpoint),
    /// A request written in the rig.
    Http(Box<Http>),
    /// A command.
    Exec(Exec),
    /// A person; with words of the rig's own, if it has any.
    Prompt(Option<TextTemplate>),
    /// Declared undrivable.
    None,
}

/// A ready-made binding: where it is, and paths that differ from its own.
#[derive(Clone)]
pub struct Endpoint {
    /// The base URL, without a slash at the end.
    pub url: String,
    /// Paths by verb that replace or add to the ready-made ones; a path goes behind the base URL.
    pub paths: BTreeMap<String, TextTemplate>,
    /// Headers sent with every request.
    pub headers: Vec<(String, TextTemplate)>,
}

/// A request written in the rig.
#[derive(Clone)]
pub struct Http {
    /// The method, `POST` if nothing is said.
    pub method: String,
    /// The URL; values put into it are percent-encoded.
    pub url: TextTemplate,
    /// Headers.
    pub headers: Vec<(String, TextTemplate)>,
    /// The body, sent as JSON.
    pub body: Option<BodyTemplate>,
    /// The status codes that mean done; every 2xx if empty.
    pub expect: Vec<u16>,
}

/// A command with its arguments.
#[derive(Clone, Debug)]
pub struct Exec {
    /// Program and arguments; no shell in between.
    pub command: Vec<TextTemplate>,
}

/// A field that a driver cannot carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The action it belongs to; every action if `None`.
    pub action: Option<String>,
    /// The names that lead to it from the payload, or an argument of another stimulus.
    pub path: Vec<String>,
}

impl Bound {
    /// This binding, without reservations.
    pub fn plain(binding: Binding) -> Bound {
        Bound { binding, cannot_carry: Vec::new(), timeout: None }
    }
}

impl Endpoint {
    /// An endpoint at this base URL.
    pub fn at(url: &str) -> Endpoint {
        Endpoint { url: url.trim_end_matches('/').to_owned(), paths: BTreeMap::new(), headers: Vec::new() }
    }
}

impl Bindings {
    /// One binding for everything.
    pub fn all(binding: Binding) -> Bindings {
        Bindings { default: Some(Bound::plain(binding)), by_verb: BTreeMap::new() }
    }

    /// Whether nothing is bound.
    pub fn is_empty(&self) -> bool {
        self.default.is_none() && self.by_verb.is_empty()
    }
}

impl Field {
    /// Reads `Reset.type` (an action begins with a capital letter) or `group`.
    pub fn parse(text: &str) -> Option<Field> {
        let mut parts: Vec<String> = text.split('.').map(str::to_owned).collect();
        if parts.iter().any(String::is_empty) {
            return None;
        }
        let is_action = parts.first().is_some_and(|first| first.starts_with(char::is_uppercase));
        let action = is_action.then(|| parts.remove(0));
        (!parts.is_empty()).then_some(Field { action, path: parts })
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(action) = &self.action {
            write!(f, "{action}.")?;
        }
        f.write_str(&self.path.join("."))
    }
}

// A URL and the values of headers may carry credentials.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("paths", &self.paths).finish_non_exhaustive()
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("expect", &self.expect)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_may_name_its_action() {
        let field = Field::parse("Reset.type").unwrap();
        assert_eq!(field.action.as_deref(), Some("Reset"));
        assert_eq!(field.path, ["type"]);
        assert_eq!(field.to_string(), "Reset.type");
        assert_eq!(Field::parse("idTagInfo.status").unwrap().action, None);
        for wrong in ["", "Reset", "Reset.", ".a", "a..b"] {
            assert_eq!(Field::parse(wrong), None, "{wrong}");
        }
    }
}
