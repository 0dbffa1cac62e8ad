//! Calls and their answers.

use protocol::catalogue::{Catalogue, Kind, Message, Sender};
use protocol::{Role, Version, errors};

use super::pattern::words;
use super::{Mistake, Reader, Want};
use crate::ast::{Answer, Call, Party, Pattern, ReplyBranch, Spanned};
use crate::yaml::{Key, Node};

/// The keys of a call.
pub(super) const KEYS: [&str; 8] = ["fields", "reply", "error", "replies", "before reply", "unasked", "id", "invalid"];
const ANSWERS: [&str; 3] = ["reply", "error", "replies"];

/// The messages of an action, in the versions that have it.
type Messages = Vec<(Version, &'static Message)>;

impl Reader<'_> {
    /// `A -> B: Action` with its keys.
    pub(super) fn call(&mut self, key: &Key, value: &Node, item: &Node) -> Option<Call> {
        let parties = self.parties(key);
        let action = self.spanned(value, "the action");
        self.only_one(item, &ANSWERS);
        if let Some((result, _)) = item.members()?.iter().find(|(key, _)| key.text == "result error") {
            self.not_built(result.span, "`result error`");
        }
        let from = parties.as_ref().map(|(from, _)| from.value);
        // An action that does not exist is one that has to be refused.
        let is_refused = item.member("error").is_some();
        let messages = action.as_ref().map(|action| self.messages(action, from, is_refused)).unwrap_or_default();
        let answer_key = item.members()?.iter().find(|(key, _)| ANSWERS.contains(&key.text.as_str()));
        if let (Some((key, _)), true) = (answer_key, is_send(&messages)) {
            let title = "a SEND has no answer";
            self.say(Mistake::AnswerToSend, key.span, title, "this message is never answered");
        }
        self.invalid = item.member("invalid").and_then(|path| self.text(path, "the path")).map(str::to_owned);
        let request = request_of(&messages);
        self.message = action.as_ref().map(|action| action.value.clone()).unwrap_or_default();
        let fields = item.member("fields").and_then(|node| self.payload(node, &request));
        self.message = format!("the answer to {}", self.message);
        let answer = self.answer(item, &response_of(&messages));
        self.invalid = None;
        let before_reply = match item.member("before reply") {
            Some(node) => self.items(node, "`before reply`"),
            None => Vec::new(),
        };
        let (from, to) = parties?;
        Some(Call {
            from,
            to,
            action: action?,
            fields,
            answer,
            before_reply,
            unasked: item.member("unasked").and_then(|node| self.yes_or_no(node, "`unasked`")).unwrap_or(false),
            id: item.member("id").and_then(|node| self.pattern(node, &Want::Text)),
            invalid: item.member("invalid").and_then(|node| self.spanned(node, "the path")),
        })
    }

    /// The two parties of a key `A -> B`.
    pub(super) fn parties(&mut self, key: &Key) -> Option<(Spanned<Party>, Spanned<Party>)> {
        let arrow = key.text.find("->")?;
        let (left, right) = (key.text[..arrow].trim_end(), key.text[arrow + 2..].trim_start());
        let from = self.party(key, 0..left.len());
        let to = self.party(key, key.text.len() - right.len()..key.text.len());
        let (from, to) = (from?, to?);
        let is_pair = matches!(
            (from.value, to.value),
            (Party::Station, Party::Csms)
                | (Party::Csms, Party::Station)
                | (Party::Tester, Party::Device)
                | (Party::Device, Party::Tester)
        );
        if !is_pair {
            let title = "these two do not talk to each other";
            self.say(Mistake::UnknownParty, key.span, title, "expected station and csms, or tester and device");
            return None;
        }
        Some((from, to))
    }

    /// The messages of an action. Versions that lack it, or in which this party never sends it, are told.
    pub(super) fn messages(&mut self, action: &Spanned<String>, from: Option<Party>, is_refused: bool) -> Messages {
        let of = |version: Version| Catalogue::of(version).message(&action.value);
        let messages: Messages = self.versions.iter().filter_map(|version| Some((*version, of(*version)?))).collect();
        if is_refused {
            return messages;
        }
        let lacking: Vec<Version> = self.versions.iter().copied().filter(|version| of(*version).is_none()).collect();
        if let Some(version) = lacking.first() {
            let known = Catalogue::of(*version).messages().iter().map(|message| message.action.as_str());
            let what = format!("an action of {}", words(&lacking));
            let help = self.for_some(&lacking, self.versions.len());
            let found = self.stranger(Mistake::UnknownAction, action.span, &action.value, &what, known);
            found.help = help.or(found.help.take());
        }
        let sends = |message: &Message| match from {
            Some(Party::Station) => message.from.includes(Role::Station),
            Some(Party::Csms) => message.from.includes(Role::Csms),
            Some(Party::Tester | Party::Device) => message.from == Sender::Both,
            None => true,
        };
        if let Some((version, _)) = messages.iter().find(|(_, message)| !sends(message)) {
            let title = match from {
                Some(Party::Tester | Party::Device) => {
                    format!("{} is not sent in both directions", action.value)
                }
                Some(Party::Station) => format!("a station never sends {} in {version}", action.value),
                _ => format!("a CSMS never sends {} in {version}", action.value),
            };
            self.say(Mistake::WrongDirection, action.span, title, "wrong direction");
        }
        messages
    }

    /// A payload, read by the fields of the message.
    pub(super) fn payload(&mut self, node: &Node, want: &Want) -> Option<Pattern> {
        let outer = std::mem::take(&mut self.path);
        let pattern = match node.kind {
            crate::yaml::NodeKind::Map(_) => self.pattern(node, want),
            _ => {
                self.wrong_shape(node, "fields are a map", "a map of fields");
                None
            }
        };
        self.path = outer;
        pattern
    }

    /// The answer that an item or a branch of `replies` asks for.
    fn answer(&mut self, node: &Node, response: &Want) -> Answer {
        if let Some(reply) = node.member("reply") {
            return match reply.scalar() {
                Some("none") => Answer::Nothing(reply.span),
                _ => self.payload(reply, response).map_or(Answer::AnyResult, Answer::Reply),
            };
        }
        if let Some(codes) = node.member("error") {
            return Answer::Error(self.error_codes(codes), codes.span);
        }
        let Some(replies) = node.member("replies") else { return Answer::AnyResult };
        let mut branches = Vec::new();
        for branch in self.list(replies, "`replies`").unwrap_or_default() {
            if !self.has_keys(branch, "a branch of `replies`", &["reply", "error", "then", "when", "warn"]) {
                continue;
            }
            self.only_one(branch, &["reply", "error"]);
            if branch.member("reply").is_none() && branch.member("error").is_none() {
                let title = "a branch of `replies` without an answer";
                self.say(Mistake::MissingKey, branch.span, title, "needs `reply` or `error`");
            }
            let when = branch.member("when").map(|when| self.when(when)).unwrap_or_default();
            let (answer, then) = self.narrowed(&when, |reader| {
                let answer = reader.answer(branch, response);
                let invalid = reader.invalid.take();
                let then = branch.member("then").map(|then| reader.items(then, "`then`")).unwrap_or_default();
                reader.invalid = invalid;
                (answer, then)
            });
            let warn = branch.member("warn").and_then(|warn| self.spanned(warn, "the warning"));
            branches.push(ReplyBranch { span: branch.span, answer, then, when, warn });
        }
        Answer::Replies(branches)
    }

    /// `CODE`, a list of them, or `any`.
    pub(super) fn error_codes(&mut self, node: &Node) -> Vec<Spanned<String>> {
        if node.scalar() == Some("any") {
            return Vec::new();
        }
        let codes = self.texts(node, "the error code");
        for code in &codes {
            let is_known = self.versions.iter().any(|version| errors::codes(*version).contains(&code.value.as_str()));
            if is_known {
                continue;
            }
            let versions = self.versions.clone();
            let spelling = versions.iter().find_map(|version| errors::own_spelling(*version, &code.value));
            let known = versions.iter().flat_map(|version| errors::codes(*version)).copied();
            let what = format!("an error code of {}", words(&versions));
            let found = self.stranger(Mistake::UnknownErrorCode, code.span, &code.value, &what, known);
            if let Some(spelling) = spelling {
                found.help = Some(format!("it is spelt `{spelling}` here"));
            }
        }
        codes
    }
}

pub(super) fn request_of(messages: &Messages) -> Want {
    if messages.is_empty() {
        return Want::Free;
    }
    Want::payload(messages.iter().map(|(version, message)| (*version, &*message.request)))
}

fn response_of(messages: &Messages) -> Want {
    let responses: Vec<_> =
        messages.iter().filter_map(|(version, message)| Some((*version, message.response()?))).collect();
    if responses.is_empty() { Want::Free } else { Want::payload(responses) }
}

fn is_send(messages: &Messages) -> bool {
    messages.iter().any(|(_, message)| message.kind == Kind::Send)
}
