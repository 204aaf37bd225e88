//! One file per command. Each takes its arguments and what the program found around it, and answers
//! with an [`Outcome`] or a [`Failure`]; nothing here prints but through [`Output`].

pub mod account;
pub mod api;
pub mod api_key;
pub mod apply;
pub mod ask;
pub mod audit;
pub mod canary;
pub mod check;
pub mod client;
pub mod completions;
pub mod connection;
pub mod demo;
pub mod destroy;
pub mod doctor;
pub mod documents;
pub mod drift;
pub mod eval;
pub mod explain;
pub mod fmt;
pub mod help_reference;
pub mod import;
pub mod init;
pub mod key;
pub mod lint;
pub mod mcp;
pub mod member;
pub mod output;
pub mod plan;
pub mod prove;
pub mod pull;
pub mod role;
pub mod schema;
pub mod serve;
pub mod setup;
pub mod token;
pub mod trust;
pub mod usage;
pub mod user;
pub mod workspace;

use crate::Stop;
use crate::args::{Cli, Command, Global};
use crate::environment::Environment;
use crate::output::{Failure, Outcome, Output};
use crate::project::Project;

/// What every command gets.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// The surroundings.
    pub environment: &'a Environment,
    /// The way out.
    pub output: &'a Output,
    /// Arguments of every command.
    pub global: &'a Global,
    /// For commands that end by themselves when interrupted.
    pub stop: &'a Stop,
}

impl<'a> Run<'a> {
    /// The file of this run.
    ///
    /// # Errors
    /// `NO_FILE` when there is none.
    pub fn project(&self) -> Result<Project<'a>, Failure> {
        Project::find(self.environment, self.output, self.global)
    }
}

/// Runs a command.
///
/// # Errors
/// Its failure.
pub async fn dispatch(cli: Cli, environment: &Environment, output: &Output, stop: &Stop) -> Result<Outcome, Failure> {
    let run = Run { environment, output, global: &cli.global, stop };
    match &cli.command {
        Command::Init(args) => init::run(run, args).await,
        Command::Check(args) => check::run(run, args).await,
        Command::Fmt(args) => fmt::run(run, args),
        Command::Schema => schema::run(),
        Command::Explain(args) => explain::run(run, args).await,
        Command::Lint(args) => lint::run(run, args).await,
        Command::Prove(args) => prove::run(run, args).await,
        Command::Canary(args) => canary::run(run, args).await,
        Command::Eval(args) => eval::run(run, args).await,
        Command::Plan(args) => plan::run(run, args).await,
        Command::Apply(args) => apply::run(run, args).await,
        Command::Destroy(args) => destroy::run(run, args).await,
        Command::Drift(args) => drift::run(run, args).await,
        Command::Import(args) => import::run(run, args).await,
        Command::Pull(args) => pull::run(run, args).await,
        Command::Serve(args) => serve::run(run, args).await,
        Command::Token(args) => token::run(run, args).await,
        Command::Account(args) => account::run(run, args).await,
        Command::Workspace(args) => workspace::run(run, args).await,
        Command::User(args) => user::run(run, args).await,
        Command::Member(args) => member::run(run, args).await,
        Command::Role(args) => role::run(run, args).await,
        Command::Api(args) => api::run(run, args).await,
        Command::Client(args) => client::run(run, args).await,
        Command::ApiKey(args) => api_key::run(run, args).await,
        Command::Connection(args) => connection::run(run, args).await,
        Command::Output(args) => output::run(run, args).await,
        Command::Key(args) => key::run(run, args).await,
        Command::Setup => setup::run(run).await,
        Command::Trust(args) => trust::run(run, args).await,
        Command::Ask(args) => ask::run(run, args).await,
        Command::Mcp(args) => mcp::run(run, args).await,
        Command::Audit(args) => audit::run(run, args).await,
        Command::Usage(args) => usage::run(run, args).await,
        Command::Demo(args) => demo::run(run, args).await,
        Command::Doctor(args) => doctor::run(run, args).await,
        Command::Completions(args) => Ok(completions::run(args)),
        Command::HelpReference => Ok(help_reference::run()),
        Command::Openapi => documents::openapi(),
        Command::Compatibility => Ok(documents::compatibility()),
    }
}
