//! The case language as data: what the reader makes of a file, and what checker, formatter, diagrams and player read.
//!
//! Scalars are decoded by the type that their place wants; every node keeps its place in the file.

use std::sync::Arc;
use std::time::Duration;

use protocol::{Role, Version};
use serde_json::Value;
use verdict::{Source, Span};

use crate::Procedure;

/// A value with its place in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

/// What a file holds.
#[derive(Clone, Debug)]
pub enum Document {
    /// `case:`
    Case(Arc<Case>),
    /// `state:`, `memory:` or `phrase:`
    Part(Arc<Part>),
}

/// A test case.
#[derive(Clone, Debug)]
pub struct Case {
    /// The file.
    pub source: Arc<Source>,
    /// Its id, unique in the catalogue.
    pub id: Spanned<String>,
    /// One sentence.
    pub title: Spanned<String>,
    /// The versions it is for.
    pub versions: Vec<Spanned<Version>>,
    /// The only side the device may have; both if absent.
    pub device: Option<Spanned<Role>>,
    /// Official ids; those that end in `_CS` count when the station is the device, `_CSMS` when the CSMS is.
    pub certifies: Vec<Spanned<String>>,
    /// Statements of the specification it proves.
    pub traces: Vec<Spanned<String>>,
    /// Capabilities the device must claim.
    pub requires: Requires,
    /// Where the session is when the steps begin.
    pub begin: Begin,
    /// Configuration set before the case.
    pub configure: Vec<Configure>,
    /// Stored data made before the case.
    pub remember: Vec<Invocation>,
    /// Names for things of the rig, and constants.
    pub given: Vec<Given>,
    /// What may happen beside the steps.
    pub background: Background,
    /// The choreography; empty where there is a procedure.
    pub steps: Vec<Item>,
    /// What is done instead of steps.
    pub procedure: Option<Spanned<Procedure>>,
}

/// A reusable piece: items under a name.
#[derive(Clone, Debug)]
pub struct Part {
    /// The file.
    pub source: Arc<Source>,
    /// State, memory or phrase.
    pub kind: PartKind,
    /// Its name.
    pub name: Spanned<String>,
    /// One sentence.
    pub title: Spanned<String>,
    /// The versions it is for.
    pub versions: Vec<Spanned<Version>>,
    /// Capabilities the device must claim.
    pub requires: Requires,
    /// The state it starts in (states only).
    pub from: Option<Begin>,
    /// Its parameters.
    pub params: Vec<Param>,
    /// Names that reach the caller.
    pub gives: Vec<Spanned<String>>,
    /// The items.
    pub steps: Vec<Item>,
}

/// What a part is used as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartKind {
    /// Where a session is; runs only if the device is not already there.
    State,
    /// Stored data, made before the case and undone after.
    Memory,
    /// Items put where `run:` stands.
    Phrase,
}

/// Capabilities wanted of the device, for either side.
#[derive(Clone, Debug, Default)]
pub struct Requires {
    /// When the station is the device.
    pub station: Vec<Spanned<Capability>>,
    /// When the CSMS is the device.
    pub csms: Vec<Spanned<Capability>>,
}

/// `CAP` or `not CAP`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Its name.
    pub name: String,
    /// Whether it must be denied.
    pub negated: bool,
}

/// The state a case or state begins in.
#[derive(Clone, Debug)]
pub enum Begin {
    /// No link is presumed.
    Nothing,
    /// This state, reached first.
    State(Invocation),
}

/// The use of a part: a name with arguments.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The part.
    pub name: Spanned<String>,
    /// Arguments by parameter name. Decoded by the parameter's type once parts are known; until then
    /// plain scalars are strings.
    pub with: Vec<(Spanned<String>, Pattern)>,
    /// `as: { given name: name here }`
    pub rename: Vec<(Spanned<String>, Spanned<String>)>,
}

/// A configuration key with the value a case wants.
#[derive(Clone, Debug)]
pub struct Configure {
    /// A 1.6 key, or for 2.x a short name or `Component.Variable[instance]`.
    pub key: Spanned<String>,
    /// The value, as text or a name.
    pub value: Pattern,
    /// Without it the case is not applicable.
    pub required: bool,
}

/// A name for the whole case.
#[derive(Clone, Debug)]
pub struct Given {
    /// The name.
    pub name: Spanned<String>,
    /// What it stands for.
    pub source: GivenSource,
}

/// Where a given name gets its value.
#[derive(Clone, Debug)]
pub enum GivenSource {
    /// A path of the rig, without `rig.`: `tags.valid`, `connector`.
    Rig(Spanned<String>),
    /// A constant of a type.
    Constant(ConstantType, Spanned<Value>),
}

