//! Texts and bodies of a binding, with places that a stimulus fills: `/plugin?evse_id=${at.evse}`.

use std::fmt;

use serde_json::{Map, Value};

use super::percent_encode;

/// Something that answers for the names in a template.
pub trait Filling {
    /// The value at a path of names; `None` if this stimulus has none there.
    fn lookup(&self, path: &[String]) -> Option<Value>;
}

/// A text with places: `v-${at.evse}`.
///
/// A value of the environment is already in it and is not shown by `Debug`.
#[derive(Clone)]
pub struct TextTemplate {
    written: String,
    parts: Vec<Part>,
}

/// A JSON body with places. A text that is one place and nothing else takes the value with its type.
#[derive(Clone, Debug)]
pub enum BodyTemplate {
    /// A number, a truth value or null.
    Literal(Value),
    /// A text.
    Text(TextTemplate),
    /// A list.
    List(Vec<BodyTemplate>),
    /// An object; a member whose only place has no value is left out.
    Object(Vec<(String, BodyTemplate)>),
}

#[derive(Clone)]
enum Part {
    Text(String),
    Name(Vec<String>),
}

impl TextTemplate {
    /// A text with places for the stimulus and, in capital letters, for the environment; `$${` writes `${`.
    /// `environment` gives the value of a variable, or what is wrong with it.
    ///
    /// # Errors
    ///
    /// What is wrong, and where in the text (bytes).
    pub fn parse(
        text: &str,
        environment: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Result<TextTemplate, (String, std::ops::Range<usize>)> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut at = 0;
        while let Some(found) = text[at..].find('$') {
            let start = at + found;
            plain.push_str(&text[at..start]);
            let rest = &text[start..];
            if rest.starts_with("$${") {
                plain.push_str("${");
                at = start + 3;
                continue;
            }
            if !rest.starts_with("${") {
                plain.push('$');
                at = start + 1;
                continue;
            }
            let Some(close) = rest.find('}') else {
                return Err(("this ${ is never closed; $${ writes it as it stands".to_owned(), start..text.len()));
            };
            let inner = &rest[2..close];
            let place = start..start + close + 1;
            at = place.end;
            if is_variable(inner) {
                plain.push_str(&environment(inner).map_err(|why| (why, place))?);
                continue;
            }
            let path: Vec<String> = inner.split('.').map(str::to_owned).collect();
            if path.iter().any(|name| !is_name(name)) {
                return Err((format!("\"{inner}\" is not a name"), place));
            }
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Name(path));
        }
        plain.push_str(&text[at..]);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(TextTemplate { written: text.to_owned(), parts })
    }

    /// A text of the program's own.
    pub(crate) fn own(text: &str) -> TextTemplate {
        TextTemplate::parse(text, &mut |name| Ok(format!("${{{name}}}")))
            .unwrap_or_else(|_| TextTemplate { written: text.to_owned(), parts: vec![Part::Text(text.to_owned())] })
    }

    /// The paths of names it wants.
    pub fn names(&self) -> impl Iterator<Item = &[String]> {
        self.parts.iter().filter_map(|part| match part {
            Part::Name(path) => Some(path.as_slice()),
            Part::Text(_) => None,
        })
    }

    /// As text; a place without value is empty.
    pub fn fill(&self, filling: &dyn Filling) -> String {
        self.fill_with(filling, |text| text)
    }

    /// As part of a URL: what is filled in is percent-encoded.
    pub fn fill_url(&self, filling: &dyn Filling) -> String {
        self.fill_with(filling, |text| percent_encode(&text))
    }

    fn fill_with(&self, filling: &dyn Filling, encode: impl Fn(String) -> String) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Name(path) => {
                    if let Some(value) = filling.lookup(path) {
                        out.push_str(&encode(as_text(value)));
                    }
                }
            }
        }
        out
    }

    fn fill_json(&self, filling: &dyn Filling) -> Option<Value> {
        match self.parts.as_slice() {
            [Part::Name(path)] => filling.lookup(path),
            _ => Some(self.fill(filling).into()),
        }
    }
}

