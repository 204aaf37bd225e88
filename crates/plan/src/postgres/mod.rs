//! The PostgreSQL target: what the file says of one source's database, what its catalog has, and the statements
//! that make one the other.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tenantry_file::Loaded;
use tenantry_policy::Policy;
use tenantry_policy::catalog::Dialect;
use tenantry_source::SourceUrl;
use tenantry_source::admin::{Admin, TableState};

use crate::danger::Danger;
use crate::error::PlanError;
use crate::fence::{Fence, FenceError};
use crate::resource::{Kind, Resource, Target};
use crate::state::State;
use crate::step::Step;
use crate::work::{Done, Work};

/// A PostgreSQL source and how it is reached.
#[derive(Debug, Clone)]
pub struct Access {
    /// Its name in the file.
    pub name: String,
    /// How the running server reaches it.
    pub runtime: SourceUrl,
    /// How its owner reaches it.
    pub owner: SourceUrl,
}

/// What the file wants of a source, and what is there.
#[derive(Debug, Default)]
pub struct Seen {
    /// What the file wants.
    pub desired: Vec<Resource>,
    /// What is there: of what is managed what is left of it, and whatever stands where the file wants something.
    pub current: Vec<Resource>,
    /// A hash over everything that was read, by which [`apply`] knows whether it is still so.
    pub snapshot: String,
}

/// Has the file anything to say of a source's database?
#[must_use]
pub fn concerns(loaded: &Loaded, policy: &Policy, source: &str, runtime: &SourceUrl) -> bool {
    let governs = policy.tables.iter().any(|table| *table.source == *source && table.dialect == Dialect::Postgres);
    let roles =
        loaded.document().source.iter().any(|(name, declared)| name.as_str() == source && !declared.role.is_empty());
    runtime.sqlite_path().is_none() && (governs || roles)
}

/// Reads the catalog, and says what the file wants of it.
///
/// # Errors
/// What keeps the database from being read, or the file from being what it can be.
pub async fn look(access: &Access, loaded: &Loaded, policy: &Policy, state: &State) -> Result<Seen, PlanError> {
    let target = Target::Source(access.name.clone());
    let Some(fence) = fence(access, policy)? else { return Ok(Seen::default()) };
    let tables: Vec<(String, String)> =
        governed(policy, &access.name).map(|table| (table.schema.to_string(), table.db_name.to_string())).collect();
    let owner = |error| PlanError::Source { source_name: access.name.clone(), error };
    let admin = Admin::connect(&access.owner).await.map_err(owner)?;
    let states = admin.fences(&tables).await.map_err(owner)?;
    let known: BTreeMap<String, &TableState> =
        states.iter().map(|state| (format!("{}.{}", state.schema, state.name), state)).collect();
    let mut seen = Seen::default();
    for table in governed(policy, &access.name) {
        let object = format!("{}.{}", table.schema, table.db_name);
        let address = format!("source.{}.row_security.\"{object}\"", access.name);
        let statements: Vec<&str> =
            fence.statements().iter().filter(|ddl| ddl.table == table.name).map(|ddl| ddl.sql.as_str()).collect();
        let rules = crate::hex(
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, statements.join("\n").as_bytes()).as_ref(),
        );
        let wanted = Resource::new(Kind::RowSecurity, target.clone(), &address)
            .with("enabled", true)
            .with("forced", true)
            .with("rules", rules.as_str())
            .at(loaded.located(&["table", &table.name]));
        if let Some(found) = known.get(&object).filter(|found| found.enabled || found.forced) {
            let applied = state.find(&target, &address).is_some_and(|row| row.hash == wanted.hash());
            let intact = found.policies.iter().any(|policy| policy.name.starts_with("tenantry:"));
            seen.current.push(
                Resource::new(Kind::RowSecurity, target.clone(), &address)
                    .with("enabled", found.enabled)
                    .with("forced", found.forced)
                    .with("rules", if applied && intact { json!(rules) } else { Value::Null })
                    .called(object),
            );
        }
        seen.desired.push(wanted);
    }
    Ok(seen)
}

/// Does all steps of a source in one transaction under its lock, after looking whether what is there still has
/// the hash `snapshot`. Answers one [`Done`] per step, in their order.
///
/// # Errors
/// [`PlanError::Moved`], or the statement that the database refuses; nothing was changed then.
pub async fn apply(
    access: &Access,
    _loaded: &Loaded,
    policy: &Policy,
    _snapshot: &str,
    _work: &Work<'_>,
    steps: &[Step],
) -> Result<Vec<Done>, PlanError> {
    let failed = |error: FenceError| failure(&access.name, error);
    if let Some(fence) = fence(access, policy)? {
        fence.apply(&access.owner, &access.runtime).await.map_err(failed)?;
    }
    Ok(steps.iter().map(|step| Done::new(step, step.address.as_str())).collect())
}

/// What is dangerous about a step.
#[must_use]
pub fn dangers(_step: &Step) -> Vec<Danger> {
    Vec::new()
}

/// What a step means, where its fields do not say it.
#[must_use]
pub fn notes(_step: &Step) -> Vec<String> {
    Vec::new()
}

fn governed<'a>(policy: &'a Policy, source: &'a str) -> impl Iterator<Item = &'a tenantry_policy::Table> {
    policy.tables.iter().filter(move |table| *table.source == *source && table.dialect == Dialect::Postgres)
}

fn fence(access: &Access, policy: &Policy) -> Result<Option<Fence>, PlanError> {
    match Fence::build(policy, &access.name, &access.runtime) {
        Ok(fence) => Ok(Some(fence)),
        Err(FenceError::NothingGoverned(_)) => Ok(None),
        Err(error) => Err(failure(&access.name, error)),
    }
}

/// A fence's error in the plan's words.
pub(crate) fn failure(source: &str, error: FenceError) -> PlanError {
    let what = error.to_string();
    match error {
        FenceError::Source(error) => PlanError::Source { source_name: source.to_owned(), error },
        FenceError::Statement { purpose, error, .. } => {
            PlanError::Statement { source_name: source.to_owned(), address: None, purpose, error }
        }
        FenceError::Role(error) => PlanError::Statement {
            source_name: source.to_owned(),
            address: None,
            purpose: "making the runtime role".to_owned(),
            error,
        },
        FenceError::Render(_) => PlanError::Internal("the rules do not render"),
        FenceError::OneRole { .. } => PlanError::invalid("SAME_ROLE", what)
            .hinted("let `url` connect as a role of its own; apply makes it when it is absent"),
        FenceError::NothingGoverned(_) | FenceError::NotPostgres(_) | FenceError::NoRole(_) => {
            PlanError::invalid("NOTHING_TO_APPLY", what)
        }
    }
}
