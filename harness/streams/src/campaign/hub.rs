//! What the workers of a campaign share: how far it is, what was covered, what was found already.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use protocol::frame::Frame;

use super::Found;
use super::investigate::is_harm;
use crate::What;
use crate::coverage::Coverage;
use crate::finding::{Finding, Signature};
use crate::model::Universe;
use crate::oracles::{Class, Code, Evidence, HARM, Suspicion};
use crate::play::Outcome;

/// How far a campaign is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Acts done.
    pub acts: u64,
    /// Acts a second, since the last time.
    pub rate: f64,
    /// How long it has run.
    pub elapsed: Duration,
    /// Findings so far.
    pub findings: usize,
    /// Observations that were new once: class of the reply, state, how long it took.
    pub observations: usize,
    /// Messages sent, by action and kind of flaw.
    pub sent: usize,
}

/// What came of a campaign.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Acts done.
    pub acts: u64,
    /// Messages sent and received, probes included.
    pub messages: u64,
    /// Episodes played.
    pub episodes: u64,
    /// The number of the next episode, for a resumed campaign.
    pub next_episode: u64,
    /// How long it ran.
    pub elapsed: Duration,
    /// Findings by their class.
    pub findings: BTreeMap<Class, usize>,
    /// What was met.
    pub coverage: Coverage,
    /// What there is to be met.
    pub universe: Universe,
    /// Suspicions that did not show again.
    pub not_confirmed: usize,
    /// Suspicions that nobody had the time to look into.
    pub left_open: usize,
    /// Why it could not go on, if so.
    pub gave_up: Option<String>,
    /// Faults of an embedded device that showed.
    pub triggered: Vec<&'static str>,
}

/// Shared by the workers.
pub struct Hub {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When the device was there.
    began: Option<Instant>,
    summary: Summary,
    /// Suspicions that are being looked into.
    open: usize,
    claimed: HashSet<Key>,
    /// How often somebody has looked into what did not show again.
    tries: HashMap<Key, u32>,
    /// What was found, as it was called once it was small, and what it amounts to.
    found: HashMap<Key, Class>,
    /// A rule at a place is looked into a few times only, whatever the state and the reply.
    places: HashMap<(Code, String, String), u32>,
    /// How often a kind of mistake was looked into, whatever the message.
    kinds: HashMap<(Code, String), u32>,
    /// Rules that were looked into with this kind of reply; kinds of harm, where it rests on no rule.
    rules: HashSet<(Code, String, String)>,
    /// What looking into things may cost; nothing is counted where time is virtual.
    shares: Option<Shares>,
    calls: u64,
    results: u64,
    warned: bool,
    /// Somebody has told of what harms the device as a whole.
    death_is_told: bool,
    notes: Vec<String>,
    told: Option<(Instant, u64)>,
    /// Episodes that have begun and are not over.
    running: BTreeSet<u64>,
    /// Acts of the episodes that have begun.
    begun: u64,
}

/// What it costs to look into what is not urgent.
#[derive(Clone, Copy, Debug)]
struct Shares {
    workers: u32,
    /// By [`Less`].
    of: [Share; 2],
}

#[derive(Clone, Copy, Debug, Default)]
struct Share {
    /// How many workers do so now.
    busy: u32,
    spent: Duration,
}

/// What has a part of the time of all workers; the rest is for what is new and red.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Less {
    /// More of the same: a rule that was looked into before, at another place.
    Known,
    /// What makes nothing red. A station that comes again slowly makes each take seconds.
    Remark,
}

impl Less {
    /// One part in so many.
    fn part(self) -> u32 {
        match self {
            Less::Known => 20,
            Less::Remark => 8,
        }
    }
}

/// So many findings of a campaign are looked into; more would only repeat them.
const MOST: usize = 500;
/// So often the same rule at the same place is looked into in different states.
const SAME_PLACE: u32 = 2;
/// So often the same kind of mistake is looked into with different messages.
const SAME_KIND: u32 = 6;
/// So often a harm is looked into that does not show again: all who talk to a device see it die, and only one of them
/// did it.
const TRIES: u32 = 40;
/// So often what rests on the order of messages is looked into at one place when it does not show again: there may be a
/// race behind it, or a state of the device that an earlier episode left.
const TRIES_OF_ORDER: u32 = 3;

