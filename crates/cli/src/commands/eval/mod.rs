//! `tenantry eval`: suites of calls and what must hold after each, made in this process or at a server.

mod attack;
mod cast;
mod people;
mod record;
mod suite;
mod verdict;

use clap::{Args, Subcommand};

use crate::commands::Run;
use crate::output::{Failure, Outcome};

/// What to try.
#[derive(Debug, Clone, Args)]
pub struct EvalArgs {
    /// What to try
    #[command(subcommand)]
    pub command: EvalCommand,
}

/// What to try.
#[derive(Debug, Clone, Subcommand)]
pub enum EvalCommand {
    /// Play a suite: calls as named people, and what must hold after each (exit 2 when something does not)
    Run(suite::SuiteArgs),
    /// Write the calls of the record to a file, to replay them
    Record(record::RecordArgs),
    /// Make recorded calls again, and tell what is answered differently (exit 2)
    Replay(record::ReplayArgs),
    /// Make every attack that the policy suggests, and report what did not hold (exit 2)
    Attack(attack::AttackArgs),
}

/// Runs the command.
///
/// # Errors
/// What keeps the suite, the file, a source, the store or the server from answering.
pub async fn run(run: Run<'_>, args: &EvalArgs) -> Result<Outcome, Failure> {
    match &args.command {
        EvalCommand::Run(args) => suite::run(run, args).await,
        EvalCommand::Record(args) => record::record(run, args).await,
        EvalCommand::Replay(args) => record::replay(run, args).await,
        EvalCommand::Attack(args) => attack::run(run, args).await,
    }
}
