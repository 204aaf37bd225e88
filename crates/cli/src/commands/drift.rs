//! `tenantry drift`: what is no longer as it was applied.

use clap::Args;
use serde_json::{Value, json};
use tenantry_plan::{Drift, Drifted};

use crate::commands::Run;
use crate::exit::Exit;
use crate::output::{Failure, Outcome, Paint};
use crate::plans::{Board, SelectArgs, change_lines, failed, moment};

/// What to look at.
#[derive(Debug, Clone, Args)]
pub struct DriftArgs {
    /// What of it is meant
    #[command(flatten)]
    pub select: SelectArgs,
}

/// Runs the command. Ends with 2 when something drifted.
///
/// # Errors
/// What keeps the file, a source or the store from opening.
pub async fn run(run: Run<'_>, args: &DriftArgs) -> Result<Outcome, Failure> {
    let project = run.project()?;
    let loaded = project.load()?;
    let selection = args.select.selection(&loaded)?;
    let board = Board::open(&run, &project, loaded, selection).await?;
    let drift = board.engine.drift(&board.wish(), &board.selection).await.map_err(|error| failed(&error))?;
    let exit = if drift.things.is_empty() && drift.unlike.is_empty() { Exit::Done } else { Exit::No };
    Ok(Outcome::new(data(&drift), text(&drift)).exit(exit))
}

fn data(drift: &Drift) -> Value {
    let things: Vec<Value> = drift
        .things
        .iter()
        .map(|thing| {
            json!({
                "address": thing.address,
                "kind": thing.kind.name(),
                "target": thing.target.name(),
                "id": thing.id,
                "gone": thing.gone,
                "changes": thing.changes.iter().map(|change| json!({
                    "field": change.field, "applied": change.before, "now": change.after,
                })).collect::<Vec<_>>(),
                "applied_at": moment(thing.applied_micros),
                "act": thing.act.as_ref().map(|act| json!({
                    "name": act.name, "by": act.by, "at": moment(act.time_micros),
                })),
            })
        })
        .collect();
    let (targets, unlike) = (&drift.targets, &drift.unlike);
    json!({ "format": 1, "targets": targets, "drifted": things, "unlike": unlike, "findings": drift.findings })
}

fn text(drift: &Drift) -> String {
    let mut text = String::new();
    for thing in &drift.things {
        text.push_str(&one(thing));
    }
    for unlike in &drift.unlike {
        text.push_str(&format!("{}\n", Paint::WARN.on(&format!("~ row security {}", unlike.address))));
        for line in unlike.what.lines() {
            text.push_str(&format!("      {line}\n"));
        }
    }
    for finding in &drift.findings {
        text.push_str(&format!("{} {}: {}\n", Paint::WARN.on("look:"), finding.code, finding.what));
    }
    if drift.targets.is_empty() {
        text.push_str("Nothing was applied yet.");
    } else if drift.things.is_empty() && drift.unlike.is_empty() {
        text.push_str(&Paint::GOOD.on(&format!("No drift: {} as applied.", drift.targets.join(", "))));
    } else {
        let count = drift.things.len().saturating_add(drift.unlike.len());
        text.push_str(&format!("{count} drifted. `tenantry plan` shows what applying would mend."));
    }
    text
}

fn one(thing: &Drifted) -> String {
    let sign = if thing.gone { "-" } else { "~" };
    let mut text = format!("{}\n", Paint::WARN.on(&format!("{sign} {} {}", thing.kind.name(), thing.address)));
    if thing.gone {
        text.push_str("      is gone\n");
    }
    text.push_str(&change_lines(&thing.changes));
    let told = match &thing.act {
        Some(act) => format!(
            "{} by {} at {}",
            act.name,
            act.by.as_deref().unwrap_or("somebody"),
            moment(act.time_micros).unwrap_or_default()
        ),
        None => format!("some time after {}", moment(thing.applied_micros).unwrap_or_default()),
    };
    text.push_str(&format!("      {}\n", Paint::FAINT.on(&told)));
    text
}
