//! O10: nothing internal leaks into what the device says. What it only repeats of ours is not its own.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock};

use protocol::frame::Frame;
use regex::{Regex, RegexSet};
use serde_json::Value;
use verdict::inside::TRACES;

use super::{About, Charge, Class, Code, HARM, Oracle, Suspicion};
use crate::{Seen, What};

/// Watches texts.
#[derive(Debug, Default)]
pub(super) struct Leak {
    /// What we sent, newest last.
    sent: VecDeque<Arc<[u8]>>,
    /// The identities of all links by number.
    identities: Vec<(usize, String)>,
}

/// So many of our messages can come back.
const REMEMBERED: usize = 256;
/// A text is looked at up to this length.
const LONGEST: usize = 64 * 1024;

/// What betrays something, but could be told on purpose.
const HINTS: [(&str, &str); 7] = [
    ("class name", r"\b(?:java|javax|org|com|net|io|de|scala|kotlin)(?:\.[a-z_]\w*){1,}\.[A-Z]\w+"),
    ("class name", r"\bSystem(?:\.\w+)*\.\w+Exception\b|\b(?:Newtonsoft|Microsoft)\.\w+"),
    ("class name", r"\[json\.exception\.\w+|\bstd::\w+|\bnlohmann::|\bboost::"),
    ("class name", r"<class '[\w.]+'>|<[\w.]+ object at 0x[0-9a-f]+>|#<[A-Z]\w+:0x"),
    ("path", r"(?:^|[\s'\x22(])/(?:usr|home|opt|var|etc|root|app|srv|build|tmp|mnt)/[\w./-]{3,}"),
    ("path", r"(?i)\b[a-z]:\\(?:[\w .-]+\\)+|node_modules/|site-packages/"),
    ("address", r"\b0x[0-9a-fA-F]{8,16}\b"),
];

struct Patterns {
    set: RegexSet,
    single: Vec<Regex>,
}

fn patterns(of: &[(&str, &str)]) -> Patterns {
    // Each is compiled in a test; one that were not would be left out here.
    let single: Vec<Regex> = of.iter().filter_map(|(_, pattern)| Regex::new(pattern).ok()).collect();
    let set = RegexSet::new(single.iter().map(Regex::as_str)).unwrap_or_else(|_| RegexSet::empty());
    Patterns { set, single }
}

static OF_TRACES: LazyLock<Patterns> = LazyLock::new(|| patterns(&TRACES));
static OF_HINTS: LazyLock<Patterns> = LazyLock::new(|| patterns(&HINTS));

impl Oracle for Leak {
    fn code(&self) -> Code {
        Code::O10
    }

    fn saw(&mut self, seen: &Seen, about: &About<'_>, suspicions: &mut Vec<Suspicion>) {
        match &seen.what {
            What::Opened { identity, .. } => {
                self.identities.retain(|(link, _)| *link != seen.link);
                self.identities.push((seen.link, identity.clone()));
            }
            What::Sent { bytes, .. } => self.remember(bytes),
            What::Answered { bytes: Some(bytes), .. } => self.remember(bytes),
            What::Received { bytes, reading, answers, .. } => {
                let action = answers.as_ref().map_or("?", |call| call.action.as_str());
                let found = match &reading.frame {
                    Some(
                        Frame::Error { description, details, .. } | Frame::ResultError { description, details, .. },
                    ) => self.refusal(seen.link, description, details),
                    Some(Frame::Result { .. } | Frame::Call { .. }) => self.payload(bytes),
                    _ => None,
                };
                let Some((class, kind, text)) = found else { return };
                let sentence = format!("what looks like a {kind} stands in what the device says: {text}");
                about.suspect(
                    seen,
                    Charge {
                        oracle: Code::O10,
                        rule: HARM,
                        class,
                        action,
                        path: kind.to_owned(),
                        reply: crate::seen::reply_class(about.version, reading),
                        sentence,
                        bytes,
                    },
                    suspicions,
                );
            }
            _ => {}
        }
    }
}

