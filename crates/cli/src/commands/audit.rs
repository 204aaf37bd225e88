//! `tenantry audit`: the record of every governed act.

mod accept_loss;
mod export;
mod list;
mod show;
mod verify;

use std::path::PathBuf;

pub(in crate::commands) use list::age;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tenantry_policy::value::format_timestamp;
use tenantry_store::{Recorded, Store};

use crate::commands::Run;
use crate::output::{Failure, Outcome};
use crate::runtime::{self, Ambient};

/// What to do with it. Without a command: list.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct AuditArgs {
    /// What to do
    #[command(subcommand)]
    pub command: Option<AuditCommand>,
    /// Which acts, when listing without saying `list`
    #[command(flatten)]
    pub filter: AuditFilter,
}

/// What to do with it.
#[derive(Debug, Clone, Subcommand)]
pub enum AuditCommand {
    /// List acts, the newest first
    List(AuditFilter),
    /// Show one act: decision, reasons, injected scopes, rows, before and after
    Show {
        /// Its id, as `list` prints it
        id: String,
        /// Of this account; `-` is the platform's own. Without it all are searched
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
    },
    /// Check that no record was changed, removed or put in
    Verify {
        /// Only this account's chain; `-` is the platform's own
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
        /// A head written down earlier (ACCOUNT@SEQ:HASH): also finds a store put back to an older state
        #[arg(long, value_name = "HEAD")]
        head: Vec<String>,
        /// Check an exported file in place of the store; needs no store
        #[arg(long, value_name = "PATH")]
        export: Option<PathBuf>,
    },
    /// Go on without a journal that is missing or was changed: what was only in it is lost, and that is on record
    AcceptLoss {
        /// Do it; without this only say what would be lost
        #[arg(long)]
        yes: bool,
    },
    /// Write an account's whole chain, one JSON line an entry, the oldest first
    Export {
        /// The account; `-` is the platform's own
        #[arg(long, value_name = "NAME")]
        account: String,
        /// Where to; without it standard output
        #[arg(long, short, value_name = "PATH")]
        out: Option<PathBuf>,
    },
}

/// Which acts.
#[derive(Debug, Clone, Args)]
pub struct AuditFilter {
    /// Of this account; `-` is the platform's own. Without it all
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// By this user or principal
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Of this tool
    #[arg(long, value_name = "NAME")]
    pub tool: Option<String>,
    /// On this model
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Only refused acts
    #[arg(long)]
    pub denied: bool,
    /// Not older than this: 90s, 10m, 2h, 7d
    #[arg(long, value_name = "TIME", value_parser = list::age)]
    pub since: Option<std::time::Duration>,
    /// At most so many entries
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
}

/// Runs the command.
///
/// # Errors
/// What keeps the store from opening or being read.
pub async fn run(run: Run<'_>, args: &AuditArgs) -> Result<Outcome, Failure> {
    if let Some(AuditCommand::Verify { export: Some(path), head, .. }) = &args.command {
        return verify::file(run, path, head);
    }
    let project = run.project()?;
    let loaded = project.load()?;
    let ambient = Ambient::default();
    let store = runtime::open_store(&project, &loaded, &ambient).await?;
    match &args.command {
        None => list::run(&store, &args.filter, ambient.clock.now_micros()).await,
        Some(AuditCommand::List(filter)) => list::run(&store, filter, ambient.clock.now_micros()).await,
        Some(AuditCommand::Show { id, account }) => show::run(&store, id, account.as_deref()).await,
        Some(AuditCommand::Verify { account, head, .. }) => verify::run(&store, account.as_deref(), head).await,
        Some(AuditCommand::AcceptLoss { yes }) => accept_loss::run(&store, &ambient, *yes).await,
        Some(AuditCommand::Export { account, out }) => export::run(run, &store, chain(account), out.as_deref()).await,
    }
}

/// The chain that a name on the command line means.
fn chain(account: &str) -> &str {
    if account == "-" { "" } else { account }
}

/// A chain's name for people.
fn name(account: &str) -> &str {
    if account.is_empty() { "-" } else { account }
}

/// The chains to look at: the one named, or all.
async fn chains(store: &Store, account: Option<&str>) -> Result<Vec<String>, Failure> {
    match account {
        Some(account) => Ok(vec![chain(account).to_owned()]),
        None => {
            let heads = store.heads().await.map_err(|error| runtime::store_failure(&error))?;
            Ok(heads.into_iter().map(|head| head.account).collect())
        }
    }
}

/// An entry for programs. JSON that is kept as text becomes JSON again.
fn entry(recorded: &Recorded) -> Value {
    let entry = &recorded.entry;
    let parsed = |text: &Option<String>| {
        text.as_deref().map_or(Value::Null, |text| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)))
    };
    json!({
        "id": entry.id,
        "seq": recorded.seq,
        "hash": recorded.hash.to_string(),
        "phase": entry.phase.name(),
        "start": entry.start,
        "time": format_timestamp(entry.time_micros),
        "account": entry.account,
        "workspace": entry.workspace,
        "user": entry.user,
        "client": entry.client,
        "delegate": entry.delegate,
        "tool": entry.tool,
        "model": entry.model,
        "request_digest": entry.request_digest,
        "inputs": parsed(&entry.inputs),
        "decision": entry.decision.name(),
        "code": entry.code,
        "reasons": entry.reasons,
        "scopes": parsed(&entry.scopes),
        "rows": entry.rows,
        "keys": parsed(&entry.keys),
        "before": parsed(&entry.before),
        "after": parsed(&entry.after),
        "duration_micros": entry.duration_micros,
        "error": entry.error,
        "policy_version": entry.policy_version,
    })
}
