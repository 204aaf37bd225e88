//! `tenantry pull`: what is there, written as a file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use tenantry_file::{Loaded, SourceText, Style};
use tenantry_plan::postgres::{Asked, Pulled};
use tenantry_policy::object::Object;

use crate::commands::Run;
use crate::desk::Desk;
use crate::output::{Failure, Outcome};
use crate::plans::failed;

/// What, and where to.
#[derive(Debug, Clone, Args)]
pub struct PullArgs {
    /// This source's PostgreSQL: its roles, rights, owners and row security; the store of identity otherwise
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Only database roles of this name, `*` standing for anything; those that have to do with the database otherwise
    #[arg(long, value_name = "NAME", requires = "source")]
    pub role: Vec<String>,
    /// Write it there, where no file may be yet; printed otherwise
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Runs the command: accounts, users, roles, APIs, clients of the store, or a database's roles and rights, in the file's
/// words. A plan of that file against the same store or database only adopts. `tenantry init --from` begins a file
/// with the tables of a database.
///
/// # Errors
/// `FILE_EXISTS`; `UNKNOWN_SOURCE`, `NOT_POSTGRESQL`, `UNKNOWN_DB_ROLE`; what keeps the file, the store or the database
/// from opening.
pub async fn run(run: Run<'_>, args: &PullArgs) -> Result<Outcome, Failure> {
    if let Some(source) = &args.source {
        let pulled = of_source(&run, source, &args.role).await?;
        let data = json!({ "text": pulled.text, "left_out": pulled.left_out, "roles": pulled.roles });
        let told = format!("{} database role{}", pulled.roles, if pulled.roles == 1 { "" } else { "s" });
        return answer(&run, args.out.as_deref(), data, pulled.text, &pulled.left_out, &told);
    }
    let desk = Desk::open(&run).await?;
    let pulled = tenantry_plan::identity::pull(&desk.identity, &desk.caller).await.map_err(|error| failed(&error))?;
    let ids: serde_json::Map<String, Value> =
        pulled.ids.iter().map(|(address, id)| (address.clone(), json!(id))).collect();
    let told = format!("{} things", ids.len());
    let data = json!({ "text": pulled.text, "left_out": pulled.left_out, "ids": ids });
    answer(&run, args.out.as_deref(), data, pulled.text, &pulled.left_out, &told)
}

/// A source's database in the file's words.
async fn of_source(run: &Run<'_>, name: &str, roles: &[String]) -> Result<Pulled, Failure> {
    let project = run.project()?;
    let loaded = project.load()?;
    let sources = loaded.sources();
    let Some(source) = sources.iter().find(|source| source.name == name) else {
        let known: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        return Err(Failure::invalid("UNKNOWN_SOURCE", format!("the file has no source `{name}`"))
            .hint(format!("sources: {}", known.join(", "))));
    };
    let url = project.resolve(name, source.admin_url.as_ref().unwrap_or(&source.url))?;
    if url.sqlite_path().is_some() {
        let what = format!("source `{name}` is SQLite, which has no roles, no rights and no row security");
        return Err(Failure::invalid("NOT_POSTGRESQL", what));
    }
    // Whoever pulls need not know the runtime role's address.
    let runtime = project.resolve(name, &source.url).ok();
    let runtime = runtime.as_ref().and_then(|url| url.login()).map(|(role, _)| role);
    let asked = Asked {
        source: name,
        urls: Some((source.url.as_str(), source.admin_url.as_ref().map(|url| url.as_str()))),
        governed: &governed(&loaded, name),
        runtime,
        roles,
    };
    run.output.note("Reading the database's roles and rights …");
    let mut pulled = tenantry_plan::postgres::pull(&url, &asked).await.map_err(|error| failed(&error))?;
    if let Some(unknown) = pulled.unknown.first() {
        return Err(Failure::invalid("UNKNOWN_DB_ROLE", format!("no database role is called `{unknown}`"))
            .hint("`*` stands for anything: --role 'app_*'"));
    }
    pulled.text = proven(&pulled.text, "pull")?;
    Ok(pulled)
}

/// The tables of a source that the file governs.
fn governed(loaded: &Loaded, source: &str) -> BTreeSet<Object> {
    let tables = loaded.document().table.values();
    tables
        .filter_map(|table| {
            let place = table.source.strip_prefix(source)?.strip_prefix('.')?;
            let (schema, name) = place.split_once('.').unwrap_or(("public", place));
            Some(Object::Table { schema: schema.to_owned(), name: name.to_owned() })
        })
        .collect()
}

/// What is written passes, laid out as `tenantry fmt` does it, or it is not written at all.
fn proven(text: &str, command: &str) -> Result<String, Failure> {
    let name = "pulled.toml";
    let ours = |found: &[tenantry_file::Diagnostic]| {
        Failure::failed("INTERNAL_ERROR", format!("the file does not pass `check`; this is a mistake of `{command}`"))
            .detail("diagnostics", crate::project::diagnostics(found))
            .rendered(tenantry_file::render(found, Style::Plain))
    };
    let text = tenantry_file::format(&SourceText::new(name, text)).map_err(|found| ours(&found))?;
    tenantry_file::load(vec![SourceText::new(name, text.clone())]).map_err(|found| ours(&found))?;
    Ok(text)
}

/// Prints the text, or writes it where no file is yet.
fn answer(
    run: &Run<'_>,
    out: Option<&Path>,
    data: Value,
    text: String,
    left_out: &[String],
    told: &str,
) -> Result<Outcome, Failure> {
    for left in left_out {
        run.output.note(&format!("left out: {left}"));
    }
    let Some(path) = out else { return Ok(Outcome::new(data, text)) };
    let mut file = std::fs::OpenOptions::new();
    file.write(true).create_new(true);
    let written =
        file.open(run.project()?.path(path)).and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::dangerous("FILE_EXISTS", format!("`{}` exists already", path.display()))
                .hint("name another one with --out")
        }
        kind => Failure::failed("WRITE_FILE", format!("cannot write {}: {kind}", path.display())),
    })?;
    Ok(Outcome::new(data, format!("Wrote {}: {told}.", path.display())))
}