/// The type of a constant. Durations are kept as a number of seconds, times as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConstantType {
    /// A whole number.
    Integer,
    /// A number.
    Decimal,
    /// Text.
    String,
    /// True or false.
    Boolean,
    /// A moment.
    Time,
    /// A length of time.
    Duration,
}

/// A parameter of a part.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name.
    pub name: Spanned<String>,
    /// What it is when the caller says nothing; a path of the rig or a constant. Absent: the caller must say.
    pub default: Option<GivenSource>,
    /// Its type where it has no default.
    pub kind: Option<ConstantType>,
}

/// What may happen beside the steps.
#[derive(Clone, Debug)]
pub enum Background {
    /// The version's default list with these changes.
    Default {
        /// `+Action`
        added: Vec<Spanned<String>>,
        /// `-Action`
        removed: Vec<Spanned<String>>,
    },
    /// Nothing at all.
    None,
}

/// A step or a block, with what every item may have.
#[derive(Clone, Debug)]
pub struct Item {
    /// The whole item.
    pub span: Span,
    /// Its first line's key: `station -> csms: Authorize`, `any order`.
    pub head: Span,
    /// Conditions under which it is there; all must hold.
    pub when: Vec<When>,
    /// How often: `(1, Some(1))` by default, `optional` is `(0, Some(1))`, no upper bound is `None`.
    pub repeat: Repeat,
    /// Its deadline.
    pub within: Option<Within>,
    /// How long we wait for optional items before it.
    pub grace: Option<DurationExpr>,
    /// A name for the time of its last event.
    pub mark: Option<Spanned<String>>,
    /// It is only recommended.
    pub warn: Option<Spanned<String>>,
    /// What is broken if the device does not do it as written; what stands in a block holds for its items.
    pub rules: Vec<Rule>,
    /// What it is.
    pub kind: ItemKind,
}

/// Statements that a device breaks at an item, in whatever way or in one field.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The field of the message of the device: `idTagInfo.status`; empty: everything that no other rule is about.
    pub field: String,
    /// The statements; those of the other side or of another version do not count.
    pub statements: Vec<Spanned<String>>,
}

/// How often an item comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// At least.
    pub min: u32,
    /// At most.
    pub max: u32,
}

/// The closed list of steps and blocks.
#[derive(Clone, Debug)]
pub enum ItemKind {
    /// `A -> B: Action`
    Call(Box<Call>),
    /// `at PARTY: verb`
    At(Act),
    /// `look at PARTY: observation`
    Look(Act),
    /// `station connects`, `station drops`, `csms drops`, `station reconnects`
    Connection(Box<Connection>),
    /// `PARTY sends text: '…'`
    Text(Box<RawText>),
    /// `run: PHRASE`
    Run(Invocation),
    /// `check: NAME`
    Check(Invocation),
    /// `steps: […]`
    Steps(Vec<Item>),
    /// `any order: […]`
    AnyOrder(Vec<Item>),
    /// `one of: […]`
    OneOf(Vec<Item>),
    /// `for each: { n: rig.LIST }` with `steps`
    ForEach {
        /// The name of the element.
        name: Spanned<String>,
        /// The list: a path of the rig, without `rig.`.
        list: Spanned<String>,
        /// The items.
        steps: Vec<Item>,
    },
    /// `never: […]` with `for` or `during`
    Never {
        /// What must not happen.
        events: Vec<Forbidden>,
        /// How long.
        scope: Scope,
    },
    /// `quiet: D`
    Quiet(DurationExpr),
    /// `offline: […]` and `station reconnects` (with no items)
    Offline(Vec<Item>, Box<ConnectionOptions>),
}

/// A party by its role, or the tester and the device where a case says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Party {
    /// The station.
    Station,
    /// The CSMS.
    Csms,
    /// Whoever we play.
    Tester,
    /// The device under test.
    Device,
}

/// A call with its answer, or a SEND.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who calls.
    pub from: Spanned<Party>,
    /// Who answers.
    pub to: Spanned<Party>,
    /// The action; may be one that the catalogue does not know only with `error`.
    pub action: Spanned<String>,
    /// The pattern of the request; no constraint if absent.
    pub fields: Option<Pattern>,
    /// The answer.
    pub answer: Answer,
    /// What happens between request and answer.
    pub before_reply: Vec<Item>,
    /// Sent by a CSMS by itself; never asked for.
    pub unasked: bool,
    /// The message id.
    pub id: Option<Pattern>,
    /// The one field of ours that breaks the schema on purpose: a path such as `idTagInfo.status`.
    pub invalid: Option<Spanned<String>>,
}

