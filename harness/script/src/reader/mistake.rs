//! The kinds of mistake that reading can find, and how each is said.

use verdict::{Diagnostic, Span};

use super::Reader;
use crate::yaml::MOST_MISTAKES;

/// Declares the kinds with their codes and what `plugfest explain` says about them.
macro_rules! mistakes {
    ($($name:ident $code:literal $explanation:literal)*) => {
        /// A kind of mistake in a case file.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Mistake {
            $(#[doc = $explanation] $name,)*
        }

        impl Mistake {
            /// Every kind.
            pub const ALL: &[Mistake] = &[$(Mistake::$name),*];

            /// The stable code of its diagnostics.
            pub fn code(self) -> &'static str {
                match self { $(Mistake::$name => $code),* }
            }

            /// What it means.
            pub fn explanation(self) -> &'static str {
                match self { $(Mistake::$name => $explanation),* }
            }
        }
    };
}

mistakes! {
    Yaml "yaml" "The file is not YAML, or longer or deeper than a case can be."
    YamlFeature "yaml-feature" "Anchors, aliases, tags and keys that are not text are not part of the language."
    DuplicateKey "duplicate-key" "A key stands twice in one map."
    NotACase "not-a-case" "A file holds a case, a state, a memory or a phrase, and its first key says which."
    MissingKey "missing-key" "A key that must be there is not."
    UnknownKey "unknown-key" "A key that does not belong here."
    WrongShape "wrong-shape" "A text, a list or a map where something else is wanted."
    BadName "bad-name" "An id, or a name or reference that is not written as one."
    UnknownVersion "unknown-version" "A version of OCPP that is none of 1.6, 2.0.1 and 2.1."
    UnknownParty "unknown-party" "A party that is not in the conversation, or two that cannot talk to each other."
    UnknownStep "unknown-step" "An item whose first key is none of the steps and blocks of the language."
    TwoSteps "two-steps" "Two steps in one item; each begins with a dash of its own."
    UnknownAction "unknown-action" "An action that a version of the case does not have."
    WrongDirection "wrong-direction" "An action that this party never sends."
    AnswerToSend "answer-to-send" "A SEND has no answer."
    UnknownField "unknown-field" "A field that the message does not have in a version of the case."
    UnknownValue "unknown-value" "A word that is not in the list of words allowed here."
    WrongType "wrong-type" "A value that is not of the type of its place."
    OutOfBounds "out-of-bounds" "A value that is too long, too short, too small or too large for its place."
    UnknownOperator "unknown-operator" "A key beginning with $ that is no operator of patterns, or one that does not fit here."
    BadExpression "bad-expression" "A regular expression that cannot be read."
    UnknownVerb "unknown-verb" "A stimulus or an observation that is not in the list."
    UnknownArgument "unknown-argument" "An argument that a verb or a part does not take."
    MissingArgument "missing-argument" "An argument without which a verb or a part cannot be."
    UnknownCheck "unknown-check" "A named check or kind that is not in the list."
    UnknownProcedure "unknown-procedure" "A procedure that is not in the list."
    UnknownCapability "unknown-capability" "A capability that is not in the list."
    UnknownStatement "unknown-statement" "A statement that is not in the catalogue, or not of a version of the case."
    UnknownOfficialId "unknown-official-id" "An official case that does not exist for a version of the case."
    UnknownConfiguration "unknown-configuration" "A configuration key or variable that a version of the case does not have."
    UnknownErrorCode "unknown-error-code" "An error code that no version of the case has."
    BadTime "bad-time" "A length of time that is neither written as one, nor a class of time, nor a name."
    BadCount "bad-count" "A count or a range that cannot be read."
    Contradiction "contradiction" "Keys that exclude each other."
    NotBuilt "not-built" "A part of the language that is defined, but not built yet."
    DuplicateId "duplicate-id" "Two cases, or two parts of a kind, with one name for one version."
    UnknownPart "unknown-part" "A state, memory or phrase that does not exist for a version of its user."
    Recursion "recursion" "A part that leads to itself."
}

impl Reader<'_> {
    /// A mistake at a place, with what is to be said there.
    pub(super) fn say(
        &mut self,
        mistake: Mistake,
        span: Span,
        title: impl Into<String>,
        label: impl Into<String>,
    ) -> &mut Diagnostic {
        if self.found.len() >= MOST_MISTAKES {
            return &mut self.untold;
        }
        let at = self.found.len();
        self.found.push(Diagnostic::error(mistake.code(), title).at(self.source, span, label));
        &mut self.found[at]
    }

    /// A word that is not known, with the one that was probably meant, or all that are known if they are few.
    pub(super) fn stranger<'k>(
        &mut self,
        mistake: Mistake,
        span: Span,
        word: &str,
        what: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) -> &mut Diagnostic {
        if self.found.len() >= MOST_MISTAKES {
            return &mut self.untold;
        }
        let known: Vec<&str> = known.into_iter().collect();
        let meant = protocol::catalogue::suggest(word, known.iter().copied());
        let help = did_you_mean(meant).or_else(|| listed(&known));
        let found = self.say(mistake, span, format!("\"{word}\" is not {what}"), "not known");
        found.help = help;
        found
    }

    /// Something that the language has and this program has not.
    pub(super) fn not_built(&mut self, span: Span, what: &str) {
        self.say(Mistake::NotBuilt, span, format!("{what}: not built yet"), "part of the language, but not built yet");
    }
}

pub(crate) fn did_you_mean(word: Option<&str>) -> Option<String> {
    word.map(|word| format!("did you mean `{word}`?"))
}

/// The words of a list that is short enough to be read.
pub(super) fn listed(known: &[&str]) -> Option<String> {
    match known.len() {
        0 | 25.. => None,
        _ => Some(format!("known are {}", known.join(", "))),
    }
}
