//! `DELETE /api/v2/users/{id}/identities/{provider}/{user_id}`.

use tenantry_identity::Refusal;

use super::shape::identity;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let (provider, subject) = (call.param("provider"), call.param("user_id"));
    let left = call.identity.unlink_user(&call.caller, call.param("id"), provider, subject).await?;
    Ok(Answer::ok(left.iter().map(identity).collect::<Vec<_>>()))
}
