//! `tenantry mcp config`: what common clients want to have in their files, as JSON. It names where a token is kept
//! and never holds one.

use std::path::Path;

use clap::Args;
use serde_json::{Map, Value, json};

use crate::commands::Run;
use crate::output::{Failure, Outcome};
use crate::project::{Origin, Project};
use crate::who::Who;

/// Whose configuration.
#[derive(Debug, Clone, Args)]
pub(super) struct ConfigArgs {
    /// ACCOUNT/USER, ACCOUNT/WORKSPACE/USER, or a platform principal: for clients that start `tenantry mcp`. Without
    /// it they read a token from TENANTRY_TOKEN
    #[arg(value_name = "WHO")]
    who: Option<Who>,
    /// Print one client's configuration alone, as it stands in its file
    #[arg(long, value_name = "CLIENT")]
    client: Option<Client>,
    /// The server's address; the file's issuer without it
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// For clients that start `tenantry mcp`: leave less than the roles grant, tools that only read
    #[arg(long, requires = "who")]
    read_only: bool,
}

/// A client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Client {
    /// Claude Desktop
    ClaudeDesktop,
    /// Claude Code
    ClaudeCode,
    /// Cursor
    Cursor,
    /// Visual Studio Code
    Vscode,
    /// The MCP inspector
    Inspector,
}

impl Client {
    const ALL: [Client; 5] =
        [Client::ClaudeDesktop, Client::ClaudeCode, Client::Cursor, Client::Vscode, Client::Inspector];

    fn name(self) -> &'static str {
        match self {
            Client::ClaudeDesktop => "claude-desktop",
            Client::ClaudeCode => "claude-code",
            Client::Cursor => "cursor",
            Client::Vscode => "vscode",
            Client::Inspector => "inspector",
        }
    }

    /// Where the client looks for it.
    fn file(self) -> &'static str {
        match self {
            Client::ClaudeDesktop => "claude_desktop_config.json",
            Client::ClaudeCode => ".mcp.json",
            Client::Cursor => ".cursor/mcp.json",
            Client::Vscode => ".vscode/mcp.json",
            Client::Inspector => "mcp.json",
        }
    }
}

/// Runs the command. Opens nothing but the file.
///
/// # Errors
/// What keeps the file from being read; `BAD_TARGET`.
pub(super) fn run(run: Run<'_>, args: &ConfigArgs) -> Result<Outcome, Failure> {
    let project = run.project().ok();
    let target = super::target(args.server.as_deref(), project.as_ref())?;
    let local = started(args, project.as_ref(), run.environment.cwd());
    let of = |client: Client| configuration(client, &target, &local);
    if let Some(client) = args.client {
        run.output.note(&format!("For {}, in {}:", client.name(), client.file()));
        let data = of(client);
        let text = pretty(&data)?;
        return Ok(Outcome::new(data, text));
    }
    let all: Map<String, Value> = Client::ALL
        .into_iter()
        .map(|client| (client.name().to_owned(), json!({ "file": client.file(), "configuration": of(client) })))
        .collect();
    if project.as_ref().is_some_and(|project| project.authority().is_some()) {
        run.output.note("Clients that ask over HTTPS must trust the development authority: `tenantry trust`.");
    }
    let data = Value::Object(all);
    let text = pretty(&data)?;
    Ok(Outcome::new(data, text))
}

fn pretty(data: &Value) -> Result<String, Failure> {
    serde_json::to_string_pretty(data).map_err(|error| Failure::failed("INTERNAL_ERROR", error.to_string()))
}

/// How a client starts the bridge. Clients start programs in folders of their own, so every path is whole.
fn started(args: &ConfigArgs, project: Option<&Project<'_>>, here: &Path) -> Value {
    let mut words: Vec<String> = vec!["mcp".to_owned()];
    match &args.who {
        Some(who) => words.push(who.to_string()),
        None => words.extend(["--token".to_owned(), "env:TENANTRY_TOKEN".to_owned()]),
    }
    if args.read_only {
        words.push("--read-only".to_owned());
    }
    if let Some(server) = &args.server {
        words.extend(["--server".to_owned(), server.clone()]);
    }
    if let Some(project) = project {
        let whole = |path: &Path| here.join(path).display().to_string();
        match project.origin() {
            Origin::File(path) | Origin::Folder(path) => words.extend(["--file".to_owned(), whole(path)]),
            Origin::Stdin => {}
        }
        words.extend(["--state".to_owned(), whole(project.state())]);
    }
    json!({ "command": "tenantry", "args": words })
}

fn configuration(client: Client, target: &str, local: &Value) -> Value {
    let url = [target, "mcp"].concat();
    let remote = |token: &str| {
        let credential = ["Bearer ", token].concat();
        json!({ "type": "http", "url": url, "headers": { "Authorization": credential } })
    };
    match client {
        // It starts programs only.
        Client::ClaudeDesktop => json!({ "mcpServers": { "tenantry": local } }),
        Client::ClaudeCode => json!({ "mcpServers": { "tenantry": remote("${TENANTRY_TOKEN}") } }),
        Client::Cursor => json!({ "mcpServers": { "tenantry": remote("${env:TENANTRY_TOKEN}") } }),
        Client::Vscode => json!({
            "inputs": [{
                "type": "promptString", "id": "tenantry-token", "description": "A token for Tenantry", "password": true,
            }],
            "servers": { "tenantry": remote("${input:tenantry-token}") },
        }),
        Client::Inspector => json!({ "mcpServers": { "tenantry": local } }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_configuration_holds_a_token() {
        let local = json!({ "command": "tenantry", "args": ["mcp"] });
        for client in Client::ALL {
            let text = configuration(client, "https://a.example/", &local).to_string();
            assert!(text.contains("\"tenantry\""), "{text}");
            for bearer in text.split("Bearer ").skip(1) {
                assert!(bearer.starts_with("${"), "{text}");
            }
        }
    }
}
