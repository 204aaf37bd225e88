//! Leaks of the rules are tried before they are shown: the rows of a witness are put into real tables, made for
//! them, and the statement that a call would run does, as the witness' principal, what it should not.
//!
//! SQLite in memory is always asked. A PostgreSQL database that is given for it is asked as well, under row security
//! made from the same rules. The boundary, the net below the rules, is left out of the table in question, as
//! proofs do; where the boundary is what is asked about, it is put back and has to hold. A leak that does not happen
//! is none: it becomes [`Outcome::Fault`], and so does one that could be tried nowhere but in the evaluator where
//! a database should have been able to.

mod deed;
mod rows;

use tenantry_policy::attribute::{AttrPath, Attributes};
use tenantry_policy::bound::Slot;
use tenantry_policy::condition::Cond;
use tenantry_policy::policy::RoleGrants;
use tenantry_policy::principal::Datum;
use tenantry_policy::tool::ToolSet;
use tenantry_policy::{ColumnId, Policy, Principal, RuleKind, TableId};
use tenantry_proof::{Obligation, Outcome, Promise, Witness};
use tenantry_source::RunError;
use tenantry_source::rehearsal::{self, RehearsalError, Scratch, StagedRow};

use self::deed::Deed;

/// The role that grants every tool.
const ROLE: &str = "rehearsal";

/// What came of trying a leak in one database.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tried {
    /// It happened.
    Done,
    /// It did not.
    Refused(String),
    /// This database could not be asked.
    Unable(String),
}

/// Tries every leak of the rules in an SQLite database in memory.
pub fn in_memory(policy: &Policy, obligations: &mut [Obligation]) {
    for one in obligations {
        let Some(scene) = Scene::of(policy, one) else { continue };
        let tried =
            scene.map_or_else(Tried::Refused, |scene| {
                scene.judged(scene.each().map(|law| {
                    rehearsal::in_memory(law, &scene.staged, |staged| scene.deed.program(&staged, &scene, one))
                }))
            });
        note(one, "SQLite", tried);
    }
}

/// Tries every leak of the rules that is left in a database of PostgreSQL.
///
/// # Errors
/// [`RehearsalError`] when that database cannot be used.
pub async fn in_scratch(
    policy: &Policy,
    obligations: &mut [Obligation],
    scratch: &Scratch,
) -> Result<(), RehearsalError> {
    for one in obligations {
        let Some(Ok(scene)) = Scene::of(policy, one) else { continue };
        let mut played = Vec::new();
        for law in scene.each() {
            let decide = |staged: Policy| scene.deed.program(&staged, &scene, one);
            played.push(scratch.play(law, &scene.staged, decide).await);
        }
        if let Some(Err(error @ (RehearsalError::Source(_) | RehearsalError::Admin(_)))) =
            played.iter().find(|played| matches!(played, Err(RehearsalError::Source(_) | RehearsalError::Admin(_))))
        {
            return Err(error.clone());
        }
        let tried = scene.judged(played.into_iter());
        note(one, "PostgreSQL", tried);
    }
    Ok(())
}

/// Says in an obligation what came of trying it.
fn note(one: &mut Obligation, database: &str, tried: Tried) {
    let Outcome::Leaks(witness) = &mut one.outcome else { return };
    match tried {
        Tried::Done => witness.replayed.push(database.to_owned()),
        Tried::Unable(why) => witness.replayed.push(format!("not {database} ({why})")),
        Tried::Refused(why) => {
            one.outcome = Outcome::Fault(format!(
                "the rules show a row that they should not, by the solver and the evaluator, but {database} does not: {why}"
            ));
        }
    }
}

/// A leak, ready to be tried.
struct Scene {
    /// The rules without the boundary of the tables in question.
    open: Policy,
    /// With it, where the boundary is what is asked about.
    closed: Option<Policy>,
    principal: Principal,
    now_micros: i64,
    /// Every row of the witness, by its place.
    rows: Vec<rows::Filled>,
    /// Those that are there before the act.
    staged: Vec<StagedRow>,
    deed: Deed,
}

impl Scene {
    /// `None` for what is no leak of the rules; an error where the witness contradicts itself.
    fn of(policy: &Policy, one: &Obligation) -> Option<Result<Scene, String>> {
        let Outcome::Leaks(witness) = &one.outcome else { return None };
        // What the catalog shows was tried on the database that it is of.
        if one.promise == Promise::Security {
            return None;
        }
        Some(Scene::made(policy, one, witness))
    }

    fn made(policy: &Policy, one: &Obligation, witness: &Witness) -> Result<Scene, String> {
        let table = policy.find(&one.table).ok_or("its table is not there")?;
        let (deed, beyond) = Deed::of(table, one, witness)?;
        let rows = rows::fill(policy, witness)?;
        let base = law(policy, (deed == Deed::Create).then_some(table.id));
        let staged = rows
            .iter()
            .enumerate()
            .filter(|(place, _)| !deed.makes(*place))
            .filter(|(place, _)| witness.rows.get(*place).is_some_and(|row| row.role != "new row"))
            .map(|(place, row)| StagedRow { table: row.table, place, values: row.values.clone() })
            .collect();
        Ok(Scene {
            open: unbounded(base.clone(), &beyond),
            principal: principal(&base, witness),
            closed: (one.promise == Promise::Boundary).then_some(base),
            now_micros: witness.now_micros,
            rows,
            staged,
            deed,
        })
    }

