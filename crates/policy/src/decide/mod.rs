//! The decision: a request, as the caller asked it, becomes an allowed query or a refusal.
//!
//! One file per kind of act; `fields`, `literal` and `filter` are shared by all of them, so no tool
//! has scoping or field rules of its own.

mod aggregate;
mod fields;
mod filter;
mod literal;
mod read;
mod write;

use crate::bound::{Access, Bound, Verdict};
use crate::context::Context;
use crate::denied::{Code, Denied};
use crate::query::Query;
use crate::request::{Act, Request};
use crate::table::{Op, Table};
use crate::tool::Tool;

/// Something that the policy allows, for the principal of one context.
///
/// INVARIANT: the field is private and [`decide`] is the only maker, so whatever takes an
/// `Allowed` (the SQL renderer does) can only be reached through a decision.
#[derive(Debug, Clone)]
pub struct Allowed<T> {
    inner: T,
    context: Context,
}

impl<T> Allowed<T> {
    /// What is allowed.
    #[must_use]
    pub fn query(&self) -> &T {
        &self.inner
    }

    /// For whom, and when.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }
}

/// Decides a request: the table, tool, fields, relations, values, limits and rules, under the policy
/// that the context's principal is bound to.
///
/// # Errors
/// [`Denied`], naming what the caller may do instead.
pub fn decide(context: &Context, request: Request) -> Result<Allowed<Query>, Denied> {
    let bound = context.bound.as_ref();
    let table = table(bound, &request.model)?;
    if !bound.tools(table.id).has(request.tool) {
        let granted: Vec<_> = bound.tools(table.id).iter().map(Tool::name).collect();
        return Err(Denied::new(
            Code::ToolNotAllowed,
            format!("your roles do not grant `{}` on model `{}`", request.tool, table.name),
        )
        .hint(format!("you may use: {}", granted.join(", "))));
    }
    let mut asker = Asker { context, bound, root: table, filters: 0, includes: 0 };
    let reason = request.reason.as_deref();
    let inner = match request.act {
        Act::Query(ask) => Query::Read(asker.query(table, ask)?),
        Act::Get { id, select, include } => Query::Read(asker.get(table, &id, select, include)?),
        Act::Aggregate(ask) => Query::Aggregate(asker.aggregate(table, &ask)?),
        Act::Create { rows, return_fields } => {
            Query::Create(asker.create(table, rows, return_fields, reason, request.dry_run)?)
        }
        Act::Update { target, data } => Query::Update(asker.update(table, &target, data, reason, request.dry_run)?),
        Act::Delete { id } => Query::Delete(asker.delete(table, &id, reason, request.dry_run)?),
    };
    Ok(Allowed { inner, context: context.clone() })
}

/// The table that the caller knows by this name: one of those that its roles grant some tool on.
fn table<'a>(bound: &'a Bound, model: &str) -> Result<&'a Table, Denied> {
    if let Some(table) = bound.policy.find(model)
        && !bound.tools(table.id).is_empty()
    {
        return Ok(table);
    }
    let known = bound.policy.tables.iter().filter(|table| !bound.tools(table.id).is_empty()).map(|t| t.name.as_ref());
    let denied = Denied::new(Code::ModelNotAllowed, format!("there is no model `{}` that you may use", shorten(model)));
    Err(fields::suggest(denied, model, known, "models"))
}

/// One request being decided: who asks, and what has been counted so far.
struct Asker<'a> {
    context: &'a Context,
    bound: &'a Bound,
    /// The table whose budget holds for the whole call.
    root: &'a Table,
    filters: u32,
    includes: u32,
}

impl<'a> Asker<'a> {
    /// The rules for an operation, when the principal alone does not already rule everything out.
    fn access(&self, table: &Table, op: Op) -> Result<Access, Denied> {
        let access = self.bound.access(table.id, op);
        match access.verdict() {
            Verdict::Open => Ok(access),
            Verdict::ScopeRequired => Err(Denied::new(
                Code::TenantScopeRequired,
                format!("model `{}` is scoped by an attribute that your token does not carry", table.name),
            )
            .hint("ask for a token of an account, or of a user inside it")),
            Verdict::Nothing => Err(Denied::new(
                Code::ToolNotAllowed,
                format!("no rule lets you {} rows of model `{}`", op.name(), table.name),
            )),
        }
    }

    fn table(&self, id: crate::ids::TableId) -> Result<&'a Table, Denied> {
        self.bound.policy.table(id).ok_or_else(broken)
    }
}

/// A compiled policy that contradicts itself: our fault.
fn broken() -> Denied {
    Denied::new(Code::InternalError, "the policy is inconsistent")
}

/// The beginning of a caller's own word, for a sentence.
fn shorten(text: &str) -> String {
    const MOST: usize = 64;
    let clean: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(MOST).collect();
    if text.chars().nth(MOST).is_some() { clean + "…" } else { clean }
}
