//! The conversation still to come: what remains of a choreography, as a regular expression with interleaving.
//!
//! Player and judge ask it two questions: may this device event come next ([`Node::offer`]), and is it our turn
//! ([`Node::turn`]). Either takes a leaf out and leaves a hole, which the caller fills with what follows from it.

use std::sync::Arc;
use std::time::Duration;

use protocol::Timestamp;
use script::ast::Forbidden;

use crate::leaf::Leaf;
use crate::program::Condition;

/// What remains of an item.
#[derive(Clone, Debug)]
pub enum Node {
    /// Nothing.
    Done,
    /// The place of a leaf that was just taken.
    Hole,
    /// A step.
    Leaf(Box<Leaf>),
    /// One after the other.
    Seq(Vec<Node>),
    /// All of them, interleaved freely.
    Any(Vec<Node>),
    /// Exactly one; the first event decides.
    One(Vec<Node>),
    /// Several times.
    Repeat(Box<Repeat>),
    /// Something must not happen meanwhile.
    Guard(Box<Guard>),
    /// All of it before a deadline.
    Timed(Box<Timed>),
    /// There only if a condition holds that cannot be known yet.
    If(Box<Condition>, Box<Node>),
}

/// What remains of a repeated item.
#[derive(Clone, Debug)]
pub struct Repeat {
    /// One turn of it.
    pub template: Arc<Node>,
    /// At least.
    pub min: u32,
    /// At most.
    pub max: u32,
    /// Turns begun.
    pub begun: u32,
    /// The turn that is running.
    pub current: Node,
    /// The turn that may come next, made when the front reaches it.
    pub next: Node,
}

/// A `never` or `quiet`.
#[derive(Clone, Debug)]
pub struct Guard {
    /// What must not happen, with the scope its patterns are read in; empty for `quiet`: nothing may.
    pub events: Arc<Vec<Forbidden>>,
    /// A leaf that says where it stands and in which scope it is read.
    pub place: Leaf,
    /// How long; `None` as long as the inner items run.
    pub length: Option<Duration>,
    /// Since when it is in force.
    pub since: Option<Timestamp>,
    /// The items it lasts for.
    pub inner: Node,
}

/// An item with a deadline for all of it.
#[derive(Clone, Debug)]
pub struct Timed {
    /// A leaf that says where it stands and what its deadline is.
    pub place: Leaf,
    /// The items.
    pub inner: Node,
}

/// Whose turn it is.
#[derive(Debug)]
pub enum Turn {
    /// The device's: it has to send something first, or there is nothing left.
    Device,
    /// Ours at that moment, unless the device uses an optional item first.
    Wait(Timestamp),
    /// Ours: this leaf was taken out and left a hole.
    Ours(Box<Leaf>),
    /// A block began to be in force; ask again.
    Again,
}

/// Something that has not come in time.
#[derive(Debug)]
pub struct Overdue<'a> {
    /// The first leaf that is missing, or the block.
    pub leaf: &'a Leaf,
}

/// What the tree must ask its owner about time and names.
pub trait Guide {
    /// The moment an item must have come, counted from when it was reached.
    fn deadline(&self, leaf: &Leaf, reached: Timestamp) -> Option<Timestamp>;
    /// The moment before which an item of ours must not go out.
    fn not_before(&self, leaf: &Leaf) -> Option<Timestamp>;
    /// How long we wait for an optional item before our own.
    fn grace(&self, leaf: Option<&Leaf>) -> Duration;
    /// Whether a condition holds.
    fn holds(&self, condition: &Condition) -> Truth;
}

/// The three values of `when`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// The item is due.
    Yes,
    /// It is not there.
    No,
    /// Nobody knows: it is optional.
    Unknown,
}

impl Node {
    /// An item that may be left out.
    pub fn optional(inner: Node) -> Node {
        Node::repeat(inner, 0, 1)
    }

    /// An item that comes several times.
    pub fn repeat(inner: Node, min: u32, max: u32) -> Node {
        Node::Repeat(Box::new(Repeat {
            template: Arc::new(inner),
            min,
            max,
            begun: 0,
            current: Node::Done,
            next: Node::Done,
        }))
    }

