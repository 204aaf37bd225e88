//! Refresh tokens, without the tokens themselves.

mod end;
mod list;
mod read;
mod update;

use serde_json::{Value, json};
use tenantry_identity::refresh_tokens::RefreshToken;
use tenantry_identity::text::time;

use crate::management::route::{Route, route};

/// The family's endpoints.
pub(crate) const ROUTES: &[Route] = &[
    route!("GET /refresh-tokens", list::all),
    route!("POST /refresh-tokens/revoke", end::revoke),
    route!("GET /refresh-tokens/{id}", read::handle),
    route!("PATCH /refresh-tokens/{id}", update::handle),
    route!("DELETE /refresh-tokens/{id}", end::one),
    route!("GET /users/{user_id}/refresh-tokens", list::of_user),
    route!("DELETE /users/{user_id}/refresh-tokens", end::of_user),
];

/// A refresh token as this API shows it.
fn shown(token: &RefreshToken) -> Value {
    let maybe = |micros: Option<i64>| micros.map(time);
    let mut shown = json!({
        "id": token.id,
        "user_id": token.user_id,
        "created_at": time(token.created_micros),
        "idle_expires_at": maybe(token.idle_micros),
        "expires_at": maybe(token.expires_micros),
        "device": {},
        "client_id": token.client_id,
        "session_id": token.session_id,
        "rotating": token.rotating,
        "resource_servers": [],
        "last_exchanged_at": maybe(token.used_micros),
    });
    if let Some(shown) = shown.as_object_mut() {
        for name in ["device", "resource_servers", "refresh_token_metadata"] {
            if let Some(value) = token.fields.get(name) {
                shown.insert(name.to_owned(), value.clone());
            }
        }
    }
    shown
}
