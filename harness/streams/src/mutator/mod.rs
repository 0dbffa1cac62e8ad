//! An OCPP-aware mutator for coverage-guided fuzzers.
//!
//! An input is one message, or several, one a line. What is built like a frame is edited as a frame (message type, id,
//! action, number of elements, payloads from the catalogue), what is built like JSON as JSON (types, missing, doubled and
//! foreign fields, words of enumerations, numbers at their ends, depth, half surrogates), and everything else as
//! bytes. The same choices give the same result.
//!
//! ```
//! use protocol::generate::Seeded;
//! let frame = br#"[2,"1","Heartbeat",{}]"#;
//! let mutant = streams::mutator::mutate(frame, 4096, &mut Seeded::new(1));
//! assert!(mutant.len() <= 4096);
//! ```

mod bytes;
mod edits;
mod frames;
mod messages;
mod tree;
mod words;

use protocol::generate::Choices;

pub use messages::Dialect;
use tree::Node;
use words::below;

/// A changed input of at most `max_len` bytes, for every version and both sides.
pub fn mutate(input: &[u8], max_len: usize, choices: &mut dyn Choices) -> Vec<u8> {
    Dialect::default().mutate(input, max_len, choices)
}

/// An input made of pieces of two, of at most `max_len` bytes.
pub fn cross_over(a: &[u8], b: &[u8], max_len: usize, choices: &mut dyn Choices) -> Vec<u8> {
    Dialect::default().cross_over(a, b, max_len, choices)
}

/// The words of a libFuzzer or AFL dictionary: actions, fields, values and error codes of every version, and what
/// experience adds, one a line.
pub fn dictionary() -> String {
    let vocabulary = &words::VOCABULARY;
    let codes = vocabulary.codes.iter().map(|code| (*code).to_owned());
    let names = words::NAMES.iter().map(|name| (*name).to_owned());
    let all = vocabulary.actions.iter().chain(&vocabulary.fields).chain(&vocabulary.values).cloned();
    let quoted = all.chain(codes).chain(names).map(|word| format!("\"{word}\"").into_bytes());
    let numbers = words::NUMBERS.iter().map(|number| number.as_bytes().to_vec());
    let texts = words::TEXTS.iter().map(|text| text.to_vec());
    let mut entries: Vec<String> = quoted.chain(numbers).chain(texts).map(|entry| dictionary_entry(&entry)).collect();
    entries.retain(|entry| entry.len() > 2);
    entries.sort();
    entries.dedup();
    entries.join("\n") + "\n"
}

fn dictionary_entry(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\x{byte:02X}")),
        }
    }
    out + "\""
}

impl Dialect {
    /// A changed input of at most `max_len` bytes.
    pub fn mutate(self, input: &[u8], max_len: usize, choices: &mut dyn Choices) -> Vec<u8> {
        let mut lines = split(&input[..input.len().min(max_len)]);
        let rounds = 1 + choices.choose(2) + choices.choose(3) / 2 * choices.choose(4);
        for _ in 0..rounds {
            let used: usize = lines.iter().map(|line| line.len() + 1).sum();
            self.once(&mut lines, max_len.saturating_sub(used), choices);
        }
        let mut mutant = join(lines, max_len);
        if mutant == input {
            let at = below(mutant.len(), choices);
            bytes::flip(&mut mutant, at, 1 << choices.choose(8));
            mutant.truncate(max_len);
        }
        mutant
    }

    /// An input made of pieces of two, of at most `max_len` bytes.
    pub fn cross_over(self, a: &[u8], b: &[u8], max_len: usize, choices: &mut dyn Choices) -> Vec<u8> {
        let (mut ours, theirs) = (split(a), split(b));
        let (at, from) = (below(ours.len(), choices), below(theirs.len(), choices));
        match choices.choose(4) {
            // The beginning of one conversation and the end of another.
            0 => {
                ours.truncate(at + 1);
                ours.extend_from_slice(&theirs[from.min(theirs.len())..]);
            }
            1 => ours.splice(at..at, theirs.get(from).cloned()).for_each(drop),
            2 => match (ours.get_mut(at), theirs.get(from)) {
                (Some(line), Some(other)) => graft(line, other, choices),
                _ => ours = theirs,
            },
            _ => {
                let cut = below(a.len() + 1, choices);
                let rest = below(b.len() + 1, choices);
                ours = split(&[&a[..cut], &b[rest..]].concat());
            }
        }
        join(ours, max_len)
    }

