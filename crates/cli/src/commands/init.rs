//! `tenantry init --from URL`: a first file from a database.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use tenantry_file::{SourceText, Style};
use tenantry_plan::postgres::Asked;
use tenantry_policy::catalog::Dialect;

use crate::commands::Run;
use crate::init::{Draft, NoTenancy, Wishes, draft, governed};
use crate::output::{Failure, Outcome, Paint};
use crate::plans::failed;
use crate::project::{DEFAULT_FILE, parse_url, unavailable};

/// From what to where.
#[derive(Debug, Clone, Args)]
pub struct InitArgs {
    /// The database: sqlite:PATH, postgres://…, or where its address is found: env:NAME, file:PATH
    #[arg(long, value_name = "URL")]
    from: String,
    /// The table that has a row per tenant, when it is not found by itself
    #[arg(long, value_name = "TABLE")]
    tenant: Option<String>,
    /// Where to write; `-` is standard output
    #[arg(long, short, value_name = "PATH", default_value = DEFAULT_FILE)]
    out: PathBuf,
    /// Write over a file that is there already
    #[arg(long)]
    force: bool,
}

/// The variable that a file written from a PostgreSQL address names: an address may hold a password.
const URL_VARIABLE: &str = "DATABASE_URL";

/// Runs the command.
///
/// # Errors
/// `SOURCE_UNAVAILABLE`, `NO_TENANT`, `UNKNOWN_TABLE`, `FILE_EXISTS`.
pub async fn run(run: Run<'_>, args: &InitArgs) -> Result<Outcome, Failure> {
    let target = run.environment.path(&args.out);
    let to_stdout = args.out.as_os_str() == "-";
    if !to_stdout && !args.force && target.exists() {
        return Err(Failure::dangerous("FILE_EXISTS", format!("`{}` is there already", args.out.display()))
            .hint("--out PATH writes another file, --force writes over this one"));
    }
    let is_reference = args.from.starts_with("env:") || args.from.starts_with("file:");
    let address = if is_reference {
        run.environment.secret(&args.from).map_err(|error| Failure::invalid("SECRET_MISSING", error.to_string()))?
    } else {
        args.from.clone()
    };
    let url = parse_url(run.environment, "main", &address)?;
    run.output.note("Reading the database's description of its tables …");
    let catalog = tenantry_source::read_catalog(&url).await.map_err(|error| unavailable("main", &error))?;
    let written_url = match (is_reference, catalog.dialect) {
        (true, _) | (false, Dialect::Sqlite) => args.from.clone(),
        (false, Dialect::Postgres) => ["env:", URL_VARIABLE].concat(),
    };
    let (rights, holders) = match catalog.dialect {
        Dialect::Sqlite => Default::default(),
        Dialect::Postgres => {
            let governed = governed(&catalog, args.tenant.as_deref()).map_err(|error| no_tenancy(&error))?;
            // Of an address that only leads to the database, nobody knows who will run the data tools.
            let runtime = url.login().map(|(role, _)| role).filter(|_| is_reference);
            run.output.note("Reading its roles and rights …");
            let asked = Asked { source: "main", urls: None, governed: &governed, runtime, roles: &[] };
            let pulled = tenantry_plan::postgres::pull(&url, &asked).await.map_err(|error| failed(&error))?;
            (pulled.text, pulled.on_governed.into_iter().collect())
        }
    };
    let wishes = Wishes { tenant: args.tenant.clone(), url: written_url.clone(), rights, holders };
    let mut draft = draft(&catalog, &wishes).map_err(|error| no_tenancy(&error))?;
    let name = args.out.display().to_string();
    if let Ok(text) = tenantry_file::format(&SourceText::new(name, draft.text.clone())) {
        draft.text = text;
    }
    prove(&draft, catalog, &args.out)?;
    if !to_stdout {
        write(&target, &draft.text, args.force).map_err(|error| {
            Failure::failed("NOT_WRITTEN", format!("`{}` cannot be written: {}", args.out.display(), error.kind()))
        })?;
    }
    let data = json!({
        "path": (!to_stdout).then(|| args.out.display().to_string()),
        "models": draft.models,
        "left_out": draft.left_out,
        "decisions": draft.decisions,
        "text": draft.text,
    });
    if to_stdout {
        run.output.note(&decisions(&draft));
        return Ok(Outcome::new(data, draft.text));
    }
    let mut text = format!(
        "Wrote {}: {} governed, {} left out.\n",
        Paint::STRONG.on(&args.out.display().to_string()),
        tables(draft.models.len()),
        tables(draft.left_out.len())
    );
    text.push_str(&decisions(&draft));
    let check = match args.out.to_str() {
        Some(DEFAULT_FILE) => "tenantry check".to_owned(),
        _ => format!("tenantry check --file {}", args.out.display()),
    };
    let next = if !is_reference && written_url.starts_with("env:") {
        format!("Set {URL_VARIABLE} to the address of the runtime role, then run `{check}`.")
    } else {
        format!("Then run `{check}`.")
    };
    text.push_str(&["\n", &next, "\n"].concat());
    Ok(Outcome::new(data, text))
}

fn tables(count: usize) -> String {
    format!("{count} table{}", if count == 1 { "" } else { "s" })
}

fn decisions(draft: &Draft) -> String {
    if draft.decisions.is_empty() {
        return "Nothing is left for you to decide.\n".to_owned();
    }
    let mut text = String::from("\nFor you to decide (marked DECIDE in the file):\n");
    for (at, decision) in draft.decisions.iter().enumerate() {
        text.push_str(&format!(
            "{:>3}. {}\n     {}\n",
            at + 1,
            decision.question,
            Paint::FAINT.on(&["Until then: ", &decision.meanwhile, "."].concat())
        ));
    }
    text
}

/// What `init` writes passes `check`, or is not written at all.
fn prove(draft: &Draft, catalog: tenantry_policy::catalog::Catalog, path: &Path) -> Result<(), Failure> {
    let ours = |found: &[tenantry_file::Diagnostic]| {
        Failure::failed("INTERNAL_ERROR", "the draft does not pass `check`; this is a mistake of `init`")
            .detail("diagnostics", crate::project::diagnostics(found))
            .rendered(tenantry_file::render(found, Style::Plain))
    };
    let text = SourceText::new(path.display().to_string(), draft.text.clone());
    let loaded = tenantry_file::load(vec![text]).map_err(|found| ours(&found))?;
    let catalogs = BTreeMap::from([("main".to_owned(), catalog)]);
    tenantry_file::compile(&loaded, &catalogs).map(|_| ()).map_err(|found| ours(&found))
}

fn write(target: &Path, text: &str, over: bool) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    // Without --force the file must be ours: nobody else's is written over, however late it came.
    if over {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let mut file = options.open(target)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn no_tenancy(error: &NoTenancy) -> Failure {
    match error {
        NoTenancy::NotFound { candidates } => {
            let failure = Failure::invalid("NO_TENANT", error.to_string())
                .hint("--tenant TABLE names the table that has a row per tenant")
                .detail("candidates", candidates.clone());
            match candidates.as_slice() {
                [] => failure,
                some => failure.hint(format!("others point most at: {}", some.join(", "))),
            }
        }
        NoTenancy::NoSuchTable { tables, .. } => Failure::invalid("UNKNOWN_TABLE", error.to_string())
            .hint(format!("there are: {}", tables.join(", ")))
            .detail("tables", tables.clone()),
        NoTenancy::UnfitTable { .. } => Failure::invalid("UNFIT_TABLE", error.to_string()),
    }
}
