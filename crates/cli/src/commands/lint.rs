//! `tenantry lint`: what in a PostgreSQL cluster lets somebody past the rules.

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;
use tenantry_file::Loaded;
use tenantry_plan::lint::{Level, Lint, lint};
use tenantry_policy::Clock as _;
use tenantry_source::admin::Admin;
use tenantry_source::cluster::Snapshot;

use crate::ambient::SystemClock;
use crate::commands::Run;
use crate::exit::Exit;
use crate::output::{Failure, Outcome, Paint};
use crate::project::{Project, unavailable};

/// Where to look.
#[derive(Debug, Clone, Args)]
pub struct LintArgs {
    /// Only this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
}

/// A source that was looked into.
pub(crate) struct Looked {
    /// Its name in the file.
    pub(crate) source: String,
    /// What its catalogs say.
    pub(crate) snapshot: Snapshot,
    /// The role that the server connects as.
    pub(crate) runtime: String,
}

/// Reads the catalogs of the PostgreSQL sources that the file gives an owner's address of, or of one of them.
///
/// # Errors
/// `UNKNOWN_SOURCE`, `NO_ADMIN_URL`, or what keeps one from being read.
pub(crate) async fn look(project: &Project<'_>, loaded: &Loaded, source: Option<&str>) -> Result<Vec<Looked>, Failure> {
    let sources = loaded.sources();
    if let Some(name) = source
        && !sources.iter().any(|declared| declared.name == name)
    {
        let known: Vec<&str> = sources.iter().map(|declared| declared.name.as_str()).collect();
        return Err(Failure::invalid("UNKNOWN_SOURCE", format!("the file has no source `{name}`"))
            .hint(format!("sources: {}", known.join(", "))));
    }
    let mut looked = Vec::new();
    for declared in sources {
        if source.is_some_and(|name| name != declared.name) {
            continue;
        }
        let runtime = project.resolve(&declared.name, &declared.url)?;
        let Some((role, _)) = runtime.login() else { continue };
        let Some(owner) = &declared.admin_url else { continue };
        let owner = project.resolve(&declared.name, owner)?;
        let failed = |error| unavailable(&declared.name, &error);
        let snapshot = Admin::connect(&owner).await.map_err(failed)?.snapshot().await.map_err(failed)?;
        looked.push(Looked { runtime: role.to_owned(), source: declared.name, snapshot });
    }
    if looked.is_empty() {
        return Err(Failure::invalid("NO_ADMIN_URL", "the file names no PostgreSQL source with an `admin_url`")
            .hint("set admin_url = \"env:NAME\" to the owner's address: catalogs are read by it"));
    }
    Ok(looked)
}

/// Runs the command.
///
/// # Errors
/// What keeps the file or a source from opening.
pub async fn run(run: Run<'_>, args: &LintArgs) -> Result<Outcome, Failure> {
    let project = run.project()?;
    let loaded = project.load()?;
    let (compiled, _) = project.compile(&loaded).await?;
    let now = SystemClock::new().now_micros();
    let mut all = Vec::new();
    for looked in look(&project, &loaded, args.source.as_deref()).await? {
        all.extend(lint(&looked.snapshot, &loaded, &compiled.policy, &looked.source, &looked.runtime, now));
    }
    let refused = all.iter().filter(|one| one.refuses()).count();
    let exit = if refused == 0 { Exit::Done } else { Exit::No };
    Ok(Outcome::new(json!({ "format": 1, "refused": refused, "findings": all }), text(&all, refused)).exit(exit))
}

fn text(all: &[Lint], refused: usize) -> String {
    let mut text = String::new();
    for one in all {
        let word = match (one.level, &one.waived) {
            (_, Some(_)) => Paint::FAINT.on("waived"),
            (Level::Refused, None) => Paint::BAD.on("refused"),
            (Level::Warned, None) => Paint::WARN.on("warned"),
            (Level::Noted, None) => Paint::FAINT.on("noted"),
        };
        let place = one.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
        let _ = writeln!(text, "{word} {} {}{place}\n  {}", one.code, Paint::STRONG.on(&one.address), one.what);
        match &one.waived {
            Some(reason) => drop(writeln!(text, "  waived: {reason}")),
            None if one.level == Level::Noted => {}
            None => drop(writeln!(text, "  fix: {}", one.fix)),
        }
    }
    let summary = match (refused, all.len()) {
        (0, 0) => Paint::GOOD.on("Nothing lets anybody past the rules."),
        (0, more) => Paint::GOOD.on(&format!("Nothing to refuse; {more} to look at.")),
        (refused, _) => Paint::BAD.on(&format!("{refused} to mend, or to waive in the file by address and code.")),
    };
    text.push_str(&summary);
    text
}
