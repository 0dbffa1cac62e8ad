//! The parser: one pass over the bytes with its own stack, so that depth costs memory of ours and never the
//! stack of the thread.

use serde_json::{Map, Number, Value};

use super::{JsonFinding, JsonFindingKind as Kind, Limits, Parsed};
use crate::decimal::Decimal;

/// Reads a JSON text and says everything that is odd about it.
///
/// Never panics, and never uses more memory than the limits allow for, whatever the bytes.
pub fn parse(bytes: &[u8], limits: Limits) -> Parsed {
    let mut parser = Parser {
        bytes,
        at: 0,
        stack: Vec::new(),
        findings: Vec::new(),
        values: 0,
        limits: Limits { depth: limits.depth.min(512), ..limits },
    };
    if bytes.len() > limits.bytes {
        let kind = Kind::TooLarge { limit: limits.bytes };
        parser.report(limits.bytes, kind);
        return Parsed { value: None, findings: parser.findings };
    }
    let value = parser.document();
    Parsed { value, findings: parser.findings }
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Container>,
    findings: Vec<JsonFinding>,
    values: usize,
    limits: Limits,
}

enum Container {
    Object { map: Map<String, Value>, key: String },
    List(Vec<Value>),
}

/// What comes next after a piece has been read.
enum Next {
    Value(Value),
    Opened,
}

/// Reading cannot go on; the reason is among the findings.
struct Stop;