    /// Whether nothing more need come.
    pub fn may_end(&self) -> bool {
        match self {
            Node::Done => true,
            Node::Hole | Node::Leaf(_) | Node::If(..) => false,
            Node::Seq(items) | Node::Any(items) => items.iter().all(Node::may_end),
            Node::One(branches) => branches.is_empty() || branches.iter().any(Node::may_end),
            Node::Repeat(repeat) => repeat.begun >= repeat.min && repeat.current.may_end(),
            Node::Guard(guard) => guard.length.is_none() && guard.inner.may_end(),
            Node::Timed(timed) => timed.inner.may_end(),
        }
    }

    /// Whether nothing more can come.
    pub fn is_done(&self) -> bool {
        match self {
            Node::Done => true,
            Node::Seq(items) | Node::Any(items) => items.iter().all(Node::is_done),
            Node::Repeat(repeat) => {
                repeat.begun >= repeat.max && repeat.begun >= repeat.min && repeat.current.is_done()
            }
            Node::Timed(timed) => timed.inner.is_done(),
            Node::Guard(guard) => guard.length.is_none() && guard.inner.is_done(),
            _ => false,
        }
    }

    /// Whether a device event behind it may come although it is not done: nothing need come, or only an answer
    /// to a call of ours is awaited (crossing), or a `never … for` is running that does not forbid the event.
    fn may_be_passed(&self, forbids: &mut dyn FnMut(&Guard) -> bool) -> bool {
        match self {
            Node::Leaf(leaf) => leaf.is_answer_of_device(),
            Node::Seq(items) | Node::Any(items) => items.iter().all(|item| item.may_be_passed(forbids)),
            Node::Repeat(repeat) => repeat.begun >= repeat.min && repeat.current.may_be_passed(forbids),
            Node::Guard(guard) => match guard.length {
                Some(_) => guard.since.is_some() && !forbids(guard),
                None => guard.inner.may_be_passed(forbids),
            },
            Node::Timed(timed) => timed.inner.may_be_passed(forbids),
            other => other.may_end(),
        }
    }

    /// Offers a device event to the front, in file order. The leaf that takes it is taken out; a hole stays. What
    /// was optional before it is passed over and collected in `passed`.
    pub fn offer(
        &mut self,
        takes: &mut dyn FnMut(&Leaf) -> bool,
        forbids: &mut dyn FnMut(&Guard) -> bool,
        passed: &mut Vec<Leaf>,
    ) -> Option<Leaf> {
        match self {
            Node::Done | Node::Hole | Node::If(..) => None,
            Node::Leaf(leaf) => {
                if !(leaf.is_of_device() && takes(leaf)) {
                    return None;
                }
                match std::mem::replace(self, Node::Hole) {
                    Node::Leaf(leaf) => Some(*leaf),
                    _ => None,
                }
            }
            Node::Seq(items) => {
                for at in 0..items.len() {
                    if let Some(leaf) = items[at].offer(takes, forbids, passed) {
                        let mut before: Vec<Node> = items.drain(..at).collect();
                        for item in &mut before {
                            item.pass_over(passed);
                        }
                        before.retain(|item| !item.is_done());
                        items.splice(0..0, before);
                        return Some(leaf);
                    }
                    if !items[at].may_be_passed(forbids) {
                        return None;
                    }
                }
                None
            }
            Node::Any(items) => items.iter_mut().find_map(|item| item.offer(takes, forbids, passed)),
            Node::One(branches) => {
                for at in 0..branches.len() {
                    if let Some(leaf) = branches[at].offer(takes, forbids, passed) {
                        *self = branches.swap_remove(at);
                        return Some(leaf);
                    }
                }
                None
            }
            Node::Repeat(repeat) => {
                if let Some(leaf) = repeat.current.offer(takes, forbids, passed) {
                    return Some(leaf);
                }
                if !repeat.current.may_end() {
                    return None;
                }
                let leaf = repeat.next.offer(takes, forbids, passed)?;
                repeat.current.pass_over(passed);
                repeat.current = std::mem::replace(&mut repeat.next, Node::Done);
                repeat.begun += 1;
                Some(leaf)
            }
            Node::Guard(guard) => {
                // One that has not begun waits for a stimulus to be confirmed: its effect may come before that.
                if guard.length.is_some() {
                    return None;
                }
                guard.inner.offer(takes, forbids, passed)
            }
            Node::Timed(timed) => timed.inner.offer(takes, forbids, passed),
        }
    }

