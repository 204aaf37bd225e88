//! `tenantry prove`: does any rule let a tenant reach another's rows?

mod database;
mod html;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};
use tenantry_file::Loaded;
use tenantry_plan::Told;
use tenantry_plan::found::{compare_catalog, seats};
use tenantry_plan::replay::{in_memory, in_scratch};
use tenantry_policy::Policy;
use tenantry_proof::{Obligation, Outcome as Proof, Report, Witness, prove, prove_table, security_obligations};
use tenantry_source::rehearsal::{RehearsalError, Scratch};

use crate::ambient::SystemClock;
use crate::commands::Run;
use crate::exit::Exit;
use crate::output::{Failure, Outcome, Paint};
use crate::project::{Project, parse_url, unavailable};

/// What to prove.
#[derive(Debug, Clone, Args)]
pub struct ProveArgs {
    /// Only this table
    #[arg(long, value_name = "TABLE")]
    table: Option<String>,
    /// Write the report as a page that can be handed on
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Do not compare row security in the databases with the rules
    #[arg(long, conflicts_with = "database")]
    no_catalog: bool,
    /// Try leaks in this PostgreSQL database as well as in SQLite in memory: an address, or env:NAME, of a superuser of
    /// one that holds nothing of worth. A schema and a role are made there and taken away again
    #[arg(long, value_name = "URL", conflicts_with = "database")]
    scratch: Option<String>,
    #[command(flatten)]
    found: database::FoundArgs,
}

/// Runs the command. Asks the databases for their catalogs alone, but where row security differs from the rules: that is
/// tried there, in a transaction that is rolled back. Every leak was tried in SQLite in memory before it
/// is shown; what does not happen there is a fault of this program, and ends it with 1.
///
/// # Errors
/// What keeps the file, a source or the database for rehearsals from opening; `UNKNOWN_TABLE`; `WRITE_FILE`.
pub async fn run(run: Run<'_>, args: &ProveArgs) -> Result<Outcome, Failure> {
    if let Some(address) = &args.found.database {
        return database::run(run, args, address).await;
    }
    let project = run.project()?;
    let loaded = project.load()?;
    let (compiled, _) = project.compile(&loaded).await?;
    let policy = compiled.policy;
    let mut report = prove(&policy);
    if let Some(name) = &args.table {
        let table = policy.find(name).ok_or_else(|| {
            let known: Vec<&str> = policy.tables.iter().map(|table| table.name.as_ref()).collect();
            Failure::invalid("UNKNOWN_TABLE", format!("the file governs no table `{name}`"))
                .hint(format!("it governs {}", known.join(", ")))
        })?;
        report.obligations = prove_table(&policy, table);
        report.assumptions.retain(|assumption| assumption.table == *name);
    }
    in_memory(&policy, &mut report.obligations);
    if let Some(address) = &args.scratch {
        rehearse(&run, &policy, &mut report.obligations, address).await?;
    }
    if !args.no_catalog {
        let found = compared(&run, &project, &loaded, &policy, !args.found.no_replay).await;
        report
            .obligations
            .extend(found.into_iter().filter(|one| args.table.as_ref().is_none_or(|name| *name == one.table)));
    }
    let told = Told { policy: &policy, loaded: &loaded };
    if let Some(path) = &args.html {
        std::fs::write(path, html::page(&report, &told)).map_err(|error| {
            Failure::failed("WRITE_FILE", format!("cannot write {}: {}", path.display(), error.kind()))
        })?;
        run.output.note(&format!("The report is in {}.", path.display()));
    }
    Ok(Outcome::new(data(&report, &told), text(&report, &told)).exit(exit(&report)))
}

/// What the exit code says of a report: a fault of this program outdoes a leak, which may be of the same making.
fn exit(report: &Report) -> Exit {
    if report.faults().next().is_some() {
        Exit::Failed
    } else if report.leaks().chain(report.undecided()).next().is_some() {
        Exit::No
    } else {
        Exit::Done
    }
}