/// How a call is answered.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Any valid result.
    AnyResult,
    /// This result.
    Reply(Pattern),
    /// No answer at all.
    Nothing(Span),
    /// An error with one of these codes; any if there are none.
    Error(Vec<Spanned<String>>, Span),
    /// The answering party chooses.
    Replies(Vec<ReplyBranch>),
}

/// One of several answers.
#[derive(Clone, Debug)]
pub struct ReplyBranch {
    /// Its place.
    pub span: Span,
    /// `Reply`, `Error` or `Nothing`.
    pub answer: Answer,
    /// What follows at once.
    pub then: Vec<Item>,
    /// Conditions.
    pub when: Vec<When>,
    /// Taking it is a warning, and we never take it.
    pub warn: Option<Spanned<String>>,
}

/// A stimulus or an observation.
#[derive(Clone, Debug)]
pub struct Act {
    /// To whom.
    pub party: Spanned<Party>,
    /// The verb.
    pub verb: Spanned<String>,
    /// Its arguments, decoded by the verb's types (a duration is a number of seconds).
    pub with: Vec<(Spanned<String>, Pattern)>,
}

/// A connection event.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Which.
    pub event: ConnectionEvent,
    /// With what.
    pub options: ConnectionOptions,
}

/// The connection events that are steps of their own (`station reconnects` is [`ItemKind::Offline`] without items).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionEvent {
    /// The next handshake of the station.
    StationConnects,
    /// The station ends the link.
    StationDrops,
    /// The CSMS ends the link.
    CsmsDrops,
}

/// Options of a connection event.
#[derive(Clone, Debug, Default)]
pub struct ConnectionOptions {
    /// How the link is ended; any if absent.
    pub how: Option<Spanned<Ending>>,
    /// The identity: `rig`, `unknown` or a name.
    pub identity: Option<Pattern>,
    /// The password: `rig`, `wrong`, `none` or a name.
    pub password: Option<Pattern>,
    /// The subprotocols offered by the station.
    pub offers: Option<Spanned<Vec<String>>>,
    /// The subprotocol answered by the CSMS; `None` inside: no header.
    pub answers: Option<Spanned<Option<String>>>,
    /// What comes of it.
    pub outcome: Option<Spanned<Outcome>>,
    /// HTTP codes that go with `refused by csms`.
    pub http: Vec<u16>,
}

/// How a link is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With a close frame.
    Close,
    /// Without.
    Cut,
}

/// What comes of a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An open link.
    Open,
    /// The station turns away.
    RefusedByStation,
    /// The CSMS refuses.
    RefusedByCsms,
    /// The CSMS completes the handshake and closes.
    ClosedByCsms,
}

/// Raw text sent by an own party.
#[derive(Clone, Debug)]
pub struct RawText {
    /// Who sends.
    pub from: Spanned<Party>,
    /// The text, with `${id}` and `${names}`.
    pub text: Pattern,
    /// What the receiver may do.
    pub outcome: Vec<TextOutcome>,
}

/// One of the things a receiver may do with raw text.
#[derive(Clone, Debug)]
pub struct TextOutcome {
    /// Its place.
    pub span: Span,
    /// What.
    pub kind: TextOutcomeKind,
    /// Conditions.
    pub when: Vec<When>,
    /// Allowed, but a warning.
    pub warn: Option<Spanned<String>>,
}

/// The kinds of [`TextOutcome`].
#[derive(Clone, Debug, PartialEq)]
pub enum TextOutcomeKind {
    /// Nothing comes.
    Ignored,
    /// A result.
    Answered,
    /// An error with one of these codes, any if empty.
    Error(Vec<String>),
    /// The link is closed with one of these codes, any if empty.
    Closed(Vec<u16>),
    /// The link ends without a close code.
    Cut,
}

/// Something that must not happen.
#[derive(Clone, Debug)]
pub struct Forbidden {
    /// Its place.
    pub span: Span,
    /// What.
    pub kind: ForbiddenKind,
}

/// The kinds of [`Forbidden`].
#[derive(Clone, Debug)]
pub enum ForbiddenKind {
    /// A call; any action if `None`.
    Call {
        /// Who calls.
        from: Party,
        /// The action.
        action: Option<String>,
        /// The fields it must match.
        fields: Option<Pattern>,
    },
    /// That party ends the link.
    Drops(Party),
}

/// How long a `never` is in force.
#[derive(Clone, Debug)]
pub enum Scope {
    /// For a time.
    For(DurationExpr),
    /// As long as these items run.
    During(Vec<Item>),
}