    /// Gives up what is optional: it was passed over. Awaited answers stay.
    fn pass_over(&mut self, passed: &mut Vec<Leaf>) {
        match self {
            Node::Leaf(leaf) if leaf.is_answer_of_device() => {}
            Node::Leaf(leaf) => {
                if leaf.is_of_device() {
                    passed.push(Leaf::clone(leaf));
                }
                *self = Node::Done;
            }
            Node::Seq(items) | Node::Any(items) => {
                items.iter_mut().for_each(|item| item.pass_over(passed));
            }
            Node::Repeat(repeat) => {
                repeat.current.pass_over(passed);
                repeat.next.first_leaves(passed);
                *self = std::mem::replace(&mut repeat.current, Node::Done);
            }
            Node::Timed(timed) => {
                timed.inner.pass_over(passed);
                *self = std::mem::replace(&mut timed.inner, Node::Done);
            }
            Node::Guard(guard) => {
                guard.inner.pass_over(passed);
                *self = std::mem::replace(&mut guard.inner, Node::Done);
            }
            Node::One(branches) => {
                branches.iter().for_each(|branch| branch.first_leaves(passed));
                *self = Node::Done;
            }
            Node::Done | Node::Hole | Node::If(..) => *self = Node::Done,
        }
    }

    /// The device leaves that may come first.
    pub fn first_leaves(&self, into: &mut Vec<Leaf>) {
        match self {
            Node::Leaf(leaf) => {
                if leaf.is_of_device() {
                    into.push(Leaf::clone(leaf));
                }
            }
            Node::Seq(items) => {
                for item in items {
                    item.first_leaves(into);
                    if !item.may_be_passed(&mut |_| false) {
                        return;
                    }
                }
            }
            Node::Any(items) | Node::One(items) => {
                items.iter().for_each(|item| item.first_leaves(into));
            }
            Node::Repeat(repeat) => {
                repeat.current.first_leaves(into);
                if repeat.current.may_end() {
                    repeat.next.first_leaves(into);
                }
            }
            Node::Guard(guard) => guard.inner.first_leaves(into),
            Node::Timed(timed) => timed.inner.first_leaves(into),
            Node::Done | Node::Hole | Node::If(..) => {}
        }
    }

    /// Puts something into the hole.
    pub fn fill(&mut self, with: Node) {
        let mut with = Some(with);
        self.fill_hole(&mut with);
    }

    fn fill_hole(&mut self, with: &mut Option<Node>) -> bool {
        match self {
            Node::Hole => {
                *self = with.take().unwrap_or(Node::Done);
                true
            }
            Node::Seq(items) | Node::Any(items) | Node::One(items) => items.iter_mut().any(|item| item.fill_hole(with)),
            Node::Repeat(repeat) => repeat.current.fill_hole(with) || repeat.next.fill_hole(with),
            Node::Guard(guard) => guard.inner.fill_hole(with),
            Node::Timed(timed) => timed.inner.fill_hole(with),
            Node::Done | Node::Leaf(_) | Node::If(..) => false,
        }
    }

