//! Payloads on their way to becoming text: values with holes and raw pieces in them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::act::{Hole, Part, Text};

/// A payload in which some values are holes, or are written as no value could be.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Payload {
    /// What it says; where a hole is, something that could stand there.
    pub(super) value: Value,
    fills: BTreeMap<String, Filling>,
    /// A key that stands in the outermost object a second time, and the text of its value.
    pub(super) doubled: Option<(String, String)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Filling {
    Hole { hole: Hole, stand_in: Value },
    Raw(String),
}

/// A value, or what no value can say: `1e400`, half a surrogate pair.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Odd {
    Value(Value),
    Raw(String),
}

impl Payload {
    pub(super) fn new(value: Value) -> Payload {
        Payload { value, fills: BTreeMap::new(), doubled: None }
    }

    /// Makes a hole of the value at this path. It is one only as long as that value stays.
    pub(super) fn hole(&mut self, path: String, hole: Hole) {
        if let Some(stand_in) = self.value.pointer(&path) {
            let stand_in = stand_in.clone();
            self.fills.insert(path, Filling::Hole { hole, stand_in });
        }
    }

    /// Puts something else at this path, if there is something.
    pub(super) fn put(&mut self, path: &str, odd: Odd) {
        match odd {
            Odd::Raw(text) => {
                if self.value.pointer(path).is_some() {
                    self.fills.insert(path.to_owned(), Filling::Raw(text));
                }
            }
            Odd::Value(new) => {
                if let Some(value) = self.value.pointer_mut(path) {
                    *value = new;
                    self.fills.remove(path);
                }
            }
        }
    }

    /// The same holes, another value.
    pub(super) fn with_value(&self, value: Value) -> Payload {
        Payload { value, ..self.clone() }
    }

    /// Whether it says nothing but its value.
    pub(super) fn is_raw(&self) -> bool {
        self.doubled.is_some() || self.fills.values().any(|filling| matches!(filling, Filling::Raw(_)))
    }
}

/// How JSON is dressed without a change of its meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    /// What stands between tokens.
    pub(super) space: &'static str,
    /// Characters are written as escapes.
    pub(super) escaped: bool,
    /// Keys come in the other order.
    pub(super) reversed: bool,
    /// Whole numbers are written with a point.
    pub(super) pointed: bool,
}