impl Hub {
    /// Nothing has happened in this run; the first episode has this number, and this was met before.
    pub fn new(next_episode: u64, coverage: Coverage) -> Hub {
        let state = State { summary: Summary { next_episode, coverage, ..Summary::default() }, ..State::default() };
        Hub { state: Mutex::new(State { began: Some(Instant::now()), ..state }) }
    }

    /// The device is there: from now on time counts.
    pub(super) fn begins(&self) {
        self.state().began = Some(Instant::now());
    }

    /// Time is real, and so many workers have it.
    pub(super) fn counts_time_of(&self, workers: usize) {
        let workers = u32::try_from(workers).unwrap_or(u32::MAX);
        self.state().shares = Some(Shares { workers, of: [Share::default(); 2] });
    }

    /// What has come of it so far.
    pub fn summary(&self) -> Summary {
        let state = self.state();
        let elapsed = state.began.map(|began| began.elapsed()).unwrap_or_default();
        Summary { elapsed, left_open: state.open, ..state.summary.clone() }
    }

    /// This was found by an earlier run of the campaign: it counts, and is not looked into again.
    pub fn know(&self, finding: &Finding) {
        let Signature { oracle, state, action, path, reply } = finding.signature.clone();
        let mut shared = self.state();
        let rule = rule(oracle, &finding.rule, &path, &reply);
        let key = (oracle, state, action, path, reply);
        shared.finds(key.clone(), finding.class);
        if !finding.was_seen_once() {
            shared.count(key, rule, finding.class);
        }
    }

    /// The number of the next episode, and how many acts it may have.
    pub(super) fn next_episode(&self, runs: Option<u64>, length: usize) -> Option<(u64, usize)> {
        let mut state = self.state();
        let left = runs.map_or(u64::MAX, |runs| runs.saturating_sub(state.begun));
        if state.summary.gave_up.is_some() || left == 0 {
            return None;
        }
        let length = length.min(usize::try_from(left).unwrap_or(usize::MAX));
        state.begun += length as u64;
        let number = state.summary.next_episode;
        state.summary.next_episode += 1;
        state.running.insert(number);
        Some((number, length))
    }

    /// An episode is over, and what it showed was looked into.
    pub(super) fn done(&self, number: u64) {
        self.state().running.remove(&number);
    }

    /// Where a campaign that is killed now goes on: no episode is left out.
    pub fn resume_at(&self) -> u64 {
        let state = self.state();
        state.running.first().copied().unwrap_or(state.summary.next_episode)
    }

    pub(super) fn played(&self, outcome: &Outcome) {
        let mut state = self.state();
        state.summary.acts += outcome.acts.len() as u64;
        state.summary.episodes += 1;
        for seen in &outcome.seen {
            let is_message = matches!(seen.what, What::Sent { .. } | What::Received { .. } | What::Answered { .. });
            if is_message && seen.at >= outcome.began {
                state.summary.messages += 1;
            }
            if seen.own {
                continue;
            }
            if let What::Received { reading, answers: Some(_), .. } = &seen.what {
                state.calls += 1;
                if matches!(reading.frame, Some(Frame::Result { .. })) {
                    state.results += 1;
                }
            }
        }
        state.summary.coverage.merge(&outcome.coverage);
        if !state.warned && state.calls > 500 && state.results * 20 < state.calls {
            state.warned = true;
            let note = format!(
                "the stream meets little but rejections: {} of {} calls had a result; are identity, credentials and \
                 tokens of the rig right?",
                state.results, state.calls
            );
            state.notes.push(note);
        }
    }