    /// Asks whose turn it is. Conditions at the front are settled, blocks there begin to be in force, and what was
    /// optional before a leaf of ours is passed over.
    pub fn turn(&mut self, now: Timestamp, guide: &dyn Guide, passed: &mut Vec<Leaf>) -> Turn {
        match self {
            Node::Done | Node::Hole | Node::If(..) => Turn::Device,
            Node::Leaf(leaf) => {
                if leaf.is_of_device() {
                    return Turn::Device;
                }
                if let Some(from) = guide.not_before(leaf).filter(|from| *from > now) {
                    return Turn::Wait(from);
                }
                match std::mem::replace(self, Node::Hole) {
                    Node::Leaf(leaf) => Turn::Ours(leaf),
                    _ => Turn::Device,
                }
            }
            Node::Seq(items) => {
                let mut wait: Option<Timestamp> = None;
                for at in 0..items.len() {
                    let before_is_open = items[..at].iter().any(|item| !item.is_done());
                    if before_is_open && items[at].begins_with_ours() {
                        let until = items[..at].iter().filter_map(|item| item.grace_ends(now, guide)).max();
                        if let Some(until) = until.filter(|until| *until > now) {
                            return Turn::Wait(until);
                        }
                    } else if before_is_open {
                        if items[at].may_end() {
                            // One optional item behind another: ours may come after both.
                            continue;
                        }
                        // A device item stands behind optional ones: only what is ours inside those can be due.
                        return wait.map_or(Turn::Device, Turn::Wait);
                    }
                    match items[at].turn(now, guide, passed) {
                        Turn::Device => {}
                        Turn::Wait(until) => {
                            wait = Some(wait.map_or(until, |other| other.min(until)));
                        }
                        turn => {
                            let mut before: Vec<Node> = items.drain(..at).collect();
                            for item in &mut before {
                                item.pass_over(passed);
                            }
                            return turn;
                        }
                    }
                    if !items[at].may_end() {
                        break;
                    }
                }
                wait.map_or(Turn::Device, Turn::Wait)
            }
            Node::Any(items) => {
                let mut wait: Option<Timestamp> = None;
                for item in items {
                    match item.turn(now, guide, passed) {
                        Turn::Device => {}
                        Turn::Wait(until) => {
                            wait = Some(wait.map_or(until, |other| other.min(until)));
                        }
                        turn => return turn,
                    }
                }
                wait.map_or(Turn::Device, Turn::Wait)
            }
            // Choices and counts of ours are settled when the plan is made; what is left is the device's.
            Node::One(_) => Turn::Device,
            Node::Repeat(repeat) => repeat.current.turn(now, guide, passed),
            Node::Guard(guard) => {
                if guard.since.is_none() {
                    guard.since = Some(now);
                    return Turn::Again;
                }
                match guard.length {
                    Some(length) => {
                        let Some(since) = guard.since else {
                            return Turn::Device;
                        };
                        let end = since + length;
                        if end <= now {
                            *self = Node::Done;
                            return Turn::Again;
                        }
                        Turn::Wait(end)
                    }
                    None => guard.inner.turn(now, guide, passed),
                }
            }
            Node::Timed(timed) => timed.inner.turn(now, guide, passed),
        }
    }

    /// Whether the first thing in it is ours to do (a `never` or `quiet` counts: we begin it).
    pub fn begins_with_ours(&self) -> bool {
        match self {
            Node::Leaf(leaf) => !leaf.is_of_device(),
            Node::Seq(items) => items.iter().find(|item| !item.is_done()).is_some_and(Node::begins_with_ours),
            Node::Any(items) => items.iter().any(Node::begins_with_ours),
            Node::One(branches) => branches.iter().all(Node::begins_with_ours) && !branches.is_empty(),
            Node::Repeat(repeat) => repeat.current.begins_with_ours(),
            Node::Guard(guard) => guard.length.is_some() || guard.inner.begins_with_ours(),
            Node::Timed(timed) => timed.inner.begins_with_ours(),
            Node::If(_, inner) => inner.begins_with_ours(),
            Node::Done | Node::Hole => false,
        }
    }

    /// Until when we wait for what is optional in it before our own turn; `None` if nothing can come.
    pub fn grace_ends(&self, now: Timestamp, guide: &dyn Guide) -> Option<Timestamp> {
        match self {
            Node::Done | Node::Hole | Node::If(..) => None,
            Node::Leaf(leaf) => Some(leaf.reached.unwrap_or(now) + guide.grace(Some(leaf))),
            Node::Seq(items) | Node::Any(items) | Node::One(items) => {
                items.iter().filter_map(|item| item.grace_ends(now, guide)).max()
            }
            Node::Repeat(repeat) => repeat.current.grace_ends(now, guide).max(repeat.next.grace_ends(now, guide)),
            Node::Guard(guard) => guard.inner.grace_ends(now, guide),
            Node::Timed(timed) => timed.inner.grace_ends(now, guide),
        }
    }

