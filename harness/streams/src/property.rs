//! Stateful properties: sequences of moves that the model makes sense of while they are played, driven by proptest and
//! made small against the live device.
//!
//! An element of a sequence is a handful of bytes, read as choices in the state that the model is in then; so whatever
//! is left out while shrinking, every element that remains is something that can be done, and preconditions are looked
//! at anew. What is kept is not the elements but the acts they have become.

mod elements;
mod tree;

use std::time::{Duration, Instant};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

pub use elements::Elements;
pub use tree::{Element, Sequences, Tree};

use crate::Act;
use crate::generate::Allowed;
use crate::oracles::Suspicion;
use crate::play::play;
use crate::target::{How, Target};

/// How far a search goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Sequences that are tried.
    pub cases: u32,
    /// Elements in a sequence, at most.
    pub length: usize,
    /// Runs against the device to make a counterexample small.
    pub runs: u32,
    /// The time for everything.
    pub time: Duration,
    /// How often the smallest one is repeated, to see whether it always shows.
    pub repeats: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { cases: 100, length: 40, runs: 500, time: Duration::from_secs(60), repeats: 3 }
    }
}

/// What came of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Played<F> {
    /// What was done.
    pub acts: Vec<Act>,
    /// What it showed, if it showed something.
    pub failure: Option<F>,
}

/// A sequence that shows something, as small as the limits allowed.
#[derive(Clone, Debug, PartialEq)]
pub struct Counterexample<F> {
    /// The acts, which need neither seed nor strategy to be done again.
    pub acts: Vec<Act>,
    /// The elements they were made from.
    pub elements: Vec<Element>,
    /// What they show.
    pub failure: F,
    /// Runs against the device it took to make it small.
    pub runs: u32,
    /// In how many of the repetitions it showed again.
    pub repeated: u32,
}

/// Tries sequences until one shows something, and makes that small: it has to show the same again, as `same` says.
/// Seed and limits decide what is tried; the device is the only other influence.
pub async fn search<F>(
    seed: u64,
    limits: Limits,
    mut run: impl AsyncFnMut(&[Element]) -> Played<F>,
    same: impl Fn(&F, &F) -> bool,
) -> Option<Counterexample<F>> {
    let until = Instant::now() + limits.time;
    let mut runner = runner(seed);
    let strategy = Sequences::up_to(limits.length);
    for _ in 0..limits.cases {
        if Instant::now() >= until {
            return None;
        }
        let mut tree = strategy.new_tree(&mut runner).ok()?;
        let played = run(&tree.current()).await;
        if let Some(failure) = played.failure {
            let found = Counterexample { acts: played.acts, elements: tree.current(), failure, runs: 0, repeated: 0 };
            return Some(shrink(found, &mut tree, limits, until, &mut run, &same).await);
        }
    }
    None
}

async fn shrink<F>(
    mut best: Counterexample<F>,
    tree: &mut Tree,
    limits: Limits,
    until: Instant,
    run: &mut impl AsyncFnMut(&[Element]) -> Played<F>,
    same: &impl Fn(&F, &F) -> bool,
) -> Counterexample<F> {
    while best.runs < limits.runs && Instant::now() < until && tree.simplify() {
        best.runs += 1;
        let played = run(&tree.current()).await;
        match played.failure.filter(|failure| same(failure, &best.failure)) {
            Some(failure) => {
                best.acts = played.acts;
                best.elements = tree.current();
                best.failure = failure;
            }
            None => {
                tree.complicate();
            }
        }
    }
    for _ in 0..limits.repeats {
        let again = run(&best.elements).await;
        best.repeated += u32::from(again.failure.is_some_and(|failure| same(&failure, &best.failure)));
    }
    best
}

/// Whatever the environment says, and without files of earlier failures: acts are kept instead.
fn runner(seed: u64) -> TestRunner {
    let mut bytes = [0; 32];
    for (at, chunk) in bytes.chunks_mut(8).enumerate() {
        let word = seed.wrapping_add(at as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        chunk.copy_from_slice(&word.to_le_bytes());
    }
    let config = Config { failure_persistence: None, ..plain_config() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// All that can be read from variables is said here.
fn plain_config() -> Config {
    Config {
        cases: 1,
        max_local_rejects: 1000,
        max_global_rejects: 1000,
        max_flat_map_regens: 1000,
        failure_persistence: None,
        source_file: None,
        test_name: None,
        result_cache: proptest::test_runner::basic_result_cache,
        max_shrink_time: 0,
        max_shrink_iters: 1000,
        max_default_size_range: 100,
        verbose: 0,
        rng_algorithm: RngAlgorithm::ChaCha,
        ..Config::default()
    }
}

/// The elements of one sequence, as proptest makes them from this seed.
pub fn elements(seed: u64, length: usize) -> Vec<Element> {
    Sequences::up_to(length).new_tree(&mut runner(seed)).map(|tree| tree.current()).unwrap_or_default()
}

/// Searches a device for something that its state forbids: the first suspicion that would make a run red.
pub async fn against(
    target: &mut Target,
    allowed: &Allowed,
    seed: u64,
    limits: Limits,
) -> Option<Counterexample<Suspicion>> {
    let run = async |elements: &[Element]| {
        let mut source = Elements::new(elements);
        let outcome = play(target, &mut source, allowed, How::default()).await;
        let failure = outcome.suspicions.into_iter().find(|suspicion| suspicion.class.is_red() && !suspicion.nominated);
        Played { acts: outcome.acts, failure }
    };
    let same = |one: &Suspicion, other: &Suspicion| {
        (one.oracle, &one.rule, &one.action) == (other.oracle, &other.rule, &other.action)
    };
    search(seed, limits, run, same).await
}

#[cfg(test)]
mod tests;
