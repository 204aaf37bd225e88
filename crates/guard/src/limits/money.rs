//! Budgets: what a call may cost is set aside in the store's ledger before it, and what it cost is put there after.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tenantry_policy::limits::Budget;
use tenantry_store::budgets::{Held, Hold, Settlement};
use tenantry_store::{Store, StoreError};

use tokio::sync::oneshot;

use super::limiter::Limiter;
use super::refused::{Refused, Why};
use super::scope::{Level, Scope};

/// How much longer than its call a reservation lives.
const AFTER: Duration = Duration::from_mins(2);

/// How often it is looked for reservations that nobody settled.
const LOOK: Duration = Duration::from_secs(10);

/// After how long it is tried again to settle.
const AGAIN: Duration = Duration::from_millis(500);

/// How many calls may wait to be settled while the store does not answer.
const MOST_WAITING: usize = 100_000;

/// What a call may cost, in micro-units.
#[derive(Debug, Clone, Copy)]
pub struct Money<'a> {
    /// The call's id, under which it is settled once.
    pub request_id: &'a str,
    /// The most that it can cost: what hard budgets set aside.
    pub worst: u64,
    /// What it will cost by estimate: what soft budgets set aside.
    pub likely: u64,
    /// How long the call may take.
    pub lives: Duration,
}

/// What is on its way to the ledger.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    waiting: Mutex<Vec<Settlement>>,
    trying: AtomicBool,
    /// What soft budgets let pass while the store did not answer, by scope.
    unseen: Mutex<HashMap<String, u64>>,
    looked: Mutex<Option<Duration>>,
}

/// What is set aside for a call; given back when dropped.
#[derive(Debug)]
pub(super) struct Holding {
    limiter: Arc<Limiter>,
    settlement: Option<Settlement>,
}

/// The end of a call, to be told to the ledger.
#[derive(Debug)]
pub(crate) struct Settling {
    limiter: Arc<Limiter>,
    settlement: Settlement,
}

fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A budget's name in the ledger. Another period of the same place is another budget.
pub(super) fn ledger_name(key: &str, budget: &Budget) -> String {
    [key, ":", budget.period.name()].concat()
}

impl Ledger {
    /// Sets aside what a call may cost of every budget that it stands under, or of none.
    pub(super) async fn hold(
        &self,
        limiter: &Arc<Limiter>,
        scopes: &[Scope],
        money: &Money<'_>,
    ) -> Result<Option<Holding>, Refused> {
        let now = limiter.ledger_now();
        let mut found: Vec<(Level, Budget, i64, Hold)> = Vec::new();
        for scope in scopes {
            let Some(budget) = scope.limits.budget else { continue };
            let (start, end) = budget.period.around(now);
            if budget.micros == 0 {
                return Err(spent(scope.level, end, now));
            }
            let hard = budget.tolerance.is_none();
            let hold = Hold {
                scope: ledger_name(&scope.key, &budget),
                period_micros: start,
                amount_micros: int(if hard { money.worst } else { money.likely }),
                most_micros: int(budget.most()),
                hard,
            };
            found.push((scope.level, budget, end, hold));
        }
        let (Some(store), Some(narrowest)) = (limiter.store(), found.first().map(|(level, ..)| *level)) else {
            return Ok(None);
        };
        self.look_for_lost(limiter, store);
        let lives = i64::try_from((money.lives + AFTER).as_micros()).unwrap_or(i64::MAX);
        let holds: Vec<Hold> = found.iter().map(|(.., hold)| hold.clone()).collect();
        let nothing = Settlement { request_id: money.request_id.to_owned(), cost_micros: 0, holds, late: false };
        let (told, answer) = oneshot::channel();
        let holding = Holding { limiter: Arc::clone(limiter), settlement: Some(nothing.clone()) };
        let store = Arc::clone(store);
        // A task of its own: when the caller leaves in the middle, what was set aside is dropped, and given back.
        tokio::spawn(async move {
            let mut holding = holding;
            let holds = &holding.settlement.as_ref().map(|nothing| nothing.holds.clone()).unwrap_or_default();
            let id = holding.settlement.as_ref().map(|nothing| nothing.request_id.clone()).unwrap_or_default();
            let held = match store.hold_budgets(&id, holds, now.saturating_add(lives)).await {
                Ok(Held::Whole) => Ok(Ok(holding)),
                Ok(Held::Spent(at)) => {
                    holding.settlement = None;
                    Ok(Err(at))
                }
                // It may be set aside all the same: it is given back.
                Err(error) => Err(error),
            };
            drop(told.send(held));
        });
        let answered = answer.await.unwrap_or_else(|_| Err(StoreError::Closed));
        match answered {
            Ok(Ok(holding)) => {
                self.seen(&nothing.holds);
                Ok(Some(holding))
            }
            Ok(Err(at)) => {
                self.seen(&nothing.holds);
                let (level, end) = found.get(at).map_or((narrowest, now), |(level, _, end, _)| (*level, *end));
                Err(spent(level, end, now))
            }
            Err(error) => {
                tracing::error!(%error, "the ledger of budgets does not answer");
                let hard = found.iter().find(|(_, budget, ..)| budget.tolerance.is_none()).map(|(level, ..)| *level);
                let level = match hard {
                    Some(level) => level,
                    None if self.unseen(&found, money.likely) => {
                        let late = Settlement { late: true, ..nothing };
                        return Ok(Some(Holding { limiter: Arc::clone(limiter), settlement: Some(late) }));
                    }
                    None => narrowest,
                };
                let wait = Some(Duration::from_secs(1));
                Err(Refused { why: Why::Ledger, level, wait, standing: None, noted: false })
            }
        }
    }

