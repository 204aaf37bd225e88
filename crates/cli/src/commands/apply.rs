//! `tenantry apply`: what the file says becomes so.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use serde_json::{Value, json};
use tenantry_file::Loaded;
use tenantry_plan::{Applied, Consent, Event, Fence, FenceError, Flow, PlanError, Saved};

use crate::commands::{Run, plan};
use crate::output::{Failure, Outcome, Progress};
use crate::plans::{Board, SelectArgs, failed, plan_text, secrets_text, steps_told};
use crate::project::Project;

/// What to apply.
#[derive(Debug, Clone, Args)]
pub struct ApplyArgs {
    /// A plan that `tenantry plan --out` kept; without it a new one is made and done
    #[arg(value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// What of the file is meant
    #[command(flatten)]
    pub select: SelectArgs,
    /// Agree to the dangers of the step with this address
    #[arg(long, value_name = "ADDRESS")]
    pub approve: Vec<String>,
    /// Only print the statements of row security; with `--source`
    #[arg(long, requires = "source", conflicts_with_all = ["plan", "approve"])]
    pub dry_run: bool,
}

/// Runs the command.
///
/// # Errors
/// What keeps the file, a source or the store from opening; a plan that moved; dangers that nobody agreed to; rules
/// that leak; the step that fails.
pub async fn run(run: Run<'_>, args: &ApplyArgs) -> Result<Outcome, Failure> {
    let project = run.project()?;
    let loaded = project.load()?;
    let mut selection = args.select.selection(&loaded)?;
    if args.dry_run {
        return statements(&project, &loaded, args.select.source.first().map_or("", String::as_str)).await;
    }
    let mut saved = None;
    if let Some(path) = &args.plan {
        let text = std::fs::read_to_string(project.path(path)).map_err(|error| {
            Failure::invalid("PLAN_UNREADABLE", format!("cannot read {}: {}", path.display(), error.kind()))
        })?;
        let read = Saved::read(&text).map_err(|error| failed(&error))?;
        if !selection.is_whole() {
            return Err(Failure::invalid("USAGE", "a kept plan says itself what it is about")
                .hint("leave out --source and --target"));
        }
        selection = read.selection.clone();
        saved = Some(read);
    }
    let board = Board::open(&run, &project, loaded, selection).await?;
    let consent = Consent { approved: args.approve.clone(), everything: false };
    let applied = carry_out(&run, async |watch| {
        board.engine.apply(&board.wish(), &board.selection, &consent, saved.as_ref(), watch).await
    });
    Ok(told(&applied.await?))
}

/// Does an apply with a bar, and lets it end between two steps when the user asks to stop.
///
/// # Errors
/// Those of the apply.
pub async fn carry_out(
    run: &Run<'_>,
    work: impl AsyncFnOnce(&mut tenantry_plan::Watch<'_>) -> Result<Applied, PlanError>,
) -> Result<Applied, Failure> {
    let stop = AtomicBool::new(false);
    let mut bar: Option<Progress> = None;
    let mut watch = |event: Event<'_>| {
        match event {
            Event::Planned(plan) => {
                let total = u64::try_from(plan.steps.len()).unwrap_or(u64::MAX);
                bar = (!plan.is_empty()).then(|| run.output.progress(total, "applying"));
            }
            Event::Done { step, .. } => {
                if let Some(bar) = &bar {
                    bar.describe(step.target.name());
                    bar.advance(1);
                }
            }
        }
        if stop.load(Ordering::Relaxed) { Flow::Stop } else { Flow::On }
    };
    let done = {
        let working = work(&mut watch);
        let asked = async {
            run.stop.asked().await;
            stop.store(true, Ordering::Relaxed);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            done = working => done,
            () = asked => return Err(Failure::interrupted()),
        }
    };
    if let Some(bar) = bar {
        bar.finish();
    }
    done.map_err(|error| failed(&error))
}

/// What was done, for people and programs.
#[must_use]
pub fn told(applied: &Applied) -> Outcome {
    let plan = &applied.plan;
    let mut text = plan_text(plan);
    if !plan.is_empty() {
        text.push_str(&format!("\nDone: {}.", steps_told(&plan.steps)));
    }
    text.push_str(&secrets_text(&applied.shown));
    let secrets: Vec<Value> = applied
        .shown
        .iter()
        .map(|secret| json!({ "address": secret.address, "field": secret.field, "value": secret.value.as_str() }))
        .collect();
    Outcome::new(json!({ "applied": plan.steps.len(), "plan": plan::data(plan), "secrets": secrets }), text)
}

/// The statements of a source's row security, printed and not run.
async fn statements(project: &Project<'_>, loaded: &Loaded, source: &str) -> Result<Outcome, Failure> {
    let sources = loaded.sources();
    let Some(declared) = sources.iter().find(|declared| declared.name == source) else {
        return Err(Failure::invalid("UNKNOWN_SOURCE", format!("the file has no source `{source}`")));
    };
    let runtime = project.resolve(&declared.name, &declared.url)?;
    let (compiled, _) = project.compile(loaded).await?;
    let fence = Fence::build(&compiled.policy, source, &runtime).map_err(|error| unbuilt(&error))?;
    let data: Vec<Value> =
        fence.statements().iter().map(|ddl| json!({ "purpose": ddl.purpose.to_string(), "sql": ddl.sql })).collect();
    let text: String = fence
        .statements()
        .iter()
        .map(|ddl| format!("-- {}\n{};\n", ddl.purpose, ddl.sql.trim_end_matches(';')))
        .collect();
    Ok(Outcome::new(json!({ "role": fence.role(), "statements": data }), text))
}

fn unbuilt(error: &FenceError) -> Failure {
    let message = error.to_string();
    match error {
        FenceError::NothingGoverned(_) | FenceError::NotPostgres(_) | FenceError::NoRole(_) => {
            Failure::invalid("NOTHING_TO_APPLY", message)
        }
        _ => Failure::failed("INTERNAL_ERROR", message),
    }
}
