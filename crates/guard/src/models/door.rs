//! The one order that every model call goes through.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use hmac::{Hmac, KeyInit, Mac};
use moka::sync::Cache;
use sha2::{Digest, Sha256};
use tenantry_policy::{Clock, Entropy};
use tenantry_store::Store;
use tenantry_store::usage::ModelAnswer;

use crate::limits::{Limiter, Standing};
use crate::request_id;

use super::body::Parsed;
use super::caller::Caller;
use super::catalog::{Catalog, Model, Target};
use super::delivery::{Delivery, collect};
use super::meter::{Ask, Ended, Meter, Permit};
use super::record::{Record, Told};
use super::refusal::{Refusal, RefusalKind};
use super::surface::Surface;
use super::upstream::{Incoming, Outgoing, Trouble, Upstream};
use super::usage::{Report, Usage, of_whole};

/// The largest answer that is not streamed, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// The most of an upstream's error that is read, in bytes.
const LARGEST_ERROR: usize = 64 * 1024;

/// How many upstreams one call tries at most.
const TRIES: usize = 3;

/// How much the answers that are kept take together, in bytes.
const CACHE: u64 = 64 * 1024 * 1024;

/// How long an upstream's stateful answer is known to be an account's: OpenAI keeps them for 30 days.
const KEPT_MICROS: i64 = 30 * 24 * 3600 * 1_000_000;

/// How many tokens a kept answer is taken to have with all that it follows, where that was not noted: no model reads
/// more.
const LONGEST: u64 = 2_000_000;

/// What the door is made from.
pub struct ModelsParts {
    /// The models in force.
    pub catalog: Catalog,
    /// Tenantry's own memory.
    pub store: Arc<Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// How upstreams are reached.
    pub upstream: Arc<dyn Upstream>,
}

/// The door to AI models.
pub struct Models {
    catalog: ArcSwap<Catalog>,
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    upstream: Arc<dyn Upstream>,
    meter: Meter,
    partition_key: Vec<u8>,
    cache: Cache<[u8; 32], Arc<Kept>>,
}

impl std::fmt::Debug for Models {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Models").finish_non_exhaustive()
    }
}

/// An answer that is kept for an account.
struct Kept {
    at: Duration,
    body: Bytes,
}

/// The beginning of an answer.
#[derive(Debug)]
pub struct Answer {
    /// The request's id, in the audit and in the answer's headers.
    pub request_id: Arc<str>,
    /// What is answered.
    pub body: Body,
    /// Does it come from the account's cache? `None` where the model has none.
    pub cached: Option<bool>,
    /// How the caller stands with its limit on calls.
    pub requests: Option<Standing>,
    /// How the caller stands with its limit on tokens.
    pub tokens: Option<Standing>,
}

/// What is answered.
#[derive(Debug)]
pub enum Body {
    /// JSON.
    Whole(Bytes),
    /// Server-sent events.
    Events(Box<Delivery>),
}

/// A model as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What callers call it.
    pub name: Arc<str>,
    /// For people.
    pub description: Option<Box<str>>,
    /// The most output tokens of a call.
    pub max_tokens: Option<u64>,
}

/// A call between its two entries in the audit. Dropped before its end, it settles to what was delivered.
pub(crate) struct Running {
    pub(crate) models: Arc<Models>,
    pub(crate) caller: Arc<Caller>,
    pub(crate) surface: Surface,
    pub(crate) request_id: Arc<str>,
    pub(crate) upstream: Box<str>,
    /// What was delivered when the caller left.
    pub(crate) delivered: Option<Usage>,
    /// How often the prompt was taken by an upstream that did not answer in time.
    unanswered: u64,
    permit: Option<Permit>,
    /// The answer's id, where the upstream keeps it.
    kept: Option<String>,
    record: Option<Record>,
    started: Duration,
    model: Arc<Model>,
    /// The most output tokens of a choice.
    cap: Option<u64>,
    /// The most output tokens of all of them, as far as that is known.
    pub(crate) most: Option<u64>,
}

impl Running {
    pub(crate) fn estimate(&self) -> u64 {
        self.permit.as_ref().map_or(0, Permit::input)
    }

