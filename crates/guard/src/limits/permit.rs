//! Leave for a call to go on.

use std::sync::Arc;

use super::limiter::{Limiter, Places};
use super::money::{Holding, Settling};
use super::refused::Standing;
use super::scope::Scope;

/// Leave for a call to go on. Its places are given back when it is dropped; what it reserved and nobody settled, too.
#[derive(Debug)]
pub struct Permit {
    inner: Option<Inner>,
    pub(super) holding: Option<Holding>,
    /// How the caller stands with the tightest limit of its own on calls.
    pub requests: Option<Standing>,
    /// The same for tokens.
    pub token_rate: Option<Standing>,
}

/// Of which places a share was debited, one bit for each: a call of a server that counts by itself debits none.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Debits {
    requests: u64,
    tokens: u64,
}

impl Debits {
    pub(super) fn note(&mut self, tokens: bool, place: usize) {
        let bit = u32::try_from(place).ok().and_then(|place| 1_u64.checked_shl(place)).unwrap_or_default();
        *(if tokens { &mut self.tokens } else { &mut self.requests }) |= bit;
    }

    pub(super) fn has(self, tokens: bool, place: usize) -> bool {
        let bits = if tokens { self.tokens } else { self.requests };
        u32::try_from(place).ok().and_then(|place| bits.checked_shr(place)).is_some_and(|bits| bits & 1 == 1)
    }
}

#[derive(Debug)]
struct Inner {
    limiter: Arc<Limiter>,
    scopes: Arc<[Scope]>,
    /// Dropped after the rest was given back.
    places: Places,
    tokens: u64,
    debits: Debits,
}

impl Permit {
    /// Where nothing is limited.
    pub(crate) fn unlimited() -> Permit {
        Permit { inner: None, holding: None, requests: None, token_rate: None }
    }

    pub(super) fn new(
        limiter: Arc<Limiter>,
        scopes: Arc<[Scope]>,
        places: Places,
        tokens: u64,
        debits: Debits,
    ) -> Permit {
        let inner = Inner { limiter, scopes, places, tokens, debits };
        Permit { inner: Some(inner), holding: None, requests: None, token_rate: None }
    }

    /// Was nothing but a hard budget able to let it pass? Then the answer must be bounded.
    #[must_use]
    pub fn is_hard(&self) -> bool {
        self.holding.as_ref().is_some_and(Holding::is_hard)
    }

    /// The call is over: it used so many tokens, and cost so much. What is answered puts that on the ledger.
    #[must_use = "the ledger is told by awaiting it"]
    pub(crate) fn settle(mut self, tokens: u64, cost_micros: u64) -> Option<Settling> {
        let inner = self.inner.take()?;
        if inner.tokens > 0 || tokens > 0 {
            inner.limiter.settle_tokens(&inner.scopes, inner.tokens, tokens, inner.debits);
        }
        let holding = self.holding.take();
        drop(inner.places);
        holding.and_then(|holding| holding.settle(cost_micros))
    }

    /// The call is over, as [`Permit::settle`] says, and the ledger knows.
    pub async fn end(self, tokens: u64, cost_micros: u64) {
        if let Some(settling) = self.settle(tokens, cost_micros) {
            settling.done().await;
        }
    }

    /// Gives back everything, as if the call had not been made.
    pub fn undo(mut self) {
        if let Some(inner) = &self.inner {
            inner.limiter.uncount(&inner.scopes, inner.debits);
        }
        self.give_back();
    }

    fn give_back(&mut self) {
        let Some(inner) = self.inner.take() else { return };
        if inner.tokens > 0 {
            inner.limiter.settle_tokens(&inner.scopes, inner.tokens, 0, inner.debits);
        }
        self.holding = None;
        drop(inner.places);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.give_back();
    }
}
