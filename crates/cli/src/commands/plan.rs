//! `tenantry plan`: what applying the file would do, and what it means for access. Changes nothing.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use tenantry_plan::{Plan, Saved};

use crate::commands::Run;
use crate::exit::Exit;
use crate::output::{Failure, Outcome};
use crate::plans::{Board, SelectArgs, failed, plan_text};

/// What to plan.
#[derive(Debug, Clone, Args)]
pub struct PlanArgs {
    /// What of the file is meant
    #[command(flatten)]
    pub select: SelectArgs,
    /// Keep the plan in a file for `tenantry apply FILE`, which refuses it when anything moved since
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// End with 2 when there is something to do
    #[arg(long)]
    pub exit_code: bool,
}

/// Runs the command.
///
/// # Errors
/// What keeps the file, a source or the store from opening; what the file wants and cannot be.
pub async fn run(run: Run<'_>, args: &PlanArgs) -> Result<Outcome, Failure> {
    let project = run.project()?;
    let loaded = project.load()?;
    let selection = args.select.selection(&loaded)?;
    let board = Board::open(&run, &project, loaded, selection).await?;
    let planned = board.engine.plan(&board.wish(), &board.selection).await.map_err(|error| failed(&error))?;
    if let Some(path) = &args.out {
        let written = std::fs::write(project.path(path), Saved::write(&planned.plan, &board.selection));
        written.map_err(|error| {
            Failure::failed("WRITE_FILE", format!("cannot write {}: {}", path.display(), error.kind()))
        })?;
        run.output.note(&format!("The plan is in {0}; `tenantry apply {0}` does it.", path.display()));
    }
    let changes = !planned.plan.is_empty();
    let exit = if changes && args.exit_code { Exit::No } else { Exit::Done };
    Ok(Outcome::new(data(&planned.plan), plan_text(&planned.plan)).exit(exit))
}

/// A plan for programs.
#[must_use]
pub fn data(plan: &Plan) -> Value {
    let mut value = plan.to_json();
    if let Some(value) = value.as_object_mut() {
        value.insert("changes".to_owned(), json!(!plan.is_empty()));
    }
    value
}
