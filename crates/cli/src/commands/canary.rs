//! `tenantry canary`: which tables a canary's hit has frozen, and their release.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tenantry_identity::text::{hex, time};
use tenantry_policy::Entropy as _;
use tenantry_store::{Entry, Phase};

use crate::ambient::OsEntropy;
use crate::commands::Run;
use crate::exit::Exit;
use crate::output::{Failure, Outcome, Paint};
use crate::runtime::{self, Ambient, store_failure};

/// What to do. Without a command: list.
#[derive(Debug, Clone, Args)]
pub struct CanaryArgs {
    /// What to do
    #[command(subcommand)]
    pub command: Option<CanaryCommand>,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum CanaryCommand {
    /// List the tables that are frozen, and why (exit 2 when there is one)
    List,
    /// Let calls on a table pass again, once somebody has looked
    Release {
        /// The table
        #[arg(value_name = "TABLE")]
        table: String,
        /// Why it is safe again
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// Runs the command. Works while servers run; they take notice with their next round.
///
/// # Errors
/// What keeps the store from opening; `NOT_FROZEN`.
pub async fn run(run: Run<'_>, args: &CanaryArgs) -> Result<Outcome, Failure> {
    let project = run.project()?;
    let loaded = project.load()?;
    let ambient = Ambient::default();
    let store = runtime::open_store(&project, &loaded, &ambient).await?;
    let Some(CanaryCommand::Release { table, reason }) = &args.command else {
        let frozen = store.frozen().await.map_err(|error| store_failure(&error))?;
        let mut text = String::new();
        let mut list = Vec::new();
        for one in &frozen {
            let why: Value = serde_json::from_str(&one.why).unwrap_or(Value::Null);
            let said = |name: &str| why.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            text.push_str(&format!(
                "{}  {}  {}  {}\n",
                Paint::BAD.on(&one.table),
                said("time"),
                said("id"),
                said("what")
            ));
            list.push(json!({ "table": one.table, "why": why }));
        }
        if frozen.is_empty() {
            text.push_str("no table is frozen\n");
        }
        let exit = if frozen.is_empty() { Exit::Done } else { Exit::No };
        return Ok(Outcome::new(json!({ "frozen": list }), text).exit(exit));
    };
    let now = ambient.clock.now_micros();
    let mut id = [0_u8; 12];
    OsEntropy.fill(&mut id).map_err(|error| Failure::failed("NO_ENTROPY", error.to_string()))?;
    let mut entry = Entry::started(&["cli_", &hex(&id)].concat(), "", "canary.release", now);
    entry.model = Some(table.clone());
    entry.inputs = Some(json!({ "reason": reason, "time": time(now) }).to_string());
    // On record before it is done.
    let receipt = store.append(&entry).await.map_err(|error| store_failure(&error))?;
    let released = store.release(table).await.map_err(|error| store_failure(&error))?;
    let phase = if released { Phase::Completed } else { Phase::Failed };
    let mut ended = entry.ended(&receipt, phase, ambient.clock.now_micros());
    ended.error = (!released).then(|| "NOT_FROZEN".to_owned());
    store.append(ended).await.map_err(|error| store_failure(&error))?;
    if !released {
        return Err(
            Failure::no("NOT_FROZEN", format!("the table `{table}` is not frozen")).hint("tenantry canary list")
        );
    }
    Ok(Outcome::new(
        json!({ "released": table }),
        format!("Released {table}. Servers let calls pass from their next round on."),
    ))
}
