//! `tenantry eval run SUITE`: plays a suite and reports what did not hold.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use tenantry_eval::suite::{Played, Players, play};
use tenantry_eval::{AtGuard, OverWire};
use tenantry_file::{SourceText, Suite, load_suite};

use crate::commands::Run;
use crate::commands::eval::people::{Backing, gather};
use crate::exit::Exit;
use crate::http::{Server, unanswered};
use crate::output::{Failure, Outcome, Paint};
use crate::project::invalid_file;

/// Which suite, and where.
#[derive(Debug, Clone, Args)]
pub struct SuiteArgs {
    /// The suite
    #[arg(value_name = "SUITE")]
    pub suite: PathBuf,
    /// A running server to call; without it the calls are made in this process, as `ask` makes them
    #[arg(long, value_name = "URL")]
    pub target: Option<String>,
}

/// The longest suite.
const LONGEST: u64 = 16 * 1024 * 1024;

/// Runs the command.
///
/// # Errors
/// `FILE_INVALID` with every finding in the suite; what keeps the file, a source, the store or the server
/// from answering.
pub(super) async fn run(run: Run<'_>, args: &SuiteArgs) -> Result<Outcome, Failure> {
    let suite = read(&run, args)?;
    let (played, place) = match &args.target {
        None => {
            let project = run.project()?;
            let backing = Backing::here(&project).await?;
            let people = gather(&run, &backing, &suite.document.principal).await?;
            let players = Players {
                policy: backing.policy.clone(),
                bound: people.bound.clone(),
                clock: backing.ambient.clock.as_ref(),
            };
            let guard = backing.guard().ok_or_else(|| Failure::failed("NOT_READY", "the guard is not open"))?;
            let door = AtGuard::new(guard, people.bound);
            (play(&suite, &door, &players).await, "in this process".to_owned())
        }
        Some(target) => {
            let project = run.project().ok();
            let server = Server::at(target, project.as_ref())?;
            let backing = Backing::beside(&run, project.as_ref()).await;
            let people = gather(&run, &backing, &suite.document.principal).await?;
            let players = Players {
                policy: backing.policy.clone(),
                bound: people.bound.clone(),
                clock: backing.ambient.clock.as_ref(),
            };
            let door = OverWire::new(&server, people.tokens);
            (play(&suite, &door, &players).await, target.clone())
        }
    };
    let played = played.map_err(|error| unanswered(&error))?;
    Ok(report(&suite, &played, &place))
}

fn read(run: &Run<'_>, args: &SuiteArgs) -> Result<Suite, Failure> {
    let name = args.suite.display().to_string();
    let unreadable = |why: String| Failure::invalid("NO_FILE", format!("`{name}` cannot be read: {why}"));
    let path = run.environment.path(&args.suite);
    let size = std::fs::metadata(&path).map_err(|error| unreadable(error.kind().to_string()))?.len();
    if size > LONGEST {
        return Err(unreadable("it is longer than 16 MiB".to_owned()));
    }
    let text = std::fs::read_to_string(&path).map_err(|error| unreadable(error.kind().to_string()))?;
    load_suite(SourceText::new(name.clone(), text)).map_err(|found| invalid_file(&found, run.output))
}

fn report(suite: &Suite, played: &Played, place: &str) -> Outcome {
    let mut text = String::new();
    let mut calls = Vec::new();
    for (one, call) in played.calls.iter().zip(&suite.document.call) {
        let line = suite.places.get(one.at).and_then(Option::as_ref).map(|place| place.line);
        let name = call.name.clone().unwrap_or_else(|| {
            let model = call.arguments.get("model").and_then(Value::as_str);
            format!("{}: {} {}", call.who, call.tool, model.unwrap_or_default())
        });
        if one.broken.is_empty() {
            text.push_str(&format!("{}  {name}\n", Paint::GOOD.on("ok    ")));
        } else {
            let at = line.map(|line| format!("  ({}:{line})", suite.name)).unwrap_or_default();
            text.push_str(&format!("{}  {name}{at}\n", Paint::BAD.on("BROKEN")));
            for broken in &one.broken {
                text.push_str(&format!("        {}: {}\n", broken.rule.name(), broken.what));
            }
        }
        calls.push(json!({
            "name": name,
            "as": call.who,
            "tool": call.tool,
            "line": line,
            "code": one.code.map(|code| code.name()),
            "held": one.broken.is_empty(),
            "broken": one
                .broken
                .iter()
                .map(|broken| json!({ "rule": broken.rule.name(), "what": broken.what }))
                .collect::<Vec<_>>(),
        }));
    }
    let broken = played.broken();
    let checked: Vec<String> = played.checked.iter().map(|(rule, count)| format!("{} {count}", rule.name())).collect();
    text.push_str(&format!("Checked {place}: {}.\n", checked.join(", ")));
    let count = played.calls.len();
    text.push_str(&match broken {
        0 => Paint::GOOD.on(&format!("All {count} calls held.")),
        broken => Paint::BAD.on(&format!("{broken} of {count} calls did not hold.")),
    });
    let data = json!({
        "suite": suite.name,
        "target": place,
        "calls": calls,
        "held": count - broken,
        "broken": broken,
        "checked": played.checked.iter().map(|(rule, count)| (rule.name(), *count)).collect::<std::collections::BTreeMap<_, _>>(),
        "unclear_rows": played.unclear,
    });
    Outcome::new(data, text).exit(if broken == 0 { Exit::Done } else { Exit::No })
}
