//! Lengths of time, deadlines, counts and ranges.

use verdict::Span;

use super::{Mistake, Reader, names};
use crate::TIME_CLASSES;
use crate::ast::{DurationExpr, Repeat, Spanned, Within};
use crate::yaml::Node;

/// A count that makes no test longer than a test can be.
const HIGHEST: u32 = 100_000;
/// How often an item has to come at most.
const MOST_AT_LEAST: u32 = 1_000;

impl Reader<'_> {
    /// `30s`, `reboot`, `$interval + 5s`.
    pub(super) fn length(&mut self, node: &Node) -> Option<DurationExpr> {
        let text = self.text(node, "the length of time")?;
        self.length_of(text, node.span)
    }

    fn length_of(&mut self, text: &str, span: Span) -> Option<DurationExpr> {
        if text.starts_with('$') {
            let value = self.named(span, names::reference(text))?;
            return Some(DurationExpr::Name(Spanned { value, span }));
        }
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            return match protocol::time::duration(text) {
                Ok(length) => Some(DurationExpr::Fixed(length)),
                Err(why) => {
                    self.say(Mistake::BadTime, span, why, "expected a length of time");
                    None
                }
            };
        }
        if TIME_CLASSES.contains(&text) {
            return Some(DurationExpr::Class(Spanned { value: text.to_owned(), span }));
        }
        self.stranger(Mistake::BadTime, span, text, "a length of time or a class of time", TIME_CLASSES);
        None
    }

    /// `D`, `D..E`, `D..`, each with `of $mark`.
    pub(super) fn within(&mut self, node: &Node) -> Option<Within> {
        let text = self.text(node, "the deadline")?;
        let (bounds, of) = match text.split_once(" of ") {
            Some((bounds, mark)) => (bounds.trim(), Some(mark.trim())),
            None => (text, None),
        };
        let place = |part: &str| {
            let at = text.find(part).unwrap_or(0);
            node.part(self.source, at..at + part.len())
        };
        let of = match of {
            Some(mark) => {
                let span = place(mark);
                match mark.strip_prefix('$').filter(|name| names::is_name(name)) {
                    Some(name) => Some(Spanned { value: name.to_owned(), span }),
                    None => {
                        let title = format!("\"{mark}\" is not the name of a mark");
                        self.say(Mistake::BadTime, span, title, "expected `$mark`");
                        return None;
                    }
                }
            }
            None => None,
        };
        let (lower, upper) = match bounds.split_once("..") {
            Some((lower, "")) => (Some(lower), None),
            Some((lower, upper)) => (Some(lower), Some(upper)),
            None => (None, Some(bounds)),
        };
        let spans = (lower.map(place), upper.map(place));
        let lower = match (lower, spans.0) {
            (Some(text), Some(span)) => Some(self.length_of(text, span)?),
            _ => None,
        };
        let upper = match (upper, spans.1) {
            (Some(text), Some(span)) => Some(self.length_of(text, span)?),
            _ => None,
        };
        if let (Some(DurationExpr::Fixed(low)), Some(DurationExpr::Fixed(high))) = (&lower, &upper)
            && low > high
        {
            self.say(Mistake::BadTime, node.span, "the lower bound is above the upper one", "turn them round");
        }
        Some(Within { span: node.span, lower, upper, of })
    }

    /// `repeat: n` or `repeat: a..b`.
    pub(super) fn repeat(&mut self, node: &Node) -> Option<Repeat> {
        let (low, high) = self.range(node)?;
        let high = high.unwrap_or(low);
        let bounded = |count: usize| u32::try_from(count).ok().filter(|count| *count <= HIGHEST);
        match (bounded(low), bounded(high)) {
            // What we do ourselves is done the lowest number of times, or once more.
            (Some(min), Some(_)) if min > MOST_AT_LEAST => {
                let label = format!("expected {MOST_AT_LEAST} or less");
                self.say(Mistake::BadCount, node.span, "nothing has to come this often", label);
                None
            }
            (Some(min), Some(max)) if max > 0 => Some(Repeat { min, max }),
            _ => {
                let label = format!("expected at least once and at most {HIGHEST} times");
                self.say(Mistake::BadCount, node.span, "an item that comes this often is none", label);
                None
            }
        }
    }

    /// `n` or `a..b`.
    pub(super) fn range(&mut self, node: &Node) -> Option<(usize, Option<usize>)> {
        let text = self.text(node, "the count")?;
        let range = match text.split_once("..") {
            Some((low, high)) => low.parse().ok().zip(high.parse().ok().map(Some)),
            None => text.parse().ok().map(|count| (count, None)),
        };
        match range {
            Some((low, Some(high))) if low > high => {
                self.say(Mistake::BadCount, node.span, "the lower bound is above the upper one", "turn them round");
                None
            }
            Some(range) => Some(range),
            None => {
                let title = format!("\"{text}\" is not a count");
                self.say(Mistake::BadCount, node.span, title, "expected a count such as 3 or 2..5");
                None
            }
        }
    }
}
