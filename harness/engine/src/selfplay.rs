//! Self-play: both sides of a case played by ourselves, each from its own projection, over a link in memory on a clock
//! of our own. It is the test of the cases and of the player: neither side is told what the other chose.

mod pair;

use std::collections::BTreeMap;
use std::sync::Arc;

use protocol::{Role, Version};
use script::Library;
use script::ast::{Answer, Capability, Case, Item, ItemKind, Party, Scope, Spanned};
use verdict::{Diagnostic, Event, Verdict};

use crate::player::Outcome;
use crate::program::{self, Cover, Outside, Program};
use crate::rig::{Capabilities, Rig};
use pair::Pair;
pub use pair::transcript;

/// A plan that does not play.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The case.
    pub case: String,
    /// The version.
    pub version: Version,
    /// Which of the choices.
    pub variant: usize,
    /// The side whose reading failed.
    pub side: Role,
    /// One line.
    pub reason: String,
    /// What is shown to a person.
    pub shown: Vec<Diagnostic>,
    /// What happened, as both sides saw it; the side is that of the device.
    pub events: Vec<(Role, Event)>,
}

impl Failure {
    /// What went wrong, pointing into the case.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        let reading =
            format!("the reading in which the {} is the device, {}, plan {}", self.side, self.version, self.variant);
        if self.shown.is_empty() {
            let title = format!("{} does not play with itself: {}", self.case, self.reason);
            return vec![Diagnostic::error("self-play", title).note(reading)];
        }
        self.shown
            .iter()
            .map(|shown| {
                let mut shown = shown.clone();
                shown.title = format!("{} does not play with itself: {}", self.case, shown.title);
                shown.note(reading.clone())
            })
            .collect()
    }
}

/// Why a case is not played with itself; `None` if it is.
pub fn objection(case: &Case) -> Option<&'static str> {
    if case.procedure.is_some() {
        return Some("a procedure is about frames, and the link of self-play has none");
    }
    if any(&case.steps, &|item| matches!(item.kind, ItemKind::Text(_))) {
        return Some("raw text has no second reading: who receives it is not played by us");
    }
    let is_anybodys = |item: &Item| match &item.kind {
        ItemKind::Call(call) => matches!(call.from.value, Party::Tester | Party::Device),
        _ => false,
    };
    if any(&case.steps, &is_anybodys) {
        return Some("tester and device have no second reading: we would be the tester on both sides");
    }
    if any(&case.steps, &|item| matches!(&item.kind, ItemKind::Check(check) if check.name.value == "meter values")) {
        return Some("the values of a meter take their time, which our station does not have here");
    }
    let moves_while_asking = |item: &Item| match &item.kind {
        ItemKind::Call(call) => any(&call.before_reply, &|item| matches!(item.kind, ItemKind::At(_))),
        _ => false,
    };
    if any(&case.steps, &moves_while_asking) {
        return Some("who plays the caller does nothing else while it waits for the answer");
    }
    let meets_refusal = |item: &Item| match &item.kind {
        ItemKind::Connection(connection) => {
            connection.options.outcome.is_some() || connection.options.answers.is_some()
        }
        _ => false,
    };
    any(&case.steps, &meets_refusal).then_some("a refused handshake has no second reading")
}

/// Plays every plan of every case.
pub fn all(library: &Library, seed: u64) -> Vec<Failure> {
    let mut failures = Vec::new();
    for case in library.cases() {
        for version in &case.versions {
            failures.extend(case_failures(library, case, version.value, seed));
        }
    }
    failures
}

/// Plays every plan of a case in a version.
pub fn case_failures(library: &Library, case: &Arc<Case>, version: Version, seed: u64) -> Vec<Failure> {
    if objection(case).is_some() {
        return Vec::new();
    }
    let mut failures = Vec::new();
    let mut variant = 0;
    loop {
        match plan(library, case, version, variant, seed) {
            Ok(variants) if variant + 1 < variants => variant += 1,
            Ok(_) => return failures,
            Err(failure) => {
                failures.push(*failure);
                return failures;
            }
        }
    }
}