impl BodyTemplate {
    /// The body for one stimulus; `None` if it is one place that has no value.
    pub fn fill(&self, filling: &dyn Filling) -> Option<Value> {
        match self {
            BodyTemplate::Literal(value) => Some(value.clone()),
            BodyTemplate::Text(text) => text.fill_json(filling),
            BodyTemplate::List(items) => Some(items.iter().filter_map(|item| item.fill(filling)).collect()),
            BodyTemplate::Object(members) => {
                let filled: Map<String, Value> =
                    members.iter().filter_map(|(key, value)| Some((key.clone(), value.fill(filling)?))).collect();
                Some(Value::Object(filled))
            }
        }
    }

    /// The paths of names it wants.
    pub fn names(&self) -> Vec<&[String]> {
        match self {
            BodyTemplate::Literal(_) => Vec::new(),
            BodyTemplate::Text(text) => text.names().collect(),
            BodyTemplate::List(items) => items.iter().flat_map(BodyTemplate::names).collect(),
            BodyTemplate::Object(members) => members.iter().flat_map(|(_, value)| value.names()).collect(),
        }
    }
}

impl fmt::Debug for TextTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.written)
    }
}

/// Names in capital letters are of the environment: `${PORT}`, `${PORT:-9000}`.
fn is_variable(inner: &str) -> bool {
    let name = inner.split(":-").next().unwrap_or(inner);
    name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-' || c == ' ')
}

fn as_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Object(Value);

    impl Filling for Object {
        fn lookup(&self, path: &[String]) -> Option<Value> {
            let value = path.iter().try_fold(&self.0, |value, part| value.get(part))?;
            Some(value.clone())
        }
    }

    fn parse(text: &str) -> Result<TextTemplate, String> {
        let mut environment = |name: &str| match name {
            "HOST" => Ok("127.0.0.1".to_owned()),
            _ => Err(format!("{name} is not set")),
        };
        TextTemplate::parse(text, &mut environment).map_err(|(why, place)| format!("{why} at {place:?}"))
    }

    #[test]
    fn a_url_is_filled_from_the_environment_and_the_stimulus() {
        let template = parse("http://${HOST}/a?evse=${at.evse}&id=${token.idToken}&x=$1").unwrap();
        let filling = Object(json!({ "at": { "evse": 2 }, "token": { "idToken": "A&B c" } }));
        assert_eq!(template.fill_url(&filling), "http://127.0.0.1/a?evse=2&id=A%26B%20c&x=$1");
        assert!(!format!("{template:?}").contains("127"));
    }

    #[test]
    fn a_body_keeps_the_types_of_what_is_filled_in() {
        let body = BodyTemplate::Object(vec![
            ("evse".to_owned(), BodyTemplate::Text(parse("${at.evse}").unwrap())),
            ("text".to_owned(), BodyTemplate::Text(parse("no ${at.evse}").unwrap())),
            ("none".to_owned(), BodyTemplate::Text(parse("${at.colour}").unwrap())),
            ("list".to_owned(), BodyTemplate::List(vec![BodyTemplate::Literal(json!(1))])),
        ]);
        let filled = body.fill(&Object(json!({ "at": { "evse": 2 } }))).unwrap();
        assert_eq!(filled.to_string(), r#"{"evse":2,"text":"no 2","list":[1]}"#);
        assert_eq!(body.names().len(), 3);
    }

    #[test]
    fn an_escaped_place_stays_and_a_broken_one_is_shown() {
        assert_eq!(parse("$${x}").unwrap().fill(&Object(json!({}))), "${x}");
        assert_eq!(parse("ab${x").unwrap_err(), "this ${ is never closed; $${ writes it as it stands at 2..5");
        assert_eq!(parse("${PORT}").unwrap_err(), "PORT is not set at 0..7");
        assert!(parse("${a..b}").is_err());
    }
}
