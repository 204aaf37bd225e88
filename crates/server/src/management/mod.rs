//! The Management API under `/api/v2`, as clients of Auth0 know it.
//!
//! ```text
//! request -> dispatch: token -> scopes -> path, query and body checked (surface.json) -> endpoint -> Answer
//! ```
//! `surface.json` holds the facts of each operation: method, path, scopes, parameters, body. An endpoint is
//! one file; each family lists its own in `ROUTES`. An operation that is in `surface.json` and in no
//! `ROUTES` answers 501, anything else 404, both in the shape of every other error.

mod auth;
mod authentication_methods;
mod body;
mod client_grants;
mod clients;
mod compatibility;
mod connections;
mod device_credentials;
mod dispatch;
mod failure;
mod federated;
mod formats;
mod grants;
mod jobs;
mod logs;
mod organizations;
mod paging;
mod query;
mod refresh_tokens;
mod resource_servers;
mod roles;
mod route;
pub(crate) mod schema;
mod select;
mod sessions;
mod surface;
mod tenants;
mod tickets;
mod upload;
mod user_blocks;
mod users;

pub use compatibility::{OperationFacts, compatibility, operations};
pub(crate) use dispatch::router;
pub(crate) use jobs::download;

/// Every scope that an operation of the Management API may need, sorted.
#[must_use]
pub fn scopes() -> Vec<&'static str> {
    let all = surface::OPERATIONS.iter().flat_map(|operation| operation.scopes.iter().map(String::as_str));
    all.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

/// Every endpoint.
pub(crate) const FAMILIES: &[&[route::Route]] = &[
    authentication_methods::ROUTES,
    client_grants::ROUTES,
    clients::ROUTES,
    connections::ROUTES,
    device_credentials::ROUTES,
    federated::ROUTES,
    grants::ROUTES,
    jobs::ROUTES,
    logs::ROUTES,
    organizations::ROUTES,
    refresh_tokens::ROUTES,
    resource_servers::ROUTES,
    roles::ROUTES,
    sessions::ROUTES,
    tenants::ROUTES,
    tickets::ROUTES,
    user_blocks::ROUTES,
    users::ROUTES,
];
