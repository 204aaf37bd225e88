//! `tenantry prove --database URL`: row security that nobody needs to have written with Tenantry.

use clap::Args;
use serde_json::{Value as Json, json};
use tenantry_plan::found::{FoundError, judge_database};
use tenantry_policy::database::Database;
use tenantry_proof::{Finding, Judged, Leak, Replay, Said, Verdict, text};

use super::{ProveArgs, html};
use crate::commands::Run;
use crate::exit::Exit;
use crate::output::{Failure, Outcome, Paint};
use crate::project::{parse_url, unavailable};

/// What to say of a database that no file governs.
#[derive(Debug, Clone, Args)]
pub(super) struct FoundArgs {
    /// Judge the row security of this PostgreSQL database instead of the file: an address, or env:NAME
    #[arg(long, value_name = "URL")]
    pub(super) database: Option<String>,
    /// Whose rows are: the column that holds the tenant, and the setting (or `current_user`, or an expression) that names it
    #[arg(long, value_name = "[TABLE.]COLUMN=SETTING", requires = "database")]
    tenant: Vec<String>,
    /// Rows that everybody may read: a table, or a table and a condition
    #[arg(long, value_name = "TABLE[=CONDITION]", requires = "database")]
    shared: Vec<String>,
    /// A condition on the session under which it may do anything
    #[arg(long, value_name = "CONDITION", requires = "database")]
    bypass: Vec<String>,
    /// A role that may do anything, or a function, as schema.name(), that you have read
    #[arg(long, value_name = "ROLE", requires = "database")]
    trust: Vec<String>,
    /// Do not try on the database itself, in a transaction that is rolled back, what its row security lets through
    #[arg(long)]
    pub(super) no_replay: bool,
}

/// Runs the command. Reads the catalog; puts rows into the database only to try a leak, and rolls back.
///
/// # Errors
/// What keeps the database from being read; `NOT_UNDERSTOOD` for what was given beside it; `WRITE_FILE`.
pub(super) async fn run(run: Run<'_>, args: &ProveArgs, address: &str) -> Result<Outcome, Failure> {
    let address = if address.starts_with("env:") {
        run.environment.secret(address).map_err(|error| Failure::invalid("SECRET_MISSING", error.to_string()))?
    } else {
        address.to_owned()
    };
    let url = parse_url(run.environment, "--database", &address)?;
    let found = &args.found;
    let said = Said {
        tenants: found.tenant.clone(),
        shared: found.shared.clone(),
        bypasses: found.bypass.clone(),
        trusted: found.trust.clone(),
        table: args.table.clone(),
    };
    let (database, judged) = judge_database(&url, &said, !found.no_replay).await.map_err(|error| match error {
        FoundError::Source(error) => unavailable("--database", &error),
        FoundError::Said(why) => Failure::invalid("NOT_UNDERSTOOD", why),
    })?;
    if let Some(path) = &args.html {
        std::fs::write(path, page(&database, &judged)).map_err(|error| {
            Failure::failed("WRITE_FILE", format!("cannot write {}: {}", path.display(), error.kind()))
        })?;
        run.output.note(&format!("The report is in {}.", path.display()));
    }
    let broken = judged.leaks().count() + judged.open().count();
    let exit = if broken == 0 { Exit::Done } else { Exit::No };
    Ok(Outcome::new(data(&database, &judged), told(&database, &judged)).exit(exit))
}

fn data(database: &Database, judged: &Judged) -> Json {
    let count = |word: &str| judged.findings.iter().filter(|one| one.verdict.word() == word).count();
    json!({
        "format": 1,
        "database": database.name,
        "proved": count("proved"),
        "leaks": count("leaks"),
        "warns": count("warns"),
        "not_understood": count("not-understood"),
        "findings": judged.findings.iter().map(finding).collect::<Vec<_>>(),
        "assumptions": judged.assumptions,
    })
}

