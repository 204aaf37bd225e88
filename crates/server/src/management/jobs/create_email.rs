//! `POST /api/v2/jobs/verification-email`.

use tenantry_identity::Refusal;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    let user = call.take_text("user_id").unwrap_or_default();
    let job = call.identity.send_verification_email(&call.caller, &user).await?;
    Ok(Answer::created(shown(&job)))
}
