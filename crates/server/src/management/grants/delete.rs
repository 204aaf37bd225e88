//! `DELETE /api/v2/grants/{id}` and `/api/v2/grants?user_id=…`.

use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};

/// Answers the call for one grant.
pub(super) async fn one(call: Call) -> Result<Answer, Refusal> {
    call.identity.delete_consent(&call.caller, call.param("id")).await?;
    Ok(Answer::none())
}

/// Answers the call for all grants of a user.
pub(super) async fn of_user(call: Call) -> Result<Answer, Refusal> {
    let user = call.query.text("user_id").unwrap_or_default();
    call.identity.delete_consents_of(&call.caller, user).await?;
    Ok(Answer::none())
}
