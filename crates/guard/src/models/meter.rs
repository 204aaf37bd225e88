//! What calls may use and what they used: asked before a call, settled after it.
//!
//! ```text
//! Meter::reserve(Ask) -> Permit -> Permit::settle(Usage, how) -> a row of usage in the store
//! ```
//! A permit that is dropped without being settled gives back what was reserved. Rows are written together, a
//! moment after the calls that they tell of, and once each whatever happens: the request's id is their key.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tenantry_policy::Clock;
use tenantry_policy::limits::Rate;
use tenantry_store::Store;
use tenantry_store::usage::UsageRow;

use crate::limits::{self, Entering, Limiter, Money, Settling, Standing};
use crate::metrics::CallLabels;

use super::caller::Caller;
use super::catalog::{Model, Price};
use super::refusal::Refusal;
use super::surface::Surface;
use super::usage::{MOST_TOKENS, Usage};

/// How long rows wait for others.
const TOGETHER: Duration = Duration::from_millis(100);

/// How many rows are written in one go.
const BATCH: usize = 500;

/// What an answer is taken to be at most, for each of its choices, where neither the call nor the model says. Where a
/// hard budget holds, the upstream is told so.
const ASSUMED_OUTPUT: u64 = 4_096;

/// How many upstreams are tried, each for as long as it may take.
const TRIES: u32 = 3;

/// How many of a caller's requests that are refused before they come to a model stand on record at once, and in a
/// minute: a flood of them must not fill the disk.
const NOTED: u64 = 60;

/// How many rows may wait while the store does not answer.
const MOST_WAITING: usize = 100_000;

/// What a call is about to use.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The request's id: the key of its row.
    pub request_id: Arc<str>,
    /// Who calls.
    pub caller: Arc<Caller>,
    /// Which model.
    pub model: Arc<Model>,
    /// In which form.
    pub surface: Surface,
    /// An estimate of the prompt's tokens.
    pub input: u64,
    /// The body's bytes, and the tokens of what it follows: no text has more tokens than bytes.
    pub bytes: u64,
    /// The most tokens that each of the answer's choices may have, where that is known.
    pub output: Option<u64>,
    /// How many choices.
    pub choices: u64,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The answer was delivered.
    Completed,
    /// The caller left before its end.
    Aborted,
    /// It failed, or was ended by us.
    Failed,
    /// It was answered from the cache.
    Cached,
}

impl Ended {
    fn name(self) -> &'static str {
        match self {
            Ended::Completed => "completed",
            Ended::Aborted => "aborted",
            Ended::Failed => "failed",
            Ended::Cached => "cached",
        }
    }
}

/// Counts what callers use.
pub struct Meter {
    ledger: Arc<Ledger>,
    limiter: ArcSwap<Limiter>,
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meter").finish_non_exhaustive()
    }
}

impl Meter {
    pub(crate) fn new(store: Arc<Store>, clock: Arc<dyn Clock>) -> Meter {
        let limiter = ArcSwap::from_pointee(Limiter::off(Arc::clone(&clock)));
        let ledger = Ledger { store, clock, waiting: Mutex::default(), scheduled: AtomicBool::new(false) };
        Meter { ledger: Arc::new(ledger), limiter }
    }

    pub(crate) fn limit(&self, limiter: Arc<Limiter>) {
        self.limiter.store(limiter);
    }

    /// Reserves what a call may use at most.
    ///
    /// # Errors
    /// The limit or budget that it would exceed.
    pub async fn reserve(&self, ask: Ask) -> Result<Permit, Refusal> {
        let output = match ask.surface {
            Surface::Embeddings => 0,
            _ => ask.output.unwrap_or(ASSUMED_OUTPUT).saturating_mul(ask.choices),
        };
        let top = Price {
            // A part of the prompt may be kept already, or not, or be kept from now on.
            input: ask.model.price.input.max(ask.model.price.cached_input).max(ask.model.price.cache_write),
            cached_input: 0,
            cache_write: 0,
            output: ask.model.price.output,
        };
        let cost = |input| Usage { input, output, ..Usage::default() }.cost(&top);
        let patience = ask.model.targets.iter().map(|target| target.parts.patience.total).max().unwrap_or_default();
        let entering = Entering {
            principal: &ask.caller.principal,
            model: Some(&ask.model.name),
            tokens: ask.input.saturating_add(output),
            money: Some(Money {
                request_id: &ask.request_id,
                worst: cost(ask.bytes),
                likely: cost(ask.input),
                lives: patience.saturating_mul(TRIES),
            }),
        };
        let limiter = self.limiter.load_full();
        let limited = limiter.enter(entering).await?;
        Ok(Permit { ledger: Arc::clone(&self.ledger), limiter, ask, limited })
    }

    /// Counts what is no call of a model yet: a list, or a request that is refused before it comes to one. Answers
    /// whether a refusal of it shall stand on record.
    ///
    /// # Errors
    /// The limit on calls that it exceeds.
    pub(crate) async fn count(&self, caller: &Caller) -> Result<bool, Refusal> {
        let limiter = self.limiter.load_full();
        let principal = &*caller.principal;
        drop(limiter.enter(Entering { principal, model: None, tokens: 0, money: None }).await?);
        let rate = Rate { count: NOTED, within: Duration::from_mins(1) };
        let who = [principal.user_id.as_deref(), principal.client_id.as_deref(), caller.key.as_deref()];
        let name = ["refused", caller.account()].into_iter().chain(who.map(Option::unwrap_or_default));
        Ok(limiter.count(&name.collect::<Vec<_>>().join("\u{1}"), &rate).is_ok())
    }

