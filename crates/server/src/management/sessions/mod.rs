//! Sessions, and the whole of a user's access.

mod end;
mod list;
mod read;
mod update;

use serde_json::{Value, json};
use tenantry_identity::sessions::Session;
use tenantry_identity::text::time;

use crate::management::route::{Route, route};

/// The family's endpoints.
pub(crate) const ROUTES: &[Route] = &[
    route!("GET /users/{user_id}/sessions", list::handle),
    route!("DELETE /users/{user_id}/sessions", end::all),
    route!("GET /sessions/{id}", read::handle),
    route!("PATCH /sessions/{id}", update::handle),
    route!("DELETE /sessions/{id}", end::one),
    route!("POST /sessions/{id}/revoke", end::revoke),
    route!("POST /users/{id}/revoke-access", end::access),
];

/// A session as this API shows it.
fn shown(session: &Session) -> Value {
    let mut shown = json!({
        "id": session.id,
        "user_id": session.user_id,
        "created_at": time(session.created_micros),
        "updated_at": time(session.seen_micros),
        "authenticated_at": time(session.created_micros),
        "idle_expires_at": time(session.idle_micros),
        "expires_at": time(session.expires_micros),
        "last_interacted_at": time(session.seen_micros),
        "device": {},
        "clients": [],
        "authentication": { "methods": [] },
        "cookie": { "mode": "persistent" },
        "session_metadata": null,
    });
    if let Some(shown) = shown.as_object_mut() {
        shown.extend(session.fields.clone());
    }
    shown
}
