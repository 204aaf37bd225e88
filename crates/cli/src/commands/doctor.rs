//! `tenantry doctor`: looks for what is wrong, and says how to mend it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde_json::json;
use tenantry_file::Loaded;
use tenantry_policy::catalog::{Catalog, Dialect};
use tenantry_policy::table::Table;
use tenantry_policy::{Clock, Entropy, Policy};
use tenantry_source::{InUse, Options, Source, SourceError};

use crate::ambient::{OsEntropy, SystemClock};
use crate::commands::Run;
use crate::exit::Exit;
use crate::output::{Failure, Outcome, Paint};
use crate::project::Project;

/// Nothing to say yet.
#[derive(Debug, Clone, Args)]
pub struct DoctorArgs {
    /// How long to wait for each source
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=300))]
    timeout: u64,
}

/// How a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Health {
    Ok,
    Warn,
    Fail,
}

/// One part that was looked at.
#[derive(Debug, Clone, Serialize)]
struct Finding {
    part: String,
    health: Health,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

/// Everything looked at so far.
#[derive(Debug, Default)]
struct Report(Vec<Finding>);

impl Report {
    fn put(&mut self, part: impl Into<String>, health: Health, found: impl Into<String>, remedy: Option<&str>) {
        self.0.push(Finding { part: part.into(), health, found: found.into(), remedy: remedy.map(str::to_owned) });
    }

    fn ok(&mut self, part: impl Into<String>, found: impl Into<String>) {
        self.put(part, Health::Ok, found, None);
    }

    fn failure(&mut self, part: impl Into<String>, failure: &Failure) {
        let remedy = failure.hints.first().map(String::as_str);
        self.put(part, Health::Fail, failure.message.clone(), remedy.or(Some("see the message")));
    }
}

/// Runs the command. Exit 0 when nothing fails, 2 when something does.
///
/// # Errors
/// None: what is wrong is the answer.
pub async fn run(run: Run<'_>, args: &DoctorArgs) -> Result<Outcome, Failure> {
    let mut report = Report::default();
    report.ok("program", format!("tenantry {}, SQLite {}", env!("CARGO_PKG_VERSION"), rusqlite::version()));
    machine(&mut report);
    match run.project() {
        Err(failure) => report.failure("file", &failure),
        Ok(project) => {
            state(&mut report, project.state());
            store(&mut report, &project).await;
            match project.load() {
                Err(failure) => report.put(
                    "file",
                    Health::Fail,
                    failure.message,
                    Some("`tenantry check` shows each error with its place"),
                ),
                Ok(loaded) => {
                    let found = loaded.warnings().len();
                    if found == 0 {
                        report.ok("file", "it holds together");
                    } else {
                        let remedy = Some("`tenantry check` shows them");
                        report.put("file", Health::Warn, format!("it holds together, with {found} warnings"), remedy);
                    }
                    sources(&mut report, &project, &loaded, Duration::from_secs(args.timeout)).await;
                }
            }
        }
    }
    let worst = report.0.iter().map(|finding| finding.health).max().unwrap_or(Health::Ok);
    let mut text = String::new();
    for finding in &report.0 {
        let mark = match finding.health {
            Health::Ok => Paint::GOOD.on("ok  "),
            Health::Warn => Paint::WARN.on("warn"),
            Health::Fail => Paint::BAD.on("fail"),
        };
        text.push_str(&format!("{mark} {}: {}\n", Paint::STRONG.on(&finding.part), finding.found));
        if let Some(remedy) = &finding.remedy {
            text.push_str(&format!("     {} {remedy}\n", Paint::FAINT.on("remedy:")));
        }
    }
    let exit = if worst == Health::Fail { Exit::No } else { Exit::Done };
    Ok(Outcome::new(json!({ "healthy": worst != Health::Fail, "findings": report.0 }), text).exit(exit))
}

/// Clock and random generator.
fn machine(report: &mut Report) {
    // Before this program was written: tokens would be not yet valid, or never expire.
    const WRITTEN: i64 = 1_760_000_000_000_000;
    let clock = SystemClock::new();
    if clock.now_micros() < WRITTEN {
        report.put(
            "clock",
            Health::Fail,
            "it is set to a time long ago",
            Some("set the machine's clock, or start NTP"),
        );
    } else {
        report.ok("clock", tenantry_policy::value::format_timestamp(clock.now_micros()).unwrap_or_default());
    }
    match OsEntropy.fill(&mut [0; 32]) {
        Ok(()) => report.ok("randomness", "the machine's generator answers"),
        Err(error) => report.put("randomness", Health::Fail, error.to_string(), Some("nothing may run without it")),
    }
}

/// The folder for what Tenantry itself keeps.
fn state(report: &mut Report, path: &Path) {
    let shown = path.display();
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            report.ok("state", format!("{shown} is not there yet; the first `serve` or `ask` makes it"));
        }
        Err(error) => report.put(
            "state",
            Health::Fail,
            format!("{shown}: {}", error.kind()),
            Some("let the program's user read and write it"),
        ),
        Ok(metadata) if !metadata.is_dir() => {
            report.put(
                "state",
                Health::Fail,
                format!("{shown} is not a folder"),
                Some("move it away, or give --state"),
            );
        }
        Ok(metadata) => {
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                let mode = metadata.permissions().mode() & 0o777;
                if mode & 0o077 != 0 {
                    let remedy = ["chmod 700 ", &shown.to_string()].concat();
                    let found = format!("{shown} can be read by other users (mode {mode:03o}); it holds keys");
                    report.put("state", Health::Fail, found, Some(&remedy));
                    return;
                }
            }
            if metadata.permissions().readonly() {
                report.put(
                    "state",
                    Health::Fail,
                    format!("{shown} cannot be written"),
                    Some("let the program's user write it"),
                );
            } else {
                report.ok("state", format!("{shown} is ours alone"));
            }
        }
    }
}