    /// Settles, and writes the audit's last word.
    pub(crate) async fn end(mut self, usage: Usage, ended: Ended, error: Option<&'static str>) {
        let Some(last) = self.settle(usage, ended, error) else { return };
        let mut last = Box::pin(last);
        // Where there is something to wait for, in a task of its own: a caller who leaves meanwhile ends only the waiting.
        if last.as_mut().now_or_never().is_none() {
            drop(tokio::spawn(last).await);
        }
    }

    /// Settles now, and writes the audit's last word in a moment.
    pub(crate) fn end_soon(mut self, usage: Usage, ended: Ended, error: Option<&'static str>) {
        if let (Some(last), Ok(runtime)) = (self.settle(usage, ended, error), tokio::runtime::Handle::try_current()) {
            runtime.spawn(last);
        }
    }

    /// Settles; answers what writes the audit's last word. Nothing the second time.
    fn settle(
        &mut self,
        usage: Usage,
        ended: Ended,
        error: Option<&'static str>,
    ) -> Option<impl Future<Output = ()> + Send + 'static> {
        let (permit, record) = (self.permit.take()?, self.record.take()?);
        let took = self.models.clock.monotonic().saturating_sub(self.started);
        // Whoever goes on from it sets aside what it is, and not what it might have been.
        let kept = self.kept.take().filter(|_| usage.reported);
        let kept = kept.map(|id| self.answer_kept(id, usage.input.saturating_add(usage.output)));
        let (cost, settling) = permit.settle(usage, ended, &self.upstream, took);
        let models = Arc::clone(&self.models);
        let upstream = std::mem::take(&mut self.upstream);
        Some(async move {
            if let Some(settling) = settling {
                settling.done().await;
            }
            let told = Told { upstream: &upstream, usage, cost, took, error };
            if let Some(kept) = kept {
                models.keep(kept, true).await;
            }
            record.end(&models.store, told).await;
        })
    }

    /// Notes whose an answer is that the upstream keeps.
    pub(crate) fn keeps(&mut self, id: String) {
        // How long it is is known at its end only.
        let most = self.permit.as_ref().map_or(LONGEST, Permit::most_tokens);
        let answer = self.answer_kept(id.clone(), most);
        self.kept = Some(id);
        let models = Arc::clone(&self.models);
        tokio::spawn(async move { models.keep(answer, false).await });
    }

    fn answer_kept(&self, id: String, tokens: u64) -> ModelAnswer {
        ModelAnswer {
            id,
            owner: self.caller.partition(),
            model: self.model.name.to_string(),
            upstream: self.upstream.to_string(),
            expires_micros: self.models.clock.now_micros().saturating_add(KEPT_MICROS),
            tokens: Some(i64::try_from(tokens).unwrap_or(i64::MAX)),
        }
    }
}

impl Drop for Running {
    /// The caller left: what was delivered is settled all the same.
    fn drop(&mut self) {
        let (Some(permit), Ok(runtime)) = (&self.permit, tokio::runtime::Handle::try_current()) else { return };
        // Nothing delivered of an answer that was not streamed; its prompt was sent all the same.
        let sent = permit.input().saturating_mul(self.unanswered.saturating_add(1));
        let usage = self.delivered.take().unwrap_or(Usage { input: sent, ..Usage::default() });
        if let Some(last) = self.settle(usage, Ended::Aborted, Some("caller_left")) {
            runtime.spawn(last);
        }
    }
}

/// An upstream that answers, with the first piece of its answer.
struct Reached {
    target: Arc<Target>,
    incoming: Incoming,
    first: Option<Bytes>,
}

impl Models {
    /// Makes the door.
    ///
    /// # Errors
    /// When the store's keys cannot be read or made.
    pub fn new(parts: ModelsParts) -> Result<Models, tenantry_store::StoreError> {
        let partition_key = parts.store.secret("model-partition", 32)?;
        let weigh = |_: &[u8; 32], kept: &Arc<Kept>| u32::try_from(kept.body.len() + 256).unwrap_or(u32::MAX);
        Ok(Models {
            catalog: ArcSwap::from_pointee(parts.catalog),
            meter: Meter::new(Arc::clone(&parts.store), Arc::clone(&parts.clock)),
            store: parts.store,
            clock: parts.clock,
            entropy: parts.entropy,
            upstream: parts.upstream,
            partition_key,
            cache: Cache::builder().weigher(weigh).max_capacity(CACHE).build(),
        })
    }

