//! The tree of commands. Each command's own arguments stand in its file.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands;
use crate::output::ColorChoice;

/// Keeps the tenants of an AI application apart: one file, two databases, one command.
#[derive(Debug, Parser)]
#[command(name = "tenantry", version, propagate_version = false, max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = false)]
pub struct Cli {
    /// Arguments of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Arguments of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The file, or a folder of *.toml; `-` reads JSON from standard input. Without it:
    /// tenantry.toml, else the folder tenantry, in the current folder.
    #[arg(long, global = true, value_name = "PATH")]
    pub file: Option<PathBuf>,
    /// The folder for what Tenantry itself keeps: keys, audit, identity.
    #[arg(long, global = true, value_name = "DIR", default_value = ".tenantry")]
    pub state: PathBuf,
    /// Answer with one JSON envelope on standard output.
    #[arg(long, global = true)]
    pub json: bool,
    /// No notes and no progress; warnings and errors stay.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// When to use colour; NO_COLOR turns `auto` off.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
}

/// Every command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read a database and write a first tenantry.toml
    Init(commands::init::InitArgs),
    /// Is the file right? Compares it with the catalogs of its sources
    Check(commands::check::CheckArgs),
    /// Write the file in its standard form
    Fmt(commands::fmt::FmtArgs),
    /// Print the JSON Schema of the file
    Schema,
    /// Say what a code means, who may do what with a thing of a database, and what somebody may do
    Explain(commands::explain::ExplainArgs),
    /// Look into PostgreSQL sources for what lets somebody past the rules
    Lint(commands::lint::LintArgs),
    /// Prove that no rule lets a tenant reach another's rows, or show the row that leaks
    Prove(commands::prove::ProveArgs),
    /// Try what is promised: play suites of calls, and attack
    Eval(commands::eval::EvalArgs),
    /// Say what applying the file would do, and what it means for access
    Plan(commands::plan::PlanArgs),
    /// Make what the file says so: who there is, what they may, and the databases' own fence
    Apply(commands::apply::ApplyArgs),
    /// Remove what the file manages, and nothing else
    Destroy(commands::destroy::DestroyArgs),
    /// Say what is no longer as it was applied, since when and by whom (exit 2 when there is any)
    Drift(commands::drift::DriftArgs),
    /// Bring something that is there under the file's management
    Import(commands::import::ImportArgs),
    /// Write what the store holds as a file: accounts, users, roles, APIs, clients
    Pull(commands::pull::PullArgs),
    /// Answer over HTTPS: data tools, the Management API, tokens
    Serve(commands::serve::ServeArgs),
    /// Tables that a canary's hit has frozen, and their release
    Canary(commands::canary::CanaryArgs),
    /// Make a token for somebody of the file, or for a user or client of the store
    Token(commands::token::TokenArgs),
    /// Accounts: list, show, create, update, delete
    Account(commands::account::AccountArgs),
    /// Workspaces of an account
    Workspace(commands::workspace::WorkspaceArgs),
    /// Users, on the platform as a whole
    User(commands::user::UserArgs),
    /// Who belongs to an account or a workspace
    Member(commands::member::MemberArgs),
    /// Roles, their permissions, and who holds them where
    Role(commands::role::RoleArgs),
    /// APIs that tokens are for, and their permissions
    Api(commands::api::ApiArgs),
    /// Programs that ask for tokens, their secrets and grants
    Client(commands::client::ClientArgs),
    /// Keys by which programs call AI models
    ApiKey(commands::api_key::ApiKeyArgs),
    /// Where users come from
    Connection(commands::connection::ConnectionArgs),
    /// What other programs need to know: issuer, audiences, addresses, client ids
    Output(commands::output::OutputArgs),
    /// The keys that sign tokens
    Key(commands::key::KeyArgs),
    /// Print a link by which a platform that nobody owns gets its owner
    Setup,
    /// Say how clients come to trust the development authority that `serve` shows a certificate of
    Trust(commands::trust::TrustArgs),
    /// Call a tool as somebody, and see the answer, the reasons and the SQL
    Ask(commands::ask::AskArgs),
    /// Carry messages between a local MCP client and the server; `config` prints what clients need
    Mcp(commands::mcp::McpArgs),
    /// Read, check and export the record of every governed act
    Audit(commands::audit::AuditArgs),
    /// Show what AI models were used for: calls, tokens and cost, by account, workspace, user or model
    Usage(commands::usage::UsageArgs),
    /// Show everything on generated data: three organizations of a support desk
    Demo(commands::demo::DemoArgs),
    /// Look for what is wrong: file, sources, roles, store, permissions
    Doctor(commands::doctor::DoctorArgs),
    /// Print a completion script for a shell
    Completions(commands::completions::CompletionsArgs),
    /// Print the reference of all commands as Markdown
    #[command(hide = true)]
    HelpReference,
    /// Print the OpenAPI document of our own APIs
    #[command(hide = true)]
    Openapi,
    /// Print what is offered of the API that clients of Auth0 know, as Markdown
    #[command(hide = true)]
    Compatibility,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_tree_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_arguments_stand_anywhere() {
        let cli = Cli::try_parse_from(["tenantry", "check", "--json", "--file", "x.toml", "--offline"]).unwrap();
        assert!(cli.global.json && cli.global.file.is_some());
        assert!(Cli::try_parse_from(["tenantry", "nonsense"]).is_err());
    }
}