/// What Tenantry itself keeps. Looks only at one that is there: a doctor makes nothing.
async fn store(report: &mut Report, project: &Project<'_>) {
    let path = project.store_path();
    if !path.exists() {
        return report.ok("store", format!("{} is not there yet; the first `serve` or `ask` makes it", path.display()));
    }
    match project.open_store().await {
        Err(failure) => report.failure("store", &failure),
        Ok(store) => {
            report.ok("store", format!("{} opens; `tenantry audit verify` checks its chains", store.backend_name()));
        }
    }
}

/// Every source: address, connection, role, catalog; then the file against the catalogs, and stored values.
async fn sources(report: &mut Report, project: &Project<'_>, loaded: &Loaded, patience: Duration) {
    let mut catalogs = std::collections::BTreeMap::new();
    let mut open = Vec::new();
    for declared in loaded.sources() {
        let part = ["source ", &declared.name].concat();
        let url = match project.resolve(&declared.name, &declared.url) {
            Ok(url) => url,
            Err(failure) => {
                report.failure(part, &failure);
                continue;
            }
        };
        let look = async {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
            let options = Options { readers: Some(1), connections: 1, ..Options::default() };
            let source = Source::open(&declared.name, &url, options, clock).await?;
            source.health().await?;
            let catalog = source.catalog().await?;
            Ok::<(Source, Catalog), SourceError>((source, catalog))
        };
        match tokio::time::timeout(patience, look).await {
            Err(_) => report.put(
                part,
                Health::Fail,
                format!("no answer within {} s", patience.as_secs()),
                Some("check the address, the network and the database's own log"),
            ),
            Ok(Err(error)) => report.put(part, Health::Fail, error.to_string(), Some(error.hint())),
            Ok(Ok((source, catalog))) => {
                let kind = match catalog.dialect {
                    Dialect::Sqlite => "SQLite",
                    Dialect::Postgres => "PostgreSQL; the runtime role has no power that it must not have",
                };
                report.ok(&part, format!("{kind}; {} tables", catalog.tables.len()));
                catalogs.insert(declared.name.clone(), catalog);
                open.push(source);
            }
        }
    }
    if catalogs.len() < loaded.sources().len() {
        report.put("policy", Health::Warn, "not checked: a source does not answer", Some("mend the source first"));
        return;
    }
    match tenantry_file::compile(loaded, &catalogs) {
        Err(found) => {
            let errors = found.iter().filter(|diagnostic| diagnostic.is_error()).count();
            let remedy = Some("`tenantry check` shows each error with its place");
            report.put("policy", Health::Fail, format!("the file does not fit the databases: {errors} errors"), remedy);
        }
        Ok(compiled) => {
            let policy = compiled.policy;
            report.ok("policy", format!("{} ({} tables)", policy.short_version(), policy.tables.len()));
            if crate::canary::Wanted::of(loaded).is_some() {
                match crate::canary::overlooked(&policy) {
                    none if none.is_empty() => report.ok("canaries", "they look at every table".to_owned()),
                    some => report.put(
                        "canaries",
                        Health::Warn,
                        format!("no canary looks at {}", some.join("; ")),
                        Some("attack these from outside: `tenantry eval attack`"),
                    ),
                }
            }
            for source in open {
                fenced(report, &policy, &source).await;
                stored(report, &policy, &source).await;
            }
        }
    }
}