/// A condition.
#[derive(Clone, Debug)]
pub enum When {
    /// A capability of the party that acts.
    Capability(Spanned<Capability>),
    /// A configuration value of the station, as text.
    Config(Spanned<String>, Pattern),
    /// The version played.
    Version(Vec<Spanned<Version>>),
    /// A bound name.
    Name(Spanned<NameRef>, Pattern),
}

/// A deadline.
#[derive(Clone, Debug)]
pub struct Within {
    /// Its place.
    pub span: Span,
    /// Not before.
    pub lower: Option<DurationExpr>,
    /// Not after; the default step time on top of `lower` if absent.
    pub upper: Option<DurationExpr>,
    /// Counted from this mark instead of from when the item was reached.
    pub of: Option<Spanned<String>>,
}

/// A length of time.
#[derive(Clone, Debug)]
pub enum DurationExpr {
    /// `30s`, `500ms`.
    Fixed(Duration),
    /// A class of the rig: `reply`, `step`, `operator`, `reconnect`, `reboot`, `transfer`, `clock`.
    Class(Spanned<String>),
    /// `$interval`, `$interval + 5s`.
    Name(Spanned<NameRef>),
}

/// `$name.part + constant`, or `now`.
#[derive(Clone, Debug, PartialEq)]
pub struct NameRef {
    /// The name; `now` is the moment.
    pub root: String,
    /// Parts of a record.
    pub parts: Vec<String>,
    /// A constant added.
    pub plus: Option<Offset>,
}

/// A constant added to a name.
#[derive(Clone, Debug, PartialEq)]
pub enum Offset {
    /// A number.
    Number(serde_json::Number),
    /// A length of time, in microseconds; negative when subtracted.
    Micros(i64),
}

/// A pattern: a matcher when the device sends, a generator when we do.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// Its place.
    pub span: Span,
    /// What it is.
    pub kind: PatternKind,
}

/// The kinds of [`Pattern`].
#[derive(Clone, Debug)]
pub enum PatternKind {
    /// A value, decoded by the type of its place.
    Literal(Value),
    /// `$name`
    Name(NameRef),
    /// Text with names inside: `"v-${name}"`.
    Text(Vec<TextPart>),
    /// `{ a: P, … }`: a subset.
    Object(Vec<(Spanned<String>, Pattern)>),
    /// `[P, Q]`: exactly these.
    List(Vec<Pattern>),
    /// One or more operators; all hold.
    Operators(Vec<Operator>),
}

/// A piece of text.
#[derive(Clone, Debug)]
pub enum TextPart {
    /// As it stands.
    Literal(String),
    /// A name's text.
    Name(NameRef),
}

/// An operator of a pattern.
#[derive(Clone, Debug)]
pub struct Operator {
    /// Its place (key and value).
    pub span: Span,
    /// Which.
    pub kind: OperatorKind,
}

/// The closed list of operators.
#[derive(Clone, Debug)]
pub enum OperatorKind {
    /// `$bind: n`
    Bind(Spanned<String>),
    /// `$present: true`
    Present,
    /// `$absent: true`
    Absent,
    /// `$maybe: P`
    Maybe(Pattern),
    /// `$oneOf: [P…]`
    OneOf(Vec<Pattern>),
    /// `$not: P`
    Not(Pattern),
    /// `$min: P`
    Min(Pattern),
    /// `$max: P`
    Max(Pattern),
    /// `$length: n` or `a..b`
    Length(usize, Option<usize>),
    /// `$matches: REGEX`
    Matches(Spanned<String>),
    /// `$near: T`
    Near(Pattern),
    /// `$next: c` with `$from: k`
    Next(Spanned<String>, Option<Pattern>),
    /// `$each: P`
    Each(Pattern),
    /// `$contains: [P…]`
    Contains(Vec<Pattern>),
    /// `$unordered: [P…]`
    Unordered(Vec<Pattern>),
    /// `$number: P`
    Number(Pattern),
    /// `$csv: P`
    Csv(Pattern),
    /// `$json: P`
    Json(Pattern),
    /// `$is: KIND` with `$with: {…}`
    Is(Spanned<String>, Vec<(Spanned<String>, Pattern)>),
}

impl Case {
    /// Whether it can be played against a device of this side.
    pub fn is_for(&self, device: Role) -> bool {
        self.device.as_ref().is_none_or(|only| only.value == device)
    }
}

impl Party {
    /// The side of this party when the device has that side.
    pub fn role(self, device: Role) -> Role {
        match self {
            Party::Station => Role::Station,
            Party::Csms => Role::Csms,
            Party::Tester => device.other(),
            Party::Device => device,
        }
    }
}

impl Repeat {
    /// Exactly once.
    pub const ONCE: Repeat = Repeat { min: 1, max: 1 };
}
