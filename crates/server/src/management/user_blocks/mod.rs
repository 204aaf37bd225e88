//! Users who are blocked after too many failed logins.

mod by_identifier;
mod by_user;

use serde_json::{Map, Value, json};
use tenantry_identity::login::Block;

use crate::management::route::{Route, route};

/// The family's endpoints.
pub(crate) const ROUTES: &[Route] = &[
    route!("GET /user-blocks", by_identifier::read),
    route!("DELETE /user-blocks", by_identifier::delete),
    route!("GET /user-blocks/{id}", by_user::read),
    route!("DELETE /user-blocks/{id}", by_user::delete),
];

/// Blocks as this API shows them.
fn shown(blocks: &[Block]) -> Value {
    let blocks = blocks.iter().map(|block| {
        let mut shown = Map::new();
        shown.insert("identifier".to_owned(), json!(block.identifier));
        if let Some(ip) = &block.ip {
            shown.insert("ip".to_owned(), json!(ip));
        }
        if let Some(connection) = &block.connection {
            shown.insert("connection".to_owned(), json!(connection));
        }
        Value::Object(shown)
    });
    json!({ "blocked_for": blocks.collect::<Vec<_>>() })
}
