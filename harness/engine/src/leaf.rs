//! A step of a plan, projected on the side we play.

use std::sync::Arc;

use protocol::Timestamp;
use script::Procedure;
use script::ast::{Act, Call, ConnectionOptions, DurationExpr, Ending, Invocation, RawText, Rule, Spanned, Within};
use serde_json::Value;
use verdict::{Diagnostic, Source, Span};

use crate::program::Condition;
use crate::scope::ScopeId;
use crate::tree::Node;

/// A step with its place in a file and in time.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// The file it stands in.
    pub source: Arc<Source>,
    /// Its first line there.
    pub span: Span,
    /// The names it reads and binds.
    pub scope: ScopeId,
    /// What it is.
    pub kind: LeafKind,
    /// Its deadline; the step time-out of the rig if absent.
    pub within: Option<Arc<Within>>,
    /// How long our own next item waits for it if it is optional.
    pub grace: Option<Arc<DurationExpr>>,
    /// A name for the time of its last event.
    pub mark: Option<String>,
    /// Its absence is a warning with this text.
    pub warn: Option<String>,
    /// What the device breaks if it does not do as written.
    pub rules: Arc<[Rule]>,
    /// When the front reached it.
    pub reached: Option<Timestamp>,
}

/// What a step is, seen from the side we play.
#[derive(Clone, Debug)]
pub enum LeafKind {
    /// We call.
    OwnCall(Arc<CallStep>),
    /// A CSMS under test is asked for a call, which then becomes [`LeafKind::DeviceCall`].
    AskForCall(Arc<CallStep>),
    /// The device calls.
    DeviceCall(Arc<CallStep>),
    /// The device answers our call.
    AnswerOfDevice(Arc<Asked>),
    /// We answer a call of the device, after what had to happen before.
    OwnAnswer(Arc<Pending>),
    /// Something is done to a party that we play.
    OwnAct(Arc<Act>),
    /// Something is done to the device.
    Stimulus(Arc<Act>),
    /// Something is looked at outside the wire.
    Look(Arc<Act>),
    /// Our station connects.
    OwnConnect(Arc<ConnectionOptions>),
    /// The station under test connects.
    DeviceConnect(Arc<ConnectionOptions>),
    /// We end the link.
    OwnDrop(Option<Ending>),
    /// The device ends the link.
    DeviceDrop(Option<Ending>),
    /// We cut the link and allow no other until [`LeafKind::GoOnline`].
    GoOffline(Option<Ending>),
    /// Connections are possible again.
    GoOnline,
    /// We send raw text.
    OwnText(Arc<RawText>),
    /// The device reacts to raw text.
    Reaction(Arc<Reaction>),
    /// A named check over the trace so far.
    Check(Arc<Invocation>),
    /// What cannot be said in steps.
    Procedure(Procedure),
    /// A name for this moment.
    Mark(Spanned<String>),
    /// A branch was taken that is only tolerated.
    Tolerated,
    /// The end of a segment: an item of ours like any other.
    End,
    /// Only a place in the file, for blocks.
    Place,
}

/// A call as written, with what belongs to it projected.
#[derive(Clone, Debug)]
pub struct CallStep {
    /// As written.
    pub call: Call,
    /// What happens between request and answer.
    pub before: Node,
    /// What follows each answer of `replies`, in their order.
    pub then: Vec<Node>,
    /// Whether a CSMS under test would be asked for it.
    pub asked: bool,
    /// Conditions of each answer of `replies`.
    pub when: Vec<Vec<Condition>>,
}

/// A call of ours that waits for its answer.
#[derive(Clone, Debug)]
pub struct Asked {
    /// As written.
    pub step: Arc<CallStep>,
    /// Its message id.
    pub id: String,
    /// What was sent.
    pub request: Value,
}

/// A call of the device that waits for our answer.
#[derive(Clone, Debug)]
pub struct Pending {
    /// As written.
    pub step: Arc<CallStep>,
    /// Its message id.
    pub id: String,
    /// What the device sent.
    pub request: Value,
}

/// Raw text of ours that waits for a reaction.
#[derive(Clone, Debug)]
pub struct Reaction {
    /// As written.
    pub text: Arc<RawText>,
    /// The message id in it, if it has one.
    pub id: String,
}

impl Leaf {
    /// Whether it is the device's to do.
    pub fn is_of_device(&self) -> bool {
        matches!(
            self.kind,
            LeafKind::DeviceCall(_)
                | LeafKind::AnswerOfDevice(_)
                | LeafKind::DeviceConnect(_)
                | LeafKind::DeviceDrop(_)
                | LeafKind::Reaction(_)
        )
    }

    /// Whether it is an awaited answer: what stands behind it may cross it.
    pub fn is_answer_of_device(&self) -> bool {
        matches!(self.kind, LeafKind::AnswerOfDevice(_))
    }

    /// Whether it is a call that a CSMS under test was asked for.
    pub fn is_asked_of_csms(&self) -> bool {
        matches!(&self.kind, LeafKind::DeviceCall(step) if step.asked)
    }

    /// The same place with something else to do there.
    #[must_use]
    pub fn becomes(&self, kind: LeafKind) -> Leaf {
        Leaf { kind, reached: None, ..self.clone() }
    }

    /// Points a diagnostic at it.
    pub fn blame(&self, diagnostic: Diagnostic, text: impl Into<String>) -> Diagnostic {
        diagnostic.at(&self.source, self.span, text)
    }

    /// The line it stands in, from 1.
    pub fn line(&self) -> usize {
        self.span.line_and_column(&self.source.text).0
    }

    /// Its first line as written, for messages.
    pub fn heading(&self) -> &str {
        self.source.text.get(self.span.start..self.span.end).unwrap_or("").trim_end_matches(':')
    }
}
