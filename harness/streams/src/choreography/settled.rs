//! Where a step of ours may be put in, left out or moved: nothing of the device is under way there, and nothing that
//! comes later depends on the moment.

use protocol::Role;
use script::ast::{Answer, Background, Begin, Item, ItemKind, PartKind, Party, Repeat, Scope};

use super::Seed;
use super::inserts::harmless;

/// Whether an item can be put before this one (or at the end): all that came before is over, and what comes next is
/// for us to begin.
pub(super) fn may_stand_before(seed: &Seed<'_>, at: usize) -> bool {
    let case = &seed.case;
    let is_linked = matches!(case.begin, Begin::State(_)) && matches!(case.background, Background::Default { .. });
    let (before, after) = seed.steps().split_at(at);
    // What was just done to a station may still be on its way to us.
    let is_quiet = seed.device == Role::Csms || before.last().is_none_or(|last| !is_stimulus(last));
    let is_next = after.first().is_none_or(|next| begins_with_us(seed, next, 0));
    // What is forbidden during the effect of a stimulus is in force only when its driver has confirmed it.
    let is_watched =
        matches!(after, [next, then, ..] if is_stimulus(next) && matches!(then.kind, ItemKind::Never { .. }));
    is_linked && is_quiet && is_next && !is_watched && !is_timed(seed) && !any(seed, before, &unsettles, 0)
}

/// Whether two seconds more make no difference.
pub(super) fn may_wait(seed: &Seed<'_>) -> bool {
    !any(seed, seed.steps(), &|item| item.within.is_some() || item.mark.is_some(), 0)
}

/// Whether a case is well without this item.
pub(super) fn may_be_dropped(seed: &Seed<'_>, at: usize) -> bool {
    const NO_EFFECT: [&str; 5] =
        ["GetConfiguration", "GetVariables", "GetLocalListVersion", "Heartbeat", "DataTransfer"];
    let Some(item) = seed.steps().get(at) else { return false };
    if seed.steps().len() < 2 {
        return false;
    }
    let is_ours = |item: &Item| match &item.kind {
        ItemKind::Call(call) => call.from.value.role(seed.device) != seed.device,
        _ => false,
    };
    let is_optional = item.repeat.min == 0 && is_ours(item);
    let has_no_effect = harmless(seed, item).is_some_and(|call| NO_EFFECT.contains(&call.action.value.as_str()));
    // A call may be what shows that a link, a boot or a time is as it should be.
    (is_optional || has_no_effect) && !any(seed, &seed.steps()[..at], &unsettles, 0)
}

/// Whether this item and the next have nothing to do with each other.
pub(super) fn may_swap_with_next(seed: &Seed<'_>, at: usize) -> bool {
    let pair = seed.steps().get(at).zip(seed.steps().get(at + 1));
    let Some((one, other)) = pair else { return false };
    let calls = harmless(seed, one).zip(harmless(seed, other));
    let is_report = |action: &str| action == "StatusNotification";
    calls.is_some_and(|(one, other)| !(is_report(&one.action.value) && is_report(&other.action.value)))
        && one.when.is_empty()
        && other.when.is_empty()
        && !any(seed, &seed.steps()[..at], &unsettles, 0)
}

fn is_stimulus(item: &Item) -> bool {
    matches!(item.kind, ItemKind::At(_) | ItemKind::Look(_))
}

/// Whether the first thing in an item is ours to do, whatever the plan.
fn begins_with_us(seed: &Seed<'_>, item: &Item, depth: usize) -> bool {
    if !item.when.is_empty() || item.repeat != Repeat::ONCE || depth > DEEPEST {
        return false;
    }
    match &item.kind {
        ItemKind::Call(call) => {
            let is_ours = call.from.value.role(seed.device) != seed.device;
            is_ours || (seed.device == Role::Csms && !call.unasked && call.from.value == Party::Csms)
        }
        ItemKind::At(_) => true,
        ItemKind::Text(text) => text.from.value.role(seed.device) != seed.device,
        ItemKind::Steps(items) => items.first().is_some_and(|first| begins_with_us(seed, first, depth + 1)),
        ItemKind::OneOf(branches) => branches.iter().all(|branch| begins_with_us(seed, branch, depth + 1)),
        ItemKind::Run(run) => {
            let part = seed.library.part(PartKind::Phrase, &run.name.value, seed.version);
            part.is_some_and(|part| part.steps.first().is_some_and(|first| begins_with_us(seed, first, depth + 1)))
        }
        _ => false,
    }
}

/// Whether something is judged by when it happens.
fn is_timed(seed: &Seed<'_>) -> bool {
    let is_a_time = |key: &str| {
        let key = key.to_ascii_lowercase();
        key.contains("interval") || key.contains("timeout")
    };
    let judges_times = |item: &Item| {
        let counts = item.within.as_ref().is_some_and(|within| within.of.is_some() || within.lower.is_some());
        counts || matches!(item.kind, ItemKind::Check(_) | ItemKind::Quiet(_))
    };
    seed.case.configure.iter().any(|wanted| is_a_time(&wanted.key.value)) || any(seed, seed.steps(), &judges_times, 0)
}

/// After what a device may be busy, away, or about to come again.
fn unsettles(item: &Item) -> bool {
    const RESTARTS: [&str; 5] =
        ["BootNotification", "Reset", "UpdateFirmware", "SignedUpdateFirmware", "TriggerMessage"];
    const VERBS: [&str; 6] = ["reboot", "cut power", "restore power", "restart", "set clock", "decide boot"];
    match &item.kind {
        ItemKind::Connection(_) | ItemKind::Offline(..) => true,
        ItemKind::Call(call) => {
            // Who is answered with an error, or not at all, may come again at any time.
            RESTARTS.contains(&call.action.value.as_str())
                || matches!(call.answer, Answer::Error(..) | Answer::Nothing(_))
        }
        ItemKind::At(act) => VERBS.contains(&act.verb.value.as_str()),
        _ => false,
    }
}

/// How deep parts lie in parts.
const DEEPEST: usize = 8;

/// Whether something holds for an item, or for one inside of it, parts included.
fn any(seed: &Seed<'_>, items: &[Item], holds: &dyn Fn(&Item) -> bool, depth: usize) -> bool {
    if depth > DEEPEST {
        return true;
    }
    let inside = |items: &[Item]| any(seed, items, holds, depth + 1);
    items.iter().any(|item| {
        holds(item)
            || match &item.kind {
                ItemKind::Call(call) => {
                    inside(&call.before_reply)
                        || matches!(&call.answer, Answer::Replies(branches)
                            if branches.iter().any(|branch| inside(&branch.then)))
                }
                ItemKind::Steps(items)
                | ItemKind::AnyOrder(items)
                | ItemKind::OneOf(items)
                | ItemKind::Offline(items, _)
                | ItemKind::ForEach { steps: items, .. }
                | ItemKind::Never { scope: Scope::During(items), .. } => inside(items),
                ItemKind::Run(run) => {
                    let part = seed.library.part(PartKind::Phrase, &run.name.value, seed.version);
                    part.is_none_or(|part| inside(&part.steps))
                }
                _ => false,
            }
    })
}
