//! `POST /api/v2/organizations/{id}/invitations`.

use serde_json::Value;
use tenantry_identity::Refusal;
use tenantry_identity::invitations::NewInvitation;
use tenantry_identity::text::Fields;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call. Nothing is mailed: whoever invites hands the link on.
pub(in super::super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    let inner = |call: &Call, outer: &str, name: &str| {
        call.body.get(outer).and_then(|outer| outer.get(name)?.as_str()).unwrap_or_default().to_owned()
    };
    let mut fields = Fields::new();
    for name in ["app_metadata", "user_metadata"] {
        if let Some(value) = call.body.get(name) {
            fields.insert(name.to_owned(), value.clone());
        }
    }
    let new = NewInvitation {
        inviter: inner(&call, "inviter", "name"),
        email: inner(&call, "invitee", "email"),
        client_id: call.take_text("client_id").unwrap_or_default(),
        connection_id: call.take_text("connection_id"),
        roles: call.texts("roles"),
        lifetime: call.body.get("ttl_sec").and_then(Value::as_i64).unwrap_or(0),
        fields,
    };
    let invitation = call.identity.create_invitation(&call.caller, call.param("id"), new).await?;
    Ok(Answer::created(shown(&invitation)))
}
