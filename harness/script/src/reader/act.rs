//! Stimuli and observations.

use std::ops::Range;

use protocol::Role;
use protocol::stimulus::{self, Argument, Verb};

use super::{Mistake, Reader, Want, part_of_key};
use crate::ast::{Act, Party, Pattern, Spanned};
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
        if known.is_none() {
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
        let arguments = known.map_or(&[][..], |known| known.arguments);
        let is_private = verb.value.starts_with("x-");
        if known.is_none() && !is_private {
            let all: &[Verb] = if is_look { stimulus::OBSERVATIONS } else { stimulus::VERBS };
            let what = format!("{} a {}", if is_look { "an observation at" } else { "a stimulus for" }, roles[0]);
            let names = all.iter().filter(|verb| roles.contains(&verb.party)).map(|verb| verb.name);
            self.stranger(Mistake::UnknownVerb, verb.span, &verb.value, &what, names);
            return None;
        }
        let with = match item.member("with") {
            Some(node) => self.arguments(node, &verb.value, arguments, is_private),
            None => Vec::new(),
        };
        let given = |argument: &&Argument| item.member("with").is_some_and(|node| node.member(argument.name).is_some());
        for argument in arguments.iter().filter(|argument| argument.required && !given(argument)) {
            let title = format!("\"{}\" needs `{}`", verb.value, argument.name);
            let expected = Want::Argument(argument.kind).describe();
            self.say(
                Mistake::MissingArgument,
                verb.span,
                title,
                format!("expected `with: {{ {}: … }}`", argument.name),
            )
            .notes
            .push(format!("`{}` is {expected}", argument.name));
        }
        Some(Act { party, verb, with })
    }

    fn arguments(
        &mut self,
        node: &Node,
        verb: &str,
        arguments: &[Argument],
        is_private: bool,
    ) -> Vec<(Spanned<String>, Pattern)> {
        let mut with = Vec::new();
        for (key, value) in self.map(node, "`with`").unwrap_or_default() {
            let want = match arguments.iter().find(|argument| argument.name == key.text) {
                Some(argument) => Want::Argument(argument.kind),
                None if is_private => Want::Free,
                None => {
                    let what = format!("an argument of \"{verb}\"");
                    let known = arguments.iter().map(|argument| argument.name);
                    self.stranger(Mistake::UnknownArgument, key.span, &key.text, &what, known);
                    continue;
                }
            };
            let name = Spanned { value: key.text.clone(), span: key.span };
            with.extend(self.pattern(value, &want).map(|pattern| (name, pattern)));
        }
        with
    }
}
