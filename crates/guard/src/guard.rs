//! The door: every data tool's call passes here, in one order that no tool can leave:
//! limits -> read -> decide -> approve -> audit -> render -> run -> audit -> reply.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tenantry_policy::query::{Create, Delete, Include, Read, Update};
use tenantry_policy::redact::HashKey;
use tenantry_policy::{
    Access, Allowed, Bound, Clock, Code, Context, Denied, Entropy, Policy, Principal, Query, Table, Tool, decide,
};
use tenantry_source::{Answer, Redactor, RunError, Source};
use tenantry_sql::Program;
use tenantry_store::{Approval, ApprovalStatus, Moved, NewApproval, Store, StoreError};

use crate::arguments::Arguments;
use crate::cursor::{Cursors, Shape};
use crate::explain::Shown;
use crate::json::{self, Json};
use crate::limits::{Entering, Limiter, Permit};
use crate::metrics::ToolLabels;
use crate::record::{Call, Outcome};
use crate::refusal::{from_run, internal};
use crate::reply::{self, Reply};
use crate::sealed::Sealed;
use crate::tools::{self, Asked, describe_schema};
use crate::{approvals, record, request_id};

/// What the guard is made from.
pub struct Parts {
    /// The law in force.
    pub policy: Arc<Policy>,
    /// The tenant databases, by their key in the file.
    pub sources: HashMap<Arc<str>, Source>,
    /// Tenantry's own memory.
    pub store: Arc<Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// The guard cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The stored cursor key is not one.
    #[error("the stored cursor key has a wrong length")]
    CursorKey,
    /// The stored key of approval requests is not one.
    #[error("the stored key of approval requests has a wrong length")]
    ApprovalKey,
    /// The policy names a source that is not open.
    #[error("source `{0}` is not open")]
    SourceMissing(String),
    /// A source does not answer, or must not be used as it is.
    #[error("source `{source_name}`: {error}")]
    Source {
        /// Its key in the file.
        source_name: String,
        /// What is wrong.
        error: tenantry_source::SourceError,
    },
}

/// The door to tenant data.
pub struct Guard {
    law: ArcSwap<Law>,
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    cursors: Cursors,
    waiting: Sealed,
    hash_secret: Vec<u8>,
    /// Tables that nobody reads or writes until an operator has looked, by name.
    frozen: ArcSwap<BTreeSet<Box<str>>>,
    limiter: ArcSwap<Limiter>,
}

struct Law {
    policy: Arc<Policy>,
    sources: HashMap<Arc<str>, Source>,
}

/// A call with what `tenantry ask` shows of it.
#[derive(Debug)]
pub struct Explained {
    /// The answer.
    pub reply: Reply,
    /// The rules in play, by table, with their conditions.
    pub reasons: Vec<tenantry_policy::reason::Reason>,
    /// The statements, cut into what was asked and what rules put in.
    pub statements: Vec<Shown>,
}

