//! Paths into what is known before a run: the rig, and the names that were given something of it.

use verdict::Span;

use super::mistake::did_you_mean;
use super::want::{Want, rig_type};
use super::{Mistake, Reader, names};
use crate::ast::NameRef;

/// What a rig has of itself; everything else stands under its `values:`.
const ROOTS: [&str; 7] = ["connector", "connectors", "tags", "timeouts", "identity", "identities", "password"];

impl Reader<'_> {
    /// What a reference says, with a look at the path behind its name.
    pub(super) fn named(&mut self, span: Span, name: Result<NameRef, String>) -> Option<NameRef> {
        match name {
            Ok(name) => {
                self.path_of(&name, span);
                Some(name)
            }
            Err(why) => {
                self.say(Mistake::BadName, span, why, "expected a name");
                None
            }
        }
    }

    /// Tells a path that leads to nothing, as far as that can be known from this file.
    pub(super) fn path_of(&mut self, name: &NameRef, span: Span) {
        if name.root == "rig" {
            self.rig_path(&name.parts.join("."), span);
        } else if let Some(want) = self.wants.get(&name.root).cloned() {
            self.parts(want, &format!("${}", name.root), &name.parts, span);
        }
    }

    /// Tells a path of the rig that is nearly a known one; others may stand under `values:` of the rig.
    pub(super) fn rig_path(&mut self, path: &str, span: Span) {
        let parts: Vec<String> = path.split('.').map(str::to_owned).collect();
        let root = parts[0].as_str();
        if !names::is_name(root) {
            let title = format!("\"rig.{path}\" is not a path of the rig");
            self.say(Mistake::BadName, span, title, "expected `rig.PATH`");
            return;
        }
        match (root, parts.get(1)) {
            ("tags", Some(tag)) => self.rig_word("rig.tags", tag, &crate::RIG_TAGS, true, span),
            ("timeouts", Some(class)) => self.rig_word("rig.timeouts", class, &crate::TIME_CLASSES, false, span),
            _ => self.rig_word("rig", root, &ROOTS, true, span),
        }
        let into_element = matches!(root, "connectors" | "tags" | "timeouts" | "identities");
        let own = if into_element { 2 } else { 1 }.min(parts.len());
        let is_made_of_a_tag =
            root == "tags" && parts.get(2).is_some_and(|part| matches!(part.as_str(), "otherCase" | "beginningAlike"));
        if ROOTS.contains(&root) && !is_made_of_a_tag {
            let (own, rest) = parts.split_at(own);
            self.parts(rig_type(&own.join(".")), &format!("rig.{}", own.join(".")), rest, span);
        }
    }

    /// A word of a list; in an open list only what is nearly one of its words is a mistake.
    fn rig_word(&mut self, place: &str, word: &str, known: &[&str], is_open: bool, span: Span) {
        if known.contains(&word) {
            return;
        }
        let bare = |word: &str| word.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
        let meant = protocol::catalogue::suggest(word, known.iter().copied());
        let is_another = meant.is_none_or(|meant| bare(meant) == bare(word));
        if is_open && is_another {
            return;
        }
        let title = format!("\"{place}.{word}\" is not a value of the rig");
        let help = did_you_mean(meant.map(|meant| format!("{place}.{meant}")).as_deref());
        self.say(Mistake::UnknownValue, span, title, "not known").help = help;
    }

    /// The path behind something whose parts are known.
    fn parts(&mut self, mut want: Want, place: &str, parts: &[String], span: Span) {
        let mut place = place.to_owned();
        for part in parts {
            let inner = match want.item() {
                Some(item) if part.chars().all(|c| c.is_ascii_digit()) => Some(item),
                _ => want.part(part),
            };
            let Some(inner) = inner else {
                let known = want.part_names();
                let title = format!("{place} has no part \"{part}\"");
                let label = format!("it is {}", want.describe());
                let meant = protocol::catalogue::suggest(part, known.iter().copied());
                let help = did_you_mean(meant.map(|meant| format!("{place}.{meant}")).as_deref());
                let listed = (!known.is_empty()).then(|| format!("it has {}", known.join(" and ")));
                self.say(Mistake::UnknownField, span, title, label).help = help.or(listed);
                return;
            };
            place = format!("{place}.{part}");
            want = inner;
        }
    }
}