    /// Puts other models in force. Calls under way end under the old ones.
    pub fn replace(&self, catalog: Catalog) {
        self.catalog.store(Arc::new(catalog));
    }

    /// Keeps calls to these limits, from now on.
    pub fn limit(&self, limiter: Arc<Limiter>) {
        self.meter.limit(limiter);
    }

    /// The models in force.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        self.catalog.load_full()
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Writes what waits to be written, before the server ends.
    pub async fn flush(&self) {
        self.meter.flush().await;
    }

    /// Counts a request for the list of models as a call.
    ///
    /// # Errors
    /// The limit that it exceeds.
    pub async fn count(&self, caller: &Caller) -> Result<(), Refusal> {
        self.meter.count(caller).await.map(drop)
    }

    /// The models that a caller may use, by name.
    #[must_use]
    pub fn list(&self, caller: &Caller) -> Vec<Listed> {
        let catalog = self.catalog.load();
        catalog
            .all()
            .filter(|model| caller.may(model))
            .map(|model| Listed {
                name: Arc::clone(&model.name),
                description: model.description.clone(),
                max_tokens: model.max_tokens,
            })
            .collect()
    }

    /// One model that a caller may use.
    ///
    /// # Errors
    /// The same for one that is absent and one that is not the caller's.
    pub fn listed(&self, caller: &Caller, name: &str) -> Result<Listed, Refusal> {
        self.list(caller).into_iter().find(|model| *model.name == *name).ok_or_else(|| Refusal::no_model(name))
    }

    /// Calls a model.
    ///
    /// Dropping the future before it is done cancels the upstream's call, and settles.
    ///
    /// # Errors
    /// [`Refusal`]; on record, unless the audit itself failed.
    pub async fn call(self: &Arc<Self>, caller: Arc<Caller>, surface: Surface, body: Bytes) -> Result<Answer, Refusal> {
        let id = request_id::fresh(self.clock.as_ref(), self.entropy.as_ref()).map_err(|_| Refusal::internal())?;
        let request_id: Arc<str> = id.into();
        let known = Arc::clone(&request_id);
        self.called(request_id, caller, surface, body).await.map_err(|refusal| refusal.of(known))
    }