impl Guard {
    /// Makes the guard.
    ///
    /// # Errors
    /// [`GuardError`] when the store or a source is missing.
    pub async fn new(parts: Parts) -> Result<Guard, GuardError> {
        check_sources(&parts.policy, &parts.sources).await?;
        let hash_secret = parts.store.secret("hash", 32)?;
        let cursor_key = parts.store.secret("cursor", 32)?;
        let approval_key = parts.store.secret("approval", 32)?;
        let frozen = frozen_in(&parts.store).await?;
        Ok(Guard {
            limiter: ArcSwap::from_pointee(Limiter::off(Arc::clone(&parts.clock))),
            frozen: ArcSwap::from_pointee(frozen),
            law: ArcSwap::from_pointee(Law { policy: parts.policy, sources: parts.sources }),
            store: parts.store,
            clock: parts.clock,
            entropy: parts.entropy,
            cursors: Cursors::new(&cursor_key).ok_or(GuardError::CursorKey)?,
            waiting: Sealed::new(&approval_key).ok_or(GuardError::ApprovalKey)?,
            hash_secret,
        })
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.law.load().policy)
    }

    /// Puts another policy in force. Calls under way end under the old one; tokens are bound anew.
    ///
    /// # Errors
    /// [`GuardError::SourceMissing`], and [`GuardError::Source`] when one is not safe to use; the old
    /// policy stays in force then.
    pub async fn replace(&self, policy: Arc<Policy>, sources: HashMap<Arc<str>, Source>) -> Result<(), GuardError> {
        check_sources(&policy, &sources).await?;
        self.law.store(Arc::new(Law { policy, sources }));
        Ok(())
    }

    /// Keeps calls to these limits, from now on.
    pub fn limit(&self, limiter: Arc<Limiter>) {
        self.limiter.store(limiter);
    }

    /// The limits that calls are kept to.
    #[must_use]
    pub fn limiter(&self) -> Arc<Limiter> {
        self.limiter.load_full()
    }

    /// Lets no call on this table pass from now on, in this process.
    pub fn freeze(&self, table: &str) {
        self.frozen.rcu(|frozen| frozen.iter().cloned().chain([Box::from(table)]).collect::<BTreeSet<_>>());
    }

    /// Reads again which tables are frozen: another server may have frozen one, an operator released one.
    ///
    /// # Errors
    /// The store's; then what was frozen stays so.
    pub async fn follow_frozen(&self) -> Result<(), StoreError> {
        self.frozen.store(Arc::new(frozen_in(&self.store).await?));
        Ok(())
    }

    /// Refuses what rests on a frozen table, be it only included or referred to.
    fn open(&self, context: &Context, rests_on: &[Access]) -> Result<(), Denied> {
        let frozen = self.frozen.load();
        if frozen.is_empty() {
            return Ok(());
        }
        let closed = rests_on.iter().filter_map(|access| context.bound.policy.table(access.table));
        match closed.into_iter().find(|table| frozen.contains(table.name.as_ref())) {
            None => Ok(()),
            Some(table) => {
                tracing::warn!(table = %table.name, request = %context.request_id, "refused: the table is frozen");
                Err(Denied::new(Code::InternalError, "closed after an incident, until an operator has looked"))
            }
        }
    }

    /// Checks every source: does it answer, and is it still safe to use?
    ///
    /// # Errors
    /// The first source that is not, by name.
    pub async fn health(&self) -> Result<(), (String, tenantry_source::SourceError)> {
        let law = self.law.load_full();
        for (name, source) in &law.sources {
            source.health().await.map_err(|error| (name.to_string(), error))?;
        }
        Ok(())
    }

    /// Calls a tool for a bound principal. `body` is the arguments as JSON. Never fails: a refusal is
    /// an answer.
    pub async fn call(&self, bound: &Arc<Bound>, tool: &str, body: &[u8]) -> Reply {
        self.act(bound, tool, body, None, false).await.reply
    }

    /// The same, with the reasons and the statements.
    pub async fn explain(&self, bound: &Arc<Bound>, tool: &str, body: &[u8]) -> Explained {
        self.act(bound, tool, body, None, true).await
    }

    async fn act(
        &self,
        bound: &Arc<Bound>,
        tool: &str,
        body: &[u8],
        approved: Option<&str>,
        explained: bool,
    ) -> Explained {
        let context = match self.context(bound) {
            Ok(context) => context,
            Err(denied) => {
                let reply = self.unbound(bound, tool, body, denied).await;
                return Explained { reply, reasons: Vec::new(), statements: Vec::new() };
            }
        };
        let permit = match approved {
            // It was counted when it was asked for, and it runs once.
            Some(_) => Permit::unlimited(),
            None => match self.enter(&context, tool, body).await {
                Ok(permit) => permit,
                Err(reply) => return Explained { reply: *reply, reasons: Vec::new(), statements: Vec::new() },
            },
        };
        let started = self.clock.monotonic();
        let mut call = Call::new(&context, tool, body, explained);
        if let Some(id) = approved {
            call.approved(id);
        }
        let outcome = self.step(&context, tool, body, approved, &mut call).await;
        let (reasons, statements) = match explained {
            true => (std::mem::take(&mut call.reasons), std::mem::take(&mut call.statements)),
            false => (Vec::new(), Vec::new()),
        };
        let mut reply = self.close(&context, call, outcome, started).await;
        reply.standing = permit.requests;
        self.figure(&context, tool, &reply, started);
        Explained { reply, reasons, statements }
    }

    /// Lets a call pass the limits, or answers why not. Its arguments are not read.
    async fn enter(&self, context: &Context, tool: &str, body: &[u8]) -> Result<Permit, Box<Reply>> {
        let principal = &context.bound.principal;
        let entering = Entering { principal, model: None, tokens: 0, money: None };
        let refused = match self.limiter().enter(entering).await {
            Ok(permit) => return Ok(permit),
            Err(refused) => refused,
        };
        let mut denied = Denied::new(Code::RateLimited, refused.message());
        let mut details = Vec::new();
        if let Some(seconds) = refused.retry_after() {
            denied = denied.hint(format!("again in {seconds} s"));
            details.push(("retry_after", Json::Number(seconds.to_string())));
        }
        details.push(("limit", Json::Text(refused.level.name().to_owned())));
        let started = self.clock.monotonic();
        let mut reply = if refused.noted {
            let outcome = Outcome::Refused { denied, details };
            self.close(context, Call::new(context, tool, body, false), outcome, started).await
        } else {
            // Of a flood of refusals one in a second stands on record.
            self::refused(&denied, &context.request_id, &details)
        };
        self.figure(context, tool, &reply, started);
        (reply.standing, reply.retry_after) = (refused.standing, refused.retry_after());
        Err(Box::new(reply))
    }

    fn figure(&self, context: &Context, tool: &str, reply: &Reply, started: Duration) {
        let tool = match Tool::parse(tool) {
            Some(tool) => tool.name(),
            None if tool == "describe_schema" => "describe_schema",
            // What a caller wrote is no label.
            None => "unknown",
        };
        let account = context.bound.principal.tenant_id.as_deref().unwrap_or_default().into();
        let labels = ToolLabels { account, tool, error: reply.code.map_or("", Code::name) };
        self.limiter.load().metrics().tool(labels, self.clock.monotonic().saturating_sub(started));
    }

    /// Writes the audit's last word on a call, then answers.
    async fn close(&self, context: &Context, call: Call, outcome: Outcome, started: Duration) -> Reply {
        let elapsed = self.clock.monotonic().saturating_sub(started);
        let begun = call.started;
        let recorded = record::end(&self.store, call, &outcome, elapsed).await;
        match outcome {
            // The act is done and its beginning is on record; a missing end shows in `audit verify`.
            Outcome::Done { body, .. } if recorded || begun => Reply {
                code: None,
                body,
                request_id: Arc::clone(&context.request_id),
                standing: None,
                retry_after: None,
            },
            Outcome::Refused { denied, details } if recorded => refused(&denied, &context.request_id, &details),
            // No audit, no act; and no answer either, since an answer tells something.
            Outcome::Done { .. } | Outcome::Refused { .. } => refused(&internal(), &context.request_id, &[]),
        }
    }

    async fn step(
        &self,
        context: &Context,
        tool: &str,
        body: &[u8],
        approved: Option<&str>,
        call: &mut Call,
    ) -> Outcome {
        match self.try_step(context, tool, body, approved, call).await {
            Ok(outcome) => outcome,
            Err(denied) => Outcome::Refused { denied, details: Vec::new() },
        }
    }

    async fn try_step(
        &self,
        context: &Context,
        tool: &str,
        body: &[u8],
        approved: Option<&str>,
        call: &mut Call,
    ) -> Result<Outcome, Denied> {
        let json = json::parse(body).map_err(|error| Denied::new(Code::ValidationError, error.to_string()))?;
        call.inputs(&context.bound, &json);
        if tool == "describe_schema" {
            let model = describe_schema::read(Arguments::new(json, "")?)?;
            let data = describe_schema::describe(&context.bound, model.as_deref())?;
            record::start(&self.store, call).await.map_err(|error| unrecorded(&error))?;
            return Ok(Outcome::Done { body: reply::document(&data), count: 0, changes: Vec::new() });
        }
        let Some(tool) = Tool::parse(tool) else {
            let all: Vec<_> = Tool::ALL.into_iter().map(Tool::name).collect();
            return Err(Denied::new(Code::ToolNotAllowed, "there is no such tool")
                .hint(format!("tools: describe_schema, {}", all.join(", "))));
        };
        let shape = Shape::of(&json, context);
        let Asked { mut request, cursor } = tools::read(tool, Arguments::new(json, "")?)?;
        if let Some(cursor) = cursor {
            let after = self.cursors.open(&shape, &cursor)?;
            if let tenantry_policy::request::Act::Query(ask) = &mut request.act {
                ask.after = Some(after);
            }
        }
        let dry_run = request.dry_run;
        call.reason.clone_from(&request.reason);
        let allowed = decide(context, request)?;
        let rests_on = accesses(allowed.query());
        call.accesses(&context.bound, &rests_on);
        self.open(context, &rests_on)?;
        if approved.is_none()
            && let Some(table) = approvals::needed(&context.bound, allowed.query())
        {
            return self.ask_approval(context, table, tool, body, call).await;
        }
        let answer = self.run(context, &allowed, call).await?;
        let next = match (&answer.last, answer.has_more) {
            (Some(last), true) => Some(self.cursors.seal(&shape, last, self.entropy.as_ref()).ok_or_else(internal)?),
            _ => None,
        };
        let body = reply::done(tools::shape(tool), &answer, next.as_deref(), dry_run);
        Ok(Outcome::Done { body, count: answer.count, changes: answer.changes })
    }

    /// Renders and runs an allowed query, between its two audit entries.
    async fn run(&self, context: &Context, allowed: &Allowed<Query>, call: &mut Call) -> Result<Answer, Denied> {
        let program: Program = tenantry_sql::render(allowed).map_err(|error| {
            tracing::error!(request = %context.request_id, %error, "rendering failed");
            internal()
        })?;
        let law = self.law.load_full();
        if !Arc::ptr_eq(&law.policy, &context.bound.policy) {
            return Err(Denied::new(Code::InternalError, "the policy has just changed; try again"));
        }
        let source = law.sources.get(program.source.as_ref()).ok_or_else(internal)?;
        call.program(&program);
        // INVARIANT: no audit, no act. The entry is durable before the statement is sent.
        record::start(&self.store, call).await.map_err(|error| unrecorded(&error))?;
        let redactor = Redactor { hash: HashKey::derive(&self.hash_secret, context.bound.account()) };
        source.run(program, redactor).await.map_err(|error| {
            call.uncertain = error == RunError::Uncertain;
            if call.uncertain || matches!(error, RunError::Internal(_) | RunError::Unavailable(_) | RunError::Unsafe(_))
            {
                tracing::error!(request = %context.request_id, %error, "the source failed");
            }
            from_run(&error)
        })
    }

    async fn ask_approval(
        &self,
        context: &Context,
        table: &Table,
        tool: Tool,
        body: &[u8],
        call: &mut Call,
    ) -> Result<Outcome, Denied> {
        record::start(&self.store, call).await.map_err(|error| unrecorded(&error))?;
        let mut drawn = [0_u8; 12];
        self.entropy.fill(&mut drawn).map_err(|_| internal())?;
        let id = request_id::written("apr_", &drawn);
        let account = context.bound.account();
        let content = self.waiting.seal(account, &id, body, self.entropy.as_ref()).ok_or_else(internal)?;
        let request = NewApproval {
            account: account.to_owned(),
            id: id.clone(),
            requester: context.bound.principal.as_ref().clone(),
            tool: tool.name().to_owned(),
            model: Some(table.name.to_string()),
            content,
            expires_micros: context.now_micros.saturating_add(approvals::LIFETIME_MICROS),
        };
        self.store.approval_create(request).await.map_err(|error| unrecorded(&error))?;
        let roles: Vec<&str> = table.writes.approval.iter().flat_map(|a| a.roles.iter()).map(AsRef::as_ref).collect();
        let denied = Denied::new(
            Code::WriteApprovalRequired,
            format!("writes to model `{}` need somebody else's approval; the request is stored", table.name),
        )
        .hint(format!("who may approve: {}", roles.join(", ")));
        Ok(Outcome::Refused { denied, details: vec![("approval_id", Json::Text(id))] })
    }

    fn context(&self, bound: &Arc<Bound>) -> Result<Context, Denied> {
        let id = request_id::fresh(self.clock.as_ref(), self.entropy.as_ref()).map_err(|_| internal())?;
        let policy = self.policy();
        let bound = if Arc::ptr_eq(&policy, &bound.policy) {
            Arc::clone(bound)
        } else {
            Arc::new(self.bind(Arc::clone(&bound.principal))?.keeping(bound.kept()))
        };
        Ok(Context { bound, now_micros: self.clock.now_micros(), request_id: Arc::from(id) })
    }

    /// Refuses a call whose principal does not fit the policy in force any more. On record all the
    /// same, under the binding that it came with; its arguments are not read.
    async fn unbound(&self, bound: &Arc<Bound>, tool: &str, body: &[u8], denied: Denied) -> Reply {
        let Ok(id) = request_id::fresh(self.clock.as_ref(), self.entropy.as_ref()) else {
            return refused(&internal(), &Arc::from("none"), &[]);
        };
        let now_micros = self.clock.now_micros();
        let context = Context { bound: Arc::clone(bound), now_micros, request_id: Arc::from(id) };
        let call = Call::new(&context, tool, body, false);
        let outcome = Outcome::Refused { denied, details: Vec::new() };
        self.close(&context, call, outcome, self.clock.monotonic()).await
    }

    /// Binds a verified principal to the policy in force.
    ///
    /// # Errors
    /// [`Code::AuthenticationRequired`] when the token's attributes do not fit the policy.
    pub fn bind(&self, principal: Arc<Principal>) -> Result<Bound, Denied> {
        Bound::new(self.policy(), principal).map_err(|error| {
            Denied::new(Code::AuthenticationRequired, format!("the token does not fit the policy: {error}"))
        })
    }

    /// The pending approval requests of the principal's account that it may decide on, newest first.
    pub async fn approvals(&self, bound: &Arc<Bound>) -> Reply {
        let context = match self.context(bound) {
            Ok(context) => context,
            Err(denied) => return self.unbound(bound, "approvals", b"", denied).await,
        };
        let _permit = match self.enter(&context, "approvals", b"").await {
            Ok(permit) => permit,
            Err(reply) => return *reply,
        };
        let started = self.clock.monotonic();
        let mut call = Call::new(&context, "approvals", b"", false);
        let outcome = match self.pending(&context, &mut call).await {
            Ok(shown) => {
                let count = u64::try_from(shown.len()).unwrap_or(0);
                Outcome::Done { body: reply::document(&Json::List(shown)), count, changes: Vec::new() }
            }
            Err(error) => Outcome::Refused { denied: unrecorded(&error), details: Vec::new() },
        };
        self.close(&context, call, outcome, started).await
    }

    async fn pending(&self, context: &Context, call: &mut Call) -> Result<Vec<Json>, StoreError> {
        record::start(&self.store, call).await?;
        let all = self.store.approval_list(context.bound.account(), Some(ApprovalStatus::Pending)).await?;
        let decidable = all.iter().filter(|approval| self.decidable(context, approval).is_ok());
        let view = |approval: &Approval| approvals::view(approval, self.content(approval).as_deref(), &context.bound);
        Ok(decidable.map(view).collect())
    }

    /// Decides on an approval request of the principal's own account. Approved, the call runs at once,
    /// once, as the one who asked; the reply is that call's.
    pub async fn decide_approval(&self, bound: &Arc<Bound>, id: &str, approve: bool) -> Reply {
        let context = match self.context(bound) {
            Ok(context) => context,
            Err(denied) => {
                return self.unbound(bound, if approve { "approve" } else { "deny" }, id.as_bytes(), denied).await;
            }
        };
        let _permit = match self.enter(&context, if approve { "approve" } else { "deny" }, id.as_bytes()).await {
            Ok(permit) => permit,
            Err(reply) => return *reply,
        };
        let started = self.clock.monotonic();
        let mut call = Call::new(&context, if approve { "approve" } else { "deny" }, id.as_bytes(), false);
        call.approved(id);
        match self.try_decide(&context, id, approve, &mut call).await {
            Ok(taken) => {
                let status = if approve { "approved" } else { "denied" };
                let body = reply::document(&Json::Object(vec![
                    ("id".to_owned(), Json::Text(id.to_owned())),
                    ("status".to_owned(), Json::Text(status.to_owned())),
                ]));
                let outcome = Outcome::Done { body, count: 0, changes: Vec::new() };
                let reply = self.close(&context, call, outcome, started).await;
                match taken {
                    Some(approval) if reply.code.is_none() => self.run_approved(*approval).await,
                    _ => reply,
                }
            }
            Err(denied) => {
                let outcome = Outcome::Refused { denied, details: Vec::new() };
                self.close(&context, call, outcome, started).await
            }
        }
    }

    async fn try_decide(
        &self,
        context: &Context,
        id: &str,
        approve: bool,
        call: &mut Call,
    ) -> Result<Option<Box<Approval>>, Denied> {
        let lost = |error: StoreError| unrecorded(&error);
        let account = context.bound.account();
        let approval = self.store.approval_get(account, id).await.map_err(lost)?.ok_or_else(approvals::absent)?;
        self.decidable(context, &approval)?;
        let approver = context.bound.principal.user_id.clone().unwrap_or_default();
        record::start(&self.store, call).await.map_err(lost)?;
        let moved = self.store.approval_decide(account, id, &approver, approve).await.map_err(lost)?;
        decided(moved)?;
        if !approve {
            return Ok(None);
        }
        decided(self.store.approval_take_for_run(account, id).await.map_err(lost)?).map(Some)
    }

    /// The arguments of a request, opened; `None` when they are not those that were sealed for it.
    fn content(&self, approval: &Approval) -> Option<Vec<u8>> {
        self.waiting.open(&approval.account, &approval.id, &approval.content)
    }

    fn decidable(&self, context: &Context, approval: &Approval) -> Result<(), Denied> {
        let table = approvals::table_of(&context.bound, approval).ok_or_else(approvals::absent)?;
        approvals::may_decide(&context.bound, table, &approval.requester)
    }

    /// Runs an approved request as the one who asked, through the same door as any other call.
    async fn run_approved(&self, approval: Approval) -> Reply {
        let content = self.content(&approval);
        let bound = self.bind(Arc::new(approval.requester)).map(Arc::new);
        let reply = match (bound, content) {
            (Ok(bound), Some(content)) => {
                self.act(&bound, &approval.tool, &content, Some(&approval.id), false).await.reply
            }
            (Ok(_), None) => {
                tracing::error!(approval = %approval.id, "an approved call does not open with this installation's key");
                refused(&internal(), &Arc::from("none"), &[])
            }
            (Err(denied), _) => refused(&denied, &Arc::from("none"), &[]),
        };
        let outcome = reply.code.map_or("done", Code::name);
        let finished = self.store.approval_finish(&approval.account, &approval.id, reply.code.is_none(), outcome).await;
        if let Err(error) = finished {
            tracing::error!(approval = %approval.id, %error, "the end of an approved call cannot be written");
        }
        reply
    }
}