impl Parser<'_> {
    fn document(&mut self) -> Option<Value> {
        if self.bytes.starts_with(b"\xEF\xBB\xBF") {
            self.report(0, Kind::ByteOrderMark);
            self.at = 3;
        }
        let value = self.value_with_children().ok()?;
        self.skip_space();
        if self.at < self.bytes.len() {
            self.report(self.at, Kind::TrailingBytes);
        }
        Some(value)
    }

    fn value_with_children(&mut self) -> Result<Value, Stop> {
        loop {
            let mut value = match self.value()? {
                Next::Value(value) => value,
                Next::Opened => match self.first_in_container()? {
                    Some(closed) => closed,
                    None => continue,
                },
            };
            // A finished value goes into what encloses it; that may finish in turn.
            loop {
                match self.stack.last_mut() {
                    None => return Ok(value),
                    Some(Container::List(items)) => items.push(value),
                    Some(Container::Object { map, key }) => {
                        let key = key.clone();
                        map.insert(key, value);
                    }
                }
                match self.after_item()? {
                    Some(closed) => value = closed,
                    None => break,
                }
            }
        }
    }

    /// After `[` or `{`: the closed empty container, or `None` when a value follows.
    fn first_in_container(&mut self) -> Result<Option<Value>, Stop> {
        self.skip_space();
        let is_object = matches!(self.stack.last(), Some(Container::Object { .. }));
        match (self.peek(), is_object) {
            (Some(b'}'), true) | (Some(b']'), false) => {
                self.at += 1;
                Ok(self.close())
            }
            (_, true) => {
                self.key()?;
                Ok(None)
            }
            (_, false) => Ok(None),
        }
    }

    /// After an item: the closed container, or `None` when another value follows.
    fn after_item(&mut self) -> Result<Option<Value>, Stop> {
        self.skip_space();
        let is_object = matches!(self.stack.last(), Some(Container::Object { .. }));
        match (self.peek(), is_object) {
            (Some(b','), true) => {
                self.at += 1;
                self.skip_space();
                self.key()?;
                Ok(None)
            }
            (Some(b','), false) => {
                self.at += 1;
                Ok(None)
            }
            (Some(b'}'), true) | (Some(b']'), false) => {
                self.at += 1;
                Ok(self.close())
            }
            (_, true) => Err(self.syntax("`,` or `}`")),
            (_, false) => Err(self.syntax("`,` or `]`")),
        }
    }

    fn close(&mut self) -> Option<Value> {
        self.stack.pop().map(|container| match container {
            Container::Object { map, .. } => Value::Object(map),
            Container::List(items) => Value::Array(items),
        })
    }

    fn key(&mut self) -> Result<(), Stop> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.syntax("a key in quotes"));
        }
        let text = self.string()?;
        let mut is_duplicate = false;
        if let Some(Container::Object { map, key }) = self.stack.last_mut() {
            is_duplicate = map.contains_key(&text);
            key.clone_from(&text);
        }
        if is_duplicate {
            let key = shorten(&text);
            self.report(start, Kind::DuplicateKey { key });
        }
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.syntax("`:` after the key"));
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self) -> Result<Next, Stop> {
        self.skip_space();
        self.values += 1;
        if self.values > self.limits.values {
            let limit = self.limits.values;
            self.report(self.at, Kind::TooMany { limit });
            return Err(Stop);
        }
        let value = match self.peek() {
            Some(b'{') => {
                return self.open(Container::Object { map: Map::new(), key: String::new() });
            }
            Some(b'[') => return self.open(Container::List(Vec::new())),
            Some(b'"') => Value::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => Value::Number(self.number()?),
            _ => self.word()?,
        };
        Ok(Next::Value(value))
    }

    fn open(&mut self, container: Container) -> Result<Next, Stop> {
        if self.stack.len() >= self.limits.depth {
            let limit = self.limits.depth;
            self.report(self.at, Kind::TooDeep { limit });
            return Err(Stop);
        }
        self.at += 1;
        self.stack.push(container);
        Ok(Next::Opened)
    }

    fn word(&mut self) -> Result<Value, Stop> {
        let rest = &self.bytes[self.at..];
        for (word, value) in [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)] {
            if rest.starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.syntax("a value"))
    }

    fn number(&mut self) -> Result<Number, Stop> {
        let start = self.at;
        let mut is_whole = true;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(self.syntax("no digit after a leading zero"));
            }
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            is_whole = false;
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            is_whole = false;
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        let lexeme = String::from_utf8_lossy(&self.bytes[start..self.at]).into_owned();
        if is_whole {
            if let Ok(number) = lexeme.parse::<i64>() {
                return Ok(Number::from(number));
            }
            if let Ok(number) = lexeme.parse::<u64>() {
                return Ok(Number::from(number));
            }
        }
        let float: f64 = lexeme.parse().unwrap_or(f64::INFINITY);
        let Some(number) = Number::from_f64(float) else {
            let end = if float < 0.0 { f64::MIN } else { f64::MAX };
            let lexeme = shorten(&lexeme);
            self.report(start, Kind::NumberOutOfRange { lexeme });
            return Ok(Number::from_f64(end).unwrap_or_else(|| Number::from(0)));
        };
        if Decimal::parse(&lexeme) != Some(Decimal::of(&number)) {
            let lexeme = shorten(&lexeme);
            self.report(start, Kind::NumberRounded { lexeme });
        }
        Ok(number)
    }

    fn digits(&mut self) -> Result<(), Stop> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.syntax("a digit"));
        }
        Ok(())
    }

    fn string(&mut self) -> Result<String, Stop> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let start = self.at;
            while matches!(self.peek(), Some(byte) if byte != b'"' && byte != b'\\' && byte >= 0x20) {
                self.at += 1;
            }
            self.append(&mut text, start);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => self.escape(&mut text)?,
                Some(code) => {
                    self.report(self.at, Kind::ControlCharacter { code });
                    if code == 0 {
                        self.report(self.at, Kind::Nul);
                    }
                    text.push(char::from(code));
                    self.at += 1;
                }
                None => return Err(self.syntax("the end of the string")),
            }
        }
    }

    /// Takes over the bytes since `start`, with U+FFFD for what is no UTF-8.
    fn append(&mut self, text: &mut String, start: usize) {
        let bytes = &self.bytes[start..self.at];
        match std::str::from_utf8(bytes) {
            Ok(piece) => text.push_str(piece),
            Err(error) => {
                self.report(start + error.valid_up_to(), Kind::InvalidUtf8);
                text.push_str(&String::from_utf8_lossy(bytes));
            }
        }
    }

    fn escape(&mut self, text: &mut String) -> Result<(), Stop> {
        let start = self.at;
        self.at += 1;
        let plain = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                let unit = self.four_digits()?;
                text.push(self.character(start, unit)?);
                return Ok(());
            }
            _ => return Err(self.syntax("one of \" \\ / b f n r t u after the backslash")),
        };
        self.at += 1;
        text.push(plain);
        Ok(())
    }

    /// The character of a `\u` escape, together with the second half that may follow.
    fn character(&mut self, start: usize, unit: u32) -> Result<char, Stop> {
        if unit == 0 {
            self.report(start, Kind::Nul);
        }
        let is_high = (0xD800..0xDC00).contains(&unit);
        if is_high && self.bytes[self.at..].starts_with(b"\\u") {
            let before = self.at;
            self.at += 2;
            let low = self.four_digits()?;
            if (0xDC00..0xE000).contains(&low) {
                let code = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = before;
        }
        match char::from_u32(unit) {
            Some(character) => Ok(character),
            None => {
                self.report(start, Kind::LoneSurrogate);
                Ok(char::REPLACEMENT_CHARACTER)
            }
        }
    }

    fn four_digits(&mut self) -> Result<u32, Stop> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                return Err(self.syntax("four hexadecimal digits"));
            };
            unit = unit * 16 + digit;
            self.at += 1;
        }
        Ok(unit)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn syntax(&mut self, expected: &'static str) -> Stop {
        let found = match self.peek() {
            None => "the end of the text".to_owned(),
            Some(byte) if byte.is_ascii_graphic() => format!("`{}`", char::from(byte)),
            Some(byte) => format!("the byte 0x{byte:02X}"),
        };
        self.report(self.at, Kind::Syntax { expected, found });
        Stop
    }

    fn report(&mut self, offset: usize, kind: Kind) {
        // The last place is kept for the finding that ends reading.
        let ends_reading =
            matches!(kind, Kind::Syntax { .. } | Kind::TooDeep { .. } | Kind::TooLarge { .. } | Kind::TooMany { .. });
        let room = self.limits.findings.saturating_sub(1);
        if self.findings.len() < room || ends_reading {
            let path = self.path();
            self.findings.push(JsonFinding { kind, offset, path });
        }
    }

    fn path(&self) -> String {
        let mut path = String::new();
        for container in &self.stack {
            path.push('/');
            match container {
                Container::Object { key, .. } => {
                    path.push_str(&shorten(key).replace('~', "~0").replace('/', "~1"));
                }
                Container::List(items) => path.push_str(&items.len().to_string()),
            }
        }
        path
    }
}

fn shorten(text: &str) -> String {
    const LONGEST: usize = 40;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(LONGEST).collect();
    short.push('…');
    short
}