/// Tries what is left of the leaks in a database of PostgreSQL.
async fn rehearse(
    run: &Run<'_>,
    policy: &Policy,
    obligations: &mut [Obligation],
    address: &str,
) -> Result<(), Failure> {
    let address = if address.starts_with("env:") {
        run.environment.secret(address).map_err(|error| Failure::invalid("SECRET_MISSING", error.to_string()))?
    } else {
        address.to_owned()
    };
    let url = parse_url(run.environment, "--scratch", &address)?;
    let unusable = |error: RehearsalError| match error {
        RehearsalError::Source(error) => unavailable("--scratch", &error),
        other => Failure::failed("REHEARSAL", format!("--scratch: {other}"))
            .hint("it takes a role that may make schemas and roles, and a server that lets them log in by password"),
    };
    let scratch = Scratch::open(&url, Arc::new(SystemClock::new())).await.map_err(unusable)?;
    let played = in_scratch(policy, obligations, &scratch).await;
    let closed = scratch.close().await;
    played.and(closed).map_err(unusable)
}

/// 14: the row security of each source whose owner's address is given, against the rules. A database that does not
/// answer is said, and leaves the proof of the rules as it is.
async fn compared(
    run: &Run<'_>,
    project: &Project<'_>,
    loaded: &Loaded,
    policy: &Policy,
    replay: bool,
) -> Vec<Obligation> {
    let mut all = Vec::new();
    for source in loaded.sources() {
        let Some(owner) = source.admin_url.as_ref().and_then(|url| project.resolve(&source.name, url).ok()) else {
            continue;
        };
        let runtime = project.resolve(&source.name, &source.url).ok();
        let Some(role) = runtime.as_ref().and_then(|url| url.login()).map(|(role, _)| role.to_owned()) else {
            continue;
        };
        let seats = seats(loaded, &source.name);
        match compare_catalog(&owner, policy, &source.name, &role, &seats, replay).await {
            Ok(found) => all.extend(security_obligations(&found, policy)),
            Err(error) => run
                .output
                .note(&format!("Row security of source `{}` is not compared with the rules: {error}", source.name)),
        }
    }
    all
}

fn data(report: &Report, told: &Told<'_>) -> Value {
    let obligations: Vec<Value> = report.obligations.iter().map(|one| obligation(one, told)).collect();
    let count = |wanted: fn(&Proof) -> bool| report.obligations.iter().filter(|one| wanted(&one.outcome)).count();
    json!({
        "format": 1,
        "policy": report.policy,
        "proved": count(|outcome| matches!(outcome, Proof::Proved)),
        "shown": count(|outcome| matches!(outcome, Proof::Shown(_))),
        "leaks": count(|outcome| matches!(outcome, Proof::Leaks(_))),
        "idle": count(|outcome| matches!(outcome, Proof::Idle(_))),
        "undecided": count(|outcome| matches!(outcome, Proof::Undecided(_))),
        "faults": count(|outcome| matches!(outcome, Proof::Fault(_))),
        "obligations": obligations,
        "assumptions": report
            .assumptions
            .iter()
            .map(|one| json!({ "table": one.table, "fact": one.fact }))
            .collect::<Vec<_>>(),
    })
}

fn obligation(one: &Obligation, told: &Told<'_>) -> Value {
    let (outcome, witness, why) = match &one.outcome {
        Proof::Proved => ("proved", None, None),
        Proof::Leaks(witness) => ("leaks", Some(witness), None),
        Proof::Shown(witness) => ("shown", Some(witness), None),
        Proof::Idle(why) => ("idle", None, Some((*why).to_owned())),
        Proof::Undecided(why) => ("undecided", None, Some(why.clone())),
        Proof::Fault(why) => ("fault", None, Some(why.clone())),
    };
    let mut value = json!({
        "number": one.promise.number(),
        "name": one.promise.name(),
        "says": one.promise.says(),
        "table": one.table,
        "outcome": outcome,
    });
    if let Some(value) = value.as_object_mut() {
        let mut put = |name: &str, member: Option<Value>| {
            if let Some(member) = member {
                value.insert(name.to_owned(), member);
            }
        };
        put("operation", one.op.map(|op| json!(op.name())));
        put("about", one.about.as_ref().map(|about| json!(about.as_str())));
        put("why", why.map(Value::String));
        put("witness", witness.map(|witness| shown(witness, told)));
        put("fix", witness.filter(|_| one.outcome.is_leak()).map(|witness| json!(told.fix(one, witness))));
    }
    value
}

