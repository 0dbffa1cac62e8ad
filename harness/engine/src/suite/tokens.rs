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
