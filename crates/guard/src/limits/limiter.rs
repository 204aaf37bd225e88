//! The one decision on all the limits of a call.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tenantry_policy::limits::{LimitLaw, Limits, Rate};
use tenantry_policy::{Clock, Principal};
use tenantry_store::{Store, StoreError};
use tokio::sync::futures::OwnedNotified;
use tokio::sync::oneshot;

use crate::metrics::{Metrics, RefusedLabels};

use super::bucket::Bucket;
use super::declared::Declared;
use super::money::{Ledger, Money};
use super::permit::{Debits, Permit};
use super::queue::Queue;
use super::refused::{Refused, Standing, Why};
use super::scope::{Chain, Level, Scope, scopes};
use super::share::{Kind, Look, Share, Unused, Want};

/// How long a call waits for its turn, where the file does not say.
const WAIT: Duration = Duration::from_secs(5);

/// How many calls of an account wait, where the file does not say.
const WAITING: usize = 128;

/// How many counters there are before those that say nothing are looked for.
const SWEEP: usize = 4_096;

/// How often a call asks for more of its shares before it is refused.
const ASKS: usize = 16;

/// How long a call waits for what others ask of the store.
const SHARE: Duration = Duration::from_secs(6);

/// How many shares that nobody uses are given back in one go.
const GIVEN_BACK: usize = 64;

/// Of the refusals at one place, one in so long stands on record.
const NOTED: Duration = Duration::from_secs(1);

/// What a call is about to use.
#[derive(Debug, Clone, Copy)]
pub struct Entering<'a> {
    /// Who calls.
    pub principal: &'a Principal,
    /// The AI model, if it is a call of one.
    pub model: Option<&'a str>,
    /// The most tokens, prompt and answer together.
    pub tokens: u64,
    /// What it may cost; `None` costs nothing.
    pub money: Option<Money<'a>>,
}

/// Counts what is used, and lets pass what the limits let pass.
pub struct Limiter {
    law: ArcSwap<LimitLaw>,
    declared: Declared,
    store: Option<Arc<Store>>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    servers: AtomicU32,
    /// The database's time, and when it was told on the clock that never goes back.
    told: Mutex<Option<(i64, Duration)>>,
    pub(super) ledger: Ledger,
    metrics: Arc<Metrics>,
}

impl std::fmt::Debug for Limiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limiter").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    cells: HashMap<Arc<str>, Cell>,
    queue: Queue,
    sweep: usize,
}

/// The counters of one scope.
#[derive(Debug, Default)]
struct Cell {
    requests: Counter,
    tokens: Counter,
    running: u32,
    noted: Option<Duration>,
}

/// A rate's count: by this server alone, and its share of what the servers may together.
#[derive(Debug, Default)]
struct Counter {
    bucket: Bucket,
    share: Share,
}

impl Counter {
    fn look(&self, rate: &Rate, many: u64, now: Duration, shared: bool) -> Look {
        if shared && !self.share.is_alone(now) {
            return self.share.look(rate, many, now);
        }
        self.bucket.has(rate, many, now).map_or_else(Look::Refuse, |()| Look::Pass)
    }

    /// Answers whether it was taken of the share, too.
    fn take(&mut self, rate: &Rate, many: u64, now: Duration, shared: bool) -> bool {
        // The own count goes on beside the share: it is what holds while the store does not answer.
        self.bucket.take(rate, many, now);
        let debited = shared && !self.share.is_alone(now);
        if debited {
            self.share.take(many);
        }
        debited
    }

    /// INVARIANT: what was not taken of the share is not put back there, or there would be more than the store gave.
    fn put_back(&mut self, rate: &Rate, many: u64, debited: bool) {
        self.bucket.put_back(rate, many);
        if debited {
            self.share.put_back(many);
        }
    }
}

/// What becomes of a call at one look.
enum Step {
    In(Passed),
    Refused(Refused),
    More(Vec<Want>),
    Busy(OwnedNotified),
    Wait(u64, oneshot::Receiver<Places>),
}

/// A call that the rates let pass.
#[derive(Debug, Default)]
struct Passed {
    requests: Option<Standing>,
    tokens: Option<Standing>,
    debits: Debits,
}

