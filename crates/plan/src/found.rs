//! Row security that nobody needs to have written with Tenantry: read from a database, judged by the prover, its
//! leaks tried on the database itself.

use tenantry_policy::database::Database;
use tenantry_policy::{Op, Policy};
use tenantry_proof::{
    ANYBODY, Equality, Finding, Judged, Leak, LeakRow, Replay, Said, Through, Verdict, equal, judge, text,
};
use tenantry_source::admin::{Act, Admin, Placed, Trial, Tried};
use tenantry_source::{SourceError, SourceUrl};

/// The database could not be judged.
#[derive(Debug, thiserror::Error)]
pub enum FoundError {
    /// It cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// What was said of it beforehand is not understood.
    #[error("{0}")]
    Said(String),
}

/// Judges a database. `replay`: are leaks to be tried on it, each in a transaction that is rolled back?
///
/// # Errors
/// [`FoundError`].
pub async fn judge_database(url: &SourceUrl, said: &Said, replay: bool) -> Result<(Database, Judged), FoundError> {
    let admin = Admin::connect(url).await?;
    let database = admin.database().await?;
    let mut judged = judge(&database, said).map_err(FoundError::Said)?;
    if replay {
        for finding in &mut judged.findings {
            try_on(&admin, &database, finding).await?;
        }
    }
    Ok((database, judged))
}

/// Compares the row security that a source has with the rules that it was made from, for the role that Tenantry
/// connects as and for SQL seats. Tables whose row security was never applied are left out.
///
/// # Errors
/// [`SourceError`] when the catalog cannot be read.
pub async fn compare_catalog(
    owner: &SourceUrl,
    policy: &Policy,
    source: &str,
    role: &str,
    seats: &[String],
) -> Result<Vec<Equality>, SourceError> {
    let database = Admin::connect(owner).await?.database().await?;
    Ok(equal(&database, policy, source, role, seats))
}

/// Tries a leak on the database, and says in it what came of that.
async fn try_on(admin: &Admin, database: &Database, finding: &mut Finding) -> Result<(), SourceError> {
    let Verdict::Leaks(leak) = &mut finding.verdict else { return Ok(()) };
    let trial = match trial(leak, finding.op) {
        Ok(trial) => trial,
        Err(why) => {
            leak.replay = Replay::Evaluator(why.to_owned());
            return Ok(());
        }
    };
    match admin.replay(database, &trial).await? {
        Tried::Done => leak.replay = Replay::Database,
        Tried::Unable(why) => leak.replay = Replay::Evaluator(why),
        // What the database does not do is no leak, and no proof either: this program is wrong about it.
        Tried::Refused(why) => {
            let by = leak.by.join(", ");
            finding.verdict = Verdict::NotUnderstood(format!("{by} would let a row through, but {why}"));
        }
    }
    Ok(())
}

fn trial(leak: &Leak, op: Option<Op>) -> Result<Trial, &'static str> {
    let placed = |row: &LeakRow| Placed {
        schema: row.schema.clone(),
        table: row.table.clone(),
        cells: row.cells.iter().map(|(name, value)| (name.clone(), value.as_ref().map(text))).collect(),
    };
    let fresh = || leak.rows.iter().find(|row| !row.stored).map(placed).ok_or("it speaks of no new row");
    let act = match (&leak.through, op) {
        (Through::Frozen, _) => return Err("a materialized view is not made anew to try it"),
        (Through::Function, _) => return Err("functions are not called to try it"),
        (Through::View(schema, name), _) => Act::View(schema.clone(), name.clone()),
        (Through::Table, Some(Op::Create)) => Act::Create(fresh()?),
        (Through::Table, Some(Op::Update)) => Act::Update(fresh()?),
        (Through::Table, Some(Op::Delete)) => Act::Delete,
        (Through::Table, _) => Act::Read,
    };
    Ok(Trial {
        role: (leak.role != ANYBODY).then(|| leak.role.clone()),
        grant: leak.unheld,
        // What is no setting of the database stands for a principal that nothing identifies.
        settings: leak.settings.iter().filter(|(name, _)| !name.contains(' ')).cloned().collect(),
        rows: leak.rows.iter().filter(|row| row.stored).map(placed).collect(),
        act,
    })
}