    async fn called(
        self: &Arc<Self>,
        request_id: Arc<str>,
        caller: Arc<Caller>,
        surface: Surface,
        body: Bytes,
    ) -> Result<Answer, Refusal> {
        let catalog = self.catalog.load_full();
        let now = self.clock.now_micros();
        let mut record = Record::new(&request_id, &caller, surface, &body, now, catalog.version());
        let read = Parsed::read(surface, &body).and_then(|parsed| {
            record.asked(&parsed, body.len());
            // INVARIANT: a model that is absent and one that is not the caller's part here, and nowhere earlier.
            let model = catalog.get(&parsed.model).filter(|model| caller.may(model));
            let model = model.map(Arc::clone).ok_or_else(|| Refusal::no_model(&parsed.model))?;
            if parsed.fetches && !model.fetches {
                return Err(Refusal::invalid(
                    "Pictures and documents are taken as `data:` alone, not by their address.",
                ));
            }
            Ok((parsed, model))
        });
        let (parsed, model) = match read {
            Ok(read) => read,
            Err(refusal) => return Err(self.turned_away(&caller, record, refusal).await),
        };
        record.allowed_by(&model.api, &model.requires);
        let place = match self.placed(&caller, &model, &parsed).await {
            Ok(place) => place,
            Err(refusal) => return Err(self.turned_away(&caller, record, refusal).await),
        };
        let (place, followed) = place.map_or((None, 0), |answer| {
            let tokens = answer.tokens.and_then(|tokens| u64::try_from(tokens).ok());
            (Some(answer.upstream), tokens.unwrap_or(LONGEST))
        });
        let asked = match (parsed.max_tokens, model.max_tokens) {
            (Some(asked), Some(cap)) => Some(asked.min(cap)),
            (asked, cap) => asked.or(cap),
        };
        let ask = Ask {
            request_id: Arc::clone(&request_id),
            caller: Arc::clone(&caller),
            model: Arc::clone(&model),
            surface,
            // What it follows is part of its prompt, and paid for again.
            input: estimated(body.len()).saturating_add(followed),
            bytes: u64::try_from(body.len()).unwrap_or(u64::MAX).saturating_add(parsed.beyond).saturating_add(followed),
            output: asked,
            choices: parsed.choices,
        };
        let permit = match self.meter.reserve(ask).await {
            Ok(permit) => permit,
            // Of a flood of refusals one in a second stands on record.
            Err(refusal) if refusal.limited.as_ref().is_some_and(|limited| !limited.noted) => return Err(refusal),
            Err(refusal) => return Err(self.refused(record, refusal).await),
        };
        // INVARIANT: no audit, no call. The entry is durable before the upstream is asked.
        if let Err(error) = record.start(&self.store).await {
            tracing::error!(request = %request_id, %error, "the audit's entry of a model call cannot be written");
            return Err(Refusal::internal());
        }
        let cap = model.max_tokens.or(permit.cap());
        let running = Running {
            cap,
            most: asked.or(permit.cap()).map(|most| most.saturating_mul(parsed.choices)),
            models: Arc::clone(self),
            caller,
            surface,
            request_id,
            upstream: "none".into(),
            delivered: None,
            unanswered: 0,
            permit: Some(permit),
            kept: None,
            record: Some(record),
            started: self.clock.monotonic(),
            model,
        };
        self.answer(running, &parsed, &body, place).await
    }

    /// Between the two entries of the audit.
    async fn answer(
        self: &Arc<Self>,
        mut running: Running,
        parsed: &Parsed<'_>,
        body: &Bytes,
        place: Option<String>,
    ) -> Result<Answer, Refusal> {
        let request_id = Arc::clone(&running.request_id);
        let model = Arc::clone(&running.model);
        let (requests, tokens) = running.permit.as_ref().map(Permit::standings).unwrap_or_default();
        let kept_as = (model.cache.is_some() && !parsed.stream).then(|| cache_key(&running, body));
        if let (Some(key), Some(lives)) = (&kept_as, model.cache)
            && let Some(kept) = self.cache.get(key).filter(|kept| self.clock.monotonic() < kept.at + lives)
        {
            running.upstream = "cache".into();
            running.end(Usage::default(), Ended::Cached, None).await;
            return Ok(Answer {
                request_id,
                body: Body::Whole(kept.body.clone()),
                cached: Some(true),
                requests,
                tokens,
            });
        }
        // It may have waited for its turn since it was verified.
        if !(running.caller.holds)() {
            let usage = Usage { reported: true, ..Usage::default() };
            return Err(revoked(running, usage).await);
        }
        let reached = match self.reach(&mut running, parsed, place.as_deref()).await {
            Ok(reached) => reached,
            Err(refusal) => {
                // What did not answer in time may have worked all the same, and wants to be paid for it.
                let input = running.estimate().saturating_mul(running.unanswered);
                let usage = Usage { input, reported: input == 0, ..Usage::default() };
                running.end(usage, Ended::Failed, Some(refusal.kind.code())).await;
                return Err(refusal);
            }
        };
        let cached = kept_as.map(|_| false);
        let patience = reached.target.parts.patience;
        if reached.incoming.events {
            let strip = running.surface == Surface::Chat && !parsed.include_usage;
            let deadline = running.started.saturating_add(patience.total);
            let Reached { incoming, first, .. } = reached;
            let delivery = Delivery::new(running, first, incoming.body, strip, patience.idle, deadline);
            return Ok(Answer { request_id, body: Body::Events(Box::new(delivery)), cached, requests, tokens });
        }
        let whole = collect(reached.incoming.body, reached.first, patience.idle, LARGEST_ANSWER);
        let left = patience.total.saturating_sub(self.clock.monotonic().saturating_sub(running.started));
        let whole = match tokio::time::timeout(left, whole).await {
            Ok(Ok(whole)) => whole,
            outcome => {
                let trouble = outcome.map_or(Trouble::Timeout, |whole| whole.err().unwrap_or(Trouble::Broken));
                tracing::warn!(request = %request_id, upstream = %running.upstream, %trouble, "an answer broke off");
                let refusal = told(trouble);
                let usage = Usage { input: running.estimate(), ..Usage::default() };
                running.end(usage, Ended::Failed, Some(refusal.kind.code())).await;
                return Err(refusal);
            }
        };
        // What an upstream sends is not JSON only when something between it and us answered in its place.
        if !whole.trim_ascii_start().starts_with(b"{") {
            let refusal = told(Trouble::Protocol);
            running.end(Usage::default(), Ended::Failed, Some(refusal.kind.code())).await;
            return Err(refusal);
        }
        let Report { id, usage, failed } = of_whole(running.surface, &whole);
        if failed {
            tracing::warn!(request = %request_id, upstream = %running.upstream, "an upstream told of its failure as of an answer");
            let refusal = told(Trouble::Broken);
            running.end(usage.unwrap_or_default(), Ended::Failed, Some(refusal.kind.code())).await;
            return Err(refusal);
        }
        let usage = usage.unwrap_or_else(|| Usage { output: estimated(whole.len()), ..Usage::default() });
        let usage = usage.with_prompt(running.estimate());
        if let (Surface::Responses, Some(id)) = (running.surface, id) {
            // The caller may leave while this is kept.
            running.delivered = Some(usage);
            // Known before it is told: the caller may go on from it at once.
            let most = running.permit.as_ref().map_or(LONGEST, Permit::most_tokens);
            let tokens = if usage.reported { usage.input.saturating_add(usage.output) } else { most };
            self.keep(running.answer_kept(id, tokens), true).await;
        }
        // INVARIANT: what comes after a revocation is paid for and not told.
        if !(running.caller.holds)() {
            return Err(revoked(running, usage).await);
        }
        if let Some(key) = kept_as {
            self.cache.insert(key, Arc::new(Kept { at: self.clock.monotonic(), body: whole.clone() }));
        }
        running.end(usage, Ended::Completed, None).await;
        Ok(Answer { request_id, body: Body::Whole(whole), cached, requests, tokens })
    }

