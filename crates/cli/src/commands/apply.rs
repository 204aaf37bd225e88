//! `tenantry apply`: the row security of a PostgreSQL source becomes what the file says.

use clap::Args;

use crate::commands::Run;
use crate::output::{Failure, Outcome};

/// To which source.
#[derive(Debug, Clone, Args)]
pub struct ApplyArgs {
    /// The source, as the file names it
    #[arg(long, value_name = "NAME")]
    pub source: String,
    /// Only print the statements
    #[arg(long)]
    pub dry_run: bool,
}

/// Runs the command.
///
/// # Errors
/// Its failure.
pub async fn run(run: Run<'_>, args: &ApplyArgs) -> Result<Outcome, Failure> {
    let _ = (run, args);
    Err(super::unconnected("apply"))
}