    /// Writes what waits to be written.
    pub async fn flush(&self) {
        self.limiter.load_full().flush().await;
        Ledger::write_all(&self.ledger).await;
    }
}

/// Leave to make a call, with what was reserved for it.
#[derive(Debug)]
pub struct Permit {
    ledger: Arc<Ledger>,
    limiter: Arc<Limiter>,
    ask: Ask,
    limited: limits::Permit,
}

impl Permit {
    /// An estimate of the prompt's tokens, as reserved.
    #[must_use]
    pub fn input(&self) -> u64 {
        self.ask.input
    }

    /// The most output tokens that each choice may have, where only that keeps the call within a hard budget.
    #[must_use]
    pub(crate) fn cap(&self) -> Option<u64> {
        (self.ask.output.is_none() && self.limited.is_hard()).then_some(ASSUMED_OUTPUT)
    }

    /// The most tokens that prompt and answer have together.
    #[must_use]
    pub(crate) fn most_tokens(&self) -> u64 {
        let output = self.ask.output.unwrap_or(ASSUMED_OUTPUT).saturating_mul(self.ask.choices);
        self.ask.bytes.saturating_add(output)
    }

    /// How the caller stands: calls, and tokens.
    #[must_use]
    pub(crate) fn standings(&self) -> (Option<Standing>, Option<Standing>) {
        (self.limited.requests, self.limited.token_rate)
    }

    /// Settles what was reserved to what was used, and notes it. Answers the cost in micro-units, and what tells it to
    /// the ledger of budgets.
    pub(crate) fn settle(self, usage: Usage, ended: Ended, upstream: &str, took: Duration) -> (u64, Option<Settling>) {
        let cost = if ended == Ended::Cached { 0 } else { usage.cost(&self.ask.model.price) };
        if usage.input.max(usage.output) >= MOST_TOKENS {
            tracing::warn!(request = %self.ask.request_id, upstream, "an upstream reports more tokens than any call has");
        }
        let int = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let principal = &self.ask.caller.principal;
        let row = UsageRow {
            request_id: self.ask.request_id.to_string(),
            time_micros: self.ledger.clock.now_micros(),
            account: self.ask.caller.account().to_owned(),
            workspace: principal.workspace_id.clone(),
            user: principal.user_id.clone(),
            client: principal.client_id.clone(),
            key: self.ask.caller.key.as_deref().map(str::to_owned),
            model: self.ask.model.name.to_string(),
            surface: self.ask.surface.tool().to_owned(),
            upstream: upstream.to_owned(),
            ended: ended.name().to_owned(),
            input_tokens: int(usage.input),
            cached_tokens: int(usage.cached_input),
            output_tokens: int(usage.output),
            estimated: !usage.reported,
            cost_micros: int(cost),
            duration_micros: i64::try_from(took.as_micros()).unwrap_or(i64::MAX),
        };
        let used = if ended == Ended::Cached { Usage::default() } else { usage };
        self.limiter.metrics().call(
            CallLabels {
                account: row.account.as_str().into(),
                workspace: row.workspace.as_deref().unwrap_or_default().into(),
                model: Arc::clone(&self.ask.model.name),
                operation: self.ask.surface.operation(),
                provider: self.ask.model.provider(upstream),
                error: if matches!(ended, Ended::Failed | Ended::Aborted) { ended.name() } else { "" },
            },
            took,
            used.input,
            used.cached_input,
            used.output,
            cost,
        );
        Ledger::note(&self.ledger, row);
        (cost, self.limited.settle(used.input.saturating_add(used.output), cost))
    }
}

/// Rows on their way to the store.
struct Ledger {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    waiting: Mutex<Vec<UsageRow>>,
    /// Is a task about to write?
    scheduled: AtomicBool,
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").finish_non_exhaustive()
    }
}

impl Ledger {
    fn note(this: &Arc<Ledger>, row: UsageRow) {
        {
            let mut waiting = this.waiting.lock();
            if waiting.len() >= MOST_WAITING {
                // What was used stands in the audit too.
                tracing::error!(request = %row.request_id, "too many rows of usage wait for the store; this one is lost");
                return;
            }
            waiting.push(row);
        }
        if this.scheduled.swap(true, Ordering::AcqRel) {
            return;
        }
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                // Held loosely: a program that ends closes its store, and has written what waits by then.
                let ledger = Arc::downgrade(this);
                runtime.spawn(async move {
                    tokio::time::sleep(TOGETHER).await;
                    if let Some(ledger) = ledger.upgrade() {
                        Ledger::write_all(&ledger).await;
                    }
                });
            }
            Err(_) => this.scheduled.store(false, Ordering::Release),
        }
    }

    async fn write_all(this: &Arc<Ledger>) {
        this.scheduled.store(false, Ordering::Release);
        loop {
            let rows: Vec<UsageRow> = {
                let mut waiting = this.waiting.lock();
                let many = waiting.len().min(BATCH);
                waiting.drain(..many).collect()
            };
            if rows.is_empty() {
                return;
            }
            if let Err(error) = this.store.note_usage(&rows).await {
                tracing::error!(%error, rows = rows.len(), "usage cannot be written; tried again with the next");
                let mut waiting = this.waiting.lock();
                waiting.extend(rows);
                return;
            }
        }
    }
}