/// Places among the calls that run, given back when dropped.
#[derive(Debug)]
pub(super) struct Places {
    limiter: Arc<Limiter>,
    scopes: Arc<[Scope]>,
    held: bool,
}

impl Drop for Places {
    fn drop(&mut self) {
        if self.held {
            self.limiter.release(&self.scopes);
        }
    }
}

/// A call's place in the queue, left when dropped.
struct Turn<'a> {
    limiter: &'a Limiter,
    account: &'a str,
    id: u64,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.limiter.state.lock().queue.leave(self.account, self.id);
    }
}

impl Limiter {
    /// Over the limits of the file, and those of accounts that the store knows.
    #[must_use]
    pub fn new(law: LimitLaw, store: Arc<Store>, clock: Arc<dyn Clock>) -> Limiter {
        Limiter::over(law, Some(store), clock)
    }

    /// Without limits.
    #[must_use]
    pub fn off(clock: Arc<dyn Clock>) -> Limiter {
        Limiter::over(LimitLaw::default(), None, clock)
    }

    fn over(law: LimitLaw, store: Option<Arc<Store>>, clock: Arc<dyn Clock>) -> Limiter {
        Limiter {
            law: ArcSwap::from_pointee(law),
            declared: Declared::new(),
            store,
            clock,
            state: Mutex::default(),
            servers: AtomicU32::new(1),
            told: Mutex::default(),
            ledger: Ledger::default(),
            metrics: Arc::default(),
        }
    }

    /// The figures of what passes.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Puts other limits in force. What was used stays used.
    pub fn replace(&self, law: LimitLaw) {
        self.law.store(Arc::new(law));
        self.declared.forget();
    }

    pub(super) fn law(&self) -> Arc<LimitLaw> {
        self.law.load_full()
    }

    /// An account and those above it.
    pub(super) async fn chain(&self, law: &LimitLaw, tenant: Option<&str>) -> Result<Arc<Chain>, StoreError> {
        self.declared.chain(law, self.store.as_deref(), tenant, self.clock.monotonic()).await
    }

    /// How many are left of a rate: of what all servers have together, when the store says for how long that is used
    /// up, with what this one took of it and did not use.
    pub(super) fn left(&self, key: &str, kind: Kind, rate: &Rate, ahead: Option<i64>) -> u64 {
        let now = self.clock.monotonic();
        let state = self.state.lock();
        let cell = state.cells.get(key);
        let counter = cell.map(|cell| if kind == Kind::Tokens { &cell.tokens } else { &cell.requests });
        match ahead {
            None => counter.map_or(rate.count, |counter| counter.bucket.left(rate, now).0),
            Some(ahead) => {
                let whole = rate.within.as_micros().max(1);
                let used = u128::try_from(ahead).unwrap_or_default().min(whole);
                let free = (whole - used).saturating_mul(u128::from(rate.count)) / whole;
                let have = counter.map_or(0, |counter| counter.share.have);
                let free = i128::try_from(free).unwrap_or(i128::MAX).saturating_add(have.into());
                u64::try_from(free.max(0)).unwrap_or(u64::MAX).min(rate.count)
            }
        }
    }