    /// Whether this is new, and to be looked into by the one who asks.
    pub(super) fn claim(&self, suspicion: &Suspicion) -> Option<Claim> {
        let mut state = self.state();
        if state.claimed.len() >= MOST {
            return None;
        }
        let key = key(suspicion);
        if state.claimed.contains(&key) {
            return None;
        }
        let (place, kind) = counted(&key, suspicion.class);
        let full = state.places.get(&place).is_some_and(|times| *times >= SAME_PLACE)
            || state.kinds.get(&kind).is_some_and(|times| *times >= SAME_KIND);
        if full {
            return None;
        }
        let rule = rule(suspicion.oracle, &suspicion.rule, &suspicion.path, &suspicion.reply);
        let again = Again::of(suspicion, &key);
        let is_tried = |again: &Again| state.tries.get(&again.key).is_some_and(|tries| *tries >= again.most);
        let is_known = state.rules.contains(&rule) || again.as_ref().is_some_and(is_tried);
        let less = match (is_known, suspicion.class.is_red()) {
            (true, _) => Some(Less::Known),
            (false, false) => Some(Less::Remark),
            (false, true) => None,
        };
        if less.is_some_and(|less| !state.has_time_for(less)) {
            return None;
        }
        if let Some(share) = state.share(less) {
            share.busy += 1;
        }
        match &again {
            Some(again) => *state.tries.entry(again.key.clone()).or_default() += 1,
            None => state.count(key.clone(), rule.clone(), suspicion.class),
        }
        state.open += 1;
        let is_settled = again.is_none();
        Some(Claim { less, is_settled, since: Instant::now(), key, rule, class: suspicion.class })
    }

    /// Whether somebody else has confirmed it meanwhile.
    pub(super) fn is_confirmed(&self, claim: &Claim) -> bool {
        !claim.is_settled && self.state().claimed.contains(&claim.key)
    }

    /// What was claimed showed again.
    pub(super) fn confirmed(&self, claim: &Claim) {
        if !claim.is_settled {
            self.state().count(claim.key.clone(), claim.rule.clone(), claim.class);
        }
    }

    /// What was claimed need not be looked into any more.
    pub(super) fn passed_over(&self) {
        self.state().open -= 1;
    }

    /// What was claimed was looked into.
    pub(super) fn looked_into(&self, claim: &Claim) {
        if let Some(share) = self.state().share(claim.less) {
            share.busy -= 1;
            share.spent += claim.since.elapsed();
        }
    }

    /// Whether nobody has told of a death yet; to be asked by who is about to, with no time to look into it.
    pub(super) fn tells_of_death(&self) -> bool {
        !std::mem::replace(&mut self.state().death_is_told, true)
    }

    /// What was claimed did not show again.
    pub(super) fn not_confirmed(&self) {
        let mut state = self.state();
        state.open -= 1;
        state.summary.not_confirmed += 1;
    }

    /// What was claimed is a finding.
    pub(super) fn found(&self, found: &Found) {
        let mut state = self.state();
        state.open = state.open.saturating_sub(1);
        state.death_is_told |= found.suspicion.class.is_red() && is_harm(&found.suspicion);
        // Made small, it may have become the same as another.
        state.finds(key(&found.suspicion), found.suspicion.class);
    }

