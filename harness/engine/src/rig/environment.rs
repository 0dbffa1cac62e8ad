//! Values of the environment in a rig: `${NAME}` and `${NAME:-default}`.

use super::secret::Secret;

/// Looks names up and remembers which values must not be shown.
pub(crate) struct Environment<'a> {
    env: &'a dyn Fn(&str) -> Option<String>,
    hidden: Vec<Secret>,
}

/// Parts of a variable's name that say its value is a secret.
const TELLING: [&str; 8] = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "CREDENTIAL", "APIKEY", "API_KEY", "PRIVATE"];

impl<'a> Environment<'a> {
    pub(crate) fn new(env: &'a dyn Fn(&str) -> Option<String>) -> Environment<'a> {
        Environment { env, hidden: Vec::new() }
    }

    /// The value of `NAME` or `NAME:-default`. In a secret place it is hidden whatever its name.
    pub(crate) fn value(&mut self, inner: &str, secret_place: bool) -> Result<String, String> {
        let (name, default) = match inner.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inner, None),
        };
        let set = (self.env)(name).filter(|value| default.is_none() || !value.is_empty());
        let Some(value) = set.or_else(|| default.map(str::to_owned)) else {
            return Err(format!("the environment variable {name} is not set"));
        };
        if secret_place || TELLING.iter().any(|part| name.contains(part)) {
            self.hide(name, &value);
        }
        Ok(value)
    }

    /// Remembers a value that must not be shown.
    pub(crate) fn hide(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.hidden.push(Secret::new(name, value));
        }
    }

    /// What was hidden.
    pub(crate) fn into_hidden(self) -> Vec<Secret> {
        self.hidden
    }

    /// The text with every `${…}` replaced; `$${` writes `${`.
    ///
    /// # Errors
    ///
    /// What is wrong, and where in the text (bytes).
    pub(crate) fn fill(&mut self, text: &str, secret_place: bool) -> Result<String, (String, std::ops::Range<usize>)> {
        let mut out = String::new();
        let mut at = 0;
        while let Some(found) = text[at..].find('$') {
            let start = at + found;
            out.push_str(&text[at..start]);
            let rest = &text[start..];
            if rest.starts_with("$${") {
                out.push_str("${");
                at = start + 3;
                continue;
            }
            if !rest.starts_with("${") {
                out.push('$');
                at = start + 1;
                continue;
            }
            let Some(close) = rest.find('}') else {
                return Err(("this ${ is never closed; $${ writes it as it stands".to_owned(), start..text.len()));
            };
            at = start + close + 1;
            let value = self.value(&rest[2..close], secret_place).map_err(|why| (why, start..at))?;
            out.push_str(&value);
        }
        out.push_str(&text[at..]);
        Ok(out)
    }

    /// The text as a secret, called after the only variable it holds, or else `name`.
    pub(crate) fn secret(&mut self, name: &str, text: &str) -> Result<Secret, (String, std::ops::Range<usize>)> {
        let only_variable = text
            .strip_prefix("${")
            .and_then(|rest| rest.strip_suffix('}'))
            .filter(|inner| !inner.contains(['{', '}']))
            .and_then(|inner| inner.split(":-").next());
        let called = only_variable.unwrap_or(name).to_owned();
        let value = self.fill(text, true)?;
        self.hide(&called, &value);
        Ok(Secret::new(called, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "PORT" => Some("9000".to_owned()),
            "EMPTY" => Some(String::new()),
            "API_TOKEN" => Some("canary".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn a_variable_is_put_in_and_a_default_stands_for_an_absent_one() {
        let mut environment = Environment::new(&env);
        assert_eq!(environment.fill("a:${PORT}/b", false).unwrap(), "a:9000/b");
        assert_eq!(environment.fill("${NONE:-x}${EMPTY:-y}", false).unwrap(), "xy");
        assert_eq!(environment.fill("5$ $${PORT}", false).unwrap(), "5$ ${PORT}");
        let (why, place) = environment.fill("ws://${NONE}", false).unwrap_err();
        assert_eq!(why, "the environment variable NONE is not set");
        assert_eq!(place, 5..12);
        assert!(environment.into_hidden().is_empty());
    }

    #[test]
    fn a_telling_name_or_a_secret_place_hides_the_value() {
        let mut environment = Environment::new(&env);
        environment.fill("${API_TOKEN}", false).unwrap();
        environment.fill("${PORT}", true).unwrap();
        assert_eq!(environment.into_hidden(), [Secret::new("API_TOKEN", "canary"), Secret::new("PORT", "9000"),]);
    }
}
