//! Ending refresh tokens.

use serde_json::json;
use tenantry_identity::Refusal;
use tenantry_identity::refresh_tokens::Revocation;

use crate::management::route::{Answer, Call};

/// Answers `POST /refresh-tokens/revoke`.
pub(super) async fn revoke(mut call: Call) -> Result<Answer, Refusal> {
    let which = Revocation {
        ids: call.texts("ids"),
        user_id: call.take_text("user_id"),
        client_id: call.take_text("client_id"),
    };
    call.identity.revoke_refresh_tokens(&call.caller, which).await?;
    Ok(Answer::accepted(json!({})))
}

/// Answers `DELETE /refresh-tokens/{id}`.
pub(super) async fn one(call: Call) -> Result<Answer, Refusal> {
    let which = Revocation { ids: vec![call.param("id").to_owned()], ..Revocation::default() };
    call.identity.revoke_refresh_tokens(&call.caller, which).await?;
    Ok(Answer::accepted(json!({})))
}

/// Answers `DELETE /users/{user_id}/refresh-tokens`.
pub(super) async fn of_user(call: Call) -> Result<Answer, Refusal> {
    call.identity.delete_refresh_tokens_of(&call.caller, call.param("user_id")).await?;
    Ok(Answer::accepted(json!({})))
}