    /// The laws under which it is tried, in their order.
    fn each(&self) -> impl Iterator<Item = &Policy> {
        [Some(&self.open), self.closed.as_ref()].into_iter().flatten()
    }

    /// What it comes to, when it was tried under each law.
    fn judged(
        &self,
        played: impl Iterator<Item = Result<Result<tenantry_source::Answer, String>, RehearsalError>>,
    ) -> Tried {
        let mut played = played.map(|played| self.happened(played));
        let open = played.next().unwrap_or_else(|| Tried::Unable("it was not tried".to_owned()));
        match (open, played.next()) {
            (Tried::Done, Some(Tried::Done)) => Tried::Refused("the boundary does not keep it".to_owned()),
            (open, _) => open,
        }
    }

    fn happened(&self, played: Result<Result<tenantry_source::Answer, String>, RehearsalError>) -> Tried {
        match played {
            Ok(Ok(answer)) if self.deed.is_done(&answer) => Tried::Done,
            Ok(Ok(_)) => Tried::Refused("the statement does not reach the row".to_owned()),
            Ok(Err(denied)) => Tried::Refused(denied),
            Err(RehearsalError::Run(
                error @ (RunError::NotFound | RunError::RuleRefusesRow | RunError::ReferenceNotVisible { .. }),
            )) => Tried::Refused(error.to_string()),
            Err(RehearsalError::Unable(why)) => Tried::Unable(why),
            Err(error) => Tried::Refused(error.to_string()),
        }
    }
}

/// The policy for a rehearsal. A role grants every tool, and the principal's own roles stand elsewhere, so that it
/// holds those of the witness and no others where rules read them. A scope, which also demands its attributes and
/// fills them in, becomes a permit of the same words. `settable`: a table of which a new row may hold anything, so that
/// the rules alone decide whether it may be there.
fn law(policy: &Policy, settable: Option<TableId>) -> Policy {
    let mut law = policy.clone();
    law.attributes = elsewhere(&policy.attributes);
    let tools = policy.tables.iter().map(|table| (table.id, ToolSet::ALL)).collect();
    law.roles.insert(ROLE.into(), RoleGrants { tools });
    for table in &mut law.tables {
        for rule in table.rules.iter_mut().filter(|rule| rule.kind == RuleKind::Scope) {
            rule.kind = RuleKind::Permit;
        }
        table.writes.require_reason = false;
        table.writes.approval = None;
        if settable == Some(table.id) {
            let typed = table.columns.iter().enumerate().filter(|(_, column)| column.facts.ty.is_some());
            let typed = typed.filter_map(|(at, _)| u16::try_from(at).ok().map(ColumnId));
            table.writes.create = Some(typed.collect());
            table.writes.auto_set.clear();
            table.writes.required.clear();
        }
    }
    law
}

/// Where the principal's roles stand in a rehearsal: no file can name it.
fn roles_path() -> AttrPath {
    AttrPath::Metadata(vec!["rehearsed".into(), "roles".into()])
}

/// The same attributes in the same order, the roles elsewhere.
fn elsewhere(attributes: &Attributes) -> Attributes {
    let mut moved = Attributes::default();
    for (id, attribute) in attributes.iter() {
        let path = if attribute.path == AttrPath::Roles { roles_path() } else { attribute.path.clone() };
        // Each path stands once, so that none can conflict.
        let _ = if attributes.presence_only(id) {
            moved.note_presence(path)
        } else {
            moved.note(path, attribute.ty, attribute.list)
        };
    }
    moved
}

/// The witness' principal under a law of a rehearsal.
fn principal(law: &Policy, witness: &Witness) -> Principal {
    let mut principal = witness.as_principal(law);
    principal.roles.push(ROLE.to_owned());
    // Roles are always there, if only as an empty list.
    let roles = law.attributes.find(&roles_path());
    let missing = |id| !witness.principal.iter().any(|(known, slot)| *known == id && *slot != Slot::Missing);
    if roles.is_some_and(missing) {
        let none = [("roles".to_owned(), Datum::List(Vec::new()))];
        principal.metadata.insert("rehearsed".to_owned(), Datum::Map(none.into()));
    }
    principal
}

/// The policy without the boundary of some tables.
fn unbounded(mut policy: Policy, tables: &[TableId]) -> Policy {
    for table in policy.tables.iter_mut().filter(|table| tables.contains(&table.id)) {
        table.boundary = [(); 4].map(|()| Cond::Const(true));
    }
    policy
}

#[cfg(test)]
mod tests;