    /// Counts what soft budgets let pass unseen; false when it is more than they tolerate.
    fn unseen(&self, found: &[(Level, Budget, i64, Hold)], likely: u64) -> bool {
        let mut unseen = self.unseen.lock();
        let fits = found.iter().all(|(_, budget, _, hold)| {
            let before = unseen.get(&hold.scope).copied().unwrap_or_default();
            before.saturating_add(likely) <= budget.most().saturating_sub(budget.micros)
        });
        if fits {
            for (.., hold) in found {
                let sum = unseen.entry(hold.scope.clone()).or_default();
                *sum = sum.saturating_add(likely);
            }
        }
        fits
    }

    /// The store answers.
    fn seen(&self, holds: &[Hold]) {
        let mut unseen = self.unseen.lock();
        if !unseen.is_empty() {
            for hold in holds {
                unseen.remove(&hold.scope);
            }
        }
    }

    /// Keeps a settlement until the store takes it.
    fn wait(&self, limiter: &Arc<Limiter>, settlement: Settlement) {
        {
            let mut waiting = self.waiting.lock();
            if waiting.len() >= MOST_WAITING {
                tracing::error!(request = %settlement.request_id, "too many calls wait to be settled; this one is when its reservation expires");
                return;
            }
            waiting.push(settlement);
        }
        if self.trying.swap(true, Ordering::AcqRel) {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            self.trying.store(false, Ordering::Release);
            return;
        };
        // Held loosely: a server that ends has settled what it can by then.
        let limiter = Arc::downgrade(limiter);
        runtime.spawn(async move {
            loop {
                tokio::time::sleep(AGAIN).await;
                let Some(limiter) = limiter.upgrade() else { return };
                let Some(store) = limiter.store().cloned() else { return };
                if limiter.ledger.settle_waiting(&store).await {
                    limiter.ledger.trying.store(false, Ordering::Release);
                    return;
                }
            }
        });
    }

    /// Settles what waits; false when some of it still does.
    pub(super) async fn settle_waiting(&self, store: &Store) -> bool {
        let taken = std::mem::take(&mut *self.waiting.lock());
        if taken.is_empty() {
            return true;
        }
        match store.settle_budgets(&taken).await {
            Ok(()) => self.waiting.lock().is_empty(),
            Err(error) => {
                tracing::warn!(%error, calls = taken.len(), "calls cannot be settled; tried again");
                self.waiting.lock().extend(taken);
                false
            }
        }
    }

    /// Now and then, settles what nobody settled in time.
    fn look_for_lost(&self, limiter: &Limiter, store: &Arc<Store>) {
        let now = limiter.clock().monotonic();
        {
            let mut looked = self.looked.lock();
            if looked.is_some_and(|looked| now < looked + LOOK) {
                return;
            }
            *looked = Some(now);
        }
        let (store, now_micros) = (Arc::clone(store), limiter.ledger_now());
        tokio::spawn(async move {
            match store.expire_holds(now_micros).await {
                Ok(0) => {}
                Ok(calls) => tracing::warn!(calls, "calls that nobody settled in time are settled"),
                Err(error) => tracing::warn!(%error, "reservations that nobody settled cannot be looked for"),
            }
        });
    }
}

fn spent(level: Level, resets_micros: i64, now: i64) -> Refused {
    let wait = Duration::from_micros(resets_micros.saturating_sub(now).max(1).unsigned_abs());
    Refused { why: Why::Budget { resets_micros }, level, wait: Some(wait), standing: None, noted: false }
}

impl Holding {
    pub(super) fn is_hard(&self) -> bool {
        self.settlement.iter().flat_map(|settlement| &settlement.holds).any(|hold| hold.hard)
    }

    pub(super) fn settle(mut self, cost_micros: u64) -> Option<Settling> {
        let mut settlement = self.settlement.take()?;
        settlement.cost_micros = int(cost_micros);
        Some(Settling { limiter: Arc::clone(&self.limiter), settlement })
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        if let (Some(settlement), Ok(runtime)) = (self.settlement.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(Settling { limiter: Arc::clone(&self.limiter), settlement }.done());
        }
    }
}

impl Settling {
    /// Tells the ledger; later, when it does not answer now.
    pub(crate) async fn done(self) {
        let Settling { limiter, settlement } = self;
        let Some(store) = limiter.store() else { return };
        if let Err(error) = store.settle_budgets(std::slice::from_ref(&settlement)).await {
            tracing::warn!(%error, request = %settlement.request_id, "a call cannot be settled; tried again");
            limiter.ledger.wait(&limiter, settlement);
        }
    }
}
