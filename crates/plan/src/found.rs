//! Row security that nobody needs to have written with Tenantry: read from a database, judged by the prover, its
//! leaks tried on the database itself.

use tenantry_file::Loaded;
use tenantry_policy::database::Database;
use tenantry_policy::{Op, Policy};
use tenantry_proof::{
    ANYBODY, Equal, Equality, Finding as Judgement, Judged, Leak, LeakRow, Outcome, Replay, Said, Through, Verdict,
    equal, judge, security_obligations, text,
};
use tenantry_source::admin::{Act, Admin, Placed, Trial, Tried};
use tenantry_source::{SourceError, SourceUrl};

use crate::plan::Finding;
use crate::postgres::Access;
use crate::told::Told;

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
            try_on(url, &admin, &database, finding).await?;
        }
    }
    Ok((database, judged))
}

/// Compares the row security that a source has with the rules that it was made from, for the role that Tenantry
/// connects as and for SQL seats. Tables whose row security was never applied are left out. `replay`: are differences to
/// be tried on the database, each in a transaction that is rolled back?
///
/// # Errors
/// [`SourceError`] when the catalog cannot be read.
pub async fn compare_catalog(
    owner: &SourceUrl,
    policy: &Policy,
    source: &str,
    role: &str,
    seats: &[String],
    replay: bool,
) -> Result<Vec<Equality>, SourceError> {
    let admin = Admin::connect(owner).await?;
    let database = admin.database().await?;
    let mut found = equal(&database, policy, source, role, seats);
    if replay {
        for one in &mut found {
            try_difference(&admin, &database, one, role).await?;
        }
    }
    Ok(found)
}

/// Tries a difference on the database, and says in it what came of that.
async fn try_difference(admin: &Admin, database: &Database, one: &mut Equality, role: &str) -> Result<(), SourceError> {
    let (shows, leak) = match &mut one.outcome {
        Equal::Shows(leak) => (true, leak),
        Equal::Hides(leak) => (false, leak),
        Equal::Same | Equal::NotUnderstood(_) => return Ok(()),
    };
    // An update is asked about one side at a time; the database does both at once.
    let tried = match (one.op, trial(leak, Some(one.op))) {
        (Op::Update, _) => Tried::Unable("one side of an update is not tried by itself".to_owned()),
        _ if leak.role != role => Tried::Unable("nobody else can log in as a seat".to_owned()),
        (_, Err(why)) => Tried::Unable(why.to_owned()),
        (_, Ok(trial)) => admin.replay(database, &trial).await?,
    };
    match (tried, shows) {
        (Tried::Done, true) | (Tried::Refused(_), false) => leak.replay = Replay::Database,
        (Tried::Refused(why) | Tried::Unable(why), _) => leak.replay = Replay::Evaluator(why),
        (Tried::Done, false) => {
            one.outcome = Equal::NotUnderstood("row security seems to hide a row that the database shows".to_owned());
        }
    }
    Ok(())
}

/// Tables whose row security is another than the rules say, or not to be understood, for plans and for drift.
///
/// # Errors
/// [`SourceError`] when the catalog cannot be read.
pub(crate) async fn unlike(access: &Access, policy: &Policy, loaded: &Loaded) -> Result<Vec<Finding>, SourceError> {
    let Some((role, _)) = access.runtime.login() else { return Ok(Vec::new()) };
    let found = compare_catalog(&access.owner, policy, &access.name, role, &seats(loaded, &access.name), false).await?;
    let told = Told { policy, loaded };
    let each = found.iter().zip(security_obligations(&found, policy)).filter_map(|(one, obligation)| {
        let act = if one.written { " (what is written)" } else { "" };
        let head = |what: &str| format!("for `{role}`, to {}{act}: {what}", one.op.name());
        let witness = |what: &str| match &obligation.outcome {
            Outcome::Leaks(witness) => format!("{}\n{}", head(what), told.lines(witness, "").trim_end()),
            _ => head(what),
        };
        let (code, what) = match &one.outcome {
            Equal::Same => return None,
            Equal::Shows(_) => ("row-security-differs", witness("the database shows a row that the rules do not")),
            Equal::Hides(_) => ("row-security-differs", witness("the database hides a row that the rules show")),
            Equal::NotUnderstood(why) => (
                "row-security-open",
                head(&format!("the database's policies cannot be compared with the rules: {why}")),
            ),
        };
        let address = ["table.", &one.table].concat();
        let place = loaded.located(&["table", &one.table]);
        Some(Finding { code, address, what, place })
    });
    Ok(each.collect())
}

/// The roles of a source that are pinned to one account.
#[must_use]
pub fn seats(loaded: &Loaded, source: &str) -> Vec<String> {
    let declared = loaded.document().source.iter().find(|(name, _)| name.as_str() == source);
    let roles = declared.into_iter().flat_map(|(_, source)| &source.role);
    roles.filter(|(_, role)| role.tenant.is_some()).map(|(name, _)| name.clone()).collect()
}

/// Tries a leak on the database, and says in it what came of that.
async fn try_on(
    url: &SourceUrl,
    admin: &Admin,
    database: &Database,
    finding: &mut Judgement,
) -> Result<(), SourceError> {
    let Verdict::Leaks(leak) = &mut finding.verdict else { return Ok(()) };
    let trial = match trial(leak, finding.op) {
        Ok(trial) => trial,
        Err(why) => {
            leak.replay = Replay::Evaluator(why.to_owned());
            return Ok(());
        }
    };
    let tried = match admin.replay(database, &trial).await? {
        Tried::Done => Tried::Done,
        // A setting that an earlier trial set is empty since, where a session that never set it has none: once more, in a
        // session of its own.
        Tried::Refused(_) | Tried::Unable(_) => Admin::connect(url).await?.replay(database, &trial).await?,
    };
    match tried {
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
        (Through::Privilege, _) => return Err("a privilege is not used to try it"),
        (Through::Function, _) => return Err("functions are not called to try it"),
        (Through::View(..), Some(Op::Create | Op::Update | Op::Delete)) => {
            return Err("writes through a view are not tried");
        }
        (Through::View(schema, name), _) => Act::View(schema.clone(), name.clone()),
        (Through::Table, Some(Op::Create)) => Act::Create(fresh()?),
        (Through::Table, Some(Op::Update)) => Act::Update(fresh()?),
        (Through::Table, Some(Op::Delete)) => Act::Delete,
        (Through::Table, _) => Act::Read,
    };
    Ok(Trial {
        role: (leak.role != ANYBODY).then(|| leak.role.clone()),
        login: leak.login.clone(),
        grant: leak.unheld,
        // What is no setting of the database stands for a principal that nothing identifies.
        settings: leak.settings.iter().filter(|(name, _)| !name.contains(' ')).cloned().collect(),
        rows: leak.rows.iter().filter(|row| row.stored).map(placed).collect(),
        act,
    })
}