    /// Asks upstreams in turn until one begins to answer. Once a byte of an answer is there, no other is asked.
    async fn reach(&self, running: &mut Running, parsed: &Parsed<'_>, place: Option<&str>) -> Result<Reached, Refusal> {
        let model = Arc::clone(&running.model);
        let partition = self.partition(&running.caller);
        let who = number(&running.caller);
        let mut order = model.order();
        if let Some(place) = place {
            // Only where the earlier answer is kept can it be followed.
            order.retain(|target| *target.name == *place);
        }
        let mut last = Refusal::new(RefusalKind::Overloaded, "The model takes no calls at the moment.");
        last.retry_after = order.iter().map(|target| target.breaker.rest(self.clock.monotonic())).min();
        let mut tries = order.into_iter().flat_map(|target| [(target, false), (target, true)]).collect::<Vec<_>>();
        // Each once, then those once more that could not even be connected to.
        tries.sort_by_key(|(_, again)| *again);
        let mut unconnected: Vec<&str> = Vec::new();
        let mut made = 0;
        for (target, again) in tries {
            if made >= TRIES || (again && !unconnected.contains(&&*target.name)) {
                continue;
            }
            if !target.breaker.lets_through(self.clock.monotonic(), who) {
                continue;
            }
            made += 1;
            running.upstream.clone_from(&target.name);
            let outgoing = Outgoing {
                surface: running.surface,
                stream: parsed.stream,
                body: parsed.outgoing(target, running.cap, &partition).into(),
            };
            match self.attempt(target, outgoing, running.started).await {
                Ok(reached) => {
                    target.breaker.came_through();
                    return Ok(reached);
                }
                Err(Attempt::Final(refusal)) => {
                    target.breaker.came_through();
                    return Err(refusal);
                }
                Err(Attempt::Late(refusal)) => {
                    tracing::warn!(request = %running.request_id, upstream = %target.name, "an answer took too long");
                    running.unanswered = running.unanswered.saturating_add(1);
                    return Err(refusal);
                }
                Err(Attempt::Next { refusal, trouble, sick }) => {
                    if refusal.kind == RefusalKind::Timeout {
                        running.unanswered = running.unanswered.saturating_add(1);
                    }
                    tracing::warn!(request = %running.request_id, upstream = %target.name, %trouble, "an upstream failed");
                    if sick {
                        target.breaker.failed(self.clock.monotonic(), who);
                    } else {
                        target.breaker.came_through();
                    }
                    if trouble == "no connection" {
                        unconnected.push(&target.name);
                    }
                    last = refusal;
                }
            }
        }
        Err(last)
    }

