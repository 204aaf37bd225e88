//! `POST /api/v2/tickets/password-change` and `/api/v2/tickets/email-verification`.

use serde_json::{Value, json};
use tenantry_identity::Refusal;
use tenantry_identity::tickets::{NewTicket, TicketKind};

use crate::management::route::{Answer, Call};

/// Answers the call for a password.
pub(super) async fn password_change(call: Call) -> Result<Answer, Refusal> {
    made(call, TicketKind::PasswordChange).await
}

/// Answers the call for an address.
pub(super) async fn email_verification(call: Call) -> Result<Answer, Refusal> {
    made(call, TicketKind::EmailVerification).await
}

async fn made(mut call: Call, kind: TicketKind) -> Result<Answer, Refusal> {
    let flag = |call: &Call, name: &str| call.body.get(name).and_then(Value::as_bool).unwrap_or(false);
    let new = NewTicket {
        mark_email_as_verified: flag(&call, "mark_email_as_verified"),
        email_in_redirect: flag(&call, "includeEmailInRedirect"),
        ttl_seconds: call.body.get("ttl_sec").and_then(Value::as_i64).unwrap_or_default(),
        user_id: call.take_text("user_id"),
        email: call.take_text("email"),
        connection_id: call.take_text("connection_id"),
        result_url: call.take_text("result_url"),
        client_id: call.take_text("client_id"),
        organization_id: call.take_text("organization_id"),
    };
    let link = call.identity.create_ticket(&call.caller, kind, new).await?;
    Ok(Answer::created(json!({ "ticket": link })))
}
