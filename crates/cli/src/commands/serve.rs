//! `tenantry serve`: answers tools over HTTP until it is told to stop.

use std::net::SocketAddr;

use clap::Args;

use crate::commands::Run;
use crate::output::{Failure, Outcome};

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
/// Its failure.
pub async fn run(run: Run<'_>, args: &ServeArgs) -> Result<Outcome, Failure> {
    let _ = (run, args);
    Err(super::unconnected("serve"))
}