    pub(super) fn triggered(&self, faults: &[&'static str]) {
        let mut state = self.state();
        for fault in faults {
            if !state.summary.triggered.contains(fault) {
                state.summary.triggered.push(fault);
            }
        }
    }

    /// All that can be met with this device.
    pub(super) fn aims_at(&self, universe: Universe) {
        self.state().summary.universe = universe;
    }

    /// Nothing more can be done.
    pub(super) fn give_up(&self, reason: String) {
        self.state().summary.gave_up.get_or_insert(reason);
    }

    pub(super) fn notes(&self) -> Vec<String> {
        std::mem::take(&mut self.state().notes)
    }

    /// How far it is, once a second.
    pub(super) fn progress(&self) -> Option<Progress> {
        let mut state = self.state();
        let now = Instant::now();
        let began = state.began.unwrap_or(now);
        let (since, acts) = state.told.unwrap_or((began, 0));
        let passed = now.duration_since(since);
        if passed < Duration::from_secs(1) {
            return None;
        }
        let done = state.summary.acts;
        state.told = Some((now, done));
        Some(Progress {
            acts: done,
            rate: (done - acts) as f64 / passed.as_secs_f64(),
            elapsed: now.duration_since(began),
            findings: state.summary.findings.values().sum(),
            observations: state.summary.coverage.observations.len(),
            sent: state.summary.coverage.sent.len(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a worker looks into.
pub(super) struct Claim {
    /// What it is charged to, if it is not urgent.
    less: Option<Less>,
    /// Whatever comes of it, nobody looks into the same again.
    is_settled: bool,
    since: Instant,
    key: Key,
    rule: (Code, String, String),
    class: Class,
}

/// What is looked into again when it did not show again.
struct Again {
    /// What counts as the same.
    key: Key,
    /// So many times; then only where there is time for more.
    most: u32,
}

impl Again {
    fn of(suspicion: &Suspicion, key: &Key) -> Option<Again> {
        if is_harm(suspicion) {
            return Some(Again { key: key.clone(), most: TRIES });
        }
        let (oracle, _, action, path, _) = key.clone();
        let place = (oracle, String::new(), action, path, String::new());
        let is_of_order = suspicion.evidence == Evidence::Order && suspicion.class.is_red();
        is_of_order.then_some(Again { key: place, most: TRIES_OF_ORDER })
    }
}

impl State {
    /// From now on it is known.
    fn count(&mut self, key: Key, rule: (Code, String, String), class: Class) {
        let (place, kind) = counted(&key, class);
        self.rules.insert(rule);
        *self.places.entry(place).or_default() += 1;
        *self.kinds.entry(kind).or_default() += 1;
        self.claimed.insert(key);
    }

    /// A finding counts once, for the gravest that it was.
    fn finds(&mut self, key: Key, class: Class) {
        let before = self.found.get(&key).copied();
        if before.is_none_or(|before| class < before) {
            if let Some(count) = before.and_then(|before| self.summary.findings.get_mut(&before)) {
                *count -= 1;
            }
            self.found.insert(key, class);
            *self.summary.findings.entry(class).or_default() += 1;
            self.summary.findings.retain(|_, count| *count > 0);
        }
    }

    /// Whether this has cost less so far than it may.
    fn has_time_for(&self, less: Less) -> bool {
        let (Some(shares), Some(began)) = (self.shares, self.began) else { return true };
        let share = shares.of[less as usize];
        let is_free = share.busy == 0 || share.busy < shares.workers / less.part();
        is_free && share.spent.saturating_mul(less.part()) <= began.elapsed().saturating_mul(shares.workers)
    }

    fn share(&mut self, less: Option<Less>) -> Option<&mut Share> {
        Some(&mut self.shares.as_mut()?.of[less? as usize])
    }
}

/// What makes a suspicion one more of the same, wherever it shows.
fn rule(oracle: Code, rule: &str, path: &str, reply: &str) -> (Code, String, String) {
    let how = if rule == HARM { path } else { reply };
    (oracle, rule.to_owned(), how.to_owned())
}

type Key = (Code, String, String, String, String);

/// The place and the kind that a suspicion counts for.
fn counted(key: &Key, class: Class) -> ((Code, String, String), (Code, String)) {
    // A device that dies does so at whatever comes next, and one that ends links rudely does so over whatever is illegal;
    // the same mistake with every action is one mistake.
    let dies = matches!(key.0, Code::O1 | Code::O2 | Code::O9);
    let kind = match (dies, class.is_red()) {
        (true, true) => "dies".to_owned(),
        (true, false) => "ends links".to_owned(),
        (false, _) => key.3.clone(),
    };
    ((key.0, key.2.clone(), key.3.clone()), (key.0, kind))
}

fn key(suspicion: &Suspicion) -> Key {
    let (code, state, action, path, reply) = suspicion.signature();
    (code, state.to_owned(), action.to_owned(), path.to_owned(), reply.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suspicion(rule: &str, action: &str) -> Suspicion {
        Suspicion {
            oracle: Code::O4,
            rule: rule.to_owned(),
            class: Class::Violation,
            state: "idle".to_owned(),
            action: action.to_owned(),
            path: format!("/{action}"),
            reply: "result".to_owned(),
            sentence: String::new(),
            frame: String::new(),
            act: 0,
            nominated: false,
            evidence: Evidence::Words,
        }
    }

    #[test]
    fn more_of_the_same_has_a_share_of_the_time_and_what_is_new_all_of_it() {
        let hub = Hub::new(0, Coverage::default());
        hub.counts_time_of(1);
        let first = hub.claim(&suspicion("R-038", "Authorize")).unwrap();
        let more = hub.claim(&suspicion("R-038", "Heartbeat")).unwrap();
        assert!(hub.claim(&suspicion("R-038", "MeterValues")).is_none(), "one worker looks into one at a time");
        hub.looked_into(&first);
        hub.looked_into(&Claim { since: Instant::now().checked_sub(Duration::from_secs(60)).unwrap(), ..more });
        assert!(hub.claim(&suspicion("R-038", "MeterValues")).is_none(), "this has taken longer than the campaign");
        assert!(hub.claim(&suspicion("R-050", "StatusNotification")).is_some(), "another rule is new");
        let remark = Suspicion { class: Class::Compatibility, ..suspicion("R-024", "BootNotification") };
        assert!(hub.claim(&remark).is_some(), "remarks have a share of their own");
        let other = Suspicion { class: Class::Compatibility, ..suspicion("R-024", "StopTransaction") };
        assert!(hub.claim(&other).is_none());
        if let Some(share) = hub.state().share(Some(Less::Known)) {
            assert!(share.busy == 0 && share.spent >= Duration::from_secs(60));
            share.spent = Duration::ZERO;
        }
        assert!(hub.claim(&suspicion("R-038", "MeterValues")).is_some(), "what was passed over comes later");
    }

    #[test]
    fn each_kind_of_harm_is_new() {
        let hub = Hub::new(0, Coverage::default());
        hub.counts_time_of(1);
        let harm = |path: &str| Suspicion { path: path.to_owned(), ..suspicion(HARM, "?") };
        let claims = ["exit code 7", "log", "memory"].map(|path| hub.claim(&harm(path)));
        assert!(claims.iter().all(Option::is_some));
    }

    #[test]
    fn a_harm_that_does_not_show_again_was_perhaps_that_of_another() {
        let hub = Hub::new(0, Coverage::default());
        hub.counts_time_of(4);
        let harm = Suspicion { oracle: Code::O1, class: Class::Robustness, ..suspicion(HARM, "?") };
        let innocent = hub.claim(&harm).unwrap();
        let guilty = hub.claim(&harm).unwrap();
        hub.looked_into(&innocent);
        hub.not_confirmed();
        assert!(!hub.is_confirmed(&guilty));
        hub.confirmed(&guilty);
        assert!(hub.is_confirmed(&innocent));
        assert!(hub.claim(&harm).is_none(), "it is known now");
    }

    #[test]
    fn an_order_that_did_not_show_again_is_looked_into_a_few_times() {
        let hub = Hub::new(0, Coverage::default());
        hub.counts_time_of(1);
        let order = |state: &str| Suspicion {
            oracle: Code::O6,
            state: state.to_owned(),
            evidence: Evidence::Order,
            ..suspicion("16-TX-17", "StartTransaction")
        };
        for state in ["idle", "charging", "idle"] {
            let claim = hub.claim(&order(state)).unwrap();
            hub.looked_into(&claim);
        }
        if let Some(share) = hub.state().share(Some(Less::Known)) {
            share.spent = Duration::from_secs(60);
        }
        assert!(hub.claim(&order("faulted")).is_none(), "from now on only where there is time");
    }

    #[test]
    fn what_shows_again_counts_for_what_it_is() {
        let hub = Hub::new(0, Coverage::default());
        let found = |class, shown| Found {
            sequence: crate::Sequence::new(protocol::Role::Station, protocol::Version::V16, Vec::new()),
            suspicion: Suspicion { class, ..suspicion("16-TX-17", "StartTransaction") },
            serial: false,
            shown,
            tried: 2,
            seen: Vec::new(),
            episode: 0,
            acts_before: 0,
        };
        for (class, shown) in [(Class::Ambiguous, 0), (Class::Violation, 2), (Class::Ambiguous, 0)] {
            hub.found(&found(class, shown));
        }
        assert_eq!(hub.summary().findings, BTreeMap::from([(Class::Violation, 1)]));
    }

    #[test]
    fn links_that_end_over_what_is_illegal_hide_no_death() {
        let hub = Hub::new(0, Coverage::default());
        let end = |action: &str, class| Suspicion { oracle: Code::O2, class, ..suspicion(HARM, action) };
        for number in 0..20 {
            let _ = hub.claim(&end(&number.to_string(), Class::Compatibility));
        }
        assert!(hub.claim(&end("Authorize", Class::Robustness)).is_some());
    }

    #[test]
    fn where_time_is_virtual_nothing_is_passed_over() {
        let hub = Hub::new(0, Coverage::default());
        let claims = ["Authorize", "Heartbeat", "MeterValues"].map(|action| hub.claim(&suspicion("R-038", action)));
        assert!(claims.iter().all(Option::is_some));
    }
}
