//! Connection events and their options.

use super::{Mistake, Reader, Want};
use crate::ast::{ConnectionOptions, Ending, Outcome, Pattern, PatternKind, Spanned};
use crate::yaml::Node;

/// The options that may stand beside the event of a new link.
pub(super) const OPTIONS: [&str; 6] = ["identity", "password", "offers", "answers", "outcome", "http"];
/// Options that the language has and this program has not.
pub(super) const NOT_BUILT: [&str; 4] = ["server", "client", "tls", "to"];

const ENDINGS: [(&str, Ending); 2] = [("close", Ending::Close), ("cut", Ending::Cut)];
const OUTCOMES: [(&str, Outcome); 4] = [
    ("open", Outcome::Open),
    ("refused by station", Outcome::RefusedByStation),
    ("refused by csms", Outcome::RefusedByCsms),
    ("closed by csms", Outcome::ClosedByCsms),
];

impl Reader<'_> {
    /// The options among the keys of an item.
    pub(super) fn connection_options(&mut self, item: &Node) -> ConnectionOptions {
        let mut options = ConnectionOptions::default();
        for (key, value) in item.members().unwrap_or_default() {
            match key.text.as_str() {
                "how" => options.how = self.word(value, "a way to end a link", &ENDINGS).map(|how| at(value, how)),
                "identity" => options.identity = self.credential(value, "an identity", &["rig", "unknown"]),
                "password" => options.password = self.credential(value, "a password", &["rig", "wrong", "none"]),
                "offers" => {
                    let names = self.texts(value, "the subprotocol").into_iter().map(|name| name.value).collect();
                    options.offers = Some(at(value, names));
                }
                "answers" => {
                    options.answers = self
                        .text(value, "the subprotocol")
                        .map(|name| at(value, (name != "none").then(|| name.to_owned())));
                }
                "outcome" => {
                    options.outcome =
                        self.word(value, "an outcome of a handshake", &OUTCOMES).map(|how| at(value, how));
                }
                "http" => options.http = self.codes(value, "a status of HTTP", 100..=599),
                name if NOT_BUILT.contains(&name) => self.not_built(key.span, &format!("`{name}`")),
                _ => {}
            }
        }
        let outcome = options.outcome.as_ref().map(|outcome| outcome.value);
        if let Some(http) = item.member("http")
            && outcome != Some(Outcome::RefusedByCsms)
        {
            let title = "`http` stands beside `outcome: refused by csms`";
            self.say(Mistake::Contradiction, http.span, title, "without it no status is waited for");
        }
        options
    }

    /// One of the words, or a name.
    fn credential(&mut self, node: &Node, what: &str, words: &[&'static str]) -> Option<Pattern> {
        let pattern = self.pattern(node, &Want::Text)?;
        match &pattern.kind {
            PatternKind::Name(_) => Some(pattern),
            PatternKind::Literal(word) if words.iter().any(|known| word == known) => Some(pattern),
            _ => {
                let text = node.scalar().unwrap_or_default().to_owned();
                self.stranger(
                    Mistake::UnknownValue,
                    node.span,
                    &text,
                    &format!("{what}: a word or a `$name`"),
                    words.iter().copied(),
                );
                None
            }
        }
    }

    /// A code or a list of them.
    pub(super) fn codes(&mut self, node: &Node, what: &str, range: std::ops::RangeInclusive<u16>) -> Vec<u16> {
        let mut codes = Vec::new();
        for item in node.one_or_many() {
            let Some(text) = self.text(item, "the code") else { continue };
            match text.parse::<u16>() {
                Ok(code) if range.contains(&code) => codes.push(code),
                _ => {
                    let label = format!("expected a number from {} to {}", range.start(), range.end());
                    self.say(Mistake::WrongType, item.span, format!("\"{text}\" is not {what}"), label);
                }
            }
        }
        codes
    }
}

fn at<T>(node: &Node, value: T) -> Spanned<T> {
    Spanned { value, span: node.span }
}
