//! A text as a row of bytes and holes, and where in it JSON values stand.

use std::ops::Range;

use crate::act::{Hole, Part, Text};

/// A byte, or a hole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Atom {
    Byte(u8),
    Hole(Hole),
}

/// More than this is not looked at as JSON.
const MOST_ATOMS: usize = 300_000;

pub(super) fn atoms(text: &Text) -> Vec<Atom> {
    let mut atoms = Vec::with_capacity(text.len());
    for part in &text.0 {
        match part {
            Part::Bytes(bytes) => atoms.extend(bytes.iter().copied().map(Atom::Byte)),
            Part::Hole(hole) => atoms.push(Atom::Hole(hole.clone())),
        }
    }
    atoms
}

pub(super) fn text(atoms: impl IntoIterator<Item = Atom>) -> Text {
    let mut text = Text::default();
    let mut bytes = Vec::new();
    for atom in atoms {
        match atom {
            Atom::Byte(byte) => bytes.push(byte),
            Atom::Hole(hole) => {
                if !bytes.is_empty() {
                    text.0.push(Part::Bytes(std::mem::take(&mut bytes)));
                }
                text.0.push(Part::Hole(hole));
            }
        }
    }
    if !bytes.is_empty() {
        text.0.push(Part::Bytes(bytes));
    }
    text
}

/// A row of atoms as bytes; a hole becomes something that is not JSON.
pub(super) fn plain(atoms: &[Atom]) -> Vec<u8> {
    atoms.iter().map(|atom| if let Atom::Byte(byte) = atom { *byte } else { 0 }).collect()
}

/// The values of a JSON text, in the order in which they begin.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    /// Insignificant white space.
    pub(super) spaces: Vec<usize>,
}

/// A value.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// From its first atom to behind its last.
    pub(super) span: Range<usize>,
    /// The node it is in.
    pub(super) parent: Option<usize>,
    /// Its key with the quotes, if it is a member of an object.
    pub(super) key: Option<Range<usize>>,
    /// What it holds.
    pub(super) children: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Array,
    String,
    Number,
    Word,
    Hole,
}

impl Tree {
    /// Reads a text that is built like JSON; nothing if it is not, or is too long.
    pub(super) fn read(atoms: &[Atom]) -> Option<Tree> {
        if atoms.len() > MOST_ATOMS {
            return None;
        }
        let mut reader = Reader { atoms, at: 0, tree: Tree { nodes: Vec::new(), spaces: Vec::new() } };
        reader.read()?;
        Some(reader.tree)
    }

    /// From the key, or where there is none the value, to the end of the value.
    pub(super) fn whole(&self, node: &Node) -> Range<usize> {
        node.key.as_ref().map_or(node.span.start, |key| key.start)..node.span.end
    }

    /// Where these neighbouring children of a node stand, with the comma that has to go with them.
    pub(super) fn stretch(&self, node: &Node, children: Range<usize>) -> Option<Range<usize>> {
        let (first, last) = (children.start, children.end.checked_sub(1)?);
        let child = |at: usize| node.children.get(at).map(|child| self.whole(&self.nodes[*child]));
        match (first.checked_sub(1).and_then(child), child(children.end)) {
            // Up to where the next one begins.
            (_, Some(next)) => Some(child(first)?.start..next.start),
            (Some(before), None) => Some(before.end..child(last)?.end),
            (None, None) => Some(child(first)?.start..child(last)?.end),
        }
    }
}

struct Reader<'a> {
    atoms: &'a [Atom],
    at: usize,
    tree: Tree,
}

