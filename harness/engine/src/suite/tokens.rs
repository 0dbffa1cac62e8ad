//! Tokens that a plan uses: no two virtual stations use one at the same time.
//!
//! A CSMS may refuse a token that charges elsewhere (`ConcurrentTx`), and it would be right to.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

/// Every token that was ever used in a run, with what holds it.
#[derive(Default)]
pub(crate) struct TokensInUse {
    known: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    other_station: Arc<tokio::sync::Mutex<()>>,
    history: Mutex<History>,
}

/// What a CSMS has let happen to tokens in a run.
#[derive(Default)]
struct History {
    /// It has let them charge, and every transaction of theirs is over.
    charged: BTreeSet<String>,
    /// They may charge for ever: some plan has left it open.
    open: BTreeSet<String>,
}

impl TokensInUse {
    /// Waits until nobody uses these tokens, and keeps them until the guards are dropped.
    pub(crate) async fn take(&self, tokens: &BTreeSet<String>) -> Vec<OwnedMutexGuard<()>> {
        let mut guards = Vec::with_capacity(tokens.len());
        // Everybody takes them in the same order, so nobody waits for somebody who waits for him.
        for token in tokens {
            guards.push(self.lock_of(token).lock_owned().await);
        }
        guards
    }

    /// Those of these tokens that the CSMS has let charge in earlier plans, and that charge no longer: it has no reason to
    /// say that they do.
    pub(crate) fn charged(&self, tokens: &BTreeSet<String>) -> BTreeSet<String> {
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.intersection(&history.charged).cloned().collect()
    }

    /// A plan with these tokens is over: the CSMS has let some charge, and some may do so still.
    pub(crate) fn used(&self, tokens: &BTreeSet<String>, charged: &BTreeSet<String>, still: &BTreeSet<String>) {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let History { charged: known, open } = &mut *history;
        open.extend(still.iter().cloned());
        known.extend(tokens.intersection(charged).cloned());
        known.retain(|token| !open.contains(token));
    }

    /// Held by the plan that plays the station beside its own.
    pub(crate) fn turn_of_the_other_station(&self) -> Arc<tokio::sync::Mutex<()>> {
        self.other_station.clone()
    }

    fn lock_of(&self, token: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(token.to_owned()).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_token_has_charged_when_its_transactions_are_known_to_be_over() {
        let tokens = TokensInUse::default();
        let (both, none) = (set(&["a", "b"]), set(&[]));
        assert_eq!(tokens.charged(&both), none);
        tokens.used(&both, &both, &set(&["b"]));
        assert_eq!(tokens.charged(&both), set(&["a"]));
        tokens.used(&both, &both, &none);
        assert_eq!(tokens.charged(&both), set(&["a"]), "nobody has ended what b has begun");
    }

    #[tokio::test]
    async fn a_token_is_used_by_one_plan_at_a_time() {
        let tokens = TokensInUse::default();
        let first = tokens.take(&set(&["a", "b"])).await;
        let (others, next) = (set(&["c"]), set(&["b", "c"]));
        let other = tokens.take(&others).await;
        let mut waiting = Box::pin(tokens.take(&next));
        assert!(is_pending(&mut waiting).await);
        drop(other);
        assert!(is_pending(&mut waiting).await, "b is still in use");
        drop(first);
        assert_eq!(waiting.await.len(), 2);
    }

    async fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
        tokio::select! {
            biased;
            _ = future => false,
            () = std::future::ready(()) => true,
        }
    }
}
