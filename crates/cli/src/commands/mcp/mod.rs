//! `tenantry mcp`: for clients that start their servers as programs and talk to them over standard input and
//! output. What it reads it sends to `/mcp` of a server, with somebody's token; what comes back it writes. It
//! decides nothing. Standard output carries messages alone; everything else is told on standard error.

mod bridge;
mod config;
mod credential;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::address;
use crate::commands::Run;
use crate::http::Server;
use crate::output::{Failure, Outcome};
use crate::project::Project;
use crate::who::Who;

use credential::Credential;

/// Whose messages, and where they go.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct McpArgs {
    #[command(flatten)]
    bridge: BridgeArgs,
    #[command(subcommand)]
    command: Option<McpCommand>,
}

/// What else there is.
#[derive(Debug, Clone, Subcommand)]
enum McpCommand {
    /// Print the configuration of common clients as JSON; it never holds a token
    Config(config::ConfigArgs),
}

/// Whose messages, and where they go.
#[derive(Debug, Clone, Default, Args)]
struct BridgeArgs {
    /// ACCOUNT/USER, ACCOUNT/WORKSPACE/USER, or a platform principal, whose token is made here from the store
    #[arg(value_name = "WHO", conflicts_with = "token")]
    who: Option<Who>,
    /// A token from elsewhere: env:NAME or file:PATH (read again when the server refuses it). Without WHO,
    /// env:TENANTRY_TOKEN
    #[arg(long, value_name = "REF", value_parser = secret)]
    token: Option<String>,
    /// The server's address; the file's issuer without it
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Leave less than the roles grant: tools that only read
    #[arg(long, requires = "who")]
    read_only: bool,
}

/// Where a token is kept.
fn secret(text: &str) -> Result<String, String> {
    match text.split_once(':') {
        Some(("env" | "file", place)) if !place.is_empty() => Ok(text.to_owned()),
        _ => Err("write env:NAME or file:PATH; a token itself is never an argument".to_owned()),
    }
}

/// Runs the command.
///
/// # Errors
/// What keeps the credential or the server's address from being had.
pub async fn run(run: Run<'_>, args: &McpArgs) -> Result<Outcome, Failure> {
    if let Some(McpCommand::Config(args)) = &args.command {
        return config::run(run, args);
    }
    let project = run.project().ok();
    let args = &args.bridge;
    let target = target(args.server.as_deref(), project.as_ref())?;
    let server = Server::at(&target, project.as_ref())?;
    let credential = Credential::open(run, args, project).await?;
    run.output.note(&format!("Carries messages to {target}mcp until the input ends."));
    let carried = bridge::carry(run, server, credential).await?;
    // Standard output is the client's.
    Ok(Outcome::new(json!({ "messages": carried }), ""))
}

/// The server's address: the one given, or the issuer of the file here.
fn target(given: Option<&str>, project: Option<&Project<'_>>) -> Result<String, Failure> {
    let mut address = match (given, project) {
        (Some(given), _) => given.to_owned(),
        (None, Some(project)) => address::issuer(project, &project.load()?),
        (None, None) => {
            return Err(Failure::invalid("BAD_TARGET", "there is no file here that names the server")
                .hint("--server https://HOST[:PORT]"));
        }
    };
    if !address.ends_with('/') {
        address.push('/');
    }
    Ok(address)
}