    /// Asks one upstream, for a call that started then.
    async fn attempt(&self, target: &Arc<Target>, outgoing: Outgoing, started: Duration) -> Result<Reached, Attempt> {
        let patience = target.parts.patience;
        let stream = outgoing.stream;
        let began = self.clock.monotonic();
        // An answer that is not streamed has its first byte when it is finished. INVARIANT: a long one is no fault of
        // the upstream, for which other callers would lose it, and nothing to be asked, and paid for, again.
        let (patient, late) = match stream {
            true => (patience.first_byte, Attempt::trouble as fn(Trouble) -> Attempt),
            false => (patience.total.saturating_sub(began.saturating_sub(started)), Attempt::late as _),
        };
        let sent = tokio::time::timeout(patient, self.upstream.send(target, outgoing)).await;
        let mut incoming = match sent {
            Err(_) => return Err(late(Trouble::Timeout)),
            Ok(Err(Trouble::Untranslatable(why))) => return Err(Attempt::Final(Refusal::invalid(why))),
            Ok(Err(trouble)) => return Err(Attempt::trouble(trouble)),
            Ok(Ok(incoming)) => incoming,
        };
        if !(200..300).contains(&incoming.status) {
            return Err(refused_by(incoming, target).await);
        }
        let left = patient.saturating_sub(self.clock.monotonic().saturating_sub(began));
        let first = match tokio::time::timeout(left, incoming.body.next()).await {
            Err(_) => return Err(late(Trouble::Timeout)),
            Ok(Some(Err(trouble))) => return Err(Attempt::trouble(trouble)),
            Ok(None) => return Err(Attempt::trouble(Trouble::Broken)),
            Ok(Some(Ok(first))) => first,
        };
        if incoming.events && !stream {
            return Err(Attempt::trouble(Trouble::Protocol));
        }
        Ok(Reached { target: Arc::clone(target), incoming, first: Some(first) })
    }

    /// What a call follows that follows an earlier answer, and must go where that is; the caller's own, or it is not
    /// found.
    async fn placed(
        &self,
        caller: &Caller,
        model: &Model,
        parsed: &Parsed<'_>,
    ) -> Result<Option<ModelAnswer>, Refusal> {
        let Some(previous) = &parsed.previous else { return Ok(None) };
        let found = self.store.model_answer(&caller.partition(), previous).await.map_err(|error| {
            tracing::error!(%error, "an earlier answer cannot be looked up");
            Refusal::internal()
        })?;
        let now = self.clock.now_micros();
        match found.filter(|answer| answer.model == *model.name && answer.expires_micros > now) {
            Some(answer) => Ok(Some(answer)),
            None => {
                let shown: String = previous.chars().filter(|c| !c.is_control()).take(64).collect();
                let said = format!("Previous response with id '{shown}' not found.");
                Err(Refusal::new(RefusalKind::NotFound, said).param("previous_response_id"))
            }
        }
    }

    async fn keep(&self, answer: ModelAnswer, ended: bool) {
        if let Err(error) = self.store.keep_model_answer(&answer, ended).await {
            tracing::error!(%error, "whose an answer is cannot be kept; it cannot be followed");
        }
    }