/// The request, when it was moved by this very call.
fn decided(moved: Moved) -> Result<Box<Approval>, Denied> {
    match moved {
        Moved::Done(approval) => Ok(approval),
        Moved::Not(status) => Err(Denied::new(Code::Conflict, format!("the request is {} already", status.name()))),
        Moved::Absent => Err(approvals::absent()),
    }
}

/// The tables that the store says are frozen.
async fn frozen_in(store: &Store) -> Result<BTreeSet<Box<str>>, StoreError> {
    Ok(store.frozen().await?.into_iter().map(|frozen| frozen.table.into_boxed_str()).collect())
}

/// Every governed table's source is open, and its second fence stands.
async fn check_sources(policy: &Policy, sources: &HashMap<Arc<str>, Source>) -> Result<(), GuardError> {
    if let Some(table) = policy.tables.iter().find(|table| !sources.contains_key(table.source.as_ref())) {
        return Err(GuardError::SourceMissing(table.source.to_string()));
    }
    for (name, source) in sources {
        let tables: Vec<(Arc<str>, Arc<str>)> = policy
            .tables
            .iter()
            .filter(|table| table.source == *name)
            .map(|table| (Arc::clone(&table.schema), Arc::clone(&table.db_name)))
            .collect();
        source
            .check_runtime(&tables)
            .await
            .map_err(|error| GuardError::Source { source_name: name.to_string(), error })?;
    }
    Ok(())
}

fn unrecorded(error: &StoreError) -> Denied {
    tracing::error!(%error, "the audit cannot be written: the act is refused");
    internal()
}

fn refused(denied: &Denied, request_id: &Arc<str>, details: &[(&str, Json)]) -> Reply {
    Reply {
        code: Some(denied.code),
        body: reply::refusal(denied, request_id, details),
        request_id: Arc::clone(request_id),
        standing: None,
        retry_after: None,
    }
}

/// Every access that a query rests on, the root's first.
fn accesses(query: &Query) -> Vec<Access> {
    fn reads(read: &Read, found: &mut Vec<Access>) {
        found.push(read.access);
        for Include { read, .. } in &read.includes {
            reads(read, found);
        }
    }
    let mut found = Vec::new();
    match query {
        Query::Read(read) => reads(read, &mut found),
        Query::Aggregate(aggregate) => found.push(aggregate.access),
        Query::Create(Create { access, read, references, .. })
        | Query::Update(Update { access, read, references, .. }) => {
            found.extend([*access, *read]);
            found.extend(references.iter().map(|reference| reference.access));
        }
        Query::Delete(Delete { access, read, .. }) => found.extend([*access, *read]),
    }
    found
}