    pub(super) fn store(&self) -> Option<&Arc<Store>> {
        self.store.as_ref()
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// The time by which budgets begin and end, microseconds since 1970 UTC: where several servers keep to them, the
    /// database's, so that one whose clock is wrong has no budget of another hour.
    pub(super) fn ledger_now(&self) -> i64 {
        match *self.told.lock() {
            Some((time, at)) => {
                let since = self.clock.monotonic().saturating_sub(at).as_micros();
                time.saturating_add(i64::try_from(since).unwrap_or(i64::MAX))
            }
            None => self.clock.now_micros(),
        }
    }

    fn is_shared(&self) -> bool {
        self.store.as_ref().is_some_and(|store| store.is_shared())
    }

    /// Lets a call pass, or not. What it is let pass with is charged to every limit that it stands under.
    ///
    /// Dropping the future charges nothing that the call would not be charged for anyway: its place in the
    /// queue is left, and what was set aside of budgets is given back.
    ///
    /// # Errors
    /// [`Refused`]; no limit was charged then.
    pub async fn enter(self: &Arc<Self>, entering: Entering<'_>) -> Result<Permit, Refused> {
        let entered = self.try_enter(entering).await;
        if let Err(refused) = &entered {
            self.metrics.refused(RefusedLabels {
                account: entering.principal.tenant_id.as_deref().unwrap_or_default().into(),
                workspace: entering.principal.workspace_id.as_deref().unwrap_or_default().into(),
                model: entering.model.unwrap_or_default().into(),
                level: refused.level.name(),
                limit: refused.why.name(),
            });
        }
        entered
    }

    async fn try_enter(self: &Arc<Self>, entering: Entering<'_>) -> Result<Permit, Refused> {
        let law = self.law.load_full();
        let principal = entering.principal;
        let chain = self.chain(&law, principal.tenant_id.as_deref()).await.map_err(|_| unread())?;
        let scopes: Arc<[Scope]> = scopes(&law, &chain, principal, entering.model).into();
        if scopes.is_empty() {
            return Ok(Permit::unlimited());
        }
        let (places, passed) = self.pass(&law, &scopes, principal, entering.tokens).await?;
        let mut permit = Permit::new(Arc::clone(self), Arc::clone(&scopes), places, entering.tokens, passed.debits);
        (permit.requests, permit.token_rate) = (passed.requests, passed.tokens);
        if let Some(money) = entering.money {
            match self.ledger.hold(self, &scopes, &money).await {
                Ok(holding) => permit.holding = holding,
                Err(mut refused) => {
                    // Nothing is charged where one level refuses.
                    permit.undo();
                    refused.noted = self.note(&scopes, refused.level);
                    return Err(refused);
                }
            }
        }
        Ok(permit)
    }

    /// Counts one more under a name, at this server alone: requests that nobody vouches for, and callers of the
    /// identity APIs, each at its own rate.
    ///
    /// # Errors
    /// [`Refused`], when it is one too many.
    pub fn count(&self, name: &str, rate: &Rate) -> Result<Standing, Refused> {
        let now = self.clock.monotonic();
        let mut state = self.state.lock();
        let cell = state.cell(&Arc::from(name), now);
        if let Err(wait) = cell.requests.bucket.has(rate, 1, now) {
            let standing = Standing { remaining: 0, ..standing(&cell.requests.bucket, rate, now) };
            let noted = cell.note(now);
            return Err(Refused { why: Why::Requests, level: Level::Client, wait, standing: Some(standing), noted });
        }
        cell.requests.bucket.take(rate, 1, now);
        Ok(standing(&cell.requests.bucket, rate, now))
    }

    /// Says that this server answers, and learns how many do: they share what may run at one time. Asked every
    /// second or so; a server that says nothing for 5 seconds counts no more.
    ///
    /// # Errors
    /// The store's; the number stays as it was.
    pub async fn announce(&self, id: &str) -> Result<(), StoreError> {
        if let Some(store) = self.store.as_ref().filter(|store| store.is_shared()) {
            let many = store.announce_server(id, 5_000_000).await?;
            self.servers.store(many, Ordering::Relaxed);
            let time = store.database_time().await?;
            *self.told.lock() = Some((time, self.clock.monotonic()));
            self.give_back(false).await;
        }
        Ok(())
    }

    /// Settles what waits to be settled, before the server ends.
    pub async fn flush(&self) {
        if let Some(store) = &self.store {
            self.ledger.settle_waiting(store).await;
            self.give_back(true).await;
        }
    }

    /// Passes the rates and gets places, all or nothing.
    async fn pass(
        self: &Arc<Self>,
        law: &LimitLaw,
        scopes: &Arc<[Scope]>,
        principal: &Principal,
        tokens: u64,
    ) -> Result<(Places, Passed), Refused> {
        let account: Arc<str> = match (&principal.tenant_id, &principal.user_id, &principal.client_id) {
            (Some(tenant), ..) => tenant.as_str().into(),
            (None, Some(user), _) => ["\u{1}", user].concat().into(),
            (None, None, client) => ["\u{2}", client.as_deref().unwrap_or_default()].concat().into(),
        };
        let mut held: Option<Places> = None;
        let (mut asks, mut patience) = (0, None);
        loop {
            match self.step(law, scopes, &account, tokens, held.is_some()) {
                Step::In(passed) => {
                    let held = held.unwrap_or_else(|| self.places(scopes));
                    return Ok((held, passed));
                }
                Step::Refused(refused) => return Err(refused),
                // What others ask for costs a call time, and none of its own tries.
                Step::Busy(told) => {
                    let patience = patience.get_or_insert_with(|| Box::pin(tokio::time::sleep(SHARE)));
                    tokio::select! {
                        () = told => {}
                        () = patience.as_mut() => return Err(self.crowded(scopes)),
                    }
                }
                Step::More(_) if asks >= ASKS => return Err(self.crowded(scopes)),
                Step::More(wants) => {
                    asks += 1;
                    self.ask(wants).await;
                }
                Step::Wait(id, receiver) => {
                    let _turn = Turn { limiter: self, account: &account, id };
                    match tokio::time::timeout(law.wait.unwrap_or(WAIT), receiver).await {
                        Ok(Ok(places)) => held = Some(places),
                        _ => return Err(self.crowded(scopes)),
                    }
                    patience = None;
                }
            }
        }
    }

    fn places(self: &Arc<Self>, scopes: &Arc<[Scope]>) -> Places {
        Places { limiter: Arc::clone(self), scopes: Arc::clone(scopes), held: true }
    }

    /// No turn came in time.
    fn crowded(&self, scopes: &[Scope]) -> Refused {
        let level =
            scopes.iter().find(|scope| scope.limits.concurrent.is_some()).map_or(Level::Account, |one| one.level);
        let noted = self.note(scopes, level);
        Refused { why: Why::Concurrent, level, wait: Some(Duration::from_secs(1)), standing: None, noted }
    }

    /// Shall a refusal stand on record?
    fn note(&self, scopes: &[Scope], level: Level) -> bool {
        let now = self.clock.monotonic();
        let Some(scope) = scopes.iter().find(|scope| scope.level == level) else { return true };
        self.state.lock().cell(&scope.key, now).note(now)
    }

    /// One look at all limits, under one lock: charges all of them or none.
    fn step(&self, law: &LimitLaw, scopes: &Arc<[Scope]>, account: &Arc<str>, tokens: u64, placed: bool) -> Step {
        let (now, shared) = (self.clock.monotonic(), self.is_shared());
        let mut state = self.state.lock();
        let mut refused: Option<Refused> = None;
        let mut wants = Vec::new();
        let mut busy = None;
        for scope in scopes.iter() {
            for (why, rate, many) in rates(&scope.limits, tokens) {
                let cell = state.cell(&scope.key, now);
                let counter = cell.counter(why);
                match counter.look(&rate, many, now, shared) {
                    Look::Pass => {}
                    Look::Busy(told) => busy = Some(told),
                    Look::Ask { need, many } => wants.push((scope, why, rate, need, many)),
                    Look::Refuse(wait) => {
                        let told = scope.shown.then(|| standing(&counter.bucket, &rate, now));
                        let standing =
                            told.map(|told| Standing { remaining: told.remaining.min(many - many.min(1)), ..told });
                        let noted = false;
                        let one = Refused { why, level: scope.level, wait, standing, noted };
                        // The one that takes longest says when it is worth another try.
                        let longer = refused
                            .is_none_or(|known| known.wait.is_some_and(|known| wait.is_none_or(|wait| wait > known)));
                        if longer {
                            refused = Some(one);
                        }
                    }
                }
            }
        }
        if let Some(mut refused) = refused {
            if let Some(scope) = scopes.iter().find(|scope| scope.level == refused.level) {
                refused.noted = state.cell(&scope.key, now).note(now);
            }
            return Step::Refused(refused);
        }
        if !wants.is_empty() {
            let asked = wants.into_iter().map(|(scope, why, rate, need, many)| {
                let kind = if why == Why::Tokens { Kind::Tokens } else { Kind::Requests };
                state.cell(&scope.key, now).counter(why).share.ask(&scope.key, kind, rate, need, many, now)
            });
            return Step::More(asked.collect());
        }
        if let Some(told) = busy {
            return Step::Busy(told);
        }
        if !placed {
            if let Some(scope) = scopes.iter().find(|scope| scope.limits.concurrent == Some(0)) {
                let noted = state.cell(&scope.key, now).note(now);
                let why = Why::Concurrent;
                return Step::Refused(Refused { why, level: scope.level, wait: None, standing: None, noted });
            }
            if let Some(full) = self.full(&mut state, scopes, now) {
                let (wait, most) = (law.wait.unwrap_or(WAIT), law.waiting.unwrap_or(WAITING));
                if wait.is_zero() || state.queue.of(account) >= most {
                    let noted = state.cell(&full.key, now).note(now);
                    let wait = Some(Duration::from_secs(1));
                    return Step::Refused(Refused {
                        why: Why::Concurrent,
                        level: full.level,
                        wait,
                        standing: None,
                        noted,
                    });
                }
                let (granted, receiver) = oneshot::channel();
                let id = state.queue.join(account, scopes, granted);
                return Step::Wait(id, receiver);
            }
        }
        let mut passed = Passed::default();
        for (place, scope) in scopes.iter().enumerate() {
            let cell = state.cell(&scope.key, now);
            if !placed {
                cell.running = cell.running.saturating_add(1);
            }
            for (why, rate, many) in rates(&scope.limits, tokens) {
                let counter = cell.counter(why);
                if counter.take(&rate, many, now, shared) {
                    passed.debits.note(why == Why::Tokens, place);
                }
                if scope.shown {
                    let told = if why == Why::Tokens { &mut passed.tokens } else { &mut passed.requests };
                    let one = standing(&counter.bucket, &rate, now);
                    if told.is_none_or(|known: Standing| one.remaining < known.remaining) {
                        *told = Some(one);
                    }
                }
            }
        }
        Step::In(passed)
    }

    /// The first scope in which no more calls may run.
    fn full<'s>(&self, state: &mut State, scopes: &'s [Scope], now: Duration) -> Option<&'s Scope> {
        scopes.iter().find(|scope| {
            let most = scope.limits.concurrent.map(|most| self.here(most));
            most.is_some_and(|most| state.cell(&scope.key, now).running >= most)
        })
    }

    /// Of so many that may run at one time, those of this server.
    fn here(&self, most: u32) -> u32 {
        let servers = self.servers.load(Ordering::Relaxed).max(1);
        (most / servers).max(most.min(1))
    }

    /// Asks the store for more of some shares. It goes on when the caller leaves: what it gets is the server's.
    async fn ask(self: &Arc<Self>, wants: Vec<Want>) {
        let limiter = Arc::clone(self);
        let asking = tokio::spawn(async move {
            let Some(store) = limiter.store.clone() else { return };
            for want in wants {
                let got = want.ask(&store).await;
                let now = limiter.clock.monotonic();
                let why = if want.kind == Kind::Tokens { Why::Tokens } else { Why::Requests };
                limiter.state.lock().cell(&want.key, now).counter(why).share.got(&got, now);
            }
        });
        if asking.await.is_err() {
            tracing::error!("a share of a rate was not asked for");
        }
    }

    /// Gives places back, and hands them to whose turn it is.
    fn release(self: &Arc<Self>, scopes: &[Scope]) {
        let mut state = self.state.lock();
        for scope in scopes {
            if let Some(cell) = state.cells.get_mut(&scope.key) {
                cell.running = cell.running.saturating_sub(1);
            }
        }
        self.pass_on(&mut state);
    }

    fn pass_on(self: &Arc<Self>, state: &mut State) {
        while !state.queue.is_empty() {
            let State { cells, queue, .. } = state;
            let free = |scope: &Scope| {
                let running = cells.get(&scope.key).map_or(0, |cell| cell.running);
                scope.limits.concurrent.is_none_or(|most| running < self.here(most))
            };
            let Some(waiter) = queue.next(|scopes| scopes.iter().all(free)) else { return };
            for scope in waiter.scopes.iter() {
                let cell = cells.entry(Arc::clone(&scope.key)).or_default();
                cell.running = cell.running.saturating_add(1);
            }
            if let Err(mut places) = waiter.granted.send(self.places(&waiter.scopes)) {
                // Nobody waits any more. It must not be dropped as held: the lock is taken.
                places.held = false;
                for scope in waiter.scopes.iter() {
                    if let Some(cell) = cells.get_mut(&scope.key) {
                        cell.running = cell.running.saturating_sub(1);
                    }
                }
            }
        }
    }

    /// Puts `used` tokens in the place of those that were reserved.
    pub(super) fn settle_tokens(&self, scopes: &[Scope], reserved: u64, used: u64, debits: Debits) {
        let (now, shared) = (self.clock.monotonic(), self.is_shared());
        let mut state = self.state.lock();
        for (place, scope) in scopes.iter().enumerate() {
            let Some(rate) = scope.limits.tokens else { continue };
            let cell = state.cell(&scope.key, now);
            let reserved = reserved.min(rate.count);
            if used > reserved {
                cell.tokens.take(&rate, used - reserved, now, shared);
            } else {
                cell.tokens.put_back(&rate, reserved - used, debits.has(true, place));
            }
        }
    }

    /// Gives back the one call that was counted.
    pub(super) fn uncount(&self, scopes: &[Scope], debits: Debits) {
        let now = self.clock.monotonic();
        let mut state = self.state.lock();
        for (place, scope) in scopes.iter().enumerate() {
            if let Some(rate) = scope.limits.requests {
                state.cell(&scope.key, now).requests.put_back(&rate, 1, debits.has(false, place));
            }
        }
    }

    /// Gives the other servers what this one holds of the rates and does not use; or all that it holds.
    async fn give_back(&self, all: bool) {
        let Some(store) = self.store.as_ref().filter(|store| store.is_shared()) else { return };
        let unused: Vec<Unused> = {
            let mut state = self.state.lock();
            let counters = state.cells.iter_mut().flat_map(|(key, cell)| {
                [(key, Kind::Requests, &mut cell.requests), (key, Kind::Tokens, &mut cell.tokens)]
            });
            let unused = counters.filter_map(|(key, kind, counter)| counter.share.unused(key, kind, all));
            unused.take(GIVEN_BACK).collect()
        };
        for one in unused {
            if let Err(error) = one.give_back(store).await {
                // It comes back to all of them as time passes.
                tracing::debug!(%error, "a share of a rate cannot be given back");
                return;
            }
        }
    }

    /// How many calls of an account wait for their turn.
    #[must_use]
    pub fn waiting(&self, account: &str) -> usize {
        self.state.lock().queue.of(account)
    }

    /// How many calls run at present under a name.
    #[must_use]
    pub fn running(&self, name: &str) -> u32 {
        self.state.lock().cells.get(name).map_or(0, |cell| cell.running)
    }
}

