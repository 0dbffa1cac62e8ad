//! What is wrong with a case that could be read and linked: the promises that player and judge rely on before
//! anything runs.
//!
//! Each document is looked at as the player will see it, once for every version and side it is for; each finding is
//! said once. Where the rule of the language would be too heavy, it is narrowed here:
//!
//! - A name is *bound on every path* also where the item that binds it stands under the same condition.
//! - *Known to the device*: everything of the rig is a fact about the device, save the tags for a station, which it
//!   sees only when they are presented, sent or remembered. Bounds (`$min`, `$max`, `$near`, `$not`) demand no
//!   knowledge.
//! - A choice that mixes stimuli, asked calls and calls of ours is one decider: us.
//! - Two messages swap only where the first was not refused, for then the second is its effect, and only where no other
//!   of the second's kind came before.
//! - Children of `any order` do not see what others bind, but the device may know what any of them told it.
//! - Two children of `any order` written the same way may take each other's message.
//! - A report that carries the id of our request is no background action to a counter.
//! - A second call of ours while one is unanswered cannot be written: the player waits for the answer, and children of
//!   `any order` take turns.
//! - Only stimuli whose effect a station tells (a cable, a token, a fault) want a message before the next CSMS call.

mod answers;
mod claims;
mod conditions;
mod connections;
mod counters;
mod deciders;
mod fillable;
mod fronts;
mod names;
mod overlap;
mod parts;
pub(crate) mod report;
mod rules;
mod stimuli;
mod tree;

use std::sync::Arc;

use protocol::{Role, Version};
use verdict::{Diagnostic, Source, Span};

use self::names::Usage;
use self::parts::Used;
use self::report::Report;
use self::tree::Projection;
use crate::Library;
use crate::ast::{Case, Document, Part};

/// The codes of all findings, each with what it means.
pub const CODES: [(&str, &str); 26] = [
    ("ambiguous-front", "one message of the device can be meant by two items that may come next"),
    ("background-counter", "a counter follows an action that may also come beside the steps"),
    ("effect-unseen", "a CSMS call follows a stimulus at the station with no message that shows its effect"),
    ("empty-branch", "a branch of one of may be empty"),
    ("invalid-by-device", "invalid names a field that the device sends"),
    ("invalid-is-valid", "invalid names a field that does not break the schema"),
    ("length-unknown", "a quiet time depends on what only the run will tell"),
    ("may-swap", "two messages with independent causes stand in one order"),
    ("message-offline", "a message or connection event inside offline"),
    ("never-true", "a condition that can never hold"),
    ("never-valid", "a pattern for the device that no valid message fits"),
    ("no-decider", "branches of one of are begun by different parties"),
    ("no-traces", "a case without traces"),
    ("only-warnings", "every branch of a choice of ours has warn"),
    ("rule-not-binding", "a rule that is not demanded, at a step whose absence is a failure"),
    ("rule-untraced", "a rule of a step that is not among the traces of the case"),
    ("sends-invalid", "a message of ours breaks the schema, or not only where invalid says"),
    ("status-open", "the answer has a required status and the case does not say which"),
    ("text-by-device", "raw text sent by the device"),
    ("too-long", "with everything put in, the document has more items than anybody could play"),
    ("unbound-name", "a name is read that is not bound on every path to it"),
    ("unknowable", "the device must say what it cannot know"),
    ("unseen-option", "a connection option of the device that cannot be set"),
    ("unused-name", "a name is made and never read"),
    ("unused-part", "a part that no case comes to"),
    ("wrong-device", "an official id of the side that the case is never played against"),
];

/// Everything that is wrong with a library, by file and place.
pub fn check(library: &Library) -> Vec<Diagnostic> {
    let mut report = Report::default();
    library.cases().iter().for_each(|case| check_case(library, case, &mut report));
    let users = Users::of(library);
    library.parts().iter().for_each(|part| check_part(library, part, &users, &mut report));
    parts::unused(library, &mut report);
    report.finish()
}

/// What is wrong with one document, with the parts of a library at hand. Whether anybody uses a part is for
/// [`check`].
pub fn check_document(library: &Library, document: &Document) -> Vec<Diagnostic> {
    let mut report = Report::default();
    match document {
        Document::Case(case) => check_case(library, case, &mut report),
        Document::Part(part) => check_part(library, part, &Users::of(library), &mut report),
    }
    report.finish()
}

fn check_case(library: &Library, case: &Case, report: &mut Report) {
    claims::claims(case, report);
    conditions::of_case(case, report);
    rules::of_case(case, report);
    let mut usage = Usage::default();
    for (version, device) in views(&case.versions) {
        if case.is_for(device) {
            let projection = Projection::of_case(library, case, version, device);
            if projection.is_cut() {
                too_long(&case.source, case.id.span, report);
                continue;
            }
            names::case(&projection, case, &mut usage, report);
            look(&projection, report);
        }
    }
    usage.finish(&case.source, report);
}

fn check_part(library: &Library, part: &Part, users: &Users<'_>, report: &mut Report) {
    conditions::of_part(part, report);
    rules::of_part(part, report);
    let mut usage = Usage::default();
    for (version, device) in views(&part.versions) {
        if users.play(part, device) {
            let projection = Projection::of_part(library, part, version, device);
            if projection.is_cut() {
                too_long(&part.source, part.name.span, report);
                continue;
            }
            names::part(&projection, part, &mut usage, report);
            look(&projection, report);
        }
    }
    usage.finish(&part.source, report);
}

fn too_long(source: &Arc<Source>, span: Span, report: &mut Report) {
    let title = "with all phrases put in this has thousands of items";
    report.add("too-long", (source, span), title, "too long to be looked at", |d| {
        d.help("use repeat where things come many times, and fewer parts inside of parts")
    });
}

/// Which parts are played against which device.
struct Users<'a> {
    station: Used<'a>,
    csms: Used<'a>,
}

impl<'a> Users<'a> {
    fn of(library: &'a Library) -> Users<'a> {
        Users { station: Used::by(library, Some(Role::Station)), csms: Used::by(library, Some(Role::Csms)) }
    }

    /// Whether a case with this device comes to the part; either device if none does.
    fn play(&self, part: &Part, device: Role) -> bool {
        let (station, csms) = (self.station.contains(part), self.csms.contains(part));
        station == csms || if device == Role::Station { station } else { csms }
    }
}

fn look(projection: &Projection<'_>, report: &mut Report) {
    answers::answers(projection, report);
    fillable::payloads(projection, report);
    deciders::deciders(projection, report);
    fronts::fronts(projection, report);
    stimuli::stimuli(projection, report);
    counters::counters(projection, report);
    connections::connections(projection, report);
    conditions::conditions(projection, report);
}

/// Every version with every side of the device.
fn views(versions: &[crate::ast::Spanned<Version>]) -> impl Iterator<Item = (Version, Role)> {
    versions.iter().flat_map(|version| [Role::Station, Role::Csms].map(|device| (version.value, device)))
}