impl Reader<'_> {
    /// Without recursion: the depth of a text is its author's choice.
    fn read(&mut self) -> Option<()> {
        let mut open: Vec<usize> = Vec::new();
        loop {
            self.space();
            let key = match open.last() {
                Some(parent) if self.tree.nodes[*parent].kind == Kind::Object => {
                    let key = self.string()?;
                    self.space();
                    (self.peek()? == b':').then_some(())?;
                    self.at += 1;
                    self.space();
                    Some(key)
                }
                _ => None,
            };
            let begun = self.value(open.last().copied(), key)?;
            let mut closing = false;
            if let Some(node) = begun {
                open.push(node);
                self.space();
                closing = self.closes(node);
                if !closing {
                    continue;
                }
            }
            loop {
                if closing {
                    self.at += 1;
                    let node = open.pop()?;
                    self.tree.nodes[node].span.end = self.at;
                }
                let Some(parent) = open.last().copied() else {
                    self.space();
                    return (self.at == self.atoms.len()).then_some(());
                };
                self.space();
                if self.peek()? == b',' {
                    self.at += 1;
                    break;
                }
                closing = self.closes(parent);
                closing.then_some(())?;
            }
        }
    }

    fn closes(&self, node: usize) -> bool {
        let end = if self.tree.nodes[node].kind == Kind::Object { b'}' } else { b']' };
        self.peek() == Some(end)
    }

    /// Reads a scalar, or the beginning of a container, which is given back.
    fn value(&mut self, parent: Option<usize>, key: Option<Range<usize>>) -> Option<Option<usize>> {
        let start = self.at;
        let kind = match self.atoms.get(self.at)? {
            Atom::Hole(_) => Kind::Hole,
            Atom::Byte(b'{') => Kind::Object,
            Atom::Byte(b'[') => Kind::Array,
            Atom::Byte(b'"') => Kind::String,
            Atom::Byte(b'-' | b'0'..=b'9') => Kind::Number,
            Atom::Byte(byte) if byte.is_ascii_alphabetic() => Kind::Word,
            Atom::Byte(_) => return None,
        };
        match kind {
            Kind::Object | Kind::Array | Kind::Hole => self.at += 1,
            Kind::String => {
                self.string()?;
            }
            Kind::Number | Kind::Word => {
                while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
                    self.at += 1;
                }
            }
        }
        let number = self.tree.nodes.len();
        self.tree.nodes.push(Node { kind, span: start..self.at, parent, key, children: Vec::new() });
        if let Some(parent) = parent {
            self.tree.nodes[parent].children.push(number);
        }
        Some(matches!(kind, Kind::Object | Kind::Array).then_some(number))
    }

    fn string(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        (self.peek()? == b'"').then_some(())?;
        self.at += 1;
        loop {
            match self.atoms.get(self.at)? {
                Atom::Byte(b'"') => break,
                Atom::Byte(b'\\') => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(start..self.at)
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| b" \t\r\n".contains(&byte)) {
            self.tree.spaces.push(self.at);
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        match self.atoms.get(self.at) {
            Some(Atom::Byte(byte)) => Some(*byte),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Tree> {
        Tree::read(&atoms(&text.into()))
    }

    #[test]
    fn values_are_found_where_they_stand() {
        let text = "[2, \"a\\\"b\",{\"x\":[1,true],\"y\":{}}]";
        let tree = read(text).unwrap();
        let shown: Vec<&str> = tree.nodes.iter().map(|node| &text[node.span.clone()]).collect();
        assert_eq!(shown, [text, "2", "\"a\\\"b\"", "{\"x\":[1,true],\"y\":{}}", "[1,true]", "1", "true", "{}"]);
        let object = &tree.nodes[3];
        assert_eq!(&text[tree.stretch(object, 0..1).unwrap()], "\"x\":[1,true],");
        assert_eq!(&text[tree.stretch(object, 1..2).unwrap()], ",\"y\":{}");
        assert_eq!(&text[tree.stretch(object, 0..2).unwrap()], "\"x\":[1,true],\"y\":{}");
    }

    #[test]
    fn a_hole_is_a_value() {
        let with_hole =
            Text(vec![Part::Bytes(b"[2,".to_vec()), Part::Hole(Hole::Id(1)), Part::Bytes(b",\"A\",{}]".to_vec())]);
        let row = atoms(&with_hole);
        let tree = Tree::read(&row).unwrap();
        assert_eq!(tree.nodes[2].kind, Kind::Hole);
        assert_eq!(text(row), with_hole);
    }

    #[test]
    fn what_is_not_built_like_json_is_not_read() {
        for text in ["", "[", "[1", "{\"a\"}", "{1:2}", "[1,]", "[1]]", "\"\\", "[1 2]"] {
            assert!(read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn depth_is_no_danger() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(read(&deep).unwrap().nodes.len(), 100_000);
    }
}