impl State {
    fn cell(&mut self, key: &Arc<str>, now: Duration) -> &mut Cell {
        if self.cells.len() > self.sweep.max(SWEEP) {
            self.cells.retain(|_, cell| !cell.says_nothing(now));
            self.sweep = self.cells.len().saturating_mul(2);
        }
        self.cells.entry(Arc::clone(key)).or_default()
    }
}

impl Cell {
    fn counter(&mut self, why: Why) -> &mut Counter {
        if why == Why::Tokens { &mut self.tokens } else { &mut self.requests }
    }

    fn note(&mut self, now: Duration) -> bool {
        let due = self.noted.is_none_or(|noted| now >= noted + NOTED);
        if due {
            self.noted = Some(now);
        }
        due
    }

    fn says_nothing(&self, now: Duration) -> bool {
        let idle =
            |counter: &Counter| counter.bucket.is_full(now) && !counter.share.is_asking() && counter.share.have >= 0;
        self.running == 0 && idle(&self.requests) && idle(&self.tokens)
    }
}

/// The rates of a place, and how many a call takes of each. One that may use more tokens than there are in a whole
/// time needs all of them.
fn rates(limits: &Limits, tokens: u64) -> impl Iterator<Item = (Why, Rate, u64)> {
    let requests = limits.requests.map(|rate| (Why::Requests, rate, 1));
    let tokens = limits.tokens.filter(|_| tokens > 0).map(|rate| (Why::Tokens, rate, tokens.min(rate.count.max(1))));
    requests.into_iter().chain(tokens)
}

/// Nobody knows which limits there are.
fn unread() -> Refused {
    let wait = Some(Duration::from_secs(1));
    Refused { why: Why::Ledger, level: Level::Account, wait, standing: None, noted: false }
}

fn standing(bucket: &Bucket, rate: &Rate, now: Duration) -> Standing {
    let (remaining, reset) = bucket.left(rate, now);
    Standing { limit: rate.count, remaining, within: rate.within, reset }
}
