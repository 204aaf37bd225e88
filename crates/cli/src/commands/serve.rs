//! `tenantry serve`: answers tools over HTTP until it is told to stop.

use std::net::SocketAddr;

use clap::Args;
use serde_json::json;
use tokio::net::TcpListener;

use crate::commands::Run;
use crate::output::{Failure, Outcome};
use crate::runtime::Runtime;

/// Where to listen.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Address and port; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
}

/// Runs the command.
///
/// # Errors
/// What keeps the file, a source, the store or the address from opening.
pub async fn run(run: Run<'_>, args: &ServeArgs) -> Result<Outcome, Failure> {
    let project = run.project()?;
    let runtime = Runtime::open(&project).await?;
    let listener = listen(args.listen).await?;
    let address = listener.local_addr().map_err(|error| Failure::failed("LISTEN", error.to_string()))?;
    run.output.say(&format!("Listening on http://{address}"));
    let policy = runtime.guard.policy();
    run.output.note(&format!(
        "Policy {} with {} tables. Tools: POST http://{address}/app/v1/tools/{{tool}}. Ctrl-C stops.",
        policy.short_version(),
        policy.tables.len()
    ));
    let app = runtime.app();
    let stop = run.stop.clone();
    tenantry_server::serve(listener, app, async move { stop.asked().await })
        .await
        .map_err(|error| Failure::failed("SERVER", error.to_string()))?;
    Ok(Outcome::new(json!({ "stopped": true }), ""))
}

/// Binds the address.
///
/// # Errors
/// `LISTEN` when it is taken or not ours.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::failed("LISTEN", format!("cannot listen on {address}: {}", error.kind()))
            .hint("--listen 127.0.0.1:0 takes a free port")
    })
}