    /// Refuses what did not come to the limits of a model: it counts as a call all the same.
    async fn turned_away(&self, caller: &Caller, record: Record, refusal: Refusal) -> Refusal {
        match self.meter.count(caller).await {
            Ok(true) => self.refused(record, refusal).await,
            Ok(false) => refusal,
            Err(limited) if limited.limited.as_ref().is_some_and(|limited| !limited.noted) => limited,
            Err(limited) => self.refused(record, limited).await,
        }
    }

    async fn refused(&self, record: Record, refusal: Refusal) -> Refusal {
        // No audit, and no answer either, since an answer tells something.
        if record.refused(&self.store, &refusal).await { refusal } else { Refusal::internal() }
    }

    /// The name by which an upstream keeps accounts apart: says nothing of the account to who has no key.
    fn partition(&self, caller: &Caller) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.partition_key) else { return String::new() };
        mac.update(caller.partition().as_bytes());
        let keyed = mac.finalize().into_bytes();
        request_id::written("t-", keyed.get(..16).unwrap_or_default())
    }
}

/// Ends a call whose credential does not hold any more.
async fn revoked(running: Running, usage: Usage) -> Refusal {
    let refusal = Refusal::new(RefusalKind::Revoked, "The credential is not valid any more.");
    running.end(usage, Ended::Failed, Some(refusal.kind.code())).await;
    refusal
}

/// How an attempt failed.
enum Attempt {
    /// No other upstream would do better: the request itself is wrong.
    Final(Refusal),
    /// It worked on it for as long as a call may take. Nobody is asked again, and nothing is said of the upstream.
    Late(Refusal),
    /// Another upstream may do better.
    Next { refusal: Refusal, trouble: String, sick: bool },
}

impl Attempt {
    fn trouble(trouble: Trouble) -> Attempt {
        Attempt::Next { refusal: told(trouble), trouble: trouble.to_string(), sick: true }
    }

    fn late(trouble: Trouble) -> Attempt {
        Attempt::Late(told(trouble))
    }
}

fn told(trouble: Trouble) -> Refusal {
    match trouble {
        Trouble::Timeout => Refusal::new(RefusalKind::Timeout, "The model did not answer in time."),
        _ => Refusal::new(RefusalKind::Upstream, "The model cannot be reached at the moment."),
    }
}

/// What an upstream's refusal means. Only what it says of the request itself is told; what it says of us, our
/// key or our limits there is for the log.
async fn refused_by(incoming: Incoming, target: &Target) -> Attempt {
    let status = incoming.status;
    let retry_after = incoming.retry_after;
    let next = |refusal: Refusal, sick: bool| Attempt::Next { refusal, trouble: format!("status {status}"), sick };
    match status {
        400 | 413 | 415 | 422 => {
            let body = collect(incoming.body, None, Duration::from_secs(5), LARGEST_ERROR).await.unwrap_or_default();
            Attempt::Final(super::refusal::said(&body, status == 413, target.parts.key.as_deref().map(String::as_str)))
        }
        429 | 529 => {
            let mut refusal = Refusal::new(RefusalKind::Overloaded, "The model takes no more calls at the moment.");
            refusal.retry_after = retry_after;
            next(refusal, false)
        }
        503 => {
            let mut refusal = Refusal::new(RefusalKind::Overloaded, "The model takes no calls at the moment.");
            refusal.retry_after = retry_after;
            next(refusal, true)
        }
        408 | 504 => next(told(Trouble::Timeout), true),
        // INVARIANT: what a caller can bring about by what it asks for never rests an upstream for others.
        _ => next(told(Trouble::Broken), status >= 500),
    }
}

/// The account's number, for the breakers of this process; never 0.
fn number(caller: &Caller) -> u64 {
    let mut hasher = DefaultHasher::new();
    caller.partition().hash(&mut hasher);
    hasher.finish() >> 1 | 1
}

/// About how many tokens a text of so many bytes has: English has four bytes to a token, and no prompt less
/// than one.
fn estimated(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX).div_ceil(4)
}

/// INVARIANT: the account, or the subject where there is none, is part of the key, and so is every byte asked.
fn cache_key(running: &Running, body: &[u8]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in
        [running.caller.partition().as_bytes(), running.model.name.as_bytes(), running.surface.tool().as_bytes()]
    {
        digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(part);
    }
    digest.update(body);
    digest.finalize().into()
}
