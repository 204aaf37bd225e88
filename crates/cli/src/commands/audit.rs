//! `tenantry audit`: the record of every governed act.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::commands::Run;
use crate::output::{Failure, Outcome};

/// What to do with it.
#[derive(Debug, Clone, Args)]
pub struct AuditArgs {
    /// What to do
    #[command(subcommand)]
    pub command: AuditCommand,
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
    },
    /// Check that no record was changed, removed or put in
    Verify {
        /// Only this account's chain; `-` is the platform's own
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
    },
    /// Write acts as JSON, one a line, the oldest first
    Export {
        /// Which acts
        #[command(flatten)]
        filter: AuditFilter,
        /// Where to; without it standard output
        #[arg(long, short, value_name = "PATH")]
        out: Option<PathBuf>,
    },
}

/// Which acts.
#[derive(Debug, Clone, Args)]
pub struct AuditFilter {
    /// Of this account; `-` is the platform's own
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
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: u32,
}

/// Runs the command.
///
/// # Errors
/// Its failure.
pub async fn run(run: Run<'_>, args: &AuditArgs) -> Result<Outcome, Failure> {
    let _ = (run, args);
    Err(super::unconnected("audit"))
}
