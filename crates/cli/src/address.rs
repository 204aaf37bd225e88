//! The address under which this installation is known: what its tokens name as their issuer.

use std::net::SocketAddr;

use tenantry_file::Loaded;

use crate::output::Failure;
use crate::project::Project;

/// The port of `tenantry serve` when nothing is said.
pub const USUAL_PORT: u16 = 8443;

/// The file in the state folder that says where this machine last served, when the file of the project
/// says nothing: commands that make tokens must name the same issuer as the server that checks them.
const KEPT: &str = "issuer";

fn declared(loaded: &Loaded) -> Option<String> {
    loaded.document().platform.as_ref()?.issuer.as_ref().map(|url| url.as_str().to_owned())
}

/// The issuer of tokens: the file's; else where this machine last served; else where it would serve.
#[must_use]
pub fn issuer(project: &Project<'_>, loaded: &Loaded) -> String {
    if let Some(declared) = declared(loaded) {
        return declared;
    }
    match std::fs::read_to_string(project.state().join(KEPT)) {
        Ok(text) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => usual(USUAL_PORT, false),
    }
}

fn usual(port: u16, plain: bool) -> String {
    format!("{}://localhost:{port}/", if plain { "http" } else { "https" })
}

/// The same for a server that will listen at an address, kept for the commands that come after. A port
/// that the machine chose is nobody's address.
///
/// # Errors
/// `NOT_WRITTEN`.
pub fn serving(project: &Project<'_>, loaded: &Loaded, listen: SocketAddr, plain: bool) -> Result<String, Failure> {
    if listen.port() == 0 || declared(loaded).is_some() {
        return Ok(issuer(project, loaded));
    }
    let url = usual(listen.port(), plain);
    project.keep(KEPT, &url)?;
    Ok(url)
}

/// The host and port in an address: `https://a.example:8443/` is `a.example` and 8443.
#[must_use]
pub fn host(url: &str) -> Option<String> {
    url::Url::parse(url).ok()?.host_str().map(str::to_owned)
}
