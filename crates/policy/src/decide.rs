//! The decision: a request, as the caller asked it, becomes an allowed query or a refusal.

use crate::context::Context;
use crate::denied::Denied;
use crate::query::Query;
use crate::request::Request;

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

/// Decides a request: the table, tool, fields, relations, values, limits and rules.
///
/// # Errors
/// [`Denied`], naming what the caller may do instead.
pub fn decide(context: &Context, request: Request) -> Result<Allowed<Query>, Denied> {
    let _ = (context, request);
    Err(Denied::new(crate::denied::Code::InternalError, "not built yet"))
}
