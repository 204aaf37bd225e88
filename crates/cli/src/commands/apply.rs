//! `tenantry apply`: the row security of a PostgreSQL source becomes what the file says.

use clap::Args;
use serde_json::json;
use tenantry_plan::{Fence, FenceError};

use crate::commands::Run;
use crate::output::{Failure, Outcome};

/// To which source.
#[derive(Debug, Clone, Args)]
pub struct ApplyArgs {
    /// The source, as the file names it
    #[arg(long, value_name = "NAME")]
    pub source: String,
    /// Only print the statements
    #[arg(long)]
    pub dry_run: bool,
}

/// Runs the command.
///
/// # Errors
/// What keeps the file or the source from opening, or the statement that the database refuses.
pub async fn run(run: Run<'_>, args: &ApplyArgs) -> Result<Outcome, Failure> {
    let project = run.project()?;
    let loaded = project.load()?;
    let sources = loaded.sources();
    let declared = sources.iter().find(|source| source.name == args.source).ok_or_else(|| {
        let known: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        Failure::invalid("UNKNOWN_SOURCE", format!("the file has no source `{}`", args.source))
            .hint(format!("sources: {}", known.join(", ")))
    })?;
    let runtime_url = project.resolve(&declared.name, &declared.url)?;
    let (compiled, _) = project.compile(&loaded).await?;
    let fence = Fence::build(&compiled.policy, &args.source, &runtime_url).map_err(failure)?;
    let statements: Vec<_> =
        fence.statements().iter().map(|ddl| json!({ "purpose": ddl.purpose.to_string(), "sql": ddl.sql })).collect();
    if args.dry_run {
        let text: String = fence
            .statements()
            .iter()
            .map(|ddl| format!("-- {}\n{};\n", ddl.purpose, ddl.sql.trim_end_matches(';')))
            .collect();
        return Ok(Outcome::new(json!({ "role": fence.role(), "statements": statements }), text));
    }
    let owner = declared.admin_url.as_ref().ok_or_else(|| {
        Failure::invalid("NO_ADMIN_URL", format!("source `{}` has no `admin_url` to apply with", args.source))
            .hint("set admin_url = \"env:NAME\" to the owner's address; the runtime role must not own tables")
    })?;
    let owner = project.resolve(&declared.name, owner)?;
    let applied = fence.apply(&owner, &runtime_url).await.map_err(failure)?;
    let made = if applied.made_role { format!("Made role {}. ", fence.role()) } else { String::new() };
    let text = format!(
        "{made}Applied {} statements to source `{}` in one transaction: row security is enabled and forced, role {} may \
         touch only what the file grants.",
        applied.statements,
        args.source,
        fence.role()
    );
    Ok(Outcome::new(
        json!({ "role": fence.role(), "made_role": applied.made_role, "applied": applied.statements, "statements": statements }),
        text,
    ))
}

fn failure(error: FenceError) -> Failure {
    let message = error.to_string();
    match error {
        FenceError::NothingGoverned(_) | FenceError::NotPostgres(_) | FenceError::NoRole(_) => {
            Failure::invalid("NOTHING_TO_APPLY", message)
        }
        FenceError::OneRole { .. } => Failure::dangerous("SAME_ROLE", message)
            .hint("let `url` connect as a role of its own; apply makes it when it is absent"),
        FenceError::Source(error) => Failure::failed("SOURCE_UNAVAILABLE", message).hint(error.hint()),
        FenceError::Statement { error, .. } | FenceError::Role(error) => {
            Failure::failed("NOT_APPLIED", message).hint(error.hint())
        }
        FenceError::Render(_) => Failure::failed("INTERNAL_ERROR", message),
    }
}
