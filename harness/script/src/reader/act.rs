//! Stimuli, observations and named checks: words with typed arguments.

use std::ops::Range;

use protocol::stimulus::{self, Argument, Verb};
use protocol::{Role, Version};
use verdict::checks::{self, ParameterType};

use super::{Mistake, Reader, Want, part_of_key};
use crate::ast::{Act, ConstantType, Invocation, Party, Pattern, Spanned};
use crate::yaml::{Key, Node};

/// The parties by their names.
pub(super) const PARTIES: [(&str, Party); 4] =
    [("station", Party::Station), ("csms", Party::Csms), ("tester", Party::Tester), ("device", Party::Device)];

impl Reader<'_> {
    /// A party that stands in a part of a key.
    pub(super) fn party(&mut self, key: &Key, part: Range<usize>) -> Option<Spanned<Party>> {
        let span = part_of_key(key, part.clone());
        let name = &key.text[part];
        let known = PARTIES.iter().find(|(known, _)| *known == name).map(|(_, party)| *party);
        if known.is_none() && self.strangers.iter().all(|stranger| stranger != name) {
            self.stranger(Mistake::UnknownParty, span, name, "a party", PARTIES.iter().map(|(name, _)| *name));
        }
        known.map(|value| Spanned { value, span })
    }

    /// `at PARTY: verb` or `look at PARTY: observation`, with arguments.
    pub(super) fn act(&mut self, key: &Key, value: &Node, item: &Node, lead: &str) -> Option<Act> {
        let is_look = lead == "look at ";
        let party = self.party(key, lead.len()..key.text.len());
        let name = self.spanned(value, if is_look { "the observation" } else { "the verb" });
        let (party, verb) = (party?, name?);
        let roles: &[Role] = match party.value {
            Party::Station => &[Role::Station],
            Party::Csms => &[Role::Csms],
            Party::Tester | Party::Device => &[Role::Station, Role::Csms],
        };
        let known = roles.iter().find_map(|role| match is_look {
            true => stimulus::observation(*role, &verb.value),
            false => stimulus::verb(*role, &verb.value),
        });
        let is_private = verb.value.starts_with("x-");
        if known.is_none() && !is_private {
            let all: &[Verb] = if is_look { stimulus::OBSERVATIONS } else { stimulus::VERBS };
            let what = format!("{} a {}", if is_look { "an observation at" } else { "a stimulus for" }, roles[0]);
            let names = all.iter().filter(|verb| roles.contains(&verb.party)).map(|verb| verb.name);
            self.stranger(Mistake::UnknownVerb, verb.span, &verb.value, &what, names);
            return None;
        }
        let arguments: Vec<Wanted> = known
            .map_or(&[][..], |known| known.arguments)
            .iter()
            .map(|Argument { name, kind, required }| Wanted { name, want: Want::Argument(*kind), required: *required })
            .collect();
        let with = self.arguments(item.member("with"), &verb, &arguments, is_private);
        Some(Act { party, verb, with })
    }

    /// `check: NAME`, with arguments.
    pub(super) fn check(&mut self, name: &Node, item: &Node) -> Option<Invocation> {
        let name = self.spanned(name, "the check")?;
        let Some(check) = checks::check(&name.value) else {
            if LATER_CHECKS.contains(&name.value.as_str()) {
                self.not_built(name.span, &format!("the check \"{}\"", name.value));
            } else {
                let known = checks::CHECKS.iter().map(|check| check.name).chain(LATER_CHECKS);
                self.stranger(Mistake::UnknownCheck, name.span, &name.value, "a check", known);
            }
            return None;
        };
        let is_16 = self.versions.iter().all(|version| *version == Version::V16);
        let want = |kind| match kind {
            ParameterType::Integer => Want::Constant(ConstantType::Integer),
            ParameterType::Transaction if is_16 => Want::Constant(ConstantType::Integer),
            ParameterType::Text | ParameterType::Transaction => Want::Text,
            ParameterType::Duration => Want::Constant(ConstantType::Duration),
            ParameterType::Boolean => Want::Constant(ConstantType::Boolean),
        };
        let parameters = check.parameters.iter();
        let wanted: Vec<Wanted> =
            parameters.map(|one| Wanted { name: one.name, want: want(one.kind), required: one.required }).collect();
        let with = self.arguments(item.member("with"), &name, &wanted, false);
        Some(Invocation { name, with, rename: Vec::new() })
    }

    fn arguments(
        &mut self,
        node: Option<&Node>,
        verb: &Spanned<String>,
        wanted: &[Wanted],
        is_private: bool,
    ) -> Vec<(Spanned<String>, Pattern)> {
        let members = node.and_then(|node| self.map(node, "`with`")).unwrap_or_default();
        let mut with = Vec::new();
        for (key, value) in members {
            let want = match wanted.iter().find(|wanted| wanted.name == key.text) {
                Some(wanted) => wanted.want.clone(),
                None if is_private => Want::Free,
                None => {
                    let what = format!("an argument of \"{}\"", verb.value);
                    let known = wanted.iter().map(|wanted| wanted.name);
                    self.stranger(Mistake::UnknownArgument, key.span, &key.text, &what, known);
                    continue;
                }
            };
            let name = Spanned { value: key.text.clone(), span: key.span };
            with.extend(self.pattern(value, &want).map(|pattern| (name, pattern)));
        }
        let is_given = |wanted: &&Wanted| members.iter().any(|(key, _)| key.text == wanted.name);
        for missing in wanted.iter().filter(|wanted| wanted.required && !is_given(wanted)) {
            let title = format!("\"{}\" needs `{}`", verb.value, missing.name);
            let label = format!("expected `with: {{ {}: … }}`", missing.name);
            let found = self.say(Mistake::MissingArgument, verb.span, title, label);
            found.notes.push(format!("`{}` is {}", missing.name, missing.want.describe()));
        }
        with
    }
}

/// An argument that may or must be given.
struct Wanted {
    name: &'static str,
    want: Want,
    required: bool,
}

/// Checks that the language names and nobody has built.
const LATER_CHECKS: [&str; 5] =
    ["report covers device model", "retry spacing", "back-off", "heartbeat period", "upload arrived"];
