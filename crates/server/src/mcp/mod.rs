//! `/mcp`: the data tools for MCP's clients (streamable HTTP), in the revisions 2026-07-28 and 2025-11-25.
//!
//! ```text
//! Host and Origin -> token -> body -> JSON-RPC -> headers equal the body -> method
//!   tools/list  what the caller's roles allow, one exact schema each
//!   tools/call  the guard's one door, as every other call
//! ```
//! Every answer is one JSON document: no session is made and no stream is kept open, so every request is held
//! against the caller's rights as they are now. Why this layer is our own: `docs/adr/0018-mcp.md`.

mod answer;
mod call;
mod challenge;
mod handle;
mod headers;
mod list;
mod metadata;
mod places;
mod revision;
mod rpc;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

pub(crate) use places::Places;

/// Where it is, below the issuer's address.
pub(crate) const PATH: &str = tenantry_identity::oauth::MCP_PATH;

/// The routes.
pub(crate) fn routes(router: Router<App>) -> Router<App> {
    router
        .route("/mcp", post(handle::handle).options(handle::preflight).fallback(handle::wrong_method))
        .route("/.well-known/oauth-protected-resource", get(metadata::handle).options(crate::oauth::preflight))
        .route("/.well-known/oauth-protected-resource/mcp", get(metadata::handle).options(crate::oauth::preflight))
}