/// A piece of a frame.
#[derive(Clone, Debug)]
pub(super) enum Piece<'a> {
    Hole(Hole),
    Raw(&'a str),
    Word(&'a str),
    Payload(&'a Payload),
}

/// An array of these pieces.
pub(super) fn array(pieces: &[Piece<'_>], style: Style) -> Text {
    let mut writer = Writer::new(style);
    writer.bytes.push(b'[');
    for (at, piece) in pieces.iter().enumerate() {
        if at > 0 {
            writer.separator(b',');
        }
        match piece {
            Piece::Hole(hole) => writer.hole(hole.clone()),
            Piece::Raw(text) => writer.bytes.extend_from_slice(text.as_bytes()),
            Piece::Word(word) => writer.string(word),
            Piece::Payload(payload) => writer.payload(payload),
        }
    }
    writer.bytes.push(b']');
    writer.finish()
}

struct Writer<'a> {
    style: Style,
    fills: Option<&'a BTreeMap<String, Filling>>,
    path: String,
    bytes: Vec<u8>,
    parts: Vec<Part>,
}

impl<'a> Writer<'a> {
    fn new(style: Style) -> Writer<'a> {
        Writer { style, fills: None, path: String::new(), bytes: Vec::new(), parts: Vec::new() }
    }

    fn finish(mut self) -> Text {
        self.flush();
        Text(self.parts)
    }

    fn flush(&mut self) {
        if !self.bytes.is_empty() {
            self.parts.push(Part::Bytes(std::mem::take(&mut self.bytes)));
        }
    }

    fn hole(&mut self, hole: Hole) {
        self.flush();
        self.parts.push(Part::Hole(hole));
    }

    fn separator(&mut self, byte: u8) {
        self.bytes.extend_from_slice(self.style.space.as_bytes());
        self.bytes.push(byte);
        self.bytes.extend_from_slice(self.style.space.as_bytes());
    }

    fn payload(&mut self, payload: &'a Payload) {
        self.path.clear();
        self.fills = (!payload.fills.is_empty()).then_some(&payload.fills);
        match (&payload.doubled, &payload.value) {
            (Some((key, text)), Value::Object(_)) => {
                self.bytes.push(b'{');
                self.string(key);
                self.bytes.push(b':');
                self.bytes.extend_from_slice(text.as_bytes());
                self.bytes.push(b',');
                let begun = (self.bytes.len(), self.parts.len());
                self.value(&payload.value);
                // The brace that the value opened.
                if self.parts.len() == begun.1 {
                    self.bytes.remove(begun.0);
                } else if let Some(Part::Bytes(bytes)) = self.parts.get_mut(begun.1)
                    && begun.0 < bytes.len()
                {
                    bytes.remove(begun.0);
                }
            }
            _ => self.value(&payload.value),
        }
        self.fills = None;
    }

    fn value(&mut self, value: &Value) {
        match self.fills.and_then(|fills| fills.get(&self.path)) {
            Some(Filling::Hole { hole, stand_in }) if stand_in == value => return self.hole(hole.clone()),
            Some(Filling::Raw(text)) => {
                let text = text.clone();
                return self.bytes.extend_from_slice(text.as_bytes());
            }
            _ => {}
        }
        match value {
            Value::Object(map) => {
                self.bytes.push(b'{');
                let mut fields: Vec<(&String, &Value)> = map.iter().collect();
                if self.style.reversed {
                    fields.reverse();
                }
                for (at, (key, value)) in fields.into_iter().enumerate() {
                    if at > 0 {
                        self.separator(b',');
                    }
                    self.string(key);
                    self.separator(b':');
                    self.below(key, value);
                }
                self.bytes.push(b'}');
            }
            Value::Array(items) => {
                self.bytes.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        self.separator(b',');
                    }
                    self.below(&at.to_string(), item);
                }
                self.bytes.push(b']');
            }
            Value::String(text) => self.string(text),
            Value::Number(number) if self.style.pointed && number.is_i64() => {
                self.bytes.extend_from_slice(format!("{number}.0").as_bytes());
            }
            other => self.bytes.extend_from_slice(other.to_string().as_bytes()),
        }
    }

    fn below(&mut self, name: &str, value: &Value) {
        if self.fills.is_none() {
            return self.value(value);
        }
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(name);
        self.value(value);
        self.path.truncate(length);
    }

    fn string(&mut self, text: &str) {
        if !self.style.escaped {
            return self.bytes.extend_from_slice(Value::from(text).to_string().as_bytes());
        }
        self.bytes.push(b'"');
        let mut units = [0; 2];
        for character in text.chars() {
            for unit in character.encode_utf16(&mut units) {
                self.bytes.extend_from_slice(format!("\\u{unit:04X}").as_bytes());
            }
        }
        self.bytes.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::generate::StandIn;

    fn written(payload: &Payload, style: Style) -> String {
        let text = array(&[Piece::Raw("2"), Piece::Hole(Hole::Id(1)), Piece::Payload(payload)], style);
        String::from_utf8(text.render(&StandIn)).unwrap()
    }

    #[test]
    fn holes_and_raw_pieces_stand_where_they_were_put() {
        let mut payload = Payload::new(json!({ "a": 1, "b": [{ "c": "x" }], "d": 2 }));
        payload.hole("/b/0/c".to_owned(), Hole::Now(0));
        payload.put("/a", Odd::Raw("1e400".to_owned()));
        payload.put("/d", Odd::Value(json!("é")));
        payload.put("/nowhere", Odd::Raw("?".to_owned()));
        let expected = r#"[2,"id-1",{"a":1e400,"b":[{"c":"2026-01-01T12:00:00Z"}],"d":"é"}]"#;
        assert_eq!(written(&payload, Style::default()), expected);
        assert!(payload.is_raw());
    }

    #[test]
    fn a_hole_ends_with_the_value_it_stood_for() {
        let mut payload = Payload::new(json!({ "t": "now" }));
        payload.hole("/t".to_owned(), Hole::Now(0));
        let broken = payload.with_value(json!({ "t": "never" }));
        assert_eq!(written(&broken, Style::default()), r#"[2,"id-1",{"t":"never"}]"#);
    }

    #[test]
    fn dress_changes_no_meaning() {
        let payload = Payload::new(json!({ "a": "é🔌", "b": 1 }));
        let style = Style { space: "\n", escaped: true, reversed: true, pointed: true };
        let text = written(&payload, style);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value, json!([2, "id-1", { "a": "é🔌", "b": 1.0 }]));
        assert!(text.contains("\\u00E9\\uD83D\\uDD0C") && text.contains("1.0"), "{text}");
    }

    #[test]
    fn a_key_stands_twice() {
        let mut payload = Payload::new(json!({ "a": 1, "t": "x" }));
        payload.hole("/t".to_owned(), Hole::Now(0));
        payload.doubled = Some(("a".to_owned(), "2".to_owned()));
        let expected = r#"[2,"id-1",{"a":2,"a":1,"t":"2026-01-01T12:00:00Z"}]"#;
        assert_eq!(written(&payload, Style::default()), expected);
        payload.hole("/a".to_owned(), Hole::Id(7));
        let expected = r#"[2,"id-1",{"a":2,"a":"id-7","t":"2026-01-01T12:00:00Z"}]"#;
        assert_eq!(written(&payload, Style::default()), expected);
    }
}