type Found = Option<(Class, &'static str, String)>;

impl Leak {
    fn remember(&mut self, bytes: &Arc<[u8]>) {
        self.sent.push_back(bytes.clone());
        if self.sent.len() > REMEMBERED {
            self.sent.pop_front();
        }
    }

    fn refusal(&self, link: usize, description: &str, details: &Value) -> Found {
        let mut text = description.to_owned();
        collect(details, &mut text, &mut 0);
        if text.is_empty() {
            return None;
        }
        let traces = self.search(&text, &OF_TRACES, &TRACES).map(|(kind, text)| (Class::Robustness, kind, text));
        traces
            .or_else(|| self.search(&text, &OF_HINTS, &HINTS).map(|(kind, text)| (Class::Compatibility, kind, text)))
            .or_else(|| self.foreign(link, &text))
    }

    /// In an ordinary payload paths and the like have their place; traces have none.
    fn payload(&self, bytes: &[u8]) -> Found {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST)]);
        self.search(&text, &OF_TRACES, &TRACES).map(|(kind, text)| (Class::Robustness, kind, text))
    }

    fn search(&self, text: &str, patterns: &Patterns, of: &[(&'static str, &str)]) -> Option<(&'static str, String)> {
        if patterns.set.is_empty() || !patterns.set.is_match(text) {
            return None;
        }
        patterns.set.matches(text).into_iter().find_map(|at| {
            let found = patterns.single.get(at)?.find(text)?.as_str();
            (!self.is_ours(found)).then(|| (of[at].0, found.chars().take(200).collect()))
        })
    }

    /// Another station has no place in a refusal.
    fn foreign(&self, link: usize, text: &str) -> Found {
        let own = self.identities.iter().find(|(number, _)| *number == link).map(|(_, identity)| identity)?;
        let other = self.identities.iter().find(|(_, identity)| {
            identity != own
                && identity.len() >= 6
                && !own.contains(identity.as_str())
                && text.contains(identity.as_str())
        });
        let (_, identity) = other.filter(|(_, identity)| !self.is_ours(identity))?;
        Some((Class::Robustness, "foreign station", identity.clone()))
    }

    /// Whether we said it ourselves, in the same or in other escapes, or most of it.
    fn is_ours(&self, found: &str) -> bool {
        let squeezed = squeeze(found);
        self.sent.iter().any(|bytes| {
            let text = String::from_utf8_lossy(bytes);
            text.contains(found) || squeeze(&text).contains(&squeezed) || said(&text).contains(found)
        })
    }
}

/// The text without what escapes and quotes change.
fn squeeze(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\\' | '"' | '\'') && !c.is_whitespace()).collect()
}

/// All strings of a JSON text, in one.
fn said(text: &str) -> String {
    let mut said = String::new();
    if let Ok(value) = serde_json::from_str(text) {
        collect(&value, &mut said, &mut 0);
    }
    said
}

fn collect(value: &Value, text: &mut String, depth: &mut usize) {
    if text.len() > LONGEST || *depth > 64 {
        return;
    }
    *depth += 1;
    match value {
        Value::String(more) => {
            text.push('\n');
            text.push_str(more);
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, text, depth)),
        Value::Object(map) => map.iter().for_each(|(key, item)| {
            text.push('\n');
            text.push_str(key);
            collect(item, text, depth);
        }),
        _ => {}
    }
    *depth -= 1;
}

#[cfg(test)]
mod tests {
    use protocol::{Role, Version};

    use super::super::told::Told;
    use super::*;

    fn refused(call: &str, description: &str) -> Vec<Suspicion> {
        let mut told = Told::new(Role::Csms, Version::V16);
        told.booted(0).booted(1000).call(0, "1", call);
        told.answer(0, &serde_json::to_string(&(4, "1", "InternalError", description, serde_json::json!({}))).unwrap());
        told.judge(&mut Leak::default())
    }

    const CALL: &str = r#"[2,"1","Heartbeat",{}]"#;

    #[test]
    fn every_pattern_is_one() {
        for (_, pattern) in TRACES.iter().chain(&HINTS) {
            Regex::new(pattern).unwrap();
        }
        assert_eq!(OF_TRACES.single.len(), TRACES.len());
        assert_eq!(OF_HINTS.single.len(), HINTS.len());
    }

    #[test]
    fn stack_traces_and_sql_are_found() {
        for text in [
            "Traceback (most recent call last):\n  File \"/x/y.py\", line 3",
            "java.lang.IllegalStateException at de.rwth.Foo.bar(Foo.java:12)",
            "TypeError: Cannot read properties of undefined (reading 'x')",
            "at handle (/app/src/index.js:10:5)",
            "thread 'main' panicked at src/main.rs:3:5",
            "SQL [insert into transaction (a) values (?)]; Deadlock found when trying to get lock",
            "ERROR: duplicate key value violates unique constraint \"x\"",
            "goroutine 7 [running]:",
        ] {
            assert_eq!(refused(CALL, text)[0].class, Class::Robustness, "{text}");
        }
    }

    #[test]
    fn names_and_paths_are_remarks() {
        for text in ["org.example.service.Charger failed", "open /var/lib/ocpp/db.json", "at 0x7ffe12345678"] {
            assert_eq!(refused(CALL, text)[0].class, Class::Compatibility, "{text}");
        }
    }

    #[test]
    fn plain_words_leak_nothing() {
        for text in [
            "",
            "the field idTag is missing",
            "Validation failed: 'foo' is a required property",
            "select a tag from the list",
        ] {
            let found = refused(CALL, text);
            assert!(found.iter().all(|found| !found.class.is_red()), "{text}: {found:?}");
        }
    }

    #[test]
    fn what_we_sent_ourselves_is_no_leak() {
        let call =
            r#"[2,"1","DataTransfer",{"vendorId":"' or 1=1; select a from b --","data":"\/etc\/passwd SQLSTATE"}]"#;
        assert_eq!(refused(call, "no vendor \"' or 1=1; select a from b --\": /etc/passwd SQLSTATE"), []);
    }

    #[test]
    fn another_station_in_a_refusal_is_found() {
        assert_eq!(refused(CALL, "conflict with BYSTANDER")[0].path, "foreign station");
        assert_eq!(refused(CALL, "conflict with PLUGFEST-1"), []);
    }
}