/// Does PostgreSQL's own fence stand around every governed table?
async fn fenced(report: &mut Report, policy: &Policy, source: &Source) {
    if source.dialect() != Dialect::Postgres {
        return;
    }
    let part = ["row security of ", source.name()].concat();
    let tables = policy.tables.iter().filter(|table| table.source.as_ref() == source.name());
    let tables: Vec<_> = tables.map(|table| (Arc::clone(&table.schema), Arc::clone(&table.db_name))).collect();
    match source.check_runtime(&tables).await {
        Ok(()) => report.ok(part, format!("enabled and forced on {} tables", tables.len())),
        Err(error) => {
            let remedy = ["tenantry apply --source ", source.name()].concat();
            report.put(part, Health::Fail, error.to_string(), Some(&remedy));
        }
    }
}

/// Do the values that SQLite stores fit their types?
async fn stored(report: &mut Report, policy: &Policy, source: &Source) {
    if source.dialect() != Dialect::Sqlite {
        return;
    }
    let part = ["values of ", source.name()].concat();
    let tables = policy.tables.iter().filter(|table| table.source.as_ref() == source.name());
    match source.verify_stored_types(tables.map(in_use).collect()).await {
        Err(error) => report.put(part, Health::Fail, error.to_string(), Some(error.hint())),
        Ok(misfits) if misfits.is_empty() => report.ok(part, "they fit their types"),
        Ok(misfits) => {
            for misfit in misfits {
                let remedy =
                    Some("mend the values, or leave the column out of the file; STRICT tables cannot hold such values");
                report.put(part.clone(), Health::Fail, misfit.to_string(), remedy);
            }
        }
    }
}

/// The columns of a table that the policy shows or that its rules read.
#[must_use]
pub fn in_use(table: &Table) -> InUse {
    let mut used = std::collections::BTreeSet::new();
    for rule in &table.rules {
        rule.when.columns(&mut |column| {
            if let tenantry_policy::condition::ColumnRef::Own(id) = column {
                used.insert(id.index());
            }
        });
    }
    let columns = table
        .columns
        .iter()
        .enumerate()
        .filter(|(at, column)| {
            column.field.visible() || used.contains(at) || table.key.iter().any(|key| key.index() == *at)
        })
        .filter_map(|(_, column)| Some((Arc::from(column.facts.name.as_str()), column.facts.ty?, column.facts.storage)))
        .collect();
    InUse { table: Arc::clone(&table.db_name), columns }
}