    /// Settles the conditions at the front, makes the turns of repeated items that may come next, and notes the
    /// moment each leaf of the front was reached. To be called after every change, before any question.
    pub fn prepare(&mut self, now: Timestamp, guide: &dyn Guide) {
        match self {
            Node::Done | Node::Hole => {}
            Node::Leaf(leaf) => {
                leaf.reached.get_or_insert(now);
            }
            Node::If(condition, inner) => {
                let inner = std::mem::replace(inner.as_mut(), Node::Done);
                *self = match guide.holds(condition) {
                    Truth::Yes => inner,
                    Truth::No => Node::Done,
                    Truth::Unknown => Node::optional(inner),
                };
                self.prepare(now, guide);
            }
            Node::Seq(items) => {
                let mut at = 0;
                while let Some(item) = items.get_mut(at) {
                    item.prepare(now, guide);
                    if item.is_done() {
                        items.remove(at);
                        continue;
                    }
                    if !item.may_be_passed(&mut |_| false) {
                        return;
                    }
                    at += 1;
                }
            }
            Node::Any(items) => {
                items.iter_mut().for_each(|item| item.prepare(now, guide));
                items.retain(|item| !item.is_done());
            }
            Node::One(branches) => {
                branches.iter_mut().for_each(|branch| branch.prepare(now, guide));
                branches.retain(|branch| !branch.is_done());
            }
            Node::Repeat(repeat) => {
                repeat.current.prepare(now, guide);
                if repeat.current.may_end() && repeat.begun < repeat.max {
                    if repeat.next.is_done() {
                        repeat.next = Node::clone(&repeat.template);
                    }
                    repeat.next.prepare(now, guide);
                    if repeat.next.is_done() {
                        // A condition took everything out of it: there is nothing to repeat.
                        repeat.begun = repeat.max;
                    }
                }
            }
            Node::Guard(guard) => {
                if guard.since.is_some() {
                    guard.inner.prepare(now, guide);
                }
            }
            Node::Timed(timed) => {
                timed.place.reached.get_or_insert(now);
                timed.inner.prepare(now, guide);
            }
        }
    }

    /// Counts the deadlines of the front anew: a stimulus was confirmed, or an answer came.
    pub fn restart_clock(&mut self, now: Timestamp) {
        match self {
            Node::Done | Node::Hole | Node::If(..) => {}
            Node::Leaf(leaf) => leaf.reached = Some(now),
            Node::Seq(items) => {
                for item in items {
                    item.restart_clock(now);
                    if !item.may_be_passed(&mut |_| false) {
                        return;
                    }
                }
            }
            Node::Any(items) | Node::One(items) => {
                items.iter_mut().for_each(|item| item.restart_clock(now));
            }
            Node::Repeat(repeat) => {
                repeat.current.restart_clock(now);
                repeat.next.restart_clock(now);
            }
            Node::Guard(guard) => guard.inner.restart_clock(now),
            Node::Timed(timed) => {
                timed.place.reached = Some(now);
                timed.inner.restart_clock(now);
            }
        }
    }

