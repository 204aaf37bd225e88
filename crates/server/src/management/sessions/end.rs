//! Ending one session, all of a user's, or all of a user's access.

use serde_json::{Value, json};
use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};

/// Answers `DELETE /sessions/{id}`.
pub(super) async fn one(call: Call) -> Result<Answer, Refusal> {
    call.identity.delete_session(&call.caller, call.param("id")).await?;
    Ok(Answer::accepted(json!({})))
}

/// Answers `DELETE /users/{user_id}/sessions`.
pub(super) async fn all(call: Call) -> Result<Answer, Refusal> {
    call.identity.delete_sessions_of(&call.caller, call.param("user_id")).await?;
    Ok(Answer::accepted(json!({})))
}

/// Answers `POST /sessions/{id}/revoke`.
pub(super) async fn revoke(call: Call) -> Result<Answer, Refusal> {
    call.identity.revoke_session(&call.caller, call.param("id")).await?;
    Ok(Answer::accepted(json!({})))
}

/// Answers `POST /users/{id}/revoke-access`.
pub(super) async fn access(mut call: Call) -> Result<Answer, Refusal> {
    let session = call.take_text("session_id");
    let preserve = call.body.get("preserve_refresh_tokens").and_then(Value::as_bool).unwrap_or(false);
    call.identity.revoke_access(&call.caller, call.param("id"), session.as_deref(), preserve).await?;
    Ok(Answer::accepted(json!({})))
}
