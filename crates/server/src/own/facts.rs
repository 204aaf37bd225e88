//! The table of endpoints as tests and documents see it.

use serde_json::Value;
use tenantry_identity::{Audience, Permission};

use crate::own::ENDPOINTS;
use crate::own::endpoint::Level;

/// What an endpoint is, without its handler.
#[derive(Debug, Clone)]
pub struct EndpointFacts {
    /// The method.
    pub method: &'static str,
    /// The whole path, with `{parameters}`.
    pub path: &'static str,
    /// The context whose tokens it answers.
    pub context: Audience,
    /// How much of an account the token must be for.
    pub level: Level,
    /// Any of these permissions is needed; none means that any token of the context will do.
    pub any_of: &'static [Permission],
    /// The status of success.
    pub status: u16,
    /// The form of the query, a JSON Schema without references.
    pub query: &'static Value,
    /// The form of the body, the same, for an endpoint that takes one.
    pub body: Option<&'static Value>,
}

/// Every endpoint of our own contexts, in the order of the table.
pub fn endpoints() -> impl Iterator<Item = EndpointFacts> {
    ENDPOINTS.iter().map(|endpoint| EndpointFacts {
        method: endpoint.method,
        path: &endpoint.path,
        context: endpoint.context,
        level: endpoint.level,
        any_of: endpoint.any_of,
        status: endpoint.status,
        query: &endpoint.query,
        body: endpoint.body.as_ref(),
    })
}
