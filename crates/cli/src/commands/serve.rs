//! `tenantry serve`: answers until it is told to stop.

use std::net::SocketAddr;

use clap::Args;
use serde_json::json;
use tenantry_identity::Caller;
use tenantry_server::{Inside, Wire};
use tokio::net::TcpListener;

use crate::address;
use crate::canary::{Canaries, Wanted};
use crate::commands::{Run, setup};
use crate::desk::refused;
use crate::limits::{Following, Present};
use crate::otlp;
use crate::output::{Failure, Outcome};
use crate::runtime::Runtime;
use crate::wire::Secured;

/// Where to listen.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Address and port; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443")]
    pub listen: SocketAddr,
    /// Without TLS: on the loopback, or behind a proxy that speaks it
    #[arg(long)]
    pub http: bool,
    /// The server's certificate as PEM, in place of the file's; read again when it changes
    #[arg(long, value_name = "PATH", requires = "tls_key", conflicts_with = "http")]
    pub tls_certificate: Option<String>,
    /// Its private key
    #[arg(long, value_name = "PATH", requires = "tls_certificate")]
    pub tls_key: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// What keeps the file, a source, the store or the address from opening.
pub async fn run(run: Run<'_>, args: &ServeArgs) -> Result<Outcome, Failure> {
    let project = run.project()?;
    let loaded = project.load()?;
    let listener = listen(args.listen).await?;
    let issuer = address::serving(&project, &loaded, args.listen, args.http)?;
    let runtime = Runtime::open(&project).await?;
    let address = listener.local_addr().map_err(|error| Failure::failed("LISTEN", error.to_string()))?;
    let own = args.tls_certificate.clone().zip(args.tls_key.clone());
    let secured = match args.http {
        true => None,
        false => Some(Secured::open(&project, &runtime, own, &issuer, args.listen)?),
    };
    let scheme = if secured.is_some() { "https" } else { "http" };
    if secured.is_none() && !address.ip().is_loopback() {
        run.output
            .warn("without TLS, whoever is on the way reads tokens and rows; put a proxy that speaks TLS before it");
    }
    run.output.say(&format!("Listening on {scheme}://{address}"));
    let policy = runtime.guard.policy();
    run.output.note(&format!(
        "Policy {} with {} tables. Tools: POST {scheme}://{address}/app/v1/tools/{{tool}}. Ctrl-C stops.",
        policy.short_version(),
        policy.tables.len()
    ));
    if let Some(authority) = secured.as_ref().and_then(|secured| secured.authority.as_ref()) {
        run.output.note(&format!(
            "Its certificate comes from the authority in {}; `tenantry trust` says how clients are told.",
            authority.display()
        ));
    }
    let caller = Caller::operator("serve");
    // A port that the machine chose is not the issuer's.
    let base = match args.listen.port() {
        0 => format!("{scheme}://{address}"),
        _ => runtime.issuer.url().to_owned(),
    };
    if let Some(ticket) = runtime.identity.setup_ticket(&caller).await.map_err(refused)? {
        run.output.note(&format!(
            "Nobody owns this platform yet. This link makes its owner, once and within a day:\n  {}",
            setup::link(&base, &ticket)
        ));
    }
    let app = runtime.app(&project)?;
    let canaries = match Wanted::of(&runtime.loaded) {
        Some(wanted) => {
            let flying = Canaries::new(wanted, &runtime, Inside::of(app.clone()))?;
            Some(tokio::spawn(flying.keep_flying()))
        }
        None => None,
    };
    let present = Present::begin(&runtime.limiter, &runtime.store, &runtime.ambient).await?;
    let following = Following::begin(&runtime.limiter, &runtime.store).await?;
    let exporting = otlp::begin(&project, &runtime, &present, run.output)?;
    let stop = run.stop.clone();
    let wire = secured.as_ref().map_or(Wire::Plain, |secured| secured.wire.clone());
    tenantry_server::serve(listener, wire, app, async move { stop.asked().await })
        .await
        .map_err(|error| Failure::failed("SERVER", error.to_string()))?;
    drop(following);
    present.end().await;
    if let Some(exporting) = exporting {
        exporting.end().await;
    }
    if let Some(canaries) = canaries {
        canaries.abort();
    }
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