    fn once(self, lines: &mut Vec<Vec<u8>>, room: usize, choices: &mut dyn Choices) {
        let at = below(lines.len(), choices);
        match choices.choose(12) {
            0 | 1 => self.insert(lines, at, choices),
            2 if lines.len() > 1 => match choices.choose(4) {
                0 => {
                    lines.remove(at);
                }
                1 => lines.insert(at, lines[at].clone()),
                2 => {
                    let other = below(lines.len(), choices);
                    lines.swap(at, other);
                }
                _ => {
                    let line = lines.remove(at);
                    let to = below(lines.len() + 1, choices);
                    lines.insert(to, line);
                }
            },
            3 => {
                if let Some(line) = lines.get_mut(at) {
                    bytes::edit(line, choices);
                } else {
                    self.insert(lines, at, choices);
                }
            }
            _ => {
                let ids = if choices.choose(4) == 0 { ids(lines) } else { Vec::new() };
                match lines.get_mut(at) {
                    Some(line) => self.line(line, &ids, room, choices),
                    None => self.insert(lines, at, choices),
                }
            }
        }
    }

    fn line(self, line: &mut Vec<u8>, ids: &[Vec<u8>], room: usize, choices: &mut dyn Choices) {
        // A step is a word and perhaps JSON.
        let json_from = if line.starts_with(b"!") { line.iter().position(|&byte| byte == b'{') } else { Some(0) };
        let Some((from, mut tree)) = json_from.and_then(|from| Some((from, Node::read(&line[from..])?))) else {
            return bytes::edit(line, choices);
        };
        match frames::elements(&mut tree) {
            Some(items) if choices.choose(3) == 0 => frames::edit(items, self, ids, choices),
            // The payload is where most is read.
            Some(items) if choices.choose(4) > 0 => match items.last_mut() {
                Some(payload) => edits::edit(payload, room, choices),
                None => return,
            },
            _ => edits::edit(&mut tree, room, choices),
        }
        line.truncate(from);
        tree.write(line);
    }

    fn insert(self, lines: &mut Vec<Vec<u8>>, at: usize, choices: &mut dyn Choices) {
        let to = if choices.choose(2) == 0 { lines.len() } else { at.min(lines.len()) };
        let line = if self.steps && choices.choose(3) == 0 {
            Some(messages::step(choices))
        } else {
            let id = format!("m{}", choices.choose(10_000));
            messages::message(self, &id, choices).map(|node| node.to_text())
        };
        if let Some(line) = line {
            lines.insert(to, line);
        }
    }
}

/// The message ids of a sequence, as written.
fn ids(lines: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let id = |line: &Vec<u8>| match Node::read(line)? {
        Node::List(items) => items.get(1).map(Node::to_text),
        _ => None,
    };
    lines.iter().filter_map(id).collect()
}

/// A piece of another message takes the place of one of this.
fn graft(line: &mut Vec<u8>, other: &[u8], choices: &mut dyn Choices) {
    let (Some(mut ours), Some(mut theirs)) = (Node::read(line), Node::read(other)) else {
        *line = other.to_vec();
        return;
    };
    let (at, from) = (below(ours.count(), choices), below(theirs.count(), choices));
    if let (Some(place), Some(piece)) = (ours.nth(at), theirs.nth(from)) {
        *place = piece.clone();
    }
    *line = ours.to_text();
}

fn split(input: &[u8]) -> Vec<Vec<u8>> {
    if input.is_empty() {
        return Vec::new();
    }
    input.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// The lines as one text; whole lines go first where they are too many.
fn join(mut lines: Vec<Vec<u8>>, max_len: usize) -> Vec<u8> {
    let mut size = lines.iter().map(|line| line.len() + 1).sum::<usize>().saturating_sub(1);
    while size > max_len && lines.len() > 1 {
        // The longest one is most likely what has just grown.
        let longest = lines.iter().enumerate().max_by_key(|(_, line)| line.len()).map_or(0, |(at, _)| at);
        size -= lines.remove(longest).len() + 1;
    }
    let mut text = lines.join(&b'\n');
    text.truncate(max_len);
    text
}

#[cfg(test)]
mod tests;
