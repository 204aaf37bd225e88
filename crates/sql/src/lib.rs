//! The pen: allowed queries become statements, rules become row security. Pure.
//!
//! `Allowed<Query> -> render -> Program` for the source room to run, and
//! `Policy -> row_security -> Ddl` for the plan room to apply. One builder grows all text; what
//! differs between the databases stands in `dialect/`.

mod aggregate;
mod builder;
mod change;
pub mod cluster;
mod columns;
mod condition;
mod dialect;
mod filter;
mod insert;
pub mod program;
mod read;
mod reference;
mod scribe;
pub mod security;
mod settings;
#[cfg(test)]
mod tests;

pub use dialect::SQLITE_FUNCTIONS;
pub use program::Program;
pub use security::{Ddl, PolicyExpression, policy_expressions, row_security, seat_expressions};
pub use settings::settings;

use tenantry_policy::{Allowed, Context, Query};

use crate::program::{Parts, Steps};

#[cfg(all(feature = "without-fence-one", not(debug_assertions)))]
compile_error!("the feature `without-fence-one` takes the rules out of every statement: it is for a test only");

/// Do statements carry the rules? Always, but in the build of the one test that shows what row
/// security holds on its own.
pub(crate) const FENCE_ONE: bool = !cfg!(feature = "without-fence-one");

/// Renders an allowed query for its source's dialect.
///
/// # Errors
/// [`RenderError`] when the query does not fit the policy it was decided under.
pub fn render(allowed: &Allowed<Query>) -> Result<Program, RenderError> {
    render_query(allowed.context(), allowed.query())
}

/// Renders a query of one context. Not public: outside of this room only decided queries render.
pub(crate) fn render_query(context: &Context, query: &Query) -> Result<Program, RenderError> {
    let (id, steps) = match query {
        Query::Read(ask) => (ask.table, Steps::Read(read::read(context, ask)?)),
        Query::Aggregate(ask) => (ask.table, Steps::Aggregate(aggregate::aggregate(context, ask)?)),
        Query::Create(ask) => (ask.table, Steps::Create(insert::insert(context, ask)?)),
        Query::Update(ask) => (ask.table, Steps::Update(change::update(context, ask)?)),
        Query::Delete(ask) => (ask.table, change::delete(context, ask)?),
    };
    let table = context.bound.policy.table(id).ok_or(RenderError::Inconsistent("a table"))?;
    let has_settings = dialect::of(table.dialect).has_settings();
    Ok(Program::seal(Parts {
        source: table.source.clone(),
        dialect: table.dialect,
        settings: if has_settings { settings(context) } else { Vec::new() },
        timeout: table.budget.timeout,
        max_bytes: table.budget.max_bytes,
        steps,
    }))
}

/// A statement could not be made. Always our fault: a decided query fits its policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The query names something that its policy does not have.
    #[error("the decided query does not fit its policy: {0}")]
    Inconsistent(&'static str),
}