    /// What has not come in time, if anything; otherwise the moment of the next deadline is put into `next`.
    pub fn overdue<'a>(
        &'a self,
        now: Timestamp,
        guide: &dyn Guide,
        next: &mut Option<Timestamp>,
    ) -> Option<Overdue<'a>> {
        match self {
            Node::Done | Node::Hole | Node::If(..) => None,
            Node::Leaf(leaf) => {
                if !leaf.is_of_device() {
                    return None;
                }
                let deadline = guide.deadline(leaf, leaf.reached?)?;
                if deadline <= now {
                    return Some(Overdue { leaf });
                }
                *next = Some(next.map_or(deadline, |other| other.min(deadline)));
                None
            }
            Node::Seq(items) => {
                for item in items {
                    if let Some(overdue) = item.overdue(now, guide, next) {
                        return Some(overdue);
                    }
                    if !item.may_be_passed(&mut |_| false) {
                        return None;
                    }
                }
                None
            }
            Node::Any(items) => items.iter().find_map(|item| item.overdue(now, guide, next)),
            Node::One(branches) => {
                let mut all: Option<Overdue<'a>> = None;
                for branch in branches {
                    let mut of_branch = None;
                    match branch.overdue(now, guide, &mut of_branch) {
                        Some(overdue) => {
                            all.get_or_insert(overdue);
                        }
                        None => {
                            if let Some(deadline) = of_branch {
                                *next = Some(next.map_or(deadline, |other| other.min(deadline)));
                            }
                            return None;
                        }
                    }
                }
                all
            }
            Node::Repeat(repeat) => {
                if let Some(overdue) = repeat.current.overdue(now, guide, next) {
                    return Some(overdue);
                }
                if repeat.begun < repeat.min && repeat.current.may_end() {
                    return repeat.next.overdue(now, guide, next);
                }
                None
            }
            Node::Guard(guard) => guard.inner.overdue(now, guide, next),
            Node::Timed(timed) => {
                if !timed.inner.may_end()
                    && let Some(reached) = timed.place.reached
                    && let Some(deadline) = guide.deadline(&timed.place, reached)
                {
                    if deadline <= now {
                        let leaf = timed.inner.first_leaf().unwrap_or(&timed.place);
                        return Some(Overdue { leaf });
                    }
                    *next = Some(next.map_or(deadline, |other| other.min(deadline)));
                }
                timed.inner.overdue(now, guide, next)
            }
        }
    }

    /// The first leaf of it, for messages.
    pub fn first_leaf(&self) -> Option<&Leaf> {
        match self {
            Node::Leaf(leaf) => Some(leaf),
            Node::Seq(items) | Node::Any(items) | Node::One(items) => items.iter().find_map(Node::first_leaf),
            Node::Repeat(repeat) => repeat.current.first_leaf().or_else(|| repeat.template.first_leaf()),
            Node::Guard(guard) => guard.inner.first_leaf().or(Some(&guard.place)),
            Node::Timed(timed) => timed.inner.first_leaf(),
            Node::If(_, inner) => inner.first_leaf(),
            Node::Done | Node::Hole => None,
        }
    }

    /// The guards in force.
    pub fn guards<'a>(&'a self, into: &mut Vec<&'a Guard>) {
        match self {
            Node::Seq(items) | Node::Any(items) | Node::One(items) => {
                items.iter().for_each(|item| item.guards(into));
            }
            Node::Repeat(repeat) => repeat.current.guards(into),
            Node::Guard(guard) => {
                if guard.since.is_some() {
                    into.push(guard);
                }
                guard.inner.guards(into);
            }
            Node::Timed(timed) => timed.inner.guards(into),
            Node::Done | Node::Hole | Node::Leaf(_) | Node::If(..) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaf::LeafKind;
    use crate::scope::Scopes;
    use verdict::{Source, Span};

    struct Plain;

    impl Guide for Plain {
        fn deadline(&self, _: &Leaf, _: Timestamp) -> Option<Timestamp> {
            None
        }

        fn not_before(&self, _: &Leaf) -> Option<Timestamp> {
            None
        }

        fn grace(&self, _: Option<&Leaf>) -> Duration {
            Duration::from_secs(1)
        }

        fn holds(&self, _: &Condition) -> Truth {
            Truth::Unknown
        }
    }

    fn leaf(kind: LeafKind) -> Node {
        Node::Leaf(Box::new(Leaf {
            source: Arc::new(Source { path: String::new(), text: String::new() }),
            span: Span { start: 0, end: 0 },
            scope: Scopes::default().add(crate::scope::Scope::default()),
            kind,
            within: None,
            grace: None,
            mark: None,
            warn: None,
            rules: Arc::default(),
            reached: None,
        }))
    }

    #[test]
    fn our_turn_comes_after_several_optional_items_and_their_grace() {
        let optional = || Node::optional(leaf(LeafKind::DeviceDrop(None)));
        let mut node = Node::Seq(vec![optional(), optional(), leaf(LeafKind::OwnDrop(None))]);
        let start = Timestamp(0);
        node.prepare(start, &Plain);
        let mut passed = Vec::new();
        assert!(matches!(node.turn(start, &Plain, &mut passed), Turn::Wait(until) if until == Timestamp(1_000_000)));
        assert!(matches!(node.turn(Timestamp(1_000_000), &Plain, &mut passed), Turn::Ours(_)));
        assert_eq!(passed.len(), 2);
    }
}