/// Plays one plan; how many there are.
fn plan(
    library: &Library,
    case: &Arc<Case>,
    version: Version,
    variant: usize,
    seed: u64,
) -> Result<usize, Box<Failure>> {
    let refuse = |side: Role, reason: String, shown: Vec<Diagnostic>| {
        Box::new(Failure { case: case.id.value.clone(), version, variant, side, reason, shown, events: Vec::new() })
    };
    // The plan of our station says what equipment it has; the other side has that from its rig.
    let rig = rig(case, version, &BTreeMap::new());
    let station = compile(library, case, Role::Csms, version, variant, &rig).map_err(|refused| {
        refuse(Role::Csms, refused.reason, refused.diagnostic.map(|shown| *shown).into_iter().collect())
    })?;
    let rig = self::rig(case, version, &station.assumed);
    let csms = compile(library, case, Role::Station, version, variant, &rig).map_err(|refused| {
        refuse(Role::Station, refused.reason, refused.diagnostic.map(|shown| *shown).into_iter().collect())
    })?;
    let variants = station.variants.max(csms.variants);
    let mut pair = Pair::new(station, csms, Arc::new(rig), seed.wrapping_add(variant as u64));
    pair.play();
    let outcomes = pair.outcomes();
    for (side, outcome, _) in &outcomes {
        if let Some((reason, shown)) = trouble(case, *side, outcome) {
            let mut failure = refuse(*side, reason, shown);
            for (side, _, events) in outcomes {
                failure.events.extend(events.into_iter().map(|event| (side, event)));
            }
            failure.events.sort_by_key(|(_, event)| event.at);
            return Err(failure);
        }
    }
    Ok(variants)
}

fn compile(
    library: &Library,
    case: &Arc<Case>,
    device: Role,
    version: Version,
    variant: usize,
    rig: &Rig,
) -> Result<Program, program::Refused> {
    let outside = Outside {
        library,
        rig,
        can: &|_, _| true,
        cannot_carry: &|_| Vec::new(),
        cover: Cover::Each,
        both_sides: true,
    };
    program::compile(case, device, version, variant, &outside)
}

/// A rig with what the case requires and what the plan assumes.
fn rig(case: &Case, version: Version, assumed: &BTreeMap<String, bool>) -> Rig {
    let mut said: BTreeMap<String, bool> = BTreeMap::new();
    let wanted = |capability: &Spanned<Capability>| (capability.value.name.clone(), !capability.value.negated);
    said.extend(case.requires.station.iter().chain(&case.requires.csms).map(wanted));
    said.extend(assumed.iter().map(|(name, has)| (name.clone(), *has)));
    let mut rig = Rig::default_for(None).for_version(version);
    rig.capabilities = Capabilities::stated(said);
    rig
}

/// What is wrong with an outcome, if anything.
fn trouble(case: &Case, side: Role, outcome: &Outcome) -> Option<(String, Vec<Diagnostic>)> {
    if !matches!(outcome.verdict, Verdict::Pass | Verdict::Warn) {
        return Some((outcome.reason.clone(), outcome.diagnostics.clone()));
    }
    // What is sent to a device may break rules on purpose; what the device sends may not.
    if !case.is_for(side) {
        return None;
    }
    let on_purpose = any(&case.steps, &|item| match &item.kind {
        ItemKind::Call(call) => {
            call.invalid.is_some() || call.id.is_some() || matches!(call.answer, Answer::Error(..) | Answer::Nothing(_))
        }
        _ => false,
    });
    let violation = outcome.violations.iter().find(|violation| violation.verdict == Verdict::Fail && !on_purpose)?;
    Some((format!("{} ({}, {})", violation.sentence, violation.statement, violation.frame), Vec::new()))
}

/// Whether something holds for an item, or for one inside it.
fn any(items: &[Item], holds: &dyn Fn(&Item) -> bool) -> bool {
    items.iter().any(|item| {
        holds(item)
            || match &item.kind {
                ItemKind::Call(call) => {
                    any(&call.before_reply, holds)
                        || matches!(&call.answer, Answer::Replies(branches)
                            if branches.iter().any(|branch| any(&branch.then, holds)))
                }
                ItemKind::Steps(items)
                | ItemKind::AnyOrder(items)
                | ItemKind::OneOf(items)
                | ItemKind::Offline(items, _)
                | ItemKind::Never { scope: Scope::During(items), .. } => any(items, holds),
                ItemKind::ForEach { steps, .. } => any(steps, holds),
                _ => false,
            }
    })
}
