//! JSON as it is written: an editable tree whose keys and scalars keep their bytes, so that what no JSON value can hold
//! (equal keys, half surrogates, endless numbers) can be read, kept and made.

/// How deep the reader follows; what is deeper is edited as bytes.
const DEPTH: usize = 100;

/// A piece of JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// A string with its quotes, a number, a word, or any bytes that stand in for one.
    Scalar(Vec<u8>),
    /// `[…]`.
    List(Vec<Node>),
    /// `{…}`: keys as written, with their quotes.
    Object(Vec<(Vec<u8>, Node)>),
}

impl Node {
    /// Reads a text; `None` if it is not built like JSON or is too deep.
    pub(super) fn read(text: &[u8]) -> Option<Node> {
        let mut reader = Reader { text, at: 0 };
        let node = reader.value(0)?;
        reader.space();
        (reader.at == text.len()).then_some(node)
    }

    /// A scalar of these bytes.
    pub(super) fn raw(text: impl Into<Vec<u8>>) -> Node {
        Node::Scalar(text.into())
    }

    /// A string; the text must not need escapes.
    pub(super) fn string(text: &str) -> Node {
        Node::Scalar(format!("\"{text}\"").into_bytes())
    }

    /// The text.
    pub(super) fn to_text(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Node::Scalar(text) => out.extend_from_slice(text),
            Node::List(items) => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Node::Object(members) => {
                out.push(b'{');
                for (at, (key, value)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    out.extend_from_slice(key);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }

    /// How many nodes there are, this one included.
    pub(super) fn count(&self) -> usize {
        match self {
            Node::Scalar(_) => 1,
            Node::List(items) => 1 + items.iter().map(Node::count).sum::<usize>(),
            Node::Object(members) => 1 + members.iter().map(|(_, value)| value.count()).sum::<usize>(),
        }
    }

    /// The node with this number, counted from this one (0) in the order of the text.
    pub(super) fn nth(&mut self, number: usize) -> Option<&mut Node> {
        let mut left = number;
        self.seek(&mut left)
    }

    fn seek(&mut self, left: &mut usize) -> Option<&mut Node> {
        if *left == 0 {
            return Some(self);
        }
        *left -= 1;
        match self {
            Node::Scalar(_) => None,
            Node::List(items) => items.iter_mut().find_map(|item| item.seek(left)),
            Node::Object(members) => members.iter_mut().find_map(|(_, value)| value.seek(left)),
        }
    }

    /// The text between the quotes, if it is a string.
    pub(super) fn inner(&self) -> Option<&[u8]> {
        match self {
            Node::Scalar(text) => text.strip_prefix(b"\"")?.strip_suffix(b"\""),
            Node::List(_) | Node::Object(_) => None,
        }
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        self.space();
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn value(&mut self, depth: usize) -> Option<Node> {
        if depth >= DEPTH {
            return None;
        }
        self.space();
        match self.peek()? {
            b'[' => {
                self.at += 1;
                let mut items = Vec::new();
                if self.take(b']') {
                    return Some(Node::List(items));
                }
                loop {
                    items.push(self.value(depth + 1)?);
                    if self.take(b']') {
                        return Some(Node::List(items));
                    }
                    self.take(b',').then_some(())?;
                }
            }
            b'{' => {
                self.at += 1;
                let mut members = Vec::new();
                if self.take(b'}') {
                    return Some(Node::Object(members));
                }
                loop {
                    self.space();
                    let key = self.scalar()?;
                    self.take(b':').then_some(())?;
                    members.push((key, self.value(depth + 1)?));
                    if self.take(b'}') {
                        return Some(Node::Object(members));
                    }
                    self.take(b',').then_some(())?;
                }
            }
            _ => self.scalar().map(Node::Scalar),
        }
    }

    fn scalar(&mut self) -> Option<Vec<u8>> {
        let from = self.at;
        if self.peek()? == b'"' {
            self.at += 1;
            loop {
                match self.peek()? {
                    b'"' => break,
                    b'\\' => self.at += 2,
                    _ => self.at += 1,
                }
            }
            self.at += 1;
        } else {
            while self.peek().is_some_and(|byte| !b",:[]{}\"".contains(&byte) && !byte.is_ascii_whitespace()) {
                self.at += 1;
            }
        }
        let text = self.text.get(from..self.at)?;
        (!text.is_empty()).then(|| text.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_what_values_would_lose() {
        for text in [
            r#"[2,"1","A",{"a":1,"a":2,"b":"\ud800","c":123456789012345678901234567890.0e5}]"#,
            r#"{"":[],"x":[{}]}"#,
            "[NaN,01,-]",
            "\"\\u0000\"",
        ] {
            assert_eq!(Node::read(text.as_bytes()).unwrap().to_text(), text.as_bytes(), "{text}");
        }
        assert_eq!(Node::read(b" [ 1 , { \"a\" : 2 } ] ").unwrap().to_text(), b"[1,{\"a\":2}]");
    }

    #[test]
    fn what_is_not_built_like_json_is_not_read() {
        for text in ["", "[", "[1 2]", "[1,]", "{\"a\"}", "\"a", "\"\\", "[]]", "{[]:1}", "]"] {
            assert_eq!(Node::read(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Node::read("[".repeat(1_000_000).as_bytes()), None);
    }

    #[test]
    fn every_node_can_be_reached_by_its_number() {
        let mut node = Node::read(br#"[2,{"a":[3,4]},5]"#).unwrap();
        assert_eq!(node.count(), 7);
        assert_eq!(node.nth(5), Some(&mut Node::raw("4")));
        assert_eq!(node.nth(6), Some(&mut Node::raw("5")));
        assert_eq!(node.nth(7), None);
    }
}