fn shown(witness: &Witness, told: &Told<'_>) -> Value {
    json!({
        "principal": told.principal(witness).into_iter().collect::<serde_json::Map<_, _>>(),
        "rows": told.rows(witness).into_iter().map(|row| json!({
            "role": row.role,
            "table": row.table,
            "columns": row.columns.into_iter().collect::<serde_json::Map<_, _>>(),
        })).collect::<Vec<_>>(),
        "replayed": witness.replayed,
        "rules": witness.rules.iter().map(|rule| json!({ "address": rule, "place": told.place(rule) })).collect::<Vec<_>>(),
    })
}

fn text(report: &Report, told: &Told<'_>) -> String {
    let mut text = String::new();
    let mut table = "";
    for one in &report.obligations {
        if table != one.table {
            table = &one.table;
            let all = report.obligations.iter().filter(|other| other.table == table);
            let good = all.clone().filter(|one| matches!(one.outcome, Proof::Proved | Proof::Shown(_))).count();
            text.push_str(&format!("{}  {good} of {} hold\n", Paint::STRONG.on(table), all.count()));
        }
        match &one.outcome {
            Proof::Proved => {}
            // What an exception shows is worth knowing: it is what the file declares.
            Proof::Shown(witness) if one.promise == tenantry_proof::Promise::Exception => {
                text.push_str(&format!("  {} {}\n", Paint::FAINT.on("declared"), head(one)));
                text.push_str(&told.lines(witness, "    "));
            }
            Proof::Shown(_) => {}
            Proof::Leaks(witness) => {
                text.push_str(&format!("  {} {}\n", Paint::BAD.on("LEAK"), head(one)));
                text.push_str(&told.lines(witness, "    "));
                text.push_str(&format!("    {} {}\n", Paint::STRONG.on("fix:"), told.fix(one, witness)));
            }
            Proof::Idle(why) => {
                text.push_str(&format!("  {} {}: {why}\n", Paint::WARN.on("idle"), head(one)));
            }
            Proof::Undecided(why) => {
                text.push_str(&format!("  {} {}: {why}\n", Paint::BAD.on("UNDECIDED"), head(one)));
            }
            Proof::Fault(why) => {
                let told = format!("  {} {}: {why}. {REPORT}\n", Paint::BAD.on("FAULT OF TENANTRY"), head(one));
                text.push_str(&told);
            }
        }
    }
    if !report.assumptions.is_empty() {
        let facts: Vec<String> = report.assumptions.iter().map(|one| format!("{}.{}", one.table, one.fact)).collect();
        text.push_str(&format!("{} {}\n", Paint::FAINT.on("assumed:"), facts.join(", ")));
    }
    let (leaks, open, faults) = (report.leaks().count(), report.undecided().count(), report.faults().count());
    let count = report.obligations.len();
    text.push_str(&if faults > 0 {
        let told = format!(
            "Policy {}: {count} obligations, {leaks} broken, {open} undecided, {faults} neither proved nor broken.",
            report.policy
        );
        Paint::BAD.on(&told)
    } else if leaks + open == 0 {
        Paint::GOOD.on(&format!("Policy {}: {count} obligations, no leak.", report.policy))
    } else {
        Paint::BAD.on(&format!("Policy {}: {count} obligations, {leaks} broken, {open} undecided.", report.policy))
    });
    text
}

/// What to do about a fault of this program.
pub(super) const REPORT: &str = "Nothing is proved by that; please report it with the file";

/// `1 read-own (read) table.orders.permit.public`: which obligation.
fn head(one: &Obligation) -> String {
    let mut text = format!("{} {}", one.promise.number(), one.promise.name());
    if let Some(op) = one.op {
        text.push_str(&format!(" ({})", op.name()));
    }
    if let Some(about) = &one.about {
        text.push_str(&format!(" {about}"));
    }
    text
}
