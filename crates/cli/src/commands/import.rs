//! `tenantry import`: something that is there becomes the file's.

use clap::Args;
use serde_json::{Value, json};

use crate::commands::Run;
use crate::output::{Failure, Outcome};
use crate::plans::{Board, change_lines, failed};

/// What becomes the file's.
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// Its address in the file: role.reader, account.acme, source.main.role.app
    pub address: String,
    /// What it is called where it lives: rol_…, org_…, a database role's name
    pub id: String,
}

/// Runs the command. Changes nothing but what is noted as managed.
///
/// # Errors
/// `UNKNOWN_ADDRESS`, `ALREADY_MANAGED`, `NOT_FOUND`; what keeps the file, a source or the store from opening.
pub async fn run(run: Run<'_>, args: &ImportArgs) -> Result<Outcome, Failure> {
    let project = run.project()?;
    let loaded = project.load()?;
    let board = Board::open(&run, &project, loaded, Default::default()).await?;
    let steps = board.engine.import(&board.wish(), &args.address, &args.id).await.map_err(|error| failed(&error))?;
    let mut text = format!("`{}` is `{}` from now on.\n", args.address, args.id);
    let changes: Vec<Value> = steps
        .iter()
        .flat_map(|step| &step.changes)
        .map(|change| json!({ "field": change.field, "before": change.before, "after": change.after }))
        .collect();
    if changes.is_empty() {
        text.push_str("It is as the file says.");
    } else {
        text.push_str("The next apply changes:\n");
        for step in &steps {
            text.push_str(&change_lines(&step.changes));
        }
    }
    Ok(Outcome::new(json!({ "address": args.address, "id": args.id, "changes": changes }), text))
}
