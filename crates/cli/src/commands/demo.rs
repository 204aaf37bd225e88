//! `tenantry demo`: everything on generated data.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use crate::commands::Run;
use crate::demo::data::{DEFAULT_ROWS, DEFAULT_SEED};
use crate::output::{Failure, Outcome};

/// How to show it.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Try everything unattended; the exit code says whether all answers were as expected
    #[arg(long)]
    pub check: bool,
    /// The seed that the rows are made from
    #[arg(long, value_name = "N", default_value_t = DEFAULT_SEED)]
    pub seed: u64,
    /// About how many rows to make
    #[arg(long, value_name = "N", default_value_t = DEFAULT_ROWS, value_parser = clap::value_parser!(u64).range(600..=20_000_000))]
    pub rows: u64,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Keep the demo's file and database in this folder, which must be new; without it they go away at the end
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Use this PostgreSQL database, as its owner, in place of SQLite: env:NAME or postgres://…
    #[arg(long, value_name = "URL")]
    pub postgres: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// Its failure.
pub async fn run(run: Run<'_>, args: &DemoArgs) -> Result<Outcome, Failure> {
    let _ = (run, args);
    Err(super::unconnected("demo"))
}