fn finding(one: &Finding) -> Json {
    let mut value = json!({
        "relation": one.relation,
        "number": one.promise.number(),
        "name": one.promise.name(),
        "says": one.promise.says(),
        "roles": one.roles,
        "outcome": one.verdict.word(),
    });
    if let Some(value) = value.as_object_mut() {
        if let Some(op) = one.op {
            value.insert("operation".to_owned(), json!(op.name()));
        }
        match &one.verdict {
            Verdict::Proved => {}
            Verdict::Warns(why) | Verdict::NotUnderstood(why) => {
                value.insert("why".to_owned(), json!(why));
            }
            Verdict::Leaks(leak) => {
                value.insert("witness".to_owned(), witness(leak));
                value.insert("fix".to_owned(), json!(leak.fix));
            }
        }
    }
    value
}

fn witness(leak: &Leak) -> Json {
    let (replayed, why) = match &leak.replay {
        Replay::Database => ("database", None),
        Replay::Evaluator(why) => ("evaluator", Some(why)),
    };
    json!({
        "role": leak.role,
        "login": leak.login,
        "settings": leak.settings.iter().map(|(name, value)| (name.clone(), json!(value))).collect::<serde_json::Map<_, _>>(),
        "rows": leak.rows.iter().map(|row| json!({
            "role": row.role,
            "table": row.table,
            "schema": row.schema,
            "stored": row.stored,
            "columns": row.cells.iter()
                .map(|(name, value)| (name.clone(), value.as_ref().map_or(Json::Null, |value| json!(text(value)))))
                .collect::<serde_json::Map<_, _>>(),
        })).collect::<Vec<_>>(),
        "by": leak.by,
        "replayed": replayed,
        "not_on_database": why,
    })
}

/// `1 read-own (read) for app, web`
fn head(one: &Finding) -> String {
    let mut text = format!("{} {}", one.promise.number(), one.promise.name());
    if let Some(op) = one.op {
        text.push_str(&format!(" ({})", op.name()));
    }
    const MOST: usize = 4;
    let some: Vec<&str> = one.roles.iter().map(String::as_str).take(MOST).collect();
    if !some.is_empty() {
        text.push_str(&format!(" for {}", some.join(", ")));
    }
    if one.roles.len() > MOST {
        text.push_str(&format!(" and {} more", one.roles.len() - MOST));
    }
    text
}

fn lines(leak: &Leak, indent: &str) -> String {
    let mut out = String::new();
    let settings: Vec<String> = leak.settings.iter().map(|(name, value)| format!("{name} = '{value}'")).collect();
    let settings = if settings.is_empty() { "no setting set".to_owned() } else { settings.join(", ") };
    let login = leak.login.as_ref().map(|login| format!(" as which `{login}` acts")).unwrap_or_default();
    out.push_str(&format!("{indent}principal: role {}{login}, {settings}\n", leak.role));
    for row in &leak.rows {
        let cells: Vec<String> = row
            .cells
            .iter()
            .map(|(name, value)| {
                format!("{name} = {}", value.as_ref().map_or("NULL".to_owned(), |value| format!("'{}'", text(value))))
            })
            .collect();
        let cells = if cells.is_empty() { "whatever it is".to_owned() } else { cells.join(", ") };
        out.push_str(&format!("{indent}{} of {}: {cells}\n", row.role, row.table));
    }
    for by in &leak.by {
        out.push_str(&format!("{indent}by {by}\n"));
    }
    let replayed = match &leak.replay {
        Replay::Database => "seen on the database, in a transaction that was rolled back".to_owned(),
        Replay::Evaluator(why) => format!("checked by the evaluator, not on the database: {why}"),
    };
    out.push_str(&format!("{indent}{replayed}\n"));
    out
}

