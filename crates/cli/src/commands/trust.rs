//! `tenantry trust`: how clients come to trust the development authority.

use clap::Args;
use serde_json::json;

use crate::address;
use crate::commands::Run;
use crate::output::{Failure, Outcome};
use crate::runtime::{self, Ambient};
use crate::wire;

/// What to print.
#[derive(Debug, Clone, Args)]
pub struct TrustArgs {
    /// Print the authority's certificate itself, as PEM
    #[arg(long)]
    pub pem: bool,
}

/// The variable by which each kind of client is told.
const CLIENTS: [(&str, &str); 4] = [
    ("SSL_CERT_FILE", "Python (httpx, management clients), Go, Terraform, Ruby, PHP, OpenSSL"),
    ("REQUESTS_CA_BUNDLE", "Python (requests, authentication clients)"),
    ("NODE_EXTRA_CA_CERTS", "Node.js"),
    ("CURL_CA_BUNDLE", "curl"),
];

/// Runs the command. Makes the authority when there is none yet.
///
/// # Errors
/// What keeps the file or the store from opening; `TLS_…`.
pub async fn run(run: Run<'_>, args: &TrustArgs) -> Result<Outcome, Failure> {
    let project = run.project()?;
    let loaded = project.load()?;
    let ambient = Ambient::default();
    let tls = loaded.document().platform.as_ref().and_then(|platform| platform.tls.as_ref());
    if let Some(tls) = tls {
        run.output.note(&format!("The file names a certificate of its own (`{}`), which is shown.", tls.certificate));
    }
    let store = runtime::open_store(&project, &loaded, &ambient).await?;
    let (authority, path) = wire::authority(&project, &store, &ambient)?;
    let shown = path.display().to_string();
    let variables: serde_json::Map<_, _> = CLIENTS.iter().map(|(name, _)| ((*name).to_owned(), json!(shown))).collect();
    let data = json!({
        "authority": shown,
        "name": authority.name(),
        "ends": tenantry_identity::text::time(authority.ends().saturating_mul(1_000_000)),
        "issuer": address::issuer(&project, &loaded),
        "variables": variables,
        "certificate": authority.certificate(),
    });
    if args.pem {
        return Ok(Outcome::new(data, authority.certificate()));
    }
    let quoted = ["'", &shown.replace('\'', "'\\''"), "'"].concat();
    run.output.note(&format!("{}. Its certificate, for clients of this machine to trust:", authority.name()));
    let mut text = format!("# {shown}\n");
    for (name, client) in CLIENTS {
        text.push_str(&format!("export {name}={quoted}  # {client}\n"));
    }
    Ok(Outcome::new(data, text))
}
