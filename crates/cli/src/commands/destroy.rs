//! `tenantry destroy`: what the file manages goes.

use clap::Args;
use serde_json::json;
use tenantry_plan::Consent;

use crate::commands::{Run, apply, plan};
use crate::output::{Failure, Outcome};
use crate::plans::{Board, SelectArgs, failed, plan_text};

/// What to remove.
#[derive(Debug, Clone, Args)]
pub struct DestroyArgs {
    /// What of it is meant
    #[command(flatten)]
    pub select: SelectArgs,
    /// Agree to all of it
    #[arg(long)]
    pub yes: bool,
}

/// Runs the command. Only what the state names as managed goes; what is there beside it stays.
///
/// # Errors
/// `NOT_APPROVED` without consent; what keeps the file, a source or the store from opening.
pub async fn run(run: Run<'_>, args: &DestroyArgs) -> Result<Outcome, Failure> {
    let project = run.project()?;
    let loaded = project.load()?;
    let selection = args.select.selection(&loaded)?;
    let board = Board::open(&run, &project, loaded, selection).await?;
    if !args.yes {
        let planned = board.engine.plan_removal(&board.wish(), &board.selection).await;
        let plan = planned.map_err(|error| failed(&error))?.plan;
        if plan.is_empty() {
            return Ok(Outcome::new(json!({ "applied": 0, "plan": plan::data(&plan) }), "Nothing is managed here."));
        }
        run.output.say(&plan_text(&plan));
        return Err(Failure::dangerous("NOT_APPROVED", "nobody agreed to the removal; nothing was removed")
            .hint("agree to all of it with --yes")
            .detail("plan", plan::data(&plan)));
    }
    let consent = Consent { approved: Vec::new(), everything: true };
    let applied = apply::carry_out(&run, async |watch| {
        board.engine.destroy(&board.wish(), &board.selection, &consent, watch).await
    });
    Ok(apply::told(&applied.await?))
}