fn told(database: &Database, judged: &Judged) -> String {
    let mut out = String::new();
    let mut relation = "";
    for one in &judged.findings {
        if relation != one.relation {
            relation = &one.relation;
            let all = judged.findings.iter().filter(|other| other.relation == relation);
            let good = all.clone().filter(|one| one.verdict == Verdict::Proved).count();
            let warns = all.clone().filter(|one| matches!(one.verdict, Verdict::Warns(_))).count();
            out.push_str(&format!("{}  {good} of {} hold\n", Paint::STRONG.on(relation), all.count() - warns));
        }
        match &one.verdict {
            Verdict::Proved => {}
            Verdict::Leaks(leak) => {
                out.push_str(&format!("  {} {}\n", Paint::BAD.on("LEAK"), head(one)));
                out.push_str(&lines(leak, "    "));
                out.push_str(&format!("    {} {}\n", Paint::STRONG.on("fix:"), leak.fix));
            }
            Verdict::Warns(why) => out.push_str(&format!("  {} {}: {why}\n", Paint::WARN.on("note"), head(one))),
            Verdict::NotUnderstood(why) => {
                out.push_str(&format!("  {} {}: {why}\n", Paint::BAD.on("NOT UNDERSTOOD"), head(one)));
            }
        }
    }
    for one in &judged.assumptions {
        out.push_str(&format!("{} {one}\n", Paint::FAINT.on("assumed:")));
    }
    let (leaks, open, count) = (judged.leaks().count(), judged.open().count(), judged.findings.len());
    out.push_str(&if leaks + open == 0 {
        Paint::GOOD.on(&format!("Database {}: {count} questions, no leak.", database.name))
    } else {
        Paint::BAD.on(&format!("Database {}: {count} questions, {leaks} leaks, {open} not understood.", database.name))
    });
    out
}

/// The report as one page.
fn page(database: &Database, judged: &Judged) -> String {
    use html::escaped;
    let mut page = html::HEAD.to_owned();
    let count = |word: &str| judged.findings.iter().filter(|one| one.verdict.word() == word).count();
    let verdict = if judged.leaks().count() + judged.open().count() == 0 {
        "No role reaches another tenant's rows."
    } else {
        "Some role reaches another tenant's rows, or something in the way was not understood."
    };
    page.push_str(&format!(
        "<h1>Isolation report</h1>\n<p>Database {}. <strong>{verdict}</strong></p>\n\
         <p>{} proved, {} leaks, {} notes, {} not understood.</p>\n",
        escaped(&database.name),
        count("proved"),
        count("leaks"),
        count("warns"),
        count("not-understood"),
    ));
    let mut relation = "";
    for one in &judged.findings {
        if relation != one.relation {
            if !relation.is_empty() {
                page.push_str("</table>\n");
            }
            relation = &one.relation;
            page.push_str(&format!(
                "<h2>{}</h2>\n<table>\n<tr><th scope=\"col\">Question</th><th scope=\"col\">Says</th><th scope=\"col\">Answer</th></tr>\n",
                escaped(relation)
            ));
        }
        let word = one.verdict.word();
        let more = match &one.verdict {
            Verdict::Proved => String::new(),
            Verdict::Leaks(leak) => format!("{}fix: {}", lines(leak, ""), leak.fix),
            Verdict::Warns(why) | Verdict::NotUnderstood(why) => why.clone(),
        };
        page.push_str(&format!(
            "<tr><td>{}</td><td>{}</td><td><span class=\"{word}\">{}</span><pre>{}</pre></td></tr>\n",
            escaped(&head(one)),
            escaped(one.promise.says()),
            word.replace('-', " "),
            escaped(&more)
        ));
    }
    if !relation.is_empty() {
        page.push_str("</table>\n");
    }
    page.push_str("<h2>Assumptions</h2>\n<ul>\n");
    for one in &judged.assumptions {
        page.push_str(&format!("<li>{}</li>\n", escaped(one)));
    }
    page.push_str(
        "</ul>\n<h2>Outside the model</h2>\n<p>Superusers, access to the machine, timing, and what programs do with rows that \
         they were given.</p>\n</html>\n",
    );
    page
}
