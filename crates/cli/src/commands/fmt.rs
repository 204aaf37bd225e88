//! `tenantry fmt`: the file in its standard form.

use clap::Args;

use crate::commands::Run;
use crate::output::{Failure, Outcome};

/// How to format.
#[derive(Debug, Clone, Args)]
pub struct FmtArgs {
    /// Write nothing; exit 2 when something would change
    #[arg(long)]
    check: bool,
}

/// Runs the command.
///
/// # Errors
/// Its failure.
pub fn run(run: Run<'_>, args: &FmtArgs) -> Result<Outcome, Failure> {
    let _ = (run, args.check);
    Err(super::unconnected("fmt"))
}
